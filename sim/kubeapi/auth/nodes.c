#include "sim/kubeapi/auth/nodes.h"

#include "sim/kubeapi/core/server.h"

#define USER_PREFIX "system:node:"
#define GROUP       "system:nodes"
#define LEASES_NS   "kube-node-lease"

bool nodes_user(const struct api_user *u, struct str *node)
{
    if (!str_starts(u->name, STR(USER_PREFIX)))
        return false;
    *node = str_sub(u->name, sizeof(USER_PREFIX) - 1, u->name.n);
    for (size_t i = 0; i < u->groups_n; i++)
        if (str_eq_c(u->groups[i], GROUP))
            return true;
    return false;
}

/* ---- what a pod uses ---- */

/* Does an item name it at the path? name empty: anything. */
static bool list_names(const cJSON *list, const char *path, struct str name)
{
    for (const cJSON *it = list ? list->child : NULL; it; it = it->next) {
        struct str is = json_string(json_path(it, path));
        if (is.n > 0 && (name.n == 0 || str_eq(is, name)))
            return true;
    }
    return false;
}

static bool containers_name(const cJSON *spec, const char *variable, const char *all,
                            struct str name)
{
    static const char *const lists[] = {"containers", "initContainers", "ephemeralContainers"};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        const cJSON *list = json_get(spec, lists[i]);
        for (const cJSON *c = list ? list->child : NULL; c; c = c->next)
            if (list_names(json_get(c, "env"), variable, name) ||
                list_names(json_get(c, "envFrom"), all, name))
                return true;
    }
    return false;
}

static bool volumes_name(const cJSON *spec, const char *const *paths, size_t n,
                         const char *projected, struct str name)
{
    const cJSON *volumes = json_get(spec, "volumes");
    for (size_t i = 0; i < n; i++)
        if (list_names(volumes, paths[i], name))
            return true;
    for (const cJSON *v = volumes ? volumes->child : NULL; v; v = v->next)
        if (list_names(json_path(v, "projected.sources"), projected, name))
            return true;
    return false;
}

static bool uses_secret(const cJSON *spec, struct str name)
{
    static const char *const paths[] = {"secret.secretName",        "csi.nodePublishSecretRef.name",
                                        "azureFile.secretName",     "flexVolume.secretRef.name",
                                        "iscsi.secretRef.name",     "rbd.secretRef.name",
                                        "cephfs.secretRef.name",    "scaleIO.secretRef.name",
                                        "storageos.secretRef.name", "cinder.secretRef.name"};
    return list_names(json_get(spec, "imagePullSecrets"), "name", name) ||
           containers_name(spec, "valueFrom.secretKeyRef.name", "secretRef.name", name) ||
           volumes_name(spec, paths, ARRAY_LEN(paths), "secret.name", name);
}

static bool uses_config_map(const cJSON *spec, struct str name)
{
    static const char *const paths[] = {"configMap.name"};
    return containers_name(spec, "valueFrom.configMapKeyRef.name", "configMapRef.name", name) ||
           volumes_name(spec, paths, ARRAY_LEN(paths), "configMap.name", name);
}

/* A claim of its own is called POD-VOLUME. */
static bool uses_claim(const cJSON *pod, struct str name)
{
    const cJSON *volumes = json_path(pod, "spec.volumes");
    struct str own = json_string_at(json_get(pod, "metadata"), "name");
    if (list_names(volumes, "persistentVolumeClaim.claimName", name))
        return true;
    for (const cJSON *v = volumes ? volumes->child : NULL; v; v = v->next) {
        struct str volume = json_string_at(v, "name");
        if (json_get(v, "ephemeral") &&
            (name.n == 0 || (name.n == own.n + 1 + volume.n && str_starts(name, own) &&
                             name.p[own.n] == '-' && str_ends(name, volume))))
            return true;
    }
    return false;
}

bool nodes_pod_uses(const cJSON *pod, enum nodes_use use, struct str name)
{
    const cJSON *spec = json_get(pod, "spec");
    struct str account = json_string_at(spec, "serviceAccountName");
    switch (use) {
    case NODES_SECRET:
        return uses_secret(spec, name);
    case NODES_CONFIG_MAP:
        return uses_config_map(spec, name);
    case NODES_CLAIM:
        return uses_claim(pod, name);
    case NODES_ACCOUNT:
        return account.n > 0 && (name.n == 0 || str_eq(account, name));
    case NODES_RESOURCE_CLAIM:
        break;
    }
    return list_names(json_get(spec, "resourceClaims"), "resourceClaimName", name) ||
           list_names(json_path(pod, "status.resourceClaimStatuses"), "resourceClaimName", name);
}

/* ---- what is related to a node ---- */

struct question {
    struct api_request *r;
    const struct rbac_query *q;
    struct str node;
};

