/* Faults of Kubernetes APIs: rules in their servers, and what is done to their stores. */
#include "sim/scenario/run/inject_internal.h"

#include "engine/kube/leader.h"
#include "sim/scenario/run/backups.h"

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
    {FAULT_READ_STALE, KUBEAPI_FAULT_STALE_READ},
    {FAULT_WATCH_CUT, KUBEAPI_FAULT_WATCH_CUT},
    {FAULT_WATCH_LOSS, KUBEAPI_FAULT_WATCH_LOSS},
    {FAULT_WATCH_DROP, KUBEAPI_FAULT_WATCH_DROP},
    {FAULT_WATCH_STALL, KUBEAPI_FAULT_WATCH_STALL},
    {FAULT_WATCH_GONE, KUBEAPI_FAULT_WATCH_GONE},
    {FAULT_WATCH_REWIND, KUBEAPI_FAULT_WATCH_REWIND},
    {FAULT_WATCH_REORDER, KUBEAPI_FAULT_WATCH_REORDER},
    {FAULT_WATCH_UNOBSERVED, KUBEAPI_FAULT_WATCH_UNOBSERVED},
    {FAULT_WATCH_DUPLICATE, KUBEAPI_FAULT_WATCH_DUPLICATE},
    {FAULT_WATCH_NO_BOOKMARK, KUBEAPI_FAULT_WATCH_NO_BOOKMARK},
    {FAULT_STORE_FULL, KUBEAPI_FAULT_STORE_FULL},
    {FAULT_STORE_SLOW_FSYNC, KUBEAPI_FAULT_SLOW_WRITE},
    {FAULT_STORE_LOST_WRITE, KUBEAPI_FAULT_LOST_WRITE},
    {FAULT_PROCESS_CRASH, KUBEAPI_FAULT_FATE},
    {FAULT_PROCESS_STALE, KUBEAPI_FAULT_STALE_READ},
    {FAULT_LEASE_LOST, KUBEAPI_FAULT_STATUS},
    {FAULT_LEASE_TWO_HOLDERS, KUBEAPI_FAULT_FORK},
};

static bool rule_kind(enum fault_kind kind, enum kubeapi_fault_kind *out)
{
    for (size_t i = 0; i < ARRAY_LEN(api_kinds); i++)
        if (api_kinds[i].from == kind) {
            *out = api_kinds[i].to;
            return true;
        }
    return false;
}

static bool is_of_leases(enum fault_kind kind)
{
    return kind == FAULT_LEASE_LOST || kind == FAULT_LEASE_TWO_HOLDERS;
}

bool inject_is_of_apis(const struct fault *f, const struct target *t)
{
    enum kubeapi_fault_kind kind;
    if (f->kind == FAULT_PROCESS_CRASH)
        return f->when != FAULT_AT_ONCE;
    if (inject_is_http(f->kind) && t->a.kind == TARGET_MANAGER)
        return false;
    return rule_kind(f->kind, &kind) || f->kind == FAULT_STORE_COMPACTION ||
           f->kind == FAULT_STORE_RESTORE;
}

static struct str verb_of(int64_t index)
{
    struct str rest = STR(FAULT_VERBS), verb = str_empty;
    for (int64_t i = 0; i <= index; i++)
        (void)str_cut(rest, '|', &verb, &rest);
    return index > 0 ? verb : str_empty;
}

static struct kubeapi_fault rule_of(struct api_fault *at)
{
    struct injected *it = at->of;
    const struct fault *f = &it->fault;
    struct kubeapi_fault rule = {.per_million = (uint32_t)f->share_ppm,
                                 .resource = f->of,
                                 .verb = verb_of(f->verb),
                                 .user = f->user,
                                 .status = (int)f->code,
                                 .retry_after_s = inject_retry_after_s(f),
                                 .delay = f->delay_ns,
                                 .jitter = f->jitter_ns,
                                 .clients = it->clients,
                                 .clients_n = it->clients_n,
                                 .fired = &it->fired};
    bool known = rule_kind(f->kind, &rule.kind);
    BUG_ON(!known, "what is no rule is not added as one");
    if (f->kind == FAULT_WATCH_REWIND)
        rule.delay = f->behind_ns;
    if (f->kind == FAULT_WATCH_REORDER) {
        rule.window = (uint64_t)f->window;
        rule.delay = REORDER_MAX;
    }
    if (is_of_leases(f->kind)) {
        rule.resource = STR("configmaps");
        rule.name = STR(LEADER_NAME);
        rule.writes = f->kind == FAULT_LEASE_LOST;
        rule.status = 500;
    }
    if (f->kind == FAULT_WATCH_UNOBSERVED) {
        rule.name = f->name;
        rule.event = (unsigned)f->event;
        rule.later = f->shown == FAULT_SHOWN_LATER;
    }
    if (f->kind == FAULT_PROCESS_STALE)
        rule.past = at->past;
    if (f->kind == FAULT_PROCESS_CRASH) {
        rule.fate = inject_crash_fate;
        rule.owner = at;
        rule.delay = 0;
    }
    return rule;
}

static void add_rule(struct api_fault *at)
{
    at->api = apihost_api(at->host);
    if (!at->api)
        return; /* its start comes back to it */
    struct kubeapi_fault rule = rule_of(at);
    at->id = kubeapi_fault_add(at->api, &rule);
}

/* ---- whose requests ---- */

