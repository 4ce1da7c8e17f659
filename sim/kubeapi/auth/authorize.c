/* May they: what a request asks of the authorizer. */
#include "sim/kubeapi/auth/auth.h"
#include "sim/kubeapi/core/selector.h"

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
        return allows(r, &q) || auth_deny_path(r, &q);
    }
    add_selected(r, &q);
    q.verb = r->verb == VERB_NONE ? lower(&r->a, r->method) : api_verb_name(r->verb);
    return allows(r, &q) || auth_deny(r, &q, auth_reason(r, &q));
}
