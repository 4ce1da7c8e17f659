/* Goal: SPDY/3.1 as Kubernetes' clients speak it: frames are read in any pieces, header blocks with the draft's dictionary,
 * streams open, carry bytes and end; nothing malformed or without bound is taken.
 * Method: a session is fed frames of our own writer, whole and in pieces; real clients meet it in tests/conformance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/kubeapi/streams/spdy.h"
#include "tests/unit/support/check.h"

struct owner {
    struct buf told; /* what the handler heard: "o1 d1:abc e1 g1 " */
    bool refuses;
    struct spdy_stream *last;
};

static bool on_opened(void *owner, struct spdy_stream *st, const struct spdy_pair *headers,
                      size_t n)
{
    struct owner *o = owner;
    buf_addf(&o->told, "o%u:" STR_FMT " ", st->id, STR_ARG(spdy_header(headers, n, "streamType")));
    o->last = st;
    return !o->refuses;
}
static void on_data(void *owner, struct spdy_stream *st, struct str bytes)
{
    struct owner *o = owner;
    buf_addf(&o->told, "d%u:" STR_FMT " ", st->id, STR_ARG(bytes));
}
static void on_ended(void *owner, struct spdy_stream *st)
{
    buf_addf(&((struct owner *)owner)->told, "e%u ", st->id);
}
static void on_gone(void *owner, struct spdy_stream *st)
{
    buf_addf(&((struct owner *)owner)->told, "g%u ", st->id);
}
static const struct spdy_handler handler = {on_opened, on_data, on_ended, on_gone};

struct bench {
    struct owner o;
    struct spdy *s;
    struct spdy_deflater *z;
    struct buf in;
};

static void bench_open(struct bench *b)
{
    *b = (struct bench){0};
    b->s = spdy_new(&handler, &b->o);
    b->z = spdy_deflater_new();
}
static void bench_close(struct bench *b)
{
    spdy_free(b->s);
    spdy_deflater_free(b->z);
    buf_free(&b->in);
    buf_free(&b->o.told);
}

static void add_syn(struct bench *b, uint32_t id, const char *type, bool fin)
{
    const struct spdy_pair pairs[] = {{STR("streamtype"), str_c(type)}};
    struct buf payload = {0};
    size_t at = b->in.n;
    spdy_put_u32(&payload, id);
    spdy_put_u32(&payload, 0);
    buf_add(&payload, (struct str){"\0\0", 2});
    spdy_headers_write(b->z, pairs, 1, &payload);
    spdy_write_control(&b->in, SPDY_SYN_STREAM, buf_str(&payload));
    if (fin)
        b->in.p[at + 4] = SPDY_FIN;
    buf_free(&payload);
}
static void add_words(struct bench *b, enum spdy_type type, uint32_t first, uint32_t second)
{
    struct buf payload = {0};
    spdy_put_u32(&payload, first);
    if (type != SPDY_PING)
        spdy_put_u32(&payload, second);
    spdy_write_control(&b->in, type, buf_str(&payload));
    buf_free(&payload);
}
/* In pieces of that size; 0: whole. */
static bool feed(struct bench *b, size_t piece)
{
    bool ok = true;
    for (size_t i = 0; ok && i < b->in.n; i += piece ? piece : b->in.n)
        ok = spdy_feed(b->s, str_sub(buf_str(&b->in), i, piece ? piece : b->in.n));
    buf_clear(&b->in);
    return ok;
}
static void told(struct bench *b, const char *what)
{
    check_str_eq(buf_str(&b->o.told), str_c(what));
    buf_clear(&b->o.told);
}

static void streams_live_and_end(void **state)
{
    for (size_t piece = 0; piece < 20; piece++) {
        struct bench b;
        bench_open(&b);
        add_syn(&b, 1, "error", true);
        add_syn(&b, 3, "data", false);
        assert_true(feed(&b, piece));
        told(&b, "o1:error e1 o3:data ");
        struct spdy_stream *data = b.o.last;
        spdy_write_data(&b.in, 3, true, STR("x"));
        assert_true(feed(&b, 0));
        told(&b, "d3:x e3 ");
        spdy_send(b.s, data, STR("answer"));
        spdy_finish(b.s, data);
        told(&b, "g3 ");
        spdy_write_data(&b.in, 3, false, STR("late")); /* was under way */
        add_words(&b, SPDY_RST_STREAM, 1, 5);
        assert_true(feed(&b, piece));
        told(&b, "g1 ");
        bench_close(&b);
    }
}

