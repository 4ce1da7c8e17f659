/* Goal: a trace's file can be read whole, cut anywhere, and from the middle; filters choose what they say; the views tell
 * each record once; diff finds the first divergence and nothing where there is none.
 * Method: small simulations write their blocks; files are bytes in memory; cuts at every length. */
#include "engine/base/json.h"
#include "sim/trace/diff.h"
#include "sim/trace/show.h"
#include "tests/unit/support/sim_kit.h"

struct file {
    struct buf bytes;
    size_t at;
};

static size_t read_bytes(void *ctx, char *to, size_t n)
{
    struct file *f = ctx;
    struct str got = str_sub(buf_str(&f->bytes), f->at, n);
    if (got.n)
        memcpy(to, got.p, got.n);
    f->at += got.n;
    return got.n;
}

static struct err *rewind_bytes(void *ctx)
{
    ((struct file *)ctx)->at = 0;
    return NULL;
}

static void take_block(void *owner, struct str block)
{
    trace_file_block(&((struct file *)owner)->bytes, block);
}

/* Notes of three components over time; `odd` changes one in the middle. */
static void write_run(struct file *f, int notes, bool odd, bool ring_only)
{
    struct sim *sim = sim_new(&(struct sim_options){.seed = 1, .trace_ring_bytes = 1});
    trace_file_begin(&f->bytes);
    if (!ring_only)
        sim_trace_spill(sim, take_block, f);
    for (int i = 0; i < notes; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "c-%d", i % 3);
        sim_run_until(sim, (i + 1) * NS_PER_S);
        sim_note(sim, i % 2 ? "agent.connected" : "agent.disconnected", str_c(key),
                 odd && i == notes / 2 ? STR("odd") : STR("10.0.0.1"));
    }
    if (ring_only)
        sim_trace_ring(sim, take_block, f);
    else
        sim_trace_flush(sim);
    sim_free(sim);
}

static void file_free(struct file *f)
{
    buf_free(&f->bytes);
}

/* ---- files ---- */

static uint64_t count_records(struct file *f, bool *cut)
{
    struct trace_stream s;
    struct sim_trace_record rec;
    f->at = 0;
    check_ok(trace_open(&s, read_bytes, f));
    while (trace_next(&s, &rec))
        ;
    uint64_t n = s.records;
    *cut = s.cut;
    trace_close(&s);
    return n;
}

static void read_whole_and_cut(void **state)
{
    struct file f = {0};
    bool cut;
    write_run(&f, 20, false, false);
    uint64_t all = count_records(&f, &cut), last = 0;
    assert_true(all > 20);
    assert_false(cut);
    size_t whole = f.bytes.n;
    for (f.bytes.n = TRACE_MAGIC.n; f.bytes.n < whole; f.bytes.n++) {
        uint64_t n = count_records(&f, &cut);
        assert_true(n >= last && n <= all);
        assert_true(cut || n == 0); /* nothing behind the magic is a trace of nothing */
        last = n;
    }
    f.bytes.n = TRACE_MAGIC.n - 1;
    struct trace_stream s;
    f.at = 0;
    check_err(trace_open(&s, read_bytes, &f), ERR_INVALID, "not a trace");
    trace_close(&s);
    file_free(&f);
}

static void nonsense_behind_the_magic(void **state)
{
    struct file f = {0};
    bool cut;
    trace_file_begin(&f.bytes);
    buf_add(&f.bytes, STR("\xff\xff\xff\xff and more"));
    assert_int_equal(count_records(&f, &cut), 0);
    assert_true(cut);
    file_free(&f);
}

/* ---- filters ---- */

static void globs(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool holds;
    } cases[] = {
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "abc", true},
        {"a*c", "abc", true},
        {"a*c", "ac", true},
        {"a*c", "abd", false},
        {"a?c", "abc", true},
        {"a?c", "ac", false},
        {"*b*", "abc", true},
        {"*b*", "ac", false},
        {"a*b*c", "axbxbxc", true},
        {"site/*/m-?", "site/a/m-0", true},
        {"site/*/m-?", "site/a/m-10", false},
        {"a**", "a", true},
        {"*aab", "aaab", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(trace_glob(str_c(cases[i].pattern), str_c(cases[i].text)), cases[i].holds);
}

static void filters(void **state)
{
    static const struct {
        const char *text;
        bool holds; /* of a note at 10 s: edge-0/agent-0 agent.connected c-1 10.0.0.1 */
    } cases[] = {
        {"", true},
        {"component=edge-0/*", true},
        {"component!=edge-0/*", false},
        {"kind=agent.*", true},
        {"kind=note", false},
        {"key=c-1 text=10.*", true},
        {"key=c-1 and text=11.*", false},
        {"key=c-2 or text=10.*", true},
        {"not key=c-2", true},
        {"not not key=c-2", false},
        {"time>=10s time<=10s time=10s", true},
        {"time>10s or time<10s or time!=10s", false},
        {"(key=c-2 or key=c-1) not (text=x)", true},
        {"key='c-1'", true},
        {"key=\"c 1\"", false},
        {"key=c-1or", false},
    };
    struct sim_trace_record rec = {.at = 10 * NS_PER_S,
                                   .component = STR("edge-0/agent-0"),
                                   .kind = SIM_TRACE_NOTE,
                                   .key_name = STR("agent.connected"),
                                   .text = {"c-1\0"
                                            "10.0.0.1",
                                            12}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a = {0};
        const struct trace_filter *f = NULL;
        check_ok(trace_filter_compile(&a, str_c(cases[i].text), &f));
        if (trace_filter_holds(f, &rec) != cases[i].holds)
            print_error("%s\n", cases[i].text);
        assert_int_equal(trace_filter_holds(f, &rec), cases[i].holds);
        arena_free(&a);
    }
}

