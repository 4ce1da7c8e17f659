/* What the files of engine/auth share.
 *
 *   question: token.c or review.c finds the user ─► auth_found ─► rights ─► done.  Any of them: auth_refuse. */
#ifndef PADDOCK_ENGINE_AUTH_AUTH_INTERNAL_H
#define PADDOCK_ENGINE_AUTH_AUTH_INTERNAL_H

#include "engine/auth/auth.h"
#include "engine/auth/credential.h"
#include "engine/base/list.h"
#include "engine/pki/pki.h"

struct auth {
    struct auth_options options;
    struct map known; /* key → struct known, oldest first */
    struct list open; /* questions */
    size_t open_n;
};

struct auth_question {
    struct list node;
    struct auth *auth;
    struct arena arena;
    unsigned char
        key[PKI_SHA256_BYTES]; /* of credential and cluster: the secret itself is not kept */
    struct str cluster_id;
    struct credential credential; /* its text is in the arena */
    struct kube_call *call;
    struct world_work *work;
    struct auth_user user;  /* as clusters know it */
    struct auth_user local; /* as the local API knows it: by this name rights are asked for */
    void (*done)(void *owner, const struct auth_verdict *v);
    void *owner;
};

#define AUTH_WHO "must authenticate"

/* Ends the question. */
void auth_refuse(struct auth_question *q, int status, struct str message);
/* The local API did not answer as it should. */
void auth_broken(struct auth_question *q, const char *what, const struct err *err);
/* q->user and q->local are known: may they? */
void auth_found(struct auth_question *q);
/* No group twice, and no more than AUTH_GROUPS_MAX. */
void auth_add_group(struct auth_question *q, struct auth_user *u, struct str group);
/* The tree of an answer, in the question's memory; NULL: it is none. */
cJSON *auth_tree(struct auth_question *q, struct str json);

void auth_token_start(struct auth_question *q);  /* token.c */
void auth_token_stop(struct auth_question *q);   /* of a question that ends */
void auth_review_start(struct auth_question *q); /* review.c */

#endif
