/* Goal: pods stand where their wishes and those of others let them, and important ones get room.
 * Method: nodes in two zones; pods with rows of wishes; where they stand, or the words of why they do not, is compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/workload_fixture.h"

#include <string.h>

#define NODES   "/api/v1/nodes"
#define CLASSES "/apis/scheduling.k8s.io/v1/priorityclasses"
#define TERM(key, app)                                                                             \
    "{\"topologyKey\":\"" key "\",\"labelSelector\":{\"matchLabels\":{\"app\":\"" app "\"}}}"
#define HARD(kind, term)                                                                           \
    "\"affinity\":{\"" kind "\":{\"requiredDuringSchedulingIgnoredDuringExecution\":[" term "]}},"
#define SOFT(kind, term)                                                                           \
    "\"affinity\":{\"" kind "\":{\"preferredDuringSchedulingIgnoredDuringExecution\":[{"           \
    "\"weight\":50,\"podAffinityTerm\":" term "}]}},"

/* node-0 and node-1 in zone a, node-2 in zone b. */
static void open_zones(struct fixture *f)
{
    static const char *const zones[] = {"a", "a", "b"};
    workload_open(f, 3, NULL);
    for (size_t i = 0; i < ARRAY_LEN(zones); i++)
        must(f, 200, "PATCH", arena_printf(&f->a, NODES "/node-%zu", i).p,
             arena_printf(&f->a, "{\"metadata\":{\"labels\":{\"zone\":\"%s\"}}}", zones[i]).p);
}

static void pod(struct fixture *f, const char *name, const char *app, const char *spec)
{
    make(f, PODS,
         arena_printf(&f->a,
                      "{\"metadata\":{\"name\":\"%s\",\"labels\":{\"app\":\"%s\"}},\"spec\":{%s"
                      "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}",
                      name, app, spec)
             .p);
    pass(f, NS_PER_S);
}

static const char *node_of(struct fixture *f, const char *name)
{
    return at(f, arena_printf(&f->a, PODS "/%s", name).p, "spec.nodeName");
}

static const char *zone_of(struct fixture *f, const char *name)
{
    const char *node = node_of(f, name);
    return node[0] == '\0' ? "" : strcmp(node, "node-2") == 0 ? "b" : "a";
}

static void expect_refusal(struct fixture *f, const char *name, const char *words)
{
    const char *message =
        at(f, arena_printf(&f->a, PODS "/%s", name).p, "/conditions/PodScheduled/message");
    if (strcmp(message, words) != 0)
        fail_msg("%s: \"%s\"", name, message);
}

static void pods_stand_near_and_apart(void **state)
{
    struct fixture f;
    open_zones(&f);
    pod(&f, "db", "db", "\"nodeName\":\"node-2\",");
    pod(&f, "near", "web", HARD("podAffinity", TERM("zone", "db")));
    assert_string_equal(zone_of(&f, "near"), "b");
    pod(&f, "soft", "x", SOFT("podAffinity", TERM("kubernetes.io/hostname", "db")));
    assert_string_equal(node_of(&f, "soft"), "node-2");
    pod(&f, "away", "x", SOFT("podAntiAffinity", TERM("zone", "db")));
    assert_string_equal(zone_of(&f, "away"), "a");
    pod(&f, "apart", "lone", HARD("podAntiAffinity", TERM("zone", "db")));
    assert_string_equal(zone_of(&f, "apart"), "a");
    /* where one stands that shies away from it, it may not stand either */
    pod(&f, "shy", "shy",
        HARD("podAntiAffinity", TERM("zone", "victim")) "\"nodeName\":\"node-0\",");
    pod(&f, "shunned", "victim", "");
    assert_string_equal(zone_of(&f, "shunned"), "b");
    /* the first of its kind is its own company */
    pod(&f, "self", "herd", HARD("podAffinity", TERM("zone", "herd")));
    pod(&f, "self2", "herd", HARD("podAffinity", TERM("zone", "herd")));
    assert_string_not_equal(zone_of(&f, "self"), "");
    assert_string_equal(zone_of(&f, "self2"), zone_of(&f, "self"));
    pod(&f, "never", "x", HARD("podAffinity", TERM("zone", "nobody")));
    expect_refusal(
        &f, "never",
        "0/3 nodes are available: 3 node(s) didn't match pod affinity rules. preemption: "
        "0/3 nodes are available: 3 Preemption is not helpful for scheduling.");
    pod(&f, "nobody", "nobody", "\"nodeName\":\"node-1\",");
    pass(&f, 10 * NS_PER_S);
    assert_string_equal(zone_of(&f, "never"), "a"); /* it was waited for */
    fixture_close(&f);
}

