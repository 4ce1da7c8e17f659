/* Numbers of a file: how many, how long, which of them. Each is made as small as it may be; times go to round ones. */
#include "sim/scenario/shrink/shrink_internal.h"

#include "engine/base/timefmt.h"

struct number {
    struct shrinker *s;
    struct tree *node;
    const int64_t *ladder; /* value i stands for ladder[i] ns; NULL: for itself */
    int64_t passes; /* the greatest value with which it does not fail the same way; -1: none */
};

static void number_put(struct number *n, int64_t value)
{
    struct buf text = {0};
    if (n->ladder)
        duration_format(&text, n->ladder[value]);
    else
        buf_add_i64(&text, value);
    n->node->text = arena_str(n->s->arena, buf_str(&text));
    buf_free(&text);
}

static bool number_happens(void *ctx, int64_t value)
{
    struct number *n = ctx;
    number_put(n, value);
    bool same = shrink_fails_same(n->s);
    if (!same) /* they are tried upwards */
        n->passes = value;
    return same;
}

static bool number_over(void *ctx)
{
    return shrink_over(((struct number *)ctx)->s);
}

/* Says what happens with the next smaller one. */
static void number_note(struct number *n)
{
    struct str kept = n->node->text;
    if (n->passes < 0 || shrink_over(n->s))
        return;
    number_put(n, n->passes);
    const struct shrink_outcome *o = shrink_judge(n->s);
    if (o->end == SHRINK_PASSED)
        n->node->note =
            arena_printf(n->s->arena, "with " STR_FMT " it passes", STR_ARG(n->node->text));
    n->node->text = kept;
}

static void number_shrink(struct number *n, int64_t low, int64_t high)
{
    struct bisect b = {.happens = number_happens, .over = number_over, .ctx = n};
    struct str before = n->node->text;
    n->node->note = str_empty; /* what was said of it before more of the file went */
    n->passes = -1;
    int64_t least = bisect(&b, low, high);
    if (least < high)
        number_put(n, least);
    else
        n->node->text = before;
    number_note(n);
}

/* An entry that is a count: not below 1. NULL: it has none. */
static void shrink_count(struct shrinker *s, struct tree *node)
{
    struct number n = {.s = s, .node = node};
    int64_t value;
    if (node && str_to_i64(node->text, &value) && value >= 1)
        number_shrink(&n, 1, value);
}

/* A duration: one of the round ones below, or as it is. */
static void shrink_duration(struct shrinker *s, struct tree *node)
{
    static const int64_t round_s[] = {1,    2,    5,    10,   15,    20,    30,    45,
                                      60,   90,   120,  180,  300,   600,   900,   1200,
                                      1800, 2700, 3600, 7200, 10800, 21600, 43200, 86400};
    int64_t ladder[ARRAY_LEN(round_s) + 1], value;
    size_t n = 0;
    if (!duration_parse(node->text, &value))
        return;
    while (n < ARRAY_LEN(round_s) && round_s[n] * NS_PER_S < value) {
        ladder[n] = round_s[n] * NS_PER_S;
        n++;
    }
    ladder[n] = value;
    struct number number = {.s = s, .node = node, .ladder = ladder};
    number_shrink(&number, 0, (int64_t)n);
}

void shrink_clusters(struct shrinker *s)
{
    const struct tree *groups = tree_path(s->root, "topology.clusters");
    s->stage = "clusters";
    for (struct tree *g = groups ? groups->first : NULL; g; g = g->next)
        shrink_count(s, tree_get(g, "count"));
}

/* The end comes a second after the failure, on a whole second; then later, until it fails the same way again. */
void shrink_limit(struct shrinker *s)
{
    struct tree *limit = tree_get(tree_get(s->root, "clock"), "limit");
    int64_t at = shrink_judge(s)->at_ns, end;
    s->stage = "the end of the run";
    if (!limit || !duration_parse(limit->text, &end) || at < 0)
        return;
    struct str before = limit->text;
    struct buf text = {0};
    for (int64_t more = NS_PER_S; more <= 64 * NS_PER_S && !shrink_over(s); more *= 4) {
        int64_t shorter = (at / NS_PER_S + 1) * NS_PER_S + more - NS_PER_S;
        if (shorter >= end)
            break;
        buf_clear(&text);
        duration_format(&text, shorter);
        limit->text = arena_str(s->arena, buf_str(&text));
        if (shrink_fails_same(s)) {
            before = limit->text;
            break;
        }
    }
    limit->text = before;
    buf_free(&text);
}

/* "edge[0..4]" may be "edge[0]". */
static void shrink_range(struct shrinker *s, struct tree *node)
{
    struct str before = node->text;
    ptrdiff_t dots = str_find(before, STR("..")), open = str_find_char(before, '[');
    ptrdiff_t close = str_find_char(before, ']');
    if (open < 0 || dots < open || close < dots)
        return;
    node->text = arena_printf(s->arena, STR_FMT STR_FMT, STR_ARG(str_sub(before, 0, (size_t)dots)),
                              STR_ARG(str_sub(before, (size_t)close, before.n)));
    if (!shrink_fails_same(s))
        node->text = before;
}

static bool is_any(struct str key, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq_c(key, names[i]))
            return true;
    return false;
}

/* Replicas that are not said are more than one: said, there may be fewer. */
static void name_replicas(struct shrinker *s, struct tree *owner, const char *part)
{
    struct tree *inner = tree_get(owner, part);
    if (!inner || inner->kind != YAML_MAP || tree_get(inner, "replicas"))
        return;
    struct tree *replicas = tree_set(s->arena, inner, "replicas", YAML_INT, STR("1"));
    replicas->hidden = !shrink_fails_same(s);
}

void shrink_numbers(struct shrinker *s)
{
    static const char *const counts[] = {"nodes", "replicas", "times", "count"};
    static const char *const ranges[] = {"target", "heal", "process.kill", "process.restart"};
    struct tree *topology = tree_get(s->root, "topology");
    s->stage = "numbers";
    for (struct tree *t = s->root; t && !shrink_over(s); t = tree_next(s->root, t)) {
        bool scalar = t->kind != YAML_MAP && t->kind != YAML_LIST && !t->hidden;
        if (scalar && is_any(t->key, counts, ARRAY_LEN(counts)))
            shrink_count(s, t);
        else if (scalar && is_any(t->key, ranges, ARRAY_LEN(ranges)))
            shrink_range(s, t);
        else if (scalar && str_eq_c(t->key, "for"))
            shrink_duration(s, t);
    }
    const struct tree *sites = tree_get(topology, "sites");
    const struct tree *groups = tree_get(topology, "clusters");
    for (struct tree *t = sites ? sites->first : NULL; t && !shrink_over(s); t = t->next)
        name_replicas(s, t, "manager");
    for (struct tree *t = groups ? groups->first : NULL; t && !shrink_over(s); t = t->next)
        name_replicas(s, t, "agent");
}
