/* Goal: nodes leave in order of (at, seq); any of them can be taken out. prop_heap.c tries the rest. */
#include "tests/unit/support/check.h"

#include "engine/base/heap.h"

static void order_is_at_then_seq(void **state)
{
    static const struct {
        int64_t at;
        uint64_t seq;
    } slots[] = {{5, 1}, {INT64_MIN, 2}, {5, 0}, {INT64_MAX, 3}, {-1, 9}, {-1, 8}};
    static const size_t order[] = {1, 5, 4, 2, 0, 3};
    struct heap_node nodes[ARRAY_LEN(slots)] = {{0}};
    struct heap h = {0};
    for (size_t i = 0; i < ARRAY_LEN(slots); i++)
        heap_push(&h, &nodes[i], slots[i].at, slots[i].seq);
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        int64_t at;
        struct heap_node *node;
        assert_true(heap_peek(&h, &at, &node));
        assert_ptr_equal(node, &nodes[order[i]]);
        assert_true(at == slots[order[i]].at);
        assert_true(heap_has(node));
        assert_ptr_equal(heap_pop(&h), node);
        assert_false(heap_has(node));
    }
    assert_null(heap_pop(&h));
    heap_free(&h);
}

static void nodes_are_taken_out(void **state)
{
    struct heap_node nodes[50] = {{0}};
    struct heap h = {0};
    for (size_t i = 0; i < 50; i++)
        heap_push(&h, &nodes[i], (int64_t)(i * 17 % 50), i);
    for (size_t i = 0; i < 50; i += 2) {
        heap_remove(&h, &nodes[i]);
        heap_remove(&h, &nodes[i]);
    }
    assert_int_equal(h.n, 25);
    int64_t last = -1, at;
    struct heap_node *node;
    while (heap_peek(&h, &at, &node)) {
        assert_true(at > last);
        last = at;
        (void)heap_pop(&h);
    }
    heap_push(&h, &nodes[0], 1, 1);
    heap_free(&h);
    assert_false(heap_has(&nodes[0])); /* freeing lets go of the nodes */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_at_then_seq),
        cmocka_unit_test(nodes_are_taken_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
