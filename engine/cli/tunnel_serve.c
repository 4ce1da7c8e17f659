/* paddock tunnel serve: a router behind an HTTP server, and ports that lead through it.
 *
 *   listening ─► forwards ─► "ready" ─► agents, streams ─(SIGTERM)─► draining ─► exit 0
 *                                                                        └─(again)─► exit 130 */
#include "engine/base/json.h"
#include "engine/cli/cli.h"
#include "engine/cli/commands.h"
#include "engine/pki/pki.h"
#include "engine/tunnel/local.h"
#include "engine/world/uv/uv_world.h"

#include <string.h>

#define DRAIN_LOOK    (10 * NS_PER_MS)
#define DRAIN_TIMEOUT (5 * NS_PER_S) /* connections that take longer are cut */
#define ID_BYTES_MAX  64u

const struct cmdline_option tunnel_serve_options[SERVE_OPTION_COUNT] = {
    [SERVE_LISTEN] = {"--listen", OPTION_TEXT, "HOST:PORT",
                      "where agents connect; a numeric address, port 0: any free one"},
    [SERVE_TLS_CERT] = {"--tls-cert", OPTION_TEXT, "FILE",
                        "serve TLS with this certificate (PEM, leaf first)"},
    [SERVE_TLS_KEY] = {"--tls-key", OPTION_TEXT, "FILE", "and its key"},
    [SERVE_TOKEN] = {"--token", OPTION_TEXT, "T",
                     "who connects or lists must send Authorization: Bearer T"},
    [SERVE_FORWARD] = {"--forward", OPTION_LIST, "LISTEN=ID=HOST:PORT",
                       "each connection to the port LISTEN of this machine is dialled\n"
                       "to HOST:PORT by agent ID; may be repeated"},
    [SERVE_PROFILE] = CLI_PROFILE_ROW,
    [SERVE_POLICY] = CLI_POLICY_ROW,
};

/* One agent's session, as /clients shows it. */
struct member {
    struct list link;
    struct tunnel_session *session;
    struct world_addr remote;
    world_time since; /* wall */
};

struct forward {
    struct world_addr listen;
    struct str id, address;
    struct tunnel_local *local;
};

struct serve {
    struct shell *sh;
    struct uv_world *uv;
    struct world *w;
    struct world_addr address;
    struct world_tls tls;
    bool secure;
    struct str token;
    struct policies policies;
    struct tunnel_router *router;
    struct tunnel_router_listener looker;
    struct http_server *http;
    struct world_listener *listener;
    struct forward *forwards;
    size_t forwards_n;
    struct list members;
    struct world_addr remote; /* of the request that is about to become a session */
    struct world_timer *drain;
    world_time drain_until;
    int code;
};

/* ---- the sessions ---- */

static void on_added(void *owner, struct tunnel_session *s)
{
    struct serve *v = owner;
    struct member *m = MEM_NEW(struct member);
    m->session = s;
    m->remote = v->remote;
    m->since = world_wall(v->w);
    list_add_tail(&v->members, &m->link);
    log_at(&((struct log){world_log(v->w), STR("tunnel")}), LOG_INFO,
           "connected " STR_FMT " from %s", STR_ARG(tunnel_session_key(s)), v->remote.host);
}

static void on_removed(void *owner, struct tunnel_session *s)
{
    struct serve *v = owner;
    list_each (&v->members, it, next) {
        struct member *m = container_of(it, struct member, link);
        if (m->session != s)
            continue;
        log_at(&((struct log){world_log(v->w), STR("tunnel")}), LOG_INFO, "gone " STR_FMT,
               STR_ARG(tunnel_session_key(s)));
        list_remove(&m->link);
        mem_free(m);
        return;
    }
}

static bool is_id(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '/')
            return false;
    return s.n > 0 && s.n <= ID_BYTES_MAX && str_find(s, STR("::")) < 0;
}

/* ---- requests ---- */

static bool is_authorized(const struct serve *v, const struct http_exchange *x)
{
    static const struct str bearer = STR_INIT("Bearer ");
    struct str given = http_headers_get(http_request_headers(x), "Authorization");
    if (v->token.n == 0)
        return true;
    return str_eq_nocase(str_sub(given, 0, bearer.n), bearer) &&
           pki_equal(str_sub(given, bearer.n, given.n), v->token);
}

static void answer_text(struct http_exchange *x, int status, const char *text)
{
    http_answer(x, status, "text/plain; charset=utf-8", NULL, str_c(text));
}

static void connect_agent(struct serve *v, struct http_exchange *x)
{
    const struct http_headers *h = http_request_headers(x);
    struct tunnel_identity who = {.key = http_headers_get(h, "X-Tunnel-ID"),
                                  .instance = http_headers_get(h, "X-Agent-Instance")};
    if (!is_id(who.key)) {
        answer_text(x, 400, "the header X-Tunnel-ID names who connects\n");
        return;
    }
    v->remote = world_stream_peer(http_stream(x));
    (void)tunnel_router_accept(v->router, x, &who);
}

