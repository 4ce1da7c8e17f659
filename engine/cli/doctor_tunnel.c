/* The tunnel: the WebSocket, and something that goes there and back in it: at a manager's door a stream that it echoes
 * (engine/tunnel/probe.h), at any other endpoint a ping. */
#include "engine/cli/doctor.h"
#include "engine/tunnel/probe.h"

#define NUMBER_DIGITS 12 /* hexadecimal */
#define HEADERS_MAX   5

/* ---- there and back ---- */

void doctor_tunnel_end(struct doctor *d)
{
    world_timer_stop(d->timer);
    tunnel_session_close(d->session); /* NULL is fine; its stream ends with it */
    d->session = NULL;
    if (d->ws)
        world_ws_abort(d->ws);
    d->ws = NULL;
}

static void round_trip_done(struct doctor *d, struct str failure, const char *todo)
{
    struct buf text = {0};
    world_timer_stop(d->timer);
    if (todo) {
        buf_add(&text, failure);
    } else {
        buf_add_c(&text, d->session ? "a stream went there and back in " : "there and back in ");
        doctor_add_took(d, &text);
    }
    doctor_say(d, "tunnel", buf_str(&text), todo);
    buf_free(&text);
    uv_world_stop(d->uv);
}

void doctor_on_silence(void *doctor)
{
    round_trip_done(doctor, STR("nothing came back within 5 s"),
                    "something on the way lets WebSockets begin but not live: look for a "
                    "proxy that buffers or inspects");
}

static void on_pong(void *owner, struct str payload)
{
    struct doctor *d = owner;
    (void)payload;
    if (d->session)
        tunnel_session_on_alive(d->session);
    else if (world_timer_active(d->timer))
        round_trip_done(d, str_empty, NULL);
}

/* The bytes may come in pieces; the last one ends the step. */
static void on_echo(void *owner, struct str bytes)
{
    struct doctor *d = owner;
    d->echoed += bytes.n;
    if (d->echoed >= d->name.n && world_timer_active(d->timer))
        round_trip_done(d, str_empty, NULL);
}

static void on_echo_closed(void *owner, const struct err *err)
{
    struct doctor *d = owner;
    struct buf text = {0};
    if (!world_timer_active(d->timer))
        return; /* told already */
    if (err)
        err_print(err, &text);
    else
        buf_add_c(&text, "the server ended the stream");
    round_trip_done(d, buf_str(&text),
                    "the WebSocket opens, but no stream lives in it: look at the server's log, and "
                    "for a proxy that cuts WebSockets");
    buf_free(&text);
}

static bool allow_nothing(void *owner, struct str proto, struct str address)
{
    (void)owner, (void)proto, (void)address;
    return false;
}

static void on_session_closed(void *owner, const struct err *why)
{
    struct doctor *d = owner;
    (void)why; /* its stream said so */
    d->session = NULL;
}

/* At a manager's door: as an agent's session, but that we dial. */
static void open_stream(struct doctor *d)
{
    static const struct tunnel_conn_handler handler = {.data = on_echo, .closed = on_echo_closed};
    struct tunnel_session_options o = {.side = TUNNEL_CLIENT,
                                       .policies = &d->policies,
                                       .key = STR("client"),
                                       .allow = allow_nothing,
                                       .closed = on_session_closed,
                                       .owner = d};
    struct tunnel_conn *conn;
    d->session = tunnel_session_new(d->w, &tunnel_transport_world_ws, d->ws, &o);
    d->ws = NULL;
    struct err *err = tunnel_session_dial(d->session, STR(TUNNEL_PROBE_PROTO),
                                          STR(TUNNEL_PROBE_ADDRESS), &handler, d, &conn);
    BUG_ON(err, "a fresh session takes a stream");
    tunnel_conn_write(conn, d->name);
}

