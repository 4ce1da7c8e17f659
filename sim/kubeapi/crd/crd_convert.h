/* crd_convert: custom objects in other versions than they are stored in, as the webhook of their definition makes them.
 *
 *   objects to be shown ─► all known: go on (crds_tree gives what the webhook made)
 *        └─► not yet: one ConversionReview for all of them; the request waits and is run again (core/webhook_call.h)
 *   an object to be stored ─► into the stored version ─► and back, as it will be shown ─► written
 *
 * Checks:    what comes back has the version that was asked for and the kind, name, namespace and uid that it had; of its
 *            metadata only labels and annotations count. It is pruned and defaulted by the schema of its version.
 * Ownership: what is known belongs to the definition, for as long as some request holds it.
 * Bounds:    CRD_REVIEW_OBJECTS_MAX objects a review; WEBHOOK_ANSWER_BYTES_MAX an answer. */
#ifndef PADDOCK_SIM_KUBEAPI_CRD_CRD_CONVERT_H
#define PADDOCK_SIM_KUBEAPI_CRD_CRD_CONVERT_H

#include "sim/kubeapi/core/request.h"

#define CRD_REVIEW_OBJECTS_MAX 500u
#define CRD_REVIEW_TIMEOUT_S   30

enum crd_conversion { CRD_CONVERTED, CRD_WAITS, CRD_BROKEN };

/* Does a webhook make one version of another? */
bool crds_converts(const struct api_kind *k);
/* Makes known what k's version shows of these objects. *why: of CRD_BROKEN. */
enum crd_conversion crds_convert(struct api_request *r, const struct api_kind *k,
                                 struct kube_object *const *objects, size_t n, struct str *why);
/* The same for a request that can be answered. False: it was, or waits. */
bool crds_ready(struct api_request *r, struct kube_object *const *objects, size_t n);
/* One tree into another version of its definition. */
enum crd_conversion crds_convert_tree(struct api_request *r, const struct api_kind *k,
                                      struct str version, const cJSON *tree, cJSON **out,
                                      struct str *why);
/* The last step before a custom object's bytes are made: *tree into the stored version, and *shown (NULL: the same) as it
 * will be shown. Neither has a revision then. False: answered, or waiting. */
bool crds_store(struct api_request *r, const struct api_kind *k, cJSON **tree, cJSON **shown);
/* What shows an object that was written; its metadata is the object's, but for labels and annotations. shown NULL: nothing. */
void crds_note_shown(struct api_request *r, const struct api_kind *k, const struct kube_object *o,
                     cJSON *shown);
/* The bytes that show an object; empty: not known. */
struct str crds_shown(const struct api_kind *k, const struct kube_object *o);
/* The request holds nothing any more. */
void crds_conversions_free(struct api_request *r);

#endif
