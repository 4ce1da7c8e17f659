/* options: the command lines of paddock-sim (design: a contract with scripts and CI): long options with `=` or a blank,
 * `-q`, `-v`, --help on every level; unknown options and commands are errors with a suggestion.
 * Ownership: views into argv; lists live in the arena. */
#ifndef PADDOCK_SIM_SCENARIO_SUITE_OPTIONS_H
#define PADDOCK_SIM_SCENARIO_SUITE_OPTIONS_H

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/log.h"

#define OPTIONS_NODES_MAX  5000u
#define OPTIONS_JOBS_MAX   256u
#define OPTIONS_SHARDS_MAX 100000u

enum command {
    COMMAND_HELP,
    COMMAND_VERSION,
    COMMAND_RUN,
    COMMAND_SWEEP,
    COMMAND_MERGE,
    COMMAND_VALIDATE,
    COMMAND_LIST,
    COMMAND_EXPAND,
    COMMAND_SCHEMA,
    COMMAND_NEW,
    COMMAND_TRACE,
    COMMAND_DIFF,
    COMMAND_REPLAY,
    COMMAND_SHRINK,
    COMMAND_APISERVER,
    COMMAND_COUNT
};
enum output_format {
    FORMAT_PRETTY,
    FORMAT_JSON,
    FORMAT_JUNIT,
    FORMAT_SARIF,
    FORMAT_TEXT,
    FORMAT_PERFETTO
};
enum color_choice { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct options {
    enum command command;
    enum command help_of; /* COMMAND_HELP: of which; COMMAND_HELP itself: of the program */
    struct str topic;     /* of help: a part of the language; empty: none */
    struct str *files;
    size_t files_n;
    struct str *sets, *policies; /* NAME=VALUE */
    size_t sets_n, policies_n;
    struct str case_filter, profile, out, until;
    bool has_seed;
    uint64_t seed;
    bool has_seeds; /* of sweep: both ends belong to it */
    uint64_t seeds_first, seeds_last;
    bool all_cases, watch;
    uint32_t shard, shards;        /* 1 .. shards; 0: all is run here */
    int64_t budget_ns;             /* of sweep and shrink; 0: none */
    uint32_t jobs;                 /* runs at a time; 0: not given */
    uint32_t points_at, points_of; /* --points AT/OF; of 0: all */
    enum output_format format;
    enum color_choice color;
    bool world_real, trace;
    int verbosity; /* -1, 0, 1 */
    bool logs;     /* the engine's log lines go to standard error */
    enum log_level log_level;
    struct str filter;  /* of trace */
    struct str at;      /* of replay: a time or a step; empty: to the end */
    bool objects;       /* of replay: every object in full */
    struct str against; /* of shrink: a program that what is left has to pass with */
    struct str listen, kubeconfig_out, datastore, cluster, crds, stages, audit, record,
        fault_listen; /* of apiserver */
    bool bare, has_nodes;
    uint32_t nodes;
};

struct err *options_parse(struct arena *a, int argc, char *const argv[],
                          struct options *out) must_check;
void options_help(enum command of, struct buf *out);

#endif
