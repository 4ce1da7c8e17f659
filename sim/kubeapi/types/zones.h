/* zones: time zones by the names of the time zone database, from a table of this program's own: what the machine has is
 * never read, so that a run is the same everywhere.
 *
 * A zone is its rule of today: offsets of long ago are not known, nor dates that are decreed year by year (Ramadan in
 * Morocco). Names are told apart by case. */
#ifndef PADDOCK_SIM_KUBEAPI_RULES_ZONES_H
#define PADDOCK_SIM_KUBEAPI_RULES_ZONES_H

#include "engine/base/str.h"

/* The time_s-th second after midnight of the week-th (5: last) weekday of a month. */
struct zone_switch {
    int month, week, weekday;
    int64_t time_s;
};
struct zone {
    int64_t standard_s, summer_s; /* east of Greenwich */
    bool has_summer;
    struct zone_switch start, end; /* of summer: in the time that ends with it */
};

bool zone_find(struct str name, struct zone *out); /* false: no such zone */
/* What is to be added to this time (s since 1970, UTC). */
int64_t zone_offset_s(const struct zone *z, int64_t utc_s);

#endif
