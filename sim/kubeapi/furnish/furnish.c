#include "sim/kubeapi/furnish/furnish.h"

#include "engine/base/timefmt.h"
#include "sim/kubeapi/core/server.h"
#include "sim/kubeapi/verbs/writing.h"

#include <stdarg.h>
#include <string.h>

#define SERVICE_RANGE "10.96.0.0/12"
#define SERVICE_IP    "10.96.0.1"
#define FLOW          "flowcontrol.apiserver.k8s.io"

static void apply(struct kubeapi *api, struct str json)
{
    struct err *err = kubeapi_apply(api, json, NULL);
    BUG_ON(err, "what a server starts with is fine");
}

/* Templates use ' for ", and @ for the present time: none of their texts has one. */
static void write_template(struct kubeapi *api, struct str text, struct buf *out)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '@')
            rfc3339_format(out, world_wall(api->w));
        else
            buf_add_char(out, text.p[i] == '\'' ? '"' : text.p[i]);
}

printf_like(5, 6) static void put(struct kubeapi *api, const char *table, const char *ns,
                                  const char *name, const char *template, ...)
{
    struct buf text = {0}, json = {0};
    va_list values;
    if (kubeapi_get(api, str_c(table), str_c(ns), str_c(name)))
        return;
    va_start(values, template);
    buf_addv(&text, template, values);
    va_end(values);
    write_template(api, buf_str(&text), &json);
    apply(api, buf_str(&json));
    buf_free(&text);
    buf_free(&json);
}

/* ---- where the server is found ---- */

static void put_service(struct kubeapi *api)
{
    put(api, "services", "default", "kubernetes",
        "{'apiVersion':'v1','kind':'Service','metadata':{'name':'kubernetes','namespace':'default',"
        "'labels':{'component':'apiserver','provider':'kubernetes'}},'spec':{'clusterIP':'%s',"
        "'clusterIPs':['%s'],'internalTrafficPolicy':'Cluster','ipFamilies':['IPv4'],"
        "'ipFamilyPolicy':'SingleStack','ports':[{'name':'https','port':443,'protocol':'TCP',"
        "'targetPort':6443}],'sessionAffinity':'None','type':'ClusterIP'},"
        "'status':{'loadBalancer':{}}}",
        SERVICE_IP, SERVICE_IP);
    put(api, "servicecidrs.networking.k8s.io", "", "kubernetes",
        "{'apiVersion':'networking.k8s.io/v1','kind':'ServiceCIDR','metadata':{'name':'kubernetes',"
        "'finalizers':['networking.k8s.io/service-cidr-finalizer']},'spec':{'cidrs':['%s']},"
        "'status':{'conditions':[{'type':'Ready','status':'True','reason':'',"
        "'message':'Kubernetes Service CIDR is ready','lastTransitionTime':'@'}]}}",
        SERVICE_RANGE);
    put(api, "ipaddresses.networking.k8s.io", "", SERVICE_IP,
        "{'apiVersion':'networking.k8s.io/v1','kind':'IPAddress','metadata':{'name':'%s','labels':{"
        "'ipaddress.kubernetes.io/ip-family':'IPv4',"
        "'ipaddress.kubernetes.io/managed-by':'ipallocator.k8s.io'}},'spec':{'parentRef':{"
        "'group':'','resource':'services','namespace':'default','name':'kubernetes'}}}",
        SERVICE_IP);
}

