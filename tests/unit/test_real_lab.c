/* Goal: a laboratory comes up, is what it says, and goes without a trace, whatever becomes of its owner; what is not
 * there is told in words that help. Method: real namespaces, sockets on both ends in this process, children that enter
 * hosts, owners that are killed. Needs root; without it each test is skipped. */
#include "sim/real/lab/lab_internal.h"
#include "tests/unit/support/real_net.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEP_US 5000

static size_t names_with(const char *folder, const char *prefix)
{
    size_t n = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d))
        n += strncmp(e->d_name, prefix, strlen(prefix)) == 0;
    if (d)
        closedir(d);
    return n;
}

static size_t traces_of(const char *prefix)
{
    return names_with("/run/netns", prefix) + names_with("/run/paddock-lab", prefix);
}

static bool gone_in_time(const char *prefix)
{
    for (int i = 0; i < PATIENCE_MS * 1000 / STEP_US; i++) {
        if (traces_of(prefix) == 0)
            return true;
        usleep(STEP_US); /* between looks: nothing tells when a name goes */
    }
    return false;
}

static void test_hosts(void **state)
{
    struct real_net n = real_net_open();
    assert_string_equal(netlab_host_name(n.lab, n.b), "b");
    assert_string_equal(netlab_host_address(n.lab, n.b), "10.64.0.3");
    struct buf name = {0};
    buf_addf(&name, "pk%d-b", (int)getpid());
    assert_string_equal(netlab_host_namespace(n.lab, n.b), buf_c(&name));
    buf_free(&name);
    struct real_pair p = real_pair(&n, n.a, n.b, 443);
    assert_true(real_passes(p.client, p.server, PATIENCE_MS));
    assert_true(real_passes(p.server, p.client, PATIENCE_MS));
    real_pair_close(&p);
    int fd;
    assert_int_equal(real_connect(&n, n.c, n.b, 443, PATIENCE_MS, &fd), ECONNREFUSED);
    real_net_close(&n);
}

static void expect_name_refused(struct netlab *lab, struct str name, enum err_code code)
{
    uint32_t host;
    struct err *err = netlab_add_host(lab, name, &host);
    assert_non_null(err);
    assert_int_equal(err->code, code);
    err_free(err);
}

static void test_names(void **state)
{
    struct real_net n = real_net_open();
    expect_name_refused(n.lab, STR(""), ERR_INVALID);
    expect_name_refused(n.lab, STR("-x"), ERR_INVALID);
    expect_name_refused(n.lab, STR("a/b"), ERR_INVALID);
    expect_name_refused(n.lab, STR("a b"), ERR_INVALID);
    expect_name_refused(n.lab, STR("a"), ERR_ALREADY_EXISTS);
    expect_name_refused(n.lab, STR("router"), ERR_ALREADY_EXISTS);
    char longest[NETLAB_NAME_MAX + 1];
    memset(longest, 'x', sizeof(longest));
    expect_name_refused(n.lab, (struct str){longest, sizeof(longest)}, ERR_INVALID);
    uint32_t host;
    check_ok(netlab_add_host(n.lab, (struct str){longest, NETLAB_NAME_MAX}, &host));
    real_net_close(&n);
}

/* Two labs of one process do not meet: their namespaces have other names, and their hosts the same addresses. */
static void test_two_labs(void **state)
{
    struct real_net one = real_net_open(), other = real_net_open();
    assert_string_not_equal(netlab_prefix(one.lab), netlab_prefix(other.lab));
    assert_string_equal(netlab_host_address(one.lab, one.a),
                        netlab_host_address(other.lab, other.a));
    struct real_pair p = real_pair(&one, one.a, one.b, 443);
    int fd;
    assert_int_equal(real_connect(&other, other.a, other.b, 443, PATIENCE_MS, &fd), ECONNREFUSED);
    real_net_close(&other);
    assert_true(real_passes(p.client, p.server, PATIENCE_MS));
    real_pair_close(&p);
    real_net_close(&one);
}

