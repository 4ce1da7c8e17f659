/* Preemption. */
#include "sim/kubeapi/controllers/preempt.h"

#include <stdlib.h>

#include "sim/kubeapi/controllers/topology.h"
#include "sim/kubeapi/core/selector.h"

#define COMPONENT "default-scheduler"

int64_t pod_priority(const struct kube_object *pod)
{
    int64_t n = 0;
    (void)ctl_number(pod, "spec.priority", &n);
    return n;
}

const char *preempt_excluded(struct ctl *c, const struct kube_object *pod)
{
    struct str nominated = kube_object_string(pod, "status.nominatedNodeName");
    if (ctl_is(pod, "spec.preemptionPolicy", "Never"))
        return "not eligible due to preemptionPolicy=Never.";
    if (nominated.n == 0)
        return NULL;
    struct store_cursor cursor = store_seek(c->tables[T_PODS], str_empty, str_empty);
    for (struct kube_object *o; (o = store_next(&cursor));)
        if (o->deleting && str_eq(kube_object_string(o, "spec.nodeName"), nominated) &&
            pod_priority(o) < pod_priority(pod))
            return "not eligible due to a terminating pod on the nominated node.";
    return NULL;
}

/* ---- one node ---- */

struct trial {
    struct ctl *c;
    const struct kube_object *pod, *node;
    const cJSON *node_tree;
    const struct fit_question *q;
    const struct ctl_list *nodes;
    bool others;
    struct victim *at;
    size_t n;
};

static bool is_gone(const void *arg, const struct kube_object *pod)
{
    const struct trial *t = arg;
    for (size_t i = 0; i < t->n; i++)
        if (t->at[i].pod == pod)
            return !t->at[i].stays;
    return false;
}

static bool is_gone_uid(const void *arg, struct str uid)
{
    const struct trial *t = arg;
    for (size_t i = 0; i < t->n; i++)
        if (str_eq(t->at[i].pod->uid, uid))
            return !t->at[i].stays;
    return false;
}

/* With those away that do not stay. */
static bool fits(struct trial *t)
{
    struct fit_reasons ignored = {0};
    struct fit_question q = *t->q;
    struct node_use use;
    struct topology_question about = {.pod = t->pod,
                                      .spec = q.spec,
                                      .nodes = t->nodes,
                                      .others = t->others,
                                      .gone = is_gone,
                                      .arg = t};
    fit_use(t->c, t->node->name, t->pod, &use);
    for (size_t i = 0; i < t->n; i++) {
        if (t->at[i].stays)
            continue;
        use.pods--;
        for (size_t k = 0; k < FIT_AMOUNTS; k++)
            use.amounts.n[k] -= t->at[i].amounts.n[k];
    }
    struct topology *topology = topology_new(t->c, &about);
    q.topology = topology;
    q.ports.gone = is_gone_uid;
    q.ports.arg = t;
    bool ok = fit_node(t->c, &q, t->node, t->node_tree, &use, &ignored);
    topology_free(topology);
    return ok;
}

static int by_importance(const void *a, const void *b)
{
    const struct victim *x = a, *y = b;
    if (x->priority != y->priority)
        return x->priority > y->priority ? -1 : 1;
    if (x->started != y->started)
        return x->started < y->started ? -1 : 1;
    return str_cmp(x->pod->uid, y->pod->uid);
}

static void find_lower(struct trial *t)
{
    struct ctl_list pods = ctl_list(t->c, T_PODS, str_empty);
    int64_t mine = pod_priority(t->pod);
    t->at = ARENA_NEW_ARRAY(&t->c->a, struct victim, pods.n + 1);
    t->n = 0;
    for (size_t i = 0; i < pods.n; i++) {
        struct kube_object *o = pods.at[i];
        if (!str_eq(kube_object_string(o, "spec.nodeName"), t->node->name) || pod_finished(o) ||
            pod_priority(o) >= mine)
            continue;
        struct victim *v = &t->at[t->n++];
        const cJSON *tree = ctl_tree(t->c, o);
        *v = (struct victim){.pod = o, .priority = pod_priority(o)};
        v->started = ctl_time_at(tree, "status.startTime");
        fit_amounts(fit_names(t->c), json_get(tree, "spec"), &v->amounts);
    }
    if (t->n > 1)
        qsort(t->at, t->n, sizeof *t->at, by_importance);
}

