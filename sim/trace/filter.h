/* filter: which records of a trace are wanted.
 *
 *   filter = all { "or" all }          all   = one { [ "and" ] one }         one = [ "not" ] ( "(" filter ")" | term )
 *   term   = ( "component" | "kind" | "key" | "text" ) ( "=" | "!=" ) pattern       * any bytes, ? one byte
 *          | "time" ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) duration
 *   pattern: bare up to a blank or a parenthesis, or in quotes
 *
 *   component=*manager-? kind=tunnel.* time>=10m not key=c-1
 *
 * Compiled once; cost per record is bounded by the terms times the text. Bounds: TRACE_FILTER_TERMS_MAX,
 * TRACE_FILTER_DEPTH_MAX. Errors: ERR_INVALID, with the column. */
#ifndef PADDOCK_SIM_TRACE_FILTER_H
#define PADDOCK_SIM_TRACE_FILTER_H

#include "engine/base/arena.h"
#include "sim/trace/stream.h"

#define TRACE_FILTER_TERMS_MAX 256u
#define TRACE_FILTER_DEPTH_MAX 16u

struct trace_filter;
/* In the arena; `text` is borrowed as long as the filter is used. Empty text: everything. */
struct err *trace_filter_compile(struct arena *a, struct str text,
                                 const struct trace_filter **out) must_check;
bool trace_filter_holds(const struct trace_filter *f, const struct sim_trace_record *rec);
bool trace_glob(struct str pattern, struct str text);

#endif
