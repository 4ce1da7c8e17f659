/* Goal: a request is called what it was called outside only if that is well-formed; else it gets a name of our own, another
 * one each time; both are as safe on a log as in a header.
 * Method: raw requests against a handler that answers with the id. */
#include "tests/unit/support/check.h"
#include "tests/unit/support/raw_peer.h"

#include "engine/http/server.h"

#define TEXT_64 "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789ABCDEF"
#define GET(f)  "GET / HTTP/1.1\r\nHost: a\r\n" f "\r\n"

static void on_request(void *owner, struct http_exchange *x)
{
    struct buf *id = owner;
    buf_clear(id);
    buf_add(id, http_request_id(x));
    assert_true(str_eq(http_request_id(x), buf_str(id)));
    assert_true(http_request_id_given(x).n == 0 || str_eq(http_request_id_given(x), buf_str(id)));
    http_answer(x, 200, "text/plain", NULL, STR("ok"));
}

static void ids_are_well_formed(void **state)
{
    static const struct {
        const char *request, *id; /* NULL: one of our own */
    } rows[] = {{GET("X-Request-Id: a-1_B.2\r\n"), "a-1_B.2"},
                {GET("x-request-id: " TEXT_64 "\r\n"), TEXT_64},
                {GET("X-Request-Id: " TEXT_64 "0\r\n"), NULL},
                {GET("X-Request-Id: a b\r\n"), NULL},
                {GET("X-Request-Id: a\tlevel=error\r\n"), NULL},
                {GET("X-Request-Id: \xc3\xa4\r\n"), NULL},
                {GET("X-Request-Id: \r\n"), NULL},
                {GET("X-Request-Id: a\r\nX-Request-Id: b\r\n"), NULL},
                {GET(""), NULL}};
    struct fake_world *f = fake_new(1);
    struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), 80)};
    struct world_listener *listener;
    struct buf id = {0}, made = {0};
    struct raw_peer peer = {0};
    struct http_server *server = http_server_new(fake_of(f), NULL, on_request, &id);
    check_ok(http_server_listen(server, &listen, &listener));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        raw_connect(&peer, f, 80);
        fake_run(f);
        raw_send_c(&peer, rows[i].request);
        fake_run(f);
        raw_free(&peer);
        if (rows[i].id) {
            check_str(buf_str(&id), rows[i].id);
            continue;
        }
        assert_in_range(id.n, 18, HTTP_REQUEST_ID_MAX);
        assert_false(str_eq(buf_str(&id), buf_str(&made)));
        buf_clear(&made);
        buf_add(&made, buf_str(&id));
    }
    http_server_free(server);
    fake_run(f);
    fake_free(f);
    buf_free(&id);
    buf_free(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ids_are_well_formed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
