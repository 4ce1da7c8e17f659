/* Goal: whatever roles and bindings come, change and go, the index answers as a plain reading of all of them would, and
 * what it remembers is never stale.
 * Method: random changes to a server and to a model of it; after each, random questions to both: as reviews (decided anew,
 * with reasons) and as requests (which may be remembered). Some users have many roles, so that both forms of the index
 * are asked. */
#include "tests/property/support/seed.h"
#include "tests/unit/support/kubeapi_fixture.h"

#include <string.h>

#define ROLES    48u
#define BINDINGS 300u
#define RULES    3u
#define WORDS    2u
#define STEPS    1500u
#define ASKS     3u

#define RBAC     "/apis/rbac.authorization.k8s.io/v1"

static const char *const users[] = {"u0", "u1", "u2", "system:serviceaccount:n1:sa"};
static const char *const groups[] = {"g0", "g1", "system:authenticated"};
static const char *const namespaces[] = {"n0", "n1"};
static const char *const api_groups[] = {"", "apps", "*"};
static const char *const resources[] = {"configmaps", "pods",    "pods/log", "deployments/scale",
                                        "*/scale",    "secrets", "*"};
static const char *const verbs[] = {"get", "list", "delete", "*"};
static const char *const names[] = {"a", "b"};
static const char *const urls[] = {"/a", "/a/*", "/b", "*"};

struct words {
    const char *items[WORDS];
    size_t n;
};
struct rule {
    struct words verbs, groups, resources, names, urls;
};
struct role {
    bool there, cluster;
    const char *ns;
    struct rule rules[RULES];
    size_t n;
};
struct binding {
    bool there;
    const char *ns; /* NULL: of the cluster */
    size_t role;
    bool group;
    const char *subject;
};
struct model {
    struct rng *rng;
    struct role roles[ROLES];
    struct binding bindings[BINDINGS];
};
struct question {
    const char *user, *group; /* one group */
    const char *verb, *api_group, *resource, *sub, *ns, *name, *url;
};

/* ---- the plain reading ---- */

static bool has(const struct words *w, const char *word)
{
    for (size_t i = 0; i < w->n; i++)
        if (strcmp(w->items[i], word) == 0 || strcmp(w->items[i], "*") == 0)
            return true;
    return false;
}

static bool has_url(const struct words *w, const char *url)
{
    for (size_t i = 0; i < w->n; i++) {
        size_t n = strlen(w->items[i]);
        if (w->items[i][n - 1] == '*' ? strncmp(w->items[i], url, n - 1) == 0
                                      : strcmp(w->items[i], url) == 0)
            return true;
    }
    return false;
}

static bool has_resource(const struct words *w, const struct question *q)
{
    char whole[64], any[64];
    snprintf(whole, sizeof(whole), "%s%s%s", q->resource, *q->sub ? "/" : "", q->sub);
    snprintf(any, sizeof(any), "*/%s", q->sub);
    for (size_t i = 0; i < w->n; i++)
        if (strcmp(w->items[i], "*") == 0 || strcmp(w->items[i], whole) == 0 ||
            (*q->sub && strcmp(w->items[i], any) == 0))
            return true;
    return false;
}

static bool rule_allows(const struct rule *r, const struct question *q)
{
    if (!has(&r->verbs, q->verb))
        return false;
    if (q->url)
        return has_url(&r->urls, q->url);
    bool named = r->names.n == 0;
    for (size_t i = 0; i < r->names.n; i++)
        named = named || strcmp(r->names.items[i], q->name) == 0;
    return named && has(&r->groups, q->api_group) && has_resource(&r->resources, q);
}

static bool model_allows(const struct model *m, const struct question *q)
{
    for (size_t i = 0; i < BINDINGS; i++) {
        const struct binding *b = &m->bindings[i];
        const struct role *role = &m->roles[b->role];
        if (!b->there || !role->there || strcmp(b->subject, b->group ? q->group : q->user) != 0 ||
            (b->ns && (q->url || strcmp(b->ns, q->ns) != 0)))
            continue;
        for (size_t k = 0; k < role->n; k++)
            if (rule_allows(&role->rules[k], q))
                return true;
    }
    return false;
}

/* ---- random things ---- */

static const char *pick(struct rng *rng, const char *const *from, size_t n)
{
    return from[rng_below(rng, n)];
}
#define PICK(rng, from) pick(rng, from, ARRAY_LEN(from))

static struct words pick_words(struct rng *rng, const char *const *from, size_t n)
{
    struct words w = {.n = 1 + rng_below(rng, WORDS)};
    for (size_t i = 0; i < w.n; i++)
        w.items[i] = pick(rng, from, n);
    return w;
}

