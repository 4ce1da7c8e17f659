/* paddock-sim run: scenarios, their reports and what failures leave behind. */
#include "sim/cli/child.h"
#include "sim/cli/cli.h"

#include "engine/base/timefmt.h"
#include "sim/trace/stream.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define HEAP_STEP_BYTES (1 << 30) /* of addresses: what is not written to costs nothing */
#define HUGE_PAGE_BYTES ((uintptr_t)2 << 20)
#define MAPPED_BYTES    (32 << 20) /* a piece of this size is on its own */

static int64_t memory_bytes(void *ctx)
{
    struct rusage use;
    (void)ctx;
    return getrusage(RUSAGE_SELF, &use) == 0 ? (int64_t)use.ru_maxrss * 1024 : 0;
}

static int64_t wall_clock(void *ctx)
{
    struct shell *sh = ctx;
    sh->interrupted = sh->interrupted || cli_signalled();
    return cli_clock_ns();
}

static void trace_block(void *ctx, struct str bytes)
{
    struct shell *sh = ctx;
    cli_keep_trace(&sh->trace_ring, bytes);
}

static void log_line(void *ctx, int64_t at_ns, enum log_level level, struct str component,
                     struct str message)
{
    struct buf line = {0};
    (void)ctx;
    duration_format(&line, at_ns);
    buf_addf(&line, " %s " STR_FMT ": " STR_FMT "\n", log_level_name(level), STR_ARG(component),
             STR_ARG(message));
    cli_print(stderr, &line);
}

void cli_file_name_of(const struct report_run *run, const char *suffix, struct buf *out)
{
    buf_addf(out, STR_FMT "-" STR_FMT, STR_ARG(run->name), STR_ARG(run->profile));
    if (run->case_id.n)
        buf_addf(out, "-" STR_FMT, STR_ARG(run->case_id));
    if (run->params.n)
        buf_addf(out, "-" STR_FMT, STR_ARG(run->params));
    buf_addf(out, "-seed%llu%s", (unsigned long long)run->seed, suffix);
    for (size_t i = 0; i < out->n; i++)
        if (out->p[i] == '/' || out->p[i] == ',')
            out->p[i] = '_';
}

static void add_quoted(struct buf *out, const char *path)
{
    buf_add_char(out, '\'');
    for (; *path; path++) {
        buf_add_c(out, *path == '\'' ? "'\\'" : "");
        buf_add_char(out, *path);
    }
    buf_add_char(out, '\'');
}

/* Does it again from wherever it is called: this program, in the folder that file names are relative to. */
static void write_script(const struct report_run *run, struct buf *out)
{
    struct str program, rest;
    char here[PATH_MAX], self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = 0;
    (void)str_cut(run->replay, ' ', &program, &rest);
    buf_add_c(out, "#!/bin/sh\n");
    if (getcwd(here, sizeof here)) {
        buf_add_c(out, "cd ");
        add_quoted(out, here);
        buf_add_c(out, " || exit 3\n");
    }
    buf_add_c(out, "exec ");
    add_quoted(out, n > 0 ? self : "paddock-sim");
    buf_addf(out, " " STR_FMT " \"$@\"\n", STR_ARG(rest));
}

static bool wants_trace(const struct shell *sh, const struct report_run *run, bool failed)
{
    return sh->options.trace || run->wishes.trace || (failed && !run->wishes.no_trace);
}

/* Which run it is, then what came in of it. */
static void write_trace(const struct shell *sh, const struct report_run *run)
{
    char seed[24];
    struct buf name = {0}, begin = {0};
    (void)snprintf(seed, sizeof seed, "%llu", (unsigned long long)run->seed);
    const struct trace_fact facts[] = {{"file", run->file},       {"case", run->case_id},
                                       {"profile", run->profile}, {"seed", str_c(seed)},
                                       {"params", run->params},   {"policies", run->policies}};
    trace_file_begin(&begin);
    trace_file_run(&begin, facts, ARRAY_LEN(facts));
    cli_file_name_of(run, ".trace.bin", &name);
    struct str parts[] = {buf_str(&begin),
                          str_sub(buf_str(&sh->trace_ring), TRACE_MAGIC.n, sh->trace_ring.n)};
    cli_write_parts(sh->options.out.p, buf_c(&name), parts, ARRAY_LEN(parts), 0666);
    buf_free(&name);
    buf_free(&begin);
}

/* The trace and the script of a run: of a sweep those of the first failures. */
static void keep_run(struct shell *sh, const struct report_run *run)
{
    bool failed = (run->outcome == REPORT_FAILED || run->outcome == REPORT_ERROR) &&
                  suite_keeps_failure(sh->suite);
    const char *dir = sh->options.out.p;
    struct buf name = {0}, script = {0};
    if (sh->options.out.n && !sh->options.world_real && wants_trace(sh, run, failed))
        write_trace(sh, run);
    if (sh->options.out.n && failed) {
        cli_file_name_of(run, ".repro.sh", &name);
        write_script(run, &script);
        cli_write_file(dir, buf_c(&name), buf_str(&script), 0777);
    }
    buf_clear(&sh->trace_ring);
    buf_free(&name);
    buf_free(&script);
}

struct report_run *cli_carry_out(struct shell *sh, size_t i, struct arena *a)
{
    struct report_run *run = suite_run(sh->suite, i, a);
    keep_run(sh, run);
    return run;
}

