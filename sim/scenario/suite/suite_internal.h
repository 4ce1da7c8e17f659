/* suite_internal: what the files of the suite share: its files, the values of `--set`, and its jobs. */
#ifndef PADDOCK_SIM_SCENARIO_SUITE_SUITE_INTERNAL_H
#define PADDOCK_SIM_SCENARIO_SUITE_SUITE_INTERNAL_H

#include "sim/scenario/suite/overall.h"
#include "sim/scenario/suite/probe.h"
#include "sim/scenario/suite/suite.h"

struct suite_file {
    struct scenario *scenario;
    struct str digest; /* of its bytes */
    const struct scenario_case **cases;
    size_t cases_n;
    struct strs profiles;
    bool has_points; /* some plan of it has: see run/points.h */
    uint64_t seeds_first, seeds_n;
    struct overall overall;
    size_t planned;                /* runs of the whole */
    size_t runs, left;             /* of them here; those that are not done */
    size_t first;                  /* job of it */
    struct str again;              /* the command that runs it, without its seeds */
    const struct report_run *like; /* the last brief one */
};

/* --set: each parameter with its values. A variant is one value of each: `run` has one, `sweep` all combinations. */
struct set_axis {
    struct str name;
    struct strs values;
};

/* All that a run is made of, but its plan: that is made when the run is carried out. */
struct job {
    struct suite_file *file;
    uint64_t seed;
    uint32_t variant;
    uint32_t which, profile;   /* into the file's cases and profiles */
    const struct probe *probe; /* what its points have in common; NULL: none, or a sweep's */
    uint32_t point;            /* 0: none, or of a sweep: as the seed chooses */
};

struct suite {
    struct arena arena;
    const struct options *options;
    const struct scenario_files *named; /* NULL: none can be read */
    struct run_options run;
    struct set_axis *sets;
    size_t sets_n;
    size_t variants;
    struct suite_file **files;
    size_t files_n, files_cap;
    size_t point; /* the only one that is wanted; 0: all */
    struct probe **probes;
    size_t probes_n, probes_cap;
    struct job *jobs;
    size_t jobs_n, jobs_cap;
    uint64_t planned; /* runs of the whole; the jobs are this shard's share */
    bool laid_out;
    struct report_run **runs;       /* of each job; NULL: not done */
    const struct report_run **rows; /* of each file: what is judged over its runs; NULL: nothing */
    const struct report_run **done; /* without the gaps: for the report */
    size_t shown_failed, shown_passed; /* kept in full */
    struct arena *kept;                /* in which they are */
    size_t kept_n, kept_cap;
    struct report report;
};

static inline bool suite_sweeps(const struct suite *s)
{
    return s->options->command == COMMAND_SWEEP;
}

/* Takes --set apart. */
struct err *suite_read_sets(struct suite *s) must_check;
/* The value that a variant gives to an axis. */
struct str suite_set_value(const struct suite *s, uint32_t variant, size_t axis);
/* NULL: its mistakes are in diags. */
struct plan *suite_make_plan(const struct suite *s, const struct job *job, struct arena *a,
                             struct diags *diags);

#endif
