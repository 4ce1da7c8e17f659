/* The status of registration tokens. */
#include "engine/controllers/token/token.h"

#include "engine/kube/management.h"
#include "engine/pki/pki.h"

struct token_controller {
    struct controller base; /* first */
};

/* What Kubernetes makes generated names of: no vowels (no words), nothing that looks like something else. */
static const char alphabet[] = "bcdfghjklmnpqrstvwxz2456789";

static struct str draw_token(struct world *w, struct arena *a)
{
    char *text = arena_alloc(a, TOKEN_CHARS + 1);
    for (size_t i = 0; i < TOKEN_CHARS; i++)
        text[i] = alphabet[world_random_below(w, sizeof(alphabet) - 1)];
    return (struct str){text, TOKEN_CHARS};
}

/* What a status is made of. */
struct token_parts {
    struct arena *arena;
    struct str token, cluster, url;
    struct str checksum; /* empty: a public CA */
};

static struct str node_command(const struct token_parts *p, const char *curl)
{
    const char *flag = p->checksum.n ? " --ca-checksum " : "";
    return arena_printf(p->arena,
                        "%s " STR_FMT "/system-agent-install.sh | sudo sh -s - --server " STR_FMT
                        " --label 'cattle.io/os=linux' --token " STR_FMT "%s" STR_FMT,
                        curl, STR_ARG(p->url), STR_ARG(p->url), STR_ARG(p->token), flag,
                        STR_ARG(p->checksum));
}

static cJSON *make_status(const struct token_parts *p)
{
    struct arena *a = p->arena;
    cJSON *status = json_object(a);
    json_set_str(a, status, "token", p->token);
    if (p->url.n == 0)
        return status;
    struct str manifest = arena_printf(a, STR_FMT "/v3/import/" STR_FMT "_" STR_FMT ".yaml",
                                       STR_ARG(p->url), STR_ARG(p->token), STR_ARG(p->cluster));
    json_set_str(a, status, "manifestUrl", manifest);
    json_set_str(a, status, "command",
                 arena_printf(a, "kubectl apply -f " STR_FMT, STR_ARG(manifest)));
    json_set_str(a, status, "insecureCommand",
                 arena_printf(a, "curl --insecure -sfL " STR_FMT " | kubectl apply -f -",
                              STR_ARG(manifest)));
    json_set_str(a, status, "nodeCommand", node_command(p, "curl -fL"));
    json_set_str(a, status, "insecureNodeCommand", node_command(p, "curl --insecure -fL"));
    return status;
}

/* Is every member of `wanted` in `status` already? */
static bool has_all(const cJSON *status, const cJSON *wanted)
{
    for (const cJSON *it = wanted->child; it; it = it->next)
        if (!str_eq(json_string_at(status, it->string), json_string(it)))
            return false;
    return true;
}

static cJSON *wanted_status(struct token_controller *c, struct arena *a, const cJSON *object)
{
    struct str token = json_string_at(object, "status.token");
    struct str ca = controller_setting(&c->base, a, "cacerts");
    struct token_parts p = {.arena = a,
                            .token = token.n ? token : draw_token(c->base.options.world, a),
                            .cluster = json_string_at(object, "spec.clusterName"),
                            .url = controller_setting(&c->base, a, "server-url")};
    while (str_ends(p.url, STR("/")))
        p.url.n--;
    if (p.cluster.n == 0)
        p.cluster = json_string_at(object, "metadata.namespace");
    struct buf checksum = {0};
    pki_ca_checksum(ca, &checksum);
    p.checksum = arena_str(a, buf_str(&checksum));
    buf_free(&checksum);
    return make_status(&p);
}

static void reconcile(void *owner, struct kube_job *job, struct str key)
{
    struct token_controller *c = owner;
    const struct kube_object *o = kube_informer_get(c->base.options.tokens, key);
    if (!o || o->deleting) {
        controller_done(&c->base, job, false);
        return;
    }
    struct arena a = {0};
    const cJSON *object = kube_object_tree(o, &a);
    cJSON *wanted = wanted_status(c, &a, object);
    if (has_all(json_get(object, "status"), wanted)) {
        controller_done(&c->base, job, false);
    } else {
        cJSON *patch = json_object(&a);
        json_set_str(&a, json_ensure(&a, patch, "metadata"), "resourceVersion",
                     arena_printf(&a, "%llu", (unsigned long long)o->resource_version));
        json_set(&a, patch, STR("status"), wanted);
        struct controller_call call = {.job = job,
                                       .verb = KUBE_PATCH_MERGE,
                                       .target = {.gvr = gvr_registration_tokens,
                                                  .ns = o->ns,
                                                  .name = o->name,
                                                  .sub = STR("status")},
                                       .done = controller_written};
        controller_call_tree(&c->base, &call, patch);
    }
    arena_free(&a);
}

static void on_token(void *owner, const struct kube_object *before, const struct kube_object *after)
{
    struct token_controller *c = owner;
    struct buf key = {0};
    (void)before;
    if (!after)
        return;
    kube_object_key(after, &key);
    kube_queue_add(c->base.queue, buf_str(&key));
    buf_free(&key);
}

static void on_setting(void *owner, const struct kube_object *before,
                       const struct kube_object *after)
{
    struct token_controller *c = owner;
    struct str name = kube_changed(before, after)->name;
    if (str_eq_c(name, "server-url") || str_eq_c(name, "cacerts"))
        controller_enqueue_all(&c->base, c->base.options.tokens);
}

static struct controller *start(const struct controllers_options *options)
{
    struct token_controller *c = MEM_NEW(struct token_controller);
    controller_begin(&c->base, token_class.name, options, reconcile);
    kube_informer_on_change(options->tokens, on_token, c);
    kube_informer_on_change(options->settings, on_setting, c);
    controller_enqueue_all(&c->base, options->tokens);
    return &c->base;
}

static void stop(struct controller *base)
{
    controller_end(base);
    mem_free(container_of(base, struct token_controller, base));
}

const struct controller_class token_class = {"token", start, stop};
