/* Which fault is carried out by whom. */
#include "sim/real/lab/lab_internal.h"

enum means { BY_NFT, BY_SOCKETS, BY_SHAPE, BY_DETOUR, BY_DNS };

static const struct {
    const char *name;
    enum means means;
} rows[NETLAB_FAULT_KINDS] = {
    [NETLAB_PARTITION] = {"partition", BY_NFT},
    [NETLAB_REJECT] = {"reject", BY_NFT},
    [NETLAB_REFUSE] = {"refuse", BY_NFT},
    [NETLAB_HALF_OPEN] = {"half-open", BY_NFT},
    [NETLAB_RESET] = {"reset", BY_SOCKETS},
    [NETLAB_IDLE_CUT] = {"idle-cut", BY_NFT},
    [NETLAB_LOSS] = {"loss", BY_NFT},
    [NETLAB_THROTTLE] = {"throttle", BY_SHAPE},
    [NETLAB_LATENCY] = {"latency", BY_DETOUR},
    [NETLAB_REORDER] = {"reorder", BY_DETOUR},
    [NETLAB_DUPLICATE] = {"duplicate", BY_DETOUR},
    [NETLAB_CLOG] = {"clog", BY_DETOUR},
    [NETLAB_DNS_NXDOMAIN] = {"dns-nxdomain", BY_DNS},
    [NETLAB_DNS_SERVFAIL] = {"dns-servfail", BY_DNS},
    [NETLAB_DNS_TIMEOUT] = {"dns-timeout", BY_DNS},
    [NETLAB_DNS_WRONG] = {"dns-wrong", BY_DNS},
    [NETLAB_DNS_STALE] = {"dns-stale", BY_DNS},
    [NETLAB_DNS_TTL_IGNORED] = {"dns-ttl-ignored", BY_DNS},
    [NETLAB_DNS_NEGATIVE] = {"dns-negative", BY_DNS},
};

const char *netlab_fault_kind_name(enum netlab_fault_kind kind)
{
    BUG_ON(kind >= NETLAB_FAULT_KINDS, "the kind is one of the table's");
    return rows[kind].name;
}

bool group_has(const struct netlab_group *g, uint32_t host)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->hosts[i] == host)
            return true;
    return g->n == 0;
}

bool fault_meets(const struct netlab_fault_options *o, uint32_t from, uint32_t to)
{
    bool forth = group_has(&o->a, from) && group_has(&o->b, to);
    bool back = group_has(&o->b, from) && group_has(&o->a, to);
    return (forth && o->direction != NETLAB_B_TO_A) || (back && o->direction != NETLAB_A_TO_B);
}

uint32_t fault_share(const struct netlab_fault_options *o)
{
    return o->share_ppm ? o->share_ppm : LAB_SHARE_ALL;
}

/* ---- what can be asked for ---- */

static struct err *check_group(const struct netlab *lab, const struct netlab_group *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->hosts[i] >= lab->hosts_n)
            return err_new(ERR_INVALID, "the lab has no host %u", g->hosts[i]);
    return NULL;
}

static struct err *check(const struct netlab *lab, const struct netlab_fault_options *o)
{
    const char *name = netlab_fault_kind_name(o->kind);
    bool timed = o->kind == NETLAB_LATENCY || o->kind == NETLAB_IDLE_CUT ||
                 o->kind == NETLAB_DNS_TTL_IGNORED || o->kind == NETLAB_DNS_NEGATIVE;
    if (lab->faults_n == NETLAB_FAULTS_MAX)
        return err_new(ERR_TOO_MANY, "a lab has at most %u faults in its life", NETLAB_FAULTS_MAX);
    if (o->share_ppm > LAB_SHARE_ALL)
        return err_new(ERR_INVALID, "%s: a share of %u in a million is more than all", name,
                       o->share_ppm);
    if (o->delay_ns < 0 || o->jitter_ns < 0 ||
        (timed && o->delay_ns < NS_PER_MS && o->jitter_ns == 0))
        return err_new(ERR_INVALID, "%s: it needs a delay, of a millisecond at least", name);
    if (o->kind == NETLAB_REORDER && o->jitter_ns < NS_PER_MS)
        return err_new(ERR_INVALID, "%s: it needs a jitter, of a millisecond at least", name);
    if (o->kind == NETLAB_THROTTLE && o->bytes_per_s < LAB_RATE_MIN)
        return err_new(ERR_INVALID, "%s: it needs a rate, of %d bytes a second at least", name,
                       LAB_RATE_MIN);
    if (o->kind == NETLAB_DNS_WRONG && o->addresses_n == 0)
        return err_new(ERR_INVALID, "%s: it needs addresses", name);
    struct err *err = check_group(lab, &o->a);
    return err ? err : check_group(lab, &o->b);
}

