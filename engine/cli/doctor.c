/* paddock doctor: the way to a manager step by step, as an agent goes it.
 *
 *   DNS ─► TCP (every address) ─► CA (with --ca-checksum) ─► TLS ─► HTTP (/ping) ─► WebSocket ─► tunnel round trip
 *
 * Each step says one line; one that fails says what to do about it, and those that need it are left out. A certificate that
 * is not trusted does not keep the later steps from being looked at: they say that they were not verified, and the token
 * is not shown. */
#include "engine/agents/cluster/checks.h"
#include "engine/base/json.h"
#include "engine/cli/cli.h"
#include "engine/cli/commands.h"
#include "engine/pki/x509.h"
#include "engine/world/uv/uv_world.h"

#define STEP_TIMEOUT  (5 * NS_PER_S)
#define DAY_S         INT64_C(86400)
#define EXPIRES_SOON  (14 * DAY_S)
#define DOCTOR_NUMBER 12 /* hexadecimal digits */

const struct cmdline_option doctor_options[DOCTOR_OPTION_COUNT] = {
    [DOCTOR_SERVER] = {"--server", OPTION_TEXT, "URL",
                       "the manager, as agents are told it; with a path, the tunnel's\n"
                       "endpoint is there (default: /v3/connect)"},
    [DOCTOR_TOKEN] = {"--token", OPTION_TEXT, "T", "the token that agents show"},
    [DOCTOR_CA_CHECKSUM] = {"--ca-checksum", OPTION_TEXT, "H",
                            "the checksum of the manager's CA that agents are told"},
    [DOCTOR_CA] = {"--ca", OPTION_TEXT, "FILE", "trust exactly these authorities (PEM)"},
    [DOCTOR_FORMAT] = {"--format", OPTION_TEXT, "FORMAT", "pretty (default) or json"},
};

struct doctor {
    struct shell *sh;
    struct uv_world *uv;
    struct world *w;
    struct url url;
    struct str path, token, checksum, ca_file;
    struct buf ca_pem; /* empty: the system's store */
    struct policies policies;
    struct http_client *http;
    struct world_dns_answer answer;
    size_t tried, reached;
    struct world_addr address; /* the first that was reached */
    struct world_stream *stream;
    struct world_ws *ws;
    struct world_timer *timer;
    world_time since;
    bool verified; /* TLS: the chain is good */
    bool failed, json, interrupted;
    cJSON *lines;
};

/* ---- saying ---- */

/* what_to_do NULL: the step went well. */
static void say(struct doctor *d, const char *step, struct str text, const char *what_to_do)
{
    static const char green[] = "\033[32m", red[] = "\033[31m", plain[] = "\033[0m";
    const char *word = what_to_do ? "FAIL" : "ok";
    struct buf out = {0};
    d->failed |= what_to_do != NULL;
    cJSON *line = json_object(&d->sh->arena);
    json_set_str(&d->sh->arena, line, "step", str_c(step));
    json_set_bool(&d->sh->arena, line, "ok", !what_to_do);
    json_set_str(&d->sh->arena, line, "text", text);
    if (what_to_do)
        json_set_str(&d->sh->arena, line, "todo", str_c(what_to_do));
    json_append(d->lines, line);
    if (d->json)
        return;
    buf_addf(&out, "%s%-4s%s  %-9s  " STR_FMT "\n", d->sh->color ? (what_to_do ? red : green) : "",
             word, d->sh->color ? plain : "", step, STR_ARG(text));
    if (what_to_do)
        buf_addf(&out, "                 %s\n", what_to_do);
    shell_print(stdout, &out);
}

static void say_error(struct doctor *d, const char *step, const struct err *err, const char *todo)
{
    struct buf text = {0};
    err_print(err, &text);
    say(d, step, buf_str(&text), todo);
    buf_free(&text);
}

