/* Rights of the parts of a control plane that run beside the API server: only bare servers have them, whose controllers
 * are somebody else's. The form of the rules is bootstrap.c's. */
#include "engine/base/base.h"
#include "sim/kubeapi/furnish/bootstrap.h"

/* clang-format off */
const struct bootstrap_role bootstrap_outer_roles[] = {
    {"system:certificates.k8s.io:certificatesigningrequests:nodeclient", "", "", "",
     "certificates.k8s.io certificatesigningrequests/nodeclient create"},
    {"system:certificates.k8s.io:certificatesigningrequests:selfnodeclient", "", "", "",
     "certificates.k8s.io certificatesigningrequests/selfnodeclient create"},
    {"system:certificates.k8s.io:kube-apiserver-client-approver", "", "", "",
     "certificates.k8s.io signers approve kubernetes.io/kube-apiserver-client"},
    {"system:certificates.k8s.io:kube-apiserver-client-kubelet-approver", "", "", "",
     "certificates.k8s.io signers approve kubernetes.io/kube-apiserver-client-kubelet"},
    {"system:certificates.k8s.io:kubelet-serving-approver", "", "", "",
     "certificates.k8s.io signers approve kubernetes.io/kubelet-serving"},
    {"system:certificates.k8s.io:legacy-unknown-approver", "", "", "",
     "certificates.k8s.io signers approve kubernetes.io/legacy-unknown"},
    {"system:controller:attachdetach-controller", "", "", "",
     "- persistentvolumeclaims,persistentvolumes list,watch;- nodes get,list,watch;- "
     "nodes/status patch,update;- pods list,watch;-,events.k8s.io events create,patch,update;"
     "storage.k8s.io volumeattachments create,delete,get,list,watch;storage.k8s.io csidrivers "
     "get,list,watch;storage.k8s.io csinodes get,list,watch"},
    {"system:controller:certificate-controller", "", "", "",
     "certificates.k8s.io certificatesigningrequests delete,get,list,watch;"
     "certificates.k8s.io certificatesigningrequests/approval,"
     "certificatesigningrequests/status update;certificates.k8s.io signers approve "
     "kubernetes.io/kube-apiserver-client-kubelet;certificates.k8s.io signers sign "
     "kubernetes.io/kube-apiserver-client,kubernetes.io/kube-apiserver-client-kubelet,"
     "kubernetes.io/kubelet-serving,kubernetes.io/legacy-unknown;authorization.k8s.io "
     "subjectaccessreviews create;-,events.k8s.io events create,patch,update"},
    {"system:controller:clusterrole-aggregation-controller", "", "", "",
     "rbac.authorization.k8s.io clusterroles escalate,get,list,patch,update,watch"},
    {"system:controller:cronjob-controller", "", "", "",
     "batch cronjobs get,list,update,watch;batch jobs create,delete,get,list,patch,update,"
     "watch;batch cronjobs/status update;batch cronjobs/finalizers update;- pods delete,list,"
     "watch;-,events.k8s.io events create,patch,update"},
    {"system:controller:daemon-set-controller", "", "", "",
     "apps,extensions daemonsets get,list,watch;apps,extensions daemonsets/status update;apps,"
     "extensions daemonsets/finalizers update;- nodes list,watch;- pods create,delete,list,"
     "patch,watch;- pods/binding create;apps controllerrevisions create,delete,get,list,patch,"
     "update,watch;-,events.k8s.io events create,patch,update"},
    {"system:controller:deployment-controller", "", "", "",
     "apps,extensions deployments get,list,update,watch;apps,extensions deployments/status "
     "update;apps,extensions deployments/finalizers update;apps,extensions replicasets create,"
     "delete,get,list,patch,update,watch;- pods get,list,update,watch;-,events.k8s.io events "
     "create,patch,update"},
    {"system:controller:disruption-controller", "", "", "",
     "apps,extensions deployments get,list,watch;apps,extensions replicasets get,list,watch;- "
     "replicationcontrollers get,list,watch;policy poddisruptionbudgets get,list,watch;apps "
     "statefulsets get,list,watch;policy poddisruptionbudgets/status update;- pods/status "
     "patch,update;* */scale get;-,events.k8s.io events create,patch,update"},
    {"system:controller:endpoint-controller", "", "", "",
     "- pods,services get,list,watch;- endpoints create,delete,get,list,update,watch;- "
     "endpoints/restricted create;-,events.k8s.io events create,patch,update"},
    {"system:controller:endpointslice-controller", "", "", "",
     "- nodes,pods,services get,list,watch;- services/finalizers update;discovery.k8s.io "
     "endpointslices create,delete,get,list,update,watch;discovery.k8s.io "
     "endpointslices/restricted create;-,events.k8s.io events create,patch,update"},
    {"system:controller:endpointslicemirroring-controller", "", "", "",
     "- endpoints,services get,list,watch;- services/finalizers update;- endpoints/finalizers "
     "update;discovery.k8s.io endpointslices create,delete,get,list,update,watch;"
     "discovery.k8s.io endpointslices/restricted create;-,events.k8s.io events create,patch,"
     "update"},
    {"system:controller:ephemeral-volume-controller", "", "", "",
     "- pods get,list,watch;- pods/finalizers update;- persistentvolumeclaims create,get,list,"
     "watch;-,events.k8s.io events create,patch,update"},
    {"system:controller:expand-controller", "", "", "",
     "- persistentvolumes get,list,patch,update,watch;- persistentvolumeclaims/status patch,"
     "update;- persistentvolumeclaims get,list,watch;-,events.k8s.io events create,patch,"
     "update;- services get"},
    {"system:controller:generic-garbage-collector", "", "", "",
     "* * delete,get,list,patch,update,watch;-,events.k8s.io events create,patch,update"},
    {"system:controller:horizontal-pod-autoscaler", "", "", "",
     "autoscaling horizontalpodautoscalers get,list,watch;autoscaling "
     "horizontalpodautoscalers/status update;* */scale get,update;- pods list,watch;"
     "metrics.k8s.io pods list,watch;custom.metrics.k8s.io * get,list,watch;"
     "external.metrics.k8s.io * get,list,watch;-,events.k8s.io events create,patch,update"},
    {"system:controller:job-controller", "", "", "",
     "batch jobs get,list,patch,update,watch;batch jobs/status update;batch jobs/finalizers "
     "update;- pods create,delete,list,patch,watch;-,events.k8s.io events create,patch,update"},
    {"system:controller:legacy-service-account-token-cleaner", "", "", "",
     "- configmaps get kube-apiserver-legacy-service-account-token-tracking;- secrets delete,"
     "patch"},
    {"system:controller:namespace-controller", "", "", "",
     "- namespaces delete,get,list,watch;- namespaces/finalize,namespaces/status update;* * "
     "delete,deletecollection,get,list,watch"},
    {"system:controller:node-controller", "", "", "",
     "- nodes delete,get,list,patch,update,watch;- nodes/status patch,update;- pods/status "
     "patch,update;- pods delete,get,list,watch;-,events.k8s.io events create,patch,update"},
    {"system:controller:persistent-volume-binder", "", "", "",
     "- persistentvolumes create,delete,get,list,update,watch;- persistentvolumes/status "
     "update;- persistentvolumeclaims get,list,update,watch;- persistentvolumeclaims/status "
     "update;- pods create,delete,get,list,watch;storage.k8s.io storageclasses get,list,watch;"
     "- nodes list,watch;-,events.k8s.io events create,patch,update;- events watch;- services "
     "get"},
    {"system:controller:pod-garbage-collector", "", "", "",
     "- pods delete,list,watch;- nodes get,list,watch;- pods/status patch"},
    {"system:controller:pv-protection-controller", "", "", "",
     "- persistentvolumes get,list,update,watch;-,events.k8s.io events create,patch,update"},
    {"system:controller:pvc-protection-controller", "", "", "",
     "- persistentvolumeclaims get,list,update,watch;- pods get,list,watch;-,events.k8s.io "
     "events create,patch,update"},
    {"system:controller:replicaset-controller", "", "", "",
     "apps,extensions replicasets get,list,update,watch;apps,extensions replicasets/status "
     "update;apps,extensions replicasets/finalizers update;- pods create,delete,list,patch,"
     "watch;-,events.k8s.io events create,patch,update"},
    {"system:controller:replication-controller", "", "", "",
     "- replicationcontrollers get,list,update,watch;- replicationcontrollers/status update;- "
     "replicationcontrollers/finalizers update;- pods create,delete,list,patch,watch;-,"
     "events.k8s.io events create,patch,update"},
    {"system:controller:resource-claim-controller", "", "", "",
     "- pods get,list,watch;- pods/finalizers update;resource.k8s.io resourceclaims create,"
     "delete,get,list,watch;resource.k8s.io resourceclaims,resourceclaims/status patch,update;"
     "- pods/status patch,update;-,events.k8s.io events create,patch,update"},
    {"system:controller:resourcequota-controller", "", "", "",
     "* * list,watch;- resourcequotas/status update;-,events.k8s.io events create,patch,update"},
    {"system:controller:root-ca-cert-publisher", "", "", "",
     "- configmaps create,update;-,events.k8s.io events create,patch,update"},
    {"system:controller:route-controller", "", "", "",
     "- nodes list,watch;- nodes/status patch;-,events.k8s.io events create,patch,update"},
    {"system:controller:selinux-warning-controller", "", "", "",
     "-,events.k8s.io events create,patch,update;- persistentvolumes get,list,watch;- "
     "persistentvolumeclaims get,list,watch;- pods get,list,watch;storage.k8s.io csidrivers "
     "get,list,watch"},
    {"system:controller:service-account-controller", "", "", "",
     "- serviceaccounts create;-,events.k8s.io events create,patch,update"},
    {"system:controller:service-cidrs-controller", "", "", "",
     "networking.k8s.io servicecidrs get,list,patch,update,watch;networking.k8s.io "
     "servicecidrs/finalizers patch,update;networking.k8s.io servicecidrs/status patch,update;"
     "networking.k8s.io ipaddresses get,list,watch;-,events.k8s.io events create,patch,update"},
    {"system:controller:service-controller", "", "", "",
     "- services get,list,watch;- services/status patch,update;- nodes list,watch;-,"
     "events.k8s.io events create,patch,update"},
    {"system:controller:statefulset-controller", "", "", "",
     "- pods list,watch;apps statefulsets get,list,watch;apps statefulsets/status update;apps "
     "statefulsets/finalizers update;- pods create,delete,get,patch,update;apps "
     "controllerrevisions create,delete,get,list,patch,update,watch;- persistentvolumeclaims "
     "create,get,list,watch;-,events.k8s.io events create,patch,update;- "
     "persistentvolumeclaims delete,update;- pods/finalizers update"},
    {"system:controller:ttl-after-finished-controller", "", "", "",
     "batch jobs delete,get,list,watch;-,events.k8s.io events create,patch,update"},
    {"system:controller:ttl-controller", "", "", "",
     "- nodes list,patch,update,watch;-,events.k8s.io events create,patch,update"},
    {"system:controller:validatingadmissionpolicy-status-controller", "", "", "",
     "admissionregistration.k8s.io validatingadmissionpolicies get,list,watch;"
     "admissionregistration.k8s.io validatingadmissionpolicies/status get,patch,update;-,"
     "events.k8s.io events create,patch,update"},
    {"system:controller:volumeattributesclass-protection-controller", "", "", "",
     "- persistentvolumeclaims get,list,watch;- persistentvolumes get,list,watch;"
     "storage.k8s.io volumeattributesclasses get,list,update,watch;-,events.k8s.io events "
     "create,patch,update"},
    {"system:heapster", "", "", "",
     "- events,namespaces,nodes,pods get,list,watch;extensions deployments get,list,watch"},
    {"system:kube-aggregator", "", "", "",
     "- endpoints,services get,list,watch"},
    {"system:kube-controller-manager", "", "", "",
     "-,events.k8s.io events create,patch,update;coordination.k8s.io leases create;"
     "coordination.k8s.io leases get,update kube-controller-manager;- secrets,serviceaccounts "
     "create;- secrets delete;- configmaps,namespaces,secrets,serviceaccounts get;- secrets,"
     "serviceaccounts update;authentication.k8s.io tokenreviews create;authorization.k8s.io "
     "subjectaccessreviews create;* * list,watch;- serviceaccounts/token create"},
    {"system:kube-scheduler", "", "", "",
     "-,events.k8s.io events create,patch,update;coordination.k8s.io leases create;"
     "coordination.k8s.io leases get,list,update,watch kube-scheduler;coordination.k8s.io "
     "leasecandidates create,delete,deletecollection,get,list,patch,update,watch;- nodes get,"
     "list,watch;- pods delete,get,list,watch;- bindings,pods/binding create;- pods/status "
     "patch,update;- replicationcontrollers,services get,list,watch;apps,extensions "
     "replicasets get,list,watch;apps statefulsets get,list,watch;policy poddisruptionbudgets "
     "get,list,watch;- persistentvolumeclaims,persistentvolumes get,list,watch;"
     "authentication.k8s.io tokenreviews create;authorization.k8s.io subjectaccessreviews "
     "create;storage.k8s.io csinodes get,list,watch;storage.k8s.io volumeattachments get,list,"
     "watch;- namespaces get,list,watch;storage.k8s.io csidrivers get,list,watch;"
     "storage.k8s.io csistoragecapacities get,list,watch;resource.k8s.io deviceclasses get,"
     "list,watch;resource.k8s.io resourceclaims get,list,patch,update,watch;resource.k8s.io "
     "resourceclaims/status get,list,patch,update,watch;- pods/finalizers update;"
     "resource.k8s.io resourceslices get,list,watch"},
    {"system:node-problem-detector", "", "", "",
     "- nodes get;- nodes/status patch;-,events.k8s.io events create,patch,update"},
    {"system:volume-scheduler", "", "", "",
     "- persistentvolumes get,list,patch,update,watch;storage.k8s.io storageclasses get,list,"
     "watch;- persistentvolumeclaims get,list,patch,update,watch"},
    {"system:controller:bootstrap-signer", "", "", "kube-public",
     "- configmaps get,list,watch;- configmaps update cluster-info;-,events.k8s.io events "
     "create,patch,update"},
    {"extension-apiserver-authentication-reader", "", "", "kube-system",
     "- configmaps get,list,watch extension-apiserver-authentication"},
    {"system::leader-locking-kube-controller-manager", "", "", "kube-system",
     "- configmaps watch;- configmaps get,update kube-controller-manager;coordination.k8s.io "
     "leases create,get,list,update,watch;coordination.k8s.io leasecandidates create,get,list,"
     "update,watch"},
    {"system::leader-locking-kube-scheduler", "", "", "kube-system",
     "- configmaps watch;- configmaps get,update kube-scheduler;coordination.k8s.io leases "
     "create,get,list,update,watch;coordination.k8s.io leasecandidates create,get,list,update,"
     "watch"},
    {"system:controller:bootstrap-signer", "", "", "kube-system",
     "- secrets get,list,watch"},
    {"system:controller:cloud-provider", "", "", "kube-system",
     "- configmaps create,get,list,watch"},
    {"system:controller:token-cleaner", "", "", "kube-system",
     "- secrets delete,get,list,watch;-,events.k8s.io events create,patch,update"},
};
const size_t bootstrap_outer_roles_n = ARRAY_LEN(bootstrap_outer_roles);