static void filters_that_are_wrong(void **state)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"kin=x", "column 1: expected time, component, kind, key or text"},
        {"kind", "column 5: expected = or !="},
        {"kind<x", "column 5: texts are compared with = and != only"},
        {"time~3", "column 5: expected one of = != < <= > >="},
        {"key=a time=soon", "column 12: expected a time since the start"},
        {"time=5", "column 6: expected a time since the start"},
        {"(key=a", "column 1: the parenthesis is not closed"},
        {"key=a)", "column 6: this parenthesis was not opened"},
        {"key='a", "column 5: the quote is not closed"},
        {"key=a or", "column 9: expected time"},
        {"not", "column 4: expected time"},
        {"((((((((((((((((((key=a", "nested too deeply"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a = {0};
        const struct trace_filter *f = NULL;
        check_err(trace_filter_compile(&a, str_c(cases[i].text), &f), ERR_INVALID, cases[i].error);
        arena_free(&a);
    }
    struct buf many = {0};
    struct arena a = {0};
    const struct trace_filter *f = NULL;
    for (unsigned i = 0; i <= TRACE_FILTER_TERMS_MAX; i++)
        buf_add_c(&many, "key=a ");
    check_err(trace_filter_compile(&a, buf_str(&many), &f), ERR_INVALID, "too many terms");
    buf_free(&many);
    arena_free(&a);
}

/* ---- views ---- */

static void show(struct file *f, enum trace_format format, struct buf *out)
{
    struct trace_stream s;
    struct sim_trace_record rec;
    struct trace_show *show = trace_show_new(format, out);
    f->at = 0;
    check_ok(trace_open(&s, read_bytes, f));
    while (trace_next(&s, &rec))
        trace_show_record(show, &rec);
    trace_show_end(show);
    trace_close(&s);
}

static void views(void **state)
{
    struct file f = {0};
    struct buf out = {0};
    struct arena a = {0};
    cJSON *tree;
    write_run(&f, 4, false, false);
    show(&f, TRACE_TEXT, &out);
    assert_true(str_find(buf_str(&out), STR("2s sim note agent.connected c-1 10.0.0.1\n")) >= 0);
    buf_clear(&out);
    show(&f, TRACE_JSON, &out);
    struct str line, rest = buf_str(&out);
    size_t lines = 0;
    for (; rest.n; lines++) {
        (void)str_cut(rest, '\n', &line, &rest);
        check_ok(json_parse(&a, line, &tree));
        assert_non_null(json_get(tree, "at"));
    }
    assert_true(lines >= 5);
    buf_clear(&out);
    show(&f, TRACE_PERFETTO, &out);
    check_ok(json_parse(&a, buf_str(&out), &tree));
    size_t begins = 0, ends = 0, instants = 0;
    for (const cJSON *e = json_get(tree, "traceEvents")->child; e; e = e->next) {
        struct str ph = json_string_at(e, "ph");
        begins += str_eq_c(ph, "b");
        ends += str_eq_c(ph, "e");
        instants += str_eq_c(ph, "i");
        assert_non_null(json_get(e, "pid"));
        assert_true(str_eq_c(ph, "M") || json_get(e, "ts"));
    }
    assert_int_equal(instants, lines);
    assert_int_equal(begins, 2); /* connected, and connected again: the end closes what is open */
    assert_int_equal(ends, 2);
    buf_free(&out);
    file_free(&f);
    arena_free(&a);
}

/* ---- diff ---- */

static bool diff(struct file *one, struct file *two, struct buf *out)
{
    const struct trace_source sources[2] = {{STR("one"), rewind_bytes, read_bytes, one},
                                            {STR("two"), rewind_bytes, read_bytes, two}};
    bool same = false;
    buf_clear(out);
    check_ok(trace_diff(sources, out, &same));
    return same;
}

