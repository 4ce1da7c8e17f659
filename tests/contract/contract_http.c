/* Goal: HTTP over either world's streams: streaming with back-pressure, keep-alive, pipelining, upgrades, time-outs, cuts.
 * Method: the engine's server with one behaviour a path; its client, or a raw stream that says what no client of ours
 * would say. */
#include "engine/http/client.h"
#include "engine/http/server.h"
#include "tests/contract/support/peer.h"

#include <string.h>

#define BIG   ((uint64_t)100 << 20)
#define PIECE ((size_t)64 << 10)

struct rig {
    struct contract *c;
    struct http_server *http;
    struct world_listener *l;
    struct http_client *client;
    struct contract_pki *pki; /* NULL: plain */
    struct world_tls tls;
    char *piece;
    /* the server's side */
    int requests, gone, upgraded;
    uint64_t received, sent, most_queued;
    struct http_exchange *held;
    struct world_timer *later;
    struct peer tunnel;
};

struct call {
    struct http_call *call;
    int heads, done;
    int status;
    bool failed, stream, pause;
    enum err_code code;
    uint64_t bytes;
    struct buf body, header;
};

/* ---- the server ---- */
static void on_gone(void *data)
{
    struct rig *r = data;
    r->gone++;
    r->held = NULL;
}

static void echo_all(void *data, struct http_exchange *x, struct str body)
{
    http_answer(x, 200, "text/plain", NULL, body);
}

static void echo_piece(void *data, struct http_exchange *x, struct str piece)
{
    struct rig *r = data;
    http_answer_write(x, piece);
    if (http_answer_queued(x) > r->most_queued)
        r->most_queued = http_answer_queued(x);
    if (http_answer_queued(x) > WORLD_STREAM_LOW)
        http_read_pause(x);
}

static void echo_drained(void *data)
{
    struct rig *r = data;
    if (r->held)
        http_read_resume(r->held);
}

static void echo_end(void *data, struct http_exchange *x)
{
    struct rig *r = data;
    r->held = NULL;
    http_answer_end(x);
}

static void count_piece(void *data, struct http_exchange *x, struct str piece)
{
    struct rig *r = data;
    r->received += piece.n;
}

static void count_end(void *data, struct http_exchange *x)
{
    struct rig *r = data;
    struct buf text = {0};
    r->held = NULL;
    buf_add_u64(&text, r->received);
    http_answer(x, 200, "text/plain", NULL, buf_str(&text));
    buf_free(&text);
}

static void pour_answer(void *data)
{
    struct rig *r = data;
    while (r->held && r->sent < BIG && http_answer_queued(r->held) <= WORLD_STREAM_LOW) {
        http_answer_write(r->held, (struct str){r->piece, PIECE});
        r->sent += PIECE;
    }
    if (!r->held)
        return;
    if (http_answer_queued(r->held) > r->most_queued)
        r->most_queued = http_answer_queued(r->held);
    if (r->sent >= BIG) {
        struct http_exchange *x = r->held;
        r->held = NULL;
        http_answer_end(x);
    }
}

static void answer_late(void *owner)
{
    struct rig *r = owner;
    struct http_exchange *x = r->held;
    r->held = NULL;
    if (x)
        http_answer(x, 200, "text/plain", NULL, STR("late"));
}

static void answer_headers(struct http_exchange *x)
{
    const struct http_headers *in = http_request_headers(x);
    struct http_headers out = {0};
    struct buf text = {0};
    struct str name, value;
    http_headers_add_c(&out, "Set-Cookie", "a=1");
    http_headers_add_c(&out, "Set-Cookie", "b=2");
    for (size_t i = 0; http_headers_at(in, i, &name, &value); i++)
        if (str_eq_nocase(name, STR("Impersonate-Group")))
            buf_addf(&text, STR_FMT ";", STR_ARG(value));
    http_answer(x, 200, "text/plain", &out, buf_str(&text));
    http_headers_free(&out);
    buf_free(&text);
}

static void tunnel(struct rig *r, struct http_exchange *x)
{
    struct http_headers out = {0};
    struct buf early = {0};
    http_headers_add_c(&out, "Upgrade", "echo");
    http_headers_add_c(&out, "Connection", "Upgrade");
    r->tunnel.c = r->c;
    r->tunnel.echo = true;
    r->tunnel.s = http_upgrade(x, &out, &early);
    r->upgraded++;
    world_stream_attach(r->tunnel.s, &peer_handler, &r->tunnel);
    if (early.n)
        world_stream_write(r->tunnel.s, buf_str(&early));
    buf_free(&early);
    http_headers_free(&out);
}

