/* Goal: a session of either side follows the protocol: connections, errors, flow control, keep-alive, sync, fairness.
 * Method: two sessions on the ends of a simulated wire, or one session and hand-made frames at its other end. */
#include "engine/tunnel/session.h"

#include "tests/unit/support/tiny_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* ---- a connection's owner that records ---- */

struct peer {
    struct tunnel_conn *conn; /* NULL: closed */
    struct buf got;
    unsigned closes, drains;
    int code; /* of the end; -1: in order */
    char text[128];
    bool pause_on_data, echo, close_on_data, close_session_on_data;
    struct tunnel_session *session;
    world_time got_at;
    struct tiny *t;
};

static void peer_data(void *owner, struct str bytes)
{
    struct peer *p = owner;
    buf_add(&p->got, bytes);
    p->got_at = p->t ? tiny_now(p->t) : 0;
    if (p->pause_on_data)
        tunnel_conn_pause(p->conn);
    if (p->echo)
        tunnel_conn_write(p->conn, bytes);
    if (p->close_on_data) {
        tunnel_conn_close(p->conn);
        p->conn = NULL;
    }
    if (p->close_session_on_data) {
        struct tunnel_session *s = p->session;
        p->session = NULL;
        tunnel_session_close(s);
    }
}

static void peer_drained(void *owner)
{
    ((struct peer *)owner)->drains++;
}

static void peer_closed(void *owner, const struct err *err)
{
    struct peer *p = owner;
    p->conn = NULL;
    p->closes++;
    p->code = err ? (int)err->code : -1;
    p->text[0] = 0;
    if (err)
        strncat(p->text, err->message, sizeof(p->text) - 1);
}

static const struct tunnel_conn_handler peer_handler = {peer_data, peer_drained, peer_closed};

/* ---- two sessions ---- */

#define FAR_MAX 64u
struct pair {
    struct tiny *t;
    struct world *wa, *wb;
    struct tiny_wire *wire;
    struct tunnel_session *server, *client; /* NULL: closed */
    struct peer far[FAR_MAX];               /* the agent's ends, in order of arrival */
    size_t far_n;
    int server_code, client_code; /* of the sessions' ends; 0: open, -1: without an error */
    struct policies policies;
};

static void server_closed(void *owner, const struct err *why)
{
    struct pair *p = owner;
    p->server = NULL;
    p->server_code = why ? (int)why->code : -1;
}

static void client_closed(void *owner, const struct err *why)
{
    struct pair *p = owner;
    p->client = NULL;
    p->client_code = why ? (int)why->code : -1;
}

static void incoming(void *owner, struct tunnel_conn *c, struct str proto, struct str address)
{
    struct pair *p = owner;
    (void)proto, (void)address;
    struct peer *far = &p->far[p->far_n++];
    far->conn = c;
    far->t = p->t;
    tunnel_conn_attach(c, &peer_handler, far);
}

static void pair_connect(struct pair *p, world_time latency, int64_t rate)
{
    p->wire = tiny_wire_new(p->t, latency, rate);
    struct tunnel_session_options a = {.side = TUNNEL_SERVER,
                                       .policies = &p->policies,
                                       .key = STR("c-1"),
                                       .closed = server_closed,
                                       .owner = p};
    struct tunnel_session_options b = {.side = TUNNEL_CLIENT,
                                       .policies = &p->policies,
                                       .key = STR("client"),
                                       .incoming = incoming,
                                       .closed = client_closed,
                                       .owner = p};
    p->server = tunnel_session_new(p->wa, &tiny_wire_ops, tiny_wire_end(p->wire, 0), &a);
    p->client = tunnel_session_new(p->wb, &tiny_wire_ops, tiny_wire_end(p->wire, 1), &b);
    tiny_end_attach(tiny_wire_end(p->wire, 0), &tunnel_session_ws_handler, p->server);
    tiny_end_attach(tiny_wire_end(p->wire, 1), &tunnel_session_ws_handler, p->client);
}

static struct pair *pair_new(struct policies policies, world_time latency, int64_t rate)
{
    struct pair *p = MEM_NEW(struct pair);
    p->t = tiny_new(1);
    p->wa = tiny_process(p->t, "10.0.0.1");
    p->wb = tiny_process(p->t, "10.0.0.2");
    p->policies = policies;
    pair_connect(p, latency, rate);
    return p;
}

static void pair_free(struct pair *p)
{
    tunnel_session_close(p->server);
    tunnel_session_close(p->client);
    for (size_t i = 0; i < p->far_n; i++)
        buf_free(&p->far[i].got);
    tiny_free(p->t);
    mem_free(p);
}

