/* Records as text, as JSON, and as events for the Perfetto viewer. */
#include "sim/trace/show.h"

#include "engine/base/json.h"
#include "engine/base/map.h"
#include "engine/base/timefmt.h"

#define KEY_PAUSED  3u /* of a SIM_TRACE_PROCESS record */
#define KEY_RESUMED 4u
#define KEY_BEGINS  1u /* of a SIM_TRACE_FAULT record */

struct trace_show {
    enum trace_format format;
    struct buf *out;
    bool any;
    struct map groups;     /* first words of components → ordinal */
    struct map components; /* name → struct track, owned */
    struct map spans;      /* "component NUL name NUL key" → struct span, owned */
    uint64_t spans_made;
    world_time last;
};

struct track {
    uint64_t pid, tid;
};

struct span {
    struct track at;
    struct str name; /* owned */
    uint64_t id;
};

struct trace_show *trace_show_new(enum trace_format format, struct buf *out)
{
    struct trace_show *s = MEM_NEW(struct trace_show);
    s->format = format;
    s->out = out;
    if (format == TRACE_PERFETTO)
        buf_add_c(out, "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[");
    return s;
}

/* ---- JSON lines ---- */

static void json_field(struct buf *out, const char *name, struct str value)
{
    buf_addf(out, ",\"%s\":", name);
    json_write_string(out, value);
}

static void show_json(struct trace_show *s, const struct sim_trace_record *rec)
{
    char scratch[24];
    struct buf time = {0};
    duration_format(&time, rec->at);
    buf_addf(s->out, "{\"at\":%lld", (long long)rec->at);
    json_field(s->out, "time", buf_str(&time));
    json_field(s->out, "component", rec->component);
    json_field(s->out, "record", str_c(sim_trace_kind_name(rec->kind)));
    json_field(s->out, "kind", trace_kind(rec));
    json_field(s->out, "key", trace_key(rec, scratch));
    if (trace_text(rec).n > 0)
        json_field(s->out, "text", trace_text(rec));
    buf_addf(s->out, ",\"payload\":\"%016llx\"}\n", (unsigned long long)rec->payload);
    buf_free(&time);
}

/* ---- Perfetto ---- */

static void event_begin(struct trace_show *s, const char *phase, const struct track *at)
{
    buf_addf(s->out, "%s\n{\"ph\":\"%s\",\"pid\":%llu,\"tid\":%llu", s->any ? "," : "", phase,
             (unsigned long long)at->pid, (unsigned long long)at->tid);
    s->any = true;
}

static void event_time(struct trace_show *s, world_time at)
{
    buf_addf(s->out, ",\"ts\":%lld.%03lld", (long long)(at / NS_PER_US),
             (long long)(at % NS_PER_US));
}

static void name_track(struct trace_show *s, const char *what, struct str name,
                       const struct track *at)
{
    event_begin(s, "M", at);
    json_field(s->out, "name", str_c(what));
    buf_add_c(s->out, ",\"args\":{\"name\":");
    json_write_string(s->out, name);
    buf_add_c(s->out, "}}");
}

static const struct track *track_of(struct trace_show *s, struct str component)
{
    struct track *t = map_get(&s->components, component);
    if (t)
        return t;
    struct str group, rest;
    (void)str_cut(component, '/', &group, &rest);
    t = MEM_NEW(struct track);
    t->tid = map_count(&s->components) + 1;
    t->pid = (uint64_t)(uintptr_t)map_get(&s->groups, group);
    bool new_group = t->pid == 0;
    if (new_group) {
        t->pid = map_count(&s->groups) + 1;
        map_put(&s->groups, group, (void *)(uintptr_t)t->pid);
    }
    map_put(&s->components, component, t);
    if (new_group)
        name_track(s, "process_name", group.n ? group : STR("world"), t);
    name_track(s, "thread_name", component, t);
    return t;
}

static void span_event(struct trace_show *s, const char *phase, const struct span *span,
                       world_time at)
{
    event_begin(s, phase, &span->at);
    json_field(s->out, "name", span->name);
    buf_addf(s->out, ",\"cat\":\"span\",\"id\":\"0x%llx\"", (unsigned long long)span->id);
    event_time(s, at);
    buf_add_char(s->out, '}');
}

static void span_free(struct span *span)
{
    str_free(&span->name);
    mem_free(span);
}

static void span_key(struct buf *out, struct str component, const char *name, struct str key)
{
    buf_add(out, component);
    buf_add_char(out, '\0');
    buf_add_c(out, name);
    buf_add_char(out, '\0');
    buf_add(out, key);
}

static void span_end(struct trace_show *s, const struct sim_trace_record *rec, const char *name,
                     struct str key)
{
    struct buf id = {0};
    span_key(&id, rec->component, name, key);
    struct span *span = map_remove(&s->spans, buf_str(&id));
    buf_free(&id);
    if (!span) /* it began before the trace did */
        return;
    span_event(s, "e", span, rec->at);
    span_free(span);
}