static cJSON *member_json(struct arena *a, const struct serve *v, const struct member *m)
{
    struct tunnel_session_stats stats = tunnel_session_stats(m->session);
    struct buf text = {0};
    cJSON *o = json_object(a);
    json_set_str(a, o, "key", tunnel_session_key(m->session));
    world_addr_print(&m->remote, &text);
    json_set_str(a, o, "remoteAddress", buf_str(&text));
    buf_clear(&text);
    rfc3339_format(&text, m->since);
    json_set_str(a, o, "connectedSince", buf_str(&text));
    json_set_int(a, o, "bytesIn", (int64_t)stats.bytes_in);
    json_set_int(a, o, "bytesOut", (int64_t)stats.bytes_out);
    json_set_int(a, o, "openConnections", (int64_t)stats.open);
    json_set_int(a, o, "connections", (int64_t)stats.opened);
    json_set_int(a, o, "silentMs",
                 (world_now(v->w) - tunnel_session_heard(m->session)) / NS_PER_MS);
    json_set_bool(a, o, "draining", tunnel_session_draining(m->session));
    buf_free(&text);
    return o;
}

static void list_clients(struct serve *v, struct http_exchange *x)
{
    struct arena a = {0};
    struct buf out = {0};
    cJSON *o = json_object(&a), *all = json_array(&a);
    list_each (&v->members, it, next)
        json_append(all, member_json(&a, v, container_of(it, struct member, link)));
    json_add(&a, o, STR("clients"), all);
    json_write_ordered(&out, o);
    buf_add_char(&out, '\n');
    http_answer(x, 200, "application/json", NULL, buf_str(&out));
    buf_free(&out);
    arena_free(&a);
}

static void on_request(void *owner, struct http_exchange *x)
{
    struct serve *v = owner;
    struct str path = http_path(x);
    bool get = str_eq_c(http_method(x), "GET");
    if (str_eq_c(path, "/ping") && get)
        answer_text(x, 200, "pong");
    else if (!str_eq_c(path, "/connect") && !str_eq_c(path, "/clients"))
        answer_text(x, 404, "there are /connect, /clients and /ping\n");
    else if (!is_authorized(v, x))
        answer_text(x, 401, "failed authentication");
    else if (str_eq_c(path, "/connect"))
        connect_agent(v, x);
    else if (get)
        list_clients(v, x);
    else
        answer_text(x, 405, "only GET\n");
}

/* ---- the end ---- */

static void on_drain(void *owner)
{
    struct serve *v = owner;
    if (list_empty(&v->members) || world_now(v->w) >= v->drain_until)
        uv_world_stop(v->uv);
    else
        world_timer_start(v->drain, DRAIN_LOOK);
}

static void on_signal(void *owner, int number)
{
    struct serve *v = owner;
    (void)number;
    if (!v->listener) {
        v->code = EXIT_INTERRUPTED;
        uv_world_stop(v->uv);
        return;
    }
    world_listener_close(v->listener);
    v->listener = NULL;
    http_server_drain(v->http);
    list_each (&v->members, it, next)
        tunnel_session_drain(container_of(it, struct member, link)->session);
    v->drain_until = world_now(v->w) + DRAIN_TIMEOUT;
    world_timer_start(v->drain, 0);
}

/* ---- the start ---- */

static bool is_loopback(const struct world_addr *a)
{
    return str_starts(str_c(a->host), STR("127.")) || strcmp(a->host, "::1") == 0;
}

/* "8080=edge-1=10.43.0.1:443", "127.0.0.1:8080=edge-1=api.example.test:443" */
static struct err *parse_forward(struct str text, struct forward *f)
{
    struct str listen, rest;
    uint64_t port;
    if (!str_cut(text, '=', &listen, &rest) || !str_cut(rest, '=', &f->id, &f->address) ||
        !is_id(f->id) || str_find_char(f->address, ':') < 1)
        return err_new(ERR_INVALID,
                       "--forward: \"" STR_FMT "\" is not LISTEN=ID=HOST:PORT, such as "
                       "8443=edge-1=10.43.0.1:443",
                       STR_ARG(text));
    if (str_to_u64(listen, &port) && port <= UINT16_MAX)
        f->listen = world_addr_make(STR("127.0.0.1"), (uint16_t)port);
    else if (listen.n) {
        struct err *err = shell_address("--forward", listen, &f->listen);
        if (err)
            return err;
    }
    if (listen.n == 0 || !is_loopback(&f->listen))
        return err_new(ERR_INVALID,
                       "--forward: \"" STR_FMT "\" is not a port of this machine: what comes "
                       "there is let through without being asked who it is",
                       STR_ARG(listen));
    return NULL;
}

