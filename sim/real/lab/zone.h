/* zone: the server of every name that the lab has, which resolvers (dnsmasq) ask: a process of the lab on the router.
 *
 *   owner ── zone_ask ──► one message, one answer ──► process: records, faults ◄── questions of resolvers, by UDP
 *
 * What was asked for holds from the answer on. A resolver is known by the address that it asks from. */
#ifndef PADDOCK_SIM_REAL_LAB_ZONE_H
#define PADDOCK_SIM_REAL_LAB_ZONE_H

#include "sim/real/lab/lab_internal.h"

#include <netinet/in.h>

#define ZONE_NAME_MAX    253u
#define ZONE_RECORDS_MAX 4096u
#define ZONE_PORT        5300
#define ZONE_VIEWS_WORDS (NETLAB_HOSTS_MAX / 64)

enum zone_op { ZONE_SET, ZONE_NEGATIVE_TTL, ZONE_BEGIN, ZONE_END, ZONE_FIRED, ZONE_QUERIES };

struct zone_record {
    char name[ZONE_NAME_MAX + 1]; /* in lower case, without a dot at the end */
    uint32_t ttl_s;
    uint32_t n;
    in_addr_t addresses[NETLAB_ADDRESSES_MAX];
};
struct zone_request {
    enum zone_op op;
    uint32_t fault;
    enum netlab_fault_kind kind;
    uint32_t share_ppm;
    int64_t delay_ns;
    uint32_t resolver;                    /* ZONE_NEGATIVE_TTL */
    uint64_t resolvers[ZONE_VIEWS_WORDS]; /* of a fault: one bit each */
    bool every_resolver;
    struct zone_record
        record; /* of a fault: its name, or none, and the addresses that are answered */
};
struct zone_reply {
    bool full; /* there is no room for one more */
    uint64_t n;
};

struct zone {
    pid_t pid;
    int to; /* where requests go */
};
struct err *zone_start(struct netlab *lab, struct zone **out) must_check;
void zone_stop(struct zone *zone); /* NULL is fine */
struct err *zone_ask(struct zone *zone, const struct zone_request *request,
                     uint64_t *n) must_check; /* n NULL: nobody wants it */
/* As the zone keeps it; false: no name. */
bool zone_name_fold(struct str name, char into[ZONE_NAME_MAX + 1]);

/* ---- zone_serve.c: in the process ---- */
struct zone_work {
    int requests;  /* SOCK_SEQPACKET */
    int questions; /* UDP */
};
void zone_serve(void *ctx); /* a struct zone_work; until requests end */

#endif
