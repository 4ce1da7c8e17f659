/* child: a copy of this process that does one thing and hands the result over as bytes. How it ended, whatever it was, is
 * told to whoever started it.
 *
 *   start ─► poll, again and again, until `over` ─► end: the bytes, or why there are none
 *
 * Ownership: a struct child, all zero at first, is the caller's; child_end or child_kill and child_end, then child_free.
 * Bounds:    the bytes of a result are not bounded here; of what it said the last CHILD_WORDS_MAX are kept. */
#ifndef PADDOCK_SIM_CLI_CHILD_H
#define PADDOCK_SIM_CLI_CHILD_H

#include "engine/base/str.h"

#include <sys/types.h>

#define CHILD_WORDS_MAX 2048u

enum { CHILD_RESULT, CHILD_WORDS, CHILD_PIPES };

struct child {
    pid_t pid;             /* 0: none */
    int from[CHILD_PIPES]; /* -1: ended */
    bool over;             /* all pipes have ended: child_end does not wait */
    int64_t started_ns;
    struct buf bytes; /* the result */
    struct buf words; /* the last ones on its standard error */
};
struct child_work {
    void (*carry_out)(void *ctx, struct buf *out); /* in the copy */
    void *ctx;
    bool heard; /* its standard error is passed on to this one; else nobody hears it */
};

int64_t cli_clock_ns(void);        /* monotonic */
int64_t cli_wall_clock(void *ctx); /* the same, for runs */

/* False: no process can be had now. */
bool child_start(struct child *c, const struct child_work *work);
/* Waits for something from any of those that run, and takes it. */
void child_poll(struct child *v, size_t n, int timeout_ms);
/* Of one that has to end before its time; child_end then says by which signal. */
void child_kill(const struct child *c, int signal);
/* Waits for its end. True: in order; else `why` has it, with its last words. */
bool child_end(struct child *c, struct buf *why);
void child_free(struct child *c); /* for another one */

#endif
