#include "tests/unit/support/sim_kit.h"

static void on_open(void *owner)
{
    struct kit_end *e = owner;
    buf_add_char(&e->events, 'o');
    e->at = sim_now(e->sim);
}
static void on_data(void *owner, struct str bytes)
{
    struct kit_end *e = owner;
    if (e->events.n == 0 || e->events.p[e->events.n - 1] != 'd')
        buf_add_char(&e->events, 'd');
    buf_add(&e->got, bytes);
    e->at = sim_now(e->sim);
    if (e->echo)
        world_stream_write(e->s, bytes);
    if (e->on_data)
        e->on_data(e);
}
static void on_end(void *owner)
{
    struct kit_end *e = owner;
    buf_add_char(&e->events, 'e');
    e->at = sim_now(e->sim);
    if (e->echo)
        world_stream_shutdown(e->s);
}
static void on_drained(void *owner)
{
    buf_add_char(&((struct kit_end *)owner)->events, 'r');
}
static void on_closed(void *owner, const struct err *err)
{
    struct kit_end *e = owner;
    buf_add_char(&e->events, 'c');
    e->s = NULL;
    e->closed++;
    e->failed = err != NULL;
    e->at = sim_now(e->sim);
    if (err) {
        e->code = err->code;
        buf_add_c(&e->message, err->message);
    }
}
const struct world_stream_handler kit_handler = {on_open, on_data, on_end, on_drained, on_closed};

struct sim_process *kit_process(struct kit *k, const char *name, const char *address,
                                const char *zone, const struct sim_program *program,
                                const void *config)
{
    struct sim_host *host = sim_host_find(k->sim, str_c(name));
    if (!host)
        host = sim_host_new(k->sim,
                            &(struct sim_host_options){str_c(name), str_c(address), str_c(zone)});
    struct sim_process_options o = {
        .name = str_c(name), .host = host, .program = program, .config = config};
    struct sim_process *p = sim_process_new(k->sim, &o);
    check_ok(sim_process_start(p));
    return p;
}

struct kit *kit_new_with(const struct sim_options *o)
{
    struct kit *k = MEM_NEW(struct kit);
    k->sim = sim_new(o);
    sim_link_set(k->sim, STR("site"), STR("cluster"),
                 &(struct sim_link){.latency.p50 = KIT_ONE_WAY});
    k->server = kit_process(k, "server", "10.0.0.1", "site/a", NULL, NULL);
    k->client = kit_process(k, "client", "10.0.0.2", "cluster/edge", NULL, NULL);
    k->server_host = sim_process_host(k->server);
    k->client_host = sim_process_host(k->client);
    k->c.sim = k->sim;
    return k;
}

struct kit *kit_new(void)
{
    return kit_new_with(
        &(struct sim_options){.seed = 1, .wall_start = KIT_START, .log_level = LOG_ERROR});
}

void kit_end_free(struct kit_end *e)
{
    buf_free(&e->got);
    buf_free(&e->events);
    buf_free(&e->message);
}

void kit_free(struct kit *k)
{
    sim_free(k->sim);
    for (int i = 0; i < KIT_ENDS; i++)
        kit_end_free(&k->accepted[i]);
    kit_end_free(&k->c);
    mem_free(k);
}

struct world *kit_sw(struct kit *k)
{
    return sim_process_world(k->server);
}
struct world *kit_cw(struct kit *k)
{
    return sim_process_world(k->client);
}

static void on_accept(void *owner, struct world_stream *s)
{
    struct kit *k = owner;
    assert_true(k->accepted_n < KIT_ENDS);
    struct kit_end *e = &k->accepted[k->accepted_n++];
    e->sim = k->sim;
    e->s = s;
    e->echo = k->echo;
    world_stream_attach(s, &kit_handler, e);
}

void kit_listen(struct kit *k, const struct world_tls *tls)
{
    struct world_listen o = {.address = world_addr_make(STR("0.0.0.0"), KIT_PORT), .tls = tls};
    check_ok(world_listen(kit_sw(k), &o, on_accept, k, &k->listener));
}

void kit_connect(struct kit *k, const struct world_tls *tls)
{
    struct world_connect o = {.address = world_addr_make(STR("10.0.0.1"), KIT_PORT), .tls = tls};
    k->c.s = world_stream_connect(kit_cw(k), &o, &kit_handler, &k->c);
}

void kit_run(struct kit *k, world_time time)
{
    sim_run_until(k->sim, sim_now(k->sim) + time);
}

void kit_up(struct kit *k)
{
    kit_listen(k, NULL);
    kit_connect(k, NULL);
    kit_run(k, 40 * MS);
    check_str(buf_str(&k->c.events), "o");
    assert_int_equal(k->accepted_n, 1);
}

struct sim_fault *kit_fault(struct kit *k, const struct sim_fault_options *o)
{
    struct sim_fault_options named = *o;
    struct buf name = {0};
    for (size_t n = 0; named.name.n == 0; n++)
        if (!sim_fault_at(k->sim, n)) {
            buf_addf(&name, "fault-%zu", n);
            named.name = buf_str(&name);
        }
    struct sim_fault *f = sim_fault_add(k->sim, &named);
    buf_free(&name);
    kit_run(k, 0);
    return f;
}

int64_t kit_count(const struct kit *k, const char *counter)
{
    return sim_counter_value(k->sim, str_c(counter));
}
