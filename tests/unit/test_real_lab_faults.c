/* Goal: each fault of the network acts on what it is aimed at and on nothing else, is counted, and ends.
 * Method: three hosts, sockets of this process on them; see support/real_net.h for how waiting is done. Needs root. */
#include "tests/unit/support/real_net.h"

#include "engine/base/timefmt.h"
#include "sim/real/lab/tool.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define HALF  500000u
#define MS(n) ((n)*NS_PER_MS)
#define MANY  200
#define PAIRS 100 /* all of them fit into a socket */
#define HOLD_MS                                                                                    \
    60 /* of delays: well above what a loaded machine adds by itself to the fastest of several */
#define ROUNDS   5
#define RATE     100000
#define BULK     60000
#define BURST_MS 100 /* of a throttle: what passes at once, generously */

static struct real_net net;

static int set_up(void **state)
{
    net = real_net_open();
    return 0;
}

static int tear_down(void **state)
{
    real_net_close(&net);
    return 0;
}

static void end(uint32_t fault)
{
    check_ok(netlab_fault_end(net.lab, fault));
}

static int connects(uint32_t from, uint32_t to, uint16_t port, int timeout_ms)
{
    int fd, listener = real_listen(&net, to, port);
    int error = real_connect(&net, from, to, port, timeout_ms, &fd);
    if (fd >= 0)
        close(fd);
    close(listener);
    return error;
}

/* One byte by UDP. */
static bool datagram(uint32_t from, uint32_t to, uint16_t port, int timeout_ms)
{
    int sender = real_udp(&net, from, port, to, port),
        receiver = real_udp(&net, to, port, from, port);
    bool passed = real_passes(sender, receiver, timeout_ms);
    close(sender);
    close(receiver);
    return passed;
}

/* ---- what is cut ---- */

static void test_partition(void **state)
{
    struct real_pair p = real_pair(&net, net.a, net.b, 443);
    struct netlab_fault_options o = real_between(&net, NETLAB_PARTITION);
    uint32_t fault = real_begin(&net, &o);
    assert_int_equal(real_fired(&net, fault), 0);
    assert_false(real_passes(p.client, p.server, QUIET_MS));
    assert_int_equal(connects(net.a, net.b, 80, QUIET_MS), ETIMEDOUT);
    assert_false(datagram(net.b, net.a, 53, QUIET_MS));
    assert_true(real_fired(&net, fault) >= 3);
    assert_int_equal(connects(net.a, net.c, 80, PATIENCE_MS), 0);
    assert_int_equal(connects(net.c, net.b, 80, PATIENCE_MS), 0);
    end(fault);
    assert_true(real_readable(p.server, PATIENCE_MS)); /* sent again: the connection has lived */
    assert_true(real_passes(p.server, p.client, PATIENCE_MS));
    uint64_t met = real_fired(&net, fault);
    assert_true(met >= 3);
    assert_int_equal(connects(net.a, net.b, 80, PATIENCE_MS), 0);
    assert_int_equal(real_fired(&net, fault), met); /* what passes after its end is not met */
    end(fault);                                     /* again: nothing */
    real_pair_close(&p);
}

static void test_one_way(void **state)
{
    struct netlab_fault_options o = real_between(&net, NETLAB_PARTITION);
    o.direction = NETLAB_A_TO_B;
    uint32_t forth = real_begin(&net, &o);
    assert_false(datagram(net.a, net.b, 53, QUIET_MS));
    assert_true(datagram(net.b, net.a, 53, PATIENCE_MS));
    end(forth);
    o.direction = NETLAB_B_TO_A;
    uint32_t back = real_begin(&net, &o);
    assert_true(datagram(net.a, net.b, 53, PATIENCE_MS));
    assert_false(datagram(net.b, net.a, 53, QUIET_MS));
    end(back);
}

static void test_side_by_side(void **state)
{
    struct netlab_fault_options o = real_between(&net, NETLAB_PARTITION), other = o;
    other.b = (struct netlab_group){&net.c, 1};
    uint32_t first = real_begin(&net, &o), again = real_begin(&net, &o);
    uint32_t third = real_begin(&net, &other);
    assert_false(datagram(net.a, net.c, 53, QUIET_MS));
    end(first);
    assert_false(datagram(net.a, net.b, 53, QUIET_MS)); /* the second still cuts */
    end(again);
    assert_true(datagram(net.a, net.b, 53, PATIENCE_MS));
    assert_false(datagram(net.a, net.c, 53, QUIET_MS));
    end(third);
    assert_true(datagram(net.a, net.c, 53, PATIENCE_MS));
}

