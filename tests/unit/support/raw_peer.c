#include "tests/unit/support/raw_peer.h"

static void on_open(void *owner)
{
    ((struct raw_peer *)owner)->open = true;
}
static void on_data(void *owner, struct str bytes)
{
    struct raw_peer *p = owner;
    p->got_n += bytes.n;
    if (!p->count_only)
        buf_add(&p->got, bytes);
}
static void on_end(void *owner)
{
    ((struct raw_peer *)owner)->ended = true;
}
static void on_closed(void *owner, const struct err *err)
{
    struct raw_peer *p = owner;
    p->stream = NULL;
    p->closed = true;
    p->reset = err != NULL;
}
static const struct world_stream_handler handler = {
    .open = on_open, .data = on_data, .end = on_end, .closed = on_closed};

void raw_connect(struct raw_peer *p, struct fake_world *f, uint16_t port)
{
    struct world_connect o = {.address = world_addr_make(STR("127.0.0.1"), port)};
    *p = (struct raw_peer){.stream = NULL};
    p->stream = world_stream_connect(fake_of(f), &o, &handler, p);
}

void raw_take(struct raw_peer *p, struct world_stream *s)
{
    *p = (struct raw_peer){.stream = s};
    world_stream_attach(s, &handler, p);
}

void raw_send(struct raw_peer *p, struct str bytes)
{
    world_stream_write(p->stream, bytes);
}

void raw_send_c(struct raw_peer *p, const char *z)
{
    raw_send(p, str_c(z));
}

void raw_free(struct raw_peer *p)
{
    if (p->stream)
        world_stream_abort(p->stream);
    buf_free(&p->got);
    *p = (struct raw_peer){.stream = NULL};
}
