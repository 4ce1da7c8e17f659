/* Goal: sets of fields, ownership and server-side apply behave as the API's.
 * Method: tables on the built-in types: the set of an object, what a write changes, and a script of writes with the owners
 * that each of them leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/kubeapi/types/merge.h"

#include <string.h>

static const struct type *type_of(const char *kind)
{
    bool apps = strcmp(kind, "Deployment") == 0;
    const struct type *t = type_builtin(apps ? STR("apps") : str_empty, STR("v1"), str_c(kind));
    assert_non_null(t);
    return t;
}

static cJSON *parse(struct arena *a, const char *json)
{
    cJSON *v;
    assert_null(json_parse(a, str_c(json), &v));
    return v;
}

static void expect(const char *about, struct buf *got, const char *expected)
{
    if (strcmp(buf_c(got), expected) != 0)
        fail_msg("%s:\n got      %s\n expected %s", about, buf_c(got), expected);
    buf_free(got);
}

static void test_sets(void **state)
{
    static const struct {
        const char *about, *kind, *object, *set;
    } rows[] = {
        {"leaves of a map", "ConfigMap", "{\"data\":{\"a\":\"1\",\"b\":\"2\"}}",
         "{\"f:data\":{\"f:a\":{},\"f:b\":{}}}"},
        {"an empty map", "ConfigMap", "{\"data\":{}}", "{\"f:data\":{}}"},
        {"keys with defaults, atomic selector", "Deployment",
         "{\"spec\":{\"selector\":{\"matchLabels\":{\"a\":\"b\"}},\"template\":{\"spec\":{"
         "\"containers\":[{\"name\":\"c\",\"ports\":[{\"containerPort\":80}]}]}}}}",
         "{\"f:spec\":{\"f:selector\":{},\"f:template\":{\"f:spec\":{\"f:containers\":{\"k:{"
         "\\\"name\\\":\\\"c\\\"}\":{\".\":{},\"f:name\":{},\"f:ports\":{\"k:{\\\"containerPort\\\""
         ":80,\\\"protocol\\\":\\\"TCP\\\"}\":{\".\":{},\"f:containerPort\":{}}}}}}}}}"},
        {"a set of scalars", "ConfigMap",
         "{\"metadata\":{\"finalizers\":[\"x/y\"],\"name\":\"n\"}}",
         "{\"f:metadata\":{\"f:finalizers\":{\"v:\\\"x/y\\\"\":{}}}}"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a = {0};
        struct buf out = {0};
        const struct fieldset *back,
            *s = typed_strip(&a, typed_set(&a, type_of(rows[i].kind), parse(&a, rows[i].object)));
        fieldset_write(&out, s);
        assert_null(fieldset_parse(&a, parse(&a, buf_c(&out)), &back));
        assert_true(fieldset_equal(s, back));
        expect(rows[i].about, &out, rows[i].set);
        arena_free(&a);
    }
}

static void test_membership_counts(void **state)
{
    struct arena a = {0};
    const struct fieldset *x, *y;
    (void)state;
    assert_null(fieldset_parse(&a, parse(&a, "{\"f:data\":{\"f:a\":{}}}"), &x));
    assert_null(fieldset_parse(&a, parse(&a, "{\"f:data\":{\".\":{},\"f:a\":{}}}"), &y));
    assert_true(fieldset_equal(x, x));
    assert_false(fieldset_equal(x, y));
    arena_free(&a);
}

static void test_changes(void **state)
{
    static const struct {
        const char *about, *kind, *before, *after, *changed, *removed;
    } rows[] = {
        {"a new object: maps are owned themselves, Go's structs are not", "Deployment", "{}",
         "{\"metadata\":{\"labels\":{\"l\":\"1\"},\"name\":\"d\"},\"spec\":{\"replicas\":1,"
         "\"strategy\":{\"rollingUpdate\":{\"maxSurge\":1}},\"template\":{\"spec\":{"
         "\"containers\":[{\"env\":[{\"name\":\"E\",\"value\":\"1\"}],\"name\":\"c\",\"resources\":"
         "{}"
         "}],\"securityContext\":{}}}},\"status\":{}}",
         "{\"f:metadata\":{\"f:labels\":{\".\":{},\"f:l\":{}}},\"f:spec\":{\"f:replicas\":{},"
         "\"f:strategy\":{\"f:rollingUpdate\":{\".\":{},\"f:maxSurge\":{}}},\"f:template\":{"
         "\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"c\\\"}\":{\".\":{},\"f:env\":{\".\":{"
         "},"
         "\"k:{\\\"name\\\":\\\"E\\\"}\":{\".\":{},\"f:name\":{},\"f:value\":{}}},\"f:name\":{},"
         "\"f:resources\":{}}},\"f:securityContext\":{}}}}}",
         "{}"},
        {"a value", "ConfigMap", "{\"data\":{\"a\":\"1\",\"b\":\"1\"}}",
         "{\"data\":{\"a\":\"2\",\"b\":\"1\"}}", "{\"f:data\":{\"f:a\":{}}}", "{}"},
        {"the last key goes with its map", "ConfigMap", "{\"data\":{\"a\":\"1\"}}", "{}", "{}",
         "{\"f:data\":{\".\":{},\"f:a\":{}}}"},
        {"an item goes with all that is in it", "Deployment",
         "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"image\":\"x\",\"name\":\"a\"}]}}}}",
         "{\"spec\":{\"template\":{\"spec\":{\"containers\":[]}}}}", "{}",
         "{\"f:spec\":{\"f:template\":{\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"a\\\"}"
         "\":{"
         "\".\":{},\"f:image\":{},\"f:name\":{}}}}}}}"},
        {"order is nobody's", "Deployment",
         "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]}}}"
         "}",
         "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"b\"},{\"name\":\"a\"}]}}}"
         "}",
         "{}", "{}"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a = {0};
        struct buf changed = {0}, removed = {0};
        struct typed_changes c;
        typed_compare(&a, type_of(rows[i].kind), parse(&a, rows[i].before),
                      parse(&a, rows[i].after), true, &c);
        fieldset_write(&changed, typed_strip(&a, c.changed));
        fieldset_write(&removed, c.removed);
        expect(rows[i].about, &changed, rows[i].changed);
        expect(rows[i].about, &removed, rows[i].removed);
        arena_free(&a);
    }
}

/* ---- scripts ---- */

