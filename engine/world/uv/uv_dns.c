/* DNS by c-ares on the loop. A resolver is a c-ares channel with its sockets; when resolv.conf has changed, new
 * questions get a new one, and the old one goes when its last answer came.
 *
 *   query ─► ares_getaddrinfo ─► addresses, least TTL of the CNAME chain
 *                      └─ no such name ─► ares_query, for the SOA of the raw reply (RFC 2308)
 *
 * c-ares may answer from inside the call: results are kept and told by a later. */
#include "engine/world/uv/uv_internal.h"

#include "engine/world/uv/uv_dns_ttl.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <string.h>
#include <sys/stat.h>

#define RESOLV_CONF    "/etc/resolv.conf"
#define NAME_BYTES_MAX 255u /* RFC 1035 */
#define TRIES          3
#define NUMERIC_TTL_S  604800u /* a numeric name never changes */

struct uvw_socket {
    struct list node;
    uv_poll_t poll;
    struct uvw_resolver *resolver;
    ares_socket_t fd;
};

struct uvw_resolver {
    struct uv_world *uv;
    ares_channel channel;
    struct uvw_alarm tick; /* c-ares' own deadlines */
    struct list sockets;
    size_t users; /* queries, and one for being the world's present resolver */
    struct timespec conf_time;
    struct uvw_later release;
};

struct uvw_query {
    struct world_dns base;
    struct list node;
    struct uv_world *uv;
    struct uvw_resolver *resolver; /* NULL: c-ares owes no callback */
    struct uvw_later later;
    struct uvw_alarm deadline;
    world_dns_done done; /* NULL: cancelled, c-ares still holds the pointer */
    void *owner;
    struct world_dns_answer answer;
    struct err *err;
    char name[NAME_BYTES_MAX + 1];
};

/* ---- the resolver ---- */
static void resolver_arm(struct uvw_resolver *r)
{
    struct timeval room, *left = ares_timeout(r->channel, NULL, &room);
    if (left)
        uvw_alarm_start(r->uv, &r->tick,
                        left->tv_sec * NS_PER_S + left->tv_usec * NS_PER_US + NS_PER_MS);
    else
        uvw_alarm_stop(r->uv, &r->tick);
}

static void resolver_tick(struct uvw_alarm *alarm)
{
    struct uvw_resolver *r = container_of(alarm, struct uvw_resolver, tick);
    ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    resolver_arm(r);
}

static void socket_ready(uv_poll_t *poll, int status, int events)
{
    struct uvw_socket *socket = poll->data;
    struct uvw_resolver *r = socket->resolver;
    uvw_event(r->uv);
    bool readable = status < 0 || (events & UV_READABLE),
         writable = status < 0 || (events & UV_WRITABLE);
    ares_process_fd(r->channel, readable ? socket->fd : ARES_SOCKET_BAD,
                    writable ? socket->fd : ARES_SOCKET_BAD);
    resolver_arm(r);
}

static void socket_closed(uv_handle_t *handle)
{
    mem_free(handle->data);
}

static struct uvw_socket *socket_find(struct uvw_resolver *r, ares_socket_t fd)
{
    list_each (&r->sockets, it, next) {
        struct uvw_socket *socket = container_of(it, struct uvw_socket, node);
        if (socket->fd == fd)
            return socket;
    }
    return NULL;
}

/* c-ares says what it waits for on a socket of its own; neither: it is about to close it. */
static void socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
    struct uvw_resolver *r = data;
    struct uvw_socket *socket = socket_find(r, fd);
    if (!readable && !writable) {
        if (!socket)
            return;
        list_remove(&socket->node);
        uv_close((uv_handle_t *)&socket->poll, socket_closed);
        return;
    }
    if (!socket) {
        socket = MEM_NEW(struct uvw_socket);
        socket->resolver = r;
        socket->fd = fd;
        socket->poll.data = socket;
        if (uv_poll_init_socket(&r->uv->loop, &socket->poll, fd) < 0) {
            mem_free(socket); /* its questions run into their deadlines */
            return;
        }
        list_add_tail(&r->sockets, &socket->node);
    }
    uv_poll_start(&socket->poll, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0),
                  socket_ready);
}

/* Not while c-ares is on the stack. */
static void resolver_free(struct uvw_later *later)
{
    struct uvw_resolver *r = container_of(later, struct uvw_resolver, release);
    ares_destroy(r->channel);
    uvw_alarm_stop(r->uv, &r->tick);
    uvw_later_cancel(&r->release);
    mem_free(r);
}

static void resolver_release(struct uvw_resolver *r)
{
    BUG_ON(r->users == 0, "a resolver has users");
    if (--r->users == 0)
        uvw_later_add(r->uv, &r->release);
}

