/* Goal: no bytes of a DNS server or of a server that answers an upgrade make the real world's readers crash or read
 * beyond them. Input: the first byte chooses the reader. */
#include "engine/world/uv/uv_dns_ttl.h"
#include "engine/world/uv/uv_ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_answer(struct str in)
{
    int status;
    size_t body_at;
    struct err *err = NULL;
    struct buf body = {0};
    if (uvw_ws_answer_head(in, &status, &body_at, &err)) {
        BUG_ON(body_at > in.n || status < 100 || status > 999, "a head lies inside its bytes");
        (void)uvw_ws_answer_body(in, body_at, &body);
        BUG_ON(body.n > WORLD_WS_REFUSAL_BYTES_MAX, "a body is bounded");
    }
    err_free(err);
    buf_free(&body);
}

/* Whatever the pieces, the frames are read in the same way. */
static const char *read_frames(struct str in, size_t piece)
{
    struct uvw_ws ws = {0};
    const char *fault = NULL;
    for (size_t at = 0; at < in.n && !fault; at += piece)
        fault = uvw_ws_scan(&ws, str_sub(in, at, piece));
    buf_free(&ws.scan.ping);
    return fault;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct str in = {(const char *)data + 1, size - 1};
    switch (data[0] % 3) {
    case 0:
        BUG_ON(uvw_dns_negative_ttl(in) > UVW_DNS_NEGATIVE_TTL_MAX_S, "a TTL is bounded");
        break;
    case 1:
        read_answer(in);
        break;
    default:
        BUG_ON(read_frames(in, in.n + 1) != read_frames(in, 1), "pieces do not matter");
    }
    return 0;
}
