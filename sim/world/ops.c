/* The table of the simulated world, and the functions that are too small for files of their own. */
#include "sim/world/stream_internal.h"

#define MAYBE_ACTIVE 250000u /* of the points, by seed, per million */
#define MAYBE_FIRES  250000u /* of an active point's visits */

struct maybe {
    bool active;
    struct rng random;
};

static world_time now(struct world *w)
{
    return world_of(w)->sim->now;
}

static world_time wall(struct world *w)
{
    return process_wall(world_of(w)->process);
}

static void random_bytes(struct world *w, void *bytes, size_t n)
{
    rng_bytes(&world_of(w)->random, bytes, n);
}

static struct maybe *maybe_new(struct sim *sim, const char *name)
{
    struct buf stream = {0};
    buf_addf(&stream, "maybe/%s", name);
    struct maybe *m = MEM_NEW(struct maybe);
    m->random = sim_rng(sim, buf_str(&stream));
    m->active = rng_chance(&m->random, MAYBE_ACTIVE);
    buf_free(&stream);
    map_put(&sim->maybes, str_c(name), m);
    return m;
}

static bool maybe(struct world *w, const char *name)
{
    struct sim *sim = world_of(w)->sim;
    if (!sim->options.maybe || world_of(w)->dead)
        return false;
    struct maybe *m = map_get(&sim->maybes, str_c(name));
    if (!m)
        m = maybe_new(sim, name);
    return m->active && rng_chance(&m->random, MAYBE_FIRES);
}

void maybes_free(struct sim *sim)
{
    void *value;
    for (size_t i = 0; map_next(&sim->maybes, &i, NULL, &value);)
        mem_free(value);
    map_free(&sim->maybes);
}

static struct str own_address(struct world *w)
{
    return sim_host_address(world_of(w)->host);
}

static struct str env(struct world *w, const char *name)
{
    return str_c(map_get(&world_of(w)->env, str_c(name)));
}

static struct log_sink *log_of(struct world *w)
{
    return &world_of(w)->sink;
}

static void exit_process(struct world *base, int status)
{
    world_kill(world_of(base), status, false);
}

static void note(struct world *base, const char *kind, struct str key, struct str value)
{
    struct sim_world *w = world_of(base);
    if (!w->dead)
        note_add(w->sim, w->process, kind, key, value);
}

/* What the instance did not free itself; a WebSocket goes first because it owns a stream and timers. */
void world_handles_free(struct sim_world *w)
{
    sim_ws_free(w);
    timers_free(w);
    dns_free(w);
    files_free(w);
    works_free(w);
    listeners_free(w);
    streams_free(w);
}

const struct world_ops sim_world_ops = {
    .now = now,
    .wall = wall,
    .random = random_bytes,
    .maybe = maybe,
    .timer_new = sim_timer_new,
    .timer_start = sim_timer_start,
    .timer_stop = sim_timer_stop,
    .timer_active = sim_timer_active,
    .timer_free = sim_timer_free,
    .own_address = own_address,
    .dns_query = sim_dns_query,
    .dns_cancel = sim_dns_cancel,
    .stream_connect = sim_stream_connect,
    .stream_attach = sim_stream_attach,
    .stream_write = sim_stream_write,
    .stream_queued = sim_stream_queued,
    .stream_shutdown = sim_stream_shutdown,
    .stream_pause = sim_stream_pause,
    .stream_resume = sim_stream_resume,
    .stream_close = sim_stream_close,
    .stream_abort = sim_stream_abort,
    .stream_peer = sim_stream_peer,
    .stream_local = sim_stream_local,
    .stream_peer_pem = sim_stream_peer_pem,
    .listen = sim_listen,
    .listener_port = sim_listener_port,
    .listener_set_tls = sim_listener_set_tls,
    .listener_close = sim_listener_close,
    .ws_connect = sim_ws_connect,
    .ws_send = sim_ws_send,
    .ws_ping = sim_ws_ping,
    .ws_queued = sim_ws_queued,
    .ws_close = sim_ws_close,
    .ws_abort = sim_ws_abort,
    .ws_pause = sim_ws_pause,
    .ws_resume = sim_ws_resume,
    .ws_peer = sim_ws_peer,
    .file_read = sim_file_read,
    .file_write = sim_file_write,
    .file_remove = sim_file_remove,
    .file_list = sim_file_list,
    .file_cancel = sim_file_cancel,
    .file_watch = sim_file_watch,
    .watch_close = sim_watch_close,
    .work = sim_work,
    .work_cancel = sim_work_cancel,
    .env = env,
    .log = log_of,
    .exit = exit_process,
    .note = note,
};
