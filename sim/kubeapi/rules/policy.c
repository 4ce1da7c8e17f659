/* Disruption budgets, autoscalers, priorities, runtime classes, leases. */
#include "sim/kubeapi/rules/rules.h"

/* ---- budgets ---- */

static void check_budget(struct check *c, const struct node *n)
{
    static const struct rule rules[] = {
        RULE_INTSTR("minAvailable"), RULE_INTSTR("maxUnavailable"),
        RULE_CALL("selector", rule_selector),
        RULE_ENUM("unhealthyPodEvictionPolicy", "AlwaysAllow|IfHealthyBudget"), RULE_END};
    static const char *const both[] = {"minAvailable", "maxUnavailable"};
    if (json_get(n->v, "minAvailable") && json_get(n->v, "maxUnavailable"))
        rule_bad_json(c, n, internal_text(c, "io.k8s.api.policy.v1.PodDisruptionBudgetSpec", n->v),
                      "minAvailable and maxUnavailable cannot be both set");
    rule_walk(c, rules, n);
    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        const struct node part = node_at(n, both[i]);
        struct str s = json_string(part.v);
        int64_t v = 0;
        if (s.n > 1 && str_to_i64(str_sub(s, 0, s.n - 1), &v) && v > 100)
            rule_bad(c, &part, "must not be greater than 100%%");
    }
}

const struct rule budget_rules[] = {RULE_CALL("spec", check_budget), RULE_END};

/* ---- autoscalers, in the form of autoscaling/v2 ---- */

void default_autoscaler(struct api_request *r, cJSON *tree, bool creating)
{
    cJSON *spec = json_get(tree, "spec");
    if (!spec || spec->type != cJSON_Object || str_eq_c(r->kind->version, "v1") ||
        !json_is_empty(json_get(spec, "metrics")))
        return;
    cJSON *metric = json_object(&r->a), *resource = json_object(&r->a),
          *target = json_object(&r->a);
    cJSON *list = json_array(&r->a);
    json_set_str(&r->a, target, "type", STR("Utilization"));
    json_set_int(&r->a, target, "averageUtilization", 80);
    json_set_str(&r->a, resource, "name", STR("cpu"));
    json_set(&r->a, resource, STR("target"), target);
    json_set_str(&r->a, metric, "type", STR("Resource"));
    json_set(&r->a, metric, STR("resource"), resource);
    json_append(list, metric);
    json_set(&r->a, spec, STR("metrics"), list);
}

static void check_target(struct check *c, const struct node *n)
{
    static const char *const values[] = {"averageUtilization", "value", "averageValue"};
    const struct node type = node_at(n, "type");
    bool any = false;
    if (json_string(type.v).n == 0)
        rule_required(c, &type, "must specify a metric target type");
    else if (!text_among(json_string(type.v), "Utilization|Value|AverageValue"))
        rule_bad(c, &type, "must be either Utilization, Value, or AverageValue");
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        const struct node value = node_at(n, values[i]);
        any = any || node_is(&value);
        if (!node_is(&value))
            continue;
        if (i == 0)
            rule_min(c, &value, 1);
        else if (str_starts(json_string(value.v), STR("-")) || str_eq_c(json_string(value.v), "0"))
            rule_bad(c, &value, "must be positive");
    }
    if (!any) {
        const struct node at = node_at(n, "averageUtilization");
        rule_required(c, &at, "must set either a target raw value or a target utilization");
    }
}

static const struct rule resource_metric_rules[] = {
    RULE_REQUIRED_SAYING("name", "must specify a resource name"), RULE_CALL("target", check_target),
    RULE_END};
static const struct rule container_metric_rules[] = {
    RULE_REQUIRED_SAYING("name", "must specify a resource name"),
    RULE_REQUIRED_SAYING("container", "must specify a container"),
    RULE_CALL("target", check_target), RULE_END};
static const struct rule metric_name_rules[] = {
    RULE_REQUIRED_SAYING("name", "must specify a metric name"), RULE_END};
static const struct rule other_metric_rules[] = {RULE_IN("metric", metric_name_rules),
                                                 RULE_CALL("target", check_target), RULE_END};

static void check_metric(struct check *c, const struct node *n)
{
    static const struct {
        const char *type, *member;
        const struct rule *rules;
    } rows[] = {
        {"ContainerResource", "containerResource", container_metric_rules},
        {"External", "external", other_metric_rules},
        {"Object", "object", other_metric_rules},
        {"Pods", "pods", other_metric_rules},
        {"Resource", "resource", resource_metric_rules},
    };
    const struct node type = node_at(n, "type");
    struct str name = json_string(type.v);
    if (!rule_enum(c, &type, "ContainerResource|External|Object|Pods|Resource", true))
        return;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct node source = node_at(n, rows[i].member);
        bool wanted = str_eq_c(name, rows[i].type);
        if (wanted && !node_is(&source))
            rule_required(
                c, &source,
                arena_c(&c->r->a,
                        arena_printf(&c->r->a,
                                     "must populate information for the given metric source")));
        else if (!wanted && node_is(&source))
            rule_forbid(c, &source, "must populate the given metric source only");
        else if (node_is(&source))
            rule_walk(c, rows[i].rules, &source);
    }
}

