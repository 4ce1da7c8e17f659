/* What happens to a segment between two hosts: link, loss, faults. The faults that can touch a connection are looked up
 * again only when links or active faults changed, so that a run without faults pays nothing. */
#include "sim/world/stream_internal.h"

#define LOSSES_MAX 8u /* in a row: 0.2 s doubled eight times is most of a minute */

bool path_matches(const struct sim_conn *c, const struct sim_fault *f)
{
    if (c->loopback || !c->host[1])
        return false;
    bool forth = host_set_has(&f->from, c->host[0]) && host_set_has(&f->to, c->host[1]);
    bool back = host_set_has(&f->from, c->host[1]) && host_set_has(&f->to, c->host[0]);
    return forth || back;
}

/* One-way faults look at the sender. */
static bool from_to(const struct sim_conn *c, uint8_t from, const struct sim_fault *f)
{
    return host_set_has(&f->from, c->host[from]) && host_set_has(&f->to, c->host[1 - from]);
}

static void look_up(struct sim_conn *c)
{
    struct sim *sim = c->sim;
    if (c->epoch == sim->fault_epoch + 1)
        return;
    c->epoch = sim->fault_epoch + 1;
    c->sim_link = c->host[1] ? link_between(sim, c->host[0]->zone, c->host[1]->zone) : NULL;
    c->faults_n = 0;
    for (size_t i = 0; i < sim->active_n; i++) {
        struct sim_fault *f = sim->active_list[i];
        if (!fault_is_net(f->o.kind) || !path_matches(c, f))
            continue;
        SIM_GROW(c->faults, c->faults_n, c->faults_cap);
        c->faults[c->faults_n++] = f;
    }
}

static bool fault_blocks(const struct sim_conn *c, uint8_t from, const struct sim_fault *f)
{
    switch (f->o.kind) {
    case SIM_FAULT_NET_PARTITION:
    case SIM_FAULT_NET_CLOG:
        return fault_decides(f, c->id);
    case SIM_FAULT_NET_ONE_WAY:
        return from_to(c, from, f) && fault_decides(f, c->id);
    default:
        return false;
    }
}

bool path_blocked(struct sim_conn *c, uint8_t from, bool count)
{
    if (c->loopback)
        return false;
    if (!c->host[1] || c->host[1 - from]->off || c->forgotten)
        return true;
    look_up(c);
    for (size_t i = 0; i < c->faults_n; i++)
        if (fault_blocks(c, from, c->faults[i])) {
            *c->faults[i]->fired += count;
            return true;
        }
    return false;
}

/* Extra delay by one fault; may lower the bandwidth or make the segment count twice. */
static world_time fault_delay(struct sim_fault *f, size_t *bytes, int64_t *bandwidth,
                              world_time *rto)
{
    switch (f->o.kind) {
    case SIM_FAULT_NET_LATENCY:
    case SIM_FAULT_NET_REORDER:
        if (!fault_draw(f))
            return 0;
        return f->o.delay + (f->o.jitter > 0 ? rng_between(&f->random, 0, f->o.jitter) : 0);
    case SIM_FAULT_NET_LOSS: {
        world_time lost = 0;
        for (uint32_t i = 0; i < LOSSES_MAX && fault_draw(f); i++, *rto *= 2)
            lost += *rto;
        return lost;
    }
    case SIM_FAULT_NET_DUPLICATE:
        if (fault_draw(f))
            *bytes *= 2;
        return 0;
    case SIM_FAULT_NET_THROTTLE:
        if (*bytes > 0 && (*bandwidth == 0 || f->o.bytes_per_second < *bandwidth) && fault_draw(f))
            *bandwidth = f->o.bytes_per_second;
        return 0;
    default:
        return 0;
    }
}

world_time path_delay(struct sim_conn *c, uint8_t from, size_t bytes, world_time rto)
{
    world_time late = from == 1 && c->answers_at > c->sim->now ? c->answers_at - c->sim->now : 0;
    if (c->loopback)
        return SIM_LOOPBACK + late;
    look_up(c);
    if (!c->sim_link)
        return 0; /* nobody there: it does not matter when nothing arrives */
    world_time delay = late + sim_latency_draw(&c->sim_link->latency, &c->random);
    int64_t bandwidth = c->sim_link->bytes_per_second;
    for (uint32_t i = 0;
         c->sim_link->loss && i < LOSSES_MAX && rng_chance(&c->random, c->sim_link->loss); i++) {
        delay += rto;
        rto *= 2;
        ++*c->sim->count.retransmissions;
    }
    for (size_t i = 0; i < c->faults_n; i++)
        delay += fault_delay(c->faults[i], &bytes, &bandwidth, &rto);
    if (bandwidth > 0 && bytes > 0) {
        struct sim_pipe *p = &c->pipes[from];
        world_time now = c->sim->now, start = p->busy_until > now ? p->busy_until : now;
        p->busy_until = start + (world_time)((__int128)bytes * NS_PER_S / bandwidth);
        delay += p->busy_until - now;
    }
    return delay;
}

void path_established(struct sim_conn *c)
{
    look_up(c);
    for (size_t i = 0; i < c->faults_n; i++) {
        struct sim_fault *f = c->faults[i];
        if (f->o.kind != SIM_FAULT_NET_RESET || !fault_decides(f, c->id))
            continue;
        ++*f->fired;
        conn_reset_both(c);
        return;
    }
}
