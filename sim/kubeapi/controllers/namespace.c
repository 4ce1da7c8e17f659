/* The namespace controller: what a new namespace gets, and the way out of a terminating one.
 *
 *   Active (service account default, ConfigMap kube-root-ca.crt) ─► Terminating: pods deleted ─► no pod left: all else deleted
 *   ─► no content left: finalizer "kubernetes" removed ─► gone when nobody else's is left
 *
 * Each look says in five conditions what is in the way: groups that cannot be discovered, what remains, whose finalizers. */
#include "sim/kubeapi/controllers/namespace.h"
#include "sim/kubeapi/core/stamps.h"
#include "sim/kubeapi/crd/find.h"
#include "sim/kubeapi/verbs/system.h"
#include "sim/kubeapi/verbs/write.h"
#include "sim/kubeapi/verbs/writing.h"

#include <stdlib.h>

#define SERVICES "apiservices.apiregistration.k8s.io"
#define ROOT_CA  "kube-root-ca.crt"

struct namespaces {
    struct kubeapi *api;
    struct map queue;       /* names to look at */
    struct map terminating; /* names under deletion: events in them bring us back */
    struct world_timer *timer;
};

static void enqueue(struct namespaces *x, struct str name)
{
    map_put(&x->queue, name, x);
    world_timer_start(x->timer, 0);
}

void api_namespaces_event(struct namespaces *x, struct store_event *e)
{
    const struct kube_object *o = e->object;
    if (str_eq_c(store_table_name(e->table), "namespaces")) {
        if (e->type == STORE_DELETED)
            map_remove(&x->terminating, o->name);
        else if (e->type == STORE_ADDED || (o->deleting && !e->before->deleting))
            enqueue(x, o->name);
        if (e->type != STORE_DELETED && o->deleting)
            map_put(&x->terminating, o->name, x);
    } else if (map_count(&x->terminating) > 0 && str_eq_c(store_table_name(e->table), SERVICES)) {
        struct str name;
        for (size_t i = 0; map_next(&x->terminating, &i, &name, NULL);)
            enqueue(x, name);
    } else if (e->type == STORE_MODIFIED && str_eq_c(o->name, ROOT_CA)) {
        enqueue(x, o->ns);
    } else if (e->type == STORE_DELETED && o->ns.n > 0) {
        bool basic = str_eq_c(o->name, "default") || str_eq_c(o->name, ROOT_CA);
        if (basic || (map_count(&x->terminating) > 0 && map_has(&x->terminating, o->ns)))
            enqueue(x, o->ns);
    }
}

/* ---- what every namespace has ---- */

/* What somebody changed in data is set right. */
static void ensure(struct namespaces *x, struct arena *a, struct str table, struct str ns,
                   struct str name, const cJSON *tree)
{
    struct buf b = {0};
    struct kube_object *o = kubeapi_get(x->api, table, ns, name);
    const cJSON *data = json_get(tree, "data");
    if (o && (!data || json_equal(json_get(kube_object_tree(o, a), "data"), data)))
        return;
    json_write(&b, tree);
    err_ignore(kubeapi_apply(x->api, buf_str(&b), NULL));
    buf_free(&b);
}

static cJSON *named(struct arena *a, const char *kind, struct str ns, struct str name)
{
    cJSON *tree = json_object(a), *metadata = json_ensure(a, tree, "metadata");
    json_set_str(a, tree, "apiVersion", STR("v1"));
    json_set_str(a, tree, "kind", str_c(kind));
    json_set_str(a, metadata, "namespace", ns);
    json_set_str(a, metadata, "name", name);
    return tree;
}

static void furnish(struct namespaces *x, struct str ns)
{
    struct arena a = {0};
    cJSON *ca = named(&a, "ConfigMap", ns, STR(ROOT_CA));
    json_set_str(&a, json_ensure(&a, ca, "data"), "ca.crt", x->api->ca_pem);
    ensure(x, &a, STR("serviceaccounts"), ns, STR("default"),
           named(&a, "ServiceAccount", ns, STR("default")));
    ensure(x, &a, STR("configmaps"), ns, STR(ROOT_CA), ca);
    arena_free(&a);
}

/* ---- the way out ---- */

/* What a look at a terminating namespace has found. */
struct remains {
    struct arena a;
    struct map finalizers; /* name → how many objects have it, as a number in the pointer's place */
    struct str *resources; /* "pods. has 2 resource instances" */
    size_t resources_n, resources_cap, left;
    struct str undiscovered; /* groups; empty: none */
    size_t undiscovered_n;
};

static void note_resource(struct remains *m, struct str table, size_t n)
{
    if (m->resources_n == m->resources_cap) {
        size_t cap = m->resources_cap ? m->resources_cap * 2 : 16;
        struct str *more = ARENA_NEW_ARRAY(&m->a, struct str, cap);
        for (size_t i = 0; i < m->resources_n; i++)
            more[i] = m->resources[i];
        m->resources = more;
        m->resources_cap = cap;
    }
    m->resources[m->resources_n++] =
        arena_printf(&m->a, STR_FMT "%s has %zu resource instances", STR_ARG(table),
                     str_find_char(table, '.') < 0 ? "." : "", n);
    m->left += n;
}

