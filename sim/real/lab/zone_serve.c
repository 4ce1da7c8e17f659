/* The zone's process: answers questions as records and faults say (RFC 1035 §4.1; negative answers: RFC 2308 §3). */
#include "sim/real/lab/zone.h"

#include "engine/base/rng.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_MAX     1232u
#define HEADER_BYTES    12u
#define LABEL_MAX       63u
#define QUESTION_END    4u /* type and class */
#define QUESTIONS_AT    4u
#define SILENCED_MAX    1024u
#define TYPE_A          1
#define TYPE_SOA        6
#define TYPE_ANY        255
#define CLASS_IN        1
#define RCODE_SERVFAIL  2
#define RCODE_NXDOMAIN  3
#define FLAGS_ANSWER    0x8480 /* an authority's answer, recursion is had */
#define FLAG_RECURSE    0x0100
#define POINTER_TO_NAME 0xc00c
#define FIRST_ADDRESS   0x0a400000u /* 10.64.0.0 */
#define LAST_BYTE_FIRST 2u
#define HOSTS_PER_NET   250u

struct waiting { /* a question that is not answered */
    struct sockaddr_in from;
    size_t n;
    uint8_t bytes[MESSAGE_MAX];
};
struct zone_fault {
    bool active;
    struct waiting
        *silenced; /* answered at the end, else dnsmasq goes on waiting for them; owned */
    size_t silenced_n;
    struct zone_request as;
    struct zone_record *then; /* what the records were; owned */
    size_t then_n;
    int64_t since_ns; /* of `then` */
    uint64_t fired;
};
struct server {
    struct zone_record *records;
    size_t records_n;
    struct zone_fault *faults;
    size_t faults_n;
    uint32_t negative_ttl_s[NETLAB_HOSTS_MAX];
    uint64_t queries;
    struct rng random;
};

/* ---- records ---- */

static const struct zone_record *find(const struct zone_record *of, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(of[i].name, name) == 0)
            return &of[i];
    return NULL;
}

static bool set(struct server *s, const struct zone_record *record)
{
    size_t at = 0;
    while (at < s->records_n && strcmp(s->records[at].name, record->name) != 0)
        at++;
    if (record->n == 0) {
        if (at < s->records_n)
            s->records[at] = s->records[--s->records_n];
        return true;
    }
    if (at == ZONE_RECORDS_MAX)
        return false;
    s->records[at] = *record;
    s->records_n += at == s->records_n;
    return true;
}

static void remember(const struct server *s, struct zone_fault *f)
{
    mem_free(f->then);
    f->then = MEM_NEW_ARRAY(struct zone_record, s->records_n + 1);
    memcpy(f->then, s->records, s->records_n * sizeof(*s->records));
    f->then_n = s->records_n;
    f->since_ns = tool_clock_ns();
}

/* ---- requests of the owner ---- */

static struct zone_fault *fault_of(struct server *s, uint32_t id)
{
    for (size_t i = 0; i < s->faults_n; i++)
        if (s->faults[i].active && s->faults[i].as.fault == id)
            return &s->faults[i];
    return NULL;
}

static void begin(struct server *s, const struct zone_request *q)
{
    size_t at = 0;
    while (at < s->faults_n && s->faults[at].active)
        at++;
    if (at == s->faults_n)
        s->faults = mem_resize(s->faults, ++s->faults_n * sizeof(*s->faults));
    s->faults[at] = (struct zone_fault){.active = true, .as = *q};
    remember(s, &s->faults[at]);
}

static struct zone_reply carry_out(struct server *s, const struct zone_request *q)
{
    struct zone_reply reply = {0};
    struct zone_fault *f = fault_of(s, q->fault);
    switch (q->op) {
    case ZONE_SET:
        reply.full = !set(s, &q->record);
        break;
    case ZONE_NEGATIVE_TTL:
        s->negative_ttl_s[q->resolver % NETLAB_HOSTS_MAX] = q->record.ttl_s;
        break;
    case ZONE_BEGIN:
        begin(s, q);
        break;
    case ZONE_END:
    case ZONE_FIRED:
        reply.n = f ? f->fired : 0;
        if (f && q->op == ZONE_END) {
            f->active = false;
            mem_free(f->then);
            f->then = NULL;
        }
        break;
    case ZONE_QUERIES:
        reply.n = s->queries;
        break;
    }
    return reply;
}

/* ---- what a question gets ---- */

