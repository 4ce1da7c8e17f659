/* What a request to a downstream cluster costs by way of the manager: `paddock server --embedded`, `paddock agent cluster` and
 * `paddock-sim apiserver`, a process each, over TLS on loopback, set up as an operator would.
 *
 *   proxy.get.p50_direct   GET of one small ConfigMap, one at a time on a kept connection: asked of the cluster itself
 *   proxy.get.p50          the same by /k8s/clusters/ID, in turns with it
 *   proxy.get.p50_added    their difference
 *   proxy.get.alone_server_cpu, ...alone_agent_cpu   what of it is work of the manager and of the agent
 *   proxy.get.rate, ...cpu  16 at a time: requests a second, CPU µs a request of manager, agent and cluster
 * tiny: counts that only try the way. */
#include "tests/bench/support/manager.h"
#include "tests/bench/support/measure.h"

#include <stdlib.h>
#include <unistd.h>

#define DEADLINE_S    300
#define AT_ONCE       16
#define TURNS         40
#define ALONE_MAX     ((size_t)8000)
#define QUIET_LOOK_MS 500
#define QUIET_NS      (10 * 1000000) /* of CPU time in a look: 2 % of a core */
#define CLUSTER       "c-bench"
#define CONFIGMAP     "/api/v1/namespaces/default/configmaps/bench"
#define BY_MANAGER    "/k8s/clusters/" CLUSTER CONFIGMAP
#define CLUSTERS      "/apis/management.cattle.io/v3/clusters"
#define TOKENS                                                                                     \
    "/apis/management.cattle.io/v3/namespaces/" CLUSTER "/clusterregistrationtokens/default-token"
#define RBAC      "/apis/rbac.authorization.k8s.io/v1/"
#define ROLES     RBAC "clusterroles"
#define BINDINGS  RBAC "clusterrolebindings"
#define RBAC_HEAD "{\"apiVersion\":\"rbac.authorization.k8s.io/v1\","

struct counts {
    int alone_a_turn;
    uint64_t gets;
};
static const struct counts whole = {100, 20000};
static const struct counts tiny = {2, 64};

struct bench {
    struct manager manager;
    struct api_server edge; /* the downstream cluster */
    struct side agent;
    struct buf bearer; /* of the manager's user */
};

static void report(const char *name, double value, const char *unit)
{
    printf("{\"bench\":\"proxy.%s\",\"value\":%.2f,\"unit\":\"%s\"}\n", name, value, unit);
    fflush(stdout);
}

/* ---- set-up ---- */

/* A user who may see the cluster, and what he may do there. */
static void make_user(struct bench *b, struct api_conn *local, struct api_conn *edge)
{
    manager_create(
        local, "/api/v1/namespaces/default/serviceaccounts",
        "{\"apiVersion\":\"v1\",\"kind\":\"ServiceAccount\",\"metadata\":{\"name\":\"me\"}}");
    manager_create(local, ROLES,
                   RBAC_HEAD
                   "\"kind\":\"ClusterRole\",\"metadata\":{\"name\":\"sees\"},\"rules\":[{"
                   "\"apiGroups\":[\"management.cattle.io\"],\"resources\":[\"clusters\"],"
                   "\"verbs\":[\"get\"]}]}");
    manager_create(local, BINDINGS,
                   RBAC_HEAD "\"kind\":\"ClusterRoleBinding\",\"metadata\":{\"name\":\"sees\"},"
                             "\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":"
                             "\"ClusterRole\",\"name\":\"sees\"},\"subjects\":[{\"kind\":"
                             "\"ServiceAccount\",\"name\":\"me\",\"namespace\":\"default\"}]}");
    manager_create(edge, BINDINGS,
                   RBAC_HEAD "\"kind\":\"ClusterRoleBinding\",\"metadata\":{\"name\":\"me\"},"
                             "\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":"
                             "\"ClusterRole\",\"name\":\"view\"},\"subjects\":[{\"kind\":\"User\","
                             "\"apiGroup\":\"rbac.authorization.k8s.io\",\"name\":"
                             "\"local:system:serviceaccount:default:me\"}]}");
    manager_token(local, "default", "me", &b->bearer);
}