static void note_object(struct remains *m, const struct kube_object *o)
{
    for (size_t i = 0; i < o->finalizers_n; i++) {
        struct str f = o->finalizers[i];
        (void)map_put(&m->finalizers, f, (void *)((uintptr_t)map_get(&m->finalizers, f) + 1));
    }
}

/* Deletes what is not under deletion yet, and notes what is left. */
static void empty_table(struct namespaces *x, struct store_table *t, struct str ns,
                        struct remains *m)
{
    struct arena a = {0};
    size_t n = 0, left = 0, cap = 64;
    struct kube_object **list = ARENA_NEW_ARRAY(&a, struct kube_object *, cap);
    struct store_cursor c = store_seek(t, ns, str_empty);
    for (struct kube_object *o; (o = store_next(&c)) && str_eq(o->ns, ns);) {
        if (n == cap) {
            struct kube_object **more = ARENA_NEW_ARRAY(&a, struct kube_object *, cap * 2);
            for (size_t i = 0; i < n; i++)
                more[i] = list[i];
            list = more;
            cap *= 2;
        }
        list[n++] = kube_object_ref(o);
    }
    for (size_t i = 0; i < n; i++) {
        if (!list[i]->deleting)
            err_ignore(kubeapi_delete(x->api, store_table_name(t), ns, list[i]->name));
        const struct kube_object *now = store_get(t, ns, list[i]->name);
        if (now)
            note_object(m, now);
        left += now != NULL;
        kube_object_unref(list[i]);
    }
    if (left > 0)
        note_resource(m, store_table_name(t), left);
    arena_free(&a);
}

/* Groups of extension servers that are known not to answer: what they hold cannot be seen. */
static void find_undiscovered(struct namespaces *x, struct remains *m)
{
    struct store_cursor c = store_seek(kubeapi_table(x->api, STR(SERVICES)), str_empty, str_empty);
    struct buf b = {0};
    for (struct kube_object *o; (o = store_next(&c));) {
        if (str_find(kube_object_raw(o, "status.conditions"),
                     STR("\"status\":\"False\",\"type\":\"Available\"")) < 0)
            continue;
        struct str group = kube_object_string(o, "spec.group"),
                   version = kube_object_string(o, "spec.version");
        buf_addf(&b,
                 "%s" STR_FMT "/" STR_FMT ": stale GroupVersion discovery: " STR_FMT "/" STR_FMT,
                 b.n > 0 ? ", " : "", STR_ARG(group), STR_ARG(version), STR_ARG(group),
                 STR_ARG(version));
        m->undiscovered_n++;
    }
    m->undiscovered = arena_str(&m->a, buf_str(&b));
    buf_free(&b);
}

/* ---- what is said about it ---- */

static struct str joined(struct arena *a, struct str *list, size_t n)
{
    struct buf b = {0};
    if (n > 1)
        qsort(list, n, sizeof *list, str_order);
    for (size_t i = 0; i < n; i++)
        buf_addf(&b, "%s" STR_FMT, i > 0 ? ", " : "", STR_ARG(list[i]));
    struct str s = arena_str(a, buf_str(&b));
    buf_free(&b);
    return s;
}

static struct str finalizers_text(struct remains *m)
{
    struct str *list = ARENA_NEW_ARRAY(&m->a, struct str, map_count(&m->finalizers) + 1), name;
    size_t n = 0;
    void *count;
    for (size_t i = 0; map_next(&m->finalizers, &i, &name, &count);)
        list[n++] = arena_printf(&m->a, STR_FMT " in %zu resource instances", STR_ARG(name),
                                 (size_t)(uintptr_t)count);
    return joined(&m->a, list, n);
}

static void set_condition(struct namespaces *x, struct arena *a, cJSON *list, const char *type,
                          const char *reason, struct str message, bool bad)
{
    cJSON *it = list->child;
    while (it && !str_eq_c(json_string_at(it, "type"), type))
        it = it->next;
    if (!it) {
        it = json_object(a);
        json_append(list, it);
        json_set_str(a, it, "type", str_c(type));
    }
    if (!str_eq_c(json_string_at(it, "status"), bad ? "True" : "False"))
        json_set_str(a, it, "lastTransitionTime", api_now(x->api, a));
    json_set_str(a, it, "status", bad ? STR("True") : STR("False"));
    json_set_str(a, it, "reason", str_c(reason));
    json_set_str(a, it, "message", message);
}

