/* Goal: Jobs end by the rules that are given them: rules about failures and successes, limits for each index, when pods are
 * replaced, and nobody's finalizer holds a pod for ever.
 * Method: pods run until the test says how they end; then the Job's status is compared with tables of (path, value). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/workload_fixture.h"

#include <string.h>

#define JOBS "/apis/batch/v1/namespaces/default/jobs"
#define J    JOBS "/j"
/* Pods run until they are told to end. */
#define STAGES                                                                                     \
    "stage start\n when deleting=no state=none\n delay 10ms\n do run\n"                            \
    "stage stop\n when deleting=yes\n delay 2s\n do delete\n"

static void open_jobs(struct fixture *f, const char *spec)
{
    workload_open(f, 1, STAGES);
    make(f, JOBS,
         arena_printf(&f->a,
                      "{\"metadata\":{\"name\":\"j\"},\"spec\":{%s\"template\":{\"spec\":{"
                      "\"restartPolicy\":\"Never\",\"containers\":[{\"name\":\"c\",\"image\":\"i\"}"
                      "]}}}}",
                      spec)
             .p);
    pass(f, NS_PER_S);
}

static void expect_rows(struct fixture *f, const char *const (*rows)[2])
{
    for (; rows[0][0]; rows++)
        expect(f, J, rows[0][0], rows[0][1]);
}

/* The name of a living pod of the index (-1: of any) that has not ended; NULL: none. */
static const char *pod_of(struct fixture *f, int index)
{
    struct store_cursor c =
        store_seek(kubeapi_table(f->api, STR("pods")), STR("default"), str_empty);
    for (struct kube_object *o; (o = store_next(&c));) {
        struct str label = kube_object_label(o, STR("batch.kubernetes.io/job-completion-index"));
        if (!o->deleting && str_eq_c(kube_object_string(o, "status.phase"), "Running") &&
            (index < 0 || str_eq(label, arena_printf(&f->a, "%d", index))))
            return arena_c(&f->a, o->name);
    }
    return NULL;
}

/* The pod of the index ends with this code; more: further members of its status. */
static void end_pod(struct fixture *f, int index, int code, const char *more)
{
    const char *name = pod_of(f, index);
    assert_non_null(name);
    must(f, 200, "PATCH", arena_printf(&f->a, PODS "/%s/status", name).p,
         arena_printf(&f->a,
                      "{\"status\":{%s\"phase\":\"%s\",\"containerStatuses\":[{\"name\":\"c\","
                      "\"image\":\"i\",\"imageID\":\"\",\"ready\":false,\"restartCount\":0,"
                      "\"state\":{\"terminated\":{\"exitCode\":%d}}}]}}",
                      more, code ? "Failed" : "Succeeded", code)
             .p);
    pass(f, NS_PER_S);
}

#define RULES(rules) "\"podFailurePolicy\":{\"rules\":[" rules "]},"
#define ON_CODE(action, operator, code)                                                            \
    "{\"action\":\"" action "\",\"onExitCodes\":{\"operator\":\"" operator"\",\"values\":[" code   \
                                                                          "]}}"

static void rules_about_failures(void **state)
{
    static const char *const failed[][2] = {
        {"/conditions/FailureTarget/reason", "PodFailurePolicy"},
        {"/conditions/Failed/reason", "PodFailurePolicy"},
        {"status.failed", "2"},
        {"status.active", ""},
        {NULL, NULL},
    };
    static const char *const ignored[][2] = {{"status.failed", ""},
                                             {"status.active", "1"},
                                             {"/conditions/Failed/status", ""},
                                             {NULL, NULL}};
    struct fixture f;
    open_jobs(&f, "\"parallelism\":2,\"completions\":2," RULES(ON_CODE("FailJob", "In", "42")));
    const char *name = pod_of(&f, -1);
    end_pod(&f, -1, 42, "");
    pass(&f, 5 * NS_PER_S);
    expect_rows(&f, failed);
    const char *message = at(&f, J, "/conditions/Failed/message");
    assert_string_equal(message,
                        arena_printf(&f.a,
                                     "Container c for pod default/%s failed with exit code 42 "
                                     "matching FailJob rule at index 0",
                                     name)
                            .p);
    fixture_close(&f);
    open_jobs(&f,
              RULES("{\"action\":\"Ignore\",\"onPodConditions\":[{\"type\":\"DisruptionTarget\","
                    "\"status\":\"True\"}]}"));
    end_pod(&f, -1, 1, "\"conditions\":[{\"type\":\"DisruptionTarget\",\"status\":\"True\"}],");
    pass(&f, 15 * NS_PER_S);
    expect_rows(&f, ignored);
    end_pod(&f, -1, 7, "");
    expect(&f, J, "status.failed", "1");
    fixture_close(&f);
}