static void revision(struct fixture *f, const char *name, const char *rev, const char *spec)
{
    make(f, PODS,
         arena_printf(&f->a,
                      "{\"metadata\":{\"name\":\"%s\",\"labels\":{\"app\":\"m\",\"rev\":\"%s\"}},"
                      "\"spec\":{%s\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}",
                      name, rev, spec)
             .p);
    pass(f, NS_PER_S);
}

/* Terms that name keys of labels mean pods that have what the pod has, or something else. */
static void keys_of_labels_become_requirements(void **state)
{
#define KEYS(key, list)                                                                            \
    "{\"topologyKey\":\"" key "\",\"" list "\":[\"rev\",\"none\"],\"labelSelector\":{"             \
    "\"matchLabels\":{\"app\":\"m\"}}}"
    static const char same[] = HARD("podAntiAffinity", KEYS("zone", "matchLabelKeys"));
    static const char others[] = HARD("podAntiAffinity", KEYS("zone", "mismatchLabelKeys"));
    struct fixture f;
    open_zones(&f);
    revision(&f, "a1", "1", same);
    revision(&f, "a2", "1", same);
    assert_string_not_equal(zone_of(&f, "a1"), zone_of(&f, "a2"));
    assert_non_null(strstr(at(&f, PODS "/a1", "spec.affinity"),
                           "\"matchExpressions\":[{\"key\":\"rev\",\"operator\":\"In\",\"values\":["
                           "\"1\"]}]"));
    revision(&f, "a3", "1", same);
    assert_string_equal(zone_of(&f, "a3"), "");
    revision(&f, "b1", "2", same);
    assert_string_not_equal(zone_of(&f, "b1"), "");
    revision(&f, "c1", "3", others);
    assert_string_equal(zone_of(&f, "c1"), ""); /* others are in both zones */
    fixture_close(&f);
}

static void one_on_each_host(void **state)
{
    struct fixture f;
    open_zones(&f);
    make(&f, DEPLOYMENTS,
         "{\"metadata\":{\"name\":\"d\"},\"spec\":{\"replicas\":4,\"selector\":{\"matchLabels\":{"
         "\"app\":\"d\"}},\"template\":{\"metadata\":{\"labels\":{\"app\":\"d\"}},\"spec\":{" HARD(
             "podAntiAffinity",
             TERM("kubernetes.io/hostname", "d")) "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}"
                                                  "]}}}}");
    pass(&f, 3 * NS_PER_S);
    assert_int_equal(pods_with(&f, "app", "d").ready, 3);
    expect(&f, DEPLOYMENTS "/d", "status.availableReplicas", "3");
    assert_true(said_event(&f, "d", "ScalingReplicaSet"));
    fixture_close(&f);
}

#define SPREAD(more)                                                                               \
    "\"topologySpreadConstraints\":[{\"maxSkew\":1,\"topologyKey\":\"zone\",\"labelSelector\":{"   \
    "\"matchLabels\":{\"app\":\"s\"}}," more "}],"

