/* Goal: what a client sees of a pod over a connection: logs, followed and not, commands over WebSockets, refusals in the
 * server's words; every stream ends with its pod, its client or its server.
 * Method: a server with one fake node on a small world, asked in process, over HTTP and over hand-made WebSockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/kubeapi/core/server.h"
#include "sim/kubeapi/streams/streams.h"
#include "tests/unit/support/check.h"
#include "tests/unit/support/kubeapi_remote.h"
#include "tests/unit/support/raw_peer.h"
#include "tests/unit/support/workload_fixture.h"

#define WEB                                                                                        \
    "{\"metadata\":{\"name\":\"web\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":"        \
    "\"nginx\",\"ports\":[{\"containerPort\":80}]}]}}"
#define NOWHERE                                                                                    \
    "{\"metadata\":{\"name\":\"nowhere\"},\"spec\":{\"nodeSelector\":{\"no\":\"such\"},"           \
    "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}"
#define LOG PODS "/web/log"

static void bench_open(struct net *n)
{
    static const struct str groups[] = {STR_INIT("system:masters")};
    static const struct kubeapi_token token = {STR_INIT("t"), STR_INIT("admin"), STR_INIT("1"),
                                               groups, 1};
    const struct kubeapi_workloads workloads = {.nodes = 1};
    const struct kubeapi_options options = {.name = STR("test"),
                                            .ca_pem = STR("CA"),
                                            .tokens = &token,
                                            .tokens_n = 1,
                                            .workloads = &workloads};
    const struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), 80)};
    fixture_open(&n->f, &options);
    assert_null(kubeapi_listen(n->f.api, &listen, NULL));
    n->client = http_client_new(fake_of(n->f.world));
    pass(&n->f, NS_PER_S);
    make(&n->f, PODS, WEB);
    pass(&n->f, 5 * NS_PER_S);
    expect(&n->f, PODS "/web", "/conditions/Ready/status", "True");
}

static size_t open_streams(struct net *n)
{
    return podstreams_open(n->f.api->streams);
}

/* ---- logs ---- */

static size_t lines_of(struct str text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    return n;
}

static void a_log_is_cut_as_asked(void **state)
{
    static const struct {
        const char *query;
        size_t least, most;
    } rows[] = {
        {"", 4, 8},
        {"?tailLines=2", 2, 2},
        {"?tailLines=0", 0, 0},
        {"?sinceSeconds=2", 1, 3},
        {"?sinceTime=2200-01-01T00:00:00Z", 0, 0},
        {"?tailLines=3&sinceSeconds=1000000", 3, 3},
        {"?container=c&timestamps=true&follow=true", 4, 8},
    };
    struct net n;
    bench_open(&n);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *target = arena_printf(&n.f.a, LOG "%s", rows[i].query).p;
        assert_int_equal(ask(&n.f, "GET", target, NULL), 200);
        size_t lines = lines_of(buf_str(&n.f.last.body));
        if (lines < rows[i].least || lines > rows[i].most)
            fail_msg("%s: %zu lines", target, lines);
    }
    assert_int_equal(ask(&n.f, "GET", LOG "?limitBytes=9&tailLines=1000", NULL), 200);
    check_str(buf_str(&n.f.last.body), "started d");
    net_close(&n);
}

static void refusals_are_those_of_a_server(void **state)
{
    static const struct {
        const char *method, *target;
        int status;
        const char *message;
    } rows[] = {
        {"GET", LOG "?tailLines=-1", 422,
         "PodLogOptions \"web\" is invalid: tailLines: Invalid value: -1: must be greater than or "
         "equal to 0"},
        {"GET", LOG "?limitBytes=0", 422,
         "PodLogOptions \"web\" is invalid: limitBytes: Invalid value: 0: must be greater than 0"},
        {"GET", LOG "?sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z", 422,
         "PodLogOptions \"web\" is invalid: sinceSeconds: Forbidden: at most one of `sinceTime` or "
         "`sinceSeconds` may be specified"},
        {"GET", LOG "?previous=true", 400,
         "previous terminated container \"c\" in pod \"web\" not found"},
        {"GET", LOG "?container=z", 400, "container z is not valid for pod web"},
        {"GET", PODS "/none/log", 404, "pods \"none\" not found"},
        {"GET", PODS "/nowhere/log", 204, ""},
        {"POST", PODS "/nowhere/exec?command=true", 400,
         "pod nowhere does not have a host assigned"},
        {"POST", PODS "/web/exec?command=true", 400, "Upgrade request required"},
        {"GET", PODS "/web/attach", 400, "Upgrade request required"},
        {"POST", PODS "/web/portforward", 400, "Upgrade request required"},
        {"POST", PODS "/web/exec", 400, "you must specify at least 1 command for the container"},
    };
    struct net n;
    bench_open(&n);
    make(&n.f, PODS, NOWHERE);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int status = ask(&n.f, rows[i].method, rows[i].target, NULL);
        if (status != rows[i].status)
            fail_msg("%s %s: %d", rows[i].method, rows[i].target, status);
        check_str(str_c(said(&n.f, "message")), rows[i].message);
    }
    net_close(&n);
}

