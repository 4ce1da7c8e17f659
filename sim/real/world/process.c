/* Processes of the operating system. */
#include "sim/real/world/process.h"

#include "engine/base/timefmt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAUSE_NEXT      (5 * NS_PER_S) /* as sim/cluster/supervisor.h has them */
#define PAUSE_MAX       (60 * NS_PER_S)
#define PAUSE_QUIET     (300 * NS_PER_S)
#define LAST_LINES      6u
#define LAST_BYTES      4096
#define READY_BYTES     4096
#define STATUS_NO_START 127

/* ---- what it is ---- */

void process_init(struct process *p, struct str name, const char *folder, const struct netlab *lab,
                  uint32_t host)
{
    struct buf file = {0};
    buf_add(&file, name);
    for (size_t i = 0; i < file.n; i++)
        if (file.p[i] == '/')
            file.p[i] = '-';
    *p = (struct process){.name = str_dup(name),
                          .file_name = buf_take(&file),
                          .folder = folder,
                          .lab = lab,
                          .host = host};
}

static void add_text(char **list, size_t *n, struct str text)
{
    BUG_ON(*n == PROCESS_ARGUMENTS_MAX, "room for all arguments of our own programs");
    struct buf copy = {0};
    buf_add(&copy, text);
    buf_add_char(&copy, 0);
    struct str owned = buf_take(&copy);
    list[(*n)++] = (char *)(uintptr_t)owned.p;
    list[*n] = NULL;
}

void process_argument(struct process *p, struct str argument)
{
    add_text(p->arguments, &p->arguments_n, argument);
}

void process_env(struct process *p, const char *name, struct str value)
{
    struct buf text = {0};
    buf_addf(&text, "%s=" STR_FMT, name, STR_ARG(value));
    add_text(p->environment, &p->environment_n, buf_str(&text));
    buf_free(&text);
}

void process_free(struct process *p)
{
    process_off(p);
    for (size_t i = 0; i < p->arguments_n; i++)
        mem_free(p->arguments[i]);
    for (size_t i = 0; i < p->environment_n; i++)
        mem_free(p->environment[i]);
    str_free(&p->name);
    str_free(&p->file_name);
}

static void path_of(const struct process *p, const char *suffix, struct buf *out)
{
    buf_addf(out, "%s/" STR_FMT "%s", p->folder, STR_ARG(p->file_name), suffix);
}

/* ---- in the child ---- */

static bool take_file(const struct process *p, const char *suffix, int as)
{
    struct buf path = {0};
    path_of(p, suffix, &path);
    int fd = open(buf_c(&path), O_WRONLY | O_CREAT | O_APPEND, 0600);
    bool ok = fd >= 0 && dup2(fd, as) >= 0;
    if (fd >= 0)
        close(fd);
    buf_free(&path);
    return ok;
}

static _Noreturn void be_process(struct process *p, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    if (getppid() != parent) /* it ended before the line above */
        _exit(STATUS_NO_START);
    bool ok = take_file(p, ".out", STDOUT_FILENO) && take_file(p, ".log", STDERR_FILENO);
    const char *what = "its files";
    if (ok && p->lab) {
        int code = netlab_enter(p->lab, p->host, &what);
        ok = code == 0;
        errno = code;
    }
    if (ok) {
        what = p->arguments[0];
        for (size_t i = 0; i < p->environment_n; i++)
            putenv(p->environment[i]);
        execv(p->arguments[0], p->arguments);
    }
    dprintf(STDERR_FILENO, "cannot be started: %s: %s\n", what, strerror(errno));
    _exit(STATUS_NO_START);
}

/* ---- start and end ---- */

static off_t size_of(const struct process *p, const char *suffix)
{
    struct buf path = {0};
    struct stat is;
    path_of(p, suffix, &path);
    off_t n = stat(buf_c(&path), &is) == 0 ? is.st_size : 0;
    buf_free(&path);
    return n;
}

static void tell(struct process *p)
{
    if (p->changed)
        p->changed(p->owner, p);
}

static struct err *start(struct process *p, int64_t now_ns)
{
    BUG_ON(p->arguments_n == 0, "a process has a program");
    p->out_seen = size_of(p, ".out");
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        be_process(p, parent);
    if (pid < 0)
        return err_new(ERR_IO, "process " STR_FMT " cannot be started: %s", STR_ARG(p->name),
                       strerror(errno));
    p->pid = pid;
    p->state = PROCESS_RUNNING;
    p->started_at = now_ns;
    p->ready = !p->says_ready;
    p->paused = false;
    p->restarts += p->starts > 0;
    p->starts++;
    tell(p);
    return NULL;
}

