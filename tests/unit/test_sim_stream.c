/* Goal: streams behave as TCP does in good and bad times: order, time, windows, half-close, and what each side sees
 * when the other one dies, is cut off, or comes back.
 * Method: one client and one server 10 ms apart; the string of callbacks and the times tell. */
#include "tests/unit/support/sim_kit.h"

#define BLOCK ((size_t)64 << 10)

static void times(void **state)
{
    struct kit *k = kit_new();
    k->echo = true;
    kit_listen(k, NULL);
    kit_connect(k, NULL);
    world_stream_write(k->c.s, STR("before"));
    kit_run(k, 2 * KIT_ONE_WAY);
    check_str(buf_str(&k->c.events), "o");
    assert_int_equal(k->c.at, 2 * KIT_ONE_WAY);
    assert_int_equal(k->accepted_n, 0);
    world_stream_write(k->c.s, STR(" after"));
    kit_run(k, KIT_ONE_WAY);
    check_str(buf_str(&k->accepted[0].got), "before after");
    check_str(buf_str(&k->accepted[0].events), "d"); /* one event, one piece */
    kit_run(k, KIT_ONE_WAY);
    assert_int_equal(k->c.at, 4 * KIT_ONE_WAY);
    world_stream_shutdown(k->c.s);
    kit_run(k, S);
    check_str(buf_str(&k->c.events), "odec");
    check_str(buf_str(&k->accepted[0].events), "dec");
    assert_false(k->c.failed || k->accepted[0].failed);
    kit_free(k);
}

static void half_close(void **state)
{
    struct kit *k = kit_new();
    kit_up(k);
    struct kit_end *server = &k->accepted[0];
    world_stream_shutdown(k->c.s);
    kit_run(k, S);
    check_str(buf_str(&server->events), "e");
    world_stream_write(server->s, STR("still"));
    kit_run(k, S);
    check_str(buf_str(&k->c.got), "still");
    world_stream_close(server->s);
    kit_run(k, S);
    check_str(buf_str(&k->c.events), "odec");
    assert_false(k->c.failed);
    kit_free(k);
}

static void refused_and_silent(void **state)
{
    struct kit *k = kit_new();
    kit_connect(k, NULL); /* nobody listens */
    kit_run(k, 2 * KIT_ONE_WAY);
    check_str(buf_str(&k->c.events), "c");
    assert_int_equal(k->c.code, ERR_CONN_REFUSED);
    assert_int_equal(kit_count(k, "net.refused"), 1);

    struct kit_end nobody = {.sim = k->sim};
    struct world_connect o = {.address = world_addr_make(STR("10.9.9.9"), 1), .timeout = 3 * S};
    nobody.s = world_stream_connect(kit_cw(k), &o, &kit_handler, &nobody);
    world_time start = sim_now(k->sim);
    kit_run(k, 10 * S);
    assert_int_equal(nobody.code, ERR_TIMEOUT);
    assert_int_equal(nobody.at, start + 3 * S);
    kit_end_free(&nobody);
    kit_free(k);
}

/* A host without power answers nothing; a SYN that is sent again finds it when it is back. */
static void syn_is_sent_again(void **state)
{
    struct kit *k = kit_new();
    sim_host_power_off(k->server_host);
    kit_connect(k, NULL);
    kit_run(k, 2 * S);
    assert_int_equal(k->c.events.n, 0);
    sim_host_power_on(k->server_host);
    check_ok(sim_process_start(k->server));
    kit_listen(k, NULL);
    kit_run(k, 2 * S);
    check_str(buf_str(&k->c.events), "o");
    assert_int_equal(k->c.at,
                     3 * S + 2 * KIT_ONE_WAY); /* tries at 0, 1 and 3 s, seen 10 ms later */
    kit_free(k);
}

static void back_pressure(void **state)
{
    struct kit *k = kit_new();
    static char block[BLOCK];
    kit_up(k);
    struct kit_end *server = &k->accepted[0];
    world_stream_pause(server->s);
    for (int i = 0; i < 16; i++)
        world_stream_write(k->c.s, (struct str){block, BLOCK});
    kit_run(k, 10 * S);
    assert_int_equal(server->got.n, 0);
    assert_int_equal(world_stream_queued(k->c.s), 16 * BLOCK - SIM_WINDOW_BYTES);
    world_stream_resume(server->s);
    kit_run(k, KIT_ONE_WAY / 2);
    assert_int_equal(server->got.n,
                     SIM_WINDOW_BYTES); /* more needs news to cross and bytes to come back */
    kit_run(k, 10 * S);
    assert_int_equal(server->got.n, 16 * BLOCK);
    check_str(buf_str(&k->c.events), "or");
    kit_free(k);
}

