/* Goal: a process can die at any event without callbacks, effects or leaks after it; its files stay; its supervisor hears
 * of it; it can be started again.
 * Method: a program that holds every kind of handle, killed in many ways and at each event of its life. */
#include "engine/http/ws.h"
#include "tests/unit/support/sim_kit.h"

/* ---- a program with a handle of every kind ---- */

struct busy {
    struct world *w;
    struct world_timer *t;
    struct world_stream *s, *in;
    struct world_listener *l;
    struct world_ws *ws;
    struct world_dns *q;
    struct world_file *f;
    struct world_watch *watch;
    struct world_work *work;
    int *alive, *callbacks, *releases;
};
struct busy_config {
    int alive, callbacks, releases;
    bool fails;
};

static bool must_not_run(struct busy *b)
{
    ++*b->callbacks;
    assert_true(sim_process_is_running(sim_process_of(b->w)));
    return true;
}
static void on_tick(void *owner)
{
    struct busy *b = owner;
    must_not_run(b);
    world_timer_start(b->t, 3 * MS);
}
static void on_dns(void *owner, const struct world_dns_answer *answer, const struct err *err)
{
    struct busy *b = owner;
    must_not_run(b);
    b->q = world_dns_query(b->w, STR("manager.example.test"), S, on_dns, b);
}
static void on_file(void *owner, struct str content, const struct err *err)
{
    struct busy *b = owner;
    must_not_run(b);
    b->f = world_file_write(b->w, STR("/state"), STR("new"), 0600, on_file, b);
}
static void on_changed(void *owner)
{
    must_not_run(owner);
}
static void run_job(void *job) {}
static void on_work(void *job)
{
    struct busy *b = job;
    must_not_run(b);
    b->work = world_work(b->w, run_job, on_work, b);
}
static void released(void *job)
{
    ++*(int *)job;
}
static void on_stream_data(void *owner, struct str bytes)
{
    struct busy *b = owner;
    must_not_run(b);
    if (b->s)
        world_stream_write(b->s, bytes);
}
static void on_stream_closed(void *owner, const struct err *err)
{
    struct busy *b = owner;
    must_not_run(b);
    b->s = NULL;
}
static const struct world_stream_handler client_handler = {.data = on_stream_data,
                                                           .closed = on_stream_closed};
static void on_in_data(void *owner, struct str bytes)
{
    struct busy *b = owner;
    must_not_run(b);
    world_stream_write(b->in, bytes);
}
static void on_in_closed(void *owner, const struct err *err)
{
    struct busy *b = owner;
    must_not_run(b);
    b->in = NULL;
}
static const struct world_stream_handler in_handler = {.data = on_in_data, .closed = on_in_closed};
static void on_accept(void *owner, struct world_stream *s)
{
    struct busy *b = owner;
    must_not_run(b);
    if (b->in) {
        world_stream_abort(s);
        return;
    }
    b->in = s;
    world_stream_attach(s, &in_handler, b);
    world_stream_write(s, STR("welcome"));
}
static void on_ws_open(void *owner) {}
static void on_ws_message(void *owner, bool text, struct str payload) {}
static void on_ws_closed(void *owner, const struct world_ws_closed *how)
{
    struct busy *b = owner;
    must_not_run(b);
    b->ws = NULL;
}
static const struct world_ws_handler ws_handler = {
    .open = on_ws_open, .message = on_ws_message, .closed = on_ws_closed};

static struct err *busy_start(struct world *w, const void *config, void **instance)
{
    const struct busy_config *c = config;
    struct busy_config *counts = *(struct busy_config *const *)(const void *)&c;
    if (c->fails)
        return err_new(ERR_INVALID, "no such configuration");
    struct busy *b = MEM_NEW(struct busy);
    *b = (struct busy){.w = w,
                       .alive = &counts->alive,
                       .callbacks = &counts->callbacks,
                       .releases = &counts->releases};
    ++*b->alive;
    b->t = world_timer_new(w, on_tick, b);
    world_timer_start(b->t, MS);
    b->q = world_dns_query(w, STR("manager.example.test"), S, on_dns, b);
    b->f = world_file_read(w, STR("/state"), on_file, b);
    b->watch = world_file_watch(w, STR("/state"), on_changed, b);
    b->work = world_work(w, run_job, on_work, b);
    struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), 9000)};
    check_ok(world_listen(w, &listen, on_accept, b, &b->l));
    struct world_connect o = {.address = world_addr_make(world_own_address(w), 9000)};
    b->s = world_stream_connect(w, &o, &client_handler, b);
    struct world_ws_connect ws = {.address = world_addr_make(world_own_address(w), 9000),
                                  .host = STR("busy"),
                                  .path = STR("/")};
    b->ws = world_ws_connect(w, &ws, &ws_handler, b);
    *instance = b;
    return NULL;
}

