/* The worker pool of `run`: runs at a time, a process each, whose result comes back through a pipe. */
#include "sim/cli/cli.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_MS 200 /* a signal just before a wait is noticed after this time */

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
    const struct report_run *run = cli_carry_out(sh, job);
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
    p->sh->interrupted = p->sh->interrupted || cli_signalled();
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

void cli_run_in_workers(struct shell *sh, size_t jobs)
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
            p->results[p->next] = cli_carry_out(sh, p->next);
            p->next++;
        }
        if (p->running > 0)
            pool_wait(p);
        for (; p->done < p->next && p->results[p->done]; p->done++)
            cli_run_done(sh, p->done, p->results[p->done]);
        if (p->running == 0 && (p->next == n || sh->interrupted))
            break;
    }
    mem_free(p->results);
    mem_free(p);
}
