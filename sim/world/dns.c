/* The authoritative side: names, addresses, aliases. */
#include "sim/world/dns_internal.h"

struct record {
    uint32_t ttl_s;
    struct str cname; /* empty: addresses */
    size_t n;
    char (*host)[WORLD_HOST_BYTES];
};
struct sim_records {
    struct map names; /* → struct record */
    struct map zones; /* → uint32_t: negative TTL */
};

bool dns_name_fold(struct str name, struct dns_name *out)
{
    if (name.n > 0 && name.p[name.n - 1] == '.')
        name.n--;
    if (name.n == 0 || name.n > DNS_NAME_MAX || memchr(name.p, 0, name.n))
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        out->bytes[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    out->n = name.n;
    return true;
}

struct sim_records *records_new(void)
{
    return MEM_NEW(struct sim_records);
}

static void record_free(struct record *rec)
{
    if (!rec)
        return;
    str_free(&rec->cname);
    mem_free(rec->host);
    mem_free(rec);
}

void records_free(struct sim_records *r)
{
    void *value;
    if (!r)
        return;
    for (size_t i = 0; map_next(&r->names, &i, NULL, &value);)
        record_free(value);
    for (size_t i = 0; map_next(&r->zones, &i, NULL, &value);)
        mem_free(value);
    map_free(&r->names);
    map_free(&r->zones);
    mem_free(r);
}

static void set_zone(struct sim_records *r, struct str zone, uint32_t ttl_s)
{
    uint32_t *cell = MEM_NEW(uint32_t);
    *cell = ttl_s;
    mem_free(map_put(&r->zones, zone, cell));
}

struct sim_records *records_copy(const struct sim_records *r)
{
    struct sim_records *copy = records_new();
    struct str name;
    void *value;
    for (size_t i = 0; map_next(&r->names, &i, &name, &value);) {
        const struct record *from = value;
        struct record *rec = MEM_NEW(struct record);
        *rec = (struct record){.ttl_s = from->ttl_s, .n = from->n};
        if (from->cname.n > 0)
            rec->cname = str_dup(from->cname);
        rec->host = mem_alloc_array(from->n, sizeof(*rec->host));
        if (from->n > 0)
            memcpy(rec->host, from->host, from->n * sizeof(*rec->host));
        map_put(&copy->names, name, rec);
    }
    for (size_t i = 0; map_next(&r->zones, &i, &name, &value);)
        set_zone(copy, name, *(const uint32_t *)value);
    return copy;
}

static void put(struct sim_records *r, struct str name, struct record *take_rec)
{
    struct dns_name folded;
    bool ok = dns_name_fold(name, &folded);
    BUG_ON(!ok, "a record has a DNS name");
    if (take_rec)
        record_free(map_put(&r->names, dns_name_str(&folded), take_rec));
    else
        record_free(map_remove(&r->names, dns_name_str(&folded)));
}

void records_set(struct sim_records *r, struct str name, uint32_t ttl_s,
                 const struct str *addresses, size_t n)
{
    BUG_ON(n > WORLD_DNS_ADDRESSES_MAX, "an answer holds WORLD_DNS_ADDRESSES_MAX addresses");
    if (n == 0) {
        put(r, name, NULL);
        return;
    }
    struct record *rec = MEM_NEW(struct record);
    rec->ttl_s = ttl_s;
    rec->n = n;
    rec->host = mem_alloc_array(n, sizeof(*rec->host));
    for (size_t i = 0; i < n; i++) {
        BUG_ON(!world_host_is_numeric(addresses[i]), "a record's addresses are numeric");
        struct world_addr a = world_addr_make(addresses[i], 0);
        memcpy(rec->host[i], a.host, sizeof(a.host));
    }
    put(r, name, rec);
}

bool records_has(const struct sim_records *r, struct str name)
{
    return map_has(&r->names, name);
}

/* Of the closest zone above the name. */
static uint32_t negative_ttl(const struct sim_records *r, struct str name)
{
    for (struct str zone = name, head; zone.n > 0;) {
        const uint32_t *ttl = map_get(&r->zones, zone);
        if (ttl)
            return *ttl;
        if (!str_cut(zone, '.', &head, &zone))
            break;
    }
    return SIM_DNS_NEGATIVE_TTL_S;
}

void records_answer(const struct sim_records *r, struct str name, struct dns_result *out)
{
    *out = (struct dns_result){.answer.ttl_s = UINT32_MAX};
    for (uint32_t i = 0; i <= SIM_DNS_CNAMES_MAX; i++) {
        const struct record *rec = map_get(&r->names, name);
        if (!rec)
            break;
        if (rec->ttl_s < out->answer.ttl_s)
            out->answer.ttl_s = rec->ttl_s;
        if (rec->cname.n > 0) {
            name = rec->cname;
            continue;
        }
        out->answer.n = rec->n;
        memcpy(out->answer.host, rec->host, rec->n * sizeof(*rec->host));
        return;
    }
    out->negative = true;
    out->answer.ttl_s = negative_ttl(r, name);
}

void sim_dns_set(struct sim *sim, struct str name, uint32_t ttl_s, const struct str *addresses,
                 size_t n)
{
    records_set(sim->records, name, ttl_s, addresses, n);
    trace_add_text(sim, sim->component, SIM_TRACE_RECORD, n, name);
}

void sim_dns_set_cname(struct sim *sim, struct str name, uint32_t ttl_s, struct str target)
{
    struct dns_name folded;
    bool ok = dns_name_fold(target, &folded);
    BUG_ON(!ok, "an alias points to a DNS name");
    struct record *rec = MEM_NEW(struct record);
    rec->ttl_s = ttl_s;
    rec->cname = str_dup(dns_name_str(&folded));
    put(sim->records, name, rec);
    trace_add_text(sim, sim->component, SIM_TRACE_RECORD, 1, name);
}

void sim_dns_remove(struct sim *sim, struct str name)
{
    put(sim->records, name, NULL);
    trace_add_text(sim, sim->component, SIM_TRACE_RECORD, 0, name);
}

void sim_dns_set_zone(struct sim *sim, struct str zone, uint32_t negative_ttl_s)
{
    struct dns_name folded;
    bool ok = dns_name_fold(zone, &folded);
    BUG_ON(!ok, "a zone has a DNS name");
    set_zone(sim->records, dns_name_str(&folded), negative_ttl_s);
}
