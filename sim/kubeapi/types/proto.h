/* proto: Kubernetes' protobuf form of objects, driven by the type graph; both ways, to and from JSON trees.
 *
 *   "k8s\0" + Unknown{1: TypeMeta{1: apiVersion, 2: kind}, 2: raw, 3: contentEncoding, 4: contentType}     an object
 *   4 bytes of length, big endian + WatchEvent{1: type, 2: RawExtension{1: an object as above}}            a watch frame
 *
 *   strings, ints, bools, doubles     as proto2 has them; lists are not packed (packed ones are read)
 *   Time, MicroTime                   {1: seconds, 2: nanos}; empty: the zero time, which JSON leaves out
 *   Quantity, Duration, FieldsV1      {1: string}, {1: nanoseconds}, {1: JSON bytes}
 *   IntOrString                       {1: 0 or 1, 2: int, 3: string}
 *   RawExtension, any JSON            {1: JSON bytes}; what is read may also be an object in its envelope
 *   maps                              repeated {1: key, 2: value}
 *   FIELD_INLINE                      a message whose fields stand in the parent's JSON
 *   FIELD_WRAPPED, lists in maps      {1: repeated}
 *   JSONSchemaPropsOr...              {1: allows, 2: schema}, {1: schema, 2: schemas}, {1: schema, 2: strings}
 *
 * Zero and absent: what is no pointer is written also when it is zero, and read as absent then, except where JSON writes
 * it always (FIELD_ALWAYS, FIELD_REQUIRED); a pointer is written when it is there. Messages are kept also when empty.
 * Output is in order of field numbers, so that equal objects are equal bytes.
 *
 * Errors: ERR_INVALID: truncated, wrong wire types, overlong varints, too deep; ERR_TOO_LARGE: too many values. Unknown
 *         field numbers are skipped. Encoding never fails: a value that does not fit its type is written as absent.
 * Bounds: PROTO_DEPTH_MAX messages in each other, PROTO_NODES_MAX values; PROTO_NUMBER_MAX, PROTO_FIELDS_MAX of a type.
 * Source: the field numbers are data of the types; the envelope and the specials as observed on Kubernetes 1.34. */
#ifndef PADDOCK_SIM_KUBEAPI_TYPES_PROTO_H
#define PADDOCK_SIM_KUBEAPI_TYPES_PROTO_H

#include "sim/kubeapi/types/types.h"

#define PROTO_DEPTH_MAX                                                                            \
    60u /* JSON of it stays under JSON_DEPTH_MAX: a map in a message is two levels */
#define PROTO_NODES_MAX  2000000u
#define PROTO_NUMBER_MAX 127u
#define PROTO_FIELDS_MAX 120u

struct proto_envelope {
    struct str api_version, kind;
    struct str raw; /* the message */
    struct str content_encoding, content_type;
};

/* Is everything that can be in it numbered? Walks all that the type reaches: ask once and remember. */
bool proto_knows(const struct type *t);

/* The type of a document by what it says it is ("apps/v1", "Deployment"); NULL: none, or one without numbers of its own.
 * meta.k8s.io's own kinds are found under all its versions, options (DeleteOptions) under every group. */
const struct type *proto_type(struct str api_version, struct str kind);

/* Borrows from bytes. */
struct err *proto_open(struct str bytes, struct proto_envelope *out) must_check;
/* The message as a tree; apiVersion and kind are not part of it. */
struct err *proto_decode(struct arena *a, const struct type *t, struct str message,
                         cJSON **out) must_check;

/* Appends the message of a tree. Members the type does not know are left out. */
void proto_encode(const struct type *t, const cJSON *tree, struct buf *out);
/* The same from canonical JSON, in its envelope. A list's items are parsed one by one: memory is that of the largest. */
void proto_encode_object(const struct type *t, struct str api_version, struct str kind,
                         struct str json, struct buf *out);
/* One frame of a watch: object is an envelope. */
void proto_encode_frame(const char *event, struct str object, struct buf *out);

#endif
