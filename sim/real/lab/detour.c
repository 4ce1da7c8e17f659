/* Packets of a fault leave the router by a device of the fault's own and come back by it, late.
 *
 *   h0 ─► mark (nft) ─► rule: marked so? ─► table ─► device fK ──► relay (TUN), or netem on a pair of devices ──┐
 *   h1 ◄──────────────────────────── routes of all packets ◄────────────────── comes in from group K ◄──────────┘
 *
 * A packet that comes back from device K may only take those of later faults: each is passed at most once. */
#include "sim/real/lab/lab_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define FIRST_TABLE   10000u
#define RELAY_ENDS_MS 5000
#define MAC           "02:00:00:00:00:01" /* of both ends of a pair: they need not ask for one another */
#define NETEM_PACKETS 65536

/* ---- what there is ---- */

static bool probe_netem(struct netlab *lab)
{
    static const char *const add[] = {"qdisc", "add",   "dev", "lo", "root",
                                      "netem", "delay", "1ms", NULL};
    static const char *const del[] = {"qdisc", "del", "dev", "lo", "root", NULL};
    struct err *err =
        tool_run(&lab->tools, &(struct tool_call){TOOL_TC, add, str_empty, lab->router, 0}, NULL);
    bool there = !err;
    if (there)
        err = tool_run(&lab->tools, &(struct tool_call){TOOL_TC, del, str_empty, lab->router, 0},
                       NULL);
    err_ignore(err);
    return there;
}

/* What netem does as the fault is meant: it keeps no order under jitter, and draws no share of delays. */
static bool fits_netem(struct netlab *lab, const struct netlab_fault_options *o)
{
    if (lab->no_netem || fault_share(o) != LAB_SHARE_ALL || o->kind == NETLAB_CLOG ||
        (o->kind == NETLAB_LATENCY && o->jitter_ns))
        return false;
    if (!lab->has_netem)
        lab->has_netem = probe_netem(lab) ? 1 : -1;
    return lab->has_netem > 0;
}

static int tun_open(const char *name)
{
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && ioctl(fd, TUNSETIFF, &request) != 0) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

static struct err *tun_in_router(struct netlab *lab, const char *name, int *fd)
{
    int home;
    struct err *err = netns_go(lab->router, &home);
    if (err)
        return err;
    *fd = tun_open(name);
    int why = errno;
    netns_back(home);
    return *fd >= 0 ? NULL
                    : err_new(NETLAB_UNSUPPORTED,
                              "packets cannot be held: no TUN device can be had (/dev/net/tun: %s)",
                              strerror(why));
}

struct err *detour_supported(struct netlab *lab)
{
    if (lab->has_tun > 0)
        return NULL;
    int fd = -1;
    struct err *err = tun_in_router(lab, "probe", &fd);
    if (err)
        return err;
    close(fd);
    lab->has_tun = 1;
    return NULL;
}

/* ---- the two ways ---- */

static struct err *start_relay(struct netlab *lab, uint32_t fault,
                               const struct netlab_fault_options *o, int tun)
{
    struct relay *relay = &lab->faults[fault].relay;
    int ends[2];
    void *shared =
        mmap(NULL, sizeof(*relay->met), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return err_new(ERR_IO, "no memory to share with a relay: %s", strerror(errno));
    relay->met = shared;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_new(ERR_IO, "no pipe can be had: %s", strerror(errno));
    struct relay_work work = {tun,         ends[0],      o->kind,   fault_share(o),
                              o->delay_ns, o->jitter_ns, relay->met};
    const int keep[] = {tun, ends[0]};
    struct err *err =
        tool_fork(&(struct tool_copy){lab->router, keep, ARRAY_LEN(keep), false, relay_run, &work},
                  &relay->pid);
    close(ends[0]);
    if (err)
        close(ends[1]);
    else
        relay->control = ends[1];
    return err;
}

static struct err *make_relay(struct netlab *lab, uint32_t fault,
                              const struct netlab_fault_options *o, const char *device)
{
    int tun = -1;
    struct err *err = tun_in_router(lab, device, &tun);
    if (err)
        return err;
    err = start_relay(lab, fault, o, tun);
    close(tun);
    if (err)
        return err;
    return lab_ip(lab, lab->router, "link set %s group %u txqueuelen 10000 up\n", device,
                  fault + 1);
}

static struct err *make_netem(struct netlab *lab, uint32_t fault,
                              const struct netlab_fault_options *o, const char *device)
{
    struct err *err = lab_ip(lab, lab->router,
                             "link add %s address " MAC " type veth peer name %sp address " MAC "\n"
                             "link set %sp group %u arp off up\nlink set %s arp off up\n",
                             device, device, device, fault + 1, device);
    if (err)
        return err;
    buf_addf(&lab->faults[fault].undo, "link del %s\n", device);
    struct buf s = {0};
    buf_addf(&s, "qdisc add dev %s root netem limit %d", device, NETEM_PACKETS);
    if (o->kind == NETLAB_DUPLICATE)
        buf_add_c(&s, " duplicate 100%");
    else /* netem's jitter is to both sides of the delay */
        buf_addf(&s, " delay %lldus %lldus",
                 (long long)((o->delay_ns + o->jitter_ns / 2) / NS_PER_US),
                 (long long)(o->jitter_ns / 2 / NS_PER_US));
    buf_add_c(&s, "\n");
    static const char *const args[] = {"-batch", "-", NULL};
    err = tool_run(&lab->tools, &(struct tool_call){TOOL_TC, args, buf_str(&s), lab->router, 0},
                   NULL);
    buf_free(&s);
    return err;
}

/* ---- begin, end ---- */

struct err *detour_begin(struct netlab *lab, uint32_t fault, const struct netlab_fault_options *o)
{
    char device[16];
    snprintf(device, sizeof(device), "f%u", fault);
    lab->faults[fault].relay.control = -1;
    struct err *err =
        fits_netem(lab, o) ? make_netem(lab, fault, o, device) : make_relay(lab, fault, o, device);
    if (!err)
        err = lab_ip(lab, lab->router,
                     "route add default dev %s table %u\nrule add fwmark %u lookup %u\n", device,
                     FIRST_TABLE + fault, fault + 1, FIRST_TABLE + fault);
    if (!err)
        err = nft_begin(lab, fault, o);
    return err;
}

void detour_drop(struct netlab *lab, uint32_t fault)
{
    struct relay *relay = &lab->faults[fault].relay;
    if (relay->pid > 0) {
        close(relay->control); /* it sends what it holds, and ends */
        tool_stop(&relay->pid, 0, RELAY_ENDS_MS);
    }
    if (relay->met)
        munmap(relay->met, sizeof(*relay->met));
    relay->met = NULL;
    buf_free(&lab->faults[fault].undo);
}

struct err *detour_end(struct netlab *lab, uint32_t fault)
{
    struct err *err = nft_end(lab, fault); /* nobody takes the detour from here on */
    if (!err)
        err = lab_ip(lab, lab->router, "rule del fwmark %u lookup %u\n" STR_FMT, fault + 1,
                     FIRST_TABLE + fault, STR_ARG(buf_str(&lab->faults[fault].undo)));
    detour_drop(lab, fault);
    return err;
}
