/* A table of local listeners: client → address → listener. */
#include "engine/tunnel/forwards.h"
#include "engine/base/map.h"

struct tunnel_forwards {
    struct world *world;
    struct tunnel_router *router;
    struct map clients; /* key → struct map * (address → struct tunnel_local *) */
};

struct tunnel_forwards *tunnel_forwards_new(struct world *w, struct tunnel_router *r)
{
    struct tunnel_forwards *f = MEM_NEW(struct tunnel_forwards);
    f->world = w;
    f->router = r;
    return f;
}

static void end_all(struct map *locals)
{
    void *local;
    for (size_t i = 0; locals && map_next(locals, &i, NULL, &local);)
        tunnel_local_free(local);
    if (locals)
        map_free(locals);
    mem_free(locals);
}

void tunnel_forwards_end(struct tunnel_forwards *f, struct str key)
{
    end_all(map_remove(&f->clients, key));
}

void tunnel_forwards_free(struct tunnel_forwards *f)
{
    void *locals;
    if (!f)
        return;
    for (size_t i = 0; map_next(&f->clients, &i, NULL, &locals);)
        end_all(locals);
    map_free(&f->clients);
    mem_free(f);
}

struct err *tunnel_forwards_port(struct tunnel_forwards *f, struct str key, struct str address,
                                 uint16_t *port)
{
    static const struct str unix_path = STR_INIT("unix/");
    struct map *locals = map_get(&f->clients, key);
    struct tunnel_local *local = locals ? map_get(locals, address) : NULL;
    if (!local) {
        bool is_path = str_starts(address, unix_path);
        struct tunnel_local_options o = {
            .key = key,
            .proto = is_path ? STR("unix") : STR("tcp"),
            .address = is_path ? str_sub(address, unix_path.n, address.n) : address};
        struct err *err = tunnel_local_new(f->world, f->router, &o, &local);
        if (err)
            return err;
        if (!locals) {
            locals = MEM_NEW(struct map);
            map_put(&f->clients, key, locals);
        }
        map_put(locals, address, local);
    }
    *port = tunnel_local_port(local);
    return NULL;
}
