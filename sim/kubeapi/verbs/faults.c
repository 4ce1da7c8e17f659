/* What requests and watches meet: rules are matched in the order in which they were added. */
#include "sim/kubeapi/verbs/faults_internal.h"

#include "sim/kubeapi/core/reply.h"

#include <string.h>

static const char *const labels[KUBEAPI_FAULT_KINDS] = {
    [KUBEAPI_FAULT_FENCE] = "kind=\"fence\"",
    [KUBEAPI_FAULT_STATUS] = "kind=\"status\"",
    [KUBEAPI_FAULT_LATENCY] = "kind=\"latency\"",
    [KUBEAPI_FAULT_LOST_ACK] = "kind=\"lost_ack\"",
    [KUBEAPI_FAULT_WATCH_STALL] = "kind=\"watch_stall\"",
    [KUBEAPI_FAULT_CONFLICT] = "kind=\"conflict\"",
    [KUBEAPI_FAULT_STORE_FULL] = "kind=\"store_full\"",
    [KUBEAPI_FAULT_SLOW_WRITE] = "kind=\"slow_write\"",
    [KUBEAPI_FAULT_LOST_WRITE] = "kind=\"lost_write\"",
    [KUBEAPI_FAULT_TRUNCATED] = "kind=\"truncated\"",
    [KUBEAPI_FAULT_STALE_READ] = "kind=\"stale_read\"",
    [KUBEAPI_FAULT_FORK] = "kind=\"fork\"",
    [KUBEAPI_FAULT_FATE] = "kind=\"fate\"",
    [KUBEAPI_FAULT_WATCH_CUT] = "kind=\"watch_cut\"",
    [KUBEAPI_FAULT_WATCH_DROP] = "kind=\"watch_drop\"",
    [KUBEAPI_FAULT_WATCH_GONE] = "kind=\"watch_gone\"",
    [KUBEAPI_FAULT_WATCH_LOSS] = "kind=\"watch_loss\"",
    [KUBEAPI_FAULT_WATCH_REWIND] = "kind=\"watch_rewind\"",
    [KUBEAPI_FAULT_WATCH_REORDER] = "kind=\"watch_reorder\"",
    [KUBEAPI_FAULT_WATCH_UNOBSERVED] = "kind=\"watch_unobserved\"",
    [KUBEAPI_FAULT_WATCH_DUPLICATE] = "kind=\"watch_duplicate\"",
    [KUBEAPI_FAULT_WATCH_NO_BOOKMARK] = "kind=\"watch_no_bookmark\"",
};

void fault_count(struct kubeapi *api, const char *label)
{
    ++*metrics_cell(&api->metrics, METRIC_COUNTER, "apiserver_fault_total", str_c(label),
                    "Injected faults.");
}

static bool is_client(const struct fault_rule *rule, const struct api_request *r)
{
    for (size_t i = 0; i < rule->f.clients_n; i++)
        if (str_eq(rule->clients[i], r->client))
            return true;
    return rule->f.clients_n == 0;
}

static bool matches(const struct fault_rule *rule, const struct api_request *r)
{
    const struct kubeapi_fault *f = &rule->f;
    struct str verb = r->verb == VERB_NONE ? str_empty : api_verb_name(r->verb);
    if (f->resource.n > 0 && !str_eq(f->resource, r->p.gvr.resource) &&
        !(r->kind && str_eq(f->resource, r->kind->table)))
        return false;
    bool of_event = f->kind == KUBEAPI_FAULT_WATCH_UNOBSERVED; /* its name is in the event */
    return (f->verb.n == 0 || str_eq(f->verb, verb)) &&
           (f->user.n == 0 || str_eq(f->user, r->user.name)) &&
           (f->name.n == 0 || of_event || str_eq(f->name, r->p.name)) &&
           (!f->writes || api_request_writes(r)) && is_client(rule, r);
}

bool fault_hits(struct faults *x, const struct fault_rule *rule, const struct api_request *r)
{
    uint32_t share = rule->f.per_million;
    return matches(rule, r) &&
           (share == 0 || share >= 1000000 || world_random_below(x->api->w, 1000000) < share);
}

