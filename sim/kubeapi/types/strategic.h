/* strategic: strategic merge patches, by the merge keys of the types.
 *
 *   maps           merged; null deletes; {"$patch":"replace"|"delete"}; "$retainKeys" drops the other keys of a union
 *   FIELD_MERGE    lists of objects by merge_key ({"$patch":"delete"} items delete), lists of scalars as sets,
 *                  "$deleteFromPrimitiveList/x", "$setElementOrder/x"
 *   other lists    replaced
 *
 * Order of a merged list: items of the patch in its order (or that of $setElementOrder), items of the original alone before
 * the first item of the patch that stood behind them.
 * Ownership: both trees are the caller's own and in its arena; both are changed, and the result is made of their nodes.
 * Errors:    ERR_INVALID (a malformed directive: 400), ERR_INTERNAL (what the API answers 500 to: unknown directive, missing
 *            merge key, order that does not match), with the API's texts. */
#ifndef PADDOCK_SIM_KUBEAPI_TYPES_STRATEGIC_H
#define PADDOCK_SIM_KUBEAPI_TYPES_STRATEGIC_H

#include "sim/kubeapi/types/types.h"

/* *tree and patch are objects; *tree becomes the result. */
struct err *strategic_apply(struct arena *a, const struct type *t, cJSON **tree,
                            cJSON *patch) must_check;
/* Has the result the types that its fields need? ERR_UNPROCESSABLE with Go's text. */
struct err *strategic_check(const struct type *t, const cJSON *v) must_check;

#endif
