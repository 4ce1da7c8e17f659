/* rules: what the values of a type have to hold, beyond their shape, and the check of a value against a graph of types.
 *
 * One walk gathers everything that is wrong, in the words that clients know:
 *
 *   spec.size: Invalid value: 30: spec.size in body should be less than or equal to 10
 *
 * Order:     shape, branches (anyOf...), strings, numbers, lists, enumerations, objects; then what embedded objects lack;
 *            then duplicates in lists that are sets or keyed. Members go in byte order of their names.
 * Old state: with the value as it was (`old`), what is wrong inside a part that did not change is not told: an object that
 *            was stored under older rules can still be changed elsewhere. Validation rules that it breaks become warnings,
 *            but for those that look back (oldSelf): they hold always.
 * Ownership: violations live in the report's arena; types and rules are borrowed.
 * Bounds:    depth by the value's (JSON_DEPTH_MAX); TYPE_VIOLATIONS_MAX are kept, the rest is counted out.
 * Raw parts: a cJSON_Raw node that is not a number stands for a part of the old object: it is not looked into. */
#ifndef PADDOCK_SIM_KUBEAPI_TYPES_RULES_H
#define PADDOCK_SIM_KUBEAPI_TYPES_RULES_H

#include "sim/kubeapi/types/decimal.h"
#include "sim/kubeapi/types/types.h"

#define TYPE_VIOLATIONS_MAX 64u

struct pattern;
struct format;

enum {
    RULE_MIN_LENGTH = 1 << 0,
    RULE_MAX_LENGTH = 1 << 1, /* code points */
    RULE_MIN_ITEMS = 1 << 2,
    RULE_MAX_ITEMS = 1 << 3,
    RULE_MIN_PROPERTIES = 1 << 4,
    RULE_MAX_PROPERTIES = 1 << 5,
    RULE_ABOVE_MINIMUM = 1 << 6, /* the minimum itself is not allowed */
    RULE_BELOW_MAXIMUM = 1 << 7,
};

enum { /* of violations: the checks, in the order in which they are told */
       TYPE_RANK_SCHEMA,
       TYPE_RANK_EMBEDDED,
       TYPE_RANK_LISTS,
       TYPE_RANK_RULES,
};

/* A rule of x-kubernetes-validations. */
struct type_cel_rule {
    struct str rule, message, message_expression, reason, field_path;
    bool optional_old_self;
    const void *program; /* what type_rules_cel.compile made of it */
};

struct type_rules {
    uint32_t has;
    int64_t min_length, max_length, min_items, max_items, min_properties, max_properties;
    const struct decimal *minimum, *maximum, *multiple_of; /* NULL: none */
    struct str pattern_text;
    const struct pattern *pattern;
    const struct format *format;
    const cJSON *enumeration; /* an array; NULL: none */
    const struct str *required;
    size_t required_n;
    const struct type *const *all_of, *const *any_of, *const *one_of;
    size_t all_of_n, any_of_n, one_of_n;
    const struct type *not_;
    struct str default_json; /* of items and of a map's values: for a null; empty: none */
    const struct type_cel_rule *cel;
    size_t cel_n;
};

struct type_violation {
    const char *reason; /* "FieldValueInvalid" */
    struct str field;   /* "spec.tags[0]" */
    struct str message; /* "Invalid value: ..." */
    unsigned rank;
    bool kept; /* of a rule that looks back: told also where nothing has changed */
};

struct type_report {
    struct arena *a;
    struct type_violation list[TYPE_VIOLATIONS_MAX];
    size_t n;
    uint64_t cel_cost; /* of the rules so far */
    bool cel_over;     /* they have cost too much: no further one is met */
    /* Rules that parts break which did not change: told, but nothing is refused for them. NULL: none */
    struct str *warnings;
    size_t warnings_n; /* TYPE_VIOLATIONS_MAX at most */
};

/* Where a value is, from the root up: frames on the stack, made into text only when something is wrong. */
struct type_path {
    const struct type_path *up; /* NULL: the root */
    struct str name;            /* a member, or the key of a map; p NULL: an element */
    size_t index;
};
/* "spec.tags[0].map.key"; empty for the root. */
struct str type_path_text(const struct type_path *path, struct arena *a);

/* What is known of a compiled rule before it runs. */
struct type_cel_facts {
    uint64_t cost, message_cost; /* at most, of one value; UINT64_MAX: without bounds */
    uint64_t values_max;         /* as many as a request holds when nothing else bounds them */
    bool looks_back;             /* at oldSelf */
};
/* What evaluates validation rules; a world without one refuses definitions that have them. */
struct type_rules_cel {
    /* NULL: compiled, *program set. ERR_INVALID: the rule is wrong; ERR_UNPROCESSABLE: its message expression is;
     * ERR_INTERNAL: rules can know nothing of such values. The message is what goes behind the value. */
    struct err *(*compile)(struct arena *a, const struct type *self, struct type_cel_rule *rule);
    /* Of a rule that compile has taken, but for its message perhaps. */
    void (*facts)(struct arena *a, const struct type *self, const struct type_cel_rule *rule,
                  struct type_cel_facts *out);
    /* Reports what does not hold; old NULL: there was none. */
    void (*check)(const struct type *t, const struct type_cel_rule *rule, const cJSON *v,
                  const cJSON *old, const struct type_path *path, struct type_report *report);
};

struct type_check {
    const struct type_rules_cel *cel; /* NULL: no rule is met */
    bool
        keys_held; /* the old object has no duplicates in its sets and keyed lists: the new one must have none */
};

/* Reports what is wrong with v. old NULL: the value is new. path NULL: v is the root. */
void type_validate(const struct type_check *check, const struct type *t, const cJSON *v,
                   const cJSON *old, const struct type_path *path, struct type_report *report);
/* Is v free of duplicates in sets and keyed lists? */
bool type_keys_hold(const struct type *t, const cJSON *v);

void type_report_add(struct type_report *report, unsigned rank, const char *reason,
                     struct str field, const char *fmt, ...) printf_like(5, 6);
/* Into the order of their ranks; within one as they were found. */
void type_report_sort(struct type_report *report);

#endif
