/* Trackers: what each item of an outermost exists, all, none or count said, so that one change costs one item. */
#include "sim/scenario/expr/expr_internal.h"

#include <string.h>

#define FIELD_BITS 64u
#define PINS_MAX   4u

/* One remembered quantifier. */
struct slot {
    bool used;       /* the program has it: filled at the first evaluation */
    bool valid;      /* `said` and `next` are true but for the dirty items */
    uint32_t n, cap; /* items */
    bool *said;      /* all: it fails; else: it matches */
    bool *dirty;
    int64_t *next;   /* when it may change by itself */
    uint32_t *queue; /* the dirty items */
    uint32_t queue_n, found;
    int64_t next_min; /* not behind the earliest of `next` */
    uint32_t collection;
    uint64_t fields;  /* of its own items that it looks at */
    bool foreign;     /* it looks at something else as well */
    uint64_t *others; /* by collection: fields of items called by their names */
    /* What must hold of an item that counts, and is fixed: of an item that fails it no change matters. */
    const struct expr_node *pins[PINS_MAX];
    uint32_t pins_n;
    bool *out; /* by item: it fails a pin */
};
struct expr_tracker {
    struct arena *arena;
    const struct expr *expr;
    struct slot *slots;
    uint64_t *loose; /* by collection: fields that are looked at outside of the slots */
};

/* ---- which quantifiers can be remembered ---- */

/* Everything inside speaks of the own item, of constants, or of single things outside. */
static bool is_flat(const struct expr_node *n)
{
    for (const struct expr_node *item = n && n->op == OP_IN ? n->b : NULL; item; item = item->next)
        if (!is_flat(item))
            return false;
    bool live = n && (n->op == OP_FIELD || n->op == OP_ITEM) && (n->field->flags & EXPR_LIVE);
    return !n || (!live && n->op < OP_COUNT && is_flat(n->a) && (n->op == OP_IN || is_flat(n->b)));
}

static void mark(struct expr *e, struct expr_node *n)
{
    if (!n)
        return;
    bool quantified = n->op >= OP_COUNT && n->op <= OP_NONE;
    if (quantified && n->var == 0 && is_flat(n->a) && is_flat(n->b))
        n->slot = ++e->slots;
    if (n->op >= OP_COUNT)
        return; /* what is nested depends on the item around it */
    mark(e, n->a);
    mark(e, n->b);
}

void expr_mark_slots(struct expr *e)
{
    if (e->over < 0)
        mark(e, e->root);
}

/* ---- what a slot depends on ---- */

static void note_leaves(struct slot *s, const struct expr_node *n)
{
    if (!n)
        return;
    bool own = n->op == OP_FIELD || n->op == OP_HISTORY;
    BUG_ON(own && n->index >= FIELD_BITS, "a collection has at most 64 fields");
    if (own)
        s->fields |= UINT64_C(1) << n->index;
    if (n->op == OP_ITEM)
        s->others[n->collection] |= UINT64_C(1) << n->index;
    s->foreign |=
        n->op == OP_ITEM || n->op == OP_GLOBAL || n->op == OP_STEP_TIME || n->op == OP_RATE;
    note_leaves(s, n->a);
    note_leaves(s, n->b);
    for (const struct expr_node *item = n->op == OP_IN ? n->b->next : NULL; item; item = item->next)
        note_leaves(s, item);
}

/* Nothing but fixed fields and constants. */
static bool is_fixed(const struct expr_node *n)
{
    if (!n)
        return true;
    for (const struct expr_node *item = n->op == OP_IN ? n->b : NULL; item; item = item->next)
        if (!is_fixed(item))
            return false;
    bool leaf = n->op == OP_CONST || (n->op == OP_FIELD && n->field->flags & EXPR_FIXED);
    bool joins = n->op == OP_NOT || n->op == OP_AND || n->op == OP_OR || n->op == OP_IN ||
                 (n->op >= OP_EQ && n->op <= OP_GE);
    return leaf || (joins && is_fixed(n->a) && (n->op == OP_IN || is_fixed(n->b)));
}

