/* headers: an ordered list of HTTP header fields that keeps repeats (RFC 9110 §5.2, §5.3). Names compare without case.
 * Ownership: names and values are copied in; views live until the list changes. Values must not hold CR, LF or NUL
 * (http_headers_add returns false: header injection). Bounds: HTTP_HEADERS_MAX fields, HTTP_HEADER_BYTES_MAX in all. */
#ifndef PADDOCK_ENGINE_HTTP_HEADERS_H
#define PADDOCK_ENGINE_HTTP_HEADERS_H

#include "engine/base/str.h"

#define HTTP_HEADERS_MAX      256u
#define HTTP_HEADER_BYTES_MAX ((size_t)1 << 20)

struct http_header;
struct http_headers {
    struct buf bytes;
    struct http_header *items;
    size_t n, cap;
};

bool http_headers_add(struct http_headers *h, struct str name, struct str value) must_check;
void http_headers_add_c(struct http_headers *h, const char *name,
                        const char *value); /* constants of ours: BUG_ON bad ones */
struct str http_headers_get(const struct http_headers *h,
                            const char *name); /* first value; str_empty: absent */
bool http_headers_has(const struct http_headers *h, const char *name);
size_t http_headers_count(const struct http_headers *h, const char *name);
/* In order, repeats included; false at the end. */
bool http_headers_at(const struct http_headers *h, size_t i, struct str *name, struct str *value);
/* True when a comma-separated list header (e.g. Connection) holds the token, over all its repeats. */
bool http_headers_has_token(const struct http_headers *h, const char *name, const char *token);
void http_headers_clear(struct http_headers *h);
void http_headers_free(struct http_headers *h);

#endif
