/* Goal: an agent keeps one tunnel: it redials as its policies say (constant or jittered, answer kept for its life or for
 * its TTL), tries each address, moves when the name moved and not when a resolver is in trouble, gives up where the
 * original does, and never holds two tunnels for longer than a move takes.
 * Method: a link in a lab's client process, managers on two sites that take or refuse tunnels, DNS and faults. */
#include "tests/unit/support/fake_manager.h"

#include "engine/agents/cluster/link.h"
#include "engine/manifests/agent_manifest.h"

struct scene {
    struct lab *l;
    struct authority *ca;
    struct fake_manager a, b; /* at 192.0.2.1 and 192.0.2.2 */
    struct policies policies;
    struct agent_config config;
    struct agent_resolver *resolver;
    struct agent_link *link;
    uint32_t told, removed, named, unknown;
};

static void on_connected(void *owner)
{
    ((struct scene *)owner)->told++;
}

static void on_removed(void *owner, struct str image)
{
    struct scene *s = owner;
    s->removed++;
    s->named += str_eq_c(image, "agent:1");
}

static void on_unknown(void *owner)
{
    ((struct scene *)owner)->unknown++;
}

static void open_scene(struct scene *s, const struct policies *policies, uint64_t seed)
{
    *s = (struct scene){.l = lab_new(seed), .policies = *policies};
    s->ca = authority_new(s->l->sim, STR("manager"));
    fake_manager_open(&s->a, s->l, "site/a", "192.0.2.1", s->ca, false);
    fake_manager_open(&s->b, s->l, "site/b", "192.0.2.2", s->ca, false);
    fake_dns(s->l, 60, "192.0.2.1", NULL);
    s->config = (struct agent_config){
        .server_text = STR("https://" MANAGER_NAME), .token = STR("t"), .name = STR("agent")};
    check_ok(url_parse(s->config.server_text, &s->config.server));
    s->resolver = agent_resolver_new(lab_world(s->l), &s->policies, STR(MANAGER_NAME));
}

static void start_on(struct scene *s, struct world *w)
{
    struct agent_link_options o = {.world = w,
                                   .policies = &s->policies,
                                   .config = &s->config,
                                   .resolver = s->resolver,
                                   .ca_pem = authority_pem(s->ca),
                                   .params_json = STR("{}"),
                                   .instance = STR("agent-1"),
                                   .connected = on_connected,
                                   .removed = on_removed,
                                   .unknown = on_unknown,
                                   .owner = s};
    s->link = agent_link_new(&o);
}

static void start(struct scene *s)
{
    start_on(s, lab_world(s->l));
}

static void stop(struct scene *s)
{
    agent_link_free(s->link);
    agent_resolver_free(s->resolver);
    s->link = NULL;
    s->resolver = NULL;
}

static void close_scene(struct scene *s)
{
    stop(s);
    fake_manager_close(&s->a);
    fake_manager_close(&s->b);
    authority_free(s->ca);
    lab_free(s->l);
}

static bool is_connected(void *owner)
{
    return agent_link_state(((struct scene *)owner)->link).connected;
}

static void await(struct scene *s, world_time limit)
{
    assert_true(lab_until(s->l, is_connected, s, limit));
}

static void check_at(struct scene *s, const char *address)
{
    struct agent_link_state st = agent_link_state(s->link);
    assert_true(st.connected);
    assert_string_equal(st.peer.host, address);
}

static void test_connect(void **state)
{
    (void)state;
    struct scene s;
    struct policies p = policies_hardened();
    open_scene(&s, &p, 1);
    start(&s);
    await(&s, S);
    lab_run(s.l, S);
    check_at(&s, "192.0.2.1");
    assert_int_equal(s.told, 1);
    fake_manager_cut_tunnels(&s.a);
    lab_run(s.l, 5 * S);
    check_at(&s, "192.0.2.1");
    check_str(buf_str(&s.a.paths), "/v3/connect/register /v3/connect "); /* registers once */
    lab_run(s.l, 30 * S);
    assert_in_range(sim_now(s.l->sim) - agent_link_state(s.link).heard_at, 0, 11 * S);
    assert_int_equal(s.told, 2);
    close_scene(&s);
}

