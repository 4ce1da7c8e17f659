/* One request from its head to its verb. */
#include "sim/kubeapi/request.h"
#include "sim/kubeapi/auth/auth.h"
#include "sim/kubeapi/core/hold.h"
#include "sim/kubeapi/core/inflight.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/core/webhook_call.h"
#include "sim/kubeapi/crd/crd_convert.h"
#include "sim/kubeapi/crd/crds.h"
#include "sim/kubeapi/crd/find.h"
#include "sim/kubeapi/discovery/documents.h"
#include "sim/kubeapi/subresources/subresources.h"
#include "sim/kubeapi/verbs/options.h"
#include "sim/kubeapi/verbs/verbs.h"
#include "sim/kubeapi/verbs/watch.h"

#include "engine/base/codec.h"
#include <string.h>

/* ---- classification ---- */

static enum api_verb verb_of(struct api_request *r)
{
    bool named = r->p.name.n > 0;
    if (str_eq_c(r->method, "GET") || str_eq_c(r->method, "HEAD")) {
        if (named && !r->p.watch_prefix)
            return VERB_GET;
        return r->p.watch_prefix || api_request_flag(r, "watch") ? VERB_WATCH : VERB_LIST;
    }
    if (str_eq_c(r->method, "POST"))
        return VERB_CREATE;
    if (str_eq_c(r->method, "PUT"))
        return VERB_UPDATE;
    if (str_eq_c(r->method, "PATCH"))
        return VERB_PATCH;
    if (str_eq_c(r->method, "DELETE"))
        return named ? VERB_DELETE : VERB_DELETECOLLECTION;
    return VERB_NONE;
}

static void classify(struct api_request *r)
{
    kube_path_parse(&r->a, r->path, &r->p);
    r->verb = VERB_NONE;
    if (!r->p.is_resource)
        return;
    if (str_starts(r->p.sub, STR("proxy/"))) {
        r->sub_path = str_sub(r->p.sub, 5, r->p.sub.n);
        r->p.sub = STR("proxy");
    }
    r->verb = verb_of(r);
    r->kind = api_kind_find(r->api, r->p.gvr.group, r->p.gvr.version, r->p.gvr.resource);
    if (!r->kind)
        return;
    r->ns = r->kind->flags & KIND_NAMESPACED ? r->p.ns : str_empty;
    r->table = api_kind_table(r->api, r->kind);
    if (r->p.sub.n > 0)
        r->sub = api_kind_sub(r->kind, r->p.sub);
    if (r->p.watch_prefix && r->p.name.n > 0) /* the old form of a watch of one object */
        r->query = arena_printf(&r->a, "fieldSelector=metadata.name%%3D" STR_FMT "&" STR_FMT,
                                STR_ARG(r->p.name), STR_ARG(r->query));
}

/* ---- routing ---- */

static bool resource_missing(struct api_request *r)
{
    if (!api_group_known(r->p.gvr.group, str_empty))
        return api_fail_404(r);
    return api_fail_no_resource(r);
}

static bool check_served(struct api_request *r)
{
    bool namespaced = (r->kind->flags & KIND_NAMESPACED) != 0;
    if (r->p.sub.n > 0 && !r->sub)
        return resource_missing(r);
    if (!namespaced && r->p.ns.n > 0 && !api_kind_is(r->kind, "namespaces"))
        return resource_missing(r);
    unsigned verbs = r->sub ? r->sub->verbs : r->kind->verbs;
    bool method_fits = r->verb != VERB_NONE && (verbs & (1u << r->verb)) != 0;
    bool create_named = r->verb == VERB_CREATE && r->p.name.n > 0 && !r->sub;
    bool update_unnamed = (r->verb == VERB_UPDATE || r->verb == VERB_PATCH) && r->p.name.n == 0;
    bool object_without_ns = namespaced && r->ns.n == 0 && r->p.name.n > 0;
    if (object_without_ns)
        return resource_missing(r);
    bool everywhere = r->verb == VERB_DELETECOLLECTION && namespaced && r->ns.n == 0;
    if (everywhere || !method_fits || create_named || update_unnamed || str_eq_c(r->method, "HEAD"))
        return api_fail_method(r);
    return true;
}

