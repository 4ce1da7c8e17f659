/* traffic: what users of the manager do during a run: questions to clusters and streams through its tunnels, and how
 * that went. A user process runs on the host of each replica and enters where the engine lets it in: the cluster's port
 * on 127.0.0.1 (server_cluster_port, server_forward_port). From there on everything is the engine's own way: listener,
 * router, session, agent. An application process in each cluster answers what does not go to the cluster's API.
 *
 *   flow (one entry of `traffic` and one cluster) ── every, jittered by the seed ──► job at a replica ─► answered,
 *   timed out, refused (no way in), broken ─► counters of the entry, outage of the flow
 *
 * Processes exist only for what the plan names: a plan without traffic costs nothing.
 * Ownership: the run's. traffic_free comes after estate_free, which ends the processes; they fail their jobs. */
#ifndef PADDOCK_SIM_SCENARIO_RUN_TRAFFIC_H
#define PADDOCK_SIM_SCENARIO_RUN_TRAFFIC_H

#include "sim/scenario/run/estate.h"

struct traffic;
struct traffic *traffic_new(struct estate *e);
void traffic_free(struct traffic *t);
/* Entry i of the plan begins, ends. What is under way at its end is let go and not counted. */
void traffic_start(struct traffic *t, size_t i);
void traffic_stop(struct traffic *t, size_t i);
/* What the expression field (VOC_TRAFFIC_...) of entry i is now. */
struct expr_value traffic_field(const struct traffic *t, size_t i, uint32_t field);

#endif
