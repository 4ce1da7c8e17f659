/* The answer to an upgrade request, as far as the relay has to understand it, and the search for pings behind it. */
#include "engine/world/uv/uv_ws.h"

#include <string.h>

#define STATUS_LINE_MIN 12u /* "HTTP/1.1 101" */

bool uvw_ws_answer_head(struct str head, int *status, size_t *body_at, struct err **err)
{
    ptrdiff_t end = str_find(head, STR("\r\n\r\n"));
    if (end < 0) {
        if (head.n >= UVW_WS_HEAD_MAX)
            *err = err_new(ERR_HEADERS_TOO_LARGE,
                           "the answer to the upgrade is longer than %zu bytes", UVW_WS_HEAD_MAX);
        return false;
    }
    uint64_t code;
    if (head.n < STATUS_LINE_MIN || !str_starts(head, STR("HTTP/1.")) ||
        !str_to_u64(str_sub(head, 9, 3), &code) || code < 100) {
        *err = err_new(ERR_PROTOCOL, "the answer to the upgrade is not HTTP");
        return false;
    }
    *status = (int)code;
    *body_at = (size_t)end + 4;
    return true;
}

/* The value of the first such header of the head, or empty. */
static struct str header(struct str head, const char *name)
{
    struct str line, rest = head;
    while (str_cut(rest, '\n', &line, &rest)) {
        struct str key, value;
        if (str_cut(line, ':', &key, &value) && str_eq_nocase(key, str_c(name)))
            return str_trim(value);
    }
    return str_empty;
}

static bool hex_number(struct str text, size_t *out)
{
    *out = 0;
    for (size_t i = 0; i < text.n; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *d = strchr(digits, text.p[i] | 0x20);
        if (!text.p[i] || !d || *out > WORLD_WS_REFUSAL_BYTES_MAX)
            return false;
        *out = *out * 16 + (size_t)(d - digits);
    }
    return text.n > 0;
}

/* RFC 9112 7.1; anything odd just ends the body: it is only shown to a human. */
static bool add_chunks(struct str rest, struct buf *body)
{
    struct str line;
    while (str_cut(rest, '\n', &line, &rest)) {
        struct str size_text, extension;
        size_t size;
        str_cut(str_trim(line), ';', &size_text, &extension);
        if (!hex_number(size_text, &size) || size == 0)
            return true;
        buf_add(body, str_sub(rest, 0, size));
        if (rest.n < size + 2)
            return false;
        rest = str_sub(rest, size + 2, rest.n);
    }
    return false;
}

bool uvw_ws_answer_body(struct str all, size_t body_at, struct buf *body)
{
    struct str head = str_sub(all, 0, body_at), rest = str_sub(all, body_at, all.n);
    buf_clear(body);
    body->max = WORLD_WS_REFUSAL_BYTES_MAX;
    uint64_t length;
    if (str_eq_nocase(header(head, "Transfer-Encoding"), STR("chunked")))
        return add_chunks(rest, body) || !buf_ok(body);
    bool known = str_to_u64(header(head, "Content-Length"), &length);
    if (known && rest.n > length)
        rest.n = (size_t)length;
    buf_add(body, rest);
    return !buf_ok(body) || (known && rest.n == length);
}

/* ---- pings ---- */
static size_t head_size(const struct uvw_ws_scan *scan)
{
    if (scan->head_n < 2)
        return 2;
    size_t n = 2 + (scan->head[1] & 0x80 ? 4 : 0);
    unsigned length = scan->head[1] & 0x7f;
    return n + (length == 126 ? 2 : length == 127 ? 8 : 0);
}

static void head_done(struct uvw_ws_scan *scan)
{
    unsigned length = scan->head[1] & 0x7f;
    size_t bytes = length == 126 ? 2 : length == 127 ? 8 : 0;
    scan->payload_left = bytes ? 0 : length;
    for (size_t i = 0; i < bytes; i++)
        scan->payload_left = scan->payload_left << 8 | scan->head[2 + i];
    scan->is_ping = (scan->head[0] & 0x0f) == 9 && scan->payload_left <= UVW_WS_CONTROL_MAX;
    scan->in_payload = true;
    scan->head_n = 0;
    buf_clear(&scan->ping);
}

static void frame_done(struct uvw_ws *ws)
{
    if (!ws->scan.in_payload || ws->scan.payload_left)
        return;
    ws->scan.in_payload = false;
    if (ws->scan.is_ping)
        uvw_ws_event(ws, UVW_WS_PING, buf_take(&ws->scan.ping));
}

void uvw_ws_scan_pings(struct uvw_ws *ws, struct str bytes)
{
    struct uvw_ws_scan *scan = &ws->scan;
    while (bytes.n) {
        if (!scan->in_payload) {
            scan->head[scan->head_n++] = (unsigned char)bytes.p[0];
            bytes = str_sub(bytes, 1, bytes.n);
            if (scan->head_n == head_size(scan))
                head_done(scan);
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
}
