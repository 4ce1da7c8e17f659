/* Goal: the answer to an upgrade is understood piece by piece: its status, and what of a refusal's body is there.
 * Method: tables of answers; every prefix of a whole one; sizes at the bounds. */
#include "engine/world/uv/uv_ws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void heads(void **state)
{
    static const struct {
        const char *text;
        int status; /* 0: not complete; -1: an error */
    } rows[] = {
        {"", 0},
        {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n", 0},
        {"HTTP/1.1 101 Switching Protocols\r\n\r\n", 101},
        {"HTTP/1.0 400 Bad Request\r\n\r\nbody", 400},
        {"HTTP/1.1 403\r\n\r\n", 403},
        {"HTTP/2 101 x\r\n\r\n", -1},
        {"HTTP/1.1 1x1 x\r\n\r\n", -1},
        {"HTTP/1.1 099 x\r\n\r\n", -1},
        {"SSH-2.0-x\r\n\r\n", -1},
        {"\r\n\r\n", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err *err = NULL;
        int status = 0;
        size_t body_at = 0;
        bool whole = uvw_ws_answer_head(str_c(rows[i].text), &status, &body_at, &err);
        assert_int_equal(whole, rows[i].status > 0);
        assert_int_equal(err != NULL, rows[i].status < 0);
        if (whole) {
            assert_int_equal(status, rows[i].status);
            assert_int_equal(memcmp(rows[i].text + body_at - 4, "\r\n\r\n", 4), 0);
        }
        err_free(err);
    }
}

static void a_head_is_bounded(void **state)
{
    char *text = mem_alloc(UVW_WS_HEAD_MAX);
    memset(text, 'a', UVW_WS_HEAD_MAX);
    struct err *err = NULL;
    int status;
    size_t body_at;
    assert_false(
        uvw_ws_answer_head((struct str){text, UVW_WS_HEAD_MAX - 1}, &status, &body_at, &err));
    assert_null(err);
    assert_false(uvw_ws_answer_head((struct str){text, UVW_WS_HEAD_MAX}, &status, &body_at, &err));
    assert_non_null(err);
    err_free(err);
    mem_free(text);
}

static void bodies(void **state)
{
    static const struct {
        const char *head, *rest, *body;
        bool whole;
    } rows[] = {
        {"Content-Length: 4", "body", "body", true},
        {"content-length:4", "bo", "bo", false},
        {"Content-Length: 4", "bodyNEXT", "body", true},
        {"Content-Length: 0", "", "", true},
        {"Server: x", "until the end", "until the end", false},
        {"Content-Length: x", "until the end", "until the end", false},
        {"Transfer-Encoding: chunked", "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", "abcde", true},
        {"Transfer-Encoding: chunked", "3\r\nabc\r\n2\r\nd", "abcd", false},
        {"Transfer-Encoding: chunked", "A\r\n0123456789\r\n", "0123456789", false},
        {"Transfer-Encoding: chunked", "zz\r\nabc\r\n", "", true},
        {"Transfer-Encoding: chunked", "", "", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf all = {0}, body = {0};
        buf_addf(&all, "HTTP/1.1 400 Bad Request\r\n%s\r\n\r\n", rows[i].head);
        size_t body_at = all.n;
        buf_add_c(&all, rows[i].rest);
        assert_int_equal(uvw_ws_answer_body(buf_str(&all), body_at, &body), rows[i].whole);
        assert_string_equal(buf_c(&body), rows[i].body);
        buf_free(&all);
        buf_free(&body);
    }
}

static void a_body_is_bounded(void **state)
{
    struct buf all = {0}, body = {0};
    buf_add_c(&all, "HTTP/1.1 400 Bad Request\r\n\r\n");
    size_t body_at = all.n;
    for (size_t i = 0; i <= WORLD_WS_REFUSAL_BYTES_MAX; i++)
        buf_add_char(&all, 'a');
    assert_true(uvw_ws_answer_body(buf_str(&all), body_at, &body));
    assert_int_equal(body.n, WORLD_WS_REFUSAL_BYTES_MAX);
    buf_free(&all);
    buf_free(&body);
}

/* The first fault of the frames, fed in pieces of the given size. */
static const char *fault_of(struct str frames, size_t piece)
{
    struct uvw_ws ws = {0}; /* without a handler: pings are dropped */
    const char *fault = NULL;
    for (size_t at = 0; at < frames.n && !fault; at += piece)
        fault = uvw_ws_scan(&ws, str_sub(frames, at, piece));
    buf_free(&ws.scan.ping);
    return fault;
}

static void frames(void **state)
{
#define FRAMES(text) STR_INIT(text)
    static const struct {
        struct str frames;
        const char *says; /* NULL: good */
    } rows[] = {
        {FRAMES("\x81\x02hi\x82\x00\x89\x01p\x8a\x00\x88\x02\x03\xe8"), NULL},
        {FRAMES("\x01\x01h\x89\x00\x80\x01i\x81\x00"), NULL},
        {FRAMES("\x82\x7e\x00\x03"
                "abc\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x01z"),
         NULL},
        {FRAMES("\xc1\x00"), "reserved"},
        {FRAMES("\x81\x80"), "masked"},
        {FRAMES("\x83\x00"), "opcode"},
        {FRAMES("\x8b\x00"), "opcode"},
        {FRAMES("\x09\x00"), "control"},
        {FRAMES("\x89\x7e\x00\x7e"), "control"},
        {FRAMES("\x80\x00"), "continues nothing"},
        {FRAMES("\x01\x00\x81\x00"), "inside another"},
        {FRAMES("\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00"), "63 bits"},
    };
#undef FRAMES
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t piece = 1; piece <= rows[i].frames.n; piece++) {
            const char *fault = fault_of(rows[i].frames, piece);
            assert_int_equal(fault != NULL, rows[i].says != NULL);
            if (fault && !strstr(fault, rows[i].says))
                fail_msg("row %zu: \"%s\" does not say \"%s\"", i, fault, rows[i].says);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads),  cmocka_unit_test(a_head_is_bounded),
        cmocka_unit_test(bodies), cmocka_unit_test(a_body_is_bounded),
        cmocka_unit_test(frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
