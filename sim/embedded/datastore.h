/* datastore: the option --datastore of an apiserver: memory, or sqlite:FILE. */
#ifndef PADDOCK_SIM_EMBEDDED_DATASTORE_H
#define PADDOCK_SIM_EMBEDDED_DATASTORE_H

#include "sim/embedded/credentials.h"
#include "sim/kubeapi/store/datastore.h"

/* *out is NULL for memory. *store is what was in it: the caller's until a server takes it. */
struct err *datastore_open(struct str option, struct datastore **out,
                           struct store **store) must_check;
/* The authority and the administrator of earlier runs, if there were any; else left alone. */
struct err *datastore_load_credentials(struct datastore *d, struct credentials *c) must_check;
struct err *datastore_save_credentials(struct datastore *d, const struct credentials *c) must_check;

/* The key that signs tokens of service accounts; NULL: none is kept, or it cannot be read. A key that cannot be saved is
 * one that the next start makes anew. */
struct pki_key;
struct pki_key *datastore_load_token_key(struct datastore *d);
void datastore_save_token_key(struct datastore *d, const struct pki_key *key);

#endif
