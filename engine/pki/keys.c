#include "engine/pki/keys.h"

#include "engine/pki/pki_internal.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <string.h>

#define P256_NAME       "prime256v1"
#define P256_HALF_BYTES 32

/* RFC 8410: the DER of an Ed25519 key is one of these heads and 32 bytes. OpenSSL's way to the same bytes looks for an
 * encoder or decoder first, which takes longer than deriving the key does. */
static const unsigned char ed25519_private_head[] = {
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
static const unsigned char ed25519_public_head[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                                    0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

static bool is_p256(const EVP_PKEY *pkey)
{
    char group[32];
    size_t n;
    return EVP_PKEY_get_group_name(pkey, group, sizeof(group), &n) == 1 &&
           strcmp(group, P256_NAME) == 0;
}

static bool kind_of(const EVP_PKEY *pkey, enum pki_key_kind *kind)
{
    int bits = EVP_PKEY_get_bits(pkey);
    switch (EVP_PKEY_get_base_id(pkey)) {
    case EVP_PKEY_ED25519:
        *kind = PKI_ED25519;
        return true;
    case EVP_PKEY_EC:
        *kind = PKI_P256;
        return is_p256(pkey);
    case EVP_PKEY_RSA:
        *kind = PKI_RSA;
        return bits >= PKI_RSA_BITS_MIN && bits <= PKI_RSA_BITS_MAX;
    default:
        return false;
    }
}

struct pki_key *pki_key_wrap(EVP_PKEY *take_pkey, bool is_private)
{
    enum pki_key_kind kind;
    if (!take_pkey || !kind_of(take_pkey, &kind)) {
        EVP_PKEY_free(take_pkey);
        ERR_clear_error();
        return NULL;
    }
    struct pki_key *key = MEM_NEW(struct pki_key);
    *key = (struct pki_key){take_pkey, kind, is_private};
    return key;
}

const EVP_MD *pki_key_digest(const struct pki_key *key)
{
    return key->kind == PKI_ED25519 ? NULL : EVP_sha256();
}

static EVP_PKEY *p256_from_scalar(const BIGNUM *scalar, const EC_GROUP *group)
{
    unsigned char public_point[1 + 2 * P256_HALF_BYTES];
    EC_POINT *point = EC_POINT_new(group);
    BUG_ON(!point || EC_POINT_mul(group, point, scalar, NULL, NULL, NULL) != 1,
           "a scalar below the order gives a point");
    size_t n = EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, public_point,
                                  sizeof(public_point), NULL);
    BUG_ON(n != sizeof(public_point), "a point of P-256 has 65 bytes");
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    int ok = build &&
             OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, P256_NAME, 0) &&
             OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, scalar) &&
             OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, public_point, n);
    OSSL_PARAM *params = ok ? OSSL_PARAM_BLD_to_param(build) : NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *pkey = NULL;
    BUG_ON(!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
               EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1,
           "a scalar and its point are a key");
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EC_POINT_free(point);
    return pkey;
}

/* 64 hashed bytes reduced to [1, n): so far above the order's 32 that no scalar is noticeably likelier. */
static EVP_PKEY *p256_derive(const unsigned char entropy[PKI_ENTROPY_BYTES])
{
    unsigned char wide[64];
    int ok = EVP_Digest(entropy, PKI_ENTROPY_BYTES, wide, NULL, EVP_sha512(), NULL);
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    BN_CTX *bn = BN_CTX_new();
    BIGNUM *scalar = BN_bin2bn(wide, sizeof(wide), NULL), *order_less_1 = BN_new();
    BUG_ON(ok != 1 || !group || !bn || !scalar || !order_less_1, "P-256 is there");
    ok = EC_GROUP_get_order(group, order_less_1, bn) && BN_sub_word(order_less_1, 1) &&
         BN_nnmod(scalar, scalar, order_less_1, bn) && BN_add_word(scalar, 1);
    BUG_ON(ok != 1, "small numbers are reduced");
    EVP_PKEY *pkey = p256_from_scalar(scalar, group);
    BN_clear_free(scalar);
    BN_free(order_less_1);
    BN_CTX_free(bn);
    EC_GROUP_free(group);
    OPENSSL_cleanse(wide, sizeof(wide));
    return pkey;
}

struct pki_key *pki_key_derive(enum pki_key_kind kind,
                               const unsigned char entropy[PKI_ENTROPY_BYTES])
{
    BUG_ON(kind == PKI_RSA, "RSA keys are imported only");
    EVP_PKEY *pkey = kind == PKI_ED25519 ? EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
                                                                        entropy, PKI_ENTROPY_BYTES)
                                         : p256_derive(entropy);
    struct pki_key *key = pki_key_wrap(pkey, true);
    BUG_ON(!key, "any 32 bytes give a key");
    return key;
}

struct pki_key *pki_key_generate_rsa(void)
{
    struct pki_key *key = pki_key_wrap(EVP_RSA_gen(PKI_RSA_BITS_MIN), true);
    BUG_ON(!key, "an RSA key can be made");
    return key;
}

