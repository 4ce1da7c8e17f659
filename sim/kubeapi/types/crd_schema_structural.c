/* What makes a schema structural: every node has a type, branches only restrict what the structure names, and whole objects are
 * objects. */
#include "sim/kubeapi/types/crd_schema_walk.h"

static bool is_type(const cJSON *s, const char *type)
{
    return s && s->type == cJSON_Object && s->child && !s->child->next &&
           str_eq_c(schema_string(s, "type"), type);
}

/* anyOf: [{type: integer}, {type: string}], which int-or-string allows. */
static bool is_int_or_string_pattern(const cJSON *list)
{
    return list && list->child && list->child->next && !list->child->next->next &&
           is_type(list->child, "integer") && is_type(list->child->next, "string");
}

static void check_nested(struct schema_checker *c, const struct schema_at *at, const cJSON *s,
                         enum schema_level level)
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
        {"x-kubernetes-validations", "must be empty to be structural"},
    };
    const cJSON *properties = json_get(s, "properties");
    if (s->type != cJSON_Object)
        return;
    for (size_t i = 0; i < ARRAY_LEN(never); i++) {
        const cJSON *v = json_get(s, never[i].key);
        bool empty =
            v && (json_is_string(v) ? json_string(v).n == 0 : v->type == cJSON_Array && !v->child);
        if (v && v->type != cJSON_False && !empty)
            schema_forbidden(c, at, never[i].key, never[i].why);
    }
    if (properties && json_get(properties, "metadata")) {
        struct schema_at there = {at, "properties", STR("metadata"), 0, false};
        schema_forbidden(c, &there, NULL, "must not be specified in a nested context");
    }
    schema_each_structure(c, at, s, check_nested);
    schema_each_branch(c, at, s, check_nested);
}

static void check_branches(struct schema_checker *c, const struct schema_at *at, const cJSON *s)
{
    bool int_or_string = schema_flag(s, "x-kubernetes-int-or-string");
    const cJSON *all = json_get(s, "allOf");
    if (int_or_string && is_int_or_string_pattern(json_get(s, "anyOf")))
        return;
    if (int_or_string && all && all->child &&
        is_int_or_string_pattern(json_get(all->child, "anyOf")))
        return;
    schema_each_branch(c, at, s, check_nested);
}

static void complete(struct schema_checker *c, const struct schema_at *at, const cJSON *s,
                     const struct schema_at *branch_at, const cJSON *branch, unsigned depth);

static void complete_branches(struct schema_checker *c, const struct schema_at *at, const cJSON *s,
                              const struct schema_at *branch_at, const cJSON *branch,
                              unsigned depth)
{
    static const char *const lists[] = {"allOf", "anyOf", "oneOf"};
    const cJSON *not_ = json_get(branch, "not");
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        const cJSON *list = json_get(branch, lists[i]);
        size_t n = 0;
        for (const cJSON *b = list ? list->child : NULL; b; b = b->next) {
            struct schema_at from = {branch_at, lists[i], {NULL, 0}, n++, true};
            complete(c, at, s, &from, b, depth);
        }
    }
    if (not_) {
        struct schema_at from = {branch_at, "not", {NULL, 0}, 0, false};
        complete(c, at, s, &from, not_, depth);
    }
}

/* Members that branches speak of have to be members of the structure. */
static void complete(struct schema_checker *c, const struct schema_at *at, const cJSON *s,
                     const struct schema_at *branch_at, const cJSON *branch, unsigned depth)
{
    const cJSON *have = json_get(s, "properties"), *named = json_get(branch, "properties");
    const cJSON *items = json_get(s, "items"), *branch_items = json_get(branch, "items");
    if (depth > JSON_DEPTH_MAX || branch->type != cJSON_Object)
        return;
    for (const cJSON *p = named ? named->child : NULL; p; p = p->next) {
        struct schema_at to = {at, "properties", str_c(p->string), 0, false};
        struct schema_at from = {branch_at, "properties", str_c(p->string), 0, false};
        const cJSON *there = have ? json_get(have, p->string) : NULL;
        if (there)
            complete(c, &to, there, &from, p, depth + 1);
        else
            schema_required(c, &to, NULL,
                            arena_printf(c->report->a, "because it is defined in " STR_FMT,
                                         STR_ARG(schema_text(c, &from, NULL)))
                                .p);
    }
    if (items && branch_items) {
        struct schema_at to = {at, "items", {NULL, 0}, 0, false};
        struct schema_at from = {branch_at, "items", {NULL, 0}, 0, false};
        complete(c, &to, items, &from, branch_items, depth + 1);
    }
    complete_branches(c, at, s, branch_at, branch, depth + 1);
}

