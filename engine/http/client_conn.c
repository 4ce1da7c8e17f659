/* One connection of the client, and the answer to its present call. */
#include "engine/http/client_internal.h"

/* ---- deadlines ---- */

static world_time earlier(world_time a, world_time b)
{
    return a && (!b || a < b) ? a : b;
}

/* Until when the head of the answer is waited for; 0: for ever. Who sends a long body is not waited for by the server
 * either: time runs while something of it lies with us, and from its end on. */
static world_time head_due(const struct client_conn *conn)
{
    const struct http_call *call = conn->call;
    if (!call->stream_body || !call->head_timeout)
        return call->head_deadline;
    bool owed = !call->sending || world_stream_queued(conn->stream) > 0;
    return owed ? call->sent_at + call->head_timeout : 0;
}

/* When the present state ends for want of progress; 0: never. */
static world_time due_of(const struct client_conn *conn)
{
    const struct http_call *call = conn->call;
    if (!call)
        return conn->since + HTTP_CLIENT_IDLE_LIMIT;
    world_time due = call->deadline;
    if (!call->has_head)
        due = earlier(head_due(conn), due);
    else if (call->streamed && call->idle_timeout && !call->paused)
        due = earlier(conn->since + call->idle_timeout, due);
    return due;
}

static void client_conn_arm(struct client_conn *conn)
{
    world_time due = due_of(conn);
    if (due)
        http_alarm_by(&conn->alarm, conn->w, due);
}

/* ---- how calls begin and end ---- */

void client_conn_start(struct client_conn *conn, struct http_call *call)
{
    BUG_ON(conn->call || conn->dead, "a connection carries one call at a time");
    conn->call = call;
    call->conn = conn;
    conn->in_body = conn->got_bytes = false;
    conn->interim = 0;
    client_conn_arm(conn);
}

/* The connection has left the call already; the answer stays readable in it until `done` returns. */
static void call_done(struct client_conn *conn, struct http_call *call, const struct err *err)
{
    call->finished = true;
    call->conn = NULL;
    call->handler->done(call->owner, call->has_head ? &conn->response : NULL, err);
    call_destroy(call);
    http_buffer_trim(&conn->response.body);
}

static void fail(struct client_conn *conn, const struct err *err)
{
    struct http_call *call = conn->call;
    conn->call = NULL;
    client_conn_end(conn, true);
    if (call)
        call_done(conn, call, err);
}

static void fail_new(struct client_conn *conn, struct err *take_err)
{
    fail(conn, take_err);
    err_free(take_err);
}

/* The server closed a kept connection as we began to use it: once more, on a new one. */
static void send_again(struct client_conn *conn)
{
    struct http_call *call = conn->call;
    struct http_client *client = conn->client;
    struct http_origin *origin = conn->origin;
    conn->call = NULL;
    struct client_conn *fresh = client_conn_open(client, origin);
    client_conn_end(conn, true);
    world_stream_write(fresh->stream, call->again);
    str_free(&call->again);
    client_conn_start(fresh, call);
}

/* The stream ended before the answer did. err may be NULL: in order. */
static void lost(struct client_conn *conn, const struct err *err)
{
    struct http_call *call = conn->call;
    if (!call)
        client_conn_end(conn, false);
    else if (conn->used && !conn->got_bytes && call->again.n)
        send_again(conn);
    else if (err)
        fail(conn, err);
    else
        fail_new(conn, err_new(ERR_EOF, "the server closed the connection %s",
                               call->has_head ? "within the answer" : "without an answer"));
}

static void keep(struct client_conn *conn)
{
    struct http_origin *o = conn->origin;
    conn->state = CLIENT_IDLE;
    conn->used = true;
    conn->since = world_now(conn->w);
    list_add_head(&o->idle, &conn->idle_link);
    if (++o->idle_n > HTTP_CLIENT_IDLE_MAX)
        client_conn_end(container_of(o->idle.prev, struct client_conn, idle_link), false);
}

static void complete(struct client_conn *conn)
{
    struct http_call *call = conn->call;
    bool reusable = conn->head.keep_alive && conn->body.kind != HTTP_BODY_UNTIL_END &&
                    !conn->ended && !conn->no_reuse && !call->sending && conn->input.rest.n == 0 &&
                    world_stream_queued(conn->stream) == 0;
    conn->call = NULL;
    if (reusable && conn->stream_paused)
        world_stream_resume(conn->stream);
    conn->stream_paused = false;
    if (reusable)
        keep(conn);
    else
        client_conn_end(conn, false);
    call_done(conn, call, NULL);
}

/* ---- the answer: each step says whether the input may hold more to do ---- */

static void flow(struct client_conn *conn)
{
    bool pause = conn->call && conn->in_body && conn->call->streamed && conn->call->paused;
    if (pause == conn->stream_paused)
        return;
    conn->stream_paused = pause;
    (pause ? world_stream_pause : world_stream_resume)(conn->stream);
}

