/* Goal: each fault does what its name says, only to its targets, only in its time, and counts itself.
 * Method: one connection 10 ms long under each kind; the counter is 0 before it can have fired. */
#include "tests/unit/support/sim_kit.h"

#define MINUTE (60 * S)

static struct sim_fault_options between(enum sim_fault_kind kind)
{
    return (struct sim_fault_options){
        .kind = kind, .from.zone = STR("cluster"), .to.zone = STR("site"), .duration = MINUTE};
}

static void send(struct kit *k)
{
    world_stream_write(k->c.s, STR("x"));
}

/* Cut at once, healed after a minute: {kind, direction to server cut, to client cut} */
static void cuts(void **state)
{
    static const struct {
        enum sim_fault_kind kind;
        bool swapped, up_cut, down_cut;
        world_time late; /* the held byte comes that long after the end */
    } rows[] = {
        {SIM_FAULT_NET_PARTITION, false, true, true, 0},
        {SIM_FAULT_NET_ONE_WAY, false, true, false, 0},
        {SIM_FAULT_NET_ONE_WAY, true, false, true, 0},
        {SIM_FAULT_NET_CLOG, false, true, true, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct kit *k = kit_new();
        kit_up(k);
        struct kit_end *server = &k->accepted[0];
        struct sim_fault_options o = between(rows[i].kind);
        struct sim_set from = o.from;
        o.from = rows[i].swapped ? o.to : o.from;
        o.to = rows[i].swapped ? from : o.to;
        struct sim_fault *f = kit_fault(k, &o);
        assert_true(sim_fault_is_active(f));
        assert_int_equal(sim_fault_fired(f), 0);
        send(k);
        world_stream_write(server->s, STR("y"));
        kit_run(k, 30 * S);
        assert_int_equal(server->got.n, !rows[i].up_cut);
        assert_int_equal(k->c.got.n, !rows[i].down_cut);
        assert_true(sim_fault_fired(f) > 0);
        kit_run(k, 30 * S + rows[i].late);
        assert_false(sim_fault_is_active(f));
        if (rows[i].kind == SIM_FAULT_NET_CLOG)
            assert_int_equal(server->got.n, 1); /* at once */
        kit_run(k, MINUTE + S);                 /* the next retransmission */
        assert_int_equal(server->got.n, 1);
        assert_int_equal(k->c.got.n, 1);
        assert_true(kit_count(k, "net.retransmissions") > 0);
        kit_free(k);
    }
}

static void a_long_partition_ends_connections(void **state)
{
    struct kit *k = kit_new();
    kit_up(k);
    struct sim_fault_options o = between(SIM_FAULT_NET_PARTITION);
    o.duration = 0;
    struct sim_fault *f = kit_fault(k, &o);
    send(k);
    kit_run(k, SIM_TCP_TIMEOUT + 2 * SIM_RETRANSMIT_MAX);
    check_str(buf_str(&k->c.events), "oc");
    assert_int_equal(k->c.code, ERR_TIMEOUT);
    check_str(buf_str(&k->accepted[0].events), ""); /* it never sent anything: it cannot know */
    sim_fault_end(f);
    world_stream_write(k->accepted[0].s, STR("still there?"));
    kit_run(k, S);
    assert_int_equal(k->accepted[0].code, ERR_CONN_RESET);
    kit_free(k);
}

/* One way cut: the bytes arrive, but the sender never hears so. */
static void lost_acknowledgements(void **state)
{
    struct kit *k = kit_new();
    kit_up(k);
    struct sim_fault_options o = {.kind = SIM_FAULT_NET_ONE_WAY,
                                  .from.zone = STR("site/a"),
                                  .to.hosts = &k->client_host,
                                  .to.hosts_n = 1};
    struct sim_fault *f = kit_fault(k, &o);
    send(k);
    kit_run(k, S);
    assert_int_equal(k->accepted[0].got.n, 1);
    kit_run(k, SIM_TCP_TIMEOUT);
    assert_int_equal(k->c.code, ERR_TIMEOUT);
    assert_true(sim_fault_fired(f) > 0);
    kit_free(k);
}

static void half_open(void **state)
{
    struct kit *k = kit_new();
    kit_up(k);
    struct sim_fault_options o = between(SIM_FAULT_NET_HALF_OPEN);
    struct sim_fault *f = kit_fault(k, &o);
    assert_int_equal(sim_fault_fired(f), 1);
    assert_int_equal(kit_count(k, "net.half_open_sessions"), 1);
    send(k);
    kit_run(k, 5 * MINUTE); /* for good, though the fault is over */
    assert_int_equal(k->accepted[0].got.n, 0);
    struct kit_end second = {.sim = k->sim};
    struct world_connect to = {.address = world_addr_make(STR("10.0.0.1"), KIT_PORT)};
    second.s = world_stream_connect(kit_cw(k), &to, &kit_handler, &second);
    kit_run(k, S);
    check_str(buf_str(&second.events), "o");
    kit_end_free(&second);
    kit_free(k);
}

static void reset_and_refuse(void **state)
{
    struct kit *k = kit_new();
    kit_up(k);
    struct sim_fault_options o = between(SIM_FAULT_NET_RESET);
    struct sim_fault *f = kit_fault(k, &o);
    kit_run(k, S);
    check_str(buf_str(&k->c.events), "oc");
    check_str(buf_str(&k->accepted[0].events), "c");
    assert_int_equal(k->c.code, ERR_CONN_RESET);
    assert_int_equal(sim_fault_fired(f), 1);
    kit_connect(k, NULL); /* while it lasts, new ones too */
    kit_run(k, S);
    assert_int_equal(sim_fault_fired(f), 2);
    sim_fault_end(f);
    o = between(SIM_FAULT_NET_REFUSE);
    struct sim_fault *refuse = kit_fault(k, &o);
    kit_connect(k, NULL);
    kit_run(k, S);
    assert_int_equal(k->c.code, ERR_CONN_REFUSED);
    assert_int_equal(sim_fault_fired(refuse), 1);
    kit_free(k);
}

/* What is used stays; what is not is reset at both ends once it has been silent for so long. */
static void idle_cut(void **state)
{
    struct kit *k = kit_new();
    kit_up(k);
    struct sim_fault_options o = between(SIM_FAULT_NET_IDLE_CUT);
    o.delay = 3 * S;
    struct sim_fault *f = kit_fault(k, &o);
    for (int i = 0; i < 5; i++) {
        send(k);
        kit_run(k, 2 * S);
    }
    assert_int_equal(sim_fault_fired(f), 0);
    kit_run(k, S + KIT_ONE_WAY - MS);
    check_str(buf_str(&k->c.events), "o");
    kit_run(k, 30 * MS);
    check_str(buf_str(&k->c.events), "oc");
    assert_int_equal(k->c.code, ERR_CONN_RESET);
    assert_int_equal(sim_fault_fired(f), 1);
    kit_run(k, 3 * S - 54 * MS); /* the next look meets a connection half-way into its handshake */
    kit_connect(k, NULL);
    kit_run(k, 2 * S);
    check_str(buf_str(&k->c.events), "oco");
    assert_int_equal(sim_fault_fired(f), 1);
    sim_fault_end(f);
    kit_run(k, MINUTE);
    assert_int_equal(sim_fault_fired(f), 1); /* it is over: silence is nobody's business */
    kit_free(k);
}

/* {kind, delay of one 1000-byte message beyond 10 ms: at least, at most} */
static void delays(void **state)
{
    static const struct {
        enum sim_fault_kind kind;
        world_time least, most;
    } rows[] = {
        {SIM_FAULT_NET_LATENCY, 100 * MS, 150 * MS},
        {SIM_FAULT_NET_REORDER, 100 * MS, 150 * MS},
        {SIM_FAULT_NET_LOSS, 200 * MS, 60 * S},
        {SIM_FAULT_NET_THROTTLE, S, S},
        {SIM_FAULT_NET_DUPLICATE, 0, 0},
    };
    static char bytes[1000];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct kit *k = kit_new();
        kit_up(k);
        struct sim_fault_options o = between(rows[i].kind);
        o.delay = 100 * MS;
        o.jitter = 50 * MS;
        o.bytes_per_second = 1000;
        struct sim_fault *f = kit_fault(k, &o);
        world_time start = sim_now(k->sim);
        world_stream_write(k->c.s, (struct str){bytes, sizeof(bytes)});
        kit_run(k, 2 * MINUTE);
        world_time late = k->accepted[0].at - start - KIT_ONE_WAY;
        assert_true(late >= rows[i].least && late <= rows[i].most);
        assert_true(sim_fault_fired(f) >= 1);
        kit_free(k);
    }
}

