#include "engine/server/keeper_tls.h"

#include "engine/pki/x509.h"

#include <stdlib.h>

#define COMMON_NAME_CA   "paddock-internal-ca"
#define COMMON_NAME_LEAF "paddock"
#define EARLY_S          3600

void keeper_pair_free(struct keeper_pair *p)
{
    buf_free(&p->cert_pem);
    buf_free(&p->key_pem);
}

/* ---- making ---- */

static struct pki_key *new_key(struct world *w)
{
    unsigned char entropy[PKI_ENTROPY_BYTES];
    world_random(w, entropy, sizeof entropy);
    return pki_key_derive(PKI_P256, entropy);
}

/* issuer NULL: signed by itself. */
static void issue(struct world *w, struct pki_cert_spec *spec, int64_t life_s,
                  struct str issuer_der, const struct pki_key *issuer, struct keeper_pair *out)
{
    struct pki_key *key = new_key(w);
    struct buf der = {0};
    int64_t now_s = world_wall(w) / NS_PER_S;
    spec->not_before_s = now_s - EARLY_S;
    if (spec->not_after_s == 0 || spec->not_after_s > now_s + life_s)
        spec->not_after_s = now_s + life_s;
    spec->serial = world_random_below(w, INT64_MAX) + 1;
    struct err *err = pki_issue(spec, key, issuer_der, issuer ? issuer : key, &der);
    BUG_ON(err, "certificates of our own making are well formed");
    pki_pem_add(&out->cert_pem, "CERTIFICATE", buf_str(&der));
    pki_key_to_pem(key, &out->key_pem);
    pki_key_free(key);
    buf_free(&der);
}

void keeper_tls_make_ca(struct world *w, int64_t life_s, struct keeper_pair *out)
{
    struct pki_cert_spec spec = {.common_name = STR(COMMON_NAME_CA), .usage = PKI_CA};
    issue(w, &spec, life_s, str_empty, NULL, out);
}

void keeper_tls_make_leaf(struct world *w, const struct keeper_pair *ca, const struct str *names,
                          size_t n, int64_t life_s, struct keeper_pair *out)
{
    struct arena a = {0};
    struct buf ca_der = {0};
    struct pki_key *ca_key = NULL;
    struct str *dns = ARENA_NEW_ARRAY(&a, struct str, n + 1);
    struct str *ips = ARENA_NEW_ARRAY(&a, struct str, n + 1);
    struct pki_cert_spec spec = {
        .common_name = STR(COMMON_NAME_LEAF), .dns = dns, .ips = ips, .usage = PKI_SERVER};
    for (size_t i = 0; i < n; i++)
        if (pki_is_ip(names[i]))
            ips[spec.ips_n++] = names[i];
        else
            dns[spec.dns_n++] = names[i];
    spec.not_after_s = pki_pem_not_after_s(buf_str(&ca->cert_pem));
    struct err *err = pki_chain_from_pem(buf_str(&ca->cert_pem), &ca_der);
    if (!err)
        err = pki_key_from_pem(buf_str(&ca->key_pem), &ca_key);
    BUG_ON(err, "the authority was checked when it was taken");
    issue(w, &spec, life_s, buf_str(&ca_der), ca_key, out);
    pki_key_free(ca_key);
    buf_free(&ca_der);
    arena_free(&a);
}

/* ---- judging ---- */

/* The certificate in front, and that the key is its key. */
static struct err *read_pair(struct arena *a, const struct keeper_pair *p, struct buf *chain,
                             struct pki_cert_info *info)
{
    struct pki_key *key = NULL;
    struct buf id = {0};
    struct err *err = pki_chain_from_pem(buf_str(&p->cert_pem), chain);
    if (!err)
        err = pki_cert_read(a, buf_str(chain), info);
    if (err)
        return err_wrap(err, ERR_INVALID, "tls.crt holds no certificate");
    err = pki_key_from_pem(buf_str(&p->key_pem), &key);
    if (err)
        return err_wrap(err, ERR_INVALID, "tls.key holds no key");
    pki_key_id(key, &id);
    if (!str_eq(buf_str(&id), info->key_id))
        err = err_new(ERR_INVALID, "tls.key is not the key of tls.crt");
    pki_key_free(key);
    buf_free(&id);
    return err;
}

struct err *keeper_tls_check_ca(const struct keeper_pair *p, int64_t now_s)
{
    struct arena a = {0};
    struct buf chain = {0};
    struct pki_cert_info info;
    struct err *err = read_pair(&a, p, &chain, &info);
    if (!err && !info.is_ca)
        err = err_new(ERR_INVALID, "tls.crt is not the certificate of an authority");
    if (!err && info.not_after_s <= now_s)
        err = err_new(ERR_TLS, "the authority has ended");
    buf_free(&chain);
    arena_free(&a);
    return err;
}

static bool has_name(const struct pki_cert_info *info, struct str name)
{
    for (size_t i = 0; i < info->dns_n; i++)
        if (str_eq_nocase(info->dns[i], name))
            return true;
    for (size_t i = 0; i < info->ips_n; i++)
        if (pki_ip_eq(info->ips[i], name))
            return true;
    return false;
}

static struct err *check_signed(struct str chain, const struct keeper_pair *ca, int64_t now_s)
{
    struct pki_pool *pool = NULL;
    struct err *err = pki_pool_new(buf_str(&ca->cert_pem), &pool);
    if (!err)
        err = pki_verdict_err(pki_verify_chain(pool, chain, str_empty, PKI_SERVER, now_s, NULL),
                              str_empty);
    pki_pool_free(pool);
    return err;
}

struct err *keeper_tls_check_leaf(const struct keeper_pair *p, const struct keeper_pair *ca,
                                  const struct str *names, size_t n, int64_t now_s, int64_t renew_s)
{
    struct arena a = {0};
    struct buf chain = {0};
    struct pki_cert_info info;
    struct err *err = read_pair(&a, p, &chain, &info);
    if (!err)
        err = check_signed(buf_str(&chain), ca, now_s);
    if (!err && info.not_after_s - now_s <= renew_s &&
        info.not_after_s < pki_pem_not_after_s(buf_str(&ca->cert_pem)))
        err = err_new(ERR_TLS, "it ends soon");
    for (size_t i = 0; i < n && !err; i++)
        if (!has_name(&info, names[i]))
            err = err_new(ERR_TLS, "it lacks the name \"" STR_FMT "\"", STR_ARG(names[i]));
    buf_free(&chain);
    arena_free(&a);
    return err;
}

size_t keeper_tls_names(struct arena *a, struct str cert_pem, struct str **out)
{
    struct buf chain = {0};
    struct pki_cert_info info = {0};
    size_t n = 0;
    struct err *err = pki_chain_from_pem(cert_pem, &chain);
    if (!err)
        err = pki_cert_read(a, buf_str(&chain), &info);
    *out = ARENA_NEW_ARRAY(a, struct str, info.dns_n + info.ips_n + 1);
    for (size_t i = 0; i < info.dns_n; i++)
        (*out)[n++] = info.dns[i];
    for (size_t i = 0; i < info.ips_n; i++)
        (*out)[n++] = info.ips[i];
    err_ignore(err);
    buf_free(&chain);
    return n;
}
