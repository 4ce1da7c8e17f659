/* expr: the small total language of conditions and measures. Grammar: grammar.c; how it is meant: README.md.
 *
 *     never: "exists(agent where resolver == default and peer == site/a and age(last_byte) > ${ttl} + 45s)"
 *
 * Total: no loops but over the items of a collection, no I/O, no recursion over data; depth and the number of item
 * visits of one evaluation are bounded. Integers only: decimals and percents are ratios in millionths. Arithmetic
 * saturates, a division by zero is unknown.
 *
 * Unknown: what has not happened yet (agent.last_byte of an agent that never connected, time(step) of a step to come) is
 * unknown. Arithmetic with it is unknown, every comparison with it is false; known(x) asks.
 *
 * Life: compile once (names and types are checked against a declared vocabulary, slips get suggestions at
 * file:line:column), evaluate often. An evaluation also says when its value may change by the mere passing of time
 * (age, rate, within): until then it need not run again unless one of its dependencies changes.
 *
 * Ownership: programs live in the arena of their compilation and borrow the vocabulary. Values borrow their strings
 * from the environment until the world moves. */
#ifndef PADDOCK_SIM_SCENARIO_EXPR_EXPR_H
#define PADDOCK_SIM_SCENARIO_EXPR_EXPR_H

#include "sim/scenario/expr/diag.h"

extern const char expr_grammar[]; /* for people */

#define EXPR_DEPTH_MAX  32u       /* nesting of one expression */
#define EXPR_NODES_MAX  1024u     /* of one program */
#define EXPR_VISITS_MAX 20000000u /* items looked at by one evaluation */
#define EXPR_VARS_MAX   4u        /* collections open at once */
#define EXPR_RATIO_ONE  INT64_C(1000000)
#define EXPR_RECHECK_NS                                                                            \
    INT64_C(100000000) /* how often what moves with time, but not linearly, is looked at again */
#define EXPR_LIVE_NS  INT64_C(1000000000)
#define EXPR_STATE_NS INT64_C(5000000000) /* between two looks at whole states */
#define EXPR_NEVER    INT64_MAX           /* next_change: only when a dependency changes */

enum expr_type {
    EXPR_BOOL,
    EXPR_INT,      /* counts, bytes */
    EXPR_RATIO,    /* 0.1, 10%: millionths */
    EXPR_DURATION, /* ns */
    EXPR_TIME,     /* ns since the start of the run; compares with durations, as `at: 10m` reads */
    EXPR_STRING,   /* names and states, bare (site/a, active) or quoted */
    EXPR_TYPE_COUNT
};
const char *expr_type_name(enum expr_type type); /* "a duration" */

struct expr_value {
    enum expr_type type;
    bool known;
    int64_t i;    /* all but strings */
    struct str s; /* strings; of an integer its unit: EXPR_BYTES, or empty */
};
#define EXPR_BYTES STR("B") /* a size: it is written with its unit */
static inline bool expr_is_size(const struct expr_value *v)
{
    return v->type == EXPR_INT && v->s.n > 0;
}
void expr_value_print(const struct expr_value *v,
                      struct buf *out); /* as a literal: 1m30s, 10%, site/a */

/* ---- what can be named ---- */

enum {
    EXPR_HISTORY = 1, /* a field that is a record over time: only in distinct(...) within D */
    EXPR_COUNTER = 2, /* a global that only grows: rate() takes it */
    EXPR_FIXED = 8,   /* a field that an item has for good: its name, its group */
    EXPR_LIVE = 4,    /* a field whose changes nobody tells: looked up again every EXPR_LIVE_NS */
};
struct expr_field {
    const char *name; /* may have dots: "writer.site" */
    enum expr_type type;
    uint32_t flags;
    const char *domain; /* EXPR_STRING: its values are those of this domain; NULL: any text */
    const char *doc;
};
struct expr_collection {
    const char *name; /* "agent" */
    const struct expr_field *fields;
    size_t fields_n;
    const char
        *names; /* domain of the items' names, for site.a.died_at; NULL: items cannot be named */
    const char *doc;
};
struct expr_global {
    const char *name; /* "dns.servfail_answers" */
    enum expr_type type;
    uint32_t flags;
    const char *doc;
};
struct expr_vocabulary {
    const struct expr_collection *collections;
    size_t collections_n;
    const struct expr_global *globals;
    size_t globals_n;
};

/* Values that a string field may have: known per scenario (its sites, resolvers) or always (cluster states). */
struct expr_domain {
    const char *name;
    const struct str *values;
    size_t n;
};

/* What one compilation sees. Constants are what ${...} may name: parameters, matrix values, the profile. */
struct expr_scope {
    const struct expr_vocabulary *vocabulary; /* NULL: constants only (when:, ${...}) */
    const struct expr_domain *domains;
    size_t domains_n;
    const struct str *steps; /* for time(step) */
    size_t steps_n;
    /* `from`: the text that the expression stands in (a template sees its inputs); NULL: the one asked for. */
    bool (*constant)(void *ctx, const struct source *from, struct str path, struct expr_value *out);
    /* Their names, for suggestions. */
    const struct str *(*constants)(void *ctx, const struct source *from, size_t *n);
    /* The texts that a constant can have in any run (the ids of an axis, the values of an enum), so that a slip beside
     * it is told. NULL, or false: any. */
    bool (*constant_values)(void *ctx, const struct source *from, struct str path,
                            struct expr_domain *out);
    void *ctx;
    bool bare_constants; /* also without ${}: in `when` and inside ${...} */
    bool
        per_item; /* one collection may stay open: `agent.reconnected_at - site.a.died_at` (expr_over) */
};

