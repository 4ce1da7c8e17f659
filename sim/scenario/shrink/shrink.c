/* The stages of shrinking, why each line is left, and the head of the file. */
#include "sim/scenario/shrink/shrink_internal.h"

#include "engine/base/timefmt.h"

#define ROUNDS_MAX 4 /* over all stages */

/* ---- what may go ---- */

static void add_children(struct shrinker *s, const char *path)
{
    struct tree *list = tree_path(s->root, path);
    for (struct tree *t = list ? list->first : NULL; t; t = t->next)
        shrink_add_unit(s, t);
}

static bool is_the_assertion(const struct shrinker *s, const struct tree *assertion)
{
    const struct tree *name = tree_get(assertion, "name");
    return str_eq_c(s->job->want.kind, "assert") && name && str_eq(name->text, s->job->want.name);
}

/* Everything that only looks on. */
static void drop_onlookers(struct shrinker *s)
{
    static const char *const sections[] = {"tags",  "measure",  "report",     "budget",
                                           "quiet", "policies", "on_failure", "reference"};
    for (size_t i = 0; i < ARRAY_LEN(sections); i++)
        shrink_add_unit(s, tree_get(s->root, sections[i]));
    struct tree *asserts = tree_get(s->root, "assert");
    for (struct tree *t = asserts ? asserts->first : NULL; t; t = t->next)
        if (!is_the_assertion(s, t))
            shrink_add_unit(s, t);
    shrink_units(s, "what only looks on");
}

/* An action that is no fault: what operators do. */
static bool is_of_operators(const struct tree *action)
{
    return !tree_get(action, "fault");
}

/* Where it fails without any fault as well, what operators do is what it takes: a name that moves to a site that nobody
 * promotes fails whatever the engine does. */
static bool may_go(const struct shrinker *s, const struct tree *step)
{
    const struct tree *actions = tree_get(step, "do");
    if (s->guarded || !actions)
        return true;
    if (actions->kind == YAML_MAP)
        return !is_of_operators(actions);
    for (const struct tree *a = actions->first; a; a = a->next)
        if (!a->hidden && is_of_operators(a))
            return false;
    return true;
}

static void drop_faults(struct shrinker *s)
{
    add_children(s, "faults");
    struct tree *steps = tree_get(s->root, "steps");
    for (struct tree *t = steps ? steps->first : NULL; t; t = t->next)
        if (!t->hidden && may_go(s, t))
            shrink_add_unit(s, t);
    for (struct tree *t = steps ? steps->first : NULL; t; t = t->next) {
        struct tree *actions = t->hidden ? NULL : tree_get(t, "do");
        for (struct tree *a = actions && actions->kind == YAML_LIST ? actions->first : NULL; a;
             a = a->next)
            if (tree_count(actions) > 1 && (s->guarded || !is_of_operators(a)))
                shrink_add_unit(s, a);
    }
    shrink_units(s, "faults and steps");
}

/* Entries below `root`, but not those whose default would be more, none of what names something, and no actions: of them
 * there are those that have to stay, see drop_faults. */
static void add_fields(struct shrinker *s, struct tree *root)
{
    static const char *const kept[] = {"count", "nodes",  "replicas", "limit",  "start", "name",
                                       "at",    "after",  "for",      "target", "do",    "wait",
                                       "fault", "repeat", "each",     "until",  "within"};
    for (struct tree *t = root; t; t = tree_next(root, t)) {
        bool action = t->parent->kind == YAML_LIST && str_eq_c(t->parent->key, "do");
        bool stays = t == root || t->hidden || action;
        for (size_t i = 0; i < ARRAY_LEN(kept); i++)
            stays = stays || str_eq_c(t->key, kept[i]);
        if (!stays)
            shrink_add_unit(s, t);
    }
}

static void drop_topology(struct shrinker *s)
{
    add_fields(s, tree_get(s->root, "topology"));
    add_fields(s, tree_get(s->root, "clock"));
    add_children(s, "policies");
    add_children(s, "traffic");
    shrink_units(s, "topology");
}

static void drop_fields(struct shrinker *s)
{
    static const char *const sections[] = {"faults", "steps"};
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        struct tree *list = tree_get(s->root, sections[i]);
        for (struct tree *t = list ? list->first : NULL; t; t = t->next)
            if (!t->hidden)
                add_fields(s, t);
    }
    shrink_units(s, "fields");
}

/* What is done once needs no `repeat`. */
static void unroll(struct shrinker *s)
{
    struct tree *steps = tree_get(s->root, "steps");
    s->stage = "repeats";
    for (struct tree *t = steps ? steps->first : NULL; t && !shrink_over(s); t = t->next) {
        struct tree *repeat = t->hidden ? NULL : tree_get(t, "repeat");
        struct tree *times = tree_get(repeat, "times");
        if (!times || !str_eq_c(times->text, "1"))
            continue;
        repeat->hidden = true;
        for (struct tree *n = t; n; n = tree_next(t, n)) {
            ptrdiff_t at = str_find(n->text, STR("${i}"));
            if (at >= 0)
                n->text = arena_printf(s->arena, STR_FMT "0" STR_FMT,
                                       STR_ARG(str_sub(n->text, 0, (size_t)at)),
                                       STR_ARG(str_sub(n->text, (size_t)at + 4, n->text.n)));
        }
        if (!shrink_fails_same(s)) /* texts without ${i} do not matter where it is repeated once */
            repeat->hidden = false;
    }
}

