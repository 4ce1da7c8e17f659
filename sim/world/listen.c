/* Listeners: a port of a host, taken by a process. */
#include "sim/world/stream_internal.h"

static struct sim_listener *listener_of(struct world_listener *l)
{
    return container_of(l, struct sim_listener, base);
}

static struct err *take_port(struct sim_listener *l)
{
    if (l->address.port == 0)
        l->address.port = host_free_port(l->host);
    if (host_bind(l->host, l->address.port, l))
        return NULL;
    struct buf where = {0};
    world_addr_print(&l->address, &where);
    struct err *err = err_new(ERR_IO, "listen on %s: address already in use", buf_c(&where));
    buf_free(&where);
    return err;
}

struct err *sim_listen(struct world *base, const struct world_listen *o,
                       void (*accept)(void *, struct world_stream *), void *owner,
                       struct world_listener **out)
{
    struct sim_world *w = world_of(base);
    struct tls_identity *identity = NULL;
    if (!world_host_is_numeric(str_c(o->address.host)))
        return err_new(ERR_INVALID, "listen on \"%s\": not a numeric address", o->address.host);
    struct err *err = o->tls ? tls_identity_get(w->sim, o->tls, &identity) : NULL;
    if (err)
        return err;
    struct sim_listener *l = MEM_NEW(struct sim_listener);
    l->base.w = base;
    l->world = w;
    l->host = w->host;
    l->address = o->address;
    l->accept = accept;
    l->owner = owner;
    l->identity = identity;
    err = w->dead ? NULL : take_port(l);
    if (err) {
        mem_free(l);
        return err;
    }
    list_add_tail(&w->listeners, &l->link);
    *out = &l->base;
    return NULL;
}

uint16_t sim_listener_port(const struct world_listener *l)
{
    return const_container_of(l, struct sim_listener, base)->address.port;
}

struct err *sim_listener_set_tls(struct world_listener *base, const struct world_tls *tls)
{
    struct sim_listener *l = listener_of(base);
    BUG_ON(!l->identity, "a plain listener has no identity");
    return tls_identity_get(l->world->sim, tls, &l->identity);
}

/* Handshakes that are under way end with their listener. */
static void end_handshakes(struct sim_listener *l)
{
    for (bool found = true; found;) {
        found = false;
        list_each (&l->world->streams, it, next) {
            struct sim_stream *e = container_of(it, struct sim_stream, link);
            if (e->listener != l)
                continue;
            e->listener = NULL;
            list_remove(&e->link);
            end_kernel_abort(e, true);
            found = true;
            break; /* it may have taken the next one along */
        }
    }
}

void sim_listener_close(struct world_listener *base)
{
    struct sim_listener *l = listener_of(base);
    if (!l->world->dead) {
        host_unbind(l->host, l->address.port);
        end_handshakes(l);
    }
    list_remove(&l->link);
    mem_free(l);
}

void listeners_kill(struct sim_world *w)
{
    list_each (&w->listeners, it, next) {
        const struct sim_listener *l = container_of(it, struct sim_listener, link);
        host_unbind(l->host, l->address.port);
    }
}

void listeners_free(struct sim_world *w)
{
    list_each (&w->listeners, it, next) {
        ++*w->sim->count.leaked_handles;
        list_remove(it);
        mem_free(container_of(it, struct sim_listener, link));
    }
}
