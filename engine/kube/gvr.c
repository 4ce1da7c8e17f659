#include "engine/kube/gvr.h"

#include "engine/base/codec.h"
#include <string.h>

bool kube_api_version_parse(struct str api_version, struct str *group, struct str *version)
{
    struct str head, tail;
    if (!str_cut(api_version, '/', &head, &tail)) {
        *group = str_empty;
        *version = api_version;
        return api_version.n > 0;
    }
    if (head.n == 0 || tail.n == 0 || str_find_char(tail, '/') >= 0)
        return false;
    *group = head;
    *version = tail;
    return true;
}

void kube_api_version_write(struct str group, struct str version, struct buf *out)
{
    if (group.n > 0) {
        buf_add(out, group);
        buf_add_char(out, '/');
    }
    buf_add(out, version);
}

void kube_gvr_qualified(const struct kube_gvr *r, struct buf *out)
{
    buf_add(out, r->resource);
    if (r->group.n > 0) {
        buf_add_char(out, '.');
        buf_add(out, r->group);
    }
}

static void add_segment(struct str segment, struct buf *out)
{
    buf_add_char(out, '/');
    percent_encode(out, segment);
}

void kube_path(const struct kube_gvr *r, struct str ns, struct str name, struct str sub,
               struct buf *out)
{
    BUG_ON(r->resource.n == 0, "a path needs a resource");
    BUG_ON(sub.n > 0 && name.n == 0, "a subresource is of a named object");
    buf_add_c(out, r->group.n > 0 ? "/apis/" : "/api/");
    kube_api_version_write(r->group, r->version, out);
    if (ns.n > 0) {
        buf_add_c(out, "/namespaces");
        add_segment(ns, out);
    }
    add_segment(r->resource, out);
    if (name.n > 0)
        add_segment(name, out);
    if (sub.n > 0) { /* may hold several segments: its slashes stay */
        buf_add_char(out, '/');
        buf_add(out, sub);
    }
}

static struct str decode_segment(struct arena *a, struct str s)
{
    if (str_find_char(s, '%') < 0)
        return s;
    struct buf b = {.max = s.n + 1};
    struct str plain = percent_decode(&b, s, false) ? arena_str(a, buf_str(&b)) : s;
    buf_free(&b);
    return plain;
}

/* Splits "/a/b/c" into at most KUBE_PATH_SEGMENTS_MAX parts; the last one keeps what is left. */
static size_t split_path(struct arena *a, struct str path, struct str *parts)
{
    size_t n = 0;
    struct str rest = str_sub(path, 1, path.n);
    while (rest.n > 0 && n < KUBE_PATH_SEGMENTS_MAX) {
        struct str head, tail = str_empty;
        if (n + 1 == KUBE_PATH_SEGMENTS_MAX || !str_cut(rest, '/', &head, &tail))
            head = rest, tail = str_empty;
        parts[n++] = decode_segment(a, head);
        rest = tail;
    }
    return n;
}

/* From the part behind the version: [watch] [namespaces NS] PLURAL [NAME [SUB...]]. */
static void parse_resource(struct str path, struct str *parts, size_t n, struct kube_path *out)
{
    if (n > 1 && str_eq_c(parts[0], "watch")) {
        out->watch_prefix = true;
        parts++;
        n--;
    }
    if (n == 0)
        return;
    out->is_resource = true;
    bool scoped = str_eq_c(parts[0], "namespaces") && n > 1;
    if (scoped)
        out->ns = parts[1];
    bool itself =
        scoped &&
        (n == 2 || (n == 3 && (str_eq_c(parts[2], "status") || str_eq_c(parts[2], "finalize"))));
    if (scoped && !itself) {
        parts += 2;
        n -= 2;
    }
    out->gvr.resource = parts[0];
    if (n > 1)
        out->name = parts[1];
    if (n > 2) { /* to the end of the path, slashes included */
        const char *from = parts[2].p;
        bool inside = from >= path.p && from <= path.p + path.n;
        out->sub = inside ? (struct str){from, (size_t)(path.p + path.n - from)} : parts[2];
    }
}

void kube_path_parse(struct arena *a, struct str path, struct kube_path *out)
{
    struct str parts[KUBE_PATH_SEGMENTS_MAX];
    *out = (struct kube_path){.gvr = {str_empty, str_empty, str_empty},
                              .ns = str_empty,
                              .name = str_empty,
                              .sub = str_empty};
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    size_t n = path.n > 1 && path.p[0] == '/' ? split_path(a, path, parts) : 0;
    if (n >= 3 && str_eq_c(parts[0], "api")) {
        out->gvr.version = parts[1];
        parse_resource(path, parts + 2, n - 2, out);
    } else if (n >= 4 && str_eq_c(parts[0], "apis")) {
        out->gvr.group = parts[1];
        out->gvr.version = parts[2];
        parse_resource(path, parts + 3, n - 3, out);
    }
}