static void pods_are_spread(void **state)
{
    static const char hard[] = SPREAD("\"whenUnsatisfiable\":\"DoNotSchedule\"");
    struct fixture f;
    int in_b = 0;
    open_zones(&f);
    for (int i = 0; i < 4; i++) {
        const char *name = arena_printf(&f.a, "s%d", i).p;
        pod(&f, name, "s", hard);
        in_b += strcmp(zone_of(&f, name), "b") == 0;
    }
    assert_int_equal(in_b, 2);
    must(&f, 200, "PATCH", NODES "/node-2", "{\"spec\":{\"unschedulable\":true}}");
    pod(&f, "s4", "s", hard);
    pod(&f, "s5", "s", hard);
    assert_string_equal(zone_of(&f, "s4"), "a");
    expect_refusal(&f, "s5",
                   "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match "
                   "pod topology spread constraints. preemption: 0/3 nodes are available: 1 "
                   "Preemption is not helpful for scheduling, 2 No preemption victims found for "
                   "incoming pod.");
    pod(&f, "soft", "s", SPREAD("\"whenUnsatisfiable\":\"ScheduleAnyway\""));
    assert_string_equal(zone_of(&f, "soft"), "a");
    must(&f, 200, "PATCH", NODES "/node-2", "{\"spec\":{\"unschedulable\":false}}");
    pass(&f, 15 * NS_PER_S);
    assert_string_equal(zone_of(&f, "s5"), "b");
    fixture_close(&f);
}

#define CPU(n)                                                                                     \
    "\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"resources\":{\"requests\":{\"cpu\":\"" n    \
    "\"}}}]"

static void sized(struct fixture *f, const char *name, const char *class, const char *more)
{
    make(f, PODS,
         arena_printf(&f->a,
                      "{\"metadata\":{\"name\":\"%s\",\"labels\":{\"app\":\"%s\"}},\"spec\":{"
                      "\"priorityClassName\":\"%s\",%s}}",
                      name, name, class, more)
             .p);
    pass(f, NS_PER_S);
}

static void open_full(struct fixture *f, const char *stages)
{
    workload_open(f, 1, stages);
    must(f, 200, "PATCH", NODES "/node-0/status",
         "{\"status\":{\"capacity\":{\"cpu\":\"4\"},\"allocatable\":{\"cpu\":\"4\"}}}");
    make(f, CLASSES, "{\"metadata\":{\"name\":\"low\"},\"value\":1}");
    make(f, CLASSES, "{\"metadata\":{\"name\":\"mid\"},\"value\":5}");
    make(f, CLASSES, "{\"metadata\":{\"name\":\"high\"},\"value\":10}");
    make(f, CLASSES,
         "{\"metadata\":{\"name\":\"meek\"},\"value\":10,\"preemptionPolicy\":\"Never\"}");
    sized(f, "low", "low", CPU("2"));
    sized(f, "mid", "mid", CPU("2"));
}

/* The least important that is enough goes; the room is kept for whom it was made. */
static void important_pods_get_room(void **state)
{
    struct fixture f;
    open_full(&f, "stage start\n when deleting=no state=none\n delay 10ms\n do run\n"
                  "stage stop\n when deleting=yes\n delay 60s\n do delete\n");
    sized(&f, "meek", "meek", CPU("1"));
    expect_refusal(&f, "meek",
                   "0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to "
                   "preemptionPolicy=Never.");
    must(&f, 200, "DELETE", PODS "/meek", NULL);
    sized(&f, "high", "high", CPU("2"));
    expect(&f, PODS "/high", "status.nominatedNodeName", "node-0");
    expect(&f, PODS "/low", "/conditions/DisruptionTarget/reason", "PreemptionByScheduler");
    assert_true(said_event(&f, "low", "Preempted"));
    expect(&f, PODS "/mid", "metadata.deletionTimestamp", "");
    expect_refusal(&f, "high", "0/1 nodes are available: 1 Insufficient cpu.");
    for (int i = 0; i < 5; i++) { /* its next try comes later and later */
        pass(&f, 11 * NS_PER_S);
        must(&f, 200, "PATCH", NODES "/node-0",
             arena_printf(&f.a, "{\"metadata\":{\"labels\":{\"x\":\"%d\"}}}", i).p);
    }
    pass(&f, 5 * NS_PER_S);
    assert_int_equal(ask(&f, "GET", PODS "/low", NULL), 404);
    sized(&f, "late", "low", CPU("2"));
    assert_string_equal(node_of(&f, "high"), "");
    pass(&f, 15 * NS_PER_S);
    assert_string_equal(node_of(&f, "high"), "node-0");
    assert_string_equal(node_of(&f, "late"), "");
    sized(&f, "higher", "high", CPU("3"));
    expect_refusal(&f, "higher",
                   "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are "
                   "available: 1 No preemption victims found for incoming pod.");
    fixture_close(&f);
}

