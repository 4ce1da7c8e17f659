/* state: what a Kubernetes API holds, in a form in which two runs that came to the same end are equal bytes; and what
 * differs when they are not.
 *
 *   store ─ state_of ─► objects by key, canonical JSON ─ state_same ─► equal, or which object, which field, both values
 *
 * Left out, since two healthy runs never agree about it:
 *   Events and leases, the record that a leader keeps in an annotation, managedFields
 *   metadata set by the server: uid, resourceVersion, creationTimestamp, generation; observedGeneration of a status
 *   what counts restarts of a container: restartCount, lastState, containerID
 * Said in other words, so that the rest compares:
 *   a time, a day      (time): that there is one compares, which one does not
 *   a signed token     (token); other random text of 40 letters and digits: (random)
 *   a hash             of a template in a name or label, or 10 hexadecimal digits: (hash)
 *   a uid              (uid of Cluster c-edge-0) if an object here has it; else (uid)
 *   a generated name   metadata.generateName and an asterisk, wherever the name stands; objects of one such name are a
 *                      set, compared by their content
 *   a Secret's data    what is in it, without its base64
 * Lists whose order says nothing (conditions, finalizers, ownerReferences, addresses) are sorted.
 *
 * Ownership: the caller's. Cost: every object of the store is parsed and written once; nothing is kept of the store. */
#ifndef PADDOCK_SIM_SCENARIO_RUN_STATE_H
#define PADDOCK_SIM_SCENARIO_RUN_STATE_H

#include "sim/kubeapi/store/store.h"

#define STATE_DIFFERENCES_MAX 6u  /* that are told one by one; the rest is counted */
#define STATE_VALUE_MAX       96u /* bytes of a value that is told */

struct state_object {
    struct str key;   /* "pods default/web-*" */
    struct str table; /* "pods": the key's beginning */
    struct str json;  /* canonical */
};
struct state {
    struct arena arena;
    struct state_object *objects; /* by key, then by content */
    size_t n;
};
struct state *state_of(const struct store *s);
void state_free(struct state *s); /* NULL is fine */

/* What does not count: a member (`restarts`), the end or the middle of a path (`status.phase`), a resource (`pods`), or
 * a resource and a path (`pods/status.phase`). */
struct state_ignore {
    const struct str *entries;
    size_t n;
};
/* *differences (may be NULL) goes up by those that were found. why (may be NULL): the first ones, each behind what stands
 * there already: "name: clusters c-edge-0 status.phase is "a", there it is "b"; ...". Without it the first one ends the
 * search. */
bool state_same(const struct state *here, const struct state *there,
                const struct state_ignore *ignore, struct str name, size_t *differences,
                struct buf *why);

#endif
