/* The built-in resources. Verbs are sets, flags are those of kinds.h under short names. */
#include "sim/kubeapi/kinds/kinds.h"

#include "engine/base/base.h"

#define V(verb)            (1u << VERB_##verb)
#define GET                V(GET)
#define LIST               V(LIST)
#define CREATE             V(CREATE)
#define UPDATE             V(UPDATE)
#define GPU                (GET | UPDATE | V(PATCH))
#define PROXY              (GPU | CREATE | V(DELETE))
#define ALL_BUT_COLLECTION (PROXY | LIST | V(WATCH))
#define ALL                (ALL_BUT_COLLECTION | V(DELETECOLLECTION))

#define NS                 KIND_NAMESPACED
#define ST                 KIND_STATUS
#define GEN                KIND_GENERATION
#define REV                KIND_NEEDS_REVISION
#define PUT                KIND_PUT_CREATES
#define OBJ                KIND_ANSWER_OBJECT
#define ORPHAN             KIND_ORPHANS
#define LABEL              KIND_NAME_LABEL
#define L1035              KIND_NAME_1035
#define SEGMENT            KIND_NAME_SEGMENT
#define VIRTUAL            KIND_VIRTUAL

#define ROW(group, version, resource, kind, shorts, categories, verbs, flags, foreign, table)      \
    {                                                                                              \
        STR_INIT(group), STR_INIT(version), STR_INIT(resource), STR_INIT(kind), STR_INIT(shorts),  \
            STR_INIT(categories), verbs, flags, STR_INIT(foreign), STR_INIT(table), STR_INIT(""),  \
            NULL                                                                                   \
    }