static void busy_destroy(void *instance)
{
    struct busy *b = instance;
    --*b->alive;
    world_timer_free(b->t);
    world_dns_cancel(b->q);
    world_file_cancel(b->f);
    world_watch_close(b->watch);
    world_work_cancel(b->work, NULL);
    world_listener_close(b->l);
    if (b->s)
        world_stream_close(b->s);
    if (b->in)
        world_stream_abort(b->in);
    world_ws_close(b->ws, 1000, STR("bye"));
    /* A dead world takes every call, and gives handles that can be freed. */
    struct world_timer *t = world_timer_new(b->w, on_tick, b);
    world_timer_start(t, 0);
    world_timer_free(t);
    struct world_connect o = {.address = world_addr_make(world_own_address(b->w), 9000)};
    struct world_stream *s = world_stream_connect(b->w, &o, &client_handler, b);
    world_stream_write(s, STR("lost"));
    world_stream_close(s);
    world_work_cancel(world_work(b->w, run_job, on_work, b), NULL);
    struct world_work *work = world_work(b->w, run_job, on_work, b->releases);
    world_work_cancel(work, released);
    world_note(b->w, "never", str_empty, str_empty);
    world_exit(b->w, 3);
    mem_free(b);
}
static const struct sim_program busy = {.start = busy_start, .destroy = busy_destroy};

static void no_note(void *owner, const struct sim_note *n)
{
    assert_string_not_equal(n->kind, "never");
}

static struct sim_process *busy_new(struct kit *k, struct busy_config *c)
{
    sim_on_note(k->sim, no_note, NULL);
    sim_dns_set(k->sim, STR("manager.example.test"), 60, (struct str[]){STR("10.0.0.1")}, 1);
    return kit_process(k, "busy", "10.0.0.9", "site/a", &busy, c);
}

/* Killed after each of its first events, in three ways; AddressSanitizer sees what is left. */
static void dies_at_every_event(void **state)
{
    for (int events = 0; events < 120; events += 1) {
        for (int way = 0; way < 3; way++) {
            struct busy_config c = {0};
            struct kit *k = kit_new();
            struct sim_process *p = busy_new(k, &c);
            for (int i = 0; i < events; i++)
                sim_step(k->sim);
            if (way == 0)
                sim_process_kill(p, SIM_EXIT_KILLED);
            else if (way == 1)
                sim_host_power_off(sim_process_host(p));
            else
                world_exit(sim_process_world(p), 1);
            if (way == 2)
                sim_process_kill(p, 5); /* dead already; only makes the end come */
            assert_int_equal(c.alive, 0);
            int callbacks = c.callbacks;
            kit_run(k, S);
            assert_int_equal(c.callbacks, callbacks);
            assert_int_equal(c.releases, 1);
            assert_int_equal(kit_count(k, "process.leaked_handles"), 0);
            if (way != 1) {
                check_ok(sim_process_start(p));
                assert_int_equal(c.alive, 1);
            }
            kit_free(k);
            assert_int_equal(c.alive, 0);
        }
    }
}

static int exits, last_status;
static void restart(void *process)
{
    check_ok(sim_process_start(process));
}
static void exited(void *owner, struct sim_process *p, int status)
{
    exits++;
    last_status = status;
    assert_false(sim_process_is_running(p));
    sim_after(owner, 10 * S, restart, p);
}
static void quit(void *owner)
{
    struct world *w = owner;
    world_exit(w, 42);
    assert_null(sim_process_world(sim_process_of(w)));
}

/* A program that ends itself some time after it was asked to; never, when that time is 0. */
static struct err *slow_start(struct world *w, const void *config, void **instance)
{
    *instance = world_timer_new(w, quit, w);
    (void)config;
    return NULL;
}
static void slow_destroy(void *instance)
{
    world_timer_free(instance);
}
static void slow_terminate(struct world *w, const void *config, void *instance)
{
    const world_time *after = config;
    (void)w;
    if (*after)
        world_timer_start(instance, *after);
}
static const struct sim_program slow = {
    .start = slow_start, .destroy = slow_destroy, .terminate = slow_terminate};

static int64_t ended_at;
static void note_end(void *owner, struct sim_process *p, int status)
{
    (void)p;
    ended_at = sim_now(owner);
    last_status = status;
}

