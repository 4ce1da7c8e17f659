/* How soon all agents are back after the manager was killed and started again, and how hard they knock meanwhile: `paddock
 * server` over a `paddock-sim apiserver` that stays, 5,000 clusters and the agent of each; the agents are one process
 * (support/swarm.h), with TLS on loopback. Policy connect.admission: paced lets a tenth of the clusters in a second.
 *
 *   return.N.provision    from the first Cluster written until each has a registration token
 *   return.N.first        all agents at once on a manager that is there: until each has a tunnel
 *   return.N.memory       what the manager's heap grew by with their tunnels, for each
 *   return.N.ready        the manager killed and started again: until it says that it is ready
 *   return.N.back         from the first tunnel lost until each agent has one again
 *   return.N.opened_peak  tunnels opened in the busiest second
 *   return.N.tried_peak   attempts (a TLS handshake each) in the busiest second
 *   return.N.tried        attempts for each agent
 *   return.N.cpu          the new manager's CPU time until then, for each agent
 * PADDOCK_BENCH_AGENTS: another N; tiny: counts that only try the way. */
#include "engine/base/json.h"
#include "tests/bench/support/manager.h"
#include "tests/bench/support/measure.h"
#include "tests/bench/support/swarm.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEADLINE_S  600
#define AGENTS      5000
#define AGENTS_TINY 12
#define AT_ONCE     16
#define PROVISION_S 240
#define CLUSTERS    "/apis/management.cattle.io/v3/clusters"
#define TOKENS      "/apis/management.cattle.io/v3/clusterregistrationtokens"
/* Nothing listens there: what the manager asks of a cluster is answered "refused", by its agent. */
#define PARAMS      "{\"cluster\":{\"address\":\"127.0.0.1:1\",\"token\":\"t\",\"caCert\":\"Y2E=\"}}"

struct bench {
    struct api_server api;
    struct manager manager;
    struct side swarm;
    int n;
    char ca[SIDE_PATH_MAX], tokens[SIDE_PATH_MAX];
};

static void report(const struct bench *b, const char *name, double value, const char *unit)
{
    printf("{\"bench\":\"return.%d.%s\",\"value\":%.2f,\"unit\":\"%s\"}\n", b->n, name, value,
           unit);
    fflush(stdout);
}

static double seconds_since(int64_t from_ns)
{
    return (double)(bench_now_ns() - from_ns) / 1e9;
}

/* ---- set-up ---- */

static void put_cluster(void *owner, uint64_t i, struct buf *out)
{
    char body[256];
    (void)owner;
    int n =
        snprintf(body, sizeof body,
                 "{\"apiVersion\":\"management.cattle.io/v3\",\"kind\":\"Cluster\",\"metadata\":{"
                 "\"name\":\"c-%05d\"},\"spec\":{\"displayName\":\"c-%05d\",\"imported\":true}}",
                 (int)i, (int)i);
    api_request_put(out, "POST", CLUSTERS, (struct str){body, (size_t)n});
}

/* One token of each cluster, a line each; returns how many there are. */
static int write_tokens(struct str list, FILE *f)
{
    struct arena a = {0};
    cJSON *tree = NULL;
    int n = 0;
    struct err *err = json_parse(&a, list, &tree);
    BUG_ON(err, "an API answers JSON");
    const cJSON *items = json_get(tree, "items");
    for (const cJSON *item = items ? items->child : NULL; item; item = item->next) {
        struct str token = json_string_at(item, "status.token");
        bool first = str_eq_c(json_string_at(item, "metadata.name"), "default-token");
        if (!first || token.n == 0)
            continue;
        fprintf(f, STR_FMT "\n", STR_ARG(token));
        n++;
    }
    arena_free(&a);
    return n;
}

