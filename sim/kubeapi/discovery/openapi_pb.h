/* openapi_pb: JSON documents as protobuf messages, by tables of members. Both versions of OpenAPI have their tables; what a
 * table cannot say (unions, maps) is a writer of its own.
 *
 * Members that begin with "x-" become extensions, whose value is YAML: JSON is that already. Depth: that of the JSON. */
#ifndef PADDOCK_SIM_KUBEAPI_DISCOVERY_OPENAPI_PB_H
#define PADDOCK_SIM_KUBEAPI_DISCOVERY_OPENAPI_PB_H

#include "engine/base/json.h"

enum pb_shape {
    PB_TEXT,
    PB_TEXTS, /* repeated string */
    PB_BOOL,
    PB_INT,
    PB_DOUBLE,
    PB_ANY,   /* Any{2: yaml} */
    PB_ANYS,  /* one Any an element */
    PB_WRITE, /* by the member's own writer */
};

struct pb_member {
    const char *name;
    uint32_t number;
    enum pb_shape shape;
    void (*write)(uint32_t number, const cJSON *v, struct buf *out); /* PB_WRITE */
};

struct pb_message {
    const struct pb_member *members;
    size_t n;
    uint32_t extensions; /* the number of what begins with "x-"; 0: none */
};

void pb_write(const struct pb_message *m, const cJSON *v, struct buf *out);
/* A message inside another, under a number. */
void pb_sub(uint32_t number, const struct pb_message *m, const cJSON *v, struct buf *out);
/* {1: name, 2: message} */
void pb_named(uint32_t number, struct str name, const struct pb_message *m, const cJSON *v,
              struct buf *out);
void pb_double(uint32_t number, const cJSON *v, struct buf *out);

#endif
