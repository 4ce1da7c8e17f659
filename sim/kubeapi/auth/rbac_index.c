/* The index of bindings: kept by the store's events, at the cost of what changes. */
#include "sim/kubeapi/auth/rbac_internal.h"

#include <string.h>

/* ---- subjects ---- */

struct str rbac_subject_key(struct rbac *x, struct str ns, bool group, struct str name)
{
    buf_clear(&x->key);
    buf_add(&x->key, ns);
    buf_add(&x->key, group ? STR(" G:") : STR(" U:"));
    buf_add(&x->key, name);
    return buf_str(&x->key);
}

struct rbac_subject *rbac_subject_of(struct rbac *x, struct str ns, bool group, struct str name)
{
    return map_get(&x->subjects, rbac_subject_key(x, ns, group, name));
}

static struct rbac_subject *subject_get(struct rbac *x, struct str key)
{
    struct rbac_subject *s = map_get(&x->subjects, key);
    if (s)
        return s;
    s = MEM_NEW(struct rbac_subject);
    s->key = str_dup(key);
    map_put(&x->subjects, key, s);
    return s;
}

static void subject_free(struct rbac_subject *s)
{
    rbac_buckets_free(s->buckets);
    mem_free(s->bounds);
    str_free(&s->key);
    mem_free(s);
}

/* ---- roles ---- */

static struct rbac_role *role_get(struct rbac *x, struct str key)
{
    struct rbac_role *role = map_get(&x->roles, key);
    if (role)
        return role;
    role = MEM_NEW(struct rbac_role);
    role->key = str_dup(key);
    list_init(&role->indexed);
    map_put(&x->roles, key, role);
    return role;
}

static void role_free(struct rbac_role *role)
{
    arena_free(&role->a);
    str_free(&role->key);
    mem_free(role);
}

/* ---- bounds ---- */

static void bound_index(struct rbac *x, struct rbac_bound *b)
{
    rbac_role_read(x, b->role);
    rbac_buckets_add(b->subject->buckets, b);
    list_add_tail(&b->role->indexed, &b->in_role);
}

/* Roles of a subject with many are found through the bindings' map of pairs: "role\nsubject". */
static struct str pair_key(struct rbac *x, const struct rbac_subject *s, const struct rbac_role *r)
{
    buf_clear(&x->key);
    buf_add(&x->key, r->key);
    buf_add_char(&x->key, '\n');
    buf_add(&x->key, s->key);
    return buf_str(&x->key);
}

static struct rbac_bound *bound_find(struct rbac *x, struct rbac_subject *s,
                                     const struct rbac_role *role)
{
    if (s->buckets)
        return map_get(&x->pairs, pair_key(x, s, role));
    for (size_t i = 0; i < s->n; i++)
        if (s->bounds[i]->role == role)
            return s->bounds[i];
    return NULL;
}

static void enlarge(struct rbac *x, struct rbac_subject *s)
{
    s->buckets = rbac_buckets_new();
    for (size_t i = 0; i < s->n; i++) {
        map_put(&x->pairs, pair_key(x, s, s->bounds[i]->role), s->bounds[i]);
        bound_index(x, s->bounds[i]);
    }
}

static struct rbac_bound *bound_get(struct rbac *x, struct rbac_subject *s, struct rbac_role *role)
{
    struct rbac_bound *b = bound_find(x, s, role);
    if (b)
        return b;
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 1;
        s->bounds = mem_resize(s->bounds, s->cap * sizeof(struct rbac_bound *));
    }
    b = MEM_NEW(struct rbac_bound);
    *b = (struct rbac_bound){.subject = s, .role = role, .place = s->n};
    list_init(&b->links);
    list_init(&b->in_role);
    s->bounds[s->n++] = b;
    role->bounds++;
    if (s->buckets) {
        map_put(&x->pairs, pair_key(x, s, role), b);
        bound_index(x, b);
    } else if (s->n > RBAC_FEW) {
        enlarge(x, s);
    }
    return b;
}

/* The last binding that gave it is gone. */
static void bound_remove(struct rbac *x, struct rbac_bound *b)
{
    struct rbac_subject *s = b->subject;
    struct rbac_role *role = b->role;
    if (s->buckets) {
        map_remove(&x->pairs, pair_key(x, s, role));
        rbac_buckets_remove(s->buckets, b);
        list_remove(&b->in_role);
    }
    s->bounds[b->place] = s->bounds[--s->n];
    s->bounds[b->place]->place = b->place;
    mem_free(b);
    if (s->n == 0) {
        map_remove(&x->subjects, s->key);
        subject_free(s);
    }
    if (--role->bounds == 0) {
        map_remove(&x->roles, role->key);
        role_free(role);
    }
}

