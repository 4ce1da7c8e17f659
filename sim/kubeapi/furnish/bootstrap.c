/* The cluster roles and bindings that a fresh server has: those that clients, agents and nodes rely on. Rights of single
 * controllers of a control plane are bootstrap_outer.c's: only a bare server's run outside.
 *
 * A rule is "GROUPS RESOURCES VERBS [NAMES]" or "@ URLS VERBS", lists by commas, "-" is the core group. */
#include "sim/kubeapi/furnish/bootstrap.h"

#include "sim/kubeapi/core/server.h"
#include "sim/kubeapi/verbs/writing.h"

static const struct bootstrap_role roles[] = {
    /* clang-format off */
    {"cluster-admin", "", "", "",
     "* * *;"
     "@ * *"},
    {"admin", "", "admin", "",
     ""},
    {"edit", "admin", "edit", "",
     ""},
    {"view", "edit", "view", "",
     ""},
    {"system:aggregate-to-admin", "admin", "", "",
     "authorization.k8s.io localsubjectaccessreviews create;"
     "rbac.authorization.k8s.io rolebindings,roles create,delete,deletecollection,get,list,"
     "patch,update,watch"},
    {"system:aggregate-to-edit", "edit", "", "",
     "- pods/attach,pods/exec,pods/portforward,pods/proxy,secrets,services/proxy get,list,"
     "watch;"
     "- serviceaccounts impersonate;"
     "- pods,pods/attach,pods/exec,pods/portforward,pods/proxy create,delete,"
     "deletecollection,patch,update;"
     "- pods/eviction create;"
     "- configmaps,events,persistentvolumeclaims,replicationcontrollers,"
     "replicationcontrollers/scale,secrets,serviceaccounts,services,services/proxy create,"
     "delete,deletecollection,patch,update;"
     "- serviceaccounts/token create;"
     "apps daemonsets,deployments,deployments/rollback,deployments/scale,replicasets,"
     "replicasets/scale,statefulsets,statefulsets/scale create,delete,deletecollection,"
     "patch,update;"
     "autoscaling horizontalpodautoscalers create,delete,deletecollection,patch,update;"
     "batch cronjobs,jobs create,delete,deletecollection,patch,update;"
     "extensions daemonsets,deployments,deployments/rollback,deployments/scale,ingresses,"
     "networkpolicies,replicasets,replicasets/scale,replicationcontrollers/scale create,"
     "delete,deletecollection,patch,update;"
     "policy poddisruptionbudgets create,delete,deletecollection,patch,update;"
     "networking.k8s.io ingresses,networkpolicies create,delete,deletecollection,patch,"
     "update;"
     "coordination.k8s.io leases create,delete,deletecollection,get,list,patch,update,watch;"
     "resource.k8s.io resourceclaims,resourceclaimtemplates create,delete,deletecollection,"
     "patch,update"},
    {"system:aggregate-to-view", "view", "", "",
     "- configmaps,endpoints,persistentvolumeclaims,persistentvolumeclaims/status,pods,"
     "replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services,"
     "services/status get,list,watch;"
     "- bindings,events,limitranges,namespaces/status,pods/log,pods/status,"
     "replicationcontrollers/status,resourcequotas,resourcequotas/status get,list,watch;"
     "- namespaces get,list,watch;"
     "discovery.k8s.io endpointslices get,list,watch;"
     "apps controllerrevisions,daemonsets,daemonsets/status,deployments,deployments/scale,"
     "deployments/status,replicasets,replicasets/scale,replicasets/status,statefulsets,"
     "statefulsets/scale,statefulsets/status get,list,watch;"
     "autoscaling horizontalpodautoscalers,horizontalpodautoscalers/status get,list,watch;"
     "batch cronjobs,cronjobs/status,jobs,jobs/status get,list,watch;"
     "extensions daemonsets,daemonsets/status,deployments,deployments/scale,"
     "deployments/status,ingresses,ingresses/status,networkpolicies,replicasets,"
     "replicasets/scale,replicasets/status,replicationcontrollers/scale get,list,watch;"
     "policy poddisruptionbudgets,poddisruptionbudgets/status get,list,watch;"
     "networking.k8s.io ingresses,ingresses/status,networkpolicies get,list,watch;"
     "resource.k8s.io resourceclaims,resourceclaims/status,resourceclaimtemplates get,list,"
     "watch"},
    {"system:auth-delegator", "", "", "",
     "authentication.k8s.io tokenreviews create;"
     "authorization.k8s.io subjectaccessreviews create"},
    {"system:basic-user", "", "", "",
     "authorization.k8s.io selfsubjectaccessreviews,selfsubjectrulesreviews create;"
     "authentication.k8s.io selfsubjectreviews create"},
    {"system:discovery", "", "", "",
     "@ /api,/api/*,/apis,/apis/*,/healthz,/livez,/openapi,/openapi/*,/readyz,/version,"
     "/version/ get"},
    {"system:public-info-viewer", "", "", "",
     "@ /healthz,/livez,/readyz,/version,/version/ get"},
    {"system:service-account-issuer-discovery", "", "", "",
     "@ /.well-known/openid-configuration,/.well-known/openid-configuration/,"
     "/openid/v1/jwks,/openid/v1/jwks/ get"},
    {"system:well-known-viewer", "", "", "", /* the reference server lets its users see these */
     "@ /.well-known,/.well-known/* get"},
    {"system:node", "", "", "",
     "authentication.k8s.io tokenreviews create;"
     "authorization.k8s.io localsubjectaccessreviews,subjectaccessreviews create;"
     "- services get,list,watch;"
     "- nodes create,get,list,watch;"
     "- nodes/status patch,update;"
     "- nodes patch,update;"
     "- events create,patch,update;"
     "- pods get,list,watch;"
     "- pods create,delete;"
     "- pods/status patch,update;"
     "- pods/eviction create;"
     "- configmaps,secrets get,list,watch;"
     "- persistentvolumeclaims,persistentvolumes get;"
     "- endpoints get;"
     "certificates.k8s.io certificatesigningrequests create,get,list,watch;"
     "coordination.k8s.io leases create,delete,get,patch,update;"
     "storage.k8s.io volumeattachments get;"
     "- serviceaccounts/token create;"
     "- persistentvolumeclaims/status get,patch,update;"
     "storage.k8s.io csidrivers get,list,watch;"
     "storage.k8s.io csinodes create,delete,get,patch,update;"
     "node.k8s.io runtimeclasses get,list,watch;"
     "resource.k8s.io resourceclaims get;"
     "resource.k8s.io resourceslices deletecollection;"
     "- serviceaccounts get"},
    {"system:node-proxier", "", "", "",
     "- endpoints,services list,watch;"
     "- nodes get,list,watch;"
     "-,events.k8s.io events create,patch,update;"
     "networking.k8s.io servicecidrs list,watch;"
     "discovery.k8s.io endpointslices list,watch"},
    {"system:kube-dns", "", "", "",
     "- endpoints,services list,watch"},
    {"system:monitoring", "", "", "",
     "@ /healthz,/healthz/*,/livez,/livez/*,/metrics,/metrics/slis,/readyz,/readyz/* get;"
     "- nodes/metrics get"},
    {"system:kubelet-api-admin", "", "", "",
     "- nodes get,list,watch;"
     "- nodes proxy;"
     "- nodes/log,nodes/metrics,nodes/proxy,nodes/stats *;"
     "- nodes/configz,nodes/healthz,nodes/pods *"},
    {"system:node-bootstrapper", "", "", "",
     "certificates.k8s.io certificatesigningrequests create,get,list,watch"},
    {"system:persistent-volume-provisioner", "", "", "",
     "- persistentvolumes create,delete,get,list,watch;"
     "- persistentvolumeclaims get,list,update,watch;"
     "storage.k8s.io storageclasses get,list,watch;"
     "- events watch;"
     "-,events.k8s.io events create,patch,update"},
    /* clang-format on */
};

