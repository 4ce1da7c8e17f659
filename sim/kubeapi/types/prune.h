/* prune: a value brought into the shape of its type, in one walk: unknown members go, nulls that may not be go, defaults
 * come, numbers get their one spelling (1.0 and 1e2 become 1 and 100).
 *
 * Members:  of an object that the type names stay; others stay with TYPE_PRESERVE and untouched, or are taken for the
 *           values of `additional`; else they go. (An embedded object's type names apiVersion, kind and metadata.)
 * Nulls:    where the type is not nullable a null becomes the default, or goes; inside lists it stays (and is invalid).
 * Defaults: come where their parent object is there, and are looked into in their turn.
 * Twice is once: pruning what was pruned changes nothing.
 * Ownership: the tree is changed in place; what comes belongs to the arena. Bounds: depth by the value's; PRUNE_UNKNOWN_MAX
 *            unknown members are named. */
#ifndef PADDOCK_SIM_KUBEAPI_TYPES_PRUNE_H
#define PADDOCK_SIM_KUBEAPI_TYPES_PRUNE_H

#include "sim/kubeapi/types/types.h"

#define PRUNE_UNKNOWN_MAX 64u

struct prune_report {
    struct arena *a;
    struct str unknown[PRUNE_UNKNOWN_MAX]; /* "spec.known.pruned", in byte order */
    size_t n;
};

enum {
    PRUNE_UNKNOWN = 1 << 0, /* unknown members go */
    PRUNE_NULLS = 1 << 1,
    PRUNE_DEFAULTS = 1 << 2,
    PRUNE_NUMBERS = 1 << 3,
    PRUNE_ALL = PRUNE_UNKNOWN | PRUNE_NULLS | PRUNE_DEFAULTS | PRUNE_NUMBERS,
};

/* True: something changed. report may be NULL. */
bool type_prune(struct arena *a, const struct type *t, cJSON *v, unsigned what,
                struct prune_report *report);

#endif
