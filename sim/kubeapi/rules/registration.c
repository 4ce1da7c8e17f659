/* What extends the API: webhooks, policies, API services, flow control. */
#include "sim/kubeapi/rules/rules.h"

/* ---- rules of webhooks and policies ---- */

static void check_starred(struct check *c, const struct node *n, const char *text)
{
    bool star = false;
    for (const cJSON *v = node_is(n) ? n->v->child : NULL; v; v = v->next)
        star = star || str_eq_c(json_string(v), "*");
    if (star && node_count(n) > 1)
        rule_bad(c, n, "%s", text);
}

static void check_named_resources(struct check *c, const struct node *n)
{
    size_t i = 0;
    if (node_count(n) == 0)
        rule_required(c, n, NULL);
    for (const cJSON *v = node_is(n) ? n->v->child : NULL; v; v = v->next, i++) {
        const struct node item = node_item(n, i, v);
        if (json_string(v).n == 0)
            rule_required(c, &item, NULL);
        for (const cJSON *o = n->v->child; o; o = o->next)
            if (str_eq_c(json_string(o), "*/*") && node_count(n) > 1 && o == v)
                rule_bad(c, n, "if '*/*' is present, must not specify other resources");
    }
}

static void check_operations(struct check *c, const struct node *n)
{
    size_t i = 0;
    if (node_count(n) == 0)
        rule_required(c, n, NULL);
    check_starred(c, n, "if '*' is present, must not specify other operations");
    for (const cJSON *v = node_is(n) ? n->v->child : NULL; v; v = v->next, i++) {
        const struct node item = node_item(n, i, v);
        if (!text_among(json_string(v), "*|CONNECT|CREATE|DELETE|UPDATE"))
            rule_unsupported(c, &item, "*|CONNECT|CREATE|DELETE|UPDATE");
    }
}

static void check_rule(struct check *c, const struct node *n)
{
    static const struct rule scope[] = {RULE_ENUM("scope", "*|Cluster|Namespaced"), RULE_END};
    const struct node groups = node_at(n, "apiGroups"), versions = node_at(n, "apiVersions");
    const struct node operations = node_at(n, "operations"), resources = node_at(n, "resources");
    check_operations(c, &operations);
    if (node_count(&groups) == 0)
        rule_required(c, &groups, NULL);
    check_starred(c, &groups, "if '*' is present, must not specify other API groups");
    if (node_count(&versions) == 0)
        rule_required(c, &versions, NULL);
    check_starred(c, &versions, "if '*' is present, must not specify other API versions");
    check_named_resources(c, &resources);
    rule_walk(c, scope, n);
}

/* ---- webhooks ---- */

static void check_url(struct check *c, const struct node *n)
{
    struct str url = json_string(n->v);
    if (!str_starts(url, STR("https://")))
        rule_bad_text(
            c, n, str_starts(url, STR("http://")) ? STR("http") : str_empty,
            "'https' is the only allowed URL scheme; desired format: https://host[/path]");
    else if (url.n == 8 || url.p[8] == '/')
        rule_bad_text(c, n, str_empty,
                      "host must be specified; desired format: https://host[/path]");
    if (str_find_char(url, '#') >= 0)
        rule_bad_text(c, n, str_sub(url, (size_t)str_find_char(url, '#') + 1, url.n),
                      "fragments are not permitted in the URL");
    if (str_find_char(url, '?') >= 0)
        rule_bad_text(c, n, str_sub(url, (size_t)str_find_char(url, '?') + 1, url.n),
                      "query parameters are not permitted in the URL");
}

static void check_path(struct check *c, const struct node *n)
{
    struct str s = json_string(n->v);
    if (node_is(n) && !str_starts(s, STR("/")))
        rule_bad(c, n, "must start with a '/'");
    else if (node_is(n) && str_find(s, STR("//")) >= 0)
        rule_bad(c, n, "segment[0] may not be empty");
}

static void check_client(struct check *c, const struct node *n)
{
    static const struct rule service_rules_[] = {RULE_REQUIRED("name"), RULE_REQUIRED("namespace"),
                                                 RULE_CALL("path", check_path), RULE_PORT("port"),
                                                 RULE_END};
    const struct node url = node_at(n, "url"), service = node_at(n, "service");
    if (node_is(&url) == node_is(&service))
        rule_required(c, n, "exactly one of url or service is required");
    else if (node_is(&url))
        check_url(c, &url);
    else
        rule_walk(c, service_rules_, &service);
}

