/* Verification is OpenSSL's, at the given time. What it answers depends on the time only through the validity spans of
 * the certificates at hand: between two neighbouring edges of these spans it is constant, and that is what is cached. */
#include "engine/pki/x509.h"

#include "engine/base/map.h"
#include "engine/pki/pki_internal.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>

#define NAME_BYTES_MAX 253u

struct pki_pool {
    X509_STORE *store;
    unsigned char hash[PKI_SHA256_BYTES]; /* of the certificates in order: identity for the cache */
    int64_t *edges_s;                     /* first and first-no-longer second of each */
    size_t count;
};

struct verdict_span {
    enum pki_verdict verdict;
    int64_t from_s, until_s; /* holds in [from_s, until_s) */
};

struct pki_cache {
    struct map spans; /* → struct verdict_span, oldest first */
    uint64_t hits, misses;
};

static const struct {
    const char *name, *sentence;
    enum err_tls why;
} verdicts[PKI_VERDICT_COUNT] = {
    [PKI_TRUSTED] = {"trusted", "is trusted", ERR_TLS_OTHER},
    [PKI_EXPIRED] = {"expired", "or one of its issuers has expired", ERR_TLS_EXPIRED},
    [PKI_NOT_YET_VALID] = {"not-yet-valid", "or one of its issuers is not valid yet",
                           ERR_TLS_NOT_YET_VALID},
    [PKI_UNKNOWN_AUTHORITY] = {"unknown-authority", "is signed by an unknown authority",
                               ERR_TLS_UNTRUSTED},
    [PKI_WRONG_NAME] = {"wrong-name", "is not for this name", ERR_TLS_NAME},
    [PKI_BAD_SIGNATURE] = {"bad-signature", "has a signature that does not verify",
                           ERR_TLS_UNTRUSTED},
    [PKI_WRONG_USAGE] = {"wrong-usage", "is not for this usage, or its issuer is no CA",
                         ERR_TLS_UNTRUSTED},
    [PKI_MALFORMED] = {"malformed", "or its chain is malformed", ERR_TLS_OTHER},
};

const char *pki_verdict_name(enum pki_verdict v)
{
    BUG_ON((unsigned)v >= PKI_VERDICT_COUNT, "a verdict is known");
    return verdicts[v].name;
}

struct err *pki_verdict_err(enum pki_verdict v, struct str name)
{
    BUG_ON((unsigned)v >= PKI_VERDICT_COUNT, "a verdict is known");
    if (v == PKI_TRUSTED)
        return NULL;
    struct err *err = name.n == 0 ? err_new(ERR_TLS, "x509: %s: the peer's certificate %s",
                                            verdicts[v].name, verdicts[v].sentence)
                                  : err_new(ERR_TLS, "x509: %s: the certificate for %.*s %s",
                                            verdicts[v].name, STR_ARG(name), verdicts[v].sentence);
    return err_tls(err, verdicts[v].why);
}

struct pool_filling {
    struct pki_pool *pool;
    struct pki_hash *hash;
};

static struct err *pool_add(void *owner, X509 *cert, struct str der)
{
    struct pool_filling *filling = owner;
    struct pki_pool *pool = filling->pool;
    if (pool->count == PKI_POOL_CERTS_MAX)
        return err_new(ERR_TOO_LARGE, "at most %u trust anchors are read", PKI_POOL_CERTS_MAX);
    pki_hash_add(filling->hash, der);
    int ok = X509_STORE_add_cert(pool->store, cert); /* repeated ones are kept once */
    pool->edges_s = mem_resize(pool->edges_s, (pool->count + 1) * 2 * sizeof(*pool->edges_s));
    pool->edges_s[pool->count * 2] = pki_time_s(X509_get0_notBefore(cert));
    pool->edges_s[pool->count * 2 + 1] = pki_time_s(X509_get0_notAfter(cert));
    pool->count++;
    ERR_clear_error();
    return ok ? NULL : err_new(ERR_INVALID, "trust anchor %zu is malformed", pool->count);
}

