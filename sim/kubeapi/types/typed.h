/* typed: JSON values seen by their type, as apply, ownership and patches see them: which values are owned as one (leaves),
 * which are walked by member, and by what the items of a list are known.
 *
 *   object of fields, map    members, one by one (element f:NAME)     unless TYPE_ATOMIC
 *   keyed list               items by their keys (element k:{...})    unless TYPE_ATOMIC
 *   set of scalars           items by value (element v:JSON)
 *   everything else          a leaf
 *
 * Where no type is known (NULL, TYPE_ANY), structure is deduced: objects are maps, lists are leaves.
 * Ownership: everything lies in the arena or borrows from the values. */
#ifndef PADDOCK_SIM_KUBEAPI_TYPES_TYPED_H
#define PADDOCK_SIM_KUBEAPI_TYPES_TYPED_H

#include "sim/kubeapi/types/fieldset.h"

enum typed_shape { TYPED_LEAF, TYPED_MAP, TYPED_LIST };

struct typed_item {
    struct str key; /* text of the element */
    const cJSON *v;
    const struct type *type;        /* of v; NULL: not known */
    const struct type_field *field; /* of a struct; NULL: a map's key, a list's item, unknown */
    size_t at;                      /* position as it came */
};
struct typed_items {
    struct typed_item *p;
    size_t n;
};

/* A null has the shape of its type, empty. */
enum typed_shape typed_shape(const struct type *t, const cJSON *v);
/* The kind of a list's elements: 'k' or 'v'. */
char typed_list_kind(const struct type *t);
const struct type *typed_member(const struct type *t, struct str name,
                                const struct type_field **field);
/* Members of a TYPED_MAP or items of a TYPED_LIST; sorted: by key (then position), else as they come. v may be NULL. */
void typed_items(struct arena *a, const struct type *t, const cJSON *v, bool sorted,
                 struct typed_items *out);
/* The position of a key in sorted items, or -1; *n (may be NULL): how many have it. */
ptrdiff_t typed_items_find(const struct typed_items *items, struct str key, size_t *n);

/* The set of all that is there: leaves, keys of maps, items of lists, empty maps. */
const struct fieldset *typed_set(struct arena *a, const struct type *t, const cJSON *v);

/* What differs between two values of a type. Either may be NULL (nothing there). What Go's zero object has, is there: a
 * struct field (FIELD_ALWAYS) that the JSON leaves out counts as empty, so that it does not itself appear or vanish.
 * A member that stands raw in the new tree (bytes of the old object) counts as equal. Top-level apiVersion and kind, and the
 * members of metadata that nobody can own, are not looked at when `object` is set. */
struct typed_changes {
    const struct fieldset *changed; /* added, or with another value */
    const struct fieldset *removed;
};
void typed_compare(struct arena *a, const struct type *t, const cJSON *old_value,
                   const cJSON *new_value, bool object, struct typed_changes *out);
/* Takes out what nobody can own: apiVersion, kind, metadata.name, .... */
const struct fieldset *typed_strip(struct arena *a, const struct fieldset *s);

#endif
