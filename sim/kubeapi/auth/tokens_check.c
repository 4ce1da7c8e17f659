/* Whether a token is good: looked at once with all its claims, then remembered with what it hangs on. */
#include "sim/kubeapi/auth/tokens_internal.h"

#include "engine/base/codec.h"
#include "engine/base/timefmt.h"
#include "sim/kubeapi/core/commit.h"

static const struct str own_audience[] = {STR_INIT(TOKEN_ISSUER)};
const struct audiences token_api_audiences = {own_audience, ARRAY_LEN(own_audience)};

#define LAST_USED "kubernetes.io/legacy-token-last-used"
#define DAY_S     (INT64_C(24) * 3600)
#define HELD_MAX  4u /* account and pod, secret or node; a pod's node is only named */

/* An object that must stay: the token is good while one with this uid is there. */
struct held {
    struct store_table *table;
    struct kube_object *object; /* as last seen */
    uint64_t seen;              /* changes of the table at which it stood */
    bool vouches;               /* a Secret whose data.token is this very token */
};

/* A token that was good. */
struct known {
    struct arena a;
    struct api_user user;
    struct audiences audiences;
    int64_t not_before_s, expires_s;
    int64_t again_s; /* of a Secret's: when the day of its use ends; 0: never */
    struct held held[HELD_MAX];
    size_t held_n;
};

/* ---- while it is remembered ---- */

static void known_free(struct known *k)
{
    for (size_t i = 0; i < k->held_n; i++)
        kube_object_unref(k->held[i].object);
    arena_free(&k->a);
    mem_free(k);
}

static void forget_all(struct tokens *x)
{
    void *k;
    for (size_t i = 0; map_next(&x->known, &i, NULL, &k);)
        known_free(k);
    map_clear(&x->known);
}

/* An object under deletion holds for a while. */
static bool alive(struct kubeapi *api, const struct kube_object *o)
{
    int64_t since;
    return !o->deleting ||
           (rfc3339_parse(kube_object_string(o, "metadata.deletionTimestamp"), &since) &&
            world_wall(api->w) < since + TOKEN_GRACE);
}

static bool vouches(const struct kube_object *secret, struct str token)
{
    struct buf stored = {0};
    base64_encode(&stored, token);
    bool same = str_eq(buf_str(&stored), kube_object_string(secret, "data.token"));
    buf_free(&stored);
    return same;
}

/* Who cleans up tokens that nobody uses says so here, and may take it back. */
static bool marked_invalid(const struct kube_object *secret)
{
    return kube_object_label(secret, STR("kubernetes.io/legacy-token-invalid-since")).n > 0;
}

static bool stands(struct kubeapi *api, struct held *h, struct str token)
{
    uint64_t now = store_table_changes(h->table);
    if (now == h->seen)
        return alive(api, h->object);
    struct kube_object *o = store_get(h->table, h->object->ns, h->object->name);
    if (!o || !str_eq(o->uid, h->object->uid) || !alive(api, o) ||
        (h->vouches && (o->deleting || marked_invalid(o) || !vouches(o, token))))
        return false;
    if (o != h->object) {
        kube_object_ref(o);
        kube_object_unref(h->object);
        h->object = o;
    }
    h->seen = now;
    return true;
}

static bool known_stands(struct kubeapi *api, struct known *k, struct str token)
{
    int64_t now_s = world_wall(api->w) / NS_PER_S;
    bool ok = now_s >= k->not_before_s && now_s < k->expires_s;
    for (size_t i = 0; ok && i < k->held_n; i++)
        ok = stands(api, &k->held[i], token);
    return ok;
}

/* ---- a look at a new one ---- */

struct look {
    struct kubeapi *api;
    struct arena *a;
    struct known *k;
    struct str token;
    struct str error;
};

static bool bad(struct look *l, const char *fmt, ...) printf_like(2, 3);
static bool bad(struct look *l, const char *fmt, ...)
{
    struct buf b = {.max = 1024};
    va_list ap;
    va_start(ap, fmt);
    buf_addv(&b, fmt, ap);
    va_end(ap);
    l->error = arena_str(l->a, buf_str(&b));
    buf_free(&b);
    return false;
}

static void hold(struct look *l, struct store_table *t, struct kube_object *o, bool vouching)
{
    BUG_ON(l->k->held_n == HELD_MAX, "a token hangs on a few objects");
    l->k->held[l->k->held_n++] =
        (struct held){t, kube_object_ref(o), store_table_changes(t), vouching};
}

