#include "sim/kubeapi/streams/spdy.h"

#define REFUSED 3u
#define CANCEL  5u

struct spdy {
    const struct spdy_handler *handler;
    void *owner;
    struct spdy_reader reader;
    struct spdy_inflater *inflater;
    struct spdy_deflater *deflater;
    struct list streams;
    size_t streams_n;
    uint32_t last; /* id that the client used */
    bool going;
    struct buf out;
};

struct spdy *spdy_new(const struct spdy_handler *handler, void *owner)
{
    struct spdy *s = MEM_NEW(struct spdy);
    s->handler = handler;
    s->owner = owner;
    s->inflater = spdy_inflater_new();
    s->deflater = spdy_deflater_new();
    list_init(&s->streams);
    return s;
}

static void forget(struct spdy *s, struct spdy_stream *st)
{
    list_remove(&st->link);
    s->streams_n--;
    mem_free(st);
}

void spdy_free(struct spdy *s)
{
    if (!s)
        return;
    list_each (&s->streams, it, next)
        forget(s, container_of(it, struct spdy_stream, link));
    spdy_reader_free(&s->reader);
    spdy_inflater_free(s->inflater);
    spdy_deflater_free(s->deflater);
    buf_free(&s->out);
    mem_free(s);
}

struct buf *spdy_out(struct spdy *s)
{
    return &s->out;
}

bool spdy_going(const struct spdy *s)
{
    return s->going;
}

struct str spdy_header(const struct spdy_pair *headers, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq_nocase(headers[i].name, str_c(name)))
            return headers[i].value;
    return str_empty;
}

/* ---- writing ---- */

static void lose(struct spdy *s, struct spdy_stream *st)
{
    s->handler->gone(s->owner, st);
    forget(s, st);
}

void spdy_send(struct spdy *s, struct spdy_stream *st, struct str bytes)
{
    while (bytes.n > 0 && !st->out_ended) {
        struct str piece = str_sub(bytes, 0, SPDY_DATA_MAX);
        spdy_write_data(&s->out, st->id, false, piece);
        bytes = str_sub(bytes, piece.n, bytes.n);
    }
}

void spdy_finish(struct spdy *s, struct spdy_stream *st)
{
    if (st->out_ended)
        return;
    st->out_ended = true;
    spdy_write_data(&s->out, st->id, true, str_empty);
    if (st->in_ended)
        lose(s, st);
}

static void write_reset(struct spdy *s, uint32_t id, uint32_t why)
{
    struct buf payload = {0};
    spdy_put_u32(&payload, id);
    spdy_put_u32(&payload, why);
    spdy_write_control(&s->out, SPDY_RST_STREAM, buf_str(&payload));
    buf_free(&payload);
}

void spdy_reset(struct spdy *s, struct spdy_stream *st)
{
    write_reset(s, st->id, CANCEL);
    lose(s, st);
}

void spdy_goodbye(struct spdy *s)
{
    struct buf payload = {0};
    spdy_put_u32(&payload, s->last);
    spdy_put_u32(&payload, 0);
    spdy_write_control(&s->out, SPDY_GOAWAY, buf_str(&payload));
    buf_free(&payload);
}

/* ---- reading ---- */

static struct spdy_stream *find(struct spdy *s, uint32_t id)
{
    list_each (&s->streams, it, next) {
        struct spdy_stream *st = container_of(it, struct spdy_stream, link);
        if (st->id == id)
            return st;
    }
    return NULL;
}

static void end_input(struct spdy *s, struct spdy_stream *st)
{
    uint32_t id = st->id;
    bool was_over = st->out_ended;
    st->in_ended = true;
    s->handler->ended(s->owner, st); /* may finish it, and that is its end */
    if (was_over && find(s, id))
        lose(s, st);
}

static void write_reply(struct spdy *s, uint32_t id)
{
    struct buf payload = {0};
    spdy_put_u32(&payload, id);
    spdy_headers_write(s->deflater, NULL, 0, &payload);
    spdy_write_control(&s->out, SPDY_SYN_REPLY, buf_str(&payload));
    buf_free(&payload);
}

/* Ids are odd and only grow; the headers are read in any case: the next ones build upon them. */
static bool open_stream(struct spdy *s, const struct spdy_frame *f)
{
    const struct spdy_pair *headers;
    size_t n;
    if (!spdy_headers_read(s->inflater, f->bytes, &headers, &n) || f->stream % 2 == 0 ||
        f->stream <= s->last)
        return false;
    s->last = f->stream;
    if (s->streams_n == SPDY_STREAMS_MAX) {
        write_reset(s, f->stream, REFUSED);
        return true;
    }
    struct spdy_stream *st = MEM_NEW(struct spdy_stream);
    st->id = f->stream;
    list_add_tail(&s->streams, &st->link);
    s->streams_n++;
    write_reply(s, f->stream); /* in front of what it may be told at once */
    if (!s->handler->opened(s->owner, st, headers, n)) {
        write_reset(s, f->stream, REFUSED);
        forget(s, st);
        return true;
    }
    if (f->fin)
        end_input(s, st);
    return true;
}

static bool read_more_headers(struct spdy *s, const struct spdy_frame *f)
{
    const struct spdy_pair *headers;
    size_t n;
    return spdy_headers_read(s->inflater, f->bytes, &headers, &n);
}

/* Data of streams that have ended is read past: it was under way. */
static void take_data(struct spdy *s, const struct spdy_frame *f)
{
    struct spdy_stream *st = find(s, f->stream);
    if (!st || st->in_ended)
        return;
    if (f->bytes.n > 0)
        s->handler->data(s->owner, st, f->bytes);
    st = find(s, f->stream); /* it may have ended on that */
    if (st && f->fin)
        end_input(s, st);
}

static bool take_frame(struct spdy *s, const struct spdy_frame *f)
{
    struct buf ping = {0};
    struct spdy_stream *st;
    switch (f->type) {
    case SPDY_DATA:
        take_data(s, f);
        break;
    case SPDY_SYN_STREAM:
        return open_stream(s, f);
    case SPDY_HEADERS:
    case SPDY_SYN_REPLY:
        return read_more_headers(s, f);
    case SPDY_RST_STREAM:
        st = find(s, f->stream);
        if (st)
            lose(s, st);
        break;
    case SPDY_PING:
        if (f->stream % 2 == 0)
            break; /* an answer to one of ours: there are none */
        spdy_put_u32(&ping, f->stream);
        spdy_write_control(&s->out, SPDY_PING, buf_str(&ping));
        buf_free(&ping);
        break;
    case SPDY_GOAWAY:
        s->going = true;
        break;
    case SPDY_SETTINGS:
    case SPDY_WINDOW_UPDATE:
        break; /* nothing that we keep */
    }
    return true;
}

bool spdy_feed(struct spdy *s, struct str bytes)
{
    struct spdy_frame f;
    for (;;) {
        enum spdy_step step = spdy_read(&s->reader, &bytes, &f);
        if (step == SPDY_MORE)
            return true;
        if (step == SPDY_BAD || !take_frame(s, &f))
            return false;
    }
}
