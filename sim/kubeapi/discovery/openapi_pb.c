/* Pieces of the v2 document as messages of gnostic's OpenAPIv2 schema: tables of members, walked over the JSON. Members that
 * begin with "x-" become vendor extensions, whose value is YAML: JSON is that already. */
#include "sim/kubeapi/discovery/openapi.h"

#include "sim/kubeapi/types/proto_wire.h"

enum shape {
    TEXT,
    TEXTS, /* repeated string */
    BOOL,
    INT,
    DOUBLE,
    ANY,        /* Any{2: yaml} */
    ANYS,       /* one Any an element */
    SCHEMA,     /* the rest: messages */
    SCHEMAS,    /* one Schema an element */
    PROPERTIES, /* Properties{1: NamedSchema} */
    TYPE_ITEM,  /* TypeItem{1: text} */
    ITEMS,      /* ItemsItem{1: Schema} */
    ADDITIONAL, /* AdditionalPropertiesItem{1: Schema, 2: bool} */
    PARAMETERS, /* ParametersItem an element */
    RESPONSES,
    OPERATION,
};

struct member {
    const char *name;
    uint32_t number;
    enum shape shape;
};

struct message {
    const struct member *members;
    size_t n;
    uint32_t extensions; /* the number of vendor_extension; 0: none */
};

static const struct member schema_members[] = {
    {"$ref", 1, TEXT},
    {"format", 2, TEXT},
    {"title", 3, TEXT},
    {"description", 4, TEXT},
    {"default", 5, ANY},
    {"multipleOf", 6, DOUBLE},
    {"maximum", 7, DOUBLE},
    {"exclusiveMaximum", 8, BOOL},
    {"minimum", 9, DOUBLE},
    {"exclusiveMinimum", 10, BOOL},
    {"maxLength", 11, INT},
    {"minLength", 12, INT},
    {"pattern", 13, TEXT},
    {"maxItems", 14, INT},
    {"minItems", 15, INT},
    {"uniqueItems", 16, BOOL},
    {"maxProperties", 17, INT},
    {"minProperties", 18, INT},
    {"required", 19, TEXTS},
    {"enum", 20, ANYS},
    {"additionalProperties", 21, ADDITIONAL},
    {"type", 22, TYPE_ITEM},
    {"items", 23, ITEMS},
    {"allOf", 24, SCHEMAS},
    {"properties", 25, PROPERTIES},
};
static const struct message schema_message = {schema_members, ARRAY_LEN(schema_members), 31};

static const struct member operation_members[] = {
    {"tags", 1, TEXTS},
    {"summary", 2, TEXT},
    {"description", 3, TEXT},
    {"operationId", 5, TEXT},
    {"produces", 6, TEXTS},
    {"consumes", 7, TEXTS},
    {"parameters", 8, PARAMETERS},
    {"responses", 9, RESPONSES},
    {"schemes", 10, TEXTS},
    {"deprecated", 11, BOOL},
};
static const struct message operation_message = {operation_members, ARRAY_LEN(operation_members),
                                                 13};

static const struct member path_members[] = {
    {"get", 2, OPERATION},    {"put", 3, OPERATION},         {"post", 4, OPERATION},
    {"delete", 5, OPERATION}, {"options", 6, OPERATION},     {"head", 7, OPERATION},
    {"patch", 8, OPERATION},  {"parameters", 9, PARAMETERS},
};
static const struct message path_message = {path_members, ARRAY_LEN(path_members), 10};

static const struct member body_members[] = {
    {"description", 1, TEXT}, {"name", 2, TEXT},     {"in", 3, TEXT},
    {"required", 4, BOOL},    {"schema", 5, SCHEMA},
};
static const struct message body_message = {body_members, ARRAY_LEN(body_members), 6};

static const struct member query_members[] = {
    {"required", 1, BOOL}, {"in", 2, TEXT},     {"description", 3, TEXT},  {"name", 4, TEXT},
    {"type", 6, TEXT},     {"format", 7, TEXT}, {"uniqueItems", 20, BOOL},
};
static const struct message query_message = {query_members, ARRAY_LEN(query_members), 23};

static const struct member path_parameter_members[] = {
    {"required", 1, BOOL}, {"in", 2, TEXT},     {"description", 3, TEXT},  {"name", 4, TEXT},
    {"type", 5, TEXT},     {"format", 6, TEXT}, {"uniqueItems", 19, BOOL},
};
static const struct message path_parameter_message = {path_parameter_members,
                                                      ARRAY_LEN(path_parameter_members), 22};

static void write_message(const struct message *m, const cJSON *v, struct buf *out);

/* ---- values ---- */

static void write_any(uint32_t number, const cJSON *v, struct buf *out)
{
    struct buf yaml = {0};
    json_write(&yaml, v);
    size_t begun = wire_begin(out, number);
    wire_add_bytes(out, 2, buf_str(&yaml));
    wire_end(out, begun);
    buf_free(&yaml);
}

static void write_sub(uint32_t number, const struct message *m, const cJSON *v, struct buf *out)
{
    size_t begun = wire_begin(out, number);
    write_message(m, v, out);
    wire_end(out, begun);
}

static void write_named(uint32_t number, struct str name, const struct message *m, const cJSON *v,
                        struct buf *out)
{
    size_t begun = wire_begin(out, number);
    wire_add_bytes(out, 1, name);
    write_sub(2, m, v, out);
    wire_end(out, begun);
}

static void write_double(uint32_t number, const cJSON *v, struct buf *out)
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

static void write_int(uint32_t number, const cJSON *v, struct buf *out)
{
    int64_t n;
    if (json_int(v, &n))
        wire_add_number(out, number, (uint64_t)n);
}

/* ---- unions ---- */

