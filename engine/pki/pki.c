/* The plain SHA-256 functions: the newer interface looks its algorithm up under locks each time, which costs more than
 * the hash of a short text. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "engine/pki/pki_internal.h"

#include "engine/base/codec.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

struct pki_hash {
    SHA256_CTX ctx;
};

void pki_sha256(struct str bytes, unsigned char out[PKI_SHA256_BYTES])
{
    SHA256_CTX ctx;
    int ok = SHA256_Init(&ctx) && SHA256_Update(&ctx, bytes.p, bytes.n) && SHA256_Final(out, &ctx);
    BUG_ON(!ok, "hashing does not fail");
}

static void add_hex(struct buf *out, const unsigned char *bytes, size_t n)
{
    hex_encode(out, (struct str){(const char *)bytes, n});
}

void pki_sha256_hex(struct str bytes, struct buf *out)
{
    unsigned char digest[PKI_SHA256_BYTES];
    pki_sha256(bytes, digest);
    add_hex(out, digest, sizeof(digest));
}

#define HMAC_BLOCK 64u

static void hmac_pass(const unsigned char key[HMAC_BLOCK], unsigned char pad, struct str bytes,
                      unsigned char out[PKI_SHA256_BYTES])
{
    struct buf text = {0};
    for (size_t i = 0; i < HMAC_BLOCK; i++)
        buf_add_char(&text, (char)(key[i] ^ pad));
    buf_add(&text, bytes);
    pki_sha256(buf_str(&text), out);
    buf_free(&text);
}

void pki_hmac_sha256_hex(struct str key, struct str bytes, struct buf *out)
{
    unsigned char block[HMAC_BLOCK] = {0}, digest[PKI_SHA256_BYTES];
    if (key.n > HMAC_BLOCK)
        pki_sha256(key, block);
    else
        memcpy(block, key.p, key.n);
    hmac_pass(block, 0x36, bytes, digest);
    hmac_pass(block, 0x5c, (struct str){(const char *)digest, sizeof(digest)}, digest);
    add_hex(out, digest, sizeof(digest));
}

bool pki_equal(struct str a, struct str b)
{
    return a.n == b.n && CRYPTO_memcmp(a.p, b.p, a.n) == 0;
}

struct pki_hash *pki_hash_new(void)
{
    struct pki_hash *h = MEM_NEW(struct pki_hash);
    int ok = SHA256_Init(&h->ctx);
    BUG_ON(!ok, "hashing does not fail");
    return h;
}

void pki_hash_add(struct pki_hash *h, struct str bytes)
{
    int ok = SHA256_Update(&h->ctx, bytes.p, bytes.n);
    BUG_ON(!ok, "hashing does not fail");
}

void pki_hash_end(struct pki_hash *take_h, unsigned char out[PKI_SHA256_BYTES])
{
    int ok = SHA256_Final(out, &take_h->ctx);
    BUG_ON(!ok, "hashing does not fail");
    mem_free(take_h);
}

static struct str skip(struct str s, size_t n)
{
    return (struct str){s.p + n, s.n - n};
}

/* The lines between the marks, without what may stand between base64 digits. */
static struct err *decode_body(struct str body, struct str label, struct buf *der)
{
    struct buf text = {.max = PKI_PEM_BYTES_MAX};
    for (size_t i = 0; i < body.n; i++)
        if (body.p[i] != '\n' && body.p[i] != '\r' && body.p[i] != ' ' && body.p[i] != '\t')
            buf_add_char(&text, body.p[i]);
    struct err *err = NULL;
    if (str_find_char(buf_str(&text), ':') >= 0)
        err = err_new(ERR_INVALID, "the PEM block %.*s has headers: encrypted keys are not read",
                      STR_ARG(label));
    else if (text.n > PKI_DER_BYTES_MAX / 3 * 4)
        err = err_new(ERR_TOO_LARGE, "the PEM block %.*s has more than %zu bytes", STR_ARG(label),
                      PKI_DER_BYTES_MAX);
    else if (text.n == 0 || !base64_decode(der, buf_str(&text)))
        err = err_new(ERR_INVALID, "the PEM block %.*s is not base64", STR_ARG(label));
    if (text.p)
        OPENSSL_cleanse(text.p, text.n); /* may have been a private key */
    buf_free(&text);
    return err;
}

