/* The first byte chooses a reader, the rest is its input: each ends with an error, a verdict or a result. */
#include "engine/pki/jwt.h"
#include "engine/pki/password.h"
#include "engine/pki/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_pem(struct str text)
{
    struct buf out = {0};
    struct pki_pool *pool = NULL;
    struct pki_key *key = NULL;
    err_free(pki_ca_pin(text, &out));
    err_free(pki_pool_new(text, &pool));
    err_free(pki_key_from_pem(text, &key));
    pki_key_free(key);
    key = NULL;
    err_free(pki_key_public_from_pem(text, &key));
    pki_key_free(key);
    pki_pool_free(pool);
    buf_free(&out);
}

/* The chain is its own pool, so that its path is built and checked. */
static void read_chain(struct str chain)
{
    struct arena a = {0};
    struct pki_cert_info info;
    struct buf pem = {0};
    struct pki_pool *pool = NULL;
    err_free(pki_cert_read(&a, chain, &info));
    struct err *err = pki_chain_to_pem(chain, &pem);
    if (!err)
        err = pki_pool_new(buf_str(&pem), &pool);
    if (!err)
        (void)pki_verify_chain(pool, chain, STR("a.test"), PKI_SERVER, 1767225600, NULL);
    err_free(err);
    pki_pool_free(pool);
    buf_free(&pem);
    arena_free(&a);
}

static void read_token(struct str token)
{
    static const unsigned char entropy[PKI_ENTROPY_BYTES] = {1};
    struct arena a = {0};
    struct pki_jwt jwt;
    struct pki_key *key = pki_key_derive(PKI_ED25519, entropy);
    struct err *err = pki_jwt_read(&a, token, &jwt);
    if (!err)
        err = pki_jwt_verify(&jwt, key, 0, 0);
    err_free(err);
    pki_key_free(key);
    arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct str rest = {(const char *)data + 1, size - 1};
    switch (data[0] % 4) {
    case 0:
        read_pem(rest);
        break;
    case 1:
        read_chain(rest);
        break;
    case 2:
        read_token(rest);
        break;
    default: /* the cheapest cost only: hashing is slow by design */
        if (rest.n > 6 && rest.p[5] <= '4' && rest.p[4] == '0')
            (void)pki_password_verify(STR("a"), rest);
        break;
    }
    return 0;
}
