/* policy: every behaviour that the two profiles differ in, as one table: name, type, the value in `compat` (what the
 * original is known to do) and in `hardened` (the default). Code branches on a policy, never on the profile.
 *
 * A `struct policies` is a plain value: copy it, change single entries, hand it to an instance at its creation.
 * Source: fixtures/incidents.yaml names the incident behind each entry. */
#ifndef PADDOCK_ENGINE_WORLD_POLICY_H
#define PADDOCK_ENGINE_WORLD_POLICY_H

#include "engine/base/err.h"

enum policy {
    POLICY_DNS_CACHE, /* enum: process (answer kept for the process's life) | ttl */
    POLICY_DNS_RECHECK, /* enum: never | ttl (while connected, ask again when the answer expired, and move) */
    POLICY_RECONNECT_BACKOFF, /* enum: constant (5 s + 5 s) | jittered (full jitter, exponential) */
    POLICY_RECONNECT_MAX,     /* duration: the cap of a jittered back-off */
    POLICY_CONNECT_ADMISSION, /* enum: all (at once) | paced (a replica admits agents at a steady rate) */
    POLICY_AGENT_START, /* enum: exit (a failed check ends the process) | retry (typed phases, in process) */
    POLICY_SESSION_CHOICE, /* enum: oldest | newest (the newest that proved to be alive) */
    POLICY_SESSION_LIVENESS, /* enum: silence (only tunnel.dead_after tells) | echo (one in use is asked, and avoided) */
    POLICY_CONNECT_HEDGE, /* enum: never | handshake (a TLS handshake without an answer is begun by another session too) */
    POLICY_TUNNEL_PING,       /* duration: how often the agent's side pings */
    POLICY_TUNNEL_DEAD_AFTER, /* duration: silence after which a side gives the session up */
    POLICY_TUNNEL_KEEPALIVE, /* enum: fixed (tunnel.ping) | measured (a third of the idle age at which tunnels are cut) */
    POLICY_TUNNEL_ALIVE_BY, /* enum: control (only ping and pong count) | traffic (anything received counts) */
    POLICY_TUNNEL_SYNC, /* enum: plain | young-safe (ids younger than the last seen one are left alone) */
    POLICY_TUNNEL_QUEUE, /* enum: fifo (all in one line) | fair (control first, then round robin) */
    POLICY_TUNNEL_BUFFER, /* enum: unbounded (trusts that Pause is minded) | bounded (fails the connection) */
    POLICY_TUNNEL_REFUSAL, /* enum: session (a refused Connect ends it) | connection (only that one fails) */
    POLICY_PEER_ANNOUNCE, /* enum: edge (AddClient only on change) | digest (full list repeated periodically) */
    POLICY_PEER_RELAY, /* enum: never | once (a peer that may know a way is asked when we know none) */
    POLICY_HEALTH_PROBE, /* enum: sequential (no deadline) | independent (own deadline, jitter, hysteresis) */
    POLICY_SERVER_DRAIN, /* enum: none (a replica that is told to stop stops) | handover (its agents go elsewhere first) */
    POLICY_SERVER_READY, /* enum: caches (they are filled) | peers (and there are tunnels to and from the other replicas) */
    POLICY_LEADER_LOSS,  /* enum: exit (the process ends) | controllers (only leader work stops) */
    POLICY_LEADER_LEASE, /* duration: how long a leader that fell silent is waited for */
    POLICY_CLUSTER_REMOVE, /* enum: wait (for the downstream) | detach (after a deadline) */
    POLICY_CA_PIN, /* enum: text (SHA-256 of the PEM text) | set (order- and blank-free set of certificates) */
    POLICY_AGENT_READY, /* enum: running (its pod counts at once) | connected (when it has a tunnel) */
    POLICY_CA_ROTATION, /* enum: replace (at the next start) | overlap (when every agent knows both) */
    POLICY_CERTIFICATE_WARN, /* enum: never | ahead (30, 14, 7 days, 1 day before the end) */
    POLICY_CLUSTER_UNKNOWN, /* enum: refuse | adopt (who proves that it is ours is taken in again) */
    POLICY_CLUSTER_OFFLINE, /* enum: repeat (tried and written again and again) | park (until it is back) */
    POLICY_FAILURE_REASON, /* enum: step (where it failed) | cause (why) */
    POLICY_CACHE_PROGRESS, /* enum: trust (a watch that says nothing) | deadline (it is asked anew) */
    POLICY_CACHE_PROGRESS_AFTER, /* duration: the silence after which it is */
    POLICY_CACHE_VERIFY, /* enum: never | periodic (lists of metadata are compared with the cache) */
    POLICY_CACHE_VERIFY_EVERY, /* duration: the pause between two comparisons while there is doubt */
    POLICY_COUNT
};

