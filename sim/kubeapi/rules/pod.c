/* Pods: what the server adds, and the little of them that may change. */
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/rules/rules.h"

void default_pod(struct api_request *r, cJSON *tree, bool creating)
{
    default_pod_spec(r, json_get(tree, "spec"));
}

static void add_gated_condition(struct api_request *r, cJSON *status)
{
    cJSON *list = json_array(&r->a), *condition = json_object(&r->a);
    json_set_str(&r->a, condition, "type", STR("PodScheduled"));
    json_set_str(&r->a, condition, "status", STR("False"));
    json_set_str(&r->a, condition, "reason", STR("SchedulingGated"));
    json_set_str(&r->a, condition, "message",
                 STR("Scheduling is blocked due to non-empty scheduling gates"));
    json_set(&r->a, condition, STR("lastProbeTime"), json_null(&r->a));
    json_set(&r->a, condition, STR("lastTransitionTime"), json_null(&r->a));
    json_append(list, condition);
    json_set(&r->a, status, STR("conditions"), list);
}

/* Keys of labels whose values are to be the pod's, or not, become requirements of the selector. */
static void merge_keys(struct arena *a, cJSON *term, const char *list, const char *operator,
                       const cJSON * labels)
{
    const cJSON *keys = json_get(term, list);
    cJSON *selector = keys ? json_get(term, "labelSelector") : NULL;
    for (const cJSON *k = selector ? keys->child : NULL; k; k = k->next) {
        struct str key = json_string(k);
        const cJSON *value = json_get(labels, arena_c(a, key));
        if (!value)
            continue;
        cJSON *expressions = json_get(selector, "matchExpressions");
        cJSON *one = json_object(a), *values = json_array(a);
        if (!expressions) {
            expressions = json_array(a);
            json_set(a, selector, STR("matchExpressions"), expressions);
        }
        json_set_str(a, one, "key", key);
        json_set_str(a, one, "operator", str_c(operator));
        json_append(values, json_copy(a, value));
        json_set(a, one, STR("values"), values);
        json_append(expressions, one);
    }
}

static void merge_terms(struct arena *a, const cJSON *affinity, const cJSON *labels)
{
    const cJSON *hard = json_get(affinity, "requiredDuringSchedulingIgnoredDuringExecution");
    const cJSON *soft = json_get(affinity, "preferredDuringSchedulingIgnoredDuringExecution");
    cJSON *first[] = {hard ? hard->child : NULL, soft ? soft->child : NULL};
    for (size_t i = 0; i < ARRAY_LEN(first); i++)
        for (cJSON *t = first[i]; t; t = t->next) {
            cJSON *term = i == 0 ? t : json_get(t, "podAffinityTerm");
            merge_keys(a, term, "matchLabelKeys", "In", labels);
            merge_keys(a, term, "mismatchLabelKeys", "NotIn", labels);
        }
}

static void merge_label_keys(struct arena *a, const cJSON *tree)
{
    const cJSON *spec = json_get(tree, "spec"), *labels = json_path(tree, "metadata.labels");
    const cJSON *affinity = json_get(spec, "affinity");
    const cJSON *spread = json_get(spec, "topologySpreadConstraints");
    merge_terms(a, json_get(affinity, "podAffinity"), labels);
    merge_terms(a, json_get(affinity, "podAntiAffinity"), labels);
    for (cJSON *t = spread ? spread->child : NULL; t; t = t->next)
        merge_keys(a, t, "matchLabelKeys", "In", labels);
}

void prepare_pod(struct api_request *r, cJSON *tree, const struct kube_object *old)
{
    cJSON *status = old ? NULL : json_ensure(&r->a, tree, "status");
    if (!status || json_string_at(status, "phase").n > 0)
        return;
    json_set_str(&r->a, status, "phase", STR("Pending"));
    merge_label_keys(&r->a, tree);
    if (r->system)
        return;
    json_set_str(&r->a, status, "qosClass", pod_qos(json_get(tree, "spec")));
    if (!json_is_empty(json_path(tree, "spec.schedulingGates")))
        add_gated_condition(r, status);
}

/* ---- rules ---- */

