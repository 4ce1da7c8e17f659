/* Goal: before it connects an agent makes sure, in the original's order, that the manager's name resolves, that /ping says
 * pong, that its CA is the pinned one and that its certificate chains to it; each failure is named with its phase.
 * Method: a lab with a manager whose every answer the table chooses; the checks alone. */
#include "tests/unit/support/fake_manager.h"

#include "engine/agents/cluster/checks.h"
#include "engine/pki/pki.h"

struct scene {
    struct lab *l;
    struct authority *ca, *other;
    struct fake_manager m;
    struct policies policies;
    struct agent_config config;
    struct agent_resolver *resolver;
    struct http_client *http;
    struct buf pem, both, swapped, setting, pin;
    int done;
    enum agent_phase phase;
    bool failed;
    enum err_code code;
    struct buf ca_pem, message;
};

static void on_done(void *owner, enum agent_phase phase, struct str ca_pem, const struct err *err)
{
    struct scene *s = owner;
    s->done++;
    s->phase = phase;
    s->failed = err != NULL;
    buf_clear(&s->ca_pem);
    buf_add(&s->ca_pem, ca_pem);
    buf_clear(&s->message);
    if (err) {
        s->code = err->code;
        err_print(err, &s->message);
    }
}

static void set_cacerts(struct scene *s, struct str pem)
{
    buf_clear(&s->setting);
    buf_add_c(&s->setting, "{\"value\":");
    json_write_string(&s->setting, pem);
    buf_add_c(&s->setting, "}");
    s->m.cacerts = buf_str(&s->setting);
}

static void pin(struct scene *s, struct str pem)
{
    buf_clear(&s->pin);
    pki_ca_checksum(pem, &s->pin);
    s->config.ca_checksum = buf_str(&s->pin);
}

static void server_url(struct scene *s, const char *url)
{
    s->config.server_text = str_c(url);
    check_ok(url_parse(s->config.server_text, &s->config.server));
    agent_resolver_free(s->resolver);
    s->resolver = agent_resolver_new(lab_world(s->l), &s->policies, s->config.server.host);
}

static void open_scene(struct scene *s, bool plain)
{
    *s = (struct scene){.l = lab_new(1), .policies = policies_hardened()};
    s->ca = authority_new(s->l->sim, STR("manager"));
    s->other = authority_new(s->l->sim, STR("other"));
    fake_manager_open(&s->m, s->l, "manager", "192.0.2.1", s->ca, plain);
    fake_dns(s->l, 60, "192.0.2.1", NULL);
    buf_add(&s->pem, authority_pem(s->ca));
    buf_addf(&s->both, STR_FMT STR_FMT, STR_ARG(authority_pem(s->ca)),
             STR_ARG(authority_pem(s->other)));
    buf_addf(&s->swapped, STR_FMT STR_FMT, STR_ARG(authority_pem(s->other)),
             STR_ARG(authority_pem(s->ca)));
    s->http = http_client_new(lab_world(s->l));
    server_url(s, plain ? "http://" MANAGER_NAME ":443" : "https://" MANAGER_NAME);
    set_cacerts(s, buf_str(&s->pem));
    pin(s, buf_str(&s->pem));
}

static void close_scene(struct scene *s)
{
    struct buf *bufs[] = {&s->pem, &s->both,   &s->swapped, &s->setting,
                          &s->pin, &s->ca_pem, &s->message};
    agent_resolver_free(s->resolver);
    http_client_free(s->http);
    fake_manager_close(&s->m);
    for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
        buf_free(bufs[i]);
    authority_free(s->ca);
    authority_free(s->other);
    lab_free(s->l);
}

static void check(struct scene *s)
{
    s->done = 0;
    agent_checks_start(lab_world(s->l), &s->policies, &s->config, s->resolver, s->http, on_done, s);
    assert_int_equal(s->done, 0);
    lab_run(s->l, 20 * S);
    assert_int_equal(s->done, 1);
}

/* ---- the ways to fail, and not to ---- */

static void nowhere(struct scene *s)
{
    fake_dns(s->l, 60, NULL, NULL);
}
static void nobody_listens(struct scene *s)
{
    fake_dns(s->l, 60, LAB_API_IP, NULL);
    server_url(s, "https://" MANAGER_NAME ":444");
}
static void nobody_there(struct scene *s)
{
    fake_dns(s->l, 60, "192.0.2.99", NULL);
}
static void not_pong(struct scene *s)
{
    s->m.ping = "<html>please log in</html>";
}
static void ping_404(struct scene *s)
{
    s->m.ping_status = 404;
}
static void mute(struct scene *s)
{
    s->m.mute = true;
}
static void ca_empty(struct scene *s)
{
    set_cacerts(s, str_empty);
}
static void ca_html(struct scene *s)
{
    set_cacerts(s, STR("<html></html>"));
}
static void ca_no_json(struct scene *s)
{
    s->m.cacerts = STR("<html></html>");
}
static void ca_404(struct scene *s)
{
    s->m.cacerts_status = 404;
}
static void ca_other(struct scene *s)
{
    set_cacerts(s, authority_pem(s->other));
}
static void
server_of_other_ca(struct scene *s) /* the pin fits, the server's own certificate does not */
{
    set_cacerts(s, authority_pem(s->other));
    pin(s, authority_pem(s->other));
}
static void swapped_text(struct scene *s)
{
    s->policies = policies_compat();
    pin(s, buf_str(&s->both));
    set_cacerts(s, buf_str(&s->swapped));
}
static void swapped_set(struct scene *s)
{
    buf_clear(&s->pin);
    check_ok(pki_ca_pin(buf_str(&s->both), &s->pin));
    s->config.ca_checksum = buf_str(&s->pin);
    set_cacerts(s, buf_str(&s->swapped));
}
static void pin_in_capitals(struct scene *s)
{
    for (size_t i = 0; i < s->pin.n; i++)
        if (s->pin.p[i] >= 'a')
            s->pin.p[i] = (char)(s->pin.p[i] - 32);
    s->config.ca_checksum = buf_str(&s->pin);
}
static void strict_without_pin(struct scene *s)
{
    s->config.ca_checksum = str_empty;
    s->config.strict = true;
}
static void no_pin(struct scene *s) /* what the dial makes of it is the system store's business */
{
    s->config.ca_checksum = str_empty;
}
static void pong_with_newline(struct scene *s)
{
    s->m.ping = "pong\n";
}
static void nothing(struct scene *s)
{
    (void)s;
}

