/* Faults of clusters: their nodes and add-ons. */
#include "sim/scenario/run/inject_internal.h"

#include "sim/world/fault.h"

bool inject_is_of_clusters(enum fault_kind kind)
{
    return kind == FAULT_ADDON_COREDNS_DOWN || kind == FAULT_ADDON_CNI_DOWN ||
           kind == FAULT_NODE_NOT_READY || kind == FAULT_NODE_GONE ||
           kind == FAULT_NODE_NEW_IDENTITY;
}

static bool is_of_nodes(enum fault_kind kind)
{
    return kind != FAULT_ADDON_COREDNS_DOWN && kind != FAULT_ADDON_CNI_DOWN;
}

static void set(struct injected *it, const struct broken *b, bool broken)
{
    struct sim_cluster *c = it->in->estate->clusters[b->cluster].sim;
    enum fault_kind kind = it->fault.kind;
    if (kind == FAULT_ADDON_COREDNS_DOWN)
        sim_cluster_set_coredns(c, !broken);
    else if (kind == FAULT_ADDON_CNI_DOWN)
        sim_cluster_set_cni(c, !broken);
    else if (b->node >= sim_cluster_nodes(c))
        return; /* the cluster was made smaller */
    else if (kind == FAULT_NODE_NEW_IDENTITY && !broken)
        sim_cluster_replace_node(c, (uint32_t)b->node);
    else
        sim_cluster_set_node(c, (uint32_t)b->node, !broken, broken && kind != FAULT_NODE_NOT_READY);
}

static void start_one(struct injected *it, size_t cluster, int64_t node)
{
    it->broken = mem_resize(it->broken, (it->broken_n + 1) * sizeof(*it->broken));
    it->broken[it->broken_n] = (struct broken){cluster, node};
    set(it, &it->broken[it->broken_n++], true);
    it->fired++;
}

void inject_start_clusters(struct injected *it)
{
    struct estate *e = it->in->estate;
    struct buf name = {0};
    buf_addf(&name, "fault." STR_FMT "/nodes", STR_ARG(it->name));
    struct rng random = sim_rng(e->sim, buf_str(&name));
    buf_free(&name);
    for (size_t i = 0; i < e->clusters_n; i++) {
        if (!picks_cluster(e, &it->target.a, i))
            continue;
        if (!is_of_nodes(it->fault.kind)) {
            start_one(it, i, -1);
            continue;
        }
        for (uint32_t n = 0; n < sim_cluster_nodes(e->clusters[i].sim); n++)
            if (it->fault.share_ppm >= SIM_SHARE_ALL ||
                rng_chance(&random, (uint32_t)it->fault.share_ppm))
                start_one(it, i, n);
    }
}

void inject_end_clusters(struct injected *it)
{
    for (size_t i = 0; i < it->broken_n; i++)
        set(it, &it->broken[i], false);
    it->broken_n = 0;
}
