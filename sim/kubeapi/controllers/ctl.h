/* ctl: what the controllers of a control plane share: one work queue over the store.
 *
 *   store event ─► routes of its table ─► items (controller, namespace, name), each once ─► soon: sync(item), CTL_BATCH a tick
 *                                            ▲                                                  │ reads and writes the store
 *                                            └────────── ctl_after: timers on the world's clock ┘
 *
 * Level-triggered: a sync looks at the store as it is now and does the next step toward what is wanted; what it writes
 * brings it back. An item that is named twice is worked off once; outdated items do no harm.
 * Ownership: what ctl_get, ctl_owned and ctl_list give, and all of the arena, lives until the end of the sync.
 * Errors:    a write that fails (the object went, was changed, was refused) is reported by NULL or false: the event of what
 *            got in the way brings the item back, or the caller asks for another try with ctl_after.
 * Source:    Kubernetes 1.34's controller manager, scheduler and kubelet, as clients see them. */
#ifndef PADDOCK_SIM_KUBEAPI_CONTROLLERS_CTL_H
#define PADDOCK_SIM_KUBEAPI_CONTROLLERS_CTL_H

#include "engine/base/heap.h"
#include "engine/kube/scan.h"
#include "sim/kubeapi/controllers/workloads.h"
#include "sim/kubeapi/core/request.h"

#define CTL_BATCH  64u             /* items a tick */
#define CTL_SETTLE (2 * NS_PER_MS) /* what changes together is looked at once */

/* In the order in which items that are due together are worked off. */
enum ctl_kind {
    CTL_NODE,
    CTL_KUBELET, /* a pod that has a node */
    CTL_SCHEDULER,
    CTL_DEPLOYMENT,
    CTL_REPLICA_SET,
    CTL_REPLICATION,
    CTL_STATEFUL_SET,
    CTL_DAEMON_SET,
    CTL_JOB,
    CTL_CRON_JOB,
    CTL_ENDPOINTS,
    CTL_CLAIM,
    CTL_VOLUME,
    CTL_BUDGET,
    CTL_QUOTA,
    CTL_AUTOSCALER,
    CTL_KINDS
};

/* Tables that controllers touch: their order is that of ctl_tables. */
enum ctl_table {
    T_PODS,
    T_NODES,
    T_SERVICES,
    T_ENDPOINTS,
    T_EVENTS,
    T_CLAIMS,
    T_VOLUMES,
    T_QUOTAS,
    T_REPLICATIONS,
    T_NAMESPACES,
    T_DEPLOYMENTS,
    T_REPLICA_SETS,
    T_STATEFUL_SETS,
    T_DAEMON_SETS,
    T_REVISIONS,
    T_JOBS,
    T_CRON_JOBS,
    T_SLICES,
    T_BUDGETS,
    T_AUTOSCALERS,
    T_LEASES,
    T_CLASSES,
    CTL_TABLES
};

struct ctl_item;
struct stages;
struct ctl_nodes;

/* Looks at one object as the store has it now, and does the next step. */
typedef void (*ctl_sync)(struct ctl *c, struct str ns, struct str name);

struct ctl {
    struct kubeapi *api;
    const ctl_sync *syncs;            /* CTL_KINDS: workloads.c */
    struct kubeapi_workloads options; /* strings copied */
    struct store_table *tables[CTL_TABLES];
    struct map items[CTL_KINDS]; /* "ns/name" → struct ctl_item * */
    struct heap heap;            /* of items by when they are due */
    uint64_t seq;
    struct world_timer *timer;
    world_time armed; /* when the timer fires; -1: not running */
    bool syncing;
    /* of the sync under way */
    struct arena a;
    struct kube_object **held;
    size_t held_n, held_cap;
    /* pods and sets that nobody controls, by namespace: how many, as a number in the pointer's place */
    struct map stray_pods, stray_sets;
    struct ctl_nodes *nodes;  /* scheduler.c: what is free where */
    struct stages *stages;    /* NULL: the usual ones, not read yet */
    struct map plans;         /* kubelet.c: pod's uid → what will happen to it */
    struct world_timer *beat; /* of the fake kubelets */
    uint32_t beats;
    uint32_t pod_ips;
    /* make.c */
    struct list making; /* creations that wait for webhooks */
    size_t making_n;
    struct map
        refusals; /* owner's uid → struct str *: why the last creation for it came to nothing */
    struct map
        retries; /* item → how often it was tried in vain, as a number in the pointer's place */
};

