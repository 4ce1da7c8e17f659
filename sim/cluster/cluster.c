/* A fake downstream cluster put together: its API, resolver and add-ons. */
#include "sim/cluster/cluster_internal.h"

#define CLUSTERS_PER_OCTET 250u

static void address(const struct sim_cluster *c, uint32_t host, struct buf *out)
{
    buf_addf(out, "10.%u.%u.%u", c->index / CLUSTERS_PER_OCTET, c->index % CLUSTERS_PER_OCTET,
             host);
}

static void on_api_started(void *owner, struct kubeapi *api, bool restored)
{
    (void)restored;
    nodes_watch(owner, api);
    kubelet_restarted(owner, api);
}

static void make_api(struct sim_cluster *c, struct store_snapshot **shared)
{
    struct buf name = {0}, ip = {0};
    buf_addf(&name, STR_FMT "/api", STR_ARG(c->name));
    address(c, 1, &ip);
    struct kubeapi_workloads workloads = {.stages = c->stages,
                                          .kubelet = {.runs = kubelet_runs,
                                                      .staged = kubelet_staged,
                                                      .gone = kubelet_gone,
                                                      .node_up = kubelet_node_up,
                                                      .owner = c}};
    struct apihost_options o = {.sim = c->sim,
                                .name = buf_str(&name),
                                .address = buf_str(&ip),
                                .zone = c->zone,
                                .authority = c->authority,
                                .shared = shared,
                                .workloads = &workloads,
                                .started = on_api_started,
                                .owner = c};
    c->api = apihost_new(&o);
    buf_free(&name);
    buf_free(&ip);
}

static void make_resolver(struct sim_cluster *c, const struct sim_resolver_options *options)
{
    struct buf name = {0};
    buf_addf(&name, "dns/" STR_FMT, STR_ARG(c->name));
    struct sim_resolver_options o = *options;
    o.name = buf_str(&name);
    c->resolver = sim_resolver_new(c->sim, &o);
    buf_free(&name);
}

/* CoreDNS as others see it: a Deployment whose availability is what `up` says. */
static void write_coredns(struct sim_cluster *c, bool up)
{
    struct kubeapi *api = apihost_api(c->api);
    if (!api)
        return;
    struct buf json = {0};
    buf_addf(&json,
             "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"annotations\":{"
             "\"paddock.io/"
             "controller\":\"none\"},\"labels\":{\"k8s-app\":\"kube-dns\"},\"name\":\"coredns\","
             "\"namespace\":\"kube-system\"},"
             "\"spec\":{\"replicas\":1,\"selector\":{\"matchLabels\":{\"k8s-app\":\"kube-dns\"}},"
             "\"template\":{\"metadata\":{\"labels\":{\"k8s-app\":\"kube-dns\"}},\"spec\":{"
             "\"containers\":[{\"image\":\"coredns\",\"name\":\"coredns\"}]}}},"
             "\"status\":{\"availableReplicas\":%d,\"readyReplicas\":%d,\"replicas\":1}}",
             up, up);
    err_ignore(kubeapi_apply(api, buf_str(&json), NULL)); /* seen only by people */
    buf_free(&json);
}

struct sim_cluster *sim_cluster_new(const struct sim_cluster_options *o)
{
    BUG_ON(o->nodes > SIM_CLUSTER_NODES_MAX, "the loader bounds the number of nodes");
    struct sim_cluster *c = MEM_NEW(struct sim_cluster);
    c->sim = o->sim;
    c->name = str_dup(o->name);
    c->zone = str_dup(o->zone);
    c->index = o->index;
    c->stages = str_dup(o->stages);
    c->agent_replicas = o->agent_replicas;
    c->policies = *o->policies;
    c->rng = sim_rng(o->sim, o->name);
    c->coredns = c->cni = true;
    c->authority = authority_new(o->sim, o->name);
    make_resolver(c, &o->resolver);
    make_api(c, o->shared);
    write_coredns(c, true);
    node_life_begin(c, o->node_stages);
    sim_cluster_set_nodes(c, o->nodes);
    node_life_beats(c);
    pods_prepare(c, o->agent_replicas + 1); /* one more for rolling updates */
    return c;
}

