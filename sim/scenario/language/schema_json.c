/* The JSON Schema of the language (draft 2020-12), from the tables: for editors. What it cannot say (names that must
 * exist, expressions) the loader checks. */
#include "engine/base/json.h"
#include "sim/scenario/language/language.h"
#include "sim/scenario/language/scenario.h"
#include "sim/scenario/language/stages.h"

static void text(struct buf *out, const char *z)
{
    json_write_string(out, str_c(z));
}

/* "key": with the comma before it where one is due. */
static void key(struct buf *out, const char *name)
{
    char last = out->n ? out->p[out->n - 1] : '{';
    if (last != '{' && last != '[')
        buf_add_char(out, ',');
    text(out, name);
    buf_add_char(out, ':');
}

static void item(struct buf *out)
{
    if (out->p[out->n - 1] != '[')
        buf_add_char(out, ',');
}

static void describe(struct buf *out, const char *doc)
{
    key(out, "description");
    text(out, doc);
}

/* The default, as a value of its type. */
static void write_default(struct buf *out, const struct field *f)
{
    if (!f->otherwise)
        return;
    key(out, "default");
    if (f->type == FIELD_BOOL || f->type == FIELD_INT)
        buf_add_c(out, f->otherwise);
    else
        text(out, f->otherwise);
}

/* What an editor may offer to begin with. */
static void write_examples(struct buf *out, const struct field *f)
{
    static const char *const examples[FIELD_TYPE_COUNT] = {
        [FIELD_DURATION] = "\"30s\",\"1h30m\"",
        [FIELD_INSTANT] = "\"2026-01-01T00:00:00Z\"",
        [FIELD_SHARE] = "0.1,\"10%\"",
        [FIELD_SIZE] = "\"64KiB\",\"8GiB\"",
        [FIELD_EVENTS] = "\"3 events\"",
        [FIELD_EXPR] = "\"all(agent: connected)\",\"count(cluster where state == active) == 3\"",
        [FIELD_TARGET] =
            "\"site/a\",\"manager/a[0]\",\"cluster/edge[0..4]\",\"link/cluster/edge/site/a\"",
        [FIELD_FAULT] = "{\"net\":\"partition\"},{\"process\":\"crash\"},{\"dns\":\"servfail\"}",
        [FIELD_MOMENT] = "\"10m\",\"the name of a step\",{\"step\":\"settle\",\"delay\":\"20s\"}",
    };
    if (!examples[f->type])
        return;
    key(out, "examples");
    buf_addf(out, "[%s]", examples[f->type]);
}

static void write_shape(struct buf *out, const struct shape *shape);
static void write_field(struct buf *out, const struct field *f);

/* ---- types ---- */

static void write_words(struct buf *out, const char *values)
{
    struct str word, rest = str_c(values);
    key(out, "enum");
    buf_add_char(out, '[');
    for (bool more = true; more;) {
        more = str_cut(rest, '|', &word, &rest);
        item(out);
        json_write_string(out, word);
    }
    buf_add_char(out, ']');
}

static void write_ref(struct buf *out, const char *name)
{
    buf_addf(out, "{\"$ref\":\"#/$defs/%s\"}", name);
}

static void write_type_or_subst(struct buf *out, const char *type)
{
    buf_addf(out, "{\"anyOf\":[{%s},", type);
    write_ref(out, "substitution");
    buf_add_c(out, "]}");
}

static void write_list_of(struct buf *out, const struct shape *shape, bool or_one, bool filled)
{
    if (or_one) {
        buf_add_c(out, "{\"anyOf\":[");
        write_shape(out, shape);
        buf_add_char(out, ',');
    }
    buf_addf(out, "{\"type\":\"array\",%s\"items\":", filled ? "\"minItems\":1," : "");
    write_shape(out, shape);
    buf_add_c(out, or_one ? "}]}" : "}");
}

static void write_map_of(struct buf *out, const struct shape *shape)
{
    buf_add_c(out, "{\"type\":\"object\",\"propertyNames\":");
    write_ref(out, "name");
    key(out, "additionalProperties");
    write_shape(out, shape);
    buf_add_char(out, '}');
}