static void loopback(void **state)
{
    struct kit *k = kit_new();
    kit_listen(k, NULL);
    struct sim_process_options o = {.name = STR("beside"), .host = k->server_host};
    struct sim_process *beside = sim_process_new(k->sim, &o);
    check_ok(sim_process_start(beside));
    kit_fault(k,
              &(struct sim_fault_options){.kind = SIM_FAULT_NET_PARTITION}); /* does not touch it */
    struct world_connect to = {.address = world_addr_make(STR("127.0.0.1"), KIT_PORT)};
    k->c.s = world_stream_connect(sim_process_world(beside), &to, &kit_handler, &k->c);
    kit_run(k, 4 * SIM_LOOPBACK);
    check_str(buf_str(&k->c.events), "o");
    assert_int_equal(k->accepted_n, 1);
    sim_process_kill(beside, 1);
    kit_run(k, MS);
    check_str(buf_str(&k->accepted[0].events), "e");
    kit_free(k);
}

/* ---- deaths ---- */

static void kill_sends_fin(void **state)
{
    struct kit *k = kit_new();
    kit_up(k);
    world_stream_write(k->accepted[0].s, STR("last words"));
    sim_process_kill(k->server, SIM_EXIT_KILLED);
    kit_run(k, S);
    check_str(buf_str(&k->c.got), "last words");
    check_str(buf_str(&k->c.events), "ode");
    assert_int_equal(k->accepted[0].closed, 0);
    world_stream_write(k->c.s, STR("hello?"));
    kit_run(k, S); /* the kernel knows nothing of it any more */
    check_str(buf_str(&k->c.events), "odec");
    assert_int_equal(k->c.code, ERR_CONN_RESET);
    kit_free(k);
}

static void kill_with_unread_bytes_resets(void **state)
{
    struct kit *k = kit_new();
    kit_up(k);
    world_stream_pause(k->accepted[0].s);
    world_stream_write(k->c.s, STR("unread"));
    kit_run(k, S);
    sim_process_kill(k->server, SIM_EXIT_KILLED);
    kit_run(k, S);
    check_str(buf_str(&k->c.events), "oc");
    assert_int_equal(k->c.code, ERR_CONN_RESET);
    kit_free(k);
}

struct seen {
    int n;
    struct sim_connection last;
};
static void see(void *owner, const struct sim_connection *c)
{
    struct seen *seen = owner;
    seen->n++;
    seen->last = *c;
}

static void power_loss_is_silent(void **state)
{
    struct kit *k = kit_new();
    kit_up(k);
    sim_host_power_off(k->server_host);
    kit_run(k, 3600 * S);
    check_str(buf_str(&k->c.events), "o"); /* nothing was sent, so nothing is noticed */
    struct seen seen = {0};
    sim_connections_each(k->sim, see, &seen);
    assert_int_equal(seen.n, 1);
    assert_int_equal(seen.last.state, SIM_HALF_OPEN);
    assert_ptr_equal(seen.last.client, k->client);
    assert_null(seen.last.server);
    world_time start = sim_now(k->sim);
    world_stream_write(k->c.s, STR("anybody?"));
    kit_run(k, SIM_TCP_TIMEOUT + SIM_RETRANSMIT_MAX + S);
    check_str(buf_str(&k->c.events), "oc");
    assert_int_equal(k->c.code, ERR_TIMEOUT);
    assert_true(k->c.at - start >= SIM_TCP_TIMEOUT);
    sim_connections_each(k->sim, see, &seen);
    assert_int_equal(seen.n, 1);
    kit_free(k);
}

static void a_reborn_host_resets(void **state)
{
    struct kit *k = kit_new();
    kit_up(k);
    sim_host_power_off(k->server_host);
    world_stream_write(k->c.s, STR("anybody?"));
    kit_run(k, 30 * S);
    sim_host_power_on(k->server_host);
    kit_run(k, 30 * S); /* the next retransmission meets a kernel that knows nothing of it */
    check_str(buf_str(&k->c.events), "oc");
    assert_int_equal(k->c.code, ERR_CONN_RESET);
    kit_free(k);
}

/* A stopped process's kernel still answers and buffers. */
static void paused_peer(void **state)
{
    struct kit *k = kit_new();
    kit_listen(k, NULL);
    sim_process_pause(k->server);
    kit_connect(k, NULL);
    kit_run(k, S);
    check_str(buf_str(&k->c.events), "o");
    assert_int_equal(k->accepted_n, 0);
    world_stream_write(k->c.s, STR("one"));
    kit_run(k, S);
    sim_process_resume(k->server);
    kit_run(k, 0);
    assert_int_equal(k->accepted_n, 1);
    check_str(buf_str(&k->accepted[0].got), "one");
    kit_free(k);
}

