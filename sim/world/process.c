/* Processes: starts, deaths, clocks. A start's world lives until its instance has been destroyed. */
#include "sim/world/stream_internal.h"

#define MILLION INT64_C(1000000)
#define REAP_MAX                                                                                   \
    1000000u /* deaths in one event: a supervisor that starts what dies at once would never end */

enum { TRACE_START = 1, TRACE_END, TRACE_PAUSE, TRACE_RESUME };

struct sim_process *sim_process_new(struct sim *sim, const struct sim_process_options *o)
{
    BUG_ON(o->name.n == 0 || map_has(&sim->processes, o->name), "a process has a name of its own");
    BUG_ON(!o->host, "a process runs on a host");
    struct sim_process *p = MEM_NEW(struct sim_process);
    p->sim = sim;
    p->name = str_dup(o->name);
    p->host = o->host;
    p->program = o->program;
    p->config = o->config;
    p->resolver = o->resolver;
    p->volume = volume_get(sim, o->volume.n > 0 ? o->volume : o->name);
    p->exited = o->exited;
    p->owner = o->owner;
    p->clock_offset = o->clock_offset;
    p->index = sim->processes_n;
    p->component = sim_trace_intern(sim, o->name);
    map_put(&sim->processes, o->name, p);
    SIM_GROW(sim->process_list, sim->processes_n, sim->processes_cap);
    sim->process_list[sim->processes_n++] = p;
    return p;
}

struct sim_process *sim_process_find(struct sim *sim, struct str name)
{
    return map_get(&sim->processes, name);
}

/* ---- start ---- */

static void env_copy(const struct map *from, struct map *to)
{
    struct str name;
    void *value;
    for (size_t i = 0; map_next(from, &i, &name, &value);)
        map_put(to, name, str_dup_c(str_c(value)));
}

static void env_free(struct map *env)
{
    void *value;
    for (size_t i = 0; map_next(env, &i, NULL, &value);)
        mem_free(value);
    map_free(env);
}

static void log_line(struct log_sink *sink, const struct log_record *record)
{
    struct sim_world *w = container_of(sink, struct sim_world, sink);
    struct sim *sim = w->sim;
    if (w->dead)
        return;
    struct sim_log_line line = {sim->now, w->process, record->level, record->component,
                                record->message};
    for (size_t i = 0; i < sim->on_log.n; i++)
        sim->on_log.items[i].line(sim->on_log.items[i].owner, &line);
}

static struct sim_world *world_new(struct sim_process *p)
{
    struct sim *sim = p->sim;
    struct sim_world *w = MEM_NEW(struct sim_world);
    struct list *lists[] = {&w->reap,    &w->timers,   &w->streams, &w->listeners, &w->queries,
                            &w->sockets, &w->file_ops, &w->watches, &w->works,     &w->releases};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        list_init(lists[i]);
    w->base.ops = &sim_world_ops;
    w->sim = sim;
    w->process = p;
    w->host = p->host;
    w->component = p->component;
    w->sink = (struct log_sink){.line = log_line, .level = sim->options.log_level};
    struct buf name = {0};
    buf_addf(&name, "process/" STR_FMT "/%u", STR_ARG(p->name), (unsigned)p->starts);
    w->random = rng_split(sim->options.seed, buf_str(&name));
    buf_add_c(&name, "/connections");
    struct rng connections = rng_split(sim->options.seed, buf_str(&name));
    w->connection_seed = rng_u64(&connections);
    buf_add_c(&name, "/late");
    w->slow_random = rng_split(sim->options.seed, buf_str(&name));
    buf_free(&name);
    env_copy(&p->env, &w->env);
    return w;
}