/* What the import manifest has for the agent itself. */
static void make_account(struct api_conn *edge)
{
    manager_create(edge, "/api/v1/namespaces",
                   "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":"
                   "\"cattle-system\"}}");
    manager_create(edge, "/api/v1/namespaces/cattle-system/serviceaccounts",
                   "{\"apiVersion\":\"v1\",\"kind\":\"ServiceAccount\",\"metadata\":{\"name\":"
                   "\"cattle\"}}");
    manager_create(edge, BINDINGS,
                   RBAC_HEAD "\"kind\":\"ClusterRoleBinding\",\"metadata\":{\"name\":\"agent\"},"
                             "\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":"
                             "\"ClusterRole\",\"name\":\"cluster-admin\"},\"subjects\":[{\"kind\":"
                             "\"ServiceAccount\",\"name\":\"cattle\",\"namespace\":"
                             "\"cattle-system\"}]}");
    manager_create(
        edge, "/api/v1/namespaces/default/configmaps",
        "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"bench\"},"
        "\"data\":{\"small\":\"yes\"}}");
}

static void start_agent(struct bench *b, const char *token)
{
    char url[64], rest[128];
    const char *const words[] = {"paddock",
                                 "agent",
                                 "cluster",
                                 "-q",
                                 "--server",
                                 url,
                                 "--token",
                                 token,
                                 "--ca-checksum",
                                 buf_c(&b->manager.checksum),
                                 "--kubeconfig",
                                 b->edge.config,
                                 NULL};
    snprintf(url, sizeof url, "https://127.0.0.1:%d", b->manager.front.port);
    side_start(&b->agent, words);
    side_expect(&b->agent, "healthz ", rest, sizeof rest);
}

/* Until the way through answers: the agent's checks, its tunnel, its token. */
static void await_way(struct bench *b)
{
    struct api_conn front;
    struct str answer;
    int status = 0;
    for (int tries = MANAGER_WAIT_S * 10; tries > 0 && status != 200; tries--) {
        api_conn_open(&front, &b->manager.front);
        status = manager_call(&front, "GET", BY_MANAGER, buf_c(&b->bearer), str_empty, &answer);
        if (status != 200)
            usleep(100000);
        else
            BUG_ON(str_find(answer, STR("\"small\"")) < 0, "it is what was asked for");
        api_conn_close(&front);
    }
    BUG_ON(status != 200, "a cluster that was imported can be reached");
}

/* What the manager does first for a cluster that has come, its agent's deployment, is not what is measured. */
static void await_quiet(const struct bench *b)
{
    int64_t busy = QUIET_NS;
    for (int looks = MANAGER_WAIT_S * 1000 / QUIET_LOOK_MS; looks > 0 && busy >= QUIET_NS;
         looks--) {
        busy = -api_server_cpu_ns(&b->manager.front) - api_server_cpu_ns(&b->edge);
        usleep(QUIET_LOOK_MS * 1000);
        busy += api_server_cpu_ns(&b->manager.front) + api_server_cpu_ns(&b->edge);
    }
    BUG_ON(busy >= QUIET_NS, "a manager with nothing to do does nothing");
}

static void set_up(struct bench *b)
{
    struct api_conn local, edge;
    struct buf token = {0};
    api_server_start_whole(&b->edge);
    manager_start_embedded(&b->manager);
    api_conn_open(&local, &b->manager.local);
    api_conn_open(&edge, &b->edge);
    manager_create(&local, CLUSTERS,
                   "{\"apiVersion\":\"management.cattle.io/v3\",\"kind\":\"Cluster\",\"metadata\":{"
                   "\"name\":\"" CLUSTER
                   "\"},\"spec\":{\"displayName\":\"bench\",\"imported\":true}}");
    make_user(b, &local, &edge);
    make_account(&edge);
    manager_await(&local, TOKENS, "status.token", &token);
    start_agent(b, buf_c(&token));
    await_way(b);
    await_quiet(b);
    api_conn_close(&local);
    api_conn_close(&edge);
    buf_free(&token);
}

