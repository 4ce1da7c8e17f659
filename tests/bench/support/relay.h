/* relay: the barest relay of TCP there is on libuv, as what a tunnel's added latency is measured against: a client's
 * connection goes through two processes that read and write and do nothing else, as a request goes through a server and an
 * agent. */
#ifndef PADDOCK_TESTS_BENCH_RELAY_H
#define PADDOCK_TESTS_BENCH_RELAY_H

#include <stdint.h>
#include <sys/types.h>

struct relay_pair {
    pid_t near, far;
    uint16_t port; /* of the near one, on 127.0.0.1 */
};

/* to: a port on 127.0.0.1 where the far one connects. */
void relay_pair_start(struct relay_pair *r, uint16_t to);
void relay_pair_end(const struct relay_pair *r);

#endif
