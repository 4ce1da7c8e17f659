#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/session_pair.h"

#include <string.h>

static void peer_data(void *owner, struct str bytes)
{
    struct peer *p = owner;
    buf_add(&p->got, bytes);
    p->got_at = p->t ? tiny_now(p->t) : 0;
    if (p->pause_on_data)
        tunnel_conn_pause(p->conn);
    if (p->echo)
        tunnel_conn_write(p->conn, bytes);
    if (p->close_on_data) {
        tunnel_conn_close(p->conn);
        p->conn = NULL;
    }
    if (p->close_session_on_data) {
        struct tunnel_session *s = p->session;
        p->session = NULL;
        tunnel_session_close(s);
    }
}

static void peer_drained(void *owner)
{
    ((struct peer *)owner)->drains++;
}

static void peer_closed(void *owner, const struct err *err)
{
    struct peer *p = owner;
    p->conn = NULL;
    p->closes++;
    p->code = err ? (int)err->code : -1;
    p->text[0] = 0;
    if (err)
        strncat(p->text, err->message, sizeof(p->text) - 1);
}

const struct tunnel_conn_handler peer_handler = {peer_data, peer_drained, peer_closed};

/* ---- two sessions ---- */

static void server_closed(void *owner, const struct err *why)
{
    struct pair *p = owner;
    p->server = NULL;
    p->server_code = why ? (int)why->code : -1;
}

static void client_closed(void *owner, const struct err *why)
{
    struct pair *p = owner;
    p->client = NULL;
    p->client_code = why ? (int)why->code : -1;
}

static void incoming(void *owner, struct tunnel_conn *c, struct str proto, struct str address)
{
    struct pair *p = owner;
    (void)proto, (void)address;
    struct peer *far = &p->far[p->far_n < FAR_MAX ? p->far_n++ : FAR_MAX - 1];
    far->conn = c;
    far->t = p->t;
    tunnel_conn_attach(c, &peer_handler, far);
}

void pair_connect(struct pair *p, world_time latency, int64_t rate)
{
    p->wire = tiny_wire_new(p->t, latency, rate);
    struct tunnel_session_options a = {.side = TUNNEL_SERVER,
                                       .policies = &p->policies,
                                       .key = STR("c-1"),
                                       .closed = server_closed,
                                       .owner = p};
    struct tunnel_session_options b = {.side = TUNNEL_CLIENT,
                                       .policies = &p->policies,
                                       .key = STR("client"),
                                       .incoming = incoming,
                                       .closed = client_closed,
                                       .owner = p};
    p->server = tunnel_session_new(p->wa, &tiny_wire_ops, tiny_wire_end(p->wire, 0), &a);
    p->client = tunnel_session_new(p->wb, &tiny_wire_ops, tiny_wire_end(p->wire, 1), &b);
    tiny_end_attach(tiny_wire_end(p->wire, 0), &tunnel_session_ws_handler, p->server);
    tiny_end_attach(tiny_wire_end(p->wire, 1), &tunnel_session_ws_handler, p->client);
}

struct pair *pair_new(struct policies policies, world_time latency, int64_t rate)
{
    struct pair *p = MEM_NEW(struct pair);
    p->t = tiny_new(1);
    p->wa = tiny_process(p->t, "10.0.0.1");
    p->wb = tiny_process(p->t, "10.0.0.2");
    p->policies = policies;
    pair_connect(p, latency, rate);
    return p;
}

void pair_free(struct pair *p)
{
    tunnel_session_close(p->server);
    tunnel_session_close(p->client);
    for (size_t i = 0; i < p->far_n; i++)
        buf_free(&p->far[i].got);
    tiny_free(p->t);
    mem_free(p);
}

void pair_dial(struct pair *p, struct peer *near, const char *address)
{
    near->t = p->t;
    struct err *err = tunnel_session_dial(p->server, STR("tcp"), str_c(address), &peer_handler,
                                          near, &near->conn);
    assert_null(err);
}

void conn_write_n(struct tunnel_conn *c, size_t n, char fill)
{
    char *bytes = mem_alloc(n);
    memset(bytes, fill, n);
    tunnel_conn_write(c, (struct str){bytes, n});
    mem_free(bytes);
}

/* ---- frames seen on the wire ---- */

void frame_log_add(void *arg, struct str message)
{
    static const char *const names[] = {"?",      "data",  "connect", "error", "add",
                                        "remove", "pause", "resume",  "sync"};
    struct frame_log *log = arg;
    struct tunnel_frame f;
    assert_null(tunnel_frame_decode(message, &f));
    buf_addf(&log->text, "%s %d", f.type == TUNNEL_LEAVE ? "leave" : names[f.type], (int)f.conn);
    if (f.type == TUNNEL_SYNC)
        for (size_t i = 0; i < f.payload.n / 8; i++)
            buf_addf(&log->text, " %d", (int)tunnel_sync_at(f.payload, i));
    else if (f.payload.n > 0)
        buf_addf(&log->text, " " STR_FMT, STR_ARG(str_sub(f.payload, 0, 60)));
    buf_add_char(&log->text, '\n');
}

void pair_inject(struct pair *p, int end, enum tunnel_type type, int64_t conn, struct str payload)
{
    struct buf b = {0};
    tunnel_frame_encode(&b, &(struct tunnel_frame){7, conn, (int64_t)type, payload});
    tiny_end_inject(tiny_wire_end(p->wire, end), buf_str(&b));
    buf_free(&b);
}
