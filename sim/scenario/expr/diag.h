/* diag: the errors of one input, all of them in one pass, each at its place.
 *
 *     scenario.yaml:14:9: error: topology.sites.a.manager: unknown field "replica"; did you mean "replicas"?
 *
 * Lines and columns are 1-based, columns count code points. A place inside a scalar (an expression in a string) is found
 * by walking the source from the scalar's start, so that quotes, escapes and folded lines do not shift it.
 *
 * Several texts: what a template brought in has its own source, whose errors stand behind those of the file that was
 * asked for and say where the template is used.
 *
 *     templates/estate.yaml:9:22: error: topology.clusters.edge.count: ... (used at scenario.yaml:5:14)
 *
 * Ownership: everything lives in the arena given at the start. Bounds: DIAG_ITEMS_MAX; later ones are only counted.
 * The same text at the same place is kept once (several matrix cases meet the same mistake). */
#ifndef PADDOCK_SIM_SCENARIO_EXPR_DIAG_H
#define PADDOCK_SIM_SCENARIO_EXPR_DIAG_H

#include "engine/base/yaml.h"

#define DIAG_ITEMS_MAX 200u

struct place;
struct source {
    struct str file; /* the name that errors print */
    struct str text;
    const struct place *used; /* where it was drawn in; NULL: it is the one that was asked for */
    uint32_t rank;            /* in the order in which they were drawn in; 0: asked for */
};

/* A place in the input: `path` is for people ("faults[2].fault"), line and column for editors. */
struct place {
    struct str path;
    uint32_t line, column;
    const struct source *source; /* NULL: the one that was asked for */
};

struct diag {
    struct place place;
    struct str text;
};

struct diags {
    struct arena *arena;
    const struct source *source;
    struct diag *items; /* in the order of the input once diags_sort has run */
    size_t n, cap, dropped;
};

void diags_init(struct diags *d, struct arena *arena, const struct source *source);
void diag_add(struct diags *d, struct place at, const char *fmt, ...) printf_like(3, 4);
void diags_sort(struct diags *d); /* by source, line, column, then as they came */
void diags_print(const struct diags *d,
                 struct buf *out); /* one line each, and one on what was dropped */

/* "scenario.yaml:5:14", and of what a template brought in where it is used. */
void place_print(const struct diags *d, const struct place *at, struct buf *out);
/* "first in line 7", or where in which other file. */
struct str place_first(const struct diags *d, const struct place *first,
                       const struct place *second);

/* The place of the byte `offset` of a scalar's text; `scalar` is where the scalar starts in the source (its quote or
 * block mark included). Falls back to the scalar's start when the walk does not fit. */
struct place place_inside(const struct diags *d, struct place scalar, size_t offset);

/* The candidate nearest to `word` by edits (insert, delete, replace, swap neighbours), if near enough to be a slip;
 * str_empty otherwise. Ties go to the earliest. */
struct str diag_suggest(struct str word, const struct str *candidates, size_t n);
/* "; did you mean \"x\"?" or, without a near one, "; known are a, b, c"; in the arena. */
struct str diag_suggest_tail(struct arena *a, struct str word, const struct str *candidates,
                             size_t n);

#endif
