#include "sim/scenario/expr/vocabulary.h"

#define FIELDS(table) (table), ARRAY_LEN(table)

/* Domains: sites "a"; site_refs "site/a"; faults, groups, resolvers by name; the others below are fixed. The loader makes them. */

static const struct expr_field agent_fields[VOC_AGENT_FIELD_COUNT] = {
    [VOC_AGENT_NAME] = {"name", EXPR_STRING, EXPR_FIXED, NULL, "edge-3/agent-0"},
    [VOC_AGENT_CLUSTER] = {"cluster", EXPR_STRING, EXPR_FIXED, NULL, "its cluster: edge-3"},
    [VOC_AGENT_GROUP] = {"group", EXPR_STRING, EXPR_FIXED, "groups", "its cluster's group"},
    [VOC_AGENT_RUNNING] = {"running", EXPR_BOOL, 0, NULL, "the process is up"},
    [VOC_AGENT_CONNECTED] = {"connected", EXPR_BOOL, 0, NULL, "its tunnel is established"},
    [VOC_AGENT_PEER] = {"peer", EXPR_STRING, 0, "site_refs",
                        "the site that its tunnel ends at; unknown without a tunnel"},
    [VOC_AGENT_RESOLVER] = {"resolver", EXPR_STRING, 0, "resolvers", "the resolver it asks"},
    [VOC_AGENT_HOLD] = {"resolver_hold", EXPR_DURATION, 0, NULL,
                        "how long its resolver keeps answers whatever the TTL"},
    [VOC_AGENT_LAST_BYTE] = {"last_byte", EXPR_TIME, 0, NULL, "when it last heard its peer"},
    [VOC_AGENT_CONNECTED_AT] = {"connected_at", EXPR_TIME, 0, NULL,
                                "when its tunnel was established"},
    [VOC_AGENT_LOST_AT] = {"lost_at", EXPR_TIME, 0, NULL, "when it last lost its tunnel"},
    [VOC_AGENT_RECONNECTED_AT] = {"reconnected_at", EXPR_TIME, 0, NULL,
                                  "when it last got a tunnel again after a loss"},
    [VOC_AGENT_ATTEMPTS] = {"attempts", EXPR_INT, 0, NULL, "attempts to connect so far"},
    [VOC_AGENT_RESTARTS] = {"restarts", EXPR_INT, 0, NULL, "how often the process started again"},
    [VOC_AGENT_LEADER] = {"leader", EXPR_BOOL, EXPR_LIVE, NULL, "the active one of its cluster"},
    [VOC_AGENT_REASON] = {"reason", EXPR_STRING, 0, NULL,
                          "why it has no tunnel: CAMismatch, Unresolvable, ...; unknown with one"},
    [VOC_AGENT_STREAMS] = {"streams", EXPR_INT, EXPR_LIVE, NULL, "connections that it holds"},
    [VOC_AGENT_TASKS] = {"tasks", EXPR_INT, EXPR_LIVE, NULL,
                         "timers, queries, file operations that it holds"},
    [VOC_AGENT_BUFFERED] = {"buffered", EXPR_INT, EXPR_LIVE, NULL,
                            "bytes of the buffers of its connections"},
};

