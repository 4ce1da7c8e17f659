/* watch: streams of events: a watch holds a position in the history, never events. */
#ifndef PADDOCK_SIM_KUBEAPI_VERBS_WATCH_H
#define PADDOCK_SIM_KUBEAPI_VERBS_WATCH_H

#include "sim/kubeapi/core/request.h"

/* Where a stream of watch events goes. After end or abort nothing more is written. */
struct watch_sink {
    bool (*allowed)(struct api_request *r); /* NULL: always. False: answered */
    void (*start)(struct api_request *r);   /* sends the head of the answer */
    void (*write)(struct api_request *r, struct str bytes);
    size_t (*queued)(struct api_request *r);
    void (*end)(struct api_request *r, bool abort); /* frees the request and its watch */
};
void api_watch_tick(struct kubeapi *api); /* bookmarks of all watches */
void api_watches_pump(struct kubeapi *api);
void api_watch_free(struct api_watch *w);
void api_watch_pump(struct api_watch *w);
void api_watch_cut(struct api_watch *w, bool abort);
bool api_watch_of(const struct api_watch *w, struct str table);
/* Outside of the order of events: what a fault has kept from it. */
void api_watch_show(struct api_watch *w, enum store_event_type as, const struct kube_object *o);
void api_watch_gone(struct api_watch *w); /* 410; ends soon */
/* It goes on at the same revision in another store's table. */
void api_watch_move(struct api_watch *w, struct store_table *t);
void api_watch_release(struct api_watch *w, uint64_t revision); /* what waits for that revision */

#endif
