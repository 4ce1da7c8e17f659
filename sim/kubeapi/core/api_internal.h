/* api_internal: what the files of the server share: the server, one request, and how it is answered.
 *
 * Convention: a step of a request returns bool. False: the answer has been made (an error, as a rule) and the caller
 * returns at once. Everything of a request lives in its arena. */
#ifndef PADDOCK_SIM_KUBEAPI_API_INTERNAL_H
#define PADDOCK_SIM_KUBEAPI_API_INTERNAL_H

#include "engine/base/list.h"
#include "engine/base/map.h"
#include "engine/kube/gvr.h"
#include "engine/kube/status.h"
#include "sim/kubeapi/core/accept.h"
#include "sim/kubeapi/core/expire.h"
#include "sim/kubeapi/core/observe.h"
#include "sim/kubeapi/core/selector.h"
#include "sim/kubeapi/kinds/kinds.h"
#include "sim/kubeapi/kubeapi.h"

#define KUBEAPI_TICK          (60 * NS_PER_S) /* bookmarks */
#define KUBEAPI_COMPACT_TICKS 5u
#define API_PROBLEMS_MAX      64u /* causes of one Invalid answer */

/* ---- users ---- */
struct api_extra {
    struct str key;
    struct str *values;
    size_t n;
};
struct api_user {
    struct str name, uid;
    struct str *groups;
    size_t groups_n;
    struct api_extra *extra;
    size_t extra_n;
};

/* ---- the server ---- */
struct rbac;
struct crds;
struct ctl;
struct gc;
struct namespaces;
struct tokens;
struct token_secrets;
struct signer;
struct pki_key;
struct faults;
struct documents;
struct api_watch;
struct inflight;
struct journal;
struct http_ws;
struct hooks;
struct http_client;
struct webhook_calls;
struct owners;
struct addresses;
struct patch_said;

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
    struct list requests;    /* read, delayed or watching */
    struct list held;        /* of them: those that wait for the datastore (hold.h) */
    struct journal *journal; /* NULL: no datastore */
    struct rbac *rbac;
    struct crds *crds;
    struct gc *gc;
    struct addresses *addresses; /* of services: rules/addresses.h */
    struct namespaces *namespaces;
    struct ctl *workloads; /* controllers/workloads.h; NULL: none */
    struct tokens *tokens;
    struct token_secrets *token_secrets;       /* controllers/token_secrets.h */
    struct signer *signer;                     /* controllers/signer.h */
    struct pki_key *(*token_key)(void *owner); /* as in the options */
    void *token_key_owner;
    struct faults *faults;
    struct hooks *hooks;                /* admission/hooks.h; NULL: none has been looked at */
    struct http_client *webhook_client; /* NULL: none has been asked */
    struct documents *documents;        /* of discovery and OpenAPI: discovery/documents.h */
    struct metrics metrics;
    struct api_observer observer;
    int64_t *watch_events, *watch_bytes, *watches, *watches_cut;
    struct world_timer *tick; /* bookmarks; every KUBEAPI_COMPACT_TICKS of them: compaction */
    uint64_t ticks;
    struct expiry expiry; /* of events */
    uint64_t compact_to; /* revision at the last compaction: what is older goes with the next */
    struct buf scratch;  /* for canonical bytes: reused */
    struct api_frame frame;
    unsigned char *messages;     /* of the built-in kinds, by row: has it one? (accept.c) */
    struct store_table **tables; /* of the built-in kinds, by row; NULL: not asked for yet */
    struct store_table *secrets, *accounts; /* every request with a token looks into them */
    struct api_counter counters[VERB_NONE + 1][API_COUNTERS]; /* the usual codes of each verb */
};

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
    struct http_exchange *x;            /* NULL: in process, or answered */
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
    struct api_watch *watch;
    const struct watch_sink *sink; /* NULL: watches are refused */
    void *sink_owner;
    struct api_observed *observed; /* NULL: nobody looks on */
    struct world_timer *delay;     /* a fault */
    world_time delay_time;
    world_time timeout;                             /* of the handling */
    bool timed_out;                                 /* the delay was longer */
    struct webhook_calls *calls;                    /* admission/webhook_call.h; NULL: none */
    bool suspended;                                 /* it waits for them, and is run again */
    void (*resume)(struct api_request *r);          /* runs it again; NULL: over a connection */
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
};

