/* Goal: no bytes of a peer make a SPDY session crash, grow without bound, or tell its owner of a stream that is gone.
 * Input: the first byte chooses the size of the pieces and what the owner does with streams; the second one chooses whether
 * what follows are the bytes themselves, or header blocks in plain text ('|' between frames) that are compressed here. */
#include "sim/kubeapi/streams/spdy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct owner {
    struct spdy *s;
    struct spdy_stream *live[SPDY_STREAMS_MAX];
    size_t n;
    uint8_t mood;
};

static size_t place_of(const struct owner *o, const struct spdy_stream *st)
{
    for (size_t i = 0; i < o->n; i++)
        if (o->live[i] == st)
            return i;
    BUG_ON(true, "only streams that live are told of");
    return 0;
}

static bool on_opened(void *owner, struct spdy_stream *st, const struct spdy_pair *headers,
                      size_t n)
{
    struct owner *o = owner;
    BUG_ON(n > SPDY_PAIRS_MAX || o->n == SPDY_STREAMS_MAX, "headers and streams are bounded");
    (void)spdy_header(headers, n, "streamType");
    if (o->mood & 1 && st->id % 3 == 0)
        return false;
    o->live[o->n++] = st;
    if (o->mood & 2)
        spdy_finish(o->s, st);
    return true;
}

static void on_data(void *owner, struct spdy_stream *st, struct str bytes)
{
    struct owner *o = owner;
    (void)place_of(o, st);
    if (o->mood & 4)
        spdy_reset(o->s, st);
    else
        spdy_send(o->s, st, bytes);
}

static void on_ended(void *owner, struct spdy_stream *st)
{
    struct owner *o = owner;
    (void)place_of(o, st);
    if (o->mood & 8)
        spdy_finish(o->s, st);
}

static void on_gone(void *owner, struct spdy_stream *st)
{
    struct owner *o = owner;
    o->live[place_of(o, st)] = o->live[o->n - 1];
    o->n--;
}

static const struct spdy_handler handler = {on_opened, on_data, on_ended, on_gone};

/* Each part becomes a SYN_STREAM with that block. */
static void compress_parts(struct str text, struct buf *out)
{
    struct spdy_deflater *z = spdy_deflater_new();
    struct str part;
    for (uint32_t id = 1; text.n > 0; id += 2) {
        struct buf payload = {0};
        struct spdy_pair pair = {STR("streamtype"), str_empty};
        (void)str_cut(text, '|', &part, &text);
        pair.value = part;
        spdy_put_u32(&payload, id);
        spdy_put_u32(&payload, 0);
        buf_add(&payload, (struct str){"\0\0", 2});
        spdy_headers_write(z, &pair, 1, &payload);
        if (payload.n <= SPDY_CONTROL_MAX)
            spdy_write_control(out, SPDY_SYN_STREAM, buf_str(&payload));
        spdy_write_data(out, id, part.n % 2 == 0, part);
        buf_free(&payload);
    }
    spdy_deflater_free(z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 65536)
        return 0;
    struct owner *o = MEM_NEW(struct owner);
    struct buf own = {0};
    struct str in = {(const char *)data + 2, size - 2};
    size_t piece = data[0] >> 4 ? data[0] >> 4 : in.n + 1;
    bool going = true;
    o->mood = data[0] & 15;
    o->s = spdy_new(&handler, o);
    if (data[1] & 1) {
        compress_parts(in, &own);
        in = buf_str(&own);
    }
    for (size_t i = 0; going && i < in.n; i += piece) {
        going = spdy_feed(o->s, str_sub(in, i, piece));
        BUG_ON(spdy_out(o->s)->n > 64 * (piece + 4096), "answers are no longer than questions");
        buf_clear(spdy_out(o->s));
    }
    spdy_free(o->s);
    buf_free(&own);
    mem_free(o);
    return 0;
}
