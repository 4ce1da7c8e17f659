/* One request through the proxy. */
#include "engine/proxy/proxy.h"

#include "engine/base/list.h"
#include "engine/http/client.h"
#include "engine/kube/status.h"
#include "engine/proxy/fields.h"
#include "engine/proxy/pipe.h"
#include "engine/proxy/target.h"

/* How far a request came. */
enum hop { HOP_MANAGER, HOP_TUNNEL, HOP_AGENT, HOP_API };

struct proxy {
    struct proxy_options options;
    struct http_client *http;
    struct list open;
    size_t open_n;
    struct pipes pipes;
    int64_t *open_gauge, *bytes_up, *bytes_down, *copied;
};

struct request {
    struct list node;
    struct proxy *proxy;
    struct http_exchange *x;
    struct str id, target; /* owned */
    struct auth_question *asked;
    struct http_call *call;
    bool answering;        /* the head has been passed on */
    uint64_t failed;       /* of the way, when the request was sent */
    uint64_t seen_x, seen; /* copied by the connections when last looked at */
};

static void request_free(void *data)
{
    struct request *r = data;
    list_remove(&r->node);
    r->proxy->open_n--;
    --*r->proxy->open_gauge;
    auth_cancel(r->asked);
    http_call_cancel(r->call);
    str_free(&r->id);
    str_free(&r->target);
    mem_free(r);
}

/* ---- refusals ---- */

static void count(struct proxy *p, int status)
{
    struct buf labels = {0};
    buf_addf(&labels, "code=\"%d\"", status);
    ++*metrics_cell(p->options.metrics, METRIC_COUNTER, "paddock_proxy_requests_total",
                    buf_str(&labels), "requests to clusters by the status of their answer");
    buf_free(&labels);
}

static void refuse(struct proxy *p, struct http_exchange *x, enum hop hop, struct kube_status s)
{
    static const char *const names[] = {[HOP_MANAGER] = "manager",
                                        [HOP_TUNNEL] = "tunnel",
                                        [HOP_AGENT] = "agent",
                                        [HOP_API] = "api"};
    struct kube_cause cause = {.reason = STR("Hop"), .message = str_c(names[hop])};
    struct http_headers headers = {0};
    struct buf body = {0};
    s.causes = &cause;
    s.causes_n = 1;
    if (s.retry_after_s)
        http_headers_add_c(&headers, "Retry-After", "1");
    kube_status_write(&s, &body);
    count(p, s.code);
    http_answer(x, s.code, "application/json", &headers, buf_str(&body));
    http_headers_free(&headers);
    buf_free(&body);
}

/* The exchange is answered, or cut when it has been in part; the request ends. */
static void fail(struct request *r, enum hop hop, struct kube_status s)
{
    struct http_exchange *x = r->x;
    struct proxy *p = r->proxy;
    bool answering = r->answering;
    http_exchange_set(x, NULL, NULL);
    request_free(r);
    if (answering)
        http_answer_abort(x);
    else
        refuse(p, x, hop, s);
}

static struct kube_status status(int code, const char *reason, struct str message)
{
    return kube_status_new(code, str_c(reason), message);
}

static void fail_unavailable(struct request *r, enum hop hop, const char *what)
{
    struct buf text = {0};
    buf_addf(&text, "cluster " STR_FMT ": %s", STR_ARG(r->id), what);
    fail(r, hop, status(503, "ServiceUnavailable", buf_str(&text)));
    buf_free(&text);
}

/* ---- what went wrong on the way ---- */

static enum hop hop_of(enum err_code code)
{
    switch (code) {
    case ERR_UNAVAILABLE: /* no session, or it ended */
    case ERR_CANCELLED:
        return HOP_TUNNEL;
    case ERR_CONN_REFUSED:
    case ERR_UNREACHABLE:
    case ERR_TIMEOUT:
    case ERR_DNS_NXDOMAIN:
    case ERR_FORBIDDEN:
        return HOP_AGENT;
    default:
        return HOP_API;
    }
}

static const char *hop_text(enum hop hop)
{
    switch (hop) {
    case HOP_TUNNEL:
        return "the tunnel to its agent does not answer";
    case HOP_AGENT:
        return "its agent does not reach its API";
    case HOP_MANAGER:
        return "the manager has no room for more connections";
    case HOP_API:
        break;
    }
    return "its API does not answer";
}

