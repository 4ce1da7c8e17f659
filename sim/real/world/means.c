/* What can be done with real processes. */
#include "sim/real/world/means.h"

#include "sim/scenario/expr/vocabulary.h"

#define BIT(x) (1ull << (x))
#define PROCESSES                                                                                  \
    (BIT(TARGET_MANAGER) | BIT(TARGET_LEADER) | BIT(TARGET_FOLLOWER) | BIT(TARGET_AGENT))
#define PLACES     (BIT(TARGET_SITE) | BIT(TARGET_CLUSTER))
#define APIS       BIT(TARGET_API)
#define EVERYWHERE (PROCESSES | PLACES | APIS)
#define NETWORK    (BIT(TARGET_LINK) | EVERYWHERE)
#define NAMES      (BIT(TARGET_DNS) | BIT(TARGET_RESOLVER))
#define SHARE_ALL  1000000

/* ---- faults ---- */

static const struct {
    enum fault_kind kind;
    uint64_t targets;
    bool whole; /* `share` cannot be less than all */
} faults[] = {
    {FAULT_NET_PARTITION, NETWORK, false},
    {FAULT_NET_HALF_OPEN, NETWORK, false},
    {FAULT_NET_RESET, NETWORK, false},
    {FAULT_NET_REFUSE, NETWORK, false},
    {FAULT_NET_IDLE_CUT, NETWORK, false},
    {FAULT_NET_LATENCY, NETWORK, false},
    {FAULT_NET_LOSS, NETWORK, false},
    {FAULT_NET_THROTTLE, NETWORK, true},
    {FAULT_NET_REORDER, NETWORK, false},
    {FAULT_NET_DUPLICATE, NETWORK, false},
    {FAULT_NET_CLOG, NETWORK, false},
    {FAULT_DNS_NXDOMAIN, NAMES, false},
    {FAULT_DNS_SERVFAIL, NAMES, false},
    {FAULT_DNS_TIMEOUT, NAMES, false},
    {FAULT_DNS_STALE, NAMES, false},
    {FAULT_HTTP_NO_UPGRADE, BIT(TARGET_MANAGER), true},
    {FAULT_HTTP_ERROR, APIS, false},
    {FAULT_HTTP_SLOW, APIS, false},
    {FAULT_HTTP_TRUNCATED, APIS, false},
    {FAULT_WRITE_CONFLICT, APIS, false},
    {FAULT_WRITE_LOST_ACK, APIS, false},
    {FAULT_READ_STALE, APIS, false},
    {FAULT_WATCH_CUT, APIS, false},
    {FAULT_WATCH_DROP, APIS, false},
    {FAULT_WATCH_LOSS, APIS, false},
    {FAULT_WATCH_STALL, APIS, false},
    {FAULT_WATCH_GONE, APIS, false},
    {FAULT_WATCH_REWIND, APIS, false},
    {FAULT_WATCH_REORDER, APIS, false},
    {FAULT_WATCH_UNOBSERVED, APIS, false},
    {FAULT_WATCH_DUPLICATE, APIS, false},
    {FAULT_WATCH_NO_BOOKMARK, APIS, false},
    {FAULT_STORE_FULL, APIS, false},
    {FAULT_STORE_SLOW_FSYNC, APIS, false},
    {FAULT_STORE_LOST_WRITE, APIS, false},
    {FAULT_PROCESS_CRASH, EVERYWHERE, true},
    {FAULT_PROCESS_POWER_LOSS, EVERYWHERE, true},
    {FAULT_PROCESS_PAUSE, EVERYWHERE, true},
};

static bool is_point(const struct target_end *end)
{
    return end->kind == TARGET_SITE || end->kind == TARGET_MANAGER || end->kind == TARGET_CLUSTER ||
           end->kind == TARGET_AGENT;
}

const char *means_fault(const struct fault *f, const struct target *t)
{
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        if (faults[i].kind != f->kind)
            continue;
        if (!(faults[i].targets & BIT(t->kind)))
            return "the real world cannot aim it there";
        if (faults[i].whole && f->share_ppm != SHARE_ALL && f->share_ppm != 0)
            return "the real world can do it to all or none: no `share`";
        if (f->when != FAULT_AT_ONCE)
            return "the real world cannot meet a write: only `at: once`";
        if (f->direction != FAULT_BOTH_WAYS && f->kind != FAULT_NET_PARTITION)
            return "the real world can do it both ways only";
        if (t->kind == TARGET_LINK && !(is_point(&t->a) && is_point(&t->b)))
            return "the real world has links between sites, managers, clusters and agents";
        return NULL;
    }
    return "the real world cannot do it";
}

/* ---- actions ---- */