static void dial(struct pair *p, struct peer *near, const char *address)
{
    near->t = p->t;
    struct err *err = tunnel_session_dial(p->server, STR("tcp"), str_c(address), &peer_handler,
                                          near, &near->conn);
    assert_null(err);
}

static void write_n(struct tunnel_conn *c, size_t n, char fill)
{
    char *bytes = mem_alloc(n);
    memset(bytes, fill, n);
    tunnel_conn_write(c, (struct str){bytes, n});
    mem_free(bytes);
}

#define MS NS_PER_MS
#define S  NS_PER_S

/* ---- frames seen on the wire ---- */

struct frame_log {
    struct buf text; /* "connect 2 tcp/x\n" ... */
};

static void log_frame(void *arg, struct str message)
{
    static const char *const names[] = {"?",      "data",  "connect", "error", "add",
                                        "remove", "pause", "resume",  "sync"};
    struct frame_log *log = arg;
    struct tunnel_frame f;
    assert_null(tunnel_frame_decode(message, &f));
    buf_addf(&log->text, "%s %d", names[f.type], (int)f.conn);
    if (f.type == TUNNEL_SYNC)
        for (size_t i = 0; i < f.payload.n / 8; i++)
            buf_addf(&log->text, " %d", (int)tunnel_sync_at(f.payload, i));
    else if (f.payload.n > 0)
        buf_addf(&log->text, " " STR_FMT, STR_ARG(str_sub(f.payload, 0, 60)));
    buf_add_char(&log->text, '\n');
}

static void inject(struct pair *p, int end, enum tunnel_type type, int64_t conn, struct str payload)
{
    struct buf b = {0};
    tunnel_frame_encode(&b, &(struct tunnel_frame){7, conn, (int64_t)type, payload});
    tiny_end_inject(tiny_wire_end(p->wire, end), buf_str(&b));
    buf_free(&b);
}

/* ---- life of connections ---- */

static void test_dial_echo_close(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct peer near = {0};
    struct frame_log up = {0}, down = {0};
    tiny_end_tap(tiny_wire_end(p->wire, 0), log_frame, &down);
    tiny_end_tap(tiny_wire_end(p->wire, 1), log_frame, &up);
    p->far[0].echo = true;
    dial(p, &near, "10.43.0.1:443");
    tunnel_conn_write(near.conn, STR("hello"));
    tiny_run(p->t, 100 * MS);
    assert_string_equal(buf_c(&near.got), "hello");
    tunnel_conn_close(near.conn);
    tiny_run(p->t, 100 * MS);
    assert_int_equal(near.closes, 0); /* whoever closes is not told */
    assert_int_equal(p->far[0].closes, 1);
    assert_int_equal(p->far[0].code, -1);
    assert_string_equal(buf_c(&down.text),
                        "connect 2 tcp/10.43.0.1:443\ndata 2 hello\nerror 2 EOF\n");
    assert_string_equal(buf_c(&up.text), "data 2 hello\n");
    assert_int_equal(tunnel_session_stats(p->server).open, 0);
    assert_int_equal(tunnel_session_stats(p->client).open, 0);
    buf_free(&near.got);
    buf_free(&up.text);
    buf_free(&down.text);
    pair_free(p);
}

static void test_far_end_closes_behind_its_data(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 1 << 20);
    struct peer near = {0};
    dial(p, &near, "a:1");
    tiny_run(p->t, 20 * MS);
    write_n(p->far[0].conn, 300000, 'x');
    tunnel_conn_close(p->far[0].conn); /* most of it is still queued */
    tiny_run(p->t, 5 * S);
    assert_int_equal(near.got.n, 300000);
    assert_int_equal(near.closes, 1);
    assert_int_equal(near.code, -1);
    assert_int_equal(tunnel_session_stats(p->client).open, 0);
    buf_free(&near.got);
    pair_free(p);
}

static void test_errors_are_typed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int code;
    } table[] = {
        {"EOF", -1},
        {"dial tcp 10.43.0.1:443: connect: connection refused", ERR_CONN_REFUSED},
        {"dial tcp 10.43.0.1:443: connect: no route to host", ERR_UNREACHABLE},
        {"dial tcp 10.43.0.1:443: i/o timeout", ERR_TIMEOUT},
        {"dial tcp: lookup kubernetes: no such host", ERR_DNS_NXDOMAIN},
        {"connect not allowed", ERR_FORBIDDEN},
        {"failed to find Session for client c-9", ERR_UNAVAILABLE},
        {"read tcp: connection reset by peer", ERR_CONN_RESET},
        {"something new", ERR_CONN_RESET},
    };
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct peer near = {0};
        dial(p, &near, "a:1");
        tiny_run(p->t, 20 * MS);
        tunnel_conn_fail(p->far[i].conn, str_c(table[i].text));
        tiny_run(p->t, 20 * MS);
        assert_int_equal(near.closes, 1);
        assert_int_equal(near.code, table[i].code);
        assert_string_equal(near.text, table[i].code == -1 ? "" : table[i].text);
    }
    pair_free(p);
}

