/* url: an absolute http or https URL cut into its parts (RFC 3986; user info and fragments are refused).
 * Ownership: the parts are views into the text. Errors: ERR_INVALID. */
#ifndef PADDOCK_ENGINE_HTTP_URL_H
#define PADDOCK_ENGINE_HTTP_URL_H

#include "engine/base/err.h"

struct url {
    bool tls;             /* https */
    struct str host;      /* without brackets */
    struct str authority; /* host[:port] as written: the Host header */
    uint16_t port;        /* the scheme's own when none is written */
    struct str target;    /* path and query; "/" when empty */
};

struct err *url_parse(struct str text, struct url *out) must_check;

#endif
