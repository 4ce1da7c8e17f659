/* Cells of pods: what a pod is doing, told from its phase, its conditions and the states of its containers.
 *
 *   phase ─► reason ─► gated? ─► first unfinished init container ("Init:1/2") ─► containers, last first ─► deleted? */
#include "sim/kubeapi/print/cell.h"

#include "engine/base/timefmt.h"

#define REASON_BYTES_MAX 512u

struct pod {
    struct buf reason; /* escaped as in JSON */
    int64_t restarts, sidecar_restarts;
    struct str restarted, sidecar_restarted; /* the latest end of a container; empty: none */
    int64_t total, ready;
    bool initializing;
};

static void say(struct pod *p, const char *fmt, ...) printf_like(2, 3);
static void say(struct pod *p, const char *fmt, ...)
{
    va_list ap;
    buf_clear(&p->reason);
    va_start(ap, fmt);
    buf_addv(&p->reason, fmt, ap);
    va_end(ap);
}

/* The condition of a type; empty: none. */
static struct str condition(const struct cell *c, const char *type)
{
    struct str item;
    for (struct scan s = cell_list(cell_raw(c, "status.conditions")); scan_element(&s, &item);)
        if (str_eq_c(cell_text_of(scan_get(item, STR("type"))), type))
            return item;
    return str_empty;
}

static bool condition_true(const struct cell *c, const char *type)
{
    return str_eq_c(cell_text_of(scan_get(condition(c, type), STR("status"))), "True");
}

static bool is_sidecar(struct str container)
{
    return str_eq_c(cell_text_of(scan_get(container, STR("restartPolicy"))), "Always");
}

/* RFC 3339 times of one zone compare as texts. */
static void keep_later(struct str *latest, struct str status)
{
    struct str at = cell_text_of(scan_path(status, "lastState.terminated.finishedAt"));
    if (str_cmp(at, *latest) > 0)
        *latest = at;
}

static void say_terminated(struct pod *p, const char *prefix, struct str terminated)
{
    struct str reason = cell_text_of(scan_get(terminated, STR("reason")));
    int64_t signal = cell_int(scan_get(terminated, STR("signal")));
    if (reason.n > 0)
        say(p, "%s" STR_FMT, prefix, STR_ARG(reason));
    else if (signal != 0)
        say(p, "%sSignal:%lld", prefix, (long long)signal);
    else
        say(p, "%sExitCode:%lld", prefix,
            (long long)cell_int(scan_get(terminated, STR("exitCode"))));
}

/* ---- init containers ---- */

static bool init_is_sidecar(const struct cell *c, struct str name, int64_t *count)
{
    struct str item;
    bool found = false;
    *count = 0;
    for (struct scan s = cell_list(cell_raw(c, "spec.initContainers")); scan_element(&s, &item);) {
        ++*count;
        if (str_eq(cell_text_of(scan_get(item, STR("name"))), name))
            found = is_sidecar(item);
    }
    return found;
}

/* Tells of one init container; false: it is the one that the pod waits for. */
static bool look_at_init(const struct cell *c, struct pod *p, struct str status, int64_t index)
{
    int64_t count;
    struct str state = scan_get(status, STR("state"));
    struct str terminated = scan_get(state, STR("terminated"));
    struct str waiting = cell_text_of(scan_path(state, "waiting.reason"));
    bool sidecar = init_is_sidecar(c, cell_text_of(scan_get(status, STR("name"))), &count);
    int64_t restarts = cell_int(scan_get(status, STR("restartCount")));
    p->restarts += restarts;
    keep_later(&p->restarted, status);
    if (sidecar) {
        p->sidecar_restarts += restarts;
        keep_later(&p->sidecar_restarted, status);
    }
    if (terminated.n > 0 && cell_int(scan_get(terminated, STR("exitCode"))) == 0)
        return true;
    if (sidecar && str_eq_c(scan_get(status, STR("started")), "true")) {
        p->ready += str_eq_c(scan_get(status, STR("ready")), "true");
        return true;
    }
    if (terminated.n > 0)
        say_terminated(p, "Init:", terminated);
    else if (waiting.n > 0 && !str_eq_c(waiting, "PodInitializing"))
        say(p, "Init:" STR_FMT, STR_ARG(waiting));
    else
        say(p, "Init:%lld/%lld", (long long)index, (long long)count);
    return false;
}

static void look_at_inits(const struct cell *c, struct pod *p)
{
    struct str item;
    int64_t index = 0;
    struct scan s = cell_list(cell_raw(c, "status.initContainerStatuses"));
    while (!p->initializing && scan_element(&s, &item))
        p->initializing = !look_at_init(c, p, item, index++);
}

/* ---- containers ---- */

struct said { /* the reason of the first container that has one stands: the last to speak */
    struct str waiting, terminated;
    bool any, running;
};

