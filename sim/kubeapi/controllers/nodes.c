/* Nodes: fake ones with their heartbeats, and what becomes of nodes that fall silent.
 *
 *   Lease renewed every 10 s ─► silent for 40 s: conditions Unknown, taints unreachable ─► pods without a toleration, or whose
 *   tolerationSeconds (300 as a rule) are over, are evicted ─► Node deleted: its pods go
 *
 * A node is kept by a kubelet of ours when its annotation paddock.io/kubelet says "fake"; where the server's owner runs the
 * nodes (options.kubelet.node_up), when that says so. */
#include "sim/kubeapi/controllers/ctl.h"
#include "sim/kubeapi/verbs/writing.h"

#define BEAT_EVERY   (10 * NS_PER_S)
#define STATUS_BEATS 30u
#define SILENT_FOR   (40 * NS_PER_S)
#define COMPONENT    "node-controller"
#define LEASES_NS    STR("kube-node-lease")
#define UNREACHABLE  "node.kubernetes.io/unreachable"
#define NOT_READY    "node.kubernetes.io/not-ready"
#define KUBELET      "paddock.io/kubelet"
#define CORDONED     "node.kubernetes.io/unschedulable"

bool node_is_kept(struct ctl *c, const struct kube_object *node)
{
    const struct kubeapi_kubelet *own = &c->options.kubelet;
    if (own->node_up)
        return own->node_up(own->owner, node->name);
    return str_eq_c(ctl_annotation(node, KUBELET), "fake");
}

bool api_workloads_keep(struct kubeapi *api, struct str node)
{
    struct ctl *c = api->workloads;
    struct kube_object *o = c ? kubeapi_get(api, STR("nodes"), str_empty, node) : NULL;
    return o && node_is_kept(c, o);
}

/* ---- our own kubelets ---- */

static const struct {
    const char *type, *status, *reason, *message;
} healthy[] = {
    {"MemoryPressure", "False", "KubeletHasSufficientMemory",
     "kubelet has sufficient memory available"},
    {"DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"},
    {"PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"},
    {"Ready", "True", "KubeletReady", "kubelet is posting ready status"},
};

static bool is_ready(const cJSON *tree)
{
    const cJSON *ready = ctl_condition_find(json_get(tree, "status"), "Ready");
    return str_eq_c(json_string_at(ready, "status"), "True");
}

static void report(struct ctl *c, cJSON *status)
{
    for (size_t i = 0; i < ARRAY_LEN(healthy); i++) {
        ctl_condition(c, status, healthy[i].type, healthy[i].status, healthy[i].reason,
                      str_c(healthy[i].message));
        json_set_str(&c->a, ctl_condition_find(status, healthy[i].type), "lastHeartbeatTime",
                     ctl_now(c));
    }
}

static void set_default(struct ctl *c, cJSON *map, const char *key, const char *value)
{
    if (!json_get(map, key))
        json_set_str(&c->a, map, key, str_c(value));
}

static void describe(struct ctl *c, const struct kube_object *node, cJSON *tree)
{
    static const struct {
        const char *key, *value;
    } sizes[] = {{"cpu", "8"}, {"ephemeral-storage", "100Gi"}, {"memory", "32Gi"}, {"pods", "110"}},
      info[] = {{"architecture", "amd64"},
                {"bootID", ""},
                {"containerRuntimeVersion", "containerd://2.1.4"},
                {"kernelVersion", "6.1.0"},
                {"kubeProxyVersion", ""},
                {"kubeletVersion", "v1.34.0"},
                {"machineID", ""},
                {"operatingSystem", "linux"},
                {"osImage", "Paddock"},
                {"systemUUID", ""}};
    struct arena *a = &c->a;
    cJSON *status = json_ensure(a, tree, "status");
    cJSON *capacity = json_ensure(a, status, "capacity");
    cJSON *allocatable = json_ensure(a, status, "allocatable");
    cJSON *about = json_ensure(a, status, "nodeInfo");
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        set_default(c, capacity, sizes[i].key, sizes[i].value);
        if (!json_get(allocatable, sizes[i].key))
            json_set_str(a, allocatable, sizes[i].key,
                         json_string(json_get(capacity, sizes[i].key)));
    }
    for (size_t i = 0; i < ARRAY_LEN(info); i++)
        if (json_string_at(about, info[i].key).n == 0)
            json_set_str(a, about, info[i].key, str_c(info[i].value));
    cJSON *labels = json_ensure(a, tree, "metadata.labels");
    set_default(c, labels, "kubernetes.io/arch", "amd64");
    set_default(c, labels, "kubernetes.io/os", "linux");
    if (!json_get(labels, "kubernetes.io/hostname"))
        json_set_str(a, labels, "kubernetes.io/hostname", node->name);
    if (!json_get(status, "addresses")) {
        cJSON *list = json_array(a), *ip = json_object(a), *host = json_object(a);
        uint64_t n = str_hash(node->name) % (250 * 250);
        json_set_str(a, ip, "type", STR("InternalIP"));
        json_set_str(a, ip, "address",
                     arena_printf(a, "10.240.%u.%u", (unsigned)(n / 250), (unsigned)(n % 250 + 2)));
        json_set_str(a, host, "type", STR("Hostname"));
        json_set_str(a, host, "address", node->name);
        json_append(list, ip);
        json_append(list, host);
        json_set(a, status, STR("addresses"), list);
    }
}