static struct err *parse_forwards(struct serve *v)
{
    struct cmdline_values all = cmdline_list(&v->sh->options, SERVE_FORWARD);
    struct err *err = NULL;
    v->forwards = ARENA_NEW_ARRAY(&v->sh->arena, struct forward, all.n + 1);
    for (size_t i = 0; i < all.n && !err; i++)
        err = parse_forward(all.v[i], &v->forwards[v->forwards_n++]);
    return err;
}

static struct err *parse_tls(struct serve *v)
{
    const struct cmdline *o = &v->sh->options;
    struct str cert = cmdline_text(o, SERVE_TLS_CERT), key = cmdline_text(o, SERVE_TLS_KEY);
    if ((cert.n > 0) != (key.n > 0))
        return err_new(ERR_INVALID, "--tls-cert and --tls-key belong together");
    if (cert.n == 0)
        return NULL;
    v->secure = true;
    v->tls.alpn = STR("http/1.1");
    struct err *err = shell_read_file(v->sh, cert, &v->tls.cert_pem);
    if (!err)
        err = shell_read_file(v->sh, key, &v->tls.key_pem);
    return err;
}

static struct err *parse(struct serve *v)
{
    const struct cmdline *o = &v->sh->options;
    if (!cmdline_given(o, SERVE_LISTEN))
        return err_new(ERR_INVALID, "--listen is missing: where agents connect, such as "
                                    "127.0.0.1:8443");
    v->token = cmdline_text(o, SERVE_TOKEN);
    struct err *err = shell_address("--listen", cmdline_text(o, SERVE_LISTEN), &v->address);
    if (!err)
        err = shell_policies(cmdline_text(o, SERVE_PROFILE), cmdline_list(o, SERVE_POLICY),
                             &v->policies);
    if (!err)
        err = parse_forwards(v);
    return err ? err : parse_tls(v);
}

static void on_accept(void *owner, struct world_stream *s)
{
    struct serve *v = owner;
    http_server_accept(v->http, s);
}

static struct err *start_forward(struct serve *v, struct forward *f)
{
    struct tunnel_local_options o = {
        .key = f->id, .proto = STR("tcp"), .address = f->address, .listen = f->listen};
    struct err *err = tunnel_local_new(v->w, v->router, &o, &f->local);
    if (err)
        return err_wrap(err, err->code, "--forward");
    f->listen.port = tunnel_local_port(f->local);
    struct buf line = {0};
    buf_add_c(&line, "forward ");
    world_addr_print(&f->listen, &line);
    buf_addf(&line, "=" STR_FMT "=" STR_FMT "\n", STR_ARG(f->id), STR_ARG(f->address));
    shell_print(stdout, &line);
    return NULL;
}

static struct err *start(struct serve *v)
{
    struct uv_world_options world = {
        .log_level = shell_log_level(v->sh), .on_signal = on_signal, .owner = v};
    struct err *err = uv_world_new(&world, &v->uv);
    if (err)
        return err;
    v->w = uv_world_view(v->uv);
    v->router = tunnel_router_new(v->w, &v->policies);
    v->looker =
        (struct tunnel_router_listener){.added = on_added, .removed = on_removed, .owner = v};
    tunnel_router_listen(v->router, &v->looker);
    v->drain = world_timer_new(v->w, on_drain, v);
    struct http_server_options http = {0};
    v->http = http_server_new(v->w, &http, on_request, v);
    struct world_listen listen = {.address = v->address, .tls = v->secure ? &v->tls : NULL};
    err = world_listen(v->w, &listen, on_accept, v, &v->listener);
    for (size_t i = 0; i < v->forwards_n && !err; i++)
        err = start_forward(v, &v->forwards[i]);
    return err;
}

static void say_ready(struct serve *v)
{
    struct world_addr shown = shell_shown_address(v->address, world_listener_port(v->listener));
    struct buf line = {0};
    buf_addf(&line, "ready %s://", v->secure ? "https" : "http");
    world_addr_print(&shown, &line);
    buf_add_char(&line, '\n');
    shell_print(stdout, &line);
}

static void finish(struct serve *v)
{
    for (size_t i = 0; i < v->forwards_n; i++)
        tunnel_local_free(v->forwards[i].local);
    if (v->router) {
        tunnel_router_unlisten(v->router, &v->looker);
        tunnel_router_free(v->router);
    }
    list_each (&v->members, it, next)
        mem_free(container_of(it, struct member, link));
    if (v->http)
        http_server_free(v->http);
    if (v->listener)
        world_listener_close(v->listener);
    if (v->drain)
        world_timer_free(v->drain);
    uv_world_free(v->uv);
}

int command_tunnel_serve(struct shell *sh)
{
    struct serve v = {.sh = sh, .code = EXIT_HELD};
    list_init(&v.members);
    struct err *err = parse(&v);
    if (err)
        return shell_usage_error(err);
    shell_raise_file_limit();
    err = start(&v);
    if (err) {
        v.code = shell_start_error(err);
    } else {
        say_ready(&v);
        (void)uv_world_run(v.uv);
    }
    finish(&v);
    return v.code;
}