static int code_of(enum hop hop, const struct err *err)
{
    if (err->code == ERR_TIMEOUT)
        return 504;
    return hop == HOP_TUNNEL || hop == HOP_MANAGER ? 503 : 502;
}

/* The tunnel's own error says more than that the local connection was reset by it. */
static const struct err *tunnel_error(const struct request *r)
{
    struct proxy_way way;
    const struct proxy_options *o = &r->proxy->options;
    return o->way(o->owner, r->id, &way) && way.failed != r->failed ? way.last : NULL;
}

static void fail_call(struct request *r, const struct err *err)
{
    struct buf text = {0};
    bool cut = err->code == ERR_CONN_RESET || err->code == ERR_EOF;
    const struct err *cause = cut ? tunnel_error(r) : NULL;
    enum hop hop = cause                          ? hop_of(cause->code)
                   : err->code == ERR_UNAVAILABLE ? HOP_MANAGER
                                                  : HOP_API;
    int code = code_of(hop, cause ? cause : err);
    static const char *const reasons[] = {"BadGateway", "ServiceUnavailable", "Timeout"};
    buf_addf(&text, "cluster " STR_FMT ": %s: %s", STR_ARG(r->id), hop_text(hop),
             (cause ? cause : err)->message);
    fail(r, hop, status(code, reasons[code - 502], buf_str(&text)));
    buf_free(&text);
}

/* ---- bytes ---- */

static void account(struct request *r, int64_t *bytes, size_t n)
{
    uint64_t x = http_exchange_copied(r->x), call = http_call_copied(r->call);
    *bytes += (int64_t)n;
    *r->proxy->copied += (int64_t)(x - r->seen_x) + (int64_t)(call - r->seen);
    r->seen_x = x;
    r->seen = call;
}

static void on_request_data(void *data, struct http_exchange *x, struct str piece)
{
    struct request *r = data;
    if (!r->call)
        return;
    http_call_write(r->call, piece);
    account(r, r->proxy->bytes_up, piece.n);
    if (http_call_queued(r->call) > WORLD_STREAM_LOW)
        http_read_pause(x);
}

static void on_request_end(void *data, struct http_exchange *x)
{
    struct request *r = data;
    (void)x;
    if (r->call)
        http_call_end(r->call);
}

static void on_sent(void *owner)
{
    struct request *r = owner;
    http_read_resume(r->x);
}

static void on_taken(void *data)
{
    struct request *r = data;
    if (r->call)
        http_call_resume(r->call);
}

static bool on_head(void *owner, const struct http_response *a)
{
    struct request *r = owner;
    struct http_headers headers = {0};
    if (!proxy_fields_answer(&a->headers, &headers)) {
        http_headers_free(&headers);
        fail_unavailable(r, HOP_API, "its API answers with headers that cannot be passed on");
        return true;
    }
    r->answering = true;
    count(r->proxy, a->status);
    http_answer_on_drained(r->x, on_taken);
    http_answer_start(r->x, a->status, &headers);
    http_headers_free(&headers);
    return true;
}

static void on_answer_data(void *owner, struct str piece)
{
    struct request *r = owner;
    http_answer_write(r->x, piece);
    account(r, r->proxy->bytes_down, piece.n);
    if (http_answer_queued(r->x) > WORLD_STREAM_LOW)
        http_call_pause(r->call);
}

static void on_done(void *owner, const struct http_response *a, const struct err *err)
{
    struct request *r = owner;
    struct http_exchange *x = r->x;
    (void)a;
    r->call = NULL;
    if (err) {
        fail_call(r, err);
        return;
    }
    http_exchange_set(x, NULL, NULL);
    request_free(r);
    http_answer_end(x);
}

