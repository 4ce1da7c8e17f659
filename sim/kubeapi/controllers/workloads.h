/* workloads: the control plane's controllers, a scheduler and fake kubelets, for servers that ask for them
 * (kubeapi_options.workloads). See ctl.h for how they work and README.md for which there are. */
#ifndef PADDOCK_SIM_KUBEAPI_CONTROLLERS_WORKLOADS_H
#define PADDOCK_SIM_KUBEAPI_CONTROLLERS_WORKLOADS_H

#include "sim/kubeapi/store/store.h"

struct kubeapi;

/* Who runs pods for real where that is not a fake kubelet going by life-cycle stages. NULLs: nobody. With node_up the
 * owner also writes Nodes and Leases.
 *
 *   pod bound ─► runs(pod): true ─► kubeapi_pod_started ◄──► kubeapi_pod_exited     (what is told is written into the status)
 *   deleted   ─► runs(pod, deleting) ─► it ends ─► kubeapi_delete_now ─► gone(pod)  (gone also when it went by force)
 */
struct kubeapi_kubelet {
    /* Has a node: is it the owner's? Asked again soon after each change of the pod. */
    bool (*runs)(void *owner, const struct kube_object *pod);
    /* True: it is the owner's, but its stages go first: `runs` is asked when one of them says run. May be NULL. */
    bool (*staged)(void *owner, const struct kube_object *pod);
    void (*gone)(void *owner,
                 const struct kube_object *pod);   /* of any pod; from within the write */
    bool (*node_up)(void *owner, struct str node); /* false: its kubelet is silent */
    void *owner;
};
/* The controllers of a control plane (deployments to quotas), a scheduler, fake kubelets: controllers/README.md. */
struct kubeapi_workloads {
    uint32_t nodes;         /* fake nodes to begin with; others may be added as objects */
    struct str node_prefix; /* of their names; empty: "node-" */
    bool events;            /* Events are recorded */
    bool owners;            /* managedFields of what controllers make */
    struct str stages;      /* life-cycle stages (controllers/stages.h); empty: the usual ones */
    struct kubeapi_kubelet kubelet;
};
/* Fake kubelets take over every node that is there now, such as those of a file (not those whose annotation
 * paddock.io/kubelet says otherwise). Without workloads nothing happens. */
void kubeapi_keep_nodes(struct kubeapi *api);
/* `runs` is asked again about every pod that has a node. */
void kubeapi_pods_look(struct kubeapi *api);
/* What became of the containers of a pod that the owner runs; ip: of the pod. When the object is gone, nothing. One whose
 * readiness probe has yet to succeed has started, but is not ready: told again when it is. */
void kubeapi_pod_started(struct kubeapi *api, struct str ns, struct str name, struct str ip,
                         bool ready);
void kubeapi_pod_exited(struct kubeapi *api, struct str ns, struct str name, int64_t code);
/* Publishes where the server is found: Service `kubernetes` in namespace default with its endpoints; with workloads also
 * CoreDNS in kube-system. */
void kubeapi_publish(struct kubeapi *api, struct str host, uint16_t port);

/* ---- for the server ---- */
struct ctl;
struct ctl *api_workloads_new(struct kubeapi *api, const struct kubeapi_workloads *options);
void api_workloads_begin(struct ctl *c); /* the store has its first content */
void api_workloads_free(struct ctl *c);  /* NULL is fine */
void api_workloads_reset(struct ctl *c);
/* Has this node a kubelet that works for us, and can be reached? */
bool api_workloads_keep(struct kubeapi *api, struct str node);
void api_workloads_event(struct ctl *c, struct store_event *e);

#endif
