#include "engine/base/str.h"

#include <string.h>

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    if (order != 0)
        return order < 0 ? -1 : 1;
    return (a.n > b.n) - (a.n < b.n);
}

int str_order(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq((struct str){s.p, prefix.n}, prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_eq(str_sub(s, s.n - suffix.n, suffix.n), suffix);
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
    while (s.n > 0 && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool char_in(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

ptrdiff_t str_find_char(struct str s, char c)
{
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
    return at ? at - s.p : -1;
}

ptrdiff_t str_find(struct str s, struct str needle)
{
    if (needle.n == 0)
        return 0;
    if (needle.n > s.n)
        return -1;
    const char *at = memmem(s.p, s.n, needle.p, needle.n);
    return at ? at - s.p : -1;
}

bool str_cut(struct str s, char sep, struct str *head, struct str *tail)
{
    ptrdiff_t at = str_find_char(s, sep);
    if (at < 0) {
        *head = s;
        *tail = str_empty;
        return false;
    }
    *head = (struct str){s.p, (size_t)at};
    *tail = (struct str){s.p + at + 1, s.n - (size_t)at - 1};
    return true;
}

bool str_to_u64(struct str s, uint64_t *out)
{
    uint64_t v = 0;
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned digit = (unsigned)(unsigned char)s.p[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, digit, &v))
            return false;
    }
    *out = v;
    return true;
}

bool str_to_i64(struct str s, int64_t *out)
{
    bool negative = s.n > 0 && s.p[0] == '-';
    uint64_t v;
    if (!str_to_u64(negative ? str_sub(s, 1, s.n) : s, &v))
        return false;
    if (v > (uint64_t)INT64_MAX + negative)
        return false;
    *out = negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

char *str_dup_c(struct str s)
{
    char *z = mem_alloc(s.n + 1);
    if (s.n)
        memcpy(z, s.p, s.n);
    return z;
}

struct str str_dup(struct str s)
{
    return s.n ? (struct str){str_dup_c(s), s.n} : str_empty;
}

void str_free(struct str *s)
{
    if (s->n > 0) { /* what is empty was never allocated: "" is another address in every file */
        void *owned;
        memcpy(&owned, &s->p, sizeof(owned)); /* str_dup made it: dropping const is ours to do */
        mem_free(owned);
    }
    *s = str_empty;
}

/* The hash: 64 × 64 → 128 bit multiplications folded by xor, 16 bytes a round, over little-endian words, so that
 * the value is the same everywhere. The factors are folded in again, so that a zero factor does not swallow the other
 * one. Not keyed: no order may come from it, and tables bound what a peer can put in. */
#define HASH_K0 UINT64_C(0x9e3779b97f4a7c15)
#define HASH_K1 UINT64_C(0xd6e8feb86659fd93)
#define HASH_K2 UINT64_C(0xa0761d6478bd642f)

static inline uint64_t load64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap64(v) : v;
}

static inline uint64_t load32(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap32(v) : v;
}

static inline uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64) ^ a ^ b;
}

uint64_t str_hash(struct str s)
{
    const char *p = s.p;
    size_t n = s.n;
    uint64_t h = HASH_K0 ^ n, a = 0, b = 0;
    for (; n > 16; p += 16, n -= 16)
        h = fold(load64(p) ^ HASH_K1, load64(p + 8) ^ h);
    if (n >= 8) { /* the two words may overlap; n is in h already */
        a = load64(p);
        b = load64(p + n - 8);
    } else if (n >= 4) {
        a = load32(p);
        b = load32(p + n - 4);
    } else if (n > 0) {
        a = (uint64_t)(unsigned char)p[0] << 16 | (uint64_t)(unsigned char)p[n >> 1] << 8 |
            (unsigned char)p[n - 1];
    }
    return fold(HASH_K2 ^ s.n, fold(a ^ HASH_K1, b ^ h));
}
