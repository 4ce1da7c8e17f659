/* The real world itself: the loop, the queue of later things, clocks, randomness, signals and the end. */
#include "engine/world/uv/uv_tls.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define LATER_ROUNDS_MAX 16 /* then the loop looks at its sockets again */

/* ---- clocks, randomness, process ---- */
void uvw_event(struct uv_world *uv)
{
    uv->now = (world_time)uv_hrtime();
}

world_time uvw_now(struct uv_world *uv)
{
    return uv->in_loop ? uv->now : (world_time)uv_hrtime();
}

static world_time now(struct world *w)
{
    return uvw_now(uvw_of(w));
}

static world_time wall(struct world *w)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static void kernel_random(void *bytes, size_t n)
{
    char *at = bytes;
    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);
        BUG_ON(got < 0 && errno != EINTR, "the kernel always has random bytes");
        if (got > 0) {
            at += got;
            n -= (size_t)got;
        }
    }
}

static void random_bytes(struct world *w, void *bytes, size_t n)
{
    struct uv_world *uv = uvw_of(w);
    if (n > sizeof uv->random / 2) {
        kernel_random(bytes, n);
        return;
    }
    if (n > uv->random_n) {
        kernel_random(uv->random, sizeof uv->random);
        uv->random_n = sizeof uv->random;
    }
    unsigned char *from = uv->random + sizeof uv->random - uv->random_n;
    memcpy(bytes, from, n);
    explicit_bzero(from, n); /* may become a key: it is nobody else's to see */
    uv->random_n -= n;
}

static bool maybe(struct world *w, const char *name)
{
    return false;
}

static struct str own_address(struct world *w)
{
    return uvw_of(w)->own_address;
}

static struct str env(struct world *w, const char *name)
{
    return str_c(getenv(name));
}

static struct log_sink *log_of(struct world *w)
{
    return uvw_of(w)->log_sink;
}

static void exit_now(struct uvw_later *later)
{
    struct uv_world *uv = container_of(later, struct uv_world, exit_later);
    if (uv->on_exit)
        uv->on_exit(uv->owner, uv->exit_status);
    else
        uv_world_stop(uv);
}

static void exit_later(struct world *w, int status)
{
    struct uv_world *uv = uvw_of(w);
    uv->exit_status = status;
    uvw_later_add(uv, &uv->exit_later);
}

static void note(struct world *w, const char *kind, struct str key, struct str value)
{
    log_debug(&uvw_of(w)->log, "%s " STR_FMT " " STR_FMT, kind, STR_ARG(key), STR_ARG(value));
}

static const struct world_ops uv_ops = {
    .now = now,
    .wall = wall,
    .random = random_bytes,
    .maybe = maybe,
    .timer_new = uvw_timer_new,
    .timer_start = uvw_timer_start,
    .timer_stop = uvw_timer_stop,
    .timer_active = uvw_timer_active,
    .timer_free = uvw_timer_free,
    .own_address = own_address,
    .dns_query = uvw_dns_query,
    .dns_cancel = uvw_dns_cancel,
    .stream_connect = uvw_stream_connect,
    .stream_attach = uvw_stream_attach,
    .stream_write = uvw_stream_write,
    .stream_queued = uvw_stream_queued,
    .stream_shutdown = uvw_stream_shutdown,
    .stream_pause = uvw_stream_pause,
    .stream_resume = uvw_stream_resume,
    .stream_close = uvw_stream_close,
    .stream_abort = uvw_stream_abort,
    .stream_peer = uvw_stream_peer,
    .stream_local = uvw_stream_local,
    .stream_peer_pem = uvw_stream_peer_pem,
    .listen = uvw_listen,
    .listener_port = uvw_listener_port,
    .listener_set_tls = uvw_listener_set_tls,
    .listener_close = uvw_listener_close,
    .ws_connect = uvw_ws_connect,
    .ws_send = uvw_ws_send,
    .ws_ping = uvw_ws_ping,
    .ws_queued = uvw_ws_queued,
    .ws_close = uvw_ws_close,
    .ws_abort = uvw_ws_abort,
    .ws_pause = uvw_ws_pause,
    .ws_resume = uvw_ws_resume,
    .ws_peer = uvw_ws_peer,
    .file_read = uvw_file_read,
    .file_write = uvw_file_write,
    .file_remove = uvw_file_remove,
    .file_list = uvw_file_list,
    .file_cancel = uvw_file_cancel,
    .file_watch = uvw_file_watch,
    .watch_close = uvw_watch_close,
    .work = uvw_work,
    .work_cancel = uvw_work_cancel,
    .env = env,
    .log = log_of,
    .exit = exit_later,
    .note = note,
};

