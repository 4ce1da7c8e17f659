/* report_pack: a run's report as bytes, for a process that carried it out to hand it to the one that prints it; and the
 * part of a whole that one machine ran, as a file (runs.pack), for `merge`.
 *
 * The form is this program's own: a part begins with the version that wrote it, and no other version reads it. Numbers are
 * zigzag varints, texts and lists have their length in front.
 * Errors: ERR_INVALID for bytes that are cut, malformed (the other process died while it wrote), or another version's. */
#ifndef PADDOCK_REPORTS_REPORT_PACK_H
#define PADDOCK_REPORTS_REPORT_PACK_H

#include "engine/base/err.h"
#include "reports/report.h"

void report_pack(const struct report_run *run, struct buf *out); /* appends */
/* Everything is copied into the arena. *bytes moves behind the report. */
struct err *report_unpack(struct arena *a, struct str *bytes, struct report_run **out) must_check;

/* A file that was run, and what is known only over all its runs. */
struct report_part_file {
    struct str file, digest; /* of its bytes */
    struct str tally;        /* as the runner packs it */
    struct str again;        /* the command that runs it, without its seeds */
    uint64_t seeds_first, seeds_n;
};
struct report_part {
    uint32_t shard, shards; /* 1 .. shards; 0 of 0: not a share */
    uint64_t planned;       /* runs of the whole */
    bool swept;             /* of many runs only some are kept in full */
    bool partial;           /* stopped early on purpose: no clause over all runs is judged */
    const struct report_part_file *files;
    size_t files_n;
    const struct report_run *const *runs;
    size_t n;
};
void report_part_pack(const struct report_part *part, struct buf *out);
struct err *report_part_unpack(struct arena *a, struct str bytes,
                               struct report_part **out) must_check;

#endif