static void test_constant_redial(void **state)
{
    (void)state;
    struct scene s;
    struct policies p = policies_compat();
    open_scene(&s, &p, 1);
    s.a.bare = true;
    start(&s);
    await(&s, S);
    lab_run(s.l, S);
    world_time from = sim_now(s.l->sim);
    fake_manager_close_bare(&s.a); /* in order: 5 s */
    lab_run(s.l, S);
    await(&s, 20 * S);
    assert_in_range(s.a.dialled_at - from, AGENT_WAIT_CLEAN, AGENT_WAIT_CLEAN + S / 2);
    s.a.connect_status = 400; /* refused: 10 s each time */
    fake_manager_close_bare(&s.a);
    lab_run(s.l, AGENT_WAIT_CLEAN + S);
    world_time last = s.a.dialled_at;
    uint32_t dials = s.a.dials;
    for (int i = 1; i <= 5; i++) {
        lab_run(s.l, AGENT_WAIT_ERROR + S / 5);
        assert_int_equal(s.a.dials, dials + (uint32_t)i);
        assert_in_range(s.a.dialled_at - last, AGENT_WAIT_ERROR, AGENT_WAIT_ERROR + S / 2);
        last = s.a.dialled_at;
    }
    close_scene(&s);
}

/* fixtures/incidents.yaml#K12: agents that lost their tunnel together come back spread out, and slower each time. */
static void test_jittered_redial(void **state)
{
    (void)state;
    enum { N = 12 };
    world_time first[N];
    for (uint64_t seed = 0; seed < N; seed++) {
        struct scene s;
        struct policies p = policies_hardened();
        open_scene(&s, &p, seed + 1);
        start(&s);
        await(&s, S);
        lab_run(s.l, S);
        s.a.connect_status = 503;
        world_time from = sim_now(s.l->sim);
        uint32_t dials = s.a.dials;
        fake_manager_cut_tunnels(&s.a);
        while (s.a.dials == dials)
            lab_run(s.l, 10 * MS);
        first[seed] = s.a.dialled_at - from;
        assert_in_range(first[seed], 0, AGENT_BACKOFF_FIRST + S / 2);
        lab_run(s.l, 600 * S);
        world_time cap = policy_get(&p, POLICY_RECONNECT_MAX);
        assert_in_range(s.a.dials - dials, 600 * S / cap, 600 * S / cap * 5 / 2 + 10);
        s.a.connect_status = 0;
        await(&s, cap + S);
        close_scene(&s);
    }
    world_time least = first[0], most = first[0];
    for (size_t i = 1; i < N; i++) {
        least = first[i] < least ? first[i] : least;
        most = first[i] > most ? first[i] : most;
    }
    assert_true(most - least > AGENT_BACKOFF_FIRST / 3);
}

/* Of two addresses one does not take us: the other is tried at once. */
static void test_every_address(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct scene s;
        struct policies p = policies_compat();
        open_scene(&s, &p, seed);
        fake_dns(s.l, 60, "192.0.2.1", "192.0.2.2");
        s.a.connect_status = 503;
        start(&s);
        await(&s, 2 * S);
        check_at(&s, "192.0.2.2");
        close_scene(&s);
    }
}

/* Where a name has two addresses, neither of them gets all agents. */
static void test_either_address(void **state)
{
    (void)state;
    uint32_t at_a = 0, at_b = 0;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct scene s;
        struct policies p = policies_compat();
        open_scene(&s, &p, seed);
        fake_dns(s.l, 60, "192.0.2.1", "192.0.2.2");
        start(&s);
        await(&s, 2 * S);
        at_a += s.a.connects;
        at_b += s.b.connects;
        close_scene(&s);
    }
    assert_int_equal(at_a + at_b, 8);
    assert_in_range(at_a, 1, 7);
}

