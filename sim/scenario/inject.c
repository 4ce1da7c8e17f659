/* Faults in the estate. */
#include "sim/scenario/inject_internal.h"

#include "sim/world/fault.h"

enum injected_where { IN_WORLD, IN_APIS, IN_CLUSTERS };

struct api_fault {
    struct kubeapi *api;
    uint64_t id;
};

struct injected {
    struct inject *in;
    struct str name; /* owned */
    struct target target;
    struct fault fault;
    enum injected_where where;
    struct sim_fault *world;
    struct api_fault *apis;
    size_t apis_n;
    struct sim_task *end;
    int64_t begin_ns, end_ns;
    uint64_t fired; /* of those that the world does not count */
    bool optional, over;
    struct view_fault *shown;
};

/* ---- faults of the world ---- */

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

static void start_world(struct injected *it, enum sim_fault_kind kind, int64_t for_ns)
{
    struct estate *e = it->in->estate;
    struct picks a = {0}, b = {0};
    struct str answers[WORLD_DNS_ADDRESSES_MAX];
    struct buf dns_name = {0};
    picks_add(e, &it->target.a, &a);
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
    bool at_server = kind >= SIM_FAULT_TLS_EXPIRED && kind <= SIM_FAULT_TLS_STALL;
    bool is_power = kind == SIM_FAULT_PROCESS_POWER_LOSS;
    if (it->target.kind != TARGET_LINK && (at_server || is_power)) {
        from = &b;
        to = &a;
    }
    struct sim_fault_options o = {.name = it->name,
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
                                  .dns_name = is_dns(kind) ? dns_name_of(it, &dns_name) : str_empty,
                                  .addresses = answers,
                                  .addresses_n =
                                      answers_of(e, &it->fault, answers, ARRAY_LEN(answers))};
    it->world = sim_fault_add(e->sim, &o);
    buf_free(&dns_name);
    picks_free(&a);
    picks_free(&b);
}

/* ---- faults of Kubernetes APIs ---- */

#define REORDER_MAX NS_PER_S /* held events go their way then, however few writes there were */

static const struct {
    enum fault_kind from;
    enum kubeapi_fault_kind to;
} api_kinds[] = {
    {FAULT_HTTP_ERROR, KUBEAPI_FAULT_STATUS},
    {FAULT_HTTP_SLOW, KUBEAPI_FAULT_LATENCY},
    {FAULT_HTTP_TRUNCATED, KUBEAPI_FAULT_TRUNCATED},
    {FAULT_WRITE_CONFLICT, KUBEAPI_FAULT_CONFLICT},
    {FAULT_WRITE_LOST_ACK, KUBEAPI_FAULT_LOST_ACK},
    {FAULT_WATCH_STALL, KUBEAPI_FAULT_WATCH_STALL},
    {FAULT_WATCH_GONE, KUBEAPI_FAULT_WATCH_GONE},
    {FAULT_WATCH_REWIND, KUBEAPI_FAULT_WATCH_REWIND},
    {FAULT_WATCH_REORDER, KUBEAPI_FAULT_WATCH_REORDER},
    {FAULT_WATCH_DUPLICATE, KUBEAPI_FAULT_WATCH_DUPLICATE},
    {FAULT_WATCH_NO_BOOKMARK, KUBEAPI_FAULT_WATCH_NO_BOOKMARK},
    {FAULT_STORE_FULL, KUBEAPI_FAULT_STORE_FULL},
    {FAULT_STORE_SLOW_FSYNC, KUBEAPI_FAULT_SLOW_WRITE},
    {FAULT_STORE_LOST_WRITE, KUBEAPI_FAULT_LOST_WRITE},
};

static bool api_rule(const struct fault *f, struct kubeapi_fault *out)
{
    *out = (struct kubeapi_fault){.per_million = (uint32_t)f->share_ppm,
                                  .resource = f->of,
                                  .status = (int)f->code,
                                  .retry_after_s = (f->retry_after_ns + NS_PER_S - 1) / NS_PER_S,
                                  .delay = f->delay_ns,
                                  .jitter = f->jitter_ns};
    if (f->kind == FAULT_WATCH_REWIND)
        out->delay = f->behind_ns;
    if (f->kind == FAULT_WATCH_REORDER) {
        out->window = (uint64_t)f->window;
        out->delay = REORDER_MAX;
    }
    for (size_t i = 0; i < ARRAY_LEN(api_kinds); i++)
        if (api_kinds[i].from == f->kind) {
            out->kind = api_kinds[i].to;
            return true;
        }
    return false;
}

static bool target_apis(const struct estate *e, const struct target_end *t,
                        void (*each)(struct injected *it, struct kubeapi *api), struct injected *it)
{
    bool any = false, of_site = t->of_site || t->kind == TARGET_SITE;
    for (size_t s = 0; s < e->sites_n && of_site; s++)
        if ((t->any || t->index == (int32_t)s) && apihost_api(e->sites[s]->api)) {
            each(it, apihost_api(e->sites[s]->api));
            any = true;
        }
    for (size_t i = 0; i < e->clusters_n && !of_site; i++) {
        struct kubeapi *api = apihost_api(sim_cluster_api(e->clusters[i].sim));
        if (api && picks_cluster(e, t, i)) {
            each(it, api);
            any = true;
        }
    }
    return any;
}

