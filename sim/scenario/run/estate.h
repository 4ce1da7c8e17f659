/* estate: the world that a plan describes: sites, downstream clusters, DNS, links, and the administrator who registers
 * the clusters with the active manager. Nothing of it knows about assertions or reports.
 *
 * Clusters are registered as soon as a replica of the active site serves: a Cluster object each ("c-edge-3"); when the
 * manager has made its token, the cluster's administrator imports it.
 * Ownership: the run's. estate_free frees the sim as well. */
#ifndef PADDOCK_SIM_SCENARIO_RUN_ESTATE_H
#define PADDOCK_SIM_SCENARIO_RUN_ESTATE_H

#include "sim/cluster/cluster.h"
#include "sim/scenario/language/plan.h"
#include "sim/scenario/run/site.h"

struct estate_cluster {
    struct sim_cluster *sim;
    struct str id;        /* "c-edge-3"; owned */
    uint32_t group;       /* index in the plan */
    int32_t resolver;     /* kind: index in the plan; -1: none declared */
    uint32_t first_agent; /* index of its first agent among all */
    bool registered;
    bool imported; /* the administrator was told */
    bool removed;  /* the scenario deleted it */
};

struct estate {
    const struct plan *plan;
    struct sim *sim;
    struct authority *authority; /* of the manager */
    struct site **sites;
    size_t sites_n;
    int32_t active; /* index of the active site; -1: none */
    struct estate_cluster *clusters;
    size_t clusters_n, clusters_cap;
    struct sim_task *register_task;
    struct copier *copiers; /* one a site: takes copies for it */
    /* The Clusters of a site's store changed (or it is another store): whoever follows their states. */
    void (*api_started)(void *owner, struct site *s, struct kubeapi *api, bool restored);
    void *owner;
};

struct estate *estate_new(const struct plan *plan, enum log_level log_level,
                          void (*api_started)(void *owner, struct site *s, struct kubeapi *api,
                                              bool restored),
                          void *owner);
void estate_free(struct estate *e);
/* Points the record at these sites. ttl_ns -1: as the plan has it. */
void estate_dns_set(struct estate *e, const struct plan_record *record, const int32_t *sites,
                    size_t n, int64_t ttl_ns);
void estate_promote(struct estate *e, int32_t site);
void estate_demote(struct estate *e, int32_t site);
/* Further clusters of a group, registered at once. */
void estate_add_clusters(struct estate *e, uint32_t group, uint32_t count);
/* Deletes the Cluster object in the active manager. */
void estate_remove_cluster(struct estate *e, size_t cluster);
/* NULL: none is active, or its API is down. */
struct kubeapi *estate_active_api(const struct estate *e);
/* The site that has this address; -1: none. */
int32_t estate_site_of(const struct estate *e, struct str address);

#endif
