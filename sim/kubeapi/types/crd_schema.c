/* From a schema to a graph of types. */
#include "sim/kubeapi/types/crd_schema.h"

#include "sim/kubeapi/types/formats.h"
#include "sim/kubeapi/types/pattern.h"

#include <stdlib.h>

struct compiler {
    const struct crd_schema_options *options;
    struct arena *a;
};

static const struct type *compile(struct compiler *c, const cJSON *s, bool root);

static bool flag(const cJSON *s, const char *key)
{
    return json_bool_at(s, key, false);
}

static struct str own(struct compiler *c, const cJSON *s, const char *key)
{
    struct str v = json_string(json_get(s, key));
    return v.n > 0 ? arena_str(c->a, v) : str_empty;
}

static struct str json_text(struct compiler *c, const cJSON *v)
{
    struct buf b = {0};
    json_write(&b, v);
    struct str s = arena_str(c->a, buf_str(&b));
    buf_free(&b);
    return s;
}

static size_t count(const cJSON *list)
{
    size_t n = 0;
    for (const cJSON *c = list ? list->child : NULL; c; c = c->next)
        n++;
    return n;
}

static const struct str *strings(struct compiler *c, const cJSON *list, size_t *n)
{
    struct str *out = ARENA_NEW_ARRAY(c->a, struct str, count(list) + 1);
    *n = 0;
    for (const cJSON *i = list ? list->child : NULL; i; i = i->next)
        out[(*n)++] = arena_str(c->a, json_string(i));
    return out;
}

/* ---- kinds and flags ---- */

static enum type_kind kind_of(const cJSON *s)
{
    static const struct {
        const char *name;
        enum type_kind kind;
    } kinds[] = {{"object", TYPE_OBJECT}, {"array", TYPE_LIST},      {"string", TYPE_STRING},
                 {"boolean", TYPE_BOOL},  {"integer", TYPE_INTEGER}, {"number", TYPE_NUMBER}};
    const cJSON *additional = json_get(s, "additionalProperties");
    struct str type = json_string(json_get(s, "type"));
    if (flag(s, "x-kubernetes-int-or-string"))
        return TYPE_INT_OR_STRING;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!str_eq_c(type, kinds[i].name))
            continue;
        bool map = kinds[i].kind == TYPE_OBJECT && additional && additional->type != cJSON_False;
        return map && !json_get(s, "properties") ? TYPE_MAP : kinds[i].kind;
    }
    return TYPE_ANY;
}

static uint32_t flags_of(const cJSON *s, enum type_kind kind)
{
    struct str list = json_string(json_get(s, "x-kubernetes-list-type"));
    uint32_t flags = flag(s, "nullable") ? TYPE_NULLABLE : 0;
    flags |= flag(s, "x-kubernetes-preserve-unknown-fields") ? TYPE_PRESERVE : 0;
    flags |= flag(s, "x-kubernetes-embedded-resource") ? TYPE_EMBEDDED : 0;
    if (str_eq_c(json_string(json_get(s, "x-kubernetes-map-type")), "atomic"))
        flags |= TYPE_ATOMIC;
    if (kind == TYPE_LIST)
        flags |= str_eq_c(list, "set")   ? TYPE_SET
                 : str_eq_c(list, "map") ? TYPE_KEYED
                                         : TYPE_ATOMIC;
    return flags;
}

/* ---- members ---- */

static int by_name(const void *x, const void *y)
{
    const struct type_field *a = x, *b = y;
    return str_cmp(a->name, b->name);
}

static bool is_identity(struct str name)
{
    return str_eq_c(name, "apiVersion") || str_eq_c(name, "kind") || str_eq_c(name, "metadata");
}

static bool is_required(const cJSON *s, const char *name)
{
    const cJSON *required = json_get(s, "required");
    for (const cJSON *r = required ? required->child : NULL; r; r = r->next)
        if (str_eq_c(json_string(r), name))
            return true;
    return false;
}

/* apiVersion, kind and metadata of a whole object. */
static size_t add_identity(struct compiler *c, struct type_field *fields)
{
    static const struct type plain = {
        .kind = TYPE_STRING, .name = STR_INIT(""), .description = STR_INIT("")};
    static const char *const names[] = {"apiVersion", "kind", "metadata"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        fields[i] = (struct type_field){.name = str_c(names[i]), .type = &plain};
        fields[i].merge_key = fields[i].default_json = fields[i].description = str_empty;
    }
    fields[2].type = type_object_meta();
    return ARRAY_LEN(names);
}

