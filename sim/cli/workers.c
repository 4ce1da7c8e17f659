/* The worker pool of `run` and `sweep`: runs at a time, a process each, whose result comes back through a pipe. */
#include "sim/cli/cli.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_MS         200 /* a signal just before a wait is noticed after this time */
#define LAST_WORDS_MAX  2048u
#define LAST_LINES      5u
#define RUN_SECONDS_MAX 3600u /* a run that hangs where no budget is looked at */

enum { RESULT, WORDS, ENDS };

struct worker {
    pid_t pid;      /* 0: free */
    int from[ENDS]; /* -1: ended */
    size_t job;
    struct buf bytes;
    struct buf words; /* the last ones on its standard error */
};

struct pool {
    struct shell *sh;
    const struct pool_how *how;
    struct worker workers[OPTIONS_JOBS_MAX];
    size_t running, next, done;
    struct buf *results;                /* packed; empty: not there yet, or given on */
    size_t ready[OPTIONS_JOBS_MAX + 1]; /* those that came since the last round */
    size_t ready_n;
    struct arena scratch;
    bool told; /* the workers have been told to end */
};

static _Noreturn void be_worker(struct shell *sh, size_t job, const int to[ENDS])
{
    struct arena a = {0};
    struct buf bytes = {0};
    dup2(to[WORDS], STDERR_FILENO);
    close(to[WORDS]);
    alarm(RUN_SECONDS_MAX);
    const struct report_run *run = cli_carry_out(sh, job, &a);
    suite_pack(sh->suite, job, run, &bytes);
    for (size_t at = 0; at < bytes.n;) {
        ssize_t n = write(to[RESULT], bytes.p + at, bytes.n - at);
        if (n < 0 && errno != EINTR)
            _exit(EXIT_NO_WORLD);
        at += n < 0 ? 0 : (size_t)n;
    }
    buf_free(&bytes);
    arena_free(&a);
    exit(EXIT_HELD); /* in full: sanitizers look for leaks, gcov writes what it counted */
}

static bool open_pipes(int reads[ENDS], int writes[ENDS])
{
    int ends[2];
    for (size_t i = 0; i < ENDS; i++) {
        if (pipe(ends) != 0) {
            while (i-- > 0) {
                close(reads[i]);
                close(writes[i]);
            }
            return false;
        }
        reads[i] = ends[0];
        writes[i] = ends[1];
    }
    return true;
}

static void close_all(const int fds[ENDS])
{
    for (size_t i = 0; i < ENDS; i++)
        close(fds[i]);
}

/* False: no process can be had now. */
static bool worker_start(struct pool *p)
{
    struct worker *w = p->workers;
    int reads[ENDS], writes[ENDS];
    while (w->pid)
        w++;
    if (!open_pipes(reads, writes))
        return false;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close_all(reads);
        be_worker(p->sh, p->next, writes);
    }
    close_all(writes);
    if (pid < 0) {
        close_all(reads);
        return false;
    }
    *w = (struct worker){.pid = pid, .from = {reads[RESULT], reads[WORDS]}, .job = p->next++};
    p->running++;
    return true;
}

/* The last lines of what the process said, in one. */
static void add_last_words(struct str words, struct buf *why)
{
    size_t from = words.n, lines = 0;
    while (from > 0 && words.p[from - 1] == '\n')
        from--;
    words.n = from;
    for (; from > 0 && lines < LAST_LINES; from--)
        lines += words.p[from - 1] == '\n';
    from += lines == LAST_LINES ? 1 : 0;
    if (words.n > from)
        buf_addf(why, "; its last words: " STR_FMT, STR_ARG(str_sub(words, from, words.n)));
}

static void result_is_there(struct pool *p, size_t job, const struct report_run *run)
{
    suite_pack(p->sh->suite, job, run, &p->results[job]);
    p->ready[p->ready_n++] = job;
}

