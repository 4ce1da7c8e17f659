/* Parsed certificates and pools, by their text. A run has few distinct ones and many connections that use them. */
#include "sim/world/tls_internal.h"

static struct tls_store *store_of(struct sim *sim)
{
    if (!sim->tls_store) {
        sim->tls_store = MEM_NEW(struct tls_store);
        sim->tls_store->cache = pki_cache_new();
    }
    return sim->tls_store;
}

void sim_set_system_ca(struct sim *sim, struct str pem)
{
    struct tls_store *store = store_of(sim);
    str_free(&store->system_ca);
    store->system_ca = str_dup(pem);
}

/* One name for several texts; each is led by its length. */
static void hash_texts(const struct str *texts, size_t n, unsigned char out[PKI_SHA256_BYTES])
{
    struct buf all = {0};
    for (size_t i = 0; i < n; i++) {
        buf_addf(&all, "%zu:", texts[i].n);
        buf_add(&all, texts[i]);
    }
    pki_sha256(buf_str(&all), out);
    buf_free(&all);
}

static struct buf *chain_kept(struct tls_store *store, struct str chain)
{
    unsigned char hash[PKI_SHA256_BYTES];
    pki_sha256(chain, hash);
    struct str key = {(const char *)hash, sizeof(hash)};
    struct buf *kept = map_get(&store->chains, key);
    if (!kept) {
        kept = MEM_NEW(struct buf);
        buf_add(kept, chain);
        map_put(&store->chains, key, kept);
    }
    return kept;
}

struct str tls_chain_kept(struct sim *sim, struct str chain)
{
    return buf_str(chain_kept(store_of(sim), chain));
}

void sim_tls_vouch(struct sim *sim, struct str cert_pem, struct str key_pem, struct str chain)
{
    struct tls_store *store = store_of(sim);
    const struct str texts[] = {cert_pem, key_pem};
    unsigned char hash[PKI_SHA256_BYTES];
    hash_texts(texts, ARRAY_LEN(texts), hash);
    map_put(&store->vouched, (struct str){(const char *)hash, sizeof(hash)},
            chain_kept(store, chain));
}

static const struct buf *vouched(const struct tls_store *store, const struct world_tls *tls)
{
    const struct str texts[] = {tls->cert_pem, tls->key_pem};
    unsigned char hash[PKI_SHA256_BYTES];
    hash_texts(texts, ARRAY_LEN(texts), hash);
    return map_get(&store->vouched, (struct str){(const char *)hash, sizeof(hash)});
}

static struct err *pool_get_parsed(struct tls_store *store, struct str pem, struct pki_pool **out)
{
    *out = map_get(&store->pools, pem);
    if (*out)
        return NULL;
    struct err *err = pki_pool_new(pem, out);
    if (err)
        return err_wrap(err, ERR_TLS, "no certificate can be read from the given authorities");
    map_put(&store->pools, pem, *out);
    return NULL;
}

/* The key must be the certificate's. */
static struct err *check_pair(struct str chain, struct str key_pem)
{
    struct pki_key *key;
    struct err *err = pki_key_from_pem(key_pem, &key);
    if (err)
        return err_wrap(err, ERR_TLS, "the private key cannot be used");
    struct arena a = {0};
    struct pki_cert_info info;
    struct buf id = {0};
    pki_key_id(key, &id);
    err = pki_cert_read(&a, chain, &info);
    if (!err && !str_eq(info.key_id, buf_str(&id)))
        err = err_new(ERR_TLS, "the private key does not belong to the certificate");
    buf_free(&id);
    arena_free(&a);
    pki_key_free(key);
    return err;
}

static struct err *pair_parse(const struct world_tls *tls, struct buf *chain)
{
    struct err *err = pki_chain_from_pem(tls->cert_pem, chain);
    if (err)
        return err_wrap(err, ERR_TLS, "the certificate cannot be used");
    return check_pair(buf_str(chain), tls->key_pem);
}