static void on_upgraded(void *owner, const struct http_response *a,
                        struct world_stream *take_stream, struct str early)
{
    struct request *r = owner;
    struct proxy *p = r->proxy;
    struct http_headers headers = {0};
    struct buf more = {0};
    r->call = NULL;
    if (!proxy_fields_answer(&a->headers, &headers) ||
        !http_headers_add(&headers, STR("Upgrade"), http_headers_get(&a->headers, "Upgrade"))) {
        world_stream_abort(take_stream);
        fail_unavailable(r, HOP_API, "its API answers with headers that cannot be passed on");
    } else {
        struct http_exchange *x = r->x;
        http_exchange_set(x, NULL, NULL);
        request_free(r);
        count(p, 101);
        struct world_stream *caller = http_upgrade(x, &headers, &more);
        pipe_join(&p->pipes, caller, buf_str(&more), take_stream, early);
    }
    http_headers_free(&headers);
    buf_free(&more);
}

/* ---- to the cluster ---- */

/* The exchange's body: < 0 in chunks; else its length, 0: none. */
static int64_t body_length(const struct http_headers *h)
{
    uint64_t n = 0;
    if (http_headers_has(h, "Transfer-Encoding"))
        return -1;
    return str_to_u64(http_headers_get(h, "Content-Length"), &n) ? (int64_t)n : 0;
}

static bool fields(const struct request *r, const struct auth_user *user,
                   const struct proxy_way *way, struct http_headers *out)
{
    struct world_stream *s = http_stream(r->x);
    struct world_addr peer = world_stream_peer(s);
    struct proxy_fields_from from = {.user = user,
                                     .token = way->token,
                                     .peer = str_c(peer.host),
                                     .tls = !r->proxy->options.plain};
    return proxy_fields_request(http_request_headers(r->x), &from, out) &&
           http_headers_add(out, STR("X-Request-Id"), http_request_id(r->x));
}

static void start(struct request *r, const struct proxy_way *way,
                  const struct http_headers *headers)
{
    static const struct http_call_handler handler = {.head = on_head,
                                                     .data = on_answer_data,
                                                     .done = on_done,
                                                     .drained = on_sent,
                                                     .upgraded = on_upgraded};
    const struct http_headers *in = http_request_headers(r->x);
    struct world_tls tls = {
        .server_name = way->host, .ca_pem = way->ca_pem, .alpn = STR("http/1.1")};
    struct buf method = {0};
    buf_add(&method, http_method(r->x));
    struct http_request request = {.address = way->address,
                                   .tls = way->plain ? NULL : &tls,
                                   .host = way->host,
                                   .method = buf_c(&method),
                                   .target = r->target,
                                   .headers = headers,
                                   .timeout = -1,
                                   .head_timeout = PROXY_HEAD_TIMEOUT,
                                   .body_length = body_length(in),
                                   .upgrade = proxy_fields_upgrade(in)};
    request.body_streamed = request.body_length != 0;
    r->failed = way->failed;
    r->call = http_call_start(r->proxy->http, &request, &handler, r);
    r->seen_x = http_exchange_copied(r->x);
    r->seen = http_call_copied(r->call);
    if (request.body_streamed)
        http_read_stream(r->x, on_request_data, on_request_end);
    buf_free(&method);
}

static void forward(struct request *r, const struct auth_user *user)
{
    const struct proxy_options *o = &r->proxy->options;
    struct proxy_way way = {0};
    struct http_headers headers = {0};
    if (!kube_informer_get(o->clusters, r->id)) {
        struct buf text = {0};
        buf_addf(&text, "there is no cluster " STR_FMT, STR_ARG(r->id));
        fail(r, HOP_MANAGER, status(404, "NotFound", buf_str(&text)));
        buf_free(&text);
    } else if (!o->way(o->owner, r->id, &way)) {
        fail_unavailable(r, HOP_MANAGER, "its agent has not registered it yet");
    } else if (!tunnel_router_may_reach(o->router, r->id)) {
        fail_unavailable(r, HOP_TUNNEL, "its agent is not connected");
    } else if (!fields(r, user, &way, &headers)) {
        fail(r, HOP_MANAGER,
             status(400, "BadRequest", STR("the headers of the request cannot be passed on")));
    } else {
        start(r, &way, &headers);
    }
    http_headers_free(&headers);
}

/* ---- who asks ---- */

static void on_verdict(void *owner, const struct auth_verdict *v)
{
    struct request *r = owner;
    r->asked = NULL;
    if (v->status == 200)
        forward(r, v->user);
    else
        fail(r, HOP_MANAGER,
             status(v->status,
                    v->status == 401   ? "Unauthorized"
                    : v->status == 403 ? "Forbidden"
                                       : "ServiceUnavailable",
                    v->message));
}

