/* Goal: the TTL of negative answers is read rightly from good replies, and nothing is read beyond bad ones.
 * Method: replies built by hand; every shorter prefix of a good one; every single byte of it changed. */
#include "engine/world/uv/uv_dns_ttl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Question "x.test", one SOA in the authority section: record TTL `ttl`, MINIMUM `minimum`. */
static struct str reply(char out[128], uint32_t ttl, uint32_t minimum, bool as_answer)
{
    struct buf b = {0};
    buf_add(&b, (struct str){"\x12\x34\x81\x83\0\1", 6});
    buf_add(&b, as_answer ? (struct str){"\0\1\0\0\0\0", 6} : (struct str){"\0\0\0\1\0\0", 6});
    buf_add(&b, (struct str){"\1x\4test\0\0\1\0\1", 12});
    buf_add(&b, (struct str){"\xc0\x0e\0\6\0\1", 6});
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_add_char(&b, (char)(ttl >> shift));
    buf_add(&b, (struct str){"\0\x1a\2ns\xc0\x0e\0", 8});
    for (int i = 0; i < 16; i++)
        buf_add_char(&b, 1);
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_add_char(&b, (char)(minimum >> shift));
    assert_true(b.n <= 128);
    size_t n = b.n;
    memcpy(out, b.p, n);
    buf_free(&b);
    return (struct str){out, n};
}

static void least_of_both(void **state)
{
    char room[128];
    assert_int_equal(uvw_dns_negative_ttl(reply(room, 60, 30, false)), 30);
    assert_int_equal(uvw_dns_negative_ttl(reply(room, 20, 30, false)), 20);
    assert_int_equal(uvw_dns_negative_ttl(reply(room, 0, 30, false)), 0);
    assert_int_equal(uvw_dns_negative_ttl(reply(room, UINT32_MAX, UINT32_MAX, false)),
                     UVW_DNS_NEGATIVE_TTL_MAX_S);
}

static void only_in_the_authority_section(void **state)
{
    char room[128];
    assert_int_equal(uvw_dns_negative_ttl(reply(room, 60, 30, true)), 0);
}

static void every_prefix(void **state)
{
    char room[128];
    struct str whole = reply(room, 60, 30, false);
    for (size_t n = 0; n < whole.n; n++) {
        char *exact = mem_alloc(n); /* so that a sanitizer sees a byte too far */
        memcpy(exact, whole.p, n);
        assert_int_equal(uvw_dns_negative_ttl((struct str){exact, n}), 0);
        mem_free(exact);
    }
}

static void every_changed_byte(void **state)
{
    char room[128];
    struct str whole = reply(room, 60, 30, false);
    for (size_t i = 0; i < whole.n; i++)
        for (int bit = 0; bit < 8; bit++) {
            char *copy = mem_alloc(whole.n);
            memcpy(copy, whole.p, whole.n);
            copy[i] = (char)(copy[i] ^ 1 << bit);
            assert_true(uvw_dns_negative_ttl((struct str){copy, whole.n}) <=
                        UVW_DNS_NEGATIVE_TTL_MAX_S);
            mem_free(copy);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(least_of_both),
        cmocka_unit_test(only_in_the_authority_section),
        cmocka_unit_test(every_prefix),
        cmocka_unit_test(every_changed_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