/* ---- compile ---- */

#define EXPR_WANT_NUMBER (-2) /* int, ratio, duration or time */
#define EXPR_WANT_ANY    (-1)

struct expr;
/* NULL when there were errors (added to diags). `want` is an enum expr_type or one of the above. `at` is where the
 * scalar with the text starts. */
struct expr *expr_compile(struct arena *a, const struct expr_scope *scope, struct str text,
                          struct place at, int want, struct diags *diags);
enum expr_type expr_result_type(const struct expr *e);
struct str expr_text(const struct expr *e); /* as written */
void expr_print(const struct expr *e,
                struct buf *out);    /* canonical: parses back to the same program */
int expr_over(const struct expr *e); /* the open collection of a per_item program, or -1 */

/* ---- dependencies ---- */

enum expr_dep_kind { EXPR_DEP_ITEMS, EXPR_DEP_FIELD, EXPR_DEP_GLOBAL, EXPR_DEP_STEP };
struct expr_dep {
    enum expr_dep_kind kind;
    uint32_t a; /* collection, global or step */
    uint32_t b; /* field */
};
/* Each once, in order of appearance. ITEMS: an item of the collection came or went. */
const struct expr_dep *expr_deps(const struct expr *e, size_t *n);
bool expr_depends_on(const struct expr *e, struct expr_dep dep);
bool expr_uses_time(const struct expr *e); /* age, now, rate, within */

/* Its comparisons state(TARGET) == reference.state(TARGET), in the order of the text. What TARGET means is the plan's to
 * know: it gives each an id, which the environment is asked by. */
size_t expr_states(const struct expr *e);
struct str expr_state(const struct expr *e, size_t i); /* the target's text */
void expr_state_bind(struct expr *e, size_t i, uint32_t id);

/* ---- evaluate ---- */

/* The world as expressions see it. Items of a collection are 0 .. count-1; indexes hold until the world moves. */
struct expr_ops {
    uint32_t (*count)(void *ctx, uint32_t collection);
    struct expr_value (*field)(void *ctx, uint32_t collection, uint32_t item, uint32_t field);
    struct str (*item_name)(void *ctx, uint32_t collection, uint32_t item); /* "edge-3/agent-0" */
    int64_t (*item_find)(void *ctx, uint32_t collection, struct str name);  /* -1: none now */
    struct expr_value (*global)(void *ctx, uint32_t global);
    /* By how much a counter grew in (now - window, now]; *drops_at: when the result next falls by itself, or EXPR_NEVER. */
    int64_t (*rate)(void *ctx, uint32_t global, int64_t window, int64_t now, int64_t *drops_at);
    /* Distinct values that a HISTORY field of an item had in (now - window, now]; *drops_at as above. */
    int64_t (*distinct)(void *ctx, uint32_t collection, uint32_t item, uint32_t field,
                        int64_t window, int64_t now, int64_t *drops_at);
    struct expr_value (*step_time)(void *ctx, uint32_t step); /* when the step ended: EXPR_TIME */
    /* Is the state what the reference has? why (may be NULL): what differs is appended. */
    bool (*same_state)(void *ctx, uint32_t id, struct buf *why);
};
struct expr_env {
    const struct expr_ops *ops;
    void *ctx;
};

struct expr_result {
    struct expr_value value;
    int64_t
        next_change; /* earliest time after now at which the value may differ with no dependency changed */
    bool exhausted; /* EXPR_VISITS_MAX was met: the value is not known */
};
struct expr_result expr_eval(const struct expr *e, const struct expr_env *env, int64_t now);
/* Of a per_item program, for one item. */
struct expr_result expr_eval_item(const struct expr *e, const struct expr_env *env, int64_t now,
                                  uint32_t item);

/* ---- evaluate again and again ---- */

/* Remembers, for each exists, all, none and count that looks at the fields of its own items, what each item said; an
 * evaluation then looks only at the items that were touched or whose time has come. Without a touch nothing is seen to
 * have changed. Lives in the arena; the program must outlive it. */
struct expr_tracker;
struct expr_tracker *expr_tracker_new(struct arena *a, const struct expr *e);
void expr_tracker_touch(struct expr_tracker *t,
                        struct expr_dep dep); /* any item may have changed */
/* False: the value cannot have changed by it, since this item is not among those that the program asks for by a fixed
 * field (where name == edge-7). */
bool expr_tracker_touch_item(struct expr_tracker *t, uint32_t collection, uint32_t field,
                             uint32_t item);
struct expr_result expr_track(struct expr_tracker *t, const struct expr_env *env, int64_t now);

/* Why the value is what it is: the items and values that decided, in one line, for example
 *   3 of 100 agents: edge-2/agent-0: connected = true, peer = site/a (wanted site/b); ... */
void expr_explain(const struct expr *e, const struct expr_env *env, int64_t now, struct buf *out);

/* Evaluates a program that names nothing but constants. */
struct expr_value expr_eval_constant(const struct expr *e);

#endif
