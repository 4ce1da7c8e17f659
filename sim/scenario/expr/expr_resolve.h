/* expr_resolve: what the files of resolving share: expr_resolve.c walks the tree, expr_compare.c does comparisons,
 * where one side tells what a bare word on the other is. */
#ifndef PADDOCK_SIM_SCENARIO_EXPR_EXPR_RESOLVE_H
#define PADDOCK_SIM_SCENARIO_EXPR_EXPR_RESOLVE_H

#include "sim/scenario/expr/expr_names.h"

bool resolve_node(struct resolver *r, struct expr_node *n); /* one node and all below */
bool resolve_want(struct resolver *r, const struct expr_node *n, enum expr_type type,
                  const char *where);
/* "+ does not take a string and a duration"; false. */
bool resolve_fail_types(struct resolver *r, const struct expr_node *n, const struct expr_node *a,
                        const struct expr_node *b);
void resolve_constant(struct expr_node *n, struct expr_value value); /* it becomes one */
bool resolve_name(struct resolver *r, struct expr_node *n);
/* A name that was found is used as a plain value: not so a record over time. */
bool resolve_settle(struct resolver *r, struct expr_node *n);
bool resolve_window(struct resolver *r, struct expr_node *window);

bool resolve_comparison(struct resolver *r, struct expr_node *n);
bool resolve_in(struct resolver *r, struct expr_node *n);

static inline struct expr_value resolve_truth(bool holds)
{
    return (struct expr_value){EXPR_BOOL, true, holds, str_empty};
}
static inline bool resolve_is_number(enum expr_type t)
{
    return t == EXPR_INT || t == EXPR_RATIO;
}
static inline bool resolve_is_span(enum expr_type t)
{
    return t == EXPR_DURATION || t == EXPR_TIME;
}

#endif