/* mission L4: an answer kept for the process's life ends only with the process; one kept for its TTL is asked for anew. */
static void test_kept_answer(void **state)
{
    (void)state;
    static const struct {
        bool hardened;
        uint32_t at_b;
    } rows[] = {{false, 0}, {true, 1}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct scene s;
        struct policies p = rows[i].hardened ? policies_hardened() : policies_compat();
        p.value[POLICY_DNS_RECHECK] = POLICY_DNS_RECHECK_NEVER;
        open_scene(&s, &p, 1);
        start(&s);
        await(&s, S);
        lab_run(s.l, S);
        fake_dns(s.l, 60, "192.0.2.2", NULL);
        lab_run(s.l, 120 * S);
        check_at(&s, "192.0.2.1"); /* the connection holds: nobody looks */
        s.a.connect_status = 503;
        fake_manager_cut_tunnels(&s.a);
        lab_run(s.l, 240 * S);
        assert_int_equal(s.b.connects, rows[i].at_b);
        assert_int_equal(agent_link_state(s.link).connected, rows[i].hardened);
        assert_true(sim_process_is_running(s.l->client));
        close_scene(&s);
    }
}

/* A process of its own, whose end frees the link as an agent's would. */
static struct err *agent_start(struct world *w, const void *config, void **out)
{
    struct scene *s = *(struct scene *const *)config;
    agent_resolver_free(s->resolver);
    s->resolver = agent_resolver_new(w, &s->policies, STR(MANAGER_NAME));
    start_on(s, w);
    *out = s;
    return NULL;
}
static void agent_destroy(void *instance)
{
    stop(instance);
}
static const struct sim_program agent_program = {.start = agent_start, .destroy = agent_destroy};

/* A process that holds on to its answer ends five minutes after it lost the tunnel, not before. */
static void test_give_up(void **state)
{
    (void)state;
    struct scene s;
    struct policies p = policies_compat();
    const void *config = &s;
    open_scene(&s, &p, 1);
    struct sim_process *agent =
        lab_process(s.l, "agent", "10.0.0.3", "site/client", &agent_program, &config);
    await(&s, S);
    lab_run(s.l, S);
    s.a.connect_status = 503;
    fake_manager_cut_tunnels(&s.a);
    lab_run(s.l, AGENT_GIVE_UP - S);
    assert_true(sim_process_is_running(agent));
    lab_run(s.l, AGENT_WAIT_ERROR + 2 * S);
    assert_false(sim_process_is_running(agent));
    assert_true(lab_noted(s.l, "agent.gave-up agent"));
    close_scene(&s);
}

static void test_moves_with_the_name(void **state)
{
    (void)state;
    struct scene s;
    struct policies p = policies_hardened();
    open_scene(&s, &p, 1);
    start(&s);
    await(&s, S);
    lab_run(s.l, 5 * S);
    fake_dns(s.l, 60, "192.0.2.2", NULL);
    world_time from = sim_now(s.l->sim);
    while (fake_manager_tunnels(&s.b) == 0 && sim_now(s.l->sim) < from + 200 * S) {
        assert_true(agent_link_state(s.link).connected); /* never without */
        lab_run(s.l, 10 * MS);
    }
    assert_in_range(sim_now(s.l->sim) - from, 0, 60 * S + 2 * AGENT_RECHECK + S);
    lab_run(s.l, S);
    check_at(&s, "192.0.2.2");
    assert_int_equal(fake_manager_tunnels(&s.a), 0); /* the old one is drained */
    assert_int_equal(agent_link_state(s.link).moves, 1);
    /* A further address of the same name is no reason to move. */
    fake_dns(s.l, 60, "192.0.2.1", "192.0.2.2");
    lab_run(s.l, 200 * S);
    check_at(&s, "192.0.2.2");
    close_scene(&s);
}

