/* streams: what the kubelets of this server's nodes let clients see of pods: logs, commands with their input and output,
 * connections to ports. A request that was allowed is handed over, and lives on here until its pod or its client goes.
 *
 *   sub_kubelet: pod, container, node? ─► stream_ask ─► podstreams_negotiate ─► (http.c) podstreams_begin ─► session ─► gone
 *
 *                      WebSocket                                        SPDY/3.1
 *   exec, attach       v5.channel.k8s.io, v4.channel.k8s.io             v4.channel.k8s.io
 *   portforward        SPDY/3.1+portforward.k8s.io (SPDY inside)        portforward.k8s.io
 *
 * Ownership: a session takes over the exchange and the arena of its request.
 * Bounds:    STREAMS_MAX sessions; what waits to be sent is about 100 KiB a session, whatever it reads or tells.
 * Deadlines: a client of SPDY opens its streams within 30 s; the pod is looked at every second: its end ends the session. */
#ifndef PADDOCK_SIM_KUBEAPI_STREAMS_STREAMS_H
#define PADDOCK_SIM_KUBEAPI_STREAMS_STREAMS_H

#include "sim/kubeapi/containers/program.h"
#include "sim/kubeapi/core/request.h"

#define STREAMS_MAX 4096u

enum stream_kind { STREAM_LOG, STREAM_EXEC, STREAM_ATTACH, STREAM_FORWARD };
enum stream_carrier { STREAM_HTTP, STREAM_CHANNELS, STREAM_SPDY, STREAM_SPDY_IN_WEBSOCKET };

struct stream_log_options {
    bool follow, timestamps;
    int64_t tail;  /* lines; -1: all */
    int64_t since; /* wall clock; -1: all */
    int64_t limit; /* bytes; -1: none */
};
/* What was asked for; everything in it is in the request's arena. */
struct stream_ask {
    enum stream_kind kind;
    struct str ns, pod, uid;
    struct container container; /* of all but forwards */
    struct clog clog;           /* of logs: the run that is read */
    struct stream_log_options log;
    const struct str *argv;
    size_t argc;
    bool in, out, err, tty;
    const struct container_port *ports;
    size_t ports_n;
    struct str trouble; /* it cannot begin; told when the client can hear it; empty: it can */
    enum stream_carrier carrier;
    const char *protocol; /* constant */
};

struct streams;
/* serves: has this node a kubelet of ours? */
struct streams *podstreams_new(struct kubeapi *api,
                               bool (*serves)(struct kubeapi *api, struct str node));
void podstreams_free(struct streams *s); /* sessions are aborted; NULL is fine */
void podstreams_end(struct streams *s);  /* sessions end in order */
size_t podstreams_open(const struct streams *s);
bool podstreams_serves(const struct streams *s, struct str node);

/* How the client wants it carried. False: it cannot be, and is answered. */
bool podstreams_negotiate(struct api_request *r, struct stream_ask *ask);
/* r->stream begins; the request has lost its exchange and its arena when this returns. headers: of the answer. */
void podstreams_begin(struct streams *s, struct api_request *r, const struct http_headers *headers);
/* A log as it is now, for those who ask in process. */
void podstreams_log_text(const struct stream_ask *ask, int64_t now, struct buf *out);

#endif