/* Of everybody: also of a host that comes later, and not of what a host says to itself. */
static void test_everybody(void **state)
{
    struct netlab_fault_options o = {.kind = NETLAB_PARTITION, .a = {&net.a, 1}};
    uint32_t fault = real_begin(&net, &o), late;
    check_ok(netlab_add_host(net.lab, STR("late"), &late));
    assert_false(datagram(net.a, late, 53, QUIET_MS));
    assert_true(datagram(net.b, late, 53, PATIENCE_MS));
    assert_int_equal(connects(net.a, net.a, 80, PATIENCE_MS), 0);
    end(fault);
    assert_true(datagram(net.a, late, 53, PATIENCE_MS));
}

static void test_ports(void **state)
{
    static const uint16_t https[] = {443, 6443};
    struct netlab_fault_options o = real_between(&net, NETLAB_PARTITION);
    o.protocol = NETLAB_TCP;
    o.ports = https;
    o.ports_n = ARRAY_LEN(https);
    uint32_t fault = real_begin(&net, &o);
    assert_int_equal(connects(net.a, net.b, 443, QUIET_MS), ETIMEDOUT);
    assert_int_equal(connects(net.b, net.a, 6443, QUIET_MS), ETIMEDOUT);
    assert_int_equal(connects(net.a, net.b, 80, PATIENCE_MS), 0);
    assert_true(datagram(net.a, net.b, 443, PATIENCE_MS));
    end(fault);
    o.protocol = NETLAB_UDP;
    fault = real_begin(&net, &o);
    assert_false(datagram(net.a, net.b, 443, QUIET_MS));
    assert_int_equal(connects(net.a, net.b, 443, PATIENCE_MS), 0);
    end(fault);
}

/* Half of the connections: the same in both directions and at every packet, and others for another fault. */
static void test_share_of_connections(void **state)
{
    struct netlab_fault_options o = real_between(&net, NETLAB_PARTITION);
    o.share_ppm = HALF;
    int a[MANY], b[MANY];
    size_t cut[2] = {0}, both = 0;
    bool is_cut[2][MANY];
    for (size_t i = 0; i < MANY; i++) {
        a[i] = real_udp(&net, net.a, (uint16_t)(2000 + i), net.b, (uint16_t)(7000 + i));
        b[i] = real_udp(&net, net.b, (uint16_t)(7000 + i), net.a, (uint16_t)(2000 + i));
    }
    for (size_t round = 0; round < 2; round++) {
        uint32_t fault = real_begin(&net, &o);
        for (size_t i = 0; i < MANY; i++) {
            is_cut[round][i] = !real_passes(a[i], b[i], 5);
            if (!is_cut[round][i])
                assert_true(real_passes(b[i], a[i], PATIENCE_MS));
            else
                assert_false(real_passes(b[i], a[i], 5));
            cut[round] += is_cut[round][i];
        }
        end(fault);
    }
    for (size_t i = 0; i < MANY; i++) {
        both += is_cut[0][i] && is_cut[1][i];
        close(a[i]);
        close(b[i]);
    }
    /* 6 sigma of 200 draws are 42 */
    assert_in_range(cut[0], MANY / 2 - 42, MANY / 2 + 42);
    assert_in_range(cut[1], MANY / 2 - 42, MANY / 2 + 42);
    assert_true(both < cut[0]);
}

static void test_reject(void **state)
{
    struct real_pair p = real_pair(&net, net.a, net.b, 443);
    struct netlab_fault_options o = real_between(&net, NETLAB_REJECT);
    int udp = real_udp(&net, net.a, 53, net.b, 53);
    uint32_t fault = real_begin(&net, &o);
    assert_int_equal(connects(net.a, net.b, 80, PATIENCE_MS), ECONNREFUSED);
    assert_int_equal(send(p.client, "x", 1, MSG_NOSIGNAL), 1);
    assert_int_equal(real_end_of(p.client, PATIENCE_MS), ECONNRESET);
    assert_int_equal(send(udp, "x", 1, 0), 1);
    assert_int_equal(real_end_of(udp, PATIENCE_MS), EHOSTUNREACH);
    assert_true(real_fired(&net, fault) >= 3);
    assert_int_equal(connects(net.a, net.c, 80, PATIENCE_MS), 0);
    end(fault);
    assert_int_equal(connects(net.a, net.b, 80, PATIENCE_MS), 0);
    close(udp);
    real_pair_close(&p);
}

