/* x509: issuing certificates, reading them, and verifying a chain at a given time.
 *
 * A chain is the DER of its certificates one after the other, leaf first (DER delimits itself): the form in which it
 * crosses a connection. PEM texts become chains with pki_chain_from_pem. Trust anchors are a parsed set, a pool.
 * Names: DNS names match as in RFC 6125 (a wildcard stands for the whole leftmost label); the subject's common name is
 * never looked at. Bounds: PKI_CHAIN_CERTS_MAX, PKI_POOL_CERTS_MAX, PKI_DER_BYTES_MAX for each certificate. */
#ifndef PADDOCK_ENGINE_PKI_X509_H
#define PADDOCK_ENGINE_PKI_X509_H

#include "engine/pki/keys.h"

#define PKI_CHAIN_CERTS_MAX 10u
#define PKI_POOL_CERTS_MAX  1024u
#define PKI_NAMES_MAX       256u

/* What a certificate is for, and what a verifier asks for (one of SERVER, CLIENT, or 0: any). */
enum pki_usage { PKI_ANY = 0, PKI_SERVER = 1, PKI_CLIENT = 2, PKI_CA = 4 };

struct pki_cert_spec {
    struct str common_name;
    const struct str *organizations; /* the groups of a Kubernetes client certificate */
    size_t organizations_n;
    const struct str *dns; /* "manager.example.test", "*.example.test" */
    size_t dns_n;
    const struct str *ips; /* "10.0.0.1", "::1" */
    size_t ips_n;
    int64_t not_before_s,
        not_after_s; /* unix seconds: valid from the first until just before the second */
    uint64_t serial;
    unsigned usage; /* PKI_CA, or PKI_SERVER and PKI_CLIENT joined */
};

bool pki_is_dns_name(struct str name); /* as a certificate may hold it */
bool pki_is_ip(struct str text);
bool pki_ip_eq(struct str a, struct str b); /* addresses, however they are written */
/* Issues a certificate for the public half of key, as DER appended to out. issuer_der: the CA's certificate, empty: the
 * certificate is self-signed and issuer_key is key. ERR_INVALID names the field of the spec that is wrong. */
struct err *pki_issue(const struct pki_cert_spec *spec, const struct pki_key *key,
                      struct str issuer_der, const struct pki_key *issuer_key,
                      struct buf *out) must_check;

struct pki_cert_info {  /* in the arena that it was read into */
    struct str subject; /* "CN=...,O=..." as RFC 2253 */
    struct str issuer;
    struct str common_name;
    struct str *organizations;
    size_t organizations_n;
    struct str *dns;
    size_t dns_n;
    struct str *ips;
    size_t ips_n;
    size_t other_names_n; /* alternative names of other kinds: mail addresses, URIs, ... */
    struct str serial;    /* hex */
    struct str key_id;    /* as pki_key_id */
    int64_t not_before_s, not_after_s;
    bool is_ca;
};
/* Reads the first certificate of a chain. */
struct err *pki_cert_read(struct arena *a, struct str chain, struct pki_cert_info *out) must_check;

/* When the first certificate of a PEM text ends, in unix seconds; 0: there is none that can be read. */
int64_t pki_pem_not_after_s(struct str pem);

/* All CERTIFICATE blocks of a PEM text as one chain, and back. ERR_INVALID when there is none. */
struct err *pki_chain_from_pem(struct str pem, struct buf *chain) must_check;
struct err *pki_chain_to_pem(struct str chain, struct buf *pem) must_check;

struct pki_pool;
struct err *pki_pool_new(struct str pem, struct pki_pool **out) must_check;
void pki_pool_free(struct pki_pool *pool); /* NULL is fine */
size_t pki_pool_count(const struct pki_pool *pool);

enum pki_verdict {
    PKI_TRUSTED,
    PKI_EXPIRED,
    PKI_NOT_YET_VALID,
    PKI_UNKNOWN_AUTHORITY,
    PKI_WRONG_NAME,
    PKI_BAD_SIGNATURE,
    PKI_WRONG_USAGE, /* not for this purpose, or signed by what is no CA */
    PKI_MALFORMED,   /* does not parse, or is beyond a bound */
    PKI_VERDICT_COUNT
};
const char *pki_verdict_name(enum pki_verdict v); /* "unknown-authority" */
/* ERR_TLS with a message for a human; NULL for PKI_TRUSTED. name: the name that was asked for. */
struct err *pki_verdict_err(enum pki_verdict v, struct str name) must_check;

/* The cost of a verification (signatures) is paid once: a cache remembers the verdict of (chain, pool, name, usage) and
 * the span of time within which it cannot change. Bounded; the oldest entry goes. */
#define PKI_CACHE_ENTRIES_MAX 4096u
struct pki_cache;
struct pki_cache *pki_cache_new(void);
void pki_cache_free(struct pki_cache *cache); /* NULL is fine */
uint64_t pki_cache_hits(const struct pki_cache *cache);
uint64_t pki_cache_misses(const struct pki_cache *cache);

/* name: a host name or an IP address as text; empty: not checked (client certificates). cache: NULL for none. */
enum pki_verdict pki_verify_chain(const struct pki_pool *pool, struct str chain, struct str name,
                                  enum pki_usage usage, int64_t now_s, struct pki_cache *cache);

#endif
