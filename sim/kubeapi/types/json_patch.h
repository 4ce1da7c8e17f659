/* json_patch: RFC 6902 patches of trees, and RFC 7386 merge patches.
 *
 * Ownership: the tree is the caller's own, in its arena, and is changed; nothing of the patch gets into it.
 * Bounds:    operations and copied bytes of a JSON patch; depth is bounded by the parser.
 * Errors:    ERR_UNPROCESSABLE, ERR_TOO_LARGE with the API's texts. A merge patch always fits. */
#ifndef PADDOCK_SIM_KUBEAPI_TYPES_JSON_PATCH_H
#define PADDOCK_SIM_KUBEAPI_TYPES_JSON_PATCH_H

#include "engine/base/json.h"

/* patch is a list of operations; *tree may become another node. */
struct err *json_patch_apply(struct arena *a, cJSON **tree, const cJSON *patch) must_check;
/* Both are objects. */
void json_patch_merge(struct arena *a, cJSON *tree, const cJSON *patch);

#endif
