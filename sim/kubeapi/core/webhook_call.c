#include "sim/kubeapi/core/webhook_call.h"

#include "sim/kubeapi/core/stamps.h"

#include <stdio.h>

#include "engine/base/codec.h"
#include "engine/http/client.h"
#include "engine/http/url.h"

struct call {
    struct api_request *r;
    uint64_t key;
    struct str uid;
    bool started, ended;
    struct str target_text; /* of messages: "https://host:port/path?timeout=10s" */
    struct world_addr address;
    struct http_request request;
    struct world_tls tls;
    struct world_dns *dns;
    struct http_call *http;
    struct webhook_answer answer;
};
struct webhook_calls {
    struct arena a;
    struct map by_key;   /* the key's bytes → struct call * */
    struct map admitted; /* "uid/revision" of objects */
    size_t open;
    struct world_timer *timer; /* runs the request again, outside the callbacks of calls */
    world_time deadline;
};

static struct webhook_calls *calls_of(struct api_request *r)
{
    if (!r->calls) {
        r->calls = MEM_NEW(struct webhook_calls);
        r->calls->deadline = world_now(r->api->w) + r->timeout;
    }
    return r->calls;
}

static struct call *find(const struct api_request *r, uint64_t key)
{
    return r->calls ? map_get(&r->calls->by_key, (struct str){(const char *)&key, sizeof(key)})
                    : NULL;
}

static struct call *find_or_add(struct api_request *r, uint64_t key)
{
    struct webhook_calls *calls = calls_of(r);
    struct call *c = find(r, key);
    if (c || map_count(&calls->by_key) == WEBHOOK_CALLS_MAX)
        return c;
    c = ARENA_NEW(&calls->a, struct call);
    c->r = r;
    c->key = key;
    c->uid = api_new_uid(r->api, &calls->a);
    c->answer.error = str_empty;
    (void)map_put(&calls->by_key, (struct str){(const char *)&key, sizeof(key)}, c);
    return c;
}

struct str webhook_uid(struct api_request *r, uint64_t key)
{
    struct call *c = find_or_add(r, key);
    return c ? c->uid : str_empty;
}

/* ---- the end of a call ---- */

static void on_resume(void *owner)
{
    struct api_request *r = owner;
    if (r->suspended && r->calls->open == 0)
        r->resume(r);
}

static void end(struct call *c)
{
    struct webhook_calls *calls = c->r->calls;
    c->ended = true;
    if (--calls->open > 0 || !c->r->suspended)
        return;
    if (!calls->timer)
        calls->timer = world_timer_new(c->r->api->w, on_resume, c->r);
    world_timer_start(calls->timer, 0);
}

static void fail(struct call *c, const char *fmt, ...) printf_like(2, 3);
static void fail(struct call *c, const char *fmt, ...)
{
    struct buf b = {.max = 8192};
    va_list ap;
    va_start(ap, fmt);
    buf_addv(&b, fmt, ap);
    va_end(ap);
    c->answer.error = arena_str(&c->r->calls->a, buf_str(&b));
    buf_free(&b);
    end(c);
}

/* A failed connection, in the words of Go's client. */
static void fail_post(struct call *c, const struct err *err)
{
    struct buf where = {.max = 300};
    world_addr_print(&c->address, &where);
    struct str post =
        arena_printf(&c->r->calls->a, "Post \"" STR_FMT "\"", STR_ARG(c->target_text));
    switch (err->code) {
    case ERR_TIMEOUT:
        fail(c, STR_FMT ": context deadline exceeded", STR_ARG(post));
        break;
    case ERR_CONN_REFUSED:
        fail(c, STR_FMT ": dial tcp " STR_FMT ": connect: connection refused", STR_ARG(post),
             STR_ARG(buf_str(&where)));
        break;
    case ERR_UNREACHABLE:
        fail(c, STR_FMT ": dial tcp " STR_FMT ": connect: no route to host", STR_ARG(post),
             STR_ARG(buf_str(&where)));
        break;
    case ERR_TLS:
        fail(c, STR_FMT ": tls: failed to verify certificate: x509: %s", STR_ARG(post),
             err->message);
        break;
    case ERR_EOF:
        fail(c, STR_FMT ": EOF", STR_ARG(post));
        break;
    default:
        fail(c, STR_FMT ": %s", STR_ARG(post), err->message);
    }
    buf_free(&where);
}

static void on_done(void *owner, const struct http_response *answer, const struct err *err)
{
    struct call *c = owner;
    struct arena *a = &c->r->calls->a;
    c->http = NULL;
    if (err) {
        fail_post(c, err);
        return;
    }
    struct str body = arena_str(a, buf_str(&answer->body));
    if (answer->status == 404) {
        fail(c, "the server could not find the requested resource");
        return;
    }
    if (answer->status < 200 || answer->status > 206) {
        struct str text = str_trim(body);
        fail(c,
             "an error on the server (\"" STR_FMT "\") has prevented the request from succeeding",
             STR_ARG(text.n > 0 ? str_sub(text, 0, 2048) : STR("unknown")));
        return;
    }
    struct err *bad = json_parse(a, body, &c->answer.body);
    if (bad) {
        err_free(bad);
        fail(c, "couldn't get version/kind; json parse error: the answer is not JSON");
        return;
    }
    end(c);
}

