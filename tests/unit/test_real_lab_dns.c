/* Goal: resolvers answer what the zone has, for as long as they may, and each fault of DNS acts, is counted and ends.
 * Method: questions by UDP from a host to dnsmasq, answers read as bytes. Needs root. */
#include "tests/unit/support/real_net.h"

#include "engine/base/timefmt.h"
#include "sim/real/lab/tool.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define NAME           "manager.example"
#define OLD            "10.64.9.1"
#define NEW            "10.64.9.2"
#define SECOND_MS      1000
#define RCODE_OK       0
#define RCODE_SERVFAIL 2
#define RCODE_NXDOMAIN 3
#define SILENCE        (-1)
#define MANY           100

static struct real_net net;
static uint32_t plain, caching; /* resolvers */

static int set_up(void **state)
{
    net = real_net_open();
    check_ok(netlab_add_resolver(net.lab, STR("plain"),
                                 &(struct netlab_resolver_options){.cache_off = true}, &plain));
    check_ok(netlab_add_resolver(net.lab, STR("caching"), NULL, &caching));
    check_ok(netlab_dns_set(net.lab, STR(NAME), 60, &STR(OLD), 1));
    return 0;
}

static int tear_down(void **state)
{
    real_net_close(&net);
    return 0;
}

struct reply {
    int rcode; /* SILENCE: none */
    uint32_t n, ttl_s;
    char address[2][32];
};

