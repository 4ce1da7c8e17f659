/* decode: request bodies and patched objects to what the kind's type keeps of them (types/decode.h), with fieldValidation.
 *
 *   body ─► body.h: a tree ─► identity (apiVersion, kind) ─► typed decoding ─► complaints: 400, warnings, or nothing
 *
 * Of custom resources the shape of metadata is checked; the rest is pruned by their definitions' types (crd/crds.h). */
#ifndef PADDOCK_SIM_KUBEAPI_OBJECTS_DECODE_H
#define PADDOCK_SIM_KUBEAPI_OBJECTS_DECODE_H

#include "sim/kubeapi/core/request.h"
#include "sim/kubeapi/types/decode.h"

/* What complaints about a patched object need of the patch. */
struct patch_said {
    const cJSON *strategic;   /* a strategic patch: it is shown in place of the object; else NULL */
    const struct str *strict; /* what strict decoding of the patch itself refuses */
    size_t strict_n;
};

enum api_field_validation { FIELDS_WARN, FIELDS_IGNORE, FIELDS_STRICT };

/* Parses the body into *tree and checks that it is of this kind. False: answered. */
bool api_write_decode(struct api_request *r, const struct api_kind *k, cJSON **tree);
/* Kind, apiVersion and the types of metadata (also after a patch). False: answered. */
bool api_decode_check(struct api_request *r, const struct api_kind *k, cJSON *tree);
/* Owners that are named twice, word for word, are named once; a warning says so. */
void api_merge_owners(struct api_request *r, cJSON *tree);
/* The name and namespace of the tree are those of the URL? Owners that are there twice go. False: answered with 400. */
bool api_check_url(struct api_request *r, cJSON *tree);
/* A patched tree as an object of the request's kind. False: answered. */
bool api_patch_decode(struct api_request *r, cJSON *tree);
/* Query parameter fieldValidation, which is known to be one of them. */
enum api_field_validation api_field_validation(struct api_request *r);
/* Tells what strict validation found: warnings, or the 400 of Strict (of a patch: 422). False: answered. */
bool api_decode_complaints(struct api_request *r, const struct api_kind *k, const cJSON *tree,
                           const struct decode_report *report);
/* What a webhook has made of a decoded object: decoded and defaulted once more; nothing is complained of. False: *why. */
bool api_decode_changed(struct api_request *r, const struct api_kind *k, cJSON *tree,
                        struct str *why);
/* Constants where nothing was said: the writer owns them. Nothing for custom kinds. */
void api_decode_default(struct api_request *r, const struct api_kind *k, cJSON *tree);
/* The empty status that an object of this kind always has, and its defaults: nobody owns them. */
void api_decode_status(struct api_request *r, const struct api_kind *k, cJSON *tree);

#endif
