/* faults_internal: what faults.c (meeting rules) and fault_rules.c (having them) share. */
#ifndef PADDOCK_SIM_KUBEAPI_VERBS_FAULTS_INTERNAL_H
#define PADDOCK_SIM_KUBEAPI_VERBS_FAULTS_INTERNAL_H

#include "sim/kubeapi/verbs/faults.h"

#define REWIND_MARKS 8u

struct fault_rule {
    struct list link;
    uint64_t id;
    struct faults *of;
    struct kubeapi_fault f; /* strings owned */
    struct str *clients;    /* owned, f.clients_n of them */
    struct store *replica;  /* STALE_READ, FORK: the server as it was */
    /* WATCH_REWIND: revisions at the last eighths of `delay`, the oldest first. */
    uint64_t marks[REWIND_MARKS];
    uint32_t eighths; /* that have passed, up to REWIND_MARKS */
    struct world_timer *timer;
    struct list hidden; /* WATCH_UNOBSERVED: unobserved.c's */
};

struct faults {
    struct kubeapi *api;
    struct list rules;
    uint64_t last_id;
    uint64_t *fired; /* by id - 1 */
    size_t fired_cap;
    size_t by_client;              /* rules that ask where a request comes from */
    size_t n[KUBEAPI_FAULT_KINDS]; /* rules of each kind: 0 is the usual and costs nothing */
};

/* Does the rule meet the request now? By its share, which draws from the world. */
bool fault_hits(struct faults *x, const struct fault_rule *rule, const struct api_request *r);
void fault_fire(struct faults *x, const struct fault_rule *rule); /* counts it */
void fault_count(struct kubeapi *api, const char *label);

#endif
