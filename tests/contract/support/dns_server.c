/* Answers are built by hand (RFC 1035 §4.1). */
#include "tests/contract/support/dns_server.h"

#include <arpa/inet.h>
#include <string.h>
#include <uv.h>

#define NAMES_MAX  32
#define TYPE_A     1
#define TYPE_CNAME 5
#define TYPE_SOA   6
#define PACKET     1500

struct dns_server {
    uv_udp_t udp;
    const struct contract_name *names[NAMES_MAX];
    size_t n;
    char room[PACKET];
};

static void add_u16(struct buf *b, unsigned v)
{
    buf_add_char(b, (char)(v >> 8));
    buf_add_char(b, (char)v);
}

static void add_u32(struct buf *b, uint32_t v)
{
    add_u16(b, v >> 16);
    add_u16(b, v & 0xffff);
}

static void add_name(struct buf *b, const char *name)
{
    struct str label, rest = str_c(name);
    while (rest.n) {
        str_cut(rest, '.', &label, &rest);
        buf_add_char(b, (char)label.n);
        buf_add(b, label);
    }
    buf_add_char(b, 0);
}

/* The head of a record; its length is put in by record_end. */
static size_t record_begin(struct buf *b, const char *name, unsigned type, uint32_t ttl)
{
    add_name(b, name);
    add_u16(b, type);
    add_u16(b, 1);
    add_u32(b, ttl);
    add_u16(b, 0);
    return b->n;
}

static void record_end(struct buf *b, size_t from)
{
    size_t n = b->n - from;
    b->p[from - 2] = (char)(n >> 8);
    b->p[from - 1] = (char)n;
}

static void add_soa(struct buf *b)
{
    size_t from = record_begin(b, "test", TYPE_SOA, 3600);
    add_name(b, "ns.test");
    add_name(b, "root.test");
    for (int i = 0; i < 4; i++)
        add_u32(b, 1);
    add_u32(b, CONTRACT_NEGATIVE_TTL_S);
    record_end(b, from);
}

static const struct contract_name *find(const struct dns_server *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++)
        if (str_eq_nocase(str_c(s->names[i]->name), str_c(name)))
            return s->names[i];
    return NULL;
}

static unsigned add_answers(const struct dns_server *s, const struct contract_name *name,
                            struct buf *b)
{
    unsigned n = 0;
    for (int hops = 0; name && name->cname && hops < 8; hops++) {
        size_t from = record_begin(b, name->name, TYPE_CNAME, name->cname_ttl_s);
        add_name(b, name->cname);
        record_end(b, from);
        n++;
        name = find(s, name->cname);
    }
    for (size_t i = 0; name && i < ARRAY_LEN(name->addresses) && name->addresses[i]; i++) {
        struct in_addr in;
        assert_int_equal(inet_pton(AF_INET, name->addresses[i], &in), 1);
        size_t from = record_begin(b, name->name, TYPE_A, name->ttl_s);
        buf_add(b, (struct str){(const char *)&in, 4});
        record_end(b, from);
        n++;
    }
    return n;
}

/* The question's name as text; 0: malformed; else where it ends. */
static size_t question(struct str q, char name[256], unsigned *type)
{
    size_t at = 12, n = 0;
    while (at < q.n && q.p[at]) {
        size_t length = (unsigned char)q.p[at++];
        if (at + length >= q.n || n + length + 1 > 255)
            return 0;
        if (n)
            name[n++] = '.';
        memcpy(name + n, q.p + at, length);
        n += length;
        at += length;
    }
    name[n] = 0;
    if (at + 5 > q.n)
        return 0;
    *type = (unsigned)(unsigned char)q.p[at + 1] << 8 | (unsigned char)q.p[at + 2];
    return at + 5;
}

static bool answer(const struct dns_server *s, struct str q, struct buf *b)
{
    char text[256];
    unsigned type, answers = 0;
    size_t end = question(q, text, &type);
    if (!end)
        return false;
    const struct contract_name *name = find(s, text);
    unsigned rcode = !name || name->how == CONTRACT_DNS_NXDOMAIN ? 3
                     : name->how == CONTRACT_DNS_SERVFAIL        ? 2
                                                                 : 0;
    if (name && name->how == CONTRACT_DNS_SILENT)
        return false;
    buf_add(b, str_sub(q, 0, 2));
    add_u16(b, 0x8580 | rcode);
    add_u16(b, 1);
    add_u16(b, 0);
    add_u16(b, 0);
    add_u16(b, 0);
    buf_add(b, str_sub(q, 12, end - 12));
    if (rcode == 0 && type == TYPE_A)
        answers = add_answers(s, name, b);
    b->p[7] = (char)answers;
    if (!answers && rcode != 2) {
        add_soa(b);
        b->p[9] = 1;
    }
    return true;
}

static void room(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct dns_server *s = handle->data;
    *out = uv_buf_init(s->room, sizeof s->room);
}

static void asked(uv_udp_t *udp, ssize_t n, const uv_buf_t *in, const struct sockaddr *from,
                  unsigned flags)
{
    struct buf b = {0};
    if (n > 12 && from && answer(udp->data, (struct str){in->base, (size_t)n}, &b)) {
        uv_buf_t out = uv_buf_init(b.p, (unsigned)b.n);
        (void)uv_udp_try_send(udp, &out, 1, from);
    }
    buf_free(&b);
}

struct dns_server *dns_server_new(struct uv_loop_s *loop, struct buf *address)
{
    struct dns_server *s = MEM_NEW(struct dns_server);
    struct sockaddr_in sa;
    int n = sizeof sa;
    uv_ip4_addr("127.0.0.1", 0, &sa);
    uv_udp_init(loop, &s->udp);
    s->udp.data = s;
    assert_int_equal(uv_udp_bind(&s->udp, (struct sockaddr *)&sa, 0), 0);
    assert_int_equal(uv_udp_recv_start(&s->udp, room, asked), 0);
    assert_int_equal(uv_udp_getsockname(&s->udp, (struct sockaddr *)&sa, &n), 0);
    buf_addf(address, "127.0.0.1:%u", ntohs(sa.sin_port));
    return s;
}

void dns_server_add(struct dns_server *s, const struct contract_name *name)
{
    assert_true(s->n < NAMES_MAX);
    s->names[s->n++] = name;
}

static void gone(uv_handle_t *handle)
{
    mem_free(handle->data);
}

void dns_server_free(struct dns_server *s)
{
    uv_close((uv_handle_t *)&s->udp, gone);
}
