#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/kubeapi_remote.h"

#include <stdio.h>

#define SOON (10 * NS_PER_MS)

static bool on_head(void *owner, const struct http_response *r)
{
    ((struct remote *)owner)->status = r->status;
    return true;
}
static void on_data(void *owner, struct str piece)
{
    buf_add(&((struct remote *)owner)->text, piece);
}
static void on_done(void *owner, const struct http_response *r, const struct err *err)
{
    struct remote *w = owner;
    w->ended = true;
    w->failed = err != NULL;
    w->error = err ? err->code : ERR_INTERNAL;
    w->call = NULL;
}

void net_open(struct net *n, const struct kubeapi_options *options)
{
    static const struct str groups[] = {STR_INIT("system:masters")};
    static const struct kubeapi_token token = {STR_INIT("t"), STR_INIT("admin"), STR_INIT("1"),
                                               groups, 1};
    struct kubeapi_options with = options ? *options : (struct kubeapi_options){.events_max = 64};
    struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), 80)};
    with.bare = true;
    with.tokens = &token;
    with.tokens_n = 1;
    fixture_open(&n->f, &with);
    assert_null(kubeapi_listen(n->f.api, &listen, NULL));
    n->client = http_client_new(fake_of(n->f.world));
}

void net_close(struct net *n)
{
    http_client_free(n->client);
    fake_run_for(n->f.world, NS_PER_S);
    fixture_close(&n->f);
}

void net_run(struct net *n, world_time delay)
{
    fake_run_for(n->f.world, delay);
}

void net_make(struct net *n, const char *name, const char *tier)
{
    struct str body = arena_printf(
        &n->f.a, "{\"metadata\":{\"name\":\"%s\",\"labels\":{\"tier\":\"%s\"}}}", name, tier);
    must(&n->f, 201, "POST", CM, body.p);
    net_run(n, SOON);
}

uint64_t net_revision(struct net *n)
{
    return store_revision(kubeapi_store(n->f.api));
}

const char *net_at(struct net *n, const char *text, uint64_t revision)
{
    char number[24];
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)revision);
    return arena_printf(&n->f.a, "%s%s", text, number).p;
}

void remote_send(struct net *n, struct remote *w, const char *method, const char *target,
                 const char *body)
{
    static const struct http_call_handler handler = {
        .head = on_head, .data = on_data, .done = on_done};
    struct http_headers headers = {0};
    http_headers_add_c(&headers, "Authorization", "Bearer t");
    if (n->f.accept)
        http_headers_add_c(&headers, "Accept", n->f.accept);
    struct http_request r = {.address = world_addr_make(STR("127.0.0.1"), 80),
                             .host = STR("api"),
                             .method = method,
                             .target = str_c(target),
                             .headers = &headers,
                             .body = str_c(body),
                             .content_type = body ? "application/json" : NULL,
                             .timeout = -1};
    *w = (struct remote){0};
    w->call = http_call_start(n->client, &r, &handler, w);
    http_headers_free(&headers);
}

void remote_start(struct net *n, struct remote *w, const char *method, const char *target,
                  const char *body)
{
    remote_send(n, w, method, target, body);
    net_run(n, SOON);
}

void remote_cancel(struct remote *w)
{
    http_call_cancel(w->call);
    buf_free(&w->text);
}

void remote_stop(struct net *n, struct remote *w)
{
    remote_cancel(w);
    net_run(n, SOON);
}

const char *remote_heard(struct net *n, const struct remote *w)
{
    struct buf out = {0};
    struct str rest = buf_str(&w->text), line;
    while (rest.n > 0) {
        cJSON *e = NULL;
        (void)str_cut(rest, '\n', &line, &rest);
        assert_null(json_parse(&n->f.a, line, &e));
        struct str type = json_string_at(e, "type");
        buf_addf(&out, "%s%c" STR_FMT, out.n ? " " : "", type.p[0],
                 STR_ARG(json_string_at(e, "object.metadata.name")));
    }
    const char *text = arena_c(&n->f.a, buf_str(&out));
    buf_free(&out);
    return text;
}