static void on_request(void *owner, struct http_exchange *x)
{
    struct rig *r = owner;
    struct str path = http_path(x);
    r->requests++;
    http_exchange_set(x, r, on_gone);
    if (str_eq_c(path, "/echo")) {
        http_read_all(x, echo_all);
    } else if (str_eq_c(path, "/stream")) {
        r->held = x;
        http_answer_start(x, 200, NULL);
        http_answer_on_drained(x, echo_drained);
        http_read_stream(x, echo_piece, echo_end);
    } else if (str_eq_c(path, "/count")) {
        r->held = x;
        http_read_stream(x, count_piece, count_end);
    } else if (str_eq_c(path, "/big")) {
        r->held = x;
        http_answer_start(x, 200, NULL);
        http_answer_on_drained(x, pour_answer);
        pour_answer(r);
    } else if (str_eq_c(path, "/late")) {
        r->held = x;
        world_timer_start(r->later, 50 * NS_PER_MS);
    } else if (str_eq_c(path, "/hold")) {
        r->held = x;
    } else if (str_eq_c(path, "/cut")) {
        http_answer_start(x, 200, NULL);
        http_answer_write(x, STR("half of"));
        http_answer_abort(x);
    } else if (str_eq_c(path, "/headers")) {
        answer_headers(x);
    } else if (str_eq_c(path, "/tunnel")) {
        tunnel(r, x);
    } else {
        http_answer(x, 404, "text/plain", NULL, path);
    }
}

static struct rig *rig_new(struct contract *c, bool tls)
{
    struct rig *r = MEM_NEW(struct rig);
    r->c = c;
    r->piece = mem_alloc(PIECE);
    r->later = world_timer_new(c->server, answer_late, r);
    struct world_tls offer = {0};
    if (tls) {
        r->pki = contract_pki_new(c);
        offer = (struct world_tls){.cert_pem = r->pki->cert_pem, .key_pem = r->pki->key_pem};
        r->tls = (struct world_tls){.server_name = STR(CONTRACT_NAME), .ca_pem = r->pki->ca_pem};
    }
    r->http = http_server_new(c->server, &(struct http_server_options){0}, on_request, r);
    const struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), 0),
                                        .tls = tls ? &offer : NULL};
    struct err *err = http_server_listen(r->http, &listen, &r->l);
    assert_null(err);
    r->client = http_client_new(c->client);
    return r;
}

static void rig_free(struct rig *r)
{
    http_client_free(r->client);
    http_server_free(r->http);
    peer_free(&r->tunnel);
    world_timer_free(r->later);
    if (r->pki)
        contract_pki_free(r->pki);
    mem_free(r->piece);
    mem_free(r);
}

/* ---- the client ---- */
static bool on_head(void *owner, const struct http_response *response)
{
    struct call *call = owner;
    call->heads++;
    call->status = response->status;
    if (call->pause)
        http_call_pause(call->call);
    return call->stream;
}

static void on_piece(void *owner, struct str piece)
{
    struct call *call = owner;
    call->bytes += piece.n;
}

static void on_done(void *owner, const struct http_response *response, const struct err *err)
{
    struct call *call = owner;
    call->done++;
    call->call = NULL;
    call->failed = err != NULL;
    if (err)
        call->code = err->code;
    if (!response)
        return;
    call->status = response->status;
    buf_add(&call->body, buf_str(&response->body));
    for (size_t i = 0;; i++) {
        struct str name, value;
        if (!http_headers_at(&response->headers, i, &name, &value))
            break;
        if (str_eq_nocase(name, STR("Set-Cookie")))
            buf_addf(&call->header, STR_FMT ";", STR_ARG(value));
    }
}

static const struct http_call_handler call_handler = {
    .head = on_head, .data = on_piece, .done = on_done};

static struct http_request request_of(struct rig *r, const char *method, const char *path,
                                      struct str body)
{
    return (struct http_request){.address = r->c->ops->server_addr(r->c, world_listener_port(r->l)),
                                 .tls = r->pki ? &r->tls : NULL,
                                 .host = STR(CONTRACT_NAME),
                                 .method = method,
                                 .target = str_c(path),
                                 .body = body,
                                 .content_type = body.n ? "text/plain" : NULL};
}

static void call_start(struct rig *r, struct call *call, const char *method, const char *path,
                       struct str body)
{
    const struct http_request request = request_of(r, method, path, body);
    call->call = http_call_start(r->client, &request, &call_handler, call);
    assert_int_equal(call->done, 0);
}

static void call_free(struct call *call)
{
    buf_free(&call->body);
    buf_free(&call->header);
}

