/* Goal: how an agent fares is told step by step, at /healthz, /readyz and as few Events that count; asked to end it tells
 * its manager, lets connections finish, and is gone.
 * Method: an agent with its API given as a context, in a process of a lab, against a manager that says what the test wants;
 * its news, probes and Events composed as the program does. */
#include "tests/unit/support/fake_manager.h"

#include "engine/cli/agent_events.h"
#include "engine/cli/agent_health.h"
#include "engine/manifests/agent_manifest.h"

#define PORT 8080

struct scene {
    struct lab *l;
    struct world *w; /* of the agent's process */
    struct authority *ca;
    struct fake_manager m;
    struct buf setting;
    struct policies policies;
    struct kube_context kube;
    struct agent_places places;
    struct cluster_agent *agent;
    struct agent_news news;
    struct agent_health *health;
    struct agent_events *events;
    struct http_client *http;
    int status; /* of the last probe */
    struct buf body;
    int drained, told;
    enum agent_step wanted;
};

static void on_changed(void *owner)
{
    struct scene *s = owner;
    struct kube_client *kube = s->agent ? cluster_agent_kube(s->agent) : NULL;
    if (!s->agent)
        return;
    agent_news_update(&s->news);
    s->told += s->news.failed_now || s->news.connected_now;
    if (kube && s->news.failed_now)
        agent_events_say(s->events, kube, true,
                         str_c(s->news.reason ? s->news.reason : "Disconnected"),
                         buf_str(&s->news.error));
    else if (kube && s->news.connected_now)
        agent_events_say(s->events, kube, false, STR("Connected"), STR("there it is"));
}

static struct world *process_of(struct lab *l, struct str pin)
{
    struct sim_host_options host = {STR("pod"), STR("10.0.0.3"), STR("site/pod")};
    struct sim_process_options o = {.name = STR("pod"), .host = sim_host_new(l->sim, &host)};
    struct sim_process *p = sim_process_new(l->sim, &o);
    sim_process_set_env(p, STR("CATTLE_SERVER"), STR("https://" MANAGER_NAME));
    sim_process_set_env(p, STR("CATTLE_TOKEN"), STR("t"));
    sim_process_set_env(p, STR("CATTLE_CA_CHECKSUM"), pin);
    sim_process_set_env(p, STR("HOSTNAME"), STR("agent_1"));
    check_ok(sim_process_start(p));
    return sim_process_world(p);
}

static void open_scene(struct scene *s, struct policies policies)
{
    *s = (struct scene){.l = lab_new(1), .policies = policies};
    s->ca = authority_new(s->l->sim, STR("manager"));
    fake_manager_open(&s->m, s->l, "site/a", "192.0.2.1", s->ca, false);
    buf_add_c(&s->setting, "{\"value\":");
    json_write_string(&s->setting, authority_pem(s->ca));
    buf_add_c(&s->setting, "}");
    s->m.cacerts = buf_str(&s->setting);
    lab_apply(s->l, "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":"
                    "\"cattle-system\"}}");
    lab_apply(s->l, "{\"apiVersion\":\"v1\",\"kind\":\"ServiceAccount\",\"metadata\":{\"name\":"
                    "\"cattle\",\"namespace\":\"cattle-system\"}}");
    struct buf pin = {0};
    agent_ca_checksum(authority_pem(s->ca), policy_get(&policies, POLICY_CA_PIN) == POLICY_PIN_SET,
                      &pin);
    struct world *w = s->w = process_of(s->l, buf_str(&pin));
    buf_free(&pin);
    s->kube = lab_context(s->l);
    s->places = agent_places_pod;
    s->places.server_ca = s->places.connected = str_empty;
    s->places.kube = &s->kube;
    agent_news_init(&s->news, w);
    struct world_addr listen = world_addr_make(STR("0.0.0.0"), PORT);
    check_ok(agent_health_new(w, &s->news, &s->policies, &listen, &s->health));
    assert_int_equal(agent_health_port(s->health), PORT);
    s->events = agent_events_new(w, "Pod", STR("agent_1"), STR("agent_1"));
    s->http = http_client_new(w);
}