static bool takes_upgrade(const struct client_conn *conn)
{
    const struct http_headers *h = &conn->head.headers;
    return conn->call->upgrades && !conn->ended && http_headers_count(h, "Upgrade") == 1 &&
           http_headers_has_token(h, "Connection", "upgrade");
}

/* 101: the stream leaves the connection, which ends. */
static void go_over(struct client_conn *conn)
{
    struct http_call *call = conn->call;
    struct world_stream *stream = conn->stream;
    struct str early = conn->input.rest;
    http_input_skip(&conn->input, early.n);
    conn->response.status = conn->head.status;
    conn->response.headers = conn->head.headers;
    conn->call = NULL;
    conn->stream = NULL;
    call->finished = true;
    call->conn = NULL;
    call->handler->upgraded(call->owner, &conn->response, stream, early);
    call_destroy(call);
    if (!conn->dead)
        client_conn_end(conn, false);
}

static bool take_head(struct client_conn *conn)
{
    const struct http_head *h = &conn->head;
    struct http_call *call = conn->call;
    if (h->status == 101 && takes_upgrade(conn)) {
        go_over(conn);
        return false;
    }
    if (h->status < 200) {
        if (h->status == 101 || ++conn->interim > HTTP_CLIENT_INTERIM_MAX)
            fail_new(conn, err_new(ERR_PROTOCOL, "the server answered %d", h->status));
        return true;
    }
    enum http_body_kind kind = call->is_head || h->status == 204 || h->status == 304
                                   ? HTTP_BODY_NONE
                               : h->chunked    ? HTTP_BODY_CHUNKED
                               : h->has_length ? HTTP_BODY_LENGTH
                                               : HTTP_BODY_UNTIL_END;
    conn->body = http_body_make(kind, h->length);
    conn->response.status = h->status;
    conn->response.headers = h->headers;
    conn->in_body = call->has_head = true;
    conn->since = world_now(conn->w);
    bool streamed = call->handler->head && call->handler->head(call->owner, &conn->response);
    if (conn->call == call && !conn->dead)
        call->streamed = streamed;
    return true;
}

static bool step_head(struct client_conn *conn)
{
    size_t used = 0;
    if (conn->input.rest.n == 0) {
        if (conn->ended)
            lost(conn, NULL);
        return false;
    }
    conn->got_bytes = true;
    switch (http_head_read(&conn->head, HTTP_HEAD_RESPONSE, conn->input.rest, HTTP_HEADER_BYTES_MAX,
                           &used)) {
    case HTTP_HEAD_DONE:
        http_input_skip(&conn->input, used);
        return take_head(conn);
    case HTTP_HEAD_REFUSED:
        fail_new(conn,
                 err_new(ERR_PROTOCOL, "the server's answer is malformed: %s", conn->head.why));
        break;
    case HTTP_HEAD_MORE:
        if (conn->ended)
            lost(conn, NULL);
        break;
    }
    return false;
}

static void deliver(struct client_conn *conn, struct str piece)
{
    struct http_call *call = conn->call;
    conn->since = world_now(conn->w);
    if (call->streamed) {
        if (call->handler->data)
            call->handler->data(call->owner, piece);
    } else if (piece.n > call->body_bytes_max - conn->response.body.n) {
        fail_new(conn, err_new(ERR_TOO_LARGE, "the answer is longer than %zu bytes",
                               call->body_bytes_max));
    } else {
        buf_add(&conn->response.body, piece);
    }
}

static bool step_body(struct client_conn *conn)
{
    struct str piece;
    if (conn->call->streamed && conn->call->paused)
        return false;
    switch (http_body_next(&conn->body, &conn->input.rest, &piece)) {
    case HTTP_BODY_PIECE:
        deliver(conn, piece);
        return true;
    case HTTP_BODY_DONE:
        complete(conn);
        break;
    case HTTP_BODY_BAD:
        fail_new(conn, err_new(ERR_PROTOCOL, "the chunked answer is malformed"));
        break;
    case HTTP_BODY_MORE:
        if (conn->ended && conn->body.kind == HTTP_BODY_UNTIL_END)
            complete(conn);
        else if (conn->ended)
            lost(conn, NULL);
        break;
    }
    return false;
}

static bool step(struct client_conn *conn)
{
    if (conn->call)
        return conn->in_body ? step_body(conn) : step_head(conn);
    if (conn->input.rest.n || conn->ended) /* nobody asked, or nobody is there */
        client_conn_end(conn, conn->input.rest.n > 0);
    return false;
}

