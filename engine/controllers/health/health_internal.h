/* What the files of the health controller share: targets, and the two ways to go about probing them. */
#ifndef PADDOCK_ENGINE_CONTROLLERS_HEALTH_HEALTH_INTERNAL_H
#define PADDOCK_ENGINE_CONTROLLERS_HEALTH_HEALTH_INTERNAL_H

#include "engine/controllers/health/health.h"

enum health { HEALTH_UNKNOWN, HEALTH_GOOD, HEALTH_API, HEALTH_GONE };

struct health_controller;

/* One cluster. */
struct target {
    struct health_controller *controller;
    struct str id;          /* owned */
    struct kube_call *call; /* the probe under way */
    enum health verdict;    /* what we believe */
    enum health said;       /* what the object's conditions say */
    struct str why;         /* owned; of HEALTH_API */
    enum err_tls tls; /* of HEALTH_API: what is wrong with the API's certificate, if that is it */
    enum err_tls said_tls;
    /* independent */
    struct world_timer *timer;
    uint32_t misses;
    world_time began;
};

/* A way of probing. */
struct prober {
    void (*start)(struct health_controller *c);
    void (*stop)(struct health_controller *c);
    void (*added)(struct target *t, bool fresh); /* fresh: it was not there when we started */
    void (*removed)(struct target *t, bool was_probing); /* the probe is cancelled already */
    void (*probed)(struct target *t, enum health found, const struct err *why); /* NULL: good */
    void (*rerouted)(struct target *t,
                     bool was_probing); /* the client changed: the call, if any, is gone */
    void (*edge)(struct target *t);     /* a session came or went; may be NULL */
};
extern const struct prober prober_sequential, prober_independent;

struct health_controller {
    struct controller base; /* first */
    const struct prober *prober;
    struct map targets; /* cluster id → struct target */
    struct tunnel_router_listener sessions;
    int64_t *probes[HEALTH_GONE + 1]; /* by what they found */
    /* sequential */
    struct world_timer *tick;
    bool passing;
    world_time pass_began;
    size_t next; /* in targets */
    struct target *current;
    /* independent */
    size_t open; /* probes under way */
};

/* Starts a probe whose end is told through prober->probed. False: there is no session, which is known at once and not
 * told. */
bool health_probe(struct target *t, world_time timeout);
/* Makes it what we believe, and has it written if the object says otherwise. */
void health_believe(struct target *t, enum health verdict, const struct err *why);

#endif
