/* Goal: a kubelet reads its node, the pods that run on it and what those use, and writes no more than is its own.
 * Method: a bare server with two nodes' pods and what they use; requests of one node's kubelet in process, in a table with
 * the status and a part of the words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/kubeapi_fixture.h"

#include <string.h>

#define NS     "/api/v1/namespaces/default/"
#define LEASES "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"

static int ask_node(struct fixture *f, const char *method, const char *target, const char *body)
{
    static const struct str groups[] = {STR_INIT("system:nodes"), STR_INIT("system:authenticated")};
    const bool patch = strcmp(method, "PATCH") == 0;
    const struct kubeapi_request r = {.method = method,
                                      .target = str_c(target),
                                      .body = str_c(body),
                                      .content_type = patch ? STR("application/merge-patch+json")
                                                            : STR("application/json"),
                                      .as = STR("system:node:n1"),
                                      .as_groups = groups,
                                      .as_groups_n = ARRAY_LEN(groups)};
    kubeapi_answer_free(&f->last);
    f->last = (struct kubeapi_answer){0};
    kubeapi_call(f->api, &r, &f->last);
    return f->last.status;
}

static const char *plain(struct fixture *f, const char *text)
{
    char *out = arena_c(&f->a, str_c(text));
    for (char *p = out; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    return out;
}

static void begin(struct fixture *f)
{
    static const struct {
        const char *target, *body;
    } made[] = {
        {"/api/v1/nodes", "{'metadata':{'name':'n1'}}"},
        {"/api/v1/nodes", "{'metadata':{'name':'n2'}}"},
        {NS "secrets", "{'metadata':{'name':'mine'}}"},
        {NS "secrets", "{'metadata':{'name':'of-volume'}}"},
        {NS "secrets", "{'metadata':{'name':'theirs'}}"},
        {NS "configmaps", "{'metadata':{'name':'mine'}}"},
        {NS "configmaps", "{'metadata':{'name':'theirs'}}"},
        {NS "serviceaccounts", "{'metadata':{'name':'mine'}}"},
        {NS "serviceaccounts", "{'metadata':{'name':'theirs'}}"},
        {NS "persistentvolumeclaims",
         "{'metadata':{'name':'mine'},'spec':{'accessModes':['ReadWriteOnce'],'resources':{"
         "'requests':{'storage':'1Gi'}},'volumeName':'v'}}"},
        {"/api/v1/persistentvolumes",
         "{'metadata':{'name':'v'},'spec':{'accessModes':['ReadWriteOnce'],'capacity':{'storage':"
         "'1Gi'},'csi':{'driver':'d','volumeHandle':'h','nodeStageSecretRef':{'name':'of-volume',"
         "'namespace':'default'}},'claimRef':{'name':'mine','namespace':'default'}}}"},
        {NS "pods",
         "{'metadata':{'name':'p1'},'spec':{'nodeName':'n1','serviceAccountName':'mine',"
         "'containers':[{'name':'c','image':'i','env':[{'name':'A','valueFrom':{'secretKeyRef':{"
         "'name':'mine','key':'k'}}}]}],'volumes':[{'name':'a','projected':{'sources':[{"
         "'configMap':{'name':'mine'}}]}},{'name':'b','persistentVolumeClaim':{'claimName':'mine'"
         "}}]}}"},
        {NS "pods",
         "{'metadata':{'name':'p2'},'spec':{'nodeName':'n2','serviceAccountName':'theirs',"
         "'containers':[{'name':'c','image':'i','envFrom':[{'secretRef':{'name':'theirs'}},{"
         "'configMapRef':{'name':'theirs'}}]}]}}"},
    };
    fixture_open(f, NULL);
    for (size_t i = 0; i < ARRAY_LEN(made); i++)
        must(f, 201, "POST", made[i].target, plain(f, made[i].body));
}

struct row {
    const char *method, *target, *body;
    int status;
    const char *words; /* of the answer; NULL: any */
};

static void check(const struct row *rows, size_t n)
{
    struct fixture f;
    begin(&f);
    for (size_t i = 0; i < n; i++) {
        const char *body = rows[i].body ? plain(&f, rows[i].body) : NULL;
        int status = ask_node(&f, rows[i].method, rows[i].target, body);
        struct str said = buf_str(&f.last.body);
        if (status != rows[i].status || (rows[i].words && str_find(said, str_c(rows[i].words)) < 0))
            fail_msg("%s %s: %d " STR_FMT, rows[i].method, rows[i].target, status, STR_ARG(said));
    }
    fixture_close(&f);
}

