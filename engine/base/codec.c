#include "engine/base/codec.h"

static const char base64_standard[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

void hex_encode(struct buf *out, struct str bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        unsigned byte = (unsigned char)bytes.p[i];
        buf_add_char(out, "0123456789abcdef"[byte >> 4]);
        buf_add_char(out, "0123456789abcdef"[byte & 15]);
    }
}

bool hex_decode(struct buf *out, struct str text)
{
    if (text.n % 2)
        return false;
    size_t before = out->n;
    for (size_t i = 0; i < text.n; i += 2) {
        int high = hex_digit(text.p[i]), low = hex_digit(text.p[i + 1]);
        if (high < 0 || low < 0) {
            out->n = before;
            return false;
        }
        buf_add_char(out, (char)(high << 4 | low));
    }
    return true;
}

static void encode64(struct buf *out, struct str bytes, const char *alphabet, bool padded)
{
    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t here = bytes.n - i < 3 ? bytes.n - i : 3;
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < here ? (unsigned char)bytes.p[i + k] : 0);
        for (size_t k = 0; k < 4; k++) {
            if (k <= here)
                buf_add_char(out, alphabet[bits >> (18 - 6 * k) & 63]);
            else if (padded)
                buf_add_char(out, '=');
        }
    }
}

static int digit64(char c, bool url)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (url ? '-' : '+'))
        return 62;
    return c == (url ? '_' : '/') ? 63 : -1;
}

/* Text without padding. Bits that carry nothing must be zero: one value has one spelling. */
static bool decode64(struct buf *out, struct str text, bool url)
{
    if (text.n % 4 == 1)
        return false;
    size_t before = out->n;
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < text.n; i++) {
        int digit = digit64(text.p[i], url);
        if (digit < 0) {
            out->n = before;
            return false;
        }
        bits = bits << 6 | (uint32_t)digit;
        have += 6;
        if (have >= 8) {
            have -= 8;
            buf_add_char(out, (char)(bits >> have & 255));
        }
    }
    if (bits & ((1u << have) - 1)) {
        out->n = before;
        return false;
    }
    return true;
}

void base64_encode(struct buf *out, struct str bytes)
{
    encode64(out, bytes, base64_standard, true);
}

bool base64_decode(struct buf *out, struct str text)
{
    if (text.n % 4)
        return false;
    for (int i = 0; i < 2 && text.n && text.p[text.n - 1] == '='; i++)
        text.n--;
    return decode64(out, text, false);
}

void base64url_encode(struct buf *out, struct str bytes)
{
    encode64(out, bytes, base64_url, false);
}

bool base64url_decode(struct buf *out, struct str text)
{
    return decode64(out, text, true);
}

bool percent_decode(struct buf *out, struct str text, bool plus_is_space)
{
    size_t before = out->n;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '%') {
            int high = i + 2 < text.n ? hex_digit(text.p[i + 1]) : -1;
            int low = i + 2 < text.n ? hex_digit(text.p[i + 2]) : -1;
            if (high < 0 || low < 0) {
                out->n = before;
                return false;
            }
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        buf_add_char(out, c);
    }
    return true;
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void percent_encode(struct buf *out, struct str bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        unsigned byte = (unsigned char)bytes.p[i];
        if (is_unreserved(bytes.p[i])) {
            buf_add_char(out, bytes.p[i]);
        } else {
            buf_add_char(out, '%');
            buf_add_char(out, "0123456789ABCDEF"[byte >> 4]);
            buf_add_char(out, "0123456789ABCDEF"[byte & 15]);
        }
    }
}

size_t varint_encode(char out[VARINT_BYTES_MAX], int64_t v)
{
    uint64_t rest = (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
    size_t n = 0;
    for (; rest >= 0x80; rest >>= 7)
        out[n++] = (char)((rest & 0x7f) | 0x80);
    out[n++] = (char)rest;
    return n;
}

size_t varint_decode(struct str in, int64_t *v)
{
    uint64_t zigzag = 0;
    for (size_t i = 0; i < in.n && i < VARINT_BYTES_MAX; i++) {
        uint64_t byte = (unsigned char)in.p[i];
        if (i == VARINT_BYTES_MAX - 1 && byte > 1)
            return 0; /* bit 64 and beyond */
        zigzag |= (byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *v = (int64_t)(zigzag >> 1 ^ (0 - (zigzag & 1)));
            return i + 1;
        }
    }
    return 0;
}
