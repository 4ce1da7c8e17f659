/* What must exist before a replica serves. */
#include "engine/server/bootstrap.h"

#include "engine/base/json.h"
#include "engine/kube/backoff.h"
#include "engine/kube/management.h"

#define RETRY_FIRST NS_PER_S
#define RETRY_MAX   (15 * NS_PER_S)

static const struct {
    const char *plural, *singular, *kind, *scope;
} kinds[] = {
    {"clusters", "cluster", "Cluster", "Cluster"},
    {"clusterregistrationtokens", "clusterregistrationtoken", "ClusterRegistrationToken",
     "Namespaced"},
    {"settings", "setting", "Setting", "Cluster"},
    /* of people */
    {"tokens", "token", "Token", "Cluster"},
    {"users", "user", "User", "Cluster"},
    {"userattributes", "userattribute", "UserAttribute", "Cluster"},
};
#define KINDS_OF_PEOPLE 3u
static const char *const namespaces[] = {NAMESPACE_SYSTEM, NAMESPACE_GLOBAL_DATA};

struct setting {
    const char *name;
    struct str value; /* owned */
    bool if_absent;
};

struct bootstrap {
    struct kube_client *client;
    struct kube_call *call;
    struct world_timer *retry;
    uint32_t failures;
    size_t step;
    size_t kinds_n; /* that are made */
    bool update;    /* the setting exists: patch it */
    struct setting *settings;
    size_t settings_n;
    void (*done)(void *owner);
    void *owner;
};

static void step(void *owner);

static void crd_body(size_t i, struct buf *out)
{
    /* Of clusters and their tokens the status is a subresource, so that spec writers cannot touch it. */
    bool status = i < 2;
    buf_addf(
        out,
        "{\"apiVersion\":\"apiextensions.k8s.io/v1\",\"kind\":\"CustomResourceDefinition\","
        "\"metadata\":{\"name\":\"%s." MANAGEMENT_GROUP
        "\"},\"spec\":{\"group\":\"" MANAGEMENT_GROUP
        "\",\"names\":{\"kind\":\"%s\",\"listKind\":\"%sList\",\"plural\":\"%s\","
        "\"singular\":\"%s\"},\"scope\":\"%s\",\"versions\":[{\"name\":\"v3\","
        "\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\","
        "\"x-kubernetes-preserve-unknown-fields\":true}},\"served\":true,\"storage\":true%s}]}}",
        kinds[i].plural, kinds[i].kind, kinds[i].kind, kinds[i].plural, kinds[i].singular,
        kinds[i].scope, status ? ",\"subresources\":{\"status\":{}}" : "");
}

static void setting_body(const struct setting *s, bool patch, struct buf *out)
{
    buf_add_c(out, patch ? "{\"value\":"
                         : "{\"apiVersion\":\"" MANAGEMENT_GROUP "/v3\","
                           "\"kind\":\"Setting\",\"metadata\":{\"name\":");
    if (!patch) {
        json_write_string(out, str_c(s->name));
        buf_add_c(out, "},\"value\":");
    }
    json_write_string(out, s->value);
    buf_add_char(out, '}');
}

static void finish(struct bootstrap *b)
{
    void (*done)(void *) = b->done;
    void *owner = b->owner;
    bootstrap_cancel(b);
    done(owner);
}

static void advance(struct bootstrap *b)
{
    b->failures = 0;
    b->update = false;
    b->step++;
    step(b);
}

static void on_step(void *owner, const struct kube_answer *answer)
{
    struct bootstrap *b = owner;
    b->call = NULL;
    size_t before = b->kinds_n + ARRAY_LEN(namespaces);
    bool overwrites = b->step >= before && !b->settings[b->step - before].if_absent;
    bool exists = answer->err && answer->err->code == ERR_ALREADY_EXISTS;
    if (!answer->err || (exists && !overwrites)) {
        advance(b);
    } else if (exists) {
        b->update = true;
        step(b);
    } else {
        struct world *w = kube_client_world(b->client);
        world_timer_start(b->retry, kube_backoff(w, b->failures++, RETRY_FIRST, RETRY_MAX));
    }
}

static void step(void *owner)
{
    struct bootstrap *b = owner;
    struct buf body = {0};
    struct kube_target target = {0};
    size_t i = b->step;
    enum kube_verb verb = KUBE_CREATE;
    if (i < b->kinds_n) {
        target.gvr = gvr_crds;
        crd_body(i, &body);
    } else if ((i -= b->kinds_n) < ARRAY_LEN(namespaces)) {
        target.gvr = gvr_namespaces;
        buf_addf(&body,
                 "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"%s\"}}",
                 namespaces[i]);
    } else if ((i -= ARRAY_LEN(namespaces)) < b->settings_n) {
        target.gvr = gvr_settings;
        setting_body(&b->settings[i], b->update, &body);
        if (b->update) {
            verb = KUBE_PATCH_MERGE;
            target.name = str_c(b->settings[i].name);
        }
    } else {
        finish(b);
        return;
    }
    b->call = kube_call_start(b->client, verb, &target, buf_str(&body), 0, on_step, b);
    buf_free(&body);
}

struct bootstrap *bootstrap_start(struct kube_client *c, const struct bootstrap_setting *settings,
                                  size_t n, void (*done)(void *owner), void *owner)
{
    struct bootstrap *b = MEM_NEW(struct bootstrap);
    b->client = c;
    b->kinds_n = ARRAY_LEN(kinds) - KINDS_OF_PEOPLE;
    b->done = done;
    b->owner = owner;
    b->retry = world_timer_new(kube_client_world(c), step, b);
    b->settings = MEM_NEW_ARRAY(struct setting, n);
    for (size_t i = 0; i < n; i++)
        if (settings[i].value.n)
            b->settings[b->settings_n++] = (struct setting){
                settings[i].name, str_dup(settings[i].value), settings[i].if_absent};
    step(b);
    return b;
}

void bootstrap_people(struct bootstrap *b)
{
    BUG_ON(b->step > 0, "what is to be made is said at once");
    b->kinds_n = ARRAY_LEN(kinds);
}

void bootstrap_cancel(struct bootstrap *b)
{
    if (!b)
        return;
    kube_call_cancel(b->call);
    world_timer_free(b->retry);
    for (size_t i = 0; i < b->settings_n; i++)
        str_free(&b->settings[i].value);
    mem_free(b->settings);
    mem_free(b);
}