static void check_versions(struct check *c, const struct node *n)
{
    bool known = false;
    if (node_count(n) == 0) {
        rule_required(c, n, "must specify one of v1, v1beta1");
        return;
    }
    for (const cJSON *v = n->v->child; v; v = v->next)
        known = known || text_among(json_string(v), "v1|v1beta1");
    if (!known)
        rule_bad(c, n, "must include at least one of v1, v1beta1");
}

static void check_effects(struct check *c, const struct node *n)
{
    if (json_string(n->v).n == 0)
        rule_required(c, n, "must specify one of None, NoneOnDryRun");
    else if (!text_among(json_string(n->v), "None|NoneOnDryRun"))
        rule_unsupported(c, n, "None|NoneOnDryRun");
}

static void check_seconds(struct check *c, const struct node *n)
{
    int64_t v;
    if (node_is(n) && json_int(n->v, &v) && (v < 1 || v > 30))
        rule_bad(c, n, "the timeout value must be between 1 and 30 seconds");
}

static const struct rule condition_rules[] = {RULE_NAME_SET("name", NAME_QUALIFIED),
                                              RULE_REQUIRED("expression"), RULE_END};
static const struct rule hook_rules[] = {RULE_NAME_SET("name", NAME_DOMAIN3),
                                         RULE_CALL("admissionReviewVersions", check_versions),
                                         {.field = "rules", .op = OP_EACH, .call = check_rule},
                                         RULE_ENUM("failurePolicy", "Fail|Ignore"),
                                         RULE_ENUM("matchPolicy", "Equivalent|Exact"),
                                         RULE_CALL("sideEffects", check_effects),
                                         RULE_CALL("timeoutSeconds", check_seconds),
                                         RULE_CALL("namespaceSelector", rule_selector),
                                         RULE_CALL("objectSelector", rule_selector),
                                         RULE_CALL("clientConfig", check_client),
                                         RULE_ENUM("reinvocationPolicy", "IfNeeded|Never"),
                                         RULE_EACH("matchConditions", condition_rules),
                                         RULE_UNIQUE("matchConditions", "name"),
                                         RULE_END};
const struct rule webhook_rules[] = {RULE_EACH("webhooks", hook_rules),
                                     RULE_UNIQUE("webhooks", "name"), RULE_END};

/* ---- validating admission policies ---- */

static void check_constraints(struct check *c, const struct node *n)
{
    static const struct rule rules[] = {
        RULE_CALL("namespaceSelector", rule_selector),
        RULE_CALL("objectSelector", rule_selector),
        RULE_ENUM("matchPolicy", "Equivalent|Exact"),
        {.field = "resourceRules", .op = OP_EACH, .call = check_rule},
        {.field = "excludeResourceRules", .op = OP_EACH, .call = check_rule},
        RULE_END};
    const struct node list = node_at(n, "resourceRules");
    if (!node_is(n)) {
        rule_required(c, n, NULL);
        return;
    }
    rule_walk(c, rules, n);
    if (node_count(&list) == 0)
        rule_required(c, &list, NULL);
}

static void check_validation(struct check *c, const struct node *n)
{
    const struct node rule = node_at(n, "expression"), message = node_at(n, "message");
    struct str text = json_string(message.v);
    if (str_trim(json_string(rule.v)).n == 0)
        rule_required(c, &rule, "expression is not specified");
    if (node_is(&message) && str_trim(text).n == 0)
        rule_bad(c, &message, "message must be non-empty if specified");
    else if (str_find_char(text, '\n') >= 0)
        rule_bad(c, &message, "message must not contain line breaks");
}

static void check_policy(struct check *c, const struct node *n)
{
    static const struct rule kind_rules[] = {RULE_REQUIRED("apiVersion"), RULE_REQUIRED("kind"),
                                             RULE_END};
    static const struct rule rules[] = {
        RULE_ENUM_SET("failurePolicy", "Fail|Ignore"),
        RULE_IN("paramKind", kind_rules),
        RULE_CALL("matchConstraints", check_constraints),
        {.field = "validations", .op = OP_EACH, .call = check_validation},
        RULE_EACH("matchConditions", condition_rules),
        RULE_UNIQUE("matchConditions", "name"),
        RULE_UNIQUE("variables", "name"),
        RULE_END};
    const struct node list = node_at(n, "validations"), notes = node_at(n, "auditAnnotations");
    if (node_count(&list) == 0 && node_count(&notes) == 0) {
        rule_required(c, &list, "validations or auditAnnotations must be set");
        rule_required(c, &notes, "validations or auditAnnotations must be set");
    }
    rule_walk(c, rules, n);
}

