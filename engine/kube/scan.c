#include "engine/kube/scan.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define BLOCK_BYTES 64u

/* Which marks stand where in a block: bit i is byte i. Brackets: round a list or an object. */
struct marks {
    uint64_t quotes, escapes, brackets;
};

#ifdef __SSE2__
static inline uint64_t places_of(char c, char ignored, const __m128i *quarters)
{
    __m128i wanted = _mm_set1_epi8((char)(c | ignored)), common = _mm_set1_epi8(ignored);
    uint64_t places = 0;
    for (unsigned i = 0; i < 4; i++)
        places |= (uint64_t)(uint32_t)_mm_movemask_epi8(
                      _mm_cmpeq_epi8(_mm_or_si128(quarters[i], common), wanted))
                  << (16 * i);
    return places;
}

static inline bool has_escape(const __m128i *quarters)
{
    __m128i found = _mm_setzero_si128();
    for (unsigned i = 0; i < 4; i++)
        found = _mm_or_si128(found, _mm_cmpeq_epi8(quarters[i], _mm_set1_epi8('\\')));
    return _mm_movemask_epi8(found) != 0;
}

/* The four brackets differ in three bits; what else is like them so far stands in strings only. */
static inline struct marks marks_of(const char *p)
{
    __m128i quarters[4];
    for (size_t i = 0; i < 4; i++)
        quarters[i] = _mm_loadu_si128((const void *)(p + 16 * i));
    return (struct marks){.quotes = places_of('"', 0, quarters),
                          .escapes = has_escape(quarters) ? places_of('\\', 0, quarters) : 0,
                          .brackets = places_of('{', ('{' ^ '[') | ('{' ^ '}'), quarters)};
}

/* The first quote or backslash of a text, or what is left of it when that is less than 16 bytes. */
static inline const char *next_mark(const char *p, const char *end)
{
    for (; end - p >= 16; p += 16) {
        __m128i bytes = _mm_loadu_si128((const void *)p);
        __m128i found = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                     _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
        uint32_t places = (uint32_t)_mm_movemask_epi8(found);
        if (places)
            return p + __builtin_ctz(places);
    }
    return p;
}
#else
static inline struct marks marks_of(const char *p)
{
    struct marks m = {0};
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        uint64_t place = (uint64_t)1 << i;
        m.quotes |= p[i] == '"' ? place : 0;
        m.escapes |= p[i] == '\\' ? place : 0;
        m.brackets |= p[i] == '{' || p[i] == '[' || p[i] == '}' || p[i] == ']' ? place : 0;
    }
    return m;
}

static inline const char *next_mark(const char *p, const char *end)
{
    (void)end;
    return p;
}
#endif

/* Eats a string; s->p is on its opening quote. */
static inline bool eat_string(struct scan *s)
{
    const char *p = s->p + 1;
    while ((p = next_mark(p, s->end)) < s->end) {
        if (*p == '"') {
            s->p = p + 1;
            return true;
        }
        p += *p == '\\' && s->end - p > 1 ? 2 : 1;
    }
    return false;
}

/* Takes escaped quotes away. *carry: the first byte of the block is escaped; afterwards: that of the next is. */
static void unmark_escaped(struct marks *m, bool *carry)
{
    uint64_t escaped = *carry, left = m->escapes & ~escaped;
    *carry = false;
    while (left) {
        uint64_t first = left & -left, after = first << 1;
        *carry = after == 0;
        escaped |= after;
        left &= ~(first | after);
    }
    m->quotes &= ~escaped;
}

/* Bit i: an odd number of bits is set up to it. */
static uint64_t parity_to_here(uint64_t bits)
{
    for (unsigned by = 1; by < BLOCK_BYTES; by *= 2)
        bits ^= bits << by;
    return bits;
}

