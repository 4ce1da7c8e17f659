/* kubeapi: a simulated Kubernetes API server: an HTTP handler over a store. It takes a `struct world *` and so runs in
 * both worlds; everything it draws (uids, generated names) comes from that world.
 *
 *   HTTP ─► faults ─► authentication ─► authorization (RBAC) ─► get/list/watch, or write ─► store ─► watches
 *                                                                          └─► observers: rbac, crd, gc, namespaces, tokens
 *
 * Ownership: strings of the options are copied. Borrowed objects live until the next write.
 * Errors:    an HTTP client sees Status objects; in-process calls return struct err with the same codes.
 * Crash:     destroy with kubeapi_free; what survives is what a store_snapshot held (KUBEAPI_OPTIONS.restore).
 * Source:    Kubernetes 1.34 as observed; what is not there is refused by name. */
#ifndef PADDOCK_SIM_KUBEAPI_KUBEAPI_H
#define PADDOCK_SIM_KUBEAPI_KUBEAPI_H

#include "engine/http/server.h"
#include "sim/kubeapi/controllers/workloads.h"
#include "sim/kubeapi/core/limits.h"
#include "sim/kubeapi/core/reading.h"
#include "sim/kubeapi/verbs/fault_rules.h"
#include "sim/kubeapi/verbs/writing.h"

struct kubeapi;
struct pki_key;
struct datastore;

struct kubeapi_token { /* a bearer token that the server knows from its start */
    struct str token, user, uid;
    const struct str *groups; /* system:authenticated is added */
    size_t groups_n;
};

struct kubeapi_options {
    struct str name; /* in metrics and notes */
    bool
        bare; /* no controllers: no garbage collection, namespaces stay Terminating, no default service accounts */
    bool
        allow_all; /* no RBAC: whoever is authenticated may do everything, and anonymous is cluster-admin */
    const struct kubeapi_token *tokens;
    size_t tokens_n;
    /* Makes the private RSA key that signs tokens of service accounts, when the first is asked for; it may take its time.
     * NULL: a fixed key that everybody knows, for simulations. */
    struct pki_key *(*token_key)(void *owner);
    void *token_key_owner;
    struct str ca_pem; /* given to workloads: kube-root-ca.crt, ca.crt of token secrets */
    struct str
        ca_key_pem; /* of ca_pem: signs what CertificateSigningRequests ask for; empty: nothing is signed */
    unsigned mutating_max, readonly_max;       /* requests worked on at once; 0: 200 and 400 */
    size_t events_max;                         /* history of the store; 0: its default */
    const struct kubeapi_workloads *workloads; /* NULL, or bare: none */
    const struct store_snapshot *restore; /* start from here instead of the bootstrap objects */
    /* Taken over; NULL: a new one. With objects in it nothing is bootstrapped. */
    struct store *store;
    /* Where the store was loaded from, and where its writes are kept: answers wait until they are. NULL: nowhere. */
    struct datastore *datastore;
    /* It does not take a write: nothing is acknowledged any more. May be NULL without a datastore. */
    void (*datastore_failed)(void *owner, const struct err *why);
    void *datastore_owner;
    /* The default roles and their bindings, which many servers of the same age may share (uids as well): what is there
     * is taken, *shared NULL: made and left there, the caller's. NULL: all objects are the server's own. Namespaces,
     * by whose uids clusters are told apart, are always its own. */
    struct store_snapshot **shared;
};

struct kubeapi *kubeapi_new(struct world *w, const struct kubeapi_options *options);
void kubeapi_free(struct kubeapi *api); /* connections are aborted; NULL is fine */

/* Any number of listeners; they are closed with the server. out may be NULL. */
struct err *kubeapi_listen(struct kubeapi *api, const struct world_listen *options,
                           struct world_listener **out) must_check;

/* The orderly end: nothing new is taken, watches end, requests under way are answered; connections go as they fall idle.
 * kubeapi_connections tells when that is done. */
void kubeapi_drain(struct kubeapi *api);
size_t kubeapi_connections(const struct kubeapi *api);
bool kubeapi_settled(const struct kubeapi *api); /* all that was written is in the datastore */

/* The content becomes the snapshot's (also back in time); every watch is cut and the indexes are rebuilt. */
void kubeapi_restore(struct kubeapi *api, const struct store_snapshot *snapshot);

/* ---- requests without a connection: tests, benchmarks, oracles ---- */
struct kubeapi_request {
    const char *method;
    struct str target;                                          /* path?query */
    struct str content_type, accept, authorization, user_agent; /* may be empty */
    struct str body;
    const struct http_headers *headers; /* more of them: Impersonate-User; NULL: none */
    struct str as; /* be this user (no authentication); empty: by authorization */
    const struct str *as_groups;
    size_t as_groups_n;
};
struct kubeapi_answer {
    int status;
    struct str content_type; /* constant */
    struct buf body;         /* the caller's: kubeapi_answer_free */
    struct buf warnings;     /* one line each */
};
/* Not for watches (400 names the way: store_watch_start). */
void kubeapi_call(struct kubeapi *api, const struct kubeapi_request *request,
                  struct kubeapi_answer *out);
void kubeapi_answer_free(struct kubeapi_answer *answer);

#endif