struct step {
    const char *manager,
        *json; /* a manager starting with '!': forced; with '=': an Update to this object */
    const char *result; /* the object, or "conflict ..." */
    const char *owners; /* manager: set; in the order of writing; NULL: not looked at */
};

static void print_conflict(void *owner, struct str path)
{
    buf_addf(owner, " " STR_FMT, STR_ARG(path));
}

static void do_apply(struct arena *a, const struct type *t, const struct step *s, cJSON **live,
                     struct owners *owners, struct buf *out)
{
    bool force = s->manager[0] == '!', changed;
    struct merge_conflicts conflicts;
    struct owners copy = *owners;
    cJSON *result;
    copy.list = ARENA_NEW_ARRAY(a, struct owner, owners->n + 1);
    copy.cap = owners->n + 1;
    if (owners->n)
        memcpy(copy.list, owners->list, owners->n * sizeof(*copy.list));
    struct merge_apply m = {.type = t,
                            .live = *live,
                            .patch = parse(a, s->json),
                            .self = {str_c(s->manager + force), STR("v1"), str_empty, true,
                                     STR("2026-01-01T00:00:00Z"), NULL},
                            .force = force};
    merge_apply(a, &m, &copy, &result, &changed, &conflicts);
    for (size_t i = 0; i < conflicts.n; i++) {
        buf_add_c(out, i ? "; " : "conflict ");
        owner_print(out, &conflicts.list[i].who);
        fieldset_each(conflicts.list[i].set, print_conflict, out);
    }
    if (conflicts.n > 0)
        return;
    *owners = copy;
    *live = result;
    json_write(out, result);
}

static void do_update(struct arena *a, const struct type *t, const struct step *s, cJSON **live,
                      struct owners *owners, struct buf *out)
{
    struct typed_changes c;
    cJSON *fresh = parse(a, s->json);
    struct owner who = {str_c(s->manager + 1),       STR("v1"), str_empty, false,
                        STR("2026-01-01T00:00:00Z"), NULL};
    typed_compare(a, t, *live, fresh, true, &c);
    (void)owners_update(a, owners, &who, &c);
    *live = fresh;
    json_write(out, fresh);
}

