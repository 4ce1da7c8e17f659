/* Who asks (certificate, bearer token, impersonation), and may they: the question to RBAC with its texts. */
#include "sim/kubeapi/api_internal.h"

#include "engine/base/codec.h"
#include "engine/pki/x509.h"
#include <string.h>

#define CERTIFICATES_MAX 1024u /* peers whose identity is remembered */

/* ---- authentication ---- */

static void be_anonymous(struct api_request *r)
{
    r->user = (struct api_user){.name = STR("system:anonymous"), .uid = str_empty};
    r->user.groups = ARENA_NEW(&r->a, struct str);
    r->user.groups[0] = STR("system:unauthenticated");
    r->user.groups_n = 1;
}

/* The chain has been verified by the stream against the client CA. Reading it costs more than a request: remembered. */
static bool from_certificate(struct api_request *r)
{
    struct kubeapi *api = r->api;
    struct str pem = r->x ? world_stream_peer_pem(http_stream(r->x)) : str_empty;
    if (pem.n == 0)
        return false;
    struct api_user *u = map_get(&api->certificates, pem);
    struct pki_cert_info info;
    struct buf chain = {0};
    if (!u && map_count(&api->certificates) >= CERTIFICATES_MAX) {
        map_clear(&api->certificates);
        arena_free(&api->certificate_memory);
    }
    if (!u) {
        struct arena *a = &api->certificate_memory;
        struct err *err = pki_chain_from_pem(pem, &chain);
        if (!err)
            err = pki_cert_read(a, buf_str(&chain), &info);
        buf_free(&chain);
        if (err) {
            err_ignore(err);
            return false;
        }
        u = ARENA_NEW(a, struct api_user);
        u->name = info.common_name;
        u->uid = str_empty;
        u->groups = ARENA_NEW_ARRAY(a, struct str, info.organizations_n + 1);
        for (; u->groups_n < info.organizations_n; u->groups_n++)
            u->groups[u->groups_n] = info.organizations[u->groups_n];
        u->groups[u->groups_n++] = STR("system:authenticated");
        map_put(&api->certificates, pem, u);
    }
    r->user = *u;
    return u->name.n > 0;
}

static bool bearer_token(const struct api_request *r, struct str *token)
{
    struct str scheme, rest;
    if (!str_cut(r->authorization, ' ', &scheme, &rest) || !str_eq_nocase(scheme, STR("Bearer")))
        return false;
    *token = str_trim(rest);
    return token->n > 0;
}

static bool from_token(struct api_request *r, struct str token)
{
    const struct api_user *u = map_get(&r->api->static_tokens, token);
    if (u) {
        r->user = *u;
        return true;
    }
    return api_tokens_check(r->api, &r->a, token, &r->user);
}

bool api_authenticate(struct api_request *r)
{
    struct str token;
    if (r->user.name.n > 0 || from_certificate(r))
        return true;
    if (!bearer_token(r, &token)) {
        be_anonymous(r);
        return true;
    }
    if (from_token(r, token))
        return true;
    return api_fail_plain(r, 401, "Unauthorized", "Unauthorized");
}

/* ---- authorization ---- */

static bool is_master(const struct api_user *u)
{
    for (size_t i = 0; i < u->groups_n; i++)
        if (str_eq_c(u->groups[i], "system:masters"))
            return true;
    return false;
}

bool api_user_allowed(struct api_request *r, const struct rbac_query *q, struct str *why)
{
    if (why)
        *why = str_empty;
    return r->api->allow_all || is_master(q->user) || rbac_allows(r->api->rbac, q, &r->a, why);
}

static bool deny_path(struct api_request *r, struct str verb)
{
    struct kube_status s = {
        .code = 403,
        .reason = STR("Forbidden"),
        .message = arena_printf(
            &r->a, "forbidden: User \"" STR_FMT "\" cannot " STR_FMT " path \"" STR_FMT "\"",
            STR_ARG(r->user.name), STR_ARG(verb), STR_ARG(r->path)),
        .has_details = true};
    s.name = s.group = s.kind = s.uid = s.continue_ = str_empty;
    api_reply_status(r, &s);
    return false;
}

