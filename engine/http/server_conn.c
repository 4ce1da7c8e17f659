/* The connection's state machine: see server_internal.h for the picture. */
#include "engine/http/limits.h"
#include "engine/http/server_internal.h"

/* ---- deadlines ---- */

/* How long the present state may last without progress; 0: for ever. */
static world_time limit_of(const struct http_conn *c)
{
    const struct http_exchange *x = &c->x;
    switch (c->state) {
    case CONN_HEAD:
        return c->fresh || c->partial ? HTTP_HEAD_LIMIT : HTTP_IDLE_LIMIT;
    case CONN_SKIP:
        return HTTP_STALL_LIMIT;
    case CONN_LINGER:
        return HTTP_LINGER_LIMIT;
    case CONN_OPEN:
        break;
    }
    if (x->mode != READ_NONE && !x->paused && !x->delivered)
        return HTTP_STALL_LIMIT;
    if (x->phase == ANSWER_STREAM && c->ended)
        return HTTP_HALF_CLOSE_LIMIT;
    return c->stalling ? HTTP_STALL_LIMIT : 0;
}

void conn_arm(struct http_conn *c)
{
    world_time limit = limit_of(c);
    if (limit)
        http_alarm_by(&c->alarm, c->w, c->since + limit);
}

void conn_continue(struct http_conn *c)
{
    c->kick = true;
    http_alarm_by(&c->alarm, c->w, world_now(c->w));
}

static void conn_reject(struct http_conn *c, int status, const char *why);

static void on_deadline(struct http_conn *c)
{
    enum conn_state state = c->state;
    bool reading = state == CONN_OPEN && c->x.mode != READ_NONE && !c->x.delivered;
    if (reading && c->x.phase == ANSWER_NONE) {
        conn_reject(c, 408, "the body of the request did not come");
        return;
    }
    conn_lose(c);
    conn_end(c, state != CONN_HEAD || world_stream_queued(c->stream) > 0);
}

static void check_deadline(struct http_conn *c)
{
    world_time limit = limit_of(c), now = world_now(c->w);
    if (limit == 0)
        return;
    size_t queued = world_stream_queued(c->stream);
    uint64_t sent = c->written - queued;
    bool idle = c->state == CONN_HEAD && !c->fresh && !c->partial;
    if (queued > 0 && sent != c->sent_seen && (idle || c->stalling || c->state == CONN_LINGER)) {
        c->sent_seen = sent;
        c->since = now;
    }
    if (now - c->since >= limit)
        on_deadline(c);
}

/* ---- ends ---- */

void conn_write(struct http_conn *c, struct str bytes)
{
    world_stream_write(c->stream, bytes);
    c->written += bytes.n;
}

static void reset_exchange(struct http_exchange *x)
{
    struct buf whole = x->whole;
    struct arena arena = x->arena;
    http_buffer_trim(&whole);
    if (arena.used)
        arena_reset(&arena);
    *x = (struct http_exchange){.whole = whole, .arena = arena};
}

void conn_lose(struct http_conn *c)
{
    if (c->state != CONN_OPEN)
        return;
    c->state = CONN_LINGER;
    if (c->x.gone)
        c->x.gone(c->x.data);
    reset_exchange(&c->x);
}

static void linger(struct http_conn *c)
{
    if (c->ended) {
        conn_end(c, false);
        return;
    }
    world_stream_shutdown(c->stream);
    c->state = CONN_LINGER;
    c->since = world_now(c->w);
    if (c->stream_paused)
        world_stream_resume(c->stream);
    c->stream_paused = false;
    conn_arm(c);
}

