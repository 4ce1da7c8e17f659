/* tokens_internal: the state behind tokens.h. */
#ifndef PADDOCK_SIM_KUBEAPI_AUTH_TOKENS_INTERNAL_H
#define PADDOCK_SIM_KUBEAPI_AUTH_TOKENS_INTERNAL_H

#include "sim/kubeapi/auth/tokens.h"

struct tokens {
    struct kubeapi *api;
    struct pki_key *key; /* NULL: nobody has asked for it yet */
    struct str key_id;
    struct map known; /* token → struct known * (tokens_check.c) */
};

/* Makes the key when it is not there yet. */
const struct pki_key *tokens_key(struct tokens *x);

#endif
