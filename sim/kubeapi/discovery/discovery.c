/* Paths that are no resources: discovery (groups.c), health.h, and the list of all of them. */
#include "sim/kubeapi/auth/tokens.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/discovery/documents.h"
#include "sim/kubeapi/discovery/health.h"

#include <stdlib.h>

/* ---- the list of paths ---- */

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
    qsort(paths, n, sizeof paths[0], str_order);
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
    if (health_handle(r) || discovery_handle(r) || openapi_handle(r) || token_discovery(r))
        return;
    if (!get)
        (void)api_fail_method(r);
    else if (str_eq_c(p, "/"))
        roots(r);
    else
        (void)api_fail_404(r);
}