/* A budget spares its pods where others will do. */
static void budgets_are_spared(void **state)
{
    struct fixture f;
    open_full(&f, NULL);
    must(&f, 200, "DELETE", PODS "/mid", NULL);
    sized(&f, "low2", "low", CPU("2"));
    make(&f, "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
         "{\"metadata\":{\"name\":\"b\"},\"spec\":{\"minAvailable\":1,\"selector\":{"
         "\"matchLabels\":{"
         "\"app\":\"low2\"}}}}");
    pass(&f, NS_PER_S);
    sized(&f, "high", "high", CPU("1"));
    pass(&f, 5 * NS_PER_S);
    assert_string_equal(node_of(&f, "high"), "node-0");
    assert_string_equal(node_of(&f, "low2"), "node-0");
    assert_int_equal(ask(&f, "GET", PODS "/low", NULL), 404);
    fixture_close(&f);
}

#define PORTS(...) "\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"ports\":[" __VA_ARGS__ "]}]"
#define PORT(more) "{\"containerPort\":80,\"hostPort\":80" more "}"

static void ports_of_nodes_are_held_once(void **state)
{
    struct fixture f;
    open_full(&f, NULL);
    sized(&f, "one", "low", PORTS(PORT(",\"hostIP\":\"10.0.0.1\"")));
    sized(&f, "other-ip", "low", PORTS(PORT(",\"hostIP\":\"10.0.0.2\"")));
    sized(&f, "udp", "low", PORTS(PORT(",\"protocol\":\"UDP\"")));
    assert_string_equal(node_of(&f, "one"), "node-0");
    assert_string_equal(node_of(&f, "other-ip"), "node-0");
    assert_string_equal(node_of(&f, "udp"), "node-0");
    sized(&f, "all", "low", PORTS(PORT("")));
    expect_refusal(
        &f, "all",
        "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod "
        "ports. preemption: 0/1 nodes are available: 1 No preemption victims found for "
        "incoming pod.");
    sized(&f, "important", "high", PORTS(PORT(",\"hostIP\":\"10.0.0.1\"")));
    pass(&f, 15 * NS_PER_S);
    assert_string_equal(node_of(&f, "important"), "node-0");
    assert_int_equal(ask(&f, "GET", PODS "/one", NULL), 404);
    assert_int_equal(ask(&f, "GET", PODS "/other-ip", NULL), 200);
    /* a kubelet looks once more; who was there first stays */
    sized(&f, "forced", "low", "\"nodeName\":\"node-0\"," PORTS(PORT("")));
    expect(&f, PODS "/forced", "status.phase", "Failed");
    expect(&f, PODS "/forced", "status.reason", "NodePorts");
    expect(&f, PODS "/forced", "status.message",
           "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the "
           "requested pod ports");
    assert_true(said_event(&f, "forced", "NodePorts"));
    expect(&f, PODS "/udp", "status.phase", "Running");
    fixture_close(&f);
}

/* Ports are promised before anything runs, and of two that were sent there one may start. */
static void whoever_starts_first_holds_the_port(void **state)
{
    static const char *const names[] = {"a", "b", "x", "y"};
    struct fixture f;
    workload_open(&f, 1, NULL);
    for (int i = 0; i < 4; i++)
        make(&f, PODS,
             arena_printf(
                 &f.a,
                 "{\"metadata\":{\"name\":\"%s\"},\"spec\":{%s\"containers\":[{\"name\":"
                 "\"c\",\"image\":\"i\",\"ports\":[{\"containerPort\":1,\"hostPort\":%d}]}]}}",
                 names[i], i < 2 ? "" : "\"nodeName\":\"node-0\",", i < 2 ? 80 : 81)
                 .p);
    pass(&f, NS_PER_S);
    assert_true((node_of(&f, "a")[0] == '\0') != (node_of(&f, "b")[0] == '\0'));
    bool x_runs = strcmp(at(&f, PODS "/x", "status.phase"), "Running") == 0;
    expect(&f, PODS "/x", "status.phase", x_runs ? "Running" : "Failed");
    expect(&f, PODS "/y", "status.phase", x_runs ? "Failed" : "Running");
    fixture_close(&f);
}