static void test_data_for_unknown_connection(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct frame_log up = {0};
    tiny_end_tap(tiny_wire_end(p->wire, 1), log_frame, &up);
    inject(p, 1, TUNNEL_DATA, 44, STR("x"));
    inject(p, 1, TUNNEL_ERROR, 44, STR("x"));
    inject(p, 1, TUNNEL_PAUSE, 44, str_empty);
    inject(p, 1, TUNNEL_RESUME, 44, str_empty);
    assert_string_equal(buf_c(&up.text), "error 44 connection not found client/0/44\n");
    buf_free(&up.text);
    pair_free(p);
}

static void test_unknown_types_are_ignored(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    inject(p, 0, (enum tunnel_type)9, 1, STR("x"));
    inject(p, 1, (enum tunnel_type)1000, 1, STR("x"));
    tiny_run(p->t, S);
    assert_non_null(p->server);
    assert_non_null(p->client);
    pair_free(p);
}

static void test_text_message_ends_the_session(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    tunnel_session_on_message(p->server, true, STR("hi"));
    assert_null(p->server);
    assert_int_equal(p->server_code, ERR_PROTOCOL);
    pair_free(p);
}

static void test_malformed_frame_ends_the_session(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct peer near = {0};
    dial(p, &near, "a:1");
    tiny_end_inject(tiny_wire_end(p->wire, 0), STR("\xff"));
    assert_null(p->server);
    assert_int_equal(near.closes, 1);
    assert_int_equal(near.code, ERR_UNAVAILABLE);
    assert_string_equal(near.text, "tunnel disconnect");
    tiny_run(p->t, S);
    assert_null(p->client); /* its WebSocket went down */
    pair_free(p);
}

static void test_refused_connect(void **state)
{
    (void)state;
    for (int hardened = 0; hardened < 2; hardened++) {
        struct pair *p = pair_new(hardened ? policies_hardened() : policies_compat(), 5 * MS, 0);
        struct frame_log down = {0};
        tiny_end_tap(tiny_wire_end(p->wire, 0), log_frame, &down);
        struct peer near = {0};
        dial(p, &near, "a:1");
        inject(p, 0, TUNNEL_CONNECT, 1,
               STR("tcp/10.0.0.1:80")); /* an agent that dials the server */
        tiny_run(p->t, S);
        assert_int_equal(p->server != NULL, hardened);
        assert_int_equal(near.closes, !hardened); /* the others die with it, or do not notice */
        if (hardened)
            assert_true(str_find(buf_str(&down.text), STR("error 1 connect not allowed")) > 0);
        buf_free(&down.text);
        pair_free(p);
    }
}

static void test_default_allow(void **state)
{
    (void)state;
    assert_true(tunnel_allow_default(NULL, STR("tcp"), STR("10.0.0.1:1")));
    assert_true(tunnel_allow_default(NULL, STR("unix"), STR("/var/run/docker.sock")));
    assert_true(tunnel_allow_default(NULL, STR("npipe"), STR("//./pipe/docker_engine")));
    assert_false(tunnel_allow_default(NULL, STR("unix"), STR("/etc/passwd")));
    assert_false(tunnel_allow_default(NULL, STR("npipe"), STR("//./pipe/x")));
    assert_false(tunnel_allow_default(NULL, STR("udp"), STR("10.0.0.1:1")));
    assert_false(tunnel_allow_default(NULL, STR("c-1::tcp"), STR("10.0.0.1:1")));
}

static void test_address_bound(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    char address[400];
    memset(address, 'a', sizeof(address));
    struct tunnel_conn *c;
    struct peer near = {0};
    assert_null(tunnel_session_dial(p->server, STR("tcp"), (struct str){address, 262},
                                    &peer_handler, &near, &c));
    struct err *err = tunnel_session_dial(p->server, STR("tcp"), (struct str){address, 263},
                                          &peer_handler, &near, &c);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_INVALID);
    err_free(err);
    pair_free(p);
}

/* ---- ending inside callbacks ---- */

