/* Goal: resolvers answer as caches do: remaining TTLs, negative answers, lies about time, faults.
 * Method: one asker, virtual time, a table of what is asked when and what comes back. */
#include "tests/unit/support/sim_kit.h"

#define NAME "manager.example.test"

struct asked {
    struct buf text; /* "10.0.0.1,10.0.0.2/60" or "nxdomain/30" */
    world_time took;
};

struct pending {
    struct asked *a;
    struct sim *sim;
    world_time start;
    bool done;
};

static void answered(void *owner, const struct world_dns_answer *answer, const struct err *err)
{
    struct pending *p = owner;
    p->done = true;
    p->a->took = sim_now(p->sim) - p->start;
    buf_clear(&p->a->text);
    for (size_t i = 0; i < answer->n; i++)
        buf_addf(&p->a->text, "%s%s", i ? "," : "", answer->host[i]);
    if (err)
        buf_add_c(&p->a->text, err_code_name(err->code));
    buf_addf(&p->a->text, "/%u", answer->ttl_s);
}

static const char *ask_of(struct kit *k, struct asked *a, const char *name)
{
    struct pending p = {.a = a, .sim = k->sim, .start = sim_now(k->sim)};
    (void)world_dns_query(kit_cw(k), str_c(name), 2 * S, answered, &p);
    assert_false(p.done);
    while (!p.done)
        assert_true(sim_step(k->sim));
    return buf_c(&a->text);
}
static const char *ask(struct kit *k, struct asked *a)
{
    return ask_of(k, a, NAME);
}

static void set(struct kit *k, const char *address)
{
    struct str value = str_c(address);
    sim_dns_set(k->sim, STR(NAME), 60, &value, 1);
}

static struct sim_resolver *resolver(struct kit *k, struct sim_resolver_options o)
{
    o.name = STR("r");
    struct sim_resolver *r = sim_resolver_new(k->sim, &o);
    sim_process_set_resolver(k->client, r);
    return r;
}

static void caches(void **state)
{
    struct kit *k = kit_new();
    struct asked a = {0};
    set(k, "10.0.0.1");
    assert_string_equal(ask(k, &a), "10.0.0.1/60");
    assert_int_equal(a.took, 21 * MS);
    set(k, "10.0.0.2");
    kit_run(k, 19 * S);
    assert_string_equal(ask(k, &a), "10.0.0.1/41"); /* what is left, rounded up */
    assert_int_equal(a.took, MS);
    kit_run(k, 41 * S);
    assert_string_equal(ask(k, &a), "10.0.0.2/60");
    assert_int_equal(kit_count(k, "dns.queries"), 3);
    assert_int_equal(kit_count(k, "dns.cache_hits"), 1);
    buf_free(&a.text);
    kit_free(k);
}

static void negative_answers(void **state)
{
    struct kit *k = kit_new();
    struct asked a = {0};
    sim_dns_set_zone(k->sim, STR("example.test"), 120);
    resolver(k, (struct sim_resolver_options){.negative_ttl_s = 30});
    assert_string_equal(ask(k, &a), "dns-nxdomain/30");
    set(k, "10.0.0.1");
    kit_run(k, 20 * S);
    assert_string_equal(ask(k, &a), "dns-nxdomain/10"); /* the name exists, and is not known to */
    kit_run(k, 10 * S);
    assert_string_equal(ask(k, &a), "10.0.0.1/60");
    assert_string_equal(ask_of(k, &a, "other.zone"), "dns-nxdomain/30");
    sim_dns_remove(k->sim, STR(NAME));
    assert_int_equal(kit_count(k, "dns.nxdomain_answers"), 3);
    buf_free(&a.text);
    kit_free(k);
}

/* Holds its answers for five minutes and always says 60 s. */
static void a_lying_resolver(void **state)
{
    struct kit *k = kit_new();
    struct asked a = {0};
    resolver(k, (struct sim_resolver_options){.lies_about_ttl = true, .hold = 300 * S});
    set(k, "10.0.0.1");
    assert_string_equal(ask(k, &a), "10.0.0.1/60");
    set(k, "10.0.0.2");
    kit_run(k, 299 * S);
    assert_string_equal(ask(k, &a), "10.0.0.1/60");
    kit_run(k, S);
    assert_string_equal(ask(k, &a), "10.0.0.2/60");
    buf_free(&a.text);
    kit_free(k);
}

