#include "engine/base/str.h"

#include <stdio.h>
#include <string.h>

#define BUF_FIRST_BYTES 64u

static size_t buf_max(const struct buf *b)
{
    return b->max ? b->max : BUF_MAX_DEFAULT;
}

/* Room for n more bytes and a NUL behind them. Doubles, so that appending is linear in what is appended. */
static void reserve(struct buf *b, size_t n)
{
    size_t need = b->n + n + 1;
    if (need <= b->cap)
        return;
    size_t cap = b->cap ? b->cap : BUF_FIRST_BYTES;
    while (cap < need)
        cap *= 2;
    b->p = mem_resize(b->p, cap);
    b->cap = cap;
}

void buf_free(struct buf *b)
{
    mem_free(b->p);
    *b = (struct buf){.max = b->max};
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    b->overflow = false;
}

bool buf_ok(const struct buf *b)
{
    return !b->overflow;
}

void buf_add(struct buf *b, struct str s)
{
    size_t room = buf_max(b) - b->n;
    if (s.n > room) {
        b->overflow = true;
        s.n = room;
    }
    if (s.n == 0)
        return;
    BUG_ON(b->p && s.p >= b->p && s.p < b->p + b->cap, "a buf is not appended to itself");
    reserve(b, s.n);
    memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
}

void buf_add_c(struct buf *b, const char *z)
{
    buf_add(b, str_c(z));
}

void buf_add_char(struct buf *b, char c)
{
    if (b->n + 1 < b->cap && b->n < buf_max(b))
        b->p[b->n++] = c;
    else
        buf_add(b, (struct str){&c, 1});
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    buf_addv(b, fmt, ap);
    va_end(ap);
}

void buf_addv(struct buf *b, const char *fmt, va_list ap)
{
    va_list first;
    va_copy(first, ap); /* the text may have to be made twice */
    size_t spare = b->cap > b->n ? b->cap - b->n : 0;
    int n = vsnprintf(spare ? b->p + b->n : NULL, spare, fmt, first);
    va_end(first);
    BUG_ON(n < 0, "a format of ours is well formed");
    size_t room = buf_max(b) - b->n;
    if ((size_t)n > room) {
        b->overflow = true;
        char *whole = mem_alloc((size_t)n + 1);
        (void)vsnprintf(whole, (size_t)n + 1, fmt, ap);
        buf_add(b, (struct str){whole, room});
        mem_free(whole);
        return;
    }
    if ((size_t)n >= spare) {
        reserve(b, (size_t)n);
        (void)vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
    }
    b->n += (size_t)n;
}

void buf_add_u64(struct buf *b, uint64_t v)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    buf_add(b, (struct str){digits + at, sizeof(digits) - at});
}

void buf_add_i64(struct buf *b, int64_t v)
{
    if (v < 0)
        buf_add_char(b, '-');
    buf_add_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

char *buf_grow(struct buf *b, size_t n)
{
    if (n > buf_max(b) - b->n) {
        b->overflow = true;
        return NULL;
    }
    reserve(b, n);
    char *room = b->p + b->n;
    b->n += n;
    return room;
}

void buf_consume(struct buf *b, size_t n)
{
    BUG_ON(n > b->n, "no more is consumed than there is");
    b->n -= n;
    if (b->n && n)
        memmove(b->p, b->p + n, b->n);
}

struct str buf_str(const struct buf *b)
{
    return b->n ? (struct str){b->p, b->n} : str_empty;
}

const char *buf_c(struct buf *b)
{
    reserve(b, 0);
    b->p[b->n] = '\0';
    return b->p;
}

struct str buf_take(struct buf *b)
{
    if (b->n == 0) { /* an owned str is never empty bytes: see str_dup */
        buf_free(b);
        return str_empty;
    }
    struct str taken = {buf_c(b), b->n};
    *b = (struct buf){.max = b->max};
    return taken;
}
