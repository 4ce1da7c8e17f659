/* real_net: sockets of the test's own process on the hosts of a laboratory, so that one thread sees both ends.
 *
 * Every wait is a poll with a deadline: PATIENCE_MS for what must come; QUIET_MS for what must not, which only makes a
 * broken lab look whole when the machine is slow, never a whole one broken. */
#ifndef PADDOCK_TESTS_UNIT_SUPPORT_REAL_NET_H
#define PADDOCK_TESTS_UNIT_SUPPORT_REAL_NET_H

#include "sim/real/lab/lab.h"
#include "tests/unit/support/check.h"

#define PATIENCE_MS 10000
#define QUIET_MS    150

struct real_net {
    struct netlab *lab;
    uint32_t a, b, c; /* hosts */
};
/* Why no laboratory can be had here, or NULL. */
const char *real_net_lacks(void);
/* A lab with three hosts. */
struct real_net real_net_open(void);
void real_net_close(struct real_net *n);

/* A socket of the host. */
int real_socket(const struct real_net *n, uint32_t host, int type);
int real_listen(const struct real_net *n, uint32_t host, uint16_t port);
/* 0 and the connected socket in *fd, or the errno; ETIMEDOUT: no answer within the time. */
int real_connect(const struct real_net *n, uint32_t from, uint32_t to, uint16_t port,
                 int timeout_ms, int *fd);
struct real_pair {
    int listener, client, server;
};
/* A TCP connection from one host to the other. */
struct real_pair real_pair(const struct real_net *n, uint32_t from, uint32_t to, uint16_t port);
void real_pair_close(struct real_pair *p);
/* One byte is sent by one socket and comes out of the other in time. */
bool real_passes(int from, int to, int timeout_ms);
/* The error of the socket once it has one: 0 none within the time; EOF is -1. */
int real_end_of(int fd, int timeout_ms);

/* Sockets bound to the port at `on` and connected to `to`. */
int real_udp(const struct real_net *n, uint32_t on, uint16_t port, uint32_t to, uint16_t to_port);
bool real_readable(int fd, int timeout_ms);

struct netlab_fault_options real_between(const struct real_net *n, enum netlab_fault_kind kind);
uint32_t real_begin(const struct real_net *n, const struct netlab_fault_options *o);
uint64_t real_fired(const struct real_net *n, uint32_t fault);

#endif
