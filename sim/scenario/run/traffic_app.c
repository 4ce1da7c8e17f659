/* The application in a cluster: echoes, or sends all the time, as the first byte of a stream asks. */
#include "sim/scenario/run/traffic_internal.h"

#define FIRST_ADDRESS  64u
#define PER_OCTET      250u
#define STREAM_HIGH    (2 * WORLD_STREAM_LOW)
#define ENTRIES_OF_ASK 2u /* bytes: what to do, and for which entry */

struct instance {
    struct app *app;
    struct world_listener *listener;
    struct list streams;
};
struct served {
    struct instance *in;
    struct list link;
    struct world_stream *stream;
    struct entry *entry; /* of TRAFFIC_ASK_BOTH: whose bytes are counted */
    char asked;          /* 0: not yet */
};

static const char chunk[TRAFFIC_CHUNK];

static void send_bulk(struct served *s)
{
    while (world_stream_queued(s->stream) <= STREAM_HIGH)
        world_stream_write(s->stream, (struct str){chunk, sizeof(chunk)});
}

static void asked(struct served *s, struct str bytes)
{
    const struct traffic *t = s->in->app->traffic;
    size_t entry = bytes.n >= ENTRIES_OF_ASK ? (unsigned char)bytes.p[1] : 0;
    s->asked = bytes.p[0];
    if (entry < t->entries_n)
        s->entry = &t->entries[entry];
    if (s->asked != TRAFFIC_ASK_ECHO)
        send_bulk(s);
}

static void on_data(void *owner, struct str bytes)
{
    struct served *s = owner;
    if (!s->asked)
        asked(s, bytes);
    if (s->asked == TRAFFIC_ASK_ECHO)
        world_stream_write(s->stream, bytes);
    else if (s->asked == TRAFFIC_ASK_BOTH && s->entry)
        s->entry->up += (int64_t)bytes.n;
}

static void on_drained(void *owner)
{
    struct served *s = owner;
    if (s->asked != TRAFFIC_ASK_ECHO)
        send_bulk(s);
}

static void served_free(struct served *s)
{
    list_remove(&s->link);
    mem_free(s);
}

static void on_end(void *owner)
{
    struct served *s = owner;
    world_stream_close(s->stream);
    served_free(s);
}

static void on_closed(void *owner, const struct err *err)
{
    (void)err;
    served_free(owner);
}

static const struct world_stream_handler handler = {
    .data = on_data, .end = on_end, .drained = on_drained, .closed = on_closed};

static void on_accept(void *owner, struct world_stream *stream)
{
    struct instance *in = owner;
    struct served *s = MEM_NEW(struct served);
    s->in = in;
    s->stream = stream;
    list_add_tail(&in->streams, &s->link);
    world_stream_attach(stream, &handler, s);
}

static struct err *app_start(struct world *w, const void *config, void **out)
{
    struct instance *in = MEM_NEW(struct instance);
    struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), TRAFFIC_APP_PORT)};
    in->app = *(struct app *const *)config;
    list_init(&in->streams);
    struct err *err = world_listen(w, &listen, on_accept, in, &in->listener);
    if (err)
        mem_free(in);
    else
        *out = in;
    return err;
}

static void app_destroy(void *instance)
{
    struct instance *in = instance;
    while (!list_empty(&in->streams)) {
        struct served *s = container_of(in->streams.next, struct served, link);
        world_stream_abort(s->stream);
        served_free(s);
    }
    world_listener_close(in->listener);
    mem_free(in);
}

static const struct sim_program program = {.start = app_start, .destroy = app_destroy};

struct app *traffic_app_new(struct traffic *t, size_t cluster)
{
    const struct sim_cluster *c = t->estate->clusters[cluster].sim;
    struct app *app = MEM_NEW(struct app);
    struct buf name = {0}, ip = {0}, address = {0};
    app->traffic = t;
    app->config = app;
    buf_addf(&name, STR_FMT "/app", STR_ARG(sim_cluster_name(c)));
    buf_addf(&ip, "100.%zu.%zu.%zu", FIRST_ADDRESS + cluster / (PER_OCTET * PER_OCTET),
             cluster / PER_OCTET % PER_OCTET, cluster % PER_OCTET + 1);
    buf_addf(&address, "%s:%u", buf_c(&ip), TRAFFIC_APP_PORT);
    app->address = buf_take(&address);
    struct sim_host_options host = {
        .name = buf_str(&name),
        .address = buf_str(&ip),
        .zone = sim_host_zone(sim_process_host(apihost_process(sim_cluster_api(c))))};
    struct sim_process_options o = {.name = buf_str(&name),
                                    .host = sim_host_new(t->estate->sim, &host),
                                    .program = &program,
                                    .config = &app->config,
                                    .exited = supervisor_exited,
                                    .owner = &app->supervisor};
    app->process = sim_process_new(t->estate->sim, &o);
    app->supervisor = (struct supervisor){.sim = t->estate->sim, .process = app->process};
    supervisor_start(&app->supervisor);
    buf_free(&name);
    buf_free(&ip);
    return app;
}

void traffic_app_free(struct app *app)
{
    if (!app)
        return;
    str_free(&app->address);
    mem_free(app);
}
