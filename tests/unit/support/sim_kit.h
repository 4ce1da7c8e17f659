/* sim_kit: a small simulation for tests: a server's host at 10.0.0.1 in zone "site/a" and a client's at 10.0.0.2 in zone
 * "cluster/edge", 10 ms apart each way, each with a process without a program; and recording ends of streams. */
#ifndef PADDOCK_TESTS_UNIT_SUPPORT_SIM_KIT_H
#define PADDOCK_TESTS_UNIT_SUPPORT_SIM_KIT_H

#include "sim/world/fault.h"
#include "sim/world/trace.h"
#include "tests/unit/support/check.h"

#define KIT_START   (INT64_C(1767225600) * NS_PER_S) /* 2026-01-01 */
#define KIT_ONE_WAY (10 * NS_PER_MS)
#define KIT_PORT    443
#define MS          NS_PER_MS
#define S           NS_PER_S

struct kit_end { /* one end of a stream: what happened to it */
    struct sim *sim;
    struct world_stream *s;
    struct buf got, events; /* o(pen) d(ata) e(nd) r(oom) c(losed) */
    int closed;
    bool failed;
    enum err_code code;
    struct buf message;
    world_time at; /* of the last callback */
    bool echo;     /* sends back, and ends when the peer does */
    void (*on_data)(struct kit_end *e);
    void *data;
};
#define KIT_ENDS 8
struct kit {
    struct sim *sim;
    struct sim_host *server_host, *client_host;
    struct sim_process *server, *client;
    struct world_listener *listener;
    struct kit_end accepted[KIT_ENDS];
    int accepted_n;
    struct kit_end c; /* the client's */
    bool echo;        /* accepted ends do */
};
extern const struct world_stream_handler kit_handler;

struct kit *kit_new(void);
struct kit *kit_new_with(const struct sim_options *o);
void kit_free(struct kit *k);
struct sim_process *kit_process(struct kit *k, const char *name, const char *address,
                                const char *zone, const struct sim_program *program,
                                const void *config);
struct world *kit_sw(struct kit *k); /* the worlds of the two processes, now */
struct world *kit_cw(struct kit *k);
void kit_listen(struct kit *k, const struct world_tls *tls);
void kit_connect(struct kit *k, const struct world_tls *tls); /* c, to the server */
void kit_up(struct kit *k);                   /* listens, connects, waits until it is open */
void kit_run(struct kit *k, world_time time); /* lets it pass */
void kit_end_free(struct kit_end *e);
struct sim_fault *kit_fault(struct kit *k,
                            const struct sim_fault_options *o); /* named by itself; begun */
int64_t kit_count(const struct kit *k, const char *counter);

#endif
