/* Processes and their pipes. */
#include "sim/cli/child.h"

#include "engine/base/timefmt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LAST_LINES  5u
#define STATUS_CUT  3 /* the result could not be handed over */
#define CHUNK_BYTES 65536

int64_t cli_clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t cli_wall_clock(void *ctx)
{
    (void)ctx;
    return cli_clock_ns();
}

/* ---- in the copy ---- */

static void write_all(int to, struct str bytes)
{
    for (size_t at = 0; at < bytes.n;) {
        ssize_t n = write(to, bytes.p + at, bytes.n - at);
        if (n < 0 && errno != EINTR)
            _exit(STATUS_CUT);
        at += n < 0 ? 0 : (size_t)n;
    }
}

static _Noreturn void be_child(const struct child_work *work, const int to[CHILD_PIPES])
{
    struct buf out = {0};
    int words = work->heard ? to[CHILD_WORDS] : open("/dev/null", O_WRONLY);
    if (words >= 0) /* a broken invariant of the engine is one outcome among others */
        dup2(words, STDERR_FILENO);
    close(to[CHILD_WORDS]);
    work->carry_out(work->ctx, &out);
    write_all(to[CHILD_RESULT], buf_str(&out));
    buf_free(&out);
    exit(0); /* in full: sanitizers look for leaks, gcov writes what it counted */
}

/* ---- starting ---- */

static void close_all(const int fds[CHILD_PIPES])
{
    for (size_t i = 0; i < CHILD_PIPES; i++)
        close(fds[i]);
}

static bool open_pipes(int reads[CHILD_PIPES], int writes[CHILD_PIPES])
{
    int ends[2];
    for (size_t i = 0; i < CHILD_PIPES; i++) {
        if (pipe(ends) != 0) {
            while (i-- > 0) {
                close(reads[i]);
                close(writes[i]);
            }
            return false;
        }
        reads[i] = ends[0];
        writes[i] = ends[1];
    }
    return true;
}

bool child_start(struct child *c, const struct child_work *work)
{
    int reads[CHILD_PIPES], writes[CHILD_PIPES];
    BUG_ON(c->pid, "a child is started once");
    if (!open_pipes(reads, writes))
        return false;
    fflush(NULL); /* else both would write it */
    int64_t started_ns = cli_clock_ns();
    pid_t pid = fork();
    if (pid == 0) {
        close_all(reads);
        be_child(work, writes);
    }
    close_all(writes);
    if (pid < 0) {
        close_all(reads);
        return false;
    }
    *c = (struct child){.pid = pid, .started_ns = started_ns};
    memcpy(c->from, reads, sizeof reads);
    return true;
}

/* ---- listening ---- */

/* Passed on at once; the last of it is kept, should the process die. */
static void hear(struct child *c, struct str words)
{
    fwrite(words.p, 1, words.n, stderr);
    buf_add(&c->words, words);
    if (c->words.n > CHILD_WORDS_MAX)
        buf_consume(&c->words, c->words.n - CHILD_WORDS_MAX);
}

static void take(struct child *c, size_t end)
{
    char chunk[CHUNK_BYTES];
    ssize_t n = read(c->from[end], chunk, sizeof chunk);
    struct str got = {chunk, n > 0 ? (size_t)n : 0};
    if (n > 0 && end == CHILD_WORDS) {
        hear(c, got);
    } else if (n > 0) {
        buf_add(&c->bytes, got);
    } else if (n == 0 || errno != EINTR) {
        close(c->from[end]);
        c->from[end] = -1;
        c->over = c->from[CHILD_RESULT] < 0 && c->from[CHILD_WORDS] < 0;
    }
}

void child_poll(struct child *v, size_t n, int timeout_ms)
{
    struct pollfd *fds = MEM_NEW_ARRAY(struct pollfd, n * CHILD_PIPES + 1);
    for (size_t i = 0; i < n * CHILD_PIPES; i++) { /* poll passes over a negative one */
        const struct child *c = &v[i / CHILD_PIPES];
        fds[i] = (struct pollfd){.fd = c->pid ? c->from[i % CHILD_PIPES] : -1, .events = POLLIN};
    }
    int ready = poll(fds, (nfds_t)(n * CHILD_PIPES), timeout_ms);
    for (size_t i = 0; ready > 0 && i < n * CHILD_PIPES; i++)
        if (fds[i].fd >= 0 && fds[i].revents)
            take(&v[i / CHILD_PIPES], i % CHILD_PIPES);
    mem_free(fds);
}

/* ---- the end ---- */

void child_kill(const struct child *c, int signal)
{
    if (c->pid)
        kill(c->pid, signal);
}

/* The last lines of what the process said, in one. */
static void add_last_words(struct str words, struct buf *why)
{
    size_t from = words.n, lines = 0;
    while (from > 0 && words.p[from - 1] == '\n')
        from--;
    words.n = from;
    for (; from > 0 && lines < LAST_LINES; from--)
        lines += words.p[from - 1] == '\n';
    from += lines == LAST_LINES ? 1 : 0;
    if (words.n > from)
        buf_addf(why, "; its last words: " STR_FMT, STR_ARG(str_sub(words, from, words.n)));
}

bool child_end(struct child *c, struct buf *why)
{
    int status = 0;
    BUG_ON(!c->pid, "it has been started");
    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
        ;
    for (size_t i = 0; i < CHILD_PIPES; i++)
        if (c->from[i] >= 0)
            close(c->from[i]);
    c->pid = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (WIFSIGNALED(status))
        buf_addf(why, "the process of this run was ended by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        buf_addf(why, "the process of this run ended with exit status %d", WEXITSTATUS(status));
    add_last_words(buf_str(&c->words), why);
    return false;
}

void child_free(struct child *c)
{
    BUG_ON(c->pid, "it has ended");
    buf_free(&c->bytes);
    buf_free(&c->words);
    *c = (struct child){0};
}
