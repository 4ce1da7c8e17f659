/* lab: a network laboratory in namespaces of this machine: hosts, a router between them, DNS, and faults of the network.
 *
 *     host "a" ── eth0 ══ h0 ┐                      ┌ h2 ══ eth0 ── resolver: dnsmasq
 *     (namespace PREFIX-a)   ├─ router (its own     │
 *     host "b" ── eth0 ══ h1 ┘  namespace: nft, tc, ┘  the zone's server on its loopback: what dnsmasq asks
 *                               relays, conntrack)
 *
 * Each host has one address of 10.64.0.0/16 and reaches every other through the router, where all faults are. Nothing of
 * it touches the machine's own network. A lab is removed by netlab_close; when its owner dies in whatever way, by a
 * process that waits for that; and what even that one left, by the next netlab_open.
 *
 * Ownership: the caller owns the lab; names and options are copied. Hosts live as long as the lab. One thread uses a lab.
 * Processes: dnsmasq, the zone's server and relays are children of the caller and die with it: whoever waits for
 *            children waits for his own by pid, never for any (-1).
 * Errors:    NETLAB_UNSUPPORTED: this kernel, or a tool, cannot do it; ERR_UNAVAILABLE: this machine gives no laboratory
 *            (rights, tools: the message says what to do); others: a tool failed, with its words.
 * Bounds:    NETLAB_HOSTS_MAX, NETLAB_FAULTS_MAX; each tool has NETLAB_TOOL_TIMEOUT. */
#ifndef PADDOCK_SIM_REAL_LAB_LAB_H
#define PADDOCK_SIM_REAL_LAB_LAB_H

#include "engine/base/err.h"

#define NETLAB_UNSUPPORTED     ERR_NOT_ACCEPTABLE
#define NETLAB_HOSTS_MAX       1024u
#define NETLAB_FAULTS_MAX      4096u /* begun in the life of a lab */
#define NETLAB_ADDRESSES_MAX   16u   /* of one name */
#define NETLAB_NAME_MAX        63u   /* letters, digits, '-', '_', '.' */
#define NETLAB_TOOL_TIMEOUT_MS 10000

struct netlab;

struct netlab_options {
    const char *path; /* where tools are looked for; NULL: $PATH, /usr/sbin, /sbin */
    bool no_netem;    /* delays by a relay even where the kernel has netem (tests) */
};
/* Sweeps what dead owners left, and makes the router. */
struct err *netlab_open(const struct netlab_options *options, struct netlab **out) must_check;
/* Kills what still runs in its namespaces, removes everything. NULL is fine. */
void netlab_close(struct netlab *lab);
const char *netlab_prefix(const struct netlab *lab); /* "pk4711": its namespaces are PREFIX-NAME */

/* ---- hosts ---- */
struct err *netlab_add_host(struct netlab *lab, struct str name, uint32_t *host) must_check;
const char *netlab_host_name(const struct netlab *lab, uint32_t host);
const char *netlab_host_namespace(const struct netlab *lab, uint32_t host); /* for ip netns exec */
const char *netlab_host_address(const struct netlab *lab, uint32_t host);   /* "10.64.0.2" */
/* In a child, between fork and exec: puts it on the host: network, /etc/resolv.conf and /etc/hosts of its own. Safe after
 * a fork of a process with threads. 0, or an errno with the failed step in *step. */
int netlab_enter(const struct netlab *lab, uint32_t host, const char **step);
/* Puts the calling thread's network there for good (files stay): sockets that it makes then are on the host. The lab
 * itself goes on working, and netlab_close brings the thread back. */
struct err *netlab_join(struct netlab *lab, uint32_t host) must_check;
/* Sends the signal to every process on the host. */
struct err *netlab_kill(struct netlab *lab, uint32_t host, int signal) must_check;

/* ---- DNS: one zone with every name, and resolvers (dnsmasq) that ask its server ---- */
struct netlab_resolver_options {
    bool cache_off;          /* every question reaches the zone */
    uint32_t negative_ttl_s; /* of NXDOMAIN; 0: NETLAB_NEGATIVE_TTL_S */
    uint32_t hold_s;         /* keeps answers at least so long, whatever their TTL; at most 3600 */
};
#define NETLAB_NEGATIVE_TTL_S 300u
/* A resolver is a host: faults of the network can be between it and others. NULL: as all zero. */
struct err *netlab_add_resolver(struct netlab *lab, struct str name,
                                const struct netlab_resolver_options *options,
                                uint32_t *host) must_check;
