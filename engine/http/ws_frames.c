/* Frames in and out (RFC 6455 §5), and the rules that join frames to messages.
 *
 * Frames with an ordinary head do not go through wslay: its context is 4 KB, which costs with thousands of sessions that do
 * little but ping, and it copies a payload twice, which costs with those that move much. A message that has come whole and
 * unmasked is read where it lies; else each byte is unmasked into its message, one copy. Whatever is unusual is left to
 * wslay, malformed heads too. While it is at work it is fed one frame at a time, so that it never holds the beginning of
 * the next. */
#include "engine/http/ws_internal.h"

#include <string.h>

enum ws_close_code {
    WS_CODE_PROTOCOL = 1002,
    WS_CODE_NONE = 1005,
    WS_CODE_ABNORMAL = 1006,
    WS_CODE_NOT_UTF8 = 1007,
    WS_CODE_TOO_BIG = 1009
};

#define HEAD_BYTES_MAX  14u
#define MASK_BYTES      4u
#define SMALL_BYTES     (4096u + HEAD_BYTES_MAX) /* of a frame that is put together on the stack */
#define PIECE_LARGE     1024u                    /* more of the kind are sure to come */
#define MESSAGE_ROOM    ((size_t)40 << 10) /* what a message in several frames gets at first */
#define LENGTH_16       126u
#define LENGTH_64       127u
#define LENGTH_BYTES_16 2u
#define LENGTH_BYTES_64 8u

/* ---- wslay's callbacks ---- */

static ssize_t on_recv(uint8_t *bytes, size_t n, int flags, void *owner)
{
    struct http_ws *ws = owner;
    size_t most = ws->input.rest.n < ws->wslay_left ? ws->input.rest.n : (size_t)ws->wslay_left;
    if (most == 0)
        return -1; /* would block */
    size_t take = n < most ? n : most;
    memcpy(bytes, ws->input.rest.p, take);
    http_input_skip(&ws->input, take);
    ws->wslay_left -= take;
    return (ssize_t)take;
}

/* Gathers head and payload for one write; a large payload that needs no masking goes straight to the stream. */
static ssize_t on_send(const uint8_t *bytes, size_t n, int flags, void *owner)
{
    struct http_ws *ws = owner;
    struct str piece = {(const char *)bytes, n};
    if (n <= HTTP_JOIN_MAX) {
        buf_add(&ws->out, piece);
    } else {
        world_stream_write(ws->stream, buf_str(&ws->out));
        buf_clear(&ws->out);
        world_stream_write(ws->stream, piece);
    }
    return (ssize_t)n;
}

static int on_mask(uint8_t *bytes, size_t n, void *owner)
{
    struct http_ws *ws = owner;
    world_random(ws->w, bytes, n);
    return 0;
}

static void need_wslay(struct http_ws *ws)
{
    static const struct wslay_frame_callbacks callbacks = {on_send, on_recv, on_mask};
    if (ws->frames)
        return;
    int failed = wslay_frame_context_init(&ws->frames, &callbacks, ws);
    BUG_ON(failed, "a frame context is a small allocation");
}

/* ---- out ---- */

/* Eight bytes at a time: the key repeats in them. */
static void apply_mask(char *to, const char *from, size_t n, const char mask[MASK_BYTES])
{
    uint64_t wide, word;
    size_t i = 0;
    memcpy(&wide, mask, MASK_BYTES);
    memcpy((char *)&wide + MASK_BYTES, mask, MASK_BYTES);
    for (; i + sizeof word <= n; i += sizeof word) {
        memcpy(&word, from + i, sizeof word);
        word ^= wide;
        memcpy(to + i, &word, sizeof word);
    }
    for (; i < n; i++)
        to[i] = (char)(from[i] ^ mask[i % MASK_BYTES]);
}

static void send_small(struct http_ws *ws, uint8_t opcode, bool fin, struct str payload)
{
    char frame[SMALL_BYTES];
    size_t n = 0;
    char masked = ws->client ? (char)0x80 : 0;
    frame[n++] = (char)((fin ? 0x80 : 0) | opcode);
    if (payload.n < LENGTH_16) {
        frame[n++] = (char)(masked | (char)payload.n);
    } else {
        frame[n++] = (char)(masked | (char)LENGTH_16);
        frame[n++] = (char)(payload.n >> 8);
        frame[n++] = (char)payload.n;
    }
    if (ws->client) {
        world_random(ws->w, frame + n, MASK_BYTES);
        apply_mask(frame + n + MASK_BYTES, payload.p, payload.n, frame + n);
        n += MASK_BYTES;
    } else if (payload.n > 0) {
        memcpy(frame + n, payload.p, payload.n);
    }
    world_stream_write(ws->stream, (struct str){frame, n + payload.n});
}

