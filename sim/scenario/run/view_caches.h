/* view_caches: the caches of managers and agents as expressions see them (collection `cache`), compared with the stores
 * that they mirror when an expression asks, and only then: nothing is done per event.
 *
 * Items: those of each manager replica, then those of each agent, one a kind; what does not run has only a name.
 * Cost: missing, surplus and stale walk the store's table: O(objects of the kind). */
#ifndef PADDOCK_SIM_SCENARIO_RUN_VIEW_CACHES_H
#define PADDOCK_SIM_SCENARIO_RUN_VIEW_CACHES_H

#include "sim/scenario/run/view.h"

struct view_caches;
struct view_caches *view_caches_new(const struct view *v);
void view_caches_free(struct view_caches *c);

uint32_t view_caches_count(const struct view_caches *c);
struct expr_value view_caches_field(struct view_caches *c, uint32_t item, uint32_t field);
/* Requests of verification and heals so far, of processes that have ended as well; for VOC_GLOBAL_CACHE_*. To be asked at
 * least once in the life of a process, or what it did is not counted. */
int64_t view_caches_total(struct view_caches *c, enum vocabulary_global which);

#endif
