/* Entries of traffic, their flows, and what came of them. */
#include "sim/scenario/run/traffic_internal.h"

#include "sim/scenario/expr/vocabulary.h"
#include "sim/scenario/run/picks.h"

static int64_t now_of(const struct entry *e)
{
    return sim_now(e->traffic->estate->sim);
}

static bool has_streams(const struct entry *e)
{
    return e->plan->kind >= TRAFFIC_PING;
}

/* ---- outcomes ---- */

/* A question that began before one that went well was an outage of one interval at most: the others got through. */
static void flow_failed(struct flow *f, int64_t begun)
{
    int64_t every = f->entry->plan->every_ns;
    if (f->good_at > begun)
        f->outage += f->good_at - begun < every ? f->good_at - begun : every;
    else if (f->down_since < 0 || begun < f->down_since)
        f->down_since = begun;
}

static void flow_answered(struct flow *f, int64_t begun)
{
    if (begun > f->good_at)
        f->good_at = begun;
    if (f->down_since < 0 || begun < f->down_since)
        return;
    int64_t outage = begun - f->down_since;
    f->outage += outage;
    f->longest = outage > f->longest ? outage : f->longest;
    f->down_since = -1;
}

void traffic_ended(struct flow *f, enum traffic_end how, int64_t begun)
{
    struct entry *e = f->entry;
    if (!e->running)
        return;
    e->ends[how]++;
    if (how == TRAFFIC_ANSWERED) {
        latency_add(&e->latency, now_of(e) - begun);
        flow_answered(f, begun);
        return;
    }
    e->last_failure = now_of(e);
    flow_failed(f, begun);
}

void traffic_stream_lost(struct flow *f, size_t stream)
{
    f->entry->streams--;
    f->streams[stream] = NULL;
    f->reopen_at[stream] = now_of(f->entry) + TRAFFIC_REOPEN_AFTER;
}

/* ---- rhythm ---- */

static bool may_use(const struct entry *e, const struct user *u)
{
    const struct target_end *via = &e->plan->via.a;
    const struct site *s = u->replica->site;
    int64_t index = u->replica - s->replicas;
    if (e->plan->via.kind == TARGET_NONE)
        return e->traffic->estate->active == (int32_t)s->index && traffic_user_serves(u);
    return (via->any || via->index == (int32_t)s->index) &&
           (via->first < 0 || (index >= via->first && index <= via->last));
}

static struct user *next_user(struct entry *e)
{
    struct traffic *t = e->traffic;
    for (size_t i = 0; i < t->users_n; i++) {
        struct user *u = &t->users[e->next_user++ % t->users_n];
        if (may_use(e, u))
            return u;
    }
    return NULL;
}

static void tend_stream(struct flow *f, size_t i)
{
    struct entry *e = f->entry;
    if (f->streams[i]) {
        if (e->plan->kind == TRAFFIC_PING)
            traffic_ping(f->streams[i]);
        return;
    }
    if (f->reopen_at[i] > now_of(e))
        return;
    struct user *u = next_user(e);
    if (u)
        f->streams[i] = traffic_open(u, f, i);
    else
        traffic_ended(f, TRAFFIC_REFUSED, now_of(e));
    if (!f->streams[i])
        f->reopen_at[i] = now_of(e) + TRAFFIC_REOPEN_AFTER;
}

static void on_turn(void *owner)
{
    struct flow *f = owner;
    struct entry *e = f->entry;
    int64_t every = e->plan->every_ns / (has_streams(e) ? e->plan->streams : 1);
    f->task =
        sim_after(e->traffic->estate->sim, every / 2 + rng_between(&e->rng, 0, every), on_turn, f);
    if (f->cluster->removed)
        return;
    if (has_streams(e)) {
        tend_stream(f, f->next_stream);
        f->next_stream = (f->next_stream + 1) % (size_t)e->plan->streams;
        return;
    }
    struct user *u = next_user(e);
    if (u) {
        traffic_ask(u, f);
        return;
    }
    e->requests++;
    traffic_ended(f, TRAFFIC_REFUSED, now_of(e));
}