/* Which of them no budget spares: each takes one of what is allowed. */
static void find_budgets(struct trial *t)
{
    struct ctl_list budgets = ctl_list(t->c, T_BUDGETS, str_empty);
    for (size_t b = 0; b < budgets.n; b++) {
        const cJSON *selector = json_path(ctl_tree(t->c, budgets.at[b]), "spec.selector");
        int64_t allowed = 0;
        (void)ctl_number(budgets.at[b], "status.disruptionsAllowed", &allowed);
        for (size_t i = 0; i < t->n; i++) {
            struct victim *v = &t->at[i];
            if (!str_eq(v->pod->ns, budgets.at[b]->ns) || !selector ||
                !selector_object_matches(selector, v->pod))
                continue;
            v->breaks = v->breaks || --allowed < 0;
        }
    }
}

static void spare(struct trial *t, bool breaking)
{
    for (size_t i = 0; i < t->n; i++) {
        if (t->at[i].breaks != breaking)
            continue;
        t->at[i].stays = true;
        t->at[i].stays = fits(t);
    }
}

static void sum_up(const struct trial *t, struct preemption *p)
{
    *p = (struct preemption){.node = t->node, .highest = INT64_MIN, .at = t->at};
    for (size_t i = 0; i < t->n; i++) {
        const struct victim *v = &t->at[i];
        if (v->stays)
            continue;
        if (v->priority > p->highest) {
            p->highest = v->priority;
            p->started = v->started;
        }
        p->broken += v->breaks;
        p->sum += v->priority + INT32_MAX + INT64_C(1);
        t->at[p->n++] = *v;
    }
}

static bool is_better(const struct preemption *a, const struct preemption *b)
{
    if (a->broken != b->broken)
        return a->broken < b->broken;
    if (a->highest != b->highest)
        return a->highest < b->highest;
    if (a->sum != b->sum)
        return a->sum < b->sum;
    if (a->n != b->n)
        return a->n < b->n;
    return a->started > b->started;
}

bool preempt_choose(struct ctl *c, const struct kube_object *pod, const struct fit_question *q,
                    const struct ctl_list *nodes, bool others, struct preemption *out)
{
    bool found = false;
    for (size_t i = 0; i < nodes->n; i++) {
        struct trial t = {.c = c, .pod = pod, .node = nodes->at[i], .q = q, .nodes = nodes};
        struct preemption p;
        t.others = others;
        find_lower(&t);
        if (t.n == 0 || t.node->deleting)
            continue;
        t.node_tree = ctl_tree(c, t.node);
        if (!fits(&t))
            continue;
        find_budgets(&t);
        spare(&t, true);
        spare(&t, false);
        sum_up(&t, &p);
        if (p.n > 0 && (!found || is_better(&p, out)))
            *out = p;
        found = found || p.n > 0;
    }
    return found;
}

/* ---- carrying it out ---- */

static struct kube_object *mark(struct ctl *c, struct kube_object *pod)
{
    cJSON *tree = ctl_tree(c, pod);
    ctl_condition(c, json_ensure(&c->a, tree, "status"), "DisruptionTarget", "True",
                  "PreemptionByScheduler",
                  STR(COMPONENT ": preempting to accommodate a higher priority pod"));
    struct kube_object *fresh = ctl_update(c, T_PODS, pod, tree);
    return fresh ? fresh : pod;
}

void preempt_evict(struct ctl *c, const struct kube_object *by, const struct preemption *p)
{
    for (size_t i = 0; i < p->n; i++) {
        struct kube_object *victim = p->at[i].pod;
        if (victim->deleting)
            continue;
        victim = mark(c, victim);
        if (ctl_delete(c, T_PODS, victim, -1))
            ctl_record(c, victim, EVENT_NORMAL, "Preempted", COMPONENT,
                       "Preempted by pod " STR_FMT " on node " STR_FMT, STR_ARG(by->uid),
                       STR_ARG(p->node->name));
    }
}