static void add_fields(struct compiler *c, const cJSON *s, struct type *t, bool whole)
{
    const cJSON *properties = json_get(s, "properties");
    struct type_field *fields = ARENA_NEW_ARRAY(c->a, struct type_field, count(properties) + 3);
    size_t n = whole ? add_identity(c, fields) : 0;
    for (const cJSON *p = properties ? properties->child : NULL; p; p = p->next) {
        const cJSON *otherwise = json_get(p, "default");
        struct type_field *f = &fields[n];
        if (p->type != cJSON_Object || (whole && is_identity(str_c(p->string))))
            continue;
        f->name = arena_str(c->a, str_c(p->string));
        f->type = compile(c, p, false);
        f->flags = is_required(s, p->string) ? FIELD_REQUIRED : 0;
        f->default_json = otherwise ? json_text(c, otherwise) : str_empty;
        f->description = f->type->description;
        f->merge_key = str_empty;
        n++;
    }
    if (n > 1)
        qsort(fields, n, sizeof(*fields), by_name);
    t->fields = fields;
    t->fields_n = n;
}

/* ---- rules ---- */

static bool take_int(const cJSON *s, const char *key, uint32_t bit, struct type_rules *r,
                     int64_t *out)
{
    const cJSON *v = json_get(s, key);
    if (!json_int(v, out))
        return false;
    r->has |= bit;
    return true;
}

static const struct decimal *take_decimal(struct compiler *c, const cJSON *s, const char *key)
{
    const cJSON *v = json_get(s, key);
    struct decimal *d = v && v->type == cJSON_Raw ? ARENA_NEW(c->a, struct decimal) : NULL;
    return d && decimal_parse(str_c(v->valuestring), d) ? d : NULL;
}

static const struct type *const *branches(struct compiler *c, const cJSON *s, const char *key,
                                          size_t *n)
{
    const cJSON *list = json_get(s, key);
    if (!list || list->type != cJSON_Array || !list->child)
        return NULL;
    const struct type **out = ARENA_NEW_ARRAY(c->a, const struct type *, count(list));
    for (const cJSON *b = list->child; b; b = b->next)
        if (b->type == cJSON_Object)
            out[(*n)++] = compile(c, b, false);
    return out;
}

static void take_string_rules(struct compiler *c, const cJSON *s, struct type_rules *r)
{
    struct pattern *p = NULL;
    r->pattern_text = own(c, s, "pattern");
    r->format = format_find(json_string(json_get(s, "format")));
    if (r->pattern_text.n == 0)
        return;
    struct err *err = pattern_compile(c->a, r->pattern_text, &p);
    err_ignore(err); /* a definition of before the check: it asks for nothing */
    r->pattern = p;
}

static void take_cel(struct compiler *c, const cJSON *s, const struct type *t, struct type_rules *r)
{
    const cJSON *list = json_get(s, "x-kubernetes-validations");
    size_t n = count(list);
    if (n == 0 || !c->options->cel)
        return;
    struct type_cel_rule *rules = ARENA_NEW_ARRAY(c->a, struct type_cel_rule, n);
    for (const cJSON *v = list->child; v; v = v->next) {
        struct type_cel_rule *x = &rules[r->cel_n];
        x->rule = own(c, v, "rule");
        x->message = own(c, v, "message");
        x->message_expression = own(c, v, "messageExpression");
        x->reason = own(c, v, "reason");
        x->field_path = own(c, v, "fieldPath");
        x->optional_old_self = flag(v, "optionalOldSelf");
        struct err *err = c->options->cel->compile(c->a, t, x);
        r->cel_n += err ? 0 : 1;
        err_ignore(err); /* told by the check */
    }
    r->cel = rules;
}

