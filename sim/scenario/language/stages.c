/* Life-cycle stages: their tables, and the form that simulated APIs take. */
#include "sim/scenario/language/stages_internal.h"

#include "sim/scenario/language/load.h"
#include "sim/scenario/language/schema_internal.h"

#define WEIGHT_MAX 999999
#define CODE_MAX   255
#define STATES     "none|running|backoff|waiting|done"
#define PHASES     "Pending|Running|Succeeded|Failed"
#define RESTARTS   "Always|OnFailure|Never"
#define ACTIONS    "run|exit|wait|unready|ready|delete"

struct conditions_entry {
    struct origin origin;
    bool deleting, ready;
    int64_t state, phase, restart;
    struct strs owner, command, ns, node, reason, image;
    const struct yaml_node *label, *annotation;
};
struct stage_entry {
    struct origin origin;
    struct str doc;
    struct conditions_entry when, unless;
    struct span delay;
    struct str delay_annotation;
    bool delay_argument;
    int64_t weight, action, code;
    struct str code_annotation, reason;
};
struct stages_entry {
    struct origin origin;
    int64_t version;
    struct str doc;
    struct objects pods;  /* struct stage_entry */
    struct objects nodes; /* of node_stage_shape */
};

#define F(field, kind, owner, member, marks, text, about)                                          \
    {                                                                                              \
        .name = (field), .type = (kind), .flags = (marks),                                         \
        .offset = offsetof(struct owner, member), .otherwise = (text), .doc = (about)              \
    }
#define F_ENUM(field, owner, member, marks, words, about)                                          \
    {                                                                                              \
        .name = (field), .type = FIELD_ENUM, .flags = (marks),                                     \
        .offset = offsetof(struct owner, member), .values = (words), .doc = (about)                \
    }
#define CONDITION(field, kind, member, about)                                                      \
    F(field, kind, conditions_entry, member, 0, NULL, about)
#define WORDS(field, member, about)                                                                \
    F(field, FIELD_STRINGS, conditions_entry, member, FIELD_NON_EMPTY, NULL, about)

static const struct field conditions_fields[] = {
    CONDITION("deleting", FIELD_BOOL, deleting, "it is on its way out"),
    F_ENUM("state", conditions_entry, state, 0, STATES, "of its containers"),
    F_ENUM("phase", conditions_entry, phase, 0, PHASES, "the pod's"),
    CONDITION("ready", FIELD_BOOL, ready, "its condition Ready"),
    WORDS("owner", owner, "kind of its controller; none: it has none"),
    F_ENUM("restart", conditions_entry, restart, 0, RESTARTS, "its restart policy"),
    WORDS("command", command, "the first word of its first container's, without the folder"),
    WORDS("namespace", ns, "its namespace"),
    WORDS("node", node, "the node that it is on"),
    WORDS("reason", reason, "why a container waits: ErrImagePull"),
    WORDS("image", image, "of any container; * stands for any text"),
    CONDITION("label", FIELD_NODE, label, "{KEY: value}; true: it has the label, false: not"),
    CONDITION("annotation", FIELD_NODE, annotation,
              "{KEY: value}; true: it has the annotation, false: not"),
};
static const struct shape conditions_shape = {"conditions",
                                              conditions_fields,
                                              ARRAY_LEN(conditions_fields),
                                              sizeof(struct conditions_entry),
                                              NULL,
                                              "what a pod looks like"};

