/* Nobody grants more than they hold: escalation and binding checks of RBAC objects. */
#include "sim/kubeapi/auth/rbac_internal.h"

static bool may(struct api_request *r, const struct rbac_query *base, const char *verb)
{
    struct rbac_query q = *base;
    q.verb = str_c(verb);
    return api_user_allowed(r, &q, NULL);
}

static void print_words(struct buf *out, const char *title, const struct str *items, size_t n)
{
    buf_addf(out, "%s%s:[", out->n > 0 && out->p[out->n - 1] != '{' ? ", " : "", title);
    for (size_t i = 0; i < n; i++)
        buf_addf(out, "%s\"" STR_FMT "\"", i > 0 ? " " : "", STR_ARG(items[i]));
    buf_add_char(out, ']');
}

static void missing_line(struct buf *out, struct str group, struct str resource, struct str name,
                         const struct str *verbs, size_t n)
{
    struct buf line = {0};
    buf_add_c(&line, "{");
    print_words(&line, "APIGroups", &group, 1);
    print_words(&line, "Resources", &resource, 1);
    if (name.n > 0)
        print_words(&line, "ResourceNames", &name, 1);
    print_words(&line, "Verbs", verbs, n);
    buf_addf(out, "\n" STR_FMT "}", STR_ARG(buf_str(&line)));
    buf_free(&line);
}

/* One (group, resource, name) of a rule: the verbs that the user lacks. */
static void check_atom(struct api_request *r, const struct rbac_rule *rule, struct str ns,
                       struct str group, struct str resource, struct str name, struct buf *missing)
{
    struct str head, sub;
    struct str *lacks = ARENA_NEW_ARRAY(&r->a, struct str, rule->verbs.n + 1);
    size_t n = 0;
    bool has_sub = str_cut(resource, '/', &head, &sub);
    struct rbac_query q = {.user = &r->user,
                           .group = group,
                           .resource = has_sub ? head : resource,
                           .sub = has_sub ? sub : str_empty,
                           .ns = ns,
                           .name = name,
                           .path = str_empty};
    for (size_t i = 0; i < rule->verbs.n; i++) {
        q.verb = rule->verbs.items[i];
        if (!api_user_allowed(r, &q, NULL))
            lacks[n++] = q.verb;
    }
    if (n > 0)
        missing_line(missing, group, resource, name, lacks, n);
}

static void check_rule(struct api_request *r, const struct rbac_rule *rule, struct str ns,
                       struct buf *missing)
{
    for (size_t u = 0; u < rule->urls.n; u++)
        for (size_t v = 0; v < rule->verbs.n; v++) {
            struct rbac_query q = {
                .user = &r->user, .verb = rule->verbs.items[v], .path = rule->urls.items[u]};
            if (!api_user_allowed(r, &q, NULL))
                buf_addf(missing, "\n{NonResourceURLs:[\"" STR_FMT "\"], Verbs:[\"" STR_FMT "\"]}",
                         STR_ARG(q.path), STR_ARG(q.verb));
        }
    for (size_t g = 0; g < rule->groups.n; g++)
        for (size_t i = 0; i < rule->resources.n; i++)
            for (size_t k = 0; k < (rule->names.n > 0 ? rule->names.n : 1); k++)
                check_atom(r, rule, ns, rule->groups.items[g], rule->resources.items[i],
                           rule->names.n > 0 ? rule->names.items[k] : str_empty, missing);
}

static bool refuse(struct api_request *r, const struct buf *missing)
{
    struct buf groups = {0};
    for (size_t i = 0; i < r->user.groups_n; i++)
        buf_addf(&groups, "%s\"" STR_FMT "\"", i > 0 ? " " : "", STR_ARG(r->user.groups[i]));
    bool ok = api_fail_forbidden(
        r, r->p.name,
        "user \"" STR_FMT "\" (groups=[" STR_FMT
        "]) is attempting to grant RBAC permissions not currently held:" STR_FMT,
        STR_ARG(r->user.name), STR_ARG(buf_str(&groups)), STR_ARG(buf_str(missing)));
    buf_free(&groups);
    return ok;
}

static bool check_rules(struct api_request *r, const struct rbac_role *role, struct str ns)
{
    struct buf missing = {.max = 65536};
    bool ok = true;
    for (size_t i = 0; i < role->n; i++)
        check_rule(r, &role->rules[i], ns, &missing);
    if (missing.n > 0)
        ok = refuse(r, &missing);
    buf_free(&missing);
    return ok;
}

static bool may_write_role(struct api_request *r, const cJSON *tree, const struct rbac_query *base)
{
    struct rbac_role role = {0};
    struct buf rules = {0};
    const cJSON *list = json_get(tree, "rules");
    struct kube_object *old = r->p.name.n > 0 ? store_get(r->table, r->ns, r->p.name) : NULL;
    if (may(r, base, "escalate"))
        return true;
    if (list)
        json_write(&rules, list);
    bool same = old && str_eq(buf_str(&rules), kube_object_raw(old, "rules"));
    buf_free(&rules);
    if (same && !json_get(tree, "aggregationRule"))
        return true;
    rbac_rules_parse(&role, list);
    bool ok = check_rules(r, &role, r->ns);
    arena_free(&role.a);
    return ok;
}

static bool may_write_binding(struct api_request *r, const cJSON *tree)
{
    struct str name = json_string_at(tree, "roleRef.name");
    bool cluster = str_eq_c(json_string_at(tree, "roleRef.kind"), "ClusterRole");
    struct rbac_query q = {.user = &r->user,
                           .group = r->kind->group,
                           .resource = cluster ? STR("clusterroles") : STR("roles"),
                           .sub = str_empty,
                           .ns = r->ns,
                           .name = name,
                           .path = str_empty};
    if (may(r, &q, "bind"))
        return true;
    struct str key = arena_printf(&r->a, STR_FMT "/" STR_FMT, STR_ARG(cluster ? str_empty : r->ns),
                                  STR_ARG(name));
    const struct rbac_role *role = rbac_role_get(r->api->rbac, key);
    if (role)
        return check_rules(r, role, r->ns);
    const struct api_kind *k = api_kind_find(r->api, r->kind->group, r->kind->version, q.resource);
    return api_fail_not_found(r, k, name);
}

bool rbac_may_grant(struct api_request *r, const cJSON *tree)
{
    if (r->system || !str_eq_c(r->kind->group, "rbac.authorization.k8s.io"))
        return true;
    struct rbac_query base = {.user = &r->user,
                              .group = r->kind->group,
                              .resource = r->kind->resource,
                              .sub = str_empty,
                              .ns = r->ns,
                              .name = r->p.name,
                              .path = str_empty};
    if (str_ends(r->kind->resource, STR("bindings")))
        return may_write_binding(r, tree);
    return may_write_role(r, tree, &base);
}
