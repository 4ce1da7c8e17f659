/* /metrics, /debug/state, and the counting of requests. */
#include "engine/api/observe.h"

#include "engine/api/api_internal.h"
#include "engine/base/metrics_page.h"
#include "engine/base/timefmt.h"
#include "engine/kube/management.h"

/* ---- requests by route ---- */

static const struct route_class {
    const char *name;
    struct str path;
    bool whole; /* not a prefix */
} route_classes[] = {
    {"ping", STR_INIT("/ping"), true},
    {"healthz", STR_INIT("/healthz"), true},
    {"readyz", STR_INIT("/readyz"), true},
    {"cacerts", STR_INIT("/cacerts"), true},
    {"metrics", STR_INIT("/metrics"), true},
    {"debug", STR_INIT("/debug/"), false},
    {"settings", STR_INIT("/v3/settings/"), false},
    {"import", STR_INIT("/v3/import/"), false},
    {"connect", STR_INIT("/v3/connect"), false},
    {"cluster-proxy", STR_INIT("/k8s/clusters/"), false},
    {"v3", STR_INIT("/v3"), false},
    {"v1", STR_INIT("/v1/"), false},
    {"other", STR_INIT("/"), false},
    {"refused", STR_INIT(""), false},
};
#define ROUTE_CLASSES ARRAY_LEN(route_classes)
#define CODES_KEPT    6u /* of each class, by pointer; further ones are looked up */

struct api_requests {
    struct metrics *metrics;
    struct {
        struct {
            int code;
            int64_t *cell;
        } counts[CODES_KEPT];
        struct metric_histogram *durations;
    } by_class[ROUTE_CLASSES];
};

static size_t class_of(const struct http_exchange *x)
{
    size_t i = 0;
    if (!x)
        return ROUTE_CLASSES - 1;
    struct str path = http_path(x);
    while (i < ROUTE_CLASSES - 2 &&
           !(route_classes[i].whole ? str_eq(path, route_classes[i].path)
                                    : str_starts(path, route_classes[i].path)))
        i++;
    return i;
}

const char *api_route_class(const struct http_exchange *x)
{
    return route_classes[class_of(x)].name;
}

struct api_requests *api_requests_new(struct metrics *m)
{
    if (!m)
        return NULL;
    struct api_requests *r = MEM_NEW(struct api_requests);
    r->metrics = m;
    return r;
}

void api_requests_free(struct api_requests *r)
{
    mem_free(r);
}

static int64_t *count_new(struct metrics *m, const char *route, int code)
{
    struct buf labels = {0}, number = {0};
    buf_add_i64(&number, code);
    metrics_label(&labels, "route", str_c(route));
    metrics_label(&labels, "code", buf_str(&number));
    int64_t *cell = metrics_cell(m, METRIC_COUNTER, "paddock_http_requests_total", buf_str(&labels),
                                 "requests by class of route and status of the answer");
    buf_free(&labels);
    buf_free(&number);
    return cell;
}

static struct metric_histogram *durations_of(struct api_requests *r, size_t class)
{
    struct buf labels = {0};
    if (!r->by_class[class].durations) {
        metrics_label(&labels, "route", str_c(route_classes[class].name));
        r->by_class[class].durations =
            metrics_histogram(r->metrics, "paddock_http_request_duration_seconds", buf_str(&labels),
                              "from a request's head to the begin of its answer");
        buf_free(&labels);
    }
    return r->by_class[class].durations;
}

void api_requests_answered(struct api_requests *r, const struct http_exchange *x, int status)
{
    if (!r)
        return;
    size_t class = class_of(x), i = 0;
    while (i < CODES_KEPT - 1 && r->by_class[class].counts[i].cell &&
           r->by_class[class].counts[i].code != status)
        i++;
    if (!r->by_class[class].counts[i].cell || r->by_class[class].counts[i].code != status) {
        r->by_class[class].counts[i].code = status;
        r->by_class[class].counts[i].cell =
            count_new(r->metrics, route_classes[class].name, status);
    }
    ++*r->by_class[class].counts[i].cell;
    if (x)
        metric_observe(durations_of(r, class), http_age(x));
}

void api_log_request(const struct log *l, struct http_exchange *x, int status)
{
    struct buf took = {0};
    if (!x || !l->sink || l->sink->level < LOG_DEBUG)
        return;
    duration_format(&took, http_age(x));
    const struct log_field fields[] = {{"request_id", http_request_id(x)},
                                       {"method", http_method(x)},
                                       {"path", http_path(x)},
                                       {"route", str_c(api_route_class(x))},
                                       {"took", buf_str(&took)}};
    log_at_with(l, LOG_DEBUG, fields, "answered %d", status);
    buf_free(&took);
}

/* ---- the two pages ---- */

static void answer_metrics(struct api *a, struct http_exchange *x)
{
    struct buf page = {0};
    metrics_write(a->observed.metrics, &page);
    http_answer(x, 200, METRICS_CONTENT_TYPE, NULL, buf_str(&page));
    buf_free(&page);
}

static void answer_state(struct api *a, struct http_exchange *x)
{
    struct buf out = {0};
    struct err *err = a->observed.dump(a->observed.owner, x, &out);
    if (err)
        api_error(x, 400, "BadRequest", "%s", err->message);
    else
        http_answer(x, 200, "application/json", NULL, buf_str(&out));
    err_free(err);
    buf_free(&out);
}

bool api_observe_handle(struct api *a, struct http_exchange *x, struct str path)
{
    if (str_eq_c(path, "/metrics") && a->observed.metrics)
        api_with_rights(a, x, answer_metrics);
    else if (str_eq_c(path, "/debug/state") && a->observed.dump)
        api_with_rights(a, x, answer_state);
    else
        return false;
    return true;
}
