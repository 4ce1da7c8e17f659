/* report: what a scenario run was and found, as plain data, and the writers of every format: terminal, JSON, JUnit, one
 * self-contained HTML page. The data knows nothing of how it came about, and the writers compute nothing that the data
 * does not say: numbers in all formats are equal.
 *
 * Times are ns since the start of the run. Ownership: everything lives in the arena of whoever filled it.
 * Texts may hold any bytes: each writer replaces what its format cannot carry. Metric names are unique in a run.
 * Scales are powers of ten (report_scale_is_fine): values are written as exact decimals, never as floats.
 * JSON: one object {"scenarios": [...], "passed", "failed", "command"}, one run per line; README.md lists the keys. */
#ifndef PADDOCK_REPORTS_REPORT_H
#define PADDOCK_REPORTS_REPORT_H

#include "engine/base/arena.h"

enum report_outcome {
    REPORT_PASSED,
    REPORT_FAILED, /* an assertion did not hold, a wait took too long, a fault never fired */
    REPORT_ERROR, /* the run could not be carried out: over its budget, a broken invariant of the simulator */
    REPORT_UNSUPPORTED, /* something in it cannot be done in this world */
    REPORT_SKIPPED,
};
const char *report_outcome_name(enum report_outcome o); /* "passed" */

struct report_failure {
    struct str kind;              /* "assert", "wait", "fault", "budget", "error", "unsupported" */
    struct str name;              /* of the assertion, step or fault */
    struct str text;              /* what was expected and what was seen */
    int64_t at_ns;                /* -1: not at a moment */
    struct str place;             /* "dns-failover.yaml:82:5"; may be empty */
    struct str expected, seen;    /* the two halves of the text, where it has them */
    const struct str *components; /* that it is about */
    size_t components_n;
    const uint32_t
        *events; /* into the timeline: the last ones of these components up to its moment */
    size_t events_n;
};

struct report_assert {
    struct str name, mode; /* "never" */
    struct str expression;
    struct str verdict; /* "held", "failed", "unseen", "vacuous" */
    bool ok;
    int64_t from_ns, decided_ns; /* -1: never opened, never decided */
    struct str witness;
    uint64_t evaluations;
};

struct report_step {
    struct str name;
    int64_t begin_ns, end_ns; /* -1: never began, never ended */
};

struct report_fault {
    struct str name, target;
    int64_t begin_ns, end_ns; /* -1: never began, to the end */
    uint64_t fired;
    bool optional;
    struct str drawn_from; /* the entry of chaos' palette that it is; empty: a fault of the file */
};

/* A lane of the timeline: one component or a group of like ones. */
struct report_lane {
    struct str name;  /* "site/a/manager-0", "agents of edge", "dns" */
    struct str group; /* lanes of one group stand together: "site/a", "agents", "network" */
};
struct report_event {
    int64_t at_ns;
    uint32_t lane;
    struct str kind; /* "leader.started", "agent.connected", ... */
    struct str text; /* one line for people */
    bool bad;        /* shown as trouble: a crash, a lost tunnel */
};
/* A stretch of time in which a lane was in a named state: up, leading, down, paused. */
struct report_span {
    uint32_t lane;
    int64_t begin_ns, end_ns;
    struct str state;
};

struct report_point {
    int64_t at_ns, value; /* value in the series' unit, times `scale` */
};
struct report_series { /* a chart over time: agents connected, connects per second */
    struct str name, unit, doc;
    struct str chart; /* series with the same chart are drawn in one; empty: by itself */
    int64_t scale;    /* 1000: values are thousandths */
    const struct report_point *points;
    size_t n;
};
struct report_hist { /* a measure over items: reconnect times */
    struct str name, unit, doc;
    int64_t scale;
    const int64_t *values; /* ascending; NULL in a brief run */
    size_t n;
    const int64_t *shown; /* of a brief run: the value of each name that is shown, in their order */
    const struct str *
        show; /* "p1" to "p100", "min", "max", "mean"; none: p50, p99, max; the count is always shown */
    size_t show_n;
};

struct report_metric {
    struct str name;
    int64_t value;
};

/* What the file wants written of a run. */
struct report_wishes {
    bool no_junit, no_html, csv, sarif;
    bool no_trace, trace; /* neither: of a failure */
};

