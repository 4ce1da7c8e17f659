/* types: the structure of API types as data, one graph for built-in kinds and custom resources.
 *
 *   data/NAME.types ─► generator (build time) ─► constant tables ─┐
 *                                                                 ├─► struct type ─► decode, defaults, validation, patches,
 *   openAPIV3Schema of a definition ─► crd_schema ────────────────┘                 apply, protobuf, OpenAPI
 *
 * Everything that needs to know what an object looks like walks this graph; there is no code per kind for it.
 * Ownership: built-in types are constant; those of a definition live in its arena. All strings are borrowed.
 * Cycles:    types may refer to themselves (JSONSchemaProps): walks are bounded by the value's depth (JSON_DEPTH_MAX). */
#ifndef PADDOCK_SIM_KUBEAPI_TYPES_TYPES_H
#define PADDOCK_SIM_KUBEAPI_TYPES_TYPES_H

#include "engine/base/json.h"

enum type_kind {
    TYPE_ANY,    /* any JSON value; where `items` is set, each object in it is one of these */
    TYPE_OBJECT, /* fields; others are unknown unless TYPE_PRESERVE, or additional is set */
    TYPE_MAP,    /* string keys, values of type `items` */
    TYPE_LIST,   /* of `items` */
    TYPE_STRING,
    TYPE_BOOL,
    TYPE_INT32,
    TYPE_INT64,
    TYPE_INTEGER, /* custom resources: any integer */
    TYPE_NUMBER,
    /* strings, or scalars, with a form of their own: */
    TYPE_QUANTITY,      /* canonical after decoding: "1Gi", "500m"; a number is accepted */
    TYPE_INT_OR_STRING, /* the kind is kept */
    TYPE_TIME,          /* RFC 3339, UTC, whole seconds */
    TYPE_MICRO_TIME,    /* six fractional digits */
    TYPE_DURATION,      /* Go's: "1m30s" */
    TYPE_BYTES,         /* base64 */
    TYPE_RAW,           /* RawExtension: any JSON object */
    TYPE_FIELDS_V1,     /* managedFields' sets */
};

enum {                         /* of a type */
       TYPE_ATOMIC = 1 << 0,   /* lists, maps and structs that apply owns and replaces as one */
       TYPE_SET = 1 << 1,      /* lists of scalars without duplicates */
       TYPE_KEYED = 1 << 2,    /* lists of objects that are known by list_keys */
       TYPE_PRESERVE = 1 << 3, /* unknown fields stay */
       TYPE_EMBEDDED = 1 << 4, /* a whole object: apiVersion, kind, metadata */
       TYPE_NULLABLE = 1 << 5,
       TYPE_WIRE = 1 << 6,     /* known to protobuf only, or to no schema that is published */
       TYPE_DEFAULTS = 1 << 7, /* a built-in type that has defaults, or something below it has */
};
enum { /* of a field */
       FIELD_REQUIRED = 1 << 0,
       FIELD_ALWAYS = 1 << 1,  /* typed encoders write it also when it is empty ("status": {}) */
       FIELD_POINTER = 1 << 2, /* protobuf and JSON tell absent from zero (optional scalars) */
       /* strategic merge patch: */
       FIELD_MERGE = 1 << 3,       /* a list that is merged: by merge_key, or as a set of scalars */
       FIELD_RETAIN_KEYS = 1 << 4, /* unions: $retainKeys */
       FIELD_INLINE = 1 << 5, /* protobuf only: a message whose fields stand in the parent's JSON */
       FIELD_WRAPPED = 1 << 6, /* protobuf only: the list is field 1 of a message of its own */
       FIELD_UNTOLD = 1 << 7,  /* the default is filled in by servers and stands in no schema */
};

struct type_rules; /* value validation: rules.h */

struct type_field {
    struct str name;
    const struct type *type;
    uint32_t number; /* protobuf field number; 0: none */
    uint32_t flags;
    struct str merge_key;    /* FIELD_MERGE of objects; empty: a set of scalars */
    struct str default_json; /* canonical JSON, or ".port": the sibling's value; empty: none */
    struct str description;
    const char *
        default_if; /* NULL: always. "type=A|B", "sibling", "!sibling", "@Kind" of the root, several with "&" between (defaults.h) */
    const char
        *enum_json; /* canonical JSON array; of a list's items where it is one. NULL: any value */
    const char *
        go_type; /* what decoding errors call a scalar, or the items of a list, that has a name of its own;
                               NULL: "string", ... */
};

struct type {
    enum type_kind kind;
    uint32_t flags;
    struct str name; /* "io.k8s.api.apps.v1.DeploymentSpec"; empty: inline */
    struct str description;
    const struct type_field *fields; /* sorted by name (byte order) */
    size_t fields_n;
    size_t
        inlines_n; /* behind the fields, not counted in fields_n: those with FIELD_INLINE (their JSON members are
                         among the fields, there without number) */
    const struct type *items; /* of lists and maps */
    const struct type *
        additional; /* TYPE_OBJECT of a definition with additionalProperties beside nothing else: NULL as a rule */
    const struct str *list_keys; /* TYPE_KEYED */
    size_t list_keys_n;
    const struct type_rules *rules; /* NULL: none */
};

/* "Deployment" of "apps", "v1"; NULL: not built in. Lists, reviews, options (DeleteOptions, Status, Scale) are there too. */
const struct type *type_builtin(struct str group, struct str version, struct str kind);
/* By OpenAPI name, "io.k8s.api.core.v1.PodSpec"; NULL: unknown. Scalars have names too ("...v1.Time"). */
const struct type *type_named(struct str name);
/* All named types, in byte order of their names; with those of TYPE_WIRE. */
const struct type *type_next(size_t *i); /* start with 0; NULL: the end */
const struct type_field *type_field_find(const struct type *t, struct str name); /* NULL: none */
const struct type *type_object_meta(void);
/* The group, version and kind that a named type is served as; false: it is no kind. */
struct type_gvk {
    struct str group, version, kind;
    bool everywhere; /* in each group and version: DeleteOptions, WatchEvent */
};
bool type_gvk(const struct type *t, struct type_gvk *out);
/* "Deployment" of "io.k8s.api.apps.v1.Deployment". */
struct str type_short_name(const struct type *t);

#endif
