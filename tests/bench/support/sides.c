#include "tests/bench/support/sides.h"

#include "engine/base/base.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define END_MS 15000 /* a side that takes longer to end is ended */

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
    int failed = pipe2(out, O_CLOEXEC);
    BUG_ON(failed, "a benchmark has pipes");
    s->pid = fork();
    BUG_ON(s->pid < 0, "a benchmark has processes");
    if (s->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
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

static bool has_ended(pid_t pid)
{
    return waitpid(pid, NULL, WNOHANG) != 0;
}

void side_end(struct side *s)
{
    int left = END_MS;
    kill(s->pid, SIGTERM);
    for (; left > 0 && !has_ended(s->pid); left--)
        usleep(1000);
    if (left == 0)
        side_kill(s);
    else
        fclose(s->out);
}

void side_kill(struct side *s)
{
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    fclose(s->out);
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

int64_t side_heap_bytes(pid_t pid)
{
    char path[64], line[256];
    long kib = -1;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "Pss_Anon: %ld", &kib) == 1)
            break;
    if (f)
        fclose(f);
    BUG_ON(kib < 0, "the kernel tells what memory a process has of its own");
    return (int64_t)kib * 1024;
}

void side_limits(unsigned seconds)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    alarm(seconds);
}

/* ---- words ---- */

static bool is_given(int argc, char *argv[], const char *word)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], word) == 0)
            return true;
    return false;
}

bool side_wants(int argc, char *argv[], const char *word, const char *const *group)
{
    bool any = false;
    for (; *group; group++)
        any |= is_given(argc, argv, *group);
    return !any || is_given(argc, argv, word);
}

bool side_tiny(int argc, char *argv[])
{
    return is_given(argc, argv, "tiny");
}
