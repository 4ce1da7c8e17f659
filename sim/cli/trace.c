/* paddock-sim trace and diff: looking at what runs left behind, however long it is. */
#include "sim/cli/cli.h"

#include "sim/trace/diff.h"
#include "sim/trace/show.h"
#include "sim/trace/stream.h"

#include <errno.h>
#include <sys/stat.h>

#define FLUSH_BYTES ((size_t)1 << 16)

void cli_keep_trace(struct buf *trace, struct str block)
{
    if (trace->n == 0)
        trace_file_begin(trace);
    trace_file_block(trace, block);
}

static size_t read_some(void *ctx, char *to, size_t n)
{
    return fread(to, 1, n, ctx);
}

static FILE *open_file(const char *path, struct err **err)
{
    struct stat st;
    FILE *f = fopen(path, "rb");
    if (f && fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode)) {
        fclose(f);
        f = NULL;
        errno = EISDIR;
    }
    if (!f && errno == EISDIR)
        *err = err_new(ERR_IO,
                       "%s: a folder: name one of the files *.trace.bin in it (`run --trace "
                       "--out DIR` writes them)",
                       path);
    else
        *err = f ? NULL : err_new(ERR_IO, "%s: %s", path, strerror(errno));
    return f;
}

static void empty_into(FILE *to, struct buf *out)
{
    if (out->n)
        fwrite(out->p, 1, out->n, to);
    buf_clear(out);
}

static void show_all(struct shell *sh, struct trace_stream *s, const struct trace_filter *filter)
{
    static const enum trace_format formats[] = {
        [FORMAT_JSON] = TRACE_JSON, [FORMAT_PERFETTO] = TRACE_PERFETTO};
    enum output_format asked = sh->options.format;
    struct buf out = {0};
    struct trace_show *show = trace_show_new(
        asked == FORMAT_JSON || asked == FORMAT_PERFETTO ? formats[asked] : TRACE_TEXT, &out);
    struct sim_trace_record rec;
    while (!cli_signalled() && trace_next(s, &rec)) {
        if (trace_filter_holds(filter, &rec))
            trace_show_record(show, &rec);
        if (out.n >= FLUSH_BYTES)
            empty_into(stdout, &out);
    }
    trace_show_end(show);
    cli_print(stdout, &out);
    if (s->cut)
        fprintf(stderr, "paddock-sim: the file was cut after %llu records\n",
                (unsigned long long)s->records);
}

int command_trace(struct shell *sh)
{
    struct err *err = NULL;
    const struct trace_filter *filter = NULL;
    struct trace_stream stream = {.ended = true};
    if (sh->options.files_n != 1)
        return cli_usage_error(err_new(ERR_INVALID, "trace needs one trace.bin file"));
    err = trace_filter_compile(&sh->arena, sh->options.filter, &filter);
    if (err)
        return cli_usage_error(err_wrap(err, ERR_INVALID, "--filter"));
    const char *path = sh->options.files[0].p;
    FILE *f = open_file(path, &err);
    if (err)
        return cli_usage_error(err);
    err = trace_open(&stream, read_some, f);
    if (!err)
        show_all(sh, &stream, filter);
    trace_close(&stream);
    fclose(f);
    if (err)
        return cli_usage_error(err_wrap(err, ERR_INVALID, "%s", path));
    return cli_signalled() ? EXIT_INTERRUPTED : EXIT_HELD;
}

static struct err *rewind_file(void *ctx)
{
    errno = 0;
    return fseek(ctx, 0, SEEK_SET) == 0
               ? NULL
               : err_new(ERR_IO, "cannot be read twice: %s", strerror(errno));
}

struct err *cli_diff_traces(const char *const paths[2], struct buf *out, bool *same)
{
    struct err *err = NULL;
    struct trace_source sources[2];
    FILE *files[2] = {NULL, NULL};
    for (size_t i = 0; i < 2 && !err; i++) {
        files[i] = open_file(paths[i], &err);
        sources[i] = (struct trace_source){str_c(paths[i]), rewind_file, read_some, files[i]};
    }
    if (!err)
        err = trace_diff(sources, out, same);
    for (size_t i = 0; i < 2; i++)
        if (files[i])
            fclose(files[i]);
    return err;
}

int command_diff(struct shell *sh)
{
    struct buf out = {0};
    bool same = false;
    if (sh->options.files_n != 2)
        return cli_usage_error(err_new(ERR_INVALID, "diff needs two trace.bin files"));
    const char *const paths[2] = {sh->options.files[0].p, sh->options.files[1].p};
    struct err *err = cli_diff_traces(paths, &out, &same);
    cli_print(stdout, &out);
    if (err)
        return cli_usage_error(err);
    return same ? EXIT_HELD : EXIT_NOT_HELD;
}
