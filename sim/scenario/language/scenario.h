/* scenario: one scenario file: loaded, checked, and resolved into plans (plan.h), one per run.
 *
 *     bytes ─ scenario_load ─► struct scenario ─ scenario_cases ─► cases ─ scenario_plan ─► struct plan
 *
 * The file is a tree with places (engine/base/yaml.h). Parameters and matrix values are put into the tree as typed
 * values (${...}); nothing is ever templated as text. An absent matrix value removes the entry that refers to it.
 *
 * Templates: `use` draws in other files, whose sections become part of the tree, each node with the place it has in its
 * own file. A template sees its inputs and nothing of the file that uses it (templates.c).
 *
 * Errors: loading and planning collect every mistake in a `struct diags`; false when there was one. The callers print
 * them (diags_print) and exit with status 2.
 * Ownership: everything lives in the arena given at load; bytes and file name must outlive it. */
#ifndef PADDOCK_SIM_SCENARIO_LANGUAGE_SCENARIO_H
#define PADDOCK_SIM_SCENARIO_LANGUAGE_SCENARIO_H

#include "engine/base/rng.h"
#include "sim/scenario/language/plan.h"

#define SCENARIO_VERSION    "v1"
#define SCENARIO_CASES_MAX  256u
#define SCENARIO_PARAMS_MAX 256u
#define SCENARIO_AXES_MAX   16u
#define TEMPLATES_MAX       64u /* in use by one scenario */
#define TEMPLATE_DEPTH_MAX  8u  /* templates that use templates */

enum param_type {
    PARAM_INT,
    PARAM_DURATION,
    PARAM_BOOL,
    PARAM_STRING,
    PARAM_ENUM,
    PARAM_PERCENT,
    PARAM_SIZE
};
const char *param_type_name(enum param_type type);
struct param {
    struct str name, doc;
    struct place place;
    enum param_type type;
    struct expr_value value;     /* the default, or what scenario_set_param put there */
    struct expr_value otherwise; /* the default */
    int64_t min, max;            /* INT, DURATION, PERCENT, SIZE */
    bool has_min, has_max;
    bool optional;      /* it has a default: always so but for the inputs of templates */
    struct strs values; /* ENUM */
};

/* A template in use. Nodes and places that came with it lead to its source, which is the first member. */
struct unit {
    struct source source;
    struct str relative;   /* its path, seen from the scenario's folder */
    const struct unit *by; /* whose inputs the values in `given` name; NULL: the scenario */
    struct place used;
    struct param *inputs;
    size_t inputs_n;
    const struct yaml_node *
        *given; /* of each input, as whoever uses it wrote it; NULL: the default */
};

/* Files that a scenario names: the loader opens none itself. `path` is as seen from where the scenario's own path is. */
struct scenario_files {
    struct err *(*read)(void *ctx, struct str path, struct buf *out);
    void *ctx;
};

struct axis_entry {
    struct str id;
    struct place place;
    const struct yaml_node *node; /* a mapping, or a bare scalar */
};
struct axis {
    struct str name;
    struct place place;
    struct axis_entry *entries;
    size_t n;
};
/* One combination: entry[i] is an index into axis i, or -1: absent (an `include` that does not name the axis). */
struct scenario_case {
    int32_t entry[SCENARIO_AXES_MAX];
    struct str id; /* "lie=drop,crash=none" */
};

struct file_entry;
struct scenario {
    struct arena *arena;
    struct source source;
    struct yaml_node *root;
    struct str name, doc;
    struct strs tags;
    struct {
        uint64_t first, count;
        bool swarm;
    } seeds;
    struct {
        bool shrink;
        struct str keep; /* a folder; empty: that of the reports */
        int64_t budget_ns;
    } on_failure;
    struct param *params;
    size_t params_n;
    struct axis *axes;
    size_t axes_n;
    struct scenario_case *cases; /* all of them; one with an empty id when there is no matrix */
    size_t cases_n;
    struct unit **units; /* templates in use; a unit's rank is its index + 1 */
    size_t units_n;
    bool torn;            /* a template could not be read: what it would bring is not missed */
    struct strs profiles; /* "hardened" when the file names none */
    const struct file_entry *file; /* the rest of the file, for scenario_plan (language.h) */
};

