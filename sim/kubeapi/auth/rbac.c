/* The index of bindings, kept by the store's events, and the decision. */
#include "sim/kubeapi/auth/rbac_internal.h"

#include <string.h>

static const char bindings_table[] = "rolebindings.rbac.authorization.k8s.io";
static const char cluster_bindings_table[] = "clusterrolebindings.rbac.authorization.k8s.io";
static const char cluster_roles_table[] = "clusterroles.rbac.authorization.k8s.io";

/* ---- bindings ---- */

static struct str subject_key(struct rbac *x, struct str ns, char type, struct str name)
{
    buf_clear(&x->key);
    buf_add(&x->key, ns);
    buf_add_char(&x->key, ' ');
    buf_add_char(&x->key, type);
    buf_add_char(&x->key, ':');
    buf_add(&x->key, name);
    return buf_str(&x->key);
}

static void subject_add(struct rbac *x, struct str key, struct rbac_binding *b)
{
    struct rbac_subject *s = map_get(&x->subjects, key);
    if (!s) {
        s = MEM_NEW(struct rbac_subject);
        map_put(&x->subjects, key, s);
    }
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 2;
        s->bindings = mem_resize(s->bindings, s->cap * sizeof(*s->bindings));
    }
    s->bindings[s->n++] = b;
}

static void subject_remove(struct rbac *x, struct str key, const struct rbac_binding *b)
{
    struct rbac_subject *s = map_get(&x->subjects, key);
    for (size_t i = 0; s && i < s->n; i++)
        if (s->bindings[i] == b) {
            for (s->n--; i < s->n; i++)
                s->bindings[i] = s->bindings[i + 1];
            break;
        }
    if (s && s->n == 0) {
        map_remove(&x->subjects, key);
        mem_free(s->bindings);
        mem_free(s);
    }
}

static void binding_free(struct rbac *x, struct rbac_binding *b, bool unlink)
{
    for (size_t i = 0; i < b->subjects_n; i++) {
        if (unlink)
            subject_remove(x, b->subjects[i], b);
        str_free(&b->subjects[i]);
    }
    mem_free(b->subjects);
    str_free(&b->key);
    str_free(&b->role);
    mem_free(b);
}

static struct str subject_of(struct rbac *x, struct arena *a, const cJSON *subject, struct str ns)
{
    struct str kind = json_string_at(subject, "kind"), name = json_string_at(subject, "name");
    if (str_eq_c(kind, "Group"))
        return subject_key(x, ns, 'G', name);
    if (!str_eq_c(kind, "ServiceAccount"))
        return subject_key(x, ns, 'U', name);
    struct str account = json_string_at(subject, "namespace");
    return subject_key(x, ns, 'U',
                       arena_printf(a, "system:serviceaccount:" STR_FMT ":" STR_FMT,
                                    STR_ARG(account.n > 0 ? account : ns), STR_ARG(name)));
}

static void binding_put(struct rbac *x, const struct kube_object *o)
{
    struct arena a = {0};
    const cJSON *tree = kube_object_tree(o, &a), *subjects = json_get(tree, "subjects");
    bool cluster_role = str_eq_c(json_string_at(tree, "roleRef.kind"), "ClusterRole");
    struct str role = json_string_at(tree, "roleRef.name");
    size_t n = subjects ? (size_t)cJSON_GetArraySize(subjects) : 0;
    struct rbac_binding *b = MEM_NEW(struct rbac_binding);
    b->key = str_dup(arena_printf(&a, STR_FMT "/" STR_FMT, STR_ARG(o->ns), STR_ARG(o->name)));
    b->role = str_dup(arena_printf(&a, STR_FMT "/" STR_FMT,
                                   STR_ARG(cluster_role ? str_empty : o->ns), STR_ARG(role)));
    b->subjects = mem_alloc_array(n + 1, sizeof(*b->subjects));
    for (const cJSON *s = n > 0 ? subjects->child : NULL; s; s = s->next) {
        struct str key = str_dup(subject_of(x, &a, s, o->ns));
        b->subjects[b->subjects_n++] = key;
        subject_add(x, key, b);
    }
    map_put(&x->bindings, b->key, b);
    arena_free(&a);
}

static void binding_change(struct rbac *x, const struct kube_object *o, bool deleted)
{
    buf_clear(&x->key);
    buf_addf(&x->key, STR_FMT "/" STR_FMT, STR_ARG(o->ns), STR_ARG(o->name));
    struct rbac_binding *old = map_remove(&x->bindings, buf_str(&x->key));
    if (old)
        binding_free(x, old, true);
    if (!deleted)
        binding_put(x, o);
}

/* ---- roles ---- */

