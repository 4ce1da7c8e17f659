/* The fault surface of one server: rules that requests are matched against, in the order in which they were added. */
#include "sim/kubeapi/api_internal.h"

struct fault_rule {
    struct list link;
    uint64_t id;
    struct kubeapi_fault f; /* strings owned */
};

struct faults {
    struct kubeapi *api;
    struct list rules;
    uint64_t last_id;
    uint64_t *fired; /* by id - 1 */
    size_t fired_cap;
    size_t stalls; /* rules of KUBEAPI_FAULT_WATCH_STALL: 0 is the usual and costs nothing */
};

struct faults *api_faults_new(struct kubeapi *api)
{
    struct faults *x = MEM_NEW(struct faults);
    x->api = api;
    list_init(&x->rules);
    return x;
}

static void rule_free(struct fault_rule *rule)
{
    list_remove(&rule->link);
    str_free(&rule->f.resource);
    str_free(&rule->f.verb);
    str_free(&rule->f.user);
    mem_free(rule);
}

void api_faults_free(struct faults *x)
{
    list_each (&x->rules, it, next)
        rule_free(container_of(it, struct fault_rule, link));
    mem_free(x->fired);
    mem_free(x);
}

uint64_t kubeapi_fault_add(struct kubeapi *api, const struct kubeapi_fault *fault)
{
    struct faults *x = api->faults;
    struct fault_rule *rule = MEM_NEW(struct fault_rule);
    rule->f = *fault;
    rule->f.resource = str_dup(fault->resource);
    rule->f.verb = str_dup(fault->verb);
    rule->f.user = str_dup(fault->user);
    rule->id = ++x->last_id;
    if (rule->id > x->fired_cap) {
        x->fired_cap = x->fired_cap ? x->fired_cap * 2 : 16;
        x->fired = mem_resize(x->fired, x->fired_cap * sizeof(*x->fired));
    }
    x->fired[rule->id - 1] = 0;
    list_add_tail(&x->rules, &rule->link);
    x->stalls += fault->kind == KUBEAPI_FAULT_WATCH_STALL;
    return rule->id;
}

void kubeapi_fault_remove(struct kubeapi *api, uint64_t id)
{
    bool stall = false;
    list_each (&api->faults->rules, it, next) {
        struct fault_rule *rule = container_of(it, struct fault_rule, link);
        if (rule->id != id)
            continue;
        stall = rule->f.kind == KUBEAPI_FAULT_WATCH_STALL;
        rule_free(rule);
    }
    if (stall) {
        api->faults->stalls--;
        api_watches_pump(api); /* what was missed comes now */
    }
}

uint64_t kubeapi_fault_fired(const struct kubeapi *api, uint64_t id)
{
    return id > 0 && id <= api->faults->last_id ? api->faults->fired[id - 1] : 0;
}

static bool matches(const struct fault_rule *rule, const struct api_request *r)
{
    const struct kubeapi_fault *f = &rule->f;
    struct str verb = r->verb == VERB_NONE ? str_empty : api_verb_name(r->verb);
    if (f->resource.n > 0 && !str_eq(f->resource, r->p.gvr.resource) &&
        !(r->kind && str_eq(f->resource, r->kind->table)))
        return false;
    return (f->verb.n == 0 || str_eq(f->verb, verb)) &&
           (f->user.n == 0 || str_eq(f->user, r->user.name));
}

static bool hits(struct faults *x, const struct fault_rule *rule, const struct api_request *r)
{
    uint32_t share = rule->f.per_million;
    return matches(rule, r) &&
           (share == 0 || share >= 1000000 || world_random_below(x->api->w, 1000000) < share);
}

static void fire(struct faults *x, const struct fault_rule *rule)
{
    static const char *const names[] = {"kind=\"fence\"", "kind=\"status\"", "kind=\"latency\"",
                                        "kind=\"lost_ack\"", "kind=\"watch_stall\""};
    x->fired[rule->id - 1]++;
    ++*metrics_cell(&x->api->metrics, METRIC_COUNTER, "apiserver_fault_total",
                    str_c(names[rule->f.kind]), "Injected faults.");
}

static void refuse(struct api_request *r, int status)
{
    static const struct {
        int status;
        const char *reason, *text;
    } known[] = {
        {429, "TooManyRequests",
         "the server has received too many requests and has asked us to try again later"},
        {500, "InternalError", "Internal error occurred: injected fault"},
        {503, "ServiceUnavailable", "the server is currently unable to handle the request"},
        {504, "Timeout", "Timeout: request did not complete within the allotted timeout"},
    };
    struct kube_status s = {
        .code = status, .reason = STR("InternalError"), .message = STR("injected fault")};
    s.name = s.group = s.kind = s.uid = s.continue_ = str_empty;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (known[i].status == status) {
            s.reason = str_c(known[i].reason);
            s.message = str_c(known[i].text);
        }
    s.retry_after_s = status == 429 || status == 503 ? 1 : 0;
    api_reply_status(r, &s);
}

world_time api_faults_apply(struct faults *x, struct api_request *r)
{
    world_time delay = 0;
    list_each (&x->rules, it, next) {
        struct fault_rule *rule = container_of(it, struct fault_rule, link);
        enum kubeapi_fault_kind kind = rule->f.kind;
        bool only_writes = kind == KUBEAPI_FAULT_FENCE || kind == KUBEAPI_FAULT_LOST_ACK;
        if (kind == KUBEAPI_FAULT_WATCH_STALL || r->answered ||
            (only_writes && !api_request_writes(r)) || !hits(x, rule, r))
            continue;
        fire(x, rule);
        if (kind == KUBEAPI_FAULT_LATENCY)
            delay += rule->f.delay +
                     (rule->f.jitter > 0 ? world_random_time(x->api->w, rule->f.jitter) : 0);
        else if (kind == KUBEAPI_FAULT_LOST_ACK)
            r->lost_ack = true;
        else
            refuse(r, kind == KUBEAPI_FAULT_FENCE ? 503 : rule->f.status);
    }
    return delay;
}

bool api_faults_stalled(const struct faults *x, const struct api_request *r)
{
    if (x->stalls == 0)
        return false;
    list_each (&x->rules, it, next) {
        const struct fault_rule *rule = container_of(it, struct fault_rule, link);
        if (rule->f.kind == KUBEAPI_FAULT_WATCH_STALL && matches(rule, r)) {
            x->fired[rule->id - 1]++;
            return true;
        }
    }
    return false;
}
