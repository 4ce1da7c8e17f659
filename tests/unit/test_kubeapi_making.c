/* Goal: what controllers make is judged as what clients write: accounts, limits, quotas, security levels, priorities and
 * policies apply, and what is refused is said where users look for it, tried again ever more rarely.
 * Method: a table of what is in the way, with the words of the refusal; then it is taken away, and the pods come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/workload_fixture.h"

#include <string.h>

#define NS       "/api/v1/namespaces/default"
#define QUOTAS   NS "/resourcequotas"
#define LIMITS   NS "/limitranges"
#define POLICIES "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
#define BINDINGS "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
#define SPEC(spec)                                                                                 \
    "\"selector\":{\"matchLabels\":{\"app\":\"x\"}},\"template\":{\"metadata\":{\"labels\":{"      \
    "\"app\":\"x\"}},\"spec\":{" spec "\"containers\":[{\"name\":\"c\",\"image\":\"i:1\"}]}}"
#define QUOTA(hard) "{\"metadata\":{\"name\":\"q\"},\"spec\":{\"hard\":{" hard "}}}"

/* The message of the newest event about an object of this kind, with this reason; "": none. */
static const char *event_of(struct fixture *f, const char *kind, const char *reason)
{
    struct store_cursor c = store_seek(kubeapi_table(f->api, STR("events")), str_empty, str_empty);
    const char *found = "";
    for (struct kube_object *o; (o = store_next(&c));)
        if (str_eq_c(kube_object_string(o, "involvedObject.kind"), kind) &&
            str_eq_c(kube_object_string(o, "reason"), reason))
            found = arena_c(&f->a, json_string_at(kube_object_tree(o, &f->a), "message"));
    return found;
}

static size_t events_of(struct fixture *f, const char *reason)
{
    size_t n = 0;
    struct store_cursor c = store_seek(kubeapi_table(f->api, STR("events")), str_empty, str_empty);
    for (struct kube_object *o; (o = store_next(&c));) {
        int64_t times = 1;
        (void)str_to_i64(kube_object_raw(o, "count"), &times);
        n += str_eq_c(kube_object_string(o, "reason"), reason) ? (size_t)times : 0;
    }
    return n;
}

/* `text` with "*" for any letters: does it match? */
static bool like(const char *text, const char *pattern)
{
    const char *star = strchr(pattern, '*');
    size_t head = star ? (size_t)(star - pattern) : strlen(pattern);
    if (strncmp(text, pattern, head) != 0)
        return false;
    if (!star)
        return text[head] == '\0';
    for (text += head; *text; text++)
        if (like(text, star + 1))
            return true;
    return star[1] == '\0';
}

struct refusal {
    const char *collection, *obstacle; /* what is in the way */
    const char *words;                 /* of the refusal */
    const char *pod;                   /* members of the template's spec */
};

static const struct refusal refusals[] = {
    {QUOTAS, QUOTA("\"pods\":\"0\""),
     "pods \"r-?????\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=0, limited: "
     "pods=0",
     ""},
    {QUOTAS, QUOTA("\"requests.cpu\":\"1\""),
     "pods \"r-?????\" is forbidden: failed quota: q: must specify requests.cpu for: c", ""},
    {NULL, "{\"metadata\":{\"labels\":{\"pod-security.kubernetes.io/enforce\":\"baseline\"}}}",
     "pods \"r-?????\" is forbidden: violates PodSecurity \"baseline:latest\": host namespaces "
     "(hostNetwork=true)",
     "\"hostNetwork\":true,"},
    {NS "/configmaps", "{\"metadata\":{\"name\":\"no\"}}",
     "pods \"r-\" is forbidden: no PriorityClass with name nope was found",
     "\"priorityClassName\":\"nope\","},
    {NS "/configmaps", "{\"metadata\":{\"name\":\"no\"}}",
     "pods \"r-\" is forbidden: error looking up service account default/nobody: serviceaccount "
     "\"nobody\" not found",
     "\"serviceAccountName\":\"nobody\","},
};

/* "?" stands for a drawn letter. */
static bool says(const char *text, const char *words)
{
    for (; *words && *text && (*words == *text || *words == '?'); words++, text++)
        ;
    return *words == '\0' && *text == '\0';
}

static void block(struct fixture *f, const struct refusal *row)
{
    if (row->collection)
        make(f, row->collection, row->obstacle);
    else
        must(f, 200, "PATCH", NS, row->obstacle);
    pass(f, NS_PER_S);
}