static void add_took(const struct doctor *d, struct buf *text)
{
    world_time us = (world_now(d->w) - d->since) / NS_PER_US;
    buf_addf(text, "%lld.%lld ms", (long long)(us / 1000), (long long)(us / 100 % 10));
}

static void finish_run(struct doctor *d)
{
    uv_world_stop(d->uv);
}

/* ---- the tunnel's round trip ---- */

static void on_ws_message(void *owner, bool text, struct str payload)
{
    (void)owner, (void)text, (void)payload; /* a server that dials is none of ours */
}

static void round_trip_done(struct doctor *d, const char *todo)
{
    struct buf text = {0};
    if (todo)
        buf_add_c(&text, "nothing came back within 5 s");
    else
        buf_add_c(&text, "there and back in "), add_took(d, &text);
    say(d, "tunnel", buf_str(&text), todo);
    buf_free(&text);
    world_timer_stop(d->timer);
    world_ws_abort(d->ws);
    d->ws = NULL;
    finish_run(d);
}

static void on_ws_pong(void *owner, struct str payload)
{
    (void)payload;
    round_trip_done(owner, NULL);
}

static void on_silence(void *owner)
{
    round_trip_done(owner, "something on the way lets WebSockets begin but not live: look for a "
                           "proxy that buffers or inspects");
}

static void on_ws_open(void *owner)
{
    struct doctor *d = owner;
    struct buf text = {0};
    buf_addf(&text, STR_FMT " upgraded in ", STR_ARG(d->path));
    add_took(d, &text);
    say(d, "WebSocket", buf_str(&text), NULL);
    buf_free(&text);
    d->since = world_now(d->w);
    world_ws_ping(d->ws, STR("doctor"));
    world_timer_start(d->timer, STEP_TIMEOUT);
}

/* ---- the WebSocket ---- */

/* Whoever is not known to be the manager does not get to see its token. */
static bool shows_token(const struct doctor *d)
{
    return d->token.n && (d->verified || !d->url.tls);
}

/* An answer of the manager itself shows that the way is good; anything else is somebody in between. */
static void tell_refusal(struct doctor *d, int status, struct str body)
{
    struct buf text = {0};
    struct str said = str_trim(body);
    bool no_token = !shows_token(d) && status == 401;
    bool known = status == 400 && str_find(said, STR("neither node nor cluster")) >= 0;
    buf_addf(&text, "answered with %d: " STR_FMT, status, STR_ARG(said));
    if (known) {
        buf_clear(&text);
        buf_addf(&text, STR_FMT " knows the token; only a cluster's agent gets a tunnel there",
                 STR_ARG(d->path));
        say(d, "WebSocket", buf_str(&text), NULL);
    } else if (no_token && str_find(said, STR("failed authentication")) >= 0) {
        buf_add_c(&text, d->token.n ? " (the token was not shown: the server is not verified)"
                                    : " (as it should be without --token)");
        say(d, "WebSocket", buf_str(&text), NULL);
    } else if (str_find(said, STR("cluster not found")) >= 0) {
        say(d, "WebSocket", buf_str(&text),
            "the manager does not know this token: take the import command of the cluster anew");
    } else if (status == 401 || status == 403) {
        say(d, "WebSocket", buf_str(&text), "the token is wrong, or belongs to another server");
    } else if (status == 503) {
        say(d, "WebSocket", buf_str(&text), "the manager is starting or busy: try again soon");
    } else {
        say(d, "WebSocket", buf_str(&text),
            "something on the way answers in the manager's place, or strips Upgrade: let the "
            "proxy pass WebSockets (Upgrade and Connection headers, HTTP/1.1)");
    }
    buf_free(&text);
}

