/* Goal: no bytes make the reader of traces crash or read beyond them: a trace may be cut, or of another program.
 * Input: blocks behind each other, each with its length in two bytes in front. */
#include "sim/world/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_record(void *owner, const struct sim_trace_record *rec)
{
    struct buf *text = owner;
    buf_clear(text);
    sim_trace_record_print(rec, text);
    BUG_ON(text->n == 0, "a record is shown as something");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sim_trace_reader *r = sim_trace_reader_new();
    struct buf text = {0};
    struct str in = {(const char *)data, size};
    while (in.n >= 2) {
        size_t n = (size_t)(unsigned char)in.p[0] << 8 | (unsigned char)in.p[1];
        in = str_sub(in, 2, in.n);
        struct err *err = sim_trace_read(r, str_sub(in, 0, n), on_record, &text);
        BUG_ON(err && err->message[0] == 0, "an error says something");
        err_free(err);
        in = str_sub(in, n, in.n);
    }
    sim_trace_reader_free(r);
    buf_free(&text);
    return 0;
}