static const struct expr_field cluster_fields[VOC_CLUSTER_FIELD_COUNT] = {
    [VOC_CLUSTER_NAME] = {"name", EXPR_STRING, EXPR_FIXED, NULL, "edge-3"},
    [VOC_CLUSTER_GROUP] = {"group", EXPR_STRING, EXPR_FIXED, "groups", "its group"},
    [VOC_CLUSTER_STATE] =
        {"state", EXPR_STRING, 0, "cluster_states",
         "pending, waiting, active, unavailable, updating, removing, provisioning or "
         "error, as the manager shows it"},
    [VOC_CLUSTER_CONNECTED] = {"connected", EXPR_BOOL, 0, NULL,
                               "the manager's condition Connected"},
    [VOC_CLUSTER_READY] = {"ready", EXPR_BOOL, 0, NULL, "the manager's condition Ready"},
    [VOC_CLUSTER_SITE] = {"site", EXPR_STRING, 0, "site_refs",
                          "the site that reaches it; unknown when none does"},
    [VOC_CLUSTER_SESSIONS] = {"sessions", EXPR_INT, 0, NULL, "tunnels of its agents, any site"},
    [VOC_CLUSTER_ACTIVE_AT] = {"active_at", EXPR_TIME, 0, NULL, "when it last became active"},
    [VOC_CLUSTER_WRITER_SITE] = {"writer.site", EXPR_STRING, EXPR_HISTORY, "site_refs",
                                 "the sites whose managers write to it"},
    [VOC_CLUSTER_WRITER] = {"writer", EXPR_STRING, EXPR_HISTORY, NULL,
                            "the same: replicas of one site share its lease, and count as one"},
    [VOC_CLUSTER_REASON] =
        {"reason", EXPR_STRING, 0, NULL,
         "of its condition Ready: Disconnected, CertExpired, ...; unknown: none"},
    [VOC_CLUSTER_CONNECTION] =
        {"connection", EXPR_STRING, 0, NULL,
         "reason of its condition AgentConnection: WebSocketsBlocked, MiddleboxIdleTimeout; "
         "unknown: none"},
    [VOC_CLUSTER_CERTIFICATE] =
        {"certificate", EXPR_STRING, 0, NULL,
         "reason of its condition APICertificate: ExpiresWithin14Days, ...; unknown: none"},
    [VOC_CLUSTER_UPDATED] = {"updated", EXPR_BOOL, 0, NULL,
                             "the manager's condition Updated: its agent is as it should be"},
    [VOC_CLUSTER_REMAINS] = {"remains", EXPR_BOOL, EXPR_LIVE, NULL,
                             "the agent's namespace is (still) in it"},
    [VOC_CLUSTER_PODS] = {"pods", EXPR_INT, EXPR_LIVE, NULL, "pods in it; 0 while its API is down"},
    [VOC_CLUSTER_PODS_RUNNING] = {"pods_running", EXPR_INT, EXPR_LIVE, NULL,
                                  "of them those in phase Running"},
};

static const struct expr_field server_fields[VOC_SERVER_FIELD_COUNT] = {
    [VOC_SERVER_NAME] = {"name", EXPR_STRING, EXPR_FIXED, NULL, "site/a/manager-0"},
    [VOC_SERVER_SITE] = {"site", EXPR_STRING, EXPR_FIXED, "site_refs", "its site"},
    [VOC_SERVER_RUNNING] = {"running", EXPR_BOOL, 0, NULL, "the process is up"},
    [VOC_SERVER_LEADER] = {"leader", EXPR_BOOL, 0, NULL, "it believes that it leads"},
    [VOC_SERVER_SESSIONS] = {"sessions", EXPR_INT, 0, NULL, "tunnels that end at it"},
    [VOC_SERVER_PEERS] = {"peers", EXPR_INT, 0, NULL, "replicas it is connected to"},
    [VOC_SERVER_STARTED_AT] = {"started_at", EXPR_TIME, 0, NULL, "when the process started"},
    [VOC_SERVER_STREAMS] = {"streams", EXPR_INT, EXPR_LIVE, NULL, "connections that it holds"},
    [VOC_SERVER_TASKS] = {"tasks", EXPR_INT, EXPR_LIVE, NULL,
                          "timers, queries, file operations that it holds"},
    [VOC_SERVER_BUFFERED] = {"buffered", EXPR_INT, EXPR_LIVE, NULL,
                             "bytes of the buffers of its connections"},
};

static const struct expr_field site_fields[VOC_SITE_FIELD_COUNT] = {
    [VOC_SITE_NAME] = {"name", EXPR_STRING, EXPR_FIXED, "sites", "a"},
    [VOC_SITE_ROLE] = {"role", EXPR_STRING, 0, "site_roles", "active, standby or demoted"},
    [VOC_SITE_ALIVE] = {"alive", EXPR_BOOL, 0, NULL, "it has power"},
    [VOC_SITE_DIED_AT] = {"died_at", EXPR_TIME, 0, NULL, "when it lost power"},
    [VOC_SITE_PROMOTED_AT] = {"promoted_at", EXPR_TIME, 0, NULL, "when it was promoted"},
    [VOC_SITE_DEMOTED_AT] = {"demoted_at", EXPR_TIME, 0, NULL, "when it was demoted"},
    [VOC_SITE_AGENTS] = {"agents", EXPR_INT, 0, NULL, "agents whose tunnel ends there"},
    [VOC_SITE_ROTATION_WAITS] = {"rotation_waits", EXPR_INT, EXPR_LIVE, NULL,
                                 "clusters that its change of the CA waits for; 0: it is over; "
                                 "unknown: none was asked for"},
    [VOC_SITE_CERTIFICATE] = {"certificate", EXPR_STRING, EXPR_LIVE, NULL,
                              "what it says of its own certificate: ExpiresWithin14Days, ...; "
                              "unknown: nothing"},
};

