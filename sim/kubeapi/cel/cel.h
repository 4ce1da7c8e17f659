/* cel: the Common Expression Language with the libraries that Kubernetes adds: compiled once, evaluated under a budget.
 *
 *   text ─► parse (cel_lex.c, cel_parse.c) ─► check (cel_check.c: types, overloads) ─► program ─► cel_eval ─► value
 *
 * Variables: an environment names them in the order of their slots; values come by slot at evaluation.
 * Types:     what `struct type` knows is checked before anything runs; `dyn` is looked at when it is evaluated.
 * Errors:    cel_compile: ERR_INVALID whose message holds every problem as the original words it,
 *                "ERROR: <input>:1:5: undefined field 'x'\n | self.x\n | ....^"
 *            cel_eval: a value of kind CEL_ERROR: "no such key: x", "integer overflow", ...
 *            What this implementation does not have is unknown to the check by its name: nothing is ignored.
 * Ownership: programs live in the arena of their compilation, values in that of the run. Trees and texts are borrowed.
 * Bounds:    CEL_TEXT_MAX, CEL_DEPTH_MAX, CEL_LOCALS_MAX; a run stops with CEL_OVER_BUDGET as soon as it has cost more
 *            than cost_max. Memory and time beyond the original's scale are counted apart (work) and bounded with it.
 * Floats:    only doubles of the language are doubles; nothing else is decided by them.
 * Source:    the language definition of CEL; costs and texts as Kubernetes 1.34 shows them. */
#ifndef PADDOCK_SIM_KUBEAPI_CEL_CEL_H
#define PADDOCK_SIM_KUBEAPI_CEL_CEL_H

#include "sim/kubeapi/types/types.h"

#define CEL_TEXT_MAX    100000u
#define CEL_DEPTH_MAX   250u
#define CEL_LOCALS_MAX  32u                /* loops within loops */
#define CEL_CALL_COST   UINT64_C(1000000)  /* of one expression */
#define CEL_COST_BUDGET UINT64_C(10000000) /* of all expressions of one object or policy */
#define CEL_CONDITIONS_BUDGET                                                                      \
    UINT64_C(2500000) /* of all match conditions of one webhook or policy */
#define CEL_OVER_BUDGET "operation cancelled: actual cost limit exceeded"

/* ---- values ---- */
enum cel_kind {
    CEL_NULL,
    CEL_BOOL,
    CEL_INT,
    CEL_UINT,
    CEL_DOUBLE,
    CEL_STRING,
    CEL_BYTES,
    CEL_DURATION,
    CEL_TIMESTAMP,
    CEL_TYPE,
    CEL_LIST,
    CEL_MAP,
    CEL_OPTIONAL,
    CEL_RECORD, /* named values that are evaluated when they are first asked for */
    CEL_QUANTITY,
    CEL_URL,
    CEL_IP,
    CEL_CIDR,
    CEL_FORMAT,
    CEL_SEMVER,
    CEL_AUTHORIZER, /* and the steps of its checks: cel_authz.c */
    CEL_ERROR,
};

struct cel_time {
    int64_t seconds; /* of the Unix epoch */
    int32_t nanos;   /* 0...999999999 */
};
struct cel_list;
struct cel_map;
struct cel_record_value;
struct cel_value {
    enum cel_kind kind;
    union {
        bool b;
        int64_t i; /* CEL_INT; CEL_DURATION: nanoseconds */
        uint64_t u;
        double d;
        struct str s; /* also CEL_BYTES, CEL_URL, CEL_ERROR */
        struct cel_time time;
        const struct cel_type *type;
        struct cel_list *list;
        struct cel_map *map;
        const struct cel_value *inner; /* CEL_OPTIONAL; NULL: none */
        struct cel_record_value *record;
        const void *opaque;
    };
};

/* ---- types and environments ---- */
struct cel_type;
/* The type of a value of the schema; NULL (a schema that says nothing of its values): none. definition: as rules of a
 * definition see it: names that are no identifiers are escaped, metadata has only its names. */
const struct cel_type *cel_type_of(struct arena *a, const struct type *schema, bool definition);
const struct cel_type *cel_type_optional(struct arena *a, const struct cel_type *inner);
extern const struct cel_type cel_type_dyn, cel_type_bool, cel_type_string, cel_type_authorizer,
    cel_type_resource_check;

struct cel_program;
struct cel_field {
    struct str name;
    const struct cel_program *program;
};
struct cel_var {
    struct str name;
    const struct cel_type *type;
    /* A record: its fields; they may refer to those before them. The array may grow while programs are added. */
    const struct cel_field *fields;
    size_t fields_n;
};
struct cel_env {
    const struct cel_var *vars;
    size_t vars_n;
};

/* ---- compiling ---- */
struct err *cel_compile(struct arena *a, const struct cel_env *env, struct str text,
                        struct cel_program **out) must_check;
bool cel_program_uses(const struct cel_program *p, size_t slot);
/* May the result be of this kind? True of dyn. */
bool cel_program_gives(const struct cel_program *p, enum cel_kind kind);
/* What a run costs at most when its variables are as large as `self` allows: fields of every variable are looked up in
 * it. UINT64_MAX: there is no bound. */
uint64_t cel_program_cost_max(struct arena *a, const struct cel_program *p,
                              const struct type *self);
/* The least bytes that a value of a definition's schema takes as JSON, and how many such values a request can hold. */
uint64_t cel_schema_bytes_min(const struct type *t);
uint64_t cel_schema_count_max(const struct type *t);
/* The expression as text again, every operation in parentheses. */
void cel_program_print(const struct cel_program *p, struct buf *out);

/* ---- evaluating ---- */
/* What authorizer checks ask. */
struct cel_check {
    struct str verb, group, resource, sub, ns, name, path;
    struct str account_ns,
        account; /* in the name of a service account; empty: the user of the request */
    struct str field_selector, label_selector;
};
struct cel_authorizer {
    bool (*allowed)(void *owner, const struct cel_check *check, struct str *reason);
    void *owner;
};

struct cel_run {
    struct arena *a;
    const struct cel_value *vars;            /* by slot */
    const struct cel_authorizer *authorizer; /* NULL: every check is denied */
    uint64_t cost, cost_max;
    uint64_t work; /* effort that costs nothing: bounded by cost_max too */
    bool over;     /* the budget is spent */
    struct cel_value locals[CEL_LOCALS_MAX];
};
struct cel_value cel_eval(struct cel_run *run, const struct cel_program *p);

/* ---- making values ---- */
struct cel_value cel_of_json(struct arena *a, const struct type *schema, const cJSON *v);
struct cel_value cel_null(void);
struct cel_value cel_string(struct str s);
struct cel_value cel_optional(struct arena *a, const struct cel_value *v); /* NULL: none */
/* A record whose fields are evaluated in the run that first asks for them. */
struct cel_value cel_record(struct arena *a, const struct cel_field *fields, size_t n);
struct cel_value cel_authorizer_value(void);
/* A check of the resource and object that a request is about. */
struct cel_value cel_authorizer_resource(struct arena *a, const struct cel_check *check);
/* Text for people and tests: "[1, \"a\"]". */
void cel_value_print(const struct cel_value *v, struct arena *a, struct buf *out);

#endif
