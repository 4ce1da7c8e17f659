#include "engine/pki/secret.h"

#include "engine/base/codec.h"

#include <openssl/evp.h>

#define KEY_BYTES_MAX  64u
#define SALT_BYTES_MAX 64u
#define PARTS_MAX      6u
#define SCRYPT_LOG2_N  15u
#define SCRYPT_R       8u
#define SCRYPT_P       1u
#define SCRYPT_MEMORY  ((uint64_t)64 << 20)

/* Base64 without padding. */
static bool decode_raw(struct str text, struct buf *out)
{
    struct buf padded = {0};
    buf_add(&padded, text);
    while (padded.n % 4)
        buf_add_char(&padded, '=');
    bool good = text.n > 0 && base64_decode(out, buf_str(&padded));
    buf_free(&padded);
    return good;
}

static size_t split(struct str text, struct str parts[PARTS_MAX])
{
    size_t n = 0;
    for (bool more = true; more && n < PARTS_MAX; n++)
        more = str_cut(text, ':', &parts[n], &text);
    return text.n ? 0 : n;
}

static bool digest_fits(const EVP_MD *md, struct str salt_text, struct str hash_text,
                        struct str secret)
{
    struct buf input = {0}, hash = {0};
    unsigned char made[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    bool good = decode_raw(salt_text, &input) && decode_raw(hash_text, &hash);
    buf_add(&input, secret);
    good = good && EVP_Digest(input.p, input.n, made, &n, md, NULL) == 1 &&
           pki_equal(buf_str(&hash), (struct str){(const char *)made, n});
    buf_free(&input);
    buf_free(&hash);
    return good;
}

static bool bounded(struct str text, uint64_t most, uint64_t *out)
{
    return str_to_u64(text, out) && *out > 0 && *out <= most;
}

static bool scrypt_fits(const struct str parts[PARTS_MAX], struct str secret)
{
    struct buf salt = {.max = SALT_BYTES_MAX}, key = {.max = KEY_BYTES_MAX};
    unsigned char made[KEY_BYTES_MAX];
    uint64_t log2_n, r, p;
    bool good = bounded(parts[2], SCRYPT_LOG2_N, &log2_n) && bounded(parts[3], SCRYPT_R, &r) &&
                bounded(parts[4], SCRYPT_P, &p) && hex_decode(&salt, parts[1]) &&
                decode_raw(parts[5], &key) && buf_ok(&salt) && buf_ok(&key) && salt.n > 0;
    good = good &&
           EVP_PBE_scrypt(secret.p, secret.n, (const unsigned char *)salt.p, salt.n,
                          UINT64_C(1) << log2_n, r, p, SCRYPT_MEMORY, made, key.n) == 1 &&
           pki_equal(buf_str(&key), (struct str){(const char *)made, key.n});
    buf_free(&salt);
    buf_free(&key);
    return good;
}

bool pki_secret_fits(struct str secret, struct str stored)
{
    struct str parts[PARTS_MAX];
    if (secret.n == 0 || secret.n > PKI_SECRET_BYTES_MAX || stored.n == 0 ||
        stored.n > PKI_SECRET_BYTES_MAX)
        return false;
    if (stored.p[0] != '$')
        return pki_equal(secret, stored);
    size_t n = split(stored, parts);
    if (n == 6 && str_eq_c(parts[0], "$1"))
        return scrypt_fits(parts, secret);
    if (n == 3 && str_eq_c(parts[0], "$2"))
        return digest_fits(EVP_sha256(), parts[1], parts[2], secret);
    if (n == 4 && str_eq_c(parts[0], "$3") && str_eq_c(parts[1], "1"))
        return digest_fits(EVP_sha3_512(), parts[2], parts[3], secret);
    return false;
}
