/* recorder: what happened, for the report: lanes of components with their spans and events, and series over time.
 * Lanes: each manager replica (group: its site), the agents of each cluster group, DNS, the administrator (imports).
 * Bounds: RECORDER_EVENTS_MAX events; later ones are only counted. A series keeps one point a second at most. */
#ifndef PADDOCK_SIM_SCENARIO_RUN_RECORDER_H
#define PADDOCK_SIM_SCENARIO_RUN_RECORDER_H

#include "reports/report.h"
#include "sim/scenario/run/view.h"

#define RECORDER_EVENTS_MAX 20000u

struct recorder;
struct recorder *recorder_new(struct estate *e, struct view *v);
void recorder_free(struct recorder *r);
/* Fills lanes, timeline, spans and series of the report, in the arena. */
void recorder_finish(struct recorder *r, struct arena *a, struct report_run *out);

#endif
