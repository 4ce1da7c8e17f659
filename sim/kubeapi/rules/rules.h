/* rules: what single built-in kinds need beyond their types: computed defaults, what an update keeps, what is refused.
 *
 *   decode ─► defaults (the writer owns them) ─► owners ─► admission ─► prepare (nobody owns it) ─► validate ─► store
 *
 * One row per kind in kinds.c. Rules are tables (walk.h) with functions for what concerns several fields. Order and words are
 * those of the reference implementation.
 * Status:   a write to the status subresource keeps the rest of the object; a row says which metadata it keeps as well. */
#ifndef PADDOCK_SIM_KUBEAPI_RULES_RULES_H
#define PADDOCK_SIM_KUBEAPI_RULES_RULES_H

#include "sim/kubeapi/rules/walk.h"

enum { /* what a write to the status cannot touch of metadata */
       STATUS_KEEPS_LABELS = 1 << 0,
       STATUS_KEEPS_OWNERS = 1 << 1,
       STATUS_KEEPS_ALL = 1 << 2, /* labels, annotations, finalizers, owners */
};

struct kind_rules {
    const char *table;
    /* old NULL: creating */
    void (*defaults)(struct api_request *r, cJSON *tree, bool creating);
    void (*prepare)(struct api_request *r, cJSON *tree, const struct kube_object *old);
    /* of a write to the status, in whose tree everything but the status stands raw */
    void (*status_defaults)(struct api_request *r, cJSON *tree, const struct kube_object *old);
    void (*check)(struct api_request *r, const cJSON *tree, const struct kube_object *old);
    const struct rule *rules;        /* of the whole object, in every version's storage form */
    const struct rule *update_rules; /* behind them, on updates */
    const struct rule *status_rules; /* of writes to the status */
    unsigned status_keeps;
    bool open_status; /* a create may say what the status is */
};

/* NULL: nothing beyond the type. */
const struct kind_rules *kind_rules_of(const struct api_kind *k);

/* Is it a pod's subresource that writes a part of the spec? Then tree becomes the old object with that part. */
bool rules_sub_tree(struct api_request *r, const struct kube_object *old, cJSON **tree);
bool rules_status_open(const struct api_kind *k);
void rules_status_default(struct api_request *r, const struct api_kind *k, cJSON *tree,
                          const struct kube_object *old);
/* Metadata that a write to the status keeps. */
void rules_status_metadata(struct api_request *r, const struct api_kind *k,
                           const struct kube_object *old, cJSON *metadata);

/* Name, labels, annotations, finalizers, owners: collects problems. */
void api_validate_metadata(struct api_request *r, const struct api_kind *k, const cJSON *metadata);
/* The same for an update: the name is the old one's. */
void api_validate_change(struct api_request *r, const struct api_kind *k, const cJSON *metadata);

void api_rules_default(struct api_request *r, const struct api_kind *k, cJSON *tree, bool creating);
/* What the server adds to an object of its own accord, behind the defaults: nobody owns it. */
void api_rules_prepare(struct api_request *r, const struct api_kind *k, cJSON *tree,
                       const struct kube_object *old); /* old NULL: creating */
void api_rules_validate(struct api_request *r, const struct api_kind *k, const cJSON *tree,
                        const struct kube_object *old, bool status); /* status: a write to it */
/* Parts of the old object that an update cannot touch. */
void api_rules_keep(struct api_request *r, const struct api_kind *k, const struct kube_object *old,
                    cJSON *tree);

/* ---- for the files of this folder ---- */
/* status.c */
void default_pod_status(struct api_request *r, cJSON *tree, const struct kube_object *old);
void default_service_status(struct api_request *r, cJSON *tree, const struct kube_object *old);
/* core.c */
void default_node_status(struct api_request *r, cJSON *tree, const struct kube_object *old);
/* podspec.c: rules and defaults of everything that holds a pod. */
extern const struct rule pod_spec_rules[];
void check_pod_template(struct check *c, const struct node *n); /* labels, annotations, spec */
void default_pod_spec(struct api_request *r, cJSON *spec);
void default_pod_template(struct api_request *r, cJSON *template);
void check_volumes(struct check *c, const struct node *n);
void check_containers(struct check *c, const struct node *n);
void check_init_containers(struct check *c, const struct node *n);
void check_ephemeral_containers(struct check *c, const struct node *n);
void check_resources(struct check *c, const struct node *n);
void check_amounts(struct check *c, const struct node *n); /* a map of quantities, none negative */
void check_claim_spec(struct check *c, const struct node *n);
void check_tolerations(struct check *c, const struct node *n);
void check_port_or_name(struct check *c, const struct node *n);
void check_positive(struct check *c, const struct node *n); /* a number */
struct str pod_qos(const cJSON *spec);

