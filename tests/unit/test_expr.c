/* Goal: expressions mean what the reference says, their errors point at the mistake, and they know when they change.
 * Method: tables over a made-up world: value, text of every error (golden), next change, explanation, dependencies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/expr_fixture.h"
#include <stdio.h>

/* ---- values ---- */

static const struct {
    const char *text, *value;
} values[] = {
    {"1 + 2 * 3", "7"},
    {"(1 + 2) * 3", "9"},
    {"7 - 2 - 1", "4"},
    {"-3 + 1", "-2"},
    {"1 / 4", "0.25"},
    {"10% * 50", "5.0"},
    {"1\t+\n2", "3"},
    {"--3", "3"},
    {"not not true", "true"},
    {"1m / 0.5", "2m"},
    {"1m / 0", "unknown"},
    {"5s / 0 == 1s", "false"},
    {"known(5)", "true"},
    {"known(1 / 0)", "false"},
    {"max(1 / 0, 1) > 0 or true", "true"},
    {"0.5 - 3", "-2.5"},
    {"max(1s, 1m)", "1m"},
    {"min(now, 1m)", "1m"},
    {"now - now", "0s"},
    {"now + 1m", "12m"},
    {"1m + now", "12m"},
    {"now - 1m", "10m"},
    {"1m * 0.5", "30s"},
    {"0.5 * 1m", "30s"},
    {"-1m", "-1m"},
    {"2 * 8GiB", "16GiB"},
    {"8GiB * 2", "16GiB"},
    {"8GiB - 1GiB", "7GiB"},
    {"8GiB - 1", "8589934591"},
    {"8GiB / 2GiB", "4.0"},
    {"2B * 2B", "4"},
    {"min(8GiB, 1)", "1"},
    {"max(1KiB, 1MiB)", "1MiB"},
    {"-8GiB", "-8GiB"},
    {"0B", "0B"},
    {"1024TiB", "1024TiB"},
    {"count(agent where name == 'it''s')", "0"},
    {"1TiB", "1TiB"},
    {"2kB + 0KB + 1MB + 1GB", "1001002000B"},
    {"true == true", "true"},
    {"1s != 2s", "true"},
    {"5 in [1, 5]", "true"},
    {"5 in [1, 2]", "false"},
    {"0.5 in [1, 50%]", "true"},
    {"count(agent) in [1, 3]", "true"},
    {"3 in [count(agent)]", "true"},
    {"'a' == b", "false"},
    {"count(agent where restarts in [count(node), 2])", "2"},
    {"count(agent where site/b == peer)", "1"},
    {"count(agent where 'site/b' == peer)", "1"},
    {"exists(agent where true)", "true"},
    {"values(agent.peer) subset of [site/a, site/b]", "true"}, /* what is unknown is in no set */
    {"values(agent.peer) subset of [site/a]", "false"},
    {"not values(agent.peer) subset of [site/a]", "true"},
    {"values(agent.peer where restarts == 2 or agent.restarts in [2, 3]) subset of [site/a]",
     "true"},
    {"values(agent.peer where agent.restarts == 2) subset of values(agent.peer where "
     "agent.connected)",
     "true"},
    {"values(agent.peer) subset of values(agent.peer where agent.restarts == 2)", "false"},
    {"values(agent.peer where exists(agent where agent.restarts == 99)) subset of "
     "values(agent.peer where false)",
     "true"},
    {"values(agent.restarts) subset of values(cluster.sessions)", "false"},
    {"values(cluster.state) subset of [active, unavailable] and 1 == 1", "true"},
    {"sum(agent.resolver_hold)", "3m"},
    {"max(agent.last_byte)", "10m59s"},
    {"min(agent.last_byte)", "9m59s"},
    {"min(age(agent.last_byte))", "1s"},
    {"distinct(age(agent.last_byte))", "2"},
    {"distinct(agent.restarts * 1s)", "3"},
    {"sum(agent.restarts * count(cluster))", "12"},
    {"exists(agent as x where sum(cluster.sessions) == 0 and x.connected)", "true"},
    {"all(node: ready)", "true"},
    {"count(node)", "0"},
    {"count(node where ready)", "0"},
    {"all(agent where resolver_hold > 30s: ${strict})", "true"},
    {"1% - 33333333333333333", "-9223372036854.775807"},
    {"0.1 * 37", "3.7"},
    {"0.5 * 0.5", "0.25"},
    {"1 / 0", "unknown"},
    {"1m30s + 15s", "1m45s"},
    {"1m30s / 3", "30s"},
    {"1m / 30s", "2.0"},
    {"2 * 1m30s", "3m"},
    {"10% * 1m", "6s"},
    {"9223372036854775807 + 1", "9223372036854775807"},
    {"0 - 9223372036854775807 - 5", "-9223372036854775807"},
    {"8GiB", "8GiB"},
    {"64KiB + 1B", "65537B"},
    {"max(1, 0.5)", "1.0"},
    {"min(3, 2, 5)", "2"},
    {"max(0.1 * count(agent), 5)", "5.0"},
    {"1 < 1.5", "true"},
    {"0.5 == 50%", "true"},
    {"1 == 2 or 2 == 2 and not 3 == 4", "true"},
    {"'site/a' == 'site/a'", "true"},
    {"'it''s' == \"it's\"", "true"},
    {"true and not false", "true"},
    {"${strict}", "true"},
    {"'${ttl}'", "${ttl}"},
    {"count(agent)", "3"},
    {"count(agent where connected)", "2"},
    {"count(agent where not connected)", "1"},
    {"count(agent where peer == site/b)", "1"},
    {"count(agent where peer != site/b)", "1"},
    {"count(agent where not peer == site/b)", "2"},
    {"count(agent where known(peer))", "2"},
    {"count(agent where peer in [site/a, site/b])", "2"},
    {"exists(agent where resolver == default and peer == site/b)", "true"},
    {"exists(agent where peer == site/a: resolver == default)", "false"},
    {"all(agent: running)", "true"},
    {"all(agent where connected: known(last_byte))", "true"},
    {"all(agent where restarts > 100: false)", "true"},
    {"none(agent where restarts > 4)", "true"},
    {"none(agent: restarts == 4)", "false"},
    {"exists(agent where age(last_byte) > 1m)", "true"},
    {"count(agent where age(last_byte) > ${ttl})", "1"},
    {"sum(agent.restarts)", "6"},
    {"sum(agent.restarts where agent.connected)", "2"},
    {"max(agent.restarts)", "4"},
    {"min(agent.restarts where connected)", "0"},
    {"max(agent.reconnected_at - site.a.died_at)", "40s"},
    {"min(agent.restarts where restarts > 100)", "unknown"},
    {"distinct(agent.resolver)", "2"},
    {"distinct(agent.peer)", "2"},
    {"exists(cluster where distinct(writer.site) > 1 within 1s)", "true"},
    {"count(cluster where distinct(writer.site) > 1 within 1s)", "1"},
    {"exists(cluster where distinct(writer.site) > 1 within 300ms)", "false"},
    {"rate(manager.handshakes, 1s)", "1"},
    {"state(api/a) == reference.state(api/a)", "true"},
    {"reference.state('api/edge[0]') != state('api/edge[0]')", "false"},
    {"1 == 1 and reference.state(all) == state(all)", "true"},
    {"rate(manager.handshakes, 2s)", "3"},
    {"dns.servfail_answers > 0", "true"},
    {"dns.servfail_answers", "7"},
    {"site.a.died_at", "10m"},
    {"site.b.died_at", "unknown"},
    {"known(site.b.died_at)", "false"},
    {"site.a.role == demoted and site.b.role == active", "true"},
    {"time(operator moves the name)", "10m20s"},
    {"time('site a dies')", "10m"},
    {"time(calm) > 1s", "false"},
    {"not time(calm) > 1s", "true"},
    {"time(calm) - time(settle)", "unknown"},
    {"now", "11m"},
    {"now > 10m", "true"},
    {"age(time(settle))", "6m"},
    {"${clusters} + 1", "51"},
    {"${ttl} + 45s", "1m45s"},
    {"${clusters * 2 + 1}", "101"},
    {"count(agent where peer == ${place})", "1"},
    {"exists(agent as x: exists(agent as y: x.peer == site/a and y.peer == site/b))", "true"},
    {"exists(cluster: exists(agent where agent.group == edge and cluster.state == active))",
     "true"},
    {"count(agent where age(time(operator moves the name)) > max(${ttl}, resolver_hold) + 45s)",
     "0"},
};

