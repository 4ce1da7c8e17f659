/* What a tunnel costs on loopback, each side in a process of its own: `paddock tunnel serve`, `paddock tunnel connect`, what
 * stands behind it, and the load. Plain and with TLS; one JSON line a figure.
 * Given words choose: bulk get new idle many plain tls (default: all). CPU time is the process's own, so that a busy
 * machine changes rates but hardly costs. */
#include "engine/pki/pki.h"
#include "engine/pki/x509.h"
#include "tests/bench/support/measure.h"
#include "tests/bench/support/sides.h"
#include "tests/bench/support/target.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BULK_BYTES ((int64_t)512 << 20)
#define GETS       40000
#define GETS_ALONE 4000
#define NEWS       8000
#define IDLE       5000
#define MANY       15000
#define MANY_S     30 /* every agent pings at least once */
#define MB         1000000
#define PATIENT    "tunnel.dead_after=90s" /* pings of 30 s are seldom */

static char cert_path[SIDE_PATH_MAX], key_path[SIDE_PATH_MAX];

struct pair {
    const char *kind; /* "plain", "tls" */
    bool tls;
    struct side serve, connect;
    uint16_t target, port;
    char server[160]; /* URL that agents get */
};

static void report(const struct pair *p, const char *name, double value, const char *unit)
{
    printf("{\"bench\":\"tunnel.%s.%s\",\"value\":%.2f,\"unit\":\"%s\"}\n", p->kind, name, value,
           unit);
    fflush(stdout);
}

/* ---- certificate ---- */

static void write_file(const char *path, const struct buf *text)
{
    FILE *f = fopen(path, "w");
    BUG_ON(!f, "a benchmark may write beside itself");
    fwrite(text->p, 1, text->n, f);
    fclose(f);
}

static void make_certificate(void)
{
    static const struct str ip = STR_INIT("127.0.0.1");
    unsigned char entropy[PKI_ENTROPY_BYTES];
    struct buf der = {0}, pem = {0}, key_pem = {0};
    ssize_t got = getrandom(entropy, sizeof entropy, 0);
    BUG_ON(got != (ssize_t)sizeof entropy, "there is randomness");
    struct pki_key *key = pki_key_derive(PKI_P256, entropy);
    struct pki_cert_spec spec = {.common_name = ip,
                                 .ips = &ip,
                                 .ips_n = 1,
                                 .usage = PKI_SERVER,
                                 .not_before_s = time(NULL) - 3600,
                                 .not_after_s = time(NULL) + 86400,
                                 .serial = 1};
    struct err *err = pki_issue(&spec, key, str_empty, key, &der);
    BUG_ON(err, "a certificate of our own making is well formed");
    pki_pem_add(&pem, "CERTIFICATE", buf_str(&der));
    pki_key_to_pem(key, &key_pem);
    side_path(cert_path, "bench_tunnel.crt");
    side_path(key_path, "bench_tunnel.key");
    write_file(cert_path, &pem);
    write_file(key_path, &key_pem);
    pki_key_free(key);
    buf_free(&der);
    buf_free(&pem);
    buf_free(&key_pem);
}

/* ---- the two sides ---- */

static void serve_start(struct pair *p, bool patient)
{
    char forward[64], rest[256];
    snprintf(forward, sizeof forward, "0=a=127.0.0.1:%u", p->target);
    const char *words[SIDE_WORDS_MAX] = {"paddock",    "tunnel",      "-q",        "serve",
                                         "--listen",   "127.0.0.1:0", "--forward", forward,
                                         "--tls-cert", cert_path,     "--tls-key", key_path};
    size_t n = p->tls ? 12 : 8;
    if (patient) {
        words[n++] = "--policy";
        words[n++] = PATIENT;
    }
    words[n] = NULL;
    side_start(&p->serve, words);
    side_expect(&p->serve, "forward 127.0.0.1:", rest, sizeof rest);
    p->port = (uint16_t)atoi(rest);
    side_expect(&p->serve, "ready http", rest, sizeof rest);
    snprintf(p->server, sizeof p->server, "ws%.100s/connect", rest);
}

