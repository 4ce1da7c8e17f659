/* cel_internal: nodes, types and functions, as the files of the evaluator share them. */
#ifndef PADDOCK_SIM_KUBEAPI_CEL_CEL_INTERNAL_H
#define PADDOCK_SIM_KUBEAPI_CEL_CEL_INTERNAL_H

#include "sim/kubeapi/cel/cel.h"

#define CEL_PROBLEMS_MAX   20u
#define CEL_ARGS_MAX       64u /* of one call; lists and maps have no such bound */
#define CEL_TREE_DEPTH_MAX 1000u

/* ---- tokens: cel_lex.c ---- */
enum cel_token_kind {
    TOKEN_END,
    TOKEN_NAME,
    TOKEN_INT,
    TOKEN_UINT,
    TOKEN_DOUBLE,
    TOKEN_STRING,
    TOKEN_BYTES,
    TOKEN_QUOTED, /* `a-b`: a field's name */
    TOKEN_OP,     /* ops[0], ops[1] */
    TOKEN_BAD,
};
struct cel_token {
    enum cel_token_kind kind;
    struct str text;  /* as it stands */
    struct str value; /* of strings and bytes, without quotes and escapes */
    char op[3];
};
/* The token at text[at]; blanks and comments are skipped. What is bad about TOKEN_BAD is in value. */
struct cel_token cel_lex(struct arena *a, struct str text, size_t at);

/* ---- problems: cel_report.c ---- */
struct cel_report {
    struct arena *a;
    struct str text;
    struct {
        size_t at;
        struct str message;
    } list[CEL_PROBLEMS_MAX];
    size_t n;
};
void cel_problem(struct cel_report *r, size_t at, const char *fmt, ...) printf_like(3, 4);
struct err *cel_report_end(const struct cel_report *r) must_check; /* NULL: none */

/* ---- types: cel_types.c ---- */
enum cel_tkind {
    T_ERROR,
    T_DYN,
    T_NULL,
    T_BOOL,
    T_INT,
    T_UINT,
    T_DOUBLE,
    T_STRING,
    T_BYTES,
    T_DURATION,
    T_TIMESTAMP,
    T_TYPE,
    T_LIST,
    T_MAP,
    T_OPTIONAL,
    T_OBJECT,
    T_RECORD,
    T_OPAQUE,
    T_PARAM,
};
struct cel_type {
    enum cel_tkind kind;
    const char *name;             /* T_OPAQUE, and the simple ones */
    const struct cel_type *a, *b; /* elements; keys and values */
    const struct type *schema;    /* NULL: none */
    bool definition;              /* of a schema: see cel_type_of */
    const struct cel_var *record; /* T_RECORD */
};
const struct cel_type *cel_type_simple(enum cel_tkind kind);
const struct cel_type *cel_type_list(struct arena *a, const struct cel_type *item);
const struct cel_type *cel_type_map(struct arena *a, const struct cel_type *key,
                                    const struct cel_type *value);
/* The type of a field of an object; NULL: there is none. */
const struct cel_type *cel_type_field(struct arena *a, const struct cel_type *t, struct str name);
/* A field's name as the schema has it: "__dash__" and the like undone. */
struct str cel_unescape(struct arena *a, struct str name);
void cel_type_print(const struct cel_type *t, struct buf *out);
/* One type of a signature ("Lsi" is list(string), int), advancing *sig. */
const struct cel_type *cel_type_of_sig(struct arena *a, const char **sig);
/* Fits `from` where `to` is wanted? bound: what the parameters A and B stand for so far. */
bool cel_type_fits(struct arena *a, const struct cel_type *to, const struct cel_type *from,
                   const struct cel_type *bound[2]);
const struct cel_type *cel_type_bind(struct arena *a, const struct cel_type *t,
                                     const struct cel_type *const bound[2]);
bool cel_type_same(const struct cel_type *x, const struct cel_type *y);
/* What a letter of a signature means for values; CEL_ERROR: any, or a container's. */
enum cel_kind cel_kind_of_letter(char c);

