/* Namespaces, the wires between them, and going there. */
#include "sim/real/lab/lab_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

int netns_open(const char *name)
{
    char path[LAB_PATH_MAX];
    snprintf(path, sizeof(path), "/run/netns/%s", name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

struct err *lab_ip(struct netlab *lab, int netns, const char *fmt, ...)
{
    struct buf commands = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_addv(&commands, fmt, ap);
    va_end(ap);
    static const char *const args[] = {"-batch", "-", NULL};
    struct err *err = tool_run(
        &lab->tools, &(struct tool_call){TOOL_IP, args, buf_str(&commands), netns, 0}, NULL);
    if (err)
        err = err_wrap(err, err->code, "ip, told \"" STR_FMT "\"", STR_ARG(buf_str(&commands)));
    buf_free(&commands);
    return err;
}

struct setting {
    const char *path, *value;
};

struct err *netns_go(int netns, int *home)
{
    *home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (*home >= 0 && setns(netns, CLONE_NEWNET) == 0)
        return NULL;
    int why = errno;
    if (*home >= 0)
        close(*home);
    return err_new(ERR_IO, "a namespace cannot be entered: %s", strerror(why));
}

void netns_back(int home)
{
    BUG_ON(setns(home, CLONE_NEWNET) != 0, "the way back to where one was is open");
    close(home);
}

/* Settings of a network belong to whoever opens their files. */
static struct err *set_in(int netns, const struct setting *settings, size_t n)
{
    int home;
    struct err *err = netns_go(netns, &home);
    if (err)
        return err;
    for (size_t i = 0; i < n && !err; i++)
        err = state_write(settings[i].path, str_c(settings[i].value));
    netns_back(home);
    return err;
}

struct err *netns_make_router(struct netlab *lab)
{
    struct err *err = lab_ip(lab, -1, "netns add %s-router\n", lab->prefix);
    if (err)
        return err;
    char name[64];
    snprintf(name, sizeof(name), "%s-router", lab->prefix);
    lab->router = netns_open(name);
    if (lab->router < 0)
        return err_new(ERR_IO, "the namespace %s cannot be opened: %s", name, strerror(errno));
    static const struct setting settings[] = {
        {"/proc/sys/net/ipv4/ip_forward", "1"},
        /* Packets come back from relays by devices that no route names. */
        {"/proc/sys/net/ipv4/conf/all/rp_filter", "0"},
        {"/proc/sys/net/ipv4/conf/default/rp_filter", "0"},
        {"/proc/sys/net/ipv4/conf/all/send_redirects", "0"},
        {"/proc/sys/net/ipv4/conf/default/send_redirects", "0"},
        {"/proc/sys/net/ipv4/icmp_ratelimit", "0"}, /* what is rejected is told each time */
    };
    err = set_in(lab->router, settings, ARRAY_LEN(settings));
    if (err)
        return err;
    return lab_ip(lab, lab->router, "link set lo up\naddr add " LAB_GATEWAY "/32 dev lo\n");
}

/* Segments leave hosts one by one (gso_max_segs): a packet that a fault meets is a packet, not 64 KiB of them. */
static struct err *wire(struct netlab *lab, const struct host *h, uint32_t index)
{
    struct err *err = lab_ip(lab, -1,
                             "netns add %s\n"
                             "link add eth0 gso_max_segs 1 netns %s type veth "
                             "peer name h%u gso_max_segs 1 netns %s-router\n",
                             h->namespace, h->namespace, index, lab->prefix);
    if (err)
        return err;
    return lab_ip(lab, lab->router, "link set h%u up\nroute add %s/32 dev h%u\n", index, h->address,
                  index);
}

struct err *netns_make_host(struct netlab *lab, struct host *h, uint32_t index)
{
    struct err *err = wire(lab, h, index);
    if (err)
        return err;
    h->netns = netns_open(h->namespace);
    if (h->netns < 0)
        return err_new(ERR_IO, "the namespace %s cannot be opened: %s", h->namespace,
                       strerror(errno));
    return lab_ip(lab, h->netns,
                  "link set lo up\nlink set eth0 up\naddr add %s/32 dev eth0\n"
                  "route add " LAB_GATEWAY "/32 dev eth0\nroute add default via " LAB_GATEWAY
                  " src %s\n",
                  h->address, h->address);
}

/* ---- going there ---- */

int netlab_enter(const struct netlab *lab, uint32_t host, const char **step)
{
    BUG_ON(host >= lab->hosts_n, "the host is one of the lab's");
    const struct host *h = &lab->hosts[host];
    *step = "enter the host's network";
    if (setns(h->netns, CLONE_NEWNET) != 0)
        return errno;
    *step = "have mounts of its own";
    if (unshare(CLONE_NEWNS) != 0 || mount("", "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
        return errno;
    *step = "mount the host's /etc/resolv.conf";
    if (mount(h->resolv_path, "/etc/resolv.conf", NULL, MS_BIND, NULL) != 0)
        return errno;
    *step = "mount the host's /etc/hosts";
    if (mount(lab->hosts_path, "/etc/hosts", NULL, MS_BIND, NULL) != 0)
        return errno;
    return 0;
}

struct err *netlab_join(struct netlab *lab, uint32_t host)
{
    BUG_ON(host >= lab->hosts_n, "the host is one of the lab's");
    if (setns(lab->hosts[host].netns, CLONE_NEWNET) != 0)
        return err_new(ERR_IO, "the network of %s cannot be entered: %s", lab->hosts[host].name,
                       strerror(errno));
    lab->joined = true;
    return NULL;
}