/* Not its zone, not its time: it does not fire. */
static void targets_and_times(void **state)
{
    struct kit *k = kit_new();
    kit_up(k);
    struct sim_fault_options o = between(SIM_FAULT_NET_PARTITION);
    o.from.zone = STR("cluster/other");
    struct sim_fault *elsewhere = kit_fault(k, &o);
    o = between(SIM_FAULT_NET_PARTITION);
    o.at = sim_now(k->sim) + MINUTE;
    struct sim_fault *later = kit_fault(k, &o);
    assert_false(sim_fault_is_active(later));
    send(k);
    kit_run(k, S);
    assert_int_equal(k->accepted[0].got.n, 1);
    assert_int_equal(sim_fault_fired(elsewhere) + sim_fault_fired(later), 0);
    sim_heal_all(k->sim);
    kit_run(k, 2 * MINUTE);
    assert_false(sim_fault_is_active(later));
    check_str(sim_fault_name(later), "fault-1");
    assert_int_equal(kit_count(k, "fault.fault-1"), 0);
    assert_ptr_equal(sim_fault_at(k->sim, 1), later);
    kit_free(k);
}

/* A tenth of the segments, by seed. */
static void share(void **state)
{
    struct kit *k = kit_new();
    kit_up(k);
    struct sim_fault_options o = between(SIM_FAULT_NET_LATENCY);
    o.share = 100000;
    o.delay = MS;
    struct sim_fault *f = kit_fault(k, &o);
    for (int i = 0; i < 1000; i++) {
        send(k);
        kit_run(k, 10 * MS);
    }
    assert_in_range(sim_fault_fired(f), 60, 140);
    kit_free(k);
}