/* What ends tunnels as soon as they are there is no idle timeout: a ping each few milliseconds would not help. */
static void test_young_ends_are_no_timeout(void **state)
{
    (void)state;
    struct scene s;
    struct policies p = policies_hardened();
    open_scene(&s, &p, 1);
    start(&s);
    for (uint32_t i = 0; i < 2 * AGENT_IDLE_CUTS; i++) {
        await(&s, 60 * S);
        lab_run(s.l, 100 * MS);
        fake_manager_cut_tunnels(&s.a);
        lab_run(s.l, 50 * MS);
    }
    assert_int_equal(agent_link_state(s.link).idle_timeout, 0);
    close_scene(&s);
}

static void test_stays_when_the_resolver_is_in_trouble(void **state)
{
    (void)state;
    static const enum sim_fault_kind kinds[] = {SIM_FAULT_DNS_SERVFAIL, SIM_FAULT_DNS_NXDOMAIN,
                                                SIM_FAULT_DNS_TIMEOUT};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct scene s;
        struct policies p = policies_hardened();
        open_scene(&s, &p, 1);
        start(&s);
        await(&s, S);
        struct sim_fault *f = lab_fault(s.l, (struct sim_fault_options){.kind = kinds[i]});
        lab_run(s.l, 300 * S);
        assert_true(sim_fault_fired(f) > 5);
        check_at(&s, "192.0.2.1");
        assert_int_equal(s.a.dials, 1);
        close_scene(&s);
    }
}

/* The name moves to where nobody takes us: we stay, try again, and move once somebody does. */
static void test_move_that_fails(void **state)
{
    (void)state;
    struct scene s;
    struct policies p = policies_hardened();
    open_scene(&s, &p, 1);
    s.b.connect_status = 503;
    start(&s);
    await(&s, S);
    fake_dns(s.l, 10, "192.0.2.2", NULL);
    lab_run(s.l, 200 * S);
    check_at(&s, "192.0.2.1");
    assert_true(s.b.dials > 3);
    s.b.connect_status = 0;
    lab_run(s.l, 60 * S);
    check_at(&s, "192.0.2.2");
    assert_int_equal(fake_manager_tunnels(&s.a) + fake_manager_tunnels(&s.b), 1);
    close_scene(&s);
}

/* The old tunnel ends while the move is under way, at each moment of it: one tunnel remains, to the new address. */
static void test_old_ends_during_move(void **state)
{
    (void)state;
    for (int ms = 0; ms < 120; ms += 4) {
        struct scene s;
        struct policies p = policies_hardened();
        open_scene(&s, &p, 1);
        start(&s);
        await(&s, S);
        lab_run(s.l, S);
        fake_dns(s.l, 10, "192.0.2.2", NULL);
        while (!lab_noted(s.l, "agent.moving"))
            lab_run(s.l, MS);
        lab_run(s.l, ms * MS);
        fake_manager_cut_tunnels(&s.a);
        lab_run(s.l, 60 * S);
        check_at(&s, "192.0.2.2");
        assert_int_equal(fake_manager_tunnels(&s.a), 0);
        assert_int_equal(fake_manager_tunnels(&s.b), 1);
        close_scene(&s);
    }
}

/* Its replica is about to stop: the agent is never without a tunnel, and leaves the old one only when it has the new one;
 * however long the others refuse it. */
static void test_goes_when_asked(void **state)
{
    (void)state;
    for (int refused_s = 0; refused_s <= 8; refused_s += 4) {
        struct scene s;
        struct policies p = policies_hardened();
        open_scene(&s, &p, 1);
        start(&s);
        await(&s, S);
        fake_dns(s.l, 60, "192.0.2.1", "192.0.2.2");
        s.b.connect_status = refused_s ? 503 : 0;
        lab_run(s.l, 61 * S); /* the answer with one address is forgotten */
        tunnel_router_hand_over(s.a.router, 0);
        for (int ms = 0; ms < refused_s * 1000; ms += 10) {
            assert_true(agent_link_state(s.link).connected);
            assert_int_equal(fake_manager_tunnels(&s.a), 1);
            lab_run(s.l, 10 * MS);
        }
        assert_in_range(s.b.dials, refused_s, 2 * refused_s);
        s.b.connect_status = 0;
        for (int ms = 0; ms < 3000; ms += 10) {
            assert_true(agent_link_state(s.link).connected);
            assert_true(fake_manager_tunnels(&s.a) + fake_manager_tunnels(&s.b) > 0);
            lab_run(s.l, 10 * MS);
        }
        check_at(&s, "192.0.2.2");
        assert_int_equal(fake_manager_tunnels(&s.a), 0); /* ended by the replica */
        assert_int_equal(fake_manager_tunnels(&s.b), 1);
        assert_int_equal(agent_link_state(s.link).moves, 1);
        assert_false(lab_noted(s.l, "agent.disconnected"));
        close_scene(&s);
    }
}

