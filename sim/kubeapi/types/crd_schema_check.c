/* Is a schema structural? The walk of all its nodes in two orders, as real servers do: what each node says by itself, as it
 * comes; then what makes it structural, sorted; then its defaults, once the rest is right. */
#include "sim/kubeapi/types/crd_schema.h"

#include "sim/kubeapi/types/pattern.h"
#include "sim/kubeapi/types/prune.h"

#include <stdlib.h>

/* Where a node is: "properties[spec]", "allOf[0]", "items". */
struct at {
    const struct at *up;
    const char *part; /* NULL: the root, whose text is `key` */
    struct str key;   /* of a map; p NULL: none */
    size_t index;
    bool has_index;
};

struct checker {
    const struct crd_schema_options *options;
    struct type_report *report;
};

enum level { LEVEL_ROOT, LEVEL_FIELD, LEVEL_ITEM };

static void add_at(const struct at *at, struct buf *out)
{
    if (!at->part) {
        buf_add(out, at->key);
        return;
    }
    add_at(at->up, out);
    buf_addf(out, ".%s", at->part);
    if (at->key.p)
        buf_addf(out, "[" STR_FMT "]", STR_ARG(at->key));
    else if (at->has_index)
        buf_addf(out, "[%zu]", at->index);
}

/* The path of a node, or of a part of it (NULL: itself). */
static struct str text_of(struct checker *c, const struct at *at, const char *part)
{
    struct buf b = {0};
    add_at(at, &b);
    if (part)
        buf_addf(&b, ".%s", part);
    struct str s = arena_str(c->report->a, buf_str(&b));
    buf_free(&b);
    return s;
}

static void required(struct checker *c, const struct at *at, const char *part, const char *why)
{
    type_report_add(c->report, 0, "FieldValueRequired", text_of(c, at, part), "Required value: %s",
                    why);
}

static void forbidden(struct checker *c, const struct at *at, const char *part, const char *why)
{
    type_report_add(c->report, 0, "FieldValueForbidden", text_of(c, at, part), "Forbidden: %s",
                    why);
}

static void invalid(struct checker *c, const struct at *at, const char *part, const cJSON *value,
                    const char *why)
{
    struct buf b = {0};
    json_write(&b, value);
    type_report_add(c->report, 0, "FieldValueInvalid", text_of(c, at, part),
                    "Invalid value: " STR_FMT ": %s", STR_ARG(buf_str(&b)), why);
    buf_free(&b);
}

static struct str string_of(const cJSON *s, const char *key)
{
    return json_string(json_get(s, key));
}

static bool flag(const cJSON *s, const char *key)
{
    return json_bool_at(s, key, false);
}

/* A type that a keyword asks for: missing or another. */
static void want_type(struct checker *c, const struct at *at, const cJSON *s, const char *type,
                      const char *why)
{
    const cJSON *given = json_get(s, "type");
    if (json_string(given).n == 0)
        required(c, at, "type", why);
    else if (!str_eq_c(json_string(given), type))
        invalid(c, at, "type", given, why);
}

/* ---- the nodes below ---- */

typedef void visit_fn(struct checker *c, const struct at *at, const cJSON *s, enum level level);

static void each_structure(struct checker *c, const struct at *at, const cJSON *s, visit_fn *visit)
{
    const cJSON *items = json_get(s, "items"), *properties = json_get(s, "properties");
    const cJSON *additional = json_get(s, "additionalProperties");
    if (items && items->type == cJSON_Object) {
        struct at below = {at, "items", {NULL, 0}, 0, false};
        visit(c, &below, items, LEVEL_ITEM);
    }
    for (const cJSON *p = properties ? properties->child : NULL; p; p = p->next) {
        struct at below = {at, "properties", str_c(p->string), 0, false};
        visit(c, &below, p, LEVEL_FIELD);
    }
    if (additional && additional->type == cJSON_Object) {
        struct at below = {at, "additionalProperties", {NULL, 0}, 0, false};
        visit(c, &below, additional, LEVEL_FIELD);
    }
}

static void each_branch(struct checker *c, const struct at *at, const cJSON *s, visit_fn *visit)
{
    static const char *const lists[] = {"allOf", "anyOf", "oneOf"};
    const cJSON *not_ = json_get(s, "not");
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        const cJSON *list = json_get(s, lists[i]);
        size_t n = 0;
        for (const cJSON *b = list ? list->child : NULL; b; b = b->next) {
            struct at below = {at, lists[i], {NULL, 0}, n++, true};
            visit(c, &below, b, LEVEL_FIELD);
        }
    }
    if (not_) {
        struct at below = {at, "not", {NULL, 0}, 0, false};
        visit(c, &below, not_, LEVEL_FIELD);
    }
}

