#include "sim/kubeapi/discovery/health.h"

#include "engine/base/codec.h"
#include "sim/kubeapi/core/inflight.h"
#include "sim/kubeapi/core/reply.h"

static const char version_json[] =
    "{\"major\":\"1\",\"minor\":\"34\",\"gitVersion\":\"v1.34.0\",\"gitCommit\":\"paddock\","
    "\"gitTreeState\":\"clean\",\"buildDate\":\"2026-01-01T00:00:00Z\",\"goVersion\":\"go1.24.0\","
    "\"compiler\":\"gc\",\"platform\":\"linux/amd64\"}";

/* ---- health ---- */

enum { LIVE = 1, READY = 2, HEALTHY = 4, NAMED = 8 /* has a path of its own */ };

static const struct {
    const char *name;
    unsigned where;
} checks[] = {
    {"ping", LIVE | READY | HEALTHY | NAMED},
    {"log", LIVE | READY | HEALTHY | NAMED},
    {"etcd", LIVE | HEALTHY | NAMED},
    {"etcd", READY},
    {"etcd-readiness", READY | NAMED},
    {"informer-sync", READY | NAMED},
    {"poststarthook/start-apiserver-admission-initializer", LIVE | READY | HEALTHY | NAMED},
    {"poststarthook/generic-apiserver-start-informers", LIVE | READY | HEALTHY | NAMED},
    {"poststarthook/priority-and-fairness-filter", LIVE | READY | HEALTHY | NAMED},
    {"poststarthook/start-apiextensions-informers", LIVE | READY | HEALTHY | NAMED},
    {"poststarthook/start-apiextensions-controllers", LIVE | READY | HEALTHY | NAMED},
    {"poststarthook/crd-informer-synced", LIVE | READY | HEALTHY | NAMED},
    {"poststarthook/rbac/bootstrap-roles", LIVE | READY | HEALTHY | NAMED},
    {"poststarthook/scheduling/bootstrap-system-priority-classes", LIVE | READY | HEALTHY | NAMED},
    {"poststarthook/apiservice-openapi-controller", LIVE | READY | HEALTHY | NAMED},
    {"shutdown", READY | NAMED},
};

static unsigned endpoint_of(struct str name)
{
    return str_eq_c(name, "livez")     ? LIVE
           : str_eq_c(name, "readyz")  ? READY
           : str_eq_c(name, "healthz") ? HEALTHY
                                       : 0;
}

/* Is the check named by one of the query's exclude=? */
static bool excluded(struct api_request *r, const char *name)
{
    struct str rest = r->query, pair, key, value;
    while (rest.n > 0) {
        (void)str_cut(rest, '&', &pair, &rest);
        if (!str_cut(pair, '=', &key, &value) || !str_eq_c(key, "exclude"))
            continue;
        struct buf plain = {.max = value.n + 1};
        bool same = percent_decode(&plain, value, true) && str_eq_c(buf_str(&plain), name);
        buf_free(&plain);
        if (same)
            return true;
    }
    return false;
}

/* Names in exclude= that are no checks, for the warning. */
static void unknown_excludes(struct api_request *r, unsigned where, struct buf *out)
{
    struct str rest = r->query, pair, key, value;
    while (rest.n > 0) {
        (void)str_cut(rest, '&', &pair, &rest);
        bool known = !str_cut(pair, '=', &key, &value) || !str_eq_c(key, "exclude");
        struct buf plain = {.max = 256};
        if (!known)
            (void)percent_decode(&plain, value, true);
        for (size_t i = 0; i < ARRAY_LEN(checks); i++)
            known =
                known || ((checks[i].where & where) && str_eq_c(buf_str(&plain), checks[i].name));
        if (!known)
            buf_addf(out, "%s\"" STR_FMT "\"", out->n > 0 ? "," : "", STR_ARG(buf_str(&plain)));
        buf_free(&plain);
    }
}

