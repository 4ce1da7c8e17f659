/* ports: which pods hold which ports of a node. The scheduler asks before it binds, a kubelet before it starts.
 *
 * A pod's ports are text, a line each: "TCP 80 10.0.0.1"; 0.0.0.0 is every address, and what is left out. Ownership: a holder
 * owns its text; the list, that of one node, only links holders, which live in what the scheduler knows of pods. */
#ifndef PADDOCK_SIM_KUBEAPI_CONTROLLERS_PORTS_H
#define PADDOCK_SIM_KUBEAPI_CONTROLLERS_PORTS_H

#include "engine/base/arena.h"
#include "engine/base/json.h"

#define PORTS_TAKEN "didn't have free ports for the requested pod ports"

struct port_holder {
    struct str uid, ports; /* owned; of the pod */
    bool runs;             /* its kubelet has let it in */
    struct port_holder *next;
};

struct ports_question {
    struct str wanted,
        uid;      /* what the pod wants: empty: nothing; its own uid does not stand in its way */
    bool running; /* mind only pods that run */
    bool (*gone)(const void *arg, struct str uid); /* NULL: none is */
    const void *arg;
};

struct str ports_of(struct arena *a, const cJSON *pod_spec); /* empty: none; in the arena */
bool ports_are_free(const struct port_holder *list, const struct ports_question *q);
void ports_hold(struct port_holder **list, struct port_holder *h);
void ports_release(struct port_holder **list, struct port_holder *h); /* frees its text */

#endif
