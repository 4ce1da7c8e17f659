/* Goal: what runs in a simulated container does what people expect of it: commands, the shell's little language, a terminal,
 * the servers behind ports; and its log is a pure function of who it is and when it ran.
 * Method: programs are run without I/O, with input and time as a table says; logs are asked line by line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/pki/pki.h"
#include "sim/kubeapi/containers/program.h"
#include "tests/unit/support/check.h"

#define T0 (1700000000 * NS_PER_S)

#define POD                                                                                        \
    "{\"metadata\":{\"name\":\"web\",\"namespace\":\"ns\",\"uid\":\"u1\",\"annotations\":{"        \
    "\"paddock.io/log-every\":\"500ms\",\"paddock.io/log-bytes\":\"20\"}},\"spec\":{\"nodeName\":" \
    "\"n1\",\"initContainers\":[{\"name\":\"i\",\"image\":\"x\"}],\"containers\":[{\"name\":"      \
    "\"c\",\"image\":\"nginx\",\"env\":[{\"name\":\"A\",\"value\":\"b\"},{\"name\":\"N\","         \
    "\"valueFrom\":{\"fieldRef\":{\"fieldPath\":\"spec.nodeName\"}}}],\"ports\":["                 \
    "{\"containerPort\":80},{\"containerPort\":53,\"protocol\":\"UDP\"}],\"readinessProbe\":{"     \
    "\"periodSeconds\":1}}]},\"status\":{\"podIP\":\"10.1.1.1\",\"containerStatuses\":[{"          \
    "\"name\":\"c\",\"restartCount\":2,\"state\":%s,\"lastState\":%s}]}}"
#define RUNS "{\"running\":{\"startedAt\":\"2023-11-14T22:13:20Z\"}}"
#define ENDED                                                                                      \
    "{\"terminated\":{\"startedAt\":\"2023-11-14T22:13:20Z\",\"finishedAt\":"                      \
    "\"2023-11-14T22:13:22Z\",\"exitCode\":3}}"

static cJSON *pod(struct arena *a, const char *state, const char *last)
{
    cJSON *tree;
    struct str text = arena_printf(a, POD, state, last);
    struct err *err = json_parse(a, text, &tree);
    assert_null(err);
    return tree;
}

static struct container container(struct arena *a)
{
    struct container c;
    assert_true(container_read(a, pod(a, RUNS, "{}"), STR("c"), &c));
    return c;
}

/* ---- programs ---- */

struct played {
    struct program_output output;
    int code;
    bool exited;
};

/* Input is given whole, and ends. */
static void run_on(struct program *p, int64_t now, struct played *out)
{
    out->output.max = 4096;
    for (size_t i = 0; i < 100 && program_run(p, now, &out->output); i++)
        out->output.max += 4096;
    out->exited = program_exited(p, &out->code);
}

static void done(struct program *p, struct played *out)
{
    buf_free(&out->output.out);
    buf_free(&out->output.err);
    *out = (struct played){0};
    program_free(p);
}

