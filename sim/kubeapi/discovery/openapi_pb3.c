/* A v3 document as the messages of gnostic's OpenAPIv3 schema. Wherever a schema may stand a reference may stand instead. */
#include "sim/kubeapi/discovery/openapi.h"
#include "sim/kubeapi/discovery/openapi_pb.h"

#include "sim/kubeapi/types/proto_wire.h"

static void write_schema(uint32_t number, const cJSON *v, struct buf *out);
static void write_schemas(uint32_t number, const cJSON *v, struct buf *out);
static void write_named_schemas(uint32_t number, const cJSON *v, struct buf *out);
static void write_not(uint32_t number, const cJSON *v, struct buf *out);
static void write_items(uint32_t number, const cJSON *v, struct buf *out);
static void write_additional(uint32_t number, const cJSON *v, struct buf *out);
static void write_default(uint32_t number, const cJSON *v, struct buf *out);
static void write_parameters(uint32_t number, const cJSON *v, struct buf *out);
static void write_body(uint32_t number, const cJSON *v, struct buf *out);
static void write_content(uint32_t number, const cJSON *v, struct buf *out);
static void write_responses(uint32_t number, const cJSON *v, struct buf *out);
static void write_operation(uint32_t number, const cJSON *v, struct buf *out);
static void write_paths(uint32_t number, const cJSON *v, struct buf *out);
static void write_info(uint32_t number, const cJSON *v, struct buf *out);
static void write_components(uint32_t number, const cJSON *v, struct buf *out);
static void write_security(uint32_t number, const cJSON *v, struct buf *out);

/* ---- tables ---- */

static const struct pb_member reference_members[] = {
    {"$ref", 1, PB_TEXT, NULL}, {"summary", 2, PB_TEXT, NULL}, {"description", 3, PB_TEXT, NULL}};
static const struct pb_message reference = {reference_members, ARRAY_LEN(reference_members), 0};

static const struct pb_member schema_members[] = {
    {"nullable", 1, PB_BOOL, NULL},
    {"readOnly", 3, PB_BOOL, NULL},
    {"writeOnly", 4, PB_BOOL, NULL},
    {"example", 7, PB_ANY, NULL},
    {"deprecated", 8, PB_BOOL, NULL},
    {"title", 9, PB_TEXT, NULL},
    {"multipleOf", 10, PB_DOUBLE, NULL},
    {"maximum", 11, PB_DOUBLE, NULL},
    {"exclusiveMaximum", 12, PB_BOOL, NULL},
    {"minimum", 13, PB_DOUBLE, NULL},
    {"exclusiveMinimum", 14, PB_BOOL, NULL},
    {"maxLength", 15, PB_INT, NULL},
    {"minLength", 16, PB_INT, NULL},
    {"pattern", 17, PB_TEXT, NULL},
    {"maxItems", 18, PB_INT, NULL},
    {"minItems", 19, PB_INT, NULL},
    {"uniqueItems", 20, PB_BOOL, NULL},
    {"maxProperties", 21, PB_INT, NULL},
    {"minProperties", 22, PB_INT, NULL},
    {"required", 23, PB_TEXTS, NULL},
    {"enum", 24, PB_ANYS, NULL},
    {"type", 25, PB_TEXT, NULL},
    {"allOf", 26, PB_WRITE, write_schemas},
    {"oneOf", 27, PB_WRITE, write_schemas},
    {"anyOf", 28, PB_WRITE, write_schemas},
    {"not", 29, PB_WRITE, write_not},
    {"items", 30, PB_WRITE, write_items},
    {"properties", 31, PB_WRITE, write_named_schemas},
    {"additionalProperties", 32, PB_WRITE, write_additional},
    {"default", 33, PB_WRITE, write_default},
    {"description", 34, PB_TEXT, NULL},
    {"format", 35, PB_TEXT, NULL},
};
static const struct pb_message schema = {schema_members, ARRAY_LEN(schema_members), 36};

