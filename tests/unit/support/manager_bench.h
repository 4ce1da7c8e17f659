/* manager_bench: a simulated world with a local API server, manager replicas that run the real server, and fake
 * downstream clusters that are imported and whose agents are the real ones: what tests of the controllers and of the server
 * as a whole stand on. Clusters are named c-0, c-1, ... on both sides.
 * Ownership: bench_free ends everything. A check that fails ends the test. */
#ifndef PADDOCK_TESTS_UNIT_SUPPORT_MANAGER_BENCH_H
#define PADDOCK_TESTS_UNIT_SUPPORT_MANAGER_BENCH_H

#include "engine/server/server.h"
#include "sim/cluster/cluster.h"
#include "sim/world/fault.h"

#define BENCH_MANAGER_NAME "manager.test"
#define BENCH_TOKEN        "manager" /* of an administrator of the local API */
#define BENCH_GUEST        "guest"   /* of a user without rights */
#define BENCH_NODE         "node"    /* of a node of the local cluster */
#define BENCH_ACCOUNT      "account" /* of its service account default/ci */
#define BENCH_MANAGERS     2u
#define BENCH_CLUSTERS     3u
#define BENCH_SITE         "site" /* the zone of managers and local API; a cluster's zone is its name */
#define BENCH_RESTART      (5 * NS_PER_S)
#define S                  NS_PER_S

struct bench;

struct bench_manager {
    struct bench *bench;
    const void *config; /* points to this */
    struct sim_process *process;
    struct sim_task *restart; /* a manager that ended is started again */
};

struct bench {
    struct sim *sim;
    struct authority *local_ca, *manager_ca;
    struct identity identity;
    struct apihost *local;
    struct policies policies;
    struct bench_manager managers[BENCH_MANAGERS];
    struct sim_cluster *clusters[BENCH_CLUSTERS];
    size_t clusters_n;
    struct buf states;      /* notes of the leader: "c-0 pending, c-0 waiting, ..." */
    const char *id, *state; /* what is waited for */
};

struct bench *bench_new(uint64_t seed, const struct policies *policies, size_t managers);
/* The same with a leader, and clusters of one node and one agent that have been active for a minute. */
struct bench *bench_with(uint64_t seed, const struct policies *policies, size_t managers,
                         size_t clusters);
void bench_free(struct bench *b);
void bench_run(struct bench *b, world_time duration);
/* The leading replica's server; NULL: none. index may be NULL. */
struct server *bench_leader(const struct bench *b, size_t *index);
void bench_run_until_led(struct bench *b);
/* A further Cluster, imported by its administrator as soon as there is a manifest. */
void bench_import(struct bench *b, uint32_t nodes, uint32_t agents);

struct kubeapi *bench_local(const struct bench *b);
struct kubeapi *bench_downstream(const struct bench *b, size_t i);
struct kube_object *bench_cluster(const struct bench *b, const char *id); /* NULL: gone */
struct kube_object *bench_token(const struct bench *b, const char *id, const char *name);
void bench_patch_cluster(struct bench *b, const char *id, const char *merge_patch);
void bench_delete_cluster(struct bench *b, const char *id);
/* Until the state of the cluster is this one; "gone": until there is no such object. */
void bench_run_until(struct bench *b, const char *id, const char *state, world_time limit);
/* Objects of a resource in a namespace. */
size_t bench_count(struct kubeapi *api, const char *resource, const char *ns);
/* Between a zone and the site nothing passes any more. */
struct sim_fault *bench_cut_off(struct bench *b, const char *zone, const char *name);

#endif
