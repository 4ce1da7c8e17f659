/* What traffic through a tunnel costs on loopback, each side in a process of its own: `paddock tunnel serve`, `paddock tunnel
 * connect`, what stands behind it, and the load. Plain and with TLS; one JSON line a figure.
 *
 *   bulk   512 MB down and up over 1 and 4 connections: MB/s, and CPU µs a MB and side; the same without a tunnel
 *   get    small requests on kept connections: 64 at a time (rate, CPU µs a request and side); one at a time: the p50 direct,
 *          through a pair of bare relays and through the tunnel, taken in turns, and what the tunnel adds by what the
 *          relays add
 *   new    connect, echo 32 bytes, close; 16 at a time: rate, CPU µs a connection and side
 * Given words choose: bulk get new plain tls (default: all); tiny: counts that only try the way. */
#include "engine/base/base.h"
#include "tests/bench/support/measure.h"
#include "tests/bench/support/relay.h"
#include "tests/bench/support/target.h"
#include "tests/bench/support/tunnel_pair.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MB           1000000
#define AT_ONCE_MAX  64
#define DEADLINE_S   600
#define ALONE_TURNS  40 /* of each way, so that what else the machine does meets all */
#define GETS_AT_ONCE 64
#define NEWS_AT_ONCE 16
#define ALONE_MAX    ((size_t)8000)

struct counts {
    int64_t bulk_bytes; /* in all, over the connections */
    int gets, news;
    int alone_a_turn;
};
static const struct counts whole = {(int64_t)512 << 20, 64000, 8000, 100};
static const struct counts tiny = {(int64_t)4 << 20, 256, 64, 2};

struct load {
    pthread_t thread;
    uint16_t port;
    int64_t n; /* requests, connections, bytes */
    char mode; /* 'D', 'U' */
};

static void run_threads(const struct load *load, void *(*run)(void *), int threads)
{
    struct load loads[AT_ONCE_MAX];
    BUG_ON(threads > AT_ONCE_MAX, "there is room for each");
    for (int i = 0; i < threads; i++) {
        loads[i] = *load;
        loads[i].n = load->n / threads;
        int failed = pthread_create(&loads[i].thread, NULL, run, &loads[i]);
        BUG_ON(failed, "a benchmark has threads");
    }
    for (int i = 0; i < threads; i++)
        pthread_join(loads[i].thread, NULL);
}

static double per_second(double n, int64_t from_ns)
{
    return n / ((double)(bench_now_ns() - from_ns) / 1e9);
}

/* ---- bulk ---- */

static void *move_bulk(void *arg)
{
    const size_t piece_n = (size_t)256 << 10;
    const struct load *l = arg;
    char *piece = calloc(1, piece_n);
    int fd = target_connect(l->port);
    bool ok = target_send(fd, &l->mode, 1) && target_send(fd, &l->n, sizeof l->n);
    for (int64_t left = l->n; ok && left > 0;) {
        size_t most = left < (int64_t)piece_n ? (size_t)left : piece_n;
        ssize_t k = l->mode == 'D' ? recv(fd, piece, most, 0) : send(fd, piece, most, MSG_NOSIGNAL);
        ok = k > 0;
        left -= k;
    }
    if (l->mode == 'U')
        ok = ok && target_recv(fd, piece, 1);
    BUG_ON(!ok, "bulk goes through whole");
    free(piece);
    close(fd);
    return NULL;
}

static void run_bulk(const struct tunnel_pair *p, const struct counts *counts, char mode, int n)
{
    struct load load = {.port = p->forward, .n = counts->bulk_bytes, .mode = mode};
    char name[32], full[64];
    double bytes = (double)(load.n / n * n);
    snprintf(name, sizeof name, "bulk_%s.%d", mode == 'D' ? "down" : "up", n);
    struct tunnel_cost from = tunnel_cost_now(p);
    run_threads(&load, move_bulk, n);
    snprintf(full, sizeof full, "%s.rate", name);
    tunnel_report(p, full, per_second(bytes / MB, from.at), "MB/s");
    tunnel_report_cost(p, name, from, bytes / MB, "us/MB");
}

static void run_bulks(const struct tunnel_pair *p, const struct counts *counts)
{
    struct load direct = {.port = p->target, .n = counts->bulk_bytes, .mode = 'D'};
    int64_t from = bench_now_ns();
    run_threads(&direct, move_bulk, 1);
    tunnel_report(p, "bulk_direct.rate", per_second((double)direct.n / MB, from), "MB/s");
    for (int n = 1; n <= 4; n += 3) {
        run_bulk(p, counts, 'D', n);
        run_bulk(p, counts, 'U', n);
    }
}

/* ---- small requests ---- */

static bool get_once(int fd)
{
    char answer[sizeof TARGET_ANSWER];
    return target_send(fd, TARGET_REQUEST, sizeof TARGET_REQUEST - 1) &&
           target_recv(fd, answer, sizeof TARGET_ANSWER - 1);
}

