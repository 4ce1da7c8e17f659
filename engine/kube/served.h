/* served: HTTP answers made of a cache instead of the API: quick, and as old as the cache is, which each of them says.
 *
 * Age:    header KUBE_DATA_AGE_HEADER, whole milliseconds since the cache last heard of its API (an event, a bookmark, a
 *         list, a comparison that agreed); left out when it never has.
 * Shapes: {"type":"collection","resourceType":"pod","revision":"107","count":2,"data":[...]}; an item is the object, with
 *         "id" ("ns/name" or "name") and "type" in front; errors are {"type":"error","status":"404","code","message"}.
 * Bounds: as large as the cache. */
#ifndef PADDOCK_ENGINE_KUBE_SERVED_H
#define PADDOCK_ENGINE_KUBE_SERVED_H

#include "engine/http/server.h"
#include "engine/kube/informer.h"

#define KUBE_DATA_AGE_HEADER "X-Data-Age-Ms"

/* Any answer that was made of this cache. */
void kube_served_answer(struct http_exchange *x, int status, const char *content_type,
                        const struct kube_informer *from, struct str body);
/* What is at "TYPE", "TYPE/NS", "TYPE/NS/NAME", or of what has no namespaces "TYPE", "TYPE/NAME": rest is what follows the
 * type, "" or "/...". Answers 200, 404, or 503 before the cache was listed. */
void kube_served_path(struct http_exchange *x, const struct kube_informer *inf, bool namespaced,
                      struct str rest);
/* "pods", "management.cattle.io.clusters": does a path begin with this resource? *rest: what follows. */
bool kube_served_type(const struct kube_gvr *gvr, struct str path, struct str *rest);

#endif