static void what_is_refused_is_said(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        const struct refusal *row = &refusals[i];
        struct fixture f;
        workload_open(&f, 1, NULL);
        block(&f, row);
        make(&f, SETS,
             arena_printf(
                 &f.a, "{\"metadata\":{\"name\":\"r\"},\"spec\":{\"replicas\":2," SPEC("%s") "}}",
                 row->pod)
                 .p);
        pass(&f, 3 * NS_PER_S);
        const char *event = event_of(&f, "ReplicaSet", "FailedCreate");
        const char *condition = at(&f, SETS "/r", "/conditions/ReplicaFailure/message");
        if (strncmp(event, "Error creating: ", 16) != 0 || !says(event + 16, row->words) ||
            !says(condition, row->words))
            fail_msg("%zu: event \"%s\", condition \"%s\"", i, event, condition);
        expect(&f, SETS "/r", "/conditions/ReplicaFailure/status", "True");
        expect(&f, SETS "/r", "/conditions/ReplicaFailure/reason", "FailedCreate");
        assert_int_equal(pods_with(&f, "app", "x").all, 0);
        fixture_close(&f);
    }
}

static void every_maker_says_so(void **state)
{
    static const struct {
        const char *kind, *path, *spec, *event;
    } rows[] = {
        {"ReplicationController", NS "/replicationcontrollers",
         "\"replicas\":1,\"selector\":{\"app\":\"x\"},\"template\":{\"metadata\":{\"labels\":{"
         "\"app\":\"x\"}},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}",
         "Error creating: pods \"o-*\" is forbidden: exceeded quota: q, *"},
        {"DaemonSet", "/apis/apps/v1/namespaces/default/daemonsets", SPEC(""),
         "Error creating: pods \"o-*\" is forbidden: exceeded quota: q, *"},
        {"StatefulSet", "/apis/apps/v1/namespaces/default/statefulsets",
         "\"serviceName\":\"s\"," SPEC(""),
         "create Pod o-0 in StatefulSet o failed error: pods \"o-0\" is forbidden: exceeded quota: "
         "q, *"},
        {"Job", "/apis/batch/v1/namespaces/default/jobs",
         "\"template\":{\"spec\":{\"restartPolicy\":\"Never\",\"containers\":[{\"name\":\"c\","
         "\"image\":\"i\"}]}}",
         "Error creating: pods \"o-*\" is forbidden: exceeded quota: q, *"},
    };
    struct fixture f;
    workload_open(&f, 1, NULL);
    make(&f, QUOTAS, QUOTA("\"pods\":\"0\""));
    pass(&f, NS_PER_S);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        make(&f, rows[i].path,
             arena_printf(&f.a, "{\"metadata\":{\"name\":\"o\"},\"spec\":{%s}}", rows[i].spec).p);
        pass(&f, 2 * NS_PER_S);
        const char *event = event_of(&f, rows[i].kind, "FailedCreate");
        if (!like(event, rows[i].event))
            fail_msg("%s: \"%s\"", rows[i].kind, event);
    }
    assert_int_equal(count(&f, PODS), 0);
    must(&f, 200, "DELETE", QUOTAS "/q", NULL);
    pass(&f, 10 * NS_PER_S);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_string_not_equal(event_of(&f, rows[i].kind, "SuccessfulCreate"), "");
    fixture_close(&f);
}

/* Quotas are charged pod by pod; tries come ever more rarely, and end when there is room. */
static void quotas_are_charged_and_tries_back_off(void **state)
{
    struct fixture f;
    workload_open(&f, 1, NULL);
    make(&f, QUOTAS, QUOTA("\"pods\":\"2\""));
    pass(&f, NS_PER_S);
    make(&f, DEPLOYMENTS, "{\"metadata\":{\"name\":\"d\"},\"spec\":{\"replicas\":4," SPEC("") "}}");
    pass(&f, 10 * NS_PER_S);
    assert_int_equal(pods_with(&f, "app", "x").all, 2);
    expect(&f, QUOTAS "/q", "status.used", "{\"pods\":\"2\"}");
    expect(&f, DEPLOYMENTS "/d", "/conditions/ReplicaFailure/reason", "FailedCreate");
    size_t before = events_of(&f, "FailedCreate");
    assert_in_range(before, 8, 20); /* 5 ms, 10 ms, ... 10 s */
    pass(&f, 600 * NS_PER_S);
    assert_in_range(events_of(&f, "FailedCreate") - before, 4, 9);
    must(&f, 200, "PATCH", QUOTAS "/q", "{\"spec\":{\"hard\":{\"pods\":\"9\"}}}");
    pass(&f, 1000 * NS_PER_S);
    assert_int_equal(pods_with(&f, "app", "x").ready, 4);
    expect(&f, QUOTAS "/q", "status.used", "{\"pods\":\"4\"}");
    expect(&f, DEPLOYMENTS "/d", "/conditions/ReplicaFailure/reason", "");
    fixture_close(&f);
}

