/* proto_internal: what the files that decode protobuf share. Trees and texts live in the decoder's arena. */
#ifndef PADDOCK_SIM_KUBEAPI_TYPES_PROTO_INTERNAL_H
#define PADDOCK_SIM_KUBEAPI_TYPES_PROTO_INTERNAL_H

#include "sim/kubeapi/types/proto.h"
#include "sim/kubeapi/types/proto_wire.h"

struct proto_decoder {
    struct arena *a;
    size_t nodes_left;
};

/* Counts a value against PROTO_NODES_MAX. */
struct err *proto_count_node(struct proto_decoder *d) must_check;
cJSON *proto_text(struct proto_decoder *d, struct str bytes);
cJSON *proto_text_taken(struct proto_decoder *d, struct buf *take_text);

/* A message of numbers and bytes alone, by field number. */
#define PROTO_SMALL_FIELDS 3
struct proto_small {
    uint64_t numbers[PROTO_SMALL_FIELDS + 1];
    struct str bytes[PROTO_SMALL_FIELDS + 1];
};
struct err *proto_take_small(struct str in, struct proto_small *s) must_check;

/* A message that is one value in JSON. *out is left alone when it is a zero that JSON has no form for. */
struct err *proto_take_special(struct proto_decoder *d, const struct type *t, struct str in,
                               unsigned depth, cJSON **out) must_check;
/* Into members of object. Refuses messages in each other beyond PROTO_DEPTH_MAX. */
struct err *proto_take_message(struct proto_decoder *d, const struct type *t, struct str in,
                               cJSON *object, unsigned depth) must_check;

#endif
