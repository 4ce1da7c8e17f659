/* Goal: an agent connects to the manager that it was installed for and to nobody else, and says which check failed.
 * Method: a manager made by hand, whose certificate, shown CA and answers are each row's; the pin over texts of one CA in
 * many spellings. */
#include "tests/unit/support/sim_kit.h"

#include "engine/agents/cluster/reason.h"
#include "engine/base/json.h"
#include "engine/http/server.h"
#include "engine/pki/pki.h"
#include "sim/cluster/authority.h"
#include "sim/world/dns.h"

#define NAME "manager.example.test"

enum pin { PIN_NONE, PIN_RIGHT, PIN_OTHER, PIN_SHORT };

struct row {
    const char *what;
    bool plain;           /* http */
    bool other_identity;  /* the server's certificate is of the other authority */
    bool other_name;      /* it is for another name */
    bool shows_other_ca;  /* the setting holds the other authority's certificate */
    const char *ca_value; /* what the setting holds instead */
    int ca_status;        /* 0: 200 */
    const char *pong;     /* NULL: pong */
    enum pin pin;
    bool strict;
    enum agent_phase phase; /* where it fails; AGENT_PHASE_CONNECTED: it does not */
    const char *error;
    bool has_ca; /* on success */
};

struct bench {
    struct kit *kit;
    struct policies policies;
    struct authority *ca, *other;
    const struct row *row;
    struct buf right, wrong; /* pins */
    bool done;
    enum agent_phase phase;
    struct buf error, ca_pem;
};

static void show_ca(struct bench *b, struct http_exchange *x)
{
    struct str pem = authority_pem(b->row->shows_other_ca ? b->other : b->ca);
    struct buf json = {0};
    buf_add_c(&json, "{\"name\":\"cacerts\",\"value\":");
    json_write_string(&json, b->row->ca_value ? str_c(b->row->ca_value) : pem);
    buf_add_c(&json, "}");
    http_answer(x, b->row->ca_status ? b->row->ca_status : 200, "application/json", NULL,
                buf_str(&json));
    buf_free(&json);
}

static void on_request(void *owner, struct http_exchange *x)
{
    struct bench *b = owner;
    if (str_eq_c(http_path(x), "/ping"))
        http_answer(x, 200, "text/plain", NULL, str_c(b->row->pong ? b->row->pong : "pong"));
    else if (str_eq_c(http_path(x), "/v3/settings/cacerts"))
        show_ca(b, x);
    else
        http_answer(x, 404, "text/plain", NULL, STR("no"));
}

static void on_checked(void *owner, enum agent_phase phase, struct str ca_pem,
                       const struct err *err)
{
    struct bench *b = owner;
    assert_false(b->done);
    b->done = true;
    b->phase = err ? phase : AGENT_PHASE_CONNECTED;
    buf_add(&b->ca_pem, ca_pem);
    if (err)
        err_print(err, &b->error);
}

static void bench_open(struct bench *b)
{
    *b = (struct bench){.kit = kit_new(), .policies = policies_hardened()};
    struct str address = STR("10.0.0.1");
    (void)sim_resolver_new(b->kit->sim, &(struct sim_resolver_options){.name = STR("default")});
    sim_dns_set(b->kit->sim, STR(NAME), 60, &address, 1);
    b->ca = authority_new(b->kit->sim, STR("ca"));
    b->other = authority_new(b->kit->sim, STR("other"));
    pki_ca_checksum(authority_pem(b->ca), &b->right);
    pki_ca_checksum(authority_pem(b->other), &b->wrong);
}

static void bench_close(struct bench *b)
{
    struct buf *bufs[] = {&b->right, &b->wrong, &b->error, &b->ca_pem};
    for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
        buf_free(bufs[i]);
    authority_free(b->ca);
    authority_free(b->other);
    kit_free(b->kit);
}