static void test_refuse(void **state)
{
    struct real_pair p = real_pair(&net, net.a, net.b, 443);
    struct netlab_fault_options o = real_between(&net, NETLAB_REFUSE);
    uint32_t fault = real_begin(&net, &o);
    assert_int_equal(connects(net.a, net.b, 80, PATIENCE_MS), ECONNREFUSED);
    assert_int_equal(real_fired(&net, fault), 1);
    assert_true(real_passes(p.client, p.server, PATIENCE_MS));
    assert_int_equal(connects(net.a, net.c, 80, PATIENCE_MS), 0);
    end(fault);
    assert_int_equal(connects(net.a, net.b, 80, PATIENCE_MS), 0);
    real_pair_close(&p);
}

/* ---- connections ---- */

static void test_half_open(void **state)
{
    struct real_pair old = real_pair(&net, net.a, net.b, 443);
    struct real_pair still = real_pair(&net, net.b, net.a, 8443); /* silent in the meantime */
    struct real_pair spared = real_pair(&net, net.a, net.c, 443);
    struct netlab_fault_options o = real_between(&net, NETLAB_HALF_OPEN);
    uint32_t fault = real_begin(&net, &o);
    assert_false(real_passes(old.client, old.server, QUIET_MS));
    assert_false(real_passes(old.server, old.client, QUIET_MS));
    assert_true(real_fired(&net, fault) >= 2);
    struct real_pair young = real_pair(&net, net.b, net.a, 443);
    assert_true(real_passes(young.client, young.server, PATIENCE_MS));
    assert_true(real_passes(young.server, young.client, PATIENCE_MS));
    assert_true(real_passes(spared.client, spared.server, PATIENCE_MS));
    end(fault);
    assert_true(real_passes(young.client, young.server, PATIENCE_MS));
    assert_false(real_passes(still.client, still.server, QUIET_MS)); /* for good */
    assert_int_equal(connects(net.a, net.b, 80, PATIENCE_MS), 0);
    real_pair_close(&young);
    real_pair_close(&spared);
    real_pair_close(&still);
    real_pair_close(&old);
}

static void test_reset(void **state)
{
    struct real_pair p = real_pair(&net, net.a, net.b, 443), q = real_pair(&net, net.b, net.a, 80);
    struct real_pair spared = real_pair(&net, net.a, net.c, 443);
    struct netlab_fault_options o = real_between(&net, NETLAB_RESET);
    uint32_t fault = real_begin(&net, &o);
    assert_int_equal(real_fired(&net, fault), 2);
    const int ends[] = {p.client, p.server, q.client, q.server};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        int error = real_end_of(ends[i], PATIENCE_MS);
        assert_true(error == ECONNRESET || error == ECONNABORTED);
    }
    assert_true(real_passes(spared.client, spared.server, PATIENCE_MS));
    end(fault);
    assert_int_equal(real_fired(&net, fault), 2);
    real_pair_close(&p);
    real_pair_close(&q);
    p = real_pair(&net, net.a, net.b, 443); /* it is over: new ones live */
    assert_true(real_passes(p.client, p.server, PATIENCE_MS));
    real_pair_close(&p);
    real_pair_close(&spared);
}

static void test_reset_share_and_port(void **state)
{
    static const uint16_t https[] = {443};
    struct real_pair p[40];
    for (size_t i = 0; i < ARRAY_LEN(p); i++)
        p[i] = real_pair(&net, net.a, net.b, (uint16_t)(i % 2 ? 443 + i * 100 : 5000 + i));
    struct real_pair https_one = real_pair(&net, net.a, net.b, 443);
    struct netlab_fault_options o = real_between(&net, NETLAB_RESET);
    o.ports = https;
    o.ports_n = 1;
    assert_int_equal(real_fired(&net, real_begin(&net, &o)), 1);
    assert_int_not_equal(real_end_of(https_one.client, PATIENCE_MS), 0);
    o.ports_n = 0;
    o.share_ppm = HALF;
    uint64_t met = real_fired(&net, real_begin(&net, &o)), ended = 0;
    assert_in_range(met, 2, 38); /* 6 sigma of 40 draws are 19 */
    for (size_t i = 0; i < ARRAY_LEN(p); i++) {
        ended += real_end_of(p[i].server, 20) != 0;
        real_pair_close(&p[i]);
    }
    assert_int_equal(ended, met);
    real_pair_close(&https_one);
}

