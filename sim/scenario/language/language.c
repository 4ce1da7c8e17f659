/* The tables of the language: every field of a scenario file but the faults' (fault.c). */
#include "sim/scenario/language/language.h"

#include "engine/base/timefmt.h"
#include "sim/scenario/language/stages.h"

#define AT(owner, member) offsetof(struct owner, member)
#define SHAPE(id, text, owner, table, short_for, about)                                            \
    const struct shape id = {text, table, ARRAY_LEN(table), sizeof(struct owner), short_for, about}
#define F(field, kind, owner, member, marks, text, about)                                          \
    {                                                                                              \
        .name = (field), .type = (kind), .flags = (marks), .offset = AT(owner, member),            \
        .otherwise = (text), .doc = (about)                                                        \
    }
#define F_RANGE(field, kind, owner, member, marks, text, low, high, about)                         \
    {                                                                                              \
        .name = (field), .type = (kind), .flags = (marks), .offset = AT(owner, member),            \
        .otherwise = (text), .min = (low), .max = (high), .doc = (about)                           \
    }
#define F_ENUM(field, owner, member, marks, text, words, about)                                    \
    {                                                                                              \
        .name = (field), .type = FIELD_ENUM, .flags = (marks), .offset = AT(owner, member),        \
        .otherwise = (text), .values = (words), .doc = (about)                                     \
    }
#define F_SHAPE(field, kind, owner, member, marks, of, about)                                      \
    {                                                                                              \
        .name = (field), .type = (kind), .flags = (marks), .offset = AT(owner, member),            \
        .shape = (of), .doc = (about)                                                              \
    }

#define SEED_MAX         INT64_MAX
#define SEEDS_MAX        10000000
#define REPLICAS_MAX     64
#define NODES_MAX        1000
#define EVENTS_MAX       INT64_MAX
#define DAY_NS           (INT64_C(86400) * 1000000000)
#define LIMIT_MAX        (3650 * DAY_NS)
#define LEAST_NS         1

#define CHAOS_WEIGHT_MAX 1000
#define TRAFFIC_LEAST_NS INT64_C(1000000)

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
            "how pods live: a file, seen from this one's folder, or in place; left out: as usual"),
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

/* ---- steps and faults ---- */

static const struct field clock_fields[] = {
    F("start", FIELD_INSTANT, plan_clock, start_unix_ns, 0, "2026-01-01T00:00:00Z",
      "the wall clock at the start"),
    F_RANGE("limit", FIELD_DURATION, plan_clock, limit_ns, 0, "1h", LEAST_NS, LIMIT_MAX,
            "the run ends here"),
    F("wall_limit", FIELD_DURATION, plan_clock, wall_limit_ns, 0, NULL,
      "real time that one run may take"),
};
SHAPE(clock_shape, "clock", plan_clock, clock_fields, NULL, "virtual time");

static const struct field after_fields[] = {
    F("step", FIELD_STRING, after_entry, step, FIELD_REQUIRED, NULL, "an earlier step's name"),
    F("delay", FIELD_DURATION, after_entry, delay_ns, 0, NULL, "after its end"),
};
SHAPE(after_shape, "after", after_entry, after_fields, "step", "relative to the end of a step");

static const struct field wait_fields[] = {
    F("until", FIELD_EXPR, wait_entry, until, FIELD_REQUIRED, NULL, "the condition"),
    F_RANGE("within", FIELD_DURATION, wait_entry, within_ns, FIELD_REQUIRED, NULL, LEAST_NS,
            LIMIT_MAX, "the run fails when it takes longer"),
};
static SHAPE(wait_shape, "wait", wait_entry, wait_fields, NULL, "the step ends when this holds");

static const struct field repeat_fields[] = {
    F_RANGE("times", FIELD_INT, repeat_entry, times, FIELD_REQUIRED, NULL, 1, PLAN_ACTIONS_MAX,
            "rounds; ${i} counts them from 0"),
    F_RANGE("every", FIELD_DURATION, repeat_entry, every_ns, 0, "1s", 0, LIMIT_MAX,
            "from one round to the next"),
};
static SHAPE(repeat_shape, "repeat", repeat_entry, repeat_fields, NULL, "does the same again");

