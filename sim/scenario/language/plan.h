/* plan: one run of a scenario, fully resolved: no ${...}, no units, no defaults left open. The runner builds its world
 * from this and nothing else.
 *
 * Times: `_ns` counts from the start of the run; `_unix_ns` is an instant. Shares are millionths. Names of sites and
 * cluster groups have been looked up: indexes lead into this plan's arrays.
 *
 * Ownership: everything lives in the arena given to scenario_plan and may borrow from the scenario's. */
#ifndef PADDOCK_SIM_SCENARIO_LANGUAGE_PLAN_H
#define PADDOCK_SIM_SCENARIO_LANGUAGE_PLAN_H

#include "engine/world/policy.h"
#include "sim/scenario/expr/expr.h"
#include "sim/scenario/language/fault.h"

#define PLAN_CLUSTERS_MAX 100000 /* over all groups */
#define PLAN_ACTIONS_MAX  10000  /* over all steps and their repeats */
#define CHAOS_FAULTS_MAX  10000  /* that a run may draw */

/* A moment: an offset from the start, or from the end of a step. */
struct moment {
    int64_t at_ns;    /* resolved; -1: known only in the run (it hangs on a wait) or not given */
    int32_t step;     /* -1: none */
    int64_t delay_ns; /* after the step's end */
    bool quiet;       /* the step is the word `quiet` */
    bool given;
    struct str step_name;
    struct place place;
};

struct plan_clock {
    struct origin origin;
    int64_t start_unix_ns;
    int64_t limit_ns;      /* the run ends here at the latest */
    int64_t wall_limit_ns; /* 0: none */
};
struct plan_manager {
    struct origin origin;
    int64_t replicas;
    bool standby; /* restores the active site's copy when promoted; serves nothing before */
    int64_t copy_every_ns; /* how often a standby takes a copy of the active site's store */
};
struct plan_site {
    struct origin origin; /* .name: "a" */
    struct plan_manager manager;
};
struct plan_backoff {
    struct origin origin;
    int64_t first_ns, max_ns; /* 0: as the policies say */
};
struct plan_agent {
    struct origin origin;
    int64_t replicas;
    struct plan_backoff backoff;
};
struct plan_group {
    struct origin origin; /* .name: "edge"; its clusters are edge-0 .. edge-(count-1) */
    int64_t count;
    int64_t nodes; /* of each */
    struct plan_agent agent;
    const struct yaml_node *stages_node; /* NULL: the usual ones */
    struct str stages, node_stages;      /* what clusters take; empty: the usual ones */
};
struct plan_record {
    struct origin origin; /* .name: "manager": manager.<zone> */
    int64_t type;         /* 0: A */
    int64_t ttl_ns;
    struct strs value; /* as written: "site/a" */
    int32_t *sites;    /* indexes, one per value */
};
struct plan_resolver {
    struct origin origin; /* .name: "sticky" */
    bool cache, obey_ttl;
    int64_t negative_ttl_ns;
    int64_t hold_ns;                /* how long an answer is kept when the TTL is not obeyed */
    int64_t min_ttl_ns, max_ttl_ns; /* clamps; 0: none */
    int64_t share_ppm; /* of the clusters, by hash; the one without a share has the rest */
};
struct plan_dns {
    struct origin origin;
    struct str zone;
    struct objects records;   /* struct plan_record */
    struct objects resolvers; /* struct plan_resolver; at least one */
};
struct plan_latency {
    struct origin origin;
    int64_t p50_ns, p99_ns;
};
struct plan_link {
    struct origin origin;
    struct strs between;
    struct target_end ends[2];
    struct plan_latency latency;
    int64_t loss_ppm;
    int64_t bytes_per_s; /* 0: not limited */
};
struct plan_topology {
    struct origin origin;
    struct objects sites;  /* struct plan_site */
    struct objects groups; /* struct plan_group */
    struct plan_dns dns;
    struct objects links; /* struct plan_link; later ones win */
};

/* ---- what happens ---- */

