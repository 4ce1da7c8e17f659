/* Is a schema sound? The walk of all its nodes in two orders, as real servers do: what each node says by itself, as it comes;
 * then what makes it structural, sorted; then its defaults, once the rest is right. */
#include "sim/kubeapi/types/crd_schema_walk.h"

#include "sim/kubeapi/types/pattern.h"
#include "sim/kubeapi/types/prune.h"

#include <stdlib.h>

/* ---- what a node says by itself ---- */

static void check_unsupported(struct schema_checker *c, const struct schema_at *at, const cJSON *s)
{
    static const struct {
        const char *key, *why;
    } never[] = {
        {"id", "id is not supported"},
        {"additionalItems", "additionalItems is not supported"},
        {"patternProperties", "patternProperties is not supported"},
        {"definitions", "definitions is not supported"},
        {"dependencies", "dependencies is not supported"},
        {"$ref", "$ref is not supported"},
    };
    const cJSON *items = json_get(s, "items");
    for (size_t i = 0; i < ARRAY_LEN(never); i++)
        if (json_get(s, never[i].key))
            schema_forbidden(c, at, never[i].key, never[i].why);
    if (str_eq_c(schema_string(s, "type"), "null"))
        schema_forbidden(c, at, "type",
                         "type cannot be set to null, use nullable as an alternative");
    if (items && items->type == cJSON_Array)
        schema_forbidden(c, at, "items", "items must be a schema object and not an array");
    if (schema_flag(s, "uniqueItems"))
        schema_forbidden(
            c, at, "uniqueItems",
            "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
}

static void check_additional(struct schema_checker *c, const struct schema_at *at, const cJSON *s)
{
    const cJSON *additional = json_get(s, "additionalProperties");
    const cJSON *properties = json_get(s, "properties");
    if (!additional || additional->type == cJSON_True)
        return;
    if (properties && properties->child)
        schema_forbidden(c, at, "additionalProperties",
                         "additionalProperties and properties are mutual exclusive");
    if (additional->type == cJSON_False)
        schema_forbidden(c, at, "additionalProperties",
                         "additionalProperties cannot be set to false");
}

static void not_supported(struct schema_checker *c, const struct schema_at *at, const cJSON *s,
                          const char *key, const char *const *known, size_t known_n)
{
    struct str value = schema_string(s, key);
    struct buf b = {0};
    for (size_t i = 0; i < known_n; i++) {
        if (str_eq_c(value, known[i]) || value.n == 0) {
            buf_free(&b);
            return;
        }
        buf_addf(&b, "%s\"%s\"", i > 0 ? ", " : "", known[i]);
    }
    type_report_add(c->report, 0, "FieldValueNotSupported", schema_text(c, at, key),
                    "Unsupported value: \"" STR_FMT "\": supported values: " STR_FMT,
                    STR_ARG(value), STR_ARG(buf_str(&b)));
    buf_free(&b);
}

/* A key of a keyed list: a scalar member of its elements, always there. */
static void check_key(struct schema_checker *c, const struct schema_at *at, const cJSON *items,
                      const cJSON *keys, size_t i, const char *key)
{
    const cJSON *properties = json_get(items, "properties");
    const cJSON *member = properties ? json_get(properties, key) : NULL;
    struct schema_at element = {at, "items", {NULL, 0}, 0, false};
    struct schema_at there = {&element, "properties", str_c(key), 0, false};
    struct schema_at list = {at, "x-kubernetes-list-map-keys", {NULL, 0}, i, true};
    if (!member) {
        schema_invalid(c, &list, NULL, keys, "entries must all be names of item properties");
        return;
    }
    struct str type = schema_string(member, "type");
    if (str_eq_c(type, "array") || str_eq_c(type, "object"))
        schema_invalid(c, &there, "type", json_get(member, "type"),
                       "must be a scalar type if parent array's x-kubernetes-list-type is map");
    if (!json_get(member, "default") && !json_list_has(json_get(items, "required"), str_c(key)))
        schema_required(
            c, &there, "default",
            "this property is in x-kubernetes-list-map-keys, so it must have a default or be a "
            "required property");
}

static void check_keyed(struct schema_checker *c, const struct schema_at *at, const cJSON *s)
{
    const cJSON *keys = json_get(s, "x-kubernetes-list-map-keys"), *items = json_get(s, "items");
    size_t i = 0;
    if (!keys || !keys->child)
        schema_required(c, at, "x-kubernetes-list-map-keys",
                        "must not be empty if x-kubernetes-list-type is map");
    if (!items) {
        schema_required(c, at, "items", "must have a schema if x-kubernetes-list-type is map");
        return;
    }
    if (!str_eq_c(schema_string(items, "type"), "object")) {
        struct schema_at element = {at, "items", {NULL, 0}, 0, false};
        cJSON *given = json_str(c->report->a, schema_string(items, "type"));
        schema_invalid(c, &element, "type", given,
                       "must be object if parent array's x-kubernetes-list-type is map");
        return;
    }
    for (const cJSON *k = keys ? keys->child : NULL; k; k = k->next, i++) {
        for (const cJSON *other = keys->child; other != k; other = other->next)
            if (json_equal(other, k))
                schema_invalid(c, at, "x-kubernetes-list-map-keys", keys,
                               "must not contain duplicate entries");
        check_key(c, at, items, keys, i, json_is_string(k) ? k->valuestring : "");
    }
}

/* Elements of a set are compared as wholes: scalars, or what is atomic. */
static void check_set(struct schema_checker *c, const struct schema_at *at, const cJSON *s)
{
    static const struct {
        const char *type, *key;
    } atomic[] = {{"object", "x-kubernetes-map-type"}, {"array", "x-kubernetes-list-type"}};
    const cJSON *items = json_get(s, "items");
    struct schema_at element = {at, "items", {NULL, 0}, 0, false};
    if (!items || items->type != cJSON_Object)
        return;
    if (schema_flag(items, "nullable"))
        schema_forbidden(c, &element, "nullable",
                         "cannot be nullable when x-kubernetes-list-type is set");
    for (size_t i = 0; i < ARRAY_LEN(atomic); i++) {
        const cJSON *given = json_get(items, atomic[i].key);
        bool list_default = i == 1 && !given; /* lists are atomic unless they say otherwise */
        if (str_eq_c(schema_string(items, "type"), atomic[i].type) && !list_default &&
            !str_eq_c(json_string(given), "atomic"))
            schema_invalid(c, &element, atomic[i].key, given ? given : json_null(c->report->a),
                           "must be atomic as item of a list with x-kubernetes-list-type=set");
    }
}

static void check_extensions(struct schema_checker *c, const struct schema_at *at, const cJSON *s)
{
    static const char *const map_types[] = {"atomic", "granular"};
    static const char *const list_types[] = {"atomic", "map", "set"};
    const cJSON *list = json_get(s, "x-kubernetes-list-type");
    const cJSON *keys = json_get(s, "x-kubernetes-list-map-keys");
    const cJSON *preserve = json_get(s, "x-kubernetes-preserve-unknown-fields");
    if (preserve && preserve->type == cJSON_False)
        schema_invalid(c, at, "x-kubernetes-preserve-unknown-fields", preserve,
                       "must be true or undefined");
    if (json_get(s, "x-kubernetes-map-type"))
        schema_want_type(c, at, s, "object",
                         "must be object if x-kubernetes-map-type is specified");
    not_supported(c, at, s, "x-kubernetes-map-type", map_types, ARRAY_LEN(map_types));
    if (list)
        schema_want_type(c, at, s, "array", "must be array if x-kubernetes-list-type is specified");
    not_supported(c, at, s, "x-kubernetes-list-type", list_types, ARRAY_LEN(list_types));
    if (keys && keys->child && !list)
        schema_required(c, at, "x-kubernetes-list-type",
                        "must be map if x-kubernetes-list-map-keys is non-empty");
    else if (keys && keys->child && !str_eq_c(json_string(list), "map"))
        schema_invalid(c, at, "x-kubernetes-list-type", list,
                       "must be map if x-kubernetes-list-map-keys is non-empty");
    if (list && str_eq_c(json_string(list), "map"))
        check_keyed(c, at, s);
    if (list && str_eq_c(json_string(list), "set"))
        check_set(c, at, s);
}

static void check_pattern(struct schema_checker *c, const struct schema_at *at, const cJSON *s)
{
    const cJSON *given = json_get(s, "pattern");
    struct pattern *p;
    if (json_string(given).n == 0)
        return;
    struct err *err = pattern_compile(c->report->a, json_string(given), &p);
    if (err)
        schema_invalid(c, at, "pattern", given,
                       arena_printf(c->report->a,
                                    "must be a valid regular expression, but isn't: %s",
                                    err->message)
                           .p);
    err_free(err);
}

/* A rule's own field is somewhere below the schema that the rule stands at. */
static bool field_path_holds(const cJSON *s, struct str path)
{
    while (path.n > 0 && s) {
        size_t n = 1;
        struct str name;
        if (path.p[0] == '.') {
            while (n < path.n && path.p[n] != '.' && path.p[n] != '[')
                n++;
            name = str_sub(path, 1, n - 1);
        } else {
            ptrdiff_t end = str_find(path, STR("']"));
            if (!str_starts(path, STR("['")) || end < 0)
                return false;
            n = (size_t)end + 2;
            name = str_sub(path, 2, n - 4);
        }
        const cJSON *properties = json_get(s, "properties");
        s = properties ? json_get_str(properties, name) : json_get(s, "additionalProperties");
        path = str_sub(path, n, path.n);
    }
    return s != NULL;
}

static bool has_break(struct str s)
{
    return str_find_char(s, '\n') >= 0 || str_find_char(s, '\r') >= 0;
}

static void check_message(struct schema_checker *c, const struct schema_at *at, const cJSON *v)
{
    const cJSON *given = json_get(v, "message");
    struct str rule = str_trim(schema_string(v, "rule")), message = str_trim(json_string(given));
    if (rule.n == 0)
        schema_required(c, at, "rule", "rule is not specified");
    else if (json_string(given).n > 0 && message.n == 0)
        schema_invalid(c, at, "message", given, "message must be non-empty if specified");
    else if (has_break(message))
        schema_invalid(c, at, "message", given, "message must not contain line breaks");
    else if (has_break(rule) && message.n == 0)
        schema_required(c, at, "message", "message must be specified if rule contains line breaks");
}

static void check_rule_texts(struct schema_checker *c, const struct schema_at *at, const cJSON *v,
                             const cJSON *s)
{
    static const char *const reasons[] = {"FieldValueDuplicate", "FieldValueForbidden",
                                          "FieldValueInvalid", "FieldValueRequired"};
    struct str expression = schema_string(v, "messageExpression");
    struct str path = schema_string(v, "fieldPath");
    check_message(c, at, v);
    if (expression.n > 0 && str_trim(expression).n == 0)
        schema_required(c, at, "messageExpression",
                        "messageExpression must be non-empty if specified");
    not_supported(c, at, v, "reason", reasons, ARRAY_LEN(reasons));
    if (path.n > 0 && str_trim(path).n == 0)
        schema_invalid(c, at, "fieldPath", json_get(v, "fieldPath"),
                       "fieldPath must be non-empty if specified");
    if (has_break(path))
        schema_invalid(c, at, "fieldPath", json_get(v, "fieldPath"),
                       "fieldPath must not contain line breaks");
    if (path.n > 0 && !field_path_holds(s, path))
        schema_invalid(c, at, "fieldPath", json_get(v, "fieldPath"),
                       "fieldPath must be a valid path");
}

/* What a rule says beside its expressions, which schema_check_rules compiles. */
static void check_rules(struct schema_checker *c, const struct schema_at *at, const cJSON *s)
{
    const cJSON *list = json_get(s, "x-kubernetes-validations");
    size_t i = 0;
    if (!list || !list->child)
        return;
    if (!c->options->cel) {
        schema_forbidden(c, at, "x-kubernetes-validations",
                         "not supported: this server has no evaluator for validation rules");
        return;
    }
    for (const cJSON *v = list->child; v; v = v->next, i++) {
        struct schema_at there = {at, "x-kubernetes-validations", {NULL, 0}, i, true};
        check_rule_texts(c, &there, v, s);
    }
}

static void check_node(struct schema_checker *c, const struct schema_at *at, const cJSON *s,
                       enum schema_level level)
{
    static const char *const types[] = {"array",  "boolean", "integer",
                                        "number", "object",  "string"};
    if (s->type != cJSON_Object)
        return;
    check_unsupported(c, at, s);
    check_additional(c, at, s);
    schema_each_structure(c, at, s, check_node);
    schema_each_branch(c, at, s, check_node);
    check_extensions(c, at, s);
    not_supported(c, at, s, "type", types, ARRAY_LEN(types));
    check_pattern(c, at, s);
    check_rules(c, at, s);
}

static int by_text(const void *x, const void *y)
{
    const struct type_violation *a = x, *b = y;
    int c = str_cmp(a->field, b->field);
    return c != 0 ? c : str_cmp(a->message, b->message);
}

/* ---- defaults ---- */

static void check_default(struct schema_checker *c, const struct schema_at *at, const cJSON *s,
                          const cJSON *value)
{
    const struct crd_schema_options none = {0};
    const struct type_check check = {.keys_held = true};
    struct arena scratch = {0};
    struct type_report wrong = {.a = c->report->a};
    struct prune_report unknown = {.a = &scratch};
    const struct type *t = crd_schema_compile_part(&none, &scratch, s);
    cJSON *v = json_copy(&scratch, value);
    type_validate(&check, t, v, NULL, NULL, &wrong);
    for (size_t i = 0; i < wrong.n; i++) {
        struct str field = schema_text(c, at, "default");
        if (wrong.list[i].field.n > 0)
            field = arena_printf(c->report->a, STR_FMT "." STR_FMT, STR_ARG(field),
                                 STR_ARG(wrong.list[i].field));
        type_report_add(c->report, 0, wrong.list[i].reason, field, STR_FMT,
                        STR_ARG(wrong.list[i].message));
    }
    if (wrong.n == 0)
        (void)type_prune(&scratch, t, v, PRUNE_UNKNOWN, &unknown);
    if (unknown.n > 0)
        schema_invalid(c, at, "default", value, "must not have unknown fields");
    arena_free(&scratch);
}

static void check_defaults(struct schema_checker *c, const struct schema_at *at, const cJSON *s,
                           enum schema_level level)
{
    const cJSON *value = json_get(s, "default");
    if (s->type != cJSON_Object)
        return;
    if (value && level != SCHEMA_ROOT)
        check_default(c, at, s, value);
    else if (value)
        schema_forbidden(c, at, "default", "must not be set at the root");
    schema_each_structure(c, at, s, check_defaults);
}

void crd_schema_check(const struct crd_schema_options *options, const cJSON *schema,
                      struct str path, struct type_report *report)
{
    struct schema_at root = {NULL, NULL, path, 0, false};
    struct schema_checker c = {.options = options, .report = report};
    size_t before = report->n;
    if (schema_flag(schema, "nullable"))
        schema_forbidden(&c, &root, "nullable", "nullable cannot be true at the root");
    check_node(&c, &root, schema, SCHEMA_ROOT);
    size_t structural = report->n;
    schema_check_structural(&c, &root, schema, SCHEMA_ROOT);
    if (report->n > structural)
        qsort(report->list + structural, report->n - structural, sizeof(report->list[0]), by_text);
    bool sound = report->n == structural;
    if (report->n == before)
        check_defaults(&c, &root, schema, SCHEMA_ROOT);
    c.schema_errors = report->n;
    if (sound && report->n == structural && options->cel)
        schema_check_rules(&c, &root, schema);
}
