/* Pod statuses as kubelets report them, and the events that go with them. */
#include "sim/kubeapi/controllers/kubelet.h"

#define COMPONENT "kubelet"

struct container {
    const cJSON *spec, *old; /* old: its status so far, or NULL */
    bool init;
};

static void say(struct ctl *c, const struct kube_object *pod, enum ctl_event_type type,
                const char *reason, const cJSON *container, const char *text)
{
    struct str name = json_string_at(container, "name");
    struct ctl_source from = {
        .component = COMPONENT,
        .host = kube_object_string(pod, "spec.nodeName"),
        .field = container ? arena_printf(&c->a, "spec.containers{" STR_FMT "}", STR_ARG(name))
                           : str_empty};
    ctl_record_from(c, pod, type, reason, &from, str_c(text));
}

/* ---- containers ---- */

static const cJSON *status_of(const cJSON *list, struct str name)
{
    for (const cJSON *it = list ? list->child : NULL; it; it = it->next)
        if (str_eq(json_string_at(it, "name"), name))
            return it;
    return NULL;
}

static struct str container_id(struct ctl *c, const struct kube_object *pod, struct str name,
                               int64_t restarts)
{
    struct str of = arena_printf(&c->a, STR_FMT "/" STR_FMT "/%lld", STR_ARG(pod->uid),
                                 STR_ARG(name), (long long)restarts);
    unsigned long long h = str_hash(of);
    return arena_printf(&c->a, "containerd://%016llx%016llx%016llx%016llx", h, h * 31 + 7,
                        h * 131 + 3, h * 1031 + 11);
}

static cJSON *container_status(struct ctl *c, const struct kube_object *pod,
                               const struct container *k, cJSON *state, bool ready,
                               int64_t restarts)
{
    struct arena *a = &c->a;
    cJSON *s = json_object(a);
    struct str name = json_string_at(k->spec, "name"), image = json_string_at(k->spec, "image");
    const cJSON *last = json_get(k->old, "lastState"), *was = json_get(k->old, "state");
    bool waits = json_get(state, "waiting") != NULL;
    if (was && json_get(was, "terminated"))
        last = was;
    json_set_str(a, s, "name", name);
    json_set_str(a, s, "image", image);
    json_set_str(a, s, "imageID",
                 waits && !k->old ? str_empty
                                  : arena_printf(a, "docker.io/library/" STR_FMT, STR_ARG(image)));
    if (!waits || k->old)
        json_set_str(a, s, "containerID", container_id(c, pod, name, restarts));
    json_set(a, s, STR("lastState"), last ? json_copy(a, last) : json_object(a));
    json_set_bool(a, s, "ready", ready);
    json_set_int(a, s, "restartCount", restarts);
    json_set_bool(a, s, "started", json_get(state, "running") != NULL);
    json_set(a, s, STR("state"), state);
    return s;
}

static cJSON *terminated(struct ctl *c, const struct kube_object *pod, const struct container *k,
                         int64_t code)
{
    struct arena *a = &c->a;
    cJSON *state = json_object(a), *t = json_ensure(a, state, "terminated");
    struct str since = json_string_at(k->old, "state.running.startedAt");
    struct str name = json_string_at(k->spec, "name");
    json_set_str(a, t, "containerID",
                 container_id(c, pod, name, json_int_at(k->old, "restartCount", 0)));
    json_set_int(a, t, "exitCode", code);
    json_set_str(a, t, "finishedAt", ctl_now(c));
    json_set_str(a, t, "reason", code ? STR("Error") : STR("Completed"));
    json_set_str(a, t, "startedAt", since.n ? since : ctl_now(c));
    return state;
}

/* ---- the whole status ---- */

static const char *const ready_reason[] = {"ContainersNotReady", "PodCompleted", "PodFailed"};

