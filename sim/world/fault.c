/* Faults: their time, their targets, their counters. What they do stands where it is done: path.c, query.c, tls.c,
 * volume.c; what they do to processes and connections at their start is below. */
#include "sim/world/dns_internal.h"
#include "sim/world/stream_internal.h"

enum { TRACE_BEGINS = 1, TRACE_ENDS };

#define IDLE_LOOKS (20 * NS_PER_MS) /* no more often does a middlebox look for idle connections */

/* ---- targets ---- */

static void host_set_copy(struct sim *sim, const struct sim_set *from, struct host_set *to)
{
    to->any = from->hosts_n == 0 && from->zone.n == 0;
    to->zone = from->zone.n > 0 ? zone_get(sim, from->zone) : NULL;
    for (size_t i = 0; i < from->hosts_n; i++)
        if (from->hosts[i]->index >= to->has_n)
            to->has_n = from->hosts[i]->index + 1;
    to->has = MEM_NEW_ARRAY(bool, to->has_n);
    for (size_t i = 0; i < from->hosts_n; i++)
        to->has[from->hosts[i]->index] = true;
}

bool host_set_has_zone(const struct host_set *s, const struct sim_zone *zone)
{
    if (s->any)
        return true;
    for (; s->zone && zone; zone = zone->parent)
        if (zone == s->zone)
            return true;
    return false;
}

bool host_set_has(const struct host_set *s, const struct sim_host *h)
{
    return host_set_has_zone(s, h->zone) || (h->index < s->has_n && s->has[h->index]);
}

static bool targets_process(const struct sim_fault *f, const struct sim_process *p)
{
    for (size_t i = 0; i < f->o.processes_n; i++)
        if (f->processes[i] == p)
            return true;
    return f->o.processes_n == 0;
}

static bool targets_resolver(const struct sim_fault *f, const struct sim_resolver *r)
{
    for (size_t i = 0; i < f->o.resolvers_n; i++)
        if (f->resolvers[i] == r)
            return true;
    return f->o.resolvers_n == 0;
}

/* ---- shares ---- */

bool fault_draw(struct sim_fault *f)
{
    if (f->o.share < SIM_SHARE_ALL && !rng_chance(&f->random, f->o.share))
        return false;
    ++*f->fired;
    return true;
}

static bool share_falls(struct sim_fault *f)
{
    return f->o.share == SIM_SHARE_ALL || rng_chance(&f->random, f->o.share);
}

bool fault_decides(const struct sim_fault *f, uint64_t id)
{
    struct rng r = rng_seed(f->decision_seed + id);
    return f->o.share == SIM_SHARE_ALL || rng_chance(&r, f->o.share);
}

struct sim_fault *fault_pick_process(struct sim *sim, enum sim_fault_kind kind,
                                     const struct sim_process *p)
{
    for (size_t i = 0; i < sim->active_n; i++) {
        struct sim_fault *f = sim->active_list[i];
        if (f->o.kind == kind && targets_process(f, p) && share_falls(f))
            return f;
    }
    return NULL;
}

struct sim_fault *fault_of_process(struct sim *sim, enum sim_fault_kind kind,
                                   const struct sim_process *p)
{
    struct sim_fault *f = fault_pick_process(sim, kind, p);
    if (f)
        ++*f->fired;
    return f;
}

struct sim_fault *fault_of_hosts(struct sim *sim, enum sim_fault_kind kind,
                                 const struct sim_host *from, const struct sim_host *to)
{
    for (size_t i = 0; i < sim->active_n; i++) {
        struct sim_fault *f = sim->active_list[i];
        if (f->o.kind == kind && host_set_has(&f->from, from) && host_set_has(&f->to, to) &&
            fault_draw(f))
            return f;
    }
    return NULL;
}

struct sim_fault *fault_of_query(struct sim *sim, enum sim_fault_kind kind,
                                 const struct sim_resolver *r, const struct sim_host *from,
                                 struct str name)
{
    for (size_t i = 0; i < sim->active_n; i++) {
        struct sim_fault *f = sim->active_list[i];
        if (f->o.kind == kind && targets_resolver(f, r) && host_set_has(&f->from, from) &&
            (f->o.dns_name.n == 0 || str_eq_nocase(f->o.dns_name, name)) && share_falls(f))
            return f;
    }
    return NULL;
}

/* ---- what happens at the start and the end ---- */

