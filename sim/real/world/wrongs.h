/* wrongs: the faults of a run in the rig: faults of the lab's network and DNS, signals to processes, rules that the APIs
 * are told to keep. Each counts what it met, and ends by itself when its time is over.
 *
 *   began ─► [meets something, is counted] ─► ended
 *
 * An API that starts again is told its rules again. Ownership: the run's; what is begun lives until wrongs_free. */
#ifndef PADDOCK_SIM_REAL_WORLD_WRONGS_H
#define PADDOCK_SIM_REAL_WORLD_WRONGS_H

#include "sim/real/world/groups.h"
#include "sim/real/world/ledger.h"

struct wrongs;
struct wrongs *wrongs_new(struct rig *rig, struct ledger *l);
void wrongs_free(struct wrongs *w); /* NULL is fine */
/* Starts it now. for_ns 0: until healed, or the end of the run. from: the entry of the palette that drew it; or NULL. */
struct err *wrongs_begin(struct wrongs *w, struct str name, const struct target *target,
                         const struct fault *fault, int64_t for_ns, bool optional,
                         const struct plan_choice *from) must_check;
/* Ends those of a target (kind TARGET_NONE or TARGET_ALL: all); how many had been begun there. */
size_t wrongs_heal(struct wrongs *w, const struct target *target);
/* What ends by now; what was met is read again. */
void wrongs_look(struct wrongs *w);
bool wrongs_settled(const struct wrongs *w); /* no answer of an API is waited for */

size_t wrongs_count(const struct wrongs *w);
struct wrong_state {
    struct str name, target;
    int64_t begin_ns, end_ns; /* end -1: goes on */
    uint64_t fired;
    bool optional;
    struct str drawn_from;
};
struct wrong_state wrongs_state(const struct wrongs *w, size_t i);

/* The rule of an API that a fault is, as its fault port takes it; false: it is none. Pure. */
bool wrong_rule(const struct fault *fault, struct str id, struct buf *out);

#endif