static void test_values(void **state)
{
    struct fixture f;
    size_t wrong = 0;
    start(&f);
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct expr *e = compile(&f, values[i].text, EXPR_WANT_ANY);
        struct buf text = {0};
        if (!e) {
            print_message("%s\n", values[i].text);
            print_errors(&f);
        }
        assert_non_null(e);
        struct expr_result r = expr_eval(e, &f.env, NOW);
        expr_value_print(&r.value, &text);
        if (!str_eq_c(buf_str(&text), values[i].value)) {
            print_message("%s: %s\n", values[i].text, buf_c(&text));
            wrong++;
        }
        buf_free(&text);
    }
    assert_int_equal(wrong, 0);
    arena_free(&f.arena);
}

/* Printing parses back to the same text and the same value. */
static void test_round_trip(void **state)
{
    struct fixture f;
    start(&f);
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct expr *e = compile(&f, values[i].text, EXPR_WANT_ANY);
        struct buf first = {0}, second = {0};
        struct expr_value v = expr_eval(e, &f.env, NOW).value;
        expr_print(e, &first);
        struct expr *again = compile(&f, buf_c(&first), EXPR_WANT_ANY);
        if (!again) {
            print_message("%s\n", buf_c(&first));
            print_errors(&f);
        }
        assert_non_null(again);
        expr_print(again, &second);
        assert_string_equal(buf_c(&first), buf_c(&second));
        struct expr_value w = expr_eval(again, &f.env, NOW).value;
        assert_int_equal(v.type, w.type);
        assert_int_equal(v.known, w.known);
        assert_true(!v.known || v.i == w.i);
        buf_free(&first);
        buf_free(&second);
    }
    arena_free(&f.arena);
}

/* ---- scopes ---- */

static bool no_constant(void *ctx, const struct source *from, struct str path,
                        struct expr_value *out)
{
    return false;
}

#define NAMES 600u

static const struct str *many_constants(void *ctx, const struct source *from, size_t *n)
{
    *n = NAMES;
    return ctx;
}

static void check_said(struct fixture *f, const char *text, int want, const char *expected)
{
    struct buf said = {0};
    struct expr *e = compile(f, text, want);
    for (size_t i = 0; i < f->diags.n; i++)
        buf_addf(&said, STR_FMT, STR_ARG(f->diags.items[i].text));
    if (!str_eq_c(buf_str(&said), expected))
        print_message("%s\n", text);
    assert_string_equal(buf_c(&said), expected);
    assert_int_equal(e == NULL, *expected != '\0');
    buf_free(&said);
}

/* What is in sight depends on where the expression stands. */
static void test_scopes(void **state)
{
    struct fixture f;
    start(&f);
    f.scope.vocabulary = NULL; /* a `when` */
    f.scope.bare_constants = true;
    check_said(&f, "clusters == 50 and strict", EXPR_BOOL, "");
    check_said(&f, "now > 1s", EXPR_BOOL,
               "unknown name \"now\"; known are clusters, ttl, share, place, strict");
    check_said(&f, "count(agent) > 1", EXPR_BOOL,
               "here only parameters, the matrix and the profile can be named");
    check_said(&f, "state(api/a) == reference.state(api/a)", EXPR_BOOL,
               "here only parameters, the matrix and the profile can be named");
    check_said(&f, "ttl", EXPR_BOOL, "expected a condition, but this is a duration");
    check_said(&f, "place", EXPR_WANT_NUMBER, "expected a number, but this is a string");
    check_said(&f, "strict", EXPR_WANT_NUMBER, "expected a number, but this is a condition");
    f.scope = world_scope(); /* nothing to put in */
    check_said(&f, "${x} > 1", EXPR_BOOL, "unknown parameter \"x\"");
    f.scope.domains_n = 0; /* nothing known of values */
    check_said(&f, "exists(agent where peer == site/zz)", EXPR_BOOL, "");
    check_said(&f, "site.a.alive", EXPR_BOOL,
               "site has no field \"a.alive\"; did you mean \"alive\"?");
    struct str names[NAMES];
    for (size_t i = 0; i < NAMES; i++)
        names[i] = arena_printf(&f.arena, "parameter-%zu", i);
    f.scope = (struct expr_scope){
        .constant = no_constant, .constants = many_constants, .ctx = names, .bare_constants = true};
    check_said(&f, "x", EXPR_BOOL,
               "unknown name \"x\"; known are parameter-0, parameter-1, parameter-2, parameter-3, "
               "parameter-4, parameter-5, parameter-6, parameter-7, parameter-8, parameter-9, "
               "parameter-10, parameter-11 and 500 more");
    check_said(&f, "parameter-7", EXPR_BOOL,
               "\"parameter-7\" is a list or a mapping: it has no value");
    f.scope = world_scope();
    struct buf text = {0};
    for (size_t i = 0; i < 9; i++)
        buf_addf(&text, "%sstate(api/a) == reference.state(api/a)", i ? " and " : "");
    check_said(&f, buf_c(&text), EXPR_BOOL, "too many states in one expression");
    buf_free(&text);
    arena_free(&f.arena);
}

