/* The ReplicaSets of a deployment: what stands in them, and how they are resized. */
#include "sim/kubeapi/controllers/deployment.h"

void rs_read(struct rs *s, struct kube_object *o)
{
    *s = (struct rs){.o = o, .replicas = 1, .created = ctl_created(o)};
    (void)ctl_number(o, "spec.replicas", &s->replicas);
    (void)ctl_number(o, "status.replicas", &s->has);
    (void)ctl_number(o, "status.readyReplicas", &s->ready);
    (void)ctl_number(o, "status.availableReplicas", &s->available);
    (void)str_to_i64(ctl_annotation(o, REVISION), &s->revision);
}

bool rs_set_annotation(struct ctl *c, cJSON *tree, const char *key, struct str value)
{
    cJSON *list = json_ensure(&c->a, tree, "metadata.annotations");
    if (str_eq(json_string(json_get(list, key)), value))
        return false;
    json_set_str(&c->a, list, key, value);
    return true;
}

bool rs_set_number(struct ctl *c, cJSON *tree, const char *key, int64_t v)
{
    return rs_set_annotation(c, tree, key, arena_printf(&c->a, "%lld", (long long)v));
}

bool rs_replace(struct deployment *d, struct rs *s, cJSON *tree)
{
    struct kube_object *o = ctl_update(d->c, T_REPLICA_SETS, s->o, tree);
    if (o)
        rs_read(s, o);
    else
        d->lost = true;
    return o != NULL;
}

int64_t deployment_wanted(const struct deployment *d)
{
    int64_t sum = 0;
    for (size_t i = 0; i < d->sets_n; i++)
        sum += d->sets[i].replicas;
    return sum;
}

int64_t deployment_new_size(const struct deployment *d, int64_t now)
{
    if (!d->rolling)
        return d->replicas;
    int64_t room = d->replicas + d->surge - deployment_wanted(d), missing = d->replicas - now;
    if (room <= 0)
        return now;
    return now + (room < missing ? room : missing);
}

bool deployment_resize(struct deployment *d, struct rs *s, int64_t size)
{
    int64_t was = s->replicas;
    cJSON *tree = ctl_tree(d->c, s->o);
    bool changed = rs_set_number(d->c, tree, DESIRED, d->replicas);
    changed = rs_set_number(d->c, tree, MAX_REPLICAS, d->replicas + d->surge) || changed;
    if (!changed && was == size)
        return false;
    json_set_int(&d->c->a, json_get(tree, "spec"), "replicas", size);
    if (!rs_replace(d, s, tree) || was == size)
        return false;
    ctl_record(d->c, d->o, EVENT_NORMAL, "ScalingReplicaSet", DEPLOYMENT_COMPONENT,
               "Scaled %s replica set " STR_FMT " from %lld to %lld", size > was ? "up" : "down",
               STR_ARG(s->o->name), (long long)was, (long long)size);
    return true;
}
