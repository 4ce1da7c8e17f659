/* The start-up checks: see their order in checks.h. */
#include "engine/agents/cluster/checks.h"

#include "engine/base/json.h"
#include "engine/pki/pki.h"
#include "engine/pki/x509.h"

struct agent_checks {
    struct world *world;
    struct policies policies;
    const struct agent_config *config;
    struct agent_resolver *resolver;
    struct http_client *http;
    struct http_call *call;
    void (*fetched)(void *owner, const struct http_response *r, const struct err *err);
    enum agent_phase phase;
    struct world_addr address;
    struct buf ca_pem;
    world_time ahead; /* our wall clock, of the manager's */
    agent_checked done;
    void *owner;
};

static const char *const phase_names[] = {
    [AGENT_PHASE_CONFIG] = "Config",
    [AGENT_PHASE_RESOLVE] = "Resolve",
    [AGENT_PHASE_PING] = "Ping",
    [AGENT_PHASE_CA] = "CA",
    [AGENT_PHASE_TLS] = "TLS",
    [AGENT_PHASE_CONNECT] = "Connect",
    [AGENT_PHASE_CONNECTED] = "Connected",
};

const char *agent_phase_name(enum agent_phase phase)
{
    return phase_names[phase];
}

static void finish(struct agent_checks *c, const struct err *err)
{
    agent_checked done = c->done;
    void *owner = c->owner;
    enum agent_phase phase = c->phase;
    struct buf pem = c->ca_pem;
    mem_free(c);
    done(owner, phase, err ? str_empty : buf_str(&pem), err);
    buf_free(&pem);
}

static void fail(struct agent_checks *c, struct err *take_err)
{
    finish(c, take_err);
    err_free(take_err);
}

static void on_fetched(void *owner, const struct http_response *r, const struct err *err)
{
    struct agent_checks *c = owner;
    c->fetched(c, r, err);
}

static const struct http_call_handler fetch_handler = {.done = on_fetched};

static void fetch(struct agent_checks *c, const char *target,
                  void (*done)(void *, const struct http_response *, const struct err *))
{
    /* Before the CA is known nothing can be verified; afterwards exactly that CA must do. */
    bool verified = c->phase == AGENT_PHASE_TLS;
    struct world_tls tls = {.server_name = c->config->server.host,
                            .insecure = !verified,
                            .ca_pem = verified ? buf_str(&c->ca_pem) : str_empty};
    c->fetched = done;
    struct http_request r = {.address = c->address,
                             .tls = c->config->server.tls ? &tls : NULL,
                             .host = c->config->server.authority,
                             .method = "GET",
                             .target = str_c(target),
                             .timeout = AGENT_CHECK_TIMEOUT,
                             .body_bytes_max = PKI_PEM_BYTES_MAX};
    c->call = http_call_start(c->http, &r, &fetch_handler, c);
}

/* ---- tls ---- */

/* A certificate that is good by the manager's clock is not to blame. */
static struct err *blame_clock(const struct agent_checks *c, struct err *take_err)
{
    enum err_tls why = err_tls_of(take_err);
    bool behind = why == ERR_TLS_NOT_YET_VALID && c->ahead < -AGENT_SKEW_WARN;
    bool before = why == ERR_TLS_EXPIRED && c->ahead > AGENT_SKEW_WARN;
    if (!behind && !before)
        return take_err;
    struct buf skew = {0};
    duration_format(&skew, before ? c->ahead : -c->ahead);
    struct err *err = err_wrap(take_err, ERR_TLS, "the clock here is %s %s the manager's",
                               buf_c(&skew), before ? "ahead of" : "behind");
    buf_free(&skew);
    return err_tls(err, ERR_TLS_CLOCK);
}