/* ---- one at a time ---- */

struct way {
    struct api_conn conn;
    const char *target, *bearer;
    size_t n;
    int64_t took[ALONE_MAX];
};

static void take_turn(struct way *w, int n)
{
    for (int i = 0; i < n && w->n < ALONE_MAX; i++) {
        struct str answer;
        int64_t from = bench_now_ns();
        int status = manager_call(&w->conn, "GET", w->target, w->bearer, str_empty, &answer);
        BUG_ON(status != 200, "a request is answered");
        w->took[w->n++] = bench_now_ns() - from;
    }
}

static int order(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double median_us(struct way *w)
{
    qsort(w->took, w->n, sizeof *w->took, order);
    int64_t median = w->took[w->n / 2];
    return (double)median / 1000;
}

static void run_alone(struct bench *b, const struct counts *counts)
{
    static struct way direct, through;
    direct.target = CONFIGMAP;
    through.target = BY_MANAGER;
    through.bearer = buf_c(&b->bearer);
    api_conn_open(&direct.conn, &b->edge);
    api_conn_open(&through.conn, &b->manager.front);
    int64_t server = 0, agent = 0;
    for (int turn = 0; turn < TURNS; turn++) {
        take_turn(&direct, counts->alone_a_turn);
        server -= api_server_cpu_ns(&b->manager.front);
        agent -= side_cpu_ns(b->agent.pid);
        take_turn(&through, counts->alone_a_turn);
        server += api_server_cpu_ns(&b->manager.front);
        agent += side_cpu_ns(b->agent.pid);
    }
    double near = median_us(&direct), far = median_us(&through);
    report("get.p50_direct", near, "us");
    report("get.p50", far, "us");
    report("get.p50_added", far - near, "us");
    report("get.alone_server_cpu", (double)server / 1000 / (double)through.n, "us");
    report("get.alone_agent_cpu", (double)agent / 1000 / (double)through.n, "us");
    api_conn_close(&direct.conn);
    api_conn_close(&through.conn);
}

/* ---- many at a time ---- */

static void put_get(void *owner, uint64_t i, struct buf *out)
{
    struct bench *b = owner;
    (void)i;
    buf_addf(out, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n", BY_MANAGER);
    buf_addf(out, "Authorization: Bearer %s\r\n\r\n", buf_c(&b->bearer));
}

static void run_many(struct bench *b, const struct counts *counts)
{
    struct api_load load = {.server = &b->manager.front,
                            .concurrency = AT_ONCE,
                            .requests = counts->gets,
                            .want_status = 200,
                            .request = put_get,
                            .owner = b};
    struct api_measure m;
    int64_t agent = side_cpu_ns(b->agent.pid), edge = api_server_cpu_ns(&b->edge);
    api_load_run(&load, &m);
    agent = side_cpu_ns(b->agent.pid) - agent;
    edge = api_server_cpu_ns(&b->edge) - edge;
    report("get.rate", (double)counts->gets / m.seconds, "1/s");
    report("get.p50_at_16", m.p50_ms * 1000, "us");
    report("get.server_cpu", m.cpu_us, "us");
    report("get.agent_cpu", (double)agent / 1000 / (double)counts->gets, "us");
    report("get.cluster_cpu", (double)edge / 1000 / (double)counts->gets, "us");
}

int main(int argc, char *argv[])
{
    static struct bench b;
    const struct counts *counts = side_tiny(argc, argv) ? &tiny : &whole;
    side_limits(DEADLINE_S);
    set_up(&b);
    run_alone(&b, counts);
    run_many(&b, counts);
    side_end(&b.agent);
    manager_end(&b.manager);
    api_server_stop(&b.edge);
    buf_free(&b.bearer);
    return 0;
}
