/* The address of a site's manager: packets to it go on to a replica that serves, in turns, as kube-proxy has it with
 * nft. Written anew when another replica serves, or one does no more; connections that are under way stay where they are. */
#include "sim/real/world/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define REPLICAS_MAX 63u

static void write_rules(const struct rig_site *s, uint64_t shown, struct buf *out)
{
    size_t n = 0;
    struct buf map = {0};
    for (size_t i = 0; i < s->replicas_n; i++)
        if (shown & (1ull << i)) {
            buf_addf(&map, "%s%zu : " STR_FMT, n ? ", " : "", n,
                     STR_ARG(s->replicas[i].host.address));
            n++;
        }
    buf_add_c(out, "add table ip front\nflush table ip front\n"
                   "add chain ip front pre { type nat hook prerouting priority -100; }\n"
                   "add chain ip front post { type nat hook postrouting priority 100; }\n"
                   "add rule ip front post masquerade\n");
    if (n > 0)
        buf_addf(out, "add rule ip front pre tcp dport %u dnat to numgen inc mod %zu map { %s }\n",
                 RIG_PORT, n, buf_c(&map));
    buf_free(&map);
}

static _Noreturn void be_nft(const struct rig_site *s, int from, bool forward)
{
    const char *step = "";
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (netlab_enter(s->rig->lab, s->front.id, &step) != 0)
        _exit(126);
    if (forward) {
        int fd = open("/proc/sys/net/ipv4/ip_forward", O_WRONLY);
        if (fd < 0 || write(fd, "1", 1) != 1)
            _exit(125);
        close(fd);
    }
    dup2(from, STDIN_FILENO);
    execlp("nft", "nft", "-f", "-", (char *)NULL);
    execl("/usr/sbin/nft", "nft", "-f", "-", (char *)NULL);
    _exit(127);
}

static struct err *run_nft(const struct rig_site *s, struct str rules, bool forward)
{
    int ends[2], status = -1;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_new(ERR_IO, "pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0)
        be_nft(s, ends[0], forward);
    close(ends[0]);
    ssize_t n = write(ends[1], rules.p, rules.n); /* less than a pipe holds */
    close(ends[1]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (pid > 0 && n == (ssize_t)rules.n && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return NULL;
    return err_new(ERR_IO, STR_FMT ": nft did not take the rules of its front (status %d)",
                   STR_ARG(s->name), WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

struct err *rig_front_look(struct rig_site *s)
{
    uint64_t serve = 0;
    struct buf rules = {0};
    BUG_ON(s->replicas_n > REPLICAS_MAX, "a site's replicas fit a word");
    for (size_t i = 0; i < s->replicas_n; i++)
        serve |= s->replicas[i].process.ready && !s->middlebox ? 1ull << i : 0;
    if (s->shown_once && serve == s->shown)
        return NULL;
    write_rules(s, serve, &rules);
    struct err *err = run_nft(s, buf_str(&rules), !s->shown_once);
    s->shown = serve;
    s->shown_once = true;
    buf_free(&rules);
    return err;
}
