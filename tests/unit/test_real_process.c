/* Goal: processes are started, seen to be ready, kept running with pauses, paused, killed, and never outlive the run; what
 * ends too early is told with its last words. Method: shells as processes, looked at until they are where they should be. */
#include "tests/unit/support/check.h"

#include "engine/base/timefmt.h"
#include "sim/real/world/process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEADLINE_MS 20000

static char folder[] = "/tmp/paddock-process-XXXXXX";

static void pause_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 5 * NS_PER_MS}, NULL);
}

static void start(struct process *p, const char *script, bool says_ready)
{
    process_init(p, STR("site/a/manager-0"), folder, NULL, 0);
    process_argument(p, STR("/bin/sh"));
    process_argument(p, STR("-c"));
    process_argument(p, str_c(script));
    p->says_ready = says_ready;
    process_want(p, 0);
}

static void look(struct process *p, int64_t now)
{
    struct err *err = process_look(p, now);
    assert_null(err);
}

static void look_until(struct process *p, int64_t now, bool (*there)(const struct process *p))
{
    for (int ms = 0; !there(p); ms += 5) {
        assert_true(ms < DEADLINE_MS);
        look(p, now);
        pause_a_little();
    }
}

static bool is_ready(const struct process *p)
{
    return p->ready;
}

static bool is_waiting(const struct process *p)
{
    return p->state == PROCESS_WAITING;
}

static void test_ready_and_killed(void **state)
{
    struct process p;
    (void)state;
    struct buf once = {0};
    buf_addf(&once, "%s/once", folder);
    start(&p, "[ -e $ONCE ] || echo ready https://x; : >$ONCE; exec sleep 1000", true);
    process_env(&p, "ONCE", buf_str(&once));
    look(&p, 0);
    assert_true(process_runs(&p));
    look_until(&p, 0, is_ready);
    pid_t first = p.pid;
    process_kill(&p, 0);
    look_until(&p, 5 * NS_PER_S, is_waiting);
    assert_false(p.ready);
    assert_true(WIFSIGNALED(p.status));
    look(&p, 5 * NS_PER_S); /* its pause is not over */
    assert_false(process_runs(&p));
    look(&p, 6 * NS_PER_S);
    assert_true(process_runs(&p));
    assert_int_equal(p.restarts, 1);
    look(&p, 6 * NS_PER_S);
    assert_false(p.ready); /* what the first one said does not count */
    assert_true(p.pid != first);
    pid_t second = p.pid;
    process_free(&p);
    assert_int_equal(kill(second, 0), -1);
    assert_int_equal(errno, ESRCH);
    buf_free(&once);
}

static void test_pauses_grow_and_are_held(void **state)
{
    static const int64_t pauses[] = {1, 5, 10, 20, 40, 60, 60};
    struct process p;
    int64_t now = 0;
    (void)state;
    start(&p, "exit 1", false);
    for (size_t i = 0; i < ARRAY_LEN(pauses); i++) {
        look(&p, now);
        look_until(&p, now, is_waiting);
        assert_int_equal(p.restart_at, now + pauses[i] * NS_PER_S);
        now = p.restart_at;
    }
    process_free(&p);
    start(&p, "exec sleep 1000", false);
    look(&p, 0);
    process_kill(&p, 8 * NS_PER_S); /* a fault says when it comes back */
    look_until(&p, 0, is_waiting);
    assert_int_equal(p.restart_at, 8 * NS_PER_S);
    process_free(&p);
}

static void test_last_words(void **state)
{
    struct process p;
    struct buf text = {0};
    (void)state;
    start(&p, "for i in 1 2 3 4 5 6 7 8 9; do echo line $i >&2; done; exit 3", true);
    look(&p, 0);
    look_until(&p, 0, is_waiting);
    struct err *err = process_error(&p, "before it was ready");
    err_print(err, &text);
    assert_non_null(strstr(buf_c(&text),
                           "process site/a/manager-0 ended with status 3 before it was "
                           "ready; its last lines: "));
    assert_non_null(strstr(buf_c(&text), "line 9"));
    assert_null(strstr(buf_c(&text), "line 1\n"));
    err_free(err);
    buf_free(&text);
    process_free(&p);
}

static void test_needs_another(void **state)
{
    struct process api, server;
    (void)state;
    start(&api, "echo ready x; exec sleep 1000", true);
    start(&server, "exec sleep 1000", false);
    server.needs = &api;
    look(&server, 0);
    assert_false(process_runs(&server));
    look(&api, 0);
    look_until(&api, 0, is_ready);
    look(&server, 0);
    assert_true(process_runs(&server));
    process_free(&server);
    process_free(&api);
}

/* The one who started it is killed, in whatever way: it ends as well. */
static void test_outlives_nobody(void **state)
{
    int ends[2];
    pid_t grandchild = 0;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid_t parent = fork();
    if (parent == 0) {
        struct process p;
        start(&p, "exec sleep 60", false);
        err_ignore(process_look(&p, 0));
        ssize_t n = write(ends[1], &p.pid, sizeof p.pid);
        (void)n;
        pause();
        _exit(0);
    }
    assert_int_equal(read(ends[0], &grandchild, sizeof grandchild), sizeof grandchild);
    kill(parent, SIGKILL);
    waitpid(parent, NULL, 0);
    for (int ms = 0; kill(grandchild, 0) == 0; ms += 5) {
        assert_true(ms < DEADLINE_MS);
        pause_a_little();
    }
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ready_and_killed), cmocka_unit_test(test_pauses_grow_and_are_held),
        cmocka_unit_test(test_last_words),       cmocka_unit_test(test_needs_another),
        cmocka_unit_test(test_outlives_nobody),
    };
    if (!mkdtemp(folder))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