static bool reduce(struct shrinker *s)
{
    drop_onlookers(s);
    shrink_limit(s);
    shrink_clusters(s);
    for (int round = 0; round < ROUNDS_MAX && !shrink_over(s); round++) {
        s->changed = false;
        drop_faults(s);
        drop_topology(s);
        drop_fields(s);
        shrink_numbers(s);
        unroll(s);
        drop_onlookers(s);
        shrink_limit(s);
        if (!s->changed)
            break;
    }
    return !shrink_over(s);
}

/* ---- why each line is left ---- */

static struct str ends(struct shrinker *s, const struct shrink_outcome *o)
{
    if (o->end == SHRINK_PASSED)
        return STR("without it: passes");
    if (o->end == SHRINK_INVALID)
        return STR("others refer to it");
    if (shrink_is_same(s, o))
        return shrink_accepts(s, o) ? str_empty
                                    : STR("without it: fails without any fault as well");
    if (o->end == SHRINK_UNJUDGED)
        return str_empty;
    return arena_printf(s->arena, "without it: fails otherwise (" STR_FMT " \"" STR_FMT "\")",
                        STR_ARG(o->kind), STR_ARG(o->name));
}

static void explain(struct shrinker *s, const char *path)
{
    struct tree *list = tree_path(s->root, path);
    for (struct tree *t = list ? list->first : NULL; t && !shrink_over(s); t = t->next) {
        if (t->hidden)
            continue;
        t->hidden = true;
        t->note = ends(s, shrink_judge(s));
        t->hidden = false;
    }
}

static void explain_all(struct shrinker *s)
{
    static const char *const lists[] = {"faults",         "steps",
                                        "policies",       "traffic",
                                        "topology.sites", "topology.clusters",
                                        "topology.links", "topology.dns.resolvers"};
    s->stage = "why each line is left";
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        explain(s, lists[i]);
    struct tree *asserts = tree_get(s->root, "assert");
    for (struct tree *t = asserts ? asserts->first : NULL; t; t = t->next)
        if (!t->hidden && is_the_assertion(s, t))
            t->note = STR("this is what fails");
}

/* ---- the file ---- */

void shrink_tell(const struct shrink_summary *sum, struct buf *out)
{
    buf_addf(out, "%zu of %zu faults, %zu of %zu steps, %zu of %zu clusters left after %zu runs",
             sum->after.faults, sum->before.faults, sum->after.steps, sum->before.steps,
             sum->after.clusters, sum->before.clusters, sum->runs);
}

static void write_head(struct shrinker *s, const struct shrink_outcome *last,
                       const struct shrink_summary *sum, struct buf *out)
{
    const struct shrink_job *job = s->job;
    struct buf line = {0};
    buf_addf(&line, "Shrunk from " STR_FMT ": ", STR_ARG(job->origin));
    shrink_tell(sum, &line);
    if (job->spent_ns)
        buf_addf(&line, " and %lld s", (long long)(job->spent_ns(job->ctx) / NS_PER_S + 1));
    buf_add_c(&line, ".");
    tree_comment(buf_str(&line), 0, out);
    if (!sum->complete)
        tree_comment(STR("The time was over: it may be smaller still."), 0, out);
    buf_clear(&line);
    buf_addf(&line, "It fails: " STR_FMT " \"" STR_FMT "\"", STR_ARG(last->kind),
             STR_ARG(last->name));
    if (last->at_ns >= 0) {
        buf_add_c(&line, " at ");
        duration_format(&line, last->at_ns);
    }
    buf_addf(&line, ": " STR_FMT, STR_ARG(last->text));
    tree_comment(buf_str(&line), 0, out);
    buf_clear(&line);
    buf_addf(&line, "Again: " STR_FMT, STR_ARG(job->again));
    tree_comment(buf_str(&line), 0, out);
    buf_free(&line);
}

static struct err *load(struct shrinker *s)
{
    struct yaml_node *root;
    struct err *err = yaml_parse(s->arena, STR("frozen"), s->job->text, &root);
    if (err)
        return err;
    s->root = tree_of(s->arena, root);
    const struct shrink_outcome *o = shrink_judge(s);
    if (shrink_is_same(s, o))
        return NULL;
    return err_new(ERR_INVALID,
                   "with everything put in, it does not fail the same way: %s " STR_FMT
                   " \"" STR_FMT "\" " STR_FMT,
                   o->end == SHRINK_PASSED    ? "it passes"
                   : o->end == SHRINK_INVALID ? "it is no scenario"
                                              : "seen:",
                   STR_ARG(o->kind), STR_ARG(o->name), STR_ARG(o->text));
}

struct err *shrink(const struct shrink_job *job, struct buf *out, struct shrink_summary *sum)
{
    BUG_ON(job->width == 0 || job->width > DDMIN_WIDTH_MAX, "a few at a time");
    struct shrinker *s = MEM_NEW(struct shrinker);
    s->job = job;
    s->arena = job->arena;
    s->stage = "the whole";
    struct err *err = load(s);
    if (!err) {
        sum->before = shrink_size_of(s->root);
        shrink_guard(s);
        sum->complete = reduce(s);
        const struct shrink_outcome *last = shrink_judge(s);
        explain_all(s);
        sum->after = shrink_size_of(s->root);
        sum->runs = s->runs;
        write_head(s, last, sum, out);
        tree_write(s->root, out);
    }
    map_free(&s->judged);
    mem_free(s);
    return err;
}