enum policy_type { POLICY_ENUM, POLICY_DURATION };

enum { POLICY_DNS_CACHE_PROCESS, POLICY_DNS_CACHE_TTL };
enum { POLICY_DNS_RECHECK_NEVER, POLICY_DNS_RECHECK_TTL };
enum { POLICY_BACKOFF_CONSTANT, POLICY_BACKOFF_JITTERED };
enum { POLICY_ADMISSION_ALL, POLICY_ADMISSION_PACED };
enum { POLICY_AGENT_START_EXIT, POLICY_AGENT_START_RETRY };
enum { POLICY_SESSION_OLDEST, POLICY_SESSION_NEWEST };
enum { POLICY_LIVENESS_SILENCE, POLICY_LIVENESS_ECHO };
enum { POLICY_HEDGE_NEVER, POLICY_HEDGE_HANDSHAKE };
enum { POLICY_KEEPALIVE_FIXED, POLICY_KEEPALIVE_MEASURED };
enum { POLICY_ALIVE_BY_CONTROL, POLICY_ALIVE_BY_TRAFFIC };
enum { POLICY_SYNC_PLAIN, POLICY_SYNC_YOUNG_SAFE };
enum { POLICY_QUEUE_FIFO, POLICY_QUEUE_FAIR };
enum { POLICY_BUFFER_UNBOUNDED, POLICY_BUFFER_BOUNDED };
enum { POLICY_REFUSAL_SESSION, POLICY_REFUSAL_CONNECTION };
enum { POLICY_PEER_EDGE, POLICY_PEER_DIGEST };
enum { POLICY_RELAY_NEVER, POLICY_RELAY_ONCE };
enum { POLICY_PROBE_SEQUENTIAL, POLICY_PROBE_INDEPENDENT };
enum { POLICY_DRAIN_NONE, POLICY_DRAIN_HANDOVER };
enum { POLICY_READY_CACHES, POLICY_READY_PEERS };
enum { POLICY_LEADER_LOSS_EXIT, POLICY_LEADER_LOSS_CONTROLLERS };
enum { POLICY_REMOVE_WAIT, POLICY_REMOVE_DETACH };
enum { POLICY_PIN_TEXT, POLICY_PIN_SET };
enum { POLICY_PROGRESS_TRUST, POLICY_PROGRESS_DEADLINE };
enum { POLICY_VERIFY_NEVER, POLICY_VERIFY_PERIODIC };

enum { POLICY_READY_RUNNING, POLICY_READY_CONNECTED };
enum { POLICY_ROTATION_REPLACE, POLICY_ROTATION_OVERLAP };
enum { POLICY_WARN_NEVER, POLICY_WARN_AHEAD };
enum { POLICY_UNKNOWN_REFUSE, POLICY_UNKNOWN_ADOPT };
enum { POLICY_OFFLINE_REPEAT, POLICY_OFFLINE_PARK };
enum { POLICY_REASON_STEP, POLICY_REASON_CAUSE };

struct policy_row {
    const char *name; /* "dns.cache" */
    enum policy_type type;
    const char *
        values; /* enum: "process|ttl", in the order of the enum's constants; duration: "duration" */
    int64_t compat, hardened; /* enum: index; duration: ns */
    const char *since;        /* our version that introduced it */
    const char *doc;          /* one line */
};

struct policies {
    int64_t value[POLICY_COUNT];
};

extern const struct policy_row policy_table[POLICY_COUNT];

struct policies policies_compat(void);
struct policies policies_hardened(void);
struct err *policies_of_profile(struct str profile, struct policies *out) must_check;
/* "dns.cache", "ttl". Unknown names and values are errors with a suggestion. */
struct err *policies_set(struct policies *p, struct str name, struct str value) must_check;
void policies_print(const struct policies *p, enum policy which,
                    struct buf *out); /* value as text */
static inline int64_t policy_get(const struct policies *p, enum policy which)
{
    return p->value[which];
}

#endif
