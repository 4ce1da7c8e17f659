/* trial: a run in a process of its own, whose end, whatever it is, is told: for whoever tries many texts or does not
 * trust the engine that runs. */
#ifndef PADDOCK_SIM_CLI_TRIAL_H
#define PADDOCK_SIM_CLI_TRIAL_H

#include "sim/cli/cli.h"

struct trial {
    struct str file;  /* what messages call it */
    struct str bytes; /* the scenario */
    struct options
        options;       /* what `run` would have: case, profile, seed, parameters, policies, until */
    size_t job;        /* which of its runs */
    const char *trace; /* the trace goes to this file; NULL: nowhere */
};
struct trial_result {
    enum { TRIAL_RAN, TRIAL_INVALID, TRIAL_LOST, TRIAL_CUT } end;
    struct str why;               /* INVALID: the errors; LOST: how its process ended */
    const struct report_run *run; /* RAN */
    size_t jobs;                  /* RAN: how many runs the options ask for */
};
/* All at the same time; those that take longer are ended (CUT), and all when a signal comes. 0: as long as they take. */
void cli_trials(const struct trial *v, size_t n, int64_t limit_ns, struct arena *a,
                struct trial_result *out);

#endif
