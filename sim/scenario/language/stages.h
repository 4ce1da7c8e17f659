/* stages: life-cycle stages of pods as a file of their own, or inside a group of clusters.
 *
 *     stages: v1
 *     pods:
 *       start: {when: {deleting: false, state: none}, delay: 15s..25s, do: run}
 *
 * Read by the same tables as scenarios, and turned into the form that simulated APIs take
 * (sim/kubeapi/controllers/stages.h), which is the only one that knows what they do.
 *
 * Errors: in diags, at their places.  Bounds: STAGES_FILE_MAX stages of STAGES_CONDITIONS_MAX conditions each. */
#ifndef PADDOCK_SIM_SCENARIO_LANGUAGE_STAGES_H
#define PADDOCK_SIM_SCENARIO_LANGUAGE_STAGES_H

#include "sim/scenario/language/schema.h"

#define STAGES_FILE_MAX       256u
#define STAGES_CONDITIONS_MAX 16u

extern const struct shape stages_shape;

/* Does the text begin as such a file does? */
bool stages_are_those(struct str bytes);
/* A mapping of that shape; *out lives in the arena. False: said why. */
bool stages_compile(struct decode *d, const struct yaml_node *node, struct str path,
                    struct str *out);
/* A file by itself. diags is begun and sorted here; file and bytes must outlive it. */
bool stages_load(struct arena *a, struct str file, struct str bytes, struct diags *diags,
                 struct str *out);

#endif
