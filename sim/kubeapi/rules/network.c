/* Ingresses, network policies, endpoint slices, address kinds. */
#include "sim/kubeapi/rules/rules.h"

/* ---- ingresses ---- */

static void check_backend(struct check *c, const struct node *n)
{
    const struct node service = node_at(n, "service"), resource = node_at(n, "resource");
    const struct node name = node_at(&service, "name"), port = node_at(&service, "port");
    const struct node port_name = node_at(&port, "name"), number = node_at(&port, "number");
    static const struct rule resource_rules[] = {RULE_REQUIRED("kind"), RULE_REQUIRED("name"),
                                                 RULE_END};
    bool named = json_string(port_name.v).n > 0, numbered = !json_is_empty(number.v);
    int64_t v;
    if (node_is(&service) && node_is(&resource)) {
        rule_bad_text(c, n, str_empty, "cannot set both resource and service backends");
        return;
    }
    if (node_is(&resource)) {
        rule_walk(c, resource_rules, &resource);
        return;
    }
    if (!node_is(&service)) {
        rule_required(c, n, "resource or service backend is required");
        return;
    }
    if (json_string(name.v).n == 0)
        rule_required(c, &name, NULL);
    else
        (void)rule_name(c, &name, NAME_1035);
    if (named && numbered)
        rule_bad(c, &port, "cannot set both port name & port number");
    else if (!named && !numbered)
        rule_required(c, &port, "port name or number is required");
    else if (named)
        (void)rule_name(c, &port_name, NAME_PORT);
    else if (json_int(number.v, &v) && (v < 1 || v > 65535))
        rule_bad(c, &number, "must be between 1 and 65535, inclusive");
}

static void check_ingress_path(struct check *c, const struct node *n)
{
    static const char *const bad[] = {"//", "/./", "/../", "%2f", "%2F"};
    const struct node type = node_at(n, "pathType"), path = node_at(n, "path");
    const struct node backend = node_at(n, "backend");
    struct str kind = json_string(type.v), text = json_string(path.v);
    if (kind.n == 0) {
        rule_required(c, &type, "pathType must be specified");
    } else if (!text_among(kind, "Exact|ImplementationSpecific|Prefix")) {
        rule_unsupported(c, &type, "Exact|ImplementationSpecific|Prefix");
    } else {
        if (text.n > 0 ? text.p[0] != '/' : !str_eq_c(kind, "ImplementationSpecific"))
            rule_bad_text(c, &path, text, "must be an absolute path");
        for (size_t i = 0; i < ARRAY_LEN(bad) && !str_eq_c(kind, "ImplementationSpecific"); i++)
            if (str_find(text, str_c(bad[i])) >= 0)
                rule_bad_text(c, &path, text, "must not contain '%s'", bad[i]);
    }
    check_backend(c, &backend);
}

static void check_host(struct check *c, const struct node *n)
{
    struct str host = json_string(n->v);
    if (host.n == 0)
        return;
    if (names_ip_family(host))
        rule_bad(c, n, "must be a DNS name, not an IP address");
    else
        (void)rule_name(c, n, str_find_char(host, '*') >= 0 ? NAME_WILDCARD : NAME_SUBDOMAIN);
}

static void check_paths(struct check *c, const struct node *n)
{
    if (node_is(n) && node_count(n) == 0)
        rule_required(c, n, NULL);
}

static const struct rule http_rules[] = {
    RULE_CALL("paths", check_paths),
    {.field = "paths", .op = OP_EACH, .call = check_ingress_path},
    RULE_END};
static const struct rule ingress_rule_rules[] = {RULE_CALL("host", check_host),
                                                 RULE_IN("http", http_rules), RULE_END};
static const struct rule tls_rules[] = {{.field = "hosts", .op = OP_EACH, .call = check_host},
                                        RULE_NAME("secretName", NAME_SUBDOMAIN),
                                        RULE_END};

