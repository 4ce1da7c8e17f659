/* What nothing announces, looked at every VIEW_POLL, and what the manager writes upstream. */
#include "sim/scenario/run/view_internal.h"

#include "engine/base/metrics.h"
#include "engine/kube/leader.h"

/* A counter that announces itself. */
void view_count(struct view *v, enum vocabulary_global which, int64_t by)
{
    struct view_counter *c = &v->counters[which];
    c->value += by;
    history_add(&c->history, sim_now(v->estate->sim), c->value);
    view_changed_global(v, which);
}

/* A value that was looked at. */
void view_see(struct view *v, enum vocabulary_global which, int64_t value)
{
    struct view_counter *c = &v->counters[which];
    if (c->value != value)
        view_count(v, which, value - c->value);
}

static void poll_counters(struct view *v)
{
    static const struct {
        enum vocabulary_global which;
        const char *name;
    } counters[] = {{VOC_GLOBAL_DNS_QUERIES, "dns.queries"},
                    {VOC_GLOBAL_DNS_SERVFAIL_ANSWERS, "dns.servfail_answers"},
                    {VOC_GLOBAL_DNS_NXDOMAIN_ANSWERS, "dns.nxdomain_answers"},
                    {VOC_GLOBAL_DNS_TIMEOUTS, "dns.timeouts"},
                    {VOC_GLOBAL_DNS_STALE_ANSWERS, "dns.stale_answers"},
                    {VOC_GLOBAL_DNS_WRONG_ANSWERS, "dns.wrong_answers"},
                    {VOC_GLOBAL_NET_CONNECTS, "net.connects"},
                    {VOC_GLOBAL_NET_CONNECT_FAILURES, "net.connect_failures"},
                    {VOC_GLOBAL_NET_RESETS, "net.resets"},
                    {VOC_GLOBAL_NET_HALF_OPEN_SESSIONS, "net.half_open_sessions"},
                    {VOC_GLOBAL_NET_DROPPED_BYTES, "net.dropped_bytes"},
                    {VOC_GLOBAL_TLS_HANDSHAKES, "tls.handshakes"},
                    {VOC_GLOBAL_TLS_FAILURES, "tls.failures"}};
    for (size_t i = 0; i < ARRAY_LEN(counters); i++)
        view_see(v, counters[i].which, sim_counter_value(v->estate->sim, str_c(counters[i].name)));
    view_see(v, VOC_GLOBAL_EVENTS, (int64_t)sim_events(v->estate->sim));
}

/* A process counts from its start on. */
static int64_t new_reconciles(struct view_server *s, struct server *in)
{
    int64_t was = s->reconciles;
    s->reconciles = in ? metrics_sum(server_metrics(in), "paddock_controller_reconciles_total") : 0;
    return s->reconciles < was ? s->reconciles : s->reconciles - was;
}

static void poll_managers(struct view *v)
{
    int64_t depth = 0, reconciles = 0;
    for (size_t i = 0; i < v->servers_n; i++) {
        struct server *s = replica_server(v->servers[i].replica);
        if (s)
            depth += (int64_t)server_state(s).queue_depth;
        reconciles += new_reconciles(&v->servers[i], s);
    }
    if (reconciles)
        view_count(v, VOC_GLOBAL_MANAGER_RECONCILES, reconciles);
    view_see(v, VOC_GLOBAL_MANAGER_QUEUE_DEPTH, depth);
    view_changed(v, VOC_SERVER, VOC_SERVER_PEERS);
}

static void poll_caches(struct view *v)
{
    for (uint32_t i = VOC_GLOBAL_CACHE_VERIFICATIONS;
         v->caches_asked && i <= VOC_GLOBAL_CACHE_HEALS; i++)
        view_see(v, (enum vocabulary_global)i,
                 view_caches_total(v->caches, (enum vocabulary_global)i));
}

void view_poll(void *owner)
{
    struct view *v = owner;
    poll_counters(v);
    poll_managers(v);
    view_poll_apis(v);
    poll_caches(v);
    v->poll = sim_after(v->estate->sim, VIEW_POLL, view_poll, v);
}

/* ---- upstream ---- */

static void on_upstream(void *owner, struct store_event *e)
{
    struct view *v = owner;
    view_count(v, VOC_GLOBAL_UPSTREAM_BYTES, (int64_t)e->object->json.n);
}

static void on_lease(void *owner, struct store_event *e)
{
    struct view *v = owner;
    v->leases += str_eq_c(e->object->name, LEADER_NAME);
}

/* Only where an expression asks for it. */
void view_watch_upstream(struct view *v, struct kubeapi *api)
{
    static const char *const tables[VIEW_UPSTREAM_TABLES] = {
        "configmaps", "clusters.management.cattle.io",
        "clusterregistrationtokens.management.cattle.io", "settings.management.cattle.io",
        "secrets"};
    for (size_t i = 0; i < VIEW_UPSTREAM_TABLES && v->apis_asked; i++) {
        store_watch_stop(v->sizes[i]);
        v->sizes[i] = api ? store_watch_start(store_table(kubeapi_store(api), str_c(tables[i])),
                                              str_empty, i == 0 ? on_lease : on_upstream, v)
                          : NULL;
    }
}

/* ---- whether anybody asks ---- */

static bool names_any(const struct expr *e, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; e && i <= to; i++)
        if (expr_depends_on(e, (struct expr_dep){EXPR_DEP_GLOBAL, i, 0}))
            return true;
    return false;
}

/* Thousands of APIs and caches are only asked for their counters where an expression wants them. */
bool view_plan_names(const struct plan *plan, uint32_t from, uint32_t to)
{
    bool any = false;
    for (size_t i = 0; i < plan->steps_n; i++)
        any = any || names_any(plan->steps[i].until, from, to);
    for (size_t i = 0; i < plan->asserts_n; i++)
        any = any || names_any(plan->asserts[i].that, from, to);
    for (size_t i = 0; i < plan->measures_n; i++)
        any = any || names_any(plan->measures[i].value, from, to);
    return any;
}