static const struct {
    const char *name;
    void (*arrange)(struct scene *s);
    enum agent_phase phase;
    const char *code; /* NULL: passes */
    const char *text;
} rows[] = {
    {"NXDOMAIN", nowhere, AGENT_PHASE_RESOLVE, "dns-nxdomain", "could not resolve host"},
    {"refused", nobody_listens, AGENT_PHASE_PING, "conn-refused", "/ping is not accessible"},
    {"no answer", nobody_there, AGENT_PHASE_PING, "timeout", "/ping is not accessible"},
    {"mute", mute, AGENT_PHASE_PING, "timeout", "/ping is not accessible"},
    {"login page", not_pong, AGENT_PHASE_PING, "unavailable", "not \"pong\""},
    {"404", ping_404, AGENT_PHASE_PING, "unavailable", "status 404"},
    {"CA empty", ca_empty, AGENT_PHASE_CA, "tls", "no CA configured"},
    {"CA is HTML", ca_html, AGENT_PHASE_CA, "tls", "is no certificate"},
    {"no JSON", ca_no_json, AGENT_PHASE_CA, "tls", "not JSON"},
    {"CA 404", ca_404, AGENT_PHASE_CA, "unavailable", "answers 404 instead of its CA"},
    {"other CA", ca_other, AGENT_PHASE_CA, "tls", "not the manager that the agent was installed"},
    {"other order, text", swapped_text, AGENT_PHASE_CA, "tls", "not the manager"},
    {"other order, set", swapped_set, AGENT_PHASE_TLS, NULL, NULL},
    {"capitals", pin_in_capitals, AGENT_PHASE_TLS, NULL, NULL},
    {"server of other CA", server_of_other_ca, AGENT_PHASE_TLS, "tls", "does not chain"},
    {"strict without pin", strict_without_pin, AGENT_PHASE_TLS, "tls", "STRICT_VERIFY"},
    {"no pin", no_pin, AGENT_PHASE_TLS, NULL, NULL},
    {"newline", pong_with_newline, AGENT_PHASE_TLS, NULL, NULL},
    {"all is well", nothing, AGENT_PHASE_TLS, NULL, NULL},
};

static void test_phases(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct scene s;
        open_scene(&s, false);
        rows[i].arrange(&s);
        check(&s);
        const char *code = s.failed ? err_code_name(s.code) : "passed";
        if (strcmp(code, rows[i].code ? rows[i].code : "passed") != 0 || s.phase != rows[i].phase ||
            (rows[i].text && str_find(buf_str(&s.message), str_c(rows[i].text)) < 0))
            fail_msg("%s: %s in %s: %s", rows[i].name, code, agent_phase_name(s.phase),
                     buf_c(&s.message));
        if (!s.failed && s.config.ca_checksum.n)
            assert_true(str_find(buf_str(&s.ca_pem), STR("BEGIN CERTIFICATE")) >= 0);
        if (s.failed)
            assert_int_equal(s.ca_pem.n, 0); /* what did not pass is not handed on */
        assert_int_equal(s.m.dials, 0);
        close_scene(&s);
    }
}

/* Without TLS there is nothing to pin: the checks end after the ping, as the original's do. */
static void test_plain(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s, true);
    check(&s);
    assert_false(s.failed);
    assert_int_equal(s.m.pings, 1);
    assert_int_equal(s.ca_pem.n, 0);
    close_scene(&s);
}

/* Cancelled at every moment of a run that would pass. */
static void test_cancel(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s, false);
    for (int ms = 0; ms < 250; ms += 5) {
        struct agent_checks *c = agent_checks_start(lab_world(s.l), &s.policies, &s.config,
                                                    s.resolver, s.http, on_done, &s);
        s.done = 0;
        lab_run(s.l, ms * MS);
        if (!s.done)
            agent_checks_cancel(c);
        int so_far = s.done;
        lab_run(s.l, S);
        assert_int_equal(s.done, so_far);
    }
    assert_int_equal(s.done, 1); /* the last ones had the time */
    close_scene(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_phases), cmocka_unit_test(test_plain),
                                       cmocka_unit_test(test_cancel)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
