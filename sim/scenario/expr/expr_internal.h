/* expr_internal: the tree that the files expr_*.c share.
 *
 *   text ─ expr_lex ─► tokens ─ expr_parse ─► tree with names ─ expr_resolve ─► typed program ─► expr_eval, expr_text
 *
 * Resolving rewrites the tree in place: names become fields, globals, constants or strings; operations on constants
 * become constants. */
#ifndef PADDOCK_SIM_SCENARIO_EXPR_EXPR_INTERNAL_H
#define PADDOCK_SIM_SCENARIO_EXPR_EXPR_INTERNAL_H

#include "sim/scenario/expr/expr.h"
#include "sim/scenario/expr/lexer.h"

#define EXPR_STATES_MAX 8u /* comparisons of states in one program */

enum expr_op {
    OP_CONST, /* value */
    OP_NAME,  /* name: only before resolving */
    OP_SUBST, /* a: what stands in ${...}; only before resolving */
    OP_FIELD, /* of the open item `var` */
    OP_ITEM,  /* field of the item called `name` */
    OP_GLOBAL,
    OP_STEP_TIME,
    OP_NOW,
    OP_STATE,           /* state(name): only before resolving */
    OP_REFERENCE_STATE, /* reference.state(name): likewise */
    OP_VALUES,          /* values(name where a): likewise, left of `subset of` or right of it */
    OP_SAME_STATE,      /* of `name`; index: what it was bound to */
    OP_NOT,
    OP_NEG,
    OP_AGE,
    OP_KNOWN,
    OP_AND,
    OP_OR,
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_MIN, /* of two values */
    OP_MAX,
    OP_EQ, /* EQ to GE: comparisons; c: the window of `within`, only before resolving */
    OP_NE,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_IN,      /* a in list: b, and on by `next` */
    OP_RATE,    /* of a global; value: the window */
    OP_HISTORY, /* distinct values of a HISTORY field of `var`; value: the window */
    OP_COUNT, /* COUNT to MAX_OF open `collection` as `var`: a: where (or NULL), b: condition or value (or NULL) */
    OP_EXISTS,
    OP_ALL,
    OP_NONE,
    OP_SUM,
    OP_MIN_OF,
    OP_MAX_OF,
    OP_DISTINCT,
};

struct expr_node {
    enum expr_op op;
    enum expr_type type;
    struct expr_node *a, *b, *c;
    struct expr_node *next; /* in the list of IN */
    struct expr_value value;
    uint32_t var; /* depth of the collection's opening */
    uint32_t collection;
    uint32_t index;                 /* field, global, step or state */
    struct str name;                /* NAME, ITEM; of an opening: the collection */
    struct str alias;               /* of an opening: `as`; FIELD, HISTORY: of the item's opening */
    const struct expr_field *field; /* FIELD, ITEM, HISTORY: its row, for its domain */
    bool named;                     /* CONST: it was a name, or ${...} */
    const struct expr_domain *range; /* CONST that was a name: the texts it can have; NULL: any */
    uint32_t offset;                 /* in the text */
    uint32_t slot;                   /* 1 + its place in a tracker; 0: none */
};

struct expr {
    const struct expr_scope *scope; /* a copy in the arena */
    struct str text;
    struct expr_node *root;
    struct expr_dep *deps;
    size_t deps_n, deps_cap;
    int over;
    bool uses_time;
    uint32_t slots;                            /* that a tracker needs */
    struct expr_node *states[EXPR_STATES_MAX]; /* SAME_STATE */
    size_t states_n;
};

/* What one compilation works with. */
struct compilation {
    struct arena *arena;
    struct str text;
    struct place at;
    struct diags *diags;
    size_t nodes;
    bool failed;
};
void expr_fail(struct compilation *c, size_t offset, const char *fmt, ...) printf_like(3, 4);

struct expr_node *expr_parse(struct compilation *c); /* NULL: an error was added */
bool expr_resolve(struct compilation *c, struct expr *e, int want);

/* Arithmetic and comparison of known values; shared by folding and evaluation. */
int expr_order(const struct expr_value *a,
               const struct expr_value *b); /* <0, 0, >0; numbers of one family */
struct expr_value expr_arith(enum expr_op op, enum expr_type type, const struct expr_value *a,
                             const struct expr_value *b);
bool expr_compare(enum expr_op op, const struct expr_value *a, const struct expr_value *b);

const struct expr_collection *expr_collection_of(const struct expr *e, uint32_t collection);

/* An evaluation under way, for explaining. */
struct evaluation {
    const struct expr *expr;
    const struct expr_env *env;
    int64_t now;
    uint32_t items[EXPR_VARS_MAX];
    uint64_t visits;
    int64_t next_change;
    bool exhausted;
    struct expr_tracker *tracker; /* NULL: nothing is remembered */
};
struct expr_value expr_node_eval(struct evaluation *v, const struct expr_node *n);
bool expr_node_holds(struct evaluation *v, const struct expr_node *n);
struct expr_result expr_run(struct evaluation *v); /* the whole program */

void expr_mark_slots(struct expr *e); /* after resolving */
struct expr_value expr_slot_eval(struct evaluation *v, const struct expr_node *n);

#endif
