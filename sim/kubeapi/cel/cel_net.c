/* IP addresses and networks. */
#include "sim/kubeapi/cel/cel_internal.h"

struct ip {
    uint8_t bytes[16];
    uint8_t n; /* 4 or 16 */
};
struct cidr {
    struct ip ip;
    uint8_t bits;
};

/* ---- text ---- */

static bool parse_v4(struct str s, uint8_t out[4])
{
    struct str part;
    for (size_t i = 0; i < 4; i++) {
        uint64_t v;
        bool more = str_cut(s, '.', &part, &s);
        if (more != (i < 3) || part.n > 3 || !str_to_u64(part, &v) || v > 255 ||
            (part.n > 1 && part.p[0] == '0'))
            return false;
        out[i] = (uint8_t)v;
    }
    return true;
}

static bool parse_group(struct str s, size_t *i, unsigned *out)
{
    size_t from = *i;
    *out = 0;
    for (; *i < s.n && *i - from < 4; ++*i) {
        char c = s.p[*i];
        int d = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
        if (d < 0)
            break;
        *out = *out * 16 + (unsigned)d;
    }
    return *i > from;
}

static bool parse_v6(struct str s, uint8_t out[16])
{
    uint8_t head[16] = {0};
    size_t n = 0, gap = 17, i = 0;
    unsigned group;
    if (str_starts(s, STR("::"))) {
        gap = 0;
        i = 2;
    }
    while (i < s.n && n < 16) {
        ptrdiff_t colon = str_find_char(str_sub(s, i, s.n), ':');
        if (colon < 0 && str_find_char(str_sub(s, i, s.n), '.') >= 0) {
            if (n > 12 || !parse_v4(str_sub(s, i, s.n), head + n))
                return false;
            n += 4;
            i = s.n;
            break;
        }
        if (!parse_group(s, &i, &group))
            return false;
        head[n++] = (uint8_t)(group >> 8);
        head[n++] = (uint8_t)group;
        if (i == s.n)
            break;
        if (s.p[i++] != ':' || i == s.n)
            return false;
        if (s.p[i] == ':') {
            if (gap <= 16)
                return false;
            gap = n;
            i++;
        }
    }
    if (i != s.n || (gap > 16 ? n != 16 : n > 14))
        return false;
    memset(out, 0, 16);
    if (gap > 16)
        gap = n;
    memcpy(out, head, gap);
    memcpy(out + 16 - (n - gap), head + gap, n - gap);
    return true;
}

static bool ip_parse(struct str s, struct ip *out)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    memset(out, 0, sizeof(*out));
    out->n = str_find_char(s, ':') >= 0 ? 16 : 4;
    if (out->n == 4)
        return parse_v4(s, out->bytes);
    return parse_v6(s, out->bytes) && memcmp(out->bytes, mapped, 12) != 0;
}

/* The longest run of zero groups becomes "::". */
static void ip_print(const struct ip *x, struct buf *out)
{
    size_t best = 8, best_n = 1;
    if (x->n == 4) {
        buf_addf(out, "%u.%u.%u.%u", x->bytes[0], x->bytes[1], x->bytes[2], x->bytes[3]);
        return;
    }
    for (size_t i = 0; i < 8; i++) {
        size_t k = i;
        while (k < 8 && x->bytes[2 * k] == 0 && x->bytes[2 * k + 1] == 0)
            k++;
        if (k - i > best_n) {
            best = i;
            best_n = k - i;
        }
    }
    for (size_t i = 0; i < 8; i++) {
        if (i == best) {
            buf_add_c(out, "::");
            i += best_n - 1;
            continue;
        }
        buf_add_c(out, i > 0 && i != best + best_n ? ":" : "");
        buf_addf(out, "%x", (unsigned)(x->bytes[2 * i] << 8 | x->bytes[2 * i + 1]));
    }
}

static bool cidr_parse(struct str s, struct cidr *out)
{
    struct str address, bits;
    uint64_t n;
    if (!str_cut(s, '/', &address, &bits) || !ip_parse(address, &out->ip) ||
        !str_to_u64(bits, &n) || n > out->ip.n * 8u || (bits.n > 1 && bits.p[0] == '0'))
        return false;
    out->bits = (uint8_t)n;
    return true;
}

