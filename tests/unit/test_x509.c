/* Goal: what we issue verifies at the right times, for the right names and uses, under the right authority, and each
 * way of being wrong has its own verdict; the cache never changes a verdict.
 * Method: one small authority tree; a table of verifications, each done without a cache, with one, and from it. */
#include "tests/unit/support/check.h"

#include "engine/pki/x509.h"

#define START INT64_C(1767225600) /* 2026-01-01 */
#define DAY   INT64_C(86400)

struct tree {
    struct pki_key *ca_key, *leaf_key, *middle_key, *other_key;
    struct buf ca, other_ca, same_name_ca, middle; /* DER */
    struct buf server, client, deep, selfmade, by_leaf;
    struct pki_pool *pool, *other_pool, *middle_pool;
};

static struct pki_key *key_of(unsigned char seed)
{
    unsigned char entropy[PKI_ENTROPY_BYTES] = {seed};
    return pki_key_derive(PKI_ED25519, entropy);
}

static void issue(struct buf *out, const char *name, unsigned usage, int64_t days,
                  const struct pki_key *key, const struct buf *issuer,
                  const struct pki_key *issuer_key)
{
    static const struct str dns[] = {STR_INIT("manager.example.test"), STR_INIT("*.wild.test")};
    static const struct str ips[] = {STR_INIT("10.0.0.1"), STR_INIT("fd00::1")};
    struct pki_cert_spec spec = {.common_name = str_c(name),
                                 .not_before_s = START,
                                 .not_after_s = START + days * DAY,
                                 .serial = 7,
                                 .usage = usage};
    if (usage != PKI_CA) {
        spec.dns = dns;
        spec.dns_n = ARRAY_LEN(dns);
        spec.ips = ips;
        spec.ips_n = ARRAY_LEN(ips);
    }
    check_ok(pki_issue(&spec, key, issuer ? buf_str(issuer) : str_empty, issuer_key, out));
}

static struct pki_pool *pool_of(const struct buf *chain)
{
    struct buf pem = {0};
    struct pki_pool *pool;
    check_ok(pki_chain_to_pem(buf_str(chain), &pem));
    check_ok(pki_pool_new(buf_str(&pem), &pool));
    buf_free(&pem);
    return pool;
}

static int set_up(void **state)
{
    struct tree *t = MEM_NEW(struct tree);
    t->ca_key = key_of(1);
    t->leaf_key = key_of(2);
    t->middle_key = key_of(3);
    t->other_key = key_of(4);
    issue(&t->ca, "test-ca", PKI_CA, 3650, t->ca_key, NULL, t->ca_key);
    issue(&t->other_ca, "other-ca", PKI_CA, 3650, t->other_key, NULL, t->other_key);
    issue(&t->middle, "middle", PKI_CA, 100, t->middle_key, &t->ca, t->ca_key);
    issue(&t->server, "manager", PKI_SERVER, 30, t->leaf_key, &t->ca, t->ca_key);
    issue(&t->client, "agent", PKI_CLIENT, 30, t->leaf_key, &t->ca, t->ca_key);
    issue(&t->deep, "manager", PKI_SERVER, 3000, t->leaf_key, &t->middle, t->middle_key);
    buf_add(&t->deep, buf_str(&t->middle));
    issue(&t->selfmade, "manager", PKI_SERVER, 30, t->leaf_key, NULL, t->leaf_key);
    issue(&t->by_leaf, "evil", PKI_SERVER, 30, t->other_key, &t->server, t->leaf_key);
    buf_add(&t->by_leaf, buf_str(&t->server));
    t->pool = pool_of(&t->ca);
    t->other_pool = pool_of(&t->other_ca);
    t->middle_pool = pool_of(&t->middle);
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    struct tree *t = *state;
    struct buf *bufs[] = {&t->ca,     &t->other_ca, &t->same_name_ca, &t->middle, &t->server,
                          &t->client, &t->deep,     &t->selfmade,     &t->by_leaf};
    for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
        buf_free(bufs[i]);
    pki_pool_free(t->pool);
    pki_pool_free(t->other_pool);
    pki_pool_free(t->middle_pool);
    pki_key_free(t->ca_key);
    pki_key_free(t->leaf_key);
    pki_key_free(t->middle_key);
    pki_key_free(t->other_key);
    mem_free(t);
    return 0;
}

