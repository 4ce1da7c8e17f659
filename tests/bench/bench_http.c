/* What HTTP and WebSockets cost by themselves: CPU time over fake streams, both sides included. One JSON line each. */
#include "engine/http/client.h"
#include "engine/http/ws.h"
#include "tests/unit/support/fake_world.c"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define REQUESTS 300000
#define PINGS    500000
#define MESSAGES 20000
#define CHUNK    32768

static void report(const char *name, clock_t start, uint64_t n, const char *unit)
{
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    printf("{\"bench\":\"http.%s\",\"value\":%.0f,\"unit\":\"%s\"}\n", name, (double)n / seconds,
           unit);
}

struct bench {
    struct fake_world *f;
    struct http_client *client;
    struct http_ws *server_ws, *client_ws;
    uint64_t left, pongs, bytes;
};

static void answer(void *owner, struct http_exchange *x)
{
    struct http_headers headers = {0};
    http_headers_add_c(&headers, "Cache-Control", "no-cache, private");
    http_answer(
        x, 200, "application/json", &headers,
        STR("{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Success\"}"));
    http_headers_free(&headers);
}

static void next(struct bench *b);
static void on_done(void *owner, const struct http_response *r, const struct err *err)
{
    struct bench *b = owner;
    BUG_ON(err || r->status != 200, "the benchmark's server answers");
    if (--b->left > 0)
        next(b);
}
static const struct http_call_handler calls = {.done = on_done};

static void next(struct bench *b)
{
    struct http_headers headers = {0};
    http_headers_add_c(&headers, "Authorization", "Bearer kubeconfig-user-abcde:0123456789");
    http_headers_add_c(&headers, "Accept", "application/json");
    struct http_request r = {.address = world_addr_make(STR("127.0.0.1"), 80),
                             .host = STR("manager.example.test"),
                             .method = "GET",
                             .target = STR("/api/v1/namespaces/default/configmaps/x"),
                             .headers = &headers};
    (void)http_call_start(b->client, &r, &calls, b);
    http_headers_free(&headers);
}

static void bench_requests(void)
{
    struct bench b = {.f = fake_new(1), .left = REQUESTS};
    struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), 80)};
    struct http_server *server = http_server_new(fake_of(b.f), NULL, answer, &b);
    err_ignore(http_server_listen(server, &listen, NULL));
    b.client = http_client_new(fake_of(b.f));
    clock_t start = clock();
    next(&b);
    fake_run(b.f);
    report("requests", start, REQUESTS, "1/s");
    http_client_free(b.client);
    http_server_free(server);
    fake_free(b.f);
}

static void on_message(void *owner, bool text, struct str payload)
{
    ((struct bench *)owner)->bytes += payload.n;
}
static void on_pong(void *owner, struct str payload)
{
    struct bench *b = owner;
    if (++b->pongs < PINGS)
        http_ws_ping(b->client_ws, STR("12345678"));
}
static void on_closed(void *owner, const struct world_ws_closed *how)
{
    BUG_ON(true, "the benchmark's WebSocket stays open");
}
static const struct world_ws_handler sockets = {
    .message = on_message, .pong = on_pong, .closed = on_closed};
static void upgrade(void *owner, struct http_exchange *x)
{
    struct bench *b = owner;
    b->server_ws = http_ws_accept(x, NULL, &sockets, b);
}

static void bench_sockets(void)
{
    static char chunk[CHUNK];
    struct bench b = {.f = fake_new(1)};
    struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), 80)};
    struct http_server *server = http_server_new(fake_of(b.f), NULL, upgrade, &b);
    err_ignore(http_server_listen(server, &listen, NULL));
    struct world_ws_connect connect = {.address = world_addr_make(STR("127.0.0.1"), 80),
                                       .host = STR("a"),
                                       .path = STR("/"),
                                       .fragment_bytes = 4096};
    b.client_ws = http_ws_connect(fake_of(b.f), &connect, &sockets, &b);
    fake_run(b.f);
    clock_t start = clock();
    http_ws_ping(b.client_ws, STR("12345678"));
    fake_run(b.f);
    report("ws_pings", start, PINGS, "1/s");
    memset(chunk, 'x', sizeof(chunk));
    for (int down = 0; down < 2; down++) {
        start = clock();
        b.bytes = 0;
        for (int i = 0; i < MESSAGES; i++) {
            http_ws_send(down ? b.server_ws : b.client_ws, false, (struct str){chunk, CHUNK});
            fake_run(b.f);
        }
        report(down ? "ws_server_to_client" : "ws_client_to_server", start, b.bytes, "B/s");
    }
    http_ws_abort(b.client_ws);
    http_ws_abort(b.server_ws);
    http_server_free(server);
    fake_free(b.f);
}

int main(void)
{
    bench_requests();
    bench_sockets();
    return 0;
}
