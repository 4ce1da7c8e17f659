/* The scheduler: a node for every pod that has none: one that fits, with the fewest pods.
 *
 *   Pending, no node ─► node found: bound (PodScheduled True, event Scheduled)
 *                  └─► none: PodScheduled False / Unschedulable, event FailedScheduling ─► a node or a pod changes ─► again
 *
 * What is used on each node is kept by uid of pod, so that an attempt costs the nodes and not the pods. */
#include "sim/kubeapi/controllers/ctl.h"

#include "sim/kubeapi/controllers/fit.h"

#define COMPONENT     "default-scheduler"
#define ATTEMPT_FIRST NS_PER_S
#define ATTEMPT_MAX   (10 * NS_PER_S)

struct ctl_nodes {
    struct map use;     /* node's name → struct node_use * */
    struct map pods;    /* pod's uid → struct pod_use * */
    struct map waiting; /* uids of pods that found no node → struct waiting * */
};

struct waiting {
    struct str ns, name; /* owned */
    uint32_t attempts;
    world_time last;
    bool asked; /* it is in the queue */
};

struct ctl_nodes *ctl_nodes_new(void)
{
    return MEM_NEW(struct ctl_nodes);
}

static void waiting_free(struct waiting *w)
{
    if (!w)
        return;
    str_free(&w->ns);
    str_free(&w->name);
    mem_free(w);
}

void ctl_nodes_reset(struct ctl_nodes *x)
{
    struct map *const maps[] = {&x->use, &x->pods};
    void *v;
    for (size_t i = 0; map_next(&x->waiting, &i, NULL, &v);)
        waiting_free(v);
    map_clear(&x->waiting);
    for (size_t m = 0; m < ARRAY_LEN(maps); m++) {
        for (size_t i = 0; map_next(maps[m], &i, NULL, &v);)
            mem_free(v);
        map_clear(maps[m]);
    }
}

void ctl_nodes_free(struct ctl_nodes *x)
{
    ctl_nodes_reset(x);
    map_free(&x->use);
    map_free(&x->pods);
    map_free(&x->waiting);
    mem_free(x);
}

/* ---- what is used ---- */

struct pod_use {
    struct node_use *on;
    struct fit_amounts amounts;
};

static struct node_use *use_of(struct ctl_nodes *x, struct str node)
{
    struct node_use *u = map_get(&x->use, node);
    if (!u) {
        u = MEM_NEW(struct node_use);
        map_put(&x->use, node, u);
    }
    return u;
}

static void give_back(struct ctl *c, struct str uid)
{
    struct pod_use *p = map_remove(&c->nodes->pods, uid);
    if (!p)
        return;
    p->on->pods--;
    for (size_t i = 0; i < FIT_AMOUNTS; i++)
        p->on->amounts.n[i] -= p->amounts.n[i];
    mem_free(p);
    ctl_nodes_changed(c);
}

void ctl_nodes_pod(struct ctl *c, const struct kube_object *pod, bool gone)
{
    struct str node = kube_object_string(pod, "spec.nodeName");
    if (gone || node.n > 0)
        waiting_free(map_remove(&c->nodes->waiting, pod->uid));
    if (gone || node.n == 0 || pod_finished(pod)) {
        give_back(c, pod->uid);
        return;
    }
    if (map_has(&c->nodes->pods, pod->uid))
        return;
    struct pod_use *p = MEM_NEW(struct pod_use);
    struct arena a = {0};
    p->on = use_of(c->nodes, node);
    p->on->pods++;
    fit_amounts(json_get(kube_object_tree(pod, &a), "spec"), &p->amounts);
    for (size_t i = 0; i < FIT_AMOUNTS; i++)
        p->on->amounts.n[i] += p->amounts.n[i];
    arena_free(&a);
    map_put(&c->nodes->pods, pod->uid, p);
}

bool ctl_nodes_used(struct ctl *c, struct str node)
{
    const struct node_use *u = map_get(&c->nodes->use, node);
    return u && u->pods > 0;
}

/* Each attempt in vain makes the next one wait longer: 1 s, 2 s, ... */
void ctl_nodes_changed(struct ctl *c)
{
    void *v;
    world_time now = world_now(c->api->w);
    for (size_t i = 0; map_next(&c->nodes->waiting, &i, NULL, &v);) {
        struct waiting *w = v;
        world_time pause = ATTEMPT_FIRST;
        for (uint32_t n = 1; n < w->attempts && pause < ATTEMPT_MAX; n++)
            pause *= 2;
        world_time left = w->last + (pause < ATTEMPT_MAX ? pause : ATTEMPT_MAX) - now;
        if (!w->asked)
            ctl_after(c, CTL_SCHEDULER, w->ns, w->name, left > CTL_SETTLE ? left : CTL_SETTLE);
        w->asked = true;
    }
}

/* ---- an attempt ---- */

static void wait_for_change(struct ctl *c, const struct kube_object *pod)
{
    struct waiting *w = map_get(&c->nodes->waiting, pod->uid);
    if (!w) {
        w = MEM_NEW(struct waiting);
        w->ns = str_dup(pod->ns);
        w->name = str_dup(pod->name);
        map_put(&c->nodes->waiting, pod->uid, w);
    }
    w->attempts++;
    w->last = world_now(c->api->w);
    w->asked = false;
}

