#include "engine/http/body.h"

enum chunk_state {
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER_START, /* at the first byte of a trailer line */
    CHUNK_TRAILER,
    CHUNK_TRAILER_LF,
    CHUNK_END_LF
};
#define CHUNK_DIGITS_MAX 15u /* 2^60: no overflow */

struct http_body http_body_make(enum http_body_kind kind, uint64_t length)
{
    bool empty = kind == HTTP_BODY_NONE || (kind == HTTP_BODY_LENGTH && length == 0);
    return (struct http_body){.kind = kind, .left = length, .done = empty};
}

static struct str take(struct str *in, uint64_t most)
{
    struct str piece = {in->p, most < in->n ? (size_t)most : in->n};
    in->p += piece.n;
    in->n -= piece.n;
    return piece;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool step_size(struct http_body *b, char c)
{
    int digit = hex_digit(c);
    if (digit >= 0) {
        b->left = b->left << 4 | (unsigned)digit;
        return ++b->digits <= CHUNK_DIGITS_MAX;
    }
    b->line = 0;
    b->state = c == ';' ? CHUNK_EXTENSION : CHUNK_SIZE_LF;
    return b->digits > 0 && (c == ';' || c == '\r');
}

/* Bytes of an extension or a trailer: no control characters, bounded. */
static bool step_line(struct http_body *b, char c, unsigned at_cr)
{
    if (c == '\r')
        b->state = at_cr;
    else if ((unsigned char)c < ' ' && c != '\t')
        return false;
    return ++b->line <= HTTP_BODY_LINE_MAX;
}

static bool step_size_lf(struct http_body *b, char c)
{
    b->state = b->left ? CHUNK_DATA : CHUNK_TRAILER_START;
    b->line = 0;
    return c == '\n';
}

static bool step_trailer_start(struct http_body *b, char c)
{
    if (c == '\r') {
        b->state = CHUNK_END_LF;
        return true;
    }
    b->state = CHUNK_TRAILER;
    return c != ' ' && c != '\t' && c != ':' && step_line(b, c, CHUNK_TRAILER_LF);
}

/* One byte of chunk framing. */
static bool step(struct http_body *b, char c)
{
    BUG_ON(b->state == CHUNK_DATA, "chunk data is not framing");
    switch ((enum chunk_state)b->state) {
    case CHUNK_SIZE:
        return step_size(b, c);
    case CHUNK_EXTENSION:
        return step_line(b, c, CHUNK_SIZE_LF);
    case CHUNK_SIZE_LF:
        return step_size_lf(b, c);
    case CHUNK_DATA_CR:
        b->state = CHUNK_DATA_LF;
        return c == '\r';
    case CHUNK_DATA_LF:
        b->state = CHUNK_SIZE;
        b->digits = 0;
        return c == '\n';
    case CHUNK_TRAILER_START:
        return step_trailer_start(b, c);
    case CHUNK_TRAILER:
        return step_line(b, c, CHUNK_TRAILER_LF);
    case CHUNK_TRAILER_LF:
        b->state = CHUNK_TRAILER_START;
        return c == '\n';
    case CHUNK_END_LF:
        b->done = true;
        return c == '\n';
    case CHUNK_DATA:
        break;
    }
    return false;
}

static enum http_body_step next_chunked(struct http_body *b, struct str *in, struct str *piece)
{
    while (in->n > 0) {
        if (b->state == CHUNK_DATA) {
            *piece = take(in, b->left);
            b->left -= piece->n;
            if (b->left == 0)
                b->state = CHUNK_DATA_CR;
            return HTTP_BODY_PIECE;
        }
        char c = take(in, 1).p[0];
        if (!step(b, c))
            return HTTP_BODY_BAD;
        if (b->done)
            return HTTP_BODY_DONE;
    }
    return HTTP_BODY_MORE;
}

enum http_body_step http_body_next(struct http_body *b, struct str *in, struct str *piece)
{
    if (b->done)
        return HTTP_BODY_DONE;
    if (b->kind == HTTP_BODY_CHUNKED)
        return next_chunked(b, in, piece);
    if (in->n == 0)
        return HTTP_BODY_MORE;
    *piece = take(in, b->kind == HTTP_BODY_LENGTH ? b->left : in->n);
    if (b->kind == HTTP_BODY_LENGTH) {
        b->left -= piece->n;
        b->done = b->left == 0;
    }
    return HTTP_BODY_PIECE;
}
