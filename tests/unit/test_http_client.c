/* Goal: the HTTP client reads every form of answer, keeps and reuses connections, times out, retries what may be sent
 * again, and survives being cancelled or freed inside its own callbacks.
 * Method: scripted raw servers over fake streams; one client also talks to our own server. */
#include "tests/unit/support/check.h"
#include "tests/unit/support/raw_peer.h"

#include "engine/http/client.h"
#include "engine/http/server.h"

#define PORT  80
#define PEERS 64

struct fixture {
    struct fake_world *f;
    struct http_client *client;
    struct world_listener *listener;
    struct raw_peer peers[PEERS];
    size_t peers_n;
    /* of the last call */
    struct http_call *call;
    bool stream, cancel_in_head, cancel_in_data, free_in_done, pause_in_data, again_in_done;
    size_t heads, dones;
    int status;
    bool had_response;
    enum err_code code;
    bool failed;
    struct buf body;
    uint64_t streamed_n;
};

static void on_accept(void *owner, struct world_stream *s)
{
    struct fixture *t = owner;
    assert_true(t->peers_n < PEERS);
    raw_take(&t->peers[t->peers_n++], s);
}

static struct http_call *start(struct fixture *t, const char *method, const char *target,
                               const char *body, world_time timeout);

static bool on_head(void *owner, const struct http_response *r)
{
    struct fixture *t = owner;
    t->heads++;
    t->status = r->status;
    if (t->cancel_in_head)
        http_call_cancel(t->call);
    return t->stream;
}
static void on_data(void *owner, struct str piece)
{
    struct fixture *t = owner;
    t->streamed_n += piece.n;
    if (t->body.n < 4096)
        buf_add(&t->body, piece);
    if (t->cancel_in_data)
        http_call_cancel(t->call);
    else if (t->pause_in_data)
        http_call_pause(t->call);
}
static void on_done(void *owner, const struct http_response *r, const struct err *err)
{
    struct fixture *t = owner;
    t->dones++;
    t->had_response = r != NULL;
    t->failed = err != NULL;
    t->code = err ? err->code : ERR_INVALID;
    if (r && !err) {
        t->status = r->status;
        if (!t->stream)
            buf_add(&t->body, buf_str(&r->body));
    }
    http_call_cancel(t->call); /* too late, and harmless */
    t->call = NULL;
    if (t->free_in_done) {
        http_client_free(t->client);
        t->client = NULL;
    }
    if (t->again_in_done) {
        t->again_in_done = false;
        t->call = start(t, "GET", "/again", "", 0);
    }
}
static const struct http_call_handler handler = {.head = on_head, .data = on_data, .done = on_done};

static struct http_call *start_to(struct fixture *t, uint16_t port, const char *method,
                                  const char *target, const char *body, world_time timeout)
{
    struct http_request r = {.address = world_addr_make(STR("127.0.0.1"), port),
                             .host = STR("a"),
                             .method = method,
                             .target = str_c(target),
                             .body = str_c(body),
                             .content_type = *body ? "text/plain" : NULL,
                             .timeout = timeout};
    buf_clear(&t->body);
    t->heads = t->dones = 0;
    t->streamed_n = 0;
    return t->call = http_call_start(t->client, &r, &handler, t);
}
static struct http_call *start(struct fixture *t, const char *method, const char *target,
                               const char *body, world_time timeout)
{
    return start_to(t, PORT, method, target, body, timeout);
}

static void setup(struct fixture *t)
{
    struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), PORT)};
    *t = (struct fixture){.f = fake_new(2)};
    check_ok(world_listen(fake_of(t->f), &listen, on_accept, t, &t->listener));
    t->client = http_client_new(fake_of(t->f));
}
static void teardown(struct fixture *t)
{
    http_client_free(t->client);
    for (size_t i = 0; i < t->peers_n; i++)
        raw_free(&t->peers[i]);
    world_listener_close(t->listener);
    buf_free(&t->body);
    assert_int_equal(fake_handles(t->f), 0);
    fake_free(t->f);
}

static struct raw_peer *last(struct fixture *t)
{
    assert_true(t->peers_n > 0);
    return &t->peers[t->peers_n - 1];
}

static void answer(struct fixture *t, const char *bytes)
{
    raw_send_c(last(t), bytes);
    fake_run(t->f);
}

