/* preload: objects that an apiserver starts with, from files of YAML documents or JSON (also `kind: List`).
 *
 * Each is checked as a creation by an administrator would be, unknown fields included; what it has of uid,
 * creationTimestamp and status is kept, so that what was dumped from a cluster fits together again. Objects that exist
 * already (the first namespaces) get what the file says of them.
 * Errors: the first thing that is wrong, at file:line:column of the field where there is one. */
#ifndef PADDOCK_SIM_CLI_PRELOAD_H
#define PADDOCK_SIM_CLI_PRELOAD_H

#include "sim/kubeapi/kubeapi.h"

struct err *preload(struct kubeapi *api, struct str file, struct str text,
                    size_t *count) must_check;

#endif