static void set_conditions(struct ctl *c, cJSON *status, bool started, bool ready,
                           const char *reason)
{
    struct str message = str_empty;
    const char *is = ready ? "True" : "False";
    if (!ready && reason == ready_reason[0])
        message = STR("containers with unready status");
    ctl_condition(c, status, "PodReadyToStartContainers", started ? "True" : "False", NULL,
                  str_empty);
    ctl_condition(c, status, "Initialized", "True", reason == ready_reason[1] ? reason : NULL,
                  str_empty);
    ctl_condition(c, status, "Ready", is, NULL, message);
    ctl_condition(c, status, "ContainersReady", is, NULL, message);
    ctl_condition(c, status, "PodScheduled", "True", NULL, str_empty);
    static const char *const both[] = {"Ready", "ContainersReady"};
    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        cJSON *condition = ctl_condition_find(status, both[i]);
        if (ready)
            (void)json_unset(condition, STR("reason"));
        else
            json_set_str(&c->a, condition, "reason", str_c(reason));
    }
}

static struct str node_address(struct ctl *c, const struct kube_object *pod)
{
    struct kube_object *node =
        ctl_get(c, T_NODES, str_empty, kube_object_string(pod, "spec.nodeName"));
    const cJSON *list = node ? json_path(ctl_tree(c, node), "status.addresses") : NULL;
    for (const cJSON *it = list ? list->child : NULL; it; it = it->next)
        if (str_eq_c(json_string_at(it, "type"), "InternalIP"))
            return arena_str(&c->a, json_string_at(it, "address"));
    return STR("10.240.0.1");
}

static void set_list(struct arena *a, cJSON *status, const char *key, struct str ip)
{
    cJSON *list = json_array(a), *it = json_object(a);
    json_set_str(a, it, "ip", ip);
    json_append(list, it);
    json_set(a, status, str_c(key), list);
}

/* Addresses that no other pod of this server has, for 62,000 pods in a row. */
static void set_addresses(struct ctl *c, const struct kube_object *pod, const cJSON *spec,
                          cJSON *status, struct str ip)
{
    struct str host = node_address(c, pod);
    if (ip.n == 0)
        ip = json_string_at(status, "podIP");
    json_set_str(&c->a, status, "hostIP", host);
    set_list(&c->a, status, "hostIPs", host);
    if (ip.n == 0 && json_bool_at(spec, "hostNetwork", false)) {
        ip = host;
    } else if (ip.n == 0) {
        uint32_t n = c->pod_ips++ % (250 * 250);
        ip = arena_printf(&c->a, "10.244.%u.%u", n / 250, n % 250 + 2);
    }
    json_set_str(&c->a, status, "podIP", ip);
    set_list(&c->a, status, "podIPs", ip);
    if (!json_get(status, "startTime"))
        json_set_str(&c->a, status, "startTime", ctl_now(c));
}

struct change {
    struct ctl *c;
    struct kube_object *pod;
    cJSON *tree, *spec, *status;
};

static void begin(struct change *x, struct ctl *c, struct kube_object *pod)
{
    *x = (struct change){.c = c, .pod = pod, .tree = ctl_tree(c, pod)};
    x->spec = json_get(x->tree, "spec");
    x->status = json_ensure(&c->a, x->tree, "status");
}

static void commit(struct change *x, const char *phase)
{
    json_set_str(&x->c->a, x->status, "phase", str_c(phase));
    json_set_int(&x->c->a, x->status, "observedGeneration", x->pod->generation);
    (void)ctl_update(x->c, T_PODS, x->pod, x->tree); /* changed meanwhile: comes back */
}

/* Every container's status by `make`; init containers have completed. */
static void each_container(struct change *x,
                           cJSON *(*make)(struct change *x, const struct container *k, int64_t n),
                           int64_t n)
{
    static const char *const lists[] = {"containers", "initContainers"};
    static const char *const statuses[] = {"containerStatuses", "initContainerStatuses"};
    for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
        const cJSON *specs = json_get(x->spec, lists[l]), *old = json_get(x->status, statuses[l]);
        cJSON *list = json_array(&x->c->a);
        for (const cJSON *it = specs ? specs->child : NULL; it; it = it->next) {
            struct container k = {it, status_of(old, json_string_at(it, "name")), l == 1};
            json_append(list, make(x, &k, n));
        }
        if (list->child)
            json_set(&x->c->a, x->status, str_c(statuses[l]), list);
    }
}

/* ---- what can happen ---- */

