/* Goal: the controllers of a control plane do what theirs do: pods appear, become ready, are rolled over, finish and go.
 * Method: objects are written through requests, a virtual clock runs, and what the objects then say is compared with tables
 * of (path, value). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/workload_fixture.h"

#include <string.h>

#define TEMPLATE(app)                                                                              \
    "\"selector\":{\"matchLabels\":{\"app\":\"" app "\"}},\"template\":{\"metadata\":{"            \
    "\"labels\":{\"app\":\"" app "\"}},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":"       \
    "\"i:1\"}]}}"
#define IMAGE                                                                                      \
    "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i:%d\"}]}}}}"
#define JOBS      "/apis/batch/v1/namespaces/default/jobs"
#define NODE      "/api/v1/nodes/node-0"
#define CRON_JOBS "/apis/batch/v1/namespaces/default/cronjobs"

static void expect_all(struct fixture *f, const char *target, const char *const (*rows)[2])
{
    for (size_t i = 0; rows[i][0]; i++)
        expect(f, target, rows[i][0], rows[i][1]);
}

static void deploy(struct fixture *f, const char *spec)
{
    make(f, DEPLOYMENTS,
         arena_printf(&f->a, "{\"metadata\":{\"name\":\"d\"},\"spec\":{%s" TEMPLATE("d") "}}", spec)
             .p);
}

static void roll(struct fixture *f, int image)
{
    must(f, 200, "PATCH", DEPLOYMENTS "/d", arena_printf(&f->a, IMAGE, image).p);
}

/* ---- deployments ---- */

static void a_deployment_becomes_available(void **state)
{
    static const char *const rows[][2] = {
        {"status.replicas", "3"},
        {"status.availableReplicas", "3"},
        {"status.updatedReplicas", "3"},
        {"status.observedGeneration", "1"},
        {"/conditions/Available/status", "True"},
        {"/conditions/Available/reason", "MinimumReplicasAvailable"},
        {"/conditions/Progressing/reason", "NewReplicaSetAvailable"},
        {NULL, NULL},
    };
    struct fixture f;
    workload_open(&f, 2, NULL);
    deploy(&f, "\"replicas\":3,");
    pass(&f, NS_PER_S);
    expect_all(&f, DEPLOYMENTS "/d", rows);
    must(&f, 200, "GET", DEPLOYMENTS "/d", NULL);
    assert_string_equal(at(&f, DEPLOYMENTS "/d", "metadata.annotations"),
                        "{\"deployment.kubernetes.io/revision\":\"1\"}");
    assert_int_equal(count(&f, SETS), 1);
    assert_true(said_event(&f, "d", "ScalingReplicaSet"));
    must(&f, 200, "DELETE", DEPLOYMENTS "/d", NULL);
    pass(&f, 3 * NS_PER_S);
    assert_int_equal(count(&f, SETS), 0);
    assert_int_equal(count(&f, PODS), 0);
    fixture_close(&f);
}

static void a_template_that_comes_back_is_a_new_revision(void **state)
{
    struct fixture f;
    workload_open(&f, 1, NULL);
    deploy(&f, "\"replicas\":2,\"revisionHistoryLimit\":1,");
    pass(&f, NS_PER_S);
    for (int image = 2; image <= 4; image++) {
        roll(&f, image);
        pass(&f, 3 * NS_PER_S);
    }
    assert_int_equal(count(&f, SETS), 2);
    roll(&f, 3);
    pass(&f, 3 * NS_PER_S);
    assert_string_equal(at(&f, DEPLOYMENTS "/d", "metadata.annotations"),
                        "{\"deployment.kubernetes.io/revision\":\"5\"}");
    expect(&f, DEPLOYMENTS "/d", "status.updatedReplicas", "2");
    assert_int_equal(count(&f, SETS), 2);
    fixture_close(&f);
}

