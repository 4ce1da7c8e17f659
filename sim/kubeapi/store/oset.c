#include "sim/kubeapi/store/oset.h"

#include "sim/kubeapi/store/store.h"
#include <string.h>

struct oset_chunk {
    uint32_t refs, n, cap;
    struct kube_object *o[];
};

int store_key_cmp(struct str ns_a, struct str name_a, struct str ns_b, struct str name_b)
{
    size_t n = ns_a.n < ns_b.n ? ns_a.n : ns_b.n;
    int order = n > 0 ? memcmp(ns_a.p, ns_b.p, n) : 0;
    if (order != 0)
        return order;
    if (ns_a.n != ns_b.n) { /* the shorter one goes on with the slash of "ns/name" */
        unsigned char a = n < ns_a.n ? (unsigned char)ns_a.p[n] : '/';
        unsigned char b = n < ns_b.n ? (unsigned char)ns_b.p[n] : '/';
        return a < b ? -1 : 1;
    }
    return str_cmp(name_a, name_b);
}

static int cmp(const struct kube_object *o, struct str ns, struct str name)
{
    return store_key_cmp(o->ns, o->name, ns, name);
}

static struct oset_chunk *chunk_new(uint32_t cap)
{
    struct oset_chunk *c = mem_alloc(sizeof(*c) + cap * sizeof(c->o[0]));
    c->refs = 1;
    c->cap = cap;
    return c;
}

static void chunk_unref(struct oset_chunk *c)
{
    if (--c->refs > 0)
        return;
    for (uint32_t i = 0; i < c->n; i++)
        kube_object_unref(c->o[i]);
    mem_free(c);
}

/* The chunk at i, ours alone and with room for one more (chunks grow by doubling up to OSET_CHUNK_MAX). */
static struct oset_chunk *chunk_own(struct oset *s, size_t i, bool grow)
{
    struct oset_chunk *c = s->chunks[i];
    bool full = grow && c->n == c->cap;
    if (c->refs == 1 && !full)
        return c;
    struct oset_chunk *mine = chunk_new(full ? c->cap * 2 : c->cap);
    mine->n = c->n;
    memcpy(mine->o, c->o, c->n * sizeof(c->o[0]));
    if (c->refs == 1) {
        mem_free(c); /* its references moved over */
    } else {
        c->refs--;
        for (uint32_t k = 0; k < mine->n; k++)
            kube_object_ref(mine->o[k]);
    }
    s->chunks[i] = mine;
    return mine;
}

static void chunks_insert(struct oset *s, size_t i, struct oset_chunk *c)
{
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 4;
        s->chunks = mem_resize(s->chunks, s->cap * sizeof(struct oset_chunk *));
    }
    memmove(s->chunks + i + 1, s->chunks + i, (s->n - i) * sizeof(struct oset_chunk *));
    s->chunks[i] = c;
    s->n++;
}

static void chunks_remove(struct oset *s, size_t i)
{
    s->n--;
    memmove(s->chunks + i, s->chunks + i + 1, (s->n - i) * sizeof(struct oset_chunk *));
}