static struct rule random_rule(struct rng *rng, bool cluster)
{
    struct rule r = {.verbs = pick_words(rng, verbs, ARRAY_LEN(verbs))};
    if (cluster && rng_below(rng, 4) == 0) {
        r.urls = pick_words(rng, urls, ARRAY_LEN(urls));
        return r;
    }
    r.groups = pick_words(rng, api_groups, ARRAY_LEN(api_groups));
    r.resources = pick_words(rng, resources, ARRAY_LEN(resources));
    if (rng_below(rng, 2) == 0)
        r.names = pick_words(rng, names, ARRAY_LEN(names));
    return r;
}

static struct question random_question(struct rng *rng)
{
    struct question q = {.user = PICK(rng, users), .group = PICK(rng, groups)};
    q.verb = pick(rng, verbs, 3);
    q.api_group = pick(rng, api_groups, 2);
    q.resource = "configmaps";
    q.sub = "";
    if (rng_below(rng, 2) == 0) {
        static const char *const whole[] = {"pods", "pods", "deployments", "secrets"};
        static const char *const subs[] = {"", "log", "scale"};
        q.resource = PICK(rng, whole);
        q.sub = PICK(rng, subs);
    }
    q.ns = PICK(rng, namespaces);
    q.name = rng_below(rng, 3) == 0 ? "" : PICK(rng, names);
    q.url = rng_below(rng, 5) == 0 ? "/a/x" : NULL;
    return q;
}

/* ---- the server ---- */

static void write_words(struct buf *b, const char *key, const struct words *w)
{
    if (w->n == 0)
        return;
    buf_addf(b, "%s\"%s\":[", b->p[b->n - 1] == '{' ? "" : ",", key);
    for (size_t i = 0; i < w->n; i++)
        buf_addf(b, "%s\"%s\"", i > 0 ? "," : "", w->items[i]);
    buf_add_char(b, ']');
}

static void put(struct fixture *f, struct buf *b)
{
    struct err *err = kubeapi_apply(f->api, buf_str(b), NULL);
    assert_null(err);
    buf_free(b);
}

static void put_role(struct fixture *f, const struct role *r, size_t at)
{
    struct buf b = {0};
    buf_addf(&b,
             "{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"%s\",\"metadata\":{"
             "\"name\":\"r%zu\"%s%s%s},\"rules\":[",
             r->cluster ? "ClusterRole" : "Role", at, r->cluster ? "" : ",\"namespace\":\"",
             r->cluster ? "" : r->ns, r->cluster ? "" : "\"");
    for (size_t i = 0; i < r->n; i++) {
        buf_add_c(&b, i > 0 ? ",{" : "{");
        write_words(&b, "verbs", &r->rules[i].verbs);
        write_words(&b, "apiGroups", &r->rules[i].groups);
        write_words(&b, "resources", &r->rules[i].resources);
        write_words(&b, "resourceNames", &r->rules[i].names);
        write_words(&b, "nonResourceURLs", &r->rules[i].urls);
        buf_add_char(&b, '}');
    }
    buf_add_c(&b, "]}");
    put(f, &b);
}

static void put_binding(struct fixture *f, const struct model *m, size_t at)
{
    const struct binding *b = &m->bindings[at];
    const struct role *role = &m->roles[b->role];
    bool account = strncmp(b->subject, "system:serviceaccount:", 22) == 0;
    struct buf out = {0};
    buf_addf(&out,
             "{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"%s\",\"metadata\":{"
             "\"name\":\"b%zu\"%s%s%s},\"roleRef\":{\"kind\":\"%s\",\"name\":\"r%zu\"},"
             "\"subjects\":[{\"kind\":\"User\",\"name\":\"nobody\"},",
             b->ns ? "RoleBinding" : "ClusterRoleBinding", at, b->ns ? ",\"namespace\":\"" : "",
             b->ns ? b->ns : "", b->ns ? "\"" : "", role->cluster ? "ClusterRole" : "Role",
             b->role);
    if (account)
        buf_add_c(&out, "{\"kind\":\"ServiceAccount\",\"name\":\"sa\",\"namespace\":\"n1\"}]}");
    else
        buf_addf(&out, "{\"kind\":\"%s\",\"name\":\"%s\"}]}", b->group ? "Group" : "User",
                 b->subject);
    put(f, &out);
}

