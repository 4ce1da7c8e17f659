/* What is asked of a kubelet: nodes that a kubelet of ours keeps have one (streams/), of the others a server reaches none. */
#include "sim/kubeapi/admission/admission.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/crd/find.h"
#include "sim/kubeapi/rules/walk.h"
#include "sim/kubeapi/streams/streams.h"
#include "sim/kubeapi/subresources/subresources.h"

static size_t container_names(const cJSON *spec, const char *list_name, struct str wanted,
                              struct buf *names, bool *there)
{
    const cJSON *list = json_get(spec, list_name);
    size_t n = 0;
    for (const cJSON *c = list ? list->child : NULL; c; c = c->next, n++) {
        struct str name = json_string_at(c, "name");
        buf_addf(names, "%s" STR_FMT, names->n > 0 ? " " : "", STR_ARG(name));
        *there = *there || str_eq(name, wanted);
    }
    return n;
}

/* The container that is asked for is one of the pod's, or the only one. */
static bool check_container(struct api_request *r, const struct kube_object *pod)
{
    const cJSON *tree = kube_object_tree(pod, &r->a), *spec = json_get(tree, "spec");
    struct str wanted = api_request_param_or_empty(r, "container");
    struct buf names = {0}, others = {0};
    bool there = false, ok = true;
    size_t n = container_names(spec, "containers", wanted, &names, &there);
    (void)container_names(spec, "initContainers", wanted, &others, &there);
    (void)container_names(spec, "ephemeralContainers", wanted, &others, &there);
    if (wanted.n > 0 && !there)
        ok = api_fail_bad(r, "container " STR_FMT " is not valid for pod " STR_FMT, STR_ARG(wanted),
                          STR_ARG(pod->name));
    else if (wanted.n == 0 && n > 1)
        ok = api_fail_bad(r,
                          "a container name must be specified for pod " STR_FMT
                          ", choose one of: [" STR_FMT "]",
                          STR_ARG(pod->name), STR_ARG(buf_str(&names)));
    buf_free(&names);
    buf_free(&others);
    return ok;
}

static bool fail_node(struct api_request *r, struct str node)
{
    const struct api_kind *k = api_kind_find(r->api, str_empty, STR("v1"), STR("nodes"));
    if (!kubeapi_get(r->api, STR("nodes"), str_empty, node))
        return api_fail_not_found(r, k, node);
    return api_fail_plain(
        r, 500, "InternalError",
        "Internal error occurred: error dialing backend: no kubelet serves node \"" STR_FMT "\"",
        STR_ARG(node));
}

static void answer_pod(struct api_request *r)
{
    struct kube_object *pod = store_get(r->table, r->ns, r->p.name);
    bool proxy = str_eq_c(r->p.sub, "proxy");
    if (!pod) {
        (void)api_fail_not_found(r, r->kind, r->p.name);
        return;
    }
    struct str node = kube_object_string(pod, "spec.nodeName");
    if (proxy) {
        (void)api_fail_plain(r, 503, "ServiceUnavailable",
                             "error trying to reach service: no address for pod \"" STR_FMT "\"",
                             STR_ARG(pod->name));
        return;
    }
    if (str_eq_c(r->p.sub, "log") && !sub_stream_log_options(r))
        return;
    if (!str_eq_c(r->p.sub, "portforward") && !check_container(r, pod))
        return;
    if (node.n == 0 && str_eq_c(r->p.sub, "log"))
        api_reply_text(r, 204, ""); /* nowhere: nothing to be read */
    else if (node.n == 0)
        (void)api_fail_bad(r, "pod " STR_FMT " does not have a host assigned", STR_ARG(pod->name));
    else if (!podstreams_serves(r->api->streams, node))
        (void)fail_node(r, node);
    else
        sub_stream(r, pod);
}

/* ---- what a connection is asked for ---- */

static void add_strings(struct api_request *r, cJSON *options, const char *name, bool numbers)
{
    struct str rest = r->query, value;
    cJSON *list = json_array(&r->a);
    int64_t n;
    while (api_request_param_next(r, name, &rest, &value)) {
        if (!numbers)
            json_append(list, json_str(&r->a, value));
        else if (str_to_i64(value, &n))
            json_append(list, json_int_new(&r->a, n));
    }
    if (list->child)
        json_set(&r->a, options, str_c(name), list);
}

/* PodExecOptions and their like, made of the query: output is wanted, whatever is said. */
static cJSON *connect_options(struct api_request *r)
{
    static const char *const streams[] = {"stdin", "stdout", "stderr", "tty"};
    struct arena *a = &r->a;
    cJSON *o = json_object(a);
    struct str text;
    json_set_str(a, o, "kind", r->sub->kind);
    json_set_str(a, o, "apiVersion", STR("v1"));
    if (str_eq_c(r->p.sub, "proxy")) {
        text = r->sub_path.n > 0 ? r->sub_path : api_request_param_or_empty(r, "path");
        if (text.n > 0)
            json_set_str(a, o, "path", text);
        return o;
    }
    if (str_eq_c(r->p.sub, "portforward")) {
        add_strings(r, o, "ports", true);
        return o;
    }
    for (size_t i = 0; i < ARRAY_LEN(streams); i++)
        if (i == 1 || i == 2 || api_request_flag(r, streams[i]))
            json_set_bool(a, o, streams[i], true);
    if (api_request_param(r, "container", &text) && text.n > 0)
        json_set_str(a, o, "container", text);
    if (str_eq_c(r->p.sub, "exec"))
        add_strings(r, o, "command", false);
    return o;
}

/* A log is read; all else connects, and whether that may be is asked before anything is looked for. */
static bool admitted(struct api_request *r)
{
    return str_eq_c(r->p.sub, "log") ||
           admission_sub(r, ADMIT_CONNECT, NULL, connect_options(r), NULL);
}

bool sub_kubelet(struct api_request *r)
{
    bool proxy = str_eq_c(r->p.sub, "proxy");
    if (!r->sub)
        return false;
    if (api_kind_is(r->kind, "pods") &&
        (proxy || text_among(r->p.sub, "log|exec|attach|portforward"))) {
        if (admitted(r))
            answer_pod(r);
        return true;
    }
    if (!proxy)
        return false;
    if (!admitted(r))
        return true;
    if (!store_get(r->table, r->ns, r->p.name))
        (void)api_fail_not_found(r, r->kind, r->p.name);
    else if (api_kind_is(r->kind, "services"))
        (void)api_fail_plain(r, 503, "ServiceUnavailable",
                             "no endpoints available for service \"" STR_FMT "\"",
                             STR_ARG(r->p.name));
    else
        (void)fail_node(r, r->p.name);
    return true;
}