/* Policy server.drain: none: such an agent cannot be asked, loses its tunnel and dials again. */
static void test_cannot_be_asked(void **state)
{
    (void)state;
    struct scene s;
    struct policies p = policies_compat();
    open_scene(&s, &p, 1);
    start(&s);
    await(&s, S);
    tunnel_router_hand_over(s.a.router, 0);
    lab_run(s.l, S);
    assert_true(lab_noted(s.l, "agent.disconnected agent ended by the manager"));
    lab_run(s.l, AGENT_WAIT_ERROR + 2 * S);
    assert_true(agent_link_state(s.link).connected);
    assert_int_equal(agent_link_state(s.link).moves, 0);
    close_scene(&s);
}

/* The tunnel ends while a recheck waits for its answer: the answer must not open a second one. */
static void test_ends_during_recheck(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct scene s;
        struct policies p = policies_hardened();
        open_scene(&s, &p, seed);
        fake_dns(s.l, 5, "192.0.2.1", NULL);
        start(&s);
        await(&s, S);
        lab_run(s.l, S);
        int64_t queries = sim_counter_value(s.l->sim, STR("dns.queries"));
        fake_dns(s.l, 5, "192.0.2.2", NULL);
        while (sim_counter_value(s.l->sim, STR("dns.queries")) == queries)
            lab_run(s.l, MS); /* a recheck has just asked */
        fake_manager_cut_tunnels(&s.a);
        lab_run(s.l, 120 * S);
        check_at(&s, "192.0.2.2");
        assert_int_equal(fake_manager_tunnels(&s.a) + fake_manager_tunnels(&s.b), 1);
        assert_int_equal(s.told, agent_link_state(s.link).connects);
        close_scene(&s);
    }
}

/* The new place ends the move's connection after the old one was gone: no dial goes to the old address. */
static void test_move_lost_after_the_old_one(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct scene s;
        struct policies p = policies_hardened();
        open_scene(&s, &p, seed);
        fake_dns(s.l, 1, "192.0.2.1", "192.0.2.3"); /* two addresses, one of them alive */
        start(&s);
        await(&s, 60 * S);
        lab_run(s.l, S);
        uint32_t dials = s.a.dials;
        s.b.mute = true; /* takes the connection and does not answer the upgrade */
        fake_dns(s.l, 1, "192.0.2.2", NULL);
        while (!lab_noted(s.l, "agent.moving"))
            lab_run(s.l, MS);
        lab_run(s.l, S);
        fake_manager_cut_tunnels(&s.a);
        lab_run(s.l, AGENT_CONNECT_TIMEOUT + 5 * S);
        assert_int_equal(s.a.dials, dials);
        s.b.mute = false;
        lab_run(s.l, 120 * S);
        check_at(&s, "192.0.2.2");
        close_scene(&s);
    }
}

/* Asked to go, it loses both tunnels, the old one and the one that was to follow: what it had meant to ask of the name for
 * the old one's sake is forgotten with it. */
