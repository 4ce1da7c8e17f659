/* announce: what replicas tell each other of their sessions. */
#include "engine/tunnel/router_internal.h"

#define ANNOUNCED_MAX  200000u          /* client keys of one peer */
#define DIGEST_SPACING (20 * NS_PER_MS) /* per announcement: at most 50 a second on a link */

/* ---- announcing to peers ---- */

void tunnel_announce_change(struct tunnel_router *r, bool add, const struct tunnel_session *s)
{
    struct list *head = &r->announcers;
    list_each (head, it, next_it) {
        const struct tunnel_announcer *a = container_of(it, struct tunnel_announcer, link);
        tunnel_session_announce(a->session, add, s->key, s->number);
    }
}

static size_t announce_routes(struct tunnel_session *to, const struct list *head)
{
    size_t n = 0;
    for (struct list *it = head->next; it != head; it = it->next, n++) {
        const struct route *route = container_of(it, struct route, link);
        if (!tunnel_session_doubted(route->session) && !tunnel_session_draining(route->session))
            tunnel_session_announce(to, true, route->session->key, route->session->number);
    }
    return n;
}

/* Everything that we have; the number of announcements. */
static size_t announce_all(const struct tunnel_router *r, struct tunnel_session *to)
{
    size_t n = 0;
    void *client;
    for (size_t i = 0; map_next(&r->clients, &i, NULL, &client);)
        n += announce_routes(to, &((struct client *)client)->routes);
    return n + announce_routes(to, &r->peers);
}

static void digest_arm(struct tunnel_router *r, size_t announcements)
{
    bool digest = policy_get(&r->policies, POLICY_PEER_ANNOUNCE) == POLICY_PEER_DIGEST;
    if (!digest)
        return;
    world_time spaced = (world_time)announcements * DIGEST_SPACING;
    world_timer_start(r->digest, spaced > TUNNEL_DIGEST_INTERVAL ? spaced : TUNNEL_DIGEST_INTERVAL);
}

void tunnel_announce_digest(void *owner)
{
    struct tunnel_router *r = owner;
    size_t n = 0;
    struct list *head = &r->announcers;
    list_each (head, it, next_it)
        n = announce_all(r, container_of(it, struct tunnel_announcer, link)->session);
    digest_arm(r, n);
}

struct tunnel_announcer *tunnel_router_announce(struct tunnel_router *r, struct tunnel_session *s)
{
    struct tunnel_announcer *a = MEM_NEW(struct tunnel_announcer);
    a->session = s;
    list_add_tail(&r->announcers, &a->link);
    size_t n = announce_all(r, s);
    if (!world_timer_active(r->digest))
        digest_arm(r, n);
    return a;
}

void tunnel_router_forget(struct tunnel_router *r, struct tunnel_announcer *a)
{
    if (!a)
        return;
    list_remove(&a->link);
    mem_free(a);
    if (list_empty(&r->announcers))
        world_timer_stop(r->digest);
}

/* ---- what peers announce to us ---- */

static void tell_announced(struct tunnel_router *r, bool has, struct str key)
{
    struct list *head = &r->listeners;
    list_each (head, it, next_it) {
        const struct tunnel_router_listener *l =
            container_of(it, struct tunnel_router_listener, link);
        if (l->announced)
            l->announced(l->owner, has, key);
    }
}

static void announced_add(struct route *peer, struct str key, uint64_t number)
{
    struct announced *a = map_get(&peer->announced, key);
    bool fresh = !a;
    if (!a) {
        if (map_count(&peer->announced) >= ANNOUNCED_MAX)
            return;
        a = MEM_NEW(struct announced);
        (void)map_put(&peer->announced, key, a);
    }
    for (size_t i = 0; i < a->n; i++)
        if (a->sessions[i] == number)
            return;
    if (a->n < ANNOUNCED_SESSIONS_MAX)
        a->sessions[a->n++] = number;
    if (fresh)
        tell_announced(peer->router, true, key);
}

/* number 0: whatever there is (the peer has told us that it knows none). */
static void announced_remove(struct route *peer, struct str key, uint64_t number)
{
    struct announced *a = map_get(&peer->announced, key);
    if (!a)
        return;
    for (size_t i = 0; i < a->n; i++)
        if (a->sessions[i] == number)
            a->sessions[i--] = a->sessions[--a->n];
    if (number != 0 && a->n > 0)
        return;
    mem_free(map_remove(&peer->announced, key));
    tell_announced(peer->router, false, key);
}

void tunnel_announced_by_peer(void *owner, bool add, struct str key, uint64_t number)
{
    struct route *peer = owner;
    if (add)
        announced_add(peer, key, number);
    else
        announced_remove(peer, key, number);
}
