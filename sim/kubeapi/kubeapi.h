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

#include "engine/base/metrics.h"
#include "engine/http/server.h"
#include "sim/kubeapi/store/store.h"

#define KUBEAPI_BODY_BYTES_MAX   3145728u          /* beyond: 413 */
#define KUBEAPI_HEADER_BYTES_MAX ((size_t)1 << 20) /* beyond: 431 */
#define KUBEAPI_TIMEOUT          (60 * NS_PER_S)   /* of a request that is no watch: 504 */
#define KUBEAPI_GROUPS_MAX       64u               /* of one user */
#define KUBEAPI_WATCH_QUEUE_MAX                                                                    \
    ((size_t)1 << 20) /* bytes that wait in a connection before its watch pauses */

struct kubeapi;
struct pki_key;
struct datastore;

struct kubeapi_token { /* a bearer token that the server knows from its start */
    struct str token, user, uid;
    const struct str *groups; /* system:authenticated is added */
    size_t groups_n;
};

/* Who runs pods for real where that is not a fake kubelet going by life-cycle stages. NULLs: nobody. With node_up the
 * owner also writes Nodes and Leases.
 *
 *   pod bound ─► runs(pod): true ─► kubeapi_pod_started ◄──► kubeapi_pod_exited     (what is told is written into the status)
 *   deleted   ─► runs(pod, deleting) ─► it ends ─► kubeapi_delete_now ─► gone(pod)  (gone also when it went by force)
 */
struct kubeapi_kubelet {
    /* Has a node: is it the owner's? Asked again soon after each change of the pod. */
    bool (*runs)(void *owner, const struct kube_object *pod);
    void (*gone)(void *owner,
                 const struct kube_object *pod);   /* of any pod; from within the write */
    bool (*node_up)(void *owner, struct str node); /* false: its kubelet is silent */
    void *owner;
};
/* The controllers of a control plane (deployments to quotas), a scheduler, fake kubelets: controllers/README.md. */
struct kubeapi_workloads {
    uint32_t nodes;         /* fake nodes to begin with; others may be added as objects */
    struct str node_prefix; /* of their names; empty: "node-" */
    bool events;            /* Events are recorded */
    bool owners;            /* managedFields of what controllers make */
    struct str stages;      /* life-cycle stages (controllers/stages.h); empty: the usual ones */
    struct kubeapi_kubelet kubelet;
};
/* Fake kubelets take over every node that is there now, such as those of a file (not those whose annotation
 * paddock.io/kubelet says otherwise). Without workloads nothing happens. */
void kubeapi_keep_nodes(struct kubeapi *api);
/* `runs` is asked again about every pod that has a node. */
void kubeapi_pods_look(struct kubeapi *api);
/* What became of the containers of a pod that the owner runs; ip: of the pod. When the object is gone, nothing. */
void kubeapi_pod_started(struct kubeapi *api, struct str ns, struct str name, struct str ip);
void kubeapi_pod_exited(struct kubeapi *api, struct str ns, struct str name, int64_t code);
/* Publishes where the server is found: Service `kubernetes` in namespace default with its endpoints; with workloads also
 * CoreDNS in kube-system. */
void kubeapi_publish(struct kubeapi *api, struct str host, uint16_t port);
/* Are these life-cycle stages? ERR_INVALID with the line. */
struct err *kubeapi_stages_check(struct str text) must_check;

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

/* ---- in process, as the system: no HTTP, no authentication, no faults ---- */

struct store *kubeapi_store(struct kubeapi *api); /* for reading, watching and snapshots */
/* The table of a resource: "pods", "deployments.apps", "clusters.management.cattle.io". */
struct store_table *kubeapi_table(struct kubeapi *api, struct str resource_group);
struct kube_object *kubeapi_get(struct kubeapi *api, struct str resource_group, struct str ns,
                                struct str name); /* borrowed; NULL: absent */
/* Creates or replaces the object that the JSON names by apiVersion, kind and metadata. Its status is written too. Server
 * side metadata (uid, creationTimestamp, generation, ...) is kept or made; no change writes nothing. Not validated.
 * *out (may be NULL) is borrowed. */
struct err *kubeapi_apply(struct kubeapi *api, struct str json,
                          struct kube_object **out) must_check;
/* A JSON merge patch (RFC 7386) of an object; may touch everything but identity. */
struct err *kubeapi_patch(struct kubeapi *api, struct str resource_group, struct str ns,
                          struct str name, struct str merge_patch) must_check;
