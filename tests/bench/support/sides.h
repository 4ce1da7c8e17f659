/* sides: the programs that a benchmark runs beside itself, one process each: starting, what they used, ending. */
#ifndef PADDOCK_TESTS_BENCH_SIDES_H
#define PADDOCK_TESTS_BENCH_SIDES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define SIDE_PATH_MAX  512u
#define SIDE_WORDS_MAX 32u

struct side {
    pid_t pid;
    FILE *out; /* its standard output */
};

/* The path of a file in this program's folder: in the build. */
void side_path(char out[SIDE_PATH_MAX], const char *name);
/* words: the program's name in that folder, then its arguments; NULL ends them. */
void side_start(struct side *s, const char *const *words);
/* The next line of it that begins so, what follows in `rest`; ends the benchmark when there is none. */
void side_expect(struct side *s, const char *begins, char *rest, size_t cap);
void side_end(struct side *s); /* SIGTERM, and waits */

int64_t side_cpu_ns(pid_t pid); /* user and system, all threads */
int64_t side_rss_bytes(pid_t pid);

#endif
