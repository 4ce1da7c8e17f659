#include "engine/server/keeper.h"

#include "engine/base/codec.h"
#include "engine/base/json.h"
#include "engine/kube/backoff.h"
#include "engine/kube/management.h"
#include "engine/pki/x509.h"
#include "engine/server/keeper_tls.h"

#define RETRY_FIRST (500 * NS_PER_MS)
#define RETRY_MAX   (15 * NS_PER_S)
#define NOW_S(k)    (world_wall((k)->world) / NS_PER_S)

enum step { STEP_NAMESPACE, STEP_CA, STEP_LEAF, STEP_PEERS, STEP_PASSWORD, STEP_READY };
enum verdict { GOOD, STALE, BROKEN };

struct keeper {
    struct world *world;
    struct kube_client *client;
    struct log log;
    struct kube_call *call;
    struct world_timer *retry;
    uint32_t failures;
    enum step step;
    bool certificates, was_ready;
    struct str names[KEEPER_NAMES_MAX]; /* owned */
    size_t names_n;
    struct str password; /* owned; empty: any */
    struct keeper_pair ca, leaf;
    struct str peer_token; /* owned */
    bool made_password;    /* by us and of our choice: said once it is kept */
    void (*ready)(void *owner);
    void (*renewed)(void *owner);
    void *owner;
};

static void ask(struct keeper *k);

static const struct {
    const char *name, *type;
} secrets[] = {
    [STEP_CA] = {KEEPER_CA_SECRET, "kubernetes.io/tls"},
    [STEP_LEAF] = {KEEPER_LEAF_SECRET, "kubernetes.io/tls"},
    [STEP_PEERS] = {KEEPER_PEERS_SECRET, "Opaque"},
    [STEP_PASSWORD] = {KEEPER_PASSWORD_SECRET, "Opaque"},
};

/* ---- the next thing ---- */

static void later(struct keeper *k)
{
    world_timer_start(k->retry, kube_backoff(k->world, k->failures++, RETRY_FIRST, RETRY_MAX));
}

static void advance(struct keeper *k)
{
    k->failures = 0;
    k->step = k->was_ready ? STEP_READY : k->step + 1;
    if (!k->certificates && (k->step == STEP_CA || k->step == STEP_LEAF))
        k->step = STEP_PEERS;
    if (k->step != STEP_READY) {
        ask(k);
        return;
    }
    if (k->certificates)
        world_timer_start(k->retry, KEEPER_LOOK / 2 + world_random_time(k->world, KEEPER_LOOK / 2));
    if (k->was_ready)
        return;
    k->was_ready = true;
    k->ready(k->owner);
}

/* ---- what a Secret holds ---- */

static void get_data(const cJSON *secret, const char *key, struct buf *out)
{
    struct str text = json_string(json_get(json_get(secret, "data"), key));
    if (!base64_decode(out, text))
        buf_clear(out);
}

static void set_data(struct arena *a, cJSON *data, const char *key, struct str bytes)
{
    struct buf text = {0};
    base64_encode(&text, bytes);
    json_set_str(a, data, key, buf_str(&text));
    buf_free(&text);
}

static void add_name(struct keeper *k, struct str name)
{
    bool usable = pki_is_ip(name) || pki_is_dns_name(name);
    for (size_t i = 0; i < k->names_n && usable; i++)
        usable = !str_eq_nocase(k->names[i], name) && !pki_ip_eq(k->names[i], name);
    if (usable && k->names_n < KEEPER_NAMES_MAX)
        k->names[k->names_n++] = str_dup(name);
}

/* The other one's names stay, behind ours, as far as there is room. */
static void add_names(struct keeper *k, struct str cert_pem)
{
    struct arena a = {0};
    struct str *theirs;
    size_t n = keeper_tls_names(&a, cert_pem, &theirs);
    for (size_t i = 0; i < n; i++)
        add_name(k, theirs[i]);
    arena_free(&a);
}

static enum verdict take_ca(struct keeper *k, const cJSON *secret)
{
    struct keeper_pair pair = {0};
    get_data(secret, "tls.crt", &pair.cert_pem);
    get_data(secret, "tls.key", &pair.key_pem);
    struct err *err = keeper_tls_check_ca(&pair, NOW_S(k));
    if (err) {
        log_error(&k->log,
                  "Secret " NAMESPACE_SYSTEM "/" KEEPER_CA_SECRET
                  ": %s: mend it, or delete it to have another made, which agents must then be "
                  "told",
                  err->message);
        err_free(err);
        keeper_pair_free(&pair);
        return BROKEN;
    }
    keeper_pair_free(&k->ca);
    k->ca = pair;
    return GOOD;
}

