/* One direction of a connection: bytes, and when they arrive. Its memory is one block, so that readers get their bytes in
 * one piece, and none when it has drained: most connections are idle most of the time, and a block that another pipe has
 * just given back is still in the caches. */
#include "sim/world/stream_internal.h"

#define PIPE_FIRST_BYTES 1024u
#define MARKS_FIRST      4u

/* Room for n more bytes. A block that is lent to a callback stays where it is until the callback returns. */
static void make_room(struct sim_pipe *p, size_t n)
{
    size_t dead = (size_t)(p->head - p->base), used = (size_t)(p->end - p->head);
    size_t cap = p->cap ? p->cap : PIPE_FIRST_BYTES;
    while (used + n > cap)
        cap *= 2;
    if (cap == p->cap && !p->lent) {
        memmove(p->p, p->p + dead, used);
    } else {
        char *moved = mem_alloc(cap);
        if (used > 0)
            memcpy(moved, p->p + dead, used);
        if (p->lent && !p->lent_moved) {
            p->lent_moved = true;
            p->lent_block = p->p;
        } else {
            mem_free(p->p);
        }
        p->p = moved;
        p->cap = cap;
    }
    p->base = p->head;
}

void pipe_put(struct sim_pipe *p, struct str bytes)
{
    BUG_ON(p->fin || p->reset, "nothing is written behind the end");
    if ((size_t)(p->end - p->base) + bytes.n > p->cap)
        make_room(p, bytes.n);
    memcpy(p->p + (p->end - p->base), bytes.p, bytes.n);
    p->end += bytes.n;
}

void pipe_give_back(struct sim_pipe *p)
{
    if (p->lent_moved) {
        mem_free(p->lent_block);
        p->lent_block = NULL;
    }
    p->lent = p->lent_moved = false;
    pipe_drained(p);
}

struct str pipe_readable(const struct sim_pipe *p)
{
    return p->arrived == p->head
               ? str_empty
               : (struct str){p->p + (p->head - p->base), (size_t)(p->arrived - p->head)};
}

static inline struct mark *mark_at(struct sim_pipe *p, uint32_t i)
{
    return p->marks ? &p->marks[(p->marks_first + i) & (p->marks_cap - 1)] : &p->mark;
}

static void mark_push(struct sim_pipe *p, uint64_t end, world_time at)
{
    if (p->marks_n > 0 && p->marks_n >= p->marks_cap) {
        uint32_t cap = p->marks_cap ? p->marks_cap * 2 : MARKS_FIRST;
        struct mark *grown = MEM_NEW_ARRAY(struct mark, cap);
        for (uint32_t i = 0; i < p->marks_n; i++)
            grown[i] = *mark_at(p, i);
        mem_free(p->marks);
        p->marks = grown;
        p->marks_first = 0;
        p->marks_cap = cap;
    }
    *mark_at(p, p->marks_n++) = (struct mark){end, at};
}

world_time pipe_next(const struct sim_pipe *p)
{
    return !p->marks_n ? -1 : p->marks ? p->marks[p->marks_first].at : p->mark.at;
}

bool pipe_pop_marks(struct sim_pipe *p, world_time now)
{
    uint32_t before = p->marks_n;
    while (p->marks_n > 0 && mark_at(p, 0)->at <= now) {
        p->arrived = mark_at(p, 0)->end;
        p->marks_first = p->marks ? (p->marks_first + 1) & (p->marks_cap - 1) : 0;
        p->marks_n--;
    }
    if (p->marks_n == 0 && p->fin_sent && !p->reset)
        p->fin_arrived = true;
    return p->marks_n < before;
}

/* What is written in one event travels together; nothing overtakes what was sent before. */
static world_time arrival(struct sim_conn *c, uint8_t side, size_t bytes)
{
    struct sim_pipe *p = &c->pipes[side];
    /* The size of certificates must not show: handshakes weigh nothing. */
    size_t weight = c->ends[side].state == END_OPEN ? bytes : 0;
    world_time now = c->sim->now;
    if (p->marks_n > 0 && p->sent_at == now && weight == 0)
        return p->last_at;
    world_time at = now + path_delay(c, side, weight, RTO_FIRST);
    if (p->marks_n > 0 && p->sent_at == now && !c->sim_link->bytes_per_second && c->faults_n == 0)
        return p->last_at;
    return at > p->last_at ? at : p->last_at;
}

void pipe_send(struct sim_conn *c, uint8_t side, bool even_empty)
{
    if (!c->established)
        return;
    struct sim_pipe *p = &c->pipes[side];
    struct sim_stream *reader = &c->ends[1 - side];
    uint64_t unread = p->sent - p->known,
             room = unread < SIM_WINDOW_BYTES ? SIM_WINDOW_BYTES - unread : 0;
    size_t n = p->end - p->sent < room ? (size_t)(p->end - p->sent) : (size_t)room;
    bool fin = (p->fin || p->reset) && !p->fin_sent && p->sent + n == p->end;
    if (n == 0 && !fin && !even_empty)
        return;
    world_time at = arrival(c, side, n);
    p->sent += n;
    p->fin_sent |= fin;
    p->sent_at = c->sim->now;
    if (p->marks_n > 0 && p->last_at == at)
        mark_at(p, p->marks_n - 1)->end = p->sent;
    else
        mark_push(p, p->sent, at);
    p->last_at = at;
    if (!reader->in.active)
        event_set(c->sim, &reader->in, pipe_next(p) > c->sim->now ? pipe_next(p) : c->sim->now);
}

void pipe_cut(struct sim_pipe *p)
{
    p->end = p->sent;
}

void pipe_free(struct sim_pipe *p)
{
    mem_free(p->p);
    mem_free(p->lent_block);
    mem_free(p->marks);
    *p = (struct sim_pipe){0};
}

void pipe_drained(struct sim_pipe *p)
{
    if (p->head != p->end || p->lent)
        return;
    p->base = p->head;
    mem_free(p->p);
    p->p = NULL;
    p->cap = 0;
}
