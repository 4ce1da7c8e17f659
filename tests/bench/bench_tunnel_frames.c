/* The costs of engine/tunnel's codec: Data frames of 32 KiB as bulk traffic has them, and control frames. */
#include "engine/tunnel/frame.h"
#include "tests/bench/support/measure.h"

#include <stdio.h>
#include <string.h>

#define BULK_FRAMES  200000u
#define SMALL_FRAMES 5000000u

/* `amount` in the time since from_ns, as so many units a second. */
static void report(const char *name, uint64_t amount, int64_t from_ns, const char *unit)
{
    uint64_t us = (uint64_t)(bench_now_ns() - from_ns) / 1000 + 1;
    bool bytes = strcmp(unit, "MB/s") == 0; /* a byte a microsecond */
    uint64_t value = bytes ? amount / us : amount * 1000 / us * 1000;
    printf("{\"bench\":\"%s\",\"value\":%llu,\"unit\":\"%s\"}\n", name, (unsigned long long)value,
           unit);
}

/* Into one buffer that is used again, as a session does. */
static void bench_encode(const char *name, struct tunnel_frame f, uint64_t n, const char *unit)
{
    struct buf out = {0};
    uint64_t bytes = 0;
    int64_t from = bench_now_ns();
    for (uint64_t i = 0; i < n; i++) {
        f.id++;
        buf_clear(&out);
        tunnel_frame_encode(&out, &f);
        bytes += out.n;
    }
    report(name, strcmp(unit, "MB/s") == 0 ? bytes : n, from, unit);
    buf_free(&out);
}

/* Decoding takes views: the payload is read as its user would. */
static void bench_decode(const char *name, struct tunnel_frame f, uint64_t n, const char *unit)
{
    struct buf message = {0}, user = {0};
    tunnel_frame_encode(&message, &f);
    uint64_t bytes = 0, check = 0;
    int64_t from = bench_now_ns();
    for (uint64_t i = 0; i < n; i++) {
        struct tunnel_frame got;
        struct err *err = tunnel_frame_decode(buf_str(&message), &got);
        BUG_ON(err != NULL, "what was encoded is decoded");
        buf_clear(&user);
        buf_add(&user, got.payload);
        bytes += message.n;
        check += (uint64_t)got.conn + user.n;
    }
    BUG_ON(check != n * ((uint64_t)f.conn + f.payload.n), "every frame is the same");
    report(name, strcmp(unit, "MB/s") == 0 ? bytes : n, from, unit);
    buf_free(&message);
    buf_free(&user);
}

int main(void)
{
    char *payload = mem_alloc(TUNNEL_DATA_BYTES_MAX);
    struct tunnel_frame bulk = {
        INT64_MAX / 3, 12345, TUNNEL_DATA, {payload, TUNNEL_DATA_BYTES_MAX}};
    struct tunnel_frame small = {INT64_MAX / 3, 12345, TUNNEL_PAUSE, str_empty};
    bench_encode("tunnel.frame_encode", bulk, BULK_FRAMES, "MB/s");
    bench_decode("tunnel.frame_decode", bulk, BULK_FRAMES, "MB/s");
    bench_encode("tunnel.control_encode", small, SMALL_FRAMES, "frames/s");
    bench_decode("tunnel.control_decode", small, SMALL_FRAMES, "frames/s");
    mem_free(payload);
    return 0;
}
