/* planning: what the files that make a plan share: the sections in their order, each one expanded, decoded, checked. */
#ifndef PADDOCK_SIM_SCENARIO_LANGUAGE_PLANNING_H
#define PADDOCK_SIM_SCENARIO_LANGUAGE_PLANNING_H

#include "sim/scenario/language/bind.h"
#include "sim/scenario/language/language.h"
#include "sim/scenario/language/schema_internal.h"

struct planning {
    struct arena *arena;
    const struct scenario *scenario;
    struct plan *plan;
    struct diags *diags;
    struct binding binding;
    struct decode decode;
    struct target_names names;
    size_t actions; /* over all steps so far */
    struct chaos_entry chaos;
    size_t choices_cap;
};

/* The section with its ${...} put in; NULL when it is not there (any more). */
const struct yaml_node *planning_section(struct planning *p, const struct yaml_node *node,
                                         const char *name);
/* A list section as an array of entries. */
struct objects planning_list(struct planning *p, const struct yaml_node *node, const char *name,
                             const struct shape *shape);

void plan_topology(struct planning *p);
void plan_steps(struct planning *p);
void plan_actions(struct planning *p, const struct step_entry *entry, struct plan_step *step);
void plan_faults(struct planning *p);
/* What chaos draws, appended to the faults; swarm: which of both this seed has. */
void plan_chaos(struct planning *p);
void plan_traffic(struct planning *p); /* names, for expressions: before the steps */
void plan_traffic_moments(struct planning *p);
void plan_asserts(struct planning *p);
void plan_measures(struct planning *p);
void plan_scope(
    struct planning *p); /* what run-time expressions see: needs topology and step names */

/* Looks up the step that a moment names and its time where that is known. */
bool plan_moment(struct planning *p, struct moment *m);
/* Checks that the thing may be aimed there, and looks the names up. */
bool plan_fault_target(struct planning *p, struct fault *f, struct target *t);
/* What the states are that an expression compares; `ignore` may be NULL. */
bool plan_states(struct planning *p, struct expr *e, const struct strs *ignore, struct place at);
/* Each "site/a" to the site's index. */
bool plan_site_refs(struct planning *p, const struct strs *refs, int32_t **out);

#endif