static const struct field step_fields[] = {
    F("name", FIELD_STRING, step_entry, name, FIELD_NON_EMPTY, NULL,
      "what reports and other entries call it"),
    F("doc", FIELD_STRING, step_entry, doc, 0, NULL, "one line"),
    F("when", FIELD_EXPR, step_entry, when, 0, NULL,
      "only where this holds: matrix, profile, params"),
    F("at", FIELD_DURATION, step_entry, at_ns, 0, NULL, "this long after the start"),
    F_SHAPE("after", FIELD_OBJECT, step_entry, after, 0, &after_shape, "after another step"),
    F_SHAPE("wait", FIELD_OBJECT, step_entry, wait, FIELD_CHOICE, &wait_shape, "waits"),
    F_SHAPE("do", FIELD_NODE, step_entry, actions, FIELD_CHOICE | FIELD_LIST_OF | FIELD_OR_ONE,
            &action_shape, "an action, or a list of them"),
    F_SHAPE("repeat", FIELD_OBJECT, step_entry, repeat, 0, &repeat_shape, "does the same again"),
};
SHAPE(step_shape, "step", step_entry, step_fields, NULL,
      "one entry of the script; without at and after it follows the one before");

static const struct field dns_set_fields[] = {
    F("record", FIELD_STRING, dns_set_entry, record, FIELD_REQUIRED, NULL, "a record's name"),
    F("value", FIELD_STRINGS, dns_set_entry, value, FIELD_REQUIRED | FIELD_NON_EMPTY, NULL,
      "its sites from now on"),
    F("ttl", FIELD_DURATION, dns_set_entry, ttl_ns, 0, NULL, "its TTL from now on"),
};
SHAPE(dns_set_shape, "dns.set", dns_set_entry, dns_set_fields, NULL, "changes a record");

static const struct field pause_fields[] = {
    F("target", FIELD_TARGET, pause_entry, target, FIELD_REQUIRED, NULL, "managers or agents"),
    F_RANGE("for", FIELD_DURATION, pause_entry, for_ns, FIELD_REQUIRED, NULL, LEAST_NS, LIMIT_MAX,
            "how long"),
};
static SHAPE(pause_shape, "process.pause", pause_entry, pause_fields, NULL,
             "processes stand still, their connections stay");

static const struct field ca_write_fields[] = {
    F("target", FIELD_TARGET, ca_write_entry, target, FIELD_REQUIRED, NULL, "a site"),
    F_ENUM("as", ca_write_entry, as, FIELD_REQUIRED, NULL, CA_SPELLINGS,
           "other line ends, an empty line, no last line end, with a second one, in another order; "
           "or another authority"),
};
static SHAPE(ca_write_shape, "ca.write", ca_write_entry, ca_write_fields, NULL,
             "the manager's CA is written differently into its setting");

static const struct field rotate_fields[] = {
    F("target", FIELD_TARGET, rotate_entry, target, FIELD_REQUIRED, NULL, "a site"),
    F_ENUM("replicas", rotate_entry, how, 0, "rolling", "rolling|at-once",
           "restarted one after the other, 15 s apart, or together"),
};
static SHAPE(rotate_shape, "certificate.rotate", rotate_entry, rotate_fields, "target",
             "a new CA and certificate are given to the manager, and its replicas restarted");

static const struct field issue_fields[] = {
    F("target", FIELD_TARGET, issue_entry, target, FIELD_REQUIRED, NULL, "clusters"),
    F_RANGE("valid", FIELD_DURATION, issue_entry, valid_ns, FIELD_REQUIRED, NULL, LEAST_NS,
            LIMIT_MAX, "how long it holds"),
};
static SHAPE(issue_shape, "certificate.issue", issue_entry, issue_fields, NULL,
             "the APIs of clusters start anew with a certificate that holds for so long");

static const struct field create_fields[] = {
    F("group", FIELD_STRING, create_entry, group, FIELD_REQUIRED, NULL, "a group of the topology"),
    F_RANGE("count", FIELD_INT, create_entry, count, 0, "1", 1, PLAN_CLUSTERS_MAX, "how many more"),
};
static SHAPE(create_shape, "cluster.create", create_entry, create_fields, "group",
             "further clusters of a group are made and registered");

