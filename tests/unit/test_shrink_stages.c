/* Goal: each stage of shrinking takes what it may and leaves the rest; the comments say what happens without a line; the
 * writer of reduced files puts each entry and its note where a reader of YAML finds the same again.
 * Method: files of a few lines are judged by a rule over their text, of which each test has its own; no world, no loader. */
#include "sim/scenario/shrink/shrink.h"
#include "sim/scenario/shrink/tree.h"
#include "tests/unit/support/check.h"

#define NS_PER_S_TEST INT64_C(1000000000)

typedef void judge_fn(struct str text, struct shrink_outcome *out);

struct table {
    judge_fn *judge;
    size_t runs, runs_max; /* 0: as many as it takes */
    size_t told;           /* times that something became smaller */
    int64_t spent_ns;
};

static bool has(struct str text, const char *what)
{
    return str_find(text, str_c(what)) >= 0;
}

static void fails(struct shrink_outcome *out, bool so)
{
    if (so)
        *out = (struct shrink_outcome){SHRINK_FAILED, STR("assert"), STR("it breaks"),
                                       STR("seen: one"), -1};
}

static void run(void *ctx, const struct str *texts, size_t n, struct shrink_outcome *out)
{
    struct table *t = ctx;
    for (size_t i = 0; i < n; i++) {
        out[i] = (struct shrink_outcome){.end = SHRINK_PASSED, .at_ns = -1};
        t->judge(texts[i], &out[i]);
        t->runs++;
    }
}

static bool over(void *ctx)
{
    const struct table *t = ctx;
    return t->runs_max > 0 && t->runs >= t->runs_max;
}

static int64_t spent(void *ctx)
{
    return ((const struct table *)ctx)->spent_ns;
}

static void progress(void *ctx, const char *stage, const struct shrink_size *size, size_t runs)
{
    struct table *t = ctx;
    assert_true(*stage && runs <= t->runs);
    assert_true(size->faults < 10000);
    t->told++;
}

struct result {
    struct arena arena;
    struct buf out;
    struct shrink_summary sum;
    struct table table;
};

static struct err *reduce_kind(struct result *r, const char *text, const char *kind)
{
    struct shrink_job job = {.arena = &r->arena,
                             .text = str_c(text),
                             .want = {SHRINK_FAILED, str_c(kind), STR("it breaks"), str_empty, 0},
                             .origin = STR("it.yaml"),
                             .again = STR("paddock-sim run it.yaml"),
                             .width = 2,
                             .run = run,
                             .over = over,
                             .spent_ns = r->table.spent_ns ? spent : NULL,
                             .progress = progress,
                             .ctx = &r->table};
    return shrink(&job, &r->out, &r->sum);
}

static struct result reduce(const char *text, judge_fn *judge)
{
    struct result r = {.table = {.judge = judge}};
    check_ok(reduce_kind(&r, text, "assert"));
    return r;
}

static void result_free(struct result *r)
{
    buf_free(&r->out);
    arena_free(&r->arena);
}

/* What is left is this, below the three lines of the head. */
static void expect_left(struct result *r, const char *want)
{
    struct str left = buf_str(&r->out), line;
    while (str_starts(left, STR("#")))
        (void)str_cut(left, '\n', &line, &left);
    check_str(left, want);
    result_free(r);
}

/* ---- what may go ---- */

static void always(struct str text, struct shrink_outcome *out)
{
    fails(out, has(text, "it breaks"));
    if (has(text, "do: {}") || has(text, "{}]"))
        out->end = SHRINK_INVALID;
}

/* It fails without any fault as well: what operators do is what it takes, faults and waits are not. */
static void what_operators_do_stays_where_no_fault_is_needed(void **state)
{
    struct result r =
        reduce("steps:\n"
               "  - {name: op, do: {manager.restart: site/a}}\n"
               "  - {name: one, do: {fault: {process: pause}, target: site/a}}\n"
               "  - {name: mixed, do: [{fault: {process: pause}, target: site/a}, "
               "{manager.restart: site/b}]}\n"
               "  - {name: harm, do: [{fault: {net: reset}}, {fault: {net: reset}}]}\n"
               "  - {name: settle, wait: {until: x}}\n"
               "  - {name: alone, do: [{manager.restart: site/c}]}\n"
               "assert: [{name: it breaks, never: x}, {always: y}]\n",
               always);
    assert_int_equal(r.sum.before.faults, 4);
    assert_int_equal(r.sum.before.steps, 6);
    assert_int_equal(r.sum.after.faults, 0);
    assert_int_equal(r.sum.after.steps, 3);
    assert_int_equal(r.sum.after.clusters, 0);
    assert_true(r.table.told > 0);
    expect_left(&r, "steps:\n"
                    "  - {name: op, do: {manager.restart: site/a}}\n"
                    "  - {name: mixed, do: [{manager.restart: site/b}]}\n"
                    "  - {name: alone, do: [{manager.restart: site/c}]}\n"
                    "assert:\n"
                    "  - {name: it breaks, never: x}  # this is what fails\n");
}

