/* Goal: encodings are those of the RFCs and decoders refuse everything else, appending nothing.
 * Method: the RFCs' own vectors, tables of bad input. prop_codec.c does the round trips. */
#include "tests/unit/support/check.h"

#include "engine/base/codec.h"

static void known_encodings(void **state)
{
    static const struct {
        void (*encode)(struct buf *, struct str);
        const char *in, *out;
    } cases[] = {
        {base64_encode, "", ""},
        {base64_encode, "f", "Zg=="},
        {base64_encode, "fo", "Zm8="},
        {base64_encode, "foo", "Zm9v"},
        {base64_encode, "foob", "Zm9vYg=="},
        {base64_encode, "fooba", "Zm9vYmE="},
        {base64_encode, "foobar", "Zm9vYmFy"},
        {base64_encode, "\xfb\xff\xfe", "+//+"},
        {base64url_encode, "\xfb\xff\xfe", "-__-"},
        {base64url_encode, "f", "Zg"},
        {hex_encode, "\x01\xab\xff", "01abff"},
        {percent_encode, "aZ0-._~ /%\xc3\xa4", "aZ0-._~%20%2F%25%C3%A4"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = {0};
        cases[i].encode(&out, str_c(cases[i].in));
        check_str(buf_str(&out), cases[i].out);
        buf_free(&out);
    }
}

static bool plus_decode(struct buf *out, struct str text)
{
    return percent_decode(out, text, true);
}

static bool path_decode(struct buf *out, struct str text)
{
    return percent_decode(out, text, false);
}

static void known_decodings(void **state)
{
    static const struct {
        bool (*decode)(struct buf *, struct str);
        const char *in, *out; /* NULL: refused */
    } cases[] = {
        {base64_decode, "", ""},
        {base64_decode, "Zm9vYg==", "foob"},
        {base64_decode, "Zm9vYg", NULL},
        {base64_decode, "Zm9vYh==", NULL}, /* bits that mean nothing */
        {base64_decode, "Zm9vYg==Zm9v", NULL},
        {base64_decode, "Zm9=", NULL},
        {base64_decode, "====", NULL},
        {base64_decode, "A===", NULL},
        {base64_decode, "Zm9v\n", NULL},
        {base64_decode, "-__-", NULL},
        {base64url_decode, "-__-", "\xfb\xff\xfe"},
        {base64url_decode, "Zg", "f"},
        {base64url_decode, "Zg==", NULL},
        {base64url_decode, "Z", NULL},
        {base64url_decode, "+//+", NULL},
        {hex_decode, "01aBfF", "\x01\xab\xff"},
        {hex_decode, "0", NULL},
        {hex_decode, "0g", NULL},
        {hex_decode, "/0", NULL},
        {plus_decode, "a+b%20c%2b", "a b c+"},
        {path_decode, "a+b%2F", "a+b/"},
        {path_decode, "%", NULL},
        {path_decode, "%4", NULL},
        {path_decode, "a%4g", NULL},
        {path_decode, "%41", "A"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = {0};
        buf_add_c(&out, "before");
        bool ok = cases[i].decode(&out, str_c(cases[i].in));
        assert_int_equal(ok, cases[i].out != NULL);
        check_str(str_sub(buf_str(&out), 6, out.n), cases[i].out ? cases[i].out : "");
        buf_free(&out);
    }
}

static void varints_are_those_of_go(void **state)
{
    static const struct {
        int64_t v;
        const char *hex;
    } cases[] = {
        {0, "00"},
        {-1, "01"},
        {1, "02"},
        {63, "7e"},
        {-64, "7f"},
        {64, "8001"},
        {300, "d804"},
        {INT64_MAX, "feffffffffffffffff01"},
        {INT64_MIN, "ffffffffffffffffff01"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char bytes[VARINT_BYTES_MAX];
        struct buf hex = {0};
        size_t n = varint_encode(bytes, cases[i].v);
        hex_encode(&hex, (struct str){bytes, n});
        check_str(buf_str(&hex), cases[i].hex);
        int64_t back;
        assert_int_equal(varint_decode((struct str){bytes, n}, &back), n);
        assert_true(back == cases[i].v);
        for (size_t cut = 0; cut < n; cut++)
            assert_int_equal(varint_decode((struct str){bytes, cut}, &back), 0);
        buf_free(&hex);
    }
    int64_t v;
    assert_int_equal(varint_decode(STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), &v), 0);
    assert_int_equal(varint_decode(STR("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), &v), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_encodings),
        cmocka_unit_test(known_decodings),
        cmocka_unit_test(varints_are_those_of_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