static struct agent_config config_of(const struct bench *b, const struct row *row)
{
    struct str pins[] = {[PIN_NONE] = str_empty,
                         [PIN_RIGHT] = buf_str(&b->right),
                         [PIN_OTHER] = buf_str(&b->wrong),
                         [PIN_SHORT] = str_sub(buf_str(&b->right), 0, 8)};
    struct agent_config c = {.server_text =
                                 row->plain ? STR("http://" NAME ":443") : STR("https://" NAME),
                             .ca_checksum = pins[row->pin],
                             .strict = row->strict,
                             .name = STR("agent")};
    check_ok(url_parse(c.server_text, &c.server));
    return c;
}

static void run_row(struct bench *b, const struct row *row)
{
    struct identity id =
        authority_issue(row->other_identity ? b->other : b->ca,
                        row->other_name ? STR("elsewhere.test") : STR(NAME), str_empty);
    struct world_tls tls = {.cert_pem = id.cert_pem, .key_pem = id.key_pem};
    struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), KIT_PORT),
                                  .tls = row->plain ? NULL : &tls};
    struct world_listener *listener;
    b->row = row;
    b->done = false;
    buf_clear(&b->error);
    buf_clear(&b->ca_pem);
    struct http_server *server = http_server_new(kit_sw(b->kit), NULL, on_request, b);
    check_ok(http_server_listen(server, &listen, &listener));
    struct agent_config config = config_of(b, row);
    struct agent_resolver *resolver =
        agent_resolver_new(kit_cw(b->kit), &b->policies, config.server.host);
    struct http_client *http = http_client_new(kit_cw(b->kit));
    (void)agent_checks_start(kit_cw(b->kit), &b->policies, &config, resolver, http, on_checked, b);
    kit_run(b->kit, 60 * S);
    assert_true(b->done);
    http_client_free(http);
    agent_resolver_free(resolver);
    http_server_free(server);
    identity_free(&id);
    kit_run(b->kit, S);
}

static const struct row rows[] = {
    {.what = "all is well", .pin = PIN_RIGHT, .phase = AGENT_PHASE_CONNECTED, .has_ca = true},
    {.what = "strict",
     .pin = PIN_RIGHT,
     .strict = true,
     .phase = AGENT_PHASE_CONNECTED,
     .has_ca = true},
    {.what = "no pin: the dial decides by the system's store", .phase = AGENT_PHASE_CONNECTED},
    {.what = "strict without a pin",
     .strict = true,
     .phase = AGENT_PHASE_TLS,
     .error = "STRICT_VERIFY"},
    {.what = "plain", .plain = true, .phase = AGENT_PHASE_CONNECTED},
    {.what = "an impostor shows its own CA",
     .pin = PIN_RIGHT,
     .other_identity = true,
     .shows_other_ca = true,
     .phase = AGENT_PHASE_CA,
     .error = "not the manager"},
    {.what = "an impostor shows the manager's CA",
     .pin = PIN_RIGHT,
     .other_identity = true,
     .phase = AGENT_PHASE_TLS,
     .error = "does not chain to the pinned CA"},
    {.what = "the manager shows a CA that is not the pinned one",
     .pin = PIN_RIGHT,
     .shows_other_ca = true,
     .phase = AGENT_PHASE_CA,
     .error = "not the manager"},
    {.what = "installed for another manager",
     .pin = PIN_OTHER,
     .phase = AGENT_PHASE_CA,
     .error = "not the manager"},
    {.what = "a pin of eight digits",
     .pin = PIN_SHORT,
     .phase = AGENT_PHASE_CA,
     .error = "not the manager"},
    {.what = "another name",
     .pin = PIN_RIGHT,
     .other_name = true,
     .phase = AGENT_PHASE_TLS,
     .error = "does not chain"},
    {.what = "no CA configured",
     .pin = PIN_RIGHT,
     .ca_value = "",
     .phase = AGENT_PHASE_CA,
     .error = "no CA configured"},
    {.what = "a login page",
     .pin = PIN_RIGHT,
     .ca_value = "<html>",
     .phase = AGENT_PHASE_CA,
     .error = "no certificate"},
    {.what = "the setting cannot be read",
     .pin = PIN_RIGHT,
     .ca_status = 503,
     .phase = AGENT_PHASE_CA,
     .error = "503"},
    {.what = "somebody else answers",
     .pin = PIN_RIGHT,
     .pong = "hello",
     .phase = AGENT_PHASE_PING,
     .error = "not accessible"},
};

