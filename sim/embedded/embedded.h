/* embedded: one Kubernetes API on real sockets with everything that it needs: authority, certificates, administrator,
 * datastore. What `paddock-sim apiserver` runs, and what `paddock server --embedded` has as its local cluster.
 *
 *   embedded_new ─► (objects put into it) ─► embedded_listen ─► serving ─► embedded_drain ─► embedded_drained
 *                                                                            └─► embedded_stop ─► (the world is freed) ─► embedded_free
 *
 * With sqlite:FILE whatever was acknowledged is there after any end of the process, and so are the authority, the
 * administrator and the key of tokens: kubeconfigs and tokens stay good.
 * Ownership: strings of the options are copied. A commit may be under way when it is stopped: the world waits for it when
 *            it is freed, and the datastore is closed only then. */
#ifndef PADDOCK_SIM_EMBEDDED_EMBEDDED_H
#define PADDOCK_SIM_EMBEDDED_EMBEDDED_H

#include "sim/embedded/credentials.h"
#include "sim/kubeapi/kubeapi.h"

struct embedded_options {
    struct world_addr listen;
    struct str datastore; /* memory (or empty), sqlite:FILE */
    bool bare;            /* as in kubeapi.h */
    const struct kubeapi_workloads *workloads;
    /* The datastore takes no more writes, so nothing is acknowledged any more. */
    void (*failed)(void *owner, const struct err *why);
    void *owner;
};
struct embedded;
struct err *embedded_new(struct world *w, const struct embedded_options *options,
                         struct embedded **out) must_check;
struct err *embedded_listen(struct embedded *e) must_check;
struct kubeapi *embedded_api(struct embedded *e);
struct str embedded_url(const struct embedded *e); /* "https://127.0.0.1:40123", once it listens */
struct world_addr embedded_address(const struct embedded *e);
const struct credentials *embedded_credentials(const struct embedded *e);

void embedded_drain(struct embedded *e);
bool embedded_drained(const struct embedded *e); /* nobody is connected, all is written */
void embedded_stop(struct embedded *e);
void embedded_free(struct embedded *e); /* NULL is fine; stops it, and needs no world */

#endif
