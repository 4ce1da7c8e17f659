/* transcript: a recording of exchanges in the form that the replayer of recorded API exchanges reads: one case, a list of
 * steps, in JSON. What a server makes anew each time is replaced by placeholders ($uid:1, $rv:2, $time, ...), numbered so
 * that equal values get equal ones and later revisions higher ones; values that clients sent first stay as they are.
 *
 *   record_add(exchange) ... ─► record_write ─► {"name", "group", "about", "steps": [...]}
 *
 * Exchanges stand in the order of their ends. A watch is a step that holds those that ended while it was open.
 * Bounds: RECORD_BYTES_MAX of texts; beyond, nothing more is recorded and record_write tells so in `about`. */
#ifndef PADDOCK_SIM_CLI_TRANSCRIPT_H
#define PADDOCK_SIM_CLI_TRANSCRIPT_H

#include "sim/kubeapi/core/exchange.h"

#define RECORD_BYTES_MAX ((size_t)256 << 20)
#define RECORD_NESTED_MAX                                                                          \
    32u /* watches inside watches; more are recorded when they end, holding nothing */

struct record;
struct record *record_new(void);
void record_free(struct record *r); /* NULL is fine */
void record_add(struct record *r, const struct kubeapi_exchange *x);
void record_write(struct record *r, struct str name, struct buf *out);

#endif
