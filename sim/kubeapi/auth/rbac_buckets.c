/* The rights of a subject with many roles, by what they are about.
 *
 *   "group\x1fresource[\x1fname]" ─► verbs, each with the number of rules that give it
 *   "\x1e/url" and prefixes       ─► the same
 *
 * A rule stands in the buckets of every group, resource and name that it lists, stars as they are; a question looks into
 * those that could hold its answer (at most 24). Rules that list too much are wide: looked at one by one. */
#include "sim/kubeapi/auth/rbac_internal.h"

#include <string.h>

struct verb {
    struct str verb; /* owned */
    size_t count;
    struct rbac_bound *by; /* one that gives it; NULL: it has gone, and others give it */
};
struct bucket {
    struct verb *verbs;
    size_t n, cap;
};
struct rbac_buckets {
    struct map by_key;   /* → struct bucket * */
    struct map prefixes; /* of URLs → struct bucket * */
    struct rbac_bound **wide;
    size_t wide_n, wide_cap;
    size_t missing;
    struct buf key;
};

struct rbac_buckets *rbac_buckets_new(void)
{
    return MEM_NEW(struct rbac_buckets);
}

static void bucket_free(struct bucket *k)
{
    for (size_t i = 0; i < k->n; i++)
        str_free(&k->verbs[i].verb);
    mem_free(k->verbs);
    mem_free(k);
}

void rbac_buckets_free(struct rbac_buckets *b)
{
    void *k;
    if (!b)
        return;
    for (size_t i = 0; map_next(&b->by_key, &i, NULL, &k);)
        bucket_free(k);
    for (size_t i = 0; map_next(&b->prefixes, &i, NULL, &k);)
        bucket_free(k);
    map_free(&b->by_key);
    map_free(&b->prefixes);
    mem_free(b->wide);
    buf_free(&b->key);
    mem_free(b);
}

size_t rbac_buckets_missing(const struct rbac_buckets *b)
{
    return b->missing;
}

/* ---- counting ---- */

static struct verb *verb_of(const struct bucket *k, struct str verb)
{
    for (size_t i = 0; k && i < k->n; i++)
        if (str_eq(k->verbs[i].verb, verb))
            return &k->verbs[i];
    return NULL;
}

static void count_up(struct map *m, struct str key, struct str verb, struct rbac_bound *by)
{
    struct bucket *k = map_get(m, key);
    if (!k) {
        k = MEM_NEW(struct bucket);
        map_put(m, key, k);
    }
    struct verb *v = verb_of(k, verb);
    if (!v) {
        if (k->n == k->cap) {
            k->cap = k->cap ? k->cap * 2 : 2;
            k->verbs = mem_resize(k->verbs, k->cap * sizeof(*k->verbs));
        }
        v = &k->verbs[k->n++];
        *v = (struct verb){.verb = str_dup(verb)};
    }
    v->count++;
    v->by = by;
}

static void count_down(struct map *m, struct str key, struct str verb, const struct rbac_bound *by)
{
    struct bucket *k = map_get(m, key);
    struct verb *v = verb_of(k, verb);
    BUG_ON(!v, "what is taken away was there");
    if (v->by == by)
        v->by = NULL;
    if (--v->count > 0)
        return;
    str_free(&v->verb);
    *v = k->verbs[--k->n];
    if (k->n == 0) {
        map_remove(m, key);
        bucket_free(k);
    }
}

/* ---- rules ---- */

static struct str resource_key(struct buf *b, struct str group, struct str resource,
                               const struct str *name)
{
    buf_clear(b);
    buf_add(b, group);
    buf_add_char(b, '\x1f');
    buf_add(b, resource);
    if (name) {
        buf_add_char(b, '\x1f');
        buf_add(b, *name);
    }
    return buf_str(b);
}

static struct str url_key(struct buf *b, struct str url)
{
    buf_clear(b);
    buf_add_char(b, '\x1e');
    buf_add(b, url);
    return buf_str(b);
}

static void count(struct map *m, struct str key, const struct rbac_words *verbs,
                  struct rbac_bound *by, bool up)
{
    for (size_t i = 0; i < verbs->n; i++) {
        if (up)
            count_up(m, key, verbs->items[i], by);
        else
            count_down(m, key, verbs->items[i], by);
    }
}

static void count_urls(struct rbac_buckets *b, const struct rbac_rule *rule, struct rbac_bound *by,
                       bool up)
{
    for (size_t i = 0; i < rule->urls.n; i++) {
        struct str u = rule->urls.items[i];
        bool prefix = u.n > 0 && u.p[u.n - 1] == '*';
        count(prefix ? &b->prefixes : &b->by_key,
              prefix ? str_sub(u, 0, u.n - 1) : url_key(&b->key, u), &rule->verbs, by, up);
    }
}

