/* client: calls and watches of one Kubernetes API server, in the name of one identity (a context).
 *
 * Ownership: a call or watch handle lives until its `done` returns, or until it is cancelled; kube_client_free cancels
 *            all without callbacks. Everything given to a callback is borrowed for the call (kube_object_ref keeps one).
 * Errors:    answers of 4xx and 5xx become the error that their Status says (kube/status.h); transport errors keep the
 *            code of the world.
 * Bounds:    answers of at most KUBE_ANSWER_BYTES_MAX, watch events of at most KUBE_OBJECT_BYTES_MAX.
 * Gate:      a client may be given a gate which every write asks before it is sent: how leader work is kept from being
 *            written by one who is no longer the leader (kube/leader.h). */
#ifndef PADDOCK_ENGINE_KUBE_CLIENT_H
#define PADDOCK_ENGINE_KUBE_CLIENT_H

#include "engine/http/client.h"
#include "engine/kube/gvr.h"
#include "engine/kube/object.h"

#define KUBE_ANSWER_BYTES_MAX ((size_t)256 << 20)
#define KUBE_CALL_TIMEOUT     (30 * NS_PER_S)
#define KUBE_WATCH_GRACE      (15 * NS_PER_S) /* for the server to end a watch in time */

struct kube_context {
    struct world_addr address;
    bool plain;                   /* http instead of https */
    struct str host;              /* Host header and TLS server name; empty: the address */
    struct str ca_pem;            /* empty: the system's store */
    bool insecure;                /* the server is not verified */
    struct str token;             /* bearer; empty: none */
    struct str cert_pem, key_pem; /* client certificate; empty: none */
};

struct kube_client;
struct kube_client *kube_client_new(struct world *w, const struct kube_context *context);
/* The same server, in the name of whoever has this token. */
struct kube_client *kube_client_as(const struct kube_client *c, struct str token);
void kube_client_free(struct kube_client *c);
void kube_client_set_token(struct kube_client *c, struct str token);
/* Keeps what the server's certificate says; before the first call. */
void kube_client_keep_peer(struct kube_client *c);
int64_t kube_client_peer_ends_s(struct kube_client *c); /* its end; 0: none was seen yet */
void kube_client_set_gate(struct kube_client *c, bool (*open)(void *owner), void *owner);
/* Forgets kept connections: the next call connects anew. */
void kube_client_reconnect(struct kube_client *c);
struct world *kube_client_world(struct kube_client *c);

enum kube_verb {
    KUBE_GET,
    KUBE_LIST,
    KUBE_LIST_METADATA, /* a PartialObjectMetadataList */
    KUBE_CREATE,
    KUBE_UPDATE,
    KUBE_PATCH_MERGE,
    KUBE_PATCH_JSON,
    KUBE_DELETE,
};

struct kube_target {
    struct kube_gvr gvr;
    struct str ns, name, sub; /* empty: none */
    struct str query;         /* without '?', encoded */
};

struct kube_answer {
    int status; /* HTTP; 0: none came */
    struct str body;
    const struct err *err; /* NULL: 2xx */
};
typedef void (*kube_done)(void *owner, const struct kube_answer *answer);

struct kube_call;
struct kube_call *kube_call_start(struct kube_client *c, enum kube_verb verb,
                                  const struct kube_target *target, struct str body,
                                  world_time timeout, kube_done done, void *owner);
void kube_call_cancel(struct kube_call *call); /* NULL is fine */

enum kube_event { KUBE_ADDED, KUBE_MODIFIED, KUBE_DELETED, KUBE_BOOKMARK };
struct kube_watch_handler {
    void (*open)(void *owner); /* the server accepted the watch; may be NULL */
    void (*event)(void *owner, enum kube_event type, struct kube_object *object);
    /* Last. NULL: the server ended the stream in order. ERR_GONE: the version is too old: list again. */
    void (*done)(void *owner, const struct err *err);
};
struct kube_watch;
/* Asks for bookmarks; timeout_s is sent to the server, and KUBE_WATCH_GRACE later the watch ends with ERR_TIMEOUT: a peer
 * that lost its power says nothing. target.query may hold selectors. */
struct kube_watch *kube_watch_start(struct kube_client *c, const struct kube_target *target,
                                    uint64_t resource_version, uint32_t timeout_s,
                                    const struct kube_watch_handler *handler, void *owner);
void kube_watch_cancel(struct kube_watch *watch); /* NULL is fine */

#endif