/* Parameter{1: body, 2: NonBodyParameter{3: query, 4: path}} */
static void write_parameter(const cJSON *v, struct buf *out)
{
    struct str in = json_string_at(v, "in");
    if (str_eq_c(in, "body")) {
        write_sub(1, &body_message, v, out);
        return;
    }
    bool path = str_eq_c(in, "path");
    size_t begun = wire_begin(out, 2);
    write_sub(path ? 4 : 3, path ? &path_parameter_message : &query_message, v, out);
    wire_end(out, begun);
}

/* ParametersItem{1: parameter, 2: JsonReference{1: _ref}} */
static void write_parameters(uint32_t number, const cJSON *list, struct buf *out)
{
    for (const cJSON *v = list->child; v; v = v->next) {
        struct str ref = json_string(json_get(v, "$ref"));
        size_t item = wire_begin(out, number), begun = wire_begin(out, ref.n > 0 ? 2 : 1);
        if (ref.n > 0)
            wire_add_bytes(out, 1, ref);
        else
            write_parameter(v, out);
        wire_end(out, begun);
        wire_end(out, item);
    }
}

/* Responses{1: NamedResponseValue{1: name, 2: ResponseValue{1: Response{1: description, 2: SchemaItem{1: schema}}}}} */
static void write_responses(uint32_t number, const cJSON *responses, struct buf *out)
{
    size_t all = wire_begin(out, number);
    for (const cJSON *v = responses->child; v; v = v->next) {
        const cJSON *schema = json_get(v, "schema");
        size_t named = wire_begin(out, 1);
        wire_add_bytes(out, 1, str_c(v->string));
        size_t value = wire_begin(out, 2), response = wire_begin(out, 1);
        wire_add_bytes(out, 1, json_string(json_get(v, "description")));
        if (schema) {
            size_t item = wire_begin(out, 2);
            write_sub(1, &schema_message, schema, out);
            wire_end(out, item);
        }
        wire_end(out, response);
        wire_end(out, value);
        wire_end(out, named);
    }
    wire_end(out, all);
}

static void write_properties(uint32_t number, const cJSON *properties, struct buf *out)
{
    size_t begun = wire_begin(out, number);
    for (const cJSON *v = properties->child; v; v = v->next)
        write_named(1, str_c(v->string), &schema_message, v, out);
    wire_end(out, begun);
}

static void write_additional(uint32_t number, const cJSON *v, struct buf *out)
{
    size_t begun = wire_begin(out, number);
    if (v->type == cJSON_Object)
        write_sub(1, &schema_message, v, out);
    else
        wire_add_number(out, 2, v->type == cJSON_True);
    wire_end(out, begun);
}

static void write_type(uint32_t number, const cJSON *v, struct buf *out)
{
    size_t begun = wire_begin(out, number);
    wire_add_bytes(out, 1, json_string(v));
    wire_end(out, begun);
}

static void write_items(uint32_t number, const cJSON *v, struct buf *out)
{
    size_t begun = wire_begin(out, number);
    write_sub(1, &schema_message, v, out);
    wire_end(out, begun);
}

/* ---- members ---- */

static void write_member(const struct member *m, const cJSON *v, struct buf *out)
{
    const cJSON *first = v->type == cJSON_Array ? v->child : NULL;
    switch (m->shape) {
    case TEXT:
        wire_add_bytes(out, m->number, json_string(v));
        return;
    case TEXTS:
        for (const cJSON *c = first; c; c = c->next)
            wire_add_bytes(out, m->number, json_string(c));
        return;
    case BOOL:
        wire_add_number(out, m->number, v->type == cJSON_True);
        return;
    case INT:
        write_int(m->number, v, out);
        return;
    case DOUBLE:
        write_double(m->number, v, out);
        return;
    case ANY:
        write_any(m->number, v, out);
        return;
    case ANYS:
        for (const cJSON *c = first; c; c = c->next)
            write_any(m->number, c, out);
        return;
    case SCHEMA:
        write_sub(m->number, &schema_message, v, out);
        return;
    case SCHEMAS:
        for (const cJSON *c = first; c; c = c->next)
            write_sub(m->number, &schema_message, c, out);
        return;
    case PROPERTIES:
        write_properties(m->number, v, out);
        return;
    case TYPE_ITEM:
        write_type(m->number, v, out);
        return;
    case ITEMS:
        write_items(m->number, v, out);
        return;
    case ADDITIONAL:
        write_additional(m->number, v, out);
        return;
    case PARAMETERS:
        write_parameters(m->number, v, out);
        return;
    case RESPONSES:
        write_responses(m->number, v, out);
        return;
    case OPERATION:
        write_sub(m->number, &operation_message, v, out);
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

/* Depth: that of the JSON, which was parsed. */
static void write_message(const struct message *m, const cJSON *v, struct buf *out)
{
    if (v->type != cJSON_Object)
        return;
    for (size_t i = 0; i < m->n; i++) {
        const cJSON *value = json_get(v, m->members[i].name);
        if (value)
            write_member(&m->members[i], value, out);
    }
    for (const cJSON *c = v->child; c; c = c->next)
        if (str_starts(str_c(c->string), STR("x-")))
            write_extension(m->extensions, c, out);
}

void openapi_pb_schema(struct str name, const cJSON *schema, struct buf *out)
{
    wire_add_bytes(out, 1, name);
    write_sub(2, &schema_message, schema, out);
}

void openapi_pb_path(struct str path, const cJSON *item, struct buf *out)
{
    wire_add_bytes(out, 1, path);
    write_sub(2, &path_message, item, out);
}

void openapi_pb_parameter(struct str name, const cJSON *value, struct buf *out)
{
    wire_add_bytes(out, 1, name);
    size_t begun = wire_begin(out, 2);
    write_parameter(value, out);
    wire_end(out, begun);
}
