/* The HTTP side of a request: exchange → api_request → answer or stream.
 *
 *   head ─► begin (classify, api_authenticate) ─► [seat] ─► faults ─► [body] ─► [delay] ─► run ─► answered, or watching ─► ended
 *
 * The request is on kubeapi.requests from its head on; `gone` (the connection died) frees it at any point. */
#include "sim/kubeapi/http.h"
#include "engine/http/server.h"
#include "sim/kubeapi/core/hold.h"
#include "sim/kubeapi/core/inflight.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/core/stamps.h"
#include "sim/kubeapi/core/webhook_call.h"
#include "sim/kubeapi/request.h"
#include "sim/kubeapi/streams/streams.h"
#include "sim/kubeapi/verbs/faults.h"
#include "sim/kubeapi/verbs/options.h"
#include "sim/kubeapi/verbs/watch.h"
#include "sim/kubeapi/wswatch.h"

#include <string.h>

static void drop(struct api_request *r)
{
    list_remove(&r->link);
    api_request_free(r);
    mem_free(r);
}

static void on_gone(void *data)
{
    struct api_request *r = data;
    api_observe_done(r, NULL, true);
    r->x = NULL;
    drop(r);
}

/* ---- answers ---- */

/* What the handler asked for by api_reply_header; true: Cache-Control was among it. */
static bool add_own_headers(struct api_request *r, struct http_headers *h)
{
    struct str rest = buf_str(&r->out_headers), line, name, value;
    bool cache_control = false;
    while (rest.n > 0) {
        (void)str_cut(rest, '\n', &line, &rest);
        (void)str_cut(line, ':', &name, &value);
        (void)!http_headers_add(h, name, str_trim(value));
        cache_control = cache_control || str_eq_c(name, "Cache-Control");
    }
    return cache_control;
}

static void add_headers(struct api_request *r, struct http_headers *h)
{
    struct str rest = buf_str(&r->warnings), line;
    struct str id = http_headers_get(http_request_headers(r->x), "Audit-Id");
    if (id.n == 0 || !http_headers_add(h, STR("Audit-Id"), id))
        (void)!http_headers_add(h, STR("Audit-Id"), api_new_uid(r->api, &r->a));
    if (!add_own_headers(r, h))
        http_headers_add_c(h, "Cache-Control", "no-cache, private");
    while (rest.n > 0) {
        struct buf b = {.max = 4096};
        (void)str_cut(rest, '\n', &line, &rest);
        buf_add_c(&b, "299 - ");
        json_write_string(&b, line);
        (void)!http_headers_add(h, STR("Warning"), buf_str(&b));
        buf_free(&b);
    }
    if (r->retry_after_s > 0)
        (void)!http_headers_add(h, STR("Retry-After"),
                                arena_printf(&r->a, "%lld", (long long)r->retry_after_s));
}

/* The length that was promised, half of the bytes, and the end of the connection. */
static void send_half(struct api_request *r, struct http_headers *h)
{
    http_headers_add_c(h, "Content-Type", r->out_type);
    (void)!http_headers_add(h, STR("Content-Length"), arena_printf(&r->a, "%zu", r->out.n));
    http_answer_start(r->x, r->status, h);
    http_answer_write(r->x, (struct str){r->out.p, r->out.n / 2});
    api_observe_done(r, NULL, true);
    http_answer_abort(r->x);
    http_headers_free(h);
    drop(r);
}

static void answer(struct api_request *r)
{
    struct http_headers h = {0};
    if (r->lost_ack) { /* it happened, and nobody will say so */
        api_observe_done(r, NULL, true);
        http_answer_abort(r->x);
        drop(r);
        return;
    }
    api_request_count(r); /* also what was answered before it could run */
    api_observe_answer(r);
    api_answer_finish(r);
    add_headers(r, &h);
    if (r->out_gzip) {
        http_headers_add_c(&h, "Content-Encoding", "gzip");
        http_headers_add_c(&h, "Vary", "Accept-Encoding");
    }
    if (r->truncated && r->out.n > 1) {
        send_half(r, &h);
        return;
    }
    api_observe_done(r, &h, false);
    http_answer(r->x, r->status, r->out_type, &h, buf_str(&r->out));
    http_headers_free(&h);
    drop(r);
}

/* ---- watches ---- */

static void on_drained(void *data)
{
    struct api_request *r = data;
    api_watch_pump(r->watch);
}

static void sink_start(struct api_request *r)
{
    struct http_headers h = {0};
    const char *type = r->media.format == API_FORMAT_PROTOBUF
                           ? "application/vnd.kubernetes.protobuf;stream=watch"
                           : "application/json";
    add_headers(r, &h);
    http_headers_add_c(&h, "Content-Type", type);
    api_observe_watch(r, &h, type);
    http_answer_start(r->x, 200, &h);
    http_answer_on_drained(r->x, on_drained);
    http_headers_free(&h);
}

static void sink_write(struct api_request *r, struct str bytes)
{
    api_observe_frames(r, bytes);
    http_answer_write(r->x, bytes);
}

static size_t sink_queued(struct api_request *r)
{
    return http_answer_queued(r->x);
}

static void sink_end(struct api_request *r, bool abort)
{
    api_observe_done(r, NULL, abort);
    if (abort)
        http_answer_abort(r->x);
    else
        http_answer_end(r->x);
    drop(r);
}

static const struct watch_sink http_sink = {
    .start = sink_start, .write = sink_write, .queued = sink_queued, .end = sink_end};