static void warn_of_name(struct check *c, const struct node *n)
{
    if (!c->updating && str_find_char(json_string_at(c->root, "metadata.name"), '.') >= 0 &&
        names_fit(NAME_SUBDOMAIN, json_string_at(c->root, "metadata.name")))
        api_warn(
            c->r,
            "metadata.name: this is used in the Pod's hostname, which can result in surprising "
            "behavior; a DNS label is recommended: [must not contain dots]");
}

static void refuse_ephemeral(struct check *c, const struct node *n)
{
    const struct node debug = node_at(n, "ephemeralContainers");
    if (!c->updating && node_count(&debug) > 0)
        rule_forbid(c, &debug, "cannot be set on create");
}

static const struct rule pod_rows[] = {RULE_IN(NULL, pod_spec_rules),
                                       RULE_CALL(NULL, refuse_ephemeral), RULE_END};
static void check_pod_spec(struct check *c, const struct node *n)
{
    static const cJSON nothing = {.type = cJSON_Object};
    struct node spec = *n;
    if (!spec.v)
        spec.v = &nothing;
    rule_walk(c, pod_rows, &spec);
}

const struct rule pod_rules[] = {RULE_CALL("spec", check_pod_spec), RULE_CALL(NULL, warn_of_name),
                                 RULE_END};

/* ---- updates ---- */

static void check_deadline_update(struct check *c, const struct node *spec)
{
    const struct node n = node_at(spec, "activeDeadlineSeconds");
    int64_t now, was;
    if (node_is(&n) && json_int(n.v, &now)) {
        if (now < 0 || now > INT32_MAX)
            rule_bad(c, &n, "must be between 0 and 2147483647, inclusive");
        else if (n.old && json_int(n.old, &was) && was < now)
            rule_bad(c, &n, "must be less than or equal to previous value");
    } else if (n.old) {
        rule_bad_json(c, &n, STR("null"), "must not update from a positive integer to nil value");
    }
}

/* Tolerations come, but none goes or changes, save for its time. */
static void check_tolerations_update(struct check *c, const struct node *spec)
{
    const struct node n = node_at(spec, "tolerations");
    for (const cJSON *o = n.old ? n.old->child : NULL; o; o = o->next) {
        bool found = false;
        cJSON *was = json_copy(&c->r->a, o);
        (void)json_unset(was, STR("tolerationSeconds"));
        for (const cJSON *v = node_is(&n) ? n.v->child : NULL; v && !found; v = v->next) {
            cJSON *now = json_copy(&c->r->a, v);
            (void)json_unset(now, STR("tolerationSeconds"));
            found = json_equal(was, now);
        }
        if (found)
            continue;
        rule_forbid(c, &n, "existing toleration can not be modified except its tolerationSeconds");
        return;
    }
}

static void copy_member(struct arena *a, cJSON *to, const cJSON *from, const char *name)
{
    const cJSON *v = json_get(from, name);
    if (v)
        json_set(a, to, str_c(name), json_copy(a, v));
    else
        (void)json_unset(to, str_c(name));
}

static void copy_images(struct arena *a, cJSON *spec, const cJSON *old, const char *list)
{
    cJSON *now = json_get(spec, list);
    const cJSON *was = json_get(old, list);
    const cJSON *o = was ? was->child : NULL;
    for (cJSON *v = now ? now->child : NULL; v && o; v = v->next, o = o->next)
        copy_member(a, v, o, "image");
}

/* The new spec with all that may change as it was. */
static cJSON *without_allowed(struct check *c, const struct node *spec)
{
    struct arena *a = &c->r->a;
    cJSON *now = json_copy(a, spec->v);
    copy_images(a, now, spec->old, "containers");
    copy_images(a, now, spec->old, "initContainers");
    copy_member(a, now, spec->old, "activeDeadlineSeconds");
    copy_member(a, now, spec->old, "tolerations");
    if (!json_is_empty(
            json_get(spec->old, "schedulingGates"))) { /* gates only go; selectors only narrow */
        copy_member(a, now, spec->old, "schedulingGates");
        copy_member(a, now, spec->old, "nodeSelector");
        copy_member(a, now, spec->old, "affinity");
    }
    if (json_int_at(spec->old, "terminationGracePeriodSeconds", 0) < 0 &&
        json_int_at(spec->v, "terminationGracePeriodSeconds", 0) == 1)
        copy_member(a, now, spec->old, "terminationGracePeriodSeconds");
    return now;
}

