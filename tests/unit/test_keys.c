/* Goal: keys are functions of their entropy, survive PEM, and sign what only they verify.
 * Method: the first test vector of RFC 8032; each kind of key against each other. */
#include "tests/unit/support/check.h"

#include "engine/base/codec.h"
#include "engine/pki/keys.h"
#include "tests/unit/support/rsa.h"

/* RFC 8032 section 7.1, TEST 1 */
#define SEED "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
#define SIGNATURE                                                                                  \
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9" \
    "b46bd25bf5f0595bbe24655141438e7a100b"

static void ed25519_is_that_of_the_rfc(void **state)
{
    struct buf seed = {0}, signature = {0}, hex = {0};
    assert_true(hex_decode(&seed, STR(SEED)));
    assert_int_equal(seed.n, PKI_ENTROPY_BYTES);
    struct pki_key *key = pki_key_derive(PKI_ED25519, (const unsigned char *)seed.p);
    pki_sign(key, str_empty, &signature);
    hex_encode(&hex, buf_str(&signature));
    check_str(buf_str(&hex), SIGNATURE);
    assert_true(pki_verify(key, str_empty, buf_str(&signature)));
    pki_key_free(key);
    buf_free(&seed);
    buf_free(&signature);
    buf_free(&hex);
}

static void derived_keys_are_stable(void **state)
{
    /* Computed apart from this program, of 32 zero bytes. They must never change: clusters would lose their identity. */
    static const char *const ids[] = {
        [PKI_ED25519] = "339e2ff917630507b6a423b5ce084e285d1fa65d93b3e27a6195d3bbebc9ae23",
        [PKI_P256] = "6b6b7bcdfbead224cf8068b074be04c24006833eb0f8a61ecbe962e488491269",
    };
    for (int kind = PKI_ED25519; kind <= PKI_P256; kind++) {
        unsigned char entropy[PKI_ENTROPY_BYTES] = {0};
        struct pki_key *a = pki_key_derive((enum pki_key_kind)kind, entropy);
        struct buf id = {0};
        pki_key_id(a, &id);
        check_str(buf_str(&id), ids[kind]);
        pki_key_free(a);
        buf_free(&id);
    }
}

static void signatures_are_verified(void **state)
{
    for (int kind = PKI_ED25519; kind <= PKI_P256; kind++) {
        unsigned char one[PKI_ENTROPY_BYTES] = {1}, two[PKI_ENTROPY_BYTES] = {2};
        struct pki_key *key = pki_key_derive((enum pki_key_kind)kind, one);
        struct pki_key *other = pki_key_derive((enum pki_key_kind)kind, two);
        struct buf signature = {0};
        pki_sign(key, STR("message"), &signature);
        assert_int_equal(signature.n, 64);
        assert_true(pki_verify(key, STR("message"), buf_str(&signature)));
        assert_false(pki_verify(key, STR("massage"), buf_str(&signature)));
        assert_false(pki_verify(other, STR("message"), buf_str(&signature)));
        for (size_t n = 0; n < signature.n; n++)
            assert_false(pki_verify(key, STR("message"), (struct str){signature.p, n}));
        for (size_t i = 0; i < signature.n; i++) {
            signature.p[i] ^= 4;
            assert_false(pki_verify(key, STR("message"), buf_str(&signature)));
            signature.p[i] ^= 4;
        }
        pki_key_free(key);
        pki_key_free(other);
        buf_free(&signature);
    }
}

static void check_pem_round_trip(const struct pki_key *key)
{
    struct buf pem = {0}, public_pem = {0}, id = {0}, again = {0}, signature = {0};
    pki_key_to_pem(key, &pem);
    pki_key_public_to_pem(key, &public_pem);
    pki_key_id(key, &id);
    struct pki_key *private_key, *public_key;
    check_ok(pki_key_from_pem(buf_str(&pem), &private_key));
    check_ok(pki_key_public_from_pem(buf_str(&public_pem), &public_key));
    assert_true(pki_key_is_private(private_key));
    assert_false(pki_key_is_private(public_key));
    assert_int_equal(pki_key_kind(public_key), pki_key_kind(key));
    pki_key_id(public_key, &again);
    check_str_eq(buf_str(&again), buf_str(&id));
    pki_sign(private_key, STR("m"), &signature);
    assert_true(pki_verify(public_key, STR("m"), buf_str(&signature)));
    check_err(pki_key_from_pem(buf_str(&public_pem), &private_key), ERR_INVALID, "no private key");
    pki_key_free(private_key);
    pki_key_free(public_key);
    buf_free(&pem);
    buf_free(&public_pem);
    buf_free(&id);
    buf_free(&again);
    buf_free(&signature);
}

