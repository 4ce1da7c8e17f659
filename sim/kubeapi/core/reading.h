/* reading: a server's objects and measures, in process: no HTTP, no rights, no faults.
 *
 * Ownership: what is given is the server's, an object until the next write; kube_object_ref keeps it. */
#ifndef PADDOCK_SIM_KUBEAPI_CORE_READING_H
#define PADDOCK_SIM_KUBEAPI_CORE_READING_H

#include "engine/base/metrics.h"
#include "sim/kubeapi/store/store.h"

struct kubeapi;

struct store *kubeapi_store(struct kubeapi *api); /* for reading, watching and snapshots */
/* The table of a resource: "pods", "deployments.apps", "clusters.management.cattle.io". */
struct store_table *kubeapi_table(struct kubeapi *api, struct str resource_group);
struct kube_object *kubeapi_get(struct kubeapi *api, struct str resource_group, struct str ns,
                                struct str name); /* borrowed; NULL: absent */
/* apiserver_request_total{verb,code}, apiserver_watch_events_total, apiserver_watch_bytes_total, apiserver_watches,
 * apiserver_watches_cut_total, apiserver_watches_gone_total, apiserver_fault_total{kind}. */
struct metrics *kubeapi_metrics(struct kubeapi *api);

#endif
