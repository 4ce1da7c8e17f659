/* Whose object a tree is: what the URL says, and owners that are named twice. */
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/objects/decode.h"

#define OWNERS_MERGED_MAX 1000 /* each is compared with each */

/* Owners that are named twice, word for word, are named once; a warning says so. */
void api_merge_owners(struct api_request *r, cJSON *tree)
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
    api_merge_owners(r, tree);
    return true;
}

bool api_patch_decode(struct api_request *r, cJSON *tree)
{
    return api_decode_check(r, r->kind, tree) && api_check_url(r, tree);
}