static void pods_get_what_admission_gives(void **state)
{
    struct fixture f;
    workload_open(&f, 1, NULL);
    make(&f, LIMITS,
         "{\"metadata\":{\"name\":\"l\"},\"spec\":{\"limits\":[{\"type\":\"Container\","
         "\"default\":{\"cpu\":\"500m\"},\"defaultRequest\":{\"cpu\":\"100m\"}}]}}");
    make(&f, "/apis/scheduling.k8s.io/v1/priorityclasses",
         "{\"metadata\":{\"name\":\"high\"},\"value\":7}");
    make(&f, "/apis/apps/v1/namespaces/default/statefulsets",
         "{\"metadata\":{\"name\":\"s\"},\"spec\":{\"serviceName\":\"s\"," SPEC(
             "\"priorityClassName\":\"high\",") "}}");
    pass(&f, NS_PER_S);
    expect(&f, PODS "/s-0", "spec.priority", "7");
    expect(&f, PODS "/s-0", "spec.serviceAccountName", "default");
    expect(&f, PODS "/s-0", "status.phase", "Running");
    assert_non_null(strstr(at(&f, PODS "/s-0", "metadata.managedFields"),
                           "\"manager\":\"kube-controller-manager\",\"operation\":\"Update\""));
    assert_non_null(strstr(at(&f, PODS "/s-0", "spec.volumes"), "kube-api-access-"));
    assert_non_null(strstr(at(&f, PODS "/s-0", "spec.tolerations"), "\"tolerationSeconds\":300"));
    assert_non_null(strstr(at(&f, PODS "/s-0", "spec.containers"),
                           "{\"limits\":{\"cpu\":\"500m\"},\"requests\":{\"cpu\":\"100m\"}}"));
    fixture_close(&f);
}

/* The writer is the controller's account: policies can tell it from others. */
static void policies_see_the_controllers_account(void **state)
{
    struct fixture f;
    workload_open(&f, 1, NULL);
    make(
        &f, POLICIES,
        "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"failurePolicy\":\"Fail\",\"matchConstraints\":{"
        "\"resourceRules\":[{\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"],\"operations\":["
        "\"CREATE\"],\"resources\":[\"pods\"]}]},\"validations\":[{\"expression\":"
        "\"request.userInfo.username != 'system:serviceaccount:kube-system:replicaset-controller'"
        "\",\"message\":\"not you\"}]}}");
    make(&f, BINDINGS,
         "{\"metadata\":{\"name\":\"b\"},\"spec\":{\"policyName\":\"p\",\"validationActions\":["
         "\"Deny\"]}}");
    pass(&f, NS_PER_S);
    make(&f, SETS, "{\"metadata\":{\"name\":\"r\"},\"spec\":{" SPEC("") "}}");
    make(&f, "/apis/apps/v1/namespaces/default/daemonsets",
         "{\"metadata\":{\"name\":\"n\"},\"spec\":{\"selector\":{\"matchLabels\":{\"app\":\"n\"}},"
         "\"template\":{\"metadata\":{\"labels\":{\"app\":\"n\"}},\"spec\":{\"containers\":[{"
         "\"name\":\"c\",\"image\":\"i\"}]}}}}");
    pass(&f, 2 * NS_PER_S);
    const char *event = event_of(&f, "ReplicaSet", "FailedCreate");
    if (!like(event,
              "Error creating: pods \"r-*\" is forbidden: ValidatingAdmissionPolicy 'p' with "
              "binding 'b' denied request: not you"))
        fail_msg("%s", event);
    assert_int_equal(pods_with(&f, "app", "n").all, 1);
    fixture_close(&f);
}

/* A Deployment whose ReplicaSet is refused says that. */
static void a_set_that_is_refused(void **state)
{
    struct fixture f;
    workload_open(&f, 1, NULL);
    make(&f, QUOTAS, QUOTA("\"count/replicasets.apps\":\"0\""));
    pass(&f, NS_PER_S);
    make(&f, DEPLOYMENTS, "{\"metadata\":{\"name\":\"d\"},\"spec\":{" SPEC("") "}}");
    pass(&f, 2 * NS_PER_S);
    expect(&f, DEPLOYMENTS "/d", "/conditions/Progressing/status", "False");
    expect(&f, DEPLOYMENTS "/d", "/conditions/Progressing/reason", "ReplicaSetCreateError");
    const char *event = event_of(&f, "Deployment", "ReplicaSetCreateError");
    if (!like(event, "Failed to create new replica set \"d-*\": replicasets.apps \"d-*\" is "
                     "forbidden: exceeded quota: q, *"))
        fail_msg("%s", event);
    must(&f, 200, "DELETE", QUOTAS "/q", NULL);
    pass(&f, 30 * NS_PER_S);
    expect(&f, DEPLOYMENTS "/d", "status.availableReplicas", "1");
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_refused_is_said),
        cmocka_unit_test(every_maker_says_so),
        cmocka_unit_test(quotas_are_charged_and_tries_back_off),
        cmocka_unit_test(pods_get_what_admission_gives),
        cmocka_unit_test(policies_see_the_controllers_account),
        cmocka_unit_test(a_set_that_is_refused),
    };
    return cmocka_run_group_tests_name("kubeapi_making", tests, NULL, NULL);
}
