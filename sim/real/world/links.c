/* The links of a plan's topology, as lasting faults of the lab: what the network between two places is like. */
#include "sim/real/world/groups.h"

struct err *rig_make_links(struct rig *r)
{
    struct err *err = NULL;
    for (size_t i = 0; !err && i < r->plan->topology.links.n; i++) {
        const struct plan_link *p = PLAN_LINK(r->plan, i);
        struct group a = {0}, b = {0};
        group_add(r, &p->ends[0], &a);
        group_add(r, &p->ends[1], &b);
        struct netlab_fault_options o = {.a = {a.hosts, a.n},
                                         .b = {b.hosts, b.n},
                                         .delay_ns = p->latency.p50_ns,
                                         .bytes_per_s = p->bytes_per_s};
        uint32_t id;
        bool both = a.n > 0 && b.n > 0;
        o.kind = NETLAB_LATENCY;
        if (both && p->latency.p50_ns > 0)
            err = netlab_fault_begin(r->lab, &o, &id);
        o.kind = NETLAB_LOSS;
        o.share_ppm = (uint32_t)p->loss_ppm;
        if (!err && both && p->loss_ppm > 0)
            err = netlab_fault_begin(r->lab, &o, &id);
        o.kind = NETLAB_THROTTLE;
        o.share_ppm = 0;
        if (!err && both && p->bytes_per_s > 0)
            err = netlab_fault_begin(r->lab, &o, &id);
        group_free(&a);
        group_free(&b);
    }
    return err;
}