/* ---- what a node says by itself ---- */

static void check_unsupported(struct checker *c, const struct at *at, const cJSON *s)
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
            forbidden(c, at, never[i].key, never[i].why);
    if (str_eq_c(string_of(s, "type"), "null"))
        forbidden(c, at, "type", "type cannot be set to null, use nullable as an alternative");
    if (items && items->type == cJSON_Array)
        forbidden(c, at, "items", "items must be a schema object and not an array");
    if (flag(s, "uniqueItems"))
        forbidden(
            c, at, "uniqueItems",
            "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
}

static void check_additional(struct checker *c, const struct at *at, const cJSON *s)
{
    const cJSON *additional = json_get(s, "additionalProperties");
    const cJSON *properties = json_get(s, "properties");
    if (!additional || additional->type == cJSON_True)
        return;
    if (properties && properties->child)
        forbidden(c, at, "additionalProperties",
                  "additionalProperties and properties are mutual exclusive");
    if (additional->type == cJSON_False)
        forbidden(c, at, "additionalProperties", "additionalProperties cannot be set to false");
}

static void not_supported(struct checker *c, const struct at *at, const cJSON *s, const char *key,
                          const char *const *known, size_t known_n)
{
    struct str value = string_of(s, key);
    struct buf b = {0};
    for (size_t i = 0; i < known_n; i++) {
        if (str_eq_c(value, known[i]) || value.n == 0) {
            buf_free(&b);
            return;
        }
        buf_addf(&b, "%s\"%s\"", i > 0 ? ", " : "", known[i]);
    }
    type_report_add(c->report, 0, "FieldValueNotSupported", text_of(c, at, key),
                    "Unsupported value: \"" STR_FMT "\": supported values: " STR_FMT,
                    STR_ARG(value), STR_ARG(buf_str(&b)));
    buf_free(&b);
}

static bool lists_name(const cJSON *list, const char *name)
{
    for (const cJSON *r = list ? list->child : NULL; r; r = r->next)
        if (str_eq_c(json_string(r), name))
            return true;
    return false;
}

/* A key of a keyed list: a scalar member of its elements, always there. */
static void check_key(struct checker *c, const struct at *at, const cJSON *items, const cJSON *keys,
                      size_t i, const char *key)
{
    const cJSON *properties = json_get(items, "properties");
    const cJSON *member = properties ? json_get(properties, key) : NULL;
    struct at element = {at, "items", {NULL, 0}, 0, false};
    struct at there = {&element, "properties", str_c(key), 0, false};
    struct at list = {at, "x-kubernetes-list-map-keys", {NULL, 0}, i, true};
    if (!member) {
        invalid(c, &list, NULL, keys, "entries must all be names of item properties");
        return;
    }
    struct str type = string_of(member, "type");
    if (str_eq_c(type, "array") || str_eq_c(type, "object"))
        invalid(c, &there, "type", json_get(member, "type"),
                "must be a scalar type if parent array's x-kubernetes-list-type is map");
    if (!json_get(member, "default") && !lists_name(json_get(items, "required"), key))
        required(
            c, &there, "default",
            "this property is in x-kubernetes-list-map-keys, so it must have a default or be a "
            "required property");
}

static void check_keyed(struct checker *c, const struct at *at, const cJSON *s)
{
    const cJSON *keys = json_get(s, "x-kubernetes-list-map-keys"), *items = json_get(s, "items");
    size_t i = 0;
    if (!keys || !keys->child)
        required(c, at, "x-kubernetes-list-map-keys",
                 "must not be empty if x-kubernetes-list-type is map");
    if (!items) {
        required(c, at, "items", "must have a schema if x-kubernetes-list-type is map");
        return;
    }
    if (!str_eq_c(string_of(items, "type"), "object")) {
        struct at element = {at, "items", {NULL, 0}, 0, false};
        cJSON *given = json_str(c->report->a, string_of(items, "type"));
        invalid(c, &element, "type", given,
                "must be object if parent array's x-kubernetes-list-type is map");
        return;
    }
    for (const cJSON *k = keys ? keys->child : NULL; k; k = k->next, i++) {
        for (const cJSON *other = keys->child; other != k; other = other->next)
            if (json_equal(other, k))
                invalid(c, at, "x-kubernetes-list-map-keys", keys,
                        "must not contain duplicate entries");
        check_key(c, at, items, keys, i, json_is_string(k) ? k->valuestring : "");
    }
}