static void each_index_has_its_limit(void **state)
{
    static const char *const half[][2] = {{"status.failedIndexes", "1"},
                                          {"status.completedIndexes", "0"},
                                          {"status.failed", "2"},
                                          {"status.active", "1"},
                                          {"/conditions/FailureTarget/status", ""},
                                          {NULL, NULL}};
    static const char *const over[][2] = {{"status.failedIndexes", "1"},
                                          {"status.completedIndexes", "0,2"},
                                          {"/conditions/Failed/reason", "FailedIndexes"},
                                          {"/conditions/Failed/message", "Job has failed indexes"},
                                          {NULL, NULL}};
    struct fixture f;
    open_jobs(&f, "\"completions\":3,\"parallelism\":3,\"completionMode\":\"Indexed\","
                  "\"backoffLimitPerIndex\":1,");
    end_pod(&f, 1, 1, "");
    expect(&f, J, "status.failedIndexes", "");
    pass(&f, 12 * NS_PER_S);
    const char *again = pod_of(&f, 1);
    assert_non_null(strstr(at(&f, arena_printf(&f.a, PODS "/%s", again).p, "metadata.annotations"),
                           "job-index-failure-count\":\"1\""));
    end_pod(&f, 1, 1, "");
    end_pod(&f, 0, 0, "");
    pass(&f, 60 * NS_PER_S);
    assert_null(pod_of(&f, 1));
    expect_rows(&f, half);
    end_pod(&f, 2, 0, "");
    pass(&f, 5 * NS_PER_S);
    expect_rows(&f, over);
    fixture_close(&f);
}

static void too_many_indexes_fail(void **state)
{
    static const char *const rows[][2] = {
        {"/conditions/Failed/reason", "MaxFailedIndexesExceeded"},
        {"/conditions/Failed/message",
         "Job has exceeded the specified maximal number of failed indexes"},
        {"status.failedIndexes", "0,1"},
        {NULL, NULL}};
    struct fixture f;
    open_jobs(&f, "\"completions\":4,\"parallelism\":4,\"completionMode\":\"Indexed\","
                  "\"backoffLimitPerIndex\":3,\"maxFailedIndexes\":1," RULES(
                      ON_CODE("FailIndex", "In", "9")));
    end_pod(&f, 0, 9, "");
    expect(&f, J, "/conditions/FailureTarget/status", "");
    end_pod(&f, 1, 9, "");
    pass(&f, 5 * NS_PER_S);
    expect_rows(&f, rows);
    fixture_close(&f);
}

static void enough_is_enough(void **state)
{
    static const char *const rows[][2] = {
        {"/conditions/SuccessCriteriaMet/reason", "SuccessPolicy"},
        {"/conditions/Complete/reason", "SuccessPolicy"},
        {"/conditions/Complete/message", "Matched rules at index 1"},
        {"status.succeeded", "2"},
        {"status.failed", ""},
        {"status.completedIndexes", "1,3"},
        {NULL, NULL}};
    struct fixture f;
    open_jobs(&f, "\"completions\":5,\"parallelism\":5,\"completionMode\":\"Indexed\","
                  "\"successPolicy\":{\"rules\":[{\"succeededIndexes\":\"0,4\"},{"
                  "\"succeededIndexes\":\"1-3\",\"succeededCount\":2}]},");
    end_pod(&f, 1, 0, "");
    expect(&f, J, "/conditions/SuccessCriteriaMet/status", "");
    end_pod(&f, 3, 0, "");
    pass(&f, 5 * NS_PER_S);
    expect_rows(&f, rows);
    fixture_close(&f);
}

/* When a pod that is on its way out is replaced: at once, or when it has ended. */
static void pods_are_replaced_in_time(void **state)
{
    static const char *const policies[] = {"\"podReplacementPolicy\":\"TerminatingOrFailed\",",
                                           "\"podReplacementPolicy\":\"Failed\","};
    for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
        struct fixture f;
        open_jobs(&f, policies[i]);
        must(&f, 200, "DELETE", arena_printf(&f.a, PODS "/%s", pod_of(&f, -1)).p, NULL);
        pass(&f, NS_PER_S);
        expect(&f, J, "status.terminating", "1");
        expect(&f, J, "status.failed", i == 0 ? "1" : "");
        pass(&f, 30 * NS_PER_S);
        expect(&f, J, "status.active", "1");
        expect(&f, J, "status.failed", "1");
        expect(&f, J, "status.terminating", "0");
        fixture_close(&f);
    }
}