static void renew_lease(struct ctl *c, const struct kube_object *node)
{
    struct buf now = {0};
    struct kube_object *lease = store_get(c->tables[T_LEASES], LEASES_NS, node->name);
    rfc3339_format_micro(&now, ctl_wall(c));
    if (lease && !lease->deleting) {
        err_ignore(kubeapi_set_string(c->api, c->tables[T_LEASES], LEASES_NS, node->name,
                                      "spec.renewTime", buf_str(&now))); /* the next beat is soon */
        buf_free(&now);
        return;
    }
    struct arena *a = &c->a;
    cJSON *tree = json_object(a), *metadata = json_ensure(a, tree, "metadata"),
          *spec = json_ensure(a, tree, "spec"), *owners = json_array(a), *owner = json_object(a);
    json_set_str(a, owner, "apiVersion", STR("v1"));
    json_set_str(a, owner, "kind", STR("Node"));
    json_set_str(a, owner, "name", node->name);
    json_set_str(a, owner, "uid", node->uid);
    json_append(owners, owner);
    json_set_str(a, metadata, "name", node->name);
    json_set(a, metadata, STR("ownerReferences"), owners);
    json_set_str(a, spec, "holderIdentity", node->name);
    json_set_int(a, spec, "leaseDurationSeconds", 40);
    json_set_str(a, spec, "renewTime", buf_str(&now));
    (void)ctl_create(c, T_LEASES, LEASES_NS, tree); /* no namespace: the next beat is soon */
    buf_free(&now);
}

void nodes_beat(void *owner)
{
    struct ctl *c = owner;
    struct ctl_list nodes = ctl_list(c, T_NODES, str_empty);
    bool with_status = ++c->beats % STATUS_BEATS == 0;
    for (size_t i = 0; i < nodes.n; i++) {
        struct kube_object *node = nodes.at[i];
        if (!node_is_kept(c, node) || node->deleting)
            continue;
        renew_lease(c, node);
        if (!with_status)
            continue;
        cJSON *tree = ctl_tree(c, node);
        report(c, json_ensure(&c->a, tree, "status"));
        (void)ctl_update(c, T_NODES, node, tree); /* the next one comes */
    }
    ctl_end_sync(c);
    if (nodes.n > 0)
        world_timer_start(c->beat, BEAT_EVERY);
}

/* ---- nodes that are known to the server ---- */

void nodes_register(struct ctl *c)
{
    for (uint32_t i = 0; i < c->options.nodes; i++) {
        struct str name = arena_printf(&c->a, STR_FMT "%u", STR_ARG(c->options.node_prefix), i);
        cJSON *tree = json_object(&c->a);
        if (store_get(c->tables[T_NODES], str_empty, name))
            continue;
        json_set_str(&c->a, json_ensure(&c->a, tree, "metadata"), "name", name);
        json_set_str(&c->a, json_ensure(&c->a, tree, "metadata.annotations"), KUBELET, STR("fake"));
        (void)ctl_create(c, T_NODES, str_empty, tree); /* it is there, or nobody misses it */
    }
    ctl_end_sync(c);
}

void kubeapi_keep_nodes(struct kubeapi *api)
{
    struct ctl *c = api->workloads;
    struct ctl_list nodes = {0};
    if (c)
        nodes = ctl_list(c, T_NODES, str_empty);
    for (size_t i = 0; i < nodes.n; i++) {
        cJSON *tree = ctl_tree(c, nodes.at[i]);
        cJSON *annotations = json_ensure(&c->a, tree, "metadata.annotations");
        if (json_get(annotations, KUBELET))
            continue;
        json_set_str(&c->a, annotations, KUBELET, STR("fake"));
        (void)ctl_update(c, T_NODES, nodes.at[i], tree); /* nobody else writes now */
    }
    if (c)
        ctl_end_sync(c);
}