void fault_fire(struct faults *x, const struct fault_rule *rule)
{
    x->fired[rule->id - 1]++;
    if (rule->f.fired)
        ++*rule->f.fired;
    fault_count(x->api, labels[rule->f.kind]);
}

bool api_faults_ask_client(const struct faults *x)
{
    return x->by_client > 0;
}

/* ---- requests ---- */

static void refuse(struct api_request *r, int status, int64_t retry_after_s)
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
    struct kube_status s = kube_status_new(status, STR("InternalError"), STR("injected fault"));
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (known[i].status == status) {
            s.reason = str_c(known[i].reason);
            s.message = str_c(known[i].text);
        }
    s.retry_after_s = retry_after_s > 0 ? retry_after_s : status == 429 || status == 503 ? 1 : 0;
    api_reply_status(r, &s);
}

/* Is it a kind that a request of this sort can meet at its head? The others are met by watches on their way. */
static bool concerns(enum kubeapi_fault_kind kind, const struct api_request *r)
{
    bool reads = r->verb == VERB_GET || r->verb == VERB_LIST || r->verb == VERB_WATCH;
    bool changes = r->verb == VERB_UPDATE || r->verb == VERB_PATCH;
    switch (kind) {
    case KUBEAPI_FAULT_STATUS:
    case KUBEAPI_FAULT_LATENCY:
        return true;
    case KUBEAPI_FAULT_TRUNCATED:
        return r->verb != VERB_WATCH;
    case KUBEAPI_FAULT_FENCE:
    case KUBEAPI_FAULT_LOST_ACK:
    case KUBEAPI_FAULT_SLOW_WRITE:
    case KUBEAPI_FAULT_LOST_WRITE:
    case KUBEAPI_FAULT_FATE:
        return api_request_writes(r);
    case KUBEAPI_FAULT_FORK:
        return r->table && (reads || api_request_writes(r));
    case KUBEAPI_FAULT_CONFLICT:
        return r->kind && changes;
    case KUBEAPI_FAULT_STORE_FULL:
        return r->kind && (changes || r->verb == VERB_CREATE) && api_request_writes(r);
    case KUBEAPI_FAULT_STALE_READ:
        return r->table && reads;
    default:
        return false;
    }
}

/* Answers, or marks the request; returns what it waits. */
static world_time strike(struct faults *x, const struct fault_rule *rule, struct api_request *r)
{
    switch (rule->f.kind) {
    case KUBEAPI_FAULT_LATENCY:
    case KUBEAPI_FAULT_SLOW_WRITE:
        return rule->f.delay +
               (rule->f.jitter > 0 ? world_random_time(x->api->w, rule->f.jitter) : 0);
    case KUBEAPI_FAULT_LOST_ACK:
        r->lost_ack = true;
        return 0;
    case KUBEAPI_FAULT_LOST_WRITE:
        r->lost_write = true;
        return 0;
    case KUBEAPI_FAULT_TRUNCATED:
        r->truncated = true;
        return 0;
    case KUBEAPI_FAULT_FATE: /* decided already */
        return 0;
    case KUBEAPI_FAULT_STALE_READ:
    case KUBEAPI_FAULT_FORK:
        r->table = store_table(rule->replica, store_table_name(r->table));
        return 0;
    case KUBEAPI_FAULT_CONFLICT:
        (void)api_fail_modified(r, r->p.name);
        return 0;
    case KUBEAPI_FAULT_STORE_FULL:
        (void)api_fail_plain(r, 500, "", "etcdserver: mvcc: database space exceeded");
        return 0;
    default:
        refuse(r, rule->f.kind == KUBEAPI_FAULT_FENCE ? 503 : rule->f.status,
               rule->f.retry_after_s);
        return 0;
    }
}

