/* Kinds that run pods from a template: apps, and replication controllers. */
#include "sim/kubeapi/rules/rules.h"

/* ---- defaults ---- */

void default_workload(struct api_request *r, cJSON *tree, bool creating)
{
    default_pod_template(r, json_path(tree, "spec.template"));
}

void default_pod_template_object(struct api_request *r, cJSON *tree, bool creating)
{
    default_pod_template(r, json_get(tree, "template"));
}

void default_stateful_set(struct api_request *r, cJSON *tree, bool creating)
{
    cJSON *claims = json_path(tree, "spec.volumeClaimTemplates");
    default_workload(r, tree, creating);
    for (cJSON *v = claims ? claims->child : NULL; v; v = v->next) {
        cJSON *status = json_ensure(&r->a, v, "status");
        if (status && !json_get(status, "phase"))
            json_set_str(&r->a, status, "phase", STR("Pending"));
        if (json_string_at(v, "kind").n == 0) {
            json_set_str(&r->a, v, "kind", STR("PersistentVolumeClaim"));
            json_set_str(&r->a, v, "apiVersion", STR("v1"));
        }
    }
}

/* A template's generation, as an annotation since the field is gone. */
#define TEMPLATE_GENERATION "deprecated.daemonset.template.generation"

void default_daemon_set(struct api_request *r, cJSON *tree, bool creating)
{
    cJSON *annotations;
    default_workload(r, tree, creating);
    if (r->system || !creating)
        return;
    annotations = json_ensure(&r->a, tree, "metadata.annotations");
    if (annotations)
        json_set_str(&r->a, annotations, TEMPLATE_GENERATION, STR("1"));
}

void prepare_daemon_set(struct api_request *r, cJSON *tree, const struct kube_object *old)
{
    cJSON *annotations;
    if (r->system || !old)
        return;
    cJSON *was = kube_object_tree(old, &r->a);
    struct str text =
        json_string(json_get(json_path(was, "metadata.annotations"), TEMPLATE_GENERATION));
    int64_t generation = 0;
    const cJSON *a = json_path(was, "spec.template"), *b = json_path(tree, "spec.template");
    (void)str_to_i64(text, &generation);
    if (a && b && !json_equal(a, b))
        generation++;
    if (generation > 0 && (annotations = json_ensure(&r->a, tree, "metadata.annotations")))
        json_set_str(&r->a, annotations, TEMPLATE_GENERATION,
                     arena_printf(&r->a, "%lld", (long long)generation));
}

/* Labels and selector of a controller are its template's. */
void default_replication(struct api_request *r, cJSON *tree, bool creating)
{
    const cJSON *labels = json_path(tree, "spec.template.metadata.labels");
    cJSON *spec = json_get(tree, "spec"), *metadata = json_get(tree, "metadata");
    default_workload(r, tree, creating);
    if (json_is_empty(labels))
        return;
    if (json_is_empty(json_get(spec, "selector")))
        json_set(&r->a, spec, STR("selector"), json_copy(&r->a, labels));
    if (json_is_empty(json_get(metadata, "labels")))
        json_set(&r->a, metadata, STR("labels"), json_copy(&r->a, labels));
}

/* ---- common rules ---- */

static void check_selected(struct check *c, const struct node *spec)
{
    const struct node template = node_at(spec, "template");
    const cJSON *selector = json_get(spec->v, "selector");
    const struct node metadata = node_at(&template, "metadata"),
                      labels = node_at(&metadata, "labels");
    bool everything = selector && selector->type == cJSON_Object && selector_is_empty(selector);
    if (everything || labels_selected(selector, labels.v))
        return;
    rule_bad(c, &labels, "`selector` does not match template `labels`");
}

static void check_lasting(struct check *c, const struct node *spec, const char *kind)
{
    const struct node template = node_at(spec, "template"), pod = node_at(&template, "spec");
    const struct node again = node_at(&pod, "restartPolicy");
    const struct node deadline = node_at(&pod, "activeDeadlineSeconds");
    if (!str_eq_c(json_string(again.v), "Always"))
        rule_unsupported(c, &again, "Always");
    if (node_is(&deadline))
        rule_forbid(c, &deadline, "activeDeadlineSeconds in %s is not Supported", kind);
}