static void add_client(struct injected *it, struct sim_process *p)
{
    it->clients = mem_resize(it->clients, (it->clients_n + 1) * sizeof(*it->clients));
    it->clients[it->clients_n++] = str_dup(sim_host_address(sim_process_host(p)));
}

/* Of each site a replica that runs and does not lead: the last, since the first is what people look at. */
static void add_rivals(struct injected *it)
{
    struct estate *e = it->in->estate;
    for (size_t s = 0; s < e->sites_n; s++) {
        struct sim_process *rival = NULL;
        bool meant = it->target.a.any || it->target.a.index == (int32_t)s;
        for (size_t i = 0; meant && i < e->sites[s]->replicas_n; i++) {
            struct server *server = replica_server(&e->sites[s]->replicas[i]);
            if (server && !server_state(server).leading)
                rival = e->sites[s]->replicas[i].process;
        }
        if (rival)
            add_client(it, rival);
    }
}

static void find_clients(struct injected *it)
{
    struct picks p = {0};
    if (it->fault.kind == FAULT_LEASE_TWO_HOLDERS)
        add_rivals(it);
    bool of_clients = it->target.a.kind == TARGET_MANAGER || it->target.a.kind == TARGET_AGENT;
    if (it->fault.kind == FAULT_PROCESS_CRASH || !of_clients)
        return;
    picks_add(it->in->estate, &it->target.a, &p);
    for (size_t i = 0; i < p.processes_n; i++)
        add_client(it, p.processes[i]);
    picks_free(&p);
}

/* ---- which APIs ---- */

void inject_each_api(const struct estate *e, const struct target_end *t,
                     void (*each)(void *owner, struct apihost *host), void *owner)
{
    bool of_site = t->of_site || t->kind == TARGET_SITE || t->kind == TARGET_MANAGER;
    for (size_t s = 0; s < e->sites_n && of_site; s++)
        if (t->any || t->index == (int32_t)s)
            each(owner, e->sites[s]->api);
    for (size_t i = 0; i < e->clusters_n && !of_site; i++)
        if (picks_cluster(e, t, i))
            each(owner, sim_cluster_api(e->clusters[i].sim));
}

static void start_one(void *owner, struct apihost *host)
{
    struct injected *it = owner;
    if (it->fault.kind == FAULT_STORE_RESTORE) {
        it->fired += backups_restore(it->in->backups, host, it->fault.behind_ns);
        return;
    }
    if (it->fault.kind == FAULT_STORE_COMPACTION) {
        if (apihost_api(host))
            kubeapi_compact(apihost_api(host));
        it->fired += apihost_api(host) != NULL;
        return;
    }
    struct api_fault *at = &it->apis[it->apis_n++];
    *at = (struct api_fault){.of = it, .host = host};
    if (it->fault.kind == FAULT_PROCESS_STALE)
        at->past = backups_copy(it->in->backups, host, it->fault.behind_ns);
    add_rule(at);
}

/* They meet the replica as they come back. */
static void restart(struct injected *it)
{
    struct picks p = {0};
    picks_add(it->in->estate, &it->target.a, &p);
    for (size_t i = 0; i < p.processes_n; i++)
        if (sim_process_is_running(p.processes[i]))
            sim_process_kill(p.processes[i], SIM_EXIT_KILLED);
    picks_free(&p);
}

void inject_start_apis(struct injected *it)
{
    struct estate *e = it->in->estate;
    it->apis = MEM_NEW_ARRAY(struct api_fault, e->sites_n + e->clusters_n);
    find_clients(it);
    bool of_clients = it->fault.kind == FAULT_LEASE_TWO_HOLDERS ||
                      it->target.a.kind == TARGET_MANAGER || it->target.a.kind == TARGET_AGENT;
    if (of_clients && it->fault.kind != FAULT_PROCESS_CRASH && it->clients_n == 0)
        return; /* nobody could be the second: it never fires */
    if (it->fault.kind != FAULT_PROCESS_CRASH) {
        inject_each_api(e, &it->target.a, start_one, it);
        if (it->fault.kind == FAULT_PROCESS_STALE)
            restart(it);
        return;
    }
    inject_crash_prepare(it);
    if (it->target.a.kind == TARGET_API) {
        inject_each_api(e, &it->target.a, start_one, it);
        return;
    }
    for (size_t i = 0; i < it->crash->picks.processes_n; i++)
        add_client(it, it->crash->picks.processes[i]);
    struct target_end sites = {.kind = TARGET_SITE, .any = true, .first = -1, .last = -1};
    struct target_end clusters = {.kind = TARGET_CLUSTER, .any = true, .first = -1, .last = -1};
    if (it->clients_n > 0) {
        inject_each_api(e, &sites, start_one, it);
        inject_each_api(e, &clusters, start_one, it);
    }
}

void inject_end_apis(struct injected *it)
{
    for (size_t i = 0; i < it->apis_n; i++) {
        if (it->apis[i].api)
            kubeapi_fault_remove(it->apis[i].api, it->apis[i].id);
        store_snapshot_free(it->apis[i].past);
    }
    it->apis_n = 0;
}

void inject_api_changed(struct injected *it, const struct sim_process *p)
{
    for (size_t i = 0; i < it->apis_n && !it->over; i++)
        if (apihost_process(it->apis[i].host) == p)
            add_rule(&it->apis[i]);
}