/* ---- the start ---- */

static void connect_to(struct call *c, struct str host)
{
    static const struct http_call_handler handler = {.done = on_done};
    c->address = world_addr_make(host, c->address.port);
    c->request.address = c->address;
    c->request.tls = &c->tls;
    c->http = http_call_start(c->r->api->webhook_client, &c->request, &handler, c);
}

static void on_name(void *owner, const struct world_dns_answer *answer, const struct err *err)
{
    struct call *c = owner;
    c->dns = NULL;
    if (err || answer->n == 0)
        fail(c, "Post \"" STR_FMT "\": dial tcp: lookup " STR_FMT ": %s", STR_ARG(c->target_text),
             STR_ARG(c->tls.server_name),
             !err || err->code == ERR_DNS_NXDOMAIN ? "no such host" : err->message);
    else
        connect_to(c, str_c(answer->host[0]));
}

/* The entry with this member; NULL: there is none. */
static const cJSON *entry_of(const cJSON *list, const char *member, const cJSON *wanted)
{
    for (const cJSON *c = list ? list->child : NULL; c; c = c->next)
        if (wanted ? json_equal(json_get(c, member), wanted) : !json_get(c, member))
            return c;
    return NULL;
}

/* Of the endpoints that somebody wrote for a port of a service. Empty: there are none. */
static struct str endpoint_of(struct call *c, struct str ns, struct str name,
                              const cJSON *service_port, int64_t *port)
{
    struct arena *a = &c->r->calls->a;
    const struct kube_object *o = kubeapi_get(c->r->api, STR("endpoints"), ns, name);
    const cJSON *sets = o ? json_get(kube_object_tree(o, a), "subsets") : NULL;
    for (const cJSON *set = sets ? sets->child : NULL; set; set = set->next) {
        const cJSON *addresses = json_get(set, "addresses");
        const cJSON *found =
            entry_of(json_get(set, "ports"), "name", json_get(service_port, "name"));
        if (!found || !addresses || !addresses->child)
            continue;
        *port = json_int_at(found, "port", *port);
        return json_string_at(addresses->child, "ip");
    }
    return str_empty;
}

/* Where a service is: at its endpoints (nobody routes its address here), else at its address. Empty: *why. */
static struct str service_host(struct call *c, struct str ns, struct str name, int64_t *port,
                               struct str *why)
{
    struct arena *a = &c->r->calls->a;
    const struct kube_object *o = kubeapi_get(c->r->api, STR("services"), ns, name);
    const cJSON *spec = o ? json_get(kube_object_tree(o, a), "spec") : NULL;
    *why = arena_printf(a, "service \"" STR_FMT "\" not found", STR_ARG(name));
    if (!spec)
        return str_empty;
    if (str_eq_c(json_string_at(spec, "type"), "ExternalName"))
        return json_string_at(spec, "externalName");
    const cJSON *wanted = entry_of(json_get(spec, "ports"), "port", json_int_new(a, *port));
    *why = arena_printf(a, "no service port %lld found for service \"" STR_FMT "\"",
                        (long long)*port, STR_ARG(name));
    if (!wanted)
        return str_empty;
    struct str host = endpoint_of(c, ns, name, wanted, port);
    if (host.n > 0)
        return host;
    *why = STR("cannot route to service with ClusterIP \"None\"");
    struct str ip = json_string_at(spec, "clusterIP");
    return str_eq_c(ip, "None") ? str_empty : ip;
}

/* {service}: false: failed. */
static bool aim_at_service(struct call *c, const cJSON *service, int64_t timeout_s,
                           struct str *host, struct str *path)
{
    struct arena *a = &c->r->calls->a;
    struct str ns = json_string_at(service, "namespace"), name = json_string_at(service, "name");
    int64_t port = json_int_at(service, "port", 443);
    *path = json_string_at(service, "path");
    if (path->n == 0)
        *path = STR("/");
    c->tls.server_name = arena_printf(a, STR_FMT "." STR_FMT ".svc", STR_ARG(name), STR_ARG(ns));
    c->target_text = arena_printf(a, "https://" STR_FMT ":%lld" STR_FMT "?timeout=%llds",
                                  STR_ARG(c->tls.server_name), (long long)port, STR_ARG(*path),
                                  (long long)timeout_s);
    struct str why;
    *host = service_host(c, ns, name, &port, &why);
    c->request.host = c->tls.server_name;
    c->address.port = (uint16_t)port;
    if (host->n > 0)
        return true;
    fail(c, "Post \"" STR_FMT "\": " STR_FMT, STR_ARG(c->target_text), STR_ARG(why));
    return false;
}