/* ---- the queue: ctl.c ---- */
void ctl_soon(struct ctl *c, enum ctl_kind kind, struct str ns, struct str name);
/* No later than after the delay. */
void ctl_after(struct ctl *c, enum ctl_kind kind, struct str ns, struct str name, world_time delay);
void ctl_soon_owner(struct ctl *c, const struct kube_object *o); /* its controller, if we know it */
void ctl_soon_all(struct ctl *c, enum ctl_kind kind, enum ctl_table table, struct str ns);
void ctl_begin(struct ctl *c, const ctl_sync *syncs); /* c->api is there */
void ctl_forget(struct ctl *c);                       /* all that is to be done */
void ctl_end(struct ctl *c);                          /* nothing is to be done */
void ctl_end_sync(struct ctl *c); /* lets go of what was held, outside of the queue's own syncs */
void ctl_rest(struct ctl *c);     /* behind a burst of work: gives memory back */
world_time ctl_wall(struct ctl *c);
struct str ctl_now(struct ctl *c); /* RFC 3339, in the arena */

/* ---- reading: objects.c ---- */
struct kube_object *ctl_hold(struct ctl *c, struct kube_object *o);
struct kube_object *ctl_get(struct ctl *c, enum ctl_table table, struct str ns, struct str name);
struct ctl_list {
    struct kube_object **at;
    size_t n;
};
struct ctl_list ctl_list(struct ctl *c, enum ctl_table table, struct str ns);
/* Dependents in one table whose controller is the owner, in the order in which they came. */
struct ctl_list ctl_owned(struct ctl *c, enum ctl_table table, const struct kube_object *owner);
cJSON *ctl_tree(struct ctl *c, const struct kube_object *o);
cJSON *ctl_reference(struct ctl *c, const struct kube_object *o); /* as an ObjectReference */
bool ctl_number(const struct kube_object *o, const char *dotted, int64_t *out);
bool ctl_is(const struct kube_object *o, const char *dotted, const char *text);
struct str ctl_annotation(const struct kube_object *o, const char *key); /* unquoted */
/* What a number or a percentage comes to. */
int64_t ctl_int_or_percent(const cJSON *v, int64_t of, bool round_up, int64_t otherwise);
world_time ctl_time_at(const cJSON *v, const char *dotted); /* -1: absent */
world_time ctl_created(const struct kube_object *o);

/* ---- making, through admission and as the controller's account: make.c ----
 * Said in events about the owner: SuccessfulCreate, FailedCreate with the words of the refusal. */
#define CTL_RETRY_FIRST (5 * NS_PER_MS)
#define CTL_RETRY_MAX   (1000 * NS_PER_S)
enum ctl_made {
    CTL_MADE,
    CTL_REFUSED, /* *why; empty: the namespace is on its way out */
    CTL_WAITS    /* for webhooks: the owner is looked at again when they have answered */
};
struct ctl_making {
    enum ctl_kind ctl; /* whose sync it is of */
    enum ctl_table table;
    struct kube_object *owner;
    const char *component; /* "replicaset-controller" */
    struct str made;       /* "Created pod: ", the name follows unless named; empty: not said */
    struct str failed;     /* "Error creating: ", the reason follows; empty: not said */
    bool named;
};
enum ctl_made ctl_make(struct ctl *c, const struct ctl_making *m, cJSON *tree,
                       struct kube_object **out, struct str *why);
/* Creations for this owner that wait: until they are through it makes and removes nothing. */
size_t ctl_awaited(struct ctl *c, const struct kube_object *owner);
/* A creation that had waited was refused; told once. */
bool ctl_refused(struct ctl *c, const struct kube_object *owner, struct str *why);
void ctl_making_forget(struct ctl *c);
/* Another try: 5 ms after the first in vain, twice as long each time, up to 1000 s. */
void ctl_retry(struct ctl *c, enum ctl_kind kind, struct str ns, struct str name);
void ctl_forgive(struct ctl *c, enum ctl_kind kind, struct str ns, struct str name);

/* ---- writing, as the system: objects.c ---- */
struct kube_object *ctl_create(struct ctl *c, enum ctl_table table, struct str ns, cJSON *tree);
struct kube_object *ctl_update(struct ctl *c, enum ctl_table table, struct kube_object *old,
                               cJSON *tree);
/* The status becomes this one; nothing is written when it is that already. */
void ctl_set_status(struct ctl *c, enum ctl_table table, struct kube_object *o, cJSON *status);
/* tree: of the object as it is, no longer needed (NULL: not read yet). */
void ctl_put_status(struct ctl *c, enum ctl_table table, struct kube_object *o, cJSON *tree,
                    cJSON *status);
/* grace_s -1: what the object says. */
bool ctl_delete(struct ctl *c, enum ctl_table table, struct kube_object *o, int64_t grace_s);
cJSON *ctl_owner_reference(struct ctl *c, const struct kube_object *owner);
/* Sets a condition of an array; lastTransitionTime moves with the status. Null texts are left out. */
void ctl_condition(struct ctl *c, cJSON *status, const char *type, const char *value,
                   const char *reason, struct str message);
cJSON *ctl_condition_find(const cJSON *status, const char *type);
cJSON *ctl_condition_find_str(const cJSON *status, struct str type);

/* ---- events: record.c ---- */
enum ctl_event_type { EVENT_NORMAL, EVENT_WARNING };
void ctl_record(struct ctl *c, const struct kube_object *about, enum ctl_event_type type,
                const char *reason, const char *component, const char *fmt, ...) printf_like(6, 7);
