/* ResourceQuota: what a new object uses is added to what is used, up to what the quota's status says is hard. */
#include "sim/kubeapi/admission/admission.h"

#include "sim/kubeapi/core/commit.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/rules/walk.h"
#include "sim/kubeapi/types/quantity.h"

#define NANOS 1000000000

struct usage {
    struct arena *a;
    cJSON *map; /* resource → amount */
};

static void add(struct usage *u, const char *name, const struct quantity *q)
{
    struct quantity sum = *q, have;
    struct buf text = {0};
    const cJSON *v = json_get(u->map, name);
    if (v && !quantity_parse(json_string(v), &have))
        sum = quantity_add(&have, q);
    quantity_write(&sum, &text);
    json_set_str(u->a, u->map, name, buf_str(&text));
    buf_free(&text);
}

static void add_one(struct usage *u, const char *name)
{
    const struct quantity one = {NANOS, QUANTITY_DECIMAL};
    add(u, name, &one);
}

/* ---- what an object uses ---- */

static void add_amounts(struct usage *u, const cJSON *map, const char *prefix, bool plain)
{
    for (const cJSON *v = map ? map->child : NULL; v; v = v->next) {
        struct quantity q;
        if (quantity_parse(json_string(v), &q))
            continue;
        add(u, arena_c(u->a, arena_printf(u->a, "%s.%s", prefix, v->string)), &q);
        if (plain && text_among(str_c(v->string), "cpu|memory|ephemeral-storage"))
            add(u, v->string, &q);
    }
}

static void use_pod(struct usage *u, const cJSON *spec)
{
    const cJSON *list = json_get(spec, "containers");
    add_one(u, "pods");
    for (const cJSON *c = list ? list->child : NULL; c; c = c->next) {
        add_amounts(u, json_path(c, "resources.requests"), "requests", true);
        add_amounts(u, json_path(c, "resources.limits"), "limits", false);
    }
}

size_t quota_node_ports(const cJSON *spec)
{
    struct str type = json_string_at(spec, "type");
    const cJSON *ports = json_get(spec, "ports");
    bool every =
        str_eq_c(type, "NodePort") || json_bool_at(spec, "allocateLoadBalancerNodePorts", true);
    size_t n = 0;
    if (!text_among(type, "NodePort|LoadBalancer"))
        return 0;
    for (const cJSON *p = ports ? ports->child : NULL; p; p = p->next)
        n += every || json_get(p, "nodePort");
    return n;
}

static void use_service(struct usage *u, const cJSON *spec)
{
    add_one(u, "services");
    if (str_eq_c(json_string_at(spec, "type"), "LoadBalancer"))
        add_one(u, "services.loadbalancers");
    for (size_t n = quota_node_ports(spec); n > 0; n--)
        add_one(u, "services.nodeports");
}

static void use_claim(struct usage *u, const cJSON *spec)
{
    struct str class = json_string_at(spec, "storageClassName");
    struct quantity q;
    add_one(u, "persistentvolumeclaims");
    if (class.n > 0)
        add_one(u, arena_c(u->a, arena_printf(u->a,
                                              STR_FMT
                                              ".storageclass.storage.k8s.io/persistentvolumeclaims",
                                              STR_ARG(class))));
    if (quantity_parse(json_string_at(spec, "resources.requests.storage"), &q))
        return;
    add(u, "requests.storage", &q);
    if (class.n > 0)
        add(u,
            arena_c(u->a,
                    arena_printf(u->a, STR_FMT ".storageclass.storage.k8s.io/requests.storage",
                                 STR_ARG(class))),
            &q);
}

static cJSON *usage_of(struct admission *a)
{
    struct usage u = {&a->r->a, json_object(&a->r->a)};
    const cJSON *spec = json_get(a->object, "spec");
    add_one(&u, arena_c(u.a, arena_printf(u.a, "count/" STR_FMT, STR_ARG(a->k->table))));
    if (api_kind_is(a->k, "pods"))
        use_pod(&u, spec);
    else if (api_kind_is(a->k, "services"))
        use_service(&u, spec);
    else if (api_kind_is(a->k, "persistentvolumeclaims"))
        use_claim(&u, spec);
    else if (text_among(a->k->table, "configmaps|secrets|replicationcontrollers|resourcequotas"))
        add_one(&u, arena_c(u.a, a->k->table));
    return u.map;
}