/* Another value for a string member that the object has, as the patch {"spec":{"renewTime":value}} would set it; neither
 * has escapes. For heartbeats: nothing is parsed. Not for kinds that count generations. ERR_NOT_FOUND. */
struct err *kubeapi_set_string(struct kubeapi *api, struct store_table *t, struct str ns,
                               struct str name, const char *dotted, struct str value) must_check;
/* As DELETE with background propagation: finalizers are honoured. ERR_NOT_FOUND. */
struct err *kubeapi_delete(struct kubeapi *api, struct str resource_group, struct str ns,
                           struct str name) must_check;
/* The same without a grace period: as kubelets do when a pod has ended. */
struct err *kubeapi_delete_now(struct kubeapi *api, struct str resource_group, struct str ns,
                               struct str name) must_check;
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

/* ---- faults: each rule applies to the requests that match it; all that match are applied ---- */
enum kubeapi_fault_kind {
    KUBEAPI_FAULT_FENCE,    /* writes are refused: 503 */
    KUBEAPI_FAULT_STATUS,   /* answered with `status` at once (429 with Retry-After) */
    KUBEAPI_FAULT_LATENCY,  /* handled `delay` + [0, jitter) later */
    KUBEAPI_FAULT_LOST_ACK, /* a write takes effect, then its connection is cut without an answer */
    KUBEAPI_FAULT_WATCH_STALL, /* open and new watches stay open and say nothing; what was missed comes when it ends */
    KUBEAPI_FAULT_CONFLICT,   /* updates and patches: 409, as if somebody had been faster */
    KUBEAPI_FAULT_STORE_FULL, /* creates, updates, patches: 500 as of a full etcd; deletions work */
    KUBEAPI_FAULT_SLOW_WRITE, /* as LATENCY, writes only */
    KUBEAPI_FAULT_LOST_WRITE, /* a write is answered as done, and nothing was written */
    KUBEAPI_FAULT_TRUNCATED,  /* the answer (no watch) breaks off in its middle */
    /* Gets, lists and watches show the server as it was when the fault began; watches go on when it ends. */
    KUBEAPI_FAULT_STALE_READ,
    KUBEAPI_FAULT_WATCH_GONE, /* open watches get 410 and end as it begins, those that resume at once */
    KUBEAPI_FAULT_WATCH_LOSS, /* who resumes never hears of what happened meanwhile */
    /* Who resumes does so from a revision of `delay` ago (0: of when it began): what was seen comes again. Open watches
     * are ended when the fault is `delay` old. */
    KUBEAPI_FAULT_WATCH_REWIND,
    /* Events wait until `window` more writes of any kind were made (0: no matter), or for `delay`, while those of other
     * resources pass them. */
    KUBEAPI_FAULT_WATCH_REORDER,
    KUBEAPI_FAULT_WATCH_DUPLICATE,   /* an event comes twice */
    KUBEAPI_FAULT_WATCH_NO_BOOKMARK, /* but for the one that ends the initial events */
    KUBEAPI_FAULT_KINDS
};
struct kubeapi_fault {
    enum kubeapi_fault_kind kind;
    uint32_t per_million;  /* share of the matching requests; 0: all */
    int status;            /* KUBEAPI_FAULT_STATUS */
    int64_t retry_after_s; /* KUBEAPI_FAULT_STATUS; 0: a second for 429 and 503 */
    uint64_t window;       /* KUBEAPI_FAULT_WATCH_REORDER: writes */
    world_time delay, jitter;
    struct str resource; /* "leases"; empty: all */
    struct str verb;     /* "get", "list", "watch", "create", ...; empty: all */
    struct str user;     /* exact name; empty: all */
};
uint64_t kubeapi_fault_add(struct kubeapi *api, const struct kubeapi_fault *fault); /* its id */
void kubeapi_fault_remove(struct kubeapi *api, uint64_t id);          /* unknown ids are ignored */
uint64_t kubeapi_fault_fired(const struct kubeapi *api, uint64_t id); /* kept after removal */
/* Cuts open watches of a resource (empty: all): aborted, or ended in order. Returns how many. */
size_t kubeapi_cut_watches(struct kubeapi *api, struct str resource, bool abort);
/* Forgets the history now: who resumes from before gets 410. Counted as a fault. */
void kubeapi_compact(struct kubeapi *api);

/* ---- measures ---- */
/* apiserver_request_total{verb,code}, apiserver_watch_events_total, apiserver_watch_bytes_total, apiserver_watches,
 * apiserver_watches_cut_total, apiserver_fault_total{kind}. */
struct metrics *kubeapi_metrics(struct kubeapi *api);

#endif
