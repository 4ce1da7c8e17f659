/* builtin: the tables that typegen makes of data/NAME.types, for types.c alone. */
#ifndef PADDOCK_SIM_KUBEAPI_TYPES_BUILTIN_H
#define PADDOCK_SIM_KUBEAPI_TYPES_BUILTIN_H

#include "sim/kubeapi/types/types.h"

struct builtin_kind { /* sorted by kind, then group, then version */
    struct str kind, group, version;
    bool everywhere;
    const struct type *type;
};

extern const struct type builtin_types[]; /* named ones first, sorted by name */
extern const size_t builtin_named_n;
extern const size_t builtin_object_meta; /* index */
extern const struct builtin_kind builtin_kinds[];
extern const size_t builtin_kinds_n;

#endif
