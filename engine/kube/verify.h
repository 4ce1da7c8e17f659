/* verify: asks now and then whether an informer's cache still is what the server has. A watch that loses events says
 * nothing about it, so this asks by lists, of metadata alone: the number of objects, and the version of each.
 *
 *   waiting ─► asking (first page) ─► asking (further pages, if due or if the number differs) ─► compared ─► agreed
 *      ▲                └─ failed ──────────────────────────────┐                                   │
 *      └────────────────────────────────────────────────────────┘      settling (5 s) ◄─ differs ───┘
 *                                                                          └─► compared again ─► agreed, or `differs`
 *
 * Comparable: the list shows the server at one revision R, at least that of the request's moment. What events took away
 *           since the request, and objects of the cache newer than R, are no differences; events on their way have
 *           KUBE_VERIFY_SETTLE to arrive. So a healthy watch is never blamed, however busy.
 * Pace:     every `every`, a quarter more or less, while in doubt: for KUBE_VERIFY_DOUBT after a cut, an end before its
 *           time, a failed round or a difference; KUBE_VERIFY_CALM times slower else. A bookmark that moves on though no
 *           event came raises doubt as well: what was withheld entirely is found within a minute or so.
 * Bounds:   found within KUBE_VERIFY_BOUND(every) in doubt, the same of KUBE_VERIFY_CALM * every when calm, while lists are
 *           answered; in kinds of more than one page, changes that keep the number of objects take as many rounds as there are pages.
 * Cost:     a request a round, on average at most two where there are more pages; memory for the names of all objects
 *           during a round.
 * Ownership: the informer's. Callbacks may free nothing of it; `differs` closes it (kube_verify_close).
 * Source:   fixtures/incidents.yaml#K07. */
#ifndef PADDOCK_ENGINE_KUBE_VERIFY_H
#define PADDOCK_ENGINE_KUBE_VERIFY_H

#include "engine/kube/cache.h"

#define KUBE_VERIFY_SETTLE       (5 * NS_PER_S)
#define KUBE_VERIFY_DOUBT        (600 * NS_PER_S)
#define KUBE_VERIFY_CALM         10
/* The longest pause, an answer, the settling, and the list that heals. */
#define KUBE_VERIFY_BOUND(every) ((every) + (every) / 4 + KUBE_VERIFY_SETTLE + 5 * NS_PER_S)

struct kube_verify;
struct kube_verify_options {
    struct kube_client *client;
    struct kube_target target;                        /* borrowed for its life */
    const struct kube_cache *cache;                   /* to be compared */
    struct kube_informer_state *state;                /* verifications are counted there */
    void (*agreed)(void *owner, world_time asked_at); /* the cache was the server at this time */
    void (*differs)(void *owner);
    void *owner;
};
struct kube_verify *kube_verify_new(const struct kube_verify_options *options);
void kube_verify_free(struct kube_verify *v);
void kube_verify_set_pace(struct kube_verify *v, world_time every); /* 0: never */

/* The cache is complete and followed by a watch; from here rounds are made. */
void kube_verify_open(struct kube_verify *v);
void kube_verify_close(struct kube_verify *v);
/* Something happened in which events may have been lost: the next round comes soon. */
void kube_verify_doubt(struct kube_verify *v);
bool kube_verify_is_calm(const struct kube_verify *v);
/* An event took this object away, at this version. */
void kube_verify_gone(struct kube_verify *v, struct str key, uint64_t version);

#endif