static void check_metadata(struct schema_checker *c, const struct schema_at *at, const cJSON *s,
                           enum schema_level level)
{
    const cJSON *metadata = json_get(json_get(s, "properties"), "metadata");
    struct schema_at there = {at, "properties", STR("metadata"), 0, false};
    bool more = false;
    if (!metadata)
        return;
    if (!str_eq_c(schema_string(metadata, "type"), "object"))
        schema_want_type(c, &there, metadata, "object", "must be object");
    if (level != SCHEMA_ROOT)
        return;
    for (const cJSON *k = metadata->child; k; k = k->next)
        more = more || (strcmp(k->string, "type") != 0 && strcmp(k->string, "properties") != 0 &&
                        strcmp(k->string, "description") != 0);
    const cJSON *properties = json_get(metadata, "properties");
    for (const cJSON *p = properties ? properties->child : NULL; p; p = p->next)
        more = more || (strcmp(p->string, "name") != 0 && strcmp(p->string, "generateName") != 0);
    if (more)
        schema_forbidden(
            c, &there, NULL,
            "must not specify anything other than name and generateName, but metadata is "
            "implicitly specified");
}

static void check_whole(struct schema_checker *c, const struct schema_at *at, const cJSON *s,
                        enum schema_level level)
{
    static const char *const strings[] = {"kind", "apiVersion"};
    bool root = level == SCHEMA_ROOT;
    const cJSON *properties = json_get(s, "properties");
    const char *why = root ? "must be object at the root"
                           : "must be object if x-kubernetes-embedded-resource is true";
    if (root ? json_string(json_get(s, "type")).n > 0 : true)
        schema_want_type(c, at, s, "object", why);
    if (json_get(s, "additionalProperties"))
        schema_forbidden(c, at, "additionalProperties",
                         root ? "must not be used at the root"
                              : "must not be used if x-kubernetes-embedded-resource is set");
    for (size_t i = 0; i < ARRAY_LEN(strings); i++) {
        struct schema_at there = {at, "properties", str_c(strings[i]), 0, false};
        const cJSON *p = json_get(properties, strings[i]);
        if (p && !str_eq_c(schema_string(p, "type"), "string"))
            schema_invalid(c, &there, "type", json_str(c->report->a, schema_string(p, "type")),
                           "must be string");
    }
    check_metadata(c, at, s, level);
    if (!root && !schema_flag(s, "x-kubernetes-preserve-unknown-fields") &&
        !(properties && properties->child))
        schema_required(c, at, "properties",
                        "must not be empty if x-kubernetes-embedded-resource is true without "
                        "x-kubernetes-preserve-unknown-fields");
}

void schema_check_structural(struct schema_checker *c, const struct schema_at *at, const cJSON *s,
                             enum schema_level level)
{
    static const char *const empty[] = {"must not be empty at the root",
                                        "must not be empty for specified object fields",
                                        "must not be empty for specified array items"};
    bool int_or_string = schema_flag(s, "x-kubernetes-int-or-string");
    bool preserve = schema_flag(s, "x-kubernetes-preserve-unknown-fields");
    struct str type = schema_string(s, "type");
    if (s->type != cJSON_Object)
        return;
    if (str_eq_c(type, "array") && !json_get(s, "items"))
        schema_required(c, at, "items", "must be specified");
    schema_each_structure(c, at, s, schema_check_structural);
    if (int_or_string && preserve)
        schema_invalid(c, at, "x-kubernetes-preserve-unknown-fields",
                       json_get(s, "x-kubernetes-preserve-unknown-fields"),
                       "must be false if x-kubernetes-int-or-string is true");
    if (int_or_string && type.n > 0)
        schema_invalid(c, at, "type", json_get(s, "type"),
                       "must be empty if x-kubernetes-int-or-string is true");
    check_branches(c, at, s);
    complete_branches(c, at, s, at, s, 0);
    if (level == SCHEMA_ROOT || schema_flag(s, "x-kubernetes-embedded-resource"))
        check_whole(c, at, s, level);
    if (type.n == 0 && !int_or_string && !preserve)
        schema_required(c, at, "type", empty[level]);
}
