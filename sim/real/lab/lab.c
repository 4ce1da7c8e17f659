/* A lab's life and its hosts. */
#include "sim/real/lab/lab_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CAP_BIT_NET_ADMIN 12
#define CAP_BIT_SYS_ADMIN 21
#define HOSTS_PER_NET     250u
#define STATUS_MAX        4096u

/* ---- opening ---- */

static uint64_t capabilities(void)
{
    char text[STATUS_MAX];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = 0;
    const char *line = strstr(text, "\nCapEff:");
    return line ? strtoull(line + strlen("\nCapEff:"), NULL, 16) : 0;
}

static struct err *check_rights(void)
{
    uint64_t needed = UINT64_C(1) << CAP_BIT_NET_ADMIN | UINT64_C(1) << CAP_BIT_SYS_ADMIN;
    if (geteuid() == 0 && (capabilities() & needed) == needed)
        return NULL;
    return err_new(
        ERR_UNAVAILABLE,
        "the real world makes networks of its own, which needs root with CAP_NET_ADMIN and "
        "CAP_SYS_ADMIN: call it with sudo, or in a container that has them");
}

static struct err *probe_router(struct netlab *lab)
{
    struct err *err = nft_run(lab, STR("table ip probe { }\ndelete table ip probe\n"), NULL);
    return err ? err_wrap(err, ERR_UNAVAILABLE,
                          "this kernel has no nftables for the real world's network")
               : NULL;
}

static struct err *set_up(struct netlab *lab)
{
    lab->own_netns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (lab->own_netns < 0)
        return err_new(ERR_UNAVAILABLE, "this kernel has no namespaces of networks: %s",
                       strerror(errno));
    state_sweep();
    struct err *err = state_make(lab);
    if (!err)
        err = janitor_start(lab);
    if (err)
        return err;
    err = netns_make_router(lab);
    if (err)
        return err_wrap(err, ERR_UNAVAILABLE, "this machine lets nobody make a network namespace");
    return probe_router(lab);
}

struct err *netlab_open(const struct netlab_options *options, struct netlab **out)
{
    struct err *err = check_rights();
    if (err)
        return err;
    struct netlab *lab = MEM_NEW(struct netlab);
    lab->own_netns = lab->router = -1;
    lab->no_netem = options && options->no_netem;
    err = tools_find(&lab->tools, options ? options->path : NULL);
    if (!err) {
        lab->hosts = MEM_NEW_ARRAY(struct host, NETLAB_HOSTS_MAX);
        lab->faults = MEM_NEW_ARRAY(struct fault_state, NETLAB_FAULTS_MAX);
        err = set_up(lab);
    }
    if (err)
        netlab_close(lab);
    else
        *out = lab;
    return err;
}

static void close_if(int fd)
{
    if (fd >= 0)
        close(fd);
}

void netlab_close(struct netlab *lab)
{
    if (!lab)
        return;
    if (lab->joined && setns(lab->own_netns, CLONE_NEWNET) != 0)
        BUG_ON(true, "the way back to where one was is open");
    for (uint32_t i = 0; i < lab->faults_n; i++)
        detour_drop(lab, i);
    dns_close(lab);
    if (lab->prefix[0])
        state_remove(lab->prefix);
    janitor_dismiss(lab);
    for (uint32_t i = 0; i < lab->hosts_n; i++)
        close_if(lab->hosts[i].netns);
    close_if(lab->router);
    close_if(lab->own_netns);
    tools_free(&lab->tools);
    mem_free(lab->hosts);
    mem_free(lab->faults);
    mem_free(lab);
}

const char *netlab_prefix(const struct netlab *lab)
{
    return lab->prefix;
}

/* ---- hosts ---- */

static bool name_ok(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && (i == 0 || !char_in(c, "-_.")))
            return false;
    }
    return name.n > 0 && name.n <= NETLAB_NAME_MAX;
}

static struct err *check_name(const struct netlab *lab, struct str name)
{
    if (!name_ok(name))
        return err_new(ERR_INVALID,
                       "\"" STR_FMT "\" cannot be a host's name: 1 to %u letters, digits, '-', '_' "
                       "or '.', first a letter or digit",
                       STR_ARG(name), NETLAB_NAME_MAX);
    bool taken = str_eq_c(name, "router");
    for (uint32_t i = 0; i < lab->hosts_n; i++)
        taken = taken || str_eq_c(name, lab->hosts[i].name);
    if (taken)
        return err_new(ERR_ALREADY_EXISTS, "the lab already has a host \"" STR_FMT "\"",
                       STR_ARG(name));
    if (lab->hosts_n == NETLAB_HOSTS_MAX)
        return err_new(ERR_TOO_MANY, "a lab has at most %u hosts", NETLAB_HOSTS_MAX);
    return NULL;
}

struct err *netlab_add_host(struct netlab *lab, struct str name, uint32_t *host)
{
    struct err *err = check_name(lab, name);
    if (err)
        return err;
    uint32_t index = lab->hosts_n;
    struct host *h = &lab->hosts[index];
    *h = (struct host){.netns = -1, .ask = -1};
    snprintf(h->name, sizeof(h->name), STR_FMT, STR_ARG(name));
    snprintf(h->namespace, sizeof(h->namespace), "%s-%s", lab->prefix, h->name);
    snprintf(h->address, sizeof(h->address), "10.64.%u.%u", index / HOSTS_PER_NET,
             index % HOSTS_PER_NET + 2);
    snprintf(h->resolv_path, sizeof(h->resolv_path), "%.100s/%s.resolv", lab->dir, h->name);
    lab->hosts_n++; /* also of one that failed half-way: it is removed with the lab */
    err = netns_make_host(lab, h, index);
    if (!err)
        err = dns_resolv_conf(lab, h, lab->resolver);
    if (!err)
        *host = index;
    return err;
}

static const struct host *host_at(const struct netlab *lab, uint32_t host)
{
    BUG_ON(host >= lab->hosts_n, "the host is one of the lab's");
    return &lab->hosts[host];
}

const char *netlab_host_name(const struct netlab *lab, uint32_t host)
{
    return host_at(lab, host)->name;
}

const char *netlab_host_namespace(const struct netlab *lab, uint32_t host)
{
    return host_at(lab, host)->namespace;
}

const char *netlab_host_address(const struct netlab *lab, uint32_t host)
{
    return host_at(lab, host)->address;
}

struct err *netlab_kill(struct netlab *lab, uint32_t host, int signal)
{
    const char *const args[] = {"netns", "pids", host_at(lab, host)->namespace, NULL};
    struct buf out = {0};
    struct err *err =
        tool_run(&lab->tools, &(struct tool_call){TOOL_IP, args, str_empty, -1, 0}, &out);
    struct str rest = buf_str(&out), line;
    while (!err && rest.n) {
        uint64_t pid = 0;
        str_cut(rest, '\n', &line, &rest);
        bool own = !str_to_u64(str_trim(line), &pid) || (pid_t)pid == getpid() ||
                   (pid_t)pid == lab->hosts[host].dnsmasq;
        if (!own)
            kill((pid_t)pid, signal);
    }
    buf_free(&out);
    return err;
}
