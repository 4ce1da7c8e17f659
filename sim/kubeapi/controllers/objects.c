/* Reading and writing objects in a sync. */
#include "sim/kubeapi/controllers/ctl.h"
#include "sim/kubeapi/crd/find.h"
#include "sim/kubeapi/verbs/system.h"
#include "sim/kubeapi/verbs/write.h"

/* ---- reading ---- */

struct kube_object *ctl_hold(struct ctl *c, struct kube_object *o)
{
    if (!o)
        return NULL;
    if (c->held_n == c->held_cap) {
        c->held_cap = c->held_cap ? c->held_cap * 2 : 64;
        c->held = mem_resize(c->held, c->held_cap * sizeof *c->held);
    }
    return c->held[c->held_n++] = kube_object_ref(o);
}

struct kube_object *ctl_get(struct ctl *c, enum ctl_table table, struct str ns, struct str name)
{
    return ctl_hold(c, store_get(c->tables[table], ns, name));
}

static void push(struct ctl *c, struct ctl_list *list, size_t *cap, struct kube_object *o)
{
    if (list->n == *cap) {
        *cap = *cap ? *cap * 2 : 16;
        struct kube_object **more = ARENA_NEW_ARRAY(&c->a, struct kube_object *, *cap);
        for (size_t i = 0; i < list->n; i++)
            more[i] = list->at[i];
        list->at = more;
    }
    list->at[list->n++] = ctl_hold(c, o);
}

struct ctl_list ctl_list(struct ctl *c, enum ctl_table table, struct str ns)
{
    struct ctl_list list = {0};
    size_t cap = 0;
    struct store_cursor cursor = store_seek(c->tables[table], ns, str_empty);
    for (struct kube_object *o; (o = store_next(&cursor)) && (ns.n == 0 || str_eq(o->ns, ns));)
        push(c, &list, &cap, o);
    return list;
}

struct ctl_list ctl_owned(struct ctl *c, enum ctl_table table, const struct kube_object *owner)
{
    struct ctl_list list = {0};
    size_t n, cap = 0;
    const struct store_dependent *d = store_dependents(c->api->store, owner->uid, &n);
    for (size_t i = 0; i < n; i++) {
        const struct kube_owner *by = kube_object_controller(d[i].object);
        if (d[i].table == c->tables[table] && by && str_eq(by->uid, owner->uid) &&
            str_eq(d[i].object->ns, owner->ns))
            push(c, &list, &cap, d[i].object);
    }
    return list;
}

cJSON *ctl_tree(struct ctl *c, const struct kube_object *o)
{
    return kube_object_tree(o, &c->a);
}

bool ctl_number(const struct kube_object *o, const char *dotted, int64_t *out)
{
    struct str raw = kube_object_raw(o, dotted);
    return raw.n > 0 && str_to_i64(raw, out);
}

bool ctl_is(const struct kube_object *o, const char *dotted, const char *text)
{
    return str_eq_c(kube_object_string(o, dotted), text);
}

struct str ctl_annotation(const struct kube_object *o, const char *key)
{
    struct str list = kube_object_raw(o, "metadata.annotations"), inner = str_empty;
    bool escaped;
    if (list.n == 0 || !scan_string(scan_get(list, str_c(key)), &inner, &escaped))
        return str_empty;
    return inner;
}

int64_t ctl_int_or_percent(const cJSON *v, int64_t of, bool round_up, int64_t otherwise)
{
    int64_t n;
    struct str s = json_string(v);
    if (v && json_int(v, &n))
        return n;
    if (!str_ends(s, STR("%")) || !str_to_i64(str_sub(s, 0, s.n - 1), &n))
        return otherwise;
    return (n * of + (round_up ? 99 : 0)) / 100;
}

world_time ctl_time_at(const cJSON *v, const char *dotted)
{
    int64_t ns;
    return rfc3339_parse(json_string_at(v, dotted), &ns) ? ns : -1;
}

world_time ctl_created(const struct kube_object *o)
{
    int64_t ns;
    return rfc3339_parse(kube_object_string(o, "metadata.creationTimestamp"), &ns) ? ns : 0;
}

/* ---- writing ---- */

static const struct api_kind *kind_of(struct ctl *c, enum ctl_table table)
{
    return api_kind_of_table(c->api, store_table_name(c->tables[table]));
}

/* Says which table it is of, and whether the namespace still takes it. */
static bool begin_create(struct ctl *c, struct api_request *r, const struct api_kind *k,
                         struct str ns, cJSON *tree)
{
    struct buf version = {.max = 256};
    api_system_begin(c->api, r, k, VERB_CREATE);
    r->ns = ns;
    kube_api_version_write(k->group, k->version, &version);
    json_set_str(&c->a, tree, "apiVersion", buf_str(&version));
    json_set_str(&c->a, tree, "kind", k->kind);
    buf_free(&version);
    return ns.n == 0 || api_write_namespace_open(r, ns);
}