/* Items whose names are no words are written in quotes, and what is not there now is unknown. */
static void test_item_names(void **state)
{
    static const struct {
        const char *text, *printed, *value;
    } rows[] = {
        {"site.'a b'.died_at", "site.'a b'.died_at", "10m"},
        {"site.\"it's\".role", "site.\"it's\".role", "active"},
        {"site.'Ab_9'.died_at", "site.Ab_9.died_at", "unknown"},
        {"site.'x-1'.alive", "site.'x-1'.alive", "unknown"},
    };
    static const struct str sites[] = {STR_INIT("a b"), STR_INIT("it's"), STR_INIT("Ab_9"),
                                       STR_INIT("x-1")};
    static const struct expr_domain domains[] = {{"sites", sites, ARRAY_LEN(sites)}};
    struct fixture f;
    start(&f);
    f.scope.domains = domains;
    f.scope.domains_n = 1;
    f.world.items[VOC_SITE][0].name = "a b";
    f.world.items[VOC_SITE][1].name = "it's";
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf printed = {0}, value = {0};
        struct expr *e = compile(&f, rows[i].text, EXPR_WANT_ANY);
        print_errors(&f);
        assert_non_null(e);
        expr_print(e, &printed);
        assert_string_equal(buf_c(&printed), rows[i].printed);
        struct expr_result r = expr_eval(e, &f.env, NOW);
        expr_value_print(&r.value, &value);
        assert_string_equal(buf_c(&value), rows[i].value);
        buf_free(&printed);
        buf_free(&value);
    }
    check_said(&f, "site.'a c'.alive", EXPR_BOOL,
               "there is no site \"a c\"; did you mean \"a b\"?");
    arena_free(&f.arena);
}

/* ---- trackers ---- */

static int64_t tracked(struct fixture *f, struct expr_tracker *t)
{
    struct expr_result r = expr_track(t, &f->env, NOW);
    assert_true(r.value.known);
    return r.value.i;
}

/* Items that come without a word, that go, and that were never there. */
static void test_trackers(void **state)
{
    struct fixture f;
    start(&f);
    struct expr *e =
        compile(&f, "count(server where running) + count(agent where connected)", EXPR_WANT_ANY);
    struct expr_tracker *t = expr_tracker_new(&f.arena, e);
    assert_int_equal(tracked(&f, t), 2);
    /* no change of what it looks at is none for it */
    world_set_int(&f.world, VOC_AGENT, 2, VOC_AGENT_CONNECTED, 1);
    expr_tracker_touch(t, (struct expr_dep){EXPR_DEP_FIELD, VOC_AGENT, VOC_AGENT_PEER});
    expr_tracker_touch(t, (struct expr_dep){EXPR_DEP_FIELD, VOC_SITE, VOC_AGENT_CONNECTED});
    expr_tracker_touch(t, (struct expr_dep){EXPR_DEP_GLOBAL, VOC_GLOBAL_DNS_QUERIES, 0});
    expr_tracker_touch(t, (struct expr_dep){EXPR_DEP_ITEMS, VOC_SITE, 0});
    assert_int_equal(tracked(&f, t), 2);
    expr_tracker_touch_item(t, VOC_AGENT, VOC_AGENT_CONNECTED, 2);
    expr_tracker_touch_item(t, VOC_AGENT, VOC_AGENT_CONNECTED, 2);
    assert_int_equal(tracked(&f, t), 3);
    uint32_t server = world_add(&f.world, VOC_SERVER, "a-0");
    world_set_int(&f.world, VOC_SERVER, server, VOC_SERVER_RUNNING, 1);
    expr_tracker_touch_item(t, VOC_SERVER, VOC_SERVER_RUNNING, server);
    assert_int_equal(tracked(&f, t), 4);
    f.world.counts[VOC_SERVER] = 0;
    expr_tracker_touch(t, (struct expr_dep){EXPR_DEP_ITEMS, VOC_SERVER, 0});
    assert_int_equal(tracked(&f, t), 3);
    world_set_int(&f.world, VOC_AGENT, 0, VOC_AGENT_CONNECTED, 0);
    expr_tracker_touch(t, (struct expr_dep){EXPR_DEP_FIELD, VOC_AGENT, VOC_AGENT_CONNECTED});
    assert_int_equal(tracked(&f, t), 2);
    arena_free(&f.arena);
}

/* ---- bounds ---- */

static uint32_t countless(void *ctx, uint32_t collection)
{
    return EXPR_VISITS_MAX + 1;
}

/* An evaluation ends; its value is not known then. And a list of what decided ends. */
static void test_bounds(void **state)
{
    struct fixture f;
    struct buf why = {0};
    start(&f);
    struct expr *e = compile(&f, "exists(agent where restarts >= 0 and not running)", EXPR_BOOL);
    for (int i = 0; i < 2; i++)
        world_set_int(&f.world, VOC_AGENT, world_add(&f.world, VOC_AGENT, "more"),
                      VOC_AGENT_RESTARTS, 1);
    for (uint32_t i = 0; i < 5; i++) {
        world_set_int(&f.world, VOC_AGENT, i, VOC_AGENT_RUNNING, 0);
        world_set_int(&f.world, VOC_AGENT, i, VOC_AGENT_RESTARTS, i);
    }
    expr_explain(e, &f.env, NOW, &why);
    assert_string_equal(buf_c(&why),
                        "5 of 5 agents match: edge-0/agent-0: restarts = 0, running = false; "
                        "edge-1/agent-0: restarts = 1, running = false; edge-2/agent-0: restarts "
                        "= 2, running = false; ...");
    struct expr_ops ops = world_ops;
    ops.count = countless;
    struct expr_env env = {&ops, &f.world};
    e = compile(&f, "count(agent where false)", EXPR_WANT_ANY);
    struct expr_result r = expr_eval(e, &env, NOW);
    assert_true(r.exhausted);
    assert_false(r.value.known);
    buf_free(&why);
    arena_free(&f.arena);
}

