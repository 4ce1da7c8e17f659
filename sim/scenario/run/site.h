/* site: one place where a manager runs: a local cluster's API, replicas of the server behind one address, their
 * supervisor, the list of running replicas (Endpoints) that peers find each other by.
 *
 *   standby (nothing runs but the API; takes a copy of the active site's store every copy_every)
 *      │ promote: the newest copy is restored, the replicas are started
 *      ▼
 *   active ── demote: its API refuses writes (fence), so that its leader stops; replicas and old tunnels stay up ──► demoted
 *      ▲                                                                                                                │
 *      └────────────────────────────────────────── promote: the fence falls ◄───────────────────────────────────────────┘
 *
 * Ownership: the estate's; site_free comes after sim_free. */
#ifndef PADDOCK_SIM_SCENARIO_RUN_SITE_H
#define PADDOCK_SIM_SCENARIO_RUN_SITE_H

#include "engine/server/server.h"
#include "sim/cluster/apihost.h"
#include "sim/cluster/supervisor.h"
#include "sim/scenario/language/plan.h"

#define SITE_REPLICAS_MAX 64u
#define SITE_PORT         443u

enum site_role { SITE_STANDBY, SITE_ACTIVE, SITE_DEMOTED };

struct site;
struct replica {
    struct site *site;
    struct supervisor supervisor;
    struct sim_process *process;
    const void **config;
    struct str identity;  /* owned */
    struct str note_name; /* "site/a/manager-0"; owned */
};

struct site {
    struct sim *sim;
    uint32_t index;
    struct str name;    /* "site/a"; owned */
    struct str address; /* of the manager: what the DNS name points at; owned */
    struct apihost *api;
    struct replica *replicas;
    size_t replicas_n;
    struct authority *authority; /* of the manager; the estate's */
    struct authority *next;      /* the one that follows it; NULL: none does */
    struct str *names;           /* that the manager is known by; owned */
    size_t names_n;
    struct identity identity; /* of these names */
    struct identity next_identity;
    struct str ca_pem; /* what it shows as its CA; owned */
    struct server_config config;
    struct str server_url, token; /* owned */
    enum site_role role;
    uint64_t fence;                           /* id of the fence fault; 0: none */
    struct store_snapshot *copy;              /* of the active site's store; NULL: none yet */
    struct sim_task *endpoints;               /* they are written soon */
    int64_t died_at, promoted_at, demoted_at; /* -1: never */
    void (*api_started)(void *owner, struct site *s, struct kubeapi *api, bool restored);
    void *owner;
};

struct site_options {
    struct sim *sim;
    uint32_t index;
    struct str name; /* "a" */
    size_t replicas;
    bool standby;
    const struct str
        *host_names; /* of the manager: "manager.example.test"; the first is its URL's */
    size_t host_names_n;
    struct authority *authority; /* of the manager, the same at all sites */
    const struct policies *policies;
    void (*api_started)(void *owner, struct site *s, struct kubeapi *api, bool restored);
    void *owner;
};
struct site *site_new(const struct site_options *options);
void site_free(struct site *s);
void site_promote(struct site *s);
void site_demote(struct site *s);
/* Takes the other's content as the copy to be restored at the next promotion. */
void site_take_copy(struct site *s, const struct site *active);
/* The CA is shown in another spelling, from now on. */
void site_ca_write(struct site *s, enum ca_spelling as);
/* It is given a new CA and certificate: processes that start from now on have them (server.h). */
void site_rotate(struct site *s);
/* A certificate of the same CA that holds so long; shown by replicas that start from now on. */
void site_certify(struct site *s, int64_t valid_ns);
bool site_is_alive(const struct site *s);               /* at least one replica runs */
struct server *replica_server(const struct replica *r); /* NULL: it does not run */

#endif
