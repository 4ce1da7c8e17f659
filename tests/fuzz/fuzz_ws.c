/* Goal: no bytes of a peer make a WebSocket of either side crash or break its promises: `closed` comes once and last, a
 * message is never longer than was agreed, a text is UTF-8.
 * Input: the first byte chooses the side, whether the opening handshake is right, and the size of the pieces. */
#include "engine/base/codec.h"
#include "engine/http/ws.h"
#include "tests/fuzz/support/raw_net.h"

#include <openssl/sha.h>

#define MESSAGE_MAX 700u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct side {
    struct raw_net net;
    struct http_ws *ws;
    struct http_server *server;
    unsigned closes;
    struct buf head;
};

static void on_message(void *owner, bool text, struct str payload)
{
    struct side *s = owner;
    BUG_ON(s->closes, "nothing comes behind the end");
    BUG_ON(payload.n > MESSAGE_MAX, "a message is bounded");
    http_ws_send(s->ws, text, payload);
}
static void on_control(void *owner, struct str payload)
{
    BUG_ON(((struct side *)owner)->closes || payload.n > 125, "a control frame is small");
}
static void on_event(void *owner)
{
    BUG_ON(((struct side *)owner)->closes, "nothing comes behind the end");
}
static void on_closed(void *owner, const struct world_ws_closed *how)
{
    struct side *s = owner;
    (void)how;
    s->ws = NULL;
    BUG_ON(s->closes++, "a session ends once");
}
static const struct world_ws_handler handler = {.open = on_event,
                                                .message = on_message,
                                                .ping = on_control,
                                                .pong = on_control,
                                                .drained = on_event,
                                                .closed = on_closed};

static void serve(void *owner, struct http_exchange *x)
{
    static const struct http_ws_options o = {.message_bytes_max = MESSAGE_MAX};
    struct side *s = owner;
    if (s->ws)
        http_answer(x, 409, "text/plain", NULL, STR("one at a time"));
    else if (s->closes == 0)
        s->ws = http_ws_accept(x, &o, &handler, s);
    else
        http_answer(x, 410, "text/plain", NULL, STR("over"));
}

static void run_server(struct side *s, bool greeted)
{
    struct world_listen o = {.address = world_addr_make(STR("0.0.0.0"), RAW_PORT)};
    s->server = http_server_new(s->net.server, NULL, serve, s);
    struct err *err = http_server_listen(s->server, &o, NULL);
    BUG_ON(err, "a process of the simulated world may listen");
    if (greeted)
        s->net.head = STR("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n");
    raw_dial(&s->net);
    raw_run(&s->net, 200 * NS_PER_S);
    if (s->ws)
        http_ws_abort(s->ws);
    http_server_free(s->server);
}

/* The right answer to the client's request. */
static void greet(struct raw_net *net, struct str request)
{
    static const char salt[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
                      name[] = "Sec-WebSocket-Key: ";
    struct side *s = net->owner;
    unsigned char digest[SHA_DIGEST_LENGTH];
    struct buf text = {0};
    ptrdiff_t at = str_find(request, STR(name));
    BUG_ON(at < 0, "a client sends its key");
    struct str key = str_sub(request, (size_t)at + sizeof(name) - 1, 24);
    buf_addf(&text, STR_FMT "%s", STR_ARG(key), salt);
    (void)SHA1((const unsigned char *)text.p, text.n, digest);
    buf_add_c(&s->head, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Accept: ");
    base64_encode(&s->head, (struct str){(const char *)digest, sizeof(digest)});
    buf_add_c(&s->head, "\r\n\r\n");
    net->head = buf_str(&s->head);
    buf_free(&text);
}

static void greet_wrongly(struct raw_net *net, struct str request)
{
    (void)net, (void)request;
}

static void run_client(struct side *s, bool greeted)
{
    struct world_ws_connect o = {.address = world_addr_make(STR("10.0.0.1"), RAW_PORT),
                                 .host = STR("x"),
                                 .path = STR("/"),
                                 .message_bytes_max = MESSAGE_MAX};
    s->net.owner = s;
    s->net.on_bytes = greeted ? greet : greet_wrongly;
    raw_serve(&s->net);
    s->ws = http_ws_connect(s->net.client, &o, &handler, s);
    raw_run(&s->net, 200 * NS_PER_S);
    if (s->ws)
        http_ws_abort(s->ws);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct side s = {.ws = NULL};
    if (size == 0)
        return 0;
    raw_open(&s.net, (struct str){(const char *)data + 1, size - 1},
             1 + (size_t)(data[0] >> 3) * 8);
    s.net.keep = data[0] & 4;
    if (data[0] & 1)
        run_server(&s, data[0] & 2);
    else
        run_client(&s, data[0] & 2);
    raw_close(&s.net);
    buf_free(&s.head);
    return 0;
}
