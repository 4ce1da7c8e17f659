/* The question to RBAC, and the texts of a refusal. */
#include "sim/kubeapi/auth/auth.h"
#include "sim/kubeapi/auth/nodes.h"
#include "sim/kubeapi/core/reply.h"

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

struct str auth_reason(struct api_request *r, const struct rbac_query *q)
{
    struct str why;
    (void)api_user_allowed(r, q, &why);
    return why.n > 0 ? arena_printf(&r->a, ": " STR_FMT, STR_ARG(why)) : str_empty;
}

bool auth_deny_path(struct api_request *r, const struct rbac_query *q)
{
    return api_fail_undetailed(r, 403, "Forbidden",
                               arena_printf(&r->a,
                                            "forbidden: User \"" STR_FMT "\" cannot " STR_FMT
                                            " path \"" STR_FMT "\"" STR_FMT,
                                            STR_ARG(r->user.name), STR_ARG(q->verb),
                                            STR_ARG(r->path), STR_ARG(auth_reason(r, q))));
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
