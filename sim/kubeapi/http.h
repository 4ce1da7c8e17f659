/* http: the HTTP side of requests; what others tell it of requests that wait. */
#ifndef PADDOCK_SIM_KUBEAPI_HTTP_H
#define PADDOCK_SIM_KUBEAPI_HTTP_H

#include "engine/http/server.h"
#include "sim/kubeapi/core/request.h"

void api_http_handle(void *owner, struct http_exchange *x); /* owner: the kubeapi */
void api_http_admitted(struct api_request *r);              /* it has its seat */
void api_http_refused(struct api_request *r);               /* it gets none */
void api_http_released(struct api_request *r);              /* what it shows is durable */

#endif
