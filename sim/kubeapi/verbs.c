/* get, create, update, patch. */
#include "sim/kubeapi/api_internal.h"

#include <string.h>

void handle_get(struct api_request *r)
{
    struct str given;
    uint64_t revision = 0;
    if (request_param(r, "resourceVersion", &given) && given.n > 0 &&
        !str_to_u64(given, &revision)) {
        (void)fail_plain(r, 500, "",
                         "resourceVersion: Invalid value: \"" STR_FMT
                         "\": strconv.ParseUint: parsing \"" STR_FMT "\": invalid syntax",
                         STR_ARG(given), STR_ARG(given));
        return;
    }
    if (revision > store_revision(r->api->store)) {
        (void)fail_too_new(r, revision);
        return;
    }
    struct kube_object *o = store_get(r->table, r->ns, r->p.name);
    if (o)
        reply_object(r, 200, o);
    else
        (void)fail_not_found(r, r->kind, r->p.name);
}

void handle_create(struct api_request *r)
{
    cJSON *tree;
    struct kube_object *out;
    bool namespaced = (r->kind->flags & KIND_NAMESPACED) != 0;
    if (!write_decode(r, r->kind, &tree))
        return;
    if (namespaced && r->ns.n == 0) {
        (void)fail_method(r);
        return;
    }
    if (r->p.name.n == 0) /* for messages */
        r->p.name = json_string_at(tree, "metadata.name");
    if (namespaced && !write_namespace_open(r, r->ns))
        return;
    if (!rbac_may_grant(r, tree))
        return;
    if (write_create(r, r->kind, r->ns, tree, &out))
        reply_object(r, 201, out);
}

static bool check_url(struct api_request *r, const cJSON *tree)
{
    struct str name = json_string_at(tree, "metadata.name");
    struct str ns = json_string_at(tree, "metadata.namespace");
    if (name.n == 0)
        return fail_bad(r,
                        "the name of the object (" STR_FMT
                        " based on URL) was undeterminable: name must be provided",
                        STR_ARG(r->p.name));
    if (!str_eq(name, r->p.name))
        return fail_bad(r,
                        "the name of the object (" STR_FMT
                        ") does not match the name on the URL (" STR_FMT ")",
                        STR_ARG(name), STR_ARG(r->p.name));
    if (ns.n > 0 && !str_eq(ns, r->ns))
        return fail_bad(r,
                        "the namespace of the object (" STR_FMT
                        ") does not match the namespace on the URL (" STR_FMT ")",
                        STR_ARG(ns), STR_ARG(r->ns));
    return true;
}

void handle_update(struct api_request *r)
{
    cJSON *tree;
    struct kube_object *out;
    if (!write_decode(r, r->kind, &tree) || !check_url(r, tree))
        return;
    struct kube_object *old = store_get(r->table, r->ns, r->p.name);
    bool creates = !old && !r->sub && (r->kind->flags & KIND_PUT_CREATES);
    if (!old && !creates) {
        (void)fail_not_found(r, r->kind, r->p.name);
        return;
    }
    if (creates) {
        (void)json_unset(json_get(tree, "metadata"), STR("resourceVersion"));
        if (write_namespace_open(r, r->ns) && write_create(r, r->kind, r->ns, tree, &out))
            reply_object(r, 201, out);
        return;
    }
    if (!rbac_may_grant(r, tree))
        return;
    if (write_update(r, r->kind, old, tree, r->sub ? WRITE_STATUS : WRITE_MAIN, &out))
        reply_object(r, 200, out);
}

/* ---- patch ---- */

enum patch_type { PATCH_JSON, PATCH_MERGE, PATCH_REFUSED };

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
        (void)fail_media(r, "application/json-patch+json, application/merge-patch+json");
    else
        (void)fail_plain(r, 415, "UnsupportedMediaType", "415: Unsupported Media Type");
    return PATCH_REFUSED;
}

static bool patch_parse(struct api_request *r, enum patch_type type, cJSON **patch)
{
    struct err *err = json_parse(&r->a, r->body, patch);
    if (err) {
        bool ok = fail_bad(r, "error decoding patch: %s", err->message);
        err_free(err);
        return ok;
    }
    if (type == PATCH_JSON && (*patch)->type != cJSON_Array)
        return fail_bad(r, "error decoding patch: json: cannot unmarshal object into Go value of "
                           "type []handlers.jsonPatchOp");
    if (type == PATCH_MERGE && (*patch)->type != cJSON_Object)
        return fail_bad(r,
                        "json: cannot unmarshal %s into Go value of type map[string]interface {}",
                        (*patch)->type == cJSON_Array ? "array" : "string");
    return true;
}

static bool patch_apply(struct api_request *r, enum patch_type type, const cJSON *patch,
                        cJSON **tree)
{
    if (type == PATCH_MERGE) {
        patch_merge_apply(&r->a, *tree, patch);
    } else {
        struct err *err = patch_json_apply(&r->a, tree, patch);
        if (err && err->code == ERR_UNPROCESSABLE) {
            struct kube_status s = kube_status_of_err(err);
            s.has_details = true;
            reply_status(r, &s);
            err_free(err);
            return false;
        }
        if (err)
            return fail_err(r, err);
        if ((*tree)->type != cJSON_Object)
            return fail_bad(r, "the patched object is not an object");
    }
    return decode_check(r, r->kind, *tree) && check_url(r, *tree);
}

void handle_patch(struct api_request *r)
{
    cJSON *patch;
    struct kube_object *out;
    enum patch_type type = patch_type(r);
    if (type == PATCH_REFUSED || !patch_parse(r, type, &patch))
        return;
    struct kube_object *old = store_get(r->table, r->ns, r->p.name);
    if (!old) {
        (void)fail_not_found(r, r->kind, r->p.name);
        return;
    }
    cJSON *tree = kube_object_tree(old, &r->a);
    if (!patch_apply(r, type, patch, &tree) || !rbac_may_grant(r, tree))
        return;
    if (write_update(r, r->kind, old, tree, r->sub ? WRITE_STATUS : WRITE_MAIN, &out))
        reply_object(r, 200, out);
}
