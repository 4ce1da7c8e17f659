/* crd_schema_walk: what the files that check schemas share: where a node is, what is said of it, and the nodes below it. */
#ifndef PADDOCK_SIM_KUBEAPI_TYPES_CRD_SCHEMA_WALK_H
#define PADDOCK_SIM_KUBEAPI_TYPES_CRD_SCHEMA_WALK_H

#include "sim/kubeapi/types/crd_schema.h"

/* Where a node is: "properties[spec]", "allOf[0]", "items". */
struct schema_at {
    const struct schema_at *up;
    const char *part; /* NULL: the root, whose text is `key` */
    struct str key;   /* of a map; p NULL: none */
    size_t index;
    bool has_index;
};

#define SCHEMA_DEAREST_MAX 4u

struct schema_scope; /* crd_schema_rules.c */
struct schema_checker {
    const struct crd_schema_options *options;
    struct type_report *report;
    const struct schema_scope *scope; /* of the node whose rules are met */
    size_t schema_errors;             /* the first of the report, which are not of rules */
    uint64_t cost;                    /* of all rules so far */
    struct {
        struct str field;
        uint64_t cost;
    } dearest[SCHEMA_DEAREST_MAX];
    size_t dearest_n;
};

enum schema_level { SCHEMA_ROOT, SCHEMA_FIELD, SCHEMA_ITEM };

typedef void schema_visit_fn(struct schema_checker *c, const struct schema_at *at, const cJSON *s,
                             enum schema_level level);

/* The path of a node, or of a part of it (NULL: itself). */
struct str schema_text(struct schema_checker *c, const struct schema_at *at, const char *part);
void schema_required(struct schema_checker *c, const struct schema_at *at, const char *part,
                     const char *why);
void schema_forbidden(struct schema_checker *c, const struct schema_at *at, const char *part,
                      const char *why);
void schema_invalid(struct schema_checker *c, const struct schema_at *at, const char *part,
                    const cJSON *value, const char *why);
/* A type that a keyword asks for: missing or another. */
void schema_want_type(struct schema_checker *c, const struct schema_at *at, const cJSON *s,
                      const char *type, const char *why);
struct str schema_string(const cJSON *s, const char *key);
bool schema_flag(const cJSON *s, const char *key);

/* items, properties, additionalProperties; allOf, anyOf, oneOf, not. */
void schema_each_structure(struct schema_checker *c, const struct schema_at *at, const cJSON *s,
                           schema_visit_fn *visit);
void schema_each_branch(struct schema_checker *c, const struct schema_at *at, const cJSON *s,
                        schema_visit_fn *visit);

/* ---- crd_schema_rules.c ---- */
/* Reports rules that do not compile, or cost too much; nodes of which something is reported are passed over. */
void schema_check_rules(struct schema_checker *c, const struct schema_at *root, const cJSON *s);
/* ---- crd_schema_structural.c ---- */
/* Reports what keeps a node, or one below it, from being structural; in no order. */
void schema_check_structural(struct schema_checker *c, const struct schema_at *at, const cJSON *s,
                             enum schema_level level);

#endif
