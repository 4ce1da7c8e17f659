/* owners: who owns which fields: metadata.managedFields decoded, and what writes do to it.
 *
 * An owner is known by manager, operation and subresource, an Update owner by its version too. An Update takes the fields
 * that it changed from everybody else; fields that vanished leave every set; owners of nothing are forgotten.
 * Bounds:    OWNERS_MAX entries are read; more than OWNERS_UPDATES of Update are folded into "ancient-changes".
 * Ownership: all in the arena; texts are borrowed from the tree that was read. Errors: ERR_INVALID. */
#ifndef PADDOCK_SIM_KUBEAPI_TYPES_OWNERS_H
#define PADDOCK_SIM_KUBEAPI_TYPES_OWNERS_H

#include "sim/kubeapi/types/typed.h"

#define OWNERS_MAX     4096u
#define OWNERS_UPDATES 10u

struct owner {
    struct str manager, api_version, subresource;
    bool apply;      /* operation Apply; else Update */
    struct str time; /* RFC 3339; empty: none */
    const struct fieldset *set;
};
struct owners {
    struct owner *list;
    size_t n, cap;
};

/* managed_fields may be NULL: nobody. */
struct err *owners_parse(struct arena *a, const cJSON *managed_fields,
                         struct owners *out) must_check;
/* A canonical JSON array in the order of the API: Apply first, by time, manager, version, subresource. Sorts the list. */
void owners_write(struct buf *out, struct owners *o);
struct owner *owners_find(const struct owners *o, const struct owner *like); /* NULL: none */
struct owner *owners_get(struct arena *a, struct owners *o,
                         const struct owner *like); /* adds an empty one where there is none */
void owners_drop_empty(struct owners *o);
/* An Update by `who` (its set is not looked at; its time is the present): false when it owns nothing new. */
bool owners_update(struct arena *a, struct owners *o, const struct owner *who,
                   const struct typed_changes *changes);
/* Folds the oldest Update owners together when there are too many. */
void owners_cap(struct arena *a, struct owners *o);
/* Everybody but `self` loses what changed or vanished. */
void owners_take(struct arena *a, struct owners *o, const struct owner *self,
                 const struct typed_changes *changes);
/* "m1", with subresource and version as conflicts name them. */
void owner_print(struct buf *out, const struct owner *o);
/* Byte order of their identifiers: that of conflicts. */
int owner_cmp(const struct owner *x, const struct owner *y);
bool owner_same(const struct owner *x, const struct owner *y);
bool owners_equal(const struct owners *x, const struct owners *y); /* times aside */

#endif