enum action_kind {
    ACTION_FAULT,           /* fault, target, for_ns, optional */
    ACTION_HEAL,            /* target; kind TARGET_NONE: everything */
    ACTION_DNS_SET,         /* dns */
    ACTION_MANAGER_PROMOTE, /* target: a site */
    ACTION_MANAGER_DEMOTE,
    ACTION_MANAGER_RESTART, /* target: managers */
    ACTION_PROCESS_KILL, /* target: managers or agents; they start again as their supervisor has it */
    ACTION_PROCESS_RESTART,
    ACTION_PROCESS_PAUSE,      /* target, for_ns */
    ACTION_CLUSTER_CREATE,     /* group, count: further clusters, registered */
    ACTION_CLUSTER_REMOVE,     /* target: clusters: their objects are deleted in the manager */
    ACTION_CLUSTER_SCALE,      /* target: clusters; count: nodes of each */
    ACTION_CA_WRITE,           /* target: a site; spelling: an enum ca_spelling */
    ACTION_CERTIFICATE_ROTATE, /* target: a site; at_once */
    ACTION_CERTIFICATE_ISSUE,  /* target: clusters; for_ns: how long the certificate holds */
    ACTION_APPLY,              /* target: an API; object */
    ACTION_DELETE,             /* target: an API; object_kind, object_namespace, object_name */
    ACTION_KIND_COUNT
};
const char *action_name(enum action_kind kind); /* "dns.set" */
bool action_injects(enum action_kind kind); /* something goes wrong by it: not once it is quiet */

/* How the setting cacerts is written anew. */
#define CA_SPELLINGS "crlf|spaced|unended|bundled|reordered|other"
enum ca_spelling {
    CA_CRLF,
    CA_SPACED,  /* an empty line more at the end */
    CA_UNENDED, /* without its last line end */
    CA_BUNDLED, /* with a further authority behind it */
    CA_REORDERED,
    CA_OTHER /* of an authority that has issued nothing */
};

struct plan_action {
    enum action_kind kind;
    struct place place;
    struct target target;
    struct fault fault;
    int64_t for_ns; /* 0: until healed */
    bool optional;  /* a fault that never fires is fine */
    int32_t record; /* DNS_SET: index of the record */
    int32_t *sites; /* DNS_SET: the new value */
    size_t sites_n;
    int64_t ttl_ns; /* DNS_SET: -1: as before */
    int32_t group;  /* CLUSTER_CREATE */
    int64_t count;
    enum ca_spelling spelling;
    bool at_once;
    const struct yaml_node *object;
    struct str object_api_version, object_kind, object_namespace, object_name;
};

enum step_start { STEP_AFTER_PREVIOUS, STEP_AT, STEP_AFTER };
struct plan_step {
    struct str name; /* unique; steps without one are "step 3" */
    struct place place;
    enum step_start start;
    struct moment
        when; /* STEP_AT: at_ns; STEP_AFTER: step and delay; at_ns wherever it is known beforehand */
    struct expr *until;           /* a wait: the step ends when this holds ... */
    int64_t within_ns;            /* ... and the run fails when that takes longer */
    int64_t every_ns;             /* between rounds */
    size_t rounds;                /* 1 without `repeat` */
    struct plan_action **actions; /* [round][i] */
    size_t *actions_n;            /* [round] */
};
/* How many actions a round has; a wait has none. */
static inline size_t plan_actions_n(const struct plan_step *step, size_t round)
{
    return step->actions_n && round < step->rounds ? step->actions_n[round] : 0;
}

struct plan_fault {
    struct origin origin;
    struct str name; /* "dns servfail on dns/resolver/default", or its own */
    struct moment when;
    int64_t for_ns; /* 0: to the end of the run */
    struct target target;
    struct fault fault;
    bool optional;
    const struct plan_choice *drawn_from; /* of chaos; NULL: of the timeline */
};
/* What a seed may draw: an entry of the palette, or with swarm a fault of the timeline. */
struct plan_choice {
    struct str name;
    struct place place;
    bool of_palette;
    bool on; /* swarm: this seed has it */
};

/* What users of the manager do: requests and streams to applications behind the clusters, through a replica's tunnels. */
enum traffic_kind {
    TRAFFIC_REQUEST,  /* GET /version of the cluster's API, over kept connections */
    TRAFFIC_CONNECT,  /* a connection of its own for each question and answer of 64 bytes */
    TRAFFIC_PING,     /* streams that stay; 1 KiB there and back on each */
    TRAFFIC_DOWNLOAD, /* streams that stay; the cluster sends all the time */
    TRAFFIC_EXCHANGE, /* the same, and the user sends all the time as well */
};
struct plan_traffic {
    struct origin origin; /* .name: "users" */
    struct expr_source when;
    int64_t kind;
    struct target over; /* clusters */
    struct target via;  /* managers; kind TARGET_NONE: all */
    struct str to;      /* CONNECT: an address behind the agent; empty: the application's */
    int64_t every_ns;   /* REQUEST, CONNECT, PING: of each cluster */
    int64_t deadline_ns;
    int64_t streams;     /* PING, DOWNLOAD, EXCHANGE: of each cluster */
    int64_t bytes_per_s; /* DOWNLOAD, EXCHANGE: how fast the user reads; 0: as it comes */
    struct moment from, until;
};

