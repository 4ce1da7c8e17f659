/* The decision, kept up to date by the store's events. */
#include "sim/kubeapi/auth/rbac.h"
#include "sim/kubeapi/auth/rbac_internal.h"

static const char bindings_table[] = "rolebindings.rbac.authorization.k8s.io";
static const char cluster_bindings_table[] = "clusterrolebindings.rbac.authorization.k8s.io";
static const char cluster_roles_table[] = "clusterroles.rbac.authorization.k8s.io";

/* ---- events ---- */

void rbac_event(struct rbac *x, struct store_event *e)
{
    struct str table = store_table_name(e->table);
    const struct kube_object *o = e->object;
    if (!str_ends(table, STR(".rbac.authorization.k8s.io")))
        return;
    x->gained += e->type != STORE_DELETED;
    x->lost += e->type != STORE_ADDED;
    if (str_eq_c(table, bindings_table) || str_eq_c(table, cluster_bindings_table)) {
        rbac_index_remove(x, o->ns, o->name);
        if (e->type != STORE_DELETED)
            rbac_index_put(x, o);
        return;
    }
    rbac_index_role(x, o);
    if (!x->api->bare && str_eq_c(table, cluster_roles_table))
        rbac_aggregate_event(x, e);
}

/* Each round may change what the next one reads; roles do not select each other in circles. */
void rbac_settle(struct rbac *x)
{
    while (world_timer_active(x->aggregate)) {
        world_timer_stop(x->aggregate);
        rbac_aggregate_run(x);
    }
}

/* ---- life ---- */

struct rbac *rbac_new(struct kubeapi *api)
{
    struct rbac *x = MEM_NEW(struct rbac);
    x->api = api;
    x->aggregate = world_timer_new(api->w, rbac_aggregate_run, x);
    return x;
}

static void clear(struct rbac *x)
{
    rbac_index_clear(x);
    rbac_aggregate_clear(x);
    rbac_memos_clear(x);
}

void rbac_free(struct rbac *x)
{
    world_timer_free(x->aggregate);
    clear(x);
    buf_free(&x->key);
    mem_free(x);
}

void rbac_reset(struct rbac *x)
{
    static const char *const tables[] = {bindings_table, cluster_bindings_table};
    clear(x);
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        struct store_cursor c =
            store_seek(store_table(x->api->store, str_c(tables[i])), str_empty, str_empty);
        for (struct kube_object *o; (o = store_next(&c));)
            rbac_index_put(x, o);
    }
    if (!x->api->bare)
        rbac_aggregate_reset(x);
}

/* ---- one subject ---- */

struct ask {
    struct rbac *x;
    const struct rbac_query *q;
    struct arena *a;
    struct str *why;    /* NULL: nobody wants to know */
    struct map missing; /* texts of roles that are not there, with why */
};

static struct rbac_bound *one_by_one(struct rbac *x, const struct rbac_subject *s,
                                     const struct rbac_query *q)
{
    for (size_t i = 0; i < s->n; i++)
        if (rbac_role_allows(x, s->bounds[i]->role, q))
            return s->bounds[i];
    return NULL;
}

/* As the binding names it: service accounts by their parts. (The index knows them by the names of their users.) */
static struct str describe(struct arena *a, bool group, struct str subject)
{
    struct str rest, ns, name, prefix = STR("system:serviceaccount:");
    bool account = !group && str_starts(subject, prefix);
    rest = account ? str_sub(subject, prefix.n, subject.n) : str_empty;
    if (account && str_cut(rest, ':', &ns, &name))
        return arena_printf(a, "ServiceAccount \"" STR_FMT "/" STR_FMT "\"", STR_ARG(name),
                            STR_ARG(ns));
    return arena_printf(a, "%s \"" STR_FMT "\"", group ? "Group" : "User", STR_ARG(subject));
}

static void explain(struct ask *k, const struct rbac_bound *by, bool group, struct str subject)
{
    struct str ns, name, role_ns, role;
    const struct rbac_link *l = container_of(by->links.next, struct rbac_link, link);
    (void)str_cut(l->binding->key, '/', &ns, &name);
    (void)str_cut(by->role->key, '/', &role_ns, &role);
    *k->why = arena_printf(
        k->a, "RBAC: allowed by %s \"" STR_FMT "%s" STR_FMT "\" of %s \"" STR_FMT "\" to " STR_FMT,
        ns.n > 0 ? "RoleBinding" : "ClusterRoleBinding", STR_ARG(name), ns.n > 0 ? "/" : "",
        STR_ARG(ns), role_ns.n > 0 ? "Role" : "ClusterRole", STR_ARG(role),
        STR_ARG(describe(k->a, group, subject)));
}

static void note_missing(struct ask *k, const struct rbac_subject *s)
{
    struct str ns, name;
    if (s->buckets && rbac_buckets_missing(s->buckets) == 0)
        return;
    for (size_t i = 0; i < s->n; i++) {
        const struct rbac_role *role = s->bounds[i]->role;
        if (!role->missing)
            continue;
        (void)str_cut(role->key, '/', &ns, &name);
        map_put(&k->missing,
                arena_printf(k->a, "%s.rbac.authorization.k8s.io \"" STR_FMT "\" not found",
                             ns.n > 0 ? "role" : "clusterrole", STR_ARG(name)),
                k);
    }
}