struct err *netlab_supports(struct netlab *lab, enum netlab_fault_kind kind)
{
    BUG_ON(kind >= NETLAB_FAULT_KINDS, "the kind is one of the table's");
    switch (rows[kind].means) {
    case BY_SOCKETS:
        return sockets_supported(lab);
    case BY_SHAPE:
        return shape_supported(lab);
    case BY_DETOUR:
        return detour_supported(lab);
    case BY_NFT:
    case BY_DNS:
        break; /* seen to be there when the lab was opened */
    }
    return NULL;
}

/* ---- the life of one ---- */

static struct err *begin(struct netlab *lab, uint32_t fault, const struct netlab_fault_options *o)
{
    struct fault_state *f = &lab->faults[fault];
    switch (rows[o->kind].means) {
    case BY_SOCKETS:
        f->active = false;
        return sockets_reset(lab, o, &f->fired);
    case BY_SHAPE:
        return shape_begin(lab, fault, o);
    case BY_DETOUR:
        return detour_begin(lab, fault, o);
    case BY_DNS:
        return dns_fault_begin(lab, fault, o);
    case BY_NFT:
        break;
    }
    return nft_begin(lab, fault, o);
}

struct err *netlab_fault_begin(struct netlab *lab, const struct netlab_fault_options *options,
                               uint32_t *fault)
{
    struct err *err = check(lab, options);
    if (!err)
        err = netlab_supports(lab, options->kind);
    if (err)
        return err;
    uint32_t id = lab->faults_n++;
    lab->faults[id] = (struct fault_state){
        .kind = options->kind, .active = true, .stays = options->kind == NETLAB_HALF_OPEN};
    err = begin(lab, id, options);
    if (err) {
        lab->faults[id].active = false;
        return err_wrap(err, err->code, "%s cannot begin", netlab_fault_kind_name(options->kind));
    }
    *fault = id;
    return NULL;
}

static struct fault_state *fault_at(struct netlab *lab, uint32_t fault)
{
    BUG_ON(fault >= lab->faults_n, "the fault is one that has begun");
    return &lab->faults[fault];
}

struct err *netlab_fault_end(struct netlab *lab, uint32_t fault)
{
    struct fault_state *f = fault_at(lab, fault);
    if (!f->active)
        return NULL;
    struct err *err = netlab_fault_fired(lab, fault, &f->fired);
    if (err)
        return err;
    f->active = f->stays;
    if (f->stays)
        return NULL;
    switch (rows[f->kind].means) {
    case BY_SHAPE:
        return shape_end(lab, fault);
    case BY_DETOUR:
        return detour_end(lab, fault);
    case BY_DNS:
        return dns_fault_end(lab, fault);
    case BY_SOCKETS:
    case BY_NFT:
        break;
    }
    return nft_end(lab, fault);
}

struct err *netlab_fault_fired(struct netlab *lab, uint32_t fault, uint64_t *n)
{
    const struct fault_state *f = fault_at(lab, fault);
    *n = f->fired;
    if (!f->active)
        return NULL;
    if (rows[f->kind].means == BY_DNS)
        return dns_fault_fired(lab, fault, n);
    if (f->relay.met) {
        *n = __atomic_load_n(f->relay.met, __ATOMIC_RELAXED);
        return NULL;
    }
    return nft_fired(lab, fault, n);
}
