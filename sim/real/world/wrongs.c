/* Faults in the rig. */
#include "sim/real/world/wrongs.h"

#include "engine/base/json.h"
#include "sim/real/world/middlebox.h"

#include <stdio.h>
#include <string.h>

#define READ_EVERY (500 * NS_PER_MS)

struct wrong;
/* A rule in one API. */
struct rule {
    struct wrong *of;
    struct rig_api *api;
    int64_t told; /* start of the process that knows it; 0: none */
    bool asking;
    uint64_t fired, fired_before; /* of this process, and of those before it */
};
struct wrong {
    struct wrongs *wrongs;
    struct str name, id; /* owned */
    struct target target;
    struct fault fault;
    int64_t begin_ns, end_ns, until_ns; /* until -1: no end of its own */
    bool optional, over, in_lab;
    uint32_t lab_fault;
    uint64_t fired; /* of what nobody else counts */
    struct group group;
    struct rule *rules;
    size_t rules_n;
    const struct plan_choice *drawn_from;
    struct ledger_fault *shown;
};
struct wrongs {
    struct rig *rig;
    struct ledger *ledger;
    struct wrong **items;
    size_t n;
    int64_t read_due;
};

/* ---- the network ---- */

static const struct {
    enum fault_kind from;
    enum netlab_fault_kind to;
} lab_kinds[] = {
    {FAULT_NET_PARTITION, NETLAB_PARTITION},
    {FAULT_NET_HALF_OPEN, NETLAB_HALF_OPEN},
    {FAULT_NET_RESET, NETLAB_RESET},
    {FAULT_NET_REFUSE, NETLAB_REFUSE},
    {FAULT_NET_LATENCY, NETLAB_LATENCY},
    {FAULT_NET_LOSS, NETLAB_LOSS},
    {FAULT_NET_THROTTLE, NETLAB_THROTTLE},
    {FAULT_NET_IDLE_CUT, NETLAB_IDLE_CUT},
    {FAULT_NET_CLOG, NETLAB_CLOG},
    {FAULT_NET_REORDER, NETLAB_REORDER},
    {FAULT_NET_DUPLICATE, NETLAB_DUPLICATE},
    {FAULT_DNS_NXDOMAIN, NETLAB_DNS_NXDOMAIN},
    {FAULT_DNS_SERVFAIL, NETLAB_DNS_SERVFAIL},
    {FAULT_DNS_TIMEOUT, NETLAB_DNS_TIMEOUT},
    {FAULT_DNS_STALE, NETLAB_DNS_STALE},
    {FAULT_PROCESS_POWER_LOSS, NETLAB_PARTITION},
};

static bool lab_kind(enum fault_kind kind, enum netlab_fault_kind *out)
{
    for (size_t i = 0; i < ARRAY_LEN(lab_kinds); i++)
        if (lab_kinds[i].from == kind) {
            *out = lab_kinds[i].to;
            return true;
        }
    return false;
}

static struct err *begin_in_lab(struct wrong *it)
{
    struct rig *r = it->wrongs->rig;
    struct netlab_fault_options o = {.direction = (enum netlab_direction)it->fault.direction,
                                     .delay_ns = it->fault.delay_ns,
                                     .jitter_ns = it->fault.jitter_ns,
                                     .bytes_per_s = it->fault.bytes_per_s};
    struct group a = {0}, b = {0};
    if (!lab_kind(it->fault.kind, &o.kind))
        return NULL;
    bool dns = o.kind >= NETLAB_DNS_NXDOMAIN;
    if (it->fault.share_ppm != RIG_SHARE_ALL)
        o.share_ppm = (uint32_t)it->fault.share_ppm;
    group_add(r, &it->target.a, &a);
    if (it->target.kind == TARGET_LINK)
        group_add(r, &it->target.b, &b);
    if (dns)
        o.b = (struct netlab_group){a.hosts, a.n};
    else
        o.a = (struct netlab_group){a.hosts, a.n};
    if (it->target.kind == TARGET_LINK)
        o.b = (struct netlab_group){b.hosts, b.n};
    bool nobody = a.n == 0 || (it->target.kind == TARGET_LINK && b.n == 0);
    struct err *err = nobody ? NULL : netlab_fault_begin(r->lab, &o, &it->lab_fault);
    it->in_lab = !nobody && !err;
    group_free(&a);
    group_free(&b);
    return err;
}

/* ---- processes ---- */

static void set_dark(struct wrong *it, bool dark)
{
    struct rig *r = it->wrongs->rig;
    if (it->target.kind != TARGET_SITE)
        return;
    for (size_t i = 0; i < r->sites_n; i++)
        if (it->target.a.any || it->target.a.index == (int32_t)i)
            r->sites[i].dark = dark;
}