static void agents_start(struct pair *p, const char *count, const char *policy)
{
    const char *words[SIDE_WORDS_MAX] = {"paddock",  "tunnel",  "connect", "-q",
                                         "--server", p->server, "--id",    "a"};
    char rest[64];
    size_t n = 8;
    if (count) {
        words[n++] = "--count";
        words[n++] = count;
    }
    if (policy) {
        words[n++] = "--policy";
        words[n++] = policy;
        words[n++] = "--policy";
        words[n++] = PATIENT;
    }
    if (p->tls) {
        words[n++] = "--ca";
        words[n++] = cert_path;
    }
    words[n] = NULL;
    side_start(&p->connect, words);
    side_expect(&p->connect, "ready", rest, sizeof rest);
}

struct cost {
    int64_t serve, connect, at;
};

static struct cost cost_now(const struct pair *p)
{
    return (struct cost){side_cpu_ns(p->serve.pid), side_cpu_ns(p->connect.pid), bench_now_ns()};
}

static void report_cost(const struct pair *p, const char *name, struct cost from, double per,
                        const char *unit)
{
    struct cost now = cost_now(p);
    char full[96];
    snprintf(full, sizeof full, "%s.server_cpu", name);
    report(p, full, (double)(now.serve - from.serve) / 1000 / per, unit);
    snprintf(full, sizeof full, "%s.agent_cpu", name);
    report(p, full, (double)(now.connect - from.connect) / 1000 / per, unit);
}

/* ---- bulk ---- */

static void run_bulk(const struct pair *p, char mode, const char *name)
{
    static char piece[256 << 10];
    int fd = target_connect(p->port);
    int64_t n = BULK_BYTES, left = n;
    struct cost from = cost_now(p);
    bool ok = target_send(fd, &mode, 1) && target_send(fd, &n, sizeof n);
    for (ssize_t k = 1; ok && left > 0; left -= k) {
        size_t most = left < (int64_t)sizeof piece ? (size_t)left : sizeof piece;
        k = mode == 'D' ? recv(fd, piece, most, 0) : send(fd, piece, most, MSG_NOSIGNAL);
        ok = k > 0;
    }
    if (mode == 'U')
        ok = ok && target_recv(fd, piece, 1);
    BUG_ON(!ok, "bulk goes through a tunnel whole");
    char full[64];
    snprintf(full, sizeof full, "%s.rate", name);
    report(p, full, (double)n / MB / ((double)(bench_now_ns() - from.at) / 1e9), "MB/s");
    report_cost(p, name, from, (double)n / MB, "us/MB");
    close(fd);
}

/* ---- small requests ---- */

static bool get_once(int fd)
{
    char answer[sizeof TARGET_ANSWER];
    return target_send(fd, TARGET_REQUEST, sizeof TARGET_REQUEST - 1) &&
           target_recv(fd, answer, sizeof TARGET_ANSWER - 1);
}

struct load {
    pthread_t thread;
    uint16_t port;
    int n;
};

static void *get_many(void *arg)
{
    const struct load *l = arg;
    int fd = target_connect(l->port);
    for (int i = 0; i < l->n; i++) {
        bool ok = get_once(fd);
        BUG_ON(!ok, "a request through a tunnel is answered");
    }
    close(fd);
    return NULL;
}

static void *connect_many(void *arg)
{
    const struct load *l = arg;
    char bytes[32] = "E2345678901234567890123456789012";
    for (int i = 0; i < l->n; i++) {
        int fd = target_connect(l->port);
        bool ok = target_send(fd, bytes, 32) && target_recv(fd, bytes + 1, 31);
        BUG_ON(!ok, "an echo through a tunnel comes back");
        close(fd);
    }
    return NULL;
}

static void run_threads(const struct pair *p, void *(*run)(void *), int threads, int n)
{
    struct load loads[64];
    for (int i = 0; i < threads; i++) {
        loads[i] = (struct load){.port = p->port, .n = n / threads};
        int failed = pthread_create(&loads[i].thread, NULL, run, &loads[i]);
        BUG_ON(failed, "a benchmark has threads");
    }
    for (int i = 0; i < threads; i++)
        pthread_join(loads[i].thread, NULL);
}