static void test_close_inside_data(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    p->far[0].close_on_data = true;
    struct peer near = {0};
    dial(p, &near, "a:1");
    tunnel_conn_write(near.conn, STR("one"));
    tunnel_conn_write(near.conn, STR("two"));
    tiny_run(p->t, 100 * MS);
    assert_string_equal(buf_c(&p->far[0].got), "one");
    assert_int_equal(near.closes, 1);
    assert_int_equal(near.code, -1);
    pair_free(p);
}

static void test_close_session_inside_data(void **state)
{
    (void)state;
    for (int paused_first = 0; paused_first < 2; paused_first++) {
        struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
        struct peer near = {0}, other = {0};
        dial(p, &near, "a:1");
        dial(p, &other, "a:1");
        tiny_run(p->t, 20 * MS);
        p->far[0].close_session_on_data = true;
        p->far[0].session = p->client;
        if (paused_first)
            tunnel_conn_pause(p->far[0].conn);
        tunnel_conn_write(near.conn, STR("one"));
        tiny_run(p->t, 100 * MS);
        if (paused_first)
            tunnel_conn_resume(p->far[0].conn);
        p->client = NULL;
        tiny_run(p->t, 100 * MS);
        assert_int_equal(p->far[0].closes, 1);
        assert_int_equal(p->far[1].closes, 1);
        assert_int_equal(near.closes, 1);
        assert_int_equal(other.closes, 1);
        assert_int_equal(near.code, ERR_UNAVAILABLE);
        assert_int_equal(p->client_code, 0); /* its owner closed it */
        pair_free(p);
    }
}

/* ---- flow control ---- */

static void test_pause_and_resume_marks(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 1 * MS, 0);
    struct frame_log up = {0};
    struct peer near = {0};
    dial(p, &near, "a:1");
    tiny_run(p->t, 10 * MS);
    tiny_end_tap(tiny_wire_end(p->wire, 1), log_frame, &up);
    tunnel_conn_pause(p->far[0].conn);
    write_n(near.conn, TUNNEL_BUFFER_MARK, 'a');
    tiny_run(p->t, 100 * MS);
    assert_int_equal(up.text.n, 0); /* exactly at the mark */
    write_n(near.conn, 1, 'b');
    tiny_run(p->t, 100 * MS);
    assert_string_equal(buf_c(&up.text), "pause 2\n");
    write_n(near.conn, 100000, 'c'); /* waits here */
    tiny_run(p->t, 100 * MS);
    assert_int_equal(tunnel_conn_queued(near.conn), 100000);
    assert_int_equal(tunnel_conn_buffered(p->far[0].conn), TUNNEL_BUFFER_MARK + 1);
    tunnel_conn_resume(p->far[0].conn);
    assert_int_equal(p->far[0].got.n, 0); /* never from inside the call */
    tiny_run(p->t, 100 * MS);
    assert_string_equal(buf_c(&up.text), "pause 2\nresume 2\n");
    assert_int_equal(p->far[0].got.n, TUNNEL_BUFFER_MARK + 1 + 100000);
    assert_int_equal(near.drains, 2); /* once after each time above the low mark */
    buf_free(&up.text);
    pair_free(p);
}

/* The peer finished while its reader was paused: everything is delivered, then the end. */
static void test_end_waits_for_paused_reader(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 1 * MS, 0);
    struct peer near = {0};
    dial(p, &near, "a:1");
    tiny_run(p->t, 10 * MS);
    tunnel_conn_pause(near.conn);
    write_n(p->far[0].conn, 1000, 'a');
    tunnel_conn_close(p->far[0].conn);
    tiny_run(p->t, 10 * MS);
    assert_int_equal(near.closes, 0);
    tunnel_conn_resume(near.conn);
    tiny_run(p->t, 10 * MS);
    assert_int_equal(near.got.n, 1000);
    assert_int_equal(near.code, -1);
    assert_int_equal(near.closes, 1);
    buf_free(&near.got);
    pair_free(p);
}

/* A writer that waits for `drained` learns that it is pointless, even while its own reading is paused. */
static void test_end_releases_writer(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 1 * MS, 0);
    struct peer near = {0};
    dial(p, &near, "a:1");
    tiny_run(p->t, 10 * MS);
    inject(p, 0, TUNNEL_PAUSE, 2, str_empty);
    write_n(near.conn, 2 * TUNNEL_CONN_LOW, 'a');
    tunnel_conn_pause(near.conn);
    tunnel_conn_write(p->far[0].conn, STR("last words"));
    tunnel_conn_fail(p->far[0].conn, STR("read tcp: connection reset by peer"));
    tiny_run(p->t, 10 * MS);
    assert_int_equal(near.drains, 1);
    assert_int_equal(tunnel_conn_queued(near.conn), 0);
    assert_int_equal(near.closes, 0);
    tunnel_conn_write(near.conn, STR("into the void"));
    tunnel_conn_resume(near.conn);
    tiny_run(p->t, 10 * MS);
    assert_string_equal(buf_c(&near.got), "last words");
    assert_int_equal(near.code, ERR_CONN_RESET);
    buf_free(&near.got);
    pair_free(p);
}

