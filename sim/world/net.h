/* net: hosts in zones, and links between zones that carry TCP-like byte streams.
 *
 * A host is a network stack: a machine, or a pod with its own address. Each byte stream is reliable and ordered; loss
 * is seen as delay of retransmission; a direction that is cut holds its bytes and retransmits (0.2 s, doubling, at most
 * SIM_RETRANSMIT_MAX apart) until it heals or SIM_TCP_TIMEOUT ends the connection at the sender.
 *   no host at the address, or its power is off: connecting gets no answer (SYN again after 1 s, 3 s, 7 s, ...)
 *   host without a listener at the port: refused after one round trip
 *   segment for a connection that the host does not know: RST after one way
 * Bounds: SIM_WINDOW_BYTES of unread bytes in each direction; more waits in the sender's queue (back-pressure). */
#ifndef PADDOCK_SIM_WORLD_NET_H
#define PADDOCK_SIM_WORLD_NET_H

#include "sim/world/sim.h"

#define SIM_WINDOW_BYTES   ((size_t)256 << 10)
#define SIM_TCP_TIMEOUT    (900 * NS_PER_S)
#define SIM_RETRANSMIT_MAX (120 * NS_PER_S)

/* ---- hosts ---- */
struct sim_host_options {
    struct str name;    /* unique, e.g. "site/a/manager-0" */
    struct str address; /* numeric */
    struct str zone;    /* e.g. "site/a", "cluster/edge": the end of links; made on first use */
};
struct sim_host *sim_host_new(struct sim *sim, const struct sim_host_options *options);
struct sim_host *sim_host_find(struct sim *sim, struct str name); /* NULL: none */
struct str sim_host_name(const struct sim_host *h);
struct str sim_host_zone(const struct sim_host *h);
struct str sim_host_address(const struct sim_host *h); /* the first one */
/* A further address. Several hosts with the same one are balanced: each connect goes to the next of those that are on
 * and listen at the port (a level-4 balancer with an immediate health check). */
void sim_host_add_address(struct sim_host *h, struct str address);
/* Power cut: every process of the host is dead from this event on and nothing is sent: peers find out by time-outs.
 * Each process's `exited` is called with SIM_EXIT_POWER_LOSS (process.h). */
void sim_host_power_off(struct sim_host *h);
void sim_host_power_on(struct sim_host *h); /* processes are started by whoever supervises them */
/* Whoever balances load sends nothing new to it at addresses that it shares with others. */
void sim_host_set_aside(struct sim_host *h, bool aside);
bool sim_host_is_on(const struct sim_host *h);

/* ---- links: symmetric, between two zones (or within one) ---- */
struct sim_latency { /* one way */
    world_time p50,
        p99; /* p99 0: p50 always; drawn from an integer table between and a little beyond */
};
struct sim_link {
    struct sim_latency latency;
    uint32_t loss;            /* of segments, per million */
    int64_t bytes_per_second; /* of one connection and direction; 0: unlimited */
};
/* Without a call: 0.3 ms (p99 1 ms) within a zone, 10 ms (p99 40 ms) between zones. Loopback takes SIM_LOOPBACK.
 * Zones are paths: a link of "site" and "cluster/edge" serves "site/a" and "cluster/edge/7" unless they have their own;
 * "" contains every zone. Connections that exist follow a change. */
#define SIM_LOOPBACK (10 * NS_PER_US)
void sim_link_set(struct sim *sim, struct str zone_a, struct str zone_b,
                  const struct sim_link *link);
/* A draw from the latency's table: monotone in the quantile, integers only. Exported for other simulated parts. */
world_time sim_latency_draw(const struct sim_latency *l, struct rng *r);

/* What TLS clients trust that name no authorities of their own; without a call: nothing. */
void sim_set_system_ca(struct sim *sim, struct str pem);
/* Whoever made both says that the key is the certificate's, and what the certificate is as DER: the two texts are then
 * taken without being parsed and compared, which costs more than making them. */
void sim_tls_vouch(struct sim *sim, struct str cert_pem, struct str key_pem, struct str chain);

/* ---- looking at connections (oracles, reports) ---- */
enum sim_connection_state {
    SIM_CONNECTING,
    SIM_ESTABLISHED,
    SIM_HALF_OPEN /* one end is gone unnoticed */,
    SIM_ENDING
};
struct sim_connection {
    uint64_t id; /* ascending */
    enum sim_connection_state state;
    struct sim_host *client_host, *server_host; /* server NULL: nobody there */
    struct sim_process *client, *server;        /* NULL: gone */
    struct world_addr client_address, server_address;
    world_time opened_at, last_byte_at; /* last_byte_at: either direction, arrival; 0: none yet */
    uint64_t bytes_to_server, bytes_to_client; /* arrived */
};
/* In order of making. `each` may not end connections. */
void sim_connections_each(const struct sim *sim,
                          void (*each)(void *owner, const struct sim_connection *c), void *owner);

#endif
