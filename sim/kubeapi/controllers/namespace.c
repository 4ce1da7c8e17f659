/* The namespace controller: what a new namespace gets, and the way out of a terminating one.
 *
 *   Active (service account default, ConfigMap kube-root-ca.crt) ─► Terminating: content deleted, waiting for finalizers
 *   ─► no content left: finalizer "kubernetes" removed ─► gone when nobody else's is left */
#include "sim/kubeapi/core/api_internal.h"

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
    } else if (e->type == STORE_DELETED && o->ns.n > 0) {
        bool basic = str_eq_c(o->name, "default") || str_eq_c(o->name, "kube-root-ca.crt");
        if (basic || (map_count(&x->terminating) > 0 && map_has(&x->terminating, o->ns)))
            enqueue(x, o->ns);
    }
}

/* ---- what every namespace has ---- */

static void ensure(struct namespaces *x, struct str table, struct str ns, struct str name,
                   const cJSON *tree)
{
    struct buf b = {0};
    if (kubeapi_get(x->api, table, ns, name))
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
    cJSON *ca = named(&a, "ConfigMap", ns, STR("kube-root-ca.crt"));
    json_set_str(&a, json_ensure(&a, ca, "data"), "ca.crt", x->api->ca_pem);
    ensure(x, STR("serviceaccounts"), ns, STR("default"),
           named(&a, "ServiceAccount", ns, STR("default")));
    ensure(x, STR("configmaps"), ns, STR("kube-root-ca.crt"), ca);
    arena_free(&a);
}

/* ---- the way out ---- */

/* Deletes what is not under deletion yet; returns how much is left. */
static size_t empty_table(struct namespaces *x, struct store_table *t, struct str ns)
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
        left += store_get(t, ns, list[i]->name) != NULL;
        kube_object_unref(list[i]);
    }
    arena_free(&a);
    return left;
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
    struct store_table *t;
    size_t left = 0;
    for (size_t i = 0; store_table_next(x->api->store, &i, &t);)
        left += empty_table(x, t, name);
    if (left == 0)
        release(x, name);
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