static void a_deployment_rolls_back(void **state)
{
    static const struct {
        const char *to, *event, *image;
    } rows[] = {
        {"1", "DeploymentRollback", "i:1"},
        {"0", "DeploymentRollback", "i:3"},
        {"5", "DeploymentRollbackTemplateUnchanged", "i:3"},
        {"99", "DeploymentRollbackRevisionNotFound", "i:3"},
    };
    struct fixture f;
    workload_open(&f, 1, NULL);
    deploy(&f, "\"replicas\":1,");
    for (int image = 1; image <= 3; image++) {
        pass(&f, 2 * NS_PER_S);
        roll(&f, image);
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        pass(&f, 2 * NS_PER_S);
        must(&f, 200, "PATCH", DEPLOYMENTS "/d",
             arena_printf(&f.a,
                          "{\"metadata\":{\"annotations\":{\"deprecated.deployment.rollback.to\":"
                          "\"%s\"}}}",
                          rows[i].to)
                 .p);
        pass(&f, 2 * NS_PER_S);
        assert_true(said_event(&f, "d", rows[i].event));
        assert_non_null(strstr(at(&f, DEPLOYMENTS "/d", "spec.template.spec"), rows[i].image));
        assert_null(strstr(at(&f, DEPLOYMENTS "/d", "metadata.annotations"), "rollback"));
        assert_int_equal(pods_with(&f, "app", "d").ready, 1);
    }
    fixture_close(&f);
}

static void a_paused_deployment_scales_but_does_not_roll(void **state)
{
    struct fixture f;
    workload_open(&f, 1, NULL);
    deploy(&f, "\"replicas\":1,");
    pass(&f, NS_PER_S);
    must(&f, 200, "PATCH", DEPLOYMENTS "/d", "{\"spec\":{\"paused\":true,\"replicas\":3}}");
    roll(&f, 2);
    pass(&f, NS_PER_S);
    assert_int_equal(count(&f, SETS), 1);
    expect(&f, DEPLOYMENTS "/d", "status.replicas", "3");
    expect(&f, DEPLOYMENTS "/d", "/conditions/Progressing/reason", "DeploymentPaused");
    must(&f, 200, "PATCH", DEPLOYMENTS "/d", "{\"spec\":{\"paused\":null}}");
    pass(&f, 3 * NS_PER_S);
    assert_int_equal(count(&f, SETS), 2);
    expect(&f, DEPLOYMENTS "/d", "/conditions/Progressing/reason", "NewReplicaSetAvailable");
    fixture_close(&f);
}

static void recreate_waits_for_the_last_old_pod(void **state)
{
    struct fixture f;
    size_t most = 0;
    workload_open(&f, 1, NULL);
    deploy(&f, "\"replicas\":3,\"strategy\":{\"type\":\"Recreate\"},");
    pass(&f, NS_PER_S);
    roll(&f, 2);
    for (int i = 0; i < 400; i++) {
        pass(&f, 5 * NS_PER_MS);
        struct pod_counts n = pods_with(&f, "app", "d");
        most = n.all + n.ending > most ? n.all + n.ending : most;
    }
    assert_int_equal(most, 3);
    expect(&f, DEPLOYMENTS "/d", "status.updatedReplicas", "3");
    fixture_close(&f);
}

static void what_does_not_progress_says_so(void **state)
{
    static const char *const rows[][2] = {
        {"/conditions/Progressing/status", "False"},
        {"/conditions/Progressing/reason", "ProgressDeadlineExceeded"},
        {"/conditions/Available/status", "False"},
        {"/conditions/Available/reason", "MinimumReplicasUnavailable"},
        {"status.unavailableReplicas", "1"},
        {NULL, NULL},
    };
    struct fixture f;
    workload_open(
        &f, 1, "stage stuck\n when deleting=no state=none\n delay 10ms\n do wait ErrImagePull\n");
    deploy(&f, "\"replicas\":1,\"progressDeadlineSeconds\":20,");
    pass(&f, 60 * NS_PER_S);
    expect_all(&f, DEPLOYMENTS "/d", rows);
    fixture_close(&f);
}

static void strays_are_adopted_and_let_go(void **state)
{
    struct fixture f;
    workload_open(&f, 1, NULL);
    make(&f, PODS,
         "{\"metadata\":{\"name\":\"stray\",\"labels\":{\"app\":\"r\"}},\"spec\":{\"containers\":[{"
         "\"name\":\"c\",\"image\":\"i\"}]}}");
    make(&f, SETS, "{\"metadata\":{\"name\":\"r\"},\"spec\":{\"replicas\":2," TEMPLATE("r") "}}");
    pass(&f, NS_PER_S);
    assert_int_equal(pods_with(&f, "app", "r").all, 2);
    assert_string_not_equal(at(&f, PODS "/stray", "metadata.ownerReferences"), "");
    must(&f, 200, "PATCH", PODS "/stray", "{\"metadata\":{\"labels\":{\"app\":\"x\"}}}");
    pass(&f, NS_PER_S);
    expect(&f, PODS "/stray", "metadata.ownerReferences", "");
    assert_int_equal(pods_with(&f, "app", "r").all, 2);
    fixture_close(&f);
}

