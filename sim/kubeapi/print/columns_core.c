/* Columns of the core group, as the reference server names, orders and describes them (clients show the
 * descriptions as they are): name, type, format, cell, its argument, priority, description. */
#include "sim/kubeapi/print/cell.h"

/* clang-format off */
static const struct print_column componentstatuses_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Status", "string", "", cell_component_status, "", 0, "The state of the object."},
    {"Message", "string", "", cell_component_message, "", 0, "What there is to say about it."},
    {"Error", "string", "", cell_component_error, "", 0, "What failed."},
};

static const struct print_column configmaps_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Data", "string", "", cell_count_members, "data binaryData", 0, "Data contains the configuration data. Each key must consist of alphanumeric characters, '-', '_' or '.'. Values with non-UTF-8 byte sequences must use the BinaryData field. The keys stored in Data must not overlap with the keys in the BinaryData field, this is enforced during validation process."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

static const struct print_column endpoints_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Endpoints", "string", "", cell_endpoints, "", 0, "Addresses and ports that the traffic goes to."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

const struct print_column print_events_columns[PRINT_EVENTS_COLUMNS] = {
    {"Last Seen", "string", "", cell_event_last, "", 0, "How long ago it happened last."},
    {"Type", "string", "", cell_string, "type", 0, "The type."},
    {"Reason", "string", "", cell_string, "reason", 0, "Why it came about, in a word."},
    {"Object", "string", "", cell_event_object, "", 0, "The object that it is about."},
    {"Subobject", "string", "", cell_event_subobject, "", 1, "The part of the object that it is about."},
    {"Source", "string", "", cell_event_source, "", 1, "The component that reported it."},
    {"Message", "string", "", cell_event_message, "", 0, "What there is to say about it."},
    {"First Seen", "string", "", cell_event_first, "", 1, "How long ago it happened first."},
    {"Count", "string", "", cell_event_count, "", 1, "How often it happened."},
    {"Name", "string", "", cell_name, "", 1, TEXT_NAME},
};

static const struct print_column limitranges_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Created At", "date", "", cell_created, "", 0, TEXT_AGE},
};

static const struct print_column namespaces_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Status", "string", "", cell_string, "status.phase", 0, "The state of the object."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

static const struct print_column nodes_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Status", "string", "", cell_node_status, "", 0, "The status of the node"},
    {"Roles", "string", "", cell_node_roles, "", 0, "The roles of the node"},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
    {"Version", "string", "", cell_string, "status.nodeInfo.kubeletVersion", 0, "Kubelet Version reported by the node."},
    {"Internal-IP", "string", "", cell_node_address, "InternalIP", 1, "List of addresses reachable to the node. Queried from cloud provider, if available. More info: https://kubernetes.io/docs/reference/node/node-status/#addresses Note: This field is declared as mergeable, but the merge key is not sufficiently unique, which can cause data corruption when it is merged. Callers should instead use a full-replacement patch. See https://pr.k8s.io/79391 for an example. Consumers should assume that addresses can change during the lifetime of a Node. However, there are some exceptions where this may not be possible, such as Pods that inherit a Node's address in its own status or consumers of the downward API (status.hostIP)."},
    {"External-IP", "string", "", cell_node_address, "ExternalIP", 1, "List of addresses reachable to the node. Queried from cloud provider, if available. More info: https://kubernetes.io/docs/reference/node/node-status/#addresses Note: This field is declared as mergeable, but the merge key is not sufficiently unique, which can cause data corruption when it is merged. Callers should instead use a full-replacement patch. See https://pr.k8s.io/79391 for an example. Consumers should assume that addresses can change during the lifetime of a Node. However, there are some exceptions where this may not be possible, such as Pods that inherit a Node's address in its own status or consumers of the downward API (status.hostIP)."},
    {"OS-Image", "string", "", cell_string_or_unknown, "status.nodeInfo.osImage", 1, "OS Image reported by the node from /etc/os-release (e.g. Debian GNU/Linux 7 (wheezy))."},
    {"Kernel-Version", "string", "", cell_string_or_unknown, "status.nodeInfo.kernelVersion", 1, "Kernel Version reported by the node from 'uname -r' (e.g. 3.16.0-0.bpo.4-amd64)."},
    {"Container-Runtime", "string", "", cell_string_or_unknown, "status.nodeInfo.containerRuntimeVersion", 1, "ContainerRuntime Version reported by the node through runtime remote API (e.g. containerd://1.4.2)."},
};