static bool deny(struct api_request *r, const struct rbac_query *q)
{
    struct api_kind unknown = {.group = q->group, .version = str_empty, .resource = q->resource};
    const struct api_kind *was = r->kind;
    struct str what = q->resource, where = STR("at the cluster scope");
    if (!r->kind)
        r->kind = &unknown;
    if (q->sub.n > 0)
        what = arena_printf(&r->a, STR_FMT "/" STR_FMT, STR_ARG(what), STR_ARG(q->sub));
    if (q->ns.n > 0)
        where = arena_printf(&r->a, "in the namespace \"" STR_FMT "\"", STR_ARG(q->ns));
    bool ok = api_fail_forbidden(r, q->name,
                                 "User \"" STR_FMT "\" cannot " STR_FMT " resource \"" STR_FMT
                                 "\" in API group \"" STR_FMT "\" " STR_FMT,
                                 STR_ARG(r->user.name), STR_ARG(q->verb), STR_ARG(what),
                                 STR_ARG(q->group), STR_ARG(where));
    r->kind = was;
    return ok;
}

static struct str lower(struct arena *a, struct str s)
{
    char *out = arena_c(a, s);
    for (char *p = out; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p + ('a' - 'A'));
    return (struct str){out, s.n};
}

/* A list or watch of one name is authorized as that name. */
static struct str selected_name(struct api_request *r)
{
    struct selector sel = {.name = str_empty};
    struct str text;
    if (r->p.name.n > 0 || (r->verb != VERB_LIST && r->verb != VERB_WATCH) ||
        !api_request_param(r, "fieldSelector", &text))
        return r->p.name;
    struct err *err = selector_parse_fields(&r->a, text, &sel);
    bool ok = !err;
    err_free(err);
    return ok && sel.name.p ? sel.name : str_empty;
}

/* ---- impersonation ---- */

static bool may_impersonate(struct api_request *r, const char *resource, const char *group,
                            struct str ns, struct str name)
{
    struct rbac_query q = {.user = &r->user,
                           .verb = STR("impersonate"),
                           .group = str_c(group),
                           .resource = str_c(resource),
                           .sub = str_empty,
                           .ns = ns,
                           .name = name,
                           .path = str_empty};
    struct str head, sub;
    struct api_kind kind = {.group = q.group, .resource = q.resource, .version = str_empty};
    if (str_cut(q.resource, '/', &head, &sub)) {
        q.resource = head;
        q.sub = sub;
    }
    if (api_user_allowed(r, &q, NULL))
        return true;
    const struct api_kind *was = r->kind;
    r->kind = &kind;
    bool ok = deny(r, &q);
    r->kind = was;
    return ok;
}

static bool collect_groups(struct api_request *r, struct api_user *u)
{
    size_t max = http_headers_count(r->headers, "Impersonate-Group");
    struct str name, value;
    u->groups = ARENA_NEW_ARRAY(&r->a, struct str, max + 4);
    for (size_t i = 0; http_headers_at(r->headers, i, &name, &value); i++) {
        if (!str_eq_nocase(name, STR("Impersonate-Group")))
            continue;
        if (!may_impersonate(r, "groups", "", str_empty, value))
            return false;
        if (u->groups_n < KUBEAPI_GROUPS_MAX)
            u->groups[u->groups_n++] = arena_str(&r->a, value);
    }
    return true;
}

