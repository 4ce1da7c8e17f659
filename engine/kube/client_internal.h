/* What client.c and watch.c share. */
#ifndef PADDOCK_ENGINE_KUBE_CLIENT_INTERNAL_H
#define PADDOCK_ENGINE_KUBE_CLIENT_INTERNAL_H

#include "engine/base/list.h"
#include "engine/kube/client.h"

struct kube_client {
    struct world *world;
    struct http_client *http;
    struct world_addr address;
    bool plain;
    bool bad_token; /* could not be put into a header: every call fails by name */
    struct str host, ca_pem, cert_pem, key_pem;
    struct world_tls tls;
    struct http_headers headers, metadata_headers; /* they differ in what is accepted */
    bool (*gate)(void *owner);
    void *gate_owner;
    struct list calls, watches;
    struct str peer_pem; /* owned: what peer_ends_s was read from */
    int64_t peer_ends_s;
};

struct kube_call {
    struct list node;
    struct kube_client *client;
    struct http_call *http;
    struct world_timer *refusal; /* answers later, as every callback does */
    kube_done done;
    void *owner;
};

struct kube_watch {
    struct list node;
    struct kube_client *client;
    struct http_call *http;
    struct world_timer
        *deadline; /* the server should have ended it long ago: it is not there any more */
    struct kube_watch_handler handler;
    void *owner;
    struct buf line; /* an event whose end has not come yet */
    bool busy, dead; /* freed inside its own callback */
    int refused;     /* HTTP status of an answer that is not a stream; 0: a stream */
};

/* "/api/v1/...?query&extra". Appends. */
void kube_target_write(const struct kube_target *t, struct str extra_query, struct buf *out);

#endif