/* labels.c */
/* A label selector ({matchLabels, matchExpressions}); NULL selects nothing, {} everything. */
bool labels_selected(const cJSON *selector, const cJSON *labels);
bool labels_selected_object(const cJSON *selector, const struct kube_object *o);
bool selector_is_empty(const cJSON *selector);
/* "a=b,c in (d,e)". */
void selector_write(const cJSON *selector, struct buf *out);

/* gotext.c: values as the implementation prints its own structures. */
struct str internal_text(struct check *c, const char *type, const cJSON *v);
/* What differs, as a unified diff of the indented texts; begins with a line break. */
struct str internal_diff(struct check *c, const char *type, const cJSON *old, const cJSON *new);

/* service.c */
void default_service(struct api_request *r, cJSON *tree, bool creating);
void prepare_service(struct api_request *r, cJSON *tree, const struct kube_object *old);
/* pod.c */
void default_pod(struct api_request *r, cJSON *tree, bool creating);
void prepare_pod(struct api_request *r, cJSON *tree, const struct kube_object *old);
void check_pod(struct check *c, const struct node *n);
void check_pod_update(struct check *c, const struct node *n);
/* core.c */
void default_config(struct api_request *r, cJSON *tree, bool creating);
void default_secret(struct api_request *r, cJSON *tree, bool creating);
void default_namespace(struct api_request *r, cJSON *tree, bool creating);
void prepare_namespace(struct api_request *r, cJSON *tree, const struct kube_object *old);
void default_node(struct api_request *r, cJSON *tree, bool creating);
void default_limits(struct api_request *r, cJSON *tree, bool creating);
void prepare_status_phase(struct api_request *r, cJSON *tree, const struct kube_object *old);
/* quotas.c */
void prepare_event(struct api_request *r, cJSON *tree, const struct kube_object *old);
/* workloads.c, jobs.c */
void default_workload(struct api_request *r, cJSON *tree, bool creating);
void default_daemon_set(struct api_request *r, cJSON *tree, bool creating);
void default_replication(struct api_request *r, cJSON *tree, bool creating);
void default_stateful_set(struct api_request *r, cJSON *tree, bool creating);
void default_job(struct api_request *r, cJSON *tree, bool creating);
void default_cron_job(struct api_request *r, cJSON *tree, bool creating);
void default_pod_template_object(struct api_request *r, cJSON *tree, bool creating);
void prepare_daemon_set(struct api_request *r, cJSON *tree, const struct kube_object *old);
void prepare_job(struct api_request *r, cJSON *tree, const struct kube_object *old);
/* network.c, policy.c */
void default_network_policy(struct api_request *r, cJSON *tree, bool creating);
void default_autoscaler(struct api_request *r, cJSON *tree, bool creating);

extern const struct rule config_map_rules[], config_map_update_rules[], secret_rules[],
    secret_update_rules[], node_rules[], node_update_rules[], limit_range_rules[], quota_rules[],
    quota_status_rules[], replication_status_rules[], deployment_status_rules[],
    stateful_set_status_rules[], daemon_set_status_rules[], budget_status_rules[],
    autoscaler_status_rules[], service_status_rules[], ingress_status_rules[], pod_status_rules[],
    event_rules[], endpoints_rules[], service_rules[], service_update_rules[], claim_rules[],
    claim_update_rules[], volume_rules[], volume_update_rules[], pod_rules[], pod_update_rules[],
    pod_template_rules[], replication_rules[], deployment_rules[], deployment_update_rules[],
    replica_set_rules[], stateful_set_rules[], stateful_set_update_rules[], daemon_set_rules[],
    revision_rules[], revision_update_rules[], job_rules[], job_update_rules[], job_status_rules[],
    cron_job_rules[], ingress_rules[], ingress_class_rules[], ingress_class_update_rules[],
    network_policy_rules[], slice_rules[], slice_update_rules[], budget_rules[], autoscaler_rules[],
    priority_rules[], priority_update_rules[], runtime_class_rules[], runtime_class_update_rules[],
    lease_rules[], storage_class_rules[], storage_class_update_rules[], attachment_rules[],
    attachment_update_rules[], csi_driver_rules[], csi_node_rules[], csi_capacity_rules[],
    attributes_class_rules[], attributes_class_update_rules[], webhook_rules[], policy_rules[],
    policy_binding_rules[], api_service_rules[], flow_schema_rules[], priority_level_rules[],
    ip_address_rules[], ip_address_update_rules[], service_cidr_rules[],
    service_cidr_update_rules[], csi_capacity_update_rules[];

#endif
