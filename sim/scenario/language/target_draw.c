/* One member of what a target names, and whether two targets have members in common. */
#include "sim/scenario/language/target.h"

/* ---- one of several ---- */

/* Things of one kind, grouped: replicas of sites, clusters of groups. */
struct groups {
    const struct str *names;
    const int64_t *counts; /* NULL: one each */
    size_t n;
};

static int64_t first_of(const struct target_end *t)
{
    return t->first < 0 ? 0 : t->first;
}

/* How many members group g adds. */
static int64_t members_of(const struct target_end *t, const struct groups *of, size_t g)
{
    int64_t all = of->counts ? of->counts[g] : 1;
    if (!t->any && t->index != (int32_t)g)
        return 0;
    if (t->first < 0)
        return all;
    int64_t end = t->last < all ? t->last + 1 : all;
    return end > t->first ? end - t->first : 0;
}

static bool draw_member(const struct target_end *t, const char *kind, const struct groups *of,
                        struct rng *rng, struct buf *out)
{
    uint64_t total = 0;
    for (size_t g = 0; g < of->n; g++)
        total += (uint64_t)members_of(t, of, g);
    if (total == 0)
        return false;
    int64_t at = (int64_t)rng_below(rng, total);
    size_t g = 0;
    for (; at >= members_of(t, of, g); g++)
        at -= members_of(t, of, g);
    buf_addf(out, "%s/" STR_FMT, kind, STR_ARG(of->names[g]));
    if (of->counts)
        buf_addf(out, "[%lld]", (long long)(first_of(t) + at));
    if ((t->kind == TARGET_AGENT || t->kind == TARGET_HOLDER) && t->slot >= 0)
        buf_addf(out, "/%lld", (long long)t->slot);
    return true;
}

static bool draw_end(const struct target_end *t, const struct target_names *names, struct rng *rng,
                     struct buf *out)
{
    const struct groups sites = {names->sites, NULL, names->sites_n};
    const struct groups replicas = {names->sites, names->site_replicas, names->sites_n};
    const struct groups clusters = {names->groups, names->group_counts, names->groups_n};
    const struct groups resolvers = {names->resolvers, NULL, names->resolvers_n};
    const char *kind = target_kind_name(t->kind);
    switch (t->kind) {
    case TARGET_SITE:
    case TARGET_LEADER:
        return draw_member(t, kind, &sites, rng, out);
    case TARGET_FOLLOWER:
        return draw_member(t, kind, t->first < 0 ? &sites : &replicas, rng, out);
    case TARGET_MANAGER:
    case TARGET_HELD:
        return draw_member(t, kind, &replicas, rng, out);
    case TARGET_CLUSTER:
    case TARGET_AGENT:
    case TARGET_HOLDER:
    case TARGET_NODE:
        return draw_member(t, kind, &clusters, rng, out);
    case TARGET_API:
        return draw_member(t, kind, t->of_site ? &sites : &clusters, rng, out);
    case TARGET_RESOLVER:
        return draw_member(t, kind, &resolvers, rng, out);
    default:
        buf_add_c(out, kind);
        return true;
    }
}

bool target_draw(const struct target *t, const struct target_names *names, struct rng *rng,
                 struct buf *out)
{
    if (t->kind != TARGET_LINK)
        return draw_end(&t->a, names, rng, out);
    buf_add_c(out, "link/");
    if (!draw_end(&t->a, names, rng, out))
        return false;
    buf_add_char(out, '/');
    return draw_end(&t->b, names, rng, out);
}

/* ---- what two have in common ---- */

/* What a target is made of: managers and an API at a site; agents, an API and nodes in a cluster. */
enum { PART_MANAGER = 1, PART_API = 2, PART_AGENT = 4, PART_NODE = 8, PART_RESOLVER = 16 };

struct reach {
    bool at_sites;
    uint32_t parts;
};

static struct reach reach_of(const struct target_end *t)
{
    switch (t->kind) {
    case TARGET_SITE:
        return (struct reach){true, PART_MANAGER | PART_API};
    case TARGET_MANAGER:
    case TARGET_LEADER: /* any replica may lead */
    case TARGET_FOLLOWER:
    case TARGET_HOLDER:
        return (struct reach){true, PART_MANAGER};
    case TARGET_CLUSTER:
        return (struct reach){false, PART_AGENT | PART_API | PART_NODE};
    case TARGET_AGENT:
    case TARGET_HELD:
        return (struct reach){false, PART_AGENT};
    case TARGET_NODE:
        return (struct reach){false, PART_NODE};
    case TARGET_API:
        return (struct reach){t->of_site, PART_API};
    case TARGET_DNS:
    case TARGET_RESOLVER:
        return (struct reach){false, PART_RESOLVER};
    default:
        return (struct reach){false, 0};
    }
}

/* Where a tunnel ends, and whose do, is known only then. */
static bool is_anywhere(const struct target_end *t)
{
    return t->kind == TARGET_HOLDER || t->kind == TARGET_HELD;
}

static bool ends_overlap(const struct target_end *a, const struct target_end *b)
{
    struct reach x = reach_of(a), y = reach_of(b);
    if (!(x.parts & y.parts) || x.at_sites != y.at_sites)
        return false;
    if (is_anywhere(a) || is_anywhere(b))
        return true;
    if (!a->any && !b->any && a->index != b->index)
        return false;
    if (a->kind == TARGET_AGENT && b->kind == TARGET_AGENT && a->slot >= 0 && b->slot >= 0 &&
        a->slot != b->slot)
        return false;
    if (a->kind == TARGET_FOLLOWER || b->kind == TARGET_FOLLOWER)
        return true; /* its number counts the others as well */
    return a->first < 0 || b->first < 0 || (a->first <= b->last && b->first <= a->last);
}

bool target_overlaps(const struct target *a, const struct target *b)
{
    if (a->kind == TARGET_ALL || b->kind == TARGET_ALL)
        return true;
    if (a->kind == TARGET_LINK && b->kind == TARGET_LINK)
        return (ends_overlap(&a->a, &b->a) && ends_overlap(&a->b, &b->b)) ||
               (ends_overlap(&a->a, &b->b) && ends_overlap(&a->b, &b->a));
    if (a->kind == TARGET_LINK)
        return ends_overlap(&a->a, &b->a) || ends_overlap(&a->b, &b->a);
    if (b->kind == TARGET_LINK)
        return target_overlaps(b, a);
    return ends_overlap(&a->a, &b->a);
}
