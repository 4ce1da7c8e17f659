/* What every cluster has from its start: the Service by which the API is found, and the cluster's DNS. */
#include "sim/kubeapi/controllers/ctl.h"
#include "sim/kubeapi/verbs/writing.h"

static void put(struct kubeapi *api, struct buf *json)
{
    err_ignore(
        kubeapi_apply(api, buf_str(json), NULL)); /* for people to see: nothing depends on it */
    buf_free(json);
}

static void publish_api(struct kubeapi *api, struct str host, uint16_t port)
{
    struct buf service = {0}, endpoints = {0}, slice = {0};
    buf_add_c(&service,
              "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"labels\":{\"component\":"
              "\"apiserver\",\"provider\":\"kubernetes\"},\"name\":\"kubernetes\",\"namespace\":"
              "\"default\"},\"spec\":{\"clusterIP\":\"10.96.0.1\",\"clusterIPs\":[\"10.96.0.1\"],"
              "\"internalTrafficPolicy\":\"Cluster\",\"ipFamilies\":[\"IPv4\"],\"ipFamilyPolicy\":"
              "\"SingleStack\",\"ports\":[{\"name\":\"https\",\"port\":443,\"protocol\":\"TCP\","
              "\"targetPort\":6443}],\"sessionAffinity\":\"None\",\"type\":\"ClusterIP\"}}");
    buf_addf(&endpoints,
             "{\"apiVersion\":\"v1\",\"kind\":\"Endpoints\",\"metadata\":{\"labels\":{"
             "\"endpointslice.kubernetes.io/skip-mirror\":\"true\"},\"name\":\"kubernetes\","
             "\"namespace\":\"default\"},\"subsets\":[{\"addresses\":[{\"ip\":\"" STR_FMT
             "\"}],\"ports\":[{\"name\":\"https\",\"port\":%u,\"protocol\":\"TCP\"}]}]}",
             STR_ARG(host), port);
    buf_addf(&slice,
             "{\"addressType\":\"IPv4\",\"apiVersion\":\"discovery.k8s.io/v1\",\"endpoints\":[{"
             "\"addresses\":[\"" STR_FMT "\"],\"conditions\":{\"ready\":true}}],\"kind\":"
             "\"EndpointSlice\",\"metadata\":{\"labels\":{\"kubernetes.io/service-name\":"
             "\"kubernetes\"},\"name\":\"kubernetes\",\"namespace\":\"default\"},\"ports\":[{"
             "\"name\":\"https\",\"port\":%u,\"protocol\":\"TCP\"}]}",
             STR_ARG(host), port);
    put(api, &service);
    put(api, &endpoints);
    put(api, &slice);
}

static void publish_dns(struct kubeapi *api)
{
    struct buf deployment = {0}, service = {0};
    buf_add_c(&deployment,
              "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"labels\":{"
              "\"k8s-app\":\"kube-dns\"},\"name\":\"coredns\",\"namespace\":\"kube-system\"},"
              "\"spec\":{\"replicas\":2,\"selector\":{\"matchLabels\":{\"k8s-app\":\"kube-dns\"}},"
              "\"template\":{\"metadata\":{\"labels\":{\"k8s-app\":\"kube-dns\"}},\"spec\":{"
              "\"containers\":[{\"image\":\"registry.k8s.io/coredns/coredns:v1.12.1\",\"name\":"
              "\"coredns\",\"ports\":[{\"containerPort\":53,\"name\":\"dns\",\"protocol\":\"UDP\"},"
              "{\"containerPort\":53,\"name\":\"dns-tcp\",\"protocol\":\"TCP\"}]}],"
              "\"tolerations\":[{\"key\":\"CriticalAddonsOnly\",\"operator\":\"Exists\"}]}}}}");
    buf_add_c(&service,
              "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"labels\":{\"k8s-app\":"
              "\"kube-dns\",\"kubernetes.io/cluster-service\":\"true\",\"kubernetes.io/name\":"
              "\"CoreDNS\"},\"name\":\"kube-dns\",\"namespace\":\"kube-system\"},\"spec\":{"
              "\"clusterIP\":\"10.96.0.10\",\"clusterIPs\":[\"10.96.0.10\"],"
              "\"internalTrafficPolicy\":\"Cluster\",\"ipFamilies\":[\"IPv4\"],\"ipFamilyPolicy\":"
              "\"SingleStack\",\"ports\":[{\"name\":\"dns\",\"port\":53,\"protocol\":\"UDP\","
              "\"targetPort\":53},{\"name\":\"dns-tcp\",\"port\":53,\"protocol\":\"TCP\","
              "\"targetPort\":53}],\"selector\":{\"k8s-app\":\"kube-dns\"},\"sessionAffinity\":"
              "\"None\",\"type\":\"ClusterIP\"}}");
    put(api, &deployment);
    put(api, &service);
}

void kubeapi_publish(struct kubeapi *api, struct str host, uint16_t port)
{
    publish_api(api, host, port);
    if (api->workloads)
        publish_dns(api);
}
