/* paddock-sim: the program. Only here are files, the clock, signals and the terminal of the simulator's shell. */
#include "engine/base/timefmt.h"
#include "sim/scenario/suite.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FILE_BYTES_MAX  ((size_t)16 << 20)
#define DIR_DEPTH_MAX   16
#define HEAP_STEP_BYTES (1 << 30) /* of addresses: what is not written to costs nothing */
#define HUGE_PAGE_BYTES ((uintptr_t)2 << 20)
#define MAPPED_BYTES    (32 << 20) /* a piece of this size is on its own */
#define LOOK_MS         200        /* a signal just before a wait is noticed after this time */

enum exit_code {
    EXIT_HELD = 0,
    EXIT_NOT_HELD = 1,
    EXIT_USAGE = 2,
    EXIT_NO_WORLD = 3,
    EXIT_UNSUPPORTED = 4,
    EXIT_INTERRUPTED = 130,
};

/* The one thing that a signal handler may touch. */
static volatile sig_atomic_t signalled;

struct shell {
    struct options options;
    struct arena arena;
    struct report_style style;
    struct suite *suite;
    bool interrupted;
    struct buf trace_ring;
};

static void on_signal(int number)
{
    (void)number;
    signalled = 1;
}

static int64_t memory_bytes(void *ctx)
{
    struct rusage use;
    (void)ctx;
    return getrusage(RUSAGE_SELF, &use) == 0 ? (int64_t)use.ru_maxrss * 1024 : 0;
}

static int64_t wall_clock(void *ctx)
{
    struct shell *sh = ctx;
    struct timespec t;
    sh->interrupted = sh->interrupted || signalled;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- files ---- */

static struct err *read_file(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return err_new(ERR_IO, "%s: %s", path, strerror(errno));
    char chunk[65536];
    size_t n;
    out->max = FILE_BYTES_MAX;
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_add(out, (struct str){chunk, n});
    bool failed = ferror(f) != 0;
    fclose(f);
    if (failed)
        return err_new(ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
    return buf_ok(out) ? NULL
                       : err_new(ERR_TOO_LARGE, "%s: longer than %zu bytes", path, FILE_BYTES_MAX);
}

static bool write_file(const char *dir, const char *name, struct str bytes, mode_t mode)
{
    struct buf path = {0};
    buf_addf(&path, "%s/%s", dir, name);
    FILE *f = fopen(buf_c(&path), "wb");
    bool ok = f && fwrite(bytes.p, 1, bytes.n, f) == bytes.n;
    if (f && fclose(f) != 0)
        ok = false;
    if (ok)
        chmod(buf_c(&path), mode);
    else
        fprintf(stderr, "paddock-sim: error: %s: %s\n", buf_c(&path), strerror(errno));
    buf_free(&path);
    return ok;
}

static bool make_dirs(const char *path)
{
    char *copy = strdup(path);
    for (char *p = copy + 1; *p; p++)
        if (*p == '/') {
            *p = 0;
            mkdir(copy, 0777);
            *p = '/';
        }
    struct stat st;
    bool ok = mkdir(copy, 0777) == 0 || (errno == EEXIST && stat(copy, &st) == 0);
    if (ok && stat(copy, &st) == 0 && !S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        ok = false;
    }
    free(copy);
    return ok;
}

struct names {
    char **v;
    size_t n, cap;
};

static void names_add(struct names *names, const char *path)
{
    if (names->n == names->cap) {
        names->cap = names->cap ? names->cap * 2 : 16;
        names->v = mem_resize(names->v, names->cap * sizeof *names->v);
    }
    names->v[names->n++] = strdup(path);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name); /* bytes, not the locale's order */
}

static bool is_scenario_name(const char *name)
{
    struct str s = str_c(name);
    return str_ends(s, STR(".yaml")) || str_ends(s, STR(".yml"));
}

/* Files of a folder and below, in byte order. */
static void walk(const char *path, int depth, struct names *out)
{
    struct dirent **entries = NULL;
    int n = depth > DIR_DEPTH_MAX ? -1 : scandir(path, &entries, NULL, by_name);
    for (int i = 0; i < n; i++) {
        struct buf child = {0};
        struct stat st;
        buf_addf(&child, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && stat(buf_c(&child), &st) == 0) {
            if (S_ISDIR(st.st_mode))
                walk(buf_c(&child), depth + 1, out);
            else if (is_scenario_name(entries[i]->d_name))
                names_add(out, buf_c(&child));
        }
        buf_free(&child);
        free(entries[i]);
    }
    free(entries);
}

static bool is_scenario(struct str bytes)
{
    return str_starts(bytes, STR("scenario:")) || str_find(bytes, STR("\nscenario:")) >= 0;
}

/* What a folder holds that is no scenario is passed over. */
static void collect_folder(struct str path, struct names *out)
{
    struct names inside = {0};
    struct buf folder = {0};
    buf_add(&folder, path);
    while (folder.n > 1 && folder.p[folder.n - 1] == '/')
        folder.n--;
    walk(buf_c(&folder), 0, &inside);
    for (size_t f = 0; f < inside.n; f++) {
        struct buf bytes = {0};
        struct err *err = read_file(inside.v[f], &bytes);
        if (err || is_scenario(buf_str(&bytes))) /* what cannot be read may be one: said later */
            names_add(out, inside.v[f]);
        err_ignore(err);
        buf_free(&bytes);
        free(inside.v[f]);
    }
    mem_free(inside.v);
    buf_free(&folder);
}

/* The files that the arguments name. */
static bool collect(const struct options *o, struct names *out)
{
    for (size_t i = 0; i < o->files_n; i++) {
        struct stat st;
        size_t before = out->n;
        const char *what = NULL;
        if (stat(o->files[i].p, &st) != 0)
            what = strerror(errno);
        else if (!S_ISDIR(st.st_mode))
            names_add(out, o->files[i].p);
        else
            collect_folder(o->files[i], out);
        if (!what && out->n == before)
            what = "no scenario in this folder: no *.yaml file with a line `scenario: v1`";
        if (what) {
            fprintf(stderr, "paddock-sim: error: %s: %s\n", o->files[i].p, what);
            return false;
        }
    }
    return true;
}

static void names_free(struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->v[i]);
    mem_free(names->v);
}

