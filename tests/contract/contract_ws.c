/* Goal: outgoing WebSockets behave the same in both worlds, against the engine's own server side.
 * Method: a recording client (support/sock.h) and an HTTP server that upgrades and echoes, or refuses by path. */
#include "engine/http/ws.h"
#include "tests/contract/support/sock.h"

#include <string.h>

/* ---- the engine's server: echoes, or refuses by path ---- */
struct echo {
    struct http_ws *ws; /* the last one */
    int accepted, messages, pings, pongs, closed;
    uint16_t code;
    struct buf reason, header, host;
    uint64_t bytes;
    bool quiet;
    size_t message_bytes_max;
};

static void echo_message(void *owner, bool text, struct str payload)
{
    struct echo *e = owner;
    e->messages++;
    e->bytes += payload.n;
    if (!e->quiet)
        http_ws_send(e->ws, text, payload);
}
static void echo_ping(void *owner, struct str payload)
{
    struct echo *e = owner;
    e->pings++;
}
static void echo_pong(void *owner, struct str payload)
{
    struct echo *e = owner;
    e->pongs++;
}
static void echo_closed(void *owner, const struct world_ws_closed *how)
{
    struct echo *e = owner;
    e->closed++;
    e->ws = NULL;
    e->code = how->code;
    buf_add(&e->reason, how->reason);
}
static const struct world_ws_handler echo_handler = {NULL,      echo_message, echo_ping,
                                                     echo_pong, NULL,         echo_closed};

static void handle(void *owner, struct http_exchange *x)
{
    struct echo *e = owner;
    if (str_eq(http_path(x), STR("/refuse"))) {
        http_answer(x, 400, "text/plain", NULL, STR("cluster not found"));
        return;
    }
    if (str_eq(http_path(x), STR("/refuse-chunked"))) {
        http_answer_start(x, 401, NULL);
        http_answer_write(x, STR("failed "));
        http_answer_write(x, STR("authentication"));
        http_answer_end(x);
        return;
    }
    buf_clear(&e->header);
    buf_add(&e->header, http_headers_get(http_request_headers(x), "X-Token"));
    buf_clear(&e->host);
    buf_add(&e->host, http_headers_get(http_request_headers(x), "Host"));
    const struct http_ws_options options = {.message_bytes_max = e->message_bytes_max};
    e->ws = http_ws_accept(x, &options, &echo_handler, e);
    assert_non_null(e->ws);
    e->accepted++;
}

struct bench {
    struct contract *c;
    struct echo echo;
    struct http_server *http;
    struct world_listener *l;
    struct sock client;
};

static struct bench *bench_new(struct contract *c, const struct world_tls *tls)
{
    struct bench *b = MEM_NEW(struct bench);
    b->c = c;
    b->http = http_server_new(c->server, &(struct http_server_options){0}, handle, &b->echo);
    const struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), 0), .tls = tls};
    struct err *err = http_server_listen(b->http, &listen, &b->l);
    assert_null(err);
    sock_init(&b->client, c, world_listener_port(b->l));
    return b;
}

static struct bench *bench_up(struct contract *c)
{
    struct bench *b = bench_new(c, NULL);
    sock_connect(&b->client);
    contract_until(c, sock_is_open, &b->client);
    return b;
}

static void bench_free(struct bench *b)
{
    sock_free(&b->client);
    if (b->echo.ws)
        http_ws_abort(b->echo.ws);
    http_server_free(b->http);
    buf_free(&b->echo.reason);
    buf_free(&b->echo.header);
    buf_free(&b->echo.host);
    mem_free(b);
}

static bool all_back(void *owner)
{
    struct bench *b = owner;
    return b->client.messages == b->echo.messages && b->client.messages > 0;
}

static void echo_text_and_binary(struct contract *c)
{
    struct bench *b = bench_up(c);
    world_ws_send(b->client.ws, true, STR("hello"));
    contract_until(c, sock_has_message, &b->client);
    assert_true(b->client.text);
    assert_string_equal(buf_c(&b->client.last), "hello");
    world_ws_send(b->client.ws, false, (struct str){"a\0b", 3});
    b->client.messages = 0;
    contract_until(c, sock_has_message, &b->client);
    assert_false(b->client.text);
    assert_int_equal(b->client.last.n, 3);
    bench_free(b);
}

static void headers_and_host_arrive(struct contract *c)
{
    struct bench *b = bench_new(c, NULL);
    const struct world_header headers[] = {{STR_INIT("X-Token"), STR_INIT("secret")},
                                           {STR_INIT("X-Other"), STR_INIT("1")}};
    b->client.options.headers = headers;
    b->client.options.headers_n = 2;
    sock_connect(&b->client);
    contract_until(c, sock_is_open, &b->client);
    assert_string_equal(buf_c(&b->echo.header), "secret");
    assert_string_equal(buf_c(&b->echo.host), "manager.example.test:8443");
    bench_free(b);
}

