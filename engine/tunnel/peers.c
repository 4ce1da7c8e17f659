#include "engine/tunnel/peers.h"

#include "engine/base/map.h"
#include "engine/tunnel/client.h"

struct link {
    struct tunnel_peers *peers;
    struct str id; /* owned */
    struct world_addr address;
    bool plain, open;
    struct tunnel_client *client;       /* NULL: waiting to dial again */
    struct tunnel_announcer *announcer; /* while open */
    struct world_timer *retry;
    uint64_t attempts, failures;
    struct err *last;
    bool named; /* in the list; else it ends soon */
    bool moved; /* while the list is set: it is there with another address */
};

struct tunnel_peers {
    struct world *w;
    struct tunnel_router *router;
    struct policies policies;
    struct str own_id, token; /* owned */
    struct map links;         /* id → struct link */
};

static void link_free(struct link *l)
{
    tunnel_router_forget(l->peers->router, l->announcer);
    tunnel_client_close(l->client);
    world_timer_free(l->retry);
    err_free(l->last);
    str_free(&l->id);
    mem_free(l);
}

static void link_end(struct link *l)
{
    (void)map_remove(&l->peers->links, l->id);
    link_free(l);
}

static void link_wait(struct link *l)
{
    const struct tunnel_peers *p = l->peers;
    bool jittered = policy_get(&p->policies, POLICY_RECONNECT_BACKOFF) == POLICY_BACKOFF_JITTERED;
    world_time half = TUNNEL_PEER_RETRY / 2;
    world_timer_start(l->retry,
                      jittered ? half + world_random_time(p->w, half) : TUNNEL_PEER_RETRY);
}

static void on_open(void *owner, struct tunnel_session *s)
{
    struct link *l = owner;
    l->open = true;
    l->failures = 0;
    world_note(l->peers->w, "tunnel.peer.open", l->id, str_empty);
    l->announcer = tunnel_router_announce(l->peers->router, s);
}

static struct err *why_closed(const struct link *l, const struct tunnel_client_closed *how)
{
    if (how->http_status != 0)
        return err_new(ERR_PROTOCOL, "peer " STR_FMT " refused the tunnel: %d " STR_FMT,
                       STR_ARG(l->id), how->http_status, STR_ARG(str_trim(how->http_body)));
    return err_copy(how->err);
}

static void on_closed(void *owner, const struct tunnel_client_closed *how)
{
    struct link *l = owner;
    tunnel_router_forget(l->peers->router, l->announcer);
    l->announcer = NULL;
    l->client = NULL;
    l->open = false;
    l->failures++;
    err_free(l->last);
    l->last = why_closed(l, how);
    world_note(l->peers->w, "tunnel.peer.closed", l->id, str_empty);
    if (!l->named) {
        link_end(l);
        return;
    }
    link_wait(l);
}

static void link_dial(void *owner)
{
    static const struct tunnel_client_handler handler = {on_open, on_closed};
    struct link *l = owner;
    const struct tunnel_peers *p = l->peers;
    if (!l->named) {
        link_end(l);
        return;
    }
    struct buf host = {0};
    world_addr_print(&l->address, &host);
    const struct world_tls tls = {.server_name = str_c(l->address.host), .insecure = true};
    const struct world_header id = {STR("X-API-Tunnel-ID"), p->own_id};
    struct tunnel_client_options o = {.address = l->address,
                                      .host = buf_str(&host),
                                      .path = STR("/v3/connect"),
                                      .tls = l->plain ? NULL : &tls,
                                      .token = p->token,
                                      .headers = &id,
                                      .headers_n = 1};
    o.session.policies = &p->policies;
    tunnel_router_serve(p->router, &o.session);
    l->attempts++;
    l->client = tunnel_client_connect(p->w, &o, &handler, l);
    buf_free(&host);
}

static void link_add(struct tunnel_peers *p, const struct tunnel_peer *peer)
{
    struct link *l = MEM_NEW(struct link);
    l->peers = p;
    l->id = str_dup(peer->id);
    l->address = peer->address;
    l->plain = peer->plain;
    l->named = true;
    l->retry = world_timer_new(p->w, link_dial, l);
    (void)map_put(&p->links, l->id, l);
    world_timer_start(l->retry, 0);
}

/* A replica that is about to stop leaves the list before it stops: what goes through the link to it is not cut, for a
 * while (policy server.drain: handover). */