static size_t put_question(uint8_t *q, const char *name, uint8_t type)
{
    static const uint8_t head[] = {0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    memcpy(q, head, sizeof(head));
    size_t n = sizeof(head);
    struct str rest = str_c(name), label;
    for (bool more = true; more;) {
        more = str_cut(rest, '.', &label, &rest);
        q[n++] = (uint8_t)label.n;
        memcpy(q + n, label.p, label.n);
        n += label.n;
    }
    const uint8_t tail[] = {0, 0, type, 0, 1};
    memcpy(q + n, tail, sizeof(tail));
    return n + sizeof(tail);
}

static void read_answers(const uint8_t *p, size_t at, size_t size, struct reply *r)
{
    for (uint32_t i = 0; i < r->n && i < 2; i++, at += 16) {
        assert_true(at + 16 <= size);
        assert_int_equal(p[at], 0xc0); /* a pointer to the question's name */
        assert_int_equal(p[at + 3], 1);
        r->ttl_s = (uint32_t)p[at + 6] << 24 | (uint32_t)p[at + 7] << 16 |
                   (uint32_t)p[at + 8] << 8 | p[at + 9];
        inet_ntop(AF_INET, p + at + 12, r->address[i], sizeof(r->address[i]));
    }
}

static struct reply ask_for(uint32_t resolver, const char *name, uint8_t type, int timeout_ms)
{
    uint8_t q[300], p[1500];
    struct reply r = {.rcode = SILENCE};
    int fd = real_udp(&net, net.a, 0, resolver, 53);
    size_t n = put_question(q, name, type);
    assert_int_equal(send(fd, q, n, 0), n);
    if (real_readable(fd, timeout_ms)) {
        ssize_t size = recv(fd, p, sizeof(p), 0);
        assert_true(size >= (ssize_t)n);
        assert_memory_equal(p, q, 2);
        r.rcode = p[3] & 15;
        r.n = (uint32_t)(p[6] << 8 | p[7]);
        read_answers(p, n, (size_t)size, &r);
    }
    close(fd);
    return r;
}

static struct reply ask(uint32_t resolver)
{
    return ask_for(resolver, NAME, 1, PATIENCE_MS);
}

static void expect(uint32_t resolver, const char *address)
{
    struct reply r = ask(resolver);
    assert_int_equal(r.rcode, RCODE_OK);
    assert_int_equal(r.n, 1);
    assert_string_equal(r.address[0], address);
}

static void set(const char *address, uint32_t ttl_s)
{
    struct str a = str_c(address);
    check_ok(netlab_dns_set(net.lab, STR(NAME), ttl_s, &a, 1));
}

static uint64_t queries(void)
{
    uint64_t n = 0;
    check_ok(netlab_dns_queries(net.lab, &n));
    return n;
}

static uint32_t begin(enum netlab_fault_kind kind, const uint32_t *resolver, const char *name)
{
    static const struct str wrong[] = {STR_INIT("10.64.9.7")};
    struct netlab_fault_options o = {.kind = kind, .delay_ns = NS_PER_S, .name = str_c(name)};
    if (resolver)
        o.b = (struct netlab_group){resolver, 1};
    if (kind == NETLAB_DNS_WRONG) {
        o.addresses = wrong;
        o.addresses_n = 1;
    }
    return real_begin(&net, &o);
}

static void end(uint32_t fault)
{
    check_ok(netlab_fault_end(net.lab, fault));
}

/* ---- records ---- */

static void test_records(void **state)
{
    static const struct str two[] = {STR_INIT(OLD), STR_INIT(NEW)};
    struct reply r = ask(plain);
    assert_int_equal(r.ttl_s, 60);
    expect(plain, OLD);
    set(NEW, 5);
    r = ask(plain); /* at once */
    assert_string_equal(r.address[0], NEW);
    assert_int_equal(r.ttl_s, 5);
    check_ok(netlab_dns_set(net.lab, STR("Two.Example."), 7, two, 2));
    r = ask_for(plain, "tWo.example", 1, PATIENCE_MS);
    assert_int_equal(r.n, 2);
    assert_string_not_equal(r.address[0], r.address[1]);
    r = ask_for(plain, NAME, 28, PATIENCE_MS); /* AAAA: the name is there, such an address is not */
    assert_int_equal(r.rcode, RCODE_OK);
    assert_int_equal(r.n, 0);
    assert_int_equal(ask_for(plain, "example", 1, PATIENCE_MS).rcode, RCODE_NXDOMAIN);
    check_ok(netlab_dns_set(net.lab, STR(NAME), 0, NULL, 0));
    assert_int_equal(ask(plain).rcode, RCODE_NXDOMAIN);
    assert_int_equal(ask_for(plain, "two.example", 1, PATIENCE_MS).n, 2);
}

/* The old answer for as long as its TTL says, and no question to the zone. */
static void test_cache(void **state)
{
    set(OLD, 2);
    expect(caching, OLD);
    uint64_t before = queries();
    set(NEW, 60);
    expect(caching, OLD);
    assert_int_equal(queries(), before);
    int64_t waited_ms = 0;
    for (; ask(caching).address[0][8] == OLD[8] && waited_ms < PATIENCE_MS; waited_ms += 100)
        usleep(100000); /* that time passes is what is tested */
    struct reply r = ask(caching);
    assert_string_equal(r.address[0], NEW);
    assert_true(queries() > before);
    set(OLD, 60);
    expect(caching, NEW);
    check_ok(netlab_dns_flush(net.lab, caching));
    expect(caching, OLD);
}

static void test_negative_ttl(void **state)
{
    uint32_t r;
    check_ok(netlab_add_resolver(net.lab, STR("negative"),
                                 &(struct netlab_resolver_options){.negative_ttl_s = 1}, &r));
    assert_int_equal(ask_for(r, "late", 1, PATIENCE_MS).rcode, RCODE_NXDOMAIN);
    assert_int_equal(ask_for(caching, "late", 1, PATIENCE_MS).rcode, RCODE_NXDOMAIN);
    check_ok(netlab_dns_set(net.lab, STR("late"), 5, &STR(OLD), 1));
    int tries = 0;
    while (ask_for(r, "late", 1, PATIENCE_MS).rcode != RCODE_OK && tries++ < 100)
        usleep(100000);
    assert_int_equal(ask_for(r, "late", 1, PATIENCE_MS).rcode, RCODE_OK);
    assert_int_equal(ask_for(caching, "late", 1, PATIENCE_MS).rcode, RCODE_NXDOMAIN);
}

static void test_hold(void **state)
{
    uint32_t r;
    check_ok(netlab_add_resolver(net.lab, STR("sticky"),
                                 &(struct netlab_resolver_options){.hold_s = 30}, &r));
    set(OLD, 1);
    expect(r, OLD);
    expect(caching, OLD);
    set(NEW, 1);
    int tries = 0;
    while (ask(caching).address[0][8] != NEW[8] && tries++ < 100)
        usleep(100000);
    expect(caching, NEW);
    expect(r, OLD);
    check_err(netlab_add_resolver(net.lab, STR("for-ever"),
                                  &(struct netlab_resolver_options){.hold_s = 3601}, &r),
              NETLAB_UNSUPPORTED, "at most 3600 s");
}

/* ---- faults ---- */

static void test_servfail(void **state)
{
    check_ok(netlab_dns_set(net.lab, STR("other"), 5, &STR(OLD), 1));
    expect(caching, OLD); /* kept, and forgotten at the fault's begin */
    uint32_t fault = begin(NETLAB_DNS_SERVFAIL, NULL, NAME);
    assert_int_equal(ask(plain).rcode, RCODE_SERVFAIL);
    assert_int_equal(ask(caching).rcode, RCODE_SERVFAIL);
    assert_int_equal(ask_for(plain, "other", 1, PATIENCE_MS).rcode, RCODE_OK);
    assert_true(real_fired(&net, fault) >= 2);
    end(fault);
    expect(plain, OLD);
    expect(caching, OLD);
    assert_true(real_fired(&net, fault) >= 2);
}

static void test_timeout(void **state)
{
    uint32_t fault = begin(NETLAB_DNS_TIMEOUT, &plain, "");
    assert_int_equal(ask_for(plain, NAME, 1, QUIET_MS).rcode, SILENCE);
    expect(caching, OLD); /* the other resolver is not meant */
    assert_true(real_fired(&net, fault) >= 1);
    end(fault);
    expect(plain, OLD);
}

static void test_nxdomain(void **state)
{
    uint32_t fault = begin(NETLAB_DNS_NXDOMAIN, &caching, "");
    assert_int_equal(ask(caching).rcode, RCODE_NXDOMAIN);
    expect(plain, OLD);
    end(fault);
    expect(caching, OLD); /* "no" is not kept beyond the fault */
}

static void test_wrong(void **state)
{
    uint32_t fault = begin(NETLAB_DNS_WRONG, &caching, NAME);
    expect(caching, "10.64.9.7");
    expect(plain, OLD);
    end(fault);
    expect(caching, OLD);
}

static void test_stale(void **state)
{
    uint32_t fault = begin(NETLAB_DNS_STALE, &plain, "");
    expect(plain, OLD);
    assert_int_equal(real_fired(&net, fault), 0); /* the same as without it */
    set(NEW, 5);
    expect(plain, OLD);
    expect(caching, NEW);
    assert_int_equal(ask(plain).ttl_s, 60);
    check_ok(netlab_dns_set(net.lab, STR("young"), 5, &STR(OLD), 1));
    assert_int_equal(ask_for(plain, "young", 1, PATIENCE_MS).rcode, RCODE_NXDOMAIN);
    assert_true(real_fired(&net, fault) >= 3);
    end(fault);
    expect(plain, NEW);
}

static void test_ttl_ignored(void **state)
{
    uint32_t fault = begin(NETLAB_DNS_TTL_IGNORED, &plain, "");
    set(NEW, 5);
    expect(plain, OLD);
    int tries = 0;
    while (ask(plain).address[0][8] != NEW[8] && tries++ < 100)
        usleep(100000);
    expect(plain, NEW); /* after a second it has looked again */
    set(OLD, 5);
    expect(plain, NEW);
    end(fault);
    expect(plain, OLD);
}

static void test_negative(void **state)
{
    uint32_t fault = begin(NETLAB_DNS_NEGATIVE, &plain, NAME);
    assert_int_equal(ask(plain).rcode, RCODE_NXDOMAIN);
    int tries = 0;
    while (ask(plain).rcode != RCODE_OK && tries++ < 100)
        usleep(100000);
    expect(plain, OLD);
    end(fault);
}

static void test_share(void **state)
{
    struct netlab_fault_options o = {.kind = NETLAB_DNS_SERVFAIL, .share_ppm = 500000};
    uint32_t fault = real_begin(&net, &o), failed = 0;
    for (int i = 0; i < MANY; i++)
        failed += ask(plain).rcode == RCODE_SERVFAIL;
    assert_in_range(failed, MANY / 2 - 30, MANY / 2 + 30); /* 6 sigma */
    end(fault);
}

/* Of one name: others are answered, and the name again when the fault is over. */
static void test_timeout_of_name(void **state)
{
    check_ok(netlab_dns_set(net.lab, STR("other"), 5, &STR(OLD), 1));
    uint32_t fault = begin(NETLAB_DNS_TIMEOUT, &plain, NAME);
    assert_int_equal(ask_for(plain, NAME, 1, QUIET_MS).rcode, SILENCE);
    assert_int_equal(ask_for(plain, NAME, 1, QUIET_MS).rcode, SILENCE);
    assert_int_equal(ask_for(plain, "other", 1, PATIENCE_MS).rcode, RCODE_OK);
    assert_true(real_fired(&net, fault) >= 1);
    end(fault);
    int64_t begun = tool_clock_ns();
    expect(plain, OLD);
    assert_true(tool_clock_ns() - begun <
                5 * NS_PER_S); /* dnsmasq's patience with the zone is longer */
}

/* The network on the way to a resolver is one as any other. */
static void test_resolver_cut_off(void **state)
{
    struct netlab_fault_options o = {.kind = NETLAB_PARTITION, .a = {&net.a, 1}, .b = {&plain, 1}};
    uint32_t fault = real_begin(&net, &o);
    assert_int_equal(ask_for(plain, NAME, 1, QUIET_MS).rcode, SILENCE);
    expect(caching, OLD);
    end(fault);
    expect(plain, OLD);
}

static void test_nonsense(void **state)
{
    uint32_t fault;
    struct netlab_fault_options o = {.kind = NETLAB_DNS_SERVFAIL, .b = {&net.a, 1}};
    check_err(netlab_fault_begin(net.lab, &o, &fault), ERR_INVALID,
              "host 0 of the lab is no resolver");
    o = (struct netlab_fault_options){.kind = NETLAB_DNS_WRONG};
    check_err(netlab_fault_begin(net.lab, &o, &fault), ERR_INVALID, "it needs addresses");
    check_err(netlab_dns_set(net.lab, STR(""), 5, &STR(OLD), 1), ERR_INVALID, "no name for DNS");
    check_err(netlab_dns_set(net.lab, STR(NAME), 5, &STR("10.0.0.256"), 1), ERR_INVALID,
              "\"10.0.0.256\" is no IPv4 address");
    check_err(netlab_use_resolver(net.lab, net.b, net.a), ERR_INVALID, "is no resolver");
    expect(plain, OLD);
}

static void test_skipped(void **state)
{
    skip();
}

#define dns_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void)
{
    const char *lacks = real_net_lacks();
    if (lacks) {
        fprintf(stderr, "test_real_lab_dns: SKIPPED: %s\n", lacks);
        const struct CMUnitTest none[] = {cmocka_unit_test(test_skipped)};
        return cmocka_run_group_tests(none, NULL, NULL);
    }
    const struct CMUnitTest tests[] = {
        dns_test(test_records),         dns_test(test_cache),
        dns_test(test_negative_ttl),    dns_test(test_hold),
        dns_test(test_servfail),        dns_test(test_timeout),
        dns_test(test_timeout_of_name), dns_test(test_nxdomain),
        dns_test(test_wrong),           dns_test(test_stale),
        dns_test(test_ttl_ignored),     dns_test(test_negative),
        dns_test(test_share),           dns_test(test_resolver_cut_off),
        dns_test(test_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