static enum verdict take_leaf(struct keeper *k, const cJSON *secret)
{
    struct keeper_pair pair = {0};
    get_data(secret, "tls.crt", &pair.cert_pem);
    get_data(secret, "tls.key", &pair.key_pem);
    int64_t renew_s = KEEPER_LEAF_RENEW / NS_PER_S;
    struct err *err = keeper_tls_check_leaf(&pair, &k->ca, k->names, k->names_n, NOW_S(k), renew_s);
    if (err) {
        log_info(&k->log, "the serving certificate is made anew: %s", err->message);
        err_free(err);
        add_names(k, buf_str(&pair.cert_pem));
        keeper_pair_free(&pair);
        return STALE;
    }
    bool changed = k->was_ready && !str_eq(buf_str(&pair.cert_pem), buf_str(&k->leaf.cert_pem));
    keeper_pair_free(&k->leaf);
    k->leaf = pair;
    if (changed)
        k->renewed(k->owner);
    return GOOD;
}

static enum verdict take_peers(struct keeper *k, const cJSON *secret)
{
    struct buf token = {0};
    get_data(secret, "token", &token);
    if (token.n == 0) {
        buf_free(&token);
        return STALE;
    }
    str_free(&k->peer_token);
    k->peer_token = buf_take(&token);
    return GOOD;
}

static enum verdict take(struct keeper *k, const cJSON *secret)
{
    switch (k->step) {
    case STEP_CA:
        return take_ca(k, secret);
    case STEP_LEAF:
        return take_leaf(k, secret);
    case STEP_PEERS:
        return take_peers(k, secret);
    default:
        return GOOD; /* whatever password is kept is the one that counts */
    }
}

/* ---- making one ---- */

static void random_text(struct keeper *k, struct buf *out)
{
    unsigned char bytes[KEEPER_TOKEN_BYTES];
    world_random(k->world, bytes, sizeof bytes);
    base64url_encode(out, (struct str){(const char *)bytes, sizeof bytes});
}

static void make_pair(struct keeper *k, struct arena *a, cJSON *data)
{
    struct keeper_pair pair = {0};
    if (k->step == STEP_CA)
        keeper_tls_make_ca(k->world, KEEPER_CA_LIFE / NS_PER_S, &pair);
    else
        keeper_tls_make_leaf(k->world, &k->ca, k->names, k->names_n, KEEPER_LEAF_LIFE / NS_PER_S,
                             &pair);
    set_data(a, data, "tls.crt", buf_str(&pair.cert_pem));
    set_data(a, data, "tls.key", buf_str(&pair.key_pem));
    keeper_pair_free(&pair);
}

static void make_data(struct keeper *k, struct arena *a, cJSON *data)
{
    struct buf text = {0};
    if (k->step == STEP_CA || k->step == STEP_LEAF) {
        make_pair(k, a, data);
    } else if (k->step == STEP_PEERS) {
        random_text(k, &text);
        set_data(a, data, "token", buf_str(&text));
    } else {
        k->made_password = k->password.n == 0;
        if (k->made_password) {
            random_text(k, &text);
            k->password = str_dup(buf_str(&text));
        }
        set_data(a, data, "bootstrapPassword", k->password);
    }
    buf_free(&text);
}

/* The first password of our choice is said once, by the replica whose choice was kept. */
static void say_password(struct keeper *k)
{
    if (k->step == STEP_PASSWORD && k->made_password)
        log_info(&k->log, "bootstrap password: " STR_FMT, STR_ARG(k->password));
}

static void on_written(void *owner, const struct kube_answer *answer)
{
    struct keeper *k = owner;
    struct arena a = {0};
    cJSON *tree = NULL;
    k->call = NULL;
    bool outrun = answer->err &&
                  (answer->err->code == ERR_ALREADY_EXISTS || answer->err->code == ERR_CONFLICT);
    struct err *err = answer->err ? NULL : json_parse(&a, answer->body, &tree);
    if (outrun && k->step == STEP_NAMESPACE) {
        advance(k);
    } else if (outrun) {
        k->made_password = false;
        ask(k);
    } else if (!answer->err && !err && (k->step == STEP_NAMESPACE || take(k, tree) == GOOD)) {
        say_password(k);
        advance(k);
    } else {
        log_warn(&k->log, "cannot write to the local cluster, trying again: %s",
                 answer->err ? answer->err->message : "its answer cannot be read");
        later(k);
    }
    err_ignore(err);
    arena_free(&a);
}