/* Single policies: each with its values in its row. */
static void write_policies(struct buf *out)
{
    buf_add_c(out, "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
    for (size_t i = 0; i < POLICY_COUNT; i++) {
        const struct policy_row *row = &policy_table[i];
        key(out, row->name);
        buf_add_char(out, '{');
        describe(out, row->doc);
        buf_add_c(out, ",\"anyOf\":[");
        write_ref(out, "substitution");
        if (row->type == POLICY_ENUM) {
            buf_add_c(out, ",{");
            write_words(out, row->values);
            buf_add_char(out, '}');
        } else {
            item(out);
            write_ref(out, "duration");
        }
        buf_add_c(out, "]}");
    }
    buf_add_c(out, "}}");
}

/* What the loader reads without a table. */
static void write_free(struct buf *out, const char *name)
{
    if (str_eq(str_c(name), STR("policies")))
        write_policies(out);
    else if (str_eq(str_c(name), STR("matrix")))
        buf_add_c(
            out, "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"array\",\"minItems\":1,"
                 "\"items\":{\"anyOf\":[{\"type\":\"object\",\"required\":[\"id\"]},{\"type\":["
                 "\"string\",\"number\",\"boolean\"]}]}},\"properties\":{\"include\":{\"type\":"
                 "\"array\",\"items\":{\"type\":\"object\",\"minProperties\":1}},\"exclude\":{"
                 "\"type\":\"array\",\"items\":{\"type\":\"object\",\"minProperties\":1}}}}");
    else if (str_eq(str_c(name), STR("with")))
        buf_add_c(out, "{\"type\":\"object\"}");
    else if (str_eq(str_c(name), STR("object")))
        buf_add_c(out, "{\"type\":\"object\",\"required\":[\"apiVersion\",\"kind\",\"metadata\"]}");
    else if (str_eq(str_c(name), STR("default")) || str_eq(str_c(name), STR("min")) ||
             str_eq(str_c(name), STR("max")))
        buf_add_c(out, "{\"type\":[\"string\",\"number\",\"boolean\"]}");
    else
        buf_add_c(out, "{}");
}

static void write_node(struct buf *out, const struct field *f)
{
    if (!f->shape)
        write_free(out, f->name);
    else if (f->flags & FIELD_LIST_OF)
        write_list_of(out, f->shape, f->flags & FIELD_OR_ONE, f->flags & FIELD_NON_EMPTY);
    else if (f->flags & FIELD_MAP_OF)
        write_map_of(out, f->shape);
    else if (f->flags & FIELD_OR_FILE) {
        buf_add_c(out, "{\"anyOf\":[{\"type\":\"string\",\"minLength\":1},");
        write_shape(out, f->shape);
        buf_add_c(out, "]}");
    } else
        write_shape(out, f->shape);
}

static void write_int(struct buf *out, const struct field *f)
{
    bool any = f->min == 0 && f->max == 0;
    buf_addf(out, "{\"anyOf\":[{\"type\":\"integer\",\"minimum\":%lld", (long long)f->min);
    if (!any && f->max < INT64_C(1) << 53) /* what JSON's readers keep exactly */
        buf_addf(out, ",\"maximum\":%lld", (long long)f->max);
    buf_add_c(out, "},");
    write_ref(out, "substitution");
    buf_add_c(out, "]}");
}

static void write_strings(struct buf *out, const struct field *f)
{
    const char *least = f->flags & FIELD_NON_EMPTY ? "\"minItems\":1," : "";
    const char *items = "{\"type\":\"string\"}";
    if (str_eq(str_c(f->name), STR("profile")))
        items = "{\"enum\":[\"compat\",\"hardened\"]}";
    else if (f->flags & FIELD_NON_EMPTY)
        items = "{\"type\":\"string\",\"minLength\":1}";
    buf_addf(out, "{\"anyOf\":[%s,{\"type\":\"array\",%s\"items\":%s}]}", items, least, items);
}

static void write_enum(struct buf *out, const struct field *f)
{
    buf_add_c(out, "{\"anyOf\":[{");
    write_words(out, f->values);
    buf_add_c(out, "},");
    write_ref(out, "substitution");
    buf_add_c(out, "]}");
}

static void write_type(struct buf *out, const struct field *f)
{
    switch (f->type) {
    case FIELD_BOOL:
        write_type_or_subst(out, "\"type\":\"boolean\"");
        return;
    case FIELD_INT:
        write_int(out, f);
        return;
    case FIELD_DURATION:
        write_ref(out, "duration");
        return;
    case FIELD_SPAN:
        write_ref(out, "span");
        return;
    case FIELD_SHARE:
        write_ref(out, "share");
        return;
    case FIELD_SIZE:
        write_ref(out, "size");
        return;
    case FIELD_ENUM:
        write_enum(out, f);
        return;
    case FIELD_STRINGS:
        write_strings(out, f);
        return;
    case FIELD_EXPR:
        buf_add_c(out, "{\"type\":[\"string\",\"boolean\"],\"minLength\":1}");
        return;
    case FIELD_INSTANT:
    case FIELD_EVENTS:
    case FIELD_TARGET:
        write_ref(out, f->type == FIELD_INSTANT  ? "instant"
                       : f->type == FIELD_EVENTS ? "events"
                                                 : "target");
        return;
    case FIELD_FAULT:
        write_ref(out, "fault");
        return;
    case FIELD_MOMENT:
        write_ref(out, "moment");
        return;
    case FIELD_NODE:
        write_node(out, f);
        return;
    case FIELD_OBJECT:
        write_shape(out, f->shape);
        return;
    case FIELD_OBJECTS:
        write_list_of(out, f->shape, f->flags & FIELD_OR_ONE, f->flags & FIELD_NON_EMPTY);
        return;
    case FIELD_NAMED:
        write_map_of(out, f->shape);
        return;
    default:
        buf_addf(out, "{\"type\":\"string\"%s}",
                 f->flags & FIELD_NON_EMPTY ? ",\"minLength\":1" : "");
    }
}

/* The type with the doc beside it: editors show it at the field. */
static void write_field(struct buf *out, const struct field *f)
{
    buf_add_char(out, '{');
    describe(out, f->doc);
    write_default(out, f);
    write_examples(out, f);
    buf_add_c(out, ",\"allOf\":[");
    write_type(out, f);
    buf_add_c(out, "]}");
}

/* ---- mappings ---- */

/* What a template may bring in is not needed in the file itself; the loader sees the whole. */
static bool is_in_parts(const struct shape *shape)
{
    return shape == &file_shape || shape == &topology_shape ||
           str_eq(str_c(shape->name), STR("dns"));
}

static void write_properties(struct buf *out, const struct field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        key(out, fields[i].name);
        write_field(out, &fields[i]);
    }
}