struct outcome {
    struct zone_fault *silenced_by; /* NULL: it is answered */
    uint16_t rcode;
    const struct zone_record *record; /* NULL: the name does not exist */
};

static bool aims_at(const struct zone_fault *f, uint32_t resolver, const char *name)
{
    const struct zone_request *q = &f->as;
    bool asked = q->every_resolver || (q->resolvers[resolver / 64] >> (resolver % 64) & 1);
    return f->active && asked && (!q->record.name[0] || strcmp(q->record.name, name) == 0);
}

/* False: it does not do anything about this question. */
static bool apply(struct server *s, struct zone_fault *f, const char *name, struct outcome *out)
{
    int64_t age = tool_clock_ns() - f->since_ns;
    switch (f->as.kind) {
    case NETLAB_DNS_TIMEOUT:
        out->silenced_by = f;
        return true;
    case NETLAB_DNS_SERVFAIL:
        out->rcode = RCODE_SERVFAIL;
        return true;
    case NETLAB_DNS_NXDOMAIN:
        out->record = NULL;
        return true;
    case NETLAB_DNS_NEGATIVE:
        if (age < f->as.delay_ns)
            out->record = NULL;
        return age < f->as.delay_ns;
    case NETLAB_DNS_WRONG:
        out->record = &f->as.record;
        return true;
    case NETLAB_DNS_TTL_IGNORED:
        if (age >= f->as.delay_ns)
            remember(s, f);
        break;
    default:
        break;
    }
    const struct zone_record *then = find(f->then, f->then_n, name);
    bool differs = !then != !out->record ||
                   (then && out->record && memcmp(then, out->record, sizeof(*then)) != 0);
    out->record = then;
    return differs;
}

static struct outcome decide(struct server *s, uint32_t resolver, const char *name)
{
    struct outcome out = {.record = find(s->records, s->records_n, name)};
    for (size_t i = 0; i < s->faults_n; i++) {
        struct zone_fault *f = &s->faults[i];
        if (aims_at(f, resolver, name) && rng_chance(&s->random, f->as.share_ppm))
            f->fired += apply(s, f, name, &out);
    }
    return out;
}

/* ---- messages ---- */

static void put16(struct buf *b, uint32_t v)
{
    buf_add_char(b, (char)(v >> 8));
    buf_add_char(b, (char)v);
}

static void put32(struct buf *b, uint32_t v)
{
    put16(b, v >> 16);
    put16(b, v & 0xffff);
}

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

/* The first question's name in lower case and where it ends; 0: no question that one can read. */
static size_t read_name(const uint8_t *p, size_t n, char name[ZONE_NAME_MAX + 1])
{
    size_t at = HEADER_BYTES, to = 0;
    while (at < n && p[at] != 0) {
        size_t label = p[at++];
        if (label > LABEL_MAX || at + label >= n || to + label + 1 > ZONE_NAME_MAX)
            return 0;
        if (to)
            name[to++] = '.';
        for (size_t i = 0; i < label; i++) {
            char c = (char)p[at++];
            name[to++] = c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
        }
    }
    name[to] = 0;
    return at + 1 + QUESTION_END <= n ? at + 1 : 0;
}

static void put_addresses(struct buf *b, const struct zone_record *record)
{
    for (uint32_t i = 0; i < record->n; i++) {
        put16(b, POINTER_TO_NAME);
        put16(b, TYPE_A);
        put16(b, CLASS_IN);
        put32(b, record->ttl_s);
        put16(b, sizeof(in_addr_t));
        buf_add(b, (struct str){(const char *)&record->addresses[i], sizeof(in_addr_t)});
    }
}

/* The root's, whose last number is how long "no" may be kept. */
static void put_authority(struct buf *b, uint32_t negative_ttl_s)
{
    static const uint32_t numbers[] = {1, 3600, 600, 86400}; /* serial, refresh, retry, expire */
    buf_add_char(b, 0);
    put16(b, TYPE_SOA);
    put16(b, CLASS_IN);
    put32(b, negative_ttl_s);
    put16(b, 2 + sizeof(numbers) + sizeof(uint32_t));
    buf_add_char(b, 0);
    buf_add_char(b, 0);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        put32(b, numbers[i]);
    put32(b, negative_ttl_s);
}

