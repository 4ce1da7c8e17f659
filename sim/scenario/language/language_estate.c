/* The tables of what exists: topology and traffic. */
#include "sim/scenario/language/language_tables.h"
#include "sim/scenario/language/stages.h"

/* ---- topology ---- */

static const struct field manager_fields[] = {
    F_RANGE("replicas", FIELD_INT, plan_manager, replicas, 0, "3", 1, REPLICAS_MAX,
            "server processes of the site"),
    F("standby", FIELD_BOOL, plan_manager, standby, 0, "false",
      "waits with a copy of the active site's store until it is promoted"),
    F_RANGE("copy_every", FIELD_DURATION, plan_manager, copy_every_ns, 0, "60s", LEAST_NS,
            LIMIT_MAX, "how often a standby takes its copy"),
};
static SHAPE(manager_shape, "manager", plan_manager, manager_fields, NULL,
             "the manager of one site");

static const struct field site_fields[] = {
    F_SHAPE("manager", FIELD_OBJECT, plan_site, manager, 0, &manager_shape,
            "the manager that runs there"),
};
static SHAPE(site_shape, "site", plan_site, site_fields, NULL,
             "a place with a manager and its local Kubernetes API");

static const struct field backoff_fields[] = {
    F("first", FIELD_DURATION, plan_backoff, first_ns, 0, NULL, "the first pause"),
    F("max", FIELD_DURATION, plan_backoff, max_ns, 0, NULL, "the longest pause"),
};
static SHAPE(backoff_shape, "backoff", plan_backoff, backoff_fields, NULL,
             "pauses between attempts to connect; left out: as the policies say");

static const struct field agent_fields[] = {
    F_RANGE("replicas", FIELD_INT, plan_agent, replicas, 0, "1", 1, REPLICAS_MAX,
            "agent processes of each cluster"),
    F_SHAPE("backoff", FIELD_OBJECT, plan_agent, backoff, 0, &backoff_shape,
            "pauses between attempts to connect"),
};
static SHAPE(agent_shape, "agent", plan_agent, agent_fields, NULL, "the cluster agent");

static const struct field group_fields[] = {
    F_RANGE("count", FIELD_INT, plan_group, count, 0, "1", 0, PLAN_CLUSTERS_MAX,
            "clusters of this kind: NAME-0, NAME-1, ..."),
    F_RANGE("nodes", FIELD_INT, plan_group, nodes, 0, "1", 1, NODES_MAX, "nodes of each"),
    F_SHAPE("agent", FIELD_OBJECT, plan_group, agent, 0, &agent_shape, "the cluster agent"),
    F_SHAPE("stages", FIELD_NODE, plan_group, stages_node, FIELD_OR_FILE, &stages_shape,
            "how pods and nodes live: a file, seen from this one's folder, or in place; left out: "
            "as usual"),
};
static SHAPE(group_shape, "clusters", plan_group, group_fields, NULL,
             "a group of equal downstream clusters");

static const struct field record_fields[] = {
    F_ENUM("type", plan_record, type, 0, "A", "A", "the record's type"),
    F_RANGE("ttl", FIELD_DURATION, plan_record, ttl_ns, 0, "60s", 0, 7 * DAY_NS,
            "how long resolvers may keep the answer"),
    F("value", FIELD_STRINGS, plan_record, value, FIELD_REQUIRED | FIELD_NON_EMPTY, NULL,
      "the sites whose addresses are answered: [site/a]"),
};
static SHAPE(record_shape, "record", plan_record, record_fields, NULL, "a name of the zone");

static const struct field resolver_fields[] = {
    F("cache", FIELD_BOOL, plan_resolver, cache, 0, "true", "keeps answers"),
    F("obey_ttl", FIELD_BOOL, plan_resolver, obey_ttl, 0, "true",
      "keeps them no longer than the TTL"),
    F("negative_ttl", FIELD_DURATION, plan_resolver, negative_ttl_ns, 0, "30s",
      "how long it remembers that a name does not exist"),
    F("hold", FIELD_DURATION, plan_resolver, hold_ns, 0, NULL,
      "how long it keeps answers when it does not obey the TTL"),
    F("min_ttl", FIELD_DURATION, plan_resolver, min_ttl_ns, 0, NULL, "raises shorter TTLs to this"),
    F("max_ttl", FIELD_DURATION, plan_resolver, max_ttl_ns, 0, NULL, "lowers longer TTLs to this"),
    F("share", FIELD_SHARE, plan_resolver, share_ppm, 0, NULL,
      "of the clusters that use it; one resolver leaves it out and has the rest"),
};
static SHAPE(resolver_shape, "resolver", plan_resolver, resolver_fields, NULL,
             "a recursive resolver that agents ask");

