/* Goal: through the proxy every byte passes as it is, both ways, as it comes, in bounded memory; a slow side stops only its
 * own request; watches stay; upgraded connections are pipes.
 * Method: a real manager and agent; an API of ours that echoes, floods, dawdles, upgrades and cuts; bodies, targets and
 * piece sizes at random from a printed seed. */
#include "tests/unit/support/check.h"
#include "tests/unit/support/proxy_bench.h"

#include "engine/base/rng.h"

#define BASE    "/k8s/clusters/c-0"
#define MAPS    BASE "/api/v1/namespaces/default/configmaps"
#define FLOOD   ((uint64_t)24 << 20)
/* What may lie between two sides of which one has stopped: the tunnel's marks, queues and sockets on the way. */
#define BETWEEN ((uint64_t)10 << 20)

/* ---- byte for byte ---- */

struct echo {
    struct rng rng;
    struct buf got;
    bool whole; /* answers at the end, with a length; else as it comes, in chunks */
    bool started;
};

static void echo_data(void *data, struct http_exchange *x, struct str piece)
{
    struct echo *e = data;
    buf_add(&e->got, piece);
    if (e->whole)
        return;
    if (!e->started)
        http_answer_start(x, 201, NULL);
    e->started = true;
    http_answer_write(x, piece);
}

static void echo_end(void *data, struct http_exchange *x)
{
    struct echo *e = data;
    if (e->whole || !e->started)
        http_answer(x, 201, NULL, NULL, e->whole ? buf_str(&e->got) : str_empty);
    else
        http_answer_end(x);
}

static void echo_handle(struct proxy_bench *pb, struct http_exchange *x)
{
    struct echo *e = pb->data;
    e->started = false;
    buf_clear(&e->got);
    http_exchange_set(x, e, NULL);
    http_read_stream(x, echo_data, echo_end);
}

/* Visible characters without '#'. */
static void random_target(struct rng *rng, struct buf *out)
{
    size_t n = rng_below(rng, 60);
    buf_add_char(out, '/');
    for (size_t i = 0; i < n; i++) {
        char c = (char)('!' + rng_below(rng, '~' - '!' + 1));
        buf_add_char(out, c == '#' ? '%' : c);
    }
}

static void random_bytes(struct rng *rng, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++)
        buf_add_char(out, (char)rng_below(rng, 256));
}

static void one_round(struct proxy_bench *pb, struct echo *e)
{
    static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE"};
    static const size_t sizes[] = {1, 2, 100, 5000, 70000, 300000};
    struct rng *rng = &e->rng;
    struct buf target = {0}, body = {0}, line = {0};
    buf_add_c(&target, BASE);
    random_target(rng, &target);
    random_bytes(rng, rng_below(rng, sizes[rng_below(rng, ARRAY_LEN(sizes))] + 1), &body);
    e->whole = rng_below(rng, 2) == 0;
    bool chunked = rng_below(rng, 2) == 0;
    struct http_request r = {.method = methods[rng_below(rng, ARRAY_LEN(methods))],
                             .target = buf_str(&target),
                             .body_streamed = true,
                             .body_length = chunked ? -1 : (int64_t)body.n,
                             .timeout = 100 * S};
    struct http_call *call = proxy_start(pb, &r, BENCH_TOKEN);
    for (size_t at = 0; at < body.n;) {
        size_t n = 1 + rng_below(rng, sizes[rng_below(rng, ARRAY_LEN(sizes))]);
        struct str piece = str_sub(buf_str(&body), at, n);
        http_call_write(call, piece);
        at += piece.n;
        if (rng_below(rng, 3) == 0)
            bench_run(pb->b, (world_time)rng_below(rng, 3) * NS_PER_MS);
    }
    http_call_end(call);
    proxy_wait(pb);
    buf_addf(&line, "%s " STR_FMT "\n", r.method,
             STR_ARG(str_sub(buf_str(&target), sizeof(BASE) - 1, target.n)));
    if (pb->status != 201 || !str_eq(buf_str(&body), buf_str(&e->got)) ||
        !str_eq(buf_str(&body), buf_str(&pb->body)) ||
        !str_starts(buf_str(&pb->seen), buf_str(&line)))
        fail_msg("%s: %d, %zu sent, %zu got, %zu back: %s\n%s", buf_c(&line), pb->status, body.n,
                 e->got.n, pb->body.n, buf_c(&pb->error), buf_c(&pb->seen));
    buf_free(&target);
    buf_free(&body);
    buf_free(&line);
}

