#include "sim/kubeapi/controllers/token_secrets.h"

#include "engine/base/codec.h"
#include "engine/kube/scan.h"
#include "sim/kubeapi/auth/tokens.h"
#include "sim/kubeapi/crd/find.h"
#include "sim/kubeapi/verbs/system.h"
#include "sim/kubeapi/verbs/write.h"
#include "sim/kubeapi/verbs/writing.h"

struct token_secrets {
    struct kubeapi *api;
    struct map queue; /* "ns/name" of Secrets to look at */
    struct map gone;  /* "ns/" of namespaces in which accounts were deleted */
    struct world_timer *timer;
};

static bool is_token_secret(const struct kube_object *o)
{
    return str_eq_c(kube_object_string(o, "type"), "kubernetes.io/service-account-token");
}

static struct str annotation(const struct kube_object *o, const char *key)
{
    struct str inner;
    bool escaped;
    struct str all = kube_object_raw(o, "metadata.annotations");
    if (all.n == 0 || !scan_string(scan_get(all, str_c(key)), &inner, &escaped))
        return str_empty;
    return inner;
}

static struct kube_object *account_of(struct kubeapi *api, const struct kube_object *secret)
{
    struct kube_object *o = store_get(api->accounts, secret->ns,
                                      annotation(secret, "kubernetes.io/service-account.name"));
    struct str uid = annotation(secret, "kubernetes.io/service-account.uid");
    return o && (uid.n == 0 || str_eq(uid, o->uid)) ? o : NULL;
}

static void enqueue(struct token_secrets *x, struct str ns, struct str name)
{
    struct buf key = {.max = 1024};
    buf_addf(&key, STR_FMT "/" STR_FMT, STR_ARG(ns), STR_ARG(name));
    map_put(name.n > 0 ? &x->queue : &x->gone, buf_str(&key), x);
    buf_free(&key);
    if (!world_timer_active(x->timer))
        world_timer_start(x->timer, 0);
}

/* ---- one Secret ---- */

static void add_base64(struct arena *a, cJSON *data, const char *key, struct str value)
{
    struct buf b = {0};
    if (json_get(data, key))
        return;
    base64_encode(&b, value);
    json_set_str(a, data, key, buf_str(&b));
    buf_free(&b);
}

static void fill(struct kubeapi *api, struct kube_object *secret, const struct kube_object *account)
{
    struct api_request r;
    const struct api_kind *k = api_kind_of_table(api, STR("secrets"));
    api_system_begin(api, &r, k, VERB_UPDATE);
    r.ns = secret->ns;
    cJSON *tree = kube_object_tree(secret, &r.a), *data = json_ensure(&r.a, tree, "data");
    struct token_ref ref = {account->name, account->uid};
    if (!json_get(data, "token"))
        add_base64(&r.a, data, "token",
                   tokens_issue_legacy(api->tokens, &r.a, secret->ns, secret->name, ref));
    add_base64(&r.a, data, "ca.crt", api->ca_pem);
    add_base64(&r.a, data, "namespace", secret->ns);
    json_set_str(&r.a, json_ensure(&r.a, tree, "metadata.annotations"),
                 "kubernetes.io/service-account.uid", account->uid);
    (void)api_write_update(&r, k, secret, tree, WRITE_ALL, &secret);
    err_ignore(api_system_end(&r));
}

static void sync(struct token_secrets *x, struct str ns, struct str name)
{
    struct kubeapi *api = x->api;
    struct kube_object *o = store_get(api->secrets, ns, name);
    if (!o || !is_token_secret(o) || o->deleting)
        return;
    struct kube_object *account = account_of(api, o);
    if (account)
        fill(api, o, account);
    else
        err_ignore(kubeapi_delete(api, STR("secrets"), ns, name));
}

/* ---- the queue ---- */

static void requeue_namespace(struct token_secrets *x, struct str ns)
{
    struct store_cursor c = store_seek(x->api->secrets, ns, str_empty);
    for (struct kube_object *o; (o = store_next(&c)) && str_eq(o->ns, ns);)
        if (is_token_secret(o) && !account_of(x->api, o))
            enqueue(x, o->ns, o->name);
}

static void on_timer(void *owner)
{
    struct token_secrets *x = owner;
    struct str key, ns, name;
    for (size_t i = 0; map_next(&x->gone, &i, &key, NULL);) {
        (void)str_cut(key, '/', &ns, &name);
        requeue_namespace(x, ns);
    }
    map_clear(&x->gone);
    struct map work = x->queue;
    x->queue = (struct map){0};
    for (size_t i = 0; map_next(&work, &i, &key, NULL);) {
        (void)str_cut(key, '/', &ns, &name);
        sync(x, ns, name);
    }
    map_free(&work);
}

void token_secrets_event(struct token_secrets *x, struct store_event *e)
{
    const struct kube_object *o = e->object;
    if (e->table == x->api->accounts && e->type == STORE_DELETED)
        enqueue(x, o->ns, str_empty);
    else if (e->table == x->api->secrets && e->type != STORE_DELETED && is_token_secret(o))
        enqueue(x, o->ns, o->name);
}

void token_secrets_reset(struct token_secrets *x)
{
    map_clear(&x->queue);
    map_clear(&x->gone);
    struct store_cursor c = store_seek(x->api->secrets, str_empty, str_empty);
    for (struct kube_object *o; (o = store_next(&c));)
        if (is_token_secret(o))
            enqueue(x, o->ns, o->name);
}

struct token_secrets *token_secrets_new(struct kubeapi *api)
{
    struct token_secrets *x = MEM_NEW(struct token_secrets);
    x->api = api;
    x->timer = world_timer_new(api->w, on_timer, x);
    return x;
}

void token_secrets_free(struct token_secrets *x)
{
    world_timer_free(x->timer);
    map_free(&x->queue);
    map_free(&x->gone);
    mem_free(x);
}
