/* inflight: how many requests are worked on at once, and who waits: the reference server's max-in-flight limits.
 *
 *   arrives ─► seat free ─► admitted ─────────────────────────────► answered: the seat goes to who waits longest
 *      └─► all taken ─► waits (INFLIGHT_WAIT, INFLIGHT_QUEUE_MAX) ─┘
 *                └─► too long, or too many wait: 429 with Retry-After
 *
 * Writes and reads have seats of their own. Watches and members of system:masters need none. In order of arrival. */
#ifndef PADDOCK_SIM_KUBEAPI_CORE_INFLIGHT_H
#define PADDOCK_SIM_KUBEAPI_CORE_INFLIGHT_H

#include "engine/base/list.h"
#include "engine/world/world.h"

#define INFLIGHT_MUTATING_MAX 200u
#define INFLIGHT_READONLY_MAX 400u
#define INFLIGHT_QUEUE_MAX    1600u /* waiting requests of each class */
#define INFLIGHT_WAIT         (15 * NS_PER_S)

struct api_request;
struct inflight;

enum inflight_seat { INFLIGHT_NONE, INFLIGHT_READONLY, INFLIGHT_MUTATING };
enum inflight_answer { INFLIGHT_ADMITTED, INFLIGHT_QUEUED, INFLIGHT_REFUSED };

/* Limits: 0 is the default. `admitted` is called from the loop for who waited; `refused` when it waited too long. */
struct inflight *inflight_new(struct world *w, unsigned mutating_max, unsigned readonly_max,
                              void (*admitted)(struct api_request *r),
                              void (*refused)(struct api_request *r));
void inflight_free(struct inflight *f);
/* A seat for a request that has its user and verb. */
enum inflight_answer inflight_enter(struct inflight *f, struct api_request *r);
void inflight_leave(struct inflight *f, struct api_request *r); /* without a seat: nothing */
size_t inflight_active(const struct inflight *f, enum inflight_seat seat);
size_t inflight_waiting(const struct inflight *f, enum inflight_seat seat);

#endif
