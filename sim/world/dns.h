/* dns: the authoritative records of the simulated internet and recursive resolvers with caches.
 *
 * A resolver keeps positive answers for their TTL and negative ones for the zone's negative TTL (RFC 2308), and answers
 * with what is left of it. A lying one (obey_ttl false) keeps everything for `hold` and repeats the original TTL.
 * Several values are answered in turning order. Names compare without case. */
#ifndef PADDOCK_SIM_WORLD_DNS_H
#define PADDOCK_SIM_WORLD_DNS_H

#include "sim/world/sim.h"

#define SIM_DNS_NEGATIVE_TTL_S 300u
#define SIM_DNS_CNAMES_MAX     8u

/* Addresses of a name: replaces what it had. At most WORLD_DNS_ADDRESSES_MAX. Resolvers find out when caches allow. */
void sim_dns_set(struct sim *sim, struct str name, uint32_t ttl_s, const struct str *addresses,
                 size_t n);
void sim_dns_set_cname(struct sim *sim, struct str name, uint32_t ttl_s, struct str target);
void sim_dns_remove(struct sim *sim, struct str name);
/* The SOA minimum of names in or below `zone`: how long NXDOMAIN may be kept. */
void sim_dns_set_zone(struct sim *sim, struct str zone, uint32_t negative_ttl_s);

struct sim_resolver;
struct sim_resolver_options {
    struct str name; /* unique; "default" serves processes that name none */
    bool cache_off;
    uint32_t negative_ttl_s; /* cap; 0: none beyond the zone's */
    bool lies_about_ttl;     /* keeps answers for `hold`, and answers with the record's full TTL */
    world_time hold;
    world_time latency;  /* to the resolver and back; 0: 1 ms */
    world_time upstream; /* more when the cache does not have it; 0: 20 ms */
    struct str
        zone; /* where it stands: partitions between it and the asker time out; empty: everywhere */
};
struct sim_resolver *sim_resolver_new(struct sim *sim, const struct sim_resolver_options *options);
struct sim_resolver *sim_resolver_find(struct sim *sim, struct str name);
struct str sim_resolver_name(const struct sim_resolver *r);
/* Answers of this resolver alone, before all others (split horizon; a cluster's own service names). n 0: removes it. */
void sim_resolver_set_local(struct sim_resolver *r, struct str name, uint32_t ttl_s,
                            const struct str *addresses, size_t n);
void sim_resolver_flush(struct sim_resolver *r);

/* What is in a resolver's cache, in the order in which names came in; for looking at. */
struct sim_resolver_entry {
    struct str name; /* borrowed */
    bool negative;
    const struct world_dns_answer *answer; /* with its original TTL; borrowed */
    world_time stored, until;              /* until may be over: it is asked for again then */
};
/* i starts at 0; false: no more. */
bool sim_resolver_next(const struct sim_resolver *r, size_t *i, struct sim_resolver_entry *out);

#endif
