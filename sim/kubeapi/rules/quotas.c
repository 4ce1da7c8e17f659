/* Limit ranges, resource quotas, events, endpoints. */
#include "sim/kubeapi/rules/rules.h"
#include "sim/kubeapi/types/quantity.h"

/* ---- limit ranges ---- */

static void copy_missing(struct api_request *r, cJSON *item, const char *to, const char *from)
{
    const cJSON *source = json_get(item, from);
    cJSON *target = json_get(item, to);
    for (const cJSON *v = source ? source->child : NULL; v; v = v->next) {
        if (!target) {
            target = json_object(&r->a);
            json_set(&r->a, item, str_c(to), target);
        }
        if (!json_get(target, v->string))
            json_set_str(&r->a, target, v->string, json_string(v));
    }
}

/* Of containers: the default limit is the most; the default request the default limit, or the least. */
void default_limits(struct api_request *r, cJSON *tree, bool creating)
{
    cJSON *list = json_path(tree, "spec.limits");
    for (cJSON *v = list ? list->child : NULL; v; v = v->next) {
        if (!str_eq_c(json_string_at(v, "type"), "Container"))
            continue;
        copy_missing(r, v, "default", "max");
        copy_missing(r, v, "defaultRequest", "default");
        copy_missing(r, v, "defaultRequest", "min");
    }
}

static bool exceeds(const cJSON *a, const cJSON *b, const char *key)
{
    struct quantity x, y;
    const cJSON *u = json_get(a, key), *v = json_get(b, key);
    return u && v && !quantity_parse(json_string(u), &x) && !quantity_parse(json_string(v), &y) &&
           quantity_cmp(&x, &y) > 0;
}

/* Each amount of `low` is at most that of `high`; else it is told at `at`. */
static void check_order(struct check *c, const struct node *n, const char *low, const char *high,
                        const char *at, const char *low_text, const char *high_text)
{
    const struct node a = node_at(n, low), b = node_at(n, high), where = node_at(n, at);
    for (const cJSON *v = node_is(&a) ? a.v->child : NULL; v; v = v->next) {
        if (!exceeds(a.v, b.v, v->string))
            continue;
        struct node told = node_key(&where, v);
        rule_bad_text(c, &told, json_string(json_get(where.v, v->string)),
                      "%s value " STR_FMT " is greater than %s value " STR_FMT, low_text,
                      STR_ARG(json_string(v)), high_text,
                      STR_ARG(json_string(json_get(b.v, v->string))));
    }
}

static void check_limit(struct check *c, const struct node *n)
{
    static const char *const defaults[] = {"default", "defaultRequest"};
    const struct node type = node_at(n, "type"), min = node_at(n, "min"), max = node_at(n, "max");
    struct str kind = json_string(type.v);
    bool pod = str_eq_c(kind, "Pod"), claim = str_eq_c(kind, "PersistentVolumeClaim");
    if (kind.n == 0)
        rule_required(c, &type, NULL);
    for (size_t i = 0; pod && i < ARRAY_LEN(defaults); i++) {
        const struct node part = node_at(n, defaults[i]);
        if (node_count(&part) > 0)
            rule_forbid(c, &part, "may not be specified when `type` is 'Pod'");
    }
    if (claim && !json_get(min.v, "storage") && !json_get(max.v, "storage")) {
        rule_required(
            c, n, "either minimum or maximum storage value is required, but neither was provided");
    }
    check_order(c, n, "min", "max", "min", "min", "max");
    check_order(c, n, "min", "defaultRequest", "defaultRequest", "min", "default request");
    check_order(c, n, "defaultRequest", "max", "defaultRequest", "default request", "max");
    check_order(c, n, "defaultRequest", "default", "defaultRequest", "default request",
                "default limit");
    check_order(c, n, "min", "default", "min", "min", "default");
    check_order(c, n, "default", "max", "default", "default", "max");
}

