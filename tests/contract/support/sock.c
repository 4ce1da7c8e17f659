#include "tests/contract/support/sock.h"

static void sock_open(void *owner)
{
    struct sock *s = owner;
    s->opened++;
    if (s->on_open)
        s->on_open(s);
}

static void sock_message(void *owner, bool text, struct str payload)
{
    struct sock *s = owner;
    s->messages++;
    s->text = text;
    s->bytes += payload.n;
    buf_clear(&s->last);
    buf_add(&s->last, payload);
    if (s->on_message)
        s->on_message(s);
}

static void sock_ping(void *owner, struct str payload)
{
    struct sock *s = owner;
    s->pings++;
    buf_add(&s->control, payload);
}

static void sock_pong(void *owner, struct str payload)
{
    struct sock *s = owner;
    s->pongs++;
    buf_clear(&s->control);
    buf_add(&s->control, payload);
}

static void sock_drained(void *owner)
{
    struct sock *s = owner;
    s->drained++;
}

static void sock_closed(void *owner, const struct world_ws_closed *how)
{
    struct sock *s = owner;
    s->closed++;
    s->ws = NULL;
    s->failed = how->err != NULL;
    if (how->err) {
        s->err = how->err->code;
        err_print(how->err, &s->why);
    }
    s->http_status = how->http_status;
    s->code = how->code;
    buf_add(&s->reason, how->reason);
    buf_add(&s->body, how->http_body);
}

static const struct world_ws_handler sock_handler = {sock_open, sock_message, sock_ping,
                                                     sock_pong, sock_drained, sock_closed};

bool sock_is_open(void *s)
{
    return ((struct sock *)s)->opened > 0;
}
bool sock_is_closed(void *s)
{
    return ((struct sock *)s)->closed > 0;
}
bool sock_has_message(void *s)
{
    return ((struct sock *)s)->messages > 0;
}

void sock_free(struct sock *s)
{
    if (s->ws)
        world_ws_abort(s->ws);
    struct buf *const bufs[] = {&s->last, &s->control, &s->reason, &s->body, &s->why};
    for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
        buf_free(bufs[i]);
}

bool sock_has_wanted(void *owner)
{
    const struct sock *s = owner;
    return s->messages >= s->wanted;
}

void sock_init(struct sock *s, struct contract *c, uint16_t port)
{
    s->c = c;
    s->options = (struct world_ws_connect){.address = c->ops->server_addr(c, port),
                                           .host = STR("manager.example.test:8443"),
                                           .path = STR("/v3/connect?x=1")};
}

void sock_connect(struct sock *s)
{
    s->ws = world_ws_connect(s->c->client, &s->options, &sock_handler, s);
    assert_int_equal(s->opened + s->closed, 0); /* nothing from inside the call */
}

void sock_close(struct sock *s)
{
    struct world_ws *ws = s->ws;
    s->ws = NULL;
    world_ws_close(ws, 1000, str_empty);
}

void sock_abort(struct sock *s)
{
    struct world_ws *ws = s->ws;
    s->ws = NULL;
    world_ws_abort(ws);
}