static void print(FILE *to, struct buf *b)
{
    if (b->n)
        fwrite(b->p, 1, b->n, to);
    fflush(to);
    buf_free(b);
}

/* Says what is wrong; the exit status for it. */
static int complain(struct err *take_err, int code)
{
    struct buf text = {0};
    err_print(take_err, &text);
    fprintf(stderr, "paddock-sim: error: %s\n", buf_c(&text));
    buf_free(&text);
    err_free(take_err);
    return code;
}

static int usage_error(struct err *take_err)
{
    return complain(take_err, EXIT_USAGE);
}

/* ---- run ---- */

static void trace_block(void *ctx, struct str bytes)
{
    struct shell *sh = ctx;
    buf_add(&sh->trace_ring, bytes); /* kept until the verdict is known */
}

static void log_line(void *ctx, int64_t at_ns, enum log_level level, struct str component,
                     struct str message)
{
    struct buf line = {0};
    (void)ctx;
    duration_format(&line, at_ns);
    buf_addf(&line, " %s " STR_FMT ": " STR_FMT "\n", log_level_name(level), STR_ARG(component),
             STR_ARG(message));
    print(stderr, &line);
}

static void file_name_of(const struct report_run *run, const char *suffix, struct buf *out)
{
    buf_addf(out, STR_FMT "-" STR_FMT, STR_ARG(run->name), STR_ARG(run->profile));
    if (run->case_id.n)
        buf_addf(out, "-" STR_FMT, STR_ARG(run->case_id));
    buf_addf(out, "-seed%llu%s", (unsigned long long)run->seed, suffix);
    for (size_t i = 0; i < out->n; i++)
        if (out->p[i] == '/' || out->p[i] == ',')
            out->p[i] = '_';
}

