/* raw_peer: one end of a fake stream that sends the bytes it is told and keeps those it gets. */
#ifndef PADDOCK_TESTS_UNIT_SUPPORT_RAW_PEER_H
#define PADDOCK_TESTS_UNIT_SUPPORT_RAW_PEER_H

#include "tests/unit/support/fake_world.h"

struct raw_peer {
    struct world_stream *stream; /* NULL: over */
    struct buf got;
    uint64_t got_n; /* also when not kept */
    bool count_only;
    bool open, ended, closed, reset;
};

void raw_connect(struct raw_peer *p, struct fake_world *f, uint16_t port);
void raw_take(struct raw_peer *p, struct world_stream *s); /* an accepted or paired stream */
void raw_send(struct raw_peer *p, struct str bytes);
void raw_send_c(struct raw_peer *p, const char *z);
void raw_free(struct raw_peer *p); /* closes what is open */

#endif
