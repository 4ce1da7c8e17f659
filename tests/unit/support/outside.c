#include "tests/unit/support/outside.h"

#include "engine/kube/served.h"
#include "tests/unit/support/check.h"

static void on_answer(void *owner, const struct http_response *r, const struct err *err)
{
    struct outside *o = owner;
    o->done = true;
    o->status = r && !err ? r->status : 0;
    buf_clear(&o->body);
    buf_clear(&o->age);
    if (r)
        buf_add(&o->body, buf_str(&r->body));
    if (r)
        buf_add(&o->age, http_headers_get(&r->headers, KUBE_DATA_AGE_HEADER));
}

static int run(struct outside *o, const struct http_request *r)
{
    static const struct http_call_handler handler = {.done = on_answer};
    o->done = false;
    http_call_start(o->http, r, &handler, o);
    for (int i = 0; !o->done && i < 6000; i++)
        bench_run(o->b, 10 * NS_PER_MS);
    assert_true(o->done);
    return o->status;
}

int outside_ask(struct outside *o, const char *target, const char *token)
{
    struct world_tls tls = {.server_name = STR(BENCH_MANAGER_NAME),
                            .ca_pem = authority_pem(o->b->manager_ca)};
    struct http_headers headers = {0};
    struct buf by = {0};
    if (token) {
        buf_addf(&by, "Bearer %s", token);
        http_headers_add_c(&headers, "Authorization", buf_c(&by));
    }
    struct http_request r = {.address = world_addr_make(STR(OUTSIDE_MANAGER), 443),
                             .tls = &tls,
                             .host = STR(BENCH_MANAGER_NAME),
                             .method = "GET",
                             .target = str_c(target),
                             .headers = &headers,
                             .timeout = 60 * S};
    int status = run(o, &r);
    http_headers_free(&headers);
    buf_free(&by);
    return status;
}

int outside_ask_plain(struct outside *o, const struct world_addr *address, const char *target)
{
    struct http_request r = {.address = *address,
                             .host = STR("metrics"),
                             .method = "GET",
                             .target = str_c(target),
                             .timeout = 60 * S};
    return run(o, &r);
}

void outside_open(struct outside *o, uint64_t seed, const struct policies *p, size_t managers)
{
    *o = (struct outside){.b = bench_with(seed, p, managers, 1)};
    struct sim_host_options host = {STR("outside"), STR("198.51.100.1"), STR("outside")};
    struct sim_process_options po = {.name = STR("outside"),
                                     .host = sim_host_new(o->b->sim, &host)};
    o->p = sim_process_new(o->b->sim, &po);
    check_ok(sim_process_start(o->p));
    o->http = http_client_new(sim_process_world(o->p));
}

void outside_close(struct outside *o)
{
    http_client_free(o->http);
    buf_free(&o->body);
    buf_free(&o->age);
    bench_free(o->b);
}

bool outside_says(const struct outside *o, const char *text)
{
    return str_find(buf_str(&o->body), str_c(text)) >= 0;
}
