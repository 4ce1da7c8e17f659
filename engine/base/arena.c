#include "engine/base/arena.h"

#include <string.h>

#define ARENA_ALIGN        16u
#define ARENA_CHUNK_FIRST  ((size_t)1 << 10) /* many live long and hold little */
#define ARENA_CHUNK_MAX    ((size_t)256 << 10)
#define ARENA_RETAINED_MAX ((size_t)1 << 20) /* what a reset may keep */

struct arena_chunk {
    struct arena_chunk *next; /* older */
    size_t used, cap;
    _Alignas(ARENA_ALIGN) char bytes[];
};

/* A block that does not fit a usual chunk gets its own, put behind the newest, whose room stays in use. */
static struct arena_chunk *chunk_add(struct arena *a, size_t n)
{
    struct arena_chunk *newest = a->chunks;
    size_t cap = newest ? newest->cap * 2 : ARENA_CHUNK_FIRST;
    if (cap > ARENA_CHUNK_MAX)
        cap = ARENA_CHUNK_MAX;
    bool oversized = n > cap / 2;
    if (oversized)
        cap = n;
    struct arena_chunk *chunk = mem_resize(NULL, sizeof(*chunk) + cap);
    chunk->used = 0;
    chunk->cap = cap;
    if (oversized && newest) {
        chunk->next = newest->next;
        newest->next = chunk;
    } else {
        chunk->next = newest;
        a->chunks = chunk;
    }
    return chunk;
}

void *arena_alloc(struct arena *a, size_t n)
{
    BUG_ON(n > SIZE_MAX / 2, "a block has a sane size");
    n = (n + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    struct arena_chunk *chunk = a->chunks;
    if (!chunk || chunk->cap - chunk->used < n)
        chunk = chunk_add(a, n);
    void *p = chunk->bytes + chunk->used;
    chunk->used += n;
    a->used += n;
    return memset(p, 0, n);
}

void *arena_alloc_array(struct arena *a, size_t n, size_t size)
{
    size_t bytes;
    BUG_ON(__builtin_mul_overflow(n, size, &bytes), "an array has a sane size");
    return arena_alloc(a, bytes);
}

char *arena_c(struct arena *a, struct str s)
{
    char *z = arena_alloc(a, s.n + 1);
    if (s.n)
        memcpy(z, s.p, s.n);
    return z;
}

struct str arena_str(struct arena *a, struct str s)
{
    return (struct str){arena_c(a, s), s.n};
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
    struct buf text = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_addv(&text, fmt, ap);
    va_end(ap);
    struct str copy = arena_str(a, buf_str(&text));
    buf_free(&text);
    return copy;
}

void arena_reset(struct arena *a)
{
    struct arena_chunk *kept = a->chunks;
    if (kept && kept->cap > ARENA_RETAINED_MAX)
        kept = NULL;
    if (kept) {
        a->chunks = kept->next;
        kept->next = NULL;
        kept->used = 0;
    }
    arena_free(a);
    a->chunks = kept;
}

void arena_free(struct arena *a)
{
    while (a->chunks) {
        struct arena_chunk *next = a->chunks->next;
        mem_free(a->chunks);
        a->chunks = next;
    }
    a->used = 0;
}
