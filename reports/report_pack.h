/* report_pack: a run's report as bytes, for a process that carried it out to hand it to the one that prints it.
 *
 * Both are the same program: the form has no version and is never kept. Numbers are zigzag varints, texts and lists have
 * their length in front.
 * Errors: ERR_INVALID for bytes that are cut or malformed (the other process died while it wrote). */
#ifndef PADDOCK_REPORTS_REPORT_PACK_H
#define PADDOCK_REPORTS_REPORT_PACK_H

#include "engine/base/err.h"
#include "reports/report.h"

void report_pack(const struct report_run *run, struct buf *out); /* appends */
/* Everything is copied into the arena. *bytes moves behind the report. */
struct err *report_unpack(struct arena *a, struct str *bytes, struct report_run **out) must_check;

#endif