static void await_tokens(struct bench *b)
{
    struct api_conn c;
    int have = 0;
    api_conn_open(&c, &b->api);
    for (int looks = PROVISION_S; have < b->n && looks > 0; looks--) {
        struct str list;
        FILE *f = fopen(b->tokens, "w");
        BUG_ON(!f, "a benchmark may write beside itself");
        int status = manager_call(&c, "GET", TOKENS, NULL, str_empty, &list);
        BUG_ON(status != 200, "an API lists what it has");
        have = write_tokens(list, f);
        fclose(f);
        if (have < b->n)
            sleep(1);
    }
    BUG_ON(have < b->n, "each cluster gets its registration token");
    api_conn_close(&c);
}

static void provision(struct bench *b)
{
    struct api_load load = {.server = &b->api,
                            .concurrency = AT_ONCE,
                            .requests = (uint64_t)b->n,
                            .want_status = 201,
                            .request = put_cluster};
    struct api_measure m;
    int64_t from = bench_now_ns();
    api_load_run(&load, &m);
    await_tokens(b);
    report(b, "provision", seconds_since(from), "s");
}

static void own_file(char path[SIDE_PATH_MAX], const char *ending)
{
    char name[64];
    snprintf(name, sizeof name, "bench_%d.%s", (int)getpid(), ending);
    side_path(path, name);
}

static void write_ca(struct bench *b)
{
    FILE *f = fopen(b->ca, "w");
    BUG_ON(!f, "a benchmark may write beside itself");
    fwrite(b->manager.cacerts.p, 1, b->manager.cacerts.n, f);
    fclose(f);
}

/* ---- agents ---- */

static void start_agents(struct bench *b)
{
    char url[64], rest[16];
    const char *const words[] = {"bench_return", "swarm", url, b->ca, PARAMS, b->tokens, NULL};
    snprintf(url, sizeof url, "https://127.0.0.1:%d", b->manager.front.port);
    int64_t heap = side_heap_bytes(b->manager.side.pid), from = bench_now_ns();
    side_start(&b->swarm, words);
    side_expect(&b->swarm, "all", rest, sizeof rest);
    report(b, "first", seconds_since(from), "s");
    heap = side_heap_bytes(b->manager.side.pid) - heap;
    report(b, "memory", (double)heap / 1024 / b->n, "KiB/agent");
}

static void restart(struct bench *b)
{
    char rest[64], *at = rest;
    double figures[4];
    int64_t from = bench_now_ns();
    manager_kill(&b->manager);
    manager_start_over(&b->manager, &b->api, (uint16_t)b->manager.front.port);
    report(b, "ready", seconds_since(from), "s");
    side_expect(&b->swarm, "back ", rest, sizeof rest);
    int64_t cpu = side_cpu_ns(b->manager.side.pid);
    for (int i = 0; i < 4; i++)
        figures[i] = strtod(at, &at);
    report(b, "back", figures[0], "s");
    report(b, "opened_peak", figures[1], "1/s");
    report(b, "tried_peak", figures[2], "1/s");
    report(b, "tried", figures[3] / b->n, "1/agent");
    report(b, "cpu", (double)cpu / 1000 / b->n, "us/agent");
}

static int agents_wanted(int argc, char *argv[])
{
    const char *given = getenv("PADDOCK_BENCH_AGENTS");
    int n = given ? atoi(given) : AGENTS;
    BUG_ON(n < 1, "PADDOCK_BENCH_AGENTS is a number");
    return side_tiny(argc, argv) ? AGENTS_TINY : n;
}

int main(int argc, char *argv[])
{
    static struct bench b;
    side_limits(DEADLINE_S);
    if (argc == 2 + SWARM_WORDS && strcmp(argv[1], "swarm") == 0)
        return swarm_main(argv + 2);
    b.n = agents_wanted(argc, argv);
    own_file(b.ca, "ca");
    own_file(b.tokens, "tokens");
    api_server_start(&b.api, NULL);
    manager_start_over(&b.manager, &b.api, 0);
    provision(&b);
    write_ca(&b);
    start_agents(&b);
    restart(&b);
    side_end(&b.swarm);
    manager_end(&b.manager);
    api_server_stop(&b.api);
    unlink(b.ca);
    unlink(b.tokens);
    return 0;
}