static void test_sender_that_ignores_pause(void **state)
{
    (void)state;
    for (int bounded = 0; bounded < 2; bounded++) {
        struct policies policies = policies_hardened();
        if (!bounded)
            policies.value[POLICY_TUNNEL_BUFFER] = POLICY_BUFFER_UNBOUNDED;
        struct pair *p = pair_new(policies, 1 * MS, 0);
        struct peer near = {0}, other = {0};
        dial(p, &near, "a:1");
        dial(p, &other, "a:1");
        tiny_run(p->t, 10 * MS);
        tunnel_conn_pause(near.conn);
        char chunk[32768] = {0};
        for (size_t sent = 0; sent <= TUNNEL_BUFFER_MAX + TUNNEL_BUFFER_MARK; sent += sizeof(chunk))
            inject(p, 0, TUNNEL_DATA, 2, (struct str){chunk, sizeof(chunk)});
        assert_int_equal(near.closes, bounded);
        if (bounded) {
            assert_int_equal(near.code, ERR_TOO_LARGE);
            assert_int_equal(tunnel_session_stats(p->server).buffered, 0);
        } else {
            assert_true(tunnel_conn_buffered(near.conn) > TUNNEL_BUFFER_MAX);
        }
        assert_int_equal(tunnel_session_stats(p->server).pauses_sent, 1);
        assert_int_equal(other.closes, 0); /* nobody else notices */
        assert_non_null(p->server);
        pair_free(p);
    }
}

/* K45: a reader that stands still stops what is sent to it, and nothing that it sends itself. */
static void test_pause_is_one_way(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 1 * MS, 0);
    struct peer near = {0};
    const size_t n = 3 * TUNNEL_BUFFER_MARK;
    dial(p, &near, "a:1");
    tiny_run(p->t, 10 * MS);
    tunnel_conn_pause(p->far[0].conn);
    for (size_t i = 0; i < 48; i++) {
        write_n(near.conn, n / 48, 'a');
        tiny_run(p->t, 5 * MS);
    }
    assert_true(tunnel_conn_queued(near.conn) > 0); /* we were asked to stop */
    write_n(p->far[0].conn, n, 'b');
    tiny_run(p->t, S);
    assert_int_equal(near.got.n, n);
    assert_int_equal(tunnel_conn_buffered(near.conn), 0);
    tunnel_conn_resume(p->far[0].conn);
    tiny_run(p->t, S);
    assert_int_equal(p->far[0].got.n, n);
    buf_free(&near.got);
    pair_free(p);
}

/* K45: both readers stand still with both directions full; then one of them reads. Its direction flows, the other stays
 * paused, and nothing is mixed up. */
static void test_both_directions_paused(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 1 * MS, 0);
    struct peer near = {0};
    const size_t n = 3 * TUNNEL_BUFFER_MARK;
    dial(p, &near, "a:1");
    tiny_run(p->t, 10 * MS);
    tunnel_conn_pause(near.conn);
    tunnel_conn_pause(p->far[0].conn);
    for (size_t i = 0; i < 48; i++) { /* in pieces, so that Pause has its chance */
        write_n(near.conn, n / 48, 'a');
        write_n(p->far[0].conn, n / 48, 'b');
        tiny_run(p->t, 5 * MS);
    }
    size_t up = tunnel_conn_queued(p->far[0].conn), down = tunnel_conn_queued(near.conn);
    assert_true(up > 0 && down > 0);
    tunnel_conn_resume(p->far[0].conn); /* towards the agent it flows again */
    tiny_run(p->t, S);
    assert_int_equal(p->far[0].got.n, n);
    assert_int_equal(tunnel_conn_queued(p->far[0].conn),
                     up); /* the other direction is still paused */
    assert_int_equal(near.got.n, 0);
    tunnel_conn_resume(near.conn);
    tiny_run(p->t, S);
    assert_int_equal(near.got.n, n);
    buf_free(&near.got);
    pair_free(p);
}

/* ---- keep-alive ---- */