static void commands_do_what_they_say(void **state)
{
    static const struct {
        const char *argv[4], *in, *out, *err;
        int code;
    } rows[] = {
        {{"echo", "a", "b"}, "", "a b\n", "", 0},
        {{"echo", "-n", "a"}, "", "a", "", 0},
        {{"/bin/cat"}, "in\0", "in", "", 0},
        {{"cat", "/etc/hostname"}, "", "web\n", "", 0},
        {{"cat", "/nope"}, "", "", "cat: can't open: No such file or directory: '/nope'\n", 1},
        {{"printenv", "N"}, "", "n1\n", "", 0},
        {{"printenv", "Z"}, "", "", "", 1},
        {{"false"}, "", "", "", 1},
        {{"hostname"}, "", "web\n", "", 0},
        {{"seq", "3"}, "", "1\n2\n3\n", "", 0},
        {{"head", "-c", "3"}, "abcdef", "abc", "", 0},
        {{"head", "-c", "9"}, "ab", "ab", "", 0},
        {{"head", "-c", "x"}, "", "", "head: invalid number 'x'\n", 1},
        {{"head", "-c", "99999999G"}, "", "", "head: invalid number '99999999G'\n", 1},
        {{"wc", "-c"}, "12345", "5\n", "", 0},
        {{"wc", "-l"}, "1\n2\n", "2\n", "", 0},
        {{"sha256sum"},
         "abc",
         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  -\n",
         "",
         0},
        {{"stty", "size"}, "", "", "stty: standard input: Not a tty\n", 1},
        {{"frob"},
         "",
         "",
         "OCI runtime exec failed: exec failed: unable to start container process: exec: "
         "\"frob\": executable file not found in $PATH: unknown\n",
         126},
        {{"sh", "-c", "exit 7"}, "", "", "", 7},
        {{"sh", "-c", "echo $A ${A}x '$A' \"$A;\" $?"}, "", "b bx $A b; 0\n", "", 0},
        {{"sh", "-c", "false && echo a || echo b; echo c"}, "", "b\nc\n", "", 0},
        {{"sh", "-c", "true || echo a && echo b"}, "", "b\n", "", 0},
        {{"sh", "-c", "echo x >&2; false; echo $?"}, "", "1\n", "x\n", 0},
        {{"sh", "-c", "frob 2>/dev/null; frob"}, "", "", NULL, 127},
        {{"sh", "-c", "echo a >/dev/null; cat; # no"}, "in", "in", "", 0},
        {{"sh", "-c", "echo a | cat"},
         "",
         "",
         "sh: syntax error: pipes, files and groups are not known here\n",
         2},
        {{"sh", "-c", "echo 'a"}, "", "", "sh: syntax error: unterminated quoted string\n", 2},
        {{"sh", "-c", "exit x"}, "", "", "sh: exit: Illegal number: x\n", 2},
        {{"sh"}, "echo 1\nexit 4\necho 2\n", "1\n", "", 4},
        {{"sh", "-x"}, "", "", "sh: only \"sh\" and \"sh -c SCRIPT\" are known here\n", 2},
    };
    struct arena a = {0};
    struct container c = container(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str argv[4];
        size_t n = 0;
        struct played got = {0};
        for (; n < 4 && rows[i].argv[n]; n++)
            argv[n] = str_c(rows[i].argv[n]);
        struct program *p = program_exec(&c, argv, n, false);
        program_input(p, str_c(rows[i].in));
        program_input_end(p);
        run_on(p, T0, &got);
        if (!got.exited || got.code != rows[i].code)
            fail_msg("row %zu: exited %d with %d", i, got.exited, got.code);
        check_str_eq(buf_str(&got.output.out), str_c(rows[i].out));
        if (rows[i].err)
            check_str_eq(buf_str(&got.output.err), str_c(rows[i].err));
        done(p, &got);
    }
    arena_free(&a);
}

/* A producer without end writes what it may and no more; a reader that is not read from says that it is full. */
static void bulk_is_bounded(void **state)
{
    const struct str yes[] = {STR("yes")}, cat[] = {STR("cat")};
    const struct str head[] = {STR("head"), STR("-c"), STR("1M"), STR("/dev/urandom")};
    struct arena a = {0};
    struct container c = container(&a);
    struct program_output o = {.max = 1000};
    struct program *p = program_exec(&c, yes, 1, false);
    assert_true(program_run(p, T0, &o));
    assert_in_range(o.out.n, 1000, 1010);
    assert_true(program_run(p, T0, &o));
    assert_in_range(o.out.n, 1000, 1010);
    program_free(p);
    buf_clear(&o.out);

    p = program_exec(&c, cat, 1, false);
    static char bytes[PROGRAM_INPUT_HIGH + 1];
    assert_false(program_full(p));
    program_input(p, (struct str){bytes, sizeof(bytes)});
    assert_true(program_full(p));
    assert_true(program_run(p, T0, &o));
    assert_int_equal(o.out.n, 1000);
    assert_false(program_full(p));
    program_free(p);

    struct pki_hash *h[2] = {pki_hash_new(), pki_hash_new()};
    unsigned char sums[2][PKI_SHA256_BYTES];
    for (size_t i = 0; i < 2; i++) { /* the same bytes, whatever the pieces */
        uint64_t n = 0;
        bool more = true;
        o.max = i ? 16384 : 1000;
        p = program_exec(&c, head, 4, false);
        while (more) {
            buf_clear(&o.out);
            more = program_run(p, T0, &o);
            n += o.out.n;
            pki_hash_add(h[i], buf_str(&o.out));
        }
        assert_int_equal(n, 1 << 20);
        pki_hash_end(h[i], sums[i]);
        program_free(p);
    }
    assert_memory_equal(sums[0], sums[1], PKI_SHA256_BYTES);
    buf_free(&o.out);
    arena_free(&a);
}

