#include "sim/kubeapi/subresources/scale.h"

#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/objects/decode.h"
#include "sim/kubeapi/objects/managed.h"
#include "sim/kubeapi/verbs/apply.h"
#include "sim/kubeapi/verbs/patch.h"

const struct api_kind scale_kind = {.group = STR_INIT("autoscaling"),
                                    .version = STR_INIT("v1"),
                                    .resource = STR_INIT("scales"),
                                    .kind = STR_INIT("Scale")};

cJSON *scale_new(struct arena *a, const cJSON *parent, int64_t wanted, int64_t seen,
                 struct str selector)
{
    static const char *const kept[] = {"name", "namespace", "uid", "resourceVersion",
                                       "creationTimestamp"};
    cJSON *out = json_object(a), *metadata = json_object(a), *spec = json_object(a);
    cJSON *status = json_object(a);
    json_set_str(a, out, "kind", scale_kind.kind);
    json_set_str(a, out, "apiVersion", STR("autoscaling/v1"));
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        const cJSON *v = json_get(json_get(parent, "metadata"), kept[i]);
        if (v)
            json_set(a, metadata, str_c(kept[i]), json_copy(a, v));
    }
    if (wanted != 0)
        json_set_int(a, spec, "replicas", wanted);
    json_set_int(a, status, "replicas", seen);
    if (selector.n > 0)
        json_set_str(a, status, "selector", selector);
    json_set(a, out, STR("metadata"), metadata);
    json_set(a, out, STR("spec"), spec);
    json_set(a, out, STR("status"), status);
    return out;
}

void scale_answer(struct api_request *r, const cJSON *scale)
{
    struct buf b = {0};
    json_write(&b, scale);
    api_reply_json(r, 200, buf_str(&b));
    buf_free(&b);
}

bool scale_take(struct api_request *r, const cJSON *scale, cJSON *parent, const char *negative,
                int64_t *wanted)
{
    static const char *const kept[] = {"resourceVersion", "uid"};
    cJSON *metadata = json_get(parent, "metadata");
    *wanted = json_int_at(scale, "spec.replicas", 0);
    if (*wanted < 0) {
        api_invalid(r, "FieldValueInvalid", STR("spec.replicas"), "Invalid value: %lld: %s",
                    (long long)*wanted, negative);
        return api_invalid_end(r, &scale_kind, r->p.name);
    }
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        struct str v = json_string(json_get(json_get(scale, "metadata"), kept[i]));
        if (v.n > 0)
            json_set_str(&r->a, metadata, kept[i], v);
    }
    return true;
}

cJSON *scale_patched(struct api_request *r, const cJSON *parent, cJSON *now, bool custom,
                     const char *const *path)
{
    cJSON *wanted;
    if (api_patch_is_apply(r))
        return api_apply_scale(r, parent, path, now, &wanted) ? wanted : NULL;
    bool ok = api_patch_tree(r, managed_type(&scale_kind), custom, &now) &&
              api_decode_check(r, &scale_kind, now);
    return ok ? now : NULL;
}
