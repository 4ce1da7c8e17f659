/* A process that reads packets from a device (TUN), keeps them for a while and writes them back, whereupon the router sends
 * them on. A packet keeps its place among those of its connection, unless the fault is about order.
 *
 *   device ─► read ─► drawn? when is it due? ─► heap by (due, number) ─► write ─► device
 *
 * Bounds: RELAY_PACKETS_MAX are held, what comes beyond is lost, as in a real queue. */
#include "sim/real/lab/lab_internal.h"

#include "engine/base/heap.h"
#include "engine/base/rng.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#define RELAY_PACKETS_MAX 65536u
#define PACKET_MAX        65536u
#define FLOWS             4096u
#define READS_A_ROUND     64u
#define PROTOCOL_AT       9u
#define ADDRESSES_AT      12u
#define ADDRESSES_BYTES   8u
#define PORTS_BYTES       4u
#define HEADER_MIN        20u
#define IP_VERSION        4

struct held {
    struct heap_node node;
    size_t n;
    uint8_t bytes[];
};

struct relay_state {
    const struct relay_work *work;
    struct heap heap;
    uint64_t seq;
    size_t held_n;
    struct rng random;
    int64_t last_due[FLOWS]; /* of the flow's packets: the next is not due before */
};

/* Connections by their addresses, protocol and ports; two that share a number only wait for one another. */
static size_t flow_of(const uint8_t *p, size_t n)
{
    uint8_t key[ADDRESSES_BYTES + PORTS_BYTES + 1] = {0};
    if (n < HEADER_MIN)
        return 0;
    size_t header = (size_t)(p[0] & 0x0f) * 4;
    memcpy(key, p + ADDRESSES_AT, ADDRESSES_BYTES);
    if (n >= header + PORTS_BYTES)
        memcpy(key + ADDRESSES_BYTES, p + header, PORTS_BYTES);
    key[sizeof(key) - 1] = p[PROTOCOL_AT];
    return str_hash((struct str){(const char *)key, sizeof(key)}) % FLOWS;
}

static int64_t due_of(struct relay_state *r, const uint8_t *p, size_t n, bool drawn)
{
    const struct relay_work *w = r->work;
    int64_t due = tool_clock_ns();
    if (w->kind == NETLAB_CLOG && drawn)
        return INT64_MAX;
    if (drawn && w->kind != NETLAB_DUPLICATE)
        due += w->delay_ns + (w->jitter_ns ? rng_between(&r->random, 0, w->jitter_ns) : 0);
    if (w->kind == NETLAB_REORDER)
        return due;
    int64_t *last = &r->last_due[flow_of(p, n)];
    *last = due > *last ? due : *last;
    return *last;
}

static void hold(struct relay_state *r, const uint8_t *p, size_t n, int64_t due)
{
    if (r->held_n == RELAY_PACKETS_MAX)
        return;
    struct held *h = mem_alloc(sizeof(*h) + n);
    h->n = n;
    memcpy(h->bytes, p, n);
    heap_push(&r->heap, &h->node, due, ++r->seq);
    r->held_n++;
}

static void receive(struct relay_state *r)
{
    static uint8_t packet[PACKET_MAX];
    for (size_t i = 0; i < READS_A_ROUND; i++) {
        ssize_t n = read(r->work->tun, packet, sizeof(packet));
        if (n <= 0)
            return;
        if (packet[0] >> 4 != IP_VERSION) /* what a kernel says of itself on a new device */
            continue;
        bool drawn = rng_chance(&r->random, r->work->share_ppm);
        int64_t due = due_of(r, packet, (size_t)n, drawn);
        hold(r, packet, (size_t)n, due);
        if (drawn && r->work->kind == NETLAB_DUPLICATE)
            hold(r, packet, (size_t)n, due);
        if (drawn)
            __atomic_add_fetch(r->work->met, 1, __ATOMIC_RELAXED);
    }
}

static void send_until(struct relay_state *r, int64_t until)
{
    int64_t at;
    struct heap_node *node;
    while (heap_peek(&r->heap, &at, &node) && at <= until) {
        struct held *h = container_of(heap_pop(&r->heap), struct held, node);
        ssize_t n = write(r->work->tun, h->bytes, h->n);
        (void)n; /* a router that has no room loses packets */
        mem_free(h);
        r->held_n--;
    }
}

/* How long until the next is due; NULL: nothing is. */
static const struct timespec *patience(const struct relay_state *r, struct timespec *t)
{
    int64_t at;
    struct heap_node *node;
    if (!heap_peek(&r->heap, &at, &node) || at == INT64_MAX)
        return NULL;
    int64_t left = at - tool_clock_ns();
    left = left > 0 ? left : 0;
    *t = (struct timespec){left / NS_PER_S, left % NS_PER_S};
    return t;
}

void relay_run(void *ctx)
{
    const struct relay_work *work = ctx;
    struct relay_state *r = MEM_NEW(struct relay_state);
    r->work = work;
    r->random = rng_seed((uint64_t)tool_clock_ns());
    struct pollfd p[2] = {{work->tun, POLLIN, 0}, {work->control, POLLIN, 0}};
    for (bool ended = false; !ended;) {
        struct timespec t;
        if (ppoll(p, ARRAY_LEN(p), patience(r, &t), NULL) < 0 && errno != EINTR)
            break;
        receive(r);
        ended = p[1].revents != 0;
        send_until(r, ended ? INT64_MAX : tool_clock_ns());
    }
    heap_free(&r->heap);
    mem_free(r);
}