static void all_checks(struct api_request *r, struct str endpoint, unsigned where)
{
    struct str v;
    struct buf b = {0}, unknown = {.max = 4096};
    if (!api_request_param(r, "verbose", &v)) {
        api_reply_text(r, 200, "ok");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(checks); i++)
        if (checks[i].where & where)
            buf_addf(&b, excluded(r, checks[i].name) ? "[+]%s excluded: ok\n" : "[+]%s ok\n",
                     checks[i].name);
    unknown_excludes(r, where, &unknown);
    if (unknown.n > 0)
        buf_addf(&b, "warn: some health checks cannot be excluded: no matches for " STR_FMT "\n",
                 STR_ARG(buf_str(&unknown)));
    buf_addf(&b, STR_FMT " check passed\n", STR_ARG(endpoint));
    api_reply_text(r, 200, buf_c(&b));
    buf_free(&b);
    buf_free(&unknown);
}

static void health(struct api_request *r, struct str endpoint, struct str name, unsigned where)
{
    bool known = false;
    for (size_t i = 0; i < ARRAY_LEN(checks); i++)
        known = known || ((checks[i].where & (where | NAMED)) == (where | NAMED) &&
                          str_eq_c(name, checks[i].name));
    if (name.n == 0)
        all_checks(r, endpoint, where);
    else if (known)
        api_reply_text(r, 200, "ok");
    else
        (void)api_fail_404(r);
}

/* ---- metrics ---- */

static void gauge(struct api_request *r, const char *name, struct str labels, int64_t value,
                  const char *help)
{
    *metrics_cell(&r->api->metrics, METRIC_GAUGE, name, labels, help) = value;
}

static void measure(struct api_request *r)
{
    static const char *const help = "Requests that are worked on, by kind.";
    struct inflight *f = r->api->inflight;
    struct store_table *t;
    gauge(r, "apiserver_current_inflight_requests", STR("request_kind=\"mutating\""),
          (int64_t)inflight_active(f, INFLIGHT_MUTATING), help);
    gauge(r, "apiserver_current_inflight_requests", STR("request_kind=\"readOnly\""),
          (int64_t)inflight_active(f, INFLIGHT_READONLY), help);
    gauge(r, "apiserver_current_inqueue_requests", STR("request_kind=\"mutating\""),
          (int64_t)inflight_waiting(f, INFLIGHT_MUTATING), "Requests that wait for a seat.");
    gauge(r, "apiserver_current_inqueue_requests", STR("request_kind=\"readOnly\""),
          (int64_t)inflight_waiting(f, INFLIGHT_READONLY), "Requests that wait for a seat.");
    for (size_t i = 0; store_table_next(r->api->store, &i, &t);) {
        struct str labels =
            arena_printf(&r->a, "resource=\"" STR_FMT "\"", STR_ARG(store_table_name(t)));
        gauge(r, "apiserver_storage_objects", labels, (int64_t)store_count(t),
              "Stored objects by resource.");
    }
}

static void metrics(struct api_request *r)
{
    struct buf b = {0};
    measure(r);
    metrics_write(&r->api->metrics, &b);
    api_reply_text(r, 200, buf_c(&b));
    r->out_type = "text/plain; version=0.0.4; charset=utf-8";
    buf_free(&b);
}

/* ---- the choice ---- */

bool health_handle(struct api_request *r)
{
    struct str head, tail;
    bool get = str_eq_c(r->method, "GET");
    (void)str_cut(str_sub(r->path, 1, r->path.n), '/', &head, &tail);
    unsigned where = endpoint_of(head);
    bool version = str_eq_c(head, "version") && tail.n == 0;
    if (!where && !version && !str_eq_c(r->path, "/metrics"))
        return false;
    if (!get && !(where && str_eq_c(r->method, "HEAD")))
        (void)api_fail_method(r);
    else if (where)
        health(r, head, tail, where);
    else if (version)
        api_reply_raw(r, 200, str_c(version_json));
    else
        metrics(r);
    return true;
}
