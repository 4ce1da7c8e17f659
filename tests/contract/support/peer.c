#include "tests/contract/support/peer.h"

static void mark(struct peer *p, char c)
{
    if (c != 'd' || !p->events.n || p->events.p[p->events.n - 1] != 'd')
        buf_add_char(&p->events, c);
}

static void on_open(void *owner)
{
    struct peer *p = owner;
    mark(p, 'o');
    p->opened++;
    if (p->on_open)
        p->on_open(p);
}

static void on_data(void *owner, struct str bytes)
{
    struct peer *p = owner;
    mark(p, 'd');
    p->bytes += bytes.n;
    if (!p->forget)
        buf_add(&p->got, bytes);
    if (p->echo)
        world_stream_write(p->s, bytes);
    if (p->on_data)
        p->on_data(p, bytes);
}

static void on_end(void *owner)
{
    struct peer *p = owner;
    mark(p, 'e');
    p->ended++;
    if (p->echo)
        world_stream_shutdown(p->s);
    if (p->on_end)
        p->on_end(p);
}

static void on_drained(void *owner)
{
    struct peer *p = owner;
    mark(p, 'r');
    p->drained++;
    if (p->on_drained)
        p->on_drained(p);
}

static void on_closed(void *owner, const struct err *err)
{
    struct peer *p = owner;
    mark(p, 'c');
    p->closed++;
    p->s = NULL;
    p->failed = err != NULL;
    if (err) {
        p->code = err->code;
        err_print(err, &p->message);
    }
    if (p->on_closed)
        p->on_closed(p);
}

const struct world_stream_handler peer_handler = {on_open, on_data, on_end, on_drained, on_closed};

void peer_connect(struct contract *c, struct peer *p, struct world_addr to,
                  const struct world_tls *tls)
{
    const struct world_connect options = {.address = to, .tls = tls};
    p->c = c;
    p->s = world_stream_connect(c->client, &options, &peer_handler, p);
    assert_int_equal(p->events.n, 0); /* nothing from inside the call */
}

void peer_close(struct peer *p)
{
    struct world_stream *s = p->s;
    p->s = NULL;
    world_stream_close(s);
}

void peer_abort(struct peer *p)
{
    struct world_stream *s = p->s;
    p->s = NULL;
    world_stream_abort(s);
}

void peer_free(struct peer *p)
{
    if (p->s)
        peer_abort(p);
    buf_free(&p->got);
    buf_free(&p->events);
    buf_free(&p->message);
}

bool peer_is_open(void *peer)
{
    return ((struct peer *)peer)->opened > 0;
}

bool peer_is_closed(void *peer)
{
    return ((struct peer *)peer)->closed > 0;
}

bool peer_has_ended(void *peer)
{
    return ((struct peer *)peer)->ended > 0;
}

static void on_accept(void *owner, struct world_stream *s)
{
    struct peer_server *server = owner;
    assert_true(server->n < PEERS_MAX);
    struct peer *p = &server->peers[server->n++];
    *p = server->like;
    p->c = server->c;
    p->s = s;
    world_stream_attach(s, &peer_handler, p);
}

void peer_serve(struct contract *c, struct peer_server *s, const struct world_tls *tls)
{
    const struct world_listen options = {.address = world_addr_make(STR("0.0.0.0"), 0), .tls = tls};
    s->c = c;
    struct err *err = world_listen(c->server, &options, on_accept, s, &s->l);
    assert_null(err);
    s->port = world_listener_port(s->l);
    assert_int_not_equal(s->port, 0);
}

void peer_serve_end(struct peer_server *s)
{
    world_listener_close(s->l);
    s->l = NULL;
    for (int i = 0; i < s->n; i++)
        peer_free(&s->peers[i]);
}

bool peer_server_has(void *server)
{
    return ((struct peer_server *)server)->n > 0;
}