static struct store_cursor seek(const struct question *x, const char *table, struct str ns)
{
    return store_seek(store_table(x->r->api->store, str_c(table)), ns, str_empty);
}

static struct kube_object *find(const struct question *x, const char *table, struct str ns,
                                struct str name)
{
    return store_get(store_table(x->r->api->store, str_c(table)), ns, name);
}

/* Mirror pods say what a node runs, and give it nothing. */
static bool gives(const struct kube_object *pod)
{
    return kube_object_raw(pod, "metadata.annotations").n == 0 ||
           str_find(kube_object_raw(pod, "metadata.annotations"),
                    STR("\"kubernetes.io/config.mirror\"")) < 0;
}

static bool pods_use(const struct question *x, struct str ns, enum nodes_use use, struct str name)
{
    struct store_cursor c = seek(x, "pods", ns);
    for (struct kube_object *o; (o = store_next(&c)) && str_eq(o->ns, ns);)
        if (str_eq(kube_object_string(o, "spec.nodeName"), x->node) && gives(o) &&
            nodes_pod_uses(kube_object_tree(o, &x->r->a), use, name))
            return true;
    return false;
}

static bool volume_is_used(const struct question *x, const struct kube_object *volume)
{
    struct str ns = kube_object_string(volume, "spec.claimRef.namespace");
    struct str claim = kube_object_string(volume, "spec.claimRef.name");
    return claim.n > 0 && pods_use(x, ns, NODES_CLAIM, claim);
}

/* By a volume's driver: {..SecretRef: {name, namespace}}. */
static bool volumes_use_secret(const struct question *x, struct str ns, struct str name)
{
    struct store_cursor c = seek(x, "persistentvolumes", str_empty);
    for (struct kube_object *o; (o = store_next(&c));) {
        const cJSON *source = json_path(kube_object_tree(o, &x->r->a), "spec.csi");
        for (const cJSON *v = source ? source->child : NULL; v; v = v->next)
            if (str_ends(str_c(v->string), STR("SecretRef")) &&
                str_eq(json_string_at(v, "name"), name) &&
                str_eq(json_string_at(v, "namespace"), ns) && volume_is_used(x, o))
                return true;
    }
    return false;
}

static bool related(const struct question *x)
{
    const struct rbac_query *q = x->q;
    struct str table = q->resource;
    if (str_eq_c(table, "secrets"))
        return pods_use(x, q->ns, NODES_SECRET, q->name) || volumes_use_secret(x, q->ns, q->name);
    if (str_eq_c(table, "configmaps"))
        return pods_use(x, q->ns, NODES_CONFIG_MAP, q->name);
    if (str_eq_c(table, "persistentvolumeclaims"))
        return pods_use(x, q->ns, NODES_CLAIM, q->name);
    if (str_eq_c(table, "serviceaccounts"))
        return pods_use(x, q->ns, NODES_ACCOUNT, q->name);
    if (str_eq_c(table, "resourceclaims"))
        return pods_use(x, q->ns, NODES_RESOURCE_CLAIM, q->name);
    if (str_eq_c(table, "pods")) {
        struct kube_object *o = find(x, "pods", q->ns, q->name);
        return o && str_eq(kube_object_string(o, "spec.nodeName"), x->node);
    }
    if (str_eq_c(table, "volumeattachments")) {
        struct kube_object *o = find(x, "volumeattachments.storage.k8s.io", str_empty, q->name);
        return o && str_eq(kube_object_string(o, "spec.nodeName"), x->node);
    }
    struct kube_object *volume = find(x, "persistentvolumes", str_empty, q->name);
    return volume && volume_is_used(x, volume);
}

/* ---- the answers: NULL is yes ---- */

static const char *by_relation(const struct question *x)
{
    if (x->q->name.n == 0)
        return "No Object name found";
    return related(x) ? NULL : "";
}

static bool verb_is(const struct question *x, const char *verbs)
{
    struct str rest = str_c(verbs), one;
    for (bool more = true; more;) {
        more = str_cut(rest, '|', &one, &rest);
        if (str_eq(one, x->q->verb))
            return true;
    }
    return false;
}

static const char *by_reading(const struct question *x)
{
    if (!verb_is(x, "get|list|watch") || x->q->ns.n == 0)
        return "can only read namespaced object of this type";
    return x->q->sub.n > 0 ? "cannot read subresource" : by_relation(x);
}

static const char *by_getting(const struct question *x)
{
    if (!verb_is(x, "get"))
        return "can only get individual resources of this type";
    return x->q->sub.n > 0 ? "cannot get subresource" : by_relation(x);
}

static const char *of_claim(const struct question *x)
{
    if (!str_eq_c(x->q->sub, "status"))
        return by_getting(x);
    return verb_is(x, "update|patch") ? by_relation(x) : "can only update the status of this type";
}

