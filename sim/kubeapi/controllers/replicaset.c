/* ReplicaSets and ReplicationControllers: so many pods of a template. The two differ in their selector's form and in names. */
#include "sim/kubeapi/controllers/ctl.h"

#define BURST      500 /* pods made or deleted in one go */
#define SLOW_START 16  /* that wait for webhooks at once: no more than there are pods already */

struct set {
    enum ctl_kind ctl;
    enum ctl_table table;
    const char *component, *failure; /* failure: the condition's type */
};
static const struct set replica_set = {CTL_REPLICA_SET, T_REPLICA_SETS, "replicaset-controller",
                                       "ReplicaFailure"};
static const struct set replication = {CTL_REPLICATION, T_REPLICATIONS, "replication-controller",
                                       "ReplicaFailure"};

/* A map of labels as a LabelSelector. */
static cJSON *selector_of(struct ctl *c, const struct set *s, const cJSON *tree)
{
    cJSON *spec = json_get(tree, "spec"), *given = json_get(spec, "selector");
    if (s == &replica_set)
        return given;
    if (!given || !given->child)
        given = json_path(spec, "template.metadata.labels");
    cJSON *out = json_object(&c->a);
    if (given)
        json_set(&c->a, out, STR("matchLabels"), json_copy(&c->a, given));
    return out;
}

/* False: refused. have: pods that are there. */
static bool make(struct ctl *c, const struct set *s, struct kube_object *o, const cJSON *tree,
                 int64_t n, size_t have, struct str *why)
{
    const cJSON *template = json_path(tree, "spec.template");
    struct ctl_making m = {.ctl = s->ctl,
                           .table = T_PODS,
                           .owner = o,
                           .component = s->component,
                           .made = STR("Created pod: "),
                           .failed = STR("Error creating: ")};
    size_t waits = 0, waits_max = have < SLOW_START ? have : SLOW_START;
    for (int64_t i = 0; i < n && i < BURST; i++) {
        struct kube_object *pod;
        enum ctl_made how =
            ctl_make(c, &m, pod_from_template(c, o, template, str_empty), &pod, why);
        if (how == CTL_REFUSED)
            return false;
        if (how == CTL_WAITS && ++waits >= waits_max)
            break;
    }
    return true;
}

static void trim(struct ctl *c, const struct set *s, struct kube_object *o, struct ctl_list active,
                 int64_t n)
{
    pods_rank(c, &active);
    for (size_t i = 0; i < active.n && (int64_t)i < n && i < BURST; i++)
        if (ctl_delete(c, T_PODS, active.at[i], -1))
            ctl_record(c, o, EVENT_NORMAL, "SuccessfulDelete", s->component,
                       "Deleted pod: " STR_FMT, STR_ARG(active.at[i]->name));
}

struct counts {
    int64_t all, labeled, ready, available, terminating;
};

static bool fully_labeled(const cJSON *template, const struct kube_object *pod)
{
    const cJSON *labels = json_path(template, "metadata.labels");
    for (const cJSON *l = labels ? labels->child : NULL; l; l = l->next)
        if (!str_eq(kube_object_label(pod, str_c(l->string)), json_string(l)))
            return false;
    return true;
}

static void write_status(struct ctl *c, const struct set *s, struct kube_object *o, cJSON *tree,
                         const struct counts *n, struct str why)
{
    cJSON *status = json_object(&c->a), *old = json_path(tree, "status.conditions");
    if (old)
        json_set(&c->a, status, STR("conditions"), json_copy(&c->a, old));
    json_set_int(&c->a, status, "observedGeneration", o->generation);
    json_set_int(&c->a, status, "replicas", n->all);
    if (n->labeled)
        json_set_int(&c->a, status, "fullyLabeledReplicas", n->labeled);
    if (n->ready)
        json_set_int(&c->a, status, "readyReplicas", n->ready);
    if (n->available)
        json_set_int(&c->a, status, "availableReplicas", n->available);
    if (why.n > 0 && !ctl_condition_find(status, s->failure))
        ctl_condition(c, status, s->failure, "True", "FailedCreate", why);
    else if (why.n == 0 && ctl_condition_find(status, s->failure))
        (void)json_unset(status, STR("conditions"));
    ctl_put_status(c, s->table, o, tree, status);
}

/* Toward the size that is wanted; *why: what refused a pod. */
static void manage(struct ctl *c, const struct set *s, struct kube_object *o, const cJSON *tree,
                   struct ctl_list active, struct str *why)
{
    int64_t more = json_int_at(tree, "spec.replicas", 1) - (int64_t)active.n;
    bool ok = !ctl_refused(c, o, why);
    if (ok && more > 0)
        ok = make(c, s, o, tree, more, active.n, why);
    else if (ok && more < 0)
        trim(c, s, o, active, -more);
    if (!ok && why->n > 0)
        ctl_retry(c, s->ctl, o->ns, o->name);
    else
        ctl_forgive(c, s->ctl, o->ns, o->name);
}

static void sync_set(struct ctl *c, const struct set *s, struct str ns, struct str name)
{
    struct kube_object *o = ctl_get(c, s->table, ns, name);
    if (!o)
        return;
    cJSON *tree = ctl_tree(c, o), *template = json_path(tree, "spec.template");
    int64_t min_ready = json_int_at(tree, "spec.minReadySeconds", 0);
    struct ctl_list pods = pods_claim(c, o, selector_of(c, s, tree)), active = {0};
    struct counts n = {0};
    world_time again = 0;
    struct str why = str_empty;
    active.at = ARENA_NEW_ARRAY(&c->a, struct kube_object *, pods.n + 1);
    for (size_t i = 0; i < pods.n; i++) {
        if (!pod_active(pods.at[i]))
            continue;
        active.at[active.n++] = pods.at[i];
        n.all++;
        n.labeled += fully_labeled(template, pods.at[i]);
        n.ready += pod_is_ready(pods.at[i]);
        n.available += pod_is_available(c, pods.at[i], min_ready, &again);
    }
    if (ctl_awaited(c, o) > 0)
        why = json_string_at(ctl_condition_find(json_get(tree, "status"), s->failure), "message");
    else if (!o->deleting)
        manage(c, s, o, tree, active, &why);
    write_status(c, s, o, tree, &n, why);
    if (again > 0)
        ctl_after(c, s->ctl, ns, name, again);
}

void sync_replica_set(struct ctl *c, struct str ns, struct str name)
{
    sync_set(c, &replica_set, ns, name);
}

void sync_replication(struct ctl *c, struct str ns, struct str name)
{
    sync_set(c, &replication, ns, name);
}