static void start_agent(struct scene *s)
{
    struct cluster_agent_options o = {
        .policies = &s->policies, .places = &s->places, .changed = on_changed, .owner = s};
    s->agent = cluster_agent_new(s->w, &o);
    s->news.agent = s->agent;
}

static void close_scene(struct scene *s)
{
    http_client_free(s->http);
    agent_health_free(s->health);
    agent_events_free(s->events);
    cluster_agent_free(s->agent);
    agent_news_free(&s->news);
    fake_manager_close(&s->m);
    authority_free(s->ca);
    buf_free(&s->setting);
    buf_free(&s->body);
    lab_free(s->l);
}

static void on_probed(void *owner, const struct http_response *r, const struct err *err)
{
    struct scene *s = owner;
    check_ok(err ? err_copy(err) : NULL);
    s->status = r->status;
    buf_clear(&s->body);
    buf_add(&s->body, buf_str(&r->body));
}

static int probe(struct scene *s, const char *method, const char *path)
{
    static const struct http_call_handler handler = {.done = on_probed};
    struct http_request r = {.address = world_addr_make(world_own_address(s->w), PORT),
                             .host = STR("agent"),
                             .method = method,
                             .target = str_c(path),
                             .body_bytes_max = 65536};
    s->status = 0;
    http_call_start(s->http, &r, &handler, s);
    lab_run(s->l, S);
    return s->status;
}

/* A member of the document at /healthz, as text. */
static const char *health(struct scene *s, const char *key)
{
    static char text[1024];
    struct arena a = {0};
    cJSON *o = NULL;
    struct buf value = {0};
    assert_int_equal(probe(s, "GET", "/healthz"), 200);
    check_ok(json_parse(&a, buf_str(&s->body), &o));
    const cJSON *v = json_path(o, key);
    if (json_is_string(v))
        buf_add(&value, json_string(v));
    else if (v)
        json_write(&value, v);
    (void)snprintf(text, sizeof(text), "%s", v ? buf_c(&value) : "none");
    buf_free(&value);
    arena_free(&a);
    return text;
}

static int64_t event_count(struct scene *s, const char *name)
{
    struct arena a = {0};
    struct kube_object *o = lab_get(s->l, "events", "cattle-system", name);
    int64_t n = o ? json_int_at(kube_object_tree(o, &a), "count", -1) : 0;
    arena_free(&a);
    return n;
}

static bool is_connected(void *owner)
{
    const struct scene *s = owner;
    return cluster_agent_state(s->agent).link.connected;
}
static bool is_at(void *owner)
{
    const struct scene *s = owner;
    return cluster_agent_state(s->agent).step == s->wanted;
}

/* Comes to a step, and stays there. */
static void check_step(struct scene *s, enum agent_step step)
{
    s->wanted = step;
    if (!lab_until(s->l, is_at, s, 600 * S))
        fail_msg("never at %s", agent_step_name(step));
    lab_run(s->l, 20 * S);
    assert_string_equal(health(s, "phase"), agent_step_name(step));
}

static bool has_drained(void *owner)
{
    const struct scene *s = owner;
    return s->drained > 0;
}
static void on_drained(void *owner)
{
    struct scene *s = owner;
    s->drained++;
}

/* ---- tests ---- */