static void sleep_says_when_it_is_due(void **state)
{
    const struct str argv[] = {STR("sleep"), STR("2")};
    struct arena a = {0};
    struct container c = container(&a);
    struct program *p = program_exec(&c, argv, 2, false);
    struct played got = {0};
    run_on(p, T0, &got);
    assert_false(got.exited);
    assert_true(program_due(p) == T0 + 2 * NS_PER_S);
    run_on(p, T0 + 2 * NS_PER_S - 1, &got);
    assert_false(got.exited);
    run_on(p, T0 + 2 * NS_PER_S, &got);
    assert_true(got.exited && got.code == 0);
    done(p, &got);
    arena_free(&a);
}

static void a_terminal_echoes_erases_and_interrupts(void **state)
{
    const struct str argv[] = {STR("sh")};
    struct arena a = {0};
    struct container c = container(&a);
    struct program *p = program_exec(&c, argv, 1, true);
    struct played got = {0};
    run_on(p, T0, &got);
    check_str_eq(buf_str(&got.output.out), STR("/ # "));
    buf_clear(&got.output.out);
    program_resize(p, 120, 40);
    program_input(p, STR("stty sizx\x7f"
                         "e\r"));
    run_on(p, T0, &got);
    check_str_eq(buf_str(&got.output.out), STR("stty sizx\b \be\r\n40 120\r\n/ # "));
    buf_clear(&got.output.out);
    program_input(p, STR("sleep 100; echo no\r"));
    run_on(p, T0, &got);
    program_input(p, STR("\x03"));
    buf_clear(&got.output.out);
    run_on(p, T0, &got);
    check_str_eq(buf_str(&got.output.out), STR("^C\r\n/ # "));
    program_input(p, STR("exit\r"));
    run_on(p, T0, &got);
    assert_true(got.exited && got.code == 130);
    done(p, &got);

    p = program_exec(&c, argv, 1, true);
    program_input(p, STR("\x04"));
    run_on(p, T0, &got);
    assert_true(got.exited && got.code == 0);
    done(p, &got);
    arena_free(&a);
}

