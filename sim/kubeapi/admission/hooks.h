/* hooks: what admission webhooks and policies share: their configurations, which requests they are for, what their
 * expressions see.
 *
 *   store: configurations ─► hooks_next: parsed and compiled once a revision ─► hook_matches ─► conditions ─► call or evaluate
 *
 * Configurations act from the next request on, in the order of their names; they are never asked about themselves.
 * matchPolicy Equivalent: a rule for another version of the same resource matches too, and the hook sees that version.
 * Ownership: a config belongs to the server's cache until its object changes; attributes are the request's. */
#ifndef PADDOCK_SIM_KUBEAPI_ADMISSION_HOOKS_H
#define PADDOCK_SIM_KUBEAPI_ADMISSION_HOOKS_H

#include "sim/kubeapi/admission/admission.h"
#include "sim/kubeapi/cel/cel.h"
#include "sim/kubeapi/crd/crd_convert.h"

#define HOOK_CONDITIONS_MAX 64u
#define HOOK_CONFIGS_MAX    1024u /* in the cache: beyond, it is filled anew */

/* What expressions see, by slot. */
enum {
    HOOK_OBJECT,
    HOOK_OLD_OBJECT,
    HOOK_REQUEST,
    HOOK_AUTHORIZER,
    HOOK_REQUEST_RESOURCE, /* authorizer.requestResource */
    HOOK_PARAMS,
    HOOK_NAMESPACE,
    HOOK_VARIABLES,
    HOOK_SLOTS,
};

struct hook_condition {
    struct str name, expression;
    struct cel_program *program; /* NULL: it does not compile */
};
struct hook_conditions {
    struct hook_condition *list;
    size_t n;
};
struct policy;
struct hook_config {
    struct str name; /* of the object */
    struct str uid;
    uint64_t revision;
    struct arena a;
    cJSON *tree;
    struct hook_conditions *conditions; /* of webhooks[i]; of a policy: one */
    struct policy *policy;              /* policy.c */
};

void hooks_free(struct hooks *x); /* NULL is fine */
/* Each configuration of a table in the order of names; *i starts empty. NULL: the end. */
struct store_cursor hooks_begin(struct api_request *r, const char *table);
const struct hook_config *hooks_next(struct api_request *r, const char *table,
                                     struct store_cursor *cursor);

/* What a request is about, as hooks are told. */
struct hook_subject {
    struct admission *a;
    const char *operation; /* "CREATE" */
    struct str ns, name, uid;
    const cJSON *object, *old;        /* NULL: none; parts may stand raw */
    const cJSON *labels, *old_labels; /* NULL: no object, or none */
    const cJSON *ns_labels;           /* of its namespace, or its own where it is one */
    bool in_ns;                       /* the selector of namespaces has something to say */
    const struct api_kind *other;     /* by hook_prepare; NULL: none */
    cJSON *other_object, *other_old;
    bool mutating; /* a new object has nothing yet of what the server gives it */
};
void hook_subject_init(struct hook_subject *s, struct admission *a);
void hook_subject_refresh(struct hook_subject *s); /* the object has changed */
/* NULL: not for this hook; else the kind that it sees. rules and policy: "Exact" or "Equivalent". */
const struct api_kind *hook_matches(const struct hook_subject *s, const cJSON *rules,
                                    struct str match_policy);
bool hook_selected(const struct hook_subject *s, const cJSON *ns_selector,
                   const cJSON *object_selector);
bool hook_labels_match(const cJSON *selector, const cJSON *labels);
/* AdmissionReview's request, without the objects. */
cJSON *hook_request(const struct hook_subject *s, const struct api_kind *as);
/* The object as a version shows it; JSON null: there is none. */
cJSON *hook_object(const struct hook_subject *s, const struct api_kind *as, const cJSON *tree);
/* What the subject's object, or its options, are: of `as` as hook_matches gave it. */
const struct api_kind *hook_kind(const struct hook_subject *s, const struct api_kind *as);
/* Has the objects in the version that a hook sees, where a webhook of their definition must make it. *why: of CRD_BROKEN. */
enum crd_conversion hook_prepare(struct hook_subject *s, const struct api_kind *as,
                                 struct str *why);
/* And back: what a hook made of it, in the form of the request's own version. */
enum crd_conversion hook_object_back(const struct hook_subject *s, const struct api_kind *as,
                                     cJSON **tree, struct str *why);

/* ---- expressions ---- */
/* The variables of an expression; those behind `slots` are not there. */
void hook_env(struct arena *a, struct cel_var vars[HOOK_SLOTS], size_t slots, struct cel_env *env);
/* Compiles [{name, expression}]. */
void hook_conditions_compile(struct arena *a, const struct cel_env *env, const cJSON *list,
                             struct hook_conditions *out);
struct hook_run {
    struct api_request *r;
    struct cel_value vars[HOOK_SLOTS];
    struct cel_authorizer authorizer;
    uint64_t cost, budget; /* so far, and of how much */
    bool over;
};
void hook_run_init(struct hook_run *run, const struct hook_subject *s, const struct api_kind *as);
struct cel_value hook_eval(struct hook_run *run, const struct cel_program *p);
enum hook_verdict { HOOK_NO, HOOK_YES, HOOK_BROKEN };
/* Do all hold? One that does not decides, also over errors of others. *why: of HOOK_BROKEN. */
enum hook_verdict hook_conditions_hold(struct hook_run *run, const struct hook_conditions *c,
                                       struct str *why);
/* Collects what is wrong with the expressions of configurations as causes of one 422. */
void hook_check_expression(struct api_request *r, const struct cel_env *env, struct str field,
                           struct str text, enum cel_kind gives, struct cel_program **out);
void hook_check_conditions(struct api_request *r, const struct cel_env *env, struct str field,
                           const cJSON *list);

void policy_compile(struct hook_config *c);

#endif
