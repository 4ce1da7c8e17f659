/* Endpoints and EndpointSlices of services that select pods. */
#include "sim/kubeapi/controllers/ctl.h"

#include <stdlib.h>

#define SLICE_MAX  100
#define MANAGED_BY "endpointslice.kubernetes.io/managed-by"
#define MANAGER    "endpointslice-controller.k8s.io"

struct backend {
    struct kube_object *pod;
    struct str ip, node, hostname;
    bool ready, terminating;
};

struct service {
    struct ctl *c;
    struct kube_object *o;
    cJSON *tree;
    struct backend *backends; /* by address */
    size_t n;
    bool publish_all;
    const cJSON *ports; /* resolved: name, port, protocol, appProtocol */
};

static bool selects(const cJSON *selector, const struct kube_object *pod)
{
    for (const cJSON *l = selector->child; l; l = l->next)
        if (!kube_object_has_label(pod, str_c(l->string)) ||
            !str_eq(kube_object_label(pod, str_c(l->string)), json_string(l)))
            return false;
    return true;
}

static int by_address(const void *a, const void *b)
{
    const struct backend *x = a, *y = b;
    int by = str_cmp(x->ip, y->ip);
    return by ? by : str_cmp(x->pod->name, y->pod->name);
}

static void find_backends(struct service *s, const cJSON *selector)
{
    struct ctl_list pods = ctl_list(s->c, T_PODS, s->o->ns);
    s->backends = ARENA_NEW_ARRAY(&s->c->a, struct backend, pods.n + 1);
    for (size_t i = 0; i < pods.n; i++) {
        struct kube_object *pod = pods.at[i];
        struct str ip = kube_object_string(pod, "status.podIP");
        if (ip.n == 0 || pod_finished(pod) || !selects(selector, pod))
            continue;
        s->backends[s->n++] = (struct backend){
            .pod = pod,
            .ip = ip,
            .node = kube_object_string(pod, "spec.nodeName"),
            .hostname = str_eq(kube_object_string(pod, "spec.subdomain"), s->o->name)
                            ? kube_object_string(pod, "spec.hostname")
                            : str_empty,
            .ready = pod_is_ready(pod),
            .terminating = pod->deleting};
    }
    if (s->n > 1)
        qsort(s->backends, s->n, sizeof *s->backends, by_address);
}

/* ---- ports ---- */

/* The number of a named port of the first pod that has it. */
static int64_t named_port(struct service *s, struct str name, struct str protocol)
{
    for (size_t i = 0; i < s->n; i++) {
        const cJSON *list = json_path(ctl_tree(s->c, s->backends[i].pod), "spec.containers");
        for (const cJSON *it = list ? list->child : NULL; it; it = it->next) {
            const cJSON *ports = json_get(it, "ports");
            for (const cJSON *p = ports ? ports->child : NULL; p; p = p->next) {
                struct str of = json_string_at(p, "protocol");
                if (str_eq(json_string_at(p, "name"), name) &&
                    (of.n == 0 || protocol.n == 0 || str_eq(of, protocol)))
                    return json_int_at(p, "containerPort", 0);
            }
        }
    }
    return 0;
}

static const cJSON *resolve_ports(struct service *s)
{
    struct arena *a = &s->c->a;
    const cJSON *list = json_path(s->tree, "spec.ports");
    cJSON *out = json_array(a);
    for (const cJSON *it = list ? list->child : NULL; it; it = it->next) {
        const cJSON *target = json_get(it, "targetPort");
        struct str protocol = json_string_at(it, "protocol");
        struct str app = json_string_at(it, "appProtocol");
        int64_t number = json_int_at(it, "port", 0), given;
        if (json_is_string(target))
            number = named_port(s, json_string(target), protocol);
        else if (target && json_int(target, &given) && given > 0)
            number = given;
        if (number == 0)
            continue;
        cJSON *port = json_object(a);
        json_set_str(a, port, "name", json_string_at(it, "name"));
        json_set_int(a, port, "port", number);
        json_set_str(a, port, "protocol", protocol.n ? protocol : STR("TCP"));
        if (app.n)
            json_set_str(a, port, "appProtocol", app);
        json_append(out, port);
    }
    return out;
}

/* ---- Endpoints ---- */

static cJSON *target_of(struct service *s, const struct backend *b)
{
    struct arena *a = &s->c->a;
    cJSON *ref = json_object(a);
    json_set_str(a, ref, "kind", STR("Pod"));
    json_set_str(a, ref, "name", b->pod->name);
    json_set_str(a, ref, "namespace", b->pod->ns);
    json_set_str(a, ref, "uid", b->pod->uid);
    return ref;
}

static void add_addresses(struct service *s, cJSON *subset, const char *key, bool ready)
{
    struct arena *a = &s->c->a;
    cJSON *list = json_array(a);
    for (size_t i = 0; i < s->n; i++) {
        const struct backend *b = &s->backends[i];
        bool serves = b->ready || s->publish_all;
        if ((b->terminating && !s->publish_all) || serves != ready)
            continue;
        cJSON *address = json_object(a);
        json_set_str(a, address, "ip", b->ip);
        if (b->hostname.n)
            json_set_str(a, address, "hostname", b->hostname);
        if (b->node.n)
            json_set_str(a, address, "nodeName", b->node);
        json_set(a, address, STR("targetRef"), target_of(s, b));
        json_append(list, address);
    }
    if (list->child)
        json_set(a, subset, str_c(key), list);
}