static const struct field stage_fields[] = {
    F("doc", FIELD_STRING, stage_entry, doc, 0, NULL, "one line"),
    {.name = "when",
     .type = FIELD_OBJECT,
     .offset = offsetof(struct stage_entry, when),
     .shape = &conditions_shape,
     .doc = "all of it must hold; left out: for every pod"},
    {.name = "unless",
     .type = FIELD_OBJECT,
     .offset = offsetof(struct stage_entry, unless),
     .shape = &conditions_shape,
     .doc = "none of it may hold"},
    F("delay", FIELD_SPAN, stage_entry, delay, 0, NULL, "how long it takes"),
    F("delay_annotation", FIELD_STRING, stage_entry, delay_annotation, FIELD_NON_EMPTY, NULL,
      "the pod's annotation that says the delay where it is there"),
    F("delay_argument", FIELD_BOOL, stage_entry, delay_argument, 0, "false",
      "the command says the delay: sleep 5"),
    {.name = "weight",
     .type = FIELD_INT,
     .offset = offsetof(struct stage_entry, weight),
     .otherwise = "1",
     .max = WEIGHT_MAX,
     .doc = "of several stages that match one is drawn"},
    F_ENUM("do", stage_entry, action, FIELD_REQUIRED, ACTIONS,
           "what happens then: containers run, end, or wait for `reason`; delete lets a pod go"),
    {.name = "code",
     .type = FIELD_INT,
     .offset = offsetof(struct stage_entry, code),
     .otherwise = "1",
     .max = CODE_MAX,
     .doc = "of exit"},
    F("code_annotation", FIELD_STRING, stage_entry, code_annotation, FIELD_NON_EMPTY, NULL,
      "of exit: the pod's annotation that says the code"),
    F("reason", FIELD_STRING, stage_entry, reason, FIELD_NON_EMPTY, NULL,
      "of wait: ImagePullBackOff"),
};
static const struct shape stage_shape = {"stage",
                                         stage_fields,
                                         ARRAY_LEN(stage_fields),
                                         sizeof(struct stage_entry),
                                         NULL,
                                         "what becomes of a pod that looks so"};

static const struct field stages_fields[] = {
    F_ENUM("stages", stages_entry, version, FIELD_REQUIRED, "v1", "the language's version"),
    F("doc", FIELD_STRING, stages_entry, doc, 0, NULL, "one line"),
    {.name = "pods",
     .type = FIELD_NAMED,
     .flags = FIELD_NON_EMPTY,
     .offset = offsetof(struct stages_entry, pods),
     .shape = &stage_shape,
     .doc = "the whole life of pods: the usual stages no longer count; left out: as usual"},
    {.name = "nodes",
     .type = FIELD_NAMED,
     .flags = FIELD_NON_EMPTY,
     .offset = offsetof(struct stages_entry, nodes),
     .shape = &node_stage_shape,
     .doc = "the whole life of nodes, heartbeats as well; left out: as usual"},
};
const struct shape stages_shape = {"stages",
                                   stages_fields,
                                   ARRAY_LEN(stages_fields),
                                   sizeof(struct stages_entry),
                                   NULL,
                                   "life-cycle stages of pods and nodes, a file of their own or in "
                                   "place"};

/* ---- the other form ---- */

struct writing {
    struct decode *d;
    struct buf *out;
    bool negated;
    size_t n; /* conditions of this stage */
    bool ok;
};

struct str stages_word_of(const char *values, int64_t index)
{
    struct str word, rest = str_c(values);
    for (int64_t i = 0; str_cut(rest, '|', &word, &rest) && i < index;)
        i++;
    return word;
}

/* The other form parts by blanks and has its own signs. */
static bool is_word(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] <= ' ' || text.p[i] == '#' || text.p[i] == '=' ||
            text.p[i] == '|' || text.p[i] == '!')
            return false;
    return text.n > 0;
}

static bool check_word(struct decode *d, struct str text, struct place at)
{
    if (is_word(text))
        return true;
    diag_add(d->diags, at, "\"" STR_FMT "\" must be one word without blanks, #, =, | and !",
             STR_ARG(text));
    return false;
}

static void add_term(struct writing *w, struct str key, struct str of, struct str value)
{
    buf_addf(w->out, " " STR_FMT "%s" STR_FMT "%s" STR_FMT, STR_ARG(key), of.n ? ":" : "",
             STR_ARG(of), w->negated ? "!=" : "=", STR_ARG(value));
    w->n++;
}

/* Of `unless` none may be it; of `when` only images can be one of several. */
static void add_words(struct writing *w, const char *name, const struct strs *words)
{
    bool image = str_eq_c(str_c(name), "image");
    struct buf joined = {0};
    for (size_t i = 0; i < words->n; i++) {
        struct str word = words->v[i];
        w->ok &= check_word(w->d, word, words->places[i]);
        if (str_eq_c(word, "none") && str_eq_c(str_c(name), "owner"))
            word = STR("-");
        if (image)
            buf_addf(&joined, "%s" STR_FMT, i ? "|" : "", STR_ARG(word));
        else if (i == 0 || w->negated)
            add_term(w, str_c(name), str_empty, word);
        else {
            diag_add(w->d->diags, words->places[i], "a pod has one %s only: make it two stages",
                     name);
            w->ok = false;
        }
    }
    if (joined.n)
        add_term(w, STR("image"), str_empty, buf_str(&joined));
    buf_free(&joined);
}

