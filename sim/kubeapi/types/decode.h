/* decode: a JSON tree to what a typed server would keep of it, in place.
 *
 *   { "spec": { "replicas": 2, "odd": 1, "paused": false, "strategy": null } }
 *        decode ─►  { "metadata": {}, "spec": { "replicas": 2, "selector": null, "strategy": {}, … }, "status": {} }
 *                   unknown field "spec.odd"
 *
 * Unknown members go; null is absent; what typed encoders leave out when it is empty goes; what they always write is there
 * (FIELD_ALWAYS); quantities and times are in their canonical form; numbers fit their type. Decoding what was decoded changes
 * nothing. Members keep their order, new ones stand behind.
 *
 * Errors are texts in the wording of the reference implementation ("json: cannot unmarshal string into Go struct field
 * DeploymentSpec.spec.replicas of type int32"), without what the request path puts in front.
 * Bounds: recursion goes as deep as the tree (JSON_TREE_DEPTH_MAX); DECODE_STRICT_MAX complaints. */
#ifndef PADDOCK_SIM_KUBEAPI_TYPES_DECODE_H
#define PADDOCK_SIM_KUBEAPI_TYPES_DECODE_H

#include "sim/kubeapi/types/types.h"

#define DECODE_STRICT_MAX 100u

struct decode_report {
    const struct json_duplicates *duplicates; /* in: of the parser, or NULL */
    /* What strict validation refuses, in the order of the text: `unknown field "spec.odd"`. In the arena. */
    struct str *strict;
    const char **strict_keys; /* where each key stands: for the order */
    size_t strict_n;
    struct str error; /* when decode says false */
};

/* False: it cannot be decoded; report->error says why, and the tree is to be thrown away. The tree is an object. */
bool type_decode(struct arena *a, const struct type *t, cJSON *tree, struct decode_report *report);
/* Puts the members that are always written into an object of this type, and into those below it. */
void type_fill(struct arena *a, const struct type *t, cJSON *object);
/* Is it what typed encoders leave out: zero and no pointer, an empty list or map? FIELD_ALWAYS is not asked. */
bool type_is_empty(const struct type_field *f, const cJSON *v);
/* Duplicates in a tree without type: all of them, with their paths. */
void type_untyped_duplicates(struct arena *a, const cJSON *tree, struct decode_report *report);

#endif
