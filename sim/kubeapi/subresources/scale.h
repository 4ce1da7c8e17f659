/* scale: a Scale of autoscaling/v1 that stands for a number in another object, its parent: what the scales of built-in and
 * of custom kinds share. */
#ifndef PADDOCK_SIM_KUBEAPI_SUBRESOURCES_SCALE_H
#define PADDOCK_SIM_KUBEAPI_SUBRESOURCES_SCALE_H

#include "engine/base/json.h"
#include "sim/kubeapi/core/request.h"

extern const struct api_kind scale_kind;

/* The Scale of a parent; selector: may be empty. */
cJSON *scale_new(struct arena *a, const cJSON *parent, int64_t wanted, int64_t seen,
                 struct str selector);
void scale_answer(struct api_request *r, const cJSON *scale);
/* The number that a Scale wants; its uid and resourceVersion become the parent's, which is to be written. A negative one is
 * refused in the words of the parent's kind. False: answered. */
bool scale_take(struct api_request *r, const cJSON *scale, cJSON *parent, const char *negative,
                int64_t *wanted);
/* What a PATCH makes of the Scale `now`; path: as in api_apply_scale. custom: no strategic patches. NULL: answered. */
cJSON *scale_patched(struct api_request *r, const cJSON *parent, cJSON *now, bool custom,
                     const char *const *path);

#endif
