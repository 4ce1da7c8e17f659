/* What `paddock-sim apiserver` costs its clients: over TLS on loopback, the server in a process of its own, whose CPU time
 * is read from the system. ConfigMaps hold 1 KB; create, get, list, events, reviews, start and memory are measured with
 * the store in memory, and what writes also with SQLite. PADDOCK_BENCH_OBJECTS: how many objects fill the memory,
 * and how many RoleBindings there are at most. */
#include "tests/bench/support/api_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAYLOAD     1000
#define STARTS      7
#define LISTS       10
#define FILL        1000000
#define CONCURRENCY 64

struct bench {
    const char *prefix;
    char payload[PAYLOAD + 1];
    uint64_t base;       /* number of the first object */
    uint64_t namespaces; /* that objects are spread over */
};

static void report(const struct bench *b, const char *name, double value, const char *unit)
{
    printf("{\"bench\":\"apiserver.%s%s\",\"value\":%.4g,\"unit\":\"%s\"}\n", b->prefix, name,
           value, unit);
    fflush(stdout);
}

/* ---- requests ---- */

static void put_create(void *owner, uint64_t i, struct buf *out)
{
    const struct bench *b = owner;
    char target[96], body[PAYLOAD + 300];
    uint64_t id = b->base + i, ns = b->namespaces ? id % b->namespaces : 0;
    snprintf(target, sizeof(target), "/api/v1/namespaces/bench-%d/configmaps", (int)ns);
    int n = snprintf(body, sizeof(body),
                     "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":"
                     "\"object-%08d\",\"labels\":{\"app\":\"bench\",\"part\":\"%d\"}},"
                     "\"data\":{\"payload\":\"%s\"}}",
                     (int)id, (int)(id % 1000), b->payload);
    api_request_put(out, "POST", target, (struct str){body, (size_t)n});
}

static void put_get(void *owner, uint64_t i, struct buf *out)
{
    char target[128];
    snprintf(target, sizeof(target), "/api/v1/namespaces/bench-0/configmaps/object-%08d",
             (int)(i % 10000));
    api_request_put(out, "GET", target, str_empty);
}

/* A thousandth of the objects. */
static void put_select(void *owner, uint64_t i, struct buf *out)
{
    char target[128];
    snprintf(target, sizeof(target), "/api/v1/configmaps?labelSelector=part%%3D%d",
             (int)(i % 1000));
    api_request_put(out, "GET", target, str_empty);
}

static void put_binding(void *owner, uint64_t i, struct buf *out)
{
    const struct bench *b = owner;
    char body[512];
    uint64_t id = b->base + i;
    int n = snprintf(body, sizeof(body),
                     "{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"RoleBinding\","
                     "\"metadata\":{\"name\":\"binding-%d\"},\"roleRef\":{\"apiGroup\":"
                     "\"rbac.authorization.k8s.io\",\"kind\":\"ClusterRole\",\"name\":\"view\"},"
                     "\"subjects\":[{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"User\","
                     "\"name\":\"user-%d\"}]}",
                     (int)id, (int)id);
    api_request_put(out, "POST",
                    "/apis/rbac.authorization.k8s.io/v1/namespaces/bench-0/rolebindings",
                    (struct str){body, (size_t)n});
}

/* Half of the questions are about users who have a binding. */
static void put_review(void *owner, uint64_t i, struct buf *out)
{
    const struct bench *b = owner;
    char body[512];
    int n = snprintf(body, sizeof(body),
                     "{\"apiVersion\":\"authorization.k8s.io/v1\",\"kind\":\"SubjectAccessReview\","
                     "\"spec\":{\"user\":\"user-%d\",\"resourceAttributes\":{\"namespace\":"
                     "\"bench-0\",\"verb\":\"list\",\"resource\":\"pods\"}}}",
                     (int)((i * 7919) % (b->base * 2)));
    api_request_put(out, "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews",
                    (struct str){body, (size_t)n});
}

/* ---- measures ---- */

