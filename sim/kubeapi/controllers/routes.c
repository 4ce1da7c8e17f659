/* What a change in a table means, and for whom. */
#include "sim/kubeapi/controllers/kubelet.h"
#include "sim/kubeapi/core/selector.h"

/* ---- strays: pods and sets without a controller, by namespace ---- */

static void count_stray(struct map *strays, struct str ns, int by)
{
    intptr_t n = (intptr_t)map_get(strays, ns) + by;
    if (n > 0)
        map_put(strays, ns, (void *)n);
    else
        (void)map_remove(strays, ns);
}

static bool is_stray(const struct kube_object *o)
{
    return o && !kube_object_controller(o);
}

static void mind_strays(struct map *strays, const struct store_event *e)
{
    bool was = is_stray(e->before), is = e->type != STORE_DELETED && is_stray(e->object);
    if (was != is)
        count_stray(strays, e->object->ns, is ? 1 : -1);
}

/* ---- pods ---- */

static bool label_selector_hits(const struct kube_object *o, const struct kube_object *pod)
{
    struct arena a = {0};
    cJSON *selector = NULL;
    struct str raw = kube_object_raw(o, "spec.selector");
    struct err *err = raw.n ? json_parse(&a, raw, &selector) : NULL;
    bool hit = !err && selector && selector_object_matches(selector, pod);
    err_ignore(err);
    arena_free(&a);
    return hit;
}

static void wake_selecting(struct ctl *c, enum ctl_kind kind, enum ctl_table table,
                           const struct kube_object *pod)
{
    struct store_cursor cursor = store_seek(c->tables[table], pod->ns, str_empty);
    for (struct kube_object *o; (o = store_next(&cursor)) && str_eq(o->ns, pod->ns);)
        if (label_selector_hits(o, pod))
            ctl_soon(c, kind, o->ns, o->name);
}

/* A service's selector is a plain map. */
static bool service_hits(const struct kube_object *service, const struct kube_object *pod)
{
    struct str raw = kube_object_raw(service, "spec.selector"), key, value, inner;
    struct scan s = scan_of(raw);
    bool escaped, any = false;
    if (raw.n == 0 || !scan_enter(&s, '{'))
        return false;
    while (scan_member(&s, &key, &value)) {
        any = true;
        if (!scan_string(value, &inner, &escaped) || !kube_object_has_label(pod, key) ||
            !str_eq(kube_object_label(pod, key), inner))
            return false;
    }
    return any;
}

static bool same_raw(const struct kube_object *a, const struct kube_object *b, const char *dotted)
{
    return str_eq(kube_object_raw(a, dotted), kube_object_raw(b, dotted));
}

/* The status of a pod stands behind all the rest of it: looked for once an event. */
struct statuses {
    struct str was, is; /* was: empty when there was none */
};

static struct statuses statuses_of(const struct store_event *e)
{
    return (struct statuses){.was = e->before ? kube_object_raw(e->before, "status") : str_empty,
                             .is = kube_object_raw(e->object, "status")};
}

/* As pod_is_ready. */
static bool says_ready(struct str status)
{
    return str_find(scan_get(status, STR("conditions")),
                    STR("\"status\":\"True\",\"type\":\"Ready\"")) >= 0;
}

static bool same_in(const struct statuses *s, const char *key)
{
    return str_eq(scan_get(s->was, str_c(key)), scan_get(s->is, str_c(key)));
}

static void wake_services(struct ctl *c, const struct store_event *e, const struct statuses *s)
{
    const struct kube_object *o = e->object, *b = e->before;
    if (store_count(c->tables[T_SERVICES]) == 0)
        return;
    if (scan_get(s->is, STR("podIP")).n == 0 && scan_get(s->was, STR("podIP")).n == 0)
        return; /* nothing that a service could lead to */
    if (b && e->type == STORE_MODIFIED && o->deleting == b->deleting &&
        says_ready(s->is) == says_ready(s->was) && same_in(s, "podIP") && same_in(s, "phase") &&
        same_raw(o, b, "metadata.labels"))
        return;
    struct store_cursor cursor = store_seek(c->tables[T_SERVICES], o->ns, str_empty);
    for (struct kube_object *at; (at = store_next(&cursor)) && str_eq(at->ns, o->ns);)
        if (service_hits(at, o) || (b && service_hits(at, b)))
            ctl_soon(c, CTL_ENDPOINTS, at->ns, at->name);
}

/* A set whose pods these are may be a Deployment's that waits for the last old one (Recreate). */
static void wake_deployment(struct ctl *c, const struct kube_object *pod)
{
    const struct kube_owner *owner = kube_object_controller(pod);
    struct kube_object *set =
        owner ? store_get(c->tables[T_REPLICA_SETS], pod->ns, owner->name) : NULL;
    if (set)
        ctl_soon_owner(c, set);
}

static void wake_strays_owners(struct ctl *c, const struct kube_object *pod)
{
    wake_selecting(c, CTL_REPLICA_SET, T_REPLICA_SETS, pod);
    wake_selecting(c, CTL_STATEFUL_SET, T_STATEFUL_SETS, pod);
    wake_selecting(c, CTL_DAEMON_SET, T_DAEMON_SETS, pod);
    wake_selecting(c, CTL_JOB, T_JOBS, pod);
    ctl_soon_all(c, CTL_REPLICATION, T_REPLICATIONS, pod->ns);
}