static void on_tls(void *owner, const struct http_response *r, const struct err *err)
{
    struct agent_checks *c = owner;
    c->call = NULL;
    (void)r; /* any status: the handshake is what was asked for */
    bool untrusted = err && err->code == ERR_TLS;
    if (untrusted && !c->config->strict && c->config->ca_checksum.n == 0)
        untrusted = false; /* without a pinned CA the dial itself decides by the system's store */
    if (untrusted)
        fail(c, blame_clock(c, err_wrap(err_copy(err), ERR_TLS,
                                        "the manager's certificate does not chain to the pinned "
                                        "CA")));
    else
        finish(c, NULL); /* other errors are not about trust: the dial will tell */
}

static void check_tls(struct agent_checks *c)
{
    c->phase = AGENT_PHASE_TLS;
    if (!c->config->server.tls)
        finish(c, NULL);
    else if (c->config->ca_checksum.n == 0 && c->config->strict)
        fail(c, err_new(ERR_TLS, "STRICT_VERIFY is set, but CATTLE_CA_CHECKSUM is not"));
    else
        fetch(c, "/healthz", on_tls);
}

/* ---- ca ---- */

static bool is_pinned(struct str checksum, struct str pin)
{
    struct str one, rest = checksum;
    for (bool more = true; more;) {
        more = str_cut(rest, ',', &one, &rest);
        if (pin.n && str_eq_nocase(str_trim(one), pin))
            return true;
    }
    return false;
}

/* Those of the certificates that are pinned by themselves, by their key or by their text. */
static struct err *add_pinned(struct str pem, struct str checksum, struct buf *trusted)
{
    struct err *err = NULL;
    struct str label;
    do {
        struct buf der = {.max = PKI_DER_BYTES_MAX}, one = {0}, key = {0}, text = {0};
        err = pki_pem_next(&pem, &label, &der);
        if (!err && str_eq_c(label, "CERTIFICATE")) {
            pki_pem_add(&one, "CERTIFICATE", buf_str(&der));
            pki_ca_checksum(buf_str(&one), &text);
            err = pki_ca_pins(buf_str(&one), &key);
            if (!err && (is_pinned(checksum, buf_str(&key)) || is_pinned(checksum, buf_str(&text))))
                buf_add(trusted, buf_str(&one));
        }
        buf_free(&der);
        buf_free(&one);
        buf_free(&key);
        buf_free(&text);
    } while (!err && label.n);
    return err;
}

struct err *agent_ca_check(const struct policies *policies, struct str pem, struct str checksum,
                           struct buf *trusted)
{
    struct buf chain = {0}, text = {0}, set = {0};
    struct err *err = NULL;
    size_t before = trusted->n;
    if (pem.n == 0) {
        err = err_new(ERR_TLS, "CATTLE_CA_CHECKSUM is set, but the manager has no CA configured");
        goto out;
    }
    pki_ca_checksum(pem, &text);
    if (str_eq_nocase(buf_str(&text), checksum)) {
        buf_add(trusted, pem); /* the very text that was pinned: nothing in it is looked at here */
        goto out;
    }
    err = pki_chain_from_pem(pem, &chain);
    if (err) {
        err = err_wrap(err, ERR_TLS,
                       "what the manager shows as its CA is no certificate (is there "
                       "a proxy or a login page in between?)");
        goto out;
    }
    if (policy_get(policies, POLICY_CA_PIN) == POLICY_PIN_SET) {
        err = pki_ca_pin(pem, &set);
        if (!err && str_eq_nocase(buf_str(&set), checksum))
            buf_add(trusted, pem);
        else if (!err)
            err = add_pinned(pem, checksum, trusted);
        if (err || trusted->n > before)
            goto out;
    }
    err = err_tls(err_new(ERR_TLS,
                          "the CA's checksum is %s%s%s, but CATTLE_CA_CHECKSUM says " STR_FMT
                          ": this is not the manager that the agent was installed for",
                          buf_c(&text), set.n ? " or " : "", buf_c(&set), STR_ARG(checksum)),
                  ERR_TLS_PIN);
out:
    buf_free(&chain);
    buf_free(&text);
    buf_free(&set);
    return err;
}