static void test_byte_for_byte(void **state)
{
    (void)state;
    struct proxy_bench pb;
    struct echo e = {0};
    uint64_t seed = 20;
    print_message("seed %llu\n", (unsigned long long)seed);
    e.rng = rng_seed(seed);
    proxy_bench_open(&pb, seed, 1);
    proxy_bench_backend(&pb);
    pb.handle = echo_handle;
    pb.data = &e;
    for (int i = 0; i < 60; i++)
        one_round(&pb, &e);
    /* At most twice, and what it is counted for was passed. */
    int64_t bytes = proxy_metric(&pb, "paddock_proxy_bytes_total");
    int64_t copied = proxy_metric(&pb, "paddock_proxy_copied_bytes_total");
    assert_true(bytes > 1000000);
    if (copied > 2 * bytes)
        fail_msg("%lld bytes, %lld copied", (long long)bytes, (long long)copied);
    assert_true(copied >= bytes);
    buf_free(&e.got);
    proxy_bench_close(&pb);
}

/* ---- a flood of bytes ---- */

struct flood {
    struct http_exchange *x;
    uint64_t made, got;
    bool gone, paused, ended;
};

static void flood_more(void *data)
{
    static const char page[16384];
    struct flood *f = data;
    while (f->made < FLOOD && http_answer_queued(f->x) <= WORLD_STREAM_LOW) {
        http_answer_write(f->x, (struct str){page, sizeof(page)});
        f->made += sizeof(page);
    }
    if (f->made < FLOOD || f->ended)
        return;
    f->ended = true;
    http_answer_end(f->x);
}

static void flood_gone(void *data)
{
    struct flood *f = data;
    f->gone = true;
}

static void take_data(void *data, struct http_exchange *x, struct str piece)
{
    struct flood *f = data;
    (void)x;
    f->got += piece.n;
}

static void take_end(void *data, struct http_exchange *x)
{
    struct flood *f = data;
    f->ended = true;
    http_answer(x, 200, NULL, NULL, str_empty);
}

static void flood_handle(struct proxy_bench *pb, struct http_exchange *x)
{
    struct flood *f = pb->data;
    struct str target = http_target(x);
    if (str_eq_c(target, "/quick")) {
        http_answer(x, 200, NULL, NULL, STR("quick"));
        return;
    }
    f->x = x;
    http_exchange_set(x, f, flood_gone);
    if (str_eq_c(target, "/early")) {
        http_answer(x, 413, NULL, NULL, STR("enough"));
    } else if (str_eq_c(target, "/take")) {
        http_read_stream(x, take_data, take_end);
        http_read_pause(x);
    } else if (str_eq_c(target, "/open")) {
        http_answer_start(x, 200, NULL);
        http_answer_write(x, STR("half"));
    } else if (str_eq_c(target, "/cut")) {
        http_answer_start(x, 200, NULL);
        http_answer_write(x, STR("half"));
        http_answer_abort(x);
    } else {
        http_answer_start(x, 200, NULL);
        http_answer_on_drained(x, flood_more);
        flood_more(f);
    }
}

static void open_flood(struct proxy_bench *pb, struct flood *f, uint64_t seed)
{
    *f = (struct flood){0};
    proxy_bench_open(pb, seed, 1);
    proxy_bench_backend(pb);
    pb->handle = flood_handle;
    pb->data = f;
    pb->keep_body = false;
}

/* How long another request takes meanwhile, by another client of the same place. */
static world_time time_quick(struct proxy_bench *pb)
{
    struct proxy_bench other = {.b = pb->b, .http = pb->http, .tls = pb->tls};
    world_time from = sim_now(pb->b->sim);
    assert_int_equal(proxy_ask(&other, "GET", BASE "/quick", BENCH_TOKEN, NULL, NULL), 200);
    buf_free(&other.body);
    buf_free(&other.error);
    http_headers_free(&other.headers);
    return sim_now(pb->b->sim) - from;
}

