/* Connections as the hosts' kernels know them: `ss` lists them, and ends them where the kernel can (INET_DIAG_DESTROY). */
#include "sim/real/lab/lab_internal.h"

#include "engine/base/rng.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROBE_WAIT_MS 200
#define NO_HOST       UINT32_MAX

struct connection {
    struct str local, peer; /* "10.64.0.2:443" */
    uint32_t from, to;
    uint16_t local_port, peer_port;
};

/* ---- reading the list ---- */

static uint32_t host_of(const struct netlab *lab, struct str address)
{
    for (uint32_t i = 0; i < lab->hosts_n; i++)
        if (str_eq_c(address, lab->hosts[i].address))
            return i;
    return NO_HOST;
}

/* Cuts "10.64.0.2:443", also where a socket for both families shows it as "[::ffff:10.64.0.2]:443". */
static bool read_end(struct str *text, struct str *address, uint16_t *port)
{
    static const struct str mapped = STR_INIT("[::ffff:");
    struct str s = *text;
    if (str_starts(s, mapped))
        s = str_sub(s, mapped.n, s.n);
    struct str number;
    uint64_t n = 0;
    if (!str_cut(s, ':', address, &number) || !str_to_u64(number, &n) || n > UINT16_MAX)
        return false;
    if (str_ends(*address, STR("]")))
        address->n--;
    *port = (uint16_t)n;
    *text = *address;
    return true;
}

static struct str next_word(struct str *line)
{
    struct str word;
    *line = str_trim(*line);
    str_cut(*line, ' ', &word, line);
    return word;
}

static bool lasts(struct str state)
{
    return str_eq_c(state, "ESTAB") || str_eq_c(state, "CLOSE-WAIT") ||
           str_starts(state, STR("FIN-WAIT"));
}

static bool read_line(const struct netlab *lab, struct str line, struct connection *c)
{
    struct str state = next_word(&line);
    next_word(&line); /* what waits to be read, and to be sent */
    next_word(&line);
    c->local = next_word(&line);
    c->peer = next_word(&line);
    struct str local, peer;
    if (!lasts(state) || !read_end(&c->local, &local, &c->local_port) ||
        !read_end(&c->peer, &peer, &c->peer_port))
        return false;
    c->from = host_of(lab, local);
    c->to = host_of(lab, peer);
    return c->from != NO_HOST && c->to != NO_HOST;
}

static bool port_meant(const struct netlab_fault_options *o, const struct connection *c)
{
    for (size_t i = 0; i < o->ports_n; i++)
        if (o->ports[i] == c->local_port || o->ports[i] == c->peer_port)
            return true;
    return o->ports_n == 0;
}

static bool meant(const struct netlab_fault_options *o, const struct connection *c)
{
    return o->protocol != NETLAB_UDP && port_meant(o, c) &&
           (fault_meets(o, c->from, c->to) || fault_meets(o, c->to, c->from));
}

typedef void connection_fn(void *ctx, const struct connection *c);

static struct err *each_of_host(struct netlab *lab, const struct netlab_fault_options *o,
                                uint32_t host, connection_fn *each, void *ctx)
{
    static const char *const args[] = {"-tnH", NULL};
    struct buf out = {0};
    struct err *err =
        tool_run(&lab->tools,
                 &(struct tool_call){TOOL_SS, args, str_empty, lab->hosts[host].netns, 0}, &out);
    struct str rest = buf_str(&out), line;
    while (!err && rest.n) {
        struct connection c;
        str_cut(rest, '\n', &line, &rest);
        if (read_line(lab, line, &c) && meant(o, &c))
            each(ctx, &c);
    }
    buf_free(&out);
    return err;
}

static bool takes_part(const struct netlab_fault_options *o, uint32_t host)
{
    return group_has(&o->a, host) || group_has(&o->b, host);
}

/* ---- as elements of a set ---- */

static void add_element(void *ctx, const struct connection *c)
{
    struct buf *out = ctx;
    buf_addf(out, "%s" STR_FMT " . %u . " STR_FMT " . %u", out->n ? ", " : "", STR_ARG(c->local),
             c->local_port, STR_ARG(c->peer), c->peer_port);
}