static void add_number(EVP_PKEY *pkey, const char *name, struct buf *out)
{
    BIGNUM *n = NULL;
    BUG_ON(EVP_PKEY_get_bn_param(pkey, name, &n) != 1, "an RSA key has its numbers");
    size_t bytes = (size_t)BN_num_bytes(n);
    BN_bn2bin(n, (unsigned char *)buf_grow(out, bytes));
    BN_free(n);
}

void pki_key_rsa_public(const struct pki_key *key, struct buf *modulus, struct buf *exponent)
{
    BUG_ON(key->kind != PKI_RSA, "only RSA keys have a modulus");
    add_number(key->pkey, OSSL_PKEY_PARAM_RSA_N, modulus);
    add_number(key->pkey, OSSL_PKEY_PARAM_RSA_E, exponent);
}

void pki_key_free(struct pki_key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->pkey);
    mem_free(key);
}

enum pki_key_kind pki_key_kind(const struct pki_key *key)
{
    return key->kind;
}

bool pki_key_is_private(const struct pki_key *key)
{
    return key->is_private;
}

void pki_key_to_pem(const struct pki_key *key, struct buf *out)
{
    BUG_ON(!key->is_private, "only a private key is written as one");
    if (key->kind == PKI_ED25519) {
        unsigned char text[sizeof(ed25519_private_head) + PKI_ED25519_BYTES];
        size_t room = PKI_ED25519_BYTES;
        memcpy(text, ed25519_private_head, sizeof(ed25519_private_head));
        int ok =
            EVP_PKEY_get_raw_private_key(key->pkey, text + sizeof(ed25519_private_head), &room);
        BUG_ON(ok != 1 || room != PKI_ED25519_BYTES, "a key of ours has its bytes");
        pki_pem_add(out, "PRIVATE KEY", (struct str){(const char *)text, sizeof(text)});
        OPENSSL_cleanse(text, sizeof(text));
        return;
    }
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->pkey);
    unsigned char *der = NULL;
    int n = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;
    BUG_ON(n <= 0, "a key of ours has a PKCS#8 form");
    pki_pem_add(out, "PRIVATE KEY", (struct str){(const char *)der, (size_t)n});
    OPENSSL_clear_free(der, (size_t)n);
    PKCS8_PRIV_KEY_INFO_free(info);
}

void pki_key_public_bytes(const struct pki_key *key, unsigned char out[PKI_ED25519_BYTES])
{
    size_t n = PKI_ED25519_BYTES;
    BUG_ON(key->kind != PKI_ED25519, "only these keys are plain bytes");
    int ok = EVP_PKEY_get_raw_public_key(key->pkey, out, &n);
    BUG_ON(ok != 1 || n != PKI_ED25519_BYTES, "a key of ours has a public half");
}

/* The SubjectPublicKeyInfo. */
static void add_public_der(const struct pki_key *key, struct buf *out)
{
    if (key->kind == PKI_ED25519) {
        buf_add(out, (struct str){(const char *)ed25519_public_head, sizeof(ed25519_public_head)});
        pki_key_public_bytes(key, (unsigned char *)buf_grow(out, PKI_ED25519_BYTES));
        return;
    }
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(key->pkey, &der);
    BUG_ON(n <= 0, "a key of ours has a public half");
    buf_add(out, (struct str){(const char *)der, (size_t)n});
    OPENSSL_free(der);
}

void pki_key_public_to_pem(const struct pki_key *key, struct buf *out)
{
    struct buf der = {0};
    add_public_der(key, &der);
    pki_pem_add(out, "PUBLIC KEY", buf_str(&der));
    buf_free(&der);
}

void pki_key_id(const struct pki_key *key, struct buf *out)
{
    struct buf der = {0};
    add_public_der(key, &der);
    pki_sha256_hex(buf_str(&der), out);
    buf_free(&der);
}

/* ECDSA's DER sequence of two numbers → the numbers in 32 bytes each. */
static bool ecdsa_to_raw(const unsigned char *der, size_t n, unsigned char raw[2 * P256_HALF_BYTES])
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
    bool ok = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, P256_HALF_BYTES) > 0 &&
              BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + P256_HALF_BYTES, P256_HALF_BYTES) > 0;
    ECDSA_SIG_free(sig);
    return ok;
}

/* The way back; *der by OPENSSL_free, 0 when there is none. */
static size_t ecdsa_from_raw(struct str raw, unsigned char **der)
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(pki_bytes(raw), P256_HALF_BYTES, NULL);
    BIGNUM *s = BN_bin2bn(pki_bytes(raw) + P256_HALF_BYTES, P256_HALF_BYTES, NULL);
    BUG_ON(!sig || !r || !s || ECDSA_SIG_set0(sig, r, s) != 1, "two numbers are a signature");
    *der = NULL;
    int n = i2d_ECDSA_SIG(sig, der);
    ECDSA_SIG_free(sig);
    return n > 0 ? (size_t)n : 0;
}

