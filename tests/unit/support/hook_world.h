/* hook_world: an API server, a webhook behind TLS and a client, each a process of one simulated world.
 *
 * The client is an administrator; what it was answered stands in `status` and `body`. The webhook answers by `answer`: it
 * gets the parsed review and either fills `out`, which is sent, or takes the exchange into `held` and says nothing.
 * Ownership: hook_world_close frees everything, also while requests wait. */
#ifndef PADDOCK_TESTS_HOOK_WORLD_H
#define PADDOCK_TESTS_HOOK_WORLD_H

#include "engine/base/json.h"
#include "engine/http/client.h"
#include "engine/http/server.h"
#include "sim/kubeapi/kubeapi.h"
#include "sim/world/process.h"

struct hook_world {
    struct sim *sim;
    struct kubeapi *api;
    struct http_client *client;
    struct http_server *hooks;
    struct buf cert_pem, key_pem, bundle; /* bundle: base64, as in caBundle */
    struct arena a;
    struct buf log; /* of `answer` */
    struct http_exchange *held;
    int status;
    struct buf body;
    struct http_call *call;
    /* The status of the answer. */
    int (*answer)(struct hook_world *n, const char *path, const cJSON *review, struct buf *out);
};

void hook_world_open(struct hook_world *n, int (*answer)(struct hook_world *n, const char *path,
                                                         const cJSON *review, struct buf *out));
/* A server with controllers; NULL: a bare one. */
void hook_world_open_with(struct hook_world *n,
                          int (*answer)(struct hook_world *n, const char *path, const cJSON *review,
                                        struct buf *out),
                          const struct kubeapi_workloads *workloads);
void hook_world_close(struct hook_world *n);
void hook_world_run(struct hook_world *n, int64_t seconds);
/* Starts a request. type NULL: JSON, or a merge patch. */
void hook_world_begin(struct hook_world *n, const char *method, const char *target,
                      const char *type, const char *body);
/* And waits five seconds for its answer. */
int hook_world_call(struct hook_world *n, const char *method, const char *target, const char *body);
int hook_world_call_as(struct hook_world *n, const char *method, const char *target,
                       const char *type, const char *body);
bool hook_world_said(const struct hook_world *n, const char *text); /* is it in the answer? */

#endif
