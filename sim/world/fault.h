/* fault: what a run injects through the world. Each fault is typed, has a target and a time, and counts how often it
 * took effect: a fault that never fired is the scenario's error, whatever else passed.
 *
 * share: per decision (segment, query, handshake, connection, write: see the kind), from the fault's own random stream.
 * A fault ends at `until`; what it did to a connection (reset, half-open) or to a file stays. */
#ifndef PADDOCK_SIM_WORLD_FAULT_H
#define PADDOCK_SIM_WORLD_FAULT_H

#include "sim/world/process.h"

enum sim_fault_kind {
    /* net: between `from` and `to`. Decision per segment unless said otherwise. */
    SIM_FAULT_NET_LATENCY, /* delay + random [0, jitter] more */
    SIM_FAULT_NET_LOSS,    /* share of segments lost, each costs a retransmission */
    SIM_FAULT_NET_REORDER, /* random [0, jitter] more for each segment: order across connections changes */
    SIM_FAULT_NET_DUPLICATE, /* segments sent twice: costs bandwidth only, TCP hides it */
    SIM_FAULT_NET_PARTITION, /* nothing passes either way, silently; share: of connections */
    SIM_FAULT_NET_ONE_WAY,   /* nothing passes from `from` to `to` */
    SIM_FAULT_NET_CLOG,      /* held and delivered at the end, without retransmission delay */
    SIM_FAULT_NET_HALF_OPEN, /* the path forgets established connections for good; new ones work; share: of them */
    SIM_FAULT_NET_RESET, /* established connections get RST at both ends; share: of them */
    SIM_FAULT_NET_IDLE_CUT, /* connections on which nothing has arrived for `delay` get RST at both ends; share: of them */
    SIM_FAULT_NET_REFUSE,   /* connects are refused; share: of connects */
    SIM_FAULT_NET_THROTTLE, /* bytes_per_second for each connection and direction */
    /* dns: asked by hosts of `from`, answered by `resolvers`. Decision per query. */
    SIM_FAULT_DNS_SERVFAIL,
    SIM_FAULT_DNS_NXDOMAIN,
    SIM_FAULT_DNS_TIMEOUT,
    SIM_FAULT_DNS_STALE, /* the answer as of the fault's start, with its full TTL */
    SIM_FAULT_DNS_WRONG, /* `addresses` instead */
    SIM_FAULT_DNS_TTL_IGNORED, /* the resolver keeps what it has for `delay`, repeating the original TTL */
    SIM_FAULT_DNS_NEGATIVE_CACHED, /* at its start `name` is NXDOMAIN in the resolver's cache for `delay` */
    /* tls: clients of `from`, servers of `to`. Decision per handshake. */
    SIM_FAULT_TLS_EXPIRED,
    SIM_FAULT_TLS_NOT_YET_VALID,
    SIM_FAULT_TLS_WRONG_CA,
    SIM_FAULT_TLS_WRONG_NAME,
    SIM_FAULT_TLS_STALL, /* the server never answers the ClientHello */
    /* http: clients of `from`, servers of `to`, as a proxy before the servers would. Decision per request whose head is seen
     * at its beginning (HTTP/1.1 over TLS or not, WebSocket handshakes). */
    SIM_FAULT_HTTP_ERROR, /* answered with `http_code`, and the connection ends; the server hears nothing */
    SIM_FAULT_HTTP_SLOW,      /* the answer comes delay + random [0, jitter] later */
    SIM_FAULT_HTTP_TRUNCATED, /* half of the answer's first piece comes, then the connection ends */
    SIM_FAULT_HTTP_NO_UPGRADE, /* the proxy knows no upgrades: the server gets the request without its header Upgrade */
    /* process: each of `processes` (share: of them) at the start. */
    SIM_FAULT_PROCESS_CRASH, /* sim_process_kill; delay: it is not started again before */
    SIM_FAULT_PROCESS_POWER_LOSS, /* sim_host_power_off of the hosts of `to`; on again at the end of the fault */
    SIM_FAULT_PROCESS_PAUSE, /* until the fault's end */
    SIM_FAULT_PROCESS_SLOW,  /* every callback comes `delay` + random [0, jitter] late */
    /* clock of `processes`. */
    SIM_FAULT_CLOCK_SKEW,  /* wall clock off by `delay` until the end */
    SIM_FAULT_CLOCK_JUMP,  /* wall clock moves by `delay` once and stays */
    SIM_FAULT_CLOCK_DRIFT, /* `ppm` until the end; what was gained stays */
    /* disk of `processes`. Decision per write. */
    SIM_FAULT_DISK_FULL,
    SIM_FAULT_DISK_TORN, /* a write that a power cut meets within SIM_DISK_FLUSH of its end is left cut short */
    SIM_FAULT_DISK_SLOW, /* `delay` + random [0, jitter] more for each operation */
    SIM_FAULT_KIND_COUNT
};
#define SIM_DISK_FLUSH (5 * NS_PER_S)
#define SIM_SHARE_ALL  1000000u

struct sim_set { /* hosts: those listed and those of the zone; nothing given: every host */
    struct sim_host *const *hosts; /* copied */
    size_t hosts_n;
    struct str zone;
};
struct sim_fault_options {
    struct str name; /* unique in the run, e.g. "faults[2]"; counter "fault.<name>" */
    enum sim_fault_kind kind;
    world_time at; /* in the past: now */
    world_time
        duration; /* 0: a single moment for kinds that act at the start, else until sim_fault_end */
    uint32_t share;                       /* per million; 0: SIM_SHARE_ALL */
    struct sim_set from, to;              /* net kinds but one-way look at both directions */
    struct sim_process *const *processes; /* NULL: every process */
    size_t processes_n;
    struct sim_resolver *const *resolvers; /* NULL: every resolver */
    size_t resolvers_n;
    world_time delay, jitter;
    int64_t bytes_per_second;
    int32_t ppm;
    int http_code;
    int64_t http_retry_after_s; /* 0: no such header */
    struct str http_target; /* http kinds: only requests whose target has this in it; empty: all */
    struct str dns_name;    /* dns kinds: only this name; empty: all */
    const struct str *addresses; /* of wrong answers */
    size_t addresses_n;
};

struct sim_fault;
struct sim_fault *sim_fault_add(struct sim *sim,
                                const struct sim_fault_options *options); /* copies */
void sim_fault_end(struct sim_fault *f); /* heals now; idempotent */
bool sim_fault_is_active(const struct sim_fault *f);
uint64_t sim_fault_fired(const struct sim_fault *f); /* how often it took effect */
struct str sim_fault_name(const struct sim_fault *f);
struct sim_fault *sim_fault_at(struct sim *sim,
                               size_t i); /* in order of adding; NULL behind the last */
const char *sim_fault_kind_name(enum sim_fault_kind kind); /* "net.partition" */
/* By that name, or by group and scenario word: ("net", "half-open"). */
bool sim_fault_kind_find(struct str group, struct str word, enum sim_fault_kind *out);
/* Ends every fault that is active or still to come: the quiet phase. Powers hosts on that a fault switched off. */
void sim_heal_all(struct sim *sim);

#endif
