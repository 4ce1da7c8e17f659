/* Binding and eviction of pods. */
#include "sim/kubeapi/admission/admission.h"
#include "sim/kubeapi/core/commit.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/core/stamps.h"
#include "sim/kubeapi/crd/find.h"
#include "sim/kubeapi/objects/decode.h"
#include "sim/kubeapi/rules/rules.h"
#include "sim/kubeapi/subresources/subresources.h"
#include "sim/kubeapi/verbs/write.h"

static void reply_done(struct api_request *r)
{
    struct kube_status s = kube_status_new(201, str_empty, str_empty);
    s.success = true;
    api_reply_status(r, &s);
}

static struct kube_object *pod_of(struct api_request *r)
{
    struct kube_object *o = store_get(r->table, r->ns, r->p.name);
    if (!o)
        (void)api_fail_not_found(r, r->kind, r->p.name);
    return o;
}

/* ---- binding ---- */

static bool check_target(struct api_request *r, const cJSON *body)
{
    struct str kind = json_string_at(body, "target.kind");
    if (kind.n > 0 && !str_eq_c(kind, "Node"))
        return api_fail_plain(r, 500, "",
                              "target.kind: Unsupported value: \"" STR_FMT
                              "\": supported values: \"Node\", \"<empty>\"",
                              STR_ARG(kind));
    if (json_string_at(body, "target.name").n == 0)
        return api_fail_plain(r, 500, "", "target.name: Required value");
    return true;
}

static bool check_bindable(struct api_request *r, const struct kube_object *pod)
{
    struct str node = kube_object_string(pod, "spec.nodeName"),
               gates = kube_object_raw(pod, "spec.schedulingGates");
    if (pod->deleting)
        return api_fail_conflict(r, pod->name,
                                 "pod " STR_FMT " is being deleted, cannot be assigned to a host",
                                 STR_ARG(pod->name));
    if (node.n > 0)
        return api_fail_conflict(r, pod->name,
                                 "pod " STR_FMT " is already assigned to node \"" STR_FMT "\"",
                                 STR_ARG(pod->name), STR_ARG(node));
    if (gates.n > 2)
        return api_fail_conflict(r, pod->name,
                                 "pod " STR_FMT " has non-empty .spec.schedulingGates",
                                 STR_ARG(pod->name));
    return true;
}

static void set_scheduled(struct api_request *r, cJSON *tree)
{
    struct arena *a = &r->a;
    cJSON *status = json_ensure(a, tree, "status"), *list = json_get(status, "conditions"),
          *is = NULL;
    for (cJSON *c = list ? list->child : NULL; c; c = c->next)
        is = str_eq_c(json_string_at(c, "type"), "PodScheduled") ? c : is;
    if (!list) {
        list = json_array(a);
        json_set(a, status, STR("conditions"), list);
    }
    if (!is) {
        is = json_object(a);
        json_append(list, is);
    }
    json_set_str(a, is, "type", STR("PodScheduled"));
    json_set_str(a, is, "status", STR("True"));
    json_set(a, is, STR("lastProbeTime"), json_null(a));
    json_set_str(a, is, "lastTransitionTime", api_now(r->api, a));
    (void)json_unset(is, STR("reason"));
    (void)json_unset(is, STR("message"));
}

static void bind(struct api_request *r, const cJSON *body)
{
    struct kube_object *o = pod_of(r), *out;
    if (!o || !check_target(r, body) || !check_bindable(r, o))
        return;
    cJSON *tree = kube_object_tree(o, &r->a);
    const cJSON *notes = json_path(body, "metadata.annotations");
    struct str uid = json_string_at(body, "metadata.uid");
    struct str revision = json_string_at(body, "metadata.resourceVersion");
    for (const cJSON *n = notes ? notes->child : NULL; n; n = n->next)
        json_set_str(&r->a, json_ensure(&r->a, tree, "metadata.annotations"), n->string,
                     json_string(n));
    if (uid.n > 0)
        json_set_str(&r->a, json_get(tree, "metadata"), "uid", uid);
    if (revision.n > 0)
        json_set_str(&r->a, json_get(tree, "metadata"), "resourceVersion", revision);
    json_set_str(&r->a, json_ensure(&r->a, tree, "spec"), "nodeName",
                 json_string_at(body, "target.name"));
    set_scheduled(r, tree);
    if (api_write_update(r, r->kind, o, tree, WRITE_ALL, &out))
        reply_done(r);
}

/* POST bindings: the pod's name stands in the body. */
static void bind_named(struct api_request *r)
{
    cJSON *body;
    if (!api_write_decode(r, r->kind, &body) ||
        !admission_sub(r, ADMIT_CREATE, r->kind, body, NULL))
        return;
    r->kind = api_kind_find(r->api, str_empty, STR("v1"), STR("pods"));
    r->table = api_kind_table(r->api, r->kind);
    r->p.name = json_string_at(body, "metadata.name");
    bind(r, body);
}

/* ---- eviction ---- */

static bool fail_budget(struct api_request *r, struct str text, int64_t retry_s)
{
    struct kube_cause cause = {STR("DisruptionBudget"), text, str_empty};
    struct kube_status s =
        kube_status_new(429, STR("TooManyRequests"),
                        STR("Cannot evict pod as it would violate the pod's disruption budget."));
    s.causes = &cause;
    s.causes_n = 1;
    s.retry_after_s = retry_s;
    api_reply_status(r, &s);
    return false;
}

static bool pod_is_ready(const cJSON *pod)
{
    const cJSON *list = json_path(pod, "status.conditions");
    for (const cJSON *c = list ? list->child : NULL; c; c = c->next)
        if (str_eq_c(json_string_at(c, "type"), "Ready"))
            return str_eq_c(json_string_at(c, "status"), "True");
    return false;
}

