/* Goal: both sides of a WebSocket follow RFC 6455: handshake, frames, control frames between fragments, close codes,
 * refusals; and may be paused, closed or aborted anywhere.
 * Method: hand-made frames of a raw peer against each side; then both sides against each other, over cut streams. */
#include "tests/unit/support/check.h"
#include "tests/unit/support/raw_peer.h"

#include "engine/http/ws.h"

#define PORT 80

struct side {
    struct http_ws *ws;
    size_t opens, messages, pings, pongs, drains, closes;
    bool text, failed, close_in_message, abort_in_message, pause_in_message, echo;
    struct buf last;
    uint64_t bytes;
    uint16_t code;
    enum err_code err;
    int http_status;
    struct buf reason;
};
struct fixture {
    struct fake_world *f;
    struct http_server *server;
    struct http_ws_options options;
    struct raw_peer raw;
    struct side s, c; /* server, client */
};

static void on_open(void *owner)
{
    ((struct side *)owner)->opens++;
}
static void on_message(void *owner, bool text, struct str payload)
{
    struct side *s = owner;
    s->messages++;
    s->text = text;
    s->bytes += payload.n;
    buf_clear(&s->last);
    buf_add(&s->last, payload);
    if (s->echo)
        http_ws_send(s->ws, text, payload);
    if (s->pause_in_message)
        http_ws_pause(s->ws);
    if (s->close_in_message)
        http_ws_close(s->ws, 4001, STR("enough"));
    else if (s->abort_in_message)
        http_ws_abort(s->ws);
    if (s->close_in_message || s->abort_in_message)
        s->ws = NULL;
}
static void on_ping(void *owner, struct str payload)
{
    ((struct side *)owner)->pings++;
}
static void on_pong(void *owner, struct str payload)
{
    ((struct side *)owner)->pongs++;
}
static void on_drained(void *owner)
{
    ((struct side *)owner)->drains++;
}
static void on_closed(void *owner, const struct world_ws_closed *how)
{
    struct side *s = owner;
    s->ws = NULL;
    s->closes++;
    s->code = how->code;
    s->failed = how->err != NULL;
    s->err = how->err ? how->err->code : ERR_INVALID;
    s->http_status = how->http_status;
    buf_clear(&s->reason);
    buf_add(&s->reason, how->http_status ? how->http_body : how->reason);
}
static const struct world_ws_handler handler = {.open = on_open,
                                                .message = on_message,
                                                .ping = on_ping,
                                                .pong = on_pong,
                                                .drained = on_drained,
                                                .closed = on_closed};

static void serve(void *owner, struct http_exchange *x)
{
    struct fixture *t = owner;
    if (str_eq(http_path(x), STR("/no")))
        http_answer(x, 401, "text/plain", NULL, STR("who are you"));
    else
        t->s.ws = http_ws_accept(x, &t->options, &handler, &t->s);
}

static void setup(struct fixture *t)
{
    struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), PORT)};
    *t = (struct fixture){.f = fake_new(3)};
    t->server = http_server_new(fake_of(t->f), NULL, serve, t);
    check_ok(http_server_listen(t->server, &listen, NULL));
}
static void side_free(struct side *s)
{
    if (s->ws)
        http_ws_abort(s->ws);
    buf_free(&s->last);
    buf_free(&s->reason);
    *s = (struct side){.ws = NULL};
}
static void teardown(struct fixture *t)
{
    side_free(&t->s);
    side_free(&t->c);
    raw_free(&t->raw);
    http_server_free(t->server);
    fake_run(t->f);
    assert_int_equal(fake_handles(t->f), 0);
    fake_free(t->f);
}

static void dial(struct fixture *t, const char *path, uint16_t port)
{
    struct world_header header = {STR("X-Token"), STR("secret")};
    struct world_ws_connect o = {.address = world_addr_make(STR("127.0.0.1"), port),
                                 .host = STR("manager:80"),
                                 .path = str_c(path),
                                 .headers = &header,
                                 .headers_n = 1,
                                 .fragment_bytes = t->options.fragment_bytes,
                                 .message_bytes_max = t->options.message_bytes_max};
    t->c.ws = http_ws_connect(fake_of(t->f), &o, &handler, &t->c);
}

#define UPGRADE                                                                                    \
    "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"     \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
#define SWITCHED                                                                                   \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"            \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

