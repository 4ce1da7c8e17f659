/* Goal: whatever object of whatever built-in kind goes through the protobuf form comes back with all its values, and a
 * second round gives the same bytes; no mutation of a message does harm.
 * Method: random trees drawn from the type graph itself; random damage to their messages. */
#include "tests/property/support/seed.h"

#include "engine/base/timefmt.h"
#include "sim/kubeapi/types/proto.h"

#include <stdio.h>
#include <string.h>

#define ROUNDS 1500

static cJSON *any_of(struct rng *r, struct arena *a, const struct type *t, unsigned depth);

static struct str any_word(struct rng *r, struct arena *a)
{
    static const char long_word[] = "127 or more bytes make a length of two bytes: ............"
                                    "......................................................"
                                    "......................................................";
    static const char *const words[] = {
        "a", "app", "x/y", "\xc3\xa9", "{\"", "longer than a few bytes", long_word};
    return arena_printf(a, "%s%u", words[draw(r, ARRAY_LEN(words))], (unsigned)draw(r, 100));
}

static cJSON *any_object(struct rng *r, struct arena *a, const struct type *t, unsigned depth)
{
    cJSON *v = json_object(a);
    for (size_t i = 0; i < t->fields_n; i++) {
        const struct type_field *f = &t->fields[i];
        if (str_eq_c(f->name, "apiVersion") || str_eq_c(f->name, "kind"))
            continue; /* the envelope's, at the top; below they may be fields of their own */
        if (draw(r, depth < 3 ? 3 : 6) > 0)
            continue;
        cJSON *child = any_of(r, a, f->type, depth + 1);
        if (child)
            json_set(a, v, f->name, child);
    }
    return v;
}

static cJSON *any_map(struct rng *r, struct arena *a, const struct type *t, unsigned depth)
{
    cJSON *v = json_object(a);
    for (size_t n = 1 + draw(r, 3); n > 0; n--) {
        cJSON *child = any_of(r, a, t->items, depth + 1);
        if (child)
            json_set(a, v, any_word(r, a), child);
    }
    return v->child ? v : NULL;
}

static cJSON *any_list(struct rng *r, struct arena *a, const struct type *t, unsigned depth)
{
    cJSON *v = json_array(a);
    for (size_t n = 1 + draw(r, 3); n > 0; n--) {
        cJSON *child = any_of(r, a, t->items, depth + 1);
        if (child)
            json_append(v, child);
    }
    return v->child ? v : NULL;
}

static cJSON *any_time(struct rng *r, struct arena *a, bool micro)
{
    struct buf b = {0};
    int64_t ns = (int64_t)draw(r, 4000000000) * NS_PER_S;
    if (micro)
        rfc3339_format_micro(&b, ns + (int64_t)draw(r, 1000000) * NS_PER_US);
    else
        rfc3339_format(&b, ns);
    cJSON *v = json_str(a, buf_str(&b));
    buf_free(&b);
    return v;
}

/* NULL: nothing, deep down. */
static cJSON *any_of(struct rng *r, struct arena *a, const struct type *t, unsigned depth)
{
    if (depth > 12)
        return NULL;
    switch (t->kind) {
    case TYPE_STRING:
        return json_str(a, any_word(r, a));
    case TYPE_BOOL:
        return json_bool_new(a, true);
    case TYPE_INT32:
        return json_int_new(a, (int32_t)(uint32_t)rng_u64(r) | 1);
    case TYPE_INT64:
    case TYPE_INTEGER:
        return json_int_new(a, (int64_t)(rng_u64(r) >> draw(r, 64)) | 1);
    case TYPE_NUMBER:
        return json_int_new(a, 1 + (int64_t)draw(r, 1000));
    case TYPE_QUANTITY:
        return json_str(a, STR("500m"));
    case TYPE_INT_OR_STRING:
        return draw(r, 2) ? json_str(a, STR("25%")) : json_int_new(a, (int64_t)draw(r, 70000));
    case TYPE_TIME:
    case TYPE_MICRO_TIME:
        return any_time(r, a, t->kind == TYPE_MICRO_TIME);
    case TYPE_DURATION:
        return json_str(a, STR("1m30s"));
    case TYPE_BYTES:
        return json_str(a, STR("AP8B"));
    case TYPE_RAW:
    case TYPE_FIELDS_V1:
    case TYPE_ANY: {
        cJSON *v = json_object(a);
        json_set_str(a, v, t->items ? "title" : "f:x", any_word(r, a));
        return v;
    }
    case TYPE_OBJECT:
        return any_object(r, a, t, depth);
    case TYPE_MAP:
        return any_map(r, a, t, depth);
    case TYPE_LIST:
        return any_list(r, a, t, depth);
    }
    return NULL;
}