static void put_endpoints(struct kubeapi *api, const struct furnish_options *options)
{
    struct buf b = {0};
    const char *family = memchr(options->host.p, ':', options->host.n) ? "IPv6" : "IPv4";
    buf_addf(&b,
             "{\"apiVersion\":\"v1\",\"kind\":\"Endpoints\",\"metadata\":{\"name\":\"kubernetes\","
             "\"namespace\":\"default\",\"labels\":{\"endpointslice.kubernetes.io/skip-mirror\":"
             "\"true\"}},\"subsets\":[{\"addresses\":[{\"ip\":\"" STR_FMT "\"}],\"ports\":[{"
             "\"name\":\"https\",\"port\":%u,\"protocol\":\"TCP\"}]}]}",
             STR_ARG(options->host), options->port);
    apply(api, buf_str(&b));
    buf_clear(&b);
    buf_addf(
        &b,
        "{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\",\"metadata\":{"
        "\"name\":\"kubernetes\",\"namespace\":\"default\",\"labels\":{"
        "\"kubernetes.io/service-name\":\"kubernetes\"}},\"addressType\":\"%s\",\"endpoints\":[{"
        "\"addresses\":[\"" STR_FMT "\"],\"conditions\":{\"ready\":true}}],\"ports\":[{"
        "\"name\":\"https\",\"port\":%u,\"protocol\":\"TCP\"}]}",
        family, STR_ARG(options->host), options->port);
    apply(api, buf_str(&b));
    buf_free(&b);
}

/* How servers of extended APIs know who this one's clients are. */
static void put_authentication(struct kubeapi *api, struct str ca_pem)
{
    static const struct {
        const char *key, *value; /* NULL: the authority */
    } proxy[] = {
        {"requestheader-allowed-names", "[\"front-proxy-client\"]"},
        {"requestheader-client-ca-file", NULL},
        {"requestheader-extra-headers-prefix", "[\"X-Remote-Extra-\"]"},
        {"requestheader-group-headers", "[\"X-Remote-Group\"]"},
        {"requestheader-username-headers", "[\"X-Remote-User\"]"},
    };
    if (kubeapi_get(api, STR("configmaps"), STR("kube-system"),
                    STR("extension-apiserver-authentication")))
        return;
    struct arena a = {0};
    cJSON *tree = json_object(&a), *data = json_ensure(&a, tree, "data");
    struct buf b = {0};
    json_set_str(&a, tree, "apiVersion", STR("v1"));
    json_set_str(&a, tree, "kind", STR("ConfigMap"));
    json_set_str(&a, json_ensure(&a, tree, "metadata"), "name",
                 STR("extension-apiserver-authentication"));
    json_set_str(&a, json_get(tree, "metadata"), "namespace", STR("kube-system"));
    json_set_str(&a, data, "client-ca-file", ca_pem);
    for (size_t i = 0; i < ARRAY_LEN(proxy); i++)
        json_set_str(&a, data, proxy[i].key, proxy[i].value ? str_c(proxy[i].value) : ca_pem);
    json_write(&b, tree);
    apply(api, buf_str(&b));
    buf_free(&b);
    arena_free(&a);
}

/* ---- groups ---- */

static const struct {
    const char *group, *version;
    int group_priority, version_priority;
} groups[] = {
    {"", "v1", 18000, 1},
    {"admissionregistration.k8s.io", "v1", 16700, 15},
    {"apiextensions.k8s.io", "v1", 16700, 15},
    {"apps", "v1", 17800, 15},
    {"authentication.k8s.io", "v1", 17700, 15},
    {"authorization.k8s.io", "v1", 17600, 15},
    {"autoscaling", "v1", 17500, 15},
    {"autoscaling", "v2", 17500, 30},
    {"batch", "v1", 17400, 15},
    {"certificates.k8s.io", "v1", 17300, 15},
    {"coordination.k8s.io", "v1", 16500, 15},
    {"discovery.k8s.io", "v1", 16200, 15},
    {"events.k8s.io", "v1", 17750, 15},
    {FLOW, "v1", 16100, 21},
    {"networking.k8s.io", "v1", 17200, 15},
    {"node.k8s.io", "v1", 16300, 15},
    {"policy", "v1", 17100, 15},
    {"rbac.authorization.k8s.io", "v1", 17000, 15},
    {"resource.k8s.io", "v1", 15900, 20},
    {"scheduling.k8s.io", "v1", 16600, 15},
    {"storage.k8s.io", "v1", 16800, 15},
};