static struct timespec conf_time(void)
{
    struct stat st;
    return stat(RESOLV_CONF, &st) == 0 ? st.st_mtim : (struct timespec){0};
}

static struct err *resolver_new(struct uv_world *uv, struct uvw_resolver **out)
{
    struct uvw_resolver *r = MEM_NEW(struct uvw_resolver);
    r->uv = uv;
    r->tick.fire = resolver_tick;
    r->users = 1;
    r->conf_time = conf_time();
    uvw_later_init(&r->release, resolver_free);
    list_init(&r->sockets);
    struct ares_options options = {
        .timeout = (int)(uv->dns_try / NS_PER_MS),
        .tries = TRIES,
        .sock_state_cb = socket_state,
        .sock_state_cb_data = r,
    };
    int status = ares_init_options(&r->channel, &options,
                                   ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (status == ARES_SUCCESS && uv->dns_server.n) {
        char *server = str_dup_c(uv->dns_server);
        status = ares_set_servers_ports_csv(r->channel, server);
        mem_free(server);
        if (status != ARES_SUCCESS)
            ares_destroy(r->channel);
    }
    if (status != ARES_SUCCESS) {
        mem_free(r);
        return err_new(ERR_DNS_SERVFAIL, "the resolver cannot start: %s", ares_strerror(status));
    }
    *out = r;
    return NULL;
}

static struct err *resolver_get(struct uv_world *uv, struct uvw_resolver **out)
{
    struct uvw_resolver *r = uv->resolver;
    if (r) {
        struct timespec t = conf_time();
        if (t.tv_sec == r->conf_time.tv_sec && t.tv_nsec == r->conf_time.tv_nsec) {
            *out = r;
            return NULL;
        }
        uv->resolver = NULL;
        resolver_release(r);
    }
    struct err *err = resolver_new(uv, &uv->resolver);
    if (!err)
        *out = uv->resolver;
    return err;
}

/* ---- a question ---- */
static void query_free(struct uvw_query *q)
{
    uvw_later_cancel(&q->later);
    uvw_alarm_stop(q->uv, &q->deadline);
    list_remove(&q->node);
    err_free(q->err);
    mem_free(q);
}

static void query_tell(struct uvw_later *later)
{
    struct uvw_query *q = container_of(later, struct uvw_query, later);
    BUG_ON(q->resolver, "c-ares is done with the query");
    q->done(q->owner, &q->answer, q->err);
    query_free(q);
}

/* c-ares is through with the query. */
static void query_finish(struct uvw_query *q, struct err *take_err)
{
    struct uvw_resolver *r = q->resolver;
    q->resolver = NULL;
    if (q->err)
        err_free(take_err);
    else
        q->err = take_err;
    if (r)
        resolver_release(r);
    if (q->done)
        uvw_later_add(q->uv, &q->later);
    else
        query_free(q);
}

static struct err *ares_err(int status, const char *name)
{
    switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_EBADNAME:
        return err_new(ERR_DNS_NXDOMAIN, "no address for \"%s\": %s", name, ares_strerror(status));
    case ARES_ETIMEOUT:
        return err_new(ERR_DNS_TIMEOUT, "no DNS server answered about \"%s\"", name);
    default:
        return err_new(ERR_DNS_SERVFAIL, "DNS cannot answer about \"%s\": %s", name,
                       ares_strerror(status));
    }
}

static void got_negative(void *owner, int status, int timeouts, unsigned char *reply, int n)
{
    struct uvw_query *q = owner;
    if (reply && n > 0)
        q->answer.ttl_s = uvw_dns_negative_ttl((struct str){(const char *)reply, (size_t)n});
    query_finish(q, NULL);
}

static void add_node(struct world_dns_answer *a, const struct ares_addrinfo_node *node)
{
    if (a->n == WORLD_DNS_ADDRESSES_MAX ||
        (node->ai_family != AF_INET && node->ai_family != AF_INET6))
        return;
    struct world_addr addr = uvw_addr(node->ai_addr);
    memcpy(a->host[a->n++], addr.host, sizeof addr.host);
    if (node->ai_ttl >= 0 && (uint32_t)node->ai_ttl < a->ttl_s)
        a->ttl_s = (uint32_t)node->ai_ttl;
}

static void take_answer(struct uvw_query *q, const struct ares_addrinfo *info)
{
    struct world_dns_answer *a = &q->answer;
    a->ttl_s = UINT32_MAX;
    for (const struct ares_addrinfo_cname *c = info->cnames; c; c = c->next)
        if (c->ttl >= 0 && (uint32_t)c->ttl < a->ttl_s)
            a->ttl_s = (uint32_t)c->ttl;
    for (int pass = 0; pass < 2; pass++) /* IPv4 first; the order of the answer within */
        for (const struct ares_addrinfo_node *n = info->nodes; n; n = n->ai_next)
            if ((n->ai_family == AF_INET) == (pass == 0))
                add_node(a, n);
}

