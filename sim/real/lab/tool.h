/* tool: a program of this machine is run with arguments, in a namespace, until its end or a deadline. */
#ifndef PADDOCK_SIM_REAL_LAB_TOOL_H
#define PADDOCK_SIM_REAL_LAB_TOOL_H

#include "engine/base/err.h"

#include <sys/types.h>

enum tool { TOOL_IP, TOOL_NFT, TOOL_TC, TOOL_SS, TOOL_DNSMASQ, TOOL_COUNT };

#define TOOL_ARGS_MAX   32u
#define TOOL_OUTPUT_MAX ((size_t)8 << 20) /* of standard output; more is an error */
#define TOOL_WORDS_MAX  4096u             /* of standard error; what comes later is dropped */

struct tools {
    char *path[TOOL_COUNT]; /* owned */
};
/* Finds each in the folders of `path` (NULL: $PATH, /usr/sbin, /sbin); ERR_UNAVAILABLE names all that are missing. */
struct err *tools_find(struct tools *tools, const char *path) must_check;
void tools_free(struct tools *tools);

struct tool_call {
    enum tool tool;
    const char *const *args; /* without the program's name; ends with NULL */
    struct str input;        /* its standard input */
    int netns;               /* where it runs; -1: here */
    int timeout_ms;          /* 0: NETLAB_TOOL_TIMEOUT_MS */
};
/* `out` gets its standard output, NULL: nobody wants it. An end other than 0 is an error with its words. */
struct err *tool_run(const struct tools *tools, const struct tool_call *call,
                     struct buf *out) must_check;
/* Starts one that stays: it dies with this process. Its standard error goes into the file. */
struct err *tool_start(const struct tools *tools, const struct tool_call *call,
                       const char *words_path, pid_t *pid) must_check;

/* A copy of this process that does one thing and keeps no descriptor but those named. */
struct tool_copy {
    int netns; /* where it runs; -1: here */
    const int *keep;
    size_t keep_n;
    bool outlives; /* else it dies with this process */
    void (*work)(void *ctx);
    void *ctx;
};
struct err *tool_fork(const struct tool_copy *copy, pid_t *pid) must_check;
/* Ends a child: asks with `signal`, after `grace_ms` kills it. Waits for it. pid 0: nothing. */
void tool_stop(pid_t *pid, int signal, int grace_ms);
/* Whether this child still runs. */
bool tool_runs(pid_t pid);
int64_t tool_clock_ns(void); /* monotonic */

#endif
