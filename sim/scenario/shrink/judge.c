/* Candidates: written as texts, looked up among those that were run before, run. */
#include "sim/scenario/shrink/shrink_internal.h"

bool shrink_over(void *shrinker)
{
    const struct shrinker *s = shrinker;
    return s->job->over(s->job->ctx);
}

bool shrink_is_same(const struct shrinker *s, const struct shrink_outcome *o)
{
    return o->end == SHRINK_FAILED && str_eq(o->kind, s->job->want.kind) &&
           str_eq(o->name, s->job->want.name);
}

static struct str written(struct shrinker *s)
{
    struct buf out = {0};
    tree_write(s->root, &out);
    struct str text = arena_str(s->arena, buf_str(&out));
    buf_free(&out);
    return text;
}

/* Runs what was not run before. outcomes[i] is that of texts[i]. */
static void judge_all(struct shrinker *s, const struct str *texts, size_t n,
                      const struct shrink_outcome **outcomes)
{
    struct str unknown[DDMIN_WIDTH_MAX];
    struct shrink_outcome *made = ARENA_NEW_ARRAY(s->arena, struct shrink_outcome, n + 1);
    size_t unknown_n = 0;
    for (size_t i = 0; i < n; i++)
        if (!map_has(&s->judged, texts[i])) {
            map_put(&s->judged, texts[i], &made[unknown_n]);
            unknown[unknown_n++] = texts[i];
        }
    if (unknown_n)
        s->job->run(s->job->ctx, unknown, unknown_n, made);
    s->runs += unknown_n;
    for (size_t i = 0; i < n; i++)
        outcomes[i] = map_get(&s->judged, texts[i]);
}

/* Shows or hides every fault: those of the timeline, and actions that inject one. */
static void hide_faults(struct shrinker *s, bool hide)
{
    static const char *const sections[] = {"faults", "steps"};
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        struct tree *section = tree_get(s->root, sections[i]);
        for (struct tree *t = section; t; t = tree_next(section, t)) {
            bool injects = t->kind == YAML_MAP && !t->hidden && tree_get(t, "fault");
            if (hide && injects)
                t->set_aside = t->hidden = true;
            else if (!hide && t->set_aside)
                t->set_aside = t->hidden = false;
        }
    }
}

/* How it ends without any fault. */
static const struct shrink_outcome *judge_faultless(struct shrinker *s)
{
    hide_faults(s, true);
    struct str text = written(s);
    hide_faults(s, false);
    const struct shrink_outcome *outcome = NULL;
    judge_all(s, &text, 1, &outcome);
    return outcome;
}

/* Without any fault it must not fail like this: a file that cannot work at all is not what was looked for. */
bool shrink_accepts(struct shrinker *s, const struct shrink_outcome *outcome)
{
    return shrink_is_same(s, outcome) && (!s->guarded || !shrink_is_same(s, judge_faultless(s)));
}

void shrink_guard(struct shrinker *s)
{
    const struct shrink_outcome *o = judge_faultless(s);
    s->guarded = o->end == SHRINK_PASSED || (o->end == SHRINK_FAILED && !shrink_is_same(s, o));
}

const struct shrink_outcome *shrink_judge(struct shrinker *s)
{
    struct str text = written(s);
    const struct shrink_outcome *outcome = NULL;
    judge_all(s, &text, 1, &outcome);
    return outcome;
}

static void tell(struct shrinker *s)
{
    struct shrink_size size = shrink_size_of(s->root);
    s->changed = true;
    if (s->job->progress)
        s->job->progress(s->job->ctx, s->stage, &size, s->runs);
}

bool shrink_fails_same(struct shrinker *s)
{
    bool same = shrink_accepts(s, shrink_judge(s));
    if (same)
        tell(s);
    return same;
}

/* ---- units ---- */

void shrink_add_unit(struct shrinker *s, struct tree *unit)
{
    if (unit && !unit->hidden && s->units_n < SHRINK_UNITS_MAX)
        s->units[s->units_n++] = unit;
}

static void apply(struct shrinker *s, const bool *keep)
{
    for (size_t i = 0; i < s->units_n; i++)
        s->units[i]->hidden = !keep[i];
}

static size_t first_same(void *ctx, const bool *const *candidates, size_t n)
{
    struct shrinker *s = ctx;
    struct str texts[DDMIN_WIDTH_MAX] = {{.n = 0}};
    const struct shrink_outcome *outcomes[DDMIN_WIDTH_MAX];
    bool before[SHRINK_UNITS_MAX];
    for (size_t i = 0; i < s->units_n; i++)
        before[i] = !s->units[i]->hidden;
    for (size_t i = 0; i < n; i++) {
        apply(s, candidates[i]);
        texts[i] = written(s);
    }
    judge_all(s, texts, n, outcomes);
    for (size_t i = 0; i < n; i++) {
        apply(s, candidates[i]);
        if (shrink_accepts(s, outcomes[i])) {
            tell(s);
            return i;
        }
    }
    apply(s, before);
    return n;
}

void shrink_units(struct shrinker *s, const char *stage)
{
    struct ddmin d = {.happens = first_same, .over = shrink_over, .ctx = s, .width = s->job->width};
    bool keep[SHRINK_UNITS_MAX];
    s->stage = stage;
    for (size_t i = 0; i < s->units_n; i++)
        keep[i] = true;
    (void)ddmin(&d, keep, s->units_n);
    apply(s, keep);
    s->units_n = 0;
}

/* ---- size ---- */

static size_t faults_in(const struct tree *t)
{
    size_t n = t->kind == YAML_MAP && tree_get(t, "fault") ? 1 : 0;
    for (const struct tree *c = t->first; c; c = c->next)
        n += c->hidden ? 0 : faults_in(c);
    return n;
}

struct shrink_size shrink_size_of(const struct tree *root)
{
    struct shrink_size size = {.steps = tree_count(tree_get(root, "steps"))};
    const struct tree *groups = tree_path(root, "topology.clusters");
    static const char *const sections[] = {"faults", "steps"};
    for (size_t i = 0; i < ARRAY_LEN(sections); i++)
        if (tree_get(root, sections[i]))
            size.faults += faults_in(tree_get(root, sections[i]));
    for (const struct tree *g = groups ? groups->first : NULL; g; g = g->next) {
        uint64_t n = 1;
        const struct tree *count = g->hidden ? NULL : tree_get(g, "count");
        if (!g->hidden && (!count || str_to_u64(count->text, &n)))
            size.clusters += (size_t)n;
    }
    return size;
}