static void check_selector_set(struct check *c, const struct node *spec, const char *kind)
{
    const struct node n = node_at(spec, "selector");
    if (!node_is(&n)) {
        rule_required(c, &n, NULL);
        return;
    }
    rule_selector(c, &n);
    if (selector_is_empty(n.v))
        rule_bad(c, &n, "empty selector is invalid for %s", kind);
}

static void check_replicated_template(struct check *c, const struct node *spec)
{
    const struct node template = node_at(spec, "template");
    check_selected(c, spec);
    check_pod_template(c, &template);
    check_lasting(c, spec, "ReplicaSet");
}

static int64_t percent_or_number(const cJSON *v, bool *percent)
{
    int64_t n = 0;
    struct str s = json_string(v);
    *percent = s.n > 1;
    if (*percent)
        (void)str_to_i64(str_sub(s, 0, s.n - 1), &n);
    else if (v)
        (void)json_int(v, &n);
    return n;
}

static void check_at_most_all(struct check *c, const struct node *n)
{
    bool percent;
    if (percent_or_number(n->v, &percent) > 100 && percent)
        rule_bad(c, n, "must not be greater than 100%%");
}

/* ---- deployments ---- */

static const struct rule amounts_rules[] = {RULE_INTSTR("maxUnavailable"), RULE_INTSTR("maxSurge"),
                                            RULE_END};

static void check_strategy(struct check *c, const struct node *n)
{
    const struct node type = node_at(n, "type"), rolling = node_at(n, "rollingUpdate");
    const struct node down = node_at(&rolling, "maxUnavailable"),
                      up = node_at(&rolling, "maxSurge");
    bool percent;
    if (str_eq_c(json_string(type.v), "Recreate")) {
        if (node_is(&rolling))
            rule_forbid(c, &rolling, "may not be specified when strategy `type` is 'Recreate'");
        return;
    }
    if (!str_eq_c(json_string(type.v), "RollingUpdate")) {
        rule_unsupported(c, &type, "Recreate|RollingUpdate");
        return;
    }
    if (!node_is(&rolling)) {
        rule_required(c, &rolling, "this should be defaulted and never be nil");
        return;
    }
    rule_walk(c, amounts_rules, &rolling);
    if (percent_or_number(down.v, &percent) == 0 && percent_or_number(up.v, &percent) == 0)
        rule_bad(c, &down, "may not be 0 when `maxSurge` is 0");
    check_at_most_all(c, &down);
}

static void check_progress(struct check *c, const struct node *spec)
{
    const struct node n = node_at(spec, "progressDeadlineSeconds");
    int64_t v;
    if (!node_is(&n) || !json_int(n.v, &v))
        return;
    rule_min(c, &n, 0);
    if (v <= json_int_at(spec->v, "minReadySeconds", 0))
        rule_bad(c, &n, "must be greater than minReadySeconds");
}

static void check_deployment_selector(struct check *c, const struct node *spec)
{
    check_selector_set(c, spec, "deployment");
}

static const struct rule deployment_spec_rules[] = {RULE_MIN("replicas", 0),
                                                    RULE_CALL(NULL, check_deployment_selector),
                                                    RULE_CALL(NULL, check_replicated_template),
                                                    RULE_CALL("strategy", check_strategy),
                                                    RULE_MIN("minReadySeconds", 0),
                                                    RULE_MIN("revisionHistoryLimit", 0),
                                                    RULE_CALL(NULL, check_progress),
                                                    RULE_END};
const struct rule deployment_rules[] = {RULE_IN("spec", deployment_spec_rules), RULE_END};
static const struct rule selector_stays[] = {RULE_IMMUTABLE("selector"), RULE_END};
const struct rule deployment_update_rules[] = {RULE_IN("spec", selector_stays), RULE_END};

static const struct rule replica_set_spec_rules[] = {
    RULE_MIN("replicas", 0), RULE_MIN("minReadySeconds", 0),
    RULE_CALL(NULL, check_deployment_selector), RULE_CALL(NULL, check_replicated_template),
    RULE_END};
