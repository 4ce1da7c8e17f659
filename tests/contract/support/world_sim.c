/* The simulated world in the suite: a server's host and a client's, with a resolver between them. */
#include "sim/world/fault.h"
#include "tests/contract/support/contract.h"

#include <stdio.h>

#define START      (INT64_C(1767225600) * NS_PER_S) /* 2026-01-01 */
#define SERVER     "10.0.0.1"
#define BLACK_HOLE "10.9.9.9"

struct simulated {
    struct contract base;
    struct sim *sim;
    struct sim_process *server, *client;
    size_t faults;
};

static struct simulated *simulated_of(struct contract *c)
{
    return container_of(c, struct simulated, base);
}

static struct sim_process *process_new(struct sim *sim, const char *name, const char *address)
{
    struct sim_host_options host = {
        .name = str_c(name), .address = str_c(address), .zone = str_c(name)};
    struct sim_process_options o = {.name = str_c(name), .host = sim_host_new(sim, &host)};
    struct sim_process *p = sim_process_new(sim, &o);
    struct err *err = sim_process_start(p);
    assert_null(err);
    return p;
}

static void print_line(void *owner, const struct sim_log_line *l)
{
    print_message("%.*s: %.*s\n", STR_ARG(l->component), STR_ARG(l->message));
}

static struct contract *simulated_open(void)
{
    struct simulated *s = MEM_NEW(struct simulated);
    struct sim_options o = {.seed = 1, .wall_start = START, .log_level = LOG_ERROR};
    s->sim = sim_new(&o);
    sim_on_log(s->sim, print_line, NULL);
    struct sim_resolver_options resolver = {.name = STR("default"), .cache_off = true};
    (void)sim_resolver_new(s->sim, &resolver);
    sim_dns_set_zone(s->sim, STR("test"), CONTRACT_NEGATIVE_TTL_S);
    s->server = process_new(s->sim, "server", SERVER);
    s->client = process_new(s->sim, "client", "10.0.0.2");
    s->base.ops = &contract_sim;
    s->base.kind = CONTRACT_SIM;
    s->base.server = sim_process_world(s->server);
    s->base.client = sim_process_world(s->client);
    buf_add_c(&s->base.folder, "/var/lib/contract/");
    return &s->base;
}

static void simulated_close(struct contract *c)
{
    struct simulated *s = simulated_of(c);
    sim_free(s->sim);
    buf_free(&s->base.folder);
    mem_free(s);
}

static bool simulated_until(struct contract *c, bool (*holds)(void *owner), void *owner,
                            world_time limit)
{
    struct sim *sim = simulated_of(c)->sim;
    return sim_run_while_not(sim, holds, owner, sim_now(sim) + limit);
}

static struct world_addr simulated_server_addr(struct contract *c, uint16_t port)
{
    return world_addr_make(STR(SERVER), port);
}

static struct world_addr simulated_black_hole(struct contract *c)
{
    return world_addr_make(STR(BLACK_HOLE), 443);
}

static void add_fault(struct simulated *s, enum sim_fault_kind kind, const char *name)
{
    struct buf id = {0};
    buf_addf(&id, "contract-%zu", s->faults++);
    struct sim_fault_options o = {.name = buf_str(&id), .kind = kind, .dns_name = str_c(name)};
    (void)sim_fault_add(s->sim, &o);
    buf_free(&id);
    sim_run_until(s->sim, sim_now(s->sim));
}

static void simulated_dns_add(struct contract *c, const struct contract_name *n)
{
    struct simulated *s = simulated_of(c);
    struct str addresses[ARRAY_LEN(n->addresses)];
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(n->addresses) && n->addresses[i]; i++)
        addresses[count++] = str_c(n->addresses[i]);
    if (n->how == CONTRACT_DNS_SERVFAIL)
        add_fault(s, SIM_FAULT_DNS_SERVFAIL, n->name);
    else if (n->how == CONTRACT_DNS_SILENT)
        add_fault(s, SIM_FAULT_DNS_TIMEOUT, n->name);
    else if (n->how == CONTRACT_DNS_NXDOMAIN)
        sim_dns_remove(s->sim, str_c(n->name));
    else if (n->cname) {
        sim_dns_set_cname(s->sim, str_c(n->name), n->cname_ttl_s, str_c(n->cname));
        sim_dns_set(s->sim, str_c(n->cname), n->ttl_s, addresses, count);
    } else
        sim_dns_set(s->sim, str_c(n->name), n->ttl_s, addresses, count);
}

static void simulated_file_put(struct contract *c, const char *path, const char *content)
{
    sim_volume_write(simulated_of(c)->sim, STR("client"), str_c(path), str_c(content));
}

const struct contract_ops contract_sim = {
    .name = "sim",
    .open = simulated_open,
    .close = simulated_close,
    .until = simulated_until,
    .server_addr = simulated_server_addr,
    .black_hole = simulated_black_hole,
    .dns_add = simulated_dns_add,
    .file_put = simulated_file_put,
};
