/* What controllers make goes through the same door as what clients write: the one place where one makes something. */
#include "sim/kubeapi/auth/tokens.h"
#include "sim/kubeapi/controllers/ctl.h"
#include "sim/kubeapi/crd/find.h"
#include "sim/kubeapi/verbs/system.h"
#include "sim/kubeapi/verbs/write.h"

#define MUTATING    "mutatingwebhookconfigurations.admissionregistration.k8s.io"
#define VALIDATING  "validatingwebhookconfigurations.admissionregistration.k8s.io"
#define AGENT       "kube-controller-manager/v1.34.9"
#define WAITING_MAX 512u /* creations that wait for webhooks at once */

/* A creation that may have to wait for webhooks. */
struct waiting {
    struct api_request r;
    struct list link;
    struct ctl *c;
    struct ctl_making m;       /* strings in the request's arena */
    const cJSON *tree;         /* as it was asked for */
    struct kube_object *owner; /* referenced */
};

/* ---- who ---- */

static struct str account_of(const char *component)
{
    static const char *const others[][2] = {{"daemonset-controller", "daemon-set-controller"}};
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (str_eq_c(str_c(component), others[i][0]))
            return str_c(others[i][1]);
    return str_c(component);
}

static void become(struct ctl *c, struct api_request *r, const char *component)
{
    struct str ns = STR("kube-system"), account = account_of(component);
    const struct kube_object *o = store_get(c->api->accounts, ns, account);
    r->system = false;
    r->unowned = !c->options.owners;
    r->user_agent = STR(AGENT);
    r->timeout = KUBEAPI_TIMEOUT;
    api_tokens_user(&r->a, ns, account, o ? arena_str(&r->a, o->uid) : str_empty, &r->user);
}

/* ---- how it went ---- */

static bool is_terminating(const cJSON *status)
{
    const cJSON *causes = json_path(status, "details.causes");
    for (const cJSON *it = causes ? causes->child : NULL; it; it = it->next)
        if (str_eq_c(json_string_at(it, "reason"), "NamespaceTerminating"))
            return true;
    return false;
}

/* The words of the refusal; empty: the namespace is on its way out, nobody is told. */
static struct str refusal_of(struct ctl *c, struct api_request *r)
{
    cJSON *status = NULL;
    struct err *err = json_parse(&r->a, buf_str(&r->out), &status);
    BUG_ON(err || !status, "what refuses says why");
    return is_terminating(status) ? str_empty : arena_str(&c->a, json_string_at(status, "message"));
}

static enum ctl_made told(struct ctl *c, const struct ctl_making *m, struct api_request *r,
                          struct kube_object *made, struct str *why)
{
    if (made) {
        if (m->made.n > 0)
            ctl_record(c, m->owner, EVENT_NORMAL, "SuccessfulCreate", m->component, STR_FMT STR_FMT,
                       STR_ARG(m->made), STR_ARG(m->named ? str_empty : made->name));
        return CTL_MADE;
    }
    *why = refusal_of(c, r);
    if (why->n > 0 && m->failed.n > 0)
        ctl_record(c, m->owner, EVENT_WARNING, "FailedCreate", m->component, STR_FMT STR_FMT,
                   STR_ARG(m->failed), STR_ARG(*why));
    return CTL_REFUSED;
}

/* ---- asking ---- */

static struct kube_object *attempt(struct ctl *c, struct api_request *r, struct str ns, cJSON *tree)
{
    struct kube_object *out = NULL;
    bool open = ns.n == 0 || api_write_namespace_open(r, ns);
    return open && api_write_create(r, r->kind, ns, tree, &out) ? ctl_hold(c, out) : NULL;
}

static void begin(struct ctl *c, struct api_request *r, const struct ctl_making *m, cJSON *tree)
{
    struct buf version = {.max = 256};
    const struct api_kind *k = api_kind_of_table(c->api, store_table_name(c->tables[m->table]));
    api_system_begin(c->api, r, k, VERB_CREATE);
    kube_api_version_write(k->group, k->version, &version);
    json_set_str(&c->a, tree, "apiVersion", buf_str(&version));
    json_set_str(&c->a, tree, "kind", k->kind);
    buf_free(&version);
    r->ns = m->owner->ns;
    become(c, r, m->component);
}

/* ---- waiting ---- */

static bool asks_webhooks(struct ctl *c)
{
    return store_count(kubeapi_table(c->api, STR(MUTATING))) > 0 ||
           store_count(kubeapi_table(c->api, STR(VALIDATING))) > 0;
}

static void forget(struct waiting *w)
{
    list_remove(&w->link);
    w->c->making_n--;
    api_system_drop(&w->r);
    kube_object_unref(w->owner);
    mem_free(w);
}

