/* Goal: writing and reading are inverse; canonical text does not depend on the order of keys; no mutation of a text
 * makes the reader crash, accept what it must not, or build a tree that is not sound.
 * Method: random trees; mutated texts, of which those that are accepted must survive another round unchanged. */
#include "tests/property/support/seed.h"

#include "engine/base/json.h"

static struct str any_text(struct rng *r, struct arena *a)
{
    static const char *const pieces[] = {"a",
                                         "name",
                                         "\"",
                                         "\\",
                                         "\n",
                                         "\x1f",
                                         "/",
                                         "\xc3\xa9",
                                         "\xe2\x82\xac",
                                         "\xf0\x9f\x98\x80",
                                         "12345678",
                                         "{",
                                         "\x7f",
                                         " "};
    struct buf text = {0};
    for (size_t n = draw(r, 6); n > 0; n--)
        buf_add_c(&text, pieces[draw(r, ARRAY_LEN(pieces))]);
    struct str kept = arena_str(a, buf_str(&text));
    buf_free(&text);
    return kept;
}

static cJSON *any_value(struct rng *r, struct arena *a, unsigned depth)
{
    size_t kind = draw(r, depth < 5 ? 8 : 5);
    if (kind == 0)
        return json_null(a);
    if (kind == 1)
        return json_bool_new(a, rng_chance(r, 500000));
    if (kind == 2)
        return json_int_new(a, (int64_t)(rng_u64(r) >> draw(r, 64)));
    if (kind <= 4)
        return json_str(a, any_text(r, a));
    bool list = kind == 5;
    cJSON *v = list ? json_array(a) : json_object(a);
    for (size_t n = rng_chance(r, 50000) ? draw(r, 100) : draw(r, 6); n > 0; n--) {
        cJSON *child = any_value(r, a, depth + 1);
        if (list)
            json_append(v, child);
        else
            json_set(a, v, any_text(r, a), child);
    }
    return v;
}

static void check_sound(const cJSON *v)
{
    const cJSON *last = NULL;
    for (const cJSON *c = v->child; c; last = c, c = c->next) {
        if (last)
            assert_ptr_equal(c->prev, last);
        assert_int_equal(c->string != NULL, v->type == cJSON_Object);
        check_sound(c);
    }
    if (v->child)
        assert_ptr_equal(v->child->prev, last);
}

/* The members in another order. */
static void shuffle(struct rng *r, struct arena *a, cJSON *v)
{
    for (cJSON *c = v->child; c; c = c->next)
        shuffle(r, a, c);
    if (v->type != cJSON_Object || !v->child)
        return;
    for (size_t k = draw(r, 5); k > 0; k--) {
        cJSON *c = v->child;
        for (size_t skip = draw(r, 5); skip > 0 && c->next; skip--)
            c = c->next;
        struct str key = str_c(c->string);
        assert_true(json_unset(v, key));
        json_set(a, v, key, c);
    }
}

static void try_trees(struct rng *r)
{
    for (int round = 0; round < 60; round++) {
        struct arena a = {0};
        struct buf text = {0}, again = {0};
        cJSON *v = any_value(r, &a, 0), *back;
        check_sound(v);
        json_write(&text, v);
        check_ok(json_parse(&a, buf_str(&text), &back));
        check_sound(back);
        assert_true(json_equal(v, back));
        json_write(&again, back);
        check_str_eq(buf_str(&again), buf_str(&text));
        cJSON *copy = json_copy(&a, v);
        shuffle(r, &a, copy);
        check_sound(copy);
        assert_true(json_equal(v, copy));
        buf_clear(&again);
        json_write(&again, copy);
        check_str_eq(buf_str(&again), buf_str(&text));
        buf_free(&text);
        buf_free(&again);
        arena_free(&a);
    }
}

static void check_accepted(struct arena *a, cJSON *v)
{
    struct buf text = {0}, again = {0};
    cJSON *back;
    check_sound(v);
    json_write(&text, v);
    check_ok(json_parse(a, buf_str(&text), &back));
    json_write(&again, back);
    check_str_eq(buf_str(&again), buf_str(&text));
    buf_free(&text);
    buf_free(&again);
}

static void try_mutations(struct rng *r)
{
    static const char alphabet[] = "{}[]:,\"\\u0dD9-+.eE truefalsn\n\t\xc3\xa9\xed\xff\x01";
    for (int round = 0; round < 200; round++) {
        struct arena a = {0};
        struct buf text = {0};
        cJSON *v;
        json_write(&text, any_value(r, &a, 1));
        for (size_t k = 1 + draw(r, 4); k > 0; k--)
            text.p[draw(r, text.n)] = alphabet[draw(r, sizeof(alphabet) - 1)];
        struct str exact = str_dup(str_sub(buf_str(&text), 0, 1 + draw(r, text.n)));
        struct err *err = json_parse(&a, exact, &v);
        if (!err)
            check_accepted(&a, v);
        else
            assert_true(err->line >= 1 && err->column >= 1);
        err_free(err);
        struct str duplicate;
        err = json_parse_lenient(&a, exact, &v, &duplicate);
        if (!err)
            check_accepted(&a, v);
        err_free(err);
        str_free(&exact);
        buf_free(&text);
        arena_free(&a);
    }
}

static void trees_go_round(void **state)
{
    each_seed(20, try_trees);
}

static void mutations_are_harmless(void **state)
{
    each_seed(20, try_mutations);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_go_round),
        cmocka_unit_test(mutations_are_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