static const struct rule limits_rules[] = {{.field = "limits", .op = OP_EACH, .call = check_limit},
                                           RULE_UNIQUE("limits", "type"),
                                           RULE_END};
const struct rule limit_range_rules[] = {RULE_IN("spec", limits_rules), RULE_END};

/* ---- quotas ---- */

static bool quota_name_known(struct str name)
{
    static const char known[] =
        "cpu|memory|ephemeral-storage|storage|requests.cpu|requests.memory|"
        "requests.storage|requests.ephemeral-storage|limits.cpu|limits.memory|"
        "limits.ephemeral-storage|pods|resourcequotas|services|"
        "replicationcontrollers|secrets|persistentvolumeclaims|configmaps|"
        "services.nodeports|services.loadbalancers";
    return str_find_char(name, '/') >= 0 || text_among(name, known) ||
           str_starts(name, STR("requests.hugepages-")) || str_starts(name, STR("hugepages-"));
}

static void check_hard(struct check *c, const struct node *n)
{
    for (const cJSON *v = node_is(n) ? n->v->child : NULL; v; v = v->next) {
        const struct node item = node_key(n, v);
        struct quantity q;
        const char *texts[NAMES_PROBLEMS_MAX];
        size_t count = names_problems(NAME_QUALIFIED, item.name, texts);
        for (size_t i = 0; i < count; i++)
            rule_bad_text(c, &item, item.name, "%s", texts[i]);
        if (count == 0 && !quota_name_known(item.name))
            rule_bad_text(c, &item, item.name, "must be a standard resource for quota");
        if (quantity_parse(json_string(v), &q))
            continue;
        if (q.nanos < 0)
            rule_bad(c, &item, "must be greater than or equal to 0");
        if (text_among(item.name,
                       "pods|services|secrets|configmaps|replicationcontrollers|resourcequotas|"
                       "persistentvolumeclaims|services.nodeports|services.loadbalancers") &&
            q.nanos % 1000000000 != 0)
            rule_bad(c, &item, "must be an integer");
    }
}

static void check_scopes(struct check *c, const struct node *n)
{
    const struct node scopes = node_at(n, "scopes");
    for (const cJSON *v = node_is(&scopes) ? scopes.v->child : NULL; v; v = v->next) {
        if (text_among(json_string(v),
                       "Terminating|NotTerminating|BestEffort|NotBestEffort|PriorityClass|"
                       "CrossNamespacePodAffinity|VolumeAttributesClass"))
            continue;
        rule_bad(c, &scopes, "unsupported scope");
        return;
    }
}

static const struct rule quota_spec_rules[] = {RULE_CALL("hard", check_hard),
                                               RULE_CALL(NULL, check_scopes), RULE_END};
const struct rule quota_rules[] = {RULE_IN("spec", quota_spec_rules), RULE_END};
static const struct rule quota_state_rules[] = {RULE_CALL("hard", check_hard),
                                                RULE_CALL("used", check_hard), RULE_END};
const struct rule quota_status_rules[] = {RULE_IN("status", quota_state_rules), RULE_END};

/* ---- events ---- */

static void check_event_place(struct check *c, const struct node *n)
{
    const struct node object = node_at(n, "involvedObject"), place = node_at(&object, "namespace");
    struct str ns = json_string_at(c->root, "metadata.namespace"), of = json_string(place.v);
    if (of.n > 0 ? !str_eq(of, ns) : !text_among(ns, "default|kube-system"))
        rule_bad_text(c, &place, of, "does not match event.namespace");
}

const struct rule event_rules[] = {RULE_CALL(NULL, check_event_place), RULE_END};