static void role_change(struct rbac *x, const struct kube_object *o)
{
    void *value;
    struct str key;
    bool cluster = o->ns.n == 0;
    buf_clear(&x->key);
    buf_addf(&x->key, STR_FMT "/" STR_FMT, STR_ARG(o->ns), STR_ARG(o->name));
    rbac_role_drop(x, buf_str(&x->key));
    for (size_t i = 0; cluster && map_next(&x->roles, &i, &key, &value);)
        if (((struct rbac_role *)value)->aggregated)
            rbac_role_drop(x, key);
    if (cluster && !x->api->bare &&
        (o->labels_n > 0 || kube_object_raw(o, "aggregationRule").n > 0))
        world_timer_start(x->aggregate, 0);
}

static void memos_clear(struct rbac *x)
{
    for (size_t i = 0; i < RBAC_MEMOS; i++) {
        str_free(&x->memos[i].question);
        x->memos[i] = (struct rbac_memo){0};
    }
}

void rbac_event(struct rbac *x, struct store_event *e)
{
    struct str table = store_table_name(e->table);
    if (!str_ends(table, STR(".rbac.authorization.k8s.io")))
        return;
    memos_clear(x);
    if (str_eq_c(table, bindings_table) || str_eq_c(table, cluster_bindings_table))
        binding_change(x, e->object, e->type == STORE_DELETED);
    else
        role_change(x, e->object);
}

/* ---- aggregation: the rules of aggregated cluster roles are written into them, for readers ---- */

static void aggregate_one(struct rbac *x, struct kube_object *o)
{
    struct arena a = {0};
    struct map taken = {0};
    cJSON *rules = json_array(&a), *tree = kube_object_tree(o, &a);
    cJSON *selectors = json_path(tree, "aggregationRule.clusterRoleSelectors");
    struct store_cursor c =
        store_seek(store_table(x->api->store, str_c(cluster_roles_table)), str_empty, str_empty);
    for (struct kube_object *other; (other = store_next(&c));) {
        bool selected = false;
        for (const cJSON *s = selectors ? selectors->child : NULL; s && !selected; s = s->next)
            selected = selector_object_matches(s, other);
        if (!selected || other == o)
            continue;
        cJSON *list = json_get(kube_object_tree(other, &a), "rules");
        for (const cJSON *rule = list ? list->child : NULL; rule; rule = rule->next)
            json_append(rules, json_copy(&a, rule));
    }
    struct buf b = {0};
    json_write(&b, rules);
    if (!str_eq(buf_str(&b), kube_object_raw(o, "rules"))) {
        json_set(&a, tree, STR("rules"), rules);
        (void)api_write_commit(x->api, store_table(x->api->store, str_c(cluster_roles_table)), tree,
                               &a);
    }
    buf_free(&b);
    map_free(&taken);
    arena_free(&a);
}

static void on_aggregate(void *owner)
{
    struct rbac *x = owner;
    struct store_table *t = store_table(x->api->store, str_c(cluster_roles_table));
    struct arena a = {0};
    size_t n = 0;
    struct kube_object **list = ARENA_NEW_ARRAY(&a, struct kube_object *, store_count(t) + 1);
    struct store_cursor c = store_seek(t, str_empty, str_empty);
    for (struct kube_object *o; (o = store_next(&c));)
        if (kube_object_raw(o, "aggregationRule").n > 2)
            list[n++] = kube_object_ref(o);
    for (size_t i = 0; i < n;
         i++) { /* roles that select aggregated ones settle by the event that this makes */
        if (store_get(t, str_empty, list[i]->name) == list[i])
            aggregate_one(x, list[i]);
        kube_object_unref(list[i]);
    }
    arena_free(&a);
}

/* Each round may change what the next one reads; roles do not select each other in circles. */
void rbac_settle(struct rbac *x)
{
    while (world_timer_active(x->aggregate)) {
        world_timer_stop(x->aggregate);
        on_aggregate(x);
    }
}

/* ---- life ---- */

struct rbac *rbac_new(struct kubeapi *api)
{
    struct rbac *x = MEM_NEW(struct rbac);
    x->api = api;
    x->aggregate = world_timer_new(api->w, on_aggregate, x);
    return x;
}

static void clear(struct rbac *x)
{
    void *value;
    struct str key;
    for (size_t i = 0; map_next(&x->bindings, &i, NULL, &value);)
        binding_free(x, value, false);
    for (size_t i = 0; map_next(&x->subjects, &i, NULL, &value);) {
        mem_free(((struct rbac_subject *)value)->bindings);
        mem_free(value);
    }
    for (size_t i = 0; map_next(&x->roles, &i, &key, &value);)
        rbac_role_drop(x, key);
    map_free(&x->bindings);
    map_free(&x->subjects);
    map_free(&x->roles);
    memos_clear(x);
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
            binding_put(x, o);
    }
}

/* ---- the decision ---- */

static bool binding_allows(struct rbac *x, const struct rbac_binding *b, const struct rbac_query *q)
{
    const struct rbac_role *role = rbac_role_get(x, b->role);
    for (size_t i = 0; role && i < role->n; i++)
        if (rbac_rule_allows(&role->rules[i], q))
            return true;
    return false;
}