#define IDLE_MS 1500
static void wait_idle(int fd)
{
    assert_false(real_readable(fd, IDLE_MS + 300)); /* the time itself is what is tested */
}

static void test_idle_cut(void **state)
{
    struct real_pair before = real_pair(&net, net.a, net.b, 443);
    struct netlab_fault_options o = real_between(&net, NETLAB_IDLE_CUT);
    o.delay_ns = MS(IDLE_MS);
    uint32_t fault = real_begin(&net, &o);
    struct real_pair idle = real_pair(&net, net.b, net.a, 443),
                     busy = real_pair(&net, net.a, net.b, 80);
    struct real_pair spared = real_pair(&net, net.a, net.c, 443);
    assert_true(real_passes(before.client, before.server, PATIENCE_MS)); /* not yet */
    for (int i = 0; i < 6; i++) {
        assert_true(real_passes(busy.client, busy.server, PATIENCE_MS));
        assert_false(real_readable(busy.server, IDLE_MS / 4));
    }
    assert_true(real_passes(busy.server, busy.client, PATIENCE_MS));
    assert_int_equal(real_fired(&net, fault), 0);
    const struct real_pair *const cut[] = {&before, &idle};
    for (size_t i = 0; i < ARRAY_LEN(cut); i++) {
        assert_int_equal(send(cut[i]->client, "x", 1, MSG_NOSIGNAL), 1);
        assert_int_equal(real_end_of(cut[i]->client, PATIENCE_MS), ECONNRESET);
    }
    assert_int_equal(real_fired(&net, fault), 2);
    wait_idle(busy.server);
    assert_int_equal(send(busy.server, "x", 1, MSG_NOSIGNAL), 1);
    assert_int_equal(real_end_of(busy.server, PATIENCE_MS), ECONNRESET);
    assert_true(real_passes(spared.client, spared.server, PATIENCE_MS));
    end(fault);
    real_pair_close(&before);
    real_pair_close(&idle);
    real_pair_close(&busy);
    before = real_pair(&net, net.a, net.b, 443);
    wait_idle(before.server);
    assert_true(real_passes(before.client, before.server, PATIENCE_MS));
    real_pair_close(&before);
    real_pair_close(&spared);
}

/* ---- packets ---- */

struct flow {
    int from, to;
};

static struct flow flow_between(uint32_t from, uint32_t to, uint16_t port)
{
    return (struct flow){real_udp(&net, from, port, to, port),
                         real_udp(&net, to, port, from, port)};
}

static void flow_close(const struct flow *f)
{
    close(f->from);
    close(f->to);
}

/* Sends datagrams with the numbers 0 to n-1. */
static void send_numbers(const struct flow *f, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(send(f->from, &i, sizeof(i), 0), sizeof(i));
}

/* How many come until nothing does for a while; *disorder: how many after one with a greater number. */
static uint32_t take_numbers(const struct flow *f, uint32_t expected, uint32_t *disorder)
{
    uint32_t n = 0, number, greatest = 0;
    *disorder = 0;
    while (real_readable(f->to, n < expected ? PATIENCE_MS : QUIET_MS)) {
        assert_int_equal(recv(f->to, &number, sizeof(number), 0), sizeof(number));
        *disorder += number < greatest;
        greatest = number > greatest ? number : greatest;
        n++;
    }
    return n;
}

static void test_loss(void **state)
{
    struct netlab_fault_options o = real_between(&net, NETLAB_LOSS);
    o.share_ppm = 300000;
    struct flow f = flow_between(net.a, net.b, 53);
    uint32_t fault = real_begin(&net, &o), disorder;
    send_numbers(&f, MANY);
    uint32_t came = take_numbers(&f, 0, &disorder);
    assert_in_range(came, 140 - 39, 140 + 39); /* 6 sigma */
    assert_int_equal(real_fired(&net, fault), MANY - came);
    end(fault);
    send_numbers(&f, MANY);
    assert_int_equal(take_numbers(&f, MANY, &disorder), MANY);
    flow_close(&f);
}

