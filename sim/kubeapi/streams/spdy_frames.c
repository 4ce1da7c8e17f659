#include "sim/kubeapi/streams/spdy_frames.h"

#define VERSION   3u
#define ID_MASK   0x7fffffffu
#define SYN_FIXED 10u /* of SYN_STREAM: id, associated id, priority, slot */

uint32_t spdy_get_u32(struct str s, size_t at)
{
    BUG_ON(at + 4 > s.n, "four bytes are there");
    const unsigned char *p = (const unsigned char *)s.p + at;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

void spdy_put_u32(struct buf *out, uint32_t v)
{
    const char bytes[] = {(char)(v >> 24), (char)(v >> 16), (char)(v >> 8), (char)v};
    buf_add(out, (struct str){bytes, sizeof(bytes)});
}

void spdy_write_data(struct buf *out, uint32_t stream, bool fin, struct str bytes)
{
    BUG_ON(bytes.n >= 1u << 24, "a frame's length has 24 bits");
    spdy_put_u32(out, stream & ID_MASK);
    spdy_put_u32(out, (fin ? SPDY_FIN << 24 : 0) | (uint32_t)bytes.n);
    buf_add(out, bytes);
}

void spdy_write_control(struct buf *out, enum spdy_type type, struct str payload)
{
    BUG_ON(payload.n > SPDY_CONTROL_MAX, "our control frames are small");
    spdy_put_u32(out, UINT32_C(1) << 31 | VERSION << 16 | (uint32_t)type);
    spdy_put_u32(out, (uint32_t)payload.n);
    buf_add(out, payload);
}

void spdy_reader_free(struct spdy_reader *r)
{
    buf_free(&r->control);
}

/* ---- reading ---- */

static bool is_control(const struct spdy_reader *r)
{
    return (r->head[0] & 0x80) != 0;
}

static struct str head_of(const struct spdy_reader *r)
{
    return (struct str){(const char *)r->head, SPDY_HEAD_BYTES};
}

/* True: the head is complete. */
static bool take_head(struct spdy_reader *r, struct str *in)
{
    while (r->head_n < SPDY_HEAD_BYTES && in->n > 0) {
        r->head[r->head_n++] = (unsigned char)in->p[0];
        *in = str_sub(*in, 1, in->n);
        if (r->head_n == SPDY_HEAD_BYTES)
            r->left = spdy_get_u32(head_of(r), 4) & 0xffffffu;
    }
    return r->head_n == SPDY_HEAD_BYTES;
}

static struct str take(struct spdy_reader *r, struct str *in)
{
    struct str piece = str_sub(*in, 0, r->left);
    *in = str_sub(*in, piece.n, in->n);
    r->left -= (uint32_t)piece.n;
    return piece;
}

static enum spdy_step read_data(struct spdy_reader *r, struct str *in, struct spdy_frame *out)
{
    if (in->n == 0 && r->left > 0)
        return SPDY_MORE;
    *out = (struct spdy_frame){.type = SPDY_DATA, .stream = spdy_get_u32(head_of(r), 0) & ID_MASK};
    out->bytes = take(r, in);
    out->fin = r->left == 0 && (r->head[4] & SPDY_FIN) != 0;
    if (r->left == 0)
        r->head_n = 0;
    return SPDY_FRAME;
}

/* How much of a control frame stands before its header block, and must be there. */
static size_t fixed_part(enum spdy_type type)
{
    switch (type) {
    case SPDY_SYN_STREAM:
        return SYN_FIXED;
    case SPDY_RST_STREAM:
    case SPDY_GOAWAY:
    case SPDY_WINDOW_UPDATE:
        return 8;
    case SPDY_SYN_REPLY:
    case SPDY_HEADERS:
    case SPDY_PING:
    case SPDY_SETTINGS:
        return 4;
    case SPDY_DATA:
        break;
    }
    return 0; /* a type that nobody knows is read past */
}

static enum spdy_step read_control(struct spdy_reader *r, struct str *in, struct spdy_frame *out)
{
    uint32_t first = spdy_get_u32(head_of(r), 0);
    size_t fixed = fixed_part((enum spdy_type)(first & 0xffff));
    if ((first >> 16 & 0x7fff) != VERSION || r->control.n + r->left > SPDY_CONTROL_MAX)
        return SPDY_BAD;
    buf_add(&r->control, take(r, in));
    if (r->left > 0)
        return SPDY_MORE;
    struct str payload = buf_str(&r->control);
    if (payload.n < fixed)
        return SPDY_BAD;
    *out = (struct spdy_frame){.type = (enum spdy_type)(first & 0xffff),
                               .fin = (r->head[4] & SPDY_FIN) != 0,
                               .stream = fixed >= 4 ? spdy_get_u32(payload, 0) : 0,
                               .bytes = str_sub(payload, fixed, payload.n)};
    if (out->type != SPDY_PING)
        out->stream &= ID_MASK;
    r->head_n = 0;
    return SPDY_FRAME;
}

enum spdy_step spdy_read(struct spdy_reader *r, struct str *in, struct spdy_frame *out)
{
    if (r->head_n == 0)
        buf_clear(&r->control);
    if (!take_head(r, in))
        return SPDY_MORE;
    return is_control(r) ? read_control(r, in, out) : read_data(r, in, out);
}