static const struct field scale_fields[] = {
    F("target", FIELD_TARGET, scale_entry, target, FIELD_REQUIRED, NULL, "clusters"),
    F_RANGE("nodes", FIELD_INT, scale_entry, nodes, FIELD_REQUIRED, NULL, 1, NODES_MAX,
            "nodes of each from now on"),
};
static SHAPE(scale_shape, "cluster.scale", scale_entry, scale_fields, NULL, "nodes come or go");

static const struct field apply_fields[] = {
    F("to", FIELD_TARGET, apply_entry, to, FIELD_REQUIRED, NULL, "api/SITE or api/GROUP[i]"),
    F("object", FIELD_NODE, apply_entry, object, FIELD_REQUIRED, NULL, "the Kubernetes object"),
};
static SHAPE(apply_shape, "apply", apply_entry, apply_fields, NULL,
             "makes a Kubernetes object, or brings it into this form");

static const struct field delete_fields[] = {
    F("from", FIELD_TARGET, delete_entry, from, FIELD_REQUIRED, NULL, "api/SITE or api/GROUP[i]"),
    F("api_version", FIELD_STRING, delete_entry, api_version, 0, "v1", "group and version"),
    F("kind", FIELD_STRING, delete_entry, kind, FIELD_REQUIRED, NULL, "the object's kind"),
    F("namespace", FIELD_STRING, delete_entry, namespace, 0, NULL, "left out: not namespaced"),
    F("name", FIELD_STRING, delete_entry, name, FIELD_REQUIRED, NULL, "the object's name"),
};
static SHAPE(delete_shape, "delete", delete_entry, delete_fields, NULL,
             "deletes a Kubernetes object");

static const struct field action_fields[] = {
    F("fault", FIELD_FAULT, action_entry, fault, FIELD_CHOICE, NULL, "injects a fault"),
    F("heal", FIELD_TARGET, action_entry, heal, FIELD_CHOICE, NULL,
      "ends the faults of a target; all: of everything"),
    F_SHAPE("dns.set", FIELD_OBJECT, action_entry, dns_set, FIELD_CHOICE, &dns_set_shape,
            "changes a record"),
    F("manager.promote", FIELD_TARGET, action_entry, promote, FIELD_CHOICE, NULL,
      "the site restores its copy and leads"),
    F("manager.demote", FIELD_TARGET, action_entry, demote, FIELD_CHOICE, NULL,
      "the site stops leading; its writers are fenced"),
    F("manager.restart", FIELD_TARGET, action_entry, restart, FIELD_CHOICE, NULL,
      "replicas restart one after the other, 15 s apart"),
    F("process.kill", FIELD_TARGET, action_entry, kill, FIELD_CHOICE, NULL,
      "processes end at once; their supervisor starts them again"),
    F("process.restart", FIELD_TARGET, action_entry, process_restart, FIELD_CHOICE, NULL,
      "processes end in order and start again"),
    F_SHAPE("process.pause", FIELD_OBJECT, action_entry, pause, FIELD_CHOICE, &pause_shape,
            "processes stand still"),
    F_SHAPE("cluster.create", FIELD_OBJECT, action_entry, create, FIELD_CHOICE, &create_shape,
            "further clusters"),
    F("cluster.remove", FIELD_TARGET, action_entry, remove, FIELD_CHOICE, NULL,
      "clusters are deleted in the manager"),
    F_SHAPE("cluster.scale", FIELD_OBJECT, action_entry, scale, FIELD_CHOICE, &scale_shape,
            "nodes come or go"),
    F_SHAPE("ca.write", FIELD_OBJECT, action_entry, ca_write, FIELD_CHOICE, &ca_write_shape,
            "the CA's setting is written differently"),
    F_SHAPE("certificate.rotate", FIELD_OBJECT, action_entry, rotate, FIELD_CHOICE, &rotate_shape,
            "a new CA and certificate"),
    F_SHAPE("certificate.issue", FIELD_OBJECT, action_entry, issue, FIELD_CHOICE, &issue_shape,
            "another certificate for clusters' APIs"),
    F_SHAPE("apply", FIELD_OBJECT, action_entry, apply, FIELD_CHOICE, &apply_shape,
            "makes a Kubernetes object"),
    F_SHAPE("delete", FIELD_OBJECT, action_entry, remove_object, FIELD_CHOICE, &delete_shape,
            "deletes a Kubernetes object"),
    F("target", FIELD_TARGET, action_entry, target, 0, NULL, "of a fault: what it is aimed at"),
    F_RANGE("for", FIELD_DURATION, action_entry, for_ns, 0, NULL, 0, LIMIT_MAX,
            "of a fault: how long; left out: until healed"),
    F("optional", FIELD_BOOL, action_entry, optional, 0, "false",
      "of a fault: that it never fires is fine"),
};
SHAPE(action_shape, "action", action_entry, action_fields, NULL, "something that is done");