/* The fixed ones of conditions that are joined by `and`. */
static void note_pins(struct slot *s, const struct expr_node *n)
{
    if (n && n->op == OP_AND) {
        note_pins(s, n->a);
        note_pins(s, n->b);
    } else if (n && s->pins_n < PINS_MAX && is_fixed(n)) {
        s->pins[s->pins_n++] = n;
    }
}

static uint64_t *bits_by_collection(struct expr_tracker *t)
{
    const struct expr_vocabulary *v = t->expr->scope->vocabulary;
    return ARENA_NEW_ARRAY(t->arena, uint64_t, v ? v->collections_n + 1 : 1);
}

/* What stands outside of the slots. */
static void note_loose(struct expr_tracker *t, const struct expr_node *n)
{
    if (!n || n->slot)
        return;
    if (n->op == OP_FIELD || n->op == OP_ITEM || n->op == OP_HISTORY)
        t->loose[n->collection] |= UINT64_C(1) << n->index;
    note_loose(t, n->a);
    note_loose(t, n->b);
    for (const struct expr_node *item = n->op == OP_IN && n->b ? n->b->next : NULL; item;
         item = item->next)
        note_loose(t, item);
}

static void fill_slots(struct expr_tracker *t, const struct expr_node *n)
{
    if (!n)
        return;
    if (n->slot) {
        struct slot *s = &t->slots[n->slot - 1];
        s->used = true;
        s->collection = n->collection;
        s->others = bits_by_collection(t);
        note_leaves(s, n->a);
        note_leaves(s, n->b);
        note_pins(s, n->a);
        if (n->op == OP_EXISTS || n->op == OP_NONE)
            note_pins(s, n->b);
    }
    if (n->op >= OP_COUNT)
        return;
    fill_slots(t, n->a);
    fill_slots(t, n->b);
}

struct expr_tracker *expr_tracker_new(struct arena *a, const struct expr *e)
{
    struct expr_tracker *t = ARENA_NEW(a, struct expr_tracker);
    t->arena = a;
    t->expr = e;
    t->slots = ARENA_NEW_ARRAY(a, struct slot, e->slots);
    fill_slots(t, e->root);
    t->loose = bits_by_collection(t);
    note_loose(t, e->root);
    return t;
}

static bool looks_at(const struct slot *s, uint32_t collection, uint32_t field)
{
    BUG_ON(field >= FIELD_BITS, "a collection has at most 64 fields");
    return s->collection == collection && s->fields >> field & 1;
}

void expr_tracker_touch(struct expr_tracker *t, struct expr_dep dep)
{
    for (uint32_t i = 0; i < t->expr->slots; i++) {
        struct slot *s = &t->slots[i];
        bool own = (dep.kind == EXPR_DEP_ITEMS && dep.a == s->collection) ||
                   (dep.kind == EXPR_DEP_FIELD && looks_at(s, dep.a, dep.b));
        if (own || s->foreign)
            s->valid = false;
    }
}

/* One slot of expr_tracker_touch_item. */
static bool touch_slot(struct slot *s, uint32_t collection, uint32_t field, uint32_t item)
{
    bool called = s->others[collection] >> field & 1;
    if (called)
        s->valid = false;
    if (!looks_at(s, collection, field))
        return called;
    if (!s->valid || item >= s->n) { /* it came without being announced */
        s->valid = false;
        return true;
    }
    if (s->out[item])
        return called;
    if (!s->dirty[item])
        s->queue[s->queue_n++] = item;
    s->dirty[item] = true;
    return true;
}

bool expr_tracker_touch_item(struct expr_tracker *t, uint32_t collection, uint32_t field,
                             uint32_t item)
{
    BUG_ON(field >= FIELD_BITS, "a collection has at most 64 fields");
    bool matters = t->loose[collection] >> field & 1;
    for (uint32_t i = 0; i < t->expr->slots; i++)
        matters |= touch_slot(&t->slots[i], collection, field, item);
    return matters;
}

/* ---- evaluating ---- */

