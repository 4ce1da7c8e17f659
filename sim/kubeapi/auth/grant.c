/* Nobody grants more than they hold: escalation and binding checks of RBAC objects. */
#include "sim/kubeapi/auth/grant.h"
#include "sim/kubeapi/auth/auth.h"
#include "sim/kubeapi/auth/rbac_internal.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/crd/find.h"

#include <stdlib.h>

#define MISSING_MAX 256u /* lines of a refusal */

static bool may(struct api_request *r, const struct rbac_query *base, const char *verb)
{
    struct rbac_query q = *base;
    q.verb = str_c(verb);
    return api_user_allowed(r, &q, NULL);
}

/* ---- what is missing ---- */

/* One thing and the verbs that are missing on it, as the original's compacted rules. */
struct lack {
    struct str group, resource, name, url;
    struct str *verbs;
    size_t n, cap;
};
struct lacks {
    struct api_request *r;
    struct lack list[MISSING_MAX];
    size_t n;
    bool more; /* than fit: still a refusal */
};

static void lack_add(struct lacks *all, const struct lack *what, struct str verb)
{
    struct arena *a = &all->r->a;
    struct lack *l = NULL;
    for (size_t i = 0; i < all->n && what->url.n == 0; i++)
        if (str_eq(all->list[i].group, what->group) &&
            str_eq(all->list[i].resource, what->resource) &&
            str_eq(all->list[i].name, what->name) && all->list[i].url.n == 0)
            l = &all->list[i];
    if (!l) {
        all->more = all->more || all->n == MISSING_MAX;
        if (all->n == MISSING_MAX)
            return;
        l = &all->list[all->n++];
        *l = *what;
    }
    if (l->n == l->cap) {
        struct str *more = ARENA_NEW_ARRAY(a, struct str, l->cap * 2 + 4);
        for (size_t i = 0; i < l->n; i++)
            more[i] = l->verbs[i];
        l->verbs = more;
        l->cap = l->cap * 2 + 4;
    }
    l->verbs[l->n++] = verb;
}

static void print_words(struct buf *out, const char *title, const struct str *items, size_t n)
{
    buf_addf(out, "%s%s:[", out->n > 1 ? ", " : "", title);
    for (size_t i = 0; i < n; i++)
        buf_addf(out, "%s\"" STR_FMT "\"", i > 0 ? " " : "", STR_ARG(items[i]));
    buf_add_char(out, ']');
}

static struct str lack_text(struct arena *a, const struct lack *l)
{
    struct buf line = {0};
    buf_add_char(&line, '{');
    if (l->url.n > 0) {
        print_words(&line, "NonResourceURLs", &l->url, 1);
    } else {
        print_words(&line, "APIGroups", &l->group, 1);
        print_words(&line, "Resources", &l->resource, 1);
        if (l->name.n > 0)
            print_words(&line, "ResourceNames", &l->name, 1);
    }
    print_words(&line, "Verbs", l->verbs, l->n);
    buf_add_char(&line, '}');
    struct str out = arena_str(a, buf_str(&line));
    buf_free(&line);
    return out;
}

static bool refuse(struct lacks *all)
{
    struct api_request *r = all->r;
    struct buf groups = {0}, lines = {.max = 65536};
    struct str *texts = ARENA_NEW_ARRAY(&r->a, struct str, all->n + 1);
    for (size_t i = 0; i < all->n; i++)
        texts[i] = lack_text(&r->a, &all->list[i]);
    qsort(texts, all->n, sizeof(*texts), str_order);
    for (size_t i = 0; i < all->n; i++)
        if (i == 0 || !str_eq(texts[i], texts[i - 1]))
            buf_addf(&lines, "\n" STR_FMT, STR_ARG(texts[i]));
    for (size_t i = 0; i < r->user.groups_n; i++)
        buf_addf(&groups, "%s\"" STR_FMT "\"", i > 0 ? " " : "", STR_ARG(r->user.groups[i]));
    bool ok = api_fail_forbidden(
        r, r->p.name,
        "user \"" STR_FMT "\" (groups=[" STR_FMT
        "]) is attempting to grant RBAC permissions not currently held:" STR_FMT,
        STR_ARG(r->user.name), STR_ARG(buf_str(&groups)), STR_ARG(buf_str(&lines)));
    buf_free(&groups);
    buf_free(&lines);
    return ok;
}

/* ---- the check ---- */

static void check_urls(struct lacks *all, const struct rbac_rule *rule)
{
    for (size_t u = 0; u < rule->urls.n; u++)
        for (size_t v = 0; v < rule->verbs.n; v++) {
            struct rbac_query q = {.user = &all->r->user,
                                   .verb = rule->verbs.items[v],
                                   .path = rule->urls.items[u],
                                   .non_resource = true};
            struct lack l = {.url = q.path};
            if (!api_user_allowed(all->r, &q, NULL))
                lack_add(all, &l, q.verb);
        }
}

/* One (group, resource, name) of a rule. */
static void check_atom(struct lacks *all, const struct rbac_words *verbs, struct str ns,
                       const struct lack *l)
{
    struct str head, sub;
    bool has_sub = str_cut(l->resource, '/', &head, &sub);
    struct rbac_query q = {.user = &all->r->user,
                           .group = l->group,
                           .resource = has_sub ? head : l->resource,
                           .sub = has_sub ? sub : str_empty,
                           .ns = ns,
                           .name = l->name,
                           .path = str_empty};
    for (size_t i = 0; i < verbs->n; i++) {
        q.verb = verbs->items[i];
        if (!api_user_allowed(all->r, &q, NULL))
            lack_add(all, l, q.verb);
    }
}

