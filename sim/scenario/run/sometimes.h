/* sometimes: which `sometimes` clauses of a file held in some of its runs. Cases and profiles may have clauses of their own,
 * and runs may end in any order, in any process: a tally has all the names that it was told of, in their order.
 * Ownership: the arena given at the beginning. Errors: ERR_INVALID for bytes that are no tally. */
#ifndef PADDOCK_SIM_SCENARIO_RUN_SOMETIMES_H
#define PADDOCK_SIM_SCENARIO_RUN_SOMETIMES_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

struct monitor;

struct sometimes_clause {
    struct str name;
    bool seen;
};
struct sometimes_tally {
    struct arena *arena;
    struct sometimes_clause *clauses;
    size_t n, cap;
};
/* A name as tallies have it: in one line. A view of the name, or in the arena. */
struct str sometimes_name(struct arena *a, struct str name);
void sometimes_add(struct sometimes_tally *t, const struct monitor *m);
/* A tally as bytes, and added to another one of the same file. */
void sometimes_pack(const struct sometimes_tally *t, struct buf *out);
struct err *sometimes_unpack(struct sometimes_tally *t, struct str bytes) must_check;
/* The next clause that no run saw, from *i on; false: no more. */
bool sometimes_unseen(const struct sometimes_tally *t, size_t *i, struct str *name);

#endif