static void test_request_bytes(void **state)
{
    struct fixture t;
    struct http_headers headers = {0};
    setup(&t);
    http_headers_add_c(&headers, "X-A", "1");
    http_headers_add_c(&headers, "Host", "evil");
    http_headers_add_c(&headers, "Content-Length", "7");
    http_headers_add_c(&headers, "X-A", "2");
    struct http_request r = {.address = world_addr_make(STR("127.0.0.1"), PORT),
                             .host = STR("a:1"),
                             .method = "PATCH",
                             .target = STR("/p?q"),
                             .headers = &headers,
                             .body = STR("{}"),
                             .content_type = "application/json"};
    t.call = http_call_start(t.client, &r, &handler, &t);
    http_headers_free(&headers);
    fake_run(t.f);
    check_str(buf_str(&last(&t)->got),
              "PATCH /p?q HTTP/1.1\r\nHost: a:1\r\nX-A: 1\r\nX-A: 2\r\n"
              "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
    answer(&t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert_int_equal(t.dones, 1);
    buf_clear(&last(&t)->got);
    start(&t, "POST", "/", "", 0);
    fake_run(t.f);
    check_str(buf_str(&last(&t)->got), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(t.peers_n, 1);
    teardown(&t);
}

static void test_answers(void **state)
{
    static const struct {
        const char *method, *bytes;
        bool end;   /* the server ends the stream */
        int status; /* 0: an error */
        const char *body;
        bool kept;
    } cases[] = {
        {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false, 200, "ok", true},
        {"GET", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", false, 200, "", true},
        {"GET", "HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx", false, 404, "x", true},
        {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\n\r\n",
         false, 200, "ok", true},
        {"GET",
         "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nLink: y\r\n\r\n"
         "HTTP/1.1 204 No Content\r\n\r\n",
         false, 204, "", true},
        {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", false, 304, "", true},
        {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", false, 200, "", true},
        {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", false, 200,
         "ok", false},
        {"GET", "HTTP/1.1 200 OK\r\n\r\nuntil the end", true, 200, "until the end", false},
        {"GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", false, 200, "ok", false},
        {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok, and more", false, 200, "ok",
         false},
        {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", true, 0, "", false},
        {"GET", "HTTP/1.1 200 OK\r\nContent-Len", true, 0, "", false},
        {"GET", "", true, 0, "", false},
        {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", true, 0, "",
         false},
        {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nok", false, 0, "", false},
        {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n", false,
         0, "", false},
        {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", false, 0, "", false},
        {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!", false, 0,
         "", false},
        {"GET", "HTTP/1.1 101 Switching Protocols\r\n\r\n", false, 0, "", false},
        {"GET", "HTTP/2.0 200 OK\r\n\r\n", false, 0, "", false},
        {"GET", "HTTP/1.1 20 OK\r\n\r\n", false, 0, "", false},
        {"GET", "HTTP/1.1 2000 OK\r\n\r\n", false, 0, "", false},
        {"GET", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", false, 0, "", false},
        {"GET", "nonsense\r\n\r\n", false, 0, "", false},
    };
    for (size_t split = 0; split < 4; split++) {
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
            struct fixture t;
            setup(&t);
            fake_split(t.f, split);
            start(&t, cases[i].method, "/", "", 0);
            fake_run(t.f);
            raw_send_c(last(&t), cases[i].bytes);
            if (cases[i].end)
                world_stream_shutdown(last(&t)->stream);
            fake_run(t.f);
            if (t.dones != 1 || t.failed != (cases[i].status == 0))
                print_error("case %zu: %s\n", i, cases[i].bytes);
            assert_int_equal(t.dones, 1);
            assert_int_equal(t.failed, cases[i].status == 0);
            if (cases[i].status) {
                assert_int_equal(t.status, cases[i].status);
                check_str(buf_str(&t.body), cases[i].body);
            }
            /* Bytes after the answer may come in their own piece: then the connection ends a little later. */
            assert_int_equal(http_client_connections(t.client), cases[i].kept);
            teardown(&t);
        }
    }
}

static void test_connect_errors(void **state)
{
    struct fixture t;
    setup(&t);
    start_to(&t, 81, "GET", "/", "", 0);
    assert_int_equal(t.dones, 0);
    fake_run(t.f);
    assert_true(t.dones == 1 && t.failed && t.code == ERR_CONN_REFUSED && !t.had_response);
    fake_blackhole(t.f, true);
    start(&t, "GET", "/", "", 0);
    fake_run_for(t.f, 11 * NS_PER_S);
    assert_true(t.dones == 1 && t.code == ERR_TIMEOUT);
    start(&t, "GET", "/", "", 3 * NS_PER_S);
    fake_run_for(t.f, 4 * NS_PER_S);
    assert_true(t.dones == 1 && t.code == ERR_TIMEOUT);
    start(&t, "GET", "/a b", "", 0);
    assert_int_equal(t.dones, 0);
    fake_run(t.f);
    assert_true(t.dones == 1 && t.code == ERR_INVALID);
    start(&t, "GET", "/a\r\nX: y", "", 0);
    http_call_cancel(t.call);
    fake_run(t.f);
    assert_int_equal(t.dones, 0);
    t.free_in_done = true;
    start(&t, "GET", "", "", 0);
    fake_run(t.f);
    assert_int_equal(t.dones, 1);
    teardown(&t);
}

static void test_deadlines(void **state)
{
    struct fixture t;
    setup(&t);
    start(&t, "GET", "/", "", 0);
    fake_run_for(t.f, 44 * NS_PER_S);
    answer(&t, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na");
    assert_int_equal(t.dones, 0);
    fake_run_for(t.f, 2 * NS_PER_S);
    assert_true(t.dones == 1 && t.code == ERR_TIMEOUT && t.had_response);
    assert_true(last(&t)->reset);
    /* A watch: no deadline, but one for its head, and one for silence. */
    struct http_request r = {.address = world_addr_make(STR("127.0.0.1"), PORT),
                             .host = STR("a"),
                             .method = "GET",
                             .target = STR("/watch"),
                             .timeout = -1,
                             .head_timeout = 5 * NS_PER_S,
                             .idle_timeout = 20 * NS_PER_S};
    t.stream = true;
    t.dones = 0;
    t.call = http_call_start(t.client, &r, &handler, &t);
    fake_run_for(t.f, 6 * NS_PER_S);
    assert_true(t.dones == 1 && t.code == ERR_TIMEOUT && !t.had_response);
    t.dones = 0;
    t.call = http_call_start(t.client, &r, &handler, &t);
    fake_run(t.f);
    answer(&t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 10; i++) {
        fake_run_for(t.f, 19 * NS_PER_S);
        answer(&t, "1\r\na\r\n");
    }
    assert_int_equal(t.dones, 0);
    http_call_pause(t.call); /* our own silence does not count */
    fake_run_for(t.f, 100 * NS_PER_S);
    http_call_resume(t.call);
    fake_run_for(t.f, 19 * NS_PER_S);
    assert_int_equal(t.dones, 0);
    fake_run_for(t.f, 2 * NS_PER_S);
    assert_true(t.dones == 1 && t.code == ERR_TIMEOUT && t.streamed_n == 10);
    teardown(&t);
}

static void test_keep_alive(void **state)
{
    struct fixture t;
    setup(&t);
    for (int i = 0; i < 3; i++) {
        start(&t, "GET", "/", "", 0);
        fake_run(t.f);
        answer(&t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        assert_int_equal(t.dones, 1);
        fake_run_for(t.f, 80 * NS_PER_S);
    }
    assert_int_equal(t.peers_n, 1);
    fake_run_for(t.f, 20 * NS_PER_S);
    assert_int_equal(http_client_connections(t.client), 0); /* idle for too long */
    start(&t, "GET", "/", "", 0);
    fake_run(t.f);
    t.again_in_done = true; /* on the connection that has just become free */
    answer(&t, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
    assert_int_equal(t.dones, 0);
    assert_int_equal(t.peers_n, 2);
    answer(&t, "HTTP/1.1 201 OK\r\nContent-Length: 1\r\n\r\ny");
    assert_true(t.dones == 1 && t.status == 201);
    check_str(buf_str(&t.body), "y");
    http_client_forget(t.client);
    assert_int_equal(http_client_connections(t.client), 0);
    start(&t, "GET", "/", "", 0);
    fake_run(t.f);
    http_client_forget(t.client);
    answer(&t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_true(t.dones == 1 && http_client_connections(t.client) == 0);
    /* An idle connection that the server ends, or fills, is dropped. */
    for (int i = 0; i < 2; i++) {
        start(&t, "GET", "/", "", 0);
        fake_run(t.f);
        answer(&t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        assert_int_equal(http_client_connections(t.client), 1);
        if (i == 0)
            world_stream_shutdown(last(&t)->stream);
        else
            raw_send_c(last(&t), "junk");
        fake_run(t.f);
        assert_int_equal(http_client_connections(t.client), 0);
    }
    teardown(&t);
}

static void test_retry(void **state)
{
    static const struct {
        const char *method;
        bool partial, retried;
    } cases[] = {{"GET", false, true},   {"PUT", false, true}, {"DELETE", false, true},
                 {"POST", false, false}, {"GET", true, false}, {"PATCH", false, false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture t;
        setup(&t);
        start(&t, "GET", "/", "", 0);
        fake_run(t.f);
        answer(&t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        buf_clear(&last(&t)->got);
        start(&t, cases[i].method, "/2", "body", 0);
        struct raw_peer *old = last(&t);
        if (cases[i].partial)
            raw_send_c(old, "HTTP/1.1 2");
        fake_run(t.f);
        world_stream_abort(old->stream);
        old->stream = NULL;
        fake_run(t.f);
        assert_int_equal(t.dones, !cases[i].retried);
        if (cases[i].retried) {
            assert_int_equal(t.peers_n, 2);
            check_str_eq(buf_str(&last(&t)->got), buf_str(&old->got)); /* the same bytes */
            world_stream_shutdown(last(&t)->stream);                   /* but only once */
            fake_run(t.f);
            assert_int_equal(t.dones, 1);
        }
        assert_true(t.failed);
        assert_int_equal(t.peers_n, cases[i].retried ? 2 : 1);
        teardown(&t);
    }
}

static void test_callbacks(void **state)
{
    static const char bytes[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef";
    struct fixture t;
    setup(&t);
    t.stream = true;
    t.cancel_in_head = true;
    start(&t, "GET", "/", "", 0);
    fake_run(t.f);
    answer(&t, bytes);
    assert_true(t.heads == 1 && t.dones == 0 && http_client_connections(t.client) == 0);
    t.cancel_in_head = false;
    t.cancel_in_data = true;
    start(&t, "GET", "/", "", 0);
    fake_run(t.f);
    answer(&t, bytes);
    assert_true(t.streamed_n == 6 && t.dones == 0);
    t.cancel_in_data = false;
    t.pause_in_data = true;
    fake_split(t.f, 1);
    start(&t, "GET", "/", "", 0);
    fake_run(t.f);
    answer(&t, bytes);
    for (size_t i = 1; i <= 6; i++) {
        assert_int_equal(t.streamed_n, i);
        http_call_resume(t.call);
        fake_run(t.f);
    }
    assert_int_equal(t.dones, 1);
    fake_split(t.f, 0);
    t.pause_in_data = false;
    start(&t, "GET", "/", "", 0);
    fake_run(t.f);
    http_call_cancel(t.call);
    fake_run(t.f);
    assert_int_equal(t.dones, 0);
    assert_true(last(&t)->reset);
    t.free_in_done = true;
    start(&t, "GET", "/", "", 0);
    fake_run(t.f);
    answer(&t, bytes);
    assert_true(t.dones == 1 && !t.client);
    teardown(&t);
}

static void test_bounded_body(void **state)
{
    struct fixture t;
    struct http_request r = {.address = world_addr_make(STR("127.0.0.1"), PORT),
                             .host = STR("a"),
                             .method = "GET",
                             .target = STR("/"),
                             .body_bytes_max = 4};
    setup(&t);
    t.call = http_call_start(t.client, &r, &handler, &t);
    fake_run(t.f);
    answer(&t, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde");
    assert_true(t.dones == 1 && t.code == ERR_TOO_LARGE);
    teardown(&t);
}

/* ---- against our own server ---- */

static void server_piece(void *data, struct http_exchange *x, struct str piece)
{
    http_answer_write(x, piece);
}
static void server_end(void *data, struct http_exchange *x)
{
    http_answer_end(x);
}
static void server_handle(void *owner, struct http_exchange *x)
{
    http_answer_start(x, 200, NULL);
    http_read_stream(x, server_piece, server_end);
}

static void test_with_server(void **state)
{
    struct fixture t;
    struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), 8080)};
    struct buf big = {0};
    setup(&t);
    struct http_server *server = http_server_new(fake_of(t.f), NULL, server_handle, NULL);
    check_ok(http_server_listen(server, &listen, NULL));
    memset(buf_grow(&big, 3000000), 'x', 3000000);
    fake_split(t.f, 100000);
    t.stream = true;
    (void)buf_c(&big);
    for (int i = 0; i < 3; i++) {
        start_to(&t, 8080, "PUT", "/", big.p, 0);
        fake_run(t.f);
        assert_true(t.dones == 1 && !t.failed && t.streamed_n == 3000000);
    }
    assert_int_equal(http_server_connections(server), 1);
    http_server_free(server);
    fake_run(t.f);
    buf_free(&big);
    teardown(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_bytes),  cmocka_unit_test(test_answers),
        cmocka_unit_test(test_connect_errors), cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_keep_alive),     cmocka_unit_test(test_retry),
        cmocka_unit_test(test_callbacks),      cmocka_unit_test(test_bounded_body),
        cmocka_unit_test(test_with_server),
    };
    return cmocka_run_group_tests_name("http_client", tests, NULL, NULL);
}