static struct ip masked(const struct ip *x, unsigned bits)
{
    struct ip out = *x;
    for (unsigned i = 0; i < x->n; i++) {
        unsigned keep = bits > i * 8 ? bits - i * 8 : 0;
        out.bytes[i] = (uint8_t)(keep >= 8 ? out.bytes[i] : out.bytes[i] & (0xff00u >> keep));
    }
    return out;
}

/* ---- values ---- */

bool cel_net_equal(struct cel_value x, struct cel_value y)
{
    if (x.kind == CEL_IP)
        return memcmp(x.opaque, y.opaque, sizeof(struct ip)) == 0;
    const struct cidr *p = x.opaque, *q = y.opaque;
    return p->bits == q->bits && memcmp(&p->ip, &q->ip, sizeof(p->ip)) == 0;
}

uint64_t cel_net_size(struct cel_value v)
{
    const struct ip *x = v.opaque;
    const struct cidr *c = v.opaque;
    return v.kind == CEL_IP ? x->n : (c->bits + 7u) / 8u;
}

void cel_net_print(struct cel_value v, struct buf *out)
{
    if (v.kind == CEL_IP) {
        ip_print(v.opaque, out);
        return;
    }
    const struct cidr *c = v.opaque;
    ip_print(&c->ip, out);
    buf_addf(out, "/%u", c->bits);
}

static struct cel_value ip_value(struct cel_run *run, struct ip x)
{
    struct ip *copy = ARENA_NEW(run->a, struct ip);
    *copy = x;
    return (struct cel_value){.kind = CEL_IP, .opaque = copy};
}

static struct cel_value cidr_value(struct cel_run *run, struct cidr x)
{
    struct cidr *copy = ARENA_NEW(run->a, struct cidr);
    *copy = x;
    return (struct cel_value){.kind = CEL_CIDR, .opaque = copy};
}

static struct cel_value ip(struct cel_run *run, const struct cel_node *node, struct cel_value *args,
                           size_t n)
{
    struct ip x;
    const struct cidr *c = args[0].opaque;
    if (args[0].kind == CEL_CIDR)
        return ip_value(run, c->ip);
    if (!ip_parse(args[0].s, &x))
        return cel_fail(run, "IP Address \"" STR_FMT "\" parse error during conversion from string",
                        STR_ARG(args[0].s));
    return ip_value(run, x);
}

enum { IS_IP, IS_CIDR, IS_CANONICAL };

static struct cel_value is(struct cel_run *run, const struct cel_node *node, struct cel_value *args,
                           size_t n)
{
    struct ip x;
    struct cidr c;
    struct buf b = {0};
    if (node->func->which == IS_CIDR)
        return cel_bool(cidr_parse(args[0].s, &c));
    bool ok = ip_parse(args[0].s, &x);
    if (node->func->which == IS_IP)
        return cel_bool(ok);
    if (!ok)
        return cel_fail(run, "IP Address \"" STR_FMT "\" parse error during conversion from string",
                        STR_ARG(args[0].s));
    ip_print(&x, &b);
    ok = str_eq(buf_str(&b), args[0].s);
    buf_free(&b);
    return cel_bool(ok);
}

enum { FAMILY, UNSPECIFIED, LOOPBACK, LINK_MULTICAST, LINK_UNICAST, GLOBAL };

static bool all_zero(const struct ip *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (x->bytes[i] != 0)
            return false;
    return true;
}