static struct err *identity_parse(struct tls_store *store, const struct world_tls *tls,
                                  struct tls_identity *id)
{
    const struct buf *known = vouched(store, tls);
    struct buf parsed = {0};
    struct err *err = known ? NULL : pair_parse(tls, &parsed);
    if (!err)
        id->chain = buf_str(known ? known : chain_kept(store, buf_str(&parsed)));
    buf_free(&parsed);
    if (!err && tls->client_ca_pem.n > 0)
        err = pool_get_parsed(store, tls->client_ca_pem, &id->client_pool);
    return err;
}

static void identity_free(struct tls_identity *id)
{
    str_free(&id->alpn);
    mem_free(id);
}

struct err *tls_identity_get(struct sim *sim, const struct world_tls *tls,
                             struct tls_identity **out)
{
    struct tls_store *store = store_of(sim);
    if (tls->cert_pem.n == 0 || tls->key_pem.n == 0)
        return err_new(ERR_TLS, "a TLS server needs a certificate and its key");
    const struct str texts[] = {tls->cert_pem, tls->key_pem, tls->client_ca_pem, tls->alpn};
    unsigned char hash[PKI_SHA256_BYTES];
    hash_texts(texts, ARRAY_LEN(texts), hash);
    struct str key = {(const char *)hash, sizeof(hash)};
    struct tls_identity *id = map_get(&store->identities, key);
    struct err *err = NULL;
    if (!id) {
        id = MEM_NEW(struct tls_identity);
        id->alpn = str_dup(str_sub(tls->alpn, 0, TLS_NAME_MAX));
        err = identity_parse(store, tls, id);
        if (err)
            identity_free(id);
        else
            map_put(&store->identities, key, id);
    }
    if (!err)
        *out = id;
    return err;
}

struct err *tls_client_new(struct sim *sim, const struct world_tls *o, struct str host,
                           struct sim_tls **out)
{
    struct tls_store *store = store_of(sim);
    struct str ca = o->ca_pem.n > 0 ? o->ca_pem : store->system_ca;
    struct pki_pool *pool = NULL;
    struct tls_identity *identity = NULL;
    struct err *err = !o->insecure && ca.n > 0 ? pool_get_parsed(store, ca, &pool) : NULL;
    if (!err && o->cert_pem.n > 0)
        err = tls_identity_get(sim, o, &identity);
    if (err)
        return err;
    struct sim_tls *tls = MEM_NEW(struct sim_tls);
    tls->name = str_dup(str_sub(o->server_name.n > 0 ? o->server_name : host, 0, TLS_NAME_MAX));
    tls->alpn = str_dup(str_sub(o->alpn, 0, TLS_NAME_MAX));
    tls->pool = pool;
    tls->identity = identity;
    tls->insecure = o->insecure;
    tls->ignore_name = o->ignore_name;
    *out = tls;
    return NULL;
}

struct sim_tls *tls_server_new(struct tls_identity *id)
{
    struct sim_tls *tls = MEM_NEW(struct sim_tls);
    tls->identity = id;
    tls->identity_is_server = true;
    return tls;
}

void tls_free(struct sim_tls *tls)
{
    if (!tls)
        return;
    str_free(&tls->name);
    str_free(&tls->alpn);
    buf_free(&tls->early);
    buf_free(&tls->peer_pem);
    mem_free(tls);
}

void tls_store_free(struct sim *sim)
{
    struct tls_store *store = sim->tls_store;
    void *value;
    if (!store)
        return;
    for (size_t i = 0; map_next(&store->pools, &i, NULL, &value);)
        pki_pool_free(value);
    for (size_t i = 0; map_next(&store->identities, &i, NULL, &value);)
        identity_free(value);
    for (size_t i = 0; map_next(&store->chains, &i, NULL, &value);) {
        buf_free(value);
        mem_free(value);
    }
    map_free(&store->chains);
    map_free(&store->vouched);
    map_free(&store->pools);
    map_free(&store->identities);
    pki_cache_free(store->cache);
    str_free(&store->system_ca);
    mem_free(store);
}