static void count_rule(struct rbac_buckets *b, const struct rbac_rule *rule, struct rbac_bound *by,
                       bool up)
{
    count_urls(b, rule, by, up);
    size_t names = rule->names.n > 0 ? rule->names.n : 1;
    for (size_t g = 0; g < rule->groups.n; g++)
        for (size_t i = 0; i < rule->resources.n; i++)
            for (size_t k = 0; k < names; k++)
                count(&b->by_key,
                      resource_key(&b->key, rule->groups.items[g], rule->resources.items[i],
                                   rule->names.n > 0 ? &rule->names.items[k] : NULL),
                      &rule->verbs, by, up);
}

static bool is_wide(const struct rbac_role *role)
{
    size_t atoms = 0;
    for (size_t i = 0; i < role->n; i++) {
        const struct rbac_rule *r = &role->rules[i];
        atoms += r->urls.n + r->groups.n * r->resources.n * (r->names.n > 0 ? r->names.n : 1);
    }
    return atoms > RBAC_ATOMS_MAX;
}

void rbac_buckets_add(struct rbac_buckets *b, struct rbac_bound *bound)
{
    const struct rbac_role *role = bound->role;
    BUG_ON(!role->parsed, "the rules of a role are known before they are counted");
    b->missing += role->missing;
    if (is_wide(role)) {
        if (b->wide_n == b->wide_cap) {
            b->wide_cap = b->wide_cap ? b->wide_cap * 2 : 4;
            b->wide = mem_resize(b->wide, b->wide_cap * sizeof(struct rbac_bound *));
        }
        b->wide[b->wide_n++] = bound;
        return;
    }
    for (size_t i = 0; i < role->n; i++)
        count_rule(b, &role->rules[i], bound, true);
}

void rbac_buckets_remove(struct rbac_buckets *b, struct rbac_bound *bound)
{
    const struct rbac_role *role = bound->role;
    b->missing -= role->missing;
    if (is_wide(role)) {
        size_t i = 0;
        while (b->wide[i] != bound)
            i++;
        b->wide[i] = b->wide[--b->wide_n];
        return;
    }
    for (size_t i = 0; i < role->n; i++)
        count_rule(b, &role->rules[i], bound, false);
}

/* ---- questions ---- */

static bool bucket_allows(const struct bucket *k, struct str verb, struct rbac_bound **by)
{
    const struct verb *v = verb_of(k, verb);
    if (!v)
        v = verb_of(k, STR("*"));
    if (v)
        *by = v->by;
    return v != NULL;
}

static bool about(const struct rbac_buckets *b, struct buf *key, struct str group,
                  struct str resource, const struct rbac_query *q, struct rbac_bound **by)
{
    return bucket_allows(map_get(&b->by_key, resource_key(key, group, resource, NULL)), q->verb,
                         by) ||
           bucket_allows(map_get(&b->by_key, resource_key(key, group, resource, &q->name)), q->verb,
                         by);
}

static bool allow_resource(const struct rbac_buckets *b, const struct rbac_query *q,
                           struct buf *key, struct rbac_bound **by)
{
    struct buf both = {0}, any = {0};
    const struct str groups[] = {q->group, STR("*")};
    bool ok = false;
    buf_add(&both, q->resource);
    if (q->sub.n > 0) {
        buf_addf(&both, "/" STR_FMT, STR_ARG(q->sub));
        buf_addf(&any, "*/" STR_FMT, STR_ARG(q->sub));
    }
    for (size_t g = 0; !ok && g < ARRAY_LEN(groups); g++)
        ok = about(b, key, groups[g], buf_str(&both), q, by) ||
             about(b, key, groups[g], STR("*"), q, by) ||
             (q->sub.n > 0 && about(b, key, groups[g], buf_str(&any), q, by));
    buf_free(&both);
    buf_free(&any);
    return ok;
}

static bool allow_url(const struct rbac_buckets *b, const struct rbac_query *q, struct buf *key,
                      struct rbac_bound **by)
{
    struct str prefix;
    void *k;
    if (bucket_allows(map_get(&b->by_key, url_key(key, q->path)), q->verb, by))
        return true;
    for (size_t i = 0; map_next(&b->prefixes, &i, &prefix, &k);)
        if (str_starts(q->path, prefix) && bucket_allows(k, q->verb, by))
            return true;
    return false;
}

bool rbac_buckets_allow(const struct rbac_buckets *b, const struct rbac_query *q,
                        struct rbac_bound **by)
{
    struct buf key = {0};
    *by = NULL;
    bool ok = q->non_resource ? allow_url(b, q, &key, by) : allow_resource(b, q, &key, by);
    buf_free(&key);
    for (size_t i = 0; !ok && i < b->wide_n; i++) {
        const struct rbac_role *role = b->wide[i]->role;
        for (size_t k = 0; !ok && k < role->n; k++)
            ok = rbac_rule_allows(&role->rules[k], q);
        *by = ok ? b->wide[i] : NULL;
    }
    return ok;
}