/* The host's resolv.conf names the resolver; processes see it when they read the file. Without a call: the lab's first
 * resolver, if it was made before the host. */
struct err *netlab_use_resolver(struct netlab *lab, uint32_t host, uint32_t resolver) must_check;
/* Addresses (IPv4) of a name: replaces what it had; n 0: it does not exist. At once in the zone: resolvers that cache
 * answer the old ones until their TTL is over. */
struct err *netlab_dns_set(struct netlab *lab, struct str name, uint32_t ttl_s,
                           const struct str *addresses, size_t n) must_check;
struct err *netlab_dns_flush(struct netlab *lab, uint32_t resolver) must_check; /* its cache */
/* How many questions reached the zone, by all resolvers. */
struct err *netlab_dns_queries(struct netlab *lab, uint64_t *n) must_check;

/* ---- faults: any number side by side, each ends for itself ---- */
enum netlab_fault_kind {
    /* of the network. share_ppm: of connections for the first six, of packets for the others */
    NETLAB_PARTITION, /* dropped in silence */
    NETLAB_REJECT, /* every packet is answered: TCP by RST, others by ICMP "administratively prohibited" */
    NETLAB_REFUSE, /* new TCP connections are answered by RST */
    NETLAB_HALF_OPEN, /* TCP connections from before the fault are dropped in silence, also after its end */
    NETLAB_RESET, /* TCP connections of this moment end: RST to one end, the other's kernel is told. Over at once */
    NETLAB_IDLE_CUT, /* TCP connections without a packet for delay_ns are forgotten: the next packet gets an RST */
    NETLAB_LOSS, /* packets are lost */
    NETLAB_THROTTLE, /* bytes_per_s to each host of the receiving group, shared by its connections in the fault */
    NETLAB_LATENCY, /* delay_ns + random [0, jitter_ns] later; the order within a connection stays */
    NETLAB_REORDER,   /* random [0, jitter_ns] later, the order within a connection too */
    NETLAB_DUPLICATE, /* twice */
    NETLAB_CLOG,      /* held, and delivered when the fault ends */
    /* of DNS, by the resolvers of group b. share_ppm: of questions that reach the zone */
    NETLAB_DNS_NXDOMAIN,
    NETLAB_DNS_SERVFAIL,
    NETLAB_DNS_TIMEOUT,     /* no answer */
    NETLAB_DNS_WRONG,       /* `addresses` are answered */
    NETLAB_DNS_STALE,       /* what the zone had when it began */
    NETLAB_DNS_TTL_IGNORED, /* what the zone had when it began, read anew every delay_ns */
    NETLAB_DNS_NEGATIVE,    /* NXDOMAIN for delay_ns, then as it is */
    NETLAB_FAULT_KINDS
};
enum netlab_direction { NETLAB_BOTH_WAYS, NETLAB_A_TO_B, NETLAB_B_TO_A };
enum netlab_protocol { NETLAB_ANY_PROTOCOL, NETLAB_TCP, NETLAB_UDP };
struct netlab_group {
    const uint32_t *hosts;
    size_t n; /* 0: every host, also those to come */
};
struct netlab_fault_options {
    enum netlab_fault_kind kind;
    struct netlab_group a, b; /* between the two; a packet within both is met too */
    enum netlab_direction direction;
    uint32_t share_ppm; /* 0: all */
    int64_t delay_ns, jitter_ns;
    int64_t bytes_per_s;
    enum netlab_protocol protocol; /* with ports: those at either end */
    const uint16_t *ports;
    size_t ports_n;  /* 0: every port */
    struct str name; /* DNS: only this name; empty: all */
    const struct str *addresses;
    size_t addresses_n;
};
/* Whether this machine can do it: NETLAB_UNSUPPORTED with the reason if not. */
struct err *netlab_supports(struct netlab *lab, enum netlab_fault_kind kind) must_check;
struct err *netlab_fault_begin(struct netlab *lab, const struct netlab_fault_options *options,
                               uint32_t *fault) must_check;
/* Ends it; what it did to connections stays. Ending it twice is fine. */
struct err *netlab_fault_end(struct netlab *lab, uint32_t fault) must_check;
/* How many packets (RESET: connections; DNS: questions) it has met, also after its end. */
struct err *netlab_fault_fired(struct netlab *lab, uint32_t fault, uint64_t *n) must_check;
const char *netlab_fault_kind_name(enum netlab_fault_kind kind); /* "partition", "dns-servfail" */

#endif
