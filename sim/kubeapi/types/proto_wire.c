#include "sim/kubeapi/types/proto_wire.h"

#include <stdio.h>
#include <string.h>

/* ---- reading ---- */

struct err *wire_take_varint(struct str *in, uint64_t *v)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 10; i++) {
        if (i == in->n)
            return err_new(ERR_INVALID, "unexpected EOF");
        unsigned char c = (unsigned char)in->p[i];
        value |= (uint64_t)(c & 0x7f) << (7 * i);
        if (c < 0x80) {
            *v = value;
            *in = str_sub(*in, i + 1, in->n);
            return NULL;
        }
    }
    return err_new(ERR_INVALID, "proto: integer overflow");
}

struct err *wire_take_bytes(struct str *in, struct str *bytes)
{
    uint64_t n;
    struct err *err = wire_take_varint(in, &n);
    if (err)
        return err;
    if (n > INT64_MAX)
        return err_new(ERR_INVALID, "proto: negative length found during unmarshaling");
    if (n > in->n)
        return err_new(ERR_INVALID, "unexpected EOF");
    *bytes = str_sub(*in, 0, (size_t)n);
    *in = str_sub(*in, (size_t)n, in->n);
    return NULL;
}

struct err *wire_take_tag(struct str *in, uint64_t *number, enum wire *wire)
{
    uint64_t tag;
    struct err *err = wire_take_varint(in, &tag);
    if (err)
        return err;
    *number = tag >> 3;
    *wire = (enum wire)(tag & 7);
    if (*number == 0 || *number > INT32_MAX || (tag & 7) > WIRE_32)
        return err_new(ERR_INVALID, "proto: illegal tag %llu (wire type %llu)",
                       (unsigned long long)*number, (unsigned long long)(tag & 7));
    return NULL;
}

static struct err *skip_fixed(struct str *in, size_t n)
{
    if (in->n < n)
        return err_new(ERR_INVALID, "unexpected EOF");
    *in = str_sub(*in, n, in->n);
    return NULL;
}

static struct err *skip_plain(struct str *in, enum wire wire)
{
    uint64_t v;
    struct str bytes;
    switch (wire) {
    case WIRE_VARINT:
        return wire_take_varint(in, &v);
    case WIRE_BYTES:
        return wire_take_bytes(in, &bytes);
    case WIRE_64:
        return skip_fixed(in, 8);
    case WIRE_32:
        return skip_fixed(in, 4);
    case WIRE_START:
    case WIRE_END:
        break;
    }
    return err_new(ERR_INVALID, "proto: unexpected end of group");
}

struct err *wire_skip(struct str *in, enum wire wire)
{
    unsigned depth = 0;
    do {
        if (wire == WIRE_START) {
            if (++depth > WIRE_GROUPS_MAX)
                return err_new(ERR_INVALID, "proto: groups in each other too deep");
        } else if (wire == WIRE_END && depth > 0) {
            depth--;
        } else {
            struct err *err = skip_plain(in, wire);
            if (err)
                return err;
        }
        if (depth > 0) {
            uint64_t number;
            struct err *err = wire_take_tag(in, &number, &wire);
            if (err)
                return err;
        }
    } while (depth > 0);
    return NULL;
}

/* ---- writing ---- */

static size_t varint_put(char *p, uint64_t v)
{
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        p[n++] = (char)(v | 0x80);
    p[n++] = (char)v;
    return n;
}

static void wire_add_varint(struct buf *out, uint64_t v)
{
    char bytes[10];
    buf_add(out, (struct str){bytes, varint_put(bytes, v)});
}

void wire_add_tag(struct buf *out, uint32_t number, enum wire wire)
{
    wire_add_varint(out, (uint64_t)number << 3 | wire);
}

void wire_add_bytes(struct buf *out, uint32_t number, struct str bytes)
{
    wire_add_tag(out, number, WIRE_BYTES);
    wire_add_varint(out, bytes.n);
    buf_add(out, bytes);
}

void wire_add_number(struct buf *out, uint32_t number, uint64_t v)
{
    wire_add_tag(out, number, WIRE_VARINT);
    wire_add_varint(out, v);
}

/* One byte is left for the length: most messages are short, the others are moved. */
size_t wire_begin(struct buf *out, uint32_t number)
{
    wire_add_tag(out, number, WIRE_BYTES);
    buf_add_char(out, 0);
    return out->n;
}

