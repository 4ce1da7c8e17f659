/* Sizes of a Deployment's ReplicaSets: growing, shrinking, in proportion; old ones forgotten. */
#include "sim/kubeapi/controllers/deployment.h"

/* Did spec.replicas change since the sets were sized? */
bool deployment_is_scaling(const struct deployment *d)
{
    for (size_t i = 0; i < d->sets_n; i++) {
        int64_t desired;
        if (d->sets[i].replicas > 0 &&
            str_to_i64(ctl_annotation(d->sets[i].o, DESIRED), &desired) && desired != d->replicas)
            return true;
    }
    return false;
}

/* ---- in proportion ---- */

/* The only set with pods, or the newest when none has any; NULL: there are several. */
static struct rs *only_set(struct deployment *d)
{
    struct rs *only = NULL;
    for (size_t i = 0; i < d->sets_n; i++) {
        if (d->sets[i].replicas == 0)
            continue;
        if (only)
            return NULL;
        only = &d->sets[i];
    }
    if (only)
        return only;
    if (d->fresh)
        return d->fresh;
    return d->sets_n ? &d->sets[d->sets_n - 1] : NULL;
}

static int64_t rounded(int64_t a, int64_t b)
{
    return b ? (2 * a + b) / (2 * b) : 0;
}

static int64_t share_of(const struct deployment *d, const struct rs *s, int64_t to_add,
                        int64_t added)
{
    if (s->replicas == 0 || to_add == 0 || to_add == added)
        return 0;
    int64_t before = 0, left = to_add - added;
    if (!str_to_i64(ctl_annotation(s->o, MAX_REPLICAS), &before) || before == 0)
        (void)ctl_number(d->o, "status.replicas", &before);
    int64_t share = d->replicas == 0
                        ? -s->replicas
                        : rounded(s->replicas * (d->replicas + d->surge), before) - s->replicas;
    if (to_add > 0)
        return share < left ? share : left;
    return share > left ? share : left;
}

/* Larger ones first; of the same size the newer one when growing, the older one when shrinking. */
static void sort_sets(struct deployment *d, struct rs **order, size_t n, bool growing)
{
    for (size_t i = 1; i < n; i++) {
        struct rs *s = order[i];
        size_t at = i;
        for (; at > 0; at--) {
            struct rs *b = order[at - 1];
            bool earlier = s->replicas > b->replicas ||
                           (s->replicas == b->replicas &&
                            (growing ? s->created > b->created : s->created < b->created));
            if (!earlier)
                break;
            order[at] = b;
        }
        order[at] = s;
    }
}

static void scale_in_proportion(struct deployment *d)
{
    struct rs **order = ARENA_NEW_ARRAY(&d->c->a, struct rs *, d->sets_n + 1);
    int64_t *size = ARENA_NEW_ARRAY(&d->c->a, int64_t, d->sets_n + 1);
    size_t n = 0;
    for (size_t i = 0; i < d->sets_n; i++)
        if (d->sets[i].replicas > 0)
            order[n++] = &d->sets[i];
    int64_t allowed = d->replicas > 0 ? d->replicas + d->surge : 0, added = 0;
    int64_t to_add = allowed - deployment_wanted(d);
    sort_sets(d, order, n, to_add > 0);
    for (size_t i = 0; i < n; i++) {
        int64_t share = share_of(d, order[i], to_add, added);
        size[i] = order[i]->replicas + share;
        added += share;
    }
    if (n && to_add != added) /* what rounding left goes to the largest */
        size[0] += to_add - added;
    for (size_t i = 0; i < n && !d->lost; i++)
        (void)deployment_resize(d, order[i], size[i] > 0 ? size[i] : 0);
}

static bool is_saturated(const struct deployment *d)
{
    int64_t desired = -1;
    return d->fresh && str_to_i64(ctl_annotation(d->fresh->o, DESIRED), &desired) &&
           d->fresh->replicas == d->replicas && desired == d->replicas &&
           d->fresh->available == d->replicas;
}