/* A raw client whose handshake is done. */
static void raw_upgrade(struct fixture *t)
{
    raw_free(&t->raw);
    side_free(&t->s);
    raw_connect(&t->raw, t->f, PORT);
    raw_send_c(&t->raw, UPGRADE);
    fake_run(t->f);
    check_str(buf_str(&t->raw.got), SWITCHED);
    assert_non_null(t->s.ws);
    buf_clear(&t->raw.got);
}

/* A masked frame; the mask is 1 2 3 4. */
static void put_frame(struct buf *out, unsigned first, bool masked, struct str payload)
{
    buf_add_char(out, (char)first);
    unsigned mask = masked ? 0x80 : 0;
    if (payload.n < 126) {
        buf_add_char(out, (char)(mask | payload.n));
    } else {
        buf_add_char(out, (char)(mask | 127));
        for (int shift = 56; shift >= 0; shift -= 8)
            buf_add_char(out, (char)((uint64_t)payload.n >> shift & 0xff));
    }
    if (masked)
        buf_add(out, STR("\1\2\3\4"));
    for (size_t i = 0; i < payload.n; i++)
        buf_add_char(out, (char)(payload.p[i] ^ (masked ? (int)(i % 4 + 1) : 0)));
}
static void send_frame(struct fixture *t, unsigned first, bool masked, struct str payload)
{
    struct buf frame = {0};
    put_frame(&frame, first, masked, payload);
    raw_send(&t->raw, buf_str(&frame));
    buf_free(&frame);
    fake_run(t->f);
}

static void test_handshake(void **state)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
         400},
        {"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n\r\n",
         426},
        {"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13\r\n\r\n",
         400},
        {"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\n\r\n",
         400},
    };
    struct fixture t;
    setup(&t);
    raw_upgrade(&t);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf start = {0};
        raw_free(&t.raw);
        fake_run(t.f);
        raw_connect(&t.raw, t.f, PORT);
        raw_send_c(&t.raw, cases[i].request);
        fake_run(t.f);
        buf_addf(&start, "HTTP/1.1 %d ", cases[i].status);
        check_str_eq(str_sub(buf_str(&t.raw.got), 0, start.n), buf_str(&start));
        assert_null(t.s.ws);
        buf_free(&start);
    }
    assert_true(str_find(buf_str(&t.raw.got), STR("400")) > 0);
    teardown(&t);
}

static void test_frames_in(void **state)
{
    struct fixture t;
    setup(&t);
    for (size_t split = 0; split < 3; split++) {
        fake_split(t.f, split);
        raw_upgrade(&t);
        send_frame(&t, 0x82, true, STR("hello"));
        assert_true(t.s.messages == 1 && !t.s.text);
        check_str(buf_str(&t.s.last), "hello");
        send_frame(&t, 0x81, true, STR("gr\xc3\xbc\xc3\x9f"));
        assert_true(t.s.messages == 2 && t.s.text);
        send_frame(&t, 0x82, true, str_empty);
        assert_true(t.s.messages == 3 && t.s.last.n == 0);
        /* A fragmented message with a ping and a pong inside; a character is cut by the border. */
        send_frame(&t, 0x01, true, STR("a\xc3"));
        send_frame(&t, 0x89, true, STR("ping"));
        check_str(buf_str(&t.raw.got), "\x8a\x04ping");
        send_frame(&t, 0x00, true, STR("\xbc"));
        send_frame(&t, 0x8a, true, STR("pong"));
        send_frame(&t, 0x00, true, str_empty);
        assert_int_equal(t.s.messages, 3);
        send_frame(&t, 0x80, true, STR("z"));
        assert_true(t.s.messages == 4 && t.s.text && t.s.pings == 1 && t.s.pongs == 1);
        check_str(buf_str(&t.s.last), "a\xc3\xbcz");
        buf_clear(&t.raw.got);
        send_frame(&t, 0x88, true,
                   STR("\x0f\xa0"
                       "bye"));
        assert_true(t.s.closes == 1 && !t.s.failed && t.s.code == 4000);
        check_str(buf_str(&t.s.reason), "bye");
        check_str(buf_str(&t.raw.got), "\x88\x02\x0f\xa0");
        assert_true(t.raw.ended);
    }
    teardown(&t);
}