static void keys_survive_pem(void **state)
{
    for (int kind = PKI_ED25519; kind <= PKI_P256; kind++) {
        unsigned char entropy[PKI_ENTROPY_BYTES] = {9};
        struct pki_key *key = pki_key_derive((enum pki_key_kind)kind, entropy);
        check_pem_round_trip(key);
        pki_key_free(key);
    }
}

/* Below PKI_RSA_BITS_MIN. */
static const char small_rsa_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAMAPkkj3NPTfn9ER\n"
    "NUXOx9ujqwt4CVGj4/Mk2EkQ7CYEm1EpxfxqB0ZEWhgF/AQopfRneVT4UM90I8ZA\n"
    "BBK/C1e+5gomJDPd9F5jiLjPOS6B7gpPxrV37K1rqGZZoHi/7EGldI6RIQoqd8MV\n"
    "pjgSZsXxFkb8oPjD8SGt4xkM9hBTAgMBAAECgYATfEDyKCp2QY3cTyuhdnYuYW+E\n"
    "DVycrMz+qRlMaGwc+1CqrltI3ZT5Wwvs7gaAgYM8xZa4uSyxr23Fuk7ve/RxeHFH\n"
    "utlBuLOKQ8cnIJxNHz8xDWV8gxsGgIpvV1Fynm1ANhSWyWYcMAtFbpKpx1ipawPK\n"
    "5mLSy8mMkxBa1YWcKQJBAO3LmDgH4Sk9KxAEtn/5Ocbq1gA0Ltv5cyB+/pygXUTJ\n"
    "X+v6K4zqcjusX3n5qKr7vSMdhFRUxVrw3+sDacrxfl8CQQDOw6eir4hq+WMEm+JI\n"
    "9R5Kpsm27fi+sl3st/uYeFoDXIiAqCHfGezmnUippYoNRJR2warRWfo/5/K7QMpo\n"
    "FEqNAkAsj39p2IgoCy9bpBZy6sgZ733EsgKp9BfP2hxqS17O+hGAjfPFR1W6uvV1\n"
    "TQR/bgcmYmyexPfqr8K2LoCPqCtvAkEAsx4f7Plvjmx48Rcx0s417anLeSNyp5DR\n"
    "eS5xUMaCBAN3ZS1CGonVBnse5Yg4rgHJM4/WsQHnntELIFiif8OESQJAYKoV0XdU\n"
    "W4wA48dMHsdyKQuu/6evcXXy/782DL6bHKCdKBEc1wj9HX1x4slDolI+qM4zHoH1\n"
    "jKoWMC2TGbAavQ==\n"
    "-----END PRIVATE KEY-----\n";

static void rsa_is_imported(void **state)
{
    struct pki_key *key;
    check_ok(pki_key_from_pem(str_c(test_rsa_pem), &key));
    assert_int_equal(pki_key_kind(key), PKI_RSA);
    check_pem_round_trip(key);
    pki_key_free(key);
}

static void other_keys_are_refused(void **state)
{
    struct pki_key *key;
    check_err(pki_key_from_pem(STR(""), &key), ERR_INVALID, "no private key");
    check_err(pki_key_from_pem(
                  STR("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), &key),
              ERR_INVALID, "no private key");
    check_err(pki_key_from_pem(str_c(small_rsa_pem), &key), ERR_INVALID, "no private key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ed25519_is_that_of_the_rfc),
        cmocka_unit_test(derived_keys_are_stable),
        cmocka_unit_test(signatures_are_verified),
        cmocka_unit_test(keys_survive_pem),
        cmocka_unit_test(rsa_is_imported),
        cmocka_unit_test(other_keys_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