/* ---- nodes ---- */
enum cel_op {
    NODE_LITERAL,
    NODE_VAR,   /* a variable of the environment */
    NODE_LOCAL, /* of a loop */
    NODE_NAME,  /* not checked yet */
    NODE_SELECT,
    NODE_HAS,
    NODE_CALL,
    NODE_LIST,
    NODE_MAP, /* key, value, key, value... */
    NODE_LOOP,
};
enum cel_loop {
    LOOP_ALL,
    LOOP_EXISTS,
    LOOP_EXISTS_ONE,
    LOOP_MAP,
    LOOP_FILTER,
    LOOP_LIST,   /* transformList */
    LOOP_TO_MAP, /* transformMap */
    LOOP_ENTRY,  /* transformMapEntry */
    LOOP_OPT_MAP,
    LOOP_OPT_FLAT_MAP,
};
struct cel_func;
struct cel_node {
    enum cel_op op;
    uint8_t loop;   /* enum cel_loop */
    bool member;    /* a call with a target, which is args[0] */
    bool optional;  /* x.?y */
    uint16_t depth; /* levels below */
    uint32_t at;    /* offset into the text */
    uint32_t slot;
    struct str name, name2; /* identifier, field, function; variables of a loop */
    struct cel_node **args;
    size_t n;
    const bool *maybe; /* NODE_LIST, NODE_MAP: entries with a question mark; NULL: none */
    struct cel_value literal;
    const struct cel_func *func;
    const struct cel_type *type;
    const void *cached; /* of a call with literal arguments: what they were compiled to */
};
struct cel_program {
    struct cel_node *root;
    uint64_t uses; /* slots, as bits */
};
struct cel_node *cel_parse(struct cel_report *report);
void cel_check_tree(struct cel_report *report, const struct cel_env *env, struct cel_program *p);
struct cel_value cel_eval_node(struct cel_run *run, const struct cel_node *node);

/* ---- functions: cel_funcs.c ---- */
typedef struct cel_value (*cel_call)(struct cel_run *run, const struct cel_node *node,
                                     struct cel_value *args, size_t n);
struct cel_func {
    const char *name; /* ".size" is a member */
    const char *sigs; /* "s:i|y:i"; letters of cel_type_of_sig; a member's target comes first */
    cel_call call;    /* NULL: cel_eval.c does it */
    uint16_t cost;    /* enum cel_cost */
    uint16_t which;   /* for functions that share a body */
};
const struct cel_func *cel_func_find(struct str name, bool member);
/* Is there an overload for these values? Elements of containers are not looked at. */
bool cel_func_admits(const struct cel_func *f, const struct cel_value *args, size_t n);

extern const struct cel_func cel_funcs_core[], cel_funcs_strings[], cel_funcs_lists[],
    cel_funcs_time[], cel_funcs_kube[], cel_funcs_net[], cel_funcs_authz[];

/* ---- values: cel_value.c ---- */
struct cel_list {
    size_t n;
    struct cel_value *items; /* NULL: not made of the tree yet */
    const cJSON *json;
    const struct type *schema; /* of the list */
};
struct cel_map {
    size_t n;
    struct cel_value *keys, *values; /* NULL: of a tree */
    const cJSON *json;
    const struct type *schema;
};
struct cel_record_value {
    const struct cel_field *fields;
    struct cel_value *values;
    uint8_t *state; /* 0: not evaluated, 1: being so, 2: done */
    size_t n;
};
static inline struct cel_value cel_int(int64_t i)
{
    return (struct cel_value){.kind = CEL_INT, .i = i};
}
static inline struct cel_value cel_bool(bool b)
{
    return (struct cel_value){.kind = CEL_BOOL, .b = b};
}
static inline bool cel_is_error(struct cel_value v)
{
    return v.kind == CEL_ERROR;
}
struct cel_value cel_fail(struct cel_run *run, const char *fmt, ...) printf_like(2, 3);
struct cel_value cel_no_overload(struct cel_run *run);
struct cel_value cel_list_new(struct arena *a, struct cel_value *items, size_t n);
struct cel_value cel_map_new(struct arena *a, struct cel_value *keys, struct cel_value *values,
                             size_t n);
struct cel_value *cel_list_items(struct arena *a, struct cel_list *list);
/* The i-th key and value, in the order of the tree. */
void cel_map_at(struct arena *a, struct cel_map *m, size_t i, struct cel_value *key,
                struct cel_value *value);
size_t cel_map_count(struct cel_map *m);
bool cel_map_get(struct arena *a, const struct cel_map *m, struct cel_value key,
                 struct cel_value *out);
/* Equality charges by what it looks at. */
bool cel_equal(struct cel_run *run, struct cel_value x, struct cel_value y);
/* -1, 0, 1; false: these have no order. */
bool cel_compare(struct cel_value x, struct cel_value y, int *out);
bool cel_numeric(struct cel_value v);
const struct cel_type *cel_type_of_value(struct arena *a, struct cel_value v);
size_t cel_code_points(struct str s);
/* Bytes of the n-th code point's start; s.n where there are fewer. */
size_t cel_code_point_at(struct str s, size_t n);
struct cel_value cel_string_copy(struct cel_run *run, struct str s);
struct cel_value cel_take(struct cel_run *run, struct buf *take); /* a string of a buffer */

