/* Goal: a suite runs what its options say, in this order and no other; what does not fit is refused in words that help; what
 * no run of a file saw is the file's own row.
 * Method: command lines over a tiny file, by the program's own reader of options. Where only the order counts, each run is
 * described and not carried out. */
#include "tests/unit/support/suite_bench.h"

#include "sim/scenario/suite/overall.h"

/* ---- what does not fit ---- */

static void options_that_do_not_fit_the_file(void **state)
{
    static const struct {
        const char *line, *text, *error;
    } rows[] = {
        {"run --set size", PARAMS, "--set takes NAME=VALUE, not \"size\""},
        {"run --set size=1000", PARAMS, "t.yaml: error: --set size: must be at most 500"},
        {"run --set sise=1", PARAMS, "did you mean \"size\"?"},
        {"sweep --set size=1 --set depth=1 --set size=2", PARAMS,
         "--set size is there twice; several values are size=V1,V2"},
        {"sweep --set size=1,2,1000", PARAMS, "must be at most 500"},
        {"run --until dawn", "steps: [{name: dusk, wait: {until: \"true\", within: 1s}}]\n",
         "--until: \"dawn\" is no time such as 12m30s and no step"},
        {"run --until dusc", "steps: [{name: dusk, wait: {until: \"true\", within: 1s}}]\n",
         "did you mean \"dusk\"?"},
        {"run --case x=three", MATRIX, "three"},
        {"run --case point=0", "", "\"point=0\": points are counted from 1"},
        {"run --case x=one,point=4294967296", MATRIX, "points are counted from 1"},
        {"run --case point=first", POINTS, "\"point=first\": points are counted from 1"},
        {"sweep --case x=two,point=2",
         MATRIX "faults: [{name: it, when: matrix.x.k == 1, at: 0s, target: manager/a, fault: "
                "{process: crash, at: each-write}}]\n",
         "there are no points"},
        {"run --case point=1", "", "there are no points: no fault is \"at: each-write\""},
        {"run --until dusk", "colour: red\n", "t.yaml:8:1: error: unknown field \"colour\""},
        {"run --until dusk", "steps: [{name: x, do: {manager.restart: site/z}}]\n", "site/z"},
        {"run", "steps: [", "t.yaml:"},
        {"run --policy tunnel.dead=1", "", "tunnel.dead"},
        {"run --set size --set depth=1", PARAMS, "--set takes NAME=VALUE, not \"size\""},
        {"sweep --set size=1000,1", PARAMS, "must be at most 500"},
        {"run --case point=0,x=one", MATRIX, "\"point=0\": points are counted from 1"},
        {"run --case x=one,y=two", MATRIX, "\"y\""},
        {"run", MATRIX "steps: [{name: x, do: {manager.restart: site/z}}]\n", "site/z"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bench b;
        bench_open(&b, rows[i].line);
        assert_false(bench_add(&b, "t.yaml", rows[i].text));
        if (str_find(buf_str(&b.errors), str_c(rows[i].error)) < 0)
            fail_msg("%s: %s", rows[i].line, buf_c(&b.errors));
        bench_close(&b);
    }
}

/* 101 values of each of two parameters. */
static void combinations_are_bounded(void **state)
{
    struct buf line = {0};
    struct bench b;
    buf_add_c(&line, "sweep");
    for (size_t p = 0; p < 2; p++)
        for (size_t i = 0; i <= 100; i++)
            buf_addf(&line, "%s1", i ? "," : p ? " --set depth=" : " --set size=");
    bench_open(&b, buf_c(&line));
    assert_false(bench_add(&b, "t.yaml", PARAMS));
    assert_true(str_find(buf_str(&b.errors), STR("more than 10000 combinations of values")) > 0);
    bench_close(&b);
    buf_free(&line);
}

static void runs_are_bounded(void **state)
{
    static const char *const lines[] = {
        "sweep --seeds 1..10000001", "sweep --seeds 1..18446744073709551615",
        "sweep --seeds 1..6000000", /* of each of the two */
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct bench b;
        bench_open(&b, lines[i]);
        assert_true(bench_add(&b, "t.yaml", i < 2 ? BOTH : ""));
        assert_true(bench_add(&b, "u.yaml", ""));
        check_err(suite_lay_out(b.suite), ERR_INVALID, "these are more than 10000000 runs");
        bench_close(&b);
    }
}

/* ---- what is run, in which order ---- */

static void expect_runs(const char *line, const char *rest, const char *want)
{
    struct bench b;
    struct buf got = {0};
    bench_open(&b, line);
    if (!bench_add(&b, "t.yaml", rest))
        fail_msg("%s", buf_c(&b.errors));
    if (str_find(str_c(line), STR("--case")) < 0)
        if (!bench_add(&b, "u.yaml", "seeds: {first: 7, count: 1}\n" PARAMS))
            fail_msg("%s", buf_c(&b.errors));
    check_ok(suite_lay_out(b.suite));
    for (size_t i = 0; i < suite_count(b.suite); i++) {
        const struct report_run *run = lose(&b, i);
        buf_addf(&got, "%.1s " STR_FMT " %.1s %llu", run->file.p, STR_ARG(run->case_id),
                 run->profile.p, (unsigned long long)run->seed);
        if (run->params.n)
            buf_addf(&got, " " STR_FMT, STR_ARG(run->params));
        if (run->policies.n)
            buf_addf(&got, " " STR_FMT, STR_ARG(run->policies));
        buf_add_c(&got, "\n");
        check_str(run->failures[0].kind, "error");
        check_str(run->failures[0].name, "process");
        check_str(run->failures[0].text, "it died");
    }
    check_str(buf_str(&got), want);
    buf_free(&got);
    bench_close(&b);
}

static void a_run_has_every_case_and_profile_of_a_file(void **state)
{
    expect_runs("run", BOTH MATRIX, "t x=one c 1\nt x=one h 1\nt x=two c 1\nt x=two h 1\nu  h 7\n");
    expect_runs("run --seed 9 --profile hardened --policy tunnel.dead_after=5m --policy "
                "agent.start=retry --set size=2 --set depth=3",
                BOTH MATRIX PARAMS,
                "t x=one h 9 size=2,depth=3 tunnel.dead_after=5m,agent.start=retry\n"
                "t x=two h 9 size=2,depth=3 tunnel.dead_after=5m,agent.start=retry\n"
                "u  h 9 size=2,depth=3 tunnel.dead_after=5m,agent.start=retry\n");
    expect_runs("run --case x=two --shard 2/2", BOTH MATRIX, "t x=two h 1\n");
    expect_runs("run --case x=two,point=2", BOTH MATRIX POINTS,
                "t x=two,point=2 c 1\nt x=two,point=2 h 1\n");
}

static void a_sweep_has_every_seed_in_one_case(void **state)
{
    expect_runs("sweep --set size=1,2 --set depth=3,4", "seeds: {first: 3, count: 1}\n" PARAMS,
                "t  h 3 size=1,depth=3\nt  h 3 size=1,depth=4\nt  h 3 size=2,depth=3\n"
                "t  h 3 size=2,depth=4\nu  h 7 size=1,depth=3\nu  h 7 size=1,depth=4\n"
                "u  h 7 size=2,depth=3\nu  h 7 size=2,depth=4\n");
    expect_runs("sweep --seeds 4..5 --all-cases", MATRIX,
                "t x=one h 4\nt x=two h 4\nu  h 4\nt x=one h 5\nt x=two h 5\nu  h 5\n");
    expect_runs("sweep", "seeds: {first: 3, count: 3}\n", "t  h 3\nu  h 7\nt  h 4\nt  h 5\n");
    expect_runs("sweep --shard 2/3", "seeds: {first: 3, count: 3}\n", "u  h 7\n");
}

static void the_terminal_has_room_for_all_of_them(void **state)
{
    struct bench b;
    struct report_style style = {.verbosity = 0};
    bench_open(&b, "run");
    bench_lay_out(&b, BOTH MATRIX);
    suite_style(b.suite, &style);
    assert_int_equal(style.name_width, strlen("t"));
    assert_int_equal(style.case_width, strlen("x=one"));
    assert_int_equal(style.profile_width, strlen("hardened"));
    bench_close(&b);
}

/* ---- what comes of them ---- */

static void a_seed_may_have_no_plan(void **state)
{
    struct bench b;
    bench_open(&b, "sweep --seeds 1..2");
    bench_lay_out(&b, "steps: [{name: x, at: \"${3s - seed * 2s}\", do: "
                      "{manager.restart: site/a}}]\n");
    struct report_run *run = suite_run(b.suite, 1, &b.arena);
    assert_int_equal(run->outcome, REPORT_ERROR);
    check_str(run->failures[0].name, "plan");
    assert_true(str_find(run->failures[0].text, STR("t.yaml:8:")) >= 0);
    assert_int_equal(suite_run(b.suite, 0, &b.arena)->outcome, REPORT_PASSED);
    bench_close(&b);
}

static void bytes_that_cannot_be_read_are_an_error_of_their_run(void **state)
{
    struct bench b;
    bench_open(&b, "sweep --seeds 1..2");
    bench_lay_out(&b, "");
    const struct report_run *run = suite_take(b.suite, 1, STR("\x7f\x7f"));
    assert_int_equal(run->outcome, REPORT_ERROR);
    assert_int_equal(run->seed, 2);
    assert_true(str_find(run->failures[0].text, STR("handed over cannot be read: ")) > 0);
    const struct report *report = suite_report(b.suite);
    assert_int_equal(report->n, 1);
    assert_int_equal(report->left, 1);
    bench_close(&b);
}

/* The first 40 failures are kept in full, of what passed the first of each file. */
static void a_sweep_keeps_the_first_failures(void **state)
{
    struct bench b;
    size_t failed = 0, passed = 0;
    bench_open(&b, "sweep --seeds 1..50");
    bench_lay_out(&b, "");
    assert_true(suite_keeps_failure(b.suite));
    for (size_t i = 0; i < 50; i++) {
        const struct report_run *run = i % 10 ? lose(&b, i) : pass(&b, i);
        (run->outcome == REPORT_PASSED ? &passed : &failed)[0] += !run->brief;
    }
    assert_int_equal(passed, 1);
    assert_int_equal(failed, 40);
    assert_false(suite_keeps_failure(b.suite));
    bench_close(&b);

    bench_open(&b, "sweep --seeds 1");
    for (size_t i = 0; i <= SUITE_SHOWN_MAX; i++)
        assert_true(bench_add(&b, arena_c(&b.arena, arena_printf(&b.arena, "%zu.yaml", i)), ""));
    check_ok(suite_lay_out(b.suite));
    for (size_t i = 0; i <= SUITE_SHOWN_MAX; i++)
        assert_int_equal(pass(&b, i)->brief, i == SUITE_SHOWN_MAX);
    bench_close(&b);

    bench_open(&b, "run");
    bench_lay_out(&b, "");
    assert_true(suite_keeps_failure(b.suite));
    assert_false(lose(&b, 0)->brief);
    bench_close(&b);
}

/* ---- over all the runs of a file ---- */

static void what_no_run_saw_is_the_row_of_the_file(void **state)
{
    struct bench b;
    size_t file = 0;
    bench_open(&b, "run --case x=one --profile compat --set size=2 --policy agent.start=retry");
    bench_lay_out(&b, UNSEEN MATRIX PARAMS);
    assert_null(suite_judge(b.suite, &file)); /* not before they are done */
    carry_out_all(&b);
    file = 0;
    const struct report_run *row = suite_judge(b.suite, &file);
    assert_non_null(row);
    assert_int_equal(row->over, 1);
    check_str(row->failures[0].kind, "assert");
    check_str(row->failures[0].name, "never seen");
    check_str(row->replay, "paddock-sim run t.yaml --case x=one --profile compat --set size=2 "
                           "--policy agent.start=retry --seed 1");
    assert_null(suite_judge(b.suite, &file));
    file = 0;
    assert_null(suite_judge(b.suite, &file)); /* once */
    const struct report *report = suite_report(b.suite);
    assert_int_equal(report->n, 2);
    bench_close(&b);
}

/* Each case has clauses of its own; their results come in any order. */
static void clauses_may_differ_between_cases(void **state)
{
    struct bench b;
    struct buf packed[2] = {{0}, {0}};
    size_t file = 0;
    for (size_t i = 0; i < 2; i++) { /* as in processes of their own */
        bench_open(&b, "run");
        bench_lay_out(&b, MATRIX
                      "assert:\n"
                      "  - {name: a, when: matrix.x.k == 1, sometimes: \"count(agent) == 7\"}\n"
                      "  - {name: c, when: matrix.x.k == 2, sometimes: \"count(agent) == 1\"}\n"
                      "  - {name: b, when: matrix.x.k == 2, sometimes: \"count(agent) == 7\"}\n");
        suite_pack(b.suite, i, suite_run(b.suite, i, &b.arena), &packed[i]);
        if (i == 0)
            bench_close(&b);
    }
    assert_int_equal(suite_take(b.suite, 1, buf_str(&packed[1]))->outcome, REPORT_PASSED);
    assert_int_equal(suite_take(b.suite, 0, buf_str(&packed[0]))->outcome, REPORT_PASSED);
    const struct report_run *row = suite_judge(b.suite, &file);
    assert_non_null(row);
    assert_int_equal(row->failures_n, 2);
    check_str(row->failures[0].name, "a");
    check_str(row->failures[1].name, "b");
    bench_close(&b);
    buf_free(&packed[0]);
    buf_free(&packed[1]);
}

static void what_is_not_whole_is_not_judged(void **state)
{
    static const char *const lines[] = {"run --until 10s", "run --shard 1/2", "run",
                                        "run --shard 1/1"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct bench b;
        size_t file = 0;
        bench_open(&b, lines[i]);
        bench_lay_out(&b, UNSEEN BOTH);
        carry_out_all(&b);
        b.interrupted = i >= 2;
        assert_null(suite_judge(b.suite, &file));
        b.interrupted = false;
        file = 0;
        assert_int_equal(suite_judge(b.suite, &file) != NULL, i >= 2);
        bench_close(&b);
    }
}

/* Two files, of which one has seen all that it wanted to; whoever runs them cannot interrupt. */
static void a_file_that_has_seen_it_all_has_no_row(void **state)
{
    struct bench b;
    size_t file = 0;
    bench_open(&b, "run --until dusk");
    suite_free(b.suite);
    b.options.until = str_empty;
    b.suite = suite_new(&b.options,
                        &(struct run_options){.log_level = LOG_ERROR, .wall_clock = bench_clock});
    assert_true(
        bench_add(&b, "s.yaml", "assert: [{name: seen, sometimes: \"count(agent) == 1\"}]\n"));
    bench_lay_out(&b, UNSEEN);
    carry_out_all(&b);
    const struct report_run *row = suite_judge(b.suite, &file);
    assert_non_null(row);
    check_str(row->file, "t.yaml");
    assert_null(suite_judge(b.suite, &file));
    bench_close(&b);
}

/* ---- points ---- */

#define SOME_POINTS                                                                                \
    "matrix: {x: [{id: one, k: 1}, {id: two, k: 2}]}\n"                                            \
    "faults:\n"                                                                                    \
    "  - {name: it, when: matrix.x.k == 1, at: 0s, for: 60s, target: manager/a, fault: {process: " \
    "crash, at: each-write, of: clusterregistrationtokens}}\n"

/* Each seed chooses one of the points of its case, if it has some. */
static void a_seed_of_a_sweep_chooses_its_point(void **state)
{
    struct bench b;
    size_t struck = 0, last = 0;
    bool differ = false;
    bench_open(&b, "sweep --seeds 1..6");
    bench_lay_out(&b, SOME_POINTS);
    assert_int_equal(suite_count(b.suite), 6);
    for (size_t i = 0; i < 6; i++) {
        const struct report_run *run = suite_run(b.suite, i, &b.arena);
        assert_int_equal(run->outcome, REPORT_PASSED);
        if (!str_starts(run->case_id, STR("x=one"))) {
            check_str(run->case_id, "x=two");
            assert_int_equal(run->faults_n, 0);
            continue;
        }
        uint64_t point = 0;
        assert_true(str_starts(run->case_id, STR("x=one,point=")));
        assert_true(str_to_u64(str_sub(run->case_id, 12, run->case_id.n), &point));
        assert_true(point >= 1 && point <= 8);
        assert_int_equal(run->faults[0].fired, 1);
        differ = differ || (struck > 0 && point != last);
        last = point;
        struck++;
    }
    assert_true(struck > 1 && struck < 6 && differ);
    bench_close(&b);
}

static void a_sweep_may_be_told_its_point(void **state)
{
    static const struct {
        const char *line, *text, *case_id, *failure;
    } rows[] = {
        {"sweep --seeds 3 --case x=one,point=2", SOME_POINTS, "x=one,point=2", ""},
        {"sweep --seeds 3 --case point=99", POINTS, "point=99", "point"},
        {"sweep --seeds 3",
         "faults: [{name: it, at: 0s, for: 60s, target: manager/a, fault: {process: crash, at: "
         "each-write, of: pods}}]\n",
         "", "it"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bench b;
        bench_open(&b, rows[i].line);
        if (!bench_add(&b, "t.yaml", rows[i].text))
            fail_msg("%s: %s", rows[i].line, buf_c(&b.errors));
        check_ok(suite_lay_out(b.suite));
        const struct report_run *run = suite_run(b.suite, 0, &b.arena);
        check_str(run->case_id, rows[i].case_id);
        check_str(run->failures_n ? run->failures[0].name : str_empty, rows[i].failure);
        bench_close(&b);
    }
}

#define SAME "assert: [{name: same, at: 59s, that: \"state(all) == reference.state(all)\"}]\n"

/* What steps do goes wrong in the probing run as well: there are as many points, whatever they do when all is written. */
static void steps_are_part_of_the_probing_run(void **state)
{
    static const struct {
        const char *steps;
        bool same;
    } rows[] = {
        {"", true},
        {"steps: [{name: x, at: 50s, do: {manager.restart: site/a}}]\n", true},
        {"steps: [{name: x, at: 50s, do: {fault: {node: gone}, target: node/edge}}]\n", false},
        {"steps: [{name: x, at: 50s, do: {heal: manager/a}}]\n", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bench b;
        bench_open(&b, "run --points 8/8");
        struct str text = arena_printf(&b.arena, POINTS "%s" SAME, rows[i].steps);
        bench_lay_out(&b, arena_c(&b.arena, text));
        assert_int_equal(suite_count(b.suite), 1);
        const struct report_run *run = suite_run(b.suite, 0, &b.arena);
        check_str(run->case_id, "point=8");
        assert_int_equal(run->failures_n == 0, rows[i].same);
        bench_close(&b);
    }
}

static void points_are_laid_out_for_each_plan(void **state)
{
    struct bench b;
    struct buf ids = {0};
    for (int id = 'a'; id <= 'i'; id++)
        buf_addf(&ids, "%s{id: %c, k: %d}", id == 'a' ? "" : ", ", id, id - 'a');
    bench_open(&b, "run");
    struct str text =
        arena_printf(&b.arena,
                     "matrix: {x: [" STR_FMT "]}\n"
                     "measure: {m: {gauge: \"count(agent) + ${matrix.x.k}\"}}\n" POINTS,
                     STR_ARG(buf_str(&ids)));
    bench_lay_out(&b, arena_c(&b.arena, text));
    assert_int_equal(suite_count(b.suite), 9 * 8);
    check_str(lose(&b, 9 * 8 - 1)->case_id, "x=i,point=8");
    buf_free(&ids);
    bench_close(&b);
    bench_open(&b, "run --points 50/100");
    bench_lay_out(&b, POINTS);
    assert_int_equal(suite_count(b.suite), 0); /* it has only eight */
    bench_close(&b);
}

static void the_command_repeats_all_of_them(void **state)
{
    static const struct {
        const char *line, *want;
    } rows[] = {
        {"sweep --all-cases", "paddock-sim sweep 't 1.yaml' --all-cases --seeds 5..9"},
        {"run --points 2/7", "paddock-sim run 't 1.yaml' --points 2/7 --seed 5"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bench b;
        bench_open(&b, rows[i].line);
        struct str command = overall_command(&b.arena, &b.options, STR("t 1.yaml"));
        check_str(overall_seeds(&b.arena, command, 5, 5), rows[i].want);
        bench_close(&b);
    }
}

/* An entry of a palette that took no effect in ten runs is a mistake; in nine it may be chance, as is one that was never
 * injected. */
static void faults_that_never_take_effect_are_counted(void **state)
{
    struct arena a = {0};
    struct overall o;
    struct buf text = {0};
    struct report_fault faults[] = {
        {.drawn_from = STR("idle"), .begin_ns = 5},
        {.drawn_from = STR("idle"), .begin_ns = 7},
        {.drawn_from = STR("busy"), .begin_ns = 5, .fired = 1},
        {.drawn_from = STR("late"), .begin_ns = -1},
        {.drawn_from = str_empty, .begin_ns = 5},
        {.drawn_from = STR("nine"), .begin_ns = 5},
    };
    struct report_run run = {.name = STR("t"), .faults = faults, .faults_n = ARRAY_LEN(faults)};
    overall_init(&o, &a);
    for (size_t i = 0; i < 9; i++)
        drawn_add(&o.drawn, &run);
    assert_null(overall_judge(&a, &o, 9, &run, STR("again")));
    run.faults_n--;
    drawn_add(&o.drawn, &run);
    const struct report_run *row = overall_judge(&a, &o, 10, &run, STR("again"));
    assert_non_null(row);
    assert_int_equal(row->failures_n, 1);
    check_str(row->failures[0].kind, "fault");
    check_str(row->failures[0].name, "idle");
    check_str(row->failures[0].text, "chaos injected it in 10 of the 10 runs of this file, and it "
                                     "never took effect: nothing met it");
    overall_pack(&o, &text);
    check_str(buf_str(&text), "*10 0 idle\n*10 10 busy\n*9 0 nine\n");

    struct overall both;
    overall_init(&both, &a); /* of two shares */
    check_ok(overall_unpack(&both, STR("-it is\n-it was\n*1 0 nine\n*10 0 idle")));
    check_ok(overall_unpack(&both, STR("+it is\n-it was\n")));
    check_ok(overall_unpack(&both, STR("*9 0 nine\n*1 1 idle\n")));
    row = overall_judge(&a, &both, 20, &run, STR("again"));
    assert_int_equal(row->failures_n, 2);
    check_str(row->failures[0].name, "it was");
    check_str(row->failures[1].name, "nine");
    for (size_t i = 0; i < 40; i++) {
        struct str many = arena_printf(&a, "*10 0 entry %zu\n", i);
        check_ok(overall_unpack(&both, many));
    }
    assert_int_equal(overall_judge(&a, &both, 20, &run, STR("again"))->failures_n, 42);
    buf_free(&text);
    arena_free(&a);
}

static void tallies_that_are_malformed_are_refused(void **state)
{
    static const char *const texts[] = {"*1 0\n",  "*x 0 name\n", "*1 x name\n",   "*\n",
                                        "~name\n", "+name",       "+a\nname\n+b\n"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct arena a = {0};
        struct overall o;
        overall_init(&o, &a);
        check_err(overall_unpack(&o, str_c(texts[i])), ERR_INVALID, "is malformed");
        arena_free(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_that_do_not_fit_the_file),
        cmocka_unit_test(combinations_are_bounded),
        cmocka_unit_test(runs_are_bounded),
        cmocka_unit_test(a_run_has_every_case_and_profile_of_a_file),
        cmocka_unit_test(a_sweep_has_every_seed_in_one_case),
        cmocka_unit_test(the_terminal_has_room_for_all_of_them),
        cmocka_unit_test(a_seed_may_have_no_plan),
        cmocka_unit_test(bytes_that_cannot_be_read_are_an_error_of_their_run),
        cmocka_unit_test(a_sweep_keeps_the_first_failures),
        cmocka_unit_test(what_no_run_saw_is_the_row_of_the_file),
        cmocka_unit_test(clauses_may_differ_between_cases),
        cmocka_unit_test(what_is_not_whole_is_not_judged),
        cmocka_unit_test(a_file_that_has_seen_it_all_has_no_row),
        cmocka_unit_test(a_seed_of_a_sweep_chooses_its_point),
        cmocka_unit_test(a_sweep_may_be_told_its_point),
        cmocka_unit_test(steps_are_part_of_the_probing_run),
        cmocka_unit_test(points_are_laid_out_for_each_plan),
        cmocka_unit_test(the_command_repeats_all_of_them),
        cmocka_unit_test(faults_that_never_take_effect_are_counted),
        cmocka_unit_test(tallies_that_are_malformed_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
