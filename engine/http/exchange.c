/* What a handler sees of a request, and how it answers. */
#include "engine/base/codec.h"
#include "engine/http/server_internal.h"

/* ---- the request ---- */

struct str http_method(const struct http_exchange *x)
{
    return conn_of(x)->head.method;
}

struct str http_target(const struct http_exchange *x)
{
    return conn_of(x)->head.target;
}

/* The target from its path on: the absolute form (RFC 9112 §3.2.2) starts with scheme and authority. */
static struct str origin_form(struct str target)
{
    ptrdiff_t scheme = target.n && target.p[0] == '/' ? -1 : str_find(target, STR("://"));
    if (scheme < 0)
        return target;
    struct str after = str_sub(target, (size_t)scheme + 3, target.n);
    ptrdiff_t slash = str_find_char(after, '/'), query = str_find_char(after, '?');
    if (slash < 0 || (query >= 0 && query < slash))
        return query >= 0 ? str_sub(after, (size_t)query, after.n) : STR("/");
    return str_sub(after, (size_t)slash, after.n);
}

struct str http_path(const struct http_exchange *x)
{
    struct str path, query;
    (void)str_cut(origin_form(http_target(x)), '?', &path, &query);
    return path.n ? path : STR("/");
}

struct str http_query(const struct http_exchange *x)
{
    struct str path, query;
    (void)str_cut(origin_form(http_target(x)), '?', &path, &query);
    return query;
}

const struct http_headers *http_request_headers(const struct http_exchange *x)
{
    return &conn_of(x)->head.headers;
}

static bool is_escaped(struct str text)
{
    return str_find_char(text, '%') >= 0 || str_find_char(text, '+') >= 0;
}

/* Decoded into the exchange's memory when need be. False: not well encoded. */
static bool decode(struct http_exchange *x, struct str text, struct str *out)
{
    struct buf plain = {0};
    if (!is_escaped(text)) {
        *out = text;
        return true;
    }
    bool good = percent_decode(&plain, text, true);
    if (good)
        *out = arena_str(&x->arena, buf_str(&plain));
    buf_free(&plain);
    return good;
}

bool http_query_param(struct http_exchange *x, const char *name, struct str *value)
{
    struct str rest = http_query(x), wanted = str_c(name), item, key, text;
    for (bool more = rest.n > 0; more;) {
        more = str_cut(rest, '&', &item, &rest);
        (void)str_cut(item, '=', &key, &text);
        if (decode(x, key, &key) && str_eq(key, wanted))
            return decode(x, text, value);
    }
    return false;
}

world_time http_age(const struct http_exchange *x)
{
    return world_now(conn_of(x)->w) - x->began;
}

struct world *http_world(const struct http_exchange *x)
{
    return conn_of(x)->w;
}

struct world_stream *http_stream(struct http_exchange *x)
{
    return conn_of(x)->stream;
}

void http_exchange_set(struct http_exchange *x, void *data, void (*gone)(void *data))
{
    x->data = data;
    x->gone = gone;
}

/* ---- its body ---- */

bool exchange_too_large(const struct http_conn *c)
{
    return c->body.kind == HTTP_BODY_LENGTH && c->x.whole.n == 0 &&
           c->body.left > c->server->options.body_bytes_max;
}

static struct http_conn *start_reading(struct http_exchange *x, enum read_mode mode)
{
    struct http_conn *c = conn_of(x);
    BUG_ON(c->state != CONN_OPEN, "an exchange is read before it is answered");
    BUG_ON(x->mode != READ_NONE, "a body is read once");
    x->mode = mode;
    c->since = world_now(c->w);
    return c;
}