static const struct print_column persistentvolumeclaims_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Status", "string", "", cell_phase_or_terminating, "status.phase", 0, "phase represents the current phase of PersistentVolumeClaim."},
    {"Volume", "string", "", cell_string, "spec.volumeName", 0, "volumeName is the binding reference to the PersistentVolume backing this claim."},
    {"Capacity", "string", "", cell_claim_capacity, "", 0, "capacity represents the actual resources of the underlying volume."},
    {"Access Modes", "string", "", cell_claim_modes, "", 0, "accessModes contains the actual access modes the volume backing the PVC has. More info: https://kubernetes.io/docs/concepts/storage/persistent-volumes#access-modes-1"},
    {"StorageClass", "string", "", cell_storage_class, "", 0, "StorageClass of the pvc"},
    {"VolumeAttributesClass", "string", "", cell_string_or_unset, "spec.volumeAttributesClassName", 0, "VolumeAttributesClass of the pvc"},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
    {"VolumeMode", "string", "", cell_string_or_unset, "spec.volumeMode", 1, "volumeMode defines what type of volume is required by the claim. Value of Filesystem is implied when not included in claim spec."},
};

static const struct print_column persistentvolumes_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Capacity", "string", "", cell_string, "spec.capacity.storage", 0, "capacity is the description of the persistent volume's resources and capacity. More info: https://kubernetes.io/docs/concepts/storage/persistent-volumes#capacity"},
    {"Access Modes", "string", "", cell_access_modes, "spec.accessModes", 0, "accessModes contains all ways the volume can be mounted. More info: https://kubernetes.io/docs/concepts/storage/persistent-volumes#access-modes"},
    {"Reclaim Policy", "string", "", cell_string, "spec.persistentVolumeReclaimPolicy", 0, "persistentVolumeReclaimPolicy defines what happens to a persistent volume when released from its claim. Valid options are Retain (default for manually created PersistentVolumes), Delete (default for dynamically provisioned PersistentVolumes), and Recycle (deprecated). Recycle must be supported by the volume plugin underlying this PersistentVolume. More info: https://kubernetes.io/docs/concepts/storage/persistent-volumes#reclaiming"},
    {"Status", "string", "", cell_phase_or_terminating, "status.phase", 0, "phase indicates if a volume is available, bound to a claim, or released by a claim. More info: https://kubernetes.io/docs/concepts/storage/persistent-volumes#phase"},
    {"Claim", "string", "", cell_volume_claim, "", 0, "claimRef is part of a bi-directional binding between PersistentVolume and PersistentVolumeClaim. Expected to be non-nil when bound. claim.VolumeName is the authoritative bind between PV and PVC. More info: https://kubernetes.io/docs/concepts/storage/persistent-volumes#binding"},
    {"StorageClass", "string", "", cell_storage_class, "", 0, "StorageClass of the pv"},
    {"VolumeAttributesClass", "string", "", cell_string_or_unset, "spec.volumeAttributesClassName", 0, "VolumeAttributesClass of the pv"},
    {"Reason", "string", "", cell_string, "status.reason", 0, "reason is a brief CamelCase string that describes any failure and is meant for machine parsing and tidy display in the CLI."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
    {"VolumeMode", "string", "", cell_string_or_unset, "spec.volumeMode", 1, "volumeMode defines if a volume is intended to be used with a formatted filesystem or to remain in raw block state. Value of Filesystem is implied when not included in spec."},
};