void wire_end(struct buf *out, size_t begun)
{
    char length[10];
    if (!buf_ok(out))
        return;
    BUG_ON(begun == 0 || begun > out->n, "a message ends behind its beginning");
    size_t content = out->n - begun, n = varint_put(length, content);
    if (n > 1) {
        if (!buf_grow(out, n - 1))
            return;
        memmove(out->p + begun + n - 1, out->p + begun, content);
    }
    memcpy(out->p + begun - 1, length, n);
}

/* ---- doubles ---- */

/* Sign, digits and exponent of a JSON number; the first 19 digits are enough for a double. */
struct decimal {
    bool negative;
    uint64_t digits;
    int exponent; /* of ten */
};

static bool parse_decimal(struct str s, struct decimal *d)
{
    size_t i = 0, n = 0;
    bool fraction = false;
    *d = (struct decimal){0};
    if (i < s.n && s.p[i] == '-') {
        d->negative = true;
        i++;
    }
    for (; i < s.n && (s.p[i] == '.' || (s.p[i] >= '0' && s.p[i] <= '9')); i++) {
        if (s.p[i] == '.') {
            if (fraction)
                return false;
            fraction = true;
            continue;
        }
        if (d->digits < UINT64_C(1000000000000000000)) {
            d->digits = d->digits * 10 + (uint64_t)(s.p[i] - '0');
            d->exponent -= fraction;
        } else {
            d->exponent += !fraction;
        }
        n++;
    }
    if (n == 0 || i == s.n)
        return n > 0;
    int64_t e;
    if (s.p[i] != 'e' && s.p[i] != 'E')
        return false;
    struct str text = str_sub(s, i + 1, s.n);
    if (text.n > 1 && text.p[0] == '+')
        text = str_sub(text, 1, text.n);
    if (!str_to_i64(text, &e) || e > 5000 || e < -5000)
        return false;
    d->exponent += (int)e;
    return true;
}

/* Up to 2^53 and 10^22 both are exact and so one operation rounds right; beyond that the wider type's bits absorb the
 * error of the steps for all but a handful of values half-way between two doubles. */
bool wire_double_parse(struct str text, double *out)
{
    struct decimal d;
    if (!parse_decimal(text, &d))
        return false;
    long double v = (long double)d.digits;
    int e = d.digits == 0 ? 0 : d.exponent;
    if (e > 400 || e < -800)
        return e < 0 ? (*out = 0, true) : false;
    long double scale = 1;
    for (int i = 0; i < (e < 0 ? -e : e); i++)
        scale *= 10;
    v = e < 0 ? v / scale : v * scale;
    if (v > (long double)1.7976931348623157e308)
        return false;
    *out = (double)(d.negative ? -v : v);
    return true;
}

/* As Go writes numbers into JSON: plain, and with an exponent below 1e-6 and from 1e21 on. */
static void layout(const char *digits, size_t n, int exponent, struct buf *out)
{
    if (exponent < -6 || exponent >= 21) {
        buf_add_char(out, digits[0]);
        if (n > 1)
            buf_add_char(out, '.');
        buf_add(out, (struct str){digits + 1, n - 1});
        buf_addf(out, "e%c%d", exponent < 0 ? '-' : '+', exponent < 0 ? -exponent : exponent);
        return;
    }
    if (exponent < 0) {
        buf_add_c(out, "0.");
        for (int i = -1; i > exponent; i--)
            buf_add_char(out, '0');
    }
    for (int i = 0; i < (int)n || i <= exponent; i++) {
        if (i > 0 && i == exponent + 1)
            buf_add_char(out, '.');
        buf_add_char(out, i < (int)n ? digits[i] : '0');
    }
}

void wire_double_write(double v, struct buf *out)
{
    char text[40], digits[24] = "0";
    double back = 0;
    if (!(v - v == 0)) /* infinite, or not a number: JSON has neither */
        v = 0;
    for (int precision = 0; precision <= 16; precision++) {
        (void)snprintf(text, sizeof(text), "%.*e", precision, v);
        if (wire_double_parse(str_c(text), &back) && back == v)
            break; /* the shortest that reads back; "-0" keeps its sign by the text */
    }
    struct str number = str_c(text), mantissa, power;
    int64_t exponent = 0;
    size_t n = 0;
    (void)str_cut(number, 'e', &mantissa, &power);
    (void)str_to_i64(power.p[0] == '+' ? str_sub(power, 1, power.n) : power, &exponent);
    for (size_t i = 0; i < mantissa.n && n < sizeof(digits); i++)
        if (mantissa.p[i] >= '0' && mantissa.p[i] <= '9')
            digits[n++] = mantissa.p[i];
    while (n > 1 && digits[n - 1] == '0')
        n--;
    if (mantissa.p[0] == '-')
        buf_add_char(out, '-');
    layout(digits, n, (int)exponent, out);
}