/* The value of a query parameter, decoded into the arena; false: absent. */
bool api_request_param(struct api_request *r, const char *name, struct str *value);
/* Each value of a parameter: *rest starts as r->query. False: no more. */
bool api_request_param_next(struct api_request *r, const char *name, struct str *rest,
                            struct str *value);
struct str api_request_param_or_empty(struct api_request *r, const char *name);
bool api_request_flag(struct api_request *r,
                      const char *name); /* absent, "0", "false": false; anything else is true */

/* From method, path, query, headers to verb, kind and user. False: answered (401). */
bool api_request_begin(struct api_request *r);
/* Runs a request that was begun and whose body is there. Watches go on living: r->watch. */
void api_request_run(struct api_request *r);
void api_request_free(struct api_request *r); /* what it holds, not the struct */
bool api_request_writes(const struct api_request *r);

/* ---- reply.c ---- */
void api_reply_json(struct api_request *r, int status, struct str json);
/* A header of the answer; Cache-Control replaces the usual one. */
void api_reply_header(struct api_request *r, const char *name, struct str value);
void api_reply_text(struct api_request *r, int status, const char *text);
void api_reply_status(struct api_request *r, const struct kube_status *s);
void api_reply_object(struct api_request *r, int status, const struct kube_object *o);
bool api_fail_err(struct api_request *r, struct err *take_err);
bool api_fail_plain(struct api_request *r, int code, const char *reason, const char *fmt, ...)
    printf_like(4, 5);
bool api_fail_bad(struct api_request *r, const char *fmt, ...) printf_like(2, 3); /* 400 */
bool api_fail_not_found(struct api_request *r, const struct api_kind *k, struct str name);
bool api_fail_exists(struct api_request *r, const struct api_kind *k, struct str name,
                     bool terminating);
bool api_fail_conflict(struct api_request *r, struct str name, const char *fmt, ...)
    printf_like(3, 4);
bool api_fail_modified(struct api_request *r, struct str name);
bool api_fail_forbidden(struct api_request *r, struct str name, const char *fmt, ...)
    printf_like(3, 4);
bool api_fail_method(struct api_request *r);
bool api_fail_too_new(struct api_request *r, uint64_t revision); /* 504 */
bool api_fail_404(struct api_request *r);                        /* plain text: no such path */
bool api_fail_gone(struct api_request *r, struct str continue_token, const char *fmt, ...)
    printf_like(3, 4);
bool api_fail_media(struct api_request *r, const char *accepted);
/* Collects causes for one 422; api_invalid_end answers when there are any. */
void api_invalid(struct api_request *r, const char *reason, struct str field, const char *fmt, ...)
    printf_like(4, 5);
bool api_invalid_end(struct api_request *r, const struct api_kind *k, struct str name);
void api_warn(struct api_request *r, const char *fmt, ...) printf_like(2, 3);
/* The object as this kind's version shows it (apiVersion rewritten where the stored one differs). */
void api_object_write(const struct api_kind *k, const struct kube_object *o, bool bare_item,
                      struct buf *out);

/* ---- kinds.c, crd.c ---- */
const struct api_kind *api_kind_find(struct kubeapi *api, struct str group, struct str version,
                                     struct str resource);
const struct api_kind *api_kind_of(struct kubeapi *api, struct str api_version, struct str kind);
/* Any version of a table's resource. */
const struct api_kind *api_kind_of_table(struct kubeapi *api, struct str table);
struct store_table *api_kind_table(struct kubeapi *api, const struct api_kind *k);
static inline bool api_kind_is(const struct api_kind *k, const char *table)
{
    return str_eq_c(k->table, table);
}

/* ---- metadata.c ---- */
struct str api_new_uid(struct kubeapi *api, struct arena *a);
struct str api_now(struct kubeapi *api, struct arena *a); /* RFC 3339, whole seconds */
struct str api_generated_name(struct kubeapi *api, struct arena *a, struct str prefix);
/* Name, labels, annotations, finalizers, owners: collects problems. */
void api_validate_metadata(struct api_request *r, const struct api_kind *k, const cJSON *metadata);
/* The same for an update: the name is the old one's. */
void api_validate_change(struct api_request *r, const struct api_kind *k, const cJSON *metadata);

