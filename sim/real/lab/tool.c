/* Running programs: no shell, a deadline, and their words for the error. */
#include "sim/real/lab/tool.h"
#include "engine/base/timefmt.h"
#include "sim/real/lab/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHUNK_BYTES   16384u
#define STATUS_NETNS  126 /* of a child that could not go where it should */
#define STATUS_ABSENT 127
#define FD_FIRST_OWN  3u

static const struct {
    const char *name, *package;
} rows[TOOL_COUNT] = {
    [TOOL_IP] = {"ip", "iproute2"},
    [TOOL_NFT] = {"nft", "nftables"},
    [TOOL_TC] = {"tc", "iproute2"},
    [TOOL_SS] = {"ss", "iproute2"},
    [TOOL_DNSMASQ] = {"dnsmasq", "dnsmasq-base"},
};

int64_t tool_clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* ---- finding ---- */

static char *find_in(struct str folders, const char *name)
{
    struct buf candidate = {0};
    for (bool more = true; more;) {
        struct str folder;
        more = str_cut(folders, ':', &folder, &folders);
        if (folder.n == 0)
            continue;
        buf_clear(&candidate);
        buf_addf(&candidate, STR_FMT "/%s", STR_ARG(folder), name);
        if (access(buf_c(&candidate), X_OK) == 0) {
            char *found = str_dup_c(buf_str(&candidate));
            buf_free(&candidate);
            return found;
        }
    }
    buf_free(&candidate);
    return NULL;
}

struct err *tools_find(struct tools *tools, const char *path)
{
    struct buf folders = {0}, missing = {0}, packages = {0};
    const char *own = path ? path : getenv("PATH");
    buf_add_c(&folders, own ? own : "");
    if (!path) /* users' own paths often lack these, and namespaces are root's anyway */
        buf_add_c(&folders, ":/usr/sbin:/sbin:/usr/bin:/bin");
    for (size_t i = 0; i < TOOL_COUNT; i++) {
        tools->path[i] = find_in(buf_str(&folders), rows[i].name);
        if (tools->path[i])
            continue;
        buf_addf(&missing, "%s%s", missing.n ? ", " : "", rows[i].name);
        if (str_find(buf_str(&packages), str_c(rows[i].package)) < 0)
            buf_addf(&packages, " %s", rows[i].package);
    }
    struct err *err = NULL;
    if (missing.n)
        err = err_new(ERR_UNAVAILABLE,
                      "the real world needs programs that are not here: %s; install them: "
                      "apt-get install%s",
                      buf_c(&missing), buf_c(&packages));
    buf_free(&folders);
    buf_free(&missing);
    buf_free(&packages);
    return err;
}

void tools_free(struct tools *tools)
{
    for (size_t i = 0; i < TOOL_COUNT; i++) {
        mem_free(tools->path[i]);
        tools->path[i] = NULL;
    }
}

/* ---- in the child ---- */

static void unblock_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
}

static _Noreturn void become(const char *program, char *const *argv, int netns, const int fds[3],
                             pid_t bound_to)
{
    char language[] = "LC_ALL=C", folders[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    char *const environment[] = {language, folders, NULL};
    unblock_signals();
    if (bound_to) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != bound_to) /* it died before it could be told */
            _exit(STATUS_NETNS);
    }
    if (netns >= 0 && setns(netns, CLONE_NEWNET) != 0)
        _exit(STATUS_NETNS);
    for (int i = 0; i < (int)FD_FIRST_OWN; i++)
        if (dup2(fds[i], i) < 0)
            _exit(STATUS_NETNS);
    close_range(FD_FIRST_OWN, ~0u, 0);
    execve(program, argv, environment);
    _exit(STATUS_ABSENT);
}

/* Descriptors below 3 would be overwritten by one another when they are put in place. */
static int high(int fd)
{
    if (fd < 0 || fd >= (int)FD_FIRST_OWN)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, (int)FD_FIRST_OWN);
    close(fd);
    return moved;
}

