/* fieldset: sets of field paths, as managedFields keeps them (FieldsV1).
 *
 *   {"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:image":{}}}}}
 *
 * A set is a tree of path elements; a node that is a member says that its own path is in the set. Sets are values: no
 * function changes one that it was given, results share nodes with them. NULL is the empty set; the root stands for the
 * whole object and is never a member.
 * Elements:  f:NAME a field or a map's key, k:{...} an item of a keyed list by its keys (canonical JSON), v:JSON a member of
 *            a set, i:N an index. Children are in byte order of kind and text, as canonical JSON has them.
 * Ownership: nodes lie in the arena that the caller gives; texts are borrowed from what a set was made of.
 * Bounds:    the depth is that of the JSON it comes from (JSON_DEPTH_MAX). Errors: ERR_INVALID for what is no FieldsV1. */
#ifndef PADDOCK_SIM_KUBEAPI_TYPES_FIELDSET_H
#define PADDOCK_SIM_KUBEAPI_TYPES_FIELDSET_H

#include "sim/kubeapi/types/types.h"

struct fieldset {
    char kind;       /* 'f', 'i', 'k', 'v'; 0: the root */
    bool member;     /* this very path is in the set */
    struct str text; /* behind the colon */
    const struct fieldset *first, *next;
};

struct err *fieldset_parse(struct arena *a, const cJSON *json,
                           const struct fieldset **out) must_check;
void fieldset_write(struct buf *out, const struct fieldset *s); /* canonical; the empty set is {} */

bool fieldset_empty(const struct fieldset *s);
bool fieldset_equal(const struct fieldset *a, const struct fieldset *b);
const struct fieldset *fieldset_union(struct arena *a, const struct fieldset *x,
                                      const struct fieldset *y);
const struct fieldset *fieldset_intersection(struct arena *a, const struct fieldset *x,
                                             const struct fieldset *y);
/* Without the paths of y; what lies below a path of y stays. */
const struct fieldset *fieldset_difference(struct arena *a, const struct fieldset *x,
                                           const struct fieldset *y);
/* Without the paths of y and everything below them. */
const struct fieldset *fieldset_outside(struct arena *a, const struct fieldset *x,
                                        const struct fieldset *y);
/* The child of this element, or NULL. */
const struct fieldset *fieldset_child(const struct fieldset *s, char kind, struct str text);
/* With the fields of structs as members wherever something below them is in the set: "a.b.c" owns "a" too when a is a field
 * of the type, and not when it is a key of a map. */
const struct fieldset *fieldset_named(struct arena *a, const struct fieldset *s,
                                      const struct type *t);
/* A path of fields only: "spec", "replicas", NULL. */
const struct fieldset *fieldset_path(struct arena *a, const char *const *names);

/* Walks all members, parents before their children's children (as conflicts are reported). */
typedef void (*fieldset_visit)(void *owner, struct str path);
void fieldset_each(const struct fieldset *s, fieldset_visit visit, void *owner);
/* ".spec.containers[name=\"a\"].image" for one element. */
void fieldset_element_print(struct buf *out, char kind, struct str text);

/* For those who build sets: an unordered child is put in front; fieldset_sort brings a node's children in order and joins
 * equal ones (once, when all are there). */
struct fieldset *fieldset_add(struct arena *a, struct fieldset *parent, char kind, struct str text);
void fieldset_sort(struct arena *a, struct fieldset *parent);

#endif