void traffic_start(struct traffic *t, size_t i)
{
    struct entry *e = &t->entries[i];
    e->running = true;
    for (size_t k = 0; k < e->flows_n; k++)
        e->flows[k].task = sim_after(t->estate->sim, rng_between(&e->rng, 0, e->plan->every_ns),
                                     on_turn, &e->flows[k]);
}

void traffic_stop(struct traffic *t, size_t i)
{
    struct entry *e = &t->entries[i];
    if (!e->running)
        return;
    for (size_t k = 0; k < e->flows_n; k++) {
        struct flow *f = &e->flows[k];
        sim_task_cancel(f->task);
        f->task = NULL;
        if (f->down_since >= 0)
            flow_answered(f, now_of(e));
        for (int64_t s = 0; has_streams(e) && s < e->plan->streams; s++)
            f->streams[s] = NULL;
    }
    e->running = false;
    for (size_t u = 0; u < t->users_n; u++)
        traffic_let_go(&t->users[u], e);
    e->under_way = e->streams = 0;
}

/* ---- what expressions ask ---- */

static struct expr_value number(enum expr_type type, int64_t i)
{
    return (struct expr_value){.type = type, .known = i >= 0, .i = i};
}

static int64_t failures(const struct entry *e)
{
    return e->ends[TRAFFIC_TIMEOUT] + e->ends[TRAFFIC_REFUSED] + e->ends[TRAFFIC_BROKEN];
}

/* Of the whole so far, with what goes on: the sum over clusters, or the longest of one. */
static int64_t outage(const struct entry *e, bool sum)
{
    int64_t all = 0, longest = 0;
    for (size_t i = 0; i < e->flows_n; i++) {
        const struct flow *f = &e->flows[i];
        int64_t open = f->down_since >= 0 ? now_of(e) - f->down_since : 0;
        int64_t most = open > f->longest ? open : f->longest;
        all += f->outage + open;
        longest = most > longest ? most : longest;
    }
    return sum ? all : longest;
}

struct expr_value traffic_field(const struct traffic *t, size_t i, uint32_t field)
{
    const struct entry *e = &t->entries[i];
    int64_t ended = failures(e) + e->ends[TRAFFIC_ANSWERED];
    switch (field) {
    case VOC_TRAFFIC_NAME:
        return (struct expr_value){.type = EXPR_STRING, .known = true, .s = e->plan->origin.name};
    case VOC_TRAFFIC_REQUESTS:
        return number(EXPR_INT, e->requests);
    case VOC_TRAFFIC_ANSWERED:
        return number(EXPR_INT, e->ends[TRAFFIC_ANSWERED]);
    case VOC_TRAFFIC_FAILURES:
        return number(EXPR_INT, failures(e));
    case VOC_TRAFFIC_TIMEOUTS:
        return number(EXPR_INT, e->ends[TRAFFIC_TIMEOUT]);
    case VOC_TRAFFIC_REFUSED:
        return number(EXPR_INT, e->ends[TRAFFIC_REFUSED]);
    case VOC_TRAFFIC_BROKEN:
        return number(EXPR_INT, e->ends[TRAFFIC_BROKEN]);
    case VOC_TRAFFIC_FAILED_SHARE:
        return number(EXPR_RATIO, ended ? failures(e) * EXPR_RATIO_ONE / ended : -1);
    case VOC_TRAFFIC_UNDER_WAY:
        return number(EXPR_INT, e->under_way);
    case VOC_TRAFFIC_STREAMS:
        return number(EXPR_INT, e->streams);
    case VOC_TRAFFIC_BYTES_DOWN:
        return number(EXPR_INT, e->down);
    case VOC_TRAFFIC_BYTES_UP:
        return number(EXPR_INT, e->up);
    case VOC_TRAFFIC_P50:
        return number(EXPR_DURATION, latency_quantile(&e->latency, 50));
    case VOC_TRAFFIC_P99:
        return number(EXPR_DURATION, latency_quantile(&e->latency, 99));
    case VOC_TRAFFIC_MAX:
        return number(EXPR_DURATION, e->latency.n ? e->latency.max : -1);
    case VOC_TRAFFIC_OUTAGE:
        return number(EXPR_DURATION, outage(e, true));
    case VOC_TRAFFIC_LONGEST_OUTAGE:
        return number(EXPR_DURATION, outage(e, false));
    default:
        return number(EXPR_TIME, e->last_failure);
    }
}

