/* admission: what looks at a write between its owners and the store, in one ordered table (admission.c).
 *
 *   decode ─► defaults ─► owners ─► mutate… ─► prepare ─► validation (422) ─► validate… ─► store
 *
 * A plug-in says which verbs and kinds it is for, and may change the object (mutate) or refuse the request (either): it
 * answers and returns false. The system's own writes pass none; what controllers
 * make is no such write (controllers/make.c). A new plug-in is a function and a row.
 * Ownership: the object's tree is the request's; nothing is kept. What a plug-in needs of other kinds it reads from the store. */
#ifndef PADDOCK_SIM_KUBEAPI_ADMISSION_ADMISSION_H
#define PADDOCK_SIM_KUBEAPI_ADMISSION_ADMISSION_H

#include "sim/kubeapi/core/request.h"

enum {
    ADMIT_CREATE = 1 << 0,
    ADMIT_UPDATE = 1 << 1,
    ADMIT_DELETE = 1 << 2,
    ADMIT_CONNECT = 1 << 3
};

struct admission {
    struct api_request *r;
    const struct api_kind *k;
    unsigned verb;                 /* ADMIT_... */
    struct str sub;                /* "status"; empty: the main resource */
    cJSON *object;                 /* NULL: a deletion */
    const struct kube_object *old; /* NULL: a creation */
    const struct api_kind
        *as;               /* what the object is where it is no k: a Scale, a Binding; else NULL */
    const cJSON *old_tree; /* of such an object: what was there before; NULL: nothing */
    /* The server's own plug-ins once more, after webhooks have changed the object: admission_mutate sets it. */
    bool (*again)(struct admission *a);
};

/* Which writes of a kind a plug-in looks at. */
enum admission_scope {
    ADMISSION_MAIN, /* of the resource itself */
    ADMISSION_SUBS, /* also of its subresources that are the object */
    ADMISSION_ANY   /* also of those with objects of their own */
};

struct admission_plugin {
    const char *name;
    unsigned verbs;
    const char *tables; /* "pods|services"; NULL: all */
    enum admission_scope scope;
    bool (*mutate)(struct admission *a);
    bool (*validate)(struct admission *a);
};

/* False: answered. */
bool admission_mutate(struct admission *a);
bool admission_validate(struct admission *a);
/* What those that mutate call a new object when they refuse it: a name that is drawn comes later, "x-" stands for it. */
struct str admission_name(const struct api_request *r, const cJSON *object);
/* The object of a subresource that is another kind than its parent, or the options of a connection: r->sub's row says
 * what it is unless `as` does. The write to the parent that follows passes no admission. False: answered, or waiting. */
bool admission_sub(struct api_request *r, unsigned verb, const struct api_kind *as, cJSON *object,
                   const cJSON *old_tree);

/* ---- plug-ins ---- */
bool admit_priority(struct admission *a);
bool admit_tolerations(struct admission *a);
bool admit_runtime_class(struct admission *a);
bool admit_storage_class(struct admission *a);
bool admit_protection(struct admission *a);
bool admit_taint(struct admission *a);
bool admit_node_restriction(struct admission *a);
bool admit_certificate_subject(struct admission *a);
bool admit_limit_defaults(struct admission *a);
bool admit_limits(struct admission *a);
bool admit_quota(struct admission *a);
/* By the specs of the quota and of the pod: does it count this one? */
bool quota_covers_pod(const cJSON *quota, const cJSON *spec);
bool quota_is_scoped(const cJSON *quota);   /* such a quota counts pods alone */
size_t quota_node_ports(const cJSON *spec); /* how many of them a service of this spec counts for */
bool admit_pod_security(struct admission *a);
bool admit_pod_security_labels(struct admission *a); /* of a namespace */
bool admit_default_class(struct admission *a);
bool admit_webhooks_mutate(struct admission *a);
bool admit_webhooks_validate(struct admission *a);
bool admit_policies(struct admission *a);

#endif