static bool collect_extra(struct api_request *r, struct api_user *u)
{
    static const struct str prefix = STR_INIT("Impersonate-Extra-");
    struct str name, value;
    u->extra = ARENA_NEW_ARRAY(&r->a, struct api_extra, HTTP_HEADERS_MAX);
    for (size_t i = 0; http_headers_at(r->headers, i, &name, &value); i++) {
        if (!str_eq_nocase(str_sub(name, 0, prefix.n), prefix))
            continue;
        struct buf plain = {.max = 1024};
        struct str key = lower(&r->a, str_sub(name, prefix.n, name.n));
        if (percent_decode(&plain, key, false))
            key = arena_str(&r->a, buf_str(&plain));
        buf_free(&plain);
        char *resource = arena_c(&r->a, arena_printf(&r->a, "userextras/" STR_FMT, STR_ARG(key)));
        if (!may_impersonate(r, resource, "authentication.k8s.io", str_empty, value))
            return false;
        struct api_extra *e = &u->extra[u->extra_n++];
        e->key = key;
        e->values = ARENA_NEW(&r->a, struct str);
        e->values[0] = arena_str(&r->a, value);
        e->n = 1;
    }
    return true;
}

static void default_groups(struct api_request *r, struct api_user *u)
{
    struct str rest, ns, name;
    bool masked = false;
    if (u->groups_n == 0 && str_starts(u->name, STR("system:serviceaccount:"))) {
        rest = str_sub(u->name, sizeof("system:serviceaccount:") - 1, u->name.n);
        if (str_cut(rest, ':', &ns, &name)) {
            struct str uid = u->uid;
            api_tokens_user(&r->a, ns, name, uid, u);
            return;
        }
    }
    for (size_t i = 0; i < u->groups_n; i++)
        masked = masked || str_eq_c(u->groups[i], "system:authenticated") ||
                 str_eq_c(u->groups[i], "system:unauthenticated");
    if (!masked)
        u->groups[u->groups_n++] = str_eq_c(u->name, "system:anonymous")
                                       ? STR("system:unauthenticated")
                                       : STR("system:authenticated");
}

static bool impersonate(struct api_request *r)
{
    if (!r->headers)
        return true;
    struct str user = http_headers_get(r->headers, "Impersonate-User"), ns, name, rest;
    struct str uid = http_headers_get(r->headers, "Impersonate-Uid");
    struct api_user u = {.name = arena_str(&r->a, user), .uid = arena_str(&r->a, uid)};
    if (user.n == 0 && uid.n == 0 && !http_headers_has(r->headers, "Impersonate-Group"))
        return true;
    if (user.n == 0)
        return api_fail_plain(r, 500, "InternalError",
                              "Internal error occurred: requested a group, UID or extra without "
                              "impersonating a user");
    rest = str_sub(user, sizeof("system:serviceaccount:") - 1, user.n);
    bool account =
        str_starts(user, STR("system:serviceaccount:")) && str_cut(rest, ':', &ns, &name);
    if (account ? !may_impersonate(r, "serviceaccounts", "", ns, name)
                : !may_impersonate(r, "users", "", str_empty, user))
        return false;
    if (uid.n > 0 && !may_impersonate(r, "uids", "authentication.k8s.io", str_empty, uid))
        return false;
    if (!collect_groups(r, &u) || !collect_extra(r, &u))
        return false;
    default_groups(r, &u);
    r->user = u;
    return true;
}

bool api_authorize(struct api_request *r)
{
    if (r->system)
        return true;
    if (!impersonate(r))
        return false;
    struct rbac_query q = {.user = &r->user,
                           .group = r->p.gvr.group,
                           .resource = r->p.gvr.resource,
                           .sub = r->p.sub,
                           .ns = r->p.ns,
                           .path = str_empty};
    if (!r->p.is_resource) {
        q.path = r->path;
        q.verb = lower(&r->a, r->method);
        return api_user_allowed(r, &q, NULL) || deny_path(r, q.verb);
    }
    q.name = selected_name(r);
    q.verb = r->verb == VERB_NONE ? lower(&r->a, r->method) : api_verb_name(r->verb);
    return api_user_allowed(r, &q, NULL) || deny(r, &q);
}