static void make_namespaces(const struct api_server *s, int n)
{
    struct api_conn c;
    struct buf request = {0};
    struct str answer;
    api_conn_open(&c, s);
    for (int i = 0; i < n; i++) {
        char body[128];
        int len = snprintf(body, sizeof(body),
                           "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\","
                           "\"metadata\":{\"name\":\"bench-%d\"}}",
                           i);
        buf_clear(&request);
        api_request_put(&request, "POST", "/api/v1/namespaces", (struct str){body, (size_t)len});
        api_conn_send(&c, buf_str(&request));
        int status = api_conn_receive(&c, &answer);
        BUG_ON(status != 201, "a namespace is made");
    }
    api_conn_close(&c);
    buf_free(&request);
}

static struct api_measure run(struct bench *b, const struct api_server *s, size_t concurrency,
                              uint64_t n, int status,
                              void (*request)(void *owner, uint64_t i, struct buf *out))
{
    struct api_load load = {s, concurrency, n, status, request, b};
    struct api_measure m;
    api_load_run(&load, &m);
    return m;
}

static void bench_creates(struct bench *b, const struct api_server *s, uint64_t n)
{
    struct api_measure m = run(b, s, CONCURRENCY, n, 201, put_create);
    report(b, "create_64_rate", (double)n / m.seconds, "1/s");
    report(b, "create_64_cpu", m.cpu_us, "us");
    report(b, "create_64_p99", m.p99_ms, "ms");
    b->base += n;
    m = run(b, s, 1, n / 10, 201, put_create);
    report(b, "create_1_p50", m.p50_ms, "ms");
    report(b, "create_1_cpu", m.cpu_us, "us");
    b->base += n / 10;
}

static void bench_get(struct bench *b, const struct api_server *s)
{
    struct api_measure m = run(b, s, CONCURRENCY, 20000, 200, put_get);
    report(b, "get_rate", 20000 / m.seconds, "1/s");
    report(b, "get_cpu", m.cpu_us, "us");
    m = run(b, s, CONCURRENCY, 5000, 200, put_select);
    report(b, "select_22_of_22000_cpu", m.cpu_us, "us");
}

static void bench_list(struct bench *b, const struct api_server *s)
{
    struct api_conn c;
    struct buf request = {0};
    struct str body = str_empty;
    int64_t best = INT64_MAX;
    api_request_put(&request, "GET", "/api/v1/namespaces/bench-0/configmaps?limit=10000",
                    str_empty);
    api_conn_open(&c, s);
    int64_t cpu = api_server_cpu_ns(s);
    for (int i = 0; i < LISTS; i++) {
        api_conn_send(&c, buf_str(&request));
        int status = api_conn_receive(&c, &body);
        BUG_ON(status != 200, "a list is answered");
        int64_t took = api_load_now_ns() - c.sent_ns;
        best = took < best ? took : best;
    }
    cpu = (api_server_cpu_ns(s) - cpu) / LISTS;
    report(b, "list_10000_size", (double)body.n / 1e6, "MB");
    report(b, "list_10000_time", (double)best / 1e6, "ms");
    report(b, "list_10000_cpu", (double)cpu / 1e6, "ms");
    api_conn_close(&c);
    buf_free(&request);
}

static void bench_events(struct bench *b, const struct api_server *s)
{
    struct api_fanout f = {s, "/api/v1/configmaps?watch=1&resourceVersion=", 1, 2000, put_create,
                           b};
    struct api_measure alone = run(b, s, 1, f.writes, 201, put_create), m;
    char target[96];
    b->base += f.writes;
    /* From now on: a revision of the present is that of the last object. */
    snprintf(
        target, sizeof(target),
        "/api/v1/configmaps?watch=1&sendInitialEvents=false&resourceVersionMatch=NotOlderThan");
    f.watch_target = target;
    api_fanout_run(&f, &m);
    b->base += f.writes;
    report(b, "event_1_p50", m.p50_ms, "ms");
    f.watchers = 100;
    f.writes = 500;
    api_fanout_run(&f, &m);
    b->base += f.writes;
    report(b, "event_100_p50", m.p50_ms, "ms");
    report(b, "event_100_p99", m.p99_ms, "ms");
    report(b, "event_100_cpu", (m.cpu_us - alone.cpu_us) / (double)f.watchers, "us");
}

static uint64_t fill(void)
{
    const char *wanted = getenv("PADDOCK_BENCH_OBJECTS");
    return wanted ? strtoull(wanted, NULL, 10) : FILL;
}

