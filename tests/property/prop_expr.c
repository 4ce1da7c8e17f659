/* Goal: whatever is written, compiling ends with a program or with errors that have a place; programs print to what
 * parses back to them; a value never changes before the time that its evaluation named.
 * Method: random well-formed expressions from the grammar, random soups of tokens, over worlds with random values. */
#include "tests/property/support/seed.h"
#include "tests/unit/support/scenario_world.h"

#define ROUNDS     200
#define EACH       40
#define DEPTH      4
#define PROBES     8
#define NOW        (660 * NS_PER_S)
#define FUTURE_MAX (1000 * NS_PER_S)

struct sample {
    struct arena arena;
    struct source source;
    struct diags diags;
    struct expr_scope scope;
    struct scenario_world world;
    struct expr_env env;
};

static void start(struct sample *s)
{
    *s = (struct sample){.scope = world_scope()};
    s->scope.constant = world_constant;
    s->scope.constants = world_constants;
    world_fill(&s->world);
    s->env = (struct expr_env){&world_ops, &s->world};
}

static struct expr *compile(struct sample *s, struct str text)
{
    s->source = (struct source){.file = STR("x"), .text = text};
    diags_init(&s->diags, &s->arena, &s->source);
    return expr_compile(&s->arena, &s->scope, text, (struct place){.line = 1, .column = 1},
                        EXPR_WANT_ANY, &s->diags);
}

/* ---- random expressions of a wanted type ---- */

static const char *pick(struct rng *r, const char *const *words, size_t n)
{
    return words[draw(r, n)];
}
#define PICK(r, words) pick((r), (words), ARRAY_LEN(words))

static void write_condition(struct rng *r, struct buf *out, unsigned depth, bool in_agent);

static void write_span(struct rng *r, struct buf *out, unsigned depth, bool in_agent)
{
    static const char *const leaves[] = {"1s",
                                         "1m30s",
                                         "${ttl}",
                                         "250ms",
                                         "age(site.a.died_at)",
                                         "age(time(settle))",
                                         "time(calm) - now"};
    static const char *const fields[] = {"age(last_byte)", "resolver_hold",
                                         "age(agent.reconnected_at)", "last_byte - site.a.died_at"};
    size_t kind = depth == 0 ? 0 : draw(r, 5);
    if (kind < 2) {
        buf_add_c(out, in_agent && draw(r, 2) ? PICK(r, fields) : PICK(r, leaves));
        return;
    }
    buf_add_c(out, kind == 2 ? "max(" : kind == 3 ? "(" : "2 * (");
    write_span(r, out, depth - 1, in_agent);
    buf_add_c(out, kind == 2 ? ", " : draw(r, 2) ? " + " : " - ");
    write_span(r, out, depth - 1, in_agent);
    buf_add_c(out, ")");
}

static void write_number(struct rng *r, struct buf *out, unsigned depth, bool in_agent)
{
    static const char *const leaves[] = {"1",
                                         "0.25",
                                         "10%",
                                         "${clusters}",
                                         "8KiB",
                                         "count(agent)",
                                         "dns.servfail_answers",
                                         "rate(manager.handshakes, 2s)",
                                         "sum(agent.restarts)",
                                         "distinct(agent.peer)",
                                         "7"};
    static const char *const operators[] = {" + ", " - ", " * ", " / "};
    size_t kind = depth == 0 ? 0 : draw(r, 6);
    if (kind < 2) {
        buf_add_c(out, in_agent && draw(r, 3) == 0 ? "restarts" : PICK(r, leaves));
        return;
    }
    if (kind == 2 && !in_agent) {
        buf_add_c(out, "count(agent where ");
        write_condition(r, out, depth - 1, true);
        buf_add_c(out, ")");
        return;
    }
    buf_add_c(out, kind == 3 ? "min(" : kind == 4 ? "-(" : "(");
    write_number(r, out, depth - 1, in_agent);
    buf_add_c(out, kind == 3 ? ", " : PICK(r, operators));
    write_number(r, out, depth - 1, in_agent);
    buf_add_c(out, ")");
}

static void write_quantified(struct rng *r, struct buf *out, unsigned depth)
{
    static const char *const names[] = {"exists", "all", "none"};
    buf_addf(out, "%s(agent", PICK(r, names));
    if (draw(r, 2)) {
        buf_add_c(out, " where ");
        write_condition(r, out, depth - 1, true);
    }
    buf_add_c(out, ": ");
    write_condition(r, out, depth - 1, true);
    buf_add_c(out, ")");
}

static void write_comparison(struct rng *r, struct buf *out, unsigned depth, bool in_agent)
{
    static const char *const operators[] = {" == ", " != ", " < ", " <= ", " > ", " >= "};
    bool spans = draw(r, 2) != 0;
    for (size_t side = 0; side < 2; side++) {
        if (side)
            buf_add_c(out, PICK(r, operators));
        if (spans)
            write_span(r, out, depth - 1, in_agent);
        else
            write_number(r, out, depth - 1, in_agent);
    }
}