static void check_ingress(struct check *c, const struct node *n)
{
    static const struct rule rules[] = {RULE_EACH("rules", ingress_rule_rules),
                                        RULE_EACH("tls", tls_rules),
                                        RULE_NAME("ingressClassName", NAME_SUBDOMAIN), RULE_END};
    const struct node backend = node_at(n, "defaultBackend"), list = node_at(n, "rules");
    if (node_count(&list) == 0 && !node_is(&backend))
        rule_bad_json(c, n, STR("null"), "either `defaultBackend` or `rules` must be specified");
    if (node_is(&backend))
        check_backend(c, &backend);
    rule_walk(c, rules, n);
}

const struct rule ingress_rules[] = {RULE_CALL("spec", check_ingress), RULE_END};

static void check_controller(struct check *c, const struct node *n)
{
    if (json_string(n->v).n > 250)
        rule_too_long(c, n, 250);
    (void)rule_name(c, n, NAME_PREFIXED);
}

static const struct rule parameters_rules[] = {RULE_REQUIRED("kind"), RULE_REQUIRED("name"),
                                               RULE_ENUM("scope", "Cluster|Namespace"), RULE_END};
static const struct rule class_spec_rules[] = {RULE_CALL("controller", check_controller),
                                               RULE_IN("parameters", parameters_rules), RULE_END};
static const struct rule class_stays[] = {RULE_IMMUTABLE("controller"), RULE_END};
const struct rule ingress_class_rules[] = {RULE_IN("spec", class_spec_rules), RULE_END};
const struct rule ingress_class_update_rules[] = {RULE_IN("spec", class_stays), RULE_END};

/* ---- network policies ---- */

void default_network_policy(struct api_request *r, cJSON *tree, bool creating)
{
    cJSON *spec = json_get(tree, "spec"), *types;
    if (!spec || !json_is_empty(json_get(spec, "policyTypes")))
        return;
    types = json_array(&r->a);
    json_append(types, json_str(&r->a, STR("Ingress")));
    if (!json_is_empty(json_get(spec, "egress")))
        json_append(types, json_str(&r->a, STR("Egress")));
    json_set(&r->a, spec, STR("policyTypes"), types);
}

static void check_policy_port(struct check *c, const struct node *n)
{
    const struct node port = node_at(n, "port"), end = node_at(n, "endPort");
    const struct node protocol = node_at(n, "protocol");
    int64_t first, last;
    (void)rule_enum(c, &protocol, "SCTP|TCP|UDP", false);
    if (!node_is(&port)) {
        if (node_is(&end))
            rule_bad(c, &end, "may not be specified when `port` is not specified");
        return;
    }
    check_port_or_name(c, &port);
    if (!node_is(&end))
        return;
    if (!json_int(port.v, &first))
        rule_bad(c, &end, "may not be specified when `port` is non-numeric");
    else if (json_int(end.v, &last) && last < first)
        rule_bad(c, &end, "must be greater than or equal to `port`");
}

static void check_block(struct check *c, const struct node *n)
{
    const struct node range = node_at(n, "cidr"), except = node_at(n, "except");
    unsigned char outer[16], inner[16];
    unsigned bits, more;
    size_t i = 0;
    if (json_string(range.v).n == 0) {
        rule_required(c, &range, NULL);
        return;
    }
    if (!rule_name(c, &range, NAME_CIDR) || !names_cidr_parse(json_string(range.v), outer, &bits))
        return;
    for (const cJSON *v = node_is(&except) ? except.v->child : NULL; v; v = v->next, i++) {
        const struct node item = node_item(&except, i, v);
        bool inside = true;
        if (!rule_name(c, &item, NAME_CIDR) || !names_cidr_parse(json_string(v), inner, &more))
            continue;
        for (unsigned k = 0; k < bits && inside; k++)
            inside = !((outer[k / 8] ^ inner[k / 8]) >> (7 - k % 8) & 1);
        if (!inside || more <= bits)
            rule_bad(c, &item, "must be a strict subset of `cidr`");
    }
}

