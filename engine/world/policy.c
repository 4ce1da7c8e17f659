/* The table of policies and its two columns. */
#include "engine/world/policy.h"

#include "engine/base/timefmt.h"

#define ENUM(name, values, compat, hardened, doc)                                                  \
    {                                                                                              \
        name, POLICY_ENUM, values, compat, hardened, "0.1", doc                                    \
    }
#define DURATION(name, compat, hardened, doc)                                                      \
    {                                                                                              \
        name, POLICY_DURATION, "duration", compat, hardened, "0.1", doc                            \
    }

const struct policy_row policy_table[POLICY_COUNT] = {
    [POLICY_DNS_CACHE] = ENUM("dns.cache", "process|ttl", POLICY_DNS_CACHE_PROCESS,
                              POLICY_DNS_CACHE_TTL, "how long an agent keeps a DNS answer"),
    [POLICY_DNS_RECHECK] =
        ENUM("dns.recheck", "never|ttl", POLICY_DNS_RECHECK_NEVER, POLICY_DNS_RECHECK_TTL,
             "whether a connected agent asks DNS again and moves"),
    [POLICY_RECONNECT_BACKOFF] =
        ENUM("reconnect.backoff", "constant|jittered", POLICY_BACKOFF_CONSTANT,
             POLICY_BACKOFF_JITTERED, "the pause between two attempts to connect"),
    [POLICY_RECONNECT_MAX] = DURATION("reconnect.max", 10 * NS_PER_S, 10 * NS_PER_S,
                                      "the longest pause of a jittered back-off"),
    [POLICY_CONNECT_ADMISSION] = ENUM("connect.admission", "all|paced", POLICY_ADMISSION_ALL,
                                      POLICY_ADMISSION_PACED, "how fast a replica lets agents in"),
    [POLICY_AGENT_START] = ENUM("agent.start", "exit|retry", POLICY_AGENT_START_EXIT,
                                POLICY_AGENT_START_RETRY, "what a failed start-up check leads to"),
    [POLICY_SESSION_CHOICE] =
        ENUM("session.choice", "oldest|newest", POLICY_SESSION_OLDEST, POLICY_SESSION_NEWEST,
             "which tunnel session of a cluster is used"),
    [POLICY_SESSION_LIVENESS] =
        ENUM("session.liveness", "silence|echo", POLICY_LIVENESS_SILENCE, POLICY_LIVENESS_ECHO,
             "what shows that a tunnel in use is dead"),
    [POLICY_CONNECT_HEDGE] =
        ENUM("connect.hedge", "never|handshake", POLICY_HEDGE_NEVER, POLICY_HEDGE_HANDSHAKE,
             "whether a connection that gets no answer is tried by a second tunnel"),
    [POLICY_TUNNEL_PING] = DURATION("tunnel.ping", 5 * NS_PER_S, 5 * NS_PER_S,
                                    "how often the dialling side of a tunnel pings"),
    [POLICY_TUNNEL_DEAD_AFTER] = DURATION("tunnel.dead_after", 60 * NS_PER_S, 15 * NS_PER_S,
                                          "the silence after which a tunnel is given up"),
    [POLICY_TUNNEL_KEEPALIVE] =
        ENUM("tunnel.keepalive", "fixed|measured", POLICY_KEEPALIVE_FIXED,
             POLICY_KEEPALIVE_MEASURED, "whether an agent whose tunnels are cut idle pings more"),
    [POLICY_TUNNEL_ALIVE_BY] =
        ENUM("tunnel.alive_by", "control|traffic", POLICY_ALIVE_BY_CONTROL, POLICY_ALIVE_BY_TRAFFIC,
             "what counts as a sign of life of a tunnel"),
    [POLICY_TUNNEL_SYNC] =
        ENUM("tunnel.sync", "plain|young-safe", POLICY_SYNC_PLAIN, POLICY_SYNC_YOUNG_SAFE,
             "whether SyncConnections may end connections made meanwhile"),
    [POLICY_TUNNEL_QUEUE] = ENUM("tunnel.queue", "fifo|fair", POLICY_QUEUE_FIFO, POLICY_QUEUE_FAIR,
                                 "how connections share a tunnel that is backed up"),
    [POLICY_TUNNEL_BUFFER] =
        ENUM("tunnel.buffer", "unbounded|bounded", POLICY_BUFFER_UNBOUNDED, POLICY_BUFFER_BOUNDED,
             "what happens to a connection whose sender does not mind Pause"),
    [POLICY_TUNNEL_REFUSAL] =
        ENUM("tunnel.refusal", "session|connection", POLICY_REFUSAL_SESSION,
             POLICY_REFUSAL_CONNECTION, "what a Connect that is not allowed ends"),
    [POLICY_PEER_ANNOUNCE] =
        ENUM("peer.announce", "edge|digest", POLICY_PEER_EDGE, POLICY_PEER_DIGEST,
             "how replicas tell each other their sessions"),
    [POLICY_PEER_RELAY] =
        ENUM("peer.relay", "never|once", POLICY_RELAY_NEVER, POLICY_RELAY_ONCE,
             "whether a peer is asked for a cluster of which no session is known"),
    [POLICY_HEALTH_PROBE] =
        ENUM("health.probe", "sequential|independent", POLICY_PROBE_SEQUENTIAL,
             POLICY_PROBE_INDEPENDENT, "how the connectivity of clusters is probed"),
    [POLICY_SERVER_DRAIN] =
        ENUM("server.drain", "none|handover", POLICY_DRAIN_NONE, POLICY_DRAIN_HANDOVER,
             "what a replica does for its agents before it stops"),
    [POLICY_SERVER_READY] = ENUM("server.ready", "caches|peers", POLICY_READY_CACHES,
                                 POLICY_READY_PEERS, "when a replica that starts takes requests"),
    [POLICY_LEADER_LOSS] =
        ENUM("leader.loss", "exit|controllers", POLICY_LEADER_LOSS_EXIT,
             POLICY_LEADER_LOSS_CONTROLLERS, "what stops when the leader's lease is lost"),
    [POLICY_LEADER_LEASE] = DURATION("leader.lease", 45 * NS_PER_S, 45 * NS_PER_S,
                                     "how long a leader that fell silent is waited for"),
    [POLICY_CLUSTER_REMOVE] =
        ENUM("cluster.remove", "wait|detach", POLICY_REMOVE_WAIT, POLICY_REMOVE_DETACH,
             "whether removing an unreachable cluster ends by itself"),
    [POLICY_CA_PIN] = ENUM("ca.pin", "text|set", POLICY_PIN_TEXT, POLICY_PIN_SET,
                           "what the CA checksum is compared with"),
    [POLICY_AGENT_READY] = ENUM("agent.ready", "running|connected", POLICY_READY_RUNNING,
                                POLICY_READY_CONNECTED, "when a new agent may replace the old one"),
    [POLICY_CA_ROTATION] =
        ENUM("ca.rotation", "replace|overlap", POLICY_ROTATION_REPLACE, POLICY_ROTATION_OVERLAP,
             "when the manager goes over to its next certificate"),
    [POLICY_FAILURE_REASON] =
        ENUM("failure.reason", "step|cause", POLICY_REASON_STEP, POLICY_REASON_CAUSE,
             "what a failed connection is called by agents and in conditions"),
    [POLICY_CERTIFICATE_WARN] =
        ENUM("certificate.warn", "never|ahead", POLICY_WARN_NEVER, POLICY_WARN_AHEAD,
             "whether certificates are told before they expire"),
    [POLICY_CLUSTER_UNKNOWN] =
        ENUM("cluster.unknown", "refuse|adopt", POLICY_UNKNOWN_REFUSE, POLICY_UNKNOWN_ADOPT,
             "what becomes of a membership or credential that agents know and the store has lost"),
    [POLICY_CLUSTER_OFFLINE] =
        ENUM("cluster.offline", "repeat|park", POLICY_OFFLINE_REPEAT, POLICY_OFFLINE_PARK,
             "what is done for a cluster that is not connected"),
    [POLICY_CACHE_PROGRESS] =
        ENUM("cache.progress", "trust|deadline", POLICY_PROGRESS_TRUST, POLICY_PROGRESS_DEADLINE,
             "whether a watch that says nothing is asked anew"),
    [POLICY_CACHE_PROGRESS_AFTER] = DURATION("cache.progress_after", 90 * NS_PER_S, 90 * NS_PER_S,
                                             "the silence after which a watch is asked anew"),
    [POLICY_CACHE_VERIFY] = ENUM("cache.verify", "never|periodic", POLICY_VERIFY_NEVER,
                                 POLICY_VERIFY_PERIODIC, "whether caches are compared with lists"),
    [POLICY_CACHE_VERIFY_EVERY] =
        DURATION("cache.verify_every", 60 * NS_PER_S, 60 * NS_PER_S,
                 "the pause between two comparisons of a cache while there is doubt"),
};