static void test_pings_and_silence(void **state)
{
    (void)state;
    for (int hardened = 0; hardened < 2; hardened++) {
        struct pair *p = pair_new(hardened ? policies_hardened() : policies_compat(), 5 * MS, 0);
        world_time dead_after = policy_get(&p->policies, POLICY_TUNNEL_DEAD_AFTER);
        tiny_run(p->t, 120 * S + MS);
        assert_int_equal(tiny_end_pings(tiny_wire_end(p->wire, 1)), 24); /* every 5 s */
        assert_int_equal(tiny_end_pings(tiny_wire_end(p->wire, 0)), 0);  /* the server never does */
        assert_non_null(p->server);
        tiny_wire_cut(p->wire, true);
        tiny_run(p->t, dead_after - 6 * S);
        assert_non_null(p->server);
        assert_non_null(p->client);
        tiny_run(p->t, 7 * S);
        assert_null(p->server);
        assert_null(p->client);
        assert_int_equal(p->server_code, ERR_TIMEOUT);
        assert_int_equal(p->client_code, ERR_TIMEOUT);
        pair_free(p);
    }
}

/* tunnel.alive_by: traffic keeps a session whose pings are held back somewhere; control does not. */
static void test_alive_by_traffic(void **state)
{
    (void)state;
    for (int traffic = 0; traffic < 2; traffic++) {
        struct policies policies = policies_hardened();
        policies.value[POLICY_TUNNEL_ALIVE_BY] =
            traffic ? POLICY_ALIVE_BY_TRAFFIC : POLICY_ALIVE_BY_CONTROL;
        policies.value[POLICY_TUNNEL_PING] = 1000 * S;
        struct pair *p = pair_new(policies, 5 * MS, 0);
        struct peer near = {0};
        p->far[0].echo = true;
        dial(p, &near, "a:1");
        for (int i = 0; i < 10 && near.conn; i++) {
            tunnel_conn_write(near.conn, STR("x"));
            tiny_run(p->t, 5 * S);
        }
        assert_int_equal(p->server != NULL, traffic);
        assert_int_equal(p->client != NULL, traffic);
        buf_free(&near.got);
        pair_free(p);
    }
}

static void test_idle_session_costs_few_events(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    uint64_t before = tiny_events(p->t);
    tiny_run(p->t, 600 * S);
    /* 120 pings: timer, ping, pong and two events of the test's wire each; 10 syncs; 40 silence checks of the server */
    assert_true(tiny_events(p->t) - before <= 120 * 5 + 10 * 3 + 60);
    pair_free(p);
}

static void test_transport_down(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct peer near = {0};
    dial(p, &near, "a:1");
    tiny_run(p->t, 20 * MS);
    tiny_wire_break(p->wire);
    assert_null(p->server);
    assert_null(p->client);
    assert_int_equal(near.closes, 1);
    assert_int_equal(p->far[0].closes, 1);
    assert_int_equal(p->server_code, ERR_CONN_RESET);
    pair_free(p);
}

static void test_drain(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct peer near = {0};
    dial(p, &near, "a:1");
    tiny_run(p->t, 20 * MS);
    tunnel_session_drain(p->server);
    struct tunnel_conn *c;
    struct err *err =
        tunnel_session_dial(p->server, STR("tcp"), STR("a:1"), &peer_handler, &near, &c);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_UNAVAILABLE);
    err_free(err);
    tunnel_conn_write(near.conn, STR("still works"));
    tiny_run(p->t, 30 * S);
    assert_string_equal(buf_c(&p->far[0].got), "still works");
    assert_non_null(p->server);
    tunnel_conn_close(near.conn);
    tiny_run(p->t, S);
    assert_null(p->server);
    assert_int_equal(p->server_code, -1);
    pair_free(p);
}

/* A connection whose peer never resumes does not outlive its close for long. */
static void test_linger_is_bounded(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct peer near = {0};
    dial(p, &near, "a:1");
    inject(p, 0, TUNNEL_PAUSE, 2, str_empty);
    tunnel_conn_write(near.conn, STR("never sent"));
    tunnel_conn_close(near.conn);
    tiny_run(p->t, TUNNEL_LINGER_TIMEOUT - S);
    assert_int_equal(tunnel_session_stats(p->server).open, 1);
    tiny_run(p->t, 2 * S);
    assert_int_equal(tunnel_session_stats(p->server).open, 0);
    assert_int_equal(p->far[0].code, ERR_TIMEOUT);
    pair_free(p);
}

/* ---- sync ---- */

