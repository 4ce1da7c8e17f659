/* Goal: what outgoing WebSockets put on the wire, and what they accept from it, is RFC 6455 in both worlds.
 * Method: a server that is scripted byte by byte on a plain stream. */
#include "tests/contract/support/peer.h"
#include "tests/contract/support/sock.h"

#include <openssl/evp.h>
#include <string.h>

struct bench {
    struct contract *c;
    struct sock client;
    struct peer_server raw;
    size_t wanted; /* bytes at the server */
};

static bool has_raw_bytes(void *owner)
{
    const struct bench *b = owner;
    return b->raw.peers[0].got.n >= b->wanted;
}

static struct bench *bench_new(struct contract *c)
{
    struct bench *b = MEM_NEW(struct bench);
    b->c = c;
    return b;
}

static void accept_of(struct str request, struct buf *out)
{
    ptrdiff_t at = str_find(request, STR("Sec-WebSocket-Key: "));
    assert_true(at >= 0);
    struct str key = str_sub(request, (size_t)at + 19, 24);
    struct buf text = {0};
    unsigned char digest[EVP_MAX_MD_SIZE], base64[64];
    unsigned n;
    buf_add(&text, key);
    buf_add_c(&text, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    EVP_Digest(text.p, text.n, digest, &n, EVP_sha1(), NULL);
    EVP_EncodeBlock(base64, digest, (int)n);
    buf_add_c(out, (const char *)base64);
    buf_free(&text);
}

static void raw_data(struct peer *p, struct str bytes)
{
    const struct str *frames = p->data;
    if (p->opened++ || str_find(buf_str(&p->got), STR("\r\n\r\n")) < 0)
        return;
    struct buf answer = {0};
    buf_add_c(&answer, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\nSec-WebSocket-Accept: ");
    accept_of(buf_str(&p->got), &answer);
    buf_add_c(&answer, "\r\n\r\n");
    buf_add(&answer, *frames); /* in the same piece as the head */
    world_stream_write(p->s, buf_str(&answer));
    buf_free(&answer);
    buf_clear(&p->got);
}

/* Connects to a server that sends these frames right behind its answer. */
static struct bench *raw_up(struct contract *c, const struct str *frames)
{
    struct bench *b = bench_new(c);
    b->raw.like.on_data = raw_data;
    b->raw.like.data = (void *)(uintptr_t)frames;
    peer_serve(c, &b->raw, NULL);
    sock_init(&b->client, c, b->raw.port);
    sock_connect(&b->client);
    contract_until(c, sock_is_open, &b->client);
    return b;
}

static void raw_free(struct bench *b)
{
    sock_free(&b->client);
    peer_serve_end(&b->raw);
    mem_free(b);
}

static void incoming_fragments_with_a_ping_between(struct contract *c)
{
    static const struct str frames = STR_INIT("\x02\x03one\x89\x02hi\x00\x03two\x80\x05three");
    struct bench *b = raw_up(c, &frames);
    contract_until(c, sock_has_message, &b->client);
    assert_string_equal(buf_c(&b->client.last), "onetwothree");
    assert_false(b->client.text);
    assert_int_equal(b->client.pings, 1);
    raw_free(b);
}

static void client_frames_are_masked(struct contract *c)
{
    static const struct str none = STR_INIT("");
    struct bench *b = raw_up(c, &none);
    struct peer *server = &b->raw.peers[0];
    world_ws_send(b->client.ws, true, STR("mask me"));
    b->wanted = 13;
    contract_until(c, has_raw_bytes, b);
    const unsigned char *f = (const unsigned char *)server->got.p;
    assert_int_equal(f[0], 0x81);
    assert_int_equal(f[1], 0x80 | 7);
    for (int i = 0; i < 7; i++)
        assert_int_equal(f[6 + i] ^ f[2 + i % 4], "mask me"[i]);
    raw_free(b);
}

static void outgoing_fragments_on_the_wire(struct contract *c)
{
    static const struct str none = STR_INIT("");
    struct bench *b = bench_new(c);
    b->raw.like.on_data = raw_data;
    b->raw.like.data = (void *)(uintptr_t)&none;
    peer_serve(c, &b->raw, NULL);
    sock_init(&b->client, c, b->raw.port);
    b->client.options.fragment_bytes = 4;
    sock_connect(&b->client);
    contract_until(c, sock_is_open, &b->client);
    world_ws_send(b->client.ws, false, STR("0123456789"));
    struct peer *server = &b->raw.peers[0];
    b->wanted = 3 * 6 + 10;
    contract_until(c, has_raw_bytes, b);
    const unsigned char *f = (const unsigned char *)server->got.p;
    assert_int_equal(f[0], 0x02);
    assert_int_equal(f[1], 0x84);
    assert_int_equal(f[10], 0x00);
    assert_int_equal(f[11], 0x84);
    assert_int_equal(f[20], 0x80);
    assert_int_equal(f[21], 0x82);
    raw_free(b);
}

static void broken_by(struct contract *c, struct str bytes)
{
    struct str frames = bytes;
    struct bench *b = raw_up(c, &frames);
    contract_until(c, sock_is_closed, &b->client);
    assert_true(b->client.failed);
    assert_int_equal(b->client.err, ERR_PROTOCOL);
    assert_int_equal(b->client.messages, 0);
    raw_free(b);
}

static void broken_frames(struct contract *c)
{
    broken_by(c, STR("\x82\x83"
                     "1234abc")); /* masked by the server */
    broken_by(c, STR("\xf2\x03"
                     "abc")); /* reserved bits */
    broken_by(c, STR("\x80\x03"
                     "abc")); /* continues nothing */
    broken_by(c, STR("\x09\x01"
                     "x\x80\x01y")); /* a ping in fragments */
    broken_by(c, STR("\x83\x01x"));  /* an unknown opcode */
}

static void the_stream_just_ends(struct contract *c)
{
    static const struct str frames = STR_INIT("\x82\x03"
                                              "abc");
    struct bench *b = raw_up(c, &frames);
    contract_until(c, sock_has_message, &b->client);
    world_stream_shutdown(b->raw.peers[0].s);
    contract_until(c, sock_is_closed, &b->client);
    assert_false(b->client.failed);
    assert_int_equal(b->client.code, 1006);
    raw_free(b);
}

static void wrong_accept_data(struct peer *p, struct str bytes)
{
    if (p->opened++)
        return;
    world_stream_write(p->s, STR("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                 "Connection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n"));
}
static void not_http_data(struct peer *p, struct str bytes)
{
    if (!p->opened++)
        world_stream_write(p->s, STR("SSH-2.0-OpenSSH_9.2\r\n\r\n"));
}
static void mute_data(struct peer *p, struct str bytes) {}
static void end_data(struct peer *p, struct str bytes)
{
    if (!p->opened++)
        world_stream_shutdown(p->s);
}

static void bad_handshake(struct contract *c, void (*data)(struct peer *, struct str),
                          enum err_code code)
{
    struct bench *b = bench_new(c);
    b->raw.like.on_data = data;
    peer_serve(c, &b->raw, NULL);
    sock_init(&b->client, c, b->raw.port);
    b->client.options.timeout = 500 * NS_PER_MS;
    sock_connect(&b->client);
    contract_until(c, sock_is_closed, &b->client);
    assert_true(b->client.failed);
    assert_int_equal(b->client.err, code);
    assert_int_equal(b->client.http_status, 0);
    assert_int_equal(b->client.opened, 0);
    raw_free(b);
}

static void bad_handshakes(struct contract *c)
{
    bad_handshake(c, wrong_accept_data, ERR_PROTOCOL);
    bad_handshake(c, not_http_data, ERR_PROTOCOL);
    bad_handshake(c, mute_data, ERR_TIMEOUT);
    bad_handshake(c, end_data, ERR_EOF);
}

static const struct contract_case cases[] = {
    {"incoming fragments with a ping between", incoming_fragments_with_a_ping_between},
    {"client frames are masked", client_frames_are_masked},
    {"outgoing fragments on the wire", outgoing_fragments_on_the_wire},
    {"broken frames", broken_frames},
    {"the stream just ends", the_stream_just_ends},
    {"bad handshakes", bad_handshakes},
};

CONTRACT_MAIN_WEBSOCKETS("ws-wire", cases)
