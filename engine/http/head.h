/* head: reads the head of a request or an answer (RFC 9112 §2 to §5), strictly. Private to engine/http.
 *
 * http-parser finds the structure; as packaged it is the lenient build (bare LF, blanks in names, HTTP/0.9 lines and a
 * CR followed by anything pass), so that every line ending, name, value and the start line are checked here too, and
 * bodies are cut by body.h. What is refused says so in `refusal`, the status to answer with.
 * Ownership: `headers` holds a copy of the whole head; views into it live until the next head is read.
 * Cost:      one copy and two passes over the head; no allocation once the buffers have their size. */
#ifndef PADDOCK_ENGINE_HTTP_HEAD_H
#define PADDOCK_ENGINE_HTTP_HEAD_H

#include "engine/http/headers.h"

enum http_head_kind { HTTP_HEAD_REQUEST, HTTP_HEAD_RESPONSE };
enum http_head_step { HTTP_HEAD_MORE, HTTP_HEAD_DONE, HTTP_HEAD_REFUSED };

struct http_head {
    struct http_headers headers;
    size_t scanned;            /* of an incomplete head: where the first unfinished line starts */
    struct str method, target; /* requests */
    int status;                /* responses */
    int minor;                 /* HTTP/1.x */
    uint64_t length;
    bool has_length, chunked;
    bool keep_alive; /* version and Connection together */
    bool expects_continue;
    int refusal; /* 400, 417, 431, 501, 505 */
    const char *why;
    /* while parsing */
    size_t start, start_line_n, hosts, name_at, name_n;
    bool has_connection, has_expect;
};

/* `in` starts at the head's first byte, also when earlier calls answered MORE. DONE: *used bytes belong to it. */
enum http_head_step http_head_read(struct http_head *h, enum http_head_kind kind, struct str in,
                                   size_t bytes_max, size_t *used);
void http_head_free(struct http_head *h);

/* RFC 9110 §5.6.2 */
static inline bool http_token_char(unsigned char c)
{
    static const uint64_t allowed[2] = {UINT64_C(0x03ff6cfa00000000), UINT64_C(0x57ffffffc7fffffe)};
    return c < 128 && (allowed[c >> 6] >> (c & 63) & 1);
}
bool http_is_token(struct str s);
bool http_is_field_value(struct str s); /* no control characters but the tab */
bool http_is_target(struct str s);      /* visible ASCII without '#' */
const char *http_reason(int status);    /* the reason phrase */
/* Adds a field whose bytes stand in h->bytes already. False: HTTP_HEADERS_MAX. */
bool http_headers_note(struct http_headers *h, size_t name_at, size_t name_n, size_t value_at,
                       size_t value_n) must_check;

#endif