/* The last chunk whose first object is not behind the key (0 when there is none). */
static size_t chunk_of(const struct oset *s, struct str ns, struct str name)
{
    size_t lo = 1, hi = s->n; /* the first one's objects need not be looked at */
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (cmp(s->chunks[mid]->o[0], ns, name) <= 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo - 1;
}

static uint32_t place_in(const struct oset_chunk *c, struct str ns, struct str name, bool *found)
{
    uint32_t lo = 0, hi = c->n;
    *found = false;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int order = cmp(c->o[mid], ns, name);
        if (order == 0) {
            *found = true;
            return mid;
        }
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

void oset_seek(const struct oset *s, struct str ns, struct str name, size_t *chunk, size_t *at)
{
    bool found;
    *chunk = chunk_of(s, ns, name);
    *at = s->n > 0 ? place_in(s->chunks[*chunk], ns, name, &found) : 0;
}

bool oset_step(const struct oset *s, size_t *chunk, size_t *at, struct kube_object **o)
{
    while (*chunk < s->n && *at >= s->chunks[*chunk]->n) {
        ++*chunk;
        *at = 0;
    }
    if (*chunk >= s->n)
        return false;
    *o = s->chunks[*chunk]->o[(*at)++];
    return true;
}

struct kube_object *oset_get(const struct oset *s, struct str ns, struct str name)
{
    if (s->n == 0)
        return NULL;
    bool found;
    const struct oset_chunk *c = s->chunks[chunk_of(s, ns, name)];
    uint32_t at = place_in(c, ns, name, &found);
    return found ? c->o[at] : NULL;
}

/* Makes room in a full chunk. A set that grows at its end starts a new chunk instead of leaving halves behind. */
static size_t split(struct oset *s, size_t i, uint32_t at)
{
    struct oset_chunk *c = chunk_own(s, i, false);
    bool at_end = i + 1 == s->n && at == c->n;
    uint32_t keep = at_end ? c->n : c->n / 2;
    struct oset_chunk *right = chunk_new(at_end ? 16 : OSET_CHUNK_MAX);
    right->n = c->n - keep;
    memcpy(right->o, c->o + keep, right->n * sizeof(c->o[0]));
    c->n = keep;
    chunks_insert(s, i + 1, right);
    return at > keep || at_end ? i + 1 : i;
}

void oset_put(struct oset *s, struct kube_object *take, struct kube_object **replaced)
{
    *replaced = NULL;
    if (s->n == 0)
        chunks_insert(s, 0, chunk_new(4));
    bool found = false;
    size_t i = s->count > 0 ? chunk_of(s, take->ns, take->name) : 0;
    uint32_t at = place_in(s->chunks[i], take->ns, take->name, &found);
    if (found) {
        struct oset_chunk *c = chunk_own(s, i, false);
        *replaced = c->o[at];
        c->o[at] = take;
        return;
    }
    if (s->chunks[i]->n == OSET_CHUNK_MAX) {
        i = split(s, i, at);
        at = place_in(s->chunks[i], take->ns, take->name, &found);
    }
    struct oset_chunk *c = chunk_own(s, i, true);
    memmove(c->o + at + 1, c->o + at, (c->n - at) * sizeof(c->o[0]));
    c->o[at] = take;
    c->n++;
    s->count++;
}

/* Joins a small chunk with its right neighbour, so that deletions do not leave a trail of tiny ones. */
static void maybe_merge(struct oset *s, size_t i)
{
    if (i + 1 >= s->n || s->chunks[i]->n + s->chunks[i + 1]->n > OSET_CHUNK_MAX / 2)
        return;
    struct oset_chunk *right = chunk_own(s, i + 1, false);
    struct oset_chunk *left = chunk_own(s, i, false);
    while (left->cap < left->n + right->n) {
        left->cap *= 2;
        left = s->chunks[i] = mem_resize(left, sizeof(*left) + left->cap * sizeof(left->o[0]));
    }
    memcpy(left->o + left->n, right->o, right->n * sizeof(left->o[0]));
    left->n += right->n;
    mem_free(right); /* its references moved over */
    chunks_remove(s, i + 1);
}

struct kube_object *oset_remove(struct oset *s, struct str ns, struct str name)
{
    bool found;
    if (s->n == 0)
        return NULL;
    size_t i = chunk_of(s, ns, name);
    uint32_t at = place_in(s->chunks[i], ns, name, &found);
    if (!found)
        return NULL;
    struct oset_chunk *c = chunk_own(s, i, false);
    struct kube_object *o = c->o[at];
    c->n--;
    memmove(c->o + at, c->o + at + 1, (c->n - at) * sizeof(c->o[0]));
    s->count--;
    if (c->n == 0) {
        mem_free(c);
        chunks_remove(s, i);
    } else {
        maybe_merge(s, i);
    }
    return o;
}

void oset_copy(struct oset *to, const struct oset *from)
{
    BUG_ON(to->n != 0, "a copy goes into an empty set");
    mem_free(to->chunks);
    *to = (struct oset){.n = from->n, .cap = from->n, .count = from->count};
    to->chunks = from->n > 0 ? mem_alloc(from->n * sizeof(struct oset_chunk *)) : NULL;
    for (size_t i = 0; i < from->n; i++) {
        to->chunks[i] = from->chunks[i];
        to->chunks[i]->refs++;
    }
}

void oset_free(struct oset *s)
{
    for (size_t i = 0; i < s->n; i++)
        chunk_unref(s->chunks[i]);
    mem_free(s->chunks);
    *s = (struct oset){0};
}
