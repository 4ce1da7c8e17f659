/* Pod specs: what stands beside containers and volumes; defaults that are computed. */
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/rules/rules.h"
#include "sim/kubeapi/types/quantity.h"

/* ---- defaults ---- */

/* Always for no tag and for :latest. */
static struct str pull_policy(struct str image)
{
    ptrdiff_t digest = str_find_char(image, '@');
    struct str rest = digest < 0 ? image : str_sub(image, 0, (size_t)digest), tag = str_empty;
    for (size_t i = rest.n; i > 0 && rest.p[i - 1] != '/'; i--)
        if (rest.p[i - 1] == ':') {
            tag = str_sub(rest, i, rest.n);
            break;
        }
    if ((tag.n == 0 && digest < 0) || str_eq_c(tag, "latest"))
        return STR("Always");
    return STR("IfNotPresent");
}

/* What is limited and not asked for is asked for to the limit. */
static void default_requests(struct arena *a, cJSON *resources)
{
    const cJSON *limits = json_get(resources, "limits");
    cJSON *requests = json_get(resources, "requests");
    for (const cJSON *l = limits ? limits->child : NULL; l; l = l->next) {
        if (!requests) {
            requests = json_object(a);
            json_set(a, resources, STR("requests"), requests);
        }
        if (!json_get(requests, l->string))
            json_set_str(a, requests, l->string, json_string(l));
    }
}

static void default_container(struct api_request *r, cJSON *container)
{
    if (container->type != cJSON_Object)
        return;
    if (json_string_at(container, "imagePullPolicy").n == 0)
        json_set_str(&r->a, container, "imagePullPolicy",
                     pull_policy(json_string_at(container, "image")));
    cJSON *resources = json_get(container, "resources");
    if (resources && resources->type == cJSON_Object)
        default_requests(&r->a, resources);
}

/* Ports of the host are those of the container there. */
static void default_host_ports(struct api_request *r, cJSON *container)
{
    cJSON *ports = json_get(container, "ports");
    for (cJSON *p = ports ? ports->child : NULL; p; p = p->next)
        if (json_is_empty(json_get(p, "hostPort")))
            json_set_int(&r->a, p, "hostPort", json_int_at(p, "containerPort", 0));
}

void default_pod_spec(struct api_request *r, cJSON *spec)
{
    static const char *const lists[] = {"initContainers", "containers", "ephemeralContainers"};
    if (!spec || spec->type != cJSON_Object)
        return;
    struct str account = json_string_at(spec, "serviceAccountName");
    struct str alias = json_string_at(spec, "serviceAccount");
    bool host = json_bool_at(spec, "hostNetwork", false);
    if (account.n > 0)
        json_set_str(&r->a, spec, "serviceAccount", account);
    else if (alias.n > 0)
        json_set_str(&r->a, spec, "serviceAccountName", alias);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        cJSON *list = json_get(spec, lists[i]);
        for (cJSON *c = list ? list->child : NULL; c; c = c->next) {
            default_container(r, c);
            if (host && i < 2)
                default_host_ports(r, c);
        }
    }
}

void default_pod_template(struct api_request *r, cJSON *template)
{
    default_pod_spec(r, json_get(template, "spec"));
}

/* ---- quality of service ---- */

static bool amount_is_zero(struct str text)
{
    struct quantity q;
    return quantity_parse(text, &q) != NULL || q.nanos == 0;
}

static bool has_compute(const cJSON *map)
{
    static const char *const names[] = {"cpu", "memory"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct str text = json_string_at(map, names[i]);
        if (text.n > 0 && !amount_is_zero(text))
            return true;
    }
    return false;
}

/* Limits for both, and requests are the limits. */
static bool is_guaranteed(const cJSON *resources)
{
    static const char *const names[] = {"cpu", "memory"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct quantity l, q;
        struct str limit = json_string_at(json_get(resources, "limits"), names[i]);
        struct str request = json_string_at(json_get(resources, "requests"), names[i]);
        if (limit.n == 0 || amount_is_zero(limit) || quantity_parse(limit, &l) ||
            (request.n > 0 && (quantity_parse(request, &q) || quantity_cmp(&l, &q) != 0)))
            return false;
    }
    return true;
}

struct str pod_qos(const cJSON *spec)
{
    static const char *const lists[] = {"containers", "initContainers"};
    bool any = false, all = true;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        const cJSON *list = json_get(spec, lists[i]);
        for (const cJSON *c = list ? list->child : NULL; c; c = c->next) {
            const cJSON *resources = json_get(c, "resources");
            any = any || has_compute(json_get(resources, "requests")) ||
                  has_compute(json_get(resources, "limits"));
            all = all && is_guaranteed(resources);
        }
    }
    return !any ? STR("BestEffort") : all ? STR("Guaranteed") : STR("Burstable");
}