static const char *of_account(const struct question *x)
{
    if (x->q->sub.n == 0)
        return by_getting(x);
    if (!str_eq_c(x->q->sub, "token") || !verb_is(x, "create") || x->q->name.n == 0)
        return "can only create tokens for individual service accounts";
    return by_relation(x);
}

static const char *of_lease(const struct question *x)
{
    if (!verb_is(x, "get|create|update|patch|delete"))
        return "can only get, create, update, patch, or delete a node lease";
    if (!str_eq_c(x->q->ns, LEASES_NS))
        return "can only access leases in the \"" LEASES_NS "\" system namespace";
    return verb_is(x, "create") || str_eq(x->q->name, x->node)
               ? NULL
               : "can only access node lease with the same name as the requesting node";
}

static const char *of_csi_node(const struct question *x)
{
    if (!verb_is(x, "get|create|update|patch|delete"))
        return "can only get, create, update, patch, or delete a CSINode";
    if (x->q->sub.n > 0)
        return "cannot authorize CSINode subresources";
    return verb_is(x, "create") || str_eq(x->q->name, x->node)
               ? NULL
               : "can only access CSINode with the same name as the requesting node";
}

static const char *of_node(const struct question *x)
{
    struct str name = x->q->name;
    if (str_eq_c(x->q->sub, "status"))
        return verb_is(x, "update|patch") ? NULL : "cannot read subresource";
    if (x->q->sub.n > 0 || !verb_is(x, "get|list|watch|create|update|patch"))
        return "cannot access this part of a node";
    if (verb_is(x, "create|update|patch") || str_eq(name, x->node))
        return NULL;
    if (name.n == 0)
        return arena_c(&x->r->a, arena_printf(&x->r->a,
                                              "node '" STR_FMT
                                              "' cannot read all nodes, only its own Node object",
                                              STR_ARG(x->node)));
    return arena_c(&x->r->a, arena_printf(&x->r->a,
                                          "node '" STR_FMT "' cannot read '" STR_FMT
                                          "', only its own Node object",
                                          STR_ARG(x->node), STR_ARG(name)));
}

static const char *of_pod(const struct question *x)
{
    if (str_eq_c(x->q->sub, "status") && verb_is(x, "update|patch"))
        return NULL;
    if (str_eq_c(x->q->sub, "eviction") && verb_is(x, "create"))
        return NULL;
    if (x->q->sub.n > 0)
        return "cannot access this part of a pod";
    if (verb_is(x, "create|delete"))
        return NULL;
    if (verb_is(x, "list|watch"))
        return str_eq(x->q->node_selected, x->node)
                   ? NULL
                   : "can only list/watch pods with spec.nodeName field selector";
    return by_getting(x);
}

static const struct {
    const char *group, *resource;
    const char *(*answer)(const struct question *x);
    const char *verbs; /* without an answer: these, of the resource itself */
} table[] = {
    {"", "pods", of_pod, NULL},
    {"", "nodes", of_node, NULL},
    {"", "secrets", by_reading, NULL},
    {"", "configmaps", by_reading, NULL},
    {"", "persistentvolumeclaims", of_claim, NULL},
    {"", "persistentvolumes", by_getting, NULL},
    {"", "serviceaccounts", of_account, NULL},
    {"coordination.k8s.io", "leases", of_lease, NULL},
    {"storage.k8s.io", "volumeattachments", by_getting, NULL},
    {"storage.k8s.io", "csinodes", of_csi_node, NULL},
    {"resource.k8s.io", "resourceclaims", by_getting, NULL},
    {"", "events", NULL, "create|patch|update"},
    {"", "services", NULL, "get|list|watch"},
    {"", "endpoints", NULL, "get"},
    {"authentication.k8s.io", "tokenreviews", NULL, "create"},
    {"authorization.k8s.io", "subjectaccessreviews", NULL, "create"},
    {"authorization.k8s.io", "localsubjectaccessreviews", NULL, "create"},
    {"certificates.k8s.io", "certificatesigningrequests", NULL, "create|get|list|watch"},
    {"node.k8s.io", "runtimeclasses", NULL, "get|list|watch"},
    {"storage.k8s.io", "csidrivers", NULL, "get|list|watch"},
};

bool nodes_allow(struct api_request *r, const struct rbac_query *q, struct str node,
                 struct str *why)
{
    const struct question x = {.r = r, .q = q, .node = node};
    for (size_t i = 0; !q->non_resource && i < ARRAY_LEN(table); i++) {
        if (!str_eq_c(q->resource, table[i].resource) || !str_eq_c(q->group, table[i].group))
            continue;
        if (!table[i].answer)
            return q->sub.n == 0 && verb_is(&x, table[i].verbs);
        const char *no = table[i].answer(&x);
        if (no && why)
            *why = *no ? str_c(no)
                       : arena_printf(&r->a,
                                      "no relationship found between node '" STR_FMT
                                      "' and this object",
                                      STR_ARG(node));
        return !no;
    }
    return false;
}
