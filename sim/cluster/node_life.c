/* What becomes of nodes, by the stages of their life (node_stages.h). One event beats for all nodes of a cluster; only what
 * takes a time of its own has a timer for each node. */
#include "sim/cluster/cluster_internal.h"

#define NOT_DUE ((world_time)-1)
#define AGAIN                                                                                      \
    NS_PER_MS /* a stage without delay happens once at a time; a second one is that much later */

static bool is_new(const struct node *n)
{
    return n->phase == NODE_PHASE_NEW;
}

static bool concerns(const struct node *n, size_t stage)
{
    return !n->clock || (n->clock->concerns >> stage & 1);
}

static bool matches(const struct sim_cluster *c, const struct node *n, size_t stage)
{
    return concerns(n, stage) && node_stage_matches(&c->life->at[stage], n->phase, n->conditions);
}

static void set_condition(struct node *n, const struct node_stage *s)
{
    uint8_t bit = (uint8_t)(1u << s->condition);
    bool set = s->action == NODE_DO_SET;
    n->conditions = (uint8_t)(set ? n->conditions | bit : n->conditions & ~bit);
    n->clock->reasons[s->condition] = s->reason;
}

static void beat_now(struct sim_cluster *c, const struct node *n, enum node_action action)
{
    struct buf now = {0};
    rfc3339_format_micro(&now, sim_wall(c->sim));
    if (!is_new(n))
        node_beat(c, n, action, buf_str(&now));
    buf_free(&now);
}

static void act(struct sim_cluster *c, struct node *n, const struct node_stage *s)
{
    static const enum node_phase becomes[] = {[NODE_DO_READY] = NODE_PHASE_READY,
                                              [NODE_DO_UNREADY] = NODE_PHASE_UNREADY,
                                              [NODE_DO_LOST] = NODE_PHASE_LOST};
    if (s->repeats) {
        beat_now(c, n, s->action);
        return;
    }
    if (s->action == NODE_DO_SET || s->action == NODE_DO_CLEAR)
        set_condition(n, s);
    else
        n->phase = becomes[s->action];
    if (s->action == NODE_DO_UNREADY)
        n->clock->unready = s->reason;
    if (!is_new(n))
        node_write(c, n);
}

/* ---- what happens at once ---- */

static void settle(struct sim_cluster *c, struct node *n)
{
    uint32_t done = 0;
    for (size_t i = 0; i < c->life->n;) {
        const struct node_stage *s = &c->life->at[i];
        if ((done >> i & 1) || !node_stage_is_at_once(s) || !matches(c, n, i)) {
            i++;
            continue;
        }
        done |= 1u << i;
        act(c, n, s);
        i = 0; /* it looks different now */
    }
}

/* ---- what each node does in its own time ---- */

static void on_clock(void *owner);

static world_time draw(struct sim_cluster *c, const struct node_stage *s)
{
    world_time delay = s->delay + (s->jitter > 0 ? rng_between(&c->life_rng, 0, s->jitter) : 0);
    return sim_now(c->sim) + (delay > 0 ? delay : AGAIN);
}

/* Clocks of what it looks like go on, those of what it does not look like any more stop. */
static void wind(struct sim_cluster *c, struct node *n)
{
    struct node_clock *clock = n->clock;
    world_time next = NOT_DUE;
    for (size_t i = 0; i < c->life->n; i++) {
        const struct node_stage *s = &c->life->at[i];
        if (n->down || node_stage_is_beat(s) || !matches(c, n, i))
            clock->due[i] = NOT_DUE;
        else if (clock->due[i] == NOT_DUE)
            clock->due[i] = draw(c, s);
        if (clock->due[i] != NOT_DUE && (next == NOT_DUE || clock->due[i] < next))
            next = clock->due[i];
    }
    sim_task_cancel(clock->task);
    clock->task = next == NOT_DUE ? NULL : sim_at(c->sim, next, on_clock, clock);
}

static void on_clock(void *owner)
{
    struct node_clock *clock = owner;
    struct sim_cluster *c = clock->cluster;
    struct node *n = &c->nodes[clock->node];
    clock->task = NULL;
    for (size_t i = 0; i < c->life->n; i++) {
        const struct node_stage *s = &c->life->at[i];
        if (clock->due[i] == NOT_DUE || clock->due[i] > sim_now(c->sim))
            continue;
        clock->due[i] = NOT_DUE;
        act(c, n, s);
        if (s->repeats)
            continue;
        sim_note(c->sim, "node.stage", n->name, s->name);
        break; /* it looks different now */
    }
    settle(c, n);
    wind(c, n);
}

static struct node_clock *new_clock(struct sim_cluster *c, uint32_t node)
{
    struct node_clock *clock = MEM_NEW(struct node_clock);
    clock->cluster = c;
    clock->node = node;
    for (size_t i = 0; i < c->life->n; i++) {
        clock->due[i] = NOT_DUE;
        if (rng_chance(&c->life_rng, c->life->at[i].share_ppm))
            clock->concerns |= 1u << i;
    }
    return clock;
}

void node_clock_free(struct node *n)
{
    if (n->clock)
        sim_task_cancel(n->clock->task);
    mem_free(n->clock);
    n->clock = NULL;
}

void node_enter(struct sim_cluster *c, uint32_t node, enum node_phase phase)
{
    struct node *n = &c->nodes[node];
    if (c->life->clocks && !n->clock)
        n->clock = new_clock(c, node);
    n->phase = phase;
    if (is_new(n))
        n->conditions = 0;
    if (n->down)
        node_write(c, n);
    else
        settle(c, n);
    if (n->clock)
        wind(c, n);
}

/* ---- beats of all nodes together ---- */

static void on_beat(void *owner)
{
    struct sim_cluster *c = owner;
    const struct node_life *life = c->life;
    struct buf now = {0};
    rfc3339_format_micro(&now, sim_wall(c->sim));
    c->beats++;
    for (uint32_t i = 0; apihost_api(c->api) && i < c->nodes_n; i++) {
        const struct node *n = &c->nodes[i];
        for (size_t k = 0; k < life->n && !n->down && !is_new(n); k++)
            if (node_stage_is_beat(&life->at[k]) &&
                c->beats % (uint64_t)(life->at[k].delay / life->beat) == 0 && matches(c, n, k))
                node_beat(c, n, life->at[k].action, buf_str(&now));
    }
    buf_free(&now);
    sim_after(c->sim, life->beat, on_beat, c);
}

void node_life_begin(struct sim_cluster *c, struct str stages)
{
    struct err *err = node_life_parse(stages, &c->life);
    BUG_ON(err, "the loader has checked them");
    struct buf name = {0};
    buf_addf(&name, STR_FMT "/nodes", STR_ARG(c->name));
    c->life_rng = sim_rng(c->sim, buf_str(&name));
    buf_free(&name);
}

void node_life_beats(struct sim_cluster *c)
{
    /* Clusters do not beat together. */
    world_time beat = c->life->beat > 0 ? c->life->beat : NS_PER_S;
    world_time phase = (world_time)rng_below(&c->rng, (uint64_t)beat);
    if (c->life->beat > 0)
        sim_after(c->sim, phase, on_beat, c);
}
