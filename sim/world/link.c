/* Links between zones: the link of two zones, and the latency table. */
#include "sim/world/sim_internal.h"

/* The shape between the quantiles, in 1/1024: position i is the quantile i/64. Up to the median it is a share of p50
 * (a path is never much faster than its median); from there to p99 a share of the way to p99 with the usual long tail;
 * the last step reaches an eighth of that way beyond p99. Integers, so that every machine draws the same. */
#define SHAPE_STEPS 64u
#define SHAPE_ONE   1024
static const int16_t shape[SHAPE_STEPS + 1] = {
    768, 800, 824, 840, 852, 862, 871, 879, 886, 893, 899, 905, 911, 916,  921,  926, 931,
    936, 941, 946, 951, 956, 961, 966, 971, 976, 981, 987, 993, 999, 1006, 1014, 0,   8,
    17,  26,  35,  45,  55,  66,  77,  89,  101, 114, 127, 141, 156, 172,  189,  207, 226,
    247, 270, 295, 323, 354, 389, 429, 475, 529, 594, 675, 786, 960, 1152,
};

world_time sim_latency_draw(const struct sim_latency *l, struct rng *r)
{
    if (l->p99 <= l->p50)
        return l->p50;
    uint64_t draw = rng_u64(r);
    size_t i = draw & (SHAPE_STEPS - 1);
    int64_t within = (int64_t)((draw >> 32) & (SHAPE_ONE - 1)); /* between steps i and i + 1 */
    int64_t low = shape[i], high = i + 1 == SHAPE_STEPS / 2 ? SHAPE_ONE : shape[i + 1];
    int64_t at = low * SHAPE_ONE + (high - low) * within; /* in 1/SHAPE_ONE² */
    int64_t scale = i < SHAPE_STEPS / 2 ? l->p50 : l->p99 - l->p50;
    int64_t base = i < SHAPE_STEPS / 2 ? 0 : l->p50;
    return base + (int64_t)((__int128)scale * at / (SHAPE_ONE * SHAPE_ONE));
}

static const struct sim_link same_zone = {.latency = {300 * NS_PER_US, NS_PER_MS}},
                             far = {.latency = {10 * NS_PER_MS, 40 * NS_PER_MS}};

static struct str pair_key(uint32_t pair[2], const struct sim_zone *a, const struct sim_zone *b)
{
    bool swap = a->index > b->index;
    pair[0] = (uint32_t)(swap ? b : a)->index;
    pair[1] = (uint32_t)(swap ? a : b)->index;
    return (struct str){(const char *)pair, 2 * sizeof(pair[0])};
}

/* The most particular link: of the zones themselves, else of those that they are parts of ("site/a" of "site"). */
const struct sim_link *link_between(struct sim *sim, const struct sim_zone *a,
                                    const struct sim_zone *b)
{
    uint32_t pair[2];
    const struct sim_link *own = map_get(&sim->links, pair_key(pair, a, b));
    if (own)
        return own;
    if (a == b)
        return &same_zone;
    for (const struct sim_zone *za = a; za; za = za->parent)
        for (const struct sim_zone *zb = b; zb; zb = zb->parent) {
            const struct sim_link *link = map_get(&sim->links, pair_key(pair, za, zb));
            if (link)
                return link;
        }
    return &far;
}

void sim_link_set(struct sim *sim, struct str zone_a, struct str zone_b,
                  const struct sim_link *link)
{
    BUG_ON(link->latency.p50 < 0 || link->bytes_per_second < 0, "a link is not faster than light");
    BUG_ON(link->loss >= SIM_MILLION, "a link that loses everything is a partition");
    uint32_t pair[2];
    struct str key = pair_key(pair, zone_get(sim, zone_a), zone_get(sim, zone_b));
    struct sim_link *l = map_get(&sim->links, key);
    if (!l) {
        l = MEM_NEW(struct sim_link);
        map_put(&sim->links, key, l);
    }
    *l = *link;
    sim->fault_epoch++; /* connections look their link up again */
}

void links_free(struct sim *sim)
{
    void *link;
    for (size_t i = 0; map_next(&sim->links, &i, NULL, &link);)
        mem_free(link);
    map_free(&sim->links);
}