/* ---- rules ---- */

static void check_toleration(struct check *c, const struct node *n)
{
    const struct node key = node_at(n, "key"), op = node_at(n, "operator");
    const struct node effect = node_at(n, "effect");
    struct str operator= json_string(op.v), value = json_string_at(n->v, "value");
    const char *texts[NAMES_PROBLEMS_MAX];
    if (json_string(key.v).n > 0)
        (void)rule_name(c, &key, NAME_QUALIFIED);
    else if (!str_eq_c(operator, "Exists"))
        rule_bad_text(c, &op, operator,
                      "operator must be Exists when `key` is empty, which means \"match all values "
                      "and all keys\"");
    if (json_get(n->v, "tolerationSeconds") && !str_eq_c(json_string(effect.v), "NoExecute"))
        rule_bad_text(c, &effect, json_string(effect.v),
                      "effect must be 'NoExecute' when `tolerationSeconds` is set");
    if (operator.n == 0 || str_eq_c(operator, "Equal")) {
        size_t count = names_problems(NAME_LABEL_VALUE, value, texts);
        for (size_t i = 0; i < count; i++)
            rule_bad_text(c, &op, value, "%s", texts[i]);
    } else if (str_eq_c(operator, "Exists")) {
        if (value.n > 0)
            rule_bad_json(c, &op, internal_text(c, "io.k8s.api.core.v1.Toleration", n->v),
                          "value must be empty when `operator` is 'Exists'");
    } else {
        rule_unsupported(c, &op, "Equal|Exists");
    }
    (void)rule_enum(c, &effect, "NoSchedule|PreferNoSchedule|NoExecute", false);
}

void check_tolerations(struct check *c, const struct node *n)
{
    size_t i = 0;
    for (const cJSON *v = node_is(n) ? n->v->child : NULL; v; v = v->next, i++) {
        const struct node item = node_item(n, i, v);
        check_toleration(c, &item);
    }
}

static void check_deadline(struct check *c, const struct node *n)
{
    int64_t v;
    if (node_is(n) && json_int(n->v, &v) && (v < 1 || v > INT32_MAX))
        rule_bad(c, n, "must be between 1 and 2147483647, inclusive");
}

/* Spread constraints: their own rules, and no pair of them is the same. */
static void check_spread(struct check *c, const struct node *n)
{
    const struct node skew = node_at(n, "maxSkew"), key = node_at(n, "topologyKey");
    const struct node when = node_at(n, "whenUnsatisfiable"),
                      selector = node_at(n, "labelSelector");
    int64_t v = 0;
    if (!json_int(skew.v, &v) || v <= 0)
        rule_bad_json(c, &skew, arena_printf(&c->r->a, "%lld", (long long)v),
                      "must be greater than zero");
    if (json_string(key.v).n == 0)
        rule_required(c, &key, "can not be empty");
    else
        (void)rule_name(c, &key, NAME_QUALIFIED);
    if (!text_among(json_string(when.v), "DoNotSchedule|ScheduleAnyway"))
        rule_unsupported(c, &when, "DoNotSchedule|ScheduleAnyway");
    rule_selector(c, &selector);
}

static void check_spreads(struct check *c, const struct node *n)
{
    size_t i = 0;
    for (const cJSON *v = node_is(n) ? n->v->child : NULL; v; v = v->next, i++) {
        const struct node item = node_item(n, i, v);
        check_spread(c, &item);
        for (const cJSON *w = n->v->child; w != v; w = w->next) {
            if (!str_eq(json_string_at(w, "topologyKey"), json_string_at(v, "topologyKey")) ||
                !str_eq(json_string_at(w, "whenUnsatisfiable"),
                        json_string_at(v, "whenUnsatisfiable")))
                continue;
            api_invalid(c->r, "FieldValueDuplicate",
                        arena_printf(&c->r->a, STR_FMT ".{topologyKey, whenUnsatisfiable}",
                                     STR_ARG(node_text(c, &item))),
                        "Duplicate value: \"{" STR_FMT ", " STR_FMT "}\"",
                        STR_ARG(json_string_at(v, "topologyKey")),
                        STR_ARG(json_string_at(v, "whenUnsatisfiable")));
            break;
        }
    }
}

static void check_host_alias(struct check *c, const struct node *n)
{
    static const struct rule rules[] = {RULE_NAME_SET("ip", NAME_IP), RULE_END};
    const struct node names = node_at(n, "hostnames");
    size_t i = 0;
    rule_walk(c, rules, n);
    for (const cJSON *v = node_is(&names) ? names.v->child : NULL; v; v = v->next, i++) {
        const struct node name = node_item(&names, i, v);
        (void)rule_name(c, &name, NAME_SUBDOMAIN);
    }
}