static void test_slow_reader(void **state)
{
    (void)state;
    struct proxy_bench pb;
    struct flood f;
    open_flood(&pb, &f, 21);
    (void)time_quick(&pb);
    world_time before = time_quick(&pb);
    struct http_request r = {.method = "GET", .target = STR(BASE "/flood"), .timeout = -1};
    struct http_call *call = proxy_start(&pb, &r, BENCH_TOKEN);
    while (pb.body_n == 0)
        bench_run(pb.b, NS_PER_MS);
    http_call_pause(call);
    bench_run(pb.b, 5 * S);
    uint64_t made = f.made;
    if (made > BETWEEN)
        fail_msg("%llu bytes went on their way to nobody", (unsigned long long)made);
    bench_run(pb.b, 5 * S);
    assert_int_equal(f.made, made); /* it has stopped */
    world_time meanwhile = time_quick(&pb);
    if (meanwhile > 2 * before + 20 * NS_PER_MS)
        fail_msg("%lld us, %lld us before", (long long)meanwhile / 1000, (long long)before / 1000);
    http_call_resume(call);
    proxy_wait(&pb);
    assert_int_equal(pb.status, 200);
    assert_int_equal(pb.body_n, FLOOD);
    proxy_bench_close(&pb);
}

static void test_slow_taker(void **state)
{
    (void)state;
    static const char page[16384];
    struct proxy_bench pb;
    struct flood f;
    open_flood(&pb, &f, 22);
    struct http_request r = {.method = "PUT",
                             .target = STR(BASE "/take"),
                             .timeout = -1,
                             .body_streamed = true,
                             .body_length = (int64_t)FLOOD};
    struct http_call *call = proxy_start(&pb, &r, BENCH_TOKEN);
    uint64_t sent = 0;
    for (int i = 0; sent < FLOOD; i++) {
        for (; sent < FLOOD && http_call_queued(call) <= WORLD_STREAM_LOW; sent += sizeof(page))
            http_call_write(call, (struct str){page, sizeof(page)});
        bench_run(pb.b, 2 * NS_PER_MS);
        if (i == 2000) {
            if (sent > BETWEEN)
                fail_msg("%llu bytes went on their way to nobody", (unsigned long long)sent);
            assert_true(time_quick(&pb) < S);
            http_read_resume(f.x);
        }
    }
    http_call_end(call);
    proxy_wait(&pb);
    assert_int_equal(pb.status, 200);
    assert_int_equal(f.got, FLOOD);
    proxy_bench_close(&pb);
}

/* ---- ends in the middle ---- */

static void test_ends(void **state)
{
    (void)state;
    struct proxy_bench pb;
    struct flood f;
    open_flood(&pb, &f, 23);
    assert_int_equal(proxy_ask(&pb, "GET", BASE "/cut", BENCH_TOKEN, NULL, NULL), 0);
    assert_true(pb.error.n > 0); /* not a short answer */

    struct http_request r = {.method = "GET", .target = STR(BASE "/open"), .timeout = -1};
    struct http_call *call = proxy_start(&pb, &r, BENCH_TOKEN);
    while (pb.body_n == 0)
        bench_run(pb.b, NS_PER_MS);
    f.gone = false;
    http_call_cancel(call);
    bench_run(pb.b, 10 * S);
    assert_true(f.gone); /* the cluster works for nobody */
    assert_int_equal(proxy_metric(&pb, "paddock_proxy_open"), 0);

    struct http_request early = {.method = "POST",
                                 .target = STR(BASE "/early"),
                                 .timeout = 20 * S,
                                 .body_streamed = true,
                                 .body_length = 1000000};
    call = proxy_start(&pb, &early, BENCH_TOKEN);
    http_call_write(call, STR("some"));
    proxy_wait(&pb);
    assert_int_equal(pb.status, 413);
    proxy_bench_close(&pb);
}

/* The caller's agent goes in the middle of an answer. */
static void test_tunnel_lost(void **state)
{
    (void)state;
    struct proxy_bench pb;
    struct flood f;
    open_flood(&pb, &f, 24);
    struct http_request r = {.method = "GET", .target = STR(BASE "/flood"), .timeout = -1};
    struct http_call *call = proxy_start(&pb, &r, BENCH_TOKEN);
    while (pb.body_n == 0)
        bench_run(pb.b, NS_PER_MS);
    http_call_pause(call);
    tunnel_router_disconnect(server_router(proxy_server(&pb)), STR("c-0"));
    bench_run(pb.b, S);
    if (!pb.done)
        http_call_resume(call);
    proxy_wait(&pb);
    assert_int_equal(pb.status, 0); /* cut */
    bench_run(pb.b, 20 * S);        /* it comes back, and says where the cluster's own API is */
    assert_int_equal(proxy_ask(&pb, "GET", BASE "/version", BENCH_TOKEN, NULL, NULL), 200);
    proxy_bench_close(&pb);
}