static void test_violations(void **state)
{
    static const struct {
        unsigned first;
        bool masked;
        struct str payload;
        uint16_t code;
    } cases[] = {
        {0x82, false, STR_INIT("x"), 1002},
        {0xc2, true, STR_INIT("x"), 1002},
        {0x92, true, STR_INIT("x"), 1002},
        {0xa2, true, STR_INIT("x"), 1002},
        {0x83, true, STR_INIT("x"), 1002},
        {0x8b, true, STR_INIT("x"), 1002},
        {0x80, true, STR_INIT("x"), 1002},
        {0x09, true, STR_INIT("x"), 1002},
        {0x88, true, STR_INIT("x"), 1002},
        {0x88, true, STR_INIT("\x03\xed"), 1002},
        {0x88, true, STR_INIT("\x03\xee"), 1002},
        {0x88, true, STR_INIT("\x00\x01"), 1002},
        {0x88, true, STR_INIT("\x13\x88"), 1002},
        {0x88, true, STR_INIT("\x03\xe8\xff"), 1007},
        {0x81, true, STR_INIT("\xff"), 1007},
        {0x81, true, STR_INIT("\xc0\x80"), 1007},
        {0x81, true, STR_INIT("\xed\xa0\x80"), 1007},
        {0x81, true, STR_INIT("\xc3"), 1007},
        {0x82, true, STR_INIT("12345678901"), 1009},
    };
    struct fixture t;
    setup(&t);
    t.options.message_bytes_max = 10;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        raw_upgrade(&t);
        send_frame(&t, cases[i].first, cases[i].masked, cases[i].payload);
        if (t.s.closes != 1)
            print_error("case %zu\n", i);
        assert_true(t.s.closes == 1 && t.s.failed && t.s.messages == 0);
        assert_int_equal(t.s.err, cases[i].code == 1009 ? ERR_TOO_LARGE : ERR_PROTOCOL);
        struct str got = buf_str(&t.raw.got);
        assert_true(got.n >= 4 && (unsigned char)got.p[0] == 0x88);
        assert_int_equal((unsigned char)got.p[2] << 8 | (unsigned char)got.p[3], cases[i].code);
    }
    /* A message begins within another; a long control frame; a length that is not minimal. */
    raw_upgrade(&t);
    send_frame(&t, 0x02, true, STR("a"));
    send_frame(&t, 0x82, true, STR("b"));
    assert_true(t.s.closes == 1 && t.s.messages == 0);
    raw_upgrade(&t);
    raw_send(&t.raw, STR("\x89\xfe\x00\x7e"
                         "1234"));
    fake_run(t.f);
    assert_int_equal(t.s.closes, 1);
    raw_upgrade(&t);
    raw_send(&t.raw, STR("\x82\xfe\x00\x05"
                         "1234"
                         "abcde"));
    fake_run(t.f);
    assert_int_equal(t.s.closes, 1);
    /* Fragments add up. */
    raw_upgrade(&t);
    send_frame(&t, 0x02, true, STR("123456"));
    send_frame(&t, 0x80, true, STR("12345"));
    assert_true(t.s.closes == 1 && t.s.err == ERR_TOO_LARGE);
    teardown(&t);
}

static void test_ends(void **state)
{
    struct fixture t;
    setup(&t);
    raw_upgrade(&t);
    world_stream_shutdown(t.raw.stream); /* as the original's agents do: no close frame */
    fake_run(t.f);
    assert_true(t.s.closes == 1 && !t.s.failed && t.s.code == 1006);
    raw_upgrade(&t);
    world_stream_abort(t.raw.stream);
    t.raw.stream = NULL;
    fake_run(t.f);
    assert_true(t.s.closes == 1 && t.s.failed && t.s.code == 1006);
    raw_upgrade(&t);
    t.s.close_in_message = true;
    send_frame(&t, 0x82, true, STR("x"));
    check_str(buf_str(&t.raw.got), "\x88\x08\x0f\xa1"
                                   "enough");
    assert_true(t.s.closes == 0 && t.raw.ended);
    raw_upgrade(&t);
    t.s.abort_in_message = true;
    send_frame(&t, 0x82, true, STR("x"));
    assert_true(t.s.closes == 0 && t.raw.reset);
    raw_upgrade(&t);
    send_frame(&t, 0x88, true, str_empty);
    assert_true(t.s.closes == 1 && t.s.code == 1005 && !t.s.failed);
    check_str_eq(buf_str(&t.raw.got), STR("\x88\x00"));
    teardown(&t);
}