void deployment_scale(struct deployment *d)
{
    struct rs *only = only_set(d);
    if (only) {
        (void)deployment_resize(d, only, d->replicas);
        return;
    }
    if (is_saturated(d)) {
        for (size_t i = 0; i < d->sets_n && !d->lost; i++)
            if (&d->sets[i] != d->fresh && d->sets[i].replicas > 0)
                (void)deployment_resize(d, &d->sets[i], 0);
        return;
    }
    if (d->rolling)
        scale_in_proportion(d);
}

/* ---- rolling ---- */

static bool grow_new(struct deployment *d)
{
    int64_t size =
        d->fresh->replicas > d->replicas ? d->replicas : deployment_new_size(d, d->fresh->replicas);
    return d->fresh->replicas != d->replicas && deployment_resize(d, d->fresh, size);
}

static int64_t lesser(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Pods that serve nobody cost no availability. */
static int64_t shrink_unhealthy(struct deployment *d, int64_t max)
{
    int64_t done = 0;
    for (size_t i = 0; i < d->sets_n && done < max && !d->lost; i++) {
        struct rs *s = &d->sets[i];
        if (s == d->fresh || s->replicas <= s->available)
            continue;
        int64_t n = lesser(max - done, s->replicas - s->available);
        if (deployment_resize(d, s, s->replicas - n))
            done += n;
    }
    return done;
}

static void shrink_healthy(struct deployment *d, int64_t max)
{
    int64_t available = 0;
    for (size_t i = 0; i < d->sets_n; i++)
        available += lesser(d->sets[i].available, d->sets[i].replicas);
    int64_t left = lesser(available - (d->replicas - d->unavailable), max);
    for (size_t i = 0; i < d->sets_n && left > 0 && !d->lost; i++) {
        struct rs *s = &d->sets[i];
        if (s == d->fresh || s->replicas == 0)
            continue;
        int64_t n = lesser(left, s->replicas);
        if (deployment_resize(d, s, s->replicas - n))
            left -= n;
    }
}

void deployment_roll(struct deployment *d)
{
    if (grow_new(d) || d->lost)
        return;
    int64_t old = deployment_wanted(d) - d->fresh->replicas;
    int64_t unavailable = d->fresh->replicas - d->fresh->available;
    int64_t max = d->replicas - d->unavailable;
    max = deployment_wanted(d) - max - (unavailable > 0 ? unavailable : 0);
    if (old == 0 || max <= 0)
        return;
    max -= shrink_unhealthy(d, max);
    if (!d->lost)
        shrink_healthy(d, max);
}

/* ---- history ---- */

void deployment_trim_history(struct deployment *d)
{
    int64_t limit = json_int_at(d->tree, "spec.revisionHistoryLimit", 10), old = 0;
    for (size_t i = 0; i < d->sets_n; i++)
        old += &d->sets[i] != d->fresh && d->sets[i].replicas == 0 && d->sets[i].has == 0;
    for (; old > limit; old--) {
        struct rs *first = NULL;
        for (size_t i = 0; i < d->sets_n; i++) {
            struct rs *s = &d->sets[i];
            if (s != d->fresh && s->o && s->replicas == 0 && s->has == 0 &&
                (!first || s->revision < first->revision))
                first = s;
        }
        if (!first)
            break; /* the others are not written yet */
        if (!first->o->deleting)
            (void)ctl_delete(d->c, T_REPLICA_SETS, first->o, -1); /* else it went by itself */
        *first = (struct rs){.replicas = -1};                     /* counted no more */
    }
    size_t n = 0;
    for (size_t i = 0; i < d->sets_n; i++) {
        if (d->sets[i].replicas < 0)
            continue;
        if (d->fresh == &d->sets[i])
            d->fresh = &d->sets[n];
        d->sets[n++] = d->sets[i];
    }
    d->sets_n = n;
}