/* ---- taints ---- */

static bool has_taint(const cJSON *list, const char *key, const char *effect)
{
    for (const cJSON *t = list ? list->child : NULL; t; t = t->next)
        if (str_eq_c(json_string_at(t, "key"), key) &&
            str_eq_c(json_string_at(t, "effect"), effect))
            return true;
    return false;
}

static void set_taint(struct ctl *c, cJSON *spec, const char *key, const char *effect, bool wanted)
{
    struct arena *a = &c->a;
    const cJSON *list = json_get(spec, "taints");
    if (has_taint(list, key, effect) == wanted)
        return;
    cJSON *fresh = json_array(a);
    for (const cJSON *t = list ? list->child : NULL; t; t = t->next)
        if (!str_eq_c(json_string_at(t, "key"), key) ||
            !str_eq_c(json_string_at(t, "effect"), effect))
            json_append(fresh, json_copy(a, t));
    if (wanted) {
        cJSON *t = json_object(a);
        json_set_str(a, t, "effect", str_c(effect));
        json_set_str(a, t, "key", str_c(key));
        json_set_str(a, t, "timeAdded", ctl_now(c));
        json_append(fresh, t);
    }
    if (fresh->child)
        json_set(a, spec, STR("taints"), fresh);
    else
        (void)json_unset(spec, STR("taints"));
}

static void set_taints(struct ctl *c, cJSON *tree)
{
    cJSON *spec = json_ensure(&c->a, tree, "spec");
    const cJSON *ready = ctl_condition_find(json_get(tree, "status"), "Ready");
    struct str is = json_string_at(ready, "status");
    bool unknown = ready && str_eq_c(is, "Unknown"), no = ready && str_eq_c(is, "False");
    static const char *const effects[] = {"NoSchedule", "NoExecute"};
    for (size_t i = 0; i < ARRAY_LEN(effects); i++) {
        set_taint(c, spec, UNREACHABLE, effects[i], unknown);
        set_taint(c, spec, NOT_READY, effects[i], no || (!ready && i == 0));
    }
    set_taint(c, spec, CORDONED, "NoSchedule", json_bool_at(spec, "unschedulable", false));
}

/* ---- silence ---- */

static world_time last_sign(struct ctl *c, const struct kube_object *node, const cJSON *tree)
{
    int64_t at;
    const cJSON *ready = ctl_condition_find(json_get(tree, "status"), "Ready");
    struct kube_object *lease = store_get(c->tables[T_LEASES], LEASES_NS, node->name);
    world_time last = ctl_created(node), beat = ctl_time_at(ready, "lastHeartbeatTime");
    if (lease && rfc3339_parse(kube_object_string(lease, "spec.renewTime"), &at) && at > last)
        last = at;
    return beat > last ? beat : last;
}

static void set_unknown(struct ctl *c, cJSON *tree)
{
    cJSON *status = json_ensure(&c->a, tree, "status");
    for (size_t i = 0; i < ARRAY_LEN(healthy); i++) {
        bool never = !ctl_condition_find(status, healthy[i].type);
        if (!never &&
            str_eq_c(json_string_at(ctl_condition_find(status, healthy[i].type), "status"),
                     "Unknown"))
            continue;
        ctl_condition(c, status, healthy[i].type, "Unknown",
                      never ? "NodeStatusNeverUpdated" : "NodeStatusUnknown",
                      never ? STR("Kubelet never posted node status.")
                            : STR("Kubelet stopped posting node status."));
    }
}

static void look_after(struct ctl *c, const struct kube_object *node, cJSON *tree)
{
    if (node_is_kept(c, node) && c->options.kubelet.node_up)
        return; /* its owner beats for it */
    if (node_is_kept(c, node)) {
        describe(c, node, tree);
        if (!is_ready(tree))
            report(c, json_ensure(&c->a, tree, "status"));
        if (!store_get(c->tables[T_LEASES], LEASES_NS, node->name))
            renew_lease(c, node);
        if (!world_timer_active(c->beat))
            world_timer_start(c->beat, BEAT_EVERY);
        return;
    }
    world_time left = last_sign(c, node, tree) + SILENT_FOR - ctl_wall(c);
    if (left > 0)
        ctl_after(c, CTL_NODE, str_empty, node->name, left);
    else
        set_unknown(c, tree);
}

