/* apihost: one Kubernetes API server as a process on a host of its own. What it has acknowledged survives its crashes
 * (as etcd's disk does): the store's state at its end is where the next start begins.
 *
 * Ownership: the caller's; apihost_free comes after sim_free, which ends the process. */
#ifndef PADDOCK_SIM_CLUSTER_APIHOST_H
#define PADDOCK_SIM_CLUSTER_APIHOST_H

#include "sim/cluster/authority.h"
#include "sim/kubeapi/kubeapi.h"
#include "sim/world/process.h"

#define APIHOST_PORT 443u

struct apihost_options {
    struct sim *sim;
    struct str name;    /* of host and process: "site/a/api" */
    struct str address; /* numeric */
    struct str zone;
    struct authority *authority;        /* issues the serving certificate */
    const struct kubeapi_token *tokens; /* static ones; copied */
    size_t tokens_n;
    const struct kubeapi_workloads *workloads; /* copied; NULL: none */
    const struct store_snapshot *content;      /* to start from; NULL: the bootstrap objects */
    struct store_snapshot **shared;            /* of the bootstrap objects: see kubeapi.h */
    /* After each start (restored false: the store is a new one, in-process watches must be made again) and after each
     * restore under way (restored true: watches stay, the content is another). May be NULL. */
    void (*started)(void *owner, struct kubeapi *api, bool restored);
    void *owner;
};
struct apihost;
struct apihost *apihost_new(const struct apihost_options *options); /* started */
void apihost_free(struct apihost *h);
struct kubeapi *apihost_api(const struct apihost *h); /* NULL: it is down */
struct sim_process *apihost_process(const struct apihost *h);
struct str apihost_address(const struct apihost *h);
struct str apihost_ca_pem(const struct apihost *h);
/* Shows this certificate from now on: it starts anew, as API servers do for it. Takes the texts. */
void apihost_set_identity(struct apihost *h, struct identity take_id);
/* A copy of the present content (of the last one when it is down): store_snapshot_free. */
struct store_snapshot *apihost_copy(const struct apihost *h);
/* The content becomes the snapshot's, at once or at the next start. */
void apihost_restore(struct apihost *h, const struct store_snapshot *snapshot);

#endif
