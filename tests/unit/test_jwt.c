/* Goal: tokens are signed and verified by the kind of the key, at the right times; nothing else gets through.
 * Method: round trips, tables of malformed tokens and of times. */
#include "tests/unit/support/check.h"

#include "engine/base/codec.h"
#include "engine/pki/jwt.h"
#include "tests/unit/support/rsa.h"

#define NOW INT64_C(1767225600)

static struct pki_key *key_of(enum pki_key_kind kind, unsigned char seed)
{
    unsigned char entropy[PKI_ENTROPY_BYTES] = {seed};
    return pki_key_derive(kind, entropy);
}

static void sign(struct buf *token, const struct pki_key *key, const char *claims_text)
{
    struct arena a = {0};
    cJSON *claims;
    check_ok(json_parse(&a, str_c(claims_text), &claims));
    pki_jwt_sign(key, STR("k\"1"), claims, token);
    arena_free(&a);
}

static void tokens_go_round(void **state)
{
    static const char *const names[] = {"EdDSA", "ES256"};
    for (int kind = PKI_ED25519; kind <= PKI_P256; kind++) {
        struct arena a = {0};
        struct buf token = {0};
        struct pki_jwt jwt;
        struct pki_key *key = key_of((enum pki_key_kind)kind, 1);
        struct pki_key *other = key_of((enum pki_key_kind)kind, 2);
        struct pki_key *other_kind = key_of((enum pki_key_kind) !kind, 1);
        sign(&token, key, "{\"sub\":\"system:serviceaccount:a:b\",\"exp\":1767225700}");
        check_ok(pki_jwt_read(&a, buf_str(&token), &jwt));
        check_str(jwt.algorithm, names[kind]);
        check_str(jwt.key_id, "k\"1");
        check_str(json_string_at(jwt.claims, "sub"), "system:serviceaccount:a:b");
        check_ok(pki_jwt_verify(&jwt, key, NOW, 0));
        check_err(pki_jwt_verify(&jwt, other, NOW, 0), ERR_UNAUTHORIZED, "signature");
        check_err(pki_jwt_verify(&jwt, other_kind, NOW, 0), ERR_UNAUTHORIZED, "algorithm");
        pki_key_free(key);
        pki_key_free(other);
        pki_key_free(other_kind);
        buf_free(&token);
        arena_free(&a);
    }
}

static void rsa_signs_tokens(void **state)
{
    struct arena a = {0};
    struct buf token = {0};
    struct pki_jwt jwt;
    struct pki_key *key;
    check_ok(pki_key_from_pem(str_c(test_rsa_pem), &key));
    sign(&token, key, "{}");
    check_ok(pki_jwt_read(&a, buf_str(&token), &jwt));
    check_str(jwt.algorithm, "RS256");
    check_ok(pki_jwt_verify(&jwt, key, NOW, 0));
    jwt.signature = str_sub(jwt.signature, 0, jwt.signature.n - 1);
    check_err(pki_jwt_verify(&jwt, key, NOW, 0), ERR_UNAUTHORIZED, "signature");
    pki_key_free(key);
    buf_free(&token);
    arena_free(&a);
}

/* The example of RFC 8037 appendix A.4: its payload is no JSON, so only the signature is compared. */
static void signature_is_that_of_the_rfc(void **state)
{
    struct buf seed = {0}, signature = {0}, text = {0};
    assert_true(base64url_decode(&seed, STR("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")));
    struct pki_key *key = pki_key_derive(PKI_ED25519, (const unsigned char *)seed.p);
    pki_sign(key, STR("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"), &signature);
    base64url_encode(&text, buf_str(&signature));
    check_str(buf_str(&text),
              "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt"
              "9g7sVvpAr_MuM0KAg");
    pki_key_free(key);
    buf_free(&seed);
    buf_free(&signature);
    buf_free(&text);
}