static const struct expr_field node_fields[VOC_NODE_FIELD_COUNT] = {
    [VOC_NODE_NAME] = {"name", EXPR_STRING, 0, NULL, "edge-3-node-0"},
    [VOC_NODE_CLUSTER] = {"cluster", EXPR_STRING, EXPR_FIXED, NULL, "its cluster"},
    [VOC_NODE_READY] = {"ready", EXPR_BOOL, EXPR_LIVE, NULL, "its condition Ready"},
    [VOC_NODE_REPLACED] = {"replaced", EXPR_INT, EXPR_LIVE, NULL,
                           "how often another machine took its name"},
    [VOC_NODE_STATE] = {"state", EXPR_STRING, EXPR_LIVE, "node_states",
                        "new (no object yet), unready, ready or lost (Ready is Unknown)"},
    [VOC_NODE_CONDITIONS] = {"conditions", EXPR_INT, EXPR_LIVE, NULL,
                             "how many conditions of its stages, besides Ready, are True"},
};

static const struct expr_field fault_fields[VOC_FAULT_FIELD_COUNT] = {
    [VOC_FAULT_NAME] = {"name", EXPR_STRING, EXPR_FIXED, NULL, "as the scenario calls it"},
    [VOC_FAULT_FIRED] = {"fired", EXPR_INT, EXPR_LIVE, NULL, "how often it took effect until now"},
    [VOC_FAULT_ACTIVE] = {"active", EXPR_BOOL, EXPR_LIVE, NULL, "it is going on"},
    [VOC_FAULT_STARTED_AT] = {"started_at", EXPR_TIME, EXPR_LIVE, NULL, "when it began"},
};

#define LIVE(name, type, doc)                                                                      \
    {                                                                                              \
        name, type, EXPR_LIVE, NULL, doc                                                           \
    }
static const struct expr_field traffic_fields[VOC_TRAFFIC_FIELD_COUNT] = {
    [VOC_TRAFFIC_NAME] = {"name", EXPR_STRING, EXPR_FIXED, "traffics", "as the scenario calls it"},
    [VOC_TRAFFIC_REQUESTS] = LIVE("requests", EXPR_INT, "questions asked, streams opened"),
    [VOC_TRAFFIC_ANSWERED] = LIVE("answered", EXPR_INT, "questions answered in time"),
    [VOC_TRAFFIC_FAILURES] = LIVE("failures", EXPR_INT, "timeouts, refused and broken together"),
    [VOC_TRAFFIC_TIMEOUTS] = LIVE("timeouts", EXPR_INT, "not answered within the deadline"),
    [VOC_TRAFFIC_REFUSED] = LIVE("refused", EXPR_INT, "no manager took it, or no port leads there"),
    [VOC_TRAFFIC_BROKEN] = LIVE("broken", EXPR_INT, "ended by an error before the answer"),
    [VOC_TRAFFIC_FAILED_SHARE] = LIVE("failed_share", EXPR_RATIO, "failures of what has ended"),
    [VOC_TRAFFIC_UNDER_WAY] = LIVE("under_way", EXPR_INT, "questions without an answer yet"),
    [VOC_TRAFFIC_STREAMS] = LIVE("streams", EXPR_INT, "streams that are open"),
    [VOC_TRAFFIC_BYTES_DOWN] = LIVE("bytes_down", EXPR_INT, "bytes that the user has read"),
    [VOC_TRAFFIC_BYTES_UP] = LIVE("bytes_up", EXPR_INT, "bytes that the application has read"),
    [VOC_TRAFFIC_P50] = LIVE("p50", EXPR_DURATION, "half of the answers were faster"),
    [VOC_TRAFFIC_P99] = LIVE("p99", EXPR_DURATION, "1 % of the answers were slower"),
    [VOC_TRAFFIC_MAX] = LIVE("max", EXPR_DURATION, "the slowest answer"),
    [VOC_TRAFFIC_OUTAGE] = LIVE("outage", EXPR_DURATION,
                                "sum over clusters: from a failed question to the next good one"),
    [VOC_TRAFFIC_LONGEST_OUTAGE] = LIVE("longest_outage", EXPR_DURATION, "of one cluster"),
    [VOC_TRAFFIC_LAST_FAILURE] = LIVE("last_failure", EXPR_TIME, "when one last failed"),
};