/* ---- later ---- */
void uvw_later_init(struct uvw_later *later, void (*run)(struct uvw_later *))
{
    list_init(&later->node);
    later->run = run;
}

static void idle_nothing(uv_idle_t *idle) {}

/* The loop does not sleep before it has seen what changed; visible from outside in uv_backend_timeout, too. */
void uvw_wake(struct uv_world *uv)
{
    if (!uv->freeing)
        uv_idle_start(&uv->idle, idle_nothing);
}

void uvw_later_add(struct uv_world *uv, struct uvw_later *later)
{
    if (!list_empty(&later->node))
        return;
    list_add_tail(&uv->later, &later->node);
    uvw_wake(uv);
}

void uvw_later_cancel(struct uvw_later *later)
{
    list_remove(&later->node);
}

static void later_run(struct uv_world *uv)
{
    uvw_event(uv);
    for (int round = 0; round < LATER_ROUNDS_MAX && !list_empty(&uv->later); round++) {
        struct list batch;
        list_init(&batch);
        list_each (&uv->later, it, next) {
            list_remove(it);
            list_add_tail(&batch, it);
        }
        while (!list_empty(&batch) && !uv->stopped) {
            struct uvw_later *later = container_of(batch.next, struct uvw_later, node);
            list_remove(&later->node);
            later->run(later);
        }
        while (!list_empty(&batch)) { /* stopped: what is left keeps its place in front */
            struct list *last = batch.prev;
            list_remove(last);
            list_add_head(&uv->later, last);
        }
        if (uv->stopped)
            return;
    }
}

static void before_wait(uv_prepare_t *prepare)
{
    struct uv_world *uv = prepare->data;
    later_run(uv);
    uvw_alarms_arm(uv);
    if (list_empty(&uv->later))
        uv_idle_stop(&uv->idle);
}

static void after_wait(uv_check_t *check)
{
    later_run(check->data);
}

/* ---- life ---- */
static void signalled(uv_signal_t *signal, int signum)
{
    struct uv_world *uv = signal->data;
    uvw_event(uv);
    uv->on_signal(uv->owner, signum);
}

static void alive_nothing(uv_async_t *async) {}

static void handles_init(struct uv_world *uv)
{
    uv_prepare_init(&uv->loop, &uv->prepare);
    uv->prepare.data = uv;
    uv_prepare_start(&uv->prepare, before_wait);
    uv_check_init(&uv->loop, &uv->check);
    uv->check.data = uv;
    uv_check_start(&uv->check, after_wait);
    uv_idle_init(&uv->loop, &uv->idle);
    uv->idle.data = uv;
    uv_timer_init(&uv->loop, &uv->timer);
    uv->timer.data = uv;
    int bad = uv_async_init(&uv->loop, &uv->alive, alive_nothing);
    BUG_ON(bad, "the loop has its async descriptor already");
    for (size_t i = 0; uv->on_signal && i < ARRAY_LEN(uv->signals); i++) {
        uv_signal_init(&uv->loop, &uv->signals[i]);
        uv->signals[i].data = uv;
        uv_signal_start(&uv->signals[i], signalled, i ? SIGINT : SIGTERM);
    }
}

