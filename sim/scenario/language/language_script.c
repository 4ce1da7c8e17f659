/* The tables of what happens: time, steps, actions, the timeline, chaos. */
#include "sim/scenario/language/language_tables.h"

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
    F("step", FIELD_STRING, after_entry, step, FIELD_REQUIRED | FIELD_NON_EMPTY, NULL,
      "an earlier step's name"),
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
             "clusters' APIs, or a site's replicas in turn, get a certificate that holds so long");

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
      "a rollout: replicas are asked to end, 15 s apart and when the one before serves again"),
    F("process.kill", FIELD_TARGET, action_entry, kill, FIELD_CHOICE, NULL,
      "processes end at once; their supervisor starts them again"),
    F("process.restart", FIELD_TARGET, action_entry, process_restart, FIELD_CHOICE, NULL,
      "processes are asked to end, all at once; killed after 30 s; they start again"),
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
    [ACTION_CERTIFICATE_ISSUE] = {"certificate.issue", ACTION_CERTIFICATE_ISSUE,
                                  T(CLUSTER) | T(SITE)},
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