static void check_dns_config(struct check *c, const struct node *n)
{
    const struct node config = node_at(n, "dnsConfig"), servers = node_at(&config, "nameservers");
    const struct node searches = node_at(&config, "searches");
    size_t i = 0;
    if (str_eq_c(json_string_at(n->v, "dnsPolicy"), "None") && node_count(&servers) == 0) {
        const struct node at = node_is(&config) ? servers : config;
        rule_required(c, &at,
                      node_is(&config)
                          ? "must provide at least one DNS nameserver when `dnsPolicy` is None"
                          : "must provide `dnsConfig` when `dnsPolicy` is None");
        return;
    }
    if (node_count(&servers) > 3)
        api_invalid(c->r, "FieldValueInvalid", node_text(c, &servers),
                    "Invalid value: must not have more than 3 nameservers");
    for (const cJSON *v = node_is(&servers) ? servers.v->child : NULL; v; v = v->next, i++) {
        const struct node item = node_item(&servers, i, v);
        (void)rule_name(c, &item, NAME_IP);
    }
    i = 0;
    for (const cJSON *v = node_is(&searches) ? searches.v->child : NULL; v; v = v->next, i++) {
        const struct node item = node_item(&searches, i, v);
        struct str s = json_string(v);
        if (s.n > 1 && s.p[s.n - 1] == '.')
            s = str_sub(s, 0, s.n - 1);
        const char *texts[NAMES_PROBLEMS_MAX];
        size_t count = str_eq_c(s, ".") ? 0 : names_problems(NAME_SUBDOMAIN, s, texts);
        for (size_t k = 0; k < count; k++)
            rule_bad_text(c, &item, s, "%s", texts[k]);
    }
}

/* ---- security ---- */

static const struct rule sysctl_rules[] = {RULE_NAME_SET("name", NAME_SYSCTL), RULE_END};

static void check_ids(struct check *c, const struct node *n)
{
    static const struct rule rules[] = {RULE_RANGE("runAsUser", 0, 2147483647),
                                        RULE_RANGE("runAsGroup", 0, 2147483647),
                                        RULE_RANGE("fsGroup", 0, 2147483647),
                                        RULE_EACH("sysctls", sysctl_rules),
                                        RULE_UNIQUE("sysctls", "name"),
                                        RULE_ENUM("fsGroupChangePolicy", "OnRootMismatch|Always"),
                                        RULE_END};
    const struct node seccomp = node_at(n, "seccompProfile"), type = node_at(&seccomp, "type");
    const struct node file = node_at(&seccomp, "localhostProfile");
    if (!node_is(n))
        return;
    rule_walk(c, rules, n);
    if (!node_is(&seccomp))
        return;
    bool local = str_eq_c(json_string(type.v), "Localhost");
    if (local && json_string(file.v).n == 0)
        rule_required(c, &file, "must be set when seccomp type is Localhost");
    else if (!local && node_is(&file))
        rule_bad(c, &file, "can only be set when seccomp type is Localhost");
    (void)rule_enum(c, &type, "Localhost|RuntimeDefault|Unconfined", true);
}

/* ---- affinity ---- */