size_t cli_jobs(const struct options *o)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (o->jobs)
        return o->jobs;
    if (o->logs || cores < 1 || o->world_real) /* lines cannot be told apart; real time is felt */
        return 1;
    return (size_t)cores < OPTIONS_JOBS_MAX ? (size_t)cores : OPTIONS_JOBS_MAX;
}

/* Memory is taken from the system in large steps, in huge pages where it has them, and not given back piece by piece: a
 * large estate is spread so wide that looking addresses up would cost more than reading them. Only speed depends on it. */
static void expect_much(void)
{
    (void)mallopt(M_MXFAST, 0); /* merging freed pieces all at once takes longer than one by one */
    (void)mallopt(M_TRIM_THRESHOLD, INT_MAX);
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES);
    (void)mallopt(M_TOP_PAD, HEAP_STEP_BYTES);
    uintptr_t from = ((uintptr_t)sbrk(0) + HUGE_PAGE_BYTES - 1) & ~(HUGE_PAGE_BYTES - 1);
    mem_free(mem_resize(NULL, MAPPED_BYTES / 2)); /* the first step is taken now */
    char *to = sbrk(0);
    if ((uintptr_t)to > from)
        (void)madvise(to - ((uintptr_t)to - from), (uintptr_t)to - from, MADV_HUGEPAGE);
}

static bool add_files(struct shell *sh, const struct names *files)
{
    struct buf errors = {0};
    bool ok = true;
    for (size_t i = 0; i < files->n; i++) {
        struct buf bytes = {0};
        struct err *err = cli_read_file(files->v[i], &bytes);
        if (err) {
            cli_usage_error(err);
            ok = false;
        } else {
            ok = suite_add_file(sh->suite, str_c(files->v[i]), buf_str(&bytes), &errors) && ok;
        }
        buf_free(&bytes);
    }
    cli_print(stderr, &errors);
    if (!ok)
        return false;
    struct err *err = suite_lay_out(sh->suite);
    if (err)
        cli_usage_error(err);
    return !err;
}

bool cli_open_suite(struct shell *sh, const struct names *files)
{
    struct run_options run = {.log_level = sh->options.logs ? sh->options.log_level : LOG_ERROR,
                              .log_line = sh->options.logs ? log_line : NULL,
                              .wall_clock = wall_clock,
                              .memory_bytes = memory_bytes,
                              .interrupted = &sh->interrupted,
                              .ctx = sh,
                              .trace_block = sh->options.out.n ? trace_block : NULL};
    sh->trace_ring.max = CLI_TRACE_BYTES_MAX;
    if (sh->options.world_real)
        cli_use_real_world(sh, &run);
    sh->suite = suite_new(&sh->options, &run);
    suite_files(sh->suite, sh->files.read ? &sh->files : cli_files());
    if (!add_files(sh, files))
        return false;
    suite_style(sh->suite, &sh->style);
    expect_much();
    return true;
}

void cli_close_suite(struct shell *sh)
{
    suite_free(sh->suite);
    sh->suite = NULL;
    buf_free(&sh->trace_ring);
}

int cli_suite_code(struct shell *sh, struct names *files)
{
    if (sh->options.files_n == 0) {
        const char *what = sh->options.command == COMMAND_SWEEP ? "sweep" : "run";
        return cli_usage_error(err_new(ERR_INVALID, "%s needs a scenario file or a folder", what));
    }
    int code = cli_collect(&sh->options, files) ? cli_check_files(files) : EXIT_USAGE;
    return code == EXIT_HELD && !cli_out_is_writable(&sh->options) ? EXIT_NO_WORLD : code;
}

static void run_done(struct shell *sh, const struct report_run *run)
{
    if (sh->options.format != FORMAT_PRETTY)
        return;
    struct buf text = {0};
    report_pretty_run(run, &sh->style, &text);
    cli_print(stdout, &text);
}

/* What is said of all the runs of a file together. */
static void judge(struct shell *sh)
{
    const struct report_run *row;
    for (size_t file = 0; (row = suite_judge(sh->suite, &file));)
        run_done(sh, row);
}

static void run_here(struct shell *sh)
{
    struct arena a = {0};
    for (size_t i = 0; i < suite_count(sh->suite) && !sh->interrupted; i++) {
        run_done(sh, suite_done(sh->suite, i, cli_carry_out(sh, i, &a)));
        arena_reset(&a);
    }
    arena_free(&a);
}

static int run_once(struct shell *sh, const struct names *files)
{
    if (!cli_open_suite(sh, files)) {
        cli_close_suite(sh);
        return EXIT_USAGE;
    }
    size_t jobs = cli_jobs(&sh->options);
    if (jobs > 1 && suite_count(sh->suite) > 1)
        cli_run_in_workers(sh,
                           &(struct pool_how){.jobs = jobs, .in_order = true, .done = run_done});
    else
        run_here(sh);
    judge(sh);
    int code = cli_end_suite(sh);
    cli_close_suite(sh);
    return code;
}

static int run_all(struct shell *sh)
{
    struct names files = {0};
    int code = cli_suite_code(sh, &files);
    if (code == EXIT_HELD)
        code = run_once(sh, &files);
    cli_names_free(&files);
    return code;
}

int command_run(struct shell *sh)
{
    return sh->options.watch && sh->options.files_n > 0 ? cli_watch(sh, run_all) : run_all(sh);
}