/* What a process left is kept in its place; a process that left nothing is an error of its run. */
static void keep_result(struct pool *p, const struct worker *w, int status)
{
    struct suite *suite = p->sh->suite;
    struct buf why = {0};
    struct report_run *run = NULL;
    if (WIFSIGNALED(status))
        buf_addf(&why, "the process of this run was ended by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0)
        buf_addf(&why, "the process of this run ended with exit status %d", WEXITSTATUS(status));
    if (why.n)
        add_last_words(buf_str(&w->words), &why);
    struct err *err =
        why.n ? NULL : suite_unpack(suite, w->job, buf_str(&w->bytes), &p->scratch, &run);
    if (err)
        err_print(err, &why);
    if (why.n)
        run = suite_lost(suite, w->job, buf_str(&why), &p->scratch);
    result_is_there(p, w->job, run);
    arena_reset(&p->scratch);
    err_free(err);
    buf_free(&why);
}

/* Both pipes have ended: the process has. */
static void worker_end(struct pool *p, struct worker *w)
{
    int status = 0;
    while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
        ;
    keep_result(p, w, status);
    buf_free(&w->bytes);
    buf_free(&w->words);
    *w = (struct worker){0};
    p->running--;
}

/* Passed on at once; the last of it is kept, should the process die. */
static void hear(struct worker *w, struct str words)
{
    fwrite(words.p, 1, words.n, stderr);
    buf_add(&w->words, words);
    if (w->words.n > LAST_WORDS_MAX)
        buf_consume(&w->words, w->words.n - LAST_WORDS_MAX);
}

static void worker_read(struct pool *p, struct worker *w, size_t end)
{
    char chunk[65536];
    ssize_t n = read(w->from[end], chunk, sizeof chunk);
    struct str got = {chunk, n > 0 ? (size_t)n : 0};
    if (n > 0 && end == WORDS) {
        hear(w, got);
    } else if (n > 0) {
        buf_add(&w->bytes, got);
    } else if (n == 0 || errno != EINTR) {
        close(w->from[end]);
        w->from[end] = -1;
        if (w->from[RESULT] < 0 && w->from[WORDS] < 0)
            worker_end(p, w);
    }
}

/* The terminal tells the workers itself; a signal to this process alone is passed on. */
static void pass_on(struct pool *p)
{
    p->sh->interrupted = p->sh->interrupted || cli_signalled();
    if (!p->sh->interrupted || p->told)
        return;
    p->told = true;
    for (size_t i = 0; i < p->how->jobs; i++)
        if (p->workers[i].pid)
            kill(p->workers[i].pid, SIGTERM);
}

static void pool_wait(struct pool *p)
{
    struct pollfd fds[OPTIONS_JOBS_MAX * ENDS];
    struct worker *of[OPTIONS_JOBS_MAX * ENDS];
    size_t end_of[OPTIONS_JOBS_MAX * ENDS];
    nfds_t n = 0;
    for (size_t i = 0; i < p->how->jobs * ENDS; i++) {
        struct worker *w = &p->workers[i / ENDS];
        if (!w->pid || w->from[i % ENDS] < 0)
            continue;
        of[n] = w;
        end_of[n] = i % ENDS;
        fds[n++] = (struct pollfd){.fd = w->from[i % ENDS], .events = POLLIN};
    }
    int ready = poll(fds, n, LOOK_MS);
    for (nfds_t i = 0; ready > 0 && i < n; i++)
        if (fds[i].revents)
            worker_read(p, of[i], end_of[i]);
}

static void carry_out_here(struct pool *p)
{
    size_t job = p->next++;
    result_is_there(p, job, cli_carry_out(p->sh, job, &p->scratch));
    arena_reset(&p->scratch);
}

static void give_on(struct pool *p, size_t job)
{
    struct report_run *run;
    struct err *err = suite_unpack(p->sh->suite, job, buf_str(&p->results[job]), &p->scratch, &run);
    BUG_ON(err, "what was packed here can be read");
    p->how->done(p->sh, job, run);
    arena_reset(&p->scratch);
    buf_free(&p->results[job]);
}

/* In order, or as they come. */
static void give_on_what_is_there(struct pool *p)
{
    for (size_t i = 0; i < p->ready_n && !p->how->in_order; i++)
        give_on(p, p->ready[i]);
    p->ready_n = 0;
    for (; p->how->in_order && p->done < p->next && p->results[p->done].n; p->done++)
        give_on(p, p->done);
}

static bool may_start(const struct pool *p)
{
    return !p->sh->interrupted && p->next < suite_count(p->sh->suite) &&
           (!p->how->may_start || p->how->may_start(p->sh));
}

void cli_run_in_workers(struct shell *sh, const struct pool_how *how)
{
    struct pool *p = MEM_NEW(struct pool);
    BUG_ON(how->jobs == 0 || how->jobs > OPTIONS_JOBS_MAX, "so many runs at a time can be had");
    p->sh = sh;
    p->how = how;
    p->results = MEM_NEW_ARRAY(struct buf, suite_count(sh->suite) + 1);
    for (bool starts = true; starts || p->running > 0;) {
        pass_on(p);
        bool had = true;
        while (had && p->running < how->jobs && may_start(p))
            had = worker_start(p);
        if (!had && p->running == 0) /* no process: then here */
            carry_out_here(p);
        if (p->running > 0)
            pool_wait(p);
        give_on_what_is_there(p);
        if (how->looked)
            how->looked(sh);
        starts = may_start(p);
    }
    arena_free(&p->scratch);
    mem_free(p->results);
    mem_free(p);
}
