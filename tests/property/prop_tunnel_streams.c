/* Goal: whatever happens to connections and their session, each reader gets exactly the bytes that were written, in
 * order: all of them when the writer closed in order, a prefix when there was an error. Memory is bounded and given back.
 * Method: random writes, pauses, closes and session deaths over many connections on wires of random latency and rate;
 * the k-th byte of a direction is a function of k, so that every reader can check what it gets without a copy. */
#include "engine/tunnel/session.h"

#include "tests/unit/support/tiny_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#define MS        NS_PER_MS
#define S         NS_PER_S
#define RUNS      60
#define CONNS     24u
#define STEPS     400
#define WRITE_MAX 400000u

struct run;

/* One end of a connection. */
struct end {
    struct run *run;
    struct end *other;
    struct tunnel_conn *conn; /* NULL: none, or ended */
    uint32_t salt;            /* of what this end writes */
    uint64_t written, read;
    bool closed_by_us, done; /* done: we got `closed` or closed */
    int code;                /* of `closed`; -1 in order */
    bool paused;
};

struct run {
    struct tiny *t;
    struct rng *rng;
    struct tiny_wire *wire;
    struct tunnel_session *server, *client;
    struct policies policies;
    struct end near[CONNS], far[CONNS];
    size_t dialled;   /* ends in use; the address tells the far side which */
    uint64_t checked; /* bytes */
    size_t buffered_max;
};

static uint8_t byte_at(uint32_t salt, uint64_t k)
{
    uint64_t x = (k + 1) * 0x9e3779b97f4a7c15u ^ salt;
    return (uint8_t)(x >> 32 ^ x >> 11);
}

static void end_maybe_pause(struct end *e)
{
    if (rng_below(e->run->rng, 40) == 0) {
        tunnel_conn_pause(e->conn);
        e->paused = true;
    }
}

static void end_close(struct end *e)
{
    struct tunnel_conn *c = e->conn;
    e->conn = NULL;
    e->closed_by_us = e->done = true;
    tunnel_conn_close(c);
}

static void on_data(void *owner, struct str bytes)
{
    struct end *e = owner;
    for (size_t i = 0; i < bytes.n; i++)
        if ((uint8_t)bytes.p[i] != byte_at(e->other->salt, e->read + i))
            fail_msg("byte %llu differs", (unsigned long long)(e->read + i));
    e->read += bytes.n;
    e->run->checked += bytes.n;
    assert_true(e->read <= e->other->written);
    if (rng_below(e->run->rng, 500) == 0)
        end_close(e);
    else
        end_maybe_pause(e);
}

static void on_closed(void *owner, const struct err *err)
{
    struct end *e = owner;
    assert_false(e->done);
    e->conn = NULL;
    e->done = true;
    e->code = err ? (int)err->code : -1;
    if (!err) { /* only the other side's close is an orderly end, and then nothing is missing */
        assert_true(e->other->closed_by_us);
        assert_int_equal(e->read, e->other->written);
    }
}

static const struct tunnel_conn_handler handler = {on_data, NULL, on_closed};

static void on_incoming(void *owner, struct tunnel_conn *c, struct str proto, struct str address)
{
    struct run *r = owner;
    uint64_t i = 0;
    (void)proto;
    assert_true(str_to_u64(address, &i));
    struct end *e = &r->far[i];
    e->conn = c;
    tunnel_conn_attach(c, &handler, e);
}

static void on_server_closed(void *owner, const struct err *why)
{
    (void)why;
    ((struct run *)owner)->server = NULL;
}

static void on_client_closed(void *owner, const struct err *why)
{
    (void)why;
    ((struct run *)owner)->client = NULL;
}

static void run_connect(struct run *r)
{
    world_time latency = (world_time)rng_below(r->rng, 30) * MS;
    int64_t rate = rng_below(r->rng, 2) ? 0 : (int64_t)1 << (20 + rng_below(r->rng, 7));
    struct tunnel_session_options a = {.side = TUNNEL_SERVER,
                                       .policies = &r->policies,
                                       .key = STR("c-1"),
                                       .closed = on_server_closed,
                                       .owner = r};
    struct tunnel_session_options b = {.side = TUNNEL_CLIENT,
                                       .policies = &r->policies,
                                       .key = STR("client"),
                                       .incoming = on_incoming,
                                       .closed = on_client_closed,
                                       .owner = r};
    struct world *w = tiny_process(r->t, "10.0.0.1");
    r->wire = tiny_wire_new(r->t, latency, rate);
    r->server = tunnel_session_new(w, &tiny_wire_ops, tiny_wire_end(r->wire, 0), &a);
    r->client = tunnel_session_new(w, &tiny_wire_ops, tiny_wire_end(r->wire, 1), &b);
    tiny_end_attach(tiny_wire_end(r->wire, 0), &tunnel_session_ws_handler, r->server);
    tiny_end_attach(tiny_wire_end(r->wire, 1), &tunnel_session_ws_handler, r->client);
}

