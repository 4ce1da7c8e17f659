/* Fake kubelets: pods that have a node go through the stages that match them (stages.h). */
#include "sim/kubeapi/controllers/kubelet.h"

#include "sim/kubeapi/controllers/ports.h"
#include "sim/kubeapi/controllers/stages.h"

#define BACKOFF_FIRST (10 * NS_PER_S)
#define BACKOFF_MAX   (300 * NS_PER_S)

struct plan { /* what will happen to a pod */
    const struct stage *stage;
    world_time due;
};

void kubelet_forget(struct ctl *c, struct str uid)
{
    mem_free(map_remove(&c->plans, uid));
}

void kubelet_forget_all(struct ctl *c)
{
    void *plan;
    for (size_t i = 0; map_next(&c->plans, &i, NULL, &plan);)
        mem_free(plan);
    map_clear(&c->plans);
}

/* A container that ended again and again waits longer each time. */
static world_time backoff(const struct kube_object *pod, world_time delay)
{
    struct scan s = scan_of(kube_object_raw(pod, "status.containerStatuses"));
    struct str it;
    int64_t n = 0;
    if (s.p == s.end || !scan_enter(&s, '[') || !scan_element(&s, &it) ||
        !str_to_i64(scan_get(it, STR("restartCount")), &n))
        return delay;
    for (int64_t i = 1; i < n && delay < BACKOFF_MAX; i++)
        delay *= 2;
    return delay < BACKOFF_MAX ? delay : BACKOFF_MAX;
}

static struct plan *plan_for(struct ctl *c, const struct kube_object *pod)
{
    struct plan *p = map_get(&c->plans, pod->uid);
    world_time now = world_now(c->api->w);
    if (p && stage_matches(p->stage, pod))
        return p;
    const struct stage *stage = stages_draw(c->stages, c->api->w, pod);
    if (!stage) {
        kubelet_forget(c, pod->uid);
        return NULL;
    }
    if (!p) {
        p = MEM_NEW(struct plan);
        map_put(&c->plans, pod->uid, p);
    }
    world_time delay = stage_delay(stage, c->api->w, pod);
    if (stage->action == STAGE_RUN && str_eq_c(str_c(stage_state(pod)), "backoff"))
        delay = backoff(pod, delay);
    *p = (struct plan){stage, now + delay};
    return p;
}

static bool is_staged(struct ctl *c, const struct kube_object *pod)
{
    const struct kubeapi_kubelet *own = &c->options.kubelet;
    return own->staged && own->staged(own->owner, pod);
}

static void carry_out(struct ctl *c, struct kube_object *pod, const struct stage *stage)
{
    struct str argument = stage_argument(stage, pod);
    int64_t code = 1;
    switch (stage->action) {
    case STAGE_RUN:
        if (!is_staged(c, pod) || !c->options.kubelet.runs(c->options.kubelet.owner, pod))
            kubelet_run(c, pod, str_empty, true);
        break;
    case STAGE_EXIT:
        (void)str_to_i64(argument, &code);
        kubelet_exit(c, pod, code);
        break;
    case STAGE_WAIT:
        kubelet_wait(c, pod, argument);
        break;
    case STAGE_READY:
    case STAGE_UNREADY:
        kubelet_set_ready(c, pod, stage->action == STAGE_READY);
        break;
    case STAGE_DELETE:
        kubelet_delete(c, pod);
        break;
    }
}

/* Its containers are fine, but their node had been lost for a while. */
static bool was_lost(const struct kube_object *pod)
{
    struct str conditions = kube_object_raw(pod, "status.conditions");
    return pod_active(pod) && !pod_is_ready(pod) &&
           str_find(conditions, STR("\"status\":\"True\",\"type\":\"ContainersReady\"")) >= 0;
}

void sync_kubelet(struct ctl *c, struct str ns, struct str name)
{
    struct kube_object *pod = ctl_get(c, T_PODS, ns, name);
    if (!pod)
        return;
    struct str node_name = kube_object_string(pod, "spec.nodeName");
    const struct kubeapi_kubelet *own = &c->options.kubelet;
    if (node_name.n == 0 || (own->runs && !is_staged(c, pod) && own->runs(own->owner, pod)))
        return;
    struct kube_object *node = ctl_get(c, T_NODES, str_empty, node_name);
    if (!node || !node_is_kept(c, node))
        return; /* nobody is there to do anything; the node's return brings us back */
    if (!c->stages)
        c->stages = stages_default();
    if (was_lost(pod)) {
        kubelet_set_ready(c, pod, true);
        return; /* its event brings us back */
    }
    struct plan *p = plan_for(c, pod);
    world_time left = p ? p->due - world_now(c->api->w) : 1;
    if (left > 0)
        kubelet_observe(c, pod);
    if (!p)
        return;
    if (left > 0) {
        ctl_after(c, CTL_KUBELET, ns, name, left);
        return;
    }
    const struct stage *stage = p->stage;
    kubelet_forget(c, pod->uid);
    if (!pod->deleting && str_eq_c(str_c(stage_state(pod)), "none") && !ctl_nodes_let_in(c, pod))
        kubelet_reject(c, pod, STR("NodePorts"),
                       STR("Predicate NodePorts failed: node(s) " PORTS_TAKEN));
    else
        carry_out(c, pod, stage);
}

/* ---- for owners who run pods themselves ---- */

void kubeapi_pods_look(struct kubeapi *api)
{
    if (api->workloads)
        ctl_soon_all(api->workloads, CTL_KUBELET, T_PODS, str_empty);
}

/* Owners may speak up from within `runs`: then the sync under way lets go of what was held. */
static void end_report(struct ctl *c)
{
    if (!c->syncing) {
        ctl_end_sync(c);
        ctl_rest(c);
    }
}

static bool has_running(const struct kube_object *pod)
{
    return str_find(kube_object_raw(pod, "status.containerStatuses"), STR("\"running\":{")) >= 0;
}

void kubeapi_pod_started(struct kubeapi *api, struct str ns, struct str name, struct str ip,
                         bool ready)
{
    struct ctl *c = api->workloads;
    struct kube_object *pod = c ? ctl_get(c, T_PODS, ns, name) : NULL;
    if (pod && ready && (was_lost(pod) || (!pod_is_ready(pod) && has_running(pod))))
        kubelet_set_ready(c, pod, true);
    else if (pod && !pod_is_ready(pod) && !has_running(pod))
        kubelet_run(c, pod, ip, ready);
    if (c)
        end_report(c);
}

void kubeapi_pod_exited(struct kubeapi *api, struct str ns, struct str name, int64_t code)
{
    struct ctl *c = api->workloads;
    struct kube_object *pod = c ? ctl_get(c, T_PODS, ns, name) : NULL;
    if (pod && !pod_finished(pod) && !str_eq_c(str_c(stage_state(pod)), "backoff"))
        kubelet_exit(c, pod, code);
    if (c)
        end_report(c);
}