struct kube_object *ctl_create(struct ctl *c, enum ctl_table table, struct str ns, cJSON *tree)
{
    struct api_request r;
    struct kube_object *out = NULL;
    const struct api_kind *k = kind_of(c, table);
    bool ok = begin_create(c, &r, k, ns, tree) && api_write_create(&r, k, ns, tree, &out);
    out = ok ? ctl_hold(c, out) : NULL;
    err_ignore(api_system_end(&r)); /* the caller sees that there is none */
    return out;
}

struct kube_object *ctl_update(struct ctl *c, enum ctl_table table, struct kube_object *old,
                               cJSON *tree)
{
    struct api_request r;
    struct kube_object *out = NULL;
    const struct api_kind *k = kind_of(c, table);
    if (store_get(c->tables[table], old->ns, old->name) != old)
        return NULL; /* it is another by now: its event brings us back */
    api_system_begin(c->api, &r, k, VERB_UPDATE);
    r.ns = old->ns;
    bool ok = api_write_update(&r, k, old, tree, WRITE_ALL, &out);
    out = ok ? ctl_hold(c, out) : NULL;
    err_ignore(api_system_end(&r)); /* the caller sees that nothing was written */
    return out;
}

void ctl_put_status(struct ctl *c, enum ctl_table table, struct kube_object *o, cJSON *tree,
                    cJSON *status)
{
    struct buf b = {0};
    json_write(&b, status);
    bool same = str_eq(buf_str(&b), kube_object_raw(o, "status"));
    buf_free(&b);
    if (same)
        return;
    if (!tree)
        tree = ctl_tree(c, o);
    json_set(&c->a, tree, STR("status"), status);
    (void)ctl_update(c, table, o, tree); /* changed meanwhile: its event brings us back */
}

void ctl_set_status(struct ctl *c, enum ctl_table table, struct kube_object *o, cJSON *status)
{
    ctl_put_status(c, table, o, NULL, status);
}

bool ctl_delete(struct ctl *c, enum ctl_table table, struct kube_object *o, int64_t grace_s)
{
    struct api_request r;
    struct kube_object *out;
    bool gone;
    const struct api_kind *k = kind_of(c, table);
    struct delete_options options = {.propagation = STR("Background"),
                                     .uid = o->uid,
                                     .resource_version = str_empty,
                                     .grace_s = grace_s};
    struct kube_object *now = store_get(c->tables[table], o->ns, o->name);
    if (!now || !str_eq(now->uid, o->uid))
        return false;
    api_system_begin(c->api, &r, k, VERB_DELETE);
    r.ns = o->ns;
    bool ok = api_write_delete(&r, k, ctl_hold(c, now), &options, &gone, &out);
    err_ignore(api_system_end(&r)); /* the caller sees that it failed */
    return ok;
}

cJSON *ctl_owner_reference(struct ctl *c, const struct kube_object *owner)
{
    cJSON *ref = json_object(&c->a);
    json_set_str(&c->a, ref, "apiVersion", owner->api_version);
    json_set_bool(&c->a, ref, "blockOwnerDeletion", true);
    json_set_bool(&c->a, ref, "controller", true);
    json_set_str(&c->a, ref, "kind", owner->kind);
    json_set_str(&c->a, ref, "name", owner->name);
    json_set_str(&c->a, ref, "uid", owner->uid);
    return ref;
}

cJSON *ctl_condition_find_str(const cJSON *status, struct str type)
{
    cJSON *list = json_get(status, "conditions");
    for (cJSON *it = list ? list->child : NULL; it; it = it->next)
        if (str_eq(json_string_at(it, "type"), type))
            return it;
    return NULL;
}

cJSON *ctl_condition_find(const cJSON *status, const char *type)
{
    return ctl_condition_find_str(status, str_c(type));
}

void ctl_condition(struct ctl *c, cJSON *status, const char *type, const char *value,
                   const char *reason, struct str message)
{
    cJSON *it = ctl_condition_find(status, type), *list = json_get(status, "conditions");
    if (!list) {
        list = json_array(&c->a);
        json_set(&c->a, status, STR("conditions"), list);
    }
    if (!it) {
        it = json_object(&c->a);
        json_set_str(&c->a, it, "type", str_c(type));
        json_append(list, it);
    }
    if (!str_eq_c(json_string_at(it, "status"), value))
        json_set_str(&c->a, it, "lastTransitionTime", ctl_now(c));
    json_set_str(&c->a, it, "status", str_c(value));
    if (reason)
        json_set_str(&c->a, it, "reason", str_c(reason));
    if (message.n > 0)
        json_set_str(&c->a, it, "message", message);
    else
        (void)json_unset(it, STR("message"));
}

cJSON *ctl_reference(struct ctl *c, const struct kube_object *o)
{
    struct arena *a = &c->a;
    cJSON *ref = json_object(a);
    json_set_str(a, ref, "apiVersion", o->api_version);
    json_set_str(a, ref, "kind", o->kind);
    json_set_str(a, ref, "name", o->name);
    if (o->ns.n > 0)
        json_set_str(a, ref, "namespace", o->ns);
    json_set_str(a, ref, "resourceVersion",
                 arena_printf(a, "%llu", (unsigned long long)o->resource_version));
    json_set_str(a, ref, "uid", o->uid);
    return ref;
}