static void test_both_lost_when_asked(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 24; seed++) {
        struct scene s;
        struct policies p = policies_hardened();
        open_scene(&s, &p, seed);
        fake_dns(s.l, 1, "192.0.2.1", NULL);
        start(&s);
        await(&s, S);
        lab_run(s.l, 2 * S);
        fake_dns(s.l, 1, "192.0.2.1", "192.0.2.2");
        s.b.connect_status = 503;
        tunnel_router_hand_over(s.a.router, 0);
        while (!lab_noted(s.l, "agent.moving"))
            lab_run(s.l, MS);
        s.a.connect_status = 503;
        fake_manager_cut_tunnels(&s.a);
        lab_run(s.l, 60 * S);
        assert_false(agent_link_state(s.link).connected);
        s.a.connect_status = 0;
        s.b.connect_status = 0;
        await(&s, 120 * S);
        close_scene(&s);
    }
}

static void test_numeric_server(void **state)
{
    (void)state;
    struct scene s;
    struct policies p = policies_hardened();
    open_scene(&s, &p, 1);
    s.config.server_text = STR("https://192.0.2.1");
    check_ok(url_parse(s.config.server_text, &s.config.server));
    agent_resolver_free(s.resolver);
    s.resolver = agent_resolver_new(lab_world(s.l), &p, STR("192.0.2.1"));
    start(&s);
    lab_run(s.l, 5 * S);
    assert_int_equal(s.a.connects, 0); /* the certificate is for the name */
    assert_true(agent_link_state(s.link).failures > 0);
    close_scene(&s);
}

/* Freed at every moment of its first seconds. */
/* Only a manager's own words make an agent clean its cluster up, or prove whose it was: a status alone may come from
 * whatever stands in between. */
static void test_only_words_remove(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *text;
        bool removed, unknown;
    } rows[] = {
        {410, AGENT_REMOVED_TEXT "agent:1", true, false},
        {410, "the page that you look for was removed from this portal, agent:1", false, false},
        {410, "", false, false},
        {403, AGENT_REMOVED_TEXT "agent:1", false, false},
        {400, "cluster not found", false, true},
        {400, "bad request", false, false},
        {404, "cluster not found", false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct scene s;
        struct policies p = policies_hardened();
        open_scene(&s, &p, 1);
        s.a.connect_status = rows[i].status;
        s.a.connect_text = rows[i].text;
        start(&s);
        lab_run(s.l, 5 * S);
        assert_true(s.a.dials > 1);
        assert_int_equal(s.removed, rows[i].removed ? s.a.dials : 0);
        assert_int_equal(s.named, s.removed);
        assert_int_equal(s.unknown, rows[i].unknown ? s.a.dials : 0);
        s.a.connect_status = 0;
        await(&s, 120 * S); /* it tries on */
        close_scene(&s);
    }
}

static void test_free_any_time(void **state)
{
    (void)state;
    for (int ms = 0; ms < 300; ms += 5) {
        struct scene s;
        struct policies p = policies_hardened();
        open_scene(&s, &p, 1);
        start(&s);
        lab_run(s.l, ms * MS);
        stop(&s);
        uint32_t told = s.told;
        lab_run(s.l, 30 * S);
        assert_int_equal(s.told, told);
        assert_int_equal(fake_manager_tunnels(&s.a), 0);
        close_scene(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connect),
        cmocka_unit_test(test_constant_redial),
        cmocka_unit_test(test_jittered_redial),
        cmocka_unit_test(test_every_address),
        cmocka_unit_test(test_either_address),
        cmocka_unit_test(test_kept_answer),
        cmocka_unit_test(test_give_up),
        cmocka_unit_test(test_moves_with_the_name),
        cmocka_unit_test(test_young_ends_are_no_timeout),
        cmocka_unit_test(test_stays_when_the_resolver_is_in_trouble),
        cmocka_unit_test(test_move_that_fails),
        cmocka_unit_test(test_old_ends_during_move),
        cmocka_unit_test(test_ends_during_recheck),
        cmocka_unit_test(test_goes_when_asked),
        cmocka_unit_test(test_cannot_be_asked),
        cmocka_unit_test(test_move_lost_after_the_old_one),
        cmocka_unit_test(test_both_lost_when_asked),
        cmocka_unit_test(test_numeric_server),
        cmocka_unit_test(test_only_words_remove),
        cmocka_unit_test(test_free_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
