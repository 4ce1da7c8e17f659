/* Who is there: the CA of the checksum, the certificate, and whether HTTP is answered. */
#include "engine/agents/cluster/checks.h"
#include "engine/base/json.h"
#include "engine/cli/doctor.h"
#include "engine/http/client.h"
#include "engine/pki/x509.h"

#define DAY_S        INT64_C(86400)
#define EXPIRES_SOON (14 * DAY_S)

/* ---- HTTP ---- */

static void fetch(struct doctor *d, const char *target, bool verified,
                  const struct http_call_handler *handler)
{
    struct world_tls tls = doctor_identity(d);
    tls.insecure = !verified;
    struct http_request r = {.address = d->address,
                             .tls = d->url.tls ? &tls : NULL,
                             .host = d->url.authority,
                             .method = "GET",
                             .target = str_c(target),
                             .timeout = DOCTOR_STEP_TIMEOUT,
                             .body_bytes_max = PKI_PEM_BYTES_MAX};
    d->since = world_now(d->w);
    (void)http_call_start(d->http, &r, handler, d);
}

static void add_skew(const struct doctor *d, struct str theirs, struct buf *text)
{
    int64_t wall;
    if (!rfc3339_parse(theirs, &wall))
        return;
    world_time ahead = world_wall(d->w) - wall;
    if (ahead >= -AGENT_SKEW_WARN && ahead <= AGENT_SKEW_WARN)
        return;
    buf_add_c(text, "; the clock here is ");
    duration_format(text, (ahead < 0 ? -ahead : ahead) / NS_PER_S * NS_PER_S);
    buf_addf(text, " %s the manager's", ahead < 0 ? "behind" : "ahead of");
}

static void on_ping(void *owner, const struct http_response *r, const struct err *err)
{
    struct doctor *d = owner;
    struct buf text = {0};
    if (err) {
        doctor_say_error(d, "HTTP", err, "the port is open, but no HTTP server answers there");
        uv_world_stop(d->uv);
        return;
    }
    if (r->status == 200 && str_eq_c(str_trim(buf_str(&r->body)), "pong")) {
        buf_add_c(&text, "/ping answers pong in ");
        doctor_add_took(d, &text);
        if (d->url.tls && !d->verified)
            buf_add_c(&text, " (not verified)");
        add_skew(d, http_headers_get(&r->headers, AGENT_TIME_HEADER), &text);
        doctor_say(d, "HTTP", buf_str(&text), NULL);
    } else {
        buf_addf(&text, "/ping answers with status %d instead of pong", r->status);
        doctor_say(d, "HTTP", buf_str(&text),
                   "another server, a proxy or a login page answers in the manager's place");
    }
    buf_free(&text);
    doctor_check_tunnel(d);
}

static const struct http_call_handler ping_handler = {.done = on_ping};

/* ---- TLS ---- */

static const char *tls_advice(const struct doctor *d, const struct err *err)
{
    switch (err_tls_of(err)) {
    case ERR_TLS_EXPIRED:
        return "renew the server's certificate, or set this machine's clock";
    case ERR_TLS_NOT_YET_VALID:
        return "this machine's clock is behind, or the server's certificate was made by one that "
               "is ahead";
    case ERR_TLS_NAME:
        return "agents have to use a name that stands in the certificate, or it needs this one";
    case ERR_TLS_UNTRUSTED:
        return d->ca_pem.n ? "the certificate is of another authority than the pinned one"
                           : "it is of a private authority: give --ca-checksum or --ca";
    default:
        return "no TLS server of ours answers there: a proxy, or a plain HTTP port";
    }
}

static void tls_over(struct doctor *d)
{
    world_stream_abort(d->stream);
    d->stream = NULL;
    fetch(d, "/ping", d->verified, &ping_handler);
}

static void on_tls_open(void *owner)
{
    struct doctor *d = owner;
    struct buf chain = {0}, text = {0};
    struct pki_cert_info info = {0};
    struct err *err = pki_chain_from_pem(world_stream_peer_pem(d->stream), &chain);
    if (!err)
        err = pki_cert_read(&d->sh->arena, buf_str(&chain), &info);
    d->verified = true;
    if (err) {
        buf_add_c(&text, "trusted");
        err_free(err);
    } else {
        buf_addf(&text, STR_FMT " of " STR_FMT ", until ", STR_ARG(info.subject),
                 STR_ARG(info.issuer));
        rfc3339_format(&text, info.not_after_s * NS_PER_S);
    }
    if (info.not_after_s && info.not_after_s - world_wall(d->w) / NS_PER_S < EXPIRES_SOON)
        buf_add_c(&text, " (soon: have it renewed)");
    doctor_say(d, "TLS", buf_str(&text), NULL);
    buf_free(&chain);
    buf_free(&text);
    tls_over(d);
}

static void on_tls_data(void *owner, struct str bytes)
{
    (void)owner, (void)bytes;
}

static void on_tls_closed(void *owner, const struct err *err)
{
    struct doctor *d = owner;
    d->stream = NULL;
    struct err *none = err ? NULL : err_new(ERR_EOF, "the server ended the connection");
    doctor_say_error(d, "TLS", err ? err : none, tls_advice(d, err ? err : none));
    err_free(none);
    fetch(d, "/ping", false, &ping_handler);
}

static const struct world_stream_handler tls_handler = {
    .open = on_tls_open, .data = on_tls_data, .closed = on_tls_closed};

static void check_tls(struct doctor *d)
{
    struct world_tls tls = {.server_name = d->url.host, .ca_pem = buf_str(&d->ca_pem)};
    struct world_connect o = {.address = d->address, .tls = &tls, .timeout = DOCTOR_STEP_TIMEOUT};
    d->stream = world_stream_connect(d->w, &o, &tls_handler, d);
}

static struct err *trust_pinned(struct doctor *d, struct str body)
{
    cJSON *setting = NULL;
    struct err *err = json_parse(&d->sh->arena, body, &setting);
    if (err)
        return err_wrap(err, ERR_TLS, "the manager's setting cacerts is not JSON");
    return agent_ca_check(&d->policies, json_string_at(setting, "value"), d->checksum, &d->ca_pem);
}

static void on_ca(void *owner, const struct http_response *r, const struct err *err)
{
    struct doctor *d = owner;
    struct err *bad = NULL;
    if (err)
        bad = err_wrap(err_copy(err), err->code, "the manager's CA cannot be read");
    else if (r->status != 200)
        bad = err_new(ERR_UNAVAILABLE, "/v3/settings/cacerts answers with status %d", r->status);
    else
        bad = trust_pinned(d, buf_str(&r->body));
    if (bad)
        doctor_say_error(
            d, "CA", bad,
            "the checksum is of another manager or of an older CA: agents refuse to connect "
            "until they get the new one");
    else
        doctor_say(d, "CA", STR("the manager's CA has the checksum"), NULL);
    err_free(bad);
    check_tls(d);
}

static const struct http_call_handler ca_handler = {.done = on_ca};

void doctor_check_trust(struct doctor *d)
{
    if (!d->url.tls)
        fetch(d, "/ping", false, &ping_handler);
    else if (d->checksum.n && !d->ca_file.n)
        fetch(d, "/v3/settings/cacerts", false, &ca_handler);
    else
        check_tls(d);
}