struct err *sim_process_start(struct sim_process *p)
{
    struct sim *sim = p->sim;
    BUG_ON(sim_process_is_running(p), "a process is started when it does not run");
    if (p->world)
        return err_new(ERR_CONFLICT,
                       "start of " STR_FMT ": it is ending: wait for its exited callback",
                       STR_ARG(p->name));
    if (p->host->off)
        return err_new(ERR_UNAVAILABLE, "start of " STR_FMT ": host " STR_FMT " is without power",
                       STR_ARG(p->name), STR_ARG(p->host->name));
    p->starts++;
    ++*sim->count.starts;
    struct sim_world *w = p->world = world_new(p);
    faults_of_start(p);
    trace_add(sim, p->component, SIM_TRACE_PROCESS, TRACE_START, p->starts);
    if (!p->program)
        return NULL;
    sim->starting++;
    struct err *err = p->program->start(&w->base, p->config, &w->instance);
    sim->starting--;
    if (err) {
        w->instance = NULL;
        w->failed_start = true;
        world_kill(w, 1, false);
    } else
        note_add(sim, p, "process.start", p->name, str_empty);
    worlds_reap_outside(sim);
    return err;
}

/* ---- death ---- */

void world_kill(struct sim_world *w, int status, bool power_loss)
{
    if (w->dead)
        return;
    w->dead = true;
    w->paused = false;
    w->power_lost = power_loss;
    w->exit_status = status;
    trace_add(w->sim, w->component, SIM_TRACE_PROCESS, TRACE_END, (uint64_t)(int64_t)status);
    *w->sim->count.crashes += status != 0;
    sim_task_cancel(w->grace);
    w->grace = NULL;
    timers_kill(w);
    dns_kill(w);
    files_kill(w, power_loss);
    works_kill(w);
    listeners_kill(w);
    streams_kill(w, power_loss);
    list_add_tail(&w->sim->dead, &w->reap);
}

static void reap(struct sim_world *w)
{
    struct sim_process *p = w->process;
    int status = w->exit_status;
    bool tell = !w->failed_start && !w->sim->freeing;
    list_remove(&w->reap);
    if (w->instance)
        p->program->destroy(w->instance);
    works_release(w);
    world_handles_free(w);
    heap_free(&w->held);
    env_free(&w->env);
    p->world = NULL;
    mem_free(w);
    if (!tell)
        return;
    struct buf text = {0};
    buf_add_i64(&text, status);
    note_add(p->sim, p, "process.end", p->name, buf_str(&text));
    buf_free(&text);
    if (p->exited)
        p->exited(p->owner, p, status);
}

void worlds_reap(struct sim *sim)
{
    if (sim->reaping || sim->starting > 0)
        return;
    sim->reaping = true;
    for (uint32_t n = 0; !list_empty(&sim->dead); n++) {
        BUG_ON(n > REAP_MAX, "a supervisor waits before it starts a process again");
        reap(container_of(sim->dead.next, struct sim_world, reap));
    }
    sim->reaping = false;
}

void worlds_reap_outside(struct sim *sim)
{
    if (sim->in_event)
        return;
    worlds_reap(sim);
    if (sim->starting == 0)
        conns_sweep(sim);
}

void sim_process_kill(struct sim_process *p, int status)
{
    if (p->world)
        world_kill(p->world, status, false);
    worlds_reap_outside(p->sim);
}

static void on_grace_over(void *owner)
{
    struct sim_world *w = owner;
    w->grace = NULL;
    sim_process_kill(w->process, SIM_EXIT_KILLED);
}

static void deliver_term(struct sim_world *w)
{
    const struct sim_process *p = w->process;
    w->term_pending = false;
    if (p->program && p->program->terminate)
        p->program->terminate(&w->base, p->config, w->instance);
    else
        sim_process_kill(w->process, 0);
}

void sim_process_terminate(struct sim_process *p, world_time grace)
{
    struct sim_world *w = p->world;
    if (!w || w->dead || w->grace)
        return;
    note_add(p->sim, p, "process.terminate", p->name, str_empty);
    w->grace = sim_after(p->sim, grace, on_grace_over, w);
    w->term_pending = true;
    if (!w->paused)
        deliver_term(w);
}

void sim_process_hold(struct sim_process *p, world_time until)
{
    p->held_until = until;
}

world_time sim_process_held(const struct sim_process *p)
{
    return p->held_until > p->sim->now ? p->held_until - p->sim->now : 0;
}

void sim_process_stop(struct sim_process *p)
{
    sim_process_kill(p, 0);
}