/* ---- eviction ---- */

/* How long the pod may stay on a node with these taints; -1: for ever. */
static int64_t stay_s(const cJSON *spec, const cJSON *taints, world_time *since)
{
    int64_t least = -1;
    for (const cJSON *t = taints ? taints->child : NULL; t; t = t->next) {
        int64_t seconds = -1;
        if (!str_eq_c(json_string_at(t, "effect"), "NoExecute"))
            continue;
        if (!pod_tolerates(spec, t, &seconds))
            seconds = 0;
        if (seconds >= 0 && (least < 0 || seconds < least)) {
            least = seconds;
            *since = ctl_time_at(t, "timeAdded");
        }
    }
    return least;
}

static void mark_not_ready(struct ctl *c, struct kube_object *pod)
{
    cJSON *tree = ctl_tree(c, pod), *status = json_get(tree, "status");
    if (!pod_is_ready(pod))
        return;
    ctl_condition(c, status, "Ready", "False", NULL, str_empty);
    (void)ctl_update(c, T_PODS, pod, tree); /* changed meanwhile: the next look */
}

/* Returns when to look again; 0: not by time. */
static world_time evict(struct ctl *c, const struct kube_object *node, const cJSON *tree)
{
    const cJSON *taints = json_path(tree, "spec.taints");
    const cJSON *ready = ctl_condition_find(json_get(tree, "status"), "Ready");
    bool lost = ready && !is_ready(tree);
    world_time again = 0;
    if (!lost && (!taints || !taints->child))
        return 0;
    struct ctl_list pods = ctl_list(c, T_PODS, str_empty);
    for (size_t i = 0; i < pods.n; i++) {
        struct kube_object *pod = pods.at[i];
        world_time since = -1;
        if (!str_eq(kube_object_string(pod, "spec.nodeName"), node->name) || !pod_active(pod))
            continue;
        int64_t seconds = stay_s(json_get(ctl_tree(c, pod), "spec"), taints, &since);
        world_time left = since < 0 ? 0 : since + seconds * NS_PER_S - ctl_wall(c);
        if (seconds >= 0 && left <= 0) {
            ctl_record(c, pod, EVENT_NORMAL, "TaintManagerEviction", "taint-eviction-controller",
                       "Marking for deletion Pod " STR_FMT "/" STR_FMT, STR_ARG(pod->ns),
                       STR_ARG(pod->name));
            (void)ctl_delete(c, T_PODS, pod, -1); /* gone already: as good */
            continue;
        }
        if (seconds >= 0 && (again == 0 || left < again))
            again = left;
        if (lost)
            mark_not_ready(c, pod);
    }
    return again;
}

/* The node is gone: so are its pods. */
static void collect(struct ctl *c, struct str node)
{
    struct ctl_list pods = ctl_list(c, T_PODS, str_empty);
    for (size_t i = 0; i < pods.n; i++)
        if (str_eq(kube_object_string(pods.at[i], "spec.nodeName"), node))
            (void)ctl_delete(c, T_PODS, pods.at[i], 0); /* gone already: as good */
}

/* Kept by its owner, ready, without taints: nothing is to be done about it. */
static bool is_well(struct ctl *c, const struct kube_object *node)
{
    return node_is_kept(c, node) && pod_is_ready(node) &&
           kube_object_raw(node, "spec.taints").n == 0 &&
           kube_object_raw(node, "spec.unschedulable").n == 0;
}

void sync_node(struct ctl *c, struct str ns, struct str name)
{
    struct kube_object *node = ctl_get(c, T_NODES, ns, name);
    if (!node) {
        collect(c, name);
        return;
    }
    if (node->deleting || (c->options.kubelet.node_up && is_well(c, node)))
        return;
    cJSON *tree = ctl_tree(c, node);
    bool was = is_ready(tree);
    look_after(c, node, tree);
    set_taints(c, tree);
    struct kube_object *fresh = ctl_update(c, T_NODES, node, tree);
    if (!fresh)
        return; /* its event brings us back */
    bool is = is_ready(tree);
    if (was && !is)
        ctl_record(c, fresh, EVENT_NORMAL, "NodeNotReady", COMPONENT,
                   "Node " STR_FMT " status is now: NodeNotReady", STR_ARG(name));
    world_time again = evict(c, fresh, tree);
    if (again > 0)
        ctl_after(c, CTL_NODE, str_empty, name, again);
}
