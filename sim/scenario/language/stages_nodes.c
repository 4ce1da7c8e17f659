/* Life-cycle stages of nodes: their tables, and the form that simulated clusters take (sim/cluster/node_stages.h). */
#include "sim/scenario/language/stages_internal.h"

#define STATES  "new|unready|ready|lost"
#define ACTIONS "ready|unready|lost|set|clear|lease|status"

struct looks_entry {
    struct origin origin;
    int64_t state;
    struct strs condition;
};
struct node_stage_entry {
    struct origin origin;
    struct str doc;
    struct looks_entry when, unless;
    struct span delay, every;
    int64_t share_ppm, action;
    struct str condition, reason;
};
enum { DO_READY, DO_UNREADY, DO_LOST, DO_SET, DO_CLEAR, DO_LEASE, DO_STATUS }; /* in ACTIONS */

#define F(field, kind, owner, member, marks, text, about)                                          \
    {                                                                                              \
        .name = (field), .type = (kind), .flags = (marks),                                         \
        .offset = offsetof(struct owner, member), .otherwise = (text), .doc = (about)              \
    }

static const struct field looks_fields[] = {
    {.name = "state",
     .type = FIELD_ENUM,
     .offset = offsetof(struct looks_entry, state),
     .values = STATES,
     .doc = "new: it has no object yet; lost: nothing is heard of it, Ready is Unknown"},
    F("condition", FIELD_STRINGS, looks_entry, condition, FIELD_NON_EMPTY, NULL,
      "conditions that are True: MemoryPressure"),
};
static const struct shape looks_shape = {
    "node-conditions",          looks_fields, ARRAY_LEN(looks_fields),
    sizeof(struct looks_entry), NULL,         "what a node looks like"};

static const struct field node_stage_fields[] = {
    F("doc", FIELD_STRING, node_stage_entry, doc, 0, NULL, "one line"),
    {.name = "when",
     .type = FIELD_OBJECT,
     .offset = offsetof(struct node_stage_entry, when),
     .shape = &looks_shape,
     .doc = "all of it must hold; left out: for every node"},
    {.name = "unless",
     .type = FIELD_OBJECT,
     .offset = offsetof(struct node_stage_entry, unless),
     .shape = &looks_shape,
     .doc = "none of it may hold"},
    F("delay", FIELD_SPAN, node_stage_entry, delay, 0, NULL,
      "how long it has looked so when it happens, once; left out: at once"),
    F("every", FIELD_SPAN, node_stage_entry, every, 0, NULL,
      "of lease and status: the beat of all nodes of a cluster together; a range: each by itself"),
    F("share", FIELD_SHARE, node_stage_entry, share_ppm, 0, "1",
      "the part of the nodes that it concerns, drawn by the seed"),
    {.name = "do",
     .type = FIELD_ENUM,
     .flags = FIELD_REQUIRED,
     .offset = offsetof(struct node_stage_entry, action),
     .values = ACTIONS,
     .doc = "what happens then: its condition Ready is True (ready), False (unready) or Unknown "
            "(lost), another one is True (set) or False (clear), it tells its Lease or its status"},
    F("condition", FIELD_STRING, node_stage_entry, condition, FIELD_NON_EMPTY, NULL,
      "of set and clear: MemoryPressure"),
    F("reason", FIELD_STRING, node_stage_entry, reason, FIELD_NON_EMPTY, NULL,
      "of unready, set and clear: why, in the condition"),
};
const struct shape node_stage_shape = {"node-stage",
                                       node_stage_fields,
                                       ARRAY_LEN(node_stage_fields),
                                       sizeof(struct node_stage_entry),
                                       NULL,
                                       "what becomes of a node that looks so"};

struct writing {
    struct decode *d;
    struct buf *out;
    struct strs conditions; /* that were named so far */
    int64_t beat_ns;        /* the shortest `every` that is no range */
    bool ok;
};

static bool given(const struct node_stage_entry *s, const char *field)
{
    return shape_given(&node_stage_shape, &s->origin, field);
}

static void complain(struct writing *w, struct place at, const char *what)
{
    diag_add(w->d->diags, at, "%s", what);
    w->ok = false;
}

/* Conditions and reasons stand in the Node's status as they are. */
static bool is_name(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i], lower = (char)(c | 0x20);
        if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_' &&
            c != '.' && c != '/')
            return false;
    }
    return true;
}

static void check_name(struct writing *w, struct str text, struct place at)
{
    if (is_name(text))
        return;
    diag_add(w->d->diags, at,
             "\"" STR_FMT "\" must be one word of letters and digits, such as MemoryPressure",
             STR_ARG(text));
    w->ok = false;
}

static void note_condition(struct writing *w, struct str name, struct place at)
{
    for (size_t i = 0; i < w->conditions.n; i++)
        if (str_eq(w->conditions.v[i], name))
            return;
    if (str_eq_c(name, "Ready"))
        complain(w, at, "Ready is what \"state\" and \"do: ready\" are about");
    else if (w->conditions.n == NODE_STAGES_CONDITIONS_MAX)
        complain(w, at, "too many different conditions: at most 8");
    else
        w->conditions.v[w->conditions.n++] = name;
    check_name(w, name, at);
}