static void test_sync_list_and_effect(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_compat(), 5 * MS, 0);
    struct frame_log up = {0}, down = {0};
    struct peer near[3] = {{0}, {0}, {0}};
    for (size_t i = 0; i < 3; i++)
        dial(p, &near[i], "a:1");
    tiny_run(p->t, S);
    tiny_wire_drop_next(p->wire, 1,
                        1); /* the agent's Error is lost: the server keeps a dead connection */
    tunnel_conn_close(p->far[1].conn);
    tiny_end_tap(tiny_wire_end(p->wire, 1), log_frame, &up);
    tiny_end_tap(tiny_wire_end(p->wire, 0), log_frame, &down);
    tiny_run(p->t, 61 * S);
    assert_string_equal(buf_c(&up.text), "sync 0 2 4\n");
    assert_int_equal(near[1].closes, 1);
    assert_int_equal(near[1].code, ERR_CANCELLED);
    assert_string_equal(near[1].text, "sync from client");
    assert_int_equal(near[0].closes + near[2].closes, 0);
    assert_int_equal(down.text.n, 0); /* and without telling */
    buf_free(&up.text);
    buf_free(&down.text);
    pair_free(p);
}

/* A connection whose reader stands still for many lists is still a connection. */
static void test_sync_lists_paused_ones(void **state)
{
    (void)state;
    for (int hardened = 0; hardened < 2; hardened++) {
        struct pair *p = pair_new(hardened ? policies_hardened() : policies_compat(), 5 * MS, 0);
        struct peer near[2] = {{0}, {0}};
        dial(p, &near[0], "a:1");
        dial(p, &near[1], "a:1");
        tiny_run(p->t, S);
        tunnel_conn_pause(p->far[0].conn);
        tunnel_conn_pause(near[1].conn);
        write_n(near[0].conn, 100, 'a');
        tiny_run(p->t, 300 * S);
        assert_int_equal(near[0].closes + near[1].closes, 0);
        tunnel_conn_resume(p->far[0].conn);
        tiny_run(p->t, S);
        assert_int_equal(p->far[0].got.n, 100);
        pair_free(p);
    }
}

/* young-safe: younger than the newest listed id: only after it was absent twice. Older: at once. */
static void test_sync_young_safe(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct peer near[4] = {{0}};
    for (size_t i = 0; i < 4; i++)
        dial(p, &near[i], "a:1"); /* 2 3 4 5 */
    struct buf list = {0};
    tunnel_sync_add(&list, 2);
    tunnel_sync_add(&list, 4);
    inject(p, 0, TUNNEL_SYNC, 0, buf_str(&list));
    assert_int_equal(near[1].closes, 1);
    assert_int_equal(near[0].closes + near[2].closes + near[3].closes, 0);
    inject(p, 0, TUNNEL_SYNC, 0, buf_str(&list));
    assert_int_equal(near[3].closes, 1);
    assert_int_equal(near[0].closes + near[2].closes, 0);
    inject(p, 0, TUNNEL_SYNC, 0, str_empty);
    assert_int_equal(near[0].closes + near[2].closes, 0);
    inject(p, 0, TUNNEL_SYNC, 0, str_empty);
    assert_int_equal(near[0].closes + near[2].closes, 2);
    buf_free(&list);
    pair_free(p);
}

/* ---- fairness (K11) ---- */

static bool reply_there(void *arg)
{
    return ((struct peer *)arg)->got.n > 0;
}

/* One connection downloads as much as it can; another one does ping-pong. How long does its answer take? */
static world_time answer_time(struct policies policies)
{
    enum { RATE = 10 << 20 };
    struct pair *p = pair_new(policies, 5 * MS, RATE);
    struct peer bulk = {0}, quick = {0};
    p->far[1].echo = true;
    dial(p, &bulk, "a:1");
    dial(p, &quick, "a:1");
    tiny_run(p->t, 20 * MS);
    write_n(p->far[0].conn, (size_t)64 << 20, 'x');
    tiny_run(p->t, 20 * MS);
    world_time start = tiny_now(p->t);
    tunnel_conn_write(quick.conn, STR("ping"));
    assert_true(tiny_run_until(p->t, reply_there, &quick, 60 * S));
    world_time took = tiny_now(p->t) - start;
    buf_free(&bulk.got);
    buf_free(&quick.got);
    pair_free(p);
    return took;
}

static void test_bulk_does_not_delay_others(void **state)
{
    (void)state;
    world_time fair = answer_time(policies_hardened()), fifo = answer_time(policies_compat());
    assert_true(fair <= 10 * MS + 20 * MS); /* the wire's round trip and 20 ms */
    assert_true(fifo > 200 * MS);           /* behind what a socket's buffer holds */
}