/* Elements of a set are compared as wholes: scalars, or what is atomic. */
static void check_set(struct checker *c, const struct at *at, const cJSON *s)
{
    static const struct {
        const char *type, *key;
    } atomic[] = {{"object", "x-kubernetes-map-type"}, {"array", "x-kubernetes-list-type"}};
    const cJSON *items = json_get(s, "items");
    struct at element = {at, "items", {NULL, 0}, 0, false};
    if (!items || items->type != cJSON_Object)
        return;
    if (flag(items, "nullable"))
        forbidden(c, &element, "nullable", "cannot be nullable when x-kubernetes-list-type is set");
    for (size_t i = 0; i < ARRAY_LEN(atomic); i++) {
        const cJSON *given = json_get(items, atomic[i].key);
        bool list_default = i == 1 && !given; /* lists are atomic unless they say otherwise */
        if (str_eq_c(string_of(items, "type"), atomic[i].type) && !list_default &&
            !str_eq_c(json_string(given), "atomic"))
            invalid(c, &element, atomic[i].key, given ? given : json_null(c->report->a),
                    "must be atomic as item of a list with x-kubernetes-list-type=set");
    }
}

static void check_extensions(struct checker *c, const struct at *at, const cJSON *s)
{
    static const char *const map_types[] = {"atomic", "granular"};
    static const char *const list_types[] = {"atomic", "map", "set"};
    const cJSON *list = json_get(s, "x-kubernetes-list-type");
    const cJSON *keys = json_get(s, "x-kubernetes-list-map-keys");
    const cJSON *preserve = json_get(s, "x-kubernetes-preserve-unknown-fields");
    if (preserve && preserve->type == cJSON_False)
        invalid(c, at, "x-kubernetes-preserve-unknown-fields", preserve,
                "must be true or undefined");
    if (json_get(s, "x-kubernetes-map-type"))
        want_type(c, at, s, "object", "must be object if x-kubernetes-map-type is specified");
    not_supported(c, at, s, "x-kubernetes-map-type", map_types, ARRAY_LEN(map_types));
    if (list)
        want_type(c, at, s, "array", "must be array if x-kubernetes-list-type is specified");
    not_supported(c, at, s, "x-kubernetes-list-type", list_types, ARRAY_LEN(list_types));
    if (keys && keys->child && !list)
        required(c, at, "x-kubernetes-list-type",
                 "must be map if x-kubernetes-list-map-keys is non-empty");
    else if (keys && keys->child && !str_eq_c(json_string(list), "map"))
        invalid(c, at, "x-kubernetes-list-type", list,
                "must be map if x-kubernetes-list-map-keys is non-empty");
    if (list && str_eq_c(json_string(list), "map"))
        check_keyed(c, at, s);
    if (list && str_eq_c(json_string(list), "set"))
        check_set(c, at, s);
}

static void check_pattern(struct checker *c, const struct at *at, const cJSON *s)
{
    const cJSON *given = json_get(s, "pattern");
    struct pattern *p;
    if (json_string(given).n == 0)
        return;
    struct err *err = pattern_compile(c->report->a, json_string(given), &p);
    if (err)
        invalid(c, at, "pattern", given,
                arena_printf(c->report->a, "must be a valid regular expression, but isn't: %s",
                             err->message)
                    .p);
    err_free(err);
}

/* A rule as the message shows it: with Go's names, and <, >, & escaped. */
static struct str rule_text(struct checker *c, const struct type_cel_rule *rule)
{
    struct buf plain = {0}, out = {0};
    buf_add_c(&plain, "{\"Rule\":");
    json_write_string(&plain, rule->rule);
    buf_add_c(&plain, ",\"Message\":");
    json_write_string(&plain, rule->message);
    buf_add_c(&plain, ",\"MessageExpression\":");
    json_write_string(&plain, rule->message_expression);
    buf_add_c(&plain, ",\"Reason\":");
    if (rule->reason.n > 0)
        json_write_string(&plain, rule->reason);
    else
        buf_add_c(&plain, "null");
    buf_add_c(&plain, ",\"FieldPath\":");
    json_write_string(&plain, rule->field_path);
    buf_addf(&plain, ",\"OptionalOldSelf\":%s}", rule->optional_old_self ? "true" : "null");
    for (size_t i = 0; i < plain.n; i++) {
        if (strchr("<>&", plain.p[i]))
            buf_addf(&out, "\\u%04x", (unsigned)plain.p[i]);
        else
            buf_add_char(&out, plain.p[i]);
    }
    struct str s = arena_str(c->report->a, buf_str(&out));
    buf_free(&plain);
    buf_free(&out);
    return s;
}

