/* A proxy without WebSockets. */
#include "sim/real/world/middlebox.h"

#include "engine/base/list.h"
#include "engine/http/client.h"
#include "engine/http/server.h"
#include "sim/real/world/inside.h"

#include <string.h>

#define METHOD_BYTES 16u

struct middlebox {
    struct rig_site *site;
    struct world *w;
    struct http_server *server;
    struct http_client *client;
    struct str cert_pem, key_pem; /* owned */
    struct list passing;
    size_t next; /* replicas have their turns */
    uint64_t *stripped;
};
/* A request on its way. */
struct passing {
    struct list link;
    struct middlebox *middlebox;
    struct http_exchange *x;
    struct http_call *call;
};

static void passing_free(struct passing *p)
{
    list_remove(&p->link);
    mem_free(p);
}

static void on_gone(void *data)
{
    struct passing *p = data;
    http_call_cancel(p->call);
    passing_free(p);
}

static bool is_of_the_hop(struct str name)
{
    static const char *const names[] = {"upgrade",    "connection",     "host",
                                        "keep-alive", "content-length", "transfer-encoding"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq_nocase(name, str_c(names[i])))
            return true;
    return false;
}

static void copy_headers(const struct http_headers *from, struct http_headers *to)
{
    struct str name, value;
    for (size_t i = 0; http_headers_at(from, i, &name, &value); i++)
        if (!is_of_the_hop(name) && !http_headers_add(to, name, value))
            continue; /* one that breaks the rules goes no further */
}

static void on_answer(void *owner, const struct http_response *r, const struct err *err)
{
    struct passing *p = owner;
    struct http_headers headers = {0};
    p->call = NULL;
    http_exchange_set(p->x, NULL, NULL); /* it is the server's alone from here on */
    if (err || !r) {
        http_answer(p->x, 502, "text/plain", NULL, STR("bad gateway\n"));
    } else {
        copy_headers(&r->headers, &headers);
        http_answer(p->x, r->status, NULL, &headers, buf_str(&r->body));
    }
    http_headers_free(&headers);
    passing_free(p);
}

static const struct http_call_handler handler = {.done = on_answer};

static struct rig_replica *next_replica(struct middlebox *p)
{
    for (size_t i = 0; i < p->site->replicas_n; i++) {
        struct rig_replica *r = &p->site->replicas[p->next++ % p->site->replicas_n];
        if (r->process.ready)
            return r;
    }
    return NULL;
}

static void on_body(void *data, struct http_exchange *x, struct str body)
{
    struct passing *p = data;
    struct middlebox *box = p->middlebox;
    struct rig_replica *to = next_replica(box);
    struct http_headers headers = {0};
    char method[METHOD_BYTES] = "GET";
    struct world_tls tls = {.insecure = true};
    if (!to) {
        http_exchange_set(x, NULL, NULL);
        http_answer(x, 503, "text/plain", NULL, STR("nobody serves\n"));
        passing_free(p);
        return;
    }
    const struct http_headers *given = http_request_headers(x);
    *box->stripped += http_headers_has(given, "Upgrade");
    copy_headers(given, &headers);
    struct str verb = http_method(x);
    if (verb.n < sizeof method) {
        memcpy(method, verb.p, verb.n);
        method[verb.n] = 0;
    }
    struct http_request r = {.address = world_addr_make(to->host.address, RIG_PORT),
                             .tls = &tls,
                             .host = http_headers_get(given, "Host"),
                             .method = method,
                             .target = http_target(x),
                             .headers = &headers,
                             .body = body};
    int home = inside_enter(box->site->front.netns);
    p->call = http_call_start(box->client, &r, &handler, p);
    inside_leave(home);
    http_headers_free(&headers);
}

static void on_request(void *owner, struct http_exchange *x)
{
    struct middlebox *box = owner;
    struct passing *p = MEM_NEW(struct passing);
    *p = (struct passing){.middlebox = box, .x = x};
    list_add_tail(&box->passing, &p->link);
    http_exchange_set(x, p, on_gone);
    http_read_all(x, on_body);
}

struct err *middlebox_new(struct rig_site *site, uint64_t *stripped, struct middlebox **out)
{
    struct middlebox *p = MEM_NEW(struct middlebox);
    struct rig *r = site->rig;
    p->site = site;
    p->w = r->w;
    p->stripped = stripped;
    list_init(&p->passing);
    p->client = http_client_new(r->w);
    p->server = http_server_new(r->w, NULL, on_request, p);
    struct err *err = rig_read("manager.pem", r, &p->cert_pem);
    if (!err)
        err = rig_read("manager.key", r, &p->key_pem);
    struct world_tls tls = {.cert_pem = p->cert_pem, .key_pem = p->key_pem};
    struct world_listen at = {.address = world_addr_make(site->front.address, RIG_PORT),
                              .tls = &tls};
    if (!err) {
        int home = inside_enter(site->front.netns);
        err = http_server_listen(p->server, &at, NULL);
        inside_leave(home);
    }
    if (err) {
        middlebox_free(p);
        return err;
    }
    *out = p;
    return NULL;
}

void middlebox_free(struct middlebox *p)
{
    if (!p)
        return;
    http_server_free(p->server); /* what passes is gone by it, and its calls are cancelled */
    http_client_free(p->client);
    while (!list_empty(&p->passing))
        passing_free(container_of(p->passing.next, struct passing, link));
    str_free(&p->cert_pem);
    str_free(&p->key_pem);
    mem_free(p);
}
