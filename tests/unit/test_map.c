/* Goal: a map finds what was put, in insertion order, and a walk survives what happens during it.
 * Method: small hand-made cases; prop_map.c tries the rest. */
#include "tests/unit/support/check.h"

#include "engine/base/map.h"

static int values[1000];

static struct str key_of(char room[16], int i)
{
    int n = snprintf(room, 16, "key-%d", i);
    return (struct str){room, (size_t)n};
}

static void entries_are_found(void **state)
{
    struct map m = {0};
    assert_null(map_get(&m, STR("a")));
    assert_null(map_remove(&m, STR("a")));
    assert_null(map_put(&m, STR("a"), &values[1]));
    assert_ptr_equal(map_put(&m, STR("a"), &values[2]), &values[1]);
    assert_ptr_equal(map_get(&m, STR("a")), &values[2]);
    assert_null(map_put(&m, str_empty, NULL));
    assert_true(map_has(&m, str_empty));
    assert_null(map_get(&m, str_empty));
    assert_null(map_put(&m, STR("a\0b"), &values[3]));
    assert_ptr_equal(map_get(&m, STR("a\0b")), &values[3]);
    assert_int_equal(map_count(&m), 3);
    assert_ptr_equal(map_remove(&m, STR("a")), &values[2]);
    assert_false(map_has(&m, STR("a")));
    map_clear(&m);
    assert_int_equal(map_count(&m), 0);
    assert_false(map_has(&m, str_empty));
    assert_null(map_put(&m, STR("b"), &values[1]));
    assert_true(map_has(&m, STR("b")));
    map_free(&m);
    assert_null(map_get(&m, STR("b")));
}

static void order_is_that_of_insertion(void **state)
{
    struct map m = {0};
    char room[16];
    for (int i = 999; i >= 0; i--)
        map_put(&m, key_of(room, i), &values[i]);
    for (int i = 0; i < 1000; i += 2)
        map_remove(&m, key_of(room, i));
    map_put(&m, key_of(room, 501), &values[501]); /* replacing does not move */
    map_put(&m, key_of(room, 0), &values[0]);     /* putting anew does */
    int expected = 999;
    size_t n = 0;
    struct str key;
    void *value;
    for (size_t i = 0; map_next(&m, &i, &key, &value); n++) {
        check_str_eq(key, key_of(room, expected));
        assert_ptr_equal(value, &values[expected]);
        expected = expected == 1 ? 0 : expected - 2;
    }
    assert_int_equal(n, 501);
    map_free(&m);
}

/* Every entry that is there from before its turn to its turn is visited once, whatever comes and goes meanwhile. */
static void walks_survive_changes(void **state)
{
    struct map m = {0};
    char room[16];
    int visited[1000] = {0};
    for (int i = 0; i < 20; i++)
        map_put(&m, key_of(room, i), &values[i]);
    int next = 20;
    void *value;
    for (size_t i = 0; map_next(&m, &i, NULL, &value);) {
        int at = (int)((int *)value - values);
        visited[at]++;
        map_remove(&m, key_of(room, at)); /* the one just visited */
        if (next < 900) {                 /* the array is squeezed many times during this */
            map_put(&m, key_of(room, next), &values[next]);
            next++;
        }
        if (at == 10)
            map_remove(&m, key_of(room, 15)); /* one to come */
    }
    for (int i = 0; i < 900; i++)
        assert_int_equal(visited[i], i != 15);
    assert_int_equal(map_count(&m), 0);
    map_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_found),
        cmocka_unit_test(order_is_that_of_insertion),
        cmocka_unit_test(walks_survive_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