const struct rule replica_set_rules[] = {RULE_IN("spec", replica_set_spec_rules), RULE_END};

/* ---- stateful sets ---- */

static void check_management(struct check *c, const struct node *n)
{
    struct str s = json_string(n->v);
    if (s.n == 0)
        rule_required(c, n, NULL);
    else if (!text_among(s, "OrderedReady|Parallel"))
        rule_bad(c, n, "must be 'OrderedReady' or 'Parallel'");
}

static void check_partition(struct check *c, const struct node *rolling)
{
    static const struct rule rules[] = {RULE_MIN("partition", 0), RULE_INTSTR("maxUnavailable"),
                                        RULE_END};
    const struct node most = node_at(rolling, "maxUnavailable");
    bool percent;
    rule_walk(c, rules, rolling);
    if (node_is(&most) && percent_or_number(most.v, &percent) == 0)
        rule_bad(c, &most, "cannot be 0");
    check_at_most_all(c, &most);
}

static void check_set_strategy(struct check *c, const struct node *n)
{
    const struct node rolling = node_at(n, "rollingUpdate");
    struct str type = json_string_at(n->v, "type");
    if (type.n == 0)
        rule_required(c, n, NULL);
    else if (str_eq_c(type, "RollingUpdate") && node_is(&rolling))
        check_partition(c, &rolling);
    else if (str_eq_c(type, "OnDelete") && node_is(&rolling))
        rule_bad_json(
            c, &rolling,
            internal_text(c, "io.k8s.api.apps.v1.RollingUpdateStatefulSetStrategy", rolling.v),
            "only allowed for updateStrategy 'RollingUpdate'");
    else if (!text_among(type, "RollingUpdate|OnDelete"))
        rule_bad_json(c, n, internal_text(c, "io.k8s.api.apps.v1.StatefulSetUpdateStrategy", n->v),
                      "must be 'RollingUpdate' or 'OnDelete'");
}

static void check_set_selector(struct check *c, const struct node *spec)
{
    const struct node template = node_at(spec, "template");
    check_selector_set(c, spec, "statefulset");
    check_selected(c, spec);
    check_pod_template(c, &template);
    check_lasting(c, spec, "StatefulSet");
}

static const struct rule retention_rules[] = {RULE_ENUM("whenDeleted", "Delete|Retain"),
                                              RULE_ENUM("whenScaled", "Delete|Retain"), RULE_END};
static const struct rule ordinals_rules[] = {RULE_MIN("start", 0), RULE_END};
static const struct rule set_spec_rules[] = {
    RULE_CALL("podManagementPolicy", check_management),
    RULE_CALL("updateStrategy", check_set_strategy),
    RULE_IN("persistentVolumeClaimRetentionPolicy", retention_rules),
    RULE_MIN("replicas", 0),
    RULE_MIN("minReadySeconds", 0),
    RULE_MIN("revisionHistoryLimit", 0),
    RULE_IN("ordinals", ordinals_rules),
    RULE_CALL(NULL, check_set_selector),
    RULE_END};
const struct rule stateful_set_rules[] = {RULE_IN("spec", set_spec_rules), RULE_END};

