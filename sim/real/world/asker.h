/* asker: HTTP requests made from inside a network namespace: what runs there is asked at its own address, so that no
 * fault of the network lies between it and whoever looks on.
 *
 *   asker_get ... answered(owner, status, body)           status 0: nothing came (it does not run, is paused, is slow)
 *
 * The thread enters the namespace for the opening of a connection only. Ownership: asker_free cancels everything, without
 * callbacks. Bounds: ASKER_TIMEOUT; ASKER_CALLS_MAX requests at a time, further ones are answered with 0 at once. */
#ifndef PADDOCK_SIM_REAL_WORLD_ASKER_H
#define PADDOCK_SIM_REAL_WORLD_ASKER_H

#include "engine/http/client.h"

#define ASKER_TIMEOUT   (5 * NS_PER_S)
#define ASKER_CALLS_MAX 16u

struct asker_options {
    struct world *w;
    int netns; /* descriptor; -1: ours */
    struct world_addr address;
    bool tls;                     /* its certificate is not looked at: it is known by its place */
    struct str cert_pem, key_pem; /* of the client; empty: none */
    struct str token;             /* bearer; empty: none */
    struct str host;              /* empty: the address */
};
struct asker;
typedef void (*asker_done)(void *owner, int status, struct str body);

struct asker *asker_new(const struct asker_options *options);
void asker_free(struct asker *a); /* NULL is fine */
void asker_set_token(struct asker *a, struct str token);
void asker_send(struct asker *a, const char *method, struct str target, const char *content_type,
                struct str body, asker_done done, void *owner);
static inline void asker_get(struct asker *a, struct str target, asker_done done, void *owner)
{
    asker_send(a, "GET", target, NULL, str_empty, done, owner);
}

/* The same thing asked for again and again, one request at a time. */
struct asker_watch {
    struct asker *asker;
    const struct asker *asked; /* the last one: another one has nothing under way */
    struct str target;         /* borrowed */
    int64_t every_ns, due_ns;
    bool under_way;
    asker_done done;
    void *owner;
};
/* Asks, if it is time and the last answer has come. */
void asker_watch_look(struct asker_watch *w, int64_t now_ns);

#endif