static int input_of(struct str bytes)
{
    if (bytes.n == 0)
        return high(open("/dev/null", O_RDONLY | O_CLOEXEC));
    int fd = high(memfd_create("input", MFD_CLOEXEC));
    for (size_t at = 0; fd >= 0 && at < bytes.n;) {
        ssize_t n = write(fd, bytes.p + at, bytes.n - at);
        if (n < 0 && errno != EINTR) {
            close(fd);
            return -1;
        }
        at += n < 0 ? 0 : (size_t)n;
    }
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

static void argv_of(const struct tools *tools, const struct tool_call *call,
                    char *argv[TOOL_ARGS_MAX + 2])
{
    size_t n = 0;
    argv[n++] = tools->path[call->tool];
    for (size_t i = 0; call->args[i]; i++) {
        BUG_ON(i >= TOOL_ARGS_MAX, "what is many is given by standard input");
        argv[n++] = (char *)(uintptr_t)call->args[i]; /* execve takes them so; nobody writes */
    }
    argv[n] = NULL;
}

/* ---- waiting ---- */

static bool take(int fd, struct buf *into, size_t max)
{
    char chunk[CHUNK_BYTES];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        if (into && into->n < max)
            buf_add(into, str_sub((struct str){chunk, (size_t)n}, 0, max - into->n));
    }
}

static int wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

/* Reads both pipes until the child has ended; false: the deadline came first. */
static bool attend(pid_t pid, const int from[2], struct buf *out, struct buf *words, int timeout_ms)
{
    int64_t until = tool_clock_ns() + timeout_ms * NS_PER_MS;
    int ended = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd p[3] = {{from[0], POLLIN, 0}, {from[1], POLLIN, 0}, {ended, POLLIN, 0}};
    bool over = false;
    while (!over) {
        int64_t left = (until - tool_clock_ns()) / NS_PER_MS;
        if (left <= 0 || (poll(p, ARRAY_LEN(p), (int)left) < 0 && errno != EINTR))
            break;
        over =
            ended < 0 || (p[2].revents & POLLIN); /* looked at first: what it wrote is there then */
        if (p[0].fd >= 0 && !take(from[0], out, TOOL_OUTPUT_MAX))
            p[0].fd = -1;
        if (p[1].fd >= 0 && !take(from[1], words, TOOL_WORDS_MAX))
            p[1].fd = -1;
        if (ended < 0) /* no pidfd here: both pipes' ends are the sign */
            over = p[0].fd < 0 && p[1].fd < 0;
    }
    if (ended >= 0)
        close(ended);
    return over;
}

static void call_text(const struct tool_call *call, struct buf *text)
{
    buf_add_c(text, rows[call->tool].name);
    for (size_t i = 0; call->args[i]; i++)
        buf_addf(text, " %s", call->args[i]);
}