/* ---- stateful and daemon sets ---- */

static void stateful_pods_come_and_go_in_order(void **state)
{
    struct fixture f;
    workload_open(&f, 1, NULL);
    make(&f, "/apis/apps/v1/namespaces/default/statefulsets",
         "{\"metadata\":{\"name\":\"s\"},\"spec\":{\"serviceName\":\"s\",\"replicas\":3," TEMPLATE(
             "s") "}}");
    for (int i = 0; i < 200; i++) { /* a pod never comes before the one in front of it is ready */
        pass(&f, 3 * NS_PER_MS);
        struct pod_counts n = pods_with(&f, "app", "s");
        assert_true(n.all <= n.ready + 1);
    }
    expect(&f, PODS "/s-2", "status.phase", "Running");
    must(&f, 200, "PATCH", "/apis/apps/v1/namespaces/default/statefulsets/s",
         "{\"spec\":{\"updateStrategy\":{\"type\":\"RollingUpdate\",\"rollingUpdate\":{"
         "\"partition\":2}},\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":"
         "\"i:2\"}]}}}}");
    pass(&f, 2 * NS_PER_S);
    assert_non_null(strstr(at(&f, PODS "/s-2", "spec.containers"), "i:2"));
    assert_non_null(strstr(at(&f, PODS "/s-1", "spec.containers"), "i:1"));
    must(&f, 200, "PATCH", "/apis/apps/v1/namespaces/default/statefulsets/s",
         "{\"spec\":{\"replicas\":1}}");
    pass(&f, 2 * NS_PER_S);
    assert_int_equal(ask(&f, "GET", PODS "/s-1", NULL), 404);
    assert_int_equal(ask(&f, "GET", PODS "/s-0", NULL), 200);
    fixture_close(&f);
}

static void say_ready(struct fixture *f, const char *pod, const char *is)
{
    must(f, 200, "PATCH", arena_printf(&f->a, PODS "/%s/status", pod).p,
         arena_printf(&f->a,
                      "{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"%s\"},{"
                      "\"type\":\"ContainersReady\",\"status\":\"%s\"}]}}",
                      is, is)
             .p);
}

static void resize(struct fixture *f, int replicas)
{
    must(f, 200, "PATCH", "/apis/apps/v1/namespaces/default/statefulsets/s",
         arena_printf(&f->a, "{\"spec\":{\"replicas\":%d}}", replicas).p);
    pass(f, 5 * NS_PER_S);
}

/* In neither direction. */
static void no_size_is_reached_while_a_pod_is_ill(void **state)
{
    struct fixture f;
    workload_open(&f, 1, NULL);
    make(&f, "/apis/apps/v1/namespaces/default/statefulsets",
         "{\"metadata\":{\"name\":\"s\"},\"spec\":{\"serviceName\":\"s\",\"replicas\":1," TEMPLATE(
             "s") "}}");
    pass(&f, NS_PER_S);
    say_ready(&f, "s-0", "False");
    resize(&f, 3);
    assert_int_equal(pods_with(&f, "app", "s").all, 1);
    say_ready(&f, "s-0", "True");
    pass(&f, 2 * NS_PER_S);
    assert_int_equal(pods_with(&f, "app", "s").ready, 3);
    say_ready(&f, "s-0", "False");
    say_ready(&f, "s-2", "False");
    resize(&f, 0);
    assert_int_equal(pods_with(&f, "app", "s").all, 3);
    say_ready(&f, "s-0", "True"); /* the only one that is ill may go */
    pass(&f, 2 * NS_PER_S);
    assert_int_equal(pods_with(&f, "app", "s").all, 0);
    fixture_close(&f);
}

