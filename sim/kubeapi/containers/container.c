#include "sim/kubeapi/containers/container.h"

static const char *const lists[] = {"containers", "initContainers", "ephemeralContainers"};
static const char *const statuses[] = {"containerStatuses", "initContainerStatuses",
                                       "ephemeralContainerStatuses"};

static const cJSON *named(const cJSON *list, struct str name)
{
    for (const cJSON *it = list ? list->child : NULL; it; it = it->next)
        if (str_eq(json_string_at(it, "name"), name))
            return it;
    return NULL;
}

/* ---- variables ---- */

static struct str field_value(const cJSON *pod, struct str path)
{
    static const char *const known[] = {
        "metadata.name", "metadata.namespace", "metadata.uid",           "spec.nodeName",
        "status.podIP",  "status.hostIP",      "spec.serviceAccountName"};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_eq_c(path, known[i]))
            return json_string_at(pod, known[i]);
    return str_empty;
}

static void add_variable(struct container *c, struct str name, struct str value)
{
    if (c->env_n < CONTAINER_ENV_MAX)
        c->env[c->env_n++] = (struct container_variable){name, value};
}

static void read_env(struct arena *a, const cJSON *pod, const cJSON *spec, struct container *c)
{
    const cJSON *list = json_get(spec, "env");
    c->env = ARENA_NEW_ARRAY(a, struct container_variable, CONTAINER_ENV_MAX);
    add_variable(c, STR("PATH"),
                 STR("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
    add_variable(c, STR("HOSTNAME"), c->pod);
    for (const cJSON *it = list ? list->child : NULL; it; it = it->next) {
        const cJSON *value = json_get(it, "value");
        struct str path = json_string_at(it, "valueFrom.fieldRef.fieldPath");
        add_variable(c, arena_str(a, json_string_at(it, "name")),
                     arena_str(a, value ? json_string(value) : field_value(pod, path)));
    }
    add_variable(c, STR("KUBERNETES_SERVICE_HOST"), STR("kubernetes.default.svc"));
    add_variable(c, STR("KUBERNETES_SERVICE_PORT"), STR("443"));
    add_variable(c, STR("HOME"), STR("/root"));
}

/* ---- its runs ---- */

static int64_t time_at(const cJSON *v, const char *dotted)
{
    int64_t t;
    return rfc3339_parse(json_string_at(v, dotted), &t) ? t : -1;
}

static int64_t probe_period(const cJSON *spec, const char *name)
{
    const cJSON *probe = json_get(spec, name);
    int64_t s = probe ? json_int_at(probe, "periodSeconds", 10) : 0;
    return s > 0 && s < 1000000 ? s * NS_PER_S : 0;
}

static void read_pace(const cJSON *pod, struct clog *l)
{
    const cJSON *annotations = json_path(pod, "metadata.annotations");
    int64_t every;
    uint64_t bytes;
    l->every = CLOG_EVERY;
    if (duration_parse(json_string(json_get(annotations, "paddock.io/log-every")), &every))
        l->every = every < CLOG_EVERY_MIN ? CLOG_EVERY_MIN : every;
    if (str_to_u64(json_string(json_get(annotations, "paddock.io/log-bytes")), &bytes))
        l->bytes = bytes < CLOG_LINE_MAX ? (size_t)bytes : CLOG_LINE_MAX;
}

/* state: running or terminated. False: no run. */
static bool read_run(const cJSON *state, struct clog *l)
{
    const cJSON *ended = json_get(state, "terminated"), *runs = json_get(state, "running");
    l->ended = -1;
    l->exit_code = 0;
    l->started = time_at(ended ? ended : runs, "startedAt");
    if (ended) {
        l->ended = time_at(ended, "finishedAt");
        l->exit_code = json_int_at(ended, "exitCode", 0);
        if (l->ended < l->started)
            l->ended = l->started;
    }
    return (ended || runs) && l->started >= 0;
}

static void read_status(struct arena *a, const cJSON *pod, const cJSON *spec, const cJSON *status,
                        struct container *c)
{
    const cJSON *state = json_get(status, "state");
    int64_t restarts = json_int_at(status, "restartCount", 0);
    struct clog base = {.ns = c->ns,
                        .pod = c->pod,
                        .uid = c->uid,
                        .name = c->name,
                        .image = c->image,
                        .ready_every = probe_period(spec, "readinessProbe"),
                        .live_every = probe_period(spec, "livenessProbe")};
    read_pace(pod, &base);
    c->log = c->last = base;
    c->has_last = read_run(json_get(status, "lastState"), &c->last);
    c->last.run = restarts > 0 ? restarts - 1 : 0;
    c->has_log = read_run(state, &c->log);
    c->log.run = restarts;
    if (json_get(state, "running"))
        c->state = CONTAINER_RUNNING;
    else if (json_get(state, "terminated"))
        c->state = CONTAINER_TERMINATED;
    else if (json_get(state, "waiting"))
        c->state = CONTAINER_WAITING;
    c->reason = arena_str(a, json_string_at(state, "waiting.reason"));
}

bool container_read(struct arena *a, const cJSON *pod, struct str name, struct container *out)
{
    const cJSON *spec = json_get(pod, "spec"), *status = json_get(pod, "status");
    *out = (struct container){.name = arena_str(a, name)};
    out->ns = arena_str(a, json_string_at(pod, "metadata.namespace"));
    out->pod = arena_str(a, json_string_at(pod, "metadata.name"));
    out->uid = arena_str(a, json_string_at(pod, "metadata.uid"));
    out->node = arena_str(a, json_string_at(spec, "nodeName"));
    out->ip = arena_str(a, json_string_at(status, "podIP"));
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        const cJSON *k = named(json_get(spec, lists[i]), name);
        if (!k)
            continue;
        out->image = arena_str(a, json_string_at(k, "image"));
        out->stdin_open = json_bool_at(k, "stdin", false);
        out->tty = json_bool_at(k, "tty", false);
        read_env(a, pod, k, out);
        read_status(a, pod, k, named(json_get(status, statuses[i]), name), out);
        return true;
    }
    return false;
}

/* ---- what a kubelet says of a log ---- */

static const char *waiting_text(struct str reason)
{
    if (str_eq_c(reason, "ErrImagePull"))
        return "image can't be pulled";
    if (str_eq_c(reason, "ImagePullBackOff"))
        return "trying and failing to pull image";
    return NULL;
}

struct str container_log_refusal(struct arena *a, const struct container *c, bool previous,
                                 struct clog *log)
{
    const char *text = waiting_text(c->reason);
    if (previous && !c->has_last)
        return arena_printf(
            a, "previous terminated container \"" STR_FMT "\" in pod \"" STR_FMT "\" not found",
            STR_ARG(c->name), STR_ARG(c->pod));
    if (!previous && c->has_log) {
        *log = c->log;
        return str_empty;
    }
    if (c->has_last) { /* it waits for its next run: what it said last */
        *log = c->last;
        return str_empty;
    }
    if (c->state == CONTAINER_UNKNOWN)
        return arena_printf(
            a, "container \"" STR_FMT "\" in pod \"" STR_FMT "\" is waiting to start: %s",
            STR_ARG(c->name), STR_ARG(c->pod), "ContainerCreating");
    return arena_printf(
        a, "container \"" STR_FMT "\" in pod \"" STR_FMT "\" is waiting to start: " STR_FMT,
        STR_ARG(c->name), STR_ARG(c->pod), STR_ARG(text ? str_c(text) : c->reason));
}

/* ---- the pod's network ---- */

size_t container_ports(struct arena *a, const cJSON *pod, struct container_port **out)
{
    const cJSON *list = json_path(pod, "spec.containers");
    size_t n = 0;
    *out = ARENA_NEW_ARRAY(a, struct container_port, CONTAINER_PORTS_MAX);
    for (const cJSON *it = list ? list->child : NULL; it; it = it->next) {
        const cJSON *ports = json_get(it, "ports");
        for (const cJSON *p = ports ? ports->child : NULL; p; p = p->next) {
            struct str protocol = json_string_at(p, "protocol");
            int64_t number = json_int_at(p, "containerPort", 0);
            bool tcp = protocol.n == 0 || str_eq_c(protocol, "TCP");
            if (tcp && number > 0 && number <= UINT16_MAX && n < CONTAINER_PORTS_MAX)
                (*out)[n++] = (struct container_port){arena_str(a, json_string_at(p, "name")),
                                                      (uint16_t)number};
        }
    }
    return n;
}

bool container_network(const cJSON *pod)
{
    const cJSON *list = json_path(pod, "status.containerStatuses");
    for (const cJSON *it = list ? list->child : NULL; it; it = it->next)
        if (json_path(it, "state.running"))
            return true;
    return false;
}
