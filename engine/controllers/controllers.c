/* The table of controllers, started and stopped together. */
#include "engine/controllers/controllers.h"

struct controllers {
    struct controllers_options options;
};

struct controllers *controllers_start(const struct controllers_options *options)
{
    struct controllers *c = MEM_NEW(struct controllers);
    c->options = *options;
    return c;
}

void controllers_stop(struct controllers *c)
{
    mem_free(c);
}

size_t controllers_queue_depth(const struct controllers *c)
{
    (void)c;
    return 0;
}
