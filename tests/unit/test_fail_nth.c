/* Goal: whichever I/O operation of a program fails, the program goes on in order: it says why or tries again, gets where
 * it was going, and gives everything back.
 * Method: small stories of the engine in the simulated world; each is told once to count its operations (connects,
 * writes, reads, questions to DNS), then once for each of them with that one failing. Loading a scenario is swept over
 * the files that it reads; bounded buffers over every bound. */
#include "tests/unit/support/fail_io.h"
#include "tests/unit/support/fake_manager.h"
#include "tests/unit/support/sim_kit.h"

#include "engine/agents/cluster/link.h"
#include "engine/http/server.h"
#include "engine/kube/client_internal.h"
#include "engine/kube/informer.h"
#include "engine/kube/leader.h"
#include "engine/tunnel/frame.h"
#include "engine/tunnel/router.h"
#include "sim/cluster/cluster.h"
#include "sim/scenario/language/scenario.h"
#include "sim/world/dns.h"
#include "sim/world/sim_internal.h"

#include <stdlib.h>

#define STORY   (20 * S)  /* operations are counted up to here */
#define AFTER   (120 * S) /* more than any back-off */
#define OPS_MAX 400u      /* a story has no more */

/* Tells the story with the nth operation failing; how many operations there were. */
typedef uint64_t (*story)(uint64_t nth);

static void sweep(story tell, uint64_t at_least)
{
    uint64_t n = tell(0);
    assert_in_range(n, at_least, OPS_MAX);
    for (uint64_t i = 1; i <= n; i++)
        (void)tell(i);
}

static void check_failed(const struct fail_io *f, uint64_t nth)
{
    if (getenv("PADDOCK_TEST_LOG") && nth)
        print_message("%llu: %s\n", (unsigned long long)nth, fail_io_failed(f));
    if (nth && !fail_io_failed(f))
        fail_msg("operation %llu did not come", (unsigned long long)nth);
}

/* ---- list and watch ---- */

#define MAPS 5u

/* With a client whose nth operation fails. */
static struct lab *open_lab(uint64_t nth, struct fail_io **f)
{
    struct lab *l = lab_new(1);
    kube_client_free(l->kube);
    *f = fail_io_hook(l->sim, lab_world(l), nth);
    struct kube_context context = lab_context(l);
    l->kube = kube_client_new(lab_world(l), &context);
    return l;
}

static void close_lab(struct lab *l, struct fail_io *f)
{
    kube_client_free(l->kube);
    l->kube = NULL;
    assert_int_equal(fail_io_streams(f), 0);
    lab_free(l);
    fail_io_free(f);
}

static const struct kube_target configmaps = {
    .gvr = {STR_INIT(""), STR_INIT("v1"), STR_INIT("configmaps")}, .ns = STR_INIT("d")};

static void make_map(struct lab *l, unsigned i)
{
    lab_apply(l,
              "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"m%u\","
              "\"namespace\":\"d\"}}",
              i);
}

static uint64_t inform(uint64_t nth)
{
    struct fail_io *f;
    struct lab *l = open_lab(nth, &f);
    struct kube_informer *inf = kube_informer_new(l->kube, &configmaps);
    make_map(l, 0);
    kube_informer_start(inf);
    for (unsigned i = 1; i + 1 < MAPS; i++) {
        lab_run(l, STORY / MAPS);
        make_map(l, i);
    }
    lab_delete(l, "configmaps", "d", "m1");
    lab_run(l, STORY / MAPS);
    fail_io_stop(f);
    check_failed(f, nth);
    lab_run(l, AFTER);
    make_map(l, MAPS - 1); /* it still listens */
    lab_run(l, 5 * S);
    assert_true(kube_informer_synced(inf));
    assert_int_equal(kube_informer_count(inf), MAPS - 1);
    uint64_t n = fail_io_count(f);
    kube_informer_free(inf);
    close_lab(l, f);
    return n;
}

static void an_informer_goes_on(void **state)
{
    sweep(inform, 5);
}

/* ---- the lease ---- */

struct candidacy {
    unsigned starts, stops;
};
static void on_started(void *owner)
{
    ((struct candidacy *)owner)->starts++;
}
static void on_stopped(void *owner)
{
    ((struct candidacy *)owner)->stops++;
}

