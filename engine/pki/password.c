#include "engine/pki/password.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <string.h>

#define BCRYPT_HASH_BYTES    60u
#define BCRYPT_SETTING_BYTES 29u /* "$2a$10$" and 22 characters of salt */

/* libxcrypt alters what "$2a$" means for some bytes (a guard against old, broken hashes); "$2b$" is the algorithm
 * proper, which others write as "$2a$". So we always compute the one and write the other. */
#define BCRYPT_COMPUTED      'b'
#define BCRYPT_WRITTEN       'a'

static bool is_usable(struct str password)
{
    return password.n > 0 && password.n <= PKI_PASSWORD_BYTES_MAX &&
           str_find_char(password, '\0') < 0;
}

/* The hash for a setting (or a whole hash), written to out; false when libcrypt does not like it. */
static bool hash_with(struct str password, const char *setting, char out[BCRYPT_HASH_BYTES + 1])
{
    char phrase[PKI_PASSWORD_BYTES_MAX + 1];
    memcpy(phrase, password.p, password.n);
    phrase[password.n] = '\0';
    struct crypt_data *scratch = MEM_NEW(struct crypt_data);
    const char *hash = crypt_r(phrase, setting, scratch);
    bool ok = hash && strlen(hash) == BCRYPT_HASH_BYTES;
    if (ok)
        memcpy(out, hash, BCRYPT_HASH_BYTES + 1);
    OPENSSL_cleanse(phrase, sizeof(phrase));
    OPENSSL_cleanse(scratch, sizeof(*scratch));
    mem_free(scratch);
    return ok;
}

struct err *pki_password_make(struct str password, unsigned cost,
                              const unsigned char salt[PKI_PASSWORD_SALT_BYTES], struct buf *out)
{
    if (!is_usable(password))
        return err_new(ERR_UNPROCESSABLE, "a password has 1 to %u bytes, none of them NUL",
                       PKI_PASSWORD_BYTES_MAX);
    if (cost < PKI_PASSWORD_COST_MIN || cost > PKI_PASSWORD_COST_MAX)
        return err_new(ERR_INVALID, "the cost of a password hash is %u to %u",
                       PKI_PASSWORD_COST_MIN, PKI_PASSWORD_COST_MAX);
    char setting[CRYPT_GENSALT_OUTPUT_SIZE], bytes[PKI_PASSWORD_SALT_BYTES];
    char hash[BCRYPT_HASH_BYTES + 1];
    memcpy(bytes, salt, sizeof(bytes));
    if (!crypt_gensalt_rn("$2b$", cost, bytes, (int)sizeof(bytes), setting, (int)sizeof(setting)) ||
        !hash_with(password, setting, hash))
        return err_new(ERR_INTERNAL, "libcrypt has no bcrypt");
    hash[2] = BCRYPT_WRITTEN;
    buf_add(out, (struct str){hash, BCRYPT_HASH_BYTES});
    return NULL;
}

static bool is_bcrypt_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '/';
}

static bool is_bcrypt(struct str hash)
{
    uint64_t cost;
    if (hash.n != BCRYPT_HASH_BYTES || !str_starts(hash, STR("$2")) || hash.p[3] != '$' ||
        hash.p[6] != '$' || (hash.p[2] != 'a' && hash.p[2] != 'b' && hash.p[2] != 'y'))
        return false;
    for (size_t i = 7; i < hash.n; i++)
        if (!is_bcrypt_char(hash.p[i]))
            return false;
    return str_to_u64(str_sub(hash, 4, 2), &cost) && cost >= PKI_PASSWORD_COST_MIN &&
           cost <= PKI_PASSWORD_COST_MAX;
}

bool pki_password_verify(struct str password, struct str hash)
{
    if (!is_usable(password) || !is_bcrypt(hash))
        return false;
    char setting[BCRYPT_SETTING_BYTES + 1], computed[BCRYPT_HASH_BYTES + 1];
    memcpy(setting, hash.p, BCRYPT_SETTING_BYTES);
    setting[BCRYPT_SETTING_BYTES] = '\0';
    setting[2] = BCRYPT_COMPUTED;
    if (!hash_with(password, setting, computed))
        return false;
    return pki_equal(str_sub((struct str){computed, BCRYPT_HASH_BYTES}, 4, BCRYPT_HASH_BYTES),
                     str_sub(hash, 4, BCRYPT_HASH_BYTES));
}