static int look_up(const char *name, char *address, size_t n)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found = NULL;
    int status = getaddrinfo(name, NULL, &hints, &found);
    if (status == 0)
        getnameinfo(found->ai_addr, found->ai_addrlen, address, (socklen_t)n, NULL, 0,
                    NI_NUMERICHOST);
    if (found)
        freeaddrinfo(found);
    return status;
}

/* In a child on host a: its resolver knows the name, and its network is the host's. 0: all is so. */
static int child_looks(const struct real_net *n)
{
    const char *step = "";
    char address[64] = "";
    int why = netlab_enter(n->lab, n->a, &step);
    if (why) {
        fprintf(stderr, "%s: %s\n", step, strerror(why));
        return 1;
    }
    if (look_up("manager.example", address, sizeof(address)) != 0 ||
        strcmp(address, "10.64.0.3") != 0)
        return 2;
    if (look_up("localhost", address, sizeof(address)) != 0 || strcmp(address, "127.0.0.1") != 0)
        return 3;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo("manager.example", "443", &hints, &found) != 0 ||
        connect(fd, found->ai_addr, found->ai_addrlen) != 0)
        return 4;
    freeaddrinfo(found);
    return 0;
}

static int status_of(pid_t child)
{
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_enter(void **state)
{
    struct real_net n = {0};
    uint32_t resolver;
    struct stat before, after;
    assert_int_equal(stat("/etc/resolv.conf", &before), 0);
    check_ok(netlab_open(NULL, &n.lab));
    check_ok(netlab_add_resolver(n.lab, STR("dns"), NULL, &resolver));
    check_ok(netlab_add_host(n.lab, STR("a"), &n.a));
    check_ok(netlab_add_host(n.lab, STR("b"), &n.b));
    const struct str address = str_c(netlab_host_address(n.lab, n.b));
    assert_string_equal(address.p, "10.64.0.4");
    check_ok(netlab_dns_set(n.lab, STR("manager.example"), 5, &STR("10.64.0.3"), 1));
    check_ok(netlab_use_resolver(n.lab, n.b, resolver));
    int listener = real_listen(&n, n.a, 443);
    pid_t child = fork();
    if (child == 0)
        _exit(child_looks(&n));
    assert_int_equal(status_of(child), 0);
    assert_true(real_readable(listener, PATIENCE_MS));
    assert_int_equal(stat("/etc/resolv.conf", &after), 0);
    assert_int_equal(before.st_ino, after.st_ino); /* of this process: its own */
    close(listener);
    real_net_close(&n);
}

static void test_join(void **state)
{
    struct real_net n = real_net_open();
    int listener = real_listen(&n, n.b, 443);
    struct stat home, after;
    assert_int_equal(stat("/proc/thread-self/ns/net", &home), 0);
    check_ok(netlab_join(n.lab, n.a));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(443)};
    to.sin_addr.s_addr = htonl(0x0a400003);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_true(real_readable(listener, PATIENCE_MS));
    uint32_t late; /* the lab goes on working from there */
    check_ok(netlab_add_host(n.lab, STR("late"), &late));
    close(fd);
    close(listener);
    real_net_close(&n);
    assert_int_equal(stat("/proc/thread-self/ns/net", &after), 0);
    assert_int_equal(home.st_ino, after.st_ino);
}

/* ---- leaving ---- */