#define T(kind) (1u << TARGET_##kind)
const struct action_row action_table[ACTION_KIND_COUNT] = {
    [ACTION_FAULT] = {"fault", ACTION_FAULT, 0},
    [ACTION_HEAL] = {"heal", ACTION_HEAL, ~0u},
    [ACTION_DNS_SET] = {"dns.set", ACTION_DNS_SET, 0},
    [ACTION_MANAGER_PROMOTE] = {"manager.promote", ACTION_MANAGER_PROMOTE, T(SITE)},
    [ACTION_MANAGER_DEMOTE] = {"manager.demote", ACTION_MANAGER_DEMOTE, T(SITE)},
    [ACTION_MANAGER_RESTART] = {"manager.restart", ACTION_MANAGER_RESTART,
                                T(SITE) | T(MANAGER) | T(ALL)},
    [ACTION_PROCESS_KILL] = {"process.kill", ACTION_PROCESS_KILL, T(MANAGER) | T(AGENT)},
    [ACTION_PROCESS_RESTART] = {"process.restart", ACTION_PROCESS_RESTART, T(MANAGER) | T(AGENT)},
    [ACTION_PROCESS_PAUSE] = {"process.pause", ACTION_PROCESS_PAUSE, T(MANAGER) | T(AGENT)},
    [ACTION_CLUSTER_CREATE] = {"cluster.create", ACTION_CLUSTER_CREATE, 0},
    [ACTION_CLUSTER_REMOVE] = {"cluster.remove", ACTION_CLUSTER_REMOVE, T(CLUSTER)},
    [ACTION_CLUSTER_SCALE] = {"cluster.scale", ACTION_CLUSTER_SCALE, T(CLUSTER)},
    [ACTION_CA_WRITE] = {"ca.write", ACTION_CA_WRITE, T(SITE)},
    [ACTION_CERTIFICATE_ROTATE] = {"certificate.rotate", ACTION_CERTIFICATE_ROTATE, T(SITE)},
    [ACTION_CERTIFICATE_ISSUE] = {"certificate.issue", ACTION_CERTIFICATE_ISSUE, T(CLUSTER)},
    [ACTION_APPLY] = {"apply", ACTION_APPLY, T(API)},
    [ACTION_DELETE] = {"delete", ACTION_DELETE, T(API)},
};

bool action_injects(enum action_kind kind)
{
    return kind == ACTION_FAULT || kind == ACTION_PROCESS_KILL || kind == ACTION_PROCESS_PAUSE;
}

const char *action_name(enum action_kind kind)
{
    BUG_ON((unsigned)kind >= ACTION_KIND_COUNT, "an action has a name");
    return action_table[kind].name;
}

static const struct field fault_fields[] = {
    F("name", FIELD_STRING, fault_entry, name, FIELD_NON_EMPTY, NULL, "what reports call it"),
    F("when", FIELD_EXPR, fault_entry, when, 0, NULL,
      "only where this holds: matrix, profile, params"),
    F("at", FIELD_DURATION, fault_entry, at_ns, 0, NULL, "this long after the start"),
    F_SHAPE("after", FIELD_OBJECT, fault_entry, after, 0, &after_shape, "after a step"),
    F_RANGE("for", FIELD_DURATION, fault_entry, for_ns, 0, NULL, 0, LIMIT_MAX,
            "how long; left out: to the end"),
    F("target", FIELD_TARGET, fault_entry, target, FIELD_REQUIRED, NULL, "what it is aimed at"),
    F("fault", FIELD_FAULT, fault_entry, fault, FIELD_REQUIRED, NULL, "what goes wrong"),
    F("optional", FIELD_BOOL, fault_entry, optional, 0, "false", "that it never fires is fine"),
};
SHAPE(fault_shape, "timeline-fault", fault_entry, fault_fields, NULL, "a fault of the timeline");

