/* Aggregated cluster roles: the rules of those that they select are written into them, as the controller of a control
 * plane does: a role that comes, changes or goes makes only those work that select it. */
#include "sim/kubeapi/auth/rbac_internal.h"
#include "sim/kubeapi/core/commit.h"
#include "sim/kubeapi/core/selector.h"

static const struct str cluster_roles = STR_INIT("clusterroles.rbac.authorization.k8s.io");

struct rbac_aggregate {
    struct arena a;
    const cJSON *selectors;
};

static void aggregate_free(struct rbac_aggregate *g)
{
    arena_free(&g->a);
    mem_free(g);
}

static bool selects(const cJSON *selectors, const struct kube_object *o)
{
    for (const cJSON *s = selectors ? selectors->child : NULL; s; s = s->next)
        if (selector_object_matches(s, o))
            return true;
    return false;
}

static void mark(struct rbac *x, struct str name)
{
    map_put(&x->stale, name, x);
    if (!world_timer_active(x->aggregate))
        world_timer_start(x->aggregate, 0);
}

static bool is_aggregated(const struct kube_object *o)
{
    return kube_object_raw(o, "aggregationRule").n > 2;
}

/* Keeps the selectors of a role that has some. */
static void remember(struct rbac *x, const struct kube_object *o)
{
    struct rbac_aggregate *g = map_remove(&x->aggregated, o->name);
    if (g)
        aggregate_free(g);
    if (!is_aggregated(o))
        return;
    g = MEM_NEW(struct rbac_aggregate);
    g->selectors = json_path(kube_object_tree(o, &g->a), "aggregationRule.clusterRoleSelectors");
    map_put(&x->aggregated, o->name, g);
    mark(x, o->name);
}

static void forget(struct rbac *x, struct str name)
{
    struct rbac_aggregate *g = map_remove(&x->aggregated, name);
    if (g)
        aggregate_free(g);
}

void rbac_aggregate_event(struct rbac *x, struct store_event *e)
{
    const struct kube_object *o = e->object;
    struct str name;
    void *g;
    bool was = e->before && is_aggregated(e->before);
    if (e->type == STORE_DELETED)
        forget(x, o->name);
    else if (was || is_aggregated(o))
        remember(x, o);
    if (o->labels_n == 0 && !(e->before && e->before->labels_n > 0))
        return;
    for (size_t i = 0; map_next(&x->aggregated, &i, &name, &g);) {
        const cJSON *selectors = ((const struct rbac_aggregate *)g)->selectors;
        if (selects(selectors, o) || (e->before && selects(selectors, e->before)))
            mark(x, name);
    }
}

/* The rules of one role that are not there yet. */
static void gather(struct arena *a, struct map *taken, const cJSON *list, cJSON *rules)
{
    struct buf b = {0};
    for (const cJSON *rule = list ? list->child : NULL; rule; rule = rule->next) {
        buf_clear(&b);
        json_write(&b, rule);
        if (map_has(taken, buf_str(&b)))
            continue;
        map_put(taken, buf_str(&b), taken);
        json_append(rules, json_copy(a, rule));
    }
    buf_free(&b);
}

/* By selector, and by name within each. */
static cJSON *gathered(struct rbac *x, struct arena *a, const cJSON *selectors,
                       const struct kube_object *self)
{
    struct map taken = {0};
    cJSON *rules = json_array(a);
    for (const cJSON *s = selectors ? selectors->child : NULL; s; s = s->next) {
        struct store_cursor c =
            store_seek(store_table(x->api->store, cluster_roles), str_empty, str_empty);
        for (struct kube_object *o; (o = store_next(&c));)
            if (o != self && selector_object_matches(s, o))
                gather(a, &taken, json_get(kube_object_tree(o, a), "rules"), rules);
    }
    map_free(&taken);
    return rules;
}

static void aggregate_one(struct rbac *x, struct str name)
{
    struct arena a = {0};
    struct store_table *t = store_table(x->api->store, cluster_roles);
    struct kube_object *o = store_get(t, str_empty, name);
    cJSON *tree = o ? kube_object_tree(o, &a) : NULL;
    const cJSON *selectors = json_path(tree, "aggregationRule.clusterRoleSelectors");
    cJSON *rules = selectors ? gathered(x, &a, selectors, o) : NULL;
    struct buf b = {0};
    if (rules)
        json_write(&b, rules);
    if (rules && !str_eq(buf_str(&b), kube_object_raw(o, "rules")) &&
        (rules->child || kube_object_raw(o, "rules").n > 4)) {
        json_set(&a, tree, STR("rules"), rules->child ? rules : json_null(&a));
        (void)api_write_commit(x->api, t, tree, &a);
    }
    buf_free(&b);
    arena_free(&a);
}

/* What this writes may make others stale, which select it: they come with the next round. */
void rbac_aggregate_run(void *owner)
{
    struct rbac *x = owner;
    struct map work = x->stale;
    struct str name;
    x->stale = (struct map){0};
    for (size_t i = 0; map_next(&work, &i, &name, NULL);)
        aggregate_one(x, name);
    map_free(&work);
}

void rbac_aggregate_reset(struct rbac *x)
{
    struct store_cursor c =
        store_seek(store_table(x->api->store, cluster_roles), str_empty, str_empty);
    for (struct kube_object *o; (o = store_next(&c));)
        if (is_aggregated(o))
            remember(x, o);
}

void rbac_aggregate_clear(struct rbac *x)
{
    void *g;
    for (size_t i = 0; map_next(&x->aggregated, &i, NULL, &g);)
        aggregate_free(g);
    map_free(&x->aggregated);
    map_free(&x->stale);
}