static void finds_the_first_divergence(void **state)
{
    struct file one = {0}, two = {0}, odd = {0}, longer = {0};
    struct buf out = {0};
    write_run(&one, 20, false, false);
    write_run(&two, 20, false, false);
    write_run(&odd, 20, true, false);
    write_run(&longer, 21, false, false);
    assert_true(diff(&one, &two, &out));
    assert_true(str_starts(buf_str(&out), STR("the same: ")));
    assert_false(diff(&one, &odd, &out));
    assert_true(str_find(buf_str(&out), STR("first divergence at 11s, sim agent.disconnected")) >=
                0);
    assert_true(str_find(buf_str(&out), STR("    10s sim note agent.connected c-0")) >= 0);
    assert_true(str_find(buf_str(&out), STR("  - 11s sim note agent.disconnected c-1 10.0.0.1")) >=
                0);
    assert_true(str_find(buf_str(&out), STR("  + 11s sim note agent.disconnected c-1 odd")) >= 0);
    assert_false(diff(&one, &longer, &out));
    assert_true(str_find(buf_str(&out), STR("(the trace ends here)")) >= 0);
    two.bytes.n -= 3;
    assert_false(diff(&one, &two, &out));
    assert_true(str_find(buf_str(&out), STR("(the file was cut here)")) >= 0);
    file_free(&one);
    file_free(&two);
    file_free(&odd);
    file_free(&longer);
    buf_free(&out);
}

/* What a ring held begins later: it is compared from there. */
static void compares_from_where_a_ring_begins(void **state)
{
    struct file whole = {0}, ring = {0}, odd = {0};
    struct buf out = {0};
    write_run(&whole, 20000, false, false);
    write_run(&ring, 20000, false, true);
    write_run(&odd, 20000, true, false);
    assert_true(ring.bytes.n < whole.bytes.n / 2);
    assert_true(diff(&whole, &ring, &out));
    assert_true(str_find(buf_str(&out), STR("(one begins")) >= 0);
    assert_true(diff(&ring, &odd, &out)); /* the odd one lies before */
    file_free(&whole);
    file_free(&ring);
    file_free(&odd);
    buf_free(&out);
}

/* A trace with the line that says which run it is, put behind the magic. */
static void say_run(struct file *f, const char *seed, const char *case_id, const char *file)
{
    struct buf with = {0};
    const struct trace_fact facts[] = {{"file", str_c(file)},
                                       {"case", str_c(case_id)},
                                       {"seed", str_c(seed)},
                                       {"params", str_empty}};
    trace_file_begin(&with);
    trace_file_run(&with, facts, ARRAY_LEN(facts));
    buf_add(&with, str_sub(buf_str(&f->bytes), TRACE_MAGIC.n, f->bytes.n));
    buf_free(&f->bytes);
    f->bytes = with;
}

static void tells_which_runs(void **state)
{
    struct file plain = {0}, one = {0}, again = {0}, odd = {0}, other = {0}, endless = {0};
    struct buf out = {0}, many = {0};
    bool cut;
    write_run(&plain, 20, false, false);
    write_run(&one, 20, false, false);
    write_run(&again, 20, false, false);
    write_run(&odd, 20, true, false);
    write_run(&other, 20, true, false);
    say_run(&one, "1", "x=a", "a\tb.yaml");
    say_run(&again, "1", "x=a", "a\tb.yaml");
    say_run(&odd, "1", "x=a", "a\tb.yaml");
    say_run(&other, "2", "", "a\tb.yaml");
    assert_int_equal(count_records(&one, &cut), count_records(&plain, &cut));
    assert_true(diff(&one, &plain, &out)); /* an old one does not say */
    assert_true(str_starts(buf_str(&out), STR("the same: ")));
    assert_true(diff(&one, &again, &out));
    assert_true(str_starts(buf_str(&out), STR("the same: ")));
    assert_false(diff(&one, &odd, &out));
    assert_true(str_starts(buf_str(&out), STR("both say they are the same run: ")));
    assert_false(diff(&one, &other, &out));
    assert_true(
        str_starts(buf_str(&out), STR("two different runs: case x=a and (none); seed 1 and 2\n"
                                      "first divergence at 11s")));
    for (size_t i = 0; i < 3 * TRACE_RUN_MAX; i++)
        buf_add_char(&many, 'x');
    write_run(&endless, 20, false, false);
    say_run(&endless, "1", buf_c(&many), "c.yaml"); /* its beginning has to do */
    assert_int_equal(count_records(&endless, &cut), count_records(&plain, &cut));
    assert_false(cut);
    struct file *all[] = {&plain, &one, &again, &odd, &other, &endless};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        file_free(all[i]);
    buf_free(&out);
    buf_free(&many);
}

static void refuses_what_is_no_trace(void **state)
{
    struct file good = {0}, bad = {0};
    struct buf out = {0};
    bool same;
    write_run(&good, 2, false, false);
    buf_add_c(&bad.bytes, "PNG or something");
    const struct trace_source sources[2] = {{STR("good"), rewind_bytes, read_bytes, &good},
                                            {STR("bad"), rewind_bytes, read_bytes, &bad}};
    check_err(trace_diff(sources, &out, &same), ERR_INVALID, "bad: not a trace");
    file_free(&good);
    file_free(&bad);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_whole_and_cut),
        cmocka_unit_test(nonsense_behind_the_magic),
        cmocka_unit_test(globs),
        cmocka_unit_test(filters),
        cmocka_unit_test(filters_that_are_wrong),
        cmocka_unit_test(views),
        cmocka_unit_test(finds_the_first_divergence),
        cmocka_unit_test(tells_which_runs),
        cmocka_unit_test(compares_from_where_a_ring_begins),
        cmocka_unit_test(refuses_what_is_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