static void ended(struct process *p, int64_t now_ns)
{
    int64_t pause = p->ends ? PAUSE_NEXT : PROCESS_PAUSE_FIRST;
    if (now_ns - p->started_at >= PAUSE_QUIET) {
        p->ends = 0;
        pause = PROCESS_PAUSE_FIRST;
    }
    for (uint32_t i = 1; i < p->ends && pause < PAUSE_MAX; i++)
        pause *= 2;
    pause = pause > PAUSE_MAX ? PAUSE_MAX : pause;
    p->ends++;
    if (p->held_ns > 0)
        pause = p->held_ns;
    p->held_ns = 0;
    p->pid = 0;
    p->ready = p->paused = false;
    p->restart_at = now_ns + pause;
    p->state = p->wanted ? PROCESS_WAITING : PROCESS_OFF;
    tell(p);
}

void process_want(struct process *p, int64_t now_ns)
{
    if (p->wanted)
        return;
    p->wanted = true;
    p->ends = 0;
    p->restart_at = now_ns;
    if (p->state == PROCESS_OFF)
        p->state = PROCESS_WAITING;
}

void process_off(struct process *p)
{
    int status = 0;
    p->wanted = false;
    if (p->state != PROCESS_RUNNING) {
        p->state = PROCESS_OFF;
        return;
    }
    kill(-p->pid, SIGKILL); /* its whole group */
    kill(p->pid, SIGKILL);
    while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
        ;
    p->status = status;
    ended(p, p->started_at);
}

void process_signal(struct process *p, int number)
{
    if (p->state == PROCESS_RUNNING)
        kill(p->pid, number);
}

void process_kill(struct process *p, int64_t hold_ns)
{
    if (p->state != PROCESS_RUNNING)
        return;
    p->held_ns = hold_ns;
    process_signal(p, SIGKILL);
}

void process_pause(struct process *p, bool paused)
{
    process_signal(p, paused ? SIGSTOP : SIGCONT);
    p->paused = paused && p->state == PROCESS_RUNNING;
}

bool process_runs(const struct process *p)
{
    return p->state == PROCESS_RUNNING;
}

/* ---- looking ---- */

/* The last bytes of one of its files; what is between `from` and the end at most. */
static void read_end(const struct process *p, const char *suffix, off_t from, off_t most,
                     struct buf *out)
{
    struct buf path = {0};
    char bytes[LAST_BYTES];
    off_t n = size_of(p, suffix);
    path_of(p, suffix, &path);
    int fd = open(buf_c(&path), O_RDONLY);
    if (n - from > most)
        from = n - most;
    ssize_t got = fd >= 0 ? pread(fd, bytes, sizeof bytes, from) : -1;
    if (got > 0)
        buf_add(out, (struct str){bytes, (size_t)got});
    if (fd >= 0)
        close(fd);
    buf_free(&path);
}

static bool said_ready(const struct process *p)
{
    struct buf text = {0};
    struct str line, rest;
    bool found = false;
    read_end(p, ".out", p->out_seen, READY_BYTES, &text);
    rest = buf_str(&text);
    while (!found && str_cut(rest, '\n', &line, &rest))
        found = str_starts(line, STR("ready "));
    buf_free(&text);
    return found;
}

struct err *process_look(struct process *p, int64_t now_ns)
{
    int status = 0;
    if (p->state == PROCESS_RUNNING && waitpid(p->pid, &status, WNOHANG) == p->pid) {
        p->status = status;
        ended(p, now_ns);
    }
    if (p->state == PROCESS_RUNNING && !p->ready && said_ready(p)) {
        p->ready = true;
        tell(p);
    }
    if (p->state == PROCESS_WAITING && now_ns >= p->restart_at && (!p->needs || p->needs->ready))
        return start(p, now_ns);
    return NULL;
}

/* ---- errors ---- */

static void last_lines(struct str text, struct buf *out)
{
    size_t from, lines = 0;
    text = str_trim(text);
    for (from = text.n; from > 0 && lines < LAST_LINES; from--)
        lines += text.p[from - 1] == '\n';
    from += lines == LAST_LINES ? 1 : 0;
    buf_add(out, str_sub(text, from, text.n));
}

struct err *process_error(const struct process *p, const char *what)
{
    struct buf words = {0}, last = {0};
    read_end(p, ".log", 0, LAST_BYTES, &words);
    last_lines(buf_str(&words), &last);
    struct err *err;
    if (p->state == PROCESS_RUNNING)
        err = err_new(ERR_TIMEOUT, "process " STR_FMT " %s; its last lines: " STR_FMT,
                      STR_ARG(p->name), what, STR_ARG(buf_str(&last)));
    else if (WIFSIGNALED(p->status))
        err = err_new(ERR_IO,
                      "process " STR_FMT " was ended by signal %d %s; its last lines: " STR_FMT,
                      STR_ARG(p->name), WTERMSIG(p->status), what, STR_ARG(buf_str(&last)));
    else
        err =
            err_new(ERR_IO, "process " STR_FMT " ended with status %d %s; its last lines: " STR_FMT,
                    STR_ARG(p->name), WEXITSTATUS(p->status), what, STR_ARG(buf_str(&last)));
    buf_free(&words);
    buf_free(&last);
    return err;
}
