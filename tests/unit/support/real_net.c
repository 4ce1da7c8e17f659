/* Sockets on the hosts of a laboratory. */
#include "tests/unit/support/real_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

const char *real_net_lacks(void)
{
    if (geteuid() != 0)
        return "it needs root";
    pid_t child = fork();
    if (child == 0)
        _exit(unshare(CLONE_NEWNET | CLONE_NEWNS) != 0);
    int status = 0;
    waitpid(child, &status, 0);
    return status == 0 ? NULL : "no namespaces can be made here";
}

struct real_net real_net_open(void)
{
    struct real_net n = {0};
    check_ok(netlab_open(NULL, &n.lab));
    check_ok(netlab_add_host(n.lab, STR("a"), &n.a));
    check_ok(netlab_add_host(n.lab, STR("b"), &n.b));
    check_ok(netlab_add_host(n.lab, STR("c"), &n.c));
    return n;
}

void real_net_close(struct real_net *n)
{
    netlab_close(n->lab);
    n->lab = NULL;
}

int real_socket(const struct real_net *n, uint32_t host, int type)
{
    char path[256];
    snprintf(path, sizeof(path), "/run/netns/%s", netlab_host_namespace(n->lab, host));
    int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    int there = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(home >= 0 && there >= 0);
    assert_int_equal(setns(there, CLONE_NEWNET), 0);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(setns(home, CLONE_NEWNET), 0);
    close(home);
    close(there);
    assert_true(fd >= 0);
    return fd;
}

static struct sockaddr_in address_of(const struct real_net *n, uint32_t host, uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    assert_int_equal(inet_pton(AF_INET, netlab_host_address(n->lab, host), &a.sin_addr), 1);
    return a;
}

int real_listen(const struct real_net *n, uint32_t host, uint16_t port)
{
    struct sockaddr_in a = address_of(n, host, port);
    int fd = real_socket(n, host, SOCK_STREAM), yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(fd, 64), 0);
    return fd;
}

bool real_readable(int fd, int timeout_ms)
{
    struct pollfd p = {fd, POLLIN, 0};
    return poll(&p, 1, timeout_ms) > 0;
}

static int pending_error(int fd)
{
    int error = 0;
    socklen_t n = sizeof(error);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n), 0);
    return error;
}

int real_connect(const struct real_net *n, uint32_t from, uint32_t to, uint16_t port,
                 int timeout_ms, int *fd)
{
    struct sockaddr_in a = address_of(n, to, port);
    *fd = real_socket(n, from, SOCK_STREAM);
    struct pollfd p = {*fd, POLLOUT, 0};
    int error = connect(*fd, (struct sockaddr *)&a, sizeof(a)) == 0 ? 0 : errno;
    if (error == EINPROGRESS)
        error = poll(&p, 1, timeout_ms) > 0 ? pending_error(*fd) : ETIMEDOUT;
    if (error) {
        close(*fd);
        *fd = -1;
    }
    return error;
}

struct real_pair real_pair(const struct real_net *n, uint32_t from, uint32_t to, uint16_t port)
{
    struct real_pair p = {.listener = real_listen(n, to, port)};
    assert_int_equal(real_connect(n, from, to, port, PATIENCE_MS, &p.client), 0);
    assert_true(real_readable(p.listener, PATIENCE_MS));
    p.server = accept4(p.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    assert_true(p.server >= 0);
    return p;
}

void real_pair_close(struct real_pair *p)
{
    close(p->listener);
    close(p->client);
    close(p->server);
}

bool real_passes(int from, int to, int timeout_ms)
{
    char c = 'x';
    if (send(from, &c, 1, MSG_NOSIGNAL) != 1)
        return false;
    return real_readable(to, timeout_ms) && recv(to, &c, 1, 0) == 1;
}

int real_end_of(int fd, int timeout_ms)
{
    char c;
    if (!real_readable(fd, timeout_ms))
        return 0;
    ssize_t n = recv(fd, &c, 1, 0);
    return n == 0 ? -1 : n < 0 ? errno : 0;
}

int real_udp(const struct real_net *n, uint32_t on, uint16_t port, uint32_t to, uint16_t to_port)
{
    struct sockaddr_in own = address_of(n, on, port), peer = address_of(n, to, to_port);
    int fd = real_socket(n, on, SOCK_DGRAM);
    assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&peer, sizeof(peer)), 0);
    return fd;
}

struct netlab_fault_options real_between(const struct real_net *n, enum netlab_fault_kind kind)
{
    return (struct netlab_fault_options){.kind = kind, .a = {&n->a, 1}, .b = {&n->b, 1}};
}

uint32_t real_begin(const struct real_net *n, const struct netlab_fault_options *o)
{
    uint32_t fault = 0;
    check_ok(netlab_fault_begin(n->lab, o, &fault));
    return fault;
}

uint64_t real_fired(const struct real_net *n, uint32_t fault)
{
    uint64_t fired = 0;
    check_ok(netlab_fault_fired(n->lab, fault, &fired));
    return fired;
}