static void *get_many(void *arg)
{
    const struct load *l = arg;
    int fd = target_connect(l->port);
    for (int64_t i = 0; i < l->n; i++) {
        bool ok = get_once(fd);
        BUG_ON(!ok, "a request through a tunnel is answered");
    }
    close(fd);
    return NULL;
}

enum way { DIRECT, RELAY, TUNNEL, WAYS };

struct alone {
    int fd;
    size_t n;
    int64_t took[ALONE_MAX];
};

static void take_turn(struct alone *a, int n)
{
    for (int i = 0; i < n && a->n < ALONE_MAX; i++) {
        int64_t from = bench_now_ns();
        bool ok = get_once(a->fd);
        BUG_ON(!ok, "a request is answered");
        a->took[a->n++] = bench_now_ns() - from;
    }
}

static int order(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double median_us(struct alone *a)
{
    qsort(a->took, a->n, sizeof *a->took, order);
    int64_t median = a->took[a->n / 2];
    return (double)median / 1000;
}

static void run_alone(const struct tunnel_pair *p, const struct counts *counts)
{
    static struct alone ways[WAYS];
    struct relay_pair relay;
    double p50[WAYS];
    relay_pair_start(&relay, p->target);
    uint16_t ports[WAYS] = {p->target, relay.port, p->forward};
    for (int w = 0; w < WAYS; w++) {
        ways[w].n = 0;
        ways[w].fd = target_connect(ports[w]);
    }
    for (int turn = 0; turn < ALONE_TURNS; turn++)
        for (int w = 0; w < WAYS; w++)
            take_turn(&ways[w], counts->alone_a_turn);
    for (int w = 0; w < WAYS; w++) {
        p50[w] = median_us(&ways[w]);
        close(ways[w].fd);
    }
    relay_pair_end(&relay);
    tunnel_report(p, "get.p50_direct", p50[DIRECT], "us");
    tunnel_report(p, "get.p50_relay", p50[RELAY], "us");
    tunnel_report(p, "get.p50", p50[TUNNEL], "us");
    tunnel_report(p, "get.p50_added_by_relay",
                  (p50[TUNNEL] - p50[DIRECT]) / (p50[RELAY] - p50[DIRECT]), "ratio");
}

static void run_gets(const struct tunnel_pair *p, const struct counts *counts)
{
    struct load load = {.port = p->forward, .n = counts->gets};
    struct tunnel_cost from = tunnel_cost_now(p);
    run_threads(&load, get_many, GETS_AT_ONCE);
    tunnel_report(p, "get.rate", per_second(counts->gets, from.at), "1/s");
    tunnel_report_cost(p, "get", from, counts->gets, "us");
    run_alone(p, counts);
}

/* ---- new connections ---- */

static void *connect_many(void *arg)
{
    const struct load *l = arg;
    char bytes[32] = "E2345678901234567890123456789012";
    for (int64_t i = 0; i < l->n; i++) {
        int fd = target_connect(l->port);
        bool ok = target_send(fd, bytes, 32) && target_recv(fd, bytes + 1, 31);
        BUG_ON(!ok, "an echo through a tunnel comes back");
        close(fd);
    }
    return NULL;
}

static void run_news(const struct tunnel_pair *p, const struct counts *counts)
{
    struct load load = {.port = p->forward, .n = counts->news};
    struct tunnel_cost from = tunnel_cost_now(p);
    run_threads(&load, connect_many, NEWS_AT_ONCE);
    tunnel_report(p, "new.rate", per_second(counts->news, from.at), "1/s");
    tunnel_report_cost(p, "new", from, counts->news, "us");
}

/* ---- which ---- */

static void run(struct tunnel_pair *p, int argc, char *argv[])
{
    static const char *const parts[] = {"bulk", "get", "new", NULL};
    const struct counts *counts = side_tiny(argc, argv) ? &tiny : &whole;
    pid_t target = target_start(&p->target);
    tunnel_serve_start(p, NULL);
    tunnel_agents_start(p, 0, NULL);
    if (side_wants(argc, argv, "bulk", parts))
        run_bulks(p, counts);
    if (side_wants(argc, argv, "get", parts))
        run_gets(p, counts);
    if (side_wants(argc, argv, "new", parts))
        run_news(p, counts);
    side_end(&p->connect);
    side_end(&p->serve);
    target_end(target);
}

int main(int argc, char *argv[])
{
    static const char *const kinds[] = {"plain", "tls", NULL};
    struct bench_certificate identity;
    struct tunnel_pair plain = {.kind = "plain"}, tls = {.kind = "tls", .identity = &identity};
    side_limits(DEADLINE_S);
    bench_certificate_make(&identity);
    if (side_wants(argc, argv, "plain", kinds))
        run(&plain, argc, argv);
    if (side_wants(argc, argv, "tls", kinds))
        run(&tls, argc, argv);
    bench_certificate_remove(&identity);
    return 0;
}