/* The client is told to go on, unless its body has begun to come already. */
static void keep_reading(struct http_conn *c)
{
    struct http_exchange *x = &c->x;
    size_t ahead = c->pumping ? c->input.rest.n : c->input.kept.n;
    bool wanted = x->expects && !x->paused && !(x->mode == READ_ALL && exchange_too_large(c));
    if (wanted) {
        x->expects = false;
        if (ahead == 0 && x->phase == ANSWER_NONE)
            conn_write(c, STR("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    if (c->pumping)
        return;
    if (ahead || c->body.done || c->ended || exchange_too_large(c))
        conn_continue(c);
    conn_flow(c);
    conn_arm(c);
}

void http_read_all(struct http_exchange *x,
                   void (*done)(void *data, struct http_exchange *x, struct str body))
{
    struct http_conn *c = start_reading(x, READ_ALL);
    x->on_all = done;
    keep_reading(c);
}

void http_read_stream(struct http_exchange *x,
                      void (*data)(void *data, struct http_exchange *x, struct str piece),
                      void (*end)(void *data, struct http_exchange *x))
{
    struct http_conn *c = start_reading(x, READ_STREAM);
    x->on_data = data;
    x->on_end = end;
    keep_reading(c);
}

void http_read_pause(struct http_exchange *x)
{
    struct http_conn *c = conn_of(x);
    x->paused = true;
    if (!c->pumping)
        conn_flow(c);
}

void http_read_resume(struct http_exchange *x)
{
    struct http_conn *c = conn_of(x);
    x->paused = false;
    c->since = world_now(c->w);
    if (x->mode != READ_NONE && !x->delivered)
        keep_reading(c);
}

/* ---- the answer ---- */

/* Framing and connection headers are ours to write. */
static bool is_managed(struct str name)
{
    switch (name.n) {
    case 10:
        return str_eq_nocase(name, STR("Connection")) || str_eq_nocase(name, STR("Keep-Alive"));
    case 14:
        return str_eq_nocase(name, STR("Content-Length"));
    case 17:
        return str_eq_nocase(name, STR("Transfer-Encoding"));
    default:
        return false;
    }
}

static void put_header(struct buf *out, struct str name, struct str value)
{
    buf_add(out, name);
    buf_add(out, STR(": "));
    buf_add(out, value);
    buf_add(out, STR("\r\n"));
}

static void put_status(struct buf *out, int status)
{
    buf_clear(out);
    buf_add(out, STR("HTTP/1.1 "));
    buf_add_i64(out, status);
    buf_add_char(out, ' ');
    buf_add_c(out, http_reason(status));
    buf_add(out, STR("\r\n"));
}

static void put_headers(struct buf *out, const struct http_headers *headers, const char *skip_type)
{
    struct str name, value;
    for (size_t i = 0; headers && http_headers_at(headers, i, &name, &value); i++)
        if (!is_managed(name) && !(skip_type && str_eq_nocase(name, STR("Content-Type"))))
            put_header(out, name, value);
}

static void put_connection(struct http_conn *c, struct buf *out)
{
    if (c->close_after)
        buf_add(out, STR("Connection: close\r\n"));
    else if (c->head.minor == 0)
        buf_add(out, STR("Connection: keep-alive\r\n"));
}

static struct buf *begin_answer(struct http_conn *c, int status, const struct http_headers *headers,
                                const char *content_type)
{
    BUG_ON(c->state != CONN_OPEN || c->x.phase != ANSWER_NONE, "an exchange is answered once");
    BUG_ON(status < 200 || status > 999, "an answer has a final status");
    conn_answered(c, &c->x, status);
    struct buf *out = &c->server->out;
    if (c->x.expects || c->server->draining ||
        (headers && http_headers_has_token(headers, "Connection", "close")))
        c->close_after = true;
    put_status(out, status);
    put_headers(out, headers, content_type);
    if (content_type)
        put_header(out, STR("Content-Type"), str_c(content_type));
    return out;
}

static bool is_head(const struct http_conn *c)
{
    return str_eq(c->head.method, STR("HEAD"));
}

static bool is_bodiless(int status)
{
    return status == 204 || status == 304;
}

/* The length to announce: for HEAD, the handler may know it without having the body. */
static void put_length(const struct http_conn *c, struct buf *out,
                       const struct http_headers *headers, struct str body)
{
    struct str given =
        headers && is_head(c) && !body.n ? http_headers_get(headers, "Content-Length") : str_empty;
    buf_add(out, STR("Content-Length: "));
    if (given.n)
        buf_add(out, given);
    else
        buf_add_u64(out, body.n);
    buf_add(out, STR("\r\n"));
}

void http_answer(struct http_exchange *x, int status, const char *content_type,
                 const struct http_headers *headers, struct str body)
{
    struct http_conn *c = conn_of(x);
    if (!c->body.done && !conn_skippable(c))
        c->close_after = true;
    struct buf *out = begin_answer(c, status, headers, content_type);
    if (!is_bodiless(status))
        put_length(c, out, headers, body);
    put_connection(c, out);
    buf_add(out, STR("\r\n"));
    bool with_body = !is_bodiless(status) && !is_head(c);
    if (with_body && body.n <= HTTP_JOIN_MAX)
        buf_add(out, body);
    conn_write(c, buf_str(out));
    if (with_body && body.n > HTTP_JOIN_MAX)
        conn_write(c, body);
    http_buffer_trim(out);
    conn_finish(c);
}

static enum answer_framing choose_framing(struct http_conn *c, int status,
                                          const struct http_headers *headers)
{
    struct str length = headers ? http_headers_get(headers, "Content-Length") : str_empty;
    if (is_bodiless(status))
        return FRAMING_NONE;
    if (length.n && str_to_u64(length, &c->x.answer_left))
        return FRAMING_LENGTH;
    if (c->head.minor == 1)
        return FRAMING_CHUNKED;
    c->close_after = true;
    return FRAMING_CLOSE;
}

void http_answer_start(struct http_exchange *x, int status, const struct http_headers *headers)
{
    struct http_conn *c = conn_of(x);
    struct buf *out = begin_answer(c, status, headers, NULL);
    x->phase = ANSWER_STREAM;
    x->framing = choose_framing(c, status, headers);
    if (x->framing == FRAMING_CHUNKED)
        buf_add(out, STR("Transfer-Encoding: chunked\r\n"));
    else if (x->framing == FRAMING_LENGTH)
        put_header(out, STR("Content-Length"), http_headers_get(headers, "Content-Length"));
    put_connection(c, out);
    buf_add(out, STR("\r\n"));
    conn_write(c, buf_str(out));
    http_buffer_trim(out);
    if (is_head(c))
        x->framing = FRAMING_NONE;
    if (c->ended)
        c->since = world_now(c->w);
    conn_arm(c);
}

/* A reader that takes nothing for HTTP_STALL_LIMIT is cut off: here its clock starts. */
static void watch_reader(struct http_conn *c)
{
    size_t queued = world_stream_queued(c->stream);
    if (c->ended)
        c->since = world_now(c->w);
    if (c->stalling || queued <= WORLD_STREAM_LOW)
        return;
    c->stalling = true;
    c->since = world_now(c->w);
    c->sent_seen = c->written - queued;
    conn_arm(c);
}

void http_answer_write(struct http_exchange *x, struct str piece)
{
    struct http_conn *c = conn_of(x);
    BUG_ON(c->state != CONN_OPEN || x->phase != ANSWER_STREAM, "an answer is started first");
    BUG_ON(x->framing == FRAMING_LENGTH && piece.n > x->answer_left,
           "no more is written than was announced");
    if (piece.n == 0 || x->framing == FRAMING_NONE)
        return;
    if (x->framing == FRAMING_LENGTH)
        x->answer_left -= piece.n;
    if (x->framing == FRAMING_CHUNKED) {
        c->written += http_chunk_write(c->stream, &c->server->out, piece, &c->copied);
    } else {
        conn_write(c, piece);
        c->copied += piece.n;
    }
    watch_reader(c);
}

size_t http_answer_queued(const struct http_exchange *x)
{
    return world_stream_queued(conn_of(x)->stream);
}

uint64_t http_exchange_copied(const struct http_exchange *x)
{
    const struct http_conn *c = conn_of(x);
    return c->copied + c->input.copied;
}

void http_answer_on_drained(struct http_exchange *x, void (*drained)(void *data))
{
    x->drained = drained;
}

void http_answer_end(struct http_exchange *x)
{
    struct http_conn *c = conn_of(x);
    BUG_ON(c->state != CONN_OPEN || x->phase != ANSWER_STREAM, "an answer is started first");
    if (x->framing == FRAMING_LENGTH &&
        x->answer_left) { /* less than announced: the client must see it */
        http_answer_abort(x);
        return;
    }
    if (x->framing == FRAMING_CHUNKED)
        conn_write(c, STR("0\r\n\r\n"));
    conn_finish(c);
}

void http_answer_abort(struct http_exchange *x)
{
    struct http_conn *c = conn_of(x);
    BUG_ON(c->state != CONN_OPEN, "only an open exchange is aborted");
    c->state = CONN_LINGER;
    conn_end(c, true);
}

struct world_stream *http_upgrade(struct http_exchange *x, const struct http_headers *headers,
                                  struct buf *early)
{
    struct http_conn *c = conn_of(x);
    BUG_ON(c->state != CONN_OPEN || x->phase != ANSWER_NONE, "an exchange is answered once");
    struct buf *out = &c->server->out;
    struct str name, value;
    conn_answered(c, x, 101);
    put_status(out, 101);
    for (size_t i = 0; headers && http_headers_at(headers, i, &name, &value); i++)
        put_header(out, name, value);
    if (!headers || !http_headers_has(headers, "Connection"))
        buf_add(out, STR("Connection: Upgrade\r\n"));
    buf_add(out, STR("\r\n"));
    conn_write(c, buf_str(out));
    http_buffer_trim(out);
    buf_add(early, c->pumping ? c->input.rest : buf_str(&c->input.kept));
    c->input.rest = str_empty;
    struct world_stream *stream = c->stream;
    if (c->stream_paused)
        world_stream_resume(stream);
    c->stream = NULL;
    c->state = CONN_LINGER;
    conn_end(c, false);
    return stream;
}
