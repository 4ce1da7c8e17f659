#include "sim/scenario/run/involved.h"

#include "engine/base/map.h"

#define SEGMENTS_MAX 8u

struct finder {
    struct arena *arena;
    const struct report_run *run;
    struct map
        known; /* names that events and lanes have, and what encloses them: edge-0/agent-0, edge-0 */
    struct str *components;
    size_t n;
};

/* ---- words ---- */

static bool is_inner(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '/' || c == '.' || c == '[' || c == ']';
}

/* The next word; false: no more. */
static bool next_word(struct str *rest, struct str *word)
{
    size_t from = 0, to;
    while (from < rest->n && !is_inner(rest->p[from]))
        from++;
    for (to = from; to < rest->n && is_inner(rest->p[to]);)
        to++;
    *word = str_sub(*rest, from, to - from);
    *rest = str_sub(*rest, to, rest->n);
    while (word->n > 0 && (word->p[word->n - 1] == '.' || word->p[word->n - 1] == '/'))
        word->n--;
    return to > from;
}

/* edge[1] is edge-1. */
static struct str plain_word(struct arena *a, struct str word)
{
    struct buf out = {0};
    for (size_t i = 0; i < word.n; i++)
        if (word.p[i] == '[')
            buf_add_char(&out, '-');
        else if (word.p[i] != ']')
            buf_add_char(&out, word.p[i]);
    struct str plain = arena_str(a, buf_str(&out));
    buf_free(&out);
    return plain;
}

static struct str first_word(struct str text)
{
    struct str word, rest;
    str_cut(text, ' ', &word, &rest);
    return word;
}

static bool is_within(struct str name, struct str of)
{
    return str_starts(name, of) && (name.n == of.n || name.p[of.n] == '/');
}

/* ---- names ---- */

/* The name and what encloses it. */
static void learn(struct finder *f, struct str name)
{
    for (size_t end = name.n; end > 0; end--) {
        struct str part = str_sub(name, 0, end);
        bool whole = end == name.n || name.p[end] == '/';
        if (whole && !str_eq_c(part, "site")) /* what all sites begin with is none */
            map_put(&f->known, part, f);
    }
}

static void learn_all(struct finder *f)
{
    for (size_t i = 0; i < f->run->timeline_n; i++)
        learn(f, first_word(f->run->timeline[i].text));
    for (size_t i = 0; i < f->run->lanes_n; i++)
        learn(f, f->run->lanes[i].name);
    map_remove(&f->known, str_empty);
}

static bool add_component(struct finder *f, struct str name)
{
    if (!map_has(&f->known, name))
        return false;
    for (size_t i = 0; i < f->n; i++)
        if (str_eq(f->components[i], name))
            return true;
    if (f->n < INVOLVED_COMPONENTS_MAX)
        f->components[f->n++] = arena_str(f->arena, name);
    return true;
}

/* The longest known names among the parts of a path: link/cluster/edge-1/site/a names edge-1 and site/a. */
static void add_parts(struct finder *f, struct str path)
{
    size_t ends[SEGMENTS_MAX + 1], n = 0;
    ends[n++] = 0;
    for (size_t i = 0; i < path.n && n < SEGMENTS_MAX; i++)
        if (path.p[i] == '/')
            ends[n++] = i + 1;
    ends[n] = path.n + 1;
    for (size_t from = 0; from < n; from++)
        for (size_t to = n; to > from; to--)
            if (add_component(f, str_sub(path, ends[from], ends[to] - 1 - ends[from]))) {
                from = to - 1;
                break;
            }
}

static void add_words(struct finder *f, struct str text)
{
    struct arena words = {0};
    struct str word;
    while (next_word(&text, &word))
        add_parts(f, plain_word(&words, word));
    arena_free(&words);
}

/* ---- events ---- */

static bool concerns(const struct finder *f, const struct report_event *e)
{
    struct str about = first_word(e->text);
    for (size_t i = 0; i < f->n; i++) {
        struct str c = f->components[i];
        if (is_within(about, c) || (is_within(c, about) && about.n > 0) ||
            str_eq(f->run->lanes[e->lane].name, c))
            return true;
    }
    return f->n == 0;
}

/* Faults say what they are aimed at. */
static bool strikes(const struct finder *f, const struct report_event *e)
{
    struct finder aim = *f;
    struct str found[INVOLVED_COMPONENTS_MAX];
    struct arena words = {0};
    bool hits = false;
    if (!str_starts(e->kind, STR("fault.")))
        return false;
    aim.arena = &words;
    aim.components = found;
    aim.n = 0;
    add_words(&aim, e->text);
    for (size_t i = 0; i < aim.n && !hits; i++)
        for (size_t k = 0; k < f->n && !hits; k++)
            hits = is_within(f->components[k], found[i]) || is_within(found[i], f->components[k]);
    arena_free(&words);
    return hits;
}

static void take_events(struct finder *f, int64_t until_ns, struct report_failure *failure)
{
    uint32_t last[INVOLVED_EVENTS_MAX];
    size_t n = 0;
    for (size_t i = f->run->timeline_n; i > 0 && n < INVOLVED_EVENTS_MAX; i--) {
        const struct report_event *e = &f->run->timeline[i - 1];
        if (e->at_ns <= until_ns && (concerns(f, e) || strikes(f, e)))
            last[n++] = (uint32_t)(i - 1);
    }
    uint32_t *events = ARENA_NEW_ARRAY(f->arena, uint32_t, n + 1);
    for (size_t i = 0; i < n; i++)
        events[i] = last[n - 1 - i];
    failure->events = events;
    failure->events_n = n;
}

static const struct report_fault *fault_named(const struct report_run *run, struct str name)
{
    for (size_t i = 0; i < run->faults_n; i++)
        if (str_eq(run->faults[i].name, name))
            return &run->faults[i];
    return NULL;
}

static void involve(struct finder *f, struct report_failure *failure)
{
    const struct report_fault *fault =
        str_eq_c(failure->kind, "fault") ? fault_named(f->run, failure->name) : NULL;
    int64_t until_ns = failure->at_ns >= 0 ? failure->at_ns : f->run->simulated_ns;
    f->components = ARENA_NEW_ARRAY(f->arena, struct str, INVOLVED_COMPONENTS_MAX);
    f->n = 0;
    if (fault) {
        add_words(f, fault->target);
        until_ns = fault->end_ns >= 0 ? fault->end_ns : f->run->simulated_ns;
    } else {
        add_words(f, failure->seen.n ? failure->seen : failure->text);
    }
    take_events(f, until_ns, failure);
    failure->components = f->components;
    failure->components_n = f->n;
}

void involved_add(struct arena *a, struct report_run *run)
{
    struct report_failure *failures =
        ARENA_NEW_ARRAY(a, struct report_failure, run->failures_n + 1);
    struct finder f = {.arena = a, .run = run};
    if (run->failures_n == 0)
        return;
    learn_all(&f);
    for (size_t i = 0; i < run->failures_n; i++) {
        failures[i] = run->failures[i];
        if (i < INVOLVED_FAILURES_MAX)
            involve(&f, &failures[i]);
    }
    run->failures = failures;
    map_free(&f.known);
}
