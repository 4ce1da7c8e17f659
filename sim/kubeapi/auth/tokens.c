/* Service account tokens kept in Secrets (type kubernetes.io/service-account-token): filled in when the Secret is
 * stored, checked against the stored copy, gone with their account.
 *
 * A token has the form and the claims of a JWT, and its signature part is random: what makes it valid is that the Secret
 * it names holds these very bytes and that the account exists with the uid it was made for. So it stays valid in a copy
 * of the store, needs no key, and dies with its Secret. Since every request brings one, the objects that made it good are
 * remembered: a request looks whether they still stand. */
#include "sim/kubeapi/api_internal.h"

#include "engine/base/codec.h"
#include "engine/kube/scan.h"
#include <string.h>

#define TOKEN_BYTES_MAX 8192u
#define KNOWN_MAX       1024u /* tokens that are remembered */

/* A token that was good with these two objects: as long as both stand, it is. */
struct known {
    struct kube_object *secret, *account;
    uint64_t secrets_seen, accounts_seen; /* changes of their tables at which it was good */
};

struct tokens {
    struct kubeapi *api;
    struct map known; /* token → struct known */
    struct map gone;  /* "ns/uid" of deleted accounts whose secrets are to go */
    struct world_timer *timer;
};

static void add_base64(struct arena *a, cJSON *data, const char *key, struct str value)
{
    struct buf b = {0};
    base64_encode(&b, value);
    json_set_str(a, data, key, buf_str(&b));
    buf_free(&b);
}

static struct str make_token(struct kubeapi *api, struct arena *a, struct str ns, struct str secret,
                             struct str account, struct str uid)
{
    struct buf text = {.max = TOKEN_BYTES_MAX}, token = {.max = TOKEN_BYTES_MAX};
    cJSON *claims = json_object(a);
    unsigned char signature[48];
    json_set_str(a, claims, "iss", STR("kubernetes/serviceaccount"));
    json_set_str(a, claims, "kubernetes.io/serviceaccount/namespace", ns);
    json_set_str(a, claims, "kubernetes.io/serviceaccount/secret.name", secret);
    json_set_str(a, claims, "kubernetes.io/serviceaccount/service-account.name", account);
    json_set_str(a, claims, "kubernetes.io/serviceaccount/service-account.uid", uid);
    json_set_str(a, claims, "sub",
                 arena_printf(a, "system:serviceaccount:" STR_FMT ":" STR_FMT, STR_ARG(ns),
                              STR_ARG(account)));
    json_write(&text, claims);
    world_random(api->w, signature, sizeof(signature));
    base64url_encode(&token, STR("{\"alg\":\"RS256\",\"kid\":\"paddock\"}"));
    buf_add_char(&token, '.');
    base64url_encode(&token, buf_str(&text));
    buf_add_char(&token, '.');
    base64url_encode(&token, (struct str){(const char *)signature, sizeof(signature)});
    struct str made = arena_str(a, buf_str(&token));
    buf_free(&text);
    buf_free(&token);
    return made;
}

void api_tokens_fill(struct kubeapi *api, struct arena *a, cJSON *secret, struct str ns)
{
    cJSON *annotations = json_ensure(a, secret, "metadata.annotations");
    struct str account = json_string(json_get(annotations, "kubernetes.io/service-account.name"));
    struct kube_object *o =
        account.n > 0 ? kubeapi_get(api, STR("serviceaccounts"), ns, account) : NULL;
    cJSON *data = o ? json_ensure(a, secret, "data") : NULL;
    if (!data || json_get(data, "token"))
        return;
    struct str name = json_string_at(secret, "metadata.name");
    add_base64(a, data, "token", make_token(api, a, ns, name, account, o->uid));
    add_base64(a, data, "ca.crt", api->ca_pem);
    add_base64(a, data, "namespace", ns);
    json_set_str(a, annotations, "kubernetes.io/service-account.uid", o->uid);
}

/* ---- checking ---- */

static cJSON *claims_of(struct arena *a, struct str token)
{
    struct str header, rest, payload, signature;
    struct buf b = {.max = TOKEN_BYTES_MAX};
    cJSON *claims = NULL;
    if (token.n > TOKEN_BYTES_MAX || !str_cut(token, '.', &header, &rest) ||
        !str_cut(rest, '.', &payload, &signature) || !base64url_decode(&b, payload)) {
        buf_free(&b);
        return NULL;
    }
    err_ignore(json_parse(a, buf_str(&b), &claims));
    buf_free(&b);
    return claims;
}

static struct str annotation(const struct kube_object *o, struct str key)
{
    struct str inner;
    bool escaped;
    struct str annotations = kube_object_raw(o, "metadata.annotations");
    if (annotations.n == 0 || !scan_string(scan_get(annotations, key), &inner, &escaped))
        return str_empty;
    return inner;
}

static struct str join(struct arena *a, struct str head, struct str tail)
{
    char *both = arena_alloc(a, head.n + tail.n + 1);
    memcpy(both, head.p, head.n);
    if (tail.n)
        memcpy(both + head.n, tail.p, tail.n);
    return (struct str){both, head.n + tail.n};
}

static struct str service_account(struct arena *a, struct str ns, struct str name)
{
    return join(a, join(a, join(a, STR("system:serviceaccount:"), ns), STR(":")), name);
}

