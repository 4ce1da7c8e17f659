/* What the files of shrinking share.
 *
 *   shrink.c    the order of the stages, and the file's head
 *   judge.c     candidates: written, looked up, run
 *   numbers.c   counts, times and ranges */
#ifndef PADDOCK_SIM_SCENARIO_SHRINK_SHRINK_INTERNAL_H
#define PADDOCK_SIM_SCENARIO_SHRINK_SHRINK_INTERNAL_H

#include "engine/base/map.h"
#include "sim/scenario/shrink/ddmin.h"
#include "sim/scenario/shrink/shrink.h"
#include "sim/scenario/shrink/tree.h"

#define SHRINK_UNITS_MAX 4096u /* things that one stage tries to leave out; more are left alone */

struct shrinker {
    const struct shrink_job *job;
    struct arena *arena;
    struct tree *root;
    struct map judged; /* text → struct shrink_outcome */
    size_t runs;
    const char *stage;
    struct tree *units[SHRINK_UNITS_MAX]; /* of the stage under way */
    size_t units_n;
    bool guarded; /* without faults it does not fail: that has to stay so */
    bool changed; /* something went since it was last looked at */
};

/* ---- judge.c ---- */
bool shrink_over(void *shrinker);
/* Looks whether the failure needs the faults at all. */
void shrink_guard(struct shrinker *s);
/* It ends as the failure that is looked for. */
bool shrink_is_same(const struct shrinker *s, const struct shrink_outcome *o);
/* How the tree as it is now ends. */
const struct shrink_outcome *shrink_judge(struct shrinker *s);
/* It is, and the tree without any fault is not: a file that cannot work at all is not what was looked for. */
bool shrink_accepts(struct shrinker *s, const struct shrink_outcome *o);
bool shrink_fails_same(struct shrinker *s); /* and if so, says that something became smaller */
void shrink_add_unit(struct shrinker *s, struct tree *unit);
/* Leaves out as many of the units as may go. */
void shrink_units(struct shrinker *s, const char *stage);
struct shrink_size shrink_size_of(const struct tree *root);

/* ---- numbers.c ---- */
void shrink_limit(struct shrinker *s); /* the run ends soon after the failure */
void shrink_clusters(struct shrinker *s);
void shrink_numbers(struct shrinker *s); /* everything else that counts or lasts */

#endif
