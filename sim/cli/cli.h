/* cli: what the commands of paddock-sim share. A command is a function of the shell and answers the exit status; files,
 * the clock, signals, processes and the terminal are here and nowhere below.
 *
 *   main ─► cli_main: options ─► command_*(shell) ─► exit status (design: a contract with scripts and CI)
 *
 * Ownership: the arena lives as long as the program; `out` buffers belong to the caller.
 * Errors:    results go to standard output; what is wrong, with what to do about it, to standard error. */
#ifndef PADDOCK_SIM_CLI_CLI_H
#define PADDOCK_SIM_CLI_CLI_H

#include "sim/scenario/suite/suite.h"

#include <signal.h>
#include <stdio.h>
#include <sys/types.h>

#define CLI_FILE_BYTES_MAX  ((size_t)16 << 20)
#define CLI_DIR_DEPTH_MAX   16
#define CLI_PACK_NAME       "runs.pack"
#define CLI_PACK_BYTES_MAX  ((size_t)4 << 30)
#define CLI_TRACE_BYTES_MAX ((size_t)4 << 30)

enum exit_code {
    EXIT_HELD = 0,
    EXIT_NOT_HELD = 1,
    EXIT_USAGE = 2,
    EXIT_NO_WORLD = 3,
    EXIT_UNSUPPORTED = 4,
    EXIT_INTERRUPTED = 130,
};

struct shell {
    struct options options;
    struct arena arena;
    struct report_style style;
    struct suite *suite;
    bool interrupted;
    struct buf trace_ring;
    struct sweep_state *sweep;
    struct scenario_files files; /* for what scenarios name; without a reader: cli_files */
};

int cli_main(int argc, char *argv[]);
bool cli_signalled(void); /* SIGINT or SIGTERM has come */
/* From now on; second_ends: the second one of a kind ends the process at once. */
void cli_catch_signals(bool second_ends);

/* ---- commands ---- */
int command_run(struct shell *sh);
int command_sweep(struct shell *sh);
int command_merge(struct shell *sh);
bool help_topic(const struct shell *sh, struct buf *out); /* false: none was asked for */
int command_validate(struct shell *sh);
int command_list(struct shell *sh);
int command_expand(struct shell *sh);
int command_new(struct shell *sh);
int command_apiserver(struct shell *sh);
int command_trace(struct shell *sh);
int command_diff(struct shell *sh);
int command_replay(struct shell *sh);
int command_shrink(struct shell *sh);

/* ---- the terminal ---- */
void cli_print(FILE *to, struct buf *b); /* frees the bytes */
/* Says what is wrong; the exit status for it. */
int cli_complain(struct err *take_err, int code);
int cli_usage_error(struct err *take_err);

/* ---- files ---- */
struct names {
    char **v;
    size_t n, cap;
};
void cli_names_add(struct names *names, const char *path);
void cli_names_free(struct names *names);

struct err *cli_read_file(const char *path, struct buf *out) must_check;
struct err *cli_read_bytes(const char *path, size_t max, struct buf *out) must_check;
/* For scenarios that name other files: paths are seen from here, as those of the command line. */
const struct scenario_files *cli_files(void);
bool cli_write_file(const char *dir, const char *name, struct str bytes,
                    mode_t mode); /* false: said why on standard error */
/* One file, its bytes one after the other. */
bool cli_write_parts(const char *dir, const char *name, const struct str *parts, size_t n,
                     mode_t mode);
bool cli_make_dirs(const char *path); /* false: errno */
/* Files of a folder and below whose names `wanted` takes, in byte order. */
void cli_walk(const char *path, bool (*wanted)(const char *name), struct names *out);
bool cli_is_yaml(const char *name);
/* The scenario files that the arguments name. False: said why. */
bool cli_collect(const struct options *o, struct names *out);
/* Every file is checked before the first one runs: bad input means that nothing ran. */
int cli_check_files(const struct names *files);

/* ---- run.c: what run and sweep share ---- */
/* The files of the arguments, when all of them are fit to run; else the exit status. */
int cli_suite_code(struct shell *sh, struct names *files);
bool cli_open_suite(struct shell *sh, const struct names *files); /* false: said why */
void cli_close_suite(struct shell *sh);
struct report_run *cli_carry_out(struct shell *sh, size_t i, struct arena *a);
size_t cli_jobs(const struct options *o);
void cli_file_name_of(const struct report_run *run, const char *suffix, struct buf *out);

/* ---- real.c ---- */
/* Runs are carried out with real processes. */
void cli_use_real_world(struct shell *sh, struct run_options *run);
bool cli_no_world(const struct report *report); /* some run's world could not be set up */

/* ---- shrink.c ---- */
/* Puts the crash of a point into the plan (suite/strike.h). */
struct err *cli_strike(struct arena *a, struct plan *plan, size_t point) must_check;
/* What files want done with runs that failed (`on_failure`), of the folder that was written just now. */
void cli_on_failure(struct shell *sh, struct str dir);

/* ---- trace.c ---- */
/* A block of a run's trace, kept until it is known whether the trace is wanted. */
void cli_keep_trace(struct buf *trace, struct str block);
/* What `diff` prints. */
struct err *cli_diff_traces(const char *const paths[2], struct buf *out, bool *same) must_check;

/* ---- workers.c: runs at a time, each in a process of its own ---- */
struct pool_how {
    size_t jobs;
    bool in_order;                       /* results are given on in the order of the runs */
    bool (*may_start)(struct shell *sh); /* NULL: always */
    void (*looked)(struct shell *sh);    /* at each round; NULL: nobody looks on */
    void (*done)(struct shell *sh, const struct report_run *run); /* kept by the suite */
};
void cli_run_in_workers(struct shell *sh, const struct pool_how *how);

/* ---- watch.c ---- */
/* Calls `once` again whenever a file of the arguments has changed, or one that they name; ends when interrupted. */
int cli_watch(struct shell *sh, int (*once)(struct shell *sh));

/* ---- output.c ---- */
/* The folder of the reports must be there before anything runs. False: said why. */
bool cli_out_is_writable(const struct options *o);
/* Writes the reports to --out, with `packed` for merge, prints the end and does what files want done with failures
 * (`on_failure`). The exit status. */
int cli_end(struct shell *sh, const struct report *report, struct str packed);
int cli_end_suite(struct shell *sh); /* of the suite that has been carried out */

#endif
