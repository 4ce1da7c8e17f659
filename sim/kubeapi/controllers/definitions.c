#include "sim/kubeapi/controllers/definitions.h"

#include "sim/kubeapi/crd/crds.h"
#include "sim/kubeapi/crd/find.h"
#include "sim/kubeapi/verbs/system.h"
#include "sim/kubeapi/verbs/write.h"
#include "sim/kubeapi/verbs/writing.h"

struct definitions {
    struct kubeapi *api;
    struct str freed; /* owned: the group whose names came free; empty: none */
    struct world_timer *timer;
};

/* ---- the way out: instances, then the finalizer ---- */

static void delete_instances(struct definitions *x, struct str name)
{
    struct arena a = {0};
    struct store_table *t = store_table(x->api->store, name);
    size_t n = 0;
    struct kube_object **list = ARENA_NEW_ARRAY(&a, struct kube_object *, store_count(t) + 1);
    struct store_cursor c = store_seek(t, str_empty, str_empty);
    for (struct kube_object *o; (o = store_next(&c));)
        list[n++] = kube_object_ref(o);
    for (size_t i = 0; i < n; i++) {
        if (!list[i]->deleting)
            err_ignore(kubeapi_delete(x->api, name, list[i]->ns, list[i]->name));
        kube_object_unref(list[i]);
    }
    arena_free(&a);
}

static void release(struct definitions *x, struct kube_object *o)
{
    struct api_request r;
    const struct api_kind *k = api_kind_of_table(x->api, STR(CRD_TABLE));
    api_system_begin(x->api, &r, k, VERB_UPDATE);
    cJSON *tree = kube_object_tree(o, &r.a), *left = json_array(&r.a);
    for (size_t i = 0; i < o->finalizers_n; i++)
        if (!str_eq_c(o->finalizers[i], CRD_CLEANUP))
            json_append(left, json_str(&r.a, o->finalizers[i]));
    json_set(&r.a, json_get(tree, "metadata"), STR("finalizers"), left);
    (void)api_write_update(&r, k, o, tree, WRITE_ALL, &o);
    err_ignore(api_system_end(&r));
}

/* Names came free: definitions that wait for them may have them now. */
static void give_names(struct definitions *x)
{
    struct str freed = x->freed, name;
    x->freed = str_empty;
    for (size_t i = 0; freed.n > 0 && crds_next_waiting(x->api->crds, freed, &i, &name);) {
        struct kube_object *o = kubeapi_get(x->api, STR(CRD_TABLE), str_empty, name), *out;
        if (!o)
            continue;
        struct api_request r;
        const struct api_kind *k = api_kind_of_table(x->api, STR(CRD_TABLE));
        api_system_begin(x->api, &r, k, VERB_UPDATE);
        cJSON *tree = kube_object_tree(o, &r.a);
        crds_settle_names(x->api, &r.a, tree);
        (void)api_write_update(&r, k, o, tree, WRITE_ALL, &out);
        err_ignore(api_system_end(&r));
    }
    str_free(&freed);
}

static void on_timer(void *owner)
{
    struct definitions *x = owner;
    struct str name;
    for (size_t i = 0; crds_next_terminating(x->api->crds, &i, &name);) {
        struct kube_object *o = kubeapi_get(x->api, STR(CRD_TABLE), str_empty, name);
        if (!o || !o->deleting)
            continue;
        delete_instances(x, o->name);
        if (store_count(store_table(x->api->store, o->name)) == 0 &&
            kube_object_has_finalizer(o, STR(CRD_CLEANUP)))
            release(x, o);
    }
    give_names(x);
}

/* ---- events ---- */

void definitions_event(struct definitions *x, struct store_event *e)
{
    struct str table = store_table_name(e->table);
    const struct kube_object *o = e->object;
    bool definition = str_eq_c(table, CRD_TABLE), gone = e->type == STORE_DELETED;
    if (!definition) {
        if (gone && crds_is_terminating(x->api->crds, table))
            world_timer_start(x->timer, 0);
        return;
    }
    if (gone) {
        str_free(&x->freed);
        x->freed = str_dup(kube_object_string(o, "spec.group"));
    }
    if (gone || o->deleting)
        world_timer_start(x->timer, 0);
}

/* ---- life ---- */

struct definitions *definitions_new(struct kubeapi *api)
{
    struct definitions *x = MEM_NEW(struct definitions);
    x->api = api;
    x->freed = str_empty;
    x->timer = world_timer_new(api->w, on_timer, x);
    return x;
}

void definitions_free(struct definitions *x)
{
    world_timer_free(x->timer);
    str_free(&x->freed);
    mem_free(x);
}

void definitions_reset(struct definitions *x)
{
    struct str name;
    size_t i = 0;
    if (crds_next_terminating(x->api->crds, &i, &name))
        world_timer_start(x->timer, 0);
}