static void run_script(const char *about, const char *kind, const struct step *steps, size_t n)
{
    struct arena a = {0};
    struct owners owners = {0};
    const struct type *t = type_of(kind);
    cJSON *live = parse(&a, "{}");
    for (size_t i = 0; i < n; i++) {
        struct buf out = {0}, who = {0};
        if (steps[i].manager[0] == '=')
            do_update(&a, t, &steps[i], &live, &owners, &out);
        else
            do_apply(&a, t, &steps[i], &live, &owners, &out);
        expect(about, &out, steps[i].result);
        for (size_t k = 0; k < owners.n && steps[i].owners; k++) {
            buf_addf(&who, "%s" STR_FMT " ", k ? " " : "", STR_ARG(owners.list[k].manager));
            fieldset_write(&who, owners.list[k].set);
        }
        if (steps[i].owners)
            expect(about, &who, steps[i].owners);
        buf_free(&who);
    }
    arena_free(&a);
}

#define SCRIPT(about, kind, ...)                                                                   \
    do {                                                                                           \
        static const struct step steps[] = {__VA_ARGS__};                                          \
        run_script(about, kind, steps, ARRAY_LEN(steps));                                          \
    } while (0)

static void test_apply_maps(void **state)
{
    (void)state;
    SCRIPT("what is left out goes", "ConfigMap",
           {"m1", "{\"data\":{\"k\":\"v\",\"l\":\"w\"}}", "{\"data\":{\"k\":\"v\",\"l\":\"w\"}}",
            "m1 {\"f:data\":{\"f:k\":{},\"f:l\":{}}}"},
           {"m1", "{\"data\":{\"k\":\"v\"}}", "{\"data\":{\"k\":\"v\"}}",
            "m1 {\"f:data\":{\"f:k\":{}}}"},
           {"m1", "{}", "{}", ""});
    SCRIPT("what others share stays", "ConfigMap",
           {"m1", "{\"data\":{\"k\":\"v\",\"l\":\"w\"}}", "{\"data\":{\"k\":\"v\",\"l\":\"w\"}}",
            NULL},
           {"m2", "{\"data\":{\"k\":\"v\"}}", "{\"data\":{\"k\":\"v\",\"l\":\"w\"}}", NULL},
           {"m1", "{\"data\":{\"l\":\"w\"}}", "{\"data\":{\"k\":\"v\",\"l\":\"w\"}}",
            "m1 {\"f:data\":{\"f:l\":{}}} m2 {\"f:data\":{\"f:k\":{}}}"},
           {"m2", "{}", "{\"data\":{\"l\":\"w\"}}", "m1 {\"f:data\":{\"f:l\":{}}}"});
    SCRIPT("conflicts, and force", "ConfigMap",
           {"m1", "{\"data\":{\"k\":\"v\",\"l\":\"w\"}}", "{\"data\":{\"k\":\"v\",\"l\":\"w\"}}",
            NULL},
           {"m2", "{\"data\":{\"k\":\"x\",\"l\":\"y\"}}", "conflict \"m1\" .data.k .data.l", NULL},
           {"!m2", "{\"data\":{\"k\":\"x\"}}", "{\"data\":{\"k\":\"x\",\"l\":\"w\"}}",
            "m1 {\"f:data\":{\"f:l\":{}}} m2 {\"f:data\":{\"f:k\":{}}}"});
    SCRIPT("an update takes, and removes, without asking", "ConfigMap",
           {"m1", "{\"data\":{\"k\":\"v\",\"l\":\"w\"}}", "{\"data\":{\"k\":\"v\",\"l\":\"w\"}}",
            NULL},
           {"=up", "{\"data\":{\"k\":\"u\"}}", "{\"data\":{\"k\":\"u\"}}",
            "up {\"f:data\":{\"f:k\":{}}}"},
           {"m1", "{\"data\":{\"k\":\"v\"}}", "conflict \"up\" using v1 .data.k", NULL});
    SCRIPT("an empty map is owned as a whole", "ConfigMap",
           {"m1", "{\"data\":{}}", "{\"data\":{}}", "m1 {\"f:data\":{}}"}, {"m1", "{}", "{}", ""});
}

#define PODS(containers) "{\"spec\":{\"template\":{\"spec\":{\"containers\":[" containers "]}}}}"
#define A                "{\"image\":\"1\",\"name\":\"a\"}"
#define B                "{\"image\":\"1\",\"name\":\"b\"}"
#define C                "{\"image\":\"1\",\"name\":\"c\"}"

