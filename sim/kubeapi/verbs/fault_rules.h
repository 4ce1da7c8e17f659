/* fault_rules: a server's faults: each rule applies to the requests that match it; all that match are applied. */
#ifndef PADDOCK_SIM_KUBEAPI_VERBS_FAULT_RULES_H
#define PADDOCK_SIM_KUBEAPI_VERBS_FAULT_RULES_H

#include "engine/world/world.h"

struct kubeapi;
struct store_snapshot;

enum kubeapi_fault_kind {
    KUBEAPI_FAULT_FENCE,    /* writes are refused: 503 */
    KUBEAPI_FAULT_STATUS,   /* answered with `status` at once (429 with Retry-After) */
    KUBEAPI_FAULT_LATENCY,  /* handled `delay` + [0, jitter) later */
    KUBEAPI_FAULT_LOST_ACK, /* a write takes effect, then its connection is cut without an answer */
    /* Watches stay open and say nothing. delay 0: open and new ones (share: of them), until it ends; else an event (share:
     * of them) silences its watch for that long. What was missed comes then. */
    KUBEAPI_FAULT_WATCH_STALL,
    KUBEAPI_FAULT_CONFLICT,   /* updates and patches: 409, as if somebody had been faster */
    KUBEAPI_FAULT_STORE_FULL, /* creates, updates, patches: 500 as of a full etcd; deletions work */
    KUBEAPI_FAULT_SLOW_WRITE, /* as LATENCY, writes only */
    KUBEAPI_FAULT_LOST_WRITE, /* a write is answered as done, and nothing was written */
    KUBEAPI_FAULT_TRUNCATED,  /* the answer (no watch) breaks off in its middle */
    /* Gets, lists and watches show the server as it was when the fault began, or as `past` has it; watches go on when it
     * ends. */
    KUBEAPI_FAULT_STALE_READ,
    /* Gets, lists, watches and writes reach a copy of the server as it was when the fault began, and which goes with it:
     * one half of a split brain. Counted are the writes. */
    KUBEAPI_FAULT_FORK,
    KUBEAPI_FAULT_FATE,       /* somebody decides what becomes of a write: `fate` */
    KUBEAPI_FAULT_WATCH_CUT,  /* open watches are aborted as it begins; nothing else */
    KUBEAPI_FAULT_WATCH_DROP, /* an event is never shown */
    KUBEAPI_FAULT_WATCH_GONE, /* open watches get 410 and end as it begins, those that resume at once */
    KUBEAPI_FAULT_WATCH_LOSS, /* who resumes never hears of what happened meanwhile */
    /* Who resumes does so from a revision of `delay` ago (0: of when it began): what was seen comes again. Open watches
     * are ended when the fault is `delay` old. */
    KUBEAPI_FAULT_WATCH_REWIND,
    /* Events wait until `window` more writes of any kind were made (0: no matter), or for `delay`, while those of other
     * resources pass them. */
    KUBEAPI_FAULT_WATCH_REORDER,
    /* Events of `event` and of the object `name` are never shown, or with `later` not before the rule ends: then each
     * object is shown as it is by then. */
    KUBEAPI_FAULT_WATCH_UNOBSERVED,
    KUBEAPI_FAULT_WATCH_DUPLICATE,   /* an event comes twice */
    KUBEAPI_FAULT_WATCH_NO_BOOKMARK, /* but for the one that ends the initial events */
    KUBEAPI_FAULT_KINDS
};
enum kubeapi_fate {
    KUBEAPI_FATE_USUAL,
    KUBEAPI_FATE_UNDONE, /* nothing is written, and nobody answers */
    KUBEAPI_FATE_UNHEARD /* written, and nobody answers */
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
    struct str name;     /* of the object; empty: all */
    bool writes;         /* only what changes something */
    unsigned event;      /* KUBEAPI_FAULT_WATCH_UNOBSERVED: 1 + enum store_event_type; 0: any */
    bool later;
    const struct store_snapshot *past; /* KUBEAPI_FAULT_STALE_READ; needed while it is added only */
    const struct str *clients;         /* addresses that connections come from; none: all. Copied */
    size_t clients_n;
    enum kubeapi_fate (*fate)(void *owner, struct str client, struct str method, struct str path);
    void *owner;
    uint64_t *fired; /* counted there as well: outlives the server. May be NULL */
};
uint64_t kubeapi_fault_add(struct kubeapi *api, const struct kubeapi_fault *fault); /* its id */
void kubeapi_fault_remove(struct kubeapi *api, uint64_t id);          /* unknown ids are ignored */
uint64_t kubeapi_fault_fired(const struct kubeapi *api, uint64_t id); /* kept after removal */
/* Cuts open watches of a resource (empty: all): aborted, or ended in order. Returns how many. */
size_t kubeapi_cut_watches(struct kubeapi *api, struct str resource, bool abort);
/* Forgets the history now: who resumes from before gets 410. Counted as a fault. */
void kubeapi_compact(struct kubeapi *api);

#endif
