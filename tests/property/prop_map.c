/* Goal: a map is what a list of pairs would be, whatever is done to it, and every walk sees what it must.
 * Method: random operations on both; walks during which entries come and go, against what the model says. */
#include "tests/property/support/seed.h"

#include "engine/base/map.h"

#define KEYS 600

struct model {
    int order[KEYS]; /* keys in order of insertion */
    int n;
    int *values[KEYS]; /* NULL: absent */
};

static int cells[64];

static int find(const struct model *m, int key)
{
    for (int i = 0; i < m->n; i++)
        if (m->order[i] == key)
            return i;
    return -1;
}

static void model_put(struct model *m, int key, int *value)
{
    if (find(m, key) < 0)
        m->order[m->n++] = key;
    m->values[key] = value;
}

static void model_remove(struct model *m, int key)
{
    int at = find(m, key);
    m->values[key] = NULL;
    if (at < 0)
        return;
    memmove(m->order + at, m->order + at + 1, (size_t)(m->n - at - 1) * sizeof(int));
    m->n--;
}

/* Keys of all lengths, some of which start alike. */
static struct str key_text(int key, char room[64])
{
    int n =
        snprintf(room, 64, "%.*s%d", key % 40, "a-rather-long-prefix-that-many-keys-share", key);
    return (struct str){room, (size_t)n};
}

static int key_number(struct str text)
{
    size_t digits = text.n;
    while (digits > 0 && text.p[digits - 1] >= '0' && text.p[digits - 1] <= '9')
        digits--;
    uint64_t key;
    assert_true(str_to_u64(str_sub(text, digits, text.n), &key));
    return (int)key;
}

static void check_same(const struct map *map, const struct model *m)
{
    struct str key;
    void *value;
    int at = 0;
    assert_int_equal(map_count(map), m->n);
    for (size_t i = 0; map_next(map, &i, &key, &value); at++) {
        assert_true(at < m->n);
        assert_int_equal(key_number(key), m->order[at]);
        assert_ptr_equal(value, m->values[m->order[at]]);
    }
    assert_int_equal(at, m->n);
}

static void change(struct rng *r, struct map *map, struct model *m, size_t keys)
{
    char room[64];
    int key = (int)draw(r, keys);
    struct str text = key_text(key, room);
    assert_ptr_equal(map_get(map, text), m->values[key]);
    assert_int_equal(map_has(map, text), find(m, key) >= 0);
    if (rng_chance(r, 480000)) {
        int *value = &cells[draw(r, ARRAY_LEN(cells))];
        assert_ptr_equal(map_put(map, text, value), m->values[key]);
        model_put(m, key, value);
    } else {
        assert_ptr_equal(map_remove(map, text), m->values[key]);
        model_remove(m, key);
    }
}

/* During a walk: whoever was there at the start and never left is visited once; nobody is visited twice without having
 * been put again; whoever is in the map at the end and came later than the walk began is visited as well. */
static void walk_with_changes(struct rng *r, struct map *map, struct model *m, size_t keys)
{
    bool stayed[KEYS] = {false};
    int seen[KEYS] = {0}, budget = 2000;
    for (int i = 0; i < m->n; i++)
        stayed[m->order[i]] = true;
    struct str key;
    for (size_t i = 0; map_next(map, &i, &key, NULL);) {
        seen[key_number(key)]++;
        for (size_t k = draw(r, 4); k > 0 && budget > 0; k--, budget--) {
            struct model before = *m;
            change(r, map, m, keys);
            for (int c = 0; c < (int)keys; c++)
                if (before.values[c] && !m->values[c])
                    stayed[c] = false;
        }
    }
    for (size_t c = 0; c < keys; c++) {
        if (stayed[c])
            assert_int_equal(seen[c], 1);
        if (m->values[c])
            assert_true(seen[c] >= 1);
    }
}

static void try_seed(struct rng *r)
{
    struct map map = {0};
    struct model *m = MEM_NEW(struct model);
    size_t keys = 1 + draw(r, KEYS);
    for (int phase = 0; phase < 6; phase++) {
        for (size_t k = draw(r, 1500); k > 0; k--)
            change(r, &map, m, keys);
        check_same(&map, m);
        walk_with_changes(r, &map, m, keys);
        check_same(&map, m);
        if (rng_chance(r, 100000)) {
            map_clear(&map);
            *m = (struct model){0};
        }
    }
    map_free(&map);
    mem_free(m);
}

static void map_is_like_its_model(void **state)
{
    each_seed(30, try_seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(map_is_like_its_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
