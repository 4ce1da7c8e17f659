#include "engine/http/client_internal.h"

#include "engine/http/request.h"

/* ---- client ---- */

/* One stillborn call at a time: its `done` may free the client. */
static void on_fail_timer(void *owner)
{
    struct http_client *c = owner;
    if (list_empty(&c->stillborn))
        return;
    struct http_call *call = container_of(c->stillborn.next, struct http_call, link);
    list_remove(&call->link);
    if (!list_empty(&c->stillborn))
        world_timer_start(c->fail_timer, 0);
    call->finished = true;
    call->handler->done(call->owner, NULL, call->err);
    call_destroy(call);
}

struct http_client *http_client_new(struct world *w)
{
    struct http_client *c = MEM_NEW(struct http_client);
    http_head_setup();
    c->w = w;
    list_init(&c->origins);
    list_init(&c->conns);
    list_init(&c->stillborn);
    c->fail_timer = world_timer_new(w, on_fail_timer, c);
    return c;
}

void http_client_free(struct http_client *c)
{
    if (!c)
        return;
    while (!list_empty(&c->conns)) {
        struct client_conn *conn = container_of(c->conns.next, struct client_conn, link);
        if (conn->call)
            call_destroy(conn->call);
        conn->call = NULL;
        client_conn_end(conn, true);
    }
    while (!list_empty(&c->stillborn)) {
        struct http_call *call = container_of(c->stillborn.next, struct http_call, link);
        list_remove(&call->link);
        call_destroy(call);
    }
    BUG_ON(!list_empty(&c->origins), "an origin goes with its last connection");
    world_timer_free(c->fail_timer);
    buf_free(&c->out);
    str_free(&c->peer_pem);
    mem_free(c);
}

void http_client_forget(struct http_client *c)
{
    list_each (&c->conns, it, next) {
        struct client_conn *conn = container_of(it, struct client_conn, link);
        if (conn->state == CLIENT_IDLE)
            client_conn_end(conn, false);
        else
            conn->no_reuse = true;
    }
}

void http_client_keep_peer(struct http_client *c)
{
    c->keep_peer = true;
}

struct str http_client_peer_pem(const struct http_client *c)
{
    return c->peer_pem;
}

size_t http_client_connections(const struct http_client *c)
{
    return c->conns_n;
}

/* ---- connections ---- */

struct client_conn *client_conn_open(struct http_client *c, struct http_origin *o)
{
    struct client_conn *conn = MEM_NEW(struct client_conn);
    struct world_connect options = {.address = o->address, .tls = o->has_tls ? &o->tls : NULL};
    conn->client = c;
    conn->origin = o;
    conn->w = c->w;
    conn->since = world_now(c->w);
    conn->alarm.timer = world_timer_new(c->w, client_fire, conn);
    list_init(&conn->idle_link);
    list_add_tail(&c->conns, &conn->link);
    c->conns_n++;
    o->conns_n++;
    conn->stream = world_stream_connect(c->w, &options, &client_stream_handler, conn);
    return conn;
}

static void conn_destroy(struct client_conn *conn)
{
    world_timer_free(conn->alarm.timer);
    buf_free(&conn->input.kept);
    buf_free(&conn->response.body);
    http_head_free(&conn->head);
    mem_free(conn);
}

void client_conn_end(struct client_conn *conn, bool abort)
{
    if (conn->dead)
        return;
    BUG_ON(conn->call, "a call leaves its connection first");
    conn->dead = true;
    world_timer_stop(conn->alarm.timer);
    if (conn->stream && abort)
        world_stream_abort(conn->stream);
    else if (conn->stream)
        world_stream_close(conn->stream);
    conn->stream = NULL;
    if (conn->state == CLIENT_IDLE) {
        list_remove(&conn->idle_link);
        conn->origin->idle_n--;
    }
    list_remove(&conn->link);
    conn->client->conns_n--;
    conn->origin->conns_n--;
    origin_release(conn->origin);
    if (conn->busy == 0)
        conn_destroy(conn);
}

void client_leave(struct client_conn *conn)
{
    BUG_ON(conn->busy == 0, "who leaves has entered");
    if (--conn->busy == 0 && conn->dead)
        conn_destroy(conn);
}

