/* Goal: an agent's link follows its name and nothing else, keeps what works, and comes back in no crowd.
 * Method: many links of one process against two hand-made sites whose routers count sessions; the name's records and the
 * resolver's troubles are the test's. Times of attempts are read from the notes that links leave. */
#include "tests/unit/support/sim_kit.h"

#include "engine/agents/cluster/link.h"
#include "engine/http/server.h"
#include "engine/tunnel/router.h"
#include "sim/world/dns.h"

#define LINKS     40
#define NAME      "manager.example.test"
#define SITE_A    "10.0.0.1"
#define SITE_B    "10.0.0.3"
#define ATTEMPTS  4096
#define SLOT      (250 * MS)
#define SLOTS_MAX 4096

struct site {
    struct world *w;
    struct http_server *http;
    struct tunnel_router *router;
    bool refuses;
    int registers, connects; /* by path */
};

struct bench {
    struct kit *kit;
    struct policies policies;
    struct site a, b;
    struct sim_resolver *dns;
    struct agent_config config;
    struct agent_resolver *resolvers[LINKS];
    struct agent_link *links[LINKS];
    size_t n;
    world_time attempts[ATTEMPTS]; /* that failed */
    size_t attempts_n;
};

static void on_request(void *owner, struct http_exchange *x)
{
    struct site *s = owner;
    struct tunnel_identity who = {.key = STR("c-1")};
    if (s->refuses) {
        http_answer(x, 503, "text/plain", NULL, STR("not now"));
        return;
    }
    s->registers += str_eq_c(http_path(x), "/v3/connect/register");
    s->connects += str_eq_c(http_path(x), "/v3/connect");
    assert_non_null(tunnel_router_accept(s->router, x, &who));
}

static void site_open(struct site *s, struct world *w, const struct policies *policies)
{
    struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), 80)};
    struct world_listener *listener;
    s->w = w;
    s->http = http_server_new(w, NULL, on_request, s);
    s->router = tunnel_router_new(w, policies);
    check_ok(http_server_listen(s->http, &listen, &listener));
}

static void site_close(struct site *s)
{
    http_server_free(s->http);
    tunnel_router_free(s->router);
}

static size_t sessions(const struct site *s)
{
    return tunnel_router_count(s->router, STR("c-1"));
}

static void on_note(void *owner, const struct sim_note *note)
{
    struct bench *b = owner;
    if (strcmp(note->kind, "agent.connect-failed") == 0 && b->attempts_n < ATTEMPTS)
        b->attempts[b->attempts_n++] = note->at;
}

static void name_is(struct bench *b, const char *one, const char *other)
{
    struct str addresses[] = {str_c(one), str_c(other ? other : one)};
    sim_dns_set(b->kit->sim, STR(NAME), 5, addresses, other ? 2 : 1);
}

static void bench_open(struct bench *b, struct policies policies)
{
    *b = (struct bench){.kit = kit_new(), .policies = policies};
    struct sim_process *far_away = kit_process(b->kit, "b", SITE_B, "site/b", NULL, NULL);
    b->dns = sim_resolver_new(
        b->kit->sim, &(struct sim_resolver_options){.name = STR("default"), .cache_off = true});
    sim_on_note(b->kit->sim, on_note, b);
    site_open(&b->a, kit_sw(b->kit), &b->policies);
    site_open(&b->b, sim_process_world(far_away), &b->policies);
    name_is(b, SITE_A, NULL);
    b->config = (struct agent_config){.server_text = STR("http://" NAME), .name = STR("agent")};
    check_ok(url_parse(b->config.server_text, &b->config.server));
}

static void bench_start(struct bench *b, size_t n)
{
    for (; b->n < n; b->n++) {
        struct world *w = kit_cw(b->kit);
        b->resolvers[b->n] = agent_resolver_new(w, &b->policies, STR(NAME));
        struct agent_link_options o = {.world = w,
                                       .policies = &b->policies,
                                       .config = &b->config,
                                       .resolver = b->resolvers[b->n],
                                       .instance = STR("i")};
        b->links[b->n] = agent_link_new(&o);
    }
}