struct report_run {
    struct str name, doc, file;
    struct str profile, case_id; /* case_id: "lie=drop,crash=none"; empty without a matrix */
    struct str params, policies; /* "clusters=3,ttl=60s"; what differs from the defaults */
    struct str
        swarm; /* which faults the seed has drawn: "on: dns servfail; off: net reset"; empty: no swarm */
    uint64_t seed;
    /* Not a run, but what is judged over so many runs of the file together: it has no profile, case, seed and trace of its
     * own; `replay` repeats all of them. 0: a run. */
    uint64_t over;
    struct str world; /* "real"; empty: the simulated one */
    enum report_outcome outcome;
    struct str trace_hash; /* hex; empty: no trace */
    int64_t simulated_ns, wall_ns;
    uint64_t events;            /* pops of the queue */
    int64_t wall_start_unix_ns; /* what the simulated wall clock said at 0 */
    struct str replay;          /* the command that does it again */
    struct report_wishes wishes;
    bool brief; /* one of many: asserts, timeline and the like are left out (report_brief) */
    const struct report_failure *failures;
    size_t failures_n;
    const struct report_assert *asserts;
    size_t asserts_n;
    const struct report_step *steps;
    size_t steps_n;
    const struct report_fault *faults;
    size_t faults_n;
    const struct report_lane *lanes;
    size_t lanes_n;
    const struct report_event *timeline; /* in order of time */
    size_t timeline_n;
    uint64_t timeline_dropped; /* beyond the recorder's bound */
    const struct report_span *spans;
    size_t spans_n;
    const struct report_series *series;
    size_t series_n;
    const struct report_hist *hists;
    size_t hists_n;
    const struct report_metric *metrics;
    size_t metrics_n;
};

struct report {
    const struct report_run *const *runs; /* in the order in which they ran */
    size_t n;
    struct str command; /* the command line of the whole */
    bool summed_up;     /* the JSON has a summary of what the runs have in common */
    size_t left;        /* that were not started: a budget or an interruption ended it before */
    struct str folder;  /* where the reports were written, for the terminal; empty: nowhere */
};
/* The run without what only a page shows: a few hundred bytes, of which texts are shared with `like` (may be NULL)
 * where they are equal. Failures stay. */
struct report_run *report_brief(struct arena *a, const struct report_run *run,
                                const struct report_run *like);

/* ---- writers: append to out ---- */
void report_json(const struct report *r, struct buf *out);
void report_junit(const struct report *r, struct buf *out);
void report_sarif(const struct report *r,
                  struct buf *out); /* what failed, at its lines: SARIF 2.1.0 */
/* One page, no network: style, script, chart library and data are inside. */
void report_html(const struct report *r, struct buf *out);
/* The measures: a line per run, measure and shown value. */
void report_csv(const struct report *r, struct buf *out);

struct report_style {
    bool color;
    int verbosity; /* -1 quiet, 0, 1: also each assertion, fault and measure */
    /* Columns of the longest name, case and profile to come, so that lines stand in columns; 0: not known. */
    uint32_t name_width, case_width, profile_width;
};
/* Widens the columns so that a run of this name fits. */
void report_style_fit(struct report_style *style, struct str name, struct str case_id,
                      struct str profile);
/* The lines of one run, when it has ended. Quiet: nothing. */
void report_pretty_run(const struct report_run *run, const struct report_style *style,
                       struct buf *out);
/* What went wrong, one line per failed run with the command that repeats it, what was not run, and the last line
 * "N passed, M failed" (an error counts as failed; unsupported and skipped runs count as neither). */
/* The line that a failed run has at the end. */
void report_pretty_verdict(const struct report_run *run, const struct report_style *style,
                           struct buf *out);
void report_pretty_end(const struct report *r, const struct report_style *style, struct buf *out);

/* ---- what the writers share, and runners may use ---- */

void report_count(const struct report *r, size_t *passed, size_t *failed);
/* The p-th per mille of ascending values (nearest rank): 500 is the median. n > 0. */
int64_t report_quantile(const int64_t *values, size_t n, uint32_t per_mille);
/* Whether one more point of this value only makes the last flat stretch longer, which is its two ends: then the last point
 * moves to the new time. */
bool report_is_flat(const struct report_point *points, size_t n, int64_t value);
/* What `show` names, of a histogram; false: it has no values, or `what` is none of the names. */
bool report_hist_value(const struct report_hist *h, struct str what, int64_t *out);
bool report_scale_is_fine(int64_t scale); /* 1, 10, 100, ... */
/* value / scale, exactly, without trailing zeros: "723.412". */
void report_decimal(struct buf *out, int64_t value, int64_t scale);
/* For people: "12m03.412s", "3.5s" is "3.500s", whole seconds have no fraction; below a millisecond "250us". */
void report_duration(struct buf *out, int64_t ns);

#endif