static const struct field palette_fields[] = {
    F("name", FIELD_STRING, palette_entry, name, FIELD_NON_EMPTY, NULL,
      "what reports call it; left out: the fault's family and kind"),
    F("when", FIELD_EXPR, palette_entry, when, 0, NULL,
      "only where this holds: matrix, profile, params"),
    F_RANGE("weight", FIELD_INT, palette_entry, weight, 0, "1", 1, CHAOS_WEIGHT_MAX,
            "how often it is drawn, beside the others"),
    F("for", FIELD_SPAN, palette_entry, span, 0, NULL,
      "how long, drawn from a range; only what ends as it begins may go without"),
    F("target", FIELD_TARGET, palette_entry, target, FIELD_CHOICE, NULL, "what it is aimed at"),
    F("one_of", FIELD_TARGET, palette_entry, one_of, FIELD_CHOICE, NULL,
      "as target, but of several things one is drawn each time"),
    F("fault", FIELD_FAULT, palette_entry, fault, FIELD_REQUIRED, NULL, "what goes wrong"),
    F("never_with", FIELD_STRINGS, palette_entry, never_with, 0, NULL,
      "never under way together with these: a family (dns), a kind (dns servfail), a name"),
};
SHAPE(palette_shape, "palette", palette_entry, palette_fields, NULL, "a fault that chaos may draw");

static const struct field chaos_budget_fields[] = {
    F_RANGE("at_once", FIELD_INT, chaos_budget_entry, at_once, 0, "3", 1, CHAOS_FAULTS_MAX,
            "most faults under way together"),
    F_RANGE("in_all", FIELD_INT, chaos_budget_entry, in_all, 0, "1000", 1, CHAOS_FAULTS_MAX,
            "most faults of a run"),
    F("duty", FIELD_SHARE, chaos_budget_entry, duty_ppm, 0, "1",
      "the part of the window in which at least one may be under way"),
};
static SHAPE(chaos_budget_shape, "chaos-budget", chaos_budget_entry, chaos_budget_fields, NULL,
             "what a schedule may not exceed; a fault that would is left out");

static const struct field chaos_fields[] = {
    F("from", FIELD_MOMENT, chaos_entry, from, FIELD_REQUIRED, NULL,
      "the first may come here: a time, or a step that does not hang on a wait"),
    F("until", FIELD_MOMENT, chaos_entry, until, 0, NULL,
      "all are over here; left out: when it becomes quiet, or the end of the run"),
    F_RANGE("every", FIELD_DURATION, chaos_entry, every_ns, FIELD_CHOICE, NULL, NS_PER_MS,
            LIMIT_MAX, "the mean time from one fault to the next"),
    F_RANGE("count", FIELD_INT, chaos_entry, count, FIELD_CHOICE, NULL, 1, CHAOS_FAULTS_MAX,
            "how many, at times drawn evenly from the window"),
    F_SHAPE("budget", FIELD_OBJECT, chaos_entry, budget, 0, &chaos_budget_shape,
            "what a schedule may not exceed"),
    F_ENUM("overlap", chaos_entry, overlap, 0, "any", "any|other-targets",
           "other-targets: nothing is met by two faults at a time"),
    F_SHAPE("palette", FIELD_OBJECTS, chaos_entry, palette, FIELD_REQUIRED | FIELD_NON_EMPTY,
            &palette_shape, "what may be drawn"),
};
SHAPE(chaos_shape, "chaos", chaos_entry, chaos_fields, NULL,
      "a schedule of faults that each seed draws for itself");

/* ---- what must hold ---- */

static const struct field within_fields[] = {
    F("time", FIELD_EXPR, within_entry, time, FIELD_REQUIRED, NULL,
      "a duration, also computed: \"${ttl} + 45s\""),
    F("after", FIELD_MOMENT, within_entry, after, FIELD_REQUIRED, NULL, "a step, a time, or quiet"),
};
static SHAPE(within_shape, "within", within_entry, within_fields, NULL, "a span after a moment");