static const struct print_column pods_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Ready", "string", "", cell_pod_ready, "", 0, "The aggregate readiness state of this pod for accepting traffic."},
    {"Status", "string", "", cell_pod_status, "", 0, "The aggregate status of the containers in this pod."},
    {"Restarts", "string", "", cell_pod_restarts, "", 0, "The number of times the containers in this pod have been restarted and when the last container in this pod has restarted."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
    {"IP", "string", "", cell_pod_ip, "", 1, "podIP address allocated to the pod. Routable at least within the cluster. Empty if not yet allocated."},
    {"Node", "string", "", cell_string_or_none, "spec.nodeName", 1, "NodeName indicates in which node this pod is scheduled. If empty, this pod is a candidate for scheduling by the scheduler defined in schedulerName. Once this field is set, the kubelet for this node becomes responsible for the lifecycle of this pod. This field should not be used to express a desire for the pod to be scheduled on a specific node. https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#nodename"},
    {"Nominated Node", "string", "", cell_string_or_none, "status.nominatedNodeName", 1, "nominatedNodeName is set only when this pod preempts other pods on the node, but it cannot be scheduled right away as preemption victims receive their graceful termination periods. This field does not guarantee that the pod will be scheduled on this node. Scheduler may decide to place the pod elsewhere if other nodes become available sooner. Scheduler may also decide to give the resources on this node to a higher priority pod that is created after preemption. As a result, this field may be different than PodSpec.nodeName when the pod is scheduled."},
    {"Readiness Gates", "string", "", cell_pod_gates, "", 1, "If specified, all readiness gates will be evaluated for pod readiness. A pod is ready when all its containers are ready AND all conditions specified in the readiness gates have status equal to \"True\" More info: https://git.k8s.io/enhancements/keps/sig-network/580-pod-readiness-gates"},
};

static const struct print_column podtemplates_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Containers", "string", "", cell_containers, "template.spec", 0, TEXT_CONTAINERS},
    {"Images", "string", "", cell_images, "template.spec", 0, TEXT_IMAGES},
    {"Pod Labels", "string", "", cell_labels, "template.metadata.labels", 0, "The labels for the pod template."},
};

static const struct print_column replicationcontrollers_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Desired", "integer", "", cell_integer, "spec.replicas", 0, "Replicas is the number of desired replicas. This is a pointer to distinguish between explicit zero and unspecified. Defaults to 1. More info: https://kubernetes.io/docs/concepts/workloads/controllers/replicationcontroller#what-is-a-replicationcontroller"},
    {"Current", "integer", "", cell_integer, "status.replicas", 0, "Replicas is the most recently observed number of replicas. More info: https://kubernetes.io/docs/concepts/workloads/controllers/replicationcontroller#what-is-a-replicationcontroller"},
    {"Ready", "integer", "", cell_integer, "status.readyReplicas", 0, "The number of ready replicas for this replication controller."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
    {"Containers", "string", "", cell_containers, "spec.template.spec", 1, TEXT_CONTAINERS},
    {"Images", "string", "", cell_images, "spec.template.spec", 1, TEXT_IMAGES},
    {"Selector", "string", "", cell_labels, "spec.selector", 1, "Selector is a label query over pods that should match the Replicas count. If Selector is empty, it is defaulted to the labels present on the Pod template. Label keys and values that must match in order to be controlled by this replication controller, if empty defaulted to labels on Pod template. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors"},
};

static const struct print_column resourcequotas_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Request", "string", "", cell_quota, "", 0, "Used and allowed amounts of requests and objects."},
    {"Limit", "string", "", cell_quota, "limits", 0, "Used and allowed amounts of limits."},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

static const struct print_column secrets_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Type", "string", "", cell_string, "type", 0, "Used to facilitate programmatic handling of secret data. More info: https://kubernetes.io/docs/concepts/configuration/secret/#secret-types"},
    {"Data", "string", "", cell_count_members, "data", 0, "Data contains the secret data. Each key must consist of alphanumeric characters, '-', '_' or '.'. The serialized form of the secret data is a base64 encoded string, representing the arbitrary (possibly non-string) data value here. Described in https://tools.ietf.org/html/rfc4648#section-4"},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

static const struct print_column serviceaccounts_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Secrets", "string", "", cell_count_elements, "secrets", 0, "Secrets is a list of the secrets in the same namespace that pods running using this ServiceAccount are allowed to use. Pods are only limited to this list if this service account has a \"kubernetes.io/enforce-mountable-secrets\" annotation set to \"true\". The \"kubernetes.io/enforce-mountable-secrets\" annotation is deprecated since v1.32. Prefer separate namespaces to isolate access to mounted secrets. This field should not be used to find auto-generated service account token secrets for use outside of pods. Instead, tokens can be requested directly using the TokenRequest API, or service account token secrets can be manually created. More info: https://kubernetes.io/docs/concepts/configuration/secret"},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
};