static void check_actions(struct check *c, const struct node *n)
{
    bool deny = false, warn = false;
    size_t i = 0;
    if (node_count(n) == 0)
        rule_required(c, n, NULL);
    for (const cJSON *v = node_is(n) ? n->v->child : NULL; v; v = v->next, i++) {
        const struct node item = node_item(n, i, v);
        if (!text_among(json_string(v), "Audit|Deny|Warn"))
            rule_unsupported(c, &item, "Audit|Deny|Warn");
        deny = deny || str_eq_c(json_string(v), "Deny");
        warn = warn || str_eq_c(json_string(v), "Warn");
    }
    if (deny && warn)
        rule_bad(c, n,
                 "must not contain both Deny and Warn (repeating the same validation failure "
                 "information "
                 "in the API response and headers serves no purpose)");
}

const struct rule policy_rules[] = {RULE_CALL("spec", check_policy), RULE_END};
static const struct rule policy_binding_spec_rules[] = {
    RULE_REQUIRED("policyName"), RULE_CALL("validationActions", check_actions),
    RULE_UNIQUE("validationActions", NULL), RULE_END};
const struct rule policy_binding_rules[] = {RULE_IN("spec", policy_binding_spec_rules), RULE_END};

/* ---- API services ---- */

static void check_api_service(struct check *c, const struct node *n)
{
    const struct node metadata = node_at(n, "metadata"), name = node_at(&metadata, "name");
    const struct node spec = node_at(n, "spec"), service = node_at(&spec, "service");
    struct str group = json_string_at(spec.v, "group"), version = json_string_at(spec.v, "version");
    struct str want = arena_printf(&c->r->a, STR_FMT "." STR_FMT, STR_ARG(version), STR_ARG(group));
    static const struct rule priorities[] = {RULE_RANGE("groupPriorityMinimum", 1, 20000),
                                             RULE_RANGE("versionPriority", 1, 1000), RULE_END};
    static const struct rule of_service[] = {RULE_REQUIRED("namespace"), RULE_REQUIRED("name"),
                                             RULE_END};
    if (!str_eq(want, json_string(name.v)))
        rule_bad(c, &name, "must be `spec.version+\".\"+spec.group`: \"" STR_FMT "\"",
                 STR_ARG(want));
    rule_walk(c, priorities, &spec);
    if (node_is(&service))
        rule_walk(c, of_service, &service);
}

const struct rule api_service_rules[] = {RULE_CALL(NULL, check_api_service), RULE_END};

/* ---- flow control ---- */

static const struct rule level_ref_rules[] = {RULE_NAME_SET("name", NAME_SUBDOMAIN), RULE_END};
static const struct rule flow_method_rules[] = {RULE_ENUM("type", "ByNamespace|ByUser"), RULE_END};
static const struct rule flow_spec_rules[] = {
    RULE_RANGE("matchingPrecedence", 1, 10000), RULE_IN("distinguisherMethod", flow_method_rules),
    RULE_IN("priorityLevelConfiguration", level_ref_rules), RULE_END};
const struct rule flow_schema_rules[] = {RULE_IN("spec", flow_spec_rules), RULE_END};

static void check_level(struct check *c, const struct node *n)
{
    const struct node limited = node_at(n, "limited"), exempt = node_at(n, "exempt"),
                      type = node_at(n, "type");
    struct str is = json_string(type.v);
    if (str_eq_c(is, "Limited") && !node_is(&limited))
        rule_required(c, &limited, "must not be empty when type is Limited");
    if (str_eq_c(is, "Exempt") && node_is(&limited))
        rule_forbid(c, &limited, "must be nil if the type is not Limited");
    if (str_eq_c(is, "Limited") && node_is(&exempt))
        rule_forbid(c, &exempt, "must be nil if the type is Limited");
    (void)rule_enum(c, &type, "Exempt|Limited", true);
}

const struct rule priority_level_rules[] = {RULE_CALL("spec", check_level), RULE_END};