/* Pods that were well before a bad image came are so after it went, and are the same. */
static void bad_images_are_waited_for_and_rolled_back(void **state)
{
#define SET "/apis/apps/v1/namespaces/default/daemonsets"
#define DAEMON_IMAGE(i)                                                                            \
    "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"" i "\"}]}}}}"
    struct fixture f;
    workload_open(&f, 3, NULL);
    make(&f, SET, "{\"metadata\":{\"name\":\"d\"},\"spec\":{" TEMPLATE("d") "}}");
    pass(&f, NS_PER_S);
    assert_int_equal(pods_with(&f, "app", "d").ready, 3);
    must(&f, 200, "PATCH", SET "/d", DAEMON_IMAGE("foo:non-existent"));
    pass(&f, 5 * NS_PER_S);
    assert_int_equal(pods_with(&f, "app", "d").ready, 2);
    assert_int_equal(pods_with(&f, "app", "d").all, 3);
    must(&f, 200, "PATCH", SET "/d", DAEMON_IMAGE("i:1"));
    pass(&f, 5 * NS_PER_S);
    assert_int_equal(pods_with(&f, "app", "d").ready, 3);
    expect(&f, SET "/d", "status.updatedNumberScheduled", "3");
    /* a pod by itself */
    make(&f, PODS,
         "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"automountServiceAccountToken\":false,"
         "\"containers\":[{\"name\":\"c\",\"image\":"
         "\"registry.invalid/a/b:1\"}]}}");
    pass(&f, 500 * NS_PER_MS);
    assert_non_null(strstr(at(&f, PODS "/p", "status.containerStatuses"), "ErrImagePull"));
    pass(&f, 5 * NS_PER_S);
    assert_non_null(strstr(at(&f, PODS "/p", "status.containerStatuses"), "ImagePullBackOff"));
    expect(&f, PODS "/p", "status.phase", "Pending");
    must(&f, 200, "PATCH", PODS "/p",
         "{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"b:1\"}]}}");
    pass(&f, 5 * NS_PER_S);
    expect(&f, PODS "/p", "status.phase", "Running");
    fixture_close(&f);
}

static void every_node_has_its_daemon(void **state)
{
    static const char *const rows[][2] = {
        {"status.desiredNumberScheduled", "3"},
        {"status.numberReady", "3"},
        {"status.updatedNumberScheduled", "3"},
        {"status.numberMisscheduled", "0"},
        {NULL, NULL},
    };
    struct fixture f;
    workload_open(&f, 3, NULL);
    make(&f, "/apis/apps/v1/namespaces/default/daemonsets",
         "{\"metadata\":{\"name\":\"n\"},\"spec\":{" TEMPLATE("n") "}}");
    pass(&f, NS_PER_S);
    expect_all(&f, "/apis/apps/v1/namespaces/default/daemonsets/n", rows);
    must(&f, 200, "PATCH", "/apis/apps/v1/namespaces/default/daemonsets/n",
         arena_printf(&f.a, IMAGE, 2).p);
    pass(&f, 2 * NS_PER_S);
    expect_all(&f, "/apis/apps/v1/namespaces/default/daemonsets/n", rows);
    must(&f, 200, "PATCH", "/apis/apps/v1/namespaces/default/daemonsets/n",
         "{\"spec\":{\"template\":{\"spec\":{\"nodeSelector\":{\"kubernetes.io/hostname\":"
         "\"node-1\"}}}}}");
    pass(&f, 2 * NS_PER_S);
    assert_int_equal(pods_with(&f, "app", "n").all, 1);
    fixture_close(&f);
}

/* ---- jobs ---- */

static void job(struct fixture *f, const char *name, const char *spec, const char *annotations)
{
    make(
        f, JOBS,
        arena_printf(&f->a,
                     "{\"metadata\":{\"name\":\"%s\"},\"spec\":{%s\"template\":{\"metadata\":{"
                     "\"annotations\":{%s}},\"spec\":{\"restartPolicy\":\"Never\",\"containers\":[{"
                     "\"name\":\"c\",\"image\":\"i\"}]}}}}",
                     name, spec, annotations)
            .p);
}

