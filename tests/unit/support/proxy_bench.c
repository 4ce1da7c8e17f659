#include "tests/unit/support/proxy_bench.h"

#include "tests/unit/support/check.h"

/* ---- outside ---- */

static bool on_head(void *owner, const struct http_response *r)
{
    struct proxy_bench *pb = owner;
    struct str name, value;
    pb->status = r->status;
    http_headers_clear(&pb->headers);
    for (size_t i = 0; http_headers_at(&r->headers, i, &name, &value); i++)
        assert_true(http_headers_add(&pb->headers, name, value));
    return true;
}

static void on_data(void *owner, struct str piece)
{
    struct proxy_bench *pb = owner;
    pb->body_n += piece.n;
    if (pb->keep_body)
        buf_add(&pb->body, piece);
}

static void on_done(void *owner, const struct http_response *r, const struct err *err)
{
    struct proxy_bench *pb = owner;
    (void)r;
    pb->done = true;
    if (err) {
        pb->status = 0;
        err_print(err, &pb->error);
    }
}

const struct http_call_handler proxy_bench_handler = {
    .head = on_head, .data = on_data, .done = on_done};

static struct sim_process *process(struct bench *b, const char *name, const char *address,
                                   const char *zone)
{
    struct sim_host_options host = {str_c(name), str_c(address), str_c(zone)};
    struct sim_process_options o = {.name = str_c(name), .host = sim_host_new(b->sim, &host)};
    struct sim_process *p = sim_process_new(b->sim, &o);
    check_ok(sim_process_start(p));
    return p;
}

void proxy_bench_open(struct proxy_bench *pb, uint64_t seed, size_t managers)
{
    struct policies p = policies_hardened();
    *pb = (struct proxy_bench){.b = bench_with(seed, &p, managers, 1), .keep_body = true};
    pb->outside = process(pb->b, "outside", "198.51.100.1", "outside");
    pb->http = http_client_new(sim_process_world(pb->outside));
    pb->tls = (struct world_tls){.server_name = STR(BENCH_MANAGER_NAME),
                                 .ca_pem = authority_pem(pb->b->manager_ca)};
}

void proxy_bench_close(struct proxy_bench *pb)
{
    http_client_free(pb->http);
    http_server_free(pb->backend);
    buf_free(&pb->body);
    buf_free(&pb->error);
    buf_free(&pb->seen);
    http_headers_free(&pb->headers);
    bench_free(pb->b);
}

struct http_call *proxy_start(struct proxy_bench *pb, struct http_request *r, const char *token)
{
    struct http_headers own = {0};
    struct buf by = {0};
    r->address = world_addr_make(STR(PROXY_MANAGER), 443);
    r->tls = &pb->tls;
    r->host = STR(BENCH_MANAGER_NAME);
    if (!r->headers) {
        buf_addf(&by, "Bearer %s", token ? token : "");
        if (token)
            http_headers_add_c(&own, "Authorization", buf_c(&by));
        r->headers = &own;
    }
    pb->done = false;
    pb->status = 0;
    pb->body_n = 0;
    buf_clear(&pb->body);
    buf_clear(&pb->error);
    struct http_call *call = http_call_start(pb->http, r, &proxy_bench_handler, pb);
    http_headers_free(&own);
    buf_free(&by);
    return call;
}

void proxy_wait(struct proxy_bench *pb)
{
    for (int i = 0; !pb->done && i < 12000; i++)
        bench_run(pb->b, 10 * NS_PER_MS);
    assert_true(pb->done);
}