/* One whole call with a collected body. */
static void expect(struct rig *r, const char *method, const char *path, struct str body, int status,
                   struct str answer)
{
    struct call call = {0};
    call_start(r, &call, method, path, body);
    contract_until_flag(r->c, &call.done);
    assert_false(call.failed);
    assert_int_equal(call.status, status);
    assert_true(str_eq(buf_str(&call.body), answer));
    call_free(&call);
}

static void requests_and_keep_alive(struct contract *c)
{
    struct rig *r = rig_new(c, false);
    for (int i = 0; i < 5; i++) {
        expect(r, "POST", "/echo", STR("hello"), 200, STR("hello"));
        expect(r, "GET", "/nowhere", str_empty, 404, STR("/nowhere"));
        assert_int_equal(http_client_connections(r->client), 1);
        assert_int_equal(http_server_connections(r->http), 1);
    }
    assert_int_equal(r->requests, 10);
    rig_free(r);
}

static void requests_over_tls(struct contract *c)
{
    struct rig *r = rig_new(c, true);
    expect(r, "PUT", "/echo", STR("secret"), 200, STR("secret"));
    expect(r, "GET", "/nowhere", str_empty, 404, STR("/nowhere"));
    assert_int_equal(http_client_connections(r->client), 1);
    rig_free(r);
}

static void many_at_once(struct contract *c)
{
    struct rig *r = rig_new(c, false);
    struct call calls[20] = {0};
    for (int i = 0; i < 20; i++)
        call_start(r, &calls[i], "POST", "/echo", STR("x"));
    for (int i = 0; i < 20; i++) {
        contract_until_flag(c, &calls[i].done);
        assert_false(calls[i].failed);
        call_free(&calls[i]);
    }
    rig_free(r);
}

static void repeated_headers(struct contract *c)
{
    struct rig *r = rig_new(c, false);
    struct http_headers headers = {0};
    http_headers_add_c(&headers, "Impersonate-Group", "one");
    http_headers_add_c(&headers, "Impersonate-Group", "two");
    struct http_request request = request_of(r, "GET", "/headers", str_empty);
    request.headers = &headers;
    struct call call = {0};
    call.call = http_call_start(r->client, &request, &call_handler, &call);
    contract_until_flag(c, &call.done);
    assert_string_equal(buf_c(&call.body), "one;two;");
    assert_string_equal(buf_c(&call.header), "a=1;b=2;");
    call_free(&call);
    http_headers_free(&headers);
    rig_free(r);
}

static void streaming_both_ways(struct contract *c)
{
    struct rig *r = rig_new(c, false);
    size_t n = (size_t)2 << 20;
    char *bytes = mem_alloc(n);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(i * 31 >> 4);
    expect(r, "POST", "/stream", (struct str){bytes, n}, 200, (struct str){bytes, n});
    assert_true(r->most_queued < (size_t)1 << 20);
    mem_free(bytes);
    rig_free(r);
}

static void big_answer_in_bounded_memory(struct contract *c)
{
    struct rig *r = rig_new(c, false);
    struct call call = {.stream = true, .pause = true};
    call_start(r, &call, "GET", "/big", str_empty);
    contract_until_flag(c, &call.heads);
    contract_for(c, 200 * NS_PER_MS);
    assert_true(r->sent < BIG / 2); /* a paused reader holds the writer */
    http_call_resume(call.call);
    contract_until_flag(c, &call.done);
    assert_false(call.failed);
    assert_int_equal(call.bytes, BIG);
    assert_true(r->most_queued <= WORLD_STREAM_LOW + PIECE + 64);
    call_free(&call);
    rig_free(r);
}

/* ---- raw ---- */
static void raw_connect(struct rig *r, struct peer *p)
{
    peer_connect(r->c, p, r->c->ops->server_addr(r->c, world_listener_port(r->l)), NULL);
}

static void raw_send(struct peer *p, const char *text)
{
    world_stream_write(p->s, str_c(text));
}

struct wanted {
    struct peer *p;
    const char *text;
};

static bool has_text(void *owner)
{
    const struct wanted *w = owner;
    return str_find(buf_str(&w->p->got), str_c(w->text)) >= 0;
}

static void raw_until(struct peer *p, const char *text)
{
    struct wanted w = {p, text};
    contract_until(p->c, has_text, &w);
}

static void pour_upload(struct peer *p)
{
    struct rig *r = p->data;
    while (r->sent < BIG && world_stream_queued(p->s) <= WORLD_STREAM_LOW) {
        world_stream_write(p->s, (struct str){r->piece, PIECE});
        r->sent += PIECE;
    }
    if (world_stream_queued(p->s) > r->most_queued)
        r->most_queued = world_stream_queued(p->s);
}

