/* load: what the files that load a scenario share. */
#ifndef PADDOCK_SIM_SCENARIO_LANGUAGE_LOAD_H
#define PADDOCK_SIM_SCENARIO_LANGUAGE_LOAD_H

#include "sim/scenario/language/scenario.h"

/* A mapping of names to parameters (of `shape`), those that are right; how many. */
size_t params_load(struct scenario *s, struct decode *d, const struct yaml_node *node,
                   struct str section, const struct shape *shape, struct param **out);
/* A value for the parameter, of its type and within its bounds. */
bool param_read(struct arena *a, const struct param *p, const struct yaml_node *node,
                struct str path, struct expr_value *out, struct diags *diags);

/* The tree with what its `use` brings in: templates.c. */
void templates_use(struct scenario *s, const struct scenario_files *files, struct diags *diags);
/* The text without the mark of byte order that some editors put in front. */
struct str without_mark(struct str bytes);
/* The tree of one document. False: said why, and what is mostly meant. `of`: NULL for the scenario itself. */
bool read_yaml(struct arena *a, const struct source *source, const struct source *of,
               struct yaml_node **root, struct diags *diags);
/* Axes and fields of variants that nothing refers to: unused.c */
void refuse_unused(struct scenario *s, struct diags *diags);
/* Keys that YAML 1.1 would take for booleans. */
void refuse_bent_keys(const struct yaml_node *node, struct str path, struct diags *diags);

/* Axes and cases; without a matrix one case that chooses nothing. */
void matrix_load(struct scenario *s, const struct yaml_node *node, struct diags *diags);

#endif