static void conn_reject(struct http_conn *c, int status, const char *why)
{
    bool answering = c->state == CONN_OPEN && c->x.phase != ANSWER_NONE;
    bool until_close = c->x.framing == FRAMING_CLOSE; /* only a reset tells that it was cut */
    conn_lose(c);
    if (c->dead)
        return;
    if (answering) {
        if (until_close)
            conn_end(c, true);
        else
            linger(c);
        return;
    }
    conn_answered(c, NULL, status);
    struct buf *out = &c->server->out;
    const char *json = status == 413 ? c->server->options.too_large : NULL;
    buf_clear(out);
    buf_addf(out,
             "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n"
             "Content-Length: %zu\r\nConnection: close\r\n\r\n%s\n",
             status, http_reason(status), json ? "application/json" : "text/plain; charset=utf-8",
             str_c(json ? json : why).n + 1, json ? json : why);
    conn_write(c, buf_str(out));
    linger(c);
}

/* The client ended the stream within a body. */
static void truncated(struct http_conn *c)
{
    bool until_close = c->x.framing == FRAMING_CLOSE;
    conn_lose(c);
    conn_end(c, until_close);
}

/* ---- steps: each says whether the input may hold more to do ---- */

static bool open_exchange(struct http_conn *c)
{
    const struct http_head *h = &c->head;
    enum http_body_kind kind = h->chunked      ? HTTP_BODY_CHUNKED
                               : h->has_length ? HTTP_BODY_LENGTH
                                               : HTTP_BODY_NONE;
    c->body = http_body_make(kind, h->length);
    c->fresh = c->partial = false;
    c->state = CONN_OPEN;
    c->close_after |= !h->keep_alive;
    c->x.expects = h->expects_continue && !c->body.done;
    c->x.began = world_now(c->w);
    c->server->handler(c->server->owner, &c->x);
    return true;
}

static bool step_head(struct http_conn *c)
{
    struct str in = c->input.rest;
    size_t used = 0;
    enum http_head_step step = in.n == 0
                                   ? HTTP_HEAD_MORE
                                   : http_head_read(&c->head, HTTP_HEAD_REQUEST, in,
                                                    c->server->options.header_bytes_max, &used);
    if (step == HTTP_HEAD_DONE) {
        http_input_skip(&c->input, used);
        return open_exchange(c);
    }
    if (step == HTTP_HEAD_REFUSED) {
        conn_reject(c, c->head.refusal, c->head.why);
        return true;
    }
    if (c->ended || (c->close_after && in.n == 0)) {
        conn_end(c, false);
    } else if (in.n && !c->partial) {
        c->partial = true;
        if (!c->fresh)
            c->since = world_now(c->w);
    }
    return false;
}

static void deliver(struct http_conn *c, struct str piece)
{
    struct http_exchange *x = &c->x;
    c->since = world_now(c->w);
    if (x->mode == READ_STREAM)
        x->on_data(x->data, x, piece);
    else if (piece.n > c->server->options.body_bytes_max - x->whole.n)
        conn_reject(c, 413, "the body of the request is too large");
    else
        buf_add(&x->whole, piece);
}

static void deliver_end(struct http_exchange *x)
{
    x->delivered = true;
    if (x->mode == READ_ALL)
        x->on_all(x->data, x, buf_str(&x->whole));
    else if (x->on_end)
        x->on_end(x->data, x);
}

static bool step_body(struct http_conn *c)
{
    struct http_exchange *x = &c->x;
    struct str piece;
    if (x->mode == READ_NONE || x->paused || x->delivered)
        return false;
    if (x->mode == READ_ALL && exchange_too_large(c)) {
        conn_reject(c, 413, "the body of the request is too large");
        return true;
    }
    switch (http_body_next(&c->body, &c->input.rest, &piece)) {
    case HTTP_BODY_PIECE:
        deliver(c, piece);
        return true;
    case HTTP_BODY_DONE:
        deliver_end(x);
        return true;
    case HTTP_BODY_BAD:
        conn_reject(c, 400, "the chunked body is malformed");
        return true;
    case HTTP_BODY_MORE:
        if (c->ended)
            truncated(c);
        break;
    }
    return false;
}

static void await_request(struct http_conn *c)
{
    c->state = CONN_HEAD;
    c->partial = false;
    c->since = world_now(c->w);
}

