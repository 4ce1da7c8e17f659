/* The simulation as a whole: making, ending, hooks, counters, random streams. */
#include "sim/world/stream_internal.h"

static int64_t *counter_c(struct sim *sim, const char *name)
{
    return sim_counter(sim, str_c(name));
}

static void counters_init(struct sim *sim)
{
    sim->count.connects = counter_c(sim, "net.connects");
    sim->count.established = counter_c(sim, "net.established");
    sim->count.refused = counter_c(sim, "net.refused");
    sim->count.resets = counter_c(sim, "net.resets");
    sim->count.timeouts = counter_c(sim, "net.timeouts");
    sim->count.retransmissions = counter_c(sim, "net.retransmissions");
    sim->count.half_open = counter_c(sim, "net.half_open_sessions");
    sim->count.bytes = counter_c(sim, "net.bytes");
    sim->count.tls_handshakes = counter_c(sim, "tls.handshakes");
    sim->count.tls_failures = counter_c(sim, "tls.failures");
    sim->count.dns_queries = counter_c(sim, "dns.queries");
    sim->count.dns_cache_hits = counter_c(sim, "dns.cache_hits");
    sim->count.dns_servfail = counter_c(sim, "dns.servfail_answers");
    sim->count.dns_nxdomain = counter_c(sim, "dns.nxdomain_answers");
    sim->count.dns_timeouts = counter_c(sim, "dns.timeouts");
    sim->count.dns_stale = counter_c(sim, "dns.stale_answers");
    sim->count.dns_wrong = counter_c(sim, "dns.wrong_answers");
    sim->count.starts = counter_c(sim, "process.starts");
    sim->count.crashes = counter_c(sim, "process.crashes");
    sim->count.leaked_handles = counter_c(sim, "process.leaked_handles");
    sim->count.file_writes = counter_c(sim, "file.writes");
}

struct sim *sim_new(const struct sim_options *options)
{
    BUG_ON(!options, "a simulation needs its options");
    struct sim *sim = MEM_NEW(struct sim);
    sim->options = *options;
    sim->task_pool.size = task_bytes();
    sim->timer_pool.size = timer_bytes();
    sim->conn_pool.size = sizeof(struct sim_conn);
    sim->query_pool.size = query_bytes();
    list_init(&sim->tasks);
    list_init(&sim->conns);
    list_init(&sim->conns_free);
    list_init(&sim->dead);
    trace_init(&sim->tracer, options);
    sim->component = sim_trace_intern(sim, STR("sim"));
    sim->records = records_new();
    counters_init(sim);
    trace_add(sim, sim->component, SIM_TRACE_USER, options->seed, (uint64_t)options->wall_start);
    return sim;
}

static void hosts_free(struct sim *sim)
{
    for (size_t i = 0; i < sim->hosts_n; i++) {
        struct sim_host *h = sim->host_list[i];
        for (size_t k = 0; k < h->addresses_n; k++)
            str_free(&h->addresses[k]);
        mem_free(h->addresses);
        map_free(&h->ports);
        str_free(&h->name);
        mem_free(h);
    }
    mem_free(sim->host_list);
    map_free(&sim->hosts);
    routes_free(sim);
    void *zone;
    for (size_t i = 0; map_next(&sim->zones, &i, NULL, &zone);) {
        str_free(&((struct sim_zone *)zone)->name);
        mem_free(zone);
    }
    map_free(&sim->zones);
    links_free(sim);
}

void sim_free(struct sim *sim)
{
    if (!sim)
        return;
    BUG_ON(sim->in_event, "a simulation is not freed from inside an event");
    sim->on_event.n = sim->on_note.n = sim->on_log.n = 0;
    processes_free(sim);
    conns_free_all(sim);
    tasks_free(sim);
    faults_free(sim);
    resolvers_free(sim);
    records_free(sim->records);
    volumes_free(sim);
    hosts_free(sim);
    void *cell;
    for (size_t i = 0; map_next(&sim->counters, &i, NULL, &cell);)
        mem_free(cell);
    map_free(&sim->counters);
    maybes_free(sim);
    trace_done(&sim->tracer);
    mem_free(sim->on_event.items);
    mem_free(sim->on_note.items);
    mem_free(sim->on_log.items);
    events_free(sim);
    pool_free(&sim->timer_pool);
    pool_free(&sim->task_pool);
    pool_free(&sim->conn_pool);
    pool_free(&sim->query_pool);
    tls_store_free(sim);
    mem_free(sim);
}

world_time sim_now(const struct sim *sim)
{
    return sim->now;
}

int64_t sim_wall(const struct sim *sim)
{
    return sim->options.wall_start + sim->now;
}

uint64_t sim_events(const struct sim *sim)
{
    return sim->events;
}

struct rng sim_rng(const struct sim *sim, struct str name)
{
    return rng_split(sim->options.seed, name);
}

/* ---- hooks ---- */

static struct sim_hook *hook_add(struct sim_hooks *hooks, void *owner)
{
    SIM_GROW(hooks->items, hooks->n, hooks->cap);
    struct sim_hook *hook = &hooks->items[hooks->n++];
    *hook = (struct sim_hook){.owner = owner};
    return hook;
}

void sim_on_event(struct sim *sim, void (*event)(void *owner), void *owner)
{
    BUG_ON(!event, "a hook needs a callback");
    hook_add(&sim->on_event, owner)->event = event;
}

void sim_on_note(struct sim *sim, void (*note)(void *owner, const struct sim_note *n), void *owner)
{
    BUG_ON(!note, "a hook needs a callback");
    hook_add(&sim->on_note, owner)->note = note;
}

void sim_on_log(struct sim *sim, void (*line)(void *owner, const struct sim_log_line *l),
                void *owner)
{
    BUG_ON(!line, "a hook needs a callback");
    hook_add(&sim->on_log, owner)->line = line;
}

void note_add(struct sim *sim, struct sim_process *p, const char *kind, struct str key,
              struct str value)
{
    uint32_t kind_id = sim_trace_intern(sim, str_c(kind));
    struct buf text = {.max = 2 * SIM_TRACE_TEXT_MAX + 1};
    buf_add(&text, str_sub(key, 0, SIM_TRACE_TEXT_MAX));
    buf_add_char(&text, '\0');
    buf_add(&text, str_sub(value, 0, SIM_TRACE_TEXT_MAX));
    trace_add_text(sim, p ? p->component : sim->component, SIM_TRACE_NOTE, kind_id, buf_str(&text));
    buf_free(&text);
    struct sim_note n = {.at = sim->now, .process = p, .kind = kind, .key = key, .value = value};
    for (size_t i = 0; i < sim->on_note.n; i++)
        sim->on_note.items[i].note(sim->on_note.items[i].owner, &n);
}

void sim_note(struct sim *sim, const char *kind, struct str key, struct str value)
{
    note_add(sim, NULL, kind, key, value);
}

/* ---- counters ---- */

int64_t *sim_counter(struct sim *sim, struct str name)
{
    int64_t *cell = map_get(&sim->counters, name);
    if (!cell) {
        cell = MEM_NEW(int64_t);
        map_put(&sim->counters, name, cell);
    }
    return cell;
}

int64_t sim_counter_value(const struct sim *sim, struct str name)
{
    const int64_t *cell = map_get(&sim->counters, name);
    return cell ? *cell : 0;
}

bool sim_counter_next(const struct sim *sim, size_t *i, struct str *name, int64_t *value)
{
    void *cell;
    if (!map_next(&sim->counters, i, name, &cell))
        return false;
    *value = *(const int64_t *)cell;
    return true;
}
