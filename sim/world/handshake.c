/* How a connection comes to be: SYN, its answer, and the server's end.
 *
 *   SYN sent ─► arrives ─► answered ─► established (client: open or ClientHello; server: with the client's first segment)
 *      ▲  └ cut: again after 1 s, 3 s, 7 s ...  └ nobody listens: refused */
#include "sim/world/stream_internal.h"

#define SYN_TRIES_MAX  16u
#define ACCEPT_TIMEOUT (10 * NS_PER_S) /* a server's TLS handshake */

static void retry(struct sim_stream *client)
{
    struct sim_conn *c = client->conn;
    uint32_t tries = client->syn_tries < SYN_TRIES_MAX ? client->syn_tries++ : SYN_TRIES_MAX;
    (void)path_blocked(c, client->syn_answered, client->syn_tries == 1); /* counted once */
    ++*c->sim->count.retransmissions;
    event_set(c->sim, &client->out, c->sim->now + (SYN_RETRY_FIRST << tries));
}

static void route(struct sim_conn *c)
{
    c->host[1] = host_route(c->sim, c->host[0], &c->address[1], &c->loopback);
    c->epoch = 0;
}

void handshake_start(struct sim_conn *c)
{
    route(c);
    ++*c->sim->count.connects;
    struct buf to = {0};
    world_addr_print(&c->address[1], &to);
    trace_add(c->sim, end_component(&c->ends[0]), SIM_TRACE_CONNECT, c->id, str_hash(buf_str(&to)));
    buf_free(&to);
    event_set(c->sim, &c->ends[0].out, c->sim->now + path_delay(c, 0, 0, SYN_RETRY_FIRST));
}

static bool listens_there(const struct sim_listener *l, const struct sim_conn *c)
{
    const char *host = l->address.host;
    if (strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0)
        return true;
    return strcmp(host, c->address[1].host) == 0;
}

static void server_end_up(struct sim_conn *c, struct sim_listener *l)
{
    struct sim_stream *e = &c->ends[1];
    e->gone = false;
    e->world = l->world;
    e->base.w = &l->world->base;
    e->listener = l;
    e->tls = l->identity ? tls_server_new(l->identity) : NULL;
    list_add_tail(&l->world->streams, &e->link);
    event_set(c->sim, &e->timer, c->sim->now + ACCEPT_TIMEOUT);
}

static void syn_arrived(struct sim_stream *client)
{
    struct sim_conn *c = client->conn;
    if (!c->host[1] || c->host[1]->off)
        route(c);
    if (path_blocked(c, 0, false)) {
        retry(client);
        return;
    }
    struct sim_listener *l = host_listener(c->host[1], c->address[1].port);
    if (!l || !listens_there(l, c) ||
        fault_of_hosts(c->sim, SIM_FAULT_NET_REFUSE, c->host[0], c->host[1]))
        client->refused = true;
    else
        server_end_up(c, l);
    client->syn_answered = true;
    client->syn_tries = 0;
    event_set(c->sim, &client->out, c->sim->now + path_delay(c, 1, 0, SYN_RETRY_FIRST));
}

static void refused(struct sim_stream *client)
{
    struct buf where = {0};
    world_addr_print(&client->conn->address[1], &where);
    ++*client->conn->sim->count.refused;
    end_fail(client, false,
             err_new(ERR_CONN_REFUSED, "connect to %s: connection refused", buf_c(&where)));
    buf_free(&where);
}

static void established(struct sim_stream *client)
{
    struct sim_conn *c = client->conn;
    c->established = true;
    ++*c->sim->count.established;
    client->state = client->tls ? END_HANDSHAKE : END_OPEN;
    pipe_send(c, 0, true); /* the ACK, and what is queued */
    if (client->tls)
        tls_hello(client);
    path_established(c);
}

/* The next step is due: `out` of the client's end. */
void handshake_step(struct sim_stream *client)
{
    struct sim_conn *c = client->conn;
    trace_add(c->sim, end_component(client), SIM_TRACE_NET, c->id, client->syn_answered);
    if (!client->syn_answered)
        syn_arrived(client);
    else if (path_blocked(c, 1, false))
        retry(client);
    else if (client->refused)
        refused(client);
    else
        established(client);
}

void end_accept(struct sim_stream *e)
{
    struct sim_conn *c = e->conn;
    struct sim_listener *l = e->listener;
    e->listener = NULL;
    e->app = e->held = true;
    event_clear(&e->timer);
    trace_add(c->sim, end_component(e), SIM_TRACE_ACCEPT, c->id,
              str_hash(str_c(c->address[0].host)));
    l->accept(l->owner, &e->base);
    BUG_ON(e->app && !e->handler, "an accepted stream gets a handler, or is ended, at once");
}