void sim_cluster_free(struct sim_cluster *c)
{
    if (!c)
        return;
    pods_free(c);
    nodes_free(c);
    importer_free(c->importer);
    apihost_free(c->api);
    authority_free(c->authority);
    str_free(&c->name);
    str_free(&c->zone);
    str_free(&c->cleanup_pod);
    str_free(&c->stages);
    mem_free(c);
}

struct str sim_cluster_name(const struct sim_cluster *c)
{
    return c->name;
}
struct apihost *sim_cluster_api(const struct sim_cluster *c)
{
    return c->api;
}
struct sim_resolver *sim_cluster_resolver(const struct sim_cluster *c)
{
    return c->resolver;
}
void sim_cluster_certify(struct sim_cluster *c, int64_t valid_ns)
{
    apihost_set_identity(
        c->api, authority_issue_for(c->authority, NULL, 0, apihost_address(c->api), valid_ns));
}
bool sim_cluster_imported(const struct sim_cluster *c)
{
    return c->imported;
}

/* ---- add-ons ---- */

static struct sim_fault *break_addon(struct sim_cluster *c, const char *what,
                                     struct sim_fault_options *o)
{
    struct buf name = {0};
    buf_addf(&name, STR_FMT "/%s/%u", STR_ARG(c->name), what, c->fault_serial++);
    o->name = buf_str(&name);
    o->at = sim_now(c->sim);
    struct sim_fault *f = sim_fault_add(c->sim, o);
    buf_free(&name);
    return f;
}

void sim_cluster_set_coredns(struct sim_cluster *c, bool up)
{
    if (c->coredns == up)
        return;
    c->coredns = up;
    write_coredns(c, up);
    sim_note(c->sim, up ? "coredns.up" : "coredns.down", c->name, str_empty);
    if (up) {
        sim_fault_end(c->coredns_fault);
        return;
    }
    struct sim_fault_options o = {
        .kind = SIM_FAULT_DNS_TIMEOUT, .resolvers = &c->resolver, .resolvers_n = 1};
    c->coredns_fault = break_addon(c, "coredns-down", &o);
}

void sim_cluster_set_cni(struct sim_cluster *c, bool up)
{
    if (c->cni == up)
        return;
    c->cni = up;
    sim_note(c->sim, up ? "cni.up" : "cni.down", c->name, str_empty);
    if (up) {
        sim_fault_end(c->cni_fault);
        return;
    }
    struct sim_host *hosts[SIM_CLUSTER_PODS_MAX];
    for (uint32_t i = 0; i < c->slots_n; i++)
        hosts[i] = sim_process_host(c->slots[i]->process);
    struct sim_fault_options o = {.kind = SIM_FAULT_NET_PARTITION,
                                  .from = {.hosts = hosts, .hosts_n = c->slots_n}};
    c->cni_fault = break_addon(c, "cni-down", &o);
}

/* ---- agents ---- */

uint32_t sim_cluster_slots(const struct sim_cluster *c)
{
    return c->slots_n;
}

struct sim_process *sim_cluster_process(const struct sim_cluster *c, uint32_t slot)
{
    BUG_ON(slot >= c->slots_n, "no such slot");
    return c->slots[slot]->process;
}

struct cluster_agent *sim_cluster_agent(const struct sim_cluster *c, uint32_t slot)
{
    BUG_ON(slot >= c->slots_n, "no such slot");
    return pod_agent(c->slots[slot]);
}

bool sim_cluster_slot_used(const struct sim_cluster *c, uint32_t slot)
{
    return pod_counts(c->slots[slot]);
}

uint32_t sim_cluster_restarts(const struct sim_cluster *c, uint32_t slot)
{
    return c->slots[slot]->restarts;
}