static void injected_headers_are_refused(struct contract *c)
{
    struct bench *b = bench_new(c, NULL);
    const struct world_header bad[] = {{STR_INIT("X-Token"), STR_INIT("a\r\nX-Evil: 1")}};
    b->client.options.headers = bad;
    b->client.options.headers_n = 1;
    sock_connect(&b->client);
    contract_until(c, sock_is_closed, &b->client);
    assert_true(b->client.failed);
    assert_int_equal(b->echo.accepted, 0);
    bench_free(b);
}

static void sizes(struct contract *c)
{
    static const size_t all[] = {0, 1, 125, 126, 127, 4096, 65535, 65536, 65537, 200000};
    struct bench *b = bench_up(c);
    char *bytes = mem_alloc(200000);
    for (size_t i = 0; i < 200000; i++)
        bytes[i] = (char)(i * 31 >> 3);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        b->client.messages = 0;
        world_ws_send(b->client.ws, false, (struct str){bytes, all[i]});
        contract_until(c, sock_has_message, &b->client);
        assert_int_equal(b->client.last.n, all[i]);
        if (all[i])
            assert_memory_equal(b->client.last.p, bytes, all[i]);
    }
    mem_free(bytes);
    bench_free(b);
}

static void ten_megabytes(struct contract *c)
{
    struct bench *b = bench_up(c);
    size_t n = (size_t)10 << 20;
    char *bytes = mem_alloc(n);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(i * 31 >> 5);
    world_ws_send(b->client.ws, false, (struct str){bytes, n});
    contract_until(c, sock_has_message, &b->client);
    assert_int_equal(b->client.last.n, n);
    assert_memory_equal(b->client.last.p, bytes, n);
    assert_int_equal(b->client.drained, 1);
    mem_free(bytes);
    bench_free(b);
}

static bool has_ten_pongs(void *s)
{
    return ((struct sock *)s)->pongs == 10;
}

static void fragmented_messages_and_pings_between(struct contract *c)
{
    struct bench *b = bench_new(c, NULL);
    b->client.options.fragment_bytes = 4096;
    sock_connect(&b->client);
    contract_until(c, sock_is_open, &b->client);
    char *bytes = mem_alloc(100000);
    memset(bytes, 'f', 100000);
    for (int i = 0; i < 10; i++) {
        world_ws_send(b->client.ws, i % 2, (struct str){bytes, 100000});
        world_ws_ping(b->client.ws, STR("p"));
    }
    contract_until(c, all_back, b);
    b->client.wanted = 10;
    contract_until(c, sock_has_wanted, &b->client);
    contract_until(c, has_ten_pongs, &b->client);
    assert_int_equal(b->client.messages, 10);
    assert_int_equal(b->echo.pings, 10);
    assert_int_equal(b->client.bytes, 1000000);
    mem_free(bytes);
    bench_free(b);
}

static bool has_pong(void *s)
{
    return ((struct sock *)s)->pongs > 0;
}
static bool has_ping(void *s)
{
    return ((struct sock *)s)->pings > 0;
}
static bool server_has_pong(void *e)
{
    return ((struct echo *)e)->pongs > 0;
}

static void ping_is_answered(struct contract *c)
{
    struct bench *b = bench_up(c);
    world_ws_ping(b->client.ws, STR("are you there"));
    contract_until(c, has_pong, &b->client);
    assert_string_equal(buf_c(&b->client.control), "are you there");
    world_ws_ping(b->client.ws, str_empty);
    b->client.pongs = 0;
    contract_until(c, has_pong, &b->client);
    bench_free(b);
}

static void the_server_pings(struct contract *c)
{
    struct bench *b = bench_up(c);
    http_ws_ping(b->echo.ws, STR("and you"));
    contract_until(c, has_ping, &b->client);
    contract_until(c, server_has_pong, &b->echo);
    assert_string_equal(buf_c(&b->client.control), "and you");
    bench_free(b);
}

static bool server_closed(void *e)
{
    return ((struct echo *)e)->closed > 0;
}

static void the_client_closes(struct contract *c)
{
    struct bench *b = bench_up(c);
    world_ws_send(b->client.ws, true, STR("last"));
    world_ws_close(b->client.ws, 4001, STR("done here"));
    b->client.ws = NULL;
    contract_until(c, server_closed, &b->echo);
    assert_int_equal(b->echo.code, 4001);
    assert_string_equal(buf_c(&b->echo.reason), "done here");
    assert_int_equal(b->echo.messages, 1);
    assert_int_equal(b->client.closed, 0);
    bench_free(b);
}

