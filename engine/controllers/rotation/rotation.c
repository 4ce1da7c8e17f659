/* Who is missing, and the setting that says so. */
#include "engine/controllers/rotation/rotation.h"

#include "engine/controllers/deploy/desired.h"
#include "engine/kube/conditions.h"
#include "engine/kube/management.h"

struct rotation_controller {
    struct controller base; /* first */
};

static const struct str over = STR_INIT(" over");

bool rotation_is_over(const struct kube_object *setting, struct str next_pin)
{
    struct str value = kube_object_string(setting, "value");
    return str_eq_c(setting->name, ROTATION_SETTING) && str_starts(value, next_pin) &&
           str_eq(str_sub(value, next_pin.n, value.n), over);
}

/* An agent of it may be out there that does not know the next CA. */
static bool is_missing(const struct controller *c, const struct kube_object *cluster)
{
    struct desired desired;
    if (!desired_make(c, cluster, &desired))
        return true;
    bool knows = str_find(desired.manifest.ca_checksum, c->options.next_pin) >= 0;
    bool applied = str_eq(kube_object_string(cluster, "status.appliedAgentHash"), desired.hash);
    desired_free(&desired);
    return !knows || !applied || !condition_is(cluster, "Updated", "True");
}

static bool has_agent(const struct kube_object *cluster)
{
    return !cluster->deleting && !cluster_is_internal(cluster) &&
           kube_object_string(cluster, "status.apiEndpoint").n > 0;
}

/* "PIN over", or "PIN waiting for ...". */
static void describe(const struct controller *c, struct buf *out)
{
    struct buf names = {0};
    size_t all = 0, missing = 0;
    const struct kube_object *cluster;
    struct str key;
    for (size_t i = 0; (cluster = kube_informer_next(c->options.clusters, &i, &key));) {
        if (!has_agent(cluster))
            continue;
        all++;
        if (!is_missing(c, cluster))
            continue;
        if (++missing <= ROTATION_NAMES_MAX)
            buf_addf(&names, " " STR_FMT, STR_ARG(cluster->name));
    }
    buf_add(out, c->options.next_pin);
    if (missing)
        buf_addf(out, " waiting for %zu of %zu:%s%s", missing, all, buf_c(&names),
                 missing > ROTATION_NAMES_MAX ? " ..." : "");
    else
        buf_add(out, over);
    buf_free(&names);
}

static void reconcile(void *owner, struct kube_job *job, struct str key)
{
    struct rotation_controller *r = owner;
    struct controller *c = &r->base;
    const struct kube_object *setting = kube_informer_get(c->options.settings, key);
    if (setting && rotation_is_over(setting, c->options.next_pin)) {
        controller_done(c, job, false);
        return;
    }
    struct buf value = {0};
    describe(c, &value);
    if (setting && str_eq(kube_object_string(setting, "value"), buf_str(&value))) {
        controller_done(c, job, false);
    } else {
        log_info(&c->log, "the change of the CA: %s", buf_c(&value));
        controller_write_setting(c, job, ROTATION_SETTING, setting != NULL, buf_str(&value));
    }
    buf_free(&value);
}

static void on_change(void *owner, const struct kube_object *before,
                      const struct kube_object *after)
{
    struct rotation_controller *r = owner;
    (void)before, (void)after;
    kube_queue_add_after(r->base.queue, STR(ROTATION_SETTING), ROTATION_PAUSE);
}

static struct controller *start(const struct controllers_options *options)
{
    struct rotation_controller *r = MEM_NEW(struct rotation_controller);
    controller_begin(&r->base, rotation_class.name, options, reconcile);
    if (options->next_pin.n) {
        kube_informer_on_change(options->clusters, on_change, r);
        kube_informer_on_change(options->settings, on_change, r);
        on_change(r, NULL, NULL);
    }
    return &r->base;
}

static void stop(struct controller *base)
{
    controller_end(base);
    mem_free(container_of(base, struct rotation_controller, base));
}

const struct controller_class rotation_class = {"rotation", start, stop};