/* ---- watches ---- */

static void test_watch(void **state)
{
    (void)state;
    struct proxy_bench pb;
    proxy_bench_open(&pb, 25, 1);
    struct http_request r = {
        .method = "GET", .target = STR(MAPS "?watch=1&timeoutSeconds=20000"), .timeout = -1};
    struct http_call *call = proxy_start(&pb, &r, BENCH_TOKEN);
    bench_run(pb.b, 4000 * S);
    assert_false(pb.done);
    assert_int_equal(pb.status, 200);
    buf_clear(&pb.body);
    check_ok(
        kubeapi_apply(bench_downstream(pb.b, 0),
                      STR("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":"
                          "\"late\",\"namespace\":\"default\"}}"),
                      NULL));
    bench_run(pb.b, S);
    assert_true(proxy_says(&pb, "\"type\":\"ADDED\""));
    assert_true(proxy_says(&pb, "\"name\":\"late\""));
    assert_int_equal(proxy_metric(&pb, "paddock_proxy_open"), 1);
    http_call_cancel(call);
    bench_run(pb.b, S);
    assert_int_equal(proxy_metric(&pb, "paddock_proxy_open"), 0);
    proxy_bench_close(&pb);
}

/* ---- upgrades ---- */

struct side {
    struct world_stream *stream;
    struct buf got;
    bool ended, closed;
};

static void side_open(void *owner)
{
    (void)owner;
}

static void side_data(void *owner, struct str bytes)
{
    struct side *s = owner;
    buf_add(&s->got, bytes);
}

static void side_end(void *owner)
{
    struct side *s = owner;
    s->ended = true;
}

static void side_closed(void *owner, const struct err *err)
{
    struct side *s = owner;
    (void)err;
    s->closed = true;
    s->stream = NULL;
}

static const struct world_stream_handler side_handler = {
    .open = side_open, .data = side_data, .end = side_end, .closed = side_closed};

static void side_take(struct side *s, struct world_stream *take_stream)
{
    s->stream = take_stream;
    world_stream_attach(take_stream, &side_handler, s);
}

struct both {
    struct side caller, cluster;
    bool done;
    int status;
    struct buf protocol;
};

static void upgrade_handle(struct proxy_bench *pb, struct http_exchange *x)
{
    struct both *b = pb->data;
    struct http_headers h = {0};
    struct buf early = {0};
    if (str_eq_c(http_target(x), "/no")) {
        http_answer(x, 400, NULL, NULL, STR("not here"));
        return;
    }
    http_headers_add_c(&h, "Upgrade", "SPDY/3.1");
    http_headers_add_c(&h, "X-Stream-Protocol-Version", "v4.channel.k8s.io");
    side_take(&b->cluster, http_upgrade(x, &h, &early));
    world_stream_write(b->cluster.stream, STR("hello "));
    buf_add(&b->cluster.got, buf_str(&early));
    http_headers_free(&h);
    buf_free(&early);
}

static void on_upgraded(void *owner, const struct http_response *r, struct world_stream *take,
                        struct str early)
{
    struct both *b = owner;
    b->done = true;
    b->status = r->status;
    buf_add(&b->protocol, http_headers_get(&r->headers, "X-Stream-Protocol-Version"));
    buf_add(&b->caller.got, early);
    side_take(&b->caller, take);
}

static void on_not_upgraded(void *owner, const struct http_response *r, const struct err *err)
{
    struct both *b = owner;
    b->done = true;
    b->status = r && !err ? r->status : 0;
}

