#include "tests/unit/support/fake_world.h"

#include "engine/base/heap.h"
#include "engine/base/list.h"
#include "engine/base/rng.h"
#include "engine/world/world_impl.h"

/* Everything that can wait in the queue. */
struct event {
    struct heap_node node;
    void (*run)(struct event *e);
};

struct fake_world {
    struct world base;
    struct heap queue;
    uint64_t seq, events, writes;
    world_time now;
    struct rng rng, split_rng;
    size_t split, handles;
    bool blackhole;
    struct list streams, timers, listeners;
};
struct fake_timer {
    struct world_timer base;
    struct event event;
    struct list link;
    void (*fire)(void *owner);
    void *owner;
    bool freed;
};
struct fake_stream {
    struct world_stream base;
    struct event event;
    struct list link;
    const struct world_stream_handler *handler;
    void *owner;
    struct fake_stream *peer;
    struct buf out; /* written, not yet with the peer */
    size_t out_at;
    bool was_high;           /* drained is owed */
    bool connecting, opened; /* opened: the callback is owed */
    bool paused, fin, end_told, ended;
    struct err *closing; /* the closed callback is owed, with this */
    uint16_t port;
    world_time timeout_at;
};
struct fake_listener {
    struct world_listener base;
    struct list link;
    uint16_t port;
    void (*accept)(void *owner, struct world_stream *s);
    void *owner;
    bool closed;
};

static struct fake_world *world_of(struct world *w)
{
    return container_of(w, struct fake_world, base);
}

static void wake_at(struct fake_world *f, struct event *e, world_time at)
{
    heap_remove(&f->queue, &e->node);
    heap_push(&f->queue, &e->node, at, f->seq++);
}

static void wake(struct fake_stream *s)
{
    struct fake_world *f = world_of(s->base.w);
    if (!s->ended && !heap_has(&s->event.node))
        wake_at(f, &s->event, f->now + NS_PER_US);
}

/* ---- clock, randomness, timers ---- */

static world_time fake_now(struct world *w)
{
    return world_of(w)->now;
}
static void fake_random(struct world *w, void *bytes, size_t n)
{
    rng_bytes(&world_of(w)->rng, bytes, n);
}
static bool fake_maybe(struct world *w, const char *name)
{
    return false;
}

static void timer_run(struct event *e)
{
    struct fake_timer *t = container_of(e, struct fake_timer, event);
    t->fire(t->owner);
}
static struct world_timer *timer_new(struct world *w, void (*fire)(void *), void *owner)
{
    struct fake_timer *t = MEM_NEW(struct fake_timer);
    t->base.w = w;
    t->event.run = timer_run;
    t->fire = fire;
    t->owner = owner;
    list_add_tail(&world_of(w)->timers, &t->link);
    world_of(w)->handles++;
    return &t->base;
}
static void timer_stop(struct world_timer *timer)
{
    struct fake_timer *t = container_of(timer, struct fake_timer, base);
    struct fake_world *f = world_of(timer->w);
    BUG_ON(t->freed, "a freed timer is not used");
    heap_remove(&f->queue, &t->event.node);
}
static void timer_start(struct world_timer *timer, world_time delay)
{
    struct fake_timer *t = container_of(timer, struct fake_timer, base);
    struct fake_world *f = world_of(timer->w);
    timer_stop(timer);
    wake_at(f, &t->event, f->now + delay);
}
static bool timer_active(const struct world_timer *timer)
{
    const struct fake_timer *t = (const struct fake_timer *)(const void *)timer;
    return heap_has(&t->event.node);
}
static void timer_free(struct world_timer *timer)
{
    struct fake_timer *t = container_of(timer, struct fake_timer, base);
    timer_stop(timer);
    t->freed = true;
    world_of(timer->w)->handles--;
}

/* ---- streams ---- */