/* The shortest of several round trips. */
static int64_t round_trip_ms(uint32_t from, uint32_t to)
{
    struct flow f = flow_between(from, to, 53);
    int64_t best = INT64_MAX;
    for (int i = 0; i < ROUNDS; i++) {
        int64_t begun = tool_clock_ns();
        assert_true(real_passes(f.from, f.to, PATIENCE_MS));
        assert_true(real_passes(f.to, f.from, PATIENCE_MS));
        int64_t took = tool_clock_ns() - begun;
        best = took < best ? took : best;
    }
    flow_close(&f);
    return best / NS_PER_MS;
}

static void test_latency(void **state)
{
    struct real_pair p = real_pair(&net, net.a, net.b, 443);
    struct netlab_fault_options o = real_between(&net, NETLAB_LATENCY);
    o.delay_ns = MS(HOLD_MS);
    assert_true(round_trip_ms(net.a, net.b) < 2 * HOLD_MS);
    uint32_t fault = real_begin(&net, &o);
    assert_true(round_trip_ms(net.a, net.b) >= 2 * HOLD_MS);
    assert_true(real_fired(&net, fault) >= 2 * ROUNDS);
    assert_true(round_trip_ms(net.a, net.c) < 2 * HOLD_MS);
    o.direction = NETLAB_B_TO_A;
    uint32_t more = real_begin(&net, &o); /* they add up */
    assert_true(round_trip_ms(net.a, net.b) >= 3 * HOLD_MS);
    assert_true(real_passes(p.client, p.server, PATIENCE_MS)); /* also what was there before */
    end(fault);
    int64_t one_way = round_trip_ms(net.a, net.b);
    assert_in_range(one_way, HOLD_MS, 2 * HOLD_MS - 1);
    end(more);
    assert_true(round_trip_ms(net.a, net.b) < HOLD_MS);
    assert_true(real_passes(p.server, p.client, PATIENCE_MS));
    real_pair_close(&p);
}

/* Jitter and share keep the order within a connection; reorder does not. */
static void test_order(void **state)
{
    struct netlab_fault_options o = real_between(&net, NETLAB_LATENCY);
    o.delay_ns = MS(1);
    o.jitter_ns = MS(20);
    o.share_ppm = HALF;
    struct flow f = flow_between(net.a, net.b, 53);
    uint32_t fault = real_begin(&net, &o), disorder;
    send_numbers(&f, MANY);
    assert_int_equal(take_numbers(&f, MANY, &disorder), MANY);
    assert_int_equal(disorder, 0);
    assert_in_range(real_fired(&net, fault), MANY / 2 - 42, MANY / 2 + 42);
    end(fault);
    o = real_between(&net, NETLAB_REORDER);
    o.jitter_ns = MS(20);
    fault = real_begin(&net, &o);
    send_numbers(&f, MANY);
    assert_int_equal(take_numbers(&f, MANY, &disorder), MANY);
    assert_true(disorder > MANY / 10);
    assert_int_equal(real_fired(&net, fault), MANY);
    end(fault);
    flow_close(&f);
}

static void test_duplicate(void **state)
{
    struct netlab_fault_options o = real_between(&net, NETLAB_DUPLICATE);
    struct flow f = flow_between(net.a, net.b, 53);
    uint32_t fault = real_begin(&net, &o), disorder;
    send_numbers(&f, PAIRS);
    assert_int_equal(take_numbers(&f, 2 * PAIRS, &disorder), 2 * PAIRS);
    assert_int_equal(real_fired(&net, fault), PAIRS);
    end(fault);
    flow_close(&f);
}

static void test_clog(void **state)
{
    struct netlab_fault_options o = real_between(&net, NETLAB_CLOG);
    struct flow f = flow_between(net.a, net.b, 53), other = flow_between(net.a, net.c, 54);
    uint32_t fault = real_begin(&net, &o), disorder;
    send_numbers(&f, MANY);
    assert_false(real_readable(f.to, QUIET_MS));
    assert_true(real_passes(other.from, other.to, PATIENCE_MS));
    end(fault);
    assert_int_equal(take_numbers(&f, MANY, &disorder), MANY);
    assert_int_equal(disorder, 0);
    assert_int_equal(real_fired(&net, fault), MANY);
    flow_close(&f);
    flow_close(&other);
}