static const struct bootstrap_binding bindings[] = {
    {"cluster-admin", "cluster-admin", "", "G:system:masters"},
    {"system:basic-user", "system:basic-user", "", "G:system:authenticated"},
    {"system:discovery", "system:discovery", "", "G:system:authenticated"},
    {"system:kube-dns", "system:kube-dns", "", "S:kube-system/kube-dns"},
    {"system:monitoring", "system:monitoring", "", "G:system:monitoring"},
    {"system:node-proxier", "system:node-proxier", "", "U:system:kube-proxy"},
    {"system:public-info-viewer", "system:public-info-viewer", "",
     "G:system:authenticated,G:system:unauthenticated"},
    {"system:well-known-viewer", "system:well-known-viewer", "", "G:system:authenticated"},
    {"system:service-account-issuer-discovery", "system:service-account-issuer-discovery", "",
     "G:system:serviceaccounts"},
};

static cJSON *words(struct arena *a, struct str list)
{
    cJSON *array = json_array(a);
    struct str word, rest = list;
    while (rest.n > 0) {
        (void)str_cut(rest, ',', &word, &rest);
        json_append(array, json_str(a, str_eq_c(word, "-") ? str_empty : word));
    }
    return array;
}

static cJSON *rule_tree(struct arena *a, struct str text)
{
    static const char *const resource_keys[] = {"apiGroups", "resources", "verbs", "resourceNames"};
    static const char *const url_keys[] = {"nonResourceURLs", "verbs"};
    bool urls = text.p[0] == '@';
    cJSON *rule = json_object(a);
    struct str part, rest = urls ? str_sub(text, 2, text.n) : text;
    for (size_t i = 0; rest.n > 0; i++) {
        (void)str_cut(rest, ' ', &part, &rest);
        BUG_ON(i >= (urls ? ARRAY_LEN(url_keys) : ARRAY_LEN(resource_keys)), "a rule of the table");
        json_set(a, rule, str_c(urls ? url_keys[i] : resource_keys[i]), words(a, part));
    }
    return rule;
}