/* ---- errors ---- */

static const struct {
    const char *text, *errors;
} errors[] = {
    {"", "1:1: the expression is empty"},
    {"1 +", "1:4: expected a value, but the expression ends here"},
    {"(1 + 2", "1:7: expected \")\", but the expression ends here"},
    {"1 ==", "1:5: expected a value, but the expression ends here"},
    {"1 *", "1:4: expected a value, but the expression ends here"},
    {"true and", "1:9: expected a value, but the expression ends here"},
    {"true or or", "1:9: expected a value, not \"or\""},
    {"min(1, )", "1:8: expected a value, not \")\""},
    {"min(", "1:5: expected a value, but the expression ends here"},
    {"age(", "1:5: expected a value, but the expression ends here"},
    {"rate(", "1:6: expected a value, but the expression ends here"},
    {"rate(manager.handshakes,)", "1:25: expected a value, not \")\""},
    {"sum(agent.restarts where)", "1:25: expected a value, not \")\""},
    {"count(agent where)", "1:18: expected a value, not \")\""},
    {"all(agent:)", "1:11: expected a value, not \")\""},
    {"count(5)", "1:7: expected a collection, not \"5\""},
    {"count(and)", "1:7: expected a collection, not \"and\""},
    {"count(agent as and)", "1:16: expected a name, not \"and\""},
    {"count(agent as 5)", "1:16: expected a name, not \"5\""},
    {"1 in 2", "1:6: expected \"[\", not \"2\""},
    {"1 in []", "1:7: expected a value, not \"]\""},
    {"1 in [1, 2", "1:11: expected \"]\", but the expression ends here"},
    {"${clusters", "1:11: expected \"}\", but the expression ends here"},
    {"${", "1:3: expected a value, but the expression ends here"},
    {"$x", "1:1: \"$\" does not belong here; a parameter is written ${NAME}"},
    {"1 + # $", "1:5: \"#\" does not belong here"},
    {"(1 # 2)", "1:4: \"#\" does not belong here"},
    {"state(api/a", "1:7: \")\" is missing behind the target"},
    {"state('api/a' x", "1:7: \")\" is missing behind the target"},
    {"exists(cluster where distinct(writer.site) > 1 within)", "1:54: expected a value, not \")\""},
    {"1 > 0 within 1 +", "1:17: expected a value, but the expression ends here"},
    {"1. > 0", "1:2: \".\" does not belong here"},
    {"99999999999999999% > 0",
     "1:1: \"99999999999999999%\" is not a number; write 5, 0.25, 10%, 1m30s or 8GiB"},
    {"9223372036854.9 > 0",
     "1:1: \"9223372036854.9\" is not a number; write 5, 0.25, 10%, 1m30s or 8GiB"},
    {"0.00001% > 0", "1:1: \"0.00001%\" is not a number; write 5, 0.25, 10%, 1m30s or 8GiB"},
    {"99999999999GiB > 0",
     "1:1: \"99999999999GiB\" is not a number; write 5, 0.25, 10%, 1m30s or 8GiB"},
    {"9xB > 0", "1:1: \"9xB\" is not a number; write 5, 0.25, 10%, 1m30s or 8GiB"},
    {"1 + 2)", "1:6: expected an operator or the end, not \")\""},
    {"count(agent where conected)", "1:19: unknown name \"conected\"; did you mean \"connected\"?"},
    {"count(agnet)", "1:7: unknown collection \"agnet\"; did you mean \"agent\"?"},
    {"cuont(agent)", "1:1: unknown function \"cuont\"; did you mean \"count\"?"},
    {"frobnicate(agent)",
     "1:1: unknown function \"frobnicate\"; known are count, exists, all, none, sum, min, max, "
     "distinct, age, known, values, rate and 3 more"},
    {"state(api/a)",
     "1:7: a state is no value; compare it: state(api/a) == reference.state(api/a)"},
    {"state(api/a) == 3",
     "1:14: states are compared with those of the faultless run: state(api/a) == "
     "reference.state(api/a)"},
    {"state(api/a) == reference.state(api/b)",
     "1:14: states are compared with those of the faultless run: state(api/a) == "
     "reference.state(api/a)"},
    {"state(api/a) < reference.state(api/a)",
     "1:14: states are compared with those of the faultless run: state(api/a) == "
     "reference.state(api/a)"},
    {"count(agent where agent.per == site/a)",
     "1:19: agent has no field \"per\"; did you mean \"peer\"?"},
    {"exists(agent where peer == site/c)",
     "1:28: \"peer\" is never \"site/c\"; did you mean \"site/a\"?"},
    {"exists(agent where resolver == defualt)",
     "1:32: \"resolver\" is never \"defualt\"; did you mean \"default\"?"},
    {"exists(cluster where state == 'actve')",
     "1:31: \"state\" is never \"actve\"; did you mean \"active\"?"},
    {"exists(agent where peer in [site/a, site/z])",
     "1:37: \"peer\" is never \"site/z\"; did you mean \"site/a\"?"},
    {"count(agent) == 5s",
     "1:14: \"==\" does not take an integer and a duration; a duration needs a "
     "unit: 5s"},
    {"exists(agent where age(last_byte) > 45)",
     "1:35: \">\" does not take a duration and an integer; a duration needs a unit: 5s"},
    {"1 + 'a'", "1:3: \"+\" does not take an integer and a string"},
    {"1s * 2s", "1:4: \"*\" does not take a duration and a duration"},
    {"now + now", "1:5: \"+\" does not take a time and a time"},
    {"5s - now", "1:4: \"-\" does not take a duration and a time"},
    {"-now > 1s", "1:1: \"-\" does not take a time"},
    {"-'a' == 'b'", "1:1: \"-\" does not take a string"},
    {"-(1 + 'a')", "1:5: \"+\" does not take an integer and a string"},
    {"now * 2 > 1s", "1:5: \"*\" does not take a time and an integer; a duration needs a unit: 5s"},
    {"2 * now > 1s", "1:3: \"*\" does not take an integer and a time; a duration needs a unit: 5s"},
    {"1s * 'a' > 1s", "1:4: \"*\" does not take a duration and a string"},
    {"now / 1s > 1", "1:5: \"/\" does not take a time and a duration"},
    {"1s / now > 1", "1:4: \"/\" does not take a duration and a time"},
    {"1 / 1s > 1",
     "1:3: \"/\" does not take an integer and a duration; a duration needs a unit: 5s"},
    {"1s - 1 > 1s",
     "1:4: \"-\" does not take a duration and an integer; a duration needs a unit: 5s"},
    {"max(1, 1s) > 1",
     "1:1: \"max\" does not take an integer and a duration; a duration needs a unit: 5s"},
    {"max(true, false)", "1:1: \"max\" does not take a condition and a condition"},
    {"(1 + 'a') and 5", "1:4: \"+\" does not take an integer and a string|"
                        "1:15: \"and\" takes a condition, not an integer; compare it: ... > 0"},
    {"(1 + 'a') == (2 + 'b')", "1:4: \"+\" does not take an integer and a string|"
                               "1:17: \"+\" does not take an integer and a string"},
    {"(1 + 'a') == b", "1:4: \"+\" does not take an integer and a string"},
    {"(1 + 'a') * (2 + 'b') > 0", "1:4: \"+\" does not take an integer and a string|"
                                  "1:16: \"+\" does not take an integer and a string"},
    {"true > false", "1:6: \">\" does not take a condition and a condition"},
    {"5s in [1s, 1]", "1:12: the list has an integer, but a duration is looked for"},
    {"conected in [1]", "1:1: unknown name \"conected\"; known are manager.handshakes, ..."},
    {"5 in [conected]", "1:7: unknown name \"conected\"; known are manager.handshakes, ..."},
    {"known(conected)", "1:7: unknown name \"conected\"; known are manager.handshakes, ..."},
    {"age(conected) > 1s", "1:5: unknown name \"conected\"; known are manager.handshakes, ..."},
    {"rate(5, 1s) > 1", "1:6: rate() takes a counter, such as manager.handshakes"},
    {"rate(manager.handshakes, 5) > 1", "1:26: a window takes a duration, not an integer"},
    {"rate(manager.handshakes, -1s) > 1",
     "1:26: a window is a fixed duration above zero, such as 1s"},
    {"rate(manager.handshakes, age(now)) > 1",
     "1:26: a window is a fixed duration above zero, such as 1s"},
    {"sum(agent.connected_at) > 1s", "1:5: sum() does not take a time"},
    {"min(agent.connected)", "1:5: min() does not take a condition"},
    {"sum(agent.nonesuch) > 1",
     "1:5: agent has no field \"nonesuch\"; known are name, cluster, ..."},
    {"sum(nonesuch) > 1", "1:5: unknown name \"nonesuch\"; known are manager.handshakes, ..."},
    {"sum(none.such) > 1", "1:5: unknown name \"none.such\"; known are manager.handshakes, ..."},
    {"sum(agent.restarts + 'a') > 1", "1:20: \"+\" does not take an integer and a string"},
    {"sum(agent.restarts where 5) > 1",
     "1:26: \"where\" takes a condition, not an integer; compare it: ... > 0"},
    {"sum(agent.restarts where conected) > 1",
     "1:26: unknown name \"conected\"; did you mean \"connected\"?"},
    {"exists(cluster where max(writer.site) > 1)",
     "1:26: \"writer.site\" is a record over time: write distinct(writer.site) ... within 1s"},
    {"exists(cluster where distinct(writer.site where connected) > 1 within 1s)",
     "1:31: \"writer.site\" is a record over time: write distinct(writer.site) ... within 1s"},
    {"exists(agent as a: exists(agent as b: exists(agent as c: exists(agent as d: "
     "sum(cluster.sessions) > 1))))",
     "1:77: at most 4 collections can be open at once"},
    {"exists(agent as x: x.per == 'a')",
     "1:20: agent has no field \"per\"; did you mean \"peer\"?"},
    {"exists(agent as x: y.peer == z)", "1:20: unknown name \"y.peer\"; did you mean \"peer\"?"},
    {"exists(agent: 5)", "1:15: \":\" takes a condition, not an integer; compare it: ... > 0"},
    {"all(agent where conected: per)",
     "1:17: unknown name \"conected\"; did you mean \"connected\"?|"
     "1:27: unknown name \"per\"; did you mean \"peer\"?"},
    {"agent.x.y > 1", "1:1: agent has no field \"x.y\"; known are name, cluster, ..."},
    {"site.a > 1", "1:1: site has no field \"a\"; known are name, role, ..."},
    {"node == 3", "1:1: \"node\" is a collection; count it or look into it: count(node)"},
    {"${time(settle)} > 1s", "1:1: ${...} takes parameters only, not what happens in the run"},
    {"${state(api/a) == reference.state(api/a)}",
     "1:16: here only parameters, the matrix and the profile can be named"},
    {"${1 + 'a'} > 1", "1:5: \"+\" does not take an integer and a string"},
    {"${site/a == x}",
     "1:13: unknown parameter \"x\"; known are clusters, ttl, share, place, strict"},
    {"state(api/a) == reference.state(api/a) within 1s",
     "1:14: states are compared with those of the faultless run: state(api/a) == "
     "reference.state(api/a)"},
    {"3 == state(api/a)",
     "1:3: states are compared with those of the faultless run: state(api/a) == "
     "reference.state(api/a)"},
    {"state(api/a) == state(api/a)",
     "1:14: states are compared with those of the faultless run: state(api/a) == "
     "reference.state(api/a)"},
    {"site/a in ['site/a']", "1:1: unknown name \"site/a\"; minus and division need blanks"},
    {"a == 'b'", "1:1: unknown name \"a\"; known are manager.handshakes, ..."},
    {"1 == b", "1:6: unknown name \"b\"; known are manager.handshakes, ..."},
    {"b == 1", "1:1: unknown name \"b\"; known are manager.handshakes, ..."},
    {"exists(agent where b == connected)",
     "1:20: unknown name \"b\"; known are name, cluster, ..."},
    {"exists(cluster where site/a == writer.site)",
     "1:32: \"writer.site\" is a record over time: write distinct(writer.site) ... within 1s"},
    {"exists(agent where site/c == peer)",
     "1:20: \"peer\" is never \"site/c\"; did you mean \"site/a\"?"},
    {"exists(agent where ${place} == resolver)",
     "1:20: \"resolver\" is never \"site/b\"; known are default, sticky"},
    {"exists(cluster where distinct(writer.site) > 1 within 1)",
     "1:55: a window takes a duration, not an integer"},
    {"exists(cluster where distinct(writer.site) > 'a' within 1s)",
     "1:44: \">\" does not take an integer and a string"},
    {"1 < 2 < 3", "1:7: comparisons do not chain; join them with \"and\""},
    {"count(agent) = 3", "1:14: \"=\" is not an operator; did you mean \"==\"?"},
    {"true && false", "1:6: \"&&\" is not an operator; did you mean \"and\"?"},
    {"true || false", "1:6: \"||\" is not an operator; did you mean \"or\"?"},
    {"!true", "1:1: \"!\" is not an operator; did you mean \"not\"?"},
    {"values(agent.peer) == 3", "1:20: expected \"subset of\" behind values(...), not \"==\""},
    {"values(agent.peer) subset 3", "1:27: expected \"subset of\" behind values(...), not \"3\""},
    {"values(agent.peer) subset of 3", "1:30: \"subset of\" takes values(...) or a list [...]"},
    {"values(peer) subset of [site/a]",
     "1:8: expected a field of a collection, such as agent.peer, not \"peer\""},
    {"values(agent.peer) subset of [site/q]",
     "1:31: \"peer\" is never \"site/q\"; did you mean \"site/a\"?"},
    {"1 in [values(agent.peer)]", "1:7: a set is no value; compare it: values(agent.peer) subset "
                                  "of [site/a, site/b]"},
    {"values(agnet.peer) subset of [site/a]",
     "1:8: unknown collection \"agnet\"; did you mean \"agent\"?"},
    {"values(agent.pear) subset of [site/a]",
     "1:8: agent has no field \"pear\"; did you mean \"peer\"?"},
    {"not 5", "1:5: \"not\" takes a condition, not an integer; compare it: ... > 0"},
    {"1 and true", "1:1: \"and\" takes a condition, not an integer; compare it: ... > 0"},
    {"true or 1s", "1:9: \"or\" takes a condition, not a duration"},
    {"10x", "1:1: \"10x\" is not a number; write 5, 0.25, 10%, 1m30s or 8GiB"},
    {"99999999999999999999", "1:1: \"99999999999999999999\" is not a number; write 5, 0.25, 10%, "
                             "1m30s or 8GiB"},
    {"0.1234567", "1:1: \"0.1234567\" is not a number; write 5, 0.25, 10%, 1m30s or 8GiB"},
    {"1 == 'open", "1:6: \"'open\" begins a string that does not end"},
    {"1 # 2", "1:3: \"#\" does not belong here"},
    {"agent == 3", "1:1: \"agent\" is a collection; count it or look into it: count(agent)"},
    {"agent.peer == site/a",
     "1:1: \"agent.peer\" is a field of many; say of which, as in exists(agent where ...)"},
    {"site.c.died_at > 1s", "1:1: there is no site \"c\"; known are a, b"},
    {"site.a.dead_at > 1s", "1:1: site has no field \"dead_at\"; did you mean \"died_at\"?"},
    {"time(setle) > 1s", "1:6: unknown step \"setle\"; did you mean \"settle\"?"},
    {"time(settle", "1:6: \")\" is missing behind the step's name"},
    {"age(5s)", "1:5: age() takes a time, not a duration"},
    {"rate(agent.peer, 1s)", "1:6: \"agent.peer\" is a field of many; say of which, as in "
                             "exists(agent where ...)"},
    {"rate(manager.queue_depth, 1s)", "1:6: rate() takes a counter, such as manager.handshakes"},
    {"rate(manager.handshakes, now)", "1:26: a window takes a duration, not a time"},
    {"rate(manager.handshakes, 0s)", "1:26: a window is a fixed duration above zero, such as 1s"},
    {"rate(manager.handshakes)", "1:24: expected \",\", not \")\""},
    {"manager.handshaks > 1",
     "1:1: unknown name \"manager.handshaks\"; did you mean \"manager.handshakes\"?"},
    {"${clusterz} > 1", "1:3: unknown parameter \"clusterz\"; did you mean \"clusters\"?"},
    {"${count(agent)} > 1", "1:3: here only parameters, the matrix and the profile can be named"},
    {"${now} > 1s",
     "1:3: unknown parameter \"now\"; known are clusters, ttl, share, place, strict"},
    {"exists(cluster where distinct(writer.site) > 1)",
     "1:22: \"writer.site\" is a record over time: write distinct(writer.site) ... within 1s"},
    {"exists(cluster where writer.site == site/a)",
     "1:22: \"writer.site\" is a record over time: write distinct(writer.site) ... within 1s"},
    {"distinct(cluster.writer.site) > 1 within 1s",
     "1:1: \"writer.site\" is a record of one item: use it inside exists(cluster where ...)"},
    {"count(agent) > 1 within 1s",
     "1:25: \"within\" needs a record over time before it, as in distinct(writer.site)"},
    {"sum(1)", "1:5: sum() needs a field of a collection, such as sum(agent.restarts)"},
    {"sum(agent.peer)", "1:5: sum() does not take a string"},
    {"all(agent)", "1:10: expected \":\" and a condition: all(agent: connected), not \")\""},
    {"exists(agent)", "1:13: expected \"where\" and a condition, not \")\""},
    {"count(agent: connected)", "1:12: expected \"where\", not \":\""},
    {"exists(agent where restarts)",
     "1:20: \"where\" takes a condition, not an integer; compare it: ... > 0"},
    {"exists(agent where peer < site/a)", "1:25: \"<\" does not take a string and a string"},
    {"count(agent", "1:12: expected \")\", but the expression ends here"},
    {"foo == bar", "1:1: unknown name \"foo\"; known are manager.handshakes, "
                   "manager.handshake_failures, manager.reconciles, manager.queue_depth, "
                   "manager.leader_changes, manager.leaders, tunnel.sessions, tunnel.opened, "
                   "tunnel.closed, dns.queries, dns.servfail_answers, dns.nxdomain_answers and 25 "
                   "more"},
    {"site/a == manager.reconcile",
     "1:11: unknown name \"manager.reconcile\"; did you mean \"manager.reconciles\"?"},
    {"count(agent where conected) > 1 and exists(agent where per == site/a)",
     "1:19: unknown name \"conected\"; did you mean \"connected\"?|"
     "1:56: unknown name \"per\"; did you mean \"peer\"?"},
    {"dns.queries-1 > 0", "1:1: unknown name \"dns.queries-1\"; did you mean \"dns.queries\"?"},
    {"x-1 > 0", "1:1: unknown name \"x-1\"; minus and division need blanks"},
    {"and", "1:1: expected a value, not \"and\""},
    {"exists(agent where \xc3\xa9 == 1)", "1:20: \"\xc3\xa9\" does not belong here"},
    {"5", "1:1: expected a condition, but this is an integer"},
    {"exists(agent as a: exists(agent as b: exists(agent as c: exists(agent as d: "
     "exists(agent as e: e.connected)))))",
     "1:77: at most 4 collections can be open at once"},
    {"(((((((((((((((((((((((((((((((((((((true)))))))))))))))))))))))))))))))))))))",
     "1:33: nested too deeply"},
};

