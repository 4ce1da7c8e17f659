/* Which clusters are looked at when, and which half of the life cycle looks at them. */
#include "engine/controllers/cluster/cluster_internal.h"

#include "engine/controllers/cluster/state.h"
#include "engine/kube/management.h"

void cluster_patch_finalizers(struct cluster_controller *c, struct kube_job *job,
                              const struct kube_object *cluster, bool with_ours)
{
    struct arena a = {0};
    cJSON *patch = json_object(&a), *metadata = json_ensure(&a, patch, "metadata");
    cJSON *list = json_array(&a);
    for (size_t i = 0; i < cluster->finalizers_n; i++)
        if (!str_eq_c(cluster->finalizers[i], CLUSTER_FINALIZER))
            json_append(list, json_str(&a, cluster->finalizers[i]));
    if (with_ours)
        json_append(list, json_str(&a, STR(CLUSTER_FINALIZER)));
    json_set(&a, metadata, STR("finalizers"), list);
    json_set_str(&a, metadata, "resourceVersion",
                 arena_printf(&a, "%llu", (unsigned long long)cluster->resource_version));
    struct controller_call call = {.job = job,
                                   .verb = KUBE_PATCH_MERGE,
                                   .target = {.gvr = gvr_clusters, .name = cluster->name},
                                   .done = controller_written};
    controller_call_tree(&c->base, &call, patch);
    arena_free(&a);
}

static void reconcile(void *owner, struct kube_job *job, struct str id)
{
    struct cluster_controller *c = owner;
    const struct kube_object *cluster = kube_informer_get(c->base.options.clusters, id);
    if (!cluster || cluster_is_internal(cluster)) {
        cluster_removal_forget(c, id);
        controller_done(&c->base, job, false);
    } else if (cluster->deleting) {
        cluster_remove(c, job, cluster);
    } else {
        cluster_provision(c, job, cluster);
    }
}

static void note_state(struct cluster_controller *c, const struct kube_object *before,
                       const struct kube_object *after)
{
    struct str was = before ? cluster_state(before) : str_empty;
    struct str is = after ? cluster_state(after) : STR("removed");
    if (!str_eq(was, is))
        world_note(c->base.options.world, "cluster.state", kube_changed(before, after)->name, is);
}

static void on_cluster(void *owner, const struct kube_object *before,
                       const struct kube_object *after)
{
    struct cluster_controller *c = owner;
    note_state(c, before, after);
    kube_queue_add(c->base.queue, kube_changed(before, after)->name);
}

/* A token of the cluster came or went. */
static void on_token(void *owner, const struct kube_object *before, const struct kube_object *after)
{
    struct cluster_controller *c = owner;
    if (before && after)
        return; /* what is in it is the token controller's business */
    kube_queue_add(c->base.queue, kube_changed(before, after)->ns);
}

static struct controller *start(const struct controllers_options *options)
{
    struct cluster_controller *c = MEM_NEW(struct cluster_controller);
    controller_begin(&c->base, cluster_class.name, options, reconcile);
    kube_informer_on_change(options->clusters, on_cluster, c);
    kube_informer_on_change(options->tokens, on_token, c);
    controller_enqueue_all(&c->base, options->clusters);
    return &c->base;
}

static void stop(struct controller *base)
{
    struct cluster_controller *c = container_of(base, struct cluster_controller, base);
    controller_end(base);
    void *removal;
    for (size_t i = 0; map_next(&c->removals, &i, NULL, &removal);)
        mem_free(removal);
    map_free(&c->removals);
    mem_free(c);
}

const struct controller_class cluster_class = {"cluster", start, stop};
