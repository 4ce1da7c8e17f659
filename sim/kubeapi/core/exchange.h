/* exchange: what one request over a connection was and how it was answered, for whoever looks on: audit logs, recordings.
 *
 *   head ─► [watch: STARTED] ─► DONE: answered, watch over, or connection lost (status 0 when nothing was sent)
 *
 * Ownership: everything in an exchange is borrowed for the call. Cost: none for servers that nobody observes. */
#ifndef PADDOCK_SIM_KUBEAPI_CORE_EXCHANGE_H
#define PADDOCK_SIM_KUBEAPI_CORE_EXCHANGE_H

#include "engine/http/headers.h"
#include "engine/world/world.h"

struct kubeapi;

struct api_extra {
    struct str key;
    struct str *values;
    size_t n;
};
struct kubeapi_user {
    struct str name, uid; /* name empty: nobody */
    const struct str *groups;
    size_t groups_n;
    const struct api_extra *extra;
    size_t extra_n;
};

/* What the steps of a request have to say to an audit log, in the order of the keys. */
struct kubeapi_annotation {
    struct str key, value;
};

enum kubeapi_decision { KUBEAPI_UNDECIDED, KUBEAPI_ALLOWED, KUBEAPI_FORBIDDEN };

struct kubeapi_exchange {
    uint64_t id;              /* ascending by arrival */
    bool started;             /* a watch has begun: DONE follows */
    world_time received, now; /* wall clock */
    struct world_addr peer;
    struct str audit_id, method, target; /* target: path?query */
    const struct http_headers *headers;  /* of the request */
    struct str body;                     /* of the request */
    struct kubeapi_user user, as;        /* as: impersonated */
    struct str verb;                     /* "create"; of other paths the method in lower case */
    bool is_resource, is_watch;
    struct str group, version, resource, sub, ns, name;
    enum kubeapi_decision decision;
    const struct kubeapi_annotation *annotations;
    size_t annotations_n;
    int status;
    const struct http_headers *answer_headers; /* NULL: none were sent */
    const char *answer_type;
    struct str
        answer; /* uncompressed; JSON also where YAML or protobuf was sent; of a watch: its frames */
    bool cut;   /* the connection ended before the answer did */
};

enum kubeapi_bodies {
    KUBEAPI_BODIES_SMALL, /* answers of creations and of what failed */
    KUBEAPI_BODIES_ALL /* every answer, and the frames of watches: up to KUBEAPI_OBSERVED_BYTES_MAX each */
};
#define KUBEAPI_ANNOTATIONS_MAX    64u /* of one request; more are not kept */
#define KUBEAPI_OBSERVED_BYTES_MAX ((size_t)16 << 20)
/* seen: NULL ends it. */
void kubeapi_observe(struct kubeapi *api,
                     void (*seen)(void *owner, const struct kubeapi_exchange *x), void *owner,
                     enum kubeapi_bodies bodies);

#endif
