/* rbac_internal: the parsed form of roles and the index of bindings, shared by the files of the authorizer.
 *
 *   (namespace, subject) ─► bindings ─► role ─► rules        a decision costs the caller's own bindings, nobody else's
 *
 * Source: facts on the linear scan of the original (its cost grows with all bindings of the cluster). */
#ifndef PADDOCK_SIM_KUBEAPI_RBAC_INTERNAL_H
#define PADDOCK_SIM_KUBEAPI_RBAC_INTERNAL_H

#include "sim/kubeapi/api_internal.h"

struct rbac_words {
    struct str *items;
    size_t n;
};
struct rbac_rule {
    struct rbac_words verbs, groups, resources, names, urls;
};
struct rbac_role { /* parsed when first asked for; dropped when its object changes */
    struct arena a;
    struct rbac_rule *rules;
    size_t n;
    bool aggregated; /* its rules come from other cluster roles too */
};
struct rbac_binding {
    struct str key;       /* "ns/name" of the binding */
    struct str role;      /* "ns/name" of a Role, "/name" of a ClusterRole */
    struct str *subjects; /* keys of the subject index */
    size_t subjects_n;
};
struct rbac_subject {
    struct rbac_binding **bindings;
    size_t n, cap;
};

/* A decision, as long as no role and no binding changes: the same few questions are asked again and again. */
#define RBAC_MEMOS          8u
#define RBAC_MEMO_BYTES_MAX 512u /* a longer question is not remembered */
struct rbac_memo {
    uint64_t hash;
    struct str question; /* empty: none */
    bool allows;
};

struct rbac {
    struct kubeapi *api;
    struct rbac_memo memos[RBAC_MEMOS]; /* by hash */
    struct map roles;                   /* "ns/name" → struct rbac_role * */
    struct map bindings;                /* "ns/name" → struct rbac_binding * */
    struct map subjects;                /* "ns U:name", "ns G:name" → struct rbac_subject * */
    struct buf key;                     /* scratch */
    struct world_timer *aggregate;
};

struct rbac_role *rbac_role_get(struct rbac *x, struct str key); /* NULL: no such role */
void rbac_role_drop(struct rbac *x, struct str key);
void rbac_rules_parse(struct rbac_role *role, const cJSON *rules); /* adds them */
bool rbac_rule_allows(const struct rbac_rule *rule, const struct rbac_query *q);
struct kube_object *rbac_role_object(struct rbac *x, struct str key);

#endif