/* ---- bindings ---- */

static struct str subject_of(struct rbac *x, struct arena *a, const cJSON *subject, struct str ns)
{
    struct str kind = json_string_at(subject, "kind"), name = json_string_at(subject, "name");
    if (!str_eq_c(kind, "ServiceAccount"))
        return rbac_subject_key(x, ns, str_eq_c(kind, "Group"), name);
    struct str account = json_string_at(subject, "namespace");
    return rbac_subject_key(x, ns, false,
                            arena_printf(a, "system:serviceaccount:" STR_FMT ":" STR_FMT,
                                         STR_ARG(account.n > 0 ? account : ns), STR_ARG(name)));
}

static struct rbac_binding *binding_new(struct str ns, struct str name, size_t subjects)
{
    size_t links = sizeof(struct rbac_binding) + subjects * sizeof(struct rbac_link);
    struct rbac_binding *b = mem_alloc(links + ns.n + 1 + name.n);
    char *key = (char *)b + links;
    memset(b, 0, links);
    if (ns.n > 0)
        memcpy(key, ns.p, ns.n);
    key[ns.n] = '/';
    memcpy(key + ns.n + 1, name.p, name.n);
    b->key = (struct str){key, ns.n + 1 + name.n};
    return b;
}

void rbac_index_put(struct rbac *x, const struct kube_object *o)
{
    struct arena a = {0};
    const cJSON *tree = kube_object_tree(o, &a), *subjects = json_get(tree, "subjects");
    bool cluster_role = str_eq_c(json_string_at(tree, "roleRef.kind"), "ClusterRole");
    size_t n = subjects && subjects->type == cJSON_Array ? (size_t)cJSON_GetArraySize(subjects) : 0;
    struct str role_key =
        arena_printf(&a, STR_FMT "/" STR_FMT, STR_ARG(cluster_role ? str_empty : o->ns),
                     STR_ARG(json_string_at(tree, "roleRef.name")));
    struct rbac_binding *b = binding_new(o->ns, o->name, n);
    struct rbac_role *role = n > 0 ? role_get(x, role_key) : NULL;
    for (const cJSON *s = n > 0 ? subjects->child : NULL; s; s = s->next) {
        struct rbac_link *l = &b->links[b->n++];
        l->binding = b;
        l->bound = bound_get(x, subject_get(x, subject_of(x, &a, s, o->ns)), role);
        list_add_tail(&l->bound->links, &l->link);
    }
    map_put(&x->bindings, b->key, b);
    arena_free(&a);
}

void rbac_index_remove(struct rbac *x, struct str ns, struct str name)
{
    buf_clear(&x->key);
    buf_add(&x->key, ns);
    buf_add_char(&x->key, '/');
    buf_add(&x->key, name);
    struct rbac_binding *b = map_remove(&x->bindings, buf_str(&x->key));
    for (size_t i = 0; b && i < b->n; i++) {
        struct rbac_bound *bound = b->links[i].bound;
        list_remove(&b->links[i].link);
        if (list_empty(&bound->links))
            bound_remove(x, bound);
    }
    mem_free(b);
}

void rbac_index_role(struct rbac *x, const struct kube_object *o)
{
    buf_clear(&x->key);
    buf_add(&x->key, o->ns);
    buf_add_char(&x->key, '/');
    buf_add(&x->key, o->name);
    struct rbac_role *role = map_get(&x->roles, buf_str(&x->key));
    if (!role)
        return;
    list_each (&role->indexed, it, next) {
        struct rbac_bound *b = container_of(it, struct rbac_bound, in_role);
        rbac_buckets_remove(b->subject->buckets, b);
    }
    role->parsed = false;
    if (!list_empty(&role->indexed))
        rbac_role_read(x, role);
    list_each (&role->indexed, it, next) {
        struct rbac_bound *b = container_of(it, struct rbac_bound, in_role);
        rbac_buckets_add(b->subject->buckets, b);
    }
}

void rbac_index_clear(struct rbac *x)
{
    void *value;
    for (size_t i = 0; map_next(&x->bindings, &i, NULL, &value);)
        mem_free(value);
    for (size_t i = 0; map_next(&x->subjects, &i, NULL, &value);) {
        struct rbac_subject *s = value;
        for (size_t k = 0; k < s->n; k++)
            mem_free(s->bounds[k]);
        subject_free(s);
    }
    for (size_t i = 0; map_next(&x->roles, &i, NULL, &value);)
        role_free(value);
    map_free(&x->bindings);
    map_free(&x->subjects);
    map_free(&x->roles);
    map_free(&x->pairs);
}
