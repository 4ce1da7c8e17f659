/* request: one request and the server that works on it.
 *
 * Convention: a step of a request returns bool. False: the answer has been made (an error, as a rule) and the caller
 * returns at once. Everything of a request lives in its arena. */
#ifndef PADDOCK_SIM_KUBEAPI_CORE_REQUEST_H
#define PADDOCK_SIM_KUBEAPI_CORE_REQUEST_H

#include "engine/kube/gvr.h"
#include "sim/kubeapi/core/accept.h"
#include "sim/kubeapi/core/server.h"

#define API_PROBLEMS_MAX 64u /* causes of one Invalid answer */

struct api_watch;
struct stream_ask;
struct watch_sink;
struct webhook_calls;
struct owners;
struct patch_said;
struct http_exchange;
struct http_ws;

/* ---- users ---- */
struct api_user {
    struct str name, uid;
    struct str *groups;
    size_t groups_n;
    struct api_extra *extra;
    size_t extra_n;
};

/* What of an object a write touches. ALL: the system, status and spec at once. */
enum write_scope { WRITE_MAIN, WRITE_STATUS, WRITE_ALL };

/* ---- a request ---- */
struct api_header {
    struct str name, value;
};
struct api_problem {
    const char *reason; /* "FieldValueInvalid" */
    struct str field, message;
};
struct api_request {
    struct list link; /* kubeapi.requests, while it waits */
    struct kubeapi *api;
    struct arena a;
    struct str method, path, query;
    struct str content_type, accept, authorization, user_agent;
    struct api_media media;             /* the form of the answer */
    const struct http_headers *headers; /* NULL: in process */
    struct str
        client; /* the address it came from: of watches, and where a fault asks for it; else empty */
    struct http_exchange *x; /* NULL: in process, or answered */
    struct str body;
    struct kube_path p;
    struct str sub_path; /* behind "proxy": "/a/b" */
    struct str
        ns; /* of the object: empty for cluster-scoped kinds (p.ns is what the authorizer sees) */
    enum api_verb verb;
    const struct api_kind *kind; /* NULL: not a resource we serve */
    const struct api_kind *sub;  /* the subresource's row, or NULL */
    struct store_table *table;
    struct api_user user;
    bool system;  /* in the name of the server itself */
    bool unowned; /* managedFields are not wanted */
    bool dry_run;
    bool finalize;                    /* PUT namespaces/x/finalize */
    bool admitted;                    /* its subresource's own object has passed admission */
    const struct patch_said *patched; /* of a patch that is no apply (patch.h); else NULL */
    struct owners *managed; /* of an apply: the owners that it leaves (managed.h); else NULL */
    struct api_problem *problems; /* API_PROBLEMS_MAX; NULL: none yet */
    size_t problems_n;

    bool answered;
    bool counted; /* among the requests, once */
    int status;
    const char *out_type;
    struct buf out;
    bool out_gzip;            /* out is compressed */
    struct buf warnings;      /* one a line */
    struct buf out_headers;   /* more of the answer's: "Name: value", one a line */
    struct kube_object *held; /* owned: an answer that is not, or no longer, in the store */
    int64_t retry_after_s;
    bool lost_ack;   /* a fault: the answer is not to be sent */
    bool lost_write; /* a fault: it is answered, and not written */
    bool truncated;  /* a fault: half the answer is sent */
    uint32_t lot; /* of a watch: shares of watches are chosen by it; 1 to a million, 0: not drawn */
    struct api_watch *watch;
    const struct watch_sink *sink; /* NULL: watches are refused */
    void *sink_owner;
    struct api_observed *observed; /* NULL: nobody looks on */
    struct world_timer *delay;     /* a fault */
    world_time delay_time;
    world_time timeout;                             /* of the handling */
    bool timed_out;                                 /* the delay was longer */
    struct webhook_calls *calls;                    /* core/webhook_call.h; NULL: none */
    struct conversions *conversions;                /* crd/crd_convert.h; NULL: none */
    bool suspended;                                 /* it waits for them, and is run again */
    void (*resume)(struct api_request *r);          /* runs it again */
    struct str stamp_uid, stamp_name, stamp_volume; /* drawn once */
    struct list seat_link;                          /* inflight.c */
    unsigned seat;                                  /* enum inflight_seat */
    bool seat_waits;
    world_time seat_deadline;
    struct list hold_link; /* hold.c */
    uint64_t hold_until;   /* 0: it does not wait */
    struct http_ws *ws;    /* wswatch.c */
    const char *ws_protocol;
    bool ws_origin;
    struct stream_ask *stream; /* streams/streams.h: it is handed over; NULL: it is not */
};

/* The value of a query parameter, decoded into the arena; false: absent. */
bool api_request_param(struct api_request *r, const char *name, struct str *value);
/* Each value of a parameter: *rest starts as r->query. False: no more. */
bool api_request_param_next(struct api_request *r, const char *name, struct str *rest,
                            struct str *value);
struct str api_request_param_or_empty(struct api_request *r, const char *name);
bool api_request_flag(struct api_request *r,
                      const char *name); /* absent, "0", "false": false; anything else is true */
bool api_request_writes(const struct api_request *r);
/* What the request itself holds: its arena, its answer. */
void api_request_clear(struct api_request *r);

#endif
