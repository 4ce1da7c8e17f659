/* hold: answers that show what is not durable yet wait for it, so that nobody sees a write that a crash could undo.
 *
 *   run ─► wrote, or its table has newer events than are durable? ─► held, by revision ─► released: answered, or pumped
 *
 * Without a datastore nothing is ever held. */
#ifndef PADDOCK_SIM_KUBEAPI_CORE_HOLD_H
#define PADDOCK_SIM_KUBEAPI_CORE_HOLD_H

#include "sim/kubeapi/core/request.h"

/* True: it waits until everything up to the revision is durable. */
bool api_hold(struct api_request *r, uint64_t revision);
void api_hold_leave(struct api_request *r); /* a request that ends; not waiting: nothing */
/* store_durable grew: those that waited for it go on. */
void api_hold_release(struct kubeapi *api, void (*released)(struct api_request *r));

#endif
