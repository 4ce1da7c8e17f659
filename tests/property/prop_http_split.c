/* Goal: what the HTTP server makes of a byte stream does not depend on how the stream is cut.
 * Method: random pipelined requests, a third of them with a few bytes changed, sent whole and in random pieces; the
 * requests seen by the handler and the bytes answered must be the same; unchanged requests must all be seen as made.
 * The seed is printed; PADDOCK_SEED repeats one. */
#include "tests/unit/support/check.h"
#include "tests/unit/support/raw_peer.h"

#include "engine/base/rng.h"
#include "engine/http/server.h"

#include <stdlib.h>

#define RUNS   400
#define SPLITS 6

struct outcome {
    struct buf seen, answered;
};

static void log_request(struct buf *out, const struct http_exchange *x)
{
    struct str name, value;
    buf_addf(out, "[" STR_FMT " " STR_FMT, STR_ARG(http_method(x)), STR_ARG(http_target(x)));
    for (size_t i = 0; http_headers_at(http_request_headers(x), i, &name, &value); i++)
        buf_addf(out, "|" STR_FMT "=" STR_FMT, STR_ARG(name), STR_ARG(value));
}
static void on_body(void *data, struct http_exchange *x, struct str body)
{
    struct outcome *o = data;
    buf_add_c(&o->seen, " all ");
    buf_add(&o->seen, body);
    http_answer(x, 200, "text/plain", NULL, body);
}
static void on_piece(void *data, struct http_exchange *x, struct str piece)
{
    buf_add(&((struct outcome *)data)->seen, piece);
}
static void on_end(void *data, struct http_exchange *x)
{
    buf_add_c(&((struct outcome *)data)->seen, " end");
    http_answer(x, 201, NULL, NULL, str_empty);
}
static void handle(void *owner, struct http_exchange *x)
{
    struct outcome *o = owner;
    log_request(&o->seen, x);
    http_exchange_set(x, o, NULL);
    if (str_starts(http_path(x), STR("/all")))
        http_read_all(x, on_body);
    else if (str_starts(http_path(x), STR("/stream")))
        http_read_stream(x, on_piece, on_end);
    else
        http_answer(x, 200, NULL, NULL, str_empty);
}

static void put_body(struct rng *r, struct buf *out)
{
    size_t n = rng_below(r, 4) ? rng_below(r, 300) : rng_below(r, 20000);
    bool chunked = rng_below(r, 2);
    if (!chunked)
        buf_addf(out, "Content-Length: %zu\r\n\r\n", n);
    else
        buf_add_c(out, "Transfer-Encoding: Chunked\r\n\r\n");
    while (n > 0) {
        size_t part = chunked ? 1 + rng_below(r, n) : n;
        if (chunked)
            buf_addf(out, "%zx%s\r\n", part, rng_below(r, 3) ? "" : ";e=\"f\"");
        for (size_t i = 0; i < part; i++)
            buf_add_char(out, (char)('a' + rng_below(r, 26)));
        if (chunked)
            buf_add_c(out, "\r\n");
        n -= part;
    }
    if (chunked)
        buf_add_c(out, rng_below(r, 3) ? "0\r\n\r\n" : "0\r\nTrailer: t\r\n\r\n");
}

static void put_request(struct rng *r, struct buf *out)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", "PATCH"};
    static const char *const paths[] = {"/all", "/stream", "/none", "/all?x=y"};
    buf_addf(out, "%s %s HTTP/1.1\r\nHost: a%u\r\n", methods[rng_below(r, ARRAY_LEN(methods))],
             paths[rng_below(r, ARRAY_LEN(paths))], (unsigned)rng_below(r, 10));
    for (uint64_t i = rng_below(r, 5); i > 0; i--)
        buf_addf(out, "X-%u:%s%u\r\n", (unsigned)rng_below(r, 3), rng_below(r, 2) ? " " : "",
                 (unsigned)rng_below(r, 1000));
    if (rng_below(r, 2))
        put_body(r, out);
    else
        buf_add_c(out, "\r\n");
}

static void spoil(struct rng *r, struct buf *bytes)
{
    static const char likely[] = "\r\n :;,0\t\x00\x80";
    for (uint64_t i = 1 + rng_below(r, 3); i > 0; i--)
        bytes->p[rng_below(r, bytes->n)] =
            rng_below(r, 2) ? likely[rng_below(r, sizeof(likely) - 1)] : (char)rng_below(r, 256);
}

static struct outcome run(struct str bytes, uint64_t seed, size_t split)
{
    struct outcome o = {.seen = {0}};
    struct fake_world *f = fake_new(seed);
    struct raw_peer peer;
    struct world_stream *a, *b;
    struct http_server *server = http_server_new(fake_of(f), NULL, handle, &o);
    fake_pair(f, &a, &b);
    fake_split(f, split);
    http_server_accept(server, b);
    raw_take(&peer, a);
    raw_send(&peer, bytes);
    world_stream_shutdown(peer.stream);
    fake_run_for(f, 300 * NS_PER_S);
    buf_add(&o.answered, buf_str(&peer.got));
    raw_free(&peer);
    fake_run(f);
    assert_int_equal(http_server_connections(server), 0);
    http_server_free(server);
    fake_free(f);
    return o;
}

static void outcome_free(struct outcome *o)
{
    buf_free(&o->seen);
    buf_free(&o->answered);
}

static uint64_t seed_of_run(void)
{
    const char *given = getenv("PADDOCK_SEED");
    uint64_t seed = 20260101;
    if (given)
        assert_true(str_to_u64(str_c(given), &seed));
    print_message("PADDOCK_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

static size_t count(struct str s, struct str needle)
{
    size_t n = 0;
    for (ptrdiff_t at; (at = str_find(s, needle)) >= 0; n++)
        s = str_sub(s, (size_t)at + needle.n, s.n);
    return n;
}

static void test_split(void **state)
{
    struct rng r = rng_seed(seed_of_run());
    for (size_t i = 0; i < RUNS; i++) {
        struct buf bytes = {0};
        uint64_t requests = 1 + rng_below(&r, 5);
        bool spoiled = rng_below(&r, 3) == 0;
        for (uint64_t j = 0; j < requests; j++)
            put_request(&r, &bytes);
        if (spoiled)
            spoil(&r, &bytes);
        struct outcome whole = run(buf_str(&bytes), i, 0);
        if (!spoiled)
            assert_int_equal(count(buf_str(&whole.answered), STR("HTTP/1.1 20")), requests);
        for (size_t j = 0; j < SPLITS; j++) {
            static const size_t sizes[] = {1, 2, 7, 64, 1000, 30000};
            struct outcome cut = run(buf_str(&bytes), rng_u64(&r), sizes[j]);
            check_str_eq(buf_str(&cut.seen), buf_str(&whole.seen));
            check_str_eq(buf_str(&cut.answered), buf_str(&whole.answered));
            outcome_free(&cut);
        }
        outcome_free(&whole);
        buf_free(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_split)};
    return cmocka_run_group_tests_name("http_split", tests, NULL, NULL);
}