/* ---- life ---- */

static void flow_init(struct flow *f, struct entry *e, struct estate_cluster *c)
{
    *f = (struct flow){.entry = e, .cluster = c, .down_since = -1, .good_at = -1};
    if (!has_streams(e))
        return;
    f->streams = MEM_NEW_ARRAY(struct job *, (size_t)e->plan->streams);
    f->reopen_at = MEM_NEW_ARRAY(int64_t, (size_t)e->plan->streams);
}

static void entry_init(struct traffic *t, struct entry *e, const struct plan_traffic *plan)
{
    struct estate *estate = t->estate;
    struct buf name = {0};
    buf_addf(&name, "traffic/" STR_FMT, STR_ARG(plan->origin.name));
    *e = (struct entry){.traffic = t,
                        .plan = plan,
                        .rng = sim_rng(estate->sim, buf_str(&name)),
                        .last_failure = -1};
    buf_free(&name);
    e->flows = MEM_NEW_ARRAY(struct flow, estate->clusters_n + 1);
    for (size_t i = 0; i < estate->clusters_n; i++) {
        if (!picks_cluster(estate, &plan->over.a, i))
            continue;
        flow_init(&e->flows[e->flows_n++], e, &estate->clusters[i]);
        if (plan->kind != TRAFFIC_REQUEST && !t->apps[i])
            t->apps[i] = traffic_app_new(t, i);
    }
}

static void add_users(struct traffic *t)
{
    struct estate *e = t->estate;
    size_t n = 0;
    for (size_t i = 0; i < e->sites_n; i++)
        n += e->sites[i]->replicas_n;
    t->users = MEM_NEW_ARRAY(struct user, n + 1);
    for (size_t i = 0; i < e->sites_n; i++)
        for (size_t r = 0; r < e->sites[i]->replicas_n; r++)
            traffic_user_init(&t->users[t->users_n++], t, &e->sites[i]->replicas[r]);
}

struct traffic *traffic_new(struct estate *e)
{
    struct traffic *t = MEM_NEW(struct traffic);
    t->estate = e;
    if (e->plan->traffic_n == 0)
        return t;
    t->apps_n = e->clusters_n;
    t->apps = MEM_NEW_ARRAY(struct app *, t->apps_n + 1);
    t->entries_n = e->plan->traffic_n;
    t->entries = MEM_NEW_ARRAY(struct entry, t->entries_n);
    for (size_t i = 0; i < t->entries_n; i++)
        entry_init(t, &t->entries[i], &e->plan->traffic[i]);
    add_users(t);
    return t;
}

void traffic_free(struct traffic *t)
{
    for (size_t i = 0; i < t->entries_n; i++) {
        for (size_t k = 0; k < t->entries[i].flows_n; k++) {
            mem_free(t->entries[i].flows[k].streams);
            mem_free(t->entries[i].flows[k].reopen_at);
        }
        mem_free(t->entries[i].flows);
    }
    for (size_t i = 0; i < t->apps_n; i++)
        traffic_app_free(t->apps[i]);
    mem_free(t->apps);
    mem_free(t->entries);
    mem_free(t->users);
    mem_free(t);
}
