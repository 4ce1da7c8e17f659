/* Goal: no mutation of a chain, a PEM text, a key or a token makes the layer crash or leak, and none of them is trusted
 * that was not before; the cache never changes a verdict.
 * Method: good ones, damaged at random; verdicts at random times with and without a cache. */
#include "tests/property/support/seed.h"

#include "engine/base/codec.h"
#include "engine/pki/jwt.h"
#include "engine/pki/x509.h"

#define DAY INT64_C(86400)

struct world {
    struct pki_key *ca_key, *key;
    struct buf ca_pem, key_pem, chain; /* chain: leaf, middle */
    struct pki_pool *pool;
    struct pki_cache *cache;
};

static struct pki_key *any_key(struct rng *r)
{
    unsigned char entropy[PKI_ENTROPY_BYTES];
    rng_bytes(r, entropy, sizeof(entropy));
    return pki_key_derive(PKI_ED25519, entropy);
}

static void issue(struct rng *r, struct buf *out, unsigned usage, const struct pki_key *key,
                  struct str issuer, const struct pki_key *issuer_key)
{
    const struct str dns[] = {STR("a.test")};
    struct pki_cert_spec spec = {.common_name = STR("x"),
                                 .dns = dns,
                                 .dns_n = usage == PKI_CA ? 0 : 1,
                                 .not_before_s = (int64_t)draw(r, 20) * DAY,
                                 .not_after_s = (int64_t)(20 + draw(r, 20)) * DAY,
                                 .serial = rng_u64(r),
                                 .usage = usage};
    check_ok(pki_issue(&spec, key, issuer, issuer_key, out));
}

static void make_world(struct rng *r, struct world *w)
{
    struct buf ca = {0}, middle = {0};
    struct pki_key *middle_key = any_key(r);
    *w = (struct world){.ca_key = any_key(r), .key = any_key(r), .cache = pki_cache_new()};
    issue(r, &ca, PKI_CA, w->ca_key, str_empty, w->ca_key);
    issue(r, &middle, PKI_CA, middle_key, buf_str(&ca), w->ca_key);
    issue(r, &w->chain, PKI_SERVER, w->key, buf_str(&middle), middle_key);
    buf_add(&w->chain, buf_str(&middle));
    check_ok(pki_chain_to_pem(buf_str(&ca), &w->ca_pem));
    check_ok(pki_pool_new(buf_str(&w->ca_pem), &w->pool));
    pki_key_to_pem(w->key, &w->key_pem);
    pki_key_free(middle_key);
    buf_free(&ca);
    buf_free(&middle);
}

static void free_world(struct world *w)
{
    pki_key_free(w->ca_key);
    pki_key_free(w->key);
    pki_pool_free(w->pool);
    pki_cache_free(w->cache);
    buf_free(&w->ca_pem);
    buf_free(&w->key_pem);
    buf_free(&w->chain);
}

/* A damaged copy in a block of its exact size. */
static struct str damaged(struct rng *r, struct str good, bool *same)
{
    struct buf copy = {0};
    buf_add(&copy, good);
    for (size_t k = 1 + draw(r, 3); k > 0; k--)
        copy.p[draw(r, copy.n)] ^= (char)(1 << draw(r, 8));
    size_t n = rng_chance(r, 300000) ? draw(r, copy.n + 1) : copy.n;
    struct str out = str_dup(str_sub(buf_str(&copy), 0, n));
    *same = str_eq(out, good);
    buf_free(&copy);
    return out;
}

static void try_chains(struct rng *r)
{
    struct world w;
    struct arena a = {0};
    make_world(r, &w);
    for (int round = 0; round < 100; round++) {
        bool same;
        struct str chain = damaged(r, buf_str(&w.chain), &same);
        enum pki_verdict verdict =
            pki_verify_chain(w.pool, chain, STR("a.test"), PKI_SERVER, 20 * DAY, w.cache);
        /* What is behind the leaf may be damaged without harm only when it was not needed. */
        assert_true(same || verdict != PKI_TRUSTED);
        assert_true(pki_verify_chain(w.pool, chain, STR("a.test"), PKI_SERVER, 20 * DAY, NULL) ==
                    verdict);
        struct pki_cert_info info;
        err_free(pki_cert_read(&a, chain, &info));
        str_free(&chain);
    }
    arena_free(&a);
    free_world(&w);
}

static void try_times(struct rng *r)
{
    struct world w;
    make_world(r, &w);
    static const struct str names[] = {STR_INIT("a.test"), STR_INIT("b.test"), STR_INIT("")};
    for (int round = 0; round < 300; round++) {
        int64_t now_s = (int64_t)draw(r, 42) * DAY - DAY + rng_between(r, -1, 1);
        struct str name = names[draw(r, ARRAY_LEN(names))];
        enum pki_usage usage = (enum pki_usage)draw(r, 3);
        assert_true(pki_verify_chain(w.pool, buf_str(&w.chain), name, usage, now_s, w.cache) ==
                    pki_verify_chain(w.pool, buf_str(&w.chain), name, usage, now_s, NULL));
    }
    free_world(&w);
}

static void try_texts(struct rng *r)
{
    struct world w;
    make_world(r, &w);
    for (int round = 0; round < 150; round++) {
        bool same;
        struct buf out = {0};
        struct str text = damaged(r, buf_str(&w.ca_pem), &same);
        err_free(pki_ca_pin(text, &out));
        buf_clear(&out);
        struct err *err = pki_chain_from_pem(text, &out);
        assert_true(!err || out.n == 0);
        err_free(err);
        struct pki_pool *pool = NULL;
        err_free(pki_pool_new(text, &pool));
        pki_pool_free(pool);
        str_free(&text);
        text = damaged(r, buf_str(&w.key_pem), &same);
        struct pki_key *key = NULL;
        err_free(pki_key_from_pem(text, &key));
        err_free(key ? NULL : pki_key_public_from_pem(text, &key));
        pki_key_free(key);
        str_free(&text);
        buf_free(&out);
    }
    free_world(&w);
}

static void try_tokens(struct rng *r)
{
    struct arena a = {0};
    struct buf token = {0};
    struct pki_key *key = any_key(r);
    cJSON *claims = json_object(&a);
    json_set_str(&a, claims, "sub", STR("user"));
    json_set_int(&a, claims, "exp", 1000);
    pki_jwt_sign(key, STR("k"), claims, &token);
    for (int round = 0; round < 200; round++) {
        bool same;
        struct pki_jwt jwt;
        struct str text = damaged(r, buf_str(&token), &same);
        struct err *err = pki_jwt_read(&a, text, &jwt);
        if (!err)
            err = pki_jwt_verify(&jwt, key, 0, 0);
        assert_true(err || same);
        err_free(err);
        str_free(&text);
    }
    pki_key_free(key);
    buf_free(&token);
    arena_free(&a);
}

static void damaged_chains_are_not_trusted(void **state)
{
    each_seed(10, try_chains);
}

static void cache_changes_nothing(void **state)
{
    each_seed(10, try_times);
}

static void damaged_texts_are_harmless(void **state)
{
    each_seed(10, try_texts);
}

static void damaged_tokens_are_refused(void **state)
{
    each_seed(10, try_tokens);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_chains_are_not_trusted),
        cmocka_unit_test(cache_changes_nothing),
        cmocka_unit_test(damaged_texts_are_harmless),
        cmocka_unit_test(damaged_tokens_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
