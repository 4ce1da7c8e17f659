/* rig: the estate of a plan as processes on the hosts of a lab: what estate.h, site.h and cluster.h are in the simulated
 * world.
 *
 *   site a       host a-api: paddock-sim apiserver      hosts a-manager-0 ...: paddock server
 *                host a-front: one address before them, which the manager's name points at (nft, as kube-proxy has it)
 *   cluster e-0  host e-0-api: paddock-sim apiserver    hosts e-0-agent-0 ...: paddock agent cluster
 *                host e-0-dns: its resolver
 *
 *   rig_new ─► rig_bring_up (files, processes; until all are ready) ─► rig_look, again and again ─► rig_free
 *
 * Clusters are registered and imported as in the simulated estate, through the APIs: import.c. A standby's servers are
 * started when it is promoted, over a copy of the active site's store: copies.c.
 * Ownership: the run's. Times are of the run's clock, which begins when all is up. */
#ifndef PADDOCK_SIM_REAL_WORLD_RIG_H
#define PADDOCK_SIM_REAL_WORLD_RIG_H

#include "engine/base/json.h"
#include "sim/real/world/asker.h"
#include "sim/real/world/process.h"
#include "sim/scenario/language/plan.h"

#define RIG_PORT         443u
#define RIG_API_PORT     6443u
#define RIG_FAULT_PORT   9200u /* of an API: where it is told to lie */
#define RIG_METRICS_PORT 9100u
#define RIG_HEALTH_PORT  8080u
#define RIG_READY_WITHIN (60 * NS_PER_S)
#define RIG_SHARE_ALL    1000000

struct rig;
struct uv_world;
struct middlebox;
struct rig_host {
    uint32_t id;
    int netns;          /* descriptor of its namespace */
    struct str address; /* borrowed from the lab */
};
struct rig_api {
    struct process process;
    struct rig_host host;
    struct str kubeconfig, store; /* paths; owned */
    struct asker *asker;          /* as its administrator; NULL: not known yet */
    struct asker *faults;         /* its port for faults */
};
enum rig_role { RIG_STANDBY, RIG_ACTIVE, RIG_DEMOTED };
struct rig_site;
struct rig_replica {
    struct rig_site *site;
    struct process process;
    struct rig_host host;
    struct asker *metrics, *asker;
};
struct rig_site {
    struct rig *rig;
    uint32_t index;
    struct str name; /* "site/a"; owned */
    enum rig_role role;
    struct rig_api api;
    struct rig_host front;
    struct rig_replica *replicas;
    size_t replicas_n;
    uint64_t shown; /* replicas behind the front, a bit each; and whether it was told yet */
    bool shown_once;
    bool dark;                                /* without power */
    struct middlebox *middlebox;              /* stands before the replicas; NULL: none */
    int64_t died_at, promoted_at, demoted_at; /* -1: never */
    struct str copy;                          /* path of the copy that it holds; owned */
    bool has_copy;
    int64_t fenced; /* start of the API that refuses writes; 0: none does */
    int64_t copy_due;
    struct str token; /* of the one who looks on; owned; empty: none yet */
    int64_t token_due;
    bool token_asked;
};
enum rig_import { RIG_REGISTER, RIG_TOKEN, RIG_MANIFEST, RIG_APPLY, RIG_ACCOUNT, RIG_IMPORTED };
struct rig_cluster {
    struct rig *rig;
    uint32_t index, group, in_group;
    int32_t resolver;
    struct str name, id; /* "edge-3", "c-edge-3"; owned */
    struct rig_api api;
    struct rig_host dns;
    size_t first_agent, agents_n;
    enum rig_import import;
    bool asking;
    int64_t ask_at;
    struct arena manifest; /* what follows lives there */
    struct str manifest_path;
    cJSON **objects;
    size_t objects_n, applied;
};
struct rig_agent {
    struct process process;
    struct rig_host host;
    uint32_t cluster, slot;
    struct asker *health, *caches;
};

struct rig_programs {
    struct str paddock, paddock_sim; /* paths */
};
struct rig_options {
    const struct plan *plan;
    struct world *w;
    struct netlab *lab;
    const char *folder; /* of all files */
    struct rig_programs programs;
    void (*changed)(void *owner, struct process *p);
    void *owner;
};
struct rig {
    const struct plan *plan;
    struct world *w;
    struct netlab *lab;
    struct str folder; /* owned; ends in NUL */
    struct rig_programs programs;
    int64_t started_ns; /* of the world's clock: the run's 0 */
    struct rig_site *sites;
    size_t sites_n;
    int32_t active; /* index of the active site */
    struct rig_cluster *clusters;
    size_t clusters_n;
    struct rig_agent *agents;
    size_t agents_n;
    struct str ca_pem; /* of the manager, as shown; owned */
    void (*changed)(void *owner, struct process *p);
    void *owner;
};

struct rig *rig_new(const struct rig_options *options);
void rig_free(struct rig *r); /* NULL is fine; ends every process */
/* Makes hosts and files, starts everything and waits until it is ready, running the world meanwhile. */
struct err *rig_bring_up(struct rig *r, struct uv_world *uv, const bool *interrupted) must_check;
int64_t rig_now(const struct rig *r);
/* Processes, imports, copies, fronts: what is due by now. */
struct err *rig_look(struct rig *r) must_check;
/* Every process, in a fixed order: sites, then clusters. NULL behind the last. */
struct process *rig_process(struct rig *r, size_t i);
/* A path in the run's folder, NUL-terminated, the caller's (str_free). */
struct str rig_path(const struct rig *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A file of the run's folder, the caller's (str_free). */
struct err *rig_read(const char *name, const struct rig *r, struct str *out) must_check;
struct err *rig_write(const char *path, struct str bytes) must_check;

/* Points the record at these sites. ttl_ns -1: as the plan has it. */
struct err *rig_dns_set(struct rig *r, const struct plan_record *record, const int32_t *sites,
                        size_t n, int64_t ttl_ns) must_check;
struct err *rig_promote(struct rig *r, int32_t site) must_check;
void rig_demote(struct rig *r, int32_t site);
int32_t rig_site_of(const struct rig *r, struct str address); /* -1: none */

/* ---- import.c ---- */
void rig_import_look(struct rig_cluster *c);
void rig_import_free(struct rig_cluster *c);

/* ---- rig_hosts.c ---- */
struct err *rig_make_hosts(struct rig *r) must_check;
struct err *rig_make_certificate(struct rig *r) must_check;
struct err *rig_other_ca(struct rig *r, struct buf *out) must_check; /* PEM */
struct err *rig_make_links(struct rig *r) must_check;
void rig_arm_servers(struct rig *r);
void rig_arm_agent(struct rig_agent *a, struct rig_cluster *c, const cJSON *deployment);

/* ---- front.c ---- */
struct err *rig_front_look(struct rig_site *s) must_check;

/* ---- copies.c ---- */
struct err *rig_copies_look(struct rig *r) must_check;
struct err *rig_copy(struct rig_site *from, struct rig_site *to) must_check;
struct err *rig_restore(struct rig_site *s) must_check;

#endif