static void test_early_frames(void **state)
{
    struct fixture t;
    struct buf bytes = {0};
    setup(&t);
    buf_add_c(&bytes, UPGRADE);
    put_frame(&bytes, 0x82, true, STR("early"));
    raw_connect(&t.raw, t.f, PORT);
    raw_send(&t.raw, buf_str(&bytes));
    fake_run(t.f);
    assert_int_equal(t.s.messages, 1);
    check_str(buf_str(&t.s.last), "early");
    buf_free(&bytes);
    teardown(&t);
}

static void test_ping_flood(void **state)
{
    struct fixture t;
    struct buf big = {0};
    setup(&t);
    raw_upgrade(&t);
    memset(buf_grow(&big, 200000), 'x', 200000);
    world_stream_pause(t.raw.stream); /* it pings but does not read */
    http_ws_send(t.s.ws, false, buf_str(&big));
    for (int i = 0; i < 1000; i++)
        send_frame(&t, 0x89, true, STR("0123456789"));
    assert_int_equal(t.s.pings, 1000);
    assert_true(http_ws_queued(t.s.ws) < 200000 + 2000);
    buf_free(&big);
    teardown(&t);
}

static void test_both_sides(void **state)
{
    static const size_t sizes[] = {0, 1, 125, 126, 4095, 4096, 32768, 65535, 65536, 65537, 300000};
    static const size_t fragments[] = {0, 1000, 4096};
    struct fixture t;
    struct buf payload = {0};
    for (size_t i = 0; i < 300000; i++)
        buf_add_char(&payload, (char)('a' + i % 26));
    for (size_t i = 0; i < ARRAY_LEN(fragments); i++) {
        setup(&t);
        t.options.fragment_bytes = fragments[i];
        fake_split(t.f, i == 1 ? 777 : 0);
        dial(&t, "/ws", PORT);
        fake_run(t.f);
        assert_true(t.c.opens == 1 && t.s.opens == 0);
        t.s.echo = true;
        for (size_t j = 0; j < ARRAY_LEN(sizes); j++) {
            http_ws_send(t.c.ws, j % 2, str_sub(buf_str(&payload), 0, sizes[j]));
            fake_run(t.f);
            assert_int_equal(t.c.messages, j + 1);
            assert_int_equal(t.c.text, j % 2);
            check_str_eq(buf_str(&t.c.last), str_sub(buf_str(&payload), 0, sizes[j]));
        }
        assert_true(t.c.drains > 0);
        http_ws_ping(t.c.ws, STR("p"));
        http_ws_ping(t.s.ws, str_empty);
        fake_run(t.f);
        assert_true(t.s.pings == 1 && t.c.pings == 1 && t.s.pongs == 1 && t.c.pongs == 1);
        http_ws_close(t.c.ws, 1001, STR("going away"));
        t.c.ws = NULL;
        fake_run(t.f);
        assert_true(t.s.closes == 1 && t.s.code == 1001 && !t.s.failed && t.c.closes == 0);
        check_str(buf_str(&t.s.reason), "going away");
        teardown(&t);
    }
    buf_free(&payload);
}

static void test_large(void **state)
{
    struct fixture t;
    struct buf payload = {0};
    setup(&t);
    memset(buf_grow(&payload, 10000000), 'L', 10000000);
    dial(&t, "/ws", PORT);
    fake_run(t.f);
    fake_split(t.f, 70000);
    http_ws_send(t.c.ws, false, buf_str(&payload));
    http_ws_send(t.s.ws, true, buf_str(&payload));
    fake_run(t.f);
    assert_true(t.s.bytes == 10000000 && t.c.bytes == 10000000);
    check_str_eq(buf_str(&t.s.last), buf_str(&payload));
    buf_free(&payload);
    teardown(&t);
}

static void test_pause(void **state)
{
    struct fixture t;
    setup(&t);
    dial(&t, "/ws", PORT);
    fake_run(t.f);
    t.s.pause_in_message = true;
    for (int i = 0; i < 5; i++)
        http_ws_send(t.c.ws, false, STR("x"));
    fake_run(t.f);
    for (size_t i = 1; i <= 5; i++) {
        assert_int_equal(t.s.messages, i);
        http_ws_resume(t.s.ws);
        assert_int_equal(t.s.messages, i); /* never from inside the call */
        fake_run(t.f);
    }
    t.s.pause_in_message = false;
    http_ws_resume(t.s.ws);
    http_ws_pause(t.s.ws);
    struct buf big = {0};
    memset(buf_grow(&big, 1000000), 'x', 1000000);
    http_ws_send(t.c.ws, false, buf_str(&big));
    fake_run(t.f);
    assert_true(http_ws_queued(t.c.ws) > 900000); /* the peer feels it */
    http_ws_resume(t.s.ws);
    fake_run(t.f);
    assert_true(t.s.bytes >= 1000000 && t.c.drains == 1);
    buf_free(&big);
    teardown(&t);
}

