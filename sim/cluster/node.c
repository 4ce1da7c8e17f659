/* Nodes and their heartbeats: a Lease in kube-node-lease every 10 s, the Node's status every 5 minutes (or at once when
 * it changes). One event beats for all nodes of the cluster. */
#include "sim/cluster/cluster_internal.h"

#include "engine/kube/scan.h"
#include <string.h>

#define BEAT_EVERY   (10 * NS_PER_S)
#define STATUS_BEATS 30u
#define LEASES_TABLE STR("leases.coordination.k8s.io")
#define LEASES_NS    STR("kube-node-lease")
#define NODE_INFIX   "-node-"

static void write_status(struct buf *out, const struct node *n, world_time now)
{
    struct buf text = {0}, machine = {0};
    rfc3339_format(&text, now);
    if (n->replaced > 0)
        buf_addf(&machine, ",\"nodeInfo\":{\"machineID\":\"" STR_FMT "-%u\"}", STR_ARG(n->name),
                 n->replaced);
    buf_addf(out,
             "\"status\":{\"allocatable\":{\"cpu\":\"4\",\"memory\":\"16Gi\",\"pods\":\"110\"},"
             "\"capacity\":{\"cpu\":\"4\",\"memory\":\"16Gi\",\"pods\":\"110\"},\"conditions\":[{"
             "\"lastHeartbeatTime\":\"%s\",\"reason\":\"%s\",\"status\":\"%s\",\"type\":"
             "\"Ready\"}]%s}}",
             buf_c(&text), n->ready ? "KubeletReady" : "NodeStatusUnknown",
             n->ready ? "True" : "Unknown", buf_c(&machine));
    buf_free(&text);
    buf_free(&machine);
}

/* What others have put on the Node (taints, labels) stays. */
static void write_node(struct sim_cluster *c, const struct node *n)
{
    struct kubeapi *api = apihost_api(c->api);
    struct buf json = {0};
    if (!api || n->gone)
        return;
    bool is_there = kubeapi_get(api, STR("nodes"), str_empty, n->name) != NULL;
    buf_add_c(&json, "{");
    if (!is_there)
        buf_addf(&json,
                 "\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"labels\":{"
                 "\"kubernetes.io/arch\":\"amd64\",\"kubernetes.io/hostname\":\"" STR_FMT
                 "\",\"kubernetes.io/os\":\"linux\"},\"name\":\"" STR_FMT "\"},\"spec\":{},",
                 STR_ARG(n->name), STR_ARG(n->name));
    write_status(&json, n, sim_wall(c->sim));
    err_ignore(is_there ? kubeapi_patch(api, STR("nodes"), str_empty, n->name, buf_str(&json))
                        : kubeapi_apply(api, buf_str(&json), NULL)); /* the next beat tries again */
    buf_free(&json);
}

/* The same again at another time. False: it does not say that. */
static bool renew_status(struct sim_cluster *c, struct kubeapi *api, const struct node *n)
{
    const struct kube_object *o = store_get(c->nodes_table, str_empty, n->name);
    struct buf now = {0};
    struct str condition = o ? kube_object_raw(o, "status.conditions.0") : str_empty;
    if (!str_eq_c(scan_get(condition, STR("type")), "\"Ready\"") ||
        !str_eq_c(scan_get(condition, STR("status")), "\"True\""))
        return false;
    rfc3339_format(&now, sim_wall(c->sim));
    struct err *err = kubeapi_set_string(api, c->nodes_table, str_empty, n->name,
                                         "status.conditions.0.lastHeartbeatTime", buf_str(&now));
    bool ok = !err;
    err_ignore(err); /* written whole by the caller */
    buf_free(&now);
    return ok;
}

static void write_lease(struct sim_cluster *c, struct kubeapi *api, const struct node *n,
                        struct str now)
{
    struct kube_object *lease = store_get(c->leases, LEASES_NS, n->name);
    if (lease && !lease->deleting) {
        err_ignore(kubeapi_set_string(api, c->leases, LEASES_NS, n->name, "spec.renewTime",
                                      now)); /* the next beat tries again */
        return;
    }
    struct buf json = {0};
    buf_addf(&json,
             "{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\",\"metadata\":{\"name\":"
             "\"" STR_FMT "\",\"namespace\":\"kube-node-lease\"},\"spec\":{\"holderIdentity\":"
             "\"" STR_FMT "\",\"leaseDurationSeconds\":40,\"renewTime\":\"" STR_FMT "\"}}",
             STR_ARG(n->name), STR_ARG(n->name), STR_ARG(now));
    err_ignore(kubeapi_apply(api, buf_str(&json), NULL)); /* the next beat tries again */
    buf_free(&json);
}