static void end_handle(struct fake_stream *s)
{
    struct fake_world *f = world_of(s->base.w);
    s->ended = true;
    f->handles--;
    heap_remove(&f->queue, &s->event.node);
}

static void tell_closed(struct fake_stream *s, struct err *err)
{
    s->closing = NULL;
    end_handle(s);
    s->handler->closed(s->owner, err);
    err_free(err);
}

static void deliver(struct fake_stream *s)
{
    struct fake_world *f = world_of(s->base.w);
    struct fake_stream *from = s->peer;
    size_t n = from->out.n - from->out_at;
    if (f->split && n > 1)
        n = 1 + rng_below(&f->split_rng, n < f->split ? n : f->split);
    struct buf piece = {0}; /* exactly as long as it says, so that reading beyond it is seen */
    buf_add(&piece, (struct str){from->out.p + from->out_at, n});
    from->out_at += n;
    if (from->out_at == from->out.n) {
        buf_clear(&from->out);
        from->out_at = 0;
    }
    wake(s);
    wake(from);
    s->handler->data(s->owner, buf_str(&piece));
    buf_free(&piece);
}

static struct fake_listener *listener_at(struct fake_world *f, uint16_t port)
{
    list_each (&f->listeners, it, next) {
        struct fake_listener *l = container_of(it, struct fake_listener, link);
        if (!l->closed && l->port == port)
            return l;
    }
    return NULL;
}

static struct fake_stream *stream_new(struct fake_world *f);

static void connect_step(struct fake_stream *s)
{
    struct fake_world *f = world_of(s->base.w);
    struct fake_listener *l = listener_at(f, s->port);
    if (f->blackhole && f->now < s->timeout_at) {
        wake_at(f, &s->event, s->timeout_at);
        return;
    }
    if (f->blackhole || !l) {
        tell_closed(s, err_new(f->blackhole ? ERR_TIMEOUT : ERR_CONN_REFUSED, "connect failed"));
        return;
    }
    struct fake_stream *other = stream_new(f);
    other->peer = s;
    s->peer = other;
    s->connecting = false;
    s->opened = true;
    wake(s);
    l->accept(l->owner, &other->base);
}

static void stream_run(struct event *e)
{
    struct fake_stream *s = container_of(e, struct fake_stream, event);
    struct fake_stream *from = s->peer;
    if (!s->handler)
        return;
    if (s->connecting) {
        connect_step(s);
    } else if (s->opened) {
        s->opened = false;
        wake(s);
        if (s->handler->open)
            s->handler->open(s->owner);
    } else if (s->closing) {
        tell_closed(s, s->closing);
    } else if (s->was_high && s->out.n - s->out_at <= WORLD_STREAM_LOW) {
        s->was_high = false;
        wake(s);
        if (s->handler->drained)
            s->handler->drained(s->owner);
    } else if (!s->paused && from->out.n > from->out_at) {
        deliver(s);
    } else if (!s->paused && from->fin && !s->end_told) {
        s->end_told = true;
        wake(s);
        if (s->handler->end)
            s->handler->end(s->owner);
    } else if (s->end_told && s->fin && s->out.n == s->out_at) {
        tell_closed(s, NULL);
    }
}