struct policies policies_compat(void)
{
    struct policies p;
    for (size_t i = 0; i < POLICY_COUNT; i++)
        p.value[i] = policy_table[i].compat;
    return p;
}

struct policies policies_hardened(void)
{
    struct policies p;
    for (size_t i = 0; i < POLICY_COUNT; i++)
        p.value[i] = policy_table[i].hardened;
    return p;
}

struct err *policies_of_profile(struct str profile, struct policies *out)
{
    if (str_eq_c(profile, "compat"))
        *out = policies_compat();
    else if (str_eq_c(profile, "hardened"))
        *out = policies_hardened();
    else
        return err_new(ERR_INVALID,
                       "unknown profile \"" STR_FMT "\"; profiles are compat and hardened",
                       STR_ARG(profile));
    return NULL;
}

static struct err *parse_value(const struct policy_row *row, struct str text, int64_t *out)
{
    if (row->type == POLICY_DURATION) {
        int64_t duration;
        if (duration_parse(text, &duration) && duration > 0) {
            *out = duration;
            return NULL;
        }
        return err_new(ERR_INVALID,
                       "policy %s: \"" STR_FMT "\" is not a duration above zero; write it like 15s",
                       row->name, STR_ARG(text));
    }
    struct str value = str_empty, rest = str_c(row->values);
    bool more = true;
    for (int64_t i = 0; more; i++) {
        more = str_cut(rest, '|', &value, &rest);
        if (str_eq(value, text)) {
            *out = i;
            return NULL;
        }
    }
    return err_new(ERR_INVALID, "policy %s: unknown value \"" STR_FMT "\"; it takes %s", row->name,
                   STR_ARG(text), row->values);
}

struct err *policies_set(struct policies *p, struct str name, struct str value)
{
    for (size_t i = 0; i < POLICY_COUNT; i++)
        if (str_eq_c(name, policy_table[i].name))
            return parse_value(&policy_table[i], value, &p->value[i]);
    struct buf names = {0};
    for (size_t i = 0; i < POLICY_COUNT; i++)
        buf_addf(&names, "%s%s", i ? ", " : "", policy_table[i].name);
    struct err *err = err_new(ERR_INVALID, "unknown policy \"" STR_FMT "\"; policies are %s",
                              STR_ARG(name), buf_c(&names));
    buf_free(&names);
    return err;
}

void policies_print(const struct policies *p, enum policy which, struct buf *out)
{
    const struct policy_row *row = &policy_table[which];
    if (row->type == POLICY_DURATION) {
        duration_format(out, p->value[which]);
        return;
    }
    struct str value = str_empty, rest = str_c(row->values);
    for (int64_t i = 0; i <= p->value[which]; i++)
        str_cut(rest, '|', &value, &rest);
    buf_add(out, value);
}
