/* crd_review: a ConversionReview: written, and its answer read and held to what a conversion may do. No I/O.
 *
 * Errors are texts, as the API shows them. Bounds: those of the JSON that is given. */
#ifndef PADDOCK_SIM_KUBEAPI_CRD_CRD_REVIEW_H
#define PADDOCK_SIM_KUBEAPI_CRD_CRD_REVIEW_H

#include "engine/base/json.h"

struct crd_review {
    struct arena *a;
    struct str uid, version; /* version: "stable.example.com/v2", what is asked for */
    cJSON **objects;         /* n of them, all of one kind */
    cJSON **converted;       /* n: filled by crd_review_read, of the arena */
    size_t n;
};

/* In the first review version of the list that is known; v1 if none is. */
void crd_review_write(const struct crd_review *v, const cJSON *versions, struct buf *out);
/* error: why there is no answer. Empty: every object was converted, and has the metadata that it had. */
struct str crd_review_read(const struct crd_review *v, struct str error, const cJSON *answer);

#endif