static void check_rule(struct lacks *all, const struct rbac_rule *rule, struct str ns)
{
    check_urls(all, rule);
    for (size_t g = 0; g < rule->groups.n; g++)
        for (size_t i = 0; i < rule->resources.n; i++)
            for (size_t k = 0; k < (rule->names.n > 0 ? rule->names.n : 1); k++) {
                struct lack l = {.group = rule->groups.items[g],
                                 .resource = rule->resources.items[i],
                                 .name = rule->names.n > 0 ? rule->names.items[k] : str_empty,
                                 .url = str_empty};
                check_atom(all, &rule->verbs, ns, &l);
            }
}

static struct lacks *check_rules(struct api_request *r, const struct rbac_rule *rules, size_t n,
                                 struct str ns)
{
    struct lacks *all = ARENA_NEW(&r->a, struct lacks);
    all->r = r;
    for (size_t i = 0; i < n; i++)
        check_rule(all, &rules[i], ns);
    return all;
}

static bool holds_all(struct lacks *all)
{
    return (all->n == 0 && !all->more) || refuse(all);
}

/* ---- roles ---- */

static bool same_raw(const struct kube_object *old, const cJSON *tree, const char *field)
{
    struct buf b = {0};
    const cJSON *v = json_get(tree, field);
    struct str was = kube_object_raw(old, field);
    if (v && v->child)
        json_write(&b, v);
    bool same = str_eq(buf_str(&b), was) || (b.n == 0 && was.n <= 4); /* null, [] */
    buf_free(&b);
    return same;
}

/* Who aggregates can gather anything. */
static bool may_aggregate(struct api_request *r)
{
    struct str star = STR("*");
    const struct rbac_words any = {&star, 1};
    const struct rbac_rule all[] = {{.verbs = any, .groups = any, .resources = any},
                                    {.verbs = any, .urls = any}};
    struct lacks *lacks = check_rules(r, all, ARRAY_LEN(all), str_empty);
    return (lacks->n == 0 && !lacks->more) ||
           api_fail_forbidden(r, r->p.name,
                              "must have cluster-admin privileges to use the aggregationRule");
}

static bool may_write_role(struct api_request *r, const cJSON *tree, const struct rbac_query *base)
{
    struct rbac_rule *rules;
    size_t n;
    struct kube_object *old = r->p.name.n > 0 ? store_get(r->table, r->ns, r->p.name) : NULL;
    bool aggregates =
        json_get(tree, "aggregationRule") || (old && kube_object_raw(old, "aggregationRule").n > 2);
    if (may(r, base, "escalate"))
        return true;
    if (old && same_raw(old, tree, "rules") && same_raw(old, tree, "aggregationRule"))
        return true;
    if (aggregates && !may_aggregate(r))
        return false;
    rbac_rules_parse(&r->a, json_get(tree, "rules"), &rules, &n);
    return holds_all(check_rules(r, rules, n, r->ns));
}

/* ---- bindings ---- */

static bool role_missing(struct api_request *r, const struct rbac_query *q)
{
    const struct api_kind *k = api_kind_find(r->api, r->kind->group, r->kind->version, q->resource);
    return api_fail_not_found(r, k, q->name);
}

/* Who held all of a role holds it until something is taken away, the role's own change included. */
static bool holds_role(struct api_request *r, struct str key, const struct rbac_query *q)
{
    struct rbac *x = r->api->rbac;
    struct rbac_question asked;
    struct rbac_rule *rules;
    size_t n;
    asked.n = 0;
    rbac_question_add(&asked, key);
    rbac_question_add(&asked, r->ns);
    rbac_question_user(&asked, &r->user);
    struct rbac_memo *m = rbac_memo_slot(x, x->covered, &asked);
    if (m && m->question.n > 0)
        return true;
    struct kube_object *o = rbac_role_object(x, key);
    if (!o)
        return role_missing(r, q);
    rbac_rules_parse(&r->a, json_get(kube_object_tree(o, &r->a), "rules"), &rules, &n);
    bool ok = holds_all(check_rules(r, rules, n, r->ns));
    if (ok && m)
        rbac_memo_put(x, m, &asked, true);
    return ok;
}

static bool may_write_binding(struct api_request *r, const cJSON *tree)
{
    struct str name = json_string_at(tree, "roleRef.name");
    bool cluster = str_eq_c(json_string_at(tree, "roleRef.kind"), "ClusterRole");
    struct kube_object *old = r->p.name.n > 0 ? store_get(r->table, r->ns, r->p.name) : NULL;
    struct rbac_query q = {.user = &r->user,
                           .group = r->kind->group,
                           .resource = cluster ? STR("clusterroles") : STR("roles"),
                           .sub = str_empty,
                           .ns = r->ns,
                           .name = name,
                           .path = str_empty};
    if (may(r, &q, "bind"))
        return true;
    if (old && same_raw(old, tree, "roleRef") && same_raw(old, tree, "subjects"))
        return true;
    struct str key = arena_printf(&r->a, STR_FMT "/" STR_FMT, STR_ARG(cluster ? str_empty : r->ns),
                                  STR_ARG(name));
    return holds_role(r, key, &q);
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
