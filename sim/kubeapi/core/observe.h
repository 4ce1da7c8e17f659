/* observe: the places in a request's life where an observer is told (exchange.h). Every call is without effect when
 * nobody observes. */
#ifndef PADDOCK_SIM_KUBEAPI_CORE_OBSERVE_H
#define PADDOCK_SIM_KUBEAPI_CORE_OBSERVE_H

#include "sim/kubeapi/core/exchange.h"

struct api_request;
struct api_observed; /* in the request's arena */

struct api_observer {
    void (*seen)(void *owner, const struct kubeapi_exchange *x); /* NULL: nobody */
    void *owner;
    enum kubeapi_bodies bodies;
    uint64_t last_id;
};

void api_observe_head(struct api_request *r); /* authenticated, or refused */
void api_observe_decision(struct api_request *r, bool allowed);
void api_observe_reason(struct api_request *r, struct str reason); /* of the decision */
/* An annotation of the audit event: of each key the first value stays. */
void api_observe_annotate(struct api_request *r, struct str key, struct str value);
/* The same for a key with several values: "a, b", each once. */
void api_observe_gather(struct api_request *r, struct str key, struct str value);
void api_observe_again(struct api_request *r);  /* it is run again from its head */
void api_observe_answer(struct api_request *r); /* r->out is the whole answer, as JSON */
void api_observe_watch(struct api_request *r, const struct http_headers *headers, const char *type);
void api_observe_frames(struct api_request *r, struct str bytes);
/* The end. headers NULL: of the watch that was started, or none. */
void api_observe_done(struct api_request *r, const struct http_headers *headers, bool cut);
void api_observe_free(struct api_request *r);

#endif
