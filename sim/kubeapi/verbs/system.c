/* Calls without HTTP: by the system itself (no authentication, no validation), and whole requests for tests. */
#include "sim/kubeapi/core/api_internal.h"
#include "sim/kubeapi/types/json_patch.h"

#include <string.h>

struct api_request *api_request_new(struct kubeapi *api)
{
    struct api_request *r = MEM_NEW(struct api_request);
    r->api = api;
    list_init(&r->link);
    r->method = r->path = r->query = r->content_type = r->accept = r->authorization =
        r->user_agent = r->body = r->ns = str_empty;
    return r;
}

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

struct err *api_system_end(struct api_request *r)
{
    struct err *err =
        r->answered && r->status >= 400 ? kube_status_to_err(r->status, buf_str(&r->out)) : NULL;
    api_request_free(r);
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

struct err *kubeapi_patch(struct kubeapi *api, struct str resource_group, struct str ns,
                          struct str name, struct str merge_patch)
{
    struct api_request r;
    struct kube_object *o;
    cJSON *patch;
    const struct api_kind *k = api_kind_of_table(api, resource_group);
    struct kube_object *old = k ? kubeapi_get(api, resource_group, ns, name) : NULL;
    if (!old)
        return err_new(ERR_NOT_FOUND, STR_FMT " \"" STR_FMT "\" not found", STR_ARG(resource_group),
                       STR_ARG(name));
    api_system_begin(api, &r, k, VERB_PATCH);
    r.ns = ns;
    struct err *err = json_parse(&r.a, merge_patch, &patch);
    if (!err && patch->type != cJSON_Object)
        err = err_new(ERR_INVALID, "kubeapi_patch: a merge patch is an object");
    if (!err) {
        cJSON *tree = kube_object_tree(old, &r.a);
        json_patch_merge(&r.a, tree, patch);
        if (api_decode_check(&r, api_kind_of(api, old->api_version, old->kind), tree))
            (void)api_write_update(&r, k, old, tree, WRITE_ALL, &o);
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
    struct kube_object *out;
    bool gone;
    const struct api_kind *k = api_kind_of_table(api, resource_group);
    struct kube_object *o = k ? kubeapi_get(api, resource_group, ns, name) : NULL;
    if (!o)
        return err_new(ERR_NOT_FOUND, STR_FMT " \"" STR_FMT "\" not found", STR_ARG(resource_group),
                       STR_ARG(name));
    api_system_begin(api, &r, k, VERB_DELETE);
    r.ns = ns;
    (void)api_write_delete(&r, k, o, &background, &gone, &out);
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

/* ---- whole requests ---- */

static void fill(struct api_request *r, const struct kubeapi_request *q)
{
    r->method = str_c(q->method);
    if (!str_cut(q->target, '?', &r->path, &r->query))
        r->query = str_empty;
    r->content_type = q->content_type.p ? q->content_type : str_empty;
    r->accept = q->accept.p ? q->accept : str_empty;
    r->authorization = q->authorization.p ? q->authorization : str_empty;
    r->user_agent = q->user_agent.p ? q->user_agent : str_empty;
    r->body = q->body.p ? q->body : str_empty;
    r->headers = q->headers;
    if (q->as.n == 0)
        return;
    r->user.name = q->as;
    r->user.uid = str_empty;
    r->user.groups = ARENA_NEW_ARRAY(&r->a, struct str, q->as_groups_n + 1);
    for (size_t i = 0; i < q->as_groups_n; i++)
        r->user.groups[i] = q->as_groups[i];
    r->user.groups[q->as_groups_n] = STR("system:authenticated");
    r->user.groups_n = q->as_groups_n + 1;
}

void kubeapi_call(struct kubeapi *api, const struct kubeapi_request *request,
                  struct kubeapi_answer *out)
{
    struct api_request *r = api_request_new(api);
    fill(r, request);
    if (api_request_begin(r))
        api_request_run(r);
    api_answer_finish(r);
    *out = (struct kubeapi_answer){.status = r->status, .content_type = str_c(r->out_type)};
    out->body = r->out;
    out->warnings = r->warnings;
    r->out = r->warnings = (struct buf){0};
    api_request_free(r);
    mem_free(r);
}

void kubeapi_answer_free(struct kubeapi_answer *answer)
{
    buf_free(&answer->body);
    buf_free(&answer->warnings);
}
