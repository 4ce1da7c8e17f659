/* Which of them are old. */
#include "engine/controllers/tombstone/tombstone.h"

#include "engine/base/timefmt.h"
#include "engine/kube/management.h"
#include "engine/manifests/agent_manifest.h"

struct tombstone_controller {
    struct controller base; /* first */
    struct world_timer *look;
};

static bool is_old(const struct tombstone_controller *c, const struct kube_object *secret)
{
    static const struct str prefix = STR_INIT(AGENT_TOMBSTONE_PREFIX);
    int64_t made_ns;
    return str_starts(secret->name, prefix) &&
           rfc3339_parse(kube_object_string(secret, "metadata.creationTimestamp"), &made_ns) &&
           world_wall(c->base.options.world) - made_ns > TOMBSTONE_LIFE;
}

static void reconcile(void *owner, struct kube_job *job, struct str key)
{
    struct tombstone_controller *c = owner;
    const struct kube_object *secret = kube_informer_get(c->base.options.secrets, key);
    if (!secret || !is_old(c, secret)) {
        controller_done(&c->base, job, false);
        return;
    }
    struct controller_call call = {
        .job = job,
        .verb = KUBE_DELETE,
        .target = {.gvr = gvr_secrets, .ns = secret->ns, .name = secret->name},
        .done = controller_written};
    controller_call(&c->base, &call);
}

static void on_look(void *owner)
{
    struct tombstone_controller *c = owner;
    const struct kube_object *secret;
    struct str key;
    for (size_t i = 0; (secret = kube_informer_next(c->base.options.secrets, &i, &key));)
        if (is_old(c, secret))
            kube_queue_add(c->base.queue, key);
    world_timer_start(c->look, TOMBSTONE_LOOK);
}

static struct controller *start(const struct controllers_options *options)
{
    struct tombstone_controller *c = MEM_NEW(struct tombstone_controller);
    controller_begin(&c->base, tombstone_class.name, options, reconcile);
    c->look = world_timer_new(options->world, on_look, c);
    world_timer_start(c->look, TOMBSTONE_LOOK / 2 + world_random_time(options->world, NS_PER_S));
    return &c->base;
}

static void stop(struct controller *base)
{
    struct tombstone_controller *c = container_of(base, struct tombstone_controller, base);
    controller_end(base);
    world_timer_free(c->look);
    mem_free(c);
}

const struct controller_class tombstone_class = {"tombstone", start, stop};
