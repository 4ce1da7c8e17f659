/* cluster: one fake downstream cluster: an API server, nodes that send heartbeats, CoreDNS and CNI that pods depend on,
 * and Deployments whose pods run. Pods of the agent Deployment run the engine's cluster agent as a process.
 *
 *   administrator ── applies the manager's import manifest ──► Deployment ─► pods (the API) ─► agent processes (pod.c)
 *
 * CoreDNS down: the cluster's resolver does not answer (L3). CNI down: pods reach nothing and nothing reaches them, and no
 * pod starts (L2).
 * Names: a cluster is "edge-3"; its API host "edge-3/api", its agents' processes "edge-3/agent-0" ...; a pod slot keeps
 *        host, address and volume over restarts of its container.
 * Ownership: the caller's; sim_cluster_free comes after sim_free. */
#ifndef PADDOCK_SIM_CLUSTER_CLUSTER_H
#define PADDOCK_SIM_CLUSTER_CLUSTER_H

#include "engine/agents/cluster/agent.h"
#include "sim/cluster/apihost.h"

#define SIM_CLUSTER_NODES_MAX 10000u
#define SIM_CLUSTER_PODS_MAX  64u /* slots of pods that run a process */

struct sim_cluster;
struct sim_cluster_options {
    struct sim *sim;
    struct str name, zone;
    uint32_t index; /* unique: addresses follow from it */
    uint32_t nodes;
    struct str stages;       /* of its pods (controllers/stages.h); empty: the usual ones */
    struct str node_stages;  /* of its nodes (node_stages.h), checked; empty: the usual ones */
    uint32_t agent_replicas; /* the administrator scales the agent Deployment to it */
    const struct policies *policies;
    struct sim_resolver_options resolver; /* its name is made here */
    struct store_snapshot *
        *shared; /* by clusters that are made together: see kubeapi.h; may be NULL */
};
struct sim_cluster *sim_cluster_new(const struct sim_cluster_options *options);
void sim_cluster_free(struct sim_cluster *c);

struct str sim_cluster_name(const struct sim_cluster *c);
struct apihost *sim_cluster_api(const struct sim_cluster *c);
struct sim_resolver *sim_cluster_resolver(const struct sim_cluster *c);

/* The administrator fetches the manifest at the URL (again and again until it works) and applies it. */
void sim_cluster_import(struct sim_cluster *c, struct str manifest_url);
bool sim_cluster_imported(const struct sim_cluster *c);
/* Its API gets a certificate that holds that long. */
void sim_cluster_certify(struct sim_cluster *c, int64_t valid_ns);

/* ---- nodes and add-ons ---- */
uint32_t sim_cluster_nodes(const struct sim_cluster *c);
void sim_cluster_set_nodes(struct sim_cluster *c, uint32_t nodes);
struct str sim_cluster_node_name(const struct sim_cluster *c, uint32_t node);
bool sim_cluster_node_ready(const struct sim_cluster *c, uint32_t node);
/* "new", "unready", "ready", "lost": see node_stages.h. */
struct str sim_cluster_node_phase(const struct sim_cluster *c, uint32_t node);
/* How many conditions of its stages, besides Ready, are True. */
uint32_t sim_cluster_node_conditions(const struct sim_cluster *c, uint32_t node);
/* A node that is not ready sends no heartbeat and starts no pod; gone: its object goes as well. What brings it
 * back are its stages: as usual at once. */
void sim_cluster_set_node(struct sim_cluster *c, uint32_t node, bool ready, bool gone);
/* Another machine under the same name: its object is made anew, and what ran on the old one is gone. */
void sim_cluster_replace_node(struct sim_cluster *c, uint32_t node);
uint32_t sim_cluster_node_replaced(const struct sim_cluster *c, uint32_t node); /* how often */
void sim_cluster_set_coredns(struct sim_cluster *c, bool up);
void sim_cluster_set_cni(struct sim_cluster *c, bool up);

/* ---- agents: pods of the agent Deployment, by slot ---- */
uint32_t sim_cluster_slots(const struct sim_cluster *c); /* ever used */
struct sim_process *sim_cluster_process(const struct sim_cluster *c, uint32_t slot);
struct cluster_agent *sim_cluster_agent(const struct sim_cluster *c,
                                        uint32_t slot); /* NULL: not running */
bool sim_cluster_slot_used(const struct sim_cluster *c,
                           uint32_t slot); /* a pod is scheduled there */
uint32_t sim_cluster_restarts(const struct sim_cluster *c, uint32_t slot);

#endif