static void on_ws_open(void *owner)
{
    struct doctor *d = owner;
    struct buf text = {0};
    buf_addf(&text, STR_FMT " upgraded in ", STR_ARG(d->path));
    doctor_add_took(d, &text);
    doctor_say(d, "WebSocket", buf_str(&text), NULL);
    buf_free(&text);
    d->since = world_now(d->w);
    world_timer_start(d->timer, DOCTOR_STEP_TIMEOUT);
    if (d->manager)
        open_stream(d);
    else
        world_ws_ping(d->ws, STR("doctor"));
}

static void on_ws_message(void *owner, bool text, struct str payload)
{
    struct doctor *d = owner;
    if (d->session) /* else: a server that dials is none of ours */
        tunnel_session_on_message(d->session, text, payload);
}

static void on_ws_ping(void *owner, struct str payload)
{
    struct doctor *d = owner;
    (void)payload;
    if (d->session)
        tunnel_session_on_alive(d->session);
}

static void on_ws_drained(void *owner)
{
    struct doctor *d = owner;
    if (d->session)
        tunnel_session_on_drained(d->session);
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
        doctor_say(d, "WebSocket", buf_str(&text), NULL);
    } else if (no_token && str_find(said, STR("failed authentication")) >= 0) {
        buf_add_c(&text, d->token.n ? " (the token was not shown: the server is not verified)"
                                    : " (as it should be without --token)");
        doctor_say(d, "WebSocket", buf_str(&text), NULL);
    } else if (str_find(said, STR("cluster not found")) >= 0) {
        doctor_say(
            d, "WebSocket", buf_str(&text),
            "the manager does not know this token: take the import command of the cluster anew");
    } else if (status == 401 || status == 403) {
        doctor_say(d, "WebSocket", buf_str(&text),
                   "the token is wrong, or belongs to another server");
    } else if (status == 503) {
        doctor_say(d, "WebSocket", buf_str(&text),
                   "the manager is starting or busy: try again soon");
    } else {
        doctor_say(
            d, "WebSocket", buf_str(&text),
            "something on the way answers in the manager's place, or strips Upgrade: let the "
            "proxy pass WebSockets (Upgrade and Connection headers, HTTP/1.1)");
    }
    buf_free(&text);
}

static void on_ws_closed(void *owner, const struct world_ws_closed *how)
{
    struct doctor *d = owner;
    d->ws = NULL;
    if (d->session)
        tunnel_session_on_down(d->session, how->err);
    else if (world_timer_active(d->timer))
        doctor_say(
            d, "tunnel", STR("the server ended the WebSocket at once"),
            "look at the server's log; another session of the same name may have replaced it");
    else if (how->http_status)
        tell_refusal(d, how->http_status, how->http_body);
    else if (how->err)
        doctor_say_error(
            d, "WebSocket", how->err,
            "plain HTTP works but the upgrade does not: look for a proxy that strips it");
    uv_world_stop(d->uv);
}

static const struct world_ws_handler ws_handler = {on_ws_open, on_ws_message, on_ws_ping,
                                                   on_pong,    on_ws_drained, on_ws_closed};

struct world_tls doctor_identity(const struct doctor *d)
{
    return (struct world_tls){
        .server_name = d->url.host, .ca_pem = buf_str(&d->ca_pem), .insecure = !d->verified};
}

void doctor_check_tunnel(struct doctor *d)
{
    struct world_tls tls = doctor_identity(d);
    uint64_t number;
    world_random(d->w, &number, sizeof number);
    d->name = arena_printf(&d->sh->arena, "doctor-%0*llx", NUMBER_DIGITS,
                           (unsigned long long)(number >> 16));
    struct world_header headers[HEADERS_MAX] = {{STR("X-Tunnel-ID"), d->name}};
    size_t n = 1;
    if (d->manager)
        headers[n++] = (struct world_header){STR(TUNNEL_PROBE_HEADER), STR("1")};
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
                                 .timeout = DOCTOR_STEP_TIMEOUT};
    d->since = world_now(d->w);
    d->ws = world_ws_connect(d->w, &o, &ws_handler, d);
}