static uint64_t lead(uint64_t nth)
{
    static const struct leader_handler handler = {on_started, on_stopped, NULL};
    struct candidacy c = {0};
    struct fail_io *f;
    struct lab *l = open_lab(nth, &f);
    struct leader *leader = leader_new(l->kube, STR("one"), NULL, &handler, &c);
    lab_run(l, STORY);
    assert_true(leader_valid(leader)); /* one failure costs no lease */
    fail_io_stop(f);
    check_failed(f, nth);
    lab_run(l, AFTER);
    assert_true(leader_valid(leader));
    assert_int_equal(c.starts, 1);
    assert_int_equal(c.stops, 0);
    uint64_t n = fail_io_count(f);
    leader_free(leader);
    assert_int_equal(c.stops, 1);
    lab_run(l, 5 * S);
    close_lab(l, f);
    return n;
}

static void a_leader_keeps_its_lease(void **state)
{
    sweep(lead, 10);
}

/* ---- a link, its tunnel, and a connection through it ---- */

#define NAME  "manager.example.test"
#define BYTES ((size_t)40 << 10)

struct tunnel {
    struct kit *kit;
    struct policies policies;
    struct http_server *http;
    struct tunnel_router *router;
    struct tunnel_conn *conn; /* NULL: none */
    struct buf got;
    unsigned ends;
};

static void on_request(void *owner, struct http_exchange *x)
{
    struct tunnel *t = owner;
    struct tunnel_identity who = {.key = STR("c-1")};
    (void)tunnel_router_accept(t->router, x, &who); /* NULL: the peer is gone meanwhile */
}

static void on_bytes(void *owner, struct str bytes)
{
    buf_add(&((struct tunnel *)owner)->got, bytes);
}
static void on_room(void *owner)
{
    (void)owner;
}
static void on_conn_closed(void *owner, const struct err *err)
{
    struct tunnel *t = owner;
    (void)err;
    t->conn = NULL;
    t->ends++;
}

/* A connection through the tunnel to something that answers with what it gets; made anew while it is not there. */
static void ask_through(struct tunnel *t)
{
    static const struct tunnel_conn_handler handler = {on_bytes, on_room, on_conn_closed};
    static char bytes[BYTES];
    if (t->conn || t->got.n == BYTES)
        return;
    buf_clear(&t->got);
    struct err *err = tunnel_router_dial(t->router, STR("c-1"), STR("tcp"), STR("10.0.0.1:443"),
                                         &handler, t, &t->conn);
    if (!err)
        tunnel_conn_write(t->conn, (struct str){bytes, BYTES});
    err_free(err);
}

static void tunnel_open(struct tunnel *t, struct policies policies)
{
    struct str address = STR("10.0.0.1");
    struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), 80)};
    *t = (struct tunnel){.kit = kit_new(), .policies = policies};
    t->kit->echo = true;
    kit_listen(t->kit, NULL);
    (void)sim_resolver_new(
        t->kit->sim, &(struct sim_resolver_options){.name = STR("default"), .cache_off = true});
    sim_dns_set(t->kit->sim, STR(NAME), 5, &address, 1);
    t->http = http_server_new(kit_sw(t->kit), NULL, on_request, t);
    t->router = tunnel_router_new(kit_sw(t->kit), &t->policies);
    check_ok(http_server_listen(t->http, &listen, NULL));
}

/* At which end operations fail: the agent's or the manager's. */
static uint64_t tunnel_through(uint64_t nth, bool at_manager, struct policies policies)
{
    struct tunnel t;
    tunnel_open(&t, policies);
    struct world *w = kit_cw(t.kit);
    struct fail_io *f = fail_io_hook(t.kit->sim, at_manager ? kit_sw(t.kit) : w, nth);
    struct agent_config config = {.server_text = STR("http://" NAME), .name = STR("agent")};
    check_ok(url_parse(config.server_text, &config.server));
    struct agent_resolver *resolver = agent_resolver_new(w, &t.policies, STR(NAME));
    struct agent_link_options o = {.world = w,
                                   .policies = &t.policies,
                                   .config = &config,
                                   .resolver = resolver,
                                   .instance = STR("i")};
    struct agent_link *link = agent_link_new(&o);
    for (world_time at = 0; at < AFTER; at += S) {
        if (at == STORY)
            fail_io_stop(f);
        kit_run(t.kit, S);
        ask_through(&t);
    }
    check_failed(f, nth);
    assert_true(agent_link_state(link).connected);
    assert_int_equal(tunnel_router_count(t.router, STR("c-1")), 1);
    assert_int_equal(t.got.n, BYTES);
    uint64_t n = fail_io_count(f);
    agent_link_free(link);
    agent_resolver_free(resolver);
    kit_run(t.kit, S);
    http_server_free(t.http);
    tunnel_router_free(t.router);
    kit_run(t.kit, 5 * S);
    assert_null(t.conn);
    for (int i = 0; i < t.kit->accepted_n; i++)
        if (t.kit->accepted[i].s)
            world_stream_abort(t.kit->accepted[i].s);
    assert_int_equal(fail_io_streams(f), 0);
    kit_free(t.kit);
    fail_io_free(f);
    buf_free(&t.got);
    return n;
}

