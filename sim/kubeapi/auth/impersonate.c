/* Impersonation: the request goes on as somebody else, if its user may be them.
 *
 * What is asked for becomes a list of references in the original's order (user, groups, extra values, uid); each must be
 * allowed by the verb impersonate. */
#include "sim/kubeapi/auth/auth.h"
#include "sim/kubeapi/core/reply.h"

#include "engine/base/codec.h"

#define EXTRA_KEY_BYTES_MAX 1024u

static const struct str extra_prefix = STR_INIT("Impersonate-Extra-");

struct wish {         /* an object reference of the original */
    const char *kind; /* as it is printed */
    const char *resource;
    struct str group, version;  /* printed as apiVersion; group empty: none */
    struct str ns, name, field; /* field: the key of an extra */
};
struct wishes {
    struct wish *list;
    size_t n;
    bool user; /* somebody is named */
};

/* ---- reading the headers ---- */

/* "system:serviceaccount:NS:NAME" and nothing more. */
static bool account_name(struct str user, struct str *ns, struct str *name)
{
    static const struct str prefix = STR_INIT("system:serviceaccount:");
    struct str head, tail;
    return str_starts(user, prefix) && str_cut(str_sub(user, prefix.n, user.n), ':', ns, name) &&
           ns->n > 0 && name->n > 0 && !str_cut(*name, ':', &head, &tail);
}

static void add(struct wishes *w, const char *kind, const char *resource, struct str name)
{
    struct wish *wish = &w->list[w->n++];
    *wish = (struct wish){.kind = kind, .resource = resource, .name = name};
    wish->group = wish->version = wish->ns = wish->field = str_empty;
}

static void add_authentication(struct wishes *w, const char *kind, const char *resource,
                               struct str name, struct str field)
{
    add(w, kind, resource, name);
    w->list[w->n - 1].group = STR("authentication.k8s.io");
    w->list[w->n - 1].version = STR("v1");
    w->list[w->n - 1].field = field;
}

/* Header names come in any case: the key is lower-cased, then its escapes are read. */
static struct str extra_key(struct arena *a, struct str name)
{
    struct buf plain = {.max = EXTRA_KEY_BYTES_MAX};
    char *key = arena_c(a, str_sub(name, extra_prefix.n, name.n));
    for (char *p = key; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p + ('a' - 'A'));
    struct str out = str_c(key);
    if (percent_decode(&plain, out, false))
        out = arena_str(a, buf_str(&plain));
    buf_free(&plain);
    return out;
}

static void read_headers(struct api_request *r, struct wishes *w)
{
    struct str user = http_headers_get(r->headers, "Impersonate-User"), ns, name, value;
    struct str uid = http_headers_get(r->headers, "Impersonate-Uid");
    w->user = user.n > 0;
    if (account_name(user, &ns, &name)) {
        add(w, "ServiceAccount", "serviceaccounts", arena_str(&r->a, name));
        w->list[w->n - 1].ns = arena_str(&r->a, ns);
    } else if (w->user) {
        add(w, "User", "users", arena_str(&r->a, user));
    }
    for (size_t i = 0; http_headers_at(r->headers, i, &name, &value); i++)
        if (str_eq_nocase(name, STR("Impersonate-Group")))
            add(w, "Group", "groups", arena_str(&r->a, value));
    for (size_t i = 0; http_headers_at(r->headers, i, &name, &value); i++)
        if (str_eq_nocase(str_sub(name, 0, extra_prefix.n), extra_prefix))
            add_authentication(w, "UserExtra", "userextras", arena_str(&r->a, value),
                               extra_key(&r->a, name));
    if (uid.n > 0)
        add_authentication(w, "UID", "uids", arena_str(&r->a, uid), str_empty);
}

/* ---- refusals ---- */

/* As the original prints the list. */
static bool nobody_named(struct api_request *r, const struct wishes *w)
{
    struct buf b = {.max = 16384};
    buf_add_c(&b, "Internal Server Error: ");
    json_write_string(&b, r->query.n > 0 ? arena_printf(&r->a, STR_FMT "?" STR_FMT,
                                                        STR_ARG(r->path), STR_ARG(r->query))
                                         : r->path);
    buf_add_c(&b, ": requested [");
    for (size_t i = 0; i < w->n; i++) {
        const struct wish *v = &w->list[i];
        buf_addf(&b, "%s{%s " STR_FMT " " STR_FMT "  " STR_FMT "%s" STR_FMT "  " STR_FMT "}",
                 i > 0 ? " " : "", v->kind, STR_ARG(v->ns), STR_ARG(v->name), STR_ARG(v->group),
                 v->group.n > 0 ? "/" : "", STR_ARG(v->version), STR_ARG(v->field));
    }
    buf_add_c(&b, "] without impersonating a user\n");
    api_reply_text(r, 500, arena_c(&r->a, buf_str(&b)));
    buf_free(&b);
    return false;
}