/* The same about a part of it ("spec.containers{nginx}"), from a host. */
struct ctl_source {
    const char *component;
    struct str host, field;
};
void ctl_record_from(struct ctl *c, const struct kube_object *about, enum ctl_event_type type,
                     const char *reason, const struct ctl_source *from, struct str message);

/* ---- pods: pods.c ---- */
bool pod_finished(const struct kube_object *pod); /* Succeeded or Failed */
bool pod_active(const struct kube_object *pod);   /* neither finished nor on its way out */
bool pod_is_ready(const struct kube_object *pod);
/* Ready for so long; else *again is when to look again (0: not by time). */
bool pod_is_available(struct ctl *c, const struct kube_object *pod, int64_t min_ready_s,
                      world_time *again);
/* A pod of the template, owned by the owner. name empty: generated from the owner's. */
cJSON *pod_from_template(struct ctl *c, const struct kube_object *owner, const cJSON *template,
                         struct str name);
/* The owner's pods that are not on their way out of its hands: those that match no more are let go, strays that match are
 * taken. */
struct ctl_list pods_claim(struct ctl *c, const struct kube_object *owner, const cJSON *selector);
struct ctl_list sets_claim(struct ctl *c, const struct kube_object *owner, const cJSON *selector);
/* Sorts so that those come first that should go first when there are too many. */
void pods_rank(struct ctl *c, struct ctl_list *pods);

/* ---- revisions.c: of stateful and daemon sets ---- */
struct revisions {
    struct ctl_list list;       /* oldest first */
    struct kube_object *update; /* of the present template; NULL: could not be made */
};
/* What tells templates apart, as it stands in names and labels. */
struct str template_hash(struct ctl *c, const cJSON *template, int64_t collisions);
/* Finds or makes the revision of the owner's template; label: where the hash stands. */
struct revisions revisions_find(struct ctl *c, const struct kube_object *owner, const cJSON *tree,
                                const char *label);
struct kube_object *revision_named(const struct revisions *r, struct str name); /* NULL: none */
const cJSON *revision_template(struct ctl *c, const struct kube_object *revision);
/* Forgets the oldest beyond the limit that no pod is of: `used` are values of controller-revision-hash. */
void revisions_trim(struct ctl *c, struct revisions *r, int64_t limit,
                    bool (*used)(const void *arg, const struct kube_object *revision),
                    const void *arg);

/* ---- the controllers ---- */
void sync_deployment(struct ctl *c, struct str ns, struct str name);
void sync_replica_set(struct ctl *c, struct str ns, struct str name);
void sync_replication(struct ctl *c, struct str ns, struct str name);
void sync_stateful_set(struct ctl *c, struct str ns, struct str name);
void sync_daemon_set(struct ctl *c, struct str ns, struct str name);
void sync_job(struct ctl *c, struct str ns, struct str name);
void sync_cron_job(struct ctl *c, struct str ns, struct str name);
void sync_endpoints(struct ctl *c, struct str ns, struct str name);
void mirror_endpoints(struct ctl *c, struct str ns, struct str name); /* mirror.c */
void sync_claim(struct ctl *c, struct str ns, struct str name);
void sync_volume(struct ctl *c, struct str ns, struct str name);
void sync_budget(struct ctl *c, struct str ns, struct str name);
void sync_quota(struct ctl *c, struct str ns, struct str name);
void sync_autoscaler(struct ctl *c, struct str ns, struct str name);
void sync_node(struct ctl *c, struct str ns, struct str name);
void sync_scheduler(struct ctl *c, struct str ns, struct str name);
void sync_kubelet(struct ctl *c, struct str ns, struct str name);

/* What events of a table mean for whom: routes.c. */
void ctl_route(struct ctl *c, enum ctl_table table, struct store_event *e);
void ctl_route_all(struct ctl *c); /* everything is looked at, as after a restart */

/* scheduler.c */
struct ctl_nodes *ctl_nodes_new(void);
void ctl_nodes_free(struct ctl_nodes *x);
void ctl_nodes_reset(struct ctl_nodes *x);
void ctl_nodes_pod(struct ctl *c, const struct kube_object *pod, bool gone);
bool ctl_nodes_used(struct ctl *c, struct str node); /* it has pods that have not finished */
void ctl_nodes_changed(struct ctl *c);               /* whoever waits for a node tries again */
/* Its kubelet takes a pod in; false: another that runs there holds one of its ports. */
bool ctl_nodes_let_in(struct ctl *c, const struct kube_object *pod);
bool pod_tolerates(const cJSON *spec, const cJSON *taint, int64_t *seconds);
bool node_admits(struct ctl *c, const cJSON *spec, const struct kube_object *node,
                 const cJSON *node_tree);

/* nodes.c */
void nodes_register(struct ctl *c); /* the fake ones of the options */
void nodes_beat(void *owner);
bool node_is_kept(struct ctl *c, const struct kube_object *node); /* by a kubelet of ours */

#endif