static void write_condition(struct rng *r, struct buf *out, unsigned depth, bool in_agent)
{
    static const char *const leaves[] = {
        "true",
        "${strict}",
        "site.a.alive",
        "known(site.b.died_at)",
        "site.a.role == demoted",
        "exists(cluster where distinct(writer.site) > 1 within 1s)"};
    static const char *const fields[] = {"connected",
                                         "peer == site/a",
                                         "agent.resolver != sticky",
                                         "peer in [site/a, site/b]",
                                         "known(last_byte)",
                                         "name == 'edge-1/agent-0'",
                                         "group == edge",
                                         "name in ['edge-0/agent-0', 'edge-2/agent-0']"};
    size_t kind = depth == 0 ? 0 : draw(r, 6);
    if (kind < 2) {
        buf_add_c(out, in_agent && draw(r, 2) ? PICK(r, fields) : PICK(r, leaves));
    } else if (kind == 2) {
        buf_add_c(out, "not (");
        write_condition(r, out, depth - 1, in_agent);
        buf_add_c(out, ")");
    } else if (kind == 3 && !in_agent) {
        write_quantified(r, out, depth);
    } else if (kind < 5) {
        write_comparison(r, out, depth, in_agent);
    } else {
        buf_add_c(out, "(");
        write_condition(r, out, depth - 1, in_agent);
        buf_add_c(out, draw(r, 2) ? " and " : " or ");
        write_condition(r, out, depth - 1, in_agent);
        buf_add_c(out, ")");
    }
}

/* ---- properties ---- */

static void shake_world(struct rng *r, struct scenario_world *w)
{
    world_fill(w);
    for (uint32_t i = 0; i < w->counts[VOC_AGENT]; i++) {
        world_set_int(w, VOC_AGENT, i, VOC_AGENT_CONNECTED, (int64_t)draw(r, 2));
        world_set_int(w, VOC_AGENT, i, VOC_AGENT_RESTARTS, rng_between(r, -3, 60));
        world_set_int(w, VOC_AGENT, i, VOC_AGENT_HOLD, rng_between(r, 0, 120) * NS_PER_S);
        world_set_int(w, VOC_AGENT, i, VOC_AGENT_LAST_BYTE, rng_between(r, 0, NOW));
        if (draw(r, 4) == 0)
            w->items[VOC_AGENT][i].fields[VOC_AGENT_LAST_BYTE].known = false;
    }
    for (size_t i = 0; i < w->ticks_n; i++)
        w->ticks[i].at = rng_between(r, NOW - 3 * NS_PER_S, NOW);
    for (size_t i = 0; i < w->writes_n; i++)
        w->writes[i].at = rng_between(r, NOW - 2 * NS_PER_S, NOW);
}

static bool same(const struct expr_value *a, const struct expr_value *b)
{
    return a->type == b->type && a->known == b->known && (!a->known || a->i == b->i);
}

static void check_round_trip(struct sample *s, const struct expr *e)
{
    struct buf first = {0}, second = {0};
    expr_print(e, &first);
    if (str_find(buf_str(&first), STR("unknown")) < 0) { /* a folded division by zero */
        struct expr *again = compile(s, arena_str(&s->arena, buf_str(&first)));
        if (!again)
            print_error("%s\n", buf_c(&first));
        assert_non_null(again);
        expr_print(again, &second);
        check_str_eq(buf_str(&second), buf_str(&first));
        struct expr_value a = expr_eval(e, &s->env, NOW).value;
        struct expr_value b = expr_eval(again, &s->env, NOW).value;
        assert_true(same(&a, &b));
    }
    buf_free(&first);
    buf_free(&second);
}

/* Between now and the named time nothing changes while the world stands still. */
static void check_next_change(struct rng *r, struct sample *s, const struct expr *e)
{
    struct expr_result now = expr_eval(e, &s->env, NOW);
    assert_true(now.next_change > NOW);
    int64_t end = now.next_change < NOW + FUTURE_MAX ? now.next_change : NOW + FUTURE_MAX;
    for (size_t i = 0; i < PROBES; i++) {
        int64_t at = i == 0 ? end - 1 : rng_between(r, NOW, end - 1);
        struct expr_value later = expr_eval(e, &s->env, at).value;
        if (!same(&now.value, &later)) {
            struct str text = expr_text(e);
            print_error(STR_FMT ": changes at +%lld ns, named +%lld ns\n", STR_ARG(text),
                        (long long)(at - NOW), (long long)(now.next_change - NOW));
        }
        assert_true(same(&now.value, &later));
    }
}

static void check_explains(struct sample *s, const struct expr *e)
{
    struct buf why = {0};
    expr_explain(e, &s->env, NOW, &why);
    assert_true(why.n > 0);
    buf_free(&why);
}

static void try_expressions(struct rng *r)
{
    struct sample s;
    start(&s);
    for (size_t i = 0; i < EACH; i++) {
        struct buf text = {0};
        shake_world(r, &s.world);
        write_condition(r, &text, DEPTH, false);
        struct expr *e = compile(&s, arena_str(&s.arena, buf_str(&text)));
        if (e) { /* the types of sums do not always fit */
            check_round_trip(&s, e);
            check_next_change(r, &s, e);
            check_explains(&s, e);
        } else {
            assert_true(s.diags.n > 0);
            assert_true(s.diags.items[0].place.line == 1 && s.diags.items[0].place.column >= 1);
        }
        buf_free(&text);
    }
    arena_free(&s.arena);
}

