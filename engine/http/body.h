/* body: cuts a message body out of a byte stream (RFC 9112 §6, §7.1), strictly. Private to engine/http.
 *
 *   chunked:  size ─► [extension] ─► LF ─► data ─► CR ─► LF ─► size ...      last: ─► trailer lines ─► done
 *
 * Pieces are views of the input: nothing is copied. Extensions and trailers are read past; HTTP_BODY_LINE_MAX bounds each
 * extension and all trailers of a body together. */
#ifndef PADDOCK_ENGINE_HTTP_BODY_H
#define PADDOCK_ENGINE_HTTP_BODY_H

#include "engine/base/str.h"

#define HTTP_BODY_LINE_MAX 8192u

enum http_body_kind { HTTP_BODY_NONE, HTTP_BODY_LENGTH, HTTP_BODY_CHUNKED, HTTP_BODY_UNTIL_END };
enum http_body_step { HTTP_BODY_MORE, HTTP_BODY_PIECE, HTTP_BODY_DONE, HTTP_BODY_BAD };

struct http_body {
    enum http_body_kind kind;
    unsigned state; /* of the chunked coding */
    uint64_t left;  /* of the length, or of the chunk */
    uint32_t line;  /* bytes of the extension or the trailers so far */
    unsigned digits;
    bool done;
};

struct http_body http_body_make(enum http_body_kind kind, uint64_t length);
/* Takes from the front of *in. PIECE: *piece is body. MORE: *in is used up. DONE: what *in holds comes after the body. */
enum http_body_step http_body_next(struct http_body *b, struct str *in, struct str *piece);

#endif