static void test_checks(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        run_row(&b, row);
        bool reason = !row->error || str_find(buf_str(&b.error), str_c(row->error)) >= 0;
        struct str ca = row->has_ca ? authority_pem(b.ca) : str_empty;
        if (b.phase != row->phase || !reason || !str_eq(buf_str(&b.ca_pem), ca))
            fail_msg("%s: %s \"%s\", want %s \"%s\"", row->what, agent_phase_name(b.phase),
                     buf_c(&b.error), agent_phase_name(row->phase), row->error ? row->error : "");
    }
    bench_close(&b);
}

static void test_nobody_there(void **state)
{
    static const struct row nobody = {.pin = PIN_RIGHT};
    (void)state;
    struct bench b;
    bench_open(&b);
    struct agent_config config = config_of(&b, &nobody);
    struct agent_resolver *resolver =
        agent_resolver_new(kit_cw(b.kit), &b.policies, config.server.host);
    struct http_client *http = http_client_new(kit_cw(b.kit));
    (void)agent_checks_start(kit_cw(b.kit), &b.policies, &config, resolver, http, on_checked, &b);
    kit_run(b.kit, 60 * S);
    assert_true(b.done && b.phase == AGENT_PHASE_PING);
    b.done = false;
    sim_dns_remove(b.kit->sim, STR(NAME));
    kit_run(b.kit, 60 * S); /* what the resolvers hold is over */
    (void)agent_checks_start(kit_cw(b.kit), &b.policies, &config, resolver, http, on_checked, &b);
    kit_run(b.kit, 60 * S);
    assert_true(b.done && b.phase == AGENT_PHASE_RESOLVE);
    assert_true(str_find(buf_str(&b.error), STR("could not resolve host")) >= 0);
    b.done = false;
    agent_checks_cancel(
        agent_checks_start(kit_cw(b.kit), &b.policies, &config, resolver, http, on_checked, &b));
    kit_run(b.kit, 60 * S);
    assert_false(b.done);
    http_client_free(http);
    agent_resolver_free(resolver);
    bench_close(&b);
}

/* ---- the pin ---- */

static void add_crlf(struct buf *out, struct str pem)
{
    for (size_t i = 0; i < pem.n; i++) {
        if (pem.p[i] == '\n')
            buf_add_char(out, '\r');
        buf_add_char(out, pem.p[i]);
    }
}

/* K20: one bundle in many spellings: both policies accept the text that was pinned, only the set accepts the others, and
 * neither accepts more or fewer certificates. */
