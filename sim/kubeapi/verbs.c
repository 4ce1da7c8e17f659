/* get, create, update, patch. */
#include "sim/kubeapi/api_internal.h"
#include "sim/kubeapi/kinds/crds.h"

#include <string.h>

void api_handle_get(struct api_request *r)
{
    struct str given;
    uint64_t revision = 0;
    if (api_request_param(r, "resourceVersion", &given) && given.n > 0 &&
        !str_to_u64(given, &revision)) {
        (void)api_fail_plain(r, 500, "",
                             "resourceVersion: Invalid value: \"" STR_FMT
                             "\": strconv.ParseUint: parsing \"" STR_FMT "\": invalid syntax",
                             STR_ARG(given), STR_ARG(given));
        return;
    }
    if (revision > store_revision(r->api->store)) {
        (void)api_fail_too_new(r, revision);
        return;
    }
    struct kube_object *o = store_get(r->table, r->ns, r->p.name);
    if (o)
        api_reply_object(r, 200, o);
    else
        (void)api_fail_not_found(r, r->kind, r->p.name);
}

void api_handle_create(struct api_request *r)
{
    cJSON *tree;
    struct kube_object *out;
    bool namespaced = (r->kind->flags & KIND_NAMESPACED) != 0;
    if (!api_write_decode(r, r->kind, &tree))
        return;
    if (namespaced && r->ns.n == 0) {
        (void)api_fail_method(r);
        return;
    }
    if (r->p.name.n == 0) /* for messages */
        r->p.name = json_string_at(tree, "metadata.name");
    if (namespaced && !api_write_namespace_open(r, r->ns))
        return;
    if (!rbac_may_grant(r, tree))
        return;
    if (api_write_create(r, r->kind, r->ns, tree, &out))
        api_reply_object(r, 201, out);
}

static bool check_url(struct api_request *r, const cJSON *tree)
{
    struct str name = json_string_at(tree, "metadata.name");
    struct str ns = json_string_at(tree, "metadata.namespace");
    if (name.n == 0)
        return api_fail_bad(r,
                            "the name of the object (" STR_FMT
                            " based on URL) was undeterminable: name must be provided",
                            STR_ARG(r->p.name));
    if (!str_eq(name, r->p.name))
        return api_fail_bad(r,
                            "the name of the object (" STR_FMT
                            ") does not match the name on the URL (" STR_FMT ")",
                            STR_ARG(name), STR_ARG(r->p.name));
    if (ns.n > 0 && !str_eq(ns, r->ns))
        return api_fail_bad(r,
                            "the namespace of the object (" STR_FMT
                            ") does not match the namespace on the URL (" STR_FMT ")",
                            STR_ARG(ns), STR_ARG(r->ns));
    return true;
}

void api_handle_update(struct api_request *r)
{
    cJSON *tree;
    struct kube_object *out;
    if (!api_write_decode(r, r->kind, &tree) || !check_url(r, tree))
        return;
    struct kube_object *old = store_get(r->table, r->ns, r->p.name);
    bool creates = !old && !r->sub && (r->kind->flags & KIND_PUT_CREATES);
    if (!old && !creates) {
        (void)api_fail_not_found(r, r->kind, r->p.name);
        return;
    }
    if (creates) {
        (void)json_unset(json_get(tree, "metadata"), STR("resourceVersion"));
        if (api_write_namespace_open(r, r->ns) && api_write_create(r, r->kind, r->ns, tree, &out))
            api_reply_object(r, 201, out);
        return;
    }
    if (!rbac_may_grant(r, tree))
        return;
    if (api_write_update(r, r->kind, old, tree, r->sub ? WRITE_STATUS : WRITE_MAIN, &out))
        api_reply_object(r, 200, out);
}

/* ---- patch ---- */

enum patch_type { PATCH_JSON, PATCH_MERGE, PATCH_REFUSED };

static void unsupported(struct api_request *r)
{
    struct kube_status s = {.code = 415,
                            .reason = STR("UnsupportedMediaType"),
                            .message = STR("415: Unsupported Media Type"),
                            .has_details = true};
    s.name = s.group = s.kind = s.uid = s.continue_ = str_empty;
    api_reply_status(r, &s);
}

static enum patch_type patch_type(struct api_request *r)
{
    struct str type, tail;
    (void)str_cut(r->content_type, ';', &type, &tail);
    type = str_trim(type);
    if (str_eq_c(type, "application/json-patch+json"))
        return PATCH_JSON;
    if (str_eq_c(type, "application/merge-patch+json"))
        return PATCH_MERGE;
    if (str_eq_c(type, "application/strategic-merge-patch+json") ||
        str_eq_c(type, "application/apply-patch+yaml"))
        (void)api_fail_media(r, "application/json-patch+json, application/merge-patch+json");
    else
        unsupported(r);
    return PATCH_REFUSED;
}

static bool patch_parse(struct api_request *r, enum patch_type type, cJSON **patch)
{
    struct err *err = json_parse(&r->a, r->body, patch);
    if (err) {
        bool ok = api_fail_bad(r, "error decoding patch: %s", err->message);
        err_free(err);
        return ok;
    }
    if (type == PATCH_JSON && (*patch)->type != cJSON_Array)
        return api_fail_bad(r,
                            "error decoding patch: json: cannot unmarshal object into Go value of "
                            "type []handlers.jsonPatchOp");
    if (type == PATCH_MERGE && (*patch)->type != cJSON_Object)
        return api_fail_bad(
            r, "json: cannot unmarshal %s into Go value of type map[string]interface {}",
            (*patch)->type == cJSON_Array ? "array" : "string");
    return true;
}

static bool patch_apply(struct api_request *r, enum patch_type type, const cJSON *patch,
                        cJSON **tree)
{
    if (type == PATCH_MERGE) {
        api_patch_merge_apply(&r->a, *tree, patch);
    } else {
        struct err *err = api_patch_json_apply(&r->a, tree, patch);
        if (err && err->code == ERR_UNPROCESSABLE) {
            struct kube_status s = kube_status_of_err(err);
            s.has_details = true;
            api_reply_status(r, &s);
            err_free(err);
            return false;
        }
        if (err)
            return api_fail_err(r, err);
        if ((*tree)->type != cJSON_Object)
            return api_fail_bad(r, "the patched object is not an object");
    }
    return api_decode_check(r, r->kind, *tree) && check_url(r, *tree);
}

void api_handle_patch(struct api_request *r)
{
    cJSON *patch;
    struct kube_object *out;
    enum patch_type type = patch_type(r);
    if (type == PATCH_REFUSED)
        return;
    struct kube_object *old = store_get(r->table, r->ns, r->p.name);
    if (!old) {
        (void)api_fail_not_found(r, r->kind, r->p.name);
        return;
    }
    if (!patch_parse(r, type, &patch))
        return;
    cJSON *tree = crds_tree(r->kind, old, &r->a);
    if (!patch_apply(r, type, patch, &tree) || !rbac_may_grant(r, tree))
        return;
    if (api_write_update(r, r->kind, old, tree, r->sub ? WRITE_STATUS : WRITE_MAIN, &out))
        api_reply_object(r, 200, out);
}