static void keep_run(struct shell *sh, const struct report_run *run)
{
    bool failed = run->outcome == REPORT_FAILED || run->outcome == REPORT_ERROR;
    const char *dir = sh->options.out.p;
    struct buf name = {0}, script = {0};
    if (sh->options.out.n && (failed || sh->options.trace)) {
        file_name_of(run, ".trace.bin", &name);
        write_file(dir, buf_c(&name), buf_str(&sh->trace_ring), 0666);
        buf_clear(&name);
    }
    if (sh->options.out.n && failed) {
        file_name_of(run, ".repro.sh", &name);
        buf_addf(&script, "#!/bin/sh\nexec " STR_FMT " \"$@\"\n", STR_ARG(run->replay));
        write_file(dir, buf_c(&name), buf_str(&script), 0777);
    }
    buf_clear(&sh->trace_ring);
    buf_free(&name);
    buf_free(&script);
}

static void run_done(struct shell *sh, size_t i, struct report_run *run)
{
    suite_done(sh->suite, i, run);
    if (sh->options.format != FORMAT_PRETTY)
        return;
    struct buf text = {0};
    report_pretty_run(run, &sh->style, &text);
    print(stdout, &text);
}

static bool write_reports(struct shell *sh, const struct report *report)
{
    const char *dir = sh->options.out.p;
    struct buf json = {0}, junit = {0}, html = {0};
    if (!make_dirs(dir)) {
        fprintf(stderr, "paddock-sim: error: %s: %s\n", dir, strerror(errno));
        return false;
    }
    report_json(report, &json);
    report_junit(report, &junit);
    report_html(report, &html);
    bool ok = write_file(dir, "report.json", buf_str(&json), 0666) &&
              write_file(dir, "junit.xml", buf_str(&junit), 0666) &&
              write_file(dir, "report.html", buf_str(&html), 0666);
    buf_free(&json);
    buf_free(&junit);
    buf_free(&html);
    return ok;
}

static void print_end(struct shell *sh, const struct report *report)
{
    struct buf text = {0};
    if (sh->options.format == FORMAT_JSON)
        report_json(report, &text);
    else if (sh->options.format == FORMAT_JUNIT)
        report_junit(report, &text);
    else
        report_pretty_end(report, &sh->style, &text);
    print(stdout, &text);
}

static int exit_of(const struct shell *sh, const struct report *report)
{
    bool unsupported = false;
    for (size_t i = 0; i < report->n; i++) {
        enum report_outcome o = report->runs[i]->outcome;
        if (!sh->interrupted && (o == REPORT_FAILED || o == REPORT_ERROR))
            return EXIT_NOT_HELD;
        unsupported = unsupported || o == REPORT_UNSUPPORTED;
    }
    if (sh->interrupted)
        return EXIT_INTERRUPTED;
    return unsupported ? EXIT_UNSUPPORTED : EXIT_HELD;
}

static struct report_run *carry_out(struct shell *sh, size_t i)
{
    struct report_run *run = suite_run(sh->suite, i);
    keep_run(sh, run);
    return run;
}

/* ---- runs at a time: a process each, whose result comes back through a pipe ---- */

struct worker {
    pid_t pid; /* 0: free */
    int from;
    size_t job;
    struct buf bytes;
};

struct pool {
    struct shell *sh;
    struct worker workers[OPTIONS_JOBS_MAX];
    size_t workers_n, running, next, done;
    struct report_run **results; /* that wait for those before them */
    bool told;                   /* the workers have been told to end */
};

static _Noreturn void be_worker(struct shell *sh, size_t job, int to)
{
    struct buf bytes = {0};
    const struct report_run *run = carry_out(sh, job);
    suite_pack(sh->suite, job, run, &bytes);
    for (size_t at = 0; at < bytes.n;) {
        ssize_t n = write(to, bytes.p + at, bytes.n - at);
        if (n < 0 && errno != EINTR)
            _exit(EXIT_NO_WORLD);
        at += n < 0 ? 0 : (size_t)n;
    }
    _exit(EXIT_HELD);
}

