/* DNS, the owner's side: the zone's process, resolvers, what hosts see as /etc/resolv.conf, faults. */
#include "sim/real/lab/zone.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define ASK_MS        5000
#define READY_MS      5000
#define TRY_MS        20
#define DNS_PORT      53
#define DNS_REPLY_MAX 512
#define CACHE_ENTRIES 1000
#define WRONG_TTL_S   60u   /* of wrong answers, as in the simulated world */
#define HOLD_MAX_S    3600u /* dnsmasq knows no more */

/* ---- the zone ---- */

bool zone_name_fold(struct str name, char into[ZONE_NAME_MAX + 1])
{
    if (name.n && name.p[name.n - 1] == '.')
        name.n--;
    if (name.n > ZONE_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        into[i] = c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
    }
    into[name.n] = 0;
    return true;
}

static struct err *listen_in_router(struct netlab *lab, int *fd)
{
    int home;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(ZONE_PORT)};
    inet_pton(AF_INET, LAB_GATEWAY, &a.sin_addr);
    struct err *err = netns_go(lab->router, &home);
    if (err)
        return err;
    *fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool bound = *fd >= 0 && bind(*fd, (struct sockaddr *)&a, sizeof(a)) == 0;
    int why = errno;
    netns_back(home);
    if (bound)
        return NULL;
    if (*fd >= 0)
        close(*fd);
    return err_new(ERR_IO, "the zone's server has no socket: %s", strerror(why));
}

struct err *zone_start(struct netlab *lab, struct zone **out)
{
    int ends[2], questions = -1;
    struct err *err = listen_in_router(lab, &questions);
    if (err)
        return err;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        close(questions);
        return err_new(ERR_IO, "no pair of sockets can be had: %s", strerror(errno));
    }
    struct zone_work work = {ends[0], questions};
    const int keep[] = {ends[0], questions};
    struct zone *zone = MEM_NEW(struct zone);
    zone->to = ends[1];
    err =
        tool_fork(&(struct tool_copy){lab->router, keep, ARRAY_LEN(keep), false, zone_serve, &work},
                  &zone->pid);
    close(ends[0]);
    close(questions);
    if (err)
        zone_stop(zone);
    else
        *out = zone;
    return err;
}

void zone_stop(struct zone *zone)
{
    if (!zone)
        return;
    close(zone->to);
    tool_stop(&zone->pid, 0, ASK_MS);
    mem_free(zone);
}

struct err *zone_ask(struct zone *zone, const struct zone_request *request, uint64_t *n)
{
    struct zone_reply reply;
    struct pollfd p = {zone->to, POLLIN, 0};
    if (send(zone->to, request, sizeof(*request), MSG_NOSIGNAL) < 0 || poll(&p, 1, ASK_MS) <= 0 ||
        recv(zone->to, &reply, sizeof(reply), 0) != (ssize_t)sizeof(reply))
        return err_new(ERR_IO, "the zone's server is gone");
    if (reply.full)
        return err_new(ERR_TOO_MANY, "the zone has at most %u names", ZONE_RECORDS_MAX);
    if (n)
        *n = reply.n;
    return NULL;
}

static struct err *zone_of(struct netlab *lab)
{
    return lab->zone ? NULL : zone_start(lab, &lab->zone);
}

void dns_close(struct netlab *lab)
{
    for (uint32_t i = 0; i < lab->hosts_n; i++) {
        tool_stop(&lab->hosts[i].dnsmasq, SIGTERM, ASK_MS);
        if (lab->hosts[i].ask >= 0)
            close(lab->hosts[i].ask);
    }
    zone_stop(lab->zone);
    lab->zone = NULL;
}

/* ---- records ---- */

static struct err *fill_addresses(const struct str *addresses, size_t n, struct zone_record *record)
{
    if (n > NETLAB_ADDRESSES_MAX)
        return err_new(ERR_TOO_MANY, "a name has at most %u addresses", NETLAB_ADDRESSES_MAX);
    for (size_t i = 0; i < n; i++) {
        char text[LAB_ADDRESS_MAX];
        snprintf(text, sizeof(text), STR_FMT, STR_ARG(addresses[i]));
        if (addresses[i].n >= sizeof(text) || inet_pton(AF_INET, text, &record->addresses[i]) != 1)
            return err_new(ERR_INVALID, "\"" STR_FMT "\" is no IPv4 address",
                           STR_ARG(addresses[i]));
    }
    record->n = (uint32_t)n;
    return NULL;
}

struct err *netlab_dns_set(struct netlab *lab, struct str name, uint32_t ttl_s,
                           const struct str *addresses, size_t n)
{
    struct zone_request q = {.op = ZONE_SET, .record.ttl_s = ttl_s};
    if (name.n == 0 || !zone_name_fold(name, q.record.name))
        return err_new(ERR_INVALID, "\"" STR_FMT "\" is no name for DNS", STR_ARG(name));
    struct err *err = fill_addresses(addresses, n, &q.record);
    if (!err)
        err = zone_of(lab);
    return err ? err : zone_ask(lab->zone, &q, NULL);
}