static void add_map(struct writing *w, const char *name, const struct yaml_node *map,
                    struct str path)
{
    if (!map)
        return;
    struct str at = schema_path(w->d->arena, path, str_c(name));
    if (map->kind != YAML_MAP) {
        diag_add(w->d->diags, schema_place(map, at),
                 "expected a mapping such as {KEY: value}, not %s", schema_kind_name(map->kind));
        w->ok = false;
        return;
    }
    for (const struct yaml_node *n = map->first; n; n = n->next) {
        struct place place = schema_place(n, at);
        struct str value = n->text;
        if (!schema_is_scalar(n)) {
            diag_add(w->d->diags, place, "expected a value, not %s", schema_kind_name(n->kind));
            w->ok = false;
            continue;
        }
        if (n->kind == YAML_BOOL)
            value = n->integer ? STR("+") : STR("-");
        else if (w->d->interpolate)
            value = w->d->interpolate(w->d->ctx, value, place);
        w->ok &=
            check_word(w->d, n->key, schema_key_place(n, at)) && check_word(w->d, value, place);
        add_term(w, str_c(name), n->key, value);
    }
}

static void add_conditions(struct writing *w, const struct conditions_entry *c, bool negated)
{
    const struct {
        const char *name;
        const struct strs *words;
    } lists[] = {{"owner", &c->owner}, {"command", &c->command}, {"namespace", &c->ns},
                 {"node", &c->node},   {"reason", &c->reason},   {"image", &c->image}};
    const struct shape *s = &conditions_shape;
    w->negated = negated;
    if (shape_given(s, &c->origin, "deleting"))
        add_term(w, STR("deleting"), str_empty, c->deleting ? STR("yes") : STR("no"));
    if (shape_given(s, &c->origin, "state"))
        add_term(w, STR("state"), str_empty, stages_word_of(STATES, c->state));
    if (shape_given(s, &c->origin, "phase"))
        add_term(w, STR("phase"), str_empty, stages_word_of(PHASES, c->phase));
    if (shape_given(s, &c->origin, "ready"))
        add_term(w, STR("ready"), str_empty, c->ready ? STR("yes") : STR("no"));
    if (shape_given(s, &c->origin, "restart"))
        add_term(w, STR("restart"), str_empty, stages_word_of(RESTARTS, c->restart));
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        add_words(w, lists[i].name, lists[i].words);
    add_map(w, "label", c->label, c->origin.place.path);
    add_map(w, "annotation", c->annotation, c->origin.place.path);
}

static void add_delay(struct writing *w, const struct stage_entry *s)
{
    buf_addf(w->out, "\n delay %lldns jitter %lldns", (long long)s->delay.least_ns,
             (long long)(s->delay.most_ns - s->delay.least_ns));
    if (s->delay_argument && s->delay_annotation.n) {
        diag_add(w->d->diags, s->origin.place,
                 "\"delay_annotation\" and \"delay_argument\" exclude each other");
        w->ok = false;
    }
    if (s->delay_argument)
        buf_add_c(w->out, " or argument");
    else if (s->delay_annotation.n) {
        w->ok &= check_word(w->d, s->delay_annotation, s->origin.place);
        buf_addf(w->out, " or annotation:" STR_FMT, STR_ARG(s->delay_annotation));
    }
}

enum { DO_RUN, DO_EXIT, DO_WAIT }; /* indexes in ACTIONS */

bool stages_refuse_other(struct decode *d, const struct shape *shape, const struct origin *origin,
                         const char *field, const char *of, bool fits)
{
    if (fits || !shape_given(shape, origin, field))
        return true;
    diag_add(d->diags, origin->place, "\"%s\" belongs to \"do: %s\" alone", field, of);
    return false;
}

static void refuse_others(struct writing *w, const struct stage_entry *s, const char *field,
                          const char *of, bool fits)
{
    w->ok &= stages_refuse_other(w->d, &stage_shape, &s->origin, field, of, fits);
}

