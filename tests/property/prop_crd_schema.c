/* Goal: whatever the schema and the value: pruning is idempotent and leaves nothing unknown, what is pruned keeps validating
 * the same, validation says the same twice, and a value that did not change is never refused.
 * Method: random structural schemas (all kinds, defaults, lists of every type, branches) and values that half fit them. */
#include "tests/property/support/seed.h"

#include "sim/kubeapi/types/crd_schema.h"
#include "sim/kubeapi/types/prune.h"

static const char *const names[] = {"a", "b", "c", "d", "e"};

static cJSON *any_value(struct arena *a, struct rng *r, unsigned depth)
{
    static const char *const numbers[] = {"0", "1", "-3", "1.0", "2.50", "1e3", "99999999999"};
    cJSON *v, *number;
    switch (draw(r, depth > 4 ? 5 : 7)) {
    case 0:
        return json_null(a);
    case 1:
        return json_bool_new(a, rng_chance(r, 500000));
    case 2:
        number = json_int_new(a, 0);
        number->valuestring = arena_c(a, str_c(numbers[draw(r, ARRAY_LEN(numbers))]));
        return number;
    case 3:
    case 4:
        return json_str(a, str_c(names[draw(r, ARRAY_LEN(names))]));
    case 5:
        v = json_array(a);
        for (size_t n = draw(r, 4); n > 0; n--)
            json_append(v, any_value(a, r, depth + 1));
        return v;
    default:
        v = json_object(a);
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
            if (rng_chance(r, 500000))
                json_set(a, v, str_c(names[i]), any_value(a, r, depth + 1));
        return v;
    }
}

static cJSON *any_schema(struct arena *a, struct rng *r, unsigned depth);