static void big_request_in_bounded_memory(struct contract *c)
{
    struct rig *r = rig_new(c, false);
    struct peer p = {.data = r, .on_drained = pour_upload};
    raw_connect(r, &p);
    contract_until(c, peer_is_open, &p);
    raw_send(&p, "POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 104857600\r\n\r\n");
    pour_upload(&p);
    raw_until(&p, "\r\n\r\n104857600");
    assert_int_equal(r->received, BIG);
    assert_true(r->most_queued <= WORLD_STREAM_LOW + PIECE + 256);
    peer_free(&p);
    rig_free(r);
}

static void chunked_request(struct contract *c)
{
    struct rig *r = rig_new(c, false);
    struct peer p = {0};
    raw_connect(r, &p);
    raw_send(&p, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
    contract_until_flag(c, &r->requests);
    raw_send(&p, "lo\r\n6;ext=1\r\n world\r\n0\r\nTrailer: 1\r\n\r\n");
    raw_until(&p, "\r\n\r\nhello world");
    peer_free(&p);
    rig_free(r);
}

static void pipelining_keeps_the_order(struct contract *c)
{
    struct rig *r = rig_new(c, false);
    struct peer p = {0};
    raw_connect(r, &p);
    raw_send(&p, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n"
                 "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nsecond"
                 "GET /third HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    contract_until(c, peer_has_ended, &p);
    ptrdiff_t late = str_find(buf_str(&p.got), STR("\r\n\r\nlate"));
    ptrdiff_t second = str_find(buf_str(&p.got), STR("\r\n\r\nsecond"));
    ptrdiff_t third = str_find(buf_str(&p.got), STR("\r\n\r\n/third"));
    assert_true(late > 0 && second > late && third > second);
    peer_free(&p);
    rig_free(r);
}

static void expect_continue(struct contract *c)
{
    struct rig *r = rig_new(c, false);
    struct peer p = {0};
    raw_connect(r, &p);
    raw_send(&p,
             "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    raw_until(&p, "HTTP/1.1 100 Continue\r\n\r\n");
    raw_send(&p, "body");
    raw_until(&p, "\r\n\r\nbody");
    peer_free(&p);
    rig_free(r);
}

static void upgrade_with_early_bytes(struct contract *c)
{
    struct rig *r = rig_new(c, false);
    struct peer p = {0};
    raw_connect(r, &p);
    raw_send(
        &p,
        "GET /tunnel HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly ");
    raw_until(&p, "HTTP/1.1 101 ");
    raw_until(&p, "\r\n\r\nearly ");
    raw_send(&p, "and late");
    raw_until(&p, "early and late");
    world_stream_shutdown(p.s);
    contract_until(c, peer_is_closed, &p);
    assert_false(p.failed);
    assert_int_equal(r->upgraded, 1);
    peer_free(&p);
    rig_free(r);
}

static void smuggling_is_refused(struct contract *c)
{
    static const char both_lengths[] = "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
                                       "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    static const char *const bad[] = {
        both_lengths,
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: +4\r\n\r\nabcd",
        "GET /echo HTTP/1.1\r\n\r\n",
        "GET /echo HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "GET /echo HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
        "GET /echo HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET /echo HTTP/1.1\nHost: x\n\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct rig *r = rig_new(c, false);
        struct peer p = {0};
        raw_connect(r, &p);
        size_t n = bad[i][0] == 0x16 ? 11 : strlen(bad[i]);
        world_stream_write(p.s, (struct str){bad[i], n});
        world_stream_write(p.s, STR("GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"));
        contract_until(c, peer_has_ended, &p);
        struct str start = str_sub(buf_str(&p.got), 0, 10);
        if (!str_eq_c(start, "HTTP/1.1 4") && !str_eq_c(start, "HTTP/1.1 5"))
            fail_msg("request %zu was answered with " STR_FMT, i, STR_ARG(buf_str(&p.got)));
        assert_int_equal(str_find(buf_str(&p.got), STR("smuggled")), -1);
        peer_free(&p);
        rig_free(r);
    }
}

static void too_large(struct contract *c)
{
    struct rig *r = rig_new(c, false);
    struct peer p = {0}, q = {0};
    raw_connect(r, &p);
    raw_send(&p, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n");
    raw_until(&p, "HTTP/1.1 413 ");
    raw_connect(r, &q);
    raw_send(&q, "GET / HTTP/1.1\r\nHost: x\r\nLong: ");
    memset(r->piece, 'a', PIECE);
    for (int i = 0; i < 2; i++)
        world_stream_write(q.s, (struct str){r->piece, PIECE});
    raw_until(&q, "HTTP/1.1 431 ");
    peer_free(&p);
    peer_free(&q);
    rig_free(r);
}

/* ---- things that go wrong ---- */
static void failing(struct rig *r, const struct http_request *request, enum err_code code)
{
    struct call call = {0};
    call.call = http_call_start(r->client, request, &call_handler, &call);
    contract_until_flag(r->c, &call.done);
    assert_true(call.failed);
    assert_int_equal(call.code, code);
    call_free(&call);
}

static void time_out_of_an_answer(struct contract *c)
{
    struct rig *r = rig_new(c, false);
    struct http_request request = request_of(r, "GET", "/hold", str_empty);
    request.timeout = 200 * NS_PER_MS;
    failing(r, &request, ERR_TIMEOUT);
    request.timeout = -1;
    request.head_timeout = 200 * NS_PER_MS;
    failing(r, &request, ERR_TIMEOUT);
    rig_free(r);
}

static void nobody_listens(struct contract *c)
{
    struct rig *r = rig_new(c, false);
    struct http_request request = request_of(r, "GET", "/", str_empty);
    request.address.port = 1;
    failing(r, &request, ERR_CONN_REFUSED);
    rig_free(r);
}

static void nobody_answers(struct contract *c)
{
    struct rig *r = rig_new(c, false);
    struct http_request request = request_of(r, "GET", "/", str_empty);
    request.address = c->ops->black_hole(c);
    request.timeout = 300 * NS_PER_MS;
    failing(r, &request, ERR_TIMEOUT);
    rig_free(r);
}

static void a_cut_answer_is_an_error(struct contract *c)
{
    struct rig *r = rig_new(c, false);
    struct call call = {.stream = true};
    call_start(r, &call, "GET", "/cut", str_empty);
    contract_until_flag(c, &call.done);
    assert_true(call.failed);
    call_free(&call);
    rig_free(r);
}

static void an_abrupt_client_is_noticed(struct contract *c)
{
    struct rig *r = rig_new(c, false);
    struct call call = {0};
    call_start(r, &call, "GET", "/hold", str_empty);
    contract_until_flag(c, &r->requests);
    http_call_cancel(call.call);
    contract_until_flag(c, &r->gone);
    assert_int_equal(call.done, 0);
    rig_free(r);
}

static void an_abrupt_server_is_noticed(struct contract *c)
{
    struct rig *r = rig_new(c, false);
    struct call call = {0};
    call_start(r, &call, "GET", "/hold", str_empty);
    contract_until_flag(c, &r->requests);
    http_server_free(r->http);
    r->http = http_server_new(c->server, &(struct http_server_options){0}, on_request, r);
    contract_until_flag(c, &call.done);
    assert_true(call.failed);
    call_free(&call);
    rig_free(r);
}

static bool has_no_connections(void *owner)
{
    const struct rig *r = owner;
    return http_server_connections(r->http) == 0;
}

static void drain_lets_answers_finish(struct contract *c)
{
    struct rig *r = rig_new(c, false);
    struct call call = {0};
    call_start(r, &call, "GET", "/late", str_empty);
    contract_until_flag(c, &r->requests);
    http_server_drain(r->http);
    contract_until_flag(c, &call.done);
    assert_false(call.failed);
    assert_string_equal(buf_c(&call.body), "late");
    contract_until(c, has_no_connections, r);
    call_free(&call);
    rig_free(r);
}

static const struct contract_case cases[] = {
    {"requests and keep-alive", requests_and_keep_alive},
    {"requests over TLS", requests_over_tls},
    {"many at once", many_at_once},
    {"repeated headers", repeated_headers},
    {"streaming both ways", streaming_both_ways},
    {"a big answer in bounded memory", big_answer_in_bounded_memory},
    {"a big request in bounded memory", big_request_in_bounded_memory},
    {"chunked request", chunked_request},
    {"pipelining keeps the order", pipelining_keeps_the_order},
    {"expect 100-continue", expect_continue},
    {"upgrade with early bytes", upgrade_with_early_bytes},
    {"smuggling is refused", smuggling_is_refused},
    {"too large", too_large},
    {"time-out of an answer", time_out_of_an_answer},
    {"nobody listens", nobody_listens},
    {"nobody answers", nobody_answers},
    {"a cut answer is an error", a_cut_answer_is_an_error},
    {"an abrupt client is noticed", an_abrupt_client_is_noticed},
    {"an abrupt server is noticed", an_abrupt_server_is_noticed},
    {"drain lets answers finish", drain_lets_answers_finish},
};

CONTRACT_MAIN("http", cases)