static void on_ca(void *owner, const struct http_response *r, const struct err *err)
{
    struct agent_checks *c = owner;
    c->call = NULL;
    if (err || r->status != 200) {
        fail(c,
             err ? err_wrap(err_copy(err), err->code, "cannot read the manager's CA")
                 : err_new(ERR_UNAVAILABLE, "the manager answers %d instead of its CA", r->status));
        return;
    }
    struct arena a = {0};
    cJSON *setting = NULL;
    struct err *bad = json_parse(&a, buf_str(&r->body), &setting);
    if (bad) {
        bad = err_wrap(bad, ERR_TLS, "the manager's CA setting is not JSON");
    } else {
        bad = agent_ca_check(&c->policies, json_string_at(setting, "value"), c->config->ca_checksum,
                             &c->ca_pem);
    }
    arena_free(&a);
    if (bad)
        fail(c, bad);
    else
        check_tls(c);
}

/* ---- ping ---- */

static void compare_clocks(struct agent_checks *c, struct str theirs)
{
    int64_t wall;
    if (!rfc3339_parse(theirs, &wall))
        return; /* a manager that does not tell */
    c->ahead = world_wall(c->world) - wall;
    if (c->ahead >= -AGENT_SKEW_WARN && c->ahead <= AGENT_SKEW_WARN)
        return;
    struct buf skew = {0};
    duration_format(&skew, c->ahead);
    world_note(c->world, "agent.clock-skew", c->config->name, buf_str(&skew));
    buf_free(&skew);
}

static void on_ping(void *owner, const struct http_response *r, const struct err *err)
{
    struct agent_checks *c = owner;
    c->call = NULL;
    bool pong = !err && r->status == 200 && str_eq_c(str_trim(buf_str(&r->body)), "pong");
    if (!pong) {
        fail(c, err ? err_wrap(err_copy(err), err->code, STR_FMT "/ping is not accessible",
                               STR_ARG(c->config->server_text))
                    : err_new(ERR_UNAVAILABLE,
                              STR_FMT "/ping is not accessible (status %d, or not \"pong\")",
                              STR_ARG(c->config->server_text), r->status));
        return;
    }
    compare_clocks(c, http_headers_get(&r->headers, AGENT_TIME_HEADER));
    if (c->config->ca_checksum.n == 0 || !c->config->server.tls) {
        check_tls(c);
        return;
    }
    c->phase = AGENT_PHASE_CA;
    fetch(c, "/v3/settings/cacerts", on_ca);
}

/* ---- resolve ---- */

static void on_resolved(void *owner, const struct world_dns_answer *answer, const struct err *err)
{
    struct agent_checks *c = owner;
    if (err) {
        fail(c, err_wrap(err_copy(err), err->code,
                         STR_FMT "/ping is not accessible (could not resolve host)",
                         STR_ARG(c->config->server_text)));
        return;
    }
    size_t pick = (size_t)world_random_below(c->world, answer->n);
    c->address = world_addr_make(str_c(answer->host[pick]), c->config->server.port);
    c->phase = AGENT_PHASE_PING;
    fetch(c, "/ping", on_ping);
}

struct agent_checks *agent_checks_start(struct world *w, const struct policies *policies,
                                        const struct agent_config *config,
                                        struct agent_resolver *resolver, struct http_client *http,
                                        agent_checked done, void *owner)
{
    struct agent_checks *c = MEM_NEW(struct agent_checks);
    c->world = w;
    c->policies = *policies;
    c->config = config;
    c->resolver = resolver;
    c->http = http;
    c->done = done;
    c->owner = owner;
    c->phase = AGENT_PHASE_RESOLVE;
    agent_resolve(resolver, false, on_resolved, c);
    return c;
}

void agent_checks_cancel(struct agent_checks *c)
{
    if (!c)
        return;
    agent_resolve_cancel(c->resolver);
    http_call_cancel(c->call);
    buf_free(&c->ca_pem);
    mem_free(c);
}

enum agent_phase agent_checks_phase(const struct agent_checks *c)
{
    return c->phase;
}