static void check_node_requirement(struct check *c, const struct node *n)
{
    const struct node op = node_at(n, "operator"), values = node_at(n, "values");
    const struct node key = node_at(n, "key");
    struct str name = json_string(op.v);
    size_t count = node_count(&values);
    if (text_among(name, "In|NotIn") && count == 0)
        rule_required(c, &values, "must be specified when `operator` is 'In' or 'NotIn'");
    else if (text_among(name, "Exists|DoesNotExist") && count > 0)
        rule_forbid(c, &values,
                    "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    else if (text_among(name, "Gt|Lt") && count != 1)
        rule_required(c, &values, "must be specified single value when `operator` is 'Lt' or 'Gt'");
    else if (!text_among(name, "In|NotIn|Exists|DoesNotExist|Gt|Lt"))
        rule_bad_text(c, &op, name, "not a valid selector operator");
    (void)rule_name(c, &key, NAME_QUALIFIED);
}

static const struct rule node_term_rules[] = {
    {.field = "matchExpressions", .op = OP_EACH, .call = check_node_requirement}, RULE_END};

static void check_node_selector(struct check *c, const struct node *n)
{
    const struct node terms = node_at(n, "nodeSelectorTerms");
    static const struct rule rules[] = {RULE_EACH("nodeSelectorTerms", node_term_rules), RULE_END};
    if (!node_is(n))
        return;
    if (node_count(&terms) == 0)
        rule_required(c, &terms, "must have at least one node selector term");
    rule_walk(c, rules, n);
}

static const struct rule preferred_node_rules[] = {
    RULE_RANGE("weight", 1, 100), RULE_IN("preference", node_term_rules), RULE_END};

static void check_affinity_term(struct check *c, const struct node *n)
{
    const struct node selector = node_at(n, "labelSelector"),
                      spaces = node_at(n, "namespaceSelector");
    const struct node key = node_at(n, "topologyKey");
    rule_selector(c, &selector);
    rule_selector(c, &spaces);
    if (json_string(key.v).n == 0)
        rule_required(c, &key, "can not be empty");
    else
        (void)rule_name(c, &key, NAME_QUALIFIED);
}

static const struct rule weighted_rules[] = {
    RULE_RANGE("weight", 1, 100), RULE_CALL("podAffinityTerm", check_affinity_term), RULE_END};
static const struct rule pod_affinity_rules[] = {
    {.field = "requiredDuringSchedulingIgnoredDuringExecution",
     .op = OP_EACH,
     .call = check_affinity_term},
    RULE_EACH("preferredDuringSchedulingIgnoredDuringExecution", weighted_rules),
    RULE_END};
static const struct rule node_affinity_rules[] = {
    RULE_CALL("requiredDuringSchedulingIgnoredDuringExecution", check_node_selector),
    RULE_EACH("preferredDuringSchedulingIgnoredDuringExecution", preferred_node_rules), RULE_END};
static const struct rule affinity_rules[] = {
    RULE_IN("nodeAffinity", node_affinity_rules), RULE_IN("podAffinity", pod_affinity_rules),
    RULE_IN("podAntiAffinity", pod_affinity_rules), RULE_END};

/* ---- the whole ---- */

static const struct rule local_ref_rules[] = {RULE_REQUIRED("name"), RULE_END};
static const struct rule gate_rules[] = {RULE_NAME_SET("name", NAME_QUALIFIED), RULE_END};
static const struct rule ready_rules[] = {RULE_NAME("conditionType", NAME_QUALIFIED), RULE_END};
static const struct rule os_rules[] = {RULE_ENUM_SET("name", "linux|windows"), RULE_END};

const struct rule pod_spec_rules[] = {
    RULE_CALL("volumes", check_volumes),
    RULE_CALL(NULL, check_containers),
    RULE_CALL(NULL, check_init_containers),
    RULE_CALL(NULL, check_ephemeral_containers),
    RULE_ENUM_SET("restartPolicy", "Always|OnFailure|Never"),
    RULE_ENUM_SET("dnsPolicy", "ClusterFirst|ClusterFirstWithHostNet|Default|None"),
    RULE_LABELS("nodeSelector"),
    RULE_CALL("securityContext", check_ids),
    RULE_EACH("imagePullSecrets", local_ref_rules),
    RULE_IN("affinity", affinity_rules),
    RULE_CALL(NULL, check_dns_config),
    RULE_EACH("readinessGates", ready_rules),
    RULE_EACH("schedulingGates", gate_rules),
    RULE_UNIQUE("schedulingGates", "name"),
    RULE_CALL("topologySpreadConstraints", check_spreads),
    RULE_NAME("serviceAccountName", NAME_SUBDOMAIN),
    RULE_NAME("nodeName", NAME_SUBDOMAIN),
    RULE_CALL("activeDeadlineSeconds", check_deadline),
    RULE_NAME("hostname", NAME_LABEL),
    RULE_NAME("subdomain", NAME_LABEL),
    RULE_CALL("tolerations", check_tolerations),
    {.field = "hostAliases", .op = OP_EACH, .call = check_host_alias},
    RULE_NAME("priorityClassName", NAME_SUBDOMAIN),
    RULE_NAME("runtimeClassName", NAME_SUBDOMAIN),
    RULE_ENUM("preemptionPolicy", "PreemptLowerPriority|Never"),
    RULE_CALL("overhead", check_amounts),
    RULE_IN("os", os_rules),
    RULE_END};

void check_pod_template(struct check *c, const struct node *n)
{
    static const cJSON nothing = {.type = cJSON_Object};
    const struct node metadata = node_at(n, "metadata");
    struct node labels = node_at(n, "labels"), spec = node_at(n, "spec");
    const struct node debug = node_at(&spec, "ephemeralContainers");
    labels.v = json_get(metadata.v, "labels"); /* the API leaves metadata out of this path */
    if (!spec.v)
        spec.v = &nothing;
    rule_labels(c, &labels);
    rule_walk(c, pod_spec_rules, &spec);
    if (node_count(&debug) > 0)
        rule_forbid(c, &debug, "ephemeral containers not allowed in pod template");
}
