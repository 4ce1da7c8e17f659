/* uv_tls: TLS sessions over memory: bytes in, bytes out, no sockets. Used by uv_stream.c; the contexts also by uv_ws.c.
 *
 * Ownership: contexts are shared and cached by the content of their options (at most UVW_TLS_CONTEXTS_MAX); a session
 *            belongs to its stream. Errors are ERR_TLS and name the reason: "expired", "unknown authority", "not valid
 *            for name". Source: RFC 8446, RFC 6066 (SNI), RFC 9525 (names). */
#ifndef PADDOCK_ENGINE_WORLD_UV_UV_TLS_H
#define PADDOCK_ENGINE_WORLD_UV_UV_TLS_H

#include "engine/world/uv/uv_internal.h"

#define UVW_TLS_CONTEXTS_MAX 64u
#define UVW_TLS_NAME_MAX     253u /* RFC 1035 */

/* Borrowed from the cache: SSL_CTX_up_ref to keep it. */
struct err *uvw_tls_client_ctx(struct uv_world *uv, const struct world_tls *tls,
                               SSL_CTX **out) must_check;
struct err *uvw_tls_server_ctx(struct uv_world *uv, const struct world_tls *tls,
                               SSL_CTX **out) must_check;
void uvw_tls_free_all(struct uv_world *uv);

/* The oldest error of OpenSSL's queue, which is emptied. */
struct err *uvw_tls_queue_err(const char *what) must_check;

struct uvw_tls;
/* A client checks `name` unless the options say otherwise. Server: name is empty. */
struct uvw_tls *uvw_tls_new(SSL_CTX *ctx, bool server, const struct world_tls *options,
                            struct str name);
void uvw_tls_free(struct uvw_tls *t);

enum uvw_tls_result { UVW_TLS_OK, UVW_TLS_MORE, UVW_TLS_END, UVW_TLS_FAILED };
void uvw_tls_feed(struct uvw_tls *t, struct str wire); /* bytes that came from the peer */
enum uvw_tls_result uvw_tls_handshake(struct uvw_tls *t, struct err **err);
/* MORE: nothing until more is fed. END: close_notify came. */
enum uvw_tls_result uvw_tls_read(struct uvw_tls *t, char *room, size_t size, size_t *n,
                                 struct err **err);
enum uvw_tls_result uvw_tls_write(struct uvw_tls *t, struct str plain, struct err **err);
void uvw_tls_shutdown(struct uvw_tls *t);              /* close_notify */
void uvw_tls_take(struct uvw_tls *t, struct buf *out); /* bytes for the peer */
void uvw_tls_peer_pem(const struct uvw_tls *t, bool server, struct buf *out);

#endif
