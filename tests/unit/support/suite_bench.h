/* suite_bench: the suite of a command line over a tiny file. A run can be carried out, or reported as lost or passed without
 * being carried out, where only the order of runs counts. */
#ifndef PADDOCK_TESTS_UNIT_SUPPORT_SUITE_BENCH_H
#define PADDOCK_TESTS_UNIT_SUPPORT_SUITE_BENCH_H

#include "sim/scenario/suite/suite.h"
#include "tests/unit/support/check.h"

#define HEAD                                                                                       \
    "scenario: v1\n"                                                                               \
    "name: t\n"                                                                                    \
    "clock: {start: \"2026-01-01T00:00:00Z\", limit: 1m}\n"                                        \
    "topology:\n"                                                                                  \
    "  sites: {a: {manager: {replicas: 1}}}\n"                                                     \
    "  clusters: {edge: {count: 1, nodes: 1, agent: {replicas: 1}}}\n"                             \
    "  dns: {zone: x.test, records: {manager: {ttl: 30s, value: [site/a]}}}\n"
#define PARAMS                                                                                     \
    "params: {size: {type: int, default: 1, max: 500}, depth: {type: int, default: 1}}\n"          \
    "measure: {m: {gauge: \"count(agent) * ${size} + ${depth}\"}}\n"
#define MATRIX                                                                                     \
    "matrix: {x: [{id: one, k: 1}, {id: two, k: 2}]}\n"                                            \
    "quiet: {from: \"${matrix.x.k * 1s}\"}\n"
#define BOTH   "profile: [compat, hardened]\n"
#define UNSEEN "assert: [{name: never seen, sometimes: \"count(agent) == 7\"}]\n"
#define POINTS                                                                                     \
    "faults:\n"                                                                                    \
    "  - {name: it, at: 0s, for: 60s, target: manager/a, fault: {process: crash, at: each-write, " \
    "of: clusterregistrationtokens}}\n"

struct bench {
    struct arena arena;
    struct options options;
    struct suite *suite;
    struct buf errors;
    bool interrupted;
};

static inline int64_t bench_clock(void *ctx)
{
    return 0;
}

/* The suite of a command line without its files. */
static inline void bench_open(struct bench *b, const char *line)
{
    char *argv[16] = {(char *)(uintptr_t) "paddock-sim"};
    int n = 1;
    *b = (struct bench){.interrupted = false};
    struct str word, rest = str_c(line);
    while (rest.n) {
        (void)str_cut(rest, ' ', &word, &rest);
        argv[n++] = (char *)(uintptr_t)arena_c(&b->arena, word);
    }
    check_ok(options_parse(&b->arena, n, argv, &b->options));
    struct run_options run = {
        .log_level = LOG_ERROR, .wall_clock = bench_clock, .interrupted = &b->interrupted};
    b->suite = suite_new(&b->options, &run);
}

static inline bool bench_add(struct bench *b, const char *file, const char *rest)
{
    struct str text = arena_printf(&b->arena, "%s%s", HEAD, rest);
    return suite_add_file(b->suite, str_c(file), text, &b->errors);
}

static inline void bench_lay_out(struct bench *b, const char *rest)
{
    if (!bench_add(b, "t.yaml", rest))
        fail_msg("%s", buf_c(&b->errors));
    check_ok(suite_lay_out(b->suite));
}

static inline void bench_close(struct bench *b)
{
    suite_free(b->suite);
    buf_free(&b->errors);
    arena_free(&b->arena);
}

/* As if the process of the run had died: everything about it is known but what came of it. */
static inline const struct report_run *lose(struct bench *b, size_t i)
{
    return suite_done(b->suite, i, suite_lost(b->suite, i, STR("it died"), &b->arena));
}

/* As if it had passed. */
static inline const struct report_run *pass(struct bench *b, size_t i)
{
    struct report_run *run = suite_lost(b->suite, i, STR("it died"), &b->arena);
    run->outcome = REPORT_PASSED;
    run->failures_n = 0;
    return suite_done(b->suite, i, run);
}

static inline void carry_out_all(struct bench *b)
{
    for (size_t i = 0; i < suite_count(b->suite); i++)
        suite_done(b->suite, i, suite_run(b->suite, i, &b->arena));
}

#endif