static void ports_answer(void **state)
{
    static const struct {
        const char *name, *in, *out;
        bool exits;
    } rows[] = {
        {"", "GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n",
         "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nweb:80 /a\n",
         false},
        {"", "GET /bytes/3 HTTP/1.1\r\nconnection: Close\r\n\r\nGET / HTTP/1.1\r\n\r\n",
         "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: "
         "close\r\n\r\nxxx",
         true},
        {"", "POST / HTTP/1.1\r\n\r\n", "HTTP/1.1 405 Method Not Allowed", true},
        {"", "junk\r\n\r\n", "HTTP/1.1 400 Bad Request", true},
        {"", "GET / HTTP/1.1\r\n", "", false},
        {"echo-1", "anything", "anything", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct container_port port = {str_c(rows[i].name), 80};
        struct program *p = program_port(&port, STR("web"));
        struct played got = {0};
        program_input(p, str_c(rows[i].in));
        run_on(p, T0, &got);
        assert_true(str_starts(buf_str(&got.output.out), str_c(rows[i].out)));
        assert_int_equal(got.exited, rows[i].exits);
        if (!got.exited) {
            program_input_end(p);
            run_on(p, T0, &got);
            assert_true(got.exited);
        }
        done(p, &got);
    }
    static char long_head[10000];
    const struct container_port port = {str_empty, 80};
    struct program *p = program_port(&port, STR("web"));
    struct played got = {0};
    memset(long_head, 'a', sizeof(long_head));
    program_input(p, (struct str){long_head, sizeof(long_head)});
    run_on(p, T0, &got);
    assert_true(got.exited && str_starts(buf_str(&got.output.out), STR("HTTP/1.1 431 ")));
    done(p, &got);
}

/* ---- logs ---- */

static void lines_are_a_function_of_time(void **state)
{
    struct arena a = {0};
    struct container c = container(&a);
    struct buf text = {0};
    assert_int_equal(c.state, CONTAINER_RUNNING);
    assert_int_equal(clog_lines(&c.log, T0 - 1), 0);
    assert_int_equal(clog_lines(&c.log, T0), 1);
    assert_int_equal(clog_lines(&c.log, T0 + NS_PER_S), 3);
    assert_true(clog_time(&c.log, 2) == T0 + NS_PER_S);
    static const char *const lines[] = {"started ns/web container c image nginx restarts 2",
                                        "tick 1 hijklmnopqrst", "probe readiness: ok "};
    for (size_t i = 0; i < 3; i++) {
        buf_clear(&text);
        clog_text(&c.log, i, &text);
        assert_true(str_starts(buf_str(&text), str_c(lines[i])) || i == 1);
        if (i > 0)
            assert_int_equal(text.n, 20);
    }
    assert_int_equal(clog_since(&c.log, T0 + 600 * NS_PER_MS, T0 + 2 * NS_PER_S), 2);
    assert_int_equal(clog_since(&c.log, T0 + 9 * NS_PER_S, T0 + 2 * NS_PER_S), 5);
    buf_free(&text);
    arena_free(&a);
}

static void the_last_line_tells_the_end(void **state)
{
    struct arena a = {0};
    struct container c;
    struct buf text = {0};
    assert_true(container_read(&a, pod(&a, ENDED, ENDED), STR("c"), &c));
    assert_int_equal(clog_lines(&c.log, T0 + 60 * NS_PER_S), 6);
    clog_text(&c.log, 5, &text);
    check_str_eq(buf_str(&text), STR("ended with exit code 3"));
    assert_int_equal(clog_since(&c.log, T0 + 2 * NS_PER_S, T0 + 60 * NS_PER_S), 4);
    assert_true(c.has_last && c.last.run == 1 && c.log.run == 2);
    assert_false(clog_same(&c.last, &c.log));
    buf_free(&text);
    arena_free(&a);
}

static void kubelets_say_why_there_is_no_log(void **state)
{
    static const struct {
        const char *state, *last;
        bool previous;
        const char *why;
    } rows[] = {
        {RUNS, "{}", false, ""},
        {RUNS, "{}", true, "previous terminated container \"c\" in pod \"web\" not found"},
        {RUNS, ENDED, true, ""},
        {"{\"waiting\":{\"reason\":\"CrashLoopBackOff\"}}", ENDED, false, ""},
        {"{\"waiting\":{\"reason\":\"ContainerCreating\"}}", "{}", false,
         "container \"c\" in pod \"web\" is waiting to start: ContainerCreating"},
        {"{\"waiting\":{\"reason\":\"ImagePullBackOff\"}}", "{}", false,
         "container \"c\" in pod \"web\" is waiting to start: trying and failing to pull image"},
        {"{}", "{}", false,
         "container \"c\" in pod \"web\" is waiting to start: ContainerCreating"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a = {0};
        struct container c;
        struct clog log;
        assert_true(container_read(&a, pod(&a, rows[i].state, rows[i].last), STR("c"), &c));
        check_str_eq(container_log_refusal(&a, &c, rows[i].previous, &log), str_c(rows[i].why));
        arena_free(&a);
    }
}

static void pods_are_read(void **state)
{
    struct arena a = {0};
    struct container c;
    struct container_port *ports;
    cJSON *tree = pod(&a, RUNS, "{}");
    assert_true(container_read(&a, tree, STR("i"), &c));
    assert_false(container_read(&a, tree, STR("none"), &c));
    assert_int_equal(container_ports(&a, tree, &ports), 1); /* TCP alone */
    assert_int_equal(ports[0].number, 80);
    assert_true(container_network(tree));
    assert_false(container_network(pod(&a, ENDED, "{}")));
    assert_false(container_network(NULL));
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_do_what_they_say),
        cmocka_unit_test(bulk_is_bounded),
        cmocka_unit_test(sleep_says_when_it_is_due),
        cmocka_unit_test(a_terminal_echoes_erases_and_interrupts),
        cmocka_unit_test(ports_answer),
        cmocka_unit_test(lines_are_a_function_of_time),
        cmocka_unit_test(the_last_line_tells_the_end),
        cmocka_unit_test(kubelets_say_why_there_is_no_log),
        cmocka_unit_test(pods_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
