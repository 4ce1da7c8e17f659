/* decode_internal: what the files of decode share: the walk, and where it is. */
#ifndef PADDOCK_SIM_KUBEAPI_TYPES_DECODE_INTERNAL_H
#define PADDOCK_SIM_KUBEAPI_TYPES_DECODE_INTERNAL_H

#include "sim/kubeapi/types/decode.h"

struct place { /* one step down; lives on the stack of the walk */
    const struct place *up;
    struct str name; /* of a member or a map's key */
    ptrdiff_t index; /* of a list; -1 */
    bool in_map;     /* type errors do not name keys */
};

struct walk {
    struct arena *a;
    struct decode_report *report;
    const struct type *object;   /* the innermost */
    const struct type_field *at; /* the field whose value, or part of it, is looked at */
    unsigned silent;  /* inside values that decode themselves: unknown fields are not told */
    struct str saved; /* the first error that did not end the walk */
};

/* A scalar in place. False: the walk ends with report->error. */
bool type_decode_scalar(struct walk *w, const struct place *p, const struct type *t, cJSON *v);
/* Notes that v is no t; goes on. `instead`: what the error calls the wanted type; NULL: t's name. */
void type_decode_mismatch(struct walk *w, const struct place *p, const struct type *t,
                          const cJSON *v, const char *instead);
bool type_decode_fail(struct walk *w, struct str text); /* false */

#endif
