/* cron: schedules of CronJobs: five fields (minute hour day month weekday; names, ranges, lists, steps), "@hourly" and the
 * like, "@every 1h30m". Times are those of a zone: what its clocks skip in spring does not
 * come, what they show twice in autumn comes twice. As usual, a day matches by either field when both are restricted. */
#ifndef PADDOCK_SIM_KUBEAPI_CONTROLLERS_CRON_H
#define PADDOCK_SIM_KUBEAPI_CONTROLLERS_CRON_H

#include "engine/base/str.h"
#include "engine/base/timefmt.h"
#include "sim/kubeapi/types/zones.h"

struct cron {
    uint64_t minutes, hours, days, months, weekdays; /* bit n: n matches */
    bool any_day, any_weekday;
    int64_t every_s; /* > 0: the fields are not used */
};

bool cron_parse(struct str text, struct cron *out);
/* The first time after this one (both ns of the Unix epoch); -1: never within five years. zone NULL: UTC. */
int64_t cron_next(const struct cron *c, const struct zone *zone, int64_t after);

#endif
