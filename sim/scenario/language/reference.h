/* reference: what the two printers of the tables share: reference.c writes REFERENCE.md, topics.c what `paddock-sim help`
 * says of the language. */
#ifndef PADDOCK_SIM_SCENARIO_LANGUAGE_REFERENCE_H
#define PADDOCK_SIM_SCENARIO_LANGUAGE_REFERENCE_H

#include "sim/scenario/language/language.h"
#include "sim/scenario/language/stages.h"

#define REFERENCE_SHAPES_MAX 64u

/* Shapes, each once, in the order in which they are met. */
struct reference_walk {
    const struct shape *seen[REFERENCE_SHAPES_MAX];
    size_t n;
};
/* Adds this one and every one below it. */
void reference_reach(struct reference_walk *w, const struct shape *from);

/* "list of site", "duration"; linked: shapes as links of Markdown. */
void reference_type(const struct field *f, bool linked, struct buf *out);
/* A set of kinds, 1u << kind, as "site, manager". */
void reference_targets(uint32_t targets, struct buf *out);

#endif
