/* The fault rules of one server: those that do something as they come and go, and the watches that they reach. */
#include "sim/kubeapi/verbs/fault_rules.h"

#include "sim/kubeapi/verbs/unobserved.h"
#include "sim/kubeapi/verbs/watch.h"

#include <string.h>

/* ---- rules that do something as they come and go ---- */

static void each_watch(struct faults *x, struct fault_rule *rule, void (*act)(struct api_watch *w))
{
    list_each (&x->api->requests, it, next) {
        struct api_request *r = container_of(it, struct api_request, link);
        if (r->watch && fault_hits(x, rule, r)) {
            fault_fire(x, rule);
            act(r->watch);
        }
    }
}

static void cut_in_order(struct api_watch *w)
{
    api_watch_cut(w, false);
}

static void cut_short(struct api_watch *w)
{
    api_watch_cut(w, true);
}

/* Time goes on for the past that a rewind shows; when it lies far enough back, its watchers are sent there. */
static void on_eighth(void *owner)
{
    struct fault_rule *rule = owner;
    memmove(rule->marks, rule->marks + 1, (REWIND_MARKS - 1) * sizeof(rule->marks[0]));
    rule->marks[REWIND_MARKS - 1] = store_revision(rule->of->api->store);
    if (rule->eighths < REWIND_MARKS && ++rule->eighths == REWIND_MARKS)
        each_watch(rule->of, rule, cut_in_order);
    world_timer_start(rule->timer, rule->f.delay / REWIND_MARKS + 1);
}

static void rule_begin(struct fault_rule *rule)
{
    struct faults *x = rule->of;
    struct store *s = x->api->store;
    if (rule->f.kind == KUBEAPI_FAULT_WATCH_GONE) {
        each_watch(x, rule, api_watch_gone);
    } else if (rule->f.kind == KUBEAPI_FAULT_WATCH_CUT) {
        each_watch(x, rule, cut_short);
    } else if (rule->f.kind == KUBEAPI_FAULT_STALE_READ || rule->f.kind == KUBEAPI_FAULT_FORK) {
        struct store_snapshot *then = rule->f.past ? NULL : store_snapshot_take(s);
        rule->replica = store_new(NULL);
        store_restore(rule->replica, then ? then : rule->f.past);
        store_snapshot_free(then);
        rule->f.past = NULL;
    } else if (rule->f.kind == KUBEAPI_FAULT_WATCH_REWIND) {
        for (size_t i = 0; i < REWIND_MARKS; i++)
            rule->marks[i] = store_revision(s);
        if (rule->f.delay > 0) {
            rule->timer = world_timer_new(x->api->w, on_eighth, rule);
            world_timer_start(rule->timer, rule->f.delay / REWIND_MARKS + 1);
        }
    }
}

/* The replica has caught up: what reads from it reads from the store. */
static void leave_replica(struct faults *x, const struct store *replica)
{
    list_each (&x->api->requests, it, next) {
        struct api_request *r = container_of(it, struct api_request, link);
        if (!r->table || store_of(r->table) != replica)
            continue;
        struct store_table *t = store_table(x->api->store, store_table_name(r->table));
        if (r->watch)
            api_watch_move(r->watch, t);
        else
            r->table = t;
    }
}

/* ---- rules ---- */

static bool asks_client(const struct fault_rule *rule)
{
    return rule->f.clients_n > 0 || rule->f.kind == KUBEAPI_FAULT_FATE;
}

uint64_t kubeapi_fault_add(struct kubeapi *api, const struct kubeapi_fault *fault)
{
    struct faults *x = api->faults;
    struct fault_rule *rule = MEM_NEW(struct fault_rule);
    rule->f = *fault;
    rule->f.resource = str_dup(fault->resource);
    rule->f.verb = str_dup(fault->verb);
    rule->f.user = str_dup(fault->user);
    rule->f.name = str_dup(fault->name);
    rule->clients = MEM_NEW_ARRAY(struct str, fault->clients_n);
    for (size_t i = 0; i < fault->clients_n; i++)
        rule->clients[i] = str_dup(fault->clients[i]);
    rule->f.clients = rule->clients;
    rule->id = ++x->last_id;
    if (rule->id > x->fired_cap) {
        x->fired_cap = x->fired_cap ? x->fired_cap * 2 : 16;
        x->fired = mem_resize(x->fired, x->fired_cap * sizeof(*x->fired));
    }
    x->fired[rule->id - 1] = 0;
    list_init(&rule->hidden);
    list_add_tail(&x->rules, &rule->link);
    rule->of = x;
    x->n[fault->kind]++;
    x->by_client += asks_client(rule);
    rule_begin(rule);
    return x->last_id;
}

static void rule_free(struct fault_rule *rule)
{
    unobserved_end(rule, false);
    list_remove(&rule->link);
    world_timer_free(rule->timer);
    store_free(rule->replica);
    str_free(&rule->f.resource);
    str_free(&rule->f.verb);
    str_free(&rule->f.user);
    str_free(&rule->f.name);
    for (size_t i = 0; i < rule->f.clients_n; i++)
        str_free(&rule->clients[i]);
    mem_free(rule->clients);
    mem_free(rule);
}

void kubeapi_fault_remove(struct kubeapi *api, uint64_t id)
{
    struct faults *x = api->faults;
    list_each (&x->rules, it, next) {
        struct fault_rule *rule = container_of(it, struct fault_rule, link);
        if (rule->id != id)
            continue;
        enum kubeapi_fault_kind kind = rule->f.kind;
        x->n[kind]--;
        x->by_client -= asks_client(rule);
        if (rule->replica)
            leave_replica(x, rule->replica);
        unobserved_end(rule, true);
        rule_free(rule);
        if (kind == KUBEAPI_FAULT_WATCH_STALL)
            api_watches_pump(api); /* what was missed comes now */
        return;
    }
}

uint64_t kubeapi_fault_fired(const struct kubeapi *api, uint64_t id)
{
    return id > 0 && id <= api->faults->last_id ? api->faults->fired[id - 1] : 0;
}

void api_faults_event(struct faults *x)
{
    if (x->n[KUBEAPI_FAULT_WATCH_REORDER] == 0)
        return;
    uint64_t revision = store_revision(x->api->store);
    list_each (&x->api->requests, it, next) {
        struct api_request *r = container_of(it, struct api_request, link);
        if (r->watch)
            api_watch_release(r->watch, revision);
    }
}

void kubeapi_compact(struct kubeapi *api)
{
    store_compact(api->store, store_revision(api->store));
    fault_count(api, "kind=\"compaction\"");
}

size_t kubeapi_cut_watches(struct kubeapi *api, struct str resource, bool abort)
{
    size_t n = 0;
    list_each (&api->requests, it, next) {
        struct api_request *r = container_of(it, struct api_request, link);
        if (!r->watch || !api_watch_of(r->watch, resource))
            continue;
        api_watch_cut(r->watch, abort);
        n++;
    }
    return n;
}

/* ---- life ---- */

struct faults *api_faults_new(struct kubeapi *api)
{
    struct faults *x = MEM_NEW(struct faults);
    x->api = api;
    list_init(&x->rules);
    return x;
}

void api_faults_free(struct faults *x)
{
    list_each (&x->rules, it, next)
        rule_free(container_of(it, struct fault_rule, link));
    mem_free(x->fired);
    mem_free(x);
}