static void on_ws_closed(void *owner, const struct world_ws_closed *how)
{
    struct doctor *d = owner;
    d->ws = NULL;
    if (world_timer_active(d->timer))
        say(d, "tunnel", STR("the server ended the WebSocket at once"),
            "look at the server's log; another session of the same name may have replaced it");
    else if (how->http_status)
        tell_refusal(d, how->http_status, how->http_body);
    else if (how->err)
        say_error(d, "WebSocket", how->err,
                  "plain HTTP works but the upgrade does not: look for a proxy that strips it");
    finish_run(d);
}

static const struct world_ws_handler ws_handler = {
    .open = on_ws_open, .message = on_ws_message, .pong = on_ws_pong, .closed = on_ws_closed};

static struct world_tls identity(const struct doctor *d)
{
    return (struct world_tls){
        .server_name = d->url.host, .ca_pem = buf_str(&d->ca_pem), .insecure = !d->verified};
}

static void check_websocket(struct doctor *d)
{
    struct world_tls tls = identity(d);
    uint64_t number;
    world_random(d->w, &number, sizeof number);
    struct world_header headers[4] = {
        {STR("X-Tunnel-ID"), arena_printf(&d->sh->arena, "doctor-%0*llx", DOCTOR_NUMBER,
                                          (unsigned long long)(number >> 16))}};
    size_t n = 1;
    if (shows_token(d)) {
        headers[n++] = (struct world_header){
            STR("Authorization"),
            arena_printf(&d->sh->arena, "Bearer " STR_FMT, STR_ARG(d->token))};
        headers[n++] = (struct world_header){STR("X-API-Tunnel-Token"), d->token};
        headers[n++] = (struct world_header){STR("X-API-Tunnel-Params"), STR("e30=")}; /* {} */
    }
    struct world_ws_connect o = {.address = d->address,
                                 .host = d->url.authority,
                                 .path = d->path,
                                 .tls = d->url.tls ? &tls : NULL,
                                 .headers = headers,
                                 .headers_n = n,
                                 .timeout = STEP_TIMEOUT};
    d->since = world_now(d->w);
    d->ws = world_ws_connect(d->w, &o, &ws_handler, d);
}

/* ---- HTTP ---- */

static void fetch(struct doctor *d, const char *target, bool verified,
                  const struct http_call_handler *handler)
{
    struct world_tls tls = identity(d);
    tls.insecure = !verified;
    struct http_request r = {.address = d->address,
                             .tls = d->url.tls ? &tls : NULL,
                             .host = d->url.authority,
                             .method = "GET",
                             .target = str_c(target),
                             .timeout = STEP_TIMEOUT,
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
        say_error(d, "HTTP", err, "the port is open, but no HTTP server answers there");
        finish_run(d);
        return;
    }
    if (r->status == 200 && str_eq_c(str_trim(buf_str(&r->body)), "pong")) {
        buf_add_c(&text, "/ping answers pong in ");
        add_took(d, &text);
        if (d->url.tls && !d->verified)
            buf_add_c(&text, " (not verified)");
        add_skew(d, http_headers_get(&r->headers, AGENT_TIME_HEADER), &text);
        say(d, "HTTP", buf_str(&text), NULL);
    } else {
        buf_addf(&text, "/ping answers with status %d instead of pong", r->status);
        say(d, "HTTP", buf_str(&text),
            "another server, a proxy or a login page answers in the manager's place");
    }
    buf_free(&text);
    check_websocket(d);
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
    say(d, "TLS", buf_str(&text), NULL);
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
    say_error(d, "TLS", err ? err : none, tls_advice(d, err ? err : none));
    err_free(none);
    fetch(d, "/ping", false, &ping_handler);
}

static const struct world_stream_handler tls_handler = {
    .open = on_tls_open, .data = on_tls_data, .closed = on_tls_closed};

static void check_tls(struct doctor *d)
{
    struct world_tls tls = {.server_name = d->url.host, .ca_pem = buf_str(&d->ca_pem)};
    struct world_connect o = {.address = d->address, .tls = &tls, .timeout = STEP_TIMEOUT};
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
        say_error(d, "CA", bad,
                  "the checksum is of another manager or of an older CA: agents refuse to connect "
                  "until they get the new one");
    else
        say(d, "CA", STR("the manager's CA has the checksum"), NULL);
    err_free(bad);
    check_tls(d);
}