static void check_verdict(const struct pki_pool *pool, const struct buf *chain, const char *name,
                          enum pki_usage usage, int64_t now_s, enum pki_verdict want,
                          struct pki_cache *cache, int line)
{
    for (int round = 0; round < 3; round++) {
        enum pki_verdict got = pki_verify_chain(pool, buf_str(chain), str_c(name), usage, now_s,
                                                round == 0 ? NULL : cache);
        if (got == want)
            continue;
        print_error("line %d, round %d: got %s, want %s\n", line, round, pki_verdict_name(got),
                    pki_verdict_name(want));
        fail();
    }
}

static void verdicts_are_typed(void **state)
{
    const struct tree *t = *state;
    const char *name = "manager.example.test";
    struct pki_cache *cache = pki_cache_new();
#define CHECK(pool, chain, name, usage, day, want)                                                 \
    check_verdict(t->pool, &t->chain, name, usage, START + (day)*DAY, want, cache, __LINE__)
    CHECK(pool, server, name, PKI_SERVER, 1, PKI_TRUSTED);
    CHECK(pool, server, "", PKI_SERVER, 1, PKI_TRUSTED);
    CHECK(pool, server, "MANAGER.Example.test", PKI_SERVER, 1, PKI_TRUSTED);
    CHECK(pool, server, "a.wild.test", PKI_SERVER, 1, PKI_TRUSTED);
    CHECK(pool, server, "a.b.wild.test", PKI_SERVER, 1, PKI_WRONG_NAME);
    CHECK(pool, server, "wild.test", PKI_SERVER, 1, PKI_WRONG_NAME);
    CHECK(pool, server, "manager", PKI_SERVER, 1, PKI_WRONG_NAME); /* the common name */
    CHECK(pool, server, "10.0.0.1", PKI_SERVER, 1, PKI_TRUSTED);
    CHECK(pool, server, "10.0.0.2", PKI_SERVER, 1, PKI_WRONG_NAME);
    CHECK(pool, server, "fd00::1", PKI_SERVER, 1, PKI_TRUSTED);
    CHECK(pool, server, "fd00:0:0::1", PKI_SERVER, 1, PKI_TRUSTED);
    CHECK(pool, server, name, PKI_CLIENT, 1, PKI_WRONG_USAGE);
    CHECK(pool, client, "", PKI_CLIENT, 1, PKI_TRUSTED);
    CHECK(pool, client, name, PKI_SERVER, 1, PKI_WRONG_USAGE);
    CHECK(pool, client, "", PKI_ANY, 1, PKI_TRUSTED);
    CHECK(pool, server, name, PKI_SERVER, -1, PKI_NOT_YET_VALID);
    CHECK(pool, server, name, PKI_SERVER, 0, PKI_TRUSTED);
    CHECK(pool, server, name, PKI_SERVER, 29, PKI_TRUSTED);
    CHECK(pool, server, name, PKI_SERVER, 30, PKI_EXPIRED);
    CHECK(pool, server, name, PKI_SERVER, 31, PKI_EXPIRED);
    CHECK(pool, deep, name, PKI_SERVER, 99, PKI_TRUSTED);
    CHECK(pool, deep, name, PKI_SERVER, 101, PKI_EXPIRED); /* the issuer's issuer */
    CHECK(middle_pool, deep, name, PKI_SERVER, 1, PKI_TRUSTED);
    CHECK(other_pool, server, name, PKI_SERVER, 1, PKI_UNKNOWN_AUTHORITY);
    CHECK(other_pool, deep, name, PKI_SERVER, 1, PKI_UNKNOWN_AUTHORITY);
    CHECK(pool, selfmade, name, PKI_SERVER, 1, PKI_UNKNOWN_AUTHORITY);
    CHECK(pool, by_leaf, name, PKI_SERVER, 1, PKI_WRONG_USAGE);
#undef CHECK
    assert_true(pki_cache_hits(cache) > pki_cache_misses(cache) / 2);
    pki_cache_free(cache);
}