static void begin_processes(struct wrong *it)
{
    struct group *g = &it->group;
    group_add(it->wrongs->rig, &it->target.a, g);
    for (size_t i = 0; i < g->processes_n; i++) {
        struct process *p = g->processes[i];
        it->fired += process_runs(p);
        if (it->fault.kind == FAULT_PROCESS_CRASH)
            process_kill(p, it->fault.delay_ns);
        else if (it->fault.kind == FAULT_PROCESS_PAUSE)
            process_pause(p, true);
        else if (p->wanted)
            process_off(p);
    }
    if (it->fault.kind == FAULT_PROCESS_POWER_LOSS)
        set_dark(it, true);
}

static void end_processes(struct wrong *it)
{
    struct group *g = &it->group;
    for (size_t i = 0; i < g->processes_n; i++)
        if (it->fault.kind == FAULT_PROCESS_PAUSE)
            process_pause(g->processes[i], false);
        else if (it->fault.kind == FAULT_PROCESS_POWER_LOSS)
            process_want(g->processes[i], rig_now(it->wrongs->rig));
    if (it->fault.kind == FAULT_PROCESS_POWER_LOSS)
        set_dark(it, false);
}

/* ---- APIs ---- */

static void take_fired(struct rule *rule, struct str body)
{
    struct arena a = {0};
    cJSON *o = NULL;
    err_ignore(json_parse(&a, body, &o));
    rule->fired = (uint64_t)json_int_at(o, "fired", (int64_t)rule->fired);
    arena_free(&a);
}

static void on_told(void *owner, int status, struct str body)
{
    struct rule *rule = owner;
    rule->asking = false;
    if (status == 200 || status == 201)
        take_fired(rule, body);
    else
        rule->told = 0; /* told again */
}

static void on_read(void *owner, int status, struct str body)
{
    struct rule *rule = owner;
    rule->asking = false;
    if (status == 200)
        take_fired(rule, body);
}

static void tell_rule(struct rule *rule)
{
    struct buf json = {0};
    bool known = wrong_rule(&rule->of->fault, rule->of->id, &json);
    BUG_ON(!known, "what is no rule is not told as one");
    rule->fired_before += rule->fired;
    rule->fired = 0;
    rule->told = rule->api->process.starts;
    rule->asking = true;
    asker_send(rule->api->faults, "POST", STR("/faults"), "application/json", buf_str(&json),
               on_told, rule);
    buf_free(&json);
}

static void ask_rule(struct rule *rule, const char *method)
{
    struct buf target = {0};
    buf_addf(&target, "/faults/" STR_FMT, STR_ARG(rule->of->id));
    rule->asking = true;
    asker_send(rule->api->faults, method, buf_str(&target), NULL, str_empty, on_read, rule);
    buf_free(&target);
}

static void look_rule(struct rule *rule, bool read)
{
    const struct process *p = &rule->api->process;
    if (!p->ready || rule->asking)
        return;
    if (rule->told != p->starts && !rule->of->over)
        tell_rule(rule);
    else if (read && rule->told == p->starts && !rule->of->over)
        ask_rule(rule, "GET");
}

static void begin_rules(struct wrong *it)
{
    struct buf rule = {0};
    bool is_rule = wrong_rule(&it->fault, it->id, &rule);
    buf_free(&rule);
    if (!is_rule)
        return;
    group_add(it->wrongs->rig, &it->target.a, &it->group);
    it->rules_n = it->group.apis_n;
    it->rules = MEM_NEW_ARRAY(struct rule, it->rules_n + 1);
    for (size_t i = 0; i < it->rules_n; i++) {
        it->rules[i] = (struct rule){.of = it, .api = it->group.apis[i]};
        look_rule(&it->rules[i], false);
    }
}

/* ---- before managers ---- */

static struct err *begin_proxies(struct wrong *it)
{
    struct rig *r = it->wrongs->rig;
    const struct target_end *t = &it->target.a;
    struct err *err = NULL;
    for (size_t i = 0; i < r->sites_n && !err; i++)
        if ((t->any || t->index == (int32_t)i) && !r->sites[i].middlebox)
            err = middlebox_new(&r->sites[i], &it->fired, &r->sites[i].middlebox);
    return err;
}

static void end_proxies(struct wrong *it)
{
    struct rig *r = it->wrongs->rig;
    for (size_t i = 0; i < r->sites_n; i++)
        if (it->target.a.any || it->target.a.index == (int32_t)i) {
            middlebox_free(r->sites[i].middlebox);
            r->sites[i].middlebox = NULL;
        }
}

/* ---- life ---- */

static bool is_of_processes(enum fault_kind kind)
{
    return kind == FAULT_PROCESS_CRASH || kind == FAULT_PROCESS_PAUSE ||
           kind == FAULT_PROCESS_POWER_LOSS;
}

static uint64_t fired(const struct wrong *it)
{
    uint64_t n = it->fired, met = 0;
    if (it->in_lab && !is_of_processes(it->fault.kind)) {
        err_ignore(netlab_fault_fired(it->wrongs->rig->lab, it->lab_fault, &met));
        n += met;
    }
    for (size_t i = 0; i < it->rules_n; i++)
        n += it->rules[i].fired + it->rules[i].fired_before;
    return n;
}