static void touch(struct sim_fault *f, size_t i)
{
    if (i >= f->touched_n) {
        f->touched = mem_resize(f->touched, (i + 1) * sizeof(*f->touched));
        memset(f->touched + f->touched_n, 0, (i + 1 - f->touched_n) * sizeof(*f->touched));
        f->touched_n = i + 1;
    }
    f->touched[i] = true;
    ++*f->fired;
}

static void slow_down(struct sim_process *p, const struct sim_fault *f, int sign)
{
    p->world->slow += sign * f->o.delay;
    p->world->slow_jitter += sign * f->o.jitter;
}

static void process_begins(struct sim_fault *f, struct sim_process *p)
{
    bool runs = sim_process_is_running(p);
    switch (f->o.kind) {
    case SIM_FAULT_PROCESS_CRASH:
        if (runs)
            touch(f, p->index);
        if (f->o.delay > 0)
            sim_process_hold(p, f->sim->now + f->o.delay);
        sim_process_kill(p, SIM_EXIT_KILLED);
        break;
    case SIM_FAULT_PROCESS_PAUSE:
        if (runs && !sim_process_is_paused(p))
            touch(f, p->index);
        sim_process_pause(p);
        break;
    case SIM_FAULT_PROCESS_SLOW:
        if (runs)
            slow_down(p, f, 1);
        touch(f, p->index);
        break;
    case SIM_FAULT_CLOCK_SKEW:
    case SIM_FAULT_CLOCK_JUMP:
        process_shift_clock(p, f->o.delay, 0);
        touch(f, p->index);
        break;
    case SIM_FAULT_CLOCK_DRIFT:
        process_shift_clock(p, 0, f->o.ppm);
        touch(f, p->index);
        break;
    default:
        break;
    }
}

static void process_ends(struct sim_fault *f, struct sim_process *p)
{
    switch (f->o.kind) {
    case SIM_FAULT_PROCESS_PAUSE:
        sim_process_resume(p);
        break;
    case SIM_FAULT_PROCESS_SLOW:
        if (sim_process_is_running(p))
            slow_down(p, f, -1);
        break;
    case SIM_FAULT_CLOCK_SKEW:
        process_shift_clock(p, -f->o.delay, 0);
        break;
    case SIM_FAULT_CLOCK_DRIFT:
        process_shift_clock(p, 0, -f->o.ppm);
        break;
    default:
        break;
    }
}

/* A process that starts under a fault that slows it is slow as well. */
void faults_of_start(struct sim_process *p)
{
    for (size_t i = 0; i < p->sim->active_n; i++) {
        const struct sim_fault *f = p->sim->active_list[i];
        if (f->o.kind == SIM_FAULT_PROCESS_SLOW && p->index < f->touched_n && f->touched[p->index])
            slow_down(p, f, 1);
    }
}

static void connections_begin(struct sim_fault *f)
{
    list_each (&f->sim->conns, it, next) {
        struct sim_conn *c = container_of(it, struct sim_conn, link);
        if (!c->established || c->forgotten || (c->ends[0].gone && c->ends[1].gone) ||
            !path_matches(c, f) || !fault_decides(f, c->id))
            continue;
        ++*f->fired;
        if (f->o.kind == SIM_FAULT_NET_RESET) {
            conn_reset_both(c);
        } else {
            c->forgotten = true;
            ++*f->sim->count.half_open;
        }
    }
}

/* What a clogged path has held arrives at once. */
static void connections_end(struct sim_fault *f)
{
    list_each (&f->sim->conns, it, next) {
        struct sim_conn *c = container_of(it, struct sim_conn, link);
        for (int side = 0; side < 2; side++)
            if (path_matches(c, f) && c->pipes[1 - side].stalled)
                end_poke(&c->ends[side]);
    }
}

/* A middlebox looks at its table now and then; it knows no connection that is younger than that. */
static void idle_due(struct sim_event *e)
{
    struct sim_fault *f = container_of(e, struct sim_fault, tick);
    struct sim *sim = f->sim;
    world_time next = sim->now + f->o.delay;
    list_each (&sim->conns, it, following) {
        struct sim_conn *c = container_of(it, struct sim_conn, link);
        if (!c->established || c->forgotten || (c->ends[0].gone && c->ends[1].gone) ||
            !path_matches(c, f) || !fault_decides(f, c->id))
            continue;
        world_time last = c->last_byte_at > c->opened_at ? c->last_byte_at : c->opened_at;
        if (last + f->o.delay <= sim->now) {
            ++*f->fired;
            conn_reset_both(c);
        } else if (last + f->o.delay < next) {
            next = last + f->o.delay;
        }
    }
    event_set(sim, &f->tick, next > sim->now + IDLE_LOOKS ? next : sim->now + IDLE_LOOKS);
}