static void take_rules(struct compiler *c, const cJSON *s, struct type_rules *r)
{
    const cJSON *list = json_get(s, "enum"), *otherwise = json_get(s, "default");
    take_string_rules(c, s, r);
    (void)take_int(s, "minLength", RULE_MIN_LENGTH, r, &r->min_length);
    (void)take_int(s, "maxLength", RULE_MAX_LENGTH, r, &r->max_length);
    (void)take_int(s, "minItems", RULE_MIN_ITEMS, r, &r->min_items);
    (void)take_int(s, "maxItems", RULE_MAX_ITEMS, r, &r->max_items);
    (void)take_int(s, "minProperties", RULE_MIN_PROPERTIES, r, &r->min_properties);
    (void)take_int(s, "maxProperties", RULE_MAX_PROPERTIES, r, &r->max_properties);
    r->minimum = take_decimal(c, s, "minimum");
    r->maximum = take_decimal(c, s, "maximum");
    r->multiple_of = take_decimal(c, s, "multipleOf");
    r->has |= flag(s, "exclusiveMinimum") ? RULE_ABOVE_MINIMUM : 0;
    r->has |= flag(s, "exclusiveMaximum") ? RULE_BELOW_MAXIMUM : 0;
    if (list && list->type == cJSON_Array && list->child)
        r->enumeration = json_copy(c->a, list);
    r->required = strings(c, json_get(s, "required"), &r->required_n);
    r->default_json = otherwise ? json_text(c, otherwise) : str_empty;
    r->all_of = branches(c, s, "allOf", &r->all_of_n);
    r->any_of = branches(c, s, "anyOf", &r->any_of_n);
    r->one_of = branches(c, s, "oneOf", &r->one_of_n);
    const cJSON *not_ = json_get(s, "not");
    r->not_ = not_ && not_->type == cJSON_Object ? compile(c, not_, false) : NULL;
}

/* Has the schema anything for take_rules? */
static bool has_rules(const cJSON *s)
{
    static const char *const shape[] = {"type",
                                        "properties",
                                        "items",
                                        "additionalProperties",
                                        "description",
                                        "title",
                                        "nullable",
                                        "example",
                                        "externalDocs",
                                        "x-kubernetes-preserve-unknown-fields",
                                        "x-kubernetes-embedded-resource",
                                        "x-kubernetes-int-or-string",
                                        "x-kubernetes-list-type",
                                        "x-kubernetes-list-map-keys",
                                        "x-kubernetes-map-type"};
    for (const cJSON *c = s->child; c; c = c->next) {
        size_t i = 0;
        while (i < ARRAY_LEN(shape) && strcmp(c->string, shape[i]) != 0)
            i++;
        if (i == ARRAY_LEN(shape))
            return true;
    }
    return false;
}

/* ---- a node ---- */

static const struct type *compile(struct compiler *c, const cJSON *s, bool root)
{
    struct type *t = ARENA_NEW(c->a, struct type);
    const cJSON *items = json_get(s, "items"), *additional = json_get(s, "additionalProperties");
    t->kind = kind_of(s);
    t->flags = flags_of(s, t->kind);
    t->name = str_empty;
    t->description = own(c, s, "description");
    bool whole = root || (t->flags & TYPE_EMBEDDED);
    if (whole || json_get(s, "properties"))
        add_fields(c, s, t, whole);
    if (items && items->type == cJSON_Object)
        t->items = compile(c, items, false);
    if (additional && additional->type == cJSON_Object) {
        const struct type *rest = compile(c, additional, false);
        if (t->kind == TYPE_MAP)
            t->items = rest;
        else
            t->additional = rest;
    }
    t->list_keys = strings(c, json_get(s, "x-kubernetes-list-map-keys"), &t->list_keys_n);
    if (has_rules(s)) {
        struct type_rules *r = ARENA_NEW(c->a, struct type_rules);
        t->rules = r;
        take_rules(c, s, r);
        take_cel(c, s, t, r);
    }
    return t;
}

const struct type *crd_schema_compile(const struct crd_schema_options *options, struct arena *a,
                                      const cJSON *schema)
{
    struct compiler c = {options, a};
    cJSON *open = NULL;
    if (!schema || schema->type != cJSON_Object) {
        open = json_object(a);
        json_set_str(a, open, "type", STR("object"));
        json_set_bool(a, open, "x-kubernetes-preserve-unknown-fields", true);
    }
    return compile(&c, open ? open : schema, true);
}

const struct type *crd_schema_compile_part(const struct crd_schema_options *options,
                                           struct arena *a, const cJSON *schema)
{
    struct compiler c = {options, a};
    return compile(&c, schema, false);
}

bool crd_schema_is_open(const cJSON *schema)
{
    if (!schema || schema->type != cJSON_Object)
        return true;
    if (!flag(schema, "x-kubernetes-preserve-unknown-fields"))
        return false;
    const cJSON *properties = json_get(schema, "properties");
    return !has_rules(schema) && !(properties && properties->child);
}
