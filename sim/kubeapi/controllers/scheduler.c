/* The scheduler: a node for every pod that has none: one that fits and that it likes best, with the fewest pods.
 *
 *   Pending, no node ─► node found: bound (PodScheduled True, event Scheduled)
 *                  └─► none: room made by preemption? (status.nominatedNodeName; that room is kept for it)
 *                      ─► PodScheduled False / Unschedulable, event FailedScheduling ─► a node or a pod changes ─► again
 *
 * What is used on each node is kept by uid of pod, so that an attempt costs the nodes and not the pods. */
#include "sim/kubeapi/controllers/ctl.h"

#include "sim/kubeapi/controllers/preempt.h"
#include "sim/kubeapi/controllers/topology.h"

#define COMPONENT     "default-scheduler"
#define ATTEMPT_FIRST NS_PER_S
#define ATTEMPT_MAX   (10 * NS_PER_S)

struct ctl_nodes {
    struct map use;     /* node's name → struct node_use * */
    struct map pods;    /* pod's uid → struct pod_use * */
    struct map waiting; /* uids of pods that found no node → struct waiting * */
    size_t shy;         /* of pods: how many have anti-affinity */
    /* Since nobody waited: who waits may do so for other pods; room was made for somebody. */
    bool picky, rooms;
    struct fit_names names;
};

struct waiting {
    struct str ns, name; /* owned */
    uint32_t attempts;
    world_time last;
    bool asked; /* it is in the queue */
    /* where room was made for it; empty: nowhere */
    struct str node; /* owned */
    int64_t priority;
    struct fit_amounts amounts;
};

struct pod_use {
    struct node_use *on;
    struct fit_amounts amounts;
    struct port_holder *holds; /* NULL: no port of its node */
    bool shy;
};

static void let_ports_go(struct pod_use *p)
{
    if (p->holds)
        ports_release(&p->on->ports, p->holds);
    mem_free(p->holds);
    p->holds = NULL;
}

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
    str_free(&w->node);
    mem_free(w);
}

void ctl_nodes_reset(struct ctl_nodes *x)
{
    struct map *const maps[] = {&x->use, &x->pods};
    void *v;
    for (size_t i = 0; map_next(&x->pods, &i, NULL, &v);)
        let_ports_go(v);
    for (size_t i = 0; map_next(&x->waiting, &i, NULL, &v);)
        waiting_free(v);
    map_clear(&x->waiting);
    for (size_t m = 0; m < ARRAY_LEN(maps); m++) {
        for (size_t i = 0; map_next(maps[m], &i, NULL, &v);)
            mem_free(v);
        map_clear(maps[m]);
    }
    x->shy = 0;
}

void ctl_nodes_free(struct ctl_nodes *x)
{
    ctl_nodes_reset(x);
    map_free(&x->use);
    map_free(&x->pods);
    map_free(&x->waiting);
    for (size_t i = 0; i < x->names.n; i++)
        str_free(&x->names.at[i]);
    mem_free(x);
}

/* ---- what is used ---- */

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
    let_ports_go(p);
    c->nodes->shy -= p->shy;
    for (size_t i = 0; i < FIT_AMOUNTS; i++)
        p->on->amounts.n[i] -= p->amounts.n[i];
    mem_free(p);
    ctl_nodes_changed(c);
}

struct fit_names *fit_names(struct ctl *c)
{
    return &c->nodes->names;
}

static void take_ports(struct pod_use *p, const struct kube_object *pod, struct str ports)
{
    if (ports.n == 0)
        return;
    p->holds = MEM_NEW(struct port_holder);
    p->holds->uid = str_dup(pod->uid);
    p->holds->ports = str_dup(ports);
    p->holds->runs = kube_object_string(pod, "status.startTime").n > 0;
    ports_hold(&p->on->ports, p->holds);
}

bool ctl_nodes_let_in(struct ctl *c, const struct kube_object *pod)
{
    struct pod_use *p = map_get(&c->nodes->pods, pod->uid);
    if (!p || !p->holds)
        return true;
    struct ports_question q = {.wanted = p->holds->ports, .uid = pod->uid, .running = true};
    p->holds->runs = p->holds->runs || ports_are_free(p->on->ports, &q);
    return p->holds->runs;
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
    p->shy = topology_shies(pod);
    c->nodes->shy += p->shy;
    const cJSON *spec = json_get(kube_object_tree(pod, &a), "spec");
    fit_amounts(&c->nodes->names, spec, &p->amounts);
    take_ports(p, pod, ports_of(&a, spec));
    for (size_t i = 0; i < FIT_AMOUNTS; i++)
        p->on->amounts.n[i] += p->amounts.n[i];
    arena_free(&a);
    map_put(&c->nodes->pods, pod->uid, p);
    if (map_count(&c->nodes->waiting) == 0)
        c->nodes->picky = c->nodes->rooms = false;
    else if (c->nodes->picky)
        ctl_nodes_changed(c); /* some may want to stand near it */
}