static const struct field assert_fields[] = {
    F("name", FIELD_STRING, assert_entry, name, FIELD_REQUIRED | FIELD_NON_EMPTY, NULL,
      "what must hold, in words"),
    F("doc", FIELD_STRING, assert_entry, doc, 0, NULL, "more words"),
    F("when", FIELD_EXPR, assert_entry, when, 0, NULL,
      "only where this holds: matrix, profile, params"),
    F("profile", FIELD_STRINGS, assert_entry, profile, 0, NULL, "only under these profiles"),
    F("always", FIELD_EXPR, assert_entry, always, FIELD_CHOICE, NULL, "holds all the time"),
    F("never", FIELD_EXPR, assert_entry, never, FIELD_CHOICE, NULL, "holds at no time"),
    F("eventually", FIELD_EXPR, assert_entry, eventually, FIELD_CHOICE, NULL,
      "holds at some time, at the latest `by`"),
    F("sometimes", FIELD_EXPR, assert_entry, sometimes, FIELD_CHOICE, NULL,
      "holds at least once in at least one run"),
    F_SHAPE("within", FIELD_OBJECT, assert_entry, within, FIELD_CHOICE, &within_shape,
            "`that` comes to hold in this span, and holds at its end"),
    F("at", FIELD_MOMENT, assert_entry, at, FIELD_CHOICE, NULL, "`that` holds at this moment"),
    F("that", FIELD_EXPR, assert_entry, that, 0, NULL, "the condition of within and at"),
    F("from", FIELD_MOMENT, assert_entry, from, 0, NULL, "watched from here: a time or a step"),
    F("until", FIELD_MOMENT, assert_entry, until, 0, NULL, "watched up to here"),
    F("by", FIELD_MOMENT, assert_entry, by, 0, NULL, "the deadline of eventually"),
    F("lasting", FIELD_DURATION, assert_entry, lasting_ns, 0, NULL,
      "always, never: a breach counts once it has lasted this long"),
    F("ignore", FIELD_STRINGS, assert_entry, ignore, 0, NULL,
      "of compared states: members, ends of paths (status.phase), resources (pods), or both "
      "(pods/status.phase)"),
};
SHAPE(assert_shape, "assertion", assert_entry, assert_fields, NULL, "what must hold");

static const struct field measure_fields[] = {
    F("gauge", FIELD_EXPR, measure_entry, gauge, FIELD_CHOICE, NULL, "a number over time"),
    F("hist", FIELD_EXPR, measure_entry, hist, FIELD_CHOICE, NULL,
      "a number of each item of a collection"),
    F("when", FIELD_EXPR, measure_entry, when, 0, NULL,
      "only where this holds: matrix, profile, params"),
    F("at", FIELD_MOMENT, measure_entry, at, 0, NULL, "taken at this moment only"),
    F_RANGE("every", FIELD_DURATION, measure_entry, every_ns, 0, "1s", LEAST_NS, LIMIT_MAX,
            "a gauge's sampling"),
    F("unit", FIELD_STRING, measure_entry, unit, 0, NULL, "for reports: s, B, ..."),
    F("doc", FIELD_STRING, measure_entry, doc, 0, NULL, "one line"),
    F("show", FIELD_STRINGS, measure_entry, show, 0, NULL, "p50, p90, p99, max, ..."),
};
SHAPE(measure_shape, "measure", measure_entry, measure_fields, NULL, "what reports show");

static const struct field report_fields[] = {
    F("junit", FIELD_BOOL, plan_report, junit, 0, "true", "junit.xml"),
    F("html", FIELD_BOOL, plan_report, html, 0, "true", "report.html"),
    F("sarif", FIELD_BOOL, plan_report, sarif, 0, "false", "report.sarif"),
    F("csv", FIELD_BOOL, plan_report, csv, 0, "false", "measures.csv"),
    F_ENUM("trace", plan_report, trace, 0, "on-failure", "never|on-failure|always", "trace.bin"),
};
SHAPE(report_shape, "report", plan_report, report_fields, NULL, "what is written");

static const struct field budget_fields[] = {
    F("wall", FIELD_DURATION, plan_budget, wall_ns, 0, NULL, "real time of one run"),
    F("memory", FIELD_SIZE, plan_budget, memory_bytes, 0, NULL, "memory of one run"),
    F_RANGE("events", FIELD_INT, plan_budget, events, 0, NULL, 0, EVENTS_MAX, "events of one run"),
};
SHAPE(budget_shape, "budget", plan_budget, budget_fields, NULL,
      "beyond it the run ends as an error");