static pid_t sleeper_on(const struct real_net *n, uint32_t host)
{
    int ready[2];
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        const char *step;
        if (netlab_enter(n->lab, host, &step) != 0 || write(ready[1], "r", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    assert_true(real_readable(ready[0], PATIENCE_MS));
    close(ready[0]);
    return child;
}

static void test_kill(void **state)
{
    struct real_net n = real_net_open();
    pid_t on_a = sleeper_on(&n, n.a), on_b = sleeper_on(&n, n.b);
    check_ok(netlab_kill(n.lab, n.a, SIGKILL));
    int status = 0;
    assert_int_equal(waitpid(on_a, &status, 0), on_a);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(waitpid(on_b, &status, WNOHANG), 0);
    real_net_close(&n); /* kills the other */
    assert_int_equal(waitpid(on_b, &status, 0), on_b);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void test_close_leaves_nothing(void **state)
{
    struct real_net n = real_net_open();
    uint32_t resolver;
    check_ok(netlab_add_resolver(n.lab, STR("dns"), NULL, &resolver));
    struct netlab_fault_options late = real_between(&n, NETLAB_LATENCY);
    late.delay_ns = INT64_C(1000000);
    real_begin(&n, &late);
    char prefix[64];
    snprintf(prefix, sizeof(prefix), "%s", netlab_prefix(n.lab));
    assert_int_equal(names_with("/run/netns", prefix), 5); /* a, b, c, dns, router */
    real_net_close(&n);
    assert_int_equal(traces_of(prefix), 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child either */
    assert_int_equal(errno, ECHILD);
}

struct owned {
    pid_t owner, janitor, sleeper;
    char prefix[32];
};

/* A process that has a lab in which something runs; it ends only when it is killed. */
static struct owned owner_start(void)
{
    struct owned o = {0};
    int ready[2];
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid_t owner = fork();
    if (owner == 0) {
        struct real_net n = real_net_open();
        o.janitor = n.lab->janitor;
        o.sleeper = sleeper_on(&n, n.a);
        snprintf(o.prefix, sizeof(o.prefix), "%s", netlab_prefix(n.lab));
        if (write(ready[1], &o, sizeof(o)) != (ssize_t)sizeof(o))
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    assert_true(real_readable(ready[0], PATIENCE_MS));
    assert_int_equal(read(ready[0], &o, sizeof(o)), sizeof(o));
    close(ready[0]);
    o.owner = owner;
    return o;
}

static void end_of_owner(const struct owned *o)
{
    kill(o->owner, SIGKILL);
    assert_int_equal(waitpid(o->owner, NULL, 0), o->owner);
}

static bool runs(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return false;
    bool ended = real_readable(fd, PATIENCE_MS);
    close(fd);
    return !ended;
}

static void test_owner_killed(void **state)
{
    struct owned o = owner_start();
    assert_int_equal(names_with("/run/netns", o.prefix), 4);
    end_of_owner(&o);
    assert_true(gone_in_time(o.prefix));
    assert_false(runs(o.sleeper));
}

static void test_janitor_killed_too(void **state)
{
    struct owned o = owner_start(), living = owner_start();
    kill(o.janitor, SIGKILL);
    end_of_owner(&o);
    assert_int_equal(names_with("/run/netns", o.prefix), 4); /* nobody is there to tidy up */
    struct real_net n = real_net_open();
    assert_int_equal(traces_of(o.prefix), 0);
    assert_false(runs(o.sleeper));
    assert_int_equal(names_with("/run/netns", living.prefix), 4); /* its owner lives */
    end_of_owner(&living);
    assert_true(gone_in_time(living.prefix));
    real_net_close(&n);
}

/* The pid has come round: its process is not the one that made the lab. */
static void test_pid_again(void **state)
{
    struct owned o = owner_start();
    char path[128];
    snprintf(path, sizeof(path), "/run/paddock-lab/%s/owner", o.prefix);
    check_ok(state_write(path, STR("1\n")));
    struct real_net n = real_net_open();
    assert_int_equal(traces_of(o.prefix), 0);
    real_net_close(&n);
    end_of_owner(&o);
}

/* ---- what is not there ---- */

static void expect_error(struct err *err, enum err_code code, const char *const *words, size_t n)
{
    assert_non_null(err);
    struct buf text = {0};
    err_print(err, &text);
    assert_int_equal(err->code, code);
    for (size_t i = 0; i < n; i++)
        if (str_find(buf_str(&text), str_c(words[i])) < 0)
            fail_msg("no \"%s\" in: %s", words[i], buf_c(&text));
    buf_free(&text);
    err_free(err);
}

static void test_no_tools(void **state)
{
    struct netlab *lab;
    static const char *const all[] = {"ip, nft, tc, ss, dnsmasq",
                                      "apt-get install iproute2 nftables dnsmasq-base"};
    expect_error(netlab_open(&(struct netlab_options){.path = ""}, &lab), ERR_UNAVAILABLE, all, 2);
    char own[32];
    snprintf(own, sizeof(own), "pk%d", (int)getpid());
    assert_int_equal(traces_of(own), 0);
}

static void test_one_tool(void **state)
{
    char folder[] = "/tmp/paddock-lab-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct buf to = {0};
    static const char *const there[] = {"ip", "tc", "ss", "dnsmasq"};
    for (size_t i = 0; i < ARRAY_LEN(there); i++) {
        buf_clear(&to);
        buf_addf(&to, "%s/%s", folder, there[i]);
        assert_int_equal(symlink("/bin/true", buf_c(&to)), 0);
    }
    struct netlab *lab;
    static const char *const words[] = {"not here: nft; ", "apt-get install nftables"};
    expect_error(netlab_open(&(struct netlab_options){.path = folder}, &lab), ERR_UNAVAILABLE,
                 words, 2);
    for (size_t i = 0; i < ARRAY_LEN(there); i++) {
        buf_clear(&to);
        buf_addf(&to, "%s/%s", folder, there[i]);
        unlink(buf_c(&to));
    }
    rmdir(folder);
    buf_free(&to);
}

static void test_not_root(void **state)
{
    pid_t child = fork();
    if (child == 0) {
        struct netlab *lab;
        if (setuid(65534) != 0)
            _exit(2);
        struct err *err = netlab_open(NULL, &lab);
        bool told = err && err->code == ERR_UNAVAILABLE && strstr(err->message, "sudo");
        err_free(err);
        _exit(told ? 0 : 1);
    }
    assert_int_equal(status_of(child), 0);
}

static void test_tool_fails(void **state)
{
    char sleeping[] = "/bin/sleep", failing[] = "/bin/ls", missing[] = "/nonexistent";
    struct tools tools = {.path = {sleeping, failing, missing}};
    static const char *const long_time[] = {"100", NULL}, *const nowhere[] = {"/nonexistent", NULL};
    static const char *const late[] = {"ip 100", "no end within 50 ms"};
    static const char *const words[] = {"nft /nonexistent", "status 2",
                                        "No such file or directory"};
    static const char *const absent[] = {"tc /nonexistent", "status 127"};
    expect_error(tool_run(&tools, &(struct tool_call){TOOL_IP, long_time, str_empty, -1, 50}, NULL),
                 ERR_TIMEOUT, late, 2);
    expect_error(tool_run(&tools, &(struct tool_call){TOOL_NFT, nowhere, str_empty, -1, 0}, NULL),
                 ERR_IO, words, 3);
    expect_error(tool_run(&tools, &(struct tool_call){TOOL_TC, nowhere, str_empty, -1, 0}, NULL),
                 ERR_IO, absent, 2);
}

static void test_skipped(void **state)
{
    skip();
}

int main(void)
{
    const char *lacks = real_net_lacks();
    if (lacks) {
        fprintf(stderr, "test_real_lab: SKIPPED: %s\n", lacks);
        const struct CMUnitTest none[] = {cmocka_unit_test(test_skipped)};
        return cmocka_run_group_tests(none, NULL, NULL);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_two_labs),
        cmocka_unit_test(test_enter),
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_kill),
        cmocka_unit_test(test_close_leaves_nothing),
        cmocka_unit_test(test_owner_killed),
        cmocka_unit_test(test_janitor_killed_too),
        cmocka_unit_test(test_pid_again),
        cmocka_unit_test(test_no_tools),
        cmocka_unit_test(test_one_tool),
        cmocka_unit_test(test_not_root),
        cmocka_unit_test(test_tool_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
