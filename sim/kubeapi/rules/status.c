/* What is written to the status of workloads, services and pods: numbers that fit together, addresses, states that end. */
#include "sim/kubeapi/rules/rules.h"

/* ---- workloads ---- */

static void check_at_most(struct check *c, const struct node *n, const char *part,
                          const char *whole, const char *text)
{
    const struct node at = node_at(n, part);
    if (node_is(&at) && json_int_at(n->v, part, 0) > json_int_at(n->v, whole, 0))
        rule_bad(c, &at, "%s", text);
}

/* "a|b": none counts more than there are replicas, and what is available is ready. */
static void check_parts(struct check *c, const struct node *n, const char *parts)
{
    struct str rest = str_c(parts), one;
    if (!n->v)
        return;
    for (bool more = true; more;) {
        more = str_cut(rest, '|', &one, &rest);
        check_at_most(c, n, arena_c(&c->r->a, one), "replicas",
                      "cannot be greater than status.replicas");
    }
    check_at_most(c, n, "availableReplicas", "readyReplicas",
                  "cannot be greater than readyReplicas");
}

static void check_replication(struct check *c, const struct node *n)
{
    check_parts(c, n, "fullyLabeledReplicas|readyReplicas|availableReplicas");
}

static void check_deployment(struct check *c, const struct node *n)
{
    check_parts(c, n, "updatedReplicas|readyReplicas|availableReplicas");
}

static void check_stateful_set(struct check *c, const struct node *n)
{
    check_parts(c, n, "readyReplicas|currentReplicas|updatedReplicas|availableReplicas");
}

/* Names of revisions that were taken are not given again. */
static void check_collisions(struct check *c, const struct node *n)
{
    const struct node count = node_at(n, "collisionCount");
    if (json_int_at(n->v, "collisionCount", 0) < json_int_at(n->old, "collisionCount", 0))
        rule_bad_json(
            c, &count,
            arena_printf(&c->r->a, "%lld", (long long)json_int_at(n->v, "collisionCount", 0)),
            "cannot be decremented");
}

static const struct rule replication_state[] = {RULE_MIN("replicas", 0),
                                                RULE_MIN("fullyLabeledReplicas", 0),
                                                RULE_MIN("readyReplicas", 0),
                                                RULE_MIN("availableReplicas", 0),
                                                RULE_MIN("observedGeneration", 0),
                                                RULE_CALL(NULL, check_replication),
                                                RULE_END};
const struct rule replication_status_rules[] = {RULE_IN("status", replication_state), RULE_END};

static const struct rule deployment_state[] = {
    RULE_MIN("observedGeneration", 0), RULE_MIN("replicas", 0),
    RULE_MIN("updatedReplicas", 0),    RULE_MIN("readyReplicas", 0),
    RULE_MIN("availableReplicas", 0),  RULE_MIN("unavailableReplicas", 0),
    RULE_MIN("collisionCount", 0),     RULE_CALL(NULL, check_deployment),
    RULE_CALL(NULL, check_collisions), RULE_END};
const struct rule deployment_status_rules[] = {RULE_IN("status", deployment_state), RULE_END};

static const struct rule stateful_set_state[] = {
    RULE_MIN("replicas", 0),           RULE_MIN("readyReplicas", 0),
    RULE_MIN("currentReplicas", 0),    RULE_MIN("updatedReplicas", 0),
    RULE_MIN("availableReplicas", 0),  RULE_MIN("observedGeneration", 0),
    RULE_MIN("collisionCount", 0),     RULE_CALL(NULL, check_stateful_set),
    RULE_CALL(NULL, check_collisions), RULE_END};
const struct rule stateful_set_status_rules[] = {RULE_IN("status", stateful_set_state), RULE_END};

static const struct rule daemon_set_state[] = {RULE_MIN("currentNumberScheduled", 0),
                                               RULE_MIN("numberMisscheduled", 0),
                                               RULE_MIN("desiredNumberScheduled", 0),
                                               RULE_MIN("numberReady", 0),
                                               RULE_MIN("observedGeneration", 0),
                                               RULE_MIN("updatedNumberScheduled", 0),
                                               RULE_MIN("numberAvailable", 0),
                                               RULE_MIN("numberUnavailable", 0),
                                               RULE_MIN("collisionCount", 0),
                                               RULE_CALL(NULL, check_collisions),
                                               RULE_END};