static void kubelets_read_what_their_pods_use(void **state)
{
    static const char unrelated[] = "no relationship found between node 'n1' and this object";
    static const struct row rows[] = {
        {"GET", NS "secrets/mine", NULL, 200, NULL},
        {"GET", NS "secrets/of-volume", NULL, 200, NULL},
        {"GET", NS "secrets/theirs", NULL, 403, unrelated},
        {"GET", NS "secrets", NULL, 403, "No Object name found"},
        {"GET", NS "secrets?fieldSelector=metadata.name%3Dmine", NULL, 200, NULL},
        {"GET", "/api/v1/secrets", NULL, 403, "can only read namespaced object of this type"},
        {"GET", NS "configmaps/mine", NULL, 200, NULL},
        {"GET", NS "configmaps/theirs", NULL, 403, unrelated},
        {"GET", NS "persistentvolumeclaims/mine", NULL, 200, NULL},
        {"GET", NS "persistentvolumeclaims", NULL, 403, "can only get individual resources"},
        {"GET", "/api/v1/persistentvolumes/v", NULL, 200, NULL},
        {"GET", NS "pods/p1", NULL, 200, NULL},
        {"GET", NS "pods/p2", NULL, 403, unrelated},
        {"GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1", NULL, 200, NULL},
        {"GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dn2", NULL, 403,
         "can only list/watch pods with spec.nodeName field selector"},
        {"GET", "/api/v1/nodes/n1", NULL, 200, NULL},
        {"GET", "/api/v1/nodes/n2", NULL, 403,
         "node 'n1' cannot read 'n2', only its own Node object"},
        {"GET", "/api/v1/nodes", NULL, 403, "node 'n1' cannot read all nodes"},
        {"GET", "/api/v1/services", NULL, 200, NULL},
        {"GET", "/apis/apps/v1/deployments", NULL, 403, NULL},
        {"DELETE", NS "secrets/mine", NULL, 403, NULL},
        {"GET", LEASES "/n2", NULL, 403, "can only access node lease with the same name"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void kubelets_write_what_is_their_own(void **state)
{
    static const struct row rows[] = {
        {"POST", LEASES, "{'metadata':{'name':'n1'}}", 201, NULL},
        {"POST", LEASES, "{'metadata':{'name':'n2'}}", 403, "can only access node lease"},
        {"PATCH", "/api/v1/nodes/n1/status", "{'status':{'phase':'Running'}}", 200, NULL},
        {"PATCH", "/api/v1/nodes/n2/status", "{'status':{'phase':'Running'}}", 403,
         "node \\\"n1\\\" is not allowed to modify node \\\"n2\\\""},
        {"PATCH", "/api/v1/nodes/n1", "{'metadata':{'labels':{'a':'b'}}}", 200, NULL},
        {"PATCH", "/api/v1/nodes/n1",
         "{'metadata':{'labels':{'node-restriction.kubernetes.io/x':'y'}}}", 403,
         "is not allowed to modify labels: node-restriction.kubernetes.io/x"},
        {"PATCH", "/api/v1/nodes/n1", "{'metadata':{'labels':{'kubernetes.io/hostname':'n1'}}}",
         200, NULL},
        {"PATCH", "/api/v1/nodes/n1", "{'spec':{'taints':null}}", 403,
         "is not allowed to modify taints"},
        {"PATCH", NS "pods/p1/status", "{'status':{'phase':'Running'}}", 200, NULL},
        {"PATCH", NS "pods/p1/status", "{'metadata':{'labels':{'a':'b'}}}", 403,
         "cannot update labels through pod status"},
        {"PATCH", NS "pods/p2/status", "{'status':{'phase':'Running'}}", 403,
         "can only update pod status for pods with spec.nodeName set to itself"},
        {"POST", NS "pods",
         "{'metadata':{'name':'m'},'spec':{'nodeName':'n1','containers':[{'name':'c','image':'i'}]}"
         "}",
         403, "can only create mirror pods"},
        {"POST", NS "pods",
         "{'metadata':{'name':'m','annotations':{'kubernetes.io/config.mirror':'x'}},'spec':{"
         "'nodeName':'n1','containers':[{'name':'c','image':'i'}],'volumes':[{'name':'v','secret':"
         "{'secretName':'theirs'}}]}}",
         403, "can not create pods that reference secrets"},
        {"POST", NS "pods",
         "{'metadata':{'name':'m','annotations':{'kubernetes.io/config.mirror':'x'}},'spec':{"
         "'nodeName':'n1','containers':[{'name':'c','image':'i'}]}}",
         201, NULL},
        {"POST", NS "pods/p2/eviction", "{'metadata':{'name':'p2'}}", 403,
         "can only evict pods with spec.nodeName set to itself"},
        {"DELETE", NS "pods/p2", NULL, 403,
         "can only delete pods with spec.nodeName set to itself"},
        {"DELETE", NS "pods/p1", NULL, 200, NULL},
        {"POST", NS "serviceaccounts/theirs/token", "{'spec':{'audiences':['a']}}", 403,
         "no relationship found"},
        {"POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews",
         "{'spec':{'user':'u','resourceAttributes':{'verb':'get','resource':'pods'}}}", 201, NULL},
    };
    check(rows, ARRAY_LEN(rows));
}

static void tokens_are_for_pods_of_the_node(void **state)
{
    struct fixture f;
    begin(&f);
    assert_int_equal(ask_node(&f, "POST", NS "serviceaccounts/mine/token", "{\"spec\":{}}"), 403);
    assert_true(str_find(buf_str(&f.last.body), STR("token not bound to a pod")) >= 0);
    must(&f, 200, "GET", NS "pods/p1", NULL);
    struct str bound = arena_printf(
        &f.a,
        "{\"spec\":{\"boundObjectRef\":{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"name\":\"p1\","
        "\"uid\":\"%s\"}}}",
        said(&f, "metadata.uid"));
    assert_int_equal(ask_node(&f, "POST", NS "serviceaccounts/mine/token", arena_c(&f.a, bound)),
                     201);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kubelets_read_what_their_pods_use),
        cmocka_unit_test(kubelets_write_what_is_their_own),
        cmocka_unit_test(tokens_are_for_pods_of_the_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