static bool hold_account(struct look *l, struct str ns, struct str name, struct str uid)
{
    struct kube_object *o = store_get(l->api->accounts, ns, name);
    if (!o)
        return bad(l, "serviceaccounts \"" STR_FMT "\" not found", STR_ARG(name));
    if (!alive(l->api, o))
        return bad(l, "service account " STR_FMT "/" STR_FMT " has been deleted", STR_ARG(ns),
                   STR_ARG(name));
    if (!str_eq(o->uid, uid))
        return bad(l, "service account UID (" STR_FMT ") does not match claim (" STR_FMT ")",
                   STR_ARG(o->uid), STR_ARG(uid));
    hold(l, l->api->accounts, o, false);
    api_tokens_user(&l->k->a, arena_str(&l->k->a, ns), arena_str(&l->k->a, name),
                    arena_str(&l->k->a, uid), &l->k->user);
    return true;
}

static void add_extra(struct known *k, const char *key, struct str value)
{
    if (!k->user.extra)
        k->user.extra = ARENA_NEW_ARRAY(&k->a, struct api_extra, 5);
    struct api_extra *e = &k->user.extra[k->user.extra_n++];
    e->key = str_c(key);
    e->values = ARENA_NEW(&k->a, struct str);
    e->values[0] = arena_str(&k->a, value);
    e->n = 1;
}

/* What the claims bind the token to: a pod, secret or node that must be there with this uid. */
static bool hold_bound(struct look *l, const cJSON *own, const char *kind, struct str ns)
{
    const cJSON *ref = json_get(own, kind);
    if (!ref)
        return true;
    bool node = str_eq_c(str_c(kind), "node");
    struct str name = json_string_at(ref, "name"), uid = json_string_at(ref, "uid");
    struct str table = arena_printf(l->a, "%ss", kind);
    struct store_table *t = store_table(l->api->store, table);
    struct kube_object *o = store_get(t, node ? str_empty : ns, name);
    if (!o || !alive(l->api, o))
        return bad(l, "service account token has been invalidated");
    if (!str_eq(o->uid, uid))
        return bad(l,
                   "%s UID (" STR_FMT ") does not match service account %s ref claim (" STR_FMT ")",
                   kind, STR_ARG(o->uid), kind, STR_ARG(uid));
    hold(l, t, o, false);
    return true;
}

static void read_audiences(struct known *k, const cJSON *aud)
{
    const cJSON *first = aud && aud->type == cJSON_Array ? aud->child : aud;
    struct str *items = ARENA_NEW_ARRAY(&k->a, struct str, TOKEN_AUDIENCES_MAX);
    k->audiences.items = items;
    for (const cJSON *v = first; v && k->audiences.n < TOKEN_AUDIENCES_MAX; v = v->next) {
        items[k->audiences.n++] = arena_str(&k->a, json_string(v));
        if (first == aud)
            break;
    }
}

static bool look_claims(struct look *l, const cJSON *claims)
{
    const cJSON *own = json_get(claims, "kubernetes.io");
    const cJSON *account = json_get(own, "serviceaccount");
    struct str ns = json_string_at(own, "namespace"), name = json_string_at(account, "name");
    struct str sub = arena_printf(l->a, "system:serviceaccount:" STR_FMT ":" STR_FMT, STR_ARG(ns),
                                  STR_ARG(name));
    struct known *k = l->k;
    if (!str_eq(sub, json_string_at(claims, "sub")))
        return bad(l, "service account token claims do not name their subject");
    if (!hold_account(l, ns, name, json_string_at(account, "uid")))
        return false;
    const cJSON *pod = json_get(own, "pod"), *node = json_get(own, "node");
    if (!hold_bound(l, own, "secret", ns) || !hold_bound(l, own, "pod", ns) ||
        (!pod && !hold_bound(l, own, "node", ns)))
        return false;
    struct str jti = json_string_at(claims, "jti");
    if (jti.n > 0)
        add_extra(k, "authentication.kubernetes.io/credential-id",
                  arena_printf(l->a, "JTI=" STR_FMT, STR_ARG(jti)));
    if (node)
        add_extra(k, "authentication.kubernetes.io/node-name", json_string_at(node, "name"));
    if (json_string_at(node, "uid").n > 0)
        add_extra(k, "authentication.kubernetes.io/node-uid", json_string_at(node, "uid"));
    if (pod) {
        add_extra(k, "authentication.kubernetes.io/pod-name", json_string_at(pod, "name"));
        add_extra(k, "authentication.kubernetes.io/pod-uid", json_string_at(pod, "uid"));
    }
    read_audiences(k, json_get(claims, "aud"));
    k->expires_s = json_int_at(claims, "exp", 0);
    k->not_before_s = json_int_at(claims, "nbf", 0);
    return true;
}