static void a_followed_log_goes_on_until_the_pod_goes(void **state)
{
    struct net n;
    struct remote w, once;
    bench_open(&n);
    remote_start(&n, &w, "GET", LOG "?follow=true&tailLines=0", NULL);
    assert_int_equal(w.status, 200);
    assert_int_equal(w.text.n, 0);
    remote_start(&n, &once, "GET", LOG, NULL);
    assert_true(once.ended && !once.failed);
    assert_int_equal(open_streams(&n), 1);
    pass(&n.f, 3600 * NS_PER_S);
    assert_in_range(lines_of(buf_str(&w.text)), 3599, 3601);
    assert_false(w.ended);
    must(&n.f, 200, "DELETE", PODS "/web?gracePeriodSeconds=0", NULL);
    pass(&n.f, 2 * NS_PER_S);
    assert_true(w.ended && !w.failed);
    assert_int_equal(open_streams(&n), 0);
    remote_cancel(&w);
    remote_cancel(&once);
    net_close(&n);
}

/* ---- commands over WebSockets ---- */

struct session {
    struct raw_peer peer;
    struct buf heard; /* "1:hi\n 3:{...} " */
    size_t at;        /* read so far, of what came */
    size_t bytes;     /* of output */
    int status, code; /* of the answer; of the Close frame, 0: none came */
    bool counts;      /* bytes only */
};

/* A server's frames are not masked. */
static bool take_frame(struct session *s)
{
    struct str in = str_sub(buf_str(&s->peer.got), s->at, s->peer.got.n);
    size_t head = in.n < 2 ? 2 : in.p[1] == 126 ? 4 : in.p[1] == 127 ? 10 : 2, n = 0;
    if (in.n < head)
        return false;
    n = (unsigned char)in.p[1];
    if (head == 4)
        n = (size_t)(unsigned char)in.p[2] << 8 | (unsigned char)in.p[3];
    assert_true(head < 10);
    if (in.n < head + n)
        return false;
    struct str payload = str_sub(in, head, n);
    s->at += head + n;
    if ((in.p[0] & 15) == 8) {
        s->code = (unsigned char)payload.p[0] << 8 | (unsigned char)payload.p[1];
        return true;
    }
    assert_int_equal((unsigned char)in.p[0], 0x82); /* binary, whole */
    assert_true(n > 0);
    s->bytes += payload.p[0] == 1 ? n - 1 : 0;
    if (!s->counts && n > 1)
        buf_addf(&s->heard, "%d:" STR_FMT " ", payload.p[0], STR_ARG(str_sub(payload, 1, n)));
    return true;
}

static void hear(struct net *n, struct session *s, world_time time)
{
    net_run(n, time);
    while (s->status == 101 && take_frame(s))
        ;
    if (s->counts) {
        buf_consume(&s->peer.got, s->at);
        s->at = 0;
    }
}

static void dial(struct net *n, struct session *s, const char *target, const char *protocol)
{
    bool counts = s->counts;
    struct buf head = {0};
    *s = (struct session){.counts = counts};
    raw_connect(&s->peer, n->f.world, 80);
    buf_addf(&head,
             "GET %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer t\r\nUpgrade: websocket\r\n"
             "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
             "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: %s\r\n\r\n",
             target, protocol);
    raw_send(&s->peer, buf_str(&head));
    buf_free(&head);
    net_run(n, 10 * NS_PER_MS);
    ptrdiff_t end = str_find(buf_str(&s->peer.got), STR("\r\n\r\n"));
    assert_true(end > 12);
    s->at = (size_t)end + 4;
    for (int i = 9; i < 12; i++)
        s->status = s->status * 10 + s->peer.got.p[i] - '0';
    hear(n, s, 100 * NS_PER_MS);
}
static void hang_up(struct net *n, struct session *s)
{
    raw_free(&s->peer);
    buf_free(&s->heard);
    net_run(n, 100 * NS_PER_MS);
}

