/* node_stages: the life of nodes as data, as that of pods is (sim/kubeapi/controllers/stages.h). People write YAML
 * (sim/scenario/language/stages.h), which becomes this; assets/nodes.stages is the usual life.
 *
 *   stage NAME                                # the first line of each; '#' starts a comment
 *     when  state=ready state!=lost condition=MemoryPressure condition!=DiskPressure    # all must hold
 *     delay 20s jitter 10s                    # how long it has looked so before it happens; or
 *     every 10s jitter 0s                     # again and again
 *     share 200000                            # millionths of the nodes, drawn by the seed; without: all
 *     do    ready | unready REASON | lost | set CONDITION [REASON] | clear CONDITION [REASON] | lease | status
 *
 *        ┌─ ready ──► READY ◄─ ready ─┐            lease, status: what a kubelet tells again and again, every ...
 *   NEW ─┤              │ ▲           │            the rest happens once, after its delay
 *        └─ unready ─► UNREADY ──► LOST            a machine that is taken away and put back is NEW
 *
 * States:  new (no object yet), unready (its kubelet says so), ready, lost (nothing is heard of it: Ready is Unknown).
 * Beats:   nodes of a cluster beat together, at a phase of the seed's, unless there is jitter. Without, every `every` is
 *          a multiple of the shortest one.
 * Errors:  ERR_INVALID with the line.  Bounds: NODE_STAGES_MAX stages, NODE_CONDITIONS_MAX conditions. */
#ifndef PADDOCK_SIM_CLUSTER_NODE_STAGES_H
#define PADDOCK_SIM_CLUSTER_NODE_STAGES_H

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/rng.h"
#include "engine/world/world.h"

#define NODE_STAGES_MAX     32u /* one bit of a mask each */
#define NODE_CONDITIONS_MAX 8u

enum node_phase { NODE_PHASE_NEW, NODE_PHASE_UNREADY, NODE_PHASE_READY, NODE_PHASE_LOST };
enum node_action {
    NODE_DO_READY,
    NODE_DO_UNREADY,
    NODE_DO_LOST,
    NODE_DO_SET,
    NODE_DO_CLEAR,
    NODE_DO_LEASE,
    NODE_DO_STATUS
};

struct node_stage {
    struct str name;
    uint8_t phases;     /* bit set of enum node_phase: it may be in */
    uint8_t set, clear; /* bit sets of conditions that must be, must not be True */
    world_time delay, jitter;
    bool repeats;
    uint32_t share_ppm;
    enum node_action action;
    uint8_t condition; /* index, of set and clear */
    struct str reason;
};
struct node_life {
    struct arena a;
    struct node_stage at[NODE_STAGES_MAX];
    size_t n;
    struct str conditions[NODE_CONDITIONS_MAX]; /* besides Ready, as stages name them */
    size_t conditions_n;
    world_time beat; /* the shortest `every` without jitter; 0: none */
    bool clocks;     /* some stage goes by a clock of each node's own */
};

/* Empty text: the usual life. The caller frees *out. */
struct err *node_life_parse(struct str text, struct node_life **out) must_check;
void node_life_free(struct node_life *life); /* NULL is fine */

bool node_stage_matches(const struct node_stage *s, enum node_phase phase, uint8_t conditions);
/* Beats of the whole cluster; the others are each node's own. */
static inline bool node_stage_is_beat(const struct node_stage *s)
{
    return s->repeats && s->jitter == 0;
}
/* It happens as soon as a node looks so. */
static inline bool node_stage_is_at_once(const struct node_stage *s)
{
    return !s->repeats && s->delay == 0 && s->jitter == 0;
}
const char *node_phase_name(enum node_phase phase);

#endif