static bool signature_holds(struct look *l, const struct pki_jwt *jwt)
{
    int64_t now_s = world_wall(l->api->w) / NS_PER_S;
    struct err *err = pki_jwt_verify(jwt, tokens_key(l->api->tokens), now_s, 0);
    bool late = now_s >= json_int_at(jwt->claims, "exp", INT64_MAX);
    bool ok = !err;
    err_free(err);
    return ok || (late ? bad(l, "service account token has expired")
                       : bad(l, "the token's signature does not verify"));
}

/* Whoever looks after clusters wants to know which tokens of Secrets are in use: the Secret says the day. */
static struct kube_object *mark_used(struct look *l, struct kube_object *o)
{
    int64_t now_s = world_wall(l->api->w) / NS_PER_S;
    struct buf b = {0};
    rfc3339_format(&b, now_s * NS_PER_S);
    struct str day = arena_str(l->a, str_sub(buf_str(&b), 0, sizeof("2006-01-02") - 1));
    buf_free(&b);
    l->k->again_s = (now_s / DAY_S + 1) * DAY_S;
    if (str_eq(kube_object_label(o, STR(LAST_USED)), day))
        return o;
    cJSON *tree = kube_object_tree(o, l->a);
    json_set_str(l->a, json_ensure(l->a, tree, "metadata.labels"), LAST_USED, day);
    return api_write_commit(l->api, l->api->secrets, tree, l->a);
}

/* The Secret that it names has these very bytes; with a key of our own they are signed as well. */
static bool look_legacy(struct look *l, const struct pki_jwt *jwt)
{
    const cJSON *claims = jwt->claims;
    struct str ns = json_string(json_get(claims, "kubernetes.io/serviceaccount/namespace"));
    struct str secret = json_string(json_get(claims, "kubernetes.io/serviceaccount/secret.name"));
    struct str name =
        json_string(json_get(claims, "kubernetes.io/serviceaccount/service-account.name"));
    struct str uid =
        json_string(json_get(claims, "kubernetes.io/serviceaccount/service-account.uid"));
    struct kube_object *o = store_get(l->api->secrets, ns, secret);
    if (l->api->token_key && !signature_holds(l, jwt))
        return false;
    if (!o || o->deleting || !vouches(o, l->token) ||
        !str_eq_c(kube_object_string(o, "type"), "kubernetes.io/service-account-token"))
        return bad(l, "service account token has been invalidated");
    if (marked_invalid(o))
        return bad(l, "the token in secret has been marked invalid");
    if (!hold_account(l, ns, name, uid))
        return false;
    hold(l, l->api->secrets, mark_used(l, o), true);
    l->k->audiences = token_api_audiences;
    l->k->expires_s = INT64_MAX;
    return true;
}

static bool look_signed(struct look *l, const struct pki_jwt *jwt)
{
    if (json_int_at(jwt->claims, "exp", 0) <= 0)
        return bad(l, "service account token claims have no expiry");
    return signature_holds(l, jwt) && look_claims(l, jwt->claims);
}

/* Tokens of other issuers are not ours to complain about. */
static bool look(struct look *l)
{
    struct pki_jwt jwt;
    struct err *err = pki_jwt_read(l->a, l->token, &jwt);
    if (err) {
        err_ignore(err);
        return false;
    }
    struct str issuer = json_string_at(jwt.claims, "iss");
    if (str_eq_c(issuer, TOKEN_LEGACY_ISSUER))
        return look_legacy(l, &jwt);
    return str_eq_c(issuer, TOKEN_ISSUER) && look_signed(l, &jwt);
}