static bool is_out(struct evaluation *one, const struct slot *s)
{
    for (uint32_t i = 0; i < s->pins_n; i++)
        if (!expr_node_holds(one, s->pins[i]))
            return true;
    return false;
}

static void look(struct evaluation *v, const struct expr_node *n, struct slot *s, uint32_t item)
{
    struct evaluation one = {
        .expr = v->expr, .env = v->env, .now = v->now, .next_change = EXPR_NEVER};
    one.items[n->var] = item;
    s->out[item] = is_out(&one, s);
    bool inside = !s->out[item] && (!n->a || expr_node_holds(&one, n->a));
    bool holds = inside && (!n->b || expr_node_holds(&one, n->b));
    bool said = n->op == OP_ALL ? inside && !holds : holds;
    s->found += said;
    s->found -= s->said[item];
    s->said[item] = said;
    s->next[item] = one.next_change;
    if (one.next_change < s->next_min)
        s->next_min = one.next_change;
}

static void grow(struct expr_tracker *t, struct slot *s, uint32_t n)
{
    if (n > s->cap) {
        s->cap = n > s->cap * 2 ? n : s->cap * 2;
        s->said = ARENA_NEW_ARRAY(t->arena, bool, s->cap);
        s->dirty = ARENA_NEW_ARRAY(t->arena, bool, s->cap);
        s->out = ARENA_NEW_ARRAY(t->arena, bool, s->cap);
        s->next = ARENA_NEW_ARRAY(t->arena, int64_t, s->cap);
        s->queue = ARENA_NEW_ARRAY(t->arena, uint32_t, s->cap);
    } else if (n) {
        memset(s->said, 0, n * sizeof(*s->said));
        memset(s->dirty, 0, n * sizeof(*s->dirty));
    }
    s->n = n;
}

static void look_at_all(struct evaluation *v, const struct expr_node *n, struct slot *s)
{
    grow(v->tracker, s, v->env->ops->count(v->env->ctx, n->collection));
    s->queue_n = s->found = 0;
    s->next_min = EXPR_NEVER;
    for (uint32_t i = 0; i < s->n; i++)
        look(v, n, s, i);
    s->valid = true;
}

static void look_at_dirty(struct evaluation *v, const struct expr_node *n, struct slot *s)
{
    for (uint32_t i = 0; i < s->queue_n; i++) {
        s->dirty[s->queue[i]] = false;
        look(v, n, s, s->queue[i]);
    }
    s->queue_n = 0;
}

/* Those whose time has come; the minimum is exact afterwards. */
static void look_at_due(struct evaluation *v, const struct expr_node *n, struct slot *s)
{
    int64_t least = EXPR_NEVER;
    for (uint32_t i = 0; i < s->n; i++) {
        if (s->next[i] <= v->now)
            look(v, n, s, i);
        if (s->next[i] < least)
            least = s->next[i];
    }
    s->next_min = least;
}

struct expr_value expr_slot_eval(struct evaluation *v, const struct expr_node *n)
{
    struct slot *s = &v->tracker->slots[n->slot - 1];
    BUG_ON(!s->used || s->collection != n->collection, "a slot belongs to its quantifier");
    if (!s->valid)
        look_at_all(v, n, s);
    look_at_dirty(v, n, s);
    if (s->next_min <= v->now)
        look_at_due(v, n, s);
    if (s->next_min < v->next_change)
        v->next_change = s->next_min;
    if (n->op == OP_COUNT)
        return (struct expr_value){EXPR_INT, true, s->found, str_empty};
    bool holds = n->op == OP_EXISTS ? s->found > 0 : s->found == 0;
    return (struct expr_value){EXPR_BOOL, true, holds, str_empty};
}

struct expr_result expr_track(struct expr_tracker *t, const struct expr_env *env, int64_t now)
{
    BUG_ON(t->expr->over >= 0, "a program with an open collection is evaluated for an item");
    struct evaluation v = {
        .expr = t->expr, .env = env, .now = now, .next_change = EXPR_NEVER, .tracker = t};
    return expr_run(&v);
}
