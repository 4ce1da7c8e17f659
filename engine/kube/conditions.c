/* Conditions read from canonical bytes and edited as a tree. */
#include "engine/kube/conditions.h"

#include "engine/base/timefmt.h"

/* ---- reading ---- */

struct scan conditions_of(const struct kube_object *o)
{
    struct scan s = scan_of(kube_object_raw(o, "status.conditions"));
    (void)scan_enter(&s, '[');
    return s;
}

static struct str plain(struct str raw)
{
    struct str inner;
    bool escaped;
    return scan_string(raw, &inner, &escaped) && !escaped ? inner : str_empty;
}

bool condition_next(struct scan *s, struct condition *out)
{
    struct str element, key, value;
    if (!scan_element(s, &element))
        return false;
    *out = (struct condition){str_empty, str_empty, str_empty, str_empty};
    struct scan members = scan_of(element);
    if (!scan_enter(&members, '{'))
        return true; /* not a condition: it has no type and means nothing to anybody */
    while (scan_member(&members, &key, &value)) {
        if (str_eq_c(key, "type"))
            out->type = plain(value);
        else if (str_eq_c(key, "status"))
            out->status = plain(value);
        else if (str_eq_c(key, "reason"))
            out->reason = plain(value);
        else if (str_eq_c(key, "message"))
            out->message_json = value;
    }
    return true;
}

bool condition_get(const struct kube_object *o, const char *type, struct condition *out)
{
    struct scan s = conditions_of(o);
    while (condition_next(&s, out))
        if (str_eq_c(out->type, type))
            return true;
    return false;
}

bool condition_is(const struct kube_object *o, const char *type, const char *status)
{
    struct condition c;
    return condition_get(o, type, &c) && str_eq_c(c.status, status);
}

void condition_message(const struct condition *c, struct buf *out)
{
    struct arena a = {0};
    cJSON *text = NULL;
    struct err *err = c->message_json.n ? json_parse(&a, c->message_json, &text) : NULL;
    if (!err)
        buf_add(out, json_string(text));
    err_ignore(err);
    arena_free(&a);
}

/* ---- editing ---- */

void conditions_begin(struct conditions_edit *e, const struct kube_object *o, int64_t wall_ns)
{
    *e = (struct conditions_edit){.resource_version = o->resource_version};
    struct str raw = kube_object_raw(o, "status.conditions");
    struct err *err = raw.n ? json_parse(&e->arena, raw, &e->list) : NULL;
    BUG_ON(err, "the bytes of an object are canonical JSON");
    if (!cJSON_IsArray(e->list))
        e->list = json_array(&e->arena);
    struct buf now = {0};
    rfc3339_format(&now, wall_ns);
    e->now = arena_str(&e->arena, buf_str(&now));
    buf_free(&now);
}

static cJSON *find(const struct conditions_edit *e, const char *type)
{
    for (cJSON *it = e->list->child; it; it = it->next)
        if (str_eq_c(json_string_at(it, "type"), type))
            return it;
    return NULL;
}

static void set_or_unset(struct conditions_edit *e, cJSON *condition, const char *key,
                         struct str value)
{
    if (value.n)
        json_set_str(&e->arena, condition, key, value);
    else
        (void)json_unset(condition, str_c(key));
}

void condition_set(struct conditions_edit *e, const char *type, const char *status,
                   const char *reason, struct str message)
{
    cJSON *c = find(e, type);
    bool same_status = c && str_eq_c(json_string_at(c, "status"), status);
    if (same_status && str_eq_c(json_string_at(c, "reason"), reason) &&
        str_eq(json_string_at(c, "message"), message))
        return;
    if (!c) {
        c = json_object(&e->arena);
        json_set_str(&e->arena, c, "type", str_c(type));
        json_append(e->list, c);
    }
    json_set_str(&e->arena, c, "status", str_c(status));
    set_or_unset(e, c, "reason", str_c(reason));
    set_or_unset(e, c, "message", message);
    json_set_str(&e->arena, c, "lastUpdateTime", e->now);
    if (!same_status)
        json_set_str(&e->arena, c, "lastTransitionTime", e->now);
    e->changed = true;
}

void condition_touch(struct conditions_edit *e, const char *type)
{
    cJSON *c = find(e, type);
    if (!c)
        return;
    json_set_str(&e->arena, c, "lastUpdateTime", e->now);
    e->changed = true;
}

cJSON *conditions_patch(struct conditions_edit *e)
{
    struct arena *a = &e->arena;
    cJSON *patch = json_object(a), *status = json_ensure(a, patch, "status");
    json_set_str(a, json_ensure(a, patch, "metadata"), "resourceVersion",
                 arena_printf(a, "%llu", (unsigned long long)e->resource_version));
    if (e->changed)
        json_set(a, status, STR("conditions"), json_copy(a, e->list));
    return patch;
}

void conditions_end(struct conditions_edit *e)
{
    arena_free(&e->arena);
}