/* What a ReplicaSet does with its pods is the same after the change as before it. */
static bool set_looks_away(const struct store_event *e, const struct statuses *s)
{
    const struct kube_object *o = e->object, *b = e->before;
    const struct kube_owner *owner = kube_object_controller(o);
    return b && e->type == STORE_MODIFIED && owner && str_eq_c(owner->kind, "ReplicaSet") &&
           o->deleting == b->deleting && says_ready(s->is) == says_ready(s->was) &&
           same_in(s, "phase") && same_raw(o, b, "metadata.labels") &&
           same_raw(o, b, "metadata.ownerReferences");
}

static void on_pod(struct ctl *c, struct store_event *e)
{
    const struct kube_object *o = e->object;
    bool gone = e->type == STORE_DELETED;
    struct statuses statuses = statuses_of(e);
    mind_strays(&c->stray_pods, e);
    ctl_nodes_pod(c, o, gone);
    wake_services(c, e, &statuses);
    if (!set_looks_away(e, &statuses))
        ctl_soon_owner(c, o);
    if (e->before && !gone && !is_stray(e->before) && is_stray(o))
        ctl_soon_owner(c, e->before);
    if (store_count(c->tables[T_BUDGETS]) > 0)
        wake_selecting(c, CTL_BUDGET, T_BUDGETS, o);
    if (gone) {
        kubelet_forget(c, o->uid);
        if (c->options.kubelet.gone)
            c->options.kubelet.gone(c->options.kubelet.owner, o);
        wake_deployment(c, o);
        if (store_count(c->tables[T_CLAIMS]) > 0)
            ctl_soon_all(c, CTL_CLAIM, T_CLAIMS, o->ns);
        return;
    }
    if (is_stray(o) && !o->deleting)
        wake_strays_owners(c, o);
    if (kube_object_string(o, "spec.nodeName").n == 0)
        ctl_soon(c, CTL_SCHEDULER, o->ns, o->name);
    else
        ctl_soon(c, CTL_KUBELET, o->ns, o->name);
}

/* ---- the others ---- */

/* Keys of canonical bytes are in order, as with pods. */
static bool node_is_ready(const struct kube_object *node)
{
    return pod_is_ready(node);
}

/* Pods on their way out wait for a kubelet; others for whoever runs them. */
static void wake_pods(struct ctl *c, struct str node)
{
    if (!ctl_nodes_used(c, node))
        return;
    struct store_cursor cursor = store_seek(c->tables[T_PODS], str_empty, str_empty);
    for (struct kube_object *o; (o = store_next(&cursor));)
        if (str_eq(kube_object_string(o, "spec.nodeName"), node))
            ctl_soon(c, CTL_KUBELET, o->ns, o->name);
}

static bool has_kubelet_again(struct ctl *c, const struct store_event *e)
{
    const struct kube_object *o = e->object, *b = e->before;
    if (e->type == STORE_DELETED || !node_is_kept(c, o))
        return false;
    if (!b) /* pods may have waited for it; when everything is looked at, they are as well */
        return e->revision > 0;
    return !node_is_kept(c, b) || (node_is_ready(o) && !node_is_ready(b));
}

/* Nothing but the time and the revision is another: the bytes tell. */
static bool is_heartbeat(struct str now, struct str was)
{
    static const struct str keys[] = {STR_INIT("\"lastHeartbeatTime\":"),
                                      STR_INIT("\"resourceVersion\":")};
    if (now.n != was.n)
        return false;
    for (size_t i = 0; i < now.n; i++) {
        size_t from = i;
        if (now.p[i] == was.p[i])
            continue;
        while (from > 0 && now.p[from - 1] != '"')
            from--;
        struct str before = str_sub(now, 0, from > 0 ? from - 1 : 0); /* the value's quote */
        if (!str_ends(before, keys[0]) && !str_ends(before, keys[1]))
            return false;
        while (i < now.n && now.p[i] != '"')
            i++;
    }
    return true;
}

static void on_node(struct ctl *c, struct store_event *e)
{
    const struct kube_object *o = e->object, *b = e->before;
    if (b && e->type == STORE_MODIFIED && is_heartbeat(o->json, b->json))
        return;
    bool same = b && e->type == STORE_MODIFIED && same_raw(o, b, "spec") &&
                same_raw(o, b, "metadata.labels") && same_raw(o, b, "status.allocatable");
    ctl_soon(c, CTL_NODE, str_empty, o->name);
    if (has_kubelet_again(c, e))
        wake_pods(c, o->name);
    if (same)
        return;
    ctl_nodes_changed(c);
    if (store_count(c->tables[T_DAEMON_SETS]) > 0)
        ctl_soon_all(c, CTL_DAEMON_SET, T_DAEMON_SETS, str_empty);
}

