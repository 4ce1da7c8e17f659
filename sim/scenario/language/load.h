/* load: what the files that load a scenario share. */
#ifndef PADDOCK_SIM_SCENARIO_LANGUAGE_LOAD_H
#define PADDOCK_SIM_SCENARIO_LANGUAGE_LOAD_H

#include "sim/scenario/language/scenario.h"

/* Axes and cases; without a matrix one case that chooses nothing. */
void matrix_load(struct scenario *s, const struct yaml_node *node, struct diags *diags);

#endif