/* Shares of what is there once, at the start: what is spared is not counted. */
static void spared_connections(void **state)
{
    static const enum sim_fault_kind kinds[] = {SIM_FAULT_NET_HALF_OPEN, SIM_FAULT_NET_RESET};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct kit *k = kit_new();
        kit_up(k);
        struct sim_fault_options o = between(kinds[i]);
        o.share = 1;
        struct sim_fault *f = kit_fault(k, &o);
        send(k);
        kit_run(k, S);
        assert_int_equal(k->accepted[0].got.n, 1);
        assert_int_equal(sim_fault_fired(f), 0);
        kit_free(k);
    }
}

/* Every kind in a world where nothing is that it could hurt: no connection, no question, no write, no process. What slows
 * a process or shifts its clock waits for it to start, and so counts. */
static void nothing_there_nothing_fired(void **state)
{
    for (int kind = 0; kind < SIM_FAULT_KIND_COUNT; kind++) {
        bool waits = kind == SIM_FAULT_PROCESS_SLOW ||
                     (kind >= SIM_FAULT_CLOCK_SKEW && kind <= SIM_FAULT_CLOCK_DRIFT);
        struct str wrong = STR("10.9.9.9");
        struct kit *k = kit_new();
        sim_process_kill(k->client, SIM_EXIT_KILLED);
        sim_host_power_off(k->client_host);
        struct sim_fault_options o = {.kind = (enum sim_fault_kind)kind,
                                      .to.zone = STR("cluster"),
                                      .processes = &k->client,
                                      .processes_n = 1,
                                      .delay = S,
                                      .ppm = 1,
                                      .bytes_per_second = 1,
                                      .dns_name = STR("x.test"),
                                      .addresses = &wrong,
                                      .addresses_n = 1,
                                      .duration = MINUTE};
        struct sim_fault *f = kit_fault(k, &o);
        kit_run(k, 2 * MINUTE);
        assert_false(sim_fault_is_active(f));
        if (!waits && sim_fault_fired(f) > 0)
            fail_msg("%s fired", sim_fault_kind_name((enum sim_fault_kind)kind));
        kit_free(k);
    }
}