/* False: no process can be had now. */
static bool worker_start(struct pool *p)
{
    struct worker *w = p->workers;
    int ends[2];
    while (w->pid)
        w++;
    if (pipe(ends) != 0)
        return false;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        be_worker(p->sh, p->next, ends[1]);
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return false;
    }
    *w = (struct worker){.pid = pid, .from = ends[0], .job = p->next++};
    p->running++;
    return true;
}

/* The pipe has ended: the process has. */
static void worker_end(struct pool *p, struct worker *w)
{
    struct suite *suite = p->sh->suite;
    struct buf why = {0};
    struct report_run *run = NULL;
    int status = 0;
    close(w->from);
    while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status))
        buf_addf(&why, "the process of this run was ended by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0)
        buf_addf(&why, "the process of this run ended with exit status %d", WEXITSTATUS(status));
    struct err *err = why.n ? NULL : suite_unpack(suite, w->job, buf_str(&w->bytes), &run);
    if (err)
        err_print(err, &why);
    p->results[w->job] = why.n ? suite_lost(suite, w->job, buf_str(&why)) : run;
    err_free(err);
    buf_free(&why);
    buf_free(&w->bytes);
    *w = (struct worker){0};
    p->running--;
}

static void worker_read(struct pool *p, struct worker *w)
{
    char chunk[65536];
    ssize_t n = read(w->from, chunk, sizeof chunk);
    if (n > 0)
        buf_add(&w->bytes, (struct str){chunk, (size_t)n});
    else if (n == 0 || errno != EINTR)
        worker_end(p, w);
}

/* The terminal tells the workers itself; a signal to this process alone is passed on. */
static void pass_on(struct pool *p)
{
    p->sh->interrupted = p->sh->interrupted || signalled;
    if (!p->sh->interrupted || p->told)
        return;
    p->told = true;
    for (size_t i = 0; i < p->workers_n; i++)
        if (p->workers[i].pid)
            kill(p->workers[i].pid, SIGTERM);
}

static void pool_wait(struct pool *p)
{
    struct pollfd fds[OPTIONS_JOBS_MAX];
    struct worker *of[OPTIONS_JOBS_MAX];
    nfds_t n = 0;
    for (size_t i = 0; i < p->workers_n; i++) {
        if (!p->workers[i].pid)
            continue;
        of[n] = &p->workers[i];
        fds[n++] = (struct pollfd){.fd = p->workers[i].from, .events = POLLIN};
    }
    int ready = poll(fds, n, LOOK_MS);
    for (nfds_t i = 0; ready > 0 && i < n; i++)
        if (fds[i].revents)
            worker_read(p, of[i]);
}

static void run_in_workers(struct shell *sh, size_t jobs)
{
    size_t n = suite_count(sh->suite);
    struct pool *p = MEM_NEW(struct pool);
    p->sh = sh;
    p->workers_n = jobs;
    p->results = MEM_NEW_ARRAY(struct report_run *, n + 1);
    for (;;) {
        pass_on(p);
        bool starts = !sh->interrupted;
        while (starts && p->running < jobs && p->next < n)
            starts = worker_start(p);
        if (p->running == 0 && p->next < n && !sh->interrupted) { /* no process: then here */
            p->results[p->next] = carry_out(sh, p->next);
            p->next++;
        }
        if (p->running > 0)
            pool_wait(p);
        for (; p->done < p->next && p->results[p->done]; p->done++)
            run_done(sh, p->done, p->results[p->done]);
        if (p->running == 0 && (p->next == n || sh->interrupted))
            break;
    }
    mem_free(p->results);
    mem_free(p);
}

static void run_here(struct shell *sh)
{
    for (size_t i = 0; i < suite_count(sh->suite) && !sh->interrupted; i++)
        run_done(sh, i, carry_out(sh, i));
}

static size_t jobs_of(const struct options *o)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (o->jobs)
        return o->jobs;
    if (o->logs || cores < 1) /* the lines of several runs cannot be told apart */
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