/* ---- rules/kinds.c: what single kinds need ---- */
void api_rules_default(struct api_request *r, const struct api_kind *k, cJSON *tree, bool creating);
/* What the server adds to an object of its own accord, behind the defaults: nobody owns it. */
void api_rules_prepare(struct api_request *r, const struct api_kind *k, cJSON *tree,
                       const struct kube_object *old); /* old NULL: creating */
void api_rules_validate(struct api_request *r, const struct api_kind *k, const cJSON *tree,
                        const struct kube_object *old, bool status); /* status: a write to it */
/* Parts of the old object that an update cannot touch. */
void api_rules_keep(struct api_request *r, const struct api_kind *k, const struct kube_object *old,
                    cJSON *tree);

/* ---- write path: write.c ---- */
/* Parses the body into *tree and checks that it is of this kind. */
bool api_write_decode(struct api_request *r, const struct api_kind *k, cJSON **tree);
/* Kind, apiVersion and the types of metadata (also after a patch). */
bool api_decode_check(struct api_request *r, const struct api_kind *k, cJSON *tree);
bool api_write_namespace_open(struct api_request *r,
                              struct str ns); /* exists and is not terminating */
/* Commits a new object: stamps metadata, writes, answers nothing. *out is borrowed; in a dry run it is the request's. */
bool api_write_create(struct api_request *r, const struct api_kind *k, struct str ns, cJSON *tree,
                      struct kube_object **out);
enum write_scope {
    WRITE_MAIN,
    WRITE_STATUS,
    WRITE_ALL
}; /* ALL: the system, status and spec at once */
/* Commits a changed tree over `old`. Deletes it instead when the last finalizer went. */
bool api_write_update(struct api_request *r, const struct api_kind *k, struct kube_object *old,
                      cJSON *tree, enum write_scope scope, struct kube_object **out);
/* Puts bytes of a tree as they are under the next revision. */
struct kube_object *api_write_commit(struct kubeapi *api, struct store_table *t, cJSON *tree,
                                     struct arena *a);
void api_write_remove(struct kubeapi *api, struct store_table *t, struct kube_object *o);
/* Marks or removes by the rules of finalizers. *gone: it was removed; else *out is the marked object. */
struct delete_options {
    struct str propagation; /* "Background", "Foreground", "Orphan"; empty: the kind's default */
    struct str uid, resource_version; /* preconditions; empty: none */
    int64_t grace_s;                  /* -1: not given */
    bool has_propagation;             /* something was said, be it nothing that is known */
};
bool api_write_delete(struct api_request *r, const struct api_kind *k, struct kube_object *o,
                      const struct delete_options *options, bool *gone, struct kube_object **out);

/* ---- verbs ---- */
void api_handle_get(struct api_request *r);
void api_handle_list(struct api_request *r);
void api_handle_create(struct api_request *r);
void api_handle_update(struct api_request *r);
void api_handle_patch(struct api_request *r);
void api_handle_delete(struct api_request *r);
void api_handle_delete_collection(struct api_request *r);
void api_handle_watch(struct api_request *r);        /* may end and free r */
void api_handle_non_resource(struct api_request *r); /* discovery.c */
bool api_handle_special(
    struct api_request *r); /* reviews, finalize, token, binding ...: true: it was one */
bool api_list_select(struct api_request *r, struct selector *out);

/* ---- watch.c ---- */
/* Where a stream of watch events goes. After end or abort nothing more is written. */
struct watch_sink {
    void (*start)(struct api_request *r); /* sends the head of the answer */
    void (*write)(struct api_request *r, struct str bytes);
    size_t (*queued)(struct api_request *r);
    void (*end)(struct api_request *r, bool abort); /* frees the request and its watch */
};
void api_watch_tick(struct kubeapi *api); /* bookmarks of all watches */
void api_watches_pump(struct kubeapi *api);
void api_watch_free(struct api_watch *w);
void api_watch_pump(struct api_watch *w);
void api_watch_cut(struct api_watch *w, bool abort);
bool api_watch_of(const struct api_watch *w, struct str table);
void api_watch_gone(struct api_watch *w); /* 410; ends soon */
/* It goes on at the same revision in another store's table. */
void api_watch_move(struct api_watch *w, struct store_table *t);
void api_watch_release(struct api_watch *w, uint64_t revision); /* what waits for that revision */

