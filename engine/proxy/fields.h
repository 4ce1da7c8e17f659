/* fields: which header fields pass the proxy, and which are put there by it.
 *
 *   in  ─► refused: any Impersonate-*                         ─► to the cluster: Authorization of its service account,
 *          dropped: hop-by-hop (RFC 9110 §7.6.1) and what          Impersonate-* of the caller, X-Forwarded-*
 *          Connection names, credentials, X-Remote-*
 *   out ◄─ dropped: hop-by-hop and what Connection names
 *
 * Everything else passes as it is, in order, repeats included. Bounds: PROXY_NAMED_MAX names in Connection. */
#ifndef PADDOCK_ENGINE_PROXY_FIELDS_H
#define PADDOCK_ENGINE_PROXY_FIELDS_H

#include "engine/auth/auth.h"
#include "engine/http/headers.h"

#define PROXY_NAMED_MAX 32u

/* Would it be somebody else? Also in spellings that some servers take for the same. */
bool proxy_fields_impersonate(const struct http_headers *in);
/* It asks, or answers, to go over to this protocol; empty: it does not. */
struct str proxy_fields_upgrade(const struct http_headers *in);

struct proxy_fields_from {
    const struct auth_user *user;
    struct str token; /* of the cluster's service account */
    struct str peer;  /* the caller's address */
    bool tls;         /* the caller's connection */
};
/* False: too many, or something in it cannot stand in a field. */
bool proxy_fields_request(const struct http_headers *in, const struct proxy_fields_from *from,
                          struct http_headers *out) must_check;
/* Content-Length passes, where there is one. */
bool proxy_fields_answer(const struct http_headers *in, struct http_headers *out) must_check;

#endif
