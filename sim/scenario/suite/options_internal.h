/* What the files of the command line share.
 *
 *   commands.c        the commands and their help
 *   options.c         one argument after the other: which option, of which command
 *   option_values.c   what stands behind an option */
#ifndef PADDOCK_SIM_SCENARIO_SUITE_OPTIONS_INTERNAL_H
#define PADDOCK_SIM_SCENARIO_SUITE_OPTIONS_INTERNAL_H

#include "sim/scenario/suite/options.h"

struct command_row {
    const char *name, *doc, *help;
};
extern const struct command_row command_rows[COMMAND_COUNT];

enum option_id {
    OPT_SEED,
    OPT_SEEDS,
    OPT_SHARD,
    OPT_BUDGET,
    OPT_ALL_CASES,
    OPT_WATCH,
    OPT_SET,
    OPT_CASE,
    OPT_PROFILE,
    OPT_POLICY,
    OPT_WORLD,
    OPT_OUT,
    OPT_FORMAT,
    OPT_TRACE,
    OPT_UNTIL,
    OPT_POINTS,
    OPT_JOBS,
    OPT_COLOR,
    OPT_LOG,
    OPT_FILTER,
    OPT_AT,
    OPT_OBJECTS,
    OPT_AGAINST,
    OPT_LISTEN,
    OPT_KUBECONFIG_OUT,
    OPT_DATASTORE,
    OPT_CLUSTER,
    OPT_CRDS,
    OPT_BARE,
    OPT_NODES,
    OPT_STAGES,
    OPT_AUDIT,
    OPT_RECORD,
    OPT_FAULT_LISTEN,
    OPT_HELP,
    OPT_VERSION,
    OPT_COUNT
};

struct parser {
    struct arena *arena;
    int argc, at;
    char *const *argv;
    struct options *out;
    bool has_command, ended; /* ended: behind "--" all are files */
    bool help, version;
};

/* Takes the value of an option; of one that has none it is empty. */
struct err *option_take(struct parser *p, enum option_id id, struct str value) must_check;
void option_append(struct arena *a, struct str **list, size_t *n, struct str value);

#endif
