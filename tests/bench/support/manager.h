/* manager: `paddock server` in a process of its own, its Kubernetes API, and what its users do there.
 *
 * Errors: whatever goes wrong ends the benchmark with a sentence. */
#ifndef PADDOCK_TESTS_BENCH_MANAGER_H
#define PADDOCK_TESTS_BENCH_MANAGER_H

#include "tests/bench/support/api_load.h"
#include "tests/bench/support/sides.h"

#define MANAGER_WAIT_S 60 /* for what controllers do */

struct manager {
    struct side side;
    struct api_server
        local; /* its Kubernetes API, as an administrator; pid is the manager's if embedded */
    struct api_server front;      /* itself, as an agent or user without a certificate */
    char config[API_PATH_MAX];    /* the administrator's kubeconfig */
    struct buf cacerts, checksum; /* what agents trust it by */
};

/* With an embedded API. */
void manager_start_embedded(struct manager *m);
/* Over that API; port 0: any. What stands in `m` of an earlier start is kept. */
void manager_start_over(struct manager *m, const struct api_server *api, uint16_t port);
void manager_kill(struct manager *m);
void manager_end(struct manager *m);

/* One request on a connection; bearer may be NULL, the body empty. Returns the status; the answer's body is borrowed until
 * the next call. */
int manager_call(struct api_conn *c, const char *method, const char *target, const char *bearer,
                 struct str body, struct str *answer);
/* POST, which must be answered 201, or 409: it is there. */
void manager_create(struct api_conn *c, const char *target, const char *body);
/* The string at `path` of the JSON that GET of `target` answers, waited for. Into `out`. */
void manager_await(struct api_conn *c, const char *target, const char *path, struct buf *out);
/* A token of a service account, by TokenRequest. Into `out`. */
void manager_token(struct api_conn *c, const char *ns, const char *account, struct buf *out);

#endif