static void put_message(struct buf *b, const uint8_t *question, size_t end, uint32_t negative_ttl_s,
                        const struct outcome *out)
{
    uint16_t type = get16(question + end - QUESTION_END);
    bool has = out->rcode == 0 && out->record && (type == TYPE_A || type == TYPE_ANY);
    uint16_t rcode = out->rcode || out->record ? out->rcode : RCODE_NXDOMAIN;
    put16(b, get16(question));
    put16(b, FLAGS_ANSWER | (get16(question + 2) & FLAG_RECURSE) | rcode);
    put16(b, 1);
    put16(b, has ? out->record->n : 0);
    put16(b, rcode != RCODE_SERVFAIL && !has);
    put16(b, 0);
    buf_add(b, (struct str){(const char *)question + HEADER_BYTES, end - HEADER_BYTES});
    if (has)
        put_addresses(b, out->record);
    else if (rcode != RCODE_SERVFAIL)
        put_authority(b, negative_ttl_s);
}

static void keep_silent(struct zone_fault *f, const struct waiting *q)
{
    if (f->silenced_n == SILENCED_MAX)
        return;
    f->silenced = mem_resize(f->silenced, (f->silenced_n + 1) * sizeof(*f->silenced));
    f->silenced[f->silenced_n++] = *q;
}

static void answer(struct server *s, int fd, const struct waiting *q)
{
    char name[ZONE_NAME_MAX + 1];
    size_t end = q->n < HEADER_BYTES ? 0 : read_name(q->bytes, q->n, name);
    if (end == 0 || get16(q->bytes + QUESTIONS_AT) != 1)
        return; /* no question: nobody that the lab knows asks so */
    s->queries++;
    uint32_t address = ntohl(q->from.sin_addr.s_addr) - FIRST_ADDRESS;
    uint32_t resolver = (address >> 8) * HOSTS_PER_NET + (address & 0xff) - LAST_BYTE_FIRST;
    resolver %= NETLAB_HOSTS_MAX;
    struct outcome out = decide(s, resolver, name);
    if (out.silenced_by) {
        keep_silent(out.silenced_by, q);
        return;
    }
    struct buf b = {.max = MESSAGE_MAX};
    put_message(&b, q->bytes, end + QUESTION_END, s->negative_ttl_s[resolver], &out);
    ssize_t sent = sendto(fd, b.p, b.n, 0, (const struct sockaddr *)&q->from, sizeof(q->from));
    (void)sent; /* the asker asks again */
    buf_free(&b);
}

static void receive(struct server *s, int fd)
{
    struct waiting q;
    socklen_t from_n = sizeof(q.from);
    ssize_t n = recvfrom(fd, q.bytes, sizeof(q.bytes), 0, (struct sockaddr *)&q.from, &from_n);
    q.n = n > 0 ? (size_t)n : 0;
    answer(s, fd, &q);
}

/* Once their fault is over: what was silenced is answered, unless another fault is silent too. */
static void break_silence(struct server *s, int fd)
{
    for (size_t i = 0; i < s->faults_n; i++) {
        struct zone_fault *f = &s->faults[i];
        if (f->active || f->silenced_n == 0)
            continue;
        struct waiting *silenced = f->silenced;
        size_t n = f->silenced_n;
        f->silenced = NULL;
        f->silenced_n = 0;
        for (size_t k = 0; k < n; k++)
            answer(s, fd, &silenced[k]);
        mem_free(silenced);
    }
}

void zone_serve(void *ctx)
{
    const struct zone_work *w = ctx;
    struct server s = {.records = MEM_NEW_ARRAY(struct zone_record, ZONE_RECORDS_MAX),
                       .random = rng_seed((uint64_t)tool_clock_ns())};
    for (size_t i = 0; i < NETLAB_HOSTS_MAX; i++)
        s.negative_ttl_s[i] = NETLAB_NEGATIVE_TTL_S;
    struct pollfd p[2] = {{w->requests, POLLIN, 0}, {w->questions, POLLIN, 0}};
    for (;;) {
        if (poll(p, ARRAY_LEN(p), -1) < 0)
            continue;
        if (p[0].revents) {
            static struct zone_request request;
            if (recv(w->requests, &request, sizeof(request), 0) != (ssize_t)sizeof(request))
                return;
            struct zone_reply reply = carry_out(&s, &request);
            break_silence(&s, w->questions);
            if (send(w->requests, &reply, sizeof(reply), MSG_NOSIGNAL) < 0)
                return;
        }
        if (p[1].revents)
            receive(&s, w->questions);
    }
}
