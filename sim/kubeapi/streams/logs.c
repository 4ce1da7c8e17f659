/* A log, as long as its client wants it: a position among lines that are never kept. */
#include "sim/kubeapi/core/server.h"
#include "sim/kubeapi/streams/session.h"

#include <string.h>

#define FOLLOW_MIN (10 * NS_PER_MS) /* between two looks at a fast log */

struct log_session {
    struct session s;
    struct http_exchange *x;
    struct clog clog;
    uint64_t line; /* the next one */
    uint64_t end;  /* of those who do not follow */
    int64_t left;  /* bytes; -1: any number */
    bool over;     /* nothing comes behind `end` */
};

size_t session_log_size(void)
{
    return sizeof(struct log_session);
}

/* "2026-01-01T00:00:00.000000000Z " */
static void add_time(struct buf *out, int64_t t)
{
    rfc3339_format(out, t);
    BUG_ON(out->n == 0 || out->p[out->n - 1] != 'Z', "an instant is told in UTC");
    out->n--;
    buf_addf(out, ".%09lldZ ", (long long)(t % NS_PER_S));
}

static void add_line(const struct clog *l, uint64_t line, bool timestamps, struct buf *out)
{
    if (timestamps)
        add_time(out, clog_time(l, line));
    clog_text(l, line, out);
    buf_add_char(out, '\n');
}

static uint64_t first_line(const struct stream_ask *ask, int64_t now)
{
    const struct clog *l = &ask->clog;
    uint64_t n = clog_lines(l, now);
    uint64_t first = ask->log.since >= 0 ? clog_since(l, ask->log.since, now) : 0;
    uint64_t tail =
        ask->log.tail >= 0 && (uint64_t)ask->log.tail < n ? n - (uint64_t)ask->log.tail : 0;
    if (ask->log.tail < 0)
        tail = 0;
    return first > tail ? first : tail;
}

/* Lines from *line on, until the buffer has enough. False: the limit is reached. */
static bool add_lines(const struct clog *l, uint64_t *line, uint64_t end, bool timestamps,
                      int64_t *left, struct buf *out)
{
    while (*line < end && out->n < SESSION_PIECE)
        add_line(l, (*line)++, timestamps, out);
    if (*left >= 0 && (int64_t)out->n >= *left) {
        out->n = (size_t)*left;
        *left = 0;
        return false;
    }
    if (*left >= 0)
        *left -= (int64_t)out->n;
    return true;
}

void podstreams_log_text(const struct stream_ask *ask, int64_t now, struct buf *out)
{
    uint64_t line = first_line(ask, now), end = clog_lines(&ask->clog, now);
    int64_t left = ask->log.limit;
    bool more = true;
    while (more && line < end && buf_ok(out)) {
        struct buf piece = {0};
        more = add_lines(&ask->clog, &line, end, ask->log.timestamps, &left, &piece);
        buf_add(out, buf_str(&piece));
        buf_free(&piece);
    }
}

/* ---- over a connection ---- */

static void finish(struct log_session *l, bool abort)
{
    struct http_exchange *x = l->x;
    http_exchange_set(x, NULL, NULL);
    session_free(&l->s);
    (abort ? http_answer_abort : http_answer_end)(x);
}

/* The run that is followed may have ended, or been followed by another. */
static void look(struct log_session *l)
{
    struct arena a = {0};
    struct container c;
    if (!session_container(&l->s, &a, &c) || !podstreams_serves(l->s.of, c.node)) {
        l->over = true;
    } else if (!(c.has_log && clog_same(&c.log, &l->clog) && c.log.ended < 0)) {
        const struct clog *now = c.has_log && clog_same(&c.log, &l->clog) ? &c.log : &c.last;
        l->over = true;
        l->clog.ended = clog_same(now, &l->clog) ? now->ended : -1;
        l->clog.exit_code = now->exit_code;
    }
    arena_free(&a);
    l->end = clog_lines(&l->clog, world_wall(l->s.api->w));
}

static void sleep_on(struct log_session *l)
{
    int64_t now = world_wall(l->s.api->w), due = clog_time(&l->clog, l->line);
    session_sleep(&l->s, due > now + FOLLOW_MIN ? due : now + FOLLOW_MIN);
}

static void pump(struct log_session *l)
{
    const struct stream_log_options *o = &l->s.ask->log;
    bool more = true;
    while (more && l->line < l->end && http_answer_queued(l->x) <= WORLD_STREAM_LOW) {
        struct buf piece = {0};
        more = add_lines(&l->clog, &l->line, l->end, o->timestamps, &l->left, &piece);
        http_answer_write(l->x, buf_str(&piece));
        buf_free(&piece);
    }
    if (!more || (l->over && l->line >= l->end))
        finish(l, false);
    else if (!l->over)
        sleep_on(l);
}

static void wake(struct session *s)
{
    struct log_session *l = container_of(s, struct log_session, s);
    look(l);
    pump(l);
}

static void end(struct session *s, bool abort)
{
    finish(container_of(s, struct log_session, s), abort);
}

static void on_gone(void *data)
{
    struct log_session *l = data;
    session_free(&l->s);
}

static void on_drained(void *data)
{
    pump(data);
}

void log_begin(struct session *s, struct http_exchange *x, const struct http_headers *headers)
{
    static const struct session_kind kind = {wake, end};
    struct log_session *l = container_of(s, struct log_session, s);
    struct http_headers all = {0};
    struct str name, value;
    int64_t now = world_wall(s->api->w);
    s->kind = &kind;
    l->x = x;
    l->clog = s->ask->clog;
    l->line = first_line(s->ask, now);
    l->end = clog_lines(&l->clog, now);
    l->left = s->ask->log.limit;
    l->over = !s->ask->log.follow || l->clog.ended >= 0;
    for (size_t i = 0; http_headers_at(headers, i, &name, &value); i++)
        (void)!http_headers_add(&all, name, value);
    http_headers_add_c(&all, "Content-Type", "text/plain");
    http_exchange_set(x, l, on_gone);
    http_answer_start(x, 200, &all);
    http_answer_on_drained(x, on_drained);
    http_headers_free(&all);
    pump(l);
}
