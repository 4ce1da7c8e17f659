/* outside: a client on a machine of its own that asks a manager of a bench (manager_bench.h) over TLS. */
#ifndef PADDOCK_TESTS_UNIT_SUPPORT_OUTSIDE_H
#define PADDOCK_TESTS_UNIT_SUPPORT_OUTSIDE_H

#include "engine/http/client.h"
#include "tests/unit/support/manager_bench.h"

#define OUTSIDE_MANAGER "192.0.2.10" /* who is asked: the first one */

struct outside {
    struct bench *b;
    struct sim_process *p;
    struct http_client *http;
    bool done;
    int status; /* 0: no answer */
    struct buf body, age;
};

/* A bench with one cluster, and the client. */
void outside_open(struct outside *o, uint64_t seed, const struct policies *p, size_t managers);
void outside_close(struct outside *o);
/* The status of the answer. token NULL: none is sent. */
int outside_ask(struct outside *o, const char *target, const char *token);
/* Anywhere, by plain HTTP. */
int outside_ask_plain(struct outside *o, const struct world_addr *address, const char *target);
bool outside_says(const struct outside *o, const char *text); /* the body has it */

#endif