static void run_dial(struct run *r)
{
    size_t i = r->dialled;
    if (i == CONNS || !r->server)
        return;
    struct end *near = &r->near[i], *far = &r->far[i];
    *near = (struct end){.run = r, .other = far, .salt = (uint32_t)rng_u64(r->rng)};
    *far = (struct end){.run = r, .other = near, .salt = (uint32_t)rng_u64(r->rng)};
    char address[8];
    (void)snprintf(address, sizeof(address), "%zu", i);
    r->dialled++;
    assert_null(
        tunnel_session_dial(r->server, STR("tcp"), str_c(address), &handler, near, &near->conn));
}

/* A polite writer: it stops while there is much queued. */
static void end_write(struct end *e)
{
    if (tunnel_conn_queued(e->conn) > 4 * TUNNEL_CONN_LOW)
        return;
    size_t n = 1 + rng_below(e->run->rng, rng_below(e->run->rng, 4) ? 2000 : WRITE_MAX);
    char *bytes = mem_alloc(n);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)byte_at(e->salt, e->written + i);
    e->written += n;
    tunnel_conn_write(e->conn, (struct str){bytes, n});
    mem_free(bytes);
}

static void end_step(struct end *e)
{
    if (!e->conn)
        return;
    uint64_t what = rng_below(e->run->rng, 100);
    if (what < 70) {
        end_write(e);
    } else if (what < 80) {
        tunnel_conn_pause(e->conn);
        e->paused = true;
    } else if (what < 98) {
        tunnel_conn_resume(e->conn);
        e->paused = false;
    } else {
        end_close(e);
    }
}

static void run_step(struct run *r, bool may_die)
{
    uint64_t what = rng_below(r->rng, 1000);
    if (may_die && what == 0 && r->server)
        tiny_wire_break(r->wire);
    else if (may_die && what == 1 && r->client)
        tunnel_session_close(r->client), r->client = NULL;
    else if (what < 60)
        run_dial(r);
    else if (r->dialled > 0)
        end_step(rng_below(r->rng, 2) ? &r->near[rng_below(r->rng, r->dialled)]
                                      : &r->far[rng_below(r->rng, r->dialled)]);
    if (rng_below(r->rng, 3) == 0)
        tiny_run(r->t, (world_time)rng_below(r->rng, 40) * MS);
    size_t buffered = (r->server ? tunnel_session_stats(r->server).buffered : 0) +
                      (r->client ? tunnel_session_stats(r->client).buffered : 0);
    r->buffered_max = buffered > r->buffered_max ? buffered : r->buffered_max;
}

/* Everybody reads to the end. */
static void run_settle(struct run *r)
{
    for (int round = 0; round < 40; round++) {
        for (size_t i = 0; i < r->dialled; i++) {
            if (r->near[i].conn)
                tunnel_conn_resume(r->near[i].conn);
            if (r->far[i].conn)
                tunnel_conn_resume(r->far[i].conn);
        }
        tiny_run(r->t, 5 * S);
    }
}

/* Data that a side wrote and did not close behind has arrived by now, unless the other side had closed. */
static void check_settled(const struct end *e, bool alive)
{
    if (alive && e->conn && e->other->conn)
        assert_int_equal(e->read, e->other->written);
    if (alive && e->done && !e->closed_by_us)
        assert_int_equal(e->code, -1);
}

/* Returns the number of bytes that were checked. */
static uint64_t run_once(uint64_t seed, struct policies policies, bool may_die)
{
    struct run *r = MEM_NEW(struct run);
    r->t = tiny_new(seed);
    r->rng = tiny_rng(r->t);
    r->policies = policies;
    run_connect(r);
    for (int i = 0; i < STEPS; i++)
        run_step(r, may_die);
    run_settle(r);
    bool alive = r->server && r->client;
    assert_true(alive || may_die);
    for (size_t i = 0; i < r->dialled; i++) {
        check_settled(&r->near[i], alive);
        check_settled(&r->far[i], alive);
    }
    /* each direction of each connection: the mark, and what one write and the wire had under way */
    assert_true(r->buffered_max <=
                2 * CONNS * (TUNNEL_BUFFER_MARK + WRITE_MAX + ((size_t)4 << 20)));
    if (alive) {
        assert_int_equal(tunnel_session_stats(r->server).overflows, 0);
        assert_int_equal(tunnel_session_stats(r->server).buffered, 0);
        assert_int_equal(tunnel_session_stats(r->server).queued, 0);
        assert_int_equal(tunnel_session_stats(r->client).buffered, 0);
        assert_int_equal(tunnel_session_stats(r->server).open,
                         tunnel_session_stats(r->client).open);
    }
    tunnel_session_close(r->server);
    tunnel_session_close(r->client);
    for (size_t i = 0; i < r->dialled; i++) {
        assert_null(r->near[i].conn);
        assert_true(r->near[i].done);
        assert_null(r->far[i].conn);
    }
    assert_true(may_die || r->checked > 0);
    uint64_t checked = r->checked;
    tiny_free(r->t);
    mem_free(r);
    return checked;
}

static void test_all(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        uint64_t bytes =
            run_once(seed, seed % 3 ? policies_hardened() : policies_compat(), seed % 2);
        print_message("seed %llu: %llu bytes\n", (unsigned long long)seed,
                      (unsigned long long)bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
