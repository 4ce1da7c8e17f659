/* Goal: a heap gives its nodes in the order of (at, seq), whatever was pushed, popped and removed before.
 * Method: random operations, against a search through all nodes. */
#include "tests/property/support/seed.h"

#include "engine/base/heap.h"

#define NODES 300

struct timer {
    struct heap_node node;
    int64_t at;
    uint64_t seq;
};

static struct timer *least(struct timer timers[NODES])
{
    struct timer *found = NULL;
    for (size_t i = 0; i < NODES; i++) {
        struct timer *t = &timers[i];
        if (heap_has(&t->node) &&
            (!found || t->at < found->at || (t->at == found->at && t->seq < found->seq)))
            found = t;
    }
    return found;
}

static void try_seed(struct rng *r)
{
    struct timer timers[NODES] = {{.at = 0}};
    struct heap h = {0};
    uint64_t seq = 0;
    size_t live = 0;
    int64_t spread = (int64_t)1 << draw(r, 63);
    for (int step = 0; step < 4000; step++) {
        struct timer *t = &timers[draw(r, NODES)], *first = least(timers);
        int64_t at;
        struct heap_node *node;
        assert_int_equal(heap_peek(&h, &at, &node), first != NULL);
        if (first) {
            assert_ptr_equal(node, &first->node);
            assert_true(at == first->at);
        }
        if (rng_chance(r, 300000)) {
            assert_ptr_equal(heap_pop(&h), first ? &first->node : NULL);
            live -= first != NULL;
        } else if (heap_has(&t->node)) {
            heap_remove(&h, &t->node);
            live--;
        } else {
            t->at = rng_between(r, -spread, spread - 1);
            t->seq = seq++;
            heap_push(&h, &t->node, t->at, t->seq);
            live++;
        }
        assert_int_equal(h.n, live);
    }
    heap_free(&h);
}

static void heap_is_like_its_model(void **state)
{
    each_seed(30, try_seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(heap_is_like_its_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