static bool sign(const struct pki_key *key, struct str message, struct buf *signature)
{
    unsigned char raw[PKI_RSA_BITS_MAX / 8];
    size_t n = sizeof(raw);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestSignInit(ctx, NULL, pki_key_digest(key), NULL, key->pkey) == 1 &&
              EVP_DigestSign(ctx, raw, &n, pki_bytes(message), message.n) == 1;
    EVP_MD_CTX_free(ctx);
    if (ok && key->kind == PKI_P256) {
        unsigned char pair[2 * P256_HALF_BYTES];
        ok = ecdsa_to_raw(raw, n, pair);
        n = sizeof(pair);
        memcpy(raw, pair, n);
    }
    if (ok)
        buf_add(signature, (struct str){(const char *)raw, n});
    ERR_clear_error();
    return ok;
}

void pki_sign(const struct pki_key *key, struct str message, struct buf *signature)
{
    BUG_ON(!key->is_private, "only a private key signs");
    bool ok = sign(key, message, signature);
    BUG_ON(!ok, "a key that was checked when it was read signs");
}

bool pki_verify(const struct pki_key *key, struct str message, struct str signature)
{
    unsigned char *der = NULL;
    size_t n = signature.n;
    if (key->kind == PKI_P256) {
        n = signature.n == 2 * P256_HALF_BYTES ? ecdsa_from_raw(signature, &der) : 0;
        if (n == 0)
            return false;
    }
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestVerifyInit(ctx, NULL, pki_key_digest(key), NULL, key->pkey) == 1 &&
              EVP_DigestVerify(ctx, der ? der : pki_bytes(signature), n, pki_bytes(message),
                               message.n) == 1;
    EVP_MD_CTX_free(ctx);
    OPENSSL_free(der);
    ERR_clear_error();
    return ok;
}

/* A key that cannot verify what it signs is found when it is read, not in the middle of a handshake. */
static bool works(const struct pki_key *key)
{
    struct buf signature = {0};
    bool ok =
        sign(key, STR("probe"), &signature) && pki_verify(key, STR("probe"), buf_str(&signature));
    buf_free(&signature);
    return ok;
}

static EVP_PKEY *parse_private(struct str label, struct str der)
{
    const unsigned char *p = pki_bytes(der);
    if (!str_eq(label, STR("PRIVATE KEY")) && !str_eq(label, STR("EC PRIVATE KEY")) &&
        !str_eq(label, STR("RSA PRIVATE KEY")))
        return NULL;
    const size_t head = sizeof(ed25519_private_head);
    if (der.n == head + PKI_ED25519_BYTES && memcmp(p, ed25519_private_head, head) == 0)
        return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, p + head, PKI_ED25519_BYTES);
    return d2i_AutoPrivateKey(NULL, &p, (long)der.n);
}

static EVP_PKEY *parse_public(struct str label, struct str der)
{
    const unsigned char *p = pki_bytes(der);
    if (str_eq(label, STR("PUBLIC KEY")))
        return d2i_PUBKEY(NULL, &p, (long)der.n);
    if (str_eq(label, STR("RSA PUBLIC KEY")))
        return d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long)der.n);
    if (!str_eq(label, STR("CERTIFICATE")))
        return NULL;
    X509 *cert = pki_x509_next(&der);
    EVP_PKEY *pkey = cert ? X509_get_pubkey(cert) : NULL;
    X509_free(cert);
    return pkey;
}

/* Blocks that hold no key of the wanted half (EC PARAMETERS, the chain) are passed over. */
static struct err *read_key(struct str pem, bool is_private, struct pki_key **out)
{
    struct str label;
    struct pki_key *key = NULL;
    do {
        struct buf der = {.max = PKI_DER_BYTES_MAX};
        struct err *err = pki_pem_next(&pem, &label, &der);
        if (!err)
            key = pki_key_wrap(is_private ? parse_private(label, buf_str(&der))
                                          : parse_public(label, buf_str(&der)),
                               is_private);
        if (der.p)
            OPENSSL_cleanse(der.p, der.n);
        buf_free(&der);
        if (err)
            return err;
    } while (!key && label.n > 0);
    if (key && is_private && !works(key)) {
        pki_key_free(key);
        key = NULL;
    }
    if (!key)
        return err_new(ERR_INVALID,
                       "no %s key of Ed25519, P-256 or RSA (%d to %d bits) is in the "
                       "PEM text",
                       is_private ? "private" : "public", PKI_RSA_BITS_MIN, PKI_RSA_BITS_MAX);
    *out = key;
    return NULL;
}

struct err *pki_key_from_pem(struct str pem, struct pki_key **out)
{
    return read_key(pem, true, out);
}

struct err *pki_key_public_from_pem(struct str pem, struct pki_key **out)
{
    return read_key(pem, false, out);
}