int proxy_ask(struct proxy_bench *pb, const char *method, const char *target, const char *token,
              const char *headers, const char *body)
{
    struct http_headers h = {0};
    struct buf by = {0};
    struct str rest = str_c(headers), line, name, value;
    buf_addf(&by, "Bearer %s", token ? token : "");
    if (token)
        http_headers_add_c(&h, "Authorization", buf_c(&by));
    while (rest.n) {
        (void)str_cut(rest, '\n', &line, &rest);
        assert_true(str_cut(line, ':', &name, &value));
        assert_true(http_headers_add(&h, name, str_trim(value)));
    }
    struct http_request r = {.method = method,
                             .target = str_c(target),
                             .headers = &h,
                             .body = str_c(body),
                             .timeout = 100 * S};
    (void)proxy_start(pb, &r, token);
    proxy_wait(pb);
    http_headers_free(&h);
    buf_free(&by);
    return pb->status;
}

/* ---- raw ---- */

struct raw {
    struct proxy_bench *pb;
    struct world_stream *stream;
    bool closed;
};

static void raw_open(void *owner)
{
    (void)owner;
}

static void raw_data(void *owner, struct str bytes)
{
    const struct raw *raw = owner;
    buf_add(&raw->pb->body, bytes);
}

static void raw_end(void *owner)
{
    (void)owner;
}

static void raw_closed(void *owner, const struct err *err)
{
    struct raw *raw = owner;
    (void)err;
    raw->closed = true;
}

void proxy_raw(struct proxy_bench *pb, const char *bytes, size_t n)
{
    static const struct world_stream_handler handler = {
        .open = raw_open, .data = raw_data, .end = raw_end, .closed = raw_closed};
    struct raw raw = {.pb = pb};
    struct world_connect o = {.address = world_addr_make(STR(PROXY_MANAGER), 443), .tls = &pb->tls};
    buf_clear(&pb->body);
    raw.stream = world_stream_connect(sim_process_world(pb->outside), &o, &handler, &raw);
    world_stream_write(raw.stream, (struct str){bytes, n});
    for (int i = 0; !raw.closed && i < 100; i++)
        bench_run(pb->b, 10 * NS_PER_MS);
    if (!raw.closed)
        world_stream_abort(raw.stream);
}

/* ---- inside ---- */

static void on_asked(void *owner, struct http_exchange *x)
{
    struct proxy_bench *pb = owner;
    struct str name, value;
    if (!http_headers_has(http_request_headers(x), "X-Forwarded-For")) { /* a controller's */
        http_answer(x, 503, NULL, NULL, str_empty);
        return;
    }
    pb->asked++;
    buf_clear(&pb->seen);
    buf_addf(&pb->seen, STR_FMT " " STR_FMT "\n", STR_ARG(http_method(x)), STR_ARG(http_target(x)));
    for (size_t i = 0; http_headers_at(http_request_headers(x), i, &name, &value); i++)
        buf_addf(&pb->seen, STR_FMT ": " STR_FMT "\n", STR_ARG(name), STR_ARG(value));
    if (pb->handle)
        pb->handle(pb, x);
    else
        http_answer(x, 200, "text/plain", NULL, STR("fine"));
}

void proxy_bench_backend(struct proxy_bench *pb)
{
    pb->inside = process(pb->b, "inside", PROXY_BACKEND, "c-0");
    pb->backend = http_server_new(sim_process_world(pb->inside), NULL, on_asked, pb);
    struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), 8080)};
    check_ok(http_server_listen(pb->backend, &listen, NULL));
    bench_patch_cluster(pb->b, "c-0",
                        "{\"status\":{\"apiEndpoint\":\"http://" PROXY_BACKEND ":8080\"}}");
    bench_run(pb->b, 2 * S);
}

bool proxy_says(const struct proxy_bench *pb, const char *text)
{
    return str_find(buf_str(&pb->body), str_c(text)) >= 0;
}

bool proxy_saw(const struct proxy_bench *pb, const char *text)
{
    return str_find(buf_str(&pb->seen), str_c(text)) >= 0;
}

struct server *proxy_server(const struct proxy_bench *pb)
{
    return sim_process_instance(pb->b->managers[0].process);
}

int64_t proxy_metric(const struct proxy_bench *pb, const char *name)
{
    return metrics_sum(server_metrics(proxy_server(pb)), name);
}