/* ---- authn.c, rbac.c ---- */
bool api_authenticate(struct api_request *r);
bool api_authorize(struct api_request *r);
struct rbac_query {
    const struct api_user *user;
    struct str verb, group, resource, sub, ns, name;
    struct str path; /* of a non-resource request */
    bool non_resource;
};
struct rbac *rbac_new(struct kubeapi *api);
void rbac_free(struct rbac *x);
void rbac_reset(struct rbac *x); /* builds the index from the store */
void rbac_event(struct rbac *x, struct store_event *e);
void rbac_settle(struct rbac *x); /* writes the aggregated roles now, not soon */
/* *why (may be NULL): the reason that a review shows; in the arena. */
bool rbac_allows(struct rbac *x, const struct rbac_query *q, struct arena *a, struct str *why);
/* The rules that a user has in a namespace, as JSON arrays of a SelfSubjectRulesReview. *errors: roles that are missing. */
void rbac_rules_of(struct rbac *x, const struct api_user *user, struct str ns, struct arena *a,
                   cJSON *resource_rules, cJSON *non_resource_rules, struct str *errors);
/* RBAC, or above it (system:masters). *why may be NULL. */
bool api_user_allowed(struct api_request *r, const struct rbac_query *q, struct str *why);
bool rbac_may_grant(struct api_request *r, const cJSON *tree);
void rbac_bootstrap(struct kubeapi *api);

/* ---- controllers of the server itself ---- */
struct crds *crds_new(struct kubeapi *api);
void crds_free(struct crds *x);
void crds_reset(struct crds *x);
void crds_event(struct crds *x, struct store_event *e);
const struct api_kind *crds_find(const struct crds *x, struct str group, struct str version,
                                 struct str resource);
const struct api_kind *crds_of(const struct crds *x, struct str group, struct str version,
                               struct str kind);
const struct api_kind *crds_of_table(const struct crds *x, struct str table);
uint64_t crds_born(const struct api_kind *k);       /* 0: built-in, or not known */
uint64_t crds_generation(const struct crds *x);     /* changes when the set of kinds does */
uint64_t crds_changed(const struct api_kind *k);    /* the generation that made it; 0: built-in */
struct str crds_singular(const struct api_kind *k); /* of custom resources; else empty */
struct str crds_storage_version(const struct api_kind *k);
bool crds_terminating(const struct crds *x, const struct api_kind *k);
bool crds_next(const struct crds *x, size_t *i,
               const struct api_kind **k); /* every served version's main row */

struct gc *api_gc_new(struct kubeapi *api);
void api_gc_free(struct gc *x);
void api_gc_reset(struct gc *x);
void api_gc_event(struct gc *x, struct store_event *e);

struct namespaces *api_namespaces_new(struct kubeapi *api);
void api_namespaces_free(struct namespaces *x);
void api_namespaces_reset(struct namespaces *x);
void api_namespaces_event(struct namespaces *x, struct store_event *e);

struct tokens *api_tokens_new(struct kubeapi *api); /* auth/tokens.h */
void api_tokens_free(struct tokens *x);
void api_tokens_user(struct arena *a, struct str ns, struct str name, struct str uid,
                     struct api_user *user);

void api_http_handle(void *owner, struct http_exchange *x); /* http.c */
void api_http_admitted(struct api_request *r);
void api_http_released(struct api_request *r);
void api_http_refused(struct api_request *r);
struct api_request *api_request_new(struct kubeapi *api);
/* A request of the system itself; end it with api_system_end. */
void api_system_begin(struct kubeapi *api, struct api_request *r, const struct api_kind *k,
                      enum api_verb verb);
struct err *
api_system_end(struct api_request *r) must_check; /* the error that it was answered with, or NULL */

/* ---- faults.c ---- */
struct faults *api_faults_new(struct kubeapi *api);
void api_faults_free(struct faults *x);
/* Applies what matches: returns the delay; may answer r itself, or set r->lost_ack. */
world_time api_faults_apply(struct faults *x, struct api_request *r);
bool api_faults_stalled(const struct faults *x, const struct api_request *r);
/* Does a fault of this kind meet the watch now? It is counted. *f (may be NULL): the rule. */
bool api_faults_meet(struct faults *x, const struct api_request *r, enum kubeapi_fault_kind kind,
                     const struct kubeapi_fault **f);
/* Where a watch that asked for a revision really begins; *gone: it gets 410. */
uint64_t api_faults_resume(struct faults *x, const struct api_request *r, uint64_t revision,
                           bool *gone);
void api_faults_event(struct faults *x); /* after each write: what it sets free */

#endif
