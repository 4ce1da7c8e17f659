/* The way to each cluster's API: a local listener, a client, and what they were made of. */
#include "engine/controllers/downstream.h"

#include "engine/base/codec.h"
#include "engine/base/list.h"
#include "engine/http/url.h"
#include "engine/kube/backoff.h"
#include "engine/kube/management.h"

#define LISTEN_RETRY     NS_PER_S
#define LISTEN_RETRY_MAX (30 * NS_PER_S)

/* What a client is made of, as it stands in the objects. Equal sources make equal clients. */
struct source {
    struct str endpoint, ca_base64, token_base64; /* owned in an entry */
};

struct entry {
    struct str secret; /* owned: its key in the secrets' cache; empty: none named yet */
    struct source source;
    struct tunnel_local *local;     /* kept over changes of the source: the port stays */
    struct str host, ca_pem, token; /* owned: what the client was made of, decoded */
    bool plain;
    struct kube_client *client; /* NULL: something is missing */
};

struct listener {
    struct list link;
    void (*changed)(void *owner, struct str cluster_id); /* NULL: removed during a callback */
    void *owner;
};

struct downstreams {
    struct downstreams_options options;
    struct log log;
    struct map entries;   /* cluster id → struct entry */
    struct map by_secret; /* secret's key → its cluster's id (owned C string) */
    struct tunnel_forwards *forwards;
    struct list listeners;
    uint32_t telling; /* depth of callbacks under way */
    struct world_timer *retry;
    uint32_t failures; /* listeners that could not be made, in a row */
};

static void source_free(struct source *s)
{
    str_free(&s->endpoint);
    str_free(&s->ca_base64);
    str_free(&s->token_base64);
}

/* ---- listeners ---- */

static void sweep_listeners(struct downstreams *d)
{
    list_each (&d->listeners, it, next) {
        struct listener *l = container_of(it, struct listener, link);
        if (l->changed)
            continue;
        list_remove(&l->link);
        mem_free(l);
    }
}

static void tell(struct downstreams *d, struct str id)
{
    d->telling++;
    list_each (&d->listeners, it, next) {
        const struct listener *l = container_of(it, struct listener, link);
        if (l->changed)
            l->changed(l->owner, id);
    }
    if (--d->telling == 0)
        sweep_listeners(d);
}

void downstreams_on_change(struct downstreams *d,
                           void (*changed)(void *owner, struct str cluster_id), void *owner)
{
    BUG_ON(!changed, "a listener listens");
    struct listener *l = MEM_NEW(struct listener);
    l->changed = changed;
    l->owner = owner;
    list_add_tail(&d->listeners, &l->link);
}

void downstreams_off_change(struct downstreams *d, const void *owner)
{
    list_each (&d->listeners, it, next) {
        struct listener *l = container_of(it, struct listener, link);
        if (l->owner == owner)
            l->changed = NULL;
    }
    if (d->telling == 0)
        sweep_listeners(d);
}

/* ---- entries ---- */

static struct source source_of(const struct downstreams *d, const struct kube_object *cluster,
                               const struct entry *e)
{
    const struct kube_object *secret =
        e->secret.n ? kube_informer_get(d->options.secrets, e->secret) : NULL;
    return (struct source){kube_object_string(cluster, "status.apiEndpoint"),
                           kube_object_string(cluster, "status.caCert"),
                           secret ? kube_object_string(secret, "data.credential") : str_empty};
}

static bool source_eq(const struct source *a, const struct source *b)
{
    return str_eq(a->endpoint, b->endpoint) && str_eq(a->ca_base64, b->ca_base64) &&
           str_eq(a->token_base64, b->token_base64);
}

static void set_source(struct entry *e, const struct source *s)
{
    source_free(&e->source);
    e->source =
        (struct source){str_dup(s->endpoint), str_dup(s->ca_base64), str_dup(s->token_base64)};
}

/* The listener with its target set; an entry keeps the one that it has. */
static struct err *local_ensure(struct downstreams *d, struct entry *e, struct str id,
                                const struct url *url)
{
    struct buf address = {0};
    bool v6 = str_find_char(url->host, ':') >= 0;
    buf_addf(&address, v6 ? "[" STR_FMT "]:%u" : STR_FMT ":%u", STR_ARG(url->host),
             (unsigned)url->port);
    struct tunnel_local_options o = {.key = id, .proto = STR("tcp"), .address = buf_str(&address)};
    struct err *err = NULL;
    if (e->local)
        tunnel_local_set_target(e->local, o.proto, o.address);
    else
        err = tunnel_local_new(d->options.world, d->options.router, &o, &e->local);
    buf_free(&address);
    return err;
}