/* One disruption less is left, and the pod is on the list of those that go. */
static void spend(struct api_request *r, struct store_table *t, struct kube_object *budget,
                  cJSON *tree)
{
    cJSON *status = json_ensure(&r->a, tree, "status");
    cJSON *gone = json_ensure(&r->a, tree, "status.disruptedPods");
    json_set_int(&r->a, status, "disruptionsAllowed",
                 json_int_at(status, "disruptionsAllowed", 1) - 1);
    if (gone)
        json_set_str(&r->a, gone, arena_c(&r->a, r->p.name), api_now(r->api, &r->a));
    if (!r->dry_run)
        (void)api_write_commit(r->api, t, tree, &r->a);
    (void)budget;
}

static bool check_budget(struct api_request *r, struct store_table *t, struct kube_object *budget,
                         const cJSON *pod)
{
    cJSON *tree = kube_object_tree(budget, &r->a), *status = json_get(tree, "status");
    int64_t healthy = json_int_at(status, "currentHealthy", 0),
            needed = json_int_at(status, "desiredHealthy", 0);
    struct str policy = json_string_at(tree, "spec.unhealthyPodEvictionPolicy");
    if (!pod_is_ready(pod) &&
        (str_eq_c(policy, "AlwaysAllow") || (healthy >= needed && needed > 0)))
        return true;
    if (json_int_at(status, "observedGeneration", 0) < budget->generation)
        return fail_budget(r,
                           arena_printf(&r->a,
                                        "The disruption budget " STR_FMT
                                        " is still being processed by the server.",
                                        STR_ARG(budget->name)),
                           10);
    int64_t allowed = json_int_at(status, "disruptionsAllowed", 0);
    if (allowed < 0)
        return api_fail_plain(r, 403, "Forbidden",
                              "poddisruptionbudgets.policy \"" STR_FMT
                              "\" is forbidden: pdb disruptions allowed is negative",
                              STR_ARG(budget->name));
    if (allowed == 0)
        return fail_budget(r,
                           arena_printf(&r->a,
                                        "The disruption budget " STR_FMT
                                        " needs %lld healthy pods and has %lld currently",
                                        STR_ARG(budget->name), (long long)needed,
                                        (long long)healthy),
                           0);
    spend(r, t, budget, tree);
    return true;
}

/* The budget that counts this pod. False: answered, there are several. */
static bool find_budget(struct api_request *r, struct store_table *t, const struct kube_object *pod,
                        struct kube_object **out)
{
    struct store_cursor c = store_seek(t, pod->ns, str_empty);
    *out = NULL;
    for (struct kube_object *o; (o = store_next(&c)) && str_eq(o->ns, pod->ns);) {
        const cJSON *selector = json_path(kube_object_tree(o, &r->a), "spec.selector");
        if (!labels_selected_object(selector, pod))
            continue;
        if (*out)
            return api_fail_plain(
                r, 500, "InternalError",
                "This pod has more than one PodDisruptionBudget, which the eviction "
                "subresource does not support.");
        *out = o;
    }
    return true;
}

static bool eviction_options(struct api_request *r, const cJSON *body, struct delete_options *o)
{
    const cJSON *given = json_get(body, "deleteOptions"), *runs = json_get(given, "dryRun");
    *o = (struct delete_options){str_empty, str_empty, str_empty, -1, false};
    o->propagation = json_string_at(given, "propagationPolicy");
    o->uid = json_string_at(given, "preconditions.uid");
    o->resource_version = json_string_at(given, "preconditions.resourceVersion");
    o->grace_s = json_int_at(given, "gracePeriodSeconds", -1);
    if (runs && runs->child && str_eq_c(json_string(runs->child), "All"))
        r->dry_run = true;
    return true;
}

static void evict(struct api_request *r)
{
    struct store_table *t = store_table(r->api->store, STR("poddisruptionbudgets.policy"));
    struct kube_object *o = pod_of(r), *out, *budget;
    struct delete_options options;
    cJSON *body;
    bool gone;
    if (!o || !api_write_decode(r, r->sub, &body) || !eviction_options(r, body, &options) ||
        !admission_sub(r, ADMIT_CREATE, NULL, body, NULL))
        return;
    struct str name = json_string_at(body, "metadata.name");
    if (!str_eq(name, r->p.name)) {
        (void)api_fail_bad(r, "name in URL does not match name in Eviction object: " STR_FMT,
                           STR_ARG(r->p.name));
        return;
    }
    struct str phase = kube_object_string(o, "status.phase");
    bool counted = !o->deleting && !text_among(phase, "Succeeded|Failed|Pending");
    if (counted && (!find_budget(r, t, o, &budget) ||
                    (budget && !check_budget(r, t, budget, kube_object_tree(o, &r->a)))))
        return;
    o = store_get(r->table, r->ns, r->p.name);
    if (api_write_delete(r, r->kind, o, &options, &gone, &out))
        reply_done(r);
}

bool sub_pods(struct api_request *r)
{
    if (api_kind_is(r->kind, "bindings") && r->verb == VERB_CREATE) {
        bind_named(r);
        return true;
    }
    if (!api_kind_is(r->kind, "pods") || !r->sub)
        return false;
    if (str_eq_c(r->p.sub, "eviction")) {
        evict(r);
        return true;
    }
    if (!str_eq_c(r->p.sub, "binding"))
        return false;
    cJSON *body;
    if (api_write_decode(r, r->sub, &body) && admission_sub(r, ADMIT_CREATE, NULL, body, NULL))
        bind(r, body);
    return true;
}