const char *means_action(const struct plan_action *a)
{
    switch (a->kind) {
    case ACTION_FAULT:
        return means_fault(&a->fault, &a->target);
    case ACTION_PROCESS_KILL:
    case ACTION_PROCESS_RESTART:
    case ACTION_PROCESS_PAUSE:
        return EVERYWHERE & BIT(a->target.kind) ? NULL : "the real world cannot aim it there";
    case ACTION_HEAL:
    case ACTION_DNS_SET:
    case ACTION_MANAGER_PROMOTE:
    case ACTION_MANAGER_DEMOTE:
    case ACTION_CA_WRITE:
    case ACTION_APPLY:
    case ACTION_DELETE:
        return NULL;
    case ACTION_MANAGER_RESTART:
    case ACTION_CLUSTER_CREATE:
    case ACTION_CLUSTER_REMOVE:
    case ACTION_CLUSTER_SCALE:
    case ACTION_CERTIFICATE_ROTATE:
    case ACTION_CERTIFICATE_ISSUE:
    case ACTION_KIND_COUNT:;
    }
    return "the real world cannot do it";
}

/* ---- what can be seen ---- */

static const uint64_t fields_seen[VOC_COLLECTION_COUNT] = {
    [VOC_AGENT] = BIT(VOC_AGENT_NAME) | BIT(VOC_AGENT_CLUSTER) | BIT(VOC_AGENT_GROUP) |
                  BIT(VOC_AGENT_RUNNING) | BIT(VOC_AGENT_CONNECTED) | BIT(VOC_AGENT_PEER) |
                  BIT(VOC_AGENT_RESOLVER) | BIT(VOC_AGENT_HOLD) | BIT(VOC_AGENT_CONNECTED_AT) |
                  BIT(VOC_AGENT_LOST_AT) | BIT(VOC_AGENT_RECONNECTED_AT) | BIT(VOC_AGENT_ATTEMPTS) |
                  BIT(VOC_AGENT_RESTARTS) | BIT(VOC_AGENT_REASON),
    [VOC_CLUSTER] = BIT(VOC_CLUSTER_NAME) | BIT(VOC_CLUSTER_GROUP) | BIT(VOC_CLUSTER_STATE) |
                    BIT(VOC_CLUSTER_CONNECTED) | BIT(VOC_CLUSTER_READY) | BIT(VOC_CLUSTER_SITE) |
                    BIT(VOC_CLUSTER_SESSIONS) | BIT(VOC_CLUSTER_ACTIVE_AT) |
                    BIT(VOC_CLUSTER_WRITER_SITE) | BIT(VOC_CLUSTER_WRITER) |
                    BIT(VOC_CLUSTER_REASON) | BIT(VOC_CLUSTER_CONNECTION) |
                    BIT(VOC_CLUSTER_CERTIFICATE) | BIT(VOC_CLUSTER_UPDATED),
    [VOC_SERVER] = BIT(VOC_SERVER_NAME) | BIT(VOC_SERVER_SITE) | BIT(VOC_SERVER_RUNNING) |
                   BIT(VOC_SERVER_LEADER) | BIT(VOC_SERVER_SESSIONS) | BIT(VOC_SERVER_PEERS) |
                   BIT(VOC_SERVER_STARTED_AT),
    [VOC_SITE] = BIT(VOC_SITE_NAME) | BIT(VOC_SITE_ROLE) | BIT(VOC_SITE_ALIVE) |
                 BIT(VOC_SITE_DIED_AT) | BIT(VOC_SITE_PROMOTED_AT) | BIT(VOC_SITE_DEMOTED_AT) |
                 BIT(VOC_SITE_AGENTS),
    [VOC_FAULT] = BIT(VOC_FAULT_NAME) | BIT(VOC_FAULT_FIRED) | BIT(VOC_FAULT_ACTIVE) |
                  BIT(VOC_FAULT_STARTED_AT),
    [VOC_CACHE] = BIT(VOC_CACHE_NAME) | BIT(VOC_CACHE_OF) | BIT(VOC_CACHE_CLUSTER) |
                  BIT(VOC_CACHE_KIND) | BIT(VOC_CACHE_SYNCED) | BIT(VOC_CACHE_COUNT) |
                  BIT(VOC_CACHE_MISSING) | BIT(VOC_CACHE_SURPLUS) | BIT(VOC_CACHE_STALE) |
                  BIT(VOC_CACHE_DATA_AGE),
};
static const uint64_t globals_seen =
    BIT(VOC_GLOBAL_MANAGER_HANDSHAKES) | BIT(VOC_GLOBAL_MANAGER_QUEUE_DEPTH) |
    BIT(VOC_GLOBAL_MANAGER_LEADER_CHANGES) | BIT(VOC_GLOBAL_MANAGER_LEADERS) |
    BIT(VOC_GLOBAL_TUNNEL_SESSIONS) | BIT(VOC_GLOBAL_TUNNEL_OPENED) |
    BIT(VOC_GLOBAL_PROCESS_STARTS) | BIT(VOC_GLOBAL_PROCESS_CRASHES);

static bool is_seen(const struct expr_dep *d)
{
    switch (d->kind) {
    case EXPR_DEP_ITEMS:
        return fields_seen[d->a] != 0;
    case EXPR_DEP_FIELD:
        return (fields_seen[d->a] & BIT(d->b)) != 0;
    case EXPR_DEP_GLOBAL:
        return (globals_seen & BIT(d->a)) != 0;
    case EXPR_DEP_STEP:;
    }
    return true;
}