static void times_are_checked(void **state)
{
    static const struct {
        const char *claims;
        int64_t now_s, leeway_s;
        const char *message; /* NULL: fine */
    } cases[] = {
        {"{}", NOW, 0, NULL},
        {"{\"exp\":100}", 99, 0, NULL},
        {"{\"exp\":100}", 100, 0, "expired"},
        {"{\"exp\":100}", 109, 10, NULL},
        {"{\"exp\":100}", 110, 10, "expired"},
        {"{\"nbf\":100}", 99, 0, "not valid yet"},
        {"{\"nbf\":100}", 100, 0, NULL},
        {"{\"nbf\":100}", 90, 10, NULL},
        {"{\"nbf\":100}", 89, 10, "not valid yet"},
        {"{\"exp\":9223372036854775807}", NOW, 10, NULL},
        {"{\"nbf\":-9223372036854775808}", NOW, 10, NULL},
        {"{\"exp\":1e9}", 5, 0, "whole number"},
        {"{\"exp\":\"100\"}", 5, 0, "whole number"},
        {"{\"nbf\":null}", 5, 0, "whole number"},
        {"{\"exp\":9223372036854775808}", 5, 0, "whole number"},
    };
    struct pki_key *key = key_of(PKI_ED25519, 1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a = {0};
        struct buf token = {0};
        struct pki_jwt jwt;
        sign(&token, key, cases[i].claims);
        check_ok(pki_jwt_read(&a, buf_str(&token), &jwt));
        struct err *err = pki_jwt_verify(&jwt, key, cases[i].now_s, cases[i].leeway_s);
        if (cases[i].message)
            check_err(err, ERR_UNAUTHORIZED, cases[i].message);
        else
            check_ok(err);
        buf_free(&token);
        arena_free(&a);
    }
    pki_key_free(key);
}

static void encode_parts(struct buf *token, const char *header, const char *claims)
{
    base64url_encode(token, str_c(header));
    buf_add_char(token, '.');
    base64url_encode(token, str_c(claims));
    buf_add_c(token, ".AAAA");
}

static void malformed_tokens_are_refused(void **state)
{
    static const char *const whole[] = {
        "",           ".",        "..",        "a.b",           "a.b.c.d",
        "!.e30.AAAA", "e30.e30.", "e30.e30.A", "e30=.e30.AAAA", "e31.e30.AAAA"};
    static const struct {
        const char *header, *claims;
    } parts[] = {
        {"[]", "{}"},
        {"{\"alg\":\"EdDSA\"}", "[]"},
        {"{\"alg\":\"EdDSA\"}", "{\"a\":1,\"a\":2}"},
        {"{\"alg\":\"EdDSA\",\"crit\":[\"b64\"]}", "{}"},
        {"{\"alg\":\"EdDSA\",\"kid\":1}", "{}"},
        {"{\"alg\":\"EdDSA\"", "{}"},
        {"{\"alg\":\"EdDSA\"}", "{\"a\":01}"},
    };
    struct arena a = {0};
    struct pki_jwt jwt;
    for (size_t i = 0; i < ARRAY_LEN(whole); i++)
        check_err(pki_jwt_read(&a, str_c(whole[i]), &jwt), ERR_INVALID, "malformed");
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        struct buf token = {0};
        encode_parts(&token, parts[i].header, parts[i].claims);
        check_err(pki_jwt_read(&a, buf_str(&token), &jwt), ERR_INVALID, "malformed");
        buf_free(&token);
    }
    struct buf token = {0};
    (void)memset(buf_grow(&token, PKI_JWT_BYTES_MAX + 1), 'A', PKI_JWT_BYTES_MAX + 1);
    check_err(pki_jwt_read(&a, buf_str(&token), &jwt), ERR_TOO_LARGE, "at most");
    buf_free(&token);
    arena_free(&a);
}

static void no_other_algorithm_counts(void **state)
{
    static const char *const headers[] = {"{\"alg\":\"none\"}", "{\"alg\":\"HS256\"}", "{}",
                                          "{\"alg\":\"eddsa\"}", "{\"alg\":7}"};
    struct pki_key *key = key_of(PKI_ED25519, 1);
    struct arena a = {0};
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        struct buf token = {0};
        struct pki_jwt jwt;
        encode_parts(&token, headers[i], "{}");
        check_ok(pki_jwt_read(&a, buf_str(&token), &jwt));
        check_err(pki_jwt_verify(&jwt, key, NOW, 0), ERR_UNAUTHORIZED, "algorithm");
        buf_free(&token);
    }
    arena_free(&a);
    pki_key_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_go_round),
        cmocka_unit_test(rsa_signs_tokens),
        cmocka_unit_test(signature_is_that_of_the_rfc),
        cmocka_unit_test(times_are_checked),
        cmocka_unit_test(malformed_tokens_are_refused),
        cmocka_unit_test(no_other_algorithm_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