/* ---- cost: cel_cost.c (of calls), cel_estimate.c (beforehand) ---- */
#define CEL_COST_LIST   10u
#define CEL_COST_MAP    30u
#define CEL_COST_STRUCT 40u
#define CEL_COST_CHECK  350000u
#define CEL_WORK_PER_COST                                                                          \
    8u /* effort that the scale of costs does not see is bounded by it all the same */
#define CEL_WORK_FREE 4096u

enum cel_cost {            /* how a function's cost follows from its arguments */
                COST_NONE, /* its parts pay */
                COST_ONE,
                COST_EQUAL,    /* the smaller of both, a tenth each */
                COST_ORDER,    /* the same of texts */
                COST_ADD,      /* both, of texts */
                COST_IN,       /* elements of a list */
                COST_PREFIX,   /* the second text */
                COST_MATCHES,  /* text by pattern */
                COST_CONTAINS, /* text by text */
                COST_CONVERT,  /* string(bytes), bytes(string) */
                COST_FORMAT,
                COST_QUOTE,
                COST_SET,  /* list by list */
                COST_SETS, /* both ways */
                COST_CHECK,
                COST_SELECTOR,
                COST_TRAVERSE, /* all of a list */
                COST_TEXT,     /* a text, and one no longer than it comes out */
                COST_URL,
                COST_REPLACE,
                COST_SPLIT,
                COST_JOIN, /* what comes out */
                COST_FIND,
                COST_PARSE, /* a text; one beforehand, because the original looks for a target */
                COST_CANONICAL,
                COST_CONTAINS_IP,
                COST_CONTAINS_CIDR,
                COST_VALIDATE,
};
/* Of a call with these arguments, beside what they cost; COST_JOIN's is that of its result. */
uint64_t cel_cost_call(struct cel_run *run, const struct cel_node *call,
                       const struct cel_value *args, size_t n);
uint64_t cel_cost_join(const struct cel_value *result);

/* False: the budget is spent. */
static inline bool cel_charge(struct cel_run *run, uint64_t cost)
{
    run->cost += cost;
    if (run->cost > run->cost_max)
        run->over = true;
    return !run->over;
}
/* What the evaluator does beyond the scale of costs: looking through texts and lists, memory. False: too much. */
static inline bool cel_work(struct cel_run *run, uint64_t work)
{
    run->work += work;
    if (run->work > run->cost_max * CEL_WORK_PER_COST + CEL_WORK_FREE)
        run->over = true;
    return !run->over;
}
/* A tenth of the bytes, rounded up: what passing over a text costs. */
static inline uint64_t cel_text_cost(uint64_t n)
{
    return n / 10 + (n % 10 > 0);
}

/* One overload after another: *sigs is at the first or behind the last that was given; what it gives for the call's
 * arguments, NULL when it does not fit. */
const struct cel_type *cel_overload_next(struct arena *a, const struct cel_node *call,
                                         const char **sigs);

/* ---- numbers and times ---- */
double cel_parse_double(struct str text, bool *ok);       /* cel_double.c */
void cel_print_double(double d, struct buf *out);         /* shortest that reads back, as Go's %g */
bool cel_parse_duration(struct str text, int64_t *nanos); /* cel_time.c */
void cel_print_duration(int64_t nanos, struct buf *out);
bool cel_parse_time(struct str text, struct cel_time *out);
void cel_print_time(struct cel_time t, struct buf *out);
bool cel_time_valid(struct cel_time t);
bool cel_net_equal(struct cel_value x, struct cel_value y); /* cel_net.c */
uint64_t cel_net_size(struct cel_value v); /* bytes of an address, or of a prefix */
void cel_net_print(struct cel_value v, struct buf *out);
bool cel_semver_equal(struct cel_value x, struct cel_value y); /* cel_kube.c */
/* indexOf and lastIndexOf of texts; of lists: cel_lists.c. */
struct cel_value cel_string_index(struct cel_run *run, struct cel_value *args, size_t n, bool last);
/* NULL, and *failed says why, when the pattern is bad. */
struct pattern;
const struct pattern *cel_pattern(struct cel_run *run, const struct cel_node *node, struct str text,
                                  struct cel_value *failed);

#endif
