/* reviews: questions about rights and identities. Create only; nothing is stored. */
#ifndef PADDOCK_SIM_KUBEAPI_SUBRESOURCES_REVIEWS_H
#define PADDOCK_SIM_KUBEAPI_SUBRESOURCES_REVIEWS_H

#include "engine/base/json.h"
#include "sim/kubeapi/core/request.h"

/* Answers the four access reviews, TokenReview and SelfSubjectReview; false: it is none of them. */
bool review_handle(struct api_request *r);

/* ---- shared by reviews*.c ---- */
/* The body without its status. False: answered. */
bool review_decode(struct api_request *r, cJSON **tree);
cJSON *review_status(struct api_request *r, cJSON *tree); /* a fresh one */
/* 201. keep_spec false: the answer is status and nothing else. */
void review_reply(struct api_request *r, const cJSON *tree);
void review_access(struct api_request *r);
void review_local_access(struct api_request *r);
void review_self_access(struct api_request *r);
void review_rules(struct api_request *r);
void review_token(struct api_request *r);
void review_self(struct api_request *r);

#endif
