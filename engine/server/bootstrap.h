/* bootstrap: what must exist in the local cluster before a replica can serve: the CRDs of our kinds, our namespaces, our
 * settings. Each replica makes sure of all of it at start, in order; what exists is left alone, settings are updated to
 * what this replica was configured with. A failure is retried with back-off: there is no serving without it. */
#ifndef PADDOCK_ENGINE_SERVER_BOOTSTRAP_H
#define PADDOCK_ENGINE_SERVER_BOOTSTRAP_H

#include "engine/kube/client.h"

struct bootstrap;
struct bootstrap_setting {
    const char *name;
    struct str value; /* empty: left as it is */
    bool if_absent;   /* one that is there counts */
};
struct bootstrap *bootstrap_start(struct kube_client *c, const struct bootstrap_setting *settings,
                                  size_t n, void (*done)(void *owner), void *owner);
/* The CRDs of Users, their attributes and Tokens as well; right after the start. */
void bootstrap_people(struct bootstrap *b);
void bootstrap_cancel(struct bootstrap *b); /* NULL is fine */

#endif