static void span_begin(struct trace_show *s, const struct sim_trace_record *rec, const char *name,
                       struct str key)
{
    struct buf id = {0}, shown = {0};
    span_end(s, rec, name, key); /* whose end nobody told */
    buf_add_c(&shown, name);
    if (key.n)
        buf_addf(&shown, " " STR_FMT, STR_ARG(key));
    struct span *span = MEM_NEW(struct span);
    *span = (struct span){
        .at = *track_of(s, rec->component), .name = buf_take(&shown), .id = ++s->spans_made};
    span_key(&id, rec->component, name, key);
    map_put(&s->spans, buf_str(&id), span);
    buf_free(&id);
    span_event(s, "b", span, rec->at);
}

/* A process that ends takes all its spans with it. */
static void end_all_of(struct trace_show *s, const struct sim_trace_record *rec)
{
    struct str key;
    void *value;
    for (size_t i = 0; map_next(&s->spans, &i, &key, &value);) {
        bool its = key.n > rec->component.n && key.p[rec->component.n] == '\0' &&
                   str_starts(key, rec->component);
        if (!its)
            continue;
        map_remove(&s->spans, key);
        span_event(s, "e", value, rec->at);
        span_free(value);
    }
}

static const struct {
    const char *begins, *ends, *name;
    bool by_key, by_text;
} note_spans[] = {
    {"process.start", NULL, "up", false, false}, /* the end takes the others along */
    {"leader.started", "leader.stopped", "leading", false, false},
    {"agent.connected", "agent.disconnected", "connected", false, false},
    {"tunnel.opened", "tunnel.closed", "session", true, true},
    {"step.began", "step.ended", "step", true, false},
    {"coredns.down", "coredns.up", "CoreDNS down", true, false},
    {"cni.down", "cni.up", "CNI down", true, false},
};

static void note_span(struct trace_show *s, const struct sim_trace_record *rec)
{
    char scratch[24];
    if (str_eq_c(rec->key_name, "process.end"))
        end_all_of(s, rec);
    for (size_t i = 0; i < ARRAY_LEN(note_spans); i++) {
        bool begins = str_eq_c(rec->key_name, note_spans[i].begins);
        bool ends = note_spans[i].ends && str_eq_c(rec->key_name, note_spans[i].ends);
        if (!begins && !ends)
            continue;
        struct buf key = {0};
        if (note_spans[i].by_key)
            buf_add(&key, trace_key(rec, scratch));
        if (note_spans[i].by_text)
            buf_addf(&key, " " STR_FMT, STR_ARG(trace_text(rec)));
        (begins ? span_begin : span_end)(s, rec, note_spans[i].name, buf_str(&key));
        buf_free(&key);
    }
}

static void show_perfetto(struct trace_show *s, const struct sim_trace_record *rec)
{
    char scratch[24];
    const struct track *at = track_of(s, rec->component);
    if (rec->kind == SIM_TRACE_NOTE)
        note_span(s, rec);
    else if (rec->kind == SIM_TRACE_FAULT)
        (rec->key == KEY_BEGINS ? span_begin : span_end)(s, rec, "fault", rec->text);
    else if (rec->kind == SIM_TRACE_PROCESS && rec->key == KEY_PAUSED)
        span_begin(s, rec, "paused", str_empty);
    else if (rec->kind == SIM_TRACE_PROCESS && rec->key == KEY_RESUMED)
        span_end(s, rec, "paused", str_empty);
    event_begin(s, "i", at);
    json_field(s->out, "name", trace_kind(rec));
    json_field(s->out, "cat", str_c(sim_trace_kind_name(rec->kind)));
    buf_add_c(s->out, ",\"s\":\"t\"");
    event_time(s, rec->at);
    buf_add_c(s->out, ",\"args\":{\"key\":");
    json_write_string(s->out, trace_key(rec, scratch));
    if (trace_text(rec).n > 0)
        json_field(s->out, "text", trace_text(rec));
    buf_add_c(s->out, "}}");
}

/* ---- all ---- */

void trace_show_record(struct trace_show *s, const struct sim_trace_record *rec)
{
    s->last = rec->at;
    if (rec->kind == SIM_TRACE_NAME) /* names are told where they are used */
        return;
    if (s->format == TRACE_JSON) {
        show_json(s, rec);
    } else if (s->format == TRACE_PERFETTO) {
        show_perfetto(s, rec);
    } else {
        sim_trace_record_print(rec, s->out);
        buf_add_char(s->out, '\n');
    }
}

void trace_show_end(struct trace_show *s)
{
    struct str key;
    void *value;
    for (size_t i = 0; map_next(&s->spans, &i, &key, &value);) {
        span_event(s, "e", value, s->last);
        span_free(value);
    }
    for (size_t i = 0; map_next(&s->components, &i, &key, &value);)
        mem_free(value);
    if (s->format == TRACE_PERFETTO)
        buf_add_c(s->out, "\n]}\n");
    map_free(&s->spans);
    map_free(&s->components);
    map_free(&s->groups);
    mem_free(s);
}
