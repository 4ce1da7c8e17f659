/* Services: addresses and ports out of ranges, and what must fit together. */
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/rules/addresses.h"
#include "sim/kubeapi/rules/rules.h"

enum { AFFINITY_S = 10800 }; /* how long a client stays with its pod */

static bool is_type(const cJSON *tree, const char *types)
{
    return text_among(json_string_at(tree, "spec.type"), types);
}

static bool has_address(struct str ip)
{
    return ip.n > 0 && !str_eq_c(ip, "None");
}

/* ---- defaults ---- */

void default_service(struct api_request *r, cJSON *tree, bool creating)
{
    cJSON *spec = json_get(tree, "spec"), *ports = json_get(spec, "ports");
    if (!spec || spec->type != cJSON_Object)
        return;
    for (cJSON *p = ports ? ports->child : NULL; p; p = p->next) {
        const cJSON *target = json_get(p, "targetPort"), *port = json_get(p, "port");
        if (json_is_empty(target) && port)
            json_set(&r->a, p, STR("targetPort"), json_copy(&r->a, port));
    }
    if (!str_eq_c(json_string_at(spec, "sessionAffinity"), "ClientIP"))
        (void)json_unset(spec, STR("sessionAffinityConfig"));
    else if (json_is_empty(json_path(spec, "sessionAffinityConfig.clientIP.timeoutSeconds")))
        json_set_int(&r->a, json_ensure(&r->a, spec, "sessionAffinityConfig.clientIP"),
                     "timeoutSeconds", AFFINITY_S);
    if (!creating && json_is_empty(json_get(spec, "clusterIP")) && json_get(spec, "clusterIPs"))
        return;
}

/* ---- what the server adds ---- */

static void set_address(struct api_request *r, cJSON *spec, struct str ip)
{
    cJSON *list = json_array(&r->a);
    json_append(list, json_str(&r->a, ip));
    json_set_str(&r->a, spec, "clusterIP", ip);
    json_set(&r->a, spec, STR("clusterIPs"), list);
}

static void copy_if_absent(struct api_request *r, cJSON *to, const cJSON *from, const char *name)
{
    const cJSON *v = json_get(from, name);
    if (v && json_is_empty(json_get(to, name)))
        json_set(&r->a, to, str_c(name), json_copy(&r->a, v));
}

/* A writer that leaves out what was given to the service keeps it. */
static void keep_allocated(struct api_request *r, cJSON *spec, const cJSON *was, bool ports_too)
{
    cJSON *ports = json_get(spec, "ports");
    const cJSON *old = json_get(was, "ports");
    copy_if_absent(r, spec, was, "clusterIP");
    copy_if_absent(r, spec, was, "clusterIPs");
    copy_if_absent(r, spec, was, "ipFamilies");
    copy_if_absent(r, spec, was, "ipFamilyPolicy");
    copy_if_absent(r, spec, was, "healthCheckNodePort");
    for (cJSON *p = ports && ports_too ? ports->child : NULL; p; p = p->next)
        for (const cJSON *o = old ? old->child : NULL; o && json_is_empty(json_get(p, "nodePort"));
             o = o->next)
            if (json_int_at(o, "port", 0) == json_int_at(p, "port", -1) &&
                str_eq(json_string_at(o, "protocol"), json_string_at(p, "protocol")))
                copy_if_absent(r, p, o, "nodePort");
}

static void drop_ports(cJSON *spec, const cJSON *was)
{
    cJSON *ports = json_get(spec, "ports");
    const cJSON *old = json_get(was, "ports");
    for (cJSON *p = ports ? ports->child : NULL; p; p = p->next)
        for (const cJSON *o = old ? old->child : NULL; o; o = o->next)
            if (json_int_at(o, "nodePort", 0) == json_int_at(p, "nodePort", -1)) {
                (void)json_unset(p, STR("nodePort"));
                break;
            }
}

