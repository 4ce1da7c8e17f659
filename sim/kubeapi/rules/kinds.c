/* The kinds that have rules of their own, in byte order of their tables. */
#include "sim/kubeapi/rules/rules.h"

#include "sim/kubeapi/auth/csr.h"
#include "sim/kubeapi/auth/rbac_objects.h"
#include "sim/kubeapi/crd/crds.h"

static void prepare_csr(struct api_request *r, cJSON *tree, const struct kube_object *old)
{
    if (!old)
        csr_stamp(r, tree);
}

static void default_role(struct api_request *r, cJSON *tree, bool creating)
{
    if (!creating)
        rbac_prepare_role(r, tree);
}

static void prepare_role(struct api_request *r, cJSON *tree, const struct kube_object *old)
{
    if (!old)
        rbac_prepare_role(r, tree);
}

static const struct kind_rules rows[] = {
    {.table = "apiservices.apiregistration.k8s.io",
     .rules = api_service_rules,
     .status_keeps = STATUS_KEEPS_ALL},
    {.table = "certificatesigningrequests.certificates.k8s.io",
     .defaults = csr_default,
     .prepare = prepare_csr,
     .check = csr_check},
    {.table = "clusterrolebindings.rbac.authorization.k8s.io",
     .defaults = rbac_default_binding,
     .check = rbac_check_binding},
    {.table = "clusterroles.rbac.authorization.k8s.io",
     .defaults = default_role,
     .prepare = prepare_role,
     .check = rbac_check_role},
    {.table = "configmaps",
     .defaults = default_config,
     .rules = config_map_rules,
     .update_rules = config_map_update_rules},
    {.table = "controllerrevisions.apps",
     .rules = revision_rules,
     .update_rules = revision_update_rules},
    {.table = "cronjobs.batch", .defaults = default_cron_job, .rules = cron_job_rules},
    {.table = "csidrivers.storage.k8s.io", .rules = csi_driver_rules},
    {.table = "csinodes.storage.k8s.io", .rules = csi_node_rules},
    {.table = "csistoragecapacities.storage.k8s.io",
     .rules = csi_capacity_rules,
     .update_rules = csi_capacity_update_rules},
    {.table = "customresourcedefinitions.apiextensions.k8s.io",
     .defaults = crds_default,
     .check = crds_check,
     .status_keeps = STATUS_KEEPS_ALL},
    {.table = "daemonsets.apps",
     .defaults = default_daemon_set,
     .prepare = prepare_daemon_set,
     .rules = daemon_set_rules,
     .update_rules = deployment_update_rules,
     .status_rules = daemon_set_status_rules},
    {.table = "deployments.apps",
     .defaults = default_workload,
     .rules = deployment_rules,
     .update_rules = deployment_update_rules,
     .status_keeps = STATUS_KEEPS_LABELS,
     .status_rules = deployment_status_rules},
    {.table = "endpoints", .rules = endpoints_rules},
    {.table = "endpointslices.discovery.k8s.io",
     .rules = slice_rules,
     .update_rules = slice_update_rules},
    {.table = "events", .prepare = prepare_event, .rules = event_rules},
    {.table = "flowschemas.flowcontrol.apiserver.k8s.io",
     .rules = flow_schema_rules,
     .status_keeps = STATUS_KEEPS_ALL},
    {.table = "horizontalpodautoscalers.autoscaling",
     .defaults = default_autoscaler,
     .rules = autoscaler_rules,
     .status_rules = autoscaler_status_rules},
    {.table = "ingressclasses.networking.k8s.io",
     .rules = ingress_class_rules,
     .update_rules = ingress_class_update_rules},
    {.table = "ingresses.networking.k8s.io",
     .rules = ingress_rules,
     .status_rules = ingress_status_rules},
    {.table = "ipaddresses.networking.k8s.io",
     .rules = ip_address_rules,
     .update_rules = ip_address_update_rules},
    {.table = "jobs.batch",
     .defaults = default_job,
     .prepare = prepare_job,
     .rules = job_rules,
     .update_rules = job_update_rules,
     .status_rules = job_status_rules},
    {.table = "leases.coordination.k8s.io", .rules = lease_rules},
    {.table = "limitranges", .defaults = default_limits, .rules = limit_range_rules},
    {.table = "mutatingwebhookconfigurations.admissionregistration.k8s.io", .rules = webhook_rules},
    {.table = "namespaces", .defaults = default_namespace, .prepare = prepare_namespace},
    {.table = "networkpolicies.networking.k8s.io",
     .defaults = default_network_policy,
     .rules = network_policy_rules},
    {.table = "nodes",
     .defaults = default_node,
     .rules = node_rules,
     .update_rules = node_update_rules,
     .status_defaults = default_node_status,
     .open_status = true},
    {.table = "persistentvolumeclaims",
     .prepare = prepare_status_phase,
     .rules = claim_rules,
     .update_rules = claim_update_rules},
    {.table = "persistentvolumes",
     .prepare = prepare_status_phase,
     .rules = volume_rules,
     .update_rules = volume_update_rules},
    {.table = "poddisruptionbudgets.policy",
     .rules = budget_rules,
     .status_rules = budget_status_rules},
    {.table = "pods",
     .defaults = default_pod,
     .prepare = prepare_pod,
     .rules = pod_rules,
     .update_rules = pod_update_rules,
     .status_keeps = STATUS_KEEPS_OWNERS,
     .status_defaults = default_pod_status,
     .status_rules = pod_status_rules},
    {.table = "podtemplates", .defaults = default_pod_template_object, .rules = pod_template_rules},
    {.table = "priorityclasses.scheduling.k8s.io",
     .rules = priority_rules,
     .update_rules = priority_update_rules},
    {.table = "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io",
     .rules = priority_level_rules,
     .status_keeps = STATUS_KEEPS_ALL},
    {.table = "replicasets.apps",
     .defaults = default_workload,
     .rules = replica_set_rules,
     .update_rules = deployment_update_rules,
     .status_rules = replication_status_rules},
    {.table = "replicationcontrollers",
     .defaults = default_replication,
     .rules = replication_rules,
     .status_rules = replication_status_rules},
    {.table = "resourcequotas", .rules = quota_rules, .status_rules = quota_status_rules},
    {.table = "rolebindings.rbac.authorization.k8s.io",
     .defaults = rbac_default_binding,
     .check = rbac_check_binding},
    {.table = "roles.rbac.authorization.k8s.io",
     .defaults = default_role,
     .prepare = prepare_role,
     .check = rbac_check_role},
    {.table = "runtimeclasses.node.k8s.io",
     .rules = runtime_class_rules,
     .update_rules = runtime_class_update_rules},
    {.table = "secrets",
     .defaults = default_secret,
     .rules = secret_rules,
     .update_rules = secret_update_rules},
    {.table = "servicecidrs.networking.k8s.io",
     .rules = service_cidr_rules,
     .update_rules = service_cidr_update_rules},
    {.table = "services",
     .defaults = default_service,
     .prepare = prepare_service,
     .rules = service_rules,
     .update_rules = service_update_rules,
     .status_defaults = default_service_status,
     .status_rules = service_status_rules},
    {.table = "statefulsets.apps",
     .defaults = default_stateful_set,
     .rules = stateful_set_rules,
     .update_rules = stateful_set_update_rules,
     .status_rules = stateful_set_status_rules},
    {.table = "storageclasses.storage.k8s.io",
     .rules = storage_class_rules,
     .update_rules = storage_class_update_rules},
    {.table = "validatingadmissionpolicies.admissionregistration.k8s.io",
     .rules = policy_rules,
     .status_keeps = STATUS_KEEPS_ALL},
    {.table = "validatingadmissionpolicybindings.admissionregistration.k8s.io",
     .rules = policy_binding_rules},
    {.table = "validatingwebhookconfigurations.admissionregistration.k8s.io",
     .rules = webhook_rules},
    {.table = "volumeattachments.storage.k8s.io",
     .rules = attachment_rules,
     .update_rules = attachment_update_rules,
     .status_keeps = STATUS_KEEPS_ALL},
    {.table = "volumeattributesclasses.storage.k8s.io",
     .rules = attributes_class_rules,
     .update_rules = attributes_class_update_rules},
};