static void set_made_of(struct entry *e, const struct kube_context *context)
{
    str_free(&e->host);
    str_free(&e->ca_pem);
    str_free(&e->token);
    e->plain = context && context->plain;
    e->host = str_dup(context ? context->host : str_empty);
    e->ca_pem = str_dup(context ? context->ca_pem : str_empty);
    e->token = str_dup(context ? context->token : str_empty);
}

/* *out stays NULL when the objects do not hold what a client needs, or not as they should. */
static struct err *client_make(struct downstreams *d, struct entry *e, struct str id,
                               const struct source *s, struct kube_client **out)
{
    struct url url;
    struct buf ca = {0}, token = {0};
    struct err *err = NULL;
    if (s->endpoint.n == 0 || s->ca_base64.n == 0 || s->token_base64.n == 0)
        return NULL;
    err = url_parse(s->endpoint, &url);
    if (!err && (!base64_decode(&ca, s->ca_base64) || !base64_decode(&token, s->token_base64)))
        err = err_new(ERR_INVALID, "the CA or the credential is not base64");
    if (!err)
        err = local_ensure(d, e, id, &url);
    if (!err) {
        struct kube_context context = {
            .address = world_addr_make(STR("127.0.0.1"), tunnel_local_port(e->local)),
            .plain = !url.tls,
            .host = url.host,
            .ca_pem = buf_str(&ca),
            .token = buf_str(&token)};
        *out = kube_client_new(d->options.world, &context);
        kube_client_keep_peer(*out);
        set_made_of(e, &context);
    }
    buf_free(&ca);
    buf_free(&token);
    return err;
}

/* Brings an entry up to what the objects say. */
static void refresh(struct downstreams *d, struct str id, struct entry *e,
                    const struct kube_object *cluster)
{
    struct source s = source_of(d, cluster, e);
    if (source_eq(&s, &e->source))
        return;
    struct kube_client *old = e->client, *fresh = NULL;
    struct err *err = client_make(d, e, id, &s, &fresh);
    if (err) {
        log_warn(&d->log, "no way to cluster " STR_FMT ": %s", STR_ARG(id), err->message);
        if (err->code != ERR_INVALID) { /* not the objects' fault: the source stays as it was */
            world_timer_start(d->retry, kube_backoff(d->options.world, d->failures++, LISTEN_RETRY,
                                                     LISTEN_RETRY_MAX));
            err_free(err);
            return;
        }
    }
    err_free(err);
    set_source(e, &s);
    e->client = fresh;
    if (old || fresh)
        tell(d, id);
    kube_client_free(old);
}

static void set_secret(struct downstreams *d, struct entry *e, struct str id, struct str name)
{
    struct buf key = {0};
    if (name.n)
        buf_addf(&key, NAMESPACE_GLOBAL_DATA "/" STR_FMT, STR_ARG(name));
    if (!str_eq(buf_str(&key), e->secret)) {
        if (e->secret.n)
            mem_free(map_remove(&d->by_secret, e->secret));
        str_free(&e->secret);
        e->secret = str_dup(buf_str(&key));
        if (e->secret.n)
            mem_free(map_put(&d->by_secret, e->secret, str_dup_c(id)));
    }
    buf_free(&key);
}

static void entry_remove(struct downstreams *d, struct str id)
{
    struct entry *e = map_remove(&d->entries, id);
    if (!e)
        return;
    struct kube_client *old = e->client;
    if (old)
        tell(d, id);
    kube_client_free(old);
    tunnel_local_free(e->local);
    set_secret(d, e, id, str_empty);
    str_free(&e->secret);
    source_free(&e->source);
    set_made_of(e, NULL);
    mem_free(e);
}

/* ---- other addresses ---- */

uint16_t downstream_forward(struct downstreams *d, struct str id, struct str address)
{
    uint16_t port = 0;
    struct err *err =
        map_has(&d->entries, id) ? tunnel_forwards_port(d->forwards, id, address, &port) : NULL;
    if (err)
        log_warn(&d->log, "no way to " STR_FMT " of cluster " STR_FMT ": %s", STR_ARG(address),
                 STR_ARG(id), err->message);
    err_free(err);
    return port;
}