/* ---- scopes ---- */

/* Does a container say how much of a processor or of memory it takes? */
static bool says_size(const cJSON *resources)
{
    return json_path(resources, "requests.cpu") || json_path(resources, "requests.memory") ||
           json_path(resources, "limits.cpu") || json_path(resources, "limits.memory");
}

static bool has_effort(const cJSON *spec)
{
    static const char *const lists[] = {"containers", "initContainers"};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        const cJSON *list = json_get(spec, lists[i]);
        for (const cJSON *c = list ? list->child : NULL; c; c = c->next)
            if (says_size(json_get(c, "resources")))
                return true;
    }
    return false;
}

static bool in_scope(struct str scope, const cJSON *spec)
{
    if (str_eq_c(scope, "Terminating") || str_eq_c(scope, "NotTerminating"))
        return (json_get(spec, "activeDeadlineSeconds") != NULL) == str_eq_c(scope, "Terminating");
    if (str_eq_c(scope, "BestEffort") || str_eq_c(scope, "NotBestEffort"))
        return has_effort(spec) == str_eq_c(scope, "NotBestEffort");
    if (str_eq_c(scope, "PriorityClass"))
        return json_string_at(spec, "priorityClassName").n > 0;
    return false;
}

static bool expression_holds(const cJSON *e, const cJSON *spec)
{
    const cJSON *values = json_get(e, "values");
    struct str class = json_string_at(spec, "priorityClassName"),
               scope = json_string_at(e, "scopeName"), op = json_string_at(e, "operator");
    bool listed = false;
    if (!str_eq_c(scope, "PriorityClass"))
        return in_scope(scope, spec);
    for (const cJSON *v = values ? values->child : NULL; v; v = v->next)
        listed = listed || str_eq(json_string(v), class);
    return str_eq_c(op, "In")             ? listed
           : str_eq_c(op, "NotIn")        ? !listed
           : str_eq_c(op, "DoesNotExist") ? class.n == 0
                                          : class.n > 0;
}

bool quota_is_scoped(const cJSON *quota)
{
    const cJSON *scopes = json_get(quota, "scopes");
    const cJSON *more = json_path(quota, "scopeSelector.matchExpressions");
    return (scopes && scopes->child) || (more && more->child);
}

bool quota_covers_pod(const cJSON *quota, const cJSON *spec)
{
    const cJSON *scopes = json_get(quota, "scopes");
    const cJSON *more = json_path(quota, "scopeSelector.matchExpressions");
    for (const cJSON *s = scopes ? scopes->child : NULL; s; s = s->next)
        if (!in_scope(json_string(s), spec))
            return false;
    for (const cJSON *e = more ? more->child : NULL; e; e = e->next)
        if (!expression_holds(e, spec))
            return false;
    return true;
}

static bool selects(struct admission *a, const cJSON *quota)
{
    const cJSON *spec = json_get(quota, "spec");
    if (!quota_is_scoped(spec))
        return true;
    return api_kind_is(a->k, "pods") && quota_covers_pod(spec, json_get(a->object, "spec"));
}

/* ---- the check ---- */

