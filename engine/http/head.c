#include "engine/http/head.h"
#include "engine/http/limits.h"

#include <http_parser.h>
#include <string.h>

static enum http_head_step refuse(struct http_head *h, int status, const char *why)
{
    h->refusal = status;
    h->why = why;
    return HTTP_HEAD_REFUSED;
}

/* ---- lines: CRLF only, no folding; finds the empty line ---- */

static enum http_head_step find_end(struct http_head *h, struct str in, size_t bytes_max,
                                    size_t *end)
{
    /* One empty line before a request is skipped (RFC 9112 §2.2). */
    h->start = in.n >= 2 && in.p[0] == '\r' && in.p[1] == '\n' ? 2 : 0;
    size_t at = h->scanned > h->start ? h->scanned : h->start;
    for (;;) {
        const char *lf = at < in.n ? memchr(in.p + at, '\n', in.n - at) : NULL;
        if (!lf || (size_t)(lf - in.p) >= bytes_max)
            break;
        struct str line = {in.p + at, (size_t)(lf - in.p) - at};
        if (line.n == 0 || line.p[line.n - 1] != '\r')
            return refuse(h, 400, "a line ends in a bare LF");
        line.n--;
        if (memchr(line.p, '\r', line.n))
            return refuse(h, 400, "a line holds a bare CR");
        if (at == h->start)
            h->start_line_n = line.n;
        else if (line.n == 0) {
            *end = (size_t)(lf - in.p) + 1;
            return HTTP_HEAD_DONE;
        }
        if (line.n == 0)
            return refuse(h, 400, "the start line is empty");
        if (line.p[0] == ' ' || line.p[0] == '\t')
            return refuse(h, 400, "a line starts with a blank (folded header)");
        at = (size_t)(lf - in.p) + 1;
    }
    h->scanned = at;
    return in.n >= bytes_max ? refuse(h, 431, "the head is too large") : HTTP_HEAD_MORE;
}

/* ---- what http-parser reports: places within headers.bytes ---- */

static size_t place(const struct http_head *h, const char *at)
{
    return (size_t)(at - h->headers.bytes.p);
}

static int on_field(http_parser *p, const char *at, size_t n)
{
    struct http_head *h = p->data;
    h->name_at = place(h, at);
    h->name_n = n;
    if (at[n] != ':' || !http_is_token((struct str){at, n}))
        return refuse(h, 400, "a header name is malformed");
    return 0;
}

static int note_length(struct http_head *h, struct str value)
{
    if (h->has_length)
        return refuse(h, 400, "Content-Length is repeated");
    h->has_length = true;
    if (!str_to_u64(value, &h->length) || h->length > INT64_MAX)
        return refuse(h, 400, "Content-Length is malformed");
    return 0;
}

static int note_coding(struct http_head *h, struct str value)
{
    if (h->chunked)
        return refuse(h, 400, "Transfer-Encoding is repeated");
    if (!str_eq_nocase(value, STR("chunked")))
        return refuse(h, 501, "Transfer-Encoding is not exactly chunked");
    h->chunked = true;
    return 0;
}

static int note_host(struct http_head *h, struct str value)
{
    static const char also[] = "-._~!$&'()*+,;=:[]%"; /* RFC 3986 host and port */
    if (h->hosts++)
        return refuse(h, 400, "Host is repeated");
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        bool alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!alnum && !memchr(also, c, sizeof(also) - 1))
            return refuse(h, 400, "Host is malformed");
    }
    return 0;
}

/* The few headers that decide about framing, told apart by length first. */
static int note_framing(struct http_head *h, struct str name, struct str value)
{
    switch (name.n) {
    case 4:
        return str_eq_nocase(name, STR("Host")) ? note_host(h, value) : 0;
    case 6:
        h->has_expect |= str_eq_nocase(name, STR("Expect"));
        return 0;
    case 10:
        h->has_connection |= str_eq_nocase(name, STR("Connection"));
        return 0;
    case 14:
        return str_eq_nocase(name, STR("Content-Length")) ? note_length(h, value) : 0;
    case 17:
        return str_eq_nocase(name, STR("Transfer-Encoding")) ? note_coding(h, value) : 0;
    default:
        return 0;
    }
}

static int on_value(http_parser *p, const char *at, size_t n)
{
    struct http_head *h = p->data;
    struct str value = str_trim((struct str){at, n});
    struct str name = {h->headers.bytes.p + h->name_at, h->name_n};
    if (!http_is_field_value(value))
        return refuse(h, 400, "a header value holds a control character");
    size_t value_at = value.n ? place(h, value.p) : h->name_at;
    if (!http_headers_note(&h->headers, h->name_at, h->name_n, value_at, value.n))
        return refuse(h, 431, "there are too many headers");
    return note_framing(h, name, value);
}

/* ---- the start line ---- */

bool http_is_target(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || (unsigned char)s.p[i] >= 0x7f || s.p[i] == '#')
            return false;
    return s.n > 0;
}

