/* The service-account token for the manager. */
#include "engine/agents/cluster/credentials.h"

#include "engine/base/codec.h"
#include "engine/kube/backoff.h"
#include "engine/kube/management.h"

#define ACCOUNT     "cattle"
#define ANNOTATION  "rancher.io/service-account.secret-ref"
#define LABEL       "cattle.io/service-account.name"
#define RETRY_FIRST (200 * NS_PER_MS)
#define RETRY_MAX   (10 * NS_PER_S)
#define PATIENT     3u /* attempts: that a new token takes a moment is nothing to tell */
#define TOKENLESS   4u /* then the named secret is given up */

struct agent_credentials {
    struct kube_client *client;
    struct kube_call *call;
    struct world_timer *retry;
    uint32_t failures;
    uint32_t tokenless; /* how often in a row the named secret was not there, or had no token */
    struct buf account_version; /* resourceVersion of the account that was read */
    struct buf secret;          /* the secret's name */
    struct buf made;  /* of the one that was made here and is not named yet; empty: none */
    struct buf error; /* of the last attempt that failed */
    void (*done)(void *owner, struct str token);
    void (*failed)(void *owner);
    void *owner;
};

static void read_account(void *owner);
static void read_secret(struct agent_credentials *a);

static const struct kube_target account = {
    .gvr = KUBE_GVR("", "v1", "serviceaccounts"),
    .ns = STR_INIT(NAMESPACE_SYSTEM),
    .name = STR_INIT(ACCOUNT),
};

/* err: of the call that failed; NULL: it worked, but what it gave is of no use. */
static void again(struct agent_credentials *a, const struct err *err)
{
    struct world *w = kube_client_world(a->client);
    buf_clear(&a->error);
    if (err)
        err_print(err, &a->error);
    else
        buf_add_c(&a->error, "service account " NAMESPACE_SYSTEM "/" ACCOUNT " has no token yet");
    world_timer_start(a->retry, kube_backoff(w, a->failures++, RETRY_FIRST, RETRY_MAX));
    if (a->failed && (err || a->failures > PATIENT))
        a->failed(a->owner);
}

/* The answer as a tree, or NULL. */
static cJSON *tree_of(struct arena *arena, const struct kube_answer *answer)
{
    cJSON *tree = NULL;
    struct err *err = answer->err ? NULL : json_parse(arena, answer->body, &tree);
    err_ignore(err); /* nonsense counts as a failure: asked again */
    return tree;
}

static void on_secret(void *owner, const struct kube_answer *answer)
{
    struct agent_credentials *a = owner;
    a->call = NULL;
    struct arena arena = {0};
    cJSON *secret = tree_of(&arena, answer);
    struct buf token = {0};
    bool ok = secret && base64_decode(&token, json_string_at(secret, "data.token")) && token.n;
    arena_free(&arena);
    if (!ok) {
        buf_free(&token);
        /* An API that does not answer says nothing about the secret. */
        if (!answer->err || answer->err->code == ERR_NOT_FOUND)
            a->tokenless++;
        again(a, answer->err); /* not filled in yet, or gone: the account is read again and tells */
        return;
    }
    void (*done)(void *, struct str) = a->done;
    void *done_owner = a->owner;
    agent_credentials_cancel(a);
    done(done_owner, buf_str(&token));
    buf_free(&token);
}

static void read_secret(struct agent_credentials *a)
{
    struct kube_target target = {.gvr = gvr_secrets, .ns = account.ns, .name = buf_str(&a->secret)};
    a->call = kube_call_start(a->client, KUBE_GET, &target, str_empty, 0, on_secret, a);
}

static void on_named(void *owner, const struct kube_answer *answer)
{
    struct agent_credentials *a = owner;
    a->call = NULL;
    if (answer->err) {
        again(a, answer->err); /* a conflict: another replica named its own */
        return;
    }
    buf_clear(&a->made);
    read_secret(a);
}

/* The account names the secret from now on. */
static void name_secret(struct agent_credentials *a, struct str name, const struct err *err)
{
    struct buf patch = {0};
    buf_clear(&a->secret);
    buf_add(&a->secret, name);
    if (a->secret.n == 0) {
        again(a, err);
        return;
    }
    buf_addf(&patch,
             "{\"metadata\":{\"resourceVersion\":\"" STR_FMT "\",\"annotations\":{\"" ANNOTATION
             "\":\"" NAMESPACE_SYSTEM "/" STR_FMT "\"}}}",
             STR_ARG(buf_str(&a->account_version)), STR_ARG(buf_str(&a->secret)));
    a->call =
        kube_call_start(a->client, KUBE_PATCH_MERGE, &account, buf_str(&patch), 0, on_named, a);
    buf_free(&patch);
}

static void on_created(void *owner, const struct kube_answer *answer)
{
    struct agent_credentials *a = owner;
    a->call = NULL;
    struct arena arena = {0};
    struct str name = json_string_at(tree_of(&arena, answer), "metadata.name");
    buf_clear(&a->made);
    buf_add(&a->made, name);
    name_secret(a, name, answer->err);
    arena_free(&arena);
}