static void bench_reviews(struct bench *b, const struct api_server *s)
{
    uint64_t objects = b->base;
    b->base = 0;
    for (uint64_t n = 100; n <= 10000 || n <= fill(); n *= 10) {
        char name[64];
        (void)run(b, s, CONCURRENCY, n - b->base, 201, put_binding);
        b->base = n;
        struct api_measure m = run(b, s, CONCURRENCY, 10000, 201, put_review);
        snprintf(name, sizeof(name), "review_%d_cpu", (int)n);
        report(b, name, m.cpu_us, "us");
    }
    b->base = objects;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void bench_start(struct bench *b, const char *datastore)
{
    int64_t took[STARTS], cpu = 0, rss = 0;
    for (int i = 0; i < STARTS; i++) {
        struct api_server s;
        api_server_start(&s, datastore);
        took[i] = s.ready_ns;
        cpu = api_server_cpu_ns(&s);
        rss = api_server_rss(&s);
        api_server_stop(&s);
    }
    qsort(took, STARTS, sizeof(*took), by_size);
    int64_t median = took[STARTS / 2];
    report(b, "ready_time", (double)median / 1e6, "ms");
    report(b, "ready_cpu", (double)cpu / 1e6, "ms");
    report(b, "ready_rss", (double)rss / 1e6, "MB");
}

static void bench_memory(struct bench *b)
{
    struct api_server s;
    uint64_t n = fill();
    if (n == 0)
        return;
    b->base = 0;
    b->namespaces = 100;
    api_server_start(&s, NULL);
    int64_t before = api_server_rss(&s);
    make_namespaces(&s, 100);
    struct api_measure m = run(b, &s, CONCURRENCY, n, 201, put_create);
    report(b, "fill_objects", (double)n, "");
    report(b, "fill_cpu", m.cpu_us, "us");
    report(b, "fill_rss", (double)api_server_rss(&s) / 1e6, "MB");
    report(b, "fill_object_bytes", (double)(api_server_rss(&s) - before) / (double)n, "B");
    api_server_stop(&s);
}

/* Started again from 100,000 objects. */
static void bench_restart(struct bench *b, const char *datastore)
{
    struct api_server s;
    b->base = 0;
    b->namespaces = 100;
    api_server_start(&s, datastore);
    make_namespaces(&s, 100);
    (void)run(b, &s, 256, 100000, 201, put_create);
    api_server_stop(&s);
    api_server_start(&s, datastore);
    report(b, "restart_100000_time", (double)s.ready_ns / 1e6, "ms");
    report(b, "restart_100000_cpu", (double)api_server_cpu_ns(&s) / 1e6, "ms");
    api_server_stop(&s);
}

static void remove_datastore(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        char file[API_PATH_MAX + 16];
        snprintf(file, sizeof(file), "%s%s", path, suffixes[i]);
        unlink(file);
    }
}

static void bench_sqlite(struct bench *b)
{
    char folder[API_PATH_MAX], name[API_PATH_MAX + 16];
    const char *path = name + strlen("sqlite:");
    struct api_server s;
    api_folder_make(folder);
    snprintf(name, sizeof(name), "sqlite:%s/data", folder);
    b->prefix = "sqlite.";
    b->base = b->namespaces = 0;
    bench_start(b, name);
    remove_datastore(path);
    api_server_start(&s, name);
    make_namespaces(&s, 1);
    bench_creates(b, &s, 10000);
    bench_get(b, &s);
    bench_events(b, &s);
    api_server_stop(&s);
    remove_datastore(path);
    bench_restart(b, name);
    remove_datastore(path);
    rmdir(folder);
}

int main(int argc, char **argv)
{
    static struct bench b = {.prefix = ""};
    struct api_server s;
    memset(b.payload, 'x', PAYLOAD);
    bench_start(&b, NULL);
    api_server_start(&s, NULL);
    make_namespaces(&s, 1);
    bench_creates(&b, &s, 20000);
    bench_get(&b, &s);
    bench_list(&b, &s);
    bench_events(&b, &s);
    bench_reviews(&b, &s);
    api_server_stop(&s);
    bench_memory(&b);
    bench_sqlite(&b);
    return 0;
}
