/* auth: who asks, and may they use that cluster?
 *
 *   credential ─┬─ a token of ours ─► Token ─► secret, end, cluster ─► User ─► UserAttribute ─┐
 *               └─ of Kubernetes ───► TokenReview at the local API ───────────────────────────┴─► user, groups, extras
 *                                        may they "get" the Cluster? SubjectAccessReview ─► 200, or 403
 *
 * Everything that is wrong with a credential is 401 with one text: nobody learns whether the name or the secret was bad.
 * A registration token, and whoever is in the group system:nodes, gets no further, whatever rights there are.
 *
 * Users of the local Kubernetes API: names and groups that begin with "system:" mean something else in each cluster, so
 * that such a user goes by "local:NAME" elsewhere, and such groups are left out. system:masters stays: whoever is in it
 * may read the credentials of every cluster anyway.
 *
 * Ownership: a question lives until `done` returns or auth_cancel. What `done` gets is borrowed.
 * Kept:      a yes for AUTH_KNOWN_FOR: a token that was taken back may work that much longer. Never a no, never a secret.
 * Bounds:    AUTH_OPEN_MAX questions at a time, AUTH_KNOWN_MAX answers kept, AUTH_GROUPS_MAX groups. */
#ifndef PADDOCK_ENGINE_AUTH_AUTH_H
#define PADDOCK_ENGINE_AUTH_AUTH_H

#include "engine/kube/informer.h"

#define AUTH_KNOWN_FOR  (10 * NS_PER_S)
#define AUTH_KNOWN_MAX  4096u
#define AUTH_OPEN_MAX   1024u
#define AUTH_GROUPS_MAX 512u

struct auth_user {
    struct str name;
    struct str *groups;
    size_t groups_n;
    struct str principal, login; /* extras principalid and username; empty: none */
};

struct auth_verdict {
    int status; /* 200, 401, 403, 503 */
    struct str message;
    const struct auth_user *user; /* of 200 */
};

struct auth;
struct auth_options {
    struct world *world;
    struct kube_client *client; /* of the local API */
    struct kube_informer *registrations;
    size_t registrations_by_token; /* its index */
};
struct auth *auth_new(const struct auth_options *options);
void auth_free(struct auth *a); /* questions end without an answer */

struct auth_question;
/* NULL: *known is the answer already, borrowed until the next call. Else `done` comes, once, from the loop. */
struct auth_question *auth_ask(struct auth *a, struct str authorization, struct str cluster_id,
                               struct auth_verdict *known,
                               void (*done)(void *owner, const struct auth_verdict *v),
                               void *owner);
void auth_cancel(struct auth_question *q); /* NULL is fine */

#endif