static struct known *known_of(struct kubeapi *api, struct arena *a, struct str token,
                              struct str *error)
{
    struct tokens *x = api->tokens;
    struct known *k = map_get(&x->known, token);
    bool late = k && k->again_s > 0 && world_wall(api->w) / NS_PER_S >= k->again_s;
    if (k && !late && known_stands(api, k, token))
        return k;
    if (k)
        known_free(map_remove(&x->known, token));
    struct look l = {.api = api, .a = a, .k = MEM_NEW(struct known), .token = token};
    l.error = str_empty;
    bool ok = look(&l);
    *error = l.error;
    if (!ok) {
        known_free(l.k);
        return NULL;
    }
    if (map_count(&x->known) >= TOKENS_KNOWN_MAX)
        forget_all(x);
    map_put(&x->known, token, l.k);
    return l.k;
}

/* ---- the answer ---- */

static void copy_user(struct arena *a, const struct api_user *from, struct api_user *to)
{
    *to = (struct api_user){.name = arena_str(a, from->name), .uid = arena_str(a, from->uid)};
    to->groups = ARENA_NEW_ARRAY(a, struct str, from->groups_n + 1);
    for (; to->groups_n < from->groups_n; to->groups_n++)
        to->groups[to->groups_n] = arena_str(a, from->groups[to->groups_n]);
    to->extra = ARENA_NEW_ARRAY(a, struct api_extra, from->extra_n + 1);
    for (; to->extra_n < from->extra_n; to->extra_n++) {
        const struct api_extra *e = &from->extra[to->extra_n];
        struct api_extra *copy = &to->extra[to->extra_n];
        copy->key = e->key; /* constant */
        copy->n = e->n;
        copy->values = ARENA_NEW_ARRAY(a, struct str, e->n);
        for (size_t i = 0; i < e->n; i++)
            copy->values[i] = arena_str(a, e->values[i]);
    }
}

static struct audiences both(struct arena *a, struct audiences x, struct audiences y)
{
    struct str *items = ARENA_NEW_ARRAY(a, struct str, x.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < x.n; i++)
        for (size_t k = 0; k < y.n; k++)
            if (str_eq(x.items[i], y.items[k])) {
                items[n++] = arena_str(a, x.items[i]);
                break;
            }
    return (struct audiences){items, n};
}

static void quote_list(struct buf *b, struct audiences list)
{
    for (size_t i = 0; i < list.n; i++)
        buf_addf(b, "%s\"" STR_FMT "\"", i > 0 ? " " : "[", STR_ARG(list.items[i]));
    buf_add_char(b, ']');
}

static void wrong_audience(struct arena *a, struct audiences has, struct audiences wanted,
                           struct token_answer *out)
{
    struct buf b = {.max = 4096};
    buf_add_c(&b, "token audiences ");
    quote_list(&b, has);
    buf_add_c(&b, " is invalid for the target audiences ");
    quote_list(&b, wanted);
    out->error = arena_str(a, buf_str(&b));
    buf_free(&b);
}

void tokens_check(struct kubeapi *api, struct arena *a, struct str token, struct audiences wanted,
                  struct token_answer *out)
{
    *out = (struct token_answer){.error = str_empty};
    const struct api_user *fixed = map_get(&api->static_tokens, token);
    const struct known *k = fixed ? NULL : known_of(api, a, token, &out->error);
    if (!fixed && !k)
        return;
    struct audiences has = fixed ? token_api_audiences : k->audiences;
    out->audiences = both(a, has, wanted);
    if (out->audiences.n == 0) {
        wrong_audience(a, has, wanted, out);
        return;
    }
    out->ok = true;
    if (fixed)
        out->user = *fixed;
    else
        copy_user(a, &k->user, &out->user);
}

void api_tokens_user(struct arena *a, struct str ns, struct str name, struct str uid,
                     struct api_user *user)
{
    *user = (struct api_user){.uid = uid};
    user->name =
        arena_printf(a, "system:serviceaccount:" STR_FMT ":" STR_FMT, STR_ARG(ns), STR_ARG(name));
    user->groups = ARENA_NEW_ARRAY(a, struct str, 3);
    user->groups[user->groups_n++] = STR("system:serviceaccounts");
    user->groups[user->groups_n++] =
        arena_printf(a, "system:serviceaccounts:" STR_FMT, STR_ARG(ns));
    user->groups[user->groups_n++] = STR("system:authenticated");
}

/* ---- life ---- */

struct tokens *api_tokens_new(struct kubeapi *api)
{
    struct tokens *x = MEM_NEW(struct tokens);
    x->api = api;
    x->key_id = str_empty;
    return x;
}

void api_tokens_free(struct tokens *x)
{
    forget_all(x);
    map_free(&x->known);
    pki_key_free(x->key);
    str_free(&x->key_id);
    mem_free(x);
}
