/* LimitRanger: defaults and bounds of containers, pods and claims by the limit ranges of their namespace. */
#include "sim/kubeapi/admission/admission.h"

#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/rules/walk.h"
#include "sim/kubeapi/types/quantity.h"

#include <string.h>

static struct store_cursor ranges(struct admission *a)
{
    return store_seek(store_table(a->r->api->store, STR("limitranges")), a->r->ns, str_empty);
}

/* The next range of the namespace as a list of limits; NULL: the end. */
static const cJSON *next_range(struct admission *a, struct store_cursor *c)
{
    struct kube_object *o = store_next(c);
    if (!o || !str_eq(o->ns, a->r->ns))
        return NULL;
    const cJSON *list = json_path(kube_object_tree(o, &a->r->a), "spec.limits");
    return list ? list : json_array(&a->r->a);
}

/* ---- defaults ---- */

struct told { /* "cpu, memory request for container c" */
    struct buf text;
    size_t n;
};

static void fill(struct admission *a, cJSON *resources, const char *part, const cJSON *defaults,
                 struct told *told)
{
    cJSON *have = json_get(resources, part);
    for (const cJSON *d = defaults ? defaults->child : NULL; d; d = d->next) {
        if (have && json_get(have, d->string))
            continue;
        if (!have) {
            have = json_object(&a->r->a);
            json_set(&a->r->a, resources, str_c(part), have);
        }
        json_set_str(&a->r->a, have, d->string, json_string(d));
        buf_addf(&told->text, "%s%s", told->n++ > 0 ? ", " : "", d->string);
    }
}

static void default_list(struct admission *a, cJSON *spec, const char *list_name, const char *what,
                         const cJSON *limit, struct buf *note)
{
    cJSON *list = json_get(spec, list_name);
    for (cJSON *c = list ? list->child : NULL; c; c = c->next) {
        struct told requests = {0}, limits = {0};
        cJSON *resources = json_ensure(&a->r->a, c, "resources");
        fill(a, resources, "limits", json_get(limit, "default"), &limits);
        fill(a, resources, "requests", json_get(limit, "defaultRequest"), &requests);
        if (requests.n > 0)
            buf_addf(note, "%s" STR_FMT " request for %s " STR_FMT, note->n > 0 ? "; " : "",
                     STR_ARG(buf_str(&requests.text)), what, STR_ARG(json_string_at(c, "name")));
        if (limits.n > 0)
            buf_addf(note, "%s" STR_FMT " limit for %s " STR_FMT, note->n > 0 ? "; " : "",
                     STR_ARG(buf_str(&limits.text)), what, STR_ARG(json_string_at(c, "name")));
        buf_free(&requests.text);
        buf_free(&limits.text);
    }
}

bool admit_limit_defaults(struct admission *a)
{
    struct store_cursor c = ranges(a);
    cJSON *spec = json_get(a->object, "spec");
    struct buf note = {0};
    if (!api_kind_is(a->k, "pods") || a->verb != ADMIT_CREATE || !spec)
        return true;
    for (const cJSON *list; (list = next_range(a, &c));)
        for (const cJSON *l = list->child; l; l = l->next)
            if (str_eq_c(json_string_at(l, "type"), "Container")) {
                default_list(a, spec, "containers", "container", l, &note);
                default_list(a, spec, "initContainers", "init container", l, &note);
            }
    if (note.n > 0) {
        cJSON *notes = json_ensure(&a->r->a, a->object, "metadata.annotations");
        json_set_str(
            &a->r->a, notes, "kubernetes.io/limit-ranger",
            arena_printf(&a->r->a, "LimitRanger plugin set: " STR_FMT, STR_ARG(buf_str(&note))));
    }
    buf_free(&note);
    return true;
}

/* ---- bounds ---- */

struct bounds {
    struct admission *a;
    struct buf problems;
    size_t n;
};

static void problem(struct bounds *b, struct str text)
{
    buf_addf(&b->problems, "%s" STR_FMT, b->n++ > 0 ? ", " : "", STR_ARG(text));
}

static bool amount(const cJSON *map, const char *name, struct quantity *q)
{
    const cJSON *v = json_get(map, name);
    return v && !quantity_parse(json_string(v), q);
}

static void check_min(struct bounds *b, const char *type, const cJSON *limit, const cJSON *requests)
{
    const cJSON *least = json_get(limit, "min");
    for (const cJSON *m = least ? least->child : NULL; m; m = m->next) {
        struct quantity min, q;
        if (quantity_parse(json_string(m), &min))
            continue;
        if (!amount(requests, m->string, &q))
            problem(b,
                    arena_printf(&b->a->r->a,
                                 "minimum %s usage per %s is " STR_FMT ".  No request is specified",
                                 m->string, type, STR_ARG(json_string(m))));
        else if (quantity_cmp(&q, &min) < 0)
            problem(b,
                    arena_printf(&b->a->r->a,
                                 "minimum %s usage per %s is " STR_FMT ", but request is " STR_FMT,
                                 m->string, type, STR_ARG(json_string(m)),
                                 STR_ARG(json_string(json_get(requests, m->string)))));
    }
}

