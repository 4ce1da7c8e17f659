/* Goal: a DNS question is answered with addresses and the time they hold, or with a typed error, in both worlds.
 * Method: a scripted zone behind the client's resolver; each case asks and looks at the answer. */
#include "tests/contract/support/contract.h"

#include <string.h>

struct question {
    struct contract *c;
    struct world_dns *q;
    struct world_dns_answer answer;
    int done;
    bool failed;
    enum err_code code;
};

static void answered(void *owner, const struct world_dns_answer *answer, const struct err *err)
{
    struct question *q = owner;
    q->answer = *answer;
    q->failed = err != NULL;
    if (err)
        q->code = err->code;
    q->q = NULL;
    q->done++;
}

static struct question ask_for(struct contract *c, const char *name, world_time timeout)
{
    struct question q = {.c = c};
    q.q = world_dns_query(c->client, str_c(name), timeout, answered, &q);
    assert_int_equal(q.done, 0); /* not from inside the call */
    contract_until_flag(c, &q.done);
    assert_int_equal(q.done, 1);
    return q;
}

static struct question ask(struct contract *c, const char *name)
{
    return ask_for(c, name, 10 * NS_PER_S);
}

static void an_address_and_its_ttl(struct contract *c)
{
    static const struct contract_name name = {
        .name = "one.test", .ttl_s = 60, .addresses = {"192.0.2.1"}};
    c->ops->dns_add(c, &name);
    struct question q = ask(c, "one.test");
    assert_false(q.failed);
    assert_int_equal(q.answer.n, 1);
    assert_string_equal(q.answer.host[0], "192.0.2.1");
    assert_in_range(q.answer.ttl_s, 58, 60);
}

static void several_addresses(struct contract *c)
{
    static const struct contract_name name = {
        .name = "many.test", .ttl_s = 5, .addresses = {"192.0.2.3", "192.0.2.1", "192.0.2.2"}};
    c->ops->dns_add(c, &name);
    struct question q = ask(c, "many.test");
    assert_int_equal(q.answer.n, 3);
    int seen = 0;
    for (size_t i = 0; i < q.answer.n; i++)
        seen |= 1 << (q.answer.host[i][8] - '0');
    assert_int_equal(seen, 14);
}

static void least_ttl_of_the_chain(struct contract *c)
{
    static const struct contract_name alias = {
        .name = "alias.test", .cname = "real.test", .cname_ttl_s = 7};
    static const struct contract_name real = {
        .name = "real.test", .ttl_s = 100, .addresses = {"192.0.2.9"}};
    c->ops->dns_add(c, &alias);
    c->ops->dns_add(c, &real);
    struct question q = ask(c, "alias.test");
    assert_false(q.failed);
    assert_int_equal(q.answer.n, 1);
    assert_in_range(q.answer.ttl_s, 5, 7);
}

static void least_ttl_is_the_target_s(struct contract *c)
{
    static const struct contract_name alias = {
        .name = "alias.test", .cname = "real.test", .cname_ttl_s = 100};
    static const struct contract_name real = {
        .name = "real.test", .ttl_s = 9, .addresses = {"192.0.2.9"}};
    c->ops->dns_add(c, &alias);
    c->ops->dns_add(c, &real);
    assert_in_range(ask(c, "alias.test").answer.ttl_s, 7, 9);
}

static void no_such_name(struct contract *c)
{
    struct question q = ask(c, "missing.test");
    assert_true(q.failed);
    assert_int_equal(q.code, ERR_DNS_NXDOMAIN);
    assert_int_equal(q.answer.n, 0);
    assert_in_range(q.answer.ttl_s, 1, CONTRACT_NEGATIVE_TTL_S);
}

static void servfail(struct contract *c)
{
    static const struct contract_name name = {.name = "broken.test", .how = CONTRACT_DNS_SERVFAIL};
    c->ops->dns_add(c, &name);
    struct question q = ask(c, "broken.test");
    assert_true(q.failed);
    assert_int_equal(q.code, ERR_DNS_SERVFAIL);
}

