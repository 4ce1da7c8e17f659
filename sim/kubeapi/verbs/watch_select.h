/* watch_select: the selectors of watches, shared: many clients watch one kind by the same selector, and an event is held
 * against each distinct selector once, however many watch by it.
 *
 *   watch ─► take ─► shared selector (by kind and text) ─► sees(event) ─► the answer of this revision, kept until the next
 *
 * Ownership: counted; the last watch that gives a selector back frees it. Events of one revision are the same for all. */
#ifndef PADDOCK_SIM_KUBEAPI_VERBS_WATCH_SELECT_H
#define PADDOCK_SIM_KUBEAPI_VERBS_WATCH_SELECT_H

#include "sim/kubeapi/core/request.h"
#include "sim/kubeapi/core/selector.h"

struct watch_selector;
/* Of a request's parameters, which were parsed as s; NULL: it selects everything. */
struct watch_selector *watch_selector_take(struct api_request *r, const struct selector *s);
void watch_selector_give(struct kubeapi *api, struct watch_selector *x); /* NULL is fine */
/* Did the object match before the event, does it now? */
void watch_selector_sees(struct watch_selector *x, const struct store_event *e, bool *before,
                         bool *after);
/* How often selectors were held against events since the server began. */
uint64_t watch_selector_evaluations(const struct kubeapi *api);

#endif