/* Eats an object or array, whatever is in it: counts brackets outside of strings, a block at a time. */
static bool eat_nested(struct scan *s)
{
    const char *from = s->p + 1;
    size_t depth = 1, n = (size_t)(s->end - from);
    uint64_t in_string = 0; /* all bits or none: how the block begins */
    bool escaped = false;
    for (size_t at = 0; at < n; at += BLOCK_BYTES) {
        char rest[BLOCK_BYTES];
        bool whole = n - at >= BLOCK_BYTES;
        if (!whole)
            memcpy(memset(rest, 0, sizeof(rest)), from + at, n - at);
        struct marks m = marks_of(whole ? from + at : rest);
        if (m.escapes || escaped)
            unmark_escaped(&m, &escaped);
        uint64_t strings = parity_to_here(m.quotes) ^ in_string;
        for (uint64_t left = m.brackets & ~strings; left; left &= left - 1) {
            const char *p = from + at + __builtin_ctzll(left);
            depth += *p == '{' || *p == '[' ? 1 : (size_t)-1;
            if (depth == 0) {
                s->p = p + 1;
                return true;
            }
        }
        in_string = -(strings >> (BLOCK_BYTES - 1));
    }
    s->p = s->end;
    return false;
}

/* Eats one value of any kind. */
static bool scan_value(struct scan *s, struct str *value)
{
    if (s->p >= s->end)
        return false;
    const char *start = s->p;
    bool ok = true;
    if (*start == '"') {
        ok = eat_string(s);
    } else if (*start == '{' || *start == '[') {
        ok = eat_nested(s);
    } else {
        while (s->p < s->end && *s->p != ',' && *s->p != '}' && *s->p != ']')
            s->p++;
        ok = s->p > start;
    }
    *value = (struct str){start, (size_t)(s->p - start)};
    return ok;
}

bool scan_enter(struct scan *s, char bracket)
{
    if (s->p >= s->end || *s->p != bracket)
        return false;
    s->p++;
    return true;
}

/* The next key of an object; s->p is then on its value. */
static bool scan_key(struct scan *s, struct str *key)
{
    if (s->p < s->end && *s->p == ',')
        s->p++;
    if (s->p >= s->end || *s->p != '"')
        return false;
    const char *start = s->p + 1;
    if (!eat_string(s))
        return false;
    *key = (struct str){start, (size_t)(s->p - start) - 1};
    if (s->p >= s->end || *s->p != ':')
        return false;
    s->p++;
    return true;
}

bool scan_member(struct scan *s, struct str *key, struct str *value)
{
    return scan_key(s, key) && scan_value(s, value);
}

bool scan_element(struct scan *s, struct str *value)
{
    if (s->p < s->end && *s->p == ',')
        s->p++;
    if (s->p >= s->end || *s->p == ']')
        return false;
    return scan_value(s, value);
}

static bool find_element(struct scan *s, struct str index)
{
    struct str value;
    uint64_t n;
    if (!scan_enter(s, '[') || !str_to_u64(index, &n))
        return false;
    for (uint64_t i = 0; i < n; i++)
        if (!scan_element(s, &value))
            return false;
    if (s->p < s->end && *s->p == ',')
        s->p++;
    return s->p < s->end && *s->p != ']';
}

/* To the value of a member; stops early, since keys are in byte order (but for escaped ones). */
static bool find_member(struct scan *s, struct str key)
{
    struct str k, v;
    int order = -1;
    if (!scan_enter(s, '{'))
        return false;
    while (scan_key(s, &k) && (order = str_cmp(k, key)) != 0) {
        if ((order > 0 && !memchr(k.p, '\\', k.n)) || !scan_value(s, &v))
            return false;
    }
    return order == 0;
}

struct str scan_get(struct str object, struct str key)
{
    struct scan s = scan_of(object);
    struct str value;
    return find_member(&s, key) && scan_value(&s, &value) ? value : str_empty;
}

bool scan_find(struct scan *s, const char *dotted)
{
    struct str rest = str_c(dotted), head;
    while (rest.n > 0) {
        (void)str_cut(rest, '.', &head, &rest); /* without a dot: all of it */
        if (s->p < s->end && *s->p == '[' ? !find_element(s, head) : !find_member(s, head))
            return false;
    }
    return true;
}

struct str scan_path(struct str object, const char *dotted)
{
    struct scan s = scan_of(object);
    struct str value;
    return scan_find(&s, dotted) && scan_value(&s, &value) ? value : str_empty;
}

bool scan_string(struct str raw, struct str *inner, bool *escaped)
{
    if (raw.n < 2 || raw.p[0] != '"')
        return false;
    *inner = (struct str){raw.p + 1, raw.n - 2};
    *escaped = memchr(inner->p, '\\', inner->n) != NULL;
    return true;
}
