#include "sim/kubeapi/controllers/policies.h"

#include "sim/kubeapi/admission/policy_types.h"
#include "sim/kubeapi/crd/find.h"
#include "sim/kubeapi/verbs/system.h"
#include "sim/kubeapi/verbs/write.h"
#include "sim/kubeapi/verbs/writing.h"

#define POLICIES "validatingadmissionpolicies.admissionregistration.k8s.io"

struct policies {
    struct kubeapi *api;
    struct store_table *table;
    struct world_timer *timer;
};

static bool is_due(const struct kube_object *o)
{
    int64_t observed = 0;
    (void)str_to_i64(kube_object_raw(o, "status.observedGeneration"), &observed);
    return !o->deleting && (int64_t)o->generation > observed;
}

static void sync(struct policies *x, struct kube_object *o)
{
    struct api_request r;
    const struct api_kind *k = api_kind_of_table(x->api, STR(POLICIES));
    api_system_begin(x->api, &r, k, VERB_UPDATE);
    cJSON *tree = kube_object_tree(o, &r.a), *status = json_ensure(&r.a, tree, "status");
    json_set_int(&r.a, status, "observedGeneration", (int64_t)o->generation);
    json_set(&r.a, status, STR("typeChecking"), policy_type_checking(x->api, &r.a, tree));
    (void)api_write_update(&r, k, o, tree, WRITE_ALL, &o);
    err_ignore(api_system_end(&r));
}

static void on_timer(void *owner)
{
    struct policies *x = owner;
    struct arena a = {0};
    size_t n = 0;
    struct kube_object **due = ARENA_NEW_ARRAY(&a, struct kube_object *, store_count(x->table) + 1);
    struct store_cursor c = store_seek(x->table, str_empty, str_empty);
    for (struct kube_object *o; (o = store_next(&c));)
        if (is_due(o))
            due[n++] = kube_object_ref(o);
    for (size_t i = 0; i < n; i++) {
        sync(x, due[i]);
        kube_object_unref(due[i]);
    }
    arena_free(&a);
}

void policies_event(struct policies *x, struct store_event *e)
{
    if (e->table == x->table && e->type != STORE_DELETED && is_due(e->object))
        world_timer_start(x->timer, 0);
}

void policies_reset(struct policies *x)
{
    if (store_count(x->table) > 0)
        world_timer_start(x->timer, 0);
}

struct policies *policies_new(struct kubeapi *api)
{
    struct policies *x = MEM_NEW(struct policies);
    x->api = api;
    x->table = store_table(api->store, STR(POLICIES));
    x->timer = world_timer_new(api->w, on_timer, x);
    return x;
}

void policies_free(struct policies *x)
{
    if (!x)
        return;
    world_timer_free(x->timer);
    mem_free(x);
}