void api_tokens_user(struct arena *a, struct str ns, struct str name, struct str uid,
                     struct api_user *user)
{
    *user = (struct api_user){.name = service_account(a, ns, name), .uid = uid};
    user->groups = ARENA_NEW_ARRAY(a, struct str, 3);
    user->groups[user->groups_n++] = STR("system:serviceaccounts");
    user->groups[user->groups_n++] = join(a, STR("system:serviceaccounts:"), ns);
    user->groups[user->groups_n++] = STR("system:authenticated");
}

/* The objects that make the token good; false: there are none. */
static bool token_good(struct kubeapi *api, struct str token, struct known *by)
{
    struct arena a = {0};
    struct buf stored = {.max = 2 * TOKEN_BYTES_MAX};
    const cJSON *claims = claims_of(&a, token);
    struct str ns = json_string(json_get(claims, "kubernetes.io/serviceaccount/namespace"));
    struct str name = json_string(json_get(claims, "kubernetes.io/serviceaccount/secret.name"));
    by->secret = name.n > 0 ? store_get(api->secrets, ns, name) : NULL;
    by->account = NULL;
    if (by->secret && !by->secret->deleting) {
        base64_encode(&stored, token);
        if (str_eq(buf_str(&stored), kube_object_string(by->secret, "data.token")))
            by->account =
                kubeapi_get(api, STR("serviceaccounts"), by->secret->ns,
                            annotation(by->secret, STR("kubernetes.io/service-account.name")));
    }
    buf_free(&stored);
    arena_free(&a);
    return by->account && str_eq(by->account->uid,
                                 annotation(by->secret, STR("kubernetes.io/service-account.uid")));
}

static void known_free(struct known *k)
{
    kube_object_unref(k->secret);
    kube_object_unref(k->account);
    mem_free(k);
}

static void known_clear(struct tokens *x)
{
    void *k;
    for (size_t i = 0; map_next(&x->known, &i, NULL, &k);)
        known_free(k);
    map_clear(&x->known);
}

static void known_seen(const struct kubeapi *api, struct known *k)
{
    k->secrets_seen = store_table_changes(api->secrets);
    k->accounts_seen = store_table_changes(api->accounts);
}

/* Objects are immutable: the same one in its place means that nothing of it has changed. */
static bool known_stands(const struct kubeapi *api, struct known *k)
{
    const struct kube_object *s = k->secret, *o = k->account;
    if (k->secrets_seen == store_table_changes(api->secrets) &&
        k->accounts_seen == store_table_changes(api->accounts))
        return true;
    if (store_get(api->secrets, s->ns, s->name) != s ||
        store_get(api->accounts, o->ns, o->name) != o)
        return false;
    known_seen(api, k);
    return true;
}

static const struct known *known_get(struct tokens *x, struct str token)
{
    struct known by, *k = map_get(&x->known, token);
    if (k && known_stands(x->api, k))
        return k;
    if (k)
        known_free(map_remove(&x->known, token));
    if (!token_good(x->api, token, &by))
        return NULL;
    if (map_count(&x->known) >= KNOWN_MAX)
        known_clear(x);
    k = MEM_NEW(struct known);
    *k = (struct known){.secret = kube_object_ref(by.secret),
                        .account = kube_object_ref(by.account)};
    known_seen(x->api, k);
    map_put(&x->known, token, k);
    return k;
}

bool api_tokens_check(struct kubeapi *api, struct arena *a, struct str token, struct api_user *user)
{
    const struct known *k = known_get(api->tokens, token);
    if (k)
        api_tokens_user(a, k->account->ns, k->account->name, arena_str(a, k->account->uid), user);
    return k != NULL;
}

/* ---- an account takes its token secrets along ---- */

static void delete_secrets(struct tokens *x, struct str ns, struct str uid)
{
    struct arena a = {0};
    struct str names[64];
    size_t n = 0;
    struct store_cursor c = store_seek(store_table(x->api->store, STR("secrets")), ns, str_empty);
    for (struct kube_object *o; (o = store_next(&c)) && str_eq(o->ns, ns);)
        if (n < ARRAY_LEN(names) &&
            str_eq(annotation(o, STR("kubernetes.io/service-account.uid")), uid))
            names[n++] = arena_str(&a, o->name);
    for (size_t i = 0; i < n; i++)
        err_ignore(kubeapi_delete(x->api, STR("secrets"), ns, names[i]));
    arena_free(&a);
}

static void on_timer(void *owner)
{
    struct tokens *x = owner;
    struct str key, ns, uid;
    for (size_t i = 0; map_next(&x->gone, &i, &key, NULL);) {
        (void)str_cut(key, '/', &ns, &uid);
        delete_secrets(x, ns, uid);
    }
    map_clear(&x->gone);
}

void api_tokens_event(struct tokens *x, struct store_event *e)
{
    if (e->type != STORE_DELETED || !str_eq_c(store_table_name(e->table), "serviceaccounts"))
        return;
    struct arena a = {0};
    map_put(&x->gone,
            arena_printf(&a, STR_FMT "/" STR_FMT, STR_ARG(e->object->ns), STR_ARG(e->object->uid)),
            x);
    world_timer_start(x->timer, 0);
    arena_free(&a);
}

struct tokens *api_tokens_new(struct kubeapi *api)
{
    struct tokens *x = MEM_NEW(struct tokens);
    x->api = api;
    x->timer = world_timer_new(api->w, on_timer, x);
    return x;
}

void api_tokens_free(struct tokens *x)
{
    world_timer_free(x->timer);
    map_free(&x->gone);
    known_clear(x);
    map_free(&x->known);
    mem_free(x);
}
