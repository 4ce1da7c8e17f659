/* Answers out of caches. */
#include "engine/kube/served.h"

void kube_served_answer(struct http_exchange *x, int status, const char *content_type,
                        const struct kube_informer *from, struct str body)
{
    struct http_headers headers = {0};
    world_time age = kube_informer_age(from);
    struct buf text = {0};
    if (age >= 0) {
        buf_addf(&text, "%lld", (long long)(age / NS_PER_MS));
        http_headers_add_c(&headers, KUBE_DATA_AGE_HEADER, buf_c(&text));
    }
    http_answer(x, status, content_type, &headers, body);
    buf_free(&text);
    http_headers_free(&headers);
}

static void refuse(struct http_exchange *x, const struct kube_informer *inf, int status,
                   const char *code, const char *message)
{
    struct buf body = {0};
    buf_addf(&body, "{\"type\":\"error\",\"status\":\"%d\",\"code\":\"%s\",\"message\":\"%s\"}",
             status, code, message);
    kube_served_answer(x, status, "application/json", inf, buf_str(&body));
    buf_free(&body);
}

/* Resources are lower-case plurals; those that are served end in an s. */
static struct str singular(const struct kube_gvr *gvr)
{
    struct str s = gvr->resource;
    return str_sub(s, 0, str_ends(s, STR("s")) ? s.n - 1 : s.n);
}

static void write_type(const struct kube_gvr *gvr, struct str name, struct buf *out)
{
    buf_add(out, gvr->group);
    buf_add_c(out, gvr->group.n ? "." : "");
    buf_add(out, name);
}

/* Canonical JSON of an object begins with its first member: ours go before it. */
static void write_item(const struct kube_gvr *gvr, struct str key, const struct kube_object *o,
                       struct buf *out)
{
    buf_add_c(out, "{\"id\":");
    json_write_string(out, key);
    buf_add_c(out, ",\"type\":\"");
    write_type(gvr, singular(gvr), out);
    buf_add_c(out, "\",");
    buf_add(out, str_sub(o->json, 1, o->json.n));
}

static void serve_list(struct http_exchange *x, const struct kube_informer *inf, struct str ns)
{
    const struct kube_gvr *gvr = kube_informer_gvr(inf);
    const struct kube_object *o;
    struct buf data = {0}, body = {0};
    struct str key;
    size_t n = 0;
    for (size_t i = 0; (o = kube_informer_next(inf, &i, &key));) {
        if (ns.n && !str_eq(o->ns, ns))
            continue;
        buf_add_c(&data, n++ ? "," : "");
        write_item(gvr, key, o, &data);
    }
    buf_add_c(&body, "{\"type\":\"collection\",\"resourceType\":\"");
    write_type(gvr, singular(gvr), &body);
    buf_addf(&body, "\",\"revision\":\"%llu\",\"count\":%zu,\"data\":[",
             (unsigned long long)kube_informer_state(inf).resource_version, n);
    buf_add(&body, buf_str(&data));
    buf_add_c(&body, "]}");
    kube_served_answer(x, 200, "application/json", inf, buf_str(&body));
    buf_free(&data);
    buf_free(&body);
}

static void serve_one(struct http_exchange *x, const struct kube_informer *inf, struct str key)
{
    const struct kube_object *o = kube_informer_get(inf, key);
    struct buf body = {0};
    if (!o) {
        refuse(x, inf, 404, "NotFound", "there is no such object");
        return;
    }
    write_item(kube_informer_gvr(inf), key, o, &body);
    kube_served_answer(x, 200, "application/json", inf, buf_str(&body));
    buf_free(&body);
}

void kube_served_path(struct http_exchange *x, const struct kube_informer *inf, bool namespaced,
                      struct str rest)
{
    struct str key = rest.n ? str_sub(rest, 1, rest.n) : str_empty;
    bool deep = str_find_char(key, '/') >= 0;
    if (!kube_informer_synced(inf))
        refuse(x, inf, 503, "ServiceUnavailable", "the cache is not filled yet");
    else if (key.n == 0 || (namespaced && !deep))
        serve_list(x, inf, key);
    else
        serve_one(x, inf, key);
}

bool kube_served_type(const struct kube_gvr *gvr, struct str path, struct str *rest)
{
    struct buf type = {0};
    write_type(gvr, gvr->resource, &type);
    bool fits = str_starts(path, buf_str(&type));
    *rest = fits ? str_sub(path, type.n, path.n) : str_empty;
    buf_free(&type);
    return fits && (rest->n == 0 || rest->p[0] == '/');
}