const struct rule daemon_set_status_rules[] = {RULE_IN("status", daemon_set_state), RULE_END};

/* ---- budgets and autoscalers ---- */

static const struct rule condition_rules[] = {
    RULE_NAME_SET("type", NAME_QUALIFIED),
    RULE_ENUM_SET("status", "False|True|Unknown"),
    RULE_MIN("observedGeneration", 0),
    RULE_REQUIRED_SAYING("lastTransitionTime", "must be set"),
    RULE_REQUIRED_SAYING("reason", "must be set"),
    RULE_END};

static const struct rule budget_state[] = {RULE_EACH("conditions", condition_rules),
                                           RULE_UNIQUE("conditions", "type"),
                                           RULE_MIN("disruptionsAllowed", 0),
                                           RULE_MIN("currentHealthy", 0),
                                           RULE_MIN("desiredHealthy", 0),
                                           RULE_MIN("expectedPods", 0),
                                           RULE_END};
const struct rule budget_status_rules[] = {RULE_IN("status", budget_state), RULE_END};

static const struct rule autoscaler_state[] = {RULE_MIN("currentReplicas", 0),
                                               RULE_MIN("desiredReplicas", 0), RULE_END};
const struct rule autoscaler_status_rules[] = {RULE_IN("status", autoscaler_state), RULE_END};

/* ---- where services and ingresses are reached ---- */

static void check_reached(struct check *c, const struct node *n)
{
    const struct node ip = node_at(n, "ip"), host = node_at(n, "hostname");
    struct str name = json_string(host.v);
    if (json_string(ip.v).n > 0 && names_ip_family(json_string(ip.v)) == 0)
        (void)rule_name(c, &ip, NAME_IP);
    if (name.n == 0)
        return;
    (void)rule_name(c, &host, NAME_SUBDOMAIN);
    if (names_ip_family(name) != 0)
        rule_bad(c, &host, "must be a DNS name, not an IP address");
}

static void check_balancer(struct check *c, const struct node *n)
{
    const struct node list = node_at(n, "ingress");
    size_t i = 0;
    if (node_count(&list) > 0 &&
        !str_eq_c(json_string(json_path(c->old_root, "spec.type")), "LoadBalancer")) {
        rule_forbid(c, &list, "may only be used when `spec.type` is 'LoadBalancer'");
        return;
    }
    for (const cJSON *v = node_is(&list) ? list.v->child : NULL; v; v = v->next, i++) {
        const struct node item = node_item(&list, i, v), mode = node_at(&item, "ipMode");
        check_reached(c, &item);
        if (node_is(&mode) && json_string_at(v, "ip").n == 0)
            rule_forbid(c, &mode, "may not be specified when `ip` is not set");
        else if (node_is(&mode))
            (void)rule_enum(c, &mode, "Proxy|VIP", true);
    }
}

static const struct rule service_state[] = {RULE_CALL("loadBalancer", check_balancer), RULE_END};
const struct rule service_status_rules[] = {RULE_IN("status", service_state), RULE_END};

static const struct rule ingress_balancer[] = {
    {.field = "ingress", .op = OP_EACH, .call = check_reached}, RULE_END};
static const struct rule ingress_state[] = {RULE_IN("loadBalancer", ingress_balancer), RULE_END};
const struct rule ingress_status_rules[] = {RULE_IN("status", ingress_state), RULE_END};

/* An address of a load balancer is its own, unless it says otherwise. */
void default_service_status(struct api_request *r, cJSON *tree, const struct kube_object *old)
{
    cJSON *list = json_path(tree, "status.loadBalancer.ingress");
    for (cJSON *v = list ? list->child : NULL; v; v = v->next)
        if (json_string_at(v, "ip").n > 0 && !json_get(v, "ipMode"))
            json_set_str(&r->a, v, "ipMode", STR("VIP"));
}