static const struct print_column services_columns[] = {
    {"Name", "string", "name", cell_name, "", 0, TEXT_NAME},
    {"Type", "string", "", cell_string, "spec.type", 0, "type determines how the Service is exposed. Defaults to ClusterIP. Valid options are ExternalName, ClusterIP, NodePort, and LoadBalancer. \"ClusterIP\" allocates a cluster-internal IP address for load-balancing to endpoints. Endpoints are determined by the selector or if that is not specified, by manual construction of an Endpoints object or EndpointSlice objects. If clusterIP is \"None\", no virtual IP is allocated and the endpoints are published as a set of endpoints rather than a virtual IP. \"NodePort\" builds on ClusterIP and allocates a port on every node which routes to the same endpoints as the clusterIP. \"LoadBalancer\" builds on NodePort and creates an external load-balancer (if supported in the current cloud) which routes to the same endpoints as the clusterIP. \"ExternalName\" aliases this service to the specified externalName. Several other fields do not apply to ExternalName services. More info: https://kubernetes.io/docs/concepts/services-networking/service/#publishing-services-service-types"},
    {"Cluster-IP", "string", "", cell_service_ip, "", 0, "clusterIP is the IP address of the service and is usually assigned randomly. If an address is specified manually, is in-range (as per system configuration), and is not in use, it will be allocated to the service; otherwise creation of the service will fail. This field may not be changed through updates unless the type field is also being changed to ExternalName (which requires this field to be blank) or the type field is being changed from ExternalName (in which case this field may optionally be specified, as describe above).  Valid values are \"None\", empty string (\"\"), or a valid IP address. Setting this to \"None\" makes a \"headless service\" (no virtual IP), which is useful when direct endpoint connections are preferred and proxying is not required.  Only applies to types ClusterIP, NodePort, and LoadBalancer. If this field is specified when creating a Service of type ExternalName, creation will fail. This field will be wiped when updating a Service to type ExternalName. More info: https://kubernetes.io/docs/concepts/services-networking/service/#virtual-ips-and-service-proxies"},
    {"External-IP", "string", "", cell_service_external, "", 0, "externalIPs is a list of IP addresses for which nodes in the cluster will also accept traffic for this service.  These IPs are not managed by Kubernetes.  The user is responsible for ensuring that traffic arrives at a node with this IP.  A common example is external load-balancers that are not part of the Kubernetes system."},
    {"Port(s)", "string", "", cell_service_ports, "", 0, "The list of ports that are exposed by this service. More info: https://kubernetes.io/docs/concepts/services-networking/service/#virtual-ips-and-service-proxies"},
    {"Age", "string", "", cell_age, "", 0, TEXT_AGE},
    {"Selector", "string", "", cell_labels, "spec.selector", 1, "Route service traffic to pods with label keys and values matching this selector. If empty or not present, the service is assumed to have an external process managing its endpoints, which Kubernetes will not modify. Only applies to types ClusterIP, NodePort, and LoadBalancer. Ignored if type is ExternalName. More info: https://kubernetes.io/docs/concepts/services-networking/service/"},
};

const struct print_kind print_kinds_core[] = {
    {"componentstatuses", componentstatuses_columns, ARRAY_LEN(componentstatuses_columns)},
    {"configmaps", configmaps_columns, ARRAY_LEN(configmaps_columns)},
    {"endpoints", endpoints_columns, ARRAY_LEN(endpoints_columns)},
    {"events", print_events_columns, PRINT_EVENTS_COLUMNS},
    {"limitranges", limitranges_columns, ARRAY_LEN(limitranges_columns)},
    {"namespaces", namespaces_columns, ARRAY_LEN(namespaces_columns)},
    {"nodes", nodes_columns, ARRAY_LEN(nodes_columns)},
    {"persistentvolumeclaims", persistentvolumeclaims_columns, ARRAY_LEN(persistentvolumeclaims_columns)},
    {"persistentvolumes", persistentvolumes_columns, ARRAY_LEN(persistentvolumes_columns)},
    {"pods", pods_columns, ARRAY_LEN(pods_columns)},
    {"podtemplates", podtemplates_columns, ARRAY_LEN(podtemplates_columns)},
    {"replicationcontrollers", replicationcontrollers_columns, ARRAY_LEN(replicationcontrollers_columns)},
    {"resourcequotas", resourcequotas_columns, ARRAY_LEN(resourcequotas_columns)},
    {"secrets", secrets_columns, ARRAY_LEN(secrets_columns)},
    {"serviceaccounts", serviceaccounts_columns, ARRAY_LEN(serviceaccounts_columns)},
    {"services", services_columns, ARRAY_LEN(services_columns)},
};
/* clang-format on */

const size_t print_kinds_core_n = ARRAY_LEN(print_kinds_core);
