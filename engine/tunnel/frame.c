#include "engine/tunnel/frame.h"

#include "engine/base/codec.h"

#include <string.h>

_Static_assert(TUNNEL_HEAD_BYTES_MAX >= 4 * VARINT_BYTES_MAX, "four integers fit a head");

static bool has_deadline(int64_t type)
{
    return type == TUNNEL_DATA || type == TUNNEL_CONNECT;
}

static size_t payload_max(int64_t type)
{
    switch (type) {
    case TUNNEL_CONNECT:
        return TUNNEL_CONNECT_BYTES_MAX;
    case TUNNEL_ERROR:
        return TUNNEL_ERROR_BYTES_MAX;
    case TUNNEL_ADD_CLIENT:
    case TUNNEL_REMOVE_CLIENT:
        return TUNNEL_CLIENT_BYTES_MAX;
    default:
        return SIZE_MAX;
    }
}

size_t tunnel_frame_head(char out[TUNNEL_HEAD_BYTES_MAX], int64_t id, int64_t conn, int64_t type)
{
    size_t n = varint_encode(out, id);
    n += varint_encode(out + n, conn);
    n += varint_encode(out + n, type);
    if (has_deadline(type))
        n += varint_encode(out + n, TUNNEL_DEADLINE_MS);
    return n;
}

void tunnel_frame_encode(struct buf *out, const struct tunnel_frame *f)
{
    char head[TUNNEL_HEAD_BYTES_MAX];
    size_t n = tunnel_frame_head(head, f->id, f->conn, f->type);
    buf_add(out, (struct str){head, n});
    buf_add(out, str_sub(f->payload, 0, payload_max(f->type)));
}

/* Takes one integer off the front. */
static bool take_varint(struct str *in, int64_t *v)
{
    size_t n = varint_decode(*in, v);
    *in = str_sub(*in, n, in->n);
    return n > 0;
}

struct err *tunnel_frame_decode(struct str message, struct tunnel_frame *out)
{
    struct tunnel_frame f = {0};
    struct str rest = message;
    int64_t deadline_ms;
    if (!take_varint(&rest, &f.id) || !take_varint(&rest, &f.conn) || !take_varint(&rest, &f.type))
        return err_new(ERR_PROTOCOL, "tunnel message of %zu bytes ends in its head", message.n);
    if (has_deadline(f.type) && !take_varint(&rest, &deadline_ms))
        return err_new(ERR_PROTOCOL, "tunnel message of type %d has no deadline", (int)f.type);
    if (f.type == TUNNEL_SYNC && rest.n % 8 != 0)
        return err_new(ERR_PROTOCOL, "list of %zu bytes is not made of 8-byte connection ids",
                       rest.n);
    f.payload = str_sub(rest, 0, payload_max(f.type));
    *out = f;
    return NULL;
}

struct err *tunnel_connect_parse(struct str payload, struct str *proto, struct str *address)
{
    struct str head, tail;
    if (!str_cut(payload, '/', &head, &tail) || head.n == 0 || tail.n == 0)
        return err_new(ERR_PROTOCOL, "failed to parse connect address \"" STR_FMT "\"",
                       STR_ARG(payload));
    *proto = head;
    *address = tail;
    return NULL;
}

bool tunnel_proto_forward(struct str proto, struct str *key, struct str *rest)
{
    ptrdiff_t at = str_find(proto, STR("::"));
    if (at <= 0 || (size_t)at + 2 == proto.n)
        return false;
    *key = str_sub(proto, 0, (size_t)at);
    *rest = str_sub(proto, (size_t)at + 2, proto.n);
    return true;
}

struct err *tunnel_client_parse(struct str payload, struct str *key, uint64_t *session_key)
{
    size_t at = payload.n;
    while (at > 0 && payload.p[at - 1] != '/')
        at--;
    uint64_t number;
    if (at < 2 || !str_to_u64(str_sub(payload, at, payload.n), &number))
        return err_new(ERR_PROTOCOL, "client \"" STR_FMT "\" is not of the form KEY/NUMBER",
                       STR_ARG(payload));
    *key = str_sub(payload, 0, at - 1);
    *session_key = number;
    return NULL;
}

void tunnel_sync_add(struct buf *payload, int64_t conn)
{
    char bytes[8];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)((uint64_t)conn >> (8 * i) & 0xff);
    buf_add(payload, (struct str){bytes, sizeof(bytes)});
}

int64_t tunnel_sync_at(struct str payload, size_t i)
{
    BUG_ON((i + 1) * 8 > payload.n, "an index within the list");
    uint64_t v = 0;
    for (size_t k = 8; k > 0; k--)
        v = v << 8 | (unsigned char)payload.p[i * 8 + k - 1];
    return (int64_t)v;
}
