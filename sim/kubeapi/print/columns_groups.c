/* Columns of the other groups, as the reference server names, orders and describes them (clients show the
 * descriptions as they are): name, type, format, cell, its argument, priority, description. */
#include "sim/kubeapi/print/cell.h"

/* clang-format off */
static const struct print_column apiservices_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Service", "string", "", cell_apiservice_service, "", 0, "The service that answers for the group, or Local."},
    {"Available", "string", "", cell_apiservice_available, "", 0, "Whether, or how many are, available."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

static const struct print_column controllerrevisions_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Controller", "string", "", cell_controller, "", 0, "Controller of the object"},
    {"Revision", "string", "", cell_integer, "revision", 0, "revision indicates the revision of the state represented by Data."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

static const struct print_column daemonsets_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Desired", "integer", "", cell_integer, "status.desiredNumberScheduled", 0, "The total number of nodes that should be running the daemon pod (including nodes correctly running the daemon pod). More info: https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/"},
    {"Current", "integer", "", cell_integer, "status.currentNumberScheduled", 0, "The number of nodes that are running at least 1 daemon pod and are supposed to run the daemon pod. More info: https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/"},
    {"Ready", "integer", "", cell_integer, "status.numberReady", 0, "The number of nodes that should be running the daemon pod and have one or more of the daemon pod running and ready."},
    {"Up-to-date", "integer", "", cell_integer, "status.updatedNumberScheduled", 0, "The total number of nodes that are running updated daemon pod"},
    {"Available", "integer", "", cell_integer, "status.numberAvailable", 0, "The number of nodes that should be running the daemon pod and have one or more of the daemon pod running and available (ready for at least spec.minReadySeconds)"},
    {"Node Selector", "string", "", cell_labels, "spec.template.spec.nodeSelector", 0, "NodeSelector is a selector which must be true for the pod to fit on a node. Selector which must match a node's labels for the pod to be scheduled on that node. More info: https://kubernetes.io/docs/concepts/configuration/assign-pod-node/"},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
    {"Containers", "string", "", cell_containers, "spec.template.spec", 1, TEXT_CONTAINERS},
    {"Images", "string", "", cell_images, "spec.template.spec", 1, TEXT_IMAGES},
    {"Selector", "string", "", cell_selector, "spec.selector", 1, "A label query over pods that are managed by the daemon set. Must match in order to be controlled. If empty, defaulted to labels on Pod template. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors"},
};

static const struct print_column deployments_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Ready", "string", "", cell_ready_of, "status.readyReplicas spec.replicas", 0, "Ready pods of the desired ones."},
    {"Up-to-date", "string", "", cell_integer, "status.updatedReplicas", 0, "Pods of the present template."},
    {"Available", "string", "", cell_integer, "status.availableReplicas", 0, "Whether, or how many are, available."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
    {"Containers", "string", "", cell_containers, "spec.template.spec", 1, TEXT_CONTAINERS},
    {"Images", "string", "", cell_images, "spec.template.spec", 1, TEXT_IMAGES},
    {"Selector", "string", "", cell_selector, "spec.selector", 1, "The selected pods."},
};

static const struct print_column replicasets_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Desired", "integer", "", cell_integer, "spec.replicas", 0, "Replicas is the number of desired pods. This is a pointer to distinguish between explicit zero and unspecified. Defaults to 1. More info: https://kubernetes.io/docs/concepts/workloads/controllers/replicaset"},
    {"Current", "integer", "", cell_integer, "status.replicas", 0, "Replicas is the most recently observed number of non-terminating pods. More info: https://kubernetes.io/docs/concepts/workloads/controllers/replicaset"},
    {"Ready", "integer", "", cell_integer, "status.readyReplicas", 0, "The number of non-terminating pods targeted by this ReplicaSet with a Ready Condition."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
    {"Containers", "string", "", cell_containers, "spec.template.spec", 1, TEXT_CONTAINERS},
    {"Images", "string", "", cell_images, "spec.template.spec", 1, TEXT_IMAGES},
    {"Selector", "string", "", cell_selector, "spec.selector", 1, "Selector is a label query over pods that should match the replica count. If the selector is empty, it is defaulted to the labels present on the pod template. Label keys and values that must match in order to be controlled by this replica set. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors"},
};

static const struct print_column statefulsets_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Ready", "string", "", cell_ready_of, "status.readyReplicas spec.replicas", 0, "Ready pods of the desired ones."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
    {"Containers", "string", "", cell_containers, "spec.template.spec", 1, TEXT_CONTAINERS},
    {"Images", "string", "", cell_images, "spec.template.spec", 1, TEXT_IMAGES},
};