/* Masked by zeros. */
static void put(struct session *s, const char *bytes, size_t size)
{
    struct buf frame = {0};
    buf_add_char(&frame, (char)0x82);
    buf_add_char(&frame, (char)(0x80 | (size < 126 ? size : 126)));
    if (size >= 126)
        buf_add(&frame, (struct str){(const char[]){(char)(size >> 8), (char)size}, 2});
    buf_add(&frame, (struct str){"\0\0\0\0", 4});
    buf_add(&frame, (struct str){bytes, size});
    raw_send(&s->peer, buf_str(&frame));
    buf_free(&frame);
}
static void type(struct net *n, struct session *s, const char *bytes, size_t size)
{
    put(s, bytes, size);
    hear(n, s, 100 * NS_PER_MS);
}

#define EXEC PODS "/web/exec?stdout=1&stderr=1&"
#define V4   "v4.channel.k8s.io"
#define V5   "v5.channel.k8s.io"
#define GOOD "3:{\"metadata\":{},\"status\":\"Success\"} "
#define BAD_7                                                                                      \
    "3:{\"metadata\":{},\"status\":\"Failure\",\"message\":\"command terminated with non-zero "    \
    "exit code: exit status 7\",\"reason\":\"NonZeroExitCode\",\"details\":{\"causes\":[{"         \
    "\"reason\":\"ExitCode\",\"message\":\"7\"}]}} "

static void commands_answer_on_channels(void **state)
{
    static const struct {
        const char *target, *protocol, *heard;
    } rows[] = {
        {EXEC "command=echo&command=hi", V5, "1:hi\n " GOOD},
        {EXEC "command=echo&command=hi", "v1.mine, " V4 ", " V5, "1:hi\n " GOOD},
        {EXEC "command=sh&command=-c&command=echo+a+%3E%262%3Bexit+7", V5, "2:a\n " BAD_7},
        {PODS "/web/exec?stdout=1&command=sh&command=-c&command=echo+a+%3E%262", V5, GOOD},
        {EXEC "tty=1&command=echo&command=hi", V5, "1:hi\r\n " GOOD},
    };
    struct net n;
    struct session s = {0};
    bench_open(&n);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        dial(&n, &s, rows[i].target, rows[i].protocol);
        check_str(buf_str(&s.heard), rows[i].heard);
        assert_int_equal(s.code, 1000);
        hang_up(&n, &s);
    }
    dial(&n, &s, EXEC "command=true", "v9.channel.k8s.io");
    assert_int_equal(s.status, 403);
    hang_up(&n, &s);
    assert_int_equal(open_streams(&n), 0);
    net_close(&n);
}

static void input_is_heard_and_its_end(void **state)
{
    struct net n;
    struct session s = {0};
    bench_open(&n);
    dial(&n, &s, EXEC "stdin=1&command=cat", V5);
    assert_true(s.status == 101 && s.code == 0);
    type(&n, &s, "\0abc", 4);
    check_str(buf_str(&s.heard), "1:abc ");
    type(&n, &s, "\xff\x00", 2);
    check_str(buf_str(&s.heard), "1:abc " GOOD);
    assert_int_equal(s.code, 1000);
    hang_up(&n, &s);

    dial(&n, &s, EXEC "stdin=1&command=cat", V4); /* there 255 is no channel */
    type(&n, &s, "\xff\x00", 2);
    type(&n, &s, "\x09zz", 3);
    assert_int_equal(s.code, 0);
    hang_up(&n, &s);
    assert_int_equal(open_streams(&n), 0);

    dial(&n, &s, EXEC "command=cat", V5); /* nobody asked for input */
    assert_int_equal(s.code, 1000);
    hang_up(&n, &s);

    dial(&n, &s, EXEC "stdin=1&tty=1&command=sh", V5);
    type(&n, &s, "\x04{\"Width\":100,\"Height\":30}", 26);
    type(&n, &s, "\x04{\"Width\":0}", 12);
    type(&n, &s, "\x04nonsense", 9);
    buf_clear(&s.heard);
    type(&n, &s, "\0stty size\r", 11);
    check_str(buf_str(&s.heard), "1:stty size\r\n30 100\r\n/ #  ");
    hang_up(&n, &s);
    net_close(&n);
}