static bool link_stays(struct link *l, bool moved)
{
    bool handover = policy_get(&l->peers->policies, POLICY_SERVER_DRAIN) == POLICY_DRAIN_HANDOVER;
    if (!handover || !l->open || moved)
        return false;
    if (!world_timer_active(l->retry))
        world_timer_start(l->retry, TUNNEL_PEER_PARTING);
    return true;
}

/* Ends those that are not named; `all`: whatever they carry. */
static void links_end_unnamed(struct tunnel_peers *p, bool all)
{
    void *value;
    for (size_t i = 0; map_next(&p->links, &i, NULL, &value);) {
        struct link *l = value;
        if (!l->named && (all || !link_stays(l, l->moved)))
            link_end(l);
    }
}

static void link_name(struct link *l, const struct tunnel_peer *peer)
{
    l->moved = l->plain != peer->plain || !world_addr_eq(&l->address, &peer->address);
    l->named = !l->moved; /* a moved one is dialled anew */
    if (l->named && l->open)
        world_timer_stop(l->retry); /* it was about to end */
}

void tunnel_peers_set(struct tunnel_peers *p, const struct tunnel_peer *peers, size_t n)
{
    BUG_ON(n > TUNNEL_PEERS_MAX, "replicas are few");
    void *value;
    for (size_t i = 0; map_next(&p->links, &i, NULL, &value);)
        ((struct link *)value)->named = false;
    for (size_t i = 0; i < n; i++) {
        struct link *l = map_get(&p->links, peers[i].id);
        if (l)
            link_name(l, &peers[i]);
    }
    links_end_unnamed(p, false);
    for (size_t i = 0; i < n; i++)
        if (!map_has(&p->links, peers[i].id) && !str_eq(peers[i].id, p->own_id))
            link_add(p, &peers[i]);
}

struct tunnel_peers *tunnel_peers_new(struct world *w, struct tunnel_router *r,
                                      const struct policies *policies, struct str own_id,
                                      struct str token)
{
    struct tunnel_peers *p = MEM_NEW(struct tunnel_peers);
    p->w = w;
    p->router = r;
    p->policies = *policies;
    p->own_id = str_dup(own_id);
    p->token = str_dup(token);
    return p;
}

void tunnel_peers_free(struct tunnel_peers *p)
{
    if (!p)
        return;
    void *value;
    for (size_t i = 0; map_next(&p->links, &i, NULL, &value);)
        ((struct link *)value)->named = false;
    links_end_unnamed(p, true);
    map_free(&p->links);
    str_free(&p->own_id);
    str_free(&p->token);
    mem_free(p);
}

/* Takes the same time wherever the first difference is. */
static bool token_eq(struct str a, struct str b)
{
    unsigned char differ = 0;
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        differ |= (unsigned char)(a.p[i] ^ b.p[i]);
    return differ == 0;
}

bool tunnel_peers_check(const struct tunnel_peers *p, struct str id, struct str token)
{
    const struct link *l = map_get(&p->links, id);
    return l && l->named && p->token.n > 0 && token_eq(token, p->token);
}

void tunnel_peers_came(struct tunnel_peers *p, struct str id)
{
    const struct link *l = map_get(&p->links, id);
    bool at_once = policy_get(&p->policies, POLICY_RECONNECT_BACKOFF) == POLICY_BACKOFF_JITTERED;
    if (l && l->named && !l->client && at_once)
        world_timer_start(l->retry, 0);
}

bool tunnel_peers_whole(const struct tunnel_peers *p)
{
    struct tunnel_peer_status status;
    for (size_t i = 0; tunnel_peers_next(p, &i, &status);)
        if (!status.connected || !tunnel_router_has_peer(p->router, status.id))
            return false;
    return true;
}

size_t tunnel_peers_connected(const struct tunnel_peers *p)
{
    size_t n = 0;
    struct tunnel_peer_status status;
    for (size_t i = 0; tunnel_peers_next(p, &i, &status);)
        n += status.connected;
    return n;
}

bool tunnel_peers_next(const struct tunnel_peers *p, size_t *i, struct tunnel_peer_status *out)
{
    void *value;
    do {
        if (!map_next(&p->links, i, NULL, &value))
            return false;
    } while (!((const struct link *)value)->named);
    const struct link *l = value;
    *out = (struct tunnel_peer_status){l->id, l->open, l->attempts, l->failures, l->last};
    return true;
}
