/* request: one request from its head to its verb: between those who read connections (http.c, wswatch.c, call.c) and the parts. */
#ifndef PADDOCK_SIM_KUBEAPI_REQUEST_H
#define PADDOCK_SIM_KUBEAPI_REQUEST_H

#include "sim/kubeapi/core/request.h"

struct api_request *api_request_new(struct kubeapi *api);
/* From method, path, query, headers to verb, kind and user. False: answered (401). */
bool api_request_begin(struct api_request *r);
/* Runs a request that was begun and whose body is there. Watches go on living: r->watch. */
void api_request_run(struct api_request *r);
void api_request_count(struct api_request *r); /* as answered; a second time it changes nothing */
void api_request_free(struct api_request *r);  /* what it holds, not the struct */

#endif