static void names(void **state)
{
    struct kit *k = kit_new();
    struct asked a = {0};
    sim_dns_set(k->sim, STR("Site-A.example.test"), 300,
                (struct str[]){STR("10.0.0.1"), STR("10.0.0.2")}, 2);
    sim_dns_set_cname(k->sim, STR(NAME), 20, STR("SITE-a.example.test."));
    sim_dns_set_cname(k->sim, STR("a.test"), 5, STR("b.test"));
    sim_dns_set_cname(k->sim, STR("b.test"), 5, STR("a.test"));
    assert_string_equal(ask_of(k, &a, "MANAGER.example.test."), "10.0.0.1,10.0.0.2/20");
    assert_string_equal(ask(k, &a), "10.0.0.2,10.0.0.1/20"); /* in turn */
    assert_string_equal(ask_of(k, &a, "a.test"), "dns-nxdomain/300");
    assert_string_equal(ask_of(k, &a, "127.0.0.1"), "127.0.0.1/604800");
    assert_string_equal(ask_of(k, &a, "::1"), "::1/604800");
    assert_string_equal(ask_of(k, &a, "localhost"), "127.0.0.1/604800");
    assert_string_equal(ask_of(k, &a, ""), "dns-nxdomain/0");
    struct sim_resolver *r = resolver(k, (struct sim_resolver_options){0});
    sim_resolver_set_local(r, STR(NAME), 30, (struct str[]){STR("10.43.0.1")}, 1);
    assert_string_equal(ask(k, &a), "10.43.0.1/30");
    sim_resolver_set_local(r, STR(NAME), 0, NULL, 0);
    assert_string_equal(ask(k, &a), "10.0.0.1,10.0.0.2/20");
    sim_resolver_flush(r);
    assert_ptr_equal(sim_resolver_find(k->sim, STR("r")), r);
    check_str(sim_resolver_name(r), "r");
    buf_free(&a.text);
    kit_free(k);
}

/* {fault, what it makes of the answer, counter} */
static void faults(void **state)
{
    static const struct {
        enum sim_fault_kind kind;
        const char *says, *counter;
    } rows[] = {
        {SIM_FAULT_DNS_SERVFAIL, "dns-servfail/0", "dns.servfail_answers"},
        {SIM_FAULT_DNS_NXDOMAIN, "dns-nxdomain/300", "dns.nxdomain_answers"},
        {SIM_FAULT_DNS_TIMEOUT, "dns-timeout/0", "dns.timeouts"},
        {SIM_FAULT_DNS_WRONG, "10.6.6.6/60", "dns.wrong_answers"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct kit *k = kit_new();
        struct asked a = {0};
        set(k, "10.0.0.1");
        struct sim_fault *f =
            kit_fault(k, &(struct sim_fault_options){.kind = rows[i].kind,
                                                     .duration = 60 * S,
                                                     .addresses = (struct str[]){STR("10.6.6.6")},
                                                     .addresses_n = 1});
        assert_int_equal(sim_fault_fired(f), 0);
        assert_string_equal(ask(k, &a), rows[i].says);
        assert_int_equal(sim_fault_fired(f), 1);
        assert_int_equal(kit_count(k, rows[i].counter), 1);
        kit_run(k, 60 * S);
        assert_string_equal(ask(k, &a), "10.0.0.1/60");
        assert_int_equal(sim_fault_fired(f), 1);
        buf_free(&a.text);
        kit_free(k);
    }
}

static void faults_of_caches(void **state)
{
    struct kit *k = kit_new();
    struct asked a = {0};
    set(k, "10.0.0.1");
    struct sim_fault *stale =
        kit_fault(k, &(struct sim_fault_options){.kind = SIM_FAULT_DNS_STALE, .duration = 90 * S});
    assert_string_equal(ask(k, &a), "10.0.0.1/60");
    assert_int_equal(sim_fault_fired(stale), 0); /* the past does not differ yet */
    set(k, "10.0.0.2");
    kit_run(k, 60 * S);
    assert_string_equal(ask(k, &a), "10.0.0.1/60");
    assert_int_equal(sim_fault_fired(stale), 1);
    struct sim_fault *kept = kit_fault(
        k, &(struct sim_fault_options){.kind = SIM_FAULT_DNS_TTL_IGNORED, .delay = 600 * S});
    kit_run(k, 300 * S);
    assert_string_equal(ask(k, &a), "10.0.0.1/60");
    assert_int_equal(sim_fault_fired(kept), 1);
    sim_fault_end(kept);
    assert_string_equal(ask(k, &a), "10.0.0.2/60");
    struct sim_fault *gone = kit_fault(
        k, &(struct sim_fault_options){
               .kind = SIM_FAULT_DNS_NEGATIVE_CACHED, .dns_name = STR(NAME), .delay = 30 * S});
    assert_string_equal(ask(k, &a), "dns-nxdomain/30");
    assert_int_equal(sim_fault_fired(gone), 1);
    kit_run(k, 30 * S);
    assert_string_equal(ask(k, &a), "10.0.0.2/60");
    buf_free(&a.text);
    kit_free(k);
}

/* A resolver that stands behind a partition does not answer. */
static void a_resolver_that_is_cut_off(void **state)
{
    struct kit *k = kit_new();
    struct asked a = {0};
    set(k, "10.0.0.1");
    resolver(k, (struct sim_resolver_options){.zone = STR("site/a")});
    struct sim_fault *f = kit_fault(k, &(struct sim_fault_options){.kind = SIM_FAULT_NET_PARTITION,
                                                                   .from.zone = STR("cluster"),
                                                                   .to.zone = STR("site/a")});
    assert_string_equal(ask(k, &a), "dns-timeout/0");
    assert_int_equal(a.took, 2 * S);
    assert_int_equal(sim_fault_fired(f), 1);
    sim_heal_all(k->sim);
    assert_string_equal(ask(k, &a), "10.0.0.1/60");
    buf_free(&a.text);
    kit_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(caches),
        cmocka_unit_test(negative_answers),
        cmocka_unit_test(a_lying_resolver),
        cmocka_unit_test(names),
        cmocka_unit_test(faults),
        cmocka_unit_test(faults_of_caches),
        cmocka_unit_test(a_resolver_that_is_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
