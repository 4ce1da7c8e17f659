/* arena: memory for what dies together (a request, a reconcile, a loaded scenario). Freed at once, never piecewise.
 * Blocks are 16-byte aligned and zeroed. Not bounded: the input that fills it is. */
#ifndef PADDOCK_ENGINE_BASE_ARENA_H
#define PADDOCK_ENGINE_BASE_ARENA_H

#include "engine/base/str.h"

struct arena_chunk;
struct arena {
    struct arena_chunk *chunks; /* newest first */
    size_t used;                /* bytes handed out since the last reset */
};

void *arena_alloc(struct arena *a, size_t n);
void *arena_alloc_array(struct arena *a, size_t n, size_t size);
#define ARENA_NEW(a, type)          ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_NEW_ARRAY(a, type, n) ((type *)arena_alloc_array((a), (n), sizeof(type)))
struct str arena_str(struct arena *a, struct str s); /* a copy, NUL-terminated behind its end */
char *arena_c(struct arena *a, struct str s);        /* the same as a C string */
struct str arena_printf(struct arena *a, const char *fmt, ...) printf_like(2, 3);
void arena_reset(struct arena *a); /* frees all but one chunk, for reuse */
void arena_free(struct arena *a);

#endif