static void add_looks(struct writing *w, const struct looks_entry *looks, const char *sign)
{
    if (shape_given(&looks_shape, &looks->origin, "state"))
        buf_addf(w->out, " state%s" STR_FMT, sign, STR_ARG(stages_word_of(STATES, looks->state)));
    for (size_t i = 0; i < looks->condition.n; i++) {
        note_condition(w, looks->condition.v[i], looks->condition.places[i]);
        buf_addf(w->out, " condition%s" STR_FMT, sign, STR_ARG(looks->condition.v[i]));
    }
}

static void add_time(struct writing *w, const struct node_stage_entry *s)
{
    bool repeats = s->action >= DO_LEASE;
    const struct span *t = repeats ? &s->every : &s->delay;
    struct place at = s->origin.place;
    if (repeats && !given(s, "every"))
        complain(w, at, "\"do: lease\" and \"do: status\" need \"every\"");
    else if (repeats && t->least_ns < NODE_STAGES_EVERY_MIN)
        complain(w, at, "\"every\" must be 100ms or more");
    else if (repeats && t->least_ns == t->most_ns && t->least_ns % w->beat_ns != 0)
        complain(w, at,
                 "nodes beat together: \"every\" must be a multiple of the shortest one here, or a "
                 "range");
    w->ok &= stages_refuse_other(w->d, &node_stage_shape, &s->origin, "every",
                                 "lease\" and \"do: status", repeats);
    if (repeats && given(s, "delay"))
        complain(w, at, "\"do: lease\" and \"do: status\" have \"every\", not \"delay\"");
    buf_addf(w->out, "\n %s %lldns jitter %lldns\n share %lld", repeats ? "every" : "delay",
             (long long)t->least_ns, (long long)(t->most_ns - t->least_ns),
             (long long)s->share_ppm);
}

static void add_action(struct writing *w, const struct node_stage_entry *s)
{
    bool sets = s->action == DO_SET || s->action == DO_CLEAR;
    struct str reason = s->reason;
    w->ok &= stages_refuse_other(w->d, &node_stage_shape, &s->origin, "condition",
                                 "set\" and \"do: clear", sets);
    w->ok &= stages_refuse_other(w->d, &node_stage_shape, &s->origin, "reason",
                                 "unready\", \"do: set\" and \"do: clear",
                                 sets || s->action == DO_UNREADY);
    buf_addf(w->out, "\n do " STR_FMT, STR_ARG(stages_word_of(ACTIONS, s->action)));
    if (sets && s->condition.n == 0)
        complain(w, s->origin.place, "\"do: set\" and \"do: clear\" need \"condition\"");
    else if (sets) {
        note_condition(w, s->condition, s->origin.place);
        buf_addf(w->out, " " STR_FMT, STR_ARG(s->condition));
    }
    if (s->action == DO_UNREADY && reason.n == 0)
        reason = STR("KubeletNotReady");
    if (reason.n) {
        check_name(w, reason, s->origin.place);
        buf_addf(w->out, " " STR_FMT, STR_ARG(reason));
    }
    buf_add_char(w->out, '\n');
}

static void find_beat(struct writing *w, const struct objects *stages)
{
    for (size_t i = 0; i < stages->n; i++) {
        const struct node_stage_entry *s = OBJECTS_AT(*stages, struct node_stage_entry, i);
        bool beats = stages->ok[i] && s->action >= DO_LEASE && s->every.least_ns > 0 &&
                     s->every.least_ns == s->every.most_ns;
        if (beats && (w->beat_ns == 0 || s->every.least_ns < w->beat_ns))
            w->beat_ns = s->every.least_ns;
    }
}

static void expect_ready(struct writing *w, const struct objects *stages)
{
    bool ready = stages->n == 0;
    for (size_t i = 0; i < stages->n; i++) {
        const struct node_stage_entry *s = OBJECTS_AT(*stages, struct node_stage_entry, i);
        ready = ready || !stages->ok[i] || s->action == DO_READY;
    }
    if (!ready)
        complain(
            w, OBJECTS_AT(*stages, struct node_stage_entry, 0)->origin.place,
            "these are the whole life of nodes, and no stage ever makes one ready (do: ready)");
}

bool node_stages_write(struct decode *d, const struct objects *stages, struct buf *out)
{
    struct writing w = {.d = d, .out = out, .ok = true};
    w.conditions.v = ARENA_NEW_ARRAY(d->arena, struct str, NODE_STAGES_CONDITIONS_MAX);
    find_beat(&w, stages);
    expect_ready(&w, stages);
    for (size_t i = 0; i < stages->n && i < NODE_STAGES_FILE_MAX; i++) {
        const struct node_stage_entry *s = OBJECTS_AT(*stages, struct node_stage_entry, i);
        if (!stages->ok[i])
            continue;
        buf_addf(out, "stage " STR_FMT "\n when", STR_ARG(s->origin.name));
        add_looks(&w, &s->when, "=");
        add_looks(&w, &s->unless, "!=");
        add_time(&w, s);
        add_action(&w, s);
    }
    if (stages->n > NODE_STAGES_FILE_MAX)
        complain(&w, OBJECTS_AT(*stages, struct node_stage_entry, 0)->origin.place,
                 "at most 32 stages of nodes");
    return w.ok;
}