/* Everything of `part` is in `whole`: what is added are zeros that are always written. */
static bool within(const cJSON *part, const cJSON *whole)
{
    if (part->type != cJSON_Object && part->type != cJSON_Array)
        return json_equal(part, whole);
    if (!whole || part->type != whole->type)
        return false;
    const cJSON *w = whole->child;
    for (const cJSON *c = part->child; c; c = c->next) {
        const cJSON *other = part->type == cJSON_Array ? w : json_get(whole, c->string);
        if (!other || !within(c, other))
            return false;
        w = w ? w->next : NULL;
    }
    return part->type == cJSON_Object || !w;
}

static cJSON *decode(struct arena *a, const struct type *t, struct str bytes)
{
    cJSON *tree = NULL;
    struct err *err = proto_decode(a, t, bytes, &tree);
    if (err)
        print_error("%s\n", err->message);
    assert_null(err);
    return tree;
}

static void show(const struct type *t, const cJSON *x, const cJSON *y)
{
    struct buf b = {0};
    json_write(&b, x);
    buf_add_c(&b, "\n");
    json_write(&b, y);
    fail_msg(STR_FMT ":\n%s", STR_ARG(t->name), buf_c(&b));
}

static void round_trip(struct rng *r, const struct type *t)
{
    struct arena a = {0};
    struct buf one = {0}, two = {0};
    cJSON *x = any_object(r, &a, t, 0);
    proto_encode(t, x, &one);
    cJSON *y = decode(&a, t, buf_str(&one));
    if (!within(x, y))
        show(t, x, y);
    proto_encode(t, y, &two);
    if (!str_eq(buf_str(&one), buf_str(&two)) || !json_equal(y, decode(&a, t, buf_str(&two))))
        show(t, x, y);
    buf_free(&one);
    buf_free(&two);
    arena_free(&a);
}

static void try_every_kind(struct rng *r)
{
    const struct type *all[2048];
    size_t n = 0;
    for (size_t i = 0; n < ARRAY_LEN(all);) {
        const struct type *t = type_next(&i);
        if (!t)
            break;
        if (t->kind == TYPE_OBJECT && t->fields_n > 0 && proto_knows(t))
            all[n++] = t;
    }
    assert_true(n > 300);
    for (size_t i = 0; i < n; i++)
        round_trip(r, all[i]);
    for (int i = 0; i < ROUNDS; i++)
        round_trip(r, all[draw(r, n)]);
}

static void try_damage(struct rng *r)
{
    const struct type *t = type_builtin(STR("apps"), STR("v1"), STR("Deployment"));
    for (int i = 0; i < ROUNDS; i++) {
        struct arena a = {0};
        struct buf b = {0}, again = {0};
        cJSON *tree = NULL;
        proto_encode(t, any_object(r, &a, t, 0), &b);
        for (size_t n = 1 + draw(r, 4); n > 0 && b.n > 0; n--)
            b.p[draw(r, b.n)] = (char)rng_u64(r);
        if (draw(r, 3) == 0)
            b.n = draw(r, b.n + 1);
        struct err *err = proto_decode(&a, t, buf_str(&b), &tree);
        if (!err)
            proto_encode(t, tree, &again);
        err_free(err);
        buf_free(&b);
        buf_free(&again);
        arena_free(&a);
    }
}

static void every_kind_keeps_its_values(void **state)
{
    each_seed(2, try_every_kind);
}

static void damage_does_no_harm(void **state)
{
    each_seed(2, try_damage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_keeps_its_values),
        cmocka_unit_test(damage_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
