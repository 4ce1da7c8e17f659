/* serviceaccounts/token: a token for whoever may ask for one; and what others need to verify it. */
#include "sim/kubeapi/auth/tokens.h"

#include "engine/base/timefmt.h"
#include "sim/kubeapi/admission/admission.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/core/stamps.h"
#include "sim/kubeapi/crd/find.h"
#include "sim/kubeapi/objects/decode.h"
#include "sim/kubeapi/objects/managed.h"
#include "sim/kubeapi/subresources/subresources.h"

#define LIFETIME_MIN_S    600
#define LIFETIME_MAX_S    (INT64_C(1) << 32)
#define LIFETIME_POD_S    3607 /* what kubelets ask for: such tokens last longer, and warn */
#define LIFETIME_LONGER_S (INT64_C(365) * 24 * 3600)

static const struct api_kind token_kind = {.group = STR_INIT("authentication.k8s.io"),
                                           .version = STR_INIT("v1"),
                                           .resource = STR_INIT("serviceaccounts/token"),
                                           .kind = STR_INIT("TokenRequest"),
                                           .flags = KIND_NAMESPACED};

/* ---- what it is to be bound to ---- */

static struct kube_object *bound_object(struct api_request *r, struct str kind, struct str name)
{
    bool node = str_eq_c(kind, "Node");
    struct str resource = str_eq_c(kind, "Pod") ? STR("pods")
                          : node                ? STR("nodes")
                                                : STR("secrets");
    const struct api_kind *k = api_kind_find(r->api, str_empty, STR("v1"), resource);
    struct kube_object *o = kubeapi_get(r->api, resource, node ? str_empty : r->ns, name);
    if (!o)
        (void)api_fail_not_found(r, k, name);
    return o;
}

static struct token_ref ref_of(const struct kube_object *o)
{
    return (struct token_ref){o->name, o->uid};
}

static bool bind_pod(struct api_request *r, const struct kube_object *pod, struct token_claims *c)
{
    if (!str_eq(kube_object_string(pod, "spec.serviceAccountName"), c->account.name))
        return api_fail_bad(r,
                            "cannot bind token for serviceaccount \"" STR_FMT
                            "\" to pod running with different serviceaccount name.",
                            STR_ARG(c->account.name));
    struct str node = kube_object_string(pod, "spec.nodeName");
    const struct kube_object *o =
        node.n > 0 ? kubeapi_get(r->api, STR("nodes"), str_empty, node) : NULL;
    c->pod = ref_of(pod);
    c->node = (struct token_ref){node, o ? o->uid : str_empty};
    return true;
}

static bool bind(struct api_request *r, const cJSON *ref, struct token_claims *c)
{
    struct str kind = json_string_at(ref, "kind"), version = json_string_at(ref, "apiVersion");
    struct str name = json_string_at(ref, "name"), uid = json_string_at(ref, "uid");
    bool pod = str_eq_c(kind, "Pod"), secret = str_eq_c(kind, "Secret");
    if (!str_eq_c(version, "v1") || (!pod && !secret && !str_eq_c(kind, "Node")))
        return api_fail_bad(r, "cannot bind token to object of type " STR_FMT ", Kind=" STR_FMT,
                            STR_ARG(str_eq_c(version, "v1") ? STR("/v1") : version), STR_ARG(kind));
    struct kube_object *o = bound_object(r, kind, name);
    if (!o)
        return false;
    if (pod && !bind_pod(r, o, c))
        return false;
    if (secret)
        c->secret = ref_of(o);
    else if (!pod)
        c->node = ref_of(o);
    if (uid.n == 0 || str_eq(uid, o->uid))
        return true;
    struct api_kind named = {.resource = kind, .group = str_empty, .version = str_empty};
    const struct api_kind *was = r->kind;
    r->kind = &named;
    bool ok = api_fail_conflict(r, name,
                                "the UID in the bound object reference (" STR_FMT
                                ") does not match the UID in record. "
                                "The object might have been deleted and then recreated",
                                STR_ARG(uid));
    r->kind = was;
    return ok;
}

/* ---- the request ---- */

static bool check_body(struct api_request *r, const cJSON *tree)
{
    struct str name = json_string_at(tree, "metadata.name");
    struct str ns = json_string_at(tree, "metadata.namespace");
    if (name.n > 0 && !str_eq(name, r->p.name))
        return api_fail_bad(r,
                            "name in URL does not match name in TokenRequest object: \"" STR_FMT
                            "\" != \"" STR_FMT "\"",
                            STR_ARG(r->p.name), STR_ARG(name));
    if (ns.n > 0 && !str_eq(ns, r->ns))
        return api_fail_bad(r, "the namespace of the provided object does not match the namespace "
                               "sent on the request");
    return true;
}

