/* api: what a server replica answers over HTTP.
 *
 *   GET /ping                        "pong", and X-Server-Time          GET /healthz    "ok"
 *   GET /readyz                      "ok", or 503: this replica is starting, or about to stop
 *   GET /cacerts                     the CA as PEM     GET /v3/settings/cacerts   the same as a setting (JSON)
 *   GET /v3/import/TOKEN_ID.yaml     the import manifest (rendered for any token: a wrong one fails at the connect)
 *   GET /metrics, /debug/state       for administrators: observe.h
 *   GET /v3/connect[/register]       upgrade to a tunnel: agents by token and params, peers by ID and token
 *
 *   GET /k8s/clusters/ID/v1/...      what the cluster's agent keeps
 *   any /k8s/clusters/ID/...         the cluster's own API (engine/proxy)
 *
 * Anything else is 404 in the API's error shape. Tunnels are admitted by policy connect.admission: paced gives each
 * replica its share of the rate, holds a few seconds' worth of agents, and tells the rest when to come back.
 * Ownership: caches, client, router, peers and forwards belong to the server and outlive the API.
 * Source: fixtures/incidents.yaml#K12, #K46, #K48; the paths and codes are the original's. */
#ifndef PADDOCK_ENGINE_API_API_H
#define PADDOCK_ENGINE_API_API_H

#include "engine/api/observe.h"
#include "engine/kube/informer.h"
#include "engine/proxy/proxy.h"
#include "engine/tunnel/forwards.h"
#include "engine/tunnel/peers.h"

struct api;
struct api_options {
    struct world *world;
    const struct policies *policies;
    struct kube_client *client; /* of the local cluster */
    struct kube_informer *clusters, *tokens, *settings, *secrets;
    size_t tokens_by_token; /* index of tokens on status.token */
    struct tunnel_router *router;
    struct tunnel_peers *peers;
    struct tunnel_forwards *forwards; /* to agents' local addresses */
    /* How a cluster's API is reached; NULL: clusters are not reached through this API. */
    bool (*way)(void *owner, struct str cluster_id, struct proxy_way *out);
    void *way_owner;
    struct metrics *metrics;
    bool plain;                /* callers come without TLS */
    struct str membership_key; /* proofs of membership are signed with it; empty: there are none */
    struct str agent_image;
    struct api_observed observed; /* all zero: nothing is shown */
};
struct api *api_new(const struct api_options *options);
void api_free(struct api *a);
void api_handle(void *api, struct http_exchange *x); /* an http_handler */
/* To be told of every answer: http_server_options.answered. */
void api_answered(void *api, struct http_exchange *x, int status);
/* How many replicas share the agents, this one included: paces admission. */
void api_set_replicas(struct api *a, size_t n);
void api_set_ready(struct api *a, bool ready); /* what /readyz says */
/* This replica is about to stop: agents that come, and those in line, are told to come back. */
void api_drain(struct api *a);

#endif
