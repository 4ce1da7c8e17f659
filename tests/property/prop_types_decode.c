/* Goal: whatever a body holds, decoding ends with an error or with a tree that decoding and defaults leave alone from then on;
 * nothing unknown is left, what is always written is there, and what cannot be empty is not.
 * Method: random trees that follow a random kind's type, with members, values and forms that do not. */
#include "tests/property/support/seed.h"

#include "sim/kubeapi/types/decode.h"
#include "sim/kubeapi/types/defaults.h"

#include <stdio.h>

#define ROUNDS    3000
#define DEPTH_MAX 8u

static cJSON *any_of(struct rng *r, struct arena *a, const struct type *t, unsigned depth);

static cJSON *raw(struct arena *a, const char *text)
{
    cJSON *v = json_int_new(a, 0);
    v->valuestring = arena_c(a, str_c(text));
    return v;
}

#define PICK(r, list) (list)[draw((r), ARRAY_LEN(list))]

/* Something that need not fit. */
static cJSON *noise(struct rng *r, struct arena *a)
{
    static const char *const numbers[] = {"0", "-0", "1.5", "1e3", "2147483648", "-1"};
    cJSON *v;
    switch (draw(r, 6)) {
    case 0:
        return json_null(a);
    case 1:
        return json_bool_new(a, rng_chance(r, 500000));
    case 2:
        return raw(a, PICK(r, numbers));
    case 3:
        return json_str(a, STR("noise"));
    case 4:
        return json_array(a);
    default:
        v = json_object(a);
        json_set_int(a, v, "odd", 1);
        return v;
    }
}

static cJSON *scalar(struct rng *r, struct arena *a, const struct type *t)
{
    static const char *const quantities[] = {"0",     "1024Mi", "0.5", "1500m", "1e3", "-1Ki",
                                             "1.5Gi", "1E",     "1n",  "0.1n",  ".5"};
    static const char *const times[] = {"2024-02-29T23:30:00Z", "2024-01-01T00:00:00.5+01:30",
                                        "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"};
    static const char *const micros[] = {"2024-02-29T23:30:00.000001Z",
                                         "2024-01-01T00:00:00.999999+01:30"};
    static const char *const numbers[] = {"0", "-0", "7", "-2147483648", "2147483647"};
    static const char *const floats[] = {"0", "0.0", "1.50", "1e21", "1e-7", "-12345.678e-2"};
    static const char *const bytes[] = {"", "YQ==", "YR==", "YWI=", "YWJj", "Y\nQ=="};
    static const char *const texts[] = {"", "a", "RollingUpdate", "LoadBalancer", "User"};
    switch (t->kind) {
    case TYPE_BOOL:
        return json_bool_new(a, rng_chance(r, 500000));
    case TYPE_INT32:
    case TYPE_INT64:
    case TYPE_INTEGER:
        return raw(a, PICK(r, numbers));
    case TYPE_NUMBER:
        return raw(a, PICK(r, floats));
    case TYPE_QUANTITY:
        return rng_chance(r, 200000) ? raw(a, PICK(r, floats))
                                     : json_str(a, str_c(PICK(r, quantities)));
    case TYPE_INT_OR_STRING:
        return rng_chance(r, 500000) ? raw(a, PICK(r, numbers)) : json_str(a, STR("25%"));
    case TYPE_TIME:
        return json_str(a, str_c(PICK(r, times)));
    case TYPE_MICRO_TIME:
        return json_str(a, str_c(PICK(r, micros)));
    case TYPE_BYTES:
        return json_str(a, str_c(PICK(r, bytes)));
    case TYPE_ANY:
    case TYPE_RAW:
    case TYPE_FIELDS_V1:
        return noise(r, a);
    default:
        return json_str(a, str_c(PICK(r, texts)));
    }
}