static void lists_init(struct uv_world *uv)
{
    struct list *const all[] = {&uv->later,     &uv->timers,     &uv->queries,    &uv->streams,
                                &uv->listeners, &uv->sockets,    &uv->files,      &uv->watches,
                                &uv->works,     &uv->file_queue, &uv->own_sockets};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        list_init(all[i]);
    uvw_later_init(&uv->exit_later, exit_now);
}

struct err *uv_world_new(const struct uv_world_options *o, struct uv_world **out)
{
    BUG_ON(!o || !out, "a world is made with options and given back");
    (void)signal(SIGPIPE, SIG_IGN);
    struct uv_world *uv = MEM_NEW(struct uv_world);
    int status = uv_loop_init(&uv->loop);
    if (status < 0) {
        mem_free(uv);
        return err_new(uvw_net_code(status), "cannot make an event loop: %s", uv_strerror(status));
    }
    uv->ops = uv_ops;
    if (o->own_websockets)
        uvw_ws_own_install(&uv->ops);
    uv->base.ops = &uv->ops;
    uv->on_signal = o->on_signal;
    uv->on_exit = o->on_exit;
    uv->owner = o->owner;
    uv->armed_at = INT64_MAX;
    uv->own_log = (struct log_sink){uvw_log_line, o->log_level};
    uv->log_format = o->log_format;
    uv->log_sink = o->log ? o->log : &uv->own_log;
    uv->log = (struct log){uv->log_sink, STR("world")};
    uv->own_address = o->own_address.n ? str_dup(o->own_address) : uvw_find_own_address();
    uv->dns_server = str_dup(o->dns_server);
    uv->dns_try = o->dns_try ? o->dns_try : UV_WORLD_DNS_TRY;
    lists_init(uv);
    handles_init(uv);
    *out = uv;
    return NULL;
}

struct world *uv_world_view(struct uv_world *uv)
{
    return &uv->base;
}

struct uv_loop_s *uv_world_loop(struct uv_world *uv)
{
    return &uv->loop;
}

int uv_world_run(struct uv_world *uv)
{
    BUG_ON(uv->in_loop, "the loop is not run from inside a callback");
    uv->in_loop = true;
    uvw_event(uv);
    while (!uv->stopped)
        uv_run(&uv->loop, UV_RUN_ONCE);
    uv->stopped = false;
    uv->in_loop = false;
    return uv->exit_status;
}

void uv_world_stop(struct uv_world *uv)
{
    uv->stopped = true;
    uv_stop(&uv->loop);
}

static void close_own_handles(struct uv_world *uv)
{
    uv_close((uv_handle_t *)&uv->prepare, NULL);
    uv_close((uv_handle_t *)&uv->check, NULL);
    uv_close((uv_handle_t *)&uv->idle, NULL);
    uv_close((uv_handle_t *)&uv->timer, NULL);
    uv_close((uv_handle_t *)&uv->alive, NULL);
    for (size_t i = 0; uv->on_signal && i < ARRAY_LEN(uv->signals); i++)
        uv_close((uv_handle_t *)&uv->signals[i], NULL);
}

void uv_world_free(struct uv_world *uv)
{
    if (!uv)
        return;
    BUG_ON(uv->in_loop, "a world is not freed from inside its own callback");
    uv->freeing = true;
    uvw_ws_own_free(uv);
    uvw_ws_free(uv);
    uvw_listeners_free(uv);
    uvw_streams_free(uv);
    uvw_dns_free(uv);
    uvw_watches_free(uv);
    uvw_files_free(uv);
    uvw_works_free(uv);
    uvw_timers_free(uv);
    uvw_later_cancel(&uv->exit_later);
    uvw_lws_free(uv);
    close_own_handles(uv);
    uv_run(&uv->loop, UV_RUN_DEFAULT); /* only closing handles and jobs under way are left */
    int busy = uv_loop_close(&uv->loop);
    BUG_ON(busy, "every handle of the loop is closed");
    uvw_tls_free_all(uv);
    heap_free(&uv->alarms);
    str_free(&uv->own_address);
    str_free(&uv->dns_server);
    mem_free(uv);
}
