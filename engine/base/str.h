/* str: a borrowed view of bytes (pointer, length); buf: owned bytes that grow up to a stated maximum.
 *
 * Ownership: a str never owns. A buf owns its bytes until buf_free or buf_take.
 * Errors:    appending beyond buf.max sets buf.overflow and drops the excess; the caller checks once at the end
 *            (buf_ok). A buf of max 0 has the default BUF_MAX_DEFAULT. */
#ifndef PADDOCK_ENGINE_BASE_STR_H
#define PADDOCK_ENGINE_BASE_STR_H

#include "engine/base/base.h"
#include <stdarg.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
#define STR_INIT(literal)                                                                          \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    } /* in static tables */
#define STR_FMT    "%.*s"
#define STR_ARG(s) (int)(s).n, str_bytes((s).p)
static const struct str str_empty = {"", 0};

static inline const char *str_bytes(const char *p) /* what printf may be given: never NULL */
{
    return p ? p : "";
}

/* The smallest are here, so that comparisons with literals cost a length and a few words. */
static inline struct str str_c(const char *z) /* of a NUL-terminated string; NULL: str_empty */
{
    return z ? (struct str){z, strlen(z)} : str_empty;
}
static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
static inline bool str_eq_c(struct str a, const char *z)
{
    return str_eq(a, str_c(z));
}
bool str_eq_nocase(struct str a, struct str b); /* ASCII only, never the locale */
int str_cmp(struct str a, struct str b);        /* byte order */
int str_order(const void *a, const void *b);    /* the same of two struct str, for qsort */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
static inline struct str str_sub(struct str s, size_t from, size_t n) /* clamps */
{
    if (from >= s.n)
        return str_empty;
    return (struct str){s.p + from, n < s.n - from ? n : s.n - from};
}
struct str str_trim(struct str s);             /* ASCII blanks */
bool char_in(char c, const char *set);         /* a NUL is in none */
ptrdiff_t str_find_char(struct str s, char c); /* -1: none */
ptrdiff_t str_find(struct str s, struct str needle);
/* Cuts at the first sep: *head before it, *tail after it. False (and *head = s, *tail empty) when there is none. */
bool str_cut(struct str s, char sep, struct str *head, struct str *tail);
/* Decimal integers; the whole of s must be digits (int: with optional minus). False on empty, junk or overflow. */
bool str_to_u64(struct str s, uint64_t *out);
bool str_to_i64(struct str s, int64_t *out);
char *str_dup_c(struct str s); /* owned, NUL-terminated */
/* Owned by the caller: str_free. Owned bytes are never empty: a copy of nothing is str_empty, and str_free leaves alone
 * what is empty, wherever it points. So an owned str is not shortened in place. */
struct str str_dup(struct str s);
void str_free(struct str *s);    /* of str_dup or buf_take; leaves str_empty */
uint64_t str_hash(struct str s); /* 64 bits, the same on every machine */

#define BUF_MAX_DEFAULT ((size_t)1 << 30)

struct buf {
    char *p;
    size_t n;
    size_t cap;
    size_t max;    /* 0: BUF_MAX_DEFAULT */
    bool overflow; /* something was dropped */
};

void buf_free(struct buf *b);  /* leaves an empty buf with the same max */
void buf_clear(struct buf *b); /* keeps the memory */
bool buf_ok(const struct buf *b);
void buf_add(struct buf *b, struct str s);
void buf_add_c(struct buf *b, const char *z);
void buf_add_char(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) printf_like(2, 3);
void buf_addv(struct buf *b, const char *fmt, va_list ap) printf_like(2, 0);
void buf_add_u64(struct buf *b, uint64_t v); /* decimal */
void buf_add_i64(struct buf *b, int64_t v);
char *buf_grow(struct buf *b,
               size_t n); /* n more writable bytes (counted in), or NULL beyond max */
void buf_consume(struct buf *b, size_t n); /* drops n bytes from the front */
struct str buf_str(const struct buf *b);   /* borrowed until the next change */
const char *buf_c(struct buf *b);          /* NUL-terminated view */
struct str buf_take(struct buf *b); /* gives the bytes away: str_free; also frees an empty buf */

#endif
