/* What a lab leaves on the machine: names of namespaces in /run/netns, files in STATE_DIR/PREFIX. Who owns it is the process
 * of that pid that began at that time, so that a pid that comes round again does not keep a dead lab alive. */
#include "sim/real/lab/lab_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STATE_DIR       "/run/paddock-lab"
#define NETNS_DIR       "/run/netns"
#define LABS_OF_PROCESS 64u /* at a time */
#define STAT_MAX        1024u
#define START_FIELD     20 /* of /proc/PID/stat, counted from behind the name in parentheses */
#define KILL_ROUNDS     50
#define ROUND_US        2000

/* ---- files ---- */

static size_t file_read(const char *path, char *into, size_t max)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, into, max - 1);
    close(fd);
    into[n > 0 ? n : 0] = 0;
    return n > 0 ? (size_t)n : 0;
}

struct err *state_write(const char *path, struct str text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool wrote = fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n;
    int why = errno;
    if (fd >= 0)
        close(fd);
    return wrote ? NULL : err_new(ERR_IO, "%s cannot be written: %s", path, strerror(why));
}

/* When the process began, in ticks since the machine did; 0: there is none. */
static uint64_t started_at(uint64_t pid)
{
    char path[64], text[STAT_MAX];
    snprintf(path, sizeof(path), "/proc/%llu/stat", (unsigned long long)pid);
    if (file_read(path, text, sizeof(text)) == 0)
        return 0;
    char *at = strrchr(text, ')'); /* its name may hold anything */
    for (int i = 0; at && i < START_FIELD; i++)
        at = strchr(at + 1, ' ');
    struct str field = at ? str_c(at + 1) : str_empty, rest;
    uint64_t ticks = 0;
    str_cut(field, ' ', &field, &rest);
    return str_to_u64(field, &ticks) ? ticks : 0;
}

/* "pk12", "pk12i3" and namespaces with a dash behind that: the pid, or 0. */
static uint64_t pid_of(const char *name)
{
    struct str s = str_c(name);
    if (!str_starts(s, STR("pk")))
        return 0;
    s = str_sub(s, 2, s.n);
    size_t digits = 0;
    while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
        digits++;
    uint64_t pid = 0;
    return str_to_u64(str_sub(s, 0, digits), &pid) ? pid : 0;
}

static void dir_of(const char *prefix, char *into)
{
    snprintf(into, LAB_PATH_MAX, STATE_DIR "/%s", prefix);
}

static bool owner_lives(const char *prefix)
{
    char path[LAB_PATH_MAX + 8], text[64];
    uint64_t pid = pid_of(prefix), began = 0, now = started_at(pid);
    dir_of(prefix, path);
    strcat(path, "/owner");
    if (now == 0 || file_read(path, text, sizeof(text)) == 0)
        return false;
    return str_to_u64(str_trim(str_c(text)), &began) && began == now;
}

struct err *state_make(struct netlab *lab)
{
    if (mkdir(STATE_DIR, 0755) != 0 && errno != EEXIST)
        return err_new(ERR_UNAVAILABLE, "%s cannot be made: %s", STATE_DIR, strerror(errno));
    unsigned pid = (unsigned)getpid();
    bool made = false;
    for (unsigned i = 0; i < LABS_OF_PROCESS && !made; i++) {
        if (i == 0)
            snprintf(lab->prefix, sizeof(lab->prefix), "pk%u", pid);
        else
            snprintf(lab->prefix, sizeof(lab->prefix), "pk%ui%u", pid, i);
        dir_of(lab->prefix, lab->dir);
        made = mkdir(lab->dir, 0755) == 0;
        if (!made && errno != EEXIST)
            break;
    }
    if (!made)
        return err_new(ERR_UNAVAILABLE, "%s cannot be made: %s", lab->dir, strerror(errno));
    char path[LAB_PATH_MAX + 8], text[32];
    snprintf(path, sizeof(path), "%s/owner", lab->dir);
    snprintf(text, sizeof(text), "%llu\n", (unsigned long long)started_at(pid));
    struct err *err = state_write(path, str_c(text));
    if (err)
        return err;
    snprintf(lab->hosts_path, sizeof(lab->hosts_path), "%.160s/hosts", lab->dir);
    return state_write(lab->hosts_path, STR("127.0.0.1 localhost\n"));
}

/* ---- removing ---- */

struct spaces {
    struct {
        dev_t device;
        ino_t inode;
    } * of;
    size_t n;
};

static bool of_prefix(const char *name, const char *prefix)
{
    size_t n = strlen(prefix);
    return strncmp(name, prefix, n) == 0 && name[n] == '-';
}

/* Calls for each name in the folder. */
static void names_each(const char *folder, void (*each)(void *ctx, const char *name), void *ctx)
{
    DIR *d = opendir(folder);
    if (!d)
        return;
    for (struct dirent *e = readdir(d); e; e = readdir(d))
        if (e->d_name[0] != '.')
            each(ctx, e->d_name);
    closedir(d);
}