/* Suspended ones have no pods, whoever manages them elsewhere is left alone, and who is gone leaves nothing. */
static void jobs_let_go(void **state)
{
    struct fixture f;
    open_jobs(&f, "\"parallelism\":2,\"completions\":2,");
    must(&f, 200, "PATCH", J, "{\"spec\":{\"suspend\":true}}");
    pass(&f, 5 * NS_PER_S);
    assert_int_equal(count(&f, PODS), 0);
    expect(&f, J, "/conditions/Suspended/status", "True");
    must(&f, 200, "PATCH", J, "{\"spec\":{\"suspend\":false}}");
    pass(&f, 60 * NS_PER_S);
    assert_int_equal(count(&f, PODS), 2);
    must(&f, 200, "DELETE", J, "{\"propagationPolicy\":\"Background\"}");
    pass(&f, 10 * NS_PER_S);
    assert_int_equal(count(&f, PODS), 0);
    make(
        &f, JOBS,
        "{\"metadata\":{\"name\":\"m\"},\"spec\":{\"managedBy\":\"x.io/y\",\"template\":{\"spec\":{"
        "\"restartPolicy\":\"Never\",\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}}}");
    pass(&f, 5 * NS_PER_S);
    assert_int_equal(count(&f, PODS), 0);
    fixture_close(&f);
}

static void namespaces_of_jobs_go(void **state)
{
    struct fixture f;
    workload_open(&f, 1, STAGES);
    make(&f, "/api/v1/namespaces", "{\"metadata\":{\"name\":\"n\"}}");
    pass(&f, NS_PER_S);
    make(&f, "/apis/batch/v1/namespaces/n/jobs",
         "{\"metadata\":{\"name\":\"j\"},\"spec\":{\"template\":{\"spec\":{\"restartPolicy\":"
         "\"Never\",\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}}}");
    make(
        &f, "/apis/apps/v1/namespaces/n/deployments",
        "{\"metadata\":{\"name\":\"d\"},\"spec\":{\"selector\":{\"matchLabels\":{\"a\":\"b\"}},"
        "\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"containers\":[{\"name\":"
        "\"c\",\"image\":\"i\"}]}}}}");
    pass(&f, NS_PER_S);
    must(&f, 200, "DELETE", "/api/v1/namespaces/n", NULL);
    pass(&f, 20 * NS_PER_S);
    assert_int_equal(ask(&f, "GET", "/api/v1/namespaces/n", NULL), 404);
    fixture_close(&f);
}

/* With the usual stages: a command that sleeps says itself when it ends. */
static void sleepers_take_their_time(void **state)
{
    static const struct {
        const char *name, *annotations, *seconds;
        bool after_1s, after_10s; /* is it over? */
    } rows[] = {{"short", "{}", "5", false, true},
                {"long", "{}", "1000000", false, false},
                {"ever", "{}", "infinity", false, false},
                {"minute", "{}", "1m", false, false},
                {"told", "{\"paddock.io/run-for\":\"100ms\"}", "1000000", true, true}};
    struct fixture f;
    workload_open(&f, 1, "");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        make(&f, JOBS,
             arena_printf(&f.a,
                          "{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"template\":{\"metadata\":{"
                          "\"annotations\":%s},\"spec\":{\"restartPolicy\":\"Never\","
                          "\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"command\":["
                          "\"/bin/sleep\",\"%s\"]}]}}}}",
                          rows[i].name, rows[i].annotations, rows[i].seconds)
                 .p);
    for (int late = 0; late < 2; late++) {
        pass(&f, (late ? 9 : 1) * NS_PER_S);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            must(&f, 200, "GET", arena_printf(&f.a, JOBS "/%s", rows[i].name).p, NULL);
            bool over = json_path(f.body, "status.completionTime") != NULL;
            assert_int_equal(over, late ? rows[i].after_10s : rows[i].after_1s);
        }
    }
    fixture_close(&f);
}

/* ---- schedules ---- */

#define CRONS "/apis/batch/v1/namespaces/default/cronjobs"

static void cron(struct fixture *f, const char *spec, const char *sleep)
{
    make(f, CRONS,
         arena_printf(
             &f->a,
             "{\"metadata\":{\"name\":\"k\"},\"spec\":{\"schedule\":\"* * * * *\",%s"
             "\"jobTemplate\":{\"spec\":{\"template\":{\"spec\":{\"restartPolicy\":\"Never\","
             "\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"command\":[\"sleep\",\"%s\"]}]"
             "}}}}}}",
             spec, sleep)
             .p);
}