static void check_count(struct check *c, const struct node *spec, const char *list)
{
    const struct node n = node_at(spec, list);
    size_t was = n.old ? (size_t)cJSON_GetArraySize(n.old) : 0;
    if (was != node_count(&n))
        rule_forbid(c, &n, "pod updates may not add or remove containers");
}

/* ---- subresources ---- */

static void check_debug_update(struct check *c, const struct node *spec)
{
    const struct node n = node_at(spec, "ephemeralContainers");
    for (const cJSON *o = n.old ? n.old->child : NULL; o; o = o->next) {
        const cJSON *now = NULL;
        for (const cJSON *v = node_is(&n) ? n.v->child : NULL; v && !now; v = v->next)
            now = str_eq(json_string_at(v, "name"), json_string_at(o, "name")) ? v : NULL;
        if (!now)
            rule_forbid(c, &n, "existing ephemeral containers \"" STR_FMT "\" may not be removed\n",
                        STR_ARG(json_string_at(o, "name")));
        else if (!json_equal(now, o))
            rule_forbid(c, &n, "existing ephemeral containers \"" STR_FMT "\" may not be changed\n",
                        STR_ARG(json_string_at(o, "name")));
    }
}

static void check_resize(struct check *c, const struct node *spec)
{
    struct str was = json_string_at(c->old_root, "status.qosClass");
    struct str now = pod_qos(spec->v);
    if (was.n > 0 && !str_eq(was, now)) {
        const struct node n = {.up = spec->up, .name = STR("spec")};
        rule_bad_text(c, &n, now, "Pod QOS Class may not change as a result of resizing");
    }
}

void check_pod_update(struct check *c, const struct node *n)
{
    const struct node spec = node_at(n, "spec");
    if (str_eq_c(c->r->p.sub, "ephemeralcontainers")) {
        check_debug_update(c, &spec);
        return;
    }
    if (str_eq_c(c->r->p.sub, "resize")) {
        check_resize(c, &spec);
        return;
    }
    if (str_eq_c(c->r->p.sub, "binding"))
        return;
    size_t before = c->r->problems_n;
    check_count(c, &spec, "containers");
    check_count(c, &spec, "initContainers");
    if (c->r->problems_n > before)
        return;
    check_deadline_update(c, &spec);
    check_tolerations_update(c, &spec);
    if (c->r->problems_n > before)
        return;
    cJSON *now = without_allowed(c, &spec);
    if (json_equal(now, spec.old))
        return;
    struct str diff = internal_diff(c, "io.k8s.api.core.v1.PodSpec", spec.old, now);
    rule_forbid(
        c, &spec,
        "pod updates may not change fields other than `spec.containers[*].image`,"
        "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
        "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to "
        "be set to 1 if it was previously negative)" STR_FMT,
        STR_ARG(diff));
}

const struct rule pod_update_rules[] = {RULE_CALL(NULL, check_pod_update), RULE_END};

static void take_resources(struct arena *a, cJSON *spec, const cJSON *from, const char *list)
{
    cJSON *now = json_get(spec, list);
    const cJSON *wanted = json_get(from, list);
    for (cJSON *v = now ? now->child : NULL; v; v = v->next)
        for (const cJSON *w = wanted ? wanted->child : NULL; w; w = w->next)
            if (str_eq(json_string_at(w, "name"), json_string_at(v, "name"))) {
                copy_member(a, v, w, "resources");
                copy_member(a, v, w, "resizePolicy");
            }
}

bool rules_sub_tree(struct api_request *r, const struct kube_object *old, cJSON **tree)
{
    bool debug = str_eq_c(r->p.sub, "ephemeralcontainers"), resize = str_eq_c(r->p.sub, "resize");
    if ((!debug && !resize) || !r->sub)
        return false;
    cJSON *whole = kube_object_tree(old, &r->a), *spec = json_ensure(&r->a, whole, "spec");
    cJSON *metadata = json_get(whole, "metadata"), *given = json_get(*tree, "metadata");
    if (debug)
        copy_member(&r->a, spec, json_get(*tree, "spec"), "ephemeralContainers");
    if (resize) {
        take_resources(&r->a, spec, json_get(*tree, "spec"), "containers");
        take_resources(&r->a, spec, json_get(*tree, "spec"), "initContainers");
    }
    copy_member(&r->a, metadata, given, "resourceVersion");
    copy_member(&r->a, metadata, given, "managedFields");
    *tree = whole;
    return true;
}