/* What the newer API asks of an event, in its own names. */
static void check_new_event(struct check *c, const struct node *n)
{
    static const struct {
        const char *member, *told;
        size_t most;
    } texts[] = {
        {"reportingController", "reportingController", 0},
        {"reportingInstance", "reportingInstance", 128},
        {"action", "action", 128},
        {"reason", "reason", 128},
    };
    const struct node time = node_at(n, "eventTime"), type = node_at(n, "type"),
                      note = node_at(n, "note");
    if (!node_is(&time))
        rule_required(c, &time, NULL);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        const struct node text = node_at(n, texts[i].member);
        if (json_string(text.v).n == 0)
            rule_required(c, &text, NULL);
        else if (i == 0)
            (void)rule_name(c, &text, NAME_QUALIFIED);
        if (texts[i].most > 0 && json_string(text.v).n > texts[i].most)
            rule_bad_text(c, &text, str_empty, "can have at most %zu characters", texts[i].most);
    }
    if (!text_among(json_string(type.v), "Normal|Warning"))
        rule_bad_text(c, &type, str_empty, "has invalid value: " STR_FMT,
                      STR_ARG(json_string(type.v)));
    if (json_string(note.v).n > 1024)
        rule_bad_text(c, &note, str_empty, "can have at most 1024 characters");
}

/* Applied to the form that was sent, before it becomes the stored one. */
void prepare_event(struct api_request *r, cJSON *tree, const struct kube_object *old)
{
    struct check c = {.r = r, .k = r->kind, .root = tree};
    const struct node root = node_root(&c);
    if (!r->system && !old && str_eq_c(r->kind->group, "events.k8s.io"))
        check_new_event(&c, &root);
}

/* ---- endpoints ---- */

static bool in_network(struct str ip, const unsigned char *want, unsigned bits, size_t from)
{
    unsigned char bytes[16];
    if (!names_ip_parse(ip, bytes))
        return false;
    for (unsigned i = 0; i < bits; i++)
        if ((bytes[from + i / 8] ^ want[i / 8]) >> (7 - i % 8) & 1)
            return false;
    return true;
}

static void check_special_ip(struct check *c, const struct node *n)
{
    static const unsigned char loop[] = {127}, link[] = {169, 254}, group[] = {224, 0, 0};
    static const unsigned char loop6[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    struct str ip = json_string(n->v);
    int family = names_ip_family(ip);
    if (!rule_name(c, n, NAME_IP))
        return;
    if (str_eq_c(ip, "0.0.0.0") || str_eq_c(ip, "::"))
        rule_bad(c, n, "may not be unspecified (" STR_FMT ")", STR_ARG(ip));
    if (family == 4 ? in_network(ip, loop, 8, 12) : in_network(ip, loop6, 128, 0))
        rule_bad(c, n, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
    if (family == 4 && in_network(ip, link, 16, 12))
        rule_bad(c, n, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
    if (family == 4 && in_network(ip, group, 24, 12))
        rule_bad(c, n, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
}

static const struct rule address_rules[] = {RULE_CALL("ip", check_special_ip),
                                            RULE_NAME("hostname", NAME_LABEL),
                                            RULE_NAME("nodeName", NAME_SUBDOMAIN), RULE_END};
static const struct rule endpoint_port_rules[] = {
    RULE_NAME("name", NAME_LABEL), RULE_PORT("port"), RULE_ENUM_SET("protocol", "SCTP|TCP|UDP"),
    RULE_NAME("appProtocol", NAME_QUALIFIED), RULE_END};

static void check_subset(struct check *c, const struct node *n)
{
    static const struct rule rules[] = {RULE_EACH("addresses", address_rules),
                                        RULE_EACH("notReadyAddresses", address_rules),
                                        RULE_EACH("ports", endpoint_port_rules), RULE_END};
    if (json_is_empty(json_get(n->v, "addresses")) &&
        json_is_empty(json_get(n->v, "notReadyAddresses")))
        rule_required(c, n, "must specify `addresses` or `notReadyAddresses`");
    rule_walk(c, rules, n);
}

const struct rule endpoints_rules[] = {{.field = "subsets", .op = OP_EACH, .call = check_subset},
                                       RULE_END};
