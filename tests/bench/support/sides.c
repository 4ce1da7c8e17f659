#include "tests/bench/support/sides.h"

#include "engine/base/base.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void side_path(char out[SIDE_PATH_MAX], const char *name)
{
    ssize_t n = readlink("/proc/self/exe", out, SIDE_PATH_MAX - 1);
    BUG_ON(n <= 0, "a program knows its path");
    out[n] = 0;
    char *slash = strrchr(out, '/');
    BUG_ON((size_t)(slash - out) + strlen(name) + 2 > SIDE_PATH_MAX, "paths are short");
    snprintf(slash + 1, SIDE_PATH_MAX - (size_t)(slash + 1 - out), "%s", name);
}

void side_start(struct side *s, const char *const *words)
{
    char program[SIDE_PATH_MAX], *argv[SIDE_WORDS_MAX + 1] = {0};
    int out[2];
    side_path(program, words[0]);
    argv[0] = program;
    for (size_t i = 1; words[i]; i++) {
        BUG_ON(i == SIDE_WORDS_MAX, "a command has a few words");
        argv[i] = strdup(words[i]);
    }
    int failed = pipe(out);
    BUG_ON(failed, "a benchmark has pipes");
    s->pid = fork();
    BUG_ON(s->pid < 0, "a benchmark has processes");
    if (s->pid == 0) {
        dup2(out[1], STDOUT_FILENO);
        execv(program, argv);
        _exit(127);
    }
    close(out[1]);
    for (size_t i = 1; argv[i]; i++)
        free(argv[i]);
    s->out = fdopen(out[0], "r");
}

void side_expect(struct side *s, const char *begins, char *rest, size_t cap)
{
    char line[1024];
    while (fgets(line, sizeof line, s->out)) {
        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, begins, strlen(begins)) != 0)
            continue;
        snprintf(rest, cap, "%s", line + strlen(begins));
        return;
    }
    fprintf(stderr, "a program ended before it said \"%s\"\n", begins);
    exit(1);
}

void side_end(struct side *s)
{
    kill(s->pid, SIGTERM);
    fclose(s->out);
    waitpid(s->pid, NULL, 0);
}

int64_t side_cpu_ns(pid_t pid)
{
    clockid_t clock;
    struct timespec t = {0};
    int failed = clock_getcpuclockid(pid, &clock);
    BUG_ON(failed, "a process's CPU time can be read");
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t side_rss_bytes(pid_t pid)
{
    char path[64], line[256];
    long kib = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmRSS: %ld", &kib) == 1)
            break;
    if (f)
        fclose(f);
    BUG_ON(kib < 0, "a process has a resident size");
    return (int64_t)kib * 1024;
}
