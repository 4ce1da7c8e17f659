/* Paths that are no resources: discovery (groups.c), /version, health, metrics, and the list of all of them. */
#include "sim/kubeapi/discovery/documents.h"

#include <stdlib.h>

static const char version_json[] =
    "{\"buildDate\":\"2026-01-01T00:00:00Z\",\"compiler\":\"gc\",\"gitCommit\":\"paddock\","
    "\"gitTreeState\":\"clean\",\"gitVersion\":\"v1.34.0\",\"goVersion\":\"go1.24.0\","
    "\"major\":\"1\",\"minor\":\"34\",\"platform\":\"linux/amd64\"}";

/* ---- the rest ---- */

static void metrics(struct api_request *r)
{
    struct buf b = {0};
    metrics_write(&r->api->metrics, &b);
    api_reply_text(r, 200, buf_c(&b));
    buf_free(&b);
}

static void health(struct api_request *r)
{
    struct str name = str_sub(r->path, 1, r->path.n), head, tail;
    (void)str_cut(name, '/', &head, &tail);
    if (tail.n > 0 && !str_eq_c(tail, "ping")) {
        (void)api_fail_404(r);
        return;
    }
    struct buf b = {.max = 512};
    if (api_request_flag(r, "verbose"))
        buf_addf(&b, "[+]ping ok\n[+]etcd ok\n" STR_FMT " check passed\n", STR_ARG(head));
    else
        buf_add_c(&b, "ok");
    api_reply_text(r, 200, buf_c(&b));
    buf_free(&b);
}

/* ---- the list of paths ---- */

static int path_cmp(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void roots(struct api_request *r)
{
    static const char *const fixed[] = {"/.well-known/openid-configuration",
                                        "/api",
                                        "/api/v1",
                                        "/apis",
                                        "/apis/",
                                        "/healthz",
                                        "/healthz/ping",
                                        "/livez",
                                        "/livez/ping",
                                        "/metrics",
                                        "/openapi/v2",
                                        "/openapi/v3",
                                        "/openapi/v3/",
                                        "/openid/v1/jwks",
                                        "/readyz",
                                        "/readyz/ping",
                                        "/version"};
    struct documents_rows rows = documents_rows(r->api->documents);
    struct str *paths = ARENA_NEW_ARRAY(&r->a, struct str, ARRAY_LEN(fixed) + 2 * rows.n);
    struct buf b = {0};
    size_t n = 0;
    for (; n < ARRAY_LEN(fixed); n++)
        paths[n] = str_c(fixed[n]);
    for (size_t i = 0, end = 0; i < rows.n; i = documents_version_end(&rows, i)) {
        const struct api_kind *k = rows.rows[i];
        if (k->group.n == 0)
            continue;
        if (i >= end) {
            end = documents_group_end(&rows, i);
            paths[n++] = arena_printf(&r->a, "/apis/" STR_FMT, STR_ARG(k->group));
        }
        paths[n++] = arena_printf(&r->a, "/apis/" STR_FMT "/" STR_FMT, STR_ARG(k->group),
                                  STR_ARG(k->version));
    }
    qsort(paths, n, sizeof paths[0], path_cmp);
    for (size_t i = 0; i < n; i++)
        buf_addf(&b, "%s\"" STR_FMT "\"", i > 0 ? "," : "{\"paths\":[", STR_ARG(paths[i]));
    buf_add_c(&b, "]}");
    api_reply_json(r, 200, buf_str(&b));
    buf_free(&b);
}

void api_handle_non_resource(struct api_request *r)
{
    struct str p = r->path;
    bool get = str_eq_c(r->method, "GET");
    bool is_health = str_starts(p, STR("/healthz")) || str_starts(p, STR("/livez")) ||
                     str_starts(p, STR("/readyz"));
    if (is_health && (get || str_eq_c(r->method, "HEAD")))
        health(r);
    else if (discovery_handle(r))
        return;
    else if (!get)
        (void)api_fail_method(r);
    else if (str_eq_c(p, "/version") || str_eq_c(p, "/version/"))
        api_reply_raw(r, 200, str_c(version_json));
    else if (str_eq_c(p, "/metrics"))
        metrics(r);
    else if (str_eq_c(p, "/"))
        roots(r);
    else
        (void)api_fail_404(r);
}