static void join_errors(const struct diags *d, struct buf *out)
{
    for (size_t i = 0; i < d->n; i++)
        buf_addf(out, "%s%u:%u: " STR_FMT, i ? "|" : "", (unsigned)d->items[i].place.line,
                 (unsigned)d->items[i].place.column, STR_ARG(d->items[i].text));
}

/* What is expected may end with "...": there are many names. */
static bool is_said(struct str said, struct str expected)
{
    struct str more = STR(", ...");
    if (!str_ends(expected, more))
        return str_eq(said, expected);
    return str_starts(said, str_sub(expected, 0, expected.n - more.n));
}

static void test_errors(void **state)
{
    struct fixture f;
    start(&f);
    size_t wrong = 0;
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        struct buf said = {0};
        struct expr *e = compile(&f, errors[i].text, EXPR_BOOL);
        join_errors(&f.diags, &said);
        if (e || !is_said(buf_str(&said), str_c(errors[i].errors))) {
            print_message("%s\n  got    %s\n  wanted %s\n", errors[i].text, buf_c(&said),
                          errors[i].errors);
            wrong++;
        }
        buf_free(&said);
    }
    assert_int_equal(wrong, 0);
    arena_free(&f.arena);
}

/* ---- time ---- */

static const struct {
    const char *text;
    bool now;
    int64_t next; /* ns from NOW; -1: never */
} changes[] = {
    {"count(agent) > 2", true, -1},
    {"exists(agent where age(last_byte) > 1m30s)", false, 29 * NS_PER_S + 1},
    {"exists(agent where age(last_byte) >= 1m30s)", false, 29 * NS_PER_S},
    {"all(agent where known(last_byte): age(last_byte) < 2m)", true, 59 * NS_PER_S},
    {"all(agent where known(last_byte): age(last_byte) <= 2m)", true, 59 * NS_PER_S + 1},
    {"now > 12m", false, 60 * NS_PER_S + 1},
    {"now < 12m", true, 60 * NS_PER_S},
    {"12m > now", true, 60 * NS_PER_S},
    {"now > 10m", true, -1},
    {"now == 12m", false, 60 * NS_PER_S},
    {"now == 11m", true, 1},
    {"now - site.a.died_at > 2m", false, 60 * NS_PER_S + 1},
    {"2 * age(site.a.died_at) > 4m", false, 60 * NS_PER_S + 1},
    {"age(site.a.died_at) / 2 > 1m", false, EXPR_RECHECK_NS},
    {"age(site.b.died_at) > 2m", false, -1},
    {"rate(manager.handshakes, 1s) > 5", false, NS_PER_S},
    {"rate(manager.handshakes, 2s) > 5", false, NS_PER_S},
    {"exists(cluster where distinct(writer.site) > 1 within 1s)", true, NS_PER_S / 2},
    {"min(age(site.a.died_at), 2m) < 2m", true, 60 * NS_PER_S},
    {"exists(agent where leader) and now > 1s", false, EXPR_LIVE_NS},
    {"now != 11m", false, 1},
    {"now <= 11m", true, 1},
    {"11m >= now", true, 1},
    {"now >= 12m", false, 60 * NS_PER_S},
    {"12m <= now", false, 60 * NS_PER_S},
    {"12m < now", false, 60 * NS_PER_S + 1},
    {"now in [12m, 13m]", false, 60 * NS_PER_S},
    {"age(site.a.died_at) * 2 > 4m", false, 60 * NS_PER_S + 1},
    {"0s - age(site.a.died_at) < 0s - 2m", false, 60 * NS_PER_S + 1},
    {"-age(site.a.died_at) < -2m", false, 60 * NS_PER_S + 1},
    {"0.5 * age(site.a.died_at) > 1m", false, EXPR_RECHECK_NS},
    {"age(site.a.died_at) * 0.5 > 1m", false, EXPR_RECHECK_NS},
    {"1m < age(site.a.died_at) * 0.5", false, EXPR_RECHECK_NS},
    {"age(site.a.died_at) * 0.5 + 1s > 1m", false, EXPR_RECHECK_NS},
    {"1s + age(site.a.died_at) * 0.5 > 1m", false, EXPR_RECHECK_NS},
    {"2 * (age(site.a.died_at) * 0.5) > 2m", false, EXPR_RECHECK_NS},
    {"age(site.a.died_at) * 0.5 * 2 > 2m", false, EXPR_RECHECK_NS},
    {"-(age(site.a.died_at) * 0.5) > 1m", false, EXPR_RECHECK_NS},
    {"age(now - age(site.a.died_at) * 0.5) > 1m", false, EXPR_RECHECK_NS},
    {"1m / age(site.a.died_at) > 2", false, EXPR_RECHECK_NS},
    {"age(site.a.died_at) * 0.5 / 2 > 1m", false, EXPR_RECHECK_NS},
    {"1m / (age(site.a.died_at) * 0.5) > 3", false, EXPR_RECHECK_NS},
    {"max(age(site.a.died_at) * 0.5, 1m) > 2m", false, EXPR_RECHECK_NS},
    {"max(90s, age(site.a.died_at)) > 2m", false, 30 * NS_PER_S},
    {"min(age(site.b.died_at), 2m) < 2m", false, -1},
    {"max(age(agent.last_byte)) > 2m", false, 59 * NS_PER_S + 1},
    {"min(age(agent.last_byte)) > 2m", false, 119 * NS_PER_S + 1},
    {"sum(age(agent.last_byte)) > 2m4s", false, 31 * NS_PER_S + 1},
    {"distinct(age(agent.last_byte)) > 5", false, EXPR_RECHECK_NS},
    {"distinct(age(agent.last_byte) * 0.5) > 5", false, EXPR_RECHECK_NS},
    {"known(age(site.a.died_at))", true, -1},
    /* beyond what 64 bits hold */
    {"age(site.a.died_at) > 9223372036s", false, -1},
    {"9223372036854775807 * age(site.a.died_at) > -1s", true, EXPR_RECHECK_NS},
    {"0s - 9223372036854775807 * age(site.a.died_at) > 1ns", false, EXPR_RECHECK_NS},
    {"0s - 9223372036854775807 * (age(site.a.died_at) - 1m) > age(site.a.died_at) - 1m", false,
     EXPR_RECHECK_NS},
    {"9223372036854775807 * (age(site.a.died_at) - 1m) + 2 * (age(site.a.died_at) - 1m) > 1h",
     false, EXPR_RECHECK_NS},
    {"0s - 9223372036854775807 * (age(site.a.died_at) - 1m) - 2 * (age(site.a.died_at) - 1m) > 1h",
     false, EXPR_RECHECK_NS},
    {"3 * (9223372036854775807 * (age(site.a.died_at) - 1m)) > 1h", false, EXPR_RECHECK_NS},
    {"9223372036854775807 * (age(site.a.died_at) - 1m) * 3 > 1h", false, EXPR_RECHECK_NS},
    {"9223372036854775807 * (age(site.a.died_at) - 1m) > 3 * (age(site.a.died_at) - 2m)", true, -1},
    {"0s - 9223372036854775807 * (age(site.a.died_at) - 1m) < 9223372036854775807 * "
     "(age(site.a.died_at) - 1m)",
     false, EXPR_RECHECK_NS},
};