struct err *pki_pool_new(struct str pem, struct pki_pool **out)
{
    struct pki_pool *pool = MEM_NEW(struct pki_pool);
    pool->store = X509_STORE_new();
    BUG_ON(!pool->store, "a small block is there");
    struct pool_filling filling = {pool, pki_hash_new()};
    struct err *err = pki_certs_from_pem(pem, pool_add, &filling);
    pki_hash_end(filling.hash, pool->hash);
    if (err)
        pki_pool_free(pool);
    else
        *out = pool;
    return err;
}

void pki_pool_free(struct pki_pool *pool)
{
    if (!pool)
        return;
    X509_STORE_free(pool->store);
    mem_free(pool->edges_s);
    mem_free(pool);
}

size_t pki_pool_count(const struct pki_pool *pool)
{
    return pool->count;
}

static enum pki_verdict verdict_of(int code)
{
    switch (code) {
    case X509_V_OK:
        return PKI_TRUSTED;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return PKI_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return PKI_NOT_YET_VALID;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
        return PKI_UNKNOWN_AUTHORITY;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
    case X509_V_ERR_PERMITTED_VIOLATION:
    case X509_V_ERR_EXCLUDED_VIOLATION:
        return PKI_WRONG_NAME;
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return PKI_BAD_SIGNATURE;
    case X509_V_ERR_INVALID_PURPOSE:
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
    case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
        return PKI_WRONG_USAGE;
    default:
        return PKI_MALFORMED;
    }
}

/* False: no name of ours can be like that. */
static bool ask_for_name(X509_VERIFY_PARAM *param, struct str name)
{
    char z[NAME_BYTES_MAX + 1];
    if (name.n == 0)
        return true;
    if (name.n > NAME_BYTES_MAX || str_find_char(name, '\0') >= 0)
        return false;
    memcpy(z, name.p, name.n);
    z[name.n] = '\0';
    if (X509_VERIFY_PARAM_set1_ip_asc(param, z) == 1)
        return true;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                                               X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(param, z, name.n) == 1;
}

static enum pki_verdict verify(const struct pki_pool *pool, STACK_OF(X509) * certs, struct str name,
                               enum pki_usage usage, int64_t now_s)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    BUG_ON(!ctx || X509_STORE_CTX_init(ctx, pool->store, sk_X509_value(certs, 0), certs) != 1,
           "a context is there");
    if (usage != PKI_ANY)
        (void)X509_STORE_CTX_set_purpose(ctx, usage == PKI_SERVER ? X509_PURPOSE_SSL_SERVER
                                                                  : X509_PURPOSE_SSL_CLIENT);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_time(param, (time_t)now_s);
    X509_VERIFY_PARAM_set_depth(param, (int)PKI_CHAIN_CERTS_MAX);
    /* Any certificate of the pool is an anchor, whether it signed itself or not. */
    (void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
    enum pki_verdict verdict = PKI_WRONG_NAME;
    if (ask_for_name(param, name)) {
        int ok = X509_verify_cert(ctx);
        int code = X509_STORE_CTX_get_error(ctx);
        verdict = ok == 1 ? PKI_TRUSTED : code == X509_V_OK ? PKI_MALFORMED : verdict_of(code);
    }
    X509_STORE_CTX_free(ctx);
    ERR_clear_error();
    return verdict;
}

/* NULL when something of it is malformed or there are too many. */
static STACK_OF(X509) * parse_chain(struct str chain)
{
    STACK_OF(X509) *certs = sk_X509_new_null();
    BUG_ON(!certs, "a small block is there");
    while (chain.n > 0) {
        X509 *cert =
            (size_t)sk_X509_num(certs) < PKI_CHAIN_CERTS_MAX ? pki_x509_next(&chain) : NULL;
        if (!cert)
            break;
        (void)sk_X509_push(certs, cert);
    }
    if (chain.n > 0 || sk_X509_num(certs) == 0) {
        sk_X509_pop_free(certs, X509_free);
        return NULL;
    }
    return certs;
}

