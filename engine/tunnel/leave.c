/* leave: how a session parts from a side that goes elsewhere, without a connection being lost: the server asks, the agent
 * opens its other tunnel first and then says that it has left.
 *
 *   asked later ─► LEAVE sent ─► ... LEAVE received: left, others are preferred ─ TUNNEL_LEAVE_AFTER ─► draining, ends idle
 *        └─ the other side would not mind it: ─────────────────────────────────────────────────────────────┘
 *
 * `part_at` is when the next of these steps is due; in the last one it is the next look for idle connections. */
#include "engine/tunnel/session_internal.h"

#define IDLE_LOOK (250 * NS_PER_MS)

static void part_at(struct tunnel_session *s, world_time at)
{
    s->part_at = at;
    tunnel_session_wake(s, at);
}

void tunnel_session_ask_to_leave(struct tunnel_session *s, world_time delay)
{
    BUG_ON(s->o.side != TUNNEL_SERVER, "who dialled is asked");
    if (!s->left && !s->draining)
        part_at(s, world_now(s->w) + delay);
}

void tunnel_session_say_left(struct tunnel_session *s)
{
    BUG_ON(s->o.side != TUNNEL_CLIENT, "who dialled goes elsewhere");
    tunnel_session_send(s, TUNNEL_LEAVE, 0, str_empty);
}

void tunnel_leave_received(struct tunnel_session *s)
{
    if (!s->o.leave || s->left)
        return;
    if (s->o.side == TUNNEL_SERVER) {
        s->left = true;
        part_at(s, world_now(s->w) + TUNNEL_LEAVE_AFTER);
    }
    s->o.leave(s->o.owner);
}

void tunnel_session_drain_idle(struct tunnel_session *s)
{
    if (s->ends_idle)
        return;
    world_time now = world_now(s->w);
    s->ends_idle = true;
    struct list *head = &s->all;
    list_each (head, it, next_it)
        container_of(it, struct tunnel_conn, all)->moved_at = now;
    tunnel_session_drain(s);
    part_at(s, now + TUNNEL_IDLE_AFTER);
}

void tunnel_leave_moved(struct tunnel_conn *c)
{
    if (c->session->ends_idle)
        c->moved_at = world_now(c->session->w);
}

static bool is_idle(const struct tunnel_conn *c, world_time now)
{
    return c->state == CONN_OPEN && tunnel_conn_queued(c) == 0 && tunnel_conn_buffered(c) == 0 &&
           now - c->moved_at >= TUNNEL_IDLE_AFTER;
}

static void end_idle(struct tunnel_session *s, world_time now)
{
    struct list *head = &s->all, idle;
    list_init(&idle);
    list_each (head, it, next_it) {
        if (!is_idle(container_of(it, struct tunnel_conn, all), now))
            continue;
        list_remove(it); /* callbacks come after the walk, as they may change the list */
        list_add_tail(&idle, it);
    }
    while (!list_empty(&idle)) {
        struct tunnel_conn *c = container_of(idle.next, struct tunnel_conn, all);
        tunnel_session_send(s, TUNNEL_ERROR, c->id, STR("EOF"));
        tunnel_conn_break(c, NULL);
    }
}

void tunnel_leave_fire(struct tunnel_session *s, world_time now)
{
    if (now < s->part_at)
        return;
    s->part_at = INT64_MAX;
    if (s->ends_idle) {
        end_idle(s, now);
        part_at(s, now + IDLE_LOOK);
    } else if (!s->left && s->o.leaves) {
        tunnel_session_send(s, TUNNEL_LEAVE, 0, str_empty);
    } else {
        if (!s->left && s->o.leave)
            s->o.leave(s->o.owner);
        tunnel_session_drain_idle(s);
    }
}