static const struct http_call_handler ca_handler = {.done = on_ca};

static void check_trust(struct doctor *d)
{
    if (!d->url.tls)
        fetch(d, "/ping", false, &ping_handler);
    else if (d->checksum.n && !d->ca_file.n)
        fetch(d, "/v3/settings/cacerts", false, &ca_handler);
    else
        check_tls(d);
}

/* ---- TCP: every address, as an agent may take any ---- */

static void try_next(struct doctor *d);

static void tcp_done(struct doctor *d, const struct err *err)
{
    struct world_addr a = world_addr_make(str_c(d->answer.host[d->tried]), d->url.port);
    struct buf text = {0};
    if (err) {
        say_error(d, "TCP", err,
                  err->code == ERR_CONN_REFUSED
                      ? "nothing listens there: is the port right, does the server run?"
                      : "a firewall, a route or a security group is in the way");
    } else {
        world_addr_print(&a, &text);
        buf_add_c(&text, " in ");
        add_took(d, &text);
        say(d, "TCP", buf_str(&text), NULL);
        buf_free(&text);
        if (d->reached++ == 0)
            d->address = a;
    }
    d->tried++;
    try_next(d);
}

static void on_tcp_open(void *owner)
{
    struct doctor *d = owner;
    world_stream_abort(d->stream);
    d->stream = NULL;
    tcp_done(d, NULL);
}

static void on_tcp_data(void *owner, struct str bytes)
{
    (void)owner, (void)bytes;
}

static void on_tcp_closed(void *owner, const struct err *err)
{
    struct doctor *d = owner;
    struct err *none = err ? NULL : err_new(ERR_EOF, "the server ended the connection");
    d->stream = NULL;
    tcp_done(d, err ? err : none);
    err_free(none);
}

static const struct world_stream_handler tcp_handler = {
    .open = on_tcp_open, .data = on_tcp_data, .closed = on_tcp_closed};

static void try_next(struct doctor *d)
{
    if (d->tried == d->answer.n) {
        if (d->reached)
            check_trust(d);
        else
            finish_run(d);
        return;
    }
    struct world_connect o = {.address =
                                  world_addr_make(str_c(d->answer.host[d->tried]), d->url.port),
                              .timeout = STEP_TIMEOUT};
    d->since = world_now(d->w);
    d->stream = world_stream_connect(d->w, &o, &tcp_handler, d);
}

/* ---- DNS ---- */

static const char *dns_advice(const struct err *err)
{
    switch (err->code) {
    case ERR_DNS_NXDOMAIN:
        return "the name does not exist for this machine's resolver: look for a typing error, a "
               "missing record, or a private zone that is not served here";
    case ERR_DNS_TIMEOUT:
        return "no DNS server answers: look at /etc/resolv.conf and at UDP and TCP port 53";
    default:
        return "the DNS server cannot answer now: ask who runs it";
    }
}

static void on_resolved(void *owner, const struct world_dns_answer *answer, const struct err *err)
{
    struct doctor *d = owner;
    struct buf text = {0};
    if (err) {
        say_error(d, "DNS", err, dns_advice(err));
        finish_run(d);
        return;
    }
    d->answer = *answer;
    if (world_host_is_numeric(d->url.host)) {
        buf_addf(&text, STR_FMT " is an address: no name is asked", STR_ARG(d->url.host));
    } else {
        buf_addf(&text, STR_FMT " is", STR_ARG(d->url.host));
        for (size_t i = 0; i < answer->n; i++)
            buf_addf(&text, "%s %s", i ? "," : "", answer->host[i]);
        buf_addf(&text, ", for %u s", answer->ttl_s);
    }
    say(d, "DNS", buf_str(&text), answer->n ? NULL : "the name has no address: add a record");
    buf_free(&text);
    try_next(d);
}