struct removal {
    const char *prefix;
    struct spaces spaces;
    size_t killed;
    char dir[LAB_PATH_MAX];
};

static void note_space(void *ctx, const char *name)
{
    struct removal *r = ctx;
    char path[LAB_PATH_MAX];
    struct stat s;
    snprintf(path, sizeof(path), NETNS_DIR "/%s", name);
    if (!of_prefix(name, r->prefix) || stat(path, &s) != 0)
        return;
    size_t size = (r->spaces.n + 1) * sizeof(*r->spaces.of);
    r->spaces.of = mem_resize(r->spaces.of, size);
    r->spaces.of[r->spaces.n].device = s.st_dev;
    r->spaces.of[r->spaces.n++].inode = s.st_ino;
}

static void kill_in_space(void *ctx, const char *name)
{
    struct removal *r = ctx;
    uint64_t pid = 0;
    char path[64];
    struct stat s;
    if (!str_to_u64(str_c(name), &pid) || (pid_t)pid == getpid())
        return;
    snprintf(path, sizeof(path), "/proc/%llu/ns/net", (unsigned long long)pid);
    if (stat(path, &s) != 0)
        return;
    for (size_t i = 0; i < r->spaces.n; i++)
        if (r->spaces.of[i].device == s.st_dev && r->spaces.of[i].inode == s.st_ino) {
            kill((pid_t)pid, SIGKILL);
            r->killed++;
        }
}

static void remove_space(void *ctx, const char *name)
{
    const struct removal *r = ctx;
    char path[LAB_PATH_MAX];
    snprintf(path, sizeof(path), NETNS_DIR "/%s", name);
    if (!of_prefix(name, r->prefix))
        return;
    umount2(path, MNT_DETACH);
    unlink(path);
}

static void remove_file(void *ctx, const char *name)
{
    const struct removal *r = ctx;
    char path[LAB_PATH_MAX * 2];
    snprintf(path, sizeof(path), "%s/%s", r->dir, name);
    unlink(path);
}

void state_remove(const char *prefix)
{
    struct removal r = {.prefix = prefix};
    dir_of(prefix, r.dir);
    names_each(NETNS_DIR, note_space, &r);
    /* Until a round finds nobody: a process may have been forking when it was met. */
    for (int i = 0; r.spaces.n && i < KILL_ROUNDS; i++) {
        r.killed = 0;
        names_each("/proc", kill_in_space, &r);
        if (r.killed == 0)
            break;
        usleep(ROUND_US);
    }
    names_each(NETNS_DIR, remove_space, &r);
    names_each(r.dir, remove_file, &r);
    rmdir(r.dir);
    mem_free(r.spaces.of);
}

static void sweep_dir(void *ctx, const char *name)
{
    if (pid_of(name) != 0 && !owner_lives(name))
        state_remove(name);
}

static void sweep_space(void *ctx, const char *name)
{
    char prefix[LAB_PATH_MAX];
    const char *dash = strchr(name, '-');
    if (!dash || (size_t)(dash - name) >= sizeof(prefix) || pid_of(name) == 0)
        return;
    snprintf(prefix, sizeof(prefix), "%.*s", (int)(dash - name), name);
    sweep_dir(ctx, prefix);
}

void state_sweep(void)
{
    names_each(STATE_DIR, sweep_dir, NULL);
    names_each(NETNS_DIR, sweep_space, NULL); /* their files may be gone: /run was tidied up */
}

/* ---- the janitor ---- */

struct vigil {
    int owner; /* a pidfd: no copy of the owner keeps it from ending */
    const char *prefix;
};

static void wait_and_tidy(void *ctx)
{
    const struct vigil *v = ctx;
    static const int deaf[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
    for (size_t i = 0; i < ARRAY_LEN(deaf); i++)
        signal(deaf[i], SIG_IGN);
    struct pollfd p = {v->owner, POLLIN, 0};
    while (poll(&p, 1, -1) < 0 && errno == EINTR)
        ;
    state_remove(v->prefix);
}

struct err *janitor_start(struct netlab *lab)
{
    struct vigil v = {(int)syscall(SYS_pidfd_open, getpid(), 0), lab->prefix};
    if (v.owner < 0)
        return err_new(ERR_UNAVAILABLE, "a process cannot be watched here: %s", strerror(errno));
    struct err *err =
        tool_fork(&(struct tool_copy){-1, &v.owner, 1, true, wait_and_tidy, &v}, &lab->janitor);
    close(v.owner);
    return err;
}

void janitor_dismiss(struct netlab *lab)
{
    tool_stop(&lab->janitor, SIGKILL, NETLAB_TOOL_TIMEOUT_MS);
}