/* ---- from head to verb ---- */

/* Its own write, or what its table holds, may still be lost: the answer waits. */
static bool shows_unsafe(struct api_request *r, uint64_t before)
{
    struct store *s = r->api->store;
    uint64_t shown = store_revision(s);
    if (shown == before)
        shown = r->table ? store_table_revision(r->table) : 0;
    return api_hold(r, shown);
}

/* A stream takes the connection; the request is over. */
static void hand_over(struct api_request *r)
{
    struct http_headers h = {0};
    add_headers(r, &h);
    if (r->stream->carrier == STREAM_SPDY) {
        http_headers_add_c(&h, "Upgrade", "SPDY/3.1");
        http_headers_add_c(&h, "X-Stream-Protocol-Version", r->stream->protocol);
    }
    api_observe_done(r, &h, false);
    podstreams_begin(r->api->streams, r, &h);
    http_headers_free(&h);
    drop(r);
}

static void run(struct api_request *r)
{
    if (r->timed_out && !r->answered)
        (void)api_fail_undetailed(
            r, 504, "Timeout",
            STR("Timeout: request did not complete within the allotted timeout"));
    uint64_t before = store_revision(r->api->store);
    if (!r->answered)
        api_request_run(r);
    if (r->suspended && r->body.n > 0) /* it is read again */
        r->body = arena_str(&r->a, r->body);
    else if (r->stream)
        hand_over(r);
    else if (!r->suspended && !r->watch && !shows_unsafe(r, before))
        answer(r);
}

void api_http_released(struct api_request *r)
{
    if (r->watch)
        api_watch_pump(r->watch);
    else
        answer(r);
}

/* From its head, as if nothing had happened but what its webhooks have said. */
static void resume(struct api_request *r)
{
    BUG_ON(!r->suspended || r->answered, "only who waits goes on");
    r->suspended = false;
    r->problems_n = 0;
    r->managed = NULL;
    r->dry_run = r->finalize = r->admitted = false;
    api_observe_again(r);
    buf_clear(&r->warnings);
    buf_clear(&r->out_headers);
    kube_object_unref(r->held);
    r->held = NULL;
    run(r);
}

static void on_delay(void *owner)
{
    run(owner);
}

static void on_body(void *data, struct http_exchange *x, struct str body)
{
    struct api_request *r = data;
    r->body = body;
    if (!r->delay) {
        run(r);
        return;
    }
    r->body = arena_str(&r->a, body);
    world_timer_start(r->delay, r->delay_time);
}

/* ?timeout= of requests that end by themselves; beyond the server's own it changes nothing. */
static bool read_timeout(struct api_request *r)
{
    int64_t asked;
    r->timeout = KUBEAPI_TIMEOUT;
    if (r->verb == VERB_WATCH)
        return true;
    if (!api_options_timeout(r, &asked))
        return false;
    if (asked > 0 && asked < r->timeout)
        r->timeout = asked;
    return true;
}

static bool has_body(struct str method)
{
    return str_eq_c(method, "POST") || str_eq_c(method, "PUT") || str_eq_c(method, "PATCH") ||
           str_eq_c(method, "DELETE");
}

static void read_head(struct api_request *r, struct http_exchange *x)
{
    const struct http_headers *h = http_request_headers(x);
    r->x = x;
    r->headers = h;
    r->sink = &http_sink;
    r->resume = resume;
    r->method = http_method(x);
    r->path = http_path(x);
    r->query = http_query(x);
    r->content_type = http_headers_get(h, "Content-Type");
    r->accept = http_headers_get(h, "Accept");
    r->authorization = http_headers_get(h, "Authorization");
    r->user_agent = http_headers_get(h, "User-Agent");
    r->body = str_empty;
}

/* With a seat, or answered already. */
static void proceed(struct api_request *r)
{
    if (r->verb == VERB_WATCH || api_faults_ask_client(r->api->faults)) { /* it may ask later */
        struct world_addr from = world_stream_peer(http_stream(r->x));
        r->client = arena_str(&r->a, str_c(from.host));
    }
    if (!r->answered)
        r->delay_time = api_faults_apply(r->api->faults, r);
    if (r->delay_time > r->timeout && r->verb != VERB_WATCH) {
        r->delay_time = r->timeout;
        r->timed_out = true;
    }
    if (r->delay_time > 0 && !r->answered)
        r->delay = world_timer_new(r->api->w, on_delay, r);
    if (has_body(r->method) && !r->answered)
        http_read_all(r->x, on_body);
    else if (r->delay)
        world_timer_start(r->delay, r->delay_time);
    else
        run(r);
}

static void refuse(struct api_request *r)
{
    api_reply_text(r, 429, "Too many requests, please try again later.\n");
    r->retry_after_s = 1;
}

void api_http_refused(struct api_request *r)
{
    refuse(r);
    proceed(r);
}

void api_http_admitted(struct api_request *r)
{
    proceed(r);
}

void api_http_handle(void *owner, struct http_exchange *x)
{
    struct kubeapi *api = owner;
    struct api_request *r = api_request_new(api);
    list_add_tail(&api->requests, &r->link);
    read_head(r, x);
    wswatch_read_head(r);
    http_exchange_set(x, r, on_gone);
    if (api_request_begin(r) && read_timeout(r)) {
        enum inflight_answer seat = inflight_enter(api->inflight, r);
        if (seat == INFLIGHT_QUEUED)
            return;
        if (seat == INFLIGHT_REFUSED)
            refuse(r);
    }
    proceed(r);
}
