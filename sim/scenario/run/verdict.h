/* verdict: gathers what a run found into its report: failures, assertions, faults that never fired, metrics. */
#ifndef PADDOCK_SIM_SCENARIO_RUN_VERDICT_H
#define PADDOCK_SIM_SCENARIO_RUN_VERDICT_H

#include "reports/report.h"
#include "sim/scenario/run/inject.h"
#include "sim/scenario/run/monitor.h"

struct verdict {
    struct arena *arena;
    struct report_failure *failures;
    size_t n, cap;
    bool error;       /* the run could not be carried out */
    int64_t until_ns; /* when the first failure had shown; -1: only the whole run shows it */
    struct str file;  /* of the scenario: in places */
};

/* kind: "assert", "wait", "fault", "budget", "error". Texts are copied. */
void verdict_add(struct verdict *v, const char *kind, struct str name, struct str text,
                 int64_t at_ns, struct place place);
/* Of what was added last: its text in two halves. */
void verdict_expected(struct verdict *v, struct str expected, struct str seen);
/* cut: the run was stopped early on purpose: what was not decided is not held against it. */
void verdict_of_monitor(struct verdict *v, const struct monitor *m);
void verdict_of_faults(struct verdict *v, struct inject *in, bool cut);
/* True: the plan asks for something that this world cannot do; each is added as an error. */
bool verdict_unsupported(struct verdict *v, const struct plan *plan);
/* A word of a shell's command line. */
void verdict_add_word(struct buf *out, struct str word);
/* Names, parameters, and the command that runs it again. The scenario's doc is the caller's to add. */
void verdict_describe(struct arena *a, const struct plan *plan, struct report_run *out);
void verdict_metrics(struct arena *a, const struct sim *sim, struct report_run *out);
/* in and m may be NULL when there was no run. */
void verdict_finish(struct verdict *v, struct inject *in, const struct monitor *m,
                    struct report_run *out);

#endif