/* ---- pods ---- */

/* A pod's one address is the first of its addresses, and counts where the two differ. Its quality of service stays. */
void default_pod_status(struct api_request *r, cJSON *tree, const struct kube_object *old)
{
    cJSON *status = json_get(tree, "status");
    if (!status || status->type != cJSON_Object)
        return;
    const cJSON *list = json_get(status, "podIPs");
    struct str one = json_string_at(status, "podIP"),
               first = json_string_at(list ? list->child : NULL, "ip");
    if (one.n > 0 && !str_eq(one, first)) {
        cJSON *fresh = json_array(&r->a), *item = json_object(&r->a);
        json_set_str(&r->a, item, "ip", one);
        json_append(fresh, item);
        json_set(&r->a, status, STR("podIPs"), fresh);
    } else if (one.n == 0 && first.n > 0) {
        json_set_str(&r->a, status, "podIP", first);
    }
    if (json_string_at(status, "qosClass").n == 0) {
        struct str was = kube_object_string(old, "status.qosClass");
        if (was.n > 0)
            json_set_str(&r->a, status, "qosClass", was);
    }
}

static void check_addresses(struct check *c, const struct node *n, const char *field, bool whole)
{
    const struct node list = node_at(n, field);
    int families = 0;
    size_t i = 0;
    for (const cJSON *v = node_is(&list) ? list.v->child : NULL; v; v = v->next, i++) {
        const struct node item = node_item(&list, i, v), ip = node_at(&item, "ip");
        struct str text = json_string(ip.v);
        int family = names_ip_family(text), bit = family == 6 ? 2 : 1;
        if (family == 0)
            rule_bad_text(c, whole ? &item : &ip, text,
                          "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
        else if (families & bit)
            rule_bad(c, &list, "may specify no more than one IP for each IP family");
        families |= family == 0 ? 0 : bit;
    }
}

static void check_host_first(struct check *c, const struct node *n)
{
    const struct node list = node_at(n, "hostIPs");
    const struct node first = node_item(&list, 0, node_is(&list) ? list.v->child : NULL);
    const struct node ip = node_at(&first, "ip");
    if (first.v && !str_eq(json_string(ip.v), json_string_at(n->v, "hostIP")))
        rule_bad(c, &ip, "must be equal to `hostIP`");
}

/* What has ended and is not to run again stays ended. */
static void check_ended(struct check *c, const struct node *n, const char *field, const cJSON *spec)
{
    const struct node list = node_at(n, field);
    struct str policy = json_string_at(spec, "restartPolicy");
    size_t i = 0;
    if (str_eq_c(policy, "Always"))
        return;
    for (const cJSON *o = list.old ? list.old->child : NULL; o; o = o->next, i++) {
        const cJSON *end = json_path(o, "state.terminated"), *now = NULL;
        const struct node item = node_item(&list, i, NULL), state = node_at(&item, "state");
        if (json_is_empty(end) ||
            (str_eq_c(policy, "OnFailure") && json_int_at(end, "exitCode", 0) != 0))
            continue;
        for (const cJSON *v = node_is(&list) ? list.v->child : NULL; v && !now; v = v->next)
            now = str_eq(json_string_at(v, "name"), json_string_at(o, "name")) ? v : NULL;
        if (now && json_is_empty(json_path(now, "state.terminated")))
            rule_forbid(c, &state, "may not be transitioned to non-terminated state");
    }
}

static void check_pod_state(struct check *c, const struct node *n)
{
    const cJSON *spec = json_get(c->old_root, "spec");
    const struct node quality = node_at(n, "qosClass");
    if (!n->v)
        return;
    rule_immutable(c, &quality);
    check_ended(c, n, "containerStatuses", spec);
    check_addresses(c, n, "podIPs", true);
    check_host_first(c, n);
    check_addresses(c, n, "hostIPs", false);
}

const struct rule pod_status_rules[] = {RULE_CALL("status", check_pod_state), RULE_END};