/* Under a quota of compute resources each container must say what it takes. */
static bool check_said(struct admission *a, const struct kube_object *quota, const cJSON *hard)
{
    static const char *const names[] = {"cpu",           "memory",       "limits.cpu",
                                        "limits.memory", "requests.cpu", "requests.memory"};
    const cJSON *list = json_path(a->object, "spec.containers");
    struct buf problems = {0};
    bool ok = true;
    for (size_t i = 0; i < ARRAY_LEN(names) && api_kind_is(a->k, "pods"); i++) {
        bool limits = str_starts(str_c(names[i]), STR("limits."));
        const char *plain = limits                                          ? names[i] + 7
                            : str_starts(str_c(names[i]), STR("requests.")) ? names[i] + 9
                                                                            : names[i];
        struct buf who = {0};
        for (const cJSON *c = list && json_get(hard, names[i]) ? list->child : NULL; c; c = c->next)
            if (!json_get(json_path(c, limits ? "resources.limits" : "resources.requests"), plain))
                buf_addf(&who, "%s" STR_FMT, who.n > 0 ? "," : "",
                         STR_ARG(json_string_at(c, "name")));
        if (who.n > 0)
            buf_addf(&problems, "%s%s for: " STR_FMT, problems.n > 0 ? "; " : "", names[i],
                     STR_ARG(buf_str(&who)));
        buf_free(&who);
    }
    if (problems.n > 0)
        ok = api_fail_forbidden(a->r, json_string_at(a->object, "metadata.name"),
                                "failed quota: " STR_FMT ": must specify " STR_FMT,
                                STR_ARG(quota->name), STR_ARG(buf_str(&problems)));
    buf_free(&problems);
    return ok;
}

struct excess {
    struct buf requested, used, limited;
};

static void note(struct buf *b, const char *name, struct str value)
{
    buf_addf(b, "%s%s=" STR_FMT, b->n > 0 ? "," : "", name, STR_ARG(value));
}

static bool charge(struct admission *a, struct store_table *t, const struct kube_object *quota,
                   const cJSON *uses)
{
    cJSON *tree = kube_object_tree(quota, &a->r->a);
    const cJSON *hard = json_path(tree, "status.hard");
    struct excess x = {0};
    bool counted = false, ok = true;
    if (json_is_empty(hard) || !selects(a, tree))
        return true;
    if (!check_said(a, quota, hard))
        return false;
    cJSON *used = json_ensure(&a->r->a, tree, "status.used");
    struct usage sum = {&a->r->a, json_copy(&a->r->a, used)};
    for (const cJSON *h = hard->child; h; h = h->next) {
        struct quantity limit, q, total;
        const cJSON *wanted = json_get(uses, h->string), *was = json_get(used, h->string);
        if (!wanted || quantity_parse(json_string(wanted), &q) ||
            quantity_parse(json_string(h), &limit))
            continue;
        counted = true;
        add(&sum, h->string, &q);
        if (quantity_parse(json_string(json_get(sum.map, h->string)), &total) ||
            quantity_cmp(&total, &limit) <= 0)
            continue;
        note(&x.requested, h->string, json_string(wanted));
        note(&x.used, h->string, was ? json_string(was) : STR("0"));
        note(&x.limited, h->string, json_string(h));
    }
    if (x.requested.n > 0)
        ok = api_fail_forbidden(a->r, json_string_at(a->object, "metadata.name"),
                                "exceeded quota: " STR_FMT ", requested: " STR_FMT
                                ", used: " STR_FMT ", limited: " STR_FMT,
                                STR_ARG(quota->name), STR_ARG(buf_str(&x.requested)),
                                STR_ARG(buf_str(&x.used)), STR_ARG(buf_str(&x.limited)));
    if (ok && counted && !a->r->dry_run) {
        json_set(&a->r->a, json_get(tree, "status"), STR("used"), sum.map);
        (void)api_write_commit(a->r->api, t, tree, &a->r->a);
    }
    buf_free(&x.requested);
    buf_free(&x.used);
    buf_free(&x.limited);
    return ok;
}

bool admit_quota(struct admission *a)
{
    struct store_table *t = store_table(a->r->api->store, STR("resourcequotas"));
    cJSON *uses = NULL;
    if (a->verb != ADMIT_CREATE || a->r->ns.n == 0 || store_count(t) == 0)
        return true;
    /* A charge writes into the table that is walked: each quota is found anew, behind the last one's name. */
    struct str after = str_empty;
    for (;;) {
        struct store_cursor c = store_seek(t, a->r->ns, after);
        struct kube_object *o = store_next(&c);
        if (o && str_eq(o->ns, a->r->ns) && str_eq(o->name, after))
            o = store_next(&c);
        if (!o || !str_eq(o->ns, a->r->ns))
            return true;
        after = arena_str(&a->r->a, o->name);
        if (!uses)
            uses = usage_of(a);
        if (!charge(a, t, o, uses))
            return false;
    }
}
