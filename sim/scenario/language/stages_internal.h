/* What the two kinds of stages share: words of the form that the simulation takes. */
#ifndef PADDOCK_SIM_SCENARIO_LANGUAGE_STAGES_INTERNAL_H
#define PADDOCK_SIM_SCENARIO_LANGUAGE_STAGES_INTERNAL_H

#include "sim/scenario/language/stages.h"

extern const struct shape node_stage_shape;

/* The name of an enum's value. */
struct str stages_word_of(const char *values, int64_t index);
/* `field` was given, but belongs to another action. False: said why. */
bool stages_refuse_other(struct decode *d, const struct shape *shape, const struct origin *origin,
                         const char *field, const char *of, bool fits);

/* ---- stages_nodes.c ---- */
/* Objects of node_stage_shape. False: said why. */
bool node_stages_write(struct decode *d, const struct objects *stages, struct buf *out);

#endif