void fit_use(struct ctl *c, struct str node, const struct kube_object *pod, struct node_use *out)
{
    void *v;
    struct str uid;
    *out = *use_of(c->nodes, node);
    for (size_t i = 0; c->nodes->rooms && map_next(&c->nodes->waiting, &i, &uid, &v);) {
        const struct waiting *w = v;
        if (!str_eq(w->node, node) || str_eq(uid, pod->uid) || w->priority < pod_priority(pod))
            continue;
        out->pods++;
        for (size_t k = 0; k < FIT_AMOUNTS; k++)
            out->amounts.n[k] += w->amounts.n[k];
    }
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

static struct waiting *waiting_of(struct ctl *c, const struct kube_object *pod)
{
    struct waiting *w = map_get(&c->nodes->waiting, pod->uid);
    if (!w) {
        w = MEM_NEW(struct waiting);
        w->ns = str_dup(pod->ns);
        w->name = str_dup(pod->name);
        w->node = str_empty;
        map_put(&c->nodes->waiting, pod->uid, w);
    }
    return w;
}

static void refuse(struct ctl *c, struct kube_object *pod, cJSON *tree, struct str why)
{
    cJSON *status = json_ensure(&c->a, tree, "status");
    ctl_condition(c, status, "PodScheduled", "False", "Unschedulable", why);
    struct waiting *w = waiting_of(c, pod);
    w->attempts++;
    w->last = world_now(c->api->w);
    w->asked = false;
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

static void write_no_node(struct buf *b, size_t nodes, const struct fit_reasons *reasons)
{
    buf_addf(b, "0/%zu nodes are available: ", nodes);
    fit_write_reasons(reasons, b);
    buf_add_c(b, ".");
}

static void write_no_victims(struct buf *b, size_t nodes, const struct fit_reasons *reasons)
{
    buf_addf(b, " preemption: 0/%zu nodes are available: ", nodes);
    fit_write_helpless(reasons, b);
    buf_add_c(b, ".");
}

/* It was looked at since something changed: its own status brings it here again. */
static bool is_waiting(struct ctl *c, const struct kube_object *pod)
{
    const struct waiting *w = map_get(&c->nodes->waiting, pod->uid);
    return w && !w->asked;
}

struct attempt {
    struct ctl *c;
    struct kube_object *pod;
    cJSON *tree;
    struct fit_question q;
    struct ctl_list nodes;
    struct fit_reasons reasons;
};

static const struct kube_object *best_node(struct attempt *x)
{
    const struct kube_object *best = NULL;
    int64_t least = 0, most = 0;
    for (size_t i = 0; i < x->nodes.n; i++) {
        const struct kube_object *node = x->nodes.at[i];
        const cJSON *tree = ctl_tree(x->c, node);
        struct node_use use;
        fit_use(x->c, node->name, x->pod, &use);
        if (node->deleting || !fit_node(x->c, &x->q, node, tree, &use, &x->reasons))
            continue;
        int64_t score = fit_score(&x->q, node, tree);
        if (!best || score > most || (score == most && use.pods < least)) {
            best = node;
            least = use.pods;
            most = score;
        }
    }
    return best;
}

/* Room is made where it costs least; the pod's turn comes when it is there. */
static void preempt(struct attempt *x, struct buf *text)
{
    struct ctl *c = x->c;
    struct preemption p;
    const char *excluded = preempt_excluded(c, x->pod);
    struct waiting *w = map_get(&c->nodes->waiting, x->pod->uid);
    if (excluded) {
        buf_addf(text, " preemption: %s", excluded);
        return;
    }
    if (w)
        str_free(&w->node);
    if (!preempt_choose(c, x->pod, &x->q, &x->nodes, c->nodes->shy > 0, &p)) {
        write_no_victims(text, x->nodes.n, &x->reasons);
        (void)json_unset(json_get(x->tree, "status"), STR("nominatedNodeName"));
        return;
    }
    w = waiting_of(c, x->pod);
    w->node = str_dup(p.node->name);
    c->nodes->rooms = true;
    w->priority = pod_priority(x->pod);
    w->amounts = x->q.wanted;
    json_set_str(&c->a, json_ensure(&c->a, x->tree, "status"), "nominatedNodeName", p.node->name);
    preempt_evict(c, x->pod, &p);
}

static void find_no_node(struct attempt *x)
{
    struct buf text = {0};
    if (x->nodes.n == 0) {
        buf_add_c(&text, "no nodes available to schedule pods");
    } else {
        write_no_node(&text, x->nodes.n, &x->reasons);
        preempt(x, &text);
    }
    refuse(x->c, x->pod, x->tree, arena_str(&x->c->a, buf_str(&text)));
    buf_free(&text);
}

static void try_nodes(struct attempt *x)
{
    struct topology_question about = {
        .pod = x->pod, .spec = x->q.spec, .nodes = &x->nodes, .others = x->c->nodes->shy > 0};
    struct topology *topology = topology_new(x->c, &about);
    x->q.topology = topology;
    const struct kube_object *node = best_node(x);
    x->c->nodes->picky = x->c->nodes->picky || (topology && !node);
    topology_free(topology);
    x->q.topology = NULL;
    if (node)
        bind(x->c, x->pod, x->tree, node->name);
    else
        find_no_node(x);
}

void sync_scheduler(struct ctl *c, struct str ns, struct str name)
{
    struct kube_object *pod = ctl_get(c, T_PODS, ns, name);
    if (!pod || pod->deleting || pod_finished(pod) ||
        kube_object_string(pod, "spec.nodeName").n > 0 || is_waiting(c, pod))
        return;
    struct str by = kube_object_string(pod, "spec.schedulerName");
    struct attempt x = {.c = c, .pod = pod, .tree = ctl_tree(c, pod)};
    x.q.spec = json_get(x.tree, "spec");
    if ((by.n > 0 && !str_eq_c(by, COMPONENT)) || is_gated(x.q.spec))
        return;
    x.nodes = ctl_list(c, T_NODES, str_empty);
    struct str claim = unbound_claim(c, pod, x.q.spec);
    if (claim.n > 0) {
        refuse(c, pod, x.tree,
               arena_printf(&c->a, "0/%zu nodes are available: " STR_FMT ".", x.nodes.n,
                            STR_ARG(claim)));
        return;
    }
    fit_amounts(&c->nodes->names, x.q.spec, &x.q.wanted);
    x.q.ports = (struct ports_question){.wanted = ports_of(&c->a, x.q.spec), .uid = pod->uid};
    try_nodes(&x);
}
