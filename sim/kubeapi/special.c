/* What is not plain storage: access reviews, token reviews, /finalize, binding and eviction of pods. */
#include "sim/kubeapi/api_internal.h"
#include "sim/kubeapi/kinds/crds.h"
#include "sim/kubeapi/managed.h"

static void reply_tree(struct api_request *r, int status, const cJSON *tree)
{
    struct buf b = {0};
    json_write(&b, tree);
    api_reply_json(r, status, buf_str(&b));
    buf_free(&b);
}

static bool review_decode(struct api_request *r, cJSON **tree)
{
    if (!api_write_decode(r, r->kind, tree))
        return false;
    (void)json_unset(*tree, STR("status"));
    return true;
}

static cJSON *status_of(struct api_request *r, cJSON *tree)
{
    cJSON *status = json_object(&r->a);
    json_set(&r->a, tree, STR("status"), status);
    return status;
}

/* ---- access ---- */

static struct rbac_query query_of(const cJSON *spec, const struct api_user *user)
{
    const cJSON *res = json_get(spec, "resourceAttributes");
    const cJSON *path = json_get(spec, "nonResourceAttributes");
    struct rbac_query q = {.user = user, .path = json_string_at(path, "path")};
    q.verb = json_string_at(res ? res : path, "verb");
    q.group = json_string_at(res, "group");
    q.resource = json_string_at(res, "resource");
    q.sub = json_string_at(res, "subresource");
    q.ns = json_string_at(res, "namespace");
    q.name = json_string_at(res, "name");
    return q;
}

static void user_from_spec(struct api_request *r, const cJSON *spec, struct api_user *u)
{
    const cJSON *groups = json_get(spec, "groups");
    size_t n = groups ? (size_t)cJSON_GetArraySize(groups) : 0;
    *u =
        (struct api_user){.name = json_string_at(spec, "user"), .uid = json_string_at(spec, "uid")};
    u->groups = ARENA_NEW_ARRAY(&r->a, struct str, n + 1);
    for (const cJSON *g = n > 0 ? groups->child : NULL; g; g = g->next)
        u->groups[u->groups_n++] = json_string(g);
}

static void review_access(struct api_request *r, bool self, bool local)
{
    cJSON *tree;
    struct api_user user = r->user;
    struct str why;
    if (!review_decode(r, &tree))
        return;
    const cJSON *spec = json_get(tree, "spec");
    bool resource = json_get(spec, "resourceAttributes") != NULL;
    bool path = json_get(spec, "nonResourceAttributes") != NULL;
    if (!self)
        user_from_spec(r, spec, &user);
    struct rbac_query q = query_of(spec, &user);
    if (resource == path)
        api_invalid(
            r, "FieldValueInvalid", STR("spec.resourceAttributes"),
            "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must "
            "be specified");
    else if (local && !str_eq(q.ns, r->p.ns))
        api_invalid(r, "FieldValueInvalid", STR("spec.resourceAttributes.namespace"),
                    "Invalid value: \"" STR_FMT "\": must match metadata.namespace", STR_ARG(q.ns));
    if (!api_invalid_end(r, r->kind, str_empty))
        return;
    managed_create(r, r->kind, tree);
    bool allowed = api_user_allowed(r, &q, &why);
    cJSON *status = status_of(r, tree);
    json_set_bool(&r->a, status, "allowed", allowed);
    if (why.n > 0)
        json_set_str(&r->a, status, "reason", why);
    reply_tree(r, 201, tree);
}

static void review_rules(struct api_request *r)
{
    cJSON *tree;
    if (!review_decode(r, &tree))
        return;
    struct str ns = json_string_at(tree, "spec.namespace");
    if (ns.n == 0) {
        (void)api_fail_bad(r, "no namespace on request");
        return;
    }
    cJSON *status = status_of(r, tree), *rules = json_array(&r->a), *urls = json_array(&r->a);
    rbac_rules_of(r->api->rbac, &r->user, ns, &r->a, rules, urls);
    json_set_bool(&r->a, status, "incomplete", false);
    json_set(&r->a, status, STR("resourceRules"), rules);
    json_set(&r->a, status, STR("nonResourceRules"), urls);
    reply_tree(r, 201, tree);
}

/* ---- identity ---- */

static cJSON *user_tree(struct api_request *r, const struct api_user *u)
{
    cJSON *tree = json_object(&r->a), *groups = json_array(&r->a);
    json_set_str(&r->a, tree, "username", u->name);
    if (u->uid.n > 0)
        json_set_str(&r->a, tree, "uid", u->uid);
    for (size_t i = 0; i < u->groups_n; i++)
        json_append(groups, json_str(&r->a, u->groups[i]));
    if (groups->child)
        json_set(&r->a, tree, STR("groups"), groups);
    cJSON *extra = json_object(&r->a);
    for (size_t i = 0; i < u->extra_n; i++) {
        cJSON *values = json_array(&r->a);
        for (size_t k = 0; k < u->extra[i].n; k++)
            json_append(values, json_str(&r->a, u->extra[i].values[k]));
        json_set(&r->a, extra, u->extra[i].key, values);
    }
    if (extra->child)
        json_set(&r->a, tree, STR("extra"), extra);
    return tree;
}