static void bench_close(struct bench *b)
{
    for (size_t i = 0; i < b->n; i++) {
        agent_link_free(b->links[i]);
        agent_resolver_free(b->resolvers[i]);
    }
    site_close(&b->a);
    site_close(&b->b);
    kit_free(b->kit);
}

static const char *peer(struct bench *b)
{
    static char host[WORLD_HOST_BYTES];
    struct agent_link_state s = agent_link_state(b->links[0]);
    (void)snprintf(host, sizeof(host), "%s", s.connected ? s.peer.host : "none");
    return host;
}

/* Lets time pass, during which the link is never without a tunnel. */
static void run_connected(struct bench *b, world_time time)
{
    for (world_time t = 0; t < time; t += 50 * MS) {
        kit_run(b->kit, 50 * MS);
        assert_true(agent_link_state(b->links[0]).connected);
    }
}

/* ---- following the name ---- */

static void test_moves_with_the_name(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, policies_hardened());
    bench_start(&b, 1);
    kit_run(b.kit, S);
    assert_string_equal(peer(&b), SITE_A);
    assert_int_equal(b.a.registers, 1);
    run_connected(&b, 60 * S); /* several questions, the same answer */
    name_is(&b, SITE_B, NULL);
    run_connected(&b, 21 * S);
    assert_string_equal(peer(&b), SITE_B);
    assert_int_equal(b.b.connects, 1); /* registered once is registered */
    name_is(&b, SITE_A, NULL);         /* and back */
    run_connected(&b, 21 * S);
    assert_string_equal(peer(&b), SITE_A);
    assert_int_equal(agent_link_state(b.links[0]).moves, 2);
    run_connected(&b, 60 * S);
    assert_int_equal(sessions(&b.a), 1); /* what was left has been drained */
    assert_int_equal(sessions(&b.b), 0);
    bench_close(&b);
}

static void test_stays_where_it_is_named(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, policies_hardened());
    bench_start(&b, 1);
    kit_run(b.kit, S);
    name_is(&b, SITE_B, SITE_A); /* one of several */
    run_connected(&b, 120 * S);
    assert_string_equal(peer(&b), SITE_A);
    assert_int_equal(agent_link_state(b.links[0]).moves, 0);
    bench_close(&b);
}

static void test_trouble_of_the_resolver_is_no_move(void **state)
{
    static const enum sim_fault_kind troubles[] = {SIM_FAULT_DNS_SERVFAIL, SIM_FAULT_DNS_NXDOMAIN,
                                                   SIM_FAULT_DNS_TIMEOUT};
    (void)state;
    struct bench b;
    bench_open(&b, policies_hardened());
    bench_start(&b, 1);
    kit_run(b.kit, S);
    for (size_t i = 0; i < ARRAY_LEN(troubles); i++) {
        struct sim_fault *f = kit_fault(b.kit, &(struct sim_fault_options){.kind = troubles[i]});
        run_connected(&b, 60 * S);
        assert_true(sim_fault_fired(f) >= 2);
        sim_fault_end(f);
    }
    assert_int_equal(agent_link_state(b.links[0]).connects, 1);
    name_is(&b, SITE_B, NULL); /* it has not given up asking */
    run_connected(&b, 26 * S);
    assert_string_equal(peer(&b), SITE_B);
    bench_close(&b);
}

static void test_keeps_what_works_until_the_new_one_does(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, policies_hardened());
    b.b.refuses = true;
    bench_start(&b, 1);
    kit_run(b.kit, S);
    name_is(&b, SITE_B, NULL);
    run_connected(&b, 90 * S);
    assert_string_equal(peer(&b), SITE_A);
    assert_true(b.attempts_n >= 3); /* it goes on trying */
    b.b.refuses = false;
    run_connected(&b, 25 * S);
    assert_string_equal(peer(&b), SITE_B);
    bench_close(&b);
}