static void got_addresses(void *owner, int status, int timeouts, struct ares_addrinfo *info)
{
    struct uvw_query *q = owner;
    if (status == ARES_SUCCESS)
        take_answer(q, info);
    if (info)
        ares_freeaddrinfo(info);
    if (status == ARES_SUCCESS && q->answer.n == 0)
        status = ARES_ENODATA;
    if (status == ARES_SUCCESS) {
        query_finish(q, NULL);
    } else if ((status == ARES_ENOTFOUND || status == ARES_ENODATA) && q->done && !q->uv->freeing) {
        q->answer = (struct world_dns_answer){0};
        q->err = ares_err(status, q->name);
        ares_query(q->resolver->channel, q->name, ns_c_in, ns_t_a, got_negative, q);
    } else {
        query_finish(q, ares_err(status, q->name));
    }
}

/* Told now; c-ares still holds the query until it gives up itself. */
static void query_expired(struct uvw_alarm *alarm)
{
    struct uvw_query *q = container_of(alarm, struct uvw_query, deadline);
    world_dns_done done = q->done;
    struct err *err = q->err; /* a negative answer whose SOA did not come in time */
    q->err = NULL;
    if (!err)
        err = err_new(ERR_DNS_TIMEOUT, "no DNS server answered about \"%s\" in time", q->name);
    struct world_dns_answer answer = q->answer;
    q->done = NULL;
    void *owner = q->owner;
    if (!q->resolver) { /* it has just been answered */
        q->done = done;
        err_free(q->err);
        q->err = NULL;
        err_free(err);
        uvw_later_cancel(&q->later);
        query_tell(&q->later);
        return;
    }
    done(owner, &answer, err);
    err_free(err);
}

static void query_ask(struct uvw_query *q)
{
    struct err *err = resolver_get(q->uv, &q->resolver);
    if (err) {
        query_finish(q, err);
        return;
    }
    struct uvw_resolver *r = q->resolver;
    r->users++;
    const struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_flags = ARES_AI_NOSORT};
    ares_getaddrinfo(r->channel, q->name, NULL, &hints, got_addresses, q);
    resolver_arm(r);
}

struct world_dns *uvw_dns_query(struct world *w, struct str name, world_time timeout,
                                world_dns_done done, void *owner)
{
    struct uvw_query *q = MEM_NEW(struct uvw_query);
    q->base.w = w;
    q->uv = uvw_of(w);
    q->done = done;
    q->owner = owner;
    q->deadline.fire = query_expired;
    uvw_later_init(&q->later, query_tell);
    list_add_tail(&q->uv->queries, &q->node);
    uvw_alarm_start(q->uv, &q->deadline, timeout);
    if (name.n == 0 || name.n > NAME_BYTES_MAX || memchr(name.p, 0, name.n)) {
        query_finish(q,
                     err_new(ERR_DNS_NXDOMAIN, "\"" STR_FMT "\" is not a DNS name", STR_ARG(name)));
        return &q->base;
    }
    memcpy(q->name, name.p, name.n);
    if (world_host_is_numeric(name)) {
        struct world_addr a = world_addr_make(name, 0);
        memcpy(q->answer.host[0], a.host, sizeof a.host);
        q->answer.n = 1;
        q->answer.ttl_s = NUMERIC_TTL_S;
        query_finish(q, NULL);
    } else {
        query_ask(q);
    }
    return &q->base;
}

void uvw_dns_cancel(struct world_dns *base)
{
    struct uvw_query *q = container_of(base, struct uvw_query, base);
    BUG_ON(!q->done, "a query is cancelled once, and not after its callback");
    q->done = NULL;
    uvw_alarm_stop(q->uv, &q->deadline);
    if (!q->resolver)
        query_free(q);
}

void uvw_dns_free(struct uv_world *uv)
{
    list_each (&uv->queries, it, next) {
        struct uvw_query *q = container_of(it, struct uvw_query, node);
        if (q->done)
            uvw_dns_cancel(&q->base);
    }
    struct uvw_resolver *r = uv->resolver;
    uv->resolver = NULL;
    if (r)
        resolver_release(r);
    /* Channels in use end with their queries: ares_cancel calls every callback. */
    while (!list_empty(&uv->queries)) {
        struct uvw_query *q = container_of(uv->queries.next, struct uvw_query, node);
        BUG_ON(!q->resolver, "a query without a resolver is freed by its cancel");
        ares_cancel(q->resolver->channel);
    }
    list_each (&uv->later, it, next) {
        struct uvw_later *later = container_of(it, struct uvw_later, node);
        if (later->run == resolver_free)
            resolver_free(later);
    }
}
