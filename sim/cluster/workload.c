/* Deployments: the number of pods that each wants, rolled over when the template changes (one more at a time, none less
 * than wanted), and their status. Looked at a moment after any change of a Deployment or a pod. Jobs that clean a cluster
 * up after its removal remove the agent's namespace. */
#include "sim/cluster/cluster_internal.h"

#include "engine/kube/management.h"

#define SETTLE        (100 * NS_PER_MS)
#define CLEANUP_AFTER (5 * NS_PER_S)

static void reconcile_all(void *owner);

void workload_soon(struct sim_cluster *c)
{
    if (!c->reconcile)
        c->reconcile = sim_after(c->sim, SETTLE, reconcile_all, c);
}

static struct str hash_of(struct arena *a, const struct kube_object *deployment)
{
    struct str template = kube_object_raw(deployment, "spec.template");
    return arena_printf(a, "%010llx", (unsigned long long)(str_hash(template) >> 24));
}

static bool pod_is_of(const struct pod *p, const struct kube_object *d)
{
    return pod_counts(p) && str_eq(p->deployment, d->name) && str_eq(p->ns, d->ns);
}

struct census {
    uint32_t current, old, ready_current, ready_old;
};

static struct census take_census(struct sim_cluster *c, const struct kube_object *d,
                                 struct str hash)
{
    struct census n = {0};
    for (uint32_t i = 0; i < c->slots_n; i++) {
        struct pod *p = c->slots[i];
        if (!pod_is_of(p, d))
            continue;
        bool current = str_eq(p->hash, hash);
        n.current += current;
        n.old += !current;
        n.ready_current += current && pod_ready(p);
        n.ready_old += !current && pod_ready(p);
    }
    return n;
}

/* The newest pod of the Deployment that is (or is not) of the current template; among those one that is not ready first. */
static struct pod *pod_of(struct sim_cluster *c, const struct kube_object *d, struct str hash,
                          bool current)
{
    struct pod *found = NULL;
    for (uint32_t i = 0; i < c->slots_n; i++) {
        struct pod *p = c->slots[i];
        if (pod_is_of(p, d) && str_eq(p->hash, hash) == current &&
            (!found || pod_ready(found) || !pod_ready(p)))
            found = p;
    }
    return found;
}

static void write_status(struct kubeapi *api, const struct kube_object *d, const struct census *n)
{
    struct buf patch = {0};
    uint32_t ready = n->ready_current + n->ready_old, all = n->current + n->old;
    buf_addf(&patch,
             "{\"status\":{\"availableReplicas\":%u,\"observedGeneration\":%lld,"
             "\"readyReplicas\":%u,\"replicas\":%u,\"updatedReplicas\":%u}}",
             ready, (long long)d->generation, ready, all, n->current);
    err_ignore(kubeapi_patch(api, STR("deployments.apps"), d->ns, d->name, buf_str(&patch)));
    buf_free(&patch);
}

static uint32_t wanted_of(const struct kube_object *d)
{
    uint64_t replicas = 1;
    struct str raw = kube_object_raw(d, "spec.replicas");
    if (raw.n && !str_to_u64(raw, &replicas))
        replicas = 1;
    return replicas > SIM_CLUSTER_PODS_MAX / 2 ? SIM_CLUSTER_PODS_MAX / 2 : (uint32_t)replicas;
}

static void reconcile_deployment(struct sim_cluster *c, struct kubeapi *api, struct kube_object *d)
{
    struct arena a = {0};
    struct str hash = hash_of(&a, d);
    uint32_t wanted = d->deleting ? 0 : wanted_of(d);
    struct census n = take_census(c, d, hash);
    /* Old pods that serve nobody go first; the others one by one, as new ones take their place. */
    for (; n.old > n.ready_old; n.old--)
        pod_delete(pod_of(c, d, hash, false));
    while (n.current < wanted && (n.old == 0 || n.current + n.old <= wanted)) {
        struct pod *p = pod_find_free(c);
        if (!p)
            break; /* every slot is in use: comes back when one is free */
        pod_create(p, d, hash);
        n.current++;
    }
    for (; n.old && n.ready_current + n.ready_old > wanted; n.old--, n.ready_old--)
        pod_delete(pod_of(c, d, hash, false));
    for (; n.current > wanted; n.current--) {
        struct pod *p = pod_of(c, d, hash, true);
        n.ready_current -= pod_ready(p);
        pod_delete(p);
    }
    write_status(api, d, &n);
    arena_free(&a);
}

