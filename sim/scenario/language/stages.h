/* stages: life-cycle stages of pods and nodes as a file of their own, or inside a group of clusters.
 *
 *     stages: v1
 *     pods:
 *       start: {when: {deleting: false, state: none}, delay: 15s..25s, do: run}
 *     nodes:
 *       boot: {when: {state: new}, delay: 30s..90s, do: ready}
 *       lease: {when: {state: ready}, every: 10s, do: lease}
 *
 * Read by the same tables as scenarios, and turned into the forms that simulated APIs and clusters take
 * (sim/kubeapi/controllers/stages.h, sim/cluster/node_stages.h), which are the only ones that know what they do.
 *
 * Errors: in diags, at their places.  Bounds: STAGES_FILE_MAX stages of STAGES_CONDITIONS_MAX conditions each;
 * NODE_STAGES_FILE_MAX stages of nodes, NODE_STAGES_CONDITIONS_MAX different conditions in them. */
#ifndef PADDOCK_SIM_SCENARIO_LANGUAGE_STAGES_H
#define PADDOCK_SIM_SCENARIO_LANGUAGE_STAGES_H

#include "sim/scenario/language/schema.h"

#define STAGES_FILE_MAX            256u
#define STAGES_CONDITIONS_MAX      16u
#define NODE_STAGES_FILE_MAX       32u
#define NODE_STAGES_CONDITIONS_MAX 8u
#define NODE_STAGES_EVERY_MIN      (INT64_C(100) * 1000 * 1000)

/* The forms; empty: the usual stages. */
struct stages_texts {
    struct str pods, nodes;
};

extern const struct shape stages_shape;

/* Does the text begin as such a file does? */
bool stages_are_those(struct str bytes);
/* A mapping of that shape; *out's texts live in the arena. False: said why. */
bool stages_compile(struct decode *d, const struct yaml_node *node, struct str path,
                    struct stages_texts *out);
/* A file by itself. diags is begun and sorted here; file and bytes must outlive it. */
bool stages_load(struct arena *a, struct str file, struct str bytes, struct diags *diags,
                 struct stages_texts *out);

#endif