static void review_self(struct api_request *r)
{
    cJSON *tree;
    if (!review_decode(r, &tree))
        return;
    json_set_str(&r->a, json_get(tree, "metadata"), "creationTimestamp", api_now(r->api, &r->a));
    json_set(&r->a, status_of(r, tree), STR("userInfo"), user_tree(r, &r->user));
    reply_tree(r, 201, tree);
}

static void review_token(struct api_request *r)
{
    cJSON *tree;
    struct api_user u;
    if (!review_decode(r, &tree))
        return;
    struct str token = json_string_at(tree, "spec.token");
    const struct api_user *known = map_get(&r->api->static_tokens, token);
    if (known)
        u = *known;
    bool ok = known || api_tokens_check(r->api, &r->a, token, &u);
    cJSON *status = status_of(r, tree);
    if (ok) {
        json_set_bool(&r->a, status, "authenticated", true);
        json_set(&r->a, status, STR("user"), user_tree(r, &u));
    } else {
        json_set(&r->a, status, STR("user"), json_object(&r->a));
        json_set_str(&r->a, status, "error", STR("invalid bearer token"));
    }
    reply_tree(r, 201, tree);
}

/* ---- namespaces/finalize ---- */

static void finalize(struct api_request *r)
{
    cJSON *body;
    struct kube_object *old = store_get(r->table, r->ns, r->p.name), *out;
    if (!api_write_decode(r, r->kind, &body))
        return;
    if (!old) {
        (void)api_fail_not_found(r, r->kind, r->p.name);
        return;
    }
    cJSON *tree = kube_object_tree(old, &r->a), *list = json_path(body, "spec.finalizers");
    cJSON *spec = json_ensure(&r->a, tree, "spec");
    if (list && list->child)
        json_set(&r->a, spec, STR("finalizers"), json_copy(&r->a, list));
    else
        (void)json_unset(spec, STR("finalizers"));
    struct str revision = json_string_at(body, "metadata.resourceVersion");
    if (revision.n > 0)
        json_set_str(&r->a, json_get(tree, "metadata"), "resourceVersion", revision);
    r->finalize = true;
    if (api_write_update(r, r->kind, old, tree, WRITE_MAIN, &out))
        api_reply_object(r, 200, out);
}

/* ---- pods ---- */

static struct kube_object *pod_of(struct api_request *r)
{
    struct kube_object *o = store_get(r->table, r->ns, r->p.name);
    if (!o)
        (void)api_fail_not_found(r, r->kind, r->p.name);
    return o;
}

static void reply_done(struct api_request *r)
{
    struct kube_status s = {.success = true, .code = 201};
    s.message = s.reason = s.name = s.group = s.kind = s.uid = s.continue_ = str_empty;
    api_reply_status(r, &s);
}

static void bind(struct api_request *r)
{
    cJSON *body;
    struct kube_object *o = pod_of(r), *out;
    if (!o || !api_write_decode(r, r->sub, &body))
        return;
    struct str node = kube_object_string(o, "spec.nodeName");
    if (node.n > 0) {
        (void)api_fail_conflict(r, r->p.name,
                                "pod " STR_FMT " is already assigned to node \"" STR_FMT "\"",
                                STR_ARG(r->p.name), STR_ARG(node));
        return;
    }
    cJSON *tree = kube_object_tree(o, &r->a), *spec = json_ensure(&r->a, tree, "spec");
    json_set_str(&r->a, spec, "nodeName", json_string_at(body, "target.name"));
    if (api_write_update(r, r->kind, o, tree, WRITE_MAIN, &out))
        reply_done(r);
}

static void evict(struct api_request *r)
{
    struct delete_options options = {str_empty, str_empty, str_empty, -1};
    struct kube_object *o = pod_of(r), *out;
    bool gone;
    if (o && api_write_delete(r, r->kind, o, &options, &gone, &out))
        reply_done(r);
}

/* ---- the choice ---- */

static bool is_review(struct api_request *r)
{
    struct str name = r->kind->resource;
    if (str_eq_c(name, "selfsubjectaccessreviews"))
        review_access(r, true, false);
    else if (str_eq_c(name, "subjectaccessreviews"))
        review_access(r, false, false);
    else if (str_eq_c(name, "localsubjectaccessreviews"))
        review_access(r, false, true);
    else if (str_eq_c(name, "selfsubjectrulesreviews"))
        review_rules(r);
    else if (str_eq_c(name, "selfsubjectreviews"))
        review_self(r);
    else if (str_eq_c(name, "tokenreviews"))
        review_token(r);
    else
        return false;
    return true;
}

bool api_handle_special(struct api_request *r)
{
    if ((r->kind->flags & KIND_VIRTUAL) && is_review(r))
        return true;
    if (crds_handle_scale(r))
        return true;
    struct str sub = r->sub ? r->sub->resource : str_empty;
    if (str_eq_c(sub, "namespaces/finalize"))
        finalize(r);
    else if (str_eq_c(sub, "pods/binding"))
        bind(r);
    else if (str_eq_c(sub, "pods/eviction"))
        evict(r);
    else if (crds_terminating(r->api->crds, r->kind) && r->verb == VERB_CREATE)
        (void)api_fail_forbidden(
            r, r->p.name, "create not allowed while custom resource definition is terminating");
    else
        return false;
    return true;
}
