/* stream: a trace's file, read record by record: memory is one block, however long the file is.
 *
 *   file: TRACE_MAGIC, which run it is (a line "run NAME=VALUE\tNAME=VALUE...", which older ones have not), then of each
 *         block its length (4 bytes, little endian) and its bytes (sim/world/trace.h).
 *
 * A file may begin in the middle of a run (what a ring held; names that were defined earlier come first) and may have
 * been cut anywhere: every whole record before the cut is given, then trace_next answers false and `cut` says so.
 * Ownership: the reader of bytes is the caller's; records are borrowed until the next call. */
#ifndef PADDOCK_SIM_TRACE_STREAM_H
#define PADDOCK_SIM_TRACE_STREAM_H

#include "sim/world/trace.h"

#define TRACE_MAGIC   STR("paddock-trace 1\n")
#define TRACE_RUN_MAX 4096u /* bytes of the line that says which run it is */

/* ---- writing: appends to out ---- */
void trace_file_begin(struct buf *out);
/* Which run it is: right behind the beginning. Values may be empty. */
struct trace_fact {
    const char *name;
    struct str value;
};
void trace_file_run(struct buf *out, const struct trace_fact *facts, size_t n);
void trace_file_block(struct buf *out, struct str block);

/* ---- reading ---- */
struct trace_stream {
    size_t (*read)(void *ctx, char *to, size_t n); /* up to n bytes; fewer only at the end */
    void *ctx;
    struct sim_trace_reader *reader;
    char *block;
    struct buf run; /* "NAME=VALUE\t..."; empty: it does not say */
    char head[4];   /* of the next block, when it has been read */
    size_t head_n;
    struct str rest;
    world_time last;
    uint64_t records; /* given so far, definitions of names included */
    bool cut, ended;
};
/* ERR_INVALID: it is no trace. To be freed in any case. */
struct err *trace_open(struct trace_stream *s, size_t (*read)(void *ctx, char *to, size_t n),
                       void *ctx) must_check;
void trace_close(struct trace_stream *s);
bool trace_next(struct trace_stream *s, struct sim_trace_record *rec);

/* What the file says about its run; empty: nothing. Borrowed from the line. */
struct str trace_run_fact(struct str run, const char *name);

/* ---- what a record says ---- */
/* A note's own kind ("agent.connected"), else that of the record ("timer"). */
struct str trace_kind(const struct sim_trace_record *rec);
/* A note's key; else the number, written to `scratch`. */
struct str trace_key(const struct sim_trace_record *rec, char scratch[24]);
/* A note's value, a fault's name, a record's text; empty: it has none. */
struct str trace_text(const struct sim_trace_record *rec);

#endif
