/* Records and sessions of the simulated TLS: see tls.c. */
#ifndef PADDOCK_SIM_WORLD_TLS_INTERNAL_H
#define PADDOCK_SIM_WORLD_TLS_INTERNAL_H

#include "engine/pki/x509.h"
#include "sim/world/stream_internal.h"

#define RECORD_HEAD          5u
#define RECORD_DATA_MAX      ((size_t)16 << 10)
#define RECORD_HANDSHAKE_MAX ((size_t)200 << 10) /* below the window, or it could never be read */
#define TLS_RANDOM_BYTES     32u
#define TLS_NAME_MAX         255u

enum record_type {
    RECORD_CLIENT_HELLO = 0x16, /* as in the real one: what a tunnel can tell a handshake by */
    RECORD_SERVER_HELLO,
    RECORD_CLIENT_CERTIFICATE,
    RECORD_FINISHED,
    RECORD_ALERT,
    RECORD_DATA,
    RECORD_CLOSE_NOTIFY,
};
enum alert {
    ALERT_DECODE = 1,
    ALERT_VERDICT = 64, /* and more: + enum pki_verdict */
};

/* What world_tls says of one's own certificate; parsed once for each distinct text. */
struct tls_identity {
    struct str chain;             /* DER; of the store */
    struct pki_pool *client_pool; /* of the store; NULL: does not ask for certificates */
    struct str alpn;
};

struct sim_tls {
    bool identity_is_server, insecure, ignore_name;
    bool hello_seen, ended, shut_early;
    struct buf early; /* written before the handshake's end */
    struct str name, alpn;
    const struct pki_pool *pool;   /* of the store; NULL: nothing is trusted */
    struct tls_identity *identity; /* of the store; NULL: a client without a certificate */
    struct str peer_chain;         /* verified, as DER; of the store */
    struct buf peer_pem;           /* the same once somebody has asked */
};

struct tls_store {
    struct map pools, identities;
    struct map chains; /* hash of a chain → struct buf *, the chain: many ends have seen the same */
    struct map vouched; /* hash of certificate and key → of `chains` */
    struct pki_cache *cache;
    struct str system_ca;
};

/* The store's copy of a chain, which lives as long as the simulation. */
struct str tls_chain_kept(struct sim *sim, struct str chain);

#endif