/* Asked to end: in its own time, or killed after the grace period; one that stands still hears of it when it goes on. */
static void terminated(void **state)
{
    static const struct {
        world_time takes, paused_for, ends_at;
        bool asks_again;
        int status;
    } rows[] = {
        {S, 0, S, false, 42},      {S, 0, S, true, 42},          {40 * S, 0, 30 * S, false, 137},
        {0, 0, 30 * S, true, 137}, {S, 5 * S, 6 * S, false, 42}, {S, 60 * S, 30 * S, false, 137}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct kit *k = kit_new();
        struct sim_process_options o = {.name = STR("slow"),
                                        .host = k->client_host,
                                        .program = &slow,
                                        .config = &rows[i].takes,
                                        .exited = note_end,
                                        .owner = k->sim};
        struct sim_process *p = sim_process_new(k->sim, &o);
        check_ok(sim_process_start(p));
        int64_t from = sim_now(k->sim);
        if (rows[i].paused_for)
            sim_process_pause(p);
        sim_process_terminate(p, 30 * S);
        kit_run(k, rows[i].paused_for ? rows[i].paused_for : S / 2);
        if (rows[i].asks_again)
            sim_process_terminate(p, 30 * S);
        sim_process_resume(p);
        kit_run(k, 60 * S);
        assert_int_equal(ended_at - from, rows[i].ends_at);
        assert_int_equal(last_status, rows[i].status);
        sim_process_terminate(p, S); /* it does not run: nothing */
        check_ok(sim_process_start(p));
        sim_process_terminate(p, 30 * S); /* under way when the world ends */
        kit_free(k);
    }
}

static void supervisor_restarts(void **state)
{
    struct kit *k = kit_new();
    struct sim_process_options o = {
        .name = STR("agent"), .host = k->client_host, .exited = exited, .owner = k->sim};
    struct sim_process *p = sim_process_new(k->sim, &o);
    sim_process_set_env(p, STR("CATTLE_SERVER"), STR("https://manager"));
    check_ok(sim_process_start(p));
    check_str(world_env(sim_process_world(p), "CATTLE_SERVER"), "https://manager");
    check_str(world_env(sim_process_world(p), "HOME"), "");
    check_str(world_own_address(sim_process_world(p)), "10.0.0.2");
    struct world_timer *t = world_timer_new(sim_process_world(p), quit, sim_process_world(p));
    world_timer_start(t, S);
    exits = 0;
    kit_run(k, 2 * S);
    assert_int_equal(exits, 1);
    assert_int_equal(last_status, 42);
    kit_run(k, 10 * S);
    assert_true(sim_process_is_running(p));
    assert_int_equal(sim_process_starts(p), 2);
    sim_host_power_off(k->client_host);
    assert_int_equal(last_status, SIM_EXIT_POWER_LOSS);
    check_err(sim_process_start(p), ERR_UNAVAILABLE, "without power");
    sim_host_power_on(k->client_host);
    kit_run(k, 20 * S);
    assert_int_equal(sim_process_starts(p), 3);
    kit_free(k);
}

/* Killed from outside in the middle of its own callback. */
static void kill_on_note(void *owner, const struct sim_note *n)
{
    if (strcmp(n->kind, "got") != 0)
        return;
    sim_process_kill(n->process, SIM_EXIT_KILLED);
    check_err(sim_process_start(n->process), ERR_CONFLICT, "it is ending");
}
static void say(struct kit_end *e)
{
    struct kit *k = e->data;
    world_note(kit_cw(k), "got", str_empty, str_empty);
    assert_false(sim_process_is_running(k->client));
    world_stream_write(e->s, STR("void"));
    world_stream_close(e->s);
}
static void dies_inside_a_callback(void **state)
{
    struct kit *k = kit_new();
    sim_on_note(k->sim, kill_on_note, NULL);
    kit_up(k);
    k->c.on_data = say;
    k->c.data = k;
    world_stream_write(k->accepted[0].s, STR("one"));
    kit_run(k, S);
    check_str(buf_str(&k->accepted[0].events), "e");
    assert_int_equal(k->accepted[0].got.n, 0);
    assert_int_equal(kit_count(k, "process.leaked_handles"), 0);
    kit_free(k);
}

static void failed_start(void **state)
{
    struct kit *k = kit_new();
    struct busy_config c = {.fails = true};
    struct sim_process_options o = {
        .name = STR("bad"), .host = k->client_host, .program = &busy, .config = &c};
    struct sim_process *p = sim_process_new(k->sim, &o);
    check_err(sim_process_start(p), ERR_INVALID, "no such configuration");
    assert_false(sim_process_is_running(p));
    c.fails = false;
    check_ok(sim_process_start(p));
    assert_ptr_equal(sim_process_instance(p), sim_process_instance(p));
    assert_non_null(sim_process_instance(p));
    kit_free(k);
    assert_int_equal(c.alive, 0);
}