static void start_api(struct injected *it, struct kubeapi *api)
{
    struct kubeapi_fault rule;
    it->apis = mem_resize(it->apis, (it->apis_n + 1) * sizeof *it->apis);
    if (it->fault.kind == FAULT_STORE_COMPACTION) {
        kubeapi_compact(api);
        it->fired++;
        return;
    }
    if (it->fault.kind == FAULT_WATCH_DROP) {
        it->fired += kubeapi_cut_watches(api, it->fault.of, true);
        return;
    }
    bool known = api_rule(&it->fault, &rule);
    BUG_ON(!known, "what is not supported is not started");
    it->apis[it->apis_n++] = (struct api_fault){api, kubeapi_fault_add(api, &rule)};
}

/* An API that has been started anew since has forgotten its faults. */
static bool still_there(const struct injected *it, const struct kubeapi *api)
{
    const struct estate *e = it->in->estate;
    for (size_t s = 0; s < e->sites_n; s++)
        if (apihost_api(e->sites[s]->api) == api)
            return true;
    for (size_t i = 0; i < e->clusters_n; i++)
        if (apihost_api(sim_cluster_api(e->clusters[i].sim)) == api)
            return true;
    return false;
}

/* ---- nodes and add-ons ---- */

static void set_clusters(struct injected *it, bool broken)
{
    struct estate *e = it->in->estate;
    for (size_t i = 0; i < e->clusters_n; i++) {
        struct sim_cluster *c = e->clusters[i].sim;
        if (!picks_cluster(e, &it->target.a, i))
            continue;
        if (it->fault.kind == FAULT_ADDON_COREDNS_DOWN)
            sim_cluster_set_coredns(c, !broken);
        else if (it->fault.kind == FAULT_ADDON_CNI_DOWN)
            sim_cluster_set_cni(c, !broken);
        else
            for (uint32_t n = 0; n < sim_cluster_nodes(c); n++)
                sim_cluster_set_node(c, n, !broken, broken && it->fault.kind == FAULT_NODE_GONE);
        it->fired += broken;
    }
}

static bool is_of_clusters(enum fault_kind kind)
{
    return kind == FAULT_ADDON_COREDNS_DOWN || kind == FAULT_ADDON_CNI_DOWN ||
           kind == FAULT_NODE_NOT_READY || kind == FAULT_NODE_GONE;
}

static bool is_of_apis(enum fault_kind kind)
{
    struct kubeapi_fault rule;
    struct fault f = {.kind = kind};
    return api_rule(&f, &rule) || kind == FAULT_STORE_COMPACTION || kind == FAULT_WATCH_DROP;
}

/* ---- life of a fault ---- */

/* What a kind that is supported cannot do: nothing that a file asks for is left out in silence. */
static const char *unsupported_field(const struct fault *f)
{
    bool all = f->share_ppm == SIM_SHARE_ALL;
    if (f->kind == FAULT_PROCESS_CRASH && f->when != FAULT_AT_ONCE)
        return "the simulated world cannot crash a process `at` its writes yet";
    if (f->kind == FAULT_PROCESS_CRASH && (f->of.n || f->delay_ns))
        return "the simulated world does not know `of` and `delay` of a crash yet";
    if ((f->kind == FAULT_PROCESS_SLOW || f->kind == FAULT_DISK_SLOW) && f->jitter_ns)
        return "the simulated world does not know its `jitter` yet";
    if (f->kind == FAULT_WATCH_STALL && f->delay_ns)
        return "the simulated API stalls watches for the time of the fault; leave out its own "
               "`for`";
    if ((f->kind == FAULT_WATCH_DROP || f->kind == FAULT_NODE_NOT_READY ||
         f->kind == FAULT_NODE_GONE) &&
        !all)
        return "the simulated world cannot do it to a `share` yet";
    return NULL;
}

bool inject_supports(const struct fault *f, const struct target *t, const char **why)
{
    enum sim_fault_kind kind;
    *why = unsupported_field(f);
    if (*why)
        return false;
    if (is_of_apis(f->kind)) {
        bool http = f->kind == FAULT_HTTP_ERROR || f->kind == FAULT_HTTP_SLOW ||
                    f->kind == FAULT_HTTP_TRUNCATED;
        *why = "it needs a Kubernetes API as its target, such as api/a";
        return t->a.kind == TARGET_API ||
               (!http && (t->a.kind == TARGET_SITE || t->a.kind == TARGET_CLUSTER));
    }
    *why = "the simulated world cannot do it yet";
    return world_kind(f->kind, &kind) || is_of_clusters(f->kind);
}