static struct err *verdict(const struct tool_call *call, int status, bool in_time,
                           struct buf *words)
{
    if (in_time && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return NULL;
    struct buf text = {0}, how = {0};
    call_text(call, &text);
    struct str said = str_trim(buf_str(words));
    if (!in_time)
        buf_addf(&how, "no end within %d ms",
                 call->timeout_ms ? call->timeout_ms : NETLAB_TOOL_TIMEOUT_MS);
    else if (WIFSIGNALED(status))
        buf_addf(&how, "ended by signal %d", WTERMSIG(status));
    else if (WEXITSTATUS(status) == STATUS_NETNS)
        buf_add_c(&how, "the namespace could not be entered");
    else
        buf_addf(&how, "status %d", WEXITSTATUS(status));
    struct err *err = err_new(in_time ? ERR_IO : ERR_TIMEOUT, "%s: %s%s" STR_FMT, buf_c(&text),
                              buf_c(&how), said.n ? ": " : "", STR_ARG(said));
    buf_free(&text);
    buf_free(&how);
    return err;
}

struct err *tool_run(const struct tools *tools, const struct tool_call *call, struct buf *out)
{
    char *argv[TOOL_ARGS_MAX + 2];
    argv_of(tools, call, argv);
    int outs[2] = {-1, -1}, errs[2] = {-1, -1};
    int in = input_of(call->input);
    bool piped = in >= 0 && pipe2(outs, O_CLOEXEC) == 0 && pipe2(errs, O_CLOEXEC) == 0;
    pid_t pid = -1;
    if (piped) {
        outs[1] = high(outs[1]);
        errs[1] = high(errs[1]);
        fcntl(outs[0], F_SETFL, O_NONBLOCK);
        fcntl(errs[0], F_SETFL, O_NONBLOCK);
        pid = fork();
    }
    if (pid == 0)
        become(argv[0], argv, call->netns, (const int[3]){in, outs[1], errs[1]}, 0);
    struct err *err = NULL;
    int why = errno;
    const int mine[] = {in, outs[1], errs[1]};
    for (size_t i = 0; i < ARRAY_LEN(mine); i++)
        if (mine[i] >= 0)
            close(mine[i]);
    if (pid < 0) {
        err = err_new(ERR_IO, "%s cannot be started: %s", rows[call->tool].name, strerror(why));
    } else {
        struct buf words = {0};
        const int from[2] = {outs[0], errs[0]};
        int timeout_ms = call->timeout_ms ? call->timeout_ms : NETLAB_TOOL_TIMEOUT_MS;
        bool in_time = attend(pid, from, out, &words, timeout_ms);
        if (!in_time)
            kill(pid, SIGKILL);
        err = verdict(call, wait_for(pid), in_time, &words);
        buf_free(&words);
    }
    if (outs[0] >= 0)
        close(outs[0]);
    if (errs[0] >= 0)
        close(errs[0]);
    return err;
}

/* ---- those that stay ---- */

struct err *tool_start(const struct tools *tools, const struct tool_call *call,
                       const char *words_path, pid_t *pid)
{
    char *argv[TOOL_ARGS_MAX + 2];
    argv_of(tools, call, argv);
    int in = input_of(call->input);
    int words = high(open(words_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    pid_t self = getpid(), child = -1;
    if (in >= 0 && words >= 0)
        child = fork();
    if (child == 0)
        become(argv[0], argv, call->netns, (const int[3]){in, words, words}, self);
    int why = errno;
    if (in >= 0)
        close(in);
    if (words >= 0)
        close(words);
    if (child < 0)
        return err_new(ERR_IO, "%s cannot be started: %s", rows[call->tool].name, strerror(why));
    *pid = child;
    return NULL;
}

static void close_others(const int *keep, size_t keep_n)
{
    for (unsigned from = FD_FIRST_OWN;;) {
        unsigned next = ~0u;
        for (size_t i = 0; i < keep_n; i++)
            if (keep[i] >= (int)from && (unsigned)keep[i] < next)
                next = (unsigned)keep[i];
        if (next > from)
            close_range(from, next - 1, 0);
        if (next == ~0u) {
            close_range(from, ~0u, 0);
            return;
        }
        from = next + 1;
    }
}

static _Noreturn void be_copy(const struct tool_copy *copy, pid_t owner)
{
    unblock_signals();
    signal(SIGINT, SIG_IGN); /* a terminal's interruption is the owner's business */
    signal(SIGTERM, SIG_DFL);
    if (copy->outlives)
        setsid();
    else
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!copy->outlives && getppid() != owner)
        _exit(STATUS_NETNS);
    if (copy->netns >= 0 && setns(copy->netns, CLONE_NEWNET) != 0)
        _exit(STATUS_NETNS);
    close_others(copy->keep, copy->keep_n);
    copy->work(copy->ctx);
    _exit(0);
}

struct err *tool_fork(const struct tool_copy *copy, pid_t *pid)
{
    pid_t owner = getpid(), child = fork();
    if (child == 0)
        be_copy(copy, owner);
    if (child < 0)
        return err_new(ERR_IO, "no process can be had: %s", strerror(errno));
    *pid = child;
    return NULL;
}

bool tool_runs(pid_t pid)
{
    siginfo_t info = {0};
    return pid > 0 && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0;
}

void tool_stop(pid_t *pid, int signal, int grace_ms)
{
    if (*pid <= 0)
        return;
    int ended = (int)syscall(SYS_pidfd_open, *pid, 0);
    kill(*pid, signal);
    struct pollfd p = {ended, POLLIN, 0};
    if (ended < 0 || poll(&p, 1, grace_ms) <= 0)
        kill(*pid, SIGKILL);
    wait_for(*pid);
    if (ended >= 0)
        close(ended);
    *pid = 0;
}
