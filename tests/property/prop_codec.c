/* Goal: what is encoded is decoded to the same bytes; what a decoder accepts is what an encoder would have written; no
 * input reads or writes out of bounds. The same for durations and instants, which are encodings of a number.
 * Method: random bytes and numbers of every magnitude, whole and mutated. */
#include "tests/property/support/seed.h"

#include "engine/base/codec.h"
#include "engine/base/timefmt.h"

static int64_t any_number(struct rng *r)
{
    uint64_t v = rng_u64(r) >> draw(r, 64);
    return rng_chance(r, 500000) ? (int64_t)v : (int64_t)(0 - v);
}

/* In a block of its exact size, so that a sanitizer sees the first byte beyond. */
static struct str any_bytes(struct rng *r, size_t max)
{
    struct str s = {.n = draw(r, max + 1)};
    if (s.n == 0)
        return str_empty; /* owned bytes are never empty */
    char *p = mem_alloc(s.n);
    rng_bytes(r, p, s.n);
    s.p = p;
    return s;
}

static bool decode_path(struct buf *out, struct str text)
{
    return percent_decode(out, text, false);
}

static const struct {
    void (*encode)(struct buf *, struct str);
    bool (*decode)(struct buf *, struct str);
    bool canonical; /* one spelling for one value */
} codecs[] = {
    {hex_encode, hex_decode, false},
    {base64_encode, base64_decode, true},
    {base64url_encode, base64url_decode, true},
    {percent_encode, decode_path, false},
};

static void check_mutated(struct rng *r, size_t codec, struct buf *text)
{
    static const char alphabet[] = "ABCxyz019+/-_=%. \n\0\xff";
    struct buf back = {0}, again = {0};
    for (size_t k = 1 + draw(r, 3); k > 0 && text->n > 0; k--)
        text->p[draw(r, text->n)] = alphabet[draw(r, sizeof(alphabet))];
    struct str exact = str_dup(str_sub(buf_str(text), 0, draw(r, text->n + 1)));
    if (!codecs[codec].decode(&back, exact)) {
        assert_int_equal(back.n, 0);
    } else if (codecs[codec].canonical) {
        codecs[codec].encode(&again, buf_str(&back));
        check_str_eq(buf_str(&again), exact);
    }
    str_free(&exact);
    buf_free(&back);
    buf_free(&again);
}

static void try_texts(struct rng *r)
{
    for (int round = 0; round < 300; round++) {
        for (size_t c = 0; c < ARRAY_LEN(codecs); c++) {
            struct str bytes = any_bytes(r, 70);
            struct buf text = {0}, back = {0};
            codecs[c].encode(&text, bytes);
            assert_true(codecs[c].decode(&back, buf_str(&text)));
            check_str_eq(buf_str(&back), bytes);
            check_mutated(r, c, &text);
            buf_free(&text);
            buf_free(&back);
            str_free(&bytes);
        }
    }
}

static void try_varints(struct rng *r)
{
    for (int round = 0; round < 5000; round++) {
        char bytes[VARINT_BYTES_MAX];
        int64_t v = any_number(r), back;
        size_t n = varint_encode(bytes, v);
        assert_int_equal(varint_decode((struct str){bytes, sizeof(bytes)}, &back), n);
        assert_true(back == v);
        struct str junk = any_bytes(r, 12);
        n = varint_decode(junk, &back);
        assert_true(n <= junk.n && n <= VARINT_BYTES_MAX);
        str_free(&junk);
    }
}

static void try_times(struct rng *r)
{
    for (int round = 0; round < 2000; round++) {
        int64_t ns = any_number(r), back;
        struct buf text = {0};
        duration_format(&text, ns);
        if (ns != INT64_MIN) {
            assert_true(duration_parse(buf_str(&text), &back));
            assert_true(back == ns);
        }
        buf_clear(&text);
        rfc3339_format_micro(&text, ns);
        if (ns > INT64_MIN + NS_PER_S) { /* its first second is beyond what can be read */
            assert_true(rfc3339_parse(buf_str(&text), &back));
            assert_true(back <= ns && ns - back < NS_PER_US);
        }
        for (size_t k = 1 + draw(r, 3); k > 0; k--)
            text.p[draw(r, text.n)] = "0123456789-+.:TZdhmsun"[draw(r, 22)];
        struct str exact = str_dup(str_sub(buf_str(&text), 0, draw(r, text.n + 1)));
        (void)rfc3339_parse(exact, &back);
        (void)duration_parse(exact, &back);
        str_free(&exact);
        buf_free(&text);
    }
}

static void texts_go_round(void **state)
{
    each_seed(20, try_texts);
}

static void varints_go_round(void **state)
{
    each_seed(20, try_varints);
}

static void times_go_round(void **state)
{
    each_seed(20, try_times);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_go_round),
        cmocka_unit_test(varints_go_round),
        cmocka_unit_test(times_go_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