static void on_beat(void *owner)
{
    struct sim_cluster *c = owner;
    struct kubeapi *api = apihost_api(c->api);
    struct buf now = {0};
    rfc3339_format_micro(&now, sim_wall(c->sim));
    bool with_status = ++c->beats % STATUS_BEATS == 0;
    for (uint32_t i = 0; api && i < c->nodes_n; i++) {
        if (!c->nodes[i].ready)
            continue;
        write_lease(c, api, &c->nodes[i], buf_str(&now));
        if (with_status && !renew_status(c, api, &c->nodes[i]))
            write_node(c, &c->nodes[i]);
    }
    buf_free(&now);
    c->heartbeat = sim_after(c->sim, BEAT_EVERY, on_beat, c);
}

void nodes_watch(struct sim_cluster *c, struct kubeapi *api)
{
    c->leases = kubeapi_table(api, LEASES_TABLE);
    c->nodes_table = kubeapi_table(api, STR("nodes"));
}

void nodes_create(struct sim_cluster *c)
{
    /* Clusters do not beat together. */
    world_time phase = (world_time)rng_below(&c->rng, (uint64_t)BEAT_EVERY);
    c->heartbeat = sim_after(c->sim, phase, on_beat, c);
}

void nodes_free(struct sim_cluster *c)
{
    for (uint32_t i = 0; i < c->nodes_n; i++)
        str_free(&c->nodes[i].name);
    mem_free(c->nodes);
}

uint32_t sim_cluster_nodes(const struct sim_cluster *c)
{
    return c->nodes_n;
}

static void remove_node(struct sim_cluster *c, struct node *n)
{
    struct kubeapi *api = apihost_api(c->api);
    if (api && !n->gone)
        err_ignore(kubeapi_delete(api, STR("nodes"), str_empty, n->name)); /* may be gone already */
}

void sim_cluster_set_nodes(struct sim_cluster *c, uint32_t nodes)
{
    for (uint32_t i = nodes; i < c->nodes_n; i++) {
        remove_node(c, &c->nodes[i]);
        str_free(&c->nodes[i].name);
    }
    c->nodes = mem_resize(c->nodes, (nodes ? nodes : 1) * sizeof *c->nodes);
    for (uint32_t i = c->nodes_n; i < nodes; i++) {
        struct buf name = {0};
        buf_addf(&name, STR_FMT NODE_INFIX "%u", STR_ARG(c->name), i);
        c->nodes[i] = (struct node){.name = buf_take(&name), .ready = true};
        write_node(c, &c->nodes[i]);
    }
    c->nodes_n = nodes;
}

struct str sim_cluster_node_name(const struct sim_cluster *c, uint32_t node)
{
    BUG_ON(node >= c->nodes_n, "no such node");
    return c->nodes[node].name;
}

bool sim_cluster_node_ready(const struct sim_cluster *c, uint32_t node)
{
    BUG_ON(node >= c->nodes_n, "no such node");
    return c->nodes[node].ready;
}

void sim_cluster_set_node(struct sim_cluster *c, uint32_t node, bool ready, bool gone)
{
    BUG_ON(node >= c->nodes_n, "no such node");
    struct node *n = &c->nodes[node];
    if (gone && !n->gone)
        remove_node(c, n);
    n->ready = ready && !gone;
    n->gone = gone;
    write_node(c, n);
}

void sim_cluster_replace_node(struct sim_cluster *c, uint32_t node)
{
    BUG_ON(node >= c->nodes_n, "no such node");
    struct node *n = &c->nodes[node];
    remove_node(c, n);
    pods_of_node_lost(c, n->name);
    n->replaced++;
    n->ready = true;
    n->gone = false;
    write_node(c, n);
    sim_note(c->sim, "node.replaced", n->name, str_empty);
}

uint32_t sim_cluster_node_replaced(const struct sim_cluster *c, uint32_t node)
{
    BUG_ON(node >= c->nodes_n, "no such node");
    return c->nodes[node].replaced;
}

/* By the number that its name ends in: there may be thousands. */
enum node_state node_state(const struct sim_cluster *c, struct str name)
{
    uint64_t i;
    struct str number = str_sub(name, c->name.n + strlen(NODE_INFIX), name.n);
    if (!str_to_u64(number, &i) || i >= c->nodes_n || !str_eq(c->nodes[i].name, name))
        return NODE_GONE; /* the cluster was made smaller, or somebody else's */
    return c->nodes[i].gone ? NODE_GONE : c->nodes[i].ready ? NODE_READY : NODE_UNREADY;
}
