/* ResourceQuotas: what a namespace uses of what it may. */
#include "sim/kubeapi/admission/admission.h"
#include "sim/kubeapi/controllers/ctl.h"

#include "sim/kubeapi/types/quantity.h"

#define OF_CLASS ".storageclass.storage.k8s.io/"

static void add_text(struct quantity *sum, struct str text)
{
    struct quantity q;
    if (text.n > 0 && !quantity_parse(text, &q))
        *sum = quantity_add(sum, &q);
}

static void add_count(struct quantity *sum)
{
    struct quantity one = {.nanos = 1000000000, .form = QUANTITY_DECIMAL};
    *sum = quantity_add(sum, &one);
}

/* "requests" or "limits" of a resource over a pod's containers: the larger of their sum and of each init container. */
static struct quantity pod_amount(struct ctl *c, const struct kube_object *pod, const char *which,
                                  const char *resource)
{
    const cJSON *spec = json_get(ctl_tree(c, pod), "spec");
    const cJSON *main = json_get(spec, "containers"), *init = json_get(spec, "initContainers");
    struct quantity sum = {0};
    for (const cJSON *it = main ? main->child : NULL; it; it = it->next)
        add_text(&sum, json_string(json_get(json_get(json_get(it, "resources"), which), resource)));
    for (const cJSON *it = init ? init->child : NULL; it; it = it->next) {
        struct quantity one = {0};
        add_text(&one, json_string(json_get(json_get(json_get(it, "resources"), which), resource)));
        if (quantity_cmp(&one, &sum) > 0)
            sum = one;
    }
    return sum;
}

static struct quantity pods_amount(struct ctl *c, struct str ns, const cJSON *spec,
                                   struct str resource)
{
    struct ctl_list pods = ctl_list(c, T_PODS, ns);
    struct quantity sum = {0};
    struct str which = STR("requests"), what = resource, head, tail;
    if (str_cut(resource, '.', &head, &tail) &&
        (str_eq_c(head, "requests") || str_eq_c(head, "limits"))) {
        which = head;
        what = tail;
    }
    for (size_t i = 0; i < pods.n; i++) {
        if (pod_finished(pods.at[i]) ||
            !quota_covers_pod(spec, json_get(ctl_tree(c, pods.at[i]), "spec")))
            continue;
        if (str_eq_c(resource, "pods")) {
            add_count(&sum);
            continue;
        }
        struct quantity q = pod_amount(c, pods.at[i], arena_c(&c->a, which), arena_c(&c->a, what));
        sum = quantity_add(&sum, &q);
    }
    return sum;
}

static struct quantity objects(struct ctl *c, struct str ns, struct str table, const char *type)
{
    struct quantity sum = {0};
    struct store_cursor cursor = store_seek(kubeapi_table(c->api, table), ns, str_empty);
    for (struct kube_object *o; (o = store_next(&cursor)) && str_eq(o->ns, ns);)
        if (!type || ctl_is(o, "spec.type", type))
            add_count(&sum);
    return sum;
}

static struct quantity node_ports(struct ctl *c, struct str ns)
{
    struct quantity sum = {0};
    struct store_cursor cursor = store_seek(kubeapi_table(c->api, STR("services")), ns, str_empty);
    for (struct kube_object *o; (o = store_next(&cursor)) && str_eq(o->ns, ns);)
        for (size_t n = quota_node_ports(json_get(ctl_tree(c, o), "spec")); n > 0; n--)
            add_count(&sum);
    return sum;
}

/* Of the claims of a class (empty: of all): what they ask for, or how many they are. */
static struct quantity claims(struct ctl *c, struct str ns, struct str class, bool sizes)
{
    struct quantity sum = {0};
    struct store_cursor cursor = store_seek(c->tables[T_CLAIMS], ns, str_empty);
    for (struct kube_object *o; (o = store_next(&cursor)) && str_eq(o->ns, ns);) {
        if (class.n > 0 && !str_eq(kube_object_string(o, "spec.storageClassName"), class))
            continue;
        if (sizes)
            add_text(&sum, kube_object_string(o, "spec.resources.requests.storage"));
        else
            add_count(&sum);
    }
    return sum;
}

static struct quantity usage(struct ctl *c, struct str ns, const cJSON *spec, struct str resource)
{
    static const char *const counted[] = {
        "configmaps",    "secrets", "services", "persistentvolumeclaims", "replicationcontrollers",
        "resourcequotas"};
    if (str_starts(resource, STR("count/")))
        return objects(c, ns, str_sub(resource, 6, resource.n), NULL);
    for (size_t i = 0; i < ARRAY_LEN(counted); i++)
        if (str_eq_c(resource, counted[i]))
            return objects(c, ns, resource, NULL);
    ptrdiff_t class = str_find(resource, STR(OF_CLASS));
    if (class > 0)
        return claims(c, ns, str_sub(resource, 0, (size_t) class),
                      str_ends(resource, STR("/requests.storage")));
    if (str_eq_c(resource, "services.nodeports"))
        return node_ports(c, ns);
    if (str_eq_c(resource, "services.loadbalancers"))
        return objects(c, ns, STR("services"), "LoadBalancer");
    if (str_eq_c(resource, "requests.storage"))
        return claims(c, ns, str_empty, true);
    return pods_amount(c, ns, spec, resource);
}

void sync_quota(struct ctl *c, struct str ns, struct str name)
{
    struct kube_object *o = ctl_get(c, T_QUOTAS, ns, name);
    if (!o || o->deleting)
        return;
    const cJSON *spec = json_get(ctl_tree(c, o), "spec"), *hard = json_get(spec, "hard");
    cJSON *status = json_object(&c->a), *used = json_object(&c->a);
    for (const cJSON *h = hard ? hard->child : NULL; h; h = h->next) {
        struct quantity q = usage(c, ns, spec, str_c(h->string));
        struct buf b = {0};
        quantity_write(&q, &b);
        json_set_str(&c->a, used, h->string, buf_str(&b));
        buf_free(&b);
    }
    if (hard) {
        json_set(&c->a, status, STR("hard"), json_copy(&c->a, hard));
        json_set(&c->a, status, STR("used"), used);
    }
    ctl_set_status(c, T_QUOTAS, o, status);
}
