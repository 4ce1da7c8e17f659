#include "tests/unit/support/fail_io.h"

#include "sim/world/stream_internal.h"

#define NOBODY_PORT 1

/* A stream whose callbacks pass through here. */
struct tapped {
    struct list link;
    struct fail_io *f;
    struct world_stream *s;
    const struct world_stream_handler *handler;
    void *owner;
    bool dead; /* nothing passes any more: the reset is on its way */
};
/* A connection that is to be reset once the present call is over. */
struct doomed {
    struct fail_io *f;
    uint64_t conn;
};

struct fail_io {
    struct world_ops ops; /* the world's table while we are hooked in */
    const struct world_ops *real;
    struct sim *sim;
    uint64_t nth, count;
    const char *failed;
    bool stopped;
    struct list streams;
    struct doomed doomed;
};

static struct fail_io *fail_io_of(struct world *w)
{
    return container_of((struct world_ops *)(uintptr_t)w->ops, struct fail_io, ops);
}

/* Whether this operation is the one. */
static bool fails(struct fail_io *f, const char *what)
{
    if (f->stopped || ++f->count != f->nth)
        return false;
    f->failed = what;
    return true;
}

/* ---- resets ---- */

static void on_doom(void *owner)
{
    struct doomed *d = owner;
    list_each (&d->f->sim->conns, it, next) {
        struct sim_conn *c = container_of(it, struct sim_conn, link);
        if (c->id != d->conn)
            continue;
        conn_reset_both(c);
        return;
    }
}

static void doom(struct tapped *t)
{
    struct fail_io *f = t->f;
    t->dead = true;
    f->doomed = (struct doomed){f, container_of(t->s, struct sim_stream, base)->conn->id};
    (void)sim_after(f->sim, 0, on_doom, &f->doomed);
}

/* ---- streams ---- */

static void on_open(void *owner)
{
    struct tapped *t = owner;
    if (t->handler->open)
        t->handler->open(t->owner);
}
static void on_data(void *owner, struct str bytes)
{
    struct tapped *t = owner;
    if (!t->dead && fails(t->f, "read"))
        doom(t);
    if (!t->dead)
        t->handler->data(t->owner, bytes);
}
static void on_end(void *owner)
{
    struct tapped *t = owner;
    if (t->handler->end && !t->dead)
        t->handler->end(t->owner);
}
static void on_drained(void *owner)
{
    struct tapped *t = owner;
    if (t->handler->drained)
        t->handler->drained(t->owner);
}
static void tapped_free(struct tapped *t)
{
    list_remove(&t->link);
    mem_free(t);
}
static void on_closed(void *owner, const struct err *err)
{
    struct tapped *t = owner;
    const struct world_stream_handler *handler = t->handler;
    void *real = t->owner;
    tapped_free(t);
    handler->closed(real, err);
}
static const struct world_stream_handler tap = {on_open, on_data, on_end, on_drained, on_closed};

static struct tapped *tapped_new(struct fail_io *f, const struct world_stream_handler *h,
                                 void *owner)
{
    struct tapped *t = MEM_NEW(struct tapped);
    *t = (struct tapped){.f = f, .handler = h, .owner = owner};
    list_add_tail(&f->streams, &t->link);
    return t;
}

static struct tapped *tapped_of(struct fail_io *f, const struct world_stream *s)
{
    list_each (&f->streams, it, next) {
        struct tapped *t = container_of(it, struct tapped, link);
        if (t->s == s)
            return t;
    }
    return NULL;
}

static struct world_stream *stream_connect(struct world *w, const struct world_connect *o,
                                           const struct world_stream_handler *h, void *owner)
{
    struct fail_io *f = fail_io_of(w);
    struct world_connect there = *o;
    if (fails(f, "connect"))
        there.address.port = NOBODY_PORT;
    struct tapped *t = tapped_new(f, h, owner);
    t->s = f->real->stream_connect(w, &there, &tap, t);
    return t->s;
}
static void stream_attach(struct world_stream *s, const struct world_stream_handler *h, void *owner)
{
    struct fail_io *f = fail_io_of(s->w);
    struct tapped *t = tapped_of(f, s);
    if (t) {
        t->handler = h;
        t->owner = owner;
        return;
    }
    t = tapped_new(f, h, owner);
    t->s = s;
    f->real->stream_attach(s, &tap, t);
}
static void stream_write(struct world_stream *s, struct str bytes)
{
    struct fail_io *f = fail_io_of(s->w);
    struct tapped *t = tapped_of(f, s);
    if (t && !t->dead && fails(f, "write"))
        doom(t);
    if (!t || !t->dead)
        f->real->stream_write(s, bytes);
}
static void stream_gone(struct fail_io *f, const struct world_stream *s)
{
    struct tapped *t = tapped_of(f, s);
    if (t)
        tapped_free(t);
}
static void stream_close(struct world_stream *s)
{
    struct fail_io *f = fail_io_of(s->w);
    stream_gone(f, s);
    f->real->stream_close(s);
}
static void stream_abort(struct world_stream *s)
{
    struct fail_io *f = fail_io_of(s->w);
    stream_gone(f, s);
    f->real->stream_abort(s);
}

/* ---- names and files ---- */

static struct world_dns *dns_query(struct world *w, struct str name, world_time timeout,
                                   world_dns_done done, void *owner)
{
    struct fail_io *f = fail_io_of(w);
    return f->real->dns_query(w, fails(f, "name") ? STR("fails.invalid") : name, timeout, done,
                              owner);
}
static struct world_file *file_read(struct world *w, struct str path, world_file_done done,
                                    void *owner)
{
    struct fail_io *f = fail_io_of(w);
    return f->real->file_read(w, fails(f, "file") ? STR("/fails") : path, done, owner);
}

/* ---- the whole ---- */

struct fail_io *fail_io_hook(struct sim *sim, struct world *w, uint64_t nth)
{
    struct fail_io *f = MEM_NEW(struct fail_io);
    *f = (struct fail_io){.ops = *w->ops, .real = w->ops, .sim = sim, .nth = nth};
    list_init(&f->streams);
    f->ops.stream_connect = stream_connect;
    f->ops.stream_attach = stream_attach;
    f->ops.stream_write = stream_write;
    f->ops.stream_close = stream_close;
    f->ops.stream_abort = stream_abort;
    f->ops.dns_query = dns_query;
    f->ops.file_read = file_read;
    w->ops = &f->ops;
    return f;
}

uint64_t fail_io_count(const struct fail_io *f)
{
    return f->count;
}

const char *fail_io_failed(const struct fail_io *f)
{
    return f->failed;
}

void fail_io_stop(struct fail_io *f)
{
    f->stopped = true;
}

size_t fail_io_streams(const struct fail_io *f)
{
    size_t n = 0;
    list_each (&f->streams, it, next)
        n++;
    return n;
}

void fail_io_free(struct fail_io *f)
{
    list_each (&f->streams, it, next)
        tapped_free(container_of(it, struct tapped, link)); /* they ended with their process */
    mem_free(f);
}
