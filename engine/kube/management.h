/* management: the resources of the manager's own API group and the few others that several parts name. */
#ifndef PADDOCK_ENGINE_KUBE_MANAGEMENT_H
#define PADDOCK_ENGINE_KUBE_MANAGEMENT_H

#include "engine/kube/gvr.h"

#define KUBE_GVR(g, v, r)                                                                          \
    {                                                                                              \
        STR_INIT(g), STR_INIT(v), STR_INIT(r)                                                      \
    }
#define MANAGEMENT_GROUP "management.cattle.io"

static const struct kube_gvr gvr_clusters = KUBE_GVR(MANAGEMENT_GROUP, "v3", "clusters");
static const struct kube_gvr gvr_registration_tokens =
    KUBE_GVR(MANAGEMENT_GROUP, "v3", "clusterregistrationtokens"); /* namespace: the cluster's id */
static const struct kube_gvr gvr_settings = KUBE_GVR(MANAGEMENT_GROUP, "v3", "settings");
static const struct kube_gvr gvr_crds =
    KUBE_GVR("apiextensions.k8s.io", "v1", "customresourcedefinitions");
static const struct kube_gvr gvr_namespaces = KUBE_GVR("", "v1", "namespaces");
static const struct kube_gvr gvr_secrets = KUBE_GVR("", "v1", "secrets");
static const struct kube_gvr gvr_endpoints = KUBE_GVR("", "v1", "endpoints");
static const struct kube_gvr gvr_nodes = KUBE_GVR("", "v1", "nodes");
static const struct kube_gvr gvr_pods = KUBE_GVR("", "v1", "pods");
static const struct kube_gvr gvr_deployments = KUBE_GVR("apps", "v1", "deployments");
static const struct kube_gvr gvr_jobs = KUBE_GVR("batch", "v1", "jobs");

/* Where the manager keeps the service-account tokens of its clusters. */
#define NAMESPACE_GLOBAL_DATA "cattle-global-data"
#define NAMESPACE_SYSTEM      "cattle-system"
#define AGENT_DEPLOYMENT      "cattle-cluster-agent"

#endif
