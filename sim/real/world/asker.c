/* Requests from inside a namespace. */
#include "sim/real/world/asker.h"

#include "engine/base/list.h"
#include "sim/real/world/inside.h"

#define CALLS_BODY_MAX ((size_t)64 << 20)

struct asker {
    struct world *w;
    struct http_client *http;
    int netns;
    struct world_addr address;
    bool has_tls;
    struct world_tls tls;
    struct str cert_pem, key_pem, token, host; /* owned */
    struct list calls;
    size_t calls_n;
};

struct question {
    struct list link;
    struct asker *asker;
    asker_done done;
    void *owner;
};

struct asker *asker_new(const struct asker_options *o)
{
    struct asker *a = MEM_NEW(struct asker);
    struct buf host = {0};
    a->w = o->w;
    a->http = http_client_new(o->w);
    a->netns = o->netns;
    a->address = o->address;
    a->has_tls = o->tls;
    a->cert_pem = str_dup(o->cert_pem);
    a->key_pem = str_dup(o->key_pem);
    a->token = str_dup(o->token);
    world_addr_print(&o->address, &host);
    a->host = str_dup(o->host.n ? o->host : buf_str(&host));
    a->tls = (struct world_tls){.insecure = true, .cert_pem = a->cert_pem, .key_pem = a->key_pem};
    list_init(&a->calls);
    buf_free(&host);
    return a;
}

void asker_free(struct asker *a)
{
    if (!a)
        return;
    http_client_free(a->http);
    while (!list_empty(&a->calls)) {
        struct question *q = container_of(a->calls.next, struct question, link);
        list_remove(&q->link);
        mem_free(q);
    }
    str_free(&a->cert_pem);
    str_free(&a->key_pem);
    str_free(&a->token);
    str_free(&a->host);
    mem_free(a);
}

void asker_set_token(struct asker *a, struct str token)
{
    struct str copy = str_dup(token);
    str_free(&a->token);
    a->token = copy;
}

static void on_done(void *owner, const struct http_response *r, const struct err *err)
{
    struct question *q = owner;
    asker_done done = q->done;
    void *to = q->owner;
    list_remove(&q->link);
    q->asker->calls_n--;
    mem_free(q);
    done(to, err ? 0 : r->status, err ? str_empty : buf_str(&r->body));
}

static const struct http_call_handler handler = {.done = on_done};

void asker_send(struct asker *a, const char *method, struct str target, const char *content_type,
                struct str body, asker_done done, void *owner)
{
    struct http_headers headers = {0};
    struct buf bearer = {0};
    if (a->calls_n == ASKER_CALLS_MAX) {
        done(owner, 0, str_empty);
        return;
    }
    struct question *q = MEM_NEW(struct question);
    *q = (struct question){.asker = a, .done = done, .owner = owner};
    list_add_tail(&a->calls, &q->link);
    a->calls_n++;
    buf_addf(&bearer, "Bearer " STR_FMT, STR_ARG(a->token));
    bool plain =
        a->token.n == 0 || http_headers_add(&headers, STR("Authorization"), buf_str(&bearer));
    BUG_ON(!plain, "a token is a word");
    struct http_request r = {.address = a->address,
                             .tls = a->has_tls ? &a->tls : NULL,
                             .host = a->host,
                             .method = method,
                             .target = target,
                             .headers = &headers,
                             .body = body,
                             .content_type = content_type,
                             .timeout = ASKER_TIMEOUT,
                             .body_bytes_max = CALLS_BODY_MAX};
    int home = inside_enter(a->netns);
    (void)http_call_start(a->http, &r, &handler, q);
    inside_leave(home);
    http_headers_free(&headers);
    buf_free(&bearer);
}

static void on_watched(void *owner, int status, struct str body)
{
    struct asker_watch *w = owner;
    w->under_way = false;
    w->done(w->owner, status, body);
}

void asker_watch_look(struct asker_watch *w, int64_t now_ns)
{
    if ((w->under_way && w->asked == w->asker) || now_ns < w->due_ns)
        return;
    w->under_way = true;
    w->asked = w->asker;
    w->due_ns = now_ns + w->every_ns;
    asker_get(w->asker, w->target, on_watched, w);
}
