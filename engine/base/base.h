/* base: what every file may use: assertions, ownership marks, container_of, checked allocation.
 *
 * BUG_ON(cond, "sentence") ends the program, also in release, when a programmer's promise is broken. Operating
 * errors (a peer, a file, a user's input) never reach it: they are `struct err *` (err.h).
 *
 * Allocation: mem_alloc and friends never return NULL. A process that cannot get a small block says so on stderr
 * and exits with status 3; whatever a peer can make large is bounded by the container that holds it (buf_max, ...),
 * and that bound is an operating error. mem_fail_after() makes the n-th allocation from now fail (tests only). */
#ifndef PADDOCK_ENGINE_BASE_BASE_H
#define PADDOCK_ENGINE_BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define must_check                      __attribute__((warn_unused_result))
#define never_null                      __attribute__((returns_nonnull))
#define printf_like(fmt, args)          __attribute__((format(printf, fmt, args)))

#define ARRAY_LEN(a)                    (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

_Noreturn void bug_fail(const char *file, int line, const char *cond, const char *sentence);
#define BUG_ON(cond, sentence) ((cond) ? bug_fail(__FILE__, __LINE__, #cond, (sentence)) : (void)0)

void *mem_alloc(size_t n) never_null;           /* zeroed */
void *mem_resize(void *p, size_t n) never_null; /* new bytes are not zeroed */
void mem_free(void *p);                         /* NULL is fine */
void mem_fail_after(uint64_t n);                /* 0 switches it off */

#define MEM_NEW(type)          ((type *)mem_alloc(sizeof(type)))
#define MEM_NEW_ARRAY(type, n) ((type *)mem_alloc_array((n), sizeof(type)))
void *mem_alloc_array(size_t n, size_t size) never_null; /* overflow checked, zeroed */

#endif