static cJSON *started(struct change *x, const struct container *k, int64_t ready)
{
    struct ctl *c = x->c;
    int64_t restarts = json_int_at(k->old, "restartCount", 0);
    bool sidecar = k->init && str_eq_c(json_string_at(k->spec, "restartPolicy"), "Always");
    if (k->init && !sidecar)
        return container_status(c, x->pod, k, terminated(c, x->pod, k, 0), true, restarts);
    cJSON *state = json_object(&c->a);
    json_set_str(&c->a, json_ensure(&c->a, state, "running"), "startedAt", ctl_now(c));
    return container_status(c, x->pod, k, state, ready != 0, restarts);
}

static void announce_start(struct change *x)
{
    const cJSON *list = json_get(x->spec, "containers");
    for (const cJSON *it = list ? list->child : NULL; it && x->c->options.events; it = it->next) {
        struct arena *a = &x->c->a;
        struct str image = json_string_at(it, "image"), name = json_string_at(it, "name");
        say(x->c, x->pod, EVENT_NORMAL, "Pulled", it,
            arena_printf(a, "Container image \"" STR_FMT "\" already present on machine",
                         STR_ARG(image))
                .p);
        say(x->c, x->pod, EVENT_NORMAL, "Created", it,
            arena_printf(a, "Created container: " STR_FMT, STR_ARG(name)).p);
        say(x->c, x->pod, EVENT_NORMAL, "Started", it,
            arena_printf(a, "Started container " STR_FMT, STR_ARG(name)).p);
    }
}

void kubelet_run(struct ctl *c, struct kube_object *pod, struct str ip, bool ready)
{
    struct change x;
    begin(&x, c, pod);
    announce_start(&x);
    set_addresses(c, pod, x.spec, x.status, ip);
    each_container(&x, started, ready);
    set_conditions(c, x.status, true, ready, ready ? NULL : ready_reason[0]);
    commit(&x, "Running");
}

static cJSON *ended(struct change *x, const struct container *k, int64_t code)
{
    cJSON *state = k->init ? NULL : terminated(x->c, x->pod, k, code);
    int64_t restarts = json_int_at(k->old, "restartCount", 0);
    if (!state)
        return k->old ? json_copy(&x->c->a, k->old)
                      : container_status(x->c, x->pod, k, terminated(x->c, x->pod, k, 0), true, 0);
    return container_status(x->c, x->pod, k, state, false, restarts);
}

static cJSON *waits_for_restart(struct change *x, const struct container *k, int64_t code)
{
    struct arena *a = &x->c->a;
    if (k->init)
        return ended(x, k, code);
    struct container was = *k;
    cJSON *old = k->old ? json_copy(a, k->old) : json_object(a), *state = json_object(a);
    json_set(a, old, STR("state"), terminated(x->c, x->pod, k, code));
    was.old = old;
    cJSON *waiting = json_ensure(a, state, "waiting");
    json_set_str(a, waiting, "reason", STR("CrashLoopBackOff"));
    json_set_str(a, waiting, "message",
                 arena_printf(a,
                              "back-off restarting failed container=" STR_FMT " pod=" STR_FMT
                              "_" STR_FMT "(" STR_FMT ")",
                              STR_ARG(json_string_at(k->spec, "name")), STR_ARG(x->pod->name),
                              STR_ARG(x->pod->ns), STR_ARG(x->pod->uid)));
    return container_status(x->c, x->pod, &was, state, false,
                            json_int_at(k->old, "restartCount", 0) + 1);
}

void kubelet_exit(struct ctl *c, struct kube_object *pod, int64_t code)
{
    struct change x;
    struct str policy = kube_object_string(pod, "spec.restartPolicy");
    begin(&x, c, pod);
    bool again =
        str_eq_c(policy, "Always") || policy.n == 0 || (code != 0 && str_eq_c(policy, "OnFailure"));
    if (again && !pod->deleting) {
        each_container(&x, waits_for_restart, code);
        set_conditions(c, x.status, true, false, ready_reason[0]);
        const cJSON *list = json_get(x.spec, "containers");
        say(c, pod, EVENT_WARNING, "BackOff", list ? list->child : NULL,
            arena_printf(&c->a, "Back-off restarting failed container in pod " STR_FMT,
                         STR_ARG(pod->name))
                .p);
        commit(&x, "Running");
        return;
    }
    each_container(&x, ended, code);
    set_conditions(c, x.status, false, false, ready_reason[code ? 2 : 1]);
    commit(&x, code ? "Failed" : "Succeeded");
}

