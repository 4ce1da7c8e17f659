/* Goal: no bytes make the HTTP parsers crash, loop, or read differently when they come in two pieces.
 * Input: the first byte chooses request or answer and where the rest is cut. */
#include "engine/http/body.h"
#include "engine/http/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum http_head_step read_head(struct http_head *h, enum http_head_kind kind, struct str in,
                                     size_t *used)
{
    return http_head_read(h, kind, in, 4096, used);
}

/* The body's bytes folded into a number; *step says how it ended. */
static uint64_t read_body(struct http_body body, struct str first, struct str second,
                          enum http_body_step *step)
{
    struct str pieces[2] = {first, second}, piece;
    uint64_t sum = 0;
    for (size_t i = 0; i < 2; i++)
        while ((*step = http_body_next(&body, &pieces[i], &piece)) != HTTP_BODY_MORE) {
            if (*step != HTTP_BODY_PIECE)
                return sum;
            for (size_t j = 0; j < piece.n; j++)
                sum = sum * 31 + (unsigned char)piece.p[j];
        }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    enum http_head_kind kind = data[0] & 1 ? HTTP_HEAD_RESPONSE : HTTP_HEAD_REQUEST;
    struct str in = {(const char *)data + 1, size - 1};
    size_t cut = in.n * (data[0] >> 1) / 128, used = 0, used_cut = 0;
    struct http_head whole = {.status = 0}, parts = {.status = 0};
    enum http_head_step step = read_head(&whole, kind, in, &used), step_cut;
    step_cut = read_head(&parts, kind, str_sub(in, 0, cut), &used_cut);
    if (step_cut == HTTP_HEAD_MORE)
        step_cut = read_head(&parts, kind, in, &used_cut);
    BUG_ON(step != step_cut || used != used_cut, "a head does not depend on the cut");
    if (step == HTTP_HEAD_DONE) {
        enum http_body_step end, end_cut;
        enum http_body_kind framing = whole.chunked      ? HTTP_BODY_CHUNKED
                                      : whole.has_length ? HTTP_BODY_LENGTH
                                                         : HTTP_BODY_UNTIL_END;
        struct http_body body = http_body_make(framing, whole.length);
        struct str rest = str_sub(in, used, in.n);
        size_t middle = rest.n / 2;
        uint64_t sum = read_body(body, rest, str_empty, &end);
        uint64_t sum_cut =
            read_body(body, str_sub(rest, 0, middle), str_sub(rest, middle, rest.n), &end_cut);
        BUG_ON(sum != sum_cut || end != end_cut, "a body does not depend on the cut");
    }
    http_head_free(&whole);
    http_head_free(&parts);
    return 0;
}
