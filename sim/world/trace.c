/* Writing of the trace: see trace.h for the format. */
#include "sim/world/sim_internal.h"

#include <openssl/sha.h>

#define VARINT64_BYTES   10u
#define RECORD_BYTES_MAX (4 * VARINT64_BYTES + 8 + VARINT64_BYTES + SIM_TRACE_TEXT_MAX)

_Static_assert(SIM_TRACE_HASH_BYTES == SHA256_DIGEST_LENGTH, "the trace is hashed with SHA-256");

static const char *const kind_names[SIM_TRACE_KIND_COUNT] = {
    [SIM_TRACE_NAME] = "name",       [SIM_TRACE_TASK] = "task", [SIM_TRACE_TIMER] = "timer",
    [SIM_TRACE_CONNECT] = "connect", [SIM_TRACE_OPEN] = "open", [SIM_TRACE_ACCEPT] = "accept",
    [SIM_TRACE_DATA] = "data",       [SIM_TRACE_END] = "end",   [SIM_TRACE_CLOSED] = "closed",
    [SIM_TRACE_NET] = "net",         [SIM_TRACE_DNS] = "dns",   [SIM_TRACE_RECORD] = "record",
    [SIM_TRACE_FILE] = "file",       [SIM_TRACE_WORK] = "work", [SIM_TRACE_PROCESS] = "process",
    [SIM_TRACE_FAULT] = "fault",     [SIM_TRACE_NOTE] = "note", [SIM_TRACE_USER] = "user",
};

const char *sim_trace_kind_name(enum sim_trace_kind kind)
{
    BUG_ON((unsigned)kind >= SIM_TRACE_KIND_COUNT, "a record has a known kind");
    return kind_names[kind];
}

static uint64_t sim_trace_payload(struct str bytes)
{
    return str_hash(bytes);
}

void trace_init(struct sim_tracer *t, const struct sim_options *o)
{
    size_t ring = o->trace_ring_bytes ? o->trace_ring_bytes : SIM_TRACE_RING_BYTES;
    t->off = o->trace_off;
    t->block = mem_alloc(SIM_TRACE_HASH_BYTES + SIM_TRACE_BLOCK_BYTES);
    t->ring_cap = ring / SIM_TRACE_BLOCK_BYTES + 1;
    t->ring = MEM_NEW_ARRAY(struct str, t->ring_cap);
    t->ring_names = MEM_NEW_ARRAY(size_t, t->ring_cap);
}

void trace_done(struct sim_tracer *t)
{
    for (size_t i = 0; i < t->ring_cap; i++)
        str_free(&t->ring[i]);
    for (size_t i = 0; i < t->names_n; i++)
        str_free(&t->names[i]);
    mem_free(t->ring);
    mem_free(t->ring_names);
    mem_free(t->names);
    mem_free(t->block);
    map_free(&t->ids);
}

static struct str open_block(const struct sim_tracer *t)
{
    return (struct str){(const char *)t->block + SIM_TRACE_HASH_BYTES, t->block_n};
}

static void ring_push(struct sim_tracer *t, struct str block)
{
    size_t at = (t->ring_first + t->ring_n) % t->ring_cap;
    if (t->ring_n == t->ring_cap) {
        str_free(&t->ring[at]);
        t->ring_first = (t->ring_first + 1) % t->ring_cap;
    } else {
        t->ring_n++;
    }
    t->ring[at] = str_dup(block);
    t->ring_names[at] = t->block_names;
}

static void block_close(struct sim_tracer *t)
{
    if (t->block_n == 0)
        return;
    struct str block = open_block(t);
    ring_push(t, block);
    if (t->spill)
        t->spill(t->spill_owner, block);
    unsigned char hash[SIM_TRACE_HASH_BYTES];
    (void)SHA256(t->block, SIM_TRACE_HASH_BYTES + t->block_n, hash);
    memcpy(t->block, hash, sizeof(hash));
    t->block_n = 0;
    t->last_at = 0; /* each block can be read alone */
    t->block_names = t->names_n;
}

static inline unsigned char *put_varint(unsigned char *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (unsigned char)(v | 0x80);
    *p++ = (unsigned char)v;
    return p;
}

static inline unsigned char *put_le64(unsigned char *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (unsigned char)(v >> (8 * i));
    return p + 8;
}

static inline unsigned char *record_begin(struct sim *sim, uint32_t component,
                                          enum sim_trace_kind kind, uint64_t key, uint64_t payload)
{
    struct sim_tracer *t = &sim->tracer;
    if (t->block_n + RECORD_BYTES_MAX > SIM_TRACE_BLOCK_BYTES)
        block_close(t);
    unsigned char *p = t->block + SIM_TRACE_HASH_BYTES + t->block_n;
    p = put_varint(p, (uint64_t)(sim->now - t->last_at));
    p = put_varint(p, component);
    p = put_varint(p, (uint64_t)kind);
    p = put_varint(p, key);
    t->last_at = sim->now;
    t->records++;
    return put_le64(p, payload);
}

