/* Frames that the server sends, seen from the relay (RFC 6455 5.2): pings are told, and what breaks the protocol ends the
 * connection here, because libwebsockets 4.1 lets some of it through. */
#include "engine/world/uv/uv_ws.h"

#define FIN            0x80
#define RESERVED       0x70
#define OPCODE         0x0f
#define MASKED         0x80
#define LENGTH         0x7f
#define OP_CONTINUE    0u
#define OP_BINARY      2u
#define OP_CONTROL     8u
#define OP_PING        9u
#define OP_PONG        10u
#define LENGTH_2_BYTES 126u
#define LENGTH_8_BYTES 127u

static size_t length_bytes(const struct uvw_ws_scan *scan)
{
    unsigned length = scan->head[1] & LENGTH;
    return length == LENGTH_2_BYTES ? 2 : length == LENGTH_8_BYTES ? 8 : 0;
}

static bool head_is_whole(const struct uvw_ws_scan *scan)
{
    return scan->head_n >= 2 && scan->head_n == 2 + length_bytes(scan);
}

/* NULL: as the protocol wants it. */
static const char *head_fault(const struct uvw_ws_scan *scan)
{
    unsigned opcode = scan->head[0] & OPCODE;
    bool fin = scan->head[0] & FIN, control = opcode >= OP_CONTROL;
    if (scan->head[0] & RESERVED)
        return "a reserved bit is set";
    if (scan->head[1] & MASKED)
        return "a frame of the server is masked";
    if (opcode > OP_PONG || (opcode > OP_BINARY && !control))
        return "unknown opcode";
    if (control && (!fin || length_bytes(scan)))
        return "a control frame is fragmented or too long";
    if (!control && (opcode == OP_CONTINUE) != scan->in_message)
        return opcode == OP_CONTINUE ? "a frame continues nothing"
                                     : "a message begins inside another";
    if (scan->payload_left >> 63)
        return "a frame's length is beyond 63 bits";
    return NULL;
}

static const char *head_done(struct uvw_ws_scan *scan)
{
    size_t bytes = length_bytes(scan);
    unsigned opcode = scan->head[0] & OPCODE;
    scan->payload_left = bytes ? 0 : scan->head[1] & LENGTH;
    for (size_t i = 0; i < bytes; i++)
        scan->payload_left = scan->payload_left << 8 | scan->head[2 + i];
    const char *fault = head_fault(scan);
    if (opcode < OP_CONTROL)
        scan->in_message = !(scan->head[0] & FIN);
    scan->is_ping = opcode == OP_PING;
    scan->in_payload = true;
    scan->head_n = 0;
    buf_clear(&scan->ping);
    return fault;
}

static void frame_done(struct uvw_ws *ws)
{
    if (!ws->scan.in_payload || ws->scan.payload_left)
        return;
    ws->scan.in_payload = false;
    if (ws->scan.is_ping)
        uvw_ws_event(ws, UVW_WS_PING, buf_take(&ws->scan.ping));
}

const char *uvw_ws_scan(struct uvw_ws *ws, struct str bytes)
{
    struct uvw_ws_scan *scan = &ws->scan;
    const char *fault = NULL;
    while (bytes.n && !fault) {
        if (!scan->in_payload) {
            scan->head[scan->head_n++] = (unsigned char)bytes.p[0];
            bytes = str_sub(bytes, 1, bytes.n);
            if (head_is_whole(scan))
                fault = head_done(scan);
            frame_done(ws);
            continue;
        }
        size_t n = bytes.n < scan->payload_left ? bytes.n : (size_t)scan->payload_left;
        if (scan->is_ping)
            buf_add(&scan->ping, str_sub(bytes, 0, n));
        scan->payload_left -= n;
        bytes = str_sub(bytes, n, bytes.n);
        frame_done(ws);
    }
    return fault;
}
