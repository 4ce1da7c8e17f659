/* The worker pool of `run` and `sweep`: runs at a time, a process each, whose result comes back through a pipe. */
#include "sim/cli/child.h"
#include "sim/cli/cli.h"

#include <unistd.h>

#define LOOK_MS         200   /* a signal just before a wait is noticed after this time */
#define RUN_SECONDS_MAX 3600u /* a run that hangs where no budget is looked at */

struct result {
    struct buf bytes; /* packed */
    bool there;
};

struct pool {
    struct shell *sh;
    const struct pool_how *how;
    struct child children[OPTIONS_JOBS_MAX];
    size_t jobs[OPTIONS_JOBS_MAX]; /* of each child */
    size_t running, next, done;
    struct result *results;
    size_t ready[OPTIONS_JOBS_MAX + 1]; /* those that came since the last round */
    size_t ready_n;
    struct arena scratch;
    bool told; /* the workers have been told to end */
};

/* ---- a run ---- */

struct work {
    struct shell *sh;
    size_t job;
};

static void be_worker(void *ctx, struct buf *out)
{
    const struct work *w = ctx;
    struct arena a = {0};
    cli_catch_signals(false); /* told to the whole group, one comes from there and one from us */
    alarm(RUN_SECONDS_MAX);
    suite_pack(w->sh->suite, w->job, cli_carry_out(w->sh, w->job, &a), out);
    arena_free(&a);
}

/* False: no process can be had now. */
static bool worker_start(struct pool *p)
{
    size_t at = 0;
    while (p->children[at].pid)
        at++;
    struct work work = {p->sh, p->next};
    if (!child_start(&p->children[at], &(struct child_work){be_worker, &work, .heard = true}))
        return false;
    p->jobs[at] = p->next++;
    p->running++;
    return true;
}

static void is_there(struct pool *p, size_t job)
{
    p->results[job].there = true;
    p->ready[p->ready_n++] = job;
}

static void carry_out_here(struct pool *p)
{
    size_t job = p->next++;
    const struct report_run *run = cli_carry_out(p->sh, job, &p->scratch);
    suite_pack(p->sh->suite, job, run, &p->results[job].bytes);
    is_there(p, job);
    arena_reset(&p->scratch);
}

/* ---- results ---- */

/* What a process left, as it is; one that left nothing is an error of its run. */
static void worker_end(struct pool *p, size_t at)
{
    struct child *c = &p->children[at];
    size_t job = p->jobs[at];
    struct buf why = {0};
    if (child_end(c, &why)) {
        p->results[job].bytes = c->bytes;
        c->bytes = (struct buf){0};
    } else {
        const struct report_run *lost = suite_lost(p->sh->suite, job, buf_str(&why), &p->scratch);
        suite_pack(p->sh->suite, job, lost, &p->results[job].bytes);
        arena_reset(&p->scratch);
    }
    child_free(c);
    buf_free(&why);
    is_there(p, job);
    p->running--;
}

static void give_on(struct pool *p, size_t job)
{
    p->how->done(p->sh, suite_take(p->sh->suite, job, buf_str(&p->results[job].bytes)));
    buf_free(&p->results[job].bytes);
}

/* In order, or as they come. */
static void give_on_what_is_there(struct pool *p)
{
    for (size_t i = 0; i < p->ready_n && !p->how->in_order; i++)
        give_on(p, p->ready[i]);
    p->ready_n = 0;
    for (; p->how->in_order && p->done < p->next && p->results[p->done].there; p->done++)
        give_on(p, p->done);
}

/* ---- the pool ---- */

/* The terminal tells the workers itself; a signal to this process alone is passed on. */
static void pass_on(struct pool *p)
{
    p->sh->interrupted = p->sh->interrupted || cli_signalled();
    if (!p->sh->interrupted || p->told)
        return;
    p->told = true;
    for (size_t i = 0; i < p->how->jobs; i++)
        child_kill(&p->children[i], SIGTERM);
}

static void pool_wait(struct pool *p)
{
    child_poll(p->children, p->how->jobs, LOOK_MS);
    for (size_t i = 0; i < p->how->jobs; i++)
        if (p->children[i].over)
            worker_end(p, i);
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
    p->results = MEM_NEW_ARRAY(struct result, suite_count(sh->suite) + 1);
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