static void write_required(struct buf *out, const struct field *fields, size_t n, const char *more)
{
    key(out, "required");
    buf_add_char(out, '[');
    if (more)
        text(out, more);
    for (size_t i = 0; i < n; i++) {
        if (!(fields[i].flags & FIELD_REQUIRED))
            continue;
        item(out);
        text(out, fields[i].name);
    }
    buf_add_char(out, ']');
}

static void write_choice(struct buf *out, const struct shape *shape)
{
    bool any = false;
    for (size_t i = 0; i < shape->fields_n; i++) {
        if (!(shape->fields[i].flags & FIELD_CHOICE))
            continue;
        if (!any) {
            key(out, "oneOf");
            buf_add_char(out, '[');
        }
        any = true;
        item(out);
        buf_add_c(out, "{\"required\":[");
        text(out, shape->fields[i].name);
        buf_add_c(out, "]}");
    }
    if (any)
        buf_add_char(out, ']');
}

static const struct field *scalar_field(const struct shape *shape)
{
    for (size_t i = 0; shape->scalar && i < shape->fields_n; i++)
        if (str_eq(str_c(shape->scalar), str_c(shape->fields[i].name)))
            return &shape->fields[i];
    return NULL;
}

static void write_shape(struct buf *out, const struct shape *shape)
{
    const struct field *bare = scalar_field(shape);
    if (bare) {
        buf_add_c(out, "{\"anyOf\":[");
        write_type(out, bare);
        buf_add_char(out, ',');
    }
    buf_add_c(out, "{\"type\":\"object\"");
    describe(out, shape->doc);
    buf_add_c(out, ",\"additionalProperties\":false,\"properties\":{");
    write_properties(out, shape->fields, shape->fields_n);
    buf_add_char(out, '}');
    if (!is_in_parts(shape))
        write_required(out, shape->fields, shape->fields_n, NULL);
    write_choice(out, shape);
    buf_add_c(out, bare ? "}]}" : "}");
}

/* ---- faults and other definitions ---- */

static void write_fault_row(struct buf *out, const struct fault_row *row)
{
    buf_add_c(out, "{\"type\":\"object\"");
    describe(out, row->doc);
    buf_add_c(out, ",\"additionalProperties\":false,\"properties\":{");
    key(out, row->family);
    buf_add_c(out, "{\"const\":");
    text(out, row->kind);
    buf_add_char(out, '}');
    write_properties(out, row->fields, row->fields_n);
    buf_add_char(out, '}');
    write_required(out, row->fields, row->fields_n, row->family);
    buf_add_char(out, '}');
}

