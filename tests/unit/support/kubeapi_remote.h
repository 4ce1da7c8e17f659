/* kubeapi_remote: a simulated API server behind a socket of a small world, and HTTP requests to it that may go on for
 * long: watches. Whoever asks is system:masters. */
#ifndef PADDOCK_TESTS_UNIT_SUPPORT_KUBEAPI_REMOTE_H
#define PADDOCK_TESTS_UNIT_SUPPORT_KUBEAPI_REMOTE_H

#include "engine/http/client.h"
#include "tests/unit/support/kubeapi_fixture.h"

#define CM "/api/v1/namespaces/default/configmaps"

struct remote { /* one request from outside */
    struct http_call *call;
    struct buf text; /* of the answer so far */
    int status;
    bool ended, failed;
    enum err_code error; /* when it failed */
};

struct net {
    struct fixture f;
    struct http_client *client;
};

/* Bare, with a token of its own; NULL: and a history of 64 events. */
void net_open(struct net *n, const struct kubeapi_options *options);
void net_close(struct net *n);
void net_run(struct net *n, world_time delay);
/* Makes a ConfigMap with this label in process, and lets events arrive. */
void net_make(struct net *n, const char *name, const char *tier);
uint64_t net_revision(struct net *n);
/* The text and the number behind it: "?resourceVersion=" and a revision. */
const char *net_at(struct net *n, const char *text, uint64_t revision);

/* Sends it; body NULL: none. */
void remote_send(struct net *n, struct remote *w, const char *method, const char *target,
                 const char *body);
/* ... and gives it 10 ms. */
void remote_start(struct net *n, struct remote *w, const char *method, const char *target,
                  const char *body);
void remote_cancel(struct remote *w);
void remote_stop(struct net *n, struct remote *w); /* cancels it, and gives that 10 ms */
/* The events of a watch, each as its type's first letter and its object's name: "Aa Mb B". */
const char *remote_heard(struct net *n, const struct remote *w);

#endif
