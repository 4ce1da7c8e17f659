/* listed: the objects of one page that a request asks for, for verbs that work on collections. */
#ifndef PADDOCK_SIM_KUBEAPI_VERBS_LISTED_H
#define PADDOCK_SIM_KUBEAPI_VERBS_LISTED_H

#include "sim/kubeapi/core/request.h"
#include "sim/kubeapi/core/selector.h"

struct api_listed {
    struct kube_object **objects; /* referenced */
    size_t n;
    struct str token; /* of the next page, in the request's arena; empty: none */
    size_t left;      /* behind the page; 0 under a selector */
    uint64_t revision;
};

/* By the request's selectors, limit and continue. False: answered. End it with api_listed_free. */
bool api_list_collect(struct api_request *r, struct api_listed *out);
void api_listed_free(struct api_listed *l);
/* The selectors of a request's query. False: answered. */
bool api_list_select(struct api_request *r, struct selector *out);
/* The end of a list behind its items. */
void api_list_tail(struct api_request *r, struct str token, size_t left, uint64_t revision,
                   struct buf *out);

#endif