static void put_groups(struct kubeapi *api)
{
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        struct buf name = {0};
        buf_addf(&name, "%s.%s", groups[i].version, groups[i].group);
        put(api, "apiservices.apiregistration.k8s.io", "", buf_c(&name),
            "{'apiVersion':'apiregistration.k8s.io/v1','kind':'APIService','metadata':{'name':'%s',"
            "'labels':{'kube-aggregator.kubernetes.io/"
            "automanaged':'onstart'}},'spec':{'group':'%s',"
            "'version':'%s','groupPriorityMinimum':%d,'versionPriority':%d},'status':{'conditions':"
            "["
            "{'type':'Available','status':'True','reason':'Local',"
            "'message':'Local APIServices are always available','lastTransitionTime':'@'}]}}",
            buf_c(&name), groups[i].group, groups[i].version, groups[i].group_priority,
            groups[i].version_priority);
        buf_free(&name);
    }
}

/* ---- priorities of pods ---- */

static void put_priority_class(struct kubeapi *api, const char *name, int value, const char *text)
{
    put(api, "priorityclasses.scheduling.k8s.io", "", name,
        "{'apiVersion':'scheduling.k8s.io/v1','kind':'PriorityClass','metadata':{'name':'%s'},"
        "'value':%d,'description':'%s','preemptionPolicy':'PreemptLowerPriority'}",
        name, value, text);
}

/* ---- flow control ---- */

static const struct {
    const char *name;
    int shares, lendable_percent;
    int queues, hand; /* 0: what is too much is refused */
} levels[] = {
    {"catch-all", 5, 0, 0, 0},         {"global-default", 20, 50, 128, 6},
    {"leader-election", 10, 0, 16, 4}, {"node-high", 40, 25, 64, 6},
    {"system", 30, 33, 64, 6},         {"workload-high", 40, 50, 128, 6},
    {"workload-low", 100, 90, 128, 6},
};

static void put_level(struct kubeapi *api, const char *name, const char *spec)
{
    put(api, "prioritylevelconfigurations." FLOW, "", name,
        "{'apiVersion':'" FLOW "/v1','kind':'PriorityLevelConfiguration','metadata':{'name':'%s',"
        "'annotations':{'apf.kubernetes.io/autoupdate-spec':'true'}},'spec':%s,'status':{}}",
        name, spec);
}

static void put_levels(struct kubeapi *api)
{
    put_level(api, "exempt",
              "{'type':'Exempt','exempt':{'nominalConcurrencyShares':0,'lendablePercent':0}}");
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        struct buf spec = {0};
        buf_addf(&spec,
                 "{'type':'Limited','limited':{'nominalConcurrencyShares':%d,'lendablePercent':%d,"
                 "'limitResponse':",
                 levels[i].shares, levels[i].lendable_percent);
        if (levels[i].queues > 0)
            buf_addf(&spec,
                     "{'type':'Queue','queuing':{'queues':%d,'handSize':%d,'queueLengthLimit':50}}",
                     levels[i].queues, levels[i].hand);
        else
            buf_add_c(&spec, "{'type':'Reject'}");
        buf_add_c(&spec, "}}");
        put_level(api, levels[i].name, buf_c(&spec));
        buf_free(&spec);
    }
}

#define GROUP(name) "{'kind':'Group','group':{'name':'" name "'}}"
#define USER(name)  "{'kind':'User','user':{'name':'" name "'}}"
#define ACCOUNT(name)                                                                              \
    "{'kind':'ServiceAccount','serviceAccount':{'namespace':'kube-system','name':'" name "'}}"
#define URLS(verb, urls) "'nonResourceRules':[{'verbs':['" verb "'],'nonResourceURLs':[" urls "]}]"
#define RESOURCES(verbs, groups, resources, where)                                                 \
    "'resourceRules':[{'verbs':[" verbs "],'apiGroups':[" groups "],'resources':[" resources       \
    "]," where "}]"
#define EVERYTHING                                                                                 \
    RESOURCES("'*'", "'*'", "'*'", "'clusterScope':true,'namespaces':['*']") "," URLS("*", "'*'")
#define LEASES(where)                                                                              \
    RESOURCES("'get','create','update'", "'coordination.k8s.io'", "'leases'",                      \
              "'namespaces':[" where "]")