static const struct pb_member parameter_members[] = {
    {"name", 1, PB_TEXT, NULL},
    {"in", 2, PB_TEXT, NULL},
    {"description", 3, PB_TEXT, NULL},
    {"required", 4, PB_BOOL, NULL},
    {"schema", 10, PB_WRITE, write_schema},
};
static const struct pb_message parameter = {parameter_members, ARRAY_LEN(parameter_members), 14};

static const struct pb_member media_members[] = {{"schema", 1, PB_WRITE, write_schema}};
static const struct pb_message media = {media_members, ARRAY_LEN(media_members), 5};

static const struct pb_member body_members[] = {{"description", 1, PB_TEXT, NULL},
                                                {"content", 2, PB_WRITE, write_content},
                                                {"required", 3, PB_BOOL, NULL}};
static const struct pb_message body = {body_members, ARRAY_LEN(body_members), 4};

static const struct pb_member response_members[] = {{"description", 1, PB_TEXT, NULL},
                                                    {"content", 3, PB_WRITE, write_content}};
static const struct pb_message response = {response_members, ARRAY_LEN(response_members), 5};

static const struct pb_member operation_members[] = {
    {"tags", 1, PB_TEXTS, NULL},
    {"summary", 2, PB_TEXT, NULL},
    {"description", 3, PB_TEXT, NULL},
    {"operationId", 5, PB_TEXT, NULL},
    {"parameters", 6, PB_WRITE, write_parameters},
    {"requestBody", 7, PB_WRITE, write_body},
    {"responses", 8, PB_WRITE, write_responses},
    {"deprecated", 10, PB_BOOL, NULL},
};
static const struct pb_message operation = {operation_members, ARRAY_LEN(operation_members), 13};

static const struct pb_member path_members[] = {
    {"get", 4, PB_WRITE, write_operation},     {"put", 5, PB_WRITE, write_operation},
    {"post", 6, PB_WRITE, write_operation},    {"delete", 7, PB_WRITE, write_operation},
    {"options", 8, PB_WRITE, write_operation}, {"head", 9, PB_WRITE, write_operation},
    {"patch", 10, PB_WRITE, write_operation},  {"parameters", 13, PB_WRITE, write_parameters},
};
static const struct pb_message path = {path_members, ARRAY_LEN(path_members), 14};

static const struct pb_member info_members[] = {{"title", 1, PB_TEXT, NULL},
                                                {"version", 6, PB_TEXT, NULL}};
static const struct pb_message info = {info_members, ARRAY_LEN(info_members), 7};

static const struct pb_member security_members[] = {
    {"type", 1, PB_TEXT, NULL}, {"name", 3, PB_TEXT, NULL}, {"in", 4, PB_TEXT, NULL}};
static const struct pb_message security = {security_members, ARRAY_LEN(security_members), 9};

static const struct pb_member component_members[] = {
    {"schemas", 1, PB_WRITE, write_named_schemas},
    {"securitySchemes", 7, PB_WRITE, write_security}};
static const struct pb_message components = {component_members, ARRAY_LEN(component_members), 10};

static const struct pb_member document_members[] = {
    {"openapi", 1, PB_TEXT, NULL},
    {"info", 2, PB_WRITE, write_info},
    {"paths", 4, PB_WRITE, write_paths},
    {"components", 5, PB_WRITE, write_components},
};
static const struct pb_message document = {document_members, ARRAY_LEN(document_members), 9};

/* ---- what may be a reference: {1: itself, 2: Reference} ---- */

static void write_or_reference(uint32_t number, const struct pb_message *m, const cJSON *v,
                               struct buf *out)
{
    bool refers = json_get(v, "$ref") != NULL;
    size_t begun = wire_begin(out, number);
    pb_sub(refers ? 2 : 1, refers ? &reference : m, v, out);
    wire_end(out, begun);
}

static void write_each_or_reference(uint32_t number, const struct pb_message *m, const cJSON *list,
                                    struct buf *out)
{
    for (const cJSON *c = list->child; c; c = c->next)
        write_or_reference(number, m, c, out);
}

