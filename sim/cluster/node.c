/* Nodes as objects: the Node with its conditions, its Lease in kube-node-lease, and what is done to machines. When any of
 * it happens is up to their life (node_life.c). */
#include "sim/cluster/cluster_internal.h"

#include "engine/kube/scan.h"
#include <string.h>

#define LEASES_TABLE STR("leases.coordination.k8s.io")
#define LEASES_NS    STR("kube-node-lease")
#define NODE_INFIX   "-node-"

static void write_conditions(const struct sim_cluster *c, const struct node *n, struct str now,
                             struct buf *out)
{
    static const struct {
        const char *reason, *status;
    } ready[] = {[NODE_PHASE_NEW] = {"NodeStatusUnknown", "Unknown"},
                 [NODE_PHASE_UNREADY] = {"KubeletNotReady", "False"},
                 [NODE_PHASE_READY] = {"KubeletReady", "True"},
                 [NODE_PHASE_LOST] = {"NodeStatusUnknown", "Unknown"}};
    struct str reason = str_c(ready[n->phase].reason);
    if (n->phase == NODE_PHASE_UNREADY && n->clock)
        reason = n->clock->unready;
    buf_addf(out,
             "\"conditions\":[{\"lastHeartbeatTime\":\"" STR_FMT "\",\"reason\":\"" STR_FMT
             "\",\"status\":\"%s\",\"type\":\"Ready\"}",
             STR_ARG(now), STR_ARG(reason), ready[n->phase].status);
    for (size_t i = 0; n->clock && i < c->life->conditions_n; i++) {
        bool set = n->conditions >> i & 1;
        struct str name = c->life->conditions[i], why = n->clock->reasons[i];
        buf_addf(out,
                 ",{\"lastHeartbeatTime\":\"" STR_FMT "\",\"reason\":\"%s" STR_FMT
                 "\",\"status\":\"%s\",\"type\":\"" STR_FMT "\"}",
                 STR_ARG(now), why.n || set ? "" : "No", STR_ARG(why.n ? why : name),
                 set ? "True" : "False", STR_ARG(name));
    }
    buf_add_c(out, "]");
}

static void write_status(struct buf *out, const struct sim_cluster *c, const struct node *n)
{
    struct buf text = {0}, machine = {0};
    rfc3339_format(&text, sim_wall(c->sim));
    if (n->replaced > 0)
        buf_addf(&machine, ",\"nodeInfo\":{\"machineID\":\"" STR_FMT "-%u\"}", STR_ARG(n->name),
                 n->replaced);
    buf_add_c(out,
              "\"status\":{\"allocatable\":{\"cpu\":\"4\",\"memory\":\"16Gi\",\"pods\":\"110\"},"
              "\"capacity\":{\"cpu\":\"4\",\"memory\":\"16Gi\",\"pods\":\"110\"},");
    write_conditions(c, n, buf_str(&text), out);
    buf_addf(out, "%s}}", buf_c(&machine));
    buf_free(&text);
    buf_free(&machine);
}

/* What others have put on the Node (taints, labels) stays. */
void node_write(struct sim_cluster *c, const struct node *n)
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
    write_status(&json, c, n);
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

void node_beat(struct sim_cluster *c, const struct node *n, enum node_action action, struct str now)
{
    struct kubeapi *api = apihost_api(c->api);
    if (!api)
        return; /* nobody to tell */
    if (action == NODE_DO_LEASE)
        write_lease(c, api, n, now);
    else if (!renew_status(c, api, n))
        node_write(c, n);
}

void nodes_watch(struct sim_cluster *c, struct kubeapi *api)
{
    c->leases = kubeapi_table(api, LEASES_TABLE);
    c->nodes_table = kubeapi_table(api, STR("nodes"));
}

void nodes_free(struct sim_cluster *c)
{
    for (uint32_t i = 0; i < c->nodes_n; i++) {
        mem_free(c->nodes[i].clock); /* its timer went with the simulation */
        str_free(&c->nodes[i].name);
    }
    mem_free(c->nodes);
    node_life_free(c->life);
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
        node_clock_free(&c->nodes[i]);
        str_free(&c->nodes[i].name);
    }
    c->nodes = mem_resize(c->nodes, (nodes ? nodes : 1) * sizeof *c->nodes);
    uint32_t before = c->nodes_n;
    c->nodes_n = nodes;
    for (uint32_t i = before; i < nodes; i++) {
        struct buf name = {0};
        buf_addf(&name, STR_FMT NODE_INFIX "%u", STR_ARG(c->name), i);
        c->nodes[i] = (struct node){.name = buf_take(&name)};
    }
    for (uint32_t i = before; i < nodes; i++)
        node_enter(c, i, NODE_PHASE_NEW);
}

struct str sim_cluster_node_name(const struct sim_cluster *c, uint32_t node)
{
    BUG_ON(node >= c->nodes_n, "no such node");
    return c->nodes[node].name;
}

bool sim_cluster_node_ready(const struct sim_cluster *c, uint32_t node)
{
    BUG_ON(node >= c->nodes_n, "no such node");
    return c->nodes[node].phase == NODE_PHASE_READY;
}

struct str sim_cluster_node_phase(const struct sim_cluster *c, uint32_t node)
{
    BUG_ON(node >= c->nodes_n, "no such node");
    return str_c(node_phase_name(c->nodes[node].phase));
}

uint32_t sim_cluster_node_conditions(const struct sim_cluster *c, uint32_t node)
{
    BUG_ON(node >= c->nodes_n, "no such node");
    uint32_t n = 0;
    for (uint32_t bits = c->nodes[node].conditions; bits; bits &= bits - 1)
        n++;
    return n;
}

void sim_cluster_set_node(struct sim_cluster *c, uint32_t node, bool ready, bool gone)
{
    BUG_ON(node >= c->nodes_n, "no such node");
    struct node *n = &c->nodes[node];
    bool was_down = n->down, was_gone = n->gone;
    if (gone && !n->gone)
        remove_node(c, n);
    n->down = !ready || gone;
    n->gone = gone;
    if (n->down || was_down)
        node_enter(c, node, gone || was_gone ? NODE_PHASE_NEW : NODE_PHASE_LOST);
    else
        node_write(c, n);
}

void sim_cluster_replace_node(struct sim_cluster *c, uint32_t node)
{
    BUG_ON(node >= c->nodes_n, "no such node");
    struct node *n = &c->nodes[node];
    remove_node(c, n);
    pods_of_node_lost(c, n->name);
    n->replaced++;
    n->down = n->gone = false;
    node_enter(c, node, NODE_PHASE_NEW);
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
    bool ready = c->nodes[i].phase == NODE_PHASE_READY;
    return c->nodes[i].gone ? NODE_GONE : ready ? NODE_READY : NODE_UNREADY;
}
