/* Goal: frames of the tunnel are, byte for byte, what the protocol's other implementations send and accept.
 * Method: tables of worked frames in hex, encoded and decoded; tables of malformed ones; bounds of texts. */
#include "engine/base/codec.h"
#include "engine/tunnel/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

struct worked {
    const char *hex;
    struct tunnel_frame frame;
};

#define CLIENT_TEXT "c-m-abcd1234/7"
static const struct worked worked[] = {
    {"d20f0404b0ea017463702f31302e34332e302e313a343433",
     {1001, 2, TUNNEL_CONNECT, STR_INIT("tcp/10.43.0.1:443")}},
    {"d40f0402b0ea01474554202f20485454502f312e310d0a0d0a",
     {1002, 2, TUNNEL_DATA, STR_INIT("GET / HTTP/1.1\r\n\r\n")}},
    {"d60f0402b0ea016f6b", {1003, 2, TUNNEL_DATA, STR_INIT("ok")}},
    {"d80f0406454f46", {1004, 2, TUNNEL_ERROR, STR_INIT("EOF")}},
    {"da0f040c", {1005, 2, TUNNEL_PAUSE, STR_INIT("")}},
    {"dc0f040e", {1006, 2, TUNNEL_RESUME, STR_INIT("")}},
    {"de0f0008632d6d2d61626364313233342f37", {1007, 0, TUNNEL_ADD_CLIENT, STR_INIT(CLIENT_TEXT)}},
    {"e00f000a632d6d2d61626364313233342f37",
     {1008, 0, TUNNEL_REMOVE_CLIENT, STR_INIT(CLIENT_TEXT)}},
    {"e20f001002000000000000000500000000000000",
     {1009, 0, TUNNEL_SYNC, STR_INIT("\2\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0")}},
    {"e40f0010", {1010, 0, TUNNEL_SYNC, STR_INIT("")}},
    {"e60f1204b0ea017374762d636c75737465722d632d6d2d61626364313233343a3a7463702f3132372e302e302e313"
     "a"
     "36303830",
     {1011, 9, TUNNEL_CONNECT, STR_INIT("stv-cluster-c-m-abcd1234::tcp/127.0.0.1:6080")}},
};

static void assert_str(struct str got, struct str want)
{
    assert_int_equal(got.n, want.n);
    assert_memory_equal(got.p, want.p, want.n);
}

static void test_worked_frames_encode(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(worked); i++) {
        struct buf bytes = {0}, hex = {0};
        tunnel_frame_encode(&bytes, &worked[i].frame);
        hex_encode(&hex, buf_str(&bytes));
        assert_string_equal(buf_c(&hex), worked[i].hex);
        buf_free(&bytes);
        buf_free(&hex);
    }
}

static void test_worked_frames_decode(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(worked); i++) {
        struct buf bytes = {0};
        struct tunnel_frame f;
        assert_true(hex_decode(&bytes, str_c(worked[i].hex)));
        assert_null(tunnel_frame_decode(buf_str(&bytes), &f));
        assert_int_equal(f.id, worked[i].frame.id);
        assert_int_equal(f.conn, worked[i].frame.conn);
        assert_int_equal(f.type, worked[i].frame.type);
        assert_str(f.payload, worked[i].frame.payload);
        buf_free(&bytes);
    }
}

static void test_any_id_is_legal(void **state)
{
    (void)state;
    static const int64_t ids[] = {0, 1, -1, 300, 15000, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        struct buf bytes = {0};
        struct tunnel_frame f;
        tunnel_frame_encode(&bytes, &(struct tunnel_frame){ids[i], ids[i], TUNNEL_DATA, STR("x")});
        assert_null(tunnel_frame_decode(buf_str(&bytes), &f));
        assert_int_equal(f.id, ids[i]);
        assert_int_equal(f.conn, ids[i]);
        buf_free(&bytes);
    }
}

static void test_malformed(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",                                 /* nothing */
        "d2",                               /* ends inside an integer */
        "d20f",                             /* no connection */
        "d20f04",                           /* no type */
        "d20f0402",                         /* Data without its deadline */
        "d20f0404b0ea",                     /* Connect that ends in its deadline */
        "ffffffffffffffffffff010402b0ea01", /* an integer of eleven bytes */
        "ffffffffffffffffff7f0402b0ea01",   /* beyond 64 bits */
        "e20f001002000000000000",           /* a list that is no multiple of 8 */
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct buf bytes = {0};
        struct tunnel_frame f;
        assert_true(hex_decode(&bytes, str_c(bad[i])));
        struct err *err = tunnel_frame_decode(buf_str(&bytes), &f);
        assert_non_null(err);
        assert_int_equal(err->code, ERR_PROTOCOL);
        err_free(err);
        buf_free(&bytes);
    }
}

