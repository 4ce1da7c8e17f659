/* keeper_tls: the authority and the serving certificate that a manager makes itself: made, and judged when they are read
 * back. Keys are on P-256 from the world's random source. Private to engine/server.
 *
 * Errors: ERR_TLS or ERR_INVALID, whose message says what is wrong with a pair. Ownership: keeper_pair_free. */
#ifndef PADDOCK_ENGINE_SERVER_KEEPER_TLS_H
#define PADDOCK_ENGINE_SERVER_KEEPER_TLS_H

#include "engine/base/arena.h"
#include "engine/world/world.h"

struct keeper_pair {
    struct buf cert_pem, key_pem;
};
void keeper_pair_free(struct keeper_pair *p);

void keeper_tls_make_ca(struct world *w, int64_t life_s, struct keeper_pair *out);
/* names: DNS names and addresses, without repetitions. It never outlives its authority. */
void keeper_tls_make_leaf(struct world *w, const struct keeper_pair *ca, const struct str *names,
                          size_t n, int64_t life_s, struct keeper_pair *out);

/* It is an authority with its key, and it has not ended. */
struct err *keeper_tls_check_ca(const struct keeper_pair *p, int64_t now_s) must_check;
/* It is signed by that authority, has its key and all of these names, and more than renew_s is left. */
struct err *keeper_tls_check_leaf(const struct keeper_pair *p, const struct keeper_pair *ca,
                                  const struct str *names, size_t n, int64_t now_s,
                                  int64_t renew_s) must_check;
/* The names in a certificate; 0: it cannot be read. */
size_t keeper_tls_names(struct arena *a, struct str cert_pem, struct str **out);

#endif
