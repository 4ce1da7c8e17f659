#include "sim/kubeapi/core/hold.h"

/* The list is in the order of revisions, nearly always by adding at its end: a request that only reads may wait for less
 * than one that wrote before it. */
static void enqueue(struct kubeapi *api, struct api_request *r)
{
    struct list *at = api->held.prev;
    while (at != &api->held &&
           container_of(at, struct api_request, hold_link)->hold_until > r->hold_until)
        at = at->prev;
    list_add_head(at, &r->hold_link);
}

bool api_hold(struct api_request *r, uint64_t revision)
{
    struct kubeapi *api = r->api;
    if (!api->journal || revision <= store_durable(api->store))
        return false;
    BUG_ON(r->hold_until, "a request waits once");
    r->hold_until = revision;
    enqueue(api, r);
    return true;
}

void api_hold_leave(struct api_request *r)
{
    if (r->hold_until)
        list_remove(&r->hold_link);
    r->hold_until = 0;
}

/* What is released may end other requests: the list is read anew for each. */
void api_hold_release(struct kubeapi *api, void (*released)(struct api_request *r))
{
    uint64_t durable = store_durable(api->store);
    while (!list_empty(&api->held)) {
        struct api_request *r = container_of(api->held.next, struct api_request, hold_link);
        if (r->hold_until > durable)
            return;
        api_hold_leave(r);
        released(r);
    }
}