static void test_bounds(void **state)
{
    (void)state;
    static const struct {
        enum tunnel_type type;
        size_t bound;
    } table[] = {
        {TUNNEL_CONNECT, 266},       {TUNNEL_ERROR, 100},   {TUNNEL_ADD_CLIENT, 100},
        {TUNNEL_REMOVE_CLIENT, 100}, {TUNNEL_DATA, 100000},
    };
    char text[100000];
    memset(text, 'a', sizeof(text));
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        char head[TUNNEL_HEAD_BYTES_MAX];
        struct buf bytes = {0}, ours = {0};
        struct tunnel_frame f;
        size_t n = tunnel_frame_head(head, 1, 2, table[i].type);
        buf_add(&bytes, (struct str){head, n});
        buf_add(&bytes, (struct str){text, sizeof(text)});
        assert_null(tunnel_frame_decode(buf_str(&bytes), &f)); /* read: silently cut */
        assert_int_equal(f.payload.n, table[i].bound);
        tunnel_frame_encode(&ours,
                            &(struct tunnel_frame){1, 2, table[i].type, {text, sizeof(text)}});
        assert_int_equal(ours.n, n + table[i].bound); /* written: never more */
        buf_free(&bytes);
        buf_free(&ours);
    }
}

static void test_connect_text(void **state)
{
    (void)state;
    static const struct {
        const char *text, *proto, *address; /* proto NULL: malformed */
    } table[] = {
        {"tcp/10.43.0.1:443", "tcp", "10.43.0.1:443"},
        {"unix//var/run/docker.sock", "unix", "/var/run/docker.sock"},
        {"npipe///./pipe/docker_engine", "npipe", "//./pipe/docker_engine"},
        {"k::tcp/127.0.0.1:1", "k::tcp", "127.0.0.1:1"},
        {"tcp", NULL, NULL},
        {"tcp/", NULL, NULL},
        {"/x", NULL, NULL},
        {"", NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct str proto, address;
        struct err *err = tunnel_connect_parse(str_c(table[i].text), &proto, &address);
        assert_int_equal(err == NULL, table[i].proto != NULL);
        if (!err) {
            assert_str(proto, str_c(table[i].proto));
            assert_str(address, str_c(table[i].address));
        }
        err_free(err);
    }
}

static void test_forward_proto(void **state)
{
    (void)state;
    struct str key, rest;
    assert_true(tunnel_proto_forward(STR("c-abcde::tcp"), &key, &rest));
    assert_str(key, STR("c-abcde"));
    assert_str(rest, STR("tcp"));
    assert_true(tunnel_proto_forward(STR("a::b::tcp"), &key, &rest)); /* cut at the first */
    assert_str(key, STR("a"));
    assert_str(rest, STR("b::tcp"));
    assert_false(tunnel_proto_forward(STR("tcp"), &key, &rest));
    assert_false(tunnel_proto_forward(STR("::tcp"), &key, &rest));
    assert_false(tunnel_proto_forward(STR("c-abcde::"), &key, &rest));
}

static void test_client_text(void **state)
{
    (void)state;
    struct str key;
    uint64_t number;
    assert_null(tunnel_client_parse(STR("c-m-abcd1234/7"), &key, &number));
    assert_str(key, STR("c-m-abcd1234"));
    assert_int_equal(number, 7);
    assert_null(tunnel_client_parse(STR("a/b/9223372036854775807"), &key, &number));
    assert_str(key, STR("a/b"));
    assert_true(number == INT64_MAX);
    static const char *const bad[] = {"", "k", "k/", "/7", "k/x", "k/-1", "k/18446744073709551616"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err *err = tunnel_client_parse(str_c(bad[i]), &key, &number);
        assert_non_null(err);
        err_free(err);
    }
}

static void test_sync_list(void **state)
{
    (void)state;
    static const int64_t ids[] = {2, 5, 255, 256, INT64_MAX};
    struct buf b = {0};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        tunnel_sync_add(&b, ids[i]);
    assert_int_equal(b.n, 8 * ARRAY_LEN(ids));
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        assert_true(tunnel_sync_at(buf_str(&b), i) == ids[i]);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worked_frames_encode),
        cmocka_unit_test(test_worked_frames_decode),
        cmocka_unit_test(test_any_id_is_legal),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_connect_text),
        cmocka_unit_test(test_forward_proto),
        cmocka_unit_test(test_client_text),
        cmocka_unit_test(test_sync_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