static struct fake_stream *stream_new(struct fake_world *f)
{
    struct fake_stream *s = MEM_NEW(struct fake_stream);
    s->base.w = &f->base;
    s->event.run = stream_run;
    list_add_tail(&f->streams, &s->link);
    f->handles++;
    return s;
}
static struct fake_stream *live(const struct world_stream *stream)
{
    struct fake_stream *s = (struct fake_stream *)(uintptr_t)stream;
    BUG_ON(s->ended, "a stream is not used after its end");
    return s;
}
static struct world_stream *stream_connect(struct world *w, const struct world_connect *o,
                                           const struct world_stream_handler *h, void *owner)
{
    struct fake_stream *s = stream_new(world_of(w));
    s->handler = h;
    s->owner = owner;
    s->connecting = true;
    s->port = o->address.port;
    s->timeout_at = world_of(w)->now + (o->timeout ? o->timeout : WORLD_STREAM_CONNECT_TIMEOUT);
    wake(s);
    return &s->base;
}
static void stream_attach(struct world_stream *stream, const struct world_stream_handler *h,
                          void *owner)
{
    struct fake_stream *s = live(stream);
    s->handler = h;
    s->owner = owner;
    wake(s);
}
static void reset(struct fake_stream *s)
{
    if (s->ended || s->closing)
        return;
    s->closing = err_new(ERR_CONN_RESET, "connection reset by peer");
    wake(s);
}
static void stream_write(struct world_stream *stream, struct str bytes)
{
    struct fake_stream *s = live(stream);
    BUG_ON(s->fin, "nothing is written behind the end");
    world_of(stream->w)->writes++;
    buf_add(&s->out, bytes);
    if (s->out.n - s->out_at > WORLD_STREAM_LOW)
        s->was_high = true;
    if (s->peer && s->peer->ended)
        reset(s);
    else if (s->peer)
        wake(s->peer);
}
static size_t stream_queued(const struct world_stream *stream)
{
    const struct fake_stream *s = live(stream);
    return s->out.n - s->out_at;
}
static void stream_shutdown(struct world_stream *stream)
{
    struct fake_stream *s = live(stream);
    s->fin = true;
    wake(s);
    if (s->peer)
        wake(s->peer);
}
static void stream_pause(struct world_stream *stream)
{
    live(stream)->paused = true;
}
static void stream_resume(struct world_stream *stream)
{
    struct fake_stream *s = live(stream);
    s->paused = false;
    wake(s);
}
static void stream_close(struct world_stream *stream)
{
    struct fake_stream *s = live(stream);
    s->fin = true;
    end_handle(s);
    if (s->peer)
        wake(s->peer);
}
static void stream_abort(struct world_stream *stream)
{
    struct fake_stream *s = live(stream);
    end_handle(s);
    buf_clear(&s->out);
    s->out_at = 0;
    if (s->peer)
        reset(s->peer);
}
static struct world_addr stream_addr(const struct world_stream *stream)
{
    return world_addr_make(STR("127.0.0.1"), live(stream)->port);
}
static struct str stream_pem(const struct world_stream *stream)
{
    return str_empty;
}

/* ---- listeners ---- */

static struct err *fake_listen(struct world *w, const struct world_listen *o,
                               void (*accept)(void *, struct world_stream *), void *owner,
                               struct world_listener **out)
{
    struct fake_listener *l = MEM_NEW(struct fake_listener);
    l->base.w = w;
    l->port = o->address.port;
    l->accept = accept;
    l->owner = owner;
    list_add_tail(&world_of(w)->listeners, &l->link);
    world_of(w)->handles++;
    *out = &l->base;
    return NULL;
}
static void listener_close(struct world_listener *listener)
{
    struct fake_listener *l = container_of(listener, struct fake_listener, base);
    BUG_ON(l->closed, "a listener is closed once");
    l->closed = true;
    world_of(listener->w)->handles--;
}

/* ---- the world itself ---- */

/* ---- work: done a moment later, in the loop ---- */

#define WORK_TIME NS_PER_MS

struct fake_work {
    struct world_work base;
    struct world_timer *timer;
    void (*run)(void *job);
    void (*done)(void *job);
    void *job;
};

static void work_fire(void *owner)
{
    struct fake_work *work = owner;
    struct fake_work it = *work;
    timer_free(work->timer);
    mem_free(work);
    it.run(it.job);
    it.done(it.job);
}

static struct world_work *work_new(struct world *w, void (*run)(void *), void (*done)(void *),
                                   void *job)
{
    struct fake_work *work = MEM_NEW(struct fake_work);
    work->base.w = w;
    work->timer = timer_new(w, work_fire, work);
    work->run = run;
    work->done = done;
    work->job = job;
    timer_start(work->timer, WORK_TIME);
    return &work->base;
}