/* ---- what must hold ---- */

enum assert_mode {
    ASSERT_ALWAYS, /* in [from, until] */
    ASSERT_NEVER,
    ASSERT_EVENTUALLY, /* at some time in [from, deadline] */
    ASSERT_WITHIN,    /* at some time in [after, after + time], and then at the end of it as well */
    ASSERT_SOMETIMES, /* at least once, in at least one of the runs */
    ASSERT_AT,        /* at one moment */
};
const char *assert_mode_name(enum assert_mode mode);
struct plan_assert {
    struct str name, doc;
    struct place place;
    enum assert_mode mode;
    struct expr *that;
    struct moment from, until; /* window; not given: the whole run */
    struct moment at;          /* AT; WITHIN: the start */
    int64_t time_ns;           /* WITHIN */
    int64_t lasting_ns;        /* ALWAYS, NEVER: how long a breach must last to count */
};

/* What a comparison of states is about, by the id that its expression was bound to. */
struct plan_state {
    struct target target; /* APIs, or everything */
    struct strs ignore;   /* see run/state.h */
};

enum measure_kind { MEASURE_GAUGE, MEASURE_HIST };
struct plan_measure {
    struct str name, unit, doc;
    struct place place;
    enum measure_kind kind;
    struct expr *value; /* HIST: may be per item (expr_over) */
    struct moment at;   /* GAUGE: at the end of a step or at a time; not given: sampled all along */
    int64_t every_ns;   /* GAUGE without `at` */
    struct strs show;   /* HIST: "p50", "p99", "max" */
};
enum report_trace { REPORT_TRACE_NEVER, REPORT_TRACE_ON_FAILURE, REPORT_TRACE_ALWAYS };
struct plan_report {
    struct origin origin;
    bool junit, html, sarif, csv;
    int64_t trace;
};
struct plan_budget {
    struct origin origin;
    int64_t wall_ns, memory_bytes; /* 0: not limited */
    int64_t events;
};

/* ---- the whole ---- */

struct plan {
    struct str scenario, file;
    struct str case_id; /* "lie=drop,crash=none"; empty without a matrix */
    struct str profile; /* "compat" or "hardened" */
    struct policies policies;
    struct str policies_set; /* "dns.cache=ttl,...": what differs from the profile, for reports */
    struct str params_set;   /* "clusters=3,...": what differs from the defaults */
    uint64_t seed;
    bool swarm; /* this seed has drawn its own subset of the choices */
    struct plan_clock clock;
    struct plan_topology topology;
    struct plan_step *steps;
    size_t steps_n;
    struct plan_fault *faults;
    size_t faults_n; /* timeline first, then what chaos has drawn, by time */
    struct plan_choice **choices;
    size_t choices_n;
    struct plan_traffic *traffic;
    size_t traffic_n;
    struct plan_assert *asserts;
    size_t asserts_n;
    struct plan_measure *measures;
    size_t measures_n;
    struct plan_state *states; /* compared with those of the faultless run */
    size_t states_n, states_cap;
    struct moment quiet; /* from here nothing is injected; not given: no such phase */
    struct plan_report report;
    struct plan_budget budget;
    struct expr_scope
        scope; /* what the expressions were compiled with: steps in plan order, domains of this topology */
};

#define PLAN_SITE(plan, i)     OBJECTS_AT((plan)->topology.sites, struct plan_site, i)
#define PLAN_GROUP(plan, i)    OBJECTS_AT((plan)->topology.groups, struct plan_group, i)
#define PLAN_RECORD(plan, i)   OBJECTS_AT((plan)->topology.dns.records, struct plan_record, i)
#define PLAN_RESOLVER(plan, i) OBJECTS_AT((plan)->topology.dns.resolvers, struct plan_resolver, i)
#define PLAN_LINK(plan, i)     OBJECTS_AT((plan)->topology.links, struct plan_link, i)

#endif
