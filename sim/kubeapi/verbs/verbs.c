/* get, create, update, patch. */
#include "sim/kubeapi/verbs/verbs.h"
#include "sim/kubeapi/auth/grant.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/crd/crds.h"
#include "sim/kubeapi/objects/decode.h"
#include "sim/kubeapi/objects/managed.h"
#include "sim/kubeapi/print/print.h"
#include "sim/kubeapi/verbs/patch.h"
#include "sim/kubeapi/verbs/write.h"

#include <string.h>

#define OWNERS_MERGED_MAX 1000 /* each is compared with each */

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
    if (revision > store_revision(store_of(r->table))) {
        (void)api_fail_too_new(r, revision);
        return;
    }
    struct kube_object *o = store_get(r->table, r->ns, r->p.name);
    if (o)
        api_reply_object(r, 200, o);
    else
        (void)api_fail_not_found(r, r->kind, r->p.name);
}

/* Owners that are named twice, word for word, are named once; a warning says so. */
static void merge_owners(struct api_request *r, cJSON *tree)
{
    cJSON *metadata = json_get(tree, "metadata");
    const cJSON *owners = json_get(metadata, "ownerReferences");
    cJSON *left = NULL;
    struct buf uids = {0};
    int n = owners ? cJSON_GetArraySize(owners) : 0;
    if (r->system || n < 2 || n > OWNERS_MERGED_MAX)
        return;
    left = json_array(&r->a);
    for (const cJSON *o = owners->child; o; o = o->next) {
        bool twice = false;
        for (const cJSON *l = left->child; l && !twice; l = l->next)
            twice = json_equal(l, o);
        if (!twice)
            json_append(left, json_copy(&r->a, o));
        else
            buf_addf(&uids, "%s" STR_FMT, uids.n > 0 ? ", " : "",
                     STR_ARG(json_string_at(o, "uid")));
    }
    if (uids.n > 0) {
        json_set(&r->a, metadata, STR("ownerReferences"), left);
        api_warn(r,
                 ".metadata.ownerReferences contains duplicate entries; API server dedups owner "
                 "references in 1.20+, and may reject such requests as early as 1.24; please fix "
                 "your requests; duplicate UID(s) observed: " STR_FMT,
                 STR_ARG(buf_str(&uids)));
    }
    buf_free(&uids);
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
    merge_owners(r, tree);
    if (r->p.name.n == 0) /* for messages */
        r->p.name = json_string_at(tree, "metadata.name");
    if (namespaced && !api_write_namespace_open(r, r->ns))
        return;
    if (!rbac_may_grant(r, tree))
        return;
    if (api_write_create(r, r->kind, r->ns, tree, &out))
        api_reply_object(r, 201, out);
}

bool api_check_url(struct api_request *r, cJSON *tree)
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
    if (r->ns.n == 0)
        (void)json_unset(json_get(tree, "metadata"), STR("namespace"));
    else if (ns.n > 0 && !str_eq(ns, r->ns))
        return r->verb == VERB_PATCH
                   ? api_fail_bad(r,
                                  "the namespace of the object (" STR_FMT
                                  ") does not match the namespace on the request (" STR_FMT ")",
                                  STR_ARG(ns), STR_ARG(r->ns))
                   : api_fail_bad(r, "the namespace of the provided object does not match the "
                                     "namespace sent on the request");
    merge_owners(r, tree);
    return true;
}

void api_handle_update(struct api_request *r)
{
    cJSON *tree;
    struct kube_object *out;
    if (!api_write_decode(r, r->kind, &tree) || !api_check_url(r, tree))
        return;
    struct kube_object *old = store_get(r->table, r->ns, r->p.name);
    bool creates = !old && !r->sub && (r->kind->flags & KIND_PUT_CREATES);
    if (!old && !creates) {
        (void)api_fail_not_found(r, r->kind, r->p.name);
        return;
    }
    if (!rbac_may_grant(r, tree))
        return;
    if (creates) {
        (void)json_unset(json_get(tree, "metadata"), STR("resourceVersion"));
        bool open = !(r->kind->flags & KIND_NAMESPACED) || api_write_namespace_open(r, r->ns);
        if (open && api_write_create(r, r->kind, r->ns, tree, &out))
            api_reply_object(r, 201, out);
        return;
    }
    if (api_write_update(r, r->kind, old, tree, r->sub ? WRITE_STATUS : WRITE_MAIN, &out))
        api_reply_object(r, 200, out);
}