static void test_compat_never_asks_again(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, policies_compat());
    bench_start(&b, 1);
    kit_run(b.kit, S);
    name_is(&b, SITE_B, NULL);
    run_connected(&b, 120 * S);
    tunnel_router_disconnect(b.a.router, STR("c-1")); /* comes back to what it knows */
    kit_run(b.kit, 15 * S);
    assert_string_equal(peer(&b), SITE_A);
    assert_int_equal(sessions(&b.b), 0);
    bench_close(&b);
}

/* ---- coming back ---- */

static size_t most_in_a_slot(const struct bench *b, world_time from)
{
    static size_t slots[SLOTS_MAX];
    size_t most = 0;
    memset(slots, 0, sizeof(slots));
    for (size_t i = 0; i < b->attempts_n; i++) {
        size_t slot = (size_t)(b->attempts[i] / SLOT);
        if (b->attempts[i] >= from && slot < SLOTS_MAX && ++slots[slot] > most)
            most = slots[slot];
    }
    return most;
}

static void test_equal_agents_spread(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, policies_hardened());
    b.a.refuses = true;
    bench_start(&b, LINKS); /* all at the same moment */
    kit_run(b.kit, 120 * S);
    /* Means lie between 1 s and half of reconnect.max (10 s): some 25 to 60 attempts each. */
    assert_in_range(b.attempts_n, LINKS * 15, LINKS * 60);
    assert_in_range(most_in_a_slot(&b, 5 * S), 1, LINKS / 4);
    b.a.refuses = false;
    kit_run(b.kit, policy_get(&b.policies, POLICY_RECONNECT_MAX) + S);
    assert_int_equal(sessions(&b.a), LINKS); /* no pause is longer than the policy says */
    bench_close(&b);
}

/* Being connected forgives: after it the first pauses are short again. */
static void test_success_forgets_failures(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, policies_hardened());
    b.a.refuses = true;
    bench_start(&b, LINKS);
    kit_run(b.kit, 60 * S);
    b.a.refuses = false;
    kit_run(b.kit, 15 * S);
    assert_int_equal(sessions(&b.a), LINKS);
    tunnel_router_disconnect(b.a.router, STR("c-1"));
    kit_run(b.kit, AGENT_BACKOFF_FIRST + 200 * MS);
    assert_int_equal(sessions(&b.a), LINKS);
    bench_close(&b);
}

static void test_compat_waits_ten_seconds(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, policies_compat());
    b.a.refuses = true;
    bench_start(&b, 1);
    kit_run(b.kit, 61 * S);
    assert_in_range(b.attempts_n, 6, 7);
    for (size_t i = 1; i < b.attempts_n; i++)
        assert_in_range(b.attempts[i] - b.attempts[i - 1], AGENT_WAIT_ERROR, AGENT_WAIT_ERROR + S);
    bench_close(&b);
}

/* An answer that may be kept for an hour is not, once it has led nowhere: a resolver that holds old answers and gives them
 * out as new would be believed for an hour more. */
static void test_dead_answers_are_not_kept(void **state)
{
    (void)state;
    struct bench b;
    struct str a = STR(SITE_A), other = STR(SITE_B);
    bench_open(&b, policies_hardened());
    sim_dns_set(b.kit->sim, STR(NAME), 3600, &a, 1);
    bench_start(&b, LINKS);
    kit_run(b.kit, S);
    sim_dns_set(b.kit->sim, STR(NAME), 3600, &other, 1);
    b.a.refuses = true;
    tunnel_router_disconnect(b.a.router, STR("c-1"));
    kit_run(b.kit, 5 * S); /* a second, and two more, at most */
    assert_int_equal(sessions(&b.b), LINKS);
    bench_close(&b);
}