static void tick(void *owner)
{
    ++*(int *)owner;
}

static void process_faults(void **state)
{
    struct kit *k = kit_new();
    struct sim_fault_options o = {.processes = &k->client, .processes_n = 1, .duration = MINUTE};
    int ticks = 0;
    struct world_timer *t = world_timer_new(kit_cw(k), tick, &ticks);
    o.kind = SIM_FAULT_PROCESS_SLOW;
    o.delay = 2 * S;
    struct sim_fault *slow = kit_fault(k, &o);
    world_timer_start(t, S);
    kit_run(k, 2 * S);
    assert_int_equal(ticks, 0);
    kit_run(k, S);
    assert_int_equal(ticks, 1);
    sim_fault_end(slow);
    o.kind = SIM_FAULT_PROCESS_PAUSE;
    struct sim_fault *pause = kit_fault(k, &o);
    world_timer_start(t, S);
    kit_run(k, 30 * S);
    assert_int_equal(ticks, 1);
    kit_run(k, 30 * S);
    assert_int_equal(ticks, 2);
    o.kind = SIM_FAULT_PROCESS_CRASH;
    o.delay = 9 * S;
    struct sim_fault *crash = kit_fault(k, &o);
    assert_false(sim_process_is_running(k->client));
    assert_true(sim_process_is_running(k->server));
    assert_in_range(sim_process_held(k->client), 8 * S, 9 * S); /* its supervisor waits */
    o = (struct sim_fault_options){
        .kind = SIM_FAULT_PROCESS_POWER_LOSS, .to.zone = STR("site/a"), .duration = MINUTE};
    struct sim_fault *power = kit_fault(k, &o);
    assert_false(sim_host_is_on(k->server_host));
    assert_true(sim_host_is_on(k->client_host));
    kit_run(k, MINUTE);
    assert_true(sim_host_is_on(k->server_host));
    struct sim_fault *all[] = {slow, pause, crash, power};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        assert_int_equal(sim_fault_fired(all[i]), 1);
    kit_free(k);
}

static struct sim_fault *ask(struct kit *k, struct sim_fault_options *o, const char *request)
{
    k->echo = true; /* the server's answer is the request */
    kit_up(k);
    struct sim_fault *f = kit_fault(k, o);
    world_stream_write(k->c.s, str_c(request));
    return f;
}