static void on_lease(struct ctl *c, const struct store_event *e)
{
    if (e->type == STORE_ADDED && str_eq_c(e->object->ns, "kube-node-lease"))
        ctl_soon(c, CTL_NODE, str_empty, e->object->name);
}

static void on_set(struct ctl *c, const struct store_event *e)
{
    const struct kube_object *o = e->object;
    mind_strays(&c->stray_sets, e);
    ctl_soon_owner(c, o);
    if (e->before && !is_stray(e->before) && is_stray(o))
        ctl_soon_owner(c, e->before);
    if (is_stray(o) && e->type != STORE_DELETED && !o->deleting &&
        store_count(c->tables[T_DEPLOYMENTS]) > 0)
        ctl_soon_all(c, CTL_DEPLOYMENT, T_DEPLOYMENTS, o->ns);
    ctl_soon(c, CTL_REPLICA_SET, o->ns, o->name);
}

static void on_volume(struct ctl *c, const struct store_event *e)
{
    const struct kube_object *o = e->object;
    struct str ns = kube_object_string(o, "spec.claimRef.namespace");
    ctl_soon(c, CTL_VOLUME, str_empty, o->name);
    if (ns.n > 0)
        ctl_soon(c, CTL_CLAIM, ns, kube_object_string(o, "spec.claimRef.name"));
}

static void on_claim(struct ctl *c, const struct store_event *e)
{
    const struct kube_object *o = e->object;
    struct str volume = kube_object_string(o, "spec.volumeName");
    ctl_soon(c, CTL_CLAIM, o->ns, o->name);
    if (volume.n > 0)
        ctl_soon(c, CTL_VOLUME, str_empty, volume);
    if (e->type != STORE_DELETED && ctl_is(o, "status.phase", "Bound"))
        ctl_nodes_changed(c);
}

/* Autoscalers show their target's size. */
static void wake_autoscalers(struct ctl *c, const struct kube_object *o)
{
    if (store_count(c->tables[T_AUTOSCALERS]) > 0)
        ctl_soon_all(c, CTL_AUTOSCALER, T_AUTOSCALERS, o->ns);
}

/* Nothing but the status is another: out of a sync, what the Deployment's controller has just written. */
static bool is_status_only(const struct store_event *e)
{
    const struct kube_object *o = e->object, *b = e->before;
    return b && e->type == STORE_MODIFIED && o->generation == b->generation &&
           o->deleting == b->deleting && same_raw(o, b, "metadata.annotations") &&
           same_raw(o, b, "metadata.labels") && same_raw(o, b, "metadata.ownerReferences");
}

void ctl_route(struct ctl *c, enum ctl_table table, struct store_event *e)
{
    static const enum ctl_kind simple[CTL_TABLES] = {
        [T_SERVICES] = CTL_ENDPOINTS,
        [T_QUOTAS] = CTL_QUOTA,
        [T_REPLICATIONS] = CTL_REPLICATION,
        [T_DEPLOYMENTS] = CTL_DEPLOYMENT,
        [T_STATEFUL_SETS] = CTL_STATEFUL_SET,
        [T_DAEMON_SETS] = CTL_DAEMON_SET,
        [T_JOBS] = CTL_JOB,
        [T_CRON_JOBS] = CTL_CRON_JOB,
        [T_BUDGETS] = CTL_BUDGET,
        [T_AUTOSCALERS] = CTL_AUTOSCALER,
    };
    const struct kube_object *o = e->object;
    switch (table) {
    case T_PODS:
        on_pod(c, e);
        return;
    case T_NODES:
        on_node(c, e);
        return;
    case T_LEASES:
        on_lease(c, e);
        return;
    case T_REPLICA_SETS:
        on_set(c, e);
        return;
    case T_VOLUMES:
        on_volume(c, e);
        return;
    case T_CLAIMS:
        on_claim(c, e);
        return;
    case T_CLASSES:
        ctl_soon_all(c, CTL_CLAIM, T_CLAIMS, str_empty);
        return;
    case T_ENDPOINTS: /* of no service: somebody else's */
        if (store_get(c->tables[T_SERVICES], o->ns, o->name))
            ctl_soon(c, CTL_ENDPOINTS, o->ns, o->name);
        return;
    case T_SLICES:
        if (e->type != STORE_ADDED && kube_object_controller(o))
            ctl_soon(c, CTL_ENDPOINTS, o->ns, kube_object_controller(o)->name);
        return;
    case T_EVENTS:
    case T_REVISIONS:
    case T_NAMESPACES:
        return;
    default:
        break;
    }
    ctl_soon_owner(c, o);
    wake_autoscalers(c, o);
    if (table != T_DEPLOYMENTS || !c->syncing || !is_status_only(e))
        ctl_soon(c, simple[table], o->ns, o->name);
}

void ctl_route_all(struct ctl *c)
{
    for (size_t t = 0; t < CTL_TABLES; t++) {
        struct store_cursor cursor = store_seek(c->tables[t], str_empty, str_empty);
        for (struct kube_object *o; (o = store_next(&cursor));) {
            struct store_event e = {.type = STORE_ADDED, .table = c->tables[t], .object = o};
            ctl_route(c, (enum ctl_table)t, &e);
        }
    }
}
