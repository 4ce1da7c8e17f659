/* Goal: walking bytes by blocks finds what a walk byte by byte finds, wherever blocks begin and end, strings and escapes
 * included; what is cut off is refused and never read beyond.
 * Method: random trees, written canonically; every path of a tree, looked up in the text, must give the bytes of its value;
 * the place of the status is remembered by an object, and must be the same when it is asked for again. */
#include "tests/property/support/seed.h"

#include "engine/kube/object.h"
#include "engine/kube/scan.h"

static struct str any_text(struct rng *r, struct arena *a)
{
    static const char *const pieces[] = {"a",
                                         "\"",
                                         "\\",
                                         "\\\"",
                                         "{",
                                         "}",
                                         "[",
                                         "]",
                                         "_",
                                         "yY\x7f",
                                         ":",
                                         ",",
                                         "0123456789012345",
                                         "\xc3\xa9",
                                         "\n"};
    struct buf text = {0};
    for (size_t n = rng_chance(r, 100000) ? draw(r, 80) : draw(r, 7); n > 0; n--)
        buf_add_c(&text, pieces[draw(r, ARRAY_LEN(pieces))]);
    struct str kept = arena_str(a, buf_str(&text));
    buf_free(&text);
    return kept;
}

static cJSON *any_value(struct rng *r, struct arena *a, unsigned depth)
{
    size_t kind = draw(r, depth < 6 ? 9 : 4);
    if (kind == 0)
        return json_bool_new(a, rng_chance(r, 500000));
    if (kind == 1)
        return json_int_new(a, (int64_t)draw(r, 100000));
    if (kind < 4)
        return json_str(a, any_text(r, a));
    cJSON *v = kind < 6 ? json_array(a) : json_object(a);
    for (size_t n = draw(r, 6), i = 0; i < n; i++) {
        cJSON *child = any_value(r, a, depth + 1);
        if (kind < 6)
            json_append(v, child);
        else
            json_set(a, v, arena_printf(a, "k%zu", draw(r, 20)), child);
    }
    return v;
}

static void check_text(const cJSON *v, struct str found)
{
    struct buf wanted = {0};
    json_write(&wanted, v);
    assert_true(str_eq(buf_str(&wanted), found));
    buf_free(&wanted);
}

/* Every value of the tree, by its path. */
static void check_paths(struct arena *a, struct str text, const cJSON *v, struct str path,
                        unsigned depth)
{
    size_t i = 0;
    assert_true(depth < 20);
    check_text(v, scan_path(text, arena_c(a, path)));
    if (json_is_string(v) || !v->child)
        return;
    for (const cJSON *c = v->child; c; c = c->next, i++) {
        struct str step = c->string ? str_c(c->string) : arena_printf(a, "%zu", i);
        struct str deeper =
            arena_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(path), path.n ? "." : "", STR_ARG(step));
        check_paths(a, text, c, deeper, depth + 1);
    }
}

static void round_of_paths(struct rng *r)
{
    struct arena a = {0};
    struct buf text = {0};
    cJSON *tree = json_object(&a);
    for (const char *const *k = (const char *const[]){"a", "list", "z", NULL}; *k; k++)
        json_set(&a, tree, str_c(*k), any_value(r, &a, 0));
    json_write(&text, tree);
    check_paths(&a, buf_str(&text), tree, str_empty, 0);
    assert_int_equal(scan_path(buf_str(&text), "absent").n, 0);
    /* cut off, in memory of its own so that a step beyond is seen */
    struct str cut = str_dup(str_sub(buf_str(&text), 0, 1 + draw(r, text.n - 1)));
    (void)scan_path(cut, "z.k1");
    assert_int_equal(scan_path(cut, "zz").n, 0);
    str_free(&cut);
    buf_free(&text);
    arena_free(&a);
}

static void round_of_status(struct rng *r)
{
    struct arena a = {0};
    struct kube_object *o;
    cJSON *tree = json_object(&a), *status = any_value(r, &a, 0);
    bool there = rng_chance(r, 800000);
    json_set(&a, tree, STR("metadata"), json_object(&a));
    json_set(&a, tree, STR("spec"), any_value(r, &a, 0));
    json_set(&a, tree, STR("statuses"), json_int_new(&a, 7));
    if (there)
        json_set(&a, tree, STR("status"), status);
    assert_null(kube_object_from_tree(tree, &o));
    for (int twice = 0; twice < 2; twice++) {
        if (there)
            check_text(status, kube_object_raw(o, "status"));
        else
            assert_int_equal(kube_object_raw(o, "status").n, 0);
        assert_true(str_eq(kube_object_raw(o, "status.k1"), scan_path(o->json, "status.k1")));
        assert_true(str_eq_c(kube_object_raw(o, "statuses"), "7"));
    }
    kube_object_unref(o);
    arena_free(&a);
}

static void try_trees(struct rng *r)
{
    for (unsigned i = 0; i < 100; i++) {
        round_of_paths(r);
        round_of_status(r);
    }
}

static void values_are_found(void **state)
{
    each_seed(20, try_trees);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(values_are_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
