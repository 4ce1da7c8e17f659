/* Faults of the simulated world: what a fault of the language is there, and who its hosts, processes and resolvers are. */
#include "sim/scenario/run/inject_internal.h"

#include "sim/world/fault.h"

static const struct {
    enum fault_kind from;
    enum sim_fault_kind to;
} world_kinds[] = {
    {FAULT_NET_LATENCY, SIM_FAULT_NET_LATENCY},
    {FAULT_NET_LOSS, SIM_FAULT_NET_LOSS},
    {FAULT_NET_REORDER, SIM_FAULT_NET_REORDER},
    {FAULT_NET_DUPLICATE, SIM_FAULT_NET_DUPLICATE},
    {FAULT_NET_PARTITION, SIM_FAULT_NET_PARTITION},
    {FAULT_NET_HALF_OPEN, SIM_FAULT_NET_HALF_OPEN},
    {FAULT_NET_RESET, SIM_FAULT_NET_RESET},
    {FAULT_NET_IDLE_CUT, SIM_FAULT_NET_IDLE_CUT},
    {FAULT_NET_REFUSE, SIM_FAULT_NET_REFUSE},
    {FAULT_NET_THROTTLE, SIM_FAULT_NET_THROTTLE},
    {FAULT_NET_CLOG, SIM_FAULT_NET_CLOG},
    {FAULT_DNS_NXDOMAIN, SIM_FAULT_DNS_NXDOMAIN},
    {FAULT_DNS_SERVFAIL, SIM_FAULT_DNS_SERVFAIL},
    {FAULT_DNS_TIMEOUT, SIM_FAULT_DNS_TIMEOUT},
    {FAULT_DNS_WRONG_ANSWER, SIM_FAULT_DNS_WRONG},
    {FAULT_DNS_STALE, SIM_FAULT_DNS_STALE},
    {FAULT_DNS_TTL_IGNORED, SIM_FAULT_DNS_TTL_IGNORED},
    {FAULT_DNS_NEGATIVE_CACHED, SIM_FAULT_DNS_NEGATIVE_CACHED},
    {FAULT_DNS_SPLIT_HORIZON, SIM_FAULT_DNS_WRONG}, /* its target is one kind of resolver */
    {FAULT_DISK_FULL, SIM_FAULT_DISK_FULL},
    {FAULT_DISK_TORN, SIM_FAULT_DISK_TORN},
    {FAULT_DISK_SLOW, SIM_FAULT_DISK_SLOW},
    {FAULT_TLS_EXPIRED, SIM_FAULT_TLS_EXPIRED},
    {FAULT_TLS_NOT_YET_VALID, SIM_FAULT_TLS_NOT_YET_VALID},
    {FAULT_TLS_WRONG_CA, SIM_FAULT_TLS_WRONG_CA},
    {FAULT_TLS_WRONG_NAME, SIM_FAULT_TLS_WRONG_NAME},
    {FAULT_TLS_HANDSHAKE_STALL, SIM_FAULT_TLS_STALL},
    {FAULT_HTTP_ERROR, SIM_FAULT_HTTP_ERROR},
    {FAULT_HTTP_SLOW, SIM_FAULT_HTTP_SLOW},
    {FAULT_HTTP_TRUNCATED, SIM_FAULT_HTTP_TRUNCATED},
    {FAULT_HTTP_NO_UPGRADE, SIM_FAULT_HTTP_NO_UPGRADE},
    {FAULT_PROCESS_CRASH, SIM_FAULT_PROCESS_CRASH},
    {FAULT_PROCESS_POWER_LOSS, SIM_FAULT_PROCESS_POWER_LOSS},
    {FAULT_PROCESS_PAUSE, SIM_FAULT_PROCESS_PAUSE},
    {FAULT_PROCESS_OOM, SIM_FAULT_PROCESS_CRASH},
    {FAULT_PROCESS_SLOW, SIM_FAULT_PROCESS_SLOW},
    {FAULT_CLOCK_SKEW, SIM_FAULT_CLOCK_SKEW},
    {FAULT_CLOCK_JUMP, SIM_FAULT_CLOCK_JUMP},
    {FAULT_CLOCK_DRIFT, SIM_FAULT_CLOCK_DRIFT},
};

static bool world_kind(enum fault_kind kind, enum sim_fault_kind *out)
{
    for (size_t i = 0; i < ARRAY_LEN(world_kinds); i++)
        if (world_kinds[i].from == kind) {
            *out = world_kinds[i].to;
            return true;
        }
    return false;
}

static world_time delay_of(const struct fault *f)
{
    switch (f->kind) {
    case FAULT_CLOCK_SKEW:
    case FAULT_CLOCK_JUMP:
        return f->offset_ns;
    case FAULT_DNS_TTL_IGNORED:
    case FAULT_DNS_NEGATIVE_CACHED:
        return f->hold_ns;
    default:
        return f->delay_ns;
    }
}

