/* limits: what several files of engine/http bound by name, and the parser library's own limit. Private to engine/http. */
#ifndef PADDOCK_ENGINE_HTTP_LIMITS_H
#define PADDOCK_ENGINE_HTTP_LIMITS_H

#include <stddef.h>

#define HTTP_SERVER_HEADER_BYTES    ((size_t)64 << 10)
#define HTTP_SERVER_BODY_BYTES      ((size_t)3 << 20)
#define HTTP_SERVER_CONNECTIONS_MAX 65536u
#define HTTP_CLIENT_CONNECTIONS_MAX 4096u
#define HTTP_CLIENT_IDLE_MAX        32u /* kept connections per origin */
#define HTTP_CLIENT_BODY_BYTES      ((size_t)64 << 20)
#define HTTP_CLIENT_INTERIM_MAX     8u /* 1xx answers before the answer */

/* Raises the library's limit of a head to ours; always the same value. */
void http_head_setup(void);

#endif