static const struct print_column horizontalpodautoscalers_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Reference", "string", "", cell_hpa_reference, "", 0, "scaleTargetRef points to the target resource to scale, and is used to the pods for which metrics should be collected, as well as to actually change the replica count."},
    {"Targets", "string", "", cell_hpa_targets, "", 0, "metrics contains the specifications for which to use to calculate the desired replica count (the maximum replica count across all metrics will be used).  The desired replica count is calculated multiplying the ratio between the target value and the current value by the current number of pods.  Ergo, metrics used must decrease as the pod count is increased, and vice-versa.  See the individual metric source types for more information about how each type of metric must respond."},
    {"MinPods", "string", "", cell_hpa_min, "", 0, "minReplicas is the lower limit for the number of replicas to which the autoscaler can scale down.  It defaults to 1 pod.  minReplicas is allowed to be 0 if the alpha feature gate HPAScaleToZero is enabled and at least one Object or External metric is configured.  Scaling is active as long as at least one metric value is available."},
    {"MaxPods", "string", "", cell_integer, "spec.maxReplicas", 0, "maxReplicas is the upper limit for the number of replicas to which the autoscaler can scale up. It cannot be less that minReplicas."},
    {"Replicas", "string", "", cell_integer, "status.currentReplicas", 0, "currentReplicas is current number of replicas of pods managed by this autoscaler, as last seen by the autoscaler."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

static const struct print_column cronjobs_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Schedule", "string", "", cell_string, "spec.schedule", 0, "When jobs are started, in cron form."},
    {"Timezone", "string", "", cell_string_or_none, "spec.timeZone", 0, "The time zone of the schedule."},
    {"Suspend", "boolean", "", cell_printed_bool, "spec.suspend", 0, "Whether no further jobs are started."},
    {"Active", "integer", "", cell_count_elements, "status.active", 0, "Jobs that are running."},
    {"Last Schedule", "string", "", cell_since_or_none, "status.lastScheduleTime", 0, "How long ago a job was started last."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
    {"Containers", "string", "", cell_containers, "spec.jobTemplate.spec.template.spec", 1, TEXT_CONTAINERS},
    {"Images", "string", "", cell_images, "spec.jobTemplate.spec.template.spec", 1, TEXT_IMAGES},
    {"Selector", "string", "", cell_selector, "spec.jobTemplate.spec.selector", 1, "The selected pods."},
};

static const struct print_column jobs_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Status", "string", "", cell_job_status, "", 0, "Status of the job."},
    {"Completions", "string", "", cell_job_completions, "", 0, "The number of pods which reached phase Succeeded. The value increases monotonically for a given spec. However, it may decrease in reaction to scale down of elastic indexed jobs."},
    {"Duration", "string", "", cell_job_duration, "", 0, "Time required to complete the job."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
    {"Containers", "string", "", cell_containers, "spec.template.spec", 1, TEXT_CONTAINERS},
    {"Images", "string", "", cell_images, "spec.template.spec", 1, TEXT_IMAGES},
    {"Selector", "string", "", cell_selector, "spec.selector", 1, "A label query over pods that should match the pod count. Normally, the system sets this field for you. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors"},
};

static const struct print_column certificatesigningrequests_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
    {"SignerName", "string", "", cell_string_or_none, "spec.signerName", 0, "The signer that is asked."},
    {"Requestor", "string", "", cell_string, "spec.username", 0, "The user who asks."},
    {"RequestedDuration", "string", "", cell_csr_duration, "", 0, "How long the certificate should be valid."},
    {"Condition", "string", "", cell_csr_condition, "", 0, "What was decided."},
};

static const struct print_column ingressclasses_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Controller", "string", "", cell_string, "spec.controller", 0, "The controller in charge."},
    {"Parameters", "string", "", cell_ingressclass_parameters, "", 0, "An object with further settings."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

static const struct print_column ingresses_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Class", "string", "", cell_string_or_none, "spec.ingressClassName", 0, "The class of the ingress."},
    {"Hosts", "string", "", cell_ingress_hosts, "", 0, "Hosts of the rules."},
    {"Address", "string", "", cell_ingress_address, "", 0, "Addresses of the load balancer."},
    {"Ports", "string", "", cell_ingress_ports, "", 0, "Ports that are served."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

static const struct print_column ipaddresses_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"ParentRef", "string", "", cell_ip_parent, "", 0, "The object that the address belongs to."},
};

