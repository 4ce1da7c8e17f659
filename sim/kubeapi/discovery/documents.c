#include "sim/kubeapi/discovery/documents.h"

#include "sim/kubeapi/crd/crds.h"

#include "engine/pki/pki.h"
#include <stdlib.h>

struct documents {
    struct kubeapi *api;
    struct map kept; /* name → struct document * */
    struct arena a;  /* of the rows */
    const struct api_kind **rows;
    size_t rows_n;
    uint64_t generation; /* of the rows */
    bool ready;
};

/* ---- order ---- */

/* v2 before v1 before v1beta2 before v1alpha1 before anything else: larger is newer. */
static uint64_t version_rank(struct str v)
{
    uint64_t major = 0, minor = 0, stage = 3;
    size_t i = 1;
    if (v.n < 2 || v.p[0] != 'v' || v.p[1] < '1' || v.p[1] > '9')
        return 0;
    for (; i < v.n && v.p[i] >= '0' && v.p[i] <= '9'; i++)
        major = major * 10 + (uint64_t)(v.p[i] - '0');
    struct str rest = str_sub(v, i, v.n);
    if (rest.n > 0) {
        bool beta = str_starts(rest, STR("beta")), alpha = str_starts(rest, STR("alpha"));
        if (!beta && !alpha)
            return 0;
        stage = beta ? 2 : 1;
        if (!str_to_u64(str_sub(rest, beta ? 4 : 5, rest.n), &minor))
            return 0;
    }
    return stage << 60 | (major & 0xfffffff) << 30 | (minor & 0x3fffffff);
}

/* Built-in groups stand in the order of the table, groups of definitions behind them. */
static size_t group_rank(struct str group)
{
    size_t i = 0;
    while (i < api_kinds_n && !str_eq(api_kinds[i].group, group))
        i++;
    return i;
}

struct ranked {
    const struct api_kind *k;
    size_t group;
    uint64_t version;
};

static int ranked_cmp(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    int by_group = str_cmp(x->k->group, y->k->group);
    if (by_group != 0)
        return by_group;
    if (x->version != y->version)
        return x->version > y->version ? -1 : 1;
    int by_version = str_cmp(x->k->version, y->k->version);
    return by_version != 0 ? by_version : str_cmp(x->k->resource, y->k->resource);
}

/* ---- rows ---- */

static struct ranked rank(const struct api_kind *k)
{
    return (struct ranked){k, group_rank(k->group), version_rank(k->version)};
}

static void rows_take(struct documents *x)
{
    const struct api_kind *k;
    size_t cap = api_kinds_n, n = 0;
    struct arena scratch = {0};
    for (size_t i = 0; crds_next(x->api->crds, &i, &k);)
        cap++;
    struct ranked *all = ARENA_NEW_ARRAY(&scratch, struct ranked, cap);
    for (size_t i = 0; i < api_kinds_n; i++)
        if (!api_kind_is_sub(&api_kinds[i]))
            all[n++] = rank(&api_kinds[i]);
    for (size_t i = 0; crds_next(x->api->crds, &i, &k);)
        all[n++] = rank(k);
    qsort(all, n, sizeof all[0], ranked_cmp);
    arena_reset(&x->a);
    x->rows = ARENA_NEW_ARRAY(&x->a, const struct api_kind *, n);
    for (size_t i = 0; i < n; i++)
        x->rows[i] = all[i].k;
    x->rows_n = n;
    arena_free(&scratch);
}

uint64_t documents_generation(const struct documents *x)
{
    return crds_generation(x->api->crds);
}

struct documents_rows documents_rows(struct documents *x)
{
    if (!x->ready || x->generation != documents_generation(x))
        rows_take(x);
    x->ready = true;
    x->generation = documents_generation(x);
    return (struct documents_rows){x->rows, x->rows_n};
}

size_t documents_group_end(const struct documents_rows *rows, size_t at)
{
    size_t end = at;
    while (end < rows->n && str_eq(rows->rows[end]->group, rows->rows[at]->group))
        end++;
    return end;
}

size_t documents_version_end(const struct documents_rows *rows, size_t at)
{
    size_t end = at;
    while (end < rows->n && str_eq(rows->rows[end]->group, rows->rows[at]->group) &&
           str_eq(rows->rows[end]->version, rows->rows[at]->version))
        end++;
    return end;
}

bool documents_find(const struct documents_rows *rows, struct str group, struct str version,
                    size_t *at)
{
    for (size_t i = 0; i < rows->n; i++)
        if (str_eq(rows->rows[i]->group, group) &&
            (version.n == 0 || str_eq(rows->rows[i]->version, version))) {
            *at = i;
            return true;
        }
    return false;
}

const struct api_kind *documents_sub(const struct api_kind *main, size_t *i)
{
    const struct api_kind *end = main->crd ? NULL : api_kinds + api_kinds_n;
    const struct api_kind *k = main + 1 + *i;
    if (k == end || k->resource.n == 0 || !api_kind_is_sub(k))
        return NULL;
    ++*i;
    return k;
}

/* ---- kept documents ---- */

#define DOCUMENTS_PER_ROW 4u /* more are kept only of groups that are gone: then all go */

static void document_clear(struct document *d)
{
    str_free(&d->bytes);
    str_free(&d->hash);
}

static void documents_clear(struct documents *x)
{
    void *value;
    for (size_t i = 0; map_next(&x->kept, &i, NULL, &value);) {
        document_clear(value);
        mem_free(value);
    }
    map_clear(&x->kept);
}

const struct document *documents_get(struct documents *x, struct str name, uint64_t stamp,
                                     void (*write)(void *data, struct buf *out), void *data)
{
    struct document *d = map_get(&x->kept, name);
    struct buf b = {0}, hash = {0};
    if (d && d->stamp == stamp)
        return d;
    if (!d) {
        if (map_count(&x->kept) >= DOCUMENTS_PER_ROW * (documents_rows(x).n + 1))
            documents_clear(x);
        d = MEM_NEW(struct document);
        d->bytes = d->hash = str_empty;
        map_put(&x->kept, name, d);
    }
    document_clear(d);
    write(data, &b);
    pki_sha256_hex(buf_str(&b), &hash);
    for (size_t i = 0; i < hash.n; i++)
        if (hash.p[i] >= 'a' && hash.p[i] <= 'f')
            hash.p[i] = (char)(hash.p[i] - 'a' + 'A');
    d->bytes = buf_take(&b);
    d->hash = buf_take(&hash);
    d->stamp = stamp;
    return d;
}

struct documents *documents_new(struct kubeapi *api)
{
    struct documents *x = MEM_NEW(struct documents);
    x->api = api;
    return x;
}

void documents_free(struct documents *x)
{
    documents_clear(x);
    map_free(&x->kept);
    arena_free(&x->a);
    mem_free(x);
}