/* What becomes of a write is not for us to say; false: the usual. */
static bool decide(const struct fault_rule *rule, struct api_request *r)
{
    enum kubeapi_fate fate = rule->f.fate(rule->f.owner, r->client, r->method, r->path);
    r->lost_ack = r->lost_ack || fate != KUBEAPI_FATE_USUAL;
    r->lost_write = r->lost_write || fate == KUBEAPI_FATE_UNDONE;
    return fate != KUBEAPI_FATE_USUAL;
}

world_time api_faults_apply(struct faults *x, struct api_request *r)
{
    world_time delay = 0;
    list_each (&x->rules, it, next) {
        struct fault_rule *rule = container_of(it, struct fault_rule, link);
        if (r->answered || !concerns(rule->f.kind, r) || !fault_hits(x, rule, r))
            continue;
        if (rule->f.kind == KUBEAPI_FAULT_FATE && !decide(rule, r))
            continue;
        if (rule->f.kind != KUBEAPI_FAULT_FORK || api_request_writes(r))
            fault_fire(x, rule);
        delay += strike(x, rule, r);
    }
    return delay;
}

/* ---- watches ---- */

/* Is the watch among the share that a rule of watches, not of events, is for? */
static bool drawn(struct faults *x, const struct fault_rule *rule, struct api_request *r)
{
    uint32_t share = rule->f.per_million;
    if (share == 0 || share >= 1000000)
        return true;
    if (r->lot == 0)
        r->lot = 1 + (uint32_t)world_random_below(x->api->w, 1000000);
    return r->lot <= share;
}

bool api_faults_stalled(struct faults *x, struct api_request *r)
{
    if (x->n[KUBEAPI_FAULT_WATCH_STALL] == 0)
        return false;
    list_each (&x->rules, it, next) {
        const struct fault_rule *rule = container_of(it, struct fault_rule, link);
        if (rule->f.kind == KUBEAPI_FAULT_WATCH_STALL && rule->f.delay == 0 && matches(rule, r) &&
            drawn(x, rule, r)) {
            fault_fire(x, rule);
            return true;
        }
    }
    return false;
}

world_time api_faults_silence(struct faults *x, const struct api_request *r)
{
    if (x->n[KUBEAPI_FAULT_WATCH_STALL] == 0)
        return 0;
    list_each (&x->rules, it, next) {
        const struct fault_rule *rule = container_of(it, struct fault_rule, link);
        if (rule->f.kind == KUBEAPI_FAULT_WATCH_STALL && rule->f.delay > 0 &&
            fault_hits(x, rule, r)) {
            fault_fire(x, rule);
            return rule->f.delay;
        }
    }
    return 0;
}

static struct fault_rule *meet(struct faults *x, const struct api_request *r,
                               enum kubeapi_fault_kind kind)
{
    if (x->n[kind] == 0)
        return NULL;
    list_each (&x->rules, it, next) {
        struct fault_rule *rule = container_of(it, struct fault_rule, link);
        if (rule->f.kind == kind && fault_hits(x, rule, r))
            return rule;
    }
    return NULL;
}

bool api_faults_meet(struct faults *x, const struct api_request *r, enum kubeapi_fault_kind kind,
                     const struct kubeapi_fault **f)
{
    const struct fault_rule *rule = meet(x, r, kind);
    if (!rule)
        return false;
    fault_fire(x, rule);
    if (f)
        *f = &rule->f;
    return true;
}

/* A fault that changes nothing for this watch is not counted. */
uint64_t api_faults_resume(struct faults *x, const struct api_request *r, uint64_t revision,
                           bool *gone)
{
    const struct fault_rule *rule;
    *gone = api_faults_meet(x, r, KUBEAPI_FAULT_WATCH_GONE, NULL);
    if (*gone)
        return revision;
    if (store_table_revision(r->table) > revision &&
        (rule = meet(x, r, KUBEAPI_FAULT_WATCH_LOSS))) {
        fault_fire(x, rule);
        return store_durable(store_of(r->table));
    }
    rule = meet(x, r, KUBEAPI_FAULT_WATCH_REWIND);
    if (!rule || rule->marks[0] >= revision)
        return revision;
    fault_fire(x, rule);
    return rule->marks[0];
}
