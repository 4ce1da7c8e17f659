/* What the files of the laboratory share. */
#ifndef PADDOCK_SIM_REAL_LAB_LAB_INTERNAL_H
#define PADDOCK_SIM_REAL_LAB_LAB_INTERNAL_H

#include "engine/base/timefmt.h"
#include "sim/real/lab/lab.h"
#include "sim/real/lab/tool.h"

#include <sys/types.h>

#define LAB_GATEWAY     "10.64.255.254" /* the router, for every host */
#define LAB_ADDRESS_MAX 40
#define LAB_PATH_MAX    192
#define LAB_SHARE_ALL   1000000u
#define LAB_RATE_MIN    1000

struct zone;

struct host {
    char name[NETLAB_NAME_MAX + 1];
    char namespace[NETLAB_NAME_MAX + 33];
    char address[LAB_ADDRESS_MAX];
    char resolv_path[LAB_PATH_MAX]; /* what it sees as /etc/resolv.conf */
    int netns;
    pid_t dnsmasq;  /* of a resolver */
    int ask;        /* of a resolver: the lab's own questions */
    uint16_t asked; /* how many of them */
    bool shaped;    /* the router's device to it has classes */
};

struct relay { /* a device that packets of a fault take, and who lets them pass later */
    pid_t pid;
    int control;   /* closing it ends the relay; -1: none, netem does it */
    uint64_t *met; /* shared with it */
};

struct fault_state {
    enum netlab_fault_kind kind;
    bool active;
    bool stays;  /* its table outlives it: what it did to connections stays */
    bool by_nft; /* of DNS: carried out by rules, not by the zone */
    uint64_t fired;
    struct relay relay;
    struct buf undo; /* commands that take back what it set up, in the words of its tool */
};

struct netlab {
    struct tools tools;
    char prefix[32];
    char dir[LAB_PATH_MAX]; /* of this lab's files */
    char hosts_path[LAB_PATH_MAX];
    int own_netns; /* of the thread at netlab_open */
    bool joined;
    int router;
    pid_t janitor;
    bool no_netem;
    int has_netem, has_htb, has_tun, has_kill; /* 0: not known, 1: yes, -1: no */
    uint32_t hosts_n, faults_n;
    struct host *hosts;
    struct fault_state *faults;
    struct zone *zone; /* NULL: no resolver yet */
    uint32_t resolver; /* the first one, of new hosts */
    bool has_resolver;
};

/* ---- state.c: what lies in /run, and who clears it away ---- */
/* Makes the folder and takes a prefix of its own. */
struct err *state_make(struct netlab *lab) must_check;
/* Of labs whose owners are dead: processes, namespaces, files. */
void state_sweep(void);
/* Kills what runs in this lab's namespaces and removes them and its files; fine when nothing is there. */
void state_remove(const char *prefix);
struct err *state_write(const char *path,
                        struct str text) must_check; /* in place: readers hold the file */
struct err *janitor_start(struct netlab *lab) must_check;
void janitor_dismiss(struct netlab *lab);

/* ---- netns.c ---- */
struct err *netns_make_router(struct netlab *lab) must_check;
struct err *netns_make_host(struct netlab *lab, struct host *h, uint32_t index) must_check;
int netns_open(const char *name); /* -1 with errno */
/* The calling thread goes there for a moment; *home is for the way back. */
struct err *netns_go(int netns, int *home) must_check;
void netns_back(int home);
/* Commands of `ip`, one a line, in a namespace (-1: here). */
struct err *lab_ip(struct netlab *lab, int netns, const char *fmt, ...) must_check
    printf_like(3, 4);

/* ---- fault_nft.c: one table of the router for each fault of the network ---- */
struct err *nft_begin(struct netlab *lab, uint32_t fault,
                      const struct netlab_fault_options *o) must_check;
struct err *nft_end(struct netlab *lab, uint32_t fault) must_check;
struct err *nft_fired(struct netlab *lab, uint32_t fault, uint64_t *n) must_check;
struct err *nft_run(struct netlab *lab, struct str script, struct buf *out) must_check;

/* ---- sockets.c: connections as the hosts' kernels know them ---- */
struct err *sockets_reset(struct netlab *lab, const struct netlab_fault_options *o,
                          uint64_t *n) must_check;
/* As elements of a set: every connection between the groups, from each end. */
struct err *sockets_list(struct netlab *lab, const struct netlab_fault_options *o,
                         struct buf *elements) must_check;
struct err *sockets_supported(struct netlab *lab) must_check;

/* ---- shape.c: bandwidth ---- */
struct err *shape_begin(struct netlab *lab, uint32_t fault,
                        const struct netlab_fault_options *o) must_check;
struct err *shape_end(struct netlab *lab, uint32_t fault) must_check;
struct err *shape_supported(struct netlab *lab) must_check;

/* ---- detour.c, relay.c: packets that take another way, on which they are late ---- */
struct err *detour_begin(struct netlab *lab, uint32_t fault,
                         const struct netlab_fault_options *o) must_check;
struct err *detour_end(struct netlab *lab, uint32_t fault) must_check;
struct err *detour_supported(struct netlab *lab) must_check;
void detour_drop(struct netlab *lab, uint32_t fault); /* at the end of the lab */

struct relay_work {
    int tun, control;
    enum netlab_fault_kind kind;
    uint32_t share_ppm;
    int64_t delay_ns, jitter_ns;
    uint64_t *met;
};
void relay_run(void *ctx); /* a struct relay_work; until control ends */

/* ---- dns.c ---- */
struct err *dns_fault_begin(struct netlab *lab, uint32_t fault,
                            const struct netlab_fault_options *o) must_check;
struct err *dns_fault_end(struct netlab *lab, uint32_t fault) must_check;
struct err *dns_fault_fired(struct netlab *lab, uint32_t fault, uint64_t *n) must_check;
void dns_close(struct netlab *lab);
struct err *dns_resolv_conf(struct netlab *lab, const struct host *h, uint32_t resolver) must_check;

/* ---- fault.c ---- */
bool group_has(const struct netlab_group *g, uint32_t host);
/* Packets from one host to the other are met by the fault, in its direction. */
bool fault_meets(const struct netlab_fault_options *o, uint32_t from, uint32_t to);
uint32_t fault_share(const struct netlab_fault_options *o);

#endif
