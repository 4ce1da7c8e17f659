/* Goal: a program prints to what reads as the same program, and a value's explanation names what it came from.
 * Method: tables over a made-up world: text, what is printed, what is explained. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/expr_fixture.h"

/* ---- printing ---- */

/* What stands in a row is printed in a row: a program prints to what its reader still takes. */
static void test_long_chains(void **state)
{
    static const struct {
        const char *text, *printed;
    } rows[] = {
        {"count(agent) - (count(agent) - 1)", "(count(agent) - (count(agent) - 1))"},
        {"count(agent) / 2 * 3 + 1 - 2", "((count(agent) / 2 * 3) + 1 - 2)"},
        {"count(agent) == 1 or count(agent) == 2 or count(agent) == 3 and count(agent) < 9",
         "((count(agent) == 1) or (count(agent) == 2) or ((count(agent) == 3) and (count(agent) < "
         "9)))"},
    };
    struct fixture f;
    start(&f);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf printed = {0};
        expr_print(compile(&f, rows[i].text, EXPR_WANT_ANY), &printed);
        assert_string_equal(buf_c(&printed), rows[i].printed);
        buf_free(&printed);
    }
    struct buf text = {0}, printed = {0};
    buf_add_c(&text, "count(agent)");
    for (size_t i = 0; i < 2 * EXPR_DEPTH_MAX; i++)
        buf_add_c(&text, " + 1");
    expr_print(compile(&f, buf_c(&text), EXPR_WANT_ANY), &printed);
    assert_true(str_eq(str_sub(buf_str(&printed), 1, printed.n - 2), buf_str(&text)));
    assert_non_null(compile(&f, buf_c(&printed), EXPR_WANT_ANY));
    buf_free(&text);
    buf_free(&printed);
    arena_free(&f.arena);
}

/* ---- explanations ---- */

static const struct {
    const char *text, *why;
} reasons[] = {
    {"exists(agent where resolver == sticky and peer == site/a and age(last_byte) > 1m)",
     "1 of 3 agents matches: edge-1/agent-0: resolver = sticky, peer = site/a, "
     "age(agent.last_byte) = "
     "1m1s"},
    {"all(agent: connected and peer == site/b)",
     "2 of 3 agents fail: edge-1/agent-0: peer = site/a; edge-2/agent-0: connected = false"},
    {"all(agent where connected: peer == site/b)",
     "1 of 3 agents fails: edge-1/agent-0: peer = site/a"},
    {"count(agent where connected) == 50", "count(agent where agent.connected) = 2"},
    {"rate(manager.handshakes, 1s) <= max(0.1 * count(agent), 5)",
     "rate(manager.handshakes, 1s) = 1, max((0.1 * count(agent)), 5) = 5.0"},
    {"dns.servfail_answers > 0 and net.half_open_sessions > 0", "net.half_open_sessions = 0"},
    {"dns.servfail_answers > 9 or net.half_open_sessions > 0",
     "dns.servfail_answers = 7, net.half_open_sessions = 0"},
    {"none(agent where restarts > 1)",
     "2 of 3 agents match: edge-1/agent-0: restarts = 2; edge-2/agent-0: restarts = 4"},
    {"exists(agent where restarts > 100)", "none of 3 agents matches"},
    {"exists(cluster where distinct(writer.site) > 1 within 1s)",
     "1 of 2 clusters matches: edge-0: distinct(cluster.writer.site) = 2"},
    {"known(site.b.died_at)", "site.b.died_at = unknown"},
    {"exists(agent where true)", "3 of 3 agents match: edge-0/agent-0; edge-1/agent-0; "
                                 "edge-2/agent-0"},
    {"all(agent where running: false)",
     "3 of 3 agents fail: edge-0/agent-0; edge-1/agent-0; edge-2/agent-0"},
    {"all(node: ready)", "none of 0 nodes fails"},
    {"exists(agent as x where x.connected: x.peer == site/b)",
     "1 of 3 agents matches: edge-0/agent-0: peer = site/b, connected = true"},
    {"not exists(agent where peer in [site/b])",
     "1 of 3 agents matches: edge-0/agent-0: peer = site/b"},
    {"exists(agent where connected: exists(cluster where state == active))",
     "2 of 3 agents match: edge-0/agent-0: 1 of 2 clusters matches: edge-0: state = active, "
     "connected = true; edge-1/agent-0: 1 of 2 clusters matches: edge-0: state = active, "
     "connected = true"},
    {"exists(agent where running: connected or exists(cluster where state == pending))",
     "2 of 3 agents match: edge-0/agent-0: connected = true, running = true; edge-1/agent-0: "
     "connected = true, running = true"},
    {"dns.servfail_answers > 9 or exists(cluster where state == pending)",
     "dns.servfail_answers = 7, none of 2 clusters matches"},
    {"state(api/a) == reference.state(api/a)", "state 0 is the same"},
    {"dns.servfail_answers + 1 == 8", "(dns.servfail_answers + 1) = 8"},
    {"1 == 1", "true"},
    {"not site.a.alive", "site.a.alive = false"},
};

static void test_explanations(void **state)
{
    struct fixture f;
    start(&f);
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        struct buf why = {0};
        struct expr *e = compile(&f, reasons[i].text, EXPR_BOOL);
        assert_non_null(e);
        expr_explain(e, &f.env, NOW, &why);
        assert_string_equal(buf_c(&why), reasons[i].why);
        buf_free(&why);
    }
    arena_free(&f.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_long_chains),
                                       cmocka_unit_test(test_explanations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