/* Loads and checks the file by itself; what depends on a case is checked by scenario_plan. NULL when it cannot go on
 * (bad YAML, not a mapping); otherwise a scenario, usable only if diags is still empty. */
struct scenario *scenario_load(struct arena *a, struct str file, struct str bytes,
                               struct diags *diags);
/* The same for a file that may name others. */
struct scenario *scenario_load_with(struct arena *a, struct str file, struct str bytes,
                                    const struct scenario_files *files, struct diags *diags);

/* --set NAME=VALUE: typed and checked against the parameter's bounds. */
struct err *scenario_set_param(struct scenario *s, struct str name, struct str value) must_check;

/* --case ID=VALUE,...: the cases that agree with it, in file order; empty filter: all. */
struct err *scenario_cases(struct scenario *s, struct str filter, const struct scenario_case ***out,
                           size_t *n) must_check;

struct plan_request {
    const struct scenario_case *which; /* NULL: the first */
    struct str profile;                /* empty: the scenario's first */
    const struct str *policies;        /* --policy NAME=VALUE, over the file's */
    size_t policies_n;
    uint64_t seed;
};
/* Everything of one run, in arena `a` (which may die before the scenario). NULL when there were errors. */
struct plan *scenario_plan(struct arena *a, const struct scenario *s,
                           const struct plan_request *request, struct diags *diags);

struct plan_fault;
/* One fault as an entry of `faults`, in one line: {name: "...", at: 5m, for: 20s, target: "...", fault: {...}}. Loading it
 * gives the same fault. */
void plan_fault_print(const struct plan_fault *f, struct buf *out);
/* The whole section `faults:` with everything that the seed has drawn: it replaces `faults`, `chaos` and
 * `seeds.swarm` of the file; a run of either has the same trace. */
void scenario_freeze_faults(const struct plan *plan, struct buf *out);

/* ---- the back ends of paddock-sim validate, expand, list, schema ---- */

/* All mistakes of the file over all its cases and profiles, printed to out; the number of errors. */
size_t scenario_validate(struct str file, struct str bytes, const struct scenario_files *files,
                         struct buf *out);
/* The same, left in diags, which live in `a`. */
void scenario_diagnose(struct arena *a, struct str file, struct str bytes,
                       const struct scenario_files *files, struct diags *diags);
/* One run of a file, as `expand` writes it out. */
struct expand_request {
    struct str case_filter, profile; /* empty: the first */
    const struct str *sets;          /* NAME=VALUE */
    size_t sets_n;
    bool has_seed; /* else the file's first; the file written out has only this one */
    uint64_t seed;
    const struct scenario_files *files; /* NULL: it names no other */
};
/* The file after templates, parameters, matrix and seed: YAML that makes the same plan. False: errors were printed to
 * `errors`. */
bool scenario_expand(struct str file, struct str bytes, const struct expand_request *request,
                     struct buf *out, struct buf *errors);
/* Name, doc, tags and parameters, for people. */
void scenario_list(const struct scenario *s, struct buf *out);
/* The same as a JSON object: {"name", "doc", "file", "tags", "profiles", "seeds", "templates", "matrix", "cases",
 * "params"}. */
void scenario_list_json(const struct scenario *s, struct buf *out);
/* The JSON Schema of the language (draft 2020-12), generated from the tables. */
void scenario_schema(struct buf *out);
/* The tables as Markdown: sim/scenario/REFERENCE.md. */
void scenario_reference(struct buf *out);
/* One part of the same tables as plain text: a section (steps), an entry (palette), expressions, names, a collection
 * (agent), faults, a family of them (dns), actions, targets, policies. False: no such topic. */
bool scenario_topic(struct str name, struct buf *out);
const struct str *scenario_topics(struct arena *a, size_t *n); /* broad ones first */

#endif
