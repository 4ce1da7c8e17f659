/* agent: the cluster agent, one process of it: start-up checks, tunnel, informer cache, proxy to its cluster's API.
 *
 *   configuring ─► credentials ─► checking ─► linked (for ever)
 *        │              ▲            └─ failed ─► policy agent.start: exit: the process ends; retry: pause, checking
 *        └─ failed ─► the process ends
 *   any ── cluster_agent_drain ─► draining: managers are told, connections end ─► `drained`
 *   linked ─ the manager's certificate is not trusted (any more), agent.start: retry ─► checking, which says why
 *
 * Two replicas run side by side and both connect; the manager chooses (session.choice).
 * The proxy is the tunnel's default: a Connect to tcp/HOST:PORT becomes a stream to it.
 * Ownership: the instance belongs to its process; cluster_agent_free gives everything back, at any time. */
#ifndef PADDOCK_ENGINE_AGENTS_CLUSTER_AGENT_H
#define PADDOCK_ENGINE_AGENTS_CLUSTER_AGENT_H

#include "engine/agents/cluster/caches.h"
#include "engine/agents/cluster/checks.h"
#include "engine/agents/cluster/link.h"

#define AGENT_CHECK_RETRY       NS_PER_S
#define AGENT_CHECK_RETRY_MAX   (10 * NS_PER_S)
/* The cluster's own DNS is asked more often: nobody else has to bear it, and it is what new clusters wait for longest
 * (fixtures/incidents.yaml#K16). */
#define AGENT_RESOLVE_RETRY_MAX (2 * NS_PER_S)

struct cluster_agent;
/* Everything else comes from the environment and from files (config.h). */
struct cluster_agent_options {
    const struct policies *policies;   /* copied */
    const struct agent_places *places; /* NULL: agent_places_pod */
    /* Its state is another one, or the same once more (an attempt failed as the last one did). Must not free the agent.
     * May be NULL. */
    void (*changed)(void *owner);
    void *owner;
};
struct cluster_agent *cluster_agent_new(struct world *w,
                                        const struct cluster_agent_options *options);
void cluster_agent_free(struct cluster_agent *a);
/* The process is to end: no new attempts, managers are told, connections end. `drained` comes once, from the loop. How long
 * it may take is the caller's business: cluster_agent_free ends the rest. */
void cluster_agent_drain(struct cluster_agent *a, void (*drained)(void *owner), void *owner);
/* Its account has a new token: kubelets replace the mounted one before it expires. */
void cluster_agent_renew(struct cluster_agent *a, struct str account_token);

struct cluster_agent_state {
    enum agent_phase phase; /* what it is at, or failed at last */
    enum agent_step step;   /* the same, finer */
    bool draining;
    struct agent_link_state link; /* zero before it is linked */
    uint64_t check_failures;
    const char
        *reason;   /* why it has no tunnel (reason.h); NULL: it has, or is still at its first try */
    size_t cached; /* objects in its caches */
    bool synced;   /* all caches have been listed */
    world_time heard_at; /* the oldest of its caches' last news */
};
struct cluster_agent_state cluster_agent_state(const struct cluster_agent *a);
const struct agent_caches *cluster_agent_caches(const struct cluster_agent *a); /* NULL: none yet */
/* What failed last on the way to a tunnel; empty: nothing has. */
struct str cluster_agent_last_error(const struct cluster_agent *a);
const struct agent_config *cluster_agent_config(const struct cluster_agent *a); /* maybe not yet */
struct kube_client *cluster_agent_kube(const struct cluster_agent *a);          /* NULL: not yet */
size_t cluster_agent_sessions(const struct cluster_agent *a,
                              struct agent_link_session out[AGENT_TUNNELS_MAX]);

#endif