static void hosts_begin(struct sim_fault *f)
{
    for (size_t i = 0; i < f->sim->hosts_n; i++) {
        struct sim_host *h = f->sim->host_list[i];
        if (h->off || !host_set_has(&f->to, h) || !share_falls(f))
            continue;
        touch(f, i);
        sim_host_power_off(h);
    }
}

static void begin(struct sim_fault *f)
{
    struct sim *sim = f->sim;
    f->active = true;
    SIM_GROW(sim->active_list, sim->active_n, sim->active_cap);
    sim->active_list[sim->active_n++] = f;
    sim->fault_epoch++;
    sim->http_faults += fault_is_http(f->o.kind);
    trace_add_text(sim, f->component, SIM_TRACE_FAULT, TRACE_BEGINS, f->name);
    note_add(sim, NULL, "fault.begin", f->name, str_c(sim_fault_kind_name(f->o.kind)));
    switch (f->o.kind) {
    case SIM_FAULT_NET_HALF_OPEN:
    case SIM_FAULT_NET_RESET:
        connections_begin(f);
        break;
    case SIM_FAULT_NET_IDLE_CUT:
        event_set(sim, &f->tick, sim->now);
        break;
    case SIM_FAULT_DNS_STALE:
        f->frozen = records_copy(sim->records);
        break;
    case SIM_FAULT_DNS_NEGATIVE_CACHED: {
        void *r;
        for (size_t i = 0; map_next(&sim->resolvers, &i, NULL, &r);)
            if (targets_resolver(f, r))
                resolver_poison(r, f->o.dns_name, sim->now + f->o.delay, f);
        break;
    }
    case SIM_FAULT_PROCESS_POWER_LOSS:
        hosts_begin(f);
        break;
    default:
        for (size_t i = 0; f->o.kind >= SIM_FAULT_PROCESS_CRASH && i < sim->processes_n; i++)
            if (targets_process(f, sim->process_list[i]) && share_falls(f))
                process_begins(f, sim->process_list[i]);
    }
}

/* Kinds that are over once they have begun. */
static bool is_moment(enum sim_fault_kind kind)
{
    return kind == SIM_FAULT_NET_HALF_OPEN || kind == SIM_FAULT_NET_RESET ||
           kind == SIM_FAULT_PROCESS_CRASH || kind == SIM_FAULT_CLOCK_JUMP ||
           kind == SIM_FAULT_DNS_NEGATIVE_CACHED;
}

static void active_remove(struct sim_fault *f)
{
    struct sim *sim = f->sim;
    size_t i = 0;
    while (sim->active_list[i] != f)
        i++;
    memmove(&sim->active_list[i], &sim->active_list[i + 1],
            (sim->active_n - i - 1) * sizeof(struct sim_fault *));
    sim->active_n--;
}

void sim_fault_end(struct sim_fault *f)
{
    struct sim *sim = f->sim;
    if (f->ended)
        return;
    f->ended = true;
    event_clear(&f->begin);
    event_clear(&f->end);
    event_clear(&f->tick);
    if (!f->active)
        return;
    f->active = false;
    active_remove(f);
    sim->fault_epoch++;
    sim->http_faults -= fault_is_http(f->o.kind);
    trace_add_text(sim, f->component, SIM_TRACE_FAULT, TRACE_ENDS, f->name);
    note_add(sim, NULL, "fault.end", f->name, str_c(sim_fault_kind_name(f->o.kind)));
    if (f->o.kind == SIM_FAULT_NET_CLOG)
        connections_end(f);
    for (size_t i = 0; i < f->touched_n; i++) {
        if (!f->touched[i])
            continue;
        if (f->o.kind == SIM_FAULT_PROCESS_POWER_LOSS)
            sim_host_power_on(sim->host_list[i]);
        else
            process_ends(f, sim->process_list[i]);
    }
}

static void begin_due(struct sim_event *e)
{
    struct sim_fault *f = container_of(e, struct sim_fault, begin);
    struct sim *sim = f->sim;
    begin(f);
    if (f->o.duration > 0)
        event_set(sim, &f->end, sim->now + f->o.duration);
    else if (is_moment(f->o.kind))
        sim_fault_end(f);
}