static void test_pin(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    struct str one = authority_pem(b.ca), two = authority_pem(b.other);
    struct buf bundle = {0}, text = {0}, set = {0}, pin = {0}, none = {0}, spellings[5] = {{0}};
    pki_ca_checksum(one, &pin); /* of one of the two */
    buf_add(&bundle, one);
    buf_add(&bundle, two);
    pki_ca_checksum(buf_str(&bundle), &text);
    check_ok(pki_ca_pin(buf_str(&bundle), &set));
    buf_add(&spellings[0], buf_str(&bundle));
    add_crlf(&spellings[1], buf_str(&bundle));
    buf_add(&spellings[2], two); /* the other order */
    buf_add(&spellings[2], one);
    buf_add(&spellings[3], one); /* fewer */
    buf_add(&spellings[4], two);
    for (int hardened = 0; hardened < 2; hardened++) {
        struct policies p = hardened ? policies_hardened() : policies_compat();
        for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
            struct buf all = {0}, trusted = {0};
            struct str pem = buf_str(&spellings[i]);
            struct err *by_text = agent_ca_check(&p, pem, buf_str(&text), &all);
            struct err *by_set = agent_ca_check(&p, pem, buf_str(&set), &all);
            struct err *by_one = agent_ca_check(&p, pem, buf_str(&pin), &trusted);
            assert_int_equal(!by_text, i == 0);
            assert_int_equal(!by_set, hardened && i < 3);
            assert_int_equal(!by_one, hardened ? i != 4 : i == 3);
            assert_true(by_one ? trusted.n == 0 : str_eq(buf_str(&trusted), one));
            assert_true(!by_one || err_tls_of(by_one) == ERR_TLS_PIN);
            err_free(by_text);
            err_free(by_set);
            err_free(by_one);
            buf_free(&all);
            buf_free(&trusted);
        }
    }
    check_err(agent_ca_check(&b.policies, str_empty, buf_str(&text), &none), ERR_TLS,
              "no CA configured");
    buf_free(&pin);
    for (size_t i = 0; i < ARRAY_LEN(spellings); i++)
        buf_free(&spellings[i]);
    buf_free(&bundle);
    buf_free(&text);
    buf_free(&set);
    bench_close(&b);
}

static void test_reasons(void **state)
{
    (void)state;
    static const struct {
        enum agent_phase phase;
        enum err_code code;
        enum err_tls tls;
        const char *step, *cause;
    } said[] = {
        {AGENT_PHASE_RESOLVE, ERR_DNS_NXDOMAIN, ERR_TLS_OTHER, "Resolve", "Unresolvable"},
        {AGENT_PHASE_PING, ERR_TIMEOUT, ERR_TLS_OTHER, "Ping", "Unreachable"},
        {AGENT_PHASE_PING, ERR_UNAVAILABLE, ERR_TLS_OTHER, "Ping", "NotTheManager"},
        {AGENT_PHASE_CA, ERR_TLS, ERR_TLS_PIN, "CA", "CAMismatch"},
        {AGENT_PHASE_TLS, ERR_TLS, ERR_TLS_EXPIRED, "TLS", "CertExpired"},
        {AGENT_PHASE_TLS, ERR_TLS, ERR_TLS_CLOCK, "TLS", "ClockSkew"},
        {AGENT_PHASE_CONNECT, ERR_TLS, ERR_TLS_UNTRUSTED, "Connect", "CertUntrusted"},
    };
    struct policies compat = policies_compat(), hardened = policies_hardened();
    for (size_t i = 0; i < ARRAY_LEN(said); i++) {
        struct err *cause = err_new(said[i].code, "no");
        if (said[i].code == ERR_TLS)
            cause = err_tls(cause, said[i].tls);
        struct err *err = err_wrap(cause, said[i].code, "outside");
        assert_string_equal(agent_reason_of(&compat, said[i].phase, err), said[i].step);
        assert_string_equal(agent_reason_of(&hardened, said[i].phase, err), said[i].cause);
        err_free(err);
    }
    assert_string_equal(agent_reason_of_refusal(&hardened, 400, STR("cluster not found")),
                        "ClusterUnknown");
    assert_string_equal(agent_reason_of_refusal(&hardened, 503, STR("starting: ...")),
                        "ManagerStarting");
    assert_string_equal(agent_reason_of_refusal(&hardened, 503, STR("come back")), "ManagerBusy");
    assert_string_equal(agent_reason_of_refusal(&compat, 503, STR("starting")), "Connect");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_checks),
                                       cmocka_unit_test(test_nobody_there),
                                       cmocka_unit_test(test_pin), cmocka_unit_test(test_reasons)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
