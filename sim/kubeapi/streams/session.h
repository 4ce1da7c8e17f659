/* session: what all live streams have in common. Private to this folder. */
#ifndef PADDOCK_SIM_KUBEAPI_STREAMS_SESSION_H
#define PADDOCK_SIM_KUBEAPI_STREAMS_SESSION_H

#include "engine/http/server.h"
#include "sim/kubeapi/streams/streams.h"

#define SESSION_LOOK    NS_PER_S /* how often its pod is looked at */
#define SESSION_OPENING (30 * NS_PER_S)
#define SESSION_PIECE   ((size_t)16 << 10) /* written at a time */

struct session;
struct session_kind {
    /* Time has passed: it looks at its pod, and goes on. May free itself. */
    void (*wake)(struct session *s);
    /* Ends and frees it: in order, or at once. */
    void (*end)(struct session *s, bool abort);
};
struct session {
    struct list link;
    struct streams *of;
    struct kubeapi *api;
    const struct session_kind *kind;
    struct arena a; /* the request's */
    const struct stream_ask *ask;
    struct world_timer *timer;
};

void session_free(struct session *s); /* the struct that it begins */
/* Its pod is there, and runs what it ran. */
bool session_alive(const struct session *s);
/* The container as it is now; false: it is gone. Strings are in the arena. */
bool session_container(const struct session *s, struct arena *a, struct container *out);
/* No later than SESSION_LOOK from now. due: wall clock, -1: never. */
void session_sleep(struct session *s, int64_t due);

void log_begin(struct session *s, struct http_exchange *x, const struct http_headers *headers);
void remote_begin(struct session *s, struct http_exchange *x, const struct http_headers *headers);
void forward_begin(struct session *s, struct http_exchange *x, const struct http_headers *headers);
size_t session_log_size(void);
size_t session_remote_size(void);
size_t session_forward_size(void);

#endif
