/* language: the entries of a scenario file as they are written, before a plan is made of them, and their tables. */
#ifndef PADDOCK_SIM_SCENARIO_LANGUAGE_LANGUAGE_H
#define PADDOCK_SIM_SCENARIO_LANGUAGE_LANGUAGE_H

#include "sim/scenario/language/plan.h"

/* The file: what does not depend on a case is decoded, the rest kept until a plan is made. */
struct file_entry {
    struct origin origin;
    int64_t version;
    struct str name, doc;
    struct strs tags, profile;
    struct seeds_entry {
        struct origin origin;
        int64_t first, count;
        bool swarm;
    } seeds;
    struct on_failure_entry {
        struct origin origin;
        bool shrink;
        struct str keep;
        int64_t budget_ns;
    } on_failure;
    const struct yaml_node *params, *matrix, *policies;
    const struct yaml_node *use;
    const struct yaml_node *clock, *topology, *traffic, *steps, *faults, *chaos, *quiet, *asserts,
        *measures, *report, *budget;
};
struct param_entry {
    struct origin origin;
    int64_t type;
    const struct yaml_node *otherwise, *min, *max;
    struct strs values;
    struct str doc;
};
/* A template's file. */
struct template_entry {
    struct origin origin;
    int64_t version;
    struct str name, doc;
    const struct yaml_node *inputs, *use;
    const struct yaml_node *policies, *topology, *steps, *faults, *asserts, *measures;
};
struct use_entry {
    struct origin origin;
    struct str path;
    const struct yaml_node *with;
};
struct after_entry {
    struct origin origin;
    struct str step;
    int64_t delay_ns;
};
struct step_entry {
    struct origin origin;
    struct str name, doc;
    struct expr_source when;
    int64_t at_ns;
    struct after_entry after;
    struct wait_entry {
        struct origin origin;
        struct expr_source until;
        int64_t within_ns;
    } wait;
    struct repeat_entry {
        struct origin origin;
        int64_t times, every_ns;
    } repeat;
    const struct yaml_node *actions; /* `do`: an action or a list of them */
};
struct action_entry {
    struct origin origin;
    struct fault fault;
    struct target target; /* of the fault, or the action's own value */
    int64_t for_ns;
    bool optional;
    struct dns_set_entry {
        struct origin origin;
        struct str record;
        struct strs value;
        int64_t ttl_ns;
    } dns_set;
    struct target heal, promote, demote, restart, kill, process_restart, remove;
    struct pause_entry {
        struct origin origin;
        struct target target;
        int64_t for_ns;
    } pause;
    struct create_entry {
        struct origin origin;
        struct str group;
        int64_t count;
    } create;
    struct scale_entry {
        struct origin origin;
        struct target target;
        int64_t nodes;
    } scale;
    struct ca_write_entry {
        struct origin origin;
        struct target target;
        int64_t as;
    } ca_write;
    struct rotate_entry {
        struct origin origin;
        struct target target;
        int64_t how;
    } rotate;
    struct issue_entry {
        struct origin origin;
        struct target target;
        int64_t valid_ns;
    } issue;
    struct apply_entry {
        struct origin origin;
        struct target to;
        const struct yaml_node *object;
    } apply;
    struct delete_entry {
        struct origin origin;
        struct target from;
        struct str api_version, kind, namespace, name;
    } remove_object;
};
struct fault_entry {
    struct origin origin;
    struct str name;
    struct expr_source when;
    int64_t at_ns;
    struct after_entry after;
    int64_t for_ns;
    struct target target;
    struct fault fault;
    bool optional;
};
struct palette_entry {
    struct origin origin;
    struct str name;
    struct expr_source when;
    int64_t weight;
    struct span span;
    struct target target, one_of;
    struct fault fault;
    struct strs never_with;
};
struct chaos_entry {
    struct origin origin;
    struct moment from, until;
    int64_t every_ns, count;
    struct chaos_budget_entry {
        struct origin origin;
        int64_t at_once, in_all, duty_ppm;
    } budget;
    int64_t overlap;        /* enum chaos_overlap */
    struct objects palette; /* struct palette_entry */
};
enum chaos_overlap { CHAOS_OVERLAP_ANY, CHAOS_OVERLAP_OTHER_TARGETS };
struct assert_entry {
    struct origin origin;
    struct str name, doc;
    struct expr_source when;
    struct strs profile;
    struct expr_source always, never, eventually, sometimes, that;
    struct within_entry {
        struct origin origin;
        struct expr_source time;
        struct moment after;
    } within;
    struct moment at, from, until, by;
    int64_t lasting_ns;
    struct strs ignore;
};
struct measure_entry {
    struct origin origin;
    struct str unit, doc;
    struct expr_source when, gauge, hist;
    struct moment at;
    int64_t every_ns;
    struct strs show;
};
struct quiet_entry {
    struct origin origin;
    struct moment from;
};

extern const struct shape input_shape, use_shape, template_shape;
extern const struct shape after_shape, dns_set_shape, file_shape, param_shape, clock_shape,
    topology_shape, step_shape, action_shape, fault_shape, assert_shape, measure_shape,
    report_shape, budget_shape, quiet_shape, chaos_shape, palette_shape, traffic_shape;

/* The row of an action by the field that chose it. */
struct action_row {
    const char *name; /* "dns.set" */
    enum action_kind kind;
    uint32_t targets; /* bit set of 1u << enum target_kind; 0: takes none */
};
extern const struct action_row action_table[ACTION_KIND_COUNT];

#endif