static const struct field dns_fields[] = {
    F("zone", FIELD_STRING, plan_dns, zone, FIELD_NON_EMPTY, "example.test", "the zone's name"),
    F_SHAPE("records", FIELD_NAMED, plan_dns, records, FIELD_REQUIRED | FIELD_NON_EMPTY,
            &record_shape, "names of the zone; agents connect to `manager`"),
    F_SHAPE("resolvers", FIELD_NAMED, plan_dns, resolvers, FIELD_NON_EMPTY, &resolver_shape,
            "kinds of resolvers; left out: one that behaves"),
};
static SHAPE(dns_shape, "dns", plan_dns, dns_fields, NULL, "names and resolvers");

static const struct field latency_fields[] = {
    F("p50", FIELD_DURATION, plan_latency, p50_ns, FIELD_REQUIRED, NULL, "half are faster"),
    F("p99", FIELD_DURATION, plan_latency, p99_ns, FIELD_REQUIRED, NULL, "1 % are slower"),
};
static SHAPE(latency_shape, "latency", plan_latency, latency_fields, NULL, "one way");

static const struct field link_fields[] = {
    F("between", FIELD_STRINGS, plan_link, between, FIELD_REQUIRED, NULL,
      "the two ends: [cluster/NAME, site/NAME], an asterisk for all"),
    F_SHAPE("latency", FIELD_OBJECT, plan_link, latency, 0, &latency_shape, "one way"),
    F("loss", FIELD_SHARE, plan_link, loss_ppm, 0, NULL, "of the segments"),
    F("bandwidth", FIELD_SIZE, plan_link, bytes_per_s, 0, NULL, "bytes a second"),
};
static SHAPE(link_shape, "link", plan_link, link_fields, NULL, "how two ends are connected");

static const struct field topology_fields[] = {
    F_SHAPE("sites", FIELD_NAMED, plan_topology, sites, FIELD_REQUIRED | FIELD_NON_EMPTY,
            &site_shape, "places with a manager"),
    F_SHAPE("clusters", FIELD_NAMED, plan_topology, groups, 0, &group_shape,
            "groups of downstream clusters"),
    F_SHAPE("dns", FIELD_OBJECT, plan_topology, dns, 0, &dns_shape, "names and resolvers"),
    F_SHAPE("links", FIELD_OBJECTS, plan_topology, links, 0, &link_shape,
            "how ends are connected; later ones win"),
};
SHAPE(topology_shape, "topology", plan_topology, topology_fields, NULL, "what exists at the start");

/* ---- traffic ---- */

static const struct field traffic_fields[] = {
    F_ENUM("kind", plan_traffic, kind, 0, "request", "request|connect|ping|download|exchange",
           "request: GETs of the API over kept connections; connect: a connection for each "
           "question; ping: "
           "streams that stay, 1 KiB there and back; download: streams on which the cluster sends "
           "all the "
           "time; exchange: both ends do"),
    F("over", FIELD_TARGET, plan_traffic, over, FIELD_REQUIRED, NULL, "the clusters: cluster/NAME"),
    F("via", FIELD_TARGET, plan_traffic, via, 0, NULL,
      "the managers that are asked, in turns; left out: those of the active site that serve"),
    F("to", FIELD_STRING, plan_traffic, to, FIELD_NON_EMPTY, NULL,
      "connect: another address as the cluster's agent sees it, HOST:PORT or unix/PATH"),
    F("when", FIELD_EXPR, plan_traffic, when, 0, NULL,
      "only where this holds: matrix, profile, params"),
    F_RANGE("every", FIELD_DURATION, plan_traffic, every_ns, 0, "1s", TRAFFIC_LEAST_NS, LIMIT_MAX,
            "request, connect, ping: from one to the next, of each cluster"),
    F_RANGE("deadline", FIELD_DURATION, plan_traffic, deadline_ns, 0, "5s", TRAFFIC_LEAST_NS,
            LIMIT_MAX, "what takes longer has failed"),
    F_RANGE("streams", FIELD_INT, plan_traffic, streams, 0, "1", 1, 10000,
            "ping, download, exchange: of each cluster"),
    F("rate", FIELD_SIZE, plan_traffic, bytes_per_s, 0, NULL,
      "download, exchange: bytes a second that the user reads; left out: all that comes"),
    F("from", FIELD_MOMENT, plan_traffic, from, 0, NULL, "it begins: a time or a step"),
    F("until", FIELD_MOMENT, plan_traffic, until, 0, NULL, "it ends"),
};
SHAPE(traffic_shape, "traffic", plan_traffic, traffic_fields, NULL,
      "what users of the manager do, through its tunnels");