static cJSON *new_tree(struct arena *a, const char *kind, const char *ns, const char *name)
{
    cJSON *tree = json_object(a), *metadata = json_ensure(a, tree, "metadata");
    json_set_str(a, tree, "apiVersion", STR("rbac.authorization.k8s.io/v1"));
    json_set_str(a, tree, "kind", str_c(kind));
    json_set_str(a, metadata, "name", str_c(name));
    if (ns[0])
        json_set_str(a, metadata, "namespace", str_c(ns));
    json_set_str(a, json_ensure(a, tree, "metadata.labels"), "kubernetes.io/bootstrapping",
                 STR("rbac-defaults"));
    json_set_str(a, json_ensure(a, tree, "metadata.annotations"),
                 "rbac.authorization.kubernetes.io/autoupdate", STR("true"));
    return tree;
}

static void store_tree(struct kubeapi *api, const cJSON *tree)
{
    struct buf b = {0};
    json_write(&b, tree);
    struct err *err = kubeapi_apply(api, buf_str(&b), NULL);
    BUG_ON(err, "the bootstrap objects are fine");
    buf_free(&b);
}

static char *aggregate_label(struct arena *a, const char *to)
{
    return arena_c(a, arena_printf(a, "rbac.authorization.k8s.io/aggregate-to-%s", to));
}

static void make_role(struct kubeapi *api, const struct bootstrap_role *role)
{
    struct arena a = {0};
    cJSON *tree = new_tree(&a, role->ns[0] ? "Role" : "ClusterRole", role->ns, role->name),
          *rules = json_array(&a);
    struct str text, rest = str_c(role->rules);
    if (role->part_of[0])
        json_set_str(&a, json_ensure(&a, tree, "metadata.labels"),
                     aggregate_label(&a, role->part_of), STR("true"));
    if (role->made_of[0]) {
        cJSON *selectors = json_array(&a), *selector = json_object(&a);
        json_set_str(&a, json_ensure(&a, selector, "matchLabels"),
                     aggregate_label(&a, role->made_of), STR("true"));
        json_append(selectors, selector);
        json_set(&a, json_ensure(&a, tree, "aggregationRule"), STR("clusterRoleSelectors"),
                 selectors);
    }
    while (rest.n > 0) {
        (void)str_cut(rest, ';', &text, &rest);
        json_append(rules, rule_tree(&a, text));
    }
    json_set(&a, tree, STR("rules"), rules);
    store_tree(api, tree);
    arena_free(&a);
}

static cJSON *subject_tree(struct arena *a, struct str text)
{
    cJSON *subject = json_object(a);
    struct str name = str_sub(text, 2, text.n), ns;
    if (text.p[0] == 'S') {
        (void)str_cut(name, '/', &ns, &name);
        json_set_str(a, subject, "kind", STR("ServiceAccount"));
        json_set_str(a, subject, "namespace", ns);
    } else {
        json_set_str(a, subject, "kind", text.p[0] == 'G' ? STR("Group") : STR("User"));
        json_set_str(a, subject, "apiGroup", STR("rbac.authorization.k8s.io"));
    }
    json_set_str(a, subject, "name", name);
    return subject;
}

static void make_binding(struct kubeapi *api, const struct bootstrap_binding *b)
{
    struct arena a = {0};
    bool inside = b->ns[0] != '\0';
    cJSON *tree = new_tree(&a, inside ? "RoleBinding" : "ClusterRoleBinding", b->ns, b->name);
    cJSON *subjects = json_array(&a), *ref = json_ensure(&a, tree, "roleRef");
    struct str text, rest = str_c(b->subjects);
    json_set_str(&a, ref, "apiGroup", STR("rbac.authorization.k8s.io"));
    json_set_str(&a, ref, "kind", inside ? STR("Role") : STR("ClusterRole"));
    json_set_str(&a, ref, "name", str_c(b->role));
    while (rest.n > 0) {
        (void)str_cut(rest, ',', &text, &rest);
        json_append(subjects, subject_tree(&a, text));
    }
    json_set(&a, tree, STR("subjects"), subjects);
    store_tree(api, tree);
    arena_free(&a);
}

void rbac_bootstrap(struct kubeapi *api)
{
    for (size_t i = 0; i < ARRAY_LEN(roles); i++)
        make_role(api, &roles[i]);
    for (size_t i = 0; i < ARRAY_LEN(bindings); i++)
        make_binding(api, &bindings[i]);
    for (size_t i = 0; api->bare && i < bootstrap_outer_roles_n; i++)
        make_role(api, &bootstrap_outer_roles[i]);
    for (size_t i = 0; api->bare && i < bootstrap_outer_bindings_n; i++)
        make_binding(api, &bootstrap_outer_bindings[i]);
}