static const struct field quiet_fields[] = {
    F("from", FIELD_MOMENT, quiet_entry, from, FIELD_REQUIRED, NULL,
      "from here everything is healed and nothing injected"),
};
SHAPE(quiet_shape, "quiet", quiet_entry, quiet_fields, NULL, "divides safety from liveness");

/* ---- the file ---- */

static const struct field seeds_fields[] = {
    F_RANGE("first", FIELD_INT, seeds_entry, first, 0, "1", 0, SEED_MAX, "the first seed"),
    F_RANGE("count", FIELD_INT, seeds_entry, count, 0, "1", 1, SEEDS_MAX, "how many"),
    F("swarm", FIELD_BOOL, seeds_entry, swarm, 0, "false",
      "each seed draws its own subset of `faults` and of the palette of `chaos`"),
};
static SHAPE(seeds_shape, "seeds", seeds_entry, seeds_fields, NULL, "one run each");

static const struct field on_failure_fields[] = {
    F("shrink", FIELD_BOOL, on_failure_entry, shrink, 0, "false",
      "with --out: reduces the first run of each failure to a file of its own"),
    F("keep", FIELD_STRING, on_failure_entry, keep, FIELD_NON_EMPTY, NULL,
      "the folder for it, from where the program was started; left out: that of --out"),
    F_RANGE("budget", FIELD_DURATION, on_failure_entry, budget_ns, 0, "2m", NS_PER_S, LIMIT_MAX,
            "real time for one failure"),
};
static SHAPE(on_failure_shape, "on_failure", on_failure_entry, on_failure_fields, NULL,
             "what is done with a run that failed");

static const struct field param_fields[] = {
    F_ENUM("type", param_entry, type, FIELD_REQUIRED, NULL,
           "int|duration|bool|string|enum|percent|size", "the type of its values"),
    F("default", FIELD_NODE, param_entry, otherwise, FIELD_REQUIRED, NULL,
      "the value without --set"),
    F("min", FIELD_NODE, param_entry, min, 0, NULL, "the least value"),
    F("max", FIELD_NODE, param_entry, max, 0, NULL, "the greatest value"),
    F("values", FIELD_STRINGS, param_entry, values, FIELD_NON_EMPTY, NULL, "of an enum"),
    F("doc", FIELD_STRING, param_entry, doc, 0, NULL, "one line"),
};
SHAPE(param_shape, "param", param_entry, param_fields, NULL, "a parameter: ${NAME}");

static const struct field input_fields[] = {
    F_ENUM("type", param_entry, type, FIELD_REQUIRED, NULL,
           "int|duration|bool|string|enum|percent|size", "the type of its values"),
    F("default", FIELD_NODE, param_entry, otherwise, 0, NULL,
      "the value when `with` has none; left out: `with` must have one"),
    F("min", FIELD_NODE, param_entry, min, 0, NULL, "the least value"),
    F("max", FIELD_NODE, param_entry, max, 0, NULL, "the greatest value"),
    F("values", FIELD_STRINGS, param_entry, values, FIELD_NON_EMPTY, NULL, "of an enum"),
    F("doc", FIELD_STRING, param_entry, doc, 0, NULL, "one line"),
};
SHAPE(input_shape, "input", param_entry, input_fields, NULL, "an input of a template: ${NAME}");

static const struct field use_fields[] = {
    F("template", FIELD_STRING, use_entry, path, FIELD_REQUIRED | FIELD_NON_EMPTY, NULL,
      "its file, seen from this one's folder: ../templates/estate.yaml"),
    F("with", FIELD_NODE, use_entry, with, 0, NULL, "values of its inputs: {NAME: VALUE}"),
};
SHAPE(use_shape, "use", use_entry, use_fields, "template", "a template and its inputs");

