/* A walk over the records of a DNS reply, up to the SOA. */
#include "engine/world/uv/uv_dns_ttl.h"

#define RECORDS_MAX 64u
#define LABELS_MAX  128u
#define TYPE_SOA    6u
#define SOA_INTS    20u /* serial, refresh, retry, expire, minimum */

/* Every read is checked: beyond the end is `bad` and gives 0. */
struct cursor {
    struct str in;
    size_t at;
    bool bad;
};

static uint32_t take(struct cursor *c, size_t bytes)
{
    uint32_t v = 0;
    if (c->bad || bytes > c->in.n - c->at) {
        c->bad = true;
        return 0;
    }
    for (size_t i = 0; i < bytes; i++)
        v = v << 8 | (unsigned char)c->in.p[c->at++];
    return v;
}

static void skip(struct cursor *c, size_t bytes)
{
    if (c->bad || bytes > c->in.n - c->at)
        c->bad = true;
    else
        c->at += bytes;
}

/* A name ends with an empty label or with a pointer to elsewhere (RFC 1035 §4.1.4), which is not followed. */
static void skip_name(struct cursor *c)
{
    for (unsigned i = 0; i < LABELS_MAX && !c->bad; i++) {
        uint32_t n = take(c, 1);
        if (n == 0)
            return;
        if ((n & 0xc0) == 0xc0) {
            skip(c, 1);
            return;
        }
        skip(c, n);
    }
    c->bad = true;
}

static uint32_t soa_ttl(struct cursor *c, uint32_t ttl)
{
    skip_name(c);
    skip_name(c);
    skip(c, SOA_INTS - 4);
    uint32_t minimum = take(c, 4);
    uint32_t least = minimum < ttl ? minimum : ttl;
    if (c->bad)
        return 0;
    return least < UVW_DNS_NEGATIVE_TTL_MAX_S ? least : UVW_DNS_NEGATIVE_TTL_MAX_S;
}

uint32_t uvw_dns_negative_ttl(struct str reply)
{
    struct cursor c = {.in = reply};
    skip(&c, 4);
    uint32_t questions = take(&c, 2), answers = take(&c, 2), authorities = take(&c, 2);
    skip(&c, 2);
    if (c.bad || questions > 1 || answers + authorities > RECORDS_MAX)
        return 0;
    if (questions) {
        skip_name(&c);
        skip(&c, 4);
    }
    for (uint32_t i = 0; i < answers + authorities && !c.bad; i++) {
        skip_name(&c);
        uint32_t type = take(&c, 2);
        skip(&c, 2);
        uint32_t ttl = take(&c, 4), length = take(&c, 2);
        if (type == TYPE_SOA && i >= answers)
            return soa_ttl(&c, ttl);
        skip(&c, length);
    }
    return 0;
}
