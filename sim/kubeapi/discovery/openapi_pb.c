/* Pieces of the v2 document as messages of gnostic's OpenAPIv2 schema: tables of members, walked over the JSON. Members that
 * begin with "x-" become vendor extensions, whose value is YAML: JSON is that already. */
#include "sim/kubeapi/discovery/openapi_pb.h"
#include "sim/kubeapi/discovery/openapi.h"

#include "sim/kubeapi/types/proto_wire.h"

static void write_schema(uint32_t number, const cJSON *v, struct buf *out);
static void write_schemas(uint32_t number, const cJSON *v, struct buf *out);
static void write_properties(uint32_t number, const cJSON *properties, struct buf *out);
static void write_type(uint32_t number, const cJSON *v, struct buf *out);
static void write_items(uint32_t number, const cJSON *v, struct buf *out);
static void write_additional(uint32_t number, const cJSON *v, struct buf *out);
static void write_parameters(uint32_t number, const cJSON *list, struct buf *out);
static void write_responses(uint32_t number, const cJSON *responses, struct buf *out);
static void write_operation(uint32_t number, const cJSON *v, struct buf *out);

static const struct pb_member schema_members[] = {
    {"$ref", 1, PB_TEXT, NULL},
    {"format", 2, PB_TEXT, NULL},
    {"title", 3, PB_TEXT, NULL},
    {"description", 4, PB_TEXT, NULL},
    {"default", 5, PB_ANY, NULL},
    {"multipleOf", 6, PB_DOUBLE, NULL},
    {"maximum", 7, PB_DOUBLE, NULL},
    {"exclusiveMaximum", 8, PB_BOOL, NULL},
    {"minimum", 9, PB_DOUBLE, NULL},
    {"exclusiveMinimum", 10, PB_BOOL, NULL},
    {"maxLength", 11, PB_INT, NULL},
    {"minLength", 12, PB_INT, NULL},
    {"pattern", 13, PB_TEXT, NULL},
    {"maxItems", 14, PB_INT, NULL},
    {"minItems", 15, PB_INT, NULL},
    {"uniqueItems", 16, PB_BOOL, NULL},
    {"maxProperties", 17, PB_INT, NULL},
    {"minProperties", 18, PB_INT, NULL},
    {"required", 19, PB_TEXTS, NULL},
    {"enum", 20, PB_ANYS, NULL},
    {"additionalProperties", 21, PB_WRITE, write_additional},
    {"type", 22, PB_WRITE, write_type},
    {"items", 23, PB_WRITE, write_items},
    {"allOf", 24, PB_WRITE, write_schemas},
    {"properties", 25, PB_WRITE, write_properties},
};
static const struct pb_message schema_message = {schema_members, ARRAY_LEN(schema_members), 31};

static const struct pb_member operation_members[] = {
    {"tags", 1, PB_TEXTS, NULL},
    {"summary", 2, PB_TEXT, NULL},
    {"description", 3, PB_TEXT, NULL},
    {"operationId", 5, PB_TEXT, NULL},
    {"produces", 6, PB_TEXTS, NULL},
    {"consumes", 7, PB_TEXTS, NULL},
    {"parameters", 8, PB_WRITE, write_parameters},
    {"responses", 9, PB_WRITE, write_responses},
    {"schemes", 10, PB_TEXTS, NULL},
    {"deprecated", 11, PB_BOOL, NULL},
};
static const struct pb_message operation_message = {operation_members, ARRAY_LEN(operation_members),
                                                    13};

static const struct pb_member path_members[] = {
    {"get", 2, PB_WRITE, write_operation},     {"put", 3, PB_WRITE, write_operation},
    {"post", 4, PB_WRITE, write_operation},    {"delete", 5, PB_WRITE, write_operation},
    {"options", 6, PB_WRITE, write_operation}, {"head", 7, PB_WRITE, write_operation},
    {"patch", 8, PB_WRITE, write_operation},   {"parameters", 9, PB_WRITE, write_parameters},
};
static const struct pb_message path_message = {path_members, ARRAY_LEN(path_members), 10};

static const struct pb_member body_members[] = {
    {"description", 1, PB_TEXT, NULL},
    {"name", 2, PB_TEXT, NULL},
    {"in", 3, PB_TEXT, NULL},
    {"required", 4, PB_BOOL, NULL},
    {"schema", 5, PB_WRITE, write_schema},
};
static const struct pb_message body_message = {body_members, ARRAY_LEN(body_members), 6};

static const struct pb_member query_members[] = {
    {"required", 1, PB_BOOL, NULL},     {"in", 2, PB_TEXT, NULL},
    {"description", 3, PB_TEXT, NULL},  {"name", 4, PB_TEXT, NULL},
    {"type", 6, PB_TEXT, NULL},         {"format", 7, PB_TEXT, NULL},
    {"uniqueItems", 20, PB_BOOL, NULL},
};
static const struct pb_message query_message = {query_members, ARRAY_LEN(query_members), 23};

static const struct pb_member path_parameter_members[] = {
    {"required", 1, PB_BOOL, NULL},     {"in", 2, PB_TEXT, NULL},
    {"description", 3, PB_TEXT, NULL},  {"name", 4, PB_TEXT, NULL},
    {"type", 5, PB_TEXT, NULL},         {"format", 6, PB_TEXT, NULL},
    {"uniqueItems", 19, PB_BOOL, NULL},
};
static const struct pb_message path_parameter_message = {path_parameter_members,
                                                         ARRAY_LEN(path_parameter_members), 22};

/* ---- unions ---- */

/* Parameter{1: body, 2: NonBodyParameter{3: query, 4: path}} */
static void write_parameter(const cJSON *v, struct buf *out)
{
    struct str in = json_string_at(v, "in");
    if (str_eq_c(in, "body")) {
        pb_sub(1, &body_message, v, out);
        return;
    }
    bool path = str_eq_c(in, "path");
    size_t begun = wire_begin(out, 2);
    pb_sub(path ? 4 : 3, path ? &path_parameter_message : &query_message, v, out);
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
            pb_sub(1, &schema_message, schema, out);
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
        pb_named(1, str_c(v->string), &schema_message, v, out);
    wire_end(out, begun);
}

static void write_additional(uint32_t number, const cJSON *v, struct buf *out)
{
    size_t begun = wire_begin(out, number);
    if (v->type == cJSON_Object)
        pb_sub(1, &schema_message, v, out);
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
    pb_sub(1, &schema_message, v, out);
    wire_end(out, begun);
}

static void write_schema(uint32_t number, const cJSON *v, struct buf *out)
{
    pb_sub(number, &schema_message, v, out);
}

static void write_schemas(uint32_t number, const cJSON *v, struct buf *out)
{
    for (const cJSON *c = v->child; c; c = c->next)
        pb_sub(number, &schema_message, c, out);
}

static void write_operation(uint32_t number, const cJSON *v, struct buf *out)
{
    pb_sub(number, &operation_message, v, out);
}

void openapi_pb_schema(struct str name, const cJSON *schema, struct buf *out)
{
    wire_add_bytes(out, 1, name);
    pb_sub(2, &schema_message, schema, out);
}

void openapi_pb_path(struct str path, const cJSON *item, struct buf *out)
{
    wire_add_bytes(out, 1, path);
    pb_sub(2, &path_message, item, out);
}

void openapi_pb_parameter(struct str name, const cJSON *value, struct buf *out)
{
    wire_add_bytes(out, 1, name);
    size_t begun = wire_begin(out, 2);
    write_parameter(value, out);
    wire_end(out, begun);
}
