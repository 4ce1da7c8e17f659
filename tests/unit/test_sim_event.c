/* Goal: events run in the order of (time, sequence), whatever is restarted, stopped, paused or slowed.
 * Method: timers and tasks that append a letter; the string is the order. */
#include "tests/unit/support/sim_kit.h"

struct letters {
    struct kit *k;
    struct buf out;
};
struct letter {
    struct letters *to;
    char c;
    struct world_timer *t;
};

static void add(void *owner)
{
    struct letter *l = owner;
    buf_add_char(&l->to->out, l->c);
}

static void order_of_equal_times(void **state)
{
    struct kit *k = kit_new();
    struct letters to = {.k = k};
    struct letter l[4];
    for (int i = 0; i < 4; i++) {
        l[i] = (struct letter){&to, (char)('a' + i), NULL};
        sim_after(k->sim, i == 0 ? 2 * MS : MS, add, &l[i]);
    }
    struct sim_task *gone = sim_after(k->sim, MS, add, &l[0]);
    sim_task_cancel(gone);
    kit_run(k, 3 * MS);
    check_str(buf_str(&to.out), "bcda");
    buf_free(&to.out);
    kit_free(k);
}

/* {timer, start at 0 for, then at 1 ms start for (< 0: stop)} */
static void timers_move(void **state)
{
    static const struct {
        world_time first, again;
        world_time fires; /* < 0: never */
    } rows[] = {
        {5 * MS, 10 * MS, 11 * MS}, /* later */
        {10 * MS, 2 * MS, 3 * MS},  /* earlier */
        {5 * MS, -1, -1},           /* stopped */
        {5 * MS, 4 * MS, 5 * MS},   /* the same moment */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct kit *k = kit_new();
        struct letters to = {.k = k};
        struct letter l = {&to, 'x', NULL};
        l.t = world_timer_new(kit_cw(k), add, &l);
        world_timer_start(l.t, rows[i].first);
        kit_run(k, MS);
        if (rows[i].again < 0)
            world_timer_stop(l.t);
        else
            world_timer_start(l.t, rows[i].again);
        assert_int_equal(world_timer_active(l.t), rows[i].again >= 0);
        uint64_t before = sim_events(k->sim);
        if (rows[i].fires > 0) {
            kit_run(k, rows[i].fires - MS - 1);
            assert_int_equal(to.out.n, 0);
            kit_run(k, 1);
            assert_int_equal(to.out.n, 1);
        }
        kit_run(k, S);
        assert_int_equal(to.out.n, rows[i].fires > 0);
        assert_int_equal(sim_events(k->sim) - before,
                         rows[i].fires > 0); /* a slot put off is no event */
        buf_free(&to.out);
        kit_free(k);
    }
}

/* A timer that is put off stands behind what was set before it for the same moment. */
static void restart_moves_behind(void **state)
{
    struct kit *k = kit_new();
    struct letters to = {.k = k};
    struct letter a = {&to, 'a', NULL}, b = {&to, 'b', NULL};
    a.t = world_timer_new(kit_cw(k), add, &a);
    b.t = world_timer_new(kit_cw(k), add, &b);
    world_timer_start(a.t, 5 * MS);
    world_timer_start(b.t, 9 * MS);
    world_timer_start(a.t, 9 * MS);
    kit_run(k, S);
    check_str(buf_str(&to.out), "ba");
    world_timer_start(a.t, -5);
    world_timer_start(b.t, 0);
    world_timer_free(a.t);
    world_timer_start(b.t, INT64_MAX);
    kit_run(k, S);
    check_str(buf_str(&to.out), "ba");
    buf_free(&to.out);
    kit_free(k);
}

static void a_paused_process_waits(void **state)
{
    struct kit *k = kit_new();
    struct letters to = {.k = k};
    struct letter l[3];
    for (int i = 0; i < 3; i++) {
        l[i] = (struct letter){&to, (char)('a' + i), NULL};
        l[i].t = world_timer_new(kit_cw(k), add, &l[i]);
        world_timer_start(l[i].t, (3 - i) * MS);
    }
    sim_process_pause(k->client);
    assert_true(sim_process_is_paused(k->client));
    kit_run(k, 10 * MS);
    assert_int_equal(to.out.n, 0);
    world_timer_stop(l[1].t); /* held, and given up */
    sim_process_resume(k->client);
    kit_run(k, 0);
    check_str(buf_str(&to.out), "ca");
    sim_process_pause(k->client);
    world_timer_start(l[0].t, MS);
    kit_run(k, 10 * MS);
    sim_process_kill(k->client, SIM_EXIT_KILLED); /* with an event held */
    kit_run(k, S);
    check_str(buf_str(&to.out), "ca");
    buf_free(&to.out);
    kit_free(k);
}

static bool is_done(void *owner)
{
    return ((struct letters *)owner)->out.n > 0;
}
static void count(void *owner)
{
    ++*(int *)owner;
}
static void stop(void *owner)
{
    sim_stop(owner);
}