struct tunnel_forwards *downstreams_forwards(struct downstreams *d)
{
    return d->forwards;
}

static void take_cluster(struct downstreams *d, const struct kube_object *cluster)
{
    struct entry *e = map_get(&d->entries, cluster->name);
    struct str secret = kube_object_string(cluster, "status.serviceAccountTokenSecret");
    if (!e) {
        if (secret.n == 0)
            return;
        e = MEM_NEW(struct entry);
        map_put(&d->entries, cluster->name, e);
    }
    set_secret(d, e, cluster->name, secret);
    refresh(d, cluster->name, e, cluster);
}

static void on_cluster(void *owner, const struct kube_object *before,
                       const struct kube_object *after)
{
    struct downstreams *d = owner;
    if (after) {
        take_cluster(d, after);
        return;
    }
    /* Each replica ends the sessions that it holds; the registration tokens went before. */
    entry_remove(d, before->name);
    tunnel_forwards_end(d->forwards, before->name);
    tunnel_router_disconnect(d->options.router, before->name);
}

static void on_secret(void *owner, const struct kube_object *before,
                      const struct kube_object *after)
{
    struct downstreams *d = owner;
    struct buf key = {0};
    kube_object_key(kube_changed(before, after), &key);
    struct str id = str_c(map_get(&d->by_secret, buf_str(&key)));
    struct entry *e = map_get(&d->entries, id);
    const struct kube_object *cluster = e ? kube_informer_get(d->options.clusters, id) : NULL;
    if (cluster)
        refresh(d, cluster->name, e, cluster);
    buf_free(&key);
}

static void on_retry(void *owner)
{
    struct downstreams *d = owner;
    uint32_t failures = d->failures;
    struct str id;
    const struct kube_object *cluster;
    for (size_t i = 0; (cluster = kube_informer_next(d->options.clusters, &i, &id));)
        take_cluster(d, cluster);
    if (d->failures == failures)
        d->failures = 0;
}

/* ---- life ---- */

struct downstreams *downstreams_new(const struct downstreams_options *options)
{
    struct downstreams *d = MEM_NEW(struct downstreams);
    d->options = *options;
    d->log = (struct log){world_log(options->world), STR("downstream")};
    d->retry = world_timer_new(options->world, on_retry, d);
    d->forwards = tunnel_forwards_new(options->world, options->router);
    list_init(&d->listeners);
    kube_informer_on_change(options->clusters, on_cluster, d);
    kube_informer_on_change(options->secrets, on_secret, d);
    on_retry(d); /* caches that are filled already */
    return d;
}

void downstreams_free(struct downstreams *d)
{
    if (!d)
        return;
    BUG_ON(d->telling, "not from inside its own callbacks");
    kube_informer_off_change(d->options.clusters, d);
    kube_informer_off_change(d->options.secrets, d);
    list_each (&d->listeners, it, next)
        mem_free(container_of(it, struct listener, link));
    list_init(&d->listeners);
    struct str id;
    for (size_t i = 0; map_next(&d->entries, &i, &id, NULL);) {
        struct str own = str_dup(id); /* the map's copy goes with the entry */
        entry_remove(d, own);
        str_free(&own);
    }
    tunnel_forwards_free(d->forwards);
    map_free(&d->entries);
    map_free(&d->by_secret);
    world_timer_free(d->retry);
    mem_free(d);
}

struct kube_client *downstream_client(struct downstreams *d, struct str cluster_id)
{
    const struct entry *e = map_get(&d->entries, cluster_id);
    return e ? e->client : NULL;
}

bool downstream_way(struct downstreams *d, struct str cluster_id, struct downstream_way *out)
{
    const struct entry *e = map_get(&d->entries, cluster_id);
    if (!e || !e->client)
        return false;
    *out = (struct downstream_way){.port = tunnel_local_port(e->local),
                                   .plain = e->plain,
                                   .host = e->host,
                                   .ca_pem = e->ca_pem,
                                   .token = e->token,
                                   .failed = tunnel_local_stats(e->local).failed,
                                   .last = tunnel_local_last_error(e->local)};
    return true;
}

uint16_t downstream_port(struct downstreams *d, struct str cluster_id)
{
    const struct entry *e = map_get(&d->entries, cluster_id);
    return e && e->client ? tunnel_local_port(e->local) : 0;
}
