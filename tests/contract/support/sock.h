/* sock: a recording owner of one outgoing WebSocket, with hooks to act inside its callbacks. */
#ifndef PADDOCK_TESTS_CONTRACT_SUPPORT_SOCK_H
#define PADDOCK_TESTS_CONTRACT_SUPPORT_SOCK_H

#include "tests/contract/support/contract.h"

struct sock {
    struct contract *c;
    struct world_ws_connect options;
    struct world_ws *ws; /* NULL: not connected, or ended */
    int opened, messages, pings, pongs, drained, closed, wanted;
    bool text, failed;
    struct buf last, control, reason, body, why; /* the last message, ping or pong; of `closed` */
    uint64_t bytes;
    enum err_code err;
    int http_status;
    uint16_t code;
    void (*on_open)(struct sock *s);
    void (*on_message)(struct sock *s);
};

/* To the server's port, as manager.example.test:8443 /v3/connect?x=1; the caller may change `options`. */
void sock_init(struct sock *s, struct contract *c, uint16_t port);
void sock_connect(struct sock *s);
void sock_close(struct sock *s);
void sock_abort(struct sock *s);
void sock_free(struct sock *s);
bool sock_is_open(void *s);
bool sock_is_closed(void *s);
bool sock_has_message(void *s);
bool sock_has_wanted(void *s); /* as many messages */

#endif
