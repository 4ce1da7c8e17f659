/* Copies of the active site's store, and their restoration at another site. A copy is that of the datastore's files while
 * its process stands still for the moment that it takes: what a snapshot of the disk would have, which the datastore
 * recovers from as from a power cut. With the objects go the API's authority and the keys of its tokens. */
#include "sim/real/world/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const parts[] = {"", "-wal"};

static struct err *copy_file(const char *from, const char *to, bool *there)
{
    char chunk[65536];
    ssize_t n = 1;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    *there = in >= 0;
    if (in < 0)
        return errno == ENOENT ? NULL : err_new(ERR_IO, "%s: %s", from, strerror(errno));
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = out >= 0;
    while (ok && (n = read(in, chunk, sizeof chunk)) > 0)
        ok = write(out, chunk, (size_t)n) == n;
    ok = ok && n == 0;
    struct err *err = ok ? NULL : err_new(ERR_IO, "%s: %s", to, strerror(errno));
    close(in);
    if (out >= 0)
        close(out);
    return err;
}

static struct err *copy_store(const char *from, const char *to)
{
    struct err *err = NULL;
    for (size_t i = 0; i < ARRAY_LEN(parts) && !err; i++) {
        struct buf a = {0}, b = {0};
        bool there = false;
        buf_addf(&a, "%s%s", from, parts[i]);
        buf_addf(&b, "%s%s", to, parts[i]);
        err = copy_file(buf_c(&a), buf_c(&b), &there);
        if (!there)
            (void)unlink(buf_c(&b));
        buf_free(&a);
        buf_free(&b);
    }
    return err;
}

/* It stands still: nothing is written from here on. False: it has ended. */
static bool stand_still(const struct process *p)
{
    siginfo_t info;
    if (!process_runs(p) || kill(p->pid, SIGSTOP) != 0)
        return false;
    memset(&info, 0, sizeof info);
    int failed;
    while ((failed = waitid(P_PID, (id_t)p->pid, &info, WSTOPPED | WEXITED | WNOWAIT)) != 0 &&
           errno == EINTR)
        ;
    return !failed && info.si_code == CLD_STOPPED;
}

struct err *rig_copy(struct rig_site *from, struct rig_site *to)
{
    struct process *p = &from->api.process;
    if (!p->ready || from->dark)
        return NULL; /* the active site's API is down: the last copy stays */
    bool paused = p->paused;
    struct err *err = NULL;
    if (stand_still(p)) {
        err = copy_store(from->api.store.p, to->copy.p);
        to->has_copy = to->has_copy || !err;
    }
    if (!paused)
        process_signal(p, SIGCONT);
    return err;
}

struct err *rig_copies_look(struct rig *r)
{
    struct err *err = NULL;
    for (size_t i = 0; i < r->sites_n && !err && r->started_ns > 0; i++) {
        struct rig_site *s = &r->sites[i];
        int64_t every = PLAN_SITE(r->plan, i)->manager.copy_every_ns;
        if (every <= 0 || r->sites_n < 2 || r->active == (int32_t)i || rig_now(r) < s->copy_due)
            continue;
        s->copy_due = rig_now(r) + every;
        err = rig_copy(&r->sites[r->active], s);
    }
    return err;
}

struct err *rig_restore(struct rig_site *s)
{
    process_off(&s->api.process);
    asker_free(s->api.asker);
    s->api.asker = NULL; /* who administers it is in the copy */
    return copy_store(s->copy.p, s->api.store.p);
}
