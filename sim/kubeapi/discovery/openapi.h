/* openapi: what the files that write OpenAPI share. Both versions come from the same two walks: over types (schemas) and
 * over rows of kinds (paths and operations).
 *
 *   struct type, openAPIV3Schema of definitions ─► openapi_types.c, openapi_custom.c ─┐
 *   rows of kinds ─► openapi_paths.c ──────────────────────────────────────────────────┴─► v3: a document per group and
 *                        version (openapi_v3.c) · v2: one for all (openapi_v2.c); both as JSON or as messages
 *                        (openapi_messages.c by the tables of openapi_pb3.c and openapi_pb.c) */
#ifndef PADDOCK_SIM_KUBEAPI_DISCOVERY_OPENAPI_H
#define PADDOCK_SIM_KUBEAPI_DISCOVERY_OPENAPI_H

#include "sim/kubeapi/discovery/documents.h"
#include "sim/kubeapi/types/types.h"

#define OPENAPI_META "io.k8s.apimachinery.pkg.apis.meta.v1."

enum openapi { OPENAPI_V2, OPENAPI_V3 };

/* "#/definitions/" or "#/components/schemas/" */
const char *openapi_ref_prefix(enum openapi v);

/* ---- types ---- */
/* Adds a type's name and those of all that it refers to: name → const struct type *, in the order of the walk. */
void openapi_collect(struct map *types, const struct type *t);
/* The schema of a named type. */
void openapi_write_type(struct kubeapi *api, enum openapi v, const struct type *t, struct buf *out);

/* ---- definitions ---- */
/* "com.example.v1.Widget" of a custom resource; list: of its list. */
struct str openapi_custom_name(struct arena *a, const struct api_kind *k, bool list);
void openapi_write_custom(struct kubeapi *api, enum openapi v, const struct api_kind *k,
                          struct buf *out);
void openapi_write_custom_list(enum openapi v, const struct api_kind *k, struct buf *out);

/* ---- paths ---- */
/* Documents that are no resources, by path without slashes around it, and what they answer (empty: a text). */
#define OPENAPI_ROOTS 5u
struct openapi_root {
    const char *name, *type;
};
extern const struct openapi_root openapi_roots[OPENAPI_ROOTS];
/* Each path of a row (and of its subresources) and its operations as JSON: "get":{...},... in braces. */
typedef void (*openapi_path_fn)(void *data, struct str path, struct str item);
void openapi_paths(enum openapi v, const struct api_kind *k, openapi_path_fn each, void *data);
/* The path of a document that is no object, which answers a type ("io.k8s...APIGroup"; empty: a text):
 * "/apis/apps/". */
void openapi_plain_path(enum openapi v, struct str path, struct str type, openapi_path_fn each,
                        void *data);
/* "/apis/apps/v1/" of a row. */
void openapi_version_path(enum openapi v, const struct api_kind *k, openapi_path_fn each,
                          void *data);
/* The shared parameters of v2, by name: each gives the parameter's JSON. */
void openapi_parameters(openapi_path_fn each, void *data);

/* ---- messages: one piece of the v2 document in gnostic's form ---- */
void openapi_pb_schema(struct str name, const cJSON *schema, struct buf *out); /* NamedSchema */
void openapi_pb_path(struct str path, const cJSON *item, struct buf *out);     /* NamedPathItem */
void openapi_pb_parameter(struct str name, const cJSON *value,
                          struct buf *out); /* NamedParameter */
/* A whole document of v3 in gnostic's form. */
void openapi_pb3_document(const cJSON *v, struct buf *out);

/* ---- documents ---- */
/* What of the answer's forms comes first in Accept; false: none of them. */
bool openapi_negotiate(const struct api_request *r, const char *messages,
                       const char *messages_answer, bool *wants_messages);
void openapi_v3_reply(struct api_request *r, struct str rest); /* behind /openapi/v3 */

#endif
