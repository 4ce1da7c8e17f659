/* Any message: it is refused, or it is a frame that is encoded again to one that reads the same. */
#include "engine/tunnel/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round(const struct tunnel_frame *f)
{
    struct buf bytes = {0};
    struct tunnel_frame back;
    tunnel_frame_encode(&bytes, f);
    struct err *err = tunnel_frame_decode(buf_str(&bytes), &back);
    BUG_ON(err != NULL, "what was encoded is decoded");
    BUG_ON(back.id != f->id || back.conn != f->conn || back.type != f->type,
           "the head stays the same");
    BUG_ON(!str_eq(back.payload, f->payload), "the payload stays the same");
    buf_free(&bytes);
}

static void check_texts(const struct tunnel_frame *f)
{
    struct str a, b, c;
    uint64_t number;
    struct err *err = tunnel_connect_parse(f->payload, &a, &b);
    if (!err && tunnel_proto_forward(a, &c, &b))
        BUG_ON(c.n == 0 || b.n == 0, "both parts are there");
    err_free(err);
    err = tunnel_client_parse(f->payload, &a, &number);
    BUG_ON(!err && a.n == 0, "a client has a key");
    err_free(err);
    for (size_t i = 0; f->type == TUNNEL_SYNC && i < f->payload.n / 8; i++)
        (void)tunnel_sync_at(f->payload, i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tunnel_frame f;
    struct err *err = tunnel_frame_decode((struct str){(const char *)data, size}, &f);
    if (err) {
        BUG_ON(err->code != ERR_PROTOCOL, "a malformed message is the peer's fault");
        err_free(err);
        return 0;
    }
    check_round(&f);
    check_texts(&f);
    return 0;
}
