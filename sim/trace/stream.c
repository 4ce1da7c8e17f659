/* Reading a trace's file block by block. */
#include "sim/trace/stream.h"

#include <stdio.h>

#define LENGTH_BYTES 4u
#define RUN_BEGIN    STR("run ") /* as a length it would be far beyond that of a block */

void trace_file_begin(struct buf *out)
{
    buf_add(out, TRACE_MAGIC);
}

void trace_file_run(struct buf *out, const struct trace_fact *facts, size_t n)
{
    size_t begin = out->n;
    buf_add(out, RUN_BEGIN);
    for (size_t i = 0; i < n; i++) {
        buf_addf(out, "%s%s=", i ? "\t" : "", facts[i].name);
        for (size_t k = 0; k < facts[i].value.n; k++) {
            char c = facts[i].value.p[k];
            buf_add_char(out, (unsigned char)c < ' ' ? ' ' : c);
        }
    }
    if (out->n - begin >= TRACE_RUN_MAX)
        out->n = begin + TRACE_RUN_MAX - 1; /* parameters without end: their beginning will do */
    buf_add_char(out, '\n');
}

/* The line, or the length of the first block. */
static void read_run(struct trace_stream *s)
{
    char c;
    s->head_n = s->read(s->ctx, s->head, LENGTH_BYTES);
    if (s->head_n < LENGTH_BYTES || memcmp(s->head, RUN_BEGIN.p, LENGTH_BYTES) != 0)
        return;
    s->head_n = 0;
    while (s->run.n <= TRACE_RUN_MAX && s->read(s->ctx, &c, 1) == 1 && c != '\n')
        buf_add_char(&s->run, c);
}

struct str trace_run_fact(struct str run, const char *name)
{
    struct str item, key, value;
    while (run.n) {
        (void)str_cut(run, '\t', &item, &run);
        if (str_cut(item, '=', &key, &value) && str_eq_c(key, name))
            return value;
    }
    return str_empty;
}

void trace_file_block(struct buf *out, struct str block)
{
    BUG_ON(block.n == 0 || block.n > SIM_TRACE_BLOCK_BYTES, "a block is neither empty nor longer");
    for (unsigned i = 0; i < LENGTH_BYTES; i++)
        buf_add_char(out, (char)(block.n >> (8 * i) & 0xff));
    buf_add(out, block);
}

struct err *trace_open(struct trace_stream *s, size_t (*read)(void *ctx, char *to, size_t n),
                       void *ctx)
{
    char magic[32];
    size_t n = TRACE_MAGIC.n;
    *s = (struct trace_stream){.read = read,
                               .ctx = ctx,
                               .reader = sim_trace_reader_new(),
                               .block = mem_alloc(SIM_TRACE_BLOCK_BYTES)};
    if (read(ctx, magic, n) == n && memcmp(magic, TRACE_MAGIC.p, n) == 0) {
        read_run(s);
        return NULL;
    }
    s->ended = true;
    return err_new(ERR_INVALID, "not a trace: it does not begin with \"paddock-trace 1\"");
}

void trace_close(struct trace_stream *s)
{
    sim_trace_reader_free(s->reader);
    mem_free(s->block);
    buf_free(&s->run);
    *s = (struct trace_stream){.ended = true};
}

/* False: the file is at its end. A block that is not all there is read as far as it goes. */
static bool next_block(struct trace_stream *s)
{
    char length[LENGTH_BYTES];
    size_t n = 0, got = s->head_n ? s->head_n : s->read(s->ctx, length, LENGTH_BYTES);
    if (s->head_n)
        memcpy(length, s->head, s->head_n);
    s->head_n = 0;
    s->cut = s->cut || (got > 0 && got < LENGTH_BYTES);
    if (got < LENGTH_BYTES)
        return false;
    for (unsigned i = 0; i < LENGTH_BYTES; i++)
        n |= (size_t)(unsigned char)length[i] << (8 * i);
    if (n == 0 || n > SIM_TRACE_BLOCK_BYTES) { /* whatever comes from here on means nothing */
        s->cut = true;
        return false;
    }
    got = s->read(s->ctx, s->block, n);
    s->cut = got < n;
    s->rest = (struct str){s->block, got};
    s->last = 0;
    return true;
}

bool trace_next(struct trace_stream *s, struct sim_trace_record *rec)
{
    while (!s->ended) {
        if (sim_trace_next(s->reader, &s->rest, &s->last, rec)) {
            s->records++;
            return true;
        }
        s->cut = s->cut || s->rest.n > 0;
        s->ended = s->cut || !next_block(s);
    }
    return false;
}

struct str trace_kind(const struct sim_trace_record *rec)
{
    return rec->kind == SIM_TRACE_NOTE ? rec->key_name : str_c(sim_trace_kind_name(rec->kind));
}

struct str trace_key(const struct sim_trace_record *rec, char scratch[24])
{
    struct str key, value;
    if (rec->kind == SIM_TRACE_NOTE) {
        (void)str_cut(rec->text, '\0', &key, &value);
        return key;
    }
    int n = snprintf(scratch, 24, "%llu", (unsigned long long)rec->key);
    return (struct str){scratch, (size_t)n};
}

struct str trace_text(const struct sim_trace_record *rec)
{
    struct str key, value;
    if (rec->kind != SIM_TRACE_NOTE)
        return rec->text;
    (void)str_cut(rec->text, '\0', &key, &value);
    return value;
}
