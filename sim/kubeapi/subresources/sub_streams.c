/* What of a pod is to be seen: made of the query and the pod, and checked as API server and kubelet do. */
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/streams/streams.h"
#include "sim/kubeapi/subresources/subresources.h"

#define IN_PROCESS_MAX ((size_t)16 << 20) /* of a log that is asked for without a connection */

/* ---- logs ---- */

struct number {
    const char *name;
    int64_t least;
    const char *rule;
};
static const struct number numbers[] = {
    {"tailLines", 0, "must be greater than or equal to 0"},
    {"sinceSeconds", 1, "must be greater than 0"},
    {"limitBytes", 1, "must be greater than 0"},
};

/* -1: absent. False: no number. */
static bool read_number(struct api_request *r, const char *name, int64_t *out)
{
    struct str text;
    *out = -1;
    return !api_request_param(r, name, &text) || text.n == 0 || str_to_i64(text, out);
}

static bool has_param(struct api_request *r, const char *name)
{
    struct str text;
    return api_request_param(r, name, &text) && text.n > 0;
}

bool sub_stream_log_options(struct api_request *r)
{
    struct str time = api_request_param_or_empty(r, "sinceTime");
    int64_t n;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        if (!read_number(r, numbers[i].name, &n))
            return api_fail_bad(r,
                                "unable to decode query parameters: strconv.ParseInt: parsing "
                                "\"" STR_FMT "\": invalid syntax",
                                STR_ARG(api_request_param_or_empty(r, numbers[i].name)));
        if (has_param(r, numbers[i].name) && n < numbers[i].least)
            api_invalid(r, "FieldValueInvalid", str_c(numbers[i].name), "Invalid value: %lld: %s",
                        (long long)n, numbers[i].rule);
    }
    if (time.n > 0 && !rfc3339_parse(time, &n))
        return api_fail_bad(r, "unable to decode query parameters: parsing time \"" STR_FMT "\"",
                            STR_ARG(time));
    if (time.n > 0 && has_param(r, "sinceSeconds"))
        api_invalid(r, "FieldValueForbidden", STR("sinceSeconds"),
                    "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified");
    struct api_kind options = *r->sub;
    options.kind = STR("PodLogOptions");
    return api_invalid_end(r, &options, r->p.name);
}

static void read_log_options(struct api_request *r, struct stream_log_options *o)
{
    int64_t seconds;
    o->follow = api_request_flag(r, "follow");
    o->timestamps = api_request_flag(r, "timestamps");
    (void)read_number(r, "tailLines", &o->tail);
    (void)read_number(r, "limitBytes", &o->limit);
    (void)read_number(r, "sinceSeconds", &seconds);
    o->since = -1;
    if (seconds > 0 && seconds < INT64_MAX / NS_PER_S)
        o->since = world_wall(r->api->w) - seconds * NS_PER_S;
    (void)!rfc3339_parse(api_request_param_or_empty(r, "sinceTime"), &o->since);
}

static void begin_log(struct api_request *r, struct stream_ask *ask)
{
    struct str why =
        container_log_refusal(&r->a, &ask->container, api_request_flag(r, "previous"), &ask->clog);
    if (why.n > 0) {
        (void)api_fail_bad(r, STR_FMT, STR_ARG(why));
        return;
    }
    read_log_options(r, &ask->log);
    if (r->x) {
        r->status = 200;
        r->stream = ask;
        return;
    }
    struct buf text = {.max = IN_PROCESS_MAX};
    podstreams_log_text(ask, world_wall(r->api->w), &text);
    api_reply_text(r, 200, "");
    buf_add(&r->out, buf_str(&text));
    buf_free(&text);
}

/* ---- exec, attach ---- */

static bool read_command(struct api_request *r, struct stream_ask *ask)
{
    struct str rest = r->query, value;
    struct str *argv = ARENA_NEW_ARRAY(&r->a, struct str, PROGRAM_WORDS_MAX);
    while (api_request_param_next(r, "command", &rest, &value)) {
        if (ask->argc == PROGRAM_WORDS_MAX)
            return api_fail_bad(r, "a command has at most %u words here", PROGRAM_WORDS_MAX);
        argv[ask->argc++] = arena_str(&r->a, value);
    }
    ask->argv = argv;
    if (ask->argc == 0)
        return api_fail_bad(r, "you must specify at least 1 command for the container");
    return true;
}

