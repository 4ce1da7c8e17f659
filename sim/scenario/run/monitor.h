/* monitor: judges the assertions of a plan while the run goes on.
 *
 *              window opens            condition decides              window closes / end of the run
 *     PENDING ─────────────► WATCHING ──────────────────► HELD or FAILED
 *        └──────────────────────────── never opened ────► VACUOUS (its step never ended)
 *
 *   always, never   WATCHING until a breach (FAILED, at its beginning) or the window's end (HELD); with `lasting` a
 *                   breach counts only once it has lasted that long
 *   eventually      WATCHING until it holds (HELD) or the deadline passes (FAILED)
 *   within          WATCHING from `after`; it must hold at some time and still at after + time (HELD, or FAILED then)
 *   at              decided at its moment
 *   sometimes       WATCHING until it holds once (HELD); at the end UNSEEN: failing only if no run of the scenario saw it
 *
 * The runner tells what changed (monitor_changed_...) and calls monitor_run after each event in which something did, and
 * at the time that monitor_run asked for. A clause is evaluated only when something it names has changed or a time that
 * its expression depends on has come. The end of the run closes every window: an `eventually` without `by` and a
 * `within` whose time lies beyond the end are judged there.
 *
 * Ownership: memory is the arena's; texts of results live there. The plan and the environment must outlive it. */
#ifndef PADDOCK_SIM_SCENARIO_RUN_MONITOR_H
#define PADDOCK_SIM_SCENARIO_RUN_MONITOR_H

#include "sim/scenario/language/plan.h"

enum monitor_verdict {
    MONITOR_PENDING,
    MONITOR_WATCHING,
    MONITOR_HELD,
    MONITOR_FAILED,
    MONITOR_UNSEEN,
    MONITOR_VACUOUS
};
const char *monitor_verdict_name(enum monitor_verdict v);

struct monitor_result {
    const struct plan_assert *clause;
    enum monitor_verdict verdict;
    int64_t at_ns;     /* when it was decided; a breach: when it began; -1: not decided */
    int64_t opened_ns; /* when its window opened; -1: not yet */
    struct str
        witness; /* FAILED: what was seen, with the items and values that decided; else empty */
    uint64_t evaluations; /* how often the condition was looked at */
};

struct monitor;
struct monitor *monitor_new(struct arena *a, const struct plan *plan, const struct expr_env *env);

/* What changed since the last run. Cheap; may be called any number of times. */
void monitor_changed_items(struct monitor *m, uint32_t collection);
void monitor_changed_field(struct monitor *m, uint32_t collection, uint32_t field);
/* Of one item only: cheaper where many items change one after the other. */
void monitor_changed_item(struct monitor *m, uint32_t collection, uint32_t field, uint32_t item);
void monitor_changed_global(struct monitor *m, uint32_t global);
void monitor_step_ended(struct monitor *m, uint32_t step, int64_t now);
void monitor_quiet_began(struct monitor *m, int64_t now);

/* Judges what is due; the earliest time at which it wants to be called again (EXPR_NEVER: only on a change). */
int64_t monitor_run(struct monitor *m, int64_t now);
void monitor_finish(struct monitor *m, int64_t now); /* the end of the run; idempotent */
/* The run is stopped before its end: what is not decided by now stays open. */
void monitor_stop(struct monitor *m, int64_t now);

size_t monitor_count(const struct monitor *m);
const struct monitor_result *monitor_result(const struct monitor *m,
                                            size_t i); /* in the order of the plan */

#endif
