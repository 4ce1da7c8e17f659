/* Goal: hashes and PEM blocks are exact, CA checksums follow the text and CA pins the keys only.
 * Method: known values, and one CA set written in several ways. */
#include "tests/unit/support/check.h"

#include "engine/pki/x509.h"

#define HELLO_SHA256 "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

static void make_ca(struct buf *pem, unsigned char seed, int64_t not_after_s)
{
    unsigned char entropy[PKI_ENTROPY_BYTES] = {seed};
    struct pki_key *key = pki_key_derive(PKI_ED25519, entropy);
    struct pki_cert_spec spec = {
        .common_name = STR("test-ca"), .not_after_s = not_after_s, .serial = 1, .usage = PKI_CA};
    struct buf der = {0};
    check_ok(pki_issue(&spec, key, str_empty, key, &der));
    pki_pem_add(pem, "CERTIFICATE", buf_str(&der));
    buf_free(&der);
    pki_key_free(key);
}

static void hashes_are_known(void **state)
{
    struct buf hex = {0};
    pki_sha256_hex(STR("hello"), &hex);
    check_str(buf_str(&hex), HELLO_SHA256);
    unsigned char whole[PKI_SHA256_BYTES], parts[PKI_SHA256_BYTES];
    pki_sha256(STR("hello"), whole);
    struct pki_hash *h = pki_hash_new();
    pki_hash_add(h, STR("he"));
    pki_hash_add(h, str_empty);
    pki_hash_add(h, STR("llo"));
    pki_hash_end(h, parts);
    assert_memory_equal(whole, parts, sizeof(whole));
    buf_clear(&hex); /* RFC 4231, test cases 2 and 6 */
    pki_hmac_sha256_hex(STR("Jefe"), STR("what do ya want for nothing?"), &hex);
    check_str(buf_str(&hex), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    char long_key[131];
    memset(long_key, 0xaa, sizeof(long_key));
    buf_clear(&hex);
    pki_hmac_sha256_hex((struct str){long_key, sizeof(long_key)},
                        STR("Test Using Larger Than Block-Size Key - Hash Key First"), &hex);
    check_str(buf_str(&hex), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    assert_true(pki_equal(STR("abc"), STR("abc")));
    assert_false(pki_equal(STR("abc"), STR("abd")));
    assert_false(pki_equal(STR("abc"), STR("ab")));
    assert_true(pki_equal(str_empty, str_empty));
    buf_free(&hex);
}

static void blocks_come_one_by_one(void **state)
{
    struct str rest = STR("a comment\n-----BEGIN A-----\r\naGVs\r\n bG8=\r\n-----END A-----\r\n"
                          "-----BEGIN B B-----\n/+8=\n-----END B B-----"),
               label;
    struct buf der = {0};
    check_ok(pki_pem_next(&rest, &label, &der));
    check_str(label, "A");
    check_str(buf_str(&der), "hello");
    buf_clear(&der);
    check_ok(pki_pem_next(&rest, &label, &der));
    check_str(label, "B B");
    check_str(buf_str(&der), "\xff\xef");
    check_ok(pki_pem_next(&rest, &label, &der));
    assert_int_equal(label.n, 0);
    buf_free(&der);
}

static void bad_blocks_are_refused(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"-----BEGIN A-----\naGVsbG8=\n", "has no end"},
        {"-----BEGIN A-----\naGVsbG8=\n-----END B-----\n", "has no end"},
        {"-----BEGIN A-----\naGVsbG8\n-----END A-----\n", "not base64"},
        {"-----BEGIN A-----\n-----END A-----\n", "not base64"},
        {"-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\naGVsbG8=\n-----END A-----\n", "encrypted"},
        {"-----BEGIN ----------END -----", "no name"},
        {"-----BEGIN ", "no name"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str rest = str_c(cases[i].text), label;
        struct buf der = {0};
        check_err(pki_pem_next(&rest, &label, &der), ERR_INVALID, cases[i].message);
        buf_free(&der);
    }
}

static void long_blocks_are_refused(void **state)
{
    struct buf text = {0}, der = {0};
    buf_add_c(&text, "-----BEGIN A-----\n");
    for (size_t i = 0; i < PKI_DER_BYTES_MAX; i++)
        buf_add_c(&text, "AAAA");
    buf_add_c(&text, "-----END A-----\n");
    struct str rest = buf_str(&text), label;
    check_err(pki_pem_next(&rest, &label, &der), ERR_TOO_LARGE, "more than");
    (void)buf_grow(&text, PKI_PEM_BYTES_MAX);
    rest = buf_str(&text);
    check_err(pki_pem_next(&rest, &label, &der), ERR_TOO_LARGE, "at most");
    buf_free(&text);
    buf_free(&der);
}

static void written_blocks_are_read_back(void **state)
{
    struct buf pem = {0}, der = {0};
    char bytes[200];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 7);
    for (size_t n = 1; n <= sizeof(bytes); n++) {
        buf_clear(&pem);
        buf_clear(&der);
        pki_pem_add(&pem, "X", (struct str){bytes, n});
        struct str rest = buf_str(&pem), label;
        check_ok(pki_pem_next(&rest, &label, &der));
        struct str want = {bytes, n};
        check_str_eq(buf_str(&der), want);
    }
    buf_free(&pem);
    buf_free(&der);
}

