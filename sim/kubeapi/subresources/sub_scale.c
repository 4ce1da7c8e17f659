/* The scale subresource of built-in kinds: a Scale of autoscaling/v1 that stands for spec.replicas. */
#include "sim/kubeapi/admission/admission.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/objects/decode.h"
#include "sim/kubeapi/rules/rules.h"
#include "sim/kubeapi/subresources/scale.h"
#include "sim/kubeapi/subresources/subresources.h"
#include "sim/kubeapi/verbs/write.h"

/* Selectors of replication controllers are plain maps. */
static struct str selector_text(struct arena *a, const cJSON *selector, bool plain)
{
    struct buf b = {0};
    if (plain && selector) {
        cJSON *whole = json_object(a);
        json_set(a, whole, STR("matchLabels"), json_copy(a, selector));
        selector_write(whole, &b);
    } else if (selector) {
        selector_write(selector, &b);
    }
    struct str text = arena_str(a, buf_str(&b));
    buf_free(&b);
    return text;
}

static cJSON *scale_of(struct api_request *r, const cJSON *tree)
{
    bool plain = api_kind_is(r->kind, "replicationcontrollers");
    return scale_new(&r->a, tree, json_int_at(tree, "spec.replicas", 0),
                     json_int_at(tree, "status.replicas", 0),
                     selector_text(&r->a, json_path(tree, "spec.selector"), plain));
}

static void write_scale(struct api_request *r, struct kube_object *old, const cJSON *now,
                        cJSON *body)
{
    struct kube_object *out = NULL;
    cJSON *tree = kube_object_tree(old, &r->a);
    int64_t wanted;
    if (!admission_sub(r, ADMIT_UPDATE, &scale_kind, body, now) ||
        !scale_take(r, body, tree, "must be greater than or equal to 0", &wanted))
        return;
    json_set_int(&r->a, json_ensure(&r->a, tree, "spec"), "replicas", wanted);
    if (api_write_update(r, r->kind, old, tree, WRITE_MAIN, &out))
        scale_answer(r, scale_of(r, kube_object_tree(out, &r->a)));
}

bool sub_scale(struct api_request *r)
{
    static const char *const path[] = {"spec", "replicas", NULL};
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
        scale_answer(r, now);
    else if (body || (body = scale_patched(r, tree, now, false, path)))
        write_scale(r, old, now, body);
    return true;
}