static void send_large(struct http_ws *ws, uint8_t opcode, bool fin, struct str payload)
{
    struct wslay_frame_iocb io = {.fin = fin,
                                  .opcode = opcode,
                                  .payload_length = payload.n,
                                  .mask = ws->client,
                                  .data = (const uint8_t *)payload.p,
                                  .data_length = payload.n};
    need_wslay(ws);
    buf_clear(&ws->out);
    ssize_t sent = wslay_frame_send(ws->frames, &io);
    BUG_ON(sent < 0 || (size_t)sent != payload.n, "a frame is gathered at once");
    if (ws->out.n)
        world_stream_write(ws->stream, buf_str(&ws->out));
    http_buffer_trim(&ws->out);
}

void ws_send_frame(struct http_ws *ws, uint8_t opcode, bool fin, struct str payload)
{
    if (payload.n <= SMALL_BYTES - HEAD_BYTES_MAX)
        send_small(ws, opcode, fin, payload);
    else
        send_large(ws, opcode, fin, payload);
}

void ws_send_close(struct http_ws *ws, uint16_t code, struct str reason)
{
    char payload[WS_CONTROL_BYTES_MAX];
    size_t n = reason.n < sizeof(payload) - 2 ? reason.n : sizeof(payload) - 2;
    if (code == 0 || code == WS_CODE_NONE || code == WS_CODE_ABNORMAL) {
        ws_send_frame(ws, WSLAY_CONNECTION_CLOSE, true, str_empty);
        return;
    }
    payload[0] = (char)(code >> 8);
    payload[1] = (char)(code & 0xff);
    while (n && !http_is_utf8((struct str){reason.p, n})) /* cut within a character */
        n--;
    if (n)
        memcpy(payload + 2, reason.p, n);
    ws_send_frame(ws, WSLAY_CONNECTION_CLOSE, true, (struct str){payload, n + 2});
}

/* ---- in ---- */

static bool broken(struct http_ws *ws, uint16_t code, const char *why)
{
    struct err *err =
        err_new(code == WS_CODE_TOO_BIG ? ERR_TOO_LARGE : ERR_PROTOCOL, "WebSocket peer: %s", why);
    struct world_ws_closed how = {.err = err, .code = WS_CODE_ABNORMAL};
    ws_send_close(ws, code, str_c(why));
    ws_finish(ws, &how, false);
    err_free(err);
    return false;
}

static bool is_control(uint8_t opcode)
{
    return opcode & 8;
}

static const char *check_frame(const struct http_ws *ws, const struct wslay_frame_iocb *io)
{
    if (io->rsv)
        return "a reserved bit is set";
    if (io->mask == (ws->client ? 1 : 0))
        return ws->client ? "a frame of the server is masked"
                          : "a frame of the client is not masked";
    switch (io->opcode) {
    case WSLAY_CONTINUATION_FRAME:
        return ws->in_message ? NULL : "a continuation without a beginning";
    case WSLAY_TEXT_FRAME:
    case WSLAY_BINARY_FRAME:
        return ws->in_message ? "a message begins within another" : NULL;
    case WSLAY_CONNECTION_CLOSE:
    case WSLAY_PING:
    case WSLAY_PONG:
        return !io->fin || io->payload_length > WS_CONTROL_BYTES_MAX
                   ? "a control frame is fragmented or too long"
                   : NULL;
    default:
        return "an opcode is unknown";
    }
}

static bool frame_start(struct http_ws *ws, const struct wslay_frame_iocb *io)
{
    const char *why = check_frame(ws, io);
    if (why)
        return broken(ws, WS_CODE_PROTOCOL, why);
    ws->in_frame = true;
    ws->fin = io->fin;
    ws->opcode = io->opcode;
    ws->frame_left = io->payload_length;
    ws->control_n = 0;
    if (is_control(io->opcode))
        return true;
    if (io->opcode != WSLAY_CONTINUATION_FRAME) {
        ws->in_message = true;
        ws->text = io->opcode == WSLAY_TEXT_FRAME;
        buf_clear(&ws->message);
    }
    if (io->payload_length > ws->message_bytes_max - ws->message.n)
        return broken(ws, WS_CODE_TOO_BIG, "a message is too large");
    return true;
}

static bool valid_close_code(uint16_t code)
{
    return (code >= 1000 && code <= 1014 && code != 1004 && code != WS_CODE_NONE &&
            code != WS_CODE_ABNORMAL) ||
           (code >= 3000 && code <= 4999);
}