static bool step_skip(struct http_conn *c)
{
    struct str piece;
    enum http_body_step step = http_body_next(&c->body, &c->input.rest, &piece);
    if (step == HTTP_BODY_MORE && c->ended)
        conn_end(c, false);
    else if (step == HTTP_BODY_BAD)
        linger(c);
    else if (step == HTTP_BODY_DONE)
        await_request(c);
    else if (step == HTTP_BODY_PIECE && (c->skipped += piece.n) > HTTP_SKIP_MAX)
        linger(c);
    return step == HTTP_BODY_PIECE || step == HTTP_BODY_DONE;
}

static bool step(struct http_conn *c)
{
    switch (c->state) {
    case CONN_HEAD:
        return step_head(c);
    case CONN_OPEN:
        return step_body(c);
    case CONN_SKIP:
        return step_skip(c);
    case CONN_LINGER:
        http_input_skip(&c->input, c->input.rest.n);
        break;
    }
    return false;
}

void conn_flow(struct http_conn *c)
{
    const struct http_exchange *x = &c->x;
    bool full = c->input.kept.n >= HTTP_AHEAD_MAX;
    bool held = x->mode == READ_STREAM && x->paused && !c->body.done;
    bool pause = c->state == CONN_OPEN && (full || held);
    if (pause == c->stream_paused)
        return;
    c->stream_paused = pause;
    (pause ? world_stream_pause : world_stream_resume)(c->stream);
}

static void process(struct http_conn *c, struct str bytes)
{
    http_input_begin(&c->input, bytes);
    c->pumping = true;
    while (!c->dead && step(c))
        ;
    c->pumping = false;
    http_input_end(&c->input);
    if (c->dead)
        return;
    conn_flow(c);
    conn_arm(c);
}

void conn_finish(struct http_conn *c)
{
    bool unread = !c->body.done;
    bool ahead = c->pumping ? c->input.rest.n > 0 : c->input.kept.n > 0;
    c->stalling = false;
    reset_exchange(&c->x);
    if (c->close_after || (unread && !conn_skippable(c))) {
        c->close_after = true;
        if (unread || ahead)
            linger(c);
        else
            conn_end(c, false);
        return;
    }
    await_request(c);
    if (unread) {
        c->state = CONN_SKIP;
        c->skipped = 0;
    }
    if (c->pumping)
        return;
    conn_flow(c);
    if (ahead || c->ended)
        conn_continue(c);
    conn_arm(c);
}

/* ---- the world's callbacks ---- */

void conn_fire(void *owner)
{
    struct http_conn *c = owner;
    conn_enter(c);
    http_alarm_fired(&c->alarm);
    if (c->kick) {
        c->kick = false;
        process(c, str_empty);
    } else {
        check_deadline(c);
        if (!c->dead)
            conn_arm(c);
    }
    conn_leave(c);
}

static void on_data(void *owner, struct str bytes)
{
    struct http_conn *c = owner;
    conn_enter(c);
    if (c->state != CONN_LINGER)
        process(c, bytes);
    conn_leave(c);
}

static void on_end(void *owner)
{
    struct http_conn *c = owner;
    conn_enter(c);
    c->ended = true;
    if (c->state == CONN_LINGER) {
        conn_end(c, false);
    } else {
        if (c->state == CONN_OPEN)
            c->since = world_now(c->w);
        process(c, str_empty);
    }
    conn_leave(c);
}

static void on_drained(void *owner)
{
    struct http_conn *c = owner;
    conn_enter(c);
    c->stalling = false;
    if (c->state == CONN_OPEN && c->x.drained)
        c->x.drained(c->x.data);
    conn_leave(c);
}

static void on_closed(void *owner, const struct err *err)
{
    struct http_conn *c = owner;
    conn_enter(c);
    c->stream = NULL;
    conn_lose(c);
    conn_end(c, false);
    conn_leave(c);
}

const struct world_stream_handler http_conn_handler = {
    .data = on_data, .end = on_end, .drained = on_drained, .closed = on_closed};
