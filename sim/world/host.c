/* Hosts, their addresses, and which host a connect meets. */
#include "sim/world/stream_internal.h"

/* All hosts that answer to one address, and the next one's turn. */
struct route {
    struct sim_host **hosts;
    size_t n, cap, turn;
};

struct sim_zone *zone_get(struct sim *sim, struct str name)
{
    struct sim_zone *zone = map_get(&sim->zones, name);
    if (zone)
        return zone;
    struct sim_zone *parent = NULL;
    if (name.n > 0) {
        size_t n = name.n - 1;
        while (n > 0 && name.p[n] != '/')
            n--;
        parent = zone_get(
            sim,
            str_sub(name, 0, n)); /* ends: each name is shorter; depth by the scenario's own text */
    }
    zone = MEM_NEW(struct sim_zone);
    zone->name = str_dup(name);
    zone->parent = parent;
    zone->index = map_count(&sim->zones);
    map_put(&sim->zones, name, zone);
    return zone;
}

struct sim_host *sim_host_new(struct sim *sim, const struct sim_host_options *options)
{
    BUG_ON(options->name.n == 0 || map_has(&sim->hosts, options->name),
           "a host has a name of its own");
    BUG_ON(!world_host_is_numeric(options->address), "a host's address is numeric");
    struct sim_host *h = MEM_NEW(struct sim_host);
    h->sim = sim;
    h->name = str_dup(options->name);
    h->zone = zone_get(sim, options->zone);
    h->index = sim->hosts_n;
    h->component = sim_trace_intern(sim, options->name);
    h->next_port = PORT_FIRST;
    map_put(&sim->hosts, options->name, h);
    SIM_GROW(sim->host_list, sim->hosts_n, sim->hosts_cap);
    sim->host_list[sim->hosts_n++] = h;
    sim_host_add_address(h, options->address);
    return h;
}

struct sim_host *sim_host_find(struct sim *sim, struct str name)
{
    return map_get(&sim->hosts, name);
}

struct str sim_host_name(const struct sim_host *h)
{
    return h->name;
}

struct str sim_host_zone(const struct sim_host *h)
{
    return h->zone->name;
}

struct str sim_host_address(const struct sim_host *h)
{
    return h->addresses_n ? h->addresses[0] : str_empty;
}

void sim_host_add_address(struct sim_host *h, struct str address)
{
    struct sim *sim = h->sim;
    struct route *r = map_get(&sim->addresses, address);
    if (!r) {
        r = MEM_NEW(struct route);
        map_put(&sim->addresses, address, r);
    }
    for (size_t i = 0; i < r->n; i++)
        if (r->hosts[i] == h)
            return;
    SIM_GROW(r->hosts, r->n, r->cap);
    r->hosts[r->n++] = h;
    h->addresses = mem_resize(h->addresses, (h->addresses_n + 1) * sizeof(*h->addresses));
    h->addresses[h->addresses_n++] = str_dup(address);
}

void routes_free(struct sim *sim)
{
    void *value;
    for (size_t i = 0; map_next(&sim->addresses, &i, NULL, &value);) {
        mem_free(((struct route *)value)->hosts);
        mem_free(value);
    }
    map_free(&sim->addresses);
}

static struct str port_key(char bytes[2], uint16_t port)
{
    bytes[0] = (char)(port >> 8);
    bytes[1] = (char)(port & 0xff);
    return (struct str){bytes, 2};
}

struct sim_listener *host_listener(const struct sim_host *h, uint16_t port)
{
    char bytes[2];
    return map_get(&h->ports, port_key(bytes, port));
}

bool host_bind(struct sim_host *h, uint16_t port, struct sim_listener *l)
{
    char bytes[2];
    struct str key = port_key(bytes, port);
    if (map_has(&h->ports, key))
        return false;
    map_put(&h->ports, key, l);
    return true;
}

void host_unbind(struct sim_host *h, uint16_t port)
{
    char bytes[2];
    (void)map_remove(&h->ports, port_key(bytes, port));
}

uint16_t host_free_port(struct sim_host *h)
{
    for (uint32_t tries = 0; tries < UINT16_MAX; tries++) {
        uint16_t port = h->next_port;
        h->next_port = port == UINT16_MAX ? PORT_FIRST : (uint16_t)(port + 1);
        if (!host_listener(h, port))
            return port;
    }
    BUG_ON(true, "a host has a free port");
    return 0;
}

static bool is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
           strcmp(host, "0.0.0.0") == 0;
}

/* Of several hosts, the next one in turn that is on, not set aside and listens at the port, else the next one that is on. */
struct sim_host *host_route(struct sim *sim, struct sim_host *from, const struct world_addr *to,
                            bool *loopback)
{
    *loopback = is_loopback(to->host);
    if (*loopback)
        return from;
    struct route *r = map_get(&sim->addresses, str_c(to->host));
    if (!r || r->n == 0)
        return NULL;
    struct sim_host *second = NULL;
    for (size_t i = 0; i < r->n; i++) {
        struct sim_host *h = r->hosts[(r->turn + i) % r->n];
        if (h->off)
            continue;
        if (!h->aside && host_listener(h, to->port)) {
            r->turn = (r->turn + i + 1) % r->n;
            *loopback = h == from;
            return h;
        }
        second = second ? second : h;
    }
    *loopback = second == from && second;
    return second ? second : r->hosts[r->turn % r->n];
}

void sim_host_power_off(struct sim_host *h)
{
    if (h->off)
        return;
    h->off = true;
    for (size_t i = 0; i < h->sim->processes_n; i++) {
        struct sim_process *p = h->sim->process_list[i];
        if (p->host == h && p->world)
            world_kill(p->world, SIM_EXIT_POWER_LOSS, true);
    }
    conns_of_dead_host(h);
    worlds_reap_outside(h->sim);
}

void sim_host_power_on(struct sim_host *h)
{
    h->off = false;
}

void sim_host_set_aside(struct sim_host *h, bool aside)
{
    h->aside = aside;
}

bool sim_host_is_on(const struct sim_host *h)
{
    return !h->off;
}