static inline void record_end(struct sim_tracer *t, const unsigned char *p)
{
    t->block_n = (size_t)(p - (t->block + SIM_TRACE_HASH_BYTES));
}

void trace_add(struct sim *sim, uint32_t component, enum sim_trace_kind kind, uint64_t key,
               uint64_t payload)
{
    if (!sim->tracer.off)
        record_end(&sim->tracer, record_begin(sim, component, kind, key, payload));
}

void trace_add_text(struct sim *sim, uint32_t component, enum sim_trace_kind kind, uint64_t key,
                    struct str text)
{
    if (sim->tracer.off)
        return;
    struct str cut = str_sub(text, 0, SIM_TRACE_TEXT_MAX);
    unsigned char *p = record_begin(sim, component, kind, key, str_hash(text));
    p = put_varint(p, cut.n);
    if (cut.n > 0)
        memcpy(p, cut.p, cut.n);
    record_end(&sim->tracer, p + cut.n);
}

uint32_t sim_trace_intern(struct sim *sim, struct str name)
{
    struct sim_tracer *t = &sim->tracer;
    size_t known = (size_t)map_get(&t->ids, name);
    if (known)
        return (uint32_t)(known - 1);
    SIM_GROW(t->names, t->names_n, t->names_cap);
    t->names[t->names_n] = str_dup(name);
    uint32_t id = (uint32_t)t->names_n++;
    map_put(&t->ids, name, (void *)(t->names_n));
    trace_add_text(sim, 0, SIM_TRACE_NAME, id, name);
    return id;
}

void sim_trace_add(struct sim *sim, uint32_t component, uint64_t key, struct str payload)
{
    trace_add(sim, component, SIM_TRACE_USER, key, sim_trace_payload(payload));
}

void sim_trace_hash(struct sim *sim, unsigned char out[SIM_TRACE_HASH_BYTES])
{
    struct sim_tracer *t = &sim->tracer;
    if (t->block_n == 0)
        memcpy(out, t->block, SIM_TRACE_HASH_BYTES);
    else
        (void)SHA256(t->block, SIM_TRACE_HASH_BYTES + t->block_n, out);
}

void sim_trace_hash_hex(struct sim *sim, struct buf *out)
{
    unsigned char hash[SIM_TRACE_HASH_BYTES];
    sim_trace_hash(sim, hash);
    for (size_t i = 0; i < sizeof(hash); i++)
        buf_addf(out, "%02x", hash[i]);
}

uint64_t sim_trace_records(const struct sim *sim)
{
    return sim->tracer.records;
}

void sim_trace_spill(struct sim *sim, void (*block)(void *owner, struct str bytes), void *owner)
{
    sim->tracer.spill = block;
    sim->tracer.spill_owner = owner;
}

void sim_trace_flush(struct sim *sim)
{
    struct sim_tracer *t = &sim->tracer;
    if (t->spill && t->block_n > 0)
        t->spill(t->spill_owner, open_block(t));
}

/* Names that the ring has lost, as a block of records at time 0. */
static void give_lost_names(const struct sim_tracer *t, size_t n,
                            void (*block)(void *owner, struct str bytes), void *owner)
{
    unsigned char *bytes = mem_alloc(RECORD_BYTES_MAX);
    for (size_t i = 0; i < n; i++) {
        struct str cut = str_sub(t->names[i], 0, SIM_TRACE_TEXT_MAX);
        unsigned char *p = put_varint(bytes, 0);
        p = put_varint(p, 0);
        p = put_varint(p, SIM_TRACE_NAME);
        p = put_varint(p, i);
        p = put_le64(p, str_hash(t->names[i]));
        p = put_varint(p, cut.n);
        memcpy(p, cut.p, cut.n);
        block(owner, (struct str){(const char *)bytes, (size_t)(p - bytes) + cut.n});
    }
    mem_free(bytes);
}

void sim_trace_ring(struct sim *sim, void (*block)(void *owner, struct str bytes), void *owner)
{
    const struct sim_tracer *t = &sim->tracer;
    give_lost_names(t, t->ring_n ? t->ring_names[t->ring_first] : t->block_names, block, owner);
    for (size_t i = 0; i < t->ring_n; i++)
        block(owner, t->ring[(t->ring_first + i) % t->ring_cap]);
    if (t->block_n > 0)
        block(owner, open_block(t));
}
