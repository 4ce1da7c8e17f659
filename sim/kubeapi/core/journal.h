/* journal: group commit. Every write of the store is gathered into a batch; one batch at a time is made durable in the
 * world's work queue while the next is gathered; answers that show what is not durable yet wait for it.
 *
 *   write ─► gathered ─(end of this turn of the loop)─► committing ─► durable: watches see it, answers go out
 *               ▲                                          │    └─ failed ─► `failed`: nothing more is acknowledged
 *               └──────── writes meanwhile ────────────────┘
 *
 * So one fsync serves all requests that came while the one before it ran, and the loop never waits for a disk.
 * Revisions: blocks of them are reserved in the datastore ahead of use, and a store that is loaded goes on behind the
 *            block: a client that saw a write which then was lost holds a revision that is too old (410), never one that
 *            means something else.
 * Cost:      servers without a datastore have no journal; each of the functions below then costs a comparison. */
#ifndef PADDOCK_SIM_KUBEAPI_CORE_JOURNAL_H
#define PADDOCK_SIM_KUBEAPI_CORE_JOURNAL_H

#include "engine/world/world.h"
#include "sim/kubeapi/store/datastore.h"

struct journal;
struct journal_options {
    struct world *w;
    struct store *store; /* as the datastore has loaded it, and not written to since */
    struct datastore *datastore;
    void (*released)(void *owner, bool complete); /* store_durable grew; complete: store_release */
    void *owner;
    void (*failed)(void *owner, const struct err *why); /* borrowed; the last callback */
    void *failed_owner;
};

struct journal *journal_new(const struct journal_options *options);
/* What is not durable by now may be lost. The datastore is not closed. NULL is fine. */
void journal_free(struct journal *j);
bool journal_settled(const struct journal *j); /* everything is durable; NULL: always */

#endif