/* clang-format off */
const struct api_kind api_kinds[] = {
    ROW("", "v1", "bindings", "Binding", "", "", CREATE, NS | VIRTUAL, "", "bindings"),
    ROW("", "v1", "componentstatuses", "ComponentStatus", "cs", "", GET|LIST, 0, "", "componentstatuses"),
    ROW("", "v1", "configmaps", "ConfigMap", "cm", "", ALL, NS, "", "configmaps"),
    ROW("", "v1", "endpoints", "Endpoints", "ep", "", ALL, NS | PUT, "", "endpoints"),
    ROW("", "v1", "events", "Event", "ev", "", ALL, NS | PUT, "", "events"),
    ROW("", "v1", "limitranges", "LimitRange", "limits", "", ALL, NS | PUT, "", "limitranges"),
    ROW("", "v1", "namespaces", "Namespace", "ns", "", ALL_BUT_COLLECTION, ST | OBJ | LABEL, "", "namespaces"),
    ROW("", "v1", "namespaces/finalize", "Namespace", "", "", UPDATE, 0, "", "namespaces"),
    ROW("", "v1", "namespaces/status", "Namespace", "", "", GPU, 0, "", "namespaces"),
    ROW("", "v1", "nodes", "Node", "no", "", ALL, ST, "", "nodes"),
    ROW("", "v1", "nodes/proxy", "NodeProxyOptions", "", "", PROXY, 0, "", "nodes"),
    ROW("", "v1", "nodes/status", "Node", "", "", GPU, 0, "", "nodes"),
    ROW("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", "pvc", "", ALL, NS | ST | OBJ, "", "persistentvolumeclaims"),
    ROW("", "v1", "persistentvolumeclaims/status", "PersistentVolumeClaim", "", "", GPU, NS, "", "persistentvolumeclaims"),
    ROW("", "v1", "persistentvolumes", "PersistentVolume", "pv", "", ALL, ST | OBJ, "", "persistentvolumes"),
    ROW("", "v1", "persistentvolumes/status", "PersistentVolume", "", "", GPU, 0, "", "persistentvolumes"),
    ROW("", "v1", "pods", "Pod", "po", "all", ALL, NS | ST | GEN | OBJ, "", "pods"),
    ROW("", "v1", "pods/attach", "PodAttachOptions", "", "", CREATE|GET, NS, "", "pods"),
    ROW("", "v1", "pods/binding", "Binding", "", "", CREATE, NS, "", "pods"),
    ROW("", "v1", "pods/ephemeralcontainers", "Pod", "", "", GPU, NS, "", "pods"),
    ROW("", "v1", "pods/eviction", "Eviction", "", "", CREATE, NS, "policy/v1", "pods"),
    ROW("", "v1", "pods/exec", "PodExecOptions", "", "", CREATE|GET, NS, "", "pods"),
    ROW("", "v1", "pods/log", "Pod", "", "", GET, NS, "", "pods"),
    ROW("", "v1", "pods/portforward", "PodPortForwardOptions", "", "", CREATE|GET, NS, "", "pods"),
    ROW("", "v1", "pods/proxy", "PodProxyOptions", "", "", PROXY, NS, "", "pods"),
    ROW("", "v1", "pods/resize", "Pod", "", "", GPU, NS, "", "pods"),
    ROW("", "v1", "pods/status", "Pod", "", "", GPU, NS, "", "pods"),
    ROW("", "v1", "podtemplates", "PodTemplate", "", "", ALL, NS | OBJ | GEN, "", "podtemplates"),
    ROW("", "v1", "replicationcontrollers", "ReplicationController", "rc", "all", ALL, NS | ST | ORPHAN | GEN, "", "replicationcontrollers"),
    ROW("", "v1", "replicationcontrollers/scale", "Scale", "", "", GPU, NS, "autoscaling/v1", "replicationcontrollers"),
    ROW("", "v1", "replicationcontrollers/status", "ReplicationController", "", "", GPU, NS, "", "replicationcontrollers"),
    ROW("", "v1", "resourcequotas", "ResourceQuota", "quota", "", ALL, NS | ST | OBJ, "", "resourcequotas"),
    ROW("", "v1", "resourcequotas/status", "ResourceQuota", "", "", GPU, NS, "", "resourcequotas"),
    ROW("", "v1", "secrets", "Secret", "", "", ALL, NS, "", "secrets"),
    ROW("", "v1", "serviceaccounts", "ServiceAccount", "sa", "", ALL, NS | OBJ, "", "serviceaccounts"),
    ROW("", "v1", "serviceaccounts/token", "TokenRequest", "", "", CREATE, NS, "authentication.k8s.io/v1", "serviceaccounts"),
    ROW("", "v1", "services", "Service", "svc", "all", ALL, NS | ST | OBJ | L1035 | PUT, "", "services"),
    ROW("", "v1", "services/proxy", "ServiceProxyOptions", "", "", PROXY, NS, "", "services"),
    ROW("", "v1", "services/status", "Service", "", "", GPU, NS, "", "services"),
    ROW("apiregistration.k8s.io", "v1", "apiservices", "APIService", "", "api-extensions", ALL, ST | REV, "", "apiservices.apiregistration.k8s.io"),
    ROW("apiregistration.k8s.io", "v1", "apiservices/status", "APIService", "", "", GPU, 0, "", "apiservices.apiregistration.k8s.io"),
    ROW("apps", "v1", "controllerrevisions", "ControllerRevision", "", "", ALL, NS | REV, "", "controllerrevisions.apps"),
    ROW("apps", "v1", "daemonsets", "DaemonSet", "ds", "all", ALL, NS | ST | GEN, "", "daemonsets.apps"),
    ROW("apps", "v1", "daemonsets/status", "DaemonSet", "", "", GPU, NS, "", "daemonsets.apps"),
    ROW("apps", "v1", "deployments", "Deployment", "deploy", "all", ALL, NS | ST | GEN, "", "deployments.apps"),
    ROW("apps", "v1", "deployments/scale", "Scale", "", "", GPU, NS, "autoscaling/v1", "deployments.apps"),
    ROW("apps", "v1", "deployments/status", "Deployment", "", "", GPU, NS, "", "deployments.apps"),
    ROW("apps", "v1", "replicasets", "ReplicaSet", "rs", "all", ALL, NS | ST | GEN, "", "replicasets.apps"),
    ROW("apps", "v1", "replicasets/scale", "Scale", "", "", GPU, NS, "autoscaling/v1", "replicasets.apps"),
    ROW("apps", "v1", "replicasets/status", "ReplicaSet", "", "", GPU, NS, "", "replicasets.apps"),
    ROW("apps", "v1", "statefulsets", "StatefulSet", "sts", "all", ALL, NS | ST | GEN, "", "statefulsets.apps"),
    ROW("apps", "v1", "statefulsets/scale", "Scale", "", "", GPU, NS, "autoscaling/v1", "statefulsets.apps"),
    ROW("apps", "v1", "statefulsets/status", "StatefulSet", "", "", GPU, NS, "", "statefulsets.apps"),
    ROW("events.k8s.io", "v1", "events", "Event", "ev", "", ALL, NS | PUT, "", "events"),
    ROW("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", "", "", CREATE, VIRTUAL, "", "selfsubjectreviews.authentication.k8s.io"),
    ROW("authentication.k8s.io", "v1", "tokenreviews", "TokenReview", "", "", CREATE, VIRTUAL, "", "tokenreviews.authentication.k8s.io"),
    ROW("authorization.k8s.io", "v1", "localsubjectaccessreviews", "LocalSubjectAccessReview", "", "", CREATE, NS | VIRTUAL, "", "localsubjectaccessreviews.authorization.k8s.io"),
    ROW("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", "", "", CREATE, VIRTUAL, "", "selfsubjectaccessreviews.authorization.k8s.io"),
    ROW("authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", "", "", CREATE, VIRTUAL, "", "selfsubjectrulesreviews.authorization.k8s.io"),
    ROW("authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", "", "", CREATE, VIRTUAL, "", "subjectaccessreviews.authorization.k8s.io"),
    ROW("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", "hpa", "all", ALL, NS | ST, "", "horizontalpodautoscalers.autoscaling"),
    ROW("autoscaling", "v2", "horizontalpodautoscalers/status", "HorizontalPodAutoscaler", "", "", GPU, NS, "", "horizontalpodautoscalers.autoscaling"),
    ROW("autoscaling", "v1", "horizontalpodautoscalers", "HorizontalPodAutoscaler", "hpa", "all", ALL, NS | ST, "", "horizontalpodautoscalers.autoscaling"),
    ROW("autoscaling", "v1", "horizontalpodautoscalers/status", "HorizontalPodAutoscaler", "", "", GPU, NS, "", "horizontalpodautoscalers.autoscaling"),
    ROW("batch", "v1", "cronjobs", "CronJob", "cj", "all", ALL, NS | ST | GEN, "", "cronjobs.batch"),
    ROW("batch", "v1", "cronjobs/status", "CronJob", "", "", GPU, NS, "", "cronjobs.batch"),
    ROW("batch", "v1", "jobs", "Job", "", "all", ALL, NS | ST | GEN | ORPHAN, "", "jobs.batch"),
    ROW("batch", "v1", "jobs/status", "Job", "", "", GPU, NS, "", "jobs.batch"),
    ROW("certificates.k8s.io", "v1", "certificatesigningrequests", "CertificateSigningRequest", "csr", "", ALL, ST, "", "certificatesigningrequests.certificates.k8s.io"),
    ROW("certificates.k8s.io", "v1", "certificatesigningrequests/approval", "CertificateSigningRequest", "", "", GPU, 0, "", "certificatesigningrequests.certificates.k8s.io"),
    ROW("certificates.k8s.io", "v1", "certificatesigningrequests/status", "CertificateSigningRequest", "", "", GPU, 0, "", "certificatesigningrequests.certificates.k8s.io"),
    ROW("networking.k8s.io", "v1", "ingressclasses", "IngressClass", "", "", ALL, GEN, "", "ingressclasses.networking.k8s.io"),
    ROW("networking.k8s.io", "v1", "ingresses", "Ingress", "ing", "", ALL, NS | ST | GEN, "", "ingresses.networking.k8s.io"),
    ROW("networking.k8s.io", "v1", "ingresses/status", "Ingress", "", "", GPU, NS, "", "ingresses.networking.k8s.io"),
    ROW("networking.k8s.io", "v1", "ipaddresses", "IPAddress", "ip", "", ALL, 0, "", "ipaddresses.networking.k8s.io"),
    ROW("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", "netpol", "", ALL, NS | GEN, "", "networkpolicies.networking.k8s.io"),
    ROW("networking.k8s.io", "v1", "servicecidrs", "ServiceCIDR", "", "", ALL, ST, "", "servicecidrs.networking.k8s.io"),
    ROW("networking.k8s.io", "v1", "servicecidrs/status", "ServiceCIDR", "", "", GPU, 0, "", "servicecidrs.networking.k8s.io"),
    ROW("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", "pdb", "", ALL, NS | ST | GEN | REV, "", "poddisruptionbudgets.policy"),
    ROW("policy", "v1", "poddisruptionbudgets/status", "PodDisruptionBudget", "", "", GPU, NS, "", "poddisruptionbudgets.policy"),
    ROW("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", "", "", ALL, SEGMENT | PUT, "", "clusterrolebindings.rbac.authorization.k8s.io"),
    ROW("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", "", "", ALL, SEGMENT | PUT, "", "clusterroles.rbac.authorization.k8s.io"),
    ROW("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", "", "", ALL, NS | SEGMENT | PUT, "", "rolebindings.rbac.authorization.k8s.io"),
    ROW("rbac.authorization.k8s.io", "v1", "roles", "Role", "", "", ALL, NS | SEGMENT | PUT, "", "roles.rbac.authorization.k8s.io"),
    ROW("storage.k8s.io", "v1", "csidrivers", "CSIDriver", "", "", ALL, REV, "", "csidrivers.storage.k8s.io"),
    ROW("storage.k8s.io", "v1", "csinodes", "CSINode", "", "", ALL, REV, "", "csinodes.storage.k8s.io"),
    ROW("storage.k8s.io", "v1", "csistoragecapacities", "CSIStorageCapacity", "", "", ALL, NS, "", "csistoragecapacities.storage.k8s.io"),
    ROW("storage.k8s.io", "v1", "storageclasses", "StorageClass", "sc", "", ALL, 0, "", "storageclasses.storage.k8s.io"),
    ROW("storage.k8s.io", "v1", "volumeattachments", "VolumeAttachment", "", "", ALL, ST | REV, "", "volumeattachments.storage.k8s.io"),
    ROW("storage.k8s.io", "v1", "volumeattachments/status", "VolumeAttachment", "", "", GPU, 0, "", "volumeattachments.storage.k8s.io"),
    ROW("storage.k8s.io", "v1", "volumeattributesclasses", "VolumeAttributesClass", "vac", "", ALL, 0, "", "volumeattributesclasses.storage.k8s.io"),
    ROW("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", "", "api-extensions", ALL, GEN | REV, "", "mutatingwebhookconfigurations.admissionregistration.k8s.io"),
    ROW("admissionregistration.k8s.io", "v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy", "", "api-extensions", ALL, ST | GEN | REV, "", "validatingadmissionpolicies.admissionregistration.k8s.io"),
    ROW("admissionregistration.k8s.io", "v1", "validatingadmissionpolicies/status", "ValidatingAdmissionPolicy", "", "", GPU, 0, "", "validatingadmissionpolicies.admissionregistration.k8s.io"),
    ROW("admissionregistration.k8s.io", "v1", "validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", "", "api-extensions", ALL, GEN | REV, "", "validatingadmissionpolicybindings.admissionregistration.k8s.io"),
    ROW("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", "", "api-extensions", ALL, GEN | REV, "", "validatingwebhookconfigurations.admissionregistration.k8s.io"),
    ROW("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", "crd,crds", "api-extensions", ALL, ST | GEN | REV, "", "customresourcedefinitions.apiextensions.k8s.io"),
    ROW("apiextensions.k8s.io", "v1", "customresourcedefinitions/status", "CustomResourceDefinition", "", "", GPU, 0, "", "customresourcedefinitions.apiextensions.k8s.io"),
    ROW("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", "pc", "", ALL, GEN, "", "priorityclasses.scheduling.k8s.io"),
    ROW("coordination.k8s.io", "v1", "leases", "Lease", "", "", ALL, NS | REV | PUT, "", "leases.coordination.k8s.io"),
    ROW("node.k8s.io", "v1", "runtimeclasses", "RuntimeClass", "", "", ALL, PUT, "", "runtimeclasses.node.k8s.io"),
    ROW("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", "", "", ALL, NS | GEN, "", "endpointslices.discovery.k8s.io"),
    ROW("resource.k8s.io", "v1", "deviceclasses", "DeviceClass", "", "", ALL, GEN, "", "deviceclasses.resource.k8s.io"),
    ROW("resource.k8s.io", "v1", "resourceclaims", "ResourceClaim", "", "", ALL, NS | ST, "", "resourceclaims.resource.k8s.io"),
    ROW("resource.k8s.io", "v1", "resourceclaims/status", "ResourceClaim", "", "", GPU, NS, "", "resourceclaims.resource.k8s.io"),
    ROW("resource.k8s.io", "v1", "resourceclaimtemplates", "ResourceClaimTemplate", "", "", ALL, NS, "", "resourceclaimtemplates.resource.k8s.io"),
    ROW("resource.k8s.io", "v1", "resourceslices", "ResourceSlice", "", "", ALL, GEN, "", "resourceslices.resource.k8s.io"),
    ROW("flowcontrol.apiserver.k8s.io", "v1", "flowschemas", "FlowSchema", "", "", ALL, ST | GEN, "", "flowschemas.flowcontrol.apiserver.k8s.io"),
    ROW("flowcontrol.apiserver.k8s.io", "v1", "flowschemas/status", "FlowSchema", "", "", GPU, 0, "", "flowschemas.flowcontrol.apiserver.k8s.io"),
    ROW("flowcontrol.apiserver.k8s.io", "v1", "prioritylevelconfigurations", "PriorityLevelConfiguration", "", "", ALL, ST | GEN, "", "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io"),
    ROW("flowcontrol.apiserver.k8s.io", "v1", "prioritylevelconfigurations/status", "PriorityLevelConfiguration", "", "", GPU, 0, "", "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io"),
};
/* clang-format on */

const size_t api_kinds_n = ARRAY_LEN(api_kinds);