static void abort_resets(void **state)
{
    struct kit *k = kit_new();
    kit_up(k);
    world_stream_write(k->accepted[0].s, STR("seen"));
    kit_run(k, MS);
    world_stream_abort(k->accepted[0].s);
    kit_run(k, S);
    check_str(buf_str(&k->c.events), "odc");
    assert_int_equal(k->c.code, ERR_CONN_RESET);
    kit_free(k);
}

static void listener_close_keeps_streams(void **state)
{
    struct kit *k = kit_new();
    kit_up(k);
    world_listener_close(k->listener);
    world_stream_write(k->c.s, STR("x"));
    kit_run(k, S);
    check_str(buf_str(&k->accepted[0].got), "x");
    struct kit_end late = {.sim = k->sim};
    struct world_connect o = {.address = world_addr_make(STR("10.0.0.1"), KIT_PORT)};
    late.s = world_stream_connect(kit_cw(k), &o, &kit_handler, &late);
    kit_run(k, S);
    assert_int_equal(late.code, ERR_CONN_REFUSED);
    kit_end_free(&late);
    kit_free(k);
}

/* An address of several hosts goes to those that are on and listen, in turn. */
static void balanced_address(void **state)
{
    struct kit *k = kit_new();
    kit_listen(k, NULL);
    struct sim_process *second = kit_process(k, "second", "10.0.0.3", "site/a", NULL, NULL);
    sim_host_add_address(k->server_host, STR("10.1.1.1"));
    sim_host_add_address(sim_process_host(second), STR("10.1.1.1")); /* nobody listens there */
    struct kit_end ends[3] = {{.sim = k->sim}, {.sim = k->sim}, {.sim = k->sim}};
    struct world_connect o = {.address = world_addr_make(STR("10.1.1.1"), KIT_PORT),
                              .timeout = 2 * S};
    for (int i = 0; i < 2; i++)
        ends[i].s = world_stream_connect(kit_cw(k), &o, &kit_handler, &ends[i]);
    kit_run(k, S);
    assert_int_equal(k->accepted_n, 2);
    sim_host_power_off(k->server_host);
    ends[2].s = world_stream_connect(kit_cw(k), &o, &kit_handler, &ends[2]);
    kit_run(k, 3 * S);
    assert_int_equal(ends[2].code, ERR_CONN_REFUSED); /* by the one that is on */
    for (int i = 0; i < 3; i++)
        kit_end_free(&ends[i]);
    kit_free(k);
}

static void latency_follows_its_quantiles(void **state)
{
    const struct sim_latency l = {40 * MS, 180 * MS};
    struct rng r = rng_seed(7);
    int below_median = 0, above_p99 = 0;
    for (int i = 0; i < 100000; i++) {
        world_time t = sim_latency_draw(&l, &r);
        assert_true(t >= 30 * MS && t <= 200 * MS);
        below_median += t < l.p50;
        above_p99 += t > l.p99;
    }
    assert_in_range(below_median, 49000, 51000);
    assert_in_range(above_p99, 500, 1500);
}

static void bandwidth(void **state)
{
    struct kit *k = kit_new();
    struct sim_link slow = {.latency.p50 = KIT_ONE_WAY, .bytes_per_second = 64 << 10};
    sim_link_set(k->sim, STR("site"), STR("cluster"), &slow);
    static char block[BLOCK];
    kit_up(k);
    world_time start = sim_now(k->sim);
    world_stream_write(k->c.s, (struct str){block, BLOCK});
    world_stream_write(k->c.s, (struct str){block, BLOCK});
    kit_run(k, 10 * S);
    assert_int_equal(k->accepted[0].got.n, 2 * BLOCK);
    assert_int_equal(k->accepted[0].at, start + 2 * S + KIT_ONE_WAY);
    kit_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times),
        cmocka_unit_test(half_close),
        cmocka_unit_test(refused_and_silent),
        cmocka_unit_test(syn_is_sent_again),
        cmocka_unit_test(back_pressure),
        cmocka_unit_test(loopback),
        cmocka_unit_test(kill_sends_fin),
        cmocka_unit_test(kill_with_unread_bytes_resets),
        cmocka_unit_test(power_loss_is_silent),
        cmocka_unit_test(a_reborn_host_resets),
        cmocka_unit_test(paused_peer),
        cmocka_unit_test(abort_resets),
        cmocka_unit_test(listener_close_keeps_streams),
        cmocka_unit_test(balanced_address),
        cmocka_unit_test(latency_follows_its_quantiles),
        cmocka_unit_test(bandwidth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