static void check_rules(struct checker *c, const struct at *at, const cJSON *s, enum level level)
{
    const cJSON *list = json_get(s, "x-kubernetes-validations");
    const struct crd_schema_options none = {0};
    size_t i = 0;
    if (!list || !list->child)
        return;
    if (!c->options->cel) {
        forbidden(c, at, "x-kubernetes-validations",
                  "not supported: this server has no evaluator for validation rules");
        return;
    }
    const struct type *self = level == LEVEL_ROOT ? crd_schema_compile(&none, c->report->a, s)
                                                  : crd_schema_compile_part(&none, c->report->a, s);
    for (const cJSON *v = list->child; v; v = v->next, i++) {
        struct at there = {at, "x-kubernetes-validations", {NULL, 0}, i, true};
        struct type_cel_rule rule = {.rule = string_of(v, "rule"),
                                     .message = string_of(v, "message"),
                                     .message_expression = string_of(v, "messageExpression"),
                                     .reason = string_of(v, "reason"),
                                     .field_path = string_of(v, "fieldPath"),
                                     .optional_old_self = flag(v, "optionalOldSelf")};
        if (str_trim(rule.rule).n == 0) {
            type_report_add(c->report, 0, "FieldValueRequired", text_of(c, &there, "rule"),
                            "Required value: rule is not specified");
            continue;
        }
        struct err *err = c->options->cel->compile(c->report->a, self, &rule);
        if (err)
            type_report_add(c->report, 0, "FieldValueInvalid", text_of(c, &there, "rule"),
                            "Invalid value: " STR_FMT ": compilation failed: %s",
                            STR_ARG(rule_text(c, &rule)), err->message);
        err_free(err);
    }
}

static void check_node(struct checker *c, const struct at *at, const cJSON *s, enum level level)
{
    static const char *const types[] = {"array",  "boolean", "integer",
                                        "number", "object",  "string"};
    if (s->type != cJSON_Object)
        return;
    check_unsupported(c, at, s);
    check_additional(c, at, s);
    each_structure(c, at, s, check_node);
    each_branch(c, at, s, check_node);
    check_extensions(c, at, s);
    not_supported(c, at, s, "type", types, ARRAY_LEN(types));
    check_pattern(c, at, s);
    check_rules(c, at, s, level);
}

/* ---- what makes it structural ---- */

static bool is_type(const cJSON *s, const char *type)
{
    return s && s->type == cJSON_Object && s->child && !s->child->next &&
           str_eq_c(string_of(s, "type"), type);
}

/* anyOf: [{type: integer}, {type: string}], which int-or-string allows. */
static bool is_int_or_string_pattern(const cJSON *list)
{
    return list && list->child && list->child->next && !list->child->next->next &&
           is_type(list->child, "integer") && is_type(list->child->next, "string");
}

static void check_nested(struct checker *c, const struct at *at, const cJSON *s, enum level level)
{
    static const struct {
        const char *key, *why;
    } never[] = {
        {"type", "must be empty to be structural"},
        {"additionalProperties", "must be undefined to be structural"},
        {"default", "must be undefined to be structural"},
        {"title", "must be empty to be structural"},
        {"description", "must be empty to be structural"},
        {"nullable", "must be false to be structural"},
        {"x-kubernetes-preserve-unknown-fields", "must be false to be structural"},
        {"x-kubernetes-embedded-resource", "must be false to be structural"},
        {"x-kubernetes-int-or-string", "must be false to be structural"},
        {"x-kubernetes-list-map-keys", "must be empty to be structural"},
        {"x-kubernetes-list-type", "must be undefined to be structural"},
        {"x-kubernetes-map-type", "must be undefined to be structural"},
    };
    const cJSON *properties = json_get(s, "properties");
    if (s->type != cJSON_Object)
        return;
    for (size_t i = 0; i < ARRAY_LEN(never); i++) {
        const cJSON *v = json_get(s, never[i].key);
        if (v && v->type != cJSON_False && !(json_is_string(v) && json_string(v).n == 0))
            forbidden(c, at, never[i].key, never[i].why);
    }
    if (properties && json_get(properties, "metadata")) {
        struct at there = {at, "properties", STR("metadata"), 0, false};
        forbidden(c, &there, NULL, "must not be specified in a nested context");
    }
    each_structure(c, at, s, check_nested);
    each_branch(c, at, s, check_nested);
}