static void needs_pause(struct str text, struct shrink_outcome *out)
{
    fails(out, has(text, "it breaks") && has(text, "process: pause"));
}

static void senseless_without_faults(struct str text, struct shrink_outcome *out)
{
    fails(out, true);
    if (!has(text, "fault:") || has(text, "{}"))
        out->end = SHRINK_INVALID;
}

/* Nobody knows how it ends without any fault: then nothing is said of it, and what operators do stays. */
static void where_faults_cannot_all_go_operators_stay(void **state)
{
    struct result r = reduce("steps:\n"
                             "  - {name: op, do: {manager.restart: site/a}}\n"
                             "  - {name: one, do: {fault: {process: pause}, target: site/a}}\n",
                             senseless_without_faults);
    expect_left(&r,
                "steps:\n"
                "  - {name: op, do: {manager.restart: site/a}}\n"
                "  - {name: one, do: {fault: {process: pause}, target: site/a}}  # others refer "
                "to it\n");
}

/* The same steps where the fault is what it takes: all the rest goes, actions of a list one by one. */
static void with_a_fault_that_is_needed_the_rest_goes(void **state)
{
    struct result r = reduce("steps:\n"
                             "  - {name: op, do: {manager.restart: site/a}}\n"
                             "  - {name: mixed, do: [{fault: {process: pause}, target: site/a}, "
                             "{manager.restart: site/b}]}\n"
                             "traffic: {users: {rate: 3}}\n"
                             "policies: {tunnel.dead_after: 5m}\n"
                             "assert: [{name: it breaks, never: x}]\n",
                             needs_pause);
    assert_int_equal(r.sum.after.steps, 1);
    expect_left(&r, "steps:\n"
                    "  - {name: mixed, do: [{fault: {process: pause}, target: site/a}]}  # without "
                    "it: passes\n"
                    "assert:\n"
                    "  - {name: it breaks, never: x}  # this is what fails\n");
}

static void breaks_in_the_end(struct str text, struct shrink_outcome *out)
{
    *out = (struct shrink_outcome){SHRINK_FAILED, STR("error"), STR("it breaks"), str_empty, -1};
    if (!has(text, "net: reset"))
        out->end = SHRINK_PASSED;
}

/* What fails is no assertion: none of them is left. */
static void an_error_needs_no_assertion(void **state)
{
    struct result r = {.table = {.judge = breaks_in_the_end, .spent_ns = 41 * NS_PER_S_TEST}};
    check_ok(reduce_kind(&r,
                         "faults: [{target: site/a, fault: {net: reset}}]\n"
                         "assert: [{name: it breaks, never: x}, {name: other, never: x}]\n",
                         "error"));
    assert_true(has(buf_str(&r.out), "# Shrunk from it.yaml: 1 of 1 faults, 0 of 0 steps, 0 of 0 "
                                     "clusters left after "));
    assert_true(has(buf_str(&r.out), " and 42 s.\n"));
    assert_true(has(buf_str(&r.out), "# It fails: error \"it breaks\": \n") ||
                has(buf_str(&r.out), "# It fails: error \"it breaks\":\n"));
    expect_left(&r, "faults:\n  - {target: site/a, fault: {net: reset}}  # without it: passes\n");
}

static void breaks_or_trips(struct str text, struct shrink_outcome *out)
{
    if (has(text, "it breaks"))
        *out = (struct shrink_outcome){SHRINK_FAILED, STR("monitor"), STR("it breaks"),
                                       STR("tripped"), -1};
}