static bool aim_at_url(struct call *c, struct str text, int64_t timeout_s, struct str *host,
                       struct str *path)
{
    struct arena *a = &c->r->calls->a;
    struct url u;
    struct err *err = url_parse(text, &u);
    if (err || !u.tls) {
        fail(c, "Post \"" STR_FMT "\": %s", STR_ARG(text), err ? err->message : "not https");
        err_free(err);
        return false;
    }
    *host = arena_str(a, u.host);
    *path = arena_str(a, u.target);
    c->target_text = arena_printf(a, STR_FMT "%stimeout=%llds", STR_ARG(text),
                                  str_find_char(text, '?') >= 0 ? "&" : "?", (long long)timeout_s);
    c->tls.server_name = *host;
    c->request.host = *host;
    c->address.port = u.port;
    return true;
}

static void take_bundle(struct call *c, const cJSON *config)
{
    struct buf pem = {0};
    c->tls.ca_pem = str_empty;
    if (base64_decode(&pem, json_string_at(config, "caBundle")))
        c->tls.ca_pem = arena_str(&c->r->calls->a, buf_str(&pem));
    buf_free(&pem);
}

static void start(struct call *c, const struct webhook_question *q)
{
    struct arena *a = &c->r->calls->a;
    const cJSON *service = json_get(q->client_config, "service");
    world_time left = c->r->calls->deadline - world_now(c->r->api->w);
    world_time timeout = q->timeout_s * NS_PER_S;
    struct str host, path;
    c->started = true;
    c->r->calls->open++;
    c->tls.cert_pem = c->tls.key_pem = c->tls.client_ca_pem = c->tls.alpn = str_empty;
    take_bundle(c, q->client_config);
    bool aimed = service ? aim_at_service(c, service, q->timeout_s, &host, &path)
                         : aim_at_url(c, json_string_at(q->client_config, "url"), q->timeout_s,
                                      &host, &path);
    if (!aimed)
        return;
    c->request.method = "POST";
    c->request.target =
        arena_printf(a, STR_FMT "%stimeout=%llds", STR_ARG(path),
                     str_find_char(path, '?') >= 0 ? "&" : "?", (long long)q->timeout_s);
    c->request.content_type = "application/json";
    c->request.body = arena_str(a, q->body);
    c->request.timeout = timeout < left ? timeout : left > 0 ? left : 1;
    c->request.body_bytes_max = WEBHOOK_ANSWER_BYTES_MAX;
    if (!c->r->api->webhook_client)
        c->r->api->webhook_client = http_client_new(c->r->api->w);
    if (world_host_is_numeric(host))
        connect_to(c, host);
    else
        c->dns = world_dns_query(c->r->api->w, host, c->request.timeout, on_name, c);
}

const struct webhook_answer *webhook_ask(struct api_request *r, const struct webhook_question *q)
{
    static const struct webhook_answer in_process = {
        .error = STR_INIT("a request in process cannot wait for one")};
    static const struct webhook_answer too_many = {
        .error = STR_INIT("the request has asked too many questions")};
    if (!r->x && !r->resume)
        return &in_process;
    struct call *c = find_or_add(r, q->key);
    if (!c)
        return &too_many;
    if (!c->started)
        start(c, q);
    if (c->ended)
        return &c->answer;
    r->suspended = true;
    return NULL;
}

void webhook_calls_free(struct api_request *r)
{
    void *value;
    if (!r->calls)
        return;
    for (size_t i = 0; map_next(&r->calls->by_key, &i, NULL, &value);) {
        struct call *c = value;
        http_call_cancel(c->http);
        if (c->dns)
            world_dns_cancel(c->dns);
    }
    world_timer_free(r->calls->timer);
    map_free(&r->calls->by_key);
    map_free(&r->calls->admitted);
    arena_free(&r->calls->a);
    mem_free(r->calls);
    r->calls = NULL;
}

/* ---- collections ---- */

static struct str state_of(const struct kube_object *o, char text[160])
{
    int n = snprintf(text, 160, STR_FMT "/%llu", STR_ARG(str_sub(o->uid, 0, 100)),
                     (unsigned long long)o->resource_version);
    return (struct str){text, (size_t)n};
}

bool webhook_admitted(const struct api_request *r, const struct kube_object *o)
{
    char text[160];
    return r->calls && map_has(&r->calls->admitted, state_of(o, text));
}

void webhook_admit(struct api_request *r, const struct kube_object *o)
{
    char text[160];
    if (r->calls)
        (void)map_put(&r->calls->admitted, state_of(o, text), r);
}

bool webhook_may_ask(const struct api_request *r)
{
    return !r->calls || r->calls->open < WEBHOOK_CALLS_OPEN_MAX;
}

/* ---- stamps ---- */

struct str webhook_stamp_uid(struct api_request *r)
{
    if (r->stamp_uid.n == 0)
        r->stamp_uid = api_new_uid(r->api, &r->a);
    return r->stamp_uid;
}

struct str webhook_stamp_name(struct api_request *r, struct str prefix)
{
    if (r->stamp_name.n == 0 || store_get(r->table, r->ns, r->stamp_name))
        r->stamp_name = api_generated_name(r->api, &r->a, prefix);
    return r->stamp_name;
}
