/* peer: a recording owner of one stream: what happened, in which order, and hooks to act inside the callbacks. */
#ifndef PADDOCK_TESTS_CONTRACT_SUPPORT_PEER_H
#define PADDOCK_TESTS_CONTRACT_SUPPORT_PEER_H

#include "tests/contract/support/contract.h"

struct peer {
    struct contract *c;
    struct world_stream *s; /* NULL: ended, by us or by the closed callback */
    struct buf got;         /* with keep */
    struct buf
        events; /* a letter a callback: o(pen) d(ata, once in a row) e(nd) r(oom: drained) c(losed) */
    uint64_t bytes;
    int opened, ended, drained, closed;
    bool failed; /* closed with an error */
    enum err_code code;
    struct buf message;
    bool forget; /* got is not kept */
    bool echo;   /* sends back what comes, and ends when the peer does */
    void (*on_open)(struct peer *p);
    void (*on_data)(struct peer *p, struct str bytes);
    void (*on_end)(struct peer *p);
    void (*on_drained)(struct peer *p);
    void (*on_closed)(struct peer *p);
    void *data;
};
extern const struct world_stream_handler peer_handler;

void peer_connect(struct contract *c, struct peer *p, struct world_addr to,
                  const struct world_tls *tls);
void peer_close(struct peer *p);
void peer_abort(struct peer *p);
void peer_free(struct peer *p); /* what it still holds */
bool peer_is_open(void *peer);
bool peer_is_closed(void *peer);
bool peer_has_ended(void *peer);

/* A listener that gives each connection to the next of `peers`. */
#define PEERS_MAX 8
struct peer_server {
    struct contract *c;
    struct world_listener *l;
    struct peer peers[PEERS_MAX];
    int n;
    struct peer like; /* hooks and flags of every peer */
    uint16_t port;
};
void peer_serve(struct contract *c, struct peer_server *s, const struct world_tls *tls);
void peer_serve_end(struct peer_server *s);
bool peer_server_has(void *server); /* a connection */

#endif