/* ---- the resolver ---- */

struct heard {
    int answers, errors;
    char host[WORLD_HOST_BYTES];
};

static void on_resolved(void *owner, const struct world_dns_answer *answer, const struct err *err)
{
    struct heard *h = owner;
    h->answers += err == NULL;
    h->errors += err != NULL;
    (void)snprintf(h->host, sizeof(h->host), "%s", err ? "error" : answer->host[0]);
}

static const char *ask(struct bench *b, struct agent_resolver *r, bool fresh, struct heard *h)
{
    h->host[0] = '\0';
    agent_resolve(r, fresh, on_resolved, h);
    assert_string_equal(h->host, ""); /* never from inside */
    kit_run(b->kit, S);
    return h->host;
}

static void test_answers_live_as_long_as_the_policy_says(void **state)
{
    static const struct {
        int64_t cache;
        const char *after_ttl;
    } cases[] = {{POLICY_DNS_CACHE_TTL, SITE_B}, {POLICY_DNS_CACHE_PROCESS, SITE_A}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bench b;
        struct heard h = {0};
        bench_open(&b, policies_hardened());
        b.policies.value[POLICY_DNS_CACHE] = cases[i].cache;
        struct agent_resolver *r = agent_resolver_new(kit_cw(b.kit), &b.policies, STR(NAME));
        assert_string_equal(ask(&b, r, false, &h), SITE_A);
        name_is(&b, SITE_B, NULL);
        assert_string_equal(ask(&b, r, false, &h), SITE_A); /* within its TTL of 5 s */
        kit_run(b.kit, 5 * S);
        assert_string_equal(ask(&b, r, false, &h), cases[i].after_ttl);
        kit_run(b.kit, 3600 * S);
        assert_string_equal(ask(&b, r, false, &h), cases[i].after_ttl);
        assert_string_equal(ask(&b, r, true, &h), SITE_B);
        struct sim_fault *f =
            kit_fault(b.kit, &(struct sim_fault_options){.kind = SIM_FAULT_DNS_SERVFAIL});
        assert_string_equal(ask(&b, r, true, &h), "error"); /* and forgets nothing for it */
        assert_string_equal(ask(&b, r, false, &h), SITE_B);
        sim_fault_end(f);
        assert_int_equal(h.errors, 1);
        agent_resolver_free(r);
        bench_close(&b);
    }
}

static void test_cancelled_questions_are_not_answered(void **state)
{
    (void)state;
    struct bench b;
    struct heard h = {0};
    bench_open(&b, policies_hardened());
    struct agent_resolver *r = agent_resolver_new(kit_cw(b.kit), &b.policies, STR(NAME));
    agent_resolve(r, false, on_resolved, &h);
    agent_resolve_cancel(r);
    kit_run(b.kit, S);
    assert_int_equal(h.answers + h.errors, 0);
    assert_string_equal(ask(&b, r, false, &h), SITE_A);
    agent_resolve(r, false, on_resolved, &h); /* the kept answer, too, can be cancelled */
    agent_resolve_cancel(r);
    kit_run(b.kit, S);
    assert_int_equal(h.answers, 1);
    agent_resolver_free(r);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moves_with_the_name),
        cmocka_unit_test(test_stays_where_it_is_named),
        cmocka_unit_test(test_trouble_of_the_resolver_is_no_move),
        cmocka_unit_test(test_keeps_what_works_until_the_new_one_does),
        cmocka_unit_test(test_compat_never_asks_again),
        cmocka_unit_test(test_equal_agents_spread),
        cmocka_unit_test(test_success_forgets_failures),
        cmocka_unit_test(test_compat_waits_ten_seconds),
        cmocka_unit_test(test_dead_answers_are_not_kept),
        cmocka_unit_test(test_answers_live_as_long_as_the_policy_says),
        cmocka_unit_test(test_cancelled_questions_are_not_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