static void say(struct namespaces *x, struct arena *a, cJSON *list, struct remains *m)
{
    struct str text = STR("All resources successfully discovered");
    bool bad = m->undiscovered_n > 0;
    if (bad)
        text = arena_printf(a,
                            "Discovery failed for some groups, %zu failing: unable to retrieve the "
                            "complete list of server APIs: " STR_FMT,
                            m->undiscovered_n, STR_ARG(m->undiscovered));
    set_condition(x, a, list, "NamespaceDeletionDiscoveryFailure",
                  bad ? "DiscoveryFailed" : "ResourcesDiscovered", text, bad);
    set_condition(x, a, list, "NamespaceDeletionGroupVersionParsingFailure", "ParsedGroupVersions",
                  STR("All legacy kube types successfully parsed"), false);
    set_condition(x, a, list, "NamespaceDeletionContentFailure", "ContentDeleted",
                  STR("All content successfully deleted, may be waiting on finalization"), false);
    bad = m->left > 0;
    text = STR("All content successfully removed");
    if (bad)
        text = arena_printf(a, "Some resources are remaining: " STR_FMT,
                            STR_ARG(joined(&m->a, m->resources, m->resources_n)));
    set_condition(x, a, list, "NamespaceContentRemaining",
                  bad ? "SomeResourcesRemain" : "ContentRemoved", text, bad);
    bad = map_count(&m->finalizers) > 0;
    text = STR("All content-preserving finalizers finished");
    if (bad)
        text = arena_printf(a, "Some content in the namespace has finalizers remaining: " STR_FMT,
                            STR_ARG(finalizers_text(m)));
    set_condition(x, a, list, "NamespaceFinalizersRemaining",
                  bad ? "SomeFinalizersRemain" : "ContentHasNoFinalizers", text, bad);
}

/* Writes nothing when all is as it was. */
static void write_conditions(struct namespaces *x, struct str name, struct remains *m)
{
    struct api_request r;
    const struct api_kind *k = api_kind_of_table(x->api, STR("namespaces"));
    struct kube_object *o = kubeapi_get(x->api, STR("namespaces"), str_empty, name);
    api_system_begin(x->api, &r, k, VERB_UPDATE);
    cJSON *tree = kube_object_tree(o, &r.a), *status = json_ensure(&r.a, tree, "status");
    cJSON *list = json_get(status, "conditions");
    if (!list) {
        list = json_array(&r.a);
        json_set(&r.a, status, STR("conditions"), list);
    }
    say(x, &r.a, list, m);
    (void)api_write_update(&r, k, o, tree, WRITE_ALL, &o);
    err_ignore(api_system_end(&r)); /* changed meanwhile: its event brings us back */
}

static void release(struct namespaces *x, struct str name)
{
    struct api_request r;
    const struct api_kind *k = api_kind_of_table(x->api, STR("namespaces"));
    struct kube_object *o = kubeapi_get(x->api, STR("namespaces"), str_empty, name);
    api_system_begin(x->api, &r, k, VERB_UPDATE);
    cJSON *tree = kube_object_tree(o, &r.a), *left = json_array(&r.a);
    cJSON *list = json_path(tree, "spec.finalizers");
    for (const cJSON *f = list ? list->child : NULL; f; f = f->next)
        if (!str_eq_c(json_string(f), "kubernetes"))
            json_append(left, json_str(&r.a, json_string(f)));
    if (left->child)
        json_set(&r.a, json_ensure(&r.a, tree, "spec"), STR("finalizers"), left);
    else if (list)
        (void)json_unset(json_get(tree, "spec"), STR("finalizers"));
    (void)api_write_update(&r, k, o, tree, WRITE_ALL, &o);
    err_ignore(api_system_end(&r));
}

static void terminate(struct namespaces *x, struct str name)
{
    struct store_table *t, *pods = kubeapi_table(x->api, STR("pods"));
    struct remains m = {0};
    find_undiscovered(x, &m);
    empty_table(x, pods, name, &m);
    bool ordered = m.left > 0; /* pods first */
    for (size_t i = 0; !ordered && store_table_next(x->api->store, &i, &t);)
        if (t != pods)
            empty_table(x, t, name, &m);
    write_conditions(x, name, &m);
    if (m.left == 0 && m.undiscovered_n == 0)
        release(x, name);
    map_free(&m.finalizers);
    arena_free(&m.a);
}

static void on_timer(void *owner)
{
    struct namespaces *x = owner;
    struct map work = x->queue;
    struct str name;
    x->queue = (struct map){0};
    for (size_t i = 0; map_next(&work, &i, &name, NULL);) {
        struct kube_object *o = kubeapi_get(x->api, STR("namespaces"), str_empty, name);
        if (o && o->deleting)
            terminate(x, name);
        else if (o)
            furnish(x, name);
    }
    map_free(&work);
}

struct namespaces *api_namespaces_new(struct kubeapi *api)
{
    struct namespaces *x = MEM_NEW(struct namespaces);
    x->api = api;
    x->timer = world_timer_new(api->w, on_timer, x);
    return x;
}

void api_namespaces_free(struct namespaces *x)
{
    world_timer_free(x->timer);
    map_free(&x->queue);
    map_free(&x->terminating);
    mem_free(x);
}

void api_namespaces_reset(struct namespaces *x)
{
    struct store_cursor c =
        store_seek(store_table(x->api->store, STR("namespaces")), str_empty, str_empty);
    map_clear(&x->queue);
    map_clear(&x->terminating);
    for (struct kube_object *o; (o = store_next(&c));) {
        if (o->deleting)
            map_put(&x->terminating, o->name, x);
        enqueue(x, o->name);
    }
}