const struct kind_rules *kind_rules_of(const struct api_kind *k)
{
    size_t from = 0, to = ARRAY_LEN(rows);
    if (k->flags & KIND_CUSTOM)
        return NULL;
    while (from < to) {
        size_t middle = (from + to) / 2;
        int order = str_cmp(str_c(rows[middle].table), k->table);
        if (order == 0)
            return &rows[middle];
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

/* ---- the steps of a write ---- */

static void drop_empty(cJSON *object, const char *key)
{
    const cJSON *v = object ? json_get(object, key) : NULL;
    if (v && (v->type == cJSON_Object || v->type == cJSON_Array) && !v->child)
        (void)json_unset(object, str_c(key));
}

void api_rules_default(struct api_request *r, const struct api_kind *k, cJSON *tree, bool creating)
{
    static const char *const optional[] = {"labels", "annotations", "finalizers",
                                           "ownerReferences"};
    const struct kind_rules *rules = kind_rules_of(k);
    for (size_t i = 0; i < ARRAY_LEN(optional); i++)
        drop_empty(json_get(tree, "metadata"), optional[i]);
    if (rules && rules->defaults)
        rules->defaults(r, tree, creating);
}

void api_rules_prepare(struct api_request *r, const struct api_kind *k, cJSON *tree,
                       const struct kube_object *old)
{
    const struct kind_rules *rules = kind_rules_of(k);
    if (rules && rules->prepare)
        rules->prepare(r, tree, old);
}

void api_rules_validate(struct api_request *r, const struct api_kind *k, const cJSON *tree,
                        const struct kube_object *old, bool status)
{
    const struct kind_rules *rules = kind_rules_of(k);
    struct check c = {.r = r, .k = k, .updating = old != NULL, .root = tree};
    size_t warned = r->warnings.n;
    if (!rules) {
        return;
    }
    const struct rule *first = status ? rules->status_rules : rules->rules;
    const struct rule *second = old && !status ? rules->update_rules : NULL;
    if (old && (first || second))
        c.old_root = kube_object_tree(old, &r->a);
    const struct node root = node_root(&c);
    if (first)
        rule_walk(&c, first, &root);
    if (second)
        rule_walk(&c, second, &root);
    if (!status && rules->check)
        rules->check(r, tree, old);
    if (r->problems_n > 0) /* what is refused is not warned of */
        r->warnings.n = warned;
}

/* ---- what updates keep ---- */

/* A namespace's spec.finalizers change through /finalize only, and its name label comes back. */
void api_rules_keep(struct api_request *r, const struct api_kind *k, const struct kube_object *old,
                    cJSON *tree)
{
    struct arena *a = &r->a;
    if (api_kind_is(k, "certificatesigningrequests.certificates.k8s.io"))
        csr_keep(r, old, tree);
    if (!api_kind_is(k, "namespaces"))
        return;
    cJSON *labels = json_ensure(a, tree, "metadata.labels"), *list = json_array(a);
    if (labels)
        json_set_str(a, labels, "kubernetes.io/metadata.name", old->name);
    if (r->system || r->finalize)
        return;
    const cJSON *was = json_path(kube_object_tree(old, a), "spec.finalizers");
    cJSON *spec = json_ensure(a, tree, "spec");
    for (const cJSON *f = was ? was->child : NULL; f; f = f->next)
        json_append(list, json_str(a, json_string(f)));
    if (spec && was)
        json_set(a, spec, STR("finalizers"), list);
    else if (spec)
        (void)json_unset(spec, STR("finalizers"));
}

bool rules_status_open(const struct api_kind *k)
{
    const struct kind_rules *rules = kind_rules_of(k);
    return rules && rules->open_status;
}

void rules_status_default(struct api_request *r, const struct api_kind *k, cJSON *tree,
                          const struct kube_object *old)
{
    const struct kind_rules *rules = kind_rules_of(k);
    if (rules && rules->status_defaults)
        rules->status_defaults(r, tree, old);
}

void rules_status_metadata(struct api_request *r, const struct api_kind *k,
                           const struct kube_object *old, cJSON *metadata)
{
    static const struct {
        const char *member;
        unsigned when;
    } kept[] = {
        {"labels", STATUS_KEEPS_LABELS | STATUS_KEEPS_ALL},
        {"ownerReferences", STATUS_KEEPS_OWNERS | STATUS_KEEPS_ALL},
        {"annotations", STATUS_KEEPS_ALL},
        {"finalizers", STATUS_KEEPS_ALL},
    };
    const struct kind_rules *rules = kind_rules_of(k);
    if (!rules || !rules->status_keeps || r->system)
        return;
    const cJSON *was = json_get(kube_object_tree(old, &r->a), "metadata");
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        const cJSON *v = json_get(was, kept[i].member);
        if (!(rules->status_keeps & kept[i].when))
            continue;
        if (v)
            json_set(&r->a, metadata, str_c(kept[i].member), json_copy(&r->a, v));
        else
            (void)json_unset(metadata, str_c(kept[i].member));
    }
}
