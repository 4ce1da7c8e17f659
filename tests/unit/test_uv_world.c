/* Goal: what only the real world has: its run, stop, signals, exit, log lines, environment and its end with everything
 * still open. The rest is the contract suite's.
 * Method: real worlds on loopback; stderr goes to a file for the log's case. */
#include "engine/world/uv/uv_world.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct run {
    struct uv_world *uv;
    int signum, exits, status, fired;
};

static void on_signal(void *owner, int signum)
{
    struct run *r = owner;
    r->signum = signum;
    uv_world_stop(r->uv);
}

static void on_exit_asked(void *owner, int status)
{
    struct run *r = owner;
    r->exits++;
    r->status = status;
    uv_world_stop(r->uv);
}

static struct world *world_of(struct run *r, const struct uv_world_options *o)
{
    struct err *err = uv_world_new(o, &r->uv);
    assert_null(err);
    return uv_world_view(r->uv);
}

static void fire(void *owner)
{
    struct run *r = owner;
    r->fired++;
    uv_world_stop(r->uv);
}

static void run_and_stop(void **state)
{
    struct run r = {0};
    struct world *w = world_of(&r, &(struct uv_world_options){0});
    struct world_timer *t = world_timer_new(w, fire, &r);
    for (int i = 1; i <= 3; i++) {
        world_timer_start(t, NS_PER_MS);
        assert_int_equal(uv_world_run(r.uv), 0);
        assert_int_equal(r.fired, i);
    }
    world_timer_free(t);
    uv_world_free(r.uv);
    uv_world_free(NULL);
}

static void end_now(void *owner)
{
    struct run *r = owner;
    world_exit(uv_world_view(r->uv), 7);
    assert_int_equal(r->exits, 0); /* told later, from outside */
}

static void exit_status(void **state)
{
    for (int with_owner = 0; with_owner < 2; with_owner++) {
        struct run r = {0};
        const struct uv_world_options o = {.on_exit = with_owner ? on_exit_asked : NULL,
                                           .owner = &r};
        struct world *w = world_of(&r, &o);
        struct world_timer *t = world_timer_new(w, end_now, &r);
        world_timer_start(t, 0);
        assert_int_equal(uv_world_run(r.uv), 7);
        assert_int_equal(r.exits, with_owner);
        assert_int_equal(r.status, with_owner ? 7 : 0);
        uv_world_free(r.uv);
    }
}

static void kill_self(void *owner)
{
    (void)kill(getpid(), SIGTERM);
}

static void signals(void **state)
{
    struct run r = {0};
    struct world *w = world_of(&r, &(struct uv_world_options){.on_signal = on_signal, .owner = &r});
    struct world_timer *t = world_timer_new(w, kill_self, &r);
    world_timer_start(t, 0);
    uv_world_run(r.uv);
    assert_int_equal(r.signum, SIGTERM);
    uv_world_free(r.uv);
}

static void environment_and_address(void **state)
{
    struct run r = {0};
    setenv("PADDOCK_TEST", "value", 1);
    struct world *w = world_of(&r, &(struct uv_world_options){.own_address = STR("127.0.0.9")});
    assert_true(str_eq_c(world_env(w, "PADDOCK_TEST"), "value"));
    assert_int_equal(world_env(w, "PADDOCK_NOT_SET").n, 0);
    assert_true(str_eq_c(world_own_address(w), "127.0.0.9"));
    assert_false(world_maybe(w, "anything"));
    uv_world_free(r.uv);
    w = world_of(&r, &(struct uv_world_options){0});
    assert_true(world_host_is_numeric(world_own_address(w)));
    uv_world_free(r.uv);
}

/* Runs a log call with stderr in a file and gives the line. */
static void logged(const char *message, char line[512])
{
    struct run r = {0};
    FILE *file = tmpfile();
    assert_non_null(file);
    struct world *w = world_of(&r, &(struct uv_world_options){.log_level = LOG_INFO});
    int saved = dup(STDERR_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    const struct log log = {world_log(w), STR("tunnel")};
    log_debug(&log, "not shown");
    log_info(&log, "%s", message);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(file);
    size_t n = fread(line, 1, 511, file);
    line[n] = 0;
    fclose(file);
    uv_world_free(r.uv);
}

static void log_lines(void **state)
{
    char line[512];
    logged("two \"words\"\nand \\ a bell\a", line);
    assert_non_null(strstr(line, " level=info component=tunnel "));
    assert_non_null(strstr(line, "msg=\"two \\\"words\\\"\\nand \\\\ a bell\\u0007\"\n"));
    assert_int_equal(strncmp(line, "ts=20", 5), 0);
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void not_called(void *owner)
{
    fail();
}
static void no_data(void *owner, struct str bytes)
{
    fail();
}
static void no_close(void *owner, const struct err *err)
{
    fail();
}
static void no_accept(void *owner, struct world_stream *s)
{
    fail();
}
static void no_answer(void *owner, const struct world_dns_answer *answer, const struct err *err)
{
    fail();
}
static void no_content(void *owner, struct str content, const struct err *err)
{
    fail();
}
static void no_message(void *owner, bool text, struct str payload)
{
    fail();
}
static void no_ws_close(void *owner, const struct world_ws_closed *how)
{
    fail();
}
static void compute(void *job)
{
    usleep(20000);
}

static const struct world_stream_handler silent = {not_called, no_data, not_called, not_called,
                                                   no_close};
static const struct world_ws_handler silent_ws = {
    .open = not_called, .message = no_message, .closed = no_ws_close};

/* Nothing is called and nothing leaks (the sanitizer looks). */
static void free_with_everything_open(void **state)
{
    for (int turns = 0; turns < 3; turns++) {
        struct run r = {0};
        struct world *w =
            world_of(&r, &(struct uv_world_options){.dns_server = STR("127.0.0.1:1")});
        struct world_listener *l = NULL;
        const struct world_listen listen = {.address = world_addr_make(STR("127.0.0.1"), 0)};
        struct err *err = world_listen(w, &listen, no_accept, NULL, &l);
        assert_null(err);
        const struct world_connect connect = {.address = world_addr_make(STR("127.0.0.1"), 9)};
        struct world_stream *s = world_stream_connect(w, &connect, &silent, NULL);
        world_stream_write(s, STR("never sent"));
        const struct world_ws_connect ws = {
            .address = connect.address, .host = STR("h"), .path = STR("/")};
        (void)world_ws_connect(w, &ws, &silent_ws, NULL);
        (void)world_dns_query(w, STR("name.test"), NS_PER_S, no_answer, NULL);
        (void)world_dns_query(w, STR("192.0.2.1"), NS_PER_S, no_answer, NULL);
        for (int i = 0; i < 3; i++)
            (void)world_file_read(w, STR("/etc/hostname"), no_content, NULL);
        (void)world_file_watch(w, STR("/etc/hostname"), not_called, NULL);
        for (int i = 0; i < 6; i++)
            (void)world_work(w, compute, not_called, NULL);
        world_timer_start(world_timer_new(w, not_called, NULL), NS_PER_S);
        world_exit(w, 1);
        uv_world_free(r.uv);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_and_stop), cmocka_unit_test(exit_status),
        cmocka_unit_test(signals),      cmocka_unit_test(environment_and_address),
        cmocka_unit_test(log_lines),    cmocka_unit_test(free_with_everything_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