/* As kubelets have it: on a terminal there is no separate error output; who names no stream gets both outputs. */
static void read_streams(struct api_request *r, struct stream_ask *ask)
{
    ask->in = api_request_flag(r, "stdin");
    ask->out = api_request_flag(r, "stdout");
    ask->err = api_request_flag(r, "stderr");
    ask->tty = api_request_flag(r, "tty");
    if (!ask->in && !ask->out && !ask->err)
        ask->out = ask->err = true;
    ask->err = ask->err && !ask->tty;
}

static void begin_remote(struct api_request *r, struct stream_ask *ask)
{
    const struct container *c = &ask->container;
    read_streams(r, ask);
    if ((ask->kind == STREAM_EXEC && !read_command(r, ask)) || !podstreams_negotiate(r, ask))
        return;
    if (c->state != CONTAINER_RUNNING)
        ask->trouble = arena_printf(
            &r->a, "unable to upgrade connection: container not found (\"" STR_FMT "\")",
            STR_ARG(c->name));
    if (ask->trouble.n > 0 && ask->carrier == STREAM_SPDY) {
        api_reply_text(
            r, 500,
            arena_printf(&r->a, "container not found (\"" STR_FMT "\")\n", STR_ARG(c->name)).p);
        return;
    }
    r->status = 101;
    r->stream = ask;
}

/* ---- portforward ---- */

static void begin_forward(struct api_request *r, const cJSON *pod, struct stream_ask *ask)
{
    struct container_port *ports;
    ask->ports_n = container_ports(&r->a, pod, &ports);
    ask->ports = ports;
    if (!podstreams_negotiate(r, ask))
        return;
    if (!container_network(pod)) {
        api_reply_text(r, 500,
                       arena_printf(&r->a, "pod not found (\"" STR_FMT "_" STR_FMT "\")\n",
                                    STR_ARG(ask->pod), STR_ARG(ask->ns))
                           .p);
        return;
    }
    r->status = 101;
    r->stream = ask;
}

/* ---- all of them ---- */

static enum stream_kind kind_of(struct str sub)
{
    static const char *const names[] = {[STREAM_LOG] = "log",
                                        [STREAM_EXEC] = "exec",
                                        [STREAM_ATTACH] = "attach",
                                        [STREAM_FORWARD] = "portforward"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq_c(sub, names[i]))
            return (enum stream_kind)i;
    BUG_ON(true, "only these are streams");
    return STREAM_LOG;
}

void sub_stream(struct api_request *r, const struct kube_object *pod)
{
    struct stream_ask *ask = ARENA_NEW(&r->a, struct stream_ask);
    const cJSON *tree = kube_object_tree(pod, &r->a);
    struct str name = api_request_param_or_empty(r, "container");
    *ask = (struct stream_ask){.kind = kind_of(r->p.sub)};
    ask->ns = arena_str(&r->a, pod->ns);
    ask->pod = arena_str(&r->a, pod->name);
    ask->uid = arena_str(&r->a, pod->uid);
    if (name.n == 0) { /* there is only one */
        const cJSON *list = json_path(tree, "spec.containers");
        name = list ? json_string_at(list->child, "name") : str_empty;
    }
    bool there = container_read(&r->a, tree, name, &ask->container);
    BUG_ON(!there, "the container was looked for before");
    if (podstreams_open(r->api->streams) >= STREAMS_MAX) {
        (void)api_fail_plain(r, 429, "TooManyRequests", "too many streams: try again later");
        r->retry_after_s = 1;
    } else if (ask->kind == STREAM_LOG) {
        begin_log(r, ask);
    } else if (ask->kind == STREAM_FORWARD) {
        begin_forward(r, tree, ask);
    } else {
        begin_remote(r, ask);
    }
}
