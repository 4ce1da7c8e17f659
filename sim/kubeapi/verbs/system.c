/* Writes of the system itself: no authentication, no validation. */
#include "sim/kubeapi/verbs/system.h"
#include "engine/kube/status.h"
#include "sim/kubeapi/core/webhook_call.h"
#include "sim/kubeapi/crd/find.h"
#include "sim/kubeapi/objects/decode.h"
#include "sim/kubeapi/types/json_patch.h"
#include "sim/kubeapi/verbs/write.h"
#include "sim/kubeapi/verbs/writing.h"

#include <string.h>

void api_system_begin(struct kubeapi *api, struct api_request *r, const struct api_kind *k,
                      enum api_verb verb)
{
    memset(r, 0, sizeof(*r));
    r->api = api;
    r->system = true;
    r->kind = k;
    r->verb = verb;
    r->table = api_kind_table(api, k);
    r->p.name = r->p.ns = r->p.sub = r->ns = r->query = r->body = r->method = str_empty;
}

void api_system_drop(struct api_request *r)
{
    webhook_calls_free(r);
    api_request_clear(r);
}

struct err *api_system_end(struct api_request *r)
{
    struct err *err =
        r->answered && r->status >= 400 ? kube_status_to_err(r->status, buf_str(&r->out)) : NULL;
    api_system_drop(r);
    return err;
}

struct err *kubeapi_apply(struct kubeapi *api, struct str json, struct kube_object **out)
{
    struct arena a = {0};
    struct api_request r;
    struct kube_object *o = NULL;
    cJSON *tree;
    struct err *err = json_parse(&a, json, &tree);
    const struct api_kind *k = NULL;
    if (!err) {
        k = api_kind_of(api, json_string_at(tree, "apiVersion"), json_string_at(tree, "kind"));
        cJSON *metadata = json_get(tree, "metadata");
        if (!k || !metadata || metadata->type != cJSON_Object)
            err = err_new(ERR_INVALID,
                          "kubeapi_apply: needs a known apiVersion and kind, and metadata");
    }
    if (err) {
        arena_free(&a);
        return err;
    }
    api_system_begin(api, &r, k, VERB_UPDATE);
    r.ns = k->flags & KIND_NAMESPACED ? json_string_at(tree, "metadata.namespace") : str_empty;
    if (api_decode_check(&r, k, tree)) {
        struct kube_object *old = store_get(r.table, r.ns, json_string_at(tree, "metadata.name"));
        if (old)
            (void)api_write_update(&r, k, old, tree, WRITE_ALL, &o);
        else
            (void)api_write_create(&r, k, r.ns, tree, &o);
    }
    err = api_system_end(&r);
    arena_free(&a);
    if (!err && out)
        *out = o;
    return err;
}

/* A request about an object that is there. */
static struct err *begin_at(struct kubeapi *api, struct api_request *r, struct str resource_group,
                            struct str ns, struct str name, enum api_verb verb,
                            struct kube_object **o)
{
    const struct api_kind *k = api_kind_of_table(api, resource_group);
    *o = k ? kubeapi_get(api, resource_group, ns, name) : NULL;
    if (!*o)
        return err_new(ERR_NOT_FOUND, STR_FMT " \"" STR_FMT "\" not found", STR_ARG(resource_group),
                       STR_ARG(name));
    api_system_begin(api, r, k, verb);
    r->ns = ns;
    return NULL;
}

struct err *kubeapi_patch(struct kubeapi *api, struct str resource_group, struct str ns,
                          struct str name, struct str merge_patch)
{
    struct api_request r;
    struct kube_object *old, *o;
    cJSON *patch;
    struct err *err = begin_at(api, &r, resource_group, ns, name, VERB_PATCH, &old);
    if (err)
        return err;
    err = json_parse(&r.a, merge_patch, &patch);
    if (!err && patch->type != cJSON_Object)
        err = err_new(ERR_INVALID, "kubeapi_patch: a merge patch is an object");
    if (!err) {
        cJSON *tree = kube_object_tree(old, &r.a);
        json_patch_merge(&r.a, tree, patch);
        if (api_decode_check(&r, api_kind_of(api, old->api_version, old->kind), tree))
            (void)api_write_update(&r, r.kind, old, tree, WRITE_ALL, &o);
    }
    struct err *answered = api_system_end(&r);
    if (!err)
        return answered;
    err_free(answered);
    return err;
}

struct err *kubeapi_set_string(struct kubeapi *api, struct store_table *t, struct str ns,
                               struct str name, const char *dotted, struct str value)
{
    const struct api_kind *k = api_kind_of_table(api, store_table_name(t));
    struct kube_object *old = store_get(t, ns, name);
    BUG_ON(k && k->flags & KIND_GENERATION, "a change of this kind's spec has to be counted");
    if (old && str_eq(kube_object_string(old, dotted), value))
        return NULL;
    struct kube_object *fresh =
        old ? kube_object_with_string(old, dotted, value, store_revision(api->store) + 1) : NULL;
    if (!fresh)
        return err_new(ERR_NOT_FOUND, STR_FMT " \"" STR_FMT "\" has no %s",
                       STR_ARG(store_table_name(t)), STR_ARG(name), dotted);
    store_put(t, fresh);
    return NULL;
}

static struct err *remove_object(struct kubeapi *api, struct str resource_group, struct str ns,
                                 struct str name, int64_t grace_s)
{
    struct delete_options background = {STR("Background"), str_empty, str_empty, grace_s, true};
    struct api_request r;
    struct kube_object *o, *out;
    bool gone;
    struct err *err = begin_at(api, &r, resource_group, ns, name, VERB_DELETE, &o);
    if (err)
        return err;
    (void)api_write_delete(&r, r.kind, o, &background, &gone, &out);
    return api_system_end(&r);
}

/* Where no kubelet is, nobody would ever say that a pod has ended. */
struct err *kubeapi_delete(struct kubeapi *api, struct str resource_group, struct str ns,
                           struct str name)
{
    return remove_object(api, resource_group, ns, name, api->workloads ? -1 : 0);
}

struct err *kubeapi_delete_now(struct kubeapi *api, struct str resource_group, struct str ns,
                               struct str name)
{
    return remove_object(api, resource_group, ns, name, 0);
}