static cJSON *any_object(struct rng *r, struct arena *a, const struct type *t, unsigned depth)
{
    cJSON *v = json_object(a);
    if (rng_chance(r, 100000))
        json_set(a, v, STR("odd"), noise(r, a));
    if (depth == DEPTH_MAX || t->fields_n == 0)
        return v;
    for (size_t n = draw(r, 6); n > 0; n--) {
        const struct type_field *f = &t->fields[draw(r, t->fields_n)];
        json_set(a, v, f->name, any_of(r, a, f->type, depth + 1));
    }
    return v;
}

static cJSON *any_of(struct rng *r, struct arena *a, const struct type *t, unsigned depth)
{
    static const char *const keys[] = {"a", "b", "c"};
    if (rng_chance(r, 3000))
        return noise(r, a);
    if (rng_chance(r, 30000))
        return json_null(a);
    if (t->kind == TYPE_OBJECT)
        return any_object(r, a, t, depth);
    if (t->kind != TYPE_LIST && t->kind != TYPE_MAP)
        return scalar(r, a, t);
    cJSON *v = t->kind == TYPE_LIST ? json_array(a) : json_object(a);
    for (size_t n = depth < DEPTH_MAX ? draw(r, 3) : 0; n > 0; n--) {
        cJSON *item = any_of(r, a, t->items, depth + 1);
        if (t->kind == TYPE_LIST)
            json_append(v, item);
        else
            json_set(a, v, str_c(PICK(r, keys)), item);
    }
    return v;
}

static void check_clean(const struct type *t, const cJSON *v)
{
    if (v->type == cJSON_NULL)
        return;
    if (t->kind == TYPE_LIST || t->kind == TYPE_MAP)
        for (const cJSON *c = v->child; c; c = c->next)
            check_clean(t->items, c);
    if (t->kind != TYPE_OBJECT)
        return;
    for (const cJSON *c = v->child; c; c = c->next) {
        const struct type_field *f = type_field_find(t, str_c(c->string));
        assert_non_null(f);
        assert_true(f->flags & FIELD_ALWAYS || (c->type != cJSON_NULL && !type_is_empty(f, c)));
        check_clean(f->type, c);
    }
    for (size_t i = 0; i < t->fields_n; i++)
        assert_true(!(t->fields[i].flags & FIELD_ALWAYS) || json_get_str(v, t->fields[i].name));
}

static void write_text(const cJSON *v, struct buf *out)
{
    buf_clear(out);
    json_write(out, v);
}

static void decode_again(struct arena *a, const struct type *t, cJSON *tree, struct buf *before)
{
    struct decode_report report = {0};
    if (!type_decode(a, t, tree, &report)) {
        print_error("%s: " STR_FMT "\n", buf_c(before), STR_ARG(report.error));
        fail();
    }
    assert_int_equal(report.strict_n, 0);
}

static bool check_one(struct rng *r, const struct type *t)
{
    struct arena a = {0};
    struct buf first = {0}, again = {0};
    struct decode_report report = {0};
    cJSON *tree = any_object(r, &a, t, 0);
    bool ok = type_decode(&a, t, tree, &report);
    assert_true(ok || report.error.n > 0);
    if (ok) {
        check_clean(t, tree);
        write_text(tree, &first);
        decode_again(&a, t, tree, &first);
        write_text(tree, &again);
        assert_string_equal(buf_c(&first), buf_c(&again));
        type_default(&a, t, tree);
        write_text(tree, &first);
        decode_again(&a, t, tree, &first);
        type_default(&a, t, tree);
        write_text(tree, &again);
        assert_string_equal(buf_c(&first), buf_c(&again));
    }
    buf_free(&first);
    buf_free(&again);
    arena_free(&a);
    return ok;
}

static void try_seed(struct rng *r)
{
    const struct type *objects[1024];
    size_t n = 0, i = 0, decoded = 0;
    for (const struct type *t; (t = type_next(&i));)
        if (t->kind == TYPE_OBJECT && n < ARRAY_LEN(objects))
            objects[n++] = t;
    for (size_t round = 0; round < ROUNDS; round++)
        decoded += check_one(r, objects[draw(r, n)]);
    assert_true(decoded > ROUNDS / 2);
}

static void decoding_settles(void **state)
{
    each_seed(5, try_seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoding_settles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
