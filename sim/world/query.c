/* The asker's side of DNS: one event for each question. Faults are decided when the question is asked, the answer is
 * what the resolver knows when it answers. */
#include "sim/world/dns_internal.h"

#define NUMERIC_TTL_S 604800u

enum outcome { ANSWERS, SERVFAILS, NXDOMAINS, WRONG, SILENT };

struct sim_query {
    struct world_dns base;
    struct sim_event event;
    struct list link;
    struct dns_name name;
    struct sim_resolver *resolver; /* NULL: it answers itself */
    enum outcome outcome;
    struct sim_fault *fault;
    struct dns_result wrong; /* also of numeric names */
    world_dns_done done;
    void *owner;
    uint64_t ordinal;
};

static void query_free(struct sim_query *q)
{
    struct sim *sim = world_of(q->base.w)->sim;
    event_drop(sim, &q->event);
    list_remove(&q->link);
    pool_put(&sim->query_pool, q);
}

static struct err *negative(struct sim_query *q, struct dns_result *result)
{
    struct sim *sim = world_of(q->base.w)->sim;
    switch (q->outcome) {
    case SERVFAILS:
        ++*sim->count.dns_servfail;
        return err_new(ERR_DNS_SERVFAIL, "DNS cannot answer about \"%s\": SERVFAIL", q->name.bytes);
    case SILENT:
        ++*sim->count.dns_timeouts;
        return err_new(ERR_DNS_TIMEOUT, "no DNS server answered about \"%s\" in time",
                       q->name.bytes);
    case NXDOMAINS:
        *result = (struct dns_result){.negative = true, .answer.ttl_s = SIM_DNS_NEGATIVE_TTL_S};
        break;
    case WRONG:
        *result = q->wrong;
        ++*sim->count.dns_wrong;
        break;
    case ANSWERS:
        if (q->resolver)
            resolver_answer(q->resolver, world_of(q->base.w)->host, dns_name_str(&q->name), result);
        else
            *result = q->wrong;
        break;
    }
    if (!result->negative)
        return NULL;
    ++*sim->count.dns_nxdomain;
    return err_new(ERR_DNS_NXDOMAIN, "no address for \"%s\": NXDOMAIN", q->name.bytes);
}

static void query_fired(struct sim_event *e)
{
    struct sim_query *q = container_of(e, struct sim_query, event);
    struct sim_world *w = e->world;
    struct dns_result result = {0};
    struct err *err = negative(q, &result);
    uint64_t payload = str_hash(dns_name_str(&q->name)) ^ ((uint64_t)result.answer.ttl_s << 8) ^
                       (uint64_t)q->outcome;
    for (size_t i = 0; i < result.answer.n; i++)
        payload = payload * 31 + str_hash(str_c(result.answer.host[i]));
    trace_add(w->sim, w->component, SIM_TRACE_DNS, q->ordinal, payload);
    world_dns_done done = q->done;
    void *owner = q->owner;
    query_free(q);
    if (err)
        result.answer.n = 0;
    done(owner, &result.answer, err);
    err_free(err);
}

/* Resolvers that stand somewhere can be cut off. */
static bool cut_off(const struct sim_world *w, const struct sim_resolver *r)
{
    struct sim *sim = w->sim;
    if (!r->zone)
        return false;
    for (size_t i = 0; i < sim->active_n; i++) {
        struct sim_fault *f = sim->active_list[i];
        bool cuts = f->o.kind == SIM_FAULT_NET_PARTITION || f->o.kind == SIM_FAULT_NET_ONE_WAY;
        if (!cuts)
            continue;
        bool forth = host_set_has(&f->from, w->host) && host_set_has_zone(&f->to, r->zone);
        bool back = host_set_has(&f->to, w->host) && host_set_has_zone(&f->from, r->zone);
        if (forth || back) {
            ++*f->fired;
            return true;
        }
    }
    return false;
}

static bool fails(struct sim_query *q, enum sim_fault_kind kind, enum outcome outcome)
{
    struct sim_world *w = world_of(q->base.w);
    struct sim_fault *f =
        fault_of_query(w->sim, kind, q->resolver, w->host, dns_name_str(&q->name));
    if (!f)
        return false;
    ++*f->fired;
    q->outcome = outcome;
    q->fault = f;
    return true;
}

static void choose_outcome(struct sim_query *q)
{
    struct sim_world *w = world_of(q->base.w);
    if (cut_off(w, q->resolver)) {
        q->outcome = SILENT;
        return;
    }
    if (fails(q, SIM_FAULT_DNS_TIMEOUT, SILENT) || fails(q, SIM_FAULT_DNS_SERVFAIL, SERVFAILS) ||
        fails(q, SIM_FAULT_DNS_NXDOMAIN, NXDOMAINS) || !fails(q, SIM_FAULT_DNS_WRONG, WRONG))
        return;
    const struct sim_fault *f = q->fault;
    for (size_t i = 0; i < f->o.addresses_n && i < WORLD_DNS_ADDRESSES_MAX; i++) {
        struct world_addr a = world_addr_make(f->o.addresses[i], 0);
        memcpy(q->wrong.answer.host[q->wrong.answer.n++], a.host, sizeof(a.host));
    }
    q->wrong.answer.ttl_s = 60;
}

/* Names that need no resolver; false: this one does. */
static bool answers_itself(struct sim_query *q, struct str name)
{
    if (!dns_name_fold(name, &q->name)) {
        q->wrong.negative = true;
        return true;
    }
    bool local = str_eq_c(dns_name_str(&q->name), "localhost");
    if (!local && !world_host_is_numeric(name))
        return false;
    struct world_addr a = world_addr_make(local ? STR("127.0.0.1") : name, 0);
    memcpy(q->wrong.answer.host[0], a.host, sizeof(a.host));
    q->wrong.answer.n = 1;
    q->wrong.answer.ttl_s = NUMERIC_TTL_S;
    return true;
}

struct world_dns *sim_dns_query(struct world *base, struct str name, world_time timeout,
                                world_dns_done done, void *owner)
{
    struct sim_world *w = world_of(base);
    struct sim *sim = w->sim;
    struct sim_query *q = pool_get(&sim->query_pool);
    q->base.w = base;
    q->done = done;
    q->owner = owner;
    q->ordinal = ++sim->dns_seq;
    event_init(&q->event, query_fired, w);
    list_add_tail(&w->queries, &q->link);
    if (w->dead)
        return &q->base;
    world_time delay = 0;
    if (!answers_itself(q, name)) {
        ++*sim->count.dns_queries;
        q->resolver = w->process->resolver ? w->process->resolver : resolver_default(sim);
        delay = q->resolver->o.latency;
        if (!resolver_has(q->resolver, dns_name_str(&q->name)))
            delay += q->resolver->o.upstream;
        choose_outcome(q);
        if (q->outcome == SILENT || delay > timeout) {
            q->outcome = SILENT;
            delay = timeout;
        }
    }
    event_set(sim, &q->event, sim->now + delay);
    return &q->base;
}

void sim_dns_cancel(struct world_dns *base)
{
    query_free(container_of(base, struct sim_query, base));
}

void dns_kill(struct sim_world *w)
{
    list_each (&w->queries, it, next)
        event_drop(w->sim, &container_of(it, struct sim_query, link)->event);
}

void dns_free(struct sim_world *w)
{
    list_each (&w->queries, it, next) {
        ++*w->sim->count.leaked_handles;
        query_free(container_of(it, struct sim_query, link));
    }
}

size_t query_bytes(void)
{
    return sizeof(struct sim_query);
}
