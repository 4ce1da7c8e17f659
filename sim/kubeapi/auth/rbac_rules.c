/* Roles: from objects to rules, and what a rule allows. */
#include "sim/kubeapi/auth/rbac_internal.h"

static struct rbac_words words(struct arena *a, const cJSON *list)
{
    struct rbac_words w = {0};
    size_t n = list && list->type == cJSON_Array ? (size_t)cJSON_GetArraySize(list) : 0;
    w.items = ARENA_NEW_ARRAY(a, struct str, n + 1);
    for (const cJSON *c = n > 0 ? list->child : NULL; c; c = c->next)
        w.items[w.n++] = arena_str(a, json_string(c));
    return w;
}

void rbac_rules_parse(struct arena *a, const cJSON *rules, struct rbac_rule **out, size_t *n)
{
    size_t max = rules && rules->type == cJSON_Array ? (size_t)cJSON_GetArraySize(rules) : 0;
    *out = ARENA_NEW_ARRAY(a, struct rbac_rule, max + 1);
    *n = 0;
    for (const cJSON *c = max > 0 ? rules->child : NULL; c; c = c->next) {
        struct rbac_rule *rule = &(*out)[(*n)++];
        rule->verbs = words(a, json_get(c, "verbs"));
        rule->groups = words(a, json_get(c, "apiGroups"));
        rule->resources = words(a, json_get(c, "resources"));
        rule->names = words(a, json_get(c, "resourceNames"));
        rule->urls = words(a, json_get(c, "nonResourceURLs"));
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

void rbac_role_read(struct rbac *x, struct rbac_role *role)
{
    if (role->parsed)
        return;
    struct arena a = {0};
    struct kube_object *o = rbac_role_object(x, role->key);
    arena_free(&role->a);
    role->parsed = true;
    role->missing = !o;
    rbac_rules_parse(&role->a, o ? json_get(kube_object_tree(o, &a), "rules") : NULL, &role->rules,
                     &role->n);
    arena_free(&a);
}

/* ---- matching ---- */

static bool has(const struct rbac_words *w, struct str text)
{
    for (size_t i = 0; i < w->n; i++)
        if (str_eq(w->items[i], text) || str_eq_c(w->items[i], "*"))
            return true;
    return false;
}

/* "pods", "pods/log", "*", and "*" + "/scale" for a subresource of anything. A query may name "pods/log" as well. */
static bool has_resource(const struct rbac_words *w, const struct rbac_query *q)
{
    for (size_t i = 0; i < w->n; i++) {
        struct str r = w->items[i], head, sub;
        if (str_eq_c(r, "*"))
            return true;
        if (q->sub.n == 0 ? str_eq(r, q->resource)
                          : str_cut(r, '/', &head, &sub) && str_eq(sub, q->sub) &&
                                (str_eq(head, q->resource) || str_eq_c(head, "*")))
            return true;
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
    if (q->non_resource)
        return has_url(&rule->urls, q->path);
    if (!has(&rule->groups, q->group) || !has_resource(&rule->resources, q))
        return false;
    if (rule->names.n == 0)
        return true;
    for (size_t i = 0; i < rule->names.n; i++)
        if (str_eq(rule->names.items[i], q->name))
            return true;
    return false;
}

bool rbac_role_allows(struct rbac *x, struct rbac_role *role, const struct rbac_query *q)
{
    rbac_role_read(x, role);
    for (size_t i = 0; i < role->n; i++)
        if (rbac_rule_allows(&role->rules[i], q))
            return true;
    return false;
}