static void jobs_complete(void **state)
{
    static const char *const rows[][2] = {
        {"status.succeeded", "5"},
        {"/conditions/Complete/status", "True"},
        {"/conditions/SuccessCriteriaMet/reason", "CompletionsReached"},
        {"status.active", ""},
        {"status.completedIndexes", "0-4"},
        {NULL, NULL},
    };
    struct fixture f;
    workload_open(&f, 1, NULL);
    job(&f, "j",
        "\"completions\":5,\"parallelism\":2,\"completionMode\":\"Indexed\","
        "\"ttlSecondsAfterFinished\":30,",
        "");
    pass(&f, 50 * NS_PER_MS);
    assert_int_equal(count(&f, PODS), 2);
    pass(&f, 3 * NS_PER_S);
    expect_all(&f, JOBS "/j", rows);
    assert_true(said_event(&f, "j", "Completed"));
    pass(&f, 40 * NS_PER_S);
    assert_int_equal(ask(&f, "GET", JOBS "/j", NULL), 404);
    assert_int_equal(count(&f, PODS), 0);
    fixture_close(&f);
}

static void jobs_give_up(void **state)
{
    static const char *const failed[][2] = {
        {"status.failed", "3"},
        {"/conditions/Failed/reason", "BackoffLimitExceeded"},
        {"/conditions/FailureTarget/status", "True"},
        {NULL, NULL},
    };
    static const char *const late[][2] = {
        {"/conditions/Failed/reason", "DeadlineExceeded"}, {"status.active", ""}, {NULL, NULL}};
    struct fixture f;
    workload_open(&f, 1, NULL);
    job(&f, "bad", "\"backoffLimit\":2,", "\"paddock.io/exit-code\":\"3\"");
    job(&f, "slow", "\"activeDeadlineSeconds\":5,", "\"paddock.io/run-for\":\"1h\"");
    pass(&f, 5 * NS_PER_S);
    expect(&f, JOBS "/bad", "status.failed", "1"); /* the next try waits 10 s */
    pass(&f, 60 * NS_PER_S);
    expect_all(&f, JOBS "/bad", failed);
    expect_all(&f, JOBS "/slow", late);
    fixture_close(&f);
}

static void suspended_jobs_wait(void **state)
{
    struct fixture f;
    workload_open(&f, 1, NULL);
    job(&f, "j", "\"suspend\":true,", "");
    pass(&f, NS_PER_S);
    assert_int_equal(count(&f, PODS), 0);
    expect(&f, JOBS "/j", "/conditions/Suspended/status", "True");
    must(&f, 200, "PATCH", JOBS "/j", "{\"spec\":{\"suspend\":false}}");
    pass(&f, 2 * NS_PER_S);
    expect(&f, JOBS "/j", "/conditions/Complete/status", "True");
    fixture_close(&f);
}

static void cron_jobs_run_on_time(void **state)
{
    struct fixture f;
    workload_open(&f, 1, NULL);
    make(&f, "/apis/batch/v1/namespaces/default/cronjobs",
         "{\"metadata\":{\"name\":\"c\"},\"spec\":{\"schedule\":\"*/2 * * * *\","
         "\"successfulJobsHistoryLimit\":2,\"jobTemplate\":{\"spec\":{\"template\":{\"spec\":{"
         "\"restartPolicy\":\"Never\",\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}}}}}");
    pass(&f, 601 * NS_PER_S);
    assert_int_equal(count(&f, JOBS), 2);
    assert_true(said_event(&f, "c", "SawCompletedJob"));
    assert_string_not_equal(
        at(&f, "/apis/batch/v1/namespaces/default/cronjobs/c", "status.lastSuccessfulTime"), "");
    fixture_close(&f);
}

static void cron_jobs_know_time_zones(void **state)
{
    static const char job[] =
        "{\"metadata\":{\"name\":\"c\"},\"spec\":{\"schedule\":\"0 3 * * *\","
        "\"timeZone\":\"%s\",\"jobTemplate\":{\"spec\":{\"template\":{"
        "\"spec\":{\"restartPolicy\":\"Never\",\"containers\":[{\"name\":\"c\","
        "\"image\":\"i\"}]}}}}}}";
    struct fixture f;
    workload_open(&f, 1, NULL);
    must(&f, 422, "POST", CRON_JOBS, arena_printf(&f.a, job, "Europe/Nowhere").p);
    assert_non_null(strstr(said(&f, "message"),
                           "spec.timeZone: Invalid value: \"Europe/Nowhere\": unknown time zone "
                           "Europe/Nowhere"));
    make(&f, CRON_JOBS, arena_printf(&f.a, job, "Asia/Kolkata").p);
    pass(&f, 24 * 3600 * NS_PER_S);
    const char *at_time = at(&f, CRON_JOBS "/c", "status.lastScheduleTime");
    assert_non_null(strstr(at_time, "T21:30:00Z"));
    fixture_close(&f);
}

