/* show: a trace for people (a line a record), for programs (a JSON object a line), and for the Perfetto viewer (one JSON
 * object in the Chrome trace event format: a process for each first word of the components' names, a thread for each
 * component, an instant for each record, and spans for what has a beginning and an end: processes, connections of
 * agents, tunnel sessions, leaders, steps, faults, pauses).
 *
 * Memory: names of components and the spans that are open. Output is appended to a buffer that the caller empties. */
#ifndef PADDOCK_SIM_TRACE_SHOW_H
#define PADDOCK_SIM_TRACE_SHOW_H

#include "sim/trace/filter.h"

enum trace_format { TRACE_TEXT, TRACE_JSON, TRACE_PERFETTO };

struct trace_show;
struct trace_show *trace_show_new(enum trace_format format, struct buf *out);
void trace_show_record(struct trace_show *s, const struct sim_trace_record *rec);
void trace_show_end(struct trace_show *s); /* also frees */

#endif