/* Answers the close with its own code and ends. */
static bool on_close(struct http_ws *ws, struct str payload)
{
    struct world_ws_closed how = {.code = WS_CODE_NONE, .reason = str_empty};
    if (payload.n == 1)
        return broken(ws, WS_CODE_PROTOCOL, "a close code is cut");
    if (payload.n >= 2) {
        how.code = (uint16_t)((unsigned char)payload.p[0] << 8 | (unsigned char)payload.p[1]);
        how.reason = str_sub(payload, 2, payload.n);
        if (!valid_close_code(how.code))
            return broken(ws, WS_CODE_PROTOCOL, "a close code is not allowed");
        if (!http_is_utf8(how.reason))
            return broken(ws, WS_CODE_NOT_UTF8, "a close reason is not UTF-8");
    }
    ws_send_close(ws, how.code, str_empty);
    ws_finish(ws, &how, false);
    return false;
}

static bool on_ping(struct http_ws *ws, struct str payload)
{
    if (world_stream_queued(ws->stream) <= WORLD_STREAM_LOW)
        ws->pongs = 0;
    if (ws->pongs < WS_PONGS_MAX) {
        ws->pongs++;
        ws_send_frame(ws, WSLAY_PONG, true, payload);
    }
    if (ws->handler->ping)
        ws->handler->ping(ws->owner, payload);
    return !ws->dead;
}

static bool control_end(struct http_ws *ws)
{
    struct str payload = {(const char *)ws->control, ws->control_n};
    switch (ws->opcode) {
    case WSLAY_PING:
        return on_ping(ws, payload);
    case WSLAY_PONG:
        if (ws->handler->pong)
            ws->handler->pong(ws->owner, payload);
        return !ws->dead;
    default:
        return on_close(ws, payload);
    }
}

static bool message_end(struct http_ws *ws, struct str payload)
{
    ws->in_message = false;
    if (ws->text && !http_is_utf8(payload))
        return broken(ws, WS_CODE_NOT_UTF8, "a text is not UTF-8");
    ws->handler->message(ws->owner, ws->text, payload);
    if (!ws->dead)
        http_buffer_trim(&ws->message);
    return !ws->dead;
}

/* One piece of a frame's payload, as much of it as has come. */
static bool frame_piece(struct http_ws *ws, const struct wslay_frame_iocb *io)
{
    struct str piece = {(const char *)io->data, io->data_length};
    if (!ws->in_frame && !frame_start(ws, io))
        return false;
    BUG_ON(piece.n > ws->frame_left, "a piece lies within its frame");
    ws->frame_left -= piece.n;
    bool whole = ws->frame_left == 0;
    ws->in_frame = !whole;
    if (is_control(ws->opcode)) {
        if (piece.n)
            memcpy(ws->control + ws->control_n, piece.p, piece.n);
        ws->control_n += piece.n;
        return whole ? control_end(ws) : true;
    }
    if (whole && ws->fin && ws->message.n == 0) /* all of it at once: no copy */
        return message_end(ws, piece);
    buf_add(&ws->message, piece);
    return whole && ws->fin ? message_end(ws, buf_str(&ws->message)) : true;
}

/* ---- frames out of what has come ---- */

/* The head of the frame at the beginning of what has come. */
struct frame_head {
    size_t bytes;     /* with length and mask */
    uint64_t payload; /* as it is written: wslay checks it */
    bool plain;       /* nothing in it needs wslay's judgement */
};

/* False: more has to come. */
static bool head_read(struct str s, struct frame_head *out)
{
    if (s.n < 2)
        return false;
    const unsigned char *p = (const unsigned char *)s.p;
    unsigned length = p[1] & 0x7f;
    size_t wide = length == LENGTH_16 ? LENGTH_BYTES_16 : length == LENGTH_64 ? LENGTH_BYTES_64 : 0;
    out->bytes = 2 + wide + (p[1] & 0x80 ? MASK_BYTES : 0);
    if (s.n < out->bytes)
        return false;
    out->payload = wide ? 0 : length;
    for (size_t i = 0; i < wide; i++)
        out->payload = out->payload << 8 | p[2 + i];
    bool control_too_long = is_control(p[0]) && (wide || !(p[0] & 0x80));
    out->plain = !control_too_long &&
                 (length < LENGTH_16 || (length == LENGTH_16 && out->payload >= LENGTH_16) ||
                  (length == LENGTH_64 && out->payload > UINT16_MAX && out->payload <= INT64_MAX));
    return true;
}

/* What stands in the head, and no payload. */
static struct wslay_frame_iocb head_iocb(const char *p, const struct frame_head *head)
{
    return (struct wslay_frame_iocb){.fin = (p[0] & 0x80) != 0,
                                     .rsv = (uint8_t)((p[0] >> 4) & 7),
                                     .opcode = p[0] & 15,
                                     .payload_length = head->payload,
                                     .mask = (p[1] & 0x80) != 0};
}