static uint64_t fired(struct injected *it)
{
    uint64_t n = it->fired;
    if (it->world)
        n += sim_fault_fired(it->world);
    for (size_t i = 0; i < it->apis_n; i++)
        if (still_there(it, it->apis[i].api))
            n += kubeapi_fault_fired(it->apis[i].api, it->apis[i].id);
    return n;
}

static void show(struct injected *it)
{
    it->shown->fired = fired(it);
    it->shown->active = !it->over;
    view_fault_changed(it->in->view);
}

static void end(void *owner)
{
    struct injected *it = owner;
    if (it->over)
        return;
    sim_task_cancel(it->end);
    it->end = NULL;
    it->fired = fired(it); /* the counts of APIs go with their processes */
    if (it->world)
        it->fired -= sim_fault_fired(it->world);
    it->over = true;
    it->end_ns = sim_now(it->in->estate->sim);
    if (it->world)
        sim_fault_end(it->world);
    for (size_t i = 0; i < it->apis_n; i++)
        if (still_there(it, it->apis[i].api))
            kubeapi_fault_remove(it->apis[i].api, it->apis[i].id);
    it->apis_n = 0;
    if (it->where == IN_CLUSTERS)
        set_clusters(it, false);
    sim_note(it->in->estate->sim, "fault.ended", it->name, str_empty);
    show(it);
}

static void on_end(void *owner)
{
    struct injected *it = owner;
    it->end = NULL;
    end(it);
}

static bool is_momentary(const struct fault *f)
{
    return f->kind == FAULT_PROCESS_CRASH || f->kind == FAULT_PROCESS_OOM ||
           f->kind == FAULT_CLOCK_JUMP || f->kind == FAULT_NET_RESET ||
           f->kind == FAULT_STORE_COMPACTION || f->kind == FAULT_WATCH_DROP;
}

struct injected *inject_fault(struct inject *in, struct str name, const struct target *target,
                              const struct fault *fault, int64_t for_ns, bool optional)
{
    struct injected *it = MEM_NEW(struct injected);
    enum sim_fault_kind kind;
    struct buf unique = {0};
    if (in->n == in->cap) {
        in->cap = in->cap ? in->cap * 2 : 16;
        in->items = mem_resize(in->items, in->cap * sizeof *in->items);
    }
    in->items[in->n++] = it;
    buf_addf(&unique, STR_FMT, STR_ARG(name));
    for (size_t i = 0; i + 1 < in->n; i++)
        if (str_eq(in->items[i]->name, name)) {
            buf_addf(&unique, " (%zu)", in->n);
            break;
        }
    *it = (struct injected){.in = in,
                            .name = buf_take(&unique),
                            .target = *target,
                            .fault = *fault,
                            .begin_ns = sim_now(in->estate->sim),
                            .end_ns = -1,
                            .optional = optional};
    it->shown = view_add_fault(in->view, it->name);
    it->shown->started_at = it->begin_ns;
    sim_note(in->estate->sim, "fault.began", it->name, target->text);
    if (fault->share_ppm == 0) {
        it->where = IN_WORLD; /* a share of nothing, by a parameter: it never fires */
    } else if (world_kind(fault->kind, &kind)) {
        start_world(it, kind, for_ns);
    } else if (is_of_apis(fault->kind)) {
        it->where = IN_APIS;
        target_apis(in->estate, &target->a, start_api, it);
    } else {
        it->where = IN_CLUSTERS;
        set_clusters(it, true);
    }
    if (is_momentary(fault))
        it->end = sim_after(in->estate->sim, for_ns, on_end, it);
    else if (for_ns > 0)
        it->end = sim_after(in->estate->sim, for_ns, on_end, it);
    show(it);
    return it;
}

size_t inject_heal(struct inject *in, const struct target *target)
{
    size_t n = 0;
    for (size_t i = 0; i < in->n; i++)
        if (target->kind == TARGET_NONE || target->kind == TARGET_ALL ||
            str_eq(target->text, in->items[i]->target.text)) {
            end(in->items[i]);
            n++;
        }
    return n;
}

size_t inject_count(const struct inject *in)
{
    return in->n;
}

struct injected_state inject_state(struct inject *in, size_t i)
{
    struct injected *it = in->items[i];
    return (struct injected_state){.name = it->name,
                                   .target = it->target.text,
                                   .begin_ns = it->begin_ns,
                                   .end_ns = it->end_ns,
                                   .fired = fired(it),
                                   .optional = it->optional};
}

struct inject *inject_new(struct estate *e, struct view *v)
{
    struct inject *in = MEM_NEW(struct inject);
    in->estate = e;
    in->view = v;
    return in;
}

void inject_free(struct inject *in)
{
    if (!in)
        return;
    for (size_t i = 0; i < in->n; i++) {
        str_free(&in->items[i]->name);
        mem_free(in->items[i]->apis);
        mem_free(in->items[i]);
    }
    mem_free(in->items);
    mem_free(in);
}