static bool may_be(struct api_request *r, const struct wish *w)
{
    struct str why;
    struct rbac_query q = {.user = &r->user,
                           .verb = STR("impersonate"),
                           .group = w->group,
                           .resource = str_c(w->resource),
                           .sub = w->field,
                           .ns = w->ns,
                           .name = w->name,
                           .path = str_empty};
    if (api_user_allowed(r, &q, NULL))
        return true;
    (void)api_user_allowed(r, &q, &why);
    return auth_deny(r, &q,
                     why.n > 0 ? arena_printf(&r->a, ": " STR_FMT, STR_ARG(why)) : str_empty);
}

/* ---- the other user ---- */

static void add_extra(struct arena *a, struct api_user *u, struct str key, struct str value,
                      size_t max)
{
    struct api_extra *e = u->extra;
    while (e < u->extra + u->extra_n && !str_eq(e->key, key))
        e++;
    if (e == u->extra + u->extra_n) {
        *e = (struct api_extra){.key = key, .values = ARENA_NEW_ARRAY(a, struct str, max)};
        u->extra_n++;
    }
    e->values[e->n++] = value;
}

static bool has_group(const struct api_user *u, const char *group)
{
    for (size_t i = 0; i < u->groups_n; i++)
        if (str_eq_c(u->groups[i], group))
            return true;
    return false;
}

static void close_groups(struct api_user *u)
{
    bool anonymous = str_eq_c(u->name, "system:anonymous");
    if (has_group(u, "system:unauthenticated") ||
        (!anonymous && has_group(u, "system:authenticated")))
        return;
    u->groups[u->groups_n++] =
        anonymous ? STR("system:unauthenticated") : STR("system:authenticated");
}

static void become(struct api_request *r, const struct wishes *w)
{
    struct api_user u = {.name = str_empty, .uid = str_empty};
    struct str *groups = ARENA_NEW_ARRAY(&r->a, struct str, w->n + 4);
    u.extra = ARENA_NEW_ARRAY(&r->a, struct api_extra, w->n + 1);
    for (size_t i = 0; i < w->n; i++) {
        const struct wish *v = &w->list[i];
        struct str resource = str_c(v->resource);
        if (str_eq_c(resource, "groups"))
            groups[u.groups_n++] = v->name;
        else if (str_eq_c(resource, "userextras"))
            add_extra(&r->a, &u, v->field, v->name, w->n);
        else if (str_eq_c(resource, "uids"))
            u.uid = v->name;
        else if (str_eq_c(resource, "users"))
            u.name = v->name;
        else
            u.name = arena_printf(&r->a, "system:serviceaccount:" STR_FMT ":" STR_FMT,
                                  STR_ARG(v->ns), STR_ARG(v->name));
    }
    const struct wish *first = &w->list[0];
    if (u.groups_n == 0 && first->ns.n > 0) { /* an account's groups are known */
        groups[u.groups_n++] = STR("system:serviceaccounts");
        groups[u.groups_n++] =
            arena_printf(&r->a, "system:serviceaccounts:" STR_FMT, STR_ARG(first->ns));
    }
    u.groups = groups;
    close_groups(&u);
    r->user = u;
}

static size_t count_headers(const struct http_headers *h)
{
    static const struct str prefix = STR_INIT("Impersonate-");
    struct str name, value;
    size_t n = 0;
    for (size_t i = 0; http_headers_at(h, i, &name, &value); i++)
        n += str_eq_nocase(str_sub(name, 0, prefix.n), prefix);
    return n;
}

bool auth_impersonate(struct api_request *r)
{
    struct wishes w = {0};
    size_t n = r->headers ? count_headers(r->headers) : 0;
    if (n == 0)
        return true;
    w.list = ARENA_NEW_ARRAY(&r->a, struct wish, n);
    read_headers(r, &w);
    if (w.n == 0)
        return true;
    if (!w.user)
        return nobody_named(r, &w);
    for (size_t i = 0; i < w.n; i++)
        if (!may_be(r, &w.list[i]))
            return false;
    become(r, &w);
    return true;
}
