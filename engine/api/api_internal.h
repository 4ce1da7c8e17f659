/* What the files of engine/api share. */
#ifndef PADDOCK_ENGINE_API_API_INTERNAL_H
#define PADDOCK_ENGINE_API_API_INTERNAL_H

#include "engine/api/adoption.h"
#include "engine/api/observe.h"
#include "engine/api/path.h"
#include "engine/api/registration.h"
#include "engine/base/json.h"
#include "engine/http/ws.h"
#include "engine/kube/informer.h"
#include "engine/tunnel/forwards.h"
#include "engine/tunnel/peers.h"
#include "engine/tunnel/probe.h"

#define API_PARAMS_BYTES_MAX   ((size_t)64 << 10)
#define API_ADMISSION_HOLD_MAX (5 * NS_PER_S) /* longer waits are told to come back */

struct admission;
struct cluster_views;

struct api {
    struct world *world;
    struct policies policies;
    struct log log;
    struct kube_informer *clusters, *tokens, *settings, *secrets;
    size_t tokens_by_token;
    bool ready, draining;
    struct tunnel_router *router;
    struct tunnel_peers *peers;
    struct tunnel_probes *probes;
    struct str agent_image; /* owned */
    struct registration *registration;
    struct paths *paths;
    struct adoption *adoption;
    struct str membership_key; /* borrowed; empty: nobody is adopted */
    struct admission *admission;
    struct cluster_views *views;
    struct auth *auth;   /* NULL: no proxy */
    struct proxy *proxy; /* NULL: none */
    struct api_observed observed;
    struct api_requests *requests;
};

/* The API's error shape: {"type":"error","status":"404","code":"NotFound","message":"..."}. */
void api_error(struct http_exchange *x, int status, const char *code, const char *fmt, ...)
    printf_like(4, 5);
void api_text(struct http_exchange *x, int status, struct str body);
/* The value of a setting, or its default; empty: none. Lives in the arena. */
struct str api_setting(const struct api *a, struct arena *arena, const char *name);

/* GET /v3/settings/NAME: only what agents need before they can log in. */
void api_settings_handle(struct api *a, struct http_exchange *x, struct str name);
void api_cacerts_handle(struct api *a, struct http_exchange *x);
void api_import_handle(struct api *a, struct http_exchange *x, struct str file);
/* GET /k8s/clusters/ID/v1/...: rest is "ID/v1/...". GET /v1/management.cattle.io.clusters...: rest follows the type. */
void api_cluster_view_handle(struct api *a, struct http_exchange *x, struct str rest);
void api_clusters_handle(struct api *a, struct http_exchange *x, struct str rest);
void api_connect_handle(struct api *a, struct http_exchange *x);
/* False: the path is none of observe.h. */
bool api_observe_handle(struct api *a, struct http_exchange *x, struct str path);
/* Asks the local API whether the sender may get Clusters at cluster scope. `granted` answers at once; whoever may not
 * was told so. */
void api_with_rights(struct api *a, struct http_exchange *x,
                     void (*granted)(struct api *a, struct http_exchange *x));

/* ---- cluster_view.c ---- */
struct cluster_views *cluster_views_new(struct api *a, struct kube_client *client,
                                        struct tunnel_forwards *forwards);
void cluster_views_free(struct cluster_views *v); /* after the HTTP server: no exchange is open */

/* ---- admission ---- */
struct admission *admission_new(struct api *a);
void admission_free(struct admission *ad);
void admission_set_replicas(struct admission *ad, size_t n);
void admission_close(struct admission *ad); /* whoever waits in line is turned away */
/* 503, with the time to come back after in whole seconds, rounded up. */
void admission_turn_away(struct http_exchange *x, world_time wait);
/* Lets the exchange in at once or later (then `admit` is called with it), or answers 503 itself. data is the caller's
 * for this exchange: given back to admit, or freed with `drop` when it never comes to that. */
void admission_ask(struct admission *ad, struct http_exchange *x, void *data,
                   void (*admit)(struct api *a, struct http_exchange *x, void *data),
                   void (*drop)(void *data));

#endif