static void upgrade(struct proxy_bench *pb, struct both *b, const char *target)
{
    static const struct http_call_handler handler = {.done = on_not_upgraded,
                                                     .upgraded = on_upgraded};
    struct http_headers h = {0};
    http_headers_add_c(&h, "Authorization", "Bearer " BENCH_TOKEN);
    http_headers_add_c(&h, "X-Stream-Protocol-Version", "v4.channel.k8s.io");
    struct http_request r = {.address = world_addr_make(STR(PROXY_MANAGER), 443),
                             .tls = &pb->tls,
                             .host = STR(BENCH_MANAGER_NAME),
                             .method = "POST",
                             .target = str_c(target),
                             .headers = &h,
                             .timeout = -1,
                             .upgrade = STR("SPDY/3.1")};
    b->done = false;
    http_call_start(pb->http, &r, &handler, b);
    for (int i = 0; !b->done && i < 6000; i++)
        bench_run(pb->b, 10 * NS_PER_MS);
    assert_true(b->done);
    http_headers_free(&h);
}

static void test_upgrade(void **state)
{
    (void)state;
    struct proxy_bench pb;
    struct both b = {0};
    proxy_bench_open(&pb, 26, 1);
    proxy_bench_backend(&pb);
    pb.handle = upgrade_handle;
    pb.data = &b;
    upgrade(&pb, &b, BASE "/no");
    assert_int_equal(b.status, 400);
    upgrade(&pb, &b, BASE "/exec?command=sh");
    assert_int_equal(b.status, 101);
    check_str(buf_str(&b.protocol), "v4.channel.k8s.io");
    assert_true(proxy_saw(&pb, "Upgrade: SPDY/3.1\n"));
    assert_int_equal(proxy_metric(&pb, "paddock_proxy_upgraded_open"), 1);
    world_stream_write(b.caller.stream, STR("\x80\x03\x00\x01"));
    bench_run(pb.b, 3600 * S); /* nothing happens, and nothing ends */
    world_stream_write(b.cluster.stream, STR("there"));
    world_stream_write(b.caller.stream, STR("end"));
    world_stream_shutdown(b.caller.stream);
    bench_run(pb.b, S);
    check_str_eq(buf_str(&b.cluster.got), STR("\x80\x03\x00\x01"
                                              "end"));
    world_stream_write(b.cluster.stream, STR(", last words")); /* half of it is still open */
    bench_run(pb.b, S);
    check_str(buf_str(&b.caller.got), "hello there, last words");
    if (b.cluster.stream)
        world_stream_close(b.cluster.stream);
    bench_run(pb.b, 10 * S);
    assert_true(b.caller.closed);
    assert_int_equal(proxy_metric(&pb, "paddock_proxy_upgraded_open"), 0);
    buf_free(&b.caller.got);
    buf_free(&b.cluster.got);
    buf_free(&b.protocol);
    proxy_bench_close(&pb);
}

/* One that does not read stops the other, and one that is left open ends with the manager. */
static void test_upgraded_flood(void **state)
{
    (void)state;
    static const char page[65536];
    struct proxy_bench pb;
    struct both b = {0};
    proxy_bench_open(&pb, 27, 1);
    proxy_bench_backend(&pb);
    pb.handle = upgrade_handle;
    pb.data = &b;
    upgrade(&pb, &b, BASE "/exec");
    assert_int_equal(b.status, 101);
    world_stream_pause(b.caller.stream);
    uint64_t sent = 0;
    for (int i = 0; i < 2000; i++) {
        if (world_stream_queued(b.cluster.stream) <= WORLD_STREAM_LOW && sent < FLOOD) {
            world_stream_write(b.cluster.stream, (struct str){page, sizeof(page)});
            sent += sizeof(page);
        }
        bench_run(pb.b, 2 * NS_PER_MS);
    }
    if (sent > BETWEEN)
        fail_msg("%llu bytes went on their way to nobody", (unsigned long long)sent);
    world_stream_resume(b.caller.stream);
    bench_run(pb.b, 20 * S);
    assert_int_equal(b.caller.got.n, sent + 6);
    buf_free(&b.caller.got);
    buf_free(&b.cluster.got);
    buf_free(&b.protocol);
    proxy_bench_close(&pb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_byte_for_byte), cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_slow_taker),    cmocka_unit_test(test_ends),
        cmocka_unit_test(test_tunnel_lost),   cmocka_unit_test(test_watch),
        cmocka_unit_test(test_upgrade),       cmocka_unit_test(test_upgraded_flood)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