static void edges_are_exact(void **state)
{
    const struct tree *t = *state;
    struct pki_cache *cache = pki_cache_new();
    const struct {
        int64_t now_s;
        enum pki_verdict want;
    } cases[] = {
        {START + 30 * DAY - 1, PKI_TRUSTED},
        {START + 30 * DAY, PKI_EXPIRED},
        {START - 1, PKI_NOT_YET_VALID},
        {START, PKI_TRUSTED},
        {START + 5, PKI_TRUSTED},
        {START + 40 * DAY, PKI_EXPIRED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_verdict(t->pool, &t->server, "manager.example.test", PKI_SERVER, cases[i].now_s,
                      cases[i].want, cache, (int)i);
    pki_cache_free(cache);
}

/* The end of an authority ends what it vouches for, however long that lasts, and a cached verdict ends with it. */
static void authority_ends_first(void **state)
{
    const struct tree *t = *state;
    struct pki_cache *cache = pki_cache_new();
    struct buf brief = {0}, leaf = {0};
    static const struct {
        int64_t day;
        enum pki_verdict want;
    } rows[] = {{5, PKI_TRUSTED}, {9, PKI_TRUSTED}, {11, PKI_EXPIRED}, {29, PKI_EXPIRED}};
    issue(&brief, "brief-ca", PKI_CA, 10, t->other_key, NULL, t->other_key);
    issue(&leaf, "manager", PKI_SERVER, 30, t->leaf_key, &brief, t->other_key);
    struct pki_pool *pool = pool_of(&brief);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_verdict(pool, &leaf, "manager.example.test", PKI_SERVER, START + rows[i].day * DAY,
                      rows[i].want, cache, (int)i);
    pki_pool_free(pool);
    pki_cache_free(cache);
    buf_free(&brief);
    buf_free(&leaf);
}

static void damage_is_seen(void **state)
{
    const struct tree *t = *state;
    struct buf chain = {0};
    buf_add(&chain, buf_str(&t->server));
    chain.p[chain.n - 1] ^= 1;
    check_verdict(t->pool, &chain, "", PKI_SERVER, START + DAY, PKI_BAD_SIGNATURE, NULL, __LINE__);
    chain.p[chain.n - 1] ^= 1;
    chain.n--;
    check_verdict(t->pool, &chain, "", PKI_SERVER, START + DAY, PKI_MALFORMED, NULL, __LINE__);
    chain.n = 0;
    check_verdict(t->pool, &chain, "", PKI_SERVER, START + DAY, PKI_MALFORMED, NULL, __LINE__);
    for (size_t i = 0; i <= PKI_CHAIN_CERTS_MAX; i++)
        buf_add(&chain, buf_str(&t->server));
    check_verdict(t->pool, &chain, "", PKI_SERVER, START + DAY, PKI_MALFORMED, NULL, __LINE__);
    buf_free(&chain);
}

/* Two CAs of one name, as in a rotation: each vouches for its own, whatever their order. */
static void rotation_keeps_both(void **state)
{
    struct tree *t = *state;
    struct buf leaf = {0}, both = {0};
    issue(&t->same_name_ca, "test-ca", PKI_CA, 3650, t->other_key, NULL, t->other_key);
    issue(&leaf, "manager", PKI_SERVER, 30, t->leaf_key, &t->same_name_ca, t->other_key);
    check_verdict(t->pool, &leaf, "", PKI_SERVER, START + DAY, PKI_UNKNOWN_AUTHORITY, NULL,
                  __LINE__);
    for (int order = 0; order < 2; order++) {
        buf_clear(&both);
        buf_add(&both, buf_str(order ? &t->ca : &t->same_name_ca));
        buf_add(&both, buf_str(order ? &t->same_name_ca : &t->ca));
        struct pki_pool *pool = pool_of(&both);
        assert_int_equal(pki_pool_count(pool), 2);
        check_verdict(pool, &leaf, "", PKI_SERVER, START + DAY, PKI_TRUSTED, NULL, __LINE__);
        check_verdict(pool, &t->server, "", PKI_SERVER, START + DAY, PKI_TRUSTED, NULL, __LINE__);
        pki_pool_free(pool);
    }
    buf_free(&leaf);
    buf_free(&both);
}

static void cache_is_bounded(void **state)
{
    const struct tree *t = *state;
    struct pki_cache *cache = pki_cache_new();
    struct buf name = {0}, junk = {0};
    buf_add_c(&junk, "junk"); /* cheap to refuse */
    for (unsigned i = 0; i < PKI_CACHE_ENTRIES_MAX + 10; i++) {
        buf_clear(&name);
        buf_addf(&name, "host-%u", i);
        assert_int_equal(
            pki_verify_chain(t->pool, buf_str(&junk), buf_str(&name), PKI_SERVER, START, cache),
            PKI_MALFORMED);
    }
    assert_int_equal(pki_cache_hits(cache), 0);
    (void)pki_verify_chain(t->pool, buf_str(&junk), buf_str(&name), PKI_SERVER, START, cache);
    assert_int_equal(pki_cache_hits(cache), 1);
    (void)pki_verify_chain(t->pool, buf_str(&junk), STR("host-0"), PKI_SERVER, START, cache);
    assert_int_equal(pki_cache_hits(cache), 1);
    pki_cache_free(cache);
    buf_free(&name);
    buf_free(&junk);
}

static void certificates_are_read(void **state)
{
    const struct tree *t = *state;
    struct arena a = {0};
    struct pki_cert_info info;
    struct buf der = {0}, id = {0};
    const struct str groups[] = {STR("system:masters"), STR("b")};
    const struct str ips[] = {STR("10.1.2.3"), STR("fd00::a")};
    const struct str dns[] = {STR("a.test")};
    struct pki_cert_spec spec = {.common_name = STR("kube-admin"),
                                 .organizations = groups,
                                 .organizations_n = 2,
                                 .dns = dns,
                                 .dns_n = 1,
                                 .ips = ips,
                                 .ips_n = 2,
                                 .not_before_s = START,
                                 .not_after_s = START + 1000000 * DAY,
                                 .serial = 0xabcdef,
                                 .usage = PKI_CLIENT};
    check_ok(pki_issue(&spec, t->leaf_key, buf_str(&t->ca), t->ca_key, &der));
    check_ok(pki_cert_read(&a, buf_str(&der), &info));
    check_str(info.common_name, "kube-admin");
    check_str(info.issuer, "CN=test-ca");
    assert_int_equal(info.organizations_n, 2);
    check_str(info.organizations[0], "system:masters");
    check_str(info.serial, "ABCDEF");
    assert_int_equal(info.dns_n, 1);
    check_str(info.dns[0], "a.test");
    assert_int_equal(info.ips_n, 2);
    check_str(info.ips[0], "10.1.2.3");
    check_str(info.ips[1], "fd00:0:0:0:0:0:0:a");
    assert_int_equal(info.not_before_s, START);
    assert_int_equal(info.not_after_s, START + 1000000 * DAY);
    assert_false(info.is_ca);
    pki_key_id(t->leaf_key, &id);
    check_str_eq(info.key_id, buf_str(&id));
    check_ok(pki_cert_read(&a, buf_str(&t->ca), &info));
    assert_true(info.is_ca);
    check_err(pki_cert_read(&a, STR("junk"), &info), ERR_INVALID, "malformed");
    buf_free(&der);
    buf_free(&id);
    arena_free(&a);
}

static void issuing_is_deterministic(void **state)
{
    const struct tree *t = *state;
    struct buf again = {0};
    issue(&again, "manager", PKI_SERVER, 30, t->leaf_key, &t->ca, t->ca_key);
    check_str_eq(buf_str(&again), buf_str(&t->server));
    buf_free(&again);
}

static void bad_specs_are_refused(void **state)
{
    const struct tree *t = *state;
    static const struct str bad_dns[] = {STR_INIT("a b")}, bad_ip[] = {STR_INIT("10.0.0")};
    static const struct str bad_group[] = {STR_INIT("")}, bad_utf8[] = {STR_INIT("\xff")};
    const struct {
        struct pki_cert_spec spec;
        const char *message;
    } cases[] = {
        {{.not_before_s = 2, .not_after_s = 2}, "span of time"},
        {{.not_before_s = -1, .not_after_s = 2}, "span of time"},
        {{.not_after_s = INT64_MAX}, "span of time"},
        {{.not_after_s = 2, .dns = bad_dns, .dns_n = 1}, "no host name"},
        {{.not_after_s = 2, .ips = bad_ip, .ips_n = 1}, "no IP address"},
        {{.not_after_s = 2, .organizations = bad_group, .organizations_n = 1}, "organizations"},
        {{.not_after_s = 2, .organizations = bad_utf8, .organizations_n = 1}, "UTF-8"},
        {{.not_after_s = 2, .common_name = STR("\xff")}, "UTF-8"},
        {{.not_after_s = 2, .common_name = STR("a\0b")}, "NUL"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf der = {0};
        struct pki_cert_spec spec = cases[i].spec;
        if (!spec.common_name.p)
            spec.common_name = str_empty;
        check_err(pki_issue(&spec, t->leaf_key, buf_str(&t->ca), t->ca_key, &der), ERR_INVALID,
                  cases[i].message);
        assert_int_equal(der.n, 0);
    }
    struct buf der = {0};
    struct pki_cert_spec spec = {.not_after_s = 2};
    check_err(pki_issue(&spec, t->leaf_key, STR("junk"), t->ca_key, &der), ERR_INVALID, "issuer");
}

static void p256_chains_verify(void **state)
{
    unsigned char one[PKI_ENTROPY_BYTES] = {1}, two[PKI_ENTROPY_BYTES] = {2};
    struct pki_key *ca_key = pki_key_derive(PKI_P256, one), *key = pki_key_derive(PKI_P256, two);
    struct buf ca = {0}, leaf = {0};
    issue(&ca, "ca", PKI_CA, 10, ca_key, NULL, ca_key);
    issue(&leaf, "x", PKI_SERVER | PKI_CLIENT, 10, key, &ca, ca_key);
    struct pki_pool *pool = pool_of(&ca);
    check_verdict(pool, &leaf, "10.0.0.1", PKI_SERVER, START, PKI_TRUSTED, NULL, __LINE__);
    check_verdict(pool, &leaf, "", PKI_CLIENT, START, PKI_TRUSTED, NULL, __LINE__);
    pki_pool_free(pool);
    pki_key_free(ca_key);
    pki_key_free(key);
    buf_free(&ca);
    buf_free(&leaf);
}

static void pools_are_all_or_nothing(void **state)
{
    const struct tree *t = *state;
    struct buf pem = {0};
    struct pki_pool *pool = NULL;
    check_ok(pki_chain_to_pem(buf_str(&t->ca), &pem));
    buf_add(&pem, STR("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
    check_err(pki_pool_new(buf_str(&pem), &pool), ERR_INVALID, "certificate 2");
    assert_null(pool);
    check_err(pki_pool_new(str_empty, &pool), ERR_INVALID, "no CERTIFICATE");
    buf_free(&pem);
}

static void verdicts_become_errors(void **state)
{
    assert_null(pki_verdict_err(PKI_TRUSTED, STR("x")));
    check_err(pki_verdict_err(PKI_EXPIRED, STR("a.test")), ERR_TLS,
              "x509: expired: the certificate for a.test");
    check_err(pki_verdict_err(PKI_UNKNOWN_AUTHORITY, str_empty), ERR_TLS, "unknown authority");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts_are_typed),       cmocka_unit_test(edges_are_exact),
        cmocka_unit_test(damage_is_seen),           cmocka_unit_test(rotation_keeps_both),
        cmocka_unit_test(cache_is_bounded),         cmocka_unit_test(certificates_are_read),
        cmocka_unit_test(issuing_is_deterministic), cmocka_unit_test(bad_specs_are_refused),
        cmocka_unit_test(p256_chains_verify),       cmocka_unit_test(verdicts_become_errors),
        cmocka_unit_test(pools_are_all_or_nothing), cmocka_unit_test(authority_ends_first),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