/* K11: a reader that stands still holds up nobody: others' throughput and the keep-alive go on. */
static void test_slow_reader_does_not_block(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 10 << 20);
    struct peer slow = {0}, quick = {0};
    p->far[1].echo = true;
    dial(p, &slow, "a:1");
    dial(p, &quick, "a:1");
    tiny_run(p->t, 20 * MS);
    tunnel_conn_pause(slow.conn);
    write_n(p->far[0].conn, (size_t)32 << 20, 'x');
    for (int i = 0; i < 60; i++) {
        buf_clear(&quick.got);
        world_time start = tiny_now(p->t);
        tunnel_conn_write(quick.conn, STR("ping"));
        assert_true(tiny_run_until(p->t, reply_there, &quick, 60 * S));
        assert_true(tiny_now(p->t) - start <= 30 * MS);
        tiny_run(p->t, S);
    }
    assert_true(tunnel_conn_buffered(slow.conn) <= TUNNEL_BUFFER_MARK + (1 << 20));
    assert_non_null(p->server);
    buf_free(&quick.got);
    pair_free(p);
}

/* Every connection of a backed-up tunnel gets its share. */
static void test_round_robin(void **state)
{
    (void)state;
    enum { N = 10, RATE = 1 << 20 };
    struct pair *p = pair_new(policies_hardened(), 5 * MS, RATE);
    struct peer near[N] = {{0}};
    for (size_t i = 0; i < N; i++)
        dial(p, &near[i], "a:1");
    tiny_run(p->t, 100 * MS);
    for (size_t i = 0; i < N; i++)
        write_n(p->far[i].conn, (size_t)4 << 20, 'x');
    tiny_run(p->t, 4 * S);
    for (size_t i = 0; i < N; i++) {
        assert_true(near[i].got.n >= (size_t)RATE * 4 / N - (64 << 10));
        assert_true(near[i].got.n <=
                    (size_t)RATE * 4 / N + (128 << 10)); /* the first found it idle */
        buf_free(&near[i].got);
    }
    pair_free(p);
}

static bool queue_small(void *arg)
{
    return tiny_end_queued(arg) == 0;
}

static void test_reading_resumes(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, (int64_t)1 << 20);
    struct tiny_end *near = tiny_wire_end(p->wire, 1);
    for (size_t i = 0; tiny_end_queued(near) <= TUNNEL_TRANSPORT_MAX; i++)
        inject(p, 1, TUNNEL_DATA, 9, STR("x"));
    struct peer conn = {0};
    dial(p, &conn, "a:1");
    tiny_run(p->t, S);
    assert_int_equal(p->far_n, 0); /* not read yet */
    assert_true(tiny_run_until(p->t, queue_small, near, 60 * S));
    tiny_run(p->t, S);
    assert_int_equal(p->far_n, 1);
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dial_echo_close),
        cmocka_unit_test(test_far_end_closes_behind_its_data),
        cmocka_unit_test(test_errors_are_typed),
        cmocka_unit_test(test_data_for_unknown_connection),
        cmocka_unit_test(test_unknown_types_are_ignored),
        cmocka_unit_test(test_text_message_ends_the_session),
        cmocka_unit_test(test_malformed_frame_ends_the_session),
        cmocka_unit_test(test_refused_connect),
        cmocka_unit_test(test_default_allow),
        cmocka_unit_test(test_address_bound),
        cmocka_unit_test(test_close_inside_data),
        cmocka_unit_test(test_close_session_inside_data),
        cmocka_unit_test(test_pause_and_resume_marks),
        cmocka_unit_test(test_end_waits_for_paused_reader),
        cmocka_unit_test(test_end_releases_writer),
        cmocka_unit_test(test_sender_that_ignores_pause),
        cmocka_unit_test(test_pause_is_one_way),
        cmocka_unit_test(test_both_directions_paused),
        cmocka_unit_test(test_pings_and_silence),
        cmocka_unit_test(test_alive_by_traffic),
        cmocka_unit_test(test_idle_session_costs_few_events),
        cmocka_unit_test(test_transport_down),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_linger_is_bounded),
        cmocka_unit_test(test_sync_list_and_effect),
        cmocka_unit_test(test_sync_lists_paused_ones),
        cmocka_unit_test(test_sync_young_safe),
        cmocka_unit_test(test_bulk_does_not_delay_others),
        cmocka_unit_test(test_slow_reader_does_not_block),
        cmocka_unit_test(test_round_robin),
        cmocka_unit_test(test_reading_resumes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