static void process(struct client_conn *conn, struct str bytes)
{
    http_input_begin(&conn->input, bytes);
    conn->pumping = true;
    while (!conn->dead && step(conn))
        ;
    conn->pumping = false;
    http_input_end(&conn->input);
    if (conn->dead)
        return;
    flow(conn);
    client_conn_arm(conn);
}

/* ---- the world's callbacks ---- */

static void check_deadline(struct client_conn *conn)
{
    world_time due = due_of(conn);
    if (due == 0 || world_now(conn->w) < due)
        return;
    if (!conn->call)
        client_conn_end(conn, false);
    else
        fail_new(conn, err_new(ERR_TIMEOUT, "the server did not %s in time",
                               conn->call->has_head ? "finish its answer" : "answer"));
}

void client_fire(void *owner)
{
    struct client_conn *conn = owner;
    client_enter(conn);
    http_alarm_fired(&conn->alarm);
    if (conn->kick) {
        conn->kick = false;
        process(conn, str_empty);
    } else {
        check_deadline(conn);
        if (!conn->dead)
            client_conn_arm(conn);
    }
    client_leave(conn);
}

static void keep_peer(struct client_conn *conn)
{
    struct http_client *c = conn->client;
    struct str pem = world_stream_peer_pem(conn->stream);
    if (!pem.n || str_eq(pem, c->peer_pem))
        return;
    str_free(&c->peer_pem);
    c->peer_pem = str_dup(pem);
}

static void on_open(void *owner)
{
    struct client_conn *conn = owner;
    BUG_ON(conn->state != CLIENT_CONNECTING, "a stream opens once");
    if (conn->client->keep_peer)
        keep_peer(conn);
    conn->state = CLIENT_BUSY;
}

static void on_data(void *owner, struct str bytes)
{
    struct client_conn *conn = owner;
    client_enter(conn);
    process(conn, bytes);
    client_leave(conn);
}

static void on_end(void *owner)
{
    struct client_conn *conn = owner;
    client_enter(conn);
    conn->ended = true;
    process(conn, str_empty);
    client_leave(conn);
}

static void on_closed(void *owner, const struct err *err)
{
    struct client_conn *conn = owner;
    client_enter(conn);
    conn->stream = NULL;
    lost(conn, err);
    client_leave(conn);
}

static void on_drained(void *owner)
{
    struct client_conn *conn = owner;
    struct http_call *call = conn->call;
    if (!call || !call->stream_body)
        return;
    client_enter(conn);
    call->sent_at = world_now(conn->w);
    if (call->sending && call->handler->drained)
        call->handler->drained(call->owner);
    client_leave(conn);
}

const struct world_stream_handler client_stream_handler = {
    .open = on_open, .data = on_data, .end = on_end, .drained = on_drained, .closed = on_closed};

/* ---- streamed bodies ---- */

void http_call_write(struct http_call *call, struct str piece)
{
    struct client_conn *conn = call->conn;
    BUG_ON(!call->stream_body, "a body that is not streamed is whole already");
    if (!conn || !call->sending || piece.n == 0)
        return;
    BUG_ON(!call->chunked && piece.n > call->body_left, "no more is written than was announced");
    call->sent_at = world_now(conn->w);
    if (call->chunked) {
        (void)http_chunk_write(conn->stream, &conn->client->out, piece, &conn->copied);
    } else {
        call->body_left -= piece.n;
        world_stream_write(conn->stream, piece);
        conn->copied += piece.n;
    }
    if (world_stream_queued(conn->stream) > 0)
        client_conn_arm(conn);
}

void http_call_end(struct http_call *call)
{
    struct client_conn *conn = call->conn;
    if (!conn || !call->sending)
        return;
    BUG_ON(call->body_left > 0, "a body is written to its end");
    call->sending = false;
    call->sent_at = world_now(conn->w);
    if (call->chunked)
        world_stream_write(conn->stream, STR("0\r\n\r\n"));
    client_conn_arm(conn);
}

size_t http_call_queued(const struct http_call *call)
{
    return call->conn ? world_stream_queued(call->conn->stream) : 0;
}

uint64_t http_call_copied(const struct http_call *call)
{
    return call->conn ? call->conn->copied + call->conn->input.copied : 0;
}

/* ---- back-pressure ---- */

void http_call_pause(struct http_call *call)
{
    call->paused = true;
    if (call->conn && !call->conn->pumping)
        flow(call->conn);
}

void http_call_resume(struct http_call *call)
{
    struct client_conn *conn = call->conn;
    bool was_paused = call->paused;
    call->paused = false;
    if (!conn || !was_paused)
        return;
    conn->since = world_now(conn->w);
    if (conn->pumping)
        return;
    flow(conn);
    if (conn->input.kept.n || conn->ended || conn->body.done) { /* from the loop, not from here */
        conn->kick = true;
        http_alarm_by(&conn->alarm, conn->w, world_now(conn->w));
    }
    client_conn_arm(conn);
}