/* Pods whose Deployment is gone go too. */
static void collect_orphans(struct sim_cluster *c, struct kubeapi *api)
{
    for (uint32_t i = 0; i < c->slots_n; i++) {
        struct pod *p = c->slots[i];
        if (!pod_counts(p))
            continue;
        if (!kubeapi_get(api, STR("deployments.apps"), p->ns, p->deployment))
            pod_delete(p);
    }
}

static void reconcile_all(void *owner)
{
    struct sim_cluster *c = owner;
    struct kubeapi *api = apihost_api(c->api);
    c->reconcile = NULL;
    if (!api)
        return; /* its start looks again */
    struct store_cursor cursor =
        store_seek(kubeapi_table(api, STR("deployments.apps")), str_empty, str_empty);
    struct kube_object *found[SIM_CLUSTER_PODS_MAX];
    size_t n = 0;
    for (struct kube_object *d; (d = store_next(&cursor)) && n < SIM_CLUSTER_PODS_MAX;)
        if (str_eq_c(
                d->ns,
                NAMESPACE_SYSTEM)) /* others only have a status here: nothing runs in their pods */
            found[n++] = kube_object_ref(d);
    for (size_t i = 0; i < n; i++) {
        reconcile_deployment(c, api, found[i]);
        kube_object_unref(found[i]);
    }
    collect_orphans(c, api);
}

/* ---- the clean-up Job of a removed cluster ---- */

static void on_cleanup(void *owner)
{
    struct sim_cluster *c = owner;
    struct kubeapi *api = apihost_api(c->api);
    if (!api) {
        sim_after(c->sim, CLEANUP_AFTER, on_cleanup, c);
        return;
    }
    sim_note(c->sim, "cluster.cleaned", c->name, str_empty);
    err_ignore(kubeapi_delete(api, STR("namespaces"), str_empty, STR(NAMESPACE_SYSTEM)));
    err_ignore(kubeapi_patch(api, STR("jobs.batch"), STR("default"), c->cleanup_job,
                             STR("{\"status\":{\"succeeded\":1}}")));
    str_free(&c->cleanup_job);
    workload_soon(c);
}

static void on_job(void *owner, struct store_event *e)
{
    struct sim_cluster *c = owner;
    bool cleans = e->type == STORE_ADDED && str_starts(e->object->name, STR("cattle-cleanup-"));
    if (!cleans || c->cleanup_job.n)
        return;
    c->cleanup_job = str_dup(e->object->name);
    sim_after(c->sim, CLEANUP_AFTER, on_cleanup, c);
}

static void on_pod(void *owner, struct store_event *e)
{
    struct sim_cluster *c = owner;
    for (uint32_t i = 0; e->type == STORE_DELETED && i < c->slots_n; i++) {
        struct pod *p = c->slots[i];
        if (pod_counts(p) && str_eq(p->name, e->object->name) && str_eq(p->ns, e->object->ns))
            pod_delete(p); /* by hand, or with its namespace */
    }
    if (e->type == STORE_DELETED)
        workload_soon(c);
}

static void on_deployment(void *owner, struct store_event *e)
{
    bool same_spec = e->before && e->type == STORE_MODIFIED &&
                     e->before->generation == e->object->generation &&
                     e->before->deleting == e->object->deleting;
    if (!same_spec)
        workload_soon(owner);
}

void workload_watch(struct sim_cluster *c, struct kubeapi *api, bool restored)
{
    if (!restored) { /* the watches live as long as the store */
        store_watch_start(kubeapi_table(api, STR("deployments.apps")), str_empty, on_deployment, c);
        store_watch_start(kubeapi_table(api, STR("jobs.batch")), str_empty, on_job, c);
        store_watch_start(kubeapi_table(api, STR("pods")), str_empty, on_pod, c);
    }
    workload_soon(c);
}