static void ask(struct request *r)
{
    struct auth_verdict known;
    struct str by = http_headers_get(http_request_headers(r->x), "Authorization");
    r->asked = auth_ask(r->proxy->options.auth, by, r->id, &known, on_verdict, r);
    if (!r->asked)
        on_verdict(r, &known);
}

/* What is wrong with the request itself; code 0: nothing is. */
static struct kube_status check(const struct proxy *p, struct http_exchange *x)
{
    const struct http_headers *h = http_request_headers(x);
    struct str method = http_method(x);
    bool upgrades = proxy_fields_upgrade(h).n > 0;
    if (proxy_fields_impersonate(h))
        return status(403, "Forbidden",
                      STR("impersonation is not possible through the manager: ask the cluster's "
                          "API itself, or log in as that user"));
    if (str_eq_c(method, "CONNECT") || str_eq_c(method, "TRACE"))
        return status(405, "MethodNotAllowed", STR("this method is not passed on"));
    if (http_headers_count(h, "Authorization") > 1)
        return status(400, "BadRequest", STR("Authorization is repeated"));
    if (upgrades && body_length(h) != 0)
        return status(400, "BadRequest", STR("an upgrade has no body"));
    if (p->open_n + p->pipes.n >= PROXY_OPEN_MAX) {
        struct kube_status s =
            status(429, "TooManyRequests", STR("too many requests to clusters: try again"));
        s.retry_after_s = 1;
        return s;
    }
    return status(0, "", str_empty);
}

void proxy_handle(struct proxy *p, struct http_exchange *x, struct str rest)
{
    struct str id;
    struct buf target = {0};
    struct kube_status s = check(p, x);
    if (s.code == 0 && !proxy_target_read(rest, &id, &target))
        s = status(400, "BadRequest",
                   STR("the path must be /k8s/clusters/ID/...: the id is malformed"));
    if (s.code == 0 && !kube_informer_synced(p->options.clusters))
        s = status(503, "ServiceUnavailable", STR("starting: the caches are not filled yet"));
    if (s.code) {
        refuse(p, x, HOP_MANAGER, s);
        buf_free(&target);
        return;
    }
    struct request *r = MEM_NEW(struct request);
    r->proxy = p;
    r->x = x;
    r->id = str_dup(id);
    r->target = buf_take(&target);
    list_add_tail(&p->open, &r->node);
    p->open_n++;
    ++*p->open_gauge;
    http_exchange_set(x, r, request_free);
    ask(r);
}

/* ---- life ---- */

struct proxy *proxy_new(const struct proxy_options *options)
{
    static const char help[] = "bytes of bodies and upgraded connections passed on";
    struct proxy *p = MEM_NEW(struct proxy);
    struct metrics *m = options->metrics;
    p->options = *options;
    p->http = http_client_new(options->world);
    list_init(&p->open);
    pipes_init(&p->pipes);
    p->open_gauge = metrics_cell(m, METRIC_GAUGE, "paddock_proxy_open", str_empty,
                                 "requests to clusters under way");
    p->pipes.open_gauge =
        metrics_cell(m, METRIC_GAUGE, "paddock_proxy_upgraded_open", str_empty,
                     "connections to clusters that went over to another protocol");
    p->bytes_up =
        metrics_cell(m, METRIC_COUNTER, "paddock_proxy_bytes_total", STR("to=\"cluster\""), help);
    p->bytes_down =
        metrics_cell(m, METRIC_COUNTER, "paddock_proxy_bytes_total", STR("to=\"caller\""), help);
    p->copied = metrics_cell(m, METRIC_COUNTER, "paddock_proxy_copied_bytes_total", str_empty,
                             "the same, once for each time that they were copied in this process");
    p->pipes.bytes[0] = p->bytes_up;
    p->pipes.bytes[1] = p->bytes_down;
    p->pipes.copied = p->copied;
    return p;
}

void proxy_free(struct proxy *p)
{
    if (!p)
        return;
    BUG_ON(!list_empty(&p->open), "the HTTP server goes first");
    pipes_free(&p->pipes);
    http_client_free(p->http);
    mem_free(p);
}
