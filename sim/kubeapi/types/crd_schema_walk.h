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

struct schema_checker {
    const struct crd_schema_options *options;
    struct type_report *report;
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

/* ---- crd_schema_structural.c ---- */
/* Reports what keeps a node, or one below it, from being structural; in no order. */
void schema_check_structural(struct schema_checker *c, const struct schema_at *at, const cJSON *s,
                             enum schema_level level);

#endif
