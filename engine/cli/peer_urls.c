#include "engine/cli/peer_urls.h"

#include "engine/http/url.h"

#define RESOLVE_TIMEOUT (5 * NS_PER_S)

struct entry {
    struct str host; /* borrowed */
    uint16_t port;
    bool known;
    struct world_addr address;
};

struct peer_urls {
    struct world *w;
    struct entry entries[TUNNEL_PEERS_MAX];
    size_t n, at; /* the entry that is being resolved */
    struct world_dns *question;
    struct world_timer *next;
    void (*changed)(void *owner, const struct tunnel_peer *peers, size_t n);
    void *owner;
};

static void tell(struct peer_urls *p)
{
    struct tunnel_peer peers[TUNNEL_PEERS_MAX] = {0};
    struct buf ids[TUNNEL_PEERS_MAX] = {0};
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++) {
        if (!p->entries[i].known)
            continue;
        world_addr_print(&p->entries[i].address, &ids[n]);
        peers[n] = (struct tunnel_peer){.id = buf_str(&ids[n]), .address = p->entries[i].address};
        n++;
    }
    p->changed(p->owner, peers, n);
    for (size_t i = 0; i < n; i++)
        buf_free(&ids[i]);
}

static void resolve_next(struct peer_urls *p);

static void on_resolved(void *owner, const struct world_dns_answer *answer, const struct err *err)
{
    struct peer_urls *p = owner;
    struct entry *e = &p->entries[p->at];
    p->question = NULL;
    if (!err && answer->n > 0) {
        e->address = world_addr_make(str_c(answer->host[0]), e->port);
        e->known = true;
    }
    p->at++;
    resolve_next(p);
}

static void resolve_next(struct peer_urls *p)
{
    if (p->at < p->n) {
        p->question =
            world_dns_query(p->w, p->entries[p->at].host, RESOLVE_TIMEOUT, on_resolved, p);
        return;
    }
    tell(p);
    world_timer_start(p->next, PEER_URLS_EVERY / 2 + world_random_time(p->w, PEER_URLS_EVERY / 2));
}

static void on_next(void *owner)
{
    struct peer_urls *p = owner;
    p->at = 0;
    resolve_next(p);
}

static struct err *parse(struct peer_urls *p, struct str text, struct entry *e)
{
    struct url url;
    struct err *err = url_parse(text, &url);
    if (err)
        return err_wrap(err, ERR_INVALID, "--peer");
    if (!url.tls || !str_eq_c(url.target, "/"))
        return err_new(ERR_INVALID,
                       "--peer: \"" STR_FMT "\" is not https://HOST:PORT of another replica",
                       STR_ARG(text));
    for (size_t i = 0; i < p->n; i++)
        if (p->entries[i].port == url.port && str_eq_nocase(p->entries[i].host, url.host))
            return err_new(ERR_INVALID, "--peer: \"" STR_FMT "\" is there twice", STR_ARG(text));
    *e = (struct entry){.host = url.host, .port = url.port};
    return NULL;
}

struct err *peer_urls_new(struct cmdline_values urls, struct peer_urls **out)
{
    if (urls.n > TUNNEL_PEERS_MAX)
        return err_new(ERR_INVALID, "--peer: more than %u replicas", TUNNEL_PEERS_MAX);
    struct peer_urls *p = MEM_NEW(struct peer_urls);
    struct err *err = NULL;
    for (size_t i = 0; i < urls.n && !err; i++) {
        err = parse(p, urls.v[i], &p->entries[p->n]);
        p->n++;
    }
    if (err)
        peer_urls_free(p);
    else
        *out = p;
    return err;
}

void peer_urls_start(struct peer_urls *p, struct world *w,
                     void (*changed)(void *owner, const struct tunnel_peer *peers, size_t n),
                     void *owner)
{
    p->w = w;
    p->changed = changed;
    p->owner = owner;
    p->next = world_timer_new(w, on_next, p);
    world_timer_start(p->next, 0);
}

void peer_urls_free(struct peer_urls *p)
{
    if (!p)
        return;
    world_dns_cancel(p->question);
    world_timer_free(p->next);
    mem_free(p);
}

size_t peer_urls_count(const struct peer_urls *p)
{
    return p->n;
}