static void drop(struct fixture *f, const char *resource, const char *ns, const char *prefix,
                 size_t at)
{
    struct str name = arena_printf(&f->a, "%s%zu", prefix, at);
    struct err *err = kubeapi_delete(f->api, str_c(resource), ns ? str_c(ns) : str_empty, name);
    assert_null(err);
}

/* ---- steps ---- */

static void change_role(struct fixture *f, struct model *m)
{
    size_t at = rng_below(m->rng, ROLES);
    struct role *r = &m->roles[at];
    if (r->there && rng_below(m->rng, 3) == 0) {
        drop(f,
             r->cluster ? "clusterroles.rbac.authorization.k8s.io"
                        : "roles.rbac.authorization.k8s.io",
             r->cluster ? NULL : r->ns, "r", at);
        r->there = false;
        return;
    }
    r->there = true;
    r->n = rng_below(m->rng, RULES + 1);
    for (size_t i = 0; i < r->n; i++)
        r->rules[i] = random_rule(m->rng, r->cluster);
    put_role(f, r, at);
}

static void change_binding(struct fixture *f, struct model *m)
{
    size_t at = rng_below(m->rng, BINDINGS);
    struct binding *b = &m->bindings[at];
    if (b->there) {
        drop(f,
             b->ns ? "rolebindings.rbac.authorization.k8s.io"
                   : "clusterrolebindings.rbac.authorization.k8s.io",
             b->ns, "b", at);
        b->there = false;
        return;
    }
    b->there = true;
    b->role = rng_below(m->rng, ROLES);
    const struct role *role = &m->roles[b->role];
    b->ns = !role->cluster ? role->ns : rng_below(m->rng, 2) == 0 ? NULL : PICK(m->rng, namespaces);
    b->group = rng_below(m->rng, 4) == 0;
    b->subject = b->group                    ? PICK(m->rng, groups)
                 : rng_below(m->rng, 2) == 0 ? "u0"
                                             : PICK(m->rng, users);
    put_binding(f, m, at);
}

static bool review(struct fixture *f, const struct question *q)
{
    struct buf b = {0};
    buf_addf(&b, "{\"spec\":{\"user\":\"%s\",\"groups\":[\"%s\"],", q->user, q->group);
    if (q->url)
        buf_addf(&b, "\"nonResourceAttributes\":{\"verb\":\"%s\",\"path\":\"%s\"}}}", q->verb,
                 q->url);
    else
        buf_addf(&b,
                 "\"resourceAttributes\":{\"verb\":\"%s\",\"group\":\"%s\",\"resource\":\"%s\","
                 "\"subresource\":\"%s\",\"namespace\":\"%s\",\"name\":\"%s\"}}}",
                 q->verb, q->api_group, q->resource, q->sub, q->ns, q->name);
    must(f, 201, "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", buf_c(&b));
    buf_free(&b);
    bool allowed = strcmp(said(f, "status.allowed"), "true") == 0;
    bool said_why = strncmp(said(f, "status.reason"), "RBAC: allowed by", 16) == 0;
    assert_int_equal(allowed, said_why);
    return allowed;
}

/* The same by the request itself: a read of one object that is not there. */
static void request(struct fixture *f, const struct model *m, struct question q)
{
    q.resource = "configmaps";
    q.api_group = q.sub = "";
    q.verb = "get";
    q.name = "a";
    q.group = "system:authenticated";
    q.url = NULL;
    f->as = q.user;
    struct str target = arena_printf(&f->a, "/api/v1/namespaces/%s/configmaps/a", q.ns);
    assert_int_equal(ask(f, "GET", target.p, NULL), model_allows(m, &q) ? 404 : 403);
    f->as = NULL;
}

static void try_seed(struct rng *rng)
{
    struct fixture f;
    struct model m = {.rng = rng};
    fixture_open(&f, NULL);
    must(&f, 200, "DELETE", RBAC "/clusterrolebindings/system:discovery", NULL);
    for (size_t i = 0; i < ROLES; i++) {
        m.roles[i].cluster = i % 3 != 0;
        m.roles[i].ns = namespaces[i % 2];
    }
    for (size_t i = 0; i < STEPS; i++) {
        if (rng_below(rng, 3) == 0)
            change_role(&f, &m);
        else
            change_binding(&f, &m);
        for (size_t k = 0; k < ASKS; k++) {
            struct question q = random_question(rng);
            assert_int_equal(review(&f, &q), model_allows(&m, &q));
            request(&f, &m, q);
        }
    }
    fixture_close(&f);
}

static void the_index_answers_as_a_plain_reading(void **state)
{
    (void)state;
    each_seed(3, try_seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_index_answers_as_a_plain_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
