#include "sim/kubeapi/types/crd_schema_walk.h"

static void add_at(const struct schema_at *at, struct buf *out)
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

struct str schema_text(struct schema_checker *c, const struct schema_at *at, const char *part)
{
    struct buf b = {0};
    add_at(at, &b);
    if (part)
        buf_addf(&b, ".%s", part);
    struct str s = arena_str(c->report->a, buf_str(&b));
    buf_free(&b);
    return s;
}

void schema_required(struct schema_checker *c, const struct schema_at *at, const char *part,
                     const char *why)
{
    type_report_add(c->report, 0, "FieldValueRequired", schema_text(c, at, part),
                    "Required value: %s", why);
}

void schema_forbidden(struct schema_checker *c, const struct schema_at *at, const char *part,
                      const char *why)
{
    type_report_add(c->report, 0, "FieldValueForbidden", schema_text(c, at, part), "Forbidden: %s",
                    why);
}

void schema_invalid(struct schema_checker *c, const struct schema_at *at, const char *part,
                    const cJSON *value, const char *why)
{
    struct buf b = {0};
    json_write(&b, value);
    type_report_add(c->report, 0, "FieldValueInvalid", schema_text(c, at, part),
                    "Invalid value: " STR_FMT ": %s", STR_ARG(buf_str(&b)), why);
    buf_free(&b);
}

struct str schema_string(const cJSON *s, const char *key)
{
    return json_string(json_get(s, key));
}

bool schema_flag(const cJSON *s, const char *key)
{
    return json_bool_at(s, key, false);
}

void schema_want_type(struct schema_checker *c, const struct schema_at *at, const cJSON *s,
                      const char *type, const char *why)
{
    const cJSON *given = json_get(s, "type");
    if (json_string(given).n == 0)
        schema_required(c, at, "type", why);
    else if (!str_eq_c(json_string(given), type))
        schema_invalid(c, at, "type", given, why);
}

/* ---- the nodes below ---- */

void schema_each_structure(struct schema_checker *c, const struct schema_at *at, const cJSON *s,
                           schema_visit_fn *visit)
{
    const cJSON *items = json_get(s, "items"), *properties = json_get(s, "properties");
    const cJSON *additional = json_get(s, "additionalProperties");
    if (items && items->type == cJSON_Object) {
        struct schema_at below = {at, "items", {NULL, 0}, 0, false};
        visit(c, &below, items, SCHEMA_ITEM);
    }
    for (const cJSON *p = properties ? properties->child : NULL; p; p = p->next) {
        struct schema_at below = {at, "properties", str_c(p->string), 0, false};
        visit(c, &below, p, SCHEMA_FIELD);
    }
    if (additional && additional->type == cJSON_Object) {
        struct schema_at below = {at, "additionalProperties", {NULL, 0}, 0, false};
        visit(c, &below, additional, SCHEMA_FIELD);
    }
}

void schema_each_branch(struct schema_checker *c, const struct schema_at *at, const cJSON *s,
                        schema_visit_fn *visit)
{
    static const char *const lists[] = {"allOf", "anyOf", "oneOf"};
    const cJSON *not_ = json_get(s, "not");
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        const cJSON *list = json_get(s, lists[i]);
        size_t n = 0;
        for (const cJSON *b = list ? list->child : NULL; b; b = b->next) {
            struct schema_at below = {at, lists[i], {NULL, 0}, n++, true};
            visit(c, &below, b, SCHEMA_FIELD);
        }
    }
    if (not_) {
        struct schema_at below = {at, "not", {NULL, 0}, 0, false};
        visit(c, &below, not_, SCHEMA_FIELD);
    }
}