static void accept_raw(void *owner, struct world_stream *s)
{
    raw_take(&((struct fixture *)owner)->raw, s);
}

static void test_client_refused(void **state)
{
    static const char *const bad[] = {
        SWITCHED,
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "garbage\r\n\r\n",
    };
    struct fixture t;
    struct world_listener *listener;
    struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), 81)};
    setup(&t);
    dial(&t, "/no", PORT);
    fake_run(t.f);
    assert_true(t.c.closes == 1 && t.c.failed && t.c.err == ERR_UNAUTHORIZED);
    assert_int_equal(t.c.http_status, 401);
    check_str(buf_str(&t.c.reason), "who are you");
    dial(&t, "/ws", 9);
    fake_run(t.f);
    assert_true(t.c.closes == 2 && t.c.err == ERR_CONN_REFUSED && t.c.http_status == 0);
    dial(&t, "/w s", PORT);
    assert_int_equal(t.c.closes, 2);
    fake_run(t.f);
    assert_true(t.c.closes == 3 && t.c.err == ERR_INVALID);
    check_ok(world_listen(fake_of(t.f), &listen, accept_raw, &t, &listener));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        raw_free(&t.raw);
        dial(&t, "/ws", 81);
        fake_run(t.f);
        assert_true(
            str_starts(buf_str(&t.raw.got), STR("GET /ws HTTP/1.1\r\nHost: manager:80\r\n")));
        assert_true(str_find(buf_str(&t.raw.got), STR("X-Token: secret\r\n")) > 0);
        raw_send_c(&t.raw, bad[i]);
        fake_run(t.f);
        assert_true(t.c.closes == 4 + i && t.c.err == ERR_PROTOCOL);
    }
    raw_free(&t.raw);
    dial(&t, "/ws", 81); /* no answer */
    fake_run_for(t.f, 9 * NS_PER_S);
    assert_int_equal(t.c.closes, 7);
    fake_run_for(t.f, 2 * NS_PER_S);
    assert_true(t.c.closes == 8 && t.c.err == ERR_TIMEOUT);
    raw_free(&t.raw);
    dial(&t, "/ws", 81); /* a refusal without end */
    fake_run(t.f);
    raw_send_c(&t.raw, "HTTP/1.1 503 x\r\n\r\n");
    for (int i = 0; i < 5000; i++)
        raw_send_c(&t.raw, "y");
    fake_run(t.f);
    assert_true(t.c.closes == 9 && t.c.http_status == 503 && t.c.reason.n == 4096);
    raw_free(&t.raw);
    dial(&t, "/ws", 81); /* given up before it opened */
    fake_run(t.f);
    http_ws_close(t.c.ws, 1000, str_empty);
    t.c.ws = NULL;
    fake_run(t.f);
    assert_true(t.c.closes == 9 && t.raw.reset);
    world_listener_close(listener);
    teardown(&t);
}

static void test_peer_reset(void **state)
{
    struct fixture t;
    setup(&t);
    dial(&t, "/ws", PORT);
    fake_run(t.f);
    http_ws_abort(t.s.ws);
    t.s.ws = NULL;
    fake_run(t.f);
    assert_true(t.c.closes == 1 && t.c.failed && t.c.err == ERR_CONN_RESET);
    teardown(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshake),    cmocka_unit_test(test_frames_in),
        cmocka_unit_test(test_violations),   cmocka_unit_test(test_ends),
        cmocka_unit_test(test_early_frames), cmocka_unit_test(test_ping_flood),
        cmocka_unit_test(test_both_sides),   cmocka_unit_test(test_large),
        cmocka_unit_test(test_pause),        cmocka_unit_test(test_client_refused),
        cmocka_unit_test(test_peer_reset),
    };
    return cmocka_run_group_tests_name("http_ws", tests, NULL, NULL);
}
