/* lab: a simulated world with a Kubernetes API server behind TLS and a client process, for tests of what talks to it.
 *
 *   client process ("client", 10.0.0.2) ── lab->kube ──► API host ("api", 10.0.0.1): a real handler over a real store
 *
 * Tests drive the worlds of the two processes themselves; lab_run lets time pass, lab_until waits for a condition. */
#ifndef PADDOCK_TESTS_UNIT_SUPPORT_LAB_H
#define PADDOCK_TESTS_UNIT_SUPPORT_LAB_H

#include "engine/kube/client.h"
#include "engine/kube/management.h"
#include "sim/cluster/apihost.h"
#include "sim/world/fault.h"
#include "tests/unit/support/check.h"

#define LAB_START  (INT64_C(1767225600) * NS_PER_S) /* 2026-01-01 */
#define LAB_API_IP "10.0.0.1"
#define MS         NS_PER_MS
#define S          NS_PER_S
#define LAB_TOKEN  "lab-admin"

struct lab {
    struct sim *sim;
    struct authority *ca;
    struct apihost *api;
    struct sim_process *client;
    struct kube_client
        *kube;        /* of the client process; the lab frees it unless the test did (NULL) */
    struct buf notes; /* "kind key value\n" of every note */
    uint32_t serial;
};

struct lab *lab_new(uint64_t seed);
void lab_free(struct lab *l);
struct world *lab_world(struct lab *l); /* of the client process */
/* A process on a host of its own; program NULL: the test drives its world. Started. */
struct sim_process *lab_process(struct lab *l, const char *name, const char *address,
                                const char *zone, const struct sim_program *program,
                                const void *config);
struct kube_context lab_context(struct lab *l);
void lab_run(struct lab *l, world_time time);
bool lab_until(struct lab *l, bool (*holds)(void *owner), void *owner, world_time limit);

/* ---- the store, at once ---- */
struct kubeapi *lab_api(struct lab *l);
void lab_apply(struct lab *l, const char *fmt, ...) printf_like(2, 3);
void lab_delete(struct lab *l, const char *resource, const char *ns, const char *name);
struct kube_object *lab_get(struct lab *l, const char *resource, const char *ns, const char *name);

/* ---- one call through the client, waited for ---- */
struct lab_answer {
    bool done, failed;
    int status;
    enum err_code code;
    struct buf body, message;
};
void lab_answer_free(struct lab_answer *a);
void lab_done(void *owner,
              const struct kube_answer *answer); /* a kube_done: owner is a lab_answer */
/* "ok" or the name of the error's code ("not-found"). */
const char *lab_call(struct lab *l, enum kube_verb verb, const struct kube_target *target,
                     const char *body);

/* ---- faults ---- */
/* Named by itself; begun now. */
struct sim_fault *lab_fault(struct lab *l, struct sim_fault_options o);
/* Nothing passes between two zones (or from one to everything, b NULL) until sim_fault_end. */
struct sim_fault *lab_partition(struct lab *l, const char *a, const char *b);
bool lab_noted(const struct lab *l, const char *text);

#endif
