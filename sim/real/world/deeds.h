/* deeds: the actions of steps in the rig, faults aside. What an API answers to them comes later: deeds_failed.
 * Ownership: the run's. */
#ifndef PADDOCK_SIM_REAL_WORLD_DEEDS_H
#define PADDOCK_SIM_REAL_WORLD_DEEDS_H

#include "sim/real/world/wrongs.h"

struct deeds;
struct deeds *deeds_new(struct rig *rig, struct ledger *l, struct wrongs *w);
void deeds_free(struct deeds *d);
/* An error says what could not be done. */
struct err *deeds_do(struct deeds *d, const struct plan_action *action) must_check;
/* An API refused: the error, and where it was asked for; NULL: none (more). The caller's. */
struct err *deeds_failed(struct deeds *d, const struct plan_action **action);
bool deeds_settled(const struct deeds *d); /* no answer is waited for */

#endif
