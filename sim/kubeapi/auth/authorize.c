/* May they: the question to RBAC, and its texts. */
#include "sim/kubeapi/auth/auth.h"
#include "sim/kubeapi/auth/nodes.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/core/selector.h"

static bool is_master(const struct api_user *u)
{
    for (size_t i = 0; i < u->groups_n; i++)
        if (str_eq_c(u->groups[i], "system:masters"))
            return true;
    return false;
}

bool api_user_allowed(struct api_request *r, const struct rbac_query *q, struct str *why)
{
    struct str node, no = str_empty, also = str_empty;
    if (why)
        *why = str_empty;
    if (r->api->allow_all || is_master(q->user))
        return true;
    if (!nodes_user(q->user, &node))
        return rbac_allows(r->api->rbac, q, &r->a, why);
    bool allowed = nodes_allow(r, q, node, &no) || rbac_allows(r->api->rbac, q, &r->a, &also);
    if (why)
        *why = allowed || no.n == 0 ? also : no;
    return allowed;
}

/* Why not: known to the authorizer when a role is missing. */
static struct str reason_of(struct api_request *r, const struct rbac_query *q)
{
    struct str why;
    (void)api_user_allowed(r, q, &why);
    return why.n > 0 ? arena_printf(&r->a, ": " STR_FMT, STR_ARG(why)) : str_empty;
}

static bool deny_path(struct api_request *r, const struct rbac_query *q)
{
    struct kube_status s = {
        .code = 403,
        .reason = STR("Forbidden"),
        .message = arena_printf(
            &r->a,
            "forbidden: User \"" STR_FMT "\" cannot " STR_FMT " path \"" STR_FMT "\"" STR_FMT,
            STR_ARG(r->user.name), STR_ARG(q->verb), STR_ARG(r->path), STR_ARG(reason_of(r, q))),
        .has_details = true};
    s.name = s.group = s.kind = s.uid = s.continue_ = str_empty;
    api_reply_status(r, &s);
    return false;
}

bool auth_deny(struct api_request *r, const struct rbac_query *q, struct str reason)
{
    struct api_kind named = {.group = q->group, .version = str_empty, .resource = q->resource};
    const struct api_kind *was = r->kind;
    struct str what = q->resource, where = STR("at the cluster scope");
    r->kind = &named;
    if (q->sub.n > 0)
        what = arena_printf(&r->a, STR_FMT "/" STR_FMT, STR_ARG(what), STR_ARG(q->sub));
    if (q->ns.n > 0)
        where = arena_printf(&r->a, "in the namespace \"" STR_FMT "\"", STR_ARG(q->ns));
    bool ok = api_fail_forbidden(r, q->name,
                                 "User \"" STR_FMT "\" cannot " STR_FMT " resource \"" STR_FMT
                                 "\" in API group \"" STR_FMT "\" " STR_FMT STR_FMT,
                                 STR_ARG(q->user->name), STR_ARG(q->verb), STR_ARG(what),
                                 STR_ARG(q->group), STR_ARG(where), STR_ARG(reason));
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

/* A list or watch of one name is authorized as that name; one of a node's pods is known as such. */
static void add_selected(struct api_request *r, struct rbac_query *q)
{
    struct selector sel = {.name = str_empty};
    struct str text;
    bool many = r->verb == VERB_LIST || r->verb == VERB_WATCH || r->verb == VERB_DELETECOLLECTION;
    q->name = r->p.name;
    if (r->p.name.n > 0 || !many || !api_request_param(r, "fieldSelector", &text))
        return;
    struct err *err = selector_parse_fields(&r->a, text, &sel);
    bool ok = !err;
    err_free(err);
    q->name = ok && sel.name.p ? sel.name : str_empty;
    for (size_t i = 0; ok && i < sel.fields_n; i++)
        if (sel.fields[i].op == SEL_EQ && str_eq_c(sel.fields[i].key, "spec.nodeName"))
            q->node_selected = sel.fields[i].values[0];
}

/* Why is asked for only when somebody looks on. */
static bool allows(struct api_request *r, const struct rbac_query *q)
{
    struct str why = str_empty;
    bool ok = api_user_allowed(r, q, r->observed ? &why : NULL);
    api_observe_reason(r, why);
    return ok;
}

bool api_authorize(struct api_request *r)
{
    if (r->system)
        return true;
    if (!auth_impersonate(r))
        return false;
    struct rbac_query q = {.user = &r->user,
                           .group = r->p.gvr.group,
                           .resource = r->p.gvr.resource,
                           .sub = r->p.sub,
                           .ns = r->p.ns,
                           .path = str_empty,
                           .node_selected = str_empty};
    if (!r->p.is_resource) {
        q.non_resource = true;
        q.path = r->path;
        q.verb = lower(&r->a, r->method);
        return allows(r, &q) || deny_path(r, &q);
    }
    add_selected(r, &q);
    q.verb = r->verb == VERB_NONE ? lower(&r->a, r->method) : api_verb_name(r->verb);
    return allows(r, &q) || auth_deny(r, &q, reason_of(r, &q));
}