static void create_secret(struct agent_credentials *a)
{
    static const struct str body =
        STR_INIT("{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"annotations\":{"
                 "\"kubernetes.io/service-account.name\":\"" ACCOUNT "\"},"
                 "\"generateName\":\"" ACCOUNT "-token-\",\"labels\":{"
                 "\"" LABEL "\":\"" ACCOUNT "\"},"
                 "\"namespace\":\"" NAMESPACE_SYSTEM "\"},"
                 "\"type\":\"kubernetes.io/service-account-token\"}");
    struct kube_target target = {.gvr = gvr_secrets, .ns = account.ns};
    a->tokenless = 0;
    a->call = kube_call_start(a->client, KUBE_CREATE, &target, body, 0, on_created, a);
}

/* The first by name of those that were made and never named: whoever made it may have ended in between. */
static struct str left_over(const cJSON *list)
{
    struct str least = str_empty;
    const cJSON *items = json_get(list, "items");
    for (const cJSON *item = items ? items->child : NULL; item; item = item->next) {
        struct str name = json_string_at(item, "metadata.name");
        if (name.n && (least.n == 0 || str_cmp(name, least) < 0))
            least = name;
    }
    return least;
}

static void on_listed(void *owner, const struct kube_answer *answer)
{
    struct agent_credentials *a = owner;
    a->call = NULL;
    struct arena arena = {0};
    cJSON *list = tree_of(&arena, answer);
    struct str name = left_over(list);
    if (!list)
        again(a, answer->err);
    else if (name.n)
        name_secret(a, name, NULL);
    else
        create_secret(a);
    arena_free(&arena);
}

/* A secret that a crash left behind is taken: else each crash would leave one more. */
static void find_secret(struct agent_credentials *a)
{
    struct kube_target target = {
        .gvr = gvr_secrets, .ns = account.ns, .query = STR("labelSelector=" LABEL "%3D" ACCOUNT)};
    a->call = kube_call_start(a->client, KUBE_LIST, &target, str_empty, 0, on_listed, a);
}

static void on_unmade(void *owner, const struct kube_answer *answer)
{
    struct agent_credentials *a = owner;
    a->call = NULL;
    if (!answer->err || answer->err->code == ERR_NOT_FOUND)
        buf_clear(&a->made);
    again(a, answer->err);
}

/* The account names another one by now: what was made here is not needed. */
static void unmake(struct agent_credentials *a)
{
    struct kube_target target = {.gvr = gvr_secrets, .ns = account.ns, .name = buf_str(&a->made)};
    a->call = kube_call_start(a->client, KUBE_DELETE, &target, str_empty, 0, on_unmade, a);
}

static void on_account(void *owner, const struct kube_answer *answer)
{
    struct agent_credentials *a = owner;
    a->call = NULL;
    struct arena arena = {0};
    cJSON *tree = tree_of(&arena, answer);
    struct str ns, name = str_empty;
    const cJSON *annotations = json_path(tree, "metadata.annotations");
    str_cut(json_string(json_get(annotations, ANNOTATION)), '/', &ns, &name);
    buf_clear(&a->account_version);
    buf_add(&a->account_version, json_string_at(tree, "metadata.resourceVersion"));
    buf_clear(&a->secret);
    buf_add(&a->secret, name);
    arena_free(&arena);
    if (!tree)
        again(a, answer->err);
    else if (a->secret.n && a->made.n && !str_eq(buf_str(&a->secret), buf_str(&a->made)))
        unmake(a);
    else if (a->secret.n && a->tokenless < TOKENLESS)
        read_secret(a);
    else if (a->secret.n)
        create_secret(a); /* the named one stays without a token */
    else if (a->made.n) /* it could not be named: the account had changed, or an old one was read */
        name_secret(a, buf_str(&a->made), NULL);
    else
        find_secret(a);
}

static void read_account(void *owner)
{
    struct agent_credentials *a = owner;
    a->call = kube_call_start(a->client, KUBE_GET, &account, str_empty, 0, on_account, a);
}

struct agent_credentials *agent_credentials_start(struct kube_client *c,
                                                  void (*done)(void *owner, struct str token),
                                                  void (*failed)(void *owner), void *owner)
{
    struct agent_credentials *a = MEM_NEW(struct agent_credentials);
    a->client = c;
    a->done = done;
    a->failed = failed;
    a->owner = owner;
    a->retry = world_timer_new(kube_client_world(c), read_account, a);
    read_account(a);
    return a;
}

void agent_credentials_cancel(struct agent_credentials *a)
{
    if (!a)
        return;
    kube_call_cancel(a->call);
    world_timer_free(a->retry);
    buf_free(&a->account_version);
    buf_free(&a->secret);
    buf_free(&a->made);
    buf_free(&a->error);
    mem_free(a);
}

struct str agent_credentials_error(const struct agent_credentials *a)
{
    return buf_str(&a->error);
}