static void http_faults(void **state)
{
    static const char request[] = "GET /door HTTP/1.1\r\nHost: x\r\n\r\n";
    struct kit *k = kit_new();
    struct sim_fault_options o = between(SIM_FAULT_HTTP_ERROR);
    o.http_code = 503;
    o.http_retry_after_s = 7;
    o.http_target = STR("/door");
    struct sim_fault *f = ask(k, &o, request);
    kit_run(k, S);
    assert_true(str_starts(buf_str(&k->c.got), STR("HTTP/1.1 503 ")));
    assert_non_null(strstr(buf_c(&k->c.got), "\r\nRetry-After: 7\r\n"));
    assert_non_null(strchr(buf_c(&k->c.events), 'e'));
    assert_int_equal(k->accepted[0].got.n, 0); /* the server has heard nothing */
    assert_int_equal(sim_fault_fired(f), 1);
    kit_free(k);
    static const char *const spared[] = {"x", "GET /other HTTP/1.1\r\n\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(spared); i++) {
        k = kit_new();
        f = ask(k, &o, spared[i]);
        kit_run(k, S);
        assert_string_equal(buf_c(&k->c.got), spared[i]);
        assert_int_equal(sim_fault_fired(f), 0);
        kit_free(k);
    }
    k = kit_new();
    o = between(SIM_FAULT_HTTP_SLOW);
    o.delay = 5 * S;
    o.jitter = S;
    f = ask(k, &o, request);
    kit_run(k, 5 * S);
    assert_int_equal(k->c.got.n, 0);
    kit_run(k, 2 * S);
    assert_string_equal(buf_c(&k->c.got), request);
    assert_int_equal(sim_fault_fired(f), 1);
    kit_free(k);
    k = kit_new();
    o = between(SIM_FAULT_HTTP_TRUNCATED);
    f = ask(k, &o, request);
    kit_run(k, S);
    assert_int_equal(k->c.got.n, (sizeof(request) - 1) / 2);
    assert_non_null(strchr(buf_c(&k->c.events), 'e'));
    assert_int_equal(sim_fault_fired(f), 1);
    kit_free(k);
}

static void clock_faults(void **state)
{
    struct kit *k = kit_new();
    struct world *w = kit_cw(k);
    struct sim_fault_options o = {
        .processes = &k->client, .processes_n = 1, .duration = MINUTE, .delay = -5 * S};
    o.kind = SIM_FAULT_CLOCK_SKEW;
    (void)kit_fault(k, &o);
    assert_true(world_wall(w) == sim_wall(k->sim) - 5 * S);
    assert_true(world_wall(kit_sw(k)) == sim_wall(k->sim));
    kit_run(k, MINUTE);
    assert_true(world_wall(w) == sim_wall(k->sim));
    o.kind = SIM_FAULT_CLOCK_JUMP;
    (void)kit_fault(k, &o);
    kit_run(k, MINUTE);
    assert_true(world_wall(w) == sim_wall(k->sim) - 5 * S);
    o.kind = SIM_FAULT_CLOCK_DRIFT;
    o.ppm = 1000;
    struct sim_fault *drift = kit_fault(k, &o);
    kit_run(k, 2 * MINUTE);
    assert_true(world_wall(w) == sim_wall(k->sim) - 5 * S + 60 * MS);
    assert_int_equal(sim_fault_fired(drift), 1);
    kit_free(k);
}

static void kind_names(void **state)
{
    for (int i = 0; i < SIM_FAULT_KIND_COUNT; i++) {
        struct str group, word;
        enum sim_fault_kind found;
        assert_true(
            str_cut(str_c(sim_fault_kind_name((enum sim_fault_kind)i)), '.', &group, &word));
        assert_true(sim_fault_kind_find(group, word, &found));
        assert_int_equal(found, i);
    }
    enum sim_fault_kind found;
    assert_false(sim_fault_kind_find(STR("net"), STR("servfail"), &found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts),
        cmocka_unit_test(a_long_partition_ends_connections),
        cmocka_unit_test(lost_acknowledgements),
        cmocka_unit_test(half_open),
        cmocka_unit_test(reset_and_refuse),
        cmocka_unit_test(idle_cut),
        cmocka_unit_test(delays),
        cmocka_unit_test(targets_and_times),
        cmocka_unit_test(share),
        cmocka_unit_test(spared_connections),
        cmocka_unit_test(nothing_there_nothing_fired),
        cmocka_unit_test(process_faults),
        cmocka_unit_test(http_faults),
        cmocka_unit_test(clock_faults),
        cmocka_unit_test(kind_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