static void other_failures_are_not_the_one(void **state)
{
    struct result r = {.table = {.judge = breaks_or_trips}};
    check_err(reduce_kind(&r, "assert: [{name: it breaks}]\n", "assert"), ERR_INVALID,
              "it does not fail the same way: seen: monitor \"it breaks\" tripped");
    assert_int_equal(r.out.n, 0);
    result_free(&r);
}

/* ---- why each line is left ---- */

static void by_what_is_missing(struct str text, struct shrink_outcome *out)
{
    bool pause = has(text, "pause"), kill = has(text, "kill"), cut = has(text, "cut");
    fails(out, true);
    if (!pause && !kill && !cut)
        *out = (struct shrink_outcome){SHRINK_FAILED, STR("assert"), STR("another"), str_empty, -1};
    else if (!pause)
        *out =
            (struct shrink_outcome){SHRINK_FAILED, STR("monitor"), STR("it breaks"), str_empty, -1};
    else if (!kill)
        out->end = SHRINK_INVALID;
    else if (!cut)
        out->end = SHRINK_UNJUDGED;
    else if (!has(text, "site/b"))
        *out = (struct shrink_outcome){SHRINK_FAILED, STR("assert"), STR("another"), str_empty, -1};
}

static void each_line_says_what_happens_without_it(void **state)
{
    struct result r = reduce("faults:\n"
                             "  - {fault: {process: pause}}\n"
                             "  - {fault: {process: kill}}\n"
                             "  - {fault: {net: cut}}\n"
                             "topology: {sites: {a: {x: 1}, b: {manager: site/b}}}\n"
                             "assert: [{name: it breaks}]\n",
                             by_what_is_missing);
    expect_left(&r, "faults:\n"
                    "  - {fault: {process: pause}}  # without it: fails otherwise (monitor \"it "
                    "breaks\")\n"
                    "  - {fault: {process: kill}}  # others refer to it\n"
                    "  - {fault: {net: cut}}\n"
                    "topology: {sites: {b: {manager: site/b}}}"
                    "  # without it: fails otherwise (assert \"another\")\n"
                    "assert:\n"
                    "  - {name: it breaks}  # this is what fails\n");
}

/* ---- numbers ---- */

/* The number behind the name; 0: it is not there. */
static uint64_t number_of(struct str text, const char *name)
{
    ptrdiff_t at = str_find(text, str_c(name));
    uint64_t n = 0;
    for (size_t i = at < 0 ? text.n : (size_t)at + strlen(name);
         i < text.n && text.p[i] >= '0' && text.p[i] <= '9'; i++)
        n = n * 10 + (uint64_t)(text.p[i] - '0');
    return n;
}

static void needs_two_days(struct str text, struct shrink_outcome *out)
{
    static const char *const needed[] = {
        "48h", "[0..4]", "ever", "x[", "a: {manager: {", "b: {manager: 1}", "c: {}", "net: reset"};
    bool all = number_of(text, "nodes: ") >= 3 && number_of(text, "replicas: ") != 2;
    for (size_t i = 0; i < ARRAY_LEN(needed); i++)
        all = all && has(text, needed[i]);
    fails(out, all);
    out->at_ns = 30 * NS_PER_S_TEST;
}

static void numbers_that_cannot_be_less_stay(void **state)
{
    struct result r = reduce("clock: {limit: soon}\n"
                             "topology:\n"
                             "  sites: {a: {manager: {}}, b: {manager: 1}, c: {}}\n"
                             "  clusters: {edge: {count: many, nodes: 7, agent: {replicas: 3}}, "
                             "far: {count: 0}, near: {nodes: 1}, more: {count: 2}}\n"
                             "faults:\n"
                             "  - {for: 48h, target: \"edge[0..4]\", fault: {net: reset}}\n"
                             "  - {for: ever, target: \"edge]x[..\", fault: {net: reset}}\n",
                             needs_two_days);
    assert_int_equal(r.sum.before.clusters, 3); /* the 2, the 1 that is not said */
    expect_left(&r, "clock: {limit: soon}\n"
                    "topology:\n"
                    "  # without it: passes; without it: passes; without it: passes\n"
                    "  sites: {a: {manager: {replicas: 1}}, b: {manager: 1}, c: {}}\n"
                    "  clusters: {edge: {count: many, nodes: 3}}  # without it: passes; with 2 it "
                    "passes\n"
                    "faults:\n"
                    "  - {for: 48h, target: \"edge[0..4]\", fault: {}}  # without it: passes; with "
                    "24h it passes\n"
                    "  - {for: ever, target: \"edge]x[..\", fault: {net: reset}}  # without it: "
                    "passes\n");
}