struct err *netlab_dns_queries(struct netlab *lab, uint64_t *n)
{
    struct err *err = zone_of(lab);
    return err ? err : zone_ask(lab->zone, &(struct zone_request){.op = ZONE_QUERIES}, n);
}

/* ---- resolvers ---- */

static struct err *connect_to(struct netlab *lab, struct host *h)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(DNS_PORT)};
    int home;
    inet_pton(AF_INET, h->address, &a.sin_addr);
    struct err *err = netns_go(lab->router, &home);
    if (err)
        return err;
    h->ask = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool connected = h->ask >= 0 && connect(h->ask, (struct sockaddr *)&a, sizeof(a)) == 0;
    int why = errno;
    netns_back(home);
    return connected ? NULL
                     : err_new(ERR_IO, "no way to the resolver %s: %s", h->name, strerror(why));
}

/* Asks dnsmasq for its version, which it knows by itself, until it answers this very question. */
static struct err *await_resolver(struct netlab *lab, struct host *h)
{
    uint8_t question[] = {0,   0,   1,   0,   0,   1, 0,   0,   0,   0,   0, 0, 7,  'v', 'e',
                          'r', 's', 'i', 'o', 'n', 4, 'b', 'i', 'n', 'd', 0, 0, 16, 0,   3};
    h->asked++;
    question[0] = (uint8_t)(h->asked >> 8);
    question[1] = (uint8_t)h->asked;
    int64_t until = tool_clock_ns() + READY_MS * NS_PER_MS;
    while (tool_clock_ns() < until && tool_runs(h->dnsmasq)) {
        uint8_t reply[DNS_REPLY_MAX];
        ssize_t sent = send(h->ask, question, sizeof(question), 0);
        (void)sent; /* refused until it listens */
        struct pollfd p = {h->ask, POLLIN, 0};
        ssize_t n = poll(&p, 1, TRY_MS) > 0 ? recv(h->ask, reply, sizeof(reply), 0) : 0;
        while (n >= 2 && memcmp(reply, question, 2) != 0) /* of an earlier one, sent twice */
            n = recv(h->ask, reply, sizeof(reply), 0);
        if (n >= 2)
            return NULL;
    }
    return err_new(ERR_UNAVAILABLE,
                   "dnsmasq of the resolver %s does not answer; its words are in %.100s/%s.dnsmasq",
                   h->name, lab->dir, h->name);
}

static struct err *start_dnsmasq(struct netlab *lab, struct host *h,
                                 const struct netlab_resolver_options *o)
{
    char listen_at[64], server[64], cache[32], hold[32], words[LAB_PATH_MAX + 80];
    snprintf(listen_at, sizeof(listen_at), "--listen-address=%s", h->address);
    snprintf(server, sizeof(server), "--server=%s#%d", LAB_GATEWAY, ZONE_PORT);
    snprintf(cache, sizeof(cache), "--cache-size=%d", o->cache_off ? 0 : CACHE_ENTRIES);
    snprintf(hold, sizeof(hold), "--min-cache-ttl=%u", o->hold_s);
    snprintf(words, sizeof(words), "%s/%.63s.dnsmasq", lab->dir, h->name);
    const char *const args[] = {"--keep-in-foreground",
                                "--conf-file=/dev/null",
                                "--no-resolv",
                                "--no-hosts",
                                "--pid-file=",
                                "--user=root",
                                "--bind-interfaces",
                                "--except-interface=lo",
                                "--log-facility=-",
                                "--dns-forward-max=1000",
                                listen_at,
                                server,
                                cache,
                                hold,
                                NULL};
    return tool_start(&lab->tools, &(struct tool_call){TOOL_DNSMASQ, args, str_empty, h->netns, 0},
                      words, &h->dnsmasq);
}

struct err *netlab_add_resolver(struct netlab *lab, struct str name,
                                const struct netlab_resolver_options *options, uint32_t *host)
{
    static const struct netlab_resolver_options plain = {0};
    const struct netlab_resolver_options *o = options ? options : &plain;
    uint32_t index = 0;
    if (o->hold_s > HOLD_MAX_S)
        return err_new(NETLAB_UNSUPPORTED, "dnsmasq holds an answer for at most %u s, not %u",
                       HOLD_MAX_S, o->hold_s);
    struct err *err = zone_of(lab);
    if (!err)
        err = netlab_add_host(lab, name, &index);
    if (!err)
        err = start_dnsmasq(lab, &lab->hosts[index], o);
    if (!err)
        err = connect_to(lab, &lab->hosts[index]);
    if (!err)
        err = await_resolver(lab, &lab->hosts[index]);
    if (!err && o->negative_ttl_s)
        err = zone_ask(lab->zone,
                       &(struct zone_request){.op = ZONE_NEGATIVE_TTL,
                                              .resolver = index,
                                              .record.ttl_s = o->negative_ttl_s},
                       NULL);
    if (err)
        return err;
    if (!lab->has_resolver)
        lab->resolver = index;
    lab->has_resolver = true;
    *host = index;
    return NULL;
}