static void check_peer(struct check *c, const struct node *n)
{
    const struct node pods = node_at(n, "podSelector"), spaces = node_at(n, "namespaceSelector");
    const struct node block = node_at(n, "ipBlock");
    rule_selector(c, &pods);
    rule_selector(c, &spaces);
    if (node_is(&block))
        check_block(c, &block);
    if (!node_is(&pods) && !node_is(&spaces) && !node_is(&block))
        rule_required(c, n, "must specify a peer");
    else if (node_is(&block) && (node_is(&pods) || node_is(&spaces)))
        rule_forbid(c, n, "may not specify both ipBlock and another peer");
}

static const struct rule ingress_row_rules[] = {
    {.field = "ports", .op = OP_EACH, .call = check_policy_port},
    {.field = "from", .op = OP_EACH, .call = check_peer},
    RULE_END};
static const struct rule egress_row_rules[] = {
    {.field = "ports", .op = OP_EACH, .call = check_policy_port},
    {.field = "to", .op = OP_EACH, .call = check_peer},
    RULE_END};

static void check_types(struct check *c, const struct node *n)
{
    size_t i = 0;
    if (node_count(n) > 2)
        rule_bad(c, n, "may not specify more than two policyTypes");
    for (const cJSON *v = node_is(n) && node_count(n) <= 2 ? n->v->child : NULL; v;
         v = v->next, i++) {
        const struct node item = node_item(n, i, v);
        (void)rule_enum(c, &item, "Egress|Ingress", true);
    }
}

static const struct rule policy_spec_rules[] = {
    RULE_CALL("podSelector", rule_selector), RULE_EACH("ingress", ingress_row_rules),
    RULE_EACH("egress", egress_row_rules), RULE_CALL("policyTypes", check_types), RULE_END};
const struct rule network_policy_rules[] = {RULE_IN("spec", policy_spec_rules), RULE_END};

/* ---- endpoint slices ---- */

static void check_endpoint(struct check *c, const struct node *n, struct str type)
{
    const struct node list = node_at(n, "addresses"), host = node_at(n, "hostname");
    size_t i = 0;
    if (node_count(&list) == 0)
        rule_required(c, &list, "must contain at least 1 address");
    else if (node_count(&list) > 100)
        rule_too_many(c, &list, node_count(&list), 100);
    for (const cJSON *v = node_is(&list) ? list.v->child : NULL; v; v = v->next, i++) {
        const struct node item = node_item(&list, i, v);
        if (c->updating && !node_changed(&item)) /* what was let in stays */
            continue;
        if (str_eq_c(type, "FQDN"))
            (void)rule_name(c, &item, NAME_DOMAIN2);
        else if (names_ip_family(json_string(v)) != (str_eq_c(type, "IPv6") ? 6 : 4))
            rule_bad(c, &item, "must be a valid %s address",
                     str_eq_c(type, "IPv6") ? "IPv6" : "IPv4");
    }
    if (json_string(host.v).n > 0)
        (void)rule_name(c, &host, NAME_LABEL);
}

