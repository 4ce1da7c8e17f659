/* Label selectors as they stand in objects. */
#include "sim/kubeapi/rules/rules.h"

bool selector_is_empty(const cJSON *selector)
{
    return json_is_empty(json_get(selector, "matchLabels")) &&
           json_is_empty(json_get(selector, "matchExpressions"));
}

struct labels { /* of a tree, or of an object */
    const cJSON *tree;
    const struct kube_object *o;
};

static bool label_of(struct labels l, struct str key, struct str *value)
{
    if (l.o) {
        *value = kube_object_label(l.o, key);
        return kube_object_has_label(l.o, key);
    }
    const cJSON *v = json_get_str(l.tree, key);
    *value = json_string(v);
    return v != NULL;
}

static bool requirement_holds(const cJSON *e, struct labels l)
{
    struct str op = json_string_at(e, "operator"), value;
    bool there = label_of(l, json_string_at(e, "key"), &value);
    if (str_eq_c(op, "Exists"))
        return there;
    if (str_eq_c(op, "DoesNotExist"))
        return !there;
    bool in = there && json_list_has(json_get(e, "values"), value);
    return str_eq_c(op, "In") ? in : str_eq_c(op, "NotIn") && !in;
}

static bool selected(const cJSON *selector, struct labels l)
{
    const cJSON *labels = json_get(selector, "matchLabels");
    const cJSON *list = json_get(selector, "matchExpressions");
    struct str value;
    if (!selector || selector->type != cJSON_Object)
        return false;
    for (const cJSON *m = labels ? labels->child : NULL; m; m = m->next)
        if (!label_of(l, str_c(m->string), &value) || !str_eq(value, json_string(m)))
            return false;
    for (const cJSON *e = list ? list->child : NULL; e; e = e->next)
        if (!requirement_holds(e, l))
            return false;
    return true;
}

bool labels_selected(const cJSON *selector, const cJSON *labels)
{
    return selected(selector, (struct labels){.tree = labels});
}

bool labels_selected_object(const cJSON *selector, const struct kube_object *o)
{
    return selected(selector, (struct labels){.o = o});
}

static void write_requirement(const cJSON *e, struct buf *out)
{
    struct str op = json_string_at(e, "operator"), key = json_string_at(e, "key");
    const cJSON *values = json_get(e, "values");
    if (str_eq_c(op, "DoesNotExist"))
        buf_add_char(out, '!');
    buf_add(out, key);
    if (!text_among(op, "In|NotIn"))
        return;
    buf_add_c(out, str_eq_c(op, "In") ? " in (" : " notin (");
    for (const cJSON *v = values ? values->child : NULL; v; v = v->next)
        buf_addf(out, STR_FMT "%s", STR_ARG(json_string(v)), v->next ? "," : "");
    buf_add_char(out, ')');
}

/* The parts go in the order of their keys, as the reference implementation sorts them. */
void selector_write(const cJSON *selector, struct buf *out)
{
    const cJSON *labels = json_get(selector, "matchLabels");
    const cJSON *list = json_get(selector, "matchExpressions");
    struct str last = str_empty;
    bool any = false;
    for (;;) {
        const cJSON *next = NULL;
        struct str least = str_empty;
        bool equals = false;
        for (const cJSON *m = labels ? labels->child : NULL; m; m = m->next)
            if ((!any || str_cmp(str_c(m->string), last) > 0) &&
                (!next || str_cmp(str_c(m->string), least) < 0)) {
                next = m;
                least = str_c(m->string);
                equals = true;
            }
        for (const cJSON *e = list ? list->child : NULL; e; e = e->next) {
            struct str key = json_string_at(e, "key");
            if ((!any || str_cmp(key, last) > 0) && (!next || str_cmp(key, least) < 0)) {
                next = e;
                least = key;
                equals = false;
            }
        }
        if (!next)
            return;
        if (any)
            buf_add_char(out, ',');
        if (equals)
            buf_addf(out, STR_FMT "=" STR_FMT, STR_ARG(least), STR_ARG(json_string(next)));
        else
            write_requirement(next, out);
        last = least;
        any = true;
    }
}
