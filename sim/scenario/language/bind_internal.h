/* bind_internal: what the files of binding share: bind_names.c says what a name of ${...} means, bind.c puts it into
 * texts and trees. */
#ifndef PADDOCK_SIM_SCENARIO_LANGUAGE_BIND_INTERNAL_H
#define PADDOCK_SIM_SCENARIO_LANGUAGE_BIND_INTERNAL_H

#include "sim/scenario/language/bind.h"

/* matrix.AXIS is the id (of a bare scalar: the value), matrix.AXIS.FIELD a part of the chosen entry. */
enum binding_lookup { LOOKUP_NOT_MATRIX, LOOKUP_UNKNOWN, LOOKUP_ABSENT, LOOKUP_ID, LOOKUP_NODE };
enum binding_lookup binding_matrix(const struct binding *b, struct str path, struct str *id,
                                   const struct yaml_node **node);

const struct unit *binding_unit(const struct source *source); /* the template; NULL: the scenario */
const struct bound_input *binding_input(const struct binding *b, const struct unit *unit,
                                        struct str name); /* NULL: none */

/* For struct expr_scope: profile, seed, i, parameters, matrix.AXIS, matrix.AXIS.FIELD; in a template its inputs. */
bool binding_constant(void *binding, const struct source *from, struct str path,
                      struct expr_value *out);

/* A node as `at` with this value. */
struct yaml_node *binding_node(struct arena *a, const struct yaml_node *at,
                               const struct expr_value *v);

#endif