static void the_server_closes(struct contract *c)
{
    struct bench *b = bench_up(c);
    http_ws_close(b->echo.ws, 4002, STR("go away"));
    b->echo.ws = NULL;
    contract_until(c, sock_is_closed, &b->client);
    assert_false(b->client.failed);
    assert_int_equal(b->client.code, 4002);
    assert_string_equal(buf_c(&b->client.reason), "go away");
    assert_int_equal(b->client.http_status, 0);
    bench_free(b);
}

static void the_server_aborts(struct contract *c)
{
    struct bench *b = bench_up(c);
    http_ws_abort(b->echo.ws);
    b->echo.ws = NULL;
    contract_until(c, sock_is_closed, &b->client);
    assert_true(b->client.failed);
    assert_int_equal(b->client.err, ERR_CONN_RESET);
    assert_int_equal(b->client.code, 1006);
    bench_free(b);
}

static void the_client_aborts(struct contract *c)
{
    struct bench *b = bench_up(c);
    world_ws_abort(b->client.ws);
    b->client.ws = NULL;
    contract_until(c, server_closed, &b->echo);
    assert_int_equal(b->echo.code, 1006);
    assert_int_equal(b->client.closed, 0);
    bench_free(b);
}

static void refused_with(struct contract *c, const char *path, int status, const char *body)
{
    struct bench *b = bench_new(c, NULL);
    b->client.options.path = str_c(path);
    sock_connect(&b->client);
    contract_until(c, sock_is_closed, &b->client);
    assert_true(b->client.failed);
    assert_int_equal(b->client.http_status, status);
    assert_string_equal(buf_c(&b->client.body), body);
    assert_int_equal(b->client.code, 1006);
    assert_int_equal(b->client.opened, 0);
    bench_free(b);
}

static void refused_upgrade(struct contract *c)
{
    refused_with(c, "/refuse", 400, "cluster not found");
    refused_with(c, "/refuse-chunked", 401, "failed authentication");
}

static void nobody_listens(struct contract *c)
{
    struct bench *b = bench_new(c, NULL);
    b->client.options.address = c->ops->server_addr(c, 1);
    sock_connect(&b->client);
    contract_until(c, sock_is_closed, &b->client);
    assert_int_equal(b->client.err, ERR_CONN_REFUSED);
    assert_int_equal(b->client.http_status, 0);
    bench_free(b);
}

static void too_long_a_message(struct contract *c)
{
    struct bench *b = bench_new(c, NULL);
    b->client.options.message_bytes_max = 1000;
    sock_connect(&b->client);
    contract_until(c, sock_is_open, &b->client);
    char bytes[1001];
    memset(bytes, 'x', sizeof bytes);
    http_ws_send(b->echo.ws, false, (struct str){bytes, 1000});
    contract_until(c, sock_has_message, &b->client);
    http_ws_send(b->echo.ws, false, (struct str){bytes, 1001});
    contract_until(c, sock_is_closed, &b->client);
    assert_true(b->client.failed);
    assert_int_equal(b->client.messages, 1);
    contract_until(c, server_closed, &b->echo);
    assert_int_equal(b->echo.code, 1009);
    bench_free(b);
}

static void pause_holds_messages(struct contract *c)
{
    struct bench *b = bench_up(c);
    world_ws_pause(b->client.ws);
    for (int i = 0; i < 3; i++)
        http_ws_send(b->echo.ws, true, STR("held"));
    contract_for(c, 100 * NS_PER_MS);
    assert_int_equal(b->client.messages, 0);
    world_ws_resume(b->client.ws);
    b->client.wanted = 3;
    contract_until(c, sock_has_wanted, &b->client);
    bench_free(b);
}

static bool queue_is_low(void *owner)
{
    struct bench *b = owner;
    return http_ws_queued(b->echo.ws) <= WORLD_STREAM_LOW;
}

static void pause_is_back_pressure(struct contract *c)
{
    struct bench *b = bench_up(c);
    char *bytes = mem_alloc(100000);
    world_ws_pause(b->client.ws);
    for (int i = 0; i < 200; i++)
        http_ws_send(b->echo.ws, false, (struct str){bytes, 100000});
    contract_for(c, 300 * NS_PER_MS);
    assert_true(http_ws_queued(b->echo.ws) > (size_t)4 << 20);
    world_ws_resume(b->client.ws);
    contract_until(c, queue_is_low, b);
    b->client.wanted = 200;
    contract_until(c, sock_has_wanted, &b->client);
    mem_free(bytes);
    bench_free(b);
}

struct careful {
    struct sock *s;
    struct world_timer *t;
    int left, drained_before;
    bool waiting;
    int done;
    world_time pace;
};

