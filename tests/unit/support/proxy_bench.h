/* proxy_bench: a manager_bench with one cluster, a client outside of it, and, when asked for, an API of the cluster that does
 * what a test wants: an HTTP server in the cluster's zone, plain, to which the Cluster's endpoint is set.
 * Ownership: proxy_bench_close ends everything. */
#ifndef PADDOCK_TESTS_UNIT_SUPPORT_PROXY_BENCH_H
#define PADDOCK_TESTS_UNIT_SUPPORT_PROXY_BENCH_H

#include "engine/http/client.h"
#include "engine/http/server.h"
#include "tests/unit/support/manager_bench.h"

#define PROXY_MANAGER "192.0.2.10"
#define PROXY_BACKEND "198.51.100.9"

struct proxy_bench {
    struct bench *b;
    struct sim_process *outside, *inside;
    struct http_client *http;
    struct world_tls tls;
    /* the answer to the last call */
    bool done;
    int status; /* 0: an error */
    struct buf body, error;
    struct http_headers headers;
    bool keep_body; /* else only counted */
    uint64_t body_n;
    /* the cluster's API of the test */
    struct http_server *backend;
    size_t asked;    /* requests that came to it */
    struct buf seen; /* the last one's "METHOD TARGET\n", then "Name: value\n" each */
    void (*handle)(struct proxy_bench *pb, struct http_exchange *x); /* NULL: 200 "fine" */
    void *data;
};

void proxy_bench_open(struct proxy_bench *pb, uint64_t seed, size_t managers);
void proxy_bench_backend(struct proxy_bench *pb);
void proxy_bench_close(struct proxy_bench *pb);
/* token: as "Bearer TOKEN"; NULL: none. headers: "Name: value\n" each, NULL: none. Runs until it is answered: its status. */
int proxy_ask(struct proxy_bench *pb, const char *method, const char *target, const char *token,
              const char *headers, const char *body);
/* The same, without waiting: pb->done tells. A body that is streamed is the caller's to write. */
struct http_call *proxy_start(struct proxy_bench *pb, struct http_request *r, const char *token);
void proxy_wait(struct proxy_bench *pb);
/* The handler of such calls, over pb. */
extern const struct http_call_handler proxy_bench_handler;
/* Bytes to the manager's port as they are; what comes back until it closes, or for a second, stands in pb->body. */
void proxy_raw(struct proxy_bench *pb, const char *bytes, size_t n);
bool proxy_says(const struct proxy_bench *pb, const char *text);
bool proxy_saw(const struct proxy_bench *pb, const char *text);
int64_t proxy_metric(const struct proxy_bench *pb, const char *name);
struct server *proxy_server(const struct proxy_bench *pb);

#endif
