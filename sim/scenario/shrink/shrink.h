/* shrink: from a frozen scenario that fails to the least one that still fails the same way: the kind and the name of the
 * first failure are the same. Frozen: no matrix, no parameters, no templates, no chaos; one profile, one seed.
 *
 *   what is not the failure (other assertions, measures, reports) ─► the end of the run ─► numbers of clusters
 *     ─► faults and steps ─► topology ─► numbers, times, ranges ─┐  until nothing changes or the time is over
 *     ▲                                                          │
 *     └──────────────────────────────────────────────────────────┘ ─► why each line is left ─► the file
 *
 * Candidates are texts; whoever calls has them run (in processes of their own, a few at a time) and says how they ended.
 * No text is judged twice. The result does not depend on how many run at a time. With `over`, the best so far is written.
 * Ownership: everything lives in the job's arena. */
#ifndef PADDOCK_SIM_SCENARIO_SHRINK_SHRINK_H
#define PADDOCK_SIM_SCENARIO_SHRINK_SHRINK_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

enum shrink_end {
    SHRINK_PASSED,
    SHRINK_FAILED,
    SHRINK_INVALID,  /* not a scenario: `text` says why */
    SHRINK_UNJUDGED, /* ended from outside: too long, interrupted */
};
struct shrink_outcome {
    enum shrink_end end;
    struct str kind, name, text; /* of the first failure */
    int64_t at_ns;               /* when; -1: not at a moment */
};

struct shrink_size {
    size_t faults, steps, clusters;
};

struct shrink_job {
    struct arena *arena;
    struct str text;            /* the frozen file */
    struct shrink_outcome want; /* how it fails */
    struct str origin;          /* for the header: file, case, profile, seed */
    struct str again;           /* how the result is run; for the header */
    size_t width;               /* candidates at a time */
    void (*run)(void *ctx, const struct str *texts, size_t n, struct shrink_outcome *out);
    bool (*over)(void *ctx);
    int64_t (*spent_ns)(void *ctx); /* real time, for the header; NULL: not told */
    /* Something has become smaller. May be NULL. */
    void (*progress)(void *ctx, const char *stage, const struct shrink_size *size, size_t runs);
    void *ctx;
};
struct shrink_summary {
    struct shrink_size before, after;
    size_t runs;
    bool complete; /* false: the time was over first */
};
/* "1 of 3 faults, 0 of 2 steps, 1 of 4 clusters left after 55 runs" */
void shrink_tell(const struct shrink_summary *summary, struct buf *out);
/* Appends the file. Errors: the frozen text does not fail this way. */
struct err *shrink(const struct shrink_job *job, struct buf *out,
                   struct shrink_summary *summary) must_check;

#endif