static void try_soup(struct rng *r)
{
    static const char *const tokens[] = {"count(",
                                         "exists(",
                                         "agent",
                                         "where",
                                         ":",
                                         "and",
                                         "or",
                                         "not",
                                         "(",
                                         ")",
                                         "==",
                                         "<",
                                         "within",
                                         "1s",
                                         "5",
                                         "0.1",
                                         "10%",
                                         "'x'",
                                         "peer",
                                         "site/a",
                                         "${",
                                         "}",
                                         "ttl",
                                         "in",
                                         "[",
                                         "]",
                                         ",",
                                         "-",
                                         "+",
                                         "*",
                                         "/",
                                         "time(",
                                         "settle",
                                         "rate(",
                                         "manager.handshakes",
                                         "age(",
                                         "last_byte",
                                         "as",
                                         "site.a.died_at",
                                         "distinct(",
                                         "writer.site",
                                         "cluster",
                                         "known(",
                                         "\"",
                                         "#",
                                         "max(",
                                         "."};
    struct sample s;
    start(&s);
    for (size_t i = 0; i < EACH; i++) {
        struct buf text = {0};
        for (size_t n = draw(r, 24); n > 0; n--)
            buf_addf(&text, "%s%s", PICK(r, tokens), draw(r, 3) ? " " : "");
        struct expr *e = compile(&s, arena_str(&s.arena, buf_str(&text)));
        assert_true((e != NULL) == (s.diags.n == 0));
        if (e)
            check_round_trip(&s, e);
        buf_free(&text);
    }
    arena_free(&s.arena);
}

/* ---- remembering ---- */

/* One random change of one agent; which field. */
static uint32_t change_agent(struct rng *r, struct scenario_world *w, uint32_t agent, int64_t now)
{
    static const char *const peers[] = {"site/a", "site/b", NULL};
    switch (draw(r, 4)) {
    case 0:
        world_set_int(w, VOC_AGENT, agent, VOC_AGENT_CONNECTED, (int64_t)draw(r, 2));
        return VOC_AGENT_CONNECTED;
    case 1:
        world_set_int(w, VOC_AGENT, agent, VOC_AGENT_RESTARTS, rng_between(r, -3, 60));
        return VOC_AGENT_RESTARTS;
    case 2:
        world_set_int(w, VOC_AGENT, agent, VOC_AGENT_LAST_BYTE, now);
        return VOC_AGENT_LAST_BYTE;
    default:
        world_set_str(w, VOC_AGENT, agent, VOC_AGENT_PEER, peers[draw(r, ARRAY_LEN(peers))]);
        return VOC_AGENT_PEER;
    }
}

/* Whatever changes in whatever order: what is remembered says the same as looking at everything. */
static void check_tracking(struct rng *r, struct sample *s, const struct expr *e)
{
    struct expr_tracker *t = expr_tracker_new(&s->arena, e);
    int64_t now = NOW;
    for (size_t i = 0; i < PROBES * 2; i++) {
        if (draw(r, 3) == 0)
            now += rng_between(r, 0, 40 * NS_PER_S);
        for (size_t n = draw(r, 3); n > 0; n--) {
            uint32_t agent = (uint32_t)draw(r, s->world.counts[VOC_AGENT]);
            uint32_t field = change_agent(r, &s->world, agent, now);
            if (draw(r, 4))
                (void)expr_tracker_touch_item(t, VOC_AGENT, field, agent);
            else
                expr_tracker_touch(t, (struct expr_dep){EXPR_DEP_FIELD, VOC_AGENT, field});
        }
        struct expr_result fresh = expr_eval(e, &s->env, now);
        struct expr_result tracked = expr_track(t, &s->env, now);
        if (!same(&fresh.value, &tracked.value))
            print_error(STR_FMT "\n", STR_ARG(expr_text(e)));
        assert_true(same(&fresh.value, &tracked.value));
        assert_true(tracked.next_change > now);
    }
}

static void try_tracking(struct rng *r)
{
    struct sample s;
    start(&s);
    for (size_t i = 0; i < EACH; i++) {
        struct buf text = {0};
        shake_world(r, &s.world);
        write_condition(r, &text, DEPTH, false);
        struct expr *e = compile(&s, arena_str(&s.arena, buf_str(&text)));
        if (e)
            check_tracking(r, &s, e);
        buf_free(&text);
    }
    arena_free(&s.arena);
}

static void tracking(void **state)
{
    each_seed(ROUNDS, try_tracking);
}

static void expressions(void **state)
{
    each_seed(ROUNDS, try_expressions);
}

static void soups(void **state)
{
    each_seed(ROUNDS, try_soup);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(expressions), cmocka_unit_test(soups),
                                       cmocka_unit_test(tracking)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
