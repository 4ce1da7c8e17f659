/* Connections: making, giving back, looking at them. */
#include "sim/world/stream_internal.h"

static void end_init(struct sim_conn *c, uint8_t side)
{
    struct sim_stream *e = &c->ends[side];
    e->conn = c;
    e->side = side;
    event_init(&e->in, end_arrived, NULL);
    event_init(&e->out, end_window, NULL);
    event_init(&e->timer, end_timer, NULL);
    list_init(&e->link);
}

struct sim_conn *conn_new(struct sim_world *client, const struct world_addr *to)
{
    struct sim *sim = client->sim;
    struct sim_conn *c = pool_get(&sim->conn_pool);
    c->sim = sim;
    c->id = ++sim->conns_made;
    c->random = rng_seed(client->connection_seed + client->connections++);
    c->opened_at = sim->now;
    c->host[0] = client->host;
    c->address[1] = *to;
    c->address[0] = world_addr_make(sim_host_address(client->host), host_free_port(client->host));
    for (uint8_t side = 0; side < 2; side++)
        end_init(c, side);
    c->ends[1].gone = true; /* until a SYN arrives */
    c->ends[0].world = client;
    c->ends[0].base.w = &client->base;
    list_add_tail(&client->streams, &c->ends[0].link);
    list_add_tail(&sim->conns, &c->link);
    return c;
}

static void drop_events(struct sim_conn *c)
{
    for (int side = 0; side < 2; side++) {
        event_drop(c->sim, &c->ends[side].in);
        event_drop(c->sim, &c->ends[side].out);
        event_drop(c->sim, &c->ends[side].timer);
    }
}

void sim_conn_release(struct sim_conn *c)
{
    if (c->pins > 0 || c->freeing)
        return;
    for (int side = 0; side < 2; side++)
        if (c->ends[side].app || c->ends[side].held || !c->ends[side].gone)
            return;
    c->freeing = true;
    drop_events(c);
    list_remove(&c->link);
    list_add_tail(&c->sim->conns_free, &c->link);
}

static void conn_free(struct sim_conn *c)
{
    for (int side = 0; side < 2; side++) {
        list_remove(&c->ends[side].link);
        tls_free(c->ends[side].tls);
        err_free(c->ends[side].failure);
        pipe_free(&c->pipes[side]);
    }
    list_remove(&c->link);
    mem_free(c->faults);
    pool_put(&c->sim->conn_pool, c);
}

void conns_sweep(struct sim *sim)
{
    list_each (&sim->conns_free, it, next)
        conn_free(container_of(it, struct sim_conn, link));
}

void conns_free_all(struct sim *sim)
{
    list_each (&sim->conns, it, next) {
        struct sim_conn *c = container_of(it, struct sim_conn, link);
        drop_events(c);
        conn_free(c);
    }
    conns_sweep(sim);
}

/* Sockets of a host without power are gone, those without a process too; nothing is sent. */
void conns_of_dead_host(struct sim_host *h)
{
    list_each (&h->sim->conns, it, next) {
        struct sim_conn *c = container_of(it, struct sim_conn, link);
        for (uint8_t side = 0; side < 2; side++)
            if (c->host[side] == h && !c->ends[side].gone)
                end_kernel_abort(&c->ends[side], false);
    }
}

void conn_reset_both(struct sim_conn *c)
{
    for (uint8_t side = 0; side < 2; side++) {
        struct sim_stream *e = &c->ends[side];
        if (e->gone)
            continue;
        ++*c->sim->count.resets;
        bool accepting = !e->app;
        end_fail(e, false,
                 err_new(ERR_CONN_RESET, "connection with %s: reset by the peer",
                         c->address[1 - side].host));
        if (accepting)
            list_remove(&e->link);
    }
}

static enum sim_connection_state state_of(const struct sim_conn *c)
{
    if (!c->established)
        return SIM_CONNECTING;
    if (c->forgotten || c->ends[0].gone != c->ends[1].gone)
        return SIM_HALF_OPEN;
    return c->pipes[0].fin || c->pipes[1].fin ? SIM_ENDING : SIM_ESTABLISHED;
}

static struct sim_process *process_of(const struct sim_stream *e)
{
    return e->world ? e->world->process : NULL;
}

void sim_connections_each(const struct sim *sim,
                          void (*each)(void *owner, const struct sim_connection *c), void *owner)
{
    for (const struct list *it = sim->conns.next; it != &sim->conns; it = it->next) {
        const struct sim_conn *c = const_container_of(it, struct sim_conn, link);
        struct sim_connection seen = {
            .id = c->id,
            .state = state_of(c),
            .client_host = c->host[0],
            .server_host = c->host[1],
            .client = process_of(&c->ends[0]),
            .server = process_of(&c->ends[1]),
            .client_address = c->address[0],
            .server_address = c->address[1],
            .opened_at = c->opened_at,
            .last_byte_at = c->last_byte_at,
            .bytes_to_server = c->bytes[0],
            .bytes_to_client = c->bytes[1],
        };
        each(owner, &seen);
    }
}
