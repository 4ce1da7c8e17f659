/* datastore: the option --datastore of an apiserver: memory, or sqlite:FILE. */
#ifndef PADDOCK_SIM_CLI_DATASTORE_H
#define PADDOCK_SIM_CLI_DATASTORE_H

#include "sim/cli/credentials.h"
#include "sim/kubeapi/store/datastore.h"

/* *out is NULL for memory. *store is what was in it: the caller's until a server takes it. */
struct err *cli_datastore_open(struct str option, struct datastore **out,
                               struct store **store) must_check;
/* The authority and the administrator of earlier runs, if there were any; else left alone. */
struct err *cli_datastore_load_credentials(struct datastore *d, struct credentials *c) must_check;
struct err *cli_datastore_save_credentials(struct datastore *d,
                                           const struct credentials *c) must_check;

#endif
