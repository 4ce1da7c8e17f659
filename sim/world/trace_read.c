/* Reading of traces: blocks back into records, records into text. */
#include "sim/world/sim_internal.h"

struct sim_trace_reader {
    struct str *names; /* by id */
    size_t names_n;
};

struct cursor {
    const unsigned char *p, *end;
};

#define NAMES_MAX ((size_t)1 << 24)

struct sim_trace_reader *sim_trace_reader_new(void)
{
    return MEM_NEW(struct sim_trace_reader);
}

void sim_trace_reader_free(struct sim_trace_reader *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->names_n; i++)
        str_free(&r->names[i]);
    mem_free(r->names);
    mem_free(r);
}

static bool get_varint(struct cursor *c, uint64_t *out)
{
    uint64_t v = 0;
    for (unsigned shift = 0; c->p < c->end && shift < 64; shift += 7) {
        unsigned char byte = *c->p++;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = v;
            return true;
        }
    }
    return false;
}

static bool get_le64(struct cursor *c, uint64_t *out)
{
    if (c->end - c->p < 8)
        return false;
    *out = 0;
    for (int i = 7; i >= 0; i--)
        *out = *out << 8 | c->p[i];
    c->p += 8;
    return true;
}

static bool get_text(struct cursor *c, struct str *out)
{
    uint64_t n;
    if (!get_varint(c, &n) || n > SIM_TRACE_TEXT_MAX || n > (uint64_t)(c->end - c->p))
        return false;
    *out = (struct str){(const char *)c->p, (size_t)n};
    c->p += n;
    return true;
}

static bool has_text(enum sim_trace_kind kind)
{
    return kind == SIM_TRACE_NAME || kind == SIM_TRACE_FAULT || kind == SIM_TRACE_NOTE ||
           kind == SIM_TRACE_RECORD;
}

static bool learn_name(struct sim_trace_reader *r, uint64_t id, struct str name)
{
    if (id >= NAMES_MAX)
        return false;
    if (id >= r->names_n) {
        r->names = mem_resize(r->names, (size_t)(id + 1) * sizeof(*r->names));
        for (size_t i = r->names_n; i <= id; i++)
            r->names[i] = str_dup(str_empty);
        r->names_n = (size_t)id + 1;
    }
    str_free(&r->names[id]);
    r->names[id] = str_dup(name);
    return true;
}

static struct str name_of(const struct sim_trace_reader *r, uint64_t id)
{
    return id < r->names_n ? r->names[id] : STR("?");
}

static bool get_record(struct sim_trace_reader *r, struct cursor *c, world_time *last,
                       struct sim_trace_record *rec)
{
    uint64_t delta, component, kind;
    *rec = (struct sim_trace_record){.text = str_empty, .key_name = str_empty};
    if (!get_varint(c, &delta) || !get_varint(c, &component) || !get_varint(c, &kind) ||
        !get_varint(c, &rec->key) || !get_le64(c, &rec->payload) || kind >= SIM_TRACE_KIND_COUNT)
        return false;
    rec->kind = (enum sim_trace_kind)kind;
    if (__builtin_add_overflow(*last, delta, last))
        return false;
    rec->at = *last;
    if (has_text(rec->kind) && !get_text(c, &rec->text))
        return false;
    if (rec->kind == SIM_TRACE_NAME && !learn_name(r, rec->key, rec->text))
        return false;
    rec->component = name_of(r, component);
    if (rec->kind == SIM_TRACE_NOTE)
        rec->key_name = name_of(r, rec->key);
    return true;
}

bool sim_trace_next(struct sim_trace_reader *r, struct str *rest, world_time *last,
                    struct sim_trace_record *rec)
{
    struct cursor c = {(const unsigned char *)rest->p, (const unsigned char *)rest->p + rest->n};
    if (rest->n == 0 || !get_record(r, &c, last, rec))
        return false;
    *rest = (struct str){(const char *)c.p, (size_t)(c.end - c.p)};
    return true;
}

struct err *sim_trace_read(struct sim_trace_reader *r, struct str block,
                           void (*record)(void *owner, const struct sim_trace_record *rec),
                           void *owner)
{
    struct sim_trace_record rec;
    struct str rest = block;
    world_time last = 0;
    while (sim_trace_next(r, &rest, &last, &rec))
        record(owner, &rec);
    return rest.n == 0 ? NULL
                       : err_new(ERR_INVALID, "trace block: malformed record at byte %zu",
                                 block.n - rest.n);
}

void sim_trace_record_print(const struct sim_trace_record *rec, struct buf *out)
{
    struct str key, value;
    duration_format(out, rec->at);
    buf_addf(out, " " STR_FMT " %s", STR_ARG(rec->component), sim_trace_kind_name(rec->kind));
    if (rec->kind == SIM_TRACE_NOTE) {
        (void)str_cut(rec->text, '\0', &key, &value);
        buf_addf(out, " " STR_FMT " " STR_FMT " " STR_FMT, STR_ARG(rec->key_name), STR_ARG(key),
                 STR_ARG(value));
        return;
    }
    buf_addf(out, " %llu", (unsigned long long)rec->key);
    if (rec->text.n > 0)
        buf_addf(out, " " STR_FMT, STR_ARG(rec->text));
    else
        buf_addf(out, " %016llx", (unsigned long long)rec->payload);
}