static void test_apply_lists(void **state)
{
    (void)state;
    SCRIPT("items of two managers", "Deployment", {"m1", PODS(A), PODS(A), NULL},
           {"m2", PODS(B), PODS(A "," B), NULL}, {"m1", PODS(A "," C), PODS(A "," B "," C), NULL},
           {"m1", PODS(C "," A), PODS(B "," C "," A), NULL}, {"m2", "{}", PODS(C "," A), NULL},
           {"m1", "{}", "{}", ""});
    SCRIPT("the order of the patch is kept among what it names", "Deployment",
           {"m1", PODS(A "," B "," C), PODS(A "," B "," C), NULL},
           {"m2", PODS(C "," A), PODS(B "," C "," A), NULL});
    SCRIPT("one port of two", "Deployment",
           {"m1",
            PODS("{\"name\":\"a\",\"ports\":[{\"containerPort\":80},{\"containerPort\":80,"
                 "\"protocol\":\"UDP\"}]}"),
            PODS("{\"name\":\"a\",\"ports\":[{\"containerPort\":80},{\"containerPort\":80,"
                 "\"protocol\":\"UDP\"}]}"),
            NULL},
           {"m1", PODS("{\"name\":\"a\",\"ports\":[{\"containerPort\":80,\"protocol\":\"UDP\"}]}"),
            PODS("{\"name\":\"a\",\"ports\":[{\"containerPort\":80,\"protocol\":\"UDP\"}]}"),
            NULL});
    SCRIPT("sets unite", "ConfigMap",
           {"m1", "{\"metadata\":{\"finalizers\":[\"x/a\"]}}",
            "{\"metadata\":{\"finalizers\":[\"x/a\"]}}", NULL},
           {"m2", "{\"metadata\":{\"finalizers\":[\"x/b\"]}}",
            "{\"metadata\":{\"finalizers\":[\"x/a\",\"x/b\"]}}", NULL},
           {"m1", "{}", "{\"metadata\":{\"finalizers\":[\"x/b\"]}}", NULL});
}

static void test_check(void **state)
{
    static const struct {
        const char *kind, *object, *error;
    } rows[] = {
        {"Deployment", "{\"spec\":{\"replicas\":\"two\"}}",
         ".spec.replicas: expected numeric (int or float), got string"},
        {"ConfigMap", "{\"data\":[\"x\"]}", ".data: expected map, got &{[x]}"},
        {"ConfigMap", "{\"odd\":1}", ".odd: field not declared in schema"},
        {"Deployment", PODS(A "," A),
         ".spec.template.spec.containers: duplicate entries for key [name=\"a\"]"},
        {"Deployment", PODS("{\"image\":\"x\"}"),
         ".spec.template.spec.containers: element 0: associative list with keys has an element "
         "that "
         "omits key field \"name\" (and doesn't have default value)"},
        {"Deployment", PODS("{\"name\":\"a\",\"odd\":1}"),
         ".spec.template.spec.containers[name=\"a\"].odd: field not declared in schema"},
        {"Deployment", PODS(A), ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a = {0};
        struct buf out = {0};
        struct err *err = merge_check(type_of(rows[i].kind), parse(&a, rows[i].object));
        buf_add_c(&out, err ? err->message : "");
        expect(rows[i].object, &out, rows[i].error);
        err_free(err);
        arena_free(&a);
    }
}

static void test_ancient(void **state)
{
    struct arena a = {0};
    struct owners o = {0};
    (void)state;
    for (size_t i = 0; i < 13; i++) {
        const char *path[3] = {"data", arena_c(&a, arena_printf(&a, "k%zu", i)), NULL};
        struct owner who = {arena_printf(&a, "m%02zu", i),
                            STR("v1"),
                            str_empty,
                            false,
                            arena_printf(&a, "2026-01-01T00:00:%02zuZ", i),
                            NULL};
        owners_get(&a, &o, &who)->set = fieldset_path(&a, path);
        owners_cap(&a, &o);
    }
    struct buf out = {0};
    owners_write(&out, &o);
    assert_int_equal(o.n, OWNERS_UPDATES);
    assert_string_equal(o.list[0].manager.p, "ancient-changes");
    assert_string_equal(o.list[0].time.p, "2026-01-01T00:00:03Z"); /* of the last that joined */
    assert_non_null(
        fieldset_child(fieldset_child(o.list[0].set, 'f', STR("data")), 'f', STR("k3")));
    buf_free(&out);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets),        cmocka_unit_test(test_membership_counts),
        cmocka_unit_test(test_changes),     cmocka_unit_test(test_apply_maps),
        cmocka_unit_test(test_apply_lists), cmocka_unit_test(test_check),
        cmocka_unit_test(test_ancient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