static void show(struct wrong *it)
{
    it->shown->fired = fired(it);
    it->shown->active = !it->over;
    ledger_fault_changed(it->wrongs->ledger);
}

static void end(struct wrong *it)
{
    if (it->over)
        return;
    it->over = true;
    it->end_ns = rig_now(it->wrongs->rig);
    if (it->in_lab)
        err_ignore(netlab_fault_end(it->wrongs->rig->lab, it->lab_fault));
    if (is_of_processes(it->fault.kind))
        end_processes(it);
    if (it->fault.kind == FAULT_HTTP_NO_UPGRADE)
        end_proxies(it);
    for (size_t i = 0; i < it->rules_n; i++)
        if (it->rules[i].told == it->rules[i].api->process.starts)
            ask_rule(&it->rules[i], "DELETE");
    show(it);
}

struct err *wrongs_begin(struct wrongs *w, struct str name, const struct target *target,
                         const struct fault *fault, int64_t for_ns, bool optional,
                         const struct plan_choice *from)
{
    struct wrong *it = MEM_NEW(struct wrong);
    struct buf unique = {0}, id = {0};
    int64_t now = rig_now(w->rig);
    w->items = mem_resize(w->items, (w->n + 1) * sizeof(struct wrong *));
    w->items[w->n++] = it;
    buf_add(&unique, name);
    for (size_t i = 0; i + 1 < w->n; i++)
        if (str_eq(w->items[i]->name, name)) {
            buf_addf(&unique, " (%zu)", w->n);
            break;
        }
    buf_addf(&id, "fault-%zu", w->n);
    *it = (struct wrong){.wrongs = w,
                         .name = buf_take(&unique),
                         .id = buf_take(&id),
                         .target = group_settle(w->rig, target, ledger_leads, w->ledger),
                         .fault = *fault,
                         .begin_ns = now,
                         .end_ns = -1,
                         .until_ns = for_ns > 0 ? now + for_ns : -1,
                         .optional = optional,
                         .drawn_from = from};
    it->shown = ledger_add_fault(w->ledger, it->name);
    if (fault_is_momentary(fault) && for_ns <= 0)
        it->until_ns = now;
    struct err *err = NULL;
    if (fault->share_ppm > 0) { /* a share of nothing never fires */
        err = begin_in_lab(it);
        if (is_of_processes(fault->kind))
            begin_processes(it);
        begin_rules(it);
        if (!err && fault->kind == FAULT_HTTP_NO_UPGRADE)
            err = begin_proxies(it);
    }
    show(it);
    return err;
}

size_t wrongs_heal(struct wrongs *w, const struct target *target)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++)
        if (target->kind == TARGET_NONE || target->kind == TARGET_ALL ||
            str_eq(target->text, w->items[i]->target.text)) {
            end(w->items[i]);
            n++;
        }
    return n;
}

void wrongs_look(struct wrongs *w)
{
    int64_t now = rig_now(w->rig);
    bool read = now >= w->read_due;
    if (read)
        w->read_due = now + READ_EVERY;
    for (size_t i = 0; i < w->n; i++) {
        struct wrong *it = w->items[i];
        bool was_over = it->over;
        for (size_t k = 0; k < it->rules_n; k++)
            look_rule(&it->rules[k], read);
        bool told = true; /* a rule that nobody was told yet has not begun */
        for (size_t k = 0; k < it->rules_n; k++)
            told = told && !it->rules[k].asking;
        if (!it->over && it->until_ns >= 0 && now >= it->until_ns && told)
            end(it);
        if (read && (!was_over || it->rules_n))
            show(it);
    }
}

bool wrongs_settled(const struct wrongs *w)
{
    for (size_t i = 0; i < w->n; i++)
        for (size_t k = 0; k < w->items[i]->rules_n; k++)
            if (w->items[i]->rules[k].asking)
                return false;
    return true;
}

size_t wrongs_count(const struct wrongs *w)
{
    return w->n;
}

struct wrong_state wrongs_state(const struct wrongs *w, size_t i)
{
    const struct wrong *it = w->items[i];
    return (struct wrong_state){.name = it->name,
                                .target = it->target.text,
                                .begin_ns = it->begin_ns,
                                .end_ns = it->end_ns,
                                .fired = fired(it),
                                .optional = it->optional,
                                .drawn_from = it->drawn_from ? it->drawn_from->name : str_empty};
}

struct wrongs *wrongs_new(struct rig *rig, struct ledger *l)
{
    struct wrongs *w = MEM_NEW(struct wrongs);
    w->rig = rig;
    w->ledger = l;
    return w;
}

void wrongs_free(struct wrongs *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->n; i++) {
        group_free(&w->items[i]->group);
        str_free(&w->items[i]->name);
        str_free(&w->items[i]->id);
        mem_free(w->items[i]->rules);
        mem_free(w->items[i]);
    }
    mem_free(w->items);
    mem_free(w);
}