/* To the half of a minute. */
static void pass_to_half(struct fixture *f)
{
    world_time into = world_wall(fake_of(f->world)) % (60 * NS_PER_S);
    pass(f, (into > 30 * NS_PER_S ? 90 : 30) * NS_PER_S - into);
}

static size_t active(struct fixture *f)
{
    struct str list = str_c(at(f, CRONS "/k", "status.active"));
    size_t n = 0;
    for (ptrdiff_t i; (i = str_find(list, STR("\"uid\""))) >= 0; n++)
        list = str_sub(list, (size_t)i + 1, list.n);
    return n;
}

/* What still runs when the next time comes: it stays, it stays alone, or it goes. */
static void schedules_mind_what_still_runs(void **state)
{
    static const struct {
        const char *policy;
        size_t jobs, active;
        const char *event; /* NULL: none is looked for */
    } rows[] = {{"Allow", 4, 4, NULL},
                {"Forbid", 1, 1, "JobAlreadyActive"},
                {"Replace", 1, 1, "SuccessfulDelete"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        workload_open(&f, 1, NULL);
        pass_to_half(&f);
        cron(&f, arena_printf(&f.a, "\"concurrencyPolicy\":\"%s\",", rows[i].policy).p, "1000");
        pass(&f, 70 * NS_PER_S);
        const char *first = at(&f, CRONS "/k", "status.lastScheduleTime");
        assert_int_equal(active(&f), 1);
        pass(&f, 180 * NS_PER_S);
        assert_int_equal(count(&f, JOBS), rows[i].jobs);
        assert_int_equal(active(&f), rows[i].active);
        const char *last = at(&f, CRONS "/k", "status.lastScheduleTime");
        assert_int_equal(strcmp(first, last) == 0, strcmp(rows[i].policy, "Forbid") == 0);
        assert_true(!rows[i].event || said_event(&f, "k", rows[i].event));
        fixture_close(&f);
    }
}

/* A time that was held up by what ran comes when that ends. */
static void a_held_up_time_comes_late(void **state)
{
    struct fixture f;
    workload_open(&f, 1, NULL);
    pass_to_half(&f);
    cron(&f, "\"concurrencyPolicy\":\"Forbid\",", "70");
    pass(&f, 95 * NS_PER_S); /* two times were there, the first one's job runs */
    assert_int_equal(count(&f, JOBS), 1);
    pass(&f, 20 * NS_PER_S); /* the next time is not there yet */
    assert_int_equal(count(&f, JOBS), 2);
    assert_int_equal(active(&f), 1);
    assert_string_not_equal(at(&f, CRONS "/k", "status.lastSuccessfulTime"), "");
    fixture_close(&f);
}

/* Times that passed while it was suspended: the last one comes, unless that is too long ago. */
static void times_can_be_too_long_ago(void **state)
{
    static const char *const deadlines[] = {"", "\"startingDeadlineSeconds\":10,"};
    for (size_t i = 0; i < ARRAY_LEN(deadlines); i++) {
        struct fixture f;
        workload_open(&f, 1, NULL);
        pass_to_half(&f);
        cron(&f, arena_printf(&f.a, "\"suspend\":true,%s", deadlines[i]).p, "5");
        pass(&f, 300 * NS_PER_S);
        assert_int_equal(count(&f, JOBS), 0);
        must(&f, 200, "PATCH", CRONS "/k", "{\"spec\":{\"suspend\":false}}");
        pass(&f, 2 * NS_PER_S);
        assert_int_equal(count(&f, JOBS), i == 0);
        pass(&f, 60 * NS_PER_S);
        assert_int_equal(count(&f, JOBS), 1 + (i == 0));
        fixture_close(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_about_failures),
        cmocka_unit_test(each_index_has_its_limit),
        cmocka_unit_test(too_many_indexes_fail),
        cmocka_unit_test(enough_is_enough),
        cmocka_unit_test(pods_are_replaced_in_time),
        cmocka_unit_test(jobs_let_go),
        cmocka_unit_test(namespaces_of_jobs_go),
        cmocka_unit_test(sleepers_take_their_time),
        cmocka_unit_test(schedules_mind_what_still_runs),
        cmocka_unit_test(a_held_up_time_comes_late),
        cmocka_unit_test(times_can_be_too_long_ago),
    };
    return cmocka_run_group_tests_name("kubeapi_jobs", tests, NULL, NULL);
}
