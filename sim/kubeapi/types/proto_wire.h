/* proto_wire: the wire format of protobuf: tags, varints, lengths. Private to types/proto*.c. */
#ifndef PADDOCK_SIM_KUBEAPI_TYPES_PROTO_WIRE_H
#define PADDOCK_SIM_KUBEAPI_TYPES_PROTO_WIRE_H

#include "engine/base/err.h"
#include "engine/base/str.h"

enum wire {
    WIRE_VARINT = 0,
    WIRE_64 = 1,
    WIRE_BYTES = 2,
    WIRE_START = 3,
    WIRE_END = 4,
    WIRE_32 = 5
};

#define WIRE_GROUPS_MAX 32u /* skipped groups in each other */

/* Takes one varint from the front. */
struct err *wire_take_varint(struct str *in, uint64_t *v) must_check;
/* Takes a length and as many bytes. */
struct err *wire_take_bytes(struct str *in, struct str *bytes) must_check;
struct err *wire_take_tag(struct str *in, uint64_t *number, enum wire *wire) must_check;
/* Takes a value that nobody knows. */
struct err *wire_skip(struct str *in, enum wire wire) must_check;

void wire_add_tag(struct buf *out, uint32_t number, enum wire wire);
void wire_add_bytes(struct buf *out, uint32_t number, struct str bytes);
void wire_add_number(struct buf *out, uint32_t number, uint64_t v);
/* A message whose length is not known yet: what is added between the two is its content. */
size_t wire_begin(struct buf *out, uint32_t number);
void wire_end(struct buf *out, size_t begun);

/* Numbers of JSON as IEEE 754 doubles, both ways, without the locale. False: no number, or beyond the range. */
bool wire_double_parse(struct str text, double *out);
void wire_double_write(double v, struct buf *out); /* shortest text that reads back as v */

#endif
