#include "engine/proxy/pipe.h"

struct pipe;
struct pipe_end {
    struct pipe *pipe;
    struct pipe_end *other;
    struct world_stream *stream; /* NULL: closed */
    int64_t *bytes;
};
struct pipe {
    struct list link;
    struct pipes *of;
    struct pipe_end end[2];
};

static void pipe_free(struct pipe *p)
{
    list_remove(&p->link);
    p->of->n--;
    --*p->of->open_gauge;
    mem_free(p);
}

static void pass(struct pipe_end *e, struct str bytes)
{
    struct pipe_end *to = e->other;
    if (bytes.n == 0)
        return;
    *e->bytes += (int64_t)bytes.n;
    *e->pipe->of->copied += (int64_t)bytes.n;
    world_stream_write(to->stream, bytes);
    if (world_stream_queued(to->stream) > WORLD_STREAM_LOW)
        world_stream_pause(e->stream);
}

static void on_open(void *owner)
{
    (void)owner; /* both are */
}

static void on_data(void *owner, struct str bytes)
{
    pass(owner, bytes);
}

static void on_end(void *owner)
{
    struct pipe_end *e = owner;
    world_stream_shutdown(e->other->stream);
}

static void on_drained(void *owner)
{
    struct pipe_end *e = owner;
    world_stream_resume(e->other->stream);
}

static void on_closed(void *owner, const struct err *err)
{
    struct pipe_end *e = owner;
    (err ? world_stream_abort : world_stream_close)(e->other->stream);
    pipe_free(e->pipe);
}

static const struct world_stream_handler handler = {on_open, on_data, on_end, on_drained,
                                                    on_closed};

void pipe_join(struct pipes *of, struct world_stream *take_a, struct str early_a,
               struct world_stream *take_b, struct str early_b)
{
    struct pipe *p = MEM_NEW(struct pipe);
    p->of = of;
    p->end[0] = (struct pipe_end){p, &p->end[1], take_a, of->bytes[0]};
    p->end[1] = (struct pipe_end){p, &p->end[0], take_b, of->bytes[1]};
    list_add_tail(&of->open, &p->link);
    of->n++;
    ++*of->open_gauge;
    world_stream_attach(take_a, &handler, &p->end[0]);
    world_stream_attach(take_b, &handler, &p->end[1]);
    pass(&p->end[0], early_a);
    pass(&p->end[1], early_b);
}

void pipes_init(struct pipes *p)
{
    list_init(&p->open);
}

void pipes_free(struct pipes *p)
{
    list_each (&p->open, it, next) {
        struct pipe *pipe = container_of(it, struct pipe, link);
        world_stream_abort(pipe->end[0].stream);
        world_stream_abort(pipe->end[1].stream);
        pipe_free(pipe);
    }
}