struct err *pki_pem_next(struct str *rest, struct str *label, struct buf *der)
{
    const struct str begin = STR("-----BEGIN "), end = STR("-----END "), dashes = STR("-----");
    *label = str_empty;
    if (rest->n > PKI_PEM_BYTES_MAX)
        return err_new(ERR_TOO_LARGE, "PEM of %zu bytes: at most %zu are read", rest->n,
                       PKI_PEM_BYTES_MAX);
    ptrdiff_t at = str_find(*rest, begin);
    if (at < 0) {
        *rest = str_empty;
        return NULL;
    }
    struct str s = skip(*rest, (size_t)at + begin.n);
    ptrdiff_t name_n = str_find(s, dashes);
    if (name_n <= 0 || name_n > 64)
        return err_new(ERR_INVALID, "a PEM block has no name: expected -----BEGIN NAME-----");
    struct str name = str_sub(s, 0, (size_t)name_n);
    s = skip(s, (size_t)name_n + dashes.n);
    ptrdiff_t body_n = str_find(s, end);
    struct str tail = body_n < 0 ? str_empty : skip(s, (size_t)body_n + end.n);
    if (body_n < 0 || !str_starts(tail, name) || !str_starts(skip(tail, name.n), dashes))
        return err_new(ERR_INVALID, "a PEM block has no end: expected -----END %.*s-----",
                       STR_ARG(name));
    struct err *err = decode_body(str_sub(s, 0, (size_t)body_n), name, der);
    if (err)
        return err;
    *label = name;
    *rest = skip(tail, name.n + dashes.n);
    return NULL;
}

#define PEM_LINE 64u

void pki_pem_add(struct buf *out, const char *label, struct str der)
{
    struct buf text = {0};
    base64_encode(&text, der);
    buf_addf(out, "-----BEGIN %s-----\n", label);
    for (size_t at = 0; at < text.n; at += PEM_LINE) {
        buf_add(out, str_sub(buf_str(&text), at, PEM_LINE));
        buf_add_char(out, '\n');
    }
    buf_addf(out, "-----END %s-----\n", label);
    if (text.p)
        OPENSSL_cleanse(text.p, text.n);
    buf_free(&text);
}

void pki_ca_checksum(struct str pem, struct buf *out)
{
    if (pem.n == 0)
        return;
    unsigned char digest[PKI_SHA256_BYTES];
    struct pki_hash *h = pki_hash_new();
    pki_hash_add(h, pem);
    if (pem.p[pem.n - 1] != '\n')
        pki_hash_add(h, STR("\n"));
    pki_hash_end(h, digest);
    add_hex(out, digest, sizeof(digest));
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, PKI_SHA256_BYTES);
}

static struct err *add_key_hash(void *owner, X509 *cert, struct str der)
{
    (void)der;
    char *room = buf_grow(owner, PKI_SHA256_BYTES);
    pki_x509_key_hash(cert, (unsigned char *)room);
    return NULL;
}

/* The hashes of the certificates' keys, sorted, each once. */
static struct err *key_hashes(struct str pem, struct buf *hashes)
{
    struct err *err = pki_certs_from_pem(pem, add_key_hash, hashes);
    if (err)
        return err;
    size_t n = hashes->n / PKI_SHA256_BYTES, kept = 0;
    BUG_ON(!hashes->p, "a PEM text without certificates is an error before");
    qsort(hashes->p, n, PKI_SHA256_BYTES, by_bytes);
    for (size_t i = 0; i < n; i++) {
        char *hash = hashes->p + i * PKI_SHA256_BYTES;
        char *next = hashes->p + kept * PKI_SHA256_BYTES;
        if (kept > 0 && by_bytes(hash, next - PKI_SHA256_BYTES) == 0)
            continue;
        memmove(next, hash, PKI_SHA256_BYTES);
        kept++;
    }
    hashes->n = kept * PKI_SHA256_BYTES;
    return NULL;
}

struct err *pki_ca_pin(struct str pem, struct buf *out)
{
    struct buf hashes = {0};
    struct err *err = key_hashes(pem, &hashes);
    if (!err)
        pki_sha256_hex(buf_str(&hashes), out);
    buf_free(&hashes);
    return err;
}

struct err *pki_ca_pins(struct str pem, struct buf *out)
{
    struct buf hashes = {0};
    struct err *err = key_hashes(pem, &hashes);
    for (size_t at = 0; !err && at < hashes.n; at += PKI_SHA256_BYTES) {
        if (at)
            buf_add_char(out, ',');
        pki_sha256_hex(str_sub(buf_str(&hashes), at, PKI_SHA256_BYTES), out);
    }
    buf_free(&hashes);
    return err;
}
