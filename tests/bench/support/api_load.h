/* api_load: a `paddock-sim apiserver` in a process of its own and the clients that measure it over TLS on loopback.
 *
 * The server's CPU time is read from the system (user and kernel time of its process), so that clients and whatever else
 * runs on the machine do not count. Connections are kept alive and have one request under way each.
 * Errors: whatever goes wrong ends the benchmark with a sentence. */
#ifndef PADDOCK_TESTS_BENCH_API_LOAD_H
#define PADDOCK_TESTS_BENCH_API_LOAD_H

#include "engine/base/str.h"

#include <openssl/ssl.h>
#include <sys/types.h>

#define API_PATH_MAX 4096
struct api_server {
    pid_t pid;
    int port;
    int64_t ready_ns;          /* from the start of the program to its "ready" */
    SSL_CTX *tls;              /* with the administrator's certificate */
    char config[API_PATH_MAX]; /* the administrator's kubeconfig, while it runs */
};

/* A new folder beside the program, in the build: the caller removes it. */
void api_folder_make(char path[API_PATH_MAX]);
/* datastore: NULL for memory. Without controllers: what is stored is all there is. */
void api_server_start(struct api_server *s, const char *datastore);
/* In memory, with controllers. */
void api_server_start_whole(struct api_server *s);
/* One that another program serves, by its administrator's kubeconfig; not to be stopped. */
void api_server_join(struct api_server *s, pid_t pid, const char *config);
void api_server_stop(struct api_server *s);
int64_t api_server_cpu_ns(const struct api_server *s);
int64_t api_server_rss(const struct api_server *s); /* bytes */

int64_t api_load_now_ns(void); /* monotonic */

/* ---- connections ---- */
struct api_conn {
    int fd;
    SSL *ssl;
    struct buf in;      /* of the answer under way; of a watch: the last unfinished line */
    int64_t sent_ns;    /* when the request under way was written */
    size_t answer_want; /* bytes of head and body together; 0: the head is not complete */
    uint64_t events;    /* of a watch */
};

void api_conn_open(struct api_conn *c, const struct api_server *s);
void api_conn_close(struct api_conn *c);
void api_conn_send(struct api_conn *c, struct str request);
/* Waits for one answer; its body is borrowed until the next call. Returns the status. */
int api_conn_receive(struct api_conn *c, struct str *body);
/* Appends a request. body may be empty. */
void api_request_put(struct buf *out, const char *method, const char *target, struct str body);

/* ---- load ---- */
struct api_load {
    const struct api_server *server;
    size_t concurrency;
    uint64_t requests;
    int want_status;
    void (*request)(void *owner, uint64_t i, struct buf *out); /* writes the i-th request */
    void *owner;
};
struct api_measure {
    double seconds, cpu_us; /* cpu_us: of the server, for each request */
    double p50_ms, p99_ms;  /* of latencies */
};
void api_load_run(const struct api_load *load, struct api_measure *out);

/* Watches of a table and one writer at a time: latencies from the write of a request to each event's arrival. */
struct api_fanout {
    const struct api_server *server;
    const char *watch_target;
    size_t watchers;
    uint64_t writes;
    void (*request)(void *owner, uint64_t i, struct buf *out);
    void *owner;
};
void api_fanout_run(const struct api_fanout *fanout, struct api_measure *out); /* cpu_us: a write */

#endif