static void test_way(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s, policies_hardened());
    assert_string_equal(health(&s, "phase"), "Config"); /* no agent yet */
    assert_int_equal(probe(&s, "GET", "/readyz"), 503);
    start_agent(&s);
    check_step(&s, AGENT_STEP_RESOLVE);
    assert_string_equal(health(&s, "reason"), "Unresolvable");
    assert_string_not_equal(health(&s, "lastError"), "none");
    fake_dns(s.l, 60, "192.0.2.9", NULL); /* nobody is there */
    check_step(&s, AGENT_STEP_TCP);
    fake_dns(s.l, 60, "192.0.2.1", NULL);
    s.m.ping = "Welcome to the login page";
    check_step(&s, AGENT_STEP_HTTP);
    s.m.ping = "pong";
    s.m.cacerts = STR("{\"value\":\"\"}");
    check_step(&s, AGENT_STEP_CA);
    s.m.cacerts = buf_str(&s.setting);
    s.m.connect_status = 401;
    check_step(&s, AGENT_STEP_AUTH);
    assert_string_equal(health(&s, "sessions"), "[]");
    assert_int_equal(probe(&s, "GET", "/readyz"), 503);
    s.m.connect_status = 0;
    assert_true(lab_until(s.l, is_connected, &s, 600 * S));
    assert_string_equal(health(&s, "phase"), "Connected");
    assert_string_equal(health(&s, "failures"), "0");
    assert_string_not_equal(health(&s, "sessions"), "[]");
    assert_int_equal(probe(&s, "GET", "/readyz"), 200);
    assert_int_equal(probe(&s, "POST", "/healthz"), 405);
    assert_int_equal(probe(&s, "GET", "/"), 404);
    close_scene(&s);
}

static void test_events(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s, policies_hardened());
    start_agent(&s);
    lab_run(s.l, 60 * S);
    int64_t count = event_count(&s, "agent-1.unresolvable");
    assert_in_range(count, 5, 100);         /* each attempt is counted ... */
    assert_in_range(s.told - count, 0, 10); /* ... but for those that wait for the next write */
    struct kube_object *o = lab_get(s.l, "events", "cattle-system", "agent-1.unresolvable");
    check_str(kube_object_string(o, "type"), "Warning");
    check_str(kube_object_string(o, "involvedObject.name"), "agent_1");
    fake_dns(s.l, 60, "192.0.2.1", NULL);
    assert_true(lab_until(s.l, is_connected, &s, 600 * S));
    lab_run(s.l, 15 * S);
    assert_int_equal(event_count(&s, "agent-1.connected"), 1);
    fake_manager_cut_tunnels(&s.m);
    lab_run(s.l, 60 * S);
    assert_int_equal(event_count(&s, "agent-1.connected"), 2);
    o = lab_get(s.l, "events", "cattle-system", "agent-1.connected");
    check_str(kube_object_string(o, "type"), "Normal");
    close_scene(&s);
}

/* The manager is told and ends the session, or silence has to do (compat: the word is not known). */
static void test_drain(void **state)
{
    (void)state;
    struct policies both[] = {policies_hardened(), policies_compat()};
    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        struct scene s;
        open_scene(&s, both[i]);
        fake_dns(s.l, 60, "192.0.2.1", NULL);
        start_agent(&s);
        assert_true(lab_until(s.l, is_connected, &s, 600 * S));
        assert_int_equal(fake_manager_tunnels(&s.m), 1);
        cluster_agent_drain(s.agent, on_drained, &s);
        assert_int_equal(s.drained, 0); /* never from inside */
        assert_string_equal(health(&s, "draining"), "true");
        assert_int_equal(probe(&s, "GET", "/readyz"), 503);
        assert_true(lab_until(s.l, has_drained, &s, 5 * S));
        lab_run(s.l, 60 * S);
        assert_int_equal(s.drained, 1);
        assert_int_equal(fake_manager_tunnels(&s.m), 0); /* and it does not come back */
        close_scene(&s);
    }
}

/* Wherever it is on its way. */
static void test_drain_early(void **state)
{
    (void)state;
    for (world_time at = 0; at < 3 * S; at += 250 * MS) {
        struct scene s;
        open_scene(&s, policies_hardened());
        if (at > S)
            fake_dns(s.l, 60, "192.0.2.1", NULL);
        start_agent(&s);
        lab_run(s.l, at);
        cluster_agent_drain(s.agent, on_drained, &s);
        assert_true(lab_until(s.l, has_drained, &s, 5 * S));
        lab_run(s.l, 30 * S);
        assert_int_equal(s.drained, 1);
        assert_int_equal(fake_manager_tunnels(&s.m), 0);
        close_scene(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_way),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_drain_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