static void answers_are_frames(void **state)
{
    struct bench b;
    struct spdy_reader r = {0};
    struct spdy_frame f;
    bench_open(&b);
    add_syn(&b, 1, "data", false);
    add_words(&b, SPDY_PING, 7, 0);
    add_words(&b, SPDY_PING, 8, 0); /* nobody asked for that answer */
    assert_true(feed(&b, 0));
    spdy_send(b.s, b.o.last, STR("abc"));
    spdy_finish(b.s, b.o.last);
    spdy_goodbye(b.s);
    struct str out = buf_str(spdy_out(b.s));
    static const struct {
        enum spdy_type type;
        uint32_t stream;
        bool fin;
    } frames[] = {{SPDY_SYN_REPLY, 1, false},
                  {SPDY_PING, 7, false},
                  {SPDY_DATA, 1, false},
                  {SPDY_DATA, 1, true},
                  {SPDY_GOAWAY, 1, false}};
    for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
        assert_int_equal(spdy_read(&r, &out, &f), SPDY_FRAME);
        assert_int_equal(f.type, frames[i].type);
        assert_int_equal(f.stream, frames[i].stream);
        assert_int_equal(f.fin, frames[i].fin);
    }
    assert_int_equal(spdy_read(&r, &out, &f), SPDY_MORE);
    spdy_reader_free(&r);
    add_words(&b, SPDY_GOAWAY, 1, 0);
    assert_true(!spdy_going(b.s) && feed(&b, 0) && spdy_going(b.s));
    bench_close(&b);
}

/* Clients name the dictionary by its checksum: e3c6a7c2. */
static void the_dictionary_is_that_of_the_draft(void **state)
{
    struct spdy_deflater *z = spdy_deflater_new();
    struct buf out = {0};
    spdy_headers_write(z, NULL, 0, &out);
    assert_true(out.n > 6);
    assert_memory_equal(out.p + 2, "\xe3\xc6\xa7\xc2", 4);
    buf_free(&out);
    spdy_deflater_free(z);
}

static void what_is_wrong_ends_it(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
    } rows[] = {
        {"\x80\x02\0\x06\0\0\0\x04\0\0\0\x01", 12},               /* another version */
        {"\x80\x03\0\x06\0\0\0\x03\0\0\0", 11},                   /* a short ping */
        {"\x80\x03\0\x01\0\0\0\x05\0\0\0\x01\0", 13},             /* a short SYN_STREAM */
        {"\x80\x03\0\x01\0\0\0\x0c\0\0\0\x01\0\0\0\0\0\0zz", 20}, /* no zlib */
        {"\x80\x03\0\x04\0\x01\0\x01", 8},                        /* longer than may be */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bench b;
        bench_open(&b);
        buf_add(&b.in, (struct str){rows[i].bytes, rows[i].n});
        if (feed(&b, 0))
            fail_msg("row %zu was taken", i);
        bench_close(&b);
    }
    static const uint32_t ids[][2] = {{2, 0}, {3, 3}, {3, 1}};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) { /* ids are odd and grow */
        struct bench b;
        bench_open(&b);
        add_syn(&b, ids[i][0], "a", false);
        if (ids[i][1])
            add_syn(&b, ids[i][1], "b", false);
        assert_false(feed(&b, 0));
        bench_close(&b);
    }
}

static void bombs_and_floods_are_refused(void **state)
{
    struct bench b;
    struct buf big = {0};
    char *zeros = buf_grow(&big, SPDY_HEADERS_MAX);
    memset(zeros, 'a', SPDY_HEADERS_MAX);
    bench_open(&b);
    add_syn(&b, 1, buf_c(&big), false); /* small on the wire */
    assert_true(b.in.n < 2000);
    assert_false(feed(&b, 0));
    bench_close(&b);
    buf_free(&big);

    bench_open(&b);
    for (uint32_t i = 0; i <= SPDY_STREAMS_MAX; i++)
        add_syn(&b, 2 * i + 1, "x", false);
    assert_true(feed(&b, 0));
    struct str out = buf_str(spdy_out(b.s));
    struct str last = str_sub(out, out.n - 16, 16); /* the one too many is reset */
    assert_memory_equal(last.p, "\x80\x03\0\x03\0\0\0\x08", 8);
    assert_int_equal(spdy_get_u32(last, 8), 2 * SPDY_STREAMS_MAX + 1);
    bench_close(&b);

    bench_open(&b); /* refused by its owner: forgotten without a word */
    b.o.refuses = true;
    add_syn(&b, 1, "x", true);
    assert_true(feed(&b, 0));
    told(&b, "o1:x ");
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_live_and_end),
        cmocka_unit_test(answers_are_frames),
        cmocka_unit_test(the_dictionary_is_that_of_the_draft),
        cmocka_unit_test(what_is_wrong_ends_it),
        cmocka_unit_test(bombs_and_floods_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