/* {http: {code: 429}} */
static void write_fault_map(struct buf *out, const struct fault_row *row)
{
    const struct shape shape = {row->kind, row->fields, row->fields_n, 0, NULL, row->doc};
    buf_add_c(out, "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
    key(out, row->family);
    write_shape(out, &shape);
    buf_add_char(out, '}');
    write_required(out, NULL, 0, row->family);
    buf_add_char(out, '}');
}

static void write_faults(struct buf *out)
{
    key(out, "fault");
    buf_add_c(out, "{\"anyOf\":[");
    write_ref(out, "substitution");
    for (size_t i = 0; i < fault_table_n; i++) {
        item(out);
        write_fault_row(out, &fault_table[i]);
        if (fault_table[i].id != FAULT_HTTP_ERROR)
            continue;
        item(out);
        write_fault_map(out, &fault_table[i]);
    }
    buf_add_c(out, "]}");
}

/* A kind and names behind it; what is computed is not looked into. */
static void write_target(struct buf *out)
{
    key(out, "target");
    buf_add_c(out, "{\"type\":\"string\",\"pattern\":\"^((");
    for (int kind = TARGET_SITE; kind < TARGET_KIND_COUNT; kind++)
        buf_addf(out, "%s%s", kind == TARGET_SITE ? "" : "|",
                 target_kind_name((enum target_kind)kind));
    buf_add_c(out, ")([/\\\\[].*)?|.*\\\\$\\\\{.*)$\"}");
}

#define UNITS "[0-9]+(\\\\.[0-9]+)?(ns|us|ms|s|m|h|d)"
/* In place of a value; part of a text. */
#define HOLDS ".*\\\\$\\\\{.*\\\\}.*"
#define SUBST "\\\\$\\\\{.*\\\\}"

static void write_definitions(struct buf *out)
{
    static const char plain[] =
        "\"substitution\":{\"type\":\"string\",\"pattern\":\"^" SUBST "$\"},"
        "\"duration\":{\"type\":[\"string\",\"integer\"],\"pattern\":\"^((" UNITS ")+|-(" UNITS
        ")+|0|" HOLDS ")$\",\"maximum\":0,\"minimum\":0},"
        "\"span\":{\"type\":\"string\",\"pattern\":\"^((([0-9]+(\\\\.[0-9]+)?(ns|us|ms|s|m|h|d))+|"
        "\\\\$\\\\{[^}]*\\\\})(\\\\.\\\\.|$)){1,2}$\"},"
        "\"share\":{\"type\":[\"string\",\"number\"],\"minimum\":0,\"maximum\":1,"
        "\"pattern\":\"^([0-9]+(\\\\.[0-9]+)?%|" HOLDS ")$\"},"
        "\"size\":{\"type\":\"string\",\"pattern\":\"^([0-9]+ "
        "?(B|kB|KB|MB|GB|KiB|MiB|GiB|TiB)|" HOLDS ")$\"},"
        "\"instant\":{\"type\":\"string\",\"pattern\":\"^([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]"
        "{2}:"
        "[0-9]{2}(\\\\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})|" HOLDS ")$\"},"
        "\"events\":{\"type\":\"string\",\"pattern\":\"^([0-9]+ events?|" HOLDS ")$\"},"
        "\"name\":{\"pattern\":\"^[A-Za-z_][A-Za-z0-9_-]*$\",\"not\":{\"enum\":[\"y\",\"n\","
        "\"yes\","
        "\"no\",\"on\",\"off\"]}}";
    buf_add_c(out, plain);
    write_target(out);
    key(out, "moment");
    buf_add_c(out, "{\"anyOf\":[{\"type\":\"string\",\"description\":\"a time such as 10m, or a "
                   "step's name\"},{\"const\":0},");
    write_shape(out, &after_shape);
    buf_add_c(out, "]}");
    write_faults(out);
    key(out, "template");
    write_shape(out, &template_shape);
    key(out, "stages");
    write_shape(out, &stages_shape);
    key(out, "scenario");
    write_shape(out, &file_shape);
}

void scenario_schema(struct buf *out)
{
    buf_add_c(
        out,
        "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
        "\"$id\":\"urn:paddock:scenario:" SCENARIO_VERSION "\","
        "\"title\":\"Paddock scenario " SCENARIO_VERSION "\","
        "\"description\":\"A scenario, a template of scenarios, or stages of "
        "pods and nodes\",\"type\":\"object\","
        "\"if\":{\"required\":[\"template\"]},\"then\":{\"$ref\":\"#/$defs/template\"},"
        "\"else\":{\"if\":{\"required\":[\"stages\"]},\"then\":{\"$ref\":\"#/$defs/stages\"},"
        "\"else\":{\"$ref\":\"#/$defs/scenario\",\"required\":[\"scenario\",\"name\"],"
        "\"if\":{\"required\":[\"use\"]},\"else\":{\"required\":[\"topology\"],\"properties\":{"
        "\"topology\":{\"required\":[\"sites\"]}}}}},\"$defs\":{");
    write_definitions(out);
    buf_add_c(out, "}}\n");
}
