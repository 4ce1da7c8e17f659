/* Records and answers, shared by dns.c (authority), resolver.c (caches) and query.c (the asker's side). */
#ifndef PADDOCK_SIM_WORLD_DNS_INTERNAL_H
#define PADDOCK_SIM_WORLD_DNS_INTERNAL_H

#include "sim/world/sim_internal.h"

#define DNS_NAME_MAX 253u

struct dns_result {
    bool negative; /* NXDOMAIN; answer.ttl_s is the negative TTL */
    struct world_dns_answer answer;
};

struct dns_name { /* lower case, without the final dot */
    char bytes[DNS_NAME_MAX + 1];
    size_t n;
};
bool dns_name_fold(struct str name, struct dns_name *out); /* false: not a name */
static inline struct str dns_name_str(const struct dns_name *n)
{
    return (struct str){n->bytes, n->n};
}

void records_answer(const struct sim_records *r, struct str name, struct dns_result *out);
struct sim_records *records_copy(const struct sim_records *r);
void records_set(struct sim_records *r, struct str name, uint32_t ttl_s,
                 const struct str *addresses, size_t n);
bool records_has(const struct sim_records *r, struct str name);

struct sim_resolver {
    struct sim *sim;
    struct str name;
    struct sim_resolver_options o;
    struct sim_zone *zone; /* NULL: everywhere */
    struct sim_records *local;
    struct map cache; /* name → struct cached */
    uint32_t component;
    uint64_t turn;
};
/* What the resolver says to a question of now; *late: how long it takes. */
bool resolver_has(const struct sim_resolver *r, struct str name);
void resolver_answer(struct sim_resolver *r, struct sim_host *from, struct str name,
                     struct dns_result *out);
void resolver_poison(struct sim_resolver *r, struct str name, world_time until,
                     struct sim_fault *by);

#endif