/* ---- nodes, scheduler, endpoints ---- */

static void pods_leave_a_lost_node(void **state)
{
    struct fixture f;
    workload_open(&f, 1, NULL);
    deploy(&f, "\"replicas\":1,");
    pass(&f, NS_PER_S);
    must(&f, 200, "PATCH", NODE,
         "{\"metadata\":{\"annotations\":{\"paddock.io/kubelet\":\"none\"}}}");
    pass(&f, 35 * NS_PER_S);
    expect(&f, NODE, "/conditions/Ready/status", "True");
    pass(&f, 20 * NS_PER_S);
    expect(&f, NODE, "/conditions/Ready/status", "Unknown");
    assert_non_null(strstr(at(&f, NODE, "spec.taints"), "node.kubernetes.io/unreachable"));
    pass(&f, 280 * NS_PER_S);
    assert_int_equal(pods_with(&f, "app", "d").all, 1);
    pass(&f, 30 * NS_PER_S); /* evicted: another waits for a node, the old one for its kubelet */
    assert_int_equal(pods_with(&f, "app", "d").ending, 1);
    assert_int_equal(pods_with(&f, "app", "d").ready, 0);
    must(&f, 200, "PATCH", NODE,
         "{\"metadata\":{\"annotations\":{\"paddock.io/kubelet\":\"fake\"}}}");
    pass(&f, 15 * NS_PER_S);
    expect(&f, NODE, "/conditions/Ready/status", "True");
    assert_int_equal(pods_with(&f, "app", "d").ready, 1);
    assert_int_equal(pods_with(&f, "app", "d").ending, 0);
    fixture_close(&f);
}

static void pods_that_fit_nowhere_wait(void **state)
{
    static const struct {
        const char *spec, *why;
    } rows[] = {
        {"\"nodeSelector\":{\"a\":\"b\"},", "node(s) didn't match Pod's node affinity/selector"},
        {"", "Insufficient cpu"},
    };
    struct fixture f;
    workload_open(&f, 2, NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        make(&f, PODS,
             arena_printf(&f.a,
                          "{\"metadata\":{\"name\":\"p%zu\"},\"spec\":{%s\"containers\":[{\"name\":"
                          "\"c\",\"image\":\"i\",\"resources\":{\"requests\":{\"cpu\":\"%s\"}}}]}}",
                          i, rows[i].spec, i ? "9" : "1")
                 .p);
        pass(&f, NS_PER_S);
        const char *target = arena_printf(&f.a, PODS "/p%zu", i).p;
        expect(&f, target, "/conditions/PodScheduled/reason", "Unschedulable");
        assert_non_null(strstr(at(&f, target, "/conditions/PodScheduled/message"), rows[i].why));
        expect(&f, target, "status.phase", "Pending");
    }
    assert_true(said_event(&f, "p1", "FailedScheduling"));
    make(&f, "/api/v1/nodes",
         "{\"metadata\":{\"name\":\"big\",\"annotations\":{\"paddock.io/kubelet\":\"fake\"},"
         "\"labels\":{\"a\":\"b\"}}}");
    must(&f, 200, "PATCH", "/api/v1/nodes/big/status",
         "{\"status\":{\"capacity\":{\"cpu\":\"64\"},\"allocatable\":{\"cpu\":\"64\"}}}");
    pass(&f, 15 * NS_PER_S);
    expect(&f, PODS "/p0", "spec.nodeName", "big");
    expect(&f, PODS "/p1", "spec.nodeName", "big");
    fixture_close(&f);
}

