#include "engine/http/flow.h"

void http_buffer_trim(struct buf *b)
{
    if (b->cap > HTTP_BUFFER_KEEP)
        buf_free(b);
    else
        buf_clear(b);
}

void http_input_begin(struct http_input *i, struct str bytes)
{
    i->own = i->kept.n > 0;
    if (i->own) {
        buf_add(&i->kept, bytes);
        i->copied += bytes.n;
    }
    i->rest = i->own ? buf_str(&i->kept) : bytes;
}

void http_input_end(struct http_input *i)
{
    if (i->own) {
        buf_consume(&i->kept, i->kept.n - i->rest.n);
    } else {
        buf_add(&i->kept, i->rest);
        i->copied += i->rest.n;
    }
    i->rest = str_empty;
    if (i->kept.n == 0)
        http_buffer_trim(&i->kept);
}

void http_alarm_by(struct http_alarm *a, struct world *w, world_time due)
{
    if (a->set && a->at <= due)
        return;
    world_timer_start(a->timer, due - world_now(w));
    a->at = due;
    a->set = true;
}

static void put_chunk_size(struct buf *out, size_t n)
{
    static const char hex[] = "0123456789abcdef";
    char digits[sizeof(n) * 2];
    size_t at = sizeof(digits);
    do {
        digits[--at] = hex[n & 15];
        n >>= 4;
    } while (n);
    buf_add(out, (struct str){digits + at, sizeof(digits) - at});
    buf_add(out, STR("\r\n"));
}

size_t http_chunk_write(struct world_stream *s, struct buf *out, struct str piece, uint64_t *copied)
{
    size_t n;
    BUG_ON(piece.n == 0, "an empty chunk would end the body");
    buf_clear(out);
    put_chunk_size(out, piece.n);
    *copied += piece.n; /* the stream's copy */
    if (piece.n <= HTTP_JOIN_MAX) {
        buf_add(out, piece);
        buf_add(out, STR("\r\n"));
        *copied += piece.n;
        n = out->n;
        world_stream_write(s, buf_str(out));
    } else {
        n = out->n + piece.n + 2;
        world_stream_write(s, buf_str(out));
        world_stream_write(s, piece);
        world_stream_write(s, STR("\r\n"));
    }
    http_buffer_trim(out);
    return n;
}
