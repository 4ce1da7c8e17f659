/* object: a Kubernetes object as everybody in this program holds it: an immutable, reference counted buffer of canonical
 * JSON with a small decoded header in front. Client caches and the simulated API server share the same buffers' shape.
 *
 * Ownership: kube_object_* constructors return one reference; kube_object_ref adds, kube_object_unref drops one. Every
 *            str in the header borrows from the object itself.
 * Errors:    ERR_INVALID when the bytes are not a JSON object, or metadata is not one, or a header field has a wrong type.
 * Bounds:    KUBE_LABELS_MAX, KUBE_OWNERS_MAX, KUBE_FINALIZERS_MAX header entries; KUBE_OBJECT_BYTES_MAX.
 * Canonical: keys in byte order at every level, no blanks (json_write). Equal objects are equal bytes.
 * Threads:   none (counts are plain integers). */
#ifndef PADDOCK_ENGINE_KUBE_OBJECT_H
#define PADDOCK_ENGINE_KUBE_OBJECT_H

#include "engine/base/json.h"

#define KUBE_OBJECT_BYTES_MAX ((size_t)8 << 20)
#define KUBE_LABELS_MAX       1024u
#define KUBE_OWNERS_MAX       256u
#define KUBE_FINALIZERS_MAX   256u

struct kube_label {
    struct str key, value;
};

struct kube_owner {
    struct str api_version, kind, name, uid;
    bool controller;
    bool block_deletion; /* blockOwnerDeletion */
};

struct kube_object {
    uint32_t refs;
    uint16_t labels_n, owners_n, finalizers_n;
    bool deleting;      /* metadata.deletionTimestamp is set */
    bool spilled;       /* some header string had escapes: it lies behind the JSON */
    uint32_t status_at; /* in the JSON, where it has been looked for (kube_object_raw); else 0 */
    uint64_t resource_version; /* 0: absent or not a decimal uint64 */
    int64_t generation;        /* 0: absent */
    struct str json;           /* canonical */
    struct str api_version, kind;
    struct str ns; /* metadata.namespace; empty: cluster-scoped or not set */
    struct str name, uid;
    const struct kube_label *labels; /* in key order */
    const struct kube_owner *owners;
    const struct str *finalizers;
};

/* Any JSON text: parsed, then written canonically. */
struct err *kube_object_from_json(struct str text, struct kube_object **out) must_check;
/* Bytes that are canonical already (a tree written by json_write, bytes of our own store): scanned, not parsed. */
struct err *kube_object_from_canonical(struct str json, struct kube_object **out) must_check;
struct err *kube_object_from_tree(const cJSON *tree, struct kube_object **out) must_check;
/* The same object with another metadata.resourceVersion: one copy of the bytes, no parsing. */
struct kube_object *kube_object_with_revision(const struct kube_object *o, uint64_t revision);
/* The same with another value of a string member that is there ("spec.renewTime"; neither has escapes) and another
 * revision; NULL when it is not there. Costs a copy where the lengths stay. */
struct kube_object *kube_object_with_string(const struct kube_object *o, const char *dotted,
                                            struct str value, uint64_t revision);

struct kube_object *kube_object_ref(struct kube_object *o); /* returns o */
void kube_object_unref(struct kube_object *o);              /* NULL is fine */

/* A tree of its own in the arena: may be changed freely. Never fails: the bytes are ours. */
cJSON *kube_object_tree(const struct kube_object *o, struct arena *a);

struct str kube_object_label(const struct kube_object *o,
                             struct str key); /* str_empty: absent (see _has_label) */
bool kube_object_has_label(const struct kube_object *o, struct str key);
bool kube_object_has_finalizer(const struct kube_object *o, struct str finalizer);
const struct kube_owner *kube_object_controller(const struct kube_object *o); /* NULL: none */
/* "ns/name", or "name" for cluster-scoped objects: the key of caches and work queues. Appends. */
void kube_object_key(const struct kube_object *o, struct buf *out);

/* The raw JSON of a member found by walking the canonical bytes ("spec.nodeName", "status.conditions.0.type"; no escapes); empty: absent.
 * Costs a scan of the bytes in front of it (of the status: once) and no memory. */
struct str kube_object_raw(const struct kube_object *o, const char *dotted);
/* The same for a string member without escapes, unquoted; empty: absent, not a string, or escaped. */
struct str kube_object_string(const struct kube_object *o, const char *dotted);

#endif
