/* Goal: the small formats that stand in files and headers: read or refused, never beyond the text; what is read and can
 * be written is read the same again. Input: the first byte chooses the format. */
#include "engine/base/codec.h"
#include "engine/base/timefmt.h"
#include "sim/kubeapi/controllers/cron.h"
#include "sim/kubeapi/rules/names.h"
#include "sim/scenario/expr/quantity.h"
#include "sim/scenario/language/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void durations(struct str in)
{
    int64_t ns, again;
    struct buf text = {0};
    if (!duration_parse(in, &ns))
        return;
    duration_format(&text, ns);
    BUG_ON(!duration_parse(buf_str(&text), &again) || again != ns,
           "what is written is read the same");
    buf_free(&text);
}

static void quantities(struct str in)
{
    int64_t v;
    if (share_parse(in, &v))
        BUG_ON(v < 0, "a share is not negative");
    if (size_parse(in, &v))
        BUG_ON(v < 0, "a size is not negative");
}

static void codecs(struct str in)
{
    struct buf out = {0}, back = {0};
    int64_t number;
    char bytes[VARINT_BYTES_MAX];
    if (hex_decode(&out, in)) {
        hex_encode(&back, buf_str(&out));
        BUG_ON(!str_eq_nocase(buf_str(&back), in), "hex says each byte");
    }
    buf_clear(&out), buf_clear(&back);
    if (base64_decode(&out, in)) {
        base64_encode(&back, buf_str(&out));
        BUG_ON(back.n != in.n, "padded base64 has one length");
    }
    buf_clear(&out);
    (void)base64url_decode(&out, in);
    buf_clear(&out), buf_clear(&back);
    if (percent_decode(&out, in, false)) {
        percent_encode(&back, buf_str(&out));
        buf_clear(&out);
        BUG_ON(!percent_decode(&out, buf_str(&back), false), "what is encoded can be decoded");
    }
    size_t n = varint_decode(in, &number);
    BUG_ON(n > in.n, "a varint lies inside its bytes");
    if (n)
        BUG_ON(varint_encode(bytes, number) > VARINT_BYTES_MAX, "a varint is bounded");
    buf_free(&out);
    buf_free(&back);
}

static void schedules(struct str in)
{
    struct cron c;
    if (!cron_parse(in, &c))
        return;
    int64_t now = INT64_C(1767225600) * NS_PER_S, next = cron_next(&c, NULL, now);
    BUG_ON(next != -1 && next <= now, "a schedule leads forward");
}

static void addresses(struct str in)
{
    unsigned char ip[16], again[16];
    unsigned bits;
    struct arena a = {0};
    if (names_ip_parse(in, ip)) {
        BUG_ON(!names_ip_parse(names_ip_text(&a, ip), again), "an address is written as one");
        BUG_ON(memcmp(ip, again, sizeof ip) != 0, "the same one");
    }
    if (names_cidr_parse(in, ip, &bits))
        BUG_ON(bits > 128, "a prefix is no longer than an address");
    arena_free(&a);
}

static void targets(struct str in)
{
    struct arena a = {0};
    struct source source = {.file = STR("f"), .text = in};
    struct diags diags;
    struct target t;
    diags_init(&diags, &a, &source);
    bool ok = target_parse(in, (struct place){.line = 1, .column = 1}, &t, &diags);
    BUG_ON(ok == (diags.n > 0), "it is read, or it is said why not");
    if (ok)
        BUG_ON(!target_overlaps(&t, &t) && t.kind != TARGET_LINK && t.kind != TARGET_NONE,
               "a target has itself in common with itself");
    arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(struct str in) = {durations, quantities, codecs,
                                                     schedules, addresses,  targets};
    if (size == 0)
        return 0;
    readers[data[0] % ARRAY_LEN(readers)]((struct str){(const char *)data + 1, size - 1});
    return 0;
}
