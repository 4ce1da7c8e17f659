/* Goal: bcrypt hashes are those that others make and read, within bounds.
 * Method: a known hash, round trips, tables of what is refused. */
#include "tests/unit/support/check.h"

#include "engine/pki/password.h"

static const unsigned char salt[PKI_PASSWORD_SALT_BYTES] = {1, 2, 3};

static void known_hashes_verify(void **state)
{
    /* From the test set of the algorithm's first implementation; the second in its other spelling. */
    static const struct {
        const char *password, *hash;
    } known[] = {
        {"U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
        {"U*U*", "$2y$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        assert_true(pki_password_verify(str_c(known[i].password), str_c(known[i].hash)));
        assert_false(pki_password_verify(STR("U*X"), str_c(known[i].hash)));
    }
}

static void hashes_go_round(void **state)
{
    char longest[PKI_PASSWORD_BYTES_MAX];
    memset(longest, '\xe9', sizeof(longest));
    const struct str passwords[] = {STR("a"), STR("p\xc3\xa4ss word"), {longest, sizeof(longest)}};
    for (size_t i = 0; i < ARRAY_LEN(passwords); i++) {
        struct buf hash = {0}, again = {0};
        check_ok(pki_password_make(passwords[i], PKI_PASSWORD_COST_MIN, salt, &hash));
        check_ok(pki_password_make(passwords[i], PKI_PASSWORD_COST_MIN, salt, &again));
        check_str_eq(buf_str(&hash), buf_str(&again)); /* the salt is the caller's */
        assert_true(str_starts(buf_str(&hash), STR("$2a$04$")));
        assert_true(pki_password_verify(passwords[i], buf_str(&hash)));
        assert_false(pki_password_verify(STR("b"), buf_str(&hash)));
        hash.p[hash.n - 1] ^= 1;
        assert_false(pki_password_verify(passwords[i], buf_str(&hash)));
        buf_free(&hash);
        buf_free(&again);
    }
}

static void bad_passwords_are_refused(void **state)
{
    char too_long[PKI_PASSWORD_BYTES_MAX + 1];
    memset(too_long, 'x', sizeof(too_long));
    struct buf hash = {0};
    check_err(pki_password_make(str_empty, 4, salt, &hash), ERR_UNPROCESSABLE, "1 to 72");
    check_err(pki_password_make(STR("a\0b"), 4, salt, &hash), ERR_UNPROCESSABLE, "NUL");
    check_err(pki_password_make((struct str){too_long, sizeof(too_long)}, 4, salt, &hash),
              ERR_UNPROCESSABLE, "1 to 72");
    check_err(pki_password_make(STR("a"), 3, salt, &hash), ERR_INVALID, "cost");
    check_err(pki_password_make(STR("a"), 16, salt, &hash), ERR_INVALID, "cost");
    assert_int_equal(hash.n, 0);
}

static void bad_hashes_do_not_verify(void **state)
{
    static const char *const hashes[] = {
        "",
        "x",
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeWW",
        "$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2a$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2c$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2a$05$CCCCCCCCCCCCCCCCCCCC:.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$1a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2a$0x$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    };
    for (size_t i = 0; i < ARRAY_LEN(hashes); i++)
        assert_false(pki_password_verify(STR("U*U"), str_c(hashes[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_hashes_verify),
        cmocka_unit_test(hashes_go_round),
        cmocka_unit_test(bad_passwords_are_refused),
        cmocka_unit_test(bad_hashes_do_not_verify),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