/* ---- start and end ---- */

static void on_signal(void *owner, int number)
{
    struct doctor *d = owner;
    (void)number;
    d->interrupted = true;
    uv_world_stop(d->uv);
}

/* ws:// and wss:// will do as well: what `tunnel connect` takes. */
static struct err *parse_server(struct doctor *d, struct str text)
{
    struct str rest = text;
    if (text.n == 0)
        return err_new(ERR_INVALID, "--server is missing: the manager's URL, such as "
                                    "https://manager.example.test");
    if (str_starts(text, STR("ws://")) || str_starts(text, STR("wss://"))) {
        rest = str_sub(text, 2, text.n);
        text = arena_printf(&d->sh->arena, "http" STR_FMT, STR_ARG(rest));
    }
    struct err *err = url_parse(text, &d->url);
    if (err)
        return err_wrap(err, ERR_INVALID, "--server");
    d->path = str_eq_c(d->url.target, "/") ? STR("/v3/connect") : d->url.target;
    return NULL;
}

static struct err *parse(struct doctor *d)
{
    const struct cmdline *o = &d->sh->options;
    struct str format = cmdline_text(o, DOCTOR_FORMAT), ca = str_empty;
    d->token = cmdline_text(o, DOCTOR_TOKEN);
    d->checksum = cmdline_text(o, DOCTOR_CA_CHECKSUM);
    d->ca_file = cmdline_text(o, DOCTOR_CA);
    d->json = str_eq_c(format, "json");
    if (format.n && !d->json && !str_eq_c(format, "pretty"))
        return err_new(ERR_INVALID, "--format: \"" STR_FMT "\" is not one of pretty, json",
                       STR_ARG(format));
    struct err *err = parse_server(d, cmdline_text(o, DOCTOR_SERVER));
    if (!err && d->ca_file.n)
        err = shell_read_file(d->sh, d->ca_file, &ca);
    buf_add(&d->ca_pem, ca);
    return err;
}

static void print_json(struct doctor *d)
{
    struct buf out = {0};
    cJSON *o = json_object(&d->sh->arena);
    json_set_bool(&d->sh->arena, o, "ok", !d->failed);
    json_add(&d->sh->arena, o, STR("steps"), d->lines);
    json_write_ordered(&out, o);
    buf_add_char(&out, '\n');
    shell_print(stdout, &out);
}

static struct err *run(struct doctor *d)
{
    struct uv_world_options world = {.log_level = shell_log_level(d->sh),
                                     .own_websockets = true,
                                     .on_signal = on_signal,
                                     .owner = d};
    struct err *err = uv_world_new(&world, &d->uv);
    if (err)
        return err;
    d->w = uv_world_view(d->uv);
    d->http = http_client_new(d->w);
    d->timer = world_timer_new(d->w, on_silence, d);
    (void)world_dns_query(d->w, d->url.host, STEP_TIMEOUT, on_resolved, d);
    (void)uv_world_run(d->uv);
    http_client_free(d->http);
    world_timer_free(d->timer);
    uv_world_free(d->uv);
    return NULL;
}

int command_doctor(struct shell *sh)
{
    struct doctor d = {.sh = sh, .policies = policies_hardened(), .lines = json_array(&sh->arena)};
    struct err *err = parse(&d);
    int code = EXIT_HELD;
    if (err)
        code = shell_usage_error(err);
    else if ((err = run(&d)))
        code = shell_start_error(err);
    else if (d.json)
        print_json(&d);
    if (code == EXIT_HELD && d.failed)
        code = EXIT_NOT_HELD;
    if (d.interrupted)
        code = EXIT_INTERRUPTED;
    buf_free(&d.ca_pem);
    return code;
}