static void explain(struct arena *a, struct str *why, const struct rbac_binding *b, bool group,
                    struct str subject)
{
    struct str ns, name, role_ns, role;
    if (!why)
        return;
    (void)str_cut(b->key, '/', &ns, &name);
    (void)str_cut(b->role, '/', &role_ns, &role);
    *why = arena_printf(a,
                        "RBAC: allowed by %s \"" STR_FMT "%s" STR_FMT "\" of %s \"" STR_FMT
                        "\" to %s \"" STR_FMT "\"",
                        ns.n > 0 ? "RoleBinding" : "ClusterRoleBinding", STR_ARG(name),
                        ns.n > 0 ? "/" : "", STR_ARG(ns), role_ns.n > 0 ? "Role" : "ClusterRole",
                        STR_ARG(role), group ? "Group" : "User", STR_ARG(subject));
}

static bool subject_allows(struct rbac *x, struct str ns, bool group, struct str name,
                           const struct rbac_query *q, struct arena *a, struct str *why)
{
    const struct rbac_subject *s =
        map_get(&x->subjects, subject_key(x, ns, group ? 'G' : 'U', name));
    for (size_t i = 0; s && i < s->n; i++)
        if (binding_allows(x, s->bindings[i], q)) {
            explain(a, why, s->bindings[i], group, name);
            return true;
        }
    return false;
}

static bool scope_allows(struct rbac *x, struct str ns, const struct rbac_query *q, struct arena *a,
                         struct str *why)
{
    if (subject_allows(x, ns, false, q->user->name, q, a, why))
        return true;
    for (size_t i = 0; i < q->user->groups_n; i++)
        if (subject_allows(x, ns, true, q->user->groups[i], q, a, why))
            return true;
    return false;
}

static bool decide(struct rbac *x, const struct rbac_query *q, struct arena *a, struct str *why)
{
    return scope_allows(x, str_empty, q, a, why) ||
           (q->path.n == 0 && q->ns.n > 0 && scope_allows(x, q->ns, q, a, why));
}

struct question {
    char bytes[RBAC_MEMO_BYTES_MAX];
    size_t n; /* over RBAC_MEMO_BYTES_MAX: too long */
};

/* With its length, so that no two questions are written alike. */
static void question_add(struct question *to, struct str s)
{
    if (to->n + sizeof(s.n) + s.n <= RBAC_MEMO_BYTES_MAX) {
        memcpy(to->bytes + to->n, &s.n, sizeof(s.n));
        if (s.n > 0)
            memcpy(to->bytes + to->n + sizeof(s.n), s.p, s.n);
    }
    to->n += sizeof(s.n) + s.n;
}

static void question_write(struct question *to, const struct rbac_query *q)
{
    const struct str parts[] = {q->verb, q->group, q->resource, q->sub,
                                q->ns,   q->name,  q->path,     q->user->name};
    to->n = 0;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        question_add(to, parts[i]);
    for (size_t i = 0; i < q->user->groups_n; i++)
        question_add(to, q->user->groups[i]);
}

bool rbac_allows(struct rbac *x, const struct rbac_query *q, struct arena *a, struct str *why)
{
    struct question asked;
    question_write(&asked, q);
    if (why || asked.n > RBAC_MEMO_BYTES_MAX)
        return decide(x, q, a, why);
    struct str text = {asked.bytes, asked.n};
    uint64_t hash = str_hash(text);
    struct rbac_memo *m = &x->memos[hash % RBAC_MEMOS];
    if (m->hash == hash && str_eq(m->question, text))
        return m->allows;
    bool allows = decide(x, q, a, NULL);
    str_free(&m->question);
    *m = (struct rbac_memo){hash, str_dup(text), allows};
    return allows;
}

/* ---- all rules of a user: SelfSubjectRulesReview ---- */

static void copy_rules(struct rbac *x, const struct rbac_binding *b, struct arena *a,
                       cJSON *resource_rules, cJSON *non_resource_rules)
{
    struct kube_object *o = rbac_role_object(x, b->role);
    const cJSON *rules = o ? json_get(kube_object_tree(o, a), "rules") : NULL;
    for (const cJSON *rule = rules ? rules->child : NULL; rule; rule = rule->next) {
        bool urls = json_get(rule, "nonResourceURLs") != NULL;
        json_append(urls ? non_resource_rules : resource_rules, json_copy(a, rule));
    }
}

void rbac_rules_of(struct rbac *x, const struct api_user *user, struct str ns, struct arena *a,
                   cJSON *resource_rules, cJSON *non_resource_rules)
{
    struct str scopes[] = {str_empty, ns};
    for (size_t scope = 0; scope < (ns.n > 0 ? 2u : 1u); scope++)
        for (size_t i = 0; i <= user->groups_n; i++) {
            struct str name = i == 0 ? user->name : user->groups[i - 1];
            const struct rbac_subject *s =
                map_get(&x->subjects, subject_key(x, scopes[scope], i == 0 ? 'U' : 'G', name));
            for (size_t k = 0; s && k < s->n; k++)
                copy_rules(x, s->bindings[k], a, resource_rules, non_resource_rules);
        }
}