static void check_max(struct bounds *b, const char *type, const cJSON *limit, const cJSON *requests,
                      const cJSON *limits, bool claim)
{
    const cJSON *most = json_get(limit, "max");
    for (const cJSON *m = most ? most->child : NULL; m; m = m->next) {
        struct quantity max, q;
        const cJSON *of = claim ? requests : limits;
        if (quantity_parse(json_string(m), &max))
            continue;
        if (!amount(of, m->string, &q))
            problem(b,
                    arena_printf(&b->a->r->a,
                                 "maximum %s usage per %s is " STR_FMT ".  No limit is specified",
                                 m->string, type, STR_ARG(json_string(m))));
        else if (quantity_cmp(&q, &max) > 0)
            problem(b, arena_printf(&b->a->r->a,
                                    "maximum %s usage per %s is " STR_FMT ", but %s is " STR_FMT,
                                    m->string, type, STR_ARG(json_string(m)),
                                    claim ? "request" : "limit",
                                    STR_ARG(json_string(json_get(of, m->string)))));
    }
}

static void check_ratio(struct bounds *b, const char *type, const cJSON *limit,
                        const cJSON *requests, const cJSON *limits)
{
    const cJSON *most = json_get(limit, "maxLimitRequestRatio");
    for (const cJSON *m = most ? most->child : NULL; m; m = m->next) {
        struct quantity max, l, q;
        if (quantity_parse(json_string(m), &max) || !amount(limits, m->string, &l) ||
            !amount(requests, m->string, &q) || q.nanos == 0)
            continue;
        int64_t milli = (int64_t)(l.nanos * 1000000 / q.nanos); /* in millionths */
        if ((__int128)milli * 1000 > max.nanos)
            problem(b, arena_printf(&b->a->r->a,
                                    "%s max limit to request ratio per %s is " STR_FMT
                                    ", but provided ratio is %lld.%06lld",
                                    m->string, type, STR_ARG(json_string(m)),
                                    (long long)(milli / 1000000), (long long)(milli % 1000000)));
    }
}

static void check_containers(struct bounds *b, const cJSON *spec, const char *name,
                             const cJSON *limit)
{
    const cJSON *list = json_get(spec, name);
    for (const cJSON *c = list ? list->child : NULL; c; c = c->next) {
        const cJSON *requests = json_path(c, "resources.requests"),
                    *limits = json_path(c, "resources.limits");
        check_min(b, "Container", limit, requests);
        check_max(b, "Container", limit, requests, limits, false);
        check_ratio(b, "Container", limit, requests, limits);
    }
}

/* The sum of a part over the containers. */
static cJSON *total(struct bounds *b, const cJSON *spec, const char *part)
{
    struct arena *m = &b->a->r->a;
    cJSON *sum = json_object(m);
    const cJSON *list = json_get(spec, "containers");
    for (const cJSON *c = list ? list->child : NULL; c; c = c->next) {
        const cJSON *map = json_get(json_get(c, "resources"), part);
        for (const cJSON *v = map ? map->child : NULL; v; v = v->next) {
            struct quantity q, so_far;
            struct buf text = {0};
            if (quantity_parse(json_string(v), &q))
                continue;
            if (amount(sum, v->string, &so_far))
                q = quantity_add(&so_far, &q);
            quantity_write(&q, &text);
            json_set_str(m, sum, v->string, buf_str(&text));
            buf_free(&text);
        }
    }
    return sum;
}

static void check_limit(struct bounds *b, const cJSON *limit)
{
    struct str type = json_string_at(limit, "type");
    const cJSON *spec = json_get(b->a->object, "spec");
    bool pod = api_kind_is(b->a->k, "pods");
    if (!pod && str_eq_c(type, "PersistentVolumeClaim")) {
        const cJSON *requests = json_path(spec, "resources.requests");
        check_min(b, "PersistentVolumeClaim", limit, requests);
        check_max(b, "PersistentVolumeClaim", limit, requests, NULL, true);
    } else if (pod && str_eq_c(type, "Container")) {
        check_containers(b, spec, "containers", limit);
        check_containers(b, spec, "initContainers", limit);
    } else if (pod && str_eq_c(type, "Pod")) {
        const cJSON *requests = total(b, spec, "requests"), *limits = total(b, spec, "limits");
        check_min(b, "Pod", limit, requests);
        check_max(b, "Pod", limit, requests, limits, false);
        check_ratio(b, "Pod", limit, requests, limits);
    }
}

bool admit_limits(struct admission *a)
{
    struct store_cursor c = ranges(a);
    struct bounds b = {.a = a};
    bool ok = true;
    if (a->verb == ADMIT_UPDATE && api_kind_is(a->k, "pods"))
        return true;
    for (const cJSON *list; (list = next_range(a, &c));)
        for (const cJSON *l = list->child; l; l = l->next)
            check_limit(&b, l);
    if (b.n > 0)
        ok = api_fail_forbidden(a->r, json_string_at(a->object, "metadata.name"),
                                b.n > 1 ? "[" STR_FMT "]" : STR_FMT, STR_ARG(buf_str(&b.problems)));
    buf_free(&b.problems);
    return ok;
}
