/* walk: what built-in objects have to hold beyond their shape, as tables of rules, and the one walk that applies them.
 *
 *   static const struct rule spec_rules[] = {
 *       RULE_MIN("replicas", 0), RULE_CALL("selector", check_selector), RULE_IN("strategy", strategy_rules), RULE_END};
 *
 * The rows are applied in their order, which is the order in which the API tells what is wrong. What concerns several fields
 * is a function (RULE_CALL). A member that is absent passes every rule but RULE_REQUIRED, RULE_ENUM_SET and RULE_CALL.
 *
 * struct node is a value, what it was before an update, and where it stands: frames on the stack, made into text only when
 * something is wrong. Ownership: nothing is owned; problems go to the request (api_invalid), at most API_PROBLEMS_MAX.
 * Bounds: tables nest a fixed number of times; no recursion over the value. */
#ifndef PADDOCK_SIM_KUBEAPI_RULES_WALK_H
#define PADDOCK_SIM_KUBEAPI_RULES_WALK_H

#include "sim/kubeapi/core/request.h"
#include "sim/kubeapi/rules/names.h"

struct check { /* of one object */
    struct api_request *r;
    const struct api_kind *k;
    bool updating;
    const cJSON *root, *old_root; /* old: NULL when creating */
};

struct node {
    const cJSON *v, *old; /* NULL: absent */
    const struct node *up;
    struct str name; /* p NULL: the element `index` */
    size_t index;
    bool is_key; /* of a map: [name] */
};

enum rule_op {
    OP_END,
    OP_REQUIRED,  /* absent, or empty */
    OP_ENUM,      /* text: "A|B" in the order of the message */
    OP_ENUM_SET,  /* the same, and it must be there */
    OP_MIN,       /* a */
    OP_RANGE,     /* a..b */
    OP_NAME,      /* a: enum name_form; empty passes */
    OP_NAME_SET,  /* the same, and it must be there */
    OP_IMMUTABLE, /* on updates */
    OP_CALL,
    OP_IN,     /* the rules of an object that is there */
    OP_EACH,   /* the rules of each item of a list, or member of a map */
    OP_UNIQUE, /* items of a list are told apart by member `text`, or by themselves */
    OP_LABELS,
    OP_INTSTR, /* a number from 0, or a percentage */
};

struct rule {
    const char *field; /* NULL: the value itself */
    enum rule_op op;
    int64_t a, b;
    const char *text;
    const struct rule *rules;
    void (*call)(struct check *c, const struct node *n);
};

#define RULE_END                                                                                   \
    {                                                                                              \
        .op = OP_END                                                                               \
    }
#define RULE_REQUIRED(f)                                                                           \
    {                                                                                              \
        .field = (f), .op = OP_REQUIRED                                                            \
    }
#define RULE_REQUIRED_SAYING(f, t)                                                                 \
    {                                                                                              \
        .field = (f), .op = OP_REQUIRED, .text = (t)                                               \
    }
#define RULE_ENUM(f, values)                                                                       \
    {                                                                                              \
        .field = (f), .op = OP_ENUM, .text = (values)                                              \
    }
#define RULE_ENUM_SET(f, values)                                                                   \
    {                                                                                              \
        .field = (f), .op = OP_ENUM_SET, .text = (values)                                          \
    }
#define RULE_MIN(f, least)                                                                         \
    {                                                                                              \
        .field = (f), .op = OP_MIN, .a = (least)                                                   \
    }
#define RULE_RANGE(f, from, to)                                                                    \
    {                                                                                              \
        .field = (f), .op = OP_RANGE, .a = (from), .b = (to)                                       \
    }
#define RULE_PORT(f) RULE_RANGE(f, 1, 65535)
#define RULE_NAME(f, form)                                                                         \
    {                                                                                              \
        .field = (f), .op = OP_NAME, .a = (form)                                                   \
    }
#define RULE_NAME_SET(f, form)                                                                     \
    {                                                                                              \
        .field = (f), .op = OP_NAME_SET, .a = (form)                                               \
    }
#define RULE_IMMUTABLE(f)                                                                          \
    {                                                                                              \
        .field = (f), .op = OP_IMMUTABLE                                                           \
    }
#define RULE_CALL(f, fn)                                                                           \
    {                                                                                              \
        .field = (f), .op = OP_CALL, .call = (fn)                                                  \
    }
#define RULE_IN(f, r)                                                                              \
    {                                                                                              \
        .field = (f), .op = OP_IN, .rules = (r)                                                    \
    }
#define RULE_EACH(f, r)                                                                            \
    {                                                                                              \
        .field = (f), .op = OP_EACH, .rules = (r)                                                  \
    }
#define RULE_UNIQUE(f, member)                                                                     \
    {                                                                                              \
        .field = (f), .op = OP_UNIQUE, .text = (member)                                            \
    }
#define RULE_LABELS(f)                                                                             \
    {                                                                                              \
        .field = (f), .op = OP_LABELS                                                              \
    }
#define RULE_INTSTR(f)                                                                             \
    {                                                                                              \
        .field = (f), .op = OP_INTSTR                                                              \
    }

void rule_walk(struct check *c, const struct rule *rules, const struct node *n);

/* ---- nodes ---- */
struct node node_root(const struct check *c);
struct node node_at(const struct node *up, const char *member);
struct node node_item(const struct node *up, size_t index, const cJSON *v);
struct node node_key(const struct node *up, const cJSON *member);
/* Through "a.b"; the frames live in the arena. */
const struct node *node_path(struct check *c, const struct node *up, const char *dotted);
struct str node_text(struct check *c, const struct node *n); /* "spec.containers[0].name" */
static inline bool node_is(const struct node *n)
{
    return n->v && n->v->type != cJSON_NULL;
}
size_t node_count(const struct node *n); /* of a list or object */
bool node_changed(const struct node *n);
/* Absent, false, 0, "", [] and {}. */
bool json_is_empty(const cJSON *v);

/* ---- what is wrong ---- */
void rule_required(struct check *c, const struct node *n, const char *text); /* text NULL: none */
void rule_bad(struct check *c, const struct node *n, const char *fmt, ...) printf_like(3, 4);
/* With another value than the node's, as JSON. */
void rule_bad_json(struct check *c, const struct node *n, struct str json, const char *fmt, ...)
    printf_like(4, 5);
void rule_bad_text(struct check *c, const struct node *n, struct str value, const char *fmt, ...)
    printf_like(4, 5);
void rule_forbid(struct check *c, const struct node *n, const char *fmt, ...) printf_like(3, 4);
void rule_unsupported(struct check *c, const struct node *n, const char *values);
void rule_duplicate(struct check *c, const struct node *n);
void rule_not_found(struct check *c, const struct node *n);
void rule_too_long(struct check *c, const struct node *n, size_t bytes);
void rule_too_many(struct check *c, const struct node *n, size_t is, size_t most);
/* Every complaint about the node's string. */
bool rule_name(struct check *c, const struct node *n, enum name_form form);
void rule_immutable(struct check *c, const struct node *n);
void rule_min(struct check *c, const struct node *n, int64_t least);
bool rule_enum(struct check *c, const struct node *n, const char *values, bool set);
void rule_labels(struct check *c, const struct node *n);
/* Once more: a label selector's own form. */
void rule_selector(struct check *c, const struct node *n);
bool text_among(struct str s, const char *values); /* "A|B" */

#endif