static void check_slice(struct check *c, const struct node *n)
{
    static const struct rule port_rules[] = {RULE_NAME("name", NAME_LABEL),
                                             RULE_ENUM_SET("protocol", "SCTP|TCP|UDP"),
                                             RULE_NAME("appProtocol", NAME_QUALIFIED), RULE_END};
    static const struct rule rules[] = {RULE_EACH("ports", port_rules), RULE_END};
    const struct node type = node_at(n, "addressType"), list = node_at(n, "endpoints");
    const struct node ports = node_at(n, "ports");
    size_t i = 0;
    if (!rule_enum(c, &type, "FQDN|IPv4|IPv6", true))
        return;
    if (node_count(&list) > 1000)
        rule_too_many(c, &list, node_count(&list), 1000);
    for (const cJSON *v = node_is(&list) && node_count(&list) <= 1000 ? list.v->child : NULL; v;
         v = v->next, i++) {
        const struct node item = node_item(&list, i, v);
        check_endpoint(c, &item, json_string(type.v));
    }
    i = 0;
    for (const cJSON *v = node_is(&ports) ? ports.v->child : NULL; v; v = v->next, i++)
        for (const cJSON *o = ports.v->child; o != v; o = o->next)
            if (str_eq(json_string_at(o, "name"), json_string_at(v, "name"))) {
                const struct node item = node_item(&ports, i, v), name = node_at(&item, "name");
                rule_duplicate(c, &name);
                break;
            }
    rule_walk(c, rules, n);
}

const struct rule slice_rules[] = {RULE_CALL(NULL, check_slice), RULE_END};
const struct rule slice_update_rules[] = {RULE_IMMUTABLE("addressType"), RULE_END};

/* ---- addresses of the cluster ---- */

static const struct rule parent_rules[] = {RULE_REQUIRED("resource"), RULE_REQUIRED("name"),
                                           RULE_END};
static const struct rule ip_spec_rules[] = {RULE_REQUIRED("parentRef"),
                                            RULE_IN("parentRef", parent_rules), RULE_END};

static void check_ip_name(struct check *c, const struct node *n)
{
    const struct node metadata = node_at(n, "metadata"), name = node_at(&metadata, "name");
    struct str text = json_string(name.v);
    unsigned char ip[16];
    if (c->updating || text.n == 0)
        return;
    if (!names_ip_parse(text, ip))
        rule_bad(c, &name, "ParseAddr(\"" STR_FMT "\"): unable to parse IP", STR_ARG(text));
    else if (!str_eq(names_ip_text(&c->r->a, ip), text))
        rule_bad(c, &name, "must be a canonical format IP address");
}

const struct rule ip_address_rules[] = {RULE_CALL(NULL, check_ip_name),
                                        RULE_IN("spec", ip_spec_rules), RULE_END};

static const struct rule ip_spec_update_rules[] = {RULE_IMMUTABLE("parentRef"), RULE_END};
const struct rule ip_address_update_rules[] = {RULE_IN("spec", ip_spec_update_rules), RULE_END};

static void check_cidrs(struct check *c, const struct node *n)
{
    size_t i = 0;
    if (node_count(n) == 0)
        rule_required(c, n, "at least one CIDR required");
    for (const cJSON *v = node_is(n) ? n->v->child : NULL; v; v = v->next, i++) {
        const struct node item = node_item(n, i, v);
        (void)rule_name(c, &item, NAME_CIDR);
    }
}

static const struct rule cidr_spec_rules[] = {RULE_CALL("cidrs", check_cidrs), RULE_END};
const struct rule service_cidr_rules[] = {RULE_IN("spec", cidr_spec_rules), RULE_END};

/* Ranges stay; one may get a second beside it. */
static void check_cidrs_stay(struct check *c, const struct node *n)
{
    size_t was = n->old ? (size_t)cJSON_GetArraySize(n->old) : 0, i = 0;
    const cJSON *o = n->old ? n->old->child : NULL;
    if (node_count(n) != was && !(was == 1 && node_count(n) == 2)) {
        rule_bad(c, n, "field is immutable");
        return;
    }
    for (const cJSON *v = n->v ? n->v->child : NULL; v && o; v = v->next, o = o->next, i++) {
        const struct node item = node_item(n, i, v);
        if (!str_eq(json_string(v), json_string(o)))
            rule_bad(c, &item, "field is immutable");
    }
}

static const struct rule cidr_spec_update_rules[] = {RULE_CALL("cidrs", check_cidrs_stay),
                                                     RULE_END};
const struct rule service_cidr_update_rules[] = {RULE_IN("spec", cidr_spec_update_rules), RULE_END};
