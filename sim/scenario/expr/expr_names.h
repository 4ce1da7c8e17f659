/* expr_names: what a name of an expression means: looking it up, and what is said when nothing is found. */
#ifndef PADDOCK_SIM_SCENARIO_EXPR_EXPR_NAMES_H
#define PADDOCK_SIM_SCENARIO_EXPR_EXPR_NAMES_H

#include "sim/scenario/expr/expr_internal.h"

#define NAMES_NOT_BOUND UINT32_MAX

/* A collection that is open at this place of the text. */
struct opening {
    uint32_t collection; /* NAMES_NOT_BOUND: sum(...) whose collection was not met yet */
    struct str alias;
};
struct resolver {
    struct compilation *c;
    struct expr *e;
    struct opening open[EXPR_VARS_MAX];
    unsigned open_n;
    bool in_constant;               /* inside ${...} */
    const struct expr_node *window; /* of the `within` around, or NULL */
    bool window_used;
};

/* Turns a NAME into what it means; false (and nothing changed or said) when nothing has this name. */
bool names_lookup(struct resolver *r, struct expr_node *n);
void names_fail(struct resolver *r, const struct expr_node *n); /* says so, with a suggestion */
const struct expr_domain *names_domain(const struct resolver *r, const char *name); /* NULL: none */
bool names_in_domain(const struct expr_domain *domain, struct str word);
bool names_collection(const struct resolver *r, struct str name, uint32_t *out);
void names_depend(struct resolver *r, enum expr_dep_kind kind, uint32_t a, uint32_t b);

#endif