static const struct expr_field cache_fields[VOC_CACHE_FIELD_COUNT] = {
    [VOC_CACHE_NAME] = {"name", EXPR_STRING, 0, NULL, "edge-3/agent-0/pods"},
    [VOC_CACHE_OF] = {"of", EXPR_STRING, 0, NULL, "its process: edge-3/agent-0, site/a/manager-0"},
    [VOC_CACHE_CLUSTER] = {"cluster", EXPR_STRING, 0, NULL,
                           "the cluster that an agent's mirrors; unknown of a manager's"},
    [VOC_CACHE_KIND] = {"kind", EXPR_STRING, 0, NULL, "pods, nodes, clusters, settings, ..."},
    [VOC_CACHE_SYNCED] = LIVE("synced", EXPR_BOOL, "it has been listed once"),
    [VOC_CACHE_COUNT] = LIVE("count", EXPR_INT, "objects in it"),
    [VOC_CACHE_MISSING] = LIVE("missing", EXPR_INT, "objects that the API has, and it has not"),
    [VOC_CACHE_SURPLUS] = LIVE("surplus", EXPR_INT, "objects that it has, and the API has not"),
    [VOC_CACHE_STALE] = LIVE("stale", EXPR_INT, "objects that it has in another version"),
    [VOC_CACHE_DATA_AGE] = LIVE("data_age", EXPR_DURATION, "since it last heard of the API"),
    [VOC_CACHE_LISTS] = LIVE("lists", EXPR_INT, "pages of lists that it took in"),
    [VOC_CACHE_WATCHES] = LIVE("watches", EXPR_INT, "watches that it began"),
    [VOC_CACHE_ADDED] = LIVE("added", EXPR_INT, "objects that it told to have come"),
    [VOC_CACHE_REMOVED] = LIVE("removed", EXPR_INT, "objects that it told to have gone"),
    [VOC_CACHE_VERIFICATIONS] = LIVE("verifications", EXPR_INT, "requests of verification"),
    [VOC_CACHE_HEALS] = LIVE("heals", EXPR_INT, "differences that verification found"),
    [VOC_CACHE_HEALED_AT] = LIVE("healed_at", EXPR_TIME, "when it was last listed for one"),
};

static const struct expr_collection collections[VOC_COLLECTION_COUNT] = {
    [VOC_AGENT] = {"agent", FIELDS(agent_fields), NULL, "cluster agent processes"},
    [VOC_CLUSTER] = {"cluster", FIELDS(cluster_fields), NULL, "downstream clusters"},
    [VOC_SERVER] = {"server", FIELDS(server_fields), NULL, "manager replicas"},
    [VOC_SITE] = {"site", FIELDS(site_fields), "sites", "places with a manager"},
    [VOC_NODE] = {"node", FIELDS(node_fields), NULL, "nodes of downstream clusters"},
    [VOC_FAULT] = {"fault", FIELDS(fault_fields), "faults",
                   "faults that have begun; by name also those to come: fault.NAME.fired > 0, "
                   "fault.'THE NAME'.active"},
    [VOC_TRAFFIC] = {"traffic", FIELDS(traffic_fields), "traffics",
                     "what users do, by its name: traffic.NAME.failures"},
    [VOC_CACHE] = {"cache", FIELDS(cache_fields), NULL,
                   "what manager replicas and agents know of an API, one a kind"},
};

#define COUNTER(name, doc)                                                                         \
    {                                                                                              \
        name, EXPR_INT, EXPR_COUNTER, doc                                                          \
    }
#define GAUGE(name, doc)                                                                           \
    {                                                                                              \
        name, EXPR_INT, 0, doc                                                                     \
    }