static const struct print_column networkpolicies_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Pod-Selector", "string", "", cell_selector, "spec.podSelector", 0, "Selects the pods to which this NetworkPolicy object applies.  The array of ingress rules is applied to any pods selected by this field. Multiple network policies can select the same set of pods.  In this case, the ingress rules for each are combined additively. This field is NOT optional and follows standard label selector semantics. An empty podSelector matches all pods in this namespace."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

static const struct print_column servicecidrs_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"CIDRs", "string", "", cell_joined, "spec.cidrs", 0, "Ranges of addresses."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

static const struct print_column poddisruptionbudgets_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Min Available", "string", "", cell_scalar_or_na, "spec.minAvailable", 0, "The minimum number of pods that must be available."},
    {"Max Unavailable", "string", "", cell_scalar_or_na, "spec.maxUnavailable", 0, "The maximum number of pods that may be unavailable."},
    {"Allowed Disruptions", "integer", "", cell_integer, "status.disruptionsAllowed", 0, "Calculated number of pods that may be disrupted at this time."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

static const struct print_column clusterrolebindings_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Role", "string", "", cell_binding_role, "", 0, "RoleRef can only reference a ClusterRole in the global namespace. If the RoleRef cannot be resolved, the Authorizer must return an error."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
    {"Users", "string", "", cell_binding_subjects, "User", 1, "Users in the clusterRoleBinding"},
    {"Groups", "string", "", cell_binding_subjects, "Group", 1, "Groups in the clusterRoleBinding"},
    {"ServiceAccounts", "string", "", cell_binding_subjects, "ServiceAccount", 1, "ServiceAccounts in the clusterRoleBinding"},
};

static const struct print_column clusterroles_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Created At", "date", "", cell_created, "", 0, TEXT_AGE},
};

static const struct print_column rolebindings_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Role", "string", "", cell_binding_role, "", 0, "The role that is bound."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
    {"Users", "string", "", cell_binding_subjects, "User", 1, "Users in the roleBinding"},
    {"Groups", "string", "", cell_binding_subjects, "Group", 1, "Groups in the roleBinding"},
    {"ServiceAccounts", "string", "", cell_binding_subjects, "ServiceAccount", 1, "ServiceAccounts in the roleBinding"},
};

