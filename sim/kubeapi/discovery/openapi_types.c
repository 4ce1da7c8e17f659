/* Schemas of built-in types, written from the type graph. */
#include "sim/kubeapi/discovery/openapi.h"

const char *openapi_ref_prefix(enum openapi v)
{
    return v == OPENAPI_V2 ? "#/definitions/" : "#/components/schemas/";
}

/* ---- which types ---- */

static void collect_one(struct map *types, const struct type *t)
{
    while (t && t->name.n == 0 && (t->kind == TYPE_LIST || t->kind == TYPE_MAP))
        t = t->items;
    if (t && t->name.n > 0 && !map_has(types, t->name))
        map_put(types, t->name, (void *)(uintptr_t)t);
}

void openapi_collect(struct map *types, const struct type *t)
{
    void *value;
    collect_one(types, t);
    for (size_t i = 0;
         map_next(types, &i, NULL, &value);) { /* what is put meanwhile is walked too */
        const struct type *next = value;
        for (size_t f = 0; f < next->fields_n; f++)
            collect_one(types, next->fields[f].type);
        collect_one(types, next->items);
    }
}

/* ---- writing ---- */

struct writer {
    enum openapi v;
    struct buf *out;
    char next; /* '{' in front of the first member, then ',' */
};

static void key(struct writer *w, const char *name)
{
    buf_addf(w->out, "%c\"%s\":", w->next, name);
    w->next = ',';
}

static void member(struct writer *w, const char *name, struct str json)
{
    key(w, name);
    buf_add(w->out, json);
}

static void text(struct writer *w, const char *name, struct str value)
{
    if (value.n == 0)
        return;
    key(w, name);
    json_write_string(w->out, value);
}

static void end(struct writer *w)
{
    buf_add_c(w->out, w->next == '{' ? "{}" : "}");
}

static const struct {
    const char *type, *format;
} scalars[] = {
    [TYPE_STRING] = {"string", NULL},      [TYPE_BOOL] = {"boolean", NULL},
    [TYPE_INT32] = {"integer", "int32"},   [TYPE_INT64] = {"integer", "int64"},
    [TYPE_INTEGER] = {"integer", NULL},    [TYPE_NUMBER] = {"number", "double"},
    [TYPE_QUANTITY] = {"string", NULL},    [TYPE_INT_OR_STRING] = {"string", "int-or-string"},
    [TYPE_TIME] = {"string", "date-time"}, [TYPE_MICRO_TIME] = {"string", "date-time"},
    [TYPE_DURATION] = {"string", NULL},    [TYPE_BYTES] = {"string", "byte"},
    [TYPE_RAW] = {"object", NULL},         [TYPE_FIELDS_V1] = {"object", NULL},
};

static void write_scalar(struct writer *w, const struct type *t)
{
    bool patch = str_ends(t->name, STR(".Patch"));
    if (t->kind == TYPE_ANY && !patch)
        return; /* anything */
    if (w->v == OPENAPI_V3 && t->kind == TYPE_QUANTITY) {
        member(w, "oneOf", STR("[{\"type\":\"string\"},{\"type\":\"number\"}]"));
        return;
    }
    if (w->v == OPENAPI_V3 && t->kind == TYPE_INT_OR_STRING) {
        member(w, "oneOf", STR("[{\"type\":\"integer\"},{\"type\":\"string\"}]"));
        member(w, "format", STR("\"int-or-string\""));
        return;
    }
    text(w, "type", patch ? STR("object") : str_c(scalars[t->kind].type));
    text(w, "format", str_c(scalars[t->kind].format));
}

static void write_reference(struct writer *w, const struct type *t, bool alone)
{
    bool wrapped = w->v == OPENAPI_V3 && !alone;
    key(w, wrapped ? "allOf" : "$ref");
    buf_addf(w->out, "%s\"%s" STR_FMT "\"%s", wrapped ? "[{\"$ref\":" : "",
             openapi_ref_prefix(w->v), STR_ARG(t->name), wrapped ? "}]" : "");
}

/* What Go writes when such a value is empty: v3 shows it as the default of values that are always there. */
static struct str zero_of(const struct type *t)
{
    switch (t->kind) {
    case TYPE_STRING:
        return STR("\"\"");
    case TYPE_BOOL:
        return STR("false");
    case TYPE_INT32:
    case TYPE_INT64:
    case TYPE_NUMBER:
        return STR("0");
    case TYPE_OBJECT:
        return STR("{}");
    default:
        return str_empty;
    }
}

static void write_list_type(struct writer *w, const struct type *t)
{
    bool keyed = (t->flags & TYPE_KEYED) != 0;
    if (keyed) {
        key(w, "x-kubernetes-list-map-keys");
        for (size_t i = 0; i < t->list_keys_n; i++)
            buf_addf(w->out, "%c\"" STR_FMT "\"", i > 0 ? ',' : '[', STR_ARG(t->list_keys[i]));
        buf_add_char(w->out, ']');
    }
    if (keyed || (t->flags & (TYPE_SET | TYPE_ATOMIC)))
        text(w, "x-kubernetes-list-type",
             keyed                 ? STR("map")
             : t->flags & TYPE_SET ? STR("set")
                                   : STR("atomic"));
}

static void write_value(enum openapi v, struct buf *out, const struct type *t,
                        const char *enum_json);

