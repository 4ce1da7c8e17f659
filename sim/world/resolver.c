/* Recursive resolvers: caches, and resolvers that lie about time. */
#include "sim/world/dns_internal.h"

#define LATENCY_DEFAULT  (1 * NS_PER_MS)
#define UPSTREAM_DEFAULT (20 * NS_PER_MS)

struct cached {
    struct dns_result result; /* with its original TTL */
    world_time stored, until;
    struct sim_fault *by; /* NULL: learned in the ordinary way */
};

struct sim_resolver *sim_resolver_new(struct sim *sim, const struct sim_resolver_options *o)
{
    BUG_ON(o->name.n == 0 || map_has(&sim->resolvers, o->name), "a resolver has a name of its own");
    struct sim_resolver *r = MEM_NEW(struct sim_resolver);
    r->sim = sim;
    r->name = str_dup(o->name);
    r->o = *o;
    r->o.name = r->name;
    r->o.latency = o->latency > 0 ? o->latency : LATENCY_DEFAULT;
    r->o.upstream = o->upstream > 0 ? o->upstream : UPSTREAM_DEFAULT;
    r->zone = o->zone.n > 0 ? zone_get(sim, o->zone) : NULL;
    r->local = records_new();
    r->component = sim_trace_intern(sim, o->name);
    map_put(&sim->resolvers, o->name, r);
    return r;
}

struct sim_resolver *sim_resolver_find(struct sim *sim, struct str name)
{
    return map_get(&sim->resolvers, name);
}

struct sim_resolver *resolver_default(struct sim *sim)
{
    struct sim_resolver *r = sim_resolver_find(sim, STR("default"));
    return r ? r : sim_resolver_new(sim, &(struct sim_resolver_options){.name = STR("default")});
}

struct str sim_resolver_name(const struct sim_resolver *r)
{
    return r->name;
}

void sim_resolver_set_local(struct sim_resolver *r, struct str name, uint32_t ttl_s,
                            const struct str *addresses, size_t n)
{
    records_set(r->local, name, ttl_s, addresses, n);
}

void sim_resolver_flush(struct sim_resolver *r)
{
    void *entry;
    for (size_t i = 0; map_next(&r->cache, &i, NULL, &entry);)
        mem_free(entry);
    map_clear(&r->cache);
}

bool sim_resolver_next(const struct sim_resolver *r, size_t *i, struct sim_resolver_entry *out)
{
    void *value;
    if (!map_next(&r->cache, i, &out->name, &value))
        return false;
    const struct cached *entry = value;
    out->negative = entry->result.negative;
    out->answer = &entry->result.answer;
    out->stored = entry->stored;
    out->until = entry->until;
    return true;
}

void resolvers_free(struct sim *sim)
{
    void *value;
    for (size_t i = 0; map_next(&sim->resolvers, &i, NULL, &value);) {
        struct sim_resolver *r = value;
        sim_resolver_flush(r);
        map_free(&r->cache);
        records_free(r->local);
        str_free(&r->name);
        mem_free(r);
    }
    map_free(&sim->resolvers);
}

static bool is_fresh(const struct sim_resolver *r, const struct cached *entry)
{
    return entry && entry->until > r->sim->now;
}

bool resolver_has(const struct sim_resolver *r, struct str name)
{
    return records_has(r->local, name) || is_fresh(r, map_get(&r->cache, name));
}

static struct cached *entry_of(struct sim_resolver *r, struct str name)
{
    struct cached *entry = map_get(&r->cache, name);
    if (!entry) {
        entry = MEM_NEW(struct cached);
        map_put(&r->cache, name, entry);
    }
    return entry;
}

void resolver_poison(struct sim_resolver *r, struct str name, world_time until,
                     struct sim_fault *by)
{
    struct dns_name folded;
    if (!dns_name_fold(name, &folded))
        return;
    world_time left = (until - r->sim->now) / NS_PER_S;
    *entry_of(r, dns_name_str(&folded)) = (struct cached){
        .result = {.negative = true,
                   .answer.ttl_s = left < UINT32_MAX ? (uint32_t)left : UINT32_MAX},
        .stored = r->sim->now,
        .until = until,
        .by = by,
    };
}

static world_time keep_for(const struct sim_resolver *r, struct dns_result *result)
{
    if (result->negative && r->o.negative_ttl_s > 0 && r->o.negative_ttl_s < result->answer.ttl_s)
        result->answer.ttl_s = r->o.negative_ttl_s;
    if (r->o.cache_off)
        return 0;
    return r->o.lies_about_ttl ? r->o.hold : (world_time)result->answer.ttl_s * NS_PER_S;
}

static bool same_result(const struct dns_result *a, const struct dns_result *b)
{
    if (a->negative != b->negative || a->answer.ttl_s != b->answer.ttl_s ||
        a->answer.n != b->answer.n)
        return false;
    for (size_t i = 0; i < a->answer.n; i++)
        if (strcmp(a->answer.host[i], b->answer.host[i]) != 0)
            return false;
    return true;
}

static void ask_upstream(struct sim_resolver *r, struct sim_host *from, struct str name,
                         struct dns_result *out)
{
    struct dns_result stale;
    records_answer(r->sim->records, name, out);
    struct sim_fault *f = fault_of_query(r->sim, SIM_FAULT_DNS_STALE, r, from, name);
    if (!f || !f->frozen)
        return;
    records_answer(f->frozen, name, &stale);
    if (same_result(&stale, out))
        return; /* the past does not differ: no effect */
    ++*f->fired;
    ++*r->sim->count.dns_stale;
    *out = stale;
}

/* Serves an entry beyond its time while a fault says so. */
static bool kept_by_fault(struct sim_resolver *r, struct sim_host *from, struct str name,
                          struct cached *entry)
{
    struct sim_fault *f = fault_of_query(r->sim, SIM_FAULT_DNS_TTL_IGNORED, r, from, name);
    if (!entry || !f || r->sim->now >= entry->stored + f->o.delay)
        return false;
    ++*f->fired;
    return true;
}

static void turn_values(struct sim_resolver *r, struct world_dns_answer *a)
{
    char first[WORLD_HOST_BYTES];
    size_t by = a->n > 1 ? (size_t)(r->turn++ % a->n) : 0;
    for (size_t i = 0; i < by; i++) {
        memcpy(first, a->host[0], sizeof(first));
        memmove(a->host[0], a->host[1], (a->n - 1) * sizeof(first));
        memcpy(a->host[a->n - 1], first, sizeof(first));
    }
}

void resolver_answer(struct sim_resolver *r, struct sim_host *from, struct str name,
                     struct dns_result *out)
{
    world_time now = r->sim->now;
    struct cached *entry = map_get(&r->cache, name);
    bool lies = r->o.lies_about_ttl;
    if (records_has(r->local, name)) {
        records_answer(r->local, name, out);
    } else if (is_fresh(r, entry) || kept_by_fault(r, from, name, entry)) {
        ++*r->sim->count.dns_cache_hits;
        *out = entry->result;
        if (entry->by)
            ++*entry->by->fired;
        if (!lies && entry->until > now)
            out->answer.ttl_s = (uint32_t)((entry->until - now + NS_PER_S - 1) / NS_PER_S);
    } else {
        ask_upstream(r, from, name, out);
        world_time keep = keep_for(r, out);
        if (keep > 0)
            *entry_of(r, name) =
                (struct cached){.result = *out, .stored = now, .until = now + keep};
    }
    turn_values(r, &out->answer);
}