static struct cel_value ip_is(struct cel_run *run, const struct cel_node *node,
                              struct cel_value *args, size_t n)
{
    const struct ip *x = args[0].opaque;
    const uint8_t *b = x->bytes;
    bool v4 = x->n == 4, zero = all_zero(x, x->n);
    bool loop = v4 ? b[0] == 127 : all_zero(x, 15) && b[15] == 1;
    bool multicast = v4 ? b[0] >> 4 == 14 : b[0] == 0xff;
    bool link = v4 ? b[0] == 169 && b[1] == 254 : b[0] == 0xfe && b[1] >> 6 == 2;
    bool broadcast = v4 && b[0] == 255 && b[1] == 255 && b[2] == 255 && b[3] == 255;
    switch (node->func->which) {
    case FAMILY:
        return cel_int(v4 ? 4 : 6);
    case UNSPECIFIED:
        return cel_bool(zero);
    case LOOPBACK:
        return cel_bool(loop);
    case LINK_MULTICAST:
        return cel_bool(v4 ? b[0] == 224 && b[1] == 0 && b[2] == 0
                           : b[0] == 0xff && (b[1] & 15) == 2);
    case LINK_UNICAST:
        return cel_bool(link);
    default:
        return cel_bool(!zero && !loop && !multicast && !link && !broadcast);
    }
}

static struct cel_value cidr(struct cel_run *run, const struct cel_node *node,
                             struct cel_value *args, size_t n)
{
    struct cidr c;
    if (!cidr_parse(args[0].s, &c))
        return cel_fail(run,
                        "network address parse error during conversion from string: "
                        "netip.ParsePrefix(\"" STR_FMT "\"): invalid CIDR",
                        STR_ARG(args[0].s));
    return cidr_value(run, c);
}

static struct cel_value contains(struct cel_run *run, const struct cel_node *node,
                                 struct cel_value *args, size_t n)
{
    const struct cidr *c = args[0].opaque, *inner = NULL;
    struct ip x = {0};
    struct cidr parsed = {0};
    bool ok = true;
    if (args[1].kind == CEL_IP) {
        x = *(const struct ip *)args[1].opaque;
    } else if (args[1].kind == CEL_CIDR) {
        inner = args[1].opaque;
    } else if (node->func->which) {
        ok = cidr_parse(args[1].s, &parsed);
        inner = &parsed;
    } else {
        ok = ip_parse(args[1].s, &x);
    }
    if (!ok)
        return cel_fail(run, "\"" STR_FMT "\" parse error during conversion from string",
                        STR_ARG(args[1].s));
    if (inner)
        x = inner->ip;
    struct ip net = masked(&c->ip, c->bits), mine = masked(&x, c->bits);
    return cel_bool(x.n == c->ip.n && (!inner || inner->bits >= c->bits) &&
                    memcmp(&net, &mine, sizeof(net)) == 0);
}

enum { MASKED, PREFIX };

static struct cel_value cidr_part(struct cel_run *run, const struct cel_node *node,
                                  struct cel_value *args, size_t n)
{
    const struct cidr *c = args[0].opaque;
    if (node->func->which == PREFIX)
        return cel_int(c->bits);
    return cidr_value(run, (struct cidr){masked(&c->ip, c->bits), c->bits});
}

const struct cel_func cel_funcs_net[] = {
    {"ip", "s:p", ip, COST_PARSE, 0},
    {"isIP", "s:b", is, COST_PARSE, IS_IP},
    {"ip.isCanonical", "s:b", is, COST_CANONICAL, IS_CANONICAL},
    {".family", "p:i", ip_is, COST_ONE, FAMILY},
    {".isUnspecified", "p:b", ip_is, COST_ONE, UNSPECIFIED},
    {".isLoopback", "p:b", ip_is, COST_ONE, LOOPBACK},
    {".isLinkLocalMulticast", "p:b", ip_is, COST_ONE, LINK_MULTICAST},
    {".isLinkLocalUnicast", "p:b", ip_is, COST_ONE, LINK_UNICAST},
    {".isGlobalUnicast", "p:b", ip_is, COST_ONE, GLOBAL},
    {"cidr", "s:c", cidr, COST_PARSE, 0},
    {"isCIDR", "s:b", is, COST_PARSE, IS_CIDR},
    {".containsIP", "cp:b|cs:b", contains, COST_CONTAINS_IP, 0},
    {".containsCIDR", "cc:b|cs:b", contains, COST_CONTAINS_CIDR, 1},
    {".ip", "c:p", ip, COST_ONE, 0},
    {".masked", "c:c", cidr_part, COST_ONE, MASKED},
    {".prefixLength", "c:i", cidr_part, COST_ONE, PREFIX},
    {0},
};