static cJSON *labels_of(struct service *s)
{
    const cJSON *own = json_path(s->tree, "metadata.labels");
    cJSON *labels = own ? json_copy(&s->c->a, own) : json_object(&s->c->a);
    if (str_eq_c(json_string_at(s->tree, "spec.clusterIP"), "None"))
        json_set_str(&s->c->a, labels, "service.kubernetes.io/headless", str_empty);
    return labels;
}

static void write_endpoints(struct service *s)
{
    struct arena *a = &s->c->a;
    struct kube_object *old = ctl_get(s->c, T_ENDPOINTS, s->o->ns, s->o->name);
    cJSON *tree = old ? ctl_tree(s->c, old) : json_object(a);
    cJSON *metadata = json_ensure(a, tree, "metadata"), *subset = json_object(a);
    cJSON *labels = labels_of(s);
    json_set_str(a, labels, "endpoints.kubernetes.io/managed-by", STR("endpoint-controller"));
    json_set_str(a, metadata, "name", s->o->name);
    json_set(a, metadata, STR("labels"), labels);
    add_addresses(s, subset, "addresses", true);
    add_addresses(s, subset, "notReadyAddresses", false);
    (void)json_unset(tree, STR("subsets"));
    if (subset->child) {
        cJSON *subsets = json_array(a);
        if (s->ports->child)
            json_set(a, subset, STR("ports"), json_copy(a, s->ports));
        json_append(subsets, subset);
        json_set(a, tree, STR("subsets"), subsets);
    }
    /* What got in the way has an event that brings us back. */
    if (old)
        (void)ctl_update(s->c, T_ENDPOINTS, old, tree);
    else
        (void)ctl_create(s->c, T_ENDPOINTS, s->o->ns, tree);
}

/* ---- EndpointSlices ---- */

static cJSON *slice_endpoint(struct service *s, const struct backend *b)
{
    struct arena *a = &s->c->a;
    cJSON *e = json_object(a), *addresses = json_array(a), *conditions = json_object(a);
    json_append(addresses, json_str(a, b->ip));
    json_set(a, e, STR("addresses"), addresses);
    json_set_bool(a, conditions, "ready", s->publish_all || (b->ready && !b->terminating));
    json_set_bool(a, conditions, "serving", b->ready);
    json_set_bool(a, conditions, "terminating", b->terminating);
    json_set(a, e, STR("conditions"), conditions);
    if (b->hostname.n)
        json_set_str(a, e, "hostname", b->hostname);
    if (b->node.n)
        json_set_str(a, e, "nodeName", b->node);
    json_set(a, e, STR("targetRef"), target_of(s, b));
    return e;
}

static void fill_slice(struct service *s, cJSON *tree, size_t from)
{
    struct arena *a = &s->c->a;
    cJSON *labels = labels_of(s), *list = json_array(a), *owners = json_array(a);
    cJSON *metadata = json_ensure(a, tree, "metadata");
    json_set_str(a, labels, MANAGED_BY, STR(MANAGER));
    json_set_str(a, labels, "kubernetes.io/service-name", s->o->name);
    json_set(a, metadata, STR("labels"), labels);
    json_append(owners, ctl_owner_reference(s->c, s->o));
    json_set(a, metadata, STR("ownerReferences"), owners);
    json_set_str(a, tree, "addressType", STR("IPv4"));
    for (size_t i = from; i < s->n && i < from + SLICE_MAX; i++)
        json_append(list, slice_endpoint(s, &s->backends[i]));
    json_set(a, tree, STR("endpoints"), list);
    json_set(a, tree, STR("ports"), json_copy(a, s->ports));
}

static void write_slices(struct service *s)
{
    struct ctl_list old = ctl_owned(s->c, T_SLICES, s->o);
    size_t used = 0;
    for (size_t from = 0; from == 0 || from < s->n; from += SLICE_MAX) {
        cJSON *tree = used < old.n ? ctl_tree(s->c, old.at[used]) : json_object(&s->c->a);
        fill_slice(s, tree, from);
        if (used < old.n) {
            (void)ctl_update(s->c, T_SLICES, old.at[used++], tree);
            continue;
        }
        json_set_str(&s->c->a, json_get(tree, "metadata"), "generateName",
                     arena_printf(&s->c->a, STR_FMT "-", STR_ARG(s->o->name)));
        (void)ctl_create(s->c, T_SLICES, s->o->ns, tree);
    }
    for (size_t i = used; i < old.n; i++)
        (void)ctl_delete(s->c, T_SLICES, old.at[i], -1); /* gone already: as good */
}

void sync_endpoints(struct ctl *c, struct str ns, struct str name)
{
    struct service s = {.c = c, .o = ctl_get(c, T_SERVICES, ns, name)};
    if (!s.o) {
        struct kube_object *left = ctl_get(c, T_ENDPOINTS, ns, name);
        if (left)
            (void)ctl_delete(c, T_ENDPOINTS, left, -1); /* gone already: as good */
        return;
    }
    s.tree = ctl_tree(c, s.o);
    const cJSON *selector = json_path(s.tree, "spec.selector");
    bool external = str_eq_c(json_string_at(s.tree, "spec.type"), "ExternalName");
    if (s.o->deleting || external)
        return;
    if (!selector || !selector->child) {
        mirror_endpoints(c, ns, name);
        return;
    }
    s.publish_all = json_bool_at(s.tree, "spec.publishNotReadyAddresses", false);
    find_backends(&s, selector);
    s.ports = resolve_ports(&s);
    write_endpoints(&s);
    write_slices(&s);
}
