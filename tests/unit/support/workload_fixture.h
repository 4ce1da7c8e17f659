/* workload_fixture: a simulated API server with the controllers of a control plane and fake nodes, on a virtual clock. */
#ifndef PADDOCK_TESTS_UNIT_SUPPORT_WORKLOAD_FIXTURE_H
#define PADDOCK_TESTS_UNIT_SUPPORT_WORKLOAD_FIXTURE_H

#include "tests/unit/support/kubeapi_fixture.h"

void workload_open(struct fixture *f, uint32_t nodes, const char *stages);
void pass(struct fixture *f, world_time time);
/* Creates the object of this YAML-like JSON at its collection's path. */
void make(struct fixture *f, const char *collection, const char *json);
/* A member of the object at the path, as text ("3", "True"); "" when absent. `path` may end in "/conditions/TYPE/FIELD" of
 * the status. */
const char *at(struct fixture *f, const char *target, const char *path);
/* Fails with both texts unless it is `expected`. */
void expect(struct fixture *f, const char *target, const char *path, const char *expected);
size_t count(struct fixture *f, const char *collection); /* of its items */
/* How many pods of the namespace default have this label are ready, and are not on their way out. */
struct pod_counts {
    size_t all, ready, ending;
};
struct pod_counts pods_with(struct fixture *f, const char *key, const char *value);
/* Was an event with this reason recorded about an object of this name? */
bool said_event(struct fixture *f, const char *name, const char *reason);

#define DEPLOYMENTS "/apis/apps/v1/namespaces/default/deployments"
#define SETS        "/apis/apps/v1/namespaces/default/replicasets"
#define PODS        "/api/v1/namespaces/default/pods"

#endif