struct err *sockets_list(struct netlab *lab, const struct netlab_fault_options *o,
                         struct buf *elements)
{
    struct err *err = NULL;
    for (uint32_t i = 0; i < lab->hosts_n && !err; i++)
        if (takes_part(o, i))
            err = each_of_host(lab, o, i, add_element, elements);
    return err;
}

/* ---- ending them ---- */

struct chosen {
    const struct netlab_fault_options *o;
    uint64_t seed; /* of this fault: both ends of a connection get the same answer */
    struct buf filter;
    uint64_t n;
};

static uint64_t connection_hash(const struct connection *c, uint64_t seed)
{
    bool low = c->from < c->to || (c->from == c->to && c->local_port < c->peer_port);
    uint32_t ends[] = {low ? c->from : c->to, low ? c->to : c->from,
                       low ? c->local_port : c->peer_port, low ? c->peer_port : c->local_port};
    return str_hash((struct str){(const char *)ends, sizeof(ends)}) ^ seed;
}

static void add_to_filter(void *ctx, const struct connection *c)
{
    struct chosen *v = ctx;
    struct rng draw = rng_seed(connection_hash(c, v->seed));
    if (!rng_chance(&draw, fault_share(v->o)))
        return;
    buf_addf(&v->filter, "%s( sport = :%u and dst " STR_FMT " and dport = :%u )",
             v->filter.n ? "\nor " : "", c->local_port, STR_ARG(c->peer), c->peer_port);
    v->n++;
}

static struct err *end_filtered(struct netlab *lab, int netns, struct str filter)
{
    static const char *const args[] = {"-K", "-tnH", "-F", "/dev/stdin", NULL};
    return tool_run(&lab->tools, &(struct tool_call){TOOL_SS, args, filter, netns, 0}, NULL);
}

struct err *sockets_reset(struct netlab *lab, const struct netlab_fault_options *o, uint64_t *n)
{
    struct chosen v = {.o = o, .seed = (uint64_t)tool_clock_ns()};
    struct err *err = NULL;
    *n = 0;
    /* An end that is told sends RST to the other, which then is not in its host's list any more. */
    for (uint32_t i = 0; i < lab->hosts_n && !err; i++) {
        if (!takes_part(o, i))
            continue;
        buf_clear(&v.filter);
        v.n = 0;
        err = each_of_host(lab, o, i, add_to_filter, &v);
        if (!err && v.n)
            err = end_filtered(lab, lab->hosts[i].netns, buf_str(&v.filter));
        *n += err ? 0 : v.n;
    }
    buf_free(&v.filter);
    return err;
}

/* ---- whether the kernel can ---- */

/* Both ends of a connection on the loopback of the namespace where the thread is; false: none can be had. */
static bool connect_pair(int ends[2], uint16_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ends[1] = -1;
    if (listener >= 0 && ends[0] >= 0 && bind(listener, (struct sockaddr *)&a, n) == 0 &&
        listen(listener, 1) == 0 && getsockname(listener, (struct sockaddr *)&a, &n) == 0 &&
        connect(ends[0], (struct sockaddr *)&a, n) == 0)
        ends[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    *port = ntohs(a.sin_port);
    if (listener >= 0)
        close(listener);
    return ends[1] >= 0;
}

static struct err *probe(struct netlab *lab)
{
    int home = -1, ends[2] = {-1, -1};
    uint16_t port = 0;
    struct err *err = netns_go(lab->router, &home);
    if (err)
        return err;
    bool connected = connect_pair(ends, &port);
    netns_back(home);
    char filter[64];
    snprintf(filter, sizeof(filter), "( dport = :%u )", port);
    err = connected ? end_filtered(lab, lab->router, str_c(filter))
                    : err_new(ERR_IO, "no connection on loopback: %s", strerror(errno));
    if (!err) {
        struct pollfd p = {ends[1], POLLIN, 0};
        lab->has_kill = poll(&p, 1, PROBE_WAIT_MS) > 0 ? 1 : -1;
    }
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (ends[i] >= 0)
            close(ends[i]);
    return err;
}

struct err *sockets_supported(struct netlab *lab)
{
    struct err *err = lab->has_kill ? NULL : probe(lab);
    if (err || lab->has_kill > 0)
        return err;
    return err_new(NETLAB_UNSUPPORTED, "this kernel does not let connections be ended from outside "
                                       "(CONFIG_INET_DIAG_DESTROY), so none can be reset");
}
