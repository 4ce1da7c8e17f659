/* observe: what a replica shows of itself to administrators, and the counting of its requests.
 *
 *   GET /metrics        the registry as Prometheus reads it
 *   GET /debug/state    a JSON dump, a page of the sessions at a time (what is in it: engine/server/observe.h)
 *
 * Who may: whoever may get Clusters at cluster scope, asked of the local API in the caller's own name, as for the views of
 * clusters. No token is 401, too few rights are 403.
 * Ownership: the registry and what dumps belong to the server and outlive the API. */
#ifndef PADDOCK_ENGINE_API_OBSERVE_H
#define PADDOCK_ENGINE_API_OBSERVE_H

#include "engine/base/err.h"
#include "engine/base/log.h"
#include "engine/base/metrics.h"
#include "engine/http/server.h"

struct api_observed {
    struct metrics *metrics; /* NULL: requests are not counted, and there is no /metrics */
    /* Writes the dump that the request asks for. ERR_INVALID: it asks for what there is not. NULL: no /debug/state. */
    struct err *(*dump)(void *owner, struct http_exchange *x, struct buf *out);
    void *owner;
};

struct api_requests;
struct api_requests *api_requests_new(struct metrics *m); /* m NULL: NULL */
void api_requests_free(struct api_requests *r);
/* Counts an answer: paddock_http_requests_total by route and code, and how long it took. r NULL: nothing. */
void api_requests_answered(struct api_requests *r, const struct http_exchange *x, int status);
/* A line of level debug: what was asked, how it was answered, and the request's id. */
void api_log_request(const struct log *l, struct http_exchange *x, int status);
/* The route's class; "refused" without an exchange, "other" for what there is not. */
const char *api_route_class(const struct http_exchange *x);

#endif
