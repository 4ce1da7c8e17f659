/* cel_estimate: what the files of the estimate share: cel_estimate.c walks the tree, cel_estimate_calls.c knows functions. */
#ifndef PADDOCK_SIM_KUBEAPI_CEL_CEL_ESTIMATE_H
#define PADDOCK_SIM_KUBEAPI_CEL_CEL_ESTIMATE_H

#include "sim/kubeapi/cel/cel_sizes.h"

struct cel_entry { /* what is in a list or a map */
    bool known;
    struct cel_range key, value;
};
struct cel_estimate {
    struct cel_range cost, size;
    bool sized;
    struct cel_entry entry;
    const struct cel_step *at;
};
/* One overload of a call. */
struct cel_estimated_call {
    struct arena *a;
    const struct type *self;
    const struct cel_node *x;
    const struct cel_estimate *args;
    const char *sig; /* of the overload */
    struct cel_range cost, size;
    bool sized;
};
/* Sets its cost, beside that of the arguments, and its size where that is known. */
void cel_estimate_overload(struct cel_estimated_call *c);

static inline struct cel_range cel_size_or_unknown(const struct cel_estimate *x)
{
    return x->sized ? x->size : cel_unbounded();
}

#endif