static void needs_three_while_it_lasts(struct str text, struct shrink_outcome *out)
{
    fails(out,
          has(text, "net: reset") && number_of(text, "nodes: ") >= (has(text, "for: 1s") ? 1 : 3));
}

/* The time comes behind the number, which is looked at again in the next round: what was said of it while the fault lasted
 * is not said of the 1 that it is now. */
static void a_number_has_no_note_of_before(void **state)
{
    struct result r = reduce("topology: {clusters: {edge: {nodes: 4}}}\n"
                             "faults:\n  - {for: 10m, fault: {net: reset}}\n"
                             "assert: [{name: it breaks}]\n",
                             needs_three_while_it_lasts);
    expect_left(&r, "topology: {clusters: {edge: {nodes: 1}}}  # without it: passes\n"
                    "faults:\n  - {for: 1s, fault: {net: reset}}  # without it: passes\n"
                    "assert:\n  - {name: it breaks}  # this is what fails\n");
}

static void after_a_minute(struct str text, struct shrink_outcome *out)
{
    fails(out, has(text, "net: reset") && !has(text, "limit: 1m1s") && !has(text, "limit: 1m4s"));
    out->at_ns = 60 * NS_PER_S_TEST + 5;
}

static void the_end_comes_soon_after_the_failure(void **state)
{
    static const struct {
        const char *clock, *left;
    } rows[] = {
        {"{limit: 30m}", "{limit: 1m16s}"}, /* not after 1 s, nor after 4 */
        {"{limit: 70s}", "{limit: 70s}"},   /* the next one would be later */
        {"{limit: 1m}", "{limit: 1m}"},
        {"{limit: never}", "{limit: never}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a = {0};
        struct str text =
            arena_printf(&a, "clock: %s\nfaults: [{fault: {net: reset}}]\n", rows[i].clock);
        struct result r = reduce(arena_c(&a, text), after_a_minute);
        struct str want = arena_printf(
            &a, "clock: %s\nfaults:\n  - {fault: {net: reset}}  # without it: passes\n",
            rows[i].left);
        expect_left(&r, arena_c(&a, want));
        arena_free(&a);
    }
}

static void needs_the_kill(struct str text, struct shrink_outcome *out)
{
    fails(out, has(text, "manager.kill") && (!has(text, "twice") || has(text, "repeat")));
    if (has(text, "repeat: ") && !has(text, "times: ") && !has(text, "each: "))
        out->end = SHRINK_INVALID;
}

/* Three times become once; once is not a repetition, unless it has to be one. */
static void what_is_done_once_is_not_repeated(void **state)
{
    struct result r = reduce("steps:\n"
                             "  - {name: \"no ${i}\", repeat: {times: 3, every: 2s}, "
                             "do: {manager.kill: \"manager/a[${i}]\"}}\n",
                             needs_the_kill);
    expect_left(
        &r, "steps:\n"
            "  - {name: \"no 0\", do: {manager.kill: \"manager/a[0]\"}}  # without it: passes\n");
    r = reduce("steps:\n"
               "  - {name: twice, repeat: {times: 2}, do: {manager.kill: \"a[${i}]\"}}\n",
               needs_the_kill);
    expect_left(
        &r, "steps:\n"
            "  - {name: twice, repeat: {times: 1}, do: {manager.kill: \"a[0]\"}}  # without it: "
            "passes\n");
    r = reduce("steps:\n  - {name: twice, repeat: {each: x}, do: {manager.kill: a}}\n",
               needs_the_kill);
    expect_left(&r, "steps:\n"
                    "  - {name: twice, repeat: {each: x}, do: {manager.kill: a}}  # without it: "
                    "passes\n");
}

/* ---- bounds ---- */

/* p1 goes when it is looked for; f1 when p1 has gone; p2 when f1 has; and so on: a pair for each round. */
static void chain(struct str text, struct shrink_outcome *out)
{
    static const char *const links[] = {"p.one",   "f.one",  "p.two",  "f.two",  "p.three",
                                        "f.three", "p.four", "f.four", "p.five", "f.five"};
    bool broken = false;
    for (size_t i = 0; i + 1 < ARRAY_LEN(links); i++)
        broken = broken || (has(text, links[i]) && !has(text, links[i + 1]));
    fails(out, has(text, "net: reset") && !broken);
}

static void rounds_are_bounded(void **state)
{
    struct result r = reduce("policies: {p.one: 1, p.two: 1, p.three: 1, p.four: 1, p.five: 1}\n"
                             "faults: [{fault: {net: reset}}, {name: f.one}, {name: f.two}, "
                             "{name: f.three}, {name: f.four}, {name: f.five}]\n",
                             chain);
    assert_true(r.sum.complete);
    expect_left(&r, "policies: {p.five: 1}  # without it: passes\n"
                    "faults:\n"
                    "  - {fault: {net: reset}}  # without it: passes\n"
                    "  - {name: f.four}\n" /* it might go */
                    "  - {name: f.five}  # without it: passes\n");
}

#define MANY 5000u

/* More of them than one stage tries: the rest goes with the next one. */
static void more_than_a_stage_takes_goes_in_rounds(void **state)
{
    struct buf text = {0};
    buf_add_c(&text, "faults: [{fault: {process: pause}}]\nassert:\n");
    for (size_t i = 0; i < MANY; i++)
        buf_addf(&text, "  - {name: a%zu}\n", i);
    buf_add_c(&text, "  - {name: it breaks}\n");
    struct result r = reduce(buf_c(&text), needs_pause);
    buf_free(&text);
    assert_true(r.sum.runs < 40);
    expect_left(&r, "faults:\n  - {fault: {process: pause}}  # without it: passes\n"
                    "assert:\n  - {name: it breaks}  # this is what fails\n");
}

/* Whenever the time is over, what is written fails the same way and says so. */
static void the_time_may_end_any_stage(void **state)
{
    static const char text[] =
        "clock: {limit: 30m}\n"
        "topology: {sites: {a: {manager: {}}, b: {agent: {}}}, clusters: {edge: {count: 9, agent: "
        "{}}}}\n"
        "policies: {some.policy: 1}\n"
        "faults:\n  - {for: 10m, fault: {process: pause}}\n  - {for: 1m, fault: {net: cut}}\n"
        "steps:\n  - {name: x, repeat: {times: 1}, do: [{fault: {net: cut}}, {a.b: c}]}\n"
        "assert: [{name: it breaks, never: x}, {name: other}]\n";
    struct result whole = reduce(text, needs_pause);
    assert_true(whole.sum.complete);
    for (size_t runs = 1; runs <= whole.table.runs; runs++) {
        struct result r = {.table = {.judge = needs_pause, .runs_max = runs}};
        struct shrink_outcome end = {.end = SHRINK_PASSED};
        check_ok(reduce_kind(&r, text, "assert"));
        needs_pause(buf_str(&r.out), &end);
        assert_int_equal(end.end, SHRINK_FAILED);
        assert_true(r.table.runs <= runs + 2); /* those under way, and the last look */
        assert_int_equal(r.sum.complete, !has(buf_str(&r.out), "# The time was over"));
        result_free(&r);
    }
    result_free(&whole);
}

/* ---- the writer ---- */

#define LONG  "\"a text that is of such a length that no two of them are on one line of the file\""
#define LONG2 "\"one more text that is of such a length that no two of them are on one line\""

static struct tree *read(struct arena *a, const char *text)
{
    struct yaml_node *root;
    check_ok(yaml_parse(a, STR("text"), str_c(text), &root));
    return tree_of(a, root);
}

static void expect_written(const struct tree *root, const char *want)
{
    struct buf out = {0};
    tree_write(root, &out);
    check_str(buf_str(&out), want);
    buf_free(&out);
}

static void what_is_written_is_read_again_the_same(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"a: ~\nb: 'x'\nc: null\n\"d e\": 1\nf:\n",
         "a: null\nb: \"x\"\nc: null\n\"d e\": 1\nf: null\n"},
        {"a: {}\nb: []\nc: {d: {}, e: []}\n", "a: {}\nb: []\nc: {d: {}, e: []}\n"},
        {"a: [1, [2, three], {four: 'five'}]\n",
         "a:\n  - 1\n  - [2, three]\n  - {four: \"five\"}\n"},
        {"a: {b: " LONG ", c: " LONG2 "}\n", "a:\n  b: " LONG "\n  c: " LONG2 "\n"},
        {"a: {b: [" LONG ", " LONG2 "]}\n", "a:\n  b:\n    - " LONG "\n    - " LONG2 "\n"},
        {"a: [{b: " LONG ", c: " LONG2 "}, {d: 1}]\n",
         "a:\n  - b: " LONG "\n    c: " LONG2 "\n  - {d: 1}\n"},
        {"a: [[" LONG ", " LONG2 "]]\n", "a:\n  - - " LONG "\n    - " LONG2 "\n"},
        {"a: [{b: {c: " LONG ", d: " LONG2 "}}]\n",
         "a:\n  - b:\n      c: " LONG "\n      d: " LONG2 "\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a = {0};
        expect_written(read(&a, rows[i].text), rows[i].want);
        expect_written(read(&a, rows[i].want), rows[i].want);
        arena_free(&a);
    }
}