static int run_files(struct shell *sh, const struct names *files)
{
    struct buf errors = {0};
    bool ok = true;
    for (size_t i = 0; i < files->n; i++) {
        struct buf bytes = {0};
        struct err *err = read_file(files->v[i], &bytes);
        if (err) {
            usage_error(err);
            ok = false;
        } else {
            ok = suite_add_file(sh->suite, str_c(files->v[i]), buf_str(&bytes), &errors) && ok;
        }
        buf_free(&bytes);
    }
    print(stderr, &errors);
    if (!ok)
        return EXIT_USAGE;
    suite_style(sh->suite, &sh->style);
    size_t jobs = jobs_of(&sh->options);
    expect_much();
    if (jobs > 1 && suite_count(sh->suite) > 1)
        run_in_workers(sh, jobs);
    else
        run_here(sh);
    return EXIT_HELD;
}

/* Every file is checked before the first one runs: bad input means that nothing ran. */
static int check_files(const struct names *files)
{
    int code = EXIT_HELD;
    for (size_t i = 0; i < files->n; i++) {
        struct buf bytes = {0}, errors = {0};
        struct err *err = read_file(files->v[i], &bytes);
        if (err)
            code = complain(err, EXIT_NO_WORLD);
        else if (scenario_validate(str_c(files->v[i]), buf_str(&bytes), &errors) > 0 && !code)
            code = EXIT_USAGE;
        print(stderr, &errors);
        buf_free(&bytes);
    }
    return code;
}

/* The folder of the reports must be there before anything runs. */
static bool out_is_writable(const struct options *o)
{
    bool ok = o->out.n == 0 || (make_dirs(o->out.p) && access(o->out.p, W_OK | X_OK) == 0);
    if (!ok)
        fprintf(stderr, "paddock-sim: error: --out: %s: %s\n", o->out.p, strerror(errno));
    return ok;
}

static int command_run(struct shell *sh)
{
    struct names files = {0};
    if (sh->options.world_real) {
        fprintf(stderr, "paddock-sim: error: --world real: scenarios cannot be run on real "
                        "processes by this version; use --world sim\n");
        return EXIT_UNSUPPORTED;
    }
    if (sh->options.files_n == 0)
        return usage_error(err_new(ERR_INVALID, "run needs a scenario file or a folder"));
    int code = collect(&sh->options, &files) ? check_files(&files) : EXIT_USAGE;
    if (code == EXIT_HELD && !out_is_writable(&sh->options))
        code = EXIT_NO_WORLD;
    if (code == EXIT_HELD) {
        bool traced = sh->options.out.n > 0;
        struct run_options run = {.log_level = sh->options.logs ? sh->options.log_level : LOG_ERROR,
                                  .log_line = sh->options.logs ? log_line : NULL,
                                  .wall_clock = wall_clock,
                                  .memory_bytes = memory_bytes,
                                  .interrupted = &sh->interrupted,
                                  .ctx = sh,
                                  .trace_block = traced ? trace_block : NULL};
        sh->trace_ring.max = (size_t)4 << 30;
        sh->suite = suite_new(&sh->options, &run);
        code = run_files(sh, &files);
        const struct report *report = suite_report(sh->suite);
        if (code == EXIT_HELD) {
            print_end(sh, report);
            code = exit_of(sh, report);
        }
        if (sh->options.out.n && code != EXIT_USAGE && !write_reports(sh, report))
            code = EXIT_NO_WORLD;
        suite_free(sh->suite);
        buf_free(&sh->trace_ring);
    }
    names_free(&files);
    return code;
}

/* ---- the others ---- */

static int command_validate(struct shell *sh)
{
    struct names files = {0};
    if (sh->options.files_n == 0)
        return usage_error(err_new(ERR_INVALID, "validate needs a scenario file or a folder"));
    int code = collect(&sh->options, &files) ? check_files(&files) : EXIT_USAGE;
    if (code == EXIT_HELD && sh->options.verbosity >= 0)
        printf("%zu %s, no errors\n", files.n, files.n == 1 ? "file" : "files");
    names_free(&files);
    return code;
}

