/* What agents cost a server that they only are connected to: `paddock tunnel serve` in one process, thousands of sessions of
 * `paddock tunnel connect` in another. Plain and with TLS; one JSON line a figure.
 *
 *   idle.N.connect        from the start of the agents' process until all N have a session
 *   idle.N.server_memory  what the server's heap grew by with all of them (resident anonymous memory: Pss_Anon of
 *                         /proc/PID/smaps_rollup), for each; what the kernel keeps for sockets is not in it
 *   idle.N.ping_5s, idle.N.ping_30s   percent of a core with tunnel.ping at its default and at 30 s (plain)
 * Given words choose: plain tls (default: both); tiny: counts that only try the way. */
#include "tests/bench/support/measure.h"
#include "tests/bench/support/tunnel_pair.h"

#include <stdbool.h>
#include <unistd.h>

#define DEADLINE_S 900
#define SETTLE_MS  1500

struct counts {
    int few, many; /* agents */
    int watch_s;   /* every agent pings at least once in it */
};
static const struct counts whole = {5000, 15000, 31};
static const struct counts tiny = {20, 40, 1};

/* Pings of 30 s are seldom. */
static const char *const patient[] = {"tunnel.dead_after=90s", NULL};
static const char *const seldom[] = {"tunnel.dead_after=90s", "tunnel.ping=30s", NULL};

static void pause_ms(int ms)
{
    usleep((useconds_t)ms * 1000);
}

/* ---- idle ---- */

static void watch_core(const struct tunnel_pair *p, int n, const char *what, int seconds)
{
    char name[64];
    pause_ms(SETTLE_MS);
    if (seconds == 0)
        return;
    struct tunnel_cost from = tunnel_cost_now(p);
    pause_ms(seconds * 1000);
    snprintf(name, sizeof name, "idle.%d.%s", n, what);
    tunnel_report_core(p, name, from);
}

static void run_idle(struct tunnel_pair *p, int n, int watch_s)
{
    char name[64];
    tunnel_serve_start(p, patient);
    int64_t before = side_heap_bytes(p->serve.pid), from = bench_now_ns();
    tunnel_agents_start(p, n, NULL);
    snprintf(name, sizeof name, "idle.%d.connect", n);
    tunnel_report(p, name, (double)(bench_now_ns() - from) / 1e9, "s");
    watch_core(p, n, "ping_5s", watch_s);
    snprintf(name, sizeof name, "idle.%d.server_memory", n);
    tunnel_report(p, name, (double)(side_heap_bytes(p->serve.pid) - before) / 1024 / n,
                  "KiB/agent");
    snprintf(name, sizeof name, "idle.%d.agent_memory", n);
    tunnel_report(p, name, (double)side_heap_bytes(p->connect.pid) / 1024 / n, "KiB/agent");
    side_end(&p->connect);
    side_end(&p->serve);
    p->listen = 0;
}

static void run_seldom(struct tunnel_pair *p, int n, int watch_s)
{
    tunnel_serve_start(p, patient);
    tunnel_agents_start(p, n, seldom);
    watch_core(p, n, "ping_30s", watch_s);
    side_end(&p->connect);
    side_end(&p->serve);
    p->listen = 0;
}

/* ---- which ---- */

static void run(struct tunnel_pair *p, bool wants_core, const struct counts *counts)
{
    run_idle(p, counts->few, 0);
    run_idle(p, counts->many, wants_core ? counts->watch_s : 0);
    if (wants_core)
        run_seldom(p, counts->many, counts->watch_s);
}

int main(int argc, char *argv[])
{
    static const char *const kinds[] = {"plain", "tls", NULL};
    const struct counts *counts = side_tiny(argc, argv) ? &tiny : &whole;
    struct bench_certificate identity;
    struct tunnel_pair plain = {.kind = "plain"}, tls = {.kind = "tls", .identity = &identity};
    side_limits(DEADLINE_S);
    bench_certificate_make(&identity);
    if (side_wants(argc, argv, "plain", kinds))
        run(&plain, true, counts);
    if (side_wants(argc, argv, "tls", kinds))
        run(&tls, false, counts);
    bench_certificate_remove(&identity);
    return 0;
}
