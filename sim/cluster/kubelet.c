/* What runs in a cluster's pods: agents, each in a slot (pod.c), and the clean-up of a removed cluster. What makes pods and
 * finds them nodes, and runs all the others by their life-cycle's stages, are the API's own controllers, which ask here. */
#include "sim/cluster/cluster_internal.h"

#include "engine/kube/management.h"

#define CLEANUP_AFTER (5 * NS_PER_S)
#define CLEANUP_JOB   "cattle-cleanup-"
#define CLEANUP_NS    "default"

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
    kubeapi_pod_exited(api, STR(CLEANUP_NS), c->cleanup_pod, 0);
    str_free(&c->cleanup_pod);
}

static bool is_cleanup(const struct kube_object *pod)
{
    return str_eq_c(pod->ns, CLEANUP_NS) &&
           str_starts(kube_object_label(pod, STR("job-name")), STR(CLEANUP_JOB));
}

/* Those that have ended, or are on their way out, are left to the usual stages. */
static bool run_cleanup(struct sim_cluster *c, const struct kube_object *pod)
{
    struct str phase = kube_object_string(pod, "status.phase");
    if (pod->deleting || str_eq_c(phase, "Succeeded"))
        return false;
    if (c->cleanup_pod.n == 0) {
        c->cleanup_pod = str_dup(pod->name);
        sim_after(c->sim, CLEANUP_AFTER, on_cleanup, c);
    }
    return true;
}

/* ---- agents ---- */

static bool is_agent(const struct kube_object *pod)
{
    return str_eq_c(pod->ns, NAMESPACE_SYSTEM) &&
           str_find(kube_object_raw(pod, "spec.containers"),
                    STR("\"name\":\"cluster-register\"")) >= 0;
}

static struct pod *slot_of(const struct sim_cluster *c, struct str uid)
{
    for (uint32_t i = 0; i < c->slots_n; i++)
        if (c->slots[i]->state != POD_FREE && str_eq(c->slots[i]->uid, uid))
            return c->slots[i];
    return NULL;
}

static void run_agent(struct sim_cluster *c, const struct kube_object *pod)
{
    struct pod *p = slot_of(c, pod->uid);
    if (node_state(c, kube_object_string(pod, "spec.nodeName")) != NODE_READY)
        return; /* its return brings us back */
    if (p && pod->deleting && pod_counts(p))
        pod_stop(p);
    else if (p)
        pod_tell(p);
    else if (pod->deleting)
        err_ignore(kubeapi_delete_now(apihost_api(c->api), STR("pods"), pod->ns,
                                      pod->name)); /* gone already: as good */
    else if ((p = pod_find_free(c)))
        pod_take(p, pod);
    else
        c->slots_wanted = true;
}

bool kubelet_runs(void *owner, const struct kube_object *pod)
{
    if (is_cleanup(pod))
        return run_cleanup(owner, pod);
    if (!is_agent(pod))
        return false;
    run_agent(owner, pod);
    return true;
}

/* Stages of its own say when the agent's containers start; from then on it is a process that lives as it does. */
bool kubelet_staged(void *owner, const struct kube_object *pod)
{
    const struct sim_cluster *c = owner;
    return c->stages.n > 0 && !pod->deleting && is_agent(pod) && !slot_of(c, pod->uid);
}

void kubelet_gone(void *owner, const struct kube_object *pod)
{
    struct pod *p = slot_of(owner, pod->uid);
    if (p && pod_counts(p))
        pod_stop(p); /* it went by force, or with its node */
}

bool kubelet_node_up(void *owner, struct str node)
{
    return node_state(owner, node) == NODE_READY;
}

void kubelet_restarted(struct sim_cluster *c, struct kubeapi *api)
{
    for (uint32_t i = 0; i < c->slots_n; i++) {
        struct pod *p = c->slots[i];
        struct kube_object *o =
            pod_counts(p) ? kubeapi_get(api, STR("pods"), p->ns, p->name) : NULL;
        if (pod_counts(p) && (!o || !str_eq(o->uid, p->uid)))
            pod_stop(p);
    }
}