static void time_out(struct contract *c)
{
    static const struct contract_name name = {.name = "silent.test", .how = CONTRACT_DNS_SILENT};
    c->ops->dns_add(c, &name);
    world_time from = world_now(c->client);
    struct question q = ask_for(c, "silent.test", 400 * NS_PER_MS);
    assert_true(q.failed);
    assert_int_equal(q.code, ERR_DNS_TIMEOUT);
    assert_in_range(world_now(c->client) - from, 400 * NS_PER_MS, 5 * NS_PER_S);
}

static void numeric_names_answer_themselves(struct contract *c)
{
    static const char *const names[] = {"192.0.2.77", "::1", "2001:db8::5"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct question q = ask(c, names[i]);
        assert_false(q.failed);
        assert_int_equal(q.answer.n, 1);
        assert_string_equal(q.answer.host[0], names[i]);
        assert_true(q.answer.ttl_s > 0);
    }
}

static void cancel_before_the_answer(struct contract *c)
{
    static const struct contract_name name = {
        .name = "one.test", .ttl_s = 60, .addresses = {"192.0.2.1"}};
    c->ops->dns_add(c, &name);
    struct question q = {.c = c};
    q.q = world_dns_query(c->client, STR("one.test"), NS_PER_S, answered, &q);
    world_dns_cancel(q.q);
    struct world_dns *numeric =
        world_dns_query(c->client, STR("192.0.2.1"), NS_PER_S, answered, &q);
    world_dns_cancel(numeric);
    world_dns_cancel(NULL);
    contract_for(c, 300 * NS_PER_MS);
    assert_int_equal(q.done, 0);
}

struct chain {
    struct question first, second;
};

static void cancel_the_other(void *owner, const struct world_dns_answer *answer,
                             const struct err *err)
{
    struct chain *chain = owner;
    chain->first.done++;
    world_dns_cancel(chain->second.q);
}

static void cancel_inside_a_callback(struct contract *c)
{
    struct chain chain = {0};
    chain.first.q =
        world_dns_query(c->client, STR("192.0.2.1"), NS_PER_S, cancel_the_other, &chain);
    chain.second.q =
        world_dns_query(c->client, STR("192.0.2.2"), NS_PER_S, answered, &chain.second);
    contract_until_flag(c, &chain.first.done);
    contract_for(c, 50 * NS_PER_MS);
    assert_int_equal(chain.second.done, 0);
}

static void many_at_once(struct contract *c)
{
    static const struct contract_name name = {
        .name = "one.test", .ttl_s = 60, .addresses = {"192.0.2.1"}};
    c->ops->dns_add(c, &name);
    struct question q[20];
    for (int i = 0; i < 20; i++) {
        q[i] = (struct question){.c = c};
        q[i].q = world_dns_query(c->client, i % 2 ? STR("one.test") : STR("missing.test"),
                                 5 * NS_PER_S, answered, &q[i]);
    }
    for (int i = 0; i < 20; i++) {
        contract_until_flag(c, &q[i].done);
        assert_int_equal(q[i].failed, !(i % 2));
    }
}

static void names_that_are_none(struct contract *c)
{
    char long_name[300];
    memset(long_name, 'a', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    assert_true(ask(c, "").failed);
    assert_true(ask(c, long_name).failed);
}

static const struct contract_case cases[] = {
    {"an address and its TTL", an_address_and_its_ttl},
    {"several addresses", several_addresses},
    {"least TTL of the chain", least_ttl_of_the_chain},
    {"least TTL is the target's", least_ttl_is_the_target_s},
    {"no such name", no_such_name},
    {"SERVFAIL", servfail},
    {"time-out", time_out},
    {"numeric names answer themselves", numeric_names_answer_themselves},
    {"cancel before the answer", cancel_before_the_answer},
    {"cancel inside a callback", cancel_inside_a_callback},
    {"many at once", many_at_once},
    {"names that are none", names_that_are_none},
};

CONTRACT_MAIN("dns", cases)
