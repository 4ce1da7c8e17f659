/* The JSON Schema of the language (draft 2020-12), from the tables: for editors. What it cannot say (names that must
 * exist, expressions) the loader checks. */
#include "engine/base/json.h"
#include "sim/scenario/language/language.h"
#include "sim/scenario/language/scenario.h"

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

static void describe(struct buf *out, const char *doc, const char *otherwise)
{
    struct buf about = {0};
    buf_add_c(&about, doc);
    if (otherwise)
        buf_addf(&about, " (left out: %s)", otherwise);
    key(out, "description");
    json_write_string(out, buf_str(&about));
    buf_free(&about);
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

static void write_list_of(struct buf *out, const struct shape *shape, bool or_one)
{
    if (or_one) {
        buf_add_c(out, "{\"anyOf\":[");
        write_shape(out, shape);
        buf_add_char(out, ',');
    }
    buf_add_c(out, "{\"type\":\"array\",\"items\":");
    write_shape(out, shape);
    buf_add_c(out, or_one ? "}]}" : "}");
}

static void write_map_of(struct buf *out, const struct shape *shape)
{
    buf_add_c(out, "{\"type\":\"object\",\"additionalProperties\":");
    write_shape(out, shape);
    buf_add_char(out, '}');
}

static void write_node(struct buf *out, const struct field *f)
{
    if (!f->shape)
        buf_add_c(out, "{}");
    else if (f->flags & FIELD_LIST_OF)
        write_list_of(out, f->shape, f->flags & FIELD_OR_ONE);
    else if (f->flags & FIELD_MAP_OF)
        write_map_of(out, f->shape);
    else
        write_shape(out, f->shape);
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
        write_type_or_subst(out, "\"type\":\"integer\"");
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
        buf_add_c(out, "{\"type\":[\"string\",\"array\"],\"items\":{\"type\":\"string\"}}");
        return;
    case FIELD_EXPR:
        buf_add_c(out, "{\"type\":[\"string\",\"boolean\"]}");
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
        write_list_of(out, f->shape, f->flags & FIELD_OR_ONE);
        return;
    case FIELD_NAMED:
        write_map_of(out, f->shape);
        return;
    default:
        buf_add_c(out, "{\"type\":\"string\"}");
    }
}

/* The type with the doc beside it: editors show it at the field. */
static void write_field(struct buf *out, const struct field *f)
{
    buf_add_char(out, '{');
    describe(out, f->doc, f->otherwise);
    buf_add_c(out, ",\"allOf\":[");
    write_type(out, f);
    buf_add_c(out, "]}");
}

/* ---- mappings ---- */

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
    describe(out, shape->doc, NULL);
    buf_add_c(out, ",\"additionalProperties\":false,\"properties\":{");
    write_properties(out, shape->fields, shape->fields_n);
    buf_add_char(out, '}');
    write_required(out, shape->fields, shape->fields_n, NULL);
    write_choice(out, shape);
    buf_add_c(out, bare ? "}]}" : "}");
}

/* ---- faults and other definitions ---- */

static void write_fault_row(struct buf *out, const struct fault_row *row)
{
    buf_add_c(out, "{\"type\":\"object\"");
    describe(out, row->doc, NULL);
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

static void write_definitions(struct buf *out)
{
    static const char plain[] =
        "\"substitution\":{\"type\":\"string\",\"pattern\":\"^\\\\$\\\\{.*\\\\}$\"},"
        "\"duration\":{\"type\":[\"string\",\"integer\"],\"pattern\":\"^(-?([0-9]+(\\\\.[0-9]+)?"
        "(ns|us|ms|s|m|h|d))+|\\\\$\\\\{.*\\\\})$\",\"maximum\":0},"
        "\"span\":{\"type\":\"string\",\"pattern\":\"^((([0-9]+(\\\\.[0-9]+)?(ns|us|ms|s|m|h|d))+|"
        "\\\\$\\\\{[^}]*\\\\})(\\\\.\\\\.|$)){1,2}$\"},"
        "\"share\":{\"type\":[\"string\",\"number\"],\"maximum\":1,"
        "\"pattern\":\"^([0-9.]+%|\\\\$\\\\{.*\\\\})$\"},"
        "\"size\":{\"type\":\"string\",\"pattern\":\"^([0-9]+ ?(B|kB|KB|MB|GB|KiB|MiB|GiB|TiB)|"
        "\\\\$\\\\{.*\\\\})$\"}";
    buf_add_c(out, plain);
    key(out, "moment");
    buf_add_c(out, "{\"anyOf\":[{\"type\":\"string\",\"description\":\"a time such as 10m, or a "
                   "step's name\"},");
    write_shape(out, &after_shape);
    buf_add_c(out, "]}");
    write_faults(out);
}

void scenario_schema(struct buf *out)
{
    buf_add_c(out, "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
                   "\"title\":\"Paddock scenario " SCENARIO_VERSION "\",\"allOf\":[");
    write_shape(out, &file_shape);
    buf_add_c(out, "],\"$defs\":{");
    write_definitions(out);
    buf_add_c(out, "}}\n");
}
