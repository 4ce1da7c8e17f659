#include "engine/base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EXIT_OUT_OF_MEMORY 3

/* The only mutable state of the layer: tests make the n-th allocation of their own thread fail. */
static _Thread_local uint64_t allocations_until_failure;

_Noreturn void bug_fail(const char *file, int line, const char *cond, const char *sentence)
{
    (void)fprintf(stderr, "BUG %s:%d: %s (%s)\n", file, line, sentence, cond);
    (void)fflush(NULL);
    abort();
}

static _Noreturn void out_of_memory(size_t n)
{
    (void)fprintf(stderr, "out of memory: cannot get %zu bytes\n", n);
    (void)fflush(NULL);
    _exit(EXIT_OUT_OF_MEMORY); /* no handler that could want memory */
}

static bool must_fail_now(void)
{
    return allocations_until_failure > 0 && --allocations_until_failure == 0;
}

void *mem_alloc(size_t n)
{
    void *p = must_fail_now() ? NULL : calloc(1, n ? n : 1);
    if (!p)
        out_of_memory(n);
    return p;
}

void *mem_resize(void *p, size_t n)
{
    void *moved = must_fail_now() ? NULL : realloc(p, n ? n : 1);
    if (!moved)
        out_of_memory(n);
    return moved;
}

void mem_free(void *p)
{
    free(p);
}

void mem_fail_after(uint64_t n)
{
    allocations_until_failure = n;
}

void *mem_alloc_array(size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes))
        out_of_memory(SIZE_MAX);
    return mem_alloc(bytes);
}