static bool check_lifetime(struct api_request *r, int64_t lifetime_s)
{
    const char *bound = lifetime_s < LIFETIME_MIN_S   ? "less than 10 minutes"
                        : lifetime_s > LIFETIME_MAX_S ? "larger than 2^32 seconds"
                                                      : NULL;
    if (bound)
        api_invalid(r, "FieldValueInvalid", STR("spec.expirationSeconds"),
                    "Invalid value: %lld: may not specify a duration %s", (long long)lifetime_s,
                    bound);
    return api_invalid_end(r, &token_kind, str_empty);
}

static struct audiences read_audiences(struct api_request *r, cJSON *spec)
{
    const cJSON *list = json_get(spec, "audiences");
    struct str *items = ARENA_NEW_ARRAY(&r->a, struct str, TOKEN_AUDIENCES_MAX);
    struct audiences out = {items, 0};
    for (const cJSON *v = list ? list->child : NULL; v && out.n < TOKEN_AUDIENCES_MAX; v = v->next)
        items[out.n++] = json_string(v);
    if (out.n > 0)
        return out;
    cJSON *own = json_array(&r->a);
    for (size_t i = 0; i < token_api_audiences.n; i++)
        json_append(own, json_str(&r->a, token_api_audiences.items[i]));
    json_set(&r->a, spec, STR("audiences"), own);
    return token_api_audiences;
}

static bool for_us(struct audiences list)
{
    for (size_t i = 0; i < list.n; i++)
        if (!str_eq_c(list.items[i], TOKEN_ISSUER))
            return false;
    return true;
}

static void stamp(struct api_request *r, const struct kube_object *account, cJSON *tree)
{
    cJSON *metadata = json_ensure(&r->a, tree, "metadata");
    json_set_str(&r->a, metadata, "name", account->name);
    json_set_str(&r->a, metadata, "namespace", account->ns);
    json_set_str(&r->a, metadata, "uid", account->uid);
    json_set_str(&r->a, metadata, "creationTimestamp", api_now(r->api, &r->a));
}

static void answer(struct api_request *r, cJSON *tree, struct token_claims *c)
{
    cJSON *status = json_object(&r->a);
    struct buf b = {0};
    int64_t lifetime_s = c->lifetime_s;
    if (c->pod.name.n > 0 && lifetime_s == LIFETIME_POD_S && for_us(c->audiences)) {
        c->warn_after_s = lifetime_s;
        c->lifetime_s = LIFETIME_LONGER_S;
    }
    json_set_str(&r->a, status, "token", tokens_issue(r->api->tokens, &r->a, c));
    rfc3339_format(&b, (c->now_s + lifetime_s) * NS_PER_S);
    json_set_str(&r->a, status, "expirationTimestamp", buf_str(&b));
    json_set(&r->a, tree, STR("status"), status);
    buf_clear(&b);
    json_write(&b, tree);
    api_reply_json(r, 201, buf_str(&b));
    buf_free(&b);
}

void token_request(struct api_request *r)
{
    cJSON *tree;
    if (!api_write_decode(r, r->sub, &tree) || !check_body(r, tree))
        return;
    struct kube_object *account = store_get(r->table, r->ns, r->p.name);
    if (!account) {
        (void)api_fail_not_found(r, r->kind, r->p.name);
        return;
    }
    (void)json_unset(tree, STR("status"));
    api_decode_default(r, r->sub, tree);
    managed_create(r, &token_kind, tree);
    if (!admission_sub(r, ADMIT_CREATE, NULL, tree, NULL))
        return;
    stamp(r, account, tree);
    cJSON *spec = json_ensure(&r->a, tree, "spec");
    const cJSON *ref = json_get(spec, "boundObjectRef");
    struct token_claims c = {.ns = account->ns, .account = ref_of(account)};
    c.pod = c.secret = c.node = (struct token_ref){str_empty, str_empty};
    c.audiences = read_audiences(r, spec);
    c.now_s = world_wall(r->api->w) / NS_PER_S;
    c.lifetime_s = json_int_at(spec, "expirationSeconds", 3600);
    if (!check_lifetime(r, c.lifetime_s))
        return;
    if (!ref || ref->type != cJSON_Object)
        json_set(&r->a, spec, STR("boundObjectRef"), json_null(&r->a));
    else if (!bind(r, ref, &c))
        return;
    answer(r, tree, &c);
}

/* ---- discovery of the issuer ---- */