/* Sends whenever the queue is low, and looks often; once it saw the queue high it trusts `drained` alone. */
static void careful_look(void *owner)
{
    struct careful *k = owner;
    static const char bytes[30000];
    if (k->waiting && k->s->drained == k->drained_before) {
        world_timer_start(k->t, k->pace);
        return;
    }
    k->waiting = false;
    if (world_ws_queued(k->s->ws) > WORLD_STREAM_LOW) {
        k->waiting = true;
        k->drained_before = k->s->drained;
    } else if (k->left-- > 0) {
        world_ws_send(k->s->ws, false, (struct str){bytes, sizeof bytes});
    } else {
        k->done = 1;
        return;
    }
    world_timer_start(k->t, k->pace);
}

static void whoever_sees_a_high_queue_hears_drained(struct contract *c)
{
    struct bench *b = bench_up(c);
    b->echo.quiet = true;
    struct careful k = {.s = &b->client, .left = 1000};
    k.pace = c->kind == CONTRACT_SIM ? 20 * NS_PER_US : 0; /* virtual time stands still at 0 */
    k.t = world_timer_new(c->client, careful_look, &k);
    world_timer_start(k.t, 0);
    contract_until_flag(c, &k.done);
    world_timer_free(k.t);
    bench_free(b);
}

static void end_inside_callbacks(struct contract *c)
{
    void (*const ends[])(struct sock *) = {sock_close, sock_abort};
    for (int i = 0; i < 4; i++) {
        struct bench *b = bench_new(c, NULL);
        if (i < 2)
            b->client.on_open = ends[i];
        else
            b->client.on_message = ends[i - 2];
        sock_connect(&b->client);
        contract_until(c, sock_is_open, &b->client);
        if (i >= 2) {
            world_ws_send(b->client.ws, true, STR("x"));
            contract_until(c, sock_has_message, &b->client);
        }
        contract_until(c, server_closed, &b->echo);
        assert_int_equal(b->client.closed, 0);
        bench_free(b);
    }
}

static void end_before_open(struct contract *c)
{
    for (int i = 0; i < 2; i++) {
        struct bench *b = bench_new(c, NULL);
        sock_connect(&b->client);
        if (i)
            sock_close(&b->client);
        else
            sock_abort(&b->client);
        contract_for(c, 100 * NS_PER_MS);
        assert_int_equal(b->client.opened + b->client.closed, 0);
        bench_free(b);
    }
}

static void over_tls(struct contract *c)
{
    struct contract_pki *pki = contract_pki_new(c);
    const struct world_tls offer = {.cert_pem = pki->cert_pem, .key_pem = pki->key_pem};
    struct world_tls want = {.server_name = STR(CONTRACT_NAME), .ca_pem = pki->ca_pem};
    for (int i = 0; i < 4; i++) {
        struct bench *b = bench_new(c, &offer);
        b->client.options.tls = &want;
        want = (struct world_tls){.server_name = STR(CONTRACT_NAME), .ca_pem = pki->ca_pem};
        if (i == 1)
            want.ca_pem = pki->other_ca_pem;
        if (i == 2)
            want = (struct world_tls){.server_name = STR("x.test"), .insecure = true};
        if (i == 3)
            want.server_name = STR("x.test"), want.ignore_name = true;
        sock_connect(&b->client);
        if (i == 1) {
            contract_until(c, sock_is_closed, &b->client);
            assert_int_equal(b->client.err, ERR_TLS);
            assert_non_null(strstr(buf_c(&b->client.why), "unknown authority"));
        } else {
            contract_until(c, sock_is_open, &b->client);
            world_ws_send(b->client.ws, true, STR("secret"));
            contract_until(c, sock_has_message, &b->client);
        }
        bench_free(b);
    }
    contract_pki_free(pki);
}

static const struct contract_case cases[] = {
    {"echo text and binary", echo_text_and_binary},
    {"headers and host arrive", headers_and_host_arrive},
    {"injected headers are refused", injected_headers_are_refused},
    {"sizes", sizes},
    {"ten megabytes", ten_megabytes},
    {"fragmented messages and pings between", fragmented_messages_and_pings_between},
    {"ping is answered", ping_is_answered},
    {"the server pings", the_server_pings},
    {"the client closes", the_client_closes},
    {"the server closes", the_server_closes},
    {"the server aborts", the_server_aborts},
    {"the client aborts", the_client_aborts},
    {"refused upgrade", refused_upgrade},
    {"nobody listens", nobody_listens},
    {"too long a message", too_long_a_message},
    {"pause holds messages", pause_holds_messages},
    {"pause is back-pressure", pause_is_back_pressure},
    {"whoever sees a high queue hears drained", whoever_sees_a_high_queue_hears_drained},
    {"end inside callbacks", end_inside_callbacks},
    {"end before open", end_before_open},
    {"over TLS", over_tls},
};

CONTRACT_MAIN_WEBSOCKETS("ws", cases)