static const struct print_column csidrivers_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"AttachRequired", "boolean", "", cell_bool_or_true, "spec.attachRequired", 0, "Whether volumes must be attached first."},
    {"PodInfoOnMount", "boolean", "", cell_boolean, "spec.podInfoOnMount", 0, "Whether mounts are told about the pod."},
    {"StorageCapacity", "boolean", "", cell_boolean, "spec.storageCapacity", 0, "Whether capacity is published."},
    {"TokenRequests", "string", "", cell_token_requests, "", 0, "Audiences of the tokens that mounts get."},
    {"RequiresRepublish", "boolean", "", cell_boolean, "spec.requiresRepublish", 0, "Whether mounts are repeated."},
    {"Modes", "string", "", cell_joined_or_none, "spec.volumeLifecycleModes", 0, "Kinds of volumes that are supported."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

static const struct print_column csinodes_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Drivers", "integer", "", cell_count_elements, "spec.drivers", 0, "How many drivers the node has."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

static const struct print_column storageclasses_columns[] = {
    {"Name", "string", "name", cell_class_name, "", 0, TEXT_NAME},
    {"Provisioner", "string", "", cell_string, "provisioner", 0, "Who makes the volumes."},
    {"ReclaimPolicy", "string", "", cell_string_or_delete, "reclaimPolicy", 0, "What becomes of released volumes."},
    {"VolumeBindingMode", "string", "", cell_string_or_immediate, "volumeBindingMode", 0, "When volumes are bound."},
    {"AllowVolumeExpansion", "string", "", cell_boolean, "allowVolumeExpansion", 0, "Whether volumes may grow."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

static const struct print_column volumeattachments_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Attacher", "string", "", cell_string, "spec.attacher", 0, "The driver that attaches."},
    {"PV", "string", "", cell_string, "spec.source.persistentVolumeName", 0, "The volume."},
    {"Node", "string", "", cell_string, "spec.nodeName", 0, "The node."},
    {"Attached", "boolean", "", cell_boolean, "status.attached", 0, "Whether it is attached."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

static const struct print_column volumeattributesclasses_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"DriverName", "string", "", cell_string, "driverName", 0, "The driver."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

static const struct print_column mutatingwebhookconfigurations_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Webhooks", "integer", "", cell_count_elements, "webhooks", 0, "How many webhooks are configured."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

static const struct print_column validatingadmissionpolicies_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Validations", "integer", "", cell_count_elements, "spec.validations", 0, "How many validations the policy has."},
    {"ParamKind", "string", "", cell_param_kind, "", 0, "The kind of the parameters."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

static const struct print_column validatingadmissionpolicybindings_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"PolicyName", "string", "", cell_string, "spec.policyName", 0, "The policy that is bound."},
    {"ParamRef", "string", "", cell_param_ref, "", 0, "The parameters."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

static const struct print_column priorityclasses_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Value", "integer", "", cell_integer, "value", 0, "value represents the integer value of this priority class. This is the actual priority that pods receive when they have the name of this class in their pod spec."},
    {"Global-Default", "boolean", "", cell_boolean, "globalDefault", 0, "globalDefault specifies whether this PriorityClass should be considered as the default priority for pods that do not have any priority class. Only one PriorityClass can be marked as `globalDefault`. However, if more than one PriorityClasses exists with their `globalDefault` field set to true, the smallest value of such global default PriorityClasses will be used as the default priority."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
    {"PreemptionPolicy", "string", "", cell_string, "preemptionPolicy", 0, "preemptionPolicy is the Policy for preempting pods with lower priority. One of Never, PreemptLowerPriority. Defaults to PreemptLowerPriority if unset."},
};

static const struct print_column leases_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Holder", "string", "", cell_string, "spec.holderIdentity", 0, "Who holds the lease."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

static const struct print_column runtimeclasses_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Handler", "string", "", cell_string, "handler", 0, "The handler of the container runtime."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

static const struct print_column endpointslices_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"AddressType", "string", "", cell_string, "addressType", 0, "The kind of addresses."},
    {"Ports", "string", "", cell_slice_ports, "", 0, "Ports that are served."},
    {"Endpoints", "string", "", cell_slice_endpoints, "", 0, "Addresses and ports that the traffic goes to."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

static const struct print_column deviceclasses_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

static const struct print_column resourceclaims_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"State", "string", "", cell_claim_state, "", 0, "Whether it is allocated and reserved."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

static const struct print_column resourceslices_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Node", "string", "", cell_string, "spec.nodeName", 0, "The node."},
    {"Driver", "string", "", cell_string, "spec.driver", 0, "The driver."},
    {"Pool", "string", "", cell_string, "spec.pool.name", 0, "The pool of devices."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

static const struct print_column flowschemas_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"PriorityLevel", "string", "", cell_string, "spec.priorityLevelConfiguration.name", 0, "The priority level of matching requests."},
    {"MatchingPrecedence", "string", "", cell_integer, "spec.matchingPrecedence", 0, "Lower numbers are matched first."},
    {"DistinguisherMethod", "string", "", cell_string_or_none, "spec.distinguisherMethod.type", 0, "How flows are told apart."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
    {"MissingPL", "string", "", cell_flow_missing, "", 0, "Whether the priority level is missing."},
};

static const struct print_column prioritylevelconfigurations_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Type", "string", "", cell_string, "spec.type", 0, "The type."},
    {"NominalConcurrencyShares", "string", "", cell_level_shares, "", 0, "The share of concurrency."},
    {"Queues", "string", "", cell_scalar_or_none, "spec.limited.limitResponse.queuing.queues", 0, "How many queues there are."},
    {"HandSize", "string", "", cell_scalar_or_none, "spec.limited.limitResponse.queuing.handSize", 0, "Queues in a hand."},
    {"QueueLengthLimit", "string", "", cell_scalar_or_none, "spec.limited.limitResponse.queuing.queueLengthLimit", 0, "Requests that a queue may hold."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

const struct print_kind print_kinds_groups[] = {
    {"apiservices.apiregistration.k8s.io", apiservices_columns, ARRAY_LEN(apiservices_columns)},
    {"controllerrevisions.apps", controllerrevisions_columns, ARRAY_LEN(controllerrevisions_columns)},
    {"daemonsets.apps", daemonsets_columns, ARRAY_LEN(daemonsets_columns)},
    {"deployments.apps", deployments_columns, ARRAY_LEN(deployments_columns)},
    {"replicasets.apps", replicasets_columns, ARRAY_LEN(replicasets_columns)},
    {"statefulsets.apps", statefulsets_columns, ARRAY_LEN(statefulsets_columns)},
    {"events.events.k8s.io", print_events_columns, PRINT_EVENTS_COLUMNS},
    {"horizontalpodautoscalers.autoscaling", horizontalpodautoscalers_columns, ARRAY_LEN(horizontalpodautoscalers_columns)},
    {"cronjobs.batch", cronjobs_columns, ARRAY_LEN(cronjobs_columns)},
    {"jobs.batch", jobs_columns, ARRAY_LEN(jobs_columns)},
    {"certificatesigningrequests.certificates.k8s.io", certificatesigningrequests_columns, ARRAY_LEN(certificatesigningrequests_columns)},
    {"ingressclasses.networking.k8s.io", ingressclasses_columns, ARRAY_LEN(ingressclasses_columns)},
    {"ingresses.networking.k8s.io", ingresses_columns, ARRAY_LEN(ingresses_columns)},
    {"ipaddresses.networking.k8s.io", ipaddresses_columns, ARRAY_LEN(ipaddresses_columns)},
    {"networkpolicies.networking.k8s.io", networkpolicies_columns, ARRAY_LEN(networkpolicies_columns)},
    {"servicecidrs.networking.k8s.io", servicecidrs_columns, ARRAY_LEN(servicecidrs_columns)},
    {"poddisruptionbudgets.policy", poddisruptionbudgets_columns, ARRAY_LEN(poddisruptionbudgets_columns)},
    {"clusterrolebindings.rbac.authorization.k8s.io", clusterrolebindings_columns, ARRAY_LEN(clusterrolebindings_columns)},
    {"clusterroles.rbac.authorization.k8s.io", clusterroles_columns, ARRAY_LEN(clusterroles_columns)},
    {"rolebindings.rbac.authorization.k8s.io", rolebindings_columns, ARRAY_LEN(rolebindings_columns)},
    {"roles.rbac.authorization.k8s.io", clusterroles_columns, ARRAY_LEN(clusterroles_columns)},
    {"csidrivers.storage.k8s.io", csidrivers_columns, ARRAY_LEN(csidrivers_columns)},
    {"csinodes.storage.k8s.io", csinodes_columns, ARRAY_LEN(csinodes_columns)},
    {"csistoragecapacities.storage.k8s.io", clusterroles_columns, ARRAY_LEN(clusterroles_columns)},
    {"storageclasses.storage.k8s.io", storageclasses_columns, ARRAY_LEN(storageclasses_columns)},
    {"volumeattachments.storage.k8s.io", volumeattachments_columns, ARRAY_LEN(volumeattachments_columns)},
    {"volumeattributesclasses.storage.k8s.io", volumeattributesclasses_columns, ARRAY_LEN(volumeattributesclasses_columns)},
    {"mutatingwebhookconfigurations.admissionregistration.k8s.io", mutatingwebhookconfigurations_columns, ARRAY_LEN(mutatingwebhookconfigurations_columns)},
    {"validatingadmissionpolicies.admissionregistration.k8s.io", validatingadmissionpolicies_columns, ARRAY_LEN(validatingadmissionpolicies_columns)},
    {"validatingadmissionpolicybindings.admissionregistration.k8s.io", validatingadmissionpolicybindings_columns, ARRAY_LEN(validatingadmissionpolicybindings_columns)},
    {"validatingwebhookconfigurations.admissionregistration.k8s.io", mutatingwebhookconfigurations_columns, ARRAY_LEN(mutatingwebhookconfigurations_columns)},
    {"customresourcedefinitions.apiextensions.k8s.io", clusterroles_columns, ARRAY_LEN(clusterroles_columns)},
    {"priorityclasses.scheduling.k8s.io", priorityclasses_columns, ARRAY_LEN(priorityclasses_columns)},
    {"leases.coordination.k8s.io", leases_columns, ARRAY_LEN(leases_columns)},
    {"runtimeclasses.node.k8s.io", runtimeclasses_columns, ARRAY_LEN(runtimeclasses_columns)},
    {"endpointslices.discovery.k8s.io", endpointslices_columns, ARRAY_LEN(endpointslices_columns)},
    {"deviceclasses.resource.k8s.io", deviceclasses_columns, ARRAY_LEN(deviceclasses_columns)},
    {"resourceclaims.resource.k8s.io", resourceclaims_columns, ARRAY_LEN(resourceclaims_columns)},
    {"resourceclaimtemplates.resource.k8s.io", deviceclasses_columns, ARRAY_LEN(deviceclasses_columns)},
    {"resourceslices.resource.k8s.io", resourceslices_columns, ARRAY_LEN(resourceslices_columns)},
    {"flowschemas.flowcontrol.apiserver.k8s.io", flowschemas_columns, ARRAY_LEN(flowschemas_columns)},
    {"prioritylevelconfigurations.flowcontrol.apiserver.k8s.io", prioritylevelconfigurations_columns, ARRAY_LEN(prioritylevelconfigurations_columns)},
};
/* clang-format on */

const size_t print_kinds_groups_n = ARRAY_LEN(print_kinds_groups);