struct err *dns_resolv_conf(struct netlab *lab, const struct host *h, uint32_t resolver)
{
    struct buf text = {0};
    if (lab->has_resolver)
        buf_addf(&text, "nameserver %s\noptions timeout:2 attempts:2\n",
                 lab->hosts[resolver].address);
    struct err *err = state_write(h->resolv_path, buf_str(&text));
    buf_free(&text);
    return err;
}

static struct err *check_resolver(const struct netlab *lab, uint32_t resolver)
{
    if (resolver < lab->hosts_n && lab->hosts[resolver].dnsmasq > 0)
        return NULL;
    return err_new(ERR_INVALID, "host %u of the lab is no resolver", resolver);
}

struct err *netlab_use_resolver(struct netlab *lab, uint32_t host, uint32_t resolver)
{
    BUG_ON(host >= lab->hosts_n, "the host is one of the lab's");
    struct err *err = check_resolver(lab, resolver);
    return err ? err : dns_resolv_conf(lab, &lab->hosts[host], resolver);
}

struct err *netlab_dns_flush(struct netlab *lab, uint32_t resolver)
{
    struct err *err = check_resolver(lab, resolver);
    if (err)
        return err;
    struct host *h = &lab->hosts[resolver];
    if (kill(h->dnsmasq, SIGHUP) != 0)
        return err_new(ERR_IO, "the resolver %s is gone", h->name);
    /* Whoever asks from here on has an answer of the time after: when it answers this, the signal is noted, and is
     * looked at before the next question. */
    return await_resolver(lab, h);
}

/* ---- faults ---- */

/* What resolvers keep would hide the fault at its begin, and its answers at its end. */
static struct err *flush_all(struct netlab *lab)
{
    struct err *err = NULL;
    for (uint32_t i = 0; i < lab->hosts_n && !err; i++)
        if (lab->hosts[i].dnsmasq > 0)
            err = netlab_dns_flush(lab, i);
    return err;
}

/* No answer at all: it is lost behind the resolver. dnsmasq would otherwise not ask the zone again for a name, before it
 * has given up the question that is under way, long after the fault has ended. */
static struct err *silence(struct netlab *lab, uint32_t fault, const struct netlab_fault_options *o)
{
    static const uint16_t port = DNS_PORT;
    struct netlab_fault_options lost = {.kind = NETLAB_LOSS,
                                        .a = o->b,
                                        .direction = NETLAB_A_TO_B,
                                        .share_ppm = o->share_ppm,
                                        .ports = &port,
                                        .ports_n = 1};
    uint32_t *all = MEM_NEW_ARRAY(uint32_t, lab->hosts_n + 1), n = 0;
    for (uint32_t i = 0; i < lab->hosts_n; i++)
        if (lab->hosts[i].dnsmasq > 0)
            all[n++] = i;
    if (o->b.n == 0)
        lost.a = (struct netlab_group){all, n};
    lab->faults[fault].by_nft = true;
    struct err *err = n ? nft_begin(lab, fault, &lost)
                        : err_new(ERR_INVALID, "the lab has no resolver that could be silent");
    mem_free(all);
    return err;
}

struct err *dns_fault_begin(struct netlab *lab, uint32_t fault,
                            const struct netlab_fault_options *o)
{
    struct zone_request q = {.op = ZONE_BEGIN,
                             .fault = fault,
                             .kind = o->kind,
                             .share_ppm = fault_share(o),
                             .delay_ns = o->delay_ns,
                             .every_resolver = o->b.n == 0,
                             .record.ttl_s = WRONG_TTL_S};
    if (!zone_name_fold(o->name, q.record.name))
        return err_new(ERR_INVALID, "\"" STR_FMT "\" is no name for DNS", STR_ARG(o->name));
    struct err *err = fill_addresses(o->addresses, o->addresses_n, &q.record);
    for (size_t i = 0; i < o->b.n && !err; i++) {
        err = check_resolver(lab, o->b.hosts[i]);
        if (!err)
            q.resolvers[o->b.hosts[i] / 64] |= UINT64_C(1) << (o->b.hosts[i] % 64);
    }
    if (!err && o->kind == NETLAB_DNS_TIMEOUT && o->name.n == 0)
        return silence(lab, fault, o);
    if (!err)
        err = zone_of(lab);
    if (!err)
        err = zone_ask(lab->zone, &q, NULL);
    return err ? err : flush_all(lab);
}

struct err *dns_fault_end(struct netlab *lab, uint32_t fault)
{
    if (lab->faults[fault].by_nft)
        return nft_end(lab, fault);
    struct err *err =
        zone_ask(lab->zone, &(struct zone_request){.op = ZONE_END, .fault = fault}, NULL);
    return err ? err : flush_all(lab);
}

struct err *dns_fault_fired(struct netlab *lab, uint32_t fault, uint64_t *n)
{
    if (lab->faults[fault].by_nft)
        return nft_fired(lab, fault, n);
    return zone_ask(lab->zone, &(struct zone_request){.op = ZONE_FIRED, .fault = fault}, n);
}