/* One {1: name, 2: it or a reference} for each member. */
static void write_map_or_references(uint32_t number, const struct pb_message *m, const cJSON *map,
                                    struct buf *out)
{
    for (const cJSON *c = map->child; c; c = c->next) {
        size_t begun = wire_begin(out, number);
        wire_add_bytes(out, 1, str_c(c->string));
        write_or_reference(2, m, c, out);
        wire_end(out, begun);
    }
}

/* ---- schemas ---- */

static void write_schema(uint32_t number, const cJSON *v, struct buf *out)
{
    write_or_reference(number, &schema, v, out);
}

static void write_schemas(uint32_t number, const cJSON *v, struct buf *out)
{
    write_each_or_reference(number, &schema, v, out);
}

static void write_named_schemas(uint32_t number, const cJSON *v, struct buf *out)
{
    size_t begun = wire_begin(out, number);
    write_map_or_references(1, &schema, v, out);
    wire_end(out, begun);
}

static void write_not(uint32_t number, const cJSON *v, struct buf *out)
{
    pb_sub(number, &schema, v, out);
}

static void write_items(uint32_t number, const cJSON *v, struct buf *out)
{
    size_t begun = wire_begin(out, number);
    write_or_reference(1, &schema, v, out);
    wire_end(out, begun);
}

static void write_additional(uint32_t number, const cJSON *v, struct buf *out)
{
    size_t begun = wire_begin(out, number);
    if (v->type == cJSON_Object)
        write_or_reference(1, &schema, v, out);
    else
        wire_add_number(out, 2, v->type == cJSON_True);
    wire_end(out, begun);
}

/* A number, a truth value or a text; of anything else only that it is there. */
static void write_default(uint32_t number, const cJSON *v, struct buf *out)
{
    size_t begun = wire_begin(out, number);
    if (v->type == cJSON_Raw)
        pb_double(1, v, out);
    else if (v->type == cJSON_True || v->type == cJSON_False)
        wire_add_number(out, 2, v->type == cJSON_True);
    else if (json_is_string(v))
        wire_add_bytes(out, 3, json_string(v));
    wire_end(out, begun);
}

/* ---- operations ---- */

static void write_parameters(uint32_t number, const cJSON *v, struct buf *out)
{
    write_each_or_reference(number, &parameter, v, out);
}

static void write_body(uint32_t number, const cJSON *v, struct buf *out)
{
    write_or_reference(number, &body, v, out);
}

static void write_content(uint32_t number, const cJSON *v, struct buf *out)
{
    size_t begun = wire_begin(out, number);
    for (const cJSON *c = v->child; c; c = c->next)
        pb_named(1, str_c(c->string), &media, c, out);
    wire_end(out, begun);
}

static void write_responses(uint32_t number, const cJSON *v, struct buf *out)
{
    size_t begun = wire_begin(out, number);
    write_map_or_references(2, &response, v, out);
    wire_end(out, begun);
}

static void write_operation(uint32_t number, const cJSON *v, struct buf *out)
{
    pb_sub(number, &operation, v, out);
}

/* ---- the document ---- */

static void write_paths(uint32_t number, const cJSON *v, struct buf *out)
{
    size_t begun = wire_begin(out, number);
    for (const cJSON *c = v->child; c; c = c->next)
        pb_named(1, str_c(c->string), &path, c, out);
    wire_end(out, begun);
}

static void write_info(uint32_t number, const cJSON *v, struct buf *out)
{
    pb_sub(number, &info, v, out);
}

static void write_components(uint32_t number, const cJSON *v, struct buf *out)
{
    pb_sub(number, &components, v, out);
}

static void write_security(uint32_t number, const cJSON *v, struct buf *out)
{
    size_t begun = wire_begin(out, number);
    write_map_or_references(1, &security, v, out);
    wire_end(out, begun);
}

void openapi_pb3_document(const cJSON *v, struct buf *out)
{
    pb_write(&document, v, out);
}
