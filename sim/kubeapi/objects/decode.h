/* decode: request bodies and patched objects to what the kind's type keeps of them (types/decode.h), with fieldValidation.
 *
 *   body ─► body.h: a tree ─► identity (apiVersion, kind) ─► typed decoding ─► complaints: 400, warnings, or nothing
 *
 * Of custom resources the shape of metadata is checked; the rest is pruned by their definitions' types (kinds/crds.h). */
#ifndef PADDOCK_SIM_KUBEAPI_DECODE_H
#define PADDOCK_SIM_KUBEAPI_DECODE_H

#include "sim/kubeapi/types/decode.h"

struct api_request;
struct api_kind;

enum api_field_validation { FIELDS_WARN, FIELDS_IGNORE, FIELDS_STRICT };

/* Query parameter fieldValidation, which options.h has checked. */
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
