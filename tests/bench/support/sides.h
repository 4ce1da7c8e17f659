/* sides: the programs that a benchmark runs beside itself, one process each: starting, what they used, ending. */
#ifndef PADDOCK_TESTS_BENCH_SIDES_H
#define PADDOCK_TESTS_BENCH_SIDES_H

#include <stdbool.h>
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
void side_end(struct side *s);  /* SIGTERM, and waits */
void side_kill(struct side *s); /* SIGKILL, and waits */

int64_t side_cpu_ns(pid_t pid); /* user and system, all threads */
/* Resident and anonymous: heap and stacks, not the program. */
int64_t side_heap_bytes(pid_t pid);

/* As many files as may be, and an end after so long: what was started ends with the benchmark. */
void side_limits(unsigned seconds);

/* Words on the command line choose: is this one wanted, of a group of which none given means all? */
bool side_wants(int argc, char *argv[], const char *word, const char *const *group);
/* The word tiny: counts so small that only the way is tried; the figures mean nothing. */
bool side_tiny(int argc, char *argv[]);

#endif
