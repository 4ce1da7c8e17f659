#include "sim/scenario/suite/probe.h"

/* Is the fault that has the points all that goes wrong? Then the probing run is the faultless one. */
static bool is_alone(const struct plan *plan)
{
    bool alone = plan->faults_n == 1;
    for (size_t s = 0; s < plan->steps_n; s++)
        for (size_t r = 0; r < plan->steps[s].rounds; r++)
            for (size_t i = 0; i < plan_actions_n(&plan->steps[s], r); i++) {
                enum action_kind kind = plan->steps[s].actions[r][i].kind;
                alone = alone && kind != ACTION_FAULT && kind != ACTION_HEAL;
            }
    return alone;
}

/* Everything goes wrong but what has the points, and nothing is judged. */
static void carry_out(struct probe *p, const struct plan *plan, const struct run_options *options)
{
    struct arena arena = {0};
    struct plan unjudged = *plan;
    struct run_options quiet = reference_options(options);
    unjudged.asserts_n = unjudged.measures_n = unjudged.states_n = 0;
    quiet.record = &p->points;
    (void)run_plan(&arena, &unjudged, &quiet); /* a run that fails has its points, too */
    arena_free(&arena);
}

struct probe *probe_new(const struct plan *plan, const struct run_options *options)
{
    struct probe *p = MEM_NEW(struct probe);
    bool both = is_alone(plan) && reference_is_used(plan);
    struct run_options o = *options;
    o.record = both ? &p->points : NULL;
    if (reference_is_used(plan))
        p->reference = reference_new(plan, &o);
    if (!both)
        carry_out(p, plan, options);
    return p;
}

void probe_free(struct probe *p)
{
    if (!p)
        return;
    points_free(&p->points);
    reference_free(p->reference);
    mem_free(p);
}