static const struct field template_fields[] = {
    F_ENUM("template", template_entry, version, FIELD_REQUIRED, NULL, "v1",
           "the language's version"),
    F("name", FIELD_STRING, template_entry, name, FIELD_NON_EMPTY, NULL, "what people call it"),
    F("doc", FIELD_STRING, template_entry, doc, 0, NULL, "one line"),
    F_SHAPE("inputs", FIELD_NODE, template_entry, inputs, FIELD_MAP_OF, &input_shape,
            "typed values, ${NAME}; nothing else of the scenario is seen"),
    F_SHAPE("use", FIELD_NODE, template_entry, use, FIELD_LIST_OF, &use_shape,
            "templates that it builds upon"),
    F("policies", FIELD_NODE, template_entry, policies, 0, NULL,
      "single policies beside the profile"),
    F_SHAPE("topology", FIELD_NODE, template_entry, topology, 0, &topology_shape,
            "what exists at the start"),
    F_SHAPE("steps", FIELD_NODE, template_entry, steps, FIELD_LIST_OF, &step_shape,
            "the script; before the scenario's own steps"),
    F_SHAPE("faults", FIELD_NODE, template_entry, faults, FIELD_LIST_OF, &fault_shape,
            "the timeline"),
    F_SHAPE("assert", FIELD_NODE, template_entry, asserts, FIELD_LIST_OF, &assert_shape,
            "what must hold"),
    F_SHAPE("measure", FIELD_NODE, template_entry, measures, FIELD_MAP_OF, &measure_shape,
            "what reports show"),
};
SHAPE(template_shape, "template", template_entry, template_fields, NULL,
      "part of a scenario, with inputs");

static const struct field file_fields[] = {
    F_ENUM("scenario", file_entry, version, FIELD_REQUIRED, NULL, "v1", "the language's version"),
    F("name", FIELD_STRING, file_entry, name, FIELD_REQUIRED | FIELD_NON_EMPTY, NULL,
      "what reports call it"),
    F("doc", FIELD_STRING, file_entry, doc, 0, NULL, "one line"),
    F("tags", FIELD_STRINGS, file_entry, tags, 0, NULL, "for choosing"),
    F_SHAPE("seeds", FIELD_OBJECT, file_entry, seeds, 0, &seeds_shape, "one run each"),
    F("profile", FIELD_STRINGS, file_entry, profile, FIELD_NON_EMPTY, NULL,
      "compat, hardened, or both; left out: hardened"),
    F("policies", FIELD_NODE, file_entry, policies, 0, NULL, "single policies beside the profile"),
    F_SHAPE("params", FIELD_NODE, file_entry, params, FIELD_MAP_OF, &param_shape,
            "typed values, ${NAME}"),
    F_SHAPE("use", FIELD_NODE, file_entry, use, FIELD_LIST_OF, &use_shape,
            "templates whose sections become part of this file"),
    F("matrix", FIELD_NODE, file_entry, matrix, 0, NULL, "axes of variants, ${matrix.AXIS.FIELD}"),
    F_SHAPE("clock", FIELD_NODE, file_entry, clock, 0, &clock_shape, "virtual time"),
    F_SHAPE("topology", FIELD_NODE, file_entry, topology, FIELD_REQUIRED, &topology_shape,
            "what exists at the start"),
    F_SHAPE("traffic", FIELD_NODE, file_entry, traffic, FIELD_MAP_OF, &traffic_shape,
            "what users of the manager do, through its tunnels"),
    F_SHAPE("steps", FIELD_NODE, file_entry, steps, FIELD_LIST_OF, &step_shape, "the script"),
    F_SHAPE("faults", FIELD_NODE, file_entry, faults, FIELD_LIST_OF, &fault_shape, "the timeline"),
    F_SHAPE("chaos", FIELD_NODE, file_entry, chaos, 0, &chaos_shape,
            "a schedule of faults that each seed draws for itself"),
    F_SHAPE("quiet", FIELD_NODE, file_entry, quiet, 0, &quiet_shape,
            "divides safety from liveness"),
    F_SHAPE("assert", FIELD_NODE, file_entry, asserts, FIELD_LIST_OF, &assert_shape,
            "what must hold"),
    F_SHAPE("measure", FIELD_NODE, file_entry, measures, FIELD_MAP_OF, &measure_shape,
            "what reports show"),
    F_SHAPE("report", FIELD_NODE, file_entry, report, 0, &report_shape, "what is written"),
    F_SHAPE("budget", FIELD_NODE, file_entry, budget, 0, &budget_shape,
            "beyond it the run ends as an error"),
    F_SHAPE("on_failure", FIELD_OBJECT, file_entry, on_failure, 0, &on_failure_shape,
            "what is done with a run that failed"),
};
SHAPE(file_shape, "scenario", file_entry, file_fields, NULL, "a scenario of Paddock");