/* An anonymous type: a list, a map, a scalar; or a reference to a named one. */
static void write_shape(struct writer *w, const struct type *t, const char *enum_json, bool alone)
{
    if (t->name.n > 0) {
        write_reference(w, t, alone);
    } else if (t->kind == TYPE_LIST) {
        text(w, "type", STR("array"));
        key(w, "items");
        write_value(w->v, w->out, t->items, enum_json);
        write_list_type(w, t);
    } else if (t->kind == TYPE_MAP) {
        text(w, "type", STR("object"));
        key(w, "additionalProperties");
        write_value(w->v, w->out, t->items, NULL);
        if (t->flags & TYPE_ATOMIC)
            text(w, "x-kubernetes-map-type", STR("atomic"));
    } else {
        write_scalar(w, t);
        if (enum_json)
            member(w, "enum", str_c(enum_json));
    }
}

/* The element of a list or map: nested at most as deep as the data files nest lists. */
static void write_value(enum openapi v, struct buf *out, const struct type *t,
                        const char *enum_json)
{
    struct writer w = {v, out, '{'};
    struct str zero = v == OPENAPI_V3 ? zero_of(t) : str_empty;
    write_shape(&w, t, enum_json, zero.n == 0);
    if (zero.n > 0)
        member(&w, "default", zero);
    end(&w);
}

static void write_strategy(struct writer *w, const struct type_field *f)
{
    bool merge = (f->flags & FIELD_MERGE) != 0, retain = (f->flags & FIELD_RETAIN_KEYS) != 0;
    if (merge)
        text(w, "x-kubernetes-patch-merge-key", f->merge_key);
    if (merge || retain)
        text(w, "x-kubernetes-patch-strategy",
             !retain ? STR("merge")
             : merge ? STR("merge,retainKeys")
                     : STR("retainKeys"));
}

static struct str default_of(enum openapi v, const struct type_field *f)
{
    if (v == OPENAPI_V2)
        return str_empty;
    if (f->default_json.n > 0 && !(f->flags & FIELD_UNTOLD))
        return f->default_json;
    bool there = (f->flags & FIELD_ALWAYS) != 0 && !(f->flags & FIELD_POINTER);
    bool object = f->type->kind == TYPE_OBJECT && !(f->flags & FIELD_POINTER);
    return there || object ? zero_of(f->type) : str_empty;
}

static void write_field(enum openapi v, struct buf *out, const struct type_field *f)
{
    struct writer w = {v, out, '{'};
    struct str fallback = default_of(v, f);
    bool alone =
        f->description.n == 0 && fallback.n == 0 && !(f->flags & (FIELD_MERGE | FIELD_RETAIN_KEYS));
    text(&w, "description", f->description);
    write_shape(&w, f->type, f->enum_json, alone);
    if (fallback.n > 0)
        member(&w, "default", fallback);
    write_strategy(&w, f);
    end(&w);
}

/* ---- kinds ---- */

static void write_gvk(struct buf *out, char open, struct str group, struct str version,
                      struct str kind)
{
    buf_addf(out,
             "%c{\"group\":\"" STR_FMT "\",\"kind\":\"" STR_FMT "\",\"version\":\"" STR_FMT "\"}",
             open, STR_ARG(group), STR_ARG(kind), STR_ARG(version));
}

static void write_gvks(struct writer *w, struct kubeapi *api, const struct type *t)
{
    struct type_gvk gvk;
    char open = '[';
    if (!type_gvk(t, &gvk))
        return;
    key(w, "x-kubernetes-group-version-kind");
    if (!gvk.everywhere) {
        write_gvk(w->out, open, gvk.group, gvk.version, gvk.kind);
        buf_add_char(w->out, ']');
        return;
    }
    struct documents_rows rows = documents_rows(api->documents);
    for (size_t i = 0; i < rows.n; i = documents_version_end(&rows, i), open = ',')
        write_gvk(w->out, open, rows.rows[i]->group, rows.rows[i]->version, gvk.kind);
    buf_add_char(w->out, ']');
}

void openapi_write_type(struct kubeapi *api, enum openapi v, const struct type *t, struct buf *out)
{
    struct writer w = {v, out, '{'};
    char open = '[';
    text(&w, "description", t->description);
    if (t->kind != TYPE_OBJECT) {
        write_scalar(&w, t);
        end(&w);
        return;
    }
    text(&w, "type", STR("object"));
    for (size_t i = 0; i < t->fields_n; i++) {
        buf_addf(out, "%s\"" STR_FMT "\":", i == 0 ? ",\"properties\":{" : ",",
                 STR_ARG(t->fields[i].name));
        write_field(v, out, &t->fields[i]);
    }
    buf_add_c(out, t->fields_n > 0 ? "}" : "");
    for (size_t i = 0; i < t->fields_n; i++)
        if (t->fields[i].flags & FIELD_REQUIRED) {
            if (open == '[')
                key(&w, "required");
            buf_addf(out, "%c\"" STR_FMT "\"", open, STR_ARG(t->fields[i].name));
            open = ',';
        }
    buf_add_c(out, open == ',' ? "]" : "");
    if (t->flags & TYPE_ATOMIC)
        text(&w, "x-kubernetes-map-type", STR("atomic"));
    write_gvks(&w, api, t);
    end(&w);
}