static const struct expr_global globals[VOC_GLOBAL_COUNT] = {
    [VOC_GLOBAL_MANAGER_HANDSHAKES] =
        COUNTER("manager.handshakes", "tunnels that managers accepted"),
    [VOC_GLOBAL_MANAGER_HANDSHAKE_FAILURES] =
        COUNTER("manager.handshake_failures", "tunnels that managers refused"),
    [VOC_GLOBAL_MANAGER_RECONCILES] = COUNTER("manager.reconciles", "runs of controllers"),
    [VOC_GLOBAL_MANAGER_QUEUE_DEPTH] =
        GAUGE("manager.queue_depth", "keys that wait in work queues"),
    [VOC_GLOBAL_MANAGER_LEADER_CHANGES] =
        COUNTER("manager.leader_changes", "how often a replica began to lead"),
    [VOC_GLOBAL_MANAGER_LEADERS] = GAUGE("manager.leaders", "replicas that believe they lead"),
    [VOC_GLOBAL_TUNNEL_SESSIONS] = GAUGE("tunnel.sessions", "tunnels, counted at the managers"),
    [VOC_GLOBAL_TUNNEL_OPENED] = COUNTER("tunnel.opened", "tunnels that were established"),
    [VOC_GLOBAL_TUNNEL_CLOSED] = COUNTER("tunnel.closed", "tunnels that ended"),
    [VOC_GLOBAL_DNS_QUERIES] = COUNTER("dns.queries", "queries that resolvers got"),
    [VOC_GLOBAL_DNS_SERVFAIL_ANSWERS] = COUNTER("dns.servfail_answers", "answers SERVFAIL"),
    [VOC_GLOBAL_DNS_NXDOMAIN_ANSWERS] = COUNTER("dns.nxdomain_answers", "answers NXDOMAIN"),
    [VOC_GLOBAL_DNS_TIMEOUTS] = COUNTER("dns.timeouts", "queries without an answer"),
    [VOC_GLOBAL_DNS_STALE_ANSWERS] =
        COUNTER("dns.stale_answers", "answers that were no longer true"),
    [VOC_GLOBAL_DNS_WRONG_ANSWERS] = COUNTER("dns.wrong_answers", "answers that a fault made up"),
    [VOC_GLOBAL_NET_CONNECTS] = COUNTER("net.connects", "connections that were established"),
    [VOC_GLOBAL_NET_CONNECT_FAILURES] =
        COUNTER("net.connect_failures", "connections that were refused or timed out"),
    [VOC_GLOBAL_NET_RESETS] = COUNTER("net.resets", "connections that were reset"),
    [VOC_GLOBAL_NET_HALF_OPEN_SESSIONS] =
        COUNTER("net.half_open_sessions", "connections that went dead in silence"),
    [VOC_GLOBAL_NET_DROPPED_BYTES] = COUNTER("net.dropped_bytes", "bytes that did not arrive"),
    [VOC_GLOBAL_TLS_HANDSHAKES] = COUNTER("tls.handshakes", "TLS handshakes that succeeded"),
    [VOC_GLOBAL_TLS_FAILURES] = COUNTER("tls.failures", "TLS handshakes that failed"),
    [VOC_GLOBAL_API_REQUESTS] = COUNTER("api.requests", "requests to Kubernetes APIs"),
    [VOC_GLOBAL_API_WRITES] = COUNTER("api.writes", "writes to Kubernetes APIs"),
    [VOC_GLOBAL_API_CONFLICTS] = COUNTER("api.conflicts", "answers 409"),
    [VOC_GLOBAL_API_ANSWERS_410] = COUNTER("api.answers_410", "answers 410 Gone"),
    [VOC_GLOBAL_API_ANSWERS_429] = COUNTER("api.answers_429", "answers 429"),
    [VOC_GLOBAL_API_EVENTS_WITHHELD] =
        COUNTER("api.events_withheld", "watch events and bookmarks that a fault kept back"),
    [VOC_GLOBAL_API_EVENTS_REPEATED] =
        COUNTER("api.events_repeated", "watch events that a fault showed again"),
    [VOC_GLOBAL_API_WATCHES_CUT] =
        COUNTER("api.watches_cut", "watches that were ended before their time"),
    [VOC_GLOBAL_UPSTREAM_WRITES] =
        COUNTER("upstream.writes", "writes to the managers' own APIs, but for leases"),
    [VOC_GLOBAL_UPSTREAM_BYTES] =
        COUNTER("upstream.bytes", "bytes of the manager's objects that changed there"),
    [VOC_GLOBAL_PROCESS_STARTS] = COUNTER("process.starts", "processes that were started"),
    [VOC_GLOBAL_PROCESS_CRASHES] = COUNTER("process.crashes", "processes that ended unasked"),
    [VOC_GLOBAL_CACHE_VERIFICATIONS] =
        COUNTER("cache.verifications", "requests that compare caches with their APIs"),
    [VOC_GLOBAL_CACHE_HEALS] =
        COUNTER("cache.heals", "caches that were found to differ, and listed again"),
    [VOC_GLOBAL_EVENTS] = COUNTER("sim.events", "events of the simulation"),
};

const struct expr_vocabulary scenario_vocabulary = {collections, ARRAY_LEN(collections), globals,
                                                    ARRAY_LEN(globals)};
