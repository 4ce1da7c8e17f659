/* bind: parameters and matrix values put into the tree. A binding is one choice of all of them; it answers for ${...} in
 * expressions, fills strings in, and expands trees.
 *
 * What a template brought in sees its inputs, the profile, the seed and ${i}: no parameter and no axis. An input whose
 * value refers to an absent matrix value is absent as well.
 *
 * Expanding copies a tree: a scalar that is one ${...} becomes a typed node (a matrix value: a whole subtree); a string
 * with ${...} inside is left for its decoder, which knows whether it is an expression. What refers to an absent matrix
 * value is removed with the list item, or the entry of a map of names, that it stands in. */
#ifndef PADDOCK_SIM_SCENARIO_LANGUAGE_BIND_H
#define PADDOCK_SIM_SCENARIO_LANGUAGE_BIND_H

#include "sim/scenario/language/scenario.h"

#define BIND_DEPTH_MAX 8u       /* matrix values inside of matrix values */
#define BIND_NODES_MAX 1000000u /* nodes that one binding's trees may come to */

/* What an input of a template was given. */
struct bound_input {
    struct expr_value value;
    enum { INPUT_BOUND, INPUT_ABSENT, INPUT_REPORTED } state;
};

struct binding {
    struct arena *arena;
    const struct scenario *scenario;
    const struct scenario_case *which;
    struct str profile;
    uint64_t seed;
    bool in_repeat; /* ${i} is known: index */
    int64_t index;
    bool keep_i;    /* what is repeated is expanded all but ${i}: for writing it out */
    bool literal;   /* strings are put in as literals of expressions */
    bool in_object; /* of Kubernetes, which knows no KiB: sizes are bytes */
    struct diags *diags;
    unsigned depth;              /* of matrix values being put in */
    size_t nodes;                /* made so far */
    struct bound_input **inputs; /* of each unit */
    struct expr_scope scope;     /* constants only: set by binding_init */
};
void binding_init(struct binding *b);

/* For struct decode: every ${...} of the string as text. */
struct str binding_interpolate(void *binding, struct str text, struct place at);
/* The same, but what names ${i} stays, with everything else in it put in: for printing what is repeated. */
struct str binding_interpolate_but_i(struct binding *b, struct str text, struct place at);
/* NULL: the whole tree refers to something absent. */
struct yaml_node *binding_expand(struct binding *b, const struct yaml_node *node, struct str path);
/* A copy of an expanded tree that nobody decodes (a Kubernetes object), every string filled in. */
struct yaml_node *binding_fill(struct binding *b, const struct yaml_node *node, struct str path);
/* A `when`: true without one; false as well after an error. */
bool binding_when(struct binding *b, const struct expr_source *when);

#endif
