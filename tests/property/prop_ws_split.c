/* Goal: the messages of a WebSocket do not depend on how frames, or the bytes of frames, are cut.
 * Method: random messages cut into random fragments with control frames between them, a third of the streams with a few
 * bytes changed, sent whole and in random pieces; messages, pongs and the close must be the same, and those of an
 * unchanged stream are the ones that were made. The seed is printed; PADDOCK_SEED repeats one. */
#include "tests/unit/support/check.h"
#include "tests/unit/support/raw_peer.h"

#include "engine/base/rng.h"
#include "engine/http/ws.h"

#include <stdlib.h>

#define RUNS   400
#define SPLITS 5

struct outcome {
    struct http_ws *ws;
    struct buf seen, answered;
};

static void on_message(void *owner, bool text, struct str payload)
{
    struct outcome *o = owner;
    buf_addf(&o->seen, "%s%zu:", text ? "text" : "data", payload.n);
    buf_add(&o->seen, payload);
}
static void on_pong(void *owner, struct str payload)
{
    buf_addf(&((struct outcome *)owner)->seen, "pong%zu", payload.n);
}
static void on_closed(void *owner, const struct world_ws_closed *how)
{
    struct outcome *o = owner;
    buf_addf(&o->seen, "closed%u%s", how->code, how->err ? how->err->message : "");
    o->ws = NULL;
}
static const struct world_ws_handler handler = {
    .message = on_message, .pong = on_pong, .closed = on_closed};

static void serve(void *owner, struct http_exchange *x)
{
    struct outcome *o = owner;
    o->ws = http_ws_accept(x, NULL, &handler, o);
}

static void put_frame(struct rng *r, struct buf *out, unsigned first, struct str payload)
{
    char mask[4];
    rng_bytes(r, mask, sizeof(mask));
    buf_add_char(out, (char)first);
    if (payload.n < 126) {
        buf_add_char(out, (char)(0x80 | payload.n));
    } else {
        buf_add_char(out, (char)(0x80 | 126));
        buf_add_char(out, (char)(payload.n >> 8));
        buf_add_char(out, (char)(payload.n & 0xff));
    }
    buf_add(out, (struct str){mask, sizeof(mask)});
    for (size_t i = 0; i < payload.n; i++)
        buf_add_char(out, (char)(payload.p[i] ^ mask[i % 4]));
}

static void put_message(struct rng *r, struct buf *out, struct buf *want)
{
    char payload[9000];
    size_t n = rng_below(r, 3) ? rng_below(r, 200) : rng_below(r, sizeof(payload)), at = 0;
    bool text = rng_below(r, 2), fin = false;
    for (size_t i = 0; i < n; i++)
        payload[i] = (char)(text ? 'a' + rng_below(r, 26) : rng_below(r, 256));
    for (unsigned opcode = text ? 1 : 2; !fin; opcode = 0) {
        size_t part = rng_below(r, 2) ? n - at : rng_below(r, n - at + 1);
        fin = at + part == n && rng_below(r, 4);
        put_frame(r, out, opcode | (fin ? 0x80 : 0), (struct str){payload + at, part});
        at += part;
        if (!fin && rng_below(r, 3) == 0)
            put_frame(r, out, 0x89, (struct str){payload, n < 125 ? n : 125});
        if (!fin && rng_below(r, 3) == 0) {
            put_frame(r, out, 0x8a, str_empty);
            buf_add_c(want, "pong0");
        }
    }
    buf_addf(want, "%s%zu:", text ? "text" : "data", n);
    buf_add(want, (struct str){payload, n});
}

static struct outcome run(struct str bytes, uint64_t seed, size_t split)
{
    static const char upgrade[] =
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    struct outcome o = {.ws = NULL};
    struct fake_world *f = fake_new(seed);
    struct raw_peer peer;
    struct world_stream *a, *b;
    struct http_server *server = http_server_new(fake_of(f), NULL, serve, &o);
    fake_pair(f, &a, &b);
    fake_split(f, split);
    http_server_accept(server, b);
    raw_take(&peer, a);
    raw_send_c(&peer, upgrade);
    raw_send(&peer, bytes);
    fake_run(f);
    buf_add(&o.answered, buf_str(&peer.got));
    if (o.ws)
        http_ws_abort(o.ws);
    raw_free(&peer);
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
    uint64_t seed = 20260102;
    if (given)
        assert_true(str_to_u64(str_c(given), &seed));
    print_message("PADDOCK_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

static void test_split(void **state)
{
    struct rng r = rng_seed(seed_of_run());
    for (size_t i = 0; i < RUNS; i++) {
        struct buf bytes = {0}, want = {0};
        bool spoiled = rng_below(&r, 3) == 0;
        for (uint64_t j = 1 + rng_below(&r, 5); j > 0; j--)
            put_message(&r, &bytes, &want);
        if (spoiled)
            bytes.p[rng_below(&r, bytes.n)] ^= (char)(1 + rng_below(&r, 255));
        struct outcome whole = run(buf_str(&bytes), i, 0);
        if (!spoiled)
            check_str_eq(buf_str(&whole.seen), buf_str(&want));
        for (size_t j = 0; j < SPLITS; j++) {
            static const size_t sizes[] = {1, 3, 40, 500, 9000};
            struct outcome cut = run(buf_str(&bytes), rng_u64(&r), sizes[j]);
            check_str_eq(buf_str(&cut.seen), buf_str(&whole.seen));
            check_str_eq(buf_str(&cut.answered), buf_str(&whole.answered));
            outcome_free(&cut);
        }
        outcome_free(&whole);
        buf_free(&bytes);
        buf_free(&want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_split)};
    return cmocka_run_group_tests_name("ws_split", tests, NULL, NULL);
}
