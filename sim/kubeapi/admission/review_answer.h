/* review_answer: what an admission webhook answered: an AdmissionReview, read and held to what it may say. No I/O.
 *
 * Errors are texts, as the API shows them behind `failed calling webhook "x": `. Bounds: those of the JSON that is given.
 * Ownership: parts of the answer's tree; the patch belongs to the arena. */
#ifndef PADDOCK_SIM_KUBEAPI_ADMISSION_REVIEW_ANSWER_H
#define PADDOCK_SIM_KUBEAPI_ADMISSION_REVIEW_ANSWER_H

#include "engine/base/json.h"

struct review_answer {
    bool allowed;
    const cJSON *status, *warnings, *annotations; /* NULL: none; of the types that they must have */
    cJSON *patch;                                 /* an array; NULL: none, or */
    struct str patch_error;                       /* why it is none */
};

/* What is wrong with it; empty: nothing. version: "v1" or "v1beta1", which promises less. */
struct str review_answer_read(struct arena *a, const cJSON *body, struct str uid,
                              const char *version, bool mutating, struct review_answer *out);

#endif
