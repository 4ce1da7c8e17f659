/* server: one server, as all its parts see it. The parts keep what is theirs behind a pointer; who makes and ends them, in
 * which order, is kubeapi.c's. */
#ifndef PADDOCK_SIM_KUBEAPI_CORE_SERVER_H
#define PADDOCK_SIM_KUBEAPI_CORE_SERVER_H

#include "engine/base/list.h"
#include "engine/base/map.h"
#include "sim/kubeapi/core/expire.h"
#include "sim/kubeapi/core/limits.h"
#include "sim/kubeapi/core/observe.h"
#include "sim/kubeapi/core/reading.h"
#include "sim/kubeapi/kinds/kinds.h"

struct http_server;
struct rbac;
struct crds;
struct definitions;
struct ctl;
struct gc;
struct namespaces;
struct tokens;
struct token_secrets;
struct signer;
struct policies;
struct pki_key;
struct faults;
struct documents;
struct inflight;
struct journal;
struct hooks;
struct http_client;
struct addresses;
struct streams;

/* The metric's cell of one code. */
struct api_counter {
    int code;
    int64_t *cell;
};
#define API_COUNTERS 4

/* The last event that was written as protobuf: its watchers follow each other. */
struct api_frame {
    uint64_t revision;
    const struct api_kind *kind;
    const char *type; /* constant */
    struct buf bytes;
};

#define SERVER_HISTORY_TICKS                                                                       \
    5u /* of a minute each: old revisions can be listed and watched for five to six */

struct kubeapi {
    struct world *w;
    struct store *store;
    struct str name, ca_pem;
    bool bare, allow_all;
    struct map static_tokens;   /* token → struct api_user * */
    struct arena static_memory; /* the users above */
    struct map certificates;    /* peer PEM → struct auth_certificate *; bounded */
    struct arena certificate_memory;
    struct http_server *http;
    struct inflight *inflight;
    struct streams *streams; /* streams/streams.h: what goes on behind a request */
    struct list requests;    /* read, delayed or watching */
    struct list held;        /* of them: those that wait for the datastore (hold.h) */
    struct journal *journal; /* NULL: no datastore */
    struct rbac *rbac;
    struct crds *crds;
    struct definitions *definitions; /* controllers/definitions.h */
    struct registrar *registrar;     /* controllers/registrar.h */
    struct gc *gc;
    struct addresses *addresses; /* of services: rules/addresses.h */
    struct namespaces *namespaces;
    struct ctl *workloads; /* controllers/workloads.h; NULL: none */
    struct tokens *tokens;
    struct token_secrets *token_secrets;       /* controllers/token_secrets.h */
    struct signer *signer;                     /* controllers/signer.h */
    struct policies *policies;                 /* controllers/policies.h; NULL: bare */
    struct pki_key *(*token_key)(void *owner); /* as in the options */
    void *token_key_owner;
    struct faults *faults;
    struct hooks *hooks;                /* admission/hooks.h; NULL: none has been looked at */
    struct http_client *webhook_client; /* NULL: none has been asked */
    struct documents *documents;        /* of discovery and OpenAPI: discovery/documents.h */
    struct metrics metrics;
    struct api_observer observer;
    int64_t *watch_events, *watch_bytes, *watches, *watches_cut, *watches_gone;
    struct world_timer *tick; /* bookmarks, and at every few: compaction */
    uint64_t ticks;
    struct expiry expiry; /* of events */
    uint64_t marks
        [SERVER_HISTORY_TICKS]; /* revisions at the last ticks: what is older than all of them goes */
    struct buf scratch;         /* for canonical bytes: reused */
    struct api_frame frame;
    struct map watch_selectors;  /* verbs/watch_select.h */
    uint64_t watch_evaluations;  /* of them, against events */
    unsigned char *messages;     /* of the built-in kinds, by row: has it one? (accept.c) */
    struct store_table **tables; /* of the built-in kinds, by row; NULL: not asked for yet */
    struct store_table *secrets, *accounts; /* every request with a token looks into them */
    struct api_counter counters[VERB_NONE + 1][API_COUNTERS]; /* the usual codes of each verb */
};

/* The table of a built-in row is looked up once. */
struct store_table *api_kind_table(struct kubeapi *api, const struct api_kind *k);

#endif