static void run_verb(struct api_request *r)
{
    static void (*const handlers[])(struct api_request * r) = {
        [VERB_GET] = api_handle_get,       [VERB_LIST] = api_handle_list,
        [VERB_WATCH] = api_handle_watch,   [VERB_CREATE] = api_handle_create,
        [VERB_UPDATE] = api_handle_update, [VERB_PATCH] = api_handle_patch,
        [VERB_DELETE] = api_handle_delete, [VERB_DELETECOLLECTION] = api_handle_delete_collection,
    };
    if (api_handle_special(r))
        return;
    if (r->sub && !str_ends(r->sub->resource, STR("/status")) &&
        !str_eq_c(r->sub->resource, "pods/ephemeralcontainers") &&
        !str_eq_c(r->sub->resource, "pods/resize")) {
        (void)api_fail_plain(r, 501, "NotImplemented",
                             "the subresource " STR_FMT " is not served by this server yet",
                             STR_ARG(r->sub->resource));
        return;
    }
    handlers[r->verb](r);
}

static int64_t *request_cell(struct api_request *r)
{
    struct buf labels = {.max = 256};
    struct str verb = r->verb == VERB_NONE ? STR("none") : api_verb_name(r->verb);
    buf_addf(&labels, "verb=\"" STR_FMT "\",code=\"%d\"", STR_ARG(verb), r->status);
    int64_t *cell = metrics_cell(&r->api->metrics, METRIC_COUNTER, "apiserver_request_total",
                                 buf_str(&labels), "Answered requests by verb and status.");
    buf_free(&labels);
    return cell;
}

/* The first few codes of a verb are found without their labels. */
void api_request_count(struct api_request *r)
{
    if (r->counted)
        return;
    r->counted = true;
    struct api_counter *c = r->api->counters[r->verb];
    for (size_t i = 0; i < API_COUNTERS; i++, c++) {
        if (!c->cell)
            *c = (struct api_counter){r->status, request_cell(r)};
        if (c->code == r->status) {
            ++*c->cell;
            return;
        }
    }
    ++*request_cell(r);
}

bool api_request_begin(struct api_request *r)
{
    classify(r);
    api_accept_default(r);
    bool known = api_authenticate(r);
    api_observe_head(r);
    if (known)
        return true;
    api_request_count(r);
    return false;
}

void api_request_run(struct api_request *r)
{
    struct str name = r->p.name;
    bool allowed = api_authorize(r);
    api_observe_decision(r, allowed);
    if (!allowed) {
        /* answered */
    } else if (!r->p.is_resource) {
        api_handle_non_resource(r);
    } else if (!r->kind) {
        (void)resource_missing(r);
    } else if (check_served(r) && api_accept_resource(r) && api_options_write(r) && crds_begin(r)) {
        run_verb(r);
    }
    if (r->suspended) {
        r->p.name = name; /* a creation fills it in */
        return;
    }
    BUG_ON(!r->answered && !r->watch && !r->stream,
           "every request is answered, watches, or is handed over");
    api_request_count(r);
}

struct api_request *api_request_new(struct kubeapi *api)
{
    struct api_request *r = MEM_NEW(struct api_request);
    r->api = api;
    list_init(&r->link);
    r->method = r->path = r->query = r->content_type = r->accept = r->authorization =
        r->user_agent = r->body = r->ns = str_empty;
    return r;
}

void api_request_free(struct api_request *r)
{
    if (r->watch)
        api_watch_free(r->watch);
    api_hold_leave(r);
    inflight_leave(r->api->inflight, r);
    world_timer_free(r->delay);
    webhook_calls_free(r);
    crds_conversions_free(r);
    api_observe_free(r);
    api_request_clear(r);
}