/* A stateful set's pod comes again until its port is free. */
static void sets_wait_for_their_port(void **state)
{
    struct fixture f;
    workload_open(&f, 1, NULL);
    make(&f, PODS,
         "{\"metadata\":{\"name\":\"first\"},\"spec\":{\"nodeName\":\"node-0\"," PORTS(
             PORT("")) "}}");
    pass(&f, NS_PER_S);
    make(&f, "/apis/apps/v1/namespaces/default/statefulsets",
         "{\"metadata\":{\"name\":\"s\"},\"spec\":{\"serviceName\":\"s\",\"selector\":{"
         "\"matchLabels\":{"
         "\"app\":\"s\"}},\"template\":{\"metadata\":{\"labels\":{\"app\":\"s\"}},\"spec\":{"
         "\"nodeName\":\"node-0\"," PORTS(PORT("")) "}}}}");
    pass(&f, 5 * NS_PER_S);
    assert_true(said_event(&f, "s-0", "NodePorts"));
    assert_int_equal(pods_with(&f, "app", "s").ready, 0);
    must(&f, 200, "DELETE", PODS "/first", NULL);
    pass(&f, 5 * NS_PER_S);
    expect(&f, PODS "/s-0", "status.phase", "Running");
    fixture_close(&f);
}

#define EXTRA(n)                                                                                   \
    "\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"resources\":{\"limits\":{"                  \
    "\"example.com/gpu\":\"" n "\"},\"requests\":{\"example.com/gpu\":\"" n "\"}}}]"

static void other_resources_are_counted(void **state)
{
    struct fixture f;
    open_full(&f, NULL);
    must(&f, 200, "PATCH", NODES "/node-0/status",
         "{\"status\":{\"capacity\":{\"example.com/gpu\":\"2\"},\"allocatable\":{"
         "\"example.com/gpu\":\"2\"}}}");
    sized(&f, "a", "mid", EXTRA("1"));
    sized(&f, "b", "mid", EXTRA("2"));
    assert_string_equal(node_of(&f, "a"), "node-0");
    expect_refusal(&f, "b",
                   "0/1 nodes are available: 1 Insufficient example.com/gpu. preemption: 0/1 nodes "
                   "are available: 1 No preemption victims found for incoming pod.");
    sized(&f, "c", "mid", EXTRA("3"));
    expect_refusal(&f, "c",
                   "0/1 nodes are available: 1 Insufficient example.com/gpu. preemption: 0/1 nodes "
                   "are available: 1 Preemption is not helpful for scheduling.");
    sized(&f, "d", "high", EXTRA("2"));
    pass(&f, 15 * NS_PER_S);
    assert_string_equal(node_of(&f, "d"), "node-0");
    assert_int_equal(ask(&f, "GET", PODS "/a", NULL), 404);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pods_stand_near_and_apart),
        cmocka_unit_test(one_on_each_host),
        cmocka_unit_test(pods_are_spread),
        cmocka_unit_test(important_pods_get_room),
        cmocka_unit_test(budgets_are_spared),
        cmocka_unit_test(ports_of_nodes_are_held_once),
        cmocka_unit_test(other_resources_are_counted),
        cmocka_unit_test(keys_of_labels_become_requirements),
        cmocka_unit_test(whoever_starts_first_holds_the_port),
        cmocka_unit_test(sets_wait_for_their_port),
    };
    return cmocka_run_group_tests_name("kubeapi_scheduler", tests, NULL, NULL);
}
