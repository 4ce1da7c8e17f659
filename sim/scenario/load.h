/* load: what the files that load a scenario share. */
#ifndef PADDOCK_SIM_SCENARIO_LOAD_H
#define PADDOCK_SIM_SCENARIO_LOAD_H

#include "sim/scenario/scenario.h"

bool param_parse(const struct param *p, struct str text, struct expr_value *out);
struct str param_expected(struct arena *a, const struct param *p, struct str text);
struct str param_out_of_bounds(struct arena *a, const struct param *p, const struct expr_value *v);

/* Axes and cases; without a matrix one case that chooses nothing. */
void matrix_load(struct scenario *s, const struct yaml_node *node, struct diags *diags);

#endif