static void end_due(struct sim_event *e)
{
    sim_fault_end(container_of(e, struct sim_fault, end));
}

/* ---- making, looking, ending ---- */

static void *copy(const void *items, size_t n, size_t size)
{
    if (n == 0)
        return NULL;
    return memcpy(mem_alloc_array(n, size), items, n * size);
}

static void copy_targets(struct sim_fault *f, const struct sim_fault_options *o)
{
    host_set_copy(f->sim, &o->from, &f->from);
    host_set_copy(f->sim, &o->to, &f->to);
    f->processes = copy(o->processes, o->processes_n, sizeof(*f->processes));
    f->resolvers = copy(o->resolvers, o->resolvers_n, sizeof(*f->resolvers));
    f->addresses = copy(o->addresses, o->addresses_n, sizeof(*f->addresses));
    for (size_t i = 0; i < o->addresses_n; i++)
        f->addresses[i] = str_dup(o->addresses[i]);
    f->o.addresses = f->addresses;
    f->o.dns_name = str_dup(o->dns_name);
    f->o.http_target = str_dup(o->http_target);
    f->o.from = f->o.to = (struct sim_set){0}; /* kept in host sets */
}

struct sim_fault *sim_fault_add(struct sim *sim, const struct sim_fault_options *o)
{
    BUG_ON(o->name.n == 0 || map_has(&sim->faults, o->name), "a fault has a name of its own");
    BUG_ON(o->share > SIM_SHARE_ALL, "a share is at most one");
    BUG_ON(o->kind == SIM_FAULT_NET_THROTTLE && o->bytes_per_second <= 0,
           "a throttled link still carries something");
    BUG_ON(o->kind == SIM_FAULT_NET_IDLE_CUT && o->delay <= 0, "a timeout takes time");
    struct sim_fault *f = MEM_NEW(struct sim_fault);
    struct buf text = {0};
    f->sim = sim;
    f->name = str_dup(o->name);
    f->o = *o;
    f->o.name = f->name;
    f->o.share = o->share > 0 ? o->share : SIM_SHARE_ALL;
    copy_targets(f, o);
    buf_addf(&text, "fault." STR_FMT, STR_ARG(o->name));
    f->fired = sim_counter(sim, buf_str(&text));
    f->random = sim_rng(sim, buf_str(&text));
    f->decision_seed = rng_u64(&f->random);
    f->component = sim_trace_intern(sim, buf_str(&text));
    buf_free(&text);
    event_init(&f->begin, begin_due, NULL);
    event_init(&f->end, end_due, NULL);
    event_init(&f->tick, idle_due, NULL);
    map_put(&sim->faults, o->name, f);
    SIM_GROW(sim->fault_list, sim->faults_n, sim->faults_cap);
    sim->fault_list[sim->faults_n++] = f;
    event_set(sim, &f->begin, o->at > sim->now ? o->at : sim->now);
    return f;
}

bool sim_fault_is_active(const struct sim_fault *f)
{
    return f->active;
}

uint64_t sim_fault_fired(const struct sim_fault *f)
{
    return (uint64_t)*f->fired;
}

struct str sim_fault_name(const struct sim_fault *f)
{
    return f->name;
}

struct sim_fault *sim_fault_at(struct sim *sim, size_t i)
{
    return i < sim->faults_n ? sim->fault_list[i] : NULL;
}

void sim_heal_all(struct sim *sim)
{
    for (size_t i = 0; i < sim->faults_n; i++)
        sim_fault_end(sim->fault_list[i]);
}

void faults_free(struct sim *sim)
{
    for (size_t i = 0; i < sim->faults_n; i++) {
        struct sim_fault *f = sim->fault_list[i];
        event_drop(sim, &f->begin);
        event_drop(sim, &f->end);
        event_drop(sim, &f->tick);
        for (size_t k = 0; k < f->o.addresses_n; k++)
            str_free(&f->addresses[k]);
        str_free(&f->name);
        str_free(&f->o.dns_name);
        str_free(&f->o.http_target);
        mem_free(f->addresses);
        mem_free(f->processes);
        mem_free(f->resolvers);
        mem_free(f->from.has);
        mem_free(f->to.has);
        mem_free(f->touched);
        records_free(f->frozen);
        mem_free(f);
    }
    mem_free(sim->fault_list);
    mem_free(sim->active_list);
    map_free(&sim->faults);
}
