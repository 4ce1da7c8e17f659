/* rbac_internal: the index of bindings, shared by the files of the authorizer.
 *
 *   subject (scope, user or group) ─► bound (one per role) ─► role ─► rules
 *          │                            └─► links ─► bindings
 *          └─ of more than RBAC_FEW roles: buckets (group, resource, name) ─► verbs
 *
 * A decision costs the asker's own roles, however many bindings there are; from RBAC_FEW roles on a few look-ups. A
 * binding that comes or goes costs its own subjects, a role that changes the large subjects that have it.
 * Only what is stored in a role counts: aggregated rules are written into it by the controller (rbac_aggregate.c).
 * Source: facts on the linear scan of the original (its cost grows with all bindings of the cluster). */
#ifndef PADDOCK_SIM_KUBEAPI_AUTH_RBAC_INTERNAL_H
#define PADDOCK_SIM_KUBEAPI_AUTH_RBAC_INTERNAL_H

#include "sim/kubeapi/auth/rbac.h"

#define RBAC_FEW 16u /* roles of a subject that are looked at one by one */
#define RBAC_ATOMS_MAX                                                                             \
    4096u /* (group, resource, name) of one rule that is put into buckets; else it is wide */

struct rbac_words {
    struct str *items;
    size_t n;
};
struct rbac_rule {
    struct rbac_words verbs, groups, resources, names, urls;
};
struct rbac_role {  /* that some binding refers to */
    struct str key; /* "ns/name" of a Role, "/name" of a ClusterRole; owned */
    struct arena a;
    struct rbac_rule *rules;
    size_t n;
    size_t bounds;       /* that refer to it */
    struct list indexed; /* those of them whose subjects have buckets */
    bool parsed, missing;
};
struct rbac_subject {
    struct str key; /* "ns U:name", "ns G:name"; owned */
    struct rbac_bound **bounds;
    size_t n, cap;
    struct rbac_buckets *buckets; /* NULL: few roles */
};
struct rbac_bound { /* a subject has a role */
    struct rbac_subject *subject;
    struct rbac_role *role;
    size_t place;        /* in the subject's array */
    struct list links;   /* of its bindings, oldest first */
    struct list in_role; /* rbac_role.indexed */
};
struct rbac_link { /* one subject of one binding */
    struct list link;
    struct rbac_bound *bound;
    struct rbac_binding *binding;
};
struct rbac_binding {
    struct str key; /* "ns/name"; behind the links */
    size_t n;
    struct rbac_link links[];
};

/* A decision, as long as nothing was taken away (if it allows) or nothing at all has changed: the same few questions are
 * asked again and again. */
#define RBAC_MEMOS          8u
#define RBAC_MEMO_BYTES_MAX 512u /* a longer question is not remembered */
struct rbac_memo {
    uint64_t hash;
    struct str question; /* empty: none */
    uint64_t gained, lost;
    bool allows;
};

struct rbac {
    struct kubeapi *api;
    struct rbac_memo memos[RBAC_MEMOS];   /* by hash */
    struct rbac_memo covered[RBAC_MEMOS]; /* users who hold all of a role (grant.c) */
    uint64_t gained, lost; /* changes that may have given somebody a right, or taken one away */
    struct map roles;      /* "ns/name" → struct rbac_role * */
    struct map bindings;   /* "ns/name" → struct rbac_binding * */
    struct map subjects;   /* → struct rbac_subject * */
    struct map pairs; /* "role\nsubject" → struct rbac_bound *, of subjects with many roles */
    struct buf key;   /* scratch */
    struct map aggregated; /* names of cluster roles → struct rbac_aggregate * */
    struct map stale;      /* names of those whose rules are to be gathered */
    struct world_timer *aggregate;
};

/* ---- rbac_rules.c: roles ---- */
void rbac_rules_parse(struct arena *a, const cJSON *rules, struct rbac_rule **out, size_t *n);
bool rbac_rule_allows(const struct rbac_rule *rule, const struct rbac_query *q);
struct kube_object *rbac_role_object(struct rbac *x, struct str key);
/* Parses it if that is still to be done. */
void rbac_role_read(struct rbac *x, struct rbac_role *role);
bool rbac_role_allows(struct rbac *x, struct rbac_role *role, const struct rbac_query *q);

/* ---- rbac_index.c ---- */
void rbac_index_put(struct rbac *x, const struct kube_object *binding);
void rbac_index_remove(struct rbac *x, struct str ns, struct str name);
void rbac_index_role(struct rbac *x, const struct kube_object *role); /* it has changed */
void rbac_index_clear(struct rbac *x);
struct str rbac_subject_key(struct rbac *x, struct str ns, bool group, struct str name);
struct rbac_subject *rbac_subject_of(struct rbac *x, struct str ns, bool group, struct str name);

/* ---- rbac_buckets.c: rights of one subject by what they are about ---- */
struct rbac_buckets *rbac_buckets_new(void);
void rbac_buckets_free(struct rbac_buckets *b);
void rbac_buckets_add(struct rbac_buckets *b, struct rbac_bound *bound); /* its role is parsed */
void rbac_buckets_remove(struct rbac_buckets *b, struct rbac_bound *bound);
size_t rbac_buckets_missing(const struct rbac_buckets *b); /* bounds whose role is not there */
/* *by: through which role; may be NULL although it allows: one of the subject's. */
bool rbac_buckets_allow(const struct rbac_buckets *b, const struct rbac_query *q,
                        struct rbac_bound **by);

/* ---- rbac_memo.c ---- */
struct rbac_question {
    char bytes[RBAC_MEMO_BYTES_MAX];
    size_t n; /* over RBAC_MEMO_BYTES_MAX: too long to be remembered */
};
void rbac_question_user(struct rbac_question *to, const struct api_user *user);
void rbac_question_add(struct rbac_question *to, struct str part);
/* The slot where the question is, or goes: empty then. NULL: it is too long. */
struct rbac_memo *rbac_memo_slot(struct rbac *x, struct rbac_memo *memos,
                                 const struct rbac_question *q);
void rbac_memo_put(struct rbac *x, struct rbac_memo *slot, const struct rbac_question *q,
                   bool allows);
void rbac_memos_clear(struct rbac *x);

/* ---- rbac_aggregate.c ---- */
void rbac_aggregate_event(struct rbac *x, struct store_event *e);
void rbac_aggregate_reset(struct rbac *x);
void rbac_aggregate_clear(struct rbac *x);
void rbac_aggregate_run(void *owner); /* struct rbac: the timer's */

#endif
