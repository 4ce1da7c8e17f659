/* Roles: from objects to rules, and what a rule allows. */
#include "sim/kubeapi/auth/rbac_internal.h"

#include <stdlib.h>

static struct rbac_words words(struct arena *a, const cJSON *list)
{
    struct rbac_words w = {0};
    size_t n = list && list->type == cJSON_Array ? (size_t)cJSON_GetArraySize(list) : 0;
    w.items = ARENA_NEW_ARRAY(a, struct str, n + 1);
    for (const cJSON *c = n > 0 ? list->child : NULL; c; c = c->next)
        w.items[w.n++] = arena_str(a, json_string(c));
    return w;
}

void rbac_rules_parse(struct rbac_role *role, const cJSON *rules)
{
    size_t more = rules && rules->type == cJSON_Array ? (size_t)cJSON_GetArraySize(rules) : 0;
    struct rbac_rule *all = ARENA_NEW_ARRAY(&role->a, struct rbac_rule, role->n + more + 1);
    for (size_t i = 0; i < role->n; i++)
        all[i] = role->rules[i];
    role->rules = all;
    for (const cJSON *c = more > 0 ? rules->child : NULL; c; c = c->next) {
        struct rbac_rule *rule = &all[role->n++];
        rule->verbs = words(&role->a, json_get(c, "verbs"));
        rule->groups = words(&role->a, json_get(c, "apiGroups"));
        rule->resources = words(&role->a, json_get(c, "resources"));
        rule->names = words(&role->a, json_get(c, "resourceNames"));
        rule->urls = words(&role->a, json_get(c, "nonResourceURLs"));
    }
}

/* Rules of the cluster roles that an aggregation selects, in the order of names. An aggregated role that is selected
 * itself (admin selects edit) brings what it selects: bounded, because each role is taken once. */
static void add_aggregated(struct rbac *x, struct rbac_role *role, const cJSON *selectors,
                           struct map *taken, unsigned depth)
{
    struct store_table *t =
        store_table(x->api->store, STR("clusterroles.rbac.authorization.k8s.io"));
    struct store_cursor c = store_seek(t, str_empty, str_empty);
    for (struct kube_object *o; (o = store_next(&c));) {
        bool selected = false;
        for (const cJSON *s = selectors ? selectors->child : NULL; s && !selected; s = s->next)
            selected = selector_object_matches(s, o);
        if (!selected || map_has(taken, o->name))
            continue;
        struct arena a = {0};
        map_put(taken, o->name, role);
        cJSON *tree = kube_object_tree(o, &a);
        cJSON *inner = json_path(tree, "aggregationRule.clusterRoleSelectors");
        if (inner && depth > 0)
            add_aggregated(x, role, inner, taken, depth - 1);
        else
            rbac_rules_parse(role, json_get(tree, "rules"));
        arena_free(&a);
    }
}

struct kube_object *rbac_role_object(struct rbac *x, struct str key)
{
    struct str ns, name;
    (void)str_cut(key, '/', &ns, &name);
    return kubeapi_get(x->api,
                       ns.n > 0 ? STR("roles.rbac.authorization.k8s.io")
                                : STR("clusterroles.rbac.authorization.k8s.io"),
                       ns, name);
}

struct rbac_role *rbac_role_get(struct rbac *x, struct str key)
{
    struct rbac_role *role = map_get(&x->roles, key);
    struct kube_object *o = role ? NULL : rbac_role_object(x, key);
    if (!o)
        return role;
    struct arena a = {0};
    struct map taken = {0};
    cJSON *tree = kube_object_tree(o, &a);
    cJSON *selectors = json_path(tree, "aggregationRule.clusterRoleSelectors");
    role = MEM_NEW(struct rbac_role);
    role->aggregated = selectors != NULL;
    if (selectors)
        add_aggregated(x, role, selectors, &taken, 8);
    else
        rbac_rules_parse(role, json_get(tree, "rules"));
    map_put(&x->roles, key, role);
    map_free(&taken);
    arena_free(&a);
    return role;
}

void rbac_role_drop(struct rbac *x, struct str key)
{
    struct rbac_role *role = map_remove(&x->roles, key);
    if (!role)
        return;
    arena_free(&role->a);
    mem_free(role);
}

/* ---- matching ---- */

static bool has(const struct rbac_words *w, struct str text)
{
    for (size_t i = 0; i < w->n; i++)
        if (str_eq(w->items[i], text) || str_eq_c(w->items[i], "*"))
            return true;
    return false;
}

/* "pods", "pods/log", "*", and "*" + "/scale" for a subresource of anything. */
static bool has_resource(const struct rbac_words *w, const struct rbac_query *q)
{
    for (size_t i = 0; i < w->n; i++) {
        struct str r = w->items[i], head, sub;
        if (str_eq_c(r, "*"))
            return true;
        if (!str_cut(r, '/', &head, &sub)) {
            if (q->sub.n == 0 && str_eq(r, q->resource))
                return true;
        } else if (str_eq(sub, q->sub) && (str_eq(head, q->resource) || str_eq_c(head, "*"))) {
            return true;
        }
    }
    return false;
}

static bool has_url(const struct rbac_words *w, struct str path)
{
    for (size_t i = 0; i < w->n; i++) {
        struct str u = w->items[i];
        bool prefix = u.n > 0 && u.p[u.n - 1] == '*';
        if (prefix ? str_starts(path, str_sub(u, 0, u.n - 1)) : str_eq(u, path))
            return true;
    }
    return false;
}

bool rbac_rule_allows(const struct rbac_rule *rule, const struct rbac_query *q)
{
    if (!has(&rule->verbs, q->verb))
        return false;
    if (q->path.n > 0)
        return has_url(&rule->urls, q->path);
    if (!has(&rule->groups, q->group) || !has_resource(&rule->resources, q))
        return false;
    if (rule->names.n == 0)
        return true;
    for (size_t i = 0; q->name.n > 0 && i < rule->names.n; i++)
        if (str_eq(rule->names.items[i], q->name))
            return true;
    return false;
}