static void add_object_parts(struct arena *a, struct rng *r, cJSON *s, unsigned depth)
{
    cJSON *properties = json_object(a), *needed = json_array(a);
    if (rng_chance(r, 200000)) {
        json_set(a, s, STR("additionalProperties"), any_schema(a, r, depth + 1));
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (rng_chance(r, 500000))
            json_set(a, properties, str_c(names[i]), any_schema(a, r, depth + 1));
    json_append(needed, json_str(a, str_c(names[draw(r, ARRAY_LEN(names))])));
    json_set(a, s, STR("properties"), properties);
    if (rng_chance(r, 300000))
        json_set(a, s, STR("required"), needed);
    if (rng_chance(r, 200000))
        json_set_bool(a, s, "x-kubernetes-preserve-unknown-fields", true);
}

static void add_list_parts(struct arena *a, struct rng *r, cJSON *s, unsigned depth)
{
    cJSON *keys = json_array(a);
    json_set(a, s, STR("items"), any_schema(a, r, depth + 1));
    if (rng_chance(r, 300000)) {
        json_set_str(a, s, "x-kubernetes-list-type", STR("set"));
    } else if (rng_chance(r, 300000)) {
        json_append(keys, json_str(a, STR("a")));
        json_set_str(a, s, "x-kubernetes-list-type", STR("map"));
        json_set(a, s, STR("x-kubernetes-list-map-keys"), keys);
    }
    if (rng_chance(r, 300000))
        json_set_int(a, s, "maxItems", (int64_t)draw(r, 4));
}

static void add_rules(struct arena *a, struct rng *r, cJSON *s)
{
    cJSON *list = json_array(a), *branch = json_object(a), *needed = json_array(a);
    if (rng_chance(r, 200000))
        json_set_int(a, s, "maximum", (int64_t)draw(r, 4));
    if (rng_chance(r, 200000))
        json_set_str(a, s, "pattern", STR("^[a-c]$"));
    json_append(needed, json_str(a, STR("b")));
    json_set(a, branch, STR("required"), needed);
    json_append(list, branch);
    if (rng_chance(r, 100000))
        json_set(a, s, rng_chance(r, 500000) ? STR("anyOf") : STR("oneOf"), list);
    if (rng_chance(r, 200000))
        json_set_bool(a, s, "nullable", true);
}

static cJSON *any_schema(struct arena *a, struct rng *r, unsigned depth)
{
    static const char *const scalars[] = {"string", "integer", "number", "boolean"};
    cJSON *s = json_object(a);
    size_t what = depth == 0 ? 0 : draw(r, depth > 3 ? 3 : 6) + (depth > 3 ? 3 : 0);
    if (what == 0 || what == 1) {
        json_set_str(a, s, "type", STR("object"));
        add_object_parts(a, r, s, depth);
    } else if (what == 2) {
        json_set_str(a, s, "type", STR("array"));
        add_list_parts(a, r, s, depth);
    } else if (what == 3) {
        json_set_bool(a, s, "x-kubernetes-int-or-string", true);
    } else {
        json_set_str(a, s, "type", str_c(scalars[draw(r, ARRAY_LEN(scalars))]));
    }
    if (depth > 0)
        add_rules(a, r, s);
    return s;
}

/* A default that the schema itself accepts and knows all of, as definitions must have. */
static void add_defaults(struct arena *a, struct rng *r, cJSON *s)
{
    const struct crd_schema_options options = {0};
    const struct type_check check = {.keys_held = true};
    cJSON *properties = json_get(s, "properties");
    for (cJSON *p = properties ? properties->child : NULL; p; p = p->next) {
        struct type_report report = {.a = a};
        add_defaults(a, r, p);
        cJSON *v = any_value(a, r, 3);
        const struct type *t = crd_schema_compile_part(&options, a, p);
        (void)type_prune(a, t, v, PRUNE_ALL, NULL);
        type_validate(&check, t, v, NULL, NULL, &report);
        if (report.n == 0 && v->type != cJSON_NULL && rng_chance(r, 500000))
            json_set(a, p, STR("default"), v);
    }
}

static void text_of(const struct type_report *report, struct buf *out)
{
    buf_clear(out);
    for (size_t i = 0; i < report->n; i++)
        buf_addf(out, STR_FMT ": " STR_FMT "\n", STR_ARG(report->list[i].field),
                 STR_ARG(report->list[i].message));
}

static void try_value(struct arena *a, struct rng *r, const struct type *t)
{
    const struct type_check check = {.keys_held = true};
    struct type_report first = {.a = a}, second = {.a = a}, same = {.a = a};
    struct prune_report unknown = {.a = a};
    struct buf x = {0}, y = {0};
    cJSON *v = json_object(a);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        json_set(a, v, str_c(names[i]), any_value(a, r, 1));
    (void)type_prune(a, t, v, PRUNE_ALL, NULL);
    json_write(&x, v);
    assert_false(type_prune(a, t, v, PRUNE_ALL, &unknown));
    assert_int_equal(unknown.n, 0);
    json_write(&y, v);
    check_str_eq(buf_str(&x), buf_str(&y));
    type_validate(&check, t, v, NULL, NULL, &first);
    type_validate(&check, t, json_copy(a, v), NULL, NULL, &second);
    text_of(&first, &x);
    text_of(&second, &y);
    check_str_eq(buf_str(&x), buf_str(&y));
    type_validate(&check, t, v, json_copy(a, v), NULL, &same);
    assert_int_equal(same.n, 0);
    buf_free(&x);
    buf_free(&y);
}

static void try_schema(struct rng *r)
{
    const struct crd_schema_options options = {0};
    for (int i = 0; i < 60; i++) {
        struct arena a = {0};
        struct type_report report = {.a = &a};
        cJSON *s = any_schema(&a, r, 0);
        add_defaults(&a, r, s);
        crd_schema_check(&options, s, STR("s"), &report); /* says what it likes */
        const struct type *t = crd_schema_compile(&options, &a, s);
        for (int k = 0; k < 20; k++)
            try_value(&a, r, t);
        arena_free(&a);
    }
}

static void values_settle(void **state)
{
    each_seed(20, try_schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
