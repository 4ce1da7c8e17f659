/* jsonpath: the JSONPath of printer columns, scale paths and selectable fields.
 *
 *   .spec.size   .metadata.labels.app\.kubernetes\.io/name   ['a','b']   [0]  [-1]  [1:3]  [*]  .*  ..name
 *   .status.conditions[?(@.type=="Ready")].status     with == != < <= > >=, or [?(@.path)]: it is there
 *
 * Outside braces, as definitions write it (a text in braces is taken without them). Ownership: compiled into the arena.
 * Bounds: JSONPATH_BYTES_MAX, JSONPATH_STEPS_MAX; a look-up gives up to JSONPATH_RESULTS_MAX values, in document order. */
#ifndef PADDOCK_SIM_KUBEAPI_TYPES_JSONPATH_H
#define PADDOCK_SIM_KUBEAPI_TYPES_JSONPATH_H

#include "engine/base/json.h"

#define JSONPATH_BYTES_MAX   4096u
#define JSONPATH_STEPS_MAX   64u
#define JSONPATH_RESULTS_MAX 256u

struct jsonpath;

/* ERR_INVALID says what is wrong where. */
struct err *jsonpath_compile(struct arena *a, struct str text, struct jsonpath **out) must_check;
/* Borrowed nodes of v; the number found. */
size_t jsonpath_find(const struct jsonpath *p, const cJSON *v, const cJSON **out, size_t max);
const cJSON *jsonpath_first(const struct jsonpath *p, const cJSON *v); /* NULL: none */
bool jsonpath_is_simple(const struct jsonpath *p); /* members only: ".spec.replicas" */
size_t jsonpath_length(const struct jsonpath *p);
struct str jsonpath_name(const struct jsonpath *p, size_t i); /* of a simple path */

#endif
