/* request: the bytes of a client's request. Private to engine/http. */
#ifndef PADDOCK_ENGINE_HTTP_REQUEST_H
#define PADDOCK_ENGINE_HTTP_REQUEST_H

#include "engine/http/client.h"

/* Clears out and puts the head there (not the body). False: method, target or host would break the request. */
bool request_put(struct buf *out, const struct http_request *r) must_check;
bool request_is_idempotent(const char *method);

#endif