static struct str name_of(struct arena *a, const struct expr_dep *d)
{
    const struct expr_vocabulary *v = &scenario_vocabulary;
    if (d->kind == EXPR_DEP_GLOBAL)
        return arena_str(a, str_c(v->globals[d->a].name));
    const struct expr_collection *c = &v->collections[d->a];
    if (d->kind == EXPR_DEP_ITEMS)
        return arena_str(a, str_c(c->name));
    return arena_printf(a, "%s.%s", c->name, c->fields[d->b].name);
}

struct str means_expression(struct arena *a, const struct expr *e)
{
    size_t n = 0;
    if (!e)
        return str_empty;
    if (expr_states(e) > 0)
        return STR("state(...) of the faultless run");
    const struct expr_dep *deps = expr_deps(e, &n);
    for (size_t i = 0; i < n; i++)
        if (!is_seen(&deps[i]))
            return name_of(a, &deps[i]);
    return str_empty;
}

/* ---- the lists ---- */

static void add(struct arena *a, struct means_gaps *g, struct str name, struct str text,
                struct place place)
{
    if (g->n == g->cap) {
        size_t cap = g->cap ? g->cap * 2 : 8;
        struct means_gap *more = ARENA_NEW_ARRAY(a, struct means_gap, cap);
        for (size_t i = 0; i < g->n; i++)
            more[i] = g->items[i];
        g->items = more;
        g->cap = cap;
    }
    g->items[g->n++] = (struct means_gap){name, text, place};
}

static struct str fault_text(struct arena *a, const struct fault *f, const struct target *t)
{
    struct buf name = {0};
    fault_name(f->kind, &name);
    struct str text = arena_printf(a, "%s on " STR_FMT, buf_c(&name), STR_ARG(t->text));
    buf_free(&name);
    return text;
}

static void add_action(struct arena *a, const struct plan_step *step,
                       const struct plan_action *what, struct means_gaps *out)
{
    const char *why = means_action(what);
    if (!why)
        return;
    struct str name = what->kind == ACTION_FAULT ? fault_text(a, &what->fault, &what->target)
                                                 : str_c(action_name(what->kind));
    add(a, out, name, arena_printf(a, "%s (step " STR_FMT ")", why, STR_ARG(step->name)),
        what->place);
}

static void add_wait(struct arena *a, const struct plan_step *step, struct means_gaps *out)
{
    struct str unseen = means_expression(a, step->until);
    if (unseen.n)
        add(a, out, step->name,
            arena_printf(a, "the real world cannot see " STR_FMT ", which the step waits for",
                         STR_ARG(unseen)),
            step->place);
}

void means_of_run(struct arena *a, const struct plan *plan, struct means_gaps *out)
{
    for (size_t i = 0; i < plan->faults_n; i++) {
        const struct plan_fault *f = &plan->faults[i];
        const char *why = means_fault(&f->fault, &f->target);
        if (why)
            add(a, out, fault_text(a, &f->fault, &f->target), arena_str(a, str_c(why)),
                f->origin.place);
    }
    for (size_t s = 0; s < plan->steps_n; s++) {
        const struct plan_step *step = &plan->steps[s];
        for (size_t r = 0; r < step->rounds; r++)
            for (size_t i = 0; i < plan_actions_n(step, r); i++)
                add_action(a, step, &step->actions[r][i], out);
        add_wait(a, step, out);
    }
    for (size_t i = 0; i < plan->traffic_n; i++)
        add(a, out, plan->traffic[i].origin.name, STR("the real world has no traffic"),
            plan->traffic[i].origin.place);
    if (plan->topology.groups.n)
        for (size_t i = 0; i < plan->topology.groups.n; i++)
            if (PLAN_GROUP(plan, i)->node_stages.n)
                add(a, out, PLAN_GROUP(plan, i)->origin.name,
                    STR("the real world has no stages of nodes"),
                    PLAN_GROUP(plan, i)->origin.place);
}

bool means_assert(struct arena *a, const struct plan_assert *clause)
{
    return means_expression(a, clause->that).n == 0;
}

void means_of_asserts(struct arena *a, const struct plan *plan, struct means_gaps *out)
{
    for (size_t i = 0; i < plan->asserts_n; i++) {
        struct str unseen = means_expression(a, plan->asserts[i].that);
        if (unseen.n)
            add(a, out, plan->asserts[i].name,
                arena_printf(a, "the real world cannot see " STR_FMT, STR_ARG(unseen)),
                plan->asserts[i].place);
    }
    for (size_t i = 0; i < plan->measures_n; i++) {
        struct str unseen = means_expression(a, plan->measures[i].value);
        if (unseen.n)
            add(a, out, plan->measures[i].name,
                arena_printf(a, "the real world cannot see " STR_FMT, STR_ARG(unseen)),
                plan->measures[i].place);
    }
}