/* "HTTP/1.0" or "HTTP/1.1"; another version is 505, anything else 400. */
static bool read_version(struct http_head *h, struct str s)
{
    bool version = s.n == 8 && memcmp(s.p, "HTTP/", 5) == 0 && s.p[6] == '.' && s.p[5] >= '0' &&
                   s.p[5] <= '9' && s.p[7] >= '0' && s.p[7] <= '9';
    if (!version || s.p[5] != '1' || s.p[7] > '1') {
        (void)refuse(h, version ? 505 : 400, "the version is not HTTP/1.0 or HTTP/1.1");
        return false;
    }
    h->minor = s.p[7] - '0';
    return true;
}

static bool read_request_line(struct http_head *h, struct str line)
{
    struct str rest, version;
    if (!str_cut(line, ' ', &h->method, &rest) || !str_cut(rest, ' ', &h->target, &version) ||
        !http_is_token(h->method) || !http_is_target(h->target)) {
        (void)refuse(h, 400, "the request line is malformed");
        return false;
    }
    return read_version(h, version);
}

static bool read_status_line(struct http_head *h, struct str line)
{
    struct str version, rest, reason;
    uint64_t status;
    (void)str_cut(line, ' ', &version, &rest);
    if (!read_version(h, version))
        return false;
    struct str digits = str_sub(rest, 0, 3);
    reason = str_sub(rest, 3, rest.n);
    if (digits.n != 3 || !str_to_u64(digits, &status) || status < 100 ||
        (reason.n && reason.p[0] != ' ') || !http_is_field_value(reason)) {
        (void)refuse(h, 400, "the status line is malformed");
        return false;
    }
    h->status = (int)status;
    return true;
}

/* ---- the whole ---- */

static void clear(struct http_head *h)
{
    struct http_headers headers = h->headers;
    http_headers_clear(&headers);
    *h = (struct http_head){.headers = headers, .start = h->start, .start_line_n = h->start_line_n};
}

static enum http_head_step run_parser(struct http_head *h, enum http_head_kind kind)
{
    static const http_parser_settings settings = {.on_header_field = on_field,
                                                  .on_header_value = on_value};
    http_parser p;
    http_parser_init(&p, kind == HTTP_HEAD_REQUEST ? HTTP_REQUEST : HTTP_RESPONSE);
    p.data = h;
    struct str bytes = buf_str(&h->headers.bytes);
    size_t n = http_parser_execute(&p, &settings, bytes.p, bytes.n);
    enum http_errno code = HTTP_PARSER_ERRNO(&p);
    if (h->refusal)
        return HTTP_HEAD_REFUSED;
    if (code == HPE_INVALID_METHOD)
        return refuse(h, 501, "the method is unknown");
    if (code == HPE_HEADER_OVERFLOW)
        return refuse(h, 431, "the head is too large");
    if (code != HPE_OK || n != bytes.n)
        return refuse(h, 400, http_errno_description(code));
    return HTTP_HEAD_DONE;
}

static enum http_head_step check_framing(struct http_head *h, enum http_head_kind kind)
{
    if (h->chunked && (h->has_length || h->minor == 0))
        return refuse(h, 400, "Transfer-Encoding comes with Content-Length or HTTP/1.0");
    h->keep_alive = h->minor == 1;
    if (h->has_connection && http_headers_has_token(&h->headers, "Connection", "close"))
        h->keep_alive = false;
    else if (h->has_connection && http_headers_has_token(&h->headers, "Connection", "keep-alive"))
        h->keep_alive = true;
    if (kind == HTTP_HEAD_RESPONSE)
        return HTTP_HEAD_DONE;
    if (h->minor == 1 && h->hosts == 0)
        return refuse(h, 400, "Host is missing");
    if (h->has_expect && h->minor == 1) {
        struct str expect = http_headers_get(&h->headers, "Expect");
        if (!str_eq_nocase(expect, STR("100-continue")))
            return refuse(h, 417, "only 100-continue can be expected");
        h->expects_continue = true;
    }
    return HTTP_HEAD_DONE;
}

enum http_head_step http_head_read(struct http_head *h, enum http_head_kind kind, struct str in,
                                   size_t bytes_max, size_t *used)
{
    BUG_ON(bytes_max > HTTP_HEADER_BYTES_MAX, "a head is at most HTTP_HEADER_BYTES_MAX");
    size_t end = 0;
    enum http_head_step step = find_end(h, in, bytes_max, &end);
    if (step != HTTP_HEAD_DONE)
        return step;
    *used = end;
    clear(h);
    buf_add(&h->headers.bytes, (struct str){in.p + h->start, end - h->start});
    struct str line = {h->headers.bytes.p, h->start_line_n};
    if (!(kind == HTTP_HEAD_REQUEST ? read_request_line : read_status_line)(h, line))
        return HTTP_HEAD_REFUSED;
    step = run_parser(h, kind);
    return step == HTTP_HEAD_DONE ? check_framing(h, kind) : step;
}

void http_head_free(struct http_head *h)
{
    http_headers_free(&h->headers);
    *h = (struct http_head){0};
}

void http_head_setup(void)
{
    http_parser_set_max_header_size(HTTP_HEADER_BYTES_MAX + 1);
}

const char *http_reason(int status)
{
    return http_status_str((enum http_status)status);
}
