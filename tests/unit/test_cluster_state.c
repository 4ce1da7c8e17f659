/* Goal: the state that users see follows from the conditions: the whole life cycle, errors before what is under way, the
 * life cycle's order before the list's.
 * Method: a table of condition lists in short form ("Pending=Unknown Ready=False/Reason") and what they should read. */
#include "tests/unit/support/check.h"

#include "engine/controllers/cluster/state.h"

static const struct row {
    const char *conditions, *state, *message;
} rows[] = {
    {"", "pending", ""},
    {"BackingNamespaceCreated=True", "pending", ""},
    {"Pending=Unknown Provisioned=Unknown Waiting=Unknown", "pending", "Pending says"},
    {"Waiting=Unknown Provisioned=Unknown Pending=Unknown", "pending", "Pending says"},
    {"Pending=True Provisioned=Unknown Waiting=Unknown", "provisioning", "Provisioned says"},
    {"Pending=True Provisioned=True Waiting=Unknown", "waiting", "Waiting says"},
    {"Pending=True Provisioned=True Waiting=Unknown Ready=False", "waiting", "Waiting says"},
    {"Pending=True Provisioned=True Waiting=True", "active", ""},
    {"Pending=True Provisioned=True Waiting=True Ready=True Connected=True", "active", ""},
    {"Ready=False/Disconnected Connected=False/Disconnected Waiting=True", "unavailable",
     "Ready says"},
    {"Ready=False Updated=Unknown", "unavailable", "Ready says"},
    {"Updated=Unknown Ready=True", "updating", "Updated says"},
    {"Updated=Unknown Upgraded=Unknown Ready=True", "updating", "Updated says"},
    {"Upgraded=Unknown Ready=True", "upgrading", "Upgraded says"},
    {"Ready=True Updated=False/Error", "error", "Updated says"},
    {"Ready=False Provisioned=False", "error", "Provisioned says"},
    {"Ready=Unknown", "error", "Ready says"},
    {"Ready=True Stalled=True", "error", "Stalled says"},
    {"Ready=True Stalled=False Failed=False", "active", ""},
    {"Ready=True Reconciling=True", "updating", "Reconciling says"},
    {"Ready=True SomethingElse=False/Error", "error", "SomethingElse says"},
    {"Ready=True SomethingElse=False/Trouble Connected=False", "active", ""},
    {"Ready=True Removed=Unknown", "removing", "Removed says"},
};

/* "Type=Status/Reason ..." as a JSON list. */
static void conditions_json(struct buf *out, const char *text)
{
    struct str rest = str_c(text), one, type, status, reason;
    buf_add_char(out, '[');
    while (rest.n) {
        if (!str_cut(rest, ' ', &one, &rest))
            rest = str_empty;
        assert_true(str_cut(one, '=', &type, &status));
        if (!str_cut(status, '/', &status, &reason))
            reason = str_empty;
        buf_addf(out,
                 "%s{\"type\":\"" STR_FMT "\",\"status\":\"" STR_FMT "\",\"reason\":\"" STR_FMT
                 "\",\"message\":\"" STR_FMT " says\"}",
                 out->p[out->n - 1] == '[' ? "" : ",", STR_ARG(type), STR_ARG(status),
                 STR_ARG(reason), STR_ARG(type));
    }
    buf_add_char(out, ']');
}

static struct kube_object *cluster(const char *metadata, const char *conditions)
{
    struct buf text = {0};
    struct kube_object *o = NULL;
    buf_addf(&text,
             "{\"kind\":\"Cluster\",\"metadata\":{\"name\":\"c-1\"%s},"
             "\"status\":{\"conditions\":",
             metadata);
    conditions_json(&text, conditions);
    buf_add_c(&text, "}}");
    check_ok(kube_object_from_json(buf_str(&text), &o));
    buf_free(&text);
    return o;
}

static void check_state(struct kube_object *o, const char *state, const char *message)
{
    struct buf got = {0};
    check_str(cluster_state(o), state);
    cluster_state_message(o, &got);
    check_str(buf_str(&got), message);
    buf_free(&got);
    kube_object_unref(o);
}

static void test_conditions(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_state(cluster("", rows[i].conditions), rows[i].state, rows[i].message);
}

static void test_removal(void **state)
{
    (void)state;
    check_state(cluster(",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\",\"finalizers\":[\"a/b\","
                        "\"c/d\"]",
                        "Ready=True Updated=False/Error"),
                "removing", "waiting on a/b, c/d");
    check_state(cluster(",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"", "Ready=True"),
                "removing", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_removal),
    };
    return cmocka_run_group_tests_name("cluster_state", tests, NULL, NULL);
}
