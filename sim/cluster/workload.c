/* Pods that run something here: those of the agent get a slot (pod.c), the clean-up of a removed cluster is carried out.
 * What makes pods, finds them nodes and runs all the others are the API's own controllers (kubeapi/controllers). */
#include "sim/cluster/cluster_internal.h"

#include "engine/kube/management.h"

#define SETTLE        (100 * NS_PER_MS)
#define CLEANUP_AFTER (5 * NS_PER_S)
#define CLEANUP_JOB   "cattle-cleanup-"

static bool is_agent(const struct kube_object *pod)
{
    return str_eq_c(pod->ns, NAMESPACE_SYSTEM) &&
           str_find(kube_object_raw(pod, "spec.containers"),
                    STR("\"name\":\"cluster-register\"")) >= 0;
}

static bool is_cleanup(const struct kube_object *pod)
{
    return str_starts(kube_object_label(pod, STR("job-name")), STR(CLEANUP_JOB));
}

bool workload_runs(void *owner, const struct kube_object *pod)
{
    (void)owner;
    return is_agent(pod) || is_cleanup(pod);
}

bool workload_node_up(void *owner, struct str node)
{
    return node_state(owner, node) == NODE_READY;
}

static struct pod *slot_of(struct sim_cluster *c, const struct kube_object *o)
{
    for (uint32_t i = 0; i < c->slots_n; i++)
        if (c->slots[i]->state != POD_FREE && str_eq(c->slots[i]->uid, o->uid))
            return c->slots[i];
    return NULL;
}

/* A pod that has a node gets a slot; one on its way out goes when its process has. */
static void mind_pod(struct sim_cluster *c, struct kube_object *o)
{
    struct pod *p = slot_of(c, o);
    bool bound = kube_object_string(o, "spec.nodeName").n > 0;
    if (!is_agent(o) || !bound)
        return;
    if (o->deleting && !p)
        err_ignore(kubeapi_delete_now(apihost_api(c->api), STR("pods"), o->ns, o->name));
    else if (o->deleting && pod_counts(p))
        pod_delete(p);
    else if (!o->deleting && !p && (p = pod_find_free(c)))
        pod_take(p, o); /* else it comes back when a slot is free */
}

static void reconcile_all(void *owner)
{
    struct sim_cluster *c = owner;
    struct kubeapi *api = apihost_api(c->api);
    struct kube_object *found[SIM_CLUSTER_PODS_MAX];
    size_t n = 0;
    c->reconcile = NULL;
    if (!api)
        return; /* its start looks again */
    for (uint32_t i = 0; i < c->slots_n; i++) {
        struct pod *p = c->slots[i];
        struct kube_object *o =
            pod_counts(p) ? kubeapi_get(api, STR("pods"), p->ns, p->name) : NULL;
        if (pod_counts(p) && (!o || !str_eq(o->uid, p->uid)))
            pod_delete(p);
    }
    struct store_cursor cursor =
        store_seek(kubeapi_table(api, STR("pods")), STR(NAMESPACE_SYSTEM), str_empty);
    for (struct kube_object *o; (o = store_next(&cursor)) && n < SIM_CLUSTER_PODS_MAX &&
                                str_eq_c(o->ns, NAMESPACE_SYSTEM);)
        found[n++] = kube_object_ref(o);
    for (size_t i = 0; i < n; i++) {
        mind_pod(c, found[i]);
        kube_object_unref(found[i]);
    }
}

void workload_soon(struct sim_cluster *c)
{
    if (!c->reconcile)
        c->reconcile = sim_after(c->sim, SETTLE, reconcile_all, c);
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
    err_ignore(kubeapi_patch(api, STR("pods"), STR("default"), c->cleanup_pod,
                             STR("{\"status\":{\"phase\":\"Succeeded\"}}")));
    str_free(&c->cleanup_pod);
    workload_soon(c);
}

static void on_pod(void *owner, struct store_event *e)
{
    struct sim_cluster *c = owner;
    struct pod *p;
    if (e->type == STORE_DELETED) {
        p = slot_of(c, e->object);
        if (p && pod_counts(p))
            pod_delete(p); /* by force, or with its namespace */
        workload_soon(c);
    } else if (is_agent(e->object)) {
        workload_soon(c);
    } else if (is_cleanup(e->object) && c->cleanup_pod.n == 0 &&
               kube_object_string(e->object, "spec.nodeName").n > 0 &&
               str_eq_c(kube_object_string(e->object, "status.phase"), "Pending")) {
        c->cleanup_pod = str_dup(e->object->name);
        sim_after(c->sim, CLEANUP_AFTER, on_cleanup, c);
    }
}

void workload_watch(struct sim_cluster *c, struct kubeapi *api, bool restored)
{
    if (!restored) /* the watch lives as long as the store */
        store_watch_start(kubeapi_table(api, STR("pods")), str_empty, on_pod, c);
    workload_soon(c);
}