/* ---- calls ---- */

void call_destroy(struct http_call *call)
{
    str_free(&call->again);
    err_free(call->err);
    mem_free(call);
}

static struct http_call *call_new(struct http_client *c, const struct http_request *r,
                                  const struct http_call_handler *handler, void *owner)
{
    BUG_ON(!handler->done, "a call has somebody to tell");
    BUG_ON(r->upgrade.n && !handler->upgraded, "who asks for another protocol takes it over");
    BUG_ON(r->body_streamed && r->body.n, "a body is given at once or streamed");
    struct http_call *call = MEM_NEW(struct http_call);
    world_time now = world_now(c->w);
    world_time head = r->head_timeout ? r->head_timeout : HTTP_CLIENT_TIMEOUT;
    list_init(&call->link);
    call->client = c;
    call->handler = handler;
    call->owner = owner;
    call->is_head = str_eq_c(STR("HEAD"), r->method);
    call->idempotent = request_is_idempotent(r->method);
    if (r->timeout >= 0)
        call->deadline = now + (r->timeout ? r->timeout : HTTP_CLIENT_TIMEOUT);
    else if (head > 0)
        call->head_deadline = now + head;
    call->upgrades = r->upgrade.n > 0;
    call->stream_body = call->sending = r->body_streamed;
    call->chunked = r->body_streamed && r->body_length < 0;
    call->body_left = call->stream_body && !call->chunked ? (uint64_t)r->body_length : 0;
    call->head_timeout = r->timeout < 0 ? head : 0;
    call->sent_at = now;
    call->idle_timeout = r->idle_timeout;
    call->body_bytes_max = r->body_bytes_max ? r->body_bytes_max : HTTP_CLIENT_BODY_BYTES;
    return call;
}

static struct http_call *bear_dead(struct http_call *call, struct err *take_err)
{
    call->err = take_err;
    list_add_tail(&call->client->stillborn, &call->link);
    world_timer_start(call->client->fail_timer, 0);
    return call;
}

/* An idle connection of the origin, the most recently used; NULL: none. */
static struct client_conn *take_idle(struct http_origin *o)
{
    if (list_empty(&o->idle))
        return NULL;
    struct client_conn *conn = container_of(o->idle.next, struct client_conn, idle_link);
    list_remove(&conn->idle_link);
    o->idle_n--;
    conn->state = CLIENT_BUSY;
    return conn;
}

/* Writes the request; what may have to be sent again is kept. */
static void send_request(struct client_conn *conn, struct http_call *call, struct str body)
{
    struct buf *out = &call->client->out;
    bool again = conn->used && call->idempotent && !call->stream_body && !call->upgrades;
    bool join = body.n <= HTTP_JOIN_MAX || again;
    if (join)
        buf_add(out, body);
    if (again)
        call->again = str_dup(buf_str(out));
    world_stream_write(conn->stream, buf_str(out));
    if (!join)
        world_stream_write(conn->stream, body);
    http_buffer_trim(out);
    client_conn_start(conn, call);
}

struct http_call *http_call_start(struct http_client *c, const struct http_request *r,
                                  const struct http_call_handler *handler, void *owner)
{
    struct http_call *call = call_new(c, r, handler, owner);
    if (!request_put(&c->out, r))
        return bear_dead(call, err_new(ERR_INVALID, "the request %s " STR_FMT " is malformed",
                                       r->method, STR_ARG(r->target)));
    struct http_origin *o = origin_get(c, &r->address, r->tls);
    struct client_conn *conn = take_idle(o);
    if (!conn && c->conns_n >= HTTP_CLIENT_CONNECTIONS_MAX) {
        origin_release(o);
        return bear_dead(call, err_new(ERR_UNAVAILABLE, "%u connections are open already",
                                       HTTP_CLIENT_CONNECTIONS_MAX));
    }
    if (!conn)
        conn = client_conn_open(c, o);
    send_request(conn, call, r->body);
    return call;
}

void http_call_cancel(struct http_call *call)
{
    if (!call || call->finished)
        return;
    struct client_conn *conn = call->conn;
    list_remove(&call->link);
    call_destroy(call);
    if (!conn)
        return;
    conn->call = NULL;
    client_conn_end(conn, true);
}
