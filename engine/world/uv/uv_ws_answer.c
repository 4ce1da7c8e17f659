/* The answer to an upgrade request, as far as the relay has to understand it. */
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
