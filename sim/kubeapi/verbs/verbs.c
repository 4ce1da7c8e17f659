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
    api_merge_owners(r, tree);
    if (r->p.name.n == 0) /* for messages */
        r->p.name = json_string_at(tree, "metadata.name");
    if (namespaced && !api_write_namespace_open(r, r->ns))
        return;
    if (!rbac_may_grant(r, tree))
        return;
    if (api_write_create(r, r->kind, r->ns, tree, &out))
        api_reply_object(r, 201, out);
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