/* Wrong answers name sites, or are addresses. */
static size_t answers_of(const struct estate *e, const struct fault *f, struct str *out, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < f->values.n && n < max; i++) {
        out[n] = f->values.v[i];
        for (size_t s = 0; s < e->sites_n; s++)
            if (str_eq(f->values.v[i], e->sites[s]->name))
                out[n] = e->sites[s]->address;
        n++;
    }
    return n;
}

/* The name that a DNS fault is about; empty: all names. A cache can only remember a name that it is told. */
static struct str dns_name_of(const struct injected *it, struct buf *out)
{
    struct str record = it->fault.of;
    if (!record.n && it->fault.kind == FAULT_DNS_NEGATIVE_CACHED)
        record = STR("manager");
    if (record.n)
        buf_addf(out, STR_FMT "." STR_FMT, STR_ARG(record),
                 STR_ARG(it->in->estate->plan->topology.dns.zone));
    return buf_str(out);
}

static bool is_dns(enum sim_fault_kind kind)
{
    return kind >= SIM_FAULT_DNS_SERVFAIL && kind <= SIM_FAULT_DNS_NEGATIVE_CACHED;
}

/* To the world, no list means everything; here it means that the target is nobody: a fault that never fires. */
static bool hits_nobody(const struct injected *it, const struct picks *a, const struct picks *b)
{
    if (it->target.kind == TARGET_LINK)
        return a->hosts_n == 0 || b->hosts_n == 0;
    if (it->target.kind == TARGET_DNS || it->target.kind == TARGET_RESOLVER)
        return a->resolvers_n == 0;
    return a->hosts_n == 0 && a->processes_n == 0;
}

bool inject_is_of_world(const struct fault *f, const struct target *t)
{
    enum sim_fault_kind kind;
    if (f->kind == FAULT_PROCESS_CRASH && f->when != FAULT_AT_ONCE)
        return false;
    if (inject_is_http(f->kind)) /* managers serve; Kubernetes APIs have faults of their own */
        return target_becomes(t->a.kind) == TARGET_MANAGER || t->a.kind == TARGET_SITE;
    return world_kind(f->kind, &kind);
}

/* Whom it meets. Of a site's HTTP servers only the managers: its API has its own faults. */
static void pick(const struct injected *it, struct picks *p)
{
    struct target_end end = it->target.a;
    if (inject_is_http(it->fault.kind))
        end.kind = TARGET_MANAGER;
    picks_add(it->in->estate, &end, p);
}

void inject_start_world(struct injected *it, int64_t for_ns)
{
    struct estate *e = it->in->estate;
    enum sim_fault_kind kind;
    struct picks a = {0}, b = {0};
    struct str answers[WORLD_DNS_ADDRESSES_MAX];
    struct buf dns_name = {0};
    bool known = world_kind(it->fault.kind, &kind);
    BUG_ON(!known, "what the world does not know is not started there");
    pick(it, &a);
    if (it->target.kind == TARGET_LINK)
        picks_add(e, &it->target.b, &b);
    if (hits_nobody(it, &a, &b)) {
        picks_free(&a);
        picks_free(&b);
        return;
    }
    bool backwards = it->fault.direction == FAULT_B_TO_A;
    bool one_way = it->fault.direction != FAULT_BOTH_WAYS && kind == SIM_FAULT_NET_PARTITION;
    const struct picks *from = backwards ? &b : &a, *to = backwards ? &a : &b;
    /* A fault of one place: everything between it and all others. Certificates and power are the far end's. */
    bool at_server = kind >= SIM_FAULT_TLS_EXPIRED && kind <= SIM_FAULT_HTTP_NO_UPGRADE;
    bool is_power = kind == SIM_FAULT_PROCESS_POWER_LOSS;
    if (it->target.kind != TARGET_LINK && (at_server || is_power)) {
        from = &b;
        to = &a;
    }
    struct sim_fault_options o = {
        .name = it->name,
        .kind = one_way ? SIM_FAULT_NET_ONE_WAY : kind,
        .at = sim_now(e->sim),
        .duration = for_ns,
        .share = (uint32_t)it->fault.share_ppm,
        .from = {.hosts = from->hosts, .hosts_n = from->hosts_n},
        .to = {.hosts = to->hosts, .hosts_n = to->hosts_n},
        .processes = a.processes,
        .processes_n = a.processes_n,
        .resolvers = a.resolvers,
        .resolvers_n = a.resolvers_n,
        .delay = delay_of(&it->fault),
        .jitter = it->fault.jitter_ns,
        .bytes_per_second = it->fault.bytes_per_s,
        .ppm = (int32_t)it->fault.drift_ppm,
        .http_code = (int)it->fault.code,
        .http_retry_after_s = inject_retry_after_s(&it->fault),
        .http_target = inject_is_http(it->fault.kind) ? it->fault.of : str_empty,
        .dns_name = is_dns(kind) ? dns_name_of(it, &dns_name) : str_empty,
        .addresses = answers,
        .addresses_n = answers_of(e, &it->fault, answers, ARRAY_LEN(answers))};
    it->world = sim_fault_add(e->sim, &o);
    buf_free(&dns_name);
    picks_free(&a);
    picks_free(&b);
}