static void work_cancel(struct world_work *base, void (*release)(void *))
{
    struct fake_work *work = container_of(base, struct fake_work, base);
    void *job = work->job;
    timer_free(work->timer);
    mem_free(work);
    release(job);
}

static const struct world_ops fake_ops = {
    .now = fake_now,
    .wall = fake_now,
    .random = fake_random,
    .maybe = fake_maybe,
    .timer_new = timer_new,
    .timer_start = timer_start,
    .timer_stop = timer_stop,
    .timer_active = timer_active,
    .timer_free = timer_free,
    .stream_connect = stream_connect,
    .stream_attach = stream_attach,
    .stream_write = stream_write,
    .stream_queued = stream_queued,
    .stream_shutdown = stream_shutdown,
    .stream_pause = stream_pause,
    .stream_resume = stream_resume,
    .stream_close = stream_close,
    .stream_abort = stream_abort,
    .stream_peer = stream_addr,
    .stream_local = stream_addr,
    .stream_peer_pem = stream_pem,
    .listen = fake_listen,
    .listener_close = listener_close,
    .work = work_new,
    .work_cancel = work_cancel,
};

struct fake_world *fake_new(uint64_t seed)
{
    struct fake_world *f = MEM_NEW(struct fake_world);
    f->base.ops = &fake_ops;
    f->rng = rng_split(seed, STR("world"));
    f->split_rng = rng_split(seed, STR("split"));
    f->now = 1000 * NS_PER_S;
    list_init(&f->streams);
    list_init(&f->timers);
    list_init(&f->listeners);
    return f;
}

void fake_free(struct fake_world *f)
{
    BUG_ON(f->handles > 0, "every handle has ended before its world does");
    list_each (&f->streams, it, next) {
        struct fake_stream *s = container_of(it, struct fake_stream, link);
        buf_free(&s->out);
        err_free(s->closing);
        mem_free(s);
    }
    list_each (&f->timers, it, next)
        mem_free(container_of(it, struct fake_timer, link));
    list_each (&f->listeners, it, next)
        mem_free(container_of(it, struct fake_listener, link));
    heap_free(&f->queue);
    mem_free(f);
}

struct world *fake_of(struct fake_world *f)
{
    return &f->base;
}
void fake_split(struct fake_world *f, size_t bytes_max)
{
    f->split = bytes_max;
}
void fake_blackhole(struct fake_world *f, bool on)
{
    f->blackhole = on;
}
uint64_t fake_events(const struct fake_world *f)
{
    return f->events;
}
uint64_t fake_writes(const struct fake_world *f)
{
    return f->writes;
}
size_t fake_handles(const struct fake_world *f)
{
    return f->handles;
}
bool fake_stream_paused(const struct world_stream *s)
{
    return live(s)->paused;
}

static bool run_one(struct fake_world *f, world_time until)
{
    struct heap_node *node;
    int64_t at;
    if (!heap_peek(&f->queue, &at, &node) || at > until)
        return false;
    node = heap_pop(&f->queue);
    f->now = at > f->now ? at : f->now;
    f->events++;
    struct event *e = container_of(node, struct event, node);
    e->run(e);
    return true;
}

/* Timers due within a millisecond count as things to do. */
void fake_run(struct fake_world *f)
{
    while (run_one(f, f->now + NS_PER_MS))
        ;
}

void fake_run_for(struct fake_world *f, world_time delay)
{
    world_time until = f->now + delay;
    while (run_one(f, until))
        ;
    f->now = until;
}

void fake_pair(struct fake_world *f, struct world_stream **a, struct world_stream **b)
{
    struct fake_stream *left = stream_new(f), *right = stream_new(f);
    left->peer = right;
    right->peer = left;
    *a = &left->base;
    *b = &right->base;
}