static void look_at_container(struct pod *p, struct str status, struct said *first)
{
    struct str state = scan_get(status, STR("state"));
    struct str waiting = cell_text_of(scan_path(state, "waiting.reason"));
    struct str terminated = scan_get(state, STR("terminated"));
    p->restarts += cell_int(scan_get(status, STR("restartCount")));
    keep_later(&p->restarted, status);
    if (waiting.n > 0 || terminated.n > 0) {
        if (!first->any)
            *first = (struct said){waiting, terminated, true, first->running};
    } else if (str_eq_c(scan_get(status, STR("ready")), "true") &&
               scan_get(state, STR("running")).n > 0) {
        first->running = true;
        p->ready++;
    }
}

static void look_at_containers(const struct cell *c, struct pod *p)
{
    struct str item;
    struct said first = {.waiting = str_empty, .terminated = str_empty};
    p->restarts = p->sidecar_restarts;
    p->restarted = p->sidecar_restarted;
    for (struct scan s = cell_list(cell_raw(c, "status.containerStatuses"));
         scan_element(&s, &item);)
        look_at_container(p, item, &first);
    if (first.waiting.n > 0)
        say(p, STR_FMT, STR_ARG(first.waiting));
    else if (first.terminated.n > 0)
        say_terminated(p, "", first.terminated);
    if (str_eq_c(buf_str(&p->reason), "Completed") && first.running)
        say(p, "%s", condition_true(c, "Ready") ? "Running" : "NotReady");
}

static void count_containers(const struct cell *c, struct pod *p)
{
    struct str item;
    for (struct scan s = cell_list(cell_raw(c, "spec.containers")); scan_element(&s, &item);)
        p->total++;
    for (struct scan s = cell_list(cell_raw(c, "spec.initContainers")); scan_element(&s, &item);)
        p->total += is_sidecar(item);
}

static void look(const struct cell *c, struct pod *p)
{
    struct str phase = cell_text(c, "status.phase"), reason = cell_text(c, "status.reason");
    *p = (struct pod){.reason = {.max = REASON_BYTES_MAX},
                      .restarted = str_empty,
                      .sidecar_restarted = str_empty};
    say(p, STR_FMT, STR_ARG(reason.n > 0 ? reason : phase));
    struct str scheduled = condition(c, "PodScheduled");
    if (str_eq_c(cell_text_of(scan_get(scheduled, STR("reason"))), "SchedulingGated"))
        say(p, "SchedulingGated");
    count_containers(c, p);
    look_at_inits(c, p);
    if (!p->initializing || condition_true(c, "Initialized"))
        look_at_containers(c, p);
    bool finished = str_eq_c(phase, "Succeeded") || str_eq_c(phase, "Failed");
    if (c->o->deleting && str_eq_c(reason, "NodeLost"))
        say(p, "Unknown");
    else if (c->o->deleting && !finished)
        say(p, "Terminating");
}

/* ---- cells ---- */

void cell_pod_ready(struct cell *c)
{
    struct pod p;
    look(c, &p);
    buf_addf(c->out, "\"%lld/%lld\"", (long long)p.ready, (long long)p.total);
    buf_free(&p.reason);
}

void cell_pod_status(struct cell *c)
{
    struct pod p;
    look(c, &p);
    cell_put(c, buf_str(&p.reason));
    buf_free(&p.reason);
}

void cell_pod_restarts(struct cell *c)
{
    struct pod p;
    look(c, &p);
    buf_addf(c->out, "\"%lld", (long long)p.restarts);
    if (p.restarts != 0 && p.restarted.n > 0) {
        buf_add_c(c->out, " (");
        cell_since_text(c->now, p.restarted, c->out);
        buf_add_c(c->out, " ago)");
    }
    buf_add_char(c->out, '"');
    buf_free(&p.reason);
}

void cell_pod_ip(struct cell *c)
{
    struct str item, ip = str_empty;
    struct scan s = cell_list(cell_raw(c, "status.podIPs"));
    if (scan_element(&s, &item))
        ip = cell_text_of(scan_get(item, STR("ip")));
    if (ip.n == 0)
        ip = cell_text(c, "status.podIP");
    cell_put(c, ip.n > 0 ? ip : STR("<none>"));
}

void cell_pod_gates(struct cell *c)
{
    struct str item, type;
    int64_t all = 0, passed = 0;
    char name[320];
    for (struct scan s = cell_list(cell_raw(c, "spec.readinessGates")); scan_element(&s, &item);) {
        type = cell_text_of(scan_get(item, STR("conditionType")));
        all++;
        if (type.n >= sizeof name)
            continue;
        memcpy(name, type.p, type.n);
        name[type.n] = '\0';
        passed += condition_true(c, name);
    }
    if (all == 0)
        cell_put_c(c, "<none>");
    else
        buf_addf(c->out, "\"%lld/%lld\"", (long long)passed, (long long)all);
}
