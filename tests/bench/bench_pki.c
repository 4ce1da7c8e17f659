/* The costs of engine/pki: a handshake's verification without and with the cache, signatures, hashes. */
#include "engine/pki/x509.h"
#include "tests/bench/support/measure.h"

#include <stdio.h>

static void report(const char *name, int64_t from_ns, int64_t n)
{
    int64_t ns = bench_now_ns() - from_ns;
    printf("{\"bench\":\"pki.%s\",\"value\":%lld,\"unit\":\"ns\"}\n", name, (long long)(ns / n));
}

static void issue(struct buf *out, unsigned usage, const struct pki_key *key, struct str issuer,
                  const struct pki_key *issuer_key)
{
    const struct str dns[] = {STR("manager.example.test")};
    struct pki_cert_spec spec = {.common_name = STR("x"),
                                 .dns = dns,
                                 .dns_n = 1,
                                 .not_after_s = 2000000000,
                                 .serial = 1,
                                 .usage = usage};
    struct err *err = pki_issue(&spec, key, issuer, issuer_key, out);
    BUG_ON(err != NULL, "a good spec is issued");
}

static void verify(const char *name, const struct pki_pool *pool, struct str chain,
                   struct pki_cache *cache, int rounds)
{
    int64_t from_ns = bench_now_ns();
    for (int i = 0; i < rounds; i++) {
        enum pki_verdict v = pki_verify_chain(pool, chain, STR("manager.example.test"), PKI_SERVER,
                                              1000000000 + i, cache);
        BUG_ON(v != PKI_TRUSTED, "the chain is good");
    }
    report(name, from_ns, rounds);
}

int main(void)
{
    enum { ROUNDS = 2000, HASHES = 200000 };
    unsigned char one[PKI_ENTROPY_BYTES] = {1}, two[PKI_ENTROPY_BYTES] = {2};
    struct pki_key *ca_key = pki_key_derive(PKI_ED25519, one),
                   *key = pki_key_derive(PKI_ED25519, two);
    struct buf ca = {0}, leaf = {0}, pem = {0};
    issue(&ca, PKI_CA, ca_key, str_empty, ca_key);
    int64_t from_ns = bench_now_ns();
    for (int i = 0; i < ROUNDS; i++) {
        buf_clear(&leaf);
        issue(&leaf, PKI_SERVER, key, buf_str(&ca), ca_key);
    }
    report("issue_ed25519", from_ns, ROUNDS);
    pki_pem_add(&pem, "CERTIFICATE", buf_str(&ca));
    struct pki_pool *pool;
    struct err *err = pki_pool_new(buf_str(&pem), &pool);
    BUG_ON(err != NULL, "a CA of ours is an anchor");
    struct pki_cache *cache = pki_cache_new();
    verify("verify_uncached", pool, buf_str(&leaf), NULL, ROUNDS);
    verify("verify_cached", pool, buf_str(&leaf), cache, HASHES);
    from_ns = bench_now_ns();
    unsigned char digest[PKI_SHA256_BYTES];
    for (int i = 0; i < HASHES; i++)
        pki_sha256(buf_str(&leaf), digest);
    report("sha256_certificate", from_ns, HASHES);
    pki_cache_free(cache);
    pki_pool_free(pool);
    pki_key_free(ca_key);
    pki_key_free(key);
    buf_free(&ca);
    buf_free(&leaf);
    buf_free(&pem);
    return 0;
}
