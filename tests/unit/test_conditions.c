/* Goal: conditions are read from an object's bytes, and an edit writes what changed, with the right times, and nothing
 * when only times would change.
 * Method: small objects in, the merge patch's text out, compared byte by byte. */
#include "tests/unit/support/check.h"

#include "engine/kube/conditions.h"

#define OLD  "2026-01-01T00:00:00Z"
#define WALL (INT64_C(1767225600) * 1000000000 + INT64_C(60) * 1000000000) /* a minute later */
#define NOW  "2026-01-01T00:01:00Z"

static struct kube_object *object(const char *conditions)
{
    struct buf text = {0};
    struct kube_object *o = NULL;
    buf_addf(
        &text,
        "{\"kind\":\"Cluster\",\"metadata\":{\"name\":\"c-1\",\"resourceVersion\":\"7\"}%s%s%s}",
        conditions ? ",\"status\":{\"conditions\":" : "", conditions ? conditions : "",
        conditions ? "}" : "");
    check_ok(kube_object_from_json(buf_str(&text), &o));
    buf_free(&text);
    return o;
}

static void test_reads(void **state)
{
    (void)state;
    struct kube_object *o = object("[{\"type\":\"Ready\",\"status\":\"False\",\"reason\":\"R\","
                                   "\"message\":\"a \\\"b\\\"\"},7,{\"type\":\"Waiting\"}]");
    struct condition c;
    assert_true(condition_get(o, "Ready", &c));
    check_str(c.status, "False");
    check_str(c.reason, "R");
    struct buf message = {0};
    condition_message(&c, &message);
    check_str(buf_str(&message), "a \"b\"");
    buf_free(&message);
    assert_true(condition_is(o, "Ready", "False"));
    assert_false(condition_is(o, "Ready", "True"));
    assert_true(condition_get(o, "Waiting", &c));
    check_str(c.status, "");
    assert_false(condition_get(o, "Connected", &c));
    kube_object_unref(o);
}

static void test_reads_what_is_not_there(void **state)
{
    static const char *const odd[] = {NULL, "[]", "{}", "\"x\"", "null"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        struct kube_object *o = object(odd[i]);
        struct condition c;
        assert_false(condition_get(o, "Ready", &c));
        kube_object_unref(o);
    }
}

static const struct row {
    const char *name;
    const char *before; /* the list; NULL: none */
    const char *status, *reason, *message;
    const char *after; /* the list in the patch; NULL: nothing is written */
} rows[] = {
    {"made", NULL, "True", "", "",
     "[{\"lastTransitionTime\":\"" NOW "\",\"lastUpdateTime\":\"" NOW
     "\",\"status\":\"True\",\"type\":\"Ready\"}]"},
    {"same", "[{\"type\":\"Ready\",\"status\":\"True\",\"lastUpdateTime\":\"" OLD "\"}]", "True",
     "", "", NULL},
    {"same with texts",
     "[{\"type\":\"Ready\",\"status\":\"False\",\"reason\":\"R\",\"message\":\"m \\\"q\\\"\"}]",
     "False", "R", "m \"q\"", NULL},
    {"message", "[{\"type\":\"Ready\",\"status\":\"False\",\"lastTransitionTime\":\"" OLD "\"}]",
     "False", "", "m",
     "[{\"lastTransitionTime\":\"" OLD "\",\"lastUpdateTime\":\"" NOW
     "\",\"message\":\"m\",\"status\":\"False\",\"type\":\"Ready\"}]"},
    {"status",
     "[{\"type\":\"Ready\",\"status\":\"False\",\"reason\":\"R\",\"message\":\"m\","
     "\"lastTransitionTime\":\"" OLD "\"}]",
     "True", "", "",
     "[{\"lastTransitionTime\":\"" NOW "\",\"lastUpdateTime\":\"" NOW
     "\",\"status\":\"True\",\"type\":\"Ready\"}]"},
    {"others stay", "[{\"type\":\"Pending\",\"status\":\"True\"}]", "True", "", "",
     "[{\"status\":\"True\",\"type\":\"Pending\"},{\"lastTransitionTime\":\"" NOW
     "\",\"lastUpdateTime\":\"" NOW "\",\"status\":\"True\",\"type\":\"Ready\"}]"},
};

static void test_edits(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        struct kube_object *o = object(r->before);
        struct conditions_edit e;
        struct buf got = {0}, want = {0};
        conditions_begin(&e, o, WALL);
        condition_set(&e, "Ready", r->status, r->reason, str_c(r->message));
        assert_int_equal(e.changed, r->after != NULL);
        json_write(&got, conditions_patch(&e));
        buf_addf(&want, "{\"metadata\":{\"resourceVersion\":\"7\"},\"status\":{%s%s}}",
                 r->after ? "\"conditions\":" : "", r->after ? r->after : "");
        check_str_eq(buf_str(&got), buf_str(&want));
        conditions_end(&e);
        buf_free(&got);
        buf_free(&want);
        kube_object_unref(o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_reads_what_is_not_there),
        cmocka_unit_test(test_edits),
    };
    return cmocka_run_group_tests_name("conditions", tests, NULL, NULL);
}