/* What another type has no use for goes when the type changes and the writer did not touch it. */
static void drop_unused(struct api_request *r, cJSON *tree, const cJSON *was)
{
    static const char *const of_balancer[] = {"allocateLoadBalancerNodePorts", "loadBalancerClass",
                                              "healthCheckNodePort"};
    static const char *const of_address[] = {"clusterIP", "clusterIPs", "ipFamilies",
                                             "ipFamilyPolicy", "internalTrafficPolicy"};
    cJSON *spec = json_get(tree, "spec");
    bool had_ports = is_type(was, "NodePort|LoadBalancer"),
         has_ports = is_type(tree, "NodePort|LoadBalancer");
    if (had_ports && !has_ports) {
        drop_ports(spec, json_get(was, "spec"));
        (void)json_unset(spec, STR("externalTrafficPolicy"));
    }
    if (is_type(was, "LoadBalancer") && !is_type(tree, "LoadBalancer")) {
        for (size_t i = 0; i < ARRAY_LEN(of_balancer); i++)
            (void)json_unset(spec, str_c(of_balancer[i]));
        json_set(&r->a, tree, STR("status"), json_object(&r->a));
        json_set(&r->a, json_get(tree, "status"), STR("loadBalancer"), json_object(&r->a));
    }
    if (!is_type(was, "ExternalName") && is_type(tree, "ExternalName"))
        for (size_t i = 0; i < ARRAY_LEN(of_address); i++)
            (void)json_unset(spec, str_c(of_address[i]));
    if (is_type(was, "ExternalName") && !is_type(tree, "ExternalName"))
        (void)json_unset(spec, STR("externalName"));
}

static void prepare_families(struct api_request *r, cJSON *spec)
{
    struct str ip = json_string_at(spec, "clusterIP");
    cJSON *families = json_get(spec, "ipFamilies");
    if (!families) {
        families = json_array(&r->a);
        json_append(families,
                    json_str(&r->a, names_ip_family(ip) == 6 ? STR("IPv6") : STR("IPv4")));
        json_set(&r->a, spec, STR("ipFamilies"), families);
    }
    if (json_string_at(spec, "ipFamilyPolicy").n == 0)
        json_set_str(&r->a, spec, "ipFamilyPolicy",
                     str_eq_c(ip, "None") && json_is_empty(json_get(spec, "selector"))
                         ? STR("RequireDualStack")
                         : STR("SingleStack"));
}

static void node_port(struct api_request *r, struct str uid, cJSON *ports, cJSON *p)
{
    int64_t port = json_int_at(p, "nodePort", 0);
    struct str protocol = json_string_at(p, "protocol");
    if (port != 0)
        return;
    for (const cJSON *o = ports->child; o != p && port == 0;
         o = o->next) /* one number for both protocols */
        if (json_int_at(o, "port", 0) == json_int_at(p, "port", -1) &&
            !str_eq(json_string_at(o, "protocol"), protocol))
            port = json_int_at(o, "nodePort", 0);
    if (port == 0)
        port = addresses_free_port(r->api->addresses, uid, (unsigned)json_int_at(p, "port", 0));
    if (port != 0)
        json_set_int(&r->a, p, "nodePort", port);
}

void prepare_service(struct api_request *r, cJSON *tree, const struct kube_object *old)
{
    cJSON *spec = json_get(tree, "spec"), *ports = json_get(spec, "ports");
    struct str uid = json_string_at(tree, "metadata.uid");
    if (!spec || r->system)
        return;
    if (old) {
        const cJSON *was = kube_object_tree(old, &r->a);
        bool named = is_type(tree, "ExternalName") || is_type(was, "ExternalName");
        uid = old->uid;
        if (!named)
            keep_allocated(r, spec, json_get(was, "spec"), is_type(tree, "NodePort|LoadBalancer"));
        drop_unused(r, tree, was);
    }
    if (is_type(tree, "ExternalName"))
        return;
    const cJSON *list = json_get(spec, "clusterIPs");
    struct str ip = json_string_at(spec, "clusterIP");
    if (ip.n == 0 && list && list->child)
        ip = json_string(list->child);
    if (ip.n == 0)
        ip = addresses_free_ip(r->api->addresses, &r->a, uid);
    if (ip.n > 0 && (!list || json_string_at(spec, "clusterIP").n == 0))
        set_address(r, spec, ip);
    prepare_families(r, spec);
    bool wants =
        is_type(tree, "NodePort") || (is_type(tree, "LoadBalancer") &&
                                      json_bool_at(spec, "allocateLoadBalancerNodePorts", true));
    for (cJSON *p = ports && wants ? ports->child : NULL; p; p = p->next)
        node_port(r, uid, ports, p);
    if (is_type(tree, "LoadBalancer") &&
        str_eq_c(json_string_at(spec, "externalTrafficPolicy"), "Local") &&
        json_is_empty(json_get(spec, "healthCheckNodePort")))
        json_set_int(&r->a, spec, "healthCheckNodePort",
                     addresses_free_port(r->api->addresses, uid, 0));
}