static const struct {
    const char *name, *level, *subjects, *rules;
    int precedence;
    bool by_namespace; /* flows are told apart by it, not by user; exempt ones by nothing */
} schemas[] = {
    {"exempt", "exempt", GROUP("system:masters"), EVERYTHING, 1, false},
    {"probes", "exempt", GROUP("system:unauthenticated") "," GROUP("system:authenticated"),
     URLS("get", "'/healthz','/readyz','/livez'"), 2, false},
    {"system-leader-election", "leader-election",
     USER("system:kube-controller-manager") "," USER("system:kube-scheduler") "," ACCOUNT("*"),
     LEASES("'kube-system'"), 100, false},
    {"endpoint-controller", "workload-high",
     USER("system:kube-controller-manager") "," ACCOUNT("endpoint-controller") "," ACCOUNT(
         "endpointslicemirroring-controller"),
     RESOURCES("'get','create','update'", "''", "'endpoints'", "'namespaces':['*']"), 150, false},
    {"workload-leader-election", "leader-election", ACCOUNT("*"), LEASES("'*'"), 200, false},
    {"system-node-high", "node-high", GROUP("system:nodes"),
     RESOURCES("'*'", "''", "'nodes','nodes/status'", "'clusterScope':true,'namespaces':['*']"),
     400, false},
    {"system-nodes", "system", GROUP("system:nodes"), EVERYTHING, 500, false},
    {"kube-controller-manager", "workload-high", USER("system:kube-controller-manager"), EVERYTHING,
     800, true},
    {"kube-scheduler", "workload-high", USER("system:kube-scheduler"), EVERYTHING, 800, true},
    {"kube-system-service-accounts", "workload-high", ACCOUNT("*"), EVERYTHING, 900, true},
    {"service-accounts", "workload-low", GROUP("system:serviceaccounts"), EVERYTHING, 9000, false},
    {"global-default", "global-default",
     GROUP("system:unauthenticated") "," GROUP("system:authenticated"), EVERYTHING, 9900, false},
    {"catch-all", "catch-all", GROUP("system:unauthenticated") "," GROUP("system:authenticated"),
     EVERYTHING, 10000, false},
};

static void put_schemas(struct kubeapi *api)
{
    for (size_t i = 0; i < ARRAY_LEN(schemas); i++) {
        const char *flows = schemas[i].by_namespace
                                ? "'distinguisherMethod':{'type':'ByNamespace'},"
                                : "'distinguisherMethod':{'type':'ByUser'},";
        if (strcmp(schemas[i].level, "exempt") == 0)
            flows = "";
        put(api, "flowschemas." FLOW, "", schemas[i].name,
            "{'apiVersion':'" FLOW
            "/v1','kind':'FlowSchema','metadata':{'name':'%s','annotations':{"
            "'apf.kubernetes.io/autoupdate-spec':'true'}},'spec':{'matchingPrecedence':%d,%s"
            "'priorityLevelConfiguration':{'name':'%s'},'rules':[{'subjects':[%s],%s}]},"
            "'status':{'conditions':[{'type':'Dangling','status':'False','reason':'Found',"
            "'message':'This FlowSchema references the PriorityLevelConfiguration object named %s "
            "and it exists','lastTransitionTime':'@'}]}}",
            schemas[i].name, schemas[i].precedence, flows, schemas[i].level, schemas[i].subjects,
            schemas[i].rules, schemas[i].level);
    }
}

void kubeapi_furnish(struct kubeapi *api, const struct furnish_options *options)
{
    put_groups(api);
    put_priority_class(api, "system-cluster-critical", 2000000000,
                       "Used for system critical pods that must run in the cluster, but can be "
                       "moved to another node if necessary.");
    put_priority_class(
        api, "system-node-critical", 2000001000,
        "Used for system critical pods that must not be moved from their current node.");
    put_levels(api);
    put_schemas(api);
    put_service(api);
    put_endpoints(api, options);
    put_authentication(api, options->ca_pem);
}