static void check_branches(struct checker *c, const struct at *at, const cJSON *s)
{
    bool int_or_string = flag(s, "x-kubernetes-int-or-string");
    const cJSON *all = json_get(s, "allOf");
    if (int_or_string && is_int_or_string_pattern(json_get(s, "anyOf")))
        return;
    if (int_or_string && all && all->child &&
        is_int_or_string_pattern(json_get(all->child, "anyOf")))
        return;
    each_branch(c, at, s, check_nested);
}

static void complete(struct checker *c, const struct at *at, const cJSON *s,
                     const struct at *branch_at, const cJSON *branch, unsigned depth);

static void complete_branches(struct checker *c, const struct at *at, const cJSON *s,
                              const struct at *branch_at, const cJSON *branch, unsigned depth)
{
    static const char *const lists[] = {"allOf", "anyOf", "oneOf"};
    const cJSON *not_ = json_get(branch, "not");
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        const cJSON *list = json_get(branch, lists[i]);
        size_t n = 0;
        for (const cJSON *b = list ? list->child : NULL; b; b = b->next) {
            struct at from = {branch_at, lists[i], {NULL, 0}, n++, true};
            complete(c, at, s, &from, b, depth);
        }
    }
    if (not_) {
        struct at from = {branch_at, "not", {NULL, 0}, 0, false};
        complete(c, at, s, &from, not_, depth);
    }
}

/* Members that branches speak of have to be members of the structure. */
static void complete(struct checker *c, const struct at *at, const cJSON *s,
                     const struct at *branch_at, const cJSON *branch, unsigned depth)
{
    const cJSON *have = json_get(s, "properties"), *named = json_get(branch, "properties");
    const cJSON *items = json_get(s, "items"), *branch_items = json_get(branch, "items");
    if (depth > JSON_DEPTH_MAX || branch->type != cJSON_Object)
        return;
    for (const cJSON *p = named ? named->child : NULL; p; p = p->next) {
        struct at to = {at, "properties", str_c(p->string), 0, false};
        struct at from = {branch_at, "properties", str_c(p->string), 0, false};
        const cJSON *there = have ? json_get(have, p->string) : NULL;
        if (there)
            complete(c, &to, there, &from, p, depth + 1);
        else
            required(c, &to, NULL,
                     arena_printf(c->report->a, "because it is defined in " STR_FMT,
                                  STR_ARG(text_of(c, &from, NULL)))
                         .p);
    }
    if (items && branch_items) {
        struct at to = {at, "items", {NULL, 0}, 0, false};
        struct at from = {branch_at, "items", {NULL, 0}, 0, false};
        complete(c, &to, items, &from, branch_items, depth + 1);
    }
    complete_branches(c, at, s, branch_at, branch, depth + 1);
}

static void check_metadata(struct checker *c, const struct at *at, const cJSON *s, enum level level)
{
    const cJSON *metadata = json_get(json_get(s, "properties"), "metadata");
    struct at there = {at, "properties", STR("metadata"), 0, false};
    bool more = false;
    if (!metadata)
        return;
    if (!str_eq_c(string_of(metadata, "type"), "object"))
        want_type(c, &there, metadata, "object", "must be object");
    if (level != LEVEL_ROOT)
        return;
    for (const cJSON *k = metadata->child; k; k = k->next)
        more = more || (strcmp(k->string, "type") != 0 && strcmp(k->string, "properties") != 0 &&
                        strcmp(k->string, "description") != 0);
    const cJSON *properties = json_get(metadata, "properties");
    for (const cJSON *p = properties ? properties->child : NULL; p; p = p->next)
        more = more || (strcmp(p->string, "name") != 0 && strcmp(p->string, "generateName") != 0);
    if (more)
        forbidden(c, &there, NULL,
                  "must not specify anything other than name and generateName, but metadata is "
                  "implicitly specified");
}