void processes_free(struct sim *sim)
{
    sim->freeing = true;
    for (size_t i = 0; i < sim->processes_n; i++)
        if (sim->process_list[i]->world)
            world_kill(sim->process_list[i]->world, SIM_EXIT_POWER_LOSS, true);
    worlds_reap(sim);
    for (size_t i = 0; i < sim->processes_n; i++) {
        struct sim_process *p = sim->process_list[i];
        env_free(&p->env);
        str_free(&p->name);
        mem_free(p);
    }
    mem_free(sim->process_list);
    map_free(&sim->processes);
}

/* ---- pause ---- */

void sim_process_pause(struct sim_process *p)
{
    if (!p->world || p->world->dead || p->world->paused)
        return;
    p->world->paused = true;
    trace_add(p->sim, p->component, SIM_TRACE_PROCESS, TRACE_PAUSE, 0);
}

void sim_process_resume(struct sim_process *p)
{
    if (!p->world || !p->world->paused)
        return;
    p->world->paused = false;
    trace_add(p->sim, p->component, SIM_TRACE_PROCESS, TRACE_RESUME, 0);
    events_release(p->sim, p->world);
    streams_resume(p->world);
    if (p->world->term_pending)
        deliver_term(p->world);
}

/* ---- properties ---- */

bool sim_process_is_running(const struct sim_process *p)
{
    return p->world && !p->world->dead;
}

bool sim_process_is_paused(const struct sim_process *p)
{
    return p->world && p->world->paused;
}

struct str sim_process_name(const struct sim_process *p)
{
    return p->name;
}

struct sim_host *sim_process_host(const struct sim_process *p)
{
    return p->host;
}

uint32_t sim_process_starts(const struct sim_process *p)
{
    return p->starts;
}

void *sim_process_instance(const struct sim_process *p)
{
    return sim_process_is_running(p) ? p->world->instance : NULL;
}

struct world *sim_process_world(struct sim_process *p)
{
    return sim_process_is_running(p) ? &p->world->base : NULL;
}

struct sim_process *sim_process_of(const struct world *w)
{
    return const_container_of(w, struct sim_world, base)->process;
}

void sim_process_set_env(struct sim_process *p, struct str name, struct str value)
{
    mem_free(map_put(&p->env, name, str_dup_c(value)));
}

void sim_process_set_resolver(struct sim_process *p, struct sim_resolver *resolver)
{
    p->resolver = resolver;
}

/* ---- clock ---- */

world_time sim_process_clock_offset(const struct sim_process *p)
{
    __int128 drifted = (__int128)(p->sim->now - p->clock_since) * p->clock_drift_ppm / MILLION;
    return p->clock_offset + (world_time)drifted;
}

void sim_process_set_clock(struct sim_process *p, world_time offset, int32_t drift_ppm)
{
    p->clock_offset = offset;
    p->clock_drift_ppm = drift_ppm;
    p->clock_since = p->sim->now;
}

void process_shift_clock(struct sim_process *p, world_time by, int32_t drift_by_ppm)
{
    sim_process_set_clock(p, sim_process_clock_offset(p) + by, p->clock_drift_ppm + drift_by_ppm);
}

int64_t process_wall(const struct sim_process *p)
{
    return sim_wall(p->sim) + sim_process_clock_offset(p);
}

/* ---- holdings ---- */

static size_t length(const struct list *l)
{
    size_t n = 0;
    for (const struct list *it = l->next; it != l; it = it->next)
        n++;
    return n;
}

struct sim_holdings sim_process_holdings(const struct sim_process *p)
{
    struct sim_holdings h = {0};
    const struct sim_world *w = p->world;
    if (!w || w->dead)
        return h;
    for (const struct list *it = w->streams.next; it != &w->streams; it = it->next) {
        const struct sim_stream *e = const_container_of(it, struct sim_stream, link);
        h.streams++;
        h.bytes += end_in(e)->cap + end_out(e)->cap;
    }
    h.tasks = length(&w->timers) + length(&w->queries) + length(&w->file_ops) +
              length(&w->watches) + length(&w->works);
    return h;
}
