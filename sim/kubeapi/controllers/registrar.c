#include "sim/kubeapi/controllers/registrar.h"

#include "sim/kubeapi/core/stamps.h"
#include "sim/kubeapi/crd/crds.h"
#include "sim/kubeapi/crd/find.h"
#include "sim/kubeapi/verbs/system.h"
#include "sim/kubeapi/verbs/writing.h"

#define SERVICES       "apiservices.apiregistration.k8s.io"
#define OWN            "v1.apiextensions.k8s.io" /* there: the server registers groups */
#define MANAGED        "kube-aggregator.kubernetes.io/automanaged"
#define GROUP_PRIORITY 1000
#define PRIORITY       100

struct registrar {
    struct kubeapi *api;
    struct world_timer *timer;
};

static bool is_ours(const struct kube_object *o)
{
    return str_eq_c(kube_object_label(o, STR(MANAGED)), "true");
}

/* As it is to be, but for what the server adds. */
static bool is_right(const struct kube_object *o, const struct api_kind *k)
{
    return is_ours(o) && str_eq(kube_object_string(o, "spec.group"), k->group) &&
           str_eq(kube_object_string(o, "spec.version"), k->version) &&
           kube_object_raw(o, "spec.service").n == 0 &&
           str_eq_c(kube_object_raw(o, "spec.groupPriorityMinimum"), "1000") &&
           str_eq_c(kube_object_raw(o, "spec.versionPriority"), "100");
}

static void put(struct registrar *x, struct arena *a, struct str name, const struct api_kind *k)
{
    struct buf b = {0};
    buf_addf(&b,
             "{\"apiVersion\":\"apiregistration.k8s.io/v1\",\"kind\":\"APIService\","
             "\"metadata\":{\"name\":\"" STR_FMT "\",\"labels\":{\"" MANAGED "\":\"true\"}},"
             "\"spec\":{\"group\":\"" STR_FMT "\",\"version\":\"" STR_FMT
             "\",\"groupPriorityMinimum\":%d,\"versionPriority\":%d},"
             "\"status\":{\"conditions\":[{\"type\":\"Available\",\"status\":\"True\",\"reason\":"
             "\"Local\",\"message\":\"Local APIServices are always available\","
             "\"lastTransitionTime\":\"" STR_FMT "\"}]}}",
             STR_ARG(name), STR_ARG(k->group), STR_ARG(k->version), GROUP_PRIORITY, PRIORITY,
             STR_ARG(api_now(x->api, a)));
    err_ignore(kubeapi_apply(x->api, buf_str(&b), NULL)); /* its event brings us back */
    buf_free(&b);
}

/* What nobody defines any more goes; `served`: the names of what is. */
static void drop_others(struct registrar *x, struct arena *a, const struct map *served)
{
    struct store_table *t = store_table(x->api->store, STR(SERVICES));
    struct store_cursor c = store_seek(t, str_empty, str_empty);
    size_t n = 0;
    struct str *gone = ARENA_NEW_ARRAY(a, struct str, store_count(t) + 1);
    for (struct kube_object *o; (o = store_next(&c));)
        if (is_ours(o) && !map_has(served, o->name))
            gone[n++] = arena_str(a, o->name);
    for (size_t i = 0; i < n; i++)
        err_ignore(kubeapi_delete(x->api, STR(SERVICES), str_empty, gone[i]));
}

static void on_timer(void *owner)
{
    struct registrar *x = owner;
    struct arena a = {0};
    struct map served = {0};
    const struct api_kind *k;
    if (!kubeapi_get(x->api, STR(SERVICES), str_empty, STR(OWN)))
        return;
    for (size_t i = 0; crds_next(x->api->crds, &i, &k);) {
        struct str name =
            arena_printf(&a, STR_FMT "." STR_FMT, STR_ARG(k->version), STR_ARG(k->group));
        const struct kube_object *o = kubeapi_get(x->api, STR(SERVICES), str_empty, name);
        if (map_has(&served, name))
            continue;
        map_put(&served, name, x);
        if (!o || (is_ours(o) && !is_right(o, k))) /* somebody else's stays as it is */
            put(x, &a, name, k);
    }
    drop_others(x, &a, &served);
    map_free(&served);
    arena_free(&a);
}

void registrar_event(struct registrar *x, struct store_event *e)
{
    struct str table = store_table_name(e->table);
    if (str_eq_c(table, CRD_TABLE) || (e->type != STORE_ADDED && str_eq_c(table, SERVICES) &&
                                       (is_ours(e->object) || (e->before && is_ours(e->before)))))
        world_timer_start(x->timer, 0);
}

struct registrar *registrar_new(struct kubeapi *api)
{
    struct registrar *x = MEM_NEW(struct registrar);
    x->api = api;
    x->timer = world_timer_new(api->w, on_timer, x);
    return x;
}

void registrar_free(struct registrar *x)
{
    world_timer_free(x->timer);
    mem_free(x);
}

void registrar_reset(struct registrar *x)
{
    if (store_count(store_table(x->api->store, STR(CRD_TABLE))) > 0)
        world_timer_start(x->timer, 0);
}
