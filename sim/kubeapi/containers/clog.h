/* clog: the log of one run of a simulated container: a pure function of who it is and when it ran, so that any line can be
 * told at any time, and nothing is ever kept.
 *
 *   line 0: started    line i: every `every` after that a tick, or a probe's answer    last: ended with its exit code
 *
 * Pods say how much is written: annotations paddock.io/log-every ("10ms"; 1 s) and paddock.io/log-bytes (least length of a
 * tick's line, at most CLOG_LINE_MAX). */
#ifndef PADDOCK_SIM_KUBEAPI_CONTAINERS_CLOG_H
#define PADDOCK_SIM_KUBEAPI_CONTAINERS_CLOG_H

#include "engine/base/str.h"
#include "engine/base/timefmt.h"

#define CLOG_EVERY     NS_PER_S
#define CLOG_EVERY_MIN NS_PER_US
#define CLOG_LINE_MAX  4096u

struct clog {
    struct str ns, pod, uid, name, image;
    int64_t run; /* how often it had been restarted */
    int64_t started;
    int64_t ended; /* -1: it goes on */
    int64_t exit_code;
    int64_t every;
    size_t bytes;
    int64_t ready_every, live_every; /* periods of its probes; 0: none */
};

bool clog_same(const struct clog *a, const struct clog *b); /* the same run of the same container */
uint64_t clog_lines(const struct clog *l, int64_t now);     /* that are written by now */
int64_t clog_time(const struct clog *l, uint64_t line);
void clog_text(const struct clog *l, uint64_t line, struct buf *out); /* without a line's end */
/* The first line not older than that. */
uint64_t clog_since(const struct clog *l, int64_t since, int64_t now);

#endif
