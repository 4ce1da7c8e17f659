/* What a Deployment says about itself: numbers, Available, Progressing. */
#include "sim/kubeapi/controllers/deployment.h"

struct sums {
    int64_t replicas, updated, ready, available, unavailable;
};

static struct sums sum_up(const struct deployment *d)
{
    struct sums n = {0};
    for (size_t i = 0; i < d->sets_n; i++) {
        n.replicas += d->sets[i].has;
        n.ready += d->sets[i].ready;
        n.available += d->sets[i].available;
    }
    n.updated = d->fresh ? d->fresh->has : 0;
    n.unavailable = deployment_wanted(d) - n.available;
    if (n.unavailable < 0)
        n.unavailable = 0;
    return n;
}

bool deployment_complete(const struct deployment *d)
{
    struct sums n = sum_up(d);
    return n.updated == d->replicas && n.replicas == d->replicas && n.available == d->replicas;
}

/* The same status and reason change nothing, not even the times, unless there is progress to note. */
static void set_condition(struct deployment *d, cJSON *status, const char *type, const char *value,
                          const char *reason, struct str message, bool renew)
{
    struct arena *a = &d->c->a;
    const cJSON *old = ctl_condition_find(status, type);
    if (old && !renew && str_eq_c(json_string_at(old, "status"), value) &&
        str_eq_c(json_string_at(old, "reason"), reason))
        return;
    ctl_condition(d->c, status, type, value, reason, message);
    json_set_str(a, ctl_condition_find(status, type), "lastUpdateTime", ctl_now(d->c));
}

bool deployment_progress(struct deployment *d, const char *value, const char *reason,
                         struct str message)
{
    if (!json_path(d->tree, "spec.progressDeadlineSeconds"))
        return false;
    set_condition(d, json_ensure(&d->c->a, d->tree, "status"), "Progressing", value, reason,
                  message, false);
    struct kube_object *o = ctl_update(d->c, T_DEPLOYMENTS, d->o, d->tree);
    if (!o) {
        d->lost = true;
        return false;
    }
    d->o = o;
    d->tree = ctl_tree(d->c, o);
    return true;
}

static struct str who(const struct deployment *d)
{
    return arena_printf(&d->c->a, "%s \"" STR_FMT "\"", d->fresh ? "ReplicaSet" : "Deployment",
                        STR_ARG(d->fresh ? d->fresh->o->name : d->o->name));
}

/* How long until there was no progress for too long; -1: nothing is being waited for. */
static world_time deadline_left(const struct deployment *d, const cJSON *condition)
{
    if (!condition || str_eq_c(json_string_at(condition, "reason"), "NewReplicaSetAvailable"))
        return -1;
    world_time since = ctl_time_at(condition, "lastUpdateTime");
    int64_t seconds = json_int_at(d->tree, "spec.progressDeadlineSeconds", 600);
    world_time left = since + seconds * NS_PER_S - ctl_wall(d->c);
    return left > 0 ? left : 0;
}

static void mind_progress(struct deployment *d, cJSON *status, const struct sums *n)
{
    const cJSON *old = json_get(d->tree, "status");
    struct ctl *c = d->c;
    const cJSON *now = ctl_condition_find(status, "Progressing");
    struct str reason = json_string_at(now, "reason");
    int64_t updated = json_int_at(old, "updatedReplicas", 0);
    bool done = n->replicas == n->updated && str_eq_c(reason, "NewReplicaSetAvailable");
    bool more = n->updated > updated ||
                n->replicas - n->updated < json_int_at(old, "replicas", 0) - updated ||
                n->ready > json_int_at(old, "readyReplicas", 0) ||
                n->available > json_int_at(old, "availableReplicas", 0);
    if (done)
        return;
    if (deployment_complete(d)) {
        set_condition(d, status, "Progressing", "True", "NewReplicaSetAvailable",
                      arena_printf(&c->a, STR_FMT " has successfully progressed.", STR_ARG(who(d))),
                      false);
    } else if (more) {
        set_condition(d, status, "Progressing", "True", "ReplicaSetUpdated",
                      arena_printf(&c->a, STR_FMT " is progressing.", STR_ARG(who(d))), true);
    } else if (str_eq_c(reason, "ProgressDeadlineExceeded") || deadline_left(d, now) == 0) {
        set_condition(d, status, "Progressing", "False", "ProgressDeadlineExceeded",
                      arena_printf(&c->a, STR_FMT " has timed out progressing.", STR_ARG(who(d))),
                      false);
        return;
    }
    world_time left = deadline_left(d, ctl_condition_find(status, "Progressing"));
    if (left >= 0 && !d->paused) /* times have whole seconds */
        ctl_after(c, CTL_DEPLOYMENT, d->o->ns, d->o->name, left + NS_PER_S);
}

static const cJSON *failure_of(const struct deployment *d, const struct rs *s)
{
    if (kube_object_raw(s->o, "status.conditions").n == 0)
        return NULL; /* as a rule */
    return ctl_condition_find(json_get(ctl_tree(d->c, s->o), "status"), "ReplicaFailure");
}

/* What keeps the new set (else: the others) from making pods is the Deployment's failure as well. */
static void mind_failure(struct deployment *d, cJSON *status)
{
    const cJSON *found = d->fresh ? failure_of(d, d->fresh) : NULL;
    for (size_t i = 0; !d->fresh && !found && i < d->sets_n; i++)
        found = failure_of(d, &d->sets[i]);
    cJSON *now = ctl_condition_find(status, "ReplicaFailure");
    if (found)
        set_condition(d, status, "ReplicaFailure",
                      arena_c(&d->c->a, json_string_at(found, "status")),
                      arena_c(&d->c->a, json_string_at(found, "reason")),
                      json_string_at(found, "message"), false);
    else if (now)
        (void)cJSON_DetachItemViaPointer(json_get(status, "conditions"), now);
}

static void put(struct arena *a, cJSON *status, const char *key, int64_t v)
{
    if (v)
        json_set_int(a, status, key, v);
}

void deployment_write_status(struct deployment *d, bool rolling_out)
{
    struct arena *a = &d->c->a;
    const cJSON *old = json_get(d->tree, "status"), *conditions = json_get(old, "conditions");
    struct sums n = sum_up(d);
    cJSON *status = json_object(a);
    if (conditions)
        json_set(a, status, STR("conditions"), json_copy(a, conditions));
    put(a, status, "collisionCount", json_int_at(old, "collisionCount", 0));
    json_set_int(a, status, "observedGeneration", d->o->generation);
    put(a, status, "replicas", n.replicas);
    put(a, status, "updatedReplicas", n.updated);
    put(a, status, "readyReplicas", n.ready);
    put(a, status, "availableReplicas", n.available);
    put(a, status, "unavailableReplicas", n.unavailable);
    if (n.available >= d->replicas - d->unavailable)
        set_condition(d, status, "Available", "True", "MinimumReplicasAvailable",
                      STR("Deployment has minimum availability."), false);
    else
        set_condition(d, status, "Available", "False", "MinimumReplicasUnavailable",
                      STR("Deployment does not have minimum availability."), false);
    mind_failure(d, status);
    if (rolling_out && json_path(d->tree, "spec.progressDeadlineSeconds"))
        mind_progress(d, status, &n);
    ctl_put_status(d->c, T_DEPLOYMENTS, d->o, d->tree, status);
}