void kubelet_reject(struct ctl *c, struct kube_object *pod, struct str reason, struct str message)
{
    struct change x;
    begin(&x, c, pod);
    if (!json_get(x.status, "startTime"))
        json_set_str(&c->a, x.status, "startTime", ctl_now(c));
    json_set_str(&c->a, x.status, "reason", reason);
    json_set_str(&c->a, x.status, "message",
                 arena_printf(&c->a, "Pod was rejected: " STR_FMT, STR_ARG(message)));
    say(c, pod, EVENT_WARNING, arena_c(&c->a, reason), NULL, arena_c(&c->a, message));
    commit(&x, "Failed");
}

static cJSON *waiting(struct change *x, const struct container *k, int64_t n)
{
    struct arena *a = &x->c->a;
    cJSON *state = json_object(a), *why = json_ensure(a, state, "waiting");
    struct str reason = json_string_at(x->status, "reason");
    (void)n;
    if (str_eq_c(reason, "ImagePullBackOff"))
        json_set_str(a, why, "message",
                     arena_printf(a, "Back-off pulling image \"" STR_FMT "\"",
                                  STR_ARG(json_string_at(k->spec, "image"))));
    json_set_str(a, why, "reason", reason);
    return container_status(x->c, x->pod, k, state, false, json_int_at(k->old, "restartCount", 0));
}

void kubelet_wait(struct ctl *c, struct kube_object *pod, struct str reason)
{
    struct change x;
    begin(&x, c, pod);
    const cJSON *list = json_get(x.spec, "containers");
    set_addresses(c, pod, x.spec, x.status, str_empty);
    json_set_str(&c->a, x.status, "reason", reason); /* for `waiting`; not of the pod itself */
    each_container(&x, waiting, 0);
    (void)json_unset(x.status, STR("reason"));
    set_conditions(c, x.status, true, false, ready_reason[0]);
    say(c, pod, EVENT_WARNING, "Failed", list ? list->child : NULL,
        arena_printf(&c->a, "Error: " STR_FMT, STR_ARG(reason)).p);
    commit(&x, "Pending");
}

static cJSON *with_readiness(struct change *x, const struct container *k, int64_t ready)
{
    if (!k->old || k->init)
        return ended(x, k, 0);
    cJSON *s = json_copy(&x->c->a, k->old);
    json_set_bool(&x->c->a, s, "ready", ready != 0);
    return s;
}

void kubelet_set_ready(struct ctl *c, struct kube_object *pod, bool ready)
{
    struct change x;
    begin(&x, c, pod);
    each_container(&x, with_readiness, ready);
    set_conditions(c, x.status, true, ready, ready_reason[0]);
    if (!ready)
        say(c, pod, EVENT_WARNING, "Unhealthy", NULL, "Readiness probe failed");
    commit(&x, "Running");
}

void kubelet_observe(struct ctl *c, struct kube_object *pod)
{
    struct change x;
    int64_t seen;
    if (!ctl_number(pod, "status.observedGeneration", &seen) || seen == pod->generation)
        return;
    begin(&x, c, pod);
    commit(&x, arena_c(&c->a, json_string_at(x.status, "phase")));
}

/* A pod that somebody still holds ends first; the last one to let go lets it go. */
void kubelet_delete(struct ctl *c, struct kube_object *pod)
{
    if (pod->finalizers_n > 0 && !pod_finished(pod)) {
        kubelet_exit(c, pod, 143); /* SIGTERM */
        return;
    }
    const cJSON *list = json_path(ctl_tree(c, pod), "spec.containers");
    for (const cJSON *it = list && !pod_finished(pod) ? list->child : NULL; it; it = it->next)
        say(c, pod, EVENT_NORMAL, "Killing", it,
            arena_printf(&c->a, "Stopping container " STR_FMT, STR_ARG(json_string_at(it, "name")))
                .p);
    (void)ctl_delete(c, T_PODS, pod, 0); /* gone already: as good */
}
