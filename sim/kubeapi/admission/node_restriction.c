/* NodeRestriction: a kubelet writes its own node, its own lease, and the pods that run on it; nobody else's. */
#include "sim/kubeapi/admission/admission.h"
#include "sim/kubeapi/auth/nodes.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/core/server.h"

#define RESERVED "node-restriction.kubernetes.io"

struct limits {
    struct admission *a;
    struct str node;
    struct str name; /* of what is written */
};

static bool refuse(const struct limits *x, const char *text)
{
    return api_fail_forbidden(x->a->r, x->name, "%s", text);
}

static bool refuse_node(const struct limits *x, const char *text)
{
    return api_fail_forbidden(x->a->r, x->name, "node \"" STR_FMT "\" %s", STR_ARG(x->node), text);
}

/* ---- pods ---- */

static bool is_here(const struct limits *x, const struct kube_object *pod)
{
    return pod && str_eq(kube_object_string(pod, "spec.nodeName"), x->node);
}

static bool limit_mirror(const struct limits *x)
{
    static const struct {
        enum nodes_use use;
        const char *text;
    } uses[] = {{NODES_ACCOUNT, "can not create pods that reference a service account"},
                {NODES_SECRET, "can not create pods that reference secrets"},
                {NODES_CONFIG_MAP, "can not create pods that reference configmaps"},
                {NODES_CLAIM, "can not create pods that reference persistentvolumeclaims"},
                {NODES_RESOURCE_CLAIM, "can not create pods that reference resourceclaims"}};
    const cJSON *pod = x->a->object, *metadata = json_get(pod, "metadata");
    const cJSON *owners = json_get(metadata, "ownerReferences");
    const cJSON *owner = owners ? owners->child : NULL;
    if (!json_get(json_get(metadata, "annotations"), "kubernetes.io/config.mirror"))
        return api_fail_forbidden(x->a->r, x->name,
                                  "pod does not have \"kubernetes.io/config.mirror\" annotation, "
                                  "node \"" STR_FMT "\" can only create mirror pods",
                                  STR_ARG(x->node));
    if (!str_eq(json_string(json_path(pod, "spec.nodeName")), x->node))
        return refuse_node(x, "can only create pods with spec.nodeName set to itself");
    if (owner && (owner->next || !str_eq_c(json_string_at(owner, "kind"), "Node") ||
                  !str_eq(json_string_at(owner, "name"), x->node)))
        return refuse_node(x, "can only create pods with an owner reference set to itself");
    for (size_t i = 0; i < ARRAY_LEN(uses); i++)
        if (nodes_pod_uses(pod, uses[i].use, str_empty))
            return refuse_node(x, uses[i].text);
    return true;
}

static bool limit_pod(const struct limits *x)
{
    struct admission *a = x->a;
    const struct kube_object *pod =
        a->old ? a->old
               : store_get(store_table(a->r->api->store, STR("pods")), a->r->p.ns, a->r->p.name);
    if (str_eq_c(a->sub, "status")) {
        const cJSON *labels = json_path(a->object, "metadata.labels");
        if (!is_here(x, pod))
            return refuse_node(x, "can only update pod status for pods with spec.nodeName set to "
                                  "itself");
        const cJSON *was = json_path(kube_object_tree(pod, &a->r->a), "metadata.labels");
        return (!labels && !was) || (labels && was && json_equal(labels, was)) ||
               refuse_node(x, "cannot update labels through pod status");
    }
    if (str_eq_c(a->sub, "eviction"))
        return is_here(x, pod) ||
               refuse_node(x, "can only evict pods with spec.nodeName set to itself");
    if (a->sub.n > 0)
        return api_fail_forbidden(a->r, x->name,
                                  "unexpected pod subresource \"" STR_FMT
                                  "\", only 'status' and 'eviction' are allowed",
                                  STR_ARG(a->sub));
    if (a->verb == ADMIT_CREATE)
        return limit_mirror(x);
    if (a->verb == ADMIT_DELETE)
        return is_here(x, pod) ||
               refuse_node(x, "can only delete pods with spec.nodeName set to itself");
    return api_fail_forbidden(a->r, x->name,
                              "unexpected operation \"UPDATE\", node \"" STR_FMT
                              "\" can only create and delete mirror pods",
                              STR_ARG(x->node));
}

/* ---- nodes ---- */

static bool in_domain(struct str prefix, const char *domain)
{
    struct str d = str_c(domain);
    return str_eq(prefix, d) || (str_ends(prefix, d) && prefix.p[prefix.n - d.n - 1] == '.');
}

/* Labels of Kubernetes' domains, but for those that kubelets are to set. */
static bool is_forbidden(struct str key)
{
    static const char *const own[] = {"kubernetes.io/hostname",
                                      "kubernetes.io/arch",
                                      "kubernetes.io/os",
                                      "beta.kubernetes.io/arch",
                                      "beta.kubernetes.io/os",
                                      "beta.kubernetes.io/instance-type",
                                      "node.kubernetes.io/instance-type",
                                      "topology.kubernetes.io/zone",
                                      "topology.kubernetes.io/region",
                                      "failure-domain.beta.kubernetes.io/zone",
                                      "failure-domain.beta.kubernetes.io/region"};
    struct str prefix, rest;
    if (!str_cut(key, '/', &prefix, &rest))
        return false;
    if (in_domain(prefix, RESERVED))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (str_eq_c(key, own[i]))
            return false;
    if (in_domain(prefix, "kubelet.kubernetes.io") || in_domain(prefix, "node.kubernetes.io"))
        return false;
    return in_domain(prefix, "kubernetes.io") || in_domain(prefix, "k8s.io");
}