/* ---- rules ---- */

static struct str own_name(const struct check *c)
{
    return c->updating ? c->r->p.name : json_string_at(c->root, "metadata.name");
}

static void check_port(struct check *c, const struct node *ports, const struct node *n)
{
    static const struct rule rules[] = {RULE_PORT("port"),
                                        RULE_ENUM_SET("protocol", "SCTP|TCP|UDP"),
                                        RULE_CALL("targetPort", check_port_or_name),
                                        RULE_NAME("appProtocol", NAME_QUALIFIED), RULE_END};
    const struct node name = node_at(n, "name");
    struct str text = json_string(name.v);
    if (text.n == 0 && node_count(ports) > 1)
        rule_required(c, &name, NULL);
    if (text.n > 0 && rule_name(c, &name, NAME_LABEL))
        for (const cJSON *o = ports->v->child; o != n->v; o = o->next)
            if (str_eq(json_string_at(o, "name"), text)) {
                rule_duplicate(c, &name);
                break;
            }
    rule_walk(c, rules, n);
}

static void check_port_pairs(struct check *c, const struct node *ports)
{
    size_t i = 0;
    for (const cJSON *p = node_is(ports) ? ports->v->child : NULL; p; p = p->next, i++)
        for (const cJSON *o = ports->v->child; o != p; o = o->next) {
            if (json_int_at(o, "port", 0) != json_int_at(p, "port", 0) ||
                !str_eq(json_string_at(o, "protocol"), json_string_at(p, "protocol")))
                continue;
            const struct node at = node_item(ports, i, p);
            api_invalid(c->r, "FieldValueDuplicate", node_text(c, &at),
                        "Duplicate value: {\"Name\":\"\",\"Protocol\":\"" STR_FMT
                        "\",\"AppProtocol\":null,\"Port\":%lld,\"TargetPort\":0,\"NodePort\":0}",
                        STR_ARG(json_string_at(p, "protocol")),
                        (long long)json_int_at(p, "port", 0));
            break;
        }
}

static void check_ports(struct check *c, const struct node *spec)
{
    const struct node ports = node_at(spec, "ports");
    bool headless = str_eq_c(json_string_at(spec->v, "clusterIP"), "None");
    size_t i = 0;
    if (node_count(&ports) == 0 && !headless && !is_type(c->root, "ExternalName"))
        rule_required(c, &ports, NULL);
    for (const cJSON *p = node_is(&ports) ? ports.v->child : NULL; p; p = p->next, i++) {
        const struct node item = node_item(&ports, i, p);
        check_port(c, &ports, &item);
    }
}

static void check_node_ports(struct check *c, const struct node *spec)
{
    const struct node ports = node_at(spec, "ports");
    bool cluster = is_type(c->root, "ClusterIP");
    size_t i = 0;
    for (const cJSON *p = node_is(&ports) ? ports.v->child : NULL; p; p = p->next, i++) {
        const struct node item = node_item(&ports, i, p), n = node_at(&item, "nodePort");
        int64_t port = json_int_at(p, "nodePort", 0);
        if (port == 0)
            continue;
        if (cluster || is_type(c->root, "ExternalName"))
            rule_forbid(c, &n, "may not be used when `type` is '" STR_FMT "'",
                        STR_ARG(json_string_at(spec->v, "type")));
        else if (port < ADDRESSES_PORT_MIN || port > ADDRESSES_PORT_MAX)
            rule_bad(c, &n,
                     "provided port is not in the valid range. The range of valid ports is %d-%d",
                     ADDRESSES_PORT_MIN, ADDRESSES_PORT_MAX);
        else if (!addresses_port_mine(c->r->api->addresses, (unsigned)port, c->r->ns, own_name(c)))
            rule_bad(c, &n, "provided port is already allocated");
    }
}

static void check_external(struct check *c, const struct node *spec)
{
    const struct node name = node_at(spec, "externalName"), ips = node_at(spec, "clusterIPs");
    if (!is_type(c->root, "ExternalName"))
        return;
    if (node_count(&ips) > 0)
        rule_forbid(c, &ips, "may not be set for ExternalName services");
    struct str text = json_string(name.v);
    if (text.n > 1 && text.p[text.n - 1] == '.')
        text = str_sub(text, 0, text.n - 1);
    const char *texts[NAMES_PROBLEMS_MAX];
    size_t count = text.n > 0 ? names_problems(NAME_SUBDOMAIN, text, texts) : 0;
    for (size_t i = 0; i < count; i++)
        rule_bad_text(c, &name, text, "%s", texts[i]);
    if (text.n == 0)
        rule_required(c, &name, NULL);
}

