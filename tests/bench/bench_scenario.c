/* Goal: what the headline scenario costs: simulated time by wall time for a day of 100 clusters, and for two hours of
 * 2,000, with the memory that these take.
 * Method: dns-failover (power loss, hardened) with two agents a cluster and memory set up as paddock-sim does, carried
 * out in a process of its own each, so that the peak of resident memory is that run's. A run that does not pass is told
 * on standard error, and is a failure: its figures would be of another story. Run from the root of the tree. */
#include "sim/scenario/suite/suite.h"

#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HEAP_STEP_BYTES (1 << 30) /* of addresses: what is not written to costs nothing */
#define HUGE_PAGE_BYTES ((uintptr_t)2 << 20)
#define MAPPED_BYTES    (32 << 20) /* a piece of this size is on its own */
#define SCENARIO        "scenarios/dns/dns-failover.yaml"

static const struct figure {
    const char *ratio, *rss; /* NULL: not shown */
    const char *clusters, *agents, *limit;
} figures[] = {
    {"scenario.ratio_100_clusters_24h", NULL, "clusters=100", "agents=2", "limit=24h"},
    {"scenario.ratio_2000_clusters_2h", "scenario.rss_2000_clusters_2h", "clusters=2000",
     "agents=2", "limit=2h"},
};

/* As the program does (sim/main.c): memory is taken from the system in large steps, in huge pages where it has them, and not given back piece by piece: a
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

static int64_t wall_clock(void *ctx)
{
    struct timespec t;
    (void)ctx;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool read_scenario(struct buf *out)
{
    char chunk[4096];
    FILE *f = fopen(SCENARIO, "rb");
    if (!f)
        return false;
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        buf_add(out, (struct str){chunk, n});
    fclose(f);
    return true;
}

static bool passed(const struct report_run *run)
{
    for (size_t i = 0; i < run->failures_n; i++)
        fprintf(stderr, "%.*s: %.*s\n", STR_ARG(run->failures[i].name),
                STR_ARG(run->failures[i].text));
    return run->outcome == REPORT_PASSED;
}

static void print_figure(const struct figure *f, int64_t simulated_ns, int64_t wall_ns)
{
    struct rusage used;
    printf("{\"bench\":\"%s\",\"value\":%lld,\"unit\":\"simulated s/s\"}\n", f->ratio,
           (long long)(simulated_ns / (wall_ns > 0 ? wall_ns : 1)));
    if (f->rss && getrusage(RUSAGE_SELF, &used) == 0)
        printf("{\"bench\":\"%s\",\"value\":%lld,\"unit\":\"bytes\"}\n", f->rss,
               (long long)used.ru_maxrss * 1024);
}

static int measure(const struct figure *f)
{
    struct str sets[] = {str_c(f->clusters), str_c(f->agents), str_c(f->limit)};
    struct options options = {.command = COMMAND_RUN,
                              .profile = STR("hardened"),
                              .case_filter = STR("event=power-loss"),
                              .sets = sets,
                              .sets_n = ARRAY_LEN(sets)};
    struct run_options how = {.log_level = LOG_ERROR, .wall_clock = wall_clock, .until_ns = -1};
    struct buf text = {0}, errors = {0};
    int64_t start = wall_clock(NULL);
    expect_much();
    struct suite *s = suite_new(&options, &how);
    if (!read_scenario(&text) || !suite_add_file(s, STR(SCENARIO), buf_str(&text), &errors)) {
        fprintf(stderr, "%s cannot be read\n%s", SCENARIO, buf_c(&errors));
        return 1;
    }
    struct arena a = {0};
    err_ignore(suite_lay_out(s)); /* it is one run */
    const struct report_run *run = suite_run(s, 0, &a);
    print_figure(f, run->simulated_ns, wall_clock(NULL) - start);
    int code = passed(run) ? 0 : 1;
    arena_free(&a);
    buf_free(&text);
    buf_free(&errors);
    suite_free(s);
    return code;
}

static int in_own_process(const struct figure *f)
{
    int status = 0;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        int code = measure(f);
        fflush(stdout);
        _exit(code);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status)
                                                                           : 1;
}

int main(void)
{
    int code = 0;
    for (size_t i = 0; i < ARRAY_LEN(figures); i++)
        code |= in_own_process(&figures[i]);
    return code;
}