/* A frame all of which is here: read where it lies; a masked one, which is small, by a copy. */
static bool read_whole(struct http_ws *ws, const struct frame_head *head)
{
    char clear[SMALL_BYTES];
    const char *p = ws->input.rest.p;
    size_t n = (size_t)head->payload;
    struct wslay_frame_iocb io = head_iocb(p, head);
    io.data = (const uint8_t *)p + head->bytes;
    io.data_length = n;
    if (io.mask) {
        apply_mask(clear, p + head->bytes, n, p + head->bytes - MASK_BYTES);
        io.data = (const uint8_t *)clear;
    }
    http_input_skip(&ws->input, head->bytes + n);
    return frame_piece(ws, &io);
}

/* A frame whose payload goes into its message as it comes: it does not end here, or is one of several. */
static bool begin_piecewise(struct http_ws *ws, const struct frame_head *head)
{
    const char *p = ws->input.rest.p;
    struct wslay_frame_iocb io = head_iocb(p, head);
    memset(ws->mask, 0, sizeof ws->mask); /* of a frame without one: nothing changes */
    if (io.mask)
        memcpy(ws->mask, p + head->bytes - MASK_BYTES, MASK_BYTES);
    ws->mask_at = 0;
    http_input_skip(&ws->input, head->bytes);
    if (!frame_start(ws, &io))
        return false;
    ws->piecewise = true;
    if (!io.fin && head->payload >= PIECE_LARGE && ws->message.cap < MESSAGE_ROOM) { /* grow once */
        (void)buf_grow(&ws->message, MESSAGE_ROOM);
        ws->message.n -= MESSAGE_ROOM;
    }
    return true;
}

static bool read_piecewise(struct http_ws *ws, bool *wants_more)
{
    size_t n = ws->input.rest.n < ws->frame_left ? ws->input.rest.n : (size_t)ws->frame_left;
    char turned[MASK_BYTES];
    *wants_more = n == 0 && ws->frame_left > 0;
    if (n > 0) {
        char *to = buf_grow(&ws->message, n);
        BUG_ON(!to, "a message stays below its bound, which is below that of buffers");
        for (size_t i = 0; i < MASK_BYTES; i++)
            turned[i] = ws->mask[(ws->mask_at + i) % MASK_BYTES];
        apply_mask(to, ws->input.rest.p, n, turned);
        ws->mask_at = (uint8_t)((ws->mask_at + n) % MASK_BYTES);
        ws->frame_left -= n;
        http_input_skip(&ws->input, n);
    }
    if (ws->frame_left > 0)
        return true;
    ws->piecewise = ws->in_frame = false;
    return ws->fin ? message_end(ws, buf_str(&ws->message)) : true;
}

/* Whether a frame of which all is here is better read where it lies. */
static bool reads_whole(const struct http_ws *ws, const struct frame_head *head)
{
    const char *p = ws->input.rest.p;
    bool masked = p[1] & 0x80, alone = (p[0] & 0x80) && (p[0] & 15) != WSLAY_CONTINUATION_FRAME;
    return head->bytes + head->payload <= ws->input.rest.n && (alone || is_control(p[0])) &&
           (!masked || head->payload <= SMALL_BYTES);
}

/* One piece, or more, of what has come. False: the session has ended. */
static bool read_by_wslay(struct http_ws *ws, bool *wants_more)
{
    struct wslay_frame_iocb io;
    need_wslay(ws);
    ssize_t r = wslay_frame_recv(ws->frames, &io);
    *wants_more = r == WSLAY_ERR_WANT_READ;
    if (*wants_more)
        return true;
    return r < 0 ? broken(ws, WS_CODE_PROTOCOL, "a frame is malformed") : frame_piece(ws, &io);
}

void ws_read(struct http_ws *ws)
{
    bool go = true, wants_more = false;
    while (go && !ws->paused && !wants_more) {
        struct frame_head head;
        if (ws->piecewise) {
            go = read_piecewise(ws, &wants_more);
            continue;
        }
        if (ws->wslay_left > 0 || ws->in_frame) {
            go = read_by_wslay(ws, &wants_more);
            continue;
        }
        if (!head_read(ws->input.rest, &head))
            break;
        if (head.plain && reads_whole(ws, &head))
            go = read_whole(ws, &head);
        else if (head.plain && is_control(ws->input.rest.p[0]))
            break; /* the rest of it is on its way */
        else if (head.plain)
            go = begin_piecewise(ws, &head);
        else
            ws->wslay_left =
                head.payload > UINT64_MAX - head.bytes ? UINT64_MAX : head.bytes + head.payload;
    }
    ws->more = !ws->dead && ws->paused;
}
