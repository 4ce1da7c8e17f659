/* involved: what a failure is about: the components that its witness names (agents, clusters, managers, sites, DNS; of a
 * fault, its target), and the last events of these before its moment. Without any name: the last events of all.
 *
 *     "1 of 3 agents fails: edge-0/agent-0: connected = false" ─► edge-0/agent-0 ─► its events, and those of edge-0
 *
 * Works on the finished report; everything goes into the arena. */
#ifndef PADDOCK_SIM_SCENARIO_RUN_INVOLVED_H
#define PADDOCK_SIM_SCENARIO_RUN_INVOLVED_H

#include "reports/report.h"

#define INVOLVED_COMPONENTS_MAX 16u
#define INVOLVED_EVENTS_MAX     50u
#define INVOLVED_FAILURES_MAX   20u /* further failures get none */

void involved_add(struct arena *a, struct report_run *run);

#endif