static int order(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double median_us(uint16_t port)
{
    static int64_t took[GETS_ALONE];
    int fd = target_connect(port);
    for (int i = 0; i < GETS_ALONE; i++) {
        int64_t from = bench_now_ns();
        bool ok = get_once(fd);
        BUG_ON(!ok, "a request is answered");
        took[i] = bench_now_ns() - from;
    }
    close(fd);
    qsort(took, GETS_ALONE, sizeof *took, order);
    int64_t median = took[GETS_ALONE / 2];
    return (double)median / 1000;
}

static void run_gets(const struct pair *p)
{
    uint16_t far, near;
    struct cost from = cost_now(p);
    run_threads(p, get_many, 64, GETS);
    report(p, "get.rate", GETS / ((double)(bench_now_ns() - from.at) / 1e9), "1/s");
    report_cost(p, "get", from, GETS, "us");
    pid_t second = relay_start(p->target, &far), first = relay_start(far, &near);
    double direct = median_us(p->target), relay = median_us(near), tunnel = median_us(p->port);
    relay = (relay + median_us(near)) / 2;
    tunnel = (tunnel + median_us(p->port)) / 2;
    report(p, "get.p50_direct", direct, "us");
    report(p, "get.p50_relay", relay, "us");
    report(p, "get.p50", tunnel, "us");
    report(p, "get.p50_added_by_relay", (tunnel - direct) / (relay - direct), "ratio");
    target_end(first);
    target_end(second);
}

static void run_new(const struct pair *p)
{
    struct cost from = cost_now(p);
    run_threads(p, connect_many, 16, NEWS);
    report(p, "new.rate", NEWS / ((double)(bench_now_ns() - from.at) / 1e9), "1/s");
    report_cost(p, "new", from, NEWS, "us");
}

/* ---- many agents ---- */

static void run_idle(struct pair *p)
{
    char count[16];
    snprintf(count, sizeof count, "%d", IDLE);
    serve_start(p, false);
    int64_t before = side_rss_bytes(p->serve.pid), from = bench_now_ns();
    agents_start(p, count, NULL);
    report(p, "idle.connect_5000", (double)(bench_now_ns() - from) / 1e9, "s");
    sleep(2);
    report(p, "idle.server_memory", (double)(side_rss_bytes(p->serve.pid) - before) / 1024 / IDLE,
           "KiB/agent");
    report(p, "idle.agent_memory", (double)side_rss_bytes(p->connect.pid) / 1024 / IDLE,
           "KiB/agent");
    side_end(&p->connect);
    side_end(&p->serve);
}

static void run_many(struct pair *p, const char *policy, const char *name)
{
    char count[16], full[64];
    snprintf(count, sizeof count, "%d", MANY);
    serve_start(p, true);
    agents_start(p, count, policy);
    sleep(2);
    struct cost from = cost_now(p), now;
    sleep(MANY_S);
    now = cost_now(p);
    double took = (double)(now.at - from.at);
    snprintf(full, sizeof full, "%s.server_core", name);
    report(p, full, (double)(now.serve - from.serve) * 100 / took, "%");
    snprintf(full, sizeof full, "%s.agents_core", name);
    report(p, full, (double)(now.connect - from.connect) * 100 / took, "%");
    side_end(&p->connect);
    side_end(&p->serve);
}

/* ---- which ---- */

static bool wants(int argc, char *argv[], const char *word, const char *const *group)
{
    bool any = false;
    for (int i = 1; i < argc; i++) {
        for (const char *const *g = group; *g; g++)
            any |= strcmp(argv[i], *g) == 0;
        if (strcmp(argv[i], word) == 0)
            return true;
    }
    return !any;
}

static void run(struct pair *p, int argc, char *argv[])
{
    static const char *const parts[] = {"bulk", "get", "new", "idle", "many", NULL};
    pid_t target = target_start(&p->target);
    serve_start(p, false);
    agents_start(p, NULL, NULL);
    if (wants(argc, argv, "bulk", parts)) {
        run_bulk(p, 'D', "bulk_down");
        run_bulk(p, 'U', "bulk_up");
    }
    if (wants(argc, argv, "get", parts))
        run_gets(p);
    if (wants(argc, argv, "new", parts))
        run_new(p);
    side_end(&p->connect);
    side_end(&p->serve);
    if (wants(argc, argv, "idle", parts))
        run_idle(p);
    if (wants(argc, argv, "many", parts) && !p->tls) {
        run_many(p, "tunnel.ping=5s", "many_5s");
        run_many(p, "tunnel.ping=30s", "many_30s");
    }
    target_end(target);
}

int main(int argc, char *argv[])
{
    static const char *const kinds[] = {"plain", "tls", NULL};
    struct pair plain = {.kind = "plain"}, tls = {.kind = "tls", .tls = true};
    make_certificate();
    if (wants(argc, argv, "plain", kinds))
        run(&plain, argc, argv);
    if (wants(argc, argv, "tls", kinds))
        run(&tls, argc, argv);
    return 0;
}
