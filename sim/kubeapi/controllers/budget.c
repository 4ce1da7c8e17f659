/* PodDisruptionBudgets: how many pods may be evicted now. */
#include "sim/kubeapi/controllers/ctl.h"
#include "sim/kubeapi/core/selector.h"

/* What the pod's controllers want to have: a Deployment's number stands for its sets'. */
static int64_t wanted_by(struct ctl *c, const struct kube_object *pod, struct str *who)
{
    static const struct {
        const char *kind;
        enum ctl_table table;
    } known[] = {{"ReplicaSet", T_REPLICA_SETS},
                 {"StatefulSet", T_STATEFUL_SETS},
                 {"Deployment", T_DEPLOYMENTS},
                 {"ReplicationController", T_REPLICATIONS}};
    const struct kube_object *o = pod;
    int64_t n = 1;
    *who = str_empty;
    for (int depth = 0; depth < 2; depth++) {
        const struct kube_owner *owner = kube_object_controller(o);
        struct kube_object *found = NULL;
        for (size_t i = 0; owner && i < ARRAY_LEN(known); i++)
            if (str_eq_c(owner->kind, known[i].kind))
                found = ctl_get(c, known[i].table, pod->ns, owner->name);
        if (!found)
            break;
        o = found;
        *who = found->uid;
        (void)ctl_number(found, "spec.replicas", &n);
    }
    return who->n ? n : 0;
}

static int64_t expected(struct ctl *c, struct ctl_list pods)
{
    struct map seen = {0};
    int64_t sum = 0;
    for (size_t i = 0; i < pods.n; i++) {
        struct str who;
        int64_t n = wanted_by(c, pods.at[i], &who);
        if (who.n && !map_has(&seen, who)) {
            map_put(&seen, who, c);
            sum += n;
        }
    }
    map_free(&seen);
    return sum;
}

static struct ctl_list select_pods(struct ctl *c, struct str ns, const cJSON *selector)
{
    struct ctl_list all = ctl_list(c, T_PODS, ns), out = {0};
    out.at = ARENA_NEW_ARRAY(&c->a, struct kube_object *, all.n + 1);
    for (size_t i = 0; i < all.n && selector; i++)
        if (!pod_finished(all.at[i]) && selector_object_matches(selector, all.at[i]))
            out.at[out.n++] = all.at[i];
    return out;
}

void sync_budget(struct ctl *c, struct str ns, struct str name)
{
    struct kube_object *o = ctl_get(c, T_BUDGETS, ns, name);
    if (!o || o->deleting)
        return;
    const cJSON *tree = ctl_tree(c, o), *spec = json_get(tree, "spec");
    const cJSON *max = json_get(spec, "maxUnavailable"), *min = json_get(spec, "minAvailable");
    const cJSON *old = json_get(tree, "status");
    struct ctl_list pods = select_pods(c, ns, json_get(spec, "selector"));
    int64_t healthy = 0, desired, count = (int64_t)pods.n;
    for (size_t i = 0; i < pods.n; i++)
        healthy += !pods.at[i]->deleting && pod_is_ready(pods.at[i]);
    if (max || json_is_string(min))
        count = expected(c, pods);
    desired = max ? count - ctl_int_or_percent(max, count, true, 0)
                  : ctl_int_or_percent(min, count, true, 0);
    desired = desired < 0 ? 0 : desired;
    int64_t allowed = healthy > desired && count > 0 ? healthy - desired : 0;
    cJSON *status = old ? json_copy(&c->a, old) : json_object(&c->a);
    json_set_int(&c->a, status, "currentHealthy", healthy);
    json_set_int(&c->a, status, "desiredHealthy", desired);
    json_set_int(&c->a, status, "disruptionsAllowed", allowed);
    json_set_int(&c->a, status, "expectedPods", count);
    json_set_int(&c->a, status, "observedGeneration", o->generation);
    (void)json_unset(status, STR("disruptedPods"));
    ctl_condition(c, status, "DisruptionAllowed", allowed ? "True" : "False",
                  allowed ? "SufficientPods" : "InsufficientPods", str_empty);
    cJSON *condition = ctl_condition_find(status, "DisruptionAllowed");
    json_set_int(&c->a, condition, "observedGeneration", o->generation);
    json_set_str(&c->a, condition, "message", str_empty);
    ctl_set_status(c, T_BUDGETS, o, status);
}