static void check_whole(struct checker *c, const struct at *at, const cJSON *s, enum level level)
{
    static const char *const strings[] = {"kind", "apiVersion"};
    bool root = level == LEVEL_ROOT;
    const cJSON *properties = json_get(s, "properties");
    const char *why = root ? "must be object at the root"
                           : "must be object if x-kubernetes-embedded-resource is true";
    if (root ? json_string(json_get(s, "type")).n > 0 : true)
        want_type(c, at, s, "object", why);
    if (json_get(s, "additionalProperties"))
        forbidden(c, at, "additionalProperties",
                  root ? "must not be used at the root"
                       : "must not be used if x-kubernetes-embedded-resource is set");
    for (size_t i = 0; i < ARRAY_LEN(strings); i++) {
        struct at there = {at, "properties", str_c(strings[i]), 0, false};
        const cJSON *p = json_get(properties, strings[i]);
        if (p && !str_eq_c(string_of(p, "type"), "string"))
            invalid(c, &there, "type", json_str(c->report->a, string_of(p, "type")),
                    "must be string");
    }
    check_metadata(c, at, s, level);
    if (!root && !flag(s, "x-kubernetes-preserve-unknown-fields") &&
        !(properties && properties->child))
        required(c, at, "properties",
                 "must not be empty if x-kubernetes-embedded-resource is true without "
                 "x-kubernetes-preserve-unknown-fields");
}

static void check_invariants(struct checker *c, const struct at *at, const cJSON *s,
                             enum level level)
{
    static const char *const empty[] = {"must not be empty at the root",
                                        "must not be empty for specified object fields",
                                        "must not be empty for specified array items"};
    bool int_or_string = flag(s, "x-kubernetes-int-or-string");
    bool preserve = flag(s, "x-kubernetes-preserve-unknown-fields");
    struct str type = string_of(s, "type");
    if (s->type != cJSON_Object)
        return;
    if (str_eq_c(type, "array") && !json_get(s, "items"))
        required(c, at, "items", "must be specified");
    each_structure(c, at, s, check_invariants);
    if (int_or_string && preserve)
        invalid(c, at, "x-kubernetes-preserve-unknown-fields",
                json_get(s, "x-kubernetes-preserve-unknown-fields"),
                "must be false if x-kubernetes-int-or-string is true");
    if (int_or_string && type.n > 0)
        invalid(c, at, "type", json_get(s, "type"),
                "must be empty if x-kubernetes-int-or-string is true");
    check_branches(c, at, s);
    complete_branches(c, at, s, at, s, 0);
    if (level == LEVEL_ROOT || flag(s, "x-kubernetes-embedded-resource"))
        check_whole(c, at, s, level);
    if (type.n == 0 && !int_or_string && !preserve)
        required(c, at, "type", empty[level]);
}

static int by_text(const void *x, const void *y)
{
    const struct type_violation *a = x, *b = y;
    int c = str_cmp(a->field, b->field);
    return c != 0 ? c : str_cmp(a->message, b->message);
}

/* ---- defaults ---- */

static void check_default(struct checker *c, const struct at *at, const cJSON *s,
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
        struct str field = text_of(c, at, "default");
        if (wrong.list[i].field.n > 0)
            field = arena_printf(c->report->a, STR_FMT "." STR_FMT, STR_ARG(field),
                                 STR_ARG(wrong.list[i].field));
        type_report_add(c->report, 0, wrong.list[i].reason, field, STR_FMT,
                        STR_ARG(wrong.list[i].message));
    }
    if (wrong.n == 0)
        (void)type_prune(&scratch, t, v, PRUNE_UNKNOWN, &unknown);
    if (unknown.n > 0)
        invalid(c, at, "default", value, "must not have unknown fields");
    arena_free(&scratch);
}

static void check_defaults(struct checker *c, const struct at *at, const cJSON *s, enum level level)
{
    const cJSON *value = json_get(s, "default");
    if (s->type != cJSON_Object)
        return;
    if (value && level != LEVEL_ROOT)
        check_default(c, at, s, value);
    else if (value)
        forbidden(c, at, "default", "must not be set at the root");
    each_structure(c, at, s, check_defaults);
}

void crd_schema_check(const struct crd_schema_options *options, const cJSON *schema,
                      struct str path, struct type_report *report)
{
    struct at root = {NULL, NULL, path, 0, false};
    struct checker c = {options, report};
    size_t before = report->n;
    if (flag(schema, "nullable"))
        forbidden(&c, &root, "nullable", "nullable cannot be true at the root");
    check_node(&c, &root, schema, LEVEL_ROOT);
    size_t structural = report->n;
    check_invariants(&c, &root, schema, LEVEL_ROOT);
    if (report->n > structural)
        qsort(report->list + structural, report->n - structural, sizeof(report->list[0]), by_text);
    if (report->n == before)
        check_defaults(&c, &root, schema, LEVEL_ROOT);
}
