/* The scale subresource of built-in kinds: a Scale of autoscaling/v1 that stands for spec.replicas. */
#include "sim/kubeapi/admission/admission.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/objects/decode.h"
#include "sim/kubeapi/objects/managed.h"
#include "sim/kubeapi/rules/rules.h"
#include "sim/kubeapi/subresources/subresources.h"
#include "sim/kubeapi/verbs/apply.h"
#include "sim/kubeapi/verbs/patch.h"
#include "sim/kubeapi/verbs/write.h"

static const struct api_kind scale_kind = {.group = STR_INIT("autoscaling"),
                                           .version = STR_INIT("v1"),
                                           .resource = STR_INIT("scales"),
                                           .kind = STR_INIT("Scale")};

/* Selectors of replication controllers are plain maps. */
static void put_selector(struct arena *a, cJSON *status, const cJSON *selector, bool plain)
{
    struct buf b = {0};
    if (plain && selector) {
        cJSON *whole = json_object(a);
        json_set(a, whole, STR("matchLabels"), json_copy(a, selector));
        selector_write(whole, &b);
    } else if (selector) {
        selector_write(selector, &b);
    }
    if (b.n > 0)
        json_set_str(a, status, "selector", buf_str(&b));
    buf_free(&b);
}

static cJSON *scale_of(struct api_request *r, const cJSON *tree)
{
    static const char *const kept[] = {"name", "namespace", "uid", "resourceVersion",
                                       "creationTimestamp"};
    struct arena *a = &r->a;
    cJSON *out = json_object(a), *metadata = json_object(a), *spec = json_object(a),
          *status = json_object(a);
    int64_t wanted = json_int_at(tree, "spec.replicas", 0);
    json_set_str(a, out, "kind", scale_kind.kind);
    json_set_str(a, out, "apiVersion", STR("autoscaling/v1"));
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        const cJSON *v = json_get(json_get(tree, "metadata"), kept[i]);
        if (v)
            json_set(a, metadata, str_c(kept[i]), json_copy(a, v));
    }
    if (wanted != 0)
        json_set_int(a, spec, "replicas", wanted);
    json_set_int(a, status, "replicas", json_int_at(tree, "status.replicas", 0));
    put_selector(a, status, json_path(tree, "spec.selector"),
                 api_kind_is(r->kind, "replicationcontrollers"));
    json_set(a, out, STR("metadata"), metadata);
    json_set(a, out, STR("spec"), spec);
    json_set(a, out, STR("status"), status);
    return out;
}

static void answer(struct api_request *r, const cJSON *scale)
{
    struct buf b = {0};
    json_write(&b, scale);
    api_reply_json(r, 200, buf_str(&b));
    buf_free(&b);
}

static void write_scale(struct api_request *r, struct kube_object *old, const cJSON *now,
                        cJSON *body)
{
    struct kube_object *out = NULL;
    cJSON *tree = kube_object_tree(old, &r->a), *metadata = json_get(tree, "metadata");
    if (!admission_sub(r, ADMIT_UPDATE, &scale_kind, body, now))
        return;
    int64_t wanted = json_int_at(body, "spec.replicas", 0);
    struct str revision = json_string_at(body, "metadata.resourceVersion");
    struct str uid = json_string_at(body, "metadata.uid");
    if (wanted < 0) {
        api_invalid(r, "FieldValueInvalid", STR("spec.replicas"),
                    "Invalid value: %lld: must be greater than or equal to 0", (long long)wanted);
        (void)api_invalid_end(r, &scale_kind, r->p.name);
        return;
    }
    if (revision.n > 0)
        json_set_str(&r->a, metadata, "resourceVersion", revision);
    if (uid.n > 0)
        json_set_str(&r->a, metadata, "uid", uid);
    json_set_int(&r->a, json_ensure(&r->a, tree, "spec"), "replicas", wanted);
    if (api_write_update(r, r->kind, old, tree, WRITE_MAIN, &out))
        answer(r, scale_of(r, kube_object_tree(out, &r->a)));
}

/* The wanted Scale of a PATCH; NULL: answered. */
static cJSON *patched(struct api_request *r, const cJSON *parent, cJSON *now)
{
    static const char *const path[] = {"spec", "replicas", NULL};
    cJSON *wanted;
    if (api_patch_is_apply(r))
        return api_apply_scale(r, parent, path, now, &wanted) ? wanted : NULL;
    return api_patch_tree(r, managed_type(&scale_kind), false, &now) &&
                   api_decode_check(r, &scale_kind, now)
               ? now
               : NULL;
}

bool sub_scale(struct api_request *r)
{
    if (!r->sub || (r->kind->flags & KIND_CUSTOM) || !str_eq_c(r->p.sub, "scale"))
        return false;
    struct kube_object *old = store_get(r->table, r->ns, r->p.name);
    cJSON *body = NULL;
    if (r->verb == VERB_UPDATE &&
        (!api_write_decode(r, &scale_kind, &body) || !api_check_url(r, body)))
        return true;
    if (!old) {
        (void)api_fail_not_found(r, r->kind, r->p.name);
        return true;
    }
    const cJSON *tree = kube_object_tree(old, &r->a);
    cJSON *now = scale_of(r, tree);
    if (r->verb == VERB_GET)
        answer(r, now);
    else if (body || (body = patched(r, tree, now)))
        write_scale(r, old, now, body);
    return true;
}