static void check_address(struct check *c, const struct node *spec)
{
    const struct node ips = node_at(spec, "clusterIPs");
    size_t i = 0;
    struct str ip = json_string_at(spec->v, "clusterIP");
    if (is_type(c->root, "ExternalName"))
        return;
    if (str_eq_c(ip, "None") && is_type(c->root, "NodePort|LoadBalancer")) {
        const struct node first = node_item(&ips, 0, ips.v ? ips.v->child : NULL);
        rule_bad(c, &first, "may not be set to 'None' for " STR_FMT " services",
                 STR_ARG(json_string_at(spec->v, "type")));
        return;
    }
    struct str was = json_string_at(c->old_root, "spec.clusterIP");
    bool replaced = was.n > 0 && !str_eq(was, ip); /* refused for that: nothing is allocated */
    for (const cJSON *v = node_is(&ips) ? ips.v->child : NULL; v; v = v->next, i++) {
        const struct node item = node_item(&ips, i, v);
        if (!has_address(json_string(v)) || !rule_name(c, &item, NAME_IP) || replaced)
            continue;
        const char *why =
            addresses_ip_problem(c->r->api->addresses, json_string(v), c->r->ns, own_name(c));
        if (why)
            rule_bad(c, &ips, "failed to allocate IP " STR_FMT ": %s", STR_ARG(json_string(v)),
                     why);
    }
}

static void check_addresses_listed(struct check *c, const struct node *spec)
{
    const struct node ips = node_at(spec, "clusterIPs"), families = node_at(spec, "ipFamilies");
    struct str ip = json_string_at(spec->v, "clusterIP");
    if (node_count(&ips) > 0 && !str_eq(json_string(ips.v->child), ip)) {
        const struct node first = node_item(&ips, 0, ips.v->child);
        rule_bad(c, &first, "first value must match `clusterIP`");
    }
    if (node_count(&families) > 0 && str_eq_c(json_string(families.v->child), "IPv6")) {
        const struct node first = node_item(&families, 0, families.v->child);
        rule_bad(c, &first, "not configured on this cluster");
    }
    if (str_eq_c(json_string_at(spec->v, "ipFamilyPolicy"), "RequireDualStack") &&
        has_address(ip)) {
        const struct node policy = node_at(spec, "ipFamilyPolicy");
        rule_bad(c, &policy, "this cluster is not configured for dual-stack services");
    }
}

static const struct rule service_spec_rules[] = {
    RULE_CALL(NULL, check_ports),
    RULE_CALL(NULL, check_external),
    RULE_LABELS("selector"),
    RULE_ENUM_SET("sessionAffinity", "ClientIP|None"),
    RULE_ENUM_SET("type", "ClusterIP|ExternalName|LoadBalancer|NodePort"),
    {.field = "externalIPs",
     .op = OP_EACH,
     .rules = (const struct rule[]){RULE_NAME(NULL, NAME_IP), RULE_END}},
    RULE_CALL("ports", check_port_pairs),
    RULE_ENUM("externalTrafficPolicy", "Cluster|Local"),
    RULE_ENUM("internalTrafficPolicy", "Cluster|Local"),
    RULE_EACH("loadBalancerSourceRanges",
              ((const struct rule[]){RULE_NAME(NULL, NAME_CIDR), RULE_END})),
    RULE_CALL(NULL, check_addresses_listed),
    RULE_CALL(NULL, check_node_ports),
    RULE_CALL(NULL, check_address),
    RULE_END};
const struct rule service_rules[] = {RULE_IN("spec", service_spec_rules), RULE_END};

static void check_address_stays(struct check *c, const struct node *n)
{
    const struct node spec = node_at(n, "spec"), ips = node_at(&spec, "clusterIPs");
    struct str was = json_string_at(spec.old, "clusterIP"),
               now = json_string_at(spec.v, "clusterIP");
    if (is_type(c->root, "ExternalName") || is_type(c->old_root, "ExternalName") ||
        str_eq(was, now))
        return;
    if (was.n == 0)
        return;
    struct node first = node_item(&ips, 0, ips.v);
    rule_bad(c, &first, "may not change once set");
}

const struct rule service_update_rules[] = {RULE_CALL(NULL, check_address_stays), RULE_END};