static void check_set_update(struct check *c, const struct node *n)
{
    static const char *const free_to_change[] = {"replicas",
                                                 "template",
                                                 "updateStrategy",
                                                 "persistentVolumeClaimRetentionPolicy",
                                                 "minReadySeconds",
                                                 "ordinals",
                                                 "revisionHistoryLimit"};
    cJSON *now = json_copy(&c->r->a, n->v), *was = json_copy(&c->r->a, n->old);
    for (size_t i = 0; i < ARRAY_LEN(free_to_change); i++) {
        (void)json_unset(now, str_c(free_to_change[i]));
        (void)json_unset(was, str_c(free_to_change[i]));
    }
    if (!json_equal(now, was))
        rule_forbid(c, n,
                    "updates to statefulset spec for fields other than 'replicas', 'ordinals', "
                    "'template', 'updateStrategy', 'revisionHistoryLimit', "
                    "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
}

const struct rule stateful_set_update_rules[] = {RULE_CALL("spec", check_set_update), RULE_END};

/* ---- daemon sets ---- */

static void check_daemon_template(struct check *c, const struct node *spec)
{
    const struct node selector = node_at(spec, "selector"), template = node_at(spec, "template");
    if (!node_is(&selector))
        rule_required(c, &selector, NULL);
    else
        rule_selector(c, &selector);
    check_selected(c, spec);
    if (node_is(&selector) && selector_is_empty(selector.v))
        rule_bad(c, &selector, "empty selector is invalid for daemonset");
    check_pod_template(c, &template);
    check_lasting(c, spec, "DaemonSet");
}

static void check_daemon_strategy(struct check *c, const struct node *n)
{
    const struct node type = node_at(n, "type"), rolling = node_at(n, "rollingUpdate");
    const struct node down = node_at(&rolling, "maxUnavailable"),
                      up = node_at(&rolling, "maxSurge");
    bool percent;
    if (str_eq_c(json_string(type.v), "OnDelete"))
        return;
    if (!str_eq_c(json_string(type.v), "RollingUpdate")) {
        rule_unsupported(c, &type, "RollingUpdate|OnDelete");
        return;
    }
    if (!node_is(&rolling)) {
        rule_required(c, &rolling, NULL);
        return;
    }
    rule_walk(c, amounts_rules, &rolling);
    check_at_most_all(c, &down);
    check_at_most_all(c, &up);
    bool has_down = percent_or_number(down.v, &percent) != 0;
    bool has_up = percent_or_number(up.v, &percent) != 0;
    if (has_down && has_up)
        rule_bad(c, &up, "may not be set when maxUnavailable is non-zero");
    else if (!has_down && !has_up)
        rule_required(c, &down, "cannot be 0 when maxSurge is 0");
}

static const struct rule daemon_spec_rules[] = {RULE_CALL(NULL, check_daemon_template),
                                                RULE_MIN("minReadySeconds", 0),
                                                RULE_CALL("updateStrategy", check_daemon_strategy),
                                                RULE_MIN("revisionHistoryLimit", 0), RULE_END};
const struct rule daemon_set_rules[] = {RULE_IN("spec", daemon_spec_rules), RULE_END};

/* ---- replication controllers, templates, revisions ---- */

static void check_replication_template(struct check *c, const struct node *spec)
{
    const struct node selector = node_at(spec, "selector"), template = node_at(spec, "template");
    const struct node metadata = node_at(&template, "metadata"),
                      labels = node_at(&metadata, "labels");
    if (node_count(&selector) == 0)
        rule_required(c, &selector, NULL);
    rule_min(
        c, &(struct node){.v = json_get(spec->v, "replicas"), .up = spec, .name = STR("replicas")},
        0);
    if (!node_is(&template)) {
        rule_required(c, &template, NULL);
        return;
    }
    for (const cJSON *s = node_is(&selector) ? selector.v->child : NULL; s; s = s->next)
        if (!str_eq(json_string(json_get(labels.v, s->string)), json_string(s)) ||
            !json_get(labels.v, s->string)) {
            rule_bad(c, &labels, "`selector` does not match template `labels`");
            break;
        }
    check_pod_template(c, &template);
    check_lasting(c, spec, "ReplicationController");
}

static const struct rule replication_spec_rules[] = {
    RULE_MIN("minReadySeconds", 0), RULE_CALL(NULL, check_replication_template), RULE_END};
const struct rule replication_rules[] = {RULE_IN("spec", replication_spec_rules), RULE_END};
const struct rule pod_template_rules[] = {RULE_CALL("template", check_pod_template), RULE_END};

static void check_revision(struct check *c, const struct node *n)
{
    if (!node_is(n))
        rule_required(c, n, "data is mandatory");
}

const struct rule revision_rules[] = {RULE_MIN("revision", 0), RULE_CALL("data", check_revision),
                                      RULE_END};
const struct rule revision_update_rules[] = {RULE_IMMUTABLE("data"), RULE_END};
