/* The walk of JSON by tables of members: what both versions of OpenAPI share. */
#include "sim/kubeapi/discovery/openapi_pb.h"

#include "sim/kubeapi/types/proto_wire.h"

static void write_any(uint32_t number, const cJSON *v, struct buf *out)
{
    struct buf yaml = {0};
    json_write(&yaml, v);
    size_t begun = wire_begin(out, number);
    wire_add_bytes(out, 2, buf_str(&yaml));
    wire_end(out, begun);
    buf_free(&yaml);
}

void pb_sub(uint32_t number, const struct pb_message *m, const cJSON *v, struct buf *out)
{
    size_t begun = wire_begin(out, number);
    pb_write(m, v, out);
    wire_end(out, begun);
}

void pb_named(uint32_t number, struct str name, const struct pb_message *m, const cJSON *v,
              struct buf *out)
{
    size_t begun = wire_begin(out, number);
    wire_add_bytes(out, 1, name);
    pb_sub(2, m, v, out);
    wire_end(out, begun);
}

void pb_double(uint32_t number, const cJSON *v, struct buf *out)
{
    double d;
    uint64_t bits;
    char bytes[8];
    if (!wire_double_parse(str_c(v->valuestring), &d))
        return;
    memcpy(&bits, &d, sizeof bits);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(bits >> (8 * i) & 0xff);
    wire_add_tag(out, number, WIRE_64);
    buf_add(out, (struct str){bytes, sizeof bytes});
}

static void write_member(const struct pb_member *m, const cJSON *v, struct buf *out)
{
    const cJSON *first = v->type == cJSON_Array ? v->child : NULL;
    int64_t n;
    switch (m->shape) {
    case PB_TEXT:
        wire_add_bytes(out, m->number, json_string(v));
        return;
    case PB_TEXTS:
        for (const cJSON *c = first; c; c = c->next)
            wire_add_bytes(out, m->number, json_string(c));
        return;
    case PB_BOOL:
        wire_add_number(out, m->number, v->type == cJSON_True);
        return;
    case PB_INT:
        if (json_int(v, &n))
            wire_add_number(out, m->number, (uint64_t)n);
        return;
    case PB_DOUBLE:
        pb_double(m->number, v, out);
        return;
    case PB_ANY:
        write_any(m->number, v, out);
        return;
    case PB_ANYS:
        for (const cJSON *c = first; c; c = c->next)
            write_any(m->number, c, out);
        return;
    case PB_WRITE:
        m->write(m->number, v, out);
        return;
    }
}

static void write_extension(uint32_t number, const cJSON *v, struct buf *out)
{
    size_t begun = wire_begin(out, number);
    wire_add_bytes(out, 1, str_c(v->string));
    write_any(2, v, out);
    wire_end(out, begun);
}

void pb_write(const struct pb_message *m, const cJSON *v, struct buf *out)
{
    if (v->type != cJSON_Object)
        return;
    for (size_t i = 0; i < m->n; i++) {
        const cJSON *value = json_get(v, m->members[i].name);
        if (value)
            write_member(&m->members[i], value, out);
    }
    for (const cJSON *c = v->child; c && m->extensions; c = c->next)
        if (str_starts(str_c(c->string), STR("x-")))
            write_extension(m->extensions, c, out);
}