static bool subject_allows(struct ask *k, struct str ns, bool group, struct str name)
{
    const struct rbac_subject *s = rbac_subject_of(k->x, ns, group, name);
    struct rbac_bound *by = NULL;
    if (!s)
        return false;
    bool ok = s->buckets ? rbac_buckets_allow(s->buckets, k->q, &by)
                         : (by = one_by_one(k->x, s, k->q)) != NULL;
    if (k->why && ok && !by)
        by = one_by_one(k->x, s, k->q);
    if (k->why && ok)
        explain(k, by, group, name);
    else if (k->why)
        note_missing(k, s);
    return ok;
}

/* ---- the decision ---- */

static bool scope_allows(struct ask *k, struct str ns)
{
    const struct api_user *u = k->q->user;
    if (subject_allows(k, ns, false, u->name))
        return true;
    for (size_t i = 0; i < u->groups_n; i++)
        if (subject_allows(k, ns, true, u->groups[i]))
            return true;
    return false;
}

static void write_missing(struct arena *a, const struct map *missing, const char *prefix,
                          struct str *out)
{
    struct buf b = {.max = 16384};
    struct str text;
    size_t n = map_count(missing);
    if (n == 0)
        return;
    buf_add_c(&b, prefix);
    buf_add_c(&b, n > 1 ? "[" : "");
    for (size_t i = 0, k = 0; map_next(missing, &i, &text, NULL); k++)
        buf_addf(&b, "%s" STR_FMT, k > 0 ? ", " : "", STR_ARG(text));
    buf_add_c(&b, n > 1 ? "]" : "");
    *out = arena_str(a, buf_str(&b));
    buf_free(&b);
}

static bool decide(struct rbac *x, const struct rbac_query *q, struct arena *a, struct str *why)
{
    struct ask k = {.x = x, .q = q, .a = a, .why = why};
    bool ok =
        scope_allows(&k, str_empty) || (!q->non_resource && q->ns.n > 0 && scope_allows(&k, q->ns));
    if (!ok && why)
        write_missing(a, &k.missing, "RBAC: ", why);
    map_free(&k.missing);
    return ok;
}

bool rbac_allows(struct rbac *x, const struct rbac_query *q, struct arena *a, struct str *why)
{
    const struct str parts[] = {q->non_resource ? STR("path") : STR("resource"),
                                q->verb,
                                q->group,
                                q->resource,
                                q->sub,
                                q->ns,
                                q->name,
                                q->path};
    struct rbac_question asked;
    asked.n = 0;
    if (why)
        return decide(x, q, a, why);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        rbac_question_add(&asked, parts[i]);
    rbac_question_user(&asked, q->user);
    struct rbac_memo *m = rbac_memo_slot(x, x->memos, &asked);
    if (m && m->question.n > 0)
        return m->allows;
    bool allows = decide(x, q, a, NULL);
    if (m)
        rbac_memo_put(x, m, &asked, allows);
    return allows;
}

/* ---- all rules of a user: SelfSubjectRulesReview ---- */

static void add_part(struct arena *a, const cJSON *rule, const char *const *keys, cJSON *to)
{
    cJSON *part = json_object(a);
    const cJSON *first = json_get(rule, keys[0]);
    if (!first || !first->child)
        return;
    for (size_t i = 0; keys[i]; i++) {
        const cJSON *v = json_get(rule, keys[i]);
        if (v && v->child)
            json_set(a, part, str_c(keys[i]), json_copy(a, v));
    }
    json_append(to, part);
}

static void copy_rules(struct rbac *x, struct ask *k, const struct rbac_role *role,
                       cJSON *resource_rules, cJSON *non_resource_rules)
{
    static const char *const resource_keys[] = {"resources", "apiGroups", "resourceNames", "verbs",
                                                NULL};
    static const char *const url_keys[] = {"nonResourceURLs", "verbs", NULL};
    struct kube_object *o = rbac_role_object(x, role->key);
    const cJSON *rules = o ? json_get(kube_object_tree(o, k->a), "rules") : NULL;
    for (const cJSON *rule = rules ? rules->child : NULL; rule; rule = rule->next) {
        add_part(k->a, rule, resource_keys, resource_rules);
        add_part(k->a, rule, url_keys, non_resource_rules);
    }
}

void rbac_rules_of(struct rbac *x, const struct api_user *user, struct str ns, struct arena *a,
                   cJSON *resource_rules, cJSON *non_resource_rules, struct str *errors)
{
    struct str scopes[] = {str_empty, ns};
    struct ask k = {.x = x, .a = a};
    for (size_t scope = 0; scope < (ns.n > 0 ? 2u : 1u); scope++)
        for (size_t i = 0; i <= user->groups_n; i++) {
            struct str name = i == 0 ? user->name : user->groups[i - 1];
            const struct rbac_subject *s = rbac_subject_of(x, scopes[scope], i > 0, name);
            for (size_t n = 0; s && n < s->n; n++) {
                rbac_role_read(x, s->bounds[n]->role);
                copy_rules(x, &k, s->bounds[n]->role, resource_rules, non_resource_rules);
            }
            if (s)
                note_missing(&k, s);
        }
    write_missing(a, &k.missing, "", errors);
    map_free(&k.missing);
}