static void test_next_change(void **state)
{
    struct fixture f;
    size_t wrong = 0;
    start(&f);
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        struct expr *e = compile(&f, changes[i].text, EXPR_BOOL);
        print_errors(&f);
        assert_non_null(e);
        struct expr_result r = expr_eval(e, &f.env, NOW);
        int64_t next = r.next_change == EXPR_NEVER ? -1 : r.next_change - NOW;
        if (next != changes[i].next || r.value.i != changes[i].now) {
            print_message("%s: %d, %lld\n", changes[i].text, (int)r.value.i, (long long)next);
            wrong++;
        }
        assert_int_equal(expr_uses_time(e), changes[i].next >= 0 || i > 1);
    }
    assert_int_equal(wrong, 0);
    arena_free(&f.arena);
}

/* ---- dependencies and items ---- */

static void test_dependencies(void **state)
{
    struct fixture f;
    start(&f);
    struct expr *e = compile(&f,
                             "count(agent where peer == site/a) > dns.queries and "
                             "time(calm) > site.a.died_at",
                             EXPR_BOOL);
    size_t n;
    const struct expr_dep *deps = expr_deps(e, &n);
    assert_int_equal(n, 6);
    assert_int_equal(deps[0].kind, EXPR_DEP_ITEMS);
    assert_true(expr_depends_on(e, (struct expr_dep){EXPR_DEP_FIELD, VOC_AGENT, VOC_AGENT_PEER}));
    assert_true(expr_depends_on(e, (struct expr_dep){EXPR_DEP_GLOBAL, VOC_GLOBAL_DNS_QUERIES, 0}));
    assert_true(expr_depends_on(e, (struct expr_dep){EXPR_DEP_STEP, 3, 0}));
    assert_true(expr_depends_on(e, (struct expr_dep){EXPR_DEP_FIELD, VOC_SITE, VOC_SITE_DIED_AT}));
    assert_false(expr_depends_on(e, (struct expr_dep){EXPR_DEP_FIELD, VOC_AGENT, VOC_AGENT_NAME}));
    assert_false(expr_uses_time(e));
    arena_free(&f.arena);
}