const struct bootstrap_binding bootstrap_outer_bindings[] = {
    {"system:controller:attachdetach-controller", "system:controller:attachdetach-controller", "",
     "S:kube-system/attachdetach-controller"},
    {"system:controller:certificate-controller", "system:controller:certificate-controller", "",
     "S:kube-system/certificate-controller"},
    {"system:controller:clusterrole-aggregation-controller",
     "system:controller:clusterrole-aggregation-controller", "",
     "S:kube-system/clusterrole-aggregation-controller"},
    {"system:controller:cronjob-controller", "system:controller:cronjob-controller", "",
     "S:kube-system/cronjob-controller"},
    {"system:controller:daemon-set-controller", "system:controller:daemon-set-controller", "",
     "S:kube-system/daemon-set-controller"},
    {"system:controller:deployment-controller", "system:controller:deployment-controller", "",
     "S:kube-system/deployment-controller"},
    {"system:controller:disruption-controller", "system:controller:disruption-controller", "",
     "S:kube-system/disruption-controller"},
    {"system:controller:endpoint-controller", "system:controller:endpoint-controller", "",
     "S:kube-system/endpoint-controller"},
    {"system:controller:endpointslice-controller", "system:controller:endpointslice-controller", "",
     "S:kube-system/endpointslice-controller"},
    {"system:controller:endpointslicemirroring-controller",
     "system:controller:endpointslicemirroring-controller", "",
     "S:kube-system/endpointslicemirroring-controller"},
    {"system:controller:ephemeral-volume-controller",
     "system:controller:ephemeral-volume-controller", "",
     "S:kube-system/ephemeral-volume-controller"},
    {"system:controller:expand-controller", "system:controller:expand-controller", "",
     "S:kube-system/expand-controller"},
    {"system:controller:generic-garbage-collector",
     "system:controller:generic-garbage-collector", "",
     "S:kube-system/generic-garbage-collector"},
    {"system:controller:horizontal-pod-autoscaler",
     "system:controller:horizontal-pod-autoscaler", "",
     "S:kube-system/horizontal-pod-autoscaler"},
    {"system:controller:job-controller", "system:controller:job-controller", "",
     "S:kube-system/job-controller"},
    {"system:controller:legacy-service-account-token-cleaner",
     "system:controller:legacy-service-account-token-cleaner", "",
     "S:kube-system/legacy-service-account-token-cleaner"},
    {"system:controller:namespace-controller", "system:controller:namespace-controller", "",
     "S:kube-system/namespace-controller"},
    {"system:controller:node-controller", "system:controller:node-controller", "",
     "S:kube-system/node-controller"},
    {"system:controller:persistent-volume-binder", "system:controller:persistent-volume-binder", "",
     "S:kube-system/persistent-volume-binder"},
    {"system:controller:pod-garbage-collector", "system:controller:pod-garbage-collector", "",
     "S:kube-system/pod-garbage-collector"},
    {"system:controller:pv-protection-controller", "system:controller:pv-protection-controller", "",
     "S:kube-system/pv-protection-controller"},
    {"system:controller:pvc-protection-controller",
     "system:controller:pvc-protection-controller", "",
     "S:kube-system/pvc-protection-controller"},
    {"system:controller:replicaset-controller", "system:controller:replicaset-controller", "",
     "S:kube-system/replicaset-controller"},
    {"system:controller:replication-controller", "system:controller:replication-controller", "",
     "S:kube-system/replication-controller"},
    {"system:controller:resource-claim-controller",
     "system:controller:resource-claim-controller", "",
     "S:kube-system/resource-claim-controller"},
    {"system:controller:resourcequota-controller", "system:controller:resourcequota-controller", "",
     "S:kube-system/resourcequota-controller"},
    {"system:controller:root-ca-cert-publisher", "system:controller:root-ca-cert-publisher", "",
     "S:kube-system/root-ca-cert-publisher"},
    {"system:controller:route-controller", "system:controller:route-controller", "",
     "S:kube-system/route-controller"},
    {"system:controller:selinux-warning-controller",
     "system:controller:selinux-warning-controller", "",
     "S:kube-system/selinux-warning-controller"},
    {"system:controller:service-account-controller",
     "system:controller:service-account-controller", "",
     "S:kube-system/service-account-controller"},
    {"system:controller:service-cidrs-controller", "system:controller:service-cidrs-controller", "",
     "S:kube-system/service-cidrs-controller"},
    {"system:controller:service-controller", "system:controller:service-controller", "",
     "S:kube-system/service-controller"},
    {"system:controller:statefulset-controller", "system:controller:statefulset-controller", "",
     "S:kube-system/statefulset-controller"},
    {"system:controller:ttl-after-finished-controller",
     "system:controller:ttl-after-finished-controller", "",
     "S:kube-system/ttl-after-finished-controller"},
    {"system:controller:ttl-controller", "system:controller:ttl-controller", "",
     "S:kube-system/ttl-controller"},
    {"system:controller:validatingadmissionpolicy-status-controller",
     "system:controller:validatingadmissionpolicy-status-controller", "",
     "S:kube-system/validatingadmissionpolicy-status-controller"},
    {"system:controller:volumeattributesclass-protection-controller",
     "system:controller:volumeattributesclass-protection-controller", "",
     "S:kube-system/volumeattributesclass-protection-controller"},
    {"system:kube-controller-manager", "system:kube-controller-manager", "",
     "U:system:kube-controller-manager"},
    {"system:kube-scheduler", "system:kube-scheduler", "",
     "U:system:kube-scheduler"},
    {"system:node", "system:node", "",
     ""},
    {"system:volume-scheduler", "system:volume-scheduler", "",
     "U:system:kube-scheduler"},
    {"system:controller:bootstrap-signer", "system:controller:bootstrap-signer", "kube-public",
     "S:kube-system/bootstrap-signer"},
    {"system::extension-apiserver-authentication-reader",
     "extension-apiserver-authentication-reader", "kube-system",
     "U:system:kube-controller-manager,U:system:kube-scheduler"},
    {"system::leader-locking-kube-controller-manager",
     "system::leader-locking-kube-controller-manager", "kube-system",
     "U:system:kube-controller-manager,S:kube-system/kube-controller-manager,"
     "S:kube-system/leader-election-controller"},
    {"system::leader-locking-kube-scheduler",
     "system::leader-locking-kube-scheduler", "kube-system",
     "U:system:kube-scheduler,S:kube-system/kube-scheduler"},
    {"system:controller:bootstrap-signer", "system:controller:bootstrap-signer", "kube-system",
     "S:kube-system/bootstrap-signer"},
    {"system:controller:cloud-provider", "system:controller:cloud-provider", "kube-system",
     "S:kube-system/cloud-provider"},
    {"system:controller:token-cleaner", "system:controller:token-cleaner", "kube-system",
     "S:kube-system/token-cleaner"},
};
const size_t bootstrap_outer_bindings_n = ARRAY_LEN(bootstrap_outer_bindings);
/* clang-format on */