static void run_control(void **state)
{
    struct kit *k = kit_new();
    struct letters to = {.k = k};
    struct letter l = {&to, 'x', NULL};
    int hooks = 0;
    sim_on_event(k->sim, count, &hooks);
    assert_false(sim_run_while_not(k->sim, is_done, &to, 5 * S));
    assert_int_equal(sim_now(k->sim), 5 * S);
    sim_at(k->sim, 7 * S, add, &l);
    assert_true(sim_run_while_not(k->sim, is_done, &to, 9 * S));
    assert_int_equal(sim_now(k->sim), 7 * S);
    assert_int_equal(hooks, 1);
    sim_at(k->sim, 8 * S, stop, k->sim);
    sim_at(k->sim, 8 * S, add, &l);
    sim_run_until(k->sim, 10 * S);
    assert_true(sim_stopped(k->sim));
    assert_int_equal(sim_now(k->sim), 8 * S);
    assert_int_equal(to.out.n, 1);
    sim_run_until(k->sim, 10 * S);
    assert_int_equal(to.out.n, 2);
    assert_int_equal(sim_wall(k->sim), KIT_START + 10 * S);
    assert_false(sim_step(k->sim));
    buf_free(&to.out);
    kit_free(k);
}

static void keep_note(void *owner, const struct sim_note *n)
{
    buf_addf(owner, "%s:" STR_FMT "=" STR_FMT ";", n->kind, STR_ARG(n->key), STR_ARG(n->value));
}
static void keep_line(void *owner, const struct sim_log_line *l)
{
    buf_addf(owner, STR_FMT ":" STR_FMT ";", STR_ARG(l->component), STR_ARG(l->message));
}

static void notes_logs_counters(void **state)
{
    struct kit *k = kit_new();
    struct buf notes = {0}, lines = {0};
    sim_on_note(k->sim, keep_note, &notes);
    sim_on_log(k->sim, keep_line, &lines);
    world_note(kit_cw(k), "tunnel.open", STR("c-1"), STR("10.0.0.1"));
    sim_note(k->sim, "step", STR("settle"), str_empty);
    check_str(buf_str(&notes), "tunnel.open:c-1=10.0.0.1;step:settle=;");
    struct log log = {world_log(kit_cw(k)), STR("tunnel")};
    log_error(&log, "lost %d", 1);
    log_info(&log, "not made");
    check_str(buf_str(&lines), "tunnel:lost 1;");
    *sim_counter(k->sim, STR("x.y")) += 3;
    assert_int_equal(kit_count(k, "x.y"), 3);
    assert_int_equal(kit_count(k, "unknown"), 0);
    size_t n = 0;
    struct str name;
    int64_t value;
    for (size_t i = 0; sim_counter_next(k->sim, &i, &name, &value);)
        n++;
    assert_true(n > 10);
    buf_free(&notes);
    buf_free(&lines);
    kit_free(k);
}

/* About a quarter of the points is alive in a run, and fires in about a quarter of its visits. */
static void maybe_points(void **state)
{
    int alive = 0, fired = 0;
    for (uint64_t seed = 0; seed < 400; seed++) {
        struct sim_options o = {.seed = seed, .maybe = true};
        struct kit *k = kit_new_with(&o);
        int here = 0;
        for (int i = 0; i < 40; i++)
            here += world_maybe(kit_cw(k), "tunnel.slow");
        alive += here > 0;
        fired += here;
        kit_free(k);
    }
    assert_in_range(alive, 70, 130);
    assert_in_range(fired, alive * 7, alive * 13);
    struct kit *k = kit_new();
    for (int i = 0; i < 100; i++)
        assert_false(world_maybe(kit_cw(k), "tunnel.slow"));
    kit_free(k);
}

/* Streams of random numbers belong to names: another process does not move them. */
static void random_streams(void **state)
{
    uint64_t first[2];
    for (int i = 0; i < 2; i++) {
        struct kit *k = kit_new();
        struct sim_process *more =
            i ? kit_process(k, "more", "10.0.0.3", "site/a", NULL, NULL) : NULL;
        if (more)
            (void)world_random_below(sim_process_world(more), 1000);
        first[i] = world_random_below(kit_cw(k), UINT64_MAX);
        uint64_t other = world_random_below(kit_sw(k), UINT64_MAX);
        assert_true(first[i] != other);
        sim_process_kill(k->client, 1);
        check_ok(sim_process_start(k->client));
        assert_true(first[i] !=
                    world_random_below(kit_cw(k), UINT64_MAX)); /* a new start draws anew */
        kit_free(k);
    }
    assert_true(first[0] == first[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_of_equal_times), cmocka_unit_test(timers_move),
        cmocka_unit_test(restart_moves_behind), cmocka_unit_test(a_paused_process_waits),
        cmocka_unit_test(run_control),          cmocka_unit_test(notes_logs_counters),
        cmocka_unit_test(maybe_points),         cmocka_unit_test(random_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
