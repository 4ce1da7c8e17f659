/* observe: what a replica shows of itself: gauges for its metrics, and a dump of its state as JSON.
 *
 *   /metrics      registry (counters) ─► server_collect (sessions, queues, caches, leader, certificates) ─► text
 *   /debug/state  server_dump: ?section=NAME only that one; sessions come limit (100, at most 1000) at a time, in order of
 *                 their arrival, and the next page is asked for with continue=, as the page before says
 *
 * Both are answered on the API to administrators (engine/api/observe.h); server_metrics_listen gives /metrics a listener
 * of its own, without authentication, meant for loopback or a network of the operator's.
 * Bounds: DUMP_SESSIONS_MAX sessions, SERVER_CACHES caches, TUNNEL_PEERS_MAX peers; the rest is constant. No token, key
 * or content of an object is in it. Nothing here changes anything. */
#ifndef PADDOCK_ENGINE_SERVER_OBSERVE_H
#define PADDOCK_ENGINE_SERVER_OBSERVE_H

#include "engine/base/metrics_page.h"
#include "engine/controllers/controllers.h"
#include "engine/kube/leader.h"
#include "engine/server/server.h"
#include "engine/tunnel/peers.h"

#define DUMP_SESSIONS_DEFAULT 100u
#define DUMP_SESSIONS_MAX     1000u

/* What is looked at; borrowed from the server. */
struct server_parts {
    struct world *world;
    const struct policies *policies;
    struct str identity;
    struct tunnel_router *router;
    struct tunnel_peers *peers;
    const struct controllers *controllers;      /* NULL: not leading */
    const struct leader *leader;                /* NULL: not a candidate yet, or no more */
    struct str cert_pem, next_cert_pem, ca_pem; /* empty: there is none */
    struct kube_client *client;
    size_t replicas; /* this one included */
};
struct server_parts server_parts(const struct server *s);

/* A metrics_collect; the owner is the server. */
void server_collect(void *server, struct metrics_page *page);
/* ERR_INVALID: a section, limit or continue that there is not. */
struct err *server_dump(void *server, struct http_exchange *x, struct buf *out) must_check;
/* GET /metrics, and nothing else. */
void server_answer_scrape(struct server *s, struct http_exchange *x);

/* The listener of --metrics-listen; ended with the server. Once. port: where it is. */
struct err *server_metrics_listen(struct server *s, const struct world_addr *address,
                                  uint16_t *port) must_check;

#endif