static void write_secret(struct keeper *k, struct arena *a, cJSON *before)
{
    struct buf body = {0};
    struct kube_target target = {.gvr = gvr_secrets, .ns = STR(NAMESPACE_SYSTEM)};
    cJSON *secret = before ? before : json_object(a), *data = json_object(a);
    json_set_str(a, secret, "apiVersion", STR("v1"));
    json_set_str(a, secret, "kind", STR("Secret"));
    json_set_str(a, secret, "type", str_c(secrets[k->step].type));
    cJSON *metadata = json_ensure(a, secret, "metadata");
    json_set_str(a, metadata, "name", str_c(secrets[k->step].name));
    json_set_str(a, metadata, "namespace", STR(NAMESPACE_SYSTEM));
    make_data(k, a, data);
    json_set(a, secret, STR("data"), data);
    json_write(&body, secret);
    if (before)
        target.name = str_c(secrets[k->step].name);
    k->call = kube_call_start(k->client, before ? KUBE_UPDATE : KUBE_CREATE, &target,
                              buf_str(&body), 0, on_written, k);
    buf_free(&body);
}

/* ---- asking for one ---- */

static void on_read(void *owner, const struct kube_answer *answer)
{
    struct keeper *k = owner;
    struct arena a = {0};
    cJSON *tree = NULL;
    k->call = NULL;
    struct err *err = answer->err ? err_copy(answer->err) : json_parse(&a, answer->body, &tree);
    if (err && err->code == ERR_NOT_FOUND) {
        write_secret(k, &a, NULL);
    } else if (err) {
        log_warn(&k->log, "cannot read from the local cluster, trying again: %s", err->message);
        later(k);
    } else {
        enum verdict v = take(k, tree);
        if (v == GOOD)
            advance(k);
        else if (v == STALE)
            write_secret(k, &a, tree);
        else
            later(k);
    }
    err_ignore(err);
    arena_free(&a);
}

static void make_namespace(struct keeper *k)
{
    struct kube_target target = {.gvr = gvr_namespaces};
    k->call = kube_call_start(k->client, KUBE_CREATE, &target,
                              STR("{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":"
                                  "{\"name\":\"" NAMESPACE_SYSTEM "\"}}"),
                              0, on_written, k);
}

static void ask(struct keeper *k)
{
    struct kube_target target = {.gvr = gvr_secrets, .ns = STR(NAMESPACE_SYSTEM)};
    if (k->step == STEP_NAMESPACE) {
        make_namespace(k);
        return;
    }
    target.name = str_c(secrets[k->step].name);
    k->call = kube_call_start(k->client, KUBE_GET, &target, str_empty, 0, on_read, k);
}

static void on_timer(void *owner)
{
    struct keeper *k = owner;
    if (k->step == STEP_READY)
        k->step = STEP_LEAF;
    ask(k);
}

/* ---- life ---- */

struct keeper *keeper_new(const struct keeper_options *o)
{
    BUG_ON(!o->ready || !o->renewed, "whoever asks for it waits for it");
    struct keeper *k = MEM_NEW(struct keeper);
    k->client = o->client;
    k->world = kube_client_world(o->client);
    k->log = (struct log){world_log(k->world), STR("keeper")};
    k->certificates = o->certificates;
    for (size_t i = 0; i < o->names_n; i++)
        add_name(k, o->names[i]);
    k->password = str_dup(o->password);
    k->ready = o->ready;
    k->renewed = o->renewed;
    k->owner = o->owner;
    k->retry = world_timer_new(k->world, on_timer, k);
    ask(k);
    return k;
}

void keeper_free(struct keeper *k)
{
    if (!k)
        return;
    kube_call_cancel(k->call);
    world_timer_free(k->retry);
    for (size_t i = 0; i < k->names_n; i++)
        str_free(&k->names[i]);
    keeper_pair_free(&k->ca);
    keeper_pair_free(&k->leaf);
    str_free(&k->peer_token);
    str_free(&k->password);
    mem_free(k);
}

struct str keeper_ca_pem(const struct keeper *k)
{
    return buf_str(&k->ca.cert_pem);
}

struct str keeper_cert_pem(const struct keeper *k)
{
    return buf_str(&k->leaf.cert_pem);
}

struct str keeper_key_pem(const struct keeper *k)
{
    return buf_str(&k->leaf.key_pem);
}

struct str keeper_peer_token(const struct keeper *k)
{
    return k->peer_token;
}