/* yes: as much as is taken, and no more than a few hundred KiB beyond. */
static void a_slow_reader_is_waited_for(void **state)
{
    struct net n;
    struct session s = {.counts = true};
    bench_open(&n);
    dial(&n, &s, EXEC "command=head&command=-c&command=8M&command=/dev/zero", V5);
    assert_int_equal(s.code, 1000);
    assert_int_equal(s.bytes, 8 << 20);
    hang_up(&n, &s);
    dial(&n, &s, EXEC "stdin=1&command=cat", V5);
    world_stream_pause(s.peer.stream);
    static char piece[32769];
    size_t sent = 0;
    for (; sent < 400 && world_stream_queued(s.peer.stream) < 4 * WORLD_STREAM_LOW; sent++) {
        put(&s, piece, sizeof(piece));
        net_run(&n, NS_PER_MS);
    }
    assert_in_range(sent, 4, 100); /* of 13 MiB that would have been sent */
    world_stream_resume(s.peer.stream);
    for (int i = 0; i < 100; i++)
        hear(&n, &s, 10 * NS_PER_MS);
    assert_int_equal(s.bytes, sent * (sizeof(piece) - 1));
    hang_up(&n, &s);
    net_close(&n);
}

static void streams_end_with_their_pod(void **state)
{
    struct net n;
    struct session exec = {0}, attach = {0}, forward = {0};
    bench_open(&n);
    dial(&n, &exec, EXEC "command=sleep&command=1h", V5);
    dial(&n, &attach, PODS "/web/attach?stdout=1", V5);
    dial(&n, &forward, PODS "/web/portforward", "SPDY/3.1+portforward.k8s.io");
    pass(&n.f, 10 * NS_PER_S);
    hear(&n, &attach, 0);
    assert_true(forward.status == 101 && !exec.code && !attach.code && !forward.code);
    assert_true(str_starts(buf_str(&attach.heard), STR("1:tick ")));
    assert_int_equal(open_streams(&n), 3);
    must(&n.f, 200, "DELETE", PODS "/web?gracePeriodSeconds=0", NULL);
    pass(&n.f, 2 * NS_PER_S);
    hear(&n, &exec, 0);
    assert_true(exec.peer.ended && attach.peer.ended && forward.peer.ended);
    assert_true(str_find(buf_str(&exec.heard), STR("exit status 137")) >= 0);
    assert_int_equal(open_streams(&n), 0);
    hang_up(&n, &exec);
    hang_up(&n, &attach);
    hang_up(&n, &forward);
    net_close(&n);
}

static void streams_end_with_their_server(void **state)
{
    for (int drained = 0; drained < 2; drained++) {
        struct net n;
        struct session exec = {0}, forward = {0};
        struct remote log;
        bench_open(&n);
        remote_start(&n, &log, "GET", LOG "?follow=true", NULL);
        dial(&n, &exec, EXEC "command=sleep&command=1h", V5);
        dial(&n, &forward, PODS "/web/portforward", "SPDY/3.1+portforward.k8s.io");
        assert_int_equal(open_streams(&n), 3);
        if (drained) {
            kubeapi_drain(n.f.api);
            pass(&n.f, NS_PER_S);
            assert_int_equal(open_streams(&n), 0);
            assert_true(log.ended && !log.failed && exec.peer.ended && forward.peer.ended);
        }
        kubeapi_free(n.f.api); /* with them open, or not */
        n.f.api = NULL;
        pass(&n.f, NS_PER_S);
        assert_true(log.ended && (exec.peer.ended || exec.peer.closed));
        assert_true(forward.peer.ended || forward.peer.closed);
        remote_cancel(&log);
        hang_up(&n, &exec);
        hang_up(&n, &forward);
        net_close(&n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_is_cut_as_asked),
        cmocka_unit_test(refusals_are_those_of_a_server),
        cmocka_unit_test(a_followed_log_goes_on_until_the_pod_goes),
        cmocka_unit_test(commands_answer_on_channels),
        cmocka_unit_test(input_is_heard_and_its_end),
        cmocka_unit_test(a_slow_reader_is_waited_for),
        cmocka_unit_test(streams_end_with_their_pod),
        cmocka_unit_test(streams_end_with_their_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
