/* kubelet: what the fake kubelets write about pods. */
#ifndef PADDOCK_SIM_KUBEAPI_CONTROLLERS_KUBELET_H
#define PADDOCK_SIM_KUBEAPI_CONTROLLERS_KUBELET_H

#include "sim/kubeapi/controllers/ctl.h"

void kubelet_forget(struct ctl *c, struct str uid);
void kubelet_forget_all(struct ctl *c);

/* kubelet_status.c */
/* The containers start, or start again. ip empty: the pod's, or a new one. */
void kubelet_run(struct ctl *c, struct kube_object *pod, struct str ip, bool ready);
void kubelet_exit(struct ctl *c, struct kube_object *pod, int64_t code);
/* It is not let in: Failed, and none of its containers was there. */
void kubelet_reject(struct ctl *c, struct kube_object *pod, struct str reason, struct str message);
void kubelet_wait(struct ctl *c, struct kube_object *pod, struct str reason);
void kubelet_set_ready(struct ctl *c, struct kube_object *pod, bool ready);
void kubelet_observe(struct ctl *c, struct kube_object *pod); /* says which generation it runs */
void kubelet_delete(struct ctl *c, struct kube_object *pod);

#endif