static void check_bounds(struct check *c, const struct node *n)
{
    const struct node min = node_at(n, "minReplicas"), max = node_at(n, "maxReplicas");
    int64_t least = json_int_at(n->v, "minReplicas", 1), most = json_int_at(n->v, "maxReplicas", 0);
    if (node_is(&min) && least < 1)
        rule_bad(c, &min, "must be greater than or equal to 1");
    struct node shown = max;
    struct str text = arena_printf(&c->r->a, "%lld", (long long)most);
    if (most < 1)
        rule_bad_json(c, &shown, text, "must be greater than 0");
    if (node_is(&min) && most < least)
        rule_bad_json(c, &shown, text, "must be greater than or equal to `minReplicas`");
}

static const struct rule scale_ref_rules[] = {RULE_NAME_SET("kind", NAME_SEGMENT),
                                              RULE_NAME_SET("name", NAME_SEGMENT), RULE_END};

static void check_scale_policy(struct check *c, const struct node *n)
{
    static const struct rule rules[] = {RULE_ENUM_SET("type", "Percent|Pods"), RULE_END};
    const struct node value = node_at(n, "value"), period = node_at(n, "periodSeconds");
    int64_t s = json_int_at(n->v, "periodSeconds", 0);
    rule_walk(c, rules, n);
    if (json_int_at(n->v, "value", 0) <= 0)
        rule_bad(c, &value, "must be greater than zero");
    if (s <= 0)
        rule_bad(c, &period, "must be greater than zero");
    else if (s > 1800)
        rule_bad(c, &period, "must be less than or equal to 1800");
}

static const struct rule scaling_rules[] = {
    RULE_MIN("stabilizationWindowSeconds", 0),
    RULE_ENUM("selectPolicy", "Disabled|Max|Min"),
    {.field = "policies", .op = OP_EACH, .call = check_scale_policy},
    RULE_END};
static const struct rule behavior_rules[] = {RULE_IN("scaleUp", scaling_rules),
                                             RULE_IN("scaleDown", scaling_rules), RULE_END};
static const struct rule autoscaler_spec_rules[] = {
    RULE_CALL(NULL, check_bounds),
    RULE_IN("scaleTargetRef", scale_ref_rules),
    {.field = "metrics", .op = OP_EACH, .call = check_metric},
    RULE_IN("behavior", behavior_rules),
    RULE_END};
const struct rule autoscaler_rules[] = {RULE_IN("spec", autoscaler_spec_rules), RULE_END};

/* ---- priorities ---- */

static void check_priority(struct check *c, const struct node *n)
{
    const struct node metadata = node_at(n, "metadata"), name = node_at(&metadata, "name");
    const struct node value = node_at(n, "value");
    struct str text = json_string(name.v);
    bool known = text_among(text, "system-node-critical|system-cluster-critical");
    if (c->updating)
        return;
    if (str_starts(text, STR("system-")) && !known)
        rule_forbid(c, &name,
                    "priority class names with 'system-' prefix are reserved for system use only. "
                    "error: " STR_FMT " is not a known system priority class",
                    STR_ARG(text));
    else if (!known && json_int_at(n->v, "value", 0) > 1000000000)
        rule_forbid(c, &value, "maximum allowed value of a user defined priority is 1000000000");
}

static void check_priority_update(struct check *c, const struct node *n)
{
    const struct node value = node_at(n, "value"), policy = node_at(n, "preemptionPolicy");
    if (node_changed(&value))
        rule_forbid(c, &value, "may not be changed in an update.");
    rule_immutable(c, &policy);
}

const struct rule priority_rules[] = {RULE_CALL(NULL, check_priority),
                                      RULE_ENUM("preemptionPolicy", "PreemptLowerPriority|Never"),
                                      RULE_END};
const struct rule priority_update_rules[] = {RULE_CALL(NULL, check_priority_update), RULE_END};

/* ---- runtime classes ---- */

static const struct rule overhead_rules[] = {RULE_CALL("podFixed", check_amounts), RULE_END};
static const struct rule scheduling_rules[] = {
    RULE_LABELS("nodeSelector"), RULE_CALL("tolerations", check_tolerations), RULE_END};
static void check_handler(struct check *c, const struct node *n)
{
    (void)rule_name(c, n, NAME_LABEL);
}

const struct rule runtime_class_rules[] = {RULE_CALL("handler", check_handler),
                                           RULE_IN("overhead", overhead_rules),
                                           RULE_IN("scheduling", scheduling_rules), RULE_END};
const struct rule runtime_class_update_rules[] = {RULE_IMMUTABLE("handler"), RULE_END};

/* ---- leases ---- */

static void check_strategy(struct check *c, const struct node *spec)
{
    const struct node strategy = node_at(spec, "strategy"),
                      preferred = node_at(spec, "preferredHolder");
    if (json_string(preferred.v).n > 0 && json_string(strategy.v).n == 0)
        rule_bad(c, &preferred, "preferredHolder may only be specified if strategy is defined");
}

static const struct rule lease_spec_rules[] = {RULE_CALL("leaseDurationSeconds", check_positive),
                                               RULE_MIN("leaseTransitions", 0),
                                               RULE_CALL(NULL, check_strategy), RULE_END};
const struct rule lease_rules[] = {RULE_IN("spec", lease_spec_rules), RULE_END};