static void refuse(struct ctl *c, struct kube_object *pod, cJSON *tree, struct str why)
{
    cJSON *status = json_ensure(&c->a, tree, "status");
    ctl_condition(c, status, "PodScheduled", "False", "Unschedulable", why);
    wait_for_change(c, pod);
    struct kube_object *fresh = ctl_update(c, T_PODS, pod, tree);
    ctl_record(c, fresh ? fresh : pod, EVENT_WARNING, "FailedScheduling", COMPONENT, STR_FMT,
               STR_ARG(why));
}

static void bind(struct ctl *c, struct kube_object *pod, cJSON *tree, struct str node)
{
    json_set_str(&c->a, json_ensure(&c->a, tree, "spec"), "nodeName", node);
    ctl_condition(c, json_ensure(&c->a, tree, "status"), "PodScheduled", "True", NULL, str_empty);
    (void)json_unset(ctl_condition_find(json_get(tree, "status"), "PodScheduled"), STR("reason"));
    struct kube_object *fresh = ctl_update(c, T_PODS, pod, tree);
    if (fresh)
        ctl_record(c, fresh, EVENT_NORMAL, "Scheduled", COMPONENT,
                   "Successfully assigned " STR_FMT "/" STR_FMT " to " STR_FMT, STR_ARG(pod->ns),
                   STR_ARG(pod->name), STR_ARG(node));
}

/* Claims that a pod names and that are not bound yet; empty: none. */
static struct str unbound_claim(struct ctl *c, const struct kube_object *pod, const cJSON *spec)
{
    const cJSON *list = json_get(spec, "volumes");
    for (const cJSON *v = list ? list->child : NULL; v; v = v->next) {
        struct str name = json_string_at(v, "persistentVolumeClaim.claimName");
        if (name.n == 0)
            continue;
        struct kube_object *claim = ctl_get(c, T_CLAIMS, pod->ns, name);
        if (!claim)
            return arena_printf(&c->a, "persistentvolumeclaim \"" STR_FMT "\" not found",
                                STR_ARG(name));
        if (!ctl_is(claim, "status.phase", "Bound")) {
            ctl_soon(c, CTL_CLAIM, pod->ns, name); /* it may wait for us */
            return STR("pod has unbound immediate PersistentVolumeClaims");
        }
    }
    return str_empty;
}

static bool is_gated(const cJSON *spec)
{
    const cJSON *gates = json_get(spec, "schedulingGates");
    return gates && gates->child;
}

static struct str no_node(struct ctl *c, size_t nodes, const struct fit_reasons *reasons)
{
    struct buf b = {0};
    if (nodes == 0)
        return STR("no nodes available to schedule pods");
    buf_addf(&b, "0/%zu nodes are available: ", nodes);
    fit_write_reasons(reasons, &b);
    buf_addf(&b, ". preemption: 0/%zu nodes are available: %zu %s.", nodes, nodes,
             fit_preemption_helps(reasons) ? "No preemption victims found for incoming pod"
                                           : "Preemption is not helpful for scheduling");
    struct str text = arena_str(&c->a, buf_str(&b));
    buf_free(&b);
    return text;
}

/* It was looked at since something changed: its own status brings it here again. */
static bool is_waiting(struct ctl *c, const struct kube_object *pod)
{
    const struct waiting *w = map_get(&c->nodes->waiting, pod->uid);
    return w && !w->asked;
}

void sync_scheduler(struct ctl *c, struct str ns, struct str name)
{
    struct kube_object *pod = ctl_get(c, T_PODS, ns, name);
    if (!pod || pod->deleting || pod_finished(pod) ||
        kube_object_string(pod, "spec.nodeName").n > 0 || is_waiting(c, pod))
        return;
    struct str by = kube_object_string(pod, "spec.schedulerName");
    cJSON *tree = ctl_tree(c, pod);
    const cJSON *spec = json_get(tree, "spec");
    if ((by.n > 0 && !str_eq_c(by, COMPONENT)) || is_gated(spec))
        return;
    struct ctl_list nodes = ctl_list(c, T_NODES, str_empty);
    struct fit_reasons reasons = {0};
    struct fit_amounts wanted;
    const struct kube_object *best = NULL;
    int64_t least = 0;
    struct str claim = unbound_claim(c, pod, spec);
    if (claim.n > 0) {
        refuse(c, pod, tree,
               arena_printf(&c->a, "0/%zu nodes are available: " STR_FMT ".", nodes.n,
                            STR_ARG(claim)));
        return;
    }
    fit_amounts(spec, &wanted);
    for (size_t i = 0; i < nodes.n; i++) {
        struct node_use *use = use_of(c->nodes, nodes.at[i]->name);
        const cJSON *node = ctl_tree(c, nodes.at[i]);
        if (nodes.at[i]->deleting || !fit_node(c, spec, &wanted, nodes.at[i], node, use, &reasons))
            continue;
        if (!best || use->pods < least) {
            best = nodes.at[i];
            least = use->pods;
        }
    }
    if (best)
        bind(c, pod, tree, best->name);
    else
        refuse(c, pod, tree, no_node(c, nodes.n, &reasons));
}
