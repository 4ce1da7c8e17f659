/* freeze: one run of a scenario as a file of its own: matrix values, parameters, templates, drawn faults put in; one
 * profile, one seed, and the policies that were given beside the file. */
#ifndef PADDOCK_SIM_SCENARIO_SHRINK_FREEZE_H
#define PADDOCK_SIM_SCENARIO_SHRINK_FREEZE_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

struct plan;
struct scenario_files;
struct freeze_request {
    struct str file, bytes;
    struct str case_filter, profile;
    const struct str *sets, *policies; /* NAME=VALUE */
    size_t sets_n, policies_n;
    uint64_t seed;
    bool first_seed;                    /* the file's, whatever `seed` says */
    const struct scenario_files *files; /* of templates; NULL: none can be read */
    /* A point of a fault that is at: each-write; 0: none. Whoever can run plans puts the crash into it. */
    size_t point;
    struct err *(*strike)(struct arena *a, struct plan *plan, size_t point);
};
struct err *shrink_freeze(struct arena *a, const struct freeze_request *request,
                          struct buf *out) must_check;

#endif