/* Handles that an instance forgets are found and freed with its world. */
static void forgotten_handles(void **state)
{
    struct kit *k = kit_new();
    struct world *w = kit_cw(k);
    kit_listen(k, NULL);
    kit_connect(k, NULL);
    (void)world_timer_new(w, on_changed, NULL);
    (void)world_dns_query(w, STR("x.test"), S, on_dns, NULL);
    (void)world_file_read(w, STR("/x"), on_file, NULL);
    (void)world_file_watch(w, STR("/x"), on_changed, NULL);
    (void)world_work(w, run_job, on_work, NULL);
    kit_run(k, 0);
    sim_process_kill(k->client, 1);
    assert_int_equal(kit_count(k, "process.leaked_handles"), 6);
    kit_free(k);
}

/* ---- clocks ---- */

static void clocks(void **state)
{
    struct kit *k = kit_new();
    struct world *w = kit_cw(k);
    assert_true(world_wall(w) == KIT_START);
    sim_process_set_clock(k->client, -30 * S, 0);
    assert_true(world_wall(w) == KIT_START - 30 * S);
    sim_process_set_clock(k->client, 0, 100); /* 0.1 ms a second */
    kit_run(k, 10 * S);
    assert_true(world_wall(w) == KIT_START + 10 * S + MS);
    assert_true(world_now(w) == 10 * S);
    kit_free(k);
}

/* ---- files ---- */

struct answer {
    struct buf content;
    int done;
    enum err_code code;
    bool failed;
};
static void keep(void *owner, struct str content, const struct err *err)
{
    struct answer *a = owner;
    buf_clear(&a->content);
    buf_add(&a->content, content);
    a->done++;
    a->failed = err != NULL;
    a->code = err ? err->code : ERR_INVALID;
}

static void files_stay(void **state)
{
    struct kit *k = kit_new();
    struct answer a = {0};
    struct str content;
    world_file_write(kit_cw(k), STR("/etc/x"), STR("old"), 0600, keep, &a);
    kit_run(k, S);
    assert_int_equal(a.done, 1);
    world_file_write(kit_cw(k), STR("/etc/x"), STR("new"), 0600, keep, &a);
    sim_process_kill(k->client, SIM_EXIT_KILLED); /* the write was under way */
    kit_run(k, S);
    assert_int_equal(a.done, 1);
    assert_true(sim_volume_read(k->sim, STR("client"), STR("/etc/x"), &content));
    check_str(content, "old");
    check_ok(sim_process_start(k->client));
    world_file_read(kit_cw(k), STR("/etc/x"), keep, &a);
    kit_run(k, S);
    check_str(buf_str(&a.content), "old");
    sim_volume_remove(k->sim, STR("client"), STR("/etc/x"));
    assert_false(sim_volume_read(k->sim, STR("client"), STR("/etc/x"), &content));
    buf_free(&a.content);
    kit_free(k);
}

static void disk_faults(void **state)
{
    struct kit *k = kit_new();
    struct answer a = {0};
    struct str content;
    struct sim_fault *full =
        kit_fault(k, &(struct sim_fault_options){
                         .kind = SIM_FAULT_DISK_FULL, .processes = &k->client, .processes_n = 1});
    world_file_write(kit_cw(k), STR("/x"), STR("content"), 0600, keep, &a);
    kit_run(k, S);
    assert_true(a.failed && a.code == ERR_IO);
    assert_int_equal(sim_fault_fired(full), 1);
    sim_fault_end(full);
    struct sim_fault *torn = kit_fault(k, &(struct sim_fault_options){.kind = SIM_FAULT_DISK_TORN});
    world_file_write(kit_cw(k), STR("/x"), STR("content"), 0600, keep, &a);
    kit_run(k, S);
    assert_false(a.failed);
    assert_int_equal(sim_fault_fired(torn), 0);
    sim_host_power_off(k->client_host);
    assert_int_equal(sim_fault_fired(torn), 1);
    assert_true(sim_volume_read(k->sim, STR("client"), STR("/x"), &content));
    assert_true(content.n < 7 && str_starts(STR("content"), content));
    buf_free(&a.content);
    kit_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dies_at_every_event),
        cmocka_unit_test(supervisor_restarts),
        cmocka_unit_test(terminated),
        cmocka_unit_test(failed_start),
        cmocka_unit_test(dies_inside_a_callback),
        cmocka_unit_test(forgotten_handles),
        cmocka_unit_test(clocks),
        cmocka_unit_test(files_stay),
        cmocka_unit_test(disk_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