static void add_action(struct writing *w, const struct stage_entry *s)
{
    struct str word = stages_word_of(ACTIONS, s->action);
    refuse_others(w, s, "code", "exit", s->action == DO_EXIT);
    refuse_others(w, s, "code_annotation", "exit", s->action == DO_EXIT);
    refuse_others(w, s, "reason", "wait", s->action == DO_WAIT);
    buf_addf(w->out, "\n weight %lld\n do " STR_FMT, (long long)s->weight, STR_ARG(word));
    if (s->action == DO_WAIT && s->reason.n == 0) {
        diag_add(w->d->diags, s->origin.place, "\"do: wait\" needs \"reason\"");
        w->ok = false;
    } else if (s->action == DO_WAIT) {
        w->ok &= check_word(w->d, s->reason, s->origin.place);
        buf_addf(w->out, " " STR_FMT, STR_ARG(s->reason));
    } else if (s->action == DO_EXIT && s->code_annotation.n) {
        w->ok &= check_word(w->d, s->code_annotation, s->origin.place);
        buf_addf(w->out, " annotation:" STR_FMT, STR_ARG(s->code_annotation));
    } else if (s->action == DO_EXIT) {
        buf_addf(w->out, " %lld", (long long)s->code);
    }
    buf_add_char(w->out, '\n');
}

static void add_stage(struct writing *w, const struct stage_entry *s)
{
    w->n = 0;
    buf_addf(w->out, "stage " STR_FMT "\n when", STR_ARG(s->origin.name));
    add_conditions(w, &s->when, false);
    add_conditions(w, &s->unless, true);
    if (w->n > STAGES_CONDITIONS_MAX) {
        diag_add(w->d->diags, s->origin.place, "at most %u conditions", STAGES_CONDITIONS_MAX);
        w->ok = false;
    }
    add_delay(w, s);
    add_action(w, s);
}

bool stages_compile(struct decode *d, const struct yaml_node *node, struct str path,
                    struct stages_texts *out)
{
    struct stages_entry *entry = ARENA_NEW(d->arena, struct stages_entry);
    struct buf text = {0}, nodes = {0};
    bool ok = schema_decode_object(d, &stages_shape, node, path, entry);
    struct writing w = {.d = d, .out = &text, .ok = true};
    for (size_t i = 0; i < entry->pods.n && i < STAGES_FILE_MAX; i++)
        if (entry->pods.ok[i])
            add_stage(&w, OBJECTS_AT(entry->pods, struct stage_entry, i));
    if (entry->pods.n > STAGES_FILE_MAX) {
        diag_add(d->diags, entry->origin.place, "at most %u stages", STAGES_FILE_MAX);
        ok = false;
    }
    ok &= node_stages_write(d, &entry->nodes, &nodes);
    if (ok && entry->pods.n + entry->nodes.n == 0) {
        diag_add(d->diags, entry->origin.place,
                 "nothing is described here: give \"pods\", \"nodes\" or both");
        ok = false;
    }
    out->pods = arena_str(d->arena, buf_str(&text));
    out->nodes = arena_str(d->arena, buf_str(&nodes));
    buf_free(&text);
    buf_free(&nodes);
    return ok && w.ok;
}

bool stages_load(struct arena *a, struct str file, struct str bytes, struct diags *diags,
                 struct stages_texts *out)
{
    struct source *source = ARENA_NEW(a, struct source);
    struct yaml_node *root;
    *source = (struct source){.file = file, .text = without_mark(bytes)};
    diags_init(diags, a, source);
    if (!read_yaml(a, source, NULL, &root, diags))
        return false;
    struct decode d = {.arena = a, .diags = diags, .source = source};
    refuse_bent_keys(root, str_empty, diags);
    bool ok = stages_compile(&d, root, str_empty, out) && diags->n == 0;
    diags_sort(diags);
    return ok;
}

static bool has_line(struct str bytes, struct str begin)
{
    for (ptrdiff_t at; (at = str_find(bytes, begin)) >= 0;
         bytes = str_sub(bytes, (size_t)at + 1, bytes.n))
        if (at == 0 || bytes.p[at - 1] == '\n')
            return true;
    return false;
}

bool stages_are_those(struct str bytes)
{
    bytes = without_mark(bytes);
    return has_line(bytes, STR("stages:")) && !has_line(bytes, STR("scenario:")) &&
           !has_line(bytes, STR("template:"));
}