static void narrow(struct verdict_span *span, int64_t edge_s, int64_t now_s)
{
    if (edge_s <= now_s && edge_s > span->from_s)
        span->from_s = edge_s;
    if (edge_s > now_s && edge_s < span->until_s)
        span->until_s = edge_s;
}

static struct verdict_span verify_span(const struct pki_pool *pool, struct str chain,
                                       struct str name, enum pki_usage usage, int64_t now_s)
{
    struct verdict_span span = {PKI_MALFORMED, INT64_MIN, INT64_MAX};
    STACK_OF(X509) *certs = parse_chain(chain);
    if (!certs)
        return span;
    span.verdict = verify(pool, certs, name, usage, now_s);
    for (int i = 0; i < sk_X509_num(certs); i++) {
        narrow(&span, pki_time_s(X509_get0_notBefore(sk_X509_value(certs, i))), now_s);
        narrow(&span, pki_time_s(X509_get0_notAfter(sk_X509_value(certs, i))), now_s);
    }
    for (size_t i = 0; i < pool->count * 2; i++)
        narrow(&span, pool->edges_s[i], now_s);
    sk_X509_pop_free(certs, X509_free);
    return span;
}

struct pki_cache *pki_cache_new(void)
{
    return MEM_NEW(struct pki_cache);
}

void pki_cache_free(struct pki_cache *cache)
{
    if (!cache)
        return;
    void *span;
    for (size_t i = 0; map_next(&cache->spans, &i, NULL, &span);)
        mem_free(span);
    map_free(&cache->spans);
    mem_free(cache);
}

uint64_t pki_cache_hits(const struct pki_cache *cache)
{
    return cache->hits;
}

uint64_t pki_cache_misses(const struct pki_cache *cache)
{
    return cache->misses;
}

static void evict_oldest(struct pki_cache *cache)
{
    size_t i = 0;
    struct str key;
    if (map_next(&cache->spans, &i, &key, NULL))
        mem_free(map_remove(&cache->spans, key));
}

static void cache_key(struct buf *key, const struct pki_pool *pool, struct str chain,
                      struct str name, enum pki_usage usage)
{
    unsigned char chain_hash[PKI_SHA256_BYTES];
    pki_sha256(chain, chain_hash);
    buf_add(key, (struct str){(const char *)pool->hash, sizeof(pool->hash)});
    buf_add(key, (struct str){(const char *)chain_hash, sizeof(chain_hash)});
    buf_add_char(key, (char)('0' + usage));
    buf_add(key, str_sub(name, 0, NAME_BYTES_MAX + 1));
}

enum pki_verdict pki_verify_chain(const struct pki_pool *pool, struct str chain, struct str name,
                                  enum pki_usage usage, int64_t now_s, struct pki_cache *cache)
{
    BUG_ON(usage != PKI_ANY && usage != PKI_SERVER && usage != PKI_CLIENT,
           "a verifier asks for one usage");
    if (chain.n > PKI_CHAIN_CERTS_MAX * PKI_DER_BYTES_MAX)
        return PKI_MALFORMED;
    if (!cache)
        return verify_span(pool, chain, name, usage, now_s).verdict;
    struct buf key = {0};
    cache_key(&key, pool, chain, name, usage);
    struct verdict_span *span = map_get(&cache->spans, buf_str(&key));
    if (span && now_s >= span->from_s && now_s < span->until_s) {
        cache->hits++;
    } else {
        cache->misses++;
        if (!span) {
            if (map_count(&cache->spans) >= PKI_CACHE_ENTRIES_MAX)
                evict_oldest(cache);
            span = MEM_NEW(struct verdict_span);
            map_put(&cache->spans, buf_str(&key), span);
        }
        *span = verify_span(pool, chain, name, usage, now_s);
    }
    buf_free(&key);
    return span->verdict;
}
