/* Runs in processes of their own. The pipe carries: a letter, the number of runs as text, a line feed, and the rest. */
#include "sim/cli/trial.h"

#include "reports/report_pack.h"
#include "sim/trace/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 100 /* a signal just before a wait is noticed after this time */

struct process {
    pid_t pid;
    int from;
    int64_t started_ns;
    struct buf bytes;
    bool cut;
};

int64_t cli_clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- in the child ---- */

static void spill(void *ctx, struct str block)
{
    struct buf framed = {0};
    trace_file_block(&framed, block);
    fwrite(framed.p, 1, framed.n, ctx);
    buf_free(&framed);
}

static int64_t wall_clock(void *ctx)
{
    (void)ctx;
    return cli_clock_ns();
}

static FILE *trace_open_file(const char *path)
{
    FILE *f = path ? fopen(path, "wb") : NULL;
    if (f)
        fwrite(TRACE_MAGIC.p, 1, TRACE_MAGIC.n, f);
    return f;
}

static void carry_out(const struct trial *t, struct buf *out)
{
    static const bool interrupted = false;
    struct arena a = {0};
    struct buf errors = {0};
    FILE *trace = trace_open_file(t->trace);
    struct run_options options = {.log_level = LOG_ERROR,
                                  .wall_clock = wall_clock,
                                  .interrupted = &interrupted,
                                  .ctx = trace,
                                  .trace_block = trace ? spill : NULL};
    struct suite *suite = suite_new(&t->options, &options);
    suite_files(suite, cli_files());
    if (suite_add_file(suite, t->file, t->bytes, &errors)) {
        struct err *err = suite_lay_out(suite);
        if (err)
            err_print(err, &errors);
        err_free(err);
    }
    if (errors.n > 0) {
        buf_addf(out, "I0\n" STR_FMT, STR_ARG(buf_str(&errors)));
        return;
    }
    const struct report_run *run = suite_run(suite, t->job, &a);
    buf_addf(out, "R%zu\n", suite_count(suite));
    report_pack(run, out);
    if (trace)
        fclose(trace);
}

static _Noreturn void be_process(const struct trial *t, int to)
{
    struct buf out = {0};
    int null = open("/dev/null", O_WRONLY);
    if (null >= 0) /* a broken invariant of the engine is one outcome among others */
        dup2(null, STDERR_FILENO);
    signal(SIGINT, SIG_IGN); /* whoever started us ends us */
    carry_out(t, &out);
    for (size_t at = 0; at < out.n;) {
        ssize_t n = write(to, out.p + at, out.n - at);
        if (n < 0 && errno != EINTR)
            _exit(EXIT_NO_WORLD);
        at += n < 0 ? 0 : (size_t)n;
    }
    buf_free(&out);
    exit(EXIT_HELD); /* in full: sanitizers look for leaks, gcov writes what it counted */
}

/* ---- in the parent ---- */

static bool process_start(struct process *p, const struct trial *t)
{
    int ends[2];
    if (pipe(ends) != 0)
        return false;
    fflush(NULL);
    p->started_ns = cli_clock_ns();
    p->pid = fork();
    if (p->pid == 0) {
        close(ends[0]);
        be_process(t, ends[1]);
    }
    close(ends[1]);
    p->from = ends[0];
    if (p->pid < 0)
        close(ends[0]);
    return p->pid > 0;
}

static void lost(struct trial_result *out, struct arena *a, int status)
{
    out->end = TRIAL_LOST;
    if (WIFSIGNALED(status))
        out->why = arena_printf(a, "the process of this run was ended by signal %d (%s)",
                                WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        out->why = arena_printf(a, "the process of this run ended with exit status %d",
                                WEXITSTATUS(status));
}

static void take_result(struct process *p, struct arena *a, struct trial_result *out)
{
    struct str head, rest;
    uint64_t jobs = 0;
    struct report_run *run = NULL;
    (void)str_cut(buf_str(&p->bytes), '\n', &head, &rest);
    bool number = str_to_u64(str_sub(head, 1, head.n), &jobs);
    *out = (struct trial_result){.end = TRIAL_INVALID, .why = arena_str(a, rest), .jobs = jobs};
    if (!number || head.p[0] != 'R')
        return;
    struct err *err = report_unpack(a, &rest, &run);
    out->run = run;
    out->end = err ? TRIAL_LOST : TRIAL_RAN;
    err_ignore(err);
}

static void process_end(struct process *p, struct arena *a, struct trial_result *out)
{
    int status = 0;
    close(p->from);
    while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
        ;
    p->pid = 0;
    if (p->cut)
        *out = (struct trial_result){.end = TRIAL_CUT};
    else if (WIFSIGNALED(status) || WEXITSTATUS(status) != 0)
        lost(out, a, status);
    else
        take_result(p, a, out);
    buf_free(&p->bytes);
}

static void process_read(struct process *p, struct arena *a, struct trial_result *out)
{
    char chunk[65536];
    ssize_t n = read(p->from, chunk, sizeof chunk);
    if (n > 0)
        buf_add(&p->bytes, (struct str){chunk, (size_t)n});
    else if (n == 0 || errno != EINTR)
        process_end(p, a, out);
}

static void cut_late_ones(struct process *v, size_t n, int64_t limit_ns)
{
    int64_t now = cli_clock_ns();
    for (size_t i = 0; i < n; i++) {
        bool late = limit_ns > 0 && now - v[i].started_ns > limit_ns;
        if (v[i].pid > 0 && !v[i].cut && (late || cli_signalled())) {
            v[i].cut = true;
            kill(v[i].pid, SIGKILL);
        }
    }
}

void cli_trials(const struct trial *v, size_t n, int64_t limit_ns, struct arena *a,
                struct trial_result *out)
{
    struct process *p = MEM_NEW_ARRAY(struct process, n + 1);
    struct pollfd *fds = MEM_NEW_ARRAY(struct pollfd, n + 1);
    size_t running = 0;
    for (size_t i = 0; i < n; i++) {
        bool started = process_start(&p[i], &v[i]);
        running += started;
        if (!started) {
            p[i].pid = 0;
            out[i] =
                (struct trial_result){.end = TRIAL_LOST, .why = STR("no process could be had")};
        }
    }
    while (running > 0) {
        cut_late_ones(p, n, limit_ns);
        for (size_t i = 0; i < n; i++)
            fds[i] = (struct pollfd){.fd = p[i].pid > 0 ? p[i].from : -1, .events = POLLIN};
        int ready = poll(fds, (nfds_t)n, LOOK_MS);
        for (size_t i = 0; ready > 0 && i < n; i++)
            if (fds[i].revents)
                process_read(&p[i], a, &out[i]);
        running = 0;
        for (size_t i = 0; i < n; i++)
            running += p[i].pid > 0;
    }
    mem_free(fds);
    mem_free(p);
}