/* How long so many bytes take. */
static int64_t transfer_ms(uint32_t from, uint32_t to)
{
    struct real_pair p = real_pair(&net, from, to, 443);
    static char bytes[BULK];
    size_t sent = 0, got = 0;
    int64_t begun = tool_clock_ns();
    while (got < sizeof(bytes)) {
        ssize_t n = send(p.client, bytes + sent, sizeof(bytes) - sent, MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        assert_true(real_readable(p.server, PATIENCE_MS));
        n = recv(p.server, bytes, sizeof(bytes), 0);
        assert_true(n > 0);
        got += (size_t)n;
    }
    int64_t took = tool_clock_ns() - begun;
    real_pair_close(&p);
    return took / NS_PER_MS;
}

static void test_throttle(void **state)
{
    struct netlab_fault_options o = real_between(&net, NETLAB_THROTTLE);
    o.bytes_per_s = RATE;
    const int64_t least = (int64_t)BULK * 1000 / RATE - BURST_MS;
    uint32_t fault = real_begin(&net, &o);
    assert_true(transfer_ms(net.a, net.b) >= least);
    assert_true(transfer_ms(net.b, net.a) >= least);
    assert_true(transfer_ms(net.a, net.c) < least);
    assert_true(transfer_ms(net.c, net.b) < least);
    assert_true(real_fired(&net, fault) >=
                2 * BULK / 1500); /* packets, not what offloading makes of them */
    uint32_t beside = real_begin(&net, &o);
    end(fault);
    assert_true(transfer_ms(net.a, net.b) >= least);
    end(beside);
    assert_true(transfer_ms(net.a, net.b) < least);
}

/* ---- what cannot be asked for ---- */

static void test_nonsense(void **state)
{
    uint32_t fault, nobody = 99;
    struct netlab_fault_options o = real_between(&net, NETLAB_LATENCY);
    check_err(netlab_fault_begin(net.lab, &o, &fault), ERR_INVALID, "latency: it needs a delay");
    o = real_between(&net, NETLAB_IDLE_CUT);
    check_err(netlab_fault_begin(net.lab, &o, &fault), ERR_INVALID, "idle-cut: it needs a delay");
    o = real_between(&net, NETLAB_REORDER);
    check_err(netlab_fault_begin(net.lab, &o, &fault), ERR_INVALID, "reorder: it needs a jitter");
    o = real_between(&net, NETLAB_THROTTLE);
    check_err(netlab_fault_begin(net.lab, &o, &fault), ERR_INVALID, "throttle: it needs a rate");
    o = real_between(&net, NETLAB_LOSS);
    o.share_ppm = 1000001;
    check_err(netlab_fault_begin(net.lab, &o, &fault), ERR_INVALID, "more than all");
    o = real_between(&net, NETLAB_LOSS);
    o.b.hosts = &nobody;
    check_err(netlab_fault_begin(net.lab, &o, &fault), ERR_INVALID, "no host 99");
    assert_true(datagram(net.a, net.b, 53, PATIENCE_MS)); /* and nothing has begun */
    for (int kind = 0; kind < NETLAB_FAULT_KINDS; kind++)
        check_ok(netlab_supports(net.lab, (enum netlab_fault_kind)kind));
}

static void test_skipped(void **state)
{
    skip();
}

#define fault_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void)
{
    const char *lacks = real_net_lacks();
    if (lacks) {
        fprintf(stderr, "test_real_lab_faults: SKIPPED: %s\n", lacks);
        const struct CMUnitTest none[] = {cmocka_unit_test(test_skipped)};
        return cmocka_run_group_tests(none, NULL, NULL);
    }
    const struct CMUnitTest tests[] = {
        fault_test(test_partition),
        fault_test(test_one_way),
        fault_test(test_side_by_side),
        fault_test(test_everybody),
        fault_test(test_ports),
        fault_test(test_share_of_connections),
        fault_test(test_reject),
        fault_test(test_refuse),
        fault_test(test_half_open),
        fault_test(test_reset),
        fault_test(test_reset_share_and_port),
        fault_test(test_idle_cut),
        fault_test(test_loss),
        fault_test(test_latency),
        fault_test(test_order),
        fault_test(test_duplicate),
        fault_test(test_clog),
        fault_test(test_throttle),
        fault_test(test_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
