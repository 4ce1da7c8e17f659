/* diff: where two traces first differ, told in context: the last records that both have of the components involved, and
 * the first ones of each side from there on.
 *
 * Two passes over each file, one record in memory at a time: the first finds the place, the second gathers the context.
 * What the files say about their runs comes first: seed, case, profile, parameters, file, where these differ.
 * Definitions of names are not compared: what uses them is. A trace that begins later (what a ring held) is compared
 * from where it begins. */
#ifndef PADDOCK_SIM_TRACE_DIFF_H
#define PADDOCK_SIM_TRACE_DIFF_H

#include "sim/trace/stream.h"

#define TRACE_DIFF_CONTEXT 8u /* records before it, and of each side after it */

struct trace_source {
    struct str name;
    /* From the beginning: called once before each pass. */
    struct err *(*rewind)(void *ctx);
    size_t (*read)(void *ctx, char *to, size_t n);
    void *ctx;
};
/* *same: they are; `out` then says how many records were compared. Errors: one of them is no trace. */
struct err *trace_diff(const struct trace_source sources[2], struct buf *out,
                       bool *same) must_check;

#endif
