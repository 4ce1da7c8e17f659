/* HorizontalPodAutoscalers: there are no metrics here, which their conditions say. */
#include "sim/kubeapi/controllers/ctl.h"

#define NO_METRICS                                                                                 \
    "the HPA was unable to compute the replica count: failed to get cpu utilization: unable to "   \
    "get "                                                                                         \
    "metrics for resource cpu: unable to fetch metrics from resource metrics API: the server "     \
    "could "                                                                                       \
    "not find the requested resource (get pods.metrics.k8s.io)"

static struct kube_object *target_of(struct ctl *c, struct str ns, const cJSON *ref)
{
    static const struct {
        const char *kind;
        enum ctl_table table;
    } known[] = {{"Deployment", T_DEPLOYMENTS},
                 {"ReplicaSet", T_REPLICA_SETS},
                 {"StatefulSet", T_STATEFUL_SETS},
                 {"ReplicationController", T_REPLICATIONS}};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_eq_c(json_string_at(ref, "kind"), known[i].kind))
            return ctl_get(c, known[i].table, ns, json_string_at(ref, "name"));
    return NULL;
}

void sync_autoscaler(struct ctl *c, struct str ns, struct str name)
{
    struct kube_object *o = ctl_get(c, T_AUTOSCALERS, ns, name);
    if (!o || o->deleting)
        return;
    const cJSON *tree = ctl_tree(c, o), *old = json_get(tree, "status");
    const cJSON *ref = json_path(tree, "spec.scaleTargetRef");
    struct kube_object *target = target_of(c, ns, ref);
    cJSON *status = old ? json_copy(&c->a, old) : json_object(&c->a);
    int64_t now = 0;
    if (!target) {
        ctl_condition(c, status, "AbleToScale", "False", "FailedGetScale",
                      arena_printf(&c->a,
                                   "the HPA controller was unable to get the target's current "
                                   "scale: " STR_FMT " \"" STR_FMT "\" not found",
                                   STR_ARG(json_string_at(ref, "kind")),
                                   STR_ARG(json_string_at(ref, "name"))));
    } else {
        (void)ctl_number(target, "spec.replicas", &now);
        ctl_condition(c, status, "AbleToScale", "True", "SucceededGetScale",
                      STR("the HPA controller was able to get the target's current scale"));
        ctl_condition(c, status, "ScalingActive", "False",
                      now ? "FailedGetResourceMetric" : "ScalingDisabled",
                      now ? STR(NO_METRICS)
                          : STR("scaling is disabled since the replica count of the target is "
                                "zero"));
    }
    json_set_int(&c->a, status, "currentReplicas", now);
    json_set_int(&c->a, status, "desiredReplicas", json_int_at(old, "desiredReplicas", 0));
    ctl_set_status(c, T_AUTOSCALERS, o, status);
}