static void checksum_is_of_the_text(void **state)
{
    struct buf with = {0}, without = {0}, twice = {0};
    pki_ca_checksum(STR("hello\n"), &with);
    pki_ca_checksum(STR("hello"), &without);
    pki_ca_checksum(STR("hello\n\n"), &twice);
    check_str(buf_str(&with), "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
    check_str_eq(buf_str(&with), buf_str(&without));
    assert_false(str_eq(buf_str(&with), buf_str(&twice)));
    buf_clear(&with);
    pki_ca_checksum(str_empty, &with);
    assert_int_equal(with.n, 0);
    buf_free(&with);
    buf_free(&without);
    buf_free(&twice);
}

static struct str pin_of(struct buf *text)
{
    struct buf pin = {0};
    check_ok(pki_ca_pin(buf_str(text), &pin));
    return buf_take(&pin);
}

static void pin_is_of_the_keys(void **state)
{
    struct buf a = {0}, renewed = {0}, b = {0}, text = {0};
    make_ca(&a, 1, 1000000);
    make_ca(&renewed, 1, 2000000); /* the same key */
    make_ca(&b, 2, 1000000);
    buf_addf(&text, "%s%s", buf_c(&a), buf_c(&b));
    struct str both = pin_of(&text);
    for (int i = 0; i < 3; i++) { /* other order; repetition; renewal and a note */
        buf_clear(&text);
        buf_add_c(&text, i == 1 ? "\r\n" : "");
        buf_add(&text, i == 0 ? buf_str(&b) : buf_str(&renewed));
        buf_add_c(&text, i == 2 ? "\nnote\n\t" : "");
        buf_add(&text, i == 0 ? buf_str(&a) : buf_str(&b));
        if (i == 1)
            buf_add(&text, buf_str(&a));
        struct str other = pin_of(&text);
        check_str_eq(other, both);
        str_free(&other);
    }
    struct str only_a = pin_of(&a), only_b = pin_of(&b);
    assert_false(str_eq(only_a, both));
    assert_false(str_eq(only_a, only_b));
    struct buf none = {0};
    check_err(pki_ca_pin(STR("nothing"), &none), ERR_INVALID, "no CERTIFICATE");
    str_free(&both);
    str_free(&only_a);
    str_free(&only_b);
    buf_free(&a);
    buf_free(&renewed);
    buf_free(&b);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_are_known),
        cmocka_unit_test(blocks_come_one_by_one),
        cmocka_unit_test(bad_blocks_are_refused),
        cmocka_unit_test(long_blocks_are_refused),
        cmocka_unit_test(written_blocks_are_read_back),
        cmocka_unit_test(checksum_is_of_the_text),
        cmocka_unit_test(pin_is_of_the_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