static void services_find_ready_pods(void **state)
{
    struct fixture f;
    workload_open(&f, 1, NULL);
    make(&f, "/api/v1/namespaces/default/services",
         "{\"metadata\":{\"name\":\"s\"},\"spec\":{\"clusterIP\":\"None\",\"selector\":{\"app\":"
         "\"d\"},\"ports\":[{\"port\":80,\"targetPort\":8080}]}}");
    deploy(&f, "\"replicas\":2,");
    pass(&f, NS_PER_S);
    const char *subsets = at(&f, "/api/v1/namespaces/default/endpoints/s", "subsets");
    assert_non_null(strstr(subsets, "\"port\":8080"));
    assert_non_null(strstr(subsets, "10.244.0.3"));
    assert_null(strstr(subsets, "notReady"));
    must(&f, 200, "GET", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", NULL);
    const cJSON *slice = json_get(f.body, "items")->child;
    assert_int_equal(cJSON_GetArraySize(json_get(slice, "endpoints")), 2);
    must(&f, 200, "PATCH", DEPLOYMENTS "/d", "{\"spec\":{\"replicas\":0}}");
    pass(&f, NS_PER_S);
    expect(&f, "/api/v1/namespaces/default/endpoints/s", "subsets", "");
    fixture_close(&f);
}

#define BUDGET "/apis/policy/v1/namespaces/default/poddisruptionbudgets/b"

static void budgets_and_quotas_count(void **state)
{
    static const char *const budget[][2] = {{"status.currentHealthy", "3"},
                                            {"status.desiredHealthy", "2"},
                                            {"status.disruptionsAllowed", "1"},
                                            {"status.expectedPods", "3"},
                                            {"/conditions/DisruptionAllowed/status", "True"},
                                            {NULL, NULL}};
    struct fixture f;
    workload_open(&f, 1, NULL);
    make(&f, "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
         "{\"metadata\":{\"name\":\"b\"},\"spec\":{\"maxUnavailable\":1,\"selector\":{"
         "\"matchLabels\":{\"app\":\"d\"}}}}");
    make(&f, "/api/v1/namespaces/default/resourcequotas",
         "{\"metadata\":{\"name\":\"q\"},\"spec\":{\"hard\":{\"pods\":\"9\",\"configmaps\":\"5\"}}"
         "}");
    deploy(&f, "\"replicas\":3,");
    pass(&f, NS_PER_S);
    expect_all(&f, "/apis/policy/v1/namespaces/default/poddisruptionbudgets/b", budget);
    must(&f, 200, "PATCH", BUDGET, "{\"spec\":{\"maxUnavailable\":\"30%\"}}");
    pass(&f, NS_PER_S);
    expect(&f, BUDGET, "status.desiredHealthy", "2"); /* a part of a pod is one */
    must(&f, 200, "PATCH", BUDGET, "{\"spec\":{\"maxUnavailable\":null,\"minAvailable\":\"50%\"}}");
    pass(&f, NS_PER_S);
    expect(&f, BUDGET, "status.desiredHealthy", "2");
    expect(&f, "/api/v1/namespaces/default/resourcequotas/q", "status.used",
           "{\"configmaps\":\"1\",\"pods\":\"3\"}");
    make(&f, "/api/v1/namespaces/default/pods", /* waits for a gate, and then is over */
         "{\"metadata\":{\"name\":\"once\"},\"spec\":{\"restartPolicy\":\"Never\","
         "\"schedulingGates\":"
         "[{\"name\":\"x.y/z\"}],\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}");
    pass(&f, NS_PER_S);
    expect(&f, "/api/v1/namespaces/default/resourcequotas/q", "status.used",
           "{\"configmaps\":\"1\",\"pods\":\"4\"}");
    must(&f, 200, "PATCH", "/api/v1/namespaces/default/pods/once/status",
         "{\"status\":{\"phase\":\"Succeeded\"}}");
    pass(&f, NS_PER_S);
    expect(&f, "/api/v1/namespaces/default/resourcequotas/q", "status.used",
           "{\"configmaps\":\"1\",\"pods\":\"3\"}");
    fixture_close(&f);
}

static void claims_are_bound_by_a_class(void **state)
{
    struct fixture f;
    workload_open(&f, 1, NULL);
    make(&f, "/api/v1/namespaces/default/persistentvolumeclaims",
         "{\"metadata\":{\"name\":\"c\"},\"spec\":{\"accessModes\":[\"ReadWriteOnce\"],"
         "\"resources\":{\"requests\":{\"storage\":\"1Gi\"}}}}");
    pass(&f, NS_PER_S);
    expect(&f, "/api/v1/namespaces/default/persistentvolumeclaims/c", "status.phase", "Pending");
    make(&f, "/apis/storage.k8s.io/v1/storageclasses",
         "{\"metadata\":{\"name\":\"std\",\"annotations\":{"
         "\"storageclass.kubernetes.io/is-default-class\":\"true\"}},\"provisioner\":\"x.y/z\"}");
    pass(&f, NS_PER_S);
    expect(&f, "/api/v1/namespaces/default/persistentvolumeclaims/c", "status.phase", "Bound");
    assert_int_equal(count(&f, "/api/v1/persistentvolumes"), 1);
    assert_int_equal(ask(&f, "DELETE", "/api/v1/namespaces/default/persistentvolumeclaims/c", NULL),
                     200);
    pass(&f, NS_PER_S);
    assert_int_equal(count(&f, "/api/v1/persistentvolumes"), 0);
    fixture_close(&f);
}

/* An owner in another namespace is none, and that is said. */
static void owners_abroad_are_told(void **state)
{
    struct fixture f;
    workload_open(&f, 1, NULL);
    make(&f, "/api/v1/namespaces/default/configmaps", "{\"metadata\":{\"name\":\"o\"}}");
    const char *uid = arena_c(&f.a, str_c(said(&f, "metadata.uid")));
    make(&f, "/api/v1/namespaces/kube-system/configmaps",
         arena_printf(&f.a,
                      "{\"metadata\":{\"name\":\"d\",\"ownerReferences\":[{\"apiVersion\":\"v1\","
                      "\"kind\":\"ConfigMap\",\"name\":\"o\",\"uid\":\"%s\"}]}}",
                      uid)
             .p);
    pass(&f, NS_PER_S);
    assert_true(said_event(&f, "d", "OwnerRefInvalidNamespace"));
    assert_int_equal(ask(&f, "GET", "/api/v1/namespaces/kube-system/configmaps/d", NULL), 404);
    fixture_close(&f);
}

static void events_go_after_an_hour(void **state)
{
    struct fixture f;
    workload_open(&f, 1, NULL);
    deploy(&f, "\"replicas\":1,");
    pass(&f, 3500 * NS_PER_S);
    assert_true(said_event(&f, "d", "ScalingReplicaSet"));
    pass(&f, 200 * NS_PER_S);
    assert_false(said_event(&f, "d", "ScalingReplicaSet"));
    fixture_close(&f);
}

/* Everything is picked up from the store alone. */
static void a_copy_goes_on(void **state)
{
    struct fixture f;
    workload_open(&f, 1, NULL);
    deploy(&f, "\"replicas\":2,");
    struct store_snapshot *copy = store_snapshot_take(kubeapi_store(f.api));
    pass(&f, NS_PER_S);
    roll(&f, 2);
    pass(&f, 20 * NS_PER_MS);
    kubeapi_restore(f.api, copy);
    pass(&f, NS_PER_S);
    expect(&f, DEPLOYMENTS "/d", "status.availableReplicas", "2");
    assert_int_equal(count(&f, PODS), 2);
    store_snapshot_free(copy);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deployment_becomes_available),
        cmocka_unit_test(a_template_that_comes_back_is_a_new_revision),
        cmocka_unit_test(a_deployment_rolls_back),
        cmocka_unit_test(a_paused_deployment_scales_but_does_not_roll),
        cmocka_unit_test(recreate_waits_for_the_last_old_pod),
        cmocka_unit_test(what_does_not_progress_says_so),
        cmocka_unit_test(strays_are_adopted_and_let_go),
        cmocka_unit_test(stateful_pods_come_and_go_in_order),
        cmocka_unit_test(no_size_is_reached_while_a_pod_is_ill),
        cmocka_unit_test(bad_images_are_waited_for_and_rolled_back),
        cmocka_unit_test(every_node_has_its_daemon),
        cmocka_unit_test(jobs_complete),
        cmocka_unit_test(jobs_give_up),
        cmocka_unit_test(suspended_jobs_wait),
        cmocka_unit_test(cron_jobs_run_on_time),
        cmocka_unit_test(cron_jobs_know_time_zones),
        cmocka_unit_test(pods_leave_a_lost_node),
        cmocka_unit_test(pods_that_fit_nowhere_wait),
        cmocka_unit_test(services_find_ready_pods),
        cmocka_unit_test(budgets_and_quotas_count),
        cmocka_unit_test(claims_are_bound_by_a_class),
        cmocka_unit_test(owners_abroad_are_told),
        cmocka_unit_test(events_go_after_an_hour),
        cmocka_unit_test(a_copy_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