/* The exit status for one file. */
static int list_file(const char *path)
{
    struct arena a = {0};
    struct buf bytes = {0}, out = {0};
    struct err *err = read_file(path, &bytes);
    if (err) {
        buf_free(&bytes);
        return complain(err, EXIT_NO_WORLD);
    }
    struct source source = {str_c(path), buf_str(&bytes)};
    struct diags diags;
    diags_init(&diags, &a, &source);
    struct scenario *s = scenario_load(&a, source.file, source.text, &diags);
    bool ok = s && diags.n == 0;
    if (ok)
        scenario_list(s, &out);
    else
        diags_print(&diags, &out);
    print(ok ? stdout : stderr, &out);
    buf_free(&bytes);
    arena_free(&a);
    return ok ? EXIT_HELD : EXIT_USAGE;
}

static int command_list(struct shell *sh)
{
    struct names files = {0};
    struct str here = STR("scenarios");
    struct options options = sh->options;
    if (options.files_n == 0) {
        options.files = &here;
        options.files_n = 1;
    }
    bool ok = collect(&options, &files);
    int code = ok ? EXIT_HELD : EXIT_USAGE;
    for (size_t i = 0; ok && i < files.n; i++) {
        int of_file = list_file(files.v[i]);
        code = code == EXIT_HELD ? of_file : code;
    }
    names_free(&files);
    return code;
}

static int command_expand(struct shell *sh)
{
    const struct options *o = &sh->options;
    struct buf bytes = {0}, out = {0}, errors = {0};
    if (o->files_n != 1)
        return usage_error(err_new(ERR_INVALID, "expand needs one scenario file"));
    struct stat st;
    bool missing = stat(o->files[0].p, &st) != 0 || S_ISDIR(st.st_mode);
    struct err *err = read_file(o->files[0].p, &bytes);
    if (err)
        return complain(err, missing ? EXIT_USAGE : EXIT_NO_WORLD);
    bool ok = scenario_expand(o->files[0], buf_str(&bytes), o->case_filter, o->profile, o->sets,
                              o->sets_n, &out, &errors);
    print(stdout, &out);
    print(stderr, &errors);
    buf_free(&bytes);
    return ok ? EXIT_HELD : EXIT_USAGE;
}

static int run_command(struct shell *sh)
{
    struct buf out = {0};
    switch (sh->options.command) {
    case COMMAND_RUN:
        return command_run(sh);
    case COMMAND_VALIDATE:
        return command_validate(sh);
    case COMMAND_LIST:
        return command_list(sh);
    case COMMAND_EXPAND:
        return command_expand(sh);
    case COMMAND_SCHEMA:
        scenario_schema(&out);
        break;
    case COMMAND_VERSION:
        buf_add_c(&out, "paddock-sim " PADDOCK_VERSION "\n");
        break;
    case COMMAND_HELP:
    case COMMAND_COUNT:
        options_help(sh->options.help_of, &out);
        break;
    }
    print(stdout, &out);
    return EXIT_HELD;
}

int main(int argc, char *argv[])
{
    struct shell sh = {0};
    /* The second one ends the program at once. */
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    struct err *err = options_parse(&sh.arena, argc, argv, &sh.options);
    int code;
    if (err) {
        code = usage_error(err);
    } else {
        const char *no_color = getenv("NO_COLOR");
        bool automatic = isatty(STDOUT_FILENO) && !(no_color && *no_color);
        sh.style.color =
            sh.options.color == COLOR_ALWAYS || (sh.options.color == COLOR_AUTO && automatic);
        sh.style.verbosity = sh.options.verbosity;
        code = run_command(&sh);
        bool written = fflush(stdout) == 0 && !ferror(stdout);
        if (!written && (code == EXIT_HELD || code == EXIT_UNSUPPORTED)) {
            fprintf(stderr, "paddock-sim: error: standard output: cannot be written\n");
            code = EXIT_NO_WORLD;
        }
    }
    arena_free(&sh.arena);
    return code;
}