static void test_per_item(void **state)
{
    struct fixture f;
    start(&f);
    f.scope.per_item = true;
    struct expr *e = compile(&f, "agent.reconnected_at - site.a.died_at", EXPR_WANT_NUMBER);
    assert_non_null(e);
    assert_int_equal(expr_over(e), VOC_AGENT);
    struct expr_result r = expr_eval_item(e, &f.env, NOW, 0);
    assert_int_equal(r.value.i, 40 * NS_PER_S);
    assert_false(expr_eval_item(e, &f.env, NOW, 1).value.known);
    e = compile(&f, "dns.queries", EXPR_WANT_NUMBER);
    assert_int_equal(expr_over(e), -1);
    arena_free(&f.arena);
}

/* Columns inside quoted, escaped and block scalars. */
static void test_places(void **state)
{
    static const struct {
        const char *text;
        uint32_t line, column;
        size_t offset;
        uint32_t at_line, at_column;
    } cases[] = {
        {"a: hello", 1, 4, 2, 1, 6},
        {"a: \"hello\"", 1, 4, 2, 1, 7},
        {"a: \"h\\\"llo\"", 1, 4, 2, 1, 8},
        {"a: 'it''s so'", 1, 4, 5, 1, 11},
        {"a: \"\xc3\xa9t\xc3\xa9 x\"", 1, 4, 6, 1, 9},
        {"a: one\n   two", 1, 4, 4, 2, 4},
        {"a: |\n  one\n  two\n", 1, 4, 5, 3, 4},
        {"a: >\n  one\n  two\n", 1, 4, 4, 3, 3},
        {"a: \"\\u0041b\"", 1, 4, 1, 1, 11},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct source source = {.file = STR("x"), .text = str_c(cases[i].text)};
        struct diags diags = {.source = &source};
        struct place at = {.line = cases[i].line, .column = cases[i].column};
        struct place p = place_inside(&diags, at, cases[i].offset);
        if (p.line != cases[i].at_line || p.column != cases[i].at_column)
            print_message("case %zu: %u:%u\n", i, (unsigned)p.line, (unsigned)p.column);
        assert_int_equal(p.line, cases[i].at_line);
        assert_int_equal(p.column, cases[i].at_column);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scopes),       cmocka_unit_test(test_item_names),
        cmocka_unit_test(test_trackers),     cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_values),       cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_errors),       cmocka_unit_test(test_next_change),
        cmocka_unit_test(test_dependencies), cmocka_unit_test(test_per_item),
        cmocka_unit_test(test_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