static uint64_t agent_side(uint64_t nth)
{
    return tunnel_through(nth, false, policies_hardened());
}
static uint64_t agent_side_compat(uint64_t nth)
{
    return tunnel_through(nth, false, policies_compat());
}
static uint64_t manager_side(uint64_t nth)
{
    return tunnel_through(nth, true, policies_hardened());
}

static void an_agent_comes_back(void **state)
{
    sweep(agent_side, 10);
    sweep(agent_side_compat, 10);
}
static void a_manager_takes_it_back(void **state)
{
    sweep(manager_side, 5);
}

/* ---- an agent from its first file on ---- */

/* The first start of a process with a program runs hooked. */
static struct {
    const struct sim_program *real;
    struct sim *sim;
    struct fail_io *f;
    uint64_t nth;
} hooked;

static struct err *hooked_start(struct world *w, const void *config, void **instance)
{
    if (!hooked.f)
        hooked.f = fail_io_hook(hooked.sim, w, hooked.nth);
    return hooked.real->start(w, config, instance);
}
static void hooked_destroy(void *instance)
{
    hooked.real->destroy(instance);
}

static void hook_program(struct sim *sim, struct sim_process *p, uint64_t nth)
{
    static const struct sim_program program = {.start = hooked_start, .destroy = hooked_destroy};
    hooked.real = p->program;
    hooked.sim = sim;
    hooked.nth = nth;
    hooked.f = NULL;
    p->program = &program;
}

struct scene {
    struct lab *l;
    struct authority *ca;
    struct fake_manager m;
    struct sim_cluster *c;
    struct buf setting;
};

static bool is_well(void *owner)
{
    struct scene *s = owner;
    struct cluster_agent *a = sim_cluster_agent(s->c, 0);
    return a && cluster_agent_state(a).link.connected && cluster_agent_state(a).synced;
}

static uint64_t start_agent(uint64_t nth, struct policies policies)
{
    struct scene s = {.l = lab_new(1)};
    s.ca = authority_new(s.l->sim, STR("manager"));
    fake_manager_open(&s.m, s.l, "site/a", "192.0.2.1", s.ca, false);
    buf_add_c(&s.setting, "{\"value\":");
    json_write_string(&s.setting, authority_pem(s.ca));
    buf_add_c(&s.setting, "}");
    s.m.cacerts = buf_str(&s.setting);
    s.m.ca_pem = authority_pem(s.ca);
    fake_dns(s.l, 60, "192.0.2.1", NULL);
    struct sim_cluster_options o = {.sim = s.l->sim,
                                    .name = STR("edge"),
                                    .zone = STR("edge"),
                                    .index = 7,
                                    .nodes = 1,
                                    .agent_replicas = 1,
                                    .policies = &policies};
    s.c = sim_cluster_new(&o);
    hook_program(s.l->sim, sim_cluster_process(s.c, 0), nth);
    sim_cluster_import(s.c, STR("https://" MANAGER_NAME "/v3/import/t_c.yaml"));
    lab_run(s.l, STORY);
    assert_non_null(hooked.f);
    fail_io_stop(hooked.f);
    check_failed(hooked.f, nth);
    if (!lab_until(s.l, is_well, &s, AFTER + 8 * 60 * S))
        fail_msg("operation %llu (%s)", (unsigned long long)nth, fail_io_failed(hooked.f));
    uint64_t n = fail_io_count(hooked.f);
    fake_manager_close(&s.m);
    kube_client_free(s.l->kube);
    s.l->kube = NULL;
    sim_free(s.l->sim);
    sim_cluster_free(s.c);
    authority_free(s.ca);
    buf_free(&s.setting);
    apihost_free(s.l->api);
    authority_free(s.l->ca);
    buf_free(&s.l->notes);
    mem_free(s.l);
    fail_io_free(hooked.f);
    return n;
}

static uint64_t start_hardened(uint64_t nth)
{
    return start_agent(nth, policies_hardened());
}
static uint64_t start_compat(uint64_t nth)
{
    return start_agent(nth, policies_compat());
}

static void an_agent_starts_in_the_end(void **state)
{
    sweep(start_hardened, 20);
    sweep(start_compat, 20);
}

/* ---- a scenario and its templates ---- */

struct reads {
    size_t n, nth;
};