static void what_is_hidden_goes_with_what_it_was_all_of(void **state)
{
    struct arena a = {0};
    struct tree *root = read(&a, "a: {b: 1}\nc: {d: {e: 1}, f: [1]}\ng: [1]\n");
    tree_path(root, "a.b")->hidden = true;
    tree_path(root, "c.d.e")->hidden = true;
    tree_path(root, "c.f")->first->hidden = true;
    tree_path(root, "g")->first->hidden = true;
    expect_written(root, "c: {d: {}}\n");
    assert_null(tree_path(root, "a.b"));
    assert_null(tree_path(root, "a.b.c"));
    assert_null(tree_path(root, "g.x"));
    assert_null(tree_get(NULL, "a"));
    assert_int_equal(tree_count(NULL), 0);
    check_str(tree_set(&a, root, "h", YAML_STRING, STR("x"))->text, "x");
    check_str(tree_set(&a, root, "c", YAML_INT, STR("2"))->text, "2");
    expect_written(root, "c: 2\nh: \"x\"\n");
    arena_free(&a);
}

static void notes_stand_where_they_fit(void **state)
{
    struct arena a = {0};
    struct tree *root = read(&a, "a: {b: 1, c: 2}\n"
                                 "d: " LONG "\n"
                                 "e: [{f: " LONG ", g: " LONG2 "}, {h: " LONG ", i: [1]}]\n"
                                 "j: {k: {l: " LONG ", m: " LONG2 "}}\n");
    struct tree *first = tree_path(root, "e")->first;
    tree_path(root, "a.b")->note = STR("one");
    tree_path(root, "a.c")->note = STR("two");
    tree_path(root, "d")->note = STR("of a length that is too much behind it");
    first->note = STR("the whole entry");
    first->first->note = STR("it hangs behind the dash");
    first->next->first->note = STR("a");
    tree_path(root, "j.k")->note = STR("of\nlines\rthree");
    expect_written(root, "a: {b: 1, c: 2}  # one; two\n"
                         "# of a length that is too much behind it\n"
                         "d: " LONG "\n"
                         "e:\n"
                         "  # the whole entry\n"
                         "  - f: " LONG "  # it hangs behind the dash\n"
                         "    g: " LONG2 "\n"
                         "  # a\n"
                         "  - {h: " LONG ", i: [1]}\n"
                         "j:\n"
                         "  # of lines three\n"
                         "  k:\n"
                         "    l: " LONG "\n"
                         "    m: " LONG2 "\n");
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_operators_do_stays_where_no_fault_is_needed),
        cmocka_unit_test(where_faults_cannot_all_go_operators_stay),
        cmocka_unit_test(with_a_fault_that_is_needed_the_rest_goes),
        cmocka_unit_test(an_error_needs_no_assertion),
        cmocka_unit_test(other_failures_are_not_the_one),
        cmocka_unit_test(each_line_says_what_happens_without_it),
        cmocka_unit_test(numbers_that_cannot_be_less_stay),
        cmocka_unit_test(a_number_has_no_note_of_before),
        cmocka_unit_test(the_end_comes_soon_after_the_failure),
        cmocka_unit_test(what_is_done_once_is_not_repeated),
        cmocka_unit_test(rounds_are_bounded),
        cmocka_unit_test(more_than_a_stage_takes_goes_in_rounds),
        cmocka_unit_test(the_time_may_end_any_stage),
        cmocka_unit_test(what_is_written_is_read_again_the_same),
        cmocka_unit_test(what_is_hidden_goes_with_what_it_was_all_of),
        cmocka_unit_test(notes_stand_where_they_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
