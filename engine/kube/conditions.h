/* conditions: status.conditions of an object: {type, status, reason, message, lastUpdateTime, lastTransitionTime}.
 *
 * Reading walks the object's bytes and makes no tree. Writing edits a copy of the list and gives a merge patch of the
 * status; the whole list is in it, so it carries the resourceVersion that was read and a rival's write makes it fail with
 * a conflict instead of being lost.
 * Times: wall clock, RFC 3339. lastUpdateTime moves with any change, lastTransitionTime with the status. What would only
 *        change times changes nothing: a condition that says the same again is not written (fixtures/incidents.yaml#K31).
 * Ownership: what is read borrows from the object; what is edited lives in the edit's arena until conditions_end. */
#ifndef PADDOCK_ENGINE_KUBE_CONDITIONS_H
#define PADDOCK_ENGINE_KUBE_CONDITIONS_H

#include "engine/kube/object.h"
#include "engine/kube/scan.h"

struct condition {
    struct str type, status, reason; /* without escapes; empty: absent */
    struct str message_json;         /* as it stands in JSON, with its quotes; empty: absent */
};

/* Every condition in the order of the list: struct scan s = conditions_of(o); while (condition_next(&s, &c)) */
struct scan conditions_of(const struct kube_object *o);
bool condition_next(struct scan *s, struct condition *out);
bool condition_get(const struct kube_object *o, const char *type, struct condition *out);
/* The object has a condition of that type with that status. */
bool condition_is(const struct kube_object *o, const char *type, const char *status);
/* Appends the message, unescaped. */
void condition_message(const struct condition *c, struct buf *out);

struct conditions_edit {
    struct arena arena;
    cJSON *list;
    struct str now; /* RFC 3339 */
    uint64_t resource_version;
    bool changed;
};

void conditions_begin(struct conditions_edit *e, const struct kube_object *o, int64_t wall_ns);
/* status: "True", "False", "Unknown". Empty reason and message are left out. */
void condition_set(struct conditions_edit *e, const char *type, const char *status,
                   const char *reason, struct str message);
/* Says the same again, now: a write that changes nothing but a time (fixtures/incidents.yaml#K08). */
void condition_touch(struct conditions_edit *e, const char *type);
/* The merge patch's tree: metadata.resourceVersion, and status.conditions when something changed. More may be put into
 * its status (json_get(patch, "status")). */
cJSON *conditions_patch(struct conditions_edit *e);
void conditions_end(struct conditions_edit *e);

#endif