static struct err *read_template(void *ctx, struct str path, struct buf *out)
{
    struct reads *r = ctx;
    if (++r->n == r->nth)
        return err_new(ERR_IO, "the disk is broken");
    if (str_ends(path, STR("a.yaml")))
        buf_add_c(
            out, "template: v1\nname: a\nuse: [{template: b.yaml}]\ntopology:\n  sites: {a: {}}\n");
    else
        buf_add_c(out, "template: v1\nname: b\ntopology:\n"
                       "  dns: {records: {manager: {value: site/a}}}\n");
    return NULL;
}

static void a_scenario_says_which_file(void **state)
{
    struct str text = STR("scenario: v1\nname: t\nuse: [{template: a.yaml}, {template: b.yaml}]\n");
    struct reads reads = {0};
    struct scenario_files files = {read_template, &reads};
    struct buf said = {0};
    (void)scenario_validate(STR("t.yaml"), text, &files, &said);
    size_t all = reads.n;
    assert_true(all >= 2);
    for (size_t nth = 1; nth <= all; nth++) {
        reads = (struct reads){.nth = nth};
        buf_clear(&said);
        assert_true(scenario_validate(STR("t.yaml"), text, &files, &said) > 0);
        if (str_find(buf_str(&said), STR("the disk is broken")) < 0 ||
            str_find(buf_str(&said), STR("yaml")) < 0)
            fail_msg("%s", buf_c(&said));
    }
    buf_free(&said);
}

/* ---- bounded buffers ---- */

/* What writes into a buffer, whole when there is room. */
typedef void (*writer)(struct buf *out);

static void write_frame(struct buf *out)
{
    tunnel_frame_encode(
        out,
        &(struct tunnel_frame){.type = TUNNEL_DATA, .id = 7, .conn = 3, .payload = STR("payload")});
}

static void write_status(struct buf *out)
{
    struct err *err = err_wrap(err_new(ERR_GONE, "too old"), ERR_GONE, "list");
    err_print(err, out);
    err_free(err);
}

static void write_target(struct buf *out)
{
    kube_target_write(&configmaps, STR("limit=500&continue=a%2Fb"), out);
}

static void write_json(struct buf *out)
{
    struct arena a = {0};
    cJSON *tree = NULL;
    check_ok(
        json_parse(&a, STR("{\"a\":[1,2.5,\"\\u20ac\\n\",null,true],\"b\":{\"c\":{}}}"), &tree));
    json_write(out, tree);
    arena_free(&a);
}

static void write_object(struct buf *out)
{
    struct kube_object *o = NULL;
    check_ok(kube_object_from_json(
        STR("{\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\",\"labels\":{\"x\":\"y\"}}}"),
        &o));
    buf_add(out, o->json);
    kube_object_key(o, out);
    kube_object_unref(o);
}

static void write_expression(struct buf *out)
{
    struct arena a = {0};
    struct source source = {.file = STR("x"),
                            .text = STR("1m30s + 2 * 5s > 10s and not ('a' == 'b')")};
    struct diags diags;
    struct expr_scope scope = {.vocabulary = NULL};
    diags_init(&diags, &a, &source);
    struct expr *e = expr_compile(&a, &scope, source.text, (struct place){.line = 1, .column = 1},
                                  EXPR_BOOL, &diags);
    assert_non_null(e);
    expr_print(e, out);
    arena_free(&a);
}

static void write_errors(struct buf *out)
{
    (void)scenario_validate(STR("f"), STR("scenario: v1\nname: 5\nfaults: [{at: x}]\n"), NULL, out);
}

/* With room for n bytes: the first n, and the buffer says that something is missing. */
static void bounds_are_kept(void **state)
{
    static const writer writers[] = {write_frame,  write_status,     write_target, write_json,
                                     write_object, write_expression, write_errors};
    for (size_t w = 0; w < ARRAY_LEN(writers); w++) {
        struct buf whole = {0};
        writers[w](&whole);
        if (!buf_ok(&whole) || whole.n < 2)
            fail_msg("writer %zu: %s", w, buf_c(&whole));
        for (size_t max = 1; max <= whole.n; max++) {
            struct buf b = {.max = max};
            writers[w](&b);
            assert_int_equal(buf_ok(&b), max == whole.n);
            assert_true(b.n <= max);
            assert_true(str_starts(buf_str(&whole), buf_str(&b)));
            buf_free(&b);
        }
        buf_free(&whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_informer_goes_on),
        cmocka_unit_test(a_leader_keeps_its_lease),
        cmocka_unit_test(an_agent_comes_back),
        cmocka_unit_test(a_manager_takes_it_back),
        cmocka_unit_test(an_agent_starts_in_the_end),
        cmocka_unit_test(a_scenario_says_which_file),
        cmocka_unit_test(bounds_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
