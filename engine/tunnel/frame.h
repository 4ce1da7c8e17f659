/* frame: the messages of the reverse tunnel ("remotedialer"), encoded and decoded without any I/O. One binary WebSocket
 * message carries exactly one frame; the payload's length is what remains of it.
 *
 *   varint(id) varint(conn) varint(type) [varint(deadline in ms): DATA and CONNECT only] payload
 *
 * Integers are Go's signed varints (engine/base/codec.h). `id` is for logs only: any value is legal.
 * Ownership: a decoded payload is a view into the message. Errors: ERR_PROTOCOL.
 * Bounds:    below; a text that is longer is cut by the reader, as the original does. */
#ifndef PADDOCK_ENGINE_TUNNEL_FRAME_H
#define PADDOCK_ENGINE_TUNNEL_FRAME_H

#include "engine/base/err.h"

enum tunnel_type {
    TUNNEL_DATA = 1,      /* raw bytes */
    TUNNEL_CONNECT,       /* "proto/address" */
    TUNNEL_ERROR,         /* text; exactly "EOF": orderly end of the connection */
    TUNNEL_ADD_CLIENT,    /* "clientKey/sessionKey", connection 0 */
    TUNNEL_REMOVE_CLIENT, /* the same */
    TUNNEL_PAUSE,         /* the sender's buffer of this connection is full */
    TUNNEL_RESUME,
    TUNNEL_SYNC, /* ascending 8-byte little-endian connection ids, connection 0 */
    /* Of ours, far from the original's numbers; whoever does not know it ignores it. From the side that took the WebSocket:
     * go elsewhere. From the side that dialled it: has gone elsewhere. Connection 0, no payload. */
    TUNNEL_LEAVE = 64,
};

#define TUNNEL_DATA_BYTES_MAX    32768u /* of one DATA that we send; any length is accepted */
#define TUNNEL_CONNECT_BYTES_MAX 266u
#define TUNNEL_CLIENT_BYTES_MAX  100u
#define TUNNEL_ERROR_BYTES_MAX   100u  /* read, and never exceeded by us */
#define TUNNEL_DEADLINE_MS       15000 /* written for history's sake; ignored when read */
#define TUNNEL_HEAD_BYTES_MAX    40u

struct tunnel_frame {
    int64_t id, conn;
    int64_t type;       /* enum tunnel_type, or one unknown to us, which its receiver ignores */
    struct str payload; /* cut at the bounds above for texts */
};

/* Writes everything before the payload and returns its length. */
size_t tunnel_frame_head(char out[TUNNEL_HEAD_BYTES_MAX], int64_t id, int64_t conn, int64_t type);
/* Appends a whole frame. Texts beyond their bound are cut. */
void tunnel_frame_encode(struct buf *out, const struct tunnel_frame *f);
struct err *tunnel_frame_decode(struct str message, struct tunnel_frame *out) must_check;

/* CONNECT's text, cut at its first '/': "tcp", "10.43.0.1:443". */
struct err *tunnel_connect_parse(struct str payload, struct str *proto,
                                 struct str *address) must_check;
/* "K::tcp" gives "K" and "tcp" (a connection to be forwarded to client K); false: not of that form. */
bool tunnel_proto_forward(struct str proto, struct str *key, struct str *rest);
/* ADD_CLIENT's text, cut at its last '/'. */
struct err *tunnel_client_parse(struct str payload, struct str *key,
                                uint64_t *session_key) must_check;
/* SYNC's list: append one id; read the i-th of payload.n / 8. */
void tunnel_sync_add(struct buf *payload, int64_t conn);
int64_t tunnel_sync_at(struct str payload, size_t i);

#endif
