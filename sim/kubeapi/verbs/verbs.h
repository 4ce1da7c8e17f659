/* verbs: what a request asks for, carried out and answered. */
#ifndef PADDOCK_SIM_KUBEAPI_VERBS_VERBS_H
#define PADDOCK_SIM_KUBEAPI_VERBS_VERBS_H

#include "sim/kubeapi/core/request.h"

void api_handle_get(struct api_request *r);
void api_handle_list(struct api_request *r);
void api_handle_create(struct api_request *r);
void api_handle_update(struct api_request *r);
void api_handle_patch(struct api_request *r);
void api_handle_delete(struct api_request *r);
void api_handle_delete_collection(struct api_request *r);
void api_handle_watch(struct api_request *r); /* may end and free r */

#endif
