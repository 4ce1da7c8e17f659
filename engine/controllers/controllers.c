/* The table of controllers, started and stopped together. */
#include "engine/controllers/controllers.h"

#include "engine/controllers/cluster/cluster.h"
#include "engine/controllers/deploy/deploy.h"
#include "engine/controllers/expiry/expiry.h"
#include "engine/controllers/health/health.h"
#include "engine/controllers/rotation/rotation.h"
#include "engine/controllers/token/token.h"
#include "engine/controllers/tombstone/tombstone.h"

static const struct controller_class *const classes[] = {
    &cluster_class,  &token_class,  &health_class,   &deploy_class,
    &rotation_class, &expiry_class, &tombstone_class};

struct controllers {
    struct controller *running[ARRAY_LEN(classes)];
};

struct controllers *controllers_start(const struct controllers_options *options)
{
    struct controllers *c = MEM_NEW(struct controllers);
    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        c->running[i] = classes[i]->start(options);
    return c;
}

void controllers_stop(struct controllers *c)
{
    if (!c)
        return;
    for (size_t i = ARRAY_LEN(classes); i-- > 0;)
        classes[i]->stop(c->running[i]);
    mem_free(c);
}

bool controllers_next(const struct controllers *c, size_t *i, const char **name,
                      struct kube_queue_state *state)
{
    if (*i >= ARRAY_LEN(classes))
        return false;
    *name = classes[*i]->name;
    *state = c ? kube_queue_state(c->running[*i]->queue) : (struct kube_queue_state){0};
    ++*i;
    return true;
}

size_t controllers_queue_depth(const struct controllers *c)
{
    size_t depth = 0;
    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        depth += kube_queue_depth(c->running[i]->queue);
    return depth;
}