static enum ctl_made run(struct waiting *w, struct kube_object **out, struct str *why)
{
    struct ctl *c = w->c;
    *out = attempt(c, &w->r, w->owner->ns, json_copy(&w->r.a, w->tree));
    if (w->r.suspended)
        return CTL_WAITS;
    enum ctl_made how = told(c, &w->m, &w->r, *out, why);
    forget(w);
    return how;
}

/* The webhooks have answered: a refusal is the owner's next sync's to see. */
static void on_resume(struct api_request *r)
{
    struct waiting *w = container_of(r, struct waiting, r);
    struct ctl *c = w->c;
    struct kube_object *made, *owner = kube_object_ref(w->owner);
    enum ctl_kind kind = w->m.ctl;
    struct str why = str_empty;
    r->suspended = false;
    r->problems_n = 0;
    buf_clear(&r->warnings);
    enum ctl_made how = run(w, &made, &why);
    if (how == CTL_REFUSED && store_by_uid(c->api->store, owner->uid, NULL)) {
        struct str *kept = map_get(&c->refusals, owner->uid);
        if (!kept) {
            kept = MEM_NEW(struct str);
            (void)map_put(&c->refusals, owner->uid, kept);
        }
        str_free(kept);
        *kept = str_dup(why);
    }
    if (how != CTL_WAITS)
        ctl_soon(c, kind, owner->ns, owner->name);
    kube_object_unref(owner);
    ctl_end_sync(c);
}

static enum ctl_made make_waiting(struct ctl *c, const struct ctl_making *m, cJSON *tree,
                                  struct kube_object **out, struct str *why)
{
    struct waiting *w = MEM_NEW(struct waiting);
    begin(c, &w->r, m, tree);
    w->c = c;
    w->r.resume = on_resume;
    w->owner = kube_object_ref(m->owner);
    w->m = *m;
    w->m.owner = w->owner;
    w->m.made = arena_str(&w->r.a, m->made);
    w->m.failed = arena_str(&w->r.a, m->failed);
    w->tree = json_copy(&w->r.a, tree);
    if (!c->making_n++)
        list_init(&c->making);
    list_add_tail(&c->making, &w->link);
    return run(w, out, why);
}

enum ctl_made ctl_make(struct ctl *c, const struct ctl_making *m, cJSON *tree,
                       struct kube_object **out, struct str *why)
{
    struct api_request r;
    *why = str_empty;
    *out = NULL;
    if (asks_webhooks(c) && c->making_n < WAITING_MAX)
        return make_waiting(c, m, tree, out, why);
    if (asks_webhooks(c)) {
        ctl_retry(c, m->ctl, m->owner->ns, m->owner->name);
        return CTL_WAITS;
    }
    begin(c, &r, m, tree);
    *out = attempt(c, &r, r.ns, tree);
    enum ctl_made how = told(c, m, &r, *out, why);
    api_system_drop(&r);
    return how;
}

size_t ctl_awaited(struct ctl *c, const struct kube_object *owner)
{
    size_t n = 0;
    if (c->making_n > 0)
        list_each (&c->making, it, next)
            n += str_eq(container_of(it, struct waiting, link)->owner->uid, owner->uid);
    return n;
}

bool ctl_refused(struct ctl *c, const struct kube_object *owner, struct str *why)
{
    struct str *kept = map_count(&c->refusals) ? map_remove(&c->refusals, owner->uid) : NULL;
    if (!kept)
        return false;
    *why = arena_str(&c->a, *kept);
    str_free(kept);
    mem_free(kept);
    return true;
}

void ctl_making_forget(struct ctl *c)
{
    void *v;
    if (c->making_n > 0)
        list_each (&c->making, it, next)
            forget(container_of(it, struct waiting, link));
    for (size_t i = 0; map_next(&c->refusals, &i, NULL, &v);) {
        str_free(v);
        mem_free(v);
    }
    map_clear(&c->refusals);
    map_clear(&c->retries);
}

/* ---- again ---- */

static struct str retry_key(struct ctl *c, enum ctl_kind kind, struct str ns, struct str name)
{
    return arena_printf(&c->a, "%d/" STR_FMT "/" STR_FMT, (int)kind, STR_ARG(ns), STR_ARG(name));
}

void ctl_retry(struct ctl *c, enum ctl_kind kind, struct str ns, struct str name)
{
    struct str key = retry_key(c, kind, ns, name);
    uintptr_t n = (uintptr_t)map_get(&c->retries, key);
    world_time delay = CTL_RETRY_FIRST;
    for (uintptr_t i = 0; i < n && delay < CTL_RETRY_MAX; i++)
        delay *= 2;
    (void)map_put(&c->retries, key, (void *)(n + 1));
    ctl_after(c, kind, ns, name, delay < CTL_RETRY_MAX ? delay : CTL_RETRY_MAX);
}

void ctl_forgive(struct ctl *c, enum ctl_kind kind, struct str ns, struct str name)
{
    if (map_count(&c->retries) > 0)
        (void)map_remove(&c->retries, retry_key(c, kind, ns, name));
}
