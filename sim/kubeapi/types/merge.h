/* merge: server-side apply over typed values.
 *
 *   live ──┬─ merge ─► merged ─ prune ─► result ─ compare with live ─► who else owns what changed? ─► conflict, or theirs no more
 *   patch ─┘            ▲ fields that the manager applied before, applies no more, and nobody else owns
 *
 * Maps are merged deeply, keyed lists by their keys and sets by value in the order of the patch with the live object's own
 * items in their places; leaves are replaced; a null replaces a leaf and is nothing elsewhere.
 * Ownership: results lie in the arena and share nothing with live or patch. */
#ifndef PADDOCK_SIM_KUBEAPI_TYPES_MERGE_H
#define PADDOCK_SIM_KUBEAPI_TYPES_MERGE_H

#include "sim/kubeapi/types/owners.h"

/* The walks by themselves. */
cJSON *merge_values(struct arena *a, const struct type *t, const cJSON *live, const cJSON *patch);
/* The value without the paths of the set; NULL when nothing is left of it. */
cJSON *merge_remove(struct arena *a, const struct type *t, const cJSON *v,
                    const struct fieldset *gone);
/* Is the patch of this type (types, unknown fields, keys, no doubles)? ERR_INVALID with the API's text. */
struct err *merge_check(const struct type *t, const cJSON *v) must_check;

struct merge_conflict {
    struct owner who;
    const struct fieldset *set;
};
struct merge_conflicts {
    struct merge_conflict *list; /* in the order of their identifiers */
    size_t n;
};
struct merge_apply {
    const struct type *type;
    const cJSON *live, *patch;
    struct owner self;  /* manager, version, subresource, time: the present; apply is true */
    const char *only;   /* of all top-level fields only this one counts ("status"); NULL: all */
    const char *except; /* this one does not count; NULL: none */
    bool force;
};
/* Changes owners and gives the result, *changed: it differs from live. With conflicts there is no result. */
void merge_apply(struct arena *a, const struct merge_apply *m, struct owners *owners,
                 cJSON **result, bool *changed, struct merge_conflicts *conflicts);

#endif