/* The forbidden ones of those that are new, other or gone, by name. */
static struct str forbidden_labels(const struct limits *x, const cJSON *now, const cJSON *was)
{
    struct arena *a = &x->a->r->a;
    struct str all = str_empty;
    const cJSON *const sides[] = {now, was}, *const others[] = {was, now};
    for (size_t s = 0; s < ARRAY_LEN(sides); s++)
        for (const cJSON *l = sides[s] ? sides[s]->child : NULL; l; l = l->next) {
            const cJSON *other = json_get(others[s], l->string);
            if (!is_forbidden(str_c(l->string)) || (s == 1 && other) ||
                (other && str_eq(json_string(other), json_string(l))))
                continue;
            all = all.n == 0 ? str_c(l->string)
                             : arena_printf(a, STR_FMT ", %s", STR_ARG(all), l->string);
        }
    return all;
}

static bool limit_node(const struct limits *x)
{
    struct admission *a = x->a;
    const cJSON *was = a->old ? kube_object_tree(a->old, &a->r->a) : NULL;
    const cJSON *taints = json_path(a->object, "spec.taints"),
                *old_taints = json_path(was, "spec.taints");
    if (!str_eq(x->name, x->node))
        return api_fail_forbidden(
            a->r, x->name, "node \"" STR_FMT "\" is not allowed to modify node \"" STR_FMT "\"",
            STR_ARG(x->node), STR_ARG(x->name));
    if (a->verb == ADMIT_DELETE)
        return true;
    struct str labels = forbidden_labels(x, json_path(a->object, "metadata.labels"),
                                         json_path(was, "metadata.labels"));
    if (labels.n > 0)
        return api_fail_forbidden(
            a->r, x->name, "node \"" STR_FMT "\" is not allowed to %s labels: " STR_FMT,
            STR_ARG(x->node), was ? "modify" : "set the following", STR_ARG(labels));
    if (!was || a->sub.n > 0)
        return true;
    if (taints ? !old_taints || !json_equal(taints, old_taints) : old_taints != NULL)
        return refuse_node(x, "is not allowed to modify taints");
    const cJSON *owners = json_path(a->object, "metadata.ownerReferences"),
                *old_owners = json_path(was, "metadata.ownerReferences");
    if (owners ? !old_owners || !json_equal(owners, old_owners) : old_owners != NULL)
        return refuse_node(x, "is not allowed to modify ownerReferences");
    return true;
}

/* ---- the others ---- */

static bool limit_lease(const struct limits *x)
{
    if (!str_eq_c(x->a->r->p.ns, "kube-node-lease"))
        return refuse(x, "can only access leases in the \"kube-node-lease\" system namespace");
    return str_eq(x->name, x->node) ||
           refuse(x, "can only access node lease with the same name as the requesting node");
}

static bool limit_csi_node(const struct limits *x)
{
    return str_eq(x->name, x->node) ||
           refuse(x, "can only access CSINode with the same name as the requesting node");
}

static bool limit_claim(const struct limits *x)
{
    return str_eq_c(x->a->sub, "status") || refuse(x, "may only update PVC status");
}

/* A token is for a pod that runs here. */
static bool limit_token(const struct limits *x)
{
    struct admission *a = x->a;
    const cJSON *ref = json_path(a->object, "spec.boundObjectRef");
    struct str name = json_string_at(ref, "name"), uid = json_string_at(ref, "uid");
    if (!str_eq_c(a->sub, "token"))
        return true;
    if (!str_eq_c(json_string_at(ref, "kind"), "Pod") || name.n == 0)
        return refuse(x, "node requested token not bound to a pod");
    if (uid.n == 0)
        return refuse(x, "node requested token with a pod binding without a uid");
    const struct kube_object *pod =
        store_get(store_table(a->r->api->store, STR("pods")), a->r->p.ns, name);
    if (!pod || !str_eq(pod->uid, uid))
        return refuse(x, pod ? "the UID in the bound object reference does not match the UID in "
                               "record. The object might have been deleted and then recreated"
                             : "the bound pod was not found");
    return is_here(x, pod) ||
           refuse(x, "node requested token bound to a pod scheduled on a different node");
}

bool admit_node_restriction(struct admission *a)
{
    static const struct {
        const char *table;
        bool (*limit)(const struct limits *x);
    } limits[] = {{"pods", limit_pod},
                  {"nodes", limit_node},
                  {"leases.coordination.k8s.io", limit_lease},
                  {"csinodes.storage.k8s.io", limit_csi_node},
                  {"persistentvolumeclaims", limit_claim},
                  {"serviceaccounts", limit_token}};
    struct limits x = {.a = a};
    if (!nodes_user(&a->r->user, &x.node))
        return true;
    x.name =
        a->r->p.name.n > 0 ? a->r->p.name : json_string_at(json_get(a->object, "metadata"), "name");
    for (size_t i = 0; i < ARRAY_LEN(limits); i++)
        if (api_kind_is(a->k, limits[i].table))
            return limits[i].limit(&x);
    return true;
}
