/* The scale subresource of custom resources: a Scale of autoscaling/v1 made of three paths, and written back into one. */
#include "sim/kubeapi/admission/admission.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/crd/crds.h"
#include "sim/kubeapi/objects/decode.h"
#include "sim/kubeapi/subresources/scale.h"
#include "sim/kubeapi/subresources/subresources.h"
#include "sim/kubeapi/verbs/patch.h"
#include "sim/kubeapi/verbs/write.h"

static void no_replicas(struct api_request *r, const struct crd_scale *scale)
{
    struct str text = arena_printf(&r->a, "the spec replicas field \"" STR_FMT "\" does not exist",
                                   STR_ARG(scale->spec_text));
    struct kube_cause cause = {str_empty, text, str_empty};
    struct kube_status s =
        kube_status_new(500, STR("InternalError"),
                        arena_printf(&r->a, "Internal error occurred: " STR_FMT, STR_ARG(text)));
    s.causes = &cause;
    s.causes_n = 1;
    api_reply_status(r, &s);
}

static cJSON *scale_made(struct arena *a, const struct crd_scale *scale, const cJSON *tree)
{
    int64_t wanted = 0, seen = 0;
    (void)json_int(jsonpath_first(scale->spec, tree), &wanted);
    (void)json_int(jsonpath_first(scale->status, tree), &seen);
    const cJSON *selector = scale->selector ? jsonpath_first(scale->selector, tree) : NULL;
    return scale_new(a, tree, wanted, seen, json_string(selector));
}

/* Without a number in the parent there is nothing to show, but something to patch. NULL: answered. */
static cJSON *scale_of(struct api_request *r, const struct crd_scale *scale, const cJSON *tree)
{
    int64_t wanted;
    if (json_int(jsonpath_first(scale->spec, tree), &wanted) || r->verb == VERB_PATCH)
        return scale_made(&r->a, scale, tree);
    no_replicas(r, scale);
    return NULL;
}

/* The parent with another number at the path. */
static bool put_replicas(struct arena *a, cJSON *tree, const struct jsonpath *path, int64_t n)
{
    size_t last = jsonpath_length(path) - 1;
    for (size_t i = 0; i < last; i++) {
        cJSON *next = json_get_str(tree, jsonpath_name(path, i));
        if (!next) {
            next = json_object(a);
            json_set(a, tree, jsonpath_name(path, i), next);
        }
        if (next->type != cJSON_Object)
            return false;
        tree = next;
    }
    json_set(a, tree, jsonpath_name(path, last), json_int_new(a, n));
    return true;
}

static void write_scale(struct api_request *r, const struct crd_scale *scale,
                        struct kube_object *old, cJSON *tree, cJSON *body)
{
    struct kube_object *out = NULL;
    const cJSON *was = scale_made(&r->a, scale, tree);
    int64_t wanted;
    if (!admission_sub(r, ADMIT_UPDATE, &scale_kind, body, was) ||
        !scale_take(r, body, tree, "should be a non-negative integer", &wanted))
        return;
    if (!put_replicas(&r->a, tree, scale->spec, wanted)) {
        no_replicas(r, scale);
        return;
    }
    if (!api_write_update(r, r->kind, old, tree, WRITE_MAIN, &out))
        return;
    cJSON *now = scale_of(r, scale, crds_tree(r->kind, out, &r->a));
    if (now)
        scale_answer(r, now);
}

/* NULL: answered. */
static cJSON *patched(struct api_request *r, const struct crd_scale *scale, const cJSON *parent,
                      cJSON *now)
{
    size_t n = jsonpath_length(scale->spec);
    const char **path = ARENA_NEW_ARRAY(&r->a, const char *, n + 1);
    for (size_t i = 0; i < n; i++)
        path[i] = arena_c(&r->a, jsonpath_name(scale->spec, i));
    return scale_patched(r, parent, now, true, path);
}

/* What a patch has made: a Scale, with a number if there was none in the parent. */
static bool check_patched(struct api_request *r, const struct crd_scale *scale, const cJSON *parent,
                          cJSON *body)
{
    if (!jsonpath_first(scale->spec, parent) && !json_path(body, "spec.replicas"))
        return api_fail_bad(r, "the spec replicas field \"" STR_FMT "\" cannot be empty",
                            STR_ARG(scale->spec_text));
    return api_patch_is_apply(r) || api_decode_check(r, &scale_kind, body);
}

bool crds_handle_scale(struct api_request *r)
{
    if (!r->kind->crd || !r->sub || !str_ends(r->sub->resource, STR("/scale")))
        return false;
    const struct crd_scale *scale = crds_scale(r->kind);
    struct kube_object *old = store_get(r->table, r->ns, r->p.name);
    if (!scale || !old) {
        (void)api_fail_not_found(r, r->kind, r->p.name);
        return true;
    }
    cJSON *tree = crds_tree(r->kind, old, &r->a), *body = NULL;
    if (r->verb == VERB_UPDATE) {
        if (api_write_decode(r, &scale_kind, &body))
            write_scale(r, scale, old, tree, body);
        return true;
    }
    cJSON *now = scale_of(r, scale, tree);
    if (now && r->verb == VERB_GET)
        scale_answer(r, now);
    else if (now && (body = patched(r, scale, tree, now)) && check_patched(r, scale, tree, body))
        write_scale(r, scale, old, tree, body);
    return true;
}
